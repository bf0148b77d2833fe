#include "pipeline/gen.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX (64u * 1024u)
#define DUE_NS      1767607262000000000ll

static struct sl_gen gen, other;
static uint8_t message[MESSAGE_MAX], second[MESSAGE_MAX];
static _Alignas(8) uint8_t bulletin_mem[4 * MESSAGE_MAX];

static const struct sl_format *format(void) { return sl_format_by_id(gen.shape.format); }

static enum sl_parse_code parse(const uint8_t *data, uint32_t len)
{
    static const struct sl_feed_facts facts;
    static struct sl_parse parse;
    static _Alignas(8) uint8_t scratch[16 * MESSAGE_MAX];
    uint32_t bulletin_len = 0;

    sl_parse_init(&parse, scratch, sizeof(scratch));
    sl_parse_begin(&parse, format(), &facts, data, len, DUE_NS);
    enum sl_parse_code code = sl_parse_next(&parse, bulletin_mem, sizeof(bulletin_mem), &bulletin_len);
    if (!code)
        cr_assert_eq(sl_bulletin_check(bulletin_mem, bulletin_len), SL_BULLETIN_FINE);
    return code;
}

static const struct sl_bulletin *bulletin(void) { return (const struct sl_bulletin *)bulletin_mem; }

static uint32_t make(struct sl_gen *from, uint8_t *to, int64_t due_ns, enum sl_lane *lane)
{
    uint32_t len;
    cr_assert_eq(sl_gen_message(from, to, MESSAGE_MAX, due_ns, &len, lane), 0);
    return len;
}

Test(gen, the_same_seed_gives_the_same_bytes_and_another_gives_others)
{
    struct sl_gen_shape shape = {
        .error_ppm = {[SL_GEN_GARBAGE] = 100000, [SL_GEN_CUT] = 100000, [SL_GEN_TWICE] = 100000}
    };
    enum sl_lane lane;
    unsigned differ_cnt = 0;

    cr_assert_eq(sl_gen_init(&gen, 7, &shape), 0);
    cr_assert_eq(sl_gen_init(&other, 7, &shape), 0);
    for (int i = 0; i < 2000; i++) {
        uint32_t len = make(&gen, message, DUE_NS + i, &lane);
        cr_assert_eq(make(&other, second, DUE_NS + i, &lane), len);
        cr_assert_arr_eq(message, second, len);
    }
    cr_assert_eq(sl_gen_init(&gen, 7, NULL), 0);
    cr_assert_eq(sl_gen_init(&other, 8, NULL), 0);
    for (int i = 0; i < 100; i++) {
        uint32_t len = make(&gen, message, DUE_NS + i, &lane);
        differ_cnt += make(&other, second, DUE_NS + i, &lane) != len || memcmp(message, second, len);
    }
    cr_expect_eq(differ_cnt, 100);
}

static const unsigned formats[] = { SL_FORMAT_IPTC7901, SL_FORMAT_ANPA1312, SL_FORMAT_NITF };
#define FORMAT_CNT (sizeof(formats) / sizeof(formats[0]))

static void start(unsigned format_id, uint64_t seed)
{
    cr_assert_eq(sl_gen_init(&gen, seed, &(struct sl_gen_shape){ .format = format_id }), 0);
}

Test(gen, each_message_is_one_bulletin_that_says_when_it_was_due)
{
    enum sl_lane lane;
    int64_t due_ns;

    for (int i = 0; i < 5000 * (int)FORMAT_CNT; i++) {
        if (i % 5000 == 0)
            start(formats[i / 5000], 1);
        uint32_t len = make(&gen, message, DUE_NS + i * 1000003ll, &lane);
        cr_assert_eq(sl_format_recognize(message, len), format());
        cr_assert_eq(sl_peek_lane(NULL, message, len), lane, "message %d", i);
        cr_assert_eq(parse(message, len), SL_PARSE_OK, "message %d", i);
        cr_assert_eq(sl_lane_of_urgency(bulletin()->urgency), lane, "message %d", i);
        cr_assert(sl_gen_due(bulletin(), &due_ns), "message %d", i);
        cr_assert_eq(due_ns, DUE_NS + i * 1000003ll);
        cr_assert_gt(sl_bulletin_text(bulletin(), SL_TEXT_HEADLINE).len, 0);
        cr_assert_gt(sl_bulletin_text(bulletin(), SL_TEXT_SLUGLINE).len, 0);
        struct sl_slice provider = sl_bulletin_text(bulletin(), SL_TEXT_PROVIDER);
        cr_assert(provider.len == 3 && !memcmp(provider.data, "slg", 3));
    }
}

static int by_hash(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

Test(gen, no_two_messages_have_the_same_identity)
{
    enum { CNT = 20000 };
    uint64_t *hashes = malloc(CNT * sizeof(*hashes));
    enum sl_lane lane;

    for (size_t f = 0; f < FORMAT_CNT; f++) {
        uint32_t size = sl_gen_size_min(formats[f]);
        struct sl_gen_shape shape = { .format = formats[f], .size_min = size, .size_max = size };
        cr_assert_eq(sl_gen_init(&gen, 1, &shape), 0);
        gen.number = 990000; /* over the border where the running number begins again */
        for (int i = 0; i < CNT; i++) {
            uint32_t len = make(&gen, message, DUE_NS, &lane);
            cr_assert_eq(parse(message, len), SL_PARSE_OK);
            hashes[i] = bulletin()->version_hash;
        }
        qsort(hashes, CNT, sizeof(*hashes), by_hash);
        for (int i = 1; i < CNT; i++)
            cr_assert_neq(hashes[i], hashes[i - 1]);
    }
    free(hashes);
}

Test(gen, updates_corrections_kills_umlauts_and_tables_occur)
{
    enum sl_lane lane;
    for (size_t f = 0; f < FORMAT_CNT; f++) {
        unsigned kinds[SL_KIND_CNT] = { 0 }, umlaut_cnt = 0, table_cnt = 0;

        start(formats[f], 3);
        for (int i = 0; i < 5000; i++) {
            cr_assert_eq(parse(message, make(&gen, message, DUE_NS, &lane)), SL_PARSE_OK);
            struct sl_slice body = sl_bulletin_text(bulletin(), SL_TEXT_BODY);
            kinds[bulletin()->kind]++;
            umlaut_cnt += memmem(body.data, body.len, "Z\xc3\xbcrich", 7) != NULL;
            table_cnt += memchr(body.data, '\t', body.len) != NULL;
        }
        cr_expect_gt(kinds[SL_KIND_NEWS], 4000);
        cr_expect_gt(kinds[SL_KIND_UPDATE], 100);
        cr_expect_gt(kinds[SL_KIND_CORRECTION], 10);
        cr_expect(kinds[SL_KIND_KILL] > 0 && kinds[SL_KIND_KILL] < 50, "%u", kinds[SL_KIND_KILL]);
        cr_expect_eq(kinds[SL_KIND_HOLD], 0);
        cr_expect_gt(umlaut_cnt, 500);
        cr_expect_gt(table_cnt, 500);
    }
}

Test(gen, sizes_stay_in_their_range_and_lanes_have_their_weights)
{
    static const struct row {
        uint32_t min, max;
    } rows[] = {
        {512,   512  },
        { 512,  8192 },
        { 4096, 4096 },
        { 1000, 60000}
    };
    enum sl_lane lane;

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct sl_gen_shape shape = {
            .size_min = rows[r].min, .size_max = rows[r].max, .lanes = {25, 25, 25, 25}
        };
        unsigned lanes[SL_LANE_CNT] = { 0 };
        cr_assert_eq(sl_gen_init(&gen, 9, &shape), 0);
        for (int i = 0; i < 4000; i++) {
            cr_assert_leq(make(&gen, message, DUE_NS, &lane), rows[r].max);
            lanes[lane]++;
        }
        for (unsigned i = 0; i < SL_LANE_CNT; i++)
            cr_expect(lanes[i] > 850 && lanes[i] < 1150, "lane %u: %u", i, lanes[i]);
    }
}

Test(gen, errors_are_what_they_are_called)
{
    enum sl_lane lane;

    for (unsigned error = SL_GEN_FINE + 1; error < SL_GEN_ERROR_CNT; error++) {
        struct sl_gen_shape shape = { .size_min = 512, .size_max = 2048 };
        shape.error_ppm[error] = 500000;
        unsigned cnt = 0;
        uint32_t before_len = 0;
        cr_assert_eq(sl_gen_init(&gen, error, &shape), 0);
        for (int i = 0; i < 1000; i++) {
            uint32_t len = make(&gen, message, DUE_NS + i, &lane);
            cr_assert_leq(len, 2048);
            enum sl_parse_code code = parse(message, len);
            bool whole = message[len - 1] == 0x04;
            bool same = before_len == len && !memcmp(message, second, len);
            cnt += gen.error == error;
            cr_expect_eq(whole, gen.error != SL_GEN_CUT, "%s", sl_gen_error_name(error));
            cr_expect_eq(same, gen.error == SL_GEN_TWICE);
            cr_expect_eq(message[0] == 0x01, gen.error != SL_GEN_GARBAGE);
            if (gen.error == SL_GEN_HEADER)
                cr_expect_eq(code, SL_PARSE_BAD_HEADER);
            if (gen.error == SL_GEN_FINE || gen.error == SL_GEN_CONTROL || gen.error == SL_GEN_TWICE)
                cr_expect_eq(code, SL_PARSE_OK);
            memcpy(second, message, len);
            before_len = len;
        }
        cr_expect(cnt > 400 && cnt < 600, "%s: %u", sl_gen_error_name(error), cnt);
    }
}

Test(gen, a_shape_that_cannot_be_is_refused)
{
    static const struct row {
        const char *name;
        struct sl_gen_shape shape;
        int rc;
    } rows[] = {
        {"defaults",          { .service = "" },                                         0      },
        { "smallest",         { .size_min = 512, .size_max = 512 },                      0      },
        { "largest",          { .size_min = 512, .size_max = SL_GEN_SIZE_MAX },          0      },
        { "all errors",       { .error_ppm = { 0, 500000, 500000 } },                    0      },
        { "long service",     { .service = "abcdefg" },                                  0      },
        { "too small",        { .size_min = 511, .size_max = 8192 },                     -EINVAL},
        { "upside down",      { .size_min = 1024, .size_max = 1023 },                    -EINVAL},
        { "too large",        { .size_min = 512, .size_max = SL_GEN_SIZE_MAX + 1 },      -EINVAL},
        { "too many errors",  { .error_ppm = { 0, 500000, 500001 } },                    -EINVAL},
        { "weights overflow", { .lanes = { UINT32_MAX, 1, 0, 0 } },                      -EINVAL},
        { "digit in service", { .service = "ab1" },                                      -EINVAL},
        { "capital",          { .service = "Syn" },                                      -EINVAL},
        { "service unended",  { .service = { 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h' } }, -EINVAL},
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        cr_expect_eq(sl_gen_init(&gen, 1, &rows[r].shape), rows[r].rc, "%s", rows[r].name);
}

Test(gen, a_buffer_that_might_be_too_short_is_refused)
{
    uint32_t len;
    enum sl_lane lane;

    cr_assert_eq(sl_gen_init(&gen, 1, NULL), 0);
    cr_expect_eq(sl_gen_message(&gen, message, 8191, DUE_NS, &len, &lane), -ENOSPC);
    cr_expect_eq(sl_gen_message(&gen, message, 8192, DUE_NS, &len, &lane), 0);
}

Test(gen, what_is_not_ours_has_no_due)
{
    static const struct row {
        const char *name, *ednote;
        bool found;
    } rows[] = {
        {"ours",             "due 1767607262000000000",                true },
        { "words around it", "editors: due 1767607262000000000.",      true },
        { "no note",         "",                                       false},
        { "a sentence",      "The report is due on Monday, or later.", false},
        { "cut short",       "due 176760726200000000",                 false},
        { "letters",         "due 17676072620000000x0",                false},
        { "too large",       "due 9999999999999999999",                false}
    };
    static struct sl_out out;
    int64_t due_ns;

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        sl_out_begin(&out, bulletin_mem, sizeof(bulletin_mem), SL_FORMAT_TEXT);
        sl_out_text(&out, SL_TEXT_ID, "x", 1);
        sl_out_text(&out, SL_TEXT_EDNOTE, rows[r].ednote, (uint32_t)strlen(rows[r].ednote));
        cr_assert_gt(sl_out_finish(&out), 0);
        cr_expect_eq(sl_gen_due(bulletin(), &due_ns), rows[r].found, "%s", rows[r].name);
    }
}
