#include "pipeline/framing_steps.h"

#include <assert.h>

enum { FIN = 0x80, RESERVED = 0x70, OPCODE = 0x0f, MASKED = 0x80 };
enum { CONTINUATION = 0, TEXT = 1, BINARY = 2, CONTROL = 8, PONG = 10 };

#define HTTP_MAX    8192u /* of the head with which both sides agree on the websocket */
#define CONTROL_MAX 125u

/* Past the answer "HTTP/1.1 101 ...", or the question "GET ...", that a stream may begin with: up to its empty line. */
static uint32_t skip_http(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    static const uint8_t end[] = { '\r', '\n', '\r', '\n' };
    uint32_t at = 0;
    if (!framer->websocket.begun)
        framer->websocket.in_http = data[0] == 'H' || data[0] == 'G';
    framer->websocket.begun = true;
    for (; framer->websocket.in_http && at < len; at++) {
        uint8_t matched = framer->websocket.matched;
        framer->websocket.matched = data[at] == end[matched] ? matched + 1 : data[at] == '\r';
        if (framer->websocket.matched == sizeof(end))
            framer->websocket.in_http = false;
        else if (++framer->websocket.http_len == HTTP_MAX)
            framed->end = SL_FRAMED_BROKEN;
        if (framed->end == SL_FRAMED_BROKEN)
            return at + 1;
    }
    return at;
}

/* What the first two bytes of a frame may be here. */
static bool is_sound(const struct sl_framer *framer)
{
    uint8_t first = framer->websocket.head[0], len = framer->websocket.head[1] & ~MASKED, opcode = first & OPCODE;
    if (first & RESERVED || (opcode > BINARY && opcode < CONTROL) || opcode > PONG)
        return false;
    if (opcode >= CONTROL)
        return first & FIN && len <= CONTROL_MAX;
    return (opcode == CONTINUATION) == framer->websocket.open;
}

static uint32_t head_len_of(const struct sl_framer *framer)
{
    uint8_t len = framer->websocket.head[1] & ~MASKED;
    uint32_t mask_len = framer->websocket.head[1] & MASKED ? 4 : 0;
    return 2 + (len == 127 ? 8 : len == 126 ? 2 : 0) + mask_len;
}

/* The frame's head is whole.  False: its length is none. */
static bool begin_frame(struct sl_framer *framer, uint32_t head_len)
{
    const uint8_t *head = framer->websocket.head;
    bool masked = head[1] & MASKED;
    uint32_t at = 2, end = head_len - (masked ? 4 : 0);
    uint64_t need = 0;
    while (at < end)
        need = need << 8 | head[at++];
    if (at == 2)
        need = head[1] & ~MASKED;
    if (need >> 63)
        return false;
    memset(framer->websocket.mask, 0, sizeof(framer->websocket.mask));
    if (masked)
        memcpy(framer->websocket.mask, head + end, sizeof(framer->websocket.mask));
    framer->websocket.masked = masked;
    framer->websocket.need = need;
    framer->websocket.in_frame = true;
    framer->websocket.head_len = 0;
    framer->websocket.control = (head[0] & OPCODE) >= CONTROL;
    if (framer->websocket.control)
        return true;
    framer->websocket.fin = head[0] & FIN;
    framer->websocket.open = true;
    if (framer->state == SL_FRAMER_BETWEEN)
        framer->state = SL_FRAMER_TEXT;
    return true;
}

static uint32_t read_head(struct sl_framer *framer, const uint8_t *data, uint32_t at, uint32_t len,
                          struct sl_framed *framed)
{
    while (at < len && !framer->websocket.in_frame) {
        framer->websocket.head[framer->websocket.head_len++] = data[at++];
        uint32_t so_far = framer->websocket.head_len;
        if (so_far < 2)
            continue;
        bool sound = is_sound(framer);
        if (sound && so_far == head_len_of(framer))
            sound = begin_frame(framer, so_far);
        if (!sound) {
            framer->head_len = (uint8_t)sl_framing_min(so_far, sizeof(framer->head));
            memcpy(framer->head, framer->websocket.head, framer->head_len);
            framed->end = SL_FRAMED_BROKEN;
            return at;
        }
    }
    return at;
}

/* The mask turns with every byte that it was laid over. */
static void pass(struct sl_framer *framer, uint32_t len)
{
    uint8_t mask[8];
    memcpy(mask, framer->websocket.mask, 4);
    memcpy(mask + 4, mask, 4);
    memcpy(framer->websocket.mask, mask + len % 4, 4);
    framer->websocket.need -= len;
}

/* The unit's bytes of this frame, from at. */
static uint32_t take_payload(struct sl_framer *framer, uint32_t at, uint32_t run, struct sl_framed *framed)
{
    uint32_t room = framer->message_max - framer->len;
    framed->off = at;
    framed->len = sl_framing_min(run, room);
    framed->masked = framer->websocket.masked;
    memcpy(framed->mask, framer->websocket.mask, sizeof(framed->mask));
    pass(framer, framed->len);
    if (run > room)
        sl_framing_cut_unit(framer, framed, SL_CUT_TOO_LONG, SL_FRAMER_SKIP);
    return at + framed->len;
}

static void end_frame(struct sl_framer *framer, struct sl_framed *framed)
{
    framer->websocket.in_frame = false;
    if (framer->websocket.control || !framer->websocket.fin)
        return;
    framer->websocket.open = false;
    if (framer->state == SL_FRAMER_SKIP || framer->len + framed->len == 0)
        framer->state = SL_FRAMER_BETWEEN;
    else
        sl_framing_end_unit(framer, framed, SL_FRAMED_WHOLE, SL_FRAMER_BETWEEN);
}

void sl_framing_step_websocket(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = skip_http(framer, data, len, framed);
    while (framed->end == SL_FRAMED_MORE && !framed->len) {
        at = read_head(framer, data, at, len, framed);
        if (!framer->websocket.in_frame)
            break;
        uint64_t need = framer->websocket.need;
        uint32_t run = need < len - at ? (uint32_t)need : len - at;
        if (run && (framer->websocket.control || framer->state == SL_FRAMER_SKIP)) {
            pass(framer, run);
            at += run;
        } else if (run) {
            at = take_payload(framer, at, run, framed);
        }
        if (!framer->websocket.need && framed->end == SL_FRAMED_MORE)
            end_frame(framer, framed);
        else if (at == len)
            break;
    }
    if (!framed->len)
        framed->off = at;
    framed->fill = framed->off;
    framed->taken = at;
}
