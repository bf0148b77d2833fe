/* parsers/xml_chars.h - characters as XML sorts them, and what the scanner's own files share.
 *
 * Threads   Pure functions.
 * Units     Characters are Unicode code points.
 * Source    XML 1.0 fifth edition: productions 2 (Char), 4 and 4a (names), 13 (public identifiers), 66 and 68
 *           (references).
 */
#ifndef SL_PARSERS_XML_CHARS_H
#define SL_PARSERS_XML_CHARS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/xml.h"

static inline bool sl_xml_is_char(uint32_t character)
{
    if (character < 0x20)
        return character == '\t' || character == '\n' || character == '\r';
    return character < 0xd800 || (character >= 0xe000 && character < 0xfffe) ||
           (character >= 0x10000 && character <= 0x10ffff);
}

/* The colon is none here: it parts a prefix from a name. */
static inline bool sl_xml_is_name_char(uint32_t character, bool is_first)
{
    static const struct {
        uint32_t from, to;
        bool may_be_first;
    } ranges[] = {
        {0xb7,     0xb7,    false},
        { 0xc0,    0xd6,    true },
        { 0xd8,    0xf6,    true },
        { 0xf8,    0x2ff,   true },
        { 0x300,   0x36f,   false},
        { 0x370,   0x37d,   true },
        { 0x37f,   0x1fff,  true },
        { 0x200c,  0x200d,  true },
        { 0x203f,  0x2040,  false},
        { 0x2070,  0x218f,  true },
        { 0x2c00,  0x2fef,  true },
        { 0x3001,  0xd7ff,  true },
        { 0xf900,  0xfdcf,  true },
        { 0xfdf0,  0xfffc,  true },
        { 0x10000, 0xeffff, true },
    };
    if (character < 0x80) {
        if (sl_is_ascii_letter((uint8_t)character) || character == '_')
            return true;
        return !is_first && (sl_is_digit((uint8_t)character) || character == '-' || character == '.');
    }
    for (uint32_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        if (character <= ranges[i].to)
            return character >= ranges[i].from && (ranges[i].may_be_first || !is_first);
    }
    return false;
}

static inline bool sl_xml_is_public(uint8_t byte)
{
    return sl_is_ascii_letter(byte) || sl_is_digit(byte) || (byte != 0 && memchr(" \r\n-'()+,./:=?;!*#@$_%", byte, 22));
}

/* The character of valid UTF-8 from 0x80 on; returns its length. */
static inline uint32_t sl_xml_decode(const uint8_t *utf8, uint32_t *character)
{
    uint32_t len = utf8[0] < 0xe0 ? 2 : utf8[0] < 0xf0 ? 3 : 4;
    *character = utf8[0] & (0xffu >> (len + 1));
    for (uint32_t i = 1; i < len; i++)
        *character = *character << 6 | (utf8[i] & 0x3f);
    return len;
}

/* UTF-8 of a character; returns its length. */
static inline uint32_t sl_xml_encode(uint8_t *utf8, uint32_t character)
{
    if (character < 0x80) {
        utf8[0] = (uint8_t)character;
        return 1;
    }
    uint32_t len = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (uint32_t i = len - 1; i != 0; i--, character >>= 6)
        utf8[i] = (uint8_t)(0x80 | (character & 0x3f));
    utf8[0] = (uint8_t)(0xf00u >> len | character);
    return len;
}

/* Names are short: two overlapping words tell whether they are the same, without a call. */
static inline bool sl_xml_same(const uint8_t *a, const uint8_t *b, uint32_t len)
{
    uint64_t a_start, a_end, b_start, b_end;
    if (len > 16)
        return memcmp(a, b, len) == 0;
    if (len >= 8) {
        memcpy(&a_start, a, 8);
        memcpy(&b_start, b, 8);
        memcpy(&a_end, a + len - 8, 8);
        memcpy(&b_end, b + len - 8, 8);
        return a_start == b_start && a_end == b_end;
    }
    if (len >= 4) {
        uint32_t a_word[2], b_word[2];
        memcpy(&a_word[0], a, 4);
        memcpy(&b_word[0], b, 4);
        memcpy(&a_word[1], a + len - 4, 4);
        memcpy(&b_word[1], b + len - 4, 4);
        return a_word[0] == b_word[0] && a_word[1] == b_word[1];
    }
    /* The first, the middle and the last are all that there are. */
    return len == 0 || (a[0] == b[0] && a[len / 2] == b[len / 2] && a[len - 1] == b[len - 1]);
}

/* Where text begins; NULL: nowhere.  Texts of two or three bytes are found by their first sooner than by memmem, which
 * prepares for long ones. */
static inline const uint8_t *sl_xml_find(const uint8_t *data, size_t len, const char *text)
{
    size_t text_len = strlen(text);
    const uint8_t *end = data + len;
    while ((size_t)(end - data) >= text_len) {
        data = (const uint8_t *)memchr(data, text[0], (size_t)(end - data) - text_len + 1);
        if (!data || memcmp(data, text, text_len) == 0)
            return data;
        data++;
    }
    return NULL;
}

/* Length of the reference at the start of rest, and the character it is; 0: none that we know. */
uint32_t sl_xml_reference(struct sl_span rest, uint32_t *character);

/* Bytes behind a window that may be read: a name's first sixteen, from behind a tag's < and a prefix's colon. */
#define SL_XML_LOOK_AHEAD 20u

/* Where the scanner stands. */
enum sl_xml_state {
    IN_CONTENT,
    AT_POP, /* behind an END: its element is still open[depth] */
    AT_EMPTY_END, /* the END of an empty element is due */
    AT_DOCUMENT, /* before its declaration */
    IN_PROLOG,
    IN_EPILOG,
    AT_END, /* from here on no event follows */
    AT_ERROR,
};

/* The declaration in force for an element or prefix; NULL: none. */
const struct sl_xml_binding *sl_xml_binding_of(const struct sl_xml *xml, const struct sl_xml_open *open);
const struct sl_xml_binding *sl_xml_find_binding(const struct sl_xml *xml, struct sl_span prefix);

/* An ERROR for good, at an offset in the document. */
void sl_xml_stop(struct sl_xml *xml, enum sl_parse_code code, uint32_t off, const char *want);

#endif
