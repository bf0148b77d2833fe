/* Is what comes out of any bytes in any character set always clean text?  Do fast scans agree with a slow one? */
#include <assert.h>
#include <string.h>
#include "parsers/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The plain reading of RFC 3629: decode, then refuse what is too long, too large or a surrogate. */
static uint32_t slow_character(const uint8_t *data, uint32_t len, uint32_t *character)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    uint32_t cnt = data[0] < 0x80 ? 1 : data[0] >> 5 == 6 ? 2 : data[0] >> 4 == 14 ? 3 : data[0] >> 3 == 30 ? 4 : 0;
    if (cnt == 0 || cnt > len)
        return 0;
    *character = cnt == 1 ? data[0] : data[0] & (0xffu >> (cnt + 1));
    for (uint32_t i = 1; i < cnt; i++) {
        if (data[i] >> 6 != 2)
            return 0;
        *character = *character << 6 | (data[i] & 0x3f);
    }
    bool is_surrogate = *character >= 0xd800 && *character < 0xe000;
    return *character < least[cnt] || *character > 0x10ffff || is_surrogate ? 0 : cnt;
}

static uint32_t slow_prefix(const uint8_t *data, uint32_t len, bool clean)
{
    uint32_t i = 0, character = 0;
    while (i < len) {
        uint32_t cnt = slow_character(data + i, len - i, &character);
        bool is_control = character < 0x20 || (character >= 0x7f && character < 0xa0);
        if (cnt == 0 || (clean && is_control && character != '\n' && character != '\t'))
            break;
        i += cnt;
    }
    return i;
}

static void look_at_opened(struct sl_out *out)
{
    struct sl_slice text = sl_out_opened(out);
    assert(slow_prefix((const uint8_t *)text.data, text.len, true) == text.len);
}

static void put_paragraphs(struct sl_out *out, enum sl_charset charset, bool keep_lines, struct sl_span rest)
{
    struct sl_para para;
    struct sl_span line;
    uint32_t left = rest.len;
    sl_para_begin(&para, out, charset, NULL);
    para.keep_lines = keep_lines;
    while (sl_line_next(&rest, &line)) {
        assert(rest.len < left && line.len <= left - rest.len);
        assert(!memchr(line.data, '\n', line.len) && !memchr(line.data, '\r', line.len));
        left = rest.len;
        sl_para_line(&para, line);
    }
    assert(left == 0);
    sl_para_end(&para);
    struct sl_slice text = sl_out_opened(out);
    assert(out->full || !memmem(text.data, text.len, "\n\n\n", 3));
    assert(out->full || text.len == 0 || !strchr(" \n\t", text.data[text.len - 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t mem[65536];
    static struct sl_out out;
    if (size < 2 || size > 16384)
        return 0;
    enum sl_charset charset = data[0] % SL_CHARSET_CNT;
    bool keep_lines = data[1] & 1;
    uint32_t cap = data[1] & 2 ? sizeof mem : SL_BULLETIN_LEN_MIN;
    const uint8_t *bytes = data + 2;
    uint32_t len = (uint32_t)(size - 2);

    assert(sl_utf8_prefix(bytes, len) == slow_prefix(bytes, len, false));
    assert(sl_text_prefix(bytes, len) == slow_prefix(bytes, len, true));
    uint32_t ascii = sl_ascii_prefix(bytes, len), bom_len;
    assert(ascii == len || bytes[ascii] >= 0x80);
    enum sl_charset guess = sl_charset_guess(bytes, len, charset, &bom_len);
    assert(guess != SL_CHARSET_UNKNOWN && bom_len <= len);
    sl_charset_named((const char *)bytes, len);

    struct sl_text_stats stats = { 0, 0 };
    sl_out_begin(&out, mem, cap, 1);
    sl_out_open(&out);
    sl_text_put(&out, charset, bytes, len, &stats);
    if (!out.full)
        look_at_opened(&out);
    assert(guess != SL_CHARSET_UTF8 || charset != SL_CHARSET_UTF8 || sl_utf8_prefix(bytes, len) == len ||
           stats.repaired_cnt != 0);

    sl_out_begin(&out, mem, cap, 1);
    sl_out_open(&out);
    sl_text_put_line(&out, charset, bytes, len, NULL);
    if (!out.full)
        look_at_opened(&out);
    struct sl_slice text = sl_out_opened(&out);
    assert(out.full || !memmem(text.data, text.len, "  ", 2));
    assert(out.full || sl_text_words(text) <= (text.len + 1) / 2);

    sl_out_begin(&out, mem, cap, 1);
    sl_out_open(&out);
    put_paragraphs(&out, charset, keep_lines, (struct sl_span){ bytes, len });
    if (!out.full)
        look_at_opened(&out);

    uint32_t off;
    struct sl_span trimmed = sl_span_trim((struct sl_span){ bytes, len });
    assert(trimmed.data >= bytes && trimmed.data + trimmed.len <= bytes + len);
    if (sl_span_find(trimmed, "zczc", &off))
        assert(off + 4 <= trimmed.len);
    return 0;
}
