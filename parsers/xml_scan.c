#include "parsers/xml_scan.h"
#include <string.h>
#include "parsers/ascii.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* ---- classes of bytes ---- */

enum class_bit {
    IS_LESS = 1u << 0,
    IS_AMPERSAND = 1u << 1,
    IS_CR = 1u << 2,
    IS_BRACKET = 1u << 3,
    IS_TAB_LF = 1u << 4,
    IS_QUOTE = 1u << 5,
    IN_CONTENT = IS_LESS | IS_AMPERSAND | IS_CR | IS_BRACKET,
    IN_VALUE = IS_LESS | IS_AMPERSAND | IS_CR | IS_TAB_LF | IS_QUOTE,
};

static uint32_t class_of(uint8_t byte)
{
    switch (byte) {
    case '<':
        return IS_LESS;
    case '&':
        return IS_AMPERSAND;
    case '\r':
        return IS_CR;
    case ']':
        return IS_BRACKET;
    case '\t':
    case '\n':
        return IS_TAB_LF;
    case '"':
    case '\'':
        return IS_QUOTE;
    default:
        return 0;
    }
}

static bool is_plain_name(uint8_t byte)
{
    return sl_is_ascii_letter(byte) || sl_is_digit(byte) || byte == '-' || byte == '.' || byte == '_';
}

/* ---- byte by byte ---- */

static void index_block_plain(struct sl_xml_index *index, uint32_t block, const uint8_t *data)
{
    uint64_t content = 0, value = 0, no_name = 0;
    for (uint32_t i = 0; i < SL_XML_BLOCK; i++) {
        uint32_t class = class_of(data[i]);
        content |= (uint64_t)((class & IN_CONTENT) != 0) << i;
        value |= (uint64_t)((class & IN_VALUE) != 0) << i;
        no_name |= (uint64_t)!is_plain_name(data[i]) << i;
    }
    index->content[block] = content;
    index->value[block] = value;
    index->no_name[block] = no_name;
}

void sl_xml_index_plain(struct sl_xml_index *index, const uint8_t *data, uint32_t len)
{
    uint8_t last[SL_XML_BLOCK] = { 0 };
    uint32_t block = 0;
    for (; len >= SL_XML_BLOCK && block < SL_XML_WINDOW_BLOCKS; block++, data += SL_XML_BLOCK, len -= SL_XML_BLOCK)
        index_block_plain(index, block, data);
    if (len != 0 && block < SL_XML_WINDOW_BLOCKS) {
        memcpy(last, data, len);
        index_block_plain(index, block, last);
    }
}

/* U+FFFE and U+FFFF, the only ones that are well formed, no controls, and yet not for XML. */
static bool is_no_char(const uint8_t *data, uint32_t left)
{
    return left >= 3 && data[0] == 0xef && data[1] == 0xbf && data[2] >= 0xbe;
}

struct sl_xml_survey sl_xml_survey_plain(const uint8_t *data, uint32_t len)
{
    uint32_t valid = sl_utf8_prefix(data, len), i = 0;
    bool is_ascii = true;
    for (; i < valid && (data[i] >= 0x20 || sl_is_white(data[i])) && !is_no_char(data + i, valid - i); i++)
        is_ascii &= data[i] < 0x80;
    return (struct sl_xml_survey){ i, is_ascii && i == len };
}

uint32_t sl_xml_control_free_plain(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    while (i < len && (data[i] >= 0x20 || sl_is_white(data[i])))
        i++;
    return i;
}

/* ---- AVX2 ---- */

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

/* A table of sixteen bytes for the sixteen values of half a byte, in both halves of a register. */
#define TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))

/* One bit for each of 64 bytes, which are all ones or zero. */
AVX2 static inline uint64_t bits_of(__m256i low, __m256i high)
{
    return (uint64_t)(uint32_t)_mm256_movemask_epi8(high) << 32 | (uint32_t)_mm256_movemask_epi8(low);
}

/* All ones where one of the seven bytes stands that end a value or are looked at in it.  They differ in their low
 * halves, by which a table gives each to itself, and to all others what they are not. */
AVX2 static inline __m256i value_bytes(__m256i bytes)
{
    const __m256i themselves = TABLE(-1, 0, '"', 0, 0, 0, '&', '\'', 0, '\t', '\n', 0, '<', '\r', 0, 0);
    return _mm256_cmpeq_epi8(_mm256_shuffle_epi8(themselves, bytes), bytes);
}

AVX2 static inline __m256i content_bytes(__m256i bytes)
{
    const __m256i themselves = TABLE(-1, 0, 0, 0, 0, 0, '&', 0, 0, 0, 0, 0, '<', '\r', 0, 0);
    return _mm256_or_si256(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(themselves, bytes), bytes),
                           _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(']')));
}

/* All ones where a control character stands that XML does not allow. */
AVX2 static inline __m256i control_errors(__m256i bytes, __m256i value)
{
    __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
    return _mm256_andnot_si256(value, low); /* of value's bytes three are controls: those that it allows */
}

/* A byte is in a class if both its halves allow it.  The look-up by the low half gives 0 for bytes from 0x80 on. */
AVX2 static inline __m256i halves(__m256i bytes, __m256i by_low, __m256i by_high)
{
    __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
    return _mm256_and_si256(_mm256_shuffle_epi8(by_low, bytes), _mm256_shuffle_epi8(by_high, high));
}

/* Not zero: part of a name.  One bit for each row of the ASCII table, as rows differ in what of them is. */
AVX2 static inline __m256i name_bytes(__m256i bytes)
{
    enum { ROW_2 = 1, ROW_3 = 2, ROW_4_6 = 4, ROW_5 = 8, ROW_7 = 16 };
    const __m256i by_low =
        TABLE(ROW_3 | ROW_5 | ROW_7, /* 0 p P */
              ROW_3 | ROW_4_6 | ROW_5 | ROW_7, ROW_3 | ROW_4_6 | ROW_5 | ROW_7, ROW_3 | ROW_4_6 | ROW_5 | ROW_7,
              ROW_3 | ROW_4_6 | ROW_5 | ROW_7, ROW_3 | ROW_4_6 | ROW_5 | ROW_7, ROW_3 | ROW_4_6 | ROW_5 | ROW_7,
              ROW_3 | ROW_4_6 | ROW_5 | ROW_7, ROW_3 | ROW_4_6 | ROW_5 | ROW_7, ROW_3 | ROW_4_6 | ROW_5 | ROW_7, /* 9 */
              ROW_4_6 | ROW_5 | ROW_7, /* z */
              ROW_4_6, ROW_4_6, ROW_2 | ROW_4_6, ROW_2 | ROW_4_6, /* k l -m .n */
              ROW_4_6 | ROW_5 /* o _ */);
    const __m256i by_high = TABLE(0, 0, ROW_2, ROW_3, ROW_4_6, ROW_5, ROW_4_6, ROW_7, 0, 0, 0, 0, 0, 0, 0, 0);
    return halves(bytes, by_low, by_high);
}

AVX2 static inline __m256i load(const uint8_t *data) { return _mm256_loadu_si256((const __m256i *)data); }

/* Of 64 bytes, of which those that end values are known. */
AVX2 static inline void index_block_avx2(struct sl_xml_index *index, uint32_t block, const __m256i bytes[2],
                                         const __m256i value[2])
{
    const __m256i zero = _mm256_setzero_si256();
    index->content[block] = bits_of(content_bytes(bytes[0]), content_bytes(bytes[1]));
    index->value[block] = bits_of(value[0], value[1]);
    index->no_name[block] =
        bits_of(_mm256_cmpeq_epi8(name_bytes(bytes[0]), zero), _mm256_cmpeq_epi8(name_bytes(bytes[1]), zero));
}

AVX2 static inline void index_bytes(struct sl_xml_index *index, uint32_t block, const uint8_t *data)
{
    const __m256i bytes[2] = { load(data), load(data + 32) };
    const __m256i value[2] = { value_bytes(bytes[0]), value_bytes(bytes[1]) };
    index_block_avx2(index, block, bytes, value);
}

AVX2 static void index_avx2(struct sl_xml_index *index, const uint8_t *data, uint32_t len)
{
    uint8_t last[SL_XML_BLOCK] = { 0 };
    uint32_t block = 0;
    for (; len >= SL_XML_BLOCK && block < SL_XML_WINDOW_BLOCKS; block++, data += SL_XML_BLOCK, len -= SL_XML_BLOCK)
        index_bytes(index, block, data);
    if (len != 0 && block < SL_XML_WINDOW_BLOCKS) {
        memcpy(last, data, len);
        index_bytes(index, block, last);
    }
}

/* ---- UTF-8 by look-ups ----
 *
 * Every error but a missing third or fourth byte shows in two neighbouring bytes.  Three tables, asked by the two
 * halves of the first and the upper half of the second, each say which errors are still possible; what all three
 * allow is one.  BOTH_CONTINUE is no error behind the lead of three or four bytes, and must be there. */
enum utf8_error {
    TOO_SHORT = 1u << 0, /* a lead, then no continuation */
    TOO_LONG = 1u << 1, /* ASCII, then a continuation */
    OVERLONG_3 = 1u << 2, /* E0, then below A0 */
    TOO_LARGE = 1u << 3, /* F4, then from 90 on, or above F4 */
    SURROGATE = 1u << 4, /* ED, then from A0 on */
    OVERLONG_2 = 1u << 5, /* C0 or C1 */
    TOO_LARGE_1000 = 1u << 6, /* from F5 on, then 80 to 8F */
    OVERLONG_4 = 1u << 6, /* F0, then below 90 */
    BOTH_CONTINUE = 1u << 7,
    WHATEVER_LOW = TOO_SHORT | TOO_LONG | BOTH_CONTINUE, /* where the lower half does not matter */
};

AVX2 static inline __m256i pair_errors(__m256i bytes, __m256i before)
{
    const __m256i half = _mm256_set1_epi8(0x0f);
    const __m256i first_high =
        TABLE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, (char)BOTH_CONTINUE,
              (char)BOTH_CONTINUE, (char)BOTH_CONTINUE, (char)BOTH_CONTINUE, TOO_SHORT | OVERLONG_2, TOO_SHORT,
              TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4);
    const __m256i first_low =
        TABLE((char)(WHATEVER_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4), (char)(WHATEVER_LOW | OVERLONG_2),
              (char)WHATEVER_LOW, (char)WHATEVER_LOW, (char)(WHATEVER_LOW | TOO_LARGE),
              (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000), (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000),
              (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000), (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000),
              (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000), (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000),
              (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000), (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000),
              (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000 | SURROGATE),
              (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000), (char)(WHATEVER_LOW | TOO_LARGE | TOO_LARGE_1000));
    const __m256i second_high =
        TABLE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
              (char)(TOO_LONG | OVERLONG_2 | BOTH_CONTINUE | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4),
              (char)(TOO_LONG | OVERLONG_2 | BOTH_CONTINUE | OVERLONG_3 | TOO_LARGE),
              (char)(TOO_LONG | OVERLONG_2 | BOTH_CONTINUE | SURROGATE | TOO_LARGE),
              (char)(TOO_LONG | OVERLONG_2 | BOTH_CONTINUE | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT, TOO_SHORT,
              TOO_SHORT);
    __m256i by_first_high = _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(before, 4), half));
    __m256i by_first_low = _mm256_shuffle_epi8(first_low, _mm256_and_si256(before, half));
    __m256i by_second_high = _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
    return _mm256_and_si256(_mm256_and_si256(by_first_high, by_first_low), by_second_high);
}

/* The bytes n before each of those here; previous: the 32 before them. */
#define BYTES_BEFORE(bytes, previous, n)                                                                               \
    _mm256_alignr_epi8(bytes, _mm256_permute2x128_si256(previous, bytes, 0x21), 16 - (n))

/* Not zero where something is wrong: not UTF-8, or U+FFFE or U+FFFF. */
AVX2 static inline __m256i utf8_errors(__m256i bytes, __m256i previous)
{
    __m256i before = BYTES_BEFORE(bytes, previous, 1), before_2 = BYTES_BEFORE(bytes, previous, 2),
            before_3 = BYTES_BEFORE(bytes, previous, 3);
    /* 0x80 where a lead of three or four bytes, or of four, stands two or three before: saturation leaves it. */
    __m256i third = _mm256_subs_epu8(before_2, _mm256_set1_epi8((char)(0xe0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(before_3, _mm256_set1_epi8((char)(0xf0 - 0x80)));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    __m256i errors = _mm256_xor_si256(pair_errors(bytes, before), must);
    __m256i no_char = _mm256_cmpeq_epi8(_mm256_or_si256(bytes, _mm256_set1_epi8(1)), _mm256_set1_epi8((char)0xbf));
    no_char = _mm256_and_si256(no_char, _mm256_cmpeq_epi8(before, _mm256_set1_epi8((char)0xbf)));
    no_char = _mm256_and_si256(no_char, _mm256_cmpeq_epi8(before_2, _mm256_set1_epi8((char)0xef)));
    return _mm256_or_si256(errors, no_char);
}

struct survey {
    __m256i errors;
    __m256i high; /* all blocks that are not ASCII */
};

/* Of 64 bytes and the three before them, which are blanks before the first. */
AVX2 static __attribute__((noinline)) void survey_utf8(struct survey *survey, const uint8_t *data, bool is_first)
{
    __m256i bytes[2] = { load(data), load(data + 32) };
    __m256i previous = is_first ? _mm256_set1_epi8(' ') : load(data - 32);
    survey->errors = _mm256_or_si256(survey->errors, utf8_errors(bytes[0], previous));
    survey->errors = _mm256_or_si256(survey->errors, utf8_errors(bytes[1], bytes[0]));
    survey->high = _mm256_or_si256(survey->high, _mm256_or_si256(bytes[0], bytes[1]));
}

AVX2 static inline bool is_clean(const struct survey *survey)
{
    return _mm256_testz_si256(survey->errors, survey->errors) != 0;
}

/* A block's controls, and whether it or the bytes before it hold what is not ASCII. */
AVX2 static inline bool survey_ascii(__m256i *errors, const __m256i bytes[2], const __m256i value[2], __m256i previous)
{
    __m256i controls = _mm256_or_si256(control_errors(bytes[0], value[0]), control_errors(bytes[1], value[1]));
    *errors = _mm256_or_si256(*errors, controls);
    return _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(bytes[0], bytes[1]), previous)) == 0;
}

/* Where something is wrong, is said block by block, and then byte by byte. */
AVX2 static __attribute__((noinline, cold)) struct sl_xml_survey survey_again(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    for (; len - i >= SL_XML_BLOCK; i += SL_XML_BLOCK) {
        struct survey survey = { _mm256_setzero_si256(), _mm256_setzero_si256() };
        const __m256i bytes[2] = { load(data + i), load(data + i + 32) };
        const __m256i value[2] = { value_bytes(bytes[0]), value_bytes(bytes[1]) };
        __m256i controls = _mm256_setzero_si256();
        survey_ascii(&controls, bytes, value, controls);
        survey_utf8(&survey, data + i, i == 0);
        survey.errors = _mm256_or_si256(survey.errors, controls);
        if (!is_clean(&survey))
            break;
    }
    /* The character before the edge may reach over it, or just to it: from its start on. */
    uint32_t from = i;
    for (uint32_t back = 0; back < 4 && from != 0 && data[from - 1] >= 0x80; back++) {
        from--;
        if (data[from] >= 0xc0)
            break;
    }
    return (struct sl_xml_survey){ from + sl_xml_survey_plain(data + from, len - from).clean, false };
}

/* All blocks of 64, the last filled up with blanks. */
AVX2 static struct sl_xml_survey survey_avx2(struct sl_xml_index *index, const uint8_t *data, uint32_t len)
{
    const __m256i zero = _mm256_setzero_si256();
    struct survey survey = { zero, zero };
    __m256i errors = zero, previous = zero;
    uint8_t last[SL_XML_BLOCK + 32];
    uint32_t block = 0, cnt = len / SL_XML_BLOCK, left = len % SL_XML_BLOCK;
    for (; block < cnt; block++) {
        const uint8_t *at = data + (size_t)block * SL_XML_BLOCK;
        const __m256i bytes[2] = { load(at), load(at + 32) };
        const __m256i value[2] = { value_bytes(bytes[0]), value_bytes(bytes[1]) };
        if (!survey_ascii(&errors, bytes, value, previous))
            survey_utf8(&survey, at, block == 0);
        previous = bytes[1];
        if (block < SL_XML_WINDOW_BLOCKS)
            index_block_avx2(index, block, bytes, value);
    }
    memset(last, ' ', sizeof last);
    _mm256_storeu_si256((__m256i *)last, previous);
    if (left != 0)
        memcpy(last + 32, data + (len - left), left);
    const __m256i bytes[2] = { load(last + 32), load(last + 64) };
    const __m256i value[2] = { value_bytes(bytes[0]), value_bytes(bytes[1]) };
    if (!survey_ascii(&errors, bytes, value, previous))
        survey_utf8(&survey, last + 32, block == 0);
    if (block < SL_XML_WINDOW_BLOCKS)
        index_block_avx2(index, block, bytes, value);
    survey.errors = _mm256_or_si256(survey.errors, errors);
    if (!is_clean(&survey))
        return survey_again(data, len);
    return (struct sl_xml_survey){ len, _mm256_movemask_epi8(survey.high) == 0 };
}

AVX2 static uint32_t control_free_avx2(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
    for (; len - i >= 32; i += 32) {
        __m256i bytes = load(data + i), errors = control_errors(bytes, value_bytes(bytes));
        if (!_mm256_testz_si256(errors, errors))
            break;
    }
    return i + sl_xml_control_free_plain(data + i, len - i);
}

uint32_t sl_xml_control_free(const uint8_t *data, uint32_t len)
{
    return __builtin_cpu_supports("avx2") ? control_free_avx2(data, len) : sl_xml_control_free_plain(data, len);
}

void sl_xml_index(struct sl_xml_index *index, const uint8_t *data, uint32_t len)
{
    if (__builtin_cpu_supports("avx2"))
        index_avx2(index, data, len);
    else
        sl_xml_index_plain(index, data, len);
}

struct sl_xml_survey sl_xml_survey(struct sl_xml_index *index, const uint8_t *data, uint32_t len)
{
    if (__builtin_cpu_supports("avx2"))
        return survey_avx2(index, data, len);
    sl_xml_index_plain(index, data, len);
    return sl_xml_survey_plain(data, len);
}

#else

uint32_t sl_xml_control_free(const uint8_t *data, uint32_t len) { return sl_xml_control_free_plain(data, len); }

void sl_xml_index(struct sl_xml_index *index, const uint8_t *data, uint32_t len)
{
    sl_xml_index_plain(index, data, len);
}

struct sl_xml_survey sl_xml_survey(struct sl_xml_index *index, const uint8_t *data, uint32_t len)
{
    sl_xml_index_plain(index, data, len);
    return sl_xml_survey_plain(data, len);
}

#endif
