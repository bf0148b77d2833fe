/* parsers/iptc7901_notes.c - what a 7901 message tells editors: the notebook behind the story, kills in prose, and
 * which earlier messages are meant.
 *
 *          # Notebook
 *          ## Note to editors
 *          - adds details in the third paragraph
 *          ## Internet links
 *          - [title](where)
 *          * * * *
 *          The following information is not intended for publication
 */
#include "parsers/iptc7901.h"
#include <string.h>
#include "parsers/ascii.h"

enum section { SECTION_NOTE, SECTION_LINKS, SECTION_PLACES, SECTION_PRIVATE };

/* Headings of a notebook.  What is not here is a note to editors, which is public. */
static const struct heading {
    const char *phrase;
    enum section section;
} headings[] = {
    {"internet",            SECTION_LINKS  },
    { "links",              SECTION_LINKS  },
    { "liens",              SECTION_LINKS  },
    { "orte",               SECTION_PLACES },
    { "ort",                SECTION_PLACES },
    { "locations",          SECTION_PLACES },
    { "places",             SECTION_PLACES },
    { "lieux",              SECTION_PLACES },
    { "ansprechpartner",    SECTION_PRIVATE},
    { "kontakt",            SECTION_PRIVATE},
    { "kontakte",           SECTION_PRIVATE},
    { "contact",            SECTION_PRIVATE},
    { "contacts",           SECTION_PRIVATE},
    { "dpa contacts",       SECTION_PRIVATE},
    { "editorial contacts", SECTION_PRIVATE},
    { "autor",              SECTION_PRIVATE},
    { "redaktion",          SECTION_PRIVATE},
};

/* ---- the notebook ---- */

struct note_reader {
    struct sl_span rest;
    enum section section;
};

struct note {
    enum section section;
    bool is_heading;
    struct sl_span text; /* may hold line ends */
};

static enum section find_section(struct sl_span heading)
{
    uint32_t len;
    for (size_t i = 0; i < sizeof(headings) / sizeof(*headings); i++) {
        if (sl_phrase_starts(heading, headings[i].phrase, &len))
            return headings[i].section;
    }
    return SECTION_NOTE;
}

/* An item goes on to the next item, heading or blank line. */
static struct sl_span join_item(struct sl_span line, struct sl_span *rest)
{
    struct sl_span more, after = *rest;
    const uint8_t *end = line.data + line.len;
    while (sl_line_next(&after, &more)) {
        struct sl_span trimmed = sl_span_trim(more);
        if (trimmed.len == 0 || trimmed.data[0] == '-' || sl_7901_starts_notebook(trimmed))
            break;
        end = more.data + more.len;
        *rest = after;
    }
    return (struct sl_span){ line.data, (uint32_t)(end - line.data) };
}

/* The next public heading or item; false: what follows is private, or nothing. */
static bool next_note(struct note_reader *reader, struct note *note)
{
    struct sl_span line;
    while (sl_line_next(&reader->rest, &line)) {
        line = sl_span_trim(line);
        if (line.len == 0)
            continue;
        if (line.data[0] == '*' || sl_says_private(line))
            return false;
        bool is_heading = line.data[0] == '#';
        while (line.len != 0 && (line.data[0] == '#' || line.data[0] == '-' || line.data[0] == ' '))
            line = sl_span_skip(line, 1);
        if (is_heading)
            reader->section = find_section(line);
        else
            line = sl_span_trim(join_item(line, &reader->rest));
        if (line.len == 0 || reader->section == SECTION_PRIVATE)
            continue;
        *note = (struct note){ reader->section, is_heading, line };
        return true;
    }
    return false;
}

/* "[title](where)": both parts; or only where. */
static void split_link(struct sl_span item, struct sl_span *title, struct sl_span *where)
{
    uint32_t middle;
    *title = (struct sl_span){ NULL, 0 };
    *where = item;
    if (item.data[0] != '[' || !sl_span_find(item, "](", &middle))
        return;
    struct sl_span rest = sl_span_skip(item, middle + 2);
    const uint8_t *close = memrchr(rest.data, ')', rest.len);
    *title = sl_span_skip(sl_span_head(item, middle), 1);
    *where = sl_span_head(rest, close ? (uint32_t)(close - rest.data) : rest.len);
}

static void say_link(struct sl_7901 *wire, const struct note *note)
{
    struct sl_span title, where;
    static const struct sl_ref none;
    split_link(note->text, &title, &where);
    if (note->section == SECTION_PLACES) {
        sl_out_open(wire->story.out);
        sl_text_put_line(wire->story.out, wire->story.charset, title.data, title.len, &wire->story.parse->text);
        if (title.len != 0)
            sl_out_put(wire->story.out, ", ", 2);
        sl_text_put_line(wire->story.out, wire->story.charset, where.data, where.len, &wire->story.parse->text);
        struct sl_ref name = sl_out_close(wire->story.out);
        sl_out_item(wire->story.out, SL_LIST_PLACES, none, none, name, none);
        return;
    }
    struct sl_ref rel = sl_out_ref(wire->story.out, "link", 4), id = sl_story_put(&wire->story, title);
    sl_out_item(wire->story.out, SL_LIST_ASSOCIATIONS, rel, id, sl_story_put(&wire->story, where), none);
}

static void put_note(struct sl_7901 *wire, struct sl_span note)
{
    if (sl_out_opened(wire->story.out).len != 0)
        sl_out_putc(wire->story.out, '\n');
    sl_text_put_line(wire->story.out, wire->story.charset, note.data, note.len, &wire->story.parse->text);
}

/* Notes to editors: what labels explain, what they say of pictures, and the notebook's public part. */
void sl_7901_say_notes(struct sl_7901_text *text)
{
    struct sl_7901 *wire = text->wire;
    struct note_reader reader = { text->notebook, SECTION_NOTE };
    struct note note;
    bool has_others = false;
    sl_out_open(wire->story.out);
    for (uint32_t i = 0; i < text->line_cnt; i++) {
        struct sl_span label = sl_span_head(text->line[i].text, SL_7901_TWICE_MAX / SL_7901_LINES_MAX * 4);
        if (text->line[i].role == SL_7901_PICTURE ||
            (text->line[i].role == SL_7901_LABEL && sl_7901_find_explanation(label) < label.len))
            put_note(wire, label);
    }
    while (next_note(&reader, &note)) {
        if (note.is_heading && sl_story_is_label(&wire->story, note.text))
            sl_story_note_label(&wire->story, note.text);
        has_others |= note.section != SECTION_NOTE;
        if (note.is_heading || note.section != SECTION_NOTE)
            continue;
        put_note(wire, note.text);
        sl_story_weigh_embargo(&wire->story, note.text, true);
    }
    sl_out_set(wire->story.out, SL_TEXT_EDNOTE, sl_out_close(wire->story.out));
    reader = (struct note_reader){ text->notebook, SECTION_NOTE };
    while (has_others && next_note(&reader, &note)) {
        if (!note.is_heading && note.section != SECTION_NOTE)
            say_link(wire, &note);
    }
}

/* ---- kills, corrections, and whom they mean ---- */

/* "dpa 123", "bdt0123": the name of a counter of this agency's, and a number.  Gives its length, 0: not here. */
static uint32_t match_number(struct sl_span at, struct sl_span counter, struct sl_span *number)
{
    if (counter.len == 0 || counter.len > 16 || at.len <= counter.len)
        return 0;
    for (uint32_t i = 0; i < counter.len; i++) {
        if ((at.data[i] | 0x20) != (counter.data[i] | 0x20))
            return 0;
    }
    uint32_t len = counter.len, digit_cnt = 0;
    while (len < at.len && (at.data[len] == ' ' || at.data[len] == '-'))
        len++;
    while (len + digit_cnt < at.len && sl_is_digit(at.data[len + digit_cnt]))
        digit_cnt++;
    if (digit_cnt == 0 || digit_cnt > 6)
        return 0;
    *number = sl_span_head(sl_span_skip(at, len), digit_cnt);
    return len + digit_cnt;
}

static uint32_t match_urn(struct sl_span at)
{
    uint32_t len = 0;
    if (!sl_span_starts(at, "urn:"))
        return 0;
    while (len < at.len && at.data[len] > ' ' && !memchr("()\"<>,;", at.data[len], 7))
        len++;
    while (len != 0 && at.data[len - 1] == '.')
        len--;
    return len;
}

/* A message that is named, at or behind *off: its length and, where the agency counts it, by which counter. */
static bool find_named(const struct sl_7901 *wire, struct sl_span words, uint32_t *off, uint32_t *len,
                       struct sl_span *counter, struct sl_span *number)
{
    const struct sl_span counters[] = { wire->header.service, wire->header.source };
    for (; *off < words.len; ++*off) {
        struct sl_span at = sl_span_skip(words, *off);
        if (!sl_is_letter(at.data[0]) || (*off != 0 && (sl_is_letter(at.data[-1]) || sl_is_digit(at.data[-1]))))
            continue;
        *counter = (struct sl_span){ NULL, 0 };
        if ((*len = match_urn(at)) != 0)
            return true;
        for (unsigned i = 0; i < 2; i++) {
            *counter = counters[i];
            if ((*len = match_number(at, counters[i], number)) != 0)
                return true;
        }
    }
    return false;
}

static void say_named(struct sl_7901 *wire, const char *what, struct sl_span words)
{
    const struct sl_7901_header *header = &wire->header;
    struct sl_span counter, number;
    uint32_t off = 0, len;
    while (wire->story.reference_cnt < SL_STORY_REFERENCES_MAX &&
           find_named(wire, words, &off, &len, &counter, &number)) {
        uint32_t width = counter.data == header->service.data ? header->number.len : header->source_number.len;
        sl_story_say_reference(&wire->story, what,
                               counter.len != 0
                                   ? sl_story_put_id(&wire->story, counter, number, width)
                                   : sl_story_put(&wire->story, sl_span_head(sl_span_skip(words, off), len)));
        off += len;
    }
}

/* The header's own reference, "Siehe APA0100": by number where we understand it, else as it stands. */
static void say_header_reference(struct sl_7901 *wire)
{
    struct sl_span refers = wire->header.refers;
    uint32_t before = wire->story.reference_cnt;
    if (refers.len == 0)
        return;
    say_named(wire, "refers", sl_span_head(refers, SL_7901_TWICE_MAX));
    if (wire->story.reference_cnt == before)
        sl_story_say_reference(&wire->story, "refers", sl_story_put(&wire->story, refers));
}

void sl_7901_weigh_prose(struct sl_7901 *wire, struct sl_span start)
{
    struct sl_span counter, number;
    uint32_t off = 0, len;
    enum sl_request request = sl_story_find_request(&wire->story, &start);
    if (request != SL_REQUEST_NONE &&
        (sl_story_calls_editors(&wire->story) || find_named(wire, start, &off, &len, &counter, &number)))
        sl_story_note_request(&wire->story, request);
}

/* Whom a kill, a correction or a hold means. */
void sl_7901_say_references(struct sl_7901 *wire, struct sl_span start)
{
    if (sl_story_undoes(&wire->story)) {
        const char *what = sl_signal_name(wire->story.label->signal);
        say_named(wire, what, start);
        if (wire->story.reference_cnt == 0)
            say_named(wire, what, sl_span_of(sl_out_get(wire->story.out, SL_TEXT_EDNOTE)));
        sl_story_say_evolved(&wire->story);
    }
    say_header_reference(wire);
}
