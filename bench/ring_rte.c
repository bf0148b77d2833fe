#include "bench/bench.h"
#include "bench/rings.h"

#include <rte_ring.h>

#define BURST_MAX 32u

struct ring {
    struct rte_ring *rte;
    struct bench_pool pool;
};

static void *make(uint32_t size)
{
    struct ring *ring = malloc(sizeof(*ring));
    size_t len = ((size_t)rte_ring_get_memsize(bench_entries(size)) + 4095) / 4096 * 4096;
    ring->rte = aligned_alloc(4096, len);
    memset(ring->rte, 0, len);
    ring->pool = bench_pool_make(size);
    if (rte_ring_init(ring->rte, "bench", bench_entries(size), RING_F_SP_ENQ | RING_F_SC_DEQ))
        abort();
    return ring;
}

static void drop(void *arg)
{
    struct ring *ring = arg;
    free(ring->pool.slots);
    free(ring->rte);
    free(ring);
}

static void send(void *arg)
{
    struct bench_job *job = arg;
    struct ring *ring = job->ring;
    void *burst[BURST_MAX];
    uint32_t batch = job->batch < BURST_MAX ? job->batch : BURST_MAX;
    for (uint64_t number = 1; number <= job->cnt;) {
        uint32_t cnt = 0;
        for (; cnt < batch && number <= job->cnt; cnt++, number++) {
            burst[cnt] = (void *)(uintptr_t)number;
            if (job->size > 8) {
                burst[cnt] = bench_pool_slot(&ring->pool, number);
                bench_fill(burst[cnt], job->size, number);
            }
        }
        for (uint32_t done = 0; done < cnt;) {
            uint32_t put = rte_ring_sp_enqueue_burst(ring->rte, burst + done, cnt - done, NULL);
            done += put;
            if (!put)
                bench_relax();
        }
    }
}

static void receive(void *arg)
{
    struct bench_job *job = arg;
    struct ring *ring = job->ring;
    void *burst[BURST_MAX];
    uint32_t batch = job->batch < BURST_MAX ? job->batch : BURST_MAX;
    uint64_t sum = 0;
    for (uint64_t number = 1; number <= job->cnt;) {
        uint32_t cnt = rte_ring_sc_dequeue_burst(ring->rte, burst, batch, NULL);
        if (!cnt)
            bench_relax();
        for (uint32_t i = 0; i < cnt; i++, number++) {
            uint64_t value = (uint64_t)(uintptr_t)burst[i];
            sum += bench_sum(job->size > 8 ? burst[i] : &value, job->size, number);
        }
    }
    job->sum = sum;
}

static inline void put(struct ring *ring, uint64_t number)
{
    rte_ring_sp_enqueue(ring->rte, (void *)(uintptr_t)number);
}

static inline void take(struct ring *ring, uint64_t number)
{
    void *entry;
    while (rte_ring_sc_dequeue(ring->rte, &entry))
        ;
    if ((uint64_t)(uintptr_t)entry != number)
        abort();
}

#include "bench/round_trip.h"

const struct bench_ring bench_ring_rte = { "rte_ring", make, drop, send, receive, bench_ping, bench_pong };
