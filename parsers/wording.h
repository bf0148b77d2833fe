/* parsers/wording.h - what formats without fields for it read from a story's own words: its kind, dateline, headline.
 *
 *     headline and body said --> embargoes weighed --> say_kind;  dateline, first words
 *
 * Threads   Pure functions.
 * Owns      Borrows spans for the call.
 */
#ifndef SL_PARSERS_WORDING_H
#define SL_PARSERS_WORDING_H

#include "parsers/story.h"

/* "CORRECTION: Ferry sinks", "[Update] ...", "UPDATE 1-Ferry ...", "KILL KILL KILL": notes the label that opens the
 * headline that was said, makes it the take, and says from that and the rest of the story what kind of message this
 * is. */
void sl_wording_say_kind(struct sl_story *story);

/* What is ASCII in text of a character set that nobody here knows, into the open text: high bytes, and what escapes of
 * ISO 2022 begin, are one U+FFFD. */
void sl_wording_put_ascii(struct sl_out *out, struct sl_span text, struct sl_text_stats *stats);

/* Are its lines paragraphs?  Hand-wrapped text has hardly a long line. */
bool sl_wording_keeps_lines(struct sl_span text);

/* A dateline at the start of the body that was said; it stays in the body. */
void sl_wording_dateline(struct sl_out *out);
/* A story without a headline is known by the first words of its body; a note tells. */
void sl_wording_first_words(struct sl_out *out);

#endif
