#include <criterion/criterion.h>
#include "ring/spsc.h"
#include "tests/ring/pattern.h"
#include <errno.h>

#define LEN 4096u

static _Alignas(SL_SPSC_ALIGN) unsigned char mem[sizeof(struct sl_spsc_shm) + LEN];
static struct sl_spsc_tx tx;
static struct sl_spsc_rx rx;

static void setup(void)
{
    memset(mem, 0xa5, sizeof(mem));
    cr_assert_eq(sl_spsc_new(mem, LEN), 0);
    cr_assert_eq(sl_spsc_join_tx(&tx, mem), 0);
    cr_assert_eq(sl_spsc_join_rx(&rx, mem), 0);
}

TestSuite(spsc, .init = setup);

static bool put(uint64_t number, uint32_t len)
{
    unsigned char *bytes = sl_spsc_claim(&tx, len);

    if (!bytes)
        return false;
    pattern_fill(1, number, bytes, len);
    sl_spsc_commit(&tx, len);
    return true;
}

/* Peeks and checks the record; returns its place. */
static uint64_t take(uint64_t number, uint32_t len_wanted)
{
    uint32_t len = 0;
    const unsigned char *bytes = sl_spsc_peek(&rx, &len);

    cr_assert(bytes, "record %lu is missing", (unsigned long)number);
    cr_assert_eq(len, len_wanted, "record %lu has %u bytes, not %u", (unsigned long)number, len, len_wanted);
    cr_assert(pattern_holds(1, number, bytes, len), "record %lu has other bytes", (unsigned long)number);
    return sl_spsc_next(&rx);
}

Test(spsc, only_powers_of_two_from_4_kib_to_2_gib_can_be_rings)
{
    static const struct {
        uint32_t len;
        bool can_be;
    } rows[] = {
        {0,               false},
        { 1,              false},
        { 2048,           false},
        { 4095,           false},
        { 4096,           true },
        { 6144,           false},
        { 65536,          true },
        { (1u << 31) - 1, false},
        { 1u << 31,       true },
        { (1u << 31) + 1, false},
        { UINT32_MAX,     false},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t want = rows[i].can_be ? sizeof(struct sl_spsc_shm) + rows[i].len : 0;
        cr_expect_eq(sl_spsc_footprint(rows[i].len), want, "%u", rows[i].len);
        if (!rows[i].can_be)
            cr_expect_eq(sl_spsc_new(mem, rows[i].len), -EINVAL, "%u", rows[i].len);
    }
}

Test(spsc, memory_that_is_missing_misaligned_or_no_ring_is_refused)
{
    static _Alignas(SL_SPSC_ALIGN) unsigned char zeros[sizeof(struct sl_spsc_shm) + LEN];

    cr_expect_eq(sl_spsc_new(NULL, LEN), -EINVAL);
    cr_expect_eq(sl_spsc_new(zeros + 64, LEN), -EINVAL);
    cr_expect_eq(sl_spsc_join_tx(&tx, NULL), -EINVAL);
    cr_expect_eq(sl_spsc_join_rx(&rx, mem + 8), -EINVAL);
    cr_expect_eq(sl_spsc_join_tx(&tx, zeros), -EPROTO);
    cr_expect_eq(sl_spsc_join_rx(&rx, zeros), -EPROTO);
    ((struct sl_spsc_shm *)(void *)mem)->bytes_len = 5000;
    cr_expect_eq(sl_spsc_join_rx(&rx, mem), -EPROTO);
}

Test(spsc, a_new_ring_is_empty_whatever_its_memory_held)
{
    uint32_t len;
    cr_expect_null(sl_spsc_peek(&rx, &len));
}

Test(spsc, a_record_is_seen_after_flush_and_not_before)
{
    uint32_t len;

    cr_assert(put(1, 40));
    cr_expect_null(sl_spsc_peek(&rx, &len));
    cr_assert(put(2, 0));
    cr_expect_null(sl_spsc_peek(&rx, &len));
    sl_spsc_flush(&tx);
    take(1, 40);
    take(2, 0);
    cr_expect_null(sl_spsc_peek(&rx, &len));
}

Test(spsc, a_flush_of_nothing_shows_nothing)
{
    uint32_t len;

    sl_spsc_flush(&tx);
    cr_expect_null(sl_spsc_peek(&rx, &len));
    cr_assert(sl_spsc_claim(&tx, 100));
    sl_spsc_flush(&tx);
    cr_expect_null(sl_spsc_peek(&rx, &len));
}

Test(spsc, claiming_and_peeking_twice_give_the_same)
{
    uint32_t len[2];
    void *first = sl_spsc_claim(&tx, 64);

    cr_expect_eq(sl_spsc_claim(&tx, 64), first);
    cr_expect_eq((uintptr_t)first % 8, 0);
    sl_spsc_commit(&tx, 24);
    sl_spsc_flush(&tx);
    cr_expect_eq(sl_spsc_peek(&rx, &len[0]), sl_spsc_peek(&rx, &len[1]));
    cr_expect_eq(len[0], 24);
    cr_expect_eq(len[1], 24);
}

Test(spsc, a_larger_claim_given_up_for_a_smaller_one_leaves_no_trace)
{
    uint32_t len_max = sl_spsc_len_max(&tx);

    cr_assert(put(1, len_max) && put(2, 1000));
    sl_spsc_flush(&tx);
    take(1, len_max);
    sl_spsc_release(rx.shm, take(2, 1000));
    cr_assert(sl_spsc_claim(&tx, len_max)); /* behind a pad, at the start */
    cr_assert(put(3, 100)); /* fits before the end */
    sl_spsc_flush(&tx);
    take(3, 100);
}

Test(spsc, the_longest_record_fits_an_empty_ring_from_every_place)
{
    uint32_t len_max = sl_spsc_len_max(&tx);

    /* Each round moves the start on by eight bytes, over all of the ring and beyond. */
    for (uint32_t i = 0; i < 3 * LEN / 8; i++) {
        cr_assert(put(i, len_max), "round %u", i);
        sl_spsc_flush(&tx);
        sl_spsc_release(rx.shm, take(i, len_max));
        cr_assert(put(i, i % 3 ? 0 : 8));
        sl_spsc_flush(&tx);
        sl_spsc_release(rx.shm, take(i, i % 3 ? 0 : 8));
    }
}

Test(spsc, full_is_an_answer_until_the_oldest_is_released)
{
    uint64_t number = 0;

    while (put(number, 120))
        number++;
    cr_expect_eq(number, (LEN - 8) / sl_spsc_room(120));
    sl_spsc_flush(&tx);
    cr_expect_not(put(number, 120));
    uint64_t place = take(0, 120);
    cr_expect_not(put(number, 120), "taken is not yet released");
    sl_spsc_release(rx.shm, place);
    cr_expect(put(number, 120));
    cr_expect_not(put(number + 1, 120));
}

Test(spsc, a_third_party_finds_and_releases_a_record_by_its_place)
{
    uint64_t places[3];
    uint32_t len;

    for (uint32_t i = 0; i < 3; i++)
        cr_assert(put(i, 1000 + i));
    sl_spsc_flush(&tx);
    for (uint32_t i = 0; i < 3; i++)
        places[i] = take(i, 1000 + i);
    for (uint32_t i = 0; i < 3; i++) {
        const unsigned char *bytes = sl_spsc_record_at(rx.shm, places[i], &len);
        cr_expect_eq(len, 1000 + i);
        cr_expect(pattern_holds(1, i, bytes, len));
    }
    sl_spsc_release(rx.shm, places[1]);
    cr_expect(put(3, 900) && put(4, 900));
    const unsigned char *kept = sl_spsc_record_at(rx.shm, places[2], &len);
    cr_expect(pattern_holds(1, 2, kept, len), "what is not released is not overwritten");
}

/* What is in the ring, as a list that cannot be wrong. */
struct listed {
    uint64_t place;
    uint32_t len;
};

Test(spsc, any_order_of_calls_keeps_records_whole_and_in_order)
{
    static struct listed list[100000];
    uint64_t state = 7, put_cnt = 0, flushed_cnt = 0, taken_cnt = 0, released_cnt = 0;

    while (put_cnt < 100000) {
        uint64_t random = next_random(&state);
        uint32_t len = pattern_len(7, put_cnt, sl_spsc_len_max(&tx));
        switch (random % 8) {
        case 0:
            sl_spsc_flush(&tx);
            flushed_cnt = put_cnt;
            break;
        case 1:
            if (released_cnt < taken_cnt) {
                released_cnt += random / 8 % (taken_cnt - released_cnt) + 1;
                sl_spsc_release(rx.shm, list[released_cnt - 1].place);
            }
            break;
        case 2:
        case 3:
        case 4: {
            uint32_t seen;
            cr_assert_eq(sl_spsc_peek(&rx, &seen) != NULL, taken_cnt < flushed_cnt);
            if (taken_cnt < flushed_cnt) {
                list[taken_cnt].place = take(taken_cnt, list[taken_cnt].len);
                taken_cnt++;
            }
            break;
        }
        default:
            if (put(put_cnt, len))
                list[put_cnt++].len = len;
            else
                cr_assert_lt(released_cnt, put_cnt, "an empty ring refused %u bytes", len);
        }
        for (uint64_t i = released_cnt; i < taken_cnt; i++) {
            uint32_t seen;
            const unsigned char *bytes = sl_spsc_record_at(rx.shm, list[i].place, &seen);
            cr_assert(seen == list[i].len && pattern_holds(1, i, bytes, seen));
        }
    }
}
