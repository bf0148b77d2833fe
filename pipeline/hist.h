/* pipeline/hist.h - how long things took: a histogram of fixed size that keeps three significant digits.
 *
 *     value 0 .. 2047: a cell each     2048 .. 4095: one for 2     4096 .. 8191: one for 4 ...
 *
 * Life      zeros are an empty one; no end.
 * Threads   One thread's; merge to put several together.
 * Units     Whatever was recorded; ns here.  A percentile is at most 1/1024 above the exact one, never above max.
 *
 * Negative values happen where clocks step: they are kept in min and counted, and stand before all others; a percentile
 * among them is min.  Values of 2^42 and more (73 minutes) share the last cell, but max is exact.
 */
#ifndef SL_PIPELINE_HIST_H
#define SL_PIPELINE_HIST_H

#include <stdint.h>

#define SL_HIST_CELLS_LOG2 11u /* three digits: 2^11 is the first power of two that can tell 1999 from 2000 */
#define SL_HIST_VALUE_LOG2 42u
#define SL_HIST_CELLS      ((SL_HIST_VALUE_LOG2 - SL_HIST_CELLS_LOG2 + 2u) << (SL_HIST_CELLS_LOG2 - 1u))

struct sl_hist {
    uint64_t cnt, negative_cnt;
    int64_t min, max; /* of an empty one: 0 */
    uint64_t cells[SL_HIST_CELLS];
};

void sl_hist_record(struct sl_hist *hist, int64_t value);
void sl_hist_merge(struct sl_hist *into, const struct sl_hist *from);
/* The value that percent of all values do not exceed; 0 of an empty histogram. */
int64_t sl_hist_percentile(const struct sl_hist *hist, double percent);

#endif
