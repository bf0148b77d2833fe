/* Do any datagrams, by two lines and in any order, give each number at most once, count only what came or was named,
 * and end with nothing waiting?
 *
 * The input is a list of steps: a byte says which (a datagram made from the next bytes, raw bytes as a datagram, time
 * that passes, no room for a while). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "pipeline/order.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static unsigned urgency_of(const uint8_t *data, uint32_t len) { return len && data[0] == '!' ? 1 : 4; }
static const struct sl_format format = { .name = "numbers", .peek_urgency = urgency_of };
static const struct sl_feed feed = { .name = "a",
                                     .format = &format,
                                     .framing = SL_FRAMING_MOLDUDP64,
                                     .message_max = 64,
                                     .reorder_ns = 1000,
                                     .park_len = 1024 };
static const struct sl_line_config lines[] = { { .kind = SL_LINE_UDP }, { .kind = SL_LINE_UDP_REQUEST } };

struct seen {
    uint64_t given, gaps, gap_messages;
    bool has_room;
};

static uint32_t take(void *ctx, const struct sl_packet *packet)
{
    struct seen *seen = ctx;
    seen->given++;
    assert(packet->line < 2 && packet->len);
    return packet->len;
}

static bool gap(void *ctx, uint16_t line, uint64_t first, uint64_t cnt)
{
    struct seen *seen = ctx;
    assert(line < 2 && first && cnt);
    if (!seen->has_room)
        return false;
    seen->gaps++;
    seen->gap_messages += cnt;
    return true;
}

static void request(void *ctx, uint16_t feed_idx, const uint8_t *data, uint32_t len)
{
    struct sl_mold header;
    (void)ctx;
    assert(feed_idx == 0 && sl_mold_read(&header, data, len) && header.seq && header.cnt);
}

/* Session, number, count and what is cut off come from four bytes; messages are one byte each. */
static uint32_t make_datagram(uint8_t *packet, const uint8_t *step)
{
    struct sl_mold header = { .session = "a         ", .seq = 1u + step[1] + 16u * (step[2] & 15), .cnt = step[3] & 7 };
    header.session[1] = (uint8_t)('0' + (step[0] & 3));
    if (step[2] == 255)
        header.seq += 1u << 20;
    sl_mold_write(packet, &header);
    uint32_t len = SL_MOLD_HEADER_LEN;
    for (unsigned i = 0; i < header.cnt; i++, len += 3)
        memcpy(packet + len, (const uint8_t[]){ 0, 1, (step[3] >> 5) == i ? '!' : '.' }, 3);
    return step[3] & 8 && len > 1 ? len - 1 : len;
}

static void take_packet(struct sl_order *order, uint16_t line, const uint8_t *data, uint32_t len, int64_t now_ns)
{
    /* A copy with nothing behind it, so that a read beyond its end is seen. */
    uint8_t *packet = malloc(len ? len : 1);
    memcpy(packet, data, len);
    uint32_t taken = sl_order_take(
        order, &(struct sl_packet){ .data = packet, .len = len, .line = line, .datagram = true, .rx_ns = now_ns });
    assert(taken == len || taken == 0 || taken == SL_TAKE_BROKEN);
    free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static _Alignas(128) unsigned char mem[128 * 1024];
    struct seen seen = { .has_room = true };
    struct sl_books books;
    struct sl_order *order;
    int64_t now_ns = 1;
    memset(mem, 0, sizeof(mem));
    assert(sl_books_footprint(1, 1) <= sizeof(mem) && sl_books_new(&books, mem, 1, 1) == 0);
    struct sl_order_config config = {
        .feeds = &feed,
        .feed_cnt = 1,
        .lines = lines,
        .line_cnt = 2,
        .books = &books,
        .sink = {.ctx = &seen, .take = take},
        .gap = gap,
        .request = request
    };
    assert(sl_order_init(&order, &config) == 0);
    for (size_t at = 0; at + 5 <= len; at += 5) {
        uint8_t packet[64];
        uint16_t line = data[at] >> 7;
        switch (data[at] & 7) {
        case 0: {
            uint32_t raw = data[at + 1] & 63, rest = (uint32_t)(len - at - 5);
            take_packet(order, line, data + at + 5, raw < rest ? raw : rest, now_ns);
            break;
        }
        case 1:
            now_ns += data[at + 1] * 16;
            seen.has_room = data[at + 2] & 3;
            sl_order_poll(order, now_ns);
            break;
        default:
            take_packet(order, line, packet, make_datagram(packet, data + at + 1), now_ns);
        }
    }
    seen.has_room = true;
    while (!sl_order_end(order))
        ;
    const sl_cell *rx = sl_books_rx(&books, 0);
    assert(sl_cell_get(&rx[SL_RX_ORDER_GAPS]) == seen.gaps && sl_cell_get(&rx[SL_RX_ORDER_LOST]) == seen.gap_messages);
    assert(sl_cell_get(&rx[SL_RX_ORDER_EXPECTED]) == sl_cell_get(&rx[SL_RX_ORDER_ONCE]) + seen.gap_messages);
    assert(seen.given <= sl_cell_get(&rx[SL_RX_ORDER_ONCE]));
    sl_order_fini(order);
    return 0;
}
