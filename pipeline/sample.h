/* pipeline/sample.h - all that `slugline top` shows, read out of the mapped counters at one time; two make rates.
 *
 * Life      A value; take fills it.
 * Threads   Any; nobody is asked and nothing is locked.
 * Units     Rates are per second of CLOCK_MONOTONIC.
 */
#ifndef SL_PIPELINE_SAMPLE_H
#define SL_PIPELINE_SAMPLE_H

#include "pipeline/readers.h"
#include "pipeline/visit.h"

struct sl_sample_lane {
    uint64_t framed, published, dropped;
};

struct sl_sample {
    int64_t mono_ns, real_ns;
    uint64_t last_seq, durable_seq;
    struct sl_feed_sums feeds[SL_VISIT_FEEDS_MAX];
    struct sl_sample_lane lanes[SL_LANE_CNT];
    struct sl_reader_stand readers[SL_LOG_SEATS]; /* SL_READER_AWAY: nobody */
    struct {
        uint64_t polls, busy, sleeps;
        int64_t core;
    } threads[SL_VISIT_THREADS_MAX];
};

void sl_sample_take(struct sl_sample *sample, const struct sl_books *books);
/* Of a count that stood at was at then and at is at now; 0 when no time has passed, or it fell. */
double sl_sample_rate(const struct sl_sample *then, const struct sl_sample *now, uint64_t was, uint64_t is);

#endif
