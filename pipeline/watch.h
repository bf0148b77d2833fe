/* pipeline/watch.h - a descriptor for somebody's epoll loop that turns readable when a log has something new.
 *
 *     log's futex --> [ thread ] --> eventfd --+
 *     the daemon's connection -----------------+--> fd
 *     time to look for the daemon again -------+
 *
 * Life      new, socket, arm ..., delete.  The thread starts with the first arm.
 * Threads   The reader's, and the one in here, which touches only its own copy of the log's handle, and the seat's
 *           asleep.
 * Owns      Everything; borrows the log's memory and the seat from arm until disarm or delete returned.
 * Errors    0 or -errno.
 * Units     ns.
 */
#ifndef SL_PIPELINE_WATCH_H
#define SL_PIPELINE_WATCH_H

#include "ring/log.h"

struct sl_watch;

int sl_watch_new(struct sl_watch **watch);
int sl_watch_fd(const struct sl_watch *watch);
/* Its end makes fd readable; closing it takes it off. */
int sl_watch_socket(struct sl_watch *watch, int sock);
/* fd turns readable after this long. */
int sl_watch_timer(struct sl_watch *watch, int64_t ns);
/* 1: there is something behind rx->next_seq already, and nothing is armed.  0: armed. */
int sl_watch_arm(struct sl_watch *watch, const struct sl_log_rx *rx, struct sl_seat *seat);
/* Returns when the thread looks at the log no more; at most 100 ms. */
void sl_watch_disarm(struct sl_watch *watch);
bool sl_watch_started(const struct sl_watch *watch); /* the thread has the seat's sleep for good */
/* Sleeps until fd is readable.  0 also when the time is up; -EINTR. */
int sl_watch_wait(struct sl_watch *watch, int64_t timeout_ns);
void sl_watch_delete(struct sl_watch *watch); /* NULL: nothing */

#endif
