/* parsers/parse.h - a message in some format to the bulletins it says; the table of formats.
 *
 *     sl_parse_init, once
 *     sl_parse_begin --> sl_parse_next --> OK: a bulletin   (again, for the next one)
 *                                     --> END: there are no more
 *                                     --> anything else: a reject, with its place and what was expected
 *
 * Life      A struct sl_parse is the caller's and serves message after message; it remembers nothing between them.
 * Threads   One parse a thread; feeds, zones and formats are constant and shared.
 * Owns      Borrows the message from begin to the last next.  Keeps the scratch memory that init was given, for what
 *           must be unpacked or transcoded before it can be read.  Writes only there and to the bulletin's memory.
 * Errors    enum sl_parse_code with struct sl_parse_err.
 * Units     Offsets in bytes from the start of the message.
 *
 * Pure: no I/O, no clock (arrival_ns is given), no allocation.
 */
#ifndef SL_PARSERS_PARSE_H
#define SL_PARSERS_PARSE_H

#include "parsers/bulletin.h"
#include "parsers/dates.h"
#include "parsers/profile.h"
#include "parsers/text.h"

enum sl_parse_code {
    SL_PARSE_OK,
    SL_PARSE_END, /* no more bulletins; at once: the message says none (a heartbeat) */
    SL_PARSE_CUT, /* the message ends before it should */
    SL_PARSE_BAD_FRAME, /* not this format at all */
    SL_PARSE_BAD_HEADER,
    SL_PARSE_BAD_TEXT,
    SL_PARSE_TOO_LARGE, /* does not fit into what out was given: more than the configured bounds */
    SL_PARSE_TOO_DEEP,
    SL_PARSE_REFUSED, /* crashed us before, or is forbidden (an entity declaration) */
    SL_PARSE_CODE_CNT,
};

const char *sl_parse_code_name(unsigned code); /* "bad_header" ... */

struct sl_parse_err {
    enum sl_parse_code code;
    uint32_t off;
    const char *want; /* a literal: what was expected there */
};

enum sl_format_id {
    SL_FORMAT_NONE = 0,
    SL_FORMAT_IPTC7901 = 1,
    SL_FORMAT_TEXT = 2,
    SL_FORMAT_NITF = 3,
    SL_FORMAT_ANPA1312 = 4,
    SL_FORMAT_NEWSMLG2 = 5,
    SL_FORMAT_NEWSML1 = 6,
    SL_FORMAT_NINJS = 7,
    SL_FORMAT_APMEDIA = 8,
    SL_FORMAT_RSS = 9,
    SL_FORMAT_ATOM = 10,
    SL_FORMAT_RFC822 = 11,
    SL_FORMAT_ZCZC = 12,
    SL_FORMAT_WMO = 13,
    SL_FORMAT_CAP = 14,
    SL_FORMAT_FIXNEWS = 15,
    SL_FORMAT_MRN = 16,
    SL_FORMAT_RITZAU = 17,
    SL_FORMAT_PRS = 18,
    SL_FORMAT_RESULTS = 19,
    SL_FORMAT_CNT,
};

enum sl_lane { SL_LANE_FLASH, SL_LANE_URGENT, SL_LANE_NORMAL, SL_LANE_BULK, SL_LANE_CNT };
const char *sl_lane_name(unsigned lane);
/* IPTC urgency to lane: 1 FLASH, 2 URGENT, 3-5 and unknown NORMAL, 6-9 BULK. */
enum sl_lane sl_lane_of_urgency(unsigned urgency);

/* What the configuration says of the feed.  Constant while the walk runs; strings end with NUL. */
struct sl_feed_facts {
    const char *provider; /* where the message does not say; NULL: nobody says */
    const char *language; /* BCP 47, where the message does not say; NULL: nobody says */
    const struct sl_zone *zone; /* of times without one; NULL: the agency's own where known, else UTC, assumed */
    enum sl_charset charset; /* the label to believe where the message has none */
    const struct sl_profile *profile; /* the agency's dialect; NULL: chosen by the provider that a message names */
    const struct sl_profiles *profiles; /* of which; NULL: there are none */
    const struct sl_zones *zones; /* in which the agencies' own are found; NULL: none is */
};

struct sl_format;

struct sl_parse {
    const struct sl_format *format;
    const struct sl_feed_facts *feed;
    const struct sl_profile *profile; /* the feed's, or chosen once the message has named its agency; NULL: none */
    const char *profile_why; /* behind its name, in a note */
    bool zone_unknown; /* somebody asked for the zone of times without one, and nobody knew */
    const uint8_t *data;
    uint32_t len;
    int64_t arrival_ns; /* completes dates that lack year or month */
    uint32_t cursor; /* the format's: where the next bulletin starts */
    uint32_t bulletin_idx;
    struct sl_parse_err err;
    struct sl_text_stats text;
    struct sl_scratch { /* empty at begin; a format that takes for a while puts used back */
        uint8_t *mem;
        uint32_t cap, used;
    } scratch;
    struct sl_out out;
};

struct sl_format {
    uint16_t id;
    const char *name; /* as in the configuration */
    const char *source; /* standard and section */
    /* 0: surely not; 100: surely.  Looks at the first bytes only. */
    int (*recognize)(const uint8_t *data, uint32_t len);
    /* Urgency 1-9 from the first bytes, 0 when they do not tell: for the lane, before anything is parsed.  A priority
     * letter that the format does not know is given as it is, in lower case: a profile may know it.  NULL: they never
     * tell, or what does stands too far behind. */
    unsigned (*peek_urgency)(const uint8_t *data, uint32_t len);
    enum sl_parse_code (*next)(struct sl_parse *parse);
    /* The priority letter, in lower case, where only a profile says in which line it stands; 0: there is none.  NULL:
     * it stands in the same place for all. */
    unsigned (*peek_letter)(const struct sl_profile *profile, const uint8_t *data, uint32_t len);
};

extern const struct sl_format *const sl_formats[]; /* ends with NULL */
const struct sl_format *sl_format_named(const char *name, size_t len); /* NULL unknown; "auto" is not a format */
const struct sl_format *sl_format_by_id(unsigned id);
/* The format these bytes most likely are; the plain text format when nothing better. */
const struct sl_format *sl_format_recognize(const uint8_t *data, uint32_t len);
/* format NULL: recognized first.  profile: the feed's, which knows priority letters of its own; NULL: one that the
 * message's agency chooses is not known yet, and the lane of its letters is NORMAL. */
enum sl_lane sl_peek_lane_by(const struct sl_format *format, const struct sl_profile *profile, const uint8_t *data,
                             uint32_t len);
enum sl_lane sl_peek_lane(const struct sl_format *format, const uint8_t *data, uint32_t len); /* without a profile */

/* The zones that formats know their agencies by: a program loads them at start.  Ends with NULL. */
extern const char *const sl_format_zones[];

/* An upper bound of the scratch that a message this long may want: a packed one that unpacks to more is refused. */
uint32_t sl_parse_scratch_bound(uint32_t message_len);
/* Once; mem (8-aligned, cap bytes) is the parse's from then on.  A zeroed struct sl_parse is one without scratch. */
void sl_parse_init(struct sl_parse *parse, void *mem, uint32_t cap);
/* Starts on a message.  format NULL: recognized. */
void sl_parse_begin(struct sl_parse *parse, const struct sl_format *format, const struct sl_feed_facts *feed,
                    const uint8_t *data, uint32_t len, int64_t arrival_ns);
/* Writes the next bulletin to mem (8-aligned, cap bytes).  OK: *bulletin_len is set. */
enum sl_parse_code sl_parse_next(struct sl_parse *parse, void *mem, uint32_t cap, uint32_t *bulletin_len);
/* An upper bound of one bulletin of a message this long, and no less than SL_BULLETIN_LEN_MIN: what a caller claims. */
uint32_t sl_parse_bound(uint32_t message_len);

/* For people: line and column, from 1, of an offset. */
void sl_parse_locate(const uint8_t *data, uint32_t len, uint32_t off, uint32_t *line, uint32_t *column);

/* ---- for formats ---- */

/* len bytes, 8-aligned, until used is put back or the message ends; NULL when there are not so many. */
uint8_t *sl_scratch_take(struct sl_parse *parse, uint32_t len);
/* Sets err and returns code. */
enum sl_parse_code sl_reject(struct sl_parse *parse, enum sl_parse_code code, uint32_t off, const char *want);
/* What the message's characters are, by the order of belief; said in the bulletin.  *data loses a byte-order mark. */
enum sl_charset sl_parse_charset(struct sl_parse *parse, struct sl_span *data);
/* The profile of the agency that the message names; the feed's own where it has one.  A format that knows the name
 * early says it, and then its words are labels too; else the bulletin's provider chooses when it is complete. */
const struct sl_profile *sl_parse_choose_profile(struct sl_parse *parse, struct sl_slice provider);
/* The zone of times without one: the feed's, else the profile's, else the named one of the agency's; NULL: nobody
 * knows, and UTC is assumed, unless a profile that is chosen later knows better. */
const struct sl_zone *sl_parse_zone(struct sl_parse *parse, const char *agency);

#endif
