/* parsers/results.c - racing results in print layout.
 *
 *     SOH track US race US flag US flag US state US day
 *
 *        race-TAB - NAME OF RACE ...
 *        AGENCY RESULTS
 *
 * Source    What AAP sends; no standard says it.
 *
 * The id is made: TRACK:RACE:YYYY-MM-DD, with the last such weekday up to the arrival.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/story.h"

enum { ETX = 0x03, EOT = 0x04, US = 0x1f };

#define FIELDS_MAX 12u
#define FIELD_MAX  80u

struct results {
    struct sl_story story;
    struct sl_span field[FIELDS_MAX]; /* track, race, flags, state, day */
    uint32_t field_cnt;
    struct sl_span text;
};

/* What is wrong with the first line; NULL: nothing.  *rest ends up where it went wrong. */
static const char *read_fields(struct sl_span *rest, struct results *wire)
{
    struct sl_span line = *rest;
    while (wire->field_cnt < FIELDS_MAX && line.len != 0) {
        const uint8_t *end = memchr(line.data, US, line.len);
        uint32_t len = end ? (uint32_t)(end - line.data) : line.len;
        wire->field[wire->field_cnt++] = sl_span_trim(sl_span_head(line, len));
        line = sl_span_skip(line, len + (end ? 1 : 0));
    }
    struct sl_span track = wire->field[0], race = wire->field[1];
    if (track.len == 0 || track.len > FIELD_MAX || !sl_is_letter(track.data[0]))
        return "a track's name";
    if (wire->field_cnt > 1)
        *rest = sl_span_skip(*rest, (uint32_t)(race.data - rest->data));
    if (wire->field_cnt < 2 || race.len == 0 || race.len > 3 || sl_span_digits(race) != race.len)
        return "US and the number of a race";
    return wire->field_cnt >= 4 ? NULL : "US and flags behind the race";
}

static int recognize(const uint8_t *data, uint32_t len)
{
    bool has_soh;
    struct results wire = { .field_cnt = 0 };
    struct sl_span line = sl_span_line(sl_story_skip_noise((struct sl_span){ data, len }, &has_soh));
    return has_soh && !read_fields(&line, &wire) ? 95 : 0;
}

/* 0 Sunday; 7 none. */
static unsigned weekday_named(struct sl_span word)
{
    static const char *const days[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
    unsigned day = 0;
    while (day < 7 && !sl_span_starts(word, days[day]))
        day++;
    return day;
}

static void say_day(struct results *wire)
{
    struct sl_story *story = &wire->story;
    int64_t s = story->time_ns / SL_TIME_NS;
    s += story->zone ? sl_zone_offset_at(story->zone, s) : 0;
    unsigned day = wire->field_cnt > 5 ? weekday_named(wire->field[wire->field_cnt - 1]) : 7;
    for (unsigned back = 0; day < 7 && back < 7 && sl_weekday(s / 86400) != day; back++)
        s -= 86400;
    sl_civil_from_s(&story->day, s);
    sl_out_root(story->out)->flags |= SL_BULLETIN_DATE_COMPLETED | SL_BULLETIN_ID_MADE;
    sl_out_note(story->out, "no date in the message: the id's day is the last such weekday before the arrival");
}

static void say_headline(struct results *wire)
{
    struct sl_story *story = &wire->story;
    sl_out_open(story->out);
    sl_text_put_line(story->out, story->charset, wire->field[0].data, wire->field[0].len, &story->parse->text);
    sl_out_put(story->out, " race ", 6);
    sl_text_put_line(story->out, story->charset, wire->field[1].data, wire->field[1].len, &story->parse->text);
    sl_out_set(story->out, SL_TEXT_HEADLINE, sl_out_close(story->out));
}

/* "AAP RESULTS": the last line names the agency. */
static struct sl_span find_agency(struct sl_span text)
{
    struct sl_span line = sl_span_trim(sl_story_last_line(text)), word = sl_span_word(line);
    bool is_signoff = sl_span_is(sl_span_trim(sl_span_skip(line, word.len)), "results");
    return is_signoff ? word : sl_span_head(word, 0);
}

static void say_text(struct results *wire)
{
    struct sl_story *story = &wire->story;
    struct sl_para para;
    struct sl_span rest = wire->text, line;
    sl_out_open(story->out);
    sl_para_begin(&para, story->out, story->charset, &story->parse->text);
    para.keep_lines = true;
    while (sl_line_next(&rest, &line))
        sl_para_line(&para, line);
    sl_para_end(&para);
    sl_out_set(story->out, SL_TEXT_BODY, sl_out_close(story->out));
}

static void say_fields(struct results *wire)
{
    struct sl_story *story = &wire->story;
    sl_story_say(story, SL_TEXT_SLUGLINE, wire->field[0]);
    sl_story_say(story, SL_TEXT_TAKE, wire->field[1]);
    if (wire->field_cnt > 4)
        sl_story_say(story, SL_TEXT_LOCATED, wire->field[4]);
    static const struct sl_ref none;
    for (uint32_t i = 0; i < wire->field_cnt; i++) {
        if (wire->field[i].len > 1)
            sl_out_item(story->out, SL_LIST_KEYWORDS, sl_story_put(story, wire->field[i]), none, none, none);
    }
    sl_out_set(story->out, SL_TEXT_ID, sl_story_put_id(story, wire->field[0], wire->field[1], 0));
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    bool has_soh;
    struct results wire = {
        .story = {.parse = parse, .out = &parse->out, .time_ns = parse->arrival_ns}
    };
    struct sl_span whole = { parse->data, parse->len }, line, message;
    message = sl_story_skip_noise(whole, &has_soh);
    if (parse->bulletin_idx != 0 || message.len == 0)
        return SL_PARSE_END;
    line = sl_span_line(message);
    const char *want = read_fields(&line, &wire);
    if (want)
        return sl_reject(parse, SL_PARSE_BAD_FRAME, (uint32_t)(line.data - parse->data), want);
    sl_line_next(&message, &line);
    for (wire.text = message; wire.text.len != 0;) {
        const uint8_t *last = &wire.text.data[wire.text.len - 1];
        if (*last > ' ' && *last != ETX && *last != EOT)
            break;
        wire.text.len--;
    }
    if (wire.text.len == 0)
        return sl_reject(parse, SL_PARSE_CUT, parse->len, "results behind the first line");
    struct sl_span agency = find_agency(wire.text);
    wire.story.charset = sl_parse_charset(parse, &whole);
    sl_parse_choose_profile(parse, (struct sl_slice){ (const char *)agency.data, agency.len });
    wire.story.zone = sl_parse_zone(parse, "Australia/Sydney");
    sl_story_say(&wire.story, SL_TEXT_PROVIDER, agency);
    say_day(&wire);
    say_fields(&wire);
    say_headline(&wire);
    say_text(&wire);
    return SL_PARSE_OK;
}

const struct sl_format sl_format_results = {
    .id = SL_FORMAT_RESULTS,
    .name = "results",
    .source = "AAP's racing results",
    .recognize = recognize,
    .next = next,
};
