#include "pipeline/sink_numbers.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define NOW 1767607262000000000ll
#define USE 7u
#define AT_BOOT                                                                                                        \
    48 /* where the file says in which start of the machine it was opened; the mark of an orderly end follows */

static char path[] = "/tmp/slugline-numbers-XXXXXX";
static struct sl_numbers numbers;
static struct sl_mold ended;

static void make_path(void) { close(mkstemp(path)); }

static void remove_path(void)
{
    sl_numbers_close(&numbers);
    unlink(path);
}

TestSuite(sink_numbers, .init = make_path, .fini = remove_path);

static void open_from(uint64_t epoch, uint64_t seq)
{
    const struct sl_bookmark from = { epoch, seq };
    cr_assert_eq(sl_numbers_open(&numbers, path, "TST", USE, &from, NOW, &ended), 0);
}

/* As kill -9 does: nothing is closed in order.  The mapping stays, and the lock would with it. */
static void die(void)
{
    flock(numbers.fd, LOCK_UN);
    close(numbers.fd);
    numbers = (struct sl_numbers){ .fd = -1 };
}

static uint64_t number(uint64_t epoch, uint64_t seq, bool *is_old)
{
    return sl_numbers_give(&numbers, (struct sl_bookmark){ epoch, seq }, is_old);
}

static void expect_number(uint64_t epoch, uint64_t seq, uint64_t wanted, bool wanted_old)
{
    bool is_old = !wanted_old;
    uint64_t got = number(epoch, seq, &is_old);
    cr_expect_eq(got, wanted, "%lu:%lu is %lu", epoch, seq, got);
    cr_expect(!wanted || is_old == wanted_old, "%lu:%lu", epoch, seq);
}

Test(sink_numbers, numbers_count_from_1_and_know_their_places)
{
    struct sl_bookmark place;
    open_from(0, 0);
    cr_expect_eq(sl_numbers_last(&numbers), 0u);
    for (uint64_t i = 1; i <= 10; i++)
        expect_number(5, 3 * i, i, false);
    cr_expect(sl_numbers_place(&numbers, 4, &place));
    cr_expect_eq(place.seq, 12u);
    cr_expect_not(sl_numbers_place(&numbers, 0, &place));
    cr_expect_not(sl_numbers_place(&numbers, 11, &place));
    cr_expect_eq(memcmp(sl_numbers_session(&numbers), "TST", 3), 0);
}

Test(sink_numbers, what_is_read_again_after_kill_9_has_its_old_number)
{
    open_from(0, 0);
    for (uint64_t i = 1; i <= 10; i++)
        number(5, 3 * i, &(bool){ false });
    die();
    open_from(5, 13); /* the place on disk lags behind, and is of one that was not wanted */
    expect_number(5, 15, 5, true);
    expect_number(5, 16, 0, true); /* wanted by another filter now; numbered ones lie behind it */
    expect_number(5, 21, 7, true); /* 18 has left the tape meanwhile */
    expect_number(5, 24, 8, true);
    expect_number(5, 27, 9, true);
    expect_number(5, 30, 10, true);
    expect_number(5, 31, 11, false);
    cr_expect_eq(ended.session[0], 0);
}

Test(sink_numbers, epochs_follow_each_other)
{
    open_from(0, 0);
    number(5, 8, &(bool){ false });
    number(9, 1, &(bool){ false });
    number(9, 2, &(bool){ false });
    die();
    open_from(5, 8);
    expect_number(9, 1, 2, true);
    expect_number(9, 2, 3, true);
    expect_number(2, 1, 4, false);
    die();
    open_from(2, 1);
    expect_number(2, 5, 5, false);
    die();
    open_from(77, 1); /* nothing of this start was ever wanted: all that is numbered lies before it */
    expect_number(77, 2, 6, false);
    expect_number(77, 3, 7, false);
}

Test(sink_numbers, a_number_whose_row_is_anothers_is_not_known_any_more)
{
    struct sl_bookmark place;
    open_from(0, 0);
    for (uint64_t i = 1; i <= SL_NUMBERS_ROWS + 10ull; i++)
        number(5, i, &(bool){ false });
    cr_expect_not(sl_numbers_place(&numbers, 10, &place));
    cr_expect(sl_numbers_place(&numbers, 11, &place));
    cr_expect_eq(place.seq, 11u);
    die();
    open_from(5, SL_NUMBERS_ROWS);
    expect_number(5, SL_NUMBERS_ROWS + 1ull, SL_NUMBERS_ROWS + 1ull, true);
}

static void scribble(off_t off, const char *data, size_t len)
{
    int fd = open(path, O_WRONLY);
    cr_assert_eq(pwrite(fd, data, len, off), (ssize_t)len);
    close(fd);
}

static const struct session_case {
    const char *name, *prefix, *scribble;
    off_t off;
    uint64_t use;
    bool is_closed, goes_on, said; /* said: the session before is known, and its end can be told */
} sessions[] = {
    {"killed",                   "TST", NULL,                               0,       USE,     false, true,  false},
    { "closed",                  "TST", NULL,                               0,       USE,     true,  true,  false},
    { "killed with its machine", "TST", "anotherb",                         AT_BOOT, USE,     false, false, true },
    { "closed, another start",   "TST", "anotherb",                         AT_BOOT, USE,     true,  true,  false},
    { "another use",             "TST", NULL,                               0,       USE + 1, true,  false, true },
    { "another prefix",          "OTH", NULL,                               0,       USE,     true,  false, true },
    { "not one of ours",         "TST", "whatever",                         0,       USE,     true,  false, false},
    { "more than can be",        "TST", "\xff\xff\xff\xff\xff\xff\xff\xff", 16,      USE,     true,  false, false},
};

Test(sink_numbers, a_session_goes_on_or_another_begins_but_never_the_same_again)
{
    for (size_t i = 0; i < sizeof(sessions) / sizeof(sessions[0]); i++) {
        const struct session_case *row = &sessions[i];
        uint8_t before[SL_MOLD_SESSION_LEN];
        unlink(path);
        open_from(0, 0);
        number(5, 1, &(bool){ false });
        memcpy(before, sl_numbers_session(&numbers), sizeof(before));
        if (row->is_closed)
            sl_numbers_close(&numbers);
        else
            die();
        if (row->scribble)
            scribble(row->off, row->scribble, strlen(row->scribble));
        const struct sl_bookmark from = { 5, 1 };
        cr_assert_eq(sl_numbers_open(&numbers, path, row->prefix, row->use, &from, NOW + SL_NUMBERS_TICK_NS, &ended),
                     0);
        bool same = !memcmp(before, sl_numbers_session(&numbers), sizeof(before));
        cr_expect_eq(same, row->goes_on, "%s", row->name);
        cr_expect_eq(sl_numbers_last(&numbers), row->goes_on ? 1u : 0u, "%s", row->name);
        cr_expect_eq(ended.session[0] != 0, row->said, "%s", row->name);
        cr_expect(!row->said || (ended.seq == 2 && !memcmp(ended.session, before, sizeof(before))), "%s", row->name);
        sl_numbers_close(&numbers);
    }
}

Test(sink_numbers, one_process_has_it)
{
    struct sl_numbers second;
    const struct sl_bookmark from = { 0, 0 };
    open_from(0, 0);
    cr_expect_eq(sl_numbers_open(&second, path, "TST", USE, &from, NOW, &ended), -EBUSY);
}

static const struct wish_case {
    const char *name;
    uint64_t seq;
    uint16_t cnt;
    uint32_t len;
    enum sl_numbers_wish wanted;
    uint32_t wanted_cnt;
} wishes[] = {
    {"one",              1,          1,      20, SL_WISH_FINE,     1 },
    { "the last",        50,         1,      20, SL_WISH_FINE,     1 },
    { "beyond the last", 45,         100,    20, SL_WISH_FINE,     6 },
    { "all there are",   1,          0xffff, 20, SL_WISH_FINE,     20}, /* the bound of one request */
    { "no number",       0,          1,      20, SL_WISH_NONSENSE, 0 },
    { "none of them",    1,          0,      20, SL_WISH_NONSENSE, 0 },
    { "short",           1,          1,      19, SL_WISH_NONSENSE, 0 },
    { "long",            1,          1,      21, SL_WISH_NONSENSE, 0 },
    { "empty",           1,          1,      0,  SL_WISH_NONSENSE, 0 },
    { "never sent",      51,         1,      20, SL_WISH_AHEAD,    0 },
    { "far out",         UINT64_MAX, 0xffff, 20, SL_WISH_AHEAD,    0 },
};

Test(sink_numbers, requests_are_read_within_bounds)
{
    uint8_t data[SL_MOLD_HEADER_LEN + 1] = { 0 };
    uint64_t first;
    uint32_t cnt;
    open_from(0, 0);
    for (uint64_t i = 1; i <= 50; i++)
        number(5, i, &(bool){ false });
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        struct sl_mold wish = { .seq = wishes[i].seq, .cnt = wishes[i].cnt };
        memcpy(wish.session, sl_numbers_session(&numbers), sizeof(wish.session));
        sl_mold_write(data, &wish);
        enum sl_numbers_wish got = sl_numbers_read_wish(&numbers, data, wishes[i].len, 20, &first, &cnt);
        cr_expect_eq(got, wishes[i].wanted, "%s: %d", wishes[i].name, got);
        cr_expect(got != SL_WISH_FINE || (first == wishes[i].seq && cnt == wishes[i].wanted_cnt), "%s: %u",
                  wishes[i].name, cnt);
    }
    data[0] ^= 1;
    cr_expect_eq(sl_numbers_read_wish(&numbers, data, SL_MOLD_HEADER_LEN, 20, &first, &cnt), SL_WISH_SESSION);
}
