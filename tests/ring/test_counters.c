#include <criterion/criterion.h>
#include "ring/counters.h"
#include <errno.h>
#include <string.h>

static _Alignas(128) unsigned char mem[8192];

TestSuite(counters);

Test(counters, shapes_without_cells_or_with_too_many_cannot_be)
{
    static const struct {
        uint32_t row_cnt, col_cnt;
        size_t len;
    } rows[] = {
        {0,           1,          0        },
        { 1,          0,          0        },
        { 1,          1,          128 + 128},
        { 1,          16,         128 + 128},
        { 1,          17,         128 + 256},
        { 3,          20,         128 + 768},
        { 65537,      1,          0        },
        { 1,          65537,      0        },
        { UINT32_MAX, UINT32_MAX, 0        },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        cr_expect_eq(sl_counters_footprint(rows[i].row_cnt, rows[i].col_cnt), rows[i].len, "row %zu", i);
        cr_expect_eq(sl_counters_new(mem, rows[i].row_cnt, rows[i].col_cnt), rows[i].len ? 0 : -EINVAL, "row %zu", i);
    }
    cr_expect_eq(sl_counters_new(NULL, 1, 1), -EINVAL);
    cr_expect_eq(sl_counters_new(mem + 64, 1, 1), -EINVAL);
}

Test(counters, a_joined_table_shows_what_rows_were_given)
{
    struct sl_counters writer, reader;

    memset(mem, 0xff, sizeof(mem));
    cr_assert_eq(sl_counters_new(mem, 3, 20), 0);
    cr_assert_eq(sl_counters_join(&writer, mem, sizeof(mem)), 0);
    cr_assert_eq(sl_counters_join(&reader, mem, sl_counters_footprint(3, 20)), 0);
    cr_expect_eq(reader.row_cnt, 3);
    cr_expect_eq(reader.col_cnt, 20);
    for (uint32_t row = 0; row < 3; row++)
        for (uint32_t col = 0; col < 20; col++) {
            cr_expect_eq(sl_cell_get(&sl_counters_row(&reader, row)[col]), 0);
            sl_cell_add(&sl_counters_row(&writer, row)[col], row * 100 + col);
            sl_cell_add(&sl_counters_row(&writer, row)[col], 1);
        }
    sl_cell_set(&sl_counters_row(&writer, 2)[19], UINT64_MAX);
    cr_expect_eq(sl_cell_get(&sl_counters_row(&reader, 0)[19]), 20);
    cr_expect_eq(sl_cell_get(&sl_counters_row(&reader, 1)[0]), 101);
    cr_expect_eq(sl_cell_get(&sl_counters_row(&reader, 2)[19]), UINT64_MAX);
}

Test(counters, rows_lie_128_bytes_apart_or_more)
{
    struct sl_counters counters;

    cr_assert_eq(sl_counters_new(mem, 4, 1), 0);
    cr_assert_eq(sl_counters_join(&counters, mem, sizeof(mem)), 0);
    cr_expect_eq((uintptr_t)sl_counters_row(&counters, 0) % 128, 0);
    cr_expect_eq((char *)sl_counters_row(&counters, 1) - (char *)sl_counters_row(&counters, 0), 128);
}

Test(counters, a_header_that_claims_more_than_its_memory_is_refused)
{
    struct sl_counters counters;
    size_t len = sl_counters_footprint(2, 16);
    /* Behind the magic: row_cnt, col_cnt. */
    static const uint32_t lies[][2] = {
        {3,           16        },
        { 2,          17        },
        { UINT32_MAX, 16        },
        { 2,          UINT32_MAX},
        { 0,          16        },
        { 2,          0         }
    };

    cr_assert_eq(sl_counters_new(mem, 2, 16), 0);
    cr_expect_eq(sl_counters_join(&counters, mem, len), 0);
    cr_expect_eq(sl_counters_join(&counters, mem, len - 1), -EPROTO);
    cr_expect_eq(sl_counters_join(&counters, mem, 64), -EPROTO);
    cr_expect_eq(sl_counters_join(&counters, mem + 64, len), -EINVAL);
    cr_expect_eq(sl_counters_join(&counters, NULL, len), -EINVAL);
    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        memcpy(mem + 8, lies[i], sizeof(lies[i]));
        cr_expect_eq(sl_counters_join(&counters, mem, len), -EPROTO, "lie %zu", i);
    }
    memset(mem, 0, sizeof(mem));
    cr_expect_eq(sl_counters_join(&counters, mem, len), -EPROTO);
}
