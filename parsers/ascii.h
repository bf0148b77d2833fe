/* parsers/ascii.h - bytes of wire text, one by one: what they are whatever character set they are in.
 *
 * Threads   Pure functions.
 * Owns      Nothing: spans borrow.
 *
 * Every character set that wires use on the byte is ASCII below 0x80; above it, all that can be said is that it is a
 * letter more likely than not.
 */
#ifndef SL_PARSERS_ASCII_H
#define SL_PARSERS_ASCII_H

#include "parsers/text.h"

enum sl_byte_class {
    SL_BYTE_UPPER = 1 << 0,
    SL_BYTE_LOWER = 1 << 1,
    SL_BYTE_DIGIT = 1 << 2,
    SL_BYTE_HIGH = 1 << 3, /* from 0x80 on */
    SL_BYTE_WHITE = 1 << 4, /* blank, TAB, CR, LF */
};

extern const uint8_t sl_byte_class[256];

static inline bool sl_byte_is(uint8_t byte, unsigned classes) { return (sl_byte_class[byte] & classes) != 0; }
static inline uint8_t sl_lower(uint8_t byte) { return sl_byte_lower[byte]; }
static inline bool sl_is_upper(uint8_t byte) { return byte >= 'A' && byte <= 'Z'; }
static inline bool sl_is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }
static inline bool sl_is_white(uint8_t byte) { return sl_byte_is(byte, SL_BYTE_WHITE); }
static inline bool sl_is_ascii_letter(uint8_t byte) { return sl_byte_is(byte, SL_BYTE_UPPER | SL_BYTE_LOWER); }
static inline bool sl_is_letter(uint8_t byte) { return sl_byte_is(byte, SL_BYTE_UPPER | SL_BYTE_LOWER | SL_BYTE_HIGH); }
static inline bool sl_is_word_byte(uint8_t byte)
{
    return sl_byte_is(byte, SL_BYTE_UPPER | SL_BYTE_LOWER | SL_BYTE_HIGH | SL_BYTE_DIGIT);
}

static inline struct sl_span sl_span_skip(struct sl_span span, uint32_t len)
{
    /* An absent span may be NULL, to which not even 0 may be added. */
    return (struct sl_span){ len != 0 ? span.data + len : span.data, span.len - len };
}

/* The first of these bytes, or the last; NULL: there is none.  An absent span may be NULL, which memchr may not get. */
static inline const uint8_t *sl_span_first(struct sl_span span, char byte)
{
    return span.len != 0 ? memchr(span.data, byte, span.len) : NULL;
}
static inline const uint8_t *sl_span_last(struct sl_span span, char byte)
{
    return span.len != 0 ? memrchr(span.data, byte, span.len) : NULL;
}

/* Walks over the places where words begin. */
struct sl_word_walk {
    struct sl_span text;
    uint32_t off; /* of the 64 bytes behind those at hand */
    uint64_t starts; /* of these, not yet visited */
    bool in_word;
};
static inline struct sl_word_walk sl_word_walk(struct sl_span text)
{
    return (struct sl_word_walk){ text, 0, 0, false };
}
static inline bool sl_word_next(struct sl_word_walk *walk, uint32_t *off)
{
    while (walk->starts == 0) {
        if (walk->off >= walk->text.len)
            return false;
        walk->starts = sl_word_starts(sl_span_skip(walk->text, walk->off), &walk->in_word);
        walk->off += 64;
    }
    *off = walk->off - 64 + (uint32_t)__builtin_ctzll(walk->starts);
    walk->starts &= walk->starts - 1;
    return true;
}

static inline struct sl_span sl_span_head(struct sl_span span, uint32_t len)
{
    return (struct sl_span){ span.data, len < span.len ? len : span.len };
}

static inline struct sl_span sl_span_of(struct sl_slice slice)
{
    return (struct sl_span){ (const uint8_t *)slice.data, slice.len };
}

static inline struct sl_span sl_span_skip_white(struct sl_span span)
{
    uint32_t len = 0;
    while (len < span.len && sl_is_white(span.data[len]))
        len++;
    return sl_span_skip(span, len);
}

static inline uint32_t sl_span_digits(struct sl_span span) /* how many it starts with */
{
    uint32_t len = 0;
    while (len < span.len && sl_is_digit(span.data[len]))
        len++;
    return len;
}

/* The first line, without its end. */
static inline struct sl_span sl_span_line(struct sl_span span)
{
    struct sl_span line = { span.data, 0 };
    sl_line_next(&span, &line);
    return line;
}

/* The bytes before the first white space or control character. */
static inline struct sl_span sl_span_word(struct sl_span span)
{
    uint32_t len = 0;
    while (len < span.len && span.data[len] > ' ')
        len++;
    return sl_span_head(span, len);
}

#endif
