#include <criterion/criterion.h>
#include "ring/log.h"
#include "tests/ring/pattern.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#define BYTES_LEN (64u << 10)
#define REC_LEN   1024u
#define REC_CNT   (BYTES_LEN / REC_LEN)

static _Alignas(128) unsigned char mem[BYTES_LEN + (64u << 10)];
static const struct sl_log_config usual = { .bytes_len = BYTES_LEN, .epoch = 42, .first_seq = 1 };
static struct sl_log_tx tx;
static struct sl_log_rx rx;
static struct sl_seat seat;
static _Alignas(8) unsigned char buf[BYTES_LEN];

static void make(const struct sl_log_config *config)
{
    memset(mem, 0xa5, sizeof(mem));
    cr_assert_leq(sl_log_footprint(config), sizeof(mem));
    cr_assert_eq(sl_log_new(mem, config), 0);
    cr_assert_eq(sl_log_join_tx(&tx, mem), 0);
    cr_assert_eq(sl_log_join_rx(&rx, mem, sl_log_footprint(config)), 0);
}

static void setup(void) { make(&usual); }

TestSuite(log, .init = setup, .timeout = 60);

/* Publishes a record of len bytes; its seq, or 0 when it is not let. */
static uint64_t publish_keeping(uint32_t len, uint64_t keep_free)
{
    static unsigned char bytes[BYTES_LEN];
    unsigned char *rec = sl_log_claim(&tx, len, keep_free);

    if (!rec)
        return 0;
    pattern_fill(1, sl_log_head(&tx) + 1, bytes, len - 16);
    sl_log_copy(rec + 16, bytes, len - 16);
    return sl_log_publish(&tx, len);
}

static uint64_t publish(uint32_t len) { return publish_keeping(len, 0); }

static void publish_many(uint64_t cnt)
{
    for (uint64_t i = 0; i < cnt; i++)
        cr_assert(publish(REC_LEN));
}

/* Publishes until it is not let; how many. */
static uint64_t publish_all(uint32_t len, uint64_t keep_free)
{
    uint64_t cnt = 0;

    while (publish_keeping(len, keep_free))
        cr_assert_lt(++cnt, 100000, "nothing holds the writer");
    return cnt;
}

static void expect_record(uint64_t seq, uint32_t len)
{
    const struct sl_log_rec *rec = (const void *)buf;

    cr_assert_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_RECORD, "seq %lu", (unsigned long)seq);
    cr_assert_eq(rec->seq, seq);
    cr_assert_eq(rec->len, len);
    cr_assert(pattern_holds(1, seq, buf + 16, len - 16), "seq %lu", (unsigned long)seq);
}

static void gate(uint64_t done)
{
    sl_seat_done(&seat, done);
    sl_log_attach(&tx, 3, &seat, true);
    sl_log_poll_gates(&tx);
}

/* ---- shape ---- */

static const struct config_case {
    const char *name;
    struct sl_log_config config;
    int code;
} config_cases[] = {
    {"smallest",            { .bytes_len = 64 << 10, .first_seq = 1 },                        0      },
    { "largest",            { .bytes_len = 1ull << 40, .first_seq = 1 },                      0      },
    { "no bytes",           { .bytes_len = 0, .first_seq = 1 },                               -EINVAL},
    { "too few bytes",      { .bytes_len = 32 << 10, .first_seq = 1 },                        -EINVAL},
    { "too many bytes",     { .bytes_len = 1ull << 41, .first_seq = 1 },                      -EINVAL},
    { "no power of two",    { .bytes_len = 96 << 10, .first_seq = 1 },                        -EINVAL},
    { "small index",        { .bytes_len = 64 << 10, .index_cnt = 16, .first_seq = 1 },       0      },
    { "large index",        { .bytes_len = 64 << 10, .index_cnt = 1u << 31, .first_seq = 1 }, 0      },
    { "too small an index", { .bytes_len = 64 << 10, .index_cnt = 8, .first_seq = 1 },        -EINVAL},
    { "uneven index",       { .bytes_len = 64 << 10, .index_cnt = 100, .first_seq = 1 },      -EINVAL},
    { "seq from 0",         { .bytes_len = 64 << 10, .first_seq = 0 },                        -EINVAL},
    { "seq near the end",   { .bytes_len = 64 << 10, .first_seq = (1ull << 62) - 1 },         0      },
    { "seq at the end",     { .bytes_len = 64 << 10, .first_seq = 1ull << 62 },               -EINVAL},
};

Test(log, a_shape_that_cannot_be_is_refused)
{
    for (size_t i = 0; i < sizeof(config_cases) / sizeof(*config_cases); i++) {
        const struct config_case *row = &config_cases[i];
        cr_expect_eq(sl_log_config_check(&row->config), row->code, "%s", row->name);
        cr_expect_eq(sl_log_footprint(&row->config) == 0, row->code != 0, "%s", row->name);
        if (row->code)
            cr_expect_eq(sl_log_new(mem, &row->config), -EINVAL, "%s", row->name);
    }
    cr_expect_eq(sl_log_new(NULL, &usual), -EINVAL);
    cr_expect_eq(sl_log_new(mem + 64, &usual), -EINVAL);
}

Test(log, only_a_log_that_lies_whole_in_its_memory_is_joined)
{
    size_t len = sl_log_footprint(&usual);

    cr_expect_eq(sl_log_join_rx(&rx, mem, len), 0);
    cr_expect_eq(sl_log_join_rx(&rx, mem, len - 1), -EPROTO);
    cr_expect_eq(sl_log_join_rx(&rx, mem, 100), -EPROTO);
    cr_expect_eq(sl_log_join_rx(&rx, mem + 64, len), -EINVAL);
    cr_expect_eq(sl_log_join_rx(&rx, NULL, len), -EINVAL);
    cr_expect_eq(sl_log_join_tx(&tx, NULL), -EINVAL);
    memset(mem, 0, 8);
    cr_expect_eq(sl_log_join_rx(&rx, mem, len), -EPROTO);
    cr_expect_eq(sl_log_join_tx(&tx, mem), -EPROTO);
}

Test(log, a_header_that_lies_is_refused_or_bounded)
{
    /* The fields behind the magic: bytes_len, index_cnt, epoch, first_seq. */
    static const uint64_t lies[][2] = {
        {0,  BYTES_LEN * 2},
        { 0, 0            },
        { 0, UINT64_MAX   },
        { 0, 1ull << 63   },
        { 1, 0            },
        { 1, 256          },
        { 1, 100          },
        { 1, 1ull << 60   },
        { 1, UINT64_MAX   },
        { 1, 1ull << 32   },
        { 3, 0            },
        { 3, UINT64_MAX   },
    };
    size_t len = sl_log_footprint(&usual);

    for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
        make(&usual);
        memcpy(mem + 8 + 8 * lies[i][0], &lies[i][1], 8);
        cr_expect_eq(sl_log_join_rx(&rx, mem, len), -EPROTO, "lie %zu", i);
    }
}

/* ---- one writer, one reader ---- */

Test(log, records_come_out_as_they_went_in)
{
    cr_expect_eq(sl_log_epoch(&rx), 42);
    cr_expect_eq(sl_log_head(&tx), 0);
    cr_expect_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_NONE);
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t len = 16 + i * 7 % sl_log_len_max(&tx) % 16000;
        cr_assert_eq(publish(len), i + 1);
        cr_expect_eq(sl_log_rx_head(&rx), i + 1);
        expect_record(i + 1, len);
        cr_expect_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_NONE);
    }
}

Test(log, records_are_64_aligned_and_never_wrap)
{
    for (uint32_t i = 0; i < 1000; i++) {
        uint32_t len = pattern_len(3, i, sl_log_len_max(&tx) - 16) + 16;
        unsigned char *rec = sl_log_claim(&tx, len, 0);
        cr_assert_eq((uintptr_t)rec % 64, 0);
        cr_assert(rec >= mem && rec + len <= mem + sl_log_footprint(&usual));
        sl_log_publish(&tx, len);
    }
}

Test(log, a_claimed_record_is_nobodys_until_it_is_published)
{
    void *first = sl_log_claim(&tx, 500, 0);

    cr_expect_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_NONE);
    cr_expect_eq(sl_log_claim(&tx, 500, 0), first);
    cr_expect_eq(sl_log_claim(&tx, 9000, 0), first);
    cr_expect_eq(sl_log_publish(&tx, 100), 1);
    cr_assert_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_RECORD);
    cr_expect_eq(((struct sl_log_rec *)(void *)buf)->len, 100);
    cr_expect_eq((unsigned char *)sl_log_claim(&tx, 16, 0) - (unsigned char *)first, 128);
}

Test(log, seq_starts_where_it_is_told)
{
    struct sl_log_config config = usual;

    config.first_seq = 65537;
    make(&config);
    cr_expect_eq(sl_log_head(&tx), 65536);
    cr_expect_eq(sl_log_oldest(&rx), 65537);
    cr_expect_eq(publish(100), 65537);
    sl_log_seek(&rx, 5);
    expect_record(65537, 100);
    sl_log_seek(&rx, 70000);
    cr_expect_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_NONE);
}

Test(log, a_record_too_long_for_the_buffer_stays_next)
{
    cr_assert(publish(4000));
    cr_expect_eq(sl_log_next(&rx, buf, 3999), -EMSGSIZE);
    cr_expect_eq(sl_log_next(&rx, buf, 0), -EMSGSIZE);
    cr_expect_eq(sl_log_next(&rx, buf, 4000), SL_LOG_RECORD);
}

Test(log, a_writer_that_joins_again_goes_on_behind_its_last_record)
{
    publish_many(REC_CNT + 5);
    cr_assert_eq(sl_log_join_tx(&tx, mem), 0);
    cr_expect_eq(sl_log_head(&tx), REC_CNT + 5);
    cr_expect_eq(publish(REC_LEN), REC_CNT + 6);
    sl_log_seek(&rx, REC_CNT + 5);
    expect_record(REC_CNT + 5, REC_LEN);
    expect_record(REC_CNT + 6, REC_LEN);
}

/* ---- lapped ---- */

/* Reads to the head; all that is not read must be told as missed, without gaps.  Returns how many were missed. */
static uint64_t read_all(uint64_t seq)
{
    uint64_t missed = 0;
    int got;

    while ((got = sl_log_next(&rx, buf, sizeof(buf))) != SL_LOG_NONE) {
        const struct sl_log_rec *rec = (const void *)buf;
        if (got == SL_LOG_LAPPED) {
            cr_assert_eq(rx.missed_first, seq);
            cr_assert_geq(rx.missed_last, rx.missed_first);
            missed += rx.missed_last - rx.missed_first + 1;
            seq = rx.missed_last + 1;
            cr_assert_eq(rx.next_seq, seq);
            continue;
        }
        cr_assert_eq(got, SL_LOG_RECORD);
        cr_assert_eq(rec->seq, seq);
        cr_assert(pattern_holds(1, seq, buf + 16, rec->len - 16));
        seq++;
    }
    cr_assert_eq(seq, sl_log_head(&tx) + 1);
    return missed;
}

Test(log, a_lapped_reader_is_told_once_what_it_missed_and_gets_the_rest)
{
    publish_many(3 * REC_CNT);
    cr_assert_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_LAPPED);
    cr_expect_eq(rx.missed_first, 1);
    /* An eighth of the log is slack, and up to a step of a sixteenth is announced: the rest is still there. */
    cr_expect_geq(rx.missed_last, 2 * REC_CNT + REC_CNT / 8 - 1);
    cr_expect_leq(rx.missed_last, 2 * REC_CNT + REC_CNT * 3 / 16);
    uint64_t next = rx.next_seq;
    publish_many(REC_CNT / 16); /* not lapped at once again */
    for (; next <= 3 * REC_CNT + REC_CNT / 16; next++)
        expect_record(next, REC_LEN);
    cr_expect_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_NONE);
}

Test(log, a_reader_is_not_lapped_while_its_records_are_there)
{
    publish_many(REC_CNT); /* exactly full: nothing is overwritten */
    cr_expect_eq(read_all(1), 0);
    sl_log_seek(&rx, 1);
    publish_many(1);
    cr_expect_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_LAPPED);
}

Test(log, an_index_too_small_for_its_records_is_a_lap_too)
{
    struct sl_log_config config = usual;

    config.index_cnt = 16;
    make(&config);
    for (int i = 0; i < 40; i++)
        cr_assert(publish(64));
    cr_assert_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_LAPPED);
    cr_expect_eq(rx.missed_first, 1);
    cr_expect_eq(rx.missed_last, 40 - 14, "an eighth of the index is slack");
    cr_expect_eq(read_all(rx.next_seq), 0);
}

Test(log, a_slot_filled_again_is_noticed_though_the_bytes_are_still_there)
{
    struct sl_log_config config = usual;

    config.index_cnt = 16;
    make(&config);
    cr_assert(publish(64));
    cr_assert(sl_log_peek(&rx));
    for (int i = 0; i < 15; i++)
        cr_assert(publish(64));
    cr_expect(sl_log_still_whole(&rx));
    cr_assert(publish(64));
    cr_expect_not(sl_log_still_whole(&rx));
}

Test(log, oldest_is_the_first_record_until_something_was_overwritten)
{
    cr_expect_eq(sl_log_oldest(&rx), 1);
    publish_many(REC_CNT / 2);
    cr_expect_eq(sl_log_oldest(&rx), 1);
    publish_many(10 * REC_CNT);
    uint64_t oldest = sl_log_oldest(&rx);
    sl_log_seek(&rx, oldest);
    expect_record(oldest, REC_LEN);
    cr_expect_geq(sl_log_head(&tx) - oldest, REC_CNT * 3 / 4 - 1);
}

Test(log, even_the_longest_records_leave_one_to_go_on_from)
{
    for (int i = 0; i < 50; i++) {
        cr_assert(publish(sl_log_len_max(&tx) - (i % 3) * 100));
        sl_log_seek(&rx, 1);
        cr_assert_lt(read_all(1), sl_log_head(&tx));
    }
}

Test(log, in_place_is_whole_until_the_writer_means_to_overwrite_it)
{
    publish_many(2);
    const struct sl_log_rec *rec = sl_log_peek(&rx);
    cr_assert(rec);
    cr_expect(pattern_holds(1, 1, (const unsigned char *)rec + 16, rec->len - 16));
    cr_expect(sl_log_still_whole(&rx));
    publish_many(REC_CNT - 2);
    cr_expect(sl_log_still_whole(&rx));
    cr_assert(sl_log_claim(&tx, 16, 0));
    cr_expect_not(sl_log_still_whole(&rx), "the claim alone takes it away");
    sl_log_skip(&rx);
    cr_expect_eq(rx.next_seq, 2);
    publish_many(REC_CNT);
    cr_expect(!sl_log_peek(&rx) || !sl_log_still_whole(&rx));
}

Test(log, what_the_writer_never_wrote_is_refused_without_looking_far)
{
    static const uint32_t lens[] = { 0, 15, BYTES_LEN / 4 + 1, BYTES_LEN, UINT32_MAX };

    for (size_t i = 0; i < sizeof(lens) / sizeof(*lens); i++) {
        make(&usual);
        cr_assert(publish(100));
        struct sl_log_rec *rec = (struct sl_log_rec *)(uintptr_t)sl_log_peek(&rx);
        cr_assert(rec);
        rec->len = lens[i];
        cr_expect_eq(sl_log_next(&rx, buf, sizeof(buf)), -EPROTO, "len %u", lens[i]);
        cr_expect_null(sl_log_peek(&rx), "len %u", lens[i]);
        rec->len = 100;
        rec->seq = 7;
        cr_expect_eq(sl_log_next(&rx, buf, sizeof(buf)), -EPROTO, "another seq");
    }
}

/* ---- gating ---- */

Test(log, a_gating_reader_stops_the_writer_and_loses_nothing)
{
    gate(0);
    cr_expect_eq(sl_log_gate_state(&rx, 3), SL_GATE_HOLDS);
    cr_expect_eq(publish_all(REC_LEN, 0), REC_CNT);
    cr_expect_eq(sl_log_poll_gates(&tx), 3);
    cr_expect_eq(read_all(1), 0, "nothing it holds looks overwritten");
    cr_expect_not(publish(REC_LEN), "read is not done");
    sl_seat_done(&seat, 2);
    cr_expect_eq(publish_all(REC_LEN, 0), 2);
    cr_expect_eq(read_all(REC_CNT + 1), 0);
    sl_seat_done(&seat, sl_log_head(&tx));
    cr_expect_eq(sl_log_poll_gates(&tx), -1, "it holds nothing back");
    cr_expect_eq(publish_all(REC_LEN, 0), REC_CNT);
    cr_expect_eq(read_all(REC_CNT + 3), 0);
}

Test(log, the_last_eighth_is_left_to_who_may_have_it)
{
    gate(0);
    cr_expect_eq(publish_all(REC_LEN, BYTES_LEN / 8), REC_CNT - REC_CNT / 8);
    cr_expect_eq(publish_all(REC_LEN, 0), REC_CNT / 8);
}

Test(log, the_index_is_held_and_kept_free_like_the_bytes)
{
    struct sl_log_config config = usual;

    config.index_cnt = 16;
    make(&config);
    gate(0);
    cr_expect_eq(publish_all(64, BYTES_LEN / 8), 14);
    cr_expect_eq(publish_all(64, 0), 2);
    cr_expect_eq(read_all(1), 0);
}

Test(log, the_slowest_of_several_decides)
{
    static struct sl_seat others[2];

    gate(0);
    sl_log_attach(&tx, 0, &others[0], true);
    sl_log_attach(&tx, 63, &others[1], false);
    sl_log_poll_gates(&tx);
    publish_many(10);
    sl_seat_done(&seat, 10);
    sl_seat_done(&others[0], 4);
    cr_expect_eq(sl_log_poll_gates(&tx), 0);
    cr_expect_eq(publish_all(REC_LEN, 0), REC_CNT - 10 + 4);
    sl_log_detach(&tx, 0);
    cr_expect_eq(publish_all(REC_LEN, 0), 6);
    cr_expect_eq(sl_log_gate_state(&rx, 63), SL_GATE_NONE);
}

static const struct lie_case {
    const char *name;
    uint64_t done, disbelieved_cnt;
} lie_cases[] = {
    {"as before",        20,         0},
    { "more",            30,         0},
    { "the head",        40,         0},
    { "beyond the head", 41,         1},
    { "falling",         19,         1},
    { "far beyond",      1u << 20,   1},
    { "largest",         UINT64_MAX, 1},
    { "falling to 1",    1,          1},
};

Test(log, done_is_believed_only_where_it_neither_falls_nor_exceeds_the_head)
{
    for (size_t i = 0; i < sizeof(lie_cases) / sizeof(*lie_cases); i++) {
        const struct lie_case *row = &lie_cases[i];
        make(&usual);
        gate(0);
        publish_many(40);
        sl_seat_done(&seat, 20);
        sl_log_poll_gates(&tx);
        sl_seat_done(&seat, row->done);
        for (int again = 0; again < 3; again++)
            sl_log_poll_gates(&tx);
        cr_expect_eq(tx.gates[3].disbelieved_cnt, row->disbelieved_cnt, "%s", row->name);
        cr_expect_eq(tx.gates[3].done, row->disbelieved_cnt ? 20 : row->done, "%s", row->name);
        cr_expect_eq(publish_all(REC_LEN, 0), REC_CNT - 40 + tx.gates[3].done, "%s", row->name);
        sl_log_detach(&tx, 3);
        sl_log_poll_gates(&tx);
    }
}

Test(log, an_evicted_reader_is_told_and_gates_again_when_it_has_caught_up)
{
    gate(0);
    publish_all(REC_LEN, 0);
    sl_log_evict(&tx, 3);
    cr_expect_eq(sl_log_gate_state(&rx, 3), SL_GATE_EVICTED);
    publish_many(REC_CNT);
    cr_expect_gt(read_all(1), 0);
    sl_seat_done(&seat, sl_log_head(&tx) - REC_CNT / 4);
    sl_log_poll_gates(&tx);
    cr_expect_eq(sl_log_gate_state(&rx, 3), SL_GATE_EVICTED, "a quarter of the log is too far");
    sl_seat_done(&seat, sl_log_head(&tx) - REC_CNT / 4 + 1);
    sl_log_poll_gates(&tx);
    cr_expect_eq(sl_log_gate_state(&rx, 3), SL_GATE_HOLDS);
    uint64_t next = tx.gates[3].done + 1;
    cr_expect_eq(publish_all(REC_LEN, 0), REC_CNT - REC_CNT / 4 + 1);
    sl_log_seek(&rx, next);
    cr_expect_eq(read_all(next), 0, "from then on nothing is lost");
}

Test(log, who_attaches_far_behind_is_evicted_from_the_start_and_holds_nothing)
{
    publish_many(REC_CNT * 2);
    gate(5);
    cr_expect_eq(sl_log_gate_state(&rx, 3), SL_GATE_EVICTED);
    publish_many(REC_CNT * 2);
    sl_log_detach(&tx, 3);
    cr_expect_eq(sl_log_poll_gates(&tx), -1);
    cr_expect_eq(sl_log_gate_state(&rx, 3), SL_GATE_NONE);
}

Test(log, evicting_who_does_not_hold_changes_nothing)
{
    sl_log_evict(&tx, 3);
    cr_expect_eq(sl_log_gate_state(&rx, 3), SL_GATE_NONE);
}

Test(log, a_gate_that_closes_behind_a_long_claim_finds_all_it_holds_whole)
{
    /* The worst case of the quarter rule: the writer has skipped nearly a quarter, claimed a quarter and announced a
     * step. */
    uint32_t quarter = sl_log_len_max(&tx);

    for (uint32_t shift = 64; shift < quarter; shift += 64) {
        make(&usual);
        memset(&seat, 0, sizeof(seat));
        while (sl_log_head(&tx) < 7 * 64)
            cr_assert(publish(REC_LEN));
        cr_assert(publish(shift));
        cr_assert(sl_log_claim(&tx, quarter, 0));
        uint64_t done = sl_log_head(&tx) - (quarter - shift) / REC_LEN;
        gate(done);
        cr_assert_eq(sl_log_gate_state(&rx, 3), SL_GATE_HOLDS, "shift %u", shift);
        cr_assert(sl_log_publish(&tx, 16));
        sl_log_seek(&rx, done + 1);
        while (rx.next_seq < sl_log_head(&tx))
            cr_assert_eq(sl_log_next(&rx, buf, sizeof(buf)), SL_LOG_RECORD, "shift %u", shift);
        sl_log_detach(&tx, 3);
        sl_log_poll_gates(&tx);
    }
}

Test(log, polls_are_counted_so_that_a_detached_seat_may_be_unmapped)
{
    uint64_t before = sl_log_poll_cnt(&tx);

    sl_log_poll_gates(&tx);
    cr_expect_eq(sl_log_poll_cnt(&tx), before + 1);
}

/* ---- sleeping ---- */

Test(log, who_waits_for_what_is_there_does_not_sleep)
{
    publish_many(1);
    cr_expect_eq(sl_log_wait(&rx, &seat, -1), 0);
    publish_many(2 * REC_CNT);
    cr_expect_eq(sl_log_wait(&rx, &seat, -1), 0, "being lapped is news as well");
    cr_expect_eq(sl_log_wait(&rx, &seat, 0), 0);
}

Test(log, a_wait_for_nothing_ends_by_its_timeout)
{
    cr_expect_eq(sl_log_wait(&rx, &seat, 0), -ETIMEDOUT);
    cr_expect_eq(sl_log_wait(&rx, &seat, 1000), -ETIMEDOUT);
    cr_expect_not(sl_log_sleepers(&tx));
}

Test(log, a_seat_is_a_sleeper_only_on_the_present_wake_word)
{
    sl_log_attach(&tx, 7, &seat, false);
    atomic_store(&seat.asleep, 1);
    cr_expect_not(sl_log_sleepers(&tx), "tx has not polled yet");
    sl_log_poll_gates(&tx);
    cr_expect(sl_log_sleepers(&tx));
    sl_log_wake(&tx);
    cr_expect_not(sl_log_sleepers(&tx), "it is awake, or about to be");
    static const uint32_t nonsense[] = { 0, 2, 4, 77, UINT32_MAX };
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
        atomic_store(&seat.asleep, nonsense[i]);
        cr_expect_not(sl_log_sleepers(&tx), "%u", nonsense[i]);
    }
}

static void *sleep_for_ever(void *arg)
{
    while (sl_log_next(&rx, buf, sizeof(buf)) == SL_LOG_NONE)
        cr_assert_eq(sl_log_wait(&rx, &seat, -1), 0);
    return arg;
}

Test(log, a_sleeper_is_woken_by_what_it_waits_for)
{
    pthread_t thread;

    sl_log_attach(&tx, 7, &seat, false);
    sl_log_poll_gates(&tx);
    cr_assert_eq(pthread_create(&thread, NULL, sleep_for_ever, NULL), 0);
    while (!sl_log_sleepers(&tx))
        sched_yield();
    publish_many(1);
    if (sl_log_sleepers(&tx))
        sl_log_wake(&tx);
    cr_expect_eq(pthread_join(thread, NULL), 0);
    cr_expect_eq(rx.next_seq, 2);
}

Test(log, a_name_is_ended_and_printable_whatever_the_reader_wrote)
{
    static const struct {
        const char bytes[32];
        const char *want;
    } rows[] = {
        {"",                                  ""                                },
        { "journal",                          "journal"                         },
        { "a\nb\x1b[2J\xff",                  "a?b?[2J?"                        },
        { "0123456789abcdef0123456789ABCDEF", "0123456789abcdef0123456789ABCDEF"},
    };
    char name[33];

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        memcpy(seat.name, rows[i].bytes, sizeof(seat.name));
        sl_seat_name(&seat, name);
        cr_expect_str_eq(name, rows[i].want);
    }
}

/* ---- any order of calls ---- */

Test(log, any_order_of_calls_accounts_for_every_record)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sl_log_config config = usual;
        uint64_t state = seed, seq = 1, gated_seq = 1;
        struct sl_log_rx gated;

        config.index_cnt = seed % 2 ? 0 : 64;
        make(&config);
        memset(&seat, 0, sizeof(seat));
        gate(0);
        gated = rx;
        for (int step = 0; step < 4000; step++) {
            uint64_t random = next_random(&state);
            if (random % 4 < 2) {
                publish_keeping(pattern_len(seed, step, sl_log_len_max(&tx) - 16) + 16, random % 8 ? BYTES_LEN / 8 : 0);
            } else if (random % 4 == 2) {
                int got = sl_log_next(&rx, buf, sizeof(buf));
                cr_assert_geq(got, 0);
                if (got == SL_LOG_LAPPED)
                    cr_assert_eq(rx.missed_first, seq);
                if (got == SL_LOG_RECORD)
                    cr_assert_eq(((struct sl_log_rec *)(void *)buf)->seq, seq);
                seq = rx.next_seq;
            } else {
                int got = sl_log_next(&gated, buf, sizeof(buf));
                cr_assert_neq(got, SL_LOG_LAPPED, "seed %lu step %d", (unsigned long)seed, step);
                if (got == SL_LOG_RECORD) {
                    const struct sl_log_rec *rec = (const void *)buf;
                    cr_assert_eq(rec->seq, gated_seq);
                    cr_assert(pattern_holds(1, gated_seq, buf + 16, rec->len - 16));
                    sl_seat_done(&seat, gated_seq++);
                }
            }
        }
        sl_log_detach(&tx, 3);
        sl_log_poll_gates(&tx);
    }
}
