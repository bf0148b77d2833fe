#include "pipeline/rx_ways.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29 /* since Linux 4.20; the C library came later */
#endif

#define LISTEN_BACKLOG   64
#define TIMERS_NS        1000000000ll /* drops are read as often */
#define RETRY_SOON_NS    10000000ll
#define ACCEPT_AGAIN_NS  100000000ll
#define ANSWER_LOOK_NS   200000ll
#define RECONNECT_MIN_NS 1000000ll /* whatever the configuration says, a line is not dialled in a tight loop */

/* Where init's sentences go: the first error, or what an operator should know. */
struct saying {
    char *err;
    size_t err_len;
};

__attribute__((format(printf, 3, 4))) static void say(struct saying *saying, const char *url, const char *format, ...)
{
    size_t used = strnlen(saying->err, saying->err_len);
    if (used + 1 >= saying->err_len)
        return;
    int len = snprintf(saying->err + used, saying->err_len - used, "%s%s: ", used ? "; " : "", url);
    if (len < 0 || (size_t)len >= saying->err_len - used)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(saying->err + used + len, saying->err_len - used - (size_t)len, format, args);
    va_end(args);
}

/* An error of the system's for a line; returns it. */
static int fail(struct saying *saying, const struct sl_line_config *line, const char *what)
{
    int rc = -errno;
    saying->err[0] = '\0';
    say(saying, line->url, "%s: %s", what, strerror(-rc));
    return rc;
}

/* ---- sockets ---- */

static int set_int(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value));
}

/* The kernel doubles what it is asked for, for its own use, and says the doubled figure. */
static void ask_for_rcvbuf(int fd, const struct sl_line_config *line, struct saying *saying)
{
    int asked = (int)line->rcvbuf, got = 0;
    socklen_t len = sizeof(got);
    if (!asked)
        return;
    if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, asked))
        set_int(fd, SOL_SOCKET, SO_RCVBUF, asked);
    if (!getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len) && got / 2 < asked)
        say(saying, line->url, "receive buffer of %d bytes where %d were asked for; raise net.core.rmem_max", got / 2,
            asked);
}

static int level_of(const struct sl_line_config *line)
{
    return line->addr.ss_family == AF_INET6 ? IPPROTO_IPV6 : IPPROTO_IP;
}

static int join_or_leave(int fd, const struct sl_line_config *line, bool join)
{
    unsigned interface = line->interface[0] ? if_nametoindex(line->interface) : 0;
    if (line->interface[0] && !interface)
        return -1;
    if (line->source.ss_family) {
        struct group_source_req request = { .gsr_interface = interface,
                                            .gsr_group = line->addr,
                                            .gsr_source = line->source };
        return setsockopt(fd, level_of(line), join ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP, &request,
                          sizeof(request));
    }
    struct group_req request = { .gr_interface = interface, .gr_group = line->addr };
    return setsockopt(fd, level_of(line), join ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP, &request, sizeof(request));
}

/* Several feeds, and other programs, may hear the same group; but this socket hears only what it joined, not what
 * somebody else on this host joined at the same port. */
static void share_group(int fd, const struct sl_line_config *line)
{
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (line->addr.ss_family == AF_INET6)
        set_int(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
    else
        set_int(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
}

static int open_udp(struct sl_rx *rx, const struct sl_line_config *line, struct saying *saying)
{
    int fd = socket(line->addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | rx->way->socket_flags, 0), rc;
    if (fd < 0)
        return fail(saying, line, "no socket");
    if (line->multicast)
        share_group(fd, line);
    ask_for_rcvbuf(fd, line, saying);
    set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (bind(fd, (const struct sockaddr *)&line->addr, line->addr_len)) {
        rc = fail(saying, line, "cannot bind");
        goto undo_socket;
    }
    if (line->multicast && join_or_leave(fd, line, true)) {
        rc = fail(saying, line, "cannot join the group");
        goto undo_socket;
    }
    return fd;
undo_socket:
    close(fd);
    return rc;
}

/* Connected, so that only the server's own datagrams arrive. */
static int open_request(struct sl_rx *rx, const struct sl_line_config *line, struct saying *saying)
{
    int fd = socket(line->addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | rx->way->socket_flags, 0);
    if (fd < 0)
        return fail(saying, line, "no socket");
    ask_for_rcvbuf(fd, line, saying);
    set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (connect(fd, (const struct sockaddr *)&line->addr, line->addr_len)) {
        int rc = fail(saying, line, "no way to the server");
        close(fd);
        return rc;
    }
    return fd;
}

/* Address reuse lets a restart listen while connections of the run before are still being forgotten; for TCP it lets
 * nobody else listen beside us. */
static int open_listener(struct sl_rx *rx, const struct sl_line_config *line, struct saying *saying)
{
    int fd = socket(line->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | rx->way->socket_flags, 0);
    if (fd < 0)
        return fail(saying, line, "no socket");
    set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    if (bind(fd, (const struct sockaddr *)&line->addr, line->addr_len) || listen(fd, LISTEN_BACKLOG)) {
        int rc = fail(saying, line, "cannot listen");
        close(fd);
        return rc;
    }
    return fd;
}

/* A descriptor from somebody else blocks or not as its way needs it. */
static void set_blocking(struct sl_rx *rx, int fd)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, rx->way->socket_flags & SOCK_NONBLOCK ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* An agency whose host has died is noticed after 30 + 3 x 10 s, though we never send anything. */
static void set_stream_options(int fd)
{
    set_int(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
    set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static bool is_within(const struct in6_addr *addr, const struct in6_addr *net, unsigned prefix_len)
{
    unsigned bytes = prefix_len / 8, bits = prefix_len % 8;
    if (memcmp(addr, net, bytes))
        return false;
    return !bits || (addr->s6_addr[bytes] ^ net->s6_addr[bytes]) >> (8 - bits) == 0;
}

bool sl_line_allows(const struct sl_line_config *line, int fd)
{
    struct sockaddr_storage peer = { 0 };
    socklen_t len = sizeof(peer);
    if (!line->from_cnt)
        return true;
    return !getpeername(fd, (struct sockaddr *)&peer, &len) &&
           sl_line_allows_addr(line, (struct sockaddr *)&peer, len);
}

bool sl_line_allows_addr(const struct sl_line_config *line, const struct sockaddr *from, socklen_t len)
{
    struct sockaddr_storage peer = { 0 };
    if (!line->from_cnt)
        return true;
    if ((from->sa_family != AF_INET && from->sa_family != AF_INET6) || len > sizeof(peer))
        return false;
    memcpy(&peer, from, len);
    struct in6_addr addr = sl_addr_mapped(&peer);
    for (uint32_t i = 0; i < line->from_cnt; i++)
        if (is_within(&addr, &line->from[i].net, line->from[i].prefix_len))
            return true;
    return false;
}

/* ---- connections ---- */

static uint64_t next_random(struct sl_rx *rx)
{
    /* SplitMix64: any seed will do, zero too. */
    uint64_t z = rx->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void look_at_timers(struct sl_rx *rx, int64_t at_ns)
{
    if (at_ns < rx->due_ns)
        rx->due_ns = at_ns;
}

static void tell_sink(struct sl_rx *rx, struct sl_conn *conn, enum sl_line_event event)
{
    struct sl_rx_line *line = conn->line;
    line->up_cnt += event == SL_LINE_UP ? 1 : -1u;
    if (line->up_cnt == (event == SL_LINE_UP ? 1 : 0))
        sl_cell_add(&line->books[SL_RX_LINES_UP], event == SL_LINE_UP ? 1 : -1ull);
    if (!sl_conn_is_datagram(conn))
        sl_cell_add(&line->books[event == SL_LINE_UP ? SL_RX_CONNECTS : SL_RX_DISCONNECTS], 1);
    rx->config.sink.line(rx->config.sink.ctx, line->idx, (uint16_t)(conn - line->conns), event);
}

static void bring_up(struct sl_rx *rx, struct sl_conn *conn)
{
    conn->state = SL_CONN_UP;
    conn->brought = false;
    conn->off = conn->len = 0;
    conn->ending_ns = 0;
    tell_sink(rx, conn, SL_LINE_UP);
    rx->way->receive(rx, conn);
}

void sl_conn_let_go(struct sl_rx *rx, struct sl_conn *conn)
{
    close(conn->fd);
    conn->fd = -1;
    conn->state = SL_CONN_FREE;
    look_at_timers(rx, conn->line->retry_ns);
}

static void close_conn(struct sl_rx *rx, struct sl_conn *conn)
{
    rx->paused_cnt -= conn->state == SL_CONN_PAUSED;
    conn->state = SL_CONN_CLOSING;
    conn->retry = false;
    if (rx->way->let_go(rx, conn))
        sl_conn_let_go(rx, conn);
}

/* Half of the time and a random share of the other half, so that those who were cut off together do not come back
 * together. */
static void schedule_dial(struct sl_rx *rx, struct sl_rx_line *line)
{
    int64_t least_ns = line->config->reconnect_min_ns, most_ns = line->config->reconnect_max_ns;
    if (least_ns < RECONNECT_MIN_NS)
        least_ns = RECONNECT_MIN_NS;
    if (most_ns < least_ns)
        most_ns = least_ns;
    if (line->backoff_ns < least_ns)
        line->backoff_ns = least_ns;
    int64_t half_ns = line->backoff_ns / 2;
    line->retry_ns = rx->now_ns + half_ns + (int64_t)(next_random(rx) % (uint64_t)(half_ns + 1));
    line->backoff_ns = line->backoff_ns > most_ns / 2 ? most_ns : 2 * line->backoff_ns;
    look_at_timers(rx, line->retry_ns);
}

static void lose_conn(struct sl_rx *rx, struct sl_conn *conn)
{
    if (conn->answers)
        sl_cell_add(&conn->line->books[SL_RX_ACKS_LOST], sl_answers_reset(conn->answers));
    /* An agency that takes calls and hangs up at once is not called again at once. */
    if (conn->brought)
        conn->line->backoff_ns = 0;
    if (conn->line->config->kind == SL_LINE_TCP_DIAL)
        schedule_dial(rx, conn->line);
    tell_sink(rx, conn, SL_LINE_DOWN);
    close_conn(rx, conn);
}

static void dial(struct sl_rx *rx, struct sl_conn *conn)
{
    conn->fd = socket(conn->line->config->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | rx->way->socket_flags, 0);
    if (conn->fd < 0) {
        schedule_dial(rx, conn->line);
        return;
    }
    set_stream_options(conn->fd);
    conn->state = SL_CONN_DIALLING;
    conn->dial_end_ns = rx->now_ns + SL_RX_CONNECT_NS;
    look_at_timers(rx, conn->dial_end_ns);
    rx->way->dial(rx, conn);
}

void sl_conn_dialled(struct sl_rx *rx, struct sl_conn *conn, int error)
{
    if (!error && !rx->draining) {
        bring_up(rx, conn);
        return;
    }
    schedule_dial(rx, conn->line);
    close_conn(rx, conn);
}

void sl_conn_accepted(struct sl_rx *rx, struct sl_rx_line *line, int fd)
{
    struct sl_conn *conn = line->conns, *end = line->conns + line->conn_cnt;
    while (conn < end && conn->state != SL_CONN_FREE)
        conn++;
    if (conn == end || rx->draining || !sl_line_allows(line->config, fd)) {
        sl_cell_add(&line->books[SL_RX_REFUSED_PEERS], 1);
        close(fd);
        return;
    }
    set_stream_options(fd);
    conn->fd = fd;
    bring_up(rx, conn);
}

void sl_conn_accept_failed(struct sl_rx *rx, struct sl_rx_line *line)
{
    line->retry_ns = rx->now_ns + ACCEPT_AGAIN_NS;
    look_at_timers(rx, line->retry_ns);
}

void sl_conn_retry_soon(struct sl_rx *rx, struct sl_conn *conn)
{
    conn->retry = true;
    look_at_timers(rx, rx->now_ns + RETRY_SOON_NS);
}

void sl_listener_let_go(struct sl_rx *rx, struct sl_rx_line *line)
{
    (void)rx;
    close(line->listener);
    line->listener = -1;
}

/* ---- packets ---- */

/* The kernel's stamp, or 0. */
static int64_t kernel_stamp(const void *control, size_t control_len)
{
    struct msghdr msg = { .msg_control = (void *)(uintptr_t)control, .msg_controllen = control_len };
    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
        struct timespec ts;
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_TIMESTAMPNS ||
            cmsg->cmsg_len < CMSG_LEN(sizeof(ts)))
            continue;
        memcpy(&ts, CMSG_DATA(cmsg), sizeof(ts));
        return ts.tv_sec * 1000000000ll + ts.tv_nsec;
    }
    return 0;
}

static struct sl_packet packet_of(const struct sl_conn *conn)
{
    return (struct sl_packet){
        .line = conn->line->idx,
        .conn = (uint16_t)(conn - conn->line->conns),
        .datagram = sl_conn_is_datagram(conn),
        .wire_source = conn->wire_ns ? SL_WIRE_KERNEL : SL_WIRE_NONE,
        .wire_ns = conn->wire_ns,
        .rx_ns = conn->rx_ns,
    };
}

static void note_arrival(struct sl_rx *rx, struct sl_conn *conn, uint32_t len, const void *control, size_t control_len)
{
    conn->rx_ns = sl_clock_real(rx->config.clock);
    conn->wire_ns = kernel_stamp(control, control_len);
    conn->brought = true;
    sl_cell_add(&conn->line->books[SL_RX_BYTES], len);
    sl_cell_set(&conn->line->books[SL_RX_LAST_NS], (uint64_t)conn->rx_ns);
}

void sl_conn_datagram(struct sl_rx *rx, struct sl_conn *conn, const uint8_t *data, uint32_t len, bool truncated,
                      const void *control, size_t control_len)
{
    sl_cell *books = conn->line->books;
    note_arrival(rx, conn, len, control, control_len);
    sl_cell_add(&books[SL_RX_DATAGRAMS], 1);
    rx->handed++;
    if (!len || truncated || len > SL_RX_DATAGRAM_MAX) {
        sl_cell_add(&books[SL_RX_DATAGRAMS_MALFORMED], 1);
        return;
    }
    struct sl_packet packet = packet_of(conn);
    packet.data = data;
    packet.len = len;
    uint32_t taken = rx->config.sink.take(rx->config.sink.ctx, &packet);
    sl_cell_add(&books[taken == len              ? SL_RX_DATAGRAMS_USED
                       : taken == SL_TAKE_BROKEN ? SL_RX_DATAGRAMS_MALFORMED
                                                 : SL_RX_DATAGRAMS_REPEATED],
                1);
}

static void pause_conn(struct sl_rx *rx, struct sl_conn *conn)
{
    if (conn->state == SL_CONN_PAUSED)
        return;
    conn->state = SL_CONN_PAUSED;
    rx->paused_cnt++;
    rx->way->pause(rx, conn);
}

/* Hands on what is in the buffer, and goes on reading when all of it was taken. */
static void offer(struct sl_rx *rx, struct sl_conn *conn)
{
    struct sl_packet packet = packet_of(conn);
    packet.data = conn->buf + conn->off;
    packet.len = conn->len - conn->off;
    uint32_t taken = rx->config.sink.take(rx->config.sink.ctx, &packet);
    rx->handed += taken > 0;
    if (taken == SL_TAKE_BROKEN) {
        lose_conn(rx, conn);
        return;
    }
    assert(taken <= packet.len);
    conn->off += taken;
    if (conn->off < conn->len) {
        pause_conn(rx, conn);
        return;
    }
    rx->paused_cnt -= conn->state == SL_CONN_PAUSED;
    conn->state = SL_CONN_UP;
    rx->way->receive(rx, conn);
}

struct msghdr *sl_conn_stream_msg(struct sl_conn *conn)
{
    conn->iov = (struct iovec){ .iov_base = conn->buf, .iov_len = SL_RX_BUF_LEN };
    conn->msg = (struct msghdr){
        .msg_iov = &conn->iov,
        .msg_iovlen = 1,
        .msg_control = conn->control,
        .msg_controllen = sizeof(conn->control),
    };
    return &conn->msg;
}

void sl_conn_stream(struct sl_rx *rx, struct sl_conn *conn, int res)
{
    if (res == -EAGAIN || res == -EINTR) {
        rx->way->receive(rx, conn);
        return;
    }
    if (res == 0 && conn->answers && sl_answers_pending(conn->answers)) {
        conn->ending_ns = rx->now_ns + SL_RX_ANSWER_NS;
        rx->way->pause(rx, conn);
        return;
    }
    if (res <= 0) {
        lose_conn(rx, conn);
        return;
    }
    conn->off = 0;
    conn->len = (uint32_t)res;
    note_arrival(rx, conn, conn->len, conn->control, conn->msg.msg_controllen);
    offer(rx, conn);
}

/* ---- the poll ---- */

static void read_drops(struct sl_rx *rx)
{
    for (uint32_t i = 0; i < rx->conn_cnt; i++) {
        struct sl_conn *conn = &rx->conns[i];
        uint32_t info[SK_MEMINFO_VARS] = { 0 };
        socklen_t len = sizeof(info);
        if (!sl_conn_is_datagram(conn) || conn->fd < 0 || getsockopt(conn->fd, SOL_SOCKET, SO_MEMINFO, info, &len))
            continue;
        /* The kernel's count has 32 bits and may wrap; the difference is right all the same. */
        sl_cell_add(&conn->line->books[SL_RX_KERNEL_DROPS], (uint32_t)(info[SK_MEMINFO_DROPS] - conn->drops_seen));
        conn->drops_seen = info[SK_MEMINFO_DROPS];
    }
}

static void run_line_timers(struct sl_rx *rx, struct sl_rx_line *line)
{
    struct sl_conn *conn = line->conns;
    if (line->config->kind == SL_LINE_TCP_LISTEN && line->listener >= 0 && !line->watched) {
        if (line->retry_ns <= rx->now_ns)
            rx->way->accept(rx, line);
        else
            look_at_timers(rx, line->retry_ns);
    }
    if (line->config->kind != SL_LINE_TCP_DIAL)
        return;
    if (conn->state == SL_CONN_DIALLING && conn->dial_end_ns <= rx->now_ns) {
        schedule_dial(rx, line);
        close_conn(rx, conn);
    } else if (conn->state == SL_CONN_DIALLING) {
        look_at_timers(rx, conn->dial_end_ns);
    } else if (conn->state == SL_CONN_FREE && line->retry_ns <= rx->now_ns) {
        dial(rx, conn);
    } else if (conn->state == SL_CONN_FREE) {
        look_at_timers(rx, line->retry_ns);
    }
}

static void run_timers(struct sl_rx *rx)
{
    rx->due_ns = rx->now_ns + TIMERS_NS;
    for (uint32_t i = 0; i < rx->config.line_cnt && !rx->draining; i++)
        run_line_timers(rx, &rx->lines[i]);
    for (uint32_t i = 0; i < rx->conn_cnt; i++) {
        struct sl_conn *conn = &rx->conns[i];
        if (conn->retry) {
            conn->retry = false;
            rx->way->receive(rx, conn);
        }
    }
    if (rx->drops_due_ns <= rx->now_ns) {
        read_drops(rx);
        rx->drops_due_ns = rx->now_ns + TIMERS_NS;
    }
}

/* ---- acknowledgements ---- */

static bool is_up(const struct sl_conn *conn) { return conn->state == SL_CONN_UP || conn->state == SL_CONN_PAUSED; }

static void answer(struct sl_rx *rx, struct sl_conn *conn)
{
    int rc = sl_answers_send(conn->answers, conn->fd, rx->config.journal);
    uint32_t pending = sl_answers_pending(conn->answers);
    if (rc > 0)
        sl_cell_add(&conn->line->books[SL_RX_ACKED], (uint32_t)rc);
    rx->handed += rc > 0 ? rc : 0;
    if (rc < 0 || (conn->ending_ns && (!pending || rx->now_ns >= conn->ending_ns)))
        lose_conn(rx, conn);
    else
        rx->answers_now += pending;
}

static void answer_all(struct sl_rx *rx)
{
    rx->answers_now = 0;
    for (uint32_t i = 0; i < rx->config.line_cnt; i++) {
        struct sl_rx_line *line = &rx->lines[i];
        uint32_t before = rx->answers_now;
        if (!line->config->answer.part_cnt || !rx->config.answers)
            continue;
        for (uint32_t c = 0; c < line->conn_cnt; c++)
            if (is_up(&line->conns[c]))
                answer(rx, &line->conns[c]);
        /* Of this line; its feed may have others. */
        sl_cell_add(&line->books[SL_RX_ACKS_NOW], (uint64_t)(rx->answers_now - before) - line->answers_now);
        line->answers_now = rx->answers_now - before;
    }
}

/* ---- lines that are no sockets ---- */

void sl_line_readable(struct sl_rx_line *line) { line->readable = true; }

static void start_source(struct sl_rx *rx, struct sl_rx_line *line)
{
    int fd = line->source_kind->fd(line->source);
    sl_cell_add(&line->books[SL_RX_LINES_UP], 1);
    line->readable = true;
    if (fd >= 0)
        rx->way->watch(rx, line, fd);
}

static void poll_sources(struct sl_rx *rx)
{
    rx->source_blocked = false;
    for (uint32_t i = 0; i < rx->config.line_cnt; i++) {
        struct sl_rx_line *line = &rx->lines[i];
        if (!line->source)
            continue;
        bool readable = line->readable;
        line->readable = false;
        int did = line->source_kind->poll(line->source, rx->now_ns, readable, &line->retry_ns);
        rx->source_blocked |= did == -EAGAIN;
        rx->handed += did > 0 ? did : 0;
    }
}

/* Nobody wakes us for what a source wants to do by the clock. */
static int64_t time_to_sources(const struct sl_rx *rx, int64_t timeout_ns)
{
    int64_t now_ns = rx->source_cnt ? sl_clock_mono(rx->config.clock) : 0;
    for (uint32_t i = 0; rx->source_cnt && i < rx->config.line_cnt; i++) {
        const struct sl_rx_line *line = &rx->lines[i];
        if (line->source && line->retry_ns - now_ns < timeout_ns)
            timeout_ns = line->retry_ns > now_ns ? line->retry_ns - now_ns : 0;
    }
    /* Nor when the journal has something. */
    return rx->answers_now && timeout_ns > ANSWER_LOOK_NS ? ANSWER_LOOK_NS : timeout_ns;
}

/* Lines that need nobody's answer are up at once. */
static void start(struct sl_rx *rx)
{
    rx->started = true;
    rx->way->start(rx);
    for (uint32_t i = 0; i < rx->conn_cnt; i++)
        if (rx->conns[i].fd >= 0)
            bring_up(rx, &rx->conns[i]);
    for (uint32_t i = 0; i < rx->config.line_cnt; i++)
        if (rx->lines[i].source)
            start_source(rx, &rx->lines[i]);
    rx->due_ns = rx->now_ns;
}

/* Datagrams cannot be shut out by closing, which would throw away those that wait.  A socket connected to itself
 * hears nobody else, and who sends is told that the port is closed. */
static void stop_datagrams(struct sl_conn *conn)
{
    struct sockaddr_storage own;
    socklen_t len = sizeof(own);
    if (conn->line->config->multicast)
        join_or_leave(conn->fd, conn->line->config, false);
    else if (!getsockname(conn->fd, (struct sockaddr *)&own, &len))
        (void)!connect(conn->fd, (struct sockaddr *)&own, len);
}

static void start_drain(struct sl_rx *rx)
{
    rx->draining = true;
    for (uint32_t i = 0; i < rx->config.line_cnt; i++)
        if (rx->lines[i].listener >= 0 && rx->way->let_go_listener(rx, &rx->lines[i]))
            sl_listener_let_go(rx, &rx->lines[i]);
    for (uint32_t i = 0; i < rx->config.line_cnt; i++)
        if (rx->lines[i].source)
            rx->lines[i].source_kind->drain(rx->lines[i].source);
    for (uint32_t i = 0; i < rx->conn_cnt; i++) {
        struct sl_conn *conn = &rx->conns[i];
        if (conn->state == SL_CONN_DIALLING)
            close_conn(rx, conn);
        else if (conn->state == SL_CONN_UP || conn->state == SL_CONN_PAUSED)
            sl_conn_is_datagram(conn) ? stop_datagrams(conn) : (void)shutdown(conn->fd, SHUT_RD);
    }
    read_drops(rx);
}

static void offer_paused(struct sl_rx *rx)
{
    for (uint32_t i = 0; rx->paused_cnt && i < rx->conn_cnt; i++)
        if (rx->conns[i].state == SL_CONN_PAUSED)
            offer(rx, &rx->conns[i]);
}

int sl_rx_poll(void *self, int64_t now_ns)
{
    struct sl_rx *rx = self;
    rx->now_ns = now_ns;
    rx->handed = 0;
    if (!rx->started)
        start(rx);
    /* Relaxed: it only has to be seen some time. */
    if (!rx->draining && atomic_load_explicit(&rx->drain_asked, memory_order_relaxed))
        start_drain(rx);
    if (rx->due_ns <= now_ns)
        run_timers(rx);
    offer_paused(rx);
    rx->way->poll(rx);
    if (rx->source_cnt)
        poll_sources(rx);
    if (rx->config.answers)
        answer_all(rx);
    return rx->handed || !(rx->paused_cnt || rx->source_blocked) ? rx->handed : -EAGAIN;
}

void sl_rx_wait(struct sl_rx *rx, struct sl_bell *bell, int64_t timeout_ns)
{
    rx->way->wait(rx, bell, time_to_sources(rx, timeout_ns));
    sl_bell_heard(bell);
}

void sl_rx_request(struct sl_rx *rx, uint16_t feed, const uint8_t *data, uint32_t len)
{
    for (uint32_t i = 0; i < rx->config.line_cnt; i++) {
        const struct sl_rx_line *line = &rx->lines[i];
        if (line->config->feed == feed && line->config->kind == SL_LINE_UDP_REQUEST && line->conns->fd >= 0)
            send(line->conns->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

void sl_rx_drain(struct sl_rx *rx)
{
    /* Relaxed: a flag that orders nothing. */
    atomic_store_explicit(&rx->drain_asked, true, memory_order_relaxed);
}

const char *sl_rx_backend_name(const struct sl_rx *rx) { return rx->way->name; }

/* ---- life ---- */

static const struct sl_source_kind *source_kind_of(const struct sl_line_config *line)
{
    switch (line->kind) {
    case SL_LINE_SPOOL:
        return &sl_source_spool;
    case SL_LINE_CAPTURE:
        return &sl_source_capture;
    case SL_LINE_DPDK:
        return &sl_source_dpdk;
    default:
        return NULL;
    }
}

/* Sockets: what is none has no connections of rx's. */
static uint32_t conns_of(const struct sl_line_config *line)
{
    return source_kind_of(line) ? 0 : sl_line_conns(line->kind);
}

static int get_memory(struct sl_rx *rx)
{
    uint32_t stream_cnt = 0;
    for (uint32_t i = 0; i < rx->config.line_cnt; i++) {
        const struct sl_line_config *line = &rx->config.lines[i];
        rx->conn_cnt += conns_of(line);
        stream_cnt += sl_line_is_datagram(line) ? 0 : conns_of(line);
    }
    rx->lines = calloc(rx->config.line_cnt + 1, sizeof(*rx->lines));
    rx->conns = calloc(rx->conn_cnt + 1, sizeof(*rx->conns));
    rx->stream_bufs = calloc(stream_cnt + 1, SL_RX_BUF_LEN);
    return rx->lines && rx->conns && rx->stream_bufs ? 0 : -ENOMEM;
}

static void lay_out(struct sl_rx *rx)
{
    struct sl_conn *conn = rx->conns;
    uint8_t *buf = rx->stream_bufs;
    struct sl_answers *answers = rx->config.answers;
    for (uint32_t i = 0; i < rx->config.line_cnt; i++) {
        const struct sl_line_config *config = &rx->config.lines[i];
        rx->lines[i] = (struct sl_rx_line){
            .config = config,
            .idx = (uint16_t)i,
            .books = sl_books_rx(rx->config.books, config->feed),
            .listener = config->kind == SL_LINE_TCP_LISTEN ? config->fd : -1,
            .conns = conn,
            .conn_cnt = conns_of(config),
            .source_kind = source_kind_of(config),
        };
        rx->source_cnt += rx->lines[i].source_kind != NULL;
        for (uint32_t c = conns_of(config); c; c--, conn++) {
            conn->line = &rx->lines[i];
            conn->idx = (uint32_t)(conn - rx->conns);
            conn->answers = config->answer.part_cnt && answers ? answers++ : NULL;
            conn->fd = config->kind == SL_LINE_GIVEN ? config->fd : -1;
            if (!sl_line_is_datagram(config)) {
                conn->buf = buf;
                buf += SL_RX_BUF_LEN;
            }
        }
    }
}

static int choose_way(struct sl_rx *rx, struct saying *saying)
{
    int rc = -ENOSYS;
    if (rx->config.backend != SL_RX_EPOLL) {
#ifdef SL_HAVE_URING
        rx->way = &sl_rx_uring;
        rc = sl_rx_uring.init(rx);
#endif
        if (!rc)
            return 0;
        say(saying, "rx", "io_uring: %s%s", strerror(-rc),
            rx->config.backend == SL_RX_AUTO ? "; epoll serves instead" : "; receive: epoll, or auto, does without");
        if (rx->config.backend == SL_RX_URING)
            return rc;
    }
    rx->way = &sl_rx_epoll;
    rc = sl_rx_epoll.init(rx);
    if (rc)
        say(saying, "rx", "epoll: %s", strerror(-rc));
    return rc;
}

static int open_source(struct sl_rx *rx, struct sl_rx_line *line, struct saying *saying)
{
    uint32_t spool_cnt = 0; /* before this one */
    for (const struct sl_rx_line *before = rx->lines; before < line; before++)
        spool_cnt += before->config->kind == SL_LINE_SPOOL;
    bool acks = line->config->kind == SL_LINE_SPOOL && rx->config.acks;
    struct sl_source_config config = {
        .line = line->config,
        .line_idx = line->idx,
        .sink = rx->config.sink,
        .clock = rx->config.clock,
        .books = line->books,
        .acks = acks ? rx->config.acks + spool_cnt * SL_ACKS_PER_LINE : NULL,
        .ack_first = spool_cnt * SL_ACKS_PER_LINE,
        .journal = {rx->config.journal[0], rx->config.journal[1]},
    };
    char why[512] = "out of memory";
    int rc = line->source_kind->open(&line->source, &config, why, sizeof(why));
    if (!rc)
        return 0;
    saying->err[0] = '\0';
    say(saying, line->config->url, "%s", why);
    return rc;
}

static int open_line(struct sl_rx *rx, struct sl_rx_line *line, struct saying *saying)
{
    int fd = -1;
    switch (line->config->kind) {
    case SL_LINE_UDP:
        fd = line->conns->fd = open_udp(rx, line->config, saying);
        break;
    case SL_LINE_UDP_REQUEST:
        fd = line->conns->fd = open_request(rx, line->config, saying);
        break;
    case SL_LINE_TCP_LISTEN:
        if (line->listener < 0)
            line->listener = open_listener(rx, line->config, saying);
        else
            set_blocking(rx, line->listener);
        fd = line->listener;
        break;
    case SL_LINE_GIVEN:
        fd = line->conns->fd;
        set_blocking(rx, fd);
        break;
    case SL_LINE_TCP_DIAL: /* by the timers */
    case SL_LINE_FED:
        return 0;
    case SL_LINE_SPOOL:
    case SL_LINE_CAPTURE:
    case SL_LINE_DPDK:
        return open_source(rx, line, saying);
    }
    return fd < 0 ? fd : 0;
}

int sl_rx_init(struct sl_rx **out, const struct sl_rx_config *config, char *err, size_t err_len)
{
    struct saying saying = { err, err_len };
    assert(err_len);
    err[0] = '\0';
    struct sl_rx *rx = calloc(1, sizeof(*rx));
    if (!rx)
        return -ENOMEM;
    rx->config = *config;
    rx->random = config->seed;
    int rc = get_memory(rx);
    if (!rc) {
        lay_out(rx);
        rc = choose_way(rx, &saying);
    }
    for (uint32_t i = 0; !rc && i < config->line_cnt; i++)
        rc = open_line(rx, &rx->lines[i], &saying);
    if (rc) {
        sl_rx_fini(rx);
        return rc;
    }
    *out = rx;
    return 0;
}

void sl_rx_fini(struct sl_rx *rx)
{
    if (!rx)
        return;
    /* The way goes first: the kernel may be about to write into our memory on its behalf. */
    if (rx->way)
        read_drops(rx);
    if (rx->way_state)
        rx->way->fini(rx);
    for (uint32_t i = 0; rx->lines && i < rx->config.line_cnt; i++)
        if (rx->lines[i].source)
            rx->lines[i].source_kind->fini(rx->lines[i].source);
    for (uint32_t i = 0; rx->lines && i < rx->config.line_cnt; i++)
        if (rx->lines[i].config && rx->lines[i].listener >= 0)
            close(rx->lines[i].listener);
    for (uint32_t i = 0; rx->conns && i < rx->conn_cnt; i++)
        if (rx->conns[i].line && rx->conns[i].fd >= 0)
            close(rx->conns[i].fd);
    free(rx->stream_bufs);
    free(rx->conns);
    free(rx->lines);
    free(rx);
}
