#include "tests/sim/sim.h"

#include <inttypes.h>

static uint64_t desk_book(const struct sim *sim, uint32_t feed, unsigned col)
{
    return sl_cell_get(&sl_books_desk(&sim->world.books, feed)[col]);
}

static uint64_t rx_book(const struct sim *sim, uint32_t feed, unsigned col)
{
    return sl_cell_get(&sl_books_rx(&sim->world.books, feed)[col]);
}

static uint64_t dropped_of(const struct sim *sim, uint32_t feed)
{
    uint64_t cnt = 0;
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        cnt += rx_book(sim, feed, SL_RX_DROPPED_LANE + lane);
    return cnt;
}

/* What came whole is out once, or refused aloud, or was held and cancelled; of datagrams as many are missing as were
 * dropped. */
static void check_fates(struct sim *sim)
{
    uint64_t lost[FEEDS_MAX] = { 0 }, kept_back = 0, cancelled = 0, held_now = 0, timeless = 0;
    uint64_t stumps = sim->audience.stumps_held;
    for (uint32_t i = 0; i < sim->agency.sent_cnt; i++) {
        const struct sent *sent = sim->agency.sent[i];
        bool answered = sent->published_cnt || sent->rejected_cnt || sent->held_cnt;
        kept_back += sent->held_cnt && !sent->published_cnt;
        timeless += sent->said == SAID_HOLD ? sent->held_cnt : 0;
        stumps += sent->held_cnt && sent->doubtful ? sent->held_cnt : 0;
        if (sent->whole_cnt && !answered)
            violated(sim, "message %u of feed %u came whole, and nothing became of it", sent->idx, sent->feed);
        lost[sent->feed] += sent->datagram_cnt && !answered && !sent->doubtful;
    }
    for (uint32_t f = 0; f < sim->world.feed_cnt; f++) {
        held_now += desk_book(sim, f, SL_DESK_HELD_NOW);
        cancelled += desk_book(sim, f, SL_DESK_VERDICT + SL_VERDICT_CANCELLED) + desk_book(sim, f, SL_DESK_HELD_NOW);
        uint64_t excused = dropped_of(sim, f) + rx_book(sim, f, SL_RX_ORDER_LOST);
        if (lost[f] > excused)
            violated(sim, "feed %u: %" PRIu64 " messages are missing, %" PRIu64 " were dropped or given up", f, lost[f],
                     excused);
    }
    if (held_now > timeless + stumps)
        violated(sim, "%" PRIu64 " are still held at the end of time, %" PRIu64 " have none", held_now, timeless);
    /* A stump of a message that was cut behind its first paragraph may be held beside the whole. */
    if (!sim->world.small_window &&
        (cancelled < kept_back - (kept_back < stumps ? kept_back : stumps) || cancelled > kept_back + stumps))
        violated(sim, "%" PRIu64 " were held and never published, %" PRIu64 " are cancelled or still held", kept_back,
                 cancelled);
}

/* Every number that the agency used is out once or is named as missing; all that no line brought are. */
static void check_numbers(struct sim *sim, uint32_t feed)
{
    const struct audience *audience = &sim->audience;
    uint64_t cnt = sim->network.next_number[feed] - 1, never = 0, late = 0;
    for (uint64_t number = 1; number <= cnt; number++) {
        bool came = sim->network.came[feed][number], missing = audience->missing[feed][number];
        never += !came;
        late += came && missing;
        if (!came && !missing)
            violated(sim, "feed %u: nobody brought %" PRIu64 ", and nobody says so", feed, number);
    }
    if (rx_book(sim, feed, SL_RX_ORDER_EXPECTED) != cnt ||
        rx_book(sim, feed, SL_RX_ORDER_ONCE) != cnt - audience->missing_cnt[feed] ||
        rx_book(sim, feed, SL_RX_ORDER_LOST) != audience->missing_cnt[feed] ||
        rx_book(sim, feed, SL_RX_ORDER_GAPS) != audience->gap_cnt[feed])
        violated(sim,
                 "feed %u: %" PRIu64 " were numbered, %" PRIu64 " gaps of %" PRIu64 " told; the books say %" PRIu64
                 " expected, %" PRIu64 " once, %" PRIu64 " gaps of %" PRIu64,
                 feed, cnt, audience->gap_cnt[feed], audience->missing_cnt[feed],
                 rx_book(sim, feed, SL_RX_ORDER_EXPECTED), rx_book(sim, feed, SL_RX_ORDER_ONCE),
                 rx_book(sim, feed, SL_RX_ORDER_GAPS), rx_book(sim, feed, SL_RX_ORDER_LOST));
    happened(sim, HAPPENED_NUMBER_LOST, never);
    happened(sim, HAPPENED_NUMBER_LATE, late);
    happened(sim, HAPPENED_NUMBERS_GIVEN_UP, audience->gap_cnt[feed]);
}

static void check_tape(struct sim *sim)
{
    const sl_cell *tape = sl_books_tape(&sim->world.books);
    if (sl_cell_get(&tape[SL_TAPE_LAST_SEQ]) != sim->audience.seq[LOG_TAPE])
        violated(sim, "the tape ends with %" PRIu64 ", its book says %" PRIu64, sim->audience.seq[LOG_TAPE],
                 sl_cell_get(&tape[SL_TAPE_LAST_SEQ]));
    if (sl_cell_get(&tape[SL_TAPE_RAW_LAST_SEQ]) != sim->audience.seq[LOG_RAW])
        violated(sim, "the raw log ends with %" PRIu64 ", its book says %" PRIu64, sim->audience.seq[LOG_RAW],
                 sl_cell_get(&tape[SL_TAPE_RAW_LAST_SEQ]));
}

static void note_what_happened(struct sim *sim)
{
    static const struct {
        enum happening what;
        unsigned col;
    } of_desk[] = {
        {HAPPENED_DUPLICATE,     SL_DESK_VERDICT + SL_VERDICT_DUPLICATE   },
        { HAPPENED_SAME_VERSION, SL_DESK_VERDICT + SL_VERDICT_SAME_VERSION},
        { HAPPENED_WITHDRAWN,    SL_DESK_VERDICT + SL_VERDICT_WITHDRAWN   },
        { HAPPENED_HELD,         SL_DESK_VERDICT + SL_VERDICT_HELD        },
        { HAPPENED_RELEASED,     SL_DESK_VERDICT + SL_VERDICT_RELEASED    },
        { HAPPENED_CANCELLED,    SL_DESK_VERDICT + SL_VERDICT_CANCELLED   },
        { HAPPENED_NO_ROOM,      SL_DESK_VERDICT + SL_VERDICT_NO_ROOM     },
        { HAPPENED_FLASH,        SL_DESK_LANE + SL_LANE_FLASH             },
    };
    static const struct {
        enum happening what;
        unsigned col;
    } of_rx[] = {
        {HAPPENED_STREAM_PAUSED,  SL_RX_PAUSES                },
        { HAPPENED_CUT_TOO_LONG,  SL_RX_CUT + SL_CUT_TOO_LONG },
        { HAPPENED_CUT_TIMEOUT,   SL_RX_CUT + SL_CUT_TIMEOUT  },
        { HAPPENED_CUT_LINE_DOWN, SL_RX_CUT + SL_CUT_LINE_DOWN},
        { HAPPENED_CUT_NEW_START, SL_RX_CUT + SL_CUT_NEW_START},
        { HAPPENED_CUT_NOISE,     SL_RX_CUT + SL_CUT_NOISE    },
    };
    const sl_cell *tape = sl_books_tape(&sim->world.books);
    for (uint32_t f = 0; f < sim->world.feed_cnt; f++) {
        for (size_t i = 0; i < sizeof(of_desk) / sizeof(of_desk[0]); i++)
            happened(sim, of_desk[i].what, desk_book(sim, f, of_desk[i].col));
        for (size_t i = 0; i < sizeof(of_rx) / sizeof(of_rx[0]); i++)
            happened(sim, of_rx[i].what, rx_book(sim, f, of_rx[i].col));
        happened(sim, HAPPENED_DATAGRAM_DROPPED, dropped_of(sim, f));
    }
    happened(sim, HAPPENED_TAPE_WENT_ROUND, sl_cell_get(&tape[SL_TAPE_BYTES]) / sim->world.tape_bytes);
    happened(sim, HAPPENED_GATE_WAIT, sl_cell_get(&tape[SL_TAPE_GATE_WAITS]));
    happened(sim, HAPPENED_EVICTION, sl_cell_get(&tape[SL_TAPE_EVICTIONS]));
    happened(sim, HAPPENED_SEAT_LIE, sl_cell_get(&tape[SL_TAPE_SEAT_LIES]));
    happened(sim, HAPPENED_CLOCK_STEP, sl_cell_get(&tape[SL_TAPE_CLOCK_STEPS]));
}

void check_the_day(struct sim *sim)
{
    char line[200];
    if (!sl_books_balance(&sim->world.books, line, sizeof(line)))
        violated(sim, "the books do not balance: %s", line);
    check_tape(sim);
    check_fates(sim);
    check_files(sim);
    for (uint32_t f = 0; f < sim->world.feed_cnt; f++)
        if (sim->world.numbered[f])
            check_numbers(sim, f);
    note_what_happened(sim);
    happened(sim, HAPPENED_DAY, 1);
}
