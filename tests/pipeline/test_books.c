#include "pipeline/books.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct sl_books books;
static void *mem;

static void open_books(uint32_t feed_cnt, uint32_t thread_cnt)
{
    size_t len = sl_books_footprint(feed_cnt, thread_cnt);
    mem = aligned_alloc(128, (len + 127) & ~(size_t)127);
    memset(mem, 0, len);
    cr_assert_eq(sl_books_new(&books, mem, feed_cnt, thread_cnt), 0);
}

Test(books, each_row_is_a_place_of_its_own)
{
    open_books(3, 2);
    sl_cell *rows[] = {
        sl_books_rx(&books, 0),   sl_books_rx(&books, 1),     sl_books_rx(&books, 2),
        sl_books_desk(&books, 0), sl_books_desk(&books, 1),   sl_books_desk(&books, 2),
        sl_books_tape(&books),    sl_books_thread(&books, 0), sl_books_thread(&books, 1),
    };
    const size_t cnt = sizeof(rows) / sizeof(rows[0]);
    for (size_t i = 0; i < cnt; i++)
        for (uint32_t col = 0; col < SL_DESK_COLS; col++)
            sl_cell_add(&rows[i][col], i * 100 + col);
    for (size_t i = 0; i < cnt; i++)
        for (uint32_t col = 0; col < SL_DESK_COLS; col++)
            cr_assert_eq(sl_cell_get(&rows[i][col]), i * 100 + col);
    free(mem);
}

Test(books, are_joined_only_by_who_knows_their_shape)
{
    static const struct {
        uint32_t feed_cnt, thread_cnt;
        int rc;
    } rows[] = {
        {3,            2,  0      },
        { 2,           2,  -EPROTO},
        { 3,           1,  -EPROTO},
        { 0,           11, 0      },
        { UINT32_MAX,  2,  -EPROTO},
        { 0x80000003u, 2,  -EPROTO},
        { 2,           5,  0      },
        { 0,           0,  -EPROTO},
    };
    struct sl_books joined;
    open_books(3, 2);
    size_t len = sl_books_footprint(3, 2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(sl_books_join(&joined, mem, len, rows[i].feed_cnt, rows[i].thread_cnt), rows[i].rc, "row %zu", i);
    cr_expect_eq(sl_books_join(&joined, mem, len / 2, 3, 2), -EPROTO, "half of them");
    free(mem);
}

/* Books of a small day that balance. */
static void keep_good_books(void)
{
    static const struct {
        unsigned col;
        uint64_t cnt;
    } rx[] = {
        {SL_RX_DATAGRAMS,                    10},
        { SL_RX_DATAGRAMS_USED,              7 },
        { SL_RX_DATAGRAMS_REPEATED,          2 },
        { SL_RX_DATAGRAMS_MALFORMED,         1 },
        { SL_RX_FRAMED_LANE + SL_LANE_FLASH, 1 },
        { SL_RX_FRAMED_LANE + SL_LANE_BULK,  11},
        { SL_RX_DROPPED_LANE + SL_LANE_BULK, 2 },
    };
    static const struct {
        unsigned col;
        uint64_t cnt;
    } desk[] = {
        {SL_DESK_ANSWERED,                           10},
        { SL_DESK_WITH_BULLETINS,                    7 },
        { SL_DESK_EMPTY,                             1 },
        { SL_DESK_REJECTED,                          2 },
        { SL_DESK_REJECT_CODE + SL_PARSE_CUT,        2 },
        { SL_DESK_SAID,                              12},
        { SL_DESK_VERDICT + SL_VERDICT_PASSED,       3 },
        { SL_DESK_VERDICT + SL_VERDICT_SAME_VERSION, 1 },
        { SL_DESK_VERDICT + SL_VERDICT_LATE,         1 },
        { SL_DESK_VERDICT + SL_VERDICT_WITHDRAWN,    1 },
        { SL_DESK_VERDICT + SL_VERDICT_DUPLICATE,    2 },
        { SL_DESK_VERDICT + SL_VERDICT_NO_ROOM,      1 },
        { SL_DESK_VERDICT + SL_VERDICT_HELD,         3 },
        { SL_DESK_VERDICT + SL_VERDICT_RELEASED,     1 },
        { SL_DESK_VERDICT + SL_VERDICT_CANCELLED,    1 },
        { SL_DESK_HELD_NOW,                          1 },
        { SL_DESK_LANE + SL_LANE_FLASH,              1 },
        { SL_DESK_LANE + SL_LANE_BULK,               6 },
    };
    static const struct {
        unsigned col;
        uint64_t cnt;
    } tape[] = {
        {SL_TAPE_FIRST_SEQ, 5 },
        { SL_TAPE_LAST_SEQ, 16},
        { SL_TAPE_PASSED,   6 },
        { SL_TAPE_RELEASED, 1 },
        { SL_TAPE_MADE,     5 },
    };
    open_books(2, 1);
    for (size_t i = 0; i < sizeof(rx) / sizeof(rx[0]); i++)
        sl_cell_set(&sl_books_rx(&books, 1)[rx[i].col], rx[i].cnt);
    for (size_t i = 0; i < sizeof(desk) / sizeof(desk[0]); i++)
        sl_cell_set(&sl_books_desk(&books, 1)[desk[i].col], desk[i].cnt);
    for (size_t i = 0; i < sizeof(tape) / sizeof(tape[0]); i++)
        sl_cell_set(&sl_books_tape(&books)[tape[i].col], tape[i].cnt);
}

Test(books, balance_on_a_good_day)
{
    char line[200] = "";
    keep_good_books();
    cr_expect(sl_books_balance(&books, line, sizeof(line)), "%s", line);
    free(mem);
}

static const struct fault_case {
    enum { ROW_RX, ROW_DESK, ROW_TAPE } row;
    unsigned col;
    const char *want; /* what the line says first */
} fault_cases[] = {
    {ROW_RX,    SL_RX_DATAGRAMS,                         "feed 1: datagrams received 11 but used"},
    { ROW_RX,   SL_RX_DATAGRAMS_MALFORMED,               "feed 1: datagrams received"            },
    { ROW_RX,   SL_RX_FRAMED_LANE + SL_LANE_URGENT,      "feed 1: messages framed"               },
    { ROW_RX,   SL_RX_DROPPED_LANE + SL_LANE_NORMAL,     "feed 1: messages framed"               },
    { ROW_DESK, SL_DESK_ANSWERED,                        "feed 1: messages framed"               },
    { ROW_DESK, SL_DESK_EMPTY,                           "feed 1: messages answered"             },
    { ROW_DESK, SL_DESK_REJECT_CODE + SL_PARSE_TOO_DEEP, "feed 1: messages rejected"             },
    { ROW_DESK, SL_DESK_SAID,                            "feed 1: bulletins said"                },
    { ROW_DESK, SL_DESK_VERDICT + SL_VERDICT_DUPLICATE,  "feed 1: bulletins said"                },
    { ROW_DESK, SL_DESK_VERDICT + SL_VERDICT_CANCELLED,  "feed 1: bulletins held"                },
    { ROW_DESK, SL_DESK_HELD_NOW,                        "feed 1: bulletins held"                },
    { ROW_DESK, SL_DESK_LANE + SL_LANE_NORMAL,           "feed 1: bulletins by lane"             },
    { ROW_TAPE, SL_TAPE_PASSED,                          "tape 0: bulletins passed"              },
    { ROW_TAPE, SL_TAPE_RELEASED,                        "tape 0: bulletins released"            },
    { ROW_TAPE, SL_TAPE_MADE,                            "tape 0: records"                       },
    { ROW_TAPE, SL_TAPE_LAST_SEQ,                        "tape 0: records"                       },
};

Test(books, name_the_first_sum_that_does_not_hold)
{
    for (size_t i = 0; i < sizeof(fault_cases) / sizeof(fault_cases[0]); i++) {
        const struct fault_case *row = &fault_cases[i];
        char line[200] = "";
        keep_good_books();
        sl_cell *rows[] = { sl_books_rx(&books, 1), sl_books_desk(&books, 1), sl_books_tape(&books) };
        sl_cell_add(&rows[row->row][row->col], 1);
        cr_expect_not(sl_books_balance(&books, line, sizeof(line)), "row %zu", i);
        cr_expect(!strncmp(line, row->want, strlen(row->want)), "row %zu: \"%s\"", i, line);
        free(mem);
    }
}

Test(books, know_the_names_of_what_they_count)
{
    for (unsigned verdict = 1; verdict < SL_VERDICT_CNT; verdict++)
        cr_expect_str_neq(sl_verdict_name(verdict), "?");
    for (unsigned cut = 0; cut < SL_CUT_CNT; cut++) {
        cr_expect_str_neq(sl_cut_name(cut), "?");
        cr_expect_str_neq(sl_cut_want(cut), "?");
    }
    cr_expect_str_eq(sl_record_kind_name(SL_KIND_KILL), "kill");
    cr_expect_str_eq(sl_record_kind_name(SL_RECORD_GAP), "gap");
    cr_expect_str_eq(sl_record_kind_name(SL_RECORD_RAW_HELD), "raw_held");
    cr_expect_str_eq(sl_record_kind_name(40), "hole");
    cr_expect_str_eq(sl_record_kind_name(41), "?");
    cr_expect_str_eq(sl_record_kind_name(UINT32_MAX), "?");
    cr_expect_str_eq(sl_verdict_name(SL_VERDICT_CNT), "?");
    cr_expect_str_eq(sl_cut_name(SL_CUT_CNT), "?");
}
