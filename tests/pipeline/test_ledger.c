#include "pipeline/ledger.h"

#include "parsers/bulletin.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct sl_ledger *ledger;
static struct sl_books books;
static struct sl_config_feed feeds[2];
static struct sl_config config = { .feeds = feeds, .feed_cnt = 2 };
static void *books_mem;

static void open_ledger(const char *first, const char *second)
{
    free(ledger);
    ledger = calloc(1, sizeof(*ledger));
    feeds[0].name = (char *)(uintptr_t)first;
    feeds[1].name = (char *)(uintptr_t)second;
    sl_ledger_begin(ledger, &config);
    ledger->since_ns = 77;
}

static void open_books(void)
{
    size_t len = (sl_books_footprint(2, 1) + 127) & ~(size_t)127;
    free(books_mem);
    books_mem = aligned_alloc(128, len);
    memset(books_mem, 0, len);
    cr_assert_eq(sl_books_new(&books, books_mem, 2, 1), 0);
}

/* As a walk would have: framed messages of which so many were answered, all of them published. */
static void count(uint32_t feed, uint64_t framed, uint64_t published)
{
    sl_cell_add(&sl_books_rx(&books, feed)[SL_RX_FRAMED_LANE + SL_LANE_BULK], framed);
    sl_cell_add(&sl_books_desk(&books, feed)[SL_DESK_WITH_BULLETINS], published);
    sl_cell_add(&sl_books_desk(&books, feed)[SL_DESK_ANSWERED], published);
    sl_cell_add(&sl_books_desk(&books, feed)[SL_DESK_SAID], published);
    sl_cell_add(&sl_books_desk(&books, feed)[SL_DESK_VERDICT + SL_VERDICT_PASSED], published);
    sl_cell_add(&sl_books_desk(&books, feed)[SL_DESK_LANE + SL_LANE_BULK], published);
}

static uint64_t past(uint32_t row, enum sl_book_past col) { return sl_ledger_look(ledger)->rows[row].past[col]; }

Test(ledger, each_walk_is_folded_in_once)
{
    open_ledger("a", "b");
    open_books();
    count(1, 10, 8);
    sl_ledger_fold(ledger, &books, NULL, 5);
    sl_ledger_fold(ledger, &books, NULL, 5);
    cr_expect(past(1, SL_PAST_FRAMED) == 10 && past(1, SL_PAST_PASSED) == 8 && past(1, SL_PAST_UNANSWERED) == 2);
    sl_ledger_fold(ledger, &books, NULL, 6);
    cr_expect(past(1, SL_PAST_FRAMED) == 20 && past(1, SL_PAST_UNANSWERED) == 4 && !past(0, SL_PAST_FRAMED));
}

Test(ledger, the_next_walk_shows_all_and_its_sums_hold)
{
    char line[200];
    open_ledger("a", "b");
    open_books();
    count(0, 10, 10);
    sl_cell_add(&sl_books_desk(&books, 0)[SL_DESK_VERDICT + SL_VERDICT_HELD], 3);
    sl_ledger_fold(ledger, &books, NULL, 5);
    open_books();
    count(0, 4, 4);
    sl_cell_add(&sl_books_desk(&books, 0)[SL_DESK_RESTORED], 2);
    sl_cell_add(&sl_books_desk(&books, 0)[SL_DESK_HELD_NOW], 2);
    sl_cell_add(&sl_books_tape(&books)[SL_TAPE_LAST_SEQ], 4);
    sl_cell_add(&sl_books_tape(&books)[SL_TAPE_PASSED], 4);
    sl_cell_add(&sl_books_tape(&books)[SL_TAPE_FIRST_SEQ], 1);
    const uint64_t durable[2] = { 14, 0 };
    sl_ledger_tell(ledger, sl_ledger_durable(ledger), durable, 14);
    sl_ledger_show(ledger, &books);
    struct sl_feed_totals all = sl_books_totals(&books, 0);
    cr_expect(all.col[SL_PAST_FRAMED] == 14 && all.published == 14 && all.col[SL_PAST_HELD] == 3 && all.held_now == 2 &&
              all.forgotten == 1);
    cr_expect(all.col[SL_PAST_DURABLE] == 14 && sl_cell_get(&sl_books_keep(&books)[SL_KEEP_SINCE_NS]) == 77);
    cr_expect(sl_books_balance(&books, line, sizeof(line)), "%s", line);
    sl_cell_add(&sl_books_past(&books, 0)[SL_PAST_DURABLE], 1);
    cr_expect_not(sl_books_balance(&books, line, sizeof(line)), "more is durable than was published");
    sl_cell_set(&sl_books_past(&books, 0)[SL_PAST_DURABLE], 14);
    sl_cell_add(&sl_books_past(&books, 0)[SL_PAST_EMPTY], 1);
    cr_expect_not(sl_books_balance(&books, line, sizeof(line)), "more is answered than was framed");
}

Test(ledger, what_was_held_for_a_feed_that_is_gone_is_adopted)
{
    open_ledger("a", "b");
    open_books();
    sl_cell_add(&sl_books_desk(&books, 1)[SL_DESK_RESTORED], 2);
    sl_cell_add(&sl_books_desk(&books, 1)[SL_DESK_HELD_NOW], 1);
    sl_cell_add(&sl_books_desk(&books, 1)[SL_DESK_VERDICT + SL_VERDICT_RELEASED], 1);
    sl_ledger_show(ledger, &books);
    struct sl_feed_totals all = sl_books_totals(&books, 1);
    cr_expect(all.col[SL_PAST_HELD] == 2 && all.col[SL_PAST_RELEASED] == 1 && all.held_now == 1 && !all.forgotten);
}

/* Its desk was killed between the record and the count, for each kind of record. */
Test(ledger, a_record_that_was_shown_and_not_counted_is_made_up)
{
    static const struct {
        uint8_t kind, verdict;
        uint16_t feed;
        enum sl_book_past col;
    } rows[] = {
        {SL_KIND_NEWS,     SL_VERDICT_PASSED,       0, SL_PAST_PASSED  },
        { SL_KIND_UPDATE,  SL_VERDICT_SAME_VERSION, 1, SL_PAST_PASSED  },
        { SL_KIND_NEWS,    SL_VERDICT_RELEASED,     1, SL_PAST_RELEASED},
        { SL_RECORD_HELD,  SL_VERDICT_MADE,         0, SL_PAST_HELD    },
        { SL_RECORD_EPOCH, SL_VERDICT_MADE,         9, SL_PAST_COLS    },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int counted = 0; counted < 2; counted++) {
            struct sl_log_config shape = { .bytes_len = 65536, .epoch = 3, .first_seq = 100 };
            size_t len = (sl_log_footprint(&shape) + 127) & ~(size_t)127;
            void *mem = aligned_alloc(128, len);
            memset(mem, 0, len);
            struct sl_log_tx tx;
            struct sl_log_rx rx;
            cr_assert(!sl_log_new(mem, &shape) && !sl_log_join_tx(&tx, mem) && !sl_log_join_rx(&rx, mem, len));
            open_ledger("a", "b");
            open_books();
            struct sl_record record = { .kind = rows[i].kind, .verdict = rows[i].verdict, .feed = rows[i].feed };
            sl_log_copy(sl_log_claim(&tx, sizeof(record), 0), &record, sizeof(record));
            sl_log_publish(&tx, sizeof(record));
            sl_cell_add(&sl_books_tape(&books)[SL_TAPE_MADE], (uint64_t)counted); /* as if it were of another kind */
            sl_ledger_fold(ledger, &books, &rx, 3);
            for (uint32_t feed = 0; feed < 2; feed++)
                for (unsigned col = SL_PAST_PASSED; col < SL_PAST_COLS; col++)
                    cr_expect_eq(past(feed, col), !counted && feed == rows[i].feed && col == rows[i].col,
                                 "row %zu, counted %d, feed %u, column %u", i, counted, feed, col);
            free(mem);
        }
}

static int open_file(void)
{
    char path[] = "/tmp/slugline-ledger-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    unlink(path);
    return fd;
}

Test(ledger, a_file_that_is_cut_or_damaged_gives_the_copy_before)
{
    uint64_t turn = 0;
    int fd = open_file();
    open_ledger("a", "b");
    cr_expect_eq(sl_ledger_read(ledger, fd, &turn), -ENOENT);
    open_books();
    for (uint64_t walk = 1; walk <= 2; walk++) {
        count(0, 1, 1); /* so that the second says 3 and the first 1 */
        sl_ledger_fold(ledger, &books, NULL, walk);
        cr_assert_eq(sl_ledger_write(ledger, NULL, 0, fd, &turn), 0);
    }
    off_t newest = (off_t)(turn % 2) << 20;
    for (int damage = -1; damage < 48 + 2 * (int)sizeof(struct sl_ledger_row); damage += 7) {
        unsigned char byte;
        if (damage >= 0) {
            cr_assert_eq(pread(fd, &byte, 1, newest + damage), 1);
            byte ^= 0x20;
            cr_assert_eq(pwrite(fd, &byte, 1, newest + damage), 1);
        }
        open_ledger("b", "c"); /* configured otherwise meanwhile */
        cr_assert_eq(sl_ledger_read(ledger, fd, &turn), 0);
        bool in_spare = damage >= 44 && damage < 48; /* which no checksum covers */
        cr_expect_eq(past(2, SL_PAST_PASSED), damage < 0 || in_spare ? 3 : 1, "damage at %d", damage);
        cr_expect_str_eq(sl_ledger_look(ledger)->rows[2].name, "a");
        cr_expect(!past(0, SL_PAST_PASSED) && ledger->since_ns == 77);
        if (damage >= 0) {
            byte ^= 0x20;
            cr_assert_eq(pwrite(fd, &byte, 1, newest + damage), 1);
        }
    }
    close(fd);
}

Test(ledger, a_live_walk_is_in_the_file_and_what_the_journal_has_more_is_counted)
{
    uint64_t turn = 0;
    const uint64_t durable[2] = { 7, 0 };
    int fd = open_file();
    open_ledger("a", "b");
    open_books();
    count(0, 6, 5);
    cr_assert_eq(sl_ledger_write(ledger, &books, 9, fd, &turn), 0);
    open_ledger("a", "b");
    cr_assert_eq(sl_ledger_read(ledger, fd, &turn), 0);
    sl_ledger_tell(ledger, sl_ledger_durable(ledger), durable, 7); /* two more than it counted */
    sl_ledger_caught_up(ledger);
    cr_expect(past(0, SL_PAST_PASSED) == 7 && past(0, SL_PAST_WITH_BULLETINS) == 7);
    cr_expect(past(0, SL_PAST_UNANSWERED) == 1 && past(0, SL_PAST_FRAMED) == 8);
    close(fd);
}

Test(ledger, names_that_are_too_many_share_a_row)
{
    open_ledger("a", "b");
    struct sl_ledger_half *half = &ledger->halves[0];
    char name[32];
    for (uint32_t i = 2; i < 2 * SL_LEDGER_ROWS; i++) {
        snprintf(name, sizeof(name), "feed%u", i);
        uint32_t row = sl_ledger_row_of(ledger, half, name);
        cr_expect_eq(row, i < SL_LEDGER_ROWS - 1 ? i : SL_LEDGER_ROWS - 1);
        cr_expect_eq(sl_ledger_row_of(ledger, half, name), row);
    }
    cr_expect_str_eq(half->rows[SL_LEDGER_ROWS - 1].name, "others");
    cr_expect_eq(sl_ledger_row_of(ledger, half, "b"), 1);
}
