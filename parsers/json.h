/* parsers/json.h - JSON text, pulled value by value: a checking scanner for messages of which few members are wanted.
 *
 *     begin --> enter --> member --> read_string, read_scalar, enter, skip --> member ... (again) --> end
 *                         element                                      element
 *
 * Life      A struct sl_json is the caller's, for one text; nothing to give back.
 * Threads   Pure functions; tables are constant.
 * Owns      Borrows the text: strings are slices of it, still escaped.
 * Errors    The first stays in err: from then on every call answers false, so a caller looks once, behind end.
 *           SL_PARSE_CUT ends too early, SL_PARSE_TOO_DEEP is nested deeper than SL_JSON_DEPTH_MAX, SL_PARSE_BAD_TEXT
 *           is all else; each with the offset and what was expected there.
 * Units     Offsets in bytes from the start of the text.
 * Source    RFC 8259, strictly: one value, white space around it, UTF-8 throughout, surrogates in pairs.  Members of
 *           the same name are not an error there, and are not here.  A byte-order mark in front is skipped, and has_bom
 *           says so (section 8.1: a parser may).
 *
 * Every byte is checked, of skipped values too.  No recursion: who calls is as deep as he entered, and skip counts.
 */
#ifndef SL_PARSERS_JSON_H
#define SL_PARSERS_JSON_H

#include "parsers/parse.h"

#define SL_JSON_DEPTH_MAX 64u

enum sl_json_type {
    SL_JSON_NONE, /* no value begins here */
    SL_JSON_OBJECT,
    SL_JSON_ARRAY,
    SL_JSON_STRING,
    SL_JSON_NUMBER,
    SL_JSON_TRUE,
    SL_JSON_FALSE,
    SL_JSON_NULL,
};

enum sl_json_flag {
    SL_JSON_ESCAPED = 1u << 0, /* has a backslash */
    SL_JSON_HIGH = 1u << 1, /* has a byte from 0x80 on */
    SL_JSON_ODD = 1u << 2, /* may have what no bulletin holds as it is: DEL, C1, or U+FFFD that must be counted */
};

/* A string between its quotes, or the characters of a number. */
struct sl_json_string {
    struct sl_span text;
    uint32_t flags;
};

struct sl_json {
    const uint8_t *data;
    uint32_t len;
    uint32_t at; /* the value at hand, or what stands behind the last one */
    uint32_t depth; /* objects and arrays that are open */
    bool fresh; /* the innermost has just been entered: no comma comes first */
    bool has_bom;
    struct sl_parse_err err;
};

void sl_json_begin(struct sl_json *json, struct sl_span text);
/* What the value at hand is, by its first character. */
enum sl_json_type sl_json_peek(const struct sl_json *json);

/* Goes into the value at hand, if it is an object or array as wanted; else skips it and answers false. */
bool sl_json_enter(struct sl_json *json, enum sl_json_type want);
/* In an object: the next member's name; its value is at hand.  False: the object has ended. */
bool sl_json_member(struct sl_json *json, struct sl_json_string *name);
/* In an array: the next element is at hand.  False: the array has ended. */
bool sl_json_element(struct sl_json *json);

/* The value at hand is taken, whatever it is; false if it is no string, or neither string nor number. */
bool sl_json_read_string(struct sl_json *json, struct sl_json_string *string);
bool sl_json_read_scalar(struct sl_json *json, struct sl_json_string *string);
bool sl_json_is_true(struct sl_json *json); /* the same for a truth value */
void sl_json_skip(struct sl_json *json);
/* The value at hand is taken and *text is all of it, whatever it is. */
bool sl_json_text(struct sl_json *json, struct sl_span *text);

/* Behind the outermost value there is only white space.  False: err says what else is wrong. */
bool sl_json_end(struct sl_json *json);

/* ---- strings ---- */

/* Puts the string, decoded, into the open text of out; control characters are left out as sl_text_put does. */
void sl_json_put(struct sl_out *out, struct sl_json_string string, struct sl_text_stats *stats);
/* The string, decoded: itself where it has no escape, else in the parse's scratch (put used back when done).  Control
 * characters stay.  False: no scratch is left. */
bool sl_json_decode(struct sl_parse *parse, struct sl_json_string string, struct sl_span *decoded);
/* Is it exactly this word, which is in lower case, whatever the string's case; without escapes? */
static inline bool sl_json_is(struct sl_json_string string, const char *word)
{
    /* Most are told by the first letter. */
    return string.text.len != 0 && (string.text.data[0] | 0x20) == (word[0] | 0x20) &&
           !(string.flags & SL_JSON_ESCAPED) && sl_span_is(string.text, word);
}

/* ---- the two ways to find a string's end, for their test against each other ---- */

enum sl_json_fault { SL_JSON_FINE, SL_JSON_CUT, SL_JSON_CONTROL, SL_JSON_BAD_ESCAPE, SL_JSON_BAD_UTF8, SL_JSON_LONE };

struct sl_json_scan {
    uint32_t end; /* of the closing quote, or where the fault is */
    uint32_t flags;
    enum sl_json_fault fault;
};

/* From at, behind the opening quote, to the closing one.  wide may call a string odd that is not. */
struct sl_json_scan sl_json_scan_bytes(const uint8_t *data, uint32_t len, uint32_t at);
struct sl_json_scan sl_json_scan_wide(const uint8_t *data, uint32_t len, uint32_t at);

#endif
