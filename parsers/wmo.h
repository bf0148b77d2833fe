/* parsers/wmo.h - what the parts of the WMO bulletin parser share.  No one else includes this.
 *
 *     wmo.c          the frame, the heading, identity and time; what kind of message this is
 *     wmo_codes.c    tables: AWIPS products, data types of headings, phenomena of VTEC; urgency
 *     wmo_segment.c  UGC areas, VTEC events, polygons and tracks to places, names and references
 *     wmo_text.c     the lines above the text, headlines, the body
 *
 * Threads   Pure functions; the tables are constant.
 * Owns      All spans borrow the message.
 */
#ifndef SL_PARSERS_WMO_H
#define SL_PARSERS_WMO_H

#include "parsers/parse.h"

/* Of a message's bytes that are said twice, in lists beside the body: see sl_parse_bound. */
#define SL_WMO_TWICE_MAX  6000u
#define SL_WMO_EVENTS_MAX 48u

/* "WFUS53 KICT 150327 CCA" */
struct sl_wmo_heading {
    struct sl_span number; /* the channel's, on the line before */
    struct sl_span ttaaii, office, bbb;
    uint8_t day, hour, minute;
};

enum sl_wmo_nature { SL_WMO_PLAIN, SL_WMO_ALERT, SL_WMO_TEST };

struct sl_wmo_product {
    char code[4];
    uint8_t urgency;
    uint8_t nature; /* enum sl_wmo_nature */
    const char *name;
};

/* "/O.NEW.KICT.TO.W.0035.120415T0327Z-120415T0400Z/" */
struct sl_wmo_event {
    char class, significance;
    char action[3], office[4], phenomenon[2], number[4];
    int64_t begin_s, end_s; /* INT64_MIN: not said */
};

enum sl_wmo_line {
    SL_WMO_WORDS,
    SL_WMO_EMPTY,
    SL_WMO_AREAS, /* UGC */
    SL_WMO_EVENT, /* VTEC */
    SL_WMO_RIVER, /* H-VTEC */
    SL_WMO_FIGURE, /* of a polygon or a track */
    SL_WMO_MARK, /* && = ZCZC NNNN */
    SL_WMO_END, /* $$ */
};

/* Tells lines apart; areas and figures go on over several. */
struct sl_wmo_lines {
    bool in_areas, in_figure;
};

struct sl_wmo {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_wmo_heading heading;
    struct sl_span awips, text;
    enum sl_charset charset;
    const struct sl_wmo_product *product; /* never NULL */
    int64_t created_s;
    uint32_t twice_left;
    /* what the lines above the text say */
    struct sl_span instruction, title, office, local_time;
    struct sl_span text_start; /* the text behind them */
    /* what the segments say */
    bool has_new, has_going_on, has_ended, has_correction, has_test_event, has_alert;
    uint8_t event_urgency;
    int64_t expires_s;
    char event_key[SL_WMO_EVENTS_MAX][24];
    uint32_t event_cnt, place_cnt;
    bool is_surplus; /* places were left out */
};

/* ---- wmo_codes.c ---- */

/* By AWIPS id if there is one, else by the data type of the heading. */
const struct sl_wmo_product *sl_wmo_product_of(struct sl_span awips, struct sl_span ttaaii);
const char *sl_wmo_data_type(struct sl_span ttaaii); /* "Tornado warning"; NULL none that we know */
const char *sl_wmo_phenomenon(const char phenomenon[2]); /* NULL unknown */
const char *sl_wmo_significance(char significance); /* NULL unknown */
uint8_t sl_wmo_event_urgency(const struct sl_wmo_event *event);
bool sl_wmo_event_has_ended(const struct sl_wmo_event *event); /* cancelled, expired, or another has taken its place */
/* Reports in code, each up to its "=", and not text. */
bool sl_wmo_is_coded(struct sl_span ttaaii);

/* ---- wmo_segment.c ---- */

enum sl_wmo_line sl_wmo_line_of(struct sl_wmo_lines *lines, struct sl_span line); /* line: trimmed */
bool sl_wmo_event_read(struct sl_span line, struct sl_wmo_event *event);
/* The most pressing event in text, 0 where there is none. */
uint8_t sl_wmo_urgency_of_events(struct sl_span text);
void sl_wmo_say_segments(struct sl_wmo *story);

/* ---- wmo_text.c ---- */

/* "1027 PM CDT SAT APR 14 2012": seconds as if it were UTC. */
bool sl_wmo_local_time(struct sl_span line, int64_t *local_s);
void sl_wmo_read_top(struct sl_wmo *story);
void sl_wmo_say_text(struct sl_wmo *story);

/* ---- wmo.c ---- */

struct sl_ref sl_wmo_put(struct sl_wmo *story, struct sl_span span);
/* The day of a month nearest to a time; false: no month near has it. */
bool sl_wmo_nearest(uint8_t day, uint8_t hour, uint8_t minute, int64_t near_s, int64_t *s);
/* What the body says, too; nothing when so much was said twice already. */
struct sl_ref sl_wmo_put_again(struct sl_wmo *story, struct sl_span span);

#endif
