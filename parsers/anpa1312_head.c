/* parsers/anpa1312_head.c - the lines above an ANPA story: what each is, and what it says.
 *
 *          ^Headline <                     caret lines: they end with "<" or "=", or go on in the next line
 *          ^AP Photo XYZ101, XYZ102<
 *          ^Eds: With AP Photos. <         (Eds: ...) notes to editors
 *          ^By NAME=
 *          ^Associated Press=
 *
 * Source    AP's text format; CP's "HL:", "SYMBOL:", "INDEX:" and "Update:" lines; Kyodo's headline that ends with "+".
 */
#include <string.h>
#include "parsers/anpa1312.h"
#include "parsers/ascii.h"

#define BYLINE_LINES 6u /* within so many of them a byline stands */
#define JOIN_MAX     8u /* lines of one caret line */

/* ---- lines ---- */

enum sl_anpa_place sl_anpa_place_of(struct sl_span line)
{
    if (sl_span_trim(line).len == 0)
        return SL_ANPA_PLACE_BLANK;
    if (line.data[0] == '^')
        return SL_ANPA_PLACE_CARET;
    if (line.data[0] == SL_ANPA_ROW)
        return SL_ANPA_PLACE_ROW;
    return line.data[0] == '\t' || sl_span_starts(line, "   ") ? SL_ANPA_PLACE_INDENTED : SL_ANPA_PLACE_PLAIN;
}

struct sl_span sl_anpa_trim_end(struct sl_span line, const char *marks)
{
    line = sl_span_trim(line);
    while (line.len != 0 && line.data[line.len - 1] < 'A' && strchr(marks, line.data[line.len - 1]))
        line = sl_span_trim(sl_span_head(line, line.len - 1));
    return line;
}

static bool is_ended(struct sl_span line)
{
    line = sl_span_trim(line);
    return line.len != 0 && memchr("<=+", line.data[line.len - 1], 3);
}

/* A line above the story, with those that it goes on in. */
static struct sl_span take_line(struct sl_span *rest, struct sl_span first)
{
    struct sl_span line = first, more, after = *rest;
    for (unsigned i = 0; i < JOIN_MAX && !is_ended(line) && sl_line_next(&after, &more); i++) {
        if (sl_anpa_place_of(more) != SL_ANPA_PLACE_PLAIN)
            break;
        line = (struct sl_span){ first.data, (uint32_t)(more.data + more.len - first.data) };
        *rest = after;
    }
    while (line.len != 0 && (line.data[0] == '^' || line.data[0] == ' '))
        line = sl_span_skip(line, 1);
    return sl_span_head(sl_anpa_trim_end(line, "<=@+"), SL_ANPA_SAID_MAX);
}

/* ---- what lines above the story are ---- */

static bool take_prefix(struct sl_span *line, const char *prefix)
{
    if (!sl_span_starts(*line, prefix))
        return false;
    *line = sl_span_trim(sl_span_skip(*line, (uint32_t)strlen(prefix)));
    return true;
}

/* "Eds: With photos.", "(Eds: ...)", "EDITORS: ...", "EDITOR'S NOTE _ ...": the note without its brackets. */
static bool is_note(struct sl_span *line)
{
    static const char *const openings[] = { "Eds:",          "Eds.",    "Editors:",    "Editor's note",
                                            "Editors' note", "Update:", "For release", "For use" };
    struct sl_span note = *line;
    bool has_bracket = note.len > 1 && note.data[0] == '(';
    if (has_bracket)
        note = sl_span_skip(note, 1);
    for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
        if (!sl_span_starts(note, openings[i]))
            continue;
        if (has_bracket && note.data[note.len - 1] == ')')
            note.len--;
        *line = note;
        return true;
    }
    return false;
}

static bool is_picture(struct sl_span *line)
{
    static const char *const openings[] = { "AP Photos ", "AP Photo ", "AP Graphics ", "AP Graphic ",
                                            "AP Video ",  "Photos:",   "Photo:",       "Graphic:" };
    for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
        if (take_prefix(line, openings[i]))
            return true;
    }
    return false;
}

static bool is_credit(struct sl_span line)
{
    static const char *const jobs[] = { "Writer", "Writers", "Editor", "Correspondent", "Columnist" };
    if (sl_anpa_find_agency(line))
        return true;
    uint32_t start = line.len;
    while (start != 0 && sl_is_letter(line.data[start - 1]))
        start--;
    bool is_agency = sl_span_starts(line, "AP ") || sl_span_starts(line, "Associated Press ");
    for (size_t i = 0; is_agency && i < sizeof(jobs) / sizeof(*jobs); i++) {
        if (sl_span_is(sl_span_skip(line, start), jobs[i]))
            return true;
    }
    return false;
}

/* "code:2": a word of the sender's system. */
static bool is_code(struct sl_span line)
{
    uint32_t len = 0;
    while (len < line.len && sl_is_ascii_letter(line.data[len]))
        len++;
    if (len == 0 || len + 1 >= line.len || line.data[len] != ':')
        return false;
    return sl_span_digits(sl_span_skip(line, len + 1)) == line.len - len - 1;
}

static enum sl_anpa_role role_of(const struct sl_anpa_head *head, struct sl_span *line)
{
    struct sl_span name;
    if (is_note(line))
        return SL_ANPA_ROLE_NOTE;
    if (is_picture(line))
        return SL_ANPA_ROLE_PICTURE;
    if (take_prefix(line, "SYMBOL:"))
        return SL_ANPA_ROLE_SYMBOL;
    if (take_prefix(line, "INDEX:"))
        return SL_ANPA_ROLE_INDEX;
    if (is_credit(*line))
        return SL_ANPA_ROLE_CREDIT;
    if (sl_span_starts(*line, "By ") && sl_anpa_find_agency(sl_span_skip(*line, 3))) {
        *line = sl_span_skip(*line, 3);
        return SL_ANPA_ROLE_BYLINE;
    }
    if (head->line_cnt < BYLINE_LINES && sl_byline_read(*line, &name)) {
        *line = name;
        return SL_ANPA_ROLE_BYLINE;
    }
    if (sl_story_is_label(&head->wire->story, *line))
        return SL_ANPA_ROLE_LABEL;
    if (take_prefix(line, "HL:") || !head->has_headline)
        return SL_ANPA_ROLE_HEADLINE;
    return head->has_story && !head->wire->header.is_table ? SL_ANPA_ROLE_SUBTITLE : SL_ANPA_ROLE_BODY;
}

/* Indented lines are the story; a list of headlines has none. */
static bool has_story(struct sl_span text)
{
    struct sl_span line;
    while (sl_line_next(&text, &line)) {
        if (sl_anpa_place_of(line) == SL_ANPA_PLACE_INDENTED)
            return true;
    }
    return false;
}

void sl_anpa_read_head(struct sl_anpa_head *head, struct sl_span rest)
{
    struct sl_span line, before = rest;
    head->has_story = has_story(rest);
    while (head->line_cnt < SL_ANPA_HEAD_MAX && sl_line_next(&rest, &line)) {
        enum sl_anpa_place place = sl_anpa_place_of(line);
        if (place == SL_ANPA_PLACE_INDENTED || place == SL_ANPA_PLACE_ROW)
            break;
        if (place != SL_ANPA_PLACE_BLANK) {
            line = take_line(&rest, line);
            if (line.len != 0 && !is_code(line)) {
                enum sl_anpa_role role = role_of(head, &line);
                head->has_headline |= role == SL_ANPA_ROLE_HEADLINE;
                head->line[head->line_cnt].text = line;
                head->line[head->line_cnt++].role = role;
            }
        }
        before = rest;
    }
    head->body = before;
}

/* ---- what they say ---- */

static void say_pictures(struct sl_story *story, struct sl_span line)
{
    while (line.len != 0) {
        uint32_t len = 0;
        while (len < line.len && sl_is_word_byte(line.data[len]))
            len++;
        struct sl_span id = sl_span_head(line, len);
        if (len > 3 && sl_is_upper(id.data[0]) && sl_is_digit(id.data[len - 1]))
            sl_story_say_item(story, SL_LIST_ASSOCIATIONS, "photo", sl_story_put(story, id));
        line = sl_span_skip(line, len < line.len ? len + 1 : len);
    }
}

/* The next of several that commas part. */
static struct sl_span take_part(struct sl_span *line)
{
    const uint8_t *comma = memchr(line->data, ',', line->len);
    uint32_t len = comma ? (uint32_t)(comma - line->data) : line->len;
    struct sl_span part = sl_span_trim(sl_span_head(*line, len));
    *line = sl_span_skip(*line, len + (comma ? 1 : 0));
    return part;
}

/* "Economy, Business": the sender's own headings. */
static void say_index(struct sl_story *story, struct sl_span line)
{
    static const struct sl_ref none;
    while (line.len != 0) {
        struct sl_ref name = sl_story_put(story, take_part(&line));
        if (name.len != 0)
            sl_out_item(story->out, SL_LIST_SUBJECTS, none, none, name, none);
    }
}

/* "TSX:IMO, NYSE:XOM" */
static void say_symbols(struct sl_story *story, struct sl_span line)
{
    static const struct sl_ref none;
    while (line.len != 0) {
        struct sl_span symbol = take_part(&line);
        const uint8_t *colon = memchr(symbol.data, ':', symbol.len);
        struct sl_span exchange = sl_span_head(symbol, colon ? (uint32_t)(colon - symbol.data) : 0);
        if (colon)
            symbol = sl_span_trim(sl_span_skip(symbol, exchange.len + 1));
        if (symbol.len != 0)
            sl_out_item(story->out, SL_LIST_SYMBOLS, sl_story_put(story, exchange), none, sl_story_put(story, symbol),
                        none);
    }
}

/* "Eds: Corrects ...": only a note's first word is a label; the rest is prose. */
static void weigh_note(struct sl_story *story, struct sl_span note)
{
    sl_story_weigh_embargo(story, note, true);
    const uint8_t *colon = memchr(note.data, ':', note.len);
    if (colon)
        note = sl_span_skip_white(sl_span_skip(note, (uint32_t)(colon - note.data) + 1));
    sl_story_note_label(story, sl_span_word(note));
}

static void say_notes(struct sl_anpa_head *head)
{
    struct sl_story *story = &head->wire->story;
    sl_out_open(story->out);
    for (uint32_t i = 0; i < head->line_cnt; i++) {
        struct sl_span note = head->line[i].text;
        if (head->line[i].role != SL_ANPA_ROLE_NOTE)
            continue;
        if (sl_out_opened(story->out).len != 0)
            sl_out_putc(story->out, '\n');
        sl_text_put_line(story->out, story->charset, note.data, note.len, &story->parse->text);
    }
    sl_out_set(story->out, SL_TEXT_EDNOTE, sl_out_close(story->out));
}

static void say_line(struct sl_anpa_head *head, enum sl_anpa_role role, struct sl_span line)
{
    struct sl_story *story = &head->wire->story;
    static const struct sl_ref none;
    switch (role) {
    case SL_ANPA_ROLE_HEADLINE:
        sl_story_say(story, SL_TEXT_HEADLINE, line);
        sl_story_weigh_embargo(story, line, false);
        return;
    case SL_ANPA_ROLE_SUBTITLE: {
        struct sl_ref sub = sl_out_ref(story->out, "sub", 3);
        sl_out_item(story->out, SL_LIST_HEADLINES, none, sub, sl_story_put(story, line), none);
        return;
    }
    case SL_ANPA_ROLE_BYLINE:
        sl_story_say(story, SL_TEXT_BYLINE, line);
        return;
    case SL_ANPA_ROLE_CREDIT:
        sl_story_say(story, SL_TEXT_CREDIT, line);
        if (!head->wire->agency && (head->wire->agency = sl_anpa_find_agency(line))) {
            sl_story_say_word(story, SL_TEXT_PROVIDER, head->wire->agency->provider);
            sl_story_say_word(story, SL_TEXT_LANGUAGE, head->wire->agency->language);
        }
        return;
    case SL_ANPA_ROLE_NOTE:
        weigh_note(story, line);
        return;
    case SL_ANPA_ROLE_LABEL:
        sl_story_note_label(story, line);
        sl_story_weigh_embargo(story, line, true);
        if (sl_out_get(story->out, SL_TEXT_TAKE).len == 0)
            sl_story_say(story, SL_TEXT_TAKE, line);
        return;
    case SL_ANPA_ROLE_PICTURE:
        say_pictures(story, line);
        return;
    case SL_ANPA_ROLE_SYMBOL:
        say_symbols(story, line);
        return;
    case SL_ANPA_ROLE_INDEX:
        say_index(story, line);
        return;
    case SL_ANPA_ROLE_BODY:
        return;
    }
}

void sl_anpa_say_head(struct sl_anpa_head *head)
{
    say_notes(head);
    for (uint32_t i = 0; i < head->line_cnt; i++)
        say_line(head, head->line[i].role, head->line[i].text);
}
