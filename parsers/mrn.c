/* parsers/mrn.c - LSEG Machine Readable News, as the Real-Time websocket API sends it.
 *
 *     [ { "Type": "Update", "Fields": { "MRN_SRC", "GUID", "FRAG_NUM": 1, "TOT_SIZE", "FRAGMENT" } }, ... ]
 *          FRAGMENT --base64--> a piece of gzip; the pieces of one MRN_SRC and GUID, by FRAG_NUM --gunzip--> a story:
 *     { "id", "headline", "body", "provider": "NS:...", "subjects": [ "R:...", "N2:..." ], "urgency", ... }
 *
 * Source    LSEG Machine Readable News data model 2.10; Real-Time Optimized websocket API; RFC 4648, RFC 1952.
 *
 * A message is a frame of the websocket, an array of updates.  Fragments are joined within it and not across messages:
 * of a story in several frames pipeline/joiner.h makes one array first.  Its stories come in the order of their first
 * fragments; one whose fragments are not all there is a cut message, said behind those that are whole.
 * A ping, and the first refresh, which is all nulls, say nothing.
 *
 * The version is the take: takes of one id follow each other, and a later one replaces the one before.
 */
#include <string.h>
#include <zlib.h>
#include "parsers/ascii.h"
#include "parsers/html.h"
#include "parsers/json_item.h"
#include "parsers/mrn.h"

#define FRAGMENTS_MAX 1024u /* of one message: real frames have a handful */
#define STATE_LEN     16384u /* what zlib takes once to inflate: some 10 KB */
#define PEEK_LEN      4096u
#define PEEK_PACKED   1024u /* a flash is a headline, and packed no longer than this */
#define LABEL_MAX     24u

struct fragment {
    struct sl_json_string guid, source, type, packed;
    uint32_t number, total; /* FRAG_NUM, TOT_SIZE */
    uint32_t off; /* where its update begins */
    bool used;
};

/* The message's fragments, in its parse's scratch from its first story to its last. */
struct frame {
    uint32_t cnt;
    struct fragment fragment[FRAGMENTS_MAX];
};

static const struct sl_ref none;

/* ---- updates ---- */

static void read_fields(struct sl_json *json, struct fragment *fragment)
{
    struct sl_json_string name, number;
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        switch (sl_json_name(name)) {
        case SL_NAME_GUID:
            sl_json_read_string(json, &fragment->guid);
            break;
        case SL_NAME_MRN_SRC:
            sl_json_read_string(json, &fragment->source);
            break;
        case SL_NAME_MRN_TYPE:
            sl_json_read_string(json, &fragment->type);
            break;
        case SL_NAME_FRAGMENT:
            sl_json_read_string(json, &fragment->packed);
            break;
        case SL_NAME_FRAG_NUM:
            fragment->number = sl_json_read_scalar(json, &number) ? sl_json_number(number) : 0;
            break;
        case SL_NAME_TOT_SIZE:
            fragment->total = sl_json_read_scalar(json, &number) ? sl_json_number(number) : 0;
            break;
        default:
            sl_json_skip(json);
        }
    }
}

static void read_update(struct sl_json *json, struct fragment *fragment)
{
    struct sl_json_string name;
    *fragment = (struct fragment){ .off = json->at };
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        if (sl_json_name(name) == SL_NAME_FIELDS)
            read_fields(json, fragment);
        else
            sl_json_skip(json);
    }
}

static enum sl_parse_code read_frame(struct sl_parse *parse, struct frame *frame)
{
    struct sl_json json;
    struct fragment fragment;
    sl_json_begin(&json, (struct sl_span){ parse->data, parse->len });
    bool is_list = sl_json_peek(&json) == SL_JSON_ARRAY && sl_json_enter(&json, SL_JSON_ARRAY), first = true;
    while (is_list ? sl_json_element(&json) : first) {
        first = false;
        read_update(&json, &fragment);
        if (fragment.packed.text.len == 0)
            continue;
        if (frame->cnt == FRAGMENTS_MAX)
            return sl_reject(parse, SL_PARSE_TOO_LARGE, fragment.off, "at most 1024 fragments in a message");
        frame->fragment[frame->cnt++] = fragment;
    }
    return sl_json_end(&json) ? SL_PARSE_OK : sl_reject(parse, json.err.code, json.err.off, json.err.want);
}

static bool same(struct sl_json_string a, struct sl_json_string b)
{
    return a.text.len == b.text.len && (a.text.len == 0 || memcmp(a.text.data, b.text.data, a.text.len) == 0);
}

/* How many bytes the base64 between the quotes stands for. */
static uint32_t count_packed(struct sl_json_string packed)
{
    uint32_t len = packed.text.len, padding = 0;
    if (len == 0)
        return 0;
    const uint8_t *at = packed.text.data, *end = at + len;
    while (padding < 2 && padding < len && end[-1 - (int)padding] == '=')
        padding++;
    while (packed.flags & SL_JSON_ESCAPED && (at = memchr(at, '\\', (size_t)(end - at)))) {
        uint32_t escape_len = at[1] == 'u' ? 6 : 2; /* of one character; the scanner has seen that it is whole */
        len -= escape_len - 1;
        at += escape_len;
    }
    return len < padding ? 0 : (uint32_t)((uint64_t)(len - padding) * 3 / 4);
}

uint32_t sl_mrn_parts(const uint8_t *data, uint32_t len, struct sl_mrn_part *parts, uint32_t max)
{
    struct sl_json json;
    struct fragment fragment;
    uint32_t cnt = 0;
    sl_json_begin(&json, (struct sl_span){ data, len });
    bool is_list = sl_json_peek(&json) == SL_JSON_ARRAY && sl_json_enter(&json, SL_JSON_ARRAY), first = true;
    while (is_list ? sl_json_element(&json) : first) {
        first = false;
        read_update(&json, &fragment);
        if (cnt == max)
            return SL_MRN_UNREAD;
        parts[cnt++] = (struct sl_mrn_part){
            .source = fragment.source.text,
            .guid = fragment.guid.text,
            .off = fragment.off,
            .len = json.at - fragment.off,
            .number = fragment.number,
            .total = fragment.total,
            .packed_len = count_packed(fragment.packed),
        };
    }
    return sl_json_end(&json) ? cnt : SL_MRN_UNREAD;
}

/* ---- base64 ---- */

static uint32_t sextet(uint8_t c)
{
    static const uint8_t values[128] = {
        ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
        ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
        ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
        ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
        ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
        ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
        ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
        ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
    };
    return c < 128 ? values[c] - 1u : UINT32_MAX;
}

/* Appends to to, which has room for three quarters of text, and moves *len.  False: no base64 with its padding. */
static bool decode_base64(uint8_t *to, uint32_t *len, struct sl_span text)
{
    uint32_t padding = 0, bits = 0;
    while (padding < 2 && text.len != 0 && text.data[text.len - 1] == '=') {
        text.len--;
        padding++;
    }
    if ((text.len + padding) % 4 != 0)
        return false;
    for (uint32_t i = 0; i < text.len; i++) {
        uint32_t value = sextet(text.data[i]);
        if (value > 63)
            return false;
        bits = bits << 6 | value;
        if (i % 4 == 1)
            to[(*len)++] = (uint8_t)(bits >> 4);
        else if (i % 4 == 2)
            to[(*len)++] = (uint8_t)(bits >> 2);
        else if (i % 4 == 3)
            to[(*len)++] = (uint8_t)bits;
    }
    return true;
}

/* ---- gzip ---- */

/* Memory for one inflate.  zlib asks once for its state; a second time only for a window, which nobody needs who has
 * room for all of the output at once. */
struct arena {
    uint8_t *mem;
    uint32_t left;
};

static void *arena_take(void *opaque, unsigned cnt, unsigned size)
{
    struct arena *arena = opaque;
    uint64_t len = ((uint64_t)cnt * size + 15) & ~15ull;
    if (len > arena->left)
        return NULL;
    uint8_t *taken = arena->mem;
    arena->mem += len;
    arena->left -= (uint32_t)len;
    return taken;
}

static void arena_leave(void *opaque, void *mem)
{
    (void)opaque;
    (void)mem;
}

enum unpacked { UNPACKED, UNPACKED_IN_PART, UNPACKED_NOT };

/* The whole of packed, or as much as to has room for. */
static enum unpacked unpack(struct arena arena, struct sl_span packed, uint8_t *to, uint32_t *len)
{
    z_stream stream = { .zalloc = arena_take, .zfree = arena_leave, .opaque = &arena };
    if (inflateInit2(&stream, 15 + 16) != Z_OK)
        return UNPACKED_NOT;
    stream.next_in = (Bytef *)(uintptr_t)packed.data; /* zlib only reads it */
    stream.avail_in = packed.len;
    stream.next_out = to;
    stream.avail_out = *len;
    int result = inflate(&stream, Z_FINISH);
    *len -= stream.avail_out;
    inflateEnd(&stream);
    if (result == Z_STREAM_END)
        return stream.avail_in == 0 ? UNPACKED : UNPACKED_NOT;
    return stream.avail_out == 0 ? UNPACKED_IN_PART : UNPACKED_NOT;
}

/* ---- joining ---- */

struct story {
    struct sl_parse *parse;
    const struct fragment *first;
    struct sl_span json; /* unpacked */
    struct sl_json_string text[SL_NAME_CNT];
    const struct sl_label *label;
};

/* The fragment with this number of the story that first begins; NULL: it is not here. */
static struct fragment *find_fragment(struct frame *frame, const struct fragment *first, uint32_t number)
{
    struct fragment *end = frame->fragment + frame->cnt;
    for (struct fragment *it = frame->fragment; it < end; it++) {
        if (!it->used && it->number == number && same(it->guid, first->guid) && same(it->source, first->source))
            return it;
    }
    return NULL;
}

/* Adds one fragment's bytes; false: they are no base64. */
static bool append_fragment(struct sl_parse *parse, struct fragment *fragment, uint8_t *packed, uint32_t *len)
{
    uint32_t used = parse->scratch.used;
    struct sl_span text;
    fragment->used = true;
    bool fine = sl_json_decode(parse, fragment->packed, &text) && decode_base64(packed, len, text);
    parse->scratch.used = used;
    return fine;
}

/* Collects the fragments of first's story in order.  OK, END: some are not here, or a reject. */
static enum sl_parse_code join(struct sl_parse *parse, struct frame *frame, struct fragment *first,
                               struct sl_span *packed)
{
    /* All the message's base64 fits into three quarters of it. */
    uint8_t *bytes = sl_scratch_take(parse, parse->len / 4 * 3 + 3);
    uint32_t len = 0, number = first->number;
    if (!bytes)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, first->off, "fragments that fit into the scratch memory");
    for (struct fragment *it = first; it; it = find_fragment(frame, first, ++number)) {
        if (!append_fragment(parse, it, bytes, &len))
            return sl_reject(parse, SL_PARSE_BAD_TEXT, it->off, "a fragment in base64");
        if (len >= first->total)
            break;
    }
    if (first->total != 0 && len > first->total)
        return sl_reject(parse, SL_PARSE_BAD_TEXT, first->off, "fragments of TOT_SIZE bytes together");
    *packed = (struct sl_span){ bytes, len };
    return len < first->total ? SL_PARSE_END : SL_PARSE_OK;
}

static enum sl_parse_code unpack_story(struct story *story, struct sl_span packed)
{
    struct sl_parse *parse = story->parse;
    struct arena arena = { sl_scratch_take(parse, STATE_LEN), STATE_LEN };
    uint32_t len = parse->scratch.cap - parse->scratch.used;
    uint8_t *to = sl_scratch_take(parse, len / 2);
    len /= 2; /* the other half is for strings that must be decoded */
    if (!arena.mem || !to)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, story->first->off, "room to unpack the story");
    switch (unpack(arena, packed, to, &len)) {
    case UNPACKED:
        story->json = (struct sl_span){ to, len };
        return SL_PARSE_OK;
    case UNPACKED_IN_PART:
        return sl_reject(parse, SL_PARSE_TOO_LARGE, story->first->off, "a story that unpacks to less");
    default:
        return sl_reject(parse, SL_PARSE_BAD_TEXT, story->first->off, "fragments that are gzip");
    }
}

/* ---- the story ---- */

static bool given(struct sl_json_string string) { return string.text.len != 0; }

static struct sl_ref put(struct story *story, struct sl_json_string string)
{
    return sl_json_put_line(story->parse, string);
}

/* "N2:ASIA", "R:3228.T": a scheme and a code. */
static void say_code(struct story *story, enum sl_list list, struct sl_json_string code)
{
    struct sl_out *out = &story->parse->out;
    struct sl_ref whole = put(story, code), scheme = none;
    struct sl_slice text = sl_bulletin_ref(sl_out_root(out), whole);
    const char *colon = text.len != 0 ? memchr(text.data, ':', text.len) : NULL;
    if (whole.len == 0)
        return;
    if (colon) {
        scheme = (struct sl_ref){ whole.off, (uint32_t)(colon - text.data) };
        whole = (struct sl_ref){ whole.off + scheme.len + 1, whole.len - scheme.len - 1 };
    }
    sl_out_item(out, list, scheme, whole, none, none);
    if (list == SL_LIST_SUBJECTS && scheme.len == 1 && text.data[0] == 'R')
        sl_out_item(out, SL_LIST_SYMBOLS, none, sl_out_ref(out, "RIC", 3), whole, none);
}

static void read_codes(struct story *story, struct sl_json *json, enum sl_json_name name)
{
    struct sl_json_string code;
    if (!sl_json_enter(json, SL_JSON_ARRAY))
        return;
    while (sl_json_element(json)) {
        if (!sl_json_read_string(json, &code))
            continue;
        if (name == SL_NAME_SUBJECTS)
            say_code(story, SL_LIST_SUBJECTS, code);
        else if (name == SL_NAME_INSTANCES_OF)
            say_code(story, SL_LIST_GENRES, code);
        else
            sl_out_item(&story->parse->out, SL_LIST_CATEGORIES, put(story, code), none, none, none);
    }
}

static bool read_story(struct story *story)
{
    struct sl_json json;
    struct sl_json_string name;
    sl_json_begin(&json, story->json);
    if (sl_json_enter(&json, SL_JSON_OBJECT)) {
        while (sl_json_member(&json, &name)) {
            enum sl_json_name which = sl_json_name(name);
            if (which == SL_NAME_SUBJECTS || which == SL_NAME_AUDIENCES || which == SL_NAME_INSTANCES_OF)
                read_codes(story, &json, which);
            else if (which != SL_NAME_NONE)
                sl_json_read_scalar(&json, &story->text[which]);
            else
                sl_json_skip(&json);
        }
    }
    return sl_json_end(&json);
}

/* "UPDATE 1-", "CORRECTED-", "REFILE-": capitals before a dash that no blank follows. */
static const struct sl_label *label_of_headline(struct sl_slice headline)
{
    const uint8_t *text = (const uint8_t *)headline.data;
    uint32_t len = 0;
    while (len < headline.len && len < LABEL_MAX &&
           (sl_is_upper(text[len]) || sl_is_digit(text[len]) || text[len] == ' '))
        len++;
    bool is_label = len > 2 && len + 1 < headline.len && text[len] == '-' && text[len + 1] != ' ';
    return is_label ? sl_label_find((struct sl_span){ text, len }) : NULL;
}

static void say_kind(struct story *story)
{
    struct sl_bulletin *root = sl_out_root(&story->parse->out);
    const struct sl_label *label = label_of_headline(sl_out_get(&story->parse->out, SL_TEXT_HEADLINE));
    sl_json_say_pubstatus(root, story->text[SL_NAME_PUB_STATUS]);
    if (root->signal != SL_SIGNAL_NONE)
        return;
    if (label) {
        root->kind = (uint8_t)label->kind;
        root->signal = (uint8_t)label->signal;
    } else if (root->take_no > 1) {
        root->kind = SL_KIND_UPDATE;
        root->signal = SL_SIGNAL_UPDATE;
    } else if (root->urgency == 1) {
        root->signal = SL_SIGNAL_ALERT;
    }
}

static void say_body(struct story *story)
{
    struct sl_parse *parse = story->parse;
    struct sl_span text;
    uint32_t off, used = parse->scratch.used;
    struct sl_json_string body = story->text[SL_NAME_BODY];
    if (given(body) && sl_json_decode(parse, body, &text)) {
        if (sl_span_find(story->text[SL_NAME_MIME_TYPE].text, "html", &off) && sl_html_is_markup(text)) {
            sl_out_open(&parse->out);
            sl_html_put_body(&parse->out, SL_CHARSET_UTF8, text, &parse->text);
            sl_out_set(&parse->out, SL_TEXT_BODY, sl_out_close(&parse->out));
        } else {
            sl_json_say_plain_body(parse, text);
        }
        /* Where such words stand, at the end, the next take goes on. */
        if (text.len > 32 && sl_span_find(sl_span_skip(text, text.len - 32), "(more to follow)", &off))
            sl_out_note(&parse->out, "more takes follow");
    }
    parse->scratch.used = used;
}

static void say_story(struct story *story)
{
    struct sl_parse *parse = story->parse;
    struct sl_out *out = &parse->out;
    struct sl_bulletin *root = sl_out_root(out);
    uint32_t urgency = sl_json_number(story->text[SL_NAME_URGENCY]);
    struct sl_json_string id = story->text[SL_NAME_ID];
    sl_json_say_line(parse, SL_TEXT_ID, given(id) ? id : story->first->guid);
    sl_json_say_line(parse, SL_TEXT_PROVIDER, story->text[SL_NAME_PROVIDER]);
    sl_json_say_line(parse, SL_TEXT_LANGUAGE, story->text[SL_NAME_LANGUAGE]);
    sl_json_say_line(parse, SL_TEXT_HEADLINE, story->text[SL_NAME_HEADLINE]);
    sl_json_say_line(parse, SL_TEXT_TAKE, story->text[SL_NAME_TAKE_SEQUENCE]);
    sl_out_set(out, SL_TEXT_VERSION, root->text[SL_TEXT_TAKE]);
    if (given(story->text[SL_NAME_ALT_ID]))
        sl_out_item(out, SL_LIST_ALT_IDS, sl_out_ref(out, "altId", 5), put(story, story->text[SL_NAME_ALT_ID]), none,
                    none);
    root->urgency = (uint8_t)(urgency <= 9 ? urgency : 0);
    root->take_no = sl_json_number(story->text[SL_NAME_TAKE_SEQUENCE]);
    sl_json_say_time(parse, story->text[SL_NAME_VERSION_CREATED], &root->version_created,
                     SL_BULLETIN_ZONE_ASSUMED_CREATED);
    sl_json_say_time(parse, story->text[SL_NAME_FIRST_CREATED], &root->first_created, SL_BULLETIN_ZONE_ASSUMED_FIRST);
    say_body(story);
    say_kind(story);
}

/* TRNA, TRSI: scores that machines give to news.  They are passed on as they are, and told from stories by service. */
static void say_analytics(struct story *story)
{
    struct sl_parse *parse = story->parse;
    sl_json_say_line(parse, SL_TEXT_ID, story->first->guid);
    sl_json_say_line(parse, SL_TEXT_HEADLINE, story->text[SL_NAME_HEADLINE]);
    sl_out_open(&parse->out);
    sl_text_put(&parse->out, SL_CHARSET_UTF8, story->json.data, story->json.len, &parse->text);
    sl_out_set(&parse->out, SL_TEXT_BODY, sl_out_close(&parse->out));
    sl_out_note(&parse->out, "analytics of news, not a story");
}

static enum sl_parse_code say(struct story *story)
{
    struct sl_parse *parse = story->parse;
    struct sl_json_string type = story->first->type;
    bool is_story = !given(type) || sl_json_is(type, "STORY");
    if (!read_story(story))
        return sl_reject(parse, SL_PARSE_BAD_TEXT, story->first->off, "a story in JSON inside the fragments");
    if (is_story && !given(story->text[SL_NAME_ID]) && !given(story->first->guid))
        return sl_reject(parse, SL_PARSE_BAD_HEADER, story->first->off, "a story with an id");
    if (is_story)
        say_story(story);
    else
        say_analytics(story);
    sl_json_say_line(parse, SL_TEXT_SERVICE, type);
    sl_out_text(&parse->out, SL_TEXT_SOURCE_CHARSET, "utf-8", 5);
    return sl_out_get(&parse->out, SL_TEXT_ID).len != 0
               ? SL_PARSE_OK
               : sl_reject(parse, SL_PARSE_BAD_HEADER, story->first->off, "a story with an id");
}

/* ---- the format ---- */

static struct frame *open_frame(struct sl_parse *parse)
{
    if (parse->cursor != 0)
        return (struct frame *)parse->scratch.mem;
    struct frame *frame = (struct frame *)sl_scratch_take(parse, sizeof(*frame));
    if (!frame) {
        sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "memory to note the fragments");
        return NULL;
    }
    frame->cnt = 0;
    parse->cursor = 1; /* the scratch holds the frame */
    return read_frame(parse, frame) == SL_PARSE_OK ? frame : NULL;
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct frame *frame = open_frame(parse);
    if (!frame)
        return parse->err.code;
    for (struct fragment *it = frame->fragment; it < frame->fragment + frame->cnt; it++) {
        if (it->used || it->number > 1)
            continue;
        struct story story = { .parse = parse, .first = it };
        struct sl_span packed = { NULL, 0 };
        uint32_t used = parse->scratch.used;
        enum sl_parse_code code = join(parse, frame, it, &packed);
        if (code == SL_PARSE_OK)
            code = unpack_story(&story, packed);
        if (code == SL_PARSE_OK)
            code = say(&story);
        parse->scratch.used = used;
        if (code != SL_PARSE_END)
            return code;
        it->used = false; /* it is for the reject behind the stories that are whole */
        it->number = 2;
    }
    for (const struct fragment *it = frame->fragment; it < frame->fragment + frame->cnt; it++) {
        if (!it->used)
            return sl_reject(parse, SL_PARSE_CUT, it->off, "all fragments of the story");
    }
    return SL_PARSE_END;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    struct sl_json_look look;
    sl_json_look_at(&look, data, len);
    if (!look.is_json)
        return 0;
    if (sl_json_has(&look, SL_NAME_MRN_SRC) || sl_json_has(&look, SL_NAME_MRN_TYPE))
        return 97;
    /* Pings, and what else comes before the first story. */
    struct sl_span head = sl_span_head((struct sl_span){ data, len }, PEEK_LEN);
    bool is_mrn = memmem(head.data, head.len, "\"NewsTextAnalytics\"", 19) != NULL;
    bool is_ping = len < 256 && memmem(head.data, head.len, "\"Ping\"", 6) != NULL;
    return is_mrn || is_ping ? 95 : 0;
}

/* A flash is short: packed, too.  So it can be unpacked on the stack, and nothing else is. */
static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    _Alignas(16) uint8_t state[STATE_LEN];
    uint8_t packed[PEEK_PACKED], story[PEEK_LEN];
    struct sl_json json;
    struct fragment fragment;
    uint32_t packed_len = 0, story_len = sizeof(story);
    sl_json_begin(&json, sl_span_head((struct sl_span){ data, len }, PEEK_LEN));
    if (sl_json_peek(&json) == SL_JSON_ARRAY && !(sl_json_enter(&json, SL_JSON_ARRAY) && sl_json_element(&json)))
        return 0;
    read_update(&json, &fragment);
    if (json.err.code != SL_PARSE_OK || fragment.number > 1 || fragment.total > sizeof(packed) ||
        fragment.packed.flags & SL_JSON_ESCAPED || fragment.packed.text.len / 4 * 3 > sizeof(packed))
        return 0;
    if (!decode_base64(packed, &packed_len, fragment.packed.text))
        return 0;
    unpack((struct arena){ state, sizeof(state) }, (struct sl_span){ packed, packed_len }, story, &story_len);
    return sl_json_peek_urgency(story, story_len);
}

const struct sl_format sl_format_mrn = {
    .id = SL_FORMAT_MRN,
    .name = "mrn",
    .source = "LSEG Machine Readable News data model 2.10, websocket API",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
