#include "pipeline/capture.h"
#include "pipeline/ipfrag.h"
#include "pipeline/source.h"
#include "pipeline/tcp.h"

#include "pipeline/say.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUF_LEN (2 * SL_CAPTURE_RECORD_MAX)
#define FRAMES  256u /* in one poll */

_Static_assert(SL_TCP_STREAMS <= SL_LINE_CONNS_MAX, "a stream is a connection of the line");

struct source {
    struct sl_source_config config;
    const struct sl_line_capture *line;
    const char *path; /* of the file at hand */
    char *const *more; /* those that follow it */
    int fd;
    uint8_t *buf;
    uint32_t off, len;
    struct sl_capture capture;
    struct sl_ipfrag ipfrag;
    struct sl_tcp tcp;
    int64_t first_ns, start_ns; /* the capture's first stamp, and when that was played, by poll's clock; 0: not yet */
    int64_t stamp_ns; /* of the frame at hand */
    const uint8_t *waiting; /* of a datagram, what there was no room for; it lies where it was */
    uint32_t waiting_len;
    bool resumed; /* some of it was taken */
    bool held; /* a segment that the streams had no room for yet; its bytes are still where they were */
    struct sl_packet_ip held_ip;
    struct sl_packet_transport held_segment;
    bool ending, ended, blocked;
};

static void count(const struct source *source, enum sl_book_rx col, uint64_t cnt)
{
    sl_cell_add(&source->config.books[col], cnt);
}

/* The capture's stamp is that of the receipt, so that what hangs on the day of arrival means what it meant then. */
static struct sl_packet packet_of(const struct source *source, const uint8_t *data, uint32_t len)
{
    int64_t stamp_ns = source->stamp_ns;
    return (struct sl_packet){
        .data = data,
        .len = len,
        .line = source->config.line_idx,
        .wire_source = stamp_ns ? SL_WIRE_CAPTURE : SL_WIRE_NONE,
        .wire_ns = stamp_ns,
        .rx_ns = stamp_ns ? stamp_ns : sl_clock_real(source->config.clock),
    };
}

static void note_bytes(const struct source *source, uint32_t len)
{
    count(source, SL_RX_BYTES, len);
    sl_cell_set(&source->config.books[SL_RX_LAST_NS], (uint64_t)sl_clock_real(source->config.clock));
}

/* ---- streams ---- */

static uint32_t give(void *ctx, uint32_t stream, const uint8_t *data, uint32_t len)
{
    struct source *source = ctx;
    struct sl_packet packet = packet_of(source, data, len);
    packet.conn = (uint16_t)stream;
    uint32_t took = source->config.sink.take(source->config.sink.ctx, &packet);
    if (took == SL_TAKE_BROKEN)
        return SL_TCP_BROKEN;
    note_bytes(source, took);
    return took;
}

static void tell_line(struct source *source, uint32_t stream, enum sl_line_event event)
{
    source->config.sink.line(source->config.sink.ctx, source->config.line_idx, (uint16_t)stream, event);
}

static void open_stream(void *ctx, uint32_t stream)
{
    count(ctx, SL_RX_CONNECTS, 1);
    tell_line(ctx, stream, SL_LINE_UP);
}

static void close_stream(void *ctx, uint32_t stream)
{
    count(ctx, SL_RX_DISCONNECTS, 1);
    tell_line(ctx, stream, SL_LINE_DOWN);
}

/* What is open there is cut, and what comes next begins anew. */
static void note_gap(void *ctx, uint32_t stream, uint64_t len)
{
    count(ctx, SL_RX_GAPS, 1);
    count(ctx, SL_RX_GAP_BYTES, len);
    tell_line(ctx, stream, SL_LINE_DOWN);
    tell_line(ctx, stream, SL_LINE_UP);
}

/* ---- frames ---- */

static bool is_end(const struct sl_line_end *end, const struct in6_addr *addr, uint16_t port)
{
    static const struct in6_addr any;
    return (!end->port || end->port == port) &&
           (!memcmp(&end->addr, &any, sizeof(any)) || !memcmp(&end->addr, addr, sizeof(*addr)));
}

static bool is_wanted(const struct source *source, const struct sl_packet_ip *ip,
                      const struct sl_packet_transport *transport)
{
    bool protocol = transport->protocol == IPPROTO_UDP ? source->line->udp : source->line->tcp;
    return protocol && is_end(&source->line->from, &ip->src, transport->src_port) &&
           is_end(&source->line->to, &ip->dst, transport->dst_port);
}

/* Nobody sends faster than we can take: a recorded datagram waits for room.  False: it has to, or its rest. */
static bool push_datagram(struct source *source)
{
    struct sl_packet packet = packet_of(source, source->waiting, source->waiting_len);
    if (!source->waiting_len)
        return true;
    packet.datagram = packet.waits = true;
    packet.resumed = source->resumed;
    uint32_t took = source->config.sink.take(source->config.sink.ctx, &packet);
    if (took > source->waiting_len) /* SL_TAKE_BROKEN */
        took = source->waiting_len;
    source->resumed |= took > 0;
    source->waiting += took;
    source->waiting_len -= took;
    return !source->waiting_len;
}

static void give_datagram(struct source *source, const struct sl_packet_transport *udp)
{
    note_bytes(source, udp->len);
    count(source, SL_RX_DATAGRAMS, 1);
    count(source, udp->len ? SL_RX_DATAGRAMS_USED : SL_RX_DATAGRAMS_MALFORMED, 1);
    source->waiting = udp->data;
    source->waiting_len = udp->len;
    source->resumed = false;
    push_datagram(source);
}

static enum sl_book_rx handle_transport(struct source *source, const struct sl_packet_ip *ip)
{
    struct sl_packet_transport transport;
    enum sl_packet_got got = sl_packet_read_transport(&transport, ip);
    if (got != SL_PACKET_FINE)
        return got == SL_PACKET_OTHER ? SL_RX_PACKETS_OTHER : SL_RX_PACKETS_BAD;
    if (!is_wanted(source, ip, &transport))
        return SL_RX_PACKETS_OTHER;
    if (transport.protocol == IPPROTO_UDP) {
        give_datagram(source, &transport);
    } else {
        source->held = true;
        source->held_ip = *ip;
        source->held_segment = transport;
    }
    return SL_RX_PACKETS_USED;
}

static uint64_t lost_fragments(const struct source *source)
{
    const uint64_t *cnt = source->ipfrag.cnt;
    return cnt[SL_IPFRAG_LATE] + cnt[SL_IPFRAG_CROWDED] + cnt[SL_IPFRAG_OVERLAP] + cnt[SL_IPFRAG_BAD];
}

static enum sl_book_rx handle_fragment(struct source *source, const struct sl_packet_ip *ip)
{
    struct sl_packet_ip whole;
    uint64_t lost = lost_fragments(source);
    enum sl_ipfrag_got got = sl_ipfrag_take(&source->ipfrag, ip, source->stamp_ns, &whole);
    count(source, SL_RX_FRAGMENTS_LOST, lost_fragments(source) - lost);
    if (got == SL_IPFRAG_WHOLE)
        return handle_transport(source, &whole);
    return got == SL_IPFRAG_MORE ? SL_RX_PACKETS_USED : SL_RX_PACKETS_BAD;
}

static void handle(struct source *source, const struct sl_capture_frame *frame)
{
    struct sl_packet_ip ip;
    enum sl_packet_got got = sl_packet_read_ip(&ip, frame->link, frame->data, frame->len);
    enum sl_book_rx col = got == SL_PACKET_OTHER ? SL_RX_PACKETS_OTHER : SL_RX_PACKETS_BAD;
    source->stamp_ns = frame->stamp_ns;
    if (got == SL_PACKET_FINE)
        col = ip.fragment ? handle_fragment(source, &ip) : handle_transport(source, &ip);
    count(source, SL_RX_PACKETS, 1);
    count(source, col, 1);
}

/* ---- the file ---- */

static void end_stream(struct source *source)
{
    source->ending = true;
    sl_tcp_end(&source->tcp);
}

/* What ends early is a packet that was cut short. */
static void note_early_end(struct source *source, const char *why)
{
    sl_say(SL_SAY_WARN, "capture file=%s: ends early: %s", source->path, why);
    count(source, SL_RX_PACKETS, 1);
    count(source, SL_RX_PACKETS_BAD, 1);
}

/* The streams go on in the next file, as who writes captures by pieces cuts them anywhere. */
static void end_file(struct source *source, const char *why)
{
    if (why)
        note_early_end(source, why);
    source->off = source->len = 0;
    while (source->more && *source->more) {
        source->path = *source->more++;
        close(source->fd);
        source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (source->fd >= 0) {
            sl_capture_init(&source->capture);
            return;
        }
        note_early_end(source, strerror(errno));
    }
    end_stream(source);
}

/* A regular file's next bytes, as many as there is room for. */
static void read_more(struct source *source, uint32_t need)
{
    memmove(source->buf, source->buf + source->off, source->len - source->off);
    source->len -= source->off;
    source->off = 0;
    assert(need <= BUF_LEN);
    ssize_t got = read(source->fd, source->buf + source->len, BUF_LEN - source->len);
    if (got < 0 && errno == EINTR)
        return;
    if (got > 0)
        source->len += (uint32_t)got;
    else
        end_file(source, got < 0 ? strerror(errno) : source->len ? "its last record is cut short" : NULL);
}

/* When a frame is to be played; stamps that go back are played at once. */
static int64_t due_of(struct source *source, int64_t stamp_ns, int64_t now_ns)
{
    if (!source->line->speed || !stamp_ns)
        return now_ns;
    if (!source->first_ns) {
        source->first_ns = stamp_ns;
        source->start_ns = now_ns;
    }
    return stamp_ns < source->first_ns ? now_ns
                                       : source->start_ns + (stamp_ns - source->first_ns) / source->line->speed;
}

/* False: nothing more now. */
static bool play_next(struct source *source, int64_t now_ns, int64_t *due_ns)
{
    struct sl_capture_frame frame;
    switch (sl_capture_next(&source->capture, source->buf + source->off, source->len - source->off, &frame)) {
    case SL_CAPTURE_FRAME:
        *due_ns = due_of(source, frame.stamp_ns, now_ns);
        if (*due_ns > now_ns)
            return false;
        source->off += frame.taken;
        handle(source, &frame);
        break;
    case SL_CAPTURE_SKIP:
        source->off += frame.taken;
        break;
    case SL_CAPTURE_MORE:
        read_more(source, frame.need);
        break;
    case SL_CAPTURE_BAD:
        end_file(source, frame.want);
        break;
    }
    return true;
}

/* False: the sink leaves what is offered. */
static bool give_streams(struct source *source)
{
    while (push_datagram(source) && sl_tcp_push(&source->tcp)) {
        if (!source->held)
            return true;
        source->held = !sl_tcp_take(&source->tcp, &source->held_ip, &source->held_segment, source->stamp_ns);
    }
    source->blocked = true;
    return false;
}

static int capture_poll(void *self, int64_t now_ns, bool readable, int64_t *due_ns)
{
    struct source *source = self;
    int did = 0;
    (void)readable;
    source->blocked = false;
    *due_ns = source->ended ? INT64_MAX : now_ns;
    while (!source->ended && give_streams(source) && did < (int)FRAMES) {
        if (source->ending) {
            source->ended = true;
            sl_cell_add(&source->config.books[SL_RX_LINES_UP], -1ull);
            *due_ns = INT64_MAX;
        } else if (!play_next(source, now_ns, due_ns)) {
            break;
        }
        did++;
    }
    return did || !source->blocked ? did : -EAGAIN;
}

static void capture_drain(void *self)
{
    struct source *source = self;
    if (!source->ending)
        end_stream(source);
}

static int capture_fd(const void *self)
{
    (void)self;
    return -1;
}

/* ---- life ---- */

static void capture_fini(void *self)
{
    struct source *source = self;
    if (source->fd >= 0)
        close(source->fd);
    sl_ipfrag_fini(&source->ipfrag);
    sl_tcp_fini(&source->tcp);
    free(source->buf);
    free(source);
}

static int capture_open(void **out, const struct sl_source_config *config, char *err, size_t err_len)
{
    struct source *source = calloc(1, sizeof(*source));
    if (!source)
        return -ENOMEM;
    struct sl_tcp_sink sink = { source, give, open_stream, close_stream, note_gap };
    source->config = *config;
    source->line = &config->line->capture;
    source->path = config->line->path;
    source->more = source->line->more;
    source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    int rc = source->fd < 0 ? -errno : 0;
    if (rc)
        snprintf(err, err_len, "%s: %s", config->line->path, strerror(-rc));
    source->buf = malloc(BUF_LEN);
    if (!rc && !source->buf)
        rc = -ENOMEM;
    if (!rc)
        rc = sl_ipfrag_init(&source->ipfrag);
    if (!rc)
        rc = sl_tcp_init(&source->tcp, &sink);
    if (rc) {
        capture_fini(source);
        return rc;
    }
    sl_capture_init(&source->capture);
    *out = source;
    return 0;
}

const struct sl_source_kind sl_source_capture = {
    .name = "capture",
    .open = capture_open,
    .fini = capture_fini,
    .fd = capture_fd,
    .poll = capture_poll,
    .drain = capture_drain,
};
