#include "pipeline/igmp.h"

#include "pipeline/checksum.h"

#include <string.h>

#define MS         1000000ll
#define ROBUSTNESS 2u /* a report of a change is said so often: RFC 3376 8.1 */
#define CHANGE_NS  (1000 * MS) /* and within this time again: 8.11 */
#define OLDER_NS   (260000 * MS) /* how long an older querier counts: 8.12 with the usual intervals */

#define IP4_HEAD   24u /* with Router Alert */
#define IP6_HEAD   48u /* with Hop-by-Hop, Router Alert */
#define ICMP6      58
#define HOP_BY_HOP 0
#define ETHER_VLAN 0x8100
#define ETHER_IP4  0x0800
#define ETHER_IP6  0x86dd

enum igmp_type { IGMP_QUERY = 0x11, IGMP1_REPORT = 0x12, IGMP2_REPORT = 0x16, IGMP2_LEAVE = 0x17, IGMP3_REPORT = 0x22 };
enum mld_type { MLD_QUERY = 130, MLD1_REPORT = 131, MLD1_DONE = 132, MLD2_REPORT = 143 };
/* RFC 3376 4.2.12 */
enum record_type { IS_INCLUDE = 1, IS_EXCLUDE, TO_INCLUDE, TO_EXCLUDE, ALLOW_NEW, BLOCK_OLD };

const uint8_t sl_igmp_all_macs[2][6] = {
    {0x01,  0x00, 0x5e, 0, 0, 1},
    { 0x33, 0x33, 0,    0, 0, 1}
};

static const struct in6_addr none;
static const struct in6_addr routers3_4 = {
    .s6_addr = {[10] = 0xff, 0xff, 224, 0, 0, 22}
};
static const struct in6_addr routers_4 = {
    .s6_addr = {[10] = 0xff, 0xff, 224, 0, 0, 2}
};
static const struct in6_addr routers2_6 = {
    .s6_addr = {0xff, 0x02, [15] = 0x16}
};
static const struct in6_addr routers_6 = {
    .s6_addr = {0xff, 0x02, [15] = 0x02}
};

static bool same(const struct in6_addr *a, const struct in6_addr *b) { return !memcmp(a, b, sizeof(*a)); }

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

void sl_group_mac(uint8_t mac[6], const struct in6_addr *group)
{
    static const uint8_t head4[3] = { 0x01, 0x00, 0x5e }, head6[2] = { 0x33, 0x33 };
    bool v4 = IN6_IS_ADDR_V4MAPPED(group);
    memcpy(mac + 2, group->s6_addr + 12, 4);
    memcpy(mac, v4 ? head4 : head6, v4 ? 3 : 2);
    if (v4)
        mac[3] = group->s6_addr[13] & 0x7f;
}

/* ---- which groups, and when ---- */

static int64_t random_within(struct sl_igmp *igmp, int64_t ns)
{
    /* SplitMix64. */
    uint64_t z = igmp->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return ns > 0 ? (int64_t)((z ^ z >> 31) % (uint64_t)ns) : 0;
}

void sl_igmp_init(struct sl_igmp *igmp, const uint8_t mac[6], const struct in6_addr *from, uint16_t vlan, uint64_t seed)
{
    *igmp = (struct sl_igmp){ .vlan = vlan, .from4 = *from, .version4 = 3, .version6 = 2, .random = seed };
    memcpy(igmp->mac, mac, sizeof(igmp->mac));
    /* RFC 4291 A: the interface's number from its MAC. */
    igmp->from6 = (struct in6_addr){
        .s6_addr = {0xfe, 0x80, [8] = mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]}
    };
}

bool sl_igmp_join(struct sl_igmp *igmp, const struct in6_addr *group, const struct in6_addr *source)
{
    for (uint32_t i = 0; i < igmp->cnt; i++)
        if (same(&igmp->groups[i].group, group) && same(&igmp->groups[i].source, source))
            return true;
    if (igmp->cnt == SL_IGMP_GROUPS)
        return false;
    igmp->groups[igmp->cnt++] = (struct sl_igmp_group){
        .group = *group, .source = *source, .v6 = !IN6_IS_ADDR_V4MAPPED(group), .changes = ROBUSTNESS
    };
    return true;
}

void sl_igmp_leave(struct sl_igmp *igmp)
{
    for (uint32_t i = 0; i < igmp->cnt; i++) {
        igmp->groups[i].leaving = true;
        igmp->groups[i].changes = 1;
        igmp->groups[i].due_ns = 0;
    }
}

int64_t sl_igmp_due_ns(const struct sl_igmp *igmp)
{
    int64_t due_ns = INT64_MAX;
    for (uint32_t i = 0; i < igmp->cnt; i++)
        if (igmp->groups[i].due_ns < due_ns)
            due_ns = igmp->groups[i].due_ns;
    return due_ns;
}

/* ---- queries ---- */

struct query {
    struct in6_addr group; /* all zeros: general */
    int64_t within_ns;
    uint8_t version;
};

/* RFC 3376 4.1.1 and RFC 3810 5.1.3: a number of few bits, and an exponent. */
static int64_t read_code(uint32_t code, unsigned mantissa_bits)
{
    uint32_t top = 1u << (mantissa_bits + 3);
    if (code < top)
        return code;
    return (int64_t)((code & ((1u << mantissa_bits) - 1)) | 1u << mantissa_bits) << ((code >> mantissa_bits & 7) + 3);
}

static bool read_query4(struct query *query, const struct sl_packet_ip *ip)
{
    const uint8_t *at = ip->payload;
    *query = (struct query){ .version = ip->len >= 12 ? 3 : at[1] ? 2 : 1 };
    query->within_ns =
        query->version == 1 ? 10000 * MS : 100 * MS * (query->version == 3 ? read_code(at[1], 4) : at[1]);
    if (memcmp(at + 4, none.s6_addr, 4)) {
        query->group = (struct in6_addr){ .s6_addr[10] = 0xff, .s6_addr[11] = 0xff };
        memcpy(query->group.s6_addr + 12, at + 4, 4);
    }
    return ip->head[8] == 1 && sl_checksum_fold(sl_checksum_add(0, at, ip->len)) == 0xffff;
}

static bool read_query6(struct query *query, const struct sl_packet_ip *ip)
{
    const uint8_t *at = ip->payload;
    if (ip->len < 24)
        return false;
    *query = (struct query){ .version = ip->len >= 28 ? 2 : 1 };
    uint32_t code = (uint32_t)at[4] << 8 | at[5];
    query->within_ns = MS * (query->version == 2 ? read_code(code, 12) : code);
    memcpy(&query->group, at + 8, 16);
    uint64_t pseudo = sl_checksum_pseudo(&ip->src, &ip->dst, true, ICMP6, ip->len);
    return ip->head[7] == 1 && IN6_IS_ADDR_LINKLOCAL(&ip->src) &&
           sl_checksum_fold(sl_checksum_add(pseudo, at, ip->len)) == 0xffff;
}

static void note_version(uint8_t *version, int64_t *older_ns, const struct query *query, uint8_t newest, int64_t now_ns)
{
    if (query->version < newest) {
        *version = query->version;
        *older_ns = now_ns + OLDER_NS;
    } else if (now_ns >= *older_ns) {
        *version = newest;
    }
}

static void schedule(struct sl_igmp *igmp, const struct query *query, bool v6, int64_t now_ns)
{
    for (uint32_t i = 0; i < igmp->cnt; i++) {
        struct sl_igmp_group *group = &igmp->groups[i];
        if (group->v6 != v6 || group->leaving || (!same(&query->group, &none) && !same(&query->group, &group->group)))
            continue;
        int64_t due_ns = now_ns + random_within(igmp, query->within_ns);
        if (due_ns < group->due_ns)
            group->due_ns = due_ns;
    }
}

bool sl_igmp_take(struct sl_igmp *igmp, const struct sl_packet_ip *ip, int64_t now_ns)
{
    struct query query;
    bool v6 = ip->v6;
    if (ip->protocol != (v6 ? ICMP6 : IPPROTO_IGMP) || ip->fragment || ip->len < 8)
        return false;
    uint8_t type = ip->payload[0];
    if (v6 && (type < MLD_QUERY || type > MLD1_DONE) && type != MLD2_REPORT)
        return false;
    if (type != (v6 ? MLD_QUERY : IGMP_QUERY) || !(v6 ? read_query6(&query, ip) : read_query4(&query, ip)))
        return true;
    igmp->heard++;
    if (v6)
        note_version(&igmp->version6, &igmp->older6_ns, &query, 2, now_ns);
    else
        note_version(&igmp->version4, &igmp->older4_ns, &query, 3, now_ns);
    schedule(igmp, &query, v6, now_ns);
    return true;
}

/* ---- reports ---- */

static enum record_type record_of(const struct sl_igmp_group *group)
{
    bool any = same(&group->source, &none);
    if (group->leaving)
        return any ? TO_INCLUDE : BLOCK_OLD;
    if (group->changes)
        return any ? TO_EXCLUDE : ALLOW_NEW;
    return any ? IS_EXCLUDE : IS_INCLUDE;
}

static uint32_t put_link(const struct sl_igmp *igmp, uint8_t *frame, const struct in6_addr *to, uint16_t type)
{
    uint32_t at = 12;
    sl_group_mac(frame, to);
    memcpy(frame + 6, igmp->mac, 6);
    if (igmp->vlan) {
        put16(frame + at, ETHER_VLAN);
        put16(frame + at + 2, igmp->vlan);
        at += 4;
    }
    put16(frame + at, type);
    return at + 2;
}

/* One record: type, no auxiliary data, the sources' number, the group, the source. */
static uint32_t put_record(uint8_t *at, const struct sl_igmp_group *group)
{
    uint32_t off = group->v6 ? 0 : 12, len = 16 - off, sources = !same(&group->source, &none);
    at[0] = (uint8_t)record_of(group);
    put16(at + 2, sources);
    memcpy(at + 4, group->group.s6_addr + off, len);
    if (sources)
        memcpy(at + 4 + len, group->source.s6_addr + off, len);
    return 4 + len + sources * len;
}

static uint32_t put_report4(const struct sl_igmp *igmp, const struct sl_igmp_group *group, uint8_t *frame)
{
    bool old = igmp->version4 < 3;
    const struct in6_addr *to = !old ? &routers3_4 : group->leaving ? &routers_4 : &group->group;
    uint8_t *head = frame + put_link(igmp, frame, to, ETHER_IP4), *body = head + IP4_HEAD;
    static const uint8_t alert[4] = { 0x94, 0x04, 0, 0 };
    uint32_t len = 8;
    if (old) {
        body[0] = group->leaving ? IGMP2_LEAVE : igmp->version4 == 2 ? IGMP2_REPORT : IGMP1_REPORT;
        memcpy(body + 4, group->group.s6_addr + 12, 4);
    } else {
        body[0] = IGMP3_REPORT;
        put16(body + 6, 1);
        len += put_record(body + 8, group);
    }
    uint16_t sum = (uint16_t)~sl_checksum_fold(sl_checksum_add(0, body, len));
    memcpy(body + 2, &sum, 2);
    head[0] = 0x46;
    head[1] = 0xc0;
    put16(head + 2, IP4_HEAD + len);
    head[8] = 1;
    head[9] = IPPROTO_IGMP;
    memcpy(head + 12, igmp->from4.s6_addr + 12, 4);
    memcpy(head + 16, to->s6_addr + 12, 4);
    memcpy(head + 20, alert, sizeof(alert));
    sum = (uint16_t)~sl_checksum_fold(sl_checksum_add(0, head, IP4_HEAD));
    memcpy(head + 10, &sum, 2);
    return (uint32_t)(body - frame) + len;
}

static uint32_t put_report6(const struct sl_igmp *igmp, const struct sl_igmp_group *group, uint8_t *frame)
{
    bool old = igmp->version6 < 2;
    const struct in6_addr *to = !old ? &routers2_6 : group->leaving ? &routers_6 : &group->group;
    uint8_t *head = frame + put_link(igmp, frame, to, ETHER_IP6), *body = head + IP6_HEAD;
    static const uint8_t alert[8] = { ICMP6, 0, 5, 2, 0, 0, 1, 0 };
    uint32_t len = 8;
    if (old) {
        body[0] = group->leaving ? MLD1_DONE : MLD1_REPORT;
        memcpy(body + 8, &group->group, 16);
        len += 16;
    } else {
        body[0] = MLD2_REPORT;
        put16(body + 6, 1);
        len += put_record(body + 8, group);
    }
    head[0] = 0x60;
    put16(head + 4, IP6_HEAD - 40 + len);
    head[6] = HOP_BY_HOP;
    head[7] = 1;
    memcpy(head + 8, &igmp->from6, 16);
    memcpy(head + 24, to, 16);
    memcpy(head + 40, alert, sizeof(alert));
    uint64_t pseudo = sl_checksum_pseudo(&igmp->from6, to, true, ICMP6, len);
    uint16_t sum = (uint16_t)~sl_checksum_fold(sl_checksum_add(pseudo, body, len));
    memcpy(body + 2, &sum, 2);
    return (uint32_t)(body - frame) + len;
}

uint32_t sl_igmp_poll(struct sl_igmp *igmp, int64_t now_ns, uint8_t frame[SL_IGMP_FRAME_MAX])
{
    for (uint32_t i = 0; i < igmp->cnt; i++) {
        struct sl_igmp_group *group = &igmp->groups[i];
        if (group->due_ns > now_ns)
            continue;
        memset(frame, 0, SL_IGMP_FRAME_MAX);
        uint32_t len = group->v6 ? put_report6(igmp, group, frame) : put_report4(igmp, group, frame);
        group->changes -= group->changes > 0;
        group->due_ns = group->changes ? now_ns + random_within(igmp, CHANGE_NS) : INT64_MAX;
        igmp->said++;
        return len;
    }
    return 0;
}
