/* ring/counters.h - a table of counters that others may read while it is written.
 *
 *              column: what is counted
 *     row 0  [ 12 | 0 | 7 ... ]   one writer
 *     row 1  [  3 | 1 | 0 ... ]   another
 *
 * Life      footprint, new, join.  The memory is the caller's (sl_mem).
 * Threads   A row has one writer thread; anybody reads.  Rows start 128 bytes apart or more.
 * Errors    0 or -errno: -EPROTO when no table of this shape is here, -EINVAL for a shape that cannot be.
 * Units     64-bit, wrap never.
 * Order     BORN  magic: new -> join.
 *           Cells are relaxed: a reader wants a recent value of each, not one moment of all.
 */
#ifndef SL_RING_COUNTERS_H
#define SL_RING_COUNTERS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef _Atomic uint64_t sl_cell;

struct sl_counters {
    sl_cell *cells;
    uint32_t row_cnt, col_cnt;
    uint32_t row_stride; /* cells from one row to the next */
};

size_t sl_counters_footprint(uint32_t row_cnt, uint32_t col_cnt);
int sl_counters_new(void *mem, uint32_t row_cnt, uint32_t col_cnt);
/* mem_len bounds what the header may claim: the memory may be another process's. */
int sl_counters_join(struct sl_counters *counters, const void *mem, size_t mem_len);

static inline sl_cell *sl_counters_row(const struct sl_counters *counters, uint32_t row)
{
    return counters->cells + (size_t)row * counters->row_stride;
}

/* Only the row's writer may: a plain load, add and store is then enough. */
static inline void sl_cell_add(sl_cell *cell, uint64_t n)
{
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void sl_cell_set(sl_cell *cell, uint64_t n) { atomic_store_explicit(cell, n, memory_order_relaxed); }

static inline uint64_t sl_cell_get(const sl_cell *cell) { return atomic_load_explicit(cell, memory_order_relaxed); }

#endif
