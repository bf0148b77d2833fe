/* parsers/wmo.c - bulletins of the meteorological telecommunication system, and the NWS products inside them.
 *
 *     SOH CR CR LF nnn                 a relay may have taken SOH and number away
 *     TTAAii CCCC DDhhmm [BBB]         the abbreviated heading
 *     AWIPS id                         in the United States
 *     text                             every line ends CR CR LF, or as a relay likes it
 *     ETX
 *
 * Source    WMO No. 386, part II, 2.3 (headings, BBB), and attachment II-4 (frames); NWSI 10-1701 (products).
 *
 * One message is one bulletin, however many segments it has: it is one text, comes again as one, and is corrected as
 * one.  What its segments do to events and areas stands in the lists, each event with its own deed, so nobody must
 * read the text to learn that one county is out of a warning which goes on in another.  A file may hold several
 * messages behind each other; each is a bulletin.
 *
 * The id is made: HEADING:YYYY-MM:AWIPS, for a heading comes again every month and at the same minute for several
 * products.  BBB is the version: a correction and what it corrects are versions of one story.
 */
#include "parsers/wmo.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/editor.h"

enum { SOH = 0x01, ETX = 0x03 };

#define NOISE_MAX 128u /* before the heading */
#define PEEK_MAX  2048u /* in which events tell the urgency */
#define DATES_MAX 40u /* lines that are looked at for a date */
#define TELL_MAX  1500u /* bytes that tell a test from the real thing */

/* ---- the heading ---- */

static struct sl_span take_word(struct sl_span *rest)
{
    while (rest->len != 0 && rest->data[0] == ' ')
        *rest = sl_span_skip(*rest, 1);
    struct sl_span word = sl_span_word(*rest);
    *rest = sl_span_skip(*rest, word.len);
    return word;
}

static bool is_all_of(struct sl_span span, bool (*is)(uint8_t byte))
{
    for (uint32_t i = 0; i < span.len; i++) {
        if (!is(span.data[i]))
            return false;
    }
    return true;
}

static bool is_upper_or_digit(uint8_t byte) { return sl_is_upper(byte) || sl_is_digit(byte); }

static unsigned read_two(const uint8_t *digits) { return (unsigned)((digits[0] - '0') * 10 + digits[1] - '0'); }

/* What is wrong with a heading; NULL: nothing.  *rest ends up where it went wrong. */
static const char *read_heading(struct sl_span *rest, struct sl_wmo_heading *heading)
{
    struct sl_span at = *rest;
    heading->ttaaii = take_word(&at);
    uint32_t len = heading->ttaaii.len;
    if (len < 4 || len > 6 || !is_all_of(sl_span_head(heading->ttaaii, 4), sl_is_upper) ||
        !is_all_of(sl_span_skip(heading->ttaaii, 4), sl_is_digit))
        return "heading TTAAii CCCC DDhhmm";
    *rest = at;
    heading->office = take_word(&at);
    if (heading->office.len != 4 || !is_all_of(heading->office, is_upper_or_digit) ||
        !sl_is_upper(heading->office.data[0]))
        return "office of 4 letters";
    *rest = at;
    struct sl_span time = take_word(&at);
    if (time.len == 7 && time.data[6] == 'Z')
        time.len = 6;
    if (time.len != 6 || !is_all_of(time, sl_is_digit))
        return "day, hour and minute";
    heading->day = (uint8_t)read_two(time.data);
    heading->hour = (uint8_t)read_two(time.data + 2);
    heading->minute = (uint8_t)read_two(time.data + 4);
    if (heading->day < 1 || heading->day > 31 || heading->hour > 23 || heading->minute > 59)
        return "day, hour and minute";
    *rest = at;
    heading->bbb = take_word(&at);
    if (heading->bbb.len != 0 && (heading->bbb.len != 3 || !is_all_of(heading->bbb, sl_is_upper)))
        return "BBB of 3 letters, or nothing";
    *rest = at;
    return sl_span_trim(at).len == 0 ? NULL : "end of the heading";
}

static bool is_noise(uint8_t byte) { return byte <= ' ' || byte == 0x7f; }

/* "081 ", a number of the channel, or the line that a file service puts before: "****0000001234****". */
static bool is_number_line(struct sl_span line)
{
    line = sl_span_trim(line);
    if (line.len > 8 && memcmp(line.data, "****", 4) == 0)
        return sl_span_digits(sl_span_skip(line, 4)) == line.len - 8 && line.data[line.len - 1] == '*';
    return line.len >= 2 && line.len <= 10 && is_all_of(line, sl_is_digit);
}

/* Up to the heading.  number: the channel's, where there is one. */
static struct sl_span skip_to_heading(struct sl_span message, struct sl_span *number)
{
    const uint8_t *soh = memchr(message.data, SOH, message.len < NOISE_MAX ? message.len : NOISE_MAX);
    if (soh)
        message = sl_span_skip(message, (uint32_t)(soh - message.data) + 1);
    else if (sl_span_starts(message, "\xef\xbb\xbf"))
        message = sl_span_skip(message, 3); /* a relay's byte-order mark */
    for (unsigned i = 0; i < 3; i++) {
        while (message.len != 0 && is_noise(message.data[0]))
            message = sl_span_skip(message, 1);
        struct sl_span after = message, line = sl_span_line(message);
        if (!is_number_line(line))
            break;
        *number = sl_span_trim(line);
        sl_line_next(&after, &line);
        message = after;
    }
    return message;
}

/* "TORICT" alone on the line behind the heading.  Words with which coded reports begin are none. */
static struct sl_span read_awips(struct sl_span line)
{
    static const char *const others[] = { "METAR", "SPECI", "AIRMET", "SIGMET", "TEMPO", "BECMG" };
    line = sl_span_trim(line);
    bool fits = line.len >= 4 && line.len <= 6 && is_all_of(sl_span_head(line, 3), is_upper_or_digit) &&
                sl_is_upper(line.data[0]) && is_all_of(line, is_upper_or_digit);
    for (size_t i = 0; fits && i < sizeof(others) / sizeof(*others); i++)
        fits = !sl_span_is(line, others[i]);
    return fits ? line : (struct sl_span){ NULL, 0 };
}

static bool read_start(struct sl_span message, struct sl_wmo_heading *heading, struct sl_span *text)
{
    message = skip_to_heading(message, &heading->number);
    struct sl_span line = sl_span_line(message);
    *text = message;
    if (read_heading(&line, heading) != NULL)
        return false;
    sl_line_next(text, &line);
    return true;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    struct sl_wmo_heading heading = { 0 };
    struct sl_span text;
    if (read_start((struct sl_span){ data, len }, &heading, &text))
        return 98;
    /* A damaged one: only here does an office stand behind TTAAii. */
    return heading.ttaaii.len == 6 && heading.office.len == 4 && sl_is_upper(heading.office.data[0]) &&
                   is_all_of(heading.office, is_upper_or_digit) &&
                   sl_span_digits(
                       sl_span_skip_white(sl_span_skip(text, (uint32_t)(heading.office.data + 4 - text.data)))) >= 5
               ? 60
               : 0;
}

/* Products that only go on about an event say so in its VTEC, so an event outweighs the product. */
static uint8_t urgency_of(const struct sl_wmo_product *product, uint8_t of_events)
{
    return of_events != 0 && product->nature != SL_WMO_TEST ? of_events : product->urgency;
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    struct sl_wmo_heading heading = { 0 };
    struct sl_span text;
    if (!read_start((struct sl_span){ data, len }, &heading, &text))
        return 0;
    struct sl_span awips = read_awips(sl_span_line(text));
    return urgency_of(sl_wmo_product_of(awips, heading.ttaaii), sl_wmo_urgency_of_events(sl_span_head(text, PEEK_MAX)));
}

/* ---- one message of several ---- */

/* Does another message begin here: SOH, or a number, and a heading behind it? */
static bool starts_message(struct sl_span rest)
{
    struct sl_wmo_heading heading = { 0 };
    struct sl_span text;
    return (rest.data[0] == SOH || is_number_line(sl_span_line(rest))) && read_start(rest, &heading, &text);
}

/* Where the next message begins; the end of text when there is none. */
static uint32_t find_next_message(struct sl_span text)
{
    struct sl_span rest = text, line;
    while (sl_line_next(&rest, &line) && rest.len != 0) {
        const uint8_t *soh = memchr(line.data, SOH, line.len);
        uint32_t off = (uint32_t)((soh ? soh : rest.data) - text.data);
        uint8_t first = text.data[off];
        if ((soh || first == SOH || first == '*' || sl_is_digit(first)) && starts_message(sl_span_skip(text, off)))
            return off;
    }
    return text.len;
}

/* Cuts the message at its ETX and moves the cursor to the next one. */
static struct sl_span take_message(struct sl_parse *parse, struct sl_span text, bool *is_whole)
{
    text.len = find_next_message(text);
    parse->cursor = (uint32_t)(text.data - parse->data) + text.len;
    const uint8_t *etx = memchr(text.data, ETX, text.len);
    *is_whole = etx != NULL;
    return etx ? sl_span_head(text, (uint32_t)(etx - text.data)) : text;
}

static struct sl_span skip_noise(struct sl_span span)
{
    while (span.len != 0 && is_noise(span.data[0]))
        span = sl_span_skip(span, 1);
    return span;
}

/* ---- time ---- */

bool sl_wmo_nearest(uint8_t day, uint8_t hour, uint8_t minute, int64_t near_s, int64_t *s)
{
    struct sl_civil near;
    bool is_found = false;
    sl_civil_from_s(&near, near_s);
    for (int step = -1; step <= 1; step++) {
        int32_t months = near.year * 12 + near.month - 1 + step;
        struct sl_civil guess = { months / 12, (uint8_t)(months % 12 + 1), day, hour, minute, 0 };
        if (!sl_civil_valid(&guess))
            continue;
        int64_t guess_s = sl_civil_to_s(&guess);
        int64_t away = guess_s > near_s ? guess_s - near_s : near_s - guess_s;
        if (is_found && away > (*s > near_s ? *s - near_s : near_s - *s))
            continue;
        *s = guess_s;
        is_found = true;
    }
    return is_found;
}

/* A date that the text names, by the wall or in an event: what the heading's day is near to. */
static bool find_date(const struct sl_wmo *story, int64_t *near_s)
{
    struct sl_span rest = story->text, line;
    struct sl_wmo_event event;
    bool has_event = false;
    for (unsigned i = 0; i < DATES_MAX && sl_line_next(&rest, &line); i++) {
        line = sl_span_trim(sl_span_head(line, 200));
        if (sl_wmo_local_time(line, near_s))
            return true;
        if (!has_event && line.len != 0 && line.data[0] == '/' && sl_wmo_event_read(line, &event)) {
            int64_t event_s = event.begin_s != INT64_MIN ? event.begin_s : event.end_s;
            has_event = event_s != INT64_MIN;
            if (has_event)
                *near_s = event_s;
        }
    }
    return has_event;
}

static void say_time(struct sl_wmo *story)
{
    const struct sl_wmo_heading *heading = &story->heading;
    struct sl_bulletin *root = sl_out_root(story->out);
    int64_t arrival_s = story->parse->arrival_ns / SL_TIME_NS, near_s;
    bool has_date = find_date(story, &near_s);
    if (!has_date) {
        near_s = arrival_s - 13 * 86400; /* of the two that are near, the one that is not to come */
        root->flags |= SL_BULLETIN_DATE_COMPLETED;
        sl_out_note(story->out, "year and month taken from the arrival");
    }
    /* The 31st in a month without one: a heading that nobody can mean. */
    if (!sl_wmo_nearest(heading->day, heading->hour, heading->minute, near_s, &story->created_s)) {
        story->created_s = near_s;
        return;
    }
    root->version_created = sl_ns_of_s(story->created_s);
}

/* ---- who and what ---- */

struct sl_ref sl_wmo_put(struct sl_wmo *story, struct sl_span span)
{
    sl_out_open(story->out);
    sl_text_put_line(story->out, story->charset, span.data, span.len, &story->parse->text);
    return sl_out_close(story->out);
}

struct sl_ref sl_wmo_put_again(struct sl_wmo *story, struct sl_span span)
{
    if (span.len == 0 || (uint64_t)span.len * 3 > story->twice_left)
        return (struct sl_ref){ 0, 0 };
    struct sl_ref ref = sl_wmo_put(story, span);
    story->twice_left -= ref.len;
    return ref;
}

static void say(struct sl_wmo *story, enum sl_text text, struct sl_span span)
{
    if (span.len != 0)
        sl_out_set(story->out, text, sl_wmo_put(story, span));
}

static void put_number(struct sl_out *out, unsigned number, unsigned width)
{
    char text[8];
    for (unsigned i = width; i-- != 0; number /= 10)
        text[i] = (char)('0' + number % 10);
    sl_out_put(out, text, width);
}

/* "WFUS53 KICT 150327:2012-04:TORICT" */
static void say_id(struct sl_wmo *story)
{
    const struct sl_wmo_heading *heading = &story->heading;
    struct sl_out *out = story->out;
    struct sl_civil civil;
    sl_civil_from_s(&civil, story->created_s);
    sl_out_root(out)->flags |= SL_BULLETIN_ID_MADE;
    sl_out_open(out);
    sl_out_put(out, heading->ttaaii.data, heading->ttaaii.len);
    sl_out_putc(out, ' ');
    sl_out_put(out, heading->office.data, heading->office.len);
    sl_out_putc(out, ' ');
    put_number(out, heading->day, 2);
    put_number(out, heading->hour, 2);
    put_number(out, heading->minute, 2);
    sl_out_putc(out, ':');
    put_number(out, (unsigned)civil.year, 4);
    sl_out_putc(out, '-');
    put_number(out, civil.month, 2);
    if (story->awips.len != 0) {
        sl_out_putc(out, ':');
        sl_out_put(out, story->awips.data, story->awips.len);
    }
    sl_out_set(out, SL_TEXT_ID, sl_out_close(out));
}

static void say_heading(struct sl_wmo *story)
{
    const struct sl_wmo_heading *heading = &story->heading;
    static const struct sl_ref none;
    struct sl_out *out = story->out;
    say_id(story);
    say(story, SL_TEXT_PROVIDER, heading->office);
    say(story, SL_TEXT_SERVICE, heading->ttaaii);
    say(story, SL_TEXT_VERSION, heading->bbb);
    /* It counts one circuit's messages; relays mix circuits, so it is not given as a number to be watched. */
    say(story, SL_TEXT_SOURCE_NUMBER, sl_span_head(heading->number, 20));
    if (heading->bbb.len != 0 && heading->bbb.data[0] == 'P') {
        say(story, SL_TEXT_TAKE, heading->bbb);
        sl_out_root(out)->take_no = (uint32_t)(heading->bbb.data[1] - 'A') * 26 + heading->bbb.data[2] - 'A' + 1;
    }
    sl_out_word(out, SL_LIST_CATEGORIES, story->awips.len != 0 ? story->awips.data : heading->ttaaii.data,
                story->awips.len != 0 ? 3 : 2);
    const char *type = sl_wmo_data_type(heading->ttaaii);
    if (type)
        sl_out_item(out, SL_LIST_GENRES, sl_out_ref(out, "wmo", 3), sl_out_ref(out, heading->ttaaii.data, 2),
                    sl_out_ref(out, type, (uint32_t)strlen(type)), none);
    if (story->awips.len != 0 && story->product->name)
        sl_out_item(out, SL_LIST_GENRES, sl_out_ref(out, "awips", 5), sl_out_ref(out, story->awips.data, 3),
                    sl_out_ref(out, story->product->name, (uint32_t)strlen(story->product->name)), none);
}

/* ---- what kind of message ---- */

static bool bbb_starts(const struct sl_wmo *story, const char *letters)
{
    return story->heading.bbb.len == 3 && memcmp(story->heading.bbb.data, letters, 2) == 0 && letters[0] != '\0';
}

static bool has_phrase(struct sl_span text, const char *const *phrases)
{
    uint32_t off, len;
    for (; *phrases; phrases++) {
        if (sl_phrase_find(text, *phrases, &off, &len))
            return true;
    }
    return false;
}

static bool is_test(const struct sl_wmo *story, bool *is_exercise)
{
    static const char *const tests[] = { "this is a test",         "this is only a test", "test message",
                                         "for test purposes only", "test test test",      "this message is a test",
                                         "monthly test",           "communications test", NULL };
    static const char *const exercises[] = { "exercise exercise",          "this is an exercise", "exercise message",
                                             "for exercise purposes only", "this is a drill",     NULL };
    static const char *const word_test[] = { "test", NULL }, *const word_exercise[] = { "exercise", "drill", NULL };
    struct sl_span start = sl_span_head(story->text, TELL_MAX);
    static const char *const beginnings[] = { "test", "exercise", "drill", NULL };
    if (!sl_word_begins(start, beginnings)) /* one of them is in each of the phrases, and in few messages */
        start.len = 0;
    *is_exercise = has_phrase(start, exercises) || has_phrase(story->title, word_exercise) ||
                   has_phrase(story->instruction, word_exercise);
    return *is_exercise || story->product->nature == SL_WMO_TEST || story->has_test_event || has_phrase(start, tests) ||
           has_phrase(story->title, word_test) || has_phrase(story->instruction, word_test);
}

static bool says_correction(const struct sl_wmo *story)
{
    static const char *const words[] = { "corrected", "correction", "cor", NULL };
    struct sl_span line = sl_span_trim(sl_span_line(story->text));
    bool first_ends = line.len > 4 && memcmp(line.data + line.len - 4, " COR", 4) == 0;
    return first_ends || has_phrase(story->title, words) || has_phrase(story->instruction, words);
}

static bool says_update(const struct sl_wmo *story)
{
    static const char *const words[] = { "updated", "amended", "update", "amd", NULL };
    return has_phrase(story->title, words);
}

static void set_kind(struct sl_wmo *story, enum sl_kind kind, enum sl_signal signal)
{
    sl_out_root(story->out)->kind = (uint8_t)kind;
    sl_out_root(story->out)->signal = (uint8_t)signal;
}

/* Of several segments the news outweighs what goes on, and that outweighs what has ended. */
static void say_kind(struct sl_wmo *story)
{
    bool is_exercise, has_events = story->has_new || story->has_going_on || story->has_ended;
    sl_out_root(story->out)->urgency = urgency_of(story->product, story->event_urgency);
    if (is_test(story, &is_exercise)) {
        set_kind(story, SL_KIND_TEST, is_exercise ? SL_SIGNAL_EXERCISE : SL_SIGNAL_TEST);
        sl_out_root(story->out)->urgency = story->product->urgency > 4 ? story->product->urgency : 4;
    } else if (bbb_starts(story, "CC") || story->has_correction || says_correction(story)) {
        set_kind(story, SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION);
    } else if (story->has_new && story->has_alert) {
        set_kind(story, SL_KIND_NEWS, SL_SIGNAL_ALERT);
    } else if (has_events && !story->has_new && !story->has_going_on) {
        set_kind(story, SL_KIND_UPDATE, SL_SIGNAL_CANCEL);
    } else if (bbb_starts(story, "AA") || story->has_going_on || says_update(story)) {
        set_kind(story, SL_KIND_UPDATE, SL_SIGNAL_UPDATE);
    } else if (!has_events && story->product->nature == SL_WMO_ALERT) {
        set_kind(story, SL_KIND_NEWS, SL_SIGNAL_ALERT);
    }
    if (bbb_starts(story, "RR"))
        sl_out_note(story->out, "delayed: sent after its time");
}

/* ---- a message ---- */

static enum sl_parse_code take_start(struct sl_wmo *story, struct sl_span *rest)
{
    struct sl_parse *parse = story->parse;
    *rest = skip_to_heading(*rest, &story->heading.number);
    struct sl_span at = sl_span_line(*rest);
    const char *want = read_heading(&at, &story->heading);
    if (want) {
        enum sl_parse_code code = rest->len == 0                   ? SL_PARSE_CUT
                                  : story->heading.office.len == 0 ? SL_PARSE_BAD_FRAME
                                                                   : SL_PARSE_BAD_HEADER;
        return sl_reject(parse, code, (uint32_t)(at.data - parse->data), want);
    }
    if (!sl_line_next(rest, &at))
        *rest = sl_span_skip(*rest, rest->len);
    return SL_PARSE_OK;
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_wmo story = { .parse = parse, .out = &parse->out, .twice_left = SL_WMO_TWICE_MAX };
    struct sl_span rest = sl_span_skip((struct sl_span){ parse->data, parse->len }, parse->cursor), line;
    if (skip_noise(rest).len == 0)
        return SL_PARSE_END;
    bool has_soh = memchr(rest.data, SOH, rest.len < NOISE_MAX ? rest.len : NOISE_MAX) != NULL, is_whole;
    enum sl_parse_code code = take_start(&story, &rest);
    if (code != SL_PARSE_OK)
        return code;
    story.text = take_message(parse, rest, &is_whole);
    story.awips = read_awips(sl_span_line(story.text));
    if (story.awips.len != 0)
        sl_line_next(&story.text, &line);
    story.product = sl_wmo_product_of(story.awips, story.heading.ttaaii);
    struct sl_span whole = { story.heading.ttaaii.data,
                             (uint32_t)(story.text.data + story.text.len - story.heading.ttaaii.data) };
    story.charset = sl_parse_charset(parse, &whole);
    if (sl_charset_is_wide(story.charset))
        story.charset = SL_CHARSET_UTF8; /* a heading that could be read is not of wide characters */
    if (has_soh && !is_whole)
        sl_out_note(story.out, "no ETX: the end may be missing");
    story.expires_s = INT64_MIN;
    say_time(&story);
    say_heading(&story);
    sl_wmo_read_top(&story);
    sl_wmo_say_segments(&story);
    say_kind(&story);
    sl_wmo_say_text(&story);
    if (story.expires_s != INT64_MIN)
        sl_out_root(story.out)->expires = sl_ns_of_s(story.expires_s);
    return SL_PARSE_OK;
}

const struct sl_format sl_format_wmo = {
    .id = SL_FORMAT_WMO,
    .name = "wmo",
    .source = "WMO No. 386, part II, 2.3; NWSI 10-1701, 10-1702, 10-1703",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
