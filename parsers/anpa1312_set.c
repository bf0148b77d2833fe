/* parsers/anpa1312_set.c - typesetting characters of an ANPA text to characters that readers know.
 *
 *     ``  ''  `      quotes                 _ alone       a dash
 *     BS at the start of a line: agate      { in agate    one half
 *     DLE            a blank of fixed width RS, US        tabs
 *     letter BS accent, accent BS letter    an accented letter
 *
 * Everything else that is a control character goes.  The text stays in its character set, in which the new characters
 * are looked up; what the set lacks is written in ASCII.
 */
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "parsers/anpa1312.h"
#include "parsers/ascii.h"

enum { BS = 0x08, DLE = 0x10, RS = 0x1e, US = 0x1f };

#define GROWTH 3u /* at most: a back quote is three bytes of UTF-8 */

struct setter {
    enum sl_charset charset;
    struct sl_span rest; /* from the character at hand */
    const uint8_t *start; /* of the text */
    uint8_t *out, *out_start;
    bool is_agate; /* the line at hand */
};

/* ---- finding what is special ---- */

static bool is_special(uint8_t byte)
{
    return byte == '`' || byte == '\'' || byte == '_' || byte == '{' || byte == 0x7f ||
           (byte < ' ' && byte != '\n' && byte != '\r' && byte != '\t');
}

/* How many bytes before the next special one. */
static uint32_t plain_run(struct sl_span span)
{
    uint32_t i = 0;
#if defined(__x86_64__)
    const __m128i bottom = _mm_set1_epi8(0x1f);
    for (; span.len - i >= 17; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(span.data + i));
        __m128i next = _mm_loadu_si128((const __m128i *)(span.data + i + 1));
        __m128i quote = _mm_and_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\'')), _mm_cmpeq_epi8(next, block));
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(block, bottom), block);
        __m128i line = _mm_or_si128(
            _mm_cmpeq_epi8(block, _mm_set1_epi8('\n')),
            _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(block, _mm_set1_epi8('\t'))));
        __m128i odd = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('`')), _mm_cmpeq_epi8(block, _mm_set1_epi8('_'))),
            _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('{')), _mm_cmpeq_epi8(block, _mm_set1_epi8(0x7f))));
        odd = _mm_or_si128(_mm_or_si128(odd, quote), _mm_andnot_si128(line, low));
        uint32_t bits = (uint32_t)_mm_movemask_epi8(odd);
        if (bits != 0)
            return i + (uint32_t)__builtin_ctz(bits);
    }
#endif
    while (i < span.len && !is_special(span.data[i]))
        i++;
    return i;
}

/* ---- characters ---- */

static void put(struct setter *setter, const char *text)
{
    while (*text)
        *setter->out++ = (uint8_t)*text++;
}

/* A character below U+10000 in the message's own set, or what ASCII has for it. */
static void put_char(struct setter *setter, char16_t c, const char *ascii)
{
    enum sl_charset charset = setter->charset == SL_CHARSET_ISO_8859_1 ? SL_CHARSET_WINDOWS_1252 : setter->charset;
    const char16_t *high = sl_charset_high(charset);
    for (unsigned i = 0; high && i < 128; i++) {
        if (high[i] == c) {
            *setter->out++ = (uint8_t)(0x80 + i);
            return;
        }
    }
    if (charset != SL_CHARSET_UTF8) {
        put(setter, ascii);
    } else if (c < 0x800) {
        *setter->out++ = (uint8_t)(0xc0 | c >> 6);
        *setter->out++ = (uint8_t)(0x80 | (c & 0x3f));
    } else {
        *setter->out++ = (uint8_t)(0xe0 | c >> 12);
        *setter->out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        *setter->out++ = (uint8_t)(0x80 | (c & 0x3f));
    }
}

/* Letter and accent to one character; 0: there is none. */
static char16_t compose(uint8_t letter, uint8_t accent)
{
    static const struct {
        char accent;
        const char *letters;
        const char16_t *composed;
    } rows[] = {
  /* clang-format off: it spreads the rows. */
        {'`',   "AEIOUaeiou",   u"\u00c0\u00c8\u00cc\u00d2\u00d9\u00e0\u00e8\u00ec\u00f2\u00f9"            },
        { '\'', "AEIOUYaeiouy", u"\u00c1\u00c9\u00cd\u00d3\u00da\u00dd\u00e1\u00e9\u00ed\u00f3\u00fa\u00fd"},
        { '\'', "CcNnSs",       u"\u0106\u0107\u0143\u0144\u015a\u015b"                                    },
        { '^',  "AEIOUaeiou",   u"\u00c2\u00ca\u00ce\u00d4\u00db\u00e2\u00ea\u00ee\u00f4\u00fb"            },
        { '"',  "AEIOUaeiouy",  u"\u00c4\u00cb\u00cf\u00d6\u00dc\u00e4\u00eb\u00ef\u00f6\u00fc\u00ff"      },
        { '~',  "ANOano",       u"\u00c3\u00d1\u00d5\u00e3\u00f1\u00f5"                                    },
        { ',',  "CcSs",         u"\u00c7\u00e7\u015e\u015f"                                                },
        { '/',  "Oo",           u"\u00d8\u00f8"                                                            },
 /* clang-format on */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const char *at = rows[i].accent == (char)accent && letter ? strchr(rows[i].letters, letter) : NULL;
        if (at)
            return rows[i].composed[at - rows[i].letters];
    }
    return 0;
}

static uint8_t before(const struct setter *setter)
{
    return setter->rest.data == setter->start ? '\n' : setter->rest.data[-1];
}

static uint8_t after(const struct setter *setter, uint32_t len)
{
    return len < setter->rest.len ? setter->rest.data[len] : '\n';
}

static bool ends_cell(uint8_t byte) { return byte <= ' ' || byte == ';'; }

/* "e BS '" or "' BS e".  What is no accented letter loses only the BS. */
static void set_overstrike(struct setter *setter)
{
    uint8_t first = setter->out > setter->out_start ? setter->out[-1] : 0, second = after(setter, 1);
    char16_t composed = compose(first, second);
    if (composed == 0)
        composed = compose(second, first);
    if (composed != 0) {
        setter->out--;
        const char letter[2] = { (char)(sl_is_ascii_letter(first) ? first : second), '\0' };
        put_char(setter, composed, letter);
    }
    setter->rest = sl_span_skip(setter->rest, composed != 0 && setter->rest.len > 1 ? 2 : 1);
}

/* One special character; gives how many bytes it was. */
static uint32_t set_special(struct setter *setter)
{
    uint8_t byte = setter->rest.data[0];
    switch (byte) {
    case '`':
        put_char(setter, after(setter, 1) == '`' ? u'\u201c' : u'\u2018', after(setter, 1) == '`' ? "\"" : "'");
        return after(setter, 1) == '`' ? 2 : 1;
    case '\'':
        if (after(setter, 1) == '\'')
            put_char(setter, u'\u201d', "\"");
        else
            put(setter, "'");
        return after(setter, 1) == '\'' ? 2 : 1;
    case '_':
        if (ends_cell(before(setter)) && ends_cell(after(setter, 1)))
            put_char(setter, u'\u2014', "-");
        else
            put(setter, "_");
        return 1;
    case '{':
        if (setter->is_agate)
            put_char(setter, u'\u00bd', "1/2");
        else
            put(setter, "{");
        return 1;
    case DLE: /* often with a blank of its own */
        if (after(setter, 1) > ' ')
            put(setter, " ");
        return 1;
    case RS:
    case US:
        put(setter, "\t");
        return 1;
    default:
        return 1;
    }
}

/* BS begins a row of agate, whose "^" is an empty first cell; elsewhere it goes back for an accent. */
static void set_backspace(struct setter *setter)
{
    if (before(setter) != '\n' && before(setter) != '\r') {
        set_overstrike(setter);
        return;
    }
    setter->is_agate = true;
    *setter->out++ = SL_ANPA_ROW;
    setter->rest = sl_span_skip(setter->rest, after(setter, 1) == '^' && setter->rest.len > 1 ? 2 : 1);
}

bool sl_anpa_unset(struct sl_parse *parse, enum sl_charset charset, struct sl_span text, struct sl_span *plain)
{
    uint8_t *mem = text.len <= UINT32_MAX / GROWTH - 8 ? sl_scratch_take(parse, GROWTH * text.len + 8) : NULL;
    if (!mem)
        return false;
    struct setter setter = { .charset = charset, .rest = text, .start = text.data, .out = mem, .out_start = mem };
    while (setter.rest.len != 0) {
        uint32_t len = plain_run(setter.rest);
        if (len != 0)
            memcpy(setter.out, setter.rest.data, len);
        if (setter.is_agate && memchr(setter.rest.data, '\n', len))
            setter.is_agate = false;
        setter.out += len;
        setter.rest = sl_span_skip(setter.rest, len);
        if (setter.rest.len == 0)
            break;
        if (setter.rest.data[0] == BS)
            set_backspace(&setter);
        else
            setter.rest = sl_span_skip(setter.rest, set_special(&setter));
    }
    *plain = (struct sl_span){ mem, (uint32_t)(setter.out - mem) };
    return true;
}
