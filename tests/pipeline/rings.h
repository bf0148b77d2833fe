/* tests/pipeline/rings.h - one decoder's rings, made by hand. */
#ifndef SL_TESTS_PIPELINE_RINGS_H
#define SL_TESTS_PIPELINE_RINGS_H

#include "pipeline/stages.h"

#include <stdlib.h>
#include <string.h>

static inline void *new_ring(uint32_t len)
{
    void *mem =
        aligned_alloc(SL_SPSC_ALIGN, (sl_spsc_footprint(len) + SL_SPSC_ALIGN - 1) & ~(size_t)(SL_SPSC_ALIGN - 1));
    assert(mem && !sl_spsc_new(mem, len));
    return mem;
}

/* A decoder's rings in all lanes, and frame's end of them. */
struct rings {
    struct sl_decoder_rings of;
    struct sl_spsc_tx messages[SL_LANE_CNT];
};

static inline struct rings new_rings(uint32_t message_len, uint32_t answer_len)
{
    struct rings rings;
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        rings.of.lane[lane] = (struct sl_lane_rings){ new_ring(message_len), new_ring(answer_len) };
        assert(!sl_spsc_join_tx(&rings.messages[lane], rings.of.lane[lane].message));
    }
    return rings;
}

static inline void free_rings(struct rings *rings)
{
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        free(rings->of.lane[lane].message);
        free(rings->of.lane[lane].answer);
    }
}

/* What frame does, into message.lane: false when there is no room.  message.len bytes follow it. */
static inline bool put_message(struct rings *rings, struct sl_message message, const void *bytes)
{
    struct sl_spsc_tx *tx = &rings->messages[message.lane];
    struct sl_message *room = sl_spsc_claim(tx, (uint32_t)sizeof(message) + message.len);
    if (!room)
        return false;
    *room = message;
    memcpy(room + 1, bytes, message.len);
    sl_spsc_commit(tx, (uint32_t)sizeof(message) + message.len);
    sl_spsc_flush(tx);
    return true;
}

#endif
