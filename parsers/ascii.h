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

static inline uint8_t sl_lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20) : byte; }
static inline bool sl_is_upper(uint8_t byte) { return byte >= 'A' && byte <= 'Z'; }
static inline bool sl_is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }
static inline bool sl_is_white(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n'; }
static inline bool sl_is_ascii_letter(uint8_t byte) { return sl_lower(byte) >= 'a' && sl_lower(byte) <= 'z'; }
static inline bool sl_is_letter(uint8_t byte) { return sl_is_ascii_letter(byte) || byte >= 0x80; }
static inline bool sl_is_word_byte(uint8_t byte) { return sl_is_letter(byte) || sl_is_digit(byte); }

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
