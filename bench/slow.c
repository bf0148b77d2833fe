/* The stage that SLUGLINE_SLOW_STAGE names spins at each message: pipeline/slow.h. */
#include "pipeline/slow.h"
#include "bench/bench.h"

#include <stdlib.h>
#include <string.h>

/* Turns of nothing come first: under callgrind time is worth little, and they are what is counted. */
#define SPIN_TURNS 2000u
#define SPIN_NS    2000

static int find_chosen(void)
{
    static const char *const names[] = {
        [SL_SLOW_FRAME] = "frame", [SL_SLOW_DECODE] = "decode", [SL_SLOW_DESK] = "desk"
    };
    const char *name = getenv("SLUGLINE_SLOW_STAGE");
    int stage = sizeof(names) / sizeof(names[0]);
    while (stage-- && !(name && !strcmp(name, names[stage])))
        ;
    return stage; /* -1: none */
}

void sl_slow(enum sl_slow_stage stage)
{
    static _Thread_local bool looked;
    static _Thread_local int chosen;
    if (!looked)
        chosen = find_chosen();
    looked = true;
    if (chosen != (int)stage)
        return;
    int64_t end_ns = bench_now_ns() + SPIN_NS;
    for (unsigned turn = 0; turn < SPIN_TURNS; turn++)
        bench_use(&turn);
    while (bench_now_ns() < end_ns)
        ;
}
