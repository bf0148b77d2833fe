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
 *           FADED     faded, hole: hole -> is_lost.  Who finds a hole's place taken by another finds it faded.
 *
 * The page remembers the last SL_DURABLE_HOLES holes one by one, those of the walks before too, which are taken over
 * with inherit.  Older ones fade into one range that covers them all: what lies between them counts as lost then, and a
 * repeat of it is published once more, which is better than acknowledged and not there.
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
    struct sl_durable_hole {
        _Atomic uint64_t first, last;
    } holes[SL_DURABLE_HOLES], faded;
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

/* Only the page's writer: what it wrote itself. */
static inline uint64_t sl_durable_own(const _Atomic uint64_t *cell)
{
    /* Relaxed: nobody else writes it. */
    return atomic_load_explicit(cell, memory_order_relaxed);
}

static inline void sl_durable_fade(struct sl_durable *page, const struct sl_durable_hole *hole)
{
    uint64_t first = sl_durable_own(&hole->first), last = sl_durable_own(&hole->last);
    uint64_t from = sl_durable_own(&page->faded.first), to = sl_durable_own(&page->faded.last);
    /* Relaxed: the hole's place is taken with FADED after this. */
    atomic_store_explicit(&page->faded.first, from && from < first ? from : first, memory_order_relaxed);
    atomic_store_explicit(&page->faded.last, to > last ? to : last, memory_order_relaxed);
}

/* Before pass passes them. */
static inline void sl_durable_hole(struct sl_durable *page, uint64_t first, uint64_t last)
{
    uint64_t cnt = sl_durable_own(&page->hole_cnt);
    struct sl_durable_hole *hole = &page->holes[cnt % SL_DURABLE_HOLES];
    if (cnt >= SL_DURABLE_HOLES)
        sl_durable_fade(page, hole);
    /* FADED, release side: pairs with sl_durable_is_lost. */
    atomic_store_explicit(&hole->first, first, memory_order_release);
    atomic_store_explicit(&hole->last, last, memory_order_release);
    /* Relaxed: what pass stores later is the release side. */
    atomic_store_explicit(&page->hole_cnt, cnt + 1, memory_order_relaxed);
}

/* The holes of the page before, and what that tape lost at its end, if anything: first > last then.  Before anybody
 * else has the page. */
static inline void sl_durable_inherit(struct sl_durable *page, const struct sl_durable *before, uint64_t first,
                                      uint64_t last)
{
    uint64_t cnt = sl_durable_own(&before->hole_cnt), known = cnt < SL_DURABLE_HOLES ? cnt : SL_DURABLE_HOLES;
    uint64_t from = 0, to = 0;
    if (sl_durable_own(&before->faded.last))
        sl_durable_fade(page, &before->faded);
    for (uint64_t i = cnt - known; i < cnt; i++) {
        from = sl_durable_own(&before->holes[i % SL_DURABLE_HOLES].first);
        to = sl_durable_own(&before->holes[i % SL_DURABLE_HOLES].last);
        sl_durable_hole(page, from, to);
    }
    /* A walk that never began inherits the same again. */
    if (first <= last && (first != from || last != to))
        sl_durable_hole(page, first, last);
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
        const struct sl_durable_hole *hole = &page->holes[i % SL_DURABLE_HOLES];
        /* FADED, acquire side: pairs with sl_durable_hole.  last first: with a new one comes its own first. */
        uint64_t to = atomic_load_explicit(&hole->last, memory_order_acquire);
        uint64_t from = atomic_load_explicit(&hole->first, memory_order_acquire);
        if (first <= to && last >= from)
            return true;
    }
    /* Relaxed: behind the loads above. */
    return first <= atomic_load_explicit(&page->faded.last, memory_order_relaxed) &&
           last >= atomic_load_explicit(&page->faded.first, memory_order_relaxed);
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
