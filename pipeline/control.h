/* pipeline/control.h - the walk as a process, and what the supervisor and it say to each other.
 *
 *     supervisor -- fork --> walk:  READY | FAILED ->      <- SEAT, LEAVE, SILENCE, DRAIN
 *
 * Life      sl_walk_main is the whole life of the child; its return value is its exit status.
 * Threads   The child's first thread talks here and sleeps else; the stages run in threads of their own (run.h).
 * Owns      The descriptors of the memory are the supervisor's; the child inherits the mappings.
 * Errors    FAILED carries the sentence for people.
 * Units     ns.
 *
 * The end of the socket is a message too: the supervisor is gone, and the walk drains and ends.
 */
#ifndef SL_PIPELINE_CONTROL_H
#define SL_PIPELINE_CONTROL_H

#include "pipeline/topo.h"

#define SL_DRAIN_NS 5000000000ll /* how long a stopping walk may take until everything it framed is on the tape */

enum sl_control_what {
    SL_CONTROL_READY,
    SL_CONTROL_FAILED,  /* text */
    SL_CONTROL_SEAT,    /* idx, gates, and the seat's descriptor: look at it from now on */
    SL_CONTROL_LEAVE,   /* idx */
    SL_CONTROL_SILENCE, /* idx of the feed, ns */
    SL_CONTROL_DRAIN,
};

struct sl_control {
    uint32_t what;
    uint32_t idx;
    uint32_t gates;
    int64_t ns;
    char text[512];
};

int sl_walk_main(const struct sl_config *config, const struct sl_topo *topo, const struct sl_walk_memory *memory,
                 const struct sl_crash_note *crashed, uint32_t crashed_cnt, int control_fd);

#endif
