#include "pipeline/ipfrag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 65535u /* what IP's own length can say */
#define UNIT      8u /* fragments begin at multiples of it */
#define UNITS_MAX ((BYTES_MAX + UNIT - 1) / UNIT)
#define BYTES_CAP (UNITS_MAX * UNIT)

struct sl_ipfrag_entry {
    bool used, spoilt; /* spoilt: its fragments overlap, and what still comes of it is thrown away */
    struct sl_packet_ip ip; /* of its first fragment; payload is ours */
    int64_t first_ns;
    uint32_t len; /* of the whole; 0: the last fragment has not come */
    uint32_t end; /* behind the furthest fragment so far */
    uint32_t unit_cnt; /* that have come */
    uint64_t units[(UNITS_MAX + 63) / 64]; /* a bit each */
};

int sl_ipfrag_init(struct sl_ipfrag *ipfrag)
{
    *ipfrag = (struct sl_ipfrag){
        .entries = calloc(SL_IPFRAG_CNT, sizeof(*ipfrag->entries)),
        .bytes = malloc((size_t)SL_IPFRAG_CNT * BYTES_CAP),
    };
    if (ipfrag->entries && ipfrag->bytes)
        return 0;
    sl_ipfrag_fini(ipfrag);
    return -ENOMEM;
}

void sl_ipfrag_fini(struct sl_ipfrag *ipfrag)
{
    free(ipfrag->entries);
    free(ipfrag->bytes);
    *ipfrag = (struct sl_ipfrag){ 0 };
}

static bool is_of(const struct sl_ipfrag_entry *entry, const struct sl_packet_ip *ip)
{
    /* IPv4 tells datagrams apart by protocol too; in IPv6 only the first fragment's counts. */
    return entry->used && entry->ip.v6 == ip->v6 && entry->ip.fragment_id == ip->fragment_id &&
           (ip->v6 || entry->ip.protocol == ip->protocol) && !memcmp(&entry->ip.src, &ip->src, sizeof(ip->src)) &&
           !memcmp(&entry->ip.dst, &ip->dst, sizeof(ip->dst));
}

static void forget(struct sl_ipfrag *ipfrag, struct sl_ipfrag_entry *entry, enum sl_ipfrag_count why)
{
    if (!entry->spoilt)
        ipfrag->cnt[why]++;
    entry->used = false;
}

/* The entry of this datagram: its own, a free one, or that of the oldest. */
static struct sl_ipfrag_entry *find_entry(struct sl_ipfrag *ipfrag, const struct sl_packet_ip *ip, int64_t now_ns)
{
    struct sl_ipfrag_entry *own = NULL, *room = NULL, *oldest = ipfrag->entries;
    for (struct sl_ipfrag_entry *entry = ipfrag->entries; entry < ipfrag->entries + SL_IPFRAG_CNT; entry++) {
        if (entry->used && now_ns - entry->first_ns > SL_IPFRAG_NS)
            forget(ipfrag, entry, SL_IPFRAG_LATE);
        if (is_of(entry, ip))
            own = entry;
        if (!entry->used)
            room = entry;
        else if (entry->first_ns < oldest->first_ns)
            oldest = entry;
    }
    if (own)
        return own;
    if (!room) {
        forget(ipfrag, oldest, SL_IPFRAG_CROWDED);
        room = oldest;
    }
    memset(room, 0, sizeof(*room));
    room->used = true;
    room->ip = *ip;
    room->first_ns = now_ns;
    room->ip.payload = ipfrag->bytes + (size_t)(room - ipfrag->entries) * BYTES_CAP;
    return room;
}

static bool has_unit(const struct sl_ipfrag_entry *entry, uint32_t unit)
{
    return entry->units[unit / 64] >> (unit % 64) & 1;
}

/* How many of a fragment's units have come before. */
static uint32_t count_known(const struct sl_ipfrag_entry *entry, const struct sl_packet_ip *ip)
{
    uint32_t cnt = 0;
    for (uint32_t unit = ip->fragment_off / UNIT; unit * UNIT < ip->fragment_off + ip->len; unit++)
        cnt += has_unit(entry, unit);
    return cnt;
}

/* False: it contradicts what has come before about where the datagram ends. */
static bool fits_the_end(const struct sl_ipfrag_entry *entry, const struct sl_packet_ip *ip)
{
    uint32_t end = ip->fragment_off + ip->len;
    if (entry->len && end > entry->len)
        return false;
    return ip->more_fragments || (end >= entry->end && (!entry->len || end == entry->len));
}

static enum sl_ipfrag_got spoil(struct sl_ipfrag *ipfrag, struct sl_ipfrag_entry *entry)
{
    ipfrag->cnt[SL_IPFRAG_OVERLAP]++;
    entry->spoilt = true;
    return SL_IPFRAG_DROPPED;
}

static void put(struct sl_ipfrag *ipfrag, struct sl_ipfrag_entry *entry, const struct sl_packet_ip *ip)
{
    uint32_t end = ip->fragment_off + ip->len;
    memcpy(ipfrag->bytes + (size_t)(entry - ipfrag->entries) * BYTES_CAP + ip->fragment_off, ip->payload, ip->len);
    for (uint32_t unit = ip->fragment_off / UNIT; unit * UNIT < end; unit++) {
        entry->units[unit / 64] |= 1ull << (unit % 64);
        entry->unit_cnt++;
    }
    entry->end = end > entry->end ? end : entry->end;
    if (!ip->more_fragments)
        entry->len = end;
    if (!ip->fragment_off)
        entry->ip.protocol = ip->protocol;
}

static enum sl_ipfrag_got finish(struct sl_ipfrag *ipfrag, struct sl_ipfrag_entry *entry, struct sl_packet_ip *whole)
{
    if (!entry->len || entry->unit_cnt != (entry->len + UNIT - 1) / UNIT)
        return SL_IPFRAG_MORE;
    struct sl_packet_ip ip = entry->ip;
    entry->used = false;
    ip.len = entry->len;
    ip.fragment = ip.more_fragments = false;
    ip.fragment_off = 0;
    /* Extension headers may have been divided with the rest; a fragment in a fragment is nobody's intention. */
    if (ip.v6 && (sl_packet_skip_extensions(&ip) != SL_PACKET_FINE || ip.fragment)) {
        ipfrag->cnt[SL_IPFRAG_BAD]++;
        return SL_IPFRAG_DROPPED;
    }
    ipfrag->cnt[SL_IPFRAG_JOINED]++;
    *whole = ip;
    return SL_IPFRAG_WHOLE;
}

enum sl_ipfrag_got sl_ipfrag_take(struct sl_ipfrag *ipfrag, const struct sl_packet_ip *ip, int64_t now_ns,
                                  struct sl_packet_ip *whole)
{
    ipfrag->cnt[SL_IPFRAG_TAKEN]++;
    if (!ip->len || ip->len > BYTES_MAX || ip->fragment_off > BYTES_MAX - ip->len ||
        (ip->more_fragments && ip->len % UNIT)) {
        ipfrag->cnt[SL_IPFRAG_BAD]++;
        return SL_IPFRAG_DROPPED;
    }
    struct sl_ipfrag_entry *entry = find_entry(ipfrag, ip, now_ns);
    if (entry->spoilt)
        return SL_IPFRAG_DROPPED;
    uint32_t known = count_known(entry, ip), units = (ip->len + UNIT - 1) / UNIT;
    if (!fits_the_end(entry, ip))
        return spoil(ipfrag, entry);
    if (known == units && !memcmp(entry->ip.payload + ip->fragment_off, ip->payload, ip->len)) {
        ipfrag->cnt[SL_IPFRAG_REPEATED]++;
        return SL_IPFRAG_MORE;
    }
    if (known)
        return spoil(ipfrag, entry);
    put(ipfrag, entry, ip);
    return finish(ipfrag, entry, whole);
}
