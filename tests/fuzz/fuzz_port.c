/* Frames of any kind from a port: every one is counted once, what is handed on lies inside what was lent, and what we
 * say to the switch is a packet.
 *   input: pieces, each a byte of flags and clock, two of length, and a frame */
#include "pipeline/config.h"
#include "pipeline/igmp.h"
#include "pipeline/port.h"
#include "pipeline/source.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sl_port {
    const uint8_t *data;
    size_t size;
    uint8_t *lent;
    uint32_t lent_len;
    uint64_t frame_cnt;
    int64_t now_ns;
};

static struct sl_port port;
static volatile uint32_t total;

static int port_open(struct sl_port **out, const struct sl_port_config *config, char *err, size_t err_len)
{
    (void)config, (void)err, (void)err_len;
    *out = &port;
    return 0;
}

static void port_close(struct sl_port *self) { assert(!self->lent); }

static struct sl_port_facts port_facts(const struct sl_port *self)
{
    (void)self;
    return (struct sl_port_facts){
        .queue_cnt = 1, .mac = {2, 0, 0, 0, 0, 7}
    };
}

static enum sl_port_hearing port_hear(struct sl_port *self, const uint8_t (*macs)[6], uint32_t cnt)
{
    (void)self, (void)macs, (void)cnt;
    return SL_PORT_HEARS_LIST;
}

static void port_begin(struct sl_port *self) { (void)self; }

/* One frame each, in memory of its own, so that the sanitizer sees a step beyond it. */
static uint32_t port_burst(struct sl_port *self, uint32_t queue, struct sl_port_frame frames[SL_PORT_BURST])
{
    assert(!queue && !self->lent);
    if (self->size < 3)
        return 0;
    uint8_t flags = self->data[0];
    uint32_t len = (uint32_t)(self->data[1] << 8 | self->data[2]);
    len = len < self->size - 3 ? len : (uint32_t)self->size - 3;
    self->lent = malloc(len ? len : 1);
    assert(self->lent);
    memcpy(self->lent, self->data + 3, len);
    self->lent_len = len;
    self->data += 3 + len;
    self->size -= 3 + len;
    self->now_ns += flags & 0x80 ? 500000000 : 1000;
    self->frame_cnt++;
    frames[0] = (struct sl_port_frame){ .data = self->lent, .len = len, .flags = flags & 31 };
    return 1;
}

static void port_release(struct sl_port *self)
{
    free(self->lent);
    self->lent = NULL;
}

static uint32_t port_send(struct sl_port *self, const struct sl_port_out *out, uint32_t cnt)
{
    struct sl_packet_ip ip;
    (void)self;
    assert(cnt == 1 && out->len <= SL_IGMP_FRAME_MAX);
    assert(sl_packet_read_ip(&ip, SL_PACKET_ETHERNET, out->data, out->len) == SL_PACKET_FINE &&
           sl_packet_head_sums(&ip));
    return cnt;
}

static struct sl_port_counts port_counts(struct sl_port *self)
{
    (void)self;
    return (struct sl_port_counts){ 0 };
}

static const struct sl_port_way fake = {
    .abi = SL_PORT_ABI,
    .open = port_open,
    .close = port_close,
    .facts = port_facts,
    .hear = port_hear,
    .begin = port_begin,
    .burst = port_burst,
    .release = port_release,
    .send = port_send,
    .counts = port_counts,
};

static uint32_t take(void *ctx, const struct sl_packet *packet)
{
    (void)ctx;
    for (uint32_t i = 0; i < packet->len; i++)
        total += packet->data[i];
    return packet->len;
}

static void hear_nothing(void *ctx, uint16_t line, uint16_t conn, enum sl_line_event event)
{
    (void)ctx, (void)line, (void)conn, (void)event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const urls[2] = { "dpdk://p/239.1.1.1:5001", "dpdk://p/[ff02::9]:5001" };
    static _Alignas(128) unsigned char mem[256 * 1024];
    struct sl_line_config lines[2];
    struct sl_books books;
    void *sources[2];
    char err[256];
    int64_t due_ns;
    assert(sl_books_footprint(1, 1) <= sizeof(mem) && !sl_books_new(&books, mem, 1, 1));
    sl_port_replace(&fake);
    port = (struct sl_port){ .data = data, .size = size, .now_ns = 1 };
    for (uint32_t i = 0; i < 2; i++) {
        struct sl_source_config config = {
            .line = &lines[i],
            .line_idx = (uint16_t)i,
            .sink = {NULL, take, hear_nothing},
            .books = sl_books_rx(&books, 0)
        };
        assert(!sl_config_line(&lines[i], urls[i], err, sizeof(err)));
        assert(!sl_source_dpdk.open(&sources[i], &config, err, sizeof(err)));
    }
    while (sl_source_dpdk.poll(sources[0], port.now_ns, false, &due_ns) > 0)
        sl_source_dpdk.poll(sources[1], port.now_ns, false, &due_ns);
    const sl_cell *rx = sl_books_rx(&books, 0);
    uint64_t bad = sl_cell_get(&rx[SL_RX_PACKETS_BAD]), layers = 0;
    for (unsigned layer = 0; layer < SL_BOOK_LAYER_CNT; layer++)
        layers += sl_cell_get(&rx[SL_RX_BAD_LAYER + layer]);
    assert(sl_cell_get(&rx[SL_RX_PACKETS]) == port.frame_cnt && bad == layers);
    assert(sl_cell_get(&rx[SL_RX_PACKETS_USED]) + sl_cell_get(&rx[SL_RX_PACKETS_OTHER]) + bad == port.frame_cnt);
    for (uint32_t i = 0; i < 2; i++)
        sl_source_dpdk.fini(sources[i]);
    return 0;
}
