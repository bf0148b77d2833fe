/* parsers/wmo_text.c - what people read in a bulletin: the lines above the text, headlines, the body.
 *
 *     BULLETIN - EAS ACTIVATION REQUESTED        what to do with it, for broadcasters
 *     TORNADO WARNING                            the title
 *     NATIONAL WEATHER SERVICE WICHITA KS        who
 *     ISSUED BY NATIONAL WEATHER SERVICE TOPEKA KS
 *     1027 PM CDT SAT APR 14 2012                when, by the wall
 *
 *     ...A HEADLINE OVER ONE
 *        OR SEVERAL LINES...
 *
 *     text
 *     $$
 *     forecaster
 *
 * Source    NWSI 10-1701 (mass news disseminator header, headlines, end of product); WMO No. 306 for "=" behind
 *           each coded report.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/lines.h"
#include "parsers/wmo.h"

#define TOP_LINES_MAX      16u /* in which the time by the wall ends the lines above the text */
#define HEADLINE_MAX       600u
#define HEADLINE_LINES_MAX 12u
#define HEADLINES_MAX      24u
#define FIRST_LINE_MAX     160u
#define SIGNOFF_MAX        300u
#define LEFT_ROOM_COLUMNS  50u /* a line that ends before, although the next word would fit, was ended on purpose */

/* ---- the time by the wall ---- */

/* Words parted by blanks, commas and slashes. */
static struct sl_span next_word(struct sl_span *rest)
{
    uint32_t len = 0;
    while (rest->len != 0 && (rest->data[0] <= ' ' || rest->data[0] == ',' || rest->data[0] == '/'))
        *rest = sl_span_skip(*rest, 1);
    while (len < rest->len && rest->data[len] > ' ' && rest->data[len] != ',' && rest->data[len] != '/')
        len++;
    struct sl_span word = sl_span_head(*rest, len);
    *rest = sl_span_skip(*rest, len);
    return word;
}

/* "1027", "5:04", "1403Z", "NOON" */
static bool read_clock(struct sl_span word, unsigned *hour, unsigned *minute, bool *is_utc)
{
    unsigned number = 0, cnt = 0;
    *is_utc = word.len > 3 && word.data[word.len - 1] == 'Z';
    if (*is_utc)
        word.len--;
    for (uint32_t i = 0; i < word.len; i++) {
        if (word.data[i] == ':' && i != 0)
            continue;
        if (!sl_is_digit(word.data[i]) || ++cnt > 4)
            return false;
        number = number * 10 + word.data[i] - '0';
    }
    *hour = cnt < 3 ? number : number / 100;
    *minute = cnt < 3 ? 0 : number % 100;
    return cnt != 0 && *hour <= 24 && *minute <= 59;
}

static unsigned read_small(struct sl_span word)
{
    unsigned number = 0;
    if (word.len == 0 || word.len > 4 || sl_span_digits(word) != word.len)
        return 0;
    for (uint32_t i = 0; i < word.len; i++)
        number = number * 10 + word.data[i] - '0';
    return number;
}

static bool is_weekday(struct sl_span word)
{
    static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
    for (size_t i = 0; word.len >= 3 && word.len <= 9 && i < sizeof(days) / sizeof(*days); i++) {
        if (sl_span_starts(word, days[i]))
            return true;
    }
    return false;
}

/* "SAT APR 14 2012", "Thursday 5 July 2018": the whole of rest. */
static bool read_day(struct sl_span rest, struct sl_civil *civil)
{
    struct sl_span word = next_word(&rest);
    if (is_weekday(word))
        word = next_word(&rest);
    struct sl_span month = word, day = next_word(&rest), year = next_word(&rest);
    if (sl_span_digits(month) != 0) {
        month = day;
        day = word;
    }
    civil->month = (uint8_t)sl_month_named(month.data, month.len);
    civil->day = (uint8_t)read_small(sl_span_head(day, 2));
    civil->year = (int32_t)read_small(year);
    return month.len >= 3 && civil->month != 0 && day.len <= 2 && year.len == 4 && next_word(&rest).len == 0;
}

static bool is_zone_word(struct sl_span word)
{
    for (uint32_t i = 0; i < word.len; i++) {
        if (!sl_is_ascii_letter(word.data[i]))
            return false;
    }
    return word.len >= 2 && word.len <= 5;
}

/* Half of the day, zone, and the same time in another zone: "PM CDT", "AM EST /300 AM CST/", "UTC". */
static void skip_zones(struct sl_span *rest, bool *is_afternoon, bool *is_morning)
{
    for (unsigned i = 0; i < 6; i++) {
        struct sl_span after = *rest, word = next_word(&after);
        unsigned hour, minute;
        bool is_utc, is_half = sl_span_is(word, "am") || sl_span_is(word, "pm");
        if (i == 0 && is_half) {
            *is_afternoon = sl_span_is(word, "pm");
            *is_morning = !*is_afternoon;
        } else if (is_weekday(word) || (!is_half && (!is_zone_word(word) || sl_month_named(word.data, word.len) != 0) &&
                                        !(i > 1 && word.len >= 3 && read_clock(word, &hour, &minute, &is_utc)))) {
            return;
        }
        *rest = after;
    }
}

bool sl_wmo_local_time(struct sl_span line, int64_t *local_s)
{
    struct sl_civil civil = { 0 };
    unsigned hour, minute;
    bool is_utc, is_afternoon = false, is_morning = false;
    /* "Issued at 806 PM ...": few lines are so short and end in a year. */
    if (line.len < 14 || line.len > 100 || sl_span_digits(sl_span_skip(line, line.len - 4)) != 4)
        return false;
    struct sl_span rest = line, word = next_word(&rest);
    for (unsigned i = 0; i < 8 && word.len != 0 && !sl_is_digit(word.data[0]); i++)
        word = next_word(&rest);
    if (!read_clock(word, &hour, &minute, &is_utc))
        return false;
    skip_zones(&rest, &is_afternoon, &is_morning);
    if (!read_day(rest, &civil))
        return false;
    if (is_afternoon && hour < 12)
        hour += 12;
    else if (is_morning && hour == 12)
        hour = 0;
    civil.hour = (uint8_t)hour;
    civil.minute = (uint8_t)minute;
    if (!sl_civil_valid(&civil))
        return false;
    *local_s = sl_civil_to_s(&civil);
    return true;
}

/* ---- the lines above the text ---- */

static bool is_office(struct sl_span line)
{
    static const char *const starts[] = {
        "national weather service",    "nws ", "issued by ", "relayed by ", "environment canada",
        "us national weather service", "noaa"
    };
    for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
        if (sl_span_starts(line, starts[i]))
            return true;
    }
    return false;
}

/* "BULLETIN - EAS ACTIVATION REQUESTED", "URGENT - WINTER WEATHER MESSAGE": the word, and what is behind it. */
static bool read_instruction(struct sl_span line, struct sl_span *word, struct sl_span *behind)
{
    static const char *const words[] = { "bulletin", "urgent", "flash", "hold", "test" };
    uint32_t off;
    *word = sl_span_word(line);
    *behind = sl_span_skip_white(sl_span_skip(line, word->len));
    if (behind->len != 0 && behind->data[0] != '-')
        return false;
    while (behind->len != 0 && (behind->data[0] == '-' || behind->data[0] == ' '))
        *behind = sl_span_skip(*behind, 1);
    if (sl_span_find(*behind, "requested", &off))
        behind->len = 0;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (sl_span_is(*word, words[i]))
            return true;
    }
    return false;
}

static void read_top_line(struct sl_wmo *story, struct sl_span line)
{
    struct sl_span word, behind;
    if (is_office(line)) {
        if (story->office.len == 0)
            story->office = line;
    } else if (story->title.len != 0) {
        if (story->office.len == 0)
            story->office = line;
    } else if (story->instruction.len == 0 && read_instruction(line, &word, &behind)) {
        story->instruction = line;
        story->title = behind;
    } else {
        story->title = line;
    }
}

/* Every line from the last empty one or the last codes to the time by the wall. */
void sl_wmo_read_top(struct sl_wmo *story)
{
    struct sl_span rest = story->text, line, top = rest, behind = rest;
    struct sl_wmo_lines lines = { false, false };
    unsigned cnt = 0;
    bool is_there = false;
    int64_t local_s;
    story->text_start = story->text;
    while (cnt < TOP_LINES_MAX && !is_there && sl_line_next(&rest, &line)) {
        line = sl_span_trim(line);
        enum sl_wmo_line is = sl_wmo_line_of(&lines, line);
        if (is == SL_WMO_AREAS)
            continue;
        cnt++;
        is_there = sl_wmo_local_time(line, &local_s);
        if (is != SL_WMO_WORDS && !is_there) /* the time may stand among what looks like codes */
            top = rest;
        else if (!is_there && line.data[0] == '.')
            return; /* a headline: the text has begun */
        behind = rest;
    }
    if (!is_there)
        return;
    story->local_time = line;
    story->text_start = behind;
    top.len = (uint32_t)(line.data - top.data);
    while (sl_line_next(&top, &line))
        if ((line = sl_span_trim(line)).len != 0)
            read_top_line(story, line);
}

/* "HURRICANE CENTER MIAMI FL       AL182012": the storm's number, by which its advisories belong together. */
static void say_storm(struct sl_wmo *story, struct sl_span *office)
{
    static const struct sl_ref none;
    if (office->len < 12 || office->data[office->len - 9] != ' ')
        return;
    struct sl_span storm = sl_span_skip(*office, office->len - 8);
    if (!sl_is_upper(storm.data[0]) || !sl_is_upper(storm.data[1]) || sl_span_digits(sl_span_skip(storm, 2)) != 6)
        return;
    *office = sl_span_trim(sl_span_head(*office, office->len - 8));
    sl_out_item(story->out, SL_LIST_ALT_IDS, sl_out_ref(story->out, "atcf", 4), sl_wmo_put(story, storm), none, none);
}

static void say_top(struct sl_wmo *story)
{
    static const char service[] = "national weather service ";
    struct sl_span office = sl_span_head(story->office, FIRST_LINE_MAX);
    say_storm(story, &office);
    sl_out_set(story->out, SL_TEXT_CREDIT, sl_wmo_put(story, office));
    if (sl_span_starts(office, service)) {
        struct sl_ref place = sl_wmo_put(story, sl_span_skip(office, sizeof(service) - 1));
        sl_out_set(story->out, SL_TEXT_DATELINE_PLACE, place);
        sl_out_set(story->out, SL_TEXT_LOCATED, place);
    }
    sl_out_set(story->out, SL_TEXT_DATELINE, sl_wmo_put(story, sl_span_head(story->local_time, FIRST_LINE_MAX)));
    sl_out_set(story->out, SL_TEXT_SLUGLINE, sl_wmo_put(story, sl_span_head(story->title, FIRST_LINE_MAX)));
    if (story->instruction.len == 0)
        return;
    sl_out_set(story->out, SL_TEXT_EDNOTE, sl_wmo_put(story, sl_span_head(story->instruction, FIRST_LINE_MAX)));
    sl_out_set(story->out, SL_TEXT_PRIORITY_RAW, sl_wmo_put(story, sl_span_head(sl_span_word(story->instruction), 20)));
}

/* ---- headlines ---- */

static bool starts_headline(struct sl_span line)
{
    return line.len > 6 && memcmp(line.data, "...", 3) == 0 && line.data[3] != '.';
}

static bool ends_headline(struct sl_span text)
{
    return text.len > 6 && memcmp(text.data + text.len - 3, "...", 3) == 0;
}

static struct sl_span strip_dots(struct sl_span text)
{
    while (text.len != 0 && (text.data[0] == '.' || text.data[0] <= ' '))
        text = sl_span_skip(text, 1);
    while (text.len != 0 && (text.data[text.len - 1] == '.' || text.data[text.len - 1] <= ' '))
        text.len--;
    return text;
}

/* The headline that begins with line, of which rest is what follows: "...A HEADLINE OVER\n   TWO LINES..." */
static bool read_headline(struct sl_span line, struct sl_span rest, struct sl_span *headline)
{
    struct sl_span whole = line, next;
    for (unsigned i = 0; !ends_headline(whole); i++) {
        if (i == HEADLINE_LINES_MAX || !sl_line_next(&rest, &next) || (next = sl_span_trim(next)).len == 0)
            return false;
        whole.len = (uint32_t)(next.data + next.len - whole.data);
        if (whole.len > HEADLINE_MAX)
            return false;
    }
    *headline = strip_dots(whole);
    return headline->len != 0 && whole.len <= HEADLINE_MAX;
}

static void say_headline(struct sl_wmo *story, struct sl_span headline, unsigned idx)
{
    static const struct sl_ref none;
    struct sl_ref text = sl_wmo_put_again(story, headline);
    if (idx == 0)
        sl_out_set(story->out, SL_TEXT_HEADLINE, text);
    else if (text.len != 0)
        sl_out_item(story->out, SL_LIST_HEADLINES, none, sl_out_ref(story->out, "segment", 7), text, none);
}

static struct sl_span first_words(const struct sl_wmo *story)
{
    struct sl_span rest = story->text_start, line;
    struct sl_wmo_lines lines = { false, false };
    for (unsigned i = 0; i < TOP_LINES_MAX && sl_line_next(&rest, &line); i++) {
        line = sl_span_trim(line);
        if (sl_wmo_line_of(&lines, line) == SL_WMO_WORDS)
            return sl_span_head(line, FIRST_LINE_MAX);
    }
    return (struct sl_span){ NULL, 0 };
}

/* Where the line that these three points begin starts, its blanks before them; NULL: others stand before them. */
static const uint8_t *start_of_line(struct sl_span text, const uint8_t *points)
{
    while (points != text.data && points[-1] == ' ')
        points--;
    return points == text.data || points[-1] == '\n' || points[-1] == '\r' ? points : NULL;
}

static void say_headlines(struct sl_wmo *story)
{
    struct sl_span text = story->text_start, rest = text, line, headline;
    unsigned cnt = 0;
    while (cnt < HEADLINES_MAX && (rest = sl_span_skip(rest, sl_pair_run(rest, ".."))).len != 0) {
        const uint8_t *start = start_of_line(text, rest.data);
        sl_line_next(&rest, &line);
        line = sl_span_trim(line);
        if (start && starts_headline(line) && read_headline(line, rest, &headline))
            say_headline(story, headline, cnt++);
    }
    if (cnt != 0)
        return;
    if (story->title.len != 0)
        say_headline(story, sl_span_head(story->title, FIRST_LINE_MAX), 0);
    else if (sl_wmo_is_coded(story->heading.ttaaii) && story->product->name)
        sl_out_text(story->out, SL_TEXT_HEADLINE, story->product->name, (uint32_t)strlen(story->product->name));
    else
        say_headline(story, first_words(story), 0);
}

/* ---- the body ---- */

/* Ends the text before the forecaster's name, which stands behind the last $$. */
static struct sl_span cut_signoff(struct sl_span text)
{
    struct sl_span tail = text;
    while (tail.len != 0 && (tail.data[tail.len - 1] <= ' '))
        tail.len--;
    uint32_t least = tail.len > SIGNOFF_MAX ? tail.len - SIGNOFF_MAX : 0;
    for (uint32_t at = tail.len; at > least + 2; at--) {
        if (text.data[at - 1] == '$' && text.data[at - 2] == '$' && (at == 2 || text.data[at - 3] <= ' '))
            return sl_span_head(text, at);
    }
    return text;
}

static bool has_columns(struct sl_span line)
{
    const uint8_t *blank = line.data;
    for (uint32_t left = line.len; (blank = memchr(blank, ' ', left)) != NULL;
         left = line.len - (uint32_t)(blank - line.data)) {
        if (left < 3 || (blank[1] == ' ' && blank[2] == ' '))
            return left >= 3;
        blank++;
    }
    return false;
}

/* Was the line before this one ended on purpose?  Rows of a table stay together. */
static bool was_ended(uint32_t columns, struct sl_span line)
{
    bool is_lower = line.len != 0 && line.data[0] >= 'a' && line.data[0] <= 'z';
    return columns != 0 && !is_lower && columns + 1 + sl_span_word(line).len <= LEFT_ROOM_COLUMNS && !has_columns(line);
}

static void put_words(struct sl_para *para, const struct sl_line *whole, uint32_t columns_before, bool *ends)
{
    int64_t local_s;
    struct sl_span line = whole->words;
    bool is_alone = sl_wmo_local_time(line, &local_s), is_topic = line.data[0] == '.';
    if (is_alone || is_topic || *ends || was_ended(columns_before, line))
        sl_para_break(para);
    sl_para_looked_at(para, line, whole->look, whole->is_indented);
    *ends = is_alone || line.data[line.len - 1] == '=' || (is_topic && ends_headline(line) && starts_headline(line));
}

static void say_body(struct sl_wmo *story)
{
    struct sl_wmo_lines lines = { false, false };
    struct sl_lines walk;
    struct sl_line line;
    struct sl_para para;
    bool ends = false, is_coded = sl_wmo_is_coded(story->heading.ttaaii);
    uint32_t columns = 0;
    sl_out_open(story->out);
    sl_para_begin(&para, story->out, story->charset, &story->parse->text);
    sl_lines_begin(&walk, cut_signoff(story->text_start));
    while (sl_lines_next(&walk, &line)) {
        enum sl_wmo_line is = sl_wmo_line_of(&lines, line.words);
        if (is == SL_WMO_WORDS) {
            put_words(&para, &line, is_coded ? 0 : columns, &ends);
            columns = (uint32_t)(line.words.data + line.words.len - line.whole.data);
            continue;
        }
        sl_para_break(&para);
        /* Below the figures stand tags, "HAIL...1.00IN", a line each. */
        if (is == SL_WMO_FIGURE || is == SL_WMO_END)
            para.keep_lines = is == SL_WMO_FIGURE;
        columns = 0;
    }
    sl_para_end(&para);
    sl_out_set(story->out, SL_TEXT_BODY, sl_out_close(story->out));
}

void sl_wmo_say_text(struct sl_wmo *story)
{
    say_top(story);
    say_headlines(story);
    say_body(story);
}
