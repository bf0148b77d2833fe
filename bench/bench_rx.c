/* How many datagrams a second come from the wire into the rings, rx -> order -> frame -> ring, emptied by a decode that
 * only releases?  rx.py runs this beside its peers and tells.
 *
 *   bench_rx flood URL SIZE SECONDS      MoldUDP64, a message of SIZE bytes in each datagram, as fast as URL takes them
 *   bench_rx take auto|uring|epoll URL   counts what comes by our way until it is interrupted
 *   bench_rx plain auto|uring|epoll URL  the same where nothing is numbered, and order stands aside
 *   bench_rx frames SIZE                 4,096 datagrams to 239.1.1.1:5001 as a capture, to standard output
 *   bench_rx recvmmsg|recv URL           the same by a loop of recvmmsg, or by epoll and recv: the kernel's peers */
#include "bench/bench.h"
#include "pipeline/checksum.h"
#include "pipeline/config.h"
#include "pipeline/datagram.h"
#include "pipeline/igmp.h"
#include "pipeline/order.h"
#include "pipeline/port.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define BATCH     64u
#define RING_LEN  (4u << 20)
#define SIZE_MAX_ 8192u
#define HEADS     (14u + 20u + 8u)
#define OPEN_NS   10000000000ll
#define QUIET_NS  300000000ll

static volatile sig_atomic_t stopped;
static void stop(int signal_number) { stopped = signal_number; }

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_rx: %s: %s\n", what, why);
    return 1;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void tell(uint64_t datagrams, uint64_t lost, double seconds, double cpu)
{
    printf("{\"datagrams\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"seconds\":%.6f,\"cpu_s\":%.6f}\n", datagrams, lost,
           seconds, cpu);
}

/* ---- who sends ---- */

struct flood {
    struct sl_line_config line;
    uint8_t *packets; /* BATCH of SL_MOLD_HEADER_LEN + 2 + size bytes, or as frames */
    uint32_t stride, mold_off, len;
    uint64_t seq;
    uint64_t bare_sum; /* of a frame's datagram with all zeros for its number */
};

static void fill(struct flood *flood, uint32_t size)
{
    struct sl_mold header = { .session = "BENCH     ", .cnt = 1 };
    flood->stride = HEADS + SL_MOLD_HEADER_LEN + 2 + size;
    flood->packets = calloc(BATCH, flood->stride);
    for (uint32_t i = 0; i < BATCH; i++) {
        uint8_t *packet = flood->packets + i * flood->stride + HEADS;
        sl_mold_write(packet, &header);
        packet[SL_MOLD_HEADER_LEN] = (uint8_t)(size >> 8);
        packet[SL_MOLD_HEADER_LEN + 1] = (uint8_t)size;
        for (uint32_t b = 0; b < size; b++)
            packet[SL_MOLD_HEADER_LEN + 2 + b] = (uint8_t)('a' + (b + i) % 26);
    }
    flood->len = flood->stride - HEADS;
}

static int64_t until(double seconds) { return bench_now_ns() + (int64_t)(seconds * 1e9); }

static int flood_socket(struct flood *flood, double seconds)
{
    struct mmsghdr msgs[BATCH] = { 0 };
    struct iovec iovs[BATCH];
    int fd = socket(flood->line.addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&flood->line.addr, flood->line.addr_len))
        return fail("socket", strerror(errno));
    for (uint32_t i = 0; i < BATCH; i++) {
        iovs[i] = (struct iovec){ flood->packets + i * flood->stride + HEADS, flood->len };
        msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iovs[i], .msg_iovlen = 1 };
    }
    int64_t start_ns = bench_now_ns(), end_ns = until(seconds);
    while (bench_now_ns() < end_ns) {
        for (uint32_t i = 0; i < BATCH; i++) {
            uint64_t wire = __builtin_bswap64(flood->seq + i + 1);
            memcpy((uint8_t *)iovs[i].iov_base + SL_MOLD_SESSION_LEN, &wire, sizeof(wire));
        }
        int sent = sendmmsg(fd, msgs, BATCH, 0);
        flood->seq += sent > 0 ? (uint64_t)sent : 0;
    }
    tell(flood->seq, 0, (double)(bench_now_ns() - start_ns) / 1e9, cpu_s());
    return 0;
}

/* The number is all that changes from frame to frame, so that the checksum is right without summing up all of it. */
static void number_frame(uint8_t *frame, uint64_t bare_sum, uint64_t seq)
{
    uint64_t wire = __builtin_bswap64(seq);
    uint16_t sum = (uint16_t)~sl_checksum_fold(sl_checksum_add(bare_sum, &wire, sizeof(wire)));
    memcpy(frame + HEADS + SL_MOLD_SESSION_LEN, &wire, sizeof(wire));
    memcpy(frame + HEADS - 2, sum ? &sum : &(uint16_t){ 0xffff }, 2);
}

static int flood_port(struct flood *flood, double seconds)
{
    char err[512] = "no port";
    struct sl_datagram_path path = { .src_port = 4000, .dst_port = sl_addr_port(&flood->line.addr), .mtu = 9600 };
    struct sl_port_config config = { .device = flood->line.path, .queue_cnt = 1, .mtu = 1500, .descriptors = 256 };
    struct sl_port_out out[BATCH];
    uint64_t bare[BATCH];
    struct sl_port *port = NULL;
    path.dst = path.src = sl_addr_mapped(&flood->line.addr);
    path.src.s6_addr[12] = 10;
    sl_group_mac(path.dst_mac, &path.dst);
    sl_port_expect(flood->line.path);
    const struct sl_port_way *way = sl_port_way(err, sizeof(err));
    int64_t patience_ns = bench_now_ns() + OPEN_NS;
    while (way && way->open(&port, &config, err, sizeof(err)) && bench_now_ns() < patience_ns)
        usleep(20000);
    while (port && !way->link_up(port) && bench_now_ns() < patience_ns)
        usleep(20000);
    if (!port)
        return fail(flood->line.url, err);
    way->begin(port);
    for (uint32_t i = 0; i < BATCH; i++) {
        uint8_t *frame = flood->packets + i * flood->stride;
        static uint8_t bytes[SIZE_MAX_ + 64];
        uint16_t sum;
        memcpy(bytes, frame + HEADS, flood->len);
        out[i] = (struct sl_port_out){ frame, sl_datagram_write(&path, bytes, flood->len, i, 0, frame) };
        memcpy(&sum, frame + HEADS - 2, sizeof(sum));
        bare[i] = (uint16_t)~sum;
    }
    int64_t start_ns = bench_now_ns(), end_ns = until(seconds);
    while (bench_now_ns() < end_ns) {
        for (uint32_t i = 0; i < BATCH; i++)
            number_frame(flood->packets + i * flood->stride, bare[i], flood->seq + i + 1);
        for (uint32_t sent = 0; sent < BATCH && bench_now_ns() < end_ns + QUIET_NS;) {
            uint32_t took = way->send(port, out + sent, BATCH - sent);
            sent += took;
            flood->seq += took;
        }
    }
    double took_s = (double)(bench_now_ns() - start_ns) / 1e9;
    for (int64_t quiet_ns = bench_now_ns() + QUIET_NS; !way->sent_all(port) && bench_now_ns() < quiet_ns;)
        usleep(1000);
    tell(flood->seq, 0, took_s, cpu_s());
    return 0;
}

static int write_frames(uint32_t size)
{
    static const uint32_t head[6] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1 };
    static uint8_t frame[SIZE_MAX_ + 64];
    static struct flood flood;
    char err[256];
    if (size < 64 || size > SIZE_MAX_ || sl_config_line(&flood.line, "udp://239.1.1.1:5001", err, sizeof(err)))
        return fail("frames", "a size of 64 to 8192 is expected");
    struct sl_datagram_path path = { .src_port = 4000, .dst_port = 5001, .mtu = 9600 };
    path.dst = path.src = sl_addr_mapped(&flood.line.addr);
    path.src.s6_addr[12] = 10;
    sl_group_mac(path.dst_mac, &path.dst);
    fill(&flood, size);
    fwrite(head, sizeof(head), 1, stdout);
    for (uint32_t i = 0; i < 4096; i++) {
        const uint8_t *data = flood.packets + i % BATCH * flood.stride + HEADS;
        uint32_t len = sl_datagram_write(&path, data, flood.len, i, 0, frame), record[4] = { i, 0, len, len };
        fwrite(record, sizeof(record), 1, stdout);
        fwrite(frame, len, 1, stdout);
    }
    return fflush(stdout) ? fail("frames", strerror(errno)) : 0;
}

static int flood_url(const char *url, uint32_t size, double seconds)
{
    static struct flood flood;
    char err[256];
    if (size < 64 || size > SIZE_MAX_ || sl_config_line(&flood.line, url, err, sizeof(err)))
        return fail(url, err);
    fill(&flood, size);
    return flood.line.kind == SL_LINE_DPDK ? flood_port(&flood, seconds) : flood_socket(&flood, seconds);
}

/* ---- us ---- */

struct taker {
    struct sl_feed feed;
    struct sl_line_config line;
    struct sl_books books;
    struct sl_decoder_rings rings;
    struct sl_spsc_rx messages[SL_LANE_CNT];
    struct sl_order *order;
    struct sl_frame *frame;
    struct sl_rx *rx;
};

static void *new_ring(void)
{
    size_t len = (sl_spsc_footprint(RING_LEN) + SL_SPSC_ALIGN - 1) & ~(size_t)(SL_SPSC_ALIGN - 1);
    void *mem = aligned_alloc(SL_SPSC_ALIGN, len);
    if (mem)
        memset(mem, 1, len); /* the kernel gives pages when they are first written: not while we measure */
    return mem && !sl_spsc_new(mem, RING_LEN) ? mem : NULL;
}

static void ask_nobody(void *ctx, uint16_t feed, const uint8_t *data, uint32_t len)
{
    (void)ctx, (void)feed, (void)data, (void)len;
}

static int build(struct taker *taker, bool numbered, enum sl_rx_backend backend, char *err, size_t err_len)
{
    static struct sl_bell *bells[1];
    size_t books_len = sl_books_footprint(1, 1);
    void *mem = aligned_alloc(128, (books_len + 127) & ~127ull);
    taker->feed = (struct sl_feed){ .name = "bench",
                                    .format = sl_format_named("text", 4),
                                    .framing = numbered ? SL_FRAMING_MOLDUDP64 : SL_FRAMING_DATAGRAM,
                                    .message_max = 65536,
                                    .message_ns = OPEN_NS,
                                    .reorder_ns = 1000000,
                                    .park_len = 8u << 20 };
    int rc = mem ? sl_books_new(&taker->books, mem, 1, 1) : -ENOMEM;
    for (unsigned lane = 0; !rc && lane < SL_LANE_CNT; lane++) {
        taker->rings.lane[lane].message = new_ring();
        rc = taker->rings.lane[lane].message ? sl_spsc_join_rx(&taker->messages[lane], taker->rings.lane[lane].message)
                                             : -ENOMEM;
    }
    struct sl_frame_config frame = { .feeds = &taker->feed,
                                     .feed_cnt = 1,
                                     .lines = &taker->line,
                                     .line_cnt = 1,
                                     .decoders = &taker->rings,
                                     .decoder_cnt = 1,
                                     .heavy = 1u << 20,
                                     .bells = bells,
                                     .books = &taker->books };
    rc = rc ? rc : sl_frame_init(&taker->frame, &frame);
    struct sl_order_config order = {
        .feeds = &taker->feed,
        .feed_cnt = 1,
        .lines = &taker->line,
        .line_cnt = 1,
        .books = &taker->books,
        .sink = {taker->frame, sl_frame_take, sl_frame_line},
        .gap = sl_frame_gap,
        .request = ask_nobody
    };
    rc = rc ? rc : sl_order_init(&taker->order, &order);
    struct sl_rx_config rx = {
        .backend = backend,
        .lines = &taker->line,
        .line_cnt = 1,
        .sink = {taker->order, sl_order_take, sl_order_line},
        .books = &taker->books
    };
    snprintf(err, err_len, "%s", strerror(-rc));
    return rc ? rc : sl_rx_init(&taker->rx, &rx, err, err_len);
}

/* What stands for decode and desk: looks at each record's head and gives it back. */
static void release_all(struct taker *taker)
{
    uint32_t len;
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        const void *record;
        uint64_t place = 0;
        bool any = false;
        while ((record = sl_spsc_peek(&taker->messages[lane], &len))) {
            bench_use(record);
            place = sl_spsc_next(&taker->messages[lane]);
            any = true;
        }
        if (any)
            sl_spsc_release(taker->messages[lane].shm, place);
    }
}

static int take(bool numbered, const char *backend, const char *url)
{
    static struct taker taker;
    char err[512];
    enum sl_rx_backend way = !strcmp(backend, "uring")   ? SL_RX_URING
                             : !strcmp(backend, "epoll") ? SL_RX_EPOLL
                                                         : SL_RX_AUTO;
    if (sl_config_line(&taker.line, url, err, sizeof(err)))
        return fail(url, err);
    if (taker.line.kind == SL_LINE_DPDK)
        sl_port_expect(taker.line.path);
    if (build(&taker, numbered, way, err, sizeof(err)))
        return fail(url, err);
    double cpu = cpu_s();
    int64_t first_ns = 0, last_ns = 0;
    fprintf(stderr, "ready\n");
    while (!stopped) {
        int64_t now_ns = bench_now_ns();
        if (sl_rx_poll(taker.rx, now_ns) > 0) {
            last_ns = now_ns;
            first_ns = first_ns ? first_ns : now_ns;
        }
        sl_order_poll(taker.order, now_ns);
        sl_frame_poll(taker.frame, now_ns);
        release_all(&taker);
    }
    const sl_cell *books = sl_books_rx(&taker.books, 0);
    uint64_t dropped = 0;
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        dropped += sl_cell_get(&books[SL_RX_DROPPED_LANE + lane]);
    tell(sl_cell_get(&books[numbered ? SL_RX_ORDER_ONCE : SL_RX_DATAGRAMS_USED]) - dropped,
         sl_cell_get(&books[SL_RX_ORDER_LOST]) + dropped, (double)(last_ns - first_ns) / 1e9, cpu_s() - cpu);
    return 0;
}

/* ---- peers of the kernel's path ---- */

static int open_peer(const char *url)
{
    struct sl_line_config line;
    char err[256];
    if (sl_config_line(&line, url, err, sizeof(err)))
        return -fail(url, err);
    int fd = socket(line.addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), len = (int)line.rcvbuf;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &len, sizeof(len)))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof(len));
    return !bind(fd, (struct sockaddr *)&line.addr, line.addr_len) ? fd : -fail(url, strerror(errno));
}

/* Each polls its socket all the time, as we do, and looks at nothing but the number. */
static int take_as_peer(bool many, const char *url)
{
    static uint8_t bufs[BATCH][65536];
    struct mmsghdr msgs[BATCH];
    struct iovec iovs[BATCH];
    int fd = open_peer(url), epoll = epoll_create1(EPOLL_CLOEXEC);
    uint64_t cnt = 0;
    struct epoll_event event = { .events = EPOLLIN };
    if (fd < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
        return 1;
    double cpu = cpu_s();
    int64_t first_ns = 0, last_ns = 0;
    for (uint32_t i = 0; i < BATCH; i++) {
        iovs[i] = (struct iovec){ bufs[i], sizeof(bufs[i]) };
        msgs[i] = (struct mmsghdr){
            .msg_hdr = {.msg_iov = &iovs[i], .msg_iovlen = 1}
        };
    }
    fprintf(stderr, "ready\n");
    while (!stopped) {
        uint64_t before = cnt;
        if (many) {
            int got = recvmmsg(fd, msgs, BATCH, MSG_DONTWAIT, NULL);
            cnt += got > 0 ? (uint64_t)got : 0;
        } else if (epoll_wait(epoll, &event, 1, 0) == 1) {
            while (recv(fd, bufs[0], sizeof(bufs[0]), MSG_DONTWAIT) >= 0)
                cnt++;
        }
        if (cnt != before) {
            last_ns = bench_now_ns();
            first_ns = first_ns ? first_ns : last_ns;
        }
    }
    tell(cnt, 0, (double)(last_ns - first_ns) / 1e9, cpu_s() - cpu);
    return 0;
}

int main(int argc, char **argv)
{
    signal(SIGINT, stop);
    signal(SIGTERM, stop);
    if (argc == 5 && !strcmp(argv[1], "flood"))
        return flood_url(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), strtod(argv[4], NULL));
    if (argc == 4 && (!strcmp(argv[1], "take") || !strcmp(argv[1], "plain")))
        return take(argv[1][0] == 't', argv[2], argv[3]);
    if (argc == 3 && (!strcmp(argv[1], "recvmmsg") || !strcmp(argv[1], "recv")))
        return take_as_peer(!strcmp(argv[1], "recvmmsg"), argv[2]);
    if (argc == 3 && !strcmp(argv[1], "frames"))
        return write_frames((uint32_t)strtoul(argv[2], NULL, 10));
    if (argc == 2 && !strcmp(argv[1], "machine")) {
        bench_print_machine("rx", "datagrams a second from the wire into the rings");
        return 0;
    }
    return fail("usage", "flood URL SIZE SECONDS | take auto|uring|epoll URL | recvmmsg URL | recv URL | machine");
}
