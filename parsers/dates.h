/* parsers/dates.h - the times that wires write, to ns since 1970 UTC, with IANA time zones.
 *
 * Life      A zone is read once at start from the bytes of a TZif file that the caller loaded; then it is constant.
 * Threads   Pure functions.
 * Errors    false, or the code that sl_zone_init names.
 * Units     ns since 1970-01-01 UTC; offsets in seconds east.  Leap seconds do not exist (POSIX time).
 * Source    RFC 8536 (TZif, and its footer after POSIX.1-2017 8.3 TZ), ISO 8601, RFC 3339, RFC 5322 3.3 and 4.3.
 */
#ifndef SL_PARSERS_DATES_H
#define SL_PARSERS_DATES_H

#include "parsers/text.h"

#define SL_ZONE_TRANSITIONS_MAX 512u
#define SL_ZONE_TYPES_MAX 64u

struct sl_zone_rule { /* one half of a POSIX footer: when daylight saving starts or ends */
    uint8_t form;     /* 'J', 'N' (day of year without leap days or with), 'M' month.week.day */
    uint8_t month, week, day;
    uint16_t yday;
    int32_t time_s; /* seconds after local midnight; -167 to 167 hours */
};

struct sl_zone {
    char name[48];
    uint32_t transition_cnt;
    uint32_t type_cnt;
    int64_t at[SL_ZONE_TRANSITIONS_MAX]; /* seconds since 1970 UTC */
    uint8_t type[SL_ZONE_TRANSITIONS_MAX];
    int32_t offset_s[SL_ZONE_TYPES_MAX];
    uint8_t first_type;
    bool has_footer, footer_has_dst; /* the footer tells what holds after the last transition */
    int32_t footer_std_s, footer_dst_s;
    struct sl_zone_rule footer_start, footer_end;
};

/* data: the whole TZif file, hostile.  0, -EINVAL not TZif 1 to 4 or with leap seconds, -E2BIG more than the maxima
 * above. */
int sl_zone_init(struct sl_zone *zone, const char *name, const uint8_t *data, size_t len);

int32_t sl_zone_offset_at(const struct sl_zone *zone, int64_t utc_s);
/* A wall-clock time in the zone, in seconds as if it were UTC, to UTC.  In the hour that comes twice the first is
 * meant; in the hour that is skipped the time moves on by the skip. */
int64_t sl_zone_to_utc(const struct sl_zone *zone, int64_t local_s);

/* A set of zones by name, so that formats can ask for the one their agency uses. */
struct sl_zones {
    const struct sl_zone *const *zone;
    uint32_t cnt;
};
const struct sl_zone *sl_zones_find(const struct sl_zones *zones, const char *name, size_t len);

struct sl_civil {
    int32_t year;
    uint8_t month, day, hour, minute, second; /* month and day from 1 */
};

bool sl_civil_valid(const struct sl_civil *civil);
int64_t sl_civil_to_s(const struct sl_civil *civil); /* as if UTC */
/* The same moment in ns.  They reach from 1677 to 2262; what lies beyond is the last moment there: a far embargo stays
 * one. */
int64_t sl_ns_of_s(int64_t s);
void sl_civil_from_s(struct sl_civil *civil, int64_t utc_s);
unsigned sl_weekday(int64_t days_since_1970); /* 0 Sunday */

/* 1-12 for English, German, French, Spanish, Italian month names and their usual short forms; 0 unknown. */
unsigned sl_month_named(const uint8_t *data, uint32_t len);
/* Seconds east for a zone word (GMT, UTC, Z, CET, CEST, AEST ...), +hh, +hhmm, +hh:mm, or UTC+h as people write it.
 * Words that mean different zones in different countries (EST, CST, BST, IST ...) are not here: the agency's zone
 * decides those. */
bool sl_offset_named(const uint8_t *data, uint32_t len, int32_t *offset_s);

enum sl_date_zone { SL_DATE_ZONE_GIVEN, SL_DATE_ZONE_ASSUMED };

/* Any ISO 8601 / RFC 3339 form that wires use, basic or extended: 20130829T135002Z, 2016-04-13 04:52:21+00:00,
 * 2022-07-11 18:33, 2014-11-26.  zone: used where none is given (NULL: UTC).  Whole of data, white space trimmed. */
bool sl_date_iso(const uint8_t *data, uint32_t len, const struct sl_zone *zone, int64_t *ns, enum sl_date_zone *given);
/* RFC 5322 with the two-digit years and zone names that still occur. */
bool sl_date_rfc5322(const uint8_t *data, uint32_t len, const struct sl_zone *zone, int64_t *ns,
                     enum sl_date_zone *given);

#endif
