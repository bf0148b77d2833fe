#include "ring/spsc.h"
#include <errno.h>

#define SL_SPSC_MAGIC 0x31435350532d4c53ull /* "SL-SPSC1" */
#define BYTES_LEN_MIN (4u << 10)
#define BYTES_LEN_MAX (2u << 30) /* so that a span fits into half a head */

static bool len_can_be(uint32_t bytes_len)
{
    return bytes_len >= BYTES_LEN_MIN && bytes_len <= BYTES_LEN_MAX && !(bytes_len & (bytes_len - 1));
}

static int check_join(const struct sl_spsc_shm *shm)
{
    if (!shm || (uintptr_t)shm % SL_SPSC_ALIGN)
        return -EINVAL;
    /* BORN, acquire side: pairs with sl_spsc_new. */
    if (atomic_load_explicit(&shm->magic, memory_order_acquire) != SL_SPSC_MAGIC || !len_can_be(shm->bytes_len))
        return -EPROTO;
    return 0;
}

size_t sl_spsc_footprint(uint32_t bytes_len)
{
    return len_can_be(bytes_len) ? sizeof(struct sl_spsc_shm) + (size_t)bytes_len : 0;
}

int sl_spsc_new(void *mem, uint32_t bytes_len)
{
    if (!mem || (uintptr_t)mem % SL_SPSC_ALIGN || !len_can_be(bytes_len))
        return -EINVAL;
    struct sl_spsc_shm *shm = mem;
    shm->bytes_len = bytes_len;
    /* Relaxed, both: BORN orders them.  The first head is the only one rx reads before tx wrote it. */
    atomic_store_explicit(&shm->head, 0, memory_order_relaxed);
    atomic_store_explicit(sl_spsc_word(shm, bytes_len - 1, 0), 0, memory_order_relaxed);
    /* BORN, release side: pairs with check_join.  Last, so nobody joins a half-made ring. */
    atomic_store_explicit(&shm->magic, SL_SPSC_MAGIC, memory_order_release);
    return 0;
}

int sl_spsc_join_tx(struct sl_spsc_tx *tx, void *mem)
{
    int rc = check_join(mem);
    if (rc)
        return rc;
    struct sl_spsc_shm *shm = mem;
    *tx = (struct sl_spsc_tx){ .shm = shm, .mask = shm->bytes_len - 1 };
    return 0;
}

int sl_spsc_join_rx(struct sl_spsc_rx *rx, void *mem)
{
    int rc = check_join(mem);
    if (rc)
        return rc;
    struct sl_spsc_shm *shm = mem;
    *rx = (struct sl_spsc_rx){ .shm = shm, .mask = shm->bytes_len - 1 };
    return 0;
}

uint32_t sl_spsc_len_max(const struct sl_spsc_tx *tx) { return (uint32_t)((tx->mask + 1) / 2) - SL_SPSC_HEAD_LEN; }
