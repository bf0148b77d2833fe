/* bench/rings.h - one ring as bench_ring drives it: ours and its peers behind the same three functions.
 *
 * Threads   send on one core, receive on the other.
 * Units     size in bytes of a message; cnt messages; batch: published and taken so many at a time where the ring can.
 *
 * A message's first word is its number, from 1; receive checks each and adds up all words, so all bytes are read.
 * Peers pass a pointer to a slot of a pool that send fills (8 bytes: the value itself); ours carries the bytes inline.
 */
#ifndef SL_BENCH_RINGS_H
#define SL_BENCH_RINGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bench_job {
    void *ring, *back; /* back: the other way, for round trips */
    uint64_t cnt;
    uint32_t size, batch;
    uint64_t sum; /* of all words received */
    double *round_ns;
};

struct bench_ring {
    const char *name;
    void *(*make)(uint32_t size);
    void (*drop)(void *ring);
    void (*send)(void *job);
    void (*receive)(void *job);
    void (*ping)(void *job); /* send on ring, await on back, cnt times; notes each round */
    void (*pong)(void *job);
};

extern const struct bench_ring bench_ring_slugline, bench_ring_ck, bench_ring_rte;

/* Entries of a peer's ring, as PEERS' tables use: 1024, and 128 for messages of a page. */
static inline uint32_t bench_entries(uint32_t size) { return size >= 4096 ? 128 : 1024; }

static inline void bench_fill(void *message, uint32_t size, uint64_t number)
{
    uint64_t *words = message;
    for (uint32_t i = 0; i < size / 8; i++)
        words[i] = number;
}

static inline uint64_t bench_sum(const void *message, uint32_t size, uint64_t number)
{
    const uint64_t *words = message;
    uint64_t sum = 0;
    if (words[0] != number)
        abort(); /* a ring that loses or reorders has no speed */
    for (uint32_t i = 0; i < size / 8; i++)
        sum += words[i];
    return sum;
}

/* A pool of messages for rings of pointers: twice the entries, so that a slot is read before it is filled again. */
struct bench_pool {
    uint32_t cnt, size;
    unsigned char *slots;
};

static inline struct bench_pool bench_pool_make(uint32_t size)
{
    struct bench_pool pool = { .cnt = 2 * bench_entries(size), .size = size < 64 ? 64 : size };
    pool.slots = aligned_alloc(128, (size_t)pool.cnt * pool.size);
    memset(pool.slots, 0, (size_t)pool.cnt * pool.size);
    return pool;
}

static inline void *bench_pool_slot(const struct bench_pool *pool, uint64_t number)
{
    return pool->slots + (size_t)(number & (pool->cnt - 1)) * pool->size;
}

#endif
