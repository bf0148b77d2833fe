/* pipeline/tcp.h - segments of TCP to streams, as far as a bystander can put them together.
 *
 *     segment --> [ take ] --> the stream's window --> [ push ] --> give(), in order; gap() where bytes never came
 *
 * Life      init gets all memory; take and push; end when nothing more comes; fini.
 * Threads   One.
 * Owns      Copies segments into windows of its own.  Each direction of a connection is a stream.
 * Errors    init: 0 or -ENOMEM.
 * Units     Bytes; ns of the capture's time.
 * Memory    SL_TCP_STREAMS windows of SL_TCP_WINDOW; only those in use are touched.
 * Hostile   Bytes that came first stay.  A hole is given up when the window is full behind it, when SL_TCP_PIECES
 *           pieces lie behind it, after SL_TCP_HOLE_NS, or at the stream's end.  The longest silent stream gives way to
 *           a new one.
 * Source    RFC 9293 3.4, 3.10; sequence numbers wrap, and are compared by their distance.
 */
#ifndef SL_PIPELINE_TCP_H
#define SL_PIPELINE_TCP_H

#include "pipeline/packet.h"

#define SL_TCP_STREAMS 16u
#define SL_TCP_WINDOW  (512u * 1024u)
#define SL_TCP_PIECES  64u
#define SL_TCP_HOLE_NS 3000000000ll

struct sl_tcp_sink {
    void *ctx;
    /* How many it took; SL_TCP_BROKEN: it wants no more of this stream. */
    uint32_t (*give)(void *ctx, uint32_t stream, const uint8_t *data, uint32_t len);
    void (*open)(void *ctx, uint32_t stream);  /* its first bytes come next */
    void (*close)(void *ctx, uint32_t stream); /* it was open */
    void (*gap)(void *ctx, uint32_t stream, uint64_t len);
};
#define SL_TCP_BROKEN UINT32_MAX

struct sl_tcp_piece {
    uint64_t start, end;
};

struct sl_tcp_stream {
    bool used, opened, closing, broken, has_fin;
    struct in6_addr src, dst;
    uint16_t src_port, dst_port;
    uint64_t next;  /* position of the next byte to give; its lower half is the sequence number */
    uint64_t start; /* of the whole */
    uint64_t fin;
    int64_t last_ns, hole_ns; /* hole_ns: since when a piece waits behind a hole; 0: none */
    struct sl_tcp_piece pieces[SL_TCP_PIECES]; /* in order, apart */
    uint32_t piece_cnt;
    uint8_t *window; /* position p lies at p % SL_TCP_WINDOW */
};

struct sl_tcp {
    struct sl_tcp_sink sink;
    struct sl_tcp_stream streams[SL_TCP_STREAMS];
    uint8_t *windows;
};

int sl_tcp_init(struct sl_tcp *tcp, const struct sl_tcp_sink *sink);
void sl_tcp_fini(struct sl_tcp *tcp);
/* False: there is no room until push has given more; then once more with the same segment. */
bool sl_tcp_take(struct sl_tcp *tcp, const struct sl_packet_ip *ip, const struct sl_packet_transport *segment,
                 int64_t now_ns);
/* Gives what is in order.  False: the sink leaves some of it. */
bool sl_tcp_push(struct sl_tcp *tcp);
/* Every stream ends here, at the next push. */
void sl_tcp_end(struct sl_tcp *tcp);

#endif
