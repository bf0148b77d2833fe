/* pipeline/sinks.h - the supervisor's sinks: a process each, started, watched, and started again.
 *
 * Life      init; start_due now and then; bury for each pid that waitpid gave; stop, then until none is left.
 * Threads   The supervisor's.
 * Owns      The processes.  Each is `slugline sink NAME -c FILE` of this very program, and shares nothing with us.
 * Errors    Said aloud.  A sink that does not live is no reason for the daemon not to.
 * Units     ns of CLOCK_MONOTONIC.
 */
#ifndef SL_PIPELINE_SINKS_H
#define SL_PIPELINE_SINKS_H

#include "pipeline/config.h"

#include <sys/types.h>

struct sl_sinks {
    const struct sl_config *config;
    const char *config_path; /* NULL: there is none that they could read, and so none of them */
    bool stopping;
    int64_t kill_ns; /* 0: not set */
    struct {
        pid_t pid; /* 0: none */
        int64_t start_ns, restart_ns, wait_ns; /* restart_ns 0: not due */
    } each[SL_SINKS_MAX];
};

void sl_sinks_init(struct sl_sinks *sinks, const struct sl_config *config, const char *config_path);
/* before_exec: in the child, what is the parent's alone. */
void sl_sinks_start_due(struct sl_sinks *sinks, int64_t now_ns, void (*before_exec)(void *), void *of);
/* False: it is none of ours. */
bool sl_sinks_bury(struct sl_sinks *sinks, pid_t pid, int status, int64_t now_ns);
void sl_sinks_stop(struct sl_sinks *sinks, int64_t now_ns);
bool sl_sinks_any(const struct sl_sinks *sinks);
bool sl_sinks_due(const struct sl_sinks *sinks); /* one waits to be started, or killed */

#endif
