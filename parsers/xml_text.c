/* What stands in a document, decoded: references, line ends, values; and names to the format's numbers. */
#include "parsers/xml.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/xml_chars.h"
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

/* ---- names ---- */

/* One bit for each of the 64 tags that is the wanted one. */
static inline uint64_t match_tags(const uint8_t *tags, uint8_t tag)
{
    uint64_t bits = 0;
#if defined(__x86_64__)
    const __m128i wanted = _mm_set1_epi8((char)tag);
    for (uint32_t i = 0; i < SL_XML_TAGS; i += 16) {
        __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(tags + i)), wanted);
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(same) << i;
    }
#else
    for (uint32_t i = 0; i < SL_XML_TAGS; i++)
        bits |= (uint64_t)(tags[i] == tag) << i;
#endif
    return bits;
}

unsigned sl_xml_id(const struct sl_xml_names *names, struct sl_span name)
{
    if (name.len == 0)
        return 0;
    uint8_t tag = SL_XML_TAG_OF(name.data[0], name.data[name.len / 2], name.data[name.len - 1], name.len);
    for (uint32_t block = 0; block < names->cnt; block += SL_XML_TAGS) {
        uint64_t bits = match_tags(names->tags + block, tag);
        for (; bits != 0; bits &= bits - 1) {
            uint32_t i = block + (uint32_t)__builtin_ctzll(bits);
            if (i < names->cnt && names->known[i].len == name.len &&
                sl_xml_same((const uint8_t *)names->known[i].text, name.data, name.len))
                return i + 1;
        }
    }
    return 0;
}

/* ---- references ---- */

static uint32_t digit_of(uint8_t byte, uint32_t base)
{
    if (sl_is_digit(byte))
        return byte - '0';
    byte = sl_lower(byte);
    return base == 16 && byte >= 'a' && byte <= 'f' ? byte - 'a' + 10u : base;
}

static uint32_t numbered(struct sl_span rest, uint32_t *character)
{
    bool is_hex = rest.len > 2 && rest.data[2] == 'x';
    uint32_t base = is_hex ? 16 : 10, from = is_hex ? 3 : 2, i = from;
    *character = 0;
    for (; i < rest.len && digit_of(rest.data[i], base) < base; i++) {
        *character = *character * base + digit_of(rest.data[i], base);
        if (*character > 0x10ffff)
            return 0;
    }
    return i != from && i < rest.len && rest.data[i] == ';' && sl_xml_is_char(*character) ? i + 1 : 0;
}

uint32_t sl_xml_reference(struct sl_span rest, uint32_t *character)
{
    static const struct {
        const char *text;
        uint8_t len, character;
    } entities[] = {
        {"&amp;",   5, '&' },
        { "&lt;",   4, '<' },
        { "&gt;",   4, '>' },
        { "&quot;", 6, '"' },
        { "&apos;", 6, '\''},
    };
    if (rest.len > 2 && rest.data[1] == '#')
        return numbered(rest, character);
    for (uint32_t i = 0; i < sizeof(entities) / sizeof(*entities); i++) {
        if (rest.len >= entities[i].len && memcmp(rest.data, entities[i].text, entities[i].len) == 0) {
            *character = entities[i].character;
            return entities[i].len;
        }
    }
    return 0;
}

/* ---- pieces ---- */

struct sl_xml_pieces sl_xml_pieces_of_text(const struct sl_xml *xml)
{
    return (struct sl_xml_pieces){ .rest = xml->text, .marks = xml->marks };
}

struct sl_xml_pieces sl_xml_pieces_of_value(const struct sl_xml_attr *attr)
{
    return (struct sl_xml_pieces){ .rest = attr->value, .marks = attr->marks, .is_value = true };
}

/* A byte that does not stand for itself. */
static bool is_special(const struct sl_xml_pieces *pieces, uint8_t byte)
{
    if (byte == '&')
        return (pieces->marks & SL_XML_HAS_REF) != 0;
    return byte == '\r' || (pieces->is_value && (byte == '\n' || byte == '\t'));
}

bool sl_xml_piece(struct sl_xml_pieces *pieces, struct sl_span *piece)
{
    struct sl_span rest = pieces->rest;
    uint32_t len = pieces->marks & ~SL_XML_IS_CDATA ? 0 : rest.len, character;
    pieces->is_ref = false;
    while (len < rest.len && !is_special(pieces, rest.data[len]))
        len++;
    if (len != 0 || rest.len == 0) {
        *piece = sl_span_head(rest, len);
        pieces->rest = sl_span_skip(rest, len);
        return len != 0;
    }
    if (rest.data[0] == '&') {
        pieces->is_ref = true;
        len = sl_xml_reference(rest, &character);
        if (len == 0) { /* not of a scanner's event */
            pieces->rest.len = 0;
            return false;
        }
        *piece = (struct sl_span){ pieces->utf8, sl_xml_encode(pieces->utf8, character) };
    } else {
        len = rest.data[0] == '\r' && rest.len > 1 && rest.data[1] == '\n' ? 2 : 1;
        *piece = (struct sl_span){ (const uint8_t *)(pieces->is_value ? " " : "\n"), 1 };
    }
    pieces->rest = sl_span_skip(rest, len);
    return true;
}

static void put_pieces(const struct sl_xml *xml, struct sl_out *out, struct sl_xml_pieces pieces)
{
    struct sl_span piece;
    struct sl_text_stats *stats = &xml->parse->text;
    while (sl_xml_piece(&pieces, &piece))
        sl_text_put(out, pieces.is_ref ? SL_CHARSET_UTF8 : xml->charset, piece.data, piece.len, stats);
}

void sl_xml_put(const struct sl_xml *xml, struct sl_out *out) { put_pieces(xml, out, sl_xml_pieces_of_text(xml)); }

void sl_xml_put_value(const struct sl_xml *xml, struct sl_out *out, const struct sl_xml_attr *attr)
{
    put_pieces(xml, out, sl_xml_pieces_of_value(attr));
}

/* ---- whole elements and values ---- */

enum sl_xml_event sl_xml_skip_to(struct sl_xml *xml, uint32_t depth)
{
    while (xml->event != SL_XML_ERROR && (xml->depth > depth || (xml->depth == depth && xml->event != SL_XML_END)))
        sl_xml_next_tag(xml);
    return xml->event;
}

enum sl_xml_event sl_xml_inner(struct sl_xml *xml, struct sl_span *inner)
{
    uint32_t from = xml->end;
    enum sl_xml_event event = sl_xml_skip(xml);
    *inner = (struct sl_span){ xml->data + from, event == SL_XML_END && xml->off > from ? xml->off - from : 0 };
    return event;
}

/* What is left of the element at that depth. */
static enum sl_xml_event put_inner(struct sl_xml *xml, struct sl_out *out, uint32_t depth)
{
    while (xml->event != SL_XML_ERROR && !(xml->event == SL_XML_END && xml->depth == depth)) {
        if (sl_xml_next(xml) == SL_XML_TEXT)
            sl_xml_put(xml, out);
    }
    return xml->event;
}

enum sl_xml_event sl_xml_put_inner(struct sl_xml *xml, struct sl_out *out) { return put_inner(xml, out, xml->depth); }

/* Nothing in it stands for something else: it can be put and folded in one go. */
static bool is_literal(uint32_t marks) { return (marks & ~SL_XML_IS_CDATA) == 0; }

/* Of the document. */
static void put_line(const struct sl_xml *xml, struct sl_out *out, struct sl_span line)
{
    sl_text_put_line_within(out, xml->charset, line, sl_xml_readable(xml, line), &xml->parse->text);
}

/* Most elements hold one text and nothing else. */
enum sl_xml_event sl_xml_line(struct sl_xml *xml, struct sl_out *out, struct sl_ref *ref)
{
    uint32_t depth = xml->depth;
    sl_out_open(out);
    bool has_text = sl_xml_next(xml) == SL_XML_TEXT, is_one = has_text && is_literal(xml->marks);
    struct sl_xml_pieces pieces = sl_xml_pieces_of_text(xml);
    enum sl_xml_event event = is_one ? sl_xml_next(xml) : xml->event;
    if (is_one && event == SL_XML_END && xml->depth == depth) {
        put_line(xml, out, pieces.rest);
        *ref = sl_out_close(out);
        return event;
    }
    if (has_text)
        put_pieces(xml, out, pieces);
    if (is_one && event == SL_XML_TEXT)
        sl_xml_put(xml, out);
    event = put_inner(xml, out, depth);
    sl_text_fold(out, 0);
    *ref = sl_out_close(out);
    return event;
}

struct sl_ref sl_xml_value_line(const struct sl_xml *xml, struct sl_out *out, const struct sl_xml_attr *attr)
{
    if (!attr || attr->value.len == 0)
        return (struct sl_ref){ 0, 0 };
    sl_out_open(out);
    if (is_literal(attr->marks)) {
        put_line(xml, out, attr->value);
    } else {
        sl_xml_put_value(xml, out, attr);
        sl_text_fold(out, 0);
    }
    return sl_out_close(out);
}

struct sl_span sl_xml_ns_uri(const struct sl_xml *xml)
{
    const struct sl_xml_binding *binding = sl_xml_binding_of(xml, &xml->open[xml->depth]);
    return binding ? binding->uri : (struct sl_span){ NULL, 0 };
}

const struct sl_xml_attr *sl_xml_attr_named(const struct sl_xml *xml, const char *name, size_t len)
{
    for (uint32_t i = 0; i < xml->attr_cnt; i++) {
        struct sl_span found = xml->attrs[i].name;
        if (found.len == len && sl_xml_same(found.data, (const uint8_t *)name, found.len))
            return &xml->attrs[i];
    }
    return NULL;
}

const struct sl_xml_attr *sl_xml_attr_local(const struct sl_xml *xml, const char *local)
{
    const struct sl_xml_attr *attr = sl_xml_attr(xml, local);
    for (uint32_t i = 0; !attr && i < xml->attr_cnt; i++) {
        uint32_t prefix_len = xml->attrs[i].prefix_len;
        if (prefix_len != 0 && sl_xml_is(sl_span_skip(xml->attrs[i].name, prefix_len + 1), local))
            attr = &xml->attrs[i];
    }
    return attr;
}

enum sl_xml_ns sl_xml_attr_ns(const struct sl_xml *xml, const struct sl_xml_attr *attr)
{
    if (attr->prefix_len == 0)
        return SL_XML_NS_NONE;
    struct sl_span prefix = sl_span_head(attr->name, attr->prefix_len);
    const struct sl_xml_binding *binding = sl_xml_find_binding(xml, prefix);
    if (binding)
        return binding->ns;
    return sl_xml_is(prefix, "xmlns") ? SL_XML_NS_XMLNS : SL_XML_NS_UNDECLARED;
}

void sl_xml_say_charset(const struct sl_xml *xml, struct sl_out *out)
{
    const char *name = sl_charset_name(xml->was_utf16 ? xml->sent_charset : xml->charset);
    sl_out_text(out, SL_TEXT_SOURCE_CHARSET, name, (uint32_t)strlen(name));
    if (xml->was_utf16 || xml->label == SL_CHARSET_UNKNOWN || xml->label == xml->charset)
        return;
    if (sl_ascii_prefix(xml->data, xml->len) != xml->len)
        sl_out_note(out, "the declaration names an encoding that the document is not in");
}
