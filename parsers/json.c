#include "parsers/json.h"
#include <string.h>
#include "parsers/ascii.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define REPLACEMENT 0xfffdu

/* ---- escapes ---- */

static bool hex4(const uint8_t *data, uint32_t *unit)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t c = sl_lower(data[i]);
        if (!sl_is_digit(c) && (c < 'a' || c > 'f'))
            return false;
        value = value << 4 | (sl_is_digit(c) ? (uint32_t)(c - '0') : (uint32_t)(c - 'a' + 10));
    }
    *unit = value;
    return true;
}

/* Four hexadecimal digits at at; *at is moved behind them, or to what is none. */
static enum sl_json_fault take_unit(const uint8_t *data, uint32_t len, uint32_t *at, uint32_t *unit)
{
    if (len - *at >= 4 && hex4(data + *at, unit)) {
        *at += 4;
        return SL_JSON_FINE;
    }
    for (unsigned i = 0; i < 4 && *at < len; i++, ++*at) {
        uint8_t c = sl_lower(data[*at]);
        if (!sl_is_digit(c) && (c < 'a' || c > 'f'))
            return SL_JSON_BAD_ESCAPE;
    }
    return SL_JSON_CUT;
}

/* The escape at at, which is a backslash; *at is moved behind it.  The only place that knows what escapes mean. */
static enum sl_json_fault take_escape(const uint8_t *data, uint32_t len, uint32_t *at, uint32_t *character)
{
    static const uint8_t simple[128] = {
        ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t',
    };
    uint32_t start = *at, trail;
    if (len - start < 2) {
        *at = len;
        return SL_JSON_CUT;
    }
    uint8_t c = data[start + 1];
    *at = start + 1;
    if (c != 'u') {
        if (c >= 128 || simple[c] == 0)
            return SL_JSON_BAD_ESCAPE;
        *character = simple[c];
        *at = start + 2;
        return SL_JSON_FINE;
    }
    *at = start + 2;
    enum sl_json_fault fault = take_unit(data, len, at, character);
    if (fault != SL_JSON_FINE || *character < 0xd800 || *character > 0xdfff)
        return fault;
    /* The first half of a pair, and nothing may stand between it and the second. */
    if (*character < 0xdc00 && len - *at < 2) {
        fault = *at == len || data[*at] == '\\' ? SL_JSON_CUT : SL_JSON_LONE;
        *at = fault == SL_JSON_CUT ? len : start;
        return fault;
    }
    if (*character >= 0xdc00 || data[*at] != '\\' || data[*at + 1] != 'u') {
        *at = start;
        return SL_JSON_LONE;
    }
    *at += 2;
    fault = take_unit(data, len, at, &trail);
    if (fault == SL_JSON_FINE && (trail < 0xdc00 || trail > 0xdfff)) {
        *at = start;
        return SL_JSON_LONE;
    }
    *character = 0x10000 + ((*character - 0xd800) << 10) + (trail - 0xdc00);
    return fault;
}

/* ---- strings, byte by byte ---- */

/* Length of the well-formed character at data, 0 if it is none (Unicode, table 3-7). */
static uint32_t character_len(const uint8_t *data, uint32_t len)
{
    uint8_t lead = data[0], low = 0x80, high = 0xbf;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    uint32_t want = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead == 0xe0)
        low = 0xa0; /* below: overlong */
    if (lead == 0xed)
        high = 0x9f; /* above: surrogates */
    if (lead == 0xf0)
        low = 0x90; /* below: overlong */
    if (lead == 0xf4)
        high = 0x8f; /* above: beyond U+10FFFF */
    if (len < want || data[1] < low || data[1] > high)
        return 0;
    for (uint32_t i = 2; i < want; i++) {
        if (data[i] < 0x80 || data[i] > 0xbf)
            return 0;
    }
    return want;
}

struct sl_json_scan sl_json_scan_bytes(const uint8_t *data, uint32_t len, uint32_t at)
{
    struct sl_json_scan scan = { at, 0, SL_JSON_FINE };
    while (scan.end < len) {
        uint8_t c = data[scan.end];
        if (c == '"')
            return scan;
        if (c == '\\') {
            uint32_t character;
            scan.flags |= SL_JSON_ESCAPED;
            scan.fault = take_escape(data, len, &scan.end, &character);
            if (scan.fault != SL_JSON_FINE)
                return scan;
        } else if (c < 0x20) {
            scan.fault = SL_JSON_CONTROL;
            return scan;
        } else if (c < 0x80) {
            scan.flags |= c == 0x7f ? SL_JSON_ODD : 0;
            scan.end++;
        } else {
            uint32_t cnt = character_len(data + scan.end, len - scan.end);
            if (cnt == 0) {
                scan.fault = SL_JSON_BAD_UTF8;
                return scan;
            }
            bool is_c1 = c == 0xc2 && data[scan.end + 1] < 0xa0;
            bool is_replacement = c == 0xef && data[scan.end + 1] == 0xbf && data[scan.end + 2] == 0xbd;
            scan.flags |= SL_JSON_HIGH | (is_c1 || is_replacement ? SL_JSON_ODD : 0);
            scan.end += cnt;
        }
    }
    scan.fault = SL_JSON_CUT;
    return scan;
}

/* ---- strings, 32 bytes at once ---- */

#if defined(__x86_64__)

#define WIDE __attribute__((target("avx2")))

/* What two bytes that follow each other can be wrong with, a bit each (J. Keiser and D. Lemire, "Validating UTF-8 in
 * less than one instruction per byte", 2020): three tables, asked by three half bytes, agree on a bit where it is. */
enum {
    TOO_SHORT = 1 << 0, /* a lead, and no continuation */
    TOO_LONG = 1 << 1, /* a continuation behind ASCII */
    OVERLONG_3 = 1 << 2,
    TOO_LARGE = 1 << 3,
    SURROGATE = 1 << 4,
    OVERLONG_2 = 1 << 5,
    TOO_LARGE_4 = 1 << 6, /* and OVERLONG_4: they never meet */
    TWO_CONTS = 1 << 7, /* right only as third or fourth byte */
    CARRY = TOO_SHORT | TOO_LONG | TWO_CONTS,
};

struct utf8_state {
    __m256i before; /* the block before this one */
    __m256i error;
    __m256i odd;
};

#define TWICE(...) _mm256_setr_epi8(__VA_ARGS__, __VA_ARGS__)

/* A block of which bytes may be high.  What a string does not go on with must be zero in it. */
WIDE static inline void check_utf8(struct utf8_state *state, __m256i block)
{
    const __m256i by_first_high =
        TWICE(TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, (char)TWO_CONTS,
              (char)TWO_CONTS, (char)TWO_CONTS, (char)TWO_CONTS, TOO_SHORT | OVERLONG_2, TOO_SHORT,
              TOO_SHORT | OVERLONG_3 | SURROGATE, TOO_SHORT | TOO_LARGE | TOO_LARGE_4);
    const char large = (char)(CARRY | TOO_LARGE | TOO_LARGE_4);
    const __m256i by_first_low =
        TWICE((char)(CARRY | OVERLONG_3 | OVERLONG_2 | TOO_LARGE_4), (char)(CARRY | OVERLONG_2), (char)CARRY,
              (char)CARRY, (char)(CARRY | TOO_LARGE), large, large, large, large, large, large, large, large,
              (char)(CARRY | TOO_LARGE | TOO_LARGE_4 | SURROGATE), large, large);
    const char cont = (char)(TOO_LONG | OVERLONG_2 | TWO_CONTS);
    const __m256i by_second_high =
        TWICE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
              (char)(cont | OVERLONG_3 | TOO_LARGE_4), (char)(cont | OVERLONG_3 | TOO_LARGE),
              (char)(cont | SURROGATE | TOO_LARGE), (char)(cont | SURROGATE | TOO_LARGE), TOO_SHORT, TOO_SHORT,
              TOO_SHORT, TOO_SHORT);
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    __m256i across = _mm256_permute2x128_si256(state->before, block, 0x21);
    __m256i first = _mm256_alignr_epi8(block, across, 15);
    __m256i second = _mm256_alignr_epi8(block, across, 14);
    __m256i third = _mm256_alignr_epi8(block, across, 13);
    __m256i wrong =
        _mm256_and_si256(_mm256_shuffle_epi8(by_first_high, _mm256_and_si256(_mm256_srli_epi16(first, 4), nibble)),
                         _mm256_shuffle_epi8(by_first_low, _mm256_and_si256(first, nibble)));
    wrong = _mm256_and_si256(
        wrong, _mm256_shuffle_epi8(by_second_high, _mm256_and_si256(_mm256_srli_epi16(block, 4), nibble)));
    /* A third or fourth byte must be one of two continuations, and no other may: bit 7 on both sides. */
    __m256i deep = _mm256_or_si256(_mm256_subs_epu8(second, _mm256_set1_epi8(0x60)), /* 0xe0 and more keep bit 7 */
                                   _mm256_subs_epu8(third, _mm256_set1_epi8(0x70)));
    deep = _mm256_and_si256(deep, _mm256_set1_epi8((char)0x80));
    state->error = _mm256_or_si256(state->error, _mm256_xor_si256(wrong, deep));

    __m256i c1 = _mm256_and_si256(_mm256_cmpeq_epi8(first, _mm256_set1_epi8((char)0xc2)),
                                  _mm256_cmpgt_epi8(_mm256_set1_epi8((char)0xa0), block));
    __m256i replacement = _mm256_and_si256(_mm256_cmpeq_epi8(first, _mm256_set1_epi8((char)0xbf)),
                                           _mm256_cmpeq_epi8(block, _mm256_set1_epi8((char)0xbd)));
    replacement = _mm256_and_si256(replacement, _mm256_cmpeq_epi8(second, _mm256_set1_epi8((char)0xef)));
    state->odd = _mm256_or_si256(state->odd, _mm256_or_si256(c1, replacement));
    state->before = block;
}

/* 32 bytes of ones and 32 of zeros: from 32 - n on they keep a block's first n bytes. */
static const uint8_t keep_first[64] = {
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
};

/* What ends a run of plain string bytes, a bit each. */
WIDE static inline uint32_t stops_of(__m256i block)
{
    __m256i quote = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('"'));
    __m256i backslash = _mm256_cmpeq_epi8(block, _mm256_set1_epi8('\\'));
    __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(block, _mm256_set1_epi8(0x1f)), block);
    return (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(quote, backslash), control));
}

/* Nothing of it is looked at twice, except of a string with a fault, which goes through the scan by bytes to find its
 * place. */
WIDE static struct sl_json_scan scan_avx2(const uint8_t *data, uint32_t len, uint32_t from)
{
    struct utf8_state state = { _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256() };
    const __m256i del = _mm256_set1_epi8(0x7f);
    uint8_t last[32];
    uint32_t at = from, flags = 0;
    bool high_before = false;
    for (;;) {
        __m256i block;
        if (len - at >= 32) {
            block = _mm256_loadu_si256((const __m256i *)(data + at));
        } else {
            /* Zeros behind the end: controls, which end the scan there. */
            memset(last, 0, sizeof(last));
            memcpy(last, data + at, len - at);
            block = _mm256_loadu_si256((const __m256i *)last);
        }
        uint32_t stops = stops_of(block);
        uint32_t plain = stops ? (uint32_t)__builtin_ctz(stops) : 32;
        if (stops)
            block = _mm256_and_si256(block, _mm256_loadu_si256((const __m256i *)(keep_first + 32 - plain)));
        bool high = _mm256_movemask_epi8(block) != 0;
        if (high | high_before) {
            check_utf8(&state, block);
            flags |= SL_JSON_HIGH;
        }
        state.odd = _mm256_or_si256(state.odd, _mm256_cmpeq_epi8(block, del));
        high_before = high;
        at += plain;
        if (!stops)
            continue;
        if (at < len && data[at] == '\\') {
            uint32_t character;
            flags |= SL_JSON_ESCAPED;
            /* What stands before the escape ended in this block, with zeros behind it. */
            high_before = false;
            state.before = _mm256_setzero_si256();
            if (take_escape(data, len, &at, &character) != SL_JSON_FINE)
                return sl_json_scan_bytes(data, len, from);
            continue;
        }
        if (at >= len || data[at] != '"' || !_mm256_testz_si256(state.error, state.error))
            return sl_json_scan_bytes(data, len, from);
        if (!_mm256_testz_si256(state.odd, state.odd))
            flags |= SL_JSON_ODD;
        return (struct sl_json_scan){ at, flags, SL_JSON_FINE };
    }
}

struct sl_json_scan sl_json_scan_wide(const uint8_t *data, uint32_t len, uint32_t at)
{
    return __builtin_cpu_supports("avx2") ? scan_avx2(data, len, at) : sl_json_scan_bytes(data, len, at);
}

#else

struct sl_json_scan sl_json_scan_wide(const uint8_t *data, uint32_t len, uint32_t at)
{
    return sl_json_scan_bytes(data, len, at);
}

#endif

/* ---- the scanner's steps ---- */

static bool fail(struct sl_json *json, enum sl_parse_code code, uint32_t off, const char *want)
{
    if (json->err.code == SL_PARSE_OK)
        json->err = (struct sl_parse_err){ code, off, want };
    /* Whatever comes next finds the end. */
    json->at = json->len;
    return false;
}

/* Something else than what is wanted stands at at: or nothing. */
static bool expect(struct sl_json *json, const char *want)
{
    return fail(json, json->at == json->len ? SL_PARSE_CUT : SL_PARSE_BAD_TEXT, json->at, want);
}

static bool fail_string(struct sl_json *json, const struct sl_json_scan *scan)
{
    static const char *const wants[] = {
        [SL_JSON_CUT] = "the string's closing quote", [SL_JSON_CONTROL] = "control characters escaped",
        [SL_JSON_BAD_ESCAPE] = "an escape of JSON",   [SL_JSON_BAD_UTF8] = "UTF-8",
        [SL_JSON_LONE] = "surrogates in pairs",
    };
    enum sl_parse_code code = scan->fault == SL_JSON_CUT ? SL_PARSE_CUT : SL_PARSE_BAD_TEXT;
    return fail(json, code, scan->end, wants[scan->fault]);
}

static bool is_white(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

/* Between tokens stands nothing, a blank, or a line end and an indentation. */
static inline void skip_white(struct sl_json *json)
{
    const uint8_t *data = json->data;
    uint32_t at = json->at, len = json->len;
    if (at < len && data[at] > ' ')
        return;
#if defined(__x86_64__)
    for (; len - at >= 16; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(data + at));
        __m128i blank =
            _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8(' ')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\n')));
        __m128i other =
            _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\t')));
        uint32_t white = (uint32_t)_mm_movemask_epi8(_mm_or_si128(blank, other));
        if (white != 0xffff) {
            json->at = at + (uint32_t)__builtin_ctz(~white);
            return;
        }
    }
#endif
    while (at < len && is_white(data[at]))
        at++;
    json->at = at;
}

#define PLAIN_BLOCKS 4u /* of sixteen bytes, before the wide scan is worth its call */

/* The string at at, which is its opening quote.  Most are short and plain, and end in the first blocks. */
static inline bool take_string(struct sl_json *json, struct sl_json_string *string)
{
    const uint8_t *data = json->data;
    uint32_t from = json->at + 1;
#if defined(__x86_64__)
    for (uint32_t i = 0; i < PLAIN_BLOCKS && json->len - from - 16 * i >= 16; i++) {
        __m128i block = _mm_loadu_si128((const __m128i *)(data + from + 16 * i));
        /* As signed: below the blank are controls, and every byte from 0x80 on. */
        __m128i stop =
            _mm_or_si128(_mm_cmpgt_epi8(_mm_set1_epi8(0x20), block), _mm_cmpeq_epi8(block, _mm_set1_epi8('"')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
        stop = _mm_or_si128(stop, _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f)));
        uint32_t stops = (uint32_t)_mm_movemask_epi8(stop);
        if (!stops)
            continue;
        uint32_t len = 16 * i + (uint32_t)__builtin_ctz(stops);
        if (data[from + len] != '"')
            break;
        *string = (struct sl_json_string){
            {data + from, len},
            0
        };
        json->at = from + len + 1;
        return true;
    }
#endif
    struct sl_json_scan scan = sl_json_scan_wide(data, json->len, from);
    if (scan.fault != SL_JSON_FINE)
        return fail_string(json, &scan);
    *string = (struct sl_json_string){
        {data + from, scan.end - from},
        scan.flags
    };
    json->at = scan.end + 1;
    return true;
}

static bool take_digits(struct sl_json *json)
{
    uint32_t start = json->at;
    while (json->at < json->len && sl_is_digit(json->data[json->at]))
        json->at++;
    return json->at != start || expect(json, "a digit");
}

/* RFC 8259 6: [-] (0 | 1-9 digits) [. digits] [e [+-] digits] */
static bool take_number(struct sl_json *json)
{
    const uint8_t *data = json->data;
    json->at += data[json->at] == '-';
    bool has_zero = json->at < json->len && data[json->at] == '0';
    if (has_zero)
        json->at++;
    else if (!take_digits(json))
        return false;
    if (has_zero && json->at < json->len && sl_is_digit(data[json->at]))
        return expect(json, "no digit behind a leading zero");
    if (json->at < json->len && data[json->at] == '.') {
        json->at++;
        if (!take_digits(json))
            return false;
    }
    if (json->at < json->len && sl_lower(data[json->at]) == 'e') {
        json->at++;
        if (json->at < json->len && (data[json->at] == '+' || data[json->at] == '-'))
            json->at++;
        return take_digits(json);
    }
    return true;
}

static bool take_word(struct sl_json *json, const char *word)
{
    for (; *word; word++, json->at++) {
        if (json->at == json->len || json->data[json->at] != (uint8_t)*word)
            return expect(json, "true, false or null");
    }
    return true;
}

/* The value at hand, which is neither object nor array. */
static bool take_scalar(struct sl_json *json, struct sl_json_string *string)
{
    uint32_t start = json->at;
    enum sl_json_type type = sl_json_peek(json);
    bool taken;
    switch (type) {
    case SL_JSON_STRING:
        return take_string(json, string);
    case SL_JSON_NUMBER:
        taken = take_number(json);
        break;
    case SL_JSON_TRUE:
        taken = take_word(json, "true");
        break;
    case SL_JSON_FALSE:
        taken = take_word(json, "false");
        break;
    case SL_JSON_NULL:
        taken = take_word(json, "null");
        break;
    default:
        return expect(json, "a value");
    }
    if (taken)
        *string = (struct sl_json_string){
            {json->data + start, json->at - start},
            0
        };
    return taken;
}

/* A member's name and colon. */
static inline bool take_name(struct sl_json *json, struct sl_json_string *name)
{
    if (json->at == json->len || json->data[json->at] != '"')
        return expect(json, "a member's name in quotes");
    if (!take_string(json, name))
        return false;
    skip_white(json);
    if (json->at == json->len || json->data[json->at] != ':')
        return expect(json, "a colon behind the name");
    json->at++;
    skip_white(json);
    return true;
}

/* What stands behind the bracket or behind a value: the next one (true), the end, or something wrong. */
static inline bool take_separator(struct sl_json *json, uint8_t close, const char *want)
{
    skip_white(json);
    if (json->at < json->len && json->data[json->at] == close) {
        json->at++;
        json->depth--;
        json->fresh = false;
        return false;
    }
    if (json->fresh) {
        json->fresh = false;
        return json->at < json->len || expect(json, want);
    }
    if (json->at == json->len || json->data[json->at] != ',')
        return expect(json, want);
    json->at++;
    skip_white(json);
    return true;
}

/* ---- what the header promises ---- */

void sl_json_begin(struct sl_json *json, struct sl_span text)
{
    *json = (struct sl_json){ .data = text.data, .len = text.len };
    if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        json->has_bom = true;
        json->at = 3;
    }
    skip_white(json);
}

enum sl_json_type sl_json_peek(const struct sl_json *json)
{
    static const uint8_t types[256] = {
        ['{'] = SL_JSON_OBJECT, ['['] = SL_JSON_ARRAY,  ['"'] = SL_JSON_STRING, ['t'] = SL_JSON_TRUE,
        ['f'] = SL_JSON_FALSE,  ['n'] = SL_JSON_NULL,   ['-'] = SL_JSON_NUMBER, ['0'] = SL_JSON_NUMBER,
        ['1'] = SL_JSON_NUMBER, ['2'] = SL_JSON_NUMBER, ['3'] = SL_JSON_NUMBER, ['4'] = SL_JSON_NUMBER,
        ['5'] = SL_JSON_NUMBER, ['6'] = SL_JSON_NUMBER, ['7'] = SL_JSON_NUMBER, ['8'] = SL_JSON_NUMBER,
        ['9'] = SL_JSON_NUMBER,
    };
    return json->at < json->len ? (enum sl_json_type)types[json->data[json->at]] : SL_JSON_NONE;
}

bool sl_json_enter(struct sl_json *json, enum sl_json_type want)
{
    if (sl_json_peek(json) != want) {
        sl_json_skip(json);
        return false;
    }
    if (json->depth == SL_JSON_DEPTH_MAX)
        return fail(json, SL_PARSE_TOO_DEEP, json->at, "objects and arrays at most 64 deep");
    json->at++;
    json->depth++;
    json->fresh = true;
    return true;
}

bool sl_json_member(struct sl_json *json, struct sl_json_string *name)
{
    return json->err.code == SL_PARSE_OK && take_separator(json, '}', "a comma or the object's end") &&
           take_name(json, name);
}

bool sl_json_element(struct sl_json *json)
{
    return json->err.code == SL_PARSE_OK && take_separator(json, ']', "a comma or the array's end");
}

bool sl_json_read_string(struct sl_json *json, struct sl_json_string *string)
{
    if (sl_json_peek(json) == SL_JSON_STRING)
        return take_string(json, string);
    sl_json_skip(json);
    return false;
}

bool sl_json_read_scalar(struct sl_json *json, struct sl_json_string *string)
{
    enum sl_json_type type = sl_json_peek(json);
    if (type == SL_JSON_STRING || type == SL_JSON_NUMBER)
        return take_scalar(json, string);
    sl_json_skip(json);
    return false;
}

bool sl_json_is_true(struct sl_json *json)
{
    bool is_true = sl_json_peek(json) == SL_JSON_TRUE;
    sl_json_skip(json);
    return is_true && json->err.code == SL_PARSE_OK;
}

void sl_json_skip(struct sl_json *json)
{
    _Static_assert(SL_JSON_DEPTH_MAX <= 64, "a bit for each level");
    uint64_t is_object = 0; /* of the levels entered here, the innermost lowest */
    uint32_t level = json->depth;
    struct sl_json_string string;
    for (;;) {
        enum sl_json_type type = sl_json_peek(json);
        if (type == SL_JSON_OBJECT || type == SL_JSON_ARRAY) {
            if (!sl_json_enter(json, type))
                return;
            is_object = is_object << 1 | (type == SL_JSON_OBJECT);
        } else if (json->err.code != SL_PARSE_OK || !take_scalar(json, &string)) {
            return;
        }
        /* Up, until a level has another value. */
        while (json->depth != level) {
            bool more = is_object & 1 ? sl_json_member(json, &string) : sl_json_element(json);
            if (more)
                break;
            if (json->err.code != SL_PARSE_OK)
                return;
            is_object >>= 1;
        }
        if (json->depth == level)
            return;
    }
}

bool sl_json_text(struct sl_json *json, struct sl_span *text)
{
    uint32_t start = json->at;
    sl_json_skip(json);
    *text = (struct sl_span){ json->data + start, json->at - start };
    return json->err.code == SL_PARSE_OK;
}

bool sl_json_end(struct sl_json *json)
{
    if (json->err.code != SL_PARSE_OK)
        return false;
    skip_white(json);
    return json->at == json->len || expect(json, "nothing behind the value");
}

/* ---- strings ---- */

static uint32_t encode(uint8_t *utf8, uint32_t character)
{
    if (character < 0x80) {
        utf8[0] = (uint8_t)character;
        return 1;
    }
    uint32_t len = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (uint32_t i = len - 1; i != 0; i--, character >>= 6)
        utf8[i] = (uint8_t)(0x80 | (character & 0x3f));
    utf8[0] = (uint8_t)(0xf00u >> len | character);
    return len;
}

/* The bytes before the next backslash. */
static struct sl_span plain_run(struct sl_span text)
{
    const uint8_t *backslash = memchr(text.data, '\\', text.len);
    return sl_span_head(text, backslash ? (uint32_t)(backslash - text.data) : text.len);
}

static void put_run(struct sl_out *out, struct sl_span run, uint32_t flags, struct sl_text_stats *stats)
{
    if (flags & SL_JSON_ODD)
        sl_text_put(out, SL_CHARSET_UTF8, run.data, run.len, stats);
    else
        sl_out_put(out, run.data, run.len);
}

void sl_json_put(struct sl_out *out, struct sl_json_string string, struct sl_text_stats *stats)
{
    struct sl_span rest = string.text;
    while (string.flags & SL_JSON_ESCAPED && rest.len != 0) {
        struct sl_span run = plain_run(rest);
        put_run(out, run, string.flags, stats);
        rest = sl_span_skip(rest, run.len);
        if (rest.len == 0)
            return;
        uint8_t utf8[4];
        uint32_t used = 0, character = 0;
        take_escape(rest.data, rest.len, &used, &character);
        rest = sl_span_skip(rest, used);
        bool is_text =
            character >= 0xa0 || (character >= 0x20 && character < 0x7f) || character == '\n' || character == '\t';
        if (!is_text && stats)
            stats->control_cnt += character != '\r';
        if (character == REPLACEMENT && stats)
            stats->repaired_cnt++;
        if (is_text)
            sl_out_put(out, utf8, encode(utf8, character));
    }
    put_run(out, rest, string.flags, stats);
}

/* Copies the bytes before the next backslash to to, which has room for all of text; gives how many they were. */
static uint32_t copy_run(uint8_t *to, struct sl_span text)
{
    uint32_t at = 0;
#if defined(__x86_64__)
    for (; text.len - at >= 16; at += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(text.data + at));
        uint32_t stops = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8('\\')));
        _mm_storeu_si128((__m128i *)(to + at), block);
        if (stops)
            return at + (uint32_t)__builtin_ctz(stops);
    }
#endif
    for (; at < text.len && text.data[at] != '\\'; at++)
        to[at] = text.data[at];
    return at;
}

bool sl_json_decode(struct sl_parse *parse, struct sl_json_string string, struct sl_span *decoded)
{
    *decoded = string.text;
    if (!(string.flags & SL_JSON_ESCAPED))
        return true;
    /* No escape is shorter than what it stands for, so there is always as much room as there is text left. */
    uint8_t *to = sl_scratch_take(parse, string.text.len);
    struct sl_span rest = string.text;
    uint32_t len = 0;
    if (!to)
        return false;
    for (;;) {
        uint32_t run = copy_run(to + len, rest);
        len += run;
        rest = sl_span_skip(rest, run);
        if (rest.len == 0)
            break;
        uint32_t used = 0, character = 0;
        take_escape(rest.data, rest.len, &used, &character);
        rest = sl_span_skip(rest, used);
        if (character < 0x80)
            to[len++] = (uint8_t)character;
        else
            len += encode(to + len, character);
    }
    *decoded = (struct sl_span){ to, len };
    return true;
}
