/* bench/bench.h - what every bench shares: two pinned threads, the cost of a cache line, samples filed by placement,
 * one JSON line a case.
 *
 * Threads   The caller's is on the first core, the other half of a pair on the second.
 * Units     ns, unless a name says otherwise.
 *
 * On rented machines the two cores move about the host: one cache line to and fro costs about 65 ns on one last-level
 * cache (near) and several times that between two (far), and the placement changes within seconds.  So each sample, 50
 * ms at most, stands between two measurements of the line; it counts for the class both agree on, and is thrown away
 * when they don't.
 */
#ifndef SL_BENCH_BENCH_H
#define SL_BENCH_BENCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_SAMPLES_MAX 256u
#define BENCH_FAR_RATIO   2.0 /* a line that costs twice the cheapest of the run is far */

int64_t bench_now_ns(void);
static inline void bench_relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Pins the calling thread to the n-th core it may run on.  False: there is none. */
bool bench_pin(unsigned nth);

/* The two halves of one piece of work, each on its core, started together; the duration is until both have ended. */
struct bench_pair {
    void (*first)(void *arg);
    void (*second)(void *arg);
    void *arg;
};
int64_t bench_run_pair(const struct bench_pair *pair);

/* One cache line to and fro between the two cores, one way, median of some thousand rounds. */
double bench_line_ns(void);

enum bench_place { BENCH_NEAR, BENCH_FAR, BENCH_PLACES };

struct bench_series { /* samples of one case, by placement */
    double value[BENCH_PLACES][BENCH_SAMPLES_MAX];
    double line_ns[BENCH_PLACES][BENCH_SAMPLES_MAX];
    uint32_t cnt[BENCH_PLACES];
    uint32_t thrown_cnt;
};

/* Files a value that was measured between two line costs.  floor_ns: the cheapest line of the run so far. */
void bench_file(struct bench_series *series, double value, double line_before_ns, double line_after_ns,
                double floor_ns);

struct bench_stat {
    double median, min, max;
    uint32_t cnt;
};
struct bench_stat bench_stat_of(const double *values, uint32_t cnt);

/* {"machine":...}: processor, kernel, governor, huge pages, mitigations, versions, commit. */
void bench_print_machine(const char *bench, const char *question);

/* Something the optimizer can't see through: the bytes at data are used. */
static inline void bench_use(const void *data) { __asm__ volatile("" : : "r"(data) : "memory"); }

#endif
