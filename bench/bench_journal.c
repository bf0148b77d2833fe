/* bench/bench_journal - how fast does news become durable, beside what the disk can do and what others make of it; and
 * what does the journal cost the pipeline?
 *
 *   bench_journal [--quick] [--rounds N] [--directory DIR] SLUGLINE
 *
 * 2 KB records, into a folder of the bench's own in DIR (here): the disk that counts is the one that it lies on.  Ways
 * are interleaved within each round, ratios taken within a round.  The goals stand beside the results; they are drawn
 * from the peers on the machine they were measured on, and a host may keep in a cache what it says to have written.
 */
#include "bench/bench.h"
#include "bench/journal_ways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLE_NS  400000000ll
#define QUICK_NS   100000000ll
#define SAMPLE_CNT 200000u /* messages through a pipeline */
#define QUICK_CNT  20000u

enum way { IN_FLIGHT, OURS, APPEND, REDIS, LONE, ACKED, OFF, ON, WAY_CNT };
/* clang-format off */
static const struct {
    const char *name, *unit;
    double (*run)(const char *folder, int64_t for_ns);
    double scale;
} ways[] = {
    [IN_FLIGHT] = { "io_uring, 4 x 256 KB in flight",     "MB/s",             journal_in_flight,  1e-6 },
    [OURS]      = { "slugline",                           "MB/s",             journal_ours,       1e-6 },
    [APPEND]    = { "64 x 4 KB pwritev append, fdatasync", "MB/s",            journal_append,     1e-6 },
    [REDIS]     = { "Redis Streams, appendfsync always",  "MB/s",             journal_redis,      1e-6 },
    [LONE]      = { "one 4 KB synchronous write",         "us, half of them", journal_lone,       1e-3 },
    [ACKED]     = { "slugline, one record acknowledged",  "us, half of them", journal_ours_acked, 1e-3 },
    [OFF]       = { "pipeline, TCP to tape",              "k messages/s",     NULL,               1e-3 },
    [ON]        = { "pipeline, TCP to tape and disk",     "k messages/s",     NULL,               1e-3 },
};
/* clang-format on */

/* What was aimed at: the ratio of two ways, and which side of the goal is the good one. */
static const struct goal {
    const char *name;
    enum way of, to;
    double goal, stretch;
    bool at_most;
} goals[] = {
    {"times four writes in flight",            OURS,  IN_FLIGHT, 0.6,  0.85, false},
    { "times append and fdatasync",            OURS,  APPEND,    2,    2,    false},
    { "times Redis synced always",             OURS,  REDIS,     8,    8,    false},
    { "times a lone 4 KB write, acknowledged", ACKED, LONE,      2,    2,    true },
    { "times the pipeline without a journal",  ON,    OFF,       0.85, 0.85, false},
};
#define GOAL_CNT (sizeof(goals) / sizeof(goals[0]))

static struct {
    double value[BENCH_SAMPLES_MAX];
    uint32_t cnt;
} found[WAY_CNT], ratios[GOAL_CNT];

/* ---- the folder ---- */

/* Only what ways make in it. */
static void empty(const char *folder)
{
    pid_t pid = fork();
    if (!pid) {
        if (chdir(folder))
            _exit(1);
        execlp("find", "find", ".", "-mindepth", "1", "-delete", NULL);
        _exit(127);
    }
    int status;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
        abort();
}

/* ---- rounds ---- */

static void keep(enum way way, double value, double *round)
{
    round[way] = value;
    if (value >= 0 && found[way].cnt < BENCH_SAMPLES_MAX)
        found[way].value[found[way].cnt++] = value * ways[way].scale;
}

static void round_of(const char *program, const char *folder, int64_t for_ns, uint32_t cnt)
{
    double round[WAY_CNT];
    for (unsigned way = 0; way < WAY_CNT; way++) {
        keep(way, ways[way].run ? ways[way].run(folder, for_ns) : journal_pipeline(program, folder, way == ON, cnt),
             round);
        empty(folder);
    }
    for (size_t g = 0; g < GOAL_CNT; g++) {
        double of = round[goals[g].of], to = round[goals[g].to];
        if (of > 0 && to > 0 && ratios[g].cnt < BENCH_SAMPLES_MAX)
            ratios[g].value[ratios[g].cnt++] = of / to;
    }
}

static void print_results(void)
{
    for (unsigned way = 0; way < WAY_CNT; way++) {
        struct bench_stat stat = bench_stat_of(found[way].value, found[way].cnt);
        if (!found[way].cnt)
            printf("SKIPPED: %s\n", ways[way].name);
        else
            printf("{\"case\":\"2 KB\",\"who\":\"%s\",\"unit\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,"
                   "\"samples\":%u}\n",
                   ways[way].name, ways[way].unit, stat.median, stat.min, stat.max, stat.cnt);
    }
    for (size_t g = 0; g < GOAL_CNT; g++) {
        struct bench_stat stat = bench_stat_of(ratios[g].value, ratios[g].cnt);
        if (ratios[g].cnt)
            printf("{\"case\":\"2 KB\",\"who\":\"slugline\",\"unit\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,"
                   "\"samples\":%u,\"%s\":%.2f,\"stretch\":%.2f}\n",
                   goals[g].name, stat.median, stat.min, stat.max, stat.cnt, goals[g].at_most ? "goal_at_most" : "goal",
                   goals[g].goal, goals[g].stretch);
    }
}

int main(int argc, char **argv)
{
    unsigned rounds = 7;
    bool quick = false;
    const char *directory = ".", *program = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick"))
            quick = true;
        else if (!strcmp(argv[i], "--rounds") && i + 1 < argc)
            rounds = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--directory") && i + 1 < argc)
            directory = argv[++i];
        else
            program = argv[i];
    }
    char folder[4096];
    if (!program || *program == '-' || snprintf(folder, sizeof(folder), "%s/bench-journal-XXXXXX", directory) < 0 ||
        !mkdtemp(folder)) {
        fputs("usage: bench_journal [--quick] [--rounds N] [--directory DIR] SLUGLINE\n", stderr);
        return 2;
    }
    char *absolute = realpath(folder, NULL);
    if (!absolute)
        return 1;
    bench_print_machine("bench_journal", "2 KB records durable: ours, bare ways, Redis; the journal's cost");
    fflush(stdout); /* it is not the children's to say again */
    for (unsigned i = 0; i < (quick ? 2 : rounds); i++)
        round_of(program, absolute, quick ? QUICK_NS : SAMPLE_NS, quick ? QUICK_CNT : SAMPLE_CNT);
    print_results();
    rmdir(absolute);
    free(absolute);
    return 0;
}
