/* The table of formats with one more that kills its thread: linked in place of parsers/formats.c, into a test's daemon
 * only. */
#include "parsers/parse.h"

#include <signal.h>
#include <string.h>

static int recognize(const uint8_t *data, uint32_t len)
{
    (void)data, (void)len;
    return 0;
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    (void)data, (void)len;
    return 0;
}

/* SOH, words, ETX: the words are headline and id. */
static enum sl_parse_code next(struct sl_parse *parse)
{
    if (parse->bulletin_idx)
        return SL_PARSE_END;
    const uint8_t *words = parse->data + 1;
    const uint8_t *end = memchr(words, 3, parse->len - 1);
    if (!end)
        return sl_reject(parse, SL_PARSE_CUT, parse->len, "ETX");
    if (end - words >= 5 && !memcmp(words, "CRASH", 5))
        raise(SIGSEGV);
    sl_out_text(&parse->out, SL_TEXT_ID, words, (uint32_t)(end - words));
    sl_out_text(&parse->out, SL_TEXT_HEADLINE, words, (uint32_t)(end - words));
    sl_out_root(&parse->out)->kind = SL_KIND_NEWS;
    return SL_PARSE_OK;
}

static const struct sl_format crash = { .id = SL_FORMAT_TEXT,
                                        .name = "crash",
                                        .source = "none",
                                        .recognize = recognize,
                                        .peek_urgency = peek_urgency,
                                        .next = next };

const struct sl_format *const sl_formats[] = { &crash, NULL };
