/* Here and not with the parsers, since what a ZCZC header says stands in profiles, which the pipeline reads. */
#include "pipeline/profiles.h"
#include "tests/parsers/wire_samples.h"

static struct sl_profile_store profiles;
static struct sl_zones_store zones;

static void load(void)
{
    char err[512] = "";
    cr_assert_eq(sl_profiles_load(&profiles, &zones, SL_SOURCE_ROOT "/deploy/profiles", err, sizeof(err)), 0, "%s",
                 err);
    sample_profiles = sl_profiles_view(&profiles);
}

static void unload(void)
{
    sl_profiles_fini(&profiles);
    sl_zones_fini(&zones);
}

TestSuite(zczc, .init = load, .fini = unload);

Test(zczc, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("zczc"), 8u); }

Test(zczc, every_result_means_what_its_want_says) { cr_expect_geq(run_samples("results"), 4u); }

static const struct frame_case {
    const char *wire;
    enum sl_parse_code code;
    uint32_t off;
} frames[] = {
    {"ZCZC AAP\r\n#a\r\nText.\r\nNNNN\r\n", SL_PARSE_OK,        0 },
    { " \r\n ZCZC\rText.",                  SL_PARSE_OK,        0 },
    { "ZCZC\n#only a header line\n",        SL_PARSE_OK,        0 },
    { "ZCZCX\nText.\n",                     SL_PARSE_BAD_FRAME, 0 },
    { "  \nText ZCZC\n",                    SL_PARSE_BAD_FRAME, 3 },
    { "ZCZC AAP\r\nNNNN\r\n",               SL_PARSE_CUT,       16},
    { "ZCZC",                               SL_PARSE_CUT,       4 },
    { " \r\n",                              SL_PARSE_END,       0 },
    { "",                                   SL_PARSE_END,       0 },
};

static const struct frame_case results[] = {
    {"\001EASTHAM\0376\037N\037N\037OST\037Tuesday\r\nText.", SL_PARSE_OK,        0 },
    { "\0014\0376\037N\037N\r\nText.",                        SL_PARSE_BAD_FRAME, 1 },
    { "\001EASTHAM\037six\037N\037N\r\nText.",                SL_PARSE_BAD_FRAME, 9 },
    { "\001EASTHAM\0376\r\nText.",                            SL_PARSE_BAD_FRAME, 9 },
    { "\001EASTHAM\0376\037N\037N\r\n \003\004",              SL_PARSE_CUT,       19},
    { "\026\000\177",                                         SL_PARSE_END,       0 },
};

static void check(unsigned format, const struct frame_case *rows, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        const struct sl_bulletin *bulletin;
        enum sl_parse_code code = parse_one(format, rows[i].wire, strlen(rows[i].wire), &bulletin);
        cr_expect_eq(code, rows[i].code, "%u %zu: %s", format, i, sl_parse_code_name(code));
        if (rows[i].code == SL_PARSE_OK || rows[i].code == SL_PARSE_END)
            continue;
        cr_expect_eq(one_parse.err.off, rows[i].off, "%u %zu: offset %u", format, i, one_parse.err.off);
        cr_expect(one_parse.err.want, "%u %zu: a wish is said", format, i);
    }
}

Test(zczc, a_frame_is_taken_or_refused_with_its_place)
{
    check(SL_FORMAT_ZCZC, frames, sizeof(frames) / sizeof(*frames));
    check(SL_FORMAT_RESULTS, results, sizeof(results) / sizeof(*results));
}

/* The same signs, another product of the same agency. */
Test(zczc, the_product_decides_what_a_sign_means)
{
    static const char broadcast[] = "ZCZC AAP\n%A\n#slug\n$Head\n:1200\nText.\nNNNN\n";
    static const char sports[] = "ZCZC AAP\n$T\n:slug\n=1200\n^Head\nText.\nNNNN\n";
    const struct sl_bulletin *bulletin;
    for (unsigned i = 0; i < 2; i++) {
        const char *wire = i == 0 ? broadcast : sports;
        cr_assert_eq(parse_one(SL_FORMAT_ZCZC, wire, strlen(wire), &bulletin), SL_PARSE_OK);
        expect_text(wire, bulletin, SL_TEXT_SLUGLINE, "slug");
        expect_text(wire, bulletin, SL_TEXT_HEADLINE, "Head");
        expect_text(wire, bulletin, SL_TEXT_TAKE, "1200");
        expect_text(wire, bulletin, SL_TEXT_BODY, "Text.");
    }
}
