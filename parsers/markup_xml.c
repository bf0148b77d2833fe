#include "parsers/markup_xml.h"
#include <string.h>
#include "parsers/ascii.h"

#define ROOT_LOOK 4096u /* of a message, for its root */

void sl_markup_begin_xml(struct sl_markup *markup, struct sl_out *out, const struct sl_xml *xml)
{
    sl_markup_begin(markup, out, xml->charset, xml->charset == SL_CHARSET_UTF8, &xml->parse->text);
}

enum sl_markup_role sl_markup_role_xml(struct sl_xml *xml)
{
    struct sl_xml_open *open = &xml->open[xml->depth];
    if (xml->event == SL_XML_START)
        open->role = (uint8_t)sl_markup_role(sl_xml_local(xml).data, sl_xml_local(xml).len);
    return (enum sl_markup_role)open->role;
}

void sl_markup_text_xml(struct sl_markup *markup, const struct sl_xml *xml)
{
    if ((xml->marks & SL_XML_HAS_REF) == 0) {
        sl_markup_text_within(markup, xml->text, sl_xml_readable(xml, xml->text));
        return;
    }
    struct sl_xml_pieces pieces = sl_xml_pieces_of_text(xml);
    struct sl_span piece;
    while (sl_xml_piece(&pieces, &piece)) {
        if (pieces.is_ref)
            sl_markup_reference(markup, piece.data, piece.len);
        else
            sl_markup_text(markup, piece.data, piece.len);
    }
}

enum sl_xml_event sl_markup_inner_xml(struct sl_markup *markup, struct sl_xml *xml)
{
    uint32_t depth = xml->depth;
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_TEXT) {
            sl_markup_text_xml(markup, xml);
            continue;
        }
        if (event != SL_XML_START && (event != SL_XML_END || xml->depth == depth))
            return event;
        enum sl_markup_role role = sl_markup_role_xml(xml);
        if (event == SL_XML_END)
            sl_markup_close(markup, role);
        else if (role != SL_MARKUP_HIDDEN && role != SL_MARKUP_RAW)
            sl_markup_open(markup, role);
        else if (sl_xml_skip(xml) == SL_XML_ERROR)
            return SL_XML_ERROR;
    }
}

/* ---- the root, before anything is scanned ---- */

/* Length up to the end of what begins here; 0: it does not end. */
static uint32_t find_end(struct sl_span at, const char *end)
{
    const uint8_t *found = memmem(at.data, at.len, end, strlen(end));
    return found ? (uint32_t)(found - at.data) + (uint32_t)strlen(end) : 0;
}

/* A declaration, whose brackets may hold other ones, comments and quotes. */
static uint32_t skip_declaration(struct sl_span at)
{
    uint32_t depth = 0, len;
    for (uint32_t i = 0; i < at.len; i += len) {
        struct sl_span here = sl_span_skip(at, i);
        uint8_t byte = here.data[0];
        len = 1;
        if (sl_span_starts(here, "<!--"))
            len = find_end(here, "-->");
        else if (byte == '"' || byte == '\'')
            len = 1 + find_end(sl_span_skip(here, 1), byte == '"' ? "\"" : "'");
        else if (byte == '[' || byte == '<')
            depth++;
        else if (byte == ']' || byte == '>')
            depth -= depth != 0;
        if (depth == 0)
            return i + 1;
        if (len == 0)
            return 0;
    }
    return 0;
}

/* Behind a comment, an instruction or a declaration; 0: it does not end here. */
static uint32_t skip_prolog(struct sl_span at)
{
    if (sl_span_starts(at, "<!--"))
        return find_end(at, "-->");
    return at.data[1] == '?' ? find_end(at, "?>") : skip_declaration(at);
}

static uint32_t read_root(struct sl_span text, char name[SL_XML_ROOT_MAX], uint32_t *off)
{
    const uint8_t *start = text.data;
    if (sl_span_starts(text, "\xef\xbb\xbf"))
        text = sl_span_skip(text, 3);
    for (text = sl_span_skip_white(text); text.len > 1 && text.data[0] == '<'; text = sl_span_skip_white(text)) {
        if (text.data[1] == '!' || text.data[1] == '?') {
            uint32_t len = skip_prolog(text);
            if (len == 0)
                return 0;
            text = sl_span_skip(text, len);
            continue;
        }
        uint32_t len = 0;
        struct sl_span tag = sl_span_skip(text, 1);
        while (len < tag.len && !sl_is_white(tag.data[len]) && tag.data[len] != '>' && tag.data[len] != '/')
            len++;
        const uint8_t *colon = memrchr(tag.data, ':', len);
        uint32_t prefix = colon ? (uint32_t)(colon - tag.data) + 1 : 0;
        if (len == tag.len || len - prefix >= SL_XML_ROOT_MAX)
            return 0;
        memcpy(name, tag.data + prefix, len - prefix);
        *off = (uint32_t)(text.data - start);
        return len - prefix;
    }
    return 0;
}

uint32_t sl_xml_root(const uint8_t *data, uint32_t len, char name[SL_XML_ROOT_MAX], uint32_t *off)
{
    struct sl_span text = sl_span_head((struct sl_span){ data, len }, ROOT_LOOK);
    uint8_t narrow[ROOT_LOOK / 2];
    bool is_utf16 = len > 3 && ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == 0xfe && data[1] == 0xff) ||
                                (data[0] == '<' && data[1] == 0) || (data[0] == 0 && data[1] == '<'));
    if (!is_utf16)
        return read_root(text, name, off);
    uint32_t low = data[0] == 0xff || data[0] == '<' ? 0 : 1, cnt = 0;
    for (uint32_t i = data[0] >= 0xfe ? 2 : 0; i + 1 < text.len; i += 2)
        narrow[cnt++] = text.data[i + low];
    uint32_t name_len = read_root((struct sl_span){ narrow, cnt }, name, off);
    *off = 0;
    return name_len;
}

int sl_xml_recognize(const uint8_t *data, uint32_t len, const struct sl_xml_root_score *roots)
{
    char name[SL_XML_ROOT_MAX];
    uint32_t off, name_len = sl_xml_root(data, len, name, &off);
    for (; roots->name; roots++) {
        if (strlen(roots->name) == name_len && memcmp(roots->name, name, name_len) == 0)
            return roots->score;
    }
    return 0;
}
