/* The only file that knows DPDK: built as a module, since its flags name a processor and include a header everywhere,
 * and its libraries are hundreds. */
#define ALLOW_EXPERIMENTAL_API /* rte_eth_read_clock, of cards that stamp */
#include "pipeline/clock.h"
#include "pipeline/port.h"

#include "parsers/bulletin_json.h" /* enum sl_wire_source */

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <rte_dev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TX_DESCRIPTORS 1024u
#define CACHE          256u
#define FLOWS          64u
#define CALIBRATE_NS   100000000ll /* two reads of a card's clock closer than this say nothing of its pace */
#define BASE_MIB       48u /* EAL itself, without huge pages */
#define PORT_MIB       48u /* each port's pool and rings */
#define ROOM_MIN       2048u

/* A card's clock against ours, read together now and then. */
struct card_clock {
    uint64_t first, last; /* of the card */
    int64_t first_ns, last_ns;
    double ns_each; /* 0: not known yet */
};

struct sl_port {
    uint16_t id;
    char name[64];
    struct rte_mempool *pool;
    struct sl_port_facts facts;
    struct rte_mbuf *burst[SL_PORT_BURST];
    uint32_t burst_cnt;
    uint8_t *chained; /* SL_PORT_BURST frames that came in several buffers, put together */
    uint32_t room; /* of a buffer that is sent */
    bool promiscuous;
    uint32_t idle_buffers; /* that are out when nothing is sent */
    bool capture; /* net_pcap, whose stamps are those of the capture, in microseconds */
    struct card_clock clock;
    int stamp_off;
    uint64_t stamp_flag;
    struct rte_flow *flows[FLOWS];
    uint32_t flow_cnt;
    struct sl_port_counts at_open;
};

extern const struct sl_port_way sl_port_dpdk;

/* ---- EAL ---- */

/* EAL and its drivers say much; what they said last explains why something failed.  SLUGLINE_DPDK_LOG lets all of it
 * through to standard error. */
static char last_words[256];
static bool loud;

static ssize_t hear_log(void *cookie, const char *text, size_t len)
{
    (void)cookie;
    size_t keep = len < sizeof(last_words) - 1 ? len : sizeof(last_words) - 1;
    while (keep && isspace((unsigned char)text[keep - 1]))
        keep--;
    if (keep) {
        memcpy(last_words, text, keep);
        last_words[keep] = '\0';
    }
    if (loud)
        fwrite(text, 1, len, stderr);
    return (ssize_t)len;
}

static uint64_t read_number(const char *path)
{
    FILE *file = fopen(path, "re");
    uint64_t number = 0;
    if (file && fscanf(file, "%" SCNu64, &number) != 1)
        number = 0;
    if (file)
        fclose(file);
    return number;
}

static uint64_t free_huge_bytes(void)
{
    static const char root[] = "/sys/kernel/mm/hugepages";
    uint64_t bytes = 0;
    DIR *folder = opendir(root);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char path[512];
        uint64_t kib;
        if (sscanf(entry->d_name, "hugepages-%" SCNu64 "kB", &kib) != 1)
            continue;
        snprintf(path, sizeof(path), "%s/%s/free_hugepages", root, entry->d_name);
        bytes += read_number(path) * kib * 1024;
    }
    if (folder)
        closedir(folder);
    return bytes;
}

/* EAL's first core floats over all that we may use: where threads run is not its affair. */
static void write_cores(char *text, size_t text_len)
{
    cpu_set_t set;
    size_t used = (size_t)snprintf(text, text_len, "--lcores=0@(");
    bool first = true;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof(set), &set);
    for (int core = 0; core < CPU_SETSIZE && used + 16 < text_len; core++)
        if (CPU_ISSET(core, &set)) {
            used += (size_t)snprintf(text + used, text_len - used, "%s%d", first ? "" : ",", core);
            first = false;
        }
    snprintf(text + used, text_len - used, ")");
}

static bool uses_huge;

static int start(const char *const *devices, uint32_t device_cnt, char *err, size_t err_len)
{
    enum { ARGS = 16 + 2 * SL_PORT_DEVICES };
    char cores[2048], prefix[64], memory[32], names[SL_PORT_DEVICES][SL_PORT_DEVICE_LEN], *argv[ARGS];
    int argc = 0;
    uint64_t need_mib = BASE_MIB + PORT_MIB * (device_cnt ? device_cnt : 1);
    bool pci = false;
    cpu_set_t before;
    loud = getenv("SLUGLINE_DPDK_LOG") != NULL;
    FILE *log = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = hear_log });
    if (log) {
        setvbuf(log, NULL, _IOLBF, 0);
        rte_openlog_stream(log);
    }
    write_cores(cores, sizeof(cores));
    snprintf(prefix, sizeof(prefix), "--file-prefix=slugline-%d", (int)getpid());
    snprintf(memory, sizeof(memory), "%" PRIu64, need_mib);
    argv[argc++] = (char *)(uintptr_t) "slugline";
    argv[argc++] = cores;
    argv[argc++] = prefix;
    argv[argc++] = (char *)(uintptr_t) "--no-telemetry";
    uses_huge = free_huge_bytes() >= need_mib << 20;
    if (uses_huge) {
        argv[argc++] = (char *)(uintptr_t) "--in-memory";
        argv[argc++] = (char *)(uintptr_t) "--single-file-segments"; /* virtio-user and memif hand memory over by it */
    } else {
        argv[argc++] = (char *)(uintptr_t) "--no-huge";
        argv[argc++] = (char *)(uintptr_t) "--no-shconf";
        argv[argc++] = (char *)(uintptr_t) "-m";
        argv[argc++] = memory;
    }
    for (uint32_t i = 0; i < device_cnt; i++)
        if (sl_port_is_pci(devices[i])) {
            pci = true;
            snprintf(names[i], sizeof(names[i]), "%s", devices[i]);
            argv[argc++] = (char *)(uintptr_t) "-a";
            argv[argc++] = names[i];
        }
    if (!pci) { /* else it would probe the card that this host lives on */
        argv[argc++] = (char *)(uintptr_t) "--no-pci";
        argv[argc++] = (char *)(uintptr_t) "--iova-mode=va";
    }
    sched_getaffinity(0, sizeof(before), &before);
    argv[argc] = NULL;
    int rc = rte_eal_init(argc, argv);
    sched_setaffinity(0, sizeof(before), &before);
    if (rc >= 0)
        return 0;
    snprintf(err, err_len, "DPDK does not start: %s%s%s; see slugline doctor", rte_strerror(rte_errno),
             last_words[0] ? ": " : "", last_words);
    return -EIO;
}

/* ---- a port ---- */

static int fail(struct sl_port *port, int rc, const char *what, char *err, size_t err_len)
{
    snprintf(err, err_len, "%s: %s: %s%s%s", port->name, what, rte_strerror(rc < 0 ? -rc : rc),
             last_words[0] ? ": " : "", last_words);
    return rc < 0 ? rc : -EIO;
}

/* A device that a virtual bus does not make is told here, not at EAL's start, which would go on without it. */
static int find_port(struct sl_port *port, const char *device, char *err, size_t err_len)
{
    sl_port_name(port->name, sizeof(port->name), device);
    if (!rte_eth_dev_get_port_by_name(port->name, &port->id))
        return 0;
    last_words[0] = '\0';
    int rc = rte_dev_probe(device);
    if (rc)
        return fail(port, rc, "cannot be opened", err, err_len);
    if (!rte_eth_dev_get_port_by_name(port->name, &port->id))
        return 0;
    snprintf(err, err_len, "%s: no port of DPDK's%s%s", port->name, last_words[0] ? ": " : "", last_words);
    return -ENODEV;
}

static bool is_driver(const struct sl_port *port, const char *name) { return !strcmp(port->facts.driver, name); }

static struct rte_eth_conf conf_of(struct sl_port *port, const struct rte_eth_dev_info *info,
                                   const struct sl_port_config *config)
{
    struct rte_eth_conf conf = { .rxmode.mq_mode = RTE_ETH_MQ_RX_NONE };
    uint64_t sums = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM, can = info->rx_offload_capa;
    conf.rxmode.mtu = config->mtu;
    conf.rxmode.offloads = can & sums;
    port->facts.sums = (can & sums) == sums;
    if (can & RTE_ETH_RX_OFFLOAD_TIMESTAMP)
        conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
    if (can & RTE_ETH_RX_OFFLOAD_SCATTER)
        conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
    return conf;
}

static int make_pool(struct sl_port *port, const struct sl_port_config *config, const struct rte_eth_dev_info *info,
                     uint32_t descriptors)
{
    char name[RTE_MEMPOOL_NAMESIZE];
    uint32_t room = config->mtu + RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 8;
    room = room < ROOM_MIN ? ROOM_MIN : room;
    if (info->min_rx_bufsize != UINT32_MAX && room < info->min_rx_bufsize)
        room = info->min_rx_bufsize;
    port->room = room;
    /* What descriptors hold, a burst of each queue, the caches of this thread and EAL's, and what is being sent. */
    uint32_t cnt = descriptors * port->facts.queue_cnt + SL_PORT_BURST * port->facts.queue_cnt + 3 * CACHE +
                   TX_DESCRIPTORS + SL_PORT_BURST;
    snprintf(name, sizeof(name), "sl_port_%u", port->id);
    port->pool = rte_pktmbuf_pool_create(name, cnt, CACHE, 0, (uint16_t)(room + RTE_PKTMBUF_HEADROOM),
                                         rte_eth_dev_socket_id(port->id));
    port->facts.buffer_cnt = cnt;
    return port->pool ? 0 : -rte_errno;
}

static int set_up_queues(struct sl_port *port, const struct rte_eth_dev_info *info, uint32_t descriptors)
{
    int rc = 0, socket = rte_eth_dev_socket_id(port->id);
    uint16_t rx_cnt = (uint16_t)descriptors, tx_cnt = TX_DESCRIPTORS;
    rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx_cnt, &tx_cnt);
    (void)info;
    for (uint16_t queue = 0; !rc && queue < port->facts.queue_cnt; queue++)
        rc = rte_eth_rx_queue_setup(port->id, queue, rx_cnt, (unsigned)socket, NULL, port->pool);
    return rc ? rc : rte_eth_tx_queue_setup(port->id, 0, tx_cnt, (unsigned)socket, NULL);
}

static struct sl_port_counts counts_now(struct sl_port *port)
{
    struct rte_eth_stats stats = { 0 };
    rte_eth_stats_get(port->id, &stats);
    return (struct sl_port_counts){ .missed = stats.imissed, .no_buffer = stats.rx_nombuf, .errors = stats.ierrors };
}

static void close_port(struct sl_port *port)
{
    struct rte_eth_link link = { 0 };
    if (port->flow_cnt)
        rte_flow_flush(port->id, NULL);
    rte_eth_link_get_nowait(port->id, &link);
    /* Its close would wait for ever for a backend that has left; the end of the process gives back the rest. */
    if (!is_driver(port, "net_virtio_user") || link.link_status) {
        struct rte_eth_dev_info info = { 0 };
        rte_eth_dev_info_get(port->id, &info);
        rte_eth_dev_stop(port->id);
        rte_eth_dev_close(port->id);
        if (info.device && !sl_port_is_pci(port->name)) /* so that the same device can be made again */
            rte_dev_remove(info.device);
        if (port->pool)
            rte_mempool_free(port->pool);
    }
    free(port->chained);
    free(port);
}

static int bring_up(struct sl_port *port, const struct sl_port_config *config, char *err, size_t err_len)
{
    struct rte_eth_dev_info info;
    struct rte_ether_addr mac = { 0 };
    int rc = rte_eth_dev_info_get(port->id, &info);
    if (rc)
        return fail(port, rc, "says nothing of itself", err, err_len);
    snprintf(port->facts.driver, sizeof(port->facts.driver), "%s", info.driver_name);
    port->facts.queue_cnt = config->queue_cnt < info.max_rx_queues ? config->queue_cnt : info.max_rx_queues;
    port->facts.of_kernel = is_driver(port, "net_af_packet") || is_driver(port, "net_af_xdp") ||
                            is_driver(port, "net_tap") || is_driver(port, "net_pcap");
    port->capture = is_driver(port, "net_pcap");
    port->facts.huge = uses_huge;
    struct rte_eth_conf conf = conf_of(port, &info, config);
    rc = rte_eth_dev_configure(port->id, (uint16_t)port->facts.queue_cnt, 1, &conf);
    if (rc) { /* some virtual ports know no MTU */
        conf.rxmode.mtu = 0;
        rc = rte_eth_dev_configure(port->id, (uint16_t)port->facts.queue_cnt, 1, &conf);
    }
    if (rc)
        return fail(port, rc, "cannot be configured", err, err_len);
    rc = make_pool(port, config, &info, config->descriptors);
    if (rc)
        return fail(port, rc, "no memory for its buffers", err, err_len);
    rc = set_up_queues(port, &info, config->descriptors);
    if (!rc)
        rc = rte_mbuf_dyn_rx_timestamp_register(&port->stamp_off, &port->stamp_flag) ? -rte_errno : 0;
    if (!rc)
        rc = rte_eth_dev_start(port->id);
    if (rc)
        return fail(port, rc, "cannot be started", err, err_len);
    port->promiscuous = config->promiscuous && !rte_eth_promiscuous_enable(port->id);
    port->idle_buffers = rte_mempool_in_use_count(port->pool);
    rte_eth_macaddr_get(port->id, &mac);
    memcpy(port->facts.mac, mac.addr_bytes, sizeof(port->facts.mac));
    uint64_t clock;
    port->facts.stamps = port->capture || ((conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP) &&
                                           !rte_eth_read_clock(port->id, &clock));
    port->at_open = counts_now(port);
    return 0;
}

static int open_port(struct sl_port **out, const struct sl_port_config *config, char *err, size_t err_len)
{
    struct sl_port *port = calloc(1, sizeof(*port));
    if (!port)
        return -ENOMEM;
    int rc = find_port(port, config->device, err, err_len);
    if (rc) {
        free(port);
        return rc;
    }
    port->chained = malloc((size_t)SL_PORT_BURST * SL_PORT_FRAME_MAX);
    rc = port->chained ? bring_up(port, config, err, err_len) : -ENOMEM;
    if (rc) {
        close_port(port);
        return rc;
    }
    *out = port;
    return 0;
}

static struct sl_port_facts facts_of(const struct sl_port *port) { return port->facts; }

static bool link_up(struct sl_port *port)
{
    struct rte_eth_link link = { 0 };
    return !rte_eth_link_get_nowait(port->id, &link) && link.link_status;
}

static enum sl_port_hearing hear(struct sl_port *port, const uint8_t (*macs)[6], uint32_t cnt)
{
    if (port->promiscuous)
        return SL_PORT_HEARS_ALL;
    struct rte_ether_addr list[SL_PORT_DEVICES * 4];
    uint32_t fit = sizeof(list) / sizeof(list[0]);
    for (uint32_t i = 0; i < cnt && i < fit; i++)
        memcpy(list[i].addr_bytes, macs[i], 6);
    if (cnt <= fit && !rte_eth_dev_set_mc_addr_list(port->id, list, cnt))
        return SL_PORT_HEARS_LIST;
    return !rte_eth_allmulticast_enable(port->id) ? SL_PORT_HEARS_GROUPS : SL_PORT_HEARS_AS_IT_IS;
}

/* By address, not by port: a datagram's later fragments have none. */
static bool steer(struct sl_port *port, const struct in6_addr *group, uint32_t queue)
{
    bool v4 = IN6_IS_ADDR_V4MAPPED(group);
    struct rte_flow_item_ipv4 spec4 = { 0 }, mask4 = { .hdr.dst_addr = UINT32_MAX };
    struct rte_flow_item_ipv6 spec6 = { 0 }, mask6 = { 0 };
    memcpy(&spec4.hdr.dst_addr, group->s6_addr + 12, 4);
    memcpy(spec6.hdr.dst_addr, group->s6_addr, 16);
    memset(mask6.hdr.dst_addr, 0xff, 16);
    struct rte_flow_item pattern[] = {
        {.type = RTE_FLOW_ITEM_TYPE_ETH                                 },
        { .type = v4 ? RTE_FLOW_ITEM_TYPE_IPV4 : RTE_FLOW_ITEM_TYPE_IPV6,
         .spec = v4 ? (void *)&spec4 : (void *)&spec6,
         .mask = v4 ? (void *)&mask4 : (void *)&mask6 },
        { .type = RTE_FLOW_ITEM_TYPE_END                   },
    };
    struct rte_flow_action_queue to = { .index = (uint16_t)queue };
    struct rte_flow_action actions[] = {
        {.type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &to },
        { .type = RTE_FLOW_ACTION_TYPE_END                                }
    };
    struct rte_flow_attr attr = { .ingress = 1 };
    struct rte_flow_error error;
    if (port->flow_cnt == FLOWS || rte_flow_validate(port->id, &attr, pattern, actions, &error))
        return false;
    struct rte_flow *flow = rte_flow_create(port->id, &attr, pattern, actions, &error);
    if (!flow)
        return false;
    port->flows[port->flow_cnt++] = flow;
    port->facts.steers = true;
    return true;
}

/* ---- packets ---- */

/* With a core's number of EAL's, this thread has a cache of buffers; without one it does with the pool itself. */
static void begin(struct sl_port *port)
{
    (void)port;
    if (rte_lcore_id() == LCORE_ID_ANY)
        rte_thread_register();
}

static void read_card_clock(struct sl_port *port)
{
    struct card_clock *clock = &port->clock;
    uint64_t now;
    if (!port->facts.stamps || port->capture || rte_eth_read_clock(port->id, &now))
        return;
    int64_t now_ns = sl_clock_real(NULL);
    if (clock->first_ns && now_ns - clock->first_ns > CALIBRATE_NS && now > clock->first)
        clock->ns_each = (double)(now_ns - clock->first_ns) / (double)(now - clock->first);
    if (!clock->first_ns) {
        clock->first = now;
        clock->first_ns = now_ns;
    }
    clock->last = now;
    clock->last_ns = now_ns;
}

static void stamp(const struct sl_port *port, const struct rte_mbuf *mbuf, struct sl_port_frame *frame)
{
    if (!(mbuf->ol_flags & port->stamp_flag))
        return;
    uint64_t said = *RTE_MBUF_DYNFIELD(mbuf, port->stamp_off, const rte_mbuf_timestamp_t *);
    if (port->capture) {
        frame->wire_source = SL_WIRE_CAPTURE;
        frame->wire_ns = (int64_t)(said * 1000);
    } else if (port->clock.ns_each > 0) {
        frame->wire_source = SL_WIRE_NIC;
        frame->wire_ns =
            port->clock.last_ns + (int64_t)((double)(int64_t)(said - port->clock.last) * port->clock.ns_each);
    }
}

static uint8_t flags_of(uint64_t ol_flags)
{
    uint64_t head = ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK, udp = ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
    return (head == RTE_MBUF_F_RX_IP_CKSUM_GOOD || head == RTE_MBUF_F_RX_IP_CKSUM_NONE ? SL_PORT_HEAD_FINE : 0) |
           (head == RTE_MBUF_F_RX_IP_CKSUM_BAD ? SL_PORT_HEAD_WRONG : 0) |
           (udp == RTE_MBUF_F_RX_L4_CKSUM_GOOD || udp == RTE_MBUF_F_RX_L4_CKSUM_NONE ? SL_PORT_UDP_FINE : 0) |
           (udp == RTE_MBUF_F_RX_L4_CKSUM_BAD ? SL_PORT_UDP_WRONG : 0);
}

static uint32_t take_burst(struct sl_port *port, uint32_t queue, struct sl_port_frame frames[SL_PORT_BURST])
{
    uint32_t cnt = rte_eth_rx_burst(port->id, (uint16_t)queue, port->burst, SL_PORT_BURST);
    port->burst_cnt = cnt;
    for (uint32_t i = 0; i < cnt; i++) {
        struct rte_mbuf *mbuf = port->burst[i];
        if (i + 1 < cnt)
            rte_prefetch0(rte_pktmbuf_mtod(port->burst[i + 1], void *));
        frames[i] = (struct sl_port_frame){
            .data = rte_pktmbuf_mtod(mbuf, const uint8_t *),
            .len = mbuf->pkt_len,
            .flags = flags_of(mbuf->ol_flags),
        };
        stamp(port, mbuf, &frames[i]);
        if (mbuf->nb_segs == 1)
            continue;
        if (frames[i].len > SL_PORT_FRAME_MAX) {
            frames[i].len = SL_PORT_FRAME_MAX;
            frames[i].flags |= SL_PORT_TOO_LONG;
        }
        frames[i].data = rte_pktmbuf_read(mbuf, 0, frames[i].len, port->chained + (size_t)i * SL_PORT_FRAME_MAX);
    }
    return cnt;
}

static void release(struct sl_port *port)
{
    rte_pktmbuf_free_bulk(port->burst, port->burst_cnt);
    port->burst_cnt = 0;
}

static uint32_t send_frames(struct sl_port *port, const struct sl_port_out *out, uint32_t cnt)
{
    struct rte_mbuf *mbufs[SL_PORT_BURST];
    uint32_t made = 0;
    cnt = cnt < SL_PORT_BURST ? cnt : SL_PORT_BURST;
    for (; made < cnt && out[made].len <= port->room; made++) {
        mbufs[made] = rte_pktmbuf_alloc(port->pool);
        if (!mbufs[made])
            break;
        memcpy(rte_pktmbuf_append(mbufs[made], (uint16_t)out[made].len), out[made].data, out[made].len);
    }
    uint32_t sent = made ? rte_eth_tx_burst(port->id, 0, mbufs, (uint16_t)made) : 0;
    rte_pktmbuf_free_bulk(mbufs + sent, made - sent);
    return sent;
}

static bool sent_all(struct sl_port *port)
{
    rte_eth_tx_done_cleanup(port->id, 0, 0);
    return rte_mempool_in_use_count(port->pool) <= port->idle_buffers;
}

static struct sl_port_counts counts_of(struct sl_port *port)
{
    struct sl_port_counts now = counts_now(port);
    read_card_clock(port);
    now.missed -= port->at_open.missed;
    now.no_buffer -= port->at_open.no_buffer;
    now.errors -= port->at_open.errors;
    return now;
}

static uint32_t buffers_out(const struct sl_port *port) { return rte_mempool_in_use_count(port->pool); }

const struct sl_port_way sl_port_dpdk = {
    .abi = SL_PORT_ABI,
    .start = start,
    .open = open_port,
    .close = close_port,
    .facts = facts_of,
    .link_up = link_up,
    .hear = hear,
    .steer = steer,
    .begin = begin,
    .burst = take_burst,
    .release = release,
    .send = send_frames,
    .sent_all = sent_all,
    .counts = counts_of,
    .buffers_out = buffers_out,
};
