/* pipeline/nearest.h - the word that was probably meant by one that was mistyped.
 *
 * Life      begin with the word, offer each candidate, look at found.
 * Threads   Pure functions on the caller's memory.
 * Owns      Borrows the word until the last offer; found is a copy.
 * Errors    None: found is empty when no candidate is near, as none is to a word of 64 letters or more.
 * Units     Near is less than a third of the letters changed, added, left out or exchanged, case aside.
 */
#ifndef SL_PIPELINE_NEAREST_H
#define SL_PIPELINE_NEAREST_H

#include <stdbool.h>

struct sl_nearest {
    const char *word;
    unsigned least;
    char found[64]; /* "": none is near */
};
void sl_nearest_begin(struct sl_nearest *nearest, const char *word);
bool sl_nearest_offer(struct sl_nearest *nearest, const char *candidate); /* true: nearer than all before */
/* The same over a NULL-ended list; NULL when none is near. */
const char *sl_nearest_of(const char *word, const char *const *words);

#endif
