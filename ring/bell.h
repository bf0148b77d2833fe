/* ring/bell.h - one thread sleeps until others have work for it.
 *
 *     sleeper: arm -> look once more -> (disarm | wait)         ringer: publish work -> ring
 *
 * Life      init, fini.  Lives in memory of one process.
 * Threads   One sleeper; any number of ringers.
 * Owns      fd, an eventfd, so that a sleeper can wait on it together with sockets.
 * Errors    0 or -errno.
 * Order     WAKE  arm -> full fence -> look;  publish -> full fence -> ring.  Either the ringer sees the arm, or the
 *                 sleeper sees the work (tests/model/wake.pml).
 *
 * Ringing a thread that is awake costs a fence and a load; only an armed bell costs a system call.
 */
#ifndef SL_RING_BELL_H
#define SL_RING_BELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct sl_bell {
    _Alignas(128) _Atomic uint32_t armed; /* written by the sleeper at arm, cleared by whoever rings or disarms */
    int fd;
};

int sl_bell_init(struct sl_bell *bell);
void sl_bell_fini(struct sl_bell *bell);

void sl_bell_arm(struct sl_bell *bell);
void sl_bell_disarm(struct sl_bell *bell);
/* Sleeps until rung or for timeout_ns; after arm.  Leaves the bell disarmed. */
void sl_bell_wait(struct sl_bell *bell, int64_t timeout_ns);
/* For one that waited on fd by other means: takes the count off the eventfd and disarms. */
void sl_bell_heard(struct sl_bell *bell);

/* NULL: nobody sleeps there (one thread drives all stages). */
void sl_bell_ring(struct sl_bell *bell);

#endif
