#include "pipeline/hist.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

static struct sl_hist hist, other;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int by_value(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* The definition: the smallest value that at least percent of all do not exceed. */
static int64_t exact(const int64_t *sorted, uint64_t cnt, double percent)
{
    uint64_t rank = 1;
    while (rank < cnt && (double)rank < percent / 100 * (double)cnt)
        rank++;
    return sorted[rank - 1];
}

static void expect_near(int64_t got, int64_t want, const char *name, double percent)
{
    cr_expect(got >= want && (double)(got - want) <= (double)want / 1024, "%s p%g: %" PRId64 " for %" PRId64, name,
              percent, got, want);
}

Test(hist, percentiles_are_within_a_thousandth_above_the_exact_ones)
{
    static const struct row {
        const char *name;
        unsigned bits; /* of the largest value */
        uint64_t cnt;
    } rows[] = {
        {"one value",           20, 1   },
        { "two",                30, 2   },
        { "small: exact cells", 10, 1000},
        { "microseconds",       24, 5000},
        { "seconds",            34, 5000},
        { "an hour",            41, 5000}
    };
    static const double percents[] = { 0, 1, 50, 90, 99, 99.9, 100 };
    uint64_t state = 88172645463325252ull;

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        int64_t *values = malloc(rows[r].cnt * sizeof(*values));
        hist = (struct sl_hist){ 0 };
        for (uint64_t i = 0; i < rows[r].cnt; i++) {
            /* As many in each doubling, as latencies are spread. */
            unsigned bits = 1 + (unsigned)(next_random(&state) % rows[r].bits);
            values[i] = (int64_t)(next_random(&state) >> (64 - bits));
            sl_hist_record(&hist, values[i]);
        }
        qsort(values, rows[r].cnt, sizeof(*values), by_value);
        for (size_t p = 0; p < sizeof(percents) / sizeof(percents[0]); p++)
            expect_near(sl_hist_percentile(&hist, percents[p]), exact(values, rows[r].cnt, percents[p]), rows[r].name,
                        percents[p]);
        cr_expect_eq(hist.min, values[0]);
        cr_expect_eq(hist.max, values[rows[r].cnt - 1]);
        free(values);
    }
}

Test(hist, the_borders_of_every_doubling_keep_their_order)
{
    for (unsigned bit = 0; bit < SL_HIST_VALUE_LOG2; bit++) {
        int64_t at = (int64_t)1 << bit;
        hist = (struct sl_hist){ 0 };
        sl_hist_record(&hist, at - 1);
        sl_hist_record(&hist, at);
        sl_hist_record(&hist, 2 * at);
        expect_near(sl_hist_percentile(&hist, 33), at - 1, "below", bit);
        expect_near(sl_hist_percentile(&hist, 66), at, "at", bit);
        cr_expect_eq(sl_hist_percentile(&hist, 100), 2 * at);
    }
}

Test(hist, an_empty_one_says_zero)
{
    hist = (struct sl_hist){ 0 };
    cr_expect_eq(sl_hist_percentile(&hist, 50), 0);
    sl_hist_merge(&hist, &other);
    cr_expect_eq(hist.cnt, 0);
    cr_expect_eq(hist.max, 0);
}

Test(hist, negative_values_are_counted_and_stand_before_all_others)
{
    hist = (struct sl_hist){ 0 };
    sl_hist_record(&hist, -500);
    sl_hist_record(&hist, -3);
    sl_hist_record(&hist, 7);
    sl_hist_record(&hist, 9);
    cr_expect_eq(hist.negative_cnt, 2);
    cr_expect_eq(sl_hist_percentile(&hist, 50), -500);
    cr_expect_eq(sl_hist_percentile(&hist, 75), 7);
    cr_expect_eq(sl_hist_percentile(&hist, 100), 9);
}

Test(hist, values_beyond_the_last_cell_keep_an_exact_maximum)
{
    hist = (struct sl_hist){ 0 };
    sl_hist_record(&hist, 5);
    sl_hist_record(&hist, INT64_MAX);
    cr_expect_eq(sl_hist_percentile(&hist, 50), 5);
    cr_expect_eq(sl_hist_percentile(&hist, 100), INT64_MAX);
}

Test(hist, merged_ones_say_what_one_would_have_said)
{
    static struct sl_hist both;
    uint64_t state = 12345;

    hist = other = both = (struct sl_hist){ 0 };
    for (int i = 0; i < 4000; i++) {
        int64_t value = (int64_t)(next_random(&state) % 1000000) - 1000;
        sl_hist_record(i % 3 ? &hist : &other, value);
        sl_hist_record(&both, value);
    }
    sl_hist_merge(&hist, &other);
    cr_expect_arr_eq(&hist, &both, sizeof(hist));
}
