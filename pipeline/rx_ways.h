/* pipeline/rx_ways.h - what rx and its two ways of doing system calls share; nobody else includes this.
 *
 *     rx.c: lines, connections, back-off, books            rx_epoll.c, rx_uring.c: when is there something, and read it
 *
 * Life      init before the first line is opened; start at the first poll, by the thread that polls; fini.
 * Threads   The polling one; init and fini as rx.h says.
 * Owns      A way owns what it registers with the kernel.  Sockets and connections are rx.c's.
 * Errors    init: 0 or -errno.  A way reports what happens to sockets by the calls at the end of this page.
 */
#ifndef SL_PIPELINE_RX_WAYS_H
#define SL_PIPELINE_RX_WAYS_H

#include "pipeline/source.h"

#include <stdatomic.h>
#include <sys/socket.h>

#define SL_RX_BUF_LEN     65536u
#define SL_RX_CONTROL_LEN 64u /* a time stamp is all that we ask for */

enum sl_conn_state {
    SL_CONN_FREE, /* no socket */
    SL_CONN_DIALLING, /* connect is under way */
    SL_CONN_UP,
    SL_CONN_PAUSED, /* up; take has left bytes in buf */
    SL_CONN_CLOSING, /* its socket is closed as soon as the way is done with it */
};

struct sl_conn { /* a socket that brings packets */
    struct sl_rx_line *line;
    uint32_t idx; /* in rx.conns */
    int fd;
    enum sl_conn_state state;
    bool brought; /* a packet, since it is up */
    uint32_t drops_seen; /* the kernel's count when we last looked */
    int64_t dial_end_ns; /* DIALLING: given up then */
    /* Streams: what was read and not yet taken, with its stamps. */
    uint8_t *buf;
    uint32_t off, len;
    int64_t rx_ns, wire_ns;
    struct sl_answers *answers; /* NULL: nothing is acknowledged */
    int64_t ending_ns; /* nothing more comes, and it stays until then for its answers; 0: it is not so far */
    /* The way's. */
    struct msghdr msg;
    struct iovec iov;
    char control[SL_RX_CONTROL_LEN] __attribute__((aligned(8)));
    bool watched; /* epoll: registered; uring: a request is in flight */
    bool retry; /* receiving ended with an error, and starts again with the timers */
};

struct sl_rx_line {
    const struct sl_line_config *config;
    uint16_t idx;
    sl_cell *books;
    int listener;
    bool watched; /* as a connection is */
    struct sl_conn *conns;
    uint32_t conn_cnt, up_cnt;
    int64_t backoff_ns; /* the next one */
    int64_t retry_ns; /* DIAL: when to connect again; LISTEN: when to accept again; SPOOL, CAPTURE: to poll again */
    const struct sl_source_kind *source_kind; /* SPOOL, CAPTURE */
    void *source;
    bool readable; /* its descriptor is, or may be */
    uint32_t answers_now; /* acknowledgements that wait */
};

struct sl_rx {
    struct sl_rx_config config;
    const struct sl_rx_way *way;
    void *way_state;
    struct sl_rx_line *lines;
    struct sl_conn *conns;
    uint32_t conn_cnt;
    uint8_t *stream_bufs;
    uint64_t random;
    int64_t now_ns; /* of the poll under way */
    int64_t due_ns; /* when timers are to be looked at */
    int64_t drops_due_ns;
    uint32_t paused_cnt;
    uint32_t answers_now; /* messages that wait for their acknowledgement */
    uint32_t source_cnt;
    bool source_blocked; /* in this poll */
    int handed; /* packets, in this poll */
    bool started, draining;
    _Atomic bool drain_asked;
};

struct sl_rx_way {
    const char *name;
    int socket_flags; /* of every socket it is to handle: SOCK_NONBLOCK or 0 */
    int (*init)(struct sl_rx *rx);
    int (*start)(struct sl_rx *rx);
    void (*fini)(struct sl_rx *rx);
    void (*accept)(struct sl_rx *rx, struct sl_rx_line *line); /* start, or go on, accepting */
    void (*dial)(struct sl_rx *rx, struct sl_conn *conn);
    void (*receive)(struct sl_rx *rx, struct sl_conn *conn); /* start, or go on after a packet was taken whole */
    void (*pause)(struct sl_rx *rx, struct sl_conn *conn); /* receive nothing until the next receive */
    /* Lets go of a socket that will be closed.  False: not yet; the way calls sl_conn_let_go when it has. */
    bool (*let_go)(struct sl_rx *rx, struct sl_conn *conn);
    bool (*let_go_listener)(struct sl_rx *rx, struct sl_rx_line *line);
    void (*watch)(struct sl_rx *rx, struct sl_rx_line *line, int fd); /* of a source, from now on */
    void (*poll)(struct sl_rx *rx);
    void (*wait)(struct sl_rx *rx, struct sl_bell *bell, int64_t timeout_ns);
};

extern const struct sl_rx_way sl_rx_epoll;
#ifdef SL_HAVE_URING
extern const struct sl_rx_way sl_rx_uring;
#endif

static inline bool sl_conn_is_datagram(const struct sl_conn *conn) { return sl_line_is_datagram(conn->line->config); }

/* Upcalls of the ways. */
void sl_conn_accepted(struct sl_rx *rx, struct sl_rx_line *line, int fd); /* takes fd */
void sl_conn_accept_failed(struct sl_rx *rx, struct sl_rx_line *line); /* accept is called again later */
void sl_conn_dialled(struct sl_rx *rx, struct sl_conn *conn, int error); /* 0, or errno */
void sl_conn_datagram(struct sl_rx *rx, struct sl_conn *conn, const uint8_t *data, uint32_t len, bool truncated,
                      const void *control, size_t control_len);
/* What a read into conn->buf gave: bytes, 0 at the end, -errno.  Afterwards receive, pause or let_go has been
 * called. */
void sl_conn_stream(struct sl_rx *rx, struct sl_conn *conn, int res);
void sl_conn_let_go(struct sl_rx *rx, struct sl_conn *conn);
void sl_listener_let_go(struct sl_rx *rx, struct sl_rx_line *line);
void sl_conn_retry_soon(struct sl_rx *rx, struct sl_conn *conn); /* receive is called again by the timers */
void sl_line_readable(struct sl_rx_line *line); /* what was watched may be read */
/* Readies conn->msg for the next read of a stream. */
struct msghdr *sl_conn_stream_msg(struct sl_conn *conn);

#endif
