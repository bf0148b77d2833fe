#include "bench/bench.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#define LINE_ROUNDS 4000u

int64_t bench_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

bool bench_pin(unsigned nth)
{
    static cpu_set_t allowed; /* as it was before the first pin */
    static bool known;
    if (!known && sched_getaffinity(0, sizeof(allowed), &allowed))
        return false;
    known = true;
    for (int core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, &allowed) || nth--)
            continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(core, &one);
        return !sched_setaffinity(0, sizeof(one), &one);
    }
    return false;
}

struct second_half {
    const struct bench_pair *pair;
    _Atomic bool ready, go;
};

static void *run_second(void *arg)
{
    struct second_half *half = arg;
    bench_pin(1);
    atomic_store(&half->ready, true);
    while (!atomic_load(&half->go))
        bench_relax();
    half->pair->second(half->pair->arg);
    return NULL;
}

int64_t bench_run_pair(const struct bench_pair *pair)
{
    struct second_half half = { .pair = pair };
    pthread_t thread;
    bench_pin(0);
    if (pthread_create(&thread, NULL, run_second, &half))
        abort();
    while (!atomic_load(&half.ready))
        bench_relax();
    int64_t begin_ns = bench_now_ns();
    atomic_store(&half.go, true);
    pair->first(pair->arg);
    pthread_join(thread, NULL);
    return bench_now_ns() - begin_ns;
}

struct line { /* two words of one line, each written by one side */
    _Alignas(128) _Atomic uint32_t ball;
    double round_ns[LINE_ROUNDS];
};

static void play_first(void *arg)
{
    struct line *line = arg;
    for (uint32_t i = 0; i < LINE_ROUNDS; i++) {
        int64_t begin_ns = bench_now_ns();
        atomic_store_explicit(&line->ball, 2 * i + 1, memory_order_release);
        while (atomic_load_explicit(&line->ball, memory_order_acquire) != 2 * i + 2)
            ;
        line->round_ns[i] = (double)(bench_now_ns() - begin_ns);
    }
}

static void play_second(void *arg)
{
    struct line *line = arg;
    for (uint32_t i = 0; i < LINE_ROUNDS; i++) {
        while (atomic_load_explicit(&line->ball, memory_order_acquire) != 2 * i + 1)
            ;
        atomic_store_explicit(&line->ball, 2 * i + 2, memory_order_release);
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_line_ns(void)
{
    static struct line line;
    atomic_store(&line.ball, 0);
    bench_run_pair(&(struct bench_pair){ play_first, play_second, &line });
    qsort(line.round_ns, LINE_ROUNDS, sizeof(double), compare);
    return line.round_ns[LINE_ROUNDS / 2] / 2;
}

void bench_file(struct bench_series *series, double value, double line_before_ns, double line_after_ns, double floor_ns)
{
    bool far_before = line_before_ns > BENCH_FAR_RATIO * floor_ns,
         far_after = line_after_ns > BENCH_FAR_RATIO * floor_ns;
    enum bench_place place = far_before ? BENCH_FAR : BENCH_NEAR;
    double spread = line_before_ns / line_after_ns;
    if (far_before != far_after || spread > 1.5 || spread < 1 / 1.5 || series->cnt[place] == BENCH_SAMPLES_MAX) {
        series->thrown_cnt++;
        return;
    }
    series->line_ns[place][series->cnt[place]] = (line_before_ns + line_after_ns) / 2;
    series->value[place][series->cnt[place]++] = value;
}

struct bench_stat bench_stat_of(const double *values, uint32_t cnt)
{
    static double sorted[BENCH_SAMPLES_MAX];
    struct bench_stat stat = { .cnt = cnt };
    if (!cnt)
        return stat;
    memcpy(sorted, values, cnt * sizeof(*values));
    qsort(sorted, cnt, sizeof(*sorted), compare);
    stat.median = cnt % 2 ? sorted[cnt / 2] : (sorted[cnt / 2 - 1] + sorted[cnt / 2]) / 2;
    stat.min = sorted[0];
    stat.max = sorted[cnt - 1];
    return stat;
}

/* The first line of a file that begins with key, from after the colon; or its first line. */
static void read_fact(const char *path, const char *key, char *fact, size_t fact_len)
{
    char line[512];
    FILE *file = fopen(path, "r");
    snprintf(fact, fact_len, "unknown");
    while (file && fgets(line, sizeof(line), file)) {
        if (key && strncmp(line, key, strlen(key)))
            continue;
        const char *value = key ? strchr(line, ':') : line;
        if (!value)
            continue;
        value += strspn(value, ": \t");
        snprintf(fact, fact_len, "%.*s", (int)strcspn(value, "\n"), value);
        break;
    }
    if (file)
        fclose(file);
}

void bench_print_machine(const char *bench, const char *question)
{
    char cpu[128], governor[64], huge[64], spectre[256];
    struct utsname host;
    uname(&host);
    read_fact("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
    read_fact("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", NULL, governor, sizeof(governor));
    read_fact("/proc/meminfo", "HugePages_Free", huge, sizeof(huge));
    read_fact("/sys/devices/system/cpu/vulnerabilities/spectre_v2", NULL, spectre, sizeof(spectre));
    printf("{\"bench\":\"%s\",\"question\":\"%s\",\"cpu\":\"%s\",\"kernel\":\"%s\",\"governor\":\"%s\",\"huge_pages_"
           "free\":\"%s\","
           "\"spectre_v2\":\"%s\",\"compiler\":\"" __VERSION__ "\",\"version\":\"" SL_VERSION "\"}\n",
           bench, question, cpu, host.release, governor, huge, spectre);
}
