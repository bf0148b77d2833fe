/* Can three threads on two rings lose, tear or reorder a record?  As on the walk: one writes messages, one walks them
 * and passes their places on, one looks at them again and releases them.
 *
 *     stress_spsc [records] [seed]      exit 0 fine, 1 a record was wrong
 */
#include "ring/spsc.h"
#include "tests/ring/pattern.h"
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#define MESSAGES_LEN (64u << 10)
#define PLACES_LEN   (4u << 10)

static uint64_t record_cnt, seed;
static void *messages, *places;
static _Atomic bool failed;

/* Says it once and lets every thread come to its end. */
static void fail(const char *who, uint64_t number)
{
    if (!atomic_exchange(&failed, true))
        fprintf(stderr, "stress_spsc: %s: record %" PRIu64 " is wrong\n", who, number);
}

static bool holds(const unsigned char *bytes, uint32_t len, uint64_t number, uint32_t len_max)
{
    return len == pattern_len(seed, number, len_max) && pattern_holds(seed, number, bytes, len);
}

static void *write_messages(void *arg)
{
    struct sl_spsc_tx tx;
    uint64_t state = seed;

    sl_spsc_join_tx(&tx, messages);
    for (uint64_t number = 0; number < record_cnt && !failed; number++) {
        uint32_t len = pattern_len(seed, number, sl_spsc_len_max(&tx));
        unsigned char *bytes;
        while (!(bytes = sl_spsc_claim(&tx, len)) && !failed) {
            sl_spsc_flush(&tx);
            sched_yield();
        }
        if (!bytes)
            break;
        pattern_fill(seed, number, bytes, len);
        sl_spsc_commit(&tx, len);
        if (next_random(&state) % 8 == 0)
            sl_spsc_flush(&tx);
    }
    sl_spsc_flush(&tx);
    return arg;
}

static void *walk_messages(void *arg)
{
    struct sl_spsc_rx rx;
    struct sl_spsc_tx tx;
    uint32_t len, len_max = MESSAGES_LEN / 2 - SL_SPSC_HEAD_LEN;

    sl_spsc_join_rx(&rx, messages);
    sl_spsc_join_tx(&tx, places);
    for (uint64_t number = 0; number < record_cnt && !failed;) {
        const unsigned char *bytes = sl_spsc_peek(&rx, &len);
        uint64_t *place = bytes ? sl_spsc_claim(&tx, sizeof(*place)) : NULL;
        if (!place) {
            sl_spsc_flush(&tx);
            sched_yield();
            continue;
        }
        if (!holds(bytes, len, number, len_max))
            fail("walk", number);
        *place = sl_spsc_next(&rx);
        sl_spsc_commit(&tx, sizeof(*place));
        number++;
    }
    sl_spsc_flush(&tx);
    return arg;
}

static void *release_messages(void *arg)
{
    struct sl_spsc_rx rx;
    uint32_t len, len_max = MESSAGES_LEN / 2 - SL_SPSC_HEAD_LEN;

    sl_spsc_join_rx(&rx, places);
    for (uint64_t number = 0; number < record_cnt && !failed;) {
        const uint64_t *place = sl_spsc_peek(&rx, &len);
        if (!place) {
            sched_yield();
            continue;
        }
        const unsigned char *bytes = sl_spsc_record_at(messages, *place, &len);
        if (!holds(bytes, len, number, len_max))
            fail("release", number);
        sl_spsc_release(messages, *place);
        sl_spsc_release(rx.shm, sl_spsc_next(&rx));
        number++;
    }
    return arg;
}

static void *ring(uint32_t bytes_len)
{
    size_t len = sl_spsc_footprint(bytes_len);
    void *mem = aligned_alloc(SL_SPSC_ALIGN, (len + SL_SPSC_ALIGN - 1) / SL_SPSC_ALIGN * SL_SPSC_ALIGN);

    if (!mem || sl_spsc_new(mem, bytes_len))
        abort();
    return mem;
}

int main(int argc, char **argv)
{
    static void *(*const stages[])(void *) = { write_messages, walk_messages, release_messages };
    pthread_t threads[3];

    record_cnt = number_arg(argc, argv, 1, 1000000);
    seed = number_arg(argc, argv, 2, 1);
    printf("stress_spsc records=%" PRIu64 " seed=%" PRIu64 "\n", record_cnt, seed);
    messages = ring(MESSAGES_LEN);
    places = ring(PLACES_LEN);
    for (int i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, stages[i], NULL))
            abort();
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    free(messages);
    free(places);
    printf("stress_spsc %s\n", failed ? "FAILED" : "ok");
    return failed ? 1 : 0;
}
