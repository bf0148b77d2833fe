#include "pipeline/packet.h"
#include "pipeline/checksum.h"

#include <string.h>

#define IP4_LEN_MIN      20u
#define IP6_LEN          40u
#define UDP_LEN          8u
#define TCP_LEN_MIN      20u
#define IP6_FRAGMENT_LEN 8u

enum ether_type {
    ETHER_IP4 = 0x0800,
    ETHER_IP6 = 0x86dd,
    ETHER_VLAN = 0x8100,
    ETHER_QINQ = 0x88a8,
    ETHER_QINQ_OLD = 0x9100,
};

/* Extension headers of IPv6; the C library's names do not have all of them. */
enum extension { HOP_BY_HOP = 0, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, DESTINATION = 60, MOBILITY = 135 };

static uint16_t read16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }

static uint32_t read32(const uint8_t *at) { return (uint32_t)read16(at) << 16 | read16(at + 2); }

static struct in6_addr map_ip4(const uint8_t *at)
{
    struct in6_addr addr = { .s6_addr[10] = 0xff, .s6_addr[11] = 0xff };
    memcpy(&addr.s6_addr[12], at, 4);
    return addr;
}

/* ---- the link ---- */

/* Where IP begins, and which; len where the frame ends before. */
static uint32_t skip_ethernet(const uint8_t *frame, uint32_t len, uint16_t *type)
{
    uint32_t at = 12;
    for (unsigned tags = 0; at + 2 <= len; tags++, at += 4) {
        *type = read16(frame + at);
        if (tags == SL_PACKET_VLANS || (*type != ETHER_VLAN && *type != ETHER_QINQ && *type != ETHER_QINQ_OLD))
            return at + 2;
    }
    return len;
}

/* The family's number for IPv6 is 10, 24, 28 or 30, as the system that captured has it; for IPv4 it is 2 on all.  What
 * IP itself says is surer. */
static enum sl_packet_got skip_link(enum sl_packet_link link, const uint8_t *frame, uint32_t len, uint32_t *at)
{
    static const uint32_t fixed_len[] = { [SL_PACKET_SLL] = 16, [SL_PACKET_SLL2] = 20, [SL_PACKET_LOOP] = 4 };
    uint16_t type = ETHER_IP4;
    *at = 0;
    if (link == SL_PACKET_ETHERNET) {
        *at = skip_ethernet(frame, len, &type);
    } else if (link != SL_PACKET_IP) {
        *at = fixed_len[link];
        if (*at > len)
            return SL_PACKET_CUT;
        if (link == SL_PACKET_SLL)
            type = read16(frame + 14);
        else if (link == SL_PACKET_SLL2)
            type = read16(frame);
    }
    if (*at >= len)
        return SL_PACKET_CUT;
    return type == ETHER_IP4 || type == ETHER_IP6 ? SL_PACKET_FINE : SL_PACKET_OTHER;
}

/* ---- IP ---- */

static enum sl_packet_got read_ip4(struct sl_packet_ip *ip, const uint8_t *at, uint32_t len)
{
    if (len < IP4_LEN_MIN)
        return SL_PACKET_CUT;
    uint32_t head_len = (at[0] & 15u) * 4, total_len = read16(at + 2), fragment = read16(at + 6);
    if (head_len < IP4_LEN_MIN)
        return SL_PACKET_BAD;
    /* 0: a host captured what its card was to divide, and the length is more than the field can say. */
    if (!total_len)
        total_len = len;
    if (total_len < head_len)
        return SL_PACKET_BAD;
    if (total_len > len)
        return SL_PACKET_CUT;
    *ip = (struct sl_packet_ip){
        .src = map_ip4(at + 12),
        .dst = map_ip4(at + 16),
        .protocol = at[9],
        .head = at,
        .payload = at + head_len,
        .len = total_len - head_len,
        .fragment = fragment & 0x3fff, /* more, or an offset */
        .more_fragments = fragment & 0x2000,
        .fragment_off = (fragment & 0x1fff) * 8,
        .fragment_id = read16(at + 4),
    };
    return SL_PACKET_FINE;
}

static enum sl_packet_got read_fragment(struct sl_packet_ip *ip)
{
    if (ip->len < IP6_FRAGMENT_LEN)
        return SL_PACKET_BAD;
    uint16_t off = read16(ip->payload + 2);
    ip->protocol = ip->payload[0];
    ip->fragment_off = off & 0xfff8u;
    ip->more_fragments = off & 1;
    ip->fragment = ip->fragment_off || ip->more_fragments; /* a fragment that is all of it is none: RFC 6946 */
    ip->fragment_id = read32(ip->payload + 4);
    ip->payload += IP6_FRAGMENT_LEN;
    ip->len -= IP6_FRAGMENT_LEN;
    return SL_PACKET_FINE;
}

enum sl_packet_got sl_packet_skip_extensions(struct sl_packet_ip *ip)
{
    for (unsigned i = 0; i < SL_PACKET_EXTENSIONS; i++) {
        uint32_t len;
        switch (ip->protocol) {
        case HOP_BY_HOP:
        case ROUTING:
        case DESTINATION:
        case MOBILITY:
            len = ip->len < 2 ? UINT32_MAX : 8 + ip->payload[1] * 8u;
            break;
        case AUTHENTICATION:
            len = ip->len < 2 ? UINT32_MAX : 8 + ip->payload[1] * 4u;
            break;
        case FRAGMENT:
            if (read_fragment(ip) != SL_PACKET_FINE)
                return SL_PACKET_BAD;
            if (ip->fragment)
                return SL_PACKET_FINE;
            continue;
        default:
            return SL_PACKET_FINE;
        }
        if (len > ip->len)
            return SL_PACKET_BAD;
        ip->protocol = ip->payload[0];
        ip->payload += len;
        ip->len -= len;
    }
    return SL_PACKET_BAD;
}

static enum sl_packet_got read_ip6(struct sl_packet_ip *ip, const uint8_t *at, uint32_t len)
{
    if (len < IP6_LEN)
        return SL_PACKET_CUT;
    uint32_t payload_len = read16(at + 4);
    if (!payload_len)
        payload_len = len - IP6_LEN;
    if (payload_len > len - IP6_LEN)
        return SL_PACKET_CUT;
    *ip =
        (struct sl_packet_ip){ .v6 = true, .protocol = at[6], .head = at, .payload = at + IP6_LEN, .len = payload_len };
    memcpy(&ip->src, at + 8, 16);
    memcpy(&ip->dst, at + 24, 16);
    return sl_packet_skip_extensions(ip);
}

enum sl_packet_got sl_packet_read_ip(struct sl_packet_ip *ip, enum sl_packet_link link, const uint8_t *frame,
                                     uint32_t len)
{
    uint32_t at;
    enum sl_packet_got got = skip_link(link, frame, len, &at);
    ip->head = got == SL_PACKET_FINE ? frame + at : NULL;
    if (got != SL_PACKET_FINE)
        return got;
    unsigned version = frame[at] >> 4;
    if (version == 4)
        return read_ip4(ip, frame + at, len - at);
    if (version == 6)
        return read_ip6(ip, frame + at, len - at);
    return link == SL_PACKET_LOOP ? SL_PACKET_OTHER : SL_PACKET_BAD;
}

/* ---- above IP ---- */

static enum sl_packet_got read_udp(struct sl_packet_transport *udp, const struct sl_packet_ip *ip)
{
    if (ip->len < UDP_LEN)
        return SL_PACKET_BAD;
    uint32_t len = read16(ip->payload + 4);
    if (!len)
        len = ip->len; /* a jumbogram: RFC 2675 4 */
    if (len < UDP_LEN || len > ip->len)
        return SL_PACKET_BAD;
    *udp = (struct sl_packet_transport){
        .protocol = IPPROTO_UDP,
        .src_port = read16(ip->payload),
        .dst_port = read16(ip->payload + 2),
        .data = ip->payload + UDP_LEN,
        .len = len - UDP_LEN,
    };
    return SL_PACKET_FINE;
}

static enum sl_packet_got read_tcp(struct sl_packet_transport *tcp, const struct sl_packet_ip *ip)
{
    if (ip->len < TCP_LEN_MIN)
        return SL_PACKET_BAD;
    uint32_t head_len = (ip->payload[12] >> 4) * 4u;
    if (head_len < TCP_LEN_MIN || head_len > ip->len)
        return SL_PACKET_BAD;
    *tcp = (struct sl_packet_transport){
        .protocol = IPPROTO_TCP,
        .src_port = read16(ip->payload),
        .dst_port = read16(ip->payload + 2),
        .seq = read32(ip->payload + 4),
        .flags = ip->payload[13],
        .data = ip->payload + head_len,
        .len = ip->len - head_len,
    };
    return SL_PACKET_FINE;
}

enum sl_packet_got sl_packet_read_transport(struct sl_packet_transport *transport, const struct sl_packet_ip *ip)
{
    if (ip->fragment)
        return SL_PACKET_BAD;
    if (ip->protocol == IPPROTO_UDP)
        return read_udp(transport, ip);
    return ip->protocol == IPPROTO_TCP ? read_tcp(transport, ip) : SL_PACKET_OTHER;
}

/* ---- checksums ---- */

bool sl_packet_head_sums(const struct sl_packet_ip *ip)
{
    return ip->v6 || sl_checksum_fold(sl_checksum_add(0, ip->head, (ip->head[0] & 15u) * 4)) == 0xffff;
}

bool sl_packet_udp_sums(const struct sl_packet_ip *ip, bool unfinished)
{
    uint16_t said;
    if (ip->len < UDP_LEN)
        return false;
    uint32_t len = read16(ip->payload + 4);
    memcpy(&said, ip->payload + 6, sizeof(said));
    if (!said && !ip->v6) /* the sender made none */
        return true;
    if (!len || len > ip->len)
        len = ip->len;
    uint64_t pseudo = sl_checksum_pseudo(&ip->src, &ip->dst, ip->v6, IPPROTO_UDP, len);
    return sl_checksum_fold(sl_checksum_add(pseudo, ip->payload, len)) == 0xffff ||
           (unfinished && said == sl_checksum_fold(pseudo));
}
