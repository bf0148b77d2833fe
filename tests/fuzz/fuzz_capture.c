/* Captures of any bytes, through all that reads them: frames, fragments, streams.
 *   input: a seed for how much is taken at once, then the file */
#include "pipeline/capture.h"
#include "pipeline/ipfrag.h"
#include "pipeline/tcp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct ear {
    uint32_t seed, open;
    volatile uint32_t sum;
};

static uint32_t next(struct ear *ear) { return (ear->seed = ear->seed * 1664525u + 1013904223u) >> 24; }

static uint32_t give(void *ctx, uint32_t stream, const uint8_t *data, uint32_t len)
{
    struct ear *ear = ctx;
    assert(len && ear->open >> stream & 1);
    if (next(ear) < 8)
        return SL_TCP_BROKEN;
    len = next(ear) < 64 ? next(ear) % (len + 1) : len;
    for (uint32_t i = 0; i < len; i++)
        ear->sum += data[i];
    return len;
}

static void open_stream(void *ctx, uint32_t stream)
{
    struct ear *ear = ctx;
    assert(!(ear->open >> stream & 1));
    ear->open |= 1u << stream;
}

static void close_stream(void *ctx, uint32_t stream)
{
    struct ear *ear = ctx;
    assert(ear->open >> stream & 1);
    ear->open &= ~(1u << stream);
}

static void gap(void *ctx, uint32_t stream, uint64_t len)
{
    (void)ctx;
    assert(stream < SL_TCP_STREAMS && len);
}

static void push_all(struct sl_tcp *tcp)
{
    unsigned tries = 0;
    while (!sl_tcp_push(tcp))
        assert(++tries < 100000);
}

static void take(struct sl_ipfrag *ipfrag, struct sl_tcp *tcp, const struct sl_capture_frame *frame)
{
    struct sl_packet_ip ip;
    struct sl_packet_transport transport;
    if (sl_packet_read_ip(&ip, frame->link, frame->data, frame->len) != SL_PACKET_FINE)
        return;
    if (ip.fragment && sl_ipfrag_take(ipfrag, &ip, frame->stamp_ns, &ip) != SL_IPFRAG_WHOLE)
        return;
    if (sl_packet_read_transport(&transport, &ip) != SL_PACKET_FINE || transport.protocol != IPPROTO_TCP)
        return;
    for (unsigned tries = 0; !sl_tcp_take(tcp, &ip, &transport, frame->stamp_ns); tries++) {
        assert(tries < 1000);
        push_all(tcp);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_ipfrag ipfrag;
    static struct sl_tcp tcp;
    struct sl_capture capture;
    struct sl_capture_frame frame;
    enum sl_capture_got got = SL_CAPTURE_SKIP;
    if (!size)
        return 0;
    struct ear ear = { .seed = data[0] };
    struct sl_tcp_sink sink = { &ear, give, open_stream, close_stream, gap };
    assert(!sl_ipfrag_init(&ipfrag) && !sl_tcp_init(&tcp, &sink));
    sl_capture_init(&capture);
    for (data++, size--; got == SL_CAPTURE_FRAME || got == SL_CAPTURE_SKIP;) {
        got = sl_capture_next(&capture, data, (uint32_t)size, &frame);
        if (got == SL_CAPTURE_FRAME)
            take(&ipfrag, &tcp, &frame);
        if (got == SL_CAPTURE_FRAME || got == SL_CAPTURE_SKIP) {
            assert(frame.taken && frame.taken <= size);
            data += frame.taken;
            size -= frame.taken;
        }
        sl_tcp_push(&tcp);
    }
    sl_tcp_end(&tcp);
    push_all(&tcp);
    assert(!ear.open);
    sl_tcp_fini(&tcp);
    sl_ipfrag_fini(&ipfrag);
    return 0;
}
