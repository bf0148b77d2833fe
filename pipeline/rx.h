/* pipeline/rx.h - lines to packets: what arrives, with its stamps, handed on by a call.
 *
 *     sockets --> [ rx ] --packet--> take()      one rx for each receive thread; it polls all lines of its feeds
 *
 * Life      init opens and binds what can be had at once; dialled lines connect and reconnect inside poll; fini
 *           closes all.
 * Threads   One calls poll and wait, from the first poll on; another may have called init, and may call fini after
 *           it has ended.  drain may be called by any.
 * Owns      A packet's bytes are borrowed by take for the call.  Stream bytes that take leaves are offered again later,
 *           and the line is not read meanwhile: the agency feels it.  Descriptors in the configuration are rx's from
 *           init.
 * Errors    init: -errno and a sentence in err.  At 0 err is empty, or says what an operator should know.
 *           poll never fails: a broken line is counted and comes back by itself.
 * Units     Stamps in ns, CLOCK_REALTIME; timeouts by CLOCK_MONOTONIC (now_ns of poll).
 * Memory    SL_RX_BATCH datagram buffers of 64 KiB for each rx, and 64 KiB for each connection that a stream line
 *           may have; only what is used is touched.
 *
 * Spool folders, captures and ports of DPDK are lines too (source.h), polled between the sockets.  A port's packet has
 * the card's stamp where it makes any, else the time of the burst, as WIRE_POLL; and rx is the time of the burst.
 *
 * Two ways of the same: rx_uring (multishot recvmsg into provided buffers, recvmsg on streams), and rx_epoll, chosen by
 * itself where io_uring is denied.
 *
 * A line with ack= is written to, too: answer.h.  A connection whose agency has said all it has to say is kept until
 * its last message is acknowledged, for SL_RX_ANSWER_NS at most.
 *
 * A datagram is malformed when it is empty or longer than SL_RX_DATAGRAM_MAX; it is counted and not handed on.
 * A stream's kernel stamp is that of the last segment in the packet.
 */
#ifndef SL_PIPELINE_RX_H
#define SL_PIPELINE_RX_H

#include "parsers/bulletin_json.h" /* enum sl_wire_source */
#include "pipeline/answer.h"
#include "pipeline/books.h"
#include "pipeline/clock.h"
#include "ring/bell.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#define SL_LINE_CONNS_MAX  16u /* connections at once on one listening line; more are refused */
#define SL_RX_BATCH        64u /* datagrams of one line, or events, in one poll */
#define SL_RX_DATAGRAM_MAX 65280u /* with its control bytes that fills a buffer of 64 KiB; UDP itself ends at 65,507 */
#define SL_RX_CONNECT_NS   5000000000ll
#define SL_RX_ANSWER_NS    5000000000ll

struct sl_packet {
    const uint8_t *data;
    uint32_t len;
    uint16_t line; /* index into the rx's lines */
    uint16_t conn; /* which of a listening line's connections; 0 on other lines */
    bool datagram; /* else a piece of a stream */
    bool end; /* of a file: no bytes, and take returns 1 when it has taken that, 0: not now */
    bool waits; /* a datagram that can be offered again, from the byte on that take returns */
    bool resumed; /* and is */
    bool broken; /* that file is not what it seemed when it was begun */
    uint8_t wire_source;
    uint16_t ack; /* number of the file's struct sl_ack, plus 1; 0: nobody waits for an answer */
    uint16_t flags; /* enum sl_record_flag, from order */
    int64_t wire_ns, rx_ns;
};

enum sl_line_event { SL_LINE_UP, SL_LINE_DOWN }; /* UP: of a connection or a file */

/* What rx calls; the walk's is frame.  ctx is the caller's. */
struct sl_rx_sink {
    void *ctx;
    /* Returns how many bytes it took.  SL_TAKE_BROKEN: the stream has lost its framing, and rx ends the connection.
     * A datagram that does not wait is not offered again: taken whole it is used, 0 says that all of it had come
     * before, and SL_TAKE_BROKEN that it is malformed. */
    uint32_t (*take)(void *ctx, const struct sl_packet *packet);
    void (*line)(void *ctx, uint16_t line, uint16_t conn, enum sl_line_event event);
};
#define SL_TAKE_BROKEN UINT32_MAX

enum sl_line_kind {
    SL_LINE_UDP,
    SL_LINE_TCP_DIAL,
    SL_LINE_TCP_LISTEN,
    SL_LINE_GIVEN,
    SL_LINE_SPOOL, /* files that appear in a folder */
    SL_LINE_CAPTURE, /* packets that somebody recorded */
    SL_LINE_FED,     /* messages that whoever has the walk hands to frame himself; rx has nothing to do with it */
    SL_LINE_DPDK,    /* datagrams by a card's port that no kernel stands before */
    SL_LINE_UDP_REQUEST, /* to a server that is asked for datagrams again, and from it */
};

/* How many connections of a line there may be at once, each of which frame remembers for itself. */
static inline uint32_t sl_line_conns(enum sl_line_kind kind)
{
    return kind == SL_LINE_TCP_LISTEN || kind == SL_LINE_CAPTURE ? SL_LINE_CONNS_MAX : 1;
}

#define SL_LINE_PATH_LEN 256u

struct sl_line_spool {
    char done[SL_LINE_PATH_LEN], rejects[SL_LINE_PATH_LEN];
    char unfinished[64]; /* ends of names of files that are still being written, each behind a comma */
    int64_t quiet_ns; /* a file that nobody told us of is whole when it has not changed for so long */
    int64_t rescan_ns;
    uint64_t largest; /* bytes of a file */
    uint64_t keep_cnt, keep_bytes; /* of each folder of finished files */
    int64_t keep_ns;
};

struct sl_line_capture {
    uint32_t speed; /* times as fast as it was recorded; 0: as fast as may be */
    bool udp, tcp; /* which of them */
    char *const *more; /* files that go on where path ends, up to NULL; NULL: none */
    struct sl_line_end {
        struct in6_addr addr; /* IPv4 mapped; all zeros: any */
        uint16_t port; /* 0: any */
    } from, to;
};

struct sl_line_port {
    bool promiscuous;
    bool joins; /* reports to routers and switches are ours to send */
    uint16_t vlan; /* that they are tagged with; 0: none */
    uint32_t mtu, descriptors, queues;
    struct in6_addr from; /* our address in them, IPv4 mapped; all zeros: none.  Of an outlet: what it sends from */
};

struct sl_line_config { /* a line of a feed, as its URL in the configuration says */
    enum sl_line_kind kind;
    uint16_t feed;
    char url[256]; /* for people */
    struct sockaddr_storage addr; /* local for UDP and LISTEN (the group, for multicast), remote for DIAL and REQUEST */
    socklen_t addr_len;
    bool multicast;
    char interface[16]; /* for multicast; "" the kernel's choice */
    struct sockaddr_storage source; /* source-specific multicast; family 0: any source */
    struct {
        struct in6_addr net;
        uint8_t prefix_len;
    } from[8]; /* LISTEN: who may connect; IPv4 mapped */
    uint32_t from_cnt; /* 0: anybody */
    uint32_t rcvbuf; /* UDP: bytes asked for; 0 the kernel's choice.  Streams size themselves */
    int64_t reconnect_min_ns, reconnect_max_ns;
    int fd; /* GIVEN: a stream that somebody opened already; LISTEN: -1, or a listener from the supervisor */
    char path[SL_LINE_PATH_LEN]; /* SPOOL: the folder; CAPTURE: the file; DPDK: the device */
    struct sl_line_spool spool;
    struct sl_line_capture capture;
    struct sl_line_port port;
    struct sl_answer_form answer; /* DIAL, LISTEN: how each message is acknowledged */
};

static inline bool sl_line_is_datagram(const struct sl_line_config *line)
{
    return line->kind == SL_LINE_UDP || line->kind == SL_LINE_UDP_REQUEST || line->kind == SL_LINE_FED ||
           line->kind == SL_LINE_DPDK;
}

/* The same as an address of IPv6: IPv4's are mapped. */
static inline struct in6_addr sl_addr_mapped(const struct sockaddr_storage *addr)
{
    struct in6_addr out = { .s6_addr[10] = 0xff, .s6_addr[11] = 0xff };
    if (addr->ss_family == AF_INET6)
        return ((const struct sockaddr_in6 *)addr)->sin6_addr;
    memcpy(&out.s6_addr[12], &((const struct sockaddr_in *)addr)->sin_addr, 4);
    return out;
}

static inline uint16_t sl_addr_port(const struct sockaddr_storage *addr)
{
    return ntohs(addr->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)addr)->sin6_port
                                             : ((const struct sockaddr_in *)addr)->sin_port);
}

/* Whether the other side of fd, a stream, is among who may connect. */
bool sl_line_allows(const struct sl_line_config *line, int fd);
bool sl_line_allows_addr(const struct sl_line_config *line, const struct sockaddr *from, socklen_t len);

enum sl_rx_backend { SL_RX_AUTO, SL_RX_URING, SL_RX_EPOLL };

struct sl_rx_config {
    enum sl_rx_backend backend;
    const struct sl_line_config *lines;
    uint32_t line_cnt;
    struct sl_rx_sink sink;
    const struct sl_clock *clock;
    const struct sl_books *books;
    struct sl_ack *acks; /* ack.h: SL_ACKS_PER_LINE for each spool line, in their order; NULL where there is none */
    const struct sl_durable *journal[2]; /* its pages, of tape and raw log; NULL: there is none */
    struct sl_answers *answers; /* answer.h: for each connection of lines with ack=, in their order; NULL: none */
    uint64_t seed; /* of the jitter that keeps many hosts from reconnecting at once; tests give it */
};

struct sl_rx;

/* err: room for a sentence (which line, what failed, the remedy). */
int sl_rx_init(struct sl_rx **rx, const struct sl_rx_config *config, char *err, size_t err_len);
/* Packets handed on; 0 idle; -EAGAIN: nothing could be handed on, since take leaves what is offered. */
int sl_rx_poll(void *rx, int64_t now_ns);
void sl_rx_fini(struct sl_rx *rx);

const char *sl_rx_backend_name(const struct sl_rx *rx); /* "uring", "epoll" */
/* Sleeps until a line has something, the bell rings, or timeout_ns passed. */
void sl_rx_wait(struct sl_rx *rx, struct sl_bell *bell, int64_t timeout_ns);
/* Sends one datagram to the server of the feed's UDP_REQUEST line, if it has one; what the kernel does not take at once
 * is lost, as datagrams are.  By the thread that polls. */
void sl_rx_request(struct sl_rx *rx, uint16_t feed, const uint8_t *data, uint32_t len);
/* Stops taking, at the next poll: closes listeners, leaves groups, shuts connections for reading; what is buffered
 * is still handed on by the polls that follow. */
void sl_rx_drain(struct sl_rx *rx);

#endif
