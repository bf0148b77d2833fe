/* The floor: a broadcast ring without any product. Slots of a message, a head, and each reader's tail; nothing is
 * proved, nothing can be lapped. */
#include "bench/bench.h"
#include "bench/fanout.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SLOTS 4096u

struct ring {
    _Alignas(128) _Atomic uint64_t head;
    struct {
        _Alignas(128) _Atomic uint64_t tail;
    } readers[FANOUT_READERS_MAX];
    _Alignas(4096) unsigned char slots[SLOTS][FANOUT_SIZE];
};

static void open_ring(struct fanout_job *job)
{
    job->way =
        mmap(NULL, sizeof(struct ring), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (job->way == MAP_FAILED)
        abort();
}

static void close_ring(struct fanout_job *job) { munmap(job->way, sizeof(struct ring)); }

static uint64_t slowest(const struct ring *ring, uint32_t reader_cnt)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < reader_cnt; i++) {
        uint64_t tail = atomic_load_explicit(&ring->readers[i].tail, memory_order_acquire);
        least = tail < least ? tail : least;
    }
    return least;
}

static void publish(struct fanout_job *job)
{
    struct ring *ring = job->way;
    uint64_t tail = 0;
    fanout_await(job);
    for (uint64_t number = 1; number <= job->cnt; number++) {
        while (number - tail > SLOTS) {
            tail = slowest(ring, job->reader_cnt);
            if (number - tail > SLOTS)
                sched_yield();
        }
        fanout_make(ring->slots[number % SLOTS], number);
        atomic_store_explicit(&ring->head, number, memory_order_release);
    }
}

static void subscribe(struct fanout_job *job, uint32_t idx)
{
    struct ring *ring = job->way;
    struct fanout_sum *sum = fanout_ready(job, idx);
    uint64_t head = 0;
    for (uint64_t number = 1; number <= job->cnt; number++) {
        while (head < number) {
            head = atomic_load_explicit(&ring->head, memory_order_acquire);
            if (head < number)
                sched_yield();
        }
        fanout_take(sum, ring->slots[number % SLOTS]);
        atomic_store_explicit(&ring->readers[idx].tail, number, memory_order_release);
    }
    fanout_done(job, idx);
}

const struct bench_fanout bench_fanout_bare = { "bare ring", false, open_ring, publish, subscribe, close_ring };
