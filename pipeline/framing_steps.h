/* pipeline/framing_steps.h - what the framing machines share; nobody but framing*.c includes this.
 *
 * Threads   One.
 */
#ifndef SL_PIPELINE_FRAMING_STEPS_H
#define SL_PIPELINE_FRAMING_STEPS_H

#include "pipeline/framing.h"

#include <string.h>

static inline uint32_t sl_framing_min(uint32_t a, uint32_t b) { return a < b ? a : b; }

static inline void sl_framing_end_unit(struct sl_framer *framer, struct sl_framed *framed, enum sl_framed_end end,
                                       enum sl_framer_state state)
{
    framed->end = end;
    framer->state = state;
    framer->len = framer->trailer = 0;
    framer->ends_in_cr = false;
}

static inline void sl_framing_cut_unit(struct sl_framer *framer, struct sl_framed *framed, enum sl_cut cut,
                                       enum sl_framer_state state)
{
    framed->cut = cut;
    sl_framing_end_unit(framer, framed, SL_FRAMED_CUT, state);
}

/* Text has hardly a byte below a blank, and eight bytes at once are quickly seen to have none.  low is below 128. */
static inline bool sl_framing_has_below(const uint8_t *at, uint8_t low)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return (word - low * ones) & ~word & tops;
}

/* XML, MIME, ZCZC with WMO, and WEBSOCKET, each in a file of its own.  forget_start: the bytes so far have gone into
 * a unit that is over, so that the start of another that they might have been is none. */
void sl_framing_step_xml(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed);
bool sl_framing_xml_is_empty(const struct sl_framer *framer); /* the open unit has only comments and the like */
void sl_framing_xml_forget_start(struct sl_framer *framer);
void sl_framing_step_mime(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed);
void sl_framing_step_marks(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed);
void sl_framing_step_websocket(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed);
/* As forget_start. */
void sl_framing_marks_forget(struct sl_framer *framer);
extern const uint8_t sl_framing_xml_start[5];

#endif
