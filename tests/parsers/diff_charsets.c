/* diff_charsets - the character sets of East Asia and UTF-32, character by character, against the C library's iconv.
 *
 * All characters of one and two bytes, the three-byte ones of EUC-JP, and four-byte ones of GB 18030: the same
 * character, or both have none.  Where ours follow the WHATWG Encoding standard and iconv another, a table says so. */
#include <iconv.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include "parsers/charset_wide.h"

#define SHOWN_MAX 20u

static unsigned seen_cnt, wrong_cnt;

struct peer {
    enum sl_charset charset;
    const char *name; /* iconv's */
    bool has_more; /* ours has characters that iconv's lacks: NEC's row 13 and IBM's extensions */
};

/* Of JIS X 0208, where Windows-31J and the standard have different characters that look alike. */
static const struct {
    uint32_t ours, theirs;
} alike[] = {
    {0xff3c,  0x005c},
    { 0xff5e, 0x301c},
    { 0x2225, 0x2016},
    { 0xff0d, 0x2212},
    { 0xffe0, 0x00a2},
    { 0xffe1, 0x00a3},
    { 0xffe2, 0x00ac},
};

static bool are_alike(uint32_t ours, uint32_t theirs)
{
    for (size_t i = 0; i < sizeof(alike) / sizeof(*alike); i++)
        if (alike[i].ours == ours && alike[i].theirs == theirs)
            return true;
    return false;
}

/* What users may have defined; vendors did, each for themselves. */
static bool is_private(uint32_t character) { return character >= 0xe000 && character < 0xf900; }

/* Two-byte characters of GB 18030-2005 whose four bytes of before we read, too. */
static bool is_twice(uint32_t character)
{
    return (character >= 0x9fb4 && character <= 0x9fbb) || (character >= 0xfe10 && character <= 0xfe19);
}

/* What iconv makes of exactly these bytes: one character, or NONE. */
static uint32_t of_iconv(iconv_t cd, const uint8_t *data, size_t len)
{
    uint32_t characters[4] = { 0 };
    char *from = (char *)(uintptr_t)data, *to = (char *)characters;
    size_t room = sizeof(characters);
    iconv(cd, NULL, NULL, NULL, NULL);
    size_t rc = iconv(cd, &from, &len, &to, &room);
    return rc == 0 && len == 0 && room == sizeof(characters) - 4 ? characters[0] : SL_WIDE_NONE;
}

/* The same of ours; escape sequences before the character are passed over. */
static uint32_t of_ours(enum sl_charset charset, const uint8_t *data, uint32_t len)
{
    uint8_t shift = 0;
    uint32_t used, character = SL_WIDE_SHIFT;
    for (uint32_t at = 0; at < len; at += used) {
        if (character != SL_WIDE_SHIFT)
            return SL_WIDE_NONE;
        character = sl_wide_next(charset, &shift, data + at, len - at, &used);
    }
    return character == SL_WIDE_SHIFT ? SL_WIDE_NONE : character;
}

static void compare(const struct peer *peer, iconv_t cd, const uint8_t *data, uint32_t len)
{
    uint32_t ours = of_ours(peer->charset, data, len), theirs = of_iconv(cd, data, len);
    seen_cnt++;
    bool is_more = (peer->has_more || (len == 4 && is_twice(ours))) && theirs == SL_WIDE_NONE;
    if (ours == theirs || are_alike(ours, theirs) || is_more || is_private(ours) || is_private(theirs))
        return;
    if (wrong_cnt++ >= SHOWN_MAX)
        return;
    printf("%s:", peer->name);
    for (uint32_t i = 0; i < len; i++)
        printf(" %02x", data[i]);
    printf(": U+%04x, but iconv says U+%04x\n", ours, theirs);
}

static void compare_pairs(const struct peer *peer, iconv_t cd, const char *before, uint32_t low)
{
    uint8_t data[8];
    uint32_t at = (uint32_t)strlen(before);
    memcpy(data, before, at);
    for (uint32_t lead = low; lead < 256; lead++)
        for (uint32_t trail = low == 0x80 ? 0x30 : low; trail < 256; trail++) {
            data[at] = (uint8_t)lead;
            data[at + 1] = (uint8_t)trail;
            compare(peer, cd, data, at + 2);
        }
}

static void compare_singles(const struct peer *peer, iconv_t cd)
{
    /* 0x80, 0xA0 and what is above 0xFC are nobody's, or some vendor's. */
    for (uint32_t byte = 0xa1; byte < 0xfd; byte++)
        compare(peer, cd, (const uint8_t[]){ (uint8_t)byte }, 1);
}

static void compare_gb18030(const struct peer *peer, iconv_t cd)
{
    for (uint32_t n = 0; n < 126 * 10 * 126 * 10; n += n < 40000 ? 1 : 97) {
        uint8_t data[4] = { (uint8_t)(0x81 + n / 12600), (uint8_t)('0' + n / 1260 % 10), (uint8_t)(0x81 + n / 10 % 126),
                            (uint8_t)('0' + n % 10) };
        compare(peer, cd, data, 4);
    }
}

static void compare_utf32(const struct peer *peer, iconv_t cd)
{
    for (uint32_t c = 1; c < 0x120000; c += c < 0x11000 ? 1 : 61) {
        uint8_t data[4] = { (uint8_t)(c >> 24), (uint8_t)(c >> 16), (uint8_t)(c >> 8), (uint8_t)c };
        if (peer->charset == SL_CHARSET_UTF32LE)
            memcpy(data, (const uint8_t[]){ data[3], data[2], data[1], data[0] }, 4);
        compare(peer, cd, data, 4);
    }
}

static void compare_all(const struct peer *peer, iconv_t cd)
{
    switch (peer->charset) {
    case SL_CHARSET_UTF32LE:
    case SL_CHARSET_UTF32BE:
        compare_utf32(peer, cd);
        return;
    case SL_CHARSET_ISO_2022_JP:
        for (uint32_t byte = 0x21; byte < 0x7f; byte++)
            compare(peer, cd, (const uint8_t[]){ 0x1b, '(', 'J', (uint8_t)byte }, 4);
        compare_pairs(peer, cd, "\x1b$B", 0x21);
        return;
    case SL_CHARSET_EUC_JP:
        compare_pairs(peer, cd, "\x8f", 0xa1);
        break;
    case SL_CHARSET_GB18030:
        compare_gb18030(peer, cd);
        break;
    default:
        break;
    }
    compare_singles(peer, cd);
    compare_pairs(peer, cd, "", 0x80);
}

int main(void)
{
    static const struct peer peers[] = {
        {SL_CHARSET_SHIFT_JIS,    "CP932",       false},
        { SL_CHARSET_EUC_JP,      "EUC-JP",      true },
        { SL_CHARSET_ISO_2022_JP, "ISO-2022-JP", true },
        { SL_CHARSET_EUC_KR,      "CP949",       false},
        { SL_CHARSET_GB18030,     "GB18030",     false},
        { SL_CHARSET_BIG5,        "CP950",       false},
        { SL_CHARSET_UTF32LE,     "UTF-32LE",    false},
        { SL_CHARSET_UTF32BE,     "UTF-32BE",    false},
    };
    for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
        iconv_t cd = iconv_open("UTF-32LE", peers[i].name);
        if (cd == (iconv_t)-1) {
            printf("this host's iconv has no %s: not compared\n", peers[i].name);
            return 77;
        }
        compare_all(&peers[i], cd);
        iconv_close(cd);
    }
    printf("%u characters compared, %u differ\n", seen_cnt, wrong_cnt);
    return wrong_cnt || !seen_cnt;
}
