/* pipeline/packet.h - the bytes of a frame, as a card or a capture has them, to the datagram or segment inside.
 *
 *     frame --> [ read_ip ] --> addresses, payload --> [ read_transport ] --> ports, bytes
 *                                   |                        ^
 *                                   +-- fragment: ipfrag.h --+
 *
 * Life      Views of the caller's bytes; nothing to end.
 * Threads   Any.
 * Owns      Nothing: a view lasts as long as the bytes it was read from.
 * Errors    enum sl_packet_got.
 * Units     Bytes; ports and sequence numbers in host order.  IPv4 addresses are mapped into IPv6.
 * Hostile   Every length in a header is checked against what is there before it is used.  At most SL_PACKET_VLANS tags
 *           and SL_PACKET_EXTENSIONS extension headers are walked over.  Checksums are not looked at by read_ip and
 *           read_transport: captures of a host's own traffic have wrong ones, which the card would have mended, and a
 *           card checks what comes in.  Where it does not, sl_packet_head_sums and sl_packet_udp_sums do.
 * Source    IEEE 802.1Q; RFC 791 3.1, RFC 8200 4, RFC 4302 2.2, RFC 768, RFC 9293 3.1;
 *           https://www.tcpdump.org/linktypes.html for what stands before IP in captures.
 */
#ifndef SL_PIPELINE_PACKET_H
#define SL_PIPELINE_PACKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_PACKET_VLANS      4u
#define SL_PACKET_EXTENSIONS 8u

enum sl_packet_link { /* what a frame begins with */
                      SL_PACKET_ETHERNET,
                      SL_PACKET_IP, /* nothing */
                      SL_PACKET_SLL, /* "cooked": Linux, interface any */
                      SL_PACKET_SLL2, /* the same with the interface's number */
                      SL_PACKET_LOOP, /* an address family of 32 bits, in the order of the host that captured */
};

enum sl_packet_got {
    SL_PACKET_FINE,
    SL_PACKET_OTHER, /* no IP, or neither UDP nor TCP */
    SL_PACKET_CUT, /* the headers say more than there is: a capture with short frames */
    SL_PACKET_BAD, /* no header of this kind looks like that */
};

struct sl_packet_ip {
    struct in6_addr src, dst;
    bool v6;
    uint8_t protocol; /* of what payload begins with: IPPROTO_UDP ... */
    const uint8_t *head; /* where IP begins; NULL where a frame was not read as far as that */
    const uint8_t *payload; /* behind all headers that are IP's; the link's padding is not in it */
    uint32_t len;
    bool fragment, more_fragments;
    uint32_t fragment_off; /* of payload in the whole */
    uint32_t fragment_id;
};

enum sl_packet_tcp_flag { SL_TCP_FIN = 1, SL_TCP_SYN = 2, SL_TCP_RST = 4 };

struct sl_packet_transport {
    uint8_t protocol; /* IPPROTO_UDP or IPPROTO_TCP */
    uint16_t src_port, dst_port;
    uint32_t seq; /* TCP */
    uint8_t flags; /* TCP: enum sl_packet_tcp_flag, and the others as they stand in the header */
    const uint8_t *data;
    uint32_t len;
};

enum sl_packet_got sl_packet_read_ip(struct sl_packet_ip *ip, enum sl_packet_link link, const uint8_t *frame,
                                     uint32_t len);
/* ip is no fragment. */
enum sl_packet_got sl_packet_read_transport(struct sl_packet_transport *transport, const struct sl_packet_ip *ip);

/* Whether the checksums are right: of IPv4's header, which IPv6 does not have, and of a whole UDP datagram, where
 * payload begins with its header.  unfinished: what a host's own kernel leaves for a card to complete is taken for
 * right, as on a virtual cable nothing completes it. */
bool sl_packet_head_sums(const struct sl_packet_ip *ip);
bool sl_packet_udp_sums(const struct sl_packet_ip *ip, bool unfinished);

/* Past the extension headers that payload begins with, up to a fragment's; for what was put together. */
enum sl_packet_got sl_packet_skip_extensions(struct sl_packet_ip *ip);

#endif
