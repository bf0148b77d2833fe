/* tests/pipeline/frames.h - frames, packets and captures, written byte by byte; for tests and the fuzzers. */
#ifndef SL_TESTS_PIPELINE_FRAMES_H
#define SL_TESTS_PIPELINE_FRAMES_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FRAME_CAP (1u << 20)

struct frame { /* bytes that grow at their end; what wraps them is put in front by building inside out */
    uint8_t bytes[FRAME_CAP];
    uint32_t len;
};

static inline void frame_put(struct frame *frame, const void *data, uint32_t len)
{
    assert(len <= FRAME_CAP - frame->len);
    if (len)
        memcpy(frame->bytes + frame->len, data, len);
    frame->len += len;
}

static inline void frame_wrap(struct frame *frame, const void *head, uint32_t len)
{
    assert(len <= FRAME_CAP - frame->len);
    memmove(frame->bytes + len, frame->bytes, frame->len);
    memcpy(frame->bytes, head, len);
    frame->len += len;
}

static inline void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
    put16(at, value >> 16);
    put16(at + 2, value);
}

static inline struct frame *frame_of(struct frame *frame, const void *data, uint32_t len)
{
    frame->len = 0;
    frame_put(frame, data, len);
    return frame;
}

static inline void wrap_udp(struct frame *frame, uint16_t src, uint16_t dst)
{
    uint8_t head[8] = { 0 };
    put16(head, src);
    put16(head + 2, dst);
    put16(head + 4, frame->len + 8);
    frame_wrap(frame, head, sizeof(head));
}

static inline void wrap_tcp(struct frame *frame, uint16_t src, uint16_t dst, uint32_t seq, uint8_t flags)
{
    uint8_t head[24] = { [12] = 6 << 4, [13] = flags, [20] = 1, [21] = 1, [22] = 1 };
    put16(head, src);
    put16(head + 2, dst);
    put32(head + 4, seq);
    frame_wrap(frame, head, sizeof(head));
}

/* off and more: of a fragment; 0 and false of a whole datagram. */
static inline void wrap_ip4(struct frame *frame, uint8_t protocol, uint16_t id, uint32_t off, bool more)
{
    uint8_t head[20] = { 0x45, [8] = 64, [9] = protocol, [12] = 192, 0, 2, 1, 239, 1, 1, 1 };
    put16(head + 2, frame->len + 20);
    put16(head + 4, id);
    put16(head + 6, off / 8 | (more ? 0x2000u : 0));
    frame_wrap(frame, head, sizeof(head));
}

static inline void wrap_fragment6(struct frame *frame, uint8_t next, uint32_t id, uint32_t off, bool more)
{
    uint8_t head[8] = { next };
    put16(head + 2, off | more);
    put32(head + 4, id);
    frame_wrap(frame, head, sizeof(head));
}

static inline void wrap_ip6(struct frame *frame, uint8_t next)
{
    uint8_t head[40] = { 0x60, [6] = next, 64, 0x20, 0x01, 0x0d, 0xb8, [23] = 1, 0xff, 0x02, [39] = 9 };
    put16(head + 4, frame->len);
    frame_wrap(frame, head, sizeof(head));
}

/* vlans: tags before the type. */
static inline void wrap_ethernet(struct frame *frame, uint16_t type, uint32_t vlans)
{
    uint8_t head[14 + 4 * 8] = { 1, 0, 0x5e, 1, 1, 1, 2, 0, 0, 0, 0, 1 };
    for (uint32_t i = 0; i < vlans; i++) {
        put16(head + 12 + 4 * i, i + 1 < vlans ? 0x88a8 : 0x8100);
        put16(head + 14 + 4 * i, 100 + i);
    }
    put16(head + 12 + 4 * vlans, type);
    frame_wrap(frame, head, 14 + 4 * vlans);
}

#endif
