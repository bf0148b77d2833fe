#include "pipeline/tcp.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST (1ull << 32) /* so that a position before the first can be told */

int sl_tcp_init(struct sl_tcp *tcp, const struct sl_tcp_sink *sink)
{
    memset(tcp, 0, sizeof(*tcp));
    tcp->sink = *sink;
    tcp->windows = malloc((size_t)SL_TCP_STREAMS * SL_TCP_WINDOW);
    return tcp->windows ? 0 : -ENOMEM;
}

void sl_tcp_fini(struct sl_tcp *tcp)
{
    free(tcp->windows);
    tcp->windows = NULL;
}

static uint32_t idx_of(const struct sl_tcp *tcp, const struct sl_tcp_stream *stream)
{
    return (uint32_t)(stream - tcp->streams);
}

static uint64_t position_of(const struct sl_tcp_stream *stream, uint32_t seq)
{
    return stream->next + (uint64_t)(int64_t)(int32_t)(seq - (uint32_t)stream->next);
}

static bool is_of(const struct sl_tcp_stream *stream, const struct sl_packet_ip *ip,
                  const struct sl_packet_transport *segment)
{
    return stream->used && stream->src_port == segment->src_port && stream->dst_port == segment->dst_port &&
           !memcmp(&stream->src, &ip->src, sizeof(ip->src)) && !memcmp(&stream->dst, &ip->dst, sizeof(ip->dst));
}

static struct sl_tcp_stream *find(struct sl_tcp *tcp, const struct sl_packet_ip *ip,
                                  const struct sl_packet_transport *segment)
{
    for (uint32_t i = 0; i < SL_TCP_STREAMS; i++)
        if (is_of(&tcp->streams[i], ip, segment))
            return &tcp->streams[i];
    return NULL;
}

/* NULL: there is none until the one that was silent for longest has been closed. */
static struct sl_tcp_stream *begin(struct sl_tcp *tcp, const struct sl_packet_ip *ip,
                                   const struct sl_packet_transport *segment)
{
    struct sl_tcp_stream *oldest = tcp->streams;
    for (struct sl_tcp_stream *stream = tcp->streams; stream < tcp->streams + SL_TCP_STREAMS; stream++) {
        if (stream->used) {
            oldest = stream->last_ns < oldest->last_ns ? stream : oldest;
            continue;
        }
        uint64_t first = FIRST + segment->seq + (segment->flags & SL_TCP_SYN ? 1 : 0);
        *stream = (struct sl_tcp_stream){
            .used = true,
            .src = ip->src,
            .dst = ip->dst,
            .src_port = segment->src_port,
            .dst_port = segment->dst_port,
            .next = first,
            .start = first,
            .window = tcp->windows + (size_t)idx_of(tcp, stream) * SL_TCP_WINDOW,
        };
        return stream;
    }
    oldest->closing = true;
    return NULL;
}

/* ---- the window ---- */

static void copy_in(struct sl_tcp_stream *stream, uint64_t start, const uint8_t *data, uint64_t len)
{
    uint64_t at = start % SL_TCP_WINDOW, first = SL_TCP_WINDOW - at < len ? SL_TCP_WINDOW - at : len;
    memcpy(stream->window + at, data, first);
    memcpy(stream->window, data + first, len - first);
}

/* Copies those bytes of start .. end that no piece has, and makes one piece of all that then touch.  False: a piece
 * too many. */
static bool put(struct sl_tcp_stream *stream, uint64_t start, uint64_t end, const uint8_t *data)
{
    uint32_t first = 0, after;
    while (first < stream->piece_cnt && stream->pieces[first].end < start)
        first++;
    for (after = first; after < stream->piece_cnt && stream->pieces[after].start <= end;)
        after++;
    if (first == after && stream->piece_cnt == SL_TCP_PIECES)
        return false;
    struct sl_tcp_piece joined = { start, end };
    uint64_t at = start;
    for (uint32_t i = first; i < after; i++) {
        const struct sl_tcp_piece *piece = &stream->pieces[i];
        if (at < piece->start)
            copy_in(stream, at, data + (at - start), piece->start - at);
        at = piece->end > at ? piece->end : at;
        joined.start = piece->start < joined.start ? piece->start : joined.start;
        joined.end = piece->end > joined.end ? piece->end : joined.end;
    }
    if (at < end)
        copy_in(stream, at, data + (at - start), end - at);
    memmove(&stream->pieces[first + 1], &stream->pieces[after],
            (stream->piece_cnt - after) * sizeof(stream->pieces[0]));
    stream->pieces[first] = joined;
    stream->piece_cnt = stream->piece_cnt - after + first + 1;
    return true;
}

/* The bytes before the first piece will not come any more. */
static void skip_hole(struct sl_tcp *tcp, struct sl_tcp_stream *stream, uint64_t to)
{
    uint64_t len = to - stream->next;
    stream->next = to;
    stream->hole_ns = 0;
    if (len && !stream->broken)
        tcp->sink.gap(tcp->sink.ctx, idx_of(tcp, stream), len);
}

static bool has_hole(const struct sl_tcp_stream *stream)
{
    return stream->piece_cnt && stream->pieces[0].start != stream->next;
}

static bool take_data(struct sl_tcp *tcp, struct sl_tcp_stream *stream, uint64_t start, const uint8_t *data,
                      uint64_t len, int64_t now_ns)
{
    uint64_t end = start + len;
    if (end <= stream->next || stream->broken || (stream->has_fin && start >= stream->fin))
        return true;
    if (start < stream->next) {
        data += stream->next - start;
        start = stream->next;
    }
    if (end - stream->next > SL_TCP_WINDOW || !put(stream, start, end, data)) {
        if (has_hole(stream))
            skip_hole(tcp, stream, stream->pieces[0].start);
        else if (!stream->piece_cnt)
            skip_hole(tcp, stream, start);
        return false;
    }
    if (!has_hole(stream))
        stream->hole_ns = 0;
    else if (!stream->hole_ns)
        stream->hole_ns = now_ns ? now_ns : 1;
    return true;
}

static void give_up_old_holes(struct sl_tcp *tcp, int64_t now_ns)
{
    for (struct sl_tcp_stream *stream = tcp->streams; stream < tcp->streams + SL_TCP_STREAMS; stream++)
        if (stream->used && stream->hole_ns && has_hole(stream) && now_ns - stream->hole_ns > SL_TCP_HOLE_NS)
            skip_hole(tcp, stream, stream->pieces[0].start);
}

bool sl_tcp_take(struct sl_tcp *tcp, const struct sl_packet_ip *ip, const struct sl_packet_transport *segment,
                 int64_t now_ns)
{
    struct sl_tcp_stream *stream = find(tcp, ip, segment);
    give_up_old_holes(tcp, now_ns);
    if (stream && stream->closing)
        return false;
    if (stream && segment->flags & SL_TCP_SYN && segment->seq + 1 != (uint32_t)stream->start) {
        stream->closing = true; /* the same two ends, another connection */
        return false;
    }
    if (!stream && !segment->len && !(segment->flags & SL_TCP_SYN))
        return true;
    if (!stream)
        stream = begin(tcp, ip, segment);
    if (!stream)
        return false;
    stream->last_ns = now_ns;
    uint64_t start = position_of(stream, segment->seq + (segment->flags & SL_TCP_SYN ? 1u : 0u));
    if (segment->len > SL_TCP_WINDOW)
        return true; /* longer than any frame of a capture */
    if (segment->len && !take_data(tcp, stream, start, segment->data, segment->len, now_ns))
        return false;
    if (segment->flags & SL_TCP_FIN) {
        stream->has_fin = true;
        stream->fin = start + segment->len;
    }
    stream->closing |= (segment->flags & SL_TCP_RST) != 0;
    return true;
}

/* ---- giving ---- */

static bool give_piece(struct sl_tcp *tcp, struct sl_tcp_stream *stream)
{
    struct sl_tcp_piece *piece = &stream->pieces[0];
    while (stream->next < piece->end) {
        uint64_t at = stream->next % SL_TCP_WINDOW, len = piece->end - stream->next;
        len = len < SL_TCP_WINDOW - at ? len : SL_TCP_WINDOW - at;
        uint32_t took = (uint32_t)len;
        if (!stream->broken)
            took = tcp->sink.give(tcp->sink.ctx, idx_of(tcp, stream), stream->window + at, (uint32_t)len);
        if (took == SL_TCP_BROKEN) {
            stream->broken = true;
            continue;
        }
        assert(took <= len);
        stream->next = piece->start = stream->next + took;
        if (took < len)
            return false;
    }
    stream->piece_cnt--;
    memmove(piece, piece + 1, stream->piece_cnt * sizeof(*piece));
    return true;
}

static bool push_stream(struct sl_tcp *tcp, struct sl_tcp_stream *stream)
{
    while (stream->piece_cnt) {
        if (has_hole(stream)) {
            if (!stream->closing)
                return true;
            skip_hole(tcp, stream, stream->pieces[0].start);
        }
        if (!stream->opened)
            tcp->sink.open(tcp->sink.ctx, idx_of(tcp, stream));
        stream->opened = true;
        if (!give_piece(tcp, stream))
            return false;
    }
    if (stream->closing || (stream->has_fin && stream->next >= stream->fin)) {
        if (stream->opened)
            tcp->sink.close(tcp->sink.ctx, idx_of(tcp, stream));
        stream->used = false;
    }
    return true;
}

bool sl_tcp_push(struct sl_tcp *tcp)
{
    bool all = true;
    for (uint32_t i = 0; i < SL_TCP_STREAMS; i++)
        if (tcp->streams[i].used && !push_stream(tcp, &tcp->streams[i]))
            all = false;
    return all;
}

void sl_tcp_end(struct sl_tcp *tcp)
{
    for (uint32_t i = 0; i < SL_TCP_STREAMS; i++)
        tcp->streams[i].closing = true;
}
