/* pipeline/round.h - which lane is served next: one fair round over the four lanes.
 *
 *     FLASH x 32, URGENT x 16, NORMAL x 12, BULK x 4;  turns that a lane does not use pass down;
 *     FLASH is asked again before every other turn
 *
 * Threads   A function on the caller's state; decode and desk both serve by it.
 * Units     Turns; what a turn is, the caller says.
 *
 * A lane's own turns are never taken from it, whatever the others bring.  Worst is to come just behind them: then a
 * head waits for the rest of this round, for the turns of the lanes above in the next one, and in both for FLASH that
 * comes meanwhile.  `slugline check` prints what that makes for each lane.
 */
#ifndef SL_PIPELINE_ROUND_H
#define SL_PIPELINE_ROUND_H

#include "parsers/parse.h"

static const uint8_t sl_round_turns[SL_LANE_CNT] = {
    [SL_LANE_FLASH] = 32, [SL_LANE_URGENT] = 16, [SL_LANE_NORMAL] = 12, [SL_LANE_BULK] = 4
};

/* serve: takes one turn in this lane, false when there was nothing to do, or no room to do it.  Returns turns
 * served. */
static inline uint32_t sl_round_serve(void *self, bool (*serve)(void *self, enum sl_lane lane))
{
    uint32_t turns = 0, served = 0, flash_turns = sl_round_turns[SL_LANE_FLASH];

    for (unsigned lane = SL_LANE_FLASH; lane < SL_LANE_CNT; lane++) {
        turns += sl_round_turns[lane];
        while (turns) {
            bool flash = flash_turns && serve(self, SL_LANE_FLASH);
            if (!flash && (lane == SL_LANE_FLASH || !serve(self, lane)))
                break;
            flash_turns -= flash;
            turns -= lane == SL_LANE_FLASH || !flash;
            served++;
        }
    }
    return served;
}

#endif
