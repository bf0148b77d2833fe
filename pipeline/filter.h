/* pipeline/filter.h - which bulletins a reader wants: a small typed expression, compiled once.
 *
 *     urgency <= 2 and lang == "en" and subject ~ "medtop:04*" and feed in ["dpa", "afp"]
 *
 *     expression = all { "or" all }          all  = one { "and" one }
 *     one        = "not" one | "(" expression ")" | test
 *     test       = FIELD | FIELD operator VALUE | FIELD [ "not" ] "in" "[" VALUE { "," VALUE } "]"
 *     operator   = "==" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~"
 *     VALUE      = a whole number, or a string in "double" or 'single' quotes
 *
 * Life      compile, match ..., free.
 * Threads   A compiled filter is constant: any number of threads may match with it.
 * Owns      A filter keeps a copy of all it needs.
 * Errors    compile: 0, -ENOMEM, or -EINVAL with the place and what was expected, with the nearest valid word.
 * Units     Offsets in bytes from the start of the expression.
 * Bounds    SL_FILTER_LEN_MAX bytes, SL_FILTER_DEPTH_MAX parentheses and nots within each other; a match takes no
 *           stack of its own and no memory, and time in proportion to the texts it must look at.
 *
 * A name alone asks whether the bulletin says anything there.  What a bulletin does not say makes every test of it
 * false, but those with "!=", "!~" and "not in", which are nothing but the opposite.  Of a list (subject, keyword ...)
 * one item that fits is enough.  "~" compares with a pattern over the whole text, ASCII letters in any case: * is any
 * text, ? one character, \* and \? themselves.  "==" and "in" are exact, but for language, where "en" fits "en-GB" too
 * (RFC 4647, 3.3.1).  Coded things fit by their code, by scheme:code and by their name; times are compared with
 * ISO 8601 strings, UTC where they name no zone.
 */
#ifndef SLUGLINE_FILTER_H
#define SLUGLINE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SL_FILTER_LEN_MAX   4096u
#define SL_FILTER_DEPTH_MAX 32u

struct sl_event;
struct sl_filter;

struct sl_filter_err {
    uint32_t off;
    char text[200]; /* a sentence without its full stop */
};

/* err may be NULL. */
int sl_filter_compile(struct sl_filter **filter, const char *expression, struct sl_filter_err *err);
/* Of events that are no bulletin: true. */
bool sl_filter_match(const struct sl_filter *filter, const struct sl_event *event);
void sl_filter_free(struct sl_filter *filter); /* NULL: nothing */

/* The names of the fields, one by one, for help; NULL behind the last. */
const char *sl_filter_field(unsigned idx);

#ifdef __cplusplus
}
#endif

#endif
