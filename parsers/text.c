#include "parsers/text.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "parsers/ascii.h"
#include "parsers/charset_wide.h"
#include "parsers/words.h"

#define REPLACEMENT     0xfffdu
#define BYTE_ORDER_MARK 0xfeffu

/* ---- bytes ---- */

const uint8_t sl_byte_class[256] = {
    ['A' ... 'Z'] = SL_BYTE_UPPER, ['a' ... 'z'] = SL_BYTE_LOWER,  ['0' ... '9'] = SL_BYTE_DIGIT,
    [' '] = SL_BYTE_WHITE,         ['\t'] = SL_BYTE_WHITE,         ['\r'] = SL_BYTE_WHITE,
    ['\n'] = SL_BYTE_WHITE,        [0x80 ... 0xff] = SL_BYTE_HIGH,
};

/* clang-format off: it spreads the rows. */
#define LOWER_ROW(row)                                                                                                 \
    (row), (row) + 1, (row) + 2, (row) + 3, (row) + 4, (row) + 5, (row) + 6, (row) + 7, (row) + 8, (row) + 9,          \
        (row) + 10, (row) + 11, (row) + 12, (row) + 13, (row) + 14, (row) + 15
const uint8_t sl_byte_lower[256] = {
    LOWER_ROW(0x00),
    LOWER_ROW(0x10),
    LOWER_ROW(0x20),
    LOWER_ROW(0x30),
    '@',
    'a',
    'b',
    'c',
    'd',
    'e',
    'f',
    'g',
    'h',
    'i',
    'j',
    'k',
    'l',
    'm',
    'n',
    'o',
    'p',
    'q',
    'r',
    's',
    't',
    'u',
    'v',
    'w',
    'x',
    'y',
    'z',
    '[',
    '\\',
    ']',
    '^',
    '_',
    LOWER_ROW(0x60),
    LOWER_ROW(0x70),
    LOWER_ROW(0x80),
    LOWER_ROW(0x90),
    LOWER_ROW(0xa0),
    LOWER_ROW(0xb0),
    LOWER_ROW(0xc0),
    LOWER_ROW(0xd0),
    LOWER_ROW(0xe0),
    LOWER_ROW(0xf0),
};
/* clang-format on */

/* ---- finding what is not plain ----
 *
 * Nearly all bytes of all wires are printable ASCII, so everything below strides over these in blocks and looks closely
 * only at the rest.  SSE2 is there on every x86-64; AVX2 is asked for; other machines take eight bytes at a time. */

/* What a text may hold as it is: printable ASCII, LF and TAB. */
static bool is_plain(uint8_t byte) { return (byte >= 0x20 && byte < 0x7f) || byte == '\n' || byte == '\t'; }

static uint32_t plain_run_bytes(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    while (i < len && is_plain(data[i]))
        i++;
    return i;
}

static uint32_t ascii_run_bytes(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    while (i < len && data[i] < 0x80)
        i++;
    return i;
}

#if defined(__x86_64__)

/* Bytes that are not plain, one bit each.  Signed comparison sees bytes from 0x80 on as below the blank, too. */
static inline uint32_t odd_bits_sse2(const uint8_t *data)
{
    __m128i block = _mm_loadu_si128((const __m128i *)data);
    __m128i low = _mm_cmpgt_epi8(_mm_set1_epi8(0x20), block);
    __m128i white =
        _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\n')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\t')));
    __m128i del = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f));
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_andnot_si128(white, low), del));
}

static uint32_t plain_run_sse2(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    for (; len - i >= 16; i += 16) {
        uint32_t odd = odd_bits_sse2(data + i);
        if (odd != 0)
            return i + (uint32_t)__builtin_ctz(odd);
    }
    if (len < 16)
        return plain_run_bytes(data, len);
    /* The last block again, of which the first bytes are plain. */
    uint32_t odd = odd_bits_sse2(data + len - 16);
    return odd != 0 ? len - 16 + (uint32_t)__builtin_ctz(odd) : len;
}

static uint32_t ascii_run_sse2(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    for (; len - i >= 16; i += 16) {
        uint32_t high = (uint32_t)_mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(data + i)));
        if (high != 0)
            return i + (uint32_t)__builtin_ctz(high);
    }
    return i + ascii_run_bytes(data + i, len - i);
}

__attribute__((target("avx2"))) static uint32_t plain_run_avx2(const uint8_t *data, uint32_t len)
{
    const __m256i blank = _mm256_set1_epi8(0x20), del = _mm256_set1_epi8(0x7f);
    const __m256i line = _mm256_set1_epi8('\n'), tab = _mm256_set1_epi8('\t');
    uint32_t i = 0;
    for (; len - i >= 32; i += 32) {
        __m256i block = _mm256_loadu_si256((const __m256i *)(data + i));
        __m256i white = _mm256_or_si256(_mm256_cmpeq_epi8(block, line), _mm256_cmpeq_epi8(block, tab));
        __m256i low = _mm256_andnot_si256(white, _mm256_cmpgt_epi8(blank, block));
        uint32_t odd = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(low, _mm256_cmpeq_epi8(block, del)));
        if (odd != 0)
            return i + (uint32_t)__builtin_ctz(odd);
    }
    return i + plain_run_sse2(data + i, len - i);
}

__attribute__((target("avx2"))) static uint32_t ascii_run_avx2(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    for (; len - i >= 32; i += 32) {
        uint32_t high = (uint32_t)_mm256_movemask_epi8(_mm256_loadu_si256((const __m256i *)(data + i)));
        if (high != 0)
            return i + (uint32_t)__builtin_ctz(high);
    }
    return i + ascii_run_sse2(data + i, len - i);
}

/* Below this the wide loop gains nothing over its call. */
#define WIDE_LEN 64u

static uint32_t plain_run(const uint8_t *data, uint32_t len)
{
    if (len >= WIDE_LEN && __builtin_cpu_supports("avx2"))
        return plain_run_avx2(data, len);
    return plain_run_sse2(data, len);
}

static uint32_t ascii_run(const uint8_t *data, uint32_t len)
{
    if (len >= WIDE_LEN && __builtin_cpu_supports("avx2"))
        return ascii_run_avx2(data, len);
    return ascii_run_sse2(data, len);
}

/* Where a line ends: the first LF or CR, or len. */
static uint32_t line_run(const uint8_t *data, uint32_t len)
{
    const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
    uint32_t i = 0;
    for (; len - i >= 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(data + i));
        __m128i end = _mm_or_si128(_mm_cmpeq_epi8(block, lf), _mm_cmpeq_epi8(block, cr));
        uint32_t bits = (uint32_t)_mm_movemask_epi8(end);
        if (bits != 0)
            return i + (uint32_t)__builtin_ctz(bits);
    }
    while (i < len && data[i] != '\n' && data[i] != '\r')
        i++;
    return i;
}

#else

static uint32_t ascii_run(const uint8_t *data, uint32_t len)
{
    uint64_t word;
    uint32_t i = 0;
    for (; len - i >= sizeof word; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        if (word & 0x8080808080808080u)
            break;
    }
    return i + ascii_run_bytes(data + i, len - i);
}

static uint32_t plain_run(const uint8_t *data, uint32_t len) { return plain_run_bytes(data, len); }

static uint32_t line_run(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    while (i < len && data[i] != '\n' && data[i] != '\r')
        i++;
    return i;
}

#endif

#if defined(__x86_64__)

/* At most 16 bytes, and zeros behind them; nothing behind the text is touched. */
static inline __m128i load_short(const uint8_t *data, uint32_t len)
{
    uint64_t low = 0, high = 0;
    uint32_t first, last;
    if (len >= 8) {
        memcpy(&low, data, 8);
        memcpy(&high, data + len - 8, 8);
        high = len == 8 ? 0 : high >> 8 * (16 - len);
    } else if (len >= 4) {
        memcpy(&first, data, 4);
        memcpy(&last, data + len - 4, 4);
        low = first | (uint64_t)last << 8 * (len - 4);
    } else if (len != 0) {
        low = data[0] | (uint64_t)data[len / 2] << 8 * (len / 2) | (uint64_t)data[len - 1] << 8 * (len - 1);
    }
    return _mm_set_epi64x((int64_t)high, (int64_t)low);
}

/* The bits of 16 bytes that are controls, or blanks, or not ASCII. */
static inline uint32_t control_bits(__m128i block)
{
    /* As unsigned: byte < 0x20 is what saturates to nothing above 0x1f. */
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1f)), block);
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f))));
}

static inline uint32_t blank_bits(__m128i block)
{
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(' ')));
}

/* Of at least 18 bytes.  The last block is looked at from the end, so that none is short. */
static struct sl_look look_at_long(const uint8_t *data, uint32_t len)
{
    const __m128i space = _mm_set1_epi8(' '), last_low = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
    __m128i high = _mm_setzero_si128(), control = high, gap = high, wide = high;
    for (uint32_t at = 0;; at += 16) {
        at = at < len - 18 ? at : len - 18;
        __m128i block = _mm_loadu_si128((const __m128i *)(data + at));
        __m128i one = _mm_loadu_si128((const __m128i *)(data + at + 1));
        __m128i two = _mm_loadu_si128((const __m128i *)(data + at + 2));
        __m128i twice = _mm_and_si128(_mm_cmpeq_epi8(block, space), _mm_cmpeq_epi8(one, space));
        __m128i end = _mm_and_si128(_mm_cmpeq_epi8(one, space), _mm_cmpeq_epi8(two, space));
        high = _mm_or_si128(high, _mm_or_si128(block, two));
        control = _mm_or_si128(control, _mm_cmpeq_epi8(_mm_min_epu8(block, last_low), block));
        control = _mm_or_si128(control, _mm_cmpeq_epi8(_mm_min_epu8(two, last_low), two));
        control = _mm_or_si128(control, _mm_or_si128(_mm_cmpeq_epi8(block, del), _mm_cmpeq_epi8(two, del)));
        gap = _mm_or_si128(gap, _mm_or_si128(twice, end));
        wide = _mm_or_si128(wide, _mm_and_si128(twice, end));
        if (at == len - 18)
            break;
    }
    return (struct sl_look){ _mm_movemask_epi8(high) != 0, _mm_movemask_epi8(control) != 0, _mm_movemask_epi8(gap) != 0,
                             _mm_movemask_epi8(wide) != 0 };
}

struct sl_look sl_look_at(const uint8_t *data, uint32_t len)
{
    if (len >= 18)
        return look_at_long(data, len);
    uint32_t high = 0, control = 0, blank_before = 0, gap = 0, wide = 0;
    for (uint32_t i = 0; i < len; i += 16) {
        uint32_t left = len - i, here = left < 16 ? (1u << left) - 1 : 0xffff;
        __m128i block = left < 16 ? load_short(data + i, left) : _mm_loadu_si128((const __m128i *)(data + i));
        uint32_t blank = blank_bits(block) << 2 | blank_before;
        high |= (uint32_t)_mm_movemask_epi8(block);
        control |= control_bits(block) & here;
        gap |= blank & blank << 1;
        wide |= blank & blank << 1 & blank << 2;
        blank_before = blank >> 16; /* the last two of this block */
    }
    /* Two bits of the blocks before came along, which were looked at there. */
    return (struct sl_look){ high != 0, control != 0, gap != 0, wide != 0 };
}

/* Where two blanks stand together, or a TAB; len where neither does. */
static uint32_t gap_run(const uint8_t *data, uint32_t len)
{
    const __m128i tab = _mm_set1_epi8('\t');
    for (uint32_t i = 0; i < len; i += 15) { /* the last byte is seen again: it may be the first of two */
        uint32_t left = len - i;
        __m128i block = left < 16 ? load_short(data + i, left) : _mm_loadu_si128((const __m128i *)(data + i));
        uint32_t blank = blank_bits(block), bits = blank & blank >> 1;
        bits |= (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, tab));
        if (bits != 0)
            return i + (uint32_t)__builtin_ctz(bits);
        if (left <= 16)
            break;
    }
    return len;
}

#else

struct sl_look sl_look_at(const uint8_t *data, uint32_t len)
{
    struct sl_look look = { false, false, false, false };
    for (uint32_t i = 0; i < len; i++) {
        look.has_high |= data[i] >= 0x80;
        look.has_control |= data[i] < 0x20 || data[i] == 0x7f;
        bool is_gap = data[i] == ' ' && i + 1 < len && data[i + 1] == ' ';
        look.has_gap |= is_gap;
        look.has_wide_gap |= is_gap && i + 2 < len && data[i + 2] == ' ';
    }
    return look;
}

static uint32_t gap_run(const uint8_t *data, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++) {
        if (data[i] == '\t' || (data[i] == ' ' && i + 1 < len && data[i + 1] == ' '))
            return i;
    }
    return len;
}

#endif

/* ---- UTF-8 ---- */

/* Length of the well-formed character at data, 0 if it is none (Unicode, table 3-7).  *used: bytes of it that were well
 * formed so far, at least one: the maximal subpart that one replacement character stands for. */
static uint32_t character_len(const uint8_t *data, uint32_t len, uint32_t *used)
{
    uint8_t lead = data[0], low = 0x80, high = 0xbf;
    uint32_t want;
    *used = 1;
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    want = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead == 0xe0)
        low = 0xa0; /* below: overlong */
    if (lead == 0xed)
        high = 0x9f; /* above: surrogates */
    if (lead == 0xf0)
        low = 0x90; /* below: overlong */
    if (lead == 0xf4)
        high = 0x8f; /* above: beyond U+10FFFF */
    while (*used < want) {
        if (*used == len || data[*used] < low || data[*used] > high)
            return 0;
        low = 0x80;
        high = 0xbf;
        ++*used;
    }
    return want;
}

/* In UTF-8 a C1 control is 0xC2 and its own number. */
static bool is_c1(const uint8_t *character) { return character[0] == 0xc2 && character[1] < 0xa0; }

/* Scalar until this many ASCII bytes in a row say that the blocks pay again. */
#define CALM_LEN 8u

static inline __attribute__((always_inline)) uint32_t good_prefix(const uint8_t *data, uint32_t len, bool clean)
{
    uint32_t i = 0;
    while (i < len) {
        i += clean ? plain_run(data + i, len - i) : ascii_run(data + i, len - i);
        for (uint32_t calm = 0; i < len && calm < CALM_LEN;) {
            uint32_t used, cnt = character_len(data + i, len - i, &used);
            if (cnt == 0 || (clean && (cnt == 1 ? !is_plain(data[i]) : is_c1(data + i))))
                return i;
            calm = cnt == 1 ? calm + 1 : 0;
            i += cnt;
        }
    }
    return len;
}

uint32_t sl_ascii_prefix(const uint8_t *data, uint32_t len) { return ascii_run(data, len); }

uint32_t sl_utf8_prefix(const uint8_t *data, uint32_t len) { return good_prefix(data, len, false); }

uint32_t sl_text_prefix(const uint8_t *data, uint32_t len) { return good_prefix(data, len, true); }

uint32_t sl_utf8_encode(uint8_t utf8[4], uint32_t character)
{
    if (character < 0x80) {
        utf8[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        utf8[0] = (uint8_t)(0xc0 | character >> 6);
        utf8[1] = (uint8_t)(0x80 | (character & 0x3f));
        return 2;
    }
    if (character < 0x10000) {
        utf8[0] = (uint8_t)(0xe0 | character >> 12);
        utf8[1] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
        utf8[2] = (uint8_t)(0x80 | (character & 0x3f));
        return 3;
    }
    utf8[0] = (uint8_t)(0xf0 | character >> 18);
    utf8[1] = (uint8_t)(0x80 | (character >> 12 & 0x3f));
    utf8[2] = (uint8_t)(0x80 | (character >> 6 & 0x3f));
    utf8[3] = (uint8_t)(0x80 | (character & 0x3f));
    return 4;
}

/* ---- any character set to clean UTF-8 ---- */

/* Text on its way into a bulletin.  Characters wait in a small buffer, because a put for each would cost more. */
struct sink {
    struct sl_out *out;
    struct sl_text_stats *stats;
    bool is_line; /* CR, VT and FF part words, instead of leaving nothing behind */
    uint32_t len;
    uint8_t buf[64];
};

static void flush(struct sink *sink)
{
    sl_out_put(sink->out, sink->buf, sink->len);
    sink->len = 0;
}

static void put_run(struct sink *sink, const uint8_t *data, uint32_t len)
{
    flush(sink);
    sl_out_put(sink->out, data, len);
}

static void put_control(struct sink *sink, uint32_t character)
{
    bool is_white = character == '\r' || character == '\v' || character == '\f';
    if (sink->is_line && is_white)
        sink->buf[sink->len++] = ' ';
    else if (character != '\r')
        sink->stats->control_cnt++;
}

static void put_character(struct sink *sink, uint32_t character)
{
    if (sink->len + 4 > sizeof sink->buf)
        flush(sink);
    if (character < 0x80 ? !is_plain((uint8_t)character) : character < 0xa0)
        put_control(sink, character);
    else
        sink->len += sl_utf8_encode(sink->buf + sink->len, character);
}

static void put_replacement(struct sink *sink)
{
    put_character(sink, REPLACEMENT);
    sink->stats->repaired_cnt++;
}

/* Replacement characters that came with the text. */
static uint32_t replacement_cnt(const uint8_t *data, uint32_t len)
{
    uint32_t cnt = 0;
    const uint8_t *end = data + len;
    while ((data = memchr(data, 0xef, (size_t)(end - data))) != NULL) {
        /* The text is well formed: two more bytes belong to this one. */
        cnt += data[1] == 0xbf && data[2] == 0xbd;
        data += 3;
    }
    return cnt;
}

/* From byte i on, before which all is put. */
static void put_utf8(struct sink *sink, const uint8_t *data, uint32_t len, uint32_t i)
{
    if (i == 0 && len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        i = 3;
    while (i < len) {
        uint32_t run = sl_text_prefix(data + i, len - i);
        put_run(sink, data + i, run);
        sink->stats->repaired_cnt += replacement_cnt(data + i, run);
        i += run;
        if (i == len)
            break;
        uint32_t used, cnt = character_len(data + i, len - i, &used);
        if (cnt == 0)
            put_replacement(sink);
        else
            put_character(sink, data[i + cnt - 1]); /* a control: the last byte alone tells which */
        i += used;
    }
}

/* Letters of an 8-bit set among plain bytes straight to their place, as far as there is room for all that may come. */
static uint32_t put_letters(struct sl_out *out, const char16_t *high, const uint8_t *data, uint32_t len)
{
    uint8_t *to = out->base + out->len;
    uint32_t i = 0;
    if ((uint64_t)len * 3 + 16 > out->cap - out->len)
        return 0;
    while (i < len) {
#if defined(__x86_64__)
        if (len - i >= 16) {
            uint32_t odd = odd_bits_sse2(data + i), run = odd != 0 ? (uint32_t)__builtin_ctz(odd) : 16;
            memcpy(to, data + i, 16);
            to += run;
            i += run;
            if (odd == 0)
                continue;
        }
#endif
        if (is_plain(data[i])) {
            *to++ = data[i++];
            continue;
        }
        uint32_t character = data[i] < 0x80 ? 0 : high[data[i] - 0x80];
        if (character < 0xa0 || character == REPLACEMENT)
            break;
        to += sl_utf8_encode(to, character);
        i++;
    }
    out->len = (uint32_t)(to - out->base);
    return i;
}

static void put_8bit(struct sink *sink, const char16_t *high, const uint8_t *data, uint32_t len, uint32_t i)
{
    while (i < len) {
        flush(sink);
        i += put_letters(sink->out, high, data + i, len - i);
        uint32_t run = plain_run(data + i, len - i);
        put_run(sink, data + i, run);
        i += run;
        for (uint32_t calm = 0; i < len && calm < CALM_LEN; i++) {
            uint32_t character = data[i] < 0x80 ? data[i] : high[data[i] - 0x80];
            calm = data[i] < 0x80 ? calm + 1 : 0;
            if (character == REPLACEMENT)
                put_replacement(sink);
            else
                put_character(sink, character);
        }
    }
}

static void put_utf16(struct sink *sink, bool big, const uint8_t *data, uint32_t len)
{
    uint32_t lead = 0; /* of a surrogate pair, waiting for its trail */
    for (uint32_t i = 0; i + 1 < len; i += 2) {
        uint32_t unit = big ? (uint32_t)data[i] << 8 | data[i + 1] : (uint32_t)data[i + 1] << 8 | data[i];
        bool is_trail = unit >= 0xdc00 && unit < 0xe000;
        if (lead != 0 && is_trail) {
            put_character(sink, 0x10000 + ((lead - 0xd800) << 10) + (unit - 0xdc00));
            lead = 0;
            continue;
        }
        if (lead != 0)
            put_replacement(sink);
        lead = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
        if (is_trail || unit == REPLACEMENT)
            put_replacement(sink);
        else if (lead == 0 && !(i == 0 && unit == BYTE_ORDER_MARK))
            put_character(sink, unit);
    }
    if (lead != 0 || len % 2 != 0)
        put_replacement(sink);
}

static void put_wide(struct sink *sink, enum sl_charset charset, const uint8_t *data, uint32_t len, uint32_t i)
{
    uint8_t shift = 0;
    while (i < len) {
        if (!sl_charset_is_wide(charset)) {
            uint32_t run = plain_run(data + i, len - i);
            put_run(sink, data + i, run);
            i += run;
        }
        for (uint32_t calm = 0, used; i < len && calm < CALM_LEN; i += used) {
            uint32_t character = sl_wide_next(charset, &shift, data + i, len - i, &used);
            calm = character < 0x80 ? calm + 1 : 0;
            if (character == SL_WIDE_NONE || character == REPLACEMENT)
                put_replacement(sink);
            else if (character != SL_WIDE_SHIFT && !(i == 0 && character == BYTE_ORDER_MARK))
                put_character(sink, character);
        }
    }
}

static void put_text(struct sl_out *out, enum sl_charset charset, const uint8_t *data, uint32_t len,
                     struct sl_text_stats *stats, bool is_line)
{
    struct sl_text_stats nobody_asks = { 0, 0 };
    struct sink sink;
    bool is_utf16 = charset == SL_CHARSET_UTF16LE || charset == SL_CHARSET_UTF16BE;
    uint32_t run = sl_charset_is_wide(charset) ? 0 : plain_run(data, len); /* most texts are nothing else */
    sl_out_put(out, data, run);
    if (run == len)
        return;
    sink.out = out;
    sink.stats = stats ? stats : &nobody_asks;
    sink.is_line = is_line;
    sink.len = 0;
    const char16_t *high = sl_charset_high(charset);
    if (high)
        put_8bit(&sink, high, data, len, run);
    else if (is_utf16)
        put_utf16(&sink, charset == SL_CHARSET_UTF16BE, data, len);
    else if (charset > SL_CHARSET_UTF16BE)
        put_wide(&sink, charset, data, len, run);
    else
        put_utf8(&sink, data, len, run);
    flush(&sink);
}

void sl_text_put(struct sl_out *out, enum sl_charset charset, const uint8_t *data, uint32_t len,
                 struct sl_text_stats *stats)
{
    put_text(out, charset, data, len, stats, false);
}

/* ---- lines of words ---- */

static bool is_white(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* Length of the white space at the start of clean UTF-8, no-break spaces among it. */
static uint32_t white_start(const uint8_t *text, uint32_t len)
{
    uint32_t i = 0;
    while (i < len) {
        if (is_white(text[i]))
            i++;
        else if (i + 1 < len && text[i] == 0xc2 && text[i + 1] == 0xa0)
            i += 2;
        else
            break;
    }
    return i;
}

static uint32_t without_white_end(const uint8_t *text, uint32_t len)
{
    for (;;) {
        if (len >= 1 && is_white(text[len - 1]))
            len--;
        else if (len >= 2 && text[len - 2] == 0xc2 && text[len - 1] == 0xa0)
            len -= 2;
        else
            return len;
    }
}

/* In its place: it only becomes shorter. */
void sl_text_fold(struct sl_out *out, uint32_t from)
{
    uint8_t *text = out->base + out->open_off + from;
    uint32_t end = without_white_end(text, out->len - out->open_off - from);
    uint32_t start = white_start(text, end), len = 0;
    struct sl_look look = sl_look_at(text, end);
    if (start == 0 && !look.has_control && !look.has_gap) {
        sl_out_cut(out, from + end);
        return;
    }
    for (uint32_t i = start; i < end; i++) {
        if (!is_white(text[i]))
            text[len++] = text[i];
        else if (!is_white(text[i + 1])) /* the end is not white, so there is a next byte */
            text[len++] = ' ';
    }
    sl_out_cut(out, from + len);
}

static bool may_be_nbsp(const char *text) { return text[0] == '\xc2' && text[1] == '\xa0'; }

/* A line without blanks at its ends, of which most are put as they are. */
static void put_looked_at(struct sl_out *out, enum sl_charset charset, struct sl_span line, struct sl_look look,
                          struct sl_text_stats *stats)
{
    if (!look.has_high && !look.has_control && !look.has_gap && !sl_charset_is_wide(charset)) {
        sl_out_put(out, line.data, line.len);
        return;
    }
    uint32_t from = sl_out_opened(out).len, control_cnt = stats ? stats->control_cnt : 0;
    put_text(out, charset, line.data, line.len, stats, true);
    struct sl_slice put = sl_out_opened(out);
    /* Letters beyond ASCII change no white space but that at the ends. */
    if (stats && stats->control_cnt == control_cnt && !look.has_control && !look.has_gap &&
        !sl_charset_is_wide(charset) && put.len - from >= 2 && !may_be_nbsp(put.data + from) &&
        !may_be_nbsp(put.data + put.len - 2))
        return;
    sl_text_fold(out, from);
}

void sl_text_put_line(struct sl_out *out, enum sl_charset charset, const uint8_t *data, uint32_t len,
                      struct sl_text_stats *stats)
{
    while (len != 0 && data[0] == ' ') {
        data++;
        len--;
    }
    while (len != 0 && data[len - 1] == ' ')
        len--;
    put_looked_at(out, charset, (struct sl_span){ data, len }, sl_look_at(data, len), stats);
}

void sl_text_put_line_within(struct sl_out *out, enum sl_charset charset, struct sl_span line, uint32_t readable,
                             struct sl_text_stats *stats)
{
    uint32_t room = out->cap - out->len;
    if (line.len != 0 && line.data[0] != ' ' && line.data[line.len - 1] != ' ' && room >= SL_WORDS_ROOM &&
        room - SL_WORDS_ROOM >= line.len && (charset == SL_CHARSET_UTF8 || sl_charset_high(charset)) &&
        sl_words_copy(out->base + out->len, line, readable, SL_WORDS_ASCII) == line.len)
        out->len += line.len;
    else
        sl_text_put_line(out, charset, line.data, line.len, stats);
}

/* ---- lines of raw bytes ---- */

bool sl_line_next(struct sl_span *rest, struct sl_span *line)
{
    if (rest->len == 0)
        return false;
    const uint8_t *data = rest->data;
    uint32_t len = line_run(data, rest->len), end = len;
    *line = (struct sl_span){ data, len };
    if (end < rest->len && data[end] == '\r') {
        /* CR CR LF is what teleprinters needed, to have time for the way back. */
        if (end + 2 < rest->len && data[end + 1] == '\r' && data[end + 2] == '\n')
            end += 2;
        else if (end + 1 < rest->len && data[end + 1] == '\n')
            end += 1;
    }
    end += end < rest->len;
    rest->data += end;
    rest->len -= end;
    return true;
}

static bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == 0; }

/* Length without the no-break spaces at the end.  0xA0 after another high byte may be the tail of a UTF-8 character. */
static uint32_t without_nbsp_end(const uint8_t *data, uint32_t len)
{
    uint32_t end = len;
    while (end != 0 && data[end - 1] == 0xa0)
        end--;
    return end == 0 || data[end - 1] < 0x80 ? end : len;
}

struct sl_span sl_span_trim_ends(struct sl_span span)
{
    while (span.len != 0 && (is_blank(span.data[0]) || span.data[0] == 0xa0)) {
        span.data++;
        span.len--;
    }
    for (uint32_t len = 0; len != span.len;) {
        len = span.len;
        while (span.len != 0 && is_blank(span.data[span.len - 1]))
            span.len--;
        span.len = without_nbsp_end(span.data, span.len);
    }
    return span;
}

bool sl_span_starts_word(struct sl_span span, const char *word)
{
    for (uint32_t i = 0; word[i] != '\0'; i++) {
        if (i == span.len || sl_lower(span.data[i]) != sl_lower((uint8_t)word[i]))
            return false;
    }
    return true;
}

bool sl_span_is_word(struct sl_span span, const char *word)
{
    for (uint32_t i = 0; i < span.len; i++) {
        if (word[i] == '\0' || sl_lower(span.data[i]) != sl_lower((uint8_t)word[i]))
            return false;
    }
    return word[span.len] == '\0';
}

#define PAIRS_MAX 4u

uint32_t sl_pair_run(struct sl_span span, const char *pairs)
{
    uint32_t i = 0;
#if defined(__x86_64__)
    const __m128i fold = _mm_set1_epi8(0x20);
    __m128i first[PAIRS_MAX], second[PAIRS_MAX];
    unsigned cnt = 0;
    for (; span.len > 16 && pairs[2 * cnt]; cnt++) {
        first[cnt] = _mm_set1_epi8((char)(pairs[2 * cnt] | 0x20));
        second[cnt] = _mm_set1_epi8((char)(pairs[2 * cnt + 1] | 0x20));
    }
    for (; span.len - i > 16; i += 16) {
        __m128i block = _mm_or_si128(_mm_loadu_si128((const __m128i *)(span.data + i)), fold);
        __m128i after = _mm_or_si128(_mm_loadu_si128((const __m128i *)(span.data + i + 1)), fold);
        __m128i found = _mm_setzero_si128();
        for (unsigned pair = 0; pair < cnt; pair++)
            found = _mm_or_si128(
                found, _mm_and_si128(_mm_cmpeq_epi8(block, first[pair]), _mm_cmpeq_epi8(after, second[pair])));
        uint32_t bits = (uint32_t)_mm_movemask_epi8(found);
        if (bits != 0)
            return i + (uint32_t)__builtin_ctz(bits);
    }
#endif
    for (; i + 1 < span.len; i++) {
        for (const char *pair = pairs; *pair; pair += 2) {
            if ((span.data[i] | 0x20) == (pair[0] | 0x20) && (span.data[i + 1] | 0x20) == (pair[1] | 0x20))
                return i;
        }
    }
    return span.len;
}

#define BYTES_MAX 6u

uint32_t sl_first_of(struct sl_span span, const char *bytes)
{
    uint32_t i = 0;
#if defined(__x86_64__)
    __m128i each[BYTES_MAX];
    unsigned cnt = 0;
    for (; span.len >= 16 && bytes[cnt] != '\0'; cnt++)
        each[cnt] = _mm_set1_epi8(bytes[cnt]);
    for (; span.len - i >= 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(span.data + i)), found = _mm_setzero_si128();
        for (unsigned k = 0; k < cnt; k++)
            found = _mm_or_si128(found, _mm_cmpeq_epi8(block, each[k]));
        uint32_t bits = (uint32_t)_mm_movemask_epi8(found);
        if (bits != 0)
            return i + (uint32_t)__builtin_ctz(bits);
    }
#endif
    for (; i < span.len; i++) {
        for (const char *byte = bytes; *byte != '\0'; byte++) {
            if (span.data[i] == (uint8_t)*byte)
                return i;
        }
    }
    return span.len;
}

bool sl_word_begins(struct sl_span text, const char *const *beginnings)
{
    char pairs[2 * PAIRS_MAX + 1];
    unsigned cnt = 0;
    for (; beginnings[cnt]; cnt++)
        memcpy(pairs + 2 * cnt, beginnings[cnt], 2);
    pairs[2 * cnt] = '\0';
    for (uint32_t i = sl_pair_run(text, pairs); i < text.len; i += sl_pair_run(sl_span_skip(text, i), pairs)) {
        for (unsigned j = 0; (i == 0 || !sl_is_word_byte(text.data[i - 1])) && j < cnt; j++) {
            if (sl_span_starts(sl_span_skip(text, i), beginnings[j]))
                return true;
        }
        i++;
    }
    return false;
}

uint64_t sl_word_starts(struct sl_span text, bool *in_word)
{
    uint64_t words = 0;
    uint32_t len = text.len < 64 ? text.len : 64;
#if defined(__x86_64__)
    for (uint32_t i = 0; i < len; i += 16) {
        __m128i block =
            len - i < 16 ? load_short(text.data + i, len - i) : _mm_loadu_si128((const __m128i *)(text.data + i));
        /* As unsigned and counted from its first: a letter is what 25 does not lessen. */
        __m128i letter = _mm_sub_epi8(_mm_or_si128(block, _mm_set1_epi8(0x20)), _mm_set1_epi8('a'));
        __m128i digit = _mm_sub_epi8(block, _mm_set1_epi8('0'));
        letter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(25)), letter);
        digit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
        words |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(letter, digit), block)) << i;
    }
#else
    for (uint32_t i = 0; i < len; i++)
        words |= (uint64_t)sl_is_word_byte(text.data[i]) << i;
#endif
    uint64_t starts = words & ~(words << 1 | *in_word);
    *in_word = words >> 63;
    return starts;
}

bool sl_span_find(struct sl_span span, const char *word, uint32_t *off)
{
    size_t word_len = strlen(word);
    const char pair[] = { word[0], word_len > 1 ? word[1] : '\0', '\0' };
    for (uint32_t i = 0; i + word_len <= span.len; i++) {
        struct sl_span rest = { span.data + i, span.len - i };
        if (word_len > 1) {
            i += sl_pair_run(rest, pair);
            rest = (struct sl_span){ span.data + i, span.len - i };
        }
        if (sl_span_starts(rest, word)) {
            *off = i;
            return true;
        }
    }
    return false;
}

/* ---- paragraphs ---- */

enum para_state {
    PARA_BREAK, /* the next line starts a paragraph */
    PARA_PROSE, /* in a paragraph */
    PARA_MAYBE_ROW, /* the line before had gaps; it is a row if the next one says so */
    PARA_ROW,
};

enum line_shape { SHAPE_PROSE, SHAPE_GAPS, SHAPE_ROW };

void sl_para_begin(struct sl_para *para, struct sl_out *out, enum sl_charset charset, struct sl_text_stats *stats)
{
    *para = (struct sl_para){ .out = out, .charset = charset, .stats = stats, .state = PARA_BREAK };
    para->is_wide = sl_charset_is_wide(charset);
}

/* Columns are parted by a TAB, by three blanks, or by two that no typist put after a sentence. */
static enum line_shape shape_of(struct sl_span line, struct sl_look look)
{
    if (look.has_control && memchr(line.data, '\t', line.len))
        return SHAPE_ROW;
    if (look.has_wide_gap || !look.has_gap)
        return look.has_wide_gap ? SHAPE_GAPS : SHAPE_PROSE;
    /* The line is trimmed: no gap is at its start. */
    for (uint32_t at = gap_run(line.data, line.len); at < line.len;) {
        if (!memchr(".!?:;,\"')", line.data[at - 1], 9))
            return SHAPE_GAPS;
        at += 2;
        at += gap_run(line.data + at, line.len - at);
    }
    return SHAPE_PROSE;
}

static bool ends_sentence(struct sl_slice text)
{
    static const char *const closers[] = { "\"", "'", ")", "]", "\u00bb", "\u201d", "\u2019", "\u201c" };
    for (size_t i = 0; i < sizeof closers / sizeof *closers; i++) {
        uint32_t len = (uint32_t)strlen(closers[i]);
        if (text.len > len && memcmp(text.data + text.len - len, closers[i], len) == 0) {
            text.len -= len;
            break;
        }
    }
    return text.len != 0 && memchr(".!?:", text.data[text.len - 1], 4);
}

static bool starts_paragraph(const struct sl_para *para, struct sl_span line, bool is_indented)
{
    if (line.data[0] == '-' || line.data[0] == '*')
        return sl_span_starts(line, "- ") || sl_span_starts(line, "* ") || sl_span_starts(line, "-- ");
    return is_indented && ends_sentence(sl_out_opened(para->out));
}

/* Cells parted by TABs: as many as the line has between two of them, else one.  None at the end. */
static void put_cells(struct sl_para *para, struct sl_span line, struct sl_look look)
{
    bool is_plain = !look.has_high && !look.has_control;
    uint32_t end = sl_out_opened(para->out).len;
    for (uint32_t i = 0; i < line.len;) {
        uint32_t cell = i, tab_cnt = 0;
        i += gap_run(line.data + i, line.len - i);
        uint32_t start = sl_out_opened(para->out).len;
        if (is_plain)
            sl_out_put(para->out, line.data + cell, i - cell);
        else
            sl_text_put_line(para->out, para->charset, line.data + cell, i - cell, para->stats);
        if (sl_out_opened(para->out).len != start)
            end = sl_out_opened(para->out).len;
        for (; i < line.len && (line.data[i] == ' ' || line.data[i] == '\t'); i++)
            tab_cnt += line.data[i] == '\t';
        sl_out_putc(para->out, '\t');
        for (; tab_cnt > 1; tab_cnt--)
            sl_out_putc(para->out, '\t');
    }
    sl_out_cut(para->out, end);
}

/* The line with gaps stays alone: it was prose, and what stood for its gaps becomes blanks. */
static void settle_as_prose(struct sl_para *para)
{
    struct sl_slice text = sl_out_opened(para->out);
    char *mutable_text = (char *)para->out->base + para->out->open_off;
    if (para->row_joins && para->row_len < text.len)
        mutable_text[para->row_len] = ' ';
    for (uint32_t i = para->row_len; i < text.len; i++) {
        if (mutable_text[i] == '\t')
            mutable_text[i] = ' ';
    }
    para->state = PARA_PROSE;
}

/* What parts this line from what stands before it.  True: joined as the prose it is if it turns out to be no row. */
static bool put_separator(struct sl_para *para, struct sl_span line, enum line_shape shape, bool is_indented)
{
    bool after_row = para->state == PARA_MAYBE_ROW || para->state == PARA_ROW;
    bool joins = false;
    if (sl_out_opened(para->out).len == 0)
        return false;
    if (after_row && shape != SHAPE_PROSE) {
        sl_out_putc(para->out, '\n');
    } else if (para->state == PARA_BREAK || para->keep_lines || starts_paragraph(para, line, is_indented)) {
        sl_out_put(para->out, "\n\n", 2);
    } else if (after_row || shape != SHAPE_PROSE) {
        sl_out_putc(para->out, '\n');
        joins = shape == SHAPE_GAPS;
    } else {
        sl_out_putc(para->out, ' ');
    }
    return joins;
}

/* False: nothing of it is text. */
static bool put_shaped(struct sl_para *para, struct sl_span line, enum line_shape shape, struct sl_look look)
{
    uint32_t start = sl_out_opened(para->out).len;
    if (shape == SHAPE_PROSE)
        put_looked_at(para->out, para->charset, line, look, para->stats);
    else
        put_cells(para, line, look);
    return sl_out_opened(para->out).len != start;
}

void sl_para_line(struct sl_para *para, struct sl_span line)
{
    struct sl_span words = sl_span_trim(line);
    sl_para_looked_at(para, words, sl_look_at(words.data, words.len), sl_para_is_indented(line));
}

/* A line like most: it goes on with a paragraph, or begins one, and is put as it is. */
static inline bool put_usual(struct sl_para *para, struct sl_span line, struct sl_look look, bool is_indented)
{
    struct sl_out *out = para->out;
    bool goes_on = para->state == PARA_PROSE && !is_indented && line.data[0] != '-' && line.data[0] != '*';
    if (look.has_high || look.has_control || look.has_gap || para->keep_lines || para->is_wide ||
        !(goes_on || para->state == PARA_BREAK) || line.len + 2 > out->cap - out->len)
        return false;
    uint8_t *to = out->base + out->len;
    uint32_t parted = goes_on ? 1 : out->len != out->open_off ? 2 : 0;
    memcpy(to, goes_on ? "  " : "\n\n", 2);
    memcpy(to + parted, line.data, line.len);
    out->len += parted + line.len;
    para->state = PARA_PROSE;
    return true;
}

void sl_para_looked_at(struct sl_para *para, struct sl_span line, struct sl_look look, bool is_indented)
{
    if (line.len != 0 && put_usual(para, line, look, is_indented))
        return;
    enum line_shape shape = look.has_gap || look.has_control ? shape_of(line, look) : SHAPE_PROSE;
    if (para->state == PARA_MAYBE_ROW && shape == SHAPE_PROSE)
        settle_as_prose(para);

    uint32_t len_before = sl_out_opened(para->out).len;
    bool joins = line.len != 0 && put_separator(para, line, shape, is_indented);
    if (line.len == 0 || !put_shaped(para, line, shape, look)) {
        sl_out_cut(para->out, len_before);
        sl_para_break(para);
        return;
    }
    bool has_neighbour = para->state == PARA_MAYBE_ROW || para->state == PARA_ROW;
    para->row_len = len_before;
    para->row_joins = joins;
    if (shape == SHAPE_PROSE)
        para->state = PARA_PROSE;
    else
        para->state = shape == SHAPE_ROW || has_neighbour ? PARA_ROW : PARA_MAYBE_ROW;
}

void sl_para_break(struct sl_para *para)
{
    if (para->state == PARA_MAYBE_ROW)
        settle_as_prose(para);
    para->state = PARA_BREAK;
}

void sl_para_end(struct sl_para *para) { sl_para_break(para); }

uint32_t sl_text_words(struct sl_slice text)
{
    uint32_t cnt = 0;
    bool in_word = false;
    for (uint32_t i = 0; i < text.len; i++) {
        bool white = is_white((uint8_t)text.data[i]);
        cnt += !white && !in_word;
        in_word = !white;
    }
    return cnt;
}
