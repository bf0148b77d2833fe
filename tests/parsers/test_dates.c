/* parsers/dates: civil time, zones against the C library's reading of the same files, the dates that wires write. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "parsers/dates.h"

#define CNT(array)        (sizeof(array) / sizeof *(array))
#define ZONE_FILE_LEN_MAX 65536u
#define HOUR_S            3600
#define DAY_S             86400

static int64_t utc(int32_t year, unsigned month, unsigned day, unsigned hour, unsigned minute, unsigned second)
{
    struct sl_civil civil = { year, (uint8_t)month, (uint8_t)day, (uint8_t)hour, (uint8_t)minute, (uint8_t)second };
    return sl_civil_to_s(&civil);
}

static size_t load_zone_file(const char *name, uint8_t *data)
{
    char path[128];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *file = fopen(path, "rb");
    if (!file)
        cr_skip_test("no zone files on this host: %s", path);
    size_t len = fread(data, 1, ZONE_FILE_LEN_MAX, file);
    fclose(file);
    return len;
}

static const struct sl_zone *load_zone(const char *name)
{
    static uint8_t data[ZONE_FILE_LEN_MAX];
    static struct sl_zone zone;
    size_t len = load_zone_file(name, data);
    cr_assert_eq(sl_zone_init(&zone, name, data, len), 0, "%s", name);
    return &zone;
}

/* ---- civil time ---- */

Test(civil, seconds_and_fields_agree_with_the_c_library)
{
    for (int64_t s = -70000000000; s < 200000000000; s += 86400 * 11 + 7919) {
        time_t t = s;
        struct tm tm;
        struct sl_civil civil;
        gmtime_r(&t, &tm);
        sl_civil_from_s(&civil, s);
        cr_assert_eq(civil.year, tm.tm_year + 1900, "%lld", (long long)s);
        cr_assert_eq(civil.month, tm.tm_mon + 1);
        cr_assert_eq(civil.day, tm.tm_mday);
        cr_assert_eq(civil.hour * HOUR_S + civil.minute * 60 + civil.second,
                     tm.tm_hour * HOUR_S + tm.tm_min * 60 + tm.tm_sec);
        cr_assert_eq(sl_civil_to_s(&civil), s);
        cr_assert(sl_civil_valid(&civil));
        cr_assert_eq(sl_weekday((s - (s % DAY_S + DAY_S) % DAY_S) / DAY_S), (unsigned)tm.tm_wday);
    }
}

Test(civil, impossible_dates_are_not_valid)
{
    static const struct {
        struct sl_civil civil;
        bool valid;
    } rows[] = {
        { { 2024, 2, 29, 0, 0, 0 }, true },  { { 2023, 2, 29, 0, 0, 0 }, false },   { { 2000, 2, 29, 0, 0, 0 }, true },
        { { 1900, 2, 29, 0, 0, 0 }, false }, { { 2024, 4, 30, 23, 59, 59 }, true }, { { 2024, 4, 31, 0, 0, 0 }, false },
        { { 2024, 0, 1, 0, 0, 0 }, false },  { { 2024, 13, 1, 0, 0, 0 }, false },   { { 2024, 1, 0, 0, 0, 0 }, false },
        { { 2024, 1, 32, 0, 0, 0 }, false }, { { 2024, 1, 1, 24, 0, 0 }, false },   { { 2024, 1, 1, 0, 60, 0 }, false },
        { { 2024, 1, 1, 0, 0, 60 }, false },
    };
    for (size_t i = 0; i < CNT(rows); i++)
        cr_expect_eq(sl_civil_valid(&rows[i].civil), rows[i].valid, "row %zu", i);
}

/* ---- zones against the C library ---- */

/* Both hemispheres, half hours, changes that are over, offsets that moved over the date line, negative daylight saving,
 * and rules that no POSIX footer can say (Casablanca). */
static const char *const zone_names[] = {
    "UTC",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Berlin",
    "Europe/Moscow",
    "Europe/Istanbul",
    "America/New_York",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/St_Johns",
    "America/Nuuk",
    "Africa/Casablanca",
    "Africa/Johannesburg",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Asia/Jerusalem",
    "Australia/Sydney",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Apia",
};

static int32_t library_offset_at(int64_t utc_s)
{
    time_t t = utc_s;
    struct tm tm;
    localtime_r(&t, &tm);
    return (int32_t)tm.tm_gmtoff;
}

static void use_library_zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

/* Every day at another hour from 1971 to 2045: beyond the end of every table, where only the footer knows. */
Test(zone, offsets_agree_with_the_c_library)
{
    for (size_t i = 0; i < CNT(zone_names); i++) {
        const struct sl_zone *zone = load_zone(zone_names[i]);
        use_library_zone(zone_names[i]);
        for (int64_t s = utc(1971, 1, 1, 0, 0, 0); s < utc(2045, 1, 1, 0, 0, 0); s += DAY_S + 1741) {
            cr_assert_eq(sl_zone_offset_at(zone, s), library_offset_at(s), "%s at %lld: %d, not %d", zone_names[i],
                         (long long)s, sl_zone_offset_at(zone, s), library_offset_at(s));
        }
    }
}

/* The very second of each change, and the one before it. */
Test(zone, changes_come_at_the_same_second_as_in_the_c_library)
{
    for (size_t i = 0; i < CNT(zone_names); i++) {
        const struct sl_zone *zone = load_zone(zone_names[i]);
        use_library_zone(zone_names[i]);
        unsigned change_cnt = 0;
        int64_t end = utc(2045, 1, 1, 0, 0, 0);
        for (int64_t s = utc(2000, 1, 1, 0, 0, 0); s < end; s += 7 * DAY_S) {
            int64_t low = s, high = s + 7 * DAY_S;
            if (library_offset_at(low) == library_offset_at(high))
                continue;
            while (high - low > 1) {
                int64_t middle = low + (high - low) / 2;
                if (library_offset_at(middle) == library_offset_at(low))
                    low = middle;
                else
                    high = middle;
            }
            change_cnt++;
            cr_assert_eq(sl_zone_offset_at(zone, low), library_offset_at(low), "%s before %lld", zone_names[i],
                         (long long)high);
            cr_assert_eq(sl_zone_offset_at(zone, high), library_offset_at(high), "%s at %lld", zone_names[i],
                         (long long)high);
        }
        if (strcmp(zone_names[i], "Europe/Berlin") == 0 || strcmp(zone_names[i], "Australia/Sydney") == 0)
            cr_expect_eq(change_cnt, 90, "%s changes twice a year: %u", zone_names[i], change_cnt);
    }
}

/* What the header promises, worked out from the C library's offsets alone: the first instant that shows this wall-clock
 * time; and if none does, the wall-clock time read with the offset before the skip. */
static int64_t library_to_utc(int64_t local_s)
{
    for (int64_t s = local_s - 15 * HOUR_S; s <= local_s + 15 * HOUR_S; s += 900) {
        if (s + library_offset_at(s) == local_s)
            return s;
    }
    return local_s - library_offset_at(local_s - DAY_S);
}

Test(zone, wall_clock_times_become_the_first_instant_that_shows_them)
{
    for (size_t i = 0; i < CNT(zone_names); i++) {
        const struct sl_zone *zone = load_zone(zone_names[i]);
        use_library_zone(zone_names[i]);
        for (int64_t s = utc(2022, 1, 1, 0, 0, 0); s < utc(2031, 1, 1, 0, 0, 0); s += 12 * DAY_S) {
            /* Around a change every half hour; elsewhere once. */
            bool changes = library_offset_at(s) != library_offset_at(s + 12 * DAY_S);
            for (int64_t local_s = s; local_s < s + (changes ? 13 * DAY_S : 1); local_s += 1800)
                cr_assert_eq(sl_zone_to_utc(zone, local_s), library_to_utc(local_s), "%s: %lld", zone_names[i],
                             (long long)local_s);
        }
    }
}

Test(zone, the_hour_that_comes_twice_and_the_hour_that_is_skipped)
{
    static const struct {
        const char *zone;
        int32_t year;
        unsigned month, day, hour, minute; /* on the wall */
        int32_t offset_s; /* that it is read with */
    } rows[] = {
        { "Europe/Berlin", 2024, 10, 27, 1, 59, 2 * HOUR_S },
        { "Europe/Berlin", 2024, 10, 27, 2, 30, 2 * HOUR_S }, /* comes twice */
        { "Europe/Berlin", 2024, 10, 27, 3, 0, 1 * HOUR_S },
        { "Europe/Berlin", 2024, 3, 31, 1, 59, 1 * HOUR_S },
        { "Europe/Berlin", 2024, 3, 31, 2, 30, 1 * HOUR_S }, /* skipped */
        { "Europe/Berlin", 2024, 3, 31, 3, 0, 2 * HOUR_S },
        { "Australia/Sydney", 2025, 4, 6, 2, 30, 11 * HOUR_S }, /* comes twice */
        { "Australia/Sydney", 2025, 10, 5, 2, 30, 10 * HOUR_S }, /* skipped */
        { "America/New_York", 2044, 11, 6, 1, 30, -4 * HOUR_S }, /* comes twice, by the footer */
        { "America/New_York", 2044, 3, 13, 2, 30, -5 * HOUR_S }, /* skipped, by the footer */
        { "Pacific/Apia", 2011, 12, 30, 12, 0, -10 * HOUR_S }, /* a whole day that never was */
        { "Asia/Kolkata", 2025, 6, 1, 12, 0, 5 * HOUR_S + 1800 },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        int64_t local_s = utc(rows[i].year, rows[i].month, rows[i].day, rows[i].hour, rows[i].minute, 0);
        int64_t got = sl_zone_to_utc(load_zone(rows[i].zone), local_s);
        cr_expect_eq(local_s - got, rows[i].offset_s, "row %zu, %s: %lld", i, rows[i].zone, (long long)(local_s - got));
    }
}

Test(zone, is_found_by_its_whole_name)
{
    static struct sl_zone berlin = { .name = "Europe/Berlin" }, utc_zone = { .name = "UTC" };
    const struct sl_zone *const zone[] = { &utc_zone, &berlin };
    struct sl_zones zones = { zone, 2 };
    cr_expect_eq(sl_zones_find(&zones, "Europe/Berlin!", 13), &berlin);
    cr_expect_null(sl_zones_find(&zones, "Europe/Berlin", 6));
    cr_expect_null(sl_zones_find(&zones, "europe/berlin", 13));
    cr_expect_null(sl_zones_find(NULL, "UTC", 3));
}

/* ---- zones made here, right and wrong ---- */

struct made_file {
    uint8_t data[8192];
    size_t len;
};

static void add_bytes(struct made_file *file, const void *data, size_t len)
{
    memcpy(file->data + file->len, data, len);
    file->len += len;
}

static void add_number(struct made_file *file, uint64_t number, unsigned len)
{
    while (len-- > 0)
        file->data[file->len++] = (uint8_t)(number >> (8 * len));
}

struct made_zone {
    char version;
    uint32_t leap_cnt, transition_cnt, type_cnt, isstd_cnt;
    int64_t first_at, step;
    int32_t offset_s;
    uint8_t type;
    const char *footer;
};

static void add_header(struct made_file *file, const struct made_zone *made)
{
    uint32_t cnts[] = { 0, made->isstd_cnt, made->leap_cnt, made->transition_cnt, made->type_cnt, 4 };
    add_bytes(file, "TZif", 4);
    add_number(file, (uint8_t)made->version, 1);
    add_number(file, 0, 8);
    add_number(file, 0, 7);
    for (size_t i = 0; i < CNT(cnts); i++)
        add_number(file, cnts[i], 4);
}

static void add_block(struct made_file *file, const struct made_zone *made, unsigned time_len)
{
    for (uint32_t i = 0; i < made->transition_cnt; i++)
        add_number(file, (uint64_t)(made->first_at + i * made->step), time_len);
    for (uint32_t i = 0; i < made->transition_cnt; i++)
        add_number(file, made->type, 1);
    for (uint32_t i = 0; i < made->type_cnt; i++) {
        add_number(file, (uint32_t)made->offset_s, 4);
        add_number(file, 0, 2);
    }
    add_bytes(file, "XYZ", 4);
    for (uint32_t i = 0; i < made->leap_cnt; i++) {
        add_number(file, 0, time_len);
        add_number(file, 0, 4);
    }
    for (uint32_t i = 0; i < made->isstd_cnt; i++)
        add_number(file, 0, 1);
}

static struct made_file make_file(const struct made_zone *made)
{
    struct made_file file = { .len = 0 };
    add_header(&file, made);
    add_block(&file, made, 4);
    if (made->version == 0)
        return file;
    add_header(&file, made);
    add_block(&file, made, 8);
    add_bytes(&file, "\n", 1);
    add_bytes(&file, made->footer, strlen(made->footer));
    add_bytes(&file, "\n", 1);
    return file;
}

static const struct made_zone plain_zone = { .version = '2',
                                             .transition_cnt = 3,
                                             .type_cnt = 2,
                                             .first_at = 1000,
                                             .step = 1000,
                                             .offset_s = 3600,
                                             .type = 1,
                                             .footer = "XYZ-1" };

Test(zone, refuses_what_is_no_zone)
{
    static struct sl_zone zone;
    struct made_zone made = plain_zone;
    static const struct {
        const char *name;
        struct made_zone change; /* fields that are set replace those of plain_zone */
        int want;
    } rows[] = {
        { "plain", { .version = '2' }, 0 },
        { "version 1", { .version = 1 }, 0 }, /* 1 stands for the NUL of the file */
        { "version 3", { .version = '3' }, 0 },
        { "version 4", { .version = '4' }, 0 },
        { "version 5", { .version = '5' }, -EINVAL },
        { "version x", { .version = 'x' }, -EINVAL },
        { "leap seconds", { .leap_cnt = 1 }, -EINVAL },
        { "a type that is not there", { .type = 2 }, -EINVAL },
        { "times that fall", { .step = -1 }, -EINVAL },
        { "offset of a day and more", { .offset_s = 27 * HOUR_S }, -EINVAL },
        { "offset of a week west", { .offset_s = -7 * DAY_S }, -EINVAL },
        { "most transitions", { .transition_cnt = SL_ZONE_TRANSITIONS_MAX }, 0 },
        { "too many transitions", { .transition_cnt = SL_ZONE_TRANSITIONS_MAX + 1 }, -E2BIG },
        { "most types", { .type_cnt = SL_ZONE_TYPES_MAX }, 0 },
        { "too many types", { .type_cnt = SL_ZONE_TYPES_MAX + 1 }, -E2BIG },
        { "flags for each type", { .isstd_cnt = 2 }, 0 },
        { "flags for some", { .isstd_cnt = 1 }, -EINVAL },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        const struct made_zone *change = &rows[i].change;
        made = plain_zone;
        made.version = change->version == 1 ? 0 : change->version ? change->version : made.version;
        made.leap_cnt = change->leap_cnt ? change->leap_cnt : made.leap_cnt;
        made.transition_cnt = change->transition_cnt ? change->transition_cnt : made.transition_cnt;
        made.type_cnt = change->type_cnt ? change->type_cnt : made.type_cnt;
        made.isstd_cnt = change->isstd_cnt ? change->isstd_cnt : made.isstd_cnt;
        made.step = change->step ? change->step : made.step;
        made.offset_s = change->offset_s ? change->offset_s : made.offset_s;
        made.type = change->type ? change->type : made.type;
        struct made_file file = make_file(&made);
        cr_expect_eq(sl_zone_init(&zone, "made", file.data, file.len), rows[i].want, "%s", rows[i].name);
    }
}

Test(zone, refuses_every_file_that_was_cut_short)
{
    static struct sl_zone zone;
    struct made_file file = make_file(&plain_zone);
    for (size_t len = 0; len < file.len; len++) {
        uint8_t *copy = malloc(len != 0 ? len : 1);
        cr_assert_not_null(copy);
        memcpy(copy, file.data, len);
        cr_assert_eq(sl_zone_init(&zone, "cut", copy, len), -EINVAL, "%zu bytes", len);
        free(copy);
    }
    cr_expect_eq(sl_zone_init(&zone, "whole", file.data, file.len), 0);
}

Test(zone, refuses_counts_that_no_file_could_hold)
{
    static struct sl_zone zone;
    for (size_t cnt_off = 20; cnt_off < 44; cnt_off += 4) {
        struct made_file file = make_file(&plain_zone);
        memset(file.data + cnt_off, 0xff, 4);
        cr_expect_eq(sl_zone_init(&zone, "huge", file.data, file.len), -EINVAL, "count at %zu", cnt_off);
    }
}

Test(zone, refuses_a_name_longer_than_its_room)
{
    static struct sl_zone zone;
    struct made_file file = make_file(&plain_zone);
    const char *name = "Somewhere/A_name_of_more_than_forty_seven_characters";
    cr_expect_eq(sl_zone_init(&zone, name, file.data, file.len), -E2BIG);
    cr_expect_eq(sl_zone_init(&zone, name + 10, file.data, file.len), 0);
    cr_expect_str_eq(zone.name, "A_name_of_more_than_forty_seven_characters");
}

Test(zone, footers_are_read_as_posix_says)
{
    static const struct {
        const char *footer;
        int err;
        int32_t january_s, july_s; /* offsets in 2030 */
    } rows[] = {
        { "", 0, 3600, 3600 }, /* nothing known: the last offset of the table stays */
        { "UTC0", 0, 0, 0 },
        { "CET-1CEST,M3.5.0,M10.5.0/3", 0, 1 * HOUR_S, 2 * HOUR_S },
        { "EST5EDT,M3.2.0,M11.1.0", 0, -5 * HOUR_S, -4 * HOUR_S },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", 0, 11 * HOUR_S, 10 * HOUR_S },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", 0, 0, 1 * HOUR_S },
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 0, 11 * HOUR_S, 10 * HOUR_S + 1800 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", 0, -2 * HOUR_S, -1 * HOUR_S },
        { "XYZ-1:02:03", 0, 3723, 3723 },
        { "XXX3YYY2,J60,J300/26:30:30", 0, -3 * HOUR_S, -2 * HOUR_S },
        { "XXX3YYY2,0/0,J365/25", 0, -2 * HOUR_S, -2 * HOUR_S }, /* RFC 8536, 3.3.1: daylight saving all the year */
        { "XXX3YYY2,M3.4.4/50,M10.4.4/-167", 0, -3 * HOUR_S, -2 * HOUR_S },
        { "CET", -EINVAL, 0, 0 },
        { "CE-1", -EINVAL, 0, 0 },
        { "-1", -EINVAL, 0, 0 },
        { "CET-25", -EINVAL, 0, 0 },
        { "CET-1:60", -EINVAL, 0, 0 },
        { "CET-1CEST", -EINVAL, 0, 0 }, /* TZif wants the rules */
        { "CET-1CEST,M3.5.0", -EINVAL, 0, 0 },
        { "CET-1CEST,M13.5.0,M10.5.0", -EINVAL, 0, 0 },
        { "CET-1CEST,M3.6.0,M10.5.0", -EINVAL, 0, 0 },
        { "CET-1CEST,M3.5.7,M10.5.0", -EINVAL, 0, 0 },
        { "CET-1CEST,J0,J300", -EINVAL, 0, 0 },
        { "CET-1CEST,J366,J300", -EINVAL, 0, 0 },
        { "CET-1CEST,M3.5.0/168,M10.5.0", -EINVAL, 0, 0 },
        { "CET-1CEST,M3.5.0,M10.5.0,", -EINVAL, 0, 0 },
        { "CET-1CEST,M3.5.0,M99999999999.5.0", -EINVAL, 0, 0 },
        { "<+01-1", -EINVAL, 0, 0 },
        { "CET-1 ", -EINVAL, 0, 0 },
    };
    static struct sl_zone zone;
    for (size_t i = 0; i < CNT(rows); i++) {
        struct made_zone made = plain_zone;
        made.footer = rows[i].footer;
        struct made_file file = make_file(&made);
        int err = sl_zone_init(&zone, "made", file.data, file.len);
        cr_expect_eq(err, rows[i].err, "%s", rows[i].footer);
        if (err || rows[i].err)
            continue;
        int32_t january_s = sl_zone_offset_at(&zone, utc(2030, 1, 15, 12, 0, 0));
        int32_t july_s = sl_zone_offset_at(&zone, utc(2030, 7, 15, 12, 0, 0));
        cr_expect_eq(january_s, rows[i].january_s, "%s: %d in January", rows[i].footer, january_s);
        cr_expect_eq(july_s, rows[i].july_s, "%s: %d in July", rows[i].footer, july_s);
    }
}

/* J60 is 1 March in every year; 59 without J is 29 February in a leap year. */
Test(zone, days_of_the_year_count_leap_days_or_do_not)
{
    static const struct {
        const char *footer;
        int32_t year;
        unsigned month, day;
    } rows[] = {
        { "XXX0YYY,J60/0,J300", 2028, 3, 1 },  { "XXX0YYY,J60/0,J300", 2027, 3, 1 },
        { "XXX0YYY,J59/0,J300", 2028, 2, 28 }, { "XXX0YYY,59/0,J300", 2028, 2, 29 },
        { "XXX0YYY,59/0,J300", 2027, 3, 1 },
    };
    static struct sl_zone zone;
    for (size_t i = 0; i < CNT(rows); i++) {
        struct made_zone made = plain_zone;
        made.footer = rows[i].footer;
        struct made_file file = make_file(&made);
        cr_assert_eq(sl_zone_init(&zone, "made", file.data, file.len), 0);
        int64_t start = utc(rows[i].year, rows[i].month, rows[i].day, 0, 0, 0);
        cr_expect_eq(sl_zone_offset_at(&zone, start - 1), 0, "row %zu", i);
        cr_expect_eq(sl_zone_offset_at(&zone, start), HOUR_S, "row %zu", i);
    }
}

Test(zone, answers_for_any_second_there_is)
{
    const struct sl_zone *zone = load_zone("Europe/Berlin");
    cr_expect_leq(abs(sl_zone_offset_at(zone, INT64_MIN)), 2 * HOUR_S);
    cr_expect_leq(abs(sl_zone_offset_at(zone, INT64_MAX)), 2 * HOUR_S);
    sl_zone_to_utc(zone, INT64_MIN);
    sl_zone_to_utc(zone, INT64_MAX);
}

/* ---- words ---- */

Test(month, is_known_in_five_languages)
{
    static const struct {
        const char *word;
        unsigned want;
    } rows[] = {
        { "Jan", 1 },
        { "JANUARY", 1 },
        { "Januar", 1 },
        { "J\u00e4nner", 1 },
        { "janvier", 1 },
        { "enero", 1 },
        { "gennaio", 1 },
        { "Feb.", 2 },
        { "f\u00e9vrier", 2 },
        { "F\xe9vr.", 2 },
        { "febbraio", 2 },
        { "M\u00e4rz", 3 },
        { "M\xe4rz", 3 },
        { "M\xc4RZ", 3 },
        { "M\u00c4RZ", 3 },
        { "Maerz", 3 },
        { "Mrz", 3 },
        { "M\u00e4r", 3 },
        { "mars", 3 },
        { "marzo", 3 },
        { "Apr", 4 },
        { "avril", 4 },
        { "abr", 4 },
        { "Mai", 5 },
        { "May", 5 },
        { "maggio", 5 },
        { "Juni", 6 },
        { "juin", 6 },
        { "giugno", 6 },
        { "Juli", 7 },
        { "juillet", 7 },
        { "luglio", 7 },
        { "ao\u00fbt", 8 },
        { "ao\xfbt", 8 },
        { "agosto", 8 },
        { "Sept", 9 },
        { "Sept.", 9 },
        { "setiembre", 9 },
        { "settembre", 9 },
        { "Okt", 10 },
        { "ottobre", 10 },
        { "Nov", 11 },
        { "noviembre", 11 },
        { "dec", 12 },
        { "Dez", 12 },
        { "D\u00e9c.", 12 },
        { "d\xe9"
          "cembre",
          12 },
        { "dic", 12 },
        { "", 0 },
        { ".", 0 },
        { "J", 0 },
        { "Ja", 0 },
        { "Janu", 0 },
        { "jan feb", 0 },
        { " jan", 0 },
        { "Marsch", 0 },
        { "M\u00f6rz", 0 },
        { "M\xc3", 0 },
        { "januaryjanuaryjanuary", 0 },
        { "12", 0 },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        unsigned got = sl_month_named((const uint8_t *)rows[i].word, (uint32_t)strlen(rows[i].word));
        cr_expect_eq(got, rows[i].want, "%s: %u", rows[i].word, got);
    }
}

Test(offset, words_of_one_meaning_and_numbers_are_known)
{
    static const struct {
        const char *word;
        bool known;
        int32_t want;
    } rows[] = {
        { "GMT", true, 0 },
        { "utc", true, 0 },
        { "Z", true, 0 },
        { "CET", true, 1 * HOUR_S },
        { "MESZ", true, 2 * HOUR_S },
        { "AEST", true, 10 * HOUR_S },
        { "ACDT", true, 10 * HOUR_S + 1800 },
        { " JST ", true, 9 * HOUR_S },
        { "+0130", true, 5400 },
        { "-03:30", true, -12600 },
        { "+05", true, 5 * HOUR_S },
        { "-00:00", true, 0 },
        { "+14:00", true, 14 * HOUR_S },
        { "GMT+2", true, 2 * HOUR_S },
        { "UTC -05:00", true, -5 * HOUR_S },
        { "EST", false, 0 }, /* New York's, or Sydney's */
        { "BST", false, 0 },
        { "IST", false, 0 },
        { "", false, 0 },
        { "+", false, 0 },
        { "+5", false, 0 },
        { "+24:00", false, 0 },
        { "+01:60", false, 0 },
        { "+1:30", false, 0 },
        { "+01:3", false, 0 },
        { "+01300", false, 0 },
        { "+013", false, 0 },
        { "0100", false, 0 },
        { "GMTX", false, 0 },
        { "+01:00 x", false, 0 },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        int32_t got = -1;
        bool known = sl_offset_named((const uint8_t *)rows[i].word, (uint32_t)strlen(rows[i].word), &got);
        cr_expect_eq(known, rows[i].known, "%s", rows[i].word);
        if (known && rows[i].known)
            cr_expect_eq(got, rows[i].want, "%s: %d", rows[i].word, got);
    }
}

/* ---- dates ---- */

struct date_case {
    const char *text;
    const char *want; /* in UTC, as the C library reads it; NULL: refused */
    int64_t more_ns; /* beyond the second */
    bool assumed; /* no zone is given, and Berlin's is used */
};

static const struct date_case iso_cases[] = {
    { "20130829T135002Z", "2013-08-29 13:50:02", 0, false },
    { "2016-04-13 04:52:21+00:00", "2016-04-13 04:52:21", 0, false },
    { "2022-07-11 18:33", "2022-07-11 16:33:00", 0, true },
    { "2022-01-11 18:33", "2022-01-11 17:33:00", 0, true },
    { "2014-11-26", "2014-11-25 23:00:00", 0, true },
    { "20141126", "2014-11-25 23:00:00", 0, true },
    { "2014-11-26Z", "2014-11-26 00:00:00", 0, false },
    { "2014-11-26-05:00", "2014-11-26 05:00:00", 0, false },
    { "20130829T135002+0200", "2013-08-29 11:50:02", 0, false },
    { "20130829T1350Z", "2013-08-29 13:50:00", 0, false },
    { "2013-08-29t13:50:02z", "2013-08-29 13:50:02", 0, false },
    { "2013-08-29T135002Z", "2013-08-29 13:50:02", 0, false },
    { "20130829 13:50:02 +0200", "2013-08-29 11:50:02", 0, false },
    { "2013-08-29T13:50:02.25Z", "2013-08-29 13:50:02", 250000000, false },
    { "2013-08-29T13:50:02,123456789987Z", "2013-08-29 13:50:02", 123456789, false },
    { "  2013-08-29T13:50:02Z\r\n", "2013-08-29 13:50:02", 0, false },
    { "2013-08-29T13:50:02 GMT", "2013-08-29 13:50:02", 0, false },
    { "2013-08-29T13:50:02-03:30", "2013-08-29 17:20:02", 0, false },
    { "2013-08-29T24:00:00Z", "2013-08-30 00:00:00", 0, false },
    { "2016-12-31T23:59:60Z", "2017-01-01 00:00:00", 0, false },
    { "2024-02-29T00:00:00Z", "2024-02-29 00:00:00", 0, false },
    { "1969-12-31T23:59:59.5Z", "1969-12-31 23:59:59", 500000000, false },
    { "2024-10-27T02:30:00", "2024-10-27 00:30:00", 0, true },
    { "2024-03-31T02:30:00", "2024-03-31 01:30:00", 0, true },
    { "", NULL, 0, false },
    { "2013", NULL, 0, false },
    { "2013-08", NULL, 0, false },
    { "2013-8-29", NULL, 0, false },
    { "2013-0829", NULL, 0, false },
    { "2013-W35-4", NULL, 0, false },
    { "2013-08-29T", NULL, 0, false },
    { "2013-08-29T13", NULL, 0, false },
    { "2013-08-29T13:5", NULL, 0, false },
    { "2013-08-29T13:50:", NULL, 0, false },
    { "2013-08-29T13:50:02.", NULL, 0, false },
    { "2013-08-29T13:50:02.Z", NULL, 0, false },
    { "2013-08-29T13:50:021Z", NULL, 0, false },
    { "2013-08-29T1350021Z", NULL, 0, false },
    { "2013-08-29T25:00:00Z", NULL, 0, false },
    { "2013-08-29T24:00:01Z", NULL, 0, false },
    { "2013-08-29T13:60:00Z", NULL, 0, false },
    { "2013-08-29T13:50:61Z", NULL, 0, false },
    { "2013-02-29T13:50:02Z", NULL, 0, false },
    { "2013-13-01T13:50:02Z", NULL, 0, false },
    { "2013-00-10T13:50:02Z", NULL, 0, false },
    { "2013-08-29T13:50:02+25:00", NULL, 0, false },
    { "2013-08-29T13:50:02 Nowhere", NULL, 0, false },
    { "2013-08-29T13:50:02ZZ", NULL, 0, false },
    { "2013-08-29T13:50:02Z x", NULL, 0, false },
    { "2013/08/29", NULL, 0, false },
    { "9999-12-31T23:59:59Z", NULL, 0, false }, /* 64 bits of ns end in 2262 */
    { "1600-01-01T00:00:00Z", NULL, 0, false },
    { "-2013-08-29", NULL, 0, false },
};

static const struct date_case mail_cases[] = {
    { "Wed, 02 Oct 2002 13:00:00 GMT", "2002-10-02 13:00:00", 0, false },
    { "Wed, 2 Oct 2002 15:00:00 +0200", "2002-10-02 13:00:00", 0, false },
    { "2 Oct 2002 08:00 EST", "2002-10-02 13:00:00", 0, false },
    { "02 Oct 02 13:00:00 UT", "2002-10-02 13:00:00", 0, false },
    { "02 Oct 49 13:00:00 Z", "2049-10-02 13:00:00", 0, false },
    { "02 Oct 50 13:00:00 Z", "1950-10-02 13:00:00", 0, false },
    { "02 Oct 97 13:00:00 Z", "1997-10-02 13:00:00", 0, false },
    { "02 Oct 102 13:00:00 GMT", "2002-10-02 13:00:00", 0, false },
    { "Wed,02 Oct 2002 13 : 00 : 00 GMT", "2002-10-02 13:00:00", 0, false },
    { "Wed, 02 Oct (fine (day)) 2002 13:00:00 -0000 (GMT)", "2002-10-02 13:00:00", 0, false },
    { "Wed,\r\n 02 Oct 2002\r\n 13:00:00 GMT", "2002-10-02 13:00:00", 0, false },
    { "wednesday, 02 october 2002 13:00:00 gmt", "2002-10-02 13:00:00", 0, false },
    { "Mo., 02 M\u00e4rz 2015 13:00:00 +0100", "2015-03-02 12:00:00", 0, false },
    { "Sat, 02 Oct 2002 13:00:00 GMT", "2002-10-02 13:00:00", 0, false }, /* was a Wednesday: the date was meant */
    { "Wed, 02 Oct 2002 13:00:00", "2002-10-02 11:00:00", 0, true },
    { "Wed, 02 Oct 2002 13:00:00 XYZ", "2002-10-02 11:00:00", 0, true },
    { "", NULL, 0, false },
    { "Wed", NULL, 0, false },
    { "Wed 02 Oct 2002 13:00:00 GMT", NULL, 0, false },
    { "Wed, Oct 02 2002 13:00:00 GMT", NULL, 0, false },
    { "Wed, 31 Sep 2002 13:00:00 GMT", NULL, 0, false },
    { "Wed, 029 Oct 2002 13:00:00 GMT", NULL, 0, false },
    { "Wed, 02 Oct 2 13:00:00 GMT", NULL, 0, false },
    { "Wed, 02 Oct 20020 13:00:00 GMT", NULL, 0, false },
    { "Wed, 02 Oct 2002", NULL, 0, false },
    { "Wed, 02 Oct 2002 13:0 GMT", NULL, 0, false },
    { "Wed, 02 Oct 2002 13:00:0 GMT", NULL, 0, false },
    { "Wed, 02 Oct 2002 25:00:00 GMT", NULL, 0, false },
    { "Wed, 02 Oct 2002 13:00:00 +02000", NULL, 0, false },
    { "Wed, 02 Oct 2002 13:00:00 GMT x", NULL, 0, false },
    { "Wed, 02 Oct (never 2002 13:00:00 GMT", NULL, 0, false },
    { "Wed, 02 Foo 2002 13:00:00 GMT", NULL, 0, false },
};

typedef bool read_date(const uint8_t *data, uint32_t len, const struct sl_zone *zone, int64_t *ns,
                       enum sl_date_zone *given);

static void expect_dates(read_date *read, const struct date_case *rows, size_t cnt)
{
    const struct sl_zone *berlin = load_zone("Europe/Berlin");
    for (size_t i = 0; i < cnt; i++) {
        /* In memory of exactly this length, for the sanitizer's eye. */
        uint32_t len = (uint32_t)strlen(rows[i].text);
        uint8_t *copy = malloc(len != 0 ? len : 1);
        cr_assert_not_null(copy);
        memcpy(copy, rows[i].text, len);
        int64_t ns = -1;
        enum sl_date_zone given = SL_DATE_ZONE_GIVEN;
        bool read_it = read(copy, len, berlin, &ns, &given);
        free(copy);
        cr_expect_eq(read_it, rows[i].want != NULL, "%s", rows[i].text);
        if (!read_it || !rows[i].want)
            continue;
        struct tm tm = { .tm_sec = 0 };
        cr_assert_not_null(strptime(rows[i].want, "%Y-%m-%d %H:%M:%S", &tm));
        cr_expect_eq(ns, timegm(&tm) * SL_TIME_NS + rows[i].more_ns, "%s: %lld", rows[i].text, (long long)ns);
        cr_expect_eq(given == SL_DATE_ZONE_ASSUMED, rows[i].assumed, "%s", rows[i].text);
    }
}

Test(date, iso_forms_are_read_and_impossible_dates_refused) { expect_dates(sl_date_iso, iso_cases, CNT(iso_cases)); }

Test(date, mail_dates_are_read_and_impossible_ones_refused)
{
    expect_dates(sl_date_rfc5322, mail_cases, CNT(mail_cases));
}

Test(date, without_a_zone_anywhere_utc_is_assumed)
{
    int64_t ns;
    enum sl_date_zone given = SL_DATE_ZONE_GIVEN;
    cr_assert(sl_date_iso((const uint8_t *)"2022-07-11 18:33", 16, NULL, &ns, &given));
    cr_expect_eq(ns, utc(2022, 7, 11, 18, 33, 0) * SL_TIME_NS);
    cr_expect_eq(given, SL_DATE_ZONE_ASSUMED);
}
