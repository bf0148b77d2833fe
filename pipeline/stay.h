/* pipeline/stay.h - a reader's time with one walk: the memory that it was handed, mapped and joined.
 *
 * Life      open, close.  What a walk published stays readable here after its end.
 * Threads   One.
 * Owns      The connection and the mappings.
 * Errors    sl_visit_open's and sl_visit_map's; -EPROTO what came is no tape of that walk.
 */
#ifndef SL_PIPELINE_STAY_H
#define SL_PIPELINE_STAY_H

#include "pipeline/visit.h"
#include "ring/log.h"
#include "ring/mem.h"

struct sl_stay {
    struct sl_visit visit;
    struct sl_mem tape_mem, seat_mem, raw_mem;
    struct sl_log_rx tape, raw;
    struct sl_seat *seat;
    uint64_t epoch;
};

/* flags: enum sl_hello_flag.  answered: a failure is the daemon's own word, not that of the way there. */
int sl_stay_open(struct sl_stay **stay, const char *socket, unsigned flags, const char *name, bool *answered);
void sl_stay_close(struct sl_stay *stay); /* NULL: nothing */

#endif
