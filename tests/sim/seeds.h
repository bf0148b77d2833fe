/* tests/sim/seeds.h - "7" or "1..1000", as the simulators are told. */
#ifndef SL_TESTS_SIM_SEEDS_H
#define SL_TESTS_SIM_SEEDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline bool read_seeds(const char *text, uint64_t *from, uint64_t *to)
{
    char *end;
    *from = *to = strtoull(text, &end, 10);
    if (end != text && !strncmp(end, "..", 2))
        *to = strtoull(end + 2, &end, 10);
    return end != text && !*end && *from <= *to;
}

#endif
