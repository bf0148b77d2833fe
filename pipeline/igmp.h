/* pipeline/igmp.h - says to the routers and switches of a cable which groups we want, where no kernel does it for us.
 *
 *     join, leave --> [ igmp ] --frames--> the port          at once, again within a second, and when asked
 *     queries ------>     ^ due
 *
 * IGMPv3 and MLDv2; to a querier that speaks IGMPv2, IGMPv1 or MLDv1 only, as those.
 *
 * Life      init, join ..., then take what comes and poll; leave at the end.
 * Threads   One.
 * Owns      The caller's struct holds everything.
 * Errors    join: false when there are SL_IGMP_GROUPS already.
 * Units     ns of poll's clock.
 * Hostile   A query is answered once within the time that it asks for, however often it comes; whoever sends it gains
 *           one small frame for each group.  Queries from another cable (a hop limit other than 1) are none.
 * Source    RFC 3376 4, 5.1, 5.2, 7.2; RFC 2236 2; RFC 3810 5, 6.2, 8.2; RFC 2710 3; RFC 1112 6.4, RFC 2464 7.
 */
#ifndef SL_PIPELINE_IGMP_H
#define SL_PIPELINE_IGMP_H

#include "pipeline/packet.h"

#define SL_IGMP_GROUPS    64u
#define SL_IGMP_FRAME_MAX 128u

struct sl_igmp_group {
    struct in6_addr group, source; /* IPv4 mapped; source all zeros: any */
    bool v6;
    uint8_t changes; /* reports of the join, or of the leave, that are still to go */
    bool leaving;
    int64_t due_ns; /* of the next report; INT64_MAX none */
};

struct sl_igmp {
    uint8_t mac[6];
    uint16_t vlan; /* 0: frames have no tag */
    struct in6_addr from4, from6; /* ours; from6 is made from the MAC, link-local */
    struct sl_igmp_group groups[SL_IGMP_GROUPS];
    uint32_t cnt;
    uint64_t random;
    uint8_t version4, version6; /* of the querier that was heard last: 1 to 3, and 1 to 2 */
    int64_t older4_ns, older6_ns; /* until then a querier of an older version counts */
    uint64_t heard; /* queries */
    uint64_t said; /* reports */
};

/* from: our IPv4 address, mapped; all zeros, which is allowed too, where we have none. */
void sl_igmp_init(struct sl_igmp *igmp, const uint8_t mac[6], const struct in6_addr *from, uint16_t vlan,
                  uint64_t seed);
/* The same group twice is one. */
bool sl_igmp_join(struct sl_igmp *igmp, const struct in6_addr *group, const struct in6_addr *source);
/* All of them; what is to be said of it is what poll gives from now on. */
void sl_igmp_leave(struct sl_igmp *igmp);
/* A packet from the cable.  True: a query, or another's report; nobody else need look at it. */
bool sl_igmp_take(struct sl_igmp *igmp, const struct sl_packet_ip *ip, int64_t now_ns);
/* The next frame that is due, or 0. */
uint32_t sl_igmp_poll(struct sl_igmp *igmp, int64_t now_ns, uint8_t frame[SL_IGMP_FRAME_MAX]);
/* When poll has one again; INT64_MAX: when it is asked. */
int64_t sl_igmp_due_ns(const struct sl_igmp *igmp);

/* The address on the cable of a group. */
void sl_group_mac(uint8_t mac[6], const struct in6_addr *group);
/* What must be heard to hear queries: all hosts, all nodes. */
extern const uint8_t sl_igmp_all_macs[2][6];

#endif
