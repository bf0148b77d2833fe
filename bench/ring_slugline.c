#include "bench/bench.h"
#include "bench/rings.h"
#include "ring/spsc.h"

struct ring {
    void *mem;
    struct sl_spsc_tx tx;
    struct sl_spsc_rx rx;
};

static void *make(uint32_t size)
{
    /* As many messages as the peers' rings hold, in the next power of two. */
    uint32_t bytes_len = 4096;
    while (bytes_len < bench_entries(size) * sl_spsc_room(size))
        bytes_len *= 2;
    struct ring *ring = aligned_alloc(128, (sizeof(*ring) + 127) / 128 * 128);
    ring->mem = aligned_alloc(4096, (sl_spsc_footprint(bytes_len) + 4095) / 4096 * 4096);
    memset(ring->mem, 0, sl_spsc_footprint(bytes_len));
    if (sl_spsc_new(ring->mem, bytes_len) || sl_spsc_join_tx(&ring->tx, ring->mem) ||
        sl_spsc_join_rx(&ring->rx, ring->mem))
        abort();
    return ring;
}

static void drop(void *ring)
{
    free(((struct ring *)ring)->mem);
    free(ring);
}

static void send(void *arg)
{
    struct bench_job *job = arg;
    struct sl_spsc_tx tx = ((struct ring *)job->ring)->tx;
    uint32_t size = job->size, batch = job->batch, left = batch;
    for (uint64_t number = 1; number <= job->cnt; number++) {
        void *message = sl_spsc_claim(&tx, size);
        while (!message) {
            sl_spsc_flush(&tx);
            bench_relax();
            message = sl_spsc_claim(&tx, size);
        }
        bench_fill(message, size, number);
        sl_spsc_commit(&tx, size);
        if (!--left) {
            sl_spsc_flush(&tx);
            left = batch;
        }
    }
    sl_spsc_flush(&tx);
    ((struct ring *)job->ring)->tx = tx;
}

static void receive(void *arg)
{
    struct bench_job *job = arg;
    struct sl_spsc_rx rx = ((struct ring *)job->ring)->rx;
    uint32_t size = job->size, batch = job->batch, left = batch, len;
    uint64_t sum = 0, place = 0;
    for (uint64_t number = 1; number <= job->cnt; number++) {
        const void *message = sl_spsc_peek(&rx, &len);
        while (!message) {
            if (left != batch) {
                sl_spsc_release(rx.shm, place);
                left = batch;
            }
            bench_relax();
            message = sl_spsc_peek(&rx, &len);
        }
        sum += bench_sum(message, size, number);
        place = sl_spsc_next(&rx);
        if (!--left) {
            sl_spsc_release(rx.shm, place);
            left = batch;
        }
    }
    if (left != batch)
        sl_spsc_release(rx.shm, place);
    job->sum = sum;
    ((struct ring *)job->ring)->rx = rx;
}

static inline void put(struct ring *ring, uint64_t number)
{
    struct sl_spsc_tx *tx = &ring->tx;
    uint64_t *message = sl_spsc_claim(tx, 8);
    *message = number;
    sl_spsc_commit(tx, 8);
    sl_spsc_flush(tx);
}

static inline void take(struct ring *ring, uint64_t number)
{
    struct sl_spsc_rx *rx = &ring->rx;
    const uint64_t *message;
    uint32_t len;
    while (!(message = sl_spsc_peek(rx, &len)))
        ;
    if (*message != number)
        abort();
    sl_spsc_release(rx->shm, sl_spsc_next(rx));
}

#include "bench/round_trip.h"

const struct bench_ring bench_ring_slugline = { "slugline", make, drop, send, receive, bench_ping, bench_pong };
