#include "parsers/json_item.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/html.h"
#include "parsers/standing.h"

#define LOOK_LEN   4096u
#define LOOK_DEPTH 5u /* data, items, one of them, item, altids */
#define BY_MAX     256u /* bytes of a byline that is put together from names */
#define MADE_MAX   200u /* bytes of a headline that an id is made of */

static const struct sl_ref none;

struct body {
    struct sl_json_string text;
    uint32_t word_cnt;
};

struct item {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_json *json;
    enum sl_json_dialect dialect;
    struct sl_json_string text[SL_NAME_CNT]; /* single strings and numbers */
    struct body markup, plain, nitf;
    const struct sl_label *label; /* the strongest so far */
    struct sl_json_string info_source; /* who provides it, says the list */
    struct sl_json_string names; /* AP: bylines' first */
    uint32_t word_cnt;
    uint32_t association_cnt;
    bool is_embargo_open, is_text, has_body_link;
};

/* ---- strings ---- */

static bool given(struct sl_json_string string) { return string.text.len != 0; }

static struct sl_json_string first_of(struct sl_json_string a, struct sl_json_string b) { return given(a) ? a : b; }

static struct sl_json_string noted(const struct item *item, enum sl_json_name a, enum sl_json_name b)
{
    return first_of(item->text[a], item->text[b]);
}

static bool has_markup(struct sl_span text)
{
    return memchr(text.data, '<', text.len) != NULL || memchr(text.data, '&', text.len) != NULL;
}

/* The scanner has proved every string well formed. */
static void begin_markup(struct sl_parse *parse, struct sl_markup *markup)
{
    sl_markup_begin(markup, &parse->out, SL_CHARSET_UTF8, true, &parse->text);
}

static bool has_gap(struct sl_span text)
{
    const uint64_t blanks = 0x2020202020202020u, ones = 0x0101010101010101u;
    uint64_t bytes, after;
    uint32_t i = 0;
    for (; text.len - i > 8; i += 8) {
        memcpy(&bytes, text.data + i, 8);
        memcpy(&after, text.data + i + 1, 8);
        uint64_t both = (bytes ^ blanks) | (after ^ blanks);
        if ((both - ones) & ~both & 0x8080808080808080u)
            return true;
    }
    for (; i + 1 < text.len; i++) {
        if (text.data[i] == ' ' && text.data[i + 1] == ' ')
            return true;
    }
    return false;
}

/* Is it put as it is?  Most are.  A byte-order mark, a no-break space at an end and what the scanner calls odd are
 * not. */
static bool is_clean_line(struct sl_json_string string)
{
    struct sl_span text = string.text;
    uint8_t first = text.data[0], last = text.data[text.len - 1];
    return !(string.flags & (SL_JSON_ESCAPED | SL_JSON_ODD)) && first != ' ' && first != 0xc2 && first != 0xef &&
           last != ' ' && last != 0xa0 && !has_gap(text);
}

/* may_be_markup: tags and character references are undone; else the string says what it says. */
static void put_line(struct sl_parse *parse, struct sl_json_string string, bool may_be_markup)
{
    uint32_t used = parse->scratch.used;
    struct sl_span text;
    if (!given(string))
        return;
    if (is_clean_line(string) && !(may_be_markup && has_markup(string.text))) {
        sl_out_put(&parse->out, string.text.data, string.text.len);
        return;
    }
    if (!sl_json_decode(parse, string, &text))
        return;
    if (may_be_markup && has_markup(text)) {
        struct sl_markup markup;
        begin_markup(parse, &markup);
        markup.is_one_line = true;
        sl_html_put(&markup, text);
        sl_markup_end(&markup);
    } else
        sl_text_put_line(&parse->out, SL_CHARSET_UTF8, text.data, text.len, &parse->text);
    parse->scratch.used = used;
}

static struct sl_ref put_words(struct sl_parse *parse, struct sl_json_string string, bool may_be_markup)
{
    if (!given(string))
        return none;
    sl_out_open(&parse->out);
    put_line(parse, string, may_be_markup);
    return sl_out_close(&parse->out);
}

struct sl_ref sl_json_put_line(struct sl_parse *parse, struct sl_json_string string)
{
    return put_words(parse, string, false);
}

void sl_json_say_line(struct sl_parse *parse, enum sl_text text, struct sl_json_string string)
{
    if (given(string))
        sl_out_set(&parse->out, text, put_words(parse, string, false));
}

static struct sl_ref put(struct item *item, struct sl_json_string string)
{
    return put_words(item->parse, string, false);
}

/* What people write for people, which some systems keep as HTML. */
static struct sl_ref put_prose(struct item *item, struct sl_json_string string)
{
    return put_words(item->parse, string, true);
}

static void say_prose(struct item *item, enum sl_text text, struct sl_json_string string)
{
    if (given(string))
        sl_out_set(item->out, text, put_prose(item, string));
}

uint32_t sl_json_number(struct sl_json_string string)
{
    uint32_t number = 0;
    if (string.text.len == 0 || string.text.len > 9 || sl_span_digits(string.text) != string.text.len)
        return 0;
    for (uint32_t i = 0; i < string.text.len; i++)
        number = number * 10 + (uint32_t)(string.text.data[i] - '0');
    return number;
}

void sl_json_say_time(struct sl_parse *parse, struct sl_json_string string, int64_t *ns, uint32_t assumed_flag)
{
    enum sl_date_zone zone;
    if (!given(string) || !sl_date_iso(string.text.data, string.text.len, sl_parse_zone(parse, NULL), ns, &zone))
        return;
    if (zone == SL_DATE_ZONE_ASSUMED)
        sl_out_root(&parse->out)->flags |= assumed_flag;
}

/* ---- bodies ---- */

static bool is_row(struct sl_span line)
{
    uint32_t off;
    return memchr(line.data, '\t', line.len) != NULL || sl_span_find(line, "   ", &off);
}

/* Hard-wrapped is text whose lines inside paragraphs nearly all end at a print column. */
static bool is_hard_wrapped(struct sl_span text)
{
    struct sl_span line, next;
    uint32_t inner_cnt = 0, column_cnt = 0;
    bool more = sl_line_next(&text, &line);
    while (more) {
        more = sl_line_next(&text, &next);
        struct sl_span words = sl_span_trim(line);
        if (more && words.len != 0 && next.len != 0 && next.data[0] > ' ' && !is_row(words)) {
            inner_cnt++;
            column_cnt += words.len >= 45 && words.len <= 90;
        }
        line = next;
    }
    return column_cnt * 4 > inner_cnt * 3;
}

static void put_plain(struct sl_parse *parse, struct sl_span text)
{
    struct sl_para para;
    struct sl_span line;
    if (!memchr(text.data, '\n', text.len) && !memchr(text.data, '\r', text.len)) {
        sl_text_put_line(&parse->out, SL_CHARSET_UTF8, text.data, text.len, &parse->text);
        return;
    }
    sl_para_begin(&para, &parse->out, SL_CHARSET_UTF8, &parse->text);
    para.keep_lines = !is_hard_wrapped(text);
    while (sl_line_next(&text, &line))
        sl_para_line(&para, line);
    sl_para_end(&para);
}

void sl_json_say_plain_body(struct sl_parse *parse, struct sl_span text)
{
    sl_out_open(&parse->out);
    if (text.len != 0)
        put_plain(parse, text);
    sl_out_set(&parse->out, SL_TEXT_BODY, sl_out_close(&parse->out));
}

static struct sl_ref put_body_text(struct sl_parse *parse, struct sl_span text)
{
    struct sl_markup markup;
    sl_out_open(&parse->out);
    if (has_markup(text)) {
        begin_markup(parse, &markup);
        sl_html_put(&markup, text);
        sl_markup_end(&markup);
    } else if (text.len != 0) {
        put_plain(parse, text);
    }
    return sl_out_close(&parse->out);
}

static void say_markup_body(struct item *item, struct sl_span text)
{
    struct sl_out *out = item->out;
    uint32_t safe_most = text.len + text.len / 2 + SL_OUT_TEXT_LEN;
    uint8_t *safe = sl_html_is_markup(text) ? sl_scratch_take(item->parse, safe_most) : NULL;
    struct sl_markup markup;
    if (!safe) {
        sl_out_set(out, SL_TEXT_BODY, put_body_text(item->parse, text));
        return;
    }
    sl_out_open(out);
    begin_markup(item->parse, &markup);
    uint32_t safe_len = sl_html_put_both(&markup, text, safe, safe_most);
    sl_markup_end(&markup);
    sl_out_set(out, SL_TEXT_BODY, sl_out_close(out));
    sl_out_text(out, SL_TEXT_BODY_HTML, sl_html_both_text(safe), safe_len);
}

/* A document of its own begins with its element, or with a declaration before it. */
static bool begins_nitf(struct sl_json_string string)
{
    struct sl_span text = sl_span_head(string.text, 400);
    bool is_document =
        sl_span_starts(text, "<?xml") || sl_span_starts(text, "<!doctype") || sl_span_starts(text, "<nitf");
    return is_document && memmem(text.data, text.len, "<nitf", 5) != NULL;
}

/* Of a NITF document what is its body: its headline and byline the item says itself. */
static struct sl_span find_nitf_body(struct sl_span text)
{
    static const char open[] = "<body.content", close[] = "</body.content>";
    const uint8_t *start = memmem(text.data, text.len, open, sizeof(open) - 1);
    const uint8_t *end = memmem(text.data, text.len, close, sizeof(close) - 1);
    return start && end && start < end ? (struct sl_span){ start, (uint32_t)(end - start) } : text;
}

/* Markup keeps paragraphs that its maker's plain text often runs together, so it is preferred where there is some. */
static void say_body(struct item *item)
{
    const struct body *body = given(item->markup.text) ? &item->markup : &item->plain;
    struct sl_json_string description = item->text[SL_NAME_DESCRIPTION];
    uint32_t used = item->parse->scratch.used;
    struct sl_span text;
    if (!given(body->text))
        body = &item->nitf;
    if (given(body->text) && sl_json_decode(item->parse, body->text, &text)) {
        if (body == &item->plain)
            sl_json_say_plain_body(item->parse, text);
        else
            say_markup_body(item, body == &item->nitf ? find_nitf_body(text) : text);
    }
    item->parse->scratch.used = used;
    bool is_elsewhere = item->has_body_link && sl_out_get(item->out, SL_TEXT_BODY).len == 0;
    if (sl_out_get(item->out, SL_TEXT_BODY).len != 0 || is_elsewhere) {
        if (given(description))
            sl_out_item(item->out, SL_LIST_BODIES, none, sl_out_ref(item->out, "summary", 7),
                        put_prose(item, description), none);
    } else if (given(description)) {
        say_prose(item, SL_TEXT_BODY, description); /* a picture's caption is all its text */
    }
    if (is_elsewhere)
        sl_out_note(item->out, "the body is elsewhere: an association leads to it");
    if (item->word_cnt == 0)
        item->word_cnt = body->word_cnt;
}

/* A body of the story, in a format that its member's name or its media type tells. */
static void note_body(struct item *item, struct sl_json_string text, struct sl_span format, uint32_t word_cnt)
{
    uint32_t off;
    if (!given(text))
        return;
    struct body *body = &item->plain;
    if (sl_span_find(format, "nitf", &off) || begins_nitf(text))
        body = &item->nitf;
    else if (sl_span_find(format, "html", &off) || sl_span_find(format, "xml", &off))
        body = &item->markup;
    if (!given(body->text))
        *body = (struct body){ text, word_cnt };
}

/* Roles that say in which form the story is told, and not that it is another text. */
static bool is_story_role(struct sl_json_string role)
{
    static const char *const roles[] = { "main", "body", "text", "plain", "html", "xhtml", "html5", "nitf", "story" };
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        if (sl_json_is(role, roles[i]))
            return true;
    }
    return !given(role);
}

/* ---- coded things ---- */

/* An element of a list: an object with some of these, or a string, which is a name. */
struct thing {
    struct sl_json_string name, code, literal, qcode, scheme, uri, rel, role, value, type, language, word_cnt;
    struct sl_json_string symbol, exchange, symbol_type;
    struct sl_span geo;
    bool is_category;
};

static void read_symbol(struct item *item, struct thing *thing)
{
    struct sl_json *json = item->json;
    struct sl_json_string name, symbol = { 0 }, exchange = { 0 }, type = { 0 };
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        switch (sl_json_name(name)) {
        case SL_NAME_TICKER:
        case SL_NAME_SYMBOL:
            sl_json_read_scalar(json, &symbol);
            break;
        case SL_NAME_EXCHANGE:
            sl_json_read_scalar(json, &exchange);
            break;
        case SL_NAME_SYMBOL_TYPE:
            sl_json_read_scalar(json, &type);
            break;
        default:
            sl_json_skip(json);
        }
    }
    if (!given(symbol))
        return;
    if (!given(thing->symbol))
        thing->symbol = symbol;
    sl_out_item(item->out, SL_LIST_SYMBOLS, put(item, exchange), put(item, type), put(item, symbol), none);
}

static void read_rels(struct sl_json *json, struct thing *thing)
{
    struct sl_json_string rel;
    if (!sl_json_enter(json, SL_JSON_ARRAY))
        return;
    while (sl_json_element(json)) {
        if (sl_json_read_string(json, &rel))
            thing->is_category |= sl_json_is(rel, "category");
    }
}

static void read_thing_member(struct item *item, enum sl_json_name name, struct thing *thing)
{
    struct sl_json *json = item->json;
    switch (name) {
    case SL_NAME_NAME:
    case SL_NAME_BYLINE:
    case SL_NAME_TITLE:
        if (!given(thing->name))
            sl_json_read_scalar(json, &thing->name);
        else
            sl_json_skip(json);
        break;
    case SL_NAME_CODE:
    case SL_NAME_ID:
        sl_json_read_scalar(json, &thing->code);
        break;
    case SL_NAME_LITERAL:
        sl_json_read_scalar(json, &thing->literal);
        break;
    case SL_NAME_QCODE:
        sl_json_read_scalar(json, &thing->qcode);
        break;
    case SL_NAME_SCHEME:
        sl_json_read_scalar(json, &thing->scheme);
        break;
    case SL_NAME_URI:
    case SL_NAME_GUID:
        sl_json_read_scalar(json, &thing->uri);
        break;
    case SL_NAME_REL:
        sl_json_read_scalar(json, &thing->rel);
        break;
    case SL_NAME_RELS:
        read_rels(json, thing);
        break;
    case SL_NAME_ROLE:
        sl_json_read_scalar(json, &thing->role);
        break;
    case SL_NAME_VALUE:
    case SL_NAME_TEXT:
        sl_json_read_scalar(json, &thing->value);
        break;
    case SL_NAME_CONTENT_TYPE:
    case SL_NAME_MIME_TYPE:
        sl_json_read_scalar(json, &thing->type);
        break;
    case SL_NAME_LANGUAGE:
        sl_json_read_scalar(json, &thing->language);
        break;
    case SL_NAME_WORD_COUNT:
        sl_json_read_scalar(json, &thing->word_cnt);
        break;
    case SL_NAME_GEO_JSON:
        if (sl_json_peek(json) == SL_JSON_OBJECT)
            sl_json_text(json, &thing->geo);
        else
            sl_json_skip(json);
        break;
    case SL_NAME_SYMBOLS:
        if (sl_json_enter(json, SL_JSON_ARRAY))
            while (sl_json_element(json))
                read_symbol(item, thing);
        break;
    default:
        sl_json_skip(json);
    }
}

/* False: null, or what else nobody wants. */
static bool read_thing(struct item *item, struct thing *thing)
{
    struct sl_json_string name;
    *thing = (struct thing){ 0 };
    if (sl_json_peek(item->json) != SL_JSON_OBJECT)
        return sl_json_read_scalar(item->json, &thing->name);
    sl_json_enter(item->json, SL_JSON_OBJECT);
    while (sl_json_member(item->json, &name))
        read_thing_member(item, sl_json_name(name), thing);
    return true;
}

/* "medtop:04000000" without a scheme beside it: what stands before the colon, if it is no URI's. */
static void split_code(struct sl_json_string *code, struct sl_json_string *scheme)
{
    static const char *const uris[] = { "http:", "https:", "urn:", "tag:" };
    const uint8_t *colon = memchr(code->text.data, ':', code->text.len);
    uint32_t len = colon ? (uint32_t)(colon - code->text.data) : 0;
    if (len == 0 || len > 16 || len + 1 == code->text.len || given(*scheme))
        return;
    for (size_t i = 0; i < sizeof(uris) / sizeof(*uris); i++) {
        if (sl_span_starts(code->text, uris[i]))
            return;
    }
    for (uint32_t i = 0; i < len; i++) {
        if (!sl_is_ascii_letter(code->text.data[i]) && !sl_is_digit(code->text.data[i]) && code->text.data[i] != '-')
            return;
    }
    *scheme = (struct sl_json_string){ sl_span_head(code->text, len), 0 };
    code->text = sl_span_skip(code->text, len + 1);
}

static struct sl_ref put_geo(struct item *item, struct sl_span geo)
{
    if (geo.len == 0)
        return none;
    sl_out_open(item->out);
    sl_text_put(item->out, SL_CHARSET_UTF8, geo.data, geo.len, NULL);
    return sl_out_close(item->out);
}

static void say_thing(struct item *item, enum sl_list list, struct thing *thing)
{
    struct sl_json_string code = first_of(thing->literal, first_of(thing->code, first_of(thing->qcode, thing->uri)));
    if (!given(code) && !given(thing->name))
        return;
    if (given(code))
        split_code(&code, &thing->scheme);
    struct sl_ref more = list == SL_LIST_PLACES ? put_geo(item, thing->geo) : put(item, thing->symbol);
    sl_out_item(item->out, list, put(item, thing->scheme), put(item, code), put(item, thing->name), more);
}

/* One thing alone stands for a list of one. */
static bool next_of_list(struct sl_json *json, bool is_list, bool *first)
{
    bool is_first = *first;
    *first = false;
    return is_list ? sl_json_element(json) : is_first;
}

static void read_list(struct item *item, enum sl_json_name name)
{
    struct sl_json *json = item->json;
    bool is_list = sl_json_peek(json) == SL_JSON_ARRAY && sl_json_enter(json, SL_JSON_ARRAY), first = true;
    struct thing thing;
    while (next_of_list(json, is_list, &first)) {
        if (!read_thing(item, &thing))
            continue;
        switch (name) {
        case SL_NAME_SUBJECTS:
            thing.is_category &= item->dialect == SL_JSON_AP && given(thing.code);
            if (thing.is_category)
                sl_out_item(item->out, SL_LIST_CATEGORIES, put(item, thing.code), none, none, none);
            else
                say_thing(item, SL_LIST_SUBJECTS, &thing);
            break;
        case SL_NAME_SERVICES:
            sl_out_item(item->out, SL_LIST_CATEGORIES, put(item, first_of(thing.code, thing.name)), none, none, none);
            break;
        case SL_NAME_GENRES:
            say_thing(item, SL_LIST_GENRES, &thing);
            break;
        case SL_NAME_PEOPLE:
            say_thing(item, SL_LIST_PEOPLE, &thing);
            break;
        case SL_NAME_ORGANISATIONS:
            say_thing(item, SL_LIST_ORGANISATIONS, &thing);
            break;
        case SL_NAME_PLACES:
            say_thing(item, SL_LIST_PLACES, &thing);
            break;
        case SL_NAME_KEYWORDS:
            if (given(first_of(thing.name, thing.value)))
                sl_out_item(item->out, SL_LIST_KEYWORDS, put(item, first_of(thing.name, thing.value)), none, none,
                            none);
            break;
        case SL_NAME_INFO_SOURCES:
            if (!given(item->info_source) || sl_json_is(thing.role, "provider") || sl_json_is(thing.rel, "provider"))
                item->info_source = first_of(thing.name, first_of(thing.literal, thing.uri));
            break;
        case SL_NAME_SIGNALS:
        case SL_NAME_EDITORIAL_TYPES:
            item->label = sl_label_stronger(item->label, sl_label_find(first_of(thing.name, thing.code).text));
            break;
        case SL_NAME_REPLACING:
            sl_out_item(item->out, SL_LIST_REFERENCES, sl_out_ref(item->out, "replace", 7),
                        put(item, first_of(thing.uri, thing.name)), none, none);
            if (!given(item->text[SL_NAME_EVOLVED_FROM]))
                item->text[SL_NAME_EVOLVED_FROM] = first_of(thing.uri, thing.name);
            break;
        case SL_NAME_BYLINES:
        case SL_NAME_AUTHORS:
            /* Who wrote, not who took pictures or edited. */
            if (!given(item->names) && (!given(thing.role) || sl_json_is(thing.role, "writer") ||
                                        sl_json_is(thing.role, "author") || sl_json_is(thing.role, "reporter")))
                item->names = thing.name;
            break;
        default:
            break;
        }
    }
}

/* ---- headlines, bodies, descriptions ---- */

static void read_headlines(struct item *item)
{
    struct thing thing, main = { 0 };
    bool has_main = false;
    if (!sl_json_enter(item->json, SL_JSON_ARRAY))
        return;
    while (sl_json_element(item->json)) {
        if (!read_thing(item, &thing))
            continue;
        struct sl_json_string text = first_of(thing.value, thing.name);
        bool is_main = sl_json_is(thing.role, "main") || sl_json_is(thing.role, "headline");
        if (!given(text))
            continue;
        if (!given(main.value) || (is_main && !has_main)) {
            /* The first, unless another one says that it is the main one. */
            struct thing before = main;
            main = thing;
            main.value = text;
            has_main = is_main;
            thing = before;
            text = before.value;
        }
        if (given(text))
            sl_out_item(item->out, SL_LIST_HEADLINES, put(item, thing.language), put(item, thing.role),
                        put_prose(item, text), none);
    }
    if (given(main.value))
        item->text[SL_NAME_HEADLINE] = main.value;
}

static void say_other_body(struct item *item, const struct thing *thing)
{
    uint32_t used = item->parse->scratch.used;
    struct sl_span text;
    if (sl_json_decode(item->parse, thing->value, &text))
        sl_out_item(item->out, SL_LIST_BODIES, put(item, thing->language), put(item, thing->role),
                    put_body_text(item->parse, text), none);
    item->parse->scratch.used = used;
}

static void read_bodies(struct item *item)
{
    struct sl_json_string language = { 0 };
    struct thing thing;
    bool is_first = true;
    if (!sl_json_enter(item->json, SL_JSON_ARRAY))
        return;
    while (sl_json_element(item->json)) {
        if (!read_thing(item, &thing) || !given(thing.value))
            continue;
        if (is_first)
            language = thing.language;
        bool same_language =
            thing.language.text.len == language.text.len &&
            (language.text.len == 0 || memcmp(thing.language.text.data, language.text.data, language.text.len) == 0);
        if ((is_first || is_story_role(thing.role)) && same_language)
            note_body(item, thing.value, first_of(thing.type, thing.role).text, sl_json_number(thing.word_cnt));
        else
            say_other_body(item, &thing);
        is_first = false;
    }
}

static void read_descriptions(struct item *item)
{
    struct thing thing;
    if (!sl_json_enter(item->json, SL_JSON_ARRAY))
        return;
    while (sl_json_element(item->json)) {
        if (read_thing(item, &thing) && !given(item->text[SL_NAME_DESCRIPTION]))
            item->text[SL_NAME_DESCRIPTION] = first_of(thing.value, thing.name);
    }
}

/* ---- what belongs to it ---- */

struct link {
    struct sl_json_string name, id, href, type;
    uint32_t word_cnt;
};

static void read_rendition(struct sl_json *json, struct link *link)
{
    struct sl_json_string name, string = { 0 };
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        switch (sl_json_name(name)) {
        case SL_NAME_HREF:
            sl_json_read_string(json, &link->href);
            break;
        case SL_NAME_MIME_TYPE:
        case SL_NAME_CONTENT_TYPE:
            sl_json_read_string(json, &link->type);
            break;
        case SL_NAME_NAME:
            sl_json_read_string(json, &link->name);
            break;
        case SL_NAME_WORDS:
            if (sl_json_read_scalar(json, &string))
                link->word_cnt = sl_json_number(string);
            break;
        default:
            sl_json_skip(json);
        }
    }
}

/* A named list: members of an object, or elements of an array that bring their names. */
static bool next_named(struct sl_json *json, bool is_object, struct sl_json_string *name)
{
    *name = (struct sl_json_string){ 0 };
    return is_object ? sl_json_member(json, name) : sl_json_element(json);
}

static bool enter_named(struct sl_json *json, bool *is_object)
{
    *is_object = sl_json_peek(json) == SL_JSON_OBJECT;
    return sl_json_enter(json, *is_object ? SL_JSON_OBJECT : SL_JSON_ARRAY);
}

/* Of an association's renditions the first: there the largest is. */
static void read_renditions_of(struct sl_json *json, struct link *link)
{
    struct sl_json_string name;
    bool is_object;
    if (!enter_named(json, &is_object))
        return;
    while (next_named(json, is_object, &name)) {
        struct link rendition = { 0 };
        read_rendition(json, &rendition);
        if (given(link->href) || !given(rendition.href))
            continue;
        link->href = rendition.href;
        link->type = first_of(rendition.type, link->type);
    }
}

static void read_item_id(struct sl_json *json, struct sl_json_string *id)
{
    struct sl_json_string name;
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        if (sl_json_name(name) == SL_NAME_ITEM_ID)
            sl_json_read_scalar(json, id);
        else
            sl_json_skip(json);
    }
}

static void read_association(struct item *item, struct sl_json_string rel)
{
    struct sl_json *json = item->json;
    struct sl_json_string name, short_id = { 0 }, item_id = { 0 };
    struct link link = { 0 };
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        switch (sl_json_name(name)) {
        case SL_NAME_URI:
        case SL_NAME_GUID:
            sl_json_read_scalar(json, &link.id);
            break;
        case SL_NAME_ID:
            sl_json_read_scalar(json, &short_id);
            break;
        case SL_NAME_ALT_IDS:
            read_item_id(json, &item_id);
            break;
        case SL_NAME_REL:
            sl_json_read_scalar(json, &rel);
            break;
        case SL_NAME_NAME:
            sl_json_read_scalar(json, &link.name);
            break;
        case SL_NAME_HREF:
            sl_json_read_string(json, &link.href);
            break;
        case SL_NAME_MIME_TYPE:
        case SL_NAME_CONTENT_TYPE:
            sl_json_read_string(json, &link.type);
            break;
        case SL_NAME_RENDITIONS:
            read_renditions_of(json, &link);
            break;
        default:
            sl_json_skip(json);
        }
    }
    rel = first_of(rel, link.name);
    struct sl_json_string id = first_of(item_id, first_of(link.id, first_of(short_id, rel)));
    sl_out_item(item->out, SL_LIST_ASSOCIATIONS, put(item, rel), put(item, id), put(item, link.href),
                put(item, link.type));
    item->association_cnt++;
}

static void read_associations(struct item *item)
{
    struct sl_json_string name;
    bool is_object;
    if (!enter_named(item->json, &is_object))
        return;
    while (next_named(item->json, is_object, &name))
        read_association(item, name);
}

/* The item's own: what a picture is, and where AP keeps its text. */
static void read_renditions(struct item *item)
{
    struct sl_json_string name;
    bool is_object;
    if (!enter_named(item->json, &is_object))
        return;
    while (next_named(item->json, is_object, &name)) {
        struct link rendition = { 0 };
        read_rendition(item->json, &rendition);
        name = first_of(name, rendition.name);
        if (rendition.word_cnt != 0)
            item->word_cnt = rendition.word_cnt;
        bool is_story = item->dialect == SL_JSON_AP ? sl_json_is(name, "nitf") || !item->is_text : !item->is_text;
        item->has_body_link |= item->is_text && is_story && given(rendition.href);
        if (is_story && given(rendition.href))
            sl_out_item(item->out, SL_LIST_ASSOCIATIONS, put(item, name), none, put(item, rendition.href),
                        put(item, rendition.type));
    }
}

static void read_alt_ids(struct item *item)
{
    struct sl_json *json = item->json;
    struct sl_json_string name, id;
    struct thing thing;
    bool is_object;
    if (!enter_named(json, &is_object))
        return;
    while (next_named(json, is_object, &name)) {
        if (!is_object) {
            if (read_thing(item, &thing))
                sl_out_item(item->out, SL_LIST_ALT_IDS, put(item, thing.role),
                            put(item, first_of(thing.value, thing.name)), none, none);
            continue;
        }
        if (!sl_json_read_scalar(json, &id))
            continue;
        if (sl_json_name(name) == SL_NAME_ITEM_ID)
            item->text[SL_NAME_ITEM_ID] = id;
        else
            sl_out_item(item->out, SL_LIST_ALT_IDS, put(item, name), put(item, id), none, none);
    }
}

/* AP: the city and where it lies. */
static void read_dateline_location(struct item *item)
{
    struct sl_json *json = item->json;
    struct sl_json_string name, city = { 0 };
    struct sl_span geo = { NULL, 0 };
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        switch (sl_json_name(name)) {
        case SL_NAME_CITY:
            sl_json_read_string(json, &city);
            break;
        case SL_NAME_GEO_JSON:
            if (sl_json_peek(json) == SL_JSON_OBJECT)
                sl_json_text(json, &geo);
            else
                sl_json_skip(json);
            break;
        default:
            sl_json_skip(json);
        }
    }
    if (!given(city))
        return;
    struct sl_ref place = put(item, city);
    sl_out_set(item->out, SL_TEXT_DATELINE_PLACE, place);
    if (geo.len != 0)
        sl_out_item(item->out, SL_LIST_PLACES, none, none, place, put_geo(item, geo));
}

static void read_usage_terms(struct item *item)
{
    struct sl_json_string terms;
    bool is_list = sl_json_peek(item->json) == SL_JSON_ARRAY && sl_json_enter(item->json, SL_JSON_ARRAY), first = true;
    sl_out_open(item->out);
    while (next_of_list(item->json, is_list, &first)) {
        if (!sl_json_read_string(item->json, &terms))
            continue;
        if (sl_out_opened(item->out).len != 0)
            sl_out_putc(item->out, ' ');
        put_line(item->parse, terms, true);
    }
    sl_out_set(item->out, SL_TEXT_USAGE_TERMS, sl_out_close(item->out));
}

/* ---- the item's members ---- */

/* What an item is that is no text; NULL when it is one. */
static const char *find_medium(struct sl_json_string type)
{
    static const char *const media[][2] = {
        {"picture",   "a picture, not a text"},
        { "image",    "a picture, not a text"},
        { "photo",    "a picture, not a text"},
        { "graphic",  "a graphic, not a text"},
        { "video",    "a video, not a text"  },
        { "audio",    "a sound, not a text"  },
        { "planning", "a plan, not a text"   },
        { "event",    "an event, not a text" },
    };
    for (size_t i = 0; i < sizeof(media) / sizeof(*media); i++) {
        if (sl_json_is(type, media[i][0]))
            return media[i][1];
    }
    return NULL;
}

/* "embargoed": a time; some systems say just true. */
static void read_embargo(struct item *item)
{
    if (sl_json_peek(item->json) == SL_JSON_TRUE)
        item->is_embargo_open = true;
    if (!sl_json_read_scalar(item->json, &item->text[SL_NAME_EMBARGOED]))
        item->text[SL_NAME_EMBARGOED] = (struct sl_json_string){ 0 };
}

/* body_text, body_html5, bodyXhtml: whatever stands behind "body" is a format. */
static bool read_if_body(struct item *item, struct sl_json_string name)
{
    struct sl_json_string text;
    if (!sl_span_starts(name.text, "body") || (name.flags & SL_JSON_ESCAPED))
        return false;
    if (sl_json_read_string(item->json, &text))
        note_body(item, text, sl_span_skip(name.text, 4), 0);
    return true;
}

static void read_member(struct item *item, struct sl_json_string name)
{
    enum sl_json_name which = sl_json_name(name);
    switch (which) {
    case SL_NAME_NONE:
    case SL_NAME_BODY:
    case SL_NAME_BODY_TEXT:
    case SL_NAME_BODY_XHTML:
    case SL_NAME_BODY_HTML:
    case SL_NAME_BODY_HTML5:
        if (!read_if_body(item, name))
            sl_json_skip(item->json);
        break;
    case SL_NAME_SUBJECTS:
    case SL_NAME_SERVICES:
    case SL_NAME_GENRES:
    case SL_NAME_PEOPLE:
    case SL_NAME_ORGANISATIONS:
    case SL_NAME_PLACES:
    case SL_NAME_KEYWORDS:
    case SL_NAME_INFO_SOURCES:
    case SL_NAME_SIGNALS:
    case SL_NAME_EDITORIAL_TYPES:
    case SL_NAME_REPLACING:
    case SL_NAME_BYLINES:
    case SL_NAME_AUTHORS:
        read_list(item, which);
        break;
    case SL_NAME_HEADLINES:
        read_headlines(item);
        break;
    case SL_NAME_BODIES:
        read_bodies(item);
        break;
    case SL_NAME_DESCRIPTIONS:
        read_descriptions(item);
        break;
    case SL_NAME_ASSOCIATIONS:
        read_associations(item);
        break;
    case SL_NAME_RENDITIONS:
        read_renditions(item);
        break;
    case SL_NAME_ALT_IDS:
        read_alt_ids(item);
        break;
    case SL_NAME_DATELINE_LOCATION:
        read_dateline_location(item);
        break;
    case SL_NAME_USAGE_TERMS:
        read_usage_terms(item);
        break;
    case SL_NAME_EMBARGOED:
        read_embargo(item);
        break;
    default:
        sl_json_read_scalar(item->json, &item->text[which]);
        if (which == SL_NAME_TYPE)
            item->is_text = find_medium(item->text[which]) == NULL;
        break;
    }
}

/* ---- what the item says as a whole ---- */

static bool is_some_text(struct sl_json_string string) { return given(string) && sl_span_trim(string.text).len != 0; }

/* What a service gives no id is known by its headline and day, as long as both stay. */
static void make_id(struct item *item)
{
    struct sl_out *out = item->out;
    struct sl_bulletin *root = sl_out_root(out);
    struct sl_slice headline = sl_out_get(out, SL_TEXT_HEADLINE);
    uint32_t len = headline.len < MADE_MAX ? headline.len : MADE_MAX;
    while (len < headline.len && len != 0 && ((uint8_t)headline.data[len] & 0xc0) == 0x80)
        len--;
    struct sl_civil day;
    int64_t ns = root->version_created != SL_TIME_NONE ? root->version_created : item->parse->arrival_ns;
    sl_civil_from_s(&day, ns / SL_TIME_NS);
    char text[16] = { ':',
                      (char)('0' + day.year / 1000 % 10),
                      (char)('0' + day.year / 100 % 10),
                      (char)('0' + day.year / 10 % 10),
                      (char)('0' + day.year % 10),
                      '-',
                      (char)('0' + day.month / 10),
                      (char)('0' + day.month % 10),
                      '-',
                      (char)('0' + day.day / 10),
                      (char)('0' + day.day % 10) };
    sl_out_open(out);
    sl_out_put(out, headline.data, len);
    sl_out_put(out, text, 11);
    sl_out_set(out, SL_TEXT_ID, sl_out_close(out));
    root->flags |= SL_BULLETIN_ID_MADE;
}

static void say_identity(struct item *item)
{
    struct sl_json_string id = noted(item, SL_NAME_URI, SL_NAME_GUID);
    if (item->dialect == SL_JSON_AP)
        id = first_of(item->text[SL_NAME_ITEM_ID], id);
    id = first_of(id, first_of(item->text[SL_NAME_ITEM_ID], first_of(item->text[SL_NAME_ID], item->text[SL_NAME_USN])));
    if (is_some_text(id))
        sl_json_say_line(item->parse, SL_TEXT_ID, id);
    if (sl_out_get(item->out, SL_TEXT_ID).len == 0)
        make_id(item);
    if (given(item->text[SL_NAME_USN]))
        sl_out_item(item->out, SL_LIST_ALT_IDS, sl_out_ref(item->out, "usn", 3), put(item, item->text[SL_NAME_USN]),
                    none, none);
    struct sl_json_string source = noted(item, SL_NAME_PROVIDER, SL_NAME_SOURCE);
    sl_json_say_line(item->parse, SL_TEXT_PROVIDER,
                     first_of(item->text[SL_NAME_PROVIDER], first_of(item->info_source, source)));
    sl_json_say_line(item->parse, SL_TEXT_VERSION, item->text[SL_NAME_VERSION]);
}

static void say_times(struct item *item)
{
    struct sl_bulletin *root = sl_out_root(item->out);
    struct sl_parse *parse = item->parse;
    struct sl_json_string first = noted(item, SL_NAME_FIRST_CREATED, SL_NAME_CONTENT_CREATED);
    sl_json_say_time(parse, item->text[SL_NAME_VERSION_CREATED], &root->version_created,
                     SL_BULLETIN_ZONE_ASSUMED_CREATED);
    sl_json_say_time(parse, first, &root->first_created, SL_BULLETIN_ZONE_ASSUMED_FIRST);
    sl_json_say_time(parse, item->text[SL_NAME_EXPIRES], &root->expires, SL_BULLETIN_ZONE_ASSUMED_EXPIRES);
}

/* Texts that are one line each, from the member that usually says it or from one that may. */
static void say_lines(struct item *item)
{
    struct sl_parse *parse = item->parse;
    sl_json_say_line(parse, SL_TEXT_LANGUAGE, item->text[SL_NAME_LANGUAGE]);
    sl_json_say_line(parse, SL_TEXT_SLUGLINE, noted(item, SL_NAME_SLUGLINE, SL_NAME_SLUG));
    say_prose(item, SL_TEXT_HEADLINE, noted(item, SL_NAME_HEADLINE, SL_NAME_TITLE));
    say_prose(item, SL_TEXT_BYLINE, first_of(item->text[SL_NAME_BYLINE], item->names));
    say_prose(item, SL_TEXT_DATELINE, item->text[SL_NAME_DATELINE]);
    sl_json_say_line(parse, SL_TEXT_LOCATED, item->text[SL_NAME_LOCATED]);
    sl_json_say_line(parse, SL_TEXT_CREDIT, item->text[SL_NAME_CREDIT]);
    say_prose(item, SL_TEXT_COPYRIGHT, noted(item, SL_NAME_COPYRIGHT_NOTICE, SL_NAME_COPYRIGHT_HOLDER));
    say_prose(item, SL_TEXT_EDNOTE, item->text[SL_NAME_EDNOTE]);
    sl_json_say_line(parse, SL_TEXT_EVOLVED_FROM, item->text[SL_NAME_EVOLVED_FROM]);
    sl_json_say_line(parse, SL_TEXT_PRIORITY_RAW, noted(item, SL_NAME_EDITORIAL_PRIORITY, SL_NAME_PRIORITY));
    if (given(item->text[SL_NAME_HEADLINE_EXTENDED]))
        sl_out_item(item->out, SL_LIST_HEADLINES, none, sl_out_ref(item->out, "extended", 8),
                    put_prose(item, item->text[SL_NAME_HEADLINE_EXTENDED]), none);
    /* AP's "located" is the dateline as printed. */
    struct sl_bulletin *root = sl_out_root(item->out);
    if (item->dialect == SL_JSON_AP && root->text[SL_TEXT_DATELINE].len == 0)
        sl_out_set(item->out, SL_TEXT_DATELINE, root->text[SL_TEXT_LOCATED]);
}

/* AP: "BC-US--Harbor, 8th Ld-Writethru" is the eighth lead. */
static void say_take(struct item *item)
{
    struct sl_bulletin *root = sl_out_root(item->out);
    struct sl_slice slugline = sl_out_get(item->out, SL_TEXT_SLUGLINE);
    const char *comma = slugline.len ? memrchr(slugline.data, ',', slugline.len) : NULL;
    if (item->dialect != SL_JSON_AP || !comma)
        return;
    uint32_t len = slugline.len - (uint32_t)(comma - slugline.data) - 1;
    struct sl_span take = sl_span_trim((struct sl_span){ (const uint8_t *)comma + 1, len });
    const struct sl_label *label = sl_label_find(take);
    if (!label)
        return;
    item->label = sl_label_stronger(item->label, label);
    struct sl_ref ref = root->text[SL_TEXT_SLUGLINE];
    uint32_t off = (uint32_t)((const char *)take.data - slugline.data);
    sl_out_set(item->out, SL_TEXT_TAKE, (struct sl_ref){ ref.off + off, take.len });
}

void sl_json_say_pubstatus(struct sl_bulletin *root, struct sl_json_string string)
{
    static const struct {
        const char *word;
        enum sl_pubstatus pubstatus;
        enum sl_kind kind;
        enum sl_signal signal;
    } rows[] = {
        {"usable",       SL_PUB_USABLE,   SL_KIND_NEWS, SL_SIGNAL_NONE},
        { "canceled",    SL_PUB_CANCELED, SL_KIND_KILL, SL_SIGNAL_KILL},
        { "cancelled",   SL_PUB_CANCELED, SL_KIND_KILL, SL_SIGNAL_KILL},
        { "recalled",    SL_PUB_CANCELED, SL_KIND_KILL, SL_SIGNAL_KILL},
        { "killed",      SL_PUB_CANCELED, SL_KIND_KILL, SL_SIGNAL_KILL},
        { "withheld",    SL_PUB_WITHHELD, SL_KIND_HOLD, SL_SIGNAL_HOLD},
        { "unpublished", SL_PUB_CANCELED, SL_KIND_KILL, SL_SIGNAL_KILL},
    };
    if (sl_span_starts(string.text, "stat:"))
        string.text = sl_span_skip(string.text, 5);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (!sl_json_is(string, rows[i].word))
            continue;
        root->pubstatus = (uint8_t)rows[i].pubstatus;
        root->kind = (uint8_t)rows[i].kind;
        root->signal = (uint8_t)rows[i].signal;
    }
}

/* What is canceled or withheld is that, whatever the labels say. */
static void say_kind(struct item *item)
{
    struct sl_bulletin *root = sl_out_root(item->out);
    sl_json_say_pubstatus(root, item->text[SL_NAME_PUB_STATUS]);
    if (sl_json_is(item->text[SL_NAME_TYPE], "advisory") && !item->label)
        item->label = sl_label_find((struct sl_span){ (const uint8_t *)"advisory", 8 });
    if (root->signal != SL_SIGNAL_NONE)
        return;
    if (item->label) {
        root->kind = (uint8_t)item->label->kind;
        root->signal = (uint8_t)item->label->signal;
    } else if (root->text[SL_TEXT_EVOLVED_FROM].len != 0) {
        root->kind = SL_KIND_UPDATE;
        root->signal = SL_SIGNAL_UPDATE;
    }
}

/* By its member, by its status, or in the note to editors.  When in doubt it is held. */
static void say_embargo(struct item *item)
{
    struct sl_bulletin *root = sl_out_root(item->out);
    struct sl_json_string until = item->text[SL_NAME_EMBARGOED];
    struct sl_slice note = sl_out_get(item->out, SL_TEXT_EDNOTE);
    enum sl_date_zone zone = SL_DATE_ZONE_GIVEN;
    enum sl_embargo embargo = SL_EMBARGO_NONE;
    int64_t until_ns = SL_TIME_NONE;
    int64_t base_ns = root->version_created != SL_TIME_NONE ? root->version_created : item->parse->arrival_ns;
    const struct sl_zone *local = sl_parse_zone(item->parse, NULL);
    if (item->is_embargo_open || sl_json_is(item->text[SL_NAME_PUB_STATUS], "embargoed"))
        embargo = SL_EMBARGO_OPEN;
    if (is_some_text(until) && !sl_json_is(until, "false"))
        embargo =
            sl_date_iso(until.text.data, until.text.len, local, &until_ns, &zone) ? SL_EMBARGO_UNTIL : SL_EMBARGO_OPEN;
    if (embargo == SL_EMBARGO_NONE && note.len != 0)
        embargo = sl_embargo_read(sl_span_of(note), true, base_ns, local, &until_ns, &zone);
    if (embargo == SL_EMBARGO_LIFTED && root->signal == SL_SIGNAL_NONE) {
        root->kind = SL_KIND_RELEASE;
        root->signal = SL_SIGNAL_RELEASE;
    }
    sl_standing_embargo(item->out, embargo, until_ns, zone);
}

static void say_item(struct item *item)
{
    struct sl_bulletin *root = sl_out_root(item->out);
    uint32_t urgency = sl_json_number(item->text[SL_NAME_URGENCY]);
    sl_out_text(item->out, SL_TEXT_SOURCE_CHARSET, "utf-8", 5);
    root->urgency = (uint8_t)(urgency <= 9 ? urgency : 0);
    say_times(item);
    say_lines(item);
    say_identity(item);
    say_take(item);
    say_body(item);
    uint32_t word_cnt = sl_json_number(item->text[SL_NAME_WORD_COUNT]);
    root->word_cnt = word_cnt != 0 ? word_cnt : item->word_cnt;
    say_kind(item);
    say_embargo(item);
    const char *medium = find_medium(item->text[SL_NAME_TYPE]);
    if (medium)
        sl_out_note(item->out, medium);
    if (item->json->has_bom)
        sl_out_note(item->out, "a byte-order mark stood in front of the JSON text");
}

/* ---- pages ---- */

/* Where the parse stands in a message of several items, kept in its scratch between them. */
struct page {
    struct sl_json json;
    uint64_t is_object; /* of the levels that are open around the items, the innermost lowest */
    uint32_t list_depth; /* of the list whose elements are items; 0 for an item alone */
    bool has_ended;
};

static bool is_wrapper(enum sl_json_name name)
{
    return name == SL_NAME_DATA || name == SL_NAME_ITEM || name == SL_NAME_ITEMS;
}

static void enter_level(struct page *page, enum sl_json_type type)
{
    if (sl_json_enter(&page->json, type))
        page->is_object = page->is_object << 1 | (type == SL_JSON_OBJECT);
}

static void forget_item(struct item *item, struct page *page, struct sl_parse *parse, enum sl_json_dialect dialect)
{
    memset(item, 0, sizeof(*item));
    item->parse = parse;
    item->out = &parse->out;
    item->json = &page->json;
    item->dialect = dialect;
    item->is_text = true;
}

static void forget_said(struct sl_out *out)
{
    out->len = sizeof(struct sl_bulletin);
    out->item_cnt = 0;
    out->surplus = false;
    memset(sl_out_root(out)->text, 0, sizeof(sl_out_root(out)->text));
}

static bool has_identity(const struct item *item)
{
    return given(item->text[SL_NAME_URI]) || given(item->text[SL_NAME_GUID]) ||
           given(item->text[SL_NAME_VERSION_CREATED]) || given(item->text[SL_NAME_HEADLINE]);
}

/* Leaves the levels down to depth; what else they hold is only checked. */
static void leave_levels(struct page *page, uint32_t depth)
{
    struct sl_json_string name;
    while (page->json.depth > depth && page->json.err.code == SL_PARSE_OK) {
        bool more = page->is_object & 1 ? sl_json_member(&page->json, &name) : sl_json_element(&page->json);
        if (more)
            sl_json_skip(&page->json);
        else
            page->is_object >>= 1;
    }
}

/* The object at hand, or the one that is wrapped in it.  False: there is none. */
static bool read_item(struct page *page, struct item *item, struct sl_parse *parse, enum sl_json_dialect dialect)
{
    struct sl_json *json = &page->json;
    struct sl_json_string name;
    forget_item(item, page, parse, dialect);
    uint32_t base = json->depth;
    if (sl_json_peek(json) != SL_JSON_OBJECT) {
        sl_json_skip(json);
        return false;
    }
    enter_level(page, SL_JSON_OBJECT);
    while (sl_json_member(json, &name)) {
        enum sl_json_type type = sl_json_peek(json);
        bool is_container = type == SL_JSON_OBJECT || (type == SL_JSON_ARRAY && page->list_depth == 0);
        if (!is_container || !is_wrapper(sl_json_name(name)) || has_identity(item)) {
            read_member(item, name);
            continue;
        }
        /* Nothing of what was read before belongs to an item. */
        forget_said(&parse->out);
        forget_item(item, page, parse, dialect);
        enter_level(page, type);
        if (type == SL_JSON_ARRAY) {
            page->list_depth = json->depth;
            return false;
        }
    }
    page->is_object >>= 1;
    leave_levels(page, base);
    return json->err.code == SL_PARSE_OK;
}

static bool says_something(const struct item *item)
{
    return has_identity(item) || given(item->text[SL_NAME_ITEM_ID]) || given(item->text[SL_NAME_ID]) ||
           given(item->markup.text) || given(item->plain.text) || given(item->nitf.text);
}

static enum sl_parse_code reject_json(struct sl_parse *parse, const struct sl_json *json)
{
    return sl_reject(parse, json->err.code, json->err.off, json->err.want);
}

/* Behind the last item, up to the end of the message. */
static enum sl_parse_code end_page(struct sl_parse *parse, struct page *page)
{
    leave_levels(page, 0);
    page->has_ended = true;
    return sl_json_end(&page->json) ? SL_PARSE_END : reject_json(parse, &page->json);
}

static struct page *open_page(struct sl_parse *parse)
{
    if (parse->cursor != 0)
        return (struct page *)parse->scratch.mem;
    struct page *page = (struct page *)sl_scratch_take(parse, sizeof(*page));
    if (!page)
        return NULL;
    *page = (struct page){ .has_ended = false };
    sl_json_begin(&page->json, (struct sl_span){ parse->data, parse->len });
    if (sl_json_peek(&page->json) == SL_JSON_ARRAY) {
        enter_level(page, SL_JSON_ARRAY);
        page->list_depth = 1;
    }
    parse->cursor = 1; /* the scratch holds the page */
    return page;
}

enum sl_parse_code sl_json_next_item(struct sl_parse *parse, enum sl_json_dialect dialect)
{
    struct page *page = open_page(parse);
    struct item item;
    bool found = false;
    if (!page)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "memory to note where an item ends");
    if (page->has_ended)
        return SL_PARSE_END;
    uint32_t start = page->json.at;
    if (page->list_depth == 0) {
        found = read_item(page, &item, parse, dialect);
        if (found && end_page(parse, page) != SL_PARSE_END)
            return parse->err.code;
        if (!found && page->list_depth == 0 && page->json.err.code == SL_PARSE_OK)
            return sl_reject(parse, SL_PARSE_BAD_FRAME, start, "an object that is a news item, or a list of them");
    }
    while (!found && page->json.err.code == SL_PARSE_OK) {
        if (!sl_json_element(&page->json)) {
            page->is_object >>= 1;
            return end_page(parse, page);
        }
        start = page->json.at;
        found = read_item(page, &item, parse, dialect);
    }
    if (page->json.err.code != SL_PARSE_OK)
        return reject_json(parse, &page->json);
    if (!says_something(&item))
        return sl_reject(parse, SL_PARSE_BAD_HEADER, start, "an item with an id, a headline or a body");
    say_item(&item);
    return SL_PARSE_OK;
}

/* ---- looking ahead ---- */

/* The first value of what may be cut anywhere: where it ends too early is no fault here. */
void sl_json_look_at(struct sl_json_look *look, const uint8_t *data, uint32_t len)
{
    struct sl_json json;
    struct sl_json_string string;
    uint32_t is_object = 0; /* of the open levels, the innermost lowest */
    bool has_some = false;
    *look = (struct sl_json_look){ .is_json = false };
    sl_json_begin(&json, (struct sl_span){ data, len < LOOK_LEN ? len : LOOK_LEN });
    enum sl_json_type type = sl_json_peek(&json);
    if (type != SL_JSON_OBJECT && type != SL_JSON_ARRAY)
        return;
    do {
        type = sl_json_peek(&json);
        if ((type == SL_JSON_OBJECT || type == SL_JSON_ARRAY) && json.depth < LOOK_DEPTH) {
            sl_json_enter(&json, type);
            is_object = is_object << 1 | (type == SL_JSON_OBJECT);
        } else {
            sl_json_skip(&json);
        }
        /* Up, until a level has another value. */
        while (json.depth != 0) {
            bool more = is_object & 1 ? sl_json_member(&json, &string) : sl_json_element(&json);
            if (more || json.err.code != SL_PARSE_OK)
                break;
            is_object >>= 1;
        }
        if (json.depth != 0 && is_object & 1 && json.err.code == SL_PARSE_OK) {
            enum sl_json_name name = sl_json_name(string);
            look->names[name / 64] |= 1ull << name % 64;
            has_some |= name != SL_NAME_NONE;
        }
    } while (json.depth != 0 && json.err.code == SL_PARSE_OK);
    look->is_json = has_some || json.err.code == SL_PARSE_OK || json.err.code == SL_PARSE_CUT;
}

unsigned sl_json_peek_urgency(const uint8_t *data, uint32_t len)
{
    static const char key[] = "\"urgency\"";
    struct sl_span text = sl_span_head((struct sl_span){ data, len }, LOOK_LEN);
    const uint8_t *found = memmem(text.data, text.len, key, sizeof(key) - 1);
    if (!found)
        return 0;
    text = sl_span_skip_white(sl_span_skip(text, (uint32_t)(found - text.data) + (uint32_t)sizeof(key) - 1));
    if (text.len == 0 || text.data[0] != ':')
        return 0;
    text = sl_span_skip_white(sl_span_skip(text, 1));
    if (text.len != 0 && text.data[0] == '"')
        text = sl_span_skip(text, 1);
    return sl_span_digits(text) == 1 ? (unsigned)(text.data[0] - '0') : 0;
}
