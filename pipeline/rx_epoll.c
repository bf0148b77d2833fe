#include "pipeline/rx_ways.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define LISTENER     (1ull << 32) /* an event of a line's listener; else of a connection */
#define SOURCE       (1ull << 33) /* of a line that is no socket */
#define CONTROLS_LEN (SL_RX_BATCH * SL_RX_CONTROL_LEN)

struct epoll_way {
    int fd;
    struct mmsghdr msgs[SL_RX_BATCH];
    struct iovec iovs[SL_RX_BATCH];
    uint8_t *bufs;
    char controls[CONTROLS_LEN] __attribute__((aligned(8)));
};

static void epoll_fini(struct sl_rx *rx)
{
    struct epoll_way *way = rx->way_state;
    if (way->fd >= 0)
        close(way->fd);
    free(way->bufs);
    free(way);
    rx->way_state = NULL;
}

static int epoll_init(struct sl_rx *rx)
{
    struct epoll_way *way = calloc(1, sizeof(*way));
    if (!way)
        return -ENOMEM;
    rx->way_state = way;
    way->bufs = calloc(SL_RX_BATCH, SL_RX_BUF_LEN);
    way->fd = epoll_create1(EPOLL_CLOEXEC);
    int rc = !way->bufs ? -ENOMEM : way->fd < 0 ? -errno : 0;
    if (rc)
        epoll_fini(rx);
    return rc;
}

static int epoll_start(struct sl_rx *rx)
{
    (void)rx;
    return 0;
}

/* False when the kernel has no memory for another entry: then the caller tries again with the timers. */
static bool watch(struct sl_rx *rx, int fd, uint32_t events, uint64_t data)
{
    struct epoll_way *way = rx->way_state;
    struct epoll_event event = { .events = events, .data.u64 = data };
    return !epoll_ctl(way->fd, EPOLL_CTL_ADD, fd, &event);
}

static void forget(struct sl_rx *rx, int fd)
{
    struct epoll_way *way = rx->way_state;
    epoll_ctl(way->fd, EPOLL_CTL_DEL, fd, NULL);
}

static void epoll_accept(struct sl_rx *rx, struct sl_rx_line *line)
{
    line->watched = watch(rx, line->listener, EPOLLIN, LISTENER | line->idx);
    if (!line->watched)
        sl_conn_accept_failed(rx, line);
}

static void epoll_dial(struct sl_rx *rx, struct sl_conn *conn)
{
    const struct sl_line_config *config = conn->line->config;
    int rc = connect(conn->fd, (const struct sockaddr *)&config->addr, config->addr_len);
    if (rc && errno == EINPROGRESS) {
        conn->watched = watch(rx, conn->fd, EPOLLOUT, conn->idx);
        if (conn->watched)
            return;
    }
    sl_conn_dialled(rx, conn, rc ? errno : 0);
}

static void epoll_receive(struct sl_rx *rx, struct sl_conn *conn)
{
    if (conn->watched)
        return;
    conn->watched = watch(rx, conn->fd, EPOLLIN, conn->idx);
    if (!conn->watched)
        sl_conn_retry_soon(rx, conn);
}

/* Taken out altogether: an entry without events would still report a peer that hung up, over and over. */
static bool epoll_let_go(struct sl_rx *rx, struct sl_conn *conn)
{
    if (conn->watched)
        forget(rx, conn->fd);
    conn->watched = false;
    return true;
}

static void epoll_pause(struct sl_rx *rx, struct sl_conn *conn) { epoll_let_go(rx, conn); }

static bool epoll_let_go_listener(struct sl_rx *rx, struct sl_rx_line *line)
{
    if (line->watched)
        forget(rx, line->listener);
    line->watched = false;
    return true;
}

/* Only when something is added: a source reads when it has room, which is not always. */
static void epoll_watch(struct sl_rx *rx, struct sl_rx_line *line, int fd)
{
    line->watched = watch(rx, fd, EPOLLIN | EPOLLET, SOURCE | line->idx);
}

static void accept_some(struct sl_rx *rx, struct sl_rx_line *line)
{
    for (uint32_t i = 0; i < SL_LINE_CONNS_MAX; i++) {
        int fd = accept4(line->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            sl_conn_accepted(rx, line, fd);
            continue;
        }
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
            return;
        /* Out of descriptors, say.  The caller still waits in the backlog. */
        epoll_let_go_listener(rx, line);
        sl_conn_accept_failed(rx, line);
        return;
    }
}

static void finish_dial(struct sl_rx *rx, struct sl_conn *conn)
{
    int error = 0;
    socklen_t len = sizeof(error);
    if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len))
        error = errno;
    epoll_let_go(rx, conn); /* from here on it is watched for reading */
    sl_conn_dialled(rx, conn, error);
}

static void ready_batch(struct epoll_way *way)
{
    for (uint32_t i = 0; i < SL_RX_BATCH; i++) {
        way->iovs[i] =
            (struct iovec){ .iov_base = way->bufs + (size_t)i * SL_RX_BUF_LEN, .iov_len = SL_RX_DATAGRAM_MAX };
        way->msgs[i].msg_hdr = (struct msghdr){
            .msg_iov = &way->iovs[i],
            .msg_iovlen = 1,
            .msg_control = way->controls + i * SL_RX_CONTROL_LEN,
            .msg_controllen = SL_RX_CONTROL_LEN,
        };
    }
}

static void read_datagrams(struct sl_rx *rx, struct sl_conn *conn)
{
    struct epoll_way *way = rx->way_state;
    ready_batch(way);
    int cnt = recvmmsg(conn->fd, way->msgs, SL_RX_BATCH, MSG_DONTWAIT, NULL);
    for (int i = 0; i < cnt; i++) {
        const struct msghdr *msg = &way->msgs[i].msg_hdr;
        sl_conn_datagram(rx, conn, way->iovs[i].iov_base, way->msgs[i].msg_len, msg->msg_flags & MSG_TRUNC,
                         msg->msg_control, msg->msg_controllen);
    }
}

static void read_stream(struct sl_rx *rx, struct sl_conn *conn)
{
    ssize_t len = recvmsg(conn->fd, sl_conn_stream_msg(conn), MSG_DONTWAIT);
    sl_conn_stream(rx, conn, len < 0 ? -errno : (int)len);
}

static void handle(struct sl_rx *rx, uint64_t data)
{
    if (data & SOURCE) {
        sl_line_readable(&rx->lines[(uint32_t)data]);
        return;
    }
    if (data & LISTENER) {
        struct sl_rx_line *line = &rx->lines[(uint32_t)data];
        if (line->watched)
            accept_some(rx, line);
        return;
    }
    /* An event may be older than what the events before it did to its connection.  It is a hint only: reading finds
     * nothing. */
    struct sl_conn *conn = &rx->conns[data];
    if (!conn->watched)
        return;
    if (conn->state == SL_CONN_DIALLING)
        finish_dial(rx, conn);
    else if (sl_conn_is_datagram(conn))
        read_datagrams(rx, conn);
    else
        read_stream(rx, conn);
}

static void epoll_poll(struct sl_rx *rx)
{
    struct epoll_way *way = rx->way_state;
    struct epoll_event events[SL_RX_BATCH];
    int cnt = epoll_wait(way->fd, events, SL_RX_BATCH, 0);
    for (int i = 0; i < cnt; i++)
        handle(rx, events[i].data.u64);
}

static void epoll_sleep(struct sl_rx *rx, struct sl_bell *bell, int64_t timeout_ns)
{
    const struct epoll_way *way = rx->way_state;
    struct pollfd fds[2] = { { .fd = way->fd, .events = POLLIN }, { .fd = bell->fd, .events = POLLIN } };
    struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };
    ppoll(fds, 2, &timeout, NULL);
}

const struct sl_rx_way sl_rx_epoll = {
    .name = "epoll",
    .socket_flags = SOCK_NONBLOCK,
    .init = epoll_init,
    .start = epoll_start,
    .fini = epoll_fini,
    .accept = epoll_accept,
    .dial = epoll_dial,
    .receive = epoll_receive,
    .pause = epoll_pause,
    .let_go = epoll_let_go,
    .let_go_listener = epoll_let_go_listener,
    .watch = epoll_watch,
    .poll = epoll_poll,
    .wait = epoll_sleep,
};
