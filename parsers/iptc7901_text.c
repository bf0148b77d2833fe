/* parsers/iptc7901_text.c - the text of a 7901 message, as agencies fill it.
 *
 *          1ST LEAD                        labels: capitals, brackets, or short lines above the headline
 *          Headline that may be wrapped
 *          over two lines
 *          By NAME, agency =               the head ends with the line that ends with "="
 *
 *          Place (agency) - Paragraphs ... a head without "=" ends with the first blank line
 *
 *          # Notebook                      notes: "## Heading", then lines of "- "
 *          * * * *                         from here on nothing is for publication
 *          agency sg nt ds                 a sign-off
 *
 * Source    dpa's text format (its support page on IPTC 7901), and what ATS, APA, KNA and AFP show.
 */
#include "parsers/iptc7901.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/lines.h"

#define WRAP_COLUMN 64u /* a line this long, with the next one's first word, was wrapped by a machine */
#define TITLE_MAX   240u /* of a head that no "=" ends */
#define LOOK_MAX    800u /* of the text, for a kill and whom it kills, where a label calls editors */
#define SIGNOFF_MAX 48u

/* Labels about pictures say nothing of the story's state. */
static const char *const picture_words[] = { "foto",       "fotos",       "mit foto", "mit fotos", "mit grafik",
                                             "grafik",     "mit bild",    "bild",     "photo",     "photos",
                                             "with photo", "with photos", "video",    "mit video" };

static bool is_lower(uint8_t byte) { return (byte >= 'a' && byte <= 'z') || byte >= 0x80; }

/* ---- the head: which lines it has ---- */

static void add_line(struct sl_7901_text *text, struct sl_span line, enum sl_7901_role role)
{
    line = sl_span_trim(line);
    if (line.len != 0 && text->line_cnt < SL_7901_LINES_MAX)
        text->line[text->line_cnt++] = (struct sl_7901_line){ line, role };
}

static bool starts_with_picture(struct sl_span label)
{
    uint32_t len;
    for (size_t i = 0; i < sizeof(picture_words) / sizeof(*picture_words); i++) {
        if (sl_phrase_starts(label, picture_words[i], &len))
            return true;
    }
    return false;
}

/* "(Achtung)" or "(Eil) Headline": the bracket is a label, what follows is a line of its own. */
static void add_bracket(struct sl_7901_text *text, struct sl_span line, uint32_t label_len)
{
    struct sl_span label = sl_span_head(line, label_len);
    add_line(text, label, starts_with_picture(sl_span_skip(label, 1)) ? SL_7901_PICTURE : SL_7901_LABEL);
    add_line(text, sl_span_skip(line, label_len), SL_7901_TITLE);
}

static bool has_lower(struct sl_span line)
{
    for (uint32_t i = 0; i < line.len; i++) {
        if (line.data[i] >= 'a' && line.data[i] <= 'z')
            return true;
    }
    return false;
}

static void add_plain(struct sl_7901_text *text, struct sl_span line)
{
    uint32_t len;
    struct sl_span start = sl_span_head(line, 24);
    bool is_label =
        sl_story_is_label(&text->wire->story, line) ||
        (!has_lower(line) && line.len < 40 && start.len != 0 && sl_is_digit(start.data[0]) && sl_label_find(start));
    bool is_subtitle = sl_phrase_starts(line, "utl", &len);
    add_line(text, line, is_label ? SL_7901_LABEL : is_subtitle ? SL_7901_SUBTITLE : SL_7901_TITLE);
}

/* Takes "=" off a line that ends the head. */
static bool ends_head(struct sl_span *line)
{
    if (line->len == 0 || line->data[line->len - 1] != '=')
        return false;
    while (line->len != 0 && line->data[line->len - 1] == '=')
        line->len--;
    *line = sl_span_trim(*line);
    return true;
}

/* A bracket that is still open at the line's end goes on to the line that closes it. */
static struct sl_span join_bracket(struct sl_span line, struct sl_span *rest)
{
    struct sl_span more, after = *rest;
    if (line.len == 0 || line.data[0] != '(' || memchr(line.data, ')', line.len))
        return line;
    for (unsigned i = 0; i < 8 && sl_line_next(&after, &more) && sl_span_trim(more).len != 0; i++) {
        if (memchr(more.data, ')', more.len)) {
            *rest = after;
            return sl_span_trim((struct sl_span){ line.data, (uint32_t)(more.data + more.len - line.data) });
        }
    }
    return line;
}

static bool has_title(const struct sl_7901_text *text)
{
    for (uint32_t i = 0; i < text->line_cnt; i++) {
        if (text->line[i].role == SL_7901_TITLE)
            return true;
    }
    return false;
}

/* Reads lines to the one that ends with "=".  False: none does, and a blank line behind a title ended the search. */
static bool read_closed_head(struct sl_7901_text *text, struct sl_span rest)
{
    struct sl_span line;
    for (unsigned i = 0; i < SL_7901_LINES_MAX && sl_line_next(&rest, &line); i++) {
        line = sl_span_trim(line);
        if (line.len == 0 && has_title(text))
            return false;
        line = join_bracket(line, &rest);
        bool is_end = ends_head(&line);
        const uint8_t *close = line.len != 0 && line.data[0] == '(' ? memchr(line.data, ')', line.len) : NULL;
        if (close)
            add_bracket(text, line, (uint32_t)(close - line.data) + 1);
        else if (line.len != 0)
            add_plain(text, line);
        if (is_end) {
            text->body = rest;
            return true;
        }
    }
    return false;
}

/* A head without "=": labels, then a short paragraph that does not read like the story's first, if more follows or
 * there is nothing else, as in a flash. */
static void read_open_head(struct sl_7901_text *text)
{
    struct sl_dateline dateline;
    struct sl_span rest = text->wire->text, line, before = rest;
    uint32_t title_cnt = 0, title_len = 0;
    text->line_cnt = 0;
    while (title_cnt == 0 && sl_line_next(&rest, &line)) {
        line = sl_span_trim(line);
        bool is_bracket = line.len > 2 && line.data[0] == '(' && line.data[line.len - 1] == ')';
        if (is_bracket)
            add_bracket(text, line, line.len);
        else if (line.len != 0 && !sl_story_is_label(&text->wire->story, line))
            break;
        else
            add_line(text, line, SL_7901_LABEL);
        before = rest;
    }
    text->body = rest = before;
    if (sl_dateline_read(sl_span_head(sl_span_trim(rest), 200), text->wire->header.source, &dateline))
        return;
    struct sl_7901_line titles[3];
    while (sl_line_next(&rest, &line)) {
        line = sl_span_trim(line);
        if (line.len == 0)
            break;
        if (title_cnt == 3 || (title_len += line.len) > TITLE_MAX)
            return;
        titles[title_cnt++].text = line;
    }
    if (title_cnt == 0)
        return;
    struct sl_span last = titles[title_cnt - 1].text;
    bool is_alone = sl_span_trim(rest).len == 0;
    if (last.data[last.len - 1] == '.' && !is_alone)
        return;
    for (uint32_t i = 0; i < title_cnt; i++)
        add_plain(text, titles[i].text);
    text->body = rest;
}

/* ---- the head: what its lines are ---- */

static void find_bylines(struct sl_7901_text *text)
{
    struct sl_span name;
    bool has_headline = false;
    for (uint32_t i = 0; i < text->line_cnt; i++) {
        struct sl_7901_line *line = &text->line[i];
        if (line->role == SL_7901_TITLE && has_headline && sl_byline_read(line->text, &name))
            *line = (struct sl_7901_line){ name, SL_7901_BYLINE };
        has_headline |= line->role == SL_7901_TITLE;
    }
}

static bool was_wrapped(struct sl_span line, struct sl_span next)
{
    bool is_next = next.data > line.data + line.len && next.data <= line.data + line.len + 4;
    return is_next && line.len + 1 + sl_span_word(next).len >= WRAP_COLUMN;
}

/* The last title is the headline, with the lines that were wrapped into it; titles above are labels of the take. */
static struct sl_span find_headline(struct sl_7901_text *text)
{
    struct sl_span headline = { NULL, 0 };
    for (uint32_t i = text->line_cnt; i-- > 0;) {
        struct sl_7901_line *line = &text->line[i];
        if (line->role != SL_7901_TITLE)
            continue;
        if (headline.len == 0) {
            headline = line->text;
        } else if (was_wrapped(line->text, headline)) {
            headline = (struct sl_span){ line->text.data, (uint32_t)(headline.data + headline.len - line->text.data) };
        } else {
            line->role = SL_7901_LABEL;
            continue;
        }
        line->role = SL_7901_HEADLINE;
    }
    return headline;
}

/* ---- what labels do ---- */

uint32_t sl_7901_find_explanation(struct sl_span label)
{
    for (uint32_t i = 0; i < label.len; i++) {
        if ((label.data[i] == ':' && i + 2 < label.len) || (i + 2 < label.len && memcmp(label.data + i, " - ", 3) == 0))
            return i;
    }
    return label.len;
}

/* Only a label's own words count: "(Berichtigung: Streichung im dritten Satz)" kills nothing. */
static void weigh_label(struct sl_7901_text *text, struct sl_span label)
{
    uint32_t len = sl_7901_find_explanation(label);
    sl_story_note_label(&text->wire->story, sl_span_head(label, len));
    struct sl_span rest = sl_span_skip(label, len);
    if (rest.len != 0 && rest.data[0] != ':')
        rest = sl_span_head(rest, 3 + sl_7901_find_explanation(sl_span_skip(rest, rest.len < 3 ? rest.len : 3)));
    if (sl_story_is_label(&text->wire->story, rest))
        sl_story_note_label(&text->wire->story, rest);
}

static void say_head(struct sl_7901_text *text)
{
    struct sl_7901 *wire = text->wire;
    struct sl_out *out = wire->story.out;
    struct sl_span headline = find_headline(text);
    sl_out_open(out);
    for (uint32_t i = 0; i < text->line_cnt; i++) {
        if (text->line[i].role != SL_7901_LABEL)
            continue;
        if (sl_out_opened(out).len != 0)
            sl_out_putc(out, ' ');
        sl_text_put_line(out, wire->story.charset, text->line[i].text.data, text->line[i].text.len,
                         &wire->story.parse->text);
    }
    sl_out_set(out, SL_TEXT_TAKE, sl_out_close(out));
    for (uint32_t i = 0; i < text->line_cnt; i++) {
        struct sl_7901_line *line = &text->line[i];
        if (line->role == SL_7901_BYLINE) {
            sl_story_say(&wire->story, SL_TEXT_BYLINE, line->text);
        } else if (line->role == SL_7901_SUBTITLE) {
            struct sl_ref none = { 0, 0 }, role = sl_out_ref(out, "sub", 3);
            sl_out_item(out, SL_LIST_HEADLINES, none, role, sl_story_put(&wire->story, line->text), none);
        } else if (line->role == SL_7901_LABEL) {
            weigh_label(text, line->text);
            sl_story_weigh_embargo(&text->wire->story, line->text, true);
        }
    }
    sl_story_say(&wire->story, SL_TEXT_HEADLINE, headline);
    sl_story_weigh_embargo(&text->wire->story, headline, false);
}

/* ---- sign-offs ---- */

/* "dpa wsz jln npr", "dpa kre/su yysw a3 lön mda": the agency and small words. */
static bool is_signoff_words(const struct sl_7901 *wire, struct sl_span line)
{
    struct sl_span agency = sl_span_word(line);
    bool is_source = agency.len == wire->header.source.len && agency.len != 0 &&
                     memcmp(agency.data, wire->header.source.data, agency.len) == 0;
    if (agency.len == line.len || !(is_source || sl_agency_is(agency)))
        return false;
    uint32_t word_len = 0;
    for (uint32_t i = agency.len; i < line.len; i++) {
        uint8_t byte = line.data[i];
        if (byte != ' ' && byte != '/' && !sl_is_digit(byte) && !is_lower(byte))
            return false;
        word_len = byte == ' ' ? 0 : word_len + 1;
        if (word_len > 12)
            return false;
    }
    return true;
}

/* "(SDA/sj)", "(ats afp)", with a backslash where a relay put one; "(Schluss) ab/cd". */
static bool is_signoff_bracket(struct sl_span line)
{
    if (sl_span_starts(line, "(schluss)") || sl_span_starts(line, "(forts.)"))
        return true;
    if (line.len < 5 || line.data[0] != '(' || line.data[line.len - 1] != ')')
        return false;
    struct sl_span word = sl_span_skip(line, 1);
    uint32_t len = 0;
    while (len < word.len && sl_is_letter(word.data[len]))
        len++;
    return sl_agency_is(sl_span_head(word, len));
}

/* "bur-jit/fg": editors' initials. */
static bool is_initials(struct sl_span line)
{
    uint32_t len = 0, slash_cnt = 0;
    for (uint32_t i = 0; i < line.len; i++) {
        bool is_mark = line.data[i] == '/' || line.data[i] == '-';
        if (!is_mark && !is_lower(line.data[i]))
            return false;
        slash_cnt += line.data[i] == '/';
        len = is_mark ? 0 : len + 1;
        if (len > 4)
            return false;
    }
    return slash_cnt != 0;
}

static struct sl_span cut_signoff(const struct sl_7901 *wire, struct sl_span body)
{
    for (unsigned i = 0; i < 2; i++) {
        while (body.len != 0 && (body.data[body.len - 1] <= ' ' || body.data[body.len - 1] == 0x7f))
            body.len--;
        uint32_t start = body.len;
        while (start != 0 && body.data[start - 1] != '\n' && body.data[start - 1] != '\r')
            start--;
        struct sl_span line = sl_span_trim(sl_span_skip(body, start));
        if (start == 0 || line.len > SIGNOFF_MAX)
            break;
        if (!is_signoff_words(wire, line) && !is_signoff_bracket(line) && !is_initials(line))
            break;
        body.len = start;
    }
    return body;
}

/* ---- the body ---- */

bool sl_7901_starts_notebook(struct sl_span line)
{
    line = sl_span_trim(line);
    if (line.len == 0)
        return false;
    if (line.data[0] == '#')
        return line.len > 2 && !sl_is_digit(line.data[1]);
    if (line.data[0] == '*')
        return sl_span_is(line, "* * * *") || sl_span_is(line, "****") || sl_span_is(line, "* * *");
    /* The first letters of what sl_says_private knows: most lines are done here. */
    switch (line.data[0] | 0x20) {
    case 't':
    case 'd':
    case 'n':
    case 'l':
    case '(':
        return sl_says_private(line);
    default:
        return false;
    }
}

/* "| 1. | Harbour FC | 6 |": a row whose columns the sender drew. */
static bool is_drawn_row(struct sl_span line)
{
    line = sl_span_trim(line);
    return line.len > 2 && line.data[0] == '|' && line.data[line.len - 1] == '|';
}

static void put_drawn_row(struct sl_7901 *wire, struct sl_span row, bool follows_row)
{
    struct sl_span rest = sl_span_skip(sl_span_trim(row), 1);
    if (sl_out_opened(wire->story.out).len != 0)
        sl_out_put(wire->story.out, "\n\n", follows_row ? 1 : 2);
    for (bool is_first = true; rest.len != 0; is_first = false) {
        const uint8_t *bar = memchr(rest.data, '|', rest.len); /* the row ends with one */
        uint32_t len = (uint32_t)(bar - rest.data);
        if (!is_first)
            sl_out_putc(wire->story.out, '\t');
        sl_text_put_line(wire->story.out, wire->story.charset, rest.data, len, &wire->story.parse->text);
        rest = sl_span_skip(rest, len + 1);
    }
}

static void say_body(struct sl_7901_text *text)
{
    struct sl_7901 *wire = text->wire;
    struct sl_span body = cut_signoff(wire, text->body);
    struct sl_para para;
    struct sl_lines lines;
    struct sl_line line;
    bool follows_row = false;
    sl_lines_begin(&lines, sl_story_take_dateline(&wire->story, wire->header.source, body));
    sl_out_open(wire->story.out);
    sl_para_begin(&para, wire->story.out, wire->story.charset, &wire->story.parse->text);
    while (sl_lines_next(&lines, &line)) {
        if (sl_7901_starts_notebook(line.words)) {
            const uint8_t *start = line.whole.data;
            text->notebook = (struct sl_span){ start, (uint32_t)(lines.rest.data + lines.rest.len - start) };
            break;
        }
        bool is_row = is_drawn_row(line.words);
        if (is_row) {
            sl_para_break(&para);
            put_drawn_row(wire, line.words, follows_row);
        } else {
            sl_para_looked_at(&para, line.words, line.look, line.is_indented);
        }
        follows_row = is_row;
    }
    sl_para_end(&para);
    sl_out_set(wire->story.out, SL_TEXT_BODY, sl_out_close(wire->story.out));
}

/* ---- what kind of message ---- */

void sl_7901_say_text(struct sl_7901 *wire)
{
    struct sl_7901_text text = { .wire = wire };
    if (!read_closed_head(&text, wire->text))
        read_open_head(&text);
    find_bylines(&text);
    say_head(&text);
    say_body(&text);
    sl_7901_say_notes(&text);
    /* What editors are told stands at the start, and not in the notebook's private part. */
    struct sl_span start = sl_span_head(wire->text, LOOK_MAX);
    if (text.notebook.len != 0 && text.notebook.data < start.data + start.len)
        start.len = (uint32_t)(text.notebook.data - start.data);
    sl_7901_weigh_prose(wire, start);
    sl_7901_say_references(wire, start);
    sl_story_weigh_test(&wire->story);
    sl_story_say_kind(&wire->story);
}
