/* bench/round_trip.h - there by one ring and back by another, the same for all of them.
 *
 * For a source that has struct ring and
 *     static inline void put(struct ring *ring, uint64_t number);   the next message, of 8 bytes
 *     static inline void take(struct ring *ring, uint64_t number);  awaits it, and aborts when it is another
 */
#ifndef SL_BENCH_ROUND_TRIP_H
#define SL_BENCH_ROUND_TRIP_H

#include "bench/bench.h"
#include "bench/rings.h"

static void bench_ping(void *arg)
{
    struct bench_job *job = arg;
    for (uint64_t number = 1; number <= job->cnt; number++) {
        int64_t begin_ns = bench_now_ns();
        put(job->ring, number);
        take(job->back, number);
        job->round_ns[number - 1] = (double)(bench_now_ns() - begin_ns);
    }
}

static void bench_pong(void *arg)
{
    struct bench_job *job = arg;
    for (uint64_t number = 1; number <= job->cnt; number++) {
        take(job->ring, number);
        put(job->back, number);
    }
}

#endif
