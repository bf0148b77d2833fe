/* tests/pipeline/units.h - a stream through a framer in pieces, and the units that came out; for tests and the fuzzer.
 * */
#ifndef SL_TESTS_PIPELINE_UNITS_H
#define SL_TESTS_PIPELINE_UNITS_H

#include "pipeline/framing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_MAX 4096u

struct found_unit {
    uint32_t off, len; /* in bytes */
    enum sl_cut cut;
};

struct units {
    struct sl_framer framer;
    struct found_unit unit[UNITS_MAX];
    uint32_t cnt;
    uint8_t *bytes; /* of all units, one behind the other */
    uint32_t bytes_len, bytes_cap;
    uint32_t open; /* where in bytes the open unit starts */
    uint64_t fill, eaten;
    bool broken;
};

static inline void units_init(struct units *units, enum sl_framing framing, uint32_t message_max, uint32_t len)
{
    memset(units, 0, sizeof(*units));
    sl_framer_init(&units->framer, framing, message_max);
    units->bytes_cap = len + SL_CARRY_MAX;
    units->bytes = malloc(units->bytes_cap);
    assert(units->bytes);
}

static inline void units_fini(struct units *units) { free(units->bytes); }

/* What frame does with a step, without rings; asserts that the step keeps its bounds. */
static inline void units_take(struct units *units, const uint8_t *data, uint32_t len, const struct sl_framed *framed)
{
    assert(framed->taken <= len && framed->off <= framed->taken && framed->len <= framed->taken - framed->off);
    assert(framed->taken || framed->end != SL_FRAMED_MORE || !len);
    assert(framed->len <= units->bytes_cap - units->bytes_len);
    if (framed->len)
        memcpy(units->bytes + units->bytes_len, data + framed->off, framed->len);
    sl_framed_unmask(units->bytes + units->bytes_len, framed);
    units->bytes_len += framed->len;
    units->fill += framed->fill;
    units->eaten += framed->taken;
    assert(units->bytes_len - units->open <= units->framer.message_max);
    switch (framed->end) {
    case SL_FRAMED_MORE:
        return;
    case SL_FRAMED_WHOLE:
    case SL_FRAMED_CUT:
        assert((framed->end == SL_FRAMED_CUT) == (framed->cut != SL_CUT_NOT));
        assert(framed->trim <= units->bytes_len - units->open);
        units->bytes_len -= framed->trim;
        assert(units->bytes_len > units->open && units->cnt < UNITS_MAX);
        units->unit[units->cnt++] =
            (struct found_unit){ .off = units->open, .len = units->bytes_len - units->open, .cut = framed->cut };
        break;
    case SL_FRAMED_NOTHING:
        units->bytes_len = units->open;
        break;
    case SL_FRAMED_BROKEN:
        units->broken = true;
        break;
    }
    units->open = units->bytes_len;
    assert(framed->carry <= SL_CARRY_MAX && units->bytes_cap - units->bytes_len >= framed->carry);
    memcpy(units->bytes + units->bytes_len, sl_framer_carried(&units->framer), framed->carry);
    units->bytes_len += framed->carry;
}

static inline void units_feed(struct units *units, const uint8_t *data, uint32_t len)
{
    /* A piece of its own, so that the sanitizer sees a step that reads past it. */
    uint8_t *piece = malloc(len ? len : 1);
    assert(piece);
    if (len)
        memcpy(piece, data, len);
    for (uint32_t at = 0; at < len && !units->broken;) {
        struct sl_framed framed;
        sl_framer_step(&units->framer, piece + at, len - at, &framed);
        units_take(units, piece + at, len - at, &framed);
        at += framed.taken;
    }
    free(piece);
}

static inline void units_end(struct units *units, enum sl_framing_end why)
{
    struct sl_framed framed;
    sl_framer_end(&units->framer, why, &framed);
    units_take(units, NULL, 0, &framed);
}

static inline bool units_same(const struct units *a, const struct units *b)
{
    return a->cnt == b->cnt && a->broken == b->broken && a->fill == b->fill && a->bytes_len == b->bytes_len &&
           !memcmp(a->unit, b->unit, a->cnt * sizeof(a->unit[0])) && !memcmp(a->bytes, b->bytes, a->bytes_len);
}

/* Whatever was taken is in a unit or was filling. */
static inline bool units_add_up(const struct units *units) { return units->eaten == units->fill + units->bytes_len; }

#endif
