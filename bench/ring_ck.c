#include "bench/bench.h"
#include "bench/rings.h"

#include <ck_ring.h>

struct ring {
    ck_ring_t ck;
    ck_ring_buffer_t *buffer;
    struct bench_pool pool;
};

static void *make(uint32_t size)
{
    struct ring *ring = aligned_alloc(128, (sizeof(*ring) + 127) / 128 * 128);
    ring->buffer = aligned_alloc(128, bench_entries(size) * sizeof(ck_ring_buffer_t));
    ring->pool = bench_pool_make(size);
    ck_ring_init(&ring->ck, bench_entries(size));
    return ring;
}

static void drop(void *arg)
{
    struct ring *ring = arg;
    free(ring->pool.slots);
    free(ring->buffer);
    free(ring);
}

static void send(void *arg)
{
    struct bench_job *job = arg;
    struct ring *ring = job->ring;
    for (uint64_t number = 1; number <= job->cnt; number++) {
        void *entry = (void *)(uintptr_t)number;
        if (job->size > 8) {
            entry = bench_pool_slot(&ring->pool, number);
            bench_fill(entry, job->size, number);
        }
        while (!ck_ring_enqueue_spsc(&ring->ck, ring->buffer, entry))
            bench_relax();
    }
}

static void receive(void *arg)
{
    struct bench_job *job = arg;
    struct ring *ring = job->ring;
    uint64_t sum = 0;
    void *entry;
    for (uint64_t number = 1; number <= job->cnt; number++) {
        while (!ck_ring_dequeue_spsc(&ring->ck, ring->buffer, &entry))
            bench_relax();
        uint64_t value = (uint64_t)(uintptr_t)entry;
        sum += bench_sum(job->size > 8 ? entry : &value, job->size, number);
    }
    job->sum = sum;
}

static inline void put(struct ring *ring, uint64_t number)
{
    ck_ring_enqueue_spsc(&ring->ck, ring->buffer, (void *)(uintptr_t)number);
}

static inline void take(struct ring *ring, uint64_t number)
{
    void *entry;
    while (!ck_ring_dequeue_spsc(&ring->ck, ring->buffer, &entry))
        ;
    if ((uint64_t)(uintptr_t)entry != number)
        abort();
}

#include "bench/round_trip.h"

const struct bench_ring bench_ring_ck = { "ck_ring", make, drop, send, receive, bench_ping, bench_pong };
