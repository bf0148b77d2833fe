/* pipeline/supervise.h - the parent: makes memory, sockets and listeners, starts the walk, hands the tape to readers,
 * and starts the walk again when it dies.
 *
 * Life      One call, which returns when the daemon has ended.
 * Threads   One; it maps nothing that is hot.
 * Owns      All descriptors that must outlive a walk.
 * Errors    The exit status: 0 an orderly end, 1 otherwise; what was wrong has been said.
 */
#ifndef SL_PIPELINE_SUPERVISE_H
#define SL_PIPELINE_SUPERVISE_H

#include "pipeline/config.h"

/* config_path: read again on SIGHUP; NULL: there is nothing to read again. */
int sl_supervise(struct sl_config *config, const char *config_path);

#endif
