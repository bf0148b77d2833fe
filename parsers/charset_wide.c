#include "parsers/charset_wide.h"

#define ESC 0x1b

/* What ISO-2022-JP has chosen. */
enum shift { SHIFT_ASCII, SHIFT_ROMAN, SHIFT_KATAKANA, SHIFT_0208, SHIFT_0212 };

static uint32_t cell(const uint16_t *table, uint32_t lead, uint32_t trail)
{
    if (lead < 0x81 || lead > 0xfe || trail < 0x40 || trail > 0xfe)
        return SL_WIDE_NONE;
    uint16_t character = table[(lead - 0x81) * SL_WIDE_TRAILS + trail - 0x40];
    return character ? character : SL_WIDE_NONE;
}

/* A lead and its trail.  A trail that is ASCII and makes nothing is a character of its own. */
static uint32_t pair(const uint16_t *table, const uint8_t *data, uint32_t len, uint32_t *used)
{
    *used = 1;
    if (len < 2)
        return SL_WIDE_NONE;
    uint32_t character = cell(table, data[0], data[1]);
    *used = character == SL_WIDE_NONE && data[1] < 0x80 ? 1 : 2;
    return character;
}

/* Row and cell of JIS X 0208, from 0x21 on, in the pairs of Windows-31J. */
static uint32_t of_jis0208(uint32_t row, uint32_t column)
{
    if (row < 0x21 || row > 0x7e || column < 0x21 || column > 0x7e)
        return SL_WIDE_NONE;
    uint32_t lead = ((row - 0x21) >> 1) + 0x81;
    uint32_t trail = row & 1 ? column + 0x1f + (column > 0x5f) : column + 0x7e;
    return cell(sl_wide_windows_31j, lead > 0x9f ? lead + 0x40 : lead, trail);
}

static uint32_t next_shift_jis(const uint8_t *data, uint32_t len, uint32_t *used)
{
    *used = 1;
    if (data[0] == 0x80)
        return 0x80;
    if (data[0] >= 0xa1 && data[0] <= 0xdf)
        return data[0] - 0xa1u + 0xff61;
    return data[0] == 0xa0 || data[0] > 0xfc ? SL_WIDE_NONE : pair(sl_wide_windows_31j, data, len, used);
}

static uint32_t next_euc_jp(const uint8_t *data, uint32_t len, uint32_t *used)
{
    *used = 1;
    if (data[0] == 0x8f && len > 1 && data[1] > 0xa0) {
        bool is_whole = len > 2 && data[2] > 0xa0;
        *used = is_whole ? 3 : 2;
        return is_whole ? cell(sl_wide_jis0212, data[1], data[2]) : SL_WIDE_NONE;
    }
    if (len < 2 || (data[0] != 0x8e && data[0] < 0xa1))
        return SL_WIDE_NONE;
    *used = data[1] < 0x80 ? 1 : 2;
    if (data[0] == 0x8e)
        return data[1] >= 0xa1 && data[1] <= 0xdf ? data[1] - 0xa1u + 0xff61 : SL_WIDE_NONE;
    return of_jis0208(data[0] & 0x7fu, data[1] < 0xa1 ? 0 : data[1] & 0x7fu);
}

/* Four bytes are a number, and runs of numbers are runs of characters. */
static uint32_t of_gb18030(uint32_t number)
{
    uint32_t low = 0, high = sl_wide_gb18030_range_cnt;
    if (number >= 189000 && number < 189000 + 0x100000)
        return number - 189000 + 0x10000;
    if (number > 39419)
        return SL_WIDE_NONE;
    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (sl_wide_gb18030_ranges[middle].number <= number)
            low = middle;
        else
            high = middle;
    }
    return number - sl_wide_gb18030_ranges[low].number + sl_wide_gb18030_ranges[low].character;
}

static uint32_t next_gb18030(const uint8_t *data, uint32_t len, uint32_t *used)
{
    *used = 1;
    if (data[0] == 0x80)
        return 0x20ac; /* as Windows-936 has it */
    if (len < 2 || data[0] == 0xff || data[1] < '0' || data[1] > '9')
        return pair(sl_wide_gb18030, data, len, used);
    if (len < 4 || data[2] < 0x81 || data[2] == 0xff || data[3] < '0' || data[3] > '9')
        return SL_WIDE_NONE;
    uint32_t character =
        of_gb18030((((data[0] - 0x81u) * 10 + data[1] - '0') * 126 + data[2] - 0x81u) * 10 + data[3] - '0');
    *used = character == SL_WIDE_NONE ? 1 : 4;
    return character;
}

/* The set that an escape sequence chooses, by what follows ESC; false: it is none. */
static bool choose_set(uint8_t *shift, const uint8_t *data, uint32_t len, uint32_t *used)
{
    static const struct {
        const char *begins;
        uint8_t len;
        enum shift shift;
    } sets[] = {
        {"(B",   2, SHIFT_ASCII   },
        { "(J",  2, SHIFT_ROMAN   },
        { "(I",  2, SHIFT_KATAKANA},
        { "$@",  2, SHIFT_0208    },
        { "$B",  2, SHIFT_0208    },
        { "$(D", 3, SHIFT_0212    },
    };
    for (uint32_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        uint32_t same = 0;
        while (same < sets[i].len && same + 1 < len && data[same + 1] == (uint8_t)sets[i].begins[same])
            same++;
        if (same < sets[i].len)
            continue;
        *shift = (uint8_t)sets[i].shift;
        *used = 1 + same;
        return true;
    }
    return false;
}

static uint32_t next_iso_2022_jp(uint8_t *shift, const uint8_t *data, uint32_t len, uint32_t *used)
{
    uint8_t byte = data[0];
    *used = 1;
    if (byte == ESC)
        return choose_set(shift, data, len, used) ? SL_WIDE_SHIFT : SL_WIDE_NONE;
    if (byte == '\n')
        *shift = SHIFT_ASCII; /* a line begins in it, whatever its sender forgot */
    if (byte <= ' ' || byte == 0x7f)
        return byte;
    if (byte > 0x7f)
        return SL_WIDE_NONE;
    switch (*shift) {
    case SHIFT_ASCII:
        return byte;
    case SHIFT_ROMAN:
        return byte == '\\' ? 0xa5 : byte == '~' ? 0x203e : byte;
    case SHIFT_KATAKANA:
        return byte <= 0x5f ? byte - 0x21u + 0xff61 : SL_WIDE_NONE;
    default:
        break;
    }
    if (len < 2 || data[1] < 0x21 || data[1] > 0x7e)
        return SL_WIDE_NONE;
    *used = 2;
    return *shift == SHIFT_0208 ? of_jis0208(byte, data[1]) : cell(sl_wide_jis0212, byte | 0x80u, data[1] | 0x80u);
}

static uint32_t next_utf32(bool is_big, const uint8_t *data, uint32_t len, uint32_t *used)
{
    *used = len < 4 ? len : 4;
    if (len < 4)
        return SL_WIDE_NONE;
    uint32_t character = is_big ? (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3]
                                : (uint32_t)data[3] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[1] << 8 | data[0];
    bool is_surrogate = character >= 0xd800 && character < 0xe000;
    return is_surrogate || character > 0x10ffff ? SL_WIDE_NONE : character;
}

uint32_t sl_wide_next(enum sl_charset charset, uint8_t *shift, const uint8_t *data, uint32_t len, uint32_t *used)
{
    *used = 1;
    if (charset == SL_CHARSET_UTF32LE || charset == SL_CHARSET_UTF32BE)
        return next_utf32(charset == SL_CHARSET_UTF32BE, data, len, used);
    if (charset == SL_CHARSET_ISO_2022_JP)
        return next_iso_2022_jp(shift, data, len, used);
    if (data[0] < 0x80)
        return data[0];
    switch (charset) {
    case SL_CHARSET_SHIFT_JIS:
        return next_shift_jis(data, len, used);
    case SL_CHARSET_EUC_JP:
        return next_euc_jp(data, len, used);
    case SL_CHARSET_EUC_KR:
        return pair(sl_wide_windows_949, data, len, used);
    case SL_CHARSET_BIG5:
        return pair(sl_wide_big5, data, len, used);
    default:
        return next_gb18030(data, len, used);
    }
}
