/* parsers/wording.h - what formats without fields for it read from a story's own words: kind, embargo, dateline.
 *
 *     zeroed --> headline, label, embargo, as often as there are such words --> say, once
 *     body said --> dateline, first words
 *
 * Life      A struct sl_state is zeroed for each bulletin.
 * Threads   Pure functions.
 * Owns      Borrows spans for the call.
 *
 * Of several labels the strongest counts
 * (editor.h), of several embargoes the latest, and one without a certain time is the latest.
 */
#ifndef SL_PARSERS_WORDING_H
#define SL_PARSERS_WORDING_H

#include "parsers/editor.h"
#include "parsers/parse.h"

struct sl_state {
    const struct sl_label *label;
    enum sl_embargo embargo;
    int64_t embargo_ns;
    enum sl_date_zone embargo_zone;
    bool is_test;
};

/* "CORRECTION: Ferry sinks", "[Update] ...", "UPDATE 1-Ferry ...", "KILL KILL KILL": what opens a headline.  Gives the
 * opening's own words, which are empty where there is none. */
struct sl_span sl_state_headline(struct sl_state *state, struct sl_span headline);
void sl_state_label(struct sl_state *state, struct sl_span words);
/* is_label as in sl_embargo_read. */
void sl_state_embargo(struct sl_state *state, struct sl_span words, bool is_label, int64_t base_ns,
                      const struct sl_zone *zone);
/* Sets kind, signal, pubstatus, and the embargo with its flags and note. */
void sl_state_say(const struct sl_state *state, struct sl_out *out);
/* The same from the headline that was said, whose opening also becomes the take. */
void sl_wording_state(struct sl_state *state, struct sl_out *out);

/* A dateline at the start of the body that was said; it stays in the body. */
void sl_wording_dateline(struct sl_out *out);
/* A story without a headline is known by the first words of its body; a note tells. */
void sl_wording_first_words(struct sl_out *out);

#endif
