/* parsers/newsmlg2_content.c - NewsML-G2's contentSet and groupSet: the body, and what is elsewhere. */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/newsmlg2.h"

#define HEADLINE_MAX  240u /* of a body's first paragraph, where there is no headline */
#define BYLINE_MAX    120u
#define LINES_WRAPPED 100u /* a text with longer lines is not hard-wrapped */

static const struct sl_ref none;

static struct sl_ref value_of(struct sl_g2 *g2, const char *name)
{
    return sl_xml_value_line(g2->xml, g2->out, sl_xml_attr(g2->xml, name));
}

static void take_word_cnt(struct sl_g2 *g2)
{
    struct sl_span digits = sl_span_trim(sl_xml_value(g2->xml, "wordcount"));
    struct sl_bulletin *root = sl_out_root(g2->out);
    if (root->word_cnt == 0 && digits.len < 9 && sl_span_digits(digits) == digits.len)
        root->word_cnt = (uint32_t)sl_story_number(digits);
}

/* The first body is the main one; another in another language stands beside it, and the same one again is not said. */
static void say_body(struct sl_g2 *g2, struct sl_ref language, struct sl_ref body)
{
    if (body.len == 0)
        return;
    if (sl_out_get(g2->out, SL_TEXT_BODY).len == 0)
        sl_out_set(g2->out, SL_TEXT_BODY, body);
    else if (language.len != 0)
        sl_out_item(g2->out, SL_LIST_BODIES, language, none, body, none);
}

/* ---- inlineXML ---- */

static bool is_in_capitals(struct sl_span name)
{
    for (uint32_t i = 0; i < name.len; i++) {
        if (!sl_is_upper(name.data[i]))
            return false;
    }
    return name.len >= 3;
}

/* Agencies' own elements are written in capitals, and are blocks; what else is unknown is inline. */
static enum sl_markup_role role_of(struct sl_xml *xml)
{
    enum sl_markup_role role = sl_markup_role_xml(xml);
    return role == SL_MARKUP_UNKNOWN && is_in_capitals(sl_xml_local(xml)) ? SL_MARKUP_BLOCK : role;
}

/* Pictures, bylines and datelines of agencies' own markup: noted, to be said when the body is closed.  To the END. */
static enum sl_xml_event note_aside(struct sl_g2 *g2)
{
    struct sl_xml *xml = g2->xml;
    uint32_t depth = xml->depth;
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_ERROR || event == SL_XML_DONE || (event == SL_XML_END && xml->depth == depth))
            return event;
        if (event != SL_XML_TEXT || sl_span_trim(xml->text).len == 0)
            continue;
        struct sl_xml_pieces pieces = sl_xml_pieces_of_text(xml);
        if (xml->id == SL_G2_BILDFIL && g2->picture_cnt < SL_G2_PICTURES_MAX)
            g2->picture[g2->picture_cnt++] = pieces;
        else if (xml->id == SL_G2_AGENCY_BYLINE && g2->byline.rest.len == 0)
            g2->byline = pieces;
        else if (xml->id == SL_G2_ORT && g2->dateline.rest.len == 0)
            g2->dateline = pieces;
    }
}

/* What is marked as not for publication, or says what the metadata say. */
static bool is_closed(const struct sl_xml *xml)
{
    uint32_t off;
    if (sl_span_is(sl_xml_local(xml), "header") || sl_span_is(sl_xml_local(xml), "footer") ||
        sl_span_is(sl_xml_local(xml), "nav"))
        return true;
    struct sl_span class = xml->attr_cnt != 0 ? sl_xml_value(xml, "class") : (struct sl_span){ NULL, 0 };
    return class.len != 0 && (sl_span_find(class, "nonpublic", &off) || sl_span_find(class, "closingline", &off));
}

/* Reuters' paragraphs may hold a whole story as a terminal had it. */
static void put_text(struct sl_markup *markup, const struct sl_xml *xml)
{
    markup->is_typed = markup->pre_cnt == 0 && sl_markup_is_typed(xml->text);
    sl_markup_text_xml(markup, xml);
    if (!markup->is_typed)
        return;
    markup->is_typed = markup->is_row = false;
    if (markup->newline_cnt != 0 || markup->blank_cnt != 0)
        sl_markup_text(markup, (const uint8_t *)" ", 1);
    markup->newline_cnt = markup->blank_cnt = 0;
}

static enum sl_xml_event put_inline(struct sl_g2 *g2, struct sl_markup *markup, uint32_t depth)
{
    struct sl_xml *xml = g2->xml;
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_TEXT) {
            put_text(markup, xml);
            continue;
        }
        if (event != SL_XML_START && (event != SL_XML_END || xml->depth == depth))
            return event;
        enum sl_markup_role role = role_of(xml);
        if (event == SL_XML_END) {
            sl_markup_close(markup, role);
            continue;
        }
        if (xml->id == SL_G2_BILD || xml->id == SL_G2_AGENCY_BYLINE || xml->id == SL_G2_DAT)
            event = note_aside(g2);
        else if (role == SL_MARKUP_HIDDEN || role == SL_MARKUP_RAW || is_closed(xml))
            event = sl_xml_skip(xml);
        else
            sl_markup_open(markup, role);
        if (event == SL_XML_ERROR)
            return event;
    }
}

static struct sl_ref put_pieces(struct sl_g2 *g2, struct sl_xml_pieces pieces)
{
    struct sl_out *out = g2->out;
    struct sl_span piece;
    sl_out_open(out);
    while (sl_xml_piece(&pieces, &piece))
        sl_text_put(out, pieces.is_ref ? SL_CHARSET_UTF8 : g2->xml->charset, piece.data, piece.len, &g2->parse->text);
    sl_text_fold(out, 0);
    return sl_out_close(out);
}

static void say_asides(struct sl_g2 *g2)
{
    for (uint32_t i = 0; i < g2->picture_cnt; i++)
        sl_out_item(g2->out, SL_LIST_ASSOCIATIONS, sl_out_ref(g2->out, "picture", 7), none,
                    put_pieces(g2, g2->picture[i]), none);
    if (g2->byline.rest.len != 0)
        sl_standing_say(g2->out, SL_TEXT_BYLINE, put_pieces(g2, g2->byline));
    if (g2->dateline.rest.len != 0) {
        struct sl_ref place = put_pieces(g2, g2->dateline);
        sl_standing_say(g2->out, SL_TEXT_DATELINE, place);
        sl_standing_say(g2->out, SL_TEXT_DATELINE_PLACE, place);
    }
    g2->picture_cnt = 0;
    g2->byline.rest.len = g2->dateline.rest.len = 0;
}

static enum sl_xml_event take_nitf(struct sl_g2 *g2)
{
    if (!g2->has_nitf)
        sl_nitf_begin(&g2->nitf, g2->xml, &g2->story, true);
    g2->has_nitf = true;
    return sl_nitf_read(&g2->nitf);
}

static enum sl_xml_event take_markup(struct sl_g2 *g2, struct sl_ref language, uint32_t depth)
{
    struct sl_out *out = g2->out;
    struct sl_markup markup;
    enum sl_markup_role role = role_of(g2->xml);
    sl_out_open(out);
    sl_markup_begin_xml(&markup, out, g2->xml);
    if (role != SL_MARKUP_HIDDEN && role != SL_MARKUP_RAW)
        sl_markup_open(&markup, role);
    enum sl_xml_event event = put_inline(g2, &markup, depth);
    sl_markup_end(&markup);
    sl_standing_cut_signoff(out, sl_out_get(out, SL_TEXT_PROVIDER));
    say_body(g2, language, sl_out_close(out));
    say_asides(g2);
    return event;
}

enum sl_xml_event sl_g2_take_inline_xml(struct sl_g2 *g2)
{
    struct sl_xml *xml = g2->xml;
    uint32_t depth = xml->depth;
    take_word_cnt(g2);
    struct sl_ref language = value_of(g2, "xml:lang");
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_START && (xml->id == SL_NITF_NITF || xml->id == SL_NITF_BODY_CONTENT))
            event = take_nitf(g2);
        else if (event == SL_XML_START)
            event = take_markup(g2, language, depth);
        if (event == SL_XML_ERROR || event == SL_XML_DONE || (event == SL_XML_END && xml->depth == depth))
            return event;
    }
}

/* ---- inlineData ---- */

static bool is_wrapped(struct sl_span text)
{
    struct sl_span line;
    while (sl_line_next(&text, &line)) {
        if (line.len > LINES_WRAPPED)
            return false;
    }
    return true;
}

static void put_plain(struct sl_g2 *g2, struct sl_span text)
{
    struct sl_para para;
    struct sl_span line;
    sl_para_begin(&para, g2->out, SL_CHARSET_UTF8, &g2->parse->text);
    para.keep_lines = !is_wrapped(text);
    while (sl_line_next(&text, &line))
        sl_para_line(&para, line);
    sl_para_end(&para);
}

/* The data as the container's escaping hides it: text, HTML, HTML escaped once more, or a document of NITF. */
static void put_data(struct sl_g2 *g2, uint8_t *data, uint32_t len)
{
    struct sl_span text = { data, len };
    if (sl_html_is_escaped(text))
        text.len = sl_html_unescape(data, text);
    if (sl_html_is_markup(text))
        sl_html_put_body(g2->out, SL_CHARSET_UTF8, text, &g2->parse->text);
    else
        put_plain(g2, text);
}

enum sl_xml_event sl_g2_take_inline_data(struct sl_g2 *g2)
{
    struct sl_out *out = g2->out;
    struct sl_parse *parse = g2->parse;
    char name[SL_XML_ROOT_MAX];
    uint32_t used = parse->scratch.used, off;
    take_word_cnt(g2);
    struct sl_ref language = value_of(g2, "xml:lang");
    sl_out_open(out);
    enum sl_xml_event event = sl_xml_put_inner(g2->xml, out);
    struct sl_slice inner = sl_out_opened(out);
    uint8_t *data = inner.len != 0 ? sl_scratch_take(parse, inner.len) : NULL;
    if (data) {
        memcpy(data, inner.data, inner.len);
        sl_out_cut(out, 0);
    } else if (inner.len != 0) {
        sl_out_note(out, "a body that is larger than what there is room for stands as it came");
    }
    uint32_t name_len = data ? sl_xml_root(data, inner.len, name, &off) : 0;
    if (name_len == 4 && memcmp(name, "nitf", 4) == 0) {
        sl_out_close(out);
        if (!sl_nitf_read_string(parse, &g2->story, (struct sl_span){ data, inner.len }))
            sl_out_note(out, "the NITF document inside is broken");
    } else {
        if (data)
            put_data(g2, data, inner.len);
        sl_standing_cut_signoff(out, sl_out_get(out, SL_TEXT_PROVIDER));
        say_body(g2, language, sl_out_close(out));
    }
    parse->scratch.used = used;
    return event;
}

/* ---- what is elsewhere ---- */

static enum sl_xml_event say_association(struct sl_g2 *g2, struct sl_ref rel)
{
    struct sl_ref id = value_of(g2, "residref"), href = value_of(g2, "href");
    if (id.len == 0)
        id = value_of(g2, "guidref");
    if (id.len != 0 || href.len != 0)
        sl_out_item(g2->out, SL_LIST_ASSOCIATIONS, rel, id, href, value_of(g2, "contenttype"));
    return sl_xml_skip(g2->xml);
}

enum sl_xml_event sl_g2_take_remote(struct sl_g2 *g2) { return say_association(g2, value_of(g2, "rendition")); }

enum sl_xml_event sl_g2_take_item_ref(struct sl_g2 *g2) { return say_association(g2, sl_out_ref(g2->out, "item", 4)); }

/* ---- what the body says ---- */

/* The first paragraph, and the length up to the second one. */
static struct sl_span first_paragraph(struct sl_slice body, uint32_t *next)
{
    struct sl_span text = sl_span_of(body);
    const uint8_t *gap = sl_span_first(text, '\n'), *end = text.data + text.len;
    while (gap && (gap + 1 == end || gap[1] != '\n')) /* nearly all line ends of a body are paragraphs' */
        gap = memchr(gap + 1, '\n', (size_t)(end - gap - 1));
    struct sl_span paragraph = gap ? sl_span_head(text, (uint32_t)(gap - text.data)) : text;
    *next = paragraph.len + (gap ? 2 : 0);
    return paragraph;
}

static bool is_same(struct sl_span a, struct sl_slice b)
{
    return a.len != 0 && a.len == b.len && memcmp(a.data, b.data, b.len) == 0;
}

/* Headline and genre that the body repeats before it begins. */
static void cut_repeated(struct sl_g2 *g2)
{
    struct sl_bulletin *root = sl_out_root(g2->out);
    struct sl_ref *body = &root->text[SL_TEXT_BODY];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t next;
        struct sl_span first = first_paragraph(sl_out_get(g2->out, SL_TEXT_BODY), &next);
        bool is_repeated =
            is_same(first, sl_out_get(g2->out, SL_TEXT_HEADLINE)) || is_same(first, sl_bulletin_ref(root, g2->genre));
        if (!is_repeated || next >= body->len)
            return;
        *body = (struct sl_ref){ body->off + next, body->len - next };
    }
}

/* "By NAME" as a paragraph among the first. */
static void find_byline(struct sl_g2 *g2)
{
    struct sl_ref rest = sl_out_root(g2->out)->text[SL_TEXT_BODY];
    for (unsigned i = 0; i < 3 && rest.len != 0; i++) {
        uint32_t next;
        struct sl_span name, first = first_paragraph(sl_bulletin_ref(sl_out_root(g2->out), rest), &next);
        if (first.len <= BYLINE_MAX && sl_byline_read(first, &name)) {
            sl_standing_say(g2->out, SL_TEXT_BYLINE, (struct sl_ref){ rest.off, first.len });
            return;
        }
        rest = (struct sl_ref){ rest.off + next, rest.len - next };
    }
}

void sl_g2_finish_body(struct sl_g2 *g2)
{
    struct sl_out *out = g2->out;
    uint32_t next;
    sl_standing_say(out, SL_TEXT_HEADLINE, g2->first_headline);
    sl_standing_say(out, SL_TEXT_HEADLINE, g2->title);
    struct sl_span first = first_paragraph(sl_out_get(out, SL_TEXT_BODY), &next);
    if (first.len != 0 && first.len <= HEADLINE_MAX && !memchr(first.data, '\n', first.len))
        sl_standing_say(out, SL_TEXT_HEADLINE, (struct sl_ref){ sl_out_root(out)->text[SL_TEXT_BODY].off, first.len });
    cut_repeated(g2);
    find_byline(g2);
    sl_standing_dateline(&g2->story);
}
