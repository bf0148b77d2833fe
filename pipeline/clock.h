/* pipeline/clock.h - what time it is; the one way by which time enters the walk.
 *
 * Threads   Any.
 * Units     ns.  REALTIME since 1970 UTC: stamps, and what agencies write.  MONOTONIC: intervals and timeouts.
 *
 * The simulator brings a clock of its own; production reads the vDSO, which is no system call.
 */
#ifndef SL_PIPELINE_CLOCK_H
#define SL_PIPELINE_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct sl_clock {
    const int64_t *virtual_ns; /* NULL: the real clocks; else both clocks stand at this */
};

static inline int64_t sl_clock_read(const struct sl_clock *clock, clockid_t id)
{
    if (clock && clock->virtual_ns)
        return *clock->virtual_ns;
    struct timespec ts;
    clock_gettime(id, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static inline int64_t sl_clock_real(const struct sl_clock *clock) { return sl_clock_read(clock, CLOCK_REALTIME); }
static inline int64_t sl_clock_mono(const struct sl_clock *clock) { return sl_clock_read(clock, CLOCK_MONOTONIC); }

#endif
