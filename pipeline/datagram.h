/* pipeline/datagram.h - a UDP datagram written as frames, where no kernel does it: in fragments when it is longer than
 * the cable takes.
 *
 *     bytes --> [ write ] x frames --> Ethernet | VLAN | IPv4 or IPv6 | UDP | bytes
 *
 * Threads   Pure functions.
 * Owns      Writes to the caller's buffer, which has room for mtu + SL_DATAGRAM_LINK_MAX.
 * Units     Bytes; ports in host order; IPv4 addresses are mapped into IPv6.
 * Source    RFC 791 3.1, RFC 8200 4.5, RFC 768; IEEE 802.1Q.
 */
#ifndef SL_PIPELINE_DATAGRAM_H
#define SL_PIPELINE_DATAGRAM_H

#include <netinet/in.h>
#include <stdint.h>

#define SL_DATAGRAM_LINK_MAX 18u

struct sl_datagram_path {
    uint8_t src_mac[6], dst_mac[6];
    struct in6_addr src, dst; /* both of one family */
    uint16_t src_port, dst_port;
    uint16_t vlan; /* 0: no tag */
    uint32_t mtu; /* 576 or more */
};

/* How many frames a datagram of this length takes. */
uint32_t sl_datagram_frames(const struct sl_datagram_path *path, uint32_t len);
/* Frame idx of it, from 0; id: of the whole, so that its fragments find together.  Bytes written. */
uint32_t sl_datagram_write(const struct sl_datagram_path *path, const uint8_t *data, uint32_t len, uint32_t id,
                           uint32_t idx, uint8_t *frame);

#endif
