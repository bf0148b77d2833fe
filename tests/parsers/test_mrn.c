#include "tests/parsers/wire_samples.h"

Test(mrn, samples_mean_what_stands_beside_them) { cr_expect_geq(run_samples("mrn"), 6); }

static char text[65536];

static uint32_t load(const char *name)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/tests/wire/mrn/%s.wire", SL_SOURCE_ROOT, name);
    return (uint32_t)read_sample(path, (uint8_t *)text, sizeof(text));
}

Test(mrn, a_flash_is_seen_before_it_is_parsed)
{
    const struct sl_format *mrn = sl_format_by_id(SL_FORMAT_MRN);
    uint32_t len = load("flash-without-a-body");
    cr_assert_neq(len, 0);
    cr_expect_eq(sl_peek_lane(mrn, (uint8_t *)text, len), SL_LANE_FLASH);
    cr_expect_eq(sl_peek_lane(mrn, (uint8_t *)text, len / 2), SL_LANE_NORMAL, "a part of it tells nothing");
    len = load("japanese-with-crlf");
    cr_expect_eq(sl_peek_lane(mrn, (uint8_t *)text, len), SL_LANE_NORMAL);
    len = load("wrong-checksum");
    cr_expect_lt(sl_peek_lane(mrn, (uint8_t *)text, len), SL_LANE_CNT);
}

Test(mrn, a_bomb_is_refused)
{
    /* Eight megabytes of blanks, in some kilobytes. */
    uint32_t len = load("bomb");
    const struct sl_bulletin *bulletin;
    cr_assert_neq(len, 0);
    cr_expect_eq(parse_one(SL_FORMAT_MRN, text, len, &bulletin), SL_PARSE_TOO_LARGE);
    cr_expect_eq(one_parse.err.off, 1);
}
