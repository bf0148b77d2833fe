/* parsers/zczc.c - ZCZC ... NNNN: the frame of teleprinter messages, which regional and press-release wires still use.
 *
 *     ZCZC heading          the heading chooses the product, with the signs below
 *     %A                    header lines: what each says is told by how it begins, as the product's table has it
 *     #slugline
 *     $Headline
 *     text ...
 *     NNNN                  often missing, or indented
 *
 * Source    ITU-T F.1 (start and end of a message), and what AAP, Pagemasters, Medianet, News Bites and racing bureaus
 *           show.  The tables are profiles (parsers/profile.h): the same sign means something else in each.
 *
 * Lines end with CR, LF or CR LF, in one message by turns, and with SI or EM, which typesetters put.  The id is the
 * agency's where a header line gives one, else it is made: SLUGLINE:TAKE:YYYY-MM-DD, and without a slugline of the
 * headline or the first line.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/lines.h"
#include "parsers/story.h"

enum { SI = 0x0f, EM = 0x19 };

#define HEADER_MAX   40u /* lines */
#define SAID_MAX     1500u /* bytes of anything that may be said twice: see sl_parse_bound */
#define HEADLINE_MAX 200u
#define WRAP_COLUMN  58u /* a line this long, with the next one's first word, was wrapped by a machine */
#define WRAPPED_MAX  90u /* a line longer than this was not */
#define PEEK_MAX     2048u /* of a message, for its priority */
#define ENDING_LOOK  4096u /* from the end, for NNNN */

struct zczc {
    struct sl_story story;
    const struct sl_profile *profile; /* the one that has the product; NULL: nobody's */
    const struct sl_product *product;
    struct sl_span heading, first_line, text;
    struct sl_span said[SL_HEADER_FIELD_CNT]; /* of each field the first that says anything */
};

/* Where no product fits: what each sign means most often. */
static const struct sl_header_line default_lines[] = {
    {"#",  SL_HEADER_SLUGLINE},
    { "$", SL_HEADER_HEADLINE},
    { "%", SL_HEADER_CATEGORY},
    { "^", SL_HEADER_HEADLINE},
    { ":", SL_HEADER_SLUGLINE},
    { "=", SL_HEADER_TAKE    },
    { "~", SL_HEADER_GENRE   },
    { "@", SL_HEADER_IGNORED },
    { "&", SL_HEADER_IGNORED },
};
static const struct sl_product default_product = {
    .name = "default",
    .lines = default_lines,
    .line_cnt = sizeof(default_lines) / sizeof(*default_lines),
};

/* ---- lines ---- */

static bool next_line(struct sl_span *rest, struct sl_span *line)
{
    struct sl_span before = *rest;
    if (!sl_line_next(rest, line))
        return false;
    const uint8_t *si = sl_span_first(*line, SI);
    struct sl_span head = sl_span_head(*line, si ? (uint32_t)(si - line->data) : line->len);
    const uint8_t *end = sl_span_first(head, EM);
    end = end ? end : si;
    if (!end)
        return true;
    /* Most stand before CR or LF, and end the same line. */
    uint32_t len = (uint32_t)(end - line->data);
    bool is_last = sl_span_trim(sl_span_skip(*line, len + 1)).len == 0;
    line->len = len;
    if (!is_last)
        *rest = sl_span_skip(before, len + 1);
    return true;
}

/* Behind "ZCZC" at the start; NULL data: it is not there. */
static struct sl_span skip_zczc(struct sl_span message)
{
    struct sl_span rest = sl_span_skip_white(message);
    if (sl_span_starts(rest, "\xef\xbb\xbf"))
        rest = sl_span_skip(rest, 3); /* a relay's byte-order mark */
    if (!sl_span_starts(rest, "zczc") || (rest.len > 4 && sl_is_word_byte(rest.data[4])))
        return (struct sl_span){ NULL, 0 };
    return sl_span_skip(rest, 4);
}

/* Up to the last line that is NNNN; what stands behind it is the line's. */
static struct sl_span cut_ending(struct sl_span text)
{
    uint32_t end = text.len;
    while (end != 0 && text.len - end < ENDING_LOOK) {
        const uint8_t *n = memrchr(text.data, 'N', end);
        if (!n)
            break;
        end = (uint32_t)(n - text.data);
        struct sl_span tail = sl_span_skip(text, end < 3 ? 0 : end - 3);
        bool is_alone = tail.len == 4 || tail.data[4] <= ' ';
        uint32_t start = (uint32_t)(tail.data - text.data);
        while (start != 0 && (text.data[start - 1] == ' ' || text.data[start - 1] == '\t'))
            start--;
        bool is_first = start == 0 || text.data[start - 1] < ' ';
        if (is_first && is_alone && sl_span_starts(tail, "NNNN"))
            return sl_span_head(text, start);
    }
    return text;
}

/* ---- the product ---- */

static const struct sl_header_line *find_line(const struct sl_product *product, struct sl_span line)
{
    for (uint32_t i = 0; i < product->line_cnt; i++) {
        size_t len = strlen(product->lines[i].begins);
        if (line.len >= len && memcmp(line.data, product->lines[i].begins, len) == 0)
            return &product->lines[i];
    }
    return NULL;
}

static bool has_sign(struct sl_span header, const char *sign)
{
    struct sl_span line;
    size_t len = strlen(sign);
    for (unsigned i = 0; i < HEADER_MAX && next_line(&header, &line); i++) {
        line = sl_span_trim(line);
        if (line.len >= len && memcmp(line.data, sign, len) == 0)
            return true;
    }
    return false;
}

static bool fits(const struct sl_product *product, struct sl_span heading, struct sl_span header)
{
    const char *wanted = product->heading ? product->heading : "";
    if (strcmp(wanted, "*") != 0 && !sl_span_is(heading, wanted))
        return false;
    for (uint32_t i = 0; i < product->sign_cnt; i++) {
        if (!has_sign(header, product->signs[i]))
            return false;
    }
    return true;
}

static bool choose_from(struct zczc *wire, const struct sl_profile *profile, struct sl_span header)
{
    for (uint32_t i = 0; i < profile->product_cnt; i++) {
        if (!fits(&profile->products[i], wire->heading, header))
            continue;
        wire->profile = profile;
        wire->product = &profile->products[i];
        return true;
    }
    return false;
}

/* A feed's own profile alone, where it has one; else the first that fits. */
static void choose_product(struct zczc *wire, struct sl_span header)
{
    const struct sl_feed_facts *feed = wire->story.parse->feed;
    wire->product = &default_product;
    if (feed->profile) {
        choose_from(wire, feed->profile, header);
        return;
    }
    for (uint32_t i = 0; feed->profiles && i < feed->profiles->cnt; i++) {
        if (choose_from(wire, &feed->profiles->profile[i], header))
            return;
    }
}

/* ---- the header ---- */

/* "11/2/2017" */
static bool is_day(struct sl_span value)
{
    for (uint32_t i = 0; i < value.len; i++) {
        if (!sl_is_digit(value.data[i]) && value.data[i] != '/')
            return false;
    }
    return value.len > 4 && memchr(value.data, '/', value.len);
}

static void note_line(struct zczc *wire, enum sl_header_field field, struct sl_span value)
{
    value = sl_span_head(sl_span_trim(value), SAID_MAX);
    if (field == SL_HEADER_TAKE && is_day(value))
        return;
    /* One letter is no headline but a category. */
    if (wire->product == &default_product && field == SL_HEADER_HEADLINE && value.len == 1)
        field = SL_HEADER_CATEGORY;
    if (field == SL_HEADER_SLUGLINE && wire->said[field].len != 0)
        field = SL_HEADER_TAKE;
    if (wire->said[field].len == 0)
        wire->said[field] = value;
}

/* Header lines, and blank ones between them; gives the text behind. */
static struct sl_span read_header(struct zczc *wire, struct sl_span rest)
{
    struct sl_span line, after = rest;
    for (unsigned i = 0; i < HEADER_MAX && next_line(&after, &line); i++) {
        line = sl_span_trim(line);
        const struct sl_header_line *row = line.len != 0 ? find_line(wire->product, line) : NULL;
        if (line.len != 0 && !row)
            return rest;
        if (row && row->field == SL_HEADER_TEXT) {
            const uint8_t *text = line.data + strlen(row->begins);
            return (struct sl_span){ text, (uint32_t)(rest.data + rest.len - text) };
        }
        if (row)
            note_line(wire, row->field, sl_span_skip(line, (uint32_t)strlen(row->begins)));
        rest = after;
    }
    return rest;
}

/* ---- what it says ---- */

static void say_codes(struct sl_story *story, enum sl_list list, struct sl_span words)
{
    static const struct sl_ref none;
    while (words.len != 0) {
        words = sl_span_skip_white(words);
        struct sl_span word = sl_span_word(words);
        if (word.len == 0)
            break;
        struct sl_ref code = sl_story_put(story, word);
        bool is_coded = list == SL_LIST_SUBJECTS;
        sl_out_item(story->out, list, is_coded ? sl_out_ref(story->out, "iptc", 4) : code, is_coded ? code : none, none,
                    none);
        words = sl_span_skip(words, word.len);
    }
}

static void say_name(struct sl_story *story, enum sl_list list, struct sl_span name)
{
    static const struct sl_ref none;
    if (name.len != 0)
        sl_out_item(story->out, list, none, none, sl_story_put(story, name), none);
}

static struct sl_span trim_brackets(struct sl_span value)
{
    while (value.len != 0 && (value.data[0] == '(' || value.data[0] == ' '))
        value = sl_span_skip(value, 1);
    while (value.len != 0 && memchr(") ", value.data[value.len - 1], 2))
        value.len--;
    return value;
}

static void say_date(struct zczc *wire)
{
    struct sl_story *story = &wire->story;
    struct sl_span date = wire->said[SL_HEADER_DATE];
    enum sl_date_zone given;
    int64_t ns;
    story->time_ns = story->parse->arrival_ns;
    if (date.len != 0 && (sl_date_rfc5322(date.data, date.len, story->zone, &ns, &given) ||
                          sl_date_iso(date.data, date.len, story->zone, &ns, &given))) {
        sl_out_root(story->out)->version_created = story->time_ns = ns;
        if (given == SL_DATE_ZONE_ASSUMED)
            sl_out_root(story->out)->flags |= SL_BULLETIN_ZONE_ASSUMED_CREATED;
    }
    int64_t s = story->time_ns / SL_TIME_NS;
    sl_civil_from_s(&story->day, s + (story->zone ? sl_zone_offset_at(story->zone, s) : 0));
}

static void say_id(struct zczc *wire)
{
    struct sl_story *story = &wire->story;
    struct sl_span name = wire->said[SL_HEADER_SLUGLINE];
    if (wire->said[SL_HEADER_ID].len != 0) {
        sl_story_say(story, SL_TEXT_ID, wire->said[SL_HEADER_ID]);
        return;
    }
    name = name.len != 0 ? name : wire->said[SL_HEADER_HEADLINE];
    name = name.len != 0 ? name : sl_span_head(wire->first_line, HEADLINE_MAX);
    name = name.len != 0 ? name : wire->heading;
    sl_out_set(story->out, SL_TEXT_ID, sl_story_put_id(story, name, wire->said[SL_HEADER_TAKE], 0));
    sl_out_root(story->out)->flags |= SL_BULLETIN_ID_MADE;
    if (sl_out_root(story->out)->version_created == SL_TIME_NONE)
        sl_out_note(story->out, "no time in the message: the id's day is the arrival's");
}

static void say_header(struct zczc *wire)
{
    static const struct {
        enum sl_header_field field;
        enum sl_text text;
    } rows[] = {
        {SL_HEADER_SLUGLINE,  SL_TEXT_SLUGLINE    },
        { SL_HEADER_HEADLINE, SL_TEXT_HEADLINE    },
        { SL_HEADER_TAKE,     SL_TEXT_TAKE        },
        { SL_HEADER_BYLINE,   SL_TEXT_BYLINE      },
        { SL_HEADER_CREDIT,   SL_TEXT_CREDIT      },
        { SL_HEADER_PROVIDER, SL_TEXT_PROVIDER    },
        { SL_HEADER_VERSION,  SL_TEXT_VERSION     },
        { SL_HEADER_PRIORITY, SL_TEXT_PRIORITY_RAW},
        { SL_HEADER_NOTE,     SL_TEXT_EDNOTE      },
    };
    struct sl_story *story = &wire->story;
    static const struct sl_ref none;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (wire->said[rows[i].field].len != 0)
            sl_story_say(story, rows[i].text, wire->said[rows[i].field]);
    }
    struct sl_span place = trim_brackets(wire->said[SL_HEADER_PLACE]);
    if (place.len != 0) {
        sl_story_say(story, SL_TEXT_LOCATED, place);
        sl_story_say(story, SL_TEXT_DATELINE_PLACE, place);
    }
    if (wire->heading.len != 0)
        sl_story_say(story, SL_TEXT_SERVICE, wire->heading);
    if (wire->said[SL_HEADER_PROVIDER].len == 0)
        sl_story_say_word(story, SL_TEXT_PROVIDER,
                          wire->product->provider ? wire->product->provider
                          : wire->profile         ? wire->profile->provider
                                                  : NULL);
    say_codes(story, SL_LIST_CATEGORIES, wire->said[SL_HEADER_CATEGORY]);
    say_codes(story, SL_LIST_KEYWORDS, wire->said[SL_HEADER_KEYWORDS]);
    say_codes(story, SL_LIST_SUBJECTS, wire->said[SL_HEADER_SUBJECT]);
    say_name(story, SL_LIST_GENRES, wire->said[SL_HEADER_GENRE]);
    say_name(story, SL_LIST_ORGANISATIONS, wire->said[SL_HEADER_ORGANISATION]);
    if (wire->said[SL_HEADER_SYMBOL].len != 0)
        sl_out_item(story->out, SL_LIST_SYMBOLS, none, none, sl_story_put(story, wire->said[SL_HEADER_SYMBOL]), none);
}

/* ---- the text ---- */

/* "<!" and "=!" end lines for the typesetter. */
static struct sl_span trim_marks(struct sl_span line)
{
    while (line.len != 0 && sl_is_white(line.data[line.len - 1]))
        line.len--;
    if (line.len >= 2 && line.data[line.len - 1] == '!' && memchr("<=", line.data[line.len - 2], 2))
        line.len -= 2;
    return line;
}

/* Was the line, of this length, broken by a machine before these words? */
static bool was_wrapped(uint32_t len, struct sl_span words)
{
    return len <= WRAPPED_MAX && len + 1 + sl_span_word(words).len >= WRAP_COLUMN && !sl_is_digit(words.data[0]);
}

/* From the first line on that a typesetter's control ends, the lines are read one by one. */
struct body_walk {
    struct sl_lines lines;
    struct sl_span rest;
    bool is_set;
};

static bool next_of_body(struct body_walk *walk, struct sl_line *line)
{
    if (!walk->is_set) {
        walk->rest = walk->lines.rest;
        if (!sl_lines_next(&walk->lines, line))
            return false;
        struct sl_span words = line->words;
        walk->is_set = line->look.has_control && (sl_span_first(words, SI) || sl_span_first(words, EM));
        if (!walk->is_set && (words.len == 0 || words.data[words.len - 1] != '!'))
            return true;
    }
    if (walk->is_set && !next_line(&walk->rest, &line->whole))
        return false;
    line->whole = trim_marks(line->whole);
    line->words = sl_span_trim(line->whole);
    line->look = sl_look_at(line->words.data, line->words.len);
    line->is_indented = sl_para_is_indented(line->whole);
    return true;
}

/* Lines that no machine wrapped stand for themselves; those with gaps may be rows of a table. */
static void put_text(struct zczc *wire, struct sl_span rest)
{
    struct sl_story *story = &wire->story;
    struct sl_para para;
    struct sl_span format = wire->said[SL_HEADER_FORMAT];
    struct body_walk walk = { .rest = rest };
    struct sl_line line;
    uint32_t dateline_len = (uint32_t)(rest.data - sl_span_trim(wire->text).data), len = 0;
    bool had_columns = false;
    sl_lines_begin(&walk.lines, rest);
    sl_para_begin(&para, story->out, story->charset, &story->parse->text);
    para.keep_lines = format.len == 1 && format.data[0] == 'T';
    while (next_of_body(&walk, &line)) {
        struct sl_span words = line.words;
        bool has_columns = line.look.has_wide_gap || (line.look.has_control && sl_span_first(words, '\t'));
        bool are_rows = had_columns && has_columns;
        if (len != 0 && words.len != 0 && !are_rows && !was_wrapped(len, words))
            sl_para_break(&para);
        sl_para_looked_at(&para, words, line.look, line.is_indented);
        had_columns = has_columns;
        len = words.len != 0 ? (uint32_t)(words.data + words.len - line.whole.data) + dateline_len : 0;
        dateline_len = 0;
    }
    sl_para_end(&para);
}

/* The first line is the headline where a blank line follows it and it reads like one. */
static void find_headline(struct zczc *wire)
{
    struct sl_span rest = wire->text, line = { NULL, 0 }, next = { NULL, 0 };
    while (line.len == 0 && next_line(&rest, &line))
        line = sl_span_trim(trim_marks(line));
    wire->first_line = line;
    next_line(&rest, &next);
    struct sl_dateline dateline;
    bool is_alone =
        sl_span_trim(next).len == 0 && rest.len != 0 && !sl_dateline_read(line, (struct sl_span){ NULL, 0 }, &dateline);
    if (wire->said[SL_HEADER_HEADLINE].len == 0 && is_alone && line.len != 0 && line.len <= HEADLINE_MAX &&
        line.data[line.len - 1] != '.')
        wire->said[SL_HEADER_HEADLINE] = line;
}

static void say_text(struct zczc *wire)
{
    struct sl_story *story = &wire->story;
    struct sl_span headline = wire->said[SL_HEADER_HEADLINE], take = wire->said[SL_HEADER_TAKE];
    struct sl_span agency = sl_span_of(sl_out_get(story->out, SL_TEXT_PROVIDER));
    struct sl_span rest = sl_story_take_dateline(story, agency, wire->text);
    sl_out_open(story->out);
    put_text(wire, rest);
    sl_out_set(story->out, SL_TEXT_BODY, sl_out_close(story->out));
    if (sl_out_get(story->out, SL_TEXT_PROVIDER).len == 0) {
        struct sl_slice credit = sl_out_get(story->out, SL_TEXT_CREDIT);
        sl_out_text(story->out, SL_TEXT_PROVIDER, credit.data, credit.len);
    }
    if (sl_story_is_label(story, take))
        sl_story_note_label(story, take);
    const uint8_t *colon = headline.len != 0 ? memchr(headline.data, ':', headline.len) : NULL;
    struct sl_span label = sl_span_head(headline, colon ? (uint32_t)(colon - headline.data) : headline.len);
    if (sl_story_is_label(story, label))
        sl_story_note_label(story, label);
    sl_story_weigh_embargo(story, wire->said[SL_HEADER_NOTE], true);
    sl_story_weigh_embargo(story, headline, false);
    sl_story_weigh_embargo(story, wire->first_line, false);
    struct sl_span start = wire->text;
    enum sl_request request = sl_story_calls_editors(story) ? sl_story_find_request(story, &start) : SL_REQUEST_NONE;
    if (request != SL_REQUEST_NONE)
        sl_story_note_request(story, request);
    sl_story_weigh_test(story);
    sl_story_say_kind(story);
}

/* ---- the format ---- */

static int recognize(const uint8_t *data, uint32_t len)
{
    return skip_zczc((struct sl_span){ data, len }).data ? 97 : 0;
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct zczc wire = {
        .story = {.parse = parse, .out = &parse->out}
    };
    struct sl_span whole = { parse->data, parse->len }, line = { NULL, 0 };
    if (parse->bulletin_idx != 0 || sl_span_trim(whole).len == 0)
        return SL_PARSE_END;
    struct sl_span rest = skip_zczc(whole);
    if (!rest.data)
        return sl_reject(parse, SL_PARSE_BAD_FRAME, (uint32_t)(sl_span_skip_white(whole).data - parse->data), "ZCZC");
    rest = cut_ending(rest);
    next_line(&rest, &line);
    wire.heading = sl_span_head(sl_span_trim(line), 64);
    if (sl_span_trim(rest).len == 0)
        return sl_reject(parse, SL_PARSE_CUT, parse->len, "header lines or text behind ZCZC");
    choose_product(&wire, rest);
    wire.text = read_header(&wire, rest);
    struct sl_slice sign = { (const char *)wire.heading.data, wire.heading.len };
    if (wire.profile && !parse->profile) {
        parse->profile = wire.profile;
        parse->profile_why = " by the lines of its header";
    }
    sl_parse_choose_profile(parse, sign);
    wire.story.charset = sl_parse_charset(parse, &whole);
    wire.story.zone = sl_parse_zone(parse, NULL);
    find_headline(&wire);
    say_date(&wire);
    say_header(&wire);
    say_id(&wire);
    say_text(&wire);
    return SL_PARSE_OK;
}

static unsigned peek_letter(const struct sl_profile *profile, const uint8_t *data, uint32_t len)
{
    struct zczc wire = { .profile = NULL };
    struct sl_span line, rest = sl_span_head(skip_zczc((struct sl_span){ data, len }), PEEK_MAX);
    if (!rest.data || !next_line(&rest, &line))
        return 0;
    wire.heading = sl_span_head(sl_span_trim(line), 64);
    if (!choose_from(&wire, profile, rest))
        return 0;
    read_header(&wire, rest);
    struct sl_span priority = wire.said[SL_HEADER_PRIORITY];
    uint8_t letter = priority.len == 1 ? sl_lower(priority.data[0]) : 0;
    return letter >= 'a' && letter <= 'z' ? letter : 0;
}

const struct sl_format sl_format_zczc = {
    .id = SL_FORMAT_ZCZC,
    .name = "zczc",
    .source = "ITU-T F.1 (ZCZC, NNNN), agencies' products",
    .recognize = recognize,
    .next = next,
    .peek_letter = peek_letter,
};
