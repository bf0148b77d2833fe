/* bench/bench_ring - how does our byte ring between stages compare with ck_ring and rte_ring, and the log with a plain
 * copy?
 *
 *   bench_ring [--quick] [--rounds N]
 *
 * Same work on both sides: every message is written whole by one core and read whole, checked and summed, by the
 * other.  Rings are interleaved within each round; medians are of samples in the same placement class; ratios are
 * taken within a round.
 */
#include "bench/bench.h"
#include "bench/rings.h"
#include "ring/log.h"

#include <stdio.h>

#define SAMPLE_NS  30000000ll
#define PING_CNT   20000u
#define LOG_LEN    (16ull << 20)
#define RECORD_LEN 2048u

static const struct bench_ring *const rings[] = {
    &bench_ring_slugline, &bench_ring_ck,
#ifdef SL_HAVE_DPDK
    &bench_ring_rte,
#endif
};
#define RING_CNT (sizeof(rings) / sizeof(rings[0]))

static const struct shape {
    const char *name;
    uint32_t size, batch;
} shapes[] = {
    { "8 B, one at a time",  8,    1  },
    { "8 B, batches of 32",  8,    32 },
    { "64 B, one at a time", 64,   1  },
    { "64 B, batches of 32", 64,   32 },
    { "4 KB, one at a time", 4096, 1  },
    { "4 KB, batches of 8",  4096, 8  },
};
#define SHAPE_CNT (sizeof(shapes) / sizeof(shapes[0]))

static struct bench_series rate[SHAPE_CNT][RING_CNT], ratio[SHAPE_CNT][RING_CNT]; /* ratio: ours to it */
static struct bench_series latency[RING_CNT], latency_p99[RING_CNT], lines[RING_CNT];
static double log_write[BENCH_SAMPLES_MAX], log_read[BENCH_SAMPLES_MAX];
static uint32_t log_cnt;
static double floor_ns = 1e9;

static double measure_line(void)
{
    double line_ns = bench_line_ns();
    if (line_ns < floor_ns)
        floor_ns = line_ns;
    return line_ns;
}

/* Messages a second over one ring. */
static double run_rate(const struct bench_ring *ring, const struct shape *shape, uint64_t cnt)
{
    struct bench_job job = { .ring = ring->make(shape->size), .cnt = cnt, .size = shape->size, .batch = shape->batch };
    int64_t ns = bench_run_pair(&(struct bench_pair){ ring->send, ring->receive, &job });
    if (job.sum != cnt * (cnt + 1) / 2 * (shape->size / 8))
        abort();
    ring->drop(job.ring);
    return (double)cnt * 1e9 / (double)ns;
}

static void round_of_rates(size_t s, uint64_t *cnt)
{
    double value[RING_CNT], before[RING_CNT], after[RING_CNT];
    for (size_t r = 0; r < RING_CNT; r++) {
        before[r] = measure_line();
        value[r] = run_rate(rings[r], &shapes[s], cnt[r]);
        after[r] = measure_line();
        cnt[r] = (uint64_t)(value[r] * SAMPLE_NS / 1e9) + 1000; /* the next sample takes as long as it should */
        bench_file(&rate[s][r], value[r] / 1e6, before[r], after[r], floor_ns);
        if (r)
            bench_file(&ratio[s][r], value[0] / value[r], before[0], after[r], floor_ns);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void round_of_latency(void)
{
    static double round_ns[PING_CNT];
    for (size_t r = 0; r < RING_CNT; r++) {
        double before = measure_line();
        struct bench_job job = {
            .ring = rings[r]->make(8), .back = rings[r]->make(8), .cnt = PING_CNT, .size = 8, .round_ns = round_ns
        };
        bench_run_pair(&(struct bench_pair){ rings[r]->ping, rings[r]->pong, &job });
        rings[r]->drop(job.ring);
        rings[r]->drop(job.back);
        double after = measure_line();
        qsort(round_ns, PING_CNT, sizeof(double), compare);
        bench_file(&latency[r], round_ns[PING_CNT / 2] / 2, before, after, floor_ns);
        bench_file(&latency_p99[r], round_ns[PING_CNT * 99 / 100] / 2, before, after, floor_ns);
        bench_file(&lines[r], round_ns[PING_CNT / 2] / (before + after), before, after, floor_ns);
    }
}

/* The log on one core, against memcpy of the same bytes into a ring of the same size: what publishing and checking
 * cost. */
static void round_of_log(void)
{
    static unsigned char *mem, *plain, *copy;
    static struct sl_log_config config = { .bytes_len = LOG_LEN, .epoch = 1, .first_seq = 1 };
    unsigned char source[RECORD_LEN];
    if (!mem) {
        mem = aligned_alloc(4096, (sl_log_footprint(&config) + 4095) / 4096 * 4096);
        plain = aligned_alloc(4096, LOG_LEN);
        copy = aligned_alloc(4096, RECORD_LEN);
        memset(plain, 0, LOG_LEN);
    }
    memset(source, 7, sizeof(source));
    if (sl_log_new(mem, &config))
        abort();
    struct sl_log_tx tx;
    struct sl_log_rx rx;
    if (sl_log_join_tx(&tx, mem) || sl_log_join_rx(&rx, mem, sl_log_footprint(&config)))
        abort();
    uint32_t cnt = (uint32_t)(LOG_LEN / RECORD_LEN / 2);
    for (uint32_t lap = 0; lap < 4; lap++) { /* the first lap meets fresh pages: only warm ones count */
        int64_t begin_ns = bench_now_ns();
        for (uint32_t i = 0; i < cnt; i++)
            memcpy(plain + (size_t)i * RECORD_LEN, source, RECORD_LEN);
        bench_use(plain);
        int64_t plain_ns = bench_now_ns() - begin_ns;
        begin_ns = bench_now_ns();
        for (uint32_t i = 0; i < cnt; i++) {
            memcpy(sl_log_claim(&tx, RECORD_LEN, 0), source, RECORD_LEN);
            sl_log_publish(&tx, RECORD_LEN);
        }
        int64_t log_ns = bench_now_ns() - begin_ns;
        begin_ns = bench_now_ns();
        for (uint32_t i = 0; i < cnt; i++) {
            memcpy(copy, plain + (size_t)i * RECORD_LEN, RECORD_LEN);
            bench_use(copy);
        }
        int64_t plain_read_ns = bench_now_ns() - begin_ns;
        begin_ns = bench_now_ns();
        for (uint32_t i = 0; i < cnt; i++)
            if (sl_log_next(&rx, copy, RECORD_LEN) != SL_LOG_RECORD)
                abort();
        int64_t read_ns = bench_now_ns() - begin_ns;
        if (lap && log_cnt < BENCH_SAMPLES_MAX) {
            log_write[log_cnt] = (double)log_ns / (double)plain_ns;
            log_read[log_cnt++] = (double)read_ns / (double)plain_read_ns;
        }
    }
}

static void print_stat(const char *what, const char *who, const char *unit, const struct bench_stat *stat)
{
    printf("{\"case\":\"%s\",\"who\":\"%s\",\"unit\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,\"samples\":%u",
           what, who, unit, stat->median, stat->min, stat->max, stat->cnt);
}

static void print_case(const char *what, const char *who, const char *unit, const struct bench_series *series)
{
    static const char *const places[BENCH_PLACES] = { "near", "far" };
    for (unsigned p = 0; p < BENCH_PLACES; p++) {
        struct bench_stat stat = bench_stat_of(series->value[p], series->cnt[p]);
        if (!stat.cnt)
            continue;
        print_stat(what, who, unit, &stat);
        stat = bench_stat_of(series->line_ns[p], series->cnt[p]);
        printf(",\"place\":\"%s\",\"thrown\":%u,\"line_ns\":%.0f}\n", places[p], series->thrown_cnt, stat.median);
    }
}

/* One core's work: no placement to file it by. */
static void print_lone_case(const char *what, const double *values, uint32_t cnt)
{
    struct bench_stat stat = bench_stat_of(values, cnt);
    print_stat(what, "slugline", "times the plain copy", &stat);
    puts("}");
}

int main(int argc, char **argv)
{
    unsigned rounds = 15;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            rounds = 7;
        } else if (!strcmp(argv[i], "--rounds") && i + 1 < argc) {
            rounds = (unsigned)strtoul(argv[++i], NULL, 10);
        } else {
            fputs("usage: bench_ring [--quick] [--rounds N]\n", stderr);
            return 2;
        }
    }
    bench_print_machine("bench_ring", "our byte ring against ck_ring and rte_ring; the log against a plain copy");
    if (!bench_pin(1)) {
        puts("SKIPPED: two cores are needed");
        return 77;
    }
    if (RING_CNT < 3)
        puts("SKIPPED: rte_ring: DPDK is not installed");
    uint64_t cnt[SHAPE_CNT][RING_CNT];
    for (size_t s = 0; s < SHAPE_CNT; s++)
        for (size_t r = 0; r < RING_CNT; r++)
            cnt[s][r] = 20000;
    for (unsigned i = 0; i <= rounds; i++) {
        for (size_t s = 0; s < SHAPE_CNT; s++)
            round_of_rates(s, cnt[s]);
        round_of_latency();
        round_of_log();
        if (!i) { /* the first only finds out how many messages fill a sample */
            memset(rate, 0, sizeof(rate));
            memset(ratio, 0, sizeof(ratio));
        }
    }
    for (size_t s = 0; s < SHAPE_CNT; s++)
        for (size_t r = 0; r < RING_CNT; r++) {
            print_case(shapes[s].name, rings[r]->name, "M messages/s", &rate[s][r]);
            if (r)
                print_case(shapes[s].name, rings[r]->name, "slugline's rate to its", &ratio[s][r]);
        }
    for (size_t r = 0; r < RING_CNT; r++) {
        print_case("round trip halved, p50", rings[r]->name, "ns", &latency[r]);
        print_case("round trip halved, p99", rings[r]->name, "ns", &latency_p99[r]);
        print_case("round trip halved, p50", rings[r]->name, "times the line", &lines[r]);
    }
    print_lone_case("log: 2 KB claimed, copied, published", log_write, log_cnt);
    print_lone_case("log: 2 KB found, copied, checked", log_read, log_cnt);
    return 0;
}
