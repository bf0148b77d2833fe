/* parsers/editor.h - what editors write for other editors, in words: labels, kills, embargoes, bylines, datelines.
 *
 * Threads   Pure functions; the tables of words are constant and stand at the top of the sources: editor.c for
 *           labels and requests, editor_embargo.c, editor_lines.c for bylines and datelines.
 * Owns      Nothing: spans borrow.
 * Units     ns since 1970 UTC.
 * Source    What agencies' wires show, in English, German, French, Spanish and Italian; no standard says it.
 *
 * Spans hold the message's own bytes, in any character set that is ASCII below 0x80.
 */
#ifndef SL_PARSERS_EDITOR_H
#define SL_PARSERS_EDITOR_H

#include "parsers/dates.h"
#include "parsers/text.h"

/* A phrase is words with single blanks, ASCII in lower case, which match any white space and any case.  '?' in it
 * stands for one letter beyond ASCII, whatever bytes that is, or for how ASCII writes it (ue or u for the German
 * umlaut). */
bool sl_phrase_starts(struct sl_span text, const char *phrase, uint32_t *len);
/* The same anywhere, as whole words. */
bool sl_phrase_find(struct sl_span text, const char *phrase, uint32_t *off, uint32_t *len);

/* What a label does: "2ND LEAD", "(Berichtigung: ...)", "KILL KILL KILL".  Of several words the strongest counts. */
struct sl_label {
    const char *phrase;
    enum sl_kind kind;
    enum sl_signal signal;
};
const struct sl_label *sl_label_find(struct sl_span text); /* NULL: says nothing that we know */
/* Nothing but words of labels, ordinals and punctuation: no headline could be this. */
bool sl_label_is_all(struct sl_span text);
/* The stronger of two, the first of equals; either may be NULL. */
const struct sl_label *sl_label_stronger(const struct sl_label *a, const struct sl_label *b);

/* Sentences that withdraw an earlier message ("bitte streichen Sie ...", "please kill item ..."), or only a part of it
 * ("bitte streichen Sie im dritten Absatz ..."), which corrects it. */
enum sl_request { SL_REQUEST_NONE, SL_REQUEST_CORRECT, SL_REQUEST_KILL };
enum sl_request sl_request_find(struct sl_span text);

/* Line tests. */
bool sl_says_test(struct sl_span line); /* is a message to try the line, not about tests */
bool sl_says_private(struct sl_span line); /* from here on nothing is for publication */

enum sl_embargo { SL_EMBARGO_NONE, SL_EMBARGO_LIFTED, SL_EMBARGO_OPEN, SL_EMBARGO_UNTIL };
/* An embargo in words.  OPEN: there is one, but until when could not be read for certain, so it holds until somebody
 * releases it.  is_label: the text is a label or note, where the bare word is enough; elsewhere it may be news about an
 * embargo.  base_ns: the message's time, which completes "1800 Uhr" and "9. Oktober"; zone: NULL UTC. */
enum sl_embargo sl_embargo_read(struct sl_span text, bool is_label, int64_t base_ns, const struct sl_zone *zone,
                                int64_t *until_ns, enum sl_date_zone *given);

/* "By NAME", "Von NAME, dpa": the name. */
bool sl_byline_read(struct sl_span line, struct sl_span *name);

struct sl_dateline {
    struct sl_span whole; /* "San Diego, March 9 (tca/dpa)" */
    struct sl_span place; /* "San Diego" */
    struct sl_span credit; /* "tca/dpa" */
    uint32_t len; /* of what stands before the story's first word */
};
/* The dateline at the start of a paragraph, which begins with its first word.  An agency must be named in it, or it
 * would be anybody's sentence; provider is one beside those that everybody knows. */
bool sl_dateline_read(struct sl_span text, struct sl_span provider, struct sl_dateline *dateline);
/* Is this word an agency's short name? */
bool sl_agency_is(struct sl_span word);

#endif
