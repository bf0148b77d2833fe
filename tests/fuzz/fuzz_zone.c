/* Does a hostile TZif file break anything, or make an offset that no place on earth has?  And do the readers of dates
 * survive the same bytes? */
#include <assert.h>
#include "parsers/dates.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define OFFSET_S_MAX (26 * 3600)

static void ask_zone(const struct sl_zone *zone, int64_t utc_s)
{
    int32_t offset_s = sl_zone_offset_at(zone, utc_s);
    assert(offset_s >= -OFFSET_S_MAX && offset_s <= OFFSET_S_MAX);
    int64_t moved_s = sl_zone_to_utc(zone, utc_s);
    if (utc_s > -1000000000000ll && utc_s < 1000000000000ll)
        assert(moved_s - utc_s >= -OFFSET_S_MAX && moved_s - utc_s <= OFFSET_S_MAX);
}

static void read_dates(const struct sl_zone *zone, const uint8_t *data, uint32_t len)
{
    int64_t ns;
    int32_t offset_s;
    enum sl_date_zone given;
    if (sl_date_iso(data, len, zone, &ns, &given))
        assert(ns != SL_TIME_NONE && (given == SL_DATE_ZONE_GIVEN || given == SL_DATE_ZONE_ASSUMED));
    if (sl_date_rfc5322(data, len, zone, &ns, &given))
        assert(ns != SL_TIME_NONE && (given == SL_DATE_ZONE_GIVEN || given == SL_DATE_ZONE_ASSUMED));
    if (sl_offset_named(data, len, &offset_s))
        assert(offset_s >= -24 * 3600 && offset_s <= 24 * 3600);
    assert(sl_month_named(data, len) <= 12);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct sl_zone zone;
    if (len > 65536)
        return 0;
    read_dates(NULL, data, (uint32_t)len);
    if (sl_zone_init(&zone, "fuzz", data, len) != 0)
        return 0;
    for (uint32_t i = 0; i < zone.transition_cnt; i++) {
        ask_zone(&zone, zone.at[i]);
        /* Not beyond the ends of 64 bits, which a file may well name. */
        if (zone.at[i] > INT64_MIN)
            ask_zone(&zone, zone.at[i] - 1);
    }
    for (int64_t year = 1600; year < 2500; year += 9)
        ask_zone(&zone, (year - 1970) * 31556952);
    ask_zone(&zone, INT64_MIN);
    ask_zone(&zone, INT64_MAX);
    read_dates(&zone, (const uint8_t *)"2024-03-31T02:30", 16);
    return 0;
}
