#include "pipeline/datagram.h"

#include "pipeline/checksum.h"

#include <string.h>

#define UDP_LEN      8u
#define IP4_LEN      20u
#define IP6_LEN      40u
#define FRAGMENT_LEN 8u
#define FRAGMENT     44
#define HOPS         64
#define ETHER_VLAN   0x8100
#define ETHER_IP4    0x0800
#define ETHER_IP6    0x86dd

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static bool is_ip4(const struct sl_datagram_path *path) { return IN6_IS_ADDR_V4MAPPED(&path->dst); }

/* What a frame takes of the datagram, its header among it: of fragments but the last a multiple of 8. */
static uint32_t piece_max(const struct sl_datagram_path *path, uint32_t whole_len)
{
    uint32_t head = is_ip4(path) ? IP4_LEN : IP6_LEN;
    if (whole_len <= path->mtu - head)
        return whole_len;
    return (path->mtu - head - (is_ip4(path) ? 0 : FRAGMENT_LEN)) & ~7u;
}

uint32_t sl_datagram_frames(const struct sl_datagram_path *path, uint32_t len)
{
    uint32_t piece = piece_max(path, UDP_LEN + len);
    return (UDP_LEN + len + piece - 1) / piece;
}

static uint8_t *put_link(const struct sl_datagram_path *path, uint8_t *at)
{
    memcpy(at, path->dst_mac, 6);
    memcpy(at + 6, path->src_mac, 6);
    at += 12;
    if (path->vlan) {
        put16(at, ETHER_VLAN);
        put16(at + 2, path->vlan);
        at += 4;
    }
    put16(at, is_ip4(path) ? ETHER_IP4 : ETHER_IP6);
    return at + 2;
}

static uint8_t *put_ip4(const struct sl_datagram_path *path, uint8_t *at, uint32_t id, uint32_t off, uint32_t piece,
                        bool more)
{
    memset(at, 0, IP4_LEN);
    at[0] = 0x45;
    put16(at + 2, IP4_LEN + piece);
    put16(at + 4, id);
    put16(at + 6, off / 8 | (more ? 0x2000u : 0));
    at[8] = HOPS;
    at[9] = IPPROTO_UDP;
    memcpy(at + 12, path->src.s6_addr + 12, 4);
    memcpy(at + 16, path->dst.s6_addr + 12, 4);
    uint16_t sum = (uint16_t)~sl_checksum_fold(sl_checksum_add(0, at, IP4_LEN));
    memcpy(at + 10, &sum, sizeof(sum));
    return at + IP4_LEN;
}

static uint8_t *put_ip6(const struct sl_datagram_path *path, uint8_t *at, uint32_t id, uint32_t off, uint32_t piece,
                        bool more)
{
    bool whole = !off && !more;
    memset(at, 0, IP6_LEN + FRAGMENT_LEN);
    at[0] = 0x60;
    put16(at + 4, piece + (whole ? 0 : FRAGMENT_LEN));
    at[6] = whole ? IPPROTO_UDP : FRAGMENT;
    at[7] = HOPS;
    memcpy(at + 8, &path->src, 16);
    memcpy(at + 24, &path->dst, 16);
    if (whole)
        return at + IP6_LEN;
    at[40] = IPPROTO_UDP;
    put16(at + 42, off | more);
    put32(at + 44, id);
    return at + IP6_LEN + FRAGMENT_LEN;
}

static void put_udp(const struct sl_datagram_path *path, uint8_t *at, const uint8_t *data, uint32_t len)
{
    put16(at, path->src_port);
    put16(at + 2, path->dst_port);
    put16(at + 4, UDP_LEN + len);
    put16(at + 6, 0);
    uint64_t sum = sl_checksum_pseudo(&path->src, &path->dst, !is_ip4(path), IPPROTO_UDP, UDP_LEN + len);
    uint16_t said = (uint16_t)~sl_checksum_fold(sl_checksum_add(sl_checksum_add(sum, at, UDP_LEN), data, len));
    said = said ? said : 0xffff; /* 0 says that there is none */
    memcpy(at + 6, &said, sizeof(said));
}

uint32_t sl_datagram_write(const struct sl_datagram_path *path, const uint8_t *data, uint32_t len, uint32_t id,
                           uint32_t idx, uint8_t *frame)
{
    uint32_t whole = UDP_LEN + len, step = piece_max(path, whole), off = idx * step;
    uint32_t piece = whole - off < step ? whole - off : step;
    bool more = off + piece < whole;
    uint8_t *at = put_link(path, frame);
    at = is_ip4(path) ? put_ip4(path, at, id, off, piece, more) : put_ip6(path, at, id, off, piece, more);
    if (!idx) {
        put_udp(path, at, data, len);
        memcpy(at + UDP_LEN, data, piece - UDP_LEN);
    } else {
        memcpy(at, data + off - UDP_LEN, piece);
    }
    return (uint32_t)(at - frame) + piece;
}
