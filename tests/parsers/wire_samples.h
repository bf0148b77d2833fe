/* tests/parsers/wire_samples.h - runs the samples of tests/wire/FORMAT: what NAME.wire means stands in NAME.want.
 *
 * A want holds what `slugline parse --arrival 2026-01-05T10:00:00Z NAME.wire` prints, and for a rejected message the
 * line "reject CODE OFFSET WISH".  With SL_WRITE_WANT set the wants are written instead: read the difference before
 * you keep it.
 */
#ifndef SL_TESTS_PARSERS_WIRE_SAMPLES_H
#define SL_TESTS_PARSERS_WIRE_SAMPLES_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/bulletin_json.h"
#include "parsers/parse.h"

#define SAMPLE_MAX        65536u
#define SAMPLE_ZONES_MAX  64u
#define SAMPLE_ARRIVAL_NS (1767607200ll * SL_TIME_NS) /* 2026-01-05T10:00:00Z */

static struct sl_zone sample_zone[SAMPLE_ZONES_MAX];
static const struct sl_zone *sample_zone_list[SAMPLE_ZONES_MAX];
static struct sl_zones sample_zones = { sample_zone_list, 0 };

static inline size_t read_sample(const char *path, uint8_t *data, size_t cap)
{
    FILE *file = fopen(path, "rb");
    size_t len = file ? fread(data, 1, cap, file) : 0;
    if (file)
        fclose(file);
    return len;
}

/* Of deploy/profiles, for a test that has loaded them. */
static struct sl_profiles sample_profiles;

/* The zones that formats name; a host without them cannot say what the samples mean. */
static inline const struct sl_zones *load_sample_zones(void)
{
    static uint8_t data[SAMPLE_MAX];
    char path[128];
    sample_zones.cnt = 0;
    for (const char *const *name = sl_format_zones; *name; name++) {
        snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", *name);
        struct sl_zone *zone = &sample_zone[sample_zones.cnt];
        cr_assert_lt(sample_zones.cnt, SAMPLE_ZONES_MAX);
        if (sl_zone_init(zone, *name, data, read_sample(path, data, sizeof(data))) != 0)
            cr_skip_test("no time zone %s on this host", *name);
        sample_zone_list[sample_zones.cnt++] = zone;
    }
    return &sample_zones;
}

struct sample_result {
    char text[8 * SAMPLE_MAX];
    size_t len;
};

static inline void say_sample(struct sample_result *result, const struct sl_parse_err *err)
{
    result->len += (size_t)snprintf(result->text + result->len, sizeof(result->text) - result->len, "reject %s %u %s\n",
                                    sl_parse_code_name(err->code), err->off, err->want);
}

static inline void parse_sample(struct sample_result *result, const struct sl_format *format,
                                const struct sl_feed_facts *feed, const uint8_t *data, uint32_t len)
{
    static struct sl_parse parse;
    uint32_t cap = sl_parse_bound(len), bulletin_len;
    void *bulletin = malloc(cap), *scratch = malloc(sl_parse_scratch_bound(len));
    enum sl_parse_code code;
    result->len = 0;
    sl_parse_init(&parse, scratch, sl_parse_scratch_bound(len));
    sl_parse_begin(&parse, format, feed, data, len, SAMPLE_ARRIVAL_NS);
    while ((code = sl_parse_next(&parse, bulletin, cap, &bulletin_len)) == SL_PARSE_OK) {
        cr_assert_eq(sl_bulletin_check(bulletin, bulletin_len), SL_BULLETIN_FINE);
        size_t room = sizeof(result->text) - result->len - 2;
        size_t json_len = sl_bulletin_json(result->text + result->len, room, bulletin, NULL);
        cr_assert_leq(json_len, room);
        result->len += json_len;
        result->text[result->len++] = '\n';
    }
    if (code != SL_PARSE_END)
        say_sample(result, &parse.err);
    result->text[result->len] = '\0';
    free(bulletin);
    free(scratch);
}

static inline void compare_sample(const char *path, const struct sample_result *got)
{
    static uint8_t want[8 * SAMPLE_MAX];
    if (getenv("SL_WRITE_WANT")) {
        FILE *file = fopen(path, "wb");
        cr_assert(file && fwrite(got->text, 1, got->len, file) == got->len, "%s cannot be written", path);
        fclose(file);
        return;
    }
    size_t len = read_sample(path, want, sizeof(want) - 1);
    want[len] = '\0';
    cr_expect_str_eq(got->text, (const char *)want, "%s:\n got  %s\n want %s", path, got->text, (const char *)want);
}

/* The first bulletin of one message, in memory of this page's: for rows of small cases. */
static struct sl_parse one_parse;
static _Alignas(8) uint8_t one_bulletin[131072];

static inline enum sl_parse_code parse_one(unsigned format, const char *wire, size_t len,
                                           const struct sl_bulletin **bulletin)
{
    static struct sl_feed_facts feed = { .profiles = &sample_profiles };
    static _Alignas(8) uint8_t scratch[1u << 20];
    uint32_t bulletin_len;
    sl_parse_init(&one_parse, scratch, sizeof(scratch));
    sl_parse_begin(&one_parse, sl_format_by_id(format), &feed, (const uint8_t *)wire, (uint32_t)len, SAMPLE_ARRIVAL_NS);
    *bulletin = (const struct sl_bulletin *)one_bulletin;
    return sl_parse_next(&one_parse, one_bulletin, sizeof(one_bulletin), &bulletin_len);
}

static inline void expect_text(const char *name, const struct sl_bulletin *bulletin, enum sl_text text,
                               const char *want)
{
    struct sl_slice got = sl_bulletin_text(bulletin, text);
    cr_expect(got.len == strlen(want) && memcmp(got.data, want, got.len) == 0, "%s: want \"%s\", got \"%.*s\"", name,
              want, (int)got.len, got.data);
}

/* Every sample of the folder, once as the named format and once recognized; the two must agree. */
static inline unsigned run_samples(const char *name)
{
    static uint8_t data[SAMPLE_MAX];
    static struct sample_result named, recognized;
    struct sl_feed_facts feed = { .zones = load_sample_zones(), .profiles = &sample_profiles };
    char folder[512], path[1024];
    unsigned cnt = 0;
    snprintf(folder, sizeof(folder), "%s/tests/wire/%s", SL_SOURCE_ROOT, name);
    DIR *dir = opendir(folder);
    cr_assert(dir, "no folder %s", folder);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        size_t stem = strlen(entry->d_name) < 5 ? 0 : strlen(entry->d_name) - 5;
        if (stem == 0 || strcmp(entry->d_name + stem, ".wire") != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        uint32_t len = (uint32_t)read_sample(path, data, sizeof(data));
        parse_sample(&named, sl_format_named(name, strlen(name)), &feed, data, len);
        parse_sample(&recognized, NULL, &feed, data, len);
        cr_expect_str_eq(recognized.text, named.text, "%s is recognized as something else", entry->d_name);
        snprintf(path, sizeof(path), "%s/%.*s.want", folder, (int)stem, entry->d_name);
        compare_sample(path, &named);
        cnt++;
    }
    closedir(dir);
    return cnt;
}

#endif
