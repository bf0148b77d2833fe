/* parsers/anpa1312_text.c - the story of an ANPA message, without its typesetting, and what kind of message it is.
 *
 *          TAB   PLACE (AP) _ Paragraph    indented lines begin paragraphs, plain ones go on with them
 *          BS Baltimore;23;13;.639         a row of agate; in a table every line is one
 */
#include <string.h>
#include "parsers/anpa1312.h"
#include "parsers/ascii.h"
#include "parsers/lines.h"

#define LOOK_MAX    800u /* of the text, for a kill and whom it kills */
#define KEYWORD_MAX 60u /* of a keyword in prose */

/* ---- the body ---- */

static void put_row(struct sl_story *story, struct sl_span line, bool follows_row)
{
    if (line.len != 0 && line.data[0] == SL_ANPA_ROW)
        line = sl_span_skip(line, 1);
    line = sl_anpa_trim_end(line, "<=");
    if (line.len == 0)
        return;
    if (sl_out_opened(story->out).len != 0)
        sl_out_put(story->out, "\n\n", follows_row ? 1 : 2);
    sl_text_put(story->out, story->charset, line.data, line.len, &story->parse->text);
}

/* The paragraph's marks at its end; "==Kyodo" and "-0-" end the story. */
static bool ends_story(struct sl_span line)
{
    return sl_span_starts(line, "==") || sl_span_is(line, "-0-") || sl_span_is(line, "-30-") ||
           sl_span_is(line, "--30--");
}

static void put_prose(struct sl_para *para, const struct sl_line *line)
{
    struct sl_span words = sl_anpa_trim_end(line->words, "<");
    struct sl_look look = words.len == line->words.len ? line->look : sl_look_at(words.data, words.len);
    /* What is trimmed is not indented: paragraphs begin where place_of says. */
    sl_para_looked_at(para, words, look, false);
}

static void put_lines(struct sl_anpa *wire, struct sl_span rest, bool follows_row)
{
    struct sl_story *story = &wire->story;
    struct sl_para para;
    struct sl_lines walk;
    struct sl_line at;
    sl_para_begin(&para, story->out, story->charset, &story->parse->text);
    sl_lines_begin(&walk, rest);
    while (sl_lines_next(&walk, &at)) {
        struct sl_span line = at.whole;
        enum sl_anpa_place place = at.words.len != 0 ? sl_anpa_place_of(line) : SL_ANPA_PLACE_BLANK;
        bool is_row = place == SL_ANPA_PLACE_ROW || (wire->header.is_table && place != SL_ANPA_PLACE_BLANK);
        if (place == SL_ANPA_PLACE_PLAIN && ends_story(at.words))
            break;
        if (is_row || place == SL_ANPA_PLACE_CARET) {
            sl_para_break(&para);
            put_row(story, place == SL_ANPA_PLACE_CARET ? sl_span_skip(line, 1) : line, follows_row && is_row);
        } else {
            if (place == SL_ANPA_PLACE_INDENTED)
                sl_para_break(&para);
            put_prose(&para, &at);
        }
        follows_row = is_row;
    }
    sl_para_end(&para);
}

static void say_body(struct sl_anpa_head *head)
{
    struct sl_anpa *wire = head->wire;
    struct sl_story *story = &wire->story;
    struct sl_slice credit = sl_out_get(story->out, SL_TEXT_CREDIT);
    struct sl_ref credit_ref = sl_out_root(story->out)->text[SL_TEXT_CREDIT];
    struct sl_span agency = sl_span_of(sl_out_get(story->out, SL_TEXT_PROVIDER));
    struct sl_span rest = sl_story_take_dateline(story, agency, head->body);
    if (credit.len != 0)
        sl_out_set(story->out, SL_TEXT_CREDIT, credit_ref);
    sl_out_open(story->out);
    for (uint32_t i = 0; i < head->line_cnt; i++) {
        if (head->line[i].role == SL_ANPA_ROLE_BODY)
            put_row(story, head->line[i].text, true);
    }
    put_lines(wire, rest, sl_out_opened(story->out).len != 0);
    sl_out_set(story->out, SL_TEXT_BODY, sl_out_close(story->out));
}

/* An alert is one sentence, which is its headline. */
static void say_alert_headline(struct sl_story *story)
{
    struct sl_slice body = sl_out_get(story->out, SL_TEXT_BODY);
    const char *end = memchr(body.data, '\n', body.len);
    uint32_t len = end ? (uint32_t)(end - body.data) : body.len;
    if (sl_out_get(story->out, SL_TEXT_HEADLINE).len == 0 && len != 0 && len <= SL_ANPA_SAID_MAX)
        sl_out_set(story->out, SL_TEXT_HEADLINE,
                   (struct sl_ref){ (uint32_t)(body.data - (char *)story->out->base), len });
}

/* ---- what kind of message, and whom it means ---- */

/* "2nd Add", "Take 3": which part of a story that came in several this is. */
static uint32_t take_of(struct sl_span version)
{
    uint32_t off, len, number = 0;
    for (uint32_t i = 0; i < version.len && number == 0; i++) {
        if (sl_is_digit(version.data[i]))
            number = (uint32_t)sl_story_number(
                sl_span_head(sl_span_skip(version, i), sl_span_digits(sl_span_skip(version, i))));
    }
    if (sl_phrase_find(version, "add", &off, &len))
        return number + 1 > 1 ? number + 1 : 2;
    return sl_phrase_find(version, "take", &off, &len) ? number : 0;
}

/* "Adv16", "Adv16-18": an advance, for publication on that day of this month or the next. */
static void weigh_advance(struct sl_story *story, struct sl_span version)
{
    uint32_t off;
    if (!sl_span_find(version, "adv", &off) || (off != 0 && sl_is_letter(version.data[off - 1])))
        return;
    struct sl_span rest = sl_span_skip(version, off + 3);
    uint64_t day = sl_story_number(sl_span_head(rest, sl_span_digits(rest)));
    struct sl_civil civil = { .year = story->day.year,
                              .month = story->day.month,
                              .day = (uint8_t)(day < 32 ? day : 0) };
    if (civil.day < story->day.day) {
        civil.year += civil.month / 12;
        civil.month = (uint8_t)(civil.month % 12 + 1);
    }
    if (!sl_civil_valid(&civil) || story->embargo != SL_EMBARGO_NONE)
        return;
    int64_t local_s = sl_civil_to_s(&civil);
    story->embargo = SL_EMBARGO_UNTIL;
    story->embargo_ns = sl_ns_of_s(story->zone ? sl_zone_to_utc(story->zone, local_s) : local_s);
    story->embargo_zone = SL_DATE_ZONE_ASSUMED;
    sl_out_note(story->out, "an advance: for publication on its day");
}

/* A version's words are labels; a keyword's only at its end, and only those that name no news. */
static void weigh_slug(struct sl_anpa *wire)
{
    struct sl_story *story = &wire->story;
    struct sl_span keyword = wire->slug.keyword, version = wire->slug.version;
    static const struct sl_label advisory = { "", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY };
    static const struct sl_label alert = { "", SL_KIND_NEWS, SL_SIGNAL_ALERT };
    sl_story_note_label(story, version);
    weigh_advance(story, version);
    sl_out_root(story->out)->take_no = take_of(version);
    unsigned urgency = sl_out_root(story->out)->urgency;
    if (story->label)
        return;
    if (sl_anpa_is_advisory(keyword))
        story->label = &advisory;
    else if (sl_anpa_is_alert(keyword) || urgency == 1 || urgency == 2)
        story->label = &alert;
}

/* Where a keyword in prose ends: "BC-US--Harbour Fire, 1st Ld, moved at ...". */
static uint32_t keyword_end(struct sl_span at)
{
    static const char *const behind[] = {
        " from ", " moved", " sent", " which", " that ", " slugged", " by ", " and "
    };
    uint32_t len = 0, off;
    at = sl_span_head(at, KEYWORD_MAX);
    while (len < at.len && at.data[len] >= ' ' && at.data[len] < 0x80 && !memchr(",;:()<\"", at.data[len], 7) &&
           !(at.data[len] == '.' && (len + 1 == at.len || at.data[len + 1] <= ' ')))
        len++;
    for (size_t i = 0; i < sizeof(behind) / sizeof(*behind); i++) {
        if (sl_span_find(sl_span_head(at, len), behind[i], &off))
            len = off;
    }
    return sl_span_trim(sl_span_head(at, len)).len;
}

/* A keyword or a service's number at or behind *off. */
static bool find_named(struct sl_span words, uint32_t *off, uint32_t *len, bool *is_keyword)
{
    for (; *off + 4 < words.len; ++*off) {
        struct sl_span at = sl_span_skip(words, *off);
        if (!sl_is_ascii_letter(at.data[0]) || (*off != 0 && sl_is_word_byte(at.data[-1])))
            continue;
        *is_keyword = at.data[2] == '-' && at.data[0] != 'A' + 32 && strchr("BAP", at.data[0]) &&
                      strchr("CM", at.data[1]) && at.data[1] != 0;
        uint32_t digits = sl_span_digits(sl_span_skip(at, 1));
        *len = *is_keyword ? keyword_end(at) : digits >= 3 && digits <= 5 ? 1 + digits : 0;
        if (*len > 3 && (*len == at.len || !sl_is_word_byte(at.data[*len])))
            return true;
    }
    return false;
}

static void say_named(struct sl_anpa *wire, const char *what, struct sl_span words)
{
    uint32_t off = 0, len;
    bool is_keyword;
    while (wire->story.reference_cnt < SL_STORY_REFERENCES_MAX && find_named(words, &off, &len, &is_keyword)) {
        struct sl_span named = sl_span_head(sl_span_skip(words, off), len);
        sl_story_say_reference(&wire->story, what,
                               is_keyword
                                   ? sl_anpa_put_id(wire, named)
                                   : sl_story_put_id(&wire->story, sl_span_head(named, 1), sl_span_skip(named, 1), 0));
        off += len;
    }
}

static void weigh_prose(struct sl_anpa *wire)
{
    struct sl_story *story = &wire->story;
    struct sl_span start = sl_span_head(wire->text, LOOK_MAX);
    uint32_t off = 0, len;
    bool is_keyword;
    enum sl_request request = sl_story_find_request(story, &start);
    bool is_request =
        request != SL_REQUEST_NONE && (sl_story_calls_editors(story) || find_named(start, &off, &len, &is_keyword));
    bool is_disregard = story->label && sl_span_is(wire->slug.version, "disregard");
    if (is_request)
        sl_story_note_request(story, request);
    if (!sl_story_undoes(story) && !is_disregard)
        return;
    say_named(wire, is_disregard ? "disregard" : sl_signal_name(story->label->signal),
              sl_span_head(wire->text, LOOK_MAX));
    sl_story_say_evolved(story);
    /* What no label calls a kill is a message about another story, and must not take its own name away. */
    if (is_request || is_disregard)
        sl_anpa_say_single_id(wire);
}

void sl_anpa_say_text(struct sl_anpa *wire)
{
    struct sl_anpa_head head = { .wire = wire };
    weigh_slug(wire);
    sl_anpa_read_head(&head, wire->text);
    sl_anpa_say_head(&head);
    say_body(&head);
    if (wire->story.label && wire->story.label->signal == SL_SIGNAL_ALERT)
        say_alert_headline(&wire->story);
    weigh_prose(wire);
    sl_story_weigh_test(&wire->story);
    sl_story_say_kind(&wire->story);
}
