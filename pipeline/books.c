#include "pipeline/books.h"

#include <inttypes.h>
#include <errno.h>
#include <stdio.h>

enum { COLS = (int)SL_RX_COLS > (int)SL_DESK_COLS ? (int)SL_RX_COLS : (int)SL_DESK_COLS };
_Static_assert((int)SL_TAPE_COLS <= (int)COLS && (int)SL_THREAD_COLS <= (int)COLS, "a feed's rows are the widest");
_Static_assert((int)SL_SEAT_COLS <= (int)COLS, "a feed's rows are the widest");

/* Two rows for each feed, the tape's, the threads', the seats', then each feed's past and the journal's. */
static uint32_t row_cnt_of(uint32_t feed_cnt, uint32_t thread_cnt)
{
    return 3 * feed_cnt + 2 + thread_cnt + SL_LOG_SEATS;
}

size_t sl_books_footprint(uint32_t feed_cnt, uint32_t thread_cnt)
{
    return sl_counters_footprint(row_cnt_of(feed_cnt, thread_cnt), COLS);
}

int sl_books_new(struct sl_books *books, void *mem, uint32_t feed_cnt, uint32_t thread_cnt)
{
    int rc = sl_counters_new(mem, row_cnt_of(feed_cnt, thread_cnt), COLS);
    return rc ? rc : sl_books_join(books, mem, sl_books_footprint(feed_cnt, thread_cnt), feed_cnt, thread_cnt);
}

int sl_books_join(struct sl_books *books, const void *mem, size_t mem_len, uint32_t feed_cnt, uint32_t thread_cnt)
{
    struct sl_counters table;
    int rc = sl_counters_join(&table, mem, mem_len);
    if (rc)
        return rc;
    /* The counts come from another process: they are added up in 64 bits before they are believed. */
    if (table.row_cnt != 3 * (uint64_t)feed_cnt + 2 + thread_cnt + SL_LOG_SEATS || table.col_cnt != COLS)
        return -EPROTO;
    *books = (struct sl_books){ table, feed_cnt, thread_cnt };
    return 0;
}

sl_cell *sl_books_rx(const struct sl_books *books, uint32_t feed) { return sl_counters_row(&books->table, 2 * feed); }

sl_cell *sl_books_desk(const struct sl_books *books, uint32_t feed)
{
    return sl_counters_row(&books->table, 2 * feed + 1);
}

sl_cell *sl_books_tape(const struct sl_books *books) { return sl_counters_row(&books->table, 2 * books->feed_cnt); }

sl_cell *sl_books_thread(const struct sl_books *books, uint32_t thread)
{
    return sl_counters_row(&books->table, 2 * books->feed_cnt + 1 + thread);
}

sl_cell *sl_books_seat(const struct sl_books *books, uint32_t seat_idx)
{
    return sl_counters_row(&books->table, 2 * books->feed_cnt + 1 + books->thread_cnt + seat_idx);
}

sl_cell *sl_books_past(const struct sl_books *books, uint32_t feed)
{
    return sl_counters_row(&books->table, 2 * books->feed_cnt + 1 + books->thread_cnt + SL_LOG_SEATS + feed);
}

sl_cell *sl_books_keep(const struct sl_books *books) { return sl_books_past(books, books->feed_cnt); }

/* ---- the sums ---- */

static uint64_t sum(const sl_cell *cells, uint32_t cnt)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < cnt; i++)
        total += sl_cell_get(&cells[i]);
    return total;
}

static uint64_t verdicts(const sl_cell *desk, enum sl_verdict verdict)
{
    return sl_cell_get(&desk[SL_DESK_VERDICT + verdict]);
}

struct sl_feed_sums sl_books_sums(const struct sl_books *books, uint32_t feed)
{
    const sl_cell *rx = sl_books_rx(books, feed), *desk = sl_books_desk(books, feed);
    return (struct sl_feed_sums){
        .lines_up = sl_cell_get(&rx[SL_RX_LINES_UP]),
        .bytes = sl_cell_get(&rx[SL_RX_BYTES]),
        .datagrams = sl_cell_get(&rx[SL_RX_DATAGRAMS]),
        .kernel_drops = sl_cell_get(&rx[SL_RX_KERNEL_DROPS]),
        .framed = sum(&rx[SL_RX_FRAMED_LANE], SL_LANE_CNT),
        .dropped = sum(&rx[SL_RX_DROPPED_LANE], SL_LANE_CNT),
        .cut = sum(&rx[SL_RX_CUT], SL_CUT_CNT),
        .answered = sl_cell_get(&desk[SL_DESK_ANSWERED]),
        .rejected = sl_cell_get(&desk[SL_DESK_REJECTED]),
        .published = sum(&desk[SL_DESK_LANE], SL_LANE_CNT),
        .duplicates = verdicts(desk, SL_VERDICT_DUPLICATE),
        .held = sl_cell_get(&desk[SL_DESK_HELD_NOW]),
        .last_ns = (int64_t)sl_cell_get(&rx[SL_RX_LAST_NS]),
    };
}

struct teller {
    char *line;
    size_t line_len;
};

/* Both sides of one sum, with their words for whoever has to find the difference. */
static bool check(struct teller *teller, const char *whose, uint32_t idx, const char *left, uint64_t left_cnt,
                  const char *right, uint64_t right_cnt)
{
    if (left_cnt == right_cnt)
        return true;
    snprintf(teller->line, teller->line_len, "%s %" PRIu32 ": %s %" PRIu64 " but %s %" PRIu64, whose, idx, left,
             left_cnt, right, right_cnt);
    return false;
}

/* Bulletins that went onto the tape at their first verdict: all that pass but those released later. */
static uint64_t passed_of(const sl_cell *desk)
{
    return verdicts(desk, SL_VERDICT_PASSED) + verdicts(desk, SL_VERDICT_SAME_VERSION) +
           verdicts(desk, SL_VERDICT_LATE) + verdicts(desk, SL_VERDICT_WITHDRAWN);
}

void sl_books_add_walk(const struct sl_books *books, uint32_t feed, uint64_t past[SL_PAST_COLS])
{
    const sl_cell *rx = sl_books_rx(books, feed), *desk = sl_books_desk(books, feed);
    uint64_t open = past[SL_PAST_HELD] - past[SL_PAST_RELEASED] - past[SL_PAST_CANCELLED];
    uint64_t restored = sl_cell_get(&desk[SL_DESK_RESTORED]);
    /* Held again for a feed that is configured no longer, or from before there was a ledger. */
    past[SL_PAST_HELD] += restored > open ? restored - open : 0;
    past[SL_PAST_WITH_BULLETINS] += sl_cell_get(&desk[SL_DESK_WITH_BULLETINS]);
    past[SL_PAST_EMPTY] += sl_cell_get(&desk[SL_DESK_EMPTY]);
    past[SL_PAST_REJECTED] += sl_cell_get(&desk[SL_DESK_REJECTED]);
    past[SL_PAST_PASSED] += passed_of(desk);
    past[SL_PAST_RELEASED] += verdicts(desk, SL_VERDICT_RELEASED);
    past[SL_PAST_DUPLICATE] += verdicts(desk, SL_VERDICT_DUPLICATE);
    past[SL_PAST_HELD] += verdicts(desk, SL_VERDICT_HELD);
    past[SL_PAST_CANCELLED] += verdicts(desk, SL_VERDICT_CANCELLED);
    past[SL_PAST_NO_ROOM] += verdicts(desk, SL_VERDICT_NO_ROOM);
    past[SL_PAST_DROPPED] += sum(&rx[SL_RX_DROPPED_LANE], SL_LANE_CNT);
    past[SL_PAST_FRAMED] += sum(&rx[SL_RX_FRAMED_LANE], SL_LANE_CNT);
}

struct sl_feed_totals sl_books_totals(const struct sl_books *books, uint32_t feed)
{
    struct sl_feed_totals all = { 0 };
    for (unsigned i = 0; i < SL_PAST_COLS; i++)
        all.col[i] = sl_cell_get(&sl_books_past(books, feed)[i]);
    sl_books_add_walk(books, feed, all.col);
    all.published = all.col[SL_PAST_PASSED] + all.col[SL_PAST_RELEASED];
    all.held_now = sl_cell_get(&sl_books_desk(books, feed)[SL_DESK_HELD_NOW]);
    uint64_t left = all.col[SL_PAST_RELEASED] + all.col[SL_PAST_CANCELLED] + all.held_now;
    all.forgotten = all.col[SL_PAST_HELD] > left ? all.col[SL_PAST_HELD] - left : 0;
    return all;
}

static bool check_totals(struct teller *teller, const struct sl_books *books, uint32_t feed)
{
    struct sl_feed_totals all = sl_books_totals(books, feed);
    uint64_t answered = all.col[SL_PAST_WITH_BULLETINS] + all.col[SL_PAST_EMPTY] + all.col[SL_PAST_REJECTED];
    uint64_t durable = all.col[SL_PAST_DURABLE];
    return check(teller, "feed", feed, "over restarts: messages framed", all.col[SL_PAST_FRAMED],
                 "dropped, answered, or on their way when a walk was killed",
                 all.col[SL_PAST_DROPPED] + answered + all.col[SL_PAST_UNANSWERED]) &&
           check(teller, "feed", feed, "over restarts: bulletins held", all.col[SL_PAST_HELD],
                 "released, cancelled, held now or forgotten",
                 all.col[SL_PAST_RELEASED] + all.col[SL_PAST_CANCELLED] + all.held_now + all.forgotten) &&
           check(teller, "feed", feed, "over restarts: bulletins published", all.published, "published, or durable",
                 durable > all.published ? durable : all.published);
}

static bool check_messages(struct teller *teller, const sl_cell *rx, const sl_cell *desk, uint32_t feed)
{
    uint64_t answered = sl_cell_get(&desk[SL_DESK_ANSWERED]), rejected = sl_cell_get(&desk[SL_DESK_REJECTED]);
    return check(teller, "feed", feed, "datagrams received", sl_cell_get(&rx[SL_RX_DATAGRAMS]),
                 "used, repeated or malformed",
                 sl_cell_get(&rx[SL_RX_DATAGRAMS_USED]) + sl_cell_get(&rx[SL_RX_DATAGRAMS_REPEATED]) +
                     sl_cell_get(&rx[SL_RX_DATAGRAMS_MALFORMED])) &&
           check(teller, "feed", feed, "files taken", sl_cell_get(&rx[SL_RX_FILES_TAKEN]),
                 "done, rejected, left, lost or at hand",
                 sl_cell_get(&rx[SL_RX_FILES_DONE]) + sl_cell_get(&rx[SL_RX_FILES_REJECTED]) +
                     sl_cell_get(&rx[SL_RX_FILES_LEFT]) + sl_cell_get(&rx[SL_RX_FILES_LOST]) +
                     sl_cell_get(&rx[SL_RX_FILES_NOW])) &&
           check(teller, "feed", feed, "packets", sl_cell_get(&rx[SL_RX_PACKETS]), "used, other or bad",
                 sl_cell_get(&rx[SL_RX_PACKETS_USED]) + sl_cell_get(&rx[SL_RX_PACKETS_OTHER]) +
                     sl_cell_get(&rx[SL_RX_PACKETS_BAD])) &&
           check(teller, "feed", feed, "fragments", sl_cell_get(&rx[SL_RX_PARTS]), "joined, repeated, lost or at hand",
                 sl_cell_get(&rx[SL_RX_PARTS_JOINED]) + sl_cell_get(&rx[SL_RX_PARTS_REPEATED]) +
                     sl_cell_get(&rx[SL_RX_PARTS_LOST]) + sl_cell_get(&rx[SL_RX_PARTS_NOW])) &&
           check(teller, "feed", feed, "messages framed", sum(&rx[SL_RX_FRAMED_LANE], SL_LANE_CNT),
                 "answered or dropped", answered + sum(&rx[SL_RX_DROPPED_LANE], SL_LANE_CNT)) &&
           check(teller, "feed", feed, "messages answered", answered, "with bulletins, empty or rejected",
                 sl_cell_get(&desk[SL_DESK_WITH_BULLETINS]) + sl_cell_get(&desk[SL_DESK_EMPTY]) + rejected) &&
           check(teller, "feed", feed, "messages rejected", rejected, "by their codes",
                 sum(&desk[SL_DESK_REJECT_CODE], SL_PARSE_CODE_CNT)) &&
           check(teller, "feed", feed, "numbered messages expected", sl_cell_get(&rx[SL_RX_ORDER_EXPECTED]),
                 "received once or lost", sl_cell_get(&rx[SL_RX_ORDER_ONCE]) + sl_cell_get(&rx[SL_RX_ORDER_LOST])) &&
           check(teller, "feed", feed, "gaps found", sl_cell_get(&rx[SL_RX_ORDER_GAPS]), "told on the tape",
                 sl_cell_get(&desk[SL_DESK_GAPS]));
}

static bool check_bulletins(struct teller *teller, const sl_cell *desk, uint32_t feed)
{
    uint64_t held = verdicts(desk, SL_VERDICT_HELD), released = verdicts(desk, SL_VERDICT_RELEASED);
    return check(teller, "feed", feed, "bulletins said", sl_cell_get(&desk[SL_DESK_SAID]),
                 "passed, duplicate, held or without room",
                 passed_of(desk) + verdicts(desk, SL_VERDICT_DUPLICATE) + held + verdicts(desk, SL_VERDICT_NO_ROOM)) &&
           check(teller, "feed", feed, "bulletins held", held + sl_cell_get(&desk[SL_DESK_RESTORED]),
                 "released, cancelled or held now",
                 released + verdicts(desk, SL_VERDICT_CANCELLED) + sl_cell_get(&desk[SL_DESK_HELD_NOW])) &&
           check(teller, "feed", feed, "bulletins by lane", sum(&desk[SL_DESK_LANE], SL_LANE_CNT), "passed or released",
                 passed_of(desk) + released);
}

static bool check_tape(struct teller *teller, const struct sl_books *books)
{
    const sl_cell *tape = sl_books_tape(books);
    uint64_t passed = 0, released = 0;
    for (uint32_t feed = 0; feed < books->feed_cnt; feed++) {
        passed += passed_of(sl_books_desk(books, feed));
        released += verdicts(sl_books_desk(books, feed), SL_VERDICT_RELEASED);
    }
    return check(teller, "tape", 0, "bulletins passed", sl_cell_get(&tape[SL_TAPE_PASSED]), "passed in the feeds",
                 passed) &&
           check(teller, "tape", 0, "bulletins released", sl_cell_get(&tape[SL_TAPE_RELEASED]), "released in the feeds",
                 released) &&
           check(teller, "tape", 0, "records",
                 sl_cell_get(&tape[SL_TAPE_LAST_SEQ]) + 1 - sl_cell_get(&tape[SL_TAPE_FIRST_SEQ]),
                 "passed, released or made", passed + released + sl_cell_get(&tape[SL_TAPE_MADE]));
}

bool sl_books_balance(const struct sl_books *books, char *line, size_t line_len)
{
    struct teller teller = { line, line_len };
    for (uint32_t feed = 0; feed < books->feed_cnt; feed++) {
        const sl_cell *desk = sl_books_desk(books, feed);
        if (!check_messages(&teller, sl_books_rx(books, feed), desk, feed) || !check_bulletins(&teller, desk, feed) ||
            !check_totals(&teller, books, feed))
            return false;
    }
    return check_tape(&teller, books);
}
