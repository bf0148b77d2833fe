/* Frames of any kind, fragments put together: every view lies inside what it was read from.
 *   input: pieces, each a byte of link and clock, two of length, and a frame */
#include "pipeline/ipfrag.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t sum(const uint8_t *data, uint32_t len)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < len; i++)
        total += data[i];
    return total;
}

static uint32_t look_at(const struct sl_packet_ip *ip)
{
    struct sl_packet_transport transport;
    if (sl_packet_read_transport(&transport, ip) != SL_PACKET_FINE)
        return 0;
    assert(transport.data >= ip->payload && transport.data + transport.len <= ip->payload + ip->len);
    return sum(transport.data, transport.len);
}

static uint32_t take(struct sl_ipfrag *ipfrag, enum sl_packet_link link, const uint8_t *bytes, uint32_t len,
                     int64_t now_ns)
{
    uint8_t *frame = malloc(len ? len : 1); /* so that the sanitizer sees a step beyond it */
    struct sl_packet_ip ip, whole;
    uint32_t total = 0;
    assert(frame);
    memcpy(frame, bytes, len);
    if (sl_packet_read_ip(&ip, link, frame, len) == SL_PACKET_FINE) {
        assert(ip.payload >= frame && ip.payload + ip.len <= frame + len);
        if (!ip.fragment)
            total = look_at(&ip);
        else if (sl_ipfrag_take(ipfrag, &ip, now_ns, &whole) == SL_IPFRAG_WHOLE)
            total = sum(whole.payload, whole.len) + look_at(&whole);
    }
    free(frame);
    return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_ipfrag ipfrag;
    volatile uint32_t total = 0;
    int64_t now_ns = 0;
    assert(!sl_ipfrag_init(&ipfrag));
    while (size >= 3) {
        uint32_t len = (uint32_t)(data[1] << 8 | data[2]);
        len = len < size - 3 ? len : (uint32_t)size - 3;
        now_ns += data[0] & 0x80 ? SL_IPFRAG_NS / 2 : 1;
        total += take(&ipfrag, (enum sl_packet_link)(data[0] % (SL_PACKET_LOOP + 1)), data + 3, len, now_ns);
        data += 3 + len;
        size -= 3 + len;
    }
    sl_ipfrag_fini(&ipfrag);
    return 0;
}
