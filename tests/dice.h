/* tests/dice.h - chance that repeats itself: splitmix64 from a seed. */
#ifndef SL_TESTS_DICE_H
#define SL_TESTS_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t roll(struct dice *dice)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15ull;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* 0 to cnt - 1. */
static inline uint32_t below(struct dice *dice, uint32_t cnt) { return (uint32_t)((roll(dice) >> 32) * cnt >> 32); }
static inline uint32_t between(struct dice *dice, uint32_t low, uint32_t high)
{
    return low + below(dice, high - low + 1);
}
static inline bool chance(struct dice *dice, uint32_t percent) { return below(dice, 100) < percent; }

#endif
