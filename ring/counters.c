#include "ring/counters.h"
#include <errno.h>
#include <string.h>

#define SL_COUNTERS_MAGIC 0x31544e432d4c53ull /* "SL-CNT1" */
#define SL_COUNTERS_ALIGN 128u
#define CELLS_PER_ALIGN   (SL_COUNTERS_ALIGN / sizeof(sl_cell))
#define SIDE_MAX          65536u /* rows or columns; far beyond use, and their product cannot overflow */

struct shm {
    _Alignas(SL_COUNTERS_ALIGN) _Atomic uint64_t magic;
    uint32_t row_cnt, col_cnt;
    _Alignas(SL_COUNTERS_ALIGN) sl_cell cells[];
};
_Static_assert(sizeof(struct shm) == SL_COUNTERS_ALIGN, "layout 1");

static uint32_t stride_of(uint32_t col_cnt)
{
    return (col_cnt + CELLS_PER_ALIGN - 1) / CELLS_PER_ALIGN * CELLS_PER_ALIGN;
}

size_t sl_counters_footprint(uint32_t row_cnt, uint32_t col_cnt)
{
    if (!row_cnt || !col_cnt || row_cnt > SIDE_MAX || col_cnt > SIDE_MAX)
        return 0;
    return sizeof(struct shm) + (size_t)row_cnt * stride_of(col_cnt) * sizeof(sl_cell);
}

int sl_counters_new(void *mem, uint32_t row_cnt, uint32_t col_cnt)
{
    size_t len = sl_counters_footprint(row_cnt, col_cnt);
    if (!mem || (uintptr_t)mem % SL_COUNTERS_ALIGN || !len)
        return -EINVAL;
    struct shm *shm = mem;
    memset(shm, 0, len);
    shm->row_cnt = row_cnt;
    shm->col_cnt = col_cnt;
    /* BORN, release side: pairs with sl_counters_join. */
    atomic_store_explicit(&shm->magic, SL_COUNTERS_MAGIC, memory_order_release);
    return 0;
}

int sl_counters_join(struct sl_counters *counters, const void *mem, size_t mem_len)
{
    const struct shm *shm = mem;

    if (!mem || (uintptr_t)mem % SL_COUNTERS_ALIGN)
        return -EINVAL;
    /* BORN, acquire side: pairs with sl_counters_new. */
    if (mem_len < sizeof(*shm) || atomic_load_explicit(&shm->magic, memory_order_acquire) != SL_COUNTERS_MAGIC)
        return -EPROTO;
    /* Read once: what is checked is what is used, even if the other process changes it meanwhile. */
    uint32_t row_cnt = *(const volatile uint32_t *)&shm->row_cnt;
    uint32_t col_cnt = *(const volatile uint32_t *)&shm->col_cnt;
    size_t len = sl_counters_footprint(row_cnt, col_cnt);
    if (!len || len > mem_len)
        return -EPROTO;
    *counters = (struct sl_counters){
        .cells = (sl_cell *)(uintptr_t)shm->cells,
        .row_cnt = row_cnt,
        .col_cnt = col_cnt,
        .row_stride = stride_of(col_cnt),
    };
    return 0;
}
