/* pipeline/run.h - threads: pinning, the loop, idling, the orderly stop.
 *
 * Life      sl_run_start, sl_run_stop (drains within a bound, joins).
 * Threads   Makes one for each struct sl_thread; start and stop are the control thread's.
 * Errors    0 or -errno.
 * Units     ns.
 *
 * A thread polls its stages in order.  After idle_spin_ns without work it arms its bell, polls once more, and sleeps at
 * most SL_RUN_NAP_NS, the resolution of every timeout in the stages.
 */
#ifndef SL_PIPELINE_RUN_H
#define SL_PIPELINE_RUN_H

#include "pipeline/topo.h"

#define SL_RUN_NAP_NS 10000000ll

struct sl_run;
int sl_run_start(struct sl_run **run, struct sl_walk *walk, int64_t idle_spin_ns, const struct sl_clock *clock);
/* Lines stop; at most drain_ns until all that was framed is answered; then threads end.  True when all was answered. */
bool sl_run_stop(struct sl_run *run, int64_t drain_ns);
/* -errno of a stage that asked to stop, 0 while all run. */
int sl_run_failed(const struct sl_run *run);

#endif
