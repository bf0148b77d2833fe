#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "pipeline/order.h"
#include "tests/dice.h"

#define REORDER_NS 1000000ll
#define GIVEN_MAX  20000u

/* A message says its number, and "!" where it is FLASH. */
static unsigned urgency_of(const uint8_t *data, uint32_t len) { return len && data[0] == '!' ? 1 : 4; }
static const struct sl_format format = { .name = "numbers", .peek_urgency = urgency_of };

struct given {
    uint64_t seq; /* 0: a gap */
    uint64_t first, cnt;
    uint16_t line, flags;
    int64_t rx_ns;
};

static struct sl_feed feed;
static struct sl_line_config lines[3] = { { .kind = SL_LINE_UDP },
                                          { .kind = SL_LINE_UDP },
                                          { .kind = SL_LINE_UDP_REQUEST } };
static _Alignas(128) unsigned char books_mem[128 * 1024];
static struct sl_books books;
static struct sl_order *order;
static struct given given[GIVEN_MAX];
static uint32_t given_cnt;
static bool has_room;
static struct sl_mold asked[64];
static uint32_t asked_cnt, repeated_cnt, malformed_cnt;
static int64_t now_ns;

static uint32_t take(void *ctx, const struct sl_packet *packet)
{
    uint64_t seq;
    (void)ctx;
    cr_assert_eq(packet->len, 9);
    memcpy(&seq, packet->data + 1, sizeof(seq));
    cr_assert_lt(given_cnt, GIVEN_MAX);
    given[given_cnt++] =
        (struct given){ .seq = seq, .line = packet->line, .flags = packet->flags, .rx_ns = packet->rx_ns };
    return packet->len;
}

static bool gap(void *ctx, uint16_t line, uint64_t first, uint64_t cnt)
{
    (void)ctx;
    if (!has_room)
        return false;
    given[given_cnt++] = (struct given){ .first = first, .cnt = cnt, .line = line };
    return true;
}

static void request(void *ctx, uint16_t feed_idx, const uint8_t *data, uint32_t len)
{
    (void)ctx;
    cr_assert_eq(feed_idx, 0);
    cr_assert(sl_mold_read(&asked[asked_cnt++ % 64], data, len));
}

static int start(uint64_t park_len)
{
    feed = (struct sl_feed){ .name = "a",
                             .format = &format,
                             .framing = SL_FRAMING_MOLDUDP64,
                             .message_max = 64,
                             .reorder_ns = REORDER_NS,
                             .park_len = park_len };
    cr_assert_leq(sl_books_footprint(1, 1), sizeof(books_mem));
    memset(books_mem, 0, sizeof(books_mem));
    cr_assert_eq(sl_books_new(&books, books_mem, 1, 1), 0);
    struct sl_order_config config = {
        .feeds = &feed,
        .feed_cnt = 1,
        .lines = lines,
        .line_cnt = 3,
        .books = &books,
        .sink = { .take = take },
        .gap = gap,
        .request = request,
    };
    given_cnt = asked_cnt = repeated_cnt = malformed_cnt = 0;
    has_room = true;
    now_ns = 1;
    return sl_order_init(&order, &config);
}

static uint64_t book(unsigned col) { return sl_cell_get(&sl_books_rx(&books, 0)[col]); }

/* A datagram of cnt messages from seq on; flash: the number of one that is FLASH, or 0. */
static uint32_t write_datagram(uint8_t *data, const char *session, uint64_t seq, uint16_t cnt, uint64_t flash)
{
    struct sl_mold header = { .seq = seq, .cnt = cnt };
    uint32_t len = SL_MOLD_HEADER_LEN;
    memset(header.session, ' ', sizeof(header.session));
    memcpy(header.session, session, strlen(session));
    sl_mold_write(data, &header);
    for (uint64_t i = 0; i < sl_mold_message_cnt(&header); i++) {
        uint64_t number = seq + i;
        data[len] = 0;
        data[len + 1] = 9;
        data[len + 2] = number == flash ? '!' : '.';
        memcpy(data + len + 3, &number, sizeof(number));
        len += 11;
    }
    return len;
}

static void send_raw(uint16_t line, const uint8_t *data, uint32_t len)
{
    struct sl_packet packet = {
        .data = data, .len = len, .line = line, .datagram = true, .rx_ns = now_ns, .wire_ns = now_ns
    };
    uint32_t taken = sl_order_take(order, &packet);
    repeated_cnt += taken == 0;
    malformed_cnt += taken == SL_TAKE_BROKEN;
    cr_assert(taken == len || !taken || taken == SL_TAKE_BROKEN);
}

static void bring(uint16_t line, const char *session, uint64_t seq, uint16_t cnt, uint64_t flash)
{
    static uint8_t data[16384];
    send_raw(line, data, write_datagram(data, session, seq, cnt, flash));
}

static void poll_at(int64_t at_ns)
{
    now_ns = at_ns;
    sl_order_poll(order, now_ns);
}

/* What was given, as text: "1 2 gap3+2 5* ", the star for AFTER_GAP. */
static const char *said(void)
{
    static char text[4096];
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < given_cnt && len < sizeof(text) - 64; i++) {
        if (given[i].cnt)
            len += (size_t)sprintf(text + len, "gap%llu+%llu ", (unsigned long long)given[i].first,
                                   (unsigned long long)given[i].cnt);
        else
            len += (size_t)sprintf(text + len, "%llu%s ", (unsigned long long)given[i].seq,
                                   given[i].flags & SL_RECORD_AFTER_GAP ? "*" : "");
    }
    return text;
}

static void expect_books(void)
{
    cr_expect_eq(book(SL_RX_ORDER_EXPECTED), book(SL_RX_ORDER_ONCE) + book(SL_RX_ORDER_LOST),
                 "expected %llu, once %llu, lost %llu", (unsigned long long)book(SL_RX_ORDER_EXPECTED),
                 (unsigned long long)book(SL_RX_ORDER_ONCE), (unsigned long long)book(SL_RX_ORDER_LOST));
}

static void stop(const char *want)
{
    cr_expect(sl_order_end(order));
    cr_expect_str_eq(said(), want);
    expect_books();
    sl_order_fini(order);
}

Test(order, two_lines_give_each_message_once_and_the_first_to_come_wins)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "day", 7, 2, 0);
    now_ns += 300;
    bring(1, "day", 7, 2, 0);
    bring(1, "day", 9, 1, 0);
    bring(0, "day", 9, 1, 0);
    cr_expect_eq(repeated_cnt, 2);
    cr_expect_eq(book(SL_RX_ORDER_WINS), 2);
    cr_expect_eq(book(SL_RX_ORDER_WINS + 1), 1);
    cr_expect_eq(book(SL_RX_ORDER_LINE), 3);
    cr_expect_eq(book(SL_RX_ORDER_LINE + 1), 3);
    cr_expect_eq(book(SL_RX_ORDER_LEAD + 8), 2, "300 ns lie between 256 and 511");
    cr_expect_eq(given[2].line, 1);
    stop("7 8 9 ");
}

Test(order, what_comes_too_early_waits_and_goes_on_in_order)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "day", 1, 1, 0);
    bring(0, "day", 4, 2, 0);
    bring(0, "day", 3, 1, 0);
    cr_expect_str_eq(said(), "1 ");
    bring(1, "day", 2, 1, 0);
    cr_expect_eq(given[2].rx_ns, 1, "with the stamps of the datagram that brought it");
    stop("1 2 3 4 5 ");
}

Test(order, a_hole_is_named_when_its_time_is_up_and_not_before)
{
    cr_assert_eq(start(4096), 0);
    poll_at(1000);
    bring(0, "day", 1, 1, 0);
    bring(0, "day", 4, 1, 0);
    poll_at(1000 + REORDER_NS - 1);
    cr_expect_str_eq(said(), "1 ");
    poll_at(1000 + REORDER_NS);
    cr_expect_str_eq(said(), "1 gap2+2 4* ");
    bring(1, "day", 2, 2, 0);
    cr_expect_eq(repeated_cnt, 1, "too late");
    cr_expect_eq(book(SL_RX_ORDER_LOST), 2);
    bring(1, "day", 5, 1, 0);
    stop("1 gap2+2 4* 5 ");
}

Test(order, each_hole_has_its_own_time)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "day", 1, 1, 0);
    poll_at(1000);
    bring(0, "day", 3, 1, 0);
    poll_at(2000);
    bring(0, "day", 5, 1, 0);
    poll_at(1000 + REORDER_NS);
    cr_expect_str_eq(said(), "1 gap2+1 3* ");
    poll_at(2000 + REORDER_NS);
    stop("1 gap2+1 3* gap4+1 5* ");
}

Test(order, flash_passes_a_hole_at_once_and_only_once)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "day", 1, 1, 0);
    bring(0, "day", 3, 3, 4);
    cr_expect_str_eq(said(), "1 4* ");
    bring(1, "day", 4, 1, 4);
    bring(1, "day", 2, 1, 0);
    stop("1 4* 2 3 5 ");
}

Test(order, heartbeats_and_the_end_tell_what_is_missing_at_the_end_of_a_burst)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "day", 1, 1, 0);
    poll_at(1000);
    bring(0, "day", 3, SL_MOLD_HEARTBEAT, 0);
    poll_at(1000 + REORDER_NS);
    cr_expect_str_eq(said(), "1 gap2+1 ");
    bring(0, "day", 5, SL_MOLD_END, 0);
    stop("1 gap2+1 gap3+2 ");
}

Test(order, what_is_missing_is_asked_for_again_and_again_but_not_for_a_mere_skew)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "day", 1, 1, 0);
    bring(0, "day", 2501, 1, 0);
    poll_at(2);
    cr_expect_eq(asked_cnt, 0);
    poll_at(600000);
    poll_at(600001);
    cr_assert_eq(asked_cnt, 1);
    cr_expect_eq(asked[0].seq, 2);
    cr_expect_eq(asked[0].cnt, 1000);
    cr_expect_eq(memcmp(asked[0].session, "day       ", 10), 0);
    bring(1, "day", 2, 1000, 0);
    poll_at(600002);
    cr_assert_eq(asked_cnt, 2, "the rest of an old hole is old too");
    cr_expect_eq(asked[1].seq, 1002);
    poll_at(900000);
    cr_expect_eq(asked_cnt, 2);
    given_cnt = 0;
    poll_at(1 + REORDER_NS);
    stop("gap1002+1499 2501* ");
}

Test(order, a_full_park_gives_up_the_oldest_hole_early)
{
    cr_assert_eq(start(256), 0);
    bring(0, "day", 1, 1, 0);
    for (uint64_t seq = 3; seq <= 13; seq++)
        bring(0, "day", seq, 1, 0);
    cr_expect_eq(given[1].first, 2);
    cr_expect_eq(given[1].cnt, 1);
    bring(0, "day", 15, 2, 0);
    stop("1 gap2+1 3* 4 5 6 7 8 9 10 11 12 13 gap14+1 15* 16 ");
}

Test(order, a_full_window_gives_up_the_oldest_hole_early)
{
    cr_assert_eq(start(1u << 20), 0);
    bring(0, "day", 1, 1, 0);
    for (uint64_t seq = 3; seq < 2 + SL_ORDER_WINDOW; seq++)
        bring(0, "day", seq, 1, 0);
    cr_expect_str_eq(said(), "1 ");
    bring(0, "day", 2 + SL_ORDER_WINDOW, 1, 0);
    cr_expect_eq(given_cnt, 2 + SL_ORDER_WINDOW);
    cr_expect_eq(book(SL_RX_ORDER_LOST), 1);
    given_cnt = 0;
    stop("");
}

Test(order, a_new_session_begins_at_one_and_the_old_one_does_not_come_back)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "mon", 40, 1, 0);
    bring(0, "mon", 42, 1, 0);
    bring(0, "tue", 2, 1, 0);
    cr_expect_str_eq(said(), "40 gap41+1 42* ");
    bring(1, "mon", 43, 1, 0);
    cr_expect_eq(repeated_cnt, 1);
    bring(1, "tue", 1, 1, 0);
    stop("40 gap41+1 42* 1 2 ");
}

Test(order, a_number_far_ahead_is_believed_when_it_is_confirmed)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "day", 1, 1, 0);
    bring(0, "day", 1000000, 1, 0);
    bring(0, "day", 2, 1, 0);
    cr_expect_eq(malformed_cnt, 1);
    cr_expect_str_eq(said(), "1 2 ");
    bring(0, "day", 2000000, 1, 0);
    bring(0, "day", 2000001, 1, 0);
    poll_at(REORDER_NS + 1);
    stop("1 2 gap3+1995903 gap1995906+4095 2000001* ");
}

Test(order, a_gap_that_nobody_has_room_for_is_named_before_anything_behind_it)
{
    cr_assert_eq(start(4096), 0);
    bring(0, "day", 1, 1, 0);
    bring(0, "day", 3, 1, 0);
    has_room = false;
    poll_at(REORDER_NS + 1);
    bring(0, "day", 4, 1, 0);
    cr_expect_str_eq(said(), "1 ");
    cr_expect_not(sl_order_end(order));
    has_room = true;
    poll_at(REORDER_NS + 2);
    stop("1 gap2+1 3* 4 ");
}

static const struct bad_case {
    const char *name;
    uint64_t seq;
    uint16_t cnt;
    uint32_t cut; /* bytes that are missing at the end */
} bad[] = {
    {"shorter than a header",               1,              0, 1 },
    { "nothing",                            1,              0, 20},
    { "a block cut in its length",          1,              1, 10},
    { "a block cut in its message",         1,              2, 3 },
    { "a block less than it says",          1,              3, 11},
    { "number 0",                           0,              1, 0 },
    { "a number that counts cannot follow", UINT64_MAX - 1, 4, 0 },
};

Test(order, a_datagram_that_is_not_what_it_says_is_counted_and_changes_nothing)
{
    static uint8_t data[256];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(start(4096), 0);
        bring(0, "day", 1, 1, 0);
        send_raw(0, data, write_datagram(data, "day", bad[i].seq, bad[i].cnt, 0) - bad[i].cut);
        cr_expect_eq(malformed_cnt, 1, "%s", bad[i].name);
        bring(0, "day", 2, 1, 0);
        stop("1 2 ");
    }
}

Test(order, what_cannot_be_ordered_is_refused_at_the_start)
{
    cr_expect_eq(start(32), -EINVAL, "no room for two of the longest messages");
    lines[1].kind = SL_LINE_TCP_DIAL;
    cr_expect_eq(start(4096), -EINVAL, "a stream has no datagrams");
    lines[1].kind = SL_LINE_UDP;
}

/* Any loss, doubling and reordering of both lines: what is given is in order, once each, and together with the gaps
 * and FLASH it is everything. */
static void race(uint64_t seed)
{
    enum { CNT = 3000 };
    static uint8_t seen[CNT + 2];
    struct dice dice = { seed };
    uint64_t sent[2] = { 1, 1 };
    uint32_t loss = (uint32_t)between(&dice, 0, 20);
    cr_assert_eq(start((uint64_t)between(&dice, 256, 65536)), 0);
    memset(seen, 0, sizeof(seen));
    while (sent[0] <= CNT || sent[1] <= CNT) {
        uint16_t line = (uint16_t)between(&dice, 0, 1);
        uint16_t cnt = (uint16_t)between(&dice, 1, 5);
        uint64_t seq = sent[line];
        if (seq > CNT)
            continue;
        if (cnt > CNT + 1 - seq)
            cnt = (uint16_t)(CNT + 1 - seq);
        uint64_t back = chance(&dice, 10) ? (uint64_t)between(&dice, 0, 40) : 0;
        if (!chance(&dice, (int)loss))
            bring(line, "day", seq > back ? seq - back : seq, cnt, chance(&dice, 50) ? 0 : seq / 16 * 16);
        sent[line] = seq + cnt;
        poll_at(now_ns + between(&dice, 0, 20000));
        has_room = !chance(&dice, 5);
    }
    has_room = true;
    cr_assert(sl_order_end(order));
    expect_books();
    uint64_t next = given[0].cnt ? given[0].first : given[0].seq;
    for (uint32_t i = 0; i < given_cnt; i++) {
        const struct given *one = &given[i];
        for (uint64_t seq = one->cnt ? one->first : one->seq; seq < (one->cnt ? one->first + one->cnt : one->seq + 1);
             seq++) {
            cr_assert(seq <= CNT && !seen[seq], "seed %llu: %llu twice", (unsigned long long)seed,
                      (unsigned long long)seq);
            seen[seq] = 1;
        }
        bool ahead = !one->cnt && one->seq > next;
        cr_assert(!ahead || one->flags & SL_RECORD_AFTER_GAP, "seed %llu: %llu before %llu", (unsigned long long)seed,
                  (unsigned long long)one->seq, (unsigned long long)next);
        while (next <= CNT && seen[next])
            next++;
    }
    for (uint64_t seq = given[0].seq; seq < next; seq++)
        cr_assert(seen[seq]);
    sl_order_fini(order);
}

Test(order, whatever_the_lines_do_everything_is_given_once_or_named)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        race(seed);
}
