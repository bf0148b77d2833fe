#include "pipeline/checksum.h"
#include "pipeline/igmp.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>

static struct sl_igmp igmp;
static uint8_t out[SL_IGMP_FRAME_MAX];
static const struct in6_addr none;
static const uint8_t mac[6] = { 0x02, 0, 0, 0, 0, 0x42 };

static struct in6_addr addr(const char *text)
{
    struct in6_addr to = { .s6_addr[10] = 0xff, .s6_addr[11] = 0xff };
    bool v6 = strchr(text, ':') != NULL;
    cr_assert_eq(inet_pton(v6 ? AF_INET6 : AF_INET, text, to.s6_addr + (v6 ? 0 : 12)), 1);
    return to;
}

static void start(void) { sl_igmp_init(&igmp, mac, &(struct in6_addr){ 0 }, 0, 1); }

static void join(const char *group, const char *source)
{
    struct in6_addr to = addr(group), from = source ? addr(source) : none;
    cr_assert(sl_igmp_join(&igmp, &to, &from));
}

/* What poll says, read back by the reader of packets: its payload, behind all headers of IP. */
static struct sl_packet_ip said(int64_t now_ns)
{
    struct sl_packet_ip ip = { 0 };
    uint32_t len = sl_igmp_poll(&igmp, now_ns, out);
    cr_assert(len);
    cr_assert_eq(sl_packet_read_ip(&ip, SL_PACKET_ETHERNET, out, len), SL_PACKET_FINE);
    cr_assert(sl_packet_head_sums(&ip));
    uint64_t pseudo = ip.v6 ? sl_checksum_pseudo(&ip.src, &ip.dst, true, 58, ip.len) : 0;
    cr_assert_eq(sl_checksum_fold(sl_checksum_add(pseudo, ip.payload, ip.len)), 0xffff);
    cr_assert_eq(ip.head[ip.v6 ? 7 : 8], 1);
    return ip;
}

/* Says what is still to be said of joins. */
static int64_t settle(int64_t now_ns)
{
    while (sl_igmp_due_ns(&igmp) != INT64_MAX) {
        now_ns = sl_igmp_due_ns(&igmp) > now_ns ? sl_igmp_due_ns(&igmp) : now_ns;
        said(now_ns);
    }
    return now_ns;
}

static bool ask4(const uint8_t *body, uint32_t len, int64_t now_ns)
{
    static uint8_t frame[128];
    struct sl_packet_ip ip;
    uint8_t head[20] = { 0x45, [3] = (uint8_t)(20 + len), [8] = 1, [9] = 2, [12] = 192, 0, 2, 254, 224, 0, 0, 1 };
    memcpy(frame, head, 20);
    memcpy(frame + 20, body, len);
    uint16_t sum = (uint16_t)~sl_checksum_fold(sl_checksum_add(0, body, len));
    memcpy(frame + 22, &sum, 2);
    cr_assert_eq(sl_packet_read_ip(&ip, SL_PACKET_IP, frame, 20 + len), SL_PACKET_FINE);
    return sl_igmp_take(&igmp, &ip, now_ns);
}

static bool ask6(const uint8_t *body, uint32_t len, uint8_t hops, int64_t now_ns)
{
    static uint8_t frame[128];
    struct sl_packet_ip ip;
    uint8_t head[40] = { 0x60, [5] = (uint8_t)len, [6] = 58, hops, 0xfe, 0x80, [23] = 1, 0xff, 0x02, [39] = 1 };
    memcpy(frame, head, 40);
    memcpy(frame + 40, body, len);
    cr_assert_eq(sl_packet_read_ip(&ip, SL_PACKET_IP, frame, 40 + len), SL_PACKET_FINE);
    uint64_t pseudo = sl_checksum_pseudo(&ip.src, &ip.dst, true, 58, len);
    uint16_t sum = (uint16_t)~sl_checksum_fold(sl_checksum_add(pseudo, body, len));
    memcpy(frame + 42, &sum, 2);
    return sl_igmp_take(&igmp, &ip, now_ns);
}

static const uint8_t general3[12] = { 0x11, 100, [8] = 2, 125 }, general2[8] = { 0x11, 100 }, general1[8] = { 0x11, 0 };

Test(igmp, a_join_is_said_twice_within_a_second, .init = start)
{
    join("239.1.1.1", NULL);
    struct sl_packet_ip ip = said(0);
    const uint8_t want[16] = { 0x22, [7] = 1, [8] = 4, [12] = 239, 1, 1, 1 };
    cr_expect_eq(ip.len, 16);
    cr_expect_eq(ip.payload[0], want[0]);
    cr_expect_arr_eq(ip.payload + 4, want + 4, 12);
    cr_expect_eq(ip.dst.s6_addr[15], 22);
    cr_expect_arr_eq(out, ((uint8_t[6]){ 1, 0, 0x5e, 0, 0, 22 }), 6);
    cr_expect_arr_eq(out + 14 + 20, ((uint8_t[4]){ 0x94, 4, 0, 0 }), 4, "without Router Alert a switch does not look");
    cr_expect_lt(sl_igmp_due_ns(&igmp), 1000000000);
    said(1000000000);
    cr_expect_eq(sl_igmp_poll(&igmp, 5000000000, out), 0);
}

Test(igmp, a_source_is_asked_for_by_name, .init = start)
{
    join("232.1.1.1", "192.0.2.7");
    struct sl_packet_ip ip = said(0);
    cr_expect_eq(ip.payload[8], 5, "ALLOW_NEW_SOURCES");
    cr_expect_arr_eq(ip.payload + 16, ((uint8_t[4]){ 192, 0, 2, 7 }), 4);
    int64_t now_ns = settle(0);
    ask4(general3, sizeof(general3), now_ns);
    cr_expect_eq(said(sl_igmp_due_ns(&igmp)).payload[8], 1, "MODE_IS_INCLUDE");
}

Test(igmp, every_group_answers_a_general_query_within_its_time_and_once, .init = start)
{
    join("239.1.1.1", NULL);
    join("239.1.1.2", NULL);
    int64_t now_ns = settle(0);
    for (unsigned i = 0; i < 100; i++)
        cr_expect(ask4(general3, sizeof(general3), now_ns));
    for (unsigned i = 0; i < 2; i++) {
        int64_t due_ns = sl_igmp_due_ns(&igmp);
        cr_expect(due_ns >= now_ns && due_ns <= now_ns + 10000000000);
        cr_expect_eq(said(due_ns).payload[8], 2, "MODE_IS_EXCLUDE");
    }
    cr_expect_eq(sl_igmp_due_ns(&igmp), INT64_MAX);
}

Test(igmp, only_the_group_that_is_asked_for_answers, .init = start)
{
    join("239.1.1.1", NULL);
    join("239.1.1.2", NULL);
    int64_t now_ns = settle(0);
    const uint8_t query[12] = { 0x11, 10, [4] = 239, 1, 1, 2 };
    ask4(query, sizeof(query), now_ns);
    cr_expect_eq(said(sl_igmp_due_ns(&igmp)).payload[15], 2);
    cr_expect_eq(sl_igmp_due_ns(&igmp), INT64_MAX);
}

Test(igmp, an_older_querier_is_answered_in_its_own_words_and_forgotten_in_time, .init = start)
{
    join("239.1.1.1", NULL);
    int64_t now_ns = settle(0);
    ask4(general2, sizeof(general2), now_ns);
    struct sl_packet_ip ip = said(sl_igmp_due_ns(&igmp));
    cr_expect_eq(ip.payload[0], 0x16);
    cr_expect_eq(ip.dst.s6_addr[12], 239, "to the group itself");
    ask4(general1, sizeof(general1), now_ns);
    cr_expect_eq(said(sl_igmp_due_ns(&igmp)).payload[0], 0x12);
    ask4(general3, sizeof(general3), now_ns + 1);
    cr_expect_eq(said(sl_igmp_due_ns(&igmp)).payload[0], 0x12, "the older one may still be there");
    ask4(general3, sizeof(general3), now_ns + 300000000000);
    cr_expect_eq(said(sl_igmp_due_ns(&igmp)).payload[0], 0x22);
}

Test(igmp, a_leave_is_said, .init = start)
{
    join("239.1.1.1", NULL);
    int64_t now_ns = settle(0);
    sl_igmp_leave(&igmp);
    cr_expect_eq(said(now_ns).payload[8], 3, "CHANGE_TO_INCLUDE of nobody");
    ask4(general3, sizeof(general3), now_ns);
    cr_expect_eq(sl_igmp_due_ns(&igmp), INT64_MAX, "who has left does not answer");
}

Test(igmp, ip6_speaks_mld, .init = start)
{
    join("ff05::77", NULL);
    struct sl_packet_ip ip = said(0);
    cr_expect_eq(ip.payload[0], 143);
    cr_expect_eq(ip.payload[8], 4);
    cr_expect_eq(ip.payload[27], 0x77);
    cr_expect(IN6_IS_ADDR_LINKLOCAL(&ip.src));
    cr_expect_eq(ip.dst.s6_addr[15], 0x16);
    int64_t now_ns = settle(0);
    const uint8_t query[28] = { 130, [4] = 0x03, 0xe8 };
    cr_expect(ask6(query, 28, 1, now_ns));
    cr_expect_eq(said(sl_igmp_due_ns(&igmp)).payload[8], 2);
    ask6(query, 28, 64, now_ns);
    cr_expect_eq(sl_igmp_due_ns(&igmp), INT64_MAX, "a query from beyond a router is none");
    ask6(query, 24, 1, now_ns);
    cr_expect_eq(said(sl_igmp_due_ns(&igmp)).payload[0], 131, "to a querier of MLDv1");
}

Test(igmp, a_query_that_is_damaged_or_cut_is_not_answered, .init = start)
{
    join("239.1.1.1", NULL);
    int64_t now_ns = settle(0);
    static uint8_t frame[32] = { 0x45, [3] = 32, [8] = 1, [9] = 2, [12] = 192, 0, 2, 254, 224, 0, 0, 1, 0x11, 100 };
    struct sl_packet_ip ip;
    cr_assert_eq(sl_packet_read_ip(&ip, SL_PACKET_IP, frame, 32), SL_PACKET_FINE);
    cr_expect(sl_igmp_take(&igmp, &ip, now_ns));
    cr_expect_eq(sl_igmp_due_ns(&igmp), INT64_MAX, "its checksum is wrong");
    ip.len = 7;
    cr_expect_not(sl_igmp_take(&igmp, &ip, now_ns));
}

Test(igmp, a_tag_stands_where_the_line_has_one)
{
    sl_igmp_init(&igmp, mac, &(struct in6_addr){ 0 }, 42, 1);
    join("239.1.1.1", NULL);
    said(0);
    cr_expect_arr_eq(out + 12, ((uint8_t[6]){ 0x81, 0, 0, 42, 8, 0 }), 6);
}
