#include "pipeline/checksum.h"
#include "pipeline/datagram.h"
#include "pipeline/igmp.h"
#include "pipeline/port.h"
#include "pipeline/config.h"
#include "pipeline/source.h"
#include "tests/pipeline/frames.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#define QUEUE_MAX 4096u
#define STORY_MAX 60000u

/* A port of our own: frames are put on its cable by the test, and what it is told is noted. */
struct sl_port {
    struct {
        uint8_t *bytes;
        uint32_t len;
        uint8_t flags, wire_source;
        int64_t wire_ns;
    } queue[QUEUE_MAX];
    uint32_t head, tail, lent;
    uint8_t macs[64][6];
    uint32_t mac_cnt, sent_cnt, opened, closed;
    struct sl_port_config config;
    struct sl_port_counts counts;
    bool filters, steers;
    struct in6_addr steered[8];
    uint32_t steered_cnt, queue_cnt;
};

static struct sl_port port;
static uint8_t copy[SL_PORT_BURST][SL_PORT_FRAME_MAX];

static int port_open(struct sl_port **out, const struct sl_port_config *config, char *err, size_t err_len)
{
    if (!strcmp(config->device, "absent")) {
        snprintf(err, err_len, "absent: no such device");
        return -ENODEV;
    }
    port.config = *config;
    port.queue_cnt = config->queue_cnt;
    port.opened++;
    *out = &port;
    return 0;
}

static void port_close(struct sl_port *self) { self->closed++; }

static struct sl_port_facts port_facts(const struct sl_port *self)
{
    return (struct sl_port_facts){
        .driver = "fake", .mac = {2, 0, 0, 0, 0, 7},
             .queue_cnt = self->queue_cnt
    };
}

static bool port_link_up(struct sl_port *self) { return self; }

static enum sl_port_hearing port_hear(struct sl_port *self, const uint8_t (*macs)[6], uint32_t cnt)
{
    memcpy(self->macs, macs, cnt * 6);
    self->mac_cnt = cnt;
    return SL_PORT_HEARS_LIST;
}

static bool port_steer(struct sl_port *self, const struct in6_addr *group, uint32_t queue)
{
    if (!self->steers || !queue)
        return false;
    self->steered[self->steered_cnt++] = *group;
    return true;
}

static void port_begin(struct sl_port *self) { (void)self; }

/* What was lent is another's at the next burst: it is filled with rubbish, so that nobody holds on to it. */
static uint32_t port_burst(struct sl_port *self, uint32_t queue, struct sl_port_frame frames[SL_PORT_BURST])
{
    uint32_t cnt = 0;
    cr_assert_eq(self->lent, 0);
    for (; !queue && cnt < SL_PORT_BURST && self->tail < self->head; cnt++, self->tail++) {
        uint32_t len = self->queue[self->tail].len;
        /* At the end of its place, so that a read beyond it is the next one's. */
        uint8_t *at = copy[cnt] + SL_PORT_FRAME_MAX - len;
        memcpy(at, self->queue[self->tail].bytes, len);
        free(self->queue[self->tail].bytes);
        frames[cnt] = (struct sl_port_frame){ .data = at,
                                              .len = len,
                                              .flags = self->queue[self->tail].flags,
                                              .wire_source = self->queue[self->tail].wire_source,
                                              .wire_ns = self->queue[self->tail].wire_ns };
    }
    self->lent = cnt;
    return cnt;
}

static void port_release(struct sl_port *self)
{
    memset(copy, 0xee, sizeof(copy));
    self->lent = 0;
}

static uint32_t port_send(struct sl_port *self, const struct sl_port_out *out, uint32_t cnt)
{
    cr_assert(cnt && out->len >= 42);
    self->sent_cnt += cnt;
    return cnt;
}

static struct sl_port_counts port_counts(struct sl_port *self) { return self->counts; }

static const struct sl_port_way fake = {
    .abi = SL_PORT_ABI,
    .open = port_open,
    .close = port_close,
    .facts = port_facts,
    .link_up = port_link_up,
    .hear = port_hear,
    .steer = port_steer,
    .begin = port_begin,
    .burst = port_burst,
    .release = port_release,
    .send = port_send,
    .counts = port_counts,
};

/* ---- the sink, and the lines ---- */

#define LINES 4u
static struct got {
    uint32_t cnt, len;
    uint8_t data[STORY_MAX];
    struct sl_packet packet;
} got[LINES];
static _Alignas(128) unsigned char books_mem[256 * 1024];
static struct sl_books books;
static struct sl_line_config lines[LINES];
static void *sources[LINES];
static uint32_t line_cnt;
static int64_t now_ns, real_ns = 1700000000000000000;
static struct sl_clock the_clock = { &real_ns };

static uint32_t take(void *ctx, const struct sl_packet *packet)
{
    struct got *of = &got[packet->line];
    (void)ctx;
    cr_assert(packet->datagram && !packet->waits);
    of->cnt++;
    of->len = packet->len;
    of->packet = *packet;
    memcpy(of->data, packet->data, packet->len < STORY_MAX ? packet->len : STORY_MAX);
    return packet->data[0] == 'R' ? 0 : packet->data[0] == 'B' ? SL_TAKE_BROKEN : packet->len;
}

static void ignore_line(void *ctx, uint16_t line, uint16_t conn, enum sl_line_event event)
{
    (void)ctx, (void)line, (void)conn, (void)event;
}

static int open_line(const char *url)
{
    char err[256];
    struct sl_line_config *line = &lines[line_cnt];
    cr_assert_eq(sl_config_line(line, url, err, sizeof(err)), 0, "%s", err);
    struct sl_source_config config = {
        .line = line,
        .line_idx = (uint16_t)line_cnt,
        .sink = {.ctx = &got, .take = take, .line = ignore_line},
        .clock = &the_clock,
        .books = sl_books_rx(&books, line_cnt),
    };
    int rc = sl_source_dpdk.open(&sources[line_cnt], &config, err, sizeof(err));
    line_cnt += !rc;
    return rc;
}

static void start(void)
{
    cr_assert_leq(sl_books_footprint(LINES, 1), sizeof(books_mem));
    cr_assert_eq(sl_books_new(&books, books_mem, LINES, 1), 0);
    sl_port_replace(&fake);
}

static void stop(void)
{
    for (uint32_t i = 0; i < line_cnt; i++)
        sl_source_dpdk.fini(sources[i]);
    cr_expect_eq(port.closed, port.opened);
    for (; port.tail < port.head; port.tail++)
        free(port.queue[port.tail].bytes);
}

static void poll_all(void)
{
    int64_t due_ns;
    int did;
    do {
        did = 0;
        now_ns += 1000000;
        for (uint32_t i = 0; i < line_cnt; i++)
            did += sl_source_dpdk.poll(sources[i], now_ns, false, &due_ns);
    } while (did);
}

static uint64_t booked(uint32_t line, unsigned col) { return sl_cell_get(&sl_books_rx(&books, line)[col]); }

static void put_on_cable(const uint8_t *bytes, uint32_t len, uint8_t flags)
{
    cr_assert_lt(port.head, QUEUE_MAX);
    port.queue[port.head].bytes = malloc(len ? len : 1);
    memcpy(port.queue[port.head].bytes, bytes, len);
    port.queue[port.head].flags = flags;
    port.queue[port.head++].len = len;
}

static struct sl_datagram_path path_to(const char *group, uint16_t dst_port)
{
    struct sl_datagram_path path = { .src_port = 4000, .dst_port = dst_port, .mtu = 1500 };
    struct in6_addr v4 = { .s6_addr[10] = 0xff, .s6_addr[11] = 0xff };
    bool v6 = strchr(group, ':') != NULL;
    path.src = path.dst = v4;
    cr_assert_eq(inet_pton(v6 ? AF_INET6 : AF_INET, group, path.dst.s6_addr + (v6 ? 0 : 12)), 1);
    inet_pton(v6 ? AF_INET6 : AF_INET, v6 ? "2001:db8::9" : "192.0.2.9", path.src.s6_addr + (v6 ? 0 : 12));
    sl_group_mac(path.dst_mac, &path.dst);
    return path;
}

static uint32_t sent_id;

static void send_to(const struct sl_datagram_path *path, const uint8_t *data, uint32_t len)
{
    static uint8_t frame[SL_PORT_FRAME_MAX];
    sent_id++;
    for (uint32_t i = 0; i < sl_datagram_frames(path, len); i++)
        put_on_cable(frame, sl_datagram_write(path, data, len, sent_id, i, frame), 0);
}

static void send_text(const char *group, uint16_t dst_port, const char *text)
{
    struct sl_datagram_path path = path_to(group, dst_port);
    send_to(&path, (const uint8_t *)text, (uint32_t)strlen(text));
}

static const uint8_t *story(void)
{
    static uint8_t bytes[STORY_MAX];
    for (uint32_t i = 0; i < STORY_MAX; i++)
        bytes[i] = (uint8_t)('a' + i * 7 % 23);
    return bytes;
}

/* ---- what must be true ---- */

Test(rx_dpdk, each_line_gets_its_own_datagrams_and_nobody_those_of_strangers, .init = start, .fini = stop)
{
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.2:5001"), 0);
    cr_assert_eq(open_line("dpdk://fake0/[ff05::77]:5001"), 0);
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.3:5001?source=192.0.2.9"), 0);
    cr_expect_eq(port.opened, 1);
    cr_expect_eq(port.mac_cnt, 2 + 4);
    send_text("239.1.1.1", 5001, "one");
    send_text("239.1.1.2", 5001, "two");
    send_text("ff05::77", 5001, "three");
    send_text("239.1.1.3", 5001, "four");
    struct sl_datagram_path path = path_to("239.1.1.3", 5001);
    path.src.s6_addr[15] = 8; /* another sender than the line's */
    send_to(&path, (const uint8_t *)"x", 1);
    send_text("239.1.1.1", 5002, "another port");
    send_text("239.1.1.9", 5001, "another group");
    poll_all();
    for (uint32_t i = 0; i < LINES; i++) {
        cr_expect_eq(got[i].cnt, 1, "line %u: %u", i, got[i].cnt);
        cr_expect_eq(booked(i, SL_RX_DATAGRAMS_USED), 1);
        cr_expect_eq(got[i].packet.wire_source, SL_WIRE_POLL);
        cr_expect_eq(got[i].packet.rx_ns, real_ns);
    }
    cr_expect_arr_eq(got[2].data, "three", 5);
    cr_expect_eq(booked(0, SL_RX_PACKETS_OTHER), 3);
}

static void expect_story_of(const char *url, const char *group, uint16_t vlan, uint32_t len)
{
    cr_assert_eq(open_line(url), 0);
    struct sl_datagram_path path = path_to(group, 5001);
    path.vlan = vlan;
    send_to(&path, story(), len);
    send_to(&path, story(), 1);
    poll_all();
    cr_assert_eq(got[0].cnt, 2);
    cr_expect_eq(booked(0, SL_RX_BYTES), len + 1);
    cr_expect_eq(booked(0, SL_RX_PACKETS), booked(0, SL_RX_PACKETS_USED));
    cr_expect_eq(booked(0, SL_RX_PACKETS), sl_datagram_frames(&path, len) + 1);
}

Test(rx_dpdk, a_story_longer_than_a_frame_is_put_together_by_ip4, .init = start, .fini = stop)
{
    expect_story_of("dpdk://fake0/239.1.1.1:5001", "239.1.1.1", 0, 8192);
}

Test(rx_dpdk, a_story_longer_than_a_frame_is_put_together_by_ip6, .init = start, .fini = stop)
{
    expect_story_of("dpdk://fake0/[ff05::77]:5001", "ff05::77", 7, 59000);
}

Test(rx_dpdk, fragments_may_come_in_any_order_and_mixed_with_those_of_other_groups, .init = start, .fini = stop)
{
    static uint8_t frame[SL_PORT_FRAME_MAX];
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    struct sl_datagram_path ours = path_to("239.1.1.1", 5001), other = path_to("239.1.1.9", 5001);
    for (uint32_t i = sl_datagram_frames(&ours, 6000); i--;) {
        put_on_cable(frame, sl_datagram_write(&ours, story(), 6000, 77, i, frame), 0);
        put_on_cable(frame, sl_datagram_write(&other, story(), 6000, 77, i, frame), 0);
    }
    poll_all();
    cr_assert_eq(got[0].cnt, 1);
    cr_assert_eq(got[0].len, 6000);
    cr_expect_arr_eq(got[0].data, story(), 6000);
    cr_expect_eq(booked(0, SL_RX_PACKETS_OTHER), sl_datagram_frames(&other, 6000));
}

/* A bit wrong anywhere behind the link's header is noticed by a checksum, or takes the packet to somebody else. */
Test(rx_dpdk, no_damaged_datagram_is_handed_on, .init = start, .fini = stop)
{
    static uint8_t frame[256];
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    struct sl_datagram_path path = path_to("239.1.1.1", 5001);
    uint32_t len = sl_datagram_write(&path, (const uint8_t *)"a bulletin", 10, 1, 0, frame), damaged = 0;
    for (uint32_t bit = 14 * 8; bit < len * 8; bit++, damaged++) {
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        put_on_cable(frame, len, 0);
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    poll_all();
    cr_expect_eq(got[0].cnt, 0);
    cr_expect_eq(booked(0, SL_RX_PACKETS), damaged);
    cr_expect_eq(booked(0, SL_RX_PACKETS_BAD) + booked(0, SL_RX_PACKETS_OTHER), damaged);
    cr_expect_gt(booked(0, SL_RX_BAD_LAYER + SL_BOOK_LAYER_SUM), damaged / 2);
}

Test(rx_dpdk, what_the_card_has_summed_up_is_believed, .init = start, .fini = stop)
{
    static uint8_t frame[256];
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    struct sl_datagram_path path = path_to("239.1.1.1", 5001);
    uint32_t len = sl_datagram_write(&path, (const uint8_t *)"a bulletin", 10, 1, 0, frame);
    frame[14 + 20 + 6] ^= 1;
    put_on_cable(frame, len, SL_PORT_HEAD_FINE | SL_PORT_UDP_FINE);
    frame[14 + 20 + 6] ^= 1;
    put_on_cable(frame, len, SL_PORT_HEAD_FINE | SL_PORT_UDP_WRONG);
    put_on_cable(frame, len, SL_PORT_HEAD_WRONG);
    poll_all();
    cr_expect_eq(got[0].cnt, 1);
    cr_expect_eq(booked(0, SL_RX_BAD_LAYER + SL_BOOK_LAYER_SUM), 2);
}

/* clang-format off */
static const struct broken_case {
    const char *name;
    uint32_t len, at;
    uint8_t value;
    enum sl_book_layer layer;
} broken_cases[] = {
    { "nothing",                      0,  0, 0,    SL_BOOK_LAYER_LINK },
    { "half an Ethernet header",      8,  0, 1,    SL_BOOK_LAYER_LINK },
    { "an Ethernet header alone",    14,  0, 1,    SL_BOOK_LAYER_LINK },
    { "half an IP header",           24,  0, 1,    SL_BOOK_LAYER_IP   },
    { "a version that is none",      52, 14, 0x55, SL_BOOK_LAYER_IP   },
    { "a header of four bytes",      52, 14, 0x41, SL_BOOK_LAYER_IP   },
    { "more than there is",          52, 17, 0xff, SL_BOOK_LAYER_IP   },
    { "a checksum that is another's", 52, 24, 0x77, SL_BOOK_LAYER_SUM },
    { "UDP longer than its packet",  52, 39, 0xff, SL_BOOK_LAYER_UDP  },
    { "UDP shorter than its header", 52, 39, 0x07, SL_BOOK_LAYER_UDP  },
};
/* clang-format on */

Test(rx_dpdk, every_layer_counts_what_is_wrong_with_it, .init = start, .fini = stop)
{
    static uint8_t frame[256];
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    struct sl_datagram_path path = path_to("239.1.1.1", 5001);
    uint64_t want[SL_BOOK_LAYER_CNT] = { 0 };
    for (size_t i = 0; i < sizeof(broken_cases) / sizeof(broken_cases[0]); i++) {
        const struct broken_case *row = &broken_cases[i];
        sl_datagram_write(&path, (const uint8_t *)"a bulletin", 10, 1, 0, frame);
        frame[row->at] = row->value;
        put_on_cable(frame, row->len, 0);
        poll_all();
        want[row->layer]++;
        for (unsigned layer = 0; layer < SL_BOOK_LAYER_CNT; layer++)
            cr_expect_eq(booked(0, SL_RX_BAD_LAYER + layer), want[layer], "%s: layer %u", row->name, layer);
    }
    cr_expect_eq(got[0].cnt, 0);
}

Test(rx_dpdk, fragments_that_contradict_each_other_take_their_datagram_with_them, .init = start, .fini = stop)
{
    static uint8_t frame[SL_PORT_FRAME_MAX];
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    struct sl_datagram_path path = path_to("239.1.1.1", 5001);
    uint32_t len = sl_datagram_write(&path, story(), 4000, 9, 0, frame);
    put_on_cable(frame, len, 0);
    frame[100]++;
    put_on_cable(frame, len, 0);
    poll_all();
    cr_expect_eq(booked(0, SL_RX_FRAGMENTS_LOST), 1);
    cr_expect_eq(booked(0, SL_RX_BAD_LAYER + SL_BOOK_LAYER_FRAGMENT), 1);
}

Test(rx_dpdk, the_sinks_word_is_what_a_datagram_is_counted_as, .init = start, .fini = stop)
{
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    send_text("239.1.1.1", 5001, "Repeated");
    send_text("239.1.1.1", 5001, "Broken");
    send_text("239.1.1.1", 5001, "used");
    send_text("239.1.1.1", 5001, "");
    poll_all();
    cr_expect_eq(booked(0, SL_RX_DATAGRAMS), 4);
    cr_expect_eq(booked(0, SL_RX_DATAGRAMS_USED), 1);
    cr_expect_eq(booked(0, SL_RX_DATAGRAMS_REPEATED), 1);
    cr_expect_eq(booked(0, SL_RX_DATAGRAMS_MALFORMED), 2);
}

Test(rx_dpdk, a_cards_stamp_goes_with_its_datagram, .init = start, .fini = stop)
{
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    send_text("239.1.1.1", 5001, "stamped");
    port.queue[0].wire_source = SL_WIRE_NIC;
    port.queue[0].wire_ns = real_ns - 5000;
    poll_all();
    cr_expect_eq(got[0].packet.wire_source, SL_WIRE_NIC);
    cr_expect_eq(got[0].packet.wire_ns, real_ns - 5000);
}

Test(rx_dpdk, what_the_port_lost_is_in_the_books, .init = start, .fini = stop)
{
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    poll_all();
    port.counts = (struct sl_port_counts){ .missed = 5, .no_buffer = 7, .errors = 1 };
    now_ns += 1000000000;
    poll_all();
    port.counts.missed = 3; /* a driver that began anew */
    now_ns += 1000000000;
    poll_all();
    cr_expect_eq(booked(0, SL_RX_PORT_MISSED), 5);
    cr_expect_eq(booked(0, SL_RX_PORT_NO_BUFFER), 7);
    cr_expect_eq(booked(0, SL_RX_PORT_ERRORS), 1);
}

Test(rx_dpdk, groups_are_steered_to_queues_of_their_own_where_the_card_can, .init = start, .fini = stop)
{
    port.steers = true;
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001?queues=3&descriptors=512&mtu=9000"), 0);
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.2:5001"), 0);
    cr_expect_eq(port.steered_cnt, 2);
    cr_expect_eq(port.config.descriptors, 512);
    cr_expect_eq(port.config.mtu, 9000);
}

Test(rx_dpdk, a_join_is_said_twice_and_a_leave_once_unless_the_line_says_otherwise, .init = start, .fini = stop)
{
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    poll_all();
    now_ns += 2000000000;
    poll_all();
    cr_expect_eq(port.sent_cnt, 2);
    sl_source_dpdk.drain(sources[0]);
    poll_all();
    cr_expect_eq(port.sent_cnt, 3);
}

Test(rx_dpdk, a_line_may_leave_joining_to_others, .init = start, .fini = stop)
{
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001?join=no"), 0);
    poll_all();
    sl_source_dpdk.drain(sources[0]);
    poll_all();
    cr_expect_eq(port.sent_cnt, 0);
}

Test(rx_dpdk, what_is_under_way_at_the_stop_is_taken_and_nothing_after_it, .init = start, .fini = stop)
{
    cr_assert_eq(open_line("dpdk://fake0/239.1.1.1:5001"), 0);
    for (unsigned i = 0; i < 300; i++)
        send_text("239.1.1.1", 5001, "under way");
    sl_source_dpdk.drain(sources[0]);
    poll_all();
    cr_expect_eq(got[0].cnt, 300);
    send_text("239.1.1.1", 5001, "too late");
    poll_all();
    cr_expect_eq(got[0].cnt, 300);
}

Test(rx_dpdk, a_device_that_is_not_there_is_named, .init = start, .fini = stop)
{
    cr_expect_eq(open_line("dpdk://absent/239.1.1.1:5001"), -ENODEV);
}

/* RFC 1071 4.1, as it is written there. */
static uint16_t sum_plainly(const uint8_t *bytes, uint32_t len)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < len; i++)
        sum += i % 2 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

Test(rx_dpdk, the_checksum_is_the_standards_at_every_length_and_place)
{
    static uint8_t bytes[400];
    for (uint32_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i % 3 ? 0xff : (uint8_t)(i * 37);
    for (uint32_t off = 0; off < 16; off++)
        for (uint32_t len = 0; len < sizeof(bytes) - 16; len++)
            cr_assert_eq(sl_checksum_fold(sl_checksum_add(0, bytes + off, len)), sum_plainly(bytes + off, len),
                         "%u bytes from %u on", len, off);
}
