/* tests/ring/pattern.h - records whose length and bytes follow from a seed and a number, so that any reader can check
 * each byte of each without having seen it before. */
#ifndef SL_TESTS_RING_PATTERN_H
#define SL_TESTS_RING_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The finalizer of splitmix64: neighbours in, strangers out. */
static inline uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ x >> 27) * 0x94d049bb133111ebull;
    return x ^ x >> 31;
}

static inline uint64_t next_random(uint64_t *state) { return mix((*state)++); }

/* Mostly short, sometimes long: 1 to len_max. */
static inline uint32_t pattern_len(uint64_t seed, uint64_t number, uint32_t len_max)
{
    uint64_t random = mix(seed ^ mix(number));
    uint32_t most = random % 64 ? len_max / 64 : len_max;

    return (uint32_t)(random >> 32) % (most ? most : 1) + 1;
}

static inline void pattern_fill(uint64_t seed, uint64_t number, unsigned char *bytes, uint32_t len)
{
    uint64_t word = mix(seed + number);
    uint32_t done = 0;

    for (; len - done >= sizeof(word); done += sizeof(word), word = word * 3 + 1)
        memcpy(bytes + done, &word, sizeof(word));
    memcpy(bytes + done, &word, len - done);
}

static inline bool pattern_holds(uint64_t seed, uint64_t number, const unsigned char *bytes, uint32_t len)
{
    uint64_t word = mix(seed + number);
    uint32_t done = 0;

    for (; len - done >= sizeof(word); done += sizeof(word), word = word * 3 + 1)
        if (memcmp(bytes + done, &word, sizeof(word)))
            return false;
    return !memcmp(bytes + done, &word, len - done);
}

/* argv[idx] as a number, or what is usual. */
static inline uint64_t number_arg(int argc, char **argv, int idx, uint64_t usual)
{
    return argc > idx ? strtoull(argv[idx], NULL, 0) : usual;
}

#endif
