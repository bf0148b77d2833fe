/* ring/spsc.h - whole records of any length from one thread to one other, in order: the byte ring between stages.
 *
 *       claim commit .. flush                    peek next ..          release
 *  tx -----------------------> [ records ] ---------------------> rx ----------> room again
 *
 *  a batch, flushed as one:   [span|len] record  [0|len] record  [0|pad] ...  [0|len] record  [0] the next
 *                                 ^ stored last, by release: no index travels beside the records
 *
 * Life      footprint, new, then join_tx and join_rx once each.  A handle holds nothing to give back and may be passed
 *           on to another thread; the memory is the caller's.
 * Threads   One tx and one rx at a time.  release may be called by a third thread, which then is the only one that
 *           releases: decode walks a message ring, and the desk gives its room back once the raw bytes are logged.
 * Owns      A record is the writer's from claim to flush, the reader's from peek until release passes it.
 * Errors    0 or -errno.  Full and empty are answers, not errors: NULL.
 * Units     len in bytes; positions are bytes from 0 that only grow; a record takes sl_spsc_room(len) bytes.
 *           A record never wraps: the bytes it lies in are contiguous.  A place is the position where a record starts.
 * Order     BORN  magic: new -> join.             The shape is written before it is read.
 *           PUB   first head: flush -> peek.      Record bytes are written before they are read.
 *           FREE  head: release -> claim.         Record bytes are read before they are overwritten.
 *
 * Why heads and no shared tail: an index beside the records costs the reader two cache lines, one after the other, for
 * each hand-over.  Measured within runs, as multiples of a bare ping-pong over two words: with an index 2.0 a round
 * trip, ck_ring and rte_ring 1.4 to 1.8, this 1.1.  The span also lets the reader fetch ahead what is surely written,
 * where each record's place hangs on the length of the one before: 64-byte records in batches of 32 went from half to
 * about 1.2 times rte_ring's burst with a pool behind it, 8-byte ones from 1.2 to 1.6 times.  Fetching beyond the span
 * would take lines away from the writer.
 */
#ifndef SL_RING_SPSC_H
#define SL_RING_SPSC_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_SPSC_ALIGN    128u
#define SL_SPSC_HEAD_LEN 8u
#define SL_SPSC_PAD      UINT32_MAX /* for a length: no record here, go on at the start of the bytes */
#define SL_SPSC_AHEAD    256u /* bytes fetched ahead of the reader; more gained nothing */
#define SL_SPSC_LINE     64u /* of a cache */

struct sl_spsc_shm {
    _Alignas(SL_SPSC_ALIGN) _Atomic uint64_t magic;
    uint32_t bytes_len;
    _Alignas(SL_SPSC_ALIGN) _Atomic uint64_t head; /* whoever releases writes it, tx reads it when it is out of room */
    _Alignas(SL_SPSC_ALIGN) unsigned char bytes[];
};

struct sl_spsc_tx {
    struct sl_spsc_shm *shm;
    uint64_t mask; /* bytes_len - 1 */
    uint64_t tail; /* next free byte */
    uint64_t claimed; /* where the claimed record starts: at the tail, or behind the pad that a wrap leaves */
    uint64_t flushed; /* rx sees what lies before it */
    uint64_t head_seen; /* where the releasing thread was when we last looked */
    uint32_t first_len; /* of the record or pad at flushed, whose head is written last */
};

struct sl_spsc_rx {
    struct sl_spsc_shm *shm;
    uint64_t mask;
    uint64_t next; /* next record to peek */
    uint64_t batch_end; /* what tx had flushed when we last looked */
    uint64_t fetched; /* up to here the bytes were fetched ahead */
};

/* bytes_len: a power of two, 4 KiB to 2 GiB.  0 when it is not. */
size_t sl_spsc_footprint(uint32_t bytes_len);
int sl_spsc_new(void *mem, uint32_t bytes_len);
/* -EINVAL: misaligned.  -EPROTO: no ring of this layout is here. */
int sl_spsc_join_tx(struct sl_spsc_tx *tx, void *mem);
int sl_spsc_join_rx(struct sl_spsc_rx *rx, void *mem);

/* The longest record this ring can be asked for: half of it less its head, so that a wrap never makes it impossible. */
uint32_t sl_spsc_len_max(const struct sl_spsc_tx *tx);

/* What a record of len bytes takes of the ring. */
static inline uint64_t sl_spsc_room(uint32_t len)
{
    return SL_SPSC_HEAD_LEN + (((uint64_t)len + SL_SPSC_HEAD_LEN - 1) & ~(uint64_t)(SL_SPSC_HEAD_LEN - 1));
}

/* The head at pos: the length in its lower half; in its upper half the span of the batch that starts here, 0 inside
 * one. */
static inline _Atomic uint64_t *sl_spsc_word(const struct sl_spsc_shm *shm, uint64_t mask, uint64_t pos)
{
    return (_Atomic uint64_t *)(uintptr_t)(shm->bytes + (pos & mask));
}

/* Relaxed: the batch's first head was acquired before, or the place was learned from somebody who did. */
static inline uint32_t sl_spsc_len_at(const struct sl_spsc_shm *shm, uint64_t mask, uint64_t pos)
{
    return (uint32_t)atomic_load_explicit(sl_spsc_word(shm, mask, pos), memory_order_relaxed);
}

/* len_max contiguous, 8-aligned bytes, or NULL when there is no room now; flush then, since rx can't release what it
 * does not see.  Claiming again before commit gives the same bytes, or others when len_max is another. */
static inline void *sl_spsc_claim(struct sl_spsc_tx *tx, uint32_t len_max)
{
    uint64_t bytes_len = tx->mask + 1, room = sl_spsc_room(len_max), to_end = bytes_len - (tx->tail & tx->mask);
    uint64_t start = room <= to_end ? tx->tail : tx->tail + to_end;
    uint64_t end =
        start + room + SL_SPSC_HEAD_LEN; /* flush empties the head behind the batch, which is ours then too */

    assert(room <= bytes_len / 2);
    if (end - tx->head_seen > bytes_len) {
        /* FREE, acquire side: pairs with sl_spsc_release. */
        tx->head_seen = atomic_load_explicit(&tx->shm->head, memory_order_acquire);
        if (end - tx->head_seen > bytes_len)
            return NULL;
    }
    tx->claimed = start;
    return (void *)(sl_spsc_word(tx->shm, tx->mask, start) + 1);
}

/* The first head of a batch waits for flush.  Relaxed: rx looks at the others only behind the first. */
static inline void sl_spsc_put_len(struct sl_spsc_tx *tx, uint64_t pos, uint32_t len)
{
    if (pos == tx->flushed)
        tx->first_len = len;
    else
        atomic_store_explicit(sl_spsc_word(tx->shm, tx->mask, pos), len, memory_order_relaxed);
}

/* The first len bytes of the claim are a record; rx sees it after flush. */
static inline void sl_spsc_commit(struct sl_spsc_tx *tx, uint32_t len)
{
    if (tx->claimed != tx->tail)
        sl_spsc_put_len(tx, tx->tail, SL_SPSC_PAD);
    sl_spsc_put_len(tx, tx->claimed, len);
    tx->tail = tx->claimed += sl_spsc_room(len);
}

static inline void sl_spsc_flush(struct sl_spsc_tx *tx)
{
    uint64_t span = tx->tail - tx->flushed;

    if (!span)
        return;
    /* Relaxed: rx gets there only behind the batch, so the release below orders it. */
    atomic_store_explicit(sl_spsc_word(tx->shm, tx->mask, tx->tail), 0, memory_order_relaxed);
    /* PUB, release side: pairs with sl_spsc_see_batch. */
    atomic_store_explicit(sl_spsc_word(tx->shm, tx->mask, tx->flushed), span << 32 | tx->first_len,
                          memory_order_release);
    tx->flushed = tx->tail;
}

/* Whether there is a batch behind the last one. */
static inline bool sl_spsc_see_batch(struct sl_spsc_rx *rx)
{
    /* PUB, acquire side: pairs with sl_spsc_flush. */
    uint64_t word = atomic_load_explicit(sl_spsc_word(rx->shm, rx->mask, rx->next), memory_order_acquire);

    if (!word)
        return false; /* without a store: stores in the reader's idle loop made each hand-over a fifth slower */
    rx->batch_end = rx->next + (word >> 32);
    rx->fetched = (rx->next | (SL_SPSC_LINE - 1)) + 1;
    return true;
}

static inline void sl_spsc_fetch_ahead(struct sl_spsc_rx *rx)
{
    uint64_t end = rx->next + SL_SPSC_AHEAD < rx->batch_end ? rx->next + SL_SPSC_AHEAD : rx->batch_end;

    for (; rx->fetched < end; rx->fetched += SL_SPSC_LINE)
        __builtin_prefetch(rx->shm->bytes + (rx->fetched & rx->mask));
}

/* The next record and its length, or NULL when there is none.  Peeking twice gives the same. */
static inline const void *sl_spsc_peek(struct sl_spsc_rx *rx, uint32_t *len)
{
    if (rx->next == rx->batch_end && !sl_spsc_see_batch(rx))
        return NULL;
    *len = sl_spsc_len_at(rx->shm, rx->mask, rx->next);
    if (*len == SL_SPSC_PAD) {
        rx->next = (rx->next | rx->mask) + 1;
        *len = sl_spsc_len_at(rx->shm, rx->mask, rx->next);
    }
    sl_spsc_fetch_ahead(rx);
    return (const void *)(sl_spsc_word(rx->shm, rx->mask, rx->next) + 1);
}

/* Past the record peeked; its bytes stay until released.  Returns its place: one number by which any thread finds the
 * record again (sl_spsc_record_at) and gives it back (sl_spsc_release). */
static inline uint64_t sl_spsc_next(struct sl_spsc_rx *rx)
{
    uint64_t place = rx->next;

    rx->next += sl_spsc_room(sl_spsc_len_at(rx->shm, rx->mask, place));
    return place;
}

/* The record at place, for whoever was told of it and has not released it. */
static inline const void *sl_spsc_record_at(const struct sl_spsc_shm *shm, uint64_t place, uint32_t *len)
{
    *len = sl_spsc_len_at(shm, shm->bytes_len - 1, place);
    return (const void *)(sl_spsc_word(shm, shm->bytes_len - 1, place) + 1);
}

/* The record at place and all before it are the writer's again. */
static inline void sl_spsc_release(struct sl_spsc_shm *shm, uint64_t place)
{
    uint64_t end = place + sl_spsc_room(sl_spsc_len_at(shm, shm->bytes_len - 1, place));

    /* FREE, release side: pairs with sl_spsc_claim. */
    atomic_store_explicit(&shm->head, end, memory_order_release);
}

#endif
