#include "parsers/words.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "parsers/ascii.h"

/* ---- byte by byte ---- */

static bool is_odd_utf8(const uint8_t *data, uint32_t len)
{
    if (len < 2)
        return data[0] == 0xc2 || data[0] == 0xef;
    return (data[0] == 0xc2 && data[1] <= 0xa0) || (data[0] == 0xef && data[1] == 0xbf);
}

bool sl_words_stop_seldom(struct sl_span text, enum sl_words kind)
{
    uint8_t byte = text.data[0];
    if (byte < 0x20 || byte == 0x7f || (byte == ' ' && text.len > 1 && text.data[1] == ' '))
        return true;
    if (byte < 0x80)
        return false;
    return kind == SL_WORDS_ASCII || is_odd_utf8(text.data, text.len);
}

static uint32_t copy_plain(uint8_t *to, struct sl_span text, enum sl_words kind)
{
    uint32_t i = 0;
    for (; i < text.len && !sl_words_stop(sl_span_skip(text, i), kind); i++)
        to[i] = text.data[i];
    return i;
}

/* Blank, TAB, LF, FF and CR are bits of one word. */
static inline bool is_any_white(uint8_t byte) { return byte <= ' ' && (0x100003600ull >> byte & 1) != 0; }

/* ---- in blocks ---- */

#if defined(__x86_64__)

#define AVX2   __attribute__((target("avx2")))
#define INLINE inline __attribute__((always_inline))

AVX2 static INLINE __m256i is(__m256i block, int byte)
{
    return _mm256_cmpeq_epi8(block, _mm256_set1_epi8((char)byte));
}

AVX2 static INLINE __m256i is_at_most(__m256i block, int byte)
{
    return _mm256_cmpeq_epi8(_mm256_min_epu8(block, _mm256_set1_epi8((char)byte)), block);
}

/* One bit for each of 32 bytes that stops. */
AVX2 static INLINE uint32_t stop_bits(__m256i block, __m256i after, enum sl_words kind)
{
    __m256i odd = _mm256_or_si256(is_at_most(block, 0x1f), _mm256_and_si256(is(block, ' '), is(after, ' ')));
    odd = _mm256_or_si256(odd, is(block, 0x7f));
    uint32_t high = (uint32_t)_mm256_movemask_epi8(block), bits = (uint32_t)_mm256_movemask_epi8(odd);
    if (kind == SL_WORDS_ASCII || high == 0)
        return bits | high;
    odd = _mm256_or_si256(_mm256_and_si256(is(block, 0xc2), is_at_most(after, 0xa0)),
                          _mm256_and_si256(is(block, 0xef), is(after, 0xbf)));
    return bits | (uint32_t)_mm256_movemask_epi8(odd);
}

AVX2 static INLINE uint32_t copy_blocks(uint8_t *to, struct sl_span text, uint32_t readable, enum sl_words kind)
{
    uint32_t i = 0;
    for (; i < text.len && readable - i > 32; i += 32) {
        __m256i block = _mm256_loadu_si256((const __m256i *)(text.data + i));
        __m256i after = _mm256_loadu_si256((const __m256i *)(text.data + i + 1));
        _mm256_storeu_si256((__m256i *)(to + i), block);
        uint32_t bits = stop_bits(block, after, kind);
        if (bits != 0) {
            i += (uint32_t)__builtin_ctz(bits);
            return i < text.len ? i : text.len;
        }
    }
    if (i >= text.len)
        return text.len;
    uint8_t last[64] = { 0 }; /* the first of which stops */
    memcpy(last, text.data + i, text.len - i);
    __m256i block = _mm256_loadu_si256((const __m256i *)last), after = _mm256_loadu_si256((const __m256i *)(last + 1));
    _mm256_storeu_si256((__m256i *)(to + i), block);
    uint32_t bits = stop_bits(block, after, kind);
    i += bits != 0 ? (uint32_t)__builtin_ctz(bits) : 32;
    return i < text.len ? i : text.len;
}

AVX2 static uint32_t copy_ascii(uint8_t *to, struct sl_span text, uint32_t readable)
{
    return copy_blocks(to, text, readable, SL_WORDS_ASCII);
}

AVX2 static uint32_t copy_utf8(uint8_t *to, struct sl_span text, uint32_t readable)
{
    return copy_blocks(to, text, readable, SL_WORDS_UTF8);
}

uint32_t sl_words_copy(uint8_t *to, struct sl_span text, uint32_t readable, enum sl_words kind)
{
    if (!__builtin_cpu_supports("avx2"))
        return copy_plain(to, text, kind);
    return kind == SL_WORDS_UTF8 ? copy_utf8(to, text, readable) : copy_ascii(to, text, readable);
}

uint32_t sl_white_run(struct sl_span text, uint32_t readable)
{
    const __m128i blank = _mm_set1_epi8(' '), tab = _mm_set1_epi8('\t'), line = _mm_set1_epi8('\n');
    const __m128i feed = _mm_set1_epi8('\f'), cr = _mm_set1_epi8('\r');
    uint32_t i = 0;
    for (; i < text.len && readable - i >= 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(text.data + i));
        __m128i white = _mm_or_si128(_mm_cmpeq_epi8(block, blank), _mm_cmpeq_epi8(block, tab));
        white = _mm_or_si128(white, _mm_or_si128(_mm_cmpeq_epi8(block, line), _mm_cmpeq_epi8(block, cr)));
        white = _mm_or_si128(white, _mm_cmpeq_epi8(block, feed));
        uint32_t words = ~(uint32_t)_mm_movemask_epi8(white) & 0xffff;
        if (words != 0) {
            i += (uint32_t)__builtin_ctz(words);
            return i < text.len ? i : text.len;
        }
    }
    while (i < text.len && is_any_white(text.data[i]))
        i++;
    return i < text.len ? i : text.len;
}

#else

uint32_t sl_words_copy(uint8_t *to, struct sl_span text, uint32_t readable, enum sl_words kind)
{
    (void)readable;
    return copy_plain(to, text, kind);
}

uint32_t sl_white_run(struct sl_span text, uint32_t readable)
{
    uint32_t i = 0;
    (void)readable;
    while (i < text.len && is_any_white(text.data[i]))
        i++;
    return i;
}

#endif
