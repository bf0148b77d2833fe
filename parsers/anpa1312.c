/* parsers/anpa1312.c - ANPA 1312: the control-character format of American news lines.
 *
 *     SYN SYN SOH  service-letter number [agency] US selector
 *     priority category DC3 DC1 keyword version  date number       DC4 DC2: a table
 *     STX keyword, version,count <
 *     ^headline <        caret lines: headline, pictures, notes, byline, credit; "<" and "=" are typesetting
 *     TAB paragraphs
 *     TAB ETX AP-WF-MM-DD-YY hhmmGMT <
 *     FF EOT
 *
 * Source    ANPA 1312-89, Wire Service Transmission Guidelines, for the frame and the header; AP's, CP's and Kyodo's
 *           conventions inside the text.
 *
 * The keyword is what links a story's versions, and leads repeat it exactly, so the id is made of it,
 * KEYWORD:YYYY-MM-DD, without the cycle designator, which differs between services, and with the header's own day.  The
 * service's number is another id, LETTER:NUMBER:YYYY-MM-DD.  A relay may have taken all control characters away, so the
 * shape of the lines decides, and the characters only help.
 */
#include "parsers/anpa1312.h"
#include <string.h>
#include "parsers/ascii.h"

enum { STX = 0x02, ETX = 0x03, EOT = 0x04, DC1 = 0x11, DC2 = 0x12, DC4 = 0x14, US = 0x1f };

#define PEEK_MAX 512u /* of a message: header and keyword line */

/* ---- the header ---- */

static uint32_t count_letters(struct sl_span span)
{
    uint32_t len = 0;
    while (len < span.len && sl_is_ascii_letter(span.data[len]))
        len++;
    return len;
}

static struct sl_span take(struct sl_span *rest, uint32_t len)
{
    struct sl_span taken = sl_span_head(*rest, len);
    *rest = sl_span_skip(*rest, len);
    return taken;
}

static bool is_between(uint8_t byte) { return byte == ' ' || byte == US; }

/* What is wrong with "W2870 US asian"; NULL: nothing.  *rest ends up where it went wrong. */
static const char *read_first_line(struct sl_span *rest, struct sl_anpa_header *header)
{
    if (rest->len == 0 || !sl_is_ascii_letter(rest->data[0]))
        return "service letter";
    header->service = take(rest, 1);
    uint32_t len = sl_span_digits(*rest);
    if (len < 3 || len > 5)
        return "running number of 3 to 5 digits behind the service letter";
    header->number = take(rest, len);
    header->agency = take(rest, count_letters(*rest));
    if (rest->len == 0 || !is_between(rest->data[0]))
        return "US behind the running number";
    while (rest->len != 0 && is_between(rest->data[0]))
        take(rest, 1);
    header->selector = sl_span_trim(*rest);
    return header->selector.len != 0 && header->selector.len <= 12 ? NULL : "selector of 1 to 12 characters";
}

static bool is_date(struct sl_span word)
{
    uint32_t first = sl_span_digits(word);
    if (first == 0 || first > 2 || first + 1 >= word.len || word.data[first] != '-')
        return false;
    uint32_t second = sl_span_digits(sl_span_skip(word, first + 1));
    return second >= 1 && second <= 2 && first + 1 + second == word.len;
}

/* Splits off the last word. */
static struct sl_span take_last(struct sl_span *rest)
{
    *rest = sl_span_trim(*rest);
    uint32_t start = rest->len;
    while (start != 0 && rest->data[start - 1] > ' ')
        start--;
    struct sl_span word = sl_span_skip(*rest, start);
    *rest = sl_span_trim(sl_span_head(*rest, start));
    return word;
}

/* Keyword, version, date and number; the date is found from the end, since a keyword may have blanks. */
static const char *read_heading(struct sl_span rest, struct sl_anpa_header *header)
{
    struct sl_span before = rest;
    header->count = take_last(&before);
    if (is_date(header->count)) {
        header->date = header->count;
        header->count.len = 0;
    } else if (sl_span_digits(header->count) == header->count.len && header->count.len != 0) {
        header->date = take_last(&before);
    }
    if (!is_date(header->date))
        return "date of two numbers with a hyphen, and a number, at the end of the line";
    header->keyword = sl_span_word(before);
    header->version = sl_span_trim(sl_span_skip(before, header->keyword.len));
    return header->keyword.len != 0 ? NULL : "keyword";
}

static const char *read_second_line(struct sl_span *rest, struct sl_anpa_header *header)
{
    if (rest->len == 0 || !sl_is_ascii_letter(rest->data[0]))
        return "priority letter";
    header->priority = take(rest, 1);
    if (rest->len == 0 || rest->data[0] != ' ')
        return "blank behind the priority";
    take(rest, 1);
    if (rest->len == 0 || !sl_is_ascii_letter(rest->data[0]))
        return "category letter";
    header->category = take(rest, 1);
    bool has_format = false;
    while (rest->len != 0 && (rest->data[0] == ' ' || (rest->data[0] >= DC1 && rest->data[0] <= DC4))) {
        has_format = true;
        header->is_table |= rest->data[0] == DC2 || rest->data[0] == DC4;
        take(rest, 1);
    }
    return has_format ? read_heading(*rest, header) : "format bytes or a blank behind the category";
}

/* Both header lines.  What is wrong; *rest is behind them, or where it went wrong. */
static const char *read_header(struct sl_span *rest, struct sl_anpa_header *header)
{
    struct sl_span line, after = *rest;
    line = sl_span_line(after);
    *rest = line;
    const char *want = read_first_line(rest, header);
    if (want)
        return want;
    sl_line_next(&after, &line);
    /* Some relays leave a blank line; some leave the second line out, and STX or the keyword follows. */
    line = sl_span_line(after);
    if (sl_span_trim(line).len == 0 && sl_line_next(&after, &line))
        line = sl_span_line(after);
    *rest = line;
    if (line.len != 0 && line.data[0] == STX) {
        *rest = after;
        return NULL;
    }
    want = read_second_line(rest, header);
    if (want)
        return want;
    sl_line_next(&after, &line);
    *rest = after;
    return NULL;
}

/* The keyword line is the first behind STX, or behind the header where a relay took STX away. */
static struct sl_span take_slug(struct sl_span *rest)
{
    struct sl_span line = { rest->data, 0 }, after = *rest;
    for (unsigned i = 0; i < 3 && line.len == 0 && sl_line_next(&after, &line); i++)
        line = sl_span_trim(line);
    if (line.len != 0 && line.data[0] == STX)
        line = sl_span_skip(line, 1);
    *rest = after;
    return line;
}

/* A keyword line, and not the story: it has its comma and number, or its cycle designator, or repeats the header's. */
static bool is_slug(struct sl_span line, const struct sl_anpa_header *header)
{
    uint32_t len = header->keyword.len < 8 ? header->keyword.len : 8;
    struct sl_anpa_slug slug;
    sl_anpa_read_slug(line, &slug);
    if (slug.count.len != 0 || (line.len > 3 && line.data[2] == '-' && sl_is_upper(line.data[0])))
        return true;
    return len != 0 && slug.keyword.len >= len && memcmp(slug.keyword.data, header->keyword.data, len) == 0;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    bool has_soh;
    struct sl_anpa_header header = { 0 };
    struct sl_span rest = sl_story_skip_noise((struct sl_span){ data, len }, &has_soh);
    rest = sl_span_head(rest, PEEK_MAX);
    if (read_header(&rest, &header))
        return has_soh && header.selector.len != 0 && header.selector.data[-1] == US ? 70 : 0;
    if (header.priority.len == 0)
        return has_soh ? 80 : 0;
    return has_soh ? 99 : 90;
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    bool has_soh;
    struct sl_anpa_header header = { 0 };
    struct sl_anpa_slug slug = {
        .count = {NULL, 0}
    };
    struct sl_span rest = sl_story_skip_noise((struct sl_span){ data, len }, &has_soh);
    rest = sl_span_head(rest, PEEK_MAX);
    if (read_header(&rest, &header))
        return 0;
    struct sl_span line = take_slug(&rest);
    if (is_slug(line, &header))
        sl_anpa_read_slug(line, &slug);
    unsigned urgency = sl_anpa_urgency(&header, &slug);
    uint8_t letter = header.priority.len == 1 ? sl_lower(header.priority.data[0]) : 0;
    return urgency == 0 && letter >= 'a' && letter <= 'z' ? letter : urgency;
}

/* ---- the parts ---- */

static enum sl_parse_code take_header(struct sl_anpa *wire, struct sl_span *message)
{
    struct sl_span rest = *message;
    const char *want = read_header(&rest, &wire->header);
    if (!want) {
        *message = rest;
        return SL_PARSE_OK;
    }
    bool is_end = rest.data + rest.len == message->data + message->len && sl_span_trim(rest).len == 0;
    enum sl_parse_code code = is_end                           ? SL_PARSE_CUT
                              : wire->header.selector.len == 0 ? SL_PARSE_BAD_FRAME
                                                               : SL_PARSE_BAD_HEADER;
    return sl_reject(wire->story.parse, code, (uint32_t)(rest.data - wire->story.parse->data), want);
}

/* "bc-harbour-talks-1st-ld" over "BC-harbour-talks": what the header's keyword has more, if it is a version's words. */
static struct sl_span find_version(const struct sl_anpa_header *header, struct sl_span keyword)
{
    struct sl_span version = { NULL, 0 };
    if (header->keyword.len <= keyword.len + 1 || header->keyword.data[keyword.len] != '-')
        return version;
    for (uint32_t i = 0; i < keyword.len; i++) {
        if (sl_lower(header->keyword.data[i]) != sl_lower(keyword.data[i]))
            return version;
    }
    version = sl_span_skip(header->keyword, keyword.len + 1);
    return sl_label_find(version) ? version : sl_span_head(version, 0);
}

/* The trailer stands behind ETX, which is in the middle of a line; a relay leaves it as the last line of the text. */
static struct sl_span split_trailer(struct sl_anpa *wire, struct sl_span text, bool *has_end)
{
    const uint8_t *etx = memrchr(text.data, ETX, text.len);
    const uint8_t *eot = memrchr(text.data, EOT, text.len);
    *has_end = etx || eot;
    if (etx) {
        struct sl_span behind = sl_span_skip(text, (uint32_t)(etx - text.data) + 1), line;
        text.len = (uint32_t)(etx - text.data);
        for (unsigned i = 0; i < 4 && wire->trailer.len == 0 && sl_line_next(&behind, &line); i++)
            wire->trailer = sl_anpa_is_trailer(line) ? line : (struct sl_span){ NULL, 0 };
    } else if (eot) {
        text.len = (uint32_t)(eot - text.data);
    }
    struct sl_span last = sl_story_last_line(text);
    if (wire->trailer.len == 0 && sl_anpa_is_trailer(last)) {
        wire->trailer = last;
        text.len = (uint32_t)(last.data - text.data);
    }
    return text;
}

static enum sl_parse_code split_parts(struct sl_anpa *wire, struct sl_span rest, bool has_soh, struct sl_span *text)
{
    bool has_end;
    bool has_stx = memchr(rest.data, STX, rest.len) != NULL;
    rest = split_trailer(wire, rest, &has_end);
    if ((has_stx || has_soh) && !has_end && wire->trailer.len == 0)
        return sl_reject(wire->story.parse, SL_PARSE_CUT, wire->story.parse->len, "ETX and the time behind the text");
    struct sl_span after = rest, line = take_slug(&after);
    if (is_slug(line, &wire->header)) {
        sl_anpa_read_slug(line, &wire->slug);
        rest = after;
    }
    if (wire->slug.keyword.len == 0)
        wire->slug.keyword = wire->header.keyword;
    if (wire->slug.version.len == 0)
        wire->slug.version = wire->header.version;
    if (wire->slug.version.len == 0)
        wire->slug.version = find_version(&wire->header, wire->slug.keyword);
    if (wire->slug.keyword.len == 0)
        return sl_reject(wire->story.parse, SL_PARSE_BAD_TEXT, (uint32_t)(rest.data - wire->story.parse->data),
                         "keyword line behind STX");
    *text = rest;
    return SL_PARSE_OK;
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    if (parse->bulletin_idx != 0)
        return SL_PARSE_END;
    bool has_soh;
    struct sl_anpa wire = {
        .story = {.parse = parse, .out = &parse->out}
    };
    struct sl_span whole = { parse->data, parse->len }, text;
    struct sl_span message = sl_story_skip_noise(whole, &has_soh);
    if (message.len == 0)
        return SL_PARSE_END;
    enum sl_parse_code code = take_header(&wire, &message);
    if (code == SL_PARSE_OK)
        code = split_parts(&wire, message, has_soh, &text);
    if (code != SL_PARSE_OK)
        return code;
    wire.story.charset = sl_parse_charset(parse, &whole);
    if (!sl_anpa_unset(parse, wire.story.charset, text, &wire.text))
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "scratch memory for the text without typesetting");
    sl_anpa_say_time(&wire);
    sl_anpa_say_header(&wire);
    sl_anpa_say_text(&wire);
    parse->scratch.used = 0;
    return SL_PARSE_OK;
}

const struct sl_format sl_format_anpa1312 = {
    .id = SL_FORMAT_ANPA1312,
    .name = "anpa1312",
    .source = "ANPA 1312-89, Wire Service Transmission Guidelines",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
