/* Where a document's characters are settled, before the first is read. */
#include "parsers/xml.h"
#include <assert.h>
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/xml_chars.h"

/* A declaration is shorter, and nobody's label stands further in. */
#define LABEL_WITHIN 512u

struct sl_xml *sl_xml_take(struct sl_parse *parse)
{
    return (struct sl_xml *)(void *)sl_scratch_take(parse, sizeof(struct sl_xml));
}

/* ---- what is what ---- */

/* The label in the declaration, read as bytes; UNKNOWN without one. */
static enum sl_charset find_label(struct sl_span span)
{
    span = sl_span_head(sl_span_skip_white(span), LABEL_WITHIN);
    if (span.len < 6 || memcmp(span.data, "<?xml", 5) != 0 || !sl_is_white(span.data[5]))
        return SL_CHARSET_UNKNOWN;
    const uint8_t *end = memchr(span.data, '>', span.len);
    span.len = end ? (uint32_t)(end - span.data) : span.len;
    const uint8_t *found = sl_xml_find(span.data, span.len, "encoding");
    if (!found)
        return SL_CHARSET_UNKNOWN;
    span = sl_span_skip_white(sl_span_skip(span, (uint32_t)(found - span.data) + 8));
    if (span.len == 0 || span.data[0] != '=')
        return SL_CHARSET_UNKNOWN;
    span = sl_span_skip_white(sl_span_skip(span, 1));
    if (span.len == 0 || (span.data[0] != '"' && span.data[0] != '\''))
        return SL_CHARSET_UNKNOWN;
    end = memchr(span.data + 1, span.data[0], span.len - 1);
    return end ? sl_charset_named((const char *)span.data + 1, (size_t)(end - span.data - 1)) : SL_CHARSET_UNKNOWN;
}

/* UTF-16 without a mark shows its first character, < or a blank, with a NUL beside it. */
static enum sl_charset look_for_utf16(struct sl_span span)
{
    if (span.len < 2)
        return SL_CHARSET_UNKNOWN;
    const uint8_t *data = span.data;
    if ((data[0] == 0xff && data[1] == 0xfe) || (data[1] == 0 && (data[0] == '<' || sl_is_white(data[0]))))
        return SL_CHARSET_UTF16LE;
    if ((data[0] == 0xfe && data[1] == 0xff) || (data[0] == 0 && (data[1] == '<' || sl_is_white(data[1]))))
        return SL_CHARSET_UTF16BE;
    return SL_CHARSET_UNKNOWN;
}

static bool is_bytewise(enum sl_charset charset) { return !sl_charset_is_wide(charset); }

/* ---- UTF-16 to UTF-8 ---- */

struct units {
    const uint8_t *data;
    uint32_t len;
    bool is_big;
};

static uint32_t unit_at(const struct units *units, uint32_t off)
{
    const uint8_t *unit = units->data + off;
    return units->is_big ? (uint32_t)unit[0] << 8 | unit[1] : (uint32_t)unit[1] << 8 | unit[0];
}

/* The character at off, returns its bytes; 0: half a character. */
static uint32_t character_at(const struct units *units, uint32_t off, uint32_t *character)
{
    if (units->len - off < 2)
        return 0;
    uint32_t lead = unit_at(units, off);
    *character = lead;
    if (lead < 0xd800 || lead >= 0xe000)
        return 2;
    if (lead >= 0xdc00 || units->len - off < 4)
        return 0;
    uint32_t trail = unit_at(units, off + 2);
    if (trail < 0xdc00 || trail >= 0xe000)
        return 0;
    *character = 0x10000 + ((lead - 0xd800) << 10) + (trail - 0xdc00);
    return 4;
}

/* Up to the first that XML does not allow, in whose stead one NUL stands, so that the scanner stops there, too. */
static uint32_t transcode(const struct units *units, uint8_t *utf8)
{
    uint32_t len = 0, character, used;
    for (uint32_t off = 0; off < units->len; off += used) {
        used = character_at(units, off, &character);
        if (used == 0 || !sl_xml_is_char(character)) {
            utf8[len++] = 0;
            break;
        }
        len += sl_xml_encode(utf8 + len, character);
    }
    return len;
}

static bool begin_utf16(struct sl_xml *xml, struct sl_span span, bool is_big)
{
    struct units units = { span.data, span.len, is_big };
    uint8_t *utf8 = span.len < UINT32_MAX / 2 ? sl_scratch_take(xml->parse, span.len / 2 * 3 + 4) : NULL;
    if (!utf8)
        return false;
    xml->was_utf16 = true;
    xml->sent_charset = is_big ? SL_CHARSET_UTF16BE : SL_CHARSET_UTF16LE;
    xml->charset = SL_CHARSET_UTF8;
    xml->len = transcode(&units, utf8);
    xml->data = utf8;
    xml->clean = xml->len != 0 && utf8[xml->len - 1] == 0 ? xml->len - 1 : xml->len;
    return true;
}

/* ---- begin ---- */

static const struct sl_xml_names no_names;

/* Offsets of errors are the message's where the span lies in it. */
static uint32_t origin_of(const struct sl_parse *parse, struct sl_span span)
{
    uintptr_t from = (uintptr_t)parse->data, data = (uintptr_t)span.data;
    return parse->data && data >= from && data <= from + parse->len ? (uint32_t)(data - from) : 0;
}

/* Nearly all documents are UTF-8 from end to end, and one look tells; the others cost a second. */
static void settle_bytes(struct sl_xml *xml, struct sl_span span, enum sl_charset label)
{
    struct sl_xml_survey survey = sl_xml_survey(&xml->index, span.data, span.len);
    enum sl_charset own = find_label(span);
    if (own != SL_CHARSET_UNKNOWN)
        label = own;
    /* Who can read "UTF-16" byte by byte did not read UTF-16. */
    if (!is_bytewise(label))
        label = SL_CHARSET_UNKNOWN;
    uint32_t bom_len;
    bool is_whole = survey.clean == span.len;
    if (is_whole && (label == SL_CHARSET_UNKNOWN || !survey.is_ascii))
        xml->charset = SL_CHARSET_UTF8;
    else if (is_whole)
        xml->charset = label;
    else
        xml->charset = sl_charset_guess(span.data, span.len, label, &bom_len);
    bool is_8bit = xml->charset != SL_CHARSET_UTF8 && !is_whole;
    xml->clean = is_8bit ? sl_xml_control_free(span.data, span.len) : survey.clean;
    if (xml->clean <= SL_XML_LOOK_AHEAD)
        return;
    /* The survey has made the first window's index. */
    xml->window_len = xml->clean - SL_XML_LOOK_AHEAD < SL_XML_WINDOW ? xml->clean - SL_XML_LOOK_AHEAD : SL_XML_WINDOW;
    sl_xml_index_end(&xml->index, xml->window_len);
}

/* The table is bytes, which might be anything's for all that the compiler knows: so nothing of the scanner in here. */
static void place_names(uint8_t *first, const uint16_t *places, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++)
        first[places[i]] = (uint8_t)(i + 1);
}

void sl_xml_begin(struct sl_xml *xml, struct sl_parse *parse, struct sl_span span, const struct sl_xml_names *names,
                  enum sl_charset label)
{
    /* The tables are not cleared: what they hold is counted. */
    memset(xml, 0, offsetof(struct sl_xml, bindings));
    xml->event = SL_XML_DONE;
    xml->parse = parse;
    xml->names = names ? names : &no_names;
    place_names(xml->first, xml->names->places, xml->names->cnt);
    xml->open[0] = (struct sl_xml_open){ 0 };
    xml->state = AT_DOCUMENT;
    xml->window = span.data;
    xml->is_first_only = true;
    xml->data = span.data;
    xml->len = span.len;
    xml->origin = origin_of(parse, span);

    enum sl_charset utf16 = look_for_utf16(span);
    if (utf16 == SL_CHARSET_UNKNOWN)
        settle_bytes(xml, span, label);
    else if (!begin_utf16(xml, span, utf16 == SL_CHARSET_UTF16BE))
        sl_xml_stop(xml, SL_PARSE_TOO_LARGE, 0, "UTF-16 that fits into the scratch memory");
}
