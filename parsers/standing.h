/* parsers/standing.h - what codes and words of XML and JSON messages say of a story's standing: killed, held,
 * corrected, embargoed; and what they know of an agency by its name.
 *
 * Life      Fills a struct sl_story (story.h), whose sl_story_say_kind says it all at the end.
 * Threads   Pure functions; tables are constant.
 * Owns      Nothing.
 * Source    What agencies' wires show.
 *
 * A code counts as much as a word: of all that is said the strongest holds.  When in doubt about an embargo, hold.
 */
#ifndef SL_PARSERS_STANDING_H
#define SL_PARSERS_STANDING_H

#include "parsers/story.h"

/* A word of editor.h's labels, for a code that means the same: "kill", "withhold", "correction", "update", "alert". */
void sl_standing_code(struct sl_story *story, const char *word);
/* A headline's own label: "UPDATE 1-...", "CORRECTED-...", "CORRECTION: ...", "... (Korrektur)"; words inside say
 * nothing. */
void sl_standing_headline(struct sl_story *story, struct sl_span headline);
/* A note to editors: what it begins with, the requests in it, embargoes.  Behind sl_standing_hold: a date is more
 * certain than words. */
void sl_standing_note(struct sl_story *story, struct sl_span note);

/* Where this is a kill, a correction or a hold, and no code said of what: the ids that a note names. */
void sl_standing_refer(struct sl_story *story, struct sl_span note);

/* Held until then; of two times the later one counts.  OPEN: until somebody releases it. */
void sl_standing_hold(struct sl_story *story, int64_t until_ns, enum sl_date_zone given);
void sl_standing_hold_open(struct sl_story *story);
/* Onto the bulletin, what an embargo that was read means; NONE and LIFTED: nothing.  An OPEN one has a note, too. */
void sl_standing_embargo(struct sl_out *out, enum sl_embargo embargo, int64_t until_ns, enum sl_date_zone given);

/* A date of the message's into *ns, with the story's zone where it names none; *given then tells.  False: it is none,
 * or empty, or what a template left there ("YYYYMMDD..."). */
bool sl_standing_date(const struct sl_story *story, struct sl_span date, int64_t *ns, enum sl_date_zone *given);
/* version_created, and the day that a made id has; a note where the zone was assumed. */
void sl_standing_created(struct sl_story *story, struct sl_span date);
/* The times beside it: first_created and expires.  flag: where the zone was assumed. */
void sl_standing_time(struct sl_story *story, struct sl_span date, int64_t *ns, uint32_t flag);

/* The zone that an agency writes its times in; NULL: not known. */
const char *sl_standing_zone(struct sl_span agency);

/* Sets a text unless it has one: what comes first, or from further outside, counts. */
void sl_standing_say(struct sl_out *out, enum sl_text text, struct sl_ref ref);
/* An id for a message without one: the words of its headline, their hash, its day. */
void sl_standing_make_id(struct sl_story *story, struct sl_slice words);

/* Cuts the sign-off that ends the open text: "AAP RTV ar", "/ritzau/". */
void sl_standing_cut_signoff(struct sl_out *out, struct sl_slice provider);
/* Dateline, place and credit that the body begins with, where nothing else said them.  They stay in the body. */
void sl_standing_dateline(struct sl_story *story);

#endif
