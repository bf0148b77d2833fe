#include "pipeline/hold.h"
#include "tests/pipeline/said.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static struct sl_hold hold;

static void put(struct said said, int64_t until_ns, uint64_t arrival)
{
    struct sl_bulletin *bulletin = said_new(said);
    struct sl_record record = { .arrival = arrival };
    sl_hold_put(&hold, &record, bulletin, until_ns, 1);
    free(bulletin);
}

static uint64_t name_of(const char *id)
{
    return sl_story_hash(SL_SLICE("agency"), (struct sl_slice){ id, (uint32_t)strlen(id) });
}

static uint64_t pop_due(int64_t now_ns)
{
    struct sl_held *held = sl_hold_due(&hold, now_ns);
    uint64_t arrival = held ? held->record.arrival : 0;
    if (held)
        sl_hold_drop(&hold, held);
    return arrival;
}

Test(hold, gives_what_is_due_by_time_and_then_by_arrival)
{
    static const struct {
        int64_t until;
        uint64_t arrival;
    } rows[] = {
        {300,                    1},
        { 100,                   2},
        { 200,                   3},
        { 100,                   4},
        { SL_HOLD_RELEASED_ONLY, 5},
        { 50,                    6},
        { 200,                   7},
    };
    static const uint64_t order[] = { 6, 2, 4, 3, 7, 1, 0 };
    cr_assert_eq(sl_hold_init(&hold, 64 * 1024, 16, 7), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        put((struct said){ "a", "1", "text" }, rows[i].until, rows[i].arrival);
    cr_expect_null(sl_hold_due(&hold, 49), "nothing before its time");
    cr_expect_not_null(sl_hold_due(&hold, 50), "and at its time something");
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        cr_expect_eq(pop_due(INT64_MAX), order[i], "the %zuth", i);
    cr_expect_eq(hold.cnt, 1, "what waits for a release has no time, not even the end of time");
    sl_hold_fini(&hold);
}

Test(hold, gives_back_the_bytes_it_was_given)
{
    char *body = malloc(9001);
    for (int i = 0; i < 9000; i++)
        body[i] = (char)('a' + i % 23);
    body[9000] = '\0';
    cr_assert_eq(sl_hold_init(&hold, 32 * 1024, 16, 7), 0);
    struct sl_bulletin *bulletin = said_new((struct said){ "a", "1", body });
    for (int round = 0; round < 20; round++) {
        put((struct said){ "b", "1", "short" }, 5, 1); /* so that blocks are not given back in order */
        put((struct said){ "a", "1", body }, 10, 2);
        cr_assert_eq(pop_due(5), 1);
        struct sl_held *held = sl_hold_due(&hold, 10);
        struct sl_hold_cursor cursor = sl_hold_begin(held);
        uint32_t off = 0, len;
        for (const char *piece; (piece = sl_hold_piece(&hold, &cursor, &len)); off += len)
            cr_assert_arr_eq(piece, (const char *)bulletin + off, len);
        cr_assert_eq(off, bulletin->len);
        sl_hold_drop(&hold, held);
    }
    free(bulletin);
    free(body);
    sl_hold_fini(&hold);
}

Test(hold, is_full_by_entries_or_by_bytes_and_empty_again_after_all_left)
{
    struct sl_bulletin *bulletin = said_new((struct said){ "a", "1", "text" });
    cr_assert_leq(bulletin->len, SL_HOLD_BLOCK_LEN);
    static const struct {
        uint64_t bytes;
        uint32_t cnt, room;
    } rows[] = {
        {4 * SL_HOLD_BLOCK_LEN,   16, 4},
        { 64 * SL_HOLD_BLOCK_LEN, 3,  3},
        { SL_HOLD_BLOCK_LEN - 1,  16, 0},
        { 0,                      16, 0},
        { SL_HOLD_BLOCK_LEN,      0,  0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int again = 0; again < 2; again++) {
            cr_assert_eq(sl_hold_init(&hold, rows[i].bytes, rows[i].cnt, 7), 0);
            uint32_t room = 0;
            for (; sl_hold_fits(&hold, bulletin->len); room++)
                put((struct said){ "a", "1", "text" }, 1, 1);
            cr_expect_eq(room, rows[i].room, "row %zu: %u", i, room);
            while (pop_due(1))
                ;
            cr_expect_eq(hold.blocks_free, hold.block_cnt);
            sl_hold_fini(&hold);
        }
    free(bulletin);
}

Test(hold, finds_a_story_by_each_of_its_names)
{
    cr_assert_eq(sl_hold_init(&hold, 64 * 1024, 16, 7), 0);
    put((struct said){ "a", "1", "text" }, 10, 1);
    put((struct said){ "b", "1", "text", .alt_id = "agency:2" }, 10, 2);
    put((struct said){ "a", "2", "text", .alt_id = "a" }, 10, 3);
    put((struct said){ "c", "1", "text", .alt_id = "a" }, 10, 4);
    uint64_t sum = 0, cnt = 0;
    for (struct sl_held *held = NULL; (held = sl_hold_named(&hold, name_of("a"), held)); cnt++)
        sum += held->record.arrival;
    cr_expect(cnt == 3 && sum == 1 + 3 + 4, "%lu held, sum %lu", cnt, sum);
    struct sl_held *held = sl_hold_named(&hold, name_of("agency:2"), NULL);
    cr_assert_not_null(held);
    cr_expect_eq(held->record.arrival, 2);
    cr_expect_null(sl_hold_named(&hold, name_of("agency:2"), held));
    cr_expect_null(sl_hold_named(&hold, name_of("d"), NULL));
    sl_hold_drop(&hold, held);
    cr_expect_null(sl_hold_named(&hold, name_of("b"), NULL), "gone by all its names");
    sl_hold_fini(&hold);
}

Test(hold, what_is_released_is_due_at_once_and_first)
{
    cr_assert_eq(sl_hold_init(&hold, 64 * 1024, 16, 7), 0);
    put((struct said){ "a", "1", "text" }, 10, 1);
    put((struct said){ "b", "1", "text" }, SL_HOLD_RELEASED_ONLY, 2);
    cr_expect_null(sl_hold_due(&hold, 9));
    sl_hold_release(&hold, sl_hold_named(&hold, name_of("b"), NULL));
    cr_expect_eq(pop_due(9), 2);
    cr_expect_eq(pop_due(9), 0);
    cr_expect_eq(pop_due(10), 1);
    sl_hold_fini(&hold);
}

Test(hold, what_is_kept_is_never_due_and_can_still_be_released)
{
    cr_assert_eq(sl_hold_init(&hold, 64 * 1024, 16, 7), 0);
    put((struct said){ "a", "1", "text" }, 10, 1);
    put((struct said){ "b", "1", "text" }, 20, 2);
    sl_hold_keep(&hold, sl_hold_named(&hold, name_of("a"), NULL));
    cr_expect_eq(pop_due(INT64_MAX), 2);
    cr_expect_eq(pop_due(INT64_MAX), 0);
    sl_hold_release(&hold, sl_hold_named(&hold, name_of("a"), NULL));
    cr_expect_eq(pop_due(0), 1);
    sl_hold_fini(&hold);
}

/* Against a list that does it the slow way: puts, drops from the middle, releases, in any order. */
Test(hold, agrees_with_a_plain_list_over_many_turns)
{
    enum { CNT = 24 };
    int64_t until[CNT + 1];
    char id[16];
    unsigned seed = 3, full = 0;
    memset(until, 0xff, sizeof(until)); /* -1: not held */
    cr_assert_eq(sl_hold_init(&hold, 8 * SL_HOLD_BLOCK_LEN, CNT, 7), 0);
    for (int turn = 0; turn < 20000; turn++) {
        seed = seed * 1103515245u + 12345u;
        unsigned slot = 1 + (seed >> 16) % CNT, what = (seed >> 21) % 5;
        snprintf(id, sizeof(id), "story-%u", slot);
        struct sl_held *held = sl_hold_named(&hold, name_of(id), NULL);
        cr_assert_eq(held != NULL, until[slot] >= 0);
        if (what == 3 && held) {
            sl_hold_drop(&hold, held);
            until[slot] = -1;
        } else if (what <= 2 && !held && sl_hold_fits(&hold, 1024)) {
            until[slot] = (int64_t)(seed >> 8) % 1000;
            put((struct said){ id, "1", "text" }, until[slot], slot);
        } else if (what <= 2 && !held) {
            full++;
        } else if (what == 4) {
            unsigned first = 0;
            for (unsigned i = 1; i <= CNT; i++)
                if (until[i] >= 0 && (!first || until[i] < until[first]))
                    first = i;
            uint64_t popped = pop_due(INT64_MAX);
            cr_assert_eq(popped != 0, first != 0);
            if (popped) {
                cr_assert_eq(until[popped], until[first], "turn %d", turn);
                until[popped] = -1;
            }
        }
    }
    cr_assert(full > 10, "it was full %u times", full);
    sl_hold_fini(&hold);
}

Test(hold, refuses_what_cannot_be)
{
    cr_expect_eq(sl_hold_init(&hold, UINT64_MAX, 8, 1), -EINVAL);
    cr_expect_eq(sl_hold_init(&hold, 1024, UINT32_MAX, 1), -EINVAL);
}
