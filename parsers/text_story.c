/* parsers/text_story.c - stories without a header: republished wire copy, press releases, notices, tickers.
 *
 *          Source: who sends it            furniture, any of it, in any order
 *          MEDIA RELEASE PR12345
 *          EMBARGOED UNTIL 0001 GMT ...
 *          Headline over one
 *          or two lines
 *          By NAME
 *
 *          PLACE, day (agency) - Paragraphs
 *          Also on SITE: other story       links to other stories
 *          - Agency with what others did   the credit
 *          Read more:
 *          other stories
 *          SOURCE: who sent it
 *
 * Source    None: what sites and press-release wires show.  Reuters copy as a site republishes it, AsiaNet and PR
 *           Newswire releases, notices of Australia's Bureau of Meteorology, AAP's ticker.
 *
 * Nothing here is certain, so what is not understood stays in the body.  The id is the product's code where there is
 * one, else it is made: of the headline's or first line's first words, a hash of that line, and the day.
 */
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "parsers/ascii.h"
#include "parsers/editor.h"
#include "parsers/parse.h"
#include "parsers/standing.h"
#include "parsers/text_furniture.h"

#define LOOK_MAX           4096u /* bytes that tell text from garbage */
#define GARBAGE_PERCENT    5u /* of control characters; random bytes have 13 */
#define HEADLINE_MAX       220u
#define HEADLINE_LINES_MAX 3u
#define LINE_WRAPPED_MAX   100u /* bytes: longer lines were not wrapped by hand */
#define SPARE_COLUMNS      12u /* a line that leaves this much room for the next word was ended on purpose */
#define SLUG_MAX           48u

/* Who sends, when the text says so and no header does. */
static const struct {
    const char *phrase, *provider, *zone;
} senders[] = {
    {"australian government bureau of meteorology", "BOM", "Australia/Sydney"},
    { "bureau of meteorology",                      "BOM", "Australia/Sydney"},
};

struct story {
    struct sl_parse *parse;
    struct sl_out *out;
    enum sl_charset charset;
    struct sl_span rest; /* what has not been read yet */
    struct sl_span first; /* the line that the id is made of */
    struct sl_span headline, source, code;
    const char *provider, *zone_name;
    const struct sl_zone *zone;
    const struct sl_label *label;
    enum sl_embargo embargo;
    int64_t embargo_ns;
    enum sl_date_zone embargo_zone;
    struct sl_civil day; /* the text's own, else the arrival's */
    bool has_day, has_year, keep_lines;
    uint32_t width; /* the column at which the text was wrapped */
};

static bool is_alnum(uint8_t byte) { return sl_is_digit(byte) || sl_is_ascii_letter(byte); }

static struct sl_ref put(struct story *story, struct sl_span span)
{
    sl_out_open(story->out);
    sl_text_put_line(story->out, story->charset, span.data, span.len, &story->parse->text);
    return sl_out_close(story->out);
}

static void say(struct story *story, enum sl_text text, struct sl_span span)
{
    sl_out_set(story->out, text, put(story, span));
}

/* ---- is it text? ---- */

static uint32_t count_controls(struct sl_span look, bool is_utf8)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < look.len; i++) {
        uint8_t byte = look.data[i];
        /* Of Windows-1252 these five are no characters. */
        bool is_undefined = !is_utf8 && (byte == 0x81 || byte == 0x8d || byte == 0x8f || byte == 0x90 || byte == 0x9d);
        cnt += (byte < ' ' && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7f || is_undefined;
    }
    return cnt;
}

static bool is_garbage(struct sl_span data, enum sl_charset charset)
{
    struct sl_span look = sl_span_head(data, LOOK_MAX);
    return !sl_charset_is_wide(charset) &&
           count_controls(look, charset == SL_CHARSET_UTF8) * 100 > look.len * GARBAGE_PERCENT;
}

static bool is_blank(uint8_t byte) { return byte <= ' ' || byte == 0x7f || byte == 0xa0; }

static bool is_empty(struct sl_span data)
{
    for (uint32_t i = 0; i < data.len; i++) {
        if (!is_blank(data.data[i]))
            return false;
    }
    return true;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    (void)data;
    return len != 0 ? 1 : 0;
}

/* ---- the head ---- */

static void weigh_embargo(struct story *story, struct sl_span line, bool is_label)
{
    int64_t until_ns;
    enum sl_date_zone given;
    enum sl_embargo embargo = sl_embargo_read(line, is_label, story->parse->arrival_ns, story->zone, &until_ns, &given);
    if (embargo == SL_EMBARGO_NONE)
        return;
    story->embargo = embargo;
    story->embargo_ns = until_ns;
    story->embargo_zone = given;
}

static bool take_release_number(struct story *story, struct sl_span line)
{
    uint32_t len;
    if (!sl_phrase_starts(line, "media release", &len))
        return false;
    struct sl_span code = sl_span_trim(sl_span_skip(line, len));
    if (code.len < 3 || code.len > 16 || memcmp(code.data, "PR", 2) != 0 || !sl_is_digit(code.data[2]))
        return false;
    story->code = code;
    story->provider = "AsiaNet";
    return true;
}

static bool take_sender(struct story *story, struct sl_span line)
{
    uint32_t len;
    for (size_t i = 0; i < sizeof(senders) / sizeof(*senders); i++) {
        if (sl_phrase_starts(line, senders[i].phrase, &len)) {
            story->provider = senders[i].provider;
            story->zone_name = senders[i].zone;
            return true;
        }
    }
    return false;
}

/* Takes one line of furniture above the headline. */
static bool take_furniture(struct story *story, struct sl_span line)
{
    struct sl_span value;
    if (story->code.len == 0 && sl_furniture_is_product(line)) {
        story->code = line;
        return true;
    }
    if (story->source.len == 0 && sl_furniture_opening(line, "source", &value)) {
        story->source = value;
        return true;
    }
    if (take_release_number(story, line))
        return true;
    /* Who issues a numbered product, and for which region, stands below its number. */
    if (story->code.len != 0 && story->provider == NULL && take_sender(story, line)) {
        struct sl_span after = story->rest, region;
        if (sl_line_next(&after, &region) && sl_span_trim(region).len != 0) {
            say(story, SL_TEXT_LOCATED, region);
            story->rest = after;
        }
        return true;
    }
    enum sl_embargo before = story->embargo;
    weigh_embargo(story, line, false);
    if (story->embargo != before || sl_label_is_all(line)) {
        story->label = sl_label_stronger(story->label, sl_label_find(line));
        say(story, story->embargo != before ? SL_TEXT_EDNOTE : SL_TEXT_TAKE, line);
        return true;
    }
    return false;
}

static void skip_blank_lines(struct story *story)
{
    struct sl_span rest = story->rest, line;
    while (sl_line_next(&rest, &line) && sl_span_trim(line).len == 0)
        story->rest = rest;
}

static void take_all_furniture(struct story *story)
{
    skip_blank_lines(story);
    for (unsigned i = 0; i < 12 && story->rest.len != 0; i++) {
        struct sl_span before = story->rest, line;
        if (!sl_line_next(&story->rest, &line))
            break;
        line = sl_span_trim(line);
        if (line.len != 0 && !take_furniture(story, line)) {
            story->rest = before;
            break;
        }
        skip_blank_lines(story);
    }
}

static struct sl_dateline read_dateline(struct sl_span text)
{
    struct sl_dateline dateline = { .len = 0 };
    struct sl_span none = { NULL, 0 };
    if (!sl_dateline_read(sl_span_head(sl_span_trim(text), 200), none, &dateline))
        dateline.len = 0;
    return dateline;
}

/* One to three short lines, then a blank one, a byline or a dateline, and then more: a headline. */
static void take_headline(struct story *story)
{
    struct sl_span rest = story->rest, line, name, after = rest;
    const uint8_t *start = NULL, *end = NULL;
    for (unsigned i = 0; i <= HEADLINE_LINES_MAX && sl_line_next(&after, &line); i++) {
        line = sl_span_trim(line);
        bool is_end = line.len == 0 || sl_byline_read(line, &name) || read_dateline(rest).len != 0;
        if (is_end && start) {
            bool is_sentence = end[-1] == '.' && (end - start < 2 || end[-2] != '.');
            if ((uint32_t)(end - start) > HEADLINE_MAX || is_sentence || sl_span_trim(rest).len == 0)
                return;
            story->headline = (struct sl_span){ start, (uint32_t)(end - start) };
            story->rest = rest;
            return;
        }
        if (is_end || i == HEADLINE_LINES_MAX)
            return;
        start = start ? start : line.data;
        end = line.data + line.len;
        rest = after;
    }
}

static void take_byline(struct story *story)
{
    struct sl_span name, rest = story->rest, line;
    skip_blank_lines(story);
    rest = story->rest;
    if (story->headline.len == 0 || !sl_line_next(&rest, &line) || !sl_byline_read(line, &name))
        return;
    say(story, SL_TEXT_BYLINE, name);
    story->rest = rest;
}

/* ---- times ---- */

static bool read_small(struct sl_span word, uint32_t max, int32_t *number)
{
    uint32_t value = 0, len = 0;
    while (len < word.len && sl_is_digit(word.data[len]) && len < 5)
        value = value * 10 + (uint32_t)(word.data[len++] - '0');
    *number = (int32_t)value;
    return len != 0 && value <= max;
}

static struct sl_span next_word(struct sl_span *rest)
{
    uint32_t len = 0;
    while (rest->len != 0 && (rest->data[0] <= ' ' || rest->data[0] == ','))
        *rest = sl_span_skip(*rest, 1);
    while (len < rest->len && rest->data[len] > ' ' && rest->data[len] != ',')
        len++;
    struct sl_span word = sl_span_head(*rest, len);
    *rest = sl_span_skip(*rest, len);
    while (word.len != 0 && word.data[word.len - 1] == '.')
        word.len--;
    return word;
}

/* "Feb. 1, 2017", "5 July 2018", "1 Feb": a day among words; the year may come from the arrival. */
static bool find_day(struct story *story, struct sl_span words)
{
    struct sl_civil arrival;
    int32_t number, day = 0, year = 0;
    unsigned month = 0;
    sl_civil_from_s(&arrival, story->parse->arrival_ns / SL_TIME_NS);
    for (struct sl_span word = next_word(&words); word.len != 0; word = next_word(&words)) {
        if (month == 0 && word.len >= 3 && (month = sl_month_named(word.data, word.len)) != 0)
            continue;
        if (!sl_is_digit(word.data[0]) || !read_small(word, 2100, &number))
            continue;
        if (number >= 1 && number <= 31 && word.len <= 2)
            day = number;
        else if (number >= 1990 && word.len == 4)
            year = number;
    }
    struct sl_civil found = { .year = year ? year : arrival.year, .month = (uint8_t)month, .day = (uint8_t)day };
    if (month == 0 || day == 0 || !sl_civil_valid(&found))
        return false;
    if (year == 0 && sl_civil_to_s(&found) > story->parse->arrival_ns / SL_TIME_NS + 86400)
        found.year--;
    if (!sl_civil_valid(&found))
        return false;
    story->day = found;
    story->has_year = year != 0;
    return story->has_day = true;
}

/* "Issued at 9:27 am EST on Thursday 5 July 2018." */
static void read_issued(struct story *story, struct sl_span line)
{
    uint32_t off, len;
    int32_t hour, minute = 0, offset_s;
    if (!sl_phrase_find(line, "issued at", &off, &len))
        return;
    struct sl_span rest = sl_span_skip(line, off + len);
    if (!find_day(story, rest))
        return;
    struct sl_span clock = next_word(&rest), half = next_word(&rest), zone = next_word(&rest);
    if (!read_small(clock, 23, &hour))
        return;
    const uint8_t *colon = memchr(clock.data, ':', clock.len);
    if (colon && !read_small(sl_span_skip(clock, (uint32_t)(colon - clock.data) + 1), 59, &minute))
        return;
    if (sl_span_starts(half, "am") || sl_span_starts(half, "pm"))
        hour = hour % 12 + (sl_span_starts(half, "pm") ? 12 : 0);
    else
        zone = half;
    story->day.hour = (uint8_t)hour;
    story->day.minute = (uint8_t)minute;
    struct sl_bulletin *root = sl_out_root(story->out);
    int64_t local_s = sl_civil_to_s(&story->day);
    bool is_given = zone.len != 0 && sl_offset_named(zone.data, zone.len, &offset_s);
    /* Words such as EST mean the sender's country, so its zone decides. */
    int64_t utc_s = is_given ? local_s - offset_s : story->zone ? sl_zone_to_utc(story->zone, local_s) : local_s;
    if (!is_given)
        root->flags |= SL_BULLETIN_ZONE_ASSUMED_CREATED;
    if (!story->has_year)
        root->flags |= SL_BULLETIN_DATE_COMPLETED;
    root->version_created = sl_ns_of_s(utc_s);
}

/* ---- the body ---- */

static void take_dateline(struct story *story)
{
    struct sl_dateline dateline;
    skip_blank_lines(story);
    dateline = read_dateline(story->rest);
    if (dateline.len == 0)
        return;
    say(story, SL_TEXT_DATELINE, dateline.whole);
    say(story, SL_TEXT_DATELINE_PLACE, dateline.place);
    if (sl_out_get(story->out, SL_TEXT_LOCATED).len == 0)
        say(story, SL_TEXT_LOCATED, dateline.place);
    say(story, SL_TEXT_CREDIT, dateline.credit);
    find_day(story, sl_span_head(dateline.whole, (uint32_t)(dateline.credit.data - dateline.whole.data)));
    story->rest = sl_span_skip(sl_span_trim(story->rest), dateline.len);
}

/* Was it wrapped at some column?  Then hardly a line is long, and the longest tells the column. */
static void measure_lines(struct story *story)
{
    struct sl_span rest = sl_span_head(story->rest, 8 * LOOK_MAX), line;
    uint32_t long_cnt = 0, cnt = 0;
    while (sl_line_next(&rest, &line)) {
        line = sl_span_trim(line);
        cnt += line.len != 0;
        long_cnt += line.len > LINE_WRAPPED_MAX;
        if (line.len <= LINE_WRAPPED_MAX && line.len > story->width)
            story->width = line.len;
    }
    story->keep_lines = long_cnt * 4 > cnt;
}

/* An address, a verse, a list of names: the next line's first word would have had room here. */
static bool was_ended(const struct story *story, struct sl_span line, struct sl_span rest)
{
    struct sl_span next = sl_span_trim(sl_span_line(rest));
    uint32_t word_len = 0;
    while (word_len < next.len && next.data[word_len] > ' ')
        word_len++;
    return word_len != 0 && line.len + 1 + word_len + SPARE_COLUMNS <= story->width;
}

static void say_association(struct story *story, const char *rel, struct sl_span title, struct sl_span url,
                            const char *type)
{
    struct sl_ref rel_ref = sl_out_ref(story->out, rel, (uint32_t)strlen(rel));
    struct sl_ref title_ref = put(story, title), url_ref = put(story, url);
    sl_out_item(story->out, SL_LIST_ASSOCIATIONS, rel_ref, title_ref, url_ref,
                sl_out_ref(story->out, type, (uint32_t)strlen(type)));
}

static void say_related(struct story *story, struct sl_span line)
{
    struct sl_span none = { NULL, 0 };
    while (line.len != 0 && (line.data[0] == '-' || line.data[0] == '*' || line.data[0] == ' '))
        line = sl_span_skip(line, 1);
    bool is_url = sl_span_starts(line, "http://") || sl_span_starts(line, "https://");
    say_association(story, "related", is_url ? none : line, is_url ? line : none, "");
}

/* Behind the last byte that is not blank.  Looked for once: asked anew at each of many blank lines, it takes too
 * long. */
static const uint8_t *find_end(const struct story *story)
{
    uint32_t len = story->rest.len;
    while (len != 0 && is_blank(story->rest.data[len - 1]))
        len--;
    return story->rest.data + len;
}

static void put_body(struct story *story)
{
    struct sl_span rest = story->rest, line, value;
    const uint8_t *end = find_end(story);
    struct sl_para para;
    bool in_list = false;
    sl_out_open(story->out);
    sl_para_begin(&para, story->out, story->charset, &story->parse->text);
    para.keep_lines = story->keep_lines;
    while (sl_line_next(&rest, &line)) {
        struct sl_span trimmed = sl_span_trim(line);
        if (trimmed.len == 0)
            in_list = false;
        enum sl_furniture furniture = sl_furniture_read(trimmed, rest.data >= end, &value);
        in_list |= furniture == SL_FURNITURE_RELATED_LIST;
        bool is_body = furniture == SL_FURNITURE_NOT && !in_list;
        if (is_body)
            sl_para_line(&para, line);
        /* The first line has lost its dateline, so its length tells nothing. */
        if (!is_body || (line.data != story->rest.data && was_ended(story, trimmed, rest)))
            sl_para_break(&para);
    }
    sl_para_end(&para);
    sl_out_set(story->out, SL_TEXT_BODY, sl_out_close(story->out));
}

static void say_furniture(struct story *story)
{
    struct sl_span rest = story->rest, line, value, none = { NULL, 0 };
    const uint8_t *end = find_end(story);
    bool in_list = false;
    while (sl_line_next(&rest, &line)) {
        line = sl_span_trim(line);
        if (line.len == 0)
            in_list = false;
        switch (sl_furniture_read(line, rest.data >= end, &value)) {
        case SL_FURNITURE_RELATED_LIST:
            in_list = true;
            break;
        case SL_FURNITURE_RELATED:
            say_related(story, value);
            break;
        case SL_FURNITURE_PICTURE:
            say_association(story, "picture", none, value, "image/*");
            break;
        case SL_FURNITURE_CREDIT:
            say(story, SL_TEXT_CREDIT, value);
            break;
        case SL_FURNITURE_SOURCE:
            story->source = story->source.len != 0 ? story->source : value;
            break;
        default:
            if (in_list && line.len != 0)
                say_related(story, line);
        }
        if (!story->has_day)
            read_issued(story, line);
    }
}

/* ---- a ticker ---- */

/* One line of headlines parted by " ** ": each becomes a line of the body. */
static bool is_ticker(struct sl_span rest)
{
    struct sl_span text = sl_span_trim(rest);
    uint32_t off, cnt = 0;
    if (memchr(text.data, '\n', text.len))
        return false;
    for (; sl_span_find(text, " ** ", &off); cnt++)
        text = sl_span_skip(text, off + 4);
    return cnt >= 2;
}

static void put_ticker(struct story *story)
{
    struct sl_span text = sl_span_trim(story->rest);
    sl_out_open(story->out);
    while (text.len != 0) {
        uint32_t off = text.len;
        bool more = sl_span_find(text, "**", &off);
        struct sl_span headline = sl_span_trim(sl_span_head(text, off));
        if (headline.len != 0 && sl_out_opened(story->out).len != 0)
            sl_out_putc(story->out, '\n');
        sl_text_put_line(story->out, story->charset, headline.data, headline.len, &story->parse->text);
        text = sl_span_skip(text, more ? off + 2 : text.len);
    }
    sl_out_set(story->out, SL_TEXT_BODY, sl_out_close(story->out));
}

/* ---- identity and state ---- */

static struct sl_slice find_provider(struct story *story)
{
    struct sl_slice credit = sl_out_get(story->out, SL_TEXT_CREDIT);
    uint32_t len = 0;
    if (story->provider)
        return (struct sl_slice){ story->provider, (uint32_t)strlen(story->provider) };
    if (sl_agency_is((struct sl_span){ (const uint8_t *)credit.data, credit.len }))
        return credit;
    while (len < credit.len && is_alnum((uint8_t)credit.data[len]))
        len++;
    if (sl_agency_is((struct sl_span){ (const uint8_t *)credit.data, len }))
        return (struct sl_slice){ credit.data, len };
    return (struct sl_slice){ NULL, 0 };
}

/* "oil-prices-rise-as-traders-wait-1f2e3d4c:2024-10-09" */
static void make_id(struct story *story)
{
    struct sl_out *out = story->out;
    static const char hex[] = "0123456789abcdef";
    uint64_t hash = XXH3_64bits(story->first.data, story->first.len);
    sl_out_root(out)->flags |= SL_BULLETIN_ID_MADE;
    if (!story->has_day)
        sl_civil_from_s(&story->day, story->parse->arrival_ns / SL_TIME_NS);
    if (!story->has_day || !story->has_year) {
        sl_out_root(out)->flags |= SL_BULLETIN_DATE_COMPLETED;
        sl_out_note(out, "the id's day, or its year, is the arrival's");
    }
    sl_out_open(out);
    bool parted = true;
    for (uint32_t i = 0; i < story->first.len && sl_out_opened(out).len < SLUG_MAX; i++) {
        uint8_t byte = story->first.data[i];
        if (is_alnum(byte))
            sl_out_putc(out, (char)(sl_is_upper(byte) ? byte | 0x20 : byte));
        else if (!parted)
            sl_out_putc(out, '-');
        parted = !is_alnum(byte);
    }
    if (!parted)
        sl_out_putc(out, '-');
    for (int shift = 28; shift >= 0; shift -= 4)
        sl_out_putc(out, hex[hash >> shift & 15]);
    char date[] = ":0000-00-00";
    unsigned year = (unsigned)story->day.year % 10000;
    for (unsigned i = 4; i >= 1; i--, year /= 10)
        date[i] = (char)('0' + year % 10);
    date[6] = (char)('0' + story->day.month / 10);
    date[7] = (char)('0' + story->day.month % 10);
    date[9] = (char)('0' + story->day.day / 10);
    date[10] = (char)('0' + story->day.day % 10);
    sl_out_put(out, date, sizeof(date) - 1);
    sl_out_set(out, SL_TEXT_ID, sl_out_close(out));
}

static bool says_cancellation(struct sl_span headline)
{
    static const char *const openings[] = { "cancellation of", "cancellation", "cancelled", "canceled",
                                            "final warning" };
    uint32_t len;
    for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
        if (sl_phrase_starts(headline, openings[i], &len))
            return true;
    }
    return false;
}

static void say_state(struct story *story)
{
    struct sl_bulletin *root = sl_out_root(story->out);
    uint32_t colon = 0;
    if (sl_span_find(sl_span_head(story->headline, 40), ":", &colon) &&
        sl_label_is_all(sl_span_head(story->headline, colon)))
        story->label = sl_label_stronger(story->label, sl_label_find(sl_span_head(story->headline, colon)));
    if (story->label) {
        root->kind = (uint8_t)story->label->kind;
        root->signal = (uint8_t)story->label->signal;
    } else if (sl_says_test(story->headline) || sl_says_test(story->first)) {
        root->kind = SL_KIND_TEST;
        root->signal = SL_SIGNAL_TEST;
    } else if (says_cancellation(story->headline)) {
        root->kind = SL_KIND_UPDATE;
        root->signal = SL_SIGNAL_CANCEL;
    }
    if (root->kind == SL_KIND_KILL)
        root->pubstatus = SL_PUB_CANCELED;
    sl_standing_embargo(story->out, story->embargo, story->embargo_ns, story->embargo_zone);
}

static void say_identity(struct story *story)
{
    struct sl_slice provider = find_provider(story);
    if (provider.len != 0)
        sl_out_text(story->out, SL_TEXT_PROVIDER, provider.data, provider.len);
    if (story->source.len != 0) {
        struct sl_ref none = { 0, 0 };
        sl_out_item(story->out, SL_LIST_ORGANISATIONS, none, none, put(story, story->source), none);
        if (sl_out_get(story->out, SL_TEXT_CREDIT).len == 0)
            say(story, SL_TEXT_CREDIT, story->source);
    }
    if (story->code.len != 0)
        say(story, SL_TEXT_ID, story->code);
    else
        make_id(story);
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    if (parse->bulletin_idx != 0)
        return SL_PARSE_END;
    struct story story = {
        .parse = parse, .out = &parse->out, .rest = {parse->data, parse->len}
    };
    if (is_empty(story.rest))
        return SL_PARSE_END;
    story.charset = sl_parse_charset(parse, &story.rest);
    if (is_garbage(story.rest, story.charset))
        return sl_reject(parse, SL_PARSE_BAD_FRAME, 0, "text of some character set");
    story.zone = sl_parse_zone(parse, NULL);
    skip_blank_lines(&story);
    story.first = sl_span_trim(sl_span_line(story.rest));
    if (is_ticker(story.rest)) {
        put_ticker(&story);
        say_identity(&story);
        return SL_PARSE_OK;
    }
    take_all_furniture(&story);
    story.zone = sl_parse_zone(parse, story.zone_name);
    if (story.rest.len != 0)
        story.first = sl_span_trim(sl_span_line(story.rest));
    take_headline(&story);
    if (story.headline.len != 0) {
        say(&story, SL_TEXT_HEADLINE, story.headline);
        story.first = story.headline;
    }
    take_byline(&story);
    take_dateline(&story);
    measure_lines(&story);
    put_body(&story);
    say_furniture(&story);
    say_identity(&story);
    say_state(&story);
    return SL_PARSE_OK;
}

const struct sl_format sl_format_text = {
    .id = SL_FORMAT_TEXT,
    .name = "text",
    .source = "none: what sites and press-release wires show",
    .recognize = recognize,
    .next = next,
};
