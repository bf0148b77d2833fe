#include "pipeline/igmp.h"
#include "pipeline/ipfrag.h"
#include "pipeline/port.h"
#include "pipeline/say.h"
#include "pipeline/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS       16u
#define MEMBERS_MAX 256u /* lines on one port */
#define BUCKETS     256u
#define NAP_MIN_NS  20000ll /* a silent port is looked at again so soon, then more and more seldom */
#define NAP_MAX_NS  250000ll /* 1,024 descriptors last so long at 10 Gbit/s of stories of 512 bytes */
#define COUNTS_NS   200000000ll
#define DRAIN_MAX   65536u /* frames that are still taken after a stop, from a sender who does not */

/* A line of a feed. */
struct member {
    struct sl_source_config config;
    const struct sl_line_config *line;
    struct in6_addr group, source; /* IPv4 mapped; group all zeros: any address */
    uint16_t port;
    struct shared *shared;
    struct member *next; /* in its bucket */
    bool down;
};

/* A port, and the lines that come in by it. */
struct shared {
    char device[SL_PORT_DEVICE_LEN]; /* its name */
    const struct sl_port_way *way;
    struct sl_port *port;
    struct sl_port_facts facts;
    struct member *members[MEMBERS_MAX]; /* the first one polls, and answers for what is nobody's */
    uint32_t member_cnt, left_cnt;
    struct member *buckets[BUCKETS];
    struct sl_ipfrag ipfrag;
    struct sl_igmp igmp;
    bool joins;
    uint8_t groups_of_queue; /* how many queues have a group steered to them */
    struct sl_port_counts counted;
    int64_t counts_due_ns, nap_ns;
    int64_t now_ns; /* of the poll under way */
    int64_t burst_ns; /* CLOCK_REALTIME, read once for the burst at hand */
    uint32_t drained;
    bool begun, draining, ended;
    struct sl_port_frame frames[SL_PORT_BURST];
};

/* All of this process, as EAL's ports are, too.  Only the thread that builds and ends the walk looks here. */
static struct shared *shareds[PORTS];

static const struct in6_addr any;

static bool same(const struct in6_addr *a, const struct in6_addr *b) { return !memcmp(a, b, sizeof(*a)); }

static void count(const struct member *member, enum sl_book_rx col, uint64_t cnt)
{
    sl_cell_add(&member->config.books[col], cnt);
}

/* ---- whose it is ---- */

static unsigned bucket_of(const struct in6_addr *group, uint16_t port)
{
    uint32_t word;
    memcpy(&word, group->s6_addr + 12, 4);
    return (word * 2654435761u >> 16 ^ port) % BUCKETS;
}

static struct member *find_in(const struct shared *shared, const struct in6_addr *group, uint16_t port,
                              const struct in6_addr *from)
{
    struct member *member = shared->buckets[bucket_of(group, port)];
    while (member && (member->port != port || !same(&member->group, group) ||
                      (!same(&member->source, &any) && !same(&member->source, from))))
        member = member->next;
    return member;
}

static struct member *find_member(const struct shared *shared, const struct sl_packet_ip *ip, uint16_t port)
{
    struct member *member = find_in(shared, &ip->dst, port, &ip->src);
    return member ? member : find_in(shared, &any, port, &ip->src);
}

/* Of a fragment, whose port nobody knows yet. */
static struct member *find_group(const struct shared *shared, const struct in6_addr *group)
{
    for (uint32_t i = 0; i < shared->member_cnt; i++)
        if (same(&shared->members[i]->group, group) || same(&shared->members[i]->group, &any))
            return shared->members[i];
    return NULL;
}

/* ---- frames ---- */

/* What is nobody's, or no packet, is put down to the line that polls. */
static void count_bad(const struct member *member, enum sl_book_layer layer)
{
    count(member, SL_RX_PACKETS, 1);
    count(member, SL_RX_PACKETS_BAD, 1);
    count(member, SL_RX_BAD_LAYER + layer, 1);
}

static void count_other(const struct member *member)
{
    count(member, SL_RX_PACKETS, 1);
    count(member, SL_RX_PACKETS_OTHER, 1);
}

static void give(const struct member *member, const struct sl_port_frame *frame, const struct sl_packet_transport *udp)
{
    const struct sl_rx_sink *sink = &member->config.sink;
    struct sl_packet packet = {
        .data = udp->data,
        .len = udp->len,
        .line = member->config.line_idx,
        .datagram = true,
        .wire_source = frame->wire_source ? frame->wire_source : SL_WIRE_POLL,
        .wire_ns = frame->wire_source ? frame->wire_ns : member->shared->burst_ns,
        .rx_ns = member->shared->burst_ns,
    };
    count(member, SL_RX_PACKETS, 1);
    count(member, SL_RX_PACKETS_USED, 1);
    count(member, SL_RX_DATAGRAMS, 1);
    count(member, SL_RX_BYTES, udp->len);
    sl_cell_set(&member->config.books[SL_RX_LAST_NS], (uint64_t)packet.rx_ns);
    uint32_t taken = udp->len && udp->len <= SL_RX_DATAGRAM_MAX ? sink->take(sink->ctx, &packet) : SL_TAKE_BROKEN;
    count(member,
          taken == SL_TAKE_BROKEN ? SL_RX_DATAGRAMS_MALFORMED
          : taken == udp->len     ? SL_RX_DATAGRAMS_USED
                                  : SL_RX_DATAGRAMS_REPEATED,
          1);
}

static void handle_udp(struct shared *shared, const struct sl_port_frame *frame, const struct sl_packet_ip *ip)
{
    struct sl_packet_transport udp;
    enum sl_packet_got got = sl_packet_read_transport(&udp, ip);
    if (got == SL_PACKET_OTHER || (got == SL_PACKET_FINE && udp.protocol != IPPROTO_UDP)) {
        count_other(shared->members[0]);
        return;
    }
    struct member *member = got == SL_PACKET_FINE ? find_member(shared, ip, udp.dst_port) : NULL;
    if (got != SL_PACKET_FINE)
        count_bad(shared->members[0], SL_BOOK_LAYER_UDP);
    else if (!member)
        count_other(shared->members[0]);
    else if (frame->flags & SL_PORT_UDP_WRONG ||
             (!(frame->flags & SL_PORT_UDP_FINE) && !sl_packet_udp_sums(ip, shared->facts.of_kernel)))
        count_bad(member, SL_BOOK_LAYER_SUM);
    else
        give(member, frame, &udp);
}

static uint64_t lost_fragments(const struct shared *shared)
{
    const uint64_t *cnt = shared->ipfrag.cnt;
    return cnt[SL_IPFRAG_LATE] + cnt[SL_IPFRAG_CROWDED] + cnt[SL_IPFRAG_OVERLAP] + cnt[SL_IPFRAG_BAD];
}

/* The card sums up fragments, if at all, one by one: of the whole the sum is ours to look at. */
static void handle_fragment(struct shared *shared, const struct sl_port_frame *frame, const struct sl_packet_ip *ip)
{
    struct member *member = find_group(shared, &ip->dst);
    struct sl_packet_ip whole;
    if (!member) {
        count_other(shared->members[0]);
        return;
    }
    uint64_t lost = lost_fragments(shared);
    enum sl_ipfrag_got got = sl_ipfrag_take(&shared->ipfrag, ip, shared->now_ns, &whole);
    count(member, SL_RX_FRAGMENTS_LOST, lost_fragments(shared) - lost);
    if (got == SL_IPFRAG_WHOLE) {
        struct sl_port_frame joined = *frame;
        joined.flags &= (uint8_t) ~(SL_PORT_UDP_FINE | SL_PORT_UDP_WRONG);
        handle_udp(shared, &joined, &whole);
    } else if (got == SL_IPFRAG_MORE) {
        count(member, SL_RX_PACKETS, 1);
        count(member, SL_RX_PACKETS_USED, 1);
    } else {
        count_bad(member, SL_BOOK_LAYER_FRAGMENT);
    }
}

static void handle(struct shared *shared, const struct sl_port_frame *frame)
{
    struct sl_packet_ip ip;
    enum sl_packet_got got = sl_packet_read_ip(&ip, SL_PACKET_ETHERNET, frame->data, frame->len);
    if (got == SL_PACKET_OTHER)
        count_other(shared->members[0]);
    else if (got != SL_PACKET_FINE || frame->flags & SL_PORT_TOO_LONG)
        count_bad(shared->members[0], ip.head ? SL_BOOK_LAYER_IP : SL_BOOK_LAYER_LINK);
    else if (frame->flags & SL_PORT_HEAD_WRONG || (!(frame->flags & SL_PORT_HEAD_FINE) && !sl_packet_head_sums(&ip)))
        count_bad(shared->members[0], SL_BOOK_LAYER_SUM);
    else if (ip.fragment)
        handle_fragment(shared, frame, &ip);
    else if (shared->joins && sl_igmp_take(&shared->igmp, &ip, shared->now_ns))
        count_other(shared->members[0]);
    else
        handle_udp(shared, frame, &ip);
}

/* ---- the poll ---- */

/* Virtual ports count attempts where cards count frames: what falls is not believed. */
static uint64_t step(uint64_t *seen, uint64_t now)
{
    uint64_t more = now > *seen ? now - *seen : 0;
    *seen = now;
    return more;
}

static void read_counts(struct shared *shared)
{
    const struct member *first = shared->members[0];
    struct sl_port_counts now = shared->way->counts(shared->port);
    count(first, SL_RX_PORT_MISSED, step(&shared->counted.missed, now.missed));
    count(first, SL_RX_PORT_NO_BUFFER, step(&shared->counted.no_buffer, now.no_buffer));
    count(first, SL_RX_PORT_ERRORS, step(&shared->counted.errors, now.errors));
}

static void say_groups(struct shared *shared, int64_t now_ns)
{
    uint8_t frame[SL_IGMP_FRAME_MAX];
    uint32_t len;
    while ((len = sl_igmp_poll(&shared->igmp, now_ns, frame)))
        shared->way->send(shared->port, &(struct sl_port_out){ frame, len }, 1);
}

static int take_burst(struct shared *shared, uint32_t queue)
{
    uint32_t cnt = shared->way->burst(shared->port, queue, shared->frames);
    if (!cnt)
        return 0;
    shared->burst_ns = sl_clock_real(shared->members[0]->config.clock);
    for (uint32_t i = 0; i < cnt; i++)
        handle(shared, &shared->frames[i]);
    shared->way->release(shared->port);
    return (int)cnt;
}

/* The last frames are taken; nothing comes after them. */
static void end(struct shared *shared)
{
    read_counts(shared);
    shared->ended = true;
}

static int dpdk_poll(void *self, int64_t now_ns, bool readable, int64_t *due_ns)
{
    struct member *member = self;
    struct shared *shared = member->shared;
    int did = 0;
    (void)readable;
    *due_ns = INT64_MAX;
    if (member != shared->members[0] || shared->ended)
        return 0;
    if (!shared->begun)
        shared->way->begin(shared->port);
    shared->begun = true;
    shared->now_ns = now_ns;
    for (uint32_t queue = 0; queue < shared->facts.queue_cnt; queue++)
        did += take_burst(shared, queue);
    if (shared->joins && sl_igmp_due_ns(&shared->igmp) <= now_ns)
        say_groups(shared, now_ns);
    if (now_ns >= shared->counts_due_ns) {
        read_counts(shared);
        shared->counts_due_ns = now_ns + COUNTS_NS;
    }
    shared->drained += shared->draining ? (uint32_t)did : 0;
    if (shared->draining && (!did || shared->drained > DRAIN_MAX))
        end(shared);
    shared->nap_ns = did ? NAP_MIN_NS : shared->nap_ns < NAP_MAX_NS / 2 ? 2 * shared->nap_ns : NAP_MAX_NS;
    *due_ns = now_ns + shared->nap_ns;
    return did;
}

/* A port has no descriptor that becomes readable: time alone tells. */
static int dpdk_fd(const void *self)
{
    (void)self;
    return -1;
}

static void dpdk_drain(void *self)
{
    struct member *member = self;
    struct shared *shared = member->shared;
    if (!member->down)
        sl_cell_add(&member->config.books[SL_RX_LINES_UP], -1ull);
    shared->left_cnt += !member->down;
    member->down = true;
    if (shared->left_cnt < shared->member_cnt || shared->draining)
        return;
    shared->draining = true;
    sl_igmp_leave(&shared->igmp);
}

/* ---- life ---- */

/* What a line is for; 0.0.0.0 is any address, as all zeros of IPv6 are. */
static struct in6_addr group_of(const struct sockaddr_storage *addr)
{
    struct in6_addr group = sl_addr_mapped(addr);
    return addr->ss_family == AF_INET && !memcmp(&group.s6_addr[12], &any, 4) ? any : group;
}

static void delete_shared(struct shared *shared)
{
    for (uint32_t i = 0; i < PORTS; i++)
        if (shareds[i] == shared)
            shareds[i] = NULL;
    if (shared->port)
        shared->way->close(shared->port);
    sl_ipfrag_fini(&shared->ipfrag);
    free(shared);
}

static int open_shared(struct shared **out, const struct sl_line_config *line, char *err, size_t err_len)
{
    uint32_t place = 0;
    while (place < PORTS && shareds[place])
        place++;
    struct shared *shared = place < PORTS ? calloc(1, sizeof(*shared)) : NULL;
    if (!shared)
        return -ENOMEM;
    struct sl_port_config config = {
        .device = line->path,
        .queue_cnt = line->port.queues,
        .mtu = line->port.mtu,
        .descriptors = line->port.descriptors,
        .promiscuous = line->port.promiscuous,
    };
    shareds[place] = shared;
    sl_port_name(shared->device, sizeof(shared->device), line->path);
    shared->nap_ns = NAP_MIN_NS;
    int rc = sl_ipfrag_init(&shared->ipfrag);
    if (!rc && !(shared->way = sl_port_way(err, err_len)))
        rc = -ENOENT;
    if (!rc)
        rc = shared->way->open(&shared->port, &config, err, err_len);
    if (rc) {
        delete_shared(shared);
        return rc;
    }
    shared->facts = shared->way->facts(shared->port);
    shared->joins = line->port.joins;
    sl_igmp_init(&shared->igmp, shared->facts.mac, &line->port.from, line->port.vlan, (uint64_t)sl_clock_real(NULL));
    *out = shared;
    return 0;
}

static struct shared *find_shared(const char *device)
{
    char name[SL_PORT_DEVICE_LEN];
    sl_port_name(name, sizeof(name), device);
    for (uint32_t i = 0; i < PORTS; i++)
        if (shareds[i] && !strcmp(shareds[i]->device, name))
            return shareds[i];
    return NULL;
}

/* The port is told of all groups that it has so far. */
static enum sl_port_hearing hear_groups(struct shared *shared)
{
    uint8_t macs[MEMBERS_MAX + 2][6];
    uint32_t cnt = 0;
    memcpy(macs, sl_igmp_all_macs, sizeof(sl_igmp_all_macs));
    for (cnt = 2; cnt < shared->member_cnt + 2; cnt++)
        sl_group_mac(macs[cnt], &shared->members[cnt - 2]->group);
    return shared->way->hear(shared->port, (const uint8_t(*)[6])macs, cnt);
}

/* Groups go to the queues in turn, but the first, which is everybody's; where the card cannot, all stay there. */
static bool steer(struct shared *shared, const struct member *member)
{
    if (shared->facts.queue_cnt < 2 || same(&member->group, &any))
        return false;
    uint32_t queue = 1 + shared->groups_of_queue++ % (shared->facts.queue_cnt - 1);
    return shared->way->steer(shared->port, &member->group, queue);
}

static void tell(const struct shared *shared, const struct member *member, enum sl_port_hearing hearing, bool steered)
{
    static const char *const hears[] = { [SL_PORT_HEARS_LIST] = "filter",
                                         [SL_PORT_HEARS_GROUPS] = "all-multicast",
                                         [SL_PORT_HEARS_AS_IT_IS] = "everything",
                                         [SL_PORT_HEARS_ALL] = "promiscuous" };
    sl_say(
        SL_SAY_INFO,
        "rx port=%s driver=%s line=%s queues=%u buffers=%u huge-pages=%s hears=%s steering=%s checksums=%s stamps=%s",
        shared->device, shared->facts.driver, member->line->url, shared->facts.queue_cnt, shared->facts.buffer_cnt,
        shared->facts.huge ? "yes" : "no", hears[hearing], steered ? "card" : "ours",
        shared->facts.sums ? "card" : "ours", shared->facts.stamps ? "port" : "poll");
}

static int dpdk_open(void **out, const struct sl_source_config *config, char *err, size_t err_len)
{
    struct shared *shared = find_shared(config->line->path);
    struct member *member = calloc(1, sizeof(*member));
    int rc = member ? 0 : -ENOMEM;
    if (!rc && !shared)
        rc = open_shared(&shared, config->line, err, err_len);
    if (!rc && shared->member_cnt && shared->members[0]->config.sink.ctx != config->sink.ctx) {
        snprintf(err, err_len, "%s is polled by another receive thread; one polls all lines of a port", shared->device);
        rc = -EINVAL;
    }
    if (!rc && shared->member_cnt == MEMBERS_MAX)
        rc = -E2BIG;
    if (rc) {
        free(member);
        return rc;
    }
    *member = (struct member){
        .config = *config,
        .line = config->line,
        .group = group_of(&config->line->addr),
        .source = config->line->source.ss_family ? sl_addr_mapped(&config->line->source) : any,
        .port = sl_addr_port(&config->line->addr),
        .shared = shared,
    };
    shared->members[shared->member_cnt++] = member;
    struct member **bucket = &shared->buckets[bucket_of(&member->group, member->port)];
    member->next = *bucket;
    *bucket = member;
    if (config->line->multicast && shared->joins && !sl_igmp_join(&shared->igmp, &member->group, &member->source))
        sl_say(SL_SAY_WARN, "rx port=%s line=%s: more than %u groups; this one is not joined", shared->device,
               config->line->url, SL_IGMP_GROUPS);
    enum sl_port_hearing hearing = hear_groups(shared);
    tell(shared, member, hearing, steer(shared, member));
    *out = member;
    return 0;
}

static void dpdk_fini(void *self)
{
    struct member *member = self;
    struct shared *shared = member->shared;
    uint32_t i = 0;
    while (shared->members[i] != member)
        i++;
    if (!i && shared->begun && !shared->ended)
        read_counts(shared);
    memmove(&shared->members[i], &shared->members[i + 1], (--shared->member_cnt - i) * sizeof(shared->members[0]));
    if (!shared->member_cnt)
        delete_shared(shared);
    free(member);
}

const struct sl_source_kind sl_source_dpdk = {
    .name = "dpdk",
    .open = dpdk_open,
    .fini = dpdk_fini,
    .fd = dpdk_fd,
    .poll = dpdk_poll,
    .drain = dpdk_drain,
};
