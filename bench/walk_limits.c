/* What this machine can do at all: nothing of ours can be faster than these. */
#include "bench/bench.h"
#include "bench/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SAMPLE_NS 20000000ll
#define SAMPLES   7u
#define WARM_LEN  (256u << 10) /* a core's own cache */
#define COLD_LEN  (128u << 20) /* more than all caches */
#define ITEM      2048u

static uint8_t *from, *to;
static int pair[2];

static void copy_warm(void) { memcpy(to, from, WARM_LEN), bench_use(to); }
static void copy_cold(void) { memcpy(to, from, COLD_LEN), bench_use(to); }

/* memchr for what is not there: libc's is the widest scan of this processor. */
static void scan(size_t len)
{
    const void *found = memchr(from, 1, len);
    bench_use(&found);
}
static void scan_warm(void) { scan(WARM_LEN); }
static void scan_cold(void) { scan(COLD_LEN); }

static void call_kernel(void)
{
    for (unsigned i = 0; i < 1000; i++)
        syscall(SYS_getppid);
}

/* An item of 2 KB into a Unix socket and out again by one thread: the kernel's two copies, and nobody to wake. */
static void pass_item(void)
{
    for (unsigned i = 0; i < 100; i++)
        if (write(pair[0], from, ITEM) != ITEM || read(pair[1], to, ITEM) != ITEM)
            abort();
}

static void read_clock(void)
{
    for (unsigned i = 0; i < 1000; i++)
        bench_now_ns();
}

/* What one call of work costs, ns, by so many that they fill a sample. */
static double cost_ns(void (*work)(void))
{
    int64_t begin_ns = bench_now_ns(), now_ns = begin_ns;
    uint32_t cnt = 0;
    while (now_ns - begin_ns < SAMPLE_NS) {
        work();
        cnt++;
        now_ns = bench_now_ns();
    }
    return (double)(now_ns - begin_ns) / cnt;
}

static const struct limit {
    const char *name, *unit;
    void (*work)(void);
    double amount; /* of what is counted in one call; bytes a ns are GB a second */
} limits[] = {
    {"copy in the cache",      "GB/s", copy_warm,   WARM_LEN},
    { "copy in memory",        "GB/s", copy_cold,   COLD_LEN},
    { "scan in the cache",     "GB/s", scan_warm,   WARM_LEN},
    { "scan in memory",        "GB/s", scan_cold,   COLD_LEN},
    { "system call",           "ns",   call_kernel, 1000    },
    { "2 KB by a Unix socket", "ns",   pass_item,   100     },
    { "reading the clock",     "ns",   read_clock,  1000    },
};

static void print_limit(const char *name, const char *unit, const double *values)
{
    struct bench_stat stat = bench_stat_of(values, SAMPLES);
    printf("{\"limit\":\"%s\",\"unit\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,\"samples\":%u}\n", name, unit,
           stat.median, stat.min, stat.max, stat.cnt);
}

int walk_limits(void)
{
    double values[SAMPLES];
    from = aligned_alloc(4096, COLD_LEN);
    to = aligned_alloc(4096, COLD_LEN);
    if (!from || !to || socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
        return walk_fail("limits", "no memory");
    memset(from, 'x', COLD_LEN);
    memset(to, 'x', COLD_LEN);
    bench_pin(0);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        const struct limit *limit = &limits[i];
        cost_ns(limit->work);
        for (uint32_t sample = 0; sample < SAMPLES; sample++) {
            double ns = cost_ns(limit->work);
            values[sample] = limit->unit[0] == 'G' ? limit->amount / ns : ns / limit->amount;
        }
        print_limit(limit->name, limit->unit, values);
    }
    for (uint32_t sample = 0; sample < SAMPLES; sample++)
        values[sample] = bench_line_ns();
    print_limit("cache line to the other core", "ns", values);
    return 0;
}
