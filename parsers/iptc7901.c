/* parsers/iptc7901.c - IPTC Recommendation 7901: the control-character format of news lines.
 *
 *     SOH  service number  priority  category  words  [routing]  [source number]  [reference]
 *          keyword/keyword/
 *     STX  labels, headline, byline =
 *          paragraphs
 *          # notebook ... * * * * ... what is not for publication, sign-off
 *     ETX  DDhhmm zone Mon YY
 *     EOT
 *
 * Source    IPTC 7901, 5th revision (1995), for the frame and the header; dpa's and ATS's conventions inside the text.
 *
 * The message's id is made: SERVICE:NUMBER:YYYY-MM-DD, its day as its own trailer writes it, so a relayed and a resent
 * message have the same.  What the agency counts over all its services is another id, AGENCY:NUMBER:YYYY-MM-DD; kills
 * name either.  A relay may have taken SOH, STX and ETX away, so the shape of the lines decides, and the characters
 * only help.
 */
#include "parsers/iptc7901.h"
#include <string.h>
#include "parsers/ascii.h"

enum { STX = 0x02, ETX = 0x03, EOT = 0x04 };

#define KEYWORDS_MAX 100u /* of a line that is only known to be keywords by where it stands */

/* ---- the header line ---- */

static struct sl_span take(struct sl_span *rest, uint32_t len)
{
    struct sl_span taken = sl_span_head(*rest, len);
    *rest = sl_span_skip(*rest, len);
    return taken;
}

static bool take_blanks(struct sl_span *rest)
{
    struct sl_span after = sl_7901_skip_blanks(*rest);
    bool some = after.len != rest->len;
    *rest = after;
    return some;
}

/* What is wrong with a header line; NULL: nothing.  *rest ends up where it went wrong. */
static const char *read_header(struct sl_span *rest, struct sl_7901_header *header)
{
    uint32_t len = 0;
    while (len < rest->len && (sl_is_ascii_letter(rest->data[len]) || (len != 0 && rest->data[len] == '-')))
        len++;
    if (len == 0 || len > 8)
        return "service of 1 to 8 letters";
    header->service = take(rest, len);
    len = sl_span_digits(*rest);
    if (len == 0 || len > 6)
        return "running number behind the service";
    header->number = take(rest, len);
    if (!take_blanks(rest))
        return "blank behind the running number";
    if (rest->len == 0 || rest->data[0] < '1' || rest->data[0] > '9')
        return "urgency 1 to 9";
    header->priority = take(rest, 1);
    if (!take_blanks(rest))
        return "blank behind the urgency";
    for (len = 0;
         len < rest->len && (sl_is_ascii_letter(rest->data[len]) || (len != 0 && memchr("/,+", rest->data[len], 3)));)
        len++;
    if (len == 0 || (len > 3 && !memchr(rest->data, '/', len) && !memchr(rest->data, ',', len)))
        return "category of 1 to 3 letters";
    header->category = take(rest, len);
    if (!take_blanks(rest))
        return "blank behind the category";
    len = sl_span_digits(*rest);
    if (len == 0 || len > 6)
        return "number of words";
    header->words = take(rest, len);
    return rest->len == 0 || rest->data[0] <= ' ' ? NULL : "blank behind the number of words";
}

/* Routing, source, its number, and what is referred to: any of them may be absent. */
static void read_header_rest(struct sl_span line, struct sl_7901_header *header)
{
    struct sl_span rest = line, before = { NULL, 0 };
    for (struct sl_span word = sl_7901_next_word(&rest); word.len != 0; word = sl_7901_next_word(&rest)) {
        bool is_number = sl_is_digit(word.data[0]);
        for (uint32_t i = 1; is_number && i < word.len; i++)
            is_number = sl_is_digit(word.data[i]) || memchr("-#", word.data[i], 2);
        if (is_number && before.len != 0 && sl_is_ascii_letter(before.data[0])) {
            header->routing = sl_span_trim(sl_span_head(line, (uint32_t)(before.data - line.data)));
            header->source = before;
            header->source_number = word;
            header->refers = sl_span_trim(rest);
            return;
        }
        before = word;
    }
    header->refers = sl_span_trim(line);
}

/* Service, number, and one character where the urgency stands: a damaged header is still one. */
static bool begins_header(struct sl_span line, const struct sl_7901_header *header)
{
    if (header->number.len == 0)
        return false;
    struct sl_span rest = sl_span_skip(line, header->service.len + header->number.len);
    return take_blanks(&rest) && sl_7901_next_word(&rest).len == 1;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    struct sl_7901_header header = { 0 };
    bool has_soh;
    struct sl_span line = sl_span_line(sl_story_skip_noise((struct sl_span){ data, len }, &has_soh)), rest = line;
    if (!read_header(&rest, &header))
        return has_soh ? 99 : 90;
    return has_soh && begins_header(line, &header) ? 60 : 0;
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    struct sl_7901_header header = { 0 };
    bool has_soh;
    struct sl_span rest = sl_span_line(sl_story_skip_noise((struct sl_span){ data, len }, &has_soh));
    read_header(&rest, &header);
    return header.priority.len != 0 ? (unsigned)(header.priority.data[0] - '0') : 0;
}

static enum sl_parse_code take_header(struct sl_7901 *wire, struct sl_span *message)
{
    struct sl_parse *parse = wire->story.parse;
    struct sl_span line, rest;
    if (!sl_line_next(message, &line))
        line = *message;
    rest = line;
    const char *want = read_header(&rest, &wire->header);
    if (want) {
        uint32_t off = (uint32_t)(rest.data - parse->data);
        bool is_end = rest.len == 0 && message->len == 0;
        enum sl_parse_code code = is_end                         ? SL_PARSE_CUT
                                  : wire->header.number.len == 0 ? SL_PARSE_BAD_FRAME
                                                                 : SL_PARSE_BAD_HEADER;
        return sl_reject(parse, code, off, want);
    }
    read_header_rest(rest, &wire->header);
    return SL_PARSE_OK;
}

/* ---- the parts ---- */

static void find_trailer_behind(struct sl_7901 *wire, struct sl_span rest)
{
    struct sl_span line;
    for (unsigned i = 0; i < 6 && sl_line_next(&rest, &line); i++) {
        line = sl_story_trim_noise(line);
        if (sl_7901_is_trailer(line, true)) {
            wire->trailer = line;
            return;
        }
    }
}

/* Ends the text before the trailer, where no ETX does. */
static struct sl_span find_trailer_inside(struct sl_7901 *wire, struct sl_span text)
{
    struct sl_span line = sl_story_last_line(text);
    if (line.len == 0 || !sl_7901_is_trailer(line, false))
        return text;
    wire->trailer = line;
    return sl_span_head(text, (uint32_t)(line.data - text.data));
}

static bool ends_with(struct sl_span line, char last)
{
    line = sl_span_trim(line);
    return line.len != 0 && line.data[line.len - 1] == (uint8_t)last;
}

/* Is this a line of keywords that has lost its slash, "Bund/Kinder", or stands alone before a blank line? */
static bool looks_like_keywords(struct sl_span line, struct sl_span after)
{
    struct sl_span next = sl_span_line(after);
    if (ends_with(line, '='))
        return false;
    if (memchr(line.data, '/', line.len) && !memchr(line.data, ' ', line.len))
        return true;
    return after.len != 0 && sl_span_trim(next).len == 0 && line.len <= KEYWORDS_MAX;
}

/* A relay left no STX: the keywords are the lines that end with a slash, or one line alone.  Gives the text behind. */
static struct sl_span split_keywords(struct sl_7901 *wire, struct sl_span rest)
{
    struct sl_span line = { rest.data, 0 }, after = rest;
    while (line.len == 0) {
        rest = after;
        if (!sl_line_next(&after, &line))
            return rest;
        line = sl_span_trim(line);
    }
    if (!ends_with(line, '/') && !looks_like_keywords(line, after))
        return rest;
    while (ends_with(line, '/') && ends_with(sl_span_line(after), '/'))
        sl_line_next(&after, &line);
    wire->keywords = (struct sl_span){ rest.data, (uint32_t)(after.data - rest.data) };
    return after;
}

static enum sl_parse_code split_parts(struct sl_7901 *wire, struct sl_span rest, bool has_soh)
{
    const uint8_t *stx = memchr(rest.data, STX, rest.len);
    struct sl_span text = rest;
    if (stx) {
        wire->keywords = sl_span_head(rest, (uint32_t)(stx - rest.data));
        text = sl_span_skip(rest, wire->keywords.len + 1);
    }
    const uint8_t *etx = memrchr(text.data, ETX, text.len);
    const uint8_t *eot = memrchr(text.data, EOT, text.len);
    if (etx) {
        find_trailer_behind(wire, sl_span_skip(text, (uint32_t)(etx - text.data) + 1));
        text.len = (uint32_t)(etx - text.data);
    } else if (eot) {
        text.len = (uint32_t)(eot - text.data);
    }
    if (wire->trailer.len == 0)
        text = find_trailer_inside(wire, text);
    if ((stx || has_soh) && !etx && !eot && wire->trailer.len == 0)
        return sl_reject(wire->story.parse, SL_PARSE_CUT, wire->story.parse->len, "ETX and the time behind the text");
    wire->text = stx ? text : split_keywords(wire, text);
    return SL_PARSE_OK;
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    if (parse->bulletin_idx != 0)
        return SL_PARSE_END;
    struct sl_7901 wire = {
        .story = {.parse = parse, .out = &parse->out}
    };
    bool has_soh;
    struct sl_span message = sl_story_skip_noise((struct sl_span){ parse->data, parse->len }, &has_soh);
    if (message.len == 0)
        return SL_PARSE_END;
    enum sl_parse_code code = take_header(&wire, &message);
    if (code == SL_PARSE_OK)
        code = split_parts(&wire, message, has_soh);
    if (code != SL_PARSE_OK)
        return code;
    struct sl_span whole = { parse->data, parse->len };
    wire.story.charset = sl_parse_charset(parse, &whole);
    sl_parse_choose_profile(parse, (struct sl_slice){ (const char *)wire.header.source.data, wire.header.source.len });
    wire.story.zone = sl_parse_zone(parse, sl_7901_zone_name(&wire.header));
    sl_7901_say_time(&wire);
    sl_7901_say_header(&wire);
    sl_7901_say_text(&wire);
    return SL_PARSE_OK;
}

const struct sl_format sl_format_iptc7901 = {
    .id = SL_FORMAT_IPTC7901,
    .name = "iptc7901",
    .source = "IPTC Recommendation 7901, 5th revision",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
