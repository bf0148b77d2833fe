#include "pipeline/rx_ways.h"

#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CQ_LEN      4096u
#define CQ_BATCH    256u
#define BUF_CNT     SL_RX_BATCH /* a power of two; few and warm serve better than many */
#define BUF_GROUP   0
#define FINI_ROUNDS 100
#define FINI_NS     10000000ll

/* A datagram's buffer begins with what the kernel says of it. */
#define DATAGRAM_HEAD_LEN (sizeof(struct io_uring_recvmsg_out) + SL_RX_CONTROL_LEN)
_Static_assert(DATAGRAM_HEAD_LEN + SL_RX_DATAGRAM_MAX <= SL_RX_BUF_LEN, "the longest datagram fits");

enum op { OP_DATAGRAM, OP_STREAM, OP_DIAL, OP_ACCEPT, OP_BELL, OP_CANCEL, OP_SOURCE };

struct uring_way {
    struct io_uring ring;
    bool enabled;
    struct io_uring_buf_ring *buf_ring;
    uint8_t *bufs;
    uint32_t given_back; /* buffers, in this poll, not yet told the kernel */
    bool starved; /* some line of datagrams is to be armed again once buffers are back */
    bool bell_watched;
    uint32_t in_flight;
    struct msghdr datagram_msg; /* the shape of all datagrams' buffers */
};

static uint64_t tag(enum op op, uint32_t idx) { return (uint64_t)op << 32 | idx; }

static struct io_uring_sqe *next_sqe(struct uring_way *way)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&way->ring);
    if (sqe)
        return sqe;
    io_uring_submit(&way->ring);
    sqe = io_uring_get_sqe(&way->ring);
    assert(sqe); /* the kernel takes all that are submitted */
    return sqe;
}

/* ---- life ---- */

static void uring_fini(struct sl_rx *rx);

/* Deferred task work keeps completions where we ask for them.  Kernels before 6.1 lack it, those before 6.0 lack the
 * rest of what we need as well, and say EINVAL.  The ring is enabled by the thread that polls: only that one may
 * submit. */
static int open_ring(struct uring_way *way, uint32_t entries)
{
    static const unsigned tries[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    };
    int rc = -EINVAL;
    for (size_t i = 0; rc == -EINVAL && i < sizeof(tries) / sizeof(tries[0]); i++) {
        struct io_uring_params params = {
            .flags = tries[i] | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
            .cq_entries = CQ_LEN,
        };
        rc = io_uring_queue_init_params(entries, &way->ring, &params);
    }
    return rc;
}

static void give_back(struct uring_way *way, uint16_t buf)
{
    io_uring_buf_ring_add(way->buf_ring, way->bufs + (size_t)buf * SL_RX_BUF_LEN,
                          DATAGRAM_HEAD_LEN + SL_RX_DATAGRAM_MAX, buf, io_uring_buf_ring_mask(BUF_CNT),
                          (int)way->given_back++);
}

static void publish_buffers(struct uring_way *way)
{
    if (way->given_back)
        io_uring_buf_ring_advance(way->buf_ring, (int)way->given_back);
    way->given_back = 0;
}

static int register_buffers(struct uring_way *way)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), len = BUF_CNT * sizeof(struct io_uring_buf);
    way->buf_ring = aligned_alloc(page, (len + page - 1) / page * page);
    way->bufs = aligned_alloc(page, (size_t)BUF_CNT * SL_RX_BUF_LEN);
    if (!way->buf_ring || !way->bufs)
        return -ENOMEM;
    io_uring_buf_ring_init(way->buf_ring);
    struct io_uring_buf_reg reg = { .ring_addr = (uintptr_t)way->buf_ring, .ring_entries = BUF_CNT, .bgid = BUF_GROUP };
    int rc = io_uring_register_buf_ring(&way->ring, &reg, 0);
    if (rc)
        return rc;
    for (uint16_t i = 0; i < BUF_CNT; i++)
        give_back(way, i);
    publish_buffers(way);
    return 0;
}

static int uring_init(struct sl_rx *rx)
{
    struct uring_way *way = calloc(1, sizeof(*way));
    if (!way)
        return -ENOMEM;
    way->datagram_msg.msg_controllen = SL_RX_CONTROL_LEN;
    /* One for each that may be in flight at once, and a cancellation for each. */
    int rc = open_ring(way, 2 * (rx->conn_cnt + rx->config.line_cnt + 2));
    if (rc) {
        free(way);
        return rc;
    }
    rx->way_state = way;
    rc = register_buffers(way);
    if (rc)
        uring_fini(rx);
    return rc;
}

static int uring_start(struct sl_rx *rx)
{
    struct uring_way *way = rx->way_state;
    /* io_uring_enable_rings, which Debian's liburing 2.3 declares and does not export. */
    int rc = io_uring_register((unsigned)way->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
    way->enabled = rc >= 0;
    return rc < 0 ? rc : 0;
}

/* Requests hold on to their sockets until they are cancelled: without this a port could still be taken when fini is
 * done. Only the thread that polled may; else closing the ring cancels them, a little later. */
static void cancel_all(struct uring_way *way)
{
    struct io_uring_sqe *sqe = next_sqe(way);
    io_uring_prep_cancel64(sqe, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    io_uring_sqe_set_data64(sqe, tag(OP_CANCEL, 0));
    for (unsigned i = 0; i < FINI_ROUNDS && way->in_flight; i++) {
        struct io_uring_cqe *cqe;
        struct __kernel_timespec timeout = { .tv_nsec = FINI_NS };
        if (io_uring_submit_and_wait_timeout(&way->ring, &cqe, 1, &timeout, NULL) == -EEXIST)
            return;
        while (!io_uring_peek_cqe(&way->ring, &cqe)) {
            way->in_flight -= !(cqe->flags & IORING_CQE_F_MORE) && cqe->user_data >> 32 != OP_CANCEL;
            io_uring_cqe_seen(&way->ring, cqe);
        }
    }
}

static void uring_fini(struct sl_rx *rx)
{
    struct uring_way *way = rx->way_state;
    if (way->enabled)
        cancel_all(way);
    io_uring_queue_exit(&way->ring);
    free(way->bufs);
    free(way->buf_ring);
    free(way);
    rx->way_state = NULL;
}

/* ---- requests ---- */

static void request(struct uring_way *way, struct io_uring_sqe *sqe, enum op op, uint32_t idx, bool *watched)
{
    io_uring_sqe_set_data64(sqe, tag(op, idx));
    way->in_flight++;
    *watched = true;
}

static void uring_accept(struct sl_rx *rx, struct sl_rx_line *line)
{
    struct uring_way *way = rx->way_state;
    struct io_uring_sqe *sqe = next_sqe(way);
    io_uring_prep_multishot_accept(sqe, line->listener, NULL, NULL, SOCK_CLOEXEC);
    request(way, sqe, OP_ACCEPT, line->idx, &line->watched);
}

static void uring_watch(struct sl_rx *rx, struct sl_rx_line *line, int fd)
{
    struct uring_way *way = rx->way_state;
    struct io_uring_sqe *sqe = next_sqe(way);
    io_uring_prep_poll_multishot(sqe, fd, POLLIN);
    request(way, sqe, OP_SOURCE, line->idx, &line->watched);
}

static void uring_dial(struct sl_rx *rx, struct sl_conn *conn)
{
    struct uring_way *way = rx->way_state;
    const struct sl_line_config *config = conn->line->config;
    struct io_uring_sqe *sqe = next_sqe(way);
    io_uring_prep_connect(sqe, conn->fd, (const struct sockaddr *)&config->addr, config->addr_len);
    request(way, sqe, OP_DIAL, conn->idx, &conn->watched);
}

static void uring_receive(struct sl_rx *rx, struct sl_conn *conn)
{
    struct uring_way *way = rx->way_state;
    if (conn->watched)
        return;
    struct io_uring_sqe *sqe = next_sqe(way);
    if (sl_conn_is_datagram(conn)) {
        io_uring_prep_recvmsg_multishot(sqe, conn->fd, &way->datagram_msg, MSG_TRUNC);
        sqe->flags |= IOSQE_BUFFER_SELECT;
        sqe->buf_group = BUF_GROUP;
        request(way, sqe, OP_DATAGRAM, conn->idx, &conn->watched);
    } else {
        io_uring_prep_recvmsg(sqe, conn->fd, sl_conn_stream_msg(conn), 0);
        request(way, sqe, OP_STREAM, conn->idx, &conn->watched);
    }
}

static void uring_pause(struct sl_rx *rx, struct sl_conn *conn)
{
    /* A stream has one request at a time, and the one that brought these bytes is done. */
    (void)rx;
    (void)conn;
}

static void cancel(struct uring_way *way, enum op op, uint32_t idx)
{
    struct io_uring_sqe *sqe = next_sqe(way);
    io_uring_prep_cancel64(sqe, tag(op, idx), 0);
    io_uring_sqe_set_data64(sqe, tag(OP_CANCEL, 0));
}

static bool uring_let_go(struct sl_rx *rx, struct sl_conn *conn)
{
    if (!conn->watched)
        return true;
    /* Only one of the two is in flight; the other cancellation finds nothing. */
    cancel(rx->way_state, OP_DIAL, conn->idx);
    cancel(rx->way_state, OP_STREAM, conn->idx);
    return false;
}

static bool uring_let_go_listener(struct sl_rx *rx, struct sl_rx_line *line)
{
    if (!line->watched)
        return true;
    cancel(rx->way_state, OP_ACCEPT, line->idx);
    return false;
}

/* ---- completions ---- */

static void take_accept(struct sl_rx *rx, struct sl_rx_line *line, int res, bool more)
{
    line->watched = more;
    if (res >= 0)
        sl_conn_accepted(rx, line, res);
    if (more)
        return;
    if (rx->draining)
        sl_listener_let_go(rx, line);
    else if (res >= 0 || res == -ECONNABORTED)
        uring_accept(rx, line);
    else
        sl_conn_accept_failed(rx, line);
}

static void take_stream(struct sl_rx *rx, struct sl_conn *conn, enum op op, int res)
{
    conn->watched = false;
    if (conn->state == SL_CONN_CLOSING)
        sl_conn_let_go(rx, conn);
    else if (op == OP_DIAL)
        sl_conn_dialled(rx, conn, -res);
    else
        sl_conn_stream(rx, conn, res);
}

static void take_source(struct sl_rx *rx, struct sl_rx_line *line, int res, bool more)
{
    sl_line_readable(line);
    line->watched = more;
    /* An error that comes back at once is left to the source's own clock. */
    if (!more && res >= 0)
        uring_watch(rx, line, line->source_kind->fd(line->source));
}

static void hand_datagram(struct sl_rx *rx, struct sl_conn *conn, uint16_t buf, int res)
{
    struct uring_way *way = rx->way_state;
    struct io_uring_recvmsg_out *out =
        io_uring_recvmsg_validate(way->bufs + (size_t)buf * SL_RX_BUF_LEN, res, &way->datagram_msg);
    if (out) {
        uint32_t len = io_uring_recvmsg_payload_length(out, res, &way->datagram_msg);
        sl_conn_datagram(rx, conn, io_uring_recvmsg_payload(out, &way->datagram_msg), len, out->flags & MSG_TRUNC,
                         io_uring_recvmsg_name(out), out->controllen);
    }
    give_back(way, buf);
}

/* An empty datagram ends a multishot, running out of buffers does, and so may anything else: whatever the reason,
 * without F_MORE it is armed again. */
static void take_datagram(struct sl_rx *rx, struct sl_conn *conn, int res, uint32_t flags)
{
    struct uring_way *way = rx->way_state;
    if (flags & IORING_CQE_F_BUFFER)
        hand_datagram(rx, conn, (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT), res);
    conn->watched = flags & IORING_CQE_F_MORE;
    if (conn->watched)
        return;
    if (res < 0 && res != -ENOBUFS)
        sl_conn_retry_soon(rx, conn);
    else
        way->starved = true;
}

static void handle(struct sl_rx *rx, const struct io_uring_cqe *cqe)
{
    struct uring_way *way = rx->way_state;
    enum op op = (enum op)(cqe->user_data >> 32);
    uint32_t idx = (uint32_t)cqe->user_data;
    bool more = cqe->flags & IORING_CQE_F_MORE;
    way->in_flight -= !more && op != OP_CANCEL;
    switch (op) {
    case OP_DATAGRAM:
        take_datagram(rx, &rx->conns[idx], cqe->res, cqe->flags);
        break;
    case OP_STREAM:
    case OP_DIAL:
        take_stream(rx, &rx->conns[idx], op, cqe->res);
        break;
    case OP_ACCEPT:
        take_accept(rx, &rx->lines[idx], cqe->res, more);
        break;
    case OP_BELL:
        way->bell_watched = false;
        break;
    case OP_SOURCE:
        take_source(rx, &rx->lines[idx], cqe->res, more);
        break;
    case OP_CANCEL:
        break;
    }
}

/* Arming before buffers are back would only say ENOBUFS again. */
static void arm_starved(struct sl_rx *rx)
{
    struct uring_way *way = rx->way_state;
    way->starved = false;
    for (uint32_t i = 0; i < rx->conn_cnt; i++) {
        struct sl_conn *conn = &rx->conns[i];
        if (sl_conn_is_datagram(conn) && conn->state == SL_CONN_UP && !conn->retry)
            uring_receive(rx, conn);
    }
}

/* The kernel raises a flag when it has work for us; while it has not, and we have none for it, polling is two loads. */
static bool is_call_needed(struct uring_way *way)
{
    /* Relaxed: a flag seen late is seen at the next poll. */
    unsigned flags = IO_URING_READ_ONCE(*way->ring.sq.kflags);
    return io_uring_sq_ready(&way->ring) || flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

static void uring_poll(struct sl_rx *rx)
{
    struct uring_way *way = rx->way_state;
    if (is_call_needed(way))
        io_uring_submit_and_get_events(&way->ring);
    struct io_uring_cqe *cqes[CQ_BATCH];
    unsigned cnt = io_uring_peek_batch_cqe(&way->ring, cqes, CQ_BATCH);
    for (unsigned i = 0; i < cnt; i++)
        handle(rx, cqes[i]);
    if (!cnt)
        return;
    io_uring_cq_advance(&way->ring, cnt);
    publish_buffers(way);
    if (way->starved)
        arm_starved(rx);
    if (io_uring_sq_ready(&way->ring))
        io_uring_submit(&way->ring);
}

static void uring_wait(struct sl_rx *rx, struct sl_bell *bell, int64_t timeout_ns)
{
    struct uring_way *way = rx->way_state;
    if (!way->bell_watched) {
        struct io_uring_sqe *sqe = next_sqe(way);
        io_uring_prep_poll_add(sqe, bell->fd, POLLIN);
        request(way, sqe, OP_BELL, 0, &way->bell_watched);
    }
    struct __kernel_timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };
    struct io_uring_cqe *cqe;
    io_uring_submit_and_wait_timeout(&way->ring, &cqe, 1, &timeout, NULL);
}

const struct sl_rx_way sl_rx_uring = {
    .name = "uring",
    .socket_flags = 0,
    .init = uring_init,
    .start = uring_start,
    .fini = uring_fini,
    .accept = uring_accept,
    .dial = uring_dial,
    .receive = uring_receive,
    .pause = uring_pause,
    .let_go = uring_let_go,
    .let_go_listener = uring_let_go_listener,
    .watch = uring_watch,
    .poll = uring_poll,
    .wait = uring_wait,
};
