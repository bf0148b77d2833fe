#include "pipeline/ipfrag.h"
#include "tests/pipeline/frames.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define WHOLE_LEN 5000u
#define PIECE     1480u

static struct frame frame;
static uint8_t whole[WHOLE_LEN]; /* a UDP datagram */
static struct sl_ipfrag ipfrag;
static struct sl_packet_ip joined;

static void start(void)
{
    frame.len = 0;
    for (uint32_t i = 0; i < WHOLE_LEN - 8; i++)
        frame_put(&frame, &(uint8_t){ (uint8_t)(i * 7) }, 1);
    wrap_udp(&frame, 4000, 5001);
    memcpy(whole, frame.bytes, WHOLE_LEN);
    cr_assert_eq(sl_ipfrag_init(&ipfrag), 0);
}

static void stop(void) { sl_ipfrag_fini(&ipfrag); }

static enum sl_ipfrag_got give(bool v6, uint32_t id, uint32_t off, uint32_t len, int64_t now_ns)
{
    struct sl_packet_ip ip;
    bool more = off + len < WHOLE_LEN;
    frame_of(&frame, whole + off, len);
    if (v6) {
        wrap_fragment6(&frame, IPPROTO_UDP, id, off, more);
        wrap_ip6(&frame, 44);
    } else {
        wrap_ip4(&frame, IPPROTO_UDP, (uint16_t)id, off, more);
    }
    cr_assert_eq(sl_packet_read_ip(&ip, SL_PACKET_IP, frame.bytes, frame.len), SL_PACKET_FINE);
    cr_assert(ip.fragment);
    return sl_ipfrag_take(&ipfrag, &ip, now_ns, &joined);
}

static uint32_t piece_len(uint32_t idx) { return idx * PIECE + PIECE < WHOLE_LEN ? PIECE : WHOLE_LEN - idx * PIECE; }

static enum sl_ipfrag_got give_piece(bool v6, uint32_t id, uint32_t idx)
{
    return give(v6, id, idx * PIECE, piece_len(idx), 0);
}

static void expect_whole(void)
{
    struct sl_packet_transport udp;
    cr_assert_eq(joined.len, WHOLE_LEN);
    cr_expect_arr_eq(joined.payload, whole, WHOLE_LEN);
    cr_assert_eq(sl_packet_read_transport(&udp, &joined), SL_PACKET_FINE);
    cr_expect(udp.dst_port == 5001 && udp.len == WHOLE_LEN - 8);
}

Test(ipfrag, fragments_in_any_order_make_the_datagram, .init = start, .fini = stop)
{
    static const uint8_t orders[][4] = {
        {0,  1, 2, 3},
        { 3, 2, 1, 0},
        { 2, 0, 3, 1},
        { 1, 3, 0, 2}
    };
    for (size_t i = 0; i < 8; i++) {
        bool v6 = i & 1;
        for (unsigned p = 0; p < 3; p++)
            cr_assert_eq(give_piece(v6, (uint32_t)i, orders[i / 2][p]), SL_IPFRAG_MORE);
        cr_assert_eq(give_piece(v6, (uint32_t)i, orders[i / 2][3]), SL_IPFRAG_WHOLE);
        expect_whole();
    }
    cr_expect_eq(ipfrag.cnt[SL_IPFRAG_JOINED], 8);
}

Test(ipfrag, two_datagrams_at_once_do_not_mix, .init = start, .fini = stop)
{
    for (uint32_t idx = 0; idx < 4; idx++) {
        cr_assert_eq(give_piece(false, 1, idx), idx < 3 ? SL_IPFRAG_MORE : SL_IPFRAG_WHOLE);
        if (idx == 3)
            expect_whole();
        cr_assert_eq(give_piece(true, 1, idx), idx < 3 ? SL_IPFRAG_MORE : SL_IPFRAG_WHOLE);
    }
    expect_whole();
}

Test(ipfrag, the_same_fragment_again_is_only_counted, .init = start, .fini = stop)
{
    for (uint32_t idx = 0; idx < 3; idx++) {
        cr_assert_eq(give_piece(false, 1, idx), SL_IPFRAG_MORE);
        cr_assert_eq(give_piece(false, 1, idx), SL_IPFRAG_MORE);
    }
    cr_assert_eq(give_piece(false, 1, 3), SL_IPFRAG_WHOLE);
    expect_whole();
    cr_expect_eq(ipfrag.cnt[SL_IPFRAG_REPEATED], 3);
}

Test(ipfrag, an_overlap_takes_the_whole_datagram_with_it, .init = start, .fini = stop)
{
    cr_assert_eq(give(false, 1, 0, PIECE, 0), SL_IPFRAG_MORE);
    cr_assert_eq(give(false, 1, 8, PIECE, 0), SL_IPFRAG_DROPPED, "half of it known");
    for (uint32_t idx = 1; idx < 4; idx++)
        cr_assert_eq(give_piece(false, 1, idx), SL_IPFRAG_DROPPED, "what still comes");
    cr_expect_eq(ipfrag.cnt[SL_IPFRAG_OVERLAP], 1);
    whole[100] ^= 1;
    cr_assert_eq(give_piece(false, 2, 0), SL_IPFRAG_MORE);
    whole[100] ^= 1;
    cr_assert_eq(give_piece(false, 2, 0), SL_IPFRAG_DROPPED, "other bytes at the same place");
}

Test(ipfrag, two_ends_are_an_overlap_too, .init = start, .fini = stop)
{
    cr_assert_eq(give(false, 1, 3 * PIECE, WHOLE_LEN - 3 * PIECE, 0), SL_IPFRAG_MORE);
    struct sl_packet_ip ip = { .fragment = true, .protocol = IPPROTO_UDP, .payload = whole, .len = 8 };
    ip.src = joined.src;
    frame_of(&frame, whole, 8);
    wrap_ip4(&frame, IPPROTO_UDP, 1, 8000, true);
    cr_assert_eq(sl_packet_read_ip(&ip, SL_PACKET_IP, frame.bytes, frame.len), SL_PACKET_FINE);
    cr_expect_eq(sl_ipfrag_take(&ipfrag, &ip, 0, &joined), SL_IPFRAG_DROPPED, "beyond the end");
    frame_of(&frame, whole, 8);
    wrap_ip4(&frame, IPPROTO_UDP, 2, 1480, true);
    cr_assert_eq(sl_packet_read_ip(&ip, SL_PACKET_IP, frame.bytes, frame.len), SL_PACKET_FINE);
    cr_expect_eq(sl_ipfrag_take(&ipfrag, &ip, 0, &joined), SL_IPFRAG_MORE);
    ip.fragment_off = 0;
    ip.more_fragments = false;
    cr_expect_eq(sl_ipfrag_take(&ipfrag, &ip, 0, &joined), SL_IPFRAG_DROPPED, "an end before what is there");
}

Test(ipfrag, what_does_not_come_in_time_is_forgotten, .init = start, .fini = stop)
{
    for (uint32_t idx = 0; idx < 3; idx++)
        cr_assert_eq(give_piece(false, 1, idx), SL_IPFRAG_MORE);
    cr_assert_eq(give(false, 1, 3 * PIECE, piece_len(3), SL_IPFRAG_NS + 1), SL_IPFRAG_MORE);
    cr_expect_eq(ipfrag.cnt[SL_IPFRAG_LATE], 1);
    cr_expect_eq(ipfrag.cnt[SL_IPFRAG_JOINED], 0);
}

Test(ipfrag, a_flood_of_beginnings_costs_the_oldest, .init = start, .fini = stop)
{
    for (uint32_t id = 0; id < 1000; id++)
        cr_assert_eq(give(false, id, 0, PIECE, id), SL_IPFRAG_MORE);
    cr_expect_eq(ipfrag.cnt[SL_IPFRAG_CROWDED], 1000 - SL_IPFRAG_CNT);
    for (uint32_t idx = 1; idx < 4; idx++)
        cr_assert_eq(give(false, 999, idx * PIECE, piece_len(idx), 1000), idx < 3 ? SL_IPFRAG_MORE : SL_IPFRAG_WHOLE);
    expect_whole();
}

Test(ipfrag, what_cannot_be_a_fragment_is_refused, .init = start, .fini = stop)
{
    struct sl_packet_ip ip = { .fragment = true, .more_fragments = true, .payload = whole, .len = 9 };
    cr_expect_eq(sl_ipfrag_take(&ipfrag, &ip, 0, &joined), SL_IPFRAG_DROPPED, "not a multiple of eight");
    ip.len = 0;
    cr_expect_eq(sl_ipfrag_take(&ipfrag, &ip, 0, &joined), SL_IPFRAG_DROPPED, "nothing");
    ip.len = 16;
    ip.fragment_off = 65528;
    cr_expect_eq(sl_ipfrag_take(&ipfrag, &ip, 0, &joined), SL_IPFRAG_DROPPED, "beyond what IP can say");
    cr_expect_eq(ipfrag.cnt[SL_IPFRAG_BAD], 3);
}
