/* parsers/story.h - what formats of lines share once they know which line is what: fields said in the message's own
 * characters, datelines, embargoes, and what kind of message this is.
 *
 * Life      A struct sl_story lives as long as one sl_parse_next; its format fills it from the top.
 * Threads   Pure functions.
 * Owns      Borrows the parse and the message.
 * Units     ns since 1970 UTC.
 */
#ifndef SL_PARSERS_STORY_H
#define SL_PARSERS_STORY_H

#include "parsers/editor.h"
#include "parsers/parse.h"

#define SL_STORY_REFERENCES_MAX 16u

struct sl_story {
    struct sl_parse *parse;
    struct sl_out *out;
    enum sl_charset charset;
    const struct sl_zone *zone; /* of times that name none */
    struct sl_civil day; /* as the message writes it: a made id has it */
    int64_t time_ns; /* the message's own, else its arrival */
    const struct sl_label *label; /* the strongest so far */
    enum sl_embargo embargo;
    int64_t embargo_ns;
    enum sl_date_zone embargo_zone;
    uint32_t reference_cnt;
};

/* Behind SOH, if there is one near, else behind what a line sends when it has nothing to say. */
struct sl_span sl_story_skip_noise(struct sl_span message, bool *has_soh);
/* Without such bytes at the end; and of the rest the last line. */
struct sl_span sl_story_trim_noise(struct sl_span span);
struct sl_span sl_story_last_line(struct sl_span span);

/* One line of words; the first also makes it the named text. */
void sl_story_say(struct sl_story *story, enum sl_text text, struct sl_span span);
struct sl_ref sl_story_put(struct sl_story *story, struct sl_span span);
/* A word of ours; NULL: nothing. */
void sl_story_say_word(struct sl_story *story, enum sl_text text, const char *word);
/* An item of two parts, of which the first is a word of ours. */
void sl_story_say_item(struct sl_story *story, enum sl_list list, const char *what, struct sl_ref value);

/* COUNTER:NUMBER:YYYY-MM-DD with the story's day, the number filled up with zeros to width; none at all without
 * number and width. */
struct sl_ref sl_story_put_id(struct sl_story *story, struct sl_span counter, struct sl_span number, uint32_t width);
/* The digits of a number, at most the first 18. */
uint64_t sl_story_number(struct sl_span digits);

/* A time of the message's, to version_created and the story's own; without an offset its zone is assumed, and a note
 * says so. */
void sl_story_say_time(struct sl_story *story, const struct sl_civil *civil, bool has_offset, int32_t offset_s);
/* The latest such day that is not in the future: clocks differ, so tomorrow is not yet the future.  civil lacks its
 * year, and its month too unless has_month.  false: there is no such day. */
bool sl_story_complete_day(struct sl_civil *civil, bool has_month, int64_t arrival_ns);

/* Nothing but words of labels, everybody's or the agency's. */
bool sl_story_is_label(const struct sl_story *story, struct sl_span words);
void sl_story_note_label(struct sl_story *story, struct sl_span words);
void sl_story_weigh_embargo(struct sl_story *story, struct sl_span words, bool is_label);
/* Says dateline, place and credit where the text begins with one; gives the text behind.  agency: the provider's short
 * name, beside those that everybody knows. */
struct sl_span sl_story_take_dateline(struct sl_story *story, struct sl_span agency, struct sl_span text);

/* A sentence that withdraws or corrects something, in what may be meant for editors: start, which becomes shorter where
 * no label calls them.  It is certain only where the label does, or the text names a message. */
enum sl_request sl_story_find_request(const struct sl_story *story, struct sl_span *start);
bool sl_story_calls_editors(const struct sl_story *story);
void sl_story_note_request(struct sl_story *story, enum sl_request request);
/* Is this a kill, a correction or a hold: does it mean an earlier message? */
bool sl_story_undoes(const struct sl_story *story);
/* Once for each id. */
void sl_story_say_reference(struct sl_story *story, const char *what, struct sl_ref id);
void sl_story_say_evolved(struct sl_story *story); /* from the first of them */

/* Where headline or slugline say that it is one. */
void sl_story_weigh_test(struct sl_story *story);
/* From label and embargo: kind, signal, pubstatus, and until when it is held. */
void sl_story_say_kind(struct sl_story *story);

#endif
