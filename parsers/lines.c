#include "parsers/lines.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- bits ---- */

struct bits {
    uint64_t lf, odd, blank;
};

#if defined(__x86_64__)

static inline struct bits bits_of_sse2(const uint8_t *data)
{
    struct bits bits = { 0, 0, 0 };
    for (unsigned i = 0; i < 64; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(data + i));
        /* As signed, bytes from 0x80 on are below the blank, as controls are. */
        __m128i odd =
            _mm_or_si128(_mm_cmpgt_epi8(_mm_set1_epi8(' '), block), _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
        bits.lf |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\n'))) << i;
        bits.odd |= (uint64_t)(uint32_t)_mm_movemask_epi8(odd) << i;
        bits.blank |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(' '))) << i;
    }
    return bits;
}

__attribute__((target("avx2"))) static inline struct bits bits_of_avx2(const uint8_t *data)
{
    struct bits bits = { 0, 0, 0 };
    for (unsigned i = 0; i < 64; i += 32) {
        __m256i block = _mm256_loadu_si256((const __m256i *)(data + i));
        __m256i odd = _mm256_or_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(' '), block),
                                      _mm256_cmpeq_epi8(block, _mm256_set1_epi8(0x7f)));
        bits.lf |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, _mm256_set1_epi8('\n'))) << i;
        bits.odd |= (uint64_t)(uint32_t)_mm256_movemask_epi8(odd) << i;
        bits.blank |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(block, _mm256_set1_epi8(' '))) << i;
    }
    return bits;
}

#else

static struct bits bits_of_bytes(const uint8_t *data)
{
    struct bits bits = { 0, 0, 0 };
    for (unsigned i = 0; i < 64; i++) {
        bits.lf |= (uint64_t)(data[i] == '\n') << i;
        bits.odd |= (uint64_t)(data[i] < 0x20 || data[i] >= 0x7f) << i;
        bits.blank |= (uint64_t)(data[i] == ' ') << i;
    }
    return bits;
}

#endif

static inline void keep(struct sl_lines *lines, uint32_t idx, struct bits bits, uint64_t *blank_before)
{
    lines->lf[idx] = bits.lf;
    lines->odd[idx] = bits.odd | (bits.blank & (bits.blank << 1 | *blank_before));
    *blank_before = bits.blank >> 63;
}

/* The next whole blocks; of the last one what is there, and zeros behind it.  Inlined into a function for each kind of
 * processor. */
#define FILL(bits_of)                                                                                                  \
    uint64_t blank_before = 0;                                                                                         \
    uint32_t idx = 0, len = lines->len;                                                                                \
    for (; len - idx * 64 >= 64; idx++)                                                                                \
        keep(lines, idx, bits_of(lines->base + idx * 64), &blank_before);                                              \
    if (len % 64 != 0) {                                                                                               \
        uint8_t last[64] = { 0 };                                                                                      \
        memcpy(last, lines->base + idx * 64, len % 64);                                                                \
        keep(lines, idx, bits_of(last), &blank_before);                                                                \
    }

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void fill_avx2(struct sl_lines *lines) { FILL(bits_of_avx2) }
static void fill_sse2(struct sl_lines *lines) { FILL(bits_of_sse2) }
#else
static void fill_bytes(struct sl_lines *lines) { FILL(bits_of_bytes) }
#endif

static void look_ahead(struct sl_lines *lines)
{
    lines->base = lines->rest.data;
    lines->len = lines->rest.len < SL_LINES_BLOCKS * 64 ? lines->rest.len : SL_LINES_BLOCKS * 64;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        fill_avx2(lines);
    else
        fill_sse2(lines);
#else
    fill_bytes(lines);
#endif
}

/* ---- lines ---- */

/* As the functions of text.h say, one after the other. */
static bool next_by_bytes(struct sl_lines *lines, struct sl_line *line)
{
    if (!sl_line_next(&lines->rest, &line->whole))
        return false;
    line->words = sl_span_trim(line->whole);
    line->look = sl_look_at(line->words.data, line->words.len);
    line->is_indented = sl_para_is_indented(line->whole);
    return true;
}

bool sl_lines_look(struct sl_span words, struct sl_look *look)
{
    *look = sl_look_at(words.data, words.len);
    return !look->has_control && words.data[0] != 0xa0 && words.data[words.len - 1] != 0xa0;
}

bool sl_lines_next_slow(struct sl_lines *lines, struct sl_line *line)
{
    if (lines->ends != 0) {
        uint32_t lf = lines->idx * 64 + (uint32_t)__builtin_ctzll(lines->ends);
        bool is_there = next_by_bytes(lines, line);
        /* A bare CR before it may have ended a line, too. */
        if (lines->rest.data > lines->base + lf)
            lines->ends &= lines->ends - 1;
        return is_there;
    }
    if (lines->rest.len == 0)
        return false;
    if (lines->rest.data < lines->base + lines->dull)
        return next_by_bytes(lines, line);
    look_ahead(lines);
    lines->idx = 0;
    lines->dull = 0;
    lines->ends = lines->lf[0];
    while (lines->ends == 0 && (lines->idx + 1) * 64 < lines->len)
        lines->ends = lines->lf[++lines->idx];
    if (lines->ends == 0) {
        lines->dull = lines->len;
        return next_by_bytes(lines, line);
    }
    return sl_lines_next(lines, line);
}
