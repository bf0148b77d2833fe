#include "pipeline/packet.h"
#include "tests/pipeline/frames.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define TEXT "A story."

static struct frame frame;

/* On memory of its own, so that the sanitizer sees a step beyond it. */
static enum sl_packet_got read_frame(enum sl_packet_link link, uint32_t len, struct sl_packet_ip *ip,
                                     struct sl_packet_transport *transport)
{
    static uint8_t *copy;
    free(copy);
    copy = malloc(len ? len : 1);
    memcpy(copy, frame.bytes, len);
    enum sl_packet_got got = sl_packet_read_ip(ip, link, copy, len);
    return got != SL_PACKET_FINE || ip->fragment ? got : sl_packet_read_transport(transport, ip);
}

static void expect_udp(enum sl_packet_link link, const char *what)
{
    struct sl_packet_ip ip;
    struct sl_packet_transport udp;
    enum sl_packet_got got = read_frame(link, frame.len, &ip, &udp);
    cr_assert_eq(got, SL_PACKET_FINE, "%s: %d", what, got);
    cr_expect(udp.protocol == IPPROTO_UDP && udp.src_port == 4000 && udp.dst_port == 5001, "%s", what);
    cr_expect(udp.len == strlen(TEXT) && !memcmp(udp.data, TEXT, udp.len), "%s", what);
}

static void make_udp(void)
{
    frame_of(&frame, TEXT, strlen(TEXT));
    wrap_udp(&frame, 4000, 5001);
}

Test(packet, a_datagram_is_found_behind_every_link)
{
    for (uint32_t vlans = 0; vlans <= SL_PACKET_VLANS; vlans++) {
        make_udp();
        wrap_ip4(&frame, IPPROTO_UDP, 1, 0, false);
        wrap_ethernet(&frame, 0x0800, vlans);
        frame_put(&frame, "padding that the shortest frame has", 20);
        expect_udp(SL_PACKET_ETHERNET, "ethernet");
    }
    make_udp();
    wrap_ip4(&frame, IPPROTO_UDP, 1, 0, false);
    expect_udp(SL_PACKET_IP, "IP alone");
    frame_wrap(&frame, (uint8_t[16]){ [14] = 8 }, 16);
    expect_udp(SL_PACKET_SLL, "cooked");
    make_udp();
    wrap_ip6(&frame, IPPROTO_UDP);
    frame_wrap(&frame, (uint8_t[20]){ 0x86, 0xdd }, 20);
    expect_udp(SL_PACKET_SLL2, "cooked, second form");
    make_udp();
    wrap_ip6(&frame, IPPROTO_UDP);
    frame_wrap(&frame, (uint8_t[4]){ 30 }, 4);
    expect_udp(SL_PACKET_LOOP, "loopback");
}

Test(packet, extension_headers_are_walked_over)
{
    make_udp();
    frame_wrap(&frame, (uint8_t[12]){ IPPROTO_UDP, 1 }, 12); /* authentication counts in fours */
    frame_wrap(&frame, (uint8_t[16]){ 51, 1 }, 16); /* destination options */
    wrap_fragment6(&frame, 60, 7, 0, false); /* a fragment that is all of it */
    frame_wrap(&frame, (uint8_t[8]){ 44 }, 8); /* routing */
    frame_wrap(&frame, (uint8_t[8]){ 43 }, 8); /* hop by hop */
    wrap_ip6(&frame, 0);
    expect_udp(SL_PACKET_IP, "extensions");
}

Test(packet, a_segment_has_its_options_before_its_bytes)
{
    struct sl_packet_ip ip;
    struct sl_packet_transport tcp;
    frame_of(&frame, TEXT, strlen(TEXT));
    wrap_tcp(&frame, 7901, 33000, 0xfffffff0u, SL_TCP_FIN | 0x10);
    wrap_ip4(&frame, IPPROTO_TCP, 1, 0, false);
    cr_assert_eq(read_frame(SL_PACKET_IP, frame.len, &ip, &tcp), SL_PACKET_FINE);
    cr_expect(tcp.seq == 0xfffffff0u && tcp.flags & SL_TCP_FIN && !(tcp.flags & SL_TCP_SYN));
    cr_expect(tcp.len == strlen(TEXT) && !memcmp(tcp.data, TEXT, tcp.len));
    cr_expect_eq(ip.src.s6_addr[12], 192);
    cr_expect_eq(ip.dst.s6_addr[12], 239);
}

Test(packet, a_fragment_says_where_it_belongs)
{
    struct sl_packet_ip ip;
    struct sl_packet_transport none;
    frame_of(&frame, "12345678", 8);
    wrap_ip4(&frame, IPPROTO_UDP, 0x1234, 1480, true);
    cr_assert_eq(read_frame(SL_PACKET_IP, frame.len, &ip, &none), SL_PACKET_FINE);
    cr_expect(ip.fragment && ip.more_fragments && ip.fragment_off == 1480 && ip.fragment_id == 0x1234 && ip.len == 8);
    frame_of(&frame, "12345678", 8);
    wrap_fragment6(&frame, IPPROTO_UDP, 0x12345678, 1448, false);
    wrap_ip6(&frame, 44);
    cr_assert_eq(read_frame(SL_PACKET_IP, frame.len, &ip, &none), SL_PACKET_FINE);
    cr_expect(ip.fragment && !ip.more_fragments && ip.fragment_off == 1448 && ip.fragment_id == 0x12345678);
    cr_expect_eq(ip.protocol, IPPROTO_UDP);
}

/* Every frame that ends too early says so, and none is read beyond its end. */
Test(packet, a_frame_cut_anywhere_is_refused)
{
    struct sl_packet_ip ip;
    struct sl_packet_transport transport;
    for (unsigned kind = 0; kind < 2; kind++) {
        make_udp();
        if (kind)
            wrap_ip6(&frame, IPPROTO_UDP);
        else
            wrap_ip4(&frame, IPPROTO_UDP, 1, 0, false);
        wrap_ethernet(&frame, kind ? 0x86dd : 0x0800, 2);
        for (uint32_t len = 0; len < frame.len; len++)
            cr_expect_eq(read_frame(SL_PACKET_ETHERNET, len, &ip, &transport), SL_PACKET_CUT, "%u bytes", len);
    }
}

static const struct refused_case {
    const char *name;
    uint32_t at; /* which byte of an IP packet with UDP, or with TCP where tcp is set */
    uint8_t value;
    bool v6, tcp;
    enum sl_packet_got got;
} refused[] = {
    {"version 5",                   0,  0x55, false, false, SL_PACKET_BAD  },
    { "header of 16 bytes",         0,  0x44, false, false, SL_PACKET_BAD  },
    { "shorter than its header",    3,  19,   false, false, SL_PACKET_BAD  },
    { "longer than the frame",      2,  0x40, false, false, SL_PACKET_CUT  },
    { "ICMP",                       9,  1,    false, false, SL_PACKET_OTHER},
    { "UDP of 7 bytes",             25, 7,    false, false, SL_PACKET_BAD  },
    { "UDP longer than IP",         24, 1,    false, false, SL_PACKET_BAD  },
    { "TCP header of 16 bytes",     32, 0x40, false, true,  SL_PACKET_BAD  },
    { "TCP header beyond the end",  32, 0xf0, false, true,  SL_PACKET_BAD  },
    { "IPv6 longer than the frame", 4,  1,    true,  false, SL_PACKET_CUT  },
    { "extension beyond the end",   6,  0,    true,  false, SL_PACKET_BAD  },
};

Test(packet, what_cannot_be_is_refused)
{
    struct sl_packet_ip ip;
    struct sl_packet_transport transport;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const struct refused_case *c = &refused[i];
        frame_of(&frame, TEXT, strlen(TEXT));
        if (c->tcp)
            wrap_tcp(&frame, 1, 2, 3, 0);
        else
            wrap_udp(&frame, 0xffff, 2);
        uint8_t protocol = c->tcp ? IPPROTO_TCP : IPPROTO_UDP;
        if (c->v6)
            wrap_ip6(&frame, protocol);
        else
            wrap_ip4(&frame, protocol, 1, 0, false);
        frame.bytes[c->at] = c->value;
        cr_expect_eq(read_frame(SL_PACKET_IP, frame.len, &ip, &transport), c->got, "%s", c->name);
    }
    frame_of(&frame, "", 0);
    for (unsigned i = 0; i <= SL_PACKET_EXTENSIONS; i++)
        frame_wrap(&frame, (uint8_t[8]){ i ? 60 : 59 }, 8);
    wrap_ip6(&frame, 60);
    cr_expect_eq(read_frame(SL_PACKET_IP, frame.len, &ip, &transport), SL_PACKET_BAD, "endless extensions");
    make_udp();
    wrap_ip4(&frame, IPPROTO_UDP, 1, 0, false);
    wrap_ethernet(&frame, 0x0806, 0);
    cr_expect_eq(read_frame(SL_PACKET_ETHERNET, frame.len, &ip, &transport), SL_PACKET_OTHER, "ARP");
    make_udp();
    wrap_ip4(&frame, IPPROTO_UDP, 1, 0, false);
    wrap_ethernet(&frame, 0x0800, SL_PACKET_VLANS + 1);
    cr_expect_eq(read_frame(SL_PACKET_ETHERNET, frame.len, &ip, &transport), SL_PACKET_OTHER, "one tag too many");
}
