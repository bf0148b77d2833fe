#include "pipeline/rx.h"
#include "pipeline/stages.h"
#include "tests/pipeline/rings.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Every test is run with both ways, which must not differ. */
static const enum sl_rx_backend backends[] = { SL_RX_URING, SL_RX_EPOLL };
#define FOR_BOTH(backend) \
    for (size_t i_ = 0, backend; i_ < 2 && (backend = backends[i_], true); i_++) \
        if (!is_there((enum sl_rx_backend)backend)) \
            cr_log_warn("%s: not on this host, not tested", name_of((enum sl_rx_backend)backend)); \
        else

#define POLLS_MAX 2000000u /* until something must have happened that happens at once on loopback */
#define HEARD_MAX (4u << 20)

struct heard { /* by the sink */
    uint8_t bytes[HEARD_MAX];
    uint32_t len;
    uint32_t packet_len[20000];
    uint32_t packets, ups, downs, stamped;
    uint32_t room; /* how much more it takes of streams */
    uint16_t conn; /* of the last packet */
    bool broken;
};

struct bench {
    struct sl_line_config lines[4];
    struct sl_books books;
    void *books_mem;
    const sl_cell *row;
    struct heard *heard;
    struct sl_rx_config config;
    struct sl_rx *rx;
    char err[256];
};

static const char *name_of(enum sl_rx_backend backend) { return backend == SL_RX_URING ? "uring" : "epoll"; }

static uint32_t take(void *ctx, const struct sl_packet *packet)
{
    struct heard *heard = ctx;
    uint32_t len = packet->datagram || packet->len < heard->room ? packet->len : heard->room;
    if (heard->broken)
        return SL_TAKE_BROKEN;
    cr_assert_leq(len, HEARD_MAX - heard->len);
    memcpy(heard->bytes + heard->len, packet->data, len);
    heard->len += len;
    heard->room -= packet->datagram ? 0 : len;
    heard->packet_len[heard->packets++ % 20000] = len;
    heard->conn = packet->conn;
    heard->stamped += packet->wire_ns > 0 && packet->wire_source == SL_WIRE_KERNEL && packet->rx_ns > 0;
    return len;
}

static void hear_line(void *ctx, uint16_t line, uint16_t conn, enum sl_line_event event)
{
    struct heard *heard = ctx;
    (void)line;
    (void)conn;
    heard->ups += event == SL_LINE_UP;
    heard->downs += event == SL_LINE_DOWN;
}

static int start_with(struct bench *bench, const struct sl_line_config *lines, uint32_t line_cnt, size_t backend)
{
    memset(bench, 0, sizeof(*bench));
    for (uint32_t i = 0; i < line_cnt; i++)
        bench->lines[i] = lines[i];
    size_t len = (sl_books_footprint(1, 1) + 127) & ~(size_t)127;
    bench->books_mem = aligned_alloc(128, len);
    bench->heard = calloc(1, sizeof(*bench->heard));
    cr_assert(bench->books_mem && bench->heard);
    bench->heard->room = UINT32_MAX;
    cr_assert_eq(sl_books_new(&bench->books, bench->books_mem, 1, 1), 0);
    bench->row = sl_books_rx(&bench->books, 0);
    bench->config = (struct sl_rx_config){
        .backend = (enum sl_rx_backend)backend,
        .lines = bench->lines,
        .line_cnt = line_cnt,
        .sink = { bench->heard, take, hear_line },
        .books = &bench->books,
        .seed = 7,
    };
    return sl_rx_init(&bench->rx, &bench->config, bench->err, sizeof(bench->err));
}

static void start(struct bench *bench, const struct sl_line_config *line, size_t backend)
{
    int rc = start_with(bench, line, 1, backend);
    cr_assert_eq(rc, 0, "%s: %s", name_of((enum sl_rx_backend)backend), bench->err);
    cr_expect_str_eq(sl_rx_backend_name(bench->rx), name_of((enum sl_rx_backend)backend));
}

static void fini(struct bench *bench)
{
    sl_rx_fini(bench->rx);
    free(bench->heard);
    free(bench->books_mem);
}

static bool is_there(enum sl_rx_backend backend)
{
    struct bench bench;
    bool there = !start_with(&bench, NULL, 0, backend);
    fini(&bench);
    return there;
}

static uint64_t book(const struct bench *bench, uint32_t column) { return sl_cell_get(&bench->row[column]); }

static int poll_once(struct bench *bench) { return sl_rx_poll(bench->rx, sl_clock_mono(NULL)); }

/* Polls until the condition holds.  What is waited for happens on this host, so the bound is never near. */
#define POLL_UNTIL(bench, condition) \
    do { \
        uint32_t left_ = POLLS_MAX; \
        while (!(condition) && --left_) \
            if (poll_once(bench) <= 0) \
                sched_yield(); \
        cr_assert(condition, "never: " #condition); \
    } while (0)

/* What is on the way on loopback has arrived after some idle polls. */
static void poll_until_idle(struct bench *bench)
{
    for (uint32_t idle = 0; idle < 50;) {
        idle = poll_once(bench) > 0 ? 0 : idle + 1;
        sched_yield();
    }
}

static struct sockaddr_storage address(const char *host, uint16_t port, socklen_t *len)
{
    struct sockaddr_storage addr = { 0 };
    struct sockaddr_in *v4 = (struct sockaddr_in *)&addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&addr;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        *len = sizeof(*v4);
    } else {
        cr_assert_eq(inet_pton(AF_INET6, host, &v6->sin6_addr), 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        *len = sizeof(*v6);
    }
    return addr;
}

/* A socket of our own, bound to host: the agency. */
static int agency(const char *host, int type, uint16_t *port)
{
    socklen_t len;
    struct sockaddr_storage addr = address(host, port ? *port : 0, &len);
    int fd = socket(addr.ss_family, type | SOCK_CLOEXEC, 0), one = 1;
    cr_assert_geq(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    cr_assert_eq(bind(fd, (struct sockaddr *)&addr, len), 0, "%s: %s", host, strerror(errno));
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    if (port)
        *port = ntohs(((struct sockaddr_in *)&addr)->sin_port); /* at the same place in IPv6 */
    return fd;
}

static uint16_t free_port(int type)
{
    uint16_t port = 0;
    close(agency("127.0.0.1", type, &port));
    return port;
}

static struct sl_line_config line_of(enum sl_line_kind kind, const char *host, uint16_t port)
{
    struct sl_line_config line = { .kind = kind, .fd = -1, .reconnect_min_ns = 1000000, .reconnect_max_ns = 4000000 };
    line.addr = address(host, port, &line.addr_len);
    snprintf(line.url, sizeof(line.url), "test://%s:%u", host, port);
    return line;
}

static void send_to(int fd, const struct sl_line_config *line, const void *bytes, size_t len)
{
    ssize_t sent = sendto(fd, bytes, len, 0, (const struct sockaddr *)&line->addr, line->addr_len);
    cr_assert_eq(sent, (ssize_t)len, "send: %s", strerror(errno));
}

static int dial_from(const char *host, const struct sl_line_config *line)
{
    int fd = agency(host, SOCK_STREAM, NULL);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&line->addr, line->addr_len), 0, "%s", strerror(errno));
    return fd;
}

/* A line that listens, and an agency that has dialled it: its socket. */
static int start_dialled(struct bench *bench, struct sl_line_config *line, enum sl_rx_backend backend)
{
    *line = line_of(SL_LINE_TCP_LISTEN, "127.0.0.1", free_port(SOCK_STREAM));
    start(bench, line, backend);
    poll_once(bench);
    return dial_from("127.0.0.1", line);
}

static bool has_heard(const struct bench *bench, const char *text)
{
    return bench->heard->len == strlen(text) && !memcmp(bench->heard->bytes, text, bench->heard->len);
}

/* ---- datagrams ---- */

Test(rx, datagrams_come_whole_in_order_and_with_the_kernels_stamp)
{
    static const char *const hosts[] = { "127.0.0.1", "::1" };
    for (size_t h = 0; h < 2; h++)
        FOR_BOTH(backend) {
            struct sl_line_config line = line_of(SL_LINE_UDP, hosts[h], free_port(SOCK_DGRAM));
            struct bench bench;
            int fd = socket(line.addr.ss_family, SOCK_DGRAM, 0), rc = start_with(&bench, &line, 1, backend);
            if (rc == -EADDRNOTAVAIL && h) {
                cr_log_warn("no IPv6 on this host, not tested");
            } else {
                cr_assert_eq(rc, 0, "%s", bench.err);
                poll_once(&bench);
                cr_expect_eq(book(&bench, SL_RX_LINES_UP), 1);
                cr_expect_eq(bench.heard->ups, 1);
                send_to(fd, &line, "first", 5);
                send_to(fd, &line, "second ", 7);
                POLL_UNTIL(&bench, bench.heard->packets == 2);
                cr_expect(has_heard(&bench, "firstsecond "));
                cr_expect_eq(bench.heard->packet_len[0], 5);
                cr_expect_eq(bench.heard->stamped, 2);
                cr_expect_eq(book(&bench, SL_RX_DATAGRAMS_USED), 2);
                cr_expect_eq(book(&bench, SL_RX_BYTES), 12);
                cr_expect_gt(book(&bench, SL_RX_LAST_NS), 0);
            }
            close(fd);
            fini(&bench);
        }
}

Test(rx, empty_and_oversize_datagrams_are_counted_and_stop_nothing)
{
    static uint8_t big[SL_RX_DATAGRAM_MAX + 1];
    FOR_BOTH(backend) {
        struct sl_line_config line = line_of(SL_LINE_UDP, "127.0.0.1", free_port(SOCK_DGRAM));
        line.rcvbuf = 1 << 20;
        struct bench bench;
        start(&bench, &line, backend);
        int fd = agency("127.0.0.1", SOCK_DGRAM, NULL);
        poll_once(&bench);
        for (uint32_t i = 0; i < 100; i++) {
            send_to(fd, &line, "", 0);
            if (i % 10 == 0)
                poll_once(&bench);
        }
        send_to(fd, &line, big, sizeof(big));
        send_to(fd, &line, big, sizeof(big) - 1);
        send_to(fd, &line, "after", 5);
        POLL_UNTIL(&bench, bench.heard->packets == 2);
        cr_expect_eq(bench.heard->packet_len[0], SL_RX_DATAGRAM_MAX);
        cr_expect_eq(bench.heard->packet_len[1], 5);
        cr_expect_eq(book(&bench, SL_RX_DATAGRAMS), 103);
        cr_expect_eq(book(&bench, SL_RX_DATAGRAMS_MALFORMED), 101);
        cr_expect_eq(book(&bench, SL_RX_DATAGRAMS_USED), 2);
        close(fd);
        fini(&bench);
    }
}

Test(rx, more_datagrams_than_buffers_all_come_in_order)
{
    enum { CNT = 20 * SL_RX_BATCH };
    FOR_BOTH(backend) {
        struct sl_line_config lines[2] = {
            line_of(SL_LINE_UDP, "127.0.0.1", free_port(SOCK_DGRAM)),
            line_of(SL_LINE_UDP, "127.0.0.2", free_port(SOCK_DGRAM)),
        };
        lines[0].rcvbuf = lines[1].rcvbuf = 4 << 20;
        struct bench bench;
        cr_assert_eq(start_with(&bench, lines, 2, backend), 0);
        poll_once(&bench);
        int fd = agency("127.0.0.1", SOCK_DGRAM, NULL);
        for (uint32_t i = 0; i < CNT; i++) {
            uint32_t datagram[25] = { i };
            send_to(fd, &lines[0], datagram, sizeof(datagram));
            if (i % 10 == 0)
                send_to(fd, &lines[1], "", 0); /* the other line is armed again and again meanwhile */
        }
        POLL_UNTIL(&bench, bench.heard->packets == CNT);
        for (uint32_t i = 0; i < CNT; i++) {
            uint32_t number;
            memcpy(&number, bench.heard->bytes + i * 100, sizeof(number));
            cr_assert_eq(number, i);
        }
        poll_until_idle(&bench);
        cr_expect_eq(book(&bench, SL_RX_DATAGRAMS), CNT + CNT / 10);
        close(fd);
        fini(&bench);
    }
}

Test(rx, what_was_sent_was_received_or_dropped_by_the_kernel)
{
    enum { CNT = 2000 };
    FOR_BOTH(backend) {
        struct sl_line_config line = line_of(SL_LINE_UDP, "127.0.0.1", free_port(SOCK_DGRAM));
        line.rcvbuf = 16384;
        struct bench bench;
        start(&bench, &line, backend);
        poll_once(&bench);
        int fd = agency("127.0.0.1", SOCK_DGRAM, NULL);
        static uint8_t bytes[1000];
        for (uint32_t i = 0; i < CNT; i++)
            send_to(fd, &line, bytes, sizeof(bytes));
        sl_rx_drain(bench.rx);
        poll_until_idle(&bench);
        uint64_t received = book(&bench, SL_RX_DATAGRAMS), drops = book(&bench, SL_RX_KERNEL_DROPS);
        cr_expect_eq(received + drops, CNT, "%lu + %lu", received, drops);
        cr_expect_gt(drops, 0);
        cr_expect_gt(received, 0);
        (void)!sendto(fd, "late", 4, 0, (struct sockaddr *)&line.addr, line.addr_len);
        poll_until_idle(&bench);
        cr_expect_eq(book(&bench, SL_RX_DATAGRAMS), received, "a drained line takes nothing more");
        close(fd);
        fini(&bench);
    }
}

/* A multicast sender on loopback, or -1 where that does not work. */
static int multicast_agency(const char *host)
{
    int fd = agency(host, SOCK_DGRAM, NULL), one = 1;
    struct ip_mreqn out = { .imr_ifindex = (int)if_nametoindex("lo") };
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)) ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &one, sizeof(one))) {
        close(fd);
        return -1;
    }
    return fd;
}

Test(rx, a_multicast_line_hears_its_group_and_source_and_nothing_else)
{
    FOR_BOTH(backend) {
        uint16_t port = free_port(SOCK_DGRAM);
        struct sl_line_config lines[3];
        for (uint32_t i = 0; i < 3; i++) {
            char group[16];
            snprintf(group, sizeof(group), "239.255.77.%u", i / 2 + 1);
            lines[i] = line_of(SL_LINE_UDP, group, port);
            lines[i].multicast = true;
            strcpy(lines[i].interface, "lo");
        }
        /* Line 1 listens to the group of line 0 too, but to one source only. */
        socklen_t len;
        lines[1].addr = lines[0].addr;
        lines[1].source = address("127.0.0.2", 0, &len);
        struct bench bench;
        int rc = start_with(&bench, lines, 3, backend);
        int fd = multicast_agency("127.0.0.1"), other = multicast_agency("127.0.0.2");
        if (rc || fd < 0 || other < 0) {
            fini(&bench);
            cr_skip_test("no multicast on loopback here (%s); multicast_lines.sh tests it", bench.err);
        }
        poll_once(&bench);
        send_to(fd, &lines[0], "a", 1);
        POLL_UNTIL(&bench, bench.heard->packets == 1);
        send_to(other, &lines[0], "b", 1);
        POLL_UNTIL(&bench, bench.heard->packets == 3);
        send_to(fd, &lines[2], "c", 1);
        POLL_UNTIL(&bench, bench.heard->packets == 4);
        poll_until_idle(&bench);
        cr_expect(has_heard(&bench, "abbc"));
        sl_rx_drain(bench.rx);
        poll_until_idle(&bench);
        send_to(other, &lines[0], "d", 1);
        poll_until_idle(&bench);
        cr_expect_eq(bench.heard->packets, 4, "the groups are left");
        close(fd);
        close(other);
        fini(&bench);
    }
}

/* ---- streams ---- */

Test(rx, a_dialled_line_connects_when_its_agency_is_there_and_comes_back_when_it_was_cut)
{
    FOR_BOTH(backend) {
        uint16_t port = 0;
        int listener = agency("127.0.0.1", SOCK_STREAM, &port);
        struct sl_line_config line = line_of(SL_LINE_TCP_DIAL, "127.0.0.1", port);
        struct bench bench;
        start(&bench, &line, backend);
        for (uint32_t i = 0; i < 100; i++)
            poll_once(&bench);
        cr_expect_eq(bench.heard->ups, 0, "nobody listens yet");
        cr_assert_eq(listen(listener, 5), 0);
        for (uint32_t i = 1; i <= 3; i++) {
            POLL_UNTIL(&bench, bench.heard->ups == i);
            cr_expect_eq(book(&bench, SL_RX_LINES_UP), 1);
            int fd = accept(listener, NULL, NULL);
            cr_assert_eq(send(fd, "bytes", 5, 0), 5);
            POLL_UNTIL(&bench, bench.heard->len == 5 * i);
            close(fd);
            POLL_UNTIL(&bench, bench.heard->downs == i);
            cr_expect_eq(book(&bench, SL_RX_LINES_UP), 0);
        }
        cr_expect_eq(book(&bench, SL_RX_DISCONNECTS), 3);
        close(listener);
        fini(&bench);
    }
}

Test(rx, the_packets_of_a_stream_carry_the_kernels_stamp)
{
    FOR_BOTH(backend) {
        struct sl_line_config line;
        struct bench bench;
        int fd = start_dialled(&bench, &line, backend);
        /* The kernel begins to stamp a little after the first socket asked for it. */
        for (uint32_t i = 1; i < 100000 && !bench.heard->stamped; i++) {
            cr_assert_eq(send(fd, "x", 1, 0), 1);
            POLL_UNTIL(&bench, bench.heard->len == i);
        }
        cr_expect_gt(bench.heard->stamped, 0);
        close(fd);
        fini(&bench);
    }
}

Test(rx, an_agency_that_hangs_up_at_once_is_dialled_ever_more_seldom_and_never_too_seldom)
{
    enum { CALLS = 12 };
    const int64_t least_ns = 100000000, most_ns = 1600000000, step_ns = 5000000;
    int64_t apart[2][CALLS] = { { 0 } };
    FOR_BOTH(backend) {
        uint16_t port = 0;
        int listener = agency("127.0.0.1", SOCK_STREAM | SOCK_NONBLOCK, &port);
        cr_assert_eq(listen(listener, 5), 0);
        struct sl_line_config line = line_of(SL_LINE_TCP_DIAL, "127.0.0.1", port);
        line.reconnect_min_ns = least_ns;
        line.reconnect_max_ns = most_ns;
        struct bench bench;
        start(&bench, &line, backend);
        int64_t now_ns = 1000, last_ns = 0;
        for (uint32_t calls = 0; calls < CALLS;) {
            cr_assert_lt(now_ns, CALLS * 2 * most_ns);
            int fd = accept(listener, NULL, NULL);
            if (fd < 0) {
                /* The virtual clock goes on only when the kernel has had time for what is under way. */
                for (uint32_t i = 0; i < 20; i++)
                    sl_rx_poll(bench.rx, now_ns);
                now_ns += step_ns;
                continue;
            }
            close(fd);
            apart[i_][calls++] = now_ns - last_ns;
            last_ns = now_ns;
            for (uint32_t left = POLLS_MAX; bench.heard->downs < calls && --left;)
                sl_rx_poll(bench.rx, now_ns);
            cr_assert_eq(bench.heard->downs, calls);
        }
        for (uint32_t i = 1; i < CALLS; i++) {
            int64_t backoff_ns = least_ns << (i - 1) < most_ns && i < 6 ? least_ns << (i - 1) : most_ns;
            cr_expect_geq(apart[i_][i], backoff_ns / 2, "call %u", i);
            cr_expect_leq(apart[i_][i], backoff_ns + 3 * step_ns, "call %u after %ld", i, apart[i_][i]);
        }
        close(listener);
        fini(&bench);
    }
}

Test(rx, a_call_that_nobody_answers_is_given_up)
{
    FOR_BOTH(backend) {
        /* A backlog that is full leaves calls unanswered. */
        uint16_t port = 0;
        int listener = agency("127.0.0.1", SOCK_STREAM, &port), callers[4];
        cr_assert_eq(listen(listener, 0), 0);
        struct sl_line_config line = line_of(SL_LINE_TCP_DIAL, "127.0.0.1", port);
        for (uint32_t i = 0; i < 4; i++) {
            callers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
            (void)!connect(callers[i], (struct sockaddr *)&line.addr, line.addr_len);
        }
        struct bench bench;
        start(&bench, &line, backend);
        int64_t now_ns = 1000;
        for (uint32_t i = 0; i < 20; i++, now_ns += SL_RX_CONNECT_NS / 4)
            for (uint32_t polls = 0; polls < 20; polls++)
                sl_rx_poll(bench.rx, now_ns);
        cr_expect_eq(bench.heard->ups, 0);
        /* Dialling still goes on: once there is room, it is answered. */
        for (uint32_t i = 0; i < 4; i++)
            close(callers[i]);
        close(listener);
        listener = agency("127.0.0.1", SOCK_STREAM, &port);
        cr_assert_eq(listen(listener, 5), 0);
        for (uint32_t left = 10000; !bench.heard->ups && --left; now_ns += SL_RX_CONNECT_NS / 100)
            for (uint32_t polls = 0; polls < 20; polls++)
                sl_rx_poll(bench.rx, now_ns);
        cr_expect_eq(bench.heard->ups, 1);
        close(listener);
        fini(&bench);
    }
}

Test(rx, a_listening_line_takes_several_agencies_from_where_they_may_come_and_no_more_than_it_has_room_for)
{
    FOR_BOTH(backend) {
        struct sl_line_config line = line_of(SL_LINE_TCP_LISTEN, "127.0.0.1", free_port(SOCK_STREAM));
        line.from_cnt = 1;
        line.from[0].net.s6_addr[10] = line.from[0].net.s6_addr[11] = 0xff;
        cr_assert_eq(inet_pton(AF_INET, "127.0.0.0", &line.from[0].net.s6_addr[12]), 1);
        line.from[0].prefix_len = 96 + 30; /* 127.0.0.0 to 127.0.0.3 */
        struct bench bench;
        start(&bench, &line, backend);
        poll_once(&bench);
        cr_expect_eq(book(&bench, SL_RX_LINES_UP), 0, "up when somebody is there");

        static const char *const foreign[] = { "127.0.0.4", "127.0.1.1", "127.0.0.128", "127.1.0.1" };
        for (uint32_t i = 0; i < 4; i++) {
            int fd = dial_from(foreign[i], &line);
            POLL_UNTIL(&bench, book(&bench, SL_RX_REFUSED_PEERS) == i + 1);
            char byte;
            cr_expect_leq(recv(fd, &byte, 1, 0), 0, "hung up on %s", foreign[i]);
            close(fd);
        }
        cr_expect_eq(bench.heard->ups, 0);

        int fds[SL_LINE_CONNS_MAX + 1];
        for (uint32_t i = 0; i < SL_LINE_CONNS_MAX; i++) {
            fds[i] = dial_from("127.0.0.3", &line);
            POLL_UNTIL(&bench, bench.heard->ups == i + 1);
            cr_assert_eq(send(fds[i], "x", 1, 0), 1);
            POLL_UNTIL(&bench, bench.heard->len == i + 1);
            cr_expect_eq(bench.heard->conn, i);
        }
        cr_expect_eq(book(&bench, SL_RX_LINES_UP), 1);
        fds[SL_LINE_CONNS_MAX] = dial_from("127.0.0.3", &line);
        POLL_UNTIL(&bench, book(&bench, SL_RX_REFUSED_PEERS) == 5);
        close(fds[SL_LINE_CONNS_MAX]);

        close(fds[5]);
        POLL_UNTIL(&bench, bench.heard->downs == 1);
        fds[5] = dial_from("127.0.0.3", &line);
        cr_assert_eq(send(fds[5], "x", 1, 0), 1);
        POLL_UNTIL(&bench, bench.heard->len == SL_LINE_CONNS_MAX + 1);
        cr_expect_eq(bench.heard->conn, 5, "its place is used again");
        for (uint32_t i = 0; i < SL_LINE_CONNS_MAX; i++)
            close(fds[i]);
        POLL_UNTIL(&bench, book(&bench, SL_RX_LINES_UP) == 0);
        fini(&bench);
    }
}

Test(rx, a_stream_that_is_not_taken_is_not_read_and_nothing_of_it_is_lost)
{
    enum { LEN = 3 << 20 };
    static uint8_t wire[LEN];
    for (uint32_t i = 0; i < LEN; i++)
        wire[i] = (uint8_t)(i * 2654435761u >> 24);
    FOR_BOTH(backend) {
        struct sl_line_config line;
        struct bench bench;
        int fd = start_dialled(&bench, &line, backend), small = 65536;
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
        uint32_t sent = 0, stalled = 0;
        uint64_t seed = 1;
        bench.heard->room = 0;
        for (uint32_t idle = 0; bench.heard->len < LEN; idle++) {
            cr_assert_lt(idle, POLLS_MAX);
            ssize_t n = sent < LEN ? send(fd, wire + sent, LEN - sent, MSG_DONTWAIT) : 0;
            sent += n > 0 ? (uint32_t)n : 0;
            int rc = poll_once(&bench);
            if (rc > 0 || bench.heard->room)
                continue;
            if (rc == -EAGAIN && n < 0)
                stalled++; /* the agency feels it */
            if (rc == -EAGAIN && (n < 0 || sent == LEN)) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                bench.heard->room = 1 + (uint32_t)(seed >> 48);
            }
        }
        cr_expect_gt(stalled, 0);
        cr_expect_eq(bench.heard->len, LEN);
        cr_expect(!memcmp(bench.heard->bytes, wire, LEN));
        close(fd);
        bench.heard->room = UINT32_MAX;
        POLL_UNTIL(&bench, bench.heard->downs == 1);
        cr_expect_eq(book(&bench, SL_RX_BYTES), LEN);
        fini(&bench);
    }
}

Test(rx, a_paused_stream_whose_agency_is_gone_is_still_handed_on_to_its_end)
{
    FOR_BOTH(backend) {
        struct sl_line_config line;
        struct bench bench;
        int fd = start_dialled(&bench, &line, backend);
        bench.heard->room = 2;
        cr_assert_eq(send(fd, "abcdef", 6, 0), 6);
        POLL_UNTIL(&bench, bench.heard->len == 2);
        close(fd);
        for (uint32_t i = 0; i < 100; i++)
            cr_assert_eq(poll_once(&bench), -EAGAIN, "nothing can be done, and the caller is told");
        cr_expect_eq(bench.heard->downs, 0);
        bench.heard->room = 100;
        POLL_UNTIL(&bench, bench.heard->downs == 1);
        cr_expect(has_heard(&bench, "abcdef"));
        fini(&bench);
    }
}

Test(rx, a_stream_that_lost_its_framing_is_ended_and_dialled_again)
{
    FOR_BOTH(backend) {
        uint16_t port = 0;
        int listener = agency("127.0.0.1", SOCK_STREAM, &port);
        cr_assert_eq(listen(listener, 5), 0);
        struct sl_line_config line = line_of(SL_LINE_TCP_DIAL, "127.0.0.1", port);
        struct bench bench;
        start(&bench, &line, backend);
        POLL_UNTIL(&bench, bench.heard->ups == 1);
        int fd = accept(listener, NULL, NULL);
        bench.heard->broken = true;
        cr_assert_eq(send(fd, "nonsense", 8, 0), 8);
        POLL_UNTIL(&bench, bench.heard->downs == 1);
        char byte;
        cr_expect_leq(recv(fd, &byte, 1, 0), 0, "hung up");
        bench.heard->broken = false;
        POLL_UNTIL(&bench, bench.heard->ups == 2);
        close(fd);
        close(listener);
        fini(&bench);
    }
}

Test(rx, a_stream_that_was_given_is_read_to_its_end_and_then_stays_down)
{
    FOR_BOTH(backend) {
        int ends[2];
        cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        struct sl_line_config line = { .kind = SL_LINE_GIVEN, .fd = ends[0], .url = "given" };
        struct bench bench;
        start(&bench, &line, backend);
        cr_assert_eq(send(ends[1], "news", 4, 0), 4);
        POLL_UNTIL(&bench, has_heard(&bench, "news"));
        close(ends[1]);
        POLL_UNTIL(&bench, bench.heard->downs == 1);
        poll_until_idle(&bench);
        cr_expect_eq(bench.heard->ups, 1);
        fini(&bench);
    }
}

/* ---- drain, wait, start ---- */

Test(rx, a_drain_hands_on_what_is_buffered_and_takes_nothing_more)
{
    FOR_BOTH(backend) {
        uint16_t port = 0;
        int listener = agency("127.0.0.1", SOCK_STREAM, &port);
        cr_assert_eq(listen(listener, 5), 0);
        struct sl_line_config lines[3] = {
            line_of(SL_LINE_TCP_LISTEN, "127.0.0.1", free_port(SOCK_STREAM)),
            line_of(SL_LINE_TCP_DIAL, "127.0.0.1", port),
            line_of(SL_LINE_TCP_DIAL, "127.0.0.1", free_port(SOCK_STREAM)), /* nobody there */
        };
        struct bench bench;
        cr_assert_eq(start_with(&bench, lines, 3, backend), 0, "%s", bench.err);
        poll_once(&bench);
        int caller = dial_from("127.0.0.1", &lines[0]);
        POLL_UNTIL(&bench, bench.heard->ups == 2);
        int called = accept(listener, NULL, NULL);
        cr_assert_eq(send(caller, "last", 4, 0), 4);
        cr_assert_eq(send(called, "news", 4, 0), 4);
        sl_rx_drain(bench.rx);
        POLL_UNTIL(&bench, bench.heard->downs == 2);
        cr_expect_eq(bench.heard->len, 8);
        poll_until_idle(&bench);
        int late = agency("127.0.0.1", SOCK_STREAM, NULL);
        cr_expect_eq(connect(late, (struct sockaddr *)&lines[0].addr, lines[0].addr_len), -1, "nobody listens");
        for (uint32_t i = 0; i < 1000; i++)
            poll_once(&bench);
        cr_expect_eq(bench.heard->ups, 2, "nobody is dialled again");
        close(late);
        close(caller);
        close(called);
        close(listener);
        fini(&bench);
    }
}

static void *ring(void *bell)
{
    sl_bell_ring(bell);
    return NULL;
}

Test(rx, a_wait_ends_with_a_packet_with_the_bell_and_with_its_time)
{
    const int64_t long_ns = 60000000000; /* the test's own time would be over before */
    FOR_BOTH(backend) {
        struct sl_line_config line = line_of(SL_LINE_UDP, "127.0.0.1", free_port(SOCK_DGRAM));
        struct bench bench;
        struct sl_bell bell;
        cr_assert_eq(sl_bell_init(&bell), 0);
        start(&bench, &line, backend);
        poll_once(&bench);
        int fd = agency("127.0.0.1", SOCK_DGRAM, NULL);
        for (uint32_t i = 0; i < 3; i++) {
            sl_bell_arm(&bell);
            sl_rx_wait(bench.rx, &bell, 1000000);
            poll_until_idle(&bench);

            pthread_t ringer;
            sl_bell_arm(&bell);
            cr_assert_eq(pthread_create(&ringer, NULL, ring, &bell), 0);
            sl_rx_wait(bench.rx, &bell, long_ns);
            pthread_join(ringer, NULL);
            poll_until_idle(&bench);
            cr_expect_eq(atomic_load(&bell.armed), 0);

            sl_bell_arm(&bell);
            send_to(fd, &line, "x", 1);
            sl_rx_wait(bench.rx, &bell, long_ns);
            POLL_UNTIL(&bench, bench.heard->packets == i + 1);
        }
        close(fd);
        sl_bell_fini(&bell);
        fini(&bench);
    }
}

struct elsewhere {
    struct bench *bench;
    int fd;
};

static void *poll_elsewhere(void *arg)
{
    struct elsewhere *elsewhere = arg;
    struct bench *bench = elsewhere->bench;
    poll_once(bench);
    send_to(elsewhere->fd, &bench->lines[0], "x", 1);
    for (uint32_t left = POLLS_MAX; !bench->heard->packets && --left;)
        poll_once(bench);
    return NULL;
}

Test(rx, another_thread_than_that_of_init_and_fini_may_poll)
{
    FOR_BOTH(backend) {
        struct sl_line_config line = line_of(SL_LINE_UDP, "127.0.0.1", free_port(SOCK_DGRAM));
        struct bench bench;
        start(&bench, &line, backend);
        struct elsewhere elsewhere = { &bench, agency("127.0.0.1", SOCK_DGRAM, NULL) };
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, poll_elsewhere, &elsewhere), 0);
        pthread_join(thread, NULL);
        cr_expect_eq(bench.heard->packets, 1);
        close(elsewhere.fd);
        fini(&bench);
    }
}

Test(rx, a_port_is_free_again_when_fini_returns)
{
    FOR_BOTH(backend) {
        struct sl_line_config lines[2] = {
            line_of(SL_LINE_UDP, "127.0.0.1", free_port(SOCK_DGRAM)),
            line_of(SL_LINE_TCP_LISTEN, "127.0.0.1", free_port(SOCK_STREAM)),
        };
        for (uint32_t i = 0; i < 20; i++) {
            struct bench bench;
            cr_assert_eq(start_with(&bench, lines, 2, backend), 0, "time %u: %s", i, bench.err);
            poll_once(&bench);
            fini(&bench);
        }
    }
}

Test(rx, a_line_that_cannot_be_opened_stops_the_start_with_a_sentence)
{
    FOR_BOTH(backend) {
        uint16_t port = 0;
        int taken = agency("127.0.0.1", SOCK_DGRAM, &port);
        struct sl_line_config lines[] = {
            line_of(SL_LINE_UDP, "127.0.0.1", port),
            line_of(SL_LINE_UDP, "192.0.2.1", 5001),        /* not an address of this host's: TEST-NET-1 */
            line_of(SL_LINE_TCP_LISTEN, "192.0.2.1", 5001),
            line_of(SL_LINE_UDP, "239.255.77.1", 5001),
        };
        static const int want[] = { -EADDRINUSE, -EADDRNOTAVAIL, -EADDRNOTAVAIL, -ENODEV };
        int one = 0;
        setsockopt(taken, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        lines[3].multicast = true;
        strcpy(lines[3].interface, "nosuchif");
        for (size_t i = 0; i < 4; i++) {
            struct bench bench;
            int rc = start_with(&bench, &lines[i], 1, backend);
            cr_expect_eq(rc, want[i], "row %zu: %d", i, rc);
            cr_expect(strstr(bench.err, lines[i].url), "row %zu names its line: '%s'", i, bench.err);
            cr_expect(strstr(bench.err, strerror(-want[i])), "row %zu says why: '%s'", i, bench.err);
            bench.rx = NULL;
            fini(&bench);
        }
        close(taken);
    }
}

Test(rx, where_io_uring_is_denied_epoll_serves_and_says_so_once)
{
    struct sock_filter deny[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { 4, deny };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
        cr_skip_test("no seccomp filters here");
    struct bench bench;
    cr_assert_eq(start_with(&bench, NULL, 0, SL_RX_AUTO), 0);
    cr_expect_str_eq(sl_rx_backend_name(bench.rx), "epoll");
    cr_expect(strstr(bench.err, "io_uring") && strstr(bench.err, "epoll"), "'%s'", bench.err);
    fini(&bench);
    cr_expect_eq(start_with(&bench, NULL, 0, SL_RX_URING), -EPERM, "who insists on io_uring is told");
    cr_expect(strstr(bench.err, "io_uring"));
    fini(&bench);
}

/* ---- with frame behind it ---- */

struct chain {
    struct bench bench;
    struct sl_feed feed;
    struct rings rings;
    struct sl_spsc_rx readers[SL_LANE_CNT];
    struct sl_frame *frame;
};

/* Messages of all lanes, read and given back; by what they are. */
static void read_messages(struct chain *chain, uint32_t *whole, uint32_t *cut)
{
    sl_frame_poll(chain->frame, sl_clock_mono(NULL));
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        struct sl_spsc_rx *reader = &chain->readers[lane];
        const struct sl_message *message;
        for (uint32_t len; (message = sl_spsc_peek(reader, &len));) {
            *(message->cut ? cut : whole) += 1;
            sl_spsc_release(reader->shm, sl_spsc_next(reader));
        }
    }
}

Test(rx, an_agency_that_cuts_stutters_and_talks_nonsense_loses_only_what_it_cut)
{
    enum { ROUNDS = 40 };
    static const char message[] =
        "\001tst0001 4 i 4   tst 001\r\n\r\nTest/\r\n\002Text =\r\n\003051200 GMT Jan 26\r\n\004";
    FOR_BOTH(backend) {
        struct chain chain = { .feed = { .format = sl_format_named("iptc7901", 8), .message_max = 1500,
                                         .message_ns = 60000000000 } };
        struct bench *bench = &chain.bench;
        struct sl_line_config line = line_of(SL_LINE_TCP_LISTEN, "127.0.0.1", free_port(SOCK_STREAM));
        start(bench, &line, backend);
        chain.rings = new_rings(4096, 4096);
        for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
            cr_assert_eq(sl_spsc_join_rx(&chain.readers[lane], chain.rings.of.lane[lane].message), 0);
        struct sl_frame_config config = {
            .feeds = &chain.feed,
            .feed_cnt = 1,
            .lines = bench->lines,
            .line_cnt = 1,
            .decoders = &chain.rings.of,
            .decoder_cnt = 1,
            .books = &bench->books,
        };
        cr_assert_eq(sl_frame_init(&chain.frame, &config), 0);
        sl_rx_fini(bench->rx);
        bench->config.sink = (struct sl_rx_sink){ chain.frame, sl_frame_take, sl_frame_line };
        cr_assert_eq(sl_rx_init(&bench->rx, &bench->config, bench->err, sizeof(bench->err)), 0, "%s", bench->err);
        poll_once(bench);
        uint32_t whole = 0, cut = 0;
        for (uint32_t i = 0; i < ROUNDS; i++) {
            int fd = dial_from("127.0.0.1", &line);
            for (uint32_t at = 0; at < sizeof(message) - 1; at++)
                cr_assert_eq(send(fd, message + at, 1, 0), 1);
            cr_assert_eq(send(fd, "\026~~~\026", 5, 0), 5);
            cr_assert_eq(send(fd, message, sizeof(message) - 1, 0), (ssize_t)sizeof(message) - 1);
            cr_assert_eq(send(fd, message, 1 + i, 0), 1 + (ssize_t)i);
            close(fd);
            for (uint32_t left = POLLS_MAX; book(bench, SL_RX_DISCONNECTS) < i + 1 && --left;) {
                poll_once(bench);
                read_messages(&chain, &whole, &cut);
            }
            cr_assert_eq(book(bench, SL_RX_DISCONNECTS), i + 1);
        }
        read_messages(&chain, &whole, &cut);
        cr_expect_eq(whole, 2 * ROUNDS);
        cr_expect_eq(cut, 2 * ROUNDS);
        cr_expect_eq(book(bench, SL_RX_CUT + SL_CUT_LINE_DOWN), ROUNDS);
        cr_expect_eq(book(bench, SL_RX_CUT + SL_CUT_NOISE), ROUNDS);
        cr_expect_eq(book(bench, SL_RX_FILL_BYTES), 2 * ROUNDS);
        cr_expect_eq(book(bench, SL_RX_FRAMED_LANE + SL_LANE_NORMAL), 3 * ROUNDS);
        cr_expect_eq(book(bench, SL_RX_FRAMED_LANE + SL_LANE_BULK), ROUNDS, "noise");
        fini(bench);
        sl_frame_fini(chain.frame);
        free_rings(&chain.rings);
    }
}
