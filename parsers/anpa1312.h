/* parsers/anpa1312.h - what the parts of the ANPA 1312 parser share.  No one else includes this.
 *
 *     anpa1312.c          the frame: header, keyword line, text and trailer
 *     anpa1312_facts.c    header, keyword line and trailer to fields, identity and time
 *     anpa1312_head.c     the lines above the story
 *     anpa1312_text.c     the story, its tables, and what kind of message this is
 *     anpa1312_set.c      typesetting characters to text
 *
 * Threads   Pure functions.
 * Owns      Spans of the header borrow the message, those of the text its copy without typesetting, in the parse's
 *           scratch memory.
 */
#ifndef SL_PARSERS_ANPA1312_H
#define SL_PARSERS_ANPA1312_H

#include "parsers/story.h"

#define SL_ANPA_KEYWORD_MAX 200u /* bytes of a keyword line that are looked at; the standard gives it 24 */
#define SL_ANPA_HEAD_MAX    24u /* lines above the story; in a list of headlines they are the story */
#define SL_ANPA_SAID_MAX    1500u /* bytes of anything that may be said twice: see sl_parse_bound */
#define SL_ANPA_ROW         0x08 /* in text without typesetting: what follows is a row of agate */

/* "W2870 US asian" and "f l DC3 DC1 BC-LT--Argentina-CancerB 1stLd-Writethru 11-13 1049" */
struct sl_anpa_header {
    struct sl_span service, number, agency, selector;
    struct sl_span priority, category;
    bool is_table; /* the format bytes say so */
    struct sl_span keyword, version, date, count;
};

/* "BC-US--Ethanol-Losing Grassland, 1st Ld-Writethru,1140<" */
struct sl_anpa_slug {
    struct sl_span keyword, version, count;
};

struct sl_anpa {
    struct sl_story story;
    struct sl_anpa_header header;
    struct sl_anpa_slug slug;
    struct sl_span text, trailer; /* without typesetting; as it came */
    struct sl_span sign; /* by which the message names its agency */
    const struct sl_anpa_agency *agency; /* NULL: not one that we know */
};

/* What an agency's signs tell that its messages do not. */
struct sl_anpa_agency {
    const char *sign; /* before the trailer's time, behind the header's number, or as credit line */
    const char *provider, *language, *zone;
    bool day_first; /* in its dates */
};

/* ---- anpa1312_facts.c ---- */

/* By a sign; NULL: nobody that we know. */
const struct sl_anpa_agency *sl_anpa_find_agency(struct sl_span sign);
/* The keyword line's parts: the last comma's number counts words, the commas before it part versions. */
void sl_anpa_read_slug(struct sl_span line, struct sl_anpa_slug *slug);
/* Of a trailer: "AP-WF-11-13-13 1509GMT<", "KWS-10:15-23-07-19", "16:35ET 31-10-14<". */
bool sl_anpa_is_trailer(struct sl_span line);
void sl_anpa_say_time(struct sl_anpa *wire);
void sl_anpa_say_header(struct sl_anpa *wire);
/* The id of the story with this keyword, of the message's own day. */
struct sl_ref sl_anpa_put_id(struct sl_anpa *wire, struct sl_span keyword);
unsigned sl_anpa_urgency(const struct sl_anpa_header *header, const struct sl_anpa_slug *slug);
bool sl_anpa_is_alert(struct sl_span keyword);
bool sl_anpa_is_advisory(struct sl_span keyword); /* or another list for editors: by its last word */
/* An id of this message alone: many of a day have the keyword, and are not one story. */
void sl_anpa_say_single_id(struct sl_anpa *wire);

/* ---- anpa1312_set.c ---- */

/* The text without typesetting, in the same character set, in the parse's scratch; false: there is too little. */
bool sl_anpa_unset(struct sl_parse *parse, enum sl_charset charset, struct sl_span text, struct sl_span *plain);

/* ---- anpa1312_head.c ---- */

enum sl_anpa_place {
    SL_ANPA_PLACE_BLANK,
    SL_ANPA_PLACE_CARET,
    SL_ANPA_PLACE_INDENTED,
    SL_ANPA_PLACE_ROW,
    SL_ANPA_PLACE_PLAIN
};

enum sl_anpa_role {
    SL_ANPA_ROLE_BODY,
    SL_ANPA_ROLE_HEADLINE,
    SL_ANPA_ROLE_SUBTITLE,
    SL_ANPA_ROLE_BYLINE,
    SL_ANPA_ROLE_CREDIT,
    SL_ANPA_ROLE_NOTE,
    SL_ANPA_ROLE_LABEL,
    SL_ANPA_ROLE_PICTURE,
    SL_ANPA_ROLE_SYMBOL,
    SL_ANPA_ROLE_INDEX,
};

struct sl_anpa_head {
    struct sl_anpa *wire;
    struct {
        struct sl_span text;
        enum sl_anpa_role role;
    } line[SL_ANPA_HEAD_MAX];
    uint32_t line_cnt;
    bool has_headline, has_story; /* indented paragraphs follow */
    struct sl_span body;
};

enum sl_anpa_place sl_anpa_place_of(struct sl_span line);
/* Without what ends lines: "<" and "=" for the typesetter, "@" for some agencies' systems, "+" of Kyodo's headline. */
struct sl_span sl_anpa_trim_end(struct sl_span line, const char *marks);
void sl_anpa_read_head(struct sl_anpa_head *head, struct sl_span text);
void sl_anpa_say_head(struct sl_anpa_head *head); /* all but what belongs to the body */

/* ---- anpa1312_text.c ---- */

void sl_anpa_say_text(struct sl_anpa *wire);

#endif
