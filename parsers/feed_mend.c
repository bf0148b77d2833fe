/* Characters that were encoded as UTF-8, read as Windows-1252 or ISO-8859-1, and encoded again: "Â£", "â€™". */
#include "parsers/ascii.h"
#include "parsers/feed.h"
#include "parsers/html.h"

/* The byte that a reader of Windows-1252 or ISO-8859-1 took for this character; 0: no such byte from 0x80 on. */
static uint32_t byte_of(struct sl_span at, uint32_t *len)
{
    uint8_t lead = at.data[0];
    *len = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (lead < 0xc2 || lead >= 0xf0 || at.len < *len)
        return 0;
    uint32_t character = *len == 2 ? (lead & 0x1fu) << 6 | (at.data[1] & 0x3fu)
                                   : (lead & 0x0fu) << 12 | (at.data[1] & 0x3fu) << 6 | (at.data[2] & 0x3fu);
    if (character >= 0x80 && character < 0x100)
        return character;
    const char16_t *high = sl_charset_high(SL_CHARSET_WINDOWS_1252);
    for (uint32_t i = 0; i < 0x20 && *len == 3; i++) {
        if (high[i] == character)
            return 0x80 + i;
    }
    for (uint32_t i = 0; i < 0x20 && *len == 2; i++) { /* some of them are below U+0800 */
        if (high[i] == character)
            return 0x80 + i;
    }
    return 0;
}

/* Of two-byte characters only what nobody would write is certain: a capital A with circumflex before a sign, or one
 * with tilde in the middle of small letters. */
static bool is_certain(uint32_t lead, uint32_t trail, uint8_t before, uint8_t after)
{
    bool is_small_before = before >= 'a' && before <= 'z', is_small_after = after >= 'a' && after <= 'z';
    bool is_letter_before = sl_is_letter(before);
    if (trail < 0xa0)
        return is_small_before || is_small_after || lead == 0xc2;
    if (lead == 0xc2)
        return trail != 0xbb && trail != 0xa0 && (!is_letter_before || is_small_before);
    return lead == 0xc3 && (is_small_before || (!is_letter_before && is_small_after));
}

/* What the characters at the start were before: its bytes; 0: nothing is certain.  *len: of the characters. */
static uint32_t read_twice(struct sl_span at, uint8_t before, uint8_t bytes[4], uint32_t *len)
{
    uint32_t step, cnt = 0, want = 0;
    *len = 0;
    do {
        if (*len == at.len || at.data[*len] < 0x80)
            return 0;
        uint32_t byte = byte_of(sl_span_skip(at, *len), &step);
        if (byte == 0 || (cnt != 0) != (byte < 0xc0))
            return 0;
        if (cnt == 0)
            want = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
        bytes[cnt++] = (uint8_t)byte;
        *len += step;
    } while (cnt < want);
    if (sl_utf8_prefix(bytes, cnt) != cnt)
        return 0;
    return cnt > 2 || is_certain(bytes[0], bytes[1], before, *len < at.len ? at.data[*len] : 0) ? cnt : 0;
}

uint32_t sl_feed_mend(uint8_t *text, uint32_t len)
{
    uint32_t from = sl_ascii_prefix(text, len), to = from;
    while (from < len) {
        uint8_t bytes[4];
        uint32_t taken, run;
        uint32_t cnt =
            read_twice((struct sl_span){ text + from, len - from }, to != 0 ? text[to - 1] : 0, bytes, &taken);
        for (uint32_t i = 0; i < cnt; i++)
            text[to++] = bytes[i];
        from += cnt != 0 ? taken : 0;
        if (cnt == 0)
            text[to++] = text[from++];
        run = sl_ascii_prefix(text + from, len - from);
        memmove(text + to, text + from, run);
        from += run;
        to += run;
    }
    return to;
}
