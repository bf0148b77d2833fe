/* parsers/iptc7901.h - what the parts of the IPTC 7901 parser share.  No one else includes this.
 *
 *     iptc7901.c         the frame: where header, keywords, text and trailer stand
 *     iptc7901_facts.c   header, keywords and trailer to fields, identity and time
 *     iptc7901_text.c    between STX and ETX: labels, headline, byline, body, and what kind of message this is
 *     iptc7901_notes.c   the notebook, kills in prose, and which messages they mean
 *
 * Threads   Pure functions.
 * Owns      All spans borrow the message.
 */
#ifndef SL_PARSERS_IPTC7901_H
#define SL_PARSERS_IPTC7901_H

#include "parsers/story.h"

#define SL_7901_TWICE_MAX 1500u /* bytes of anything that is said twice: see sl_parse_bound */

/* "eca062 4 i 211 ccccb   dpa 061" */
struct sl_7901_header {
    struct sl_span service, number, priority, category, words;
    struct sl_span routing, source, source_number, refers;
};

struct sl_7901 {
    struct sl_story story;
    struct sl_7901_header header;
    struct sl_span keywords, text, trailer;
};

enum sl_7901_role { SL_7901_TITLE, SL_7901_LABEL, SL_7901_PICTURE, SL_7901_BYLINE, SL_7901_SUBTITLE, SL_7901_HEADLINE };

/* A line above the story, or several that belong together. */
struct sl_7901_line {
    struct sl_span text;
    enum sl_7901_role role;
};

#define SL_7901_LINES_MAX 16u

/* What is between STX and ETX. */
struct sl_7901_text {
    struct sl_7901 *wire;
    struct sl_7901_line line[SL_7901_LINES_MAX];
    uint32_t line_cnt;
    struct sl_span body, notebook;
};

/* ---- iptc7901_facts.c ---- */

const char *sl_7901_zone_name(const struct sl_7901_header *header); /* the agency's; NULL not known */
/* may_be_bare: six digits without a month are one too. */
bool sl_7901_is_trailer(struct sl_span line, bool may_be_bare);
void sl_7901_say_time(struct sl_7901 *wire);
void sl_7901_say_header(struct sl_7901 *wire); /* and the keywords */
struct sl_span sl_7901_skip_blanks(struct sl_span span);
struct sl_span sl_7901_next_word(struct sl_span *rest);

/* ---- iptc7901_text.c ---- */

/* Says headline, byline, dateline, body, notes, and what kind of message this is. */
void sl_7901_say_text(struct sl_7901 *wire);
bool sl_7901_starts_notebook(struct sl_span line);
/* Where a label's own words end and a note to editors begins; its length when none does. */
uint32_t sl_7901_find_explanation(struct sl_span label);

/* ---- iptc7901_notes.c ---- */

void sl_7901_say_notes(struct sl_7901_text *text);
/* start: the text's first bytes, up to the notebook. */
void sl_7901_weigh_prose(struct sl_7901 *wire, struct sl_span start);
void sl_7901_say_references(struct sl_7901 *wire, struct sl_span start);

#endif
