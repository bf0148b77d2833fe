/* pipeline/facts.h - facts that a command prints for programs: one JSON object on one line.
 *
 *     open NULL {  number "sent"  open "feeds" [  open NULL {  text "name"  close }  close ]  close }
 *
 * Life      A struct of zeros, then members in order, each open with its close.
 * Threads   One.
 * Errors    None here; whoever prints to a stream asks it at the end.
 * Source    RFC 8259.  Keys are ours and are not escaped; text is.
 */
#ifndef SL_PIPELINE_FACTS_H
#define SL_PIPELINE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sl_facts {
    bool more; /* something stands before, in what is open */
};

struct sl_fact {
    const char *key;
    int64_t number;
};

/* key NULL: an entry of a list, or the whole.  To standard output. */
void sl_facts_open(struct sl_facts *facts, const char *key, char bracket);
void sl_facts_close(struct sl_facts *facts, char bracket);
void sl_facts_list(struct sl_facts *facts, const struct sl_fact *rows); /* a key NULL ends them */
void sl_facts_real(struct sl_facts *facts, const char *key, double number); /* to six places */
void sl_facts_truth(struct sl_facts *facts, const char *key, bool truth);
/* NULL: null.  At most 600 bytes. */
void sl_facts_text(struct sl_facts *facts, const char *key, const char *text);

static inline void sl_facts_number(struct sl_facts *facts, const char *key, int64_t number)
{
    sl_facts_list(facts, (const struct sl_fact[]){
                             {key,   number},
                             { NULL, 0     }
    });
}

/* clang-format off */
/* Several numbers, { "sent", sent }, { "lost", lost }, at once; and the same as an object of their own. */
#define sl_facts_numbers(facts, ...) sl_facts_list(facts, (const struct sl_fact[]){ __VA_ARGS__, { NULL, 0 } })
#define sl_facts_object(facts, key, ...) \
    (sl_facts_open(facts, key, '{'), sl_facts_numbers(facts, __VA_ARGS__), sl_facts_close(facts, '}'))
/* clang-format on */

#endif
