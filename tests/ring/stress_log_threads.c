/* Can a reader of a log get torn bytes, lose a record without being told, or sleep through one?  One thread writes;
 * readers follow: one that sleeps whenever it can, one that dawdles, one that looks in place, one that gates; and a
 * liar writes nonsense into a gating seat.
 *
 *     stress_log_threads [records] [seed]      exit 0 fine, 1 a reader saw something wrong
 */
#include "tests/ring/follow.h"
#include <pthread.h>

#define BYTES_LEN (256u << 10)
#define INDEX_CNT 256u /* fewer than records fit, so that the index comes round before the bytes do */

enum reader { SLEEPER, DAWDLER, LOOKER, GATER, LIAR, READER_CNT };

static uint64_t record_cnt, seed;
static void *mem;
static size_t mem_len;
static struct sl_seat seats[READER_CNT];
static _Atomic bool written;
static uint64_t evict_cnt;

/* What was wrong has been said.  Nobody else need come to his end. */
static void want(bool right)
{
    if (right)
        return;
    printf("stress_log_threads FAILED\n");
    fflush(stdout);
    _Exit(1);
}

static void join(struct follow *follow, const char *name, enum reader reader)
{
    *follow = (struct follow){ .name = name, .seed = seed, .last_seq = record_cnt, .seat = &seats[reader] };
    if (sl_log_join_rx(&follow->rx, mem, mem_len))
        abort();
    sl_log_seek(&follow->rx, 1);
}

static void report(const struct follow *follow)
{
    want(follow_balances(follow));
    printf("  %-8s read=%" PRIu64 " missed=%" PRIu64 "\n", follow->name, follow->read_cnt, follow->missed_cnt);
}

/* Reads to the end; idle_every: in how many records it gives its processor away; sleeps: waits in the kernel. */
static void read_to_the_end(struct follow *follow, uint32_t idle_every, bool sleeps)
{
    int got;

    while (!follow_ended(follow)) {
        want(follow_one(follow, &got));
        if (got == SL_LOG_NONE && sleeps)
            sl_log_wait(&follow->rx, follow->seat, -1);
        else if (got == SL_LOG_NONE || (idle_every && follow->read_cnt % idle_every == 0))
            sched_yield();
    }
    report(follow);
}

static void *run_sleeper(void *arg)
{
    static struct follow follow;

    join(&follow, "sleeper", SLEEPER);
    read_to_the_end(&follow, 0, true);
    return arg;
}

static void *run_dawdler(void *arg)
{
    static struct follow follow;

    join(&follow, "dawdler", DAWDLER);
    read_to_the_end(&follow, 3, false);
    return arg;
}

/* True when the record in place was looked at whole; *fine: what it then held was right. */
static bool look(struct follow *follow, bool *fine)
{
    static unsigned char copy[FOLLOW_LEN_MAX];
    uint64_t seq = follow->rx.next_seq;
    uint32_t len = pattern_len(seed, seq, FOLLOW_LEN_MAX - 16);
    const struct sl_log_rec *rec = sl_log_peek(&follow->rx);

    if (!rec)
        return false;
    /* Byte for byte in place; a copy only because ThreadSanitizer wants the reads to be atomic. */
    sl_log_copy(copy, (const unsigned char *)rec, sizeof(*rec));
    uint32_t rec_len = ((const struct sl_log_rec *)(const void *)copy)->len;
    bool right = rec_len == len + 16;
    if (right)
        sl_log_copy(copy, (const unsigned char *)rec + 16, len);
    if (!sl_log_still_whole(&follow->rx))
        return false;
    *fine = right && pattern_holds(seed, seq, copy, len);
    sl_log_skip(&follow->rx);
    follow->read_cnt++;
    return true;
}

static void *run_looker(void *arg)
{
    static struct follow follow;
    bool fine = true;
    int got;

    join(&follow, "looker", LOOKER);
    while (!follow_ended(&follow)) {
        if (look(&follow, &fine)) {
            want(fine || follow_fails(&follow, "what was whole in place was wrong"));
            continue;
        }
        want(follow_one(&follow, &got));
        if (got == SL_LOG_NONE)
            sched_yield();
    }
    report(&follow);
    return arg;
}

static void *run_gater(void *arg)
{
    static struct follow follow;
    int got;

    join(&follow, "gater", GATER);
    while (!follow_ended(&follow)) {
        want(follow_one(&follow, &got));
        if (got == SL_LOG_NONE)
            sched_yield();
        else
            sl_seat_done(follow.seat, follow.rx.next_seq - 1);
    }
    want(!follow.missed_cnt || follow_fails(&follow, "it gates, was not evicted, and missed something"));
    report(&follow);
    return arg;
}

static void *run_liar(void *arg)
{
    uint64_t state = seed ^ 0x11a7;

    while (!written) {
        uint64_t random = next_random(&state);
        sl_seat_done(&seats[LIAR], random % 4 ? random % (2 * record_cnt) : random);
        atomic_store_explicit(&seats[LIAR].asleep, (uint32_t)random % 8, memory_order_relaxed);
        sched_yield();
    }
    return arg;
}

/* The liar holds the writer up for a thousand looks at most; the gater as long as it takes. */
static void publish_one(struct sl_log_tx *tx)
{
    for (int looks = 0; !publish_pattern(tx, seed, 0); looks++) {
        int slowest = sl_log_poll_gates(tx);
        if (slowest == LIAR && looks > 1000) {
            sl_log_evict(tx, LIAR);
            evict_cnt++;
        }
        sched_yield();
    }
    if (sl_log_sleepers(tx))
        sl_log_wake(tx);
}

int main(int argc, char **argv)
{
    static void *(*const readers[READER_CNT])(void *) = { run_sleeper, run_dawdler, run_looker, run_gater, run_liar };
    static struct sl_log_tx tx;
    pthread_t threads[READER_CNT];

    record_cnt = number_arg(argc, argv, 1, 300000);
    seed = number_arg(argc, argv, 2, 1);
    printf("stress_log_threads records=%" PRIu64 " seed=%" PRIu64 "\n", record_cnt, seed);
    struct sl_log_config config = { .bytes_len = BYTES_LEN, .index_cnt = INDEX_CNT, .epoch = seed, .first_seq = 1 };
    mem_len = sl_log_footprint(&config);
    mem = aligned_alloc(128, mem_len);
    if (!mem || sl_log_new(mem, &config) || sl_log_join_tx(&tx, mem))
        abort();
    for (uint32_t i = 0; i < READER_CNT; i++)
        sl_log_attach(&tx, i, &seats[i], i == GATER || i == LIAR);
    sl_log_poll_gates(&tx);
    for (int i = 0; i < READER_CNT; i++)
        if (pthread_create(&threads[i], NULL, readers[i], NULL))
            abort();
    while (sl_log_head(&tx) < record_cnt)
        publish_one(&tx);
    written = true;
    for (int i = 0; i < READER_CNT; i++)
        pthread_join(threads[i], NULL);
    printf("stress_log_threads ok: liar disbelieved=%" PRIu64 " evicted=%" PRIu64 "\n", tx.gates[LIAR].disbelieved_cnt,
           evict_cnt);
    free(mem);
    return 0;
}
