/* bench/bench_fanout - what does it cost to bring 2 KB bulletins to 1, 2 and 4 processes, beside ZeroMQ, NATS, and
 * bare rings and sockets without any product?
 *
 *   bench_fanout [--quick] [--rounds N] [--only WAY]
 *
 * One publisher and N subscribers, processes of their own, not pinned; every subscriber reads every byte of every
 * message, and nothing is lost, or the run ends.  Ways are interleaved within each round, ratios taken within a round.
 * A rate is messages published a second, from when all are ready until the last subscriber has the last one.  Where the
 * machine has other work to do, look at the processor time a message costs: waiting for one's turn is not in it.
 */
#include "bench/bench.h"
#include "bench/fanout_tape.h"

#include "parsers/bulletin.h"
#include "parsers/parse.h"
#include "pipeline/record.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE_NS 200000000ll
#define REST_NS   120000000ll /* between samples: what else the machine has to do is done then */
#define CNT_MIN   20000u /* many times what queues hold: how a way begins is not what is asked */

static const struct bench_fanout *const ways[] = {
    &bench_fanout_bare,     &bench_fanout_log,      &bench_fanout_client,         &bench_fanout_peek,
    &bench_fanout_bare_tcp, &bench_fanout_sink_tcp, &bench_fanout_bare_multicast, &bench_fanout_sink_multicast,
#ifdef SL_HAVE_ZMQ
    &bench_fanout_zmq_ipc,  &bench_fanout_zmq_tcp,
#endif
#ifdef SL_HAVE_NATS
    &bench_fanout_nats,
#endif
};
#define WAY_CNT (sizeof(ways) / sizeof(ways[0]))

/* What is to hold between two ways of a round. */
static const struct goal {
    const struct bench_fanout *who, *to;
    double at_least;
} goals[] = {
#ifdef SL_HAVE_ZMQ
    {&bench_fanout_sink_tcp,        &bench_fanout_zmq_tcp,        3  },
#endif
#ifdef SL_HAVE_NATS
    { &bench_fanout_sink_tcp,       &bench_fanout_nats,           8  },
#endif
    { &bench_fanout_sink_tcp,       &bench_fanout_bare_tcp,       0.8},
    { &bench_fanout_sink_multicast, &bench_fanout_bare_multicast, 1  },
};
#define GOAL_CNT (sizeof(goals) / sizeof(goals[0]))

static const uint32_t reader_cnts[] = { 1, 2, 4 };
#define SHAPE_CNT (sizeof(reader_cnts) / sizeof(reader_cnts[0]))

struct fanout_shared {
    _Alignas(128) _Atomic uint32_t ready;
    _Alignas(128) _Atomic bool go;
    int64_t begin_ns;
    struct fanout_sum sums[FANOUT_READERS_MAX];
};

static struct {
    double value[BENCH_SAMPLES_MAX];
    uint32_t cnt;
} rate[SHAPE_CNT][WAY_CNT], cpu[SHAPE_CNT][WAY_CNT], to_bare[SHAPE_CNT][WAY_CNT], to_best_peer[SHAPE_CNT][WAY_CNT],
    to_goal[SHAPE_CNT][GOAL_CNT];

static _Alignas(64) unsigned char model[FANOUT_SIZE];
static size_t number_off;
static uint64_t model_sum; /* with number 0 */

/* ---- messages ---- */

static void make_model(void)
{
    fanout_model(model);
    struct sl_bulletin *bulletin = (struct sl_bulletin *)((struct sl_record *)model + 1);
    bulletin->number = 0;
    number_off = (size_t)((unsigned char *)&bulletin->number - model);
    /* len and seq are the log's to write, and no way is to be judged by them. */
    for (size_t i = 2; i < FANOUT_SIZE / 8; i++)
        model_sum += ((const uint64_t *)(const void *)model)[i];
}

void fanout_make(void *message, uint64_t number)
{
    memcpy(message, model, sizeof(model));
    memcpy((unsigned char *)message + number_off, &number, sizeof(number));
}

void fanout_take(struct fanout_sum *sum, const void *message)
{
    const uint64_t *words = message;
    uint64_t number, all = 0;
    memcpy(&number, (const unsigned char *)message + number_off, sizeof(number));
    if (number != sum->cnt + 1)
        abort(); /* who loses or reorders has no speed */
    for (size_t i = 2; i < FANOUT_SIZE / 8; i++)
        all += words[i];
    sum->sum += all;
    __atomic_store_n(&sum->cnt, sum->cnt + 1, __ATOMIC_RELAXED); /* fanout_least looks at it */
}

void fanout_take_bulletin(struct fanout_sum *sum, const void *bulletin)
{
    static _Alignas(64) unsigned char message[FANOUT_SIZE];
    if (!sum->cnt)
        memcpy(message, model, sizeof(model));
    memcpy(message + sizeof(struct sl_record), bulletin, FANOUT_SIZE - sizeof(struct sl_record));
    fanout_take(sum, message);
}

/* ---- a run ---- */

struct fanout_sum *fanout_ready(struct fanout_job *job, uint32_t idx)
{
    atomic_fetch_add(&job->shared->ready, 1);
    while (!atomic_load(&job->shared->go))
        sched_yield();
    return &job->shared->sums[idx];
}

void fanout_await(struct fanout_job *job)
{
    while (atomic_load(&job->shared->ready) < job->reader_cnt)
        sched_yield();
    job->shared->begin_ns = bench_now_ns();
    atomic_store(&job->shared->go, true);
}

uint64_t fanout_least(const struct fanout_job *job)
{
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < job->reader_cnt; i++) {
        uint64_t cnt = __atomic_load_n(&job->shared->sums[i].cnt, __ATOMIC_RELAXED);
        least = cnt < least ? cnt : least;
    }
    return least;
}

void fanout_done(struct fanout_job *job, uint32_t idx) { job->shared->sums[idx].end_ns = bench_now_ns(); }

static void check_sums(const struct fanout_job *job)
{
    for (uint32_t i = 0; i < job->reader_cnt; i++) {
        const struct fanout_sum *sum = &job->shared->sums[i];
        if (sum->cnt != job->cnt || sum->sum != job->cnt * model_sum + job->cnt * (job->cnt + 1) / 2)
            abort();
    }
}

/* Of this process and all that it has waited for. */
static double cpu_us(void)
{
    struct rusage own, children;
    getrusage(RUSAGE_SELF, &own);
    getrusage(RUSAGE_CHILDREN, &children);
    struct timeval all[] = { own.ru_utime, own.ru_stime, children.ru_utime, children.ru_stime };
    double us = 0;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        us += (double)all[i].tv_sec * 1e6 + (double)all[i].tv_usec;
    return us;
}

struct sample {
    double per_s; /* messages */
    double cpu_us; /* of a message, in all processes together: what it costs, whoever else is on the machine */
};

static struct sample run(const struct bench_fanout *way, uint32_t reader_cnt, uint64_t cnt)
{
    struct fanout_job job = { .reader_cnt = reader_cnt, .cnt = cnt };
    pid_t pids[FANOUT_READERS_MAX];
    double begin_us = cpu_us();
    job.shared = mmap(NULL, sizeof(*job.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (job.shared == MAP_FAILED)
        abort();
    way->open(&job);
    fflush(stdout);
    for (uint32_t i = 0; i < reader_cnt; i++) {
        pids[i] = fork();
        if (pids[i] < 0)
            abort();
        if (!pids[i]) {
            way->subscribe(&job, i);
            _exit(0);
        }
    }
    way->publish(&job);
    int64_t end_ns = 0;
    for (uint32_t i = 0; i < reader_cnt; i++) {
        int status;
        if (waitpid(pids[i], &status, 0) != pids[i] || status)
            abort();
        end_ns = job.shared->sums[i].end_ns > end_ns ? job.shared->sums[i].end_ns : end_ns;
    }
    check_sums(&job);
    way->close(&job);
    struct sample sample = { .per_s = (double)cnt * 1e9 / (double)(end_ns - job.shared->begin_ns),
                             .cpu_us = (cpu_us() - begin_us) / (double)cnt };
    munmap(job.shared, sizeof(*job.shared));
    return sample;
}

static size_t find_way(const struct bench_fanout *way)
{
    size_t w = 0;
    while (ways[w] != way)
        w++;
    return w;
}

static void round_of(size_t s, uint64_t *cnt, bool keep)
{
    double value[WAY_CNT], cost[WAY_CNT], best_peer = 0;
    for (size_t w = 0; w < WAY_CNT; w++) {
        nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
        struct sample sample = run(ways[w], reader_cnts[s], cnt[w]);
        value[w] = sample.per_s;
        cost[w] = sample.cpu_us;
        cnt[w] = (uint64_t)(value[w] * SAMPLE_NS / 1e9) + CNT_MIN; /* the next takes as long as it should */
        if (ways[w]->is_peer && value[w] > best_peer)
            best_peer = value[w];
    }
    for (size_t g = 0; keep && g < GOAL_CNT; g++)
        to_goal[s][g].value[to_goal[s][g].cnt++] = value[find_way(goals[g].who)] / value[find_way(goals[g].to)];
    for (size_t w = 0; keep && w < WAY_CNT; w++) {
        rate[s][w].value[rate[s][w].cnt++] = value[w] / 1e3;
        cpu[s][w].value[cpu[s][w].cnt++] = cost[w];
        to_bare[s][w].value[to_bare[s][w].cnt++] = value[w] / value[0];
        if (best_peer > 0)
            to_best_peer[s][w].value[to_best_peer[s][w].cnt++] = value[w] / best_peer;
    }
}

static void print_case(size_t s, size_t w, const char *unit, const double *values, uint32_t cnt)
{
    struct bench_stat stat = bench_stat_of(values, cnt);
    if (cnt)
        printf("{\"case\":\"2 KB to %u\",\"who\":\"%s\",\"unit\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,"
               "\"samples\":%u}\n",
               reader_cnts[s], ways[w]->name, unit, stat.median, stat.min, stat.max, stat.cnt);
}

static void print_goal(size_t s, size_t g)
{
    struct bench_stat stat = bench_stat_of(to_goal[s][g].value, to_goal[s][g].cnt);
    printf("{\"case\":\"2 KB to %u\",\"who\":\"%s\",\"unit\":\"times %s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,"
           "\"samples\":%u,\"goal\":%g}\n",
           reader_cnts[s], goals[g].who->name, goals[g].to->name, stat.median, stat.min, stat.max, stat.cnt,
           goals[g].at_least);
}

int main(int argc, char **argv)
{
    unsigned rounds = 9;
    const char *only = NULL; /* to look at one with a profiler */
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            rounds = 5;
        } else if (!strcmp(argv[i], "--rounds") && i + 1 < argc) {
            rounds = (unsigned)strtoul(argv[++i], NULL, 10);
        } else if (!strcmp(argv[i], "--only") && i + 1 < argc) {
            only = argv[++i];
        } else {
            fputs("usage: bench_fanout [--quick] [--rounds N] [--only WAY]\n", stderr);
            return 2;
        }
    }
    rounds = rounds < BENCH_SAMPLES_MAX ? rounds : BENCH_SAMPLES_MAX;
    bench_print_machine("bench_fanout", "2 KB bulletins to 1, 2, 4 processes; ZeroMQ, and a bare ring");
#ifndef SL_HAVE_ZMQ
    puts("SKIPPED: zeromq: libzmq3-dev is not installed");
#endif
#ifndef SL_HAVE_NATS
    puts("SKIPPED: nats: libnats-dev or nats-server is not installed");
#endif
    make_model();
    for (size_t w = 0; only && w < WAY_CNT; w++)
        for (unsigned i = 0; !strcmp(ways[w]->name, only) && i < rounds; i++) {
            struct sample sample = run(ways[w], 1, 10 * CNT_MIN);
            printf("%s: %.0f k messages/s, %.2f us\n", only, sample.per_s / 1e3, sample.cpu_us);
        }
    if (only)
        return 0;
    for (size_t s = 0; s < SHAPE_CNT; s++) {
        uint64_t cnt[WAY_CNT];
        for (size_t w = 0; w < WAY_CNT; w++)
            cnt[w] = CNT_MIN;
        for (unsigned i = 0; i <= rounds; i++) /* the first only finds out how many messages fill a sample */
            round_of(s, cnt, i > 0);
    }
    for (size_t s = 0; s < SHAPE_CNT; s++)
        for (size_t w = 0; w < WAY_CNT; w++) {
            print_case(s, w, "k messages/s", rate[s][w].value, rate[s][w].cnt);
            print_case(s, w, "processor us a message, all processes", cpu[s][w].value, cpu[s][w].cnt);
            if (w)
                print_case(s, w, "times the bare ring", to_bare[s][w].value, to_bare[s][w].cnt);
            if (w && !ways[w]->is_peer)
                print_case(s, w, "times the best peer", to_best_peer[s][w].value, to_best_peer[s][w].cnt);
        }
    for (size_t s = 0; s < SHAPE_CNT; s++)
        for (size_t g = 0; g < GOAL_CNT; g++)
            print_goal(s, g);
    return 0;
}
