/* Does any text compile to a filter that answers, the same twice and the opposite behind a "not", or is refused with a
 * place inside it? */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "pipeline/client.h"
#include "pipeline/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct sl_event *make_event(void)
{
    static _Alignas(8) unsigned char mem[16384];
    static struct sl_event event;
    static struct sl_out out;
    if (event.bulletin)
        return &event;
    sl_out_begin(&out, mem, sizeof(mem), 1);
    sl_out_root(&out)->kind = SL_KIND_NEWS;
    sl_out_root(&out)->urgency = 4;
    sl_out_text(&out, SL_TEXT_ID, "a", 1);
    sl_out_text(&out, SL_TEXT_HEADLINE, "ab ab aba \xc3\xa9 *", 13);
    sl_out_text(&out, SL_TEXT_LANGUAGE, "en-GB", 5);
    sl_out_item(&out, SL_LIST_SUBJECTS, sl_out_ref(&out, "medtop", 6), sl_out_ref(&out, "04", 2),
                (struct sl_ref){ 0, 0 }, (struct sl_ref){ 0, 0 });
    sl_out_word(&out, SL_LIST_KEYWORDS, "rates", 5);
    assert(sl_out_finish(&out));
    event = (struct sl_event){ .type = SL_EVENT_BULLETIN, .seq = 7, .feed = "dpa", .verdict = SL_VERDICT_PASSED };
    event.bulletin = (const struct sl_bulletin *)mem;
    return &event;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char text[SL_FILTER_LEN_MAX + 1], opposite[SL_FILTER_LEN_MAX + 8];
    struct sl_filter *filter, *turned;
    struct sl_filter_err err;
    if (len > SL_FILTER_LEN_MAX)
        return 0;
    memcpy(text, data, len);
    text[len] = '\0';
    int rc = sl_filter_compile(&filter, text, &err);
    if (rc) {
        assert(rc == -EINVAL && err.off <= strlen(text) && *err.text);
        return 0;
    }
    bool fits = sl_filter_match(filter, make_event());
    assert(fits == sl_filter_match(filter, make_event()));
    sl_filter_free(filter);
    snprintf(opposite, sizeof(opposite), "not (%s)", text);
    if (!sl_filter_compile(&turned, opposite, NULL)) { /* may be too deep or too long now */
        assert(sl_filter_match(turned, make_event()) != fits);
        sl_filter_free(turned);
    }
    return 0;
}
