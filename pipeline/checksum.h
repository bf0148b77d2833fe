/* pipeline/checksum.h - the Internet checksum: of headers that are read where no card did it, and that are written.
 *
 * Threads   Pure functions.
 * Units     Bytes; sums are of 16 bits, in the order of the bytes.
 * Source    RFC 1071; RFC 768 and RFC 8200 8.1 for what UDP and ICMPv6 add in front.
 */
#ifndef SL_PIPELINE_CHECKSUM_H
#define SL_PIPELINE_CHECKSUM_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What goes beyond 64 bits comes in again at the other end, as ones' complement has it. */
static inline uint64_t sl_checksum_carry(uint64_t sum, uint64_t more)
{
    sum += more;
    return sum + (sum < more);
}

typedef uint64_t sl_checksum_pair __attribute__((vector_size(16)));

/* Adds up; parts but the last are even in length.  Both halves of two words at once: a sum of halves has room for all
 * carries of what is shorter than 2^32 words. */
static inline uint64_t sl_checksum_add(uint64_t sum, const void *data, uint32_t len)
{
    const uint8_t *at = data;
    sl_checksum_pair low = { 0 }, high = { 0 }, pair;
    uint32_t word;
    uint16_t half = 0;
    for (; len >= sizeof(pair); at += sizeof(pair), len -= (uint32_t)sizeof(pair)) {
        memcpy(&pair, at, sizeof(pair));
        low += pair & 0xffffffff;
        high += pair >> 32;
    }
    sum = sl_checksum_carry(sum, low[0] + low[1] + high[0] + high[1]);
    for (; len >= 4; at += 4, len -= 4) {
        memcpy(&word, at, 4);
        sum = sl_checksum_carry(sum, word);
    }
    if (len >= 2) {
        memcpy(&half, at, 2);
        sum = sl_checksum_carry(sum, half);
        at += 2;
        len -= 2;
    }
    half = 0;
    if (len)
        memcpy(&half, at, 1);
    return sl_checksum_carry(sum, half);
}

/* Folded, not complemented; in memory's order, so that it is stored as it is. */
static inline uint16_t sl_checksum_fold(uint64_t sum)
{
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* What stands in front of what is summed up: addresses, IPv4's mapped into IPv6, protocol and length. */
static inline uint64_t sl_checksum_pseudo(const struct in6_addr *src, const struct in6_addr *dst, bool v6,
                                          uint8_t protocol, uint32_t len)
{
    uint32_t addr_off = v6 ? 0 : 12, tail[2] = { htonl(len), htonl(protocol) };
    uint64_t sum = sl_checksum_add(0, src->s6_addr + addr_off, 16 - addr_off);
    sum = sl_checksum_add(sum, dst->s6_addr + addr_off, 16 - addr_off);
    return sl_checksum_add(sum, tail, sizeof(tail));
}

#endif
