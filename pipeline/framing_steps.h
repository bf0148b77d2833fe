/* pipeline/framing_steps.h - what the framing machines share; nobody but framing*.c includes this.
 *
 * Threads   One.
 */
#ifndef SL_PIPELINE_FRAMING_STEPS_H
#define SL_PIPELINE_FRAMING_STEPS_H

#include "pipeline/framing.h"

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

/* XML and MIME, each in a file of its own.  forget_start: the bytes so far have gone into a unit that is over, so that
 * the start of another that they might have been is none. */
void sl_framing_step_xml(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed);
bool sl_framing_xml_is_empty(const struct sl_framer *framer); /* the open unit has only comments and the like */
void sl_framing_xml_forget_start(struct sl_framer *framer);
void sl_framing_step_mime(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed);

#endif
