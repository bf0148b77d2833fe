#include "pipeline/hist.h"

#include <stdbool.h>

#define HALF (1u << (SL_HIST_CELLS_LOG2 - 1u))

/* Twice HALF cells of width 1, then HALF cells for each doubling. */
static uint32_t cell_of(uint64_t value)
{
    if (value >> SL_HIST_VALUE_LOG2)
        return SL_HIST_CELLS - 1;
    if (value < 2 * HALF)
        return (uint32_t)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - (SL_HIST_CELLS_LOG2 - 1u);
    return shift * HALF + (uint32_t)(value >> shift);
}

static uint64_t last_value_of(uint32_t cell)
{
    if (cell < 2 * HALF)
        return cell;
    unsigned shift = cell / HALF - 1;
    return ((uint64_t)(cell % HALF + HALF + 1) << shift) - 1;
}

void sl_hist_record(struct sl_hist *hist, int64_t value)
{
    if (!hist->cnt || value < hist->min)
        hist->min = value;
    if (!hist->cnt || value > hist->max)
        hist->max = value;
    hist->cnt++;
    if (value < 0)
        hist->negative_cnt++;
    else
        hist->cells[cell_of((uint64_t)value)]++;
}

void sl_hist_merge(struct sl_hist *into, const struct sl_hist *from)
{
    if (!from->cnt)
        return;
    if (!into->cnt || from->min < into->min)
        into->min = from->min;
    if (!into->cnt || from->max > into->max)
        into->max = from->max;
    into->cnt += from->cnt;
    into->negative_cnt += from->negative_cnt;
    for (uint32_t cell = 0; cell < SL_HIST_CELLS; cell++)
        into->cells[cell] += from->cells[cell];
}

/* How many values, the smallest first, reach this percentile: at least one, at most all. */
static uint64_t rank_of(const struct sl_hist *hist, double percent)
{
    double wanted = percent / 100.0 * (double)hist->cnt;
    uint64_t rank = wanted > 0 ? (uint64_t)wanted : 0;
    bool exact = (double)rank >= wanted;

    rank += !exact;
    if (rank < 1)
        return 1;
    return rank < hist->cnt ? rank : hist->cnt;
}

int64_t sl_hist_percentile(const struct sl_hist *hist, double percent)
{
    if (!hist->cnt)
        return 0;
    uint64_t rank = rank_of(hist, percent), seen = hist->negative_cnt;
    if (rank <= seen)
        return hist->min;
    for (uint32_t cell = 0; cell < SL_HIST_CELLS - 1; cell++) {
        seen += hist->cells[cell];
        if (seen >= rank) {
            int64_t value = (int64_t)last_value_of(cell);
            return value < hist->max ? value : hist->max;
        }
    }
    return hist->max;
}
