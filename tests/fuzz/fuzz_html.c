/* Is what comes out of any tag soup always clean text, however it is cut and in whatever character set? */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void look_at_opened(const struct sl_out *out, bool is_body)
{
    struct sl_slice text = sl_out_opened(out);
    if (out->full)
        return;
    assert(sl_text_prefix((const uint8_t *)text.data, text.len) == text.len);
    if (!is_body || text.len == 0)
        return;
    assert(!memmem(text.data, text.len, "\n\n\n", 3) && !memmem(text.data, text.len, " \n", 2));
    assert(!strchr(" \n\t", text.data[text.len - 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_out out;
    static const enum sl_charset charsets[] = { SL_CHARSET_UTF8, SL_CHARSET_WINDOWS_1252, SL_CHARSET_ISO_8859_15,
                                                SL_CHARSET_UTF8 };
    struct sl_text_stats stats = { 0, 0 };
    if (size < 2 || size > 16384)
        return 0;
    /* The last byte chooses, so that any page as it stands is a seed. */
    uint8_t choice = data[size - 1];
    enum sl_charset charset = charsets[choice % 4];
    uint32_t len = (uint32_t)size - 1, cap = 3 * len + 65536;
    uint8_t *html = malloc(len), *mem = malloc(cap);
    memcpy(html, data, len);
    struct sl_span span = { html, len };

    sl_out_begin(&out, mem, choice & 4 ? SL_BULLETIN_LEN_MIN : cap, 1);
    sl_out_open(&out);
    sl_html_put_body(&out, charset, span, &stats);
    look_at_opened(&out, true);
    assert(out.cap < 65536 || !out.full);
    sl_out_close(&out);

    sl_out_begin(&out, mem, cap, 1);
    sl_out_open(&out);
    sl_html_put_line(&out, charset, span, NULL);
    look_at_opened(&out, true);
    assert(!memchr(sl_out_opened(&out).data, '\n', sl_out_opened(&out).len));
    sl_out_cut(&out, 0);
    sl_html_put_safe(&out, charset, span, NULL);
    look_at_opened(&out, false);
    struct sl_slice safe = sl_out_opened(&out);
    assert(!memmem(safe.data, safe.len, "<script", 7) && !memmem(safe.data, safe.len, "=\"javascript:", 13));
    sl_out_close(&out);

    sl_html_is_markup(span);
    sl_html_is_escaped(span);
    assert(sl_html_unescape(html, span) <= len);
    free(mem);
    free(html);
    return 0;
}
