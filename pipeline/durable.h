/* pipeline/durable.h - the journal's page on a log: what is on the disk, what never will be, and which numbers may be
 * used.
 *
 *     journal: reserved_to, holes, durable_to ----> desk: may this number be used?  is what was published lost again?
 *                                             ----> sources: may this be acknowledged?
 *
 * Life      A fresh page of zeros for each walk and log, made by the supervisor, who says how far numbers are reserved.
 * Threads   The journal's process writes, but for held_from; anybody looks.
 * Units     Sequence numbers.
 * Order     DURABLE   hole, durable_to: pass -> done.  Who sees that a number is passed sees the hole that it is in.
 *           RESERVED  reserved_to: reserve -> reserved.  A number is known to the disk before anybody sees it.
 *
 * The page remembers the last SL_DURABLE_HOLES holes of its walk.
 */
#ifndef SL_PIPELINE_DURABLE_H
#define SL_PIPELINE_DURABLE_H

#include "ring/log.h"

#define SL_DURABLE_HOLES 64u

struct sl_durable {
    struct sl_seat seat; /* first: the log looks at it */
    _Alignas(128) _Atomic uint64_t reserved_to;
    _Alignas(128) _Atomic uint64_t held_from; /* the desk's: the HELD notice from which on something is held; 0 none */
    _Alignas(128) _Atomic uint64_t durable_to, hole_cnt;
    struct {
        _Atomic uint64_t first, last;
    } holes[SL_DURABLE_HOLES];
};
_Static_assert(sizeof(struct sl_durable) <= 4096, "one page");

enum sl_fate { SL_FATE_OPEN, SL_FATE_DURABLE, SL_FATE_LOST };

static inline void sl_durable_reserve(struct sl_durable *page, uint64_t to)
{
    /* RESERVED, release side: pairs with sl_durable_reserved. */
    atomic_store_explicit(&page->reserved_to, to, memory_order_release);
}

static inline uint64_t sl_durable_reserved(const struct sl_durable *page)
{
    /* RESERVED, acquire side: pairs with sl_durable_reserve. */
    return atomic_load_explicit(&page->reserved_to, memory_order_acquire);
}

/* Before pass passes them. */
static inline void sl_durable_hole(struct sl_durable *page, uint64_t first, uint64_t last)
{
    /* Relaxed: nobody else writes it, and what pass stores later is the release side. */
    uint64_t cnt = atomic_load_explicit(&page->hole_cnt, memory_order_relaxed);
    atomic_store_explicit(&page->holes[cnt % SL_DURABLE_HOLES].first, first, memory_order_relaxed);
    atomic_store_explicit(&page->holes[cnt % SL_DURABLE_HOLES].last, last, memory_order_relaxed);
    atomic_store_explicit(&page->hole_cnt, cnt + 1, memory_order_relaxed);
}

/* All up to here is on the disk, or in a hole; and may be overwritten. */
static inline void sl_durable_pass(struct sl_durable *page, uint64_t seq)
{
    /* DURABLE, release side: pairs with sl_durable_done. */
    atomic_store_explicit(&page->durable_to, seq, memory_order_release);
    sl_seat_done(&page->seat, seq);
}

/* Whether any of these numbers is in a hole, as far as done says. */
static inline bool sl_durable_is_lost(const struct sl_durable *page, uint64_t first, uint64_t last)
{
    /* Relaxed: what matters was written before what done has seen. */
    uint64_t cnt = atomic_load_explicit(&page->hole_cnt, memory_order_relaxed);
    uint64_t known = cnt < SL_DURABLE_HOLES ? cnt : SL_DURABLE_HOLES;
    for (uint64_t i = cnt - known; i < cnt; i++) {
        uint64_t from = atomic_load_explicit(&page->holes[i % SL_DURABLE_HOLES].first, memory_order_relaxed);
        uint64_t to = atomic_load_explicit(&page->holes[i % SL_DURABLE_HOLES].last, memory_order_relaxed);
        if (first <= to && last >= from)
            return true;
    }
    return false;
}

static inline uint64_t sl_durable_done(const struct sl_durable *page)
{
    /* DURABLE, acquire side: pairs with sl_durable_pass. */
    return atomic_load_explicit(&page->durable_to, memory_order_acquire);
}

/* Of the records first .. last; first > last: there are none, and all before them count. */
static inline enum sl_fate sl_durable_fate(const struct sl_durable *page, uint64_t first, uint64_t last)
{
    if (sl_durable_done(page) < last)
        return SL_FATE_OPEN;
    return first <= last && sl_durable_is_lost(page, first, last) ? SL_FATE_LOST : SL_FATE_DURABLE;
}

#endif
