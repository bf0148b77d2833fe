#include "tests/parsers/wire_samples.h"

Test(ninjs, samples_mean_what_stands_beside_them) { cr_expect_geq(run_samples("ninjs"), 10); }

/* ---- bounds ---- */

static enum sl_parse_code parse_long(const char *text, size_t len, unsigned *cnt)
{
    static struct sl_parse parse;
    static const struct sl_feed_facts feed;
    uint32_t cap = sl_parse_bound((uint32_t)len), scratch_cap = sl_parse_scratch_bound((uint32_t)len), bulletin_len;
    void *mem = malloc(cap), *scratch = malloc(scratch_cap);
    enum sl_parse_code code;
    sl_parse_init(&parse, scratch, scratch_cap);
    sl_parse_begin(&parse, sl_format_by_id(SL_FORMAT_NINJS), &feed, (const uint8_t *)text, (uint32_t)len, 0);
    for (*cnt = 0; (code = sl_parse_next(&parse, mem, cap, &bulletin_len)) == SL_PARSE_OK; ++*cnt)
        cr_assert_eq(sl_bulletin_check(mem, bulletin_len), SL_BULLETIN_FINE);
    free(mem);
    free(scratch);
    return code;
}

/* head, the piece again and again up to about len bytes, tail. */
static char *repeat(const char *head, const char *piece, const char *tail, size_t len, size_t *text_len)
{
    size_t piece_len = strlen(piece), at = strlen(head);
    char *text = malloc(len + piece_len + strlen(head) + strlen(tail) + 1);
    memcpy(text, head, at);
    for (; at < len; at += piece_len)
        memcpy(text + at, piece, piece_len);
    strcpy(text + at, tail);
    *text_len = at + strlen(tail);
    return text;
}

Test(ninjs, large_and_odd_messages_are_taken_or_refused, .timeout = 60)
{
    static const struct {
        const char *name, *head, *piece, *tail;
        size_t len;
        enum sl_parse_code code;
        unsigned cnt;
    } rows[] = {
        {"a string of 50 MB",       "{\"guid\":\"a\",\"body_text\":\"",       "words and more words. ", "\"}",                                           50u << 20,
         SL_PARSE_END,                                                                                                                                                                 1},
        { "escapes only",           "{\"guid\":\"a\",\"body_text\":\"",       "\\u00fc\\n",             "\"}",                                           4u << 20,  SL_PARSE_END,      1},
        { "a million members",      "{\"guid\":\"a\",\"headline\":\"b\"",     ",\"key\":0",             "}",                                             8u << 20,  SL_PARSE_END,      1},
        { "a million ids",          "{\"guid\":\"a\"",                        ",\"guid\":\"a\"",        "}",                                             8u << 20,  SL_PARSE_END,      1},
        { "a million subjects",     "{\"guid\":\"a\",\"subject\":[\"a\"",     ",{\"code\":\"1\"}",      "]}",                                            8u << 20,  SL_PARSE_END,
         1                                                                                                                                                                              },
        { "a million associations", "{\"guid\":\"a\",\"associations\":[{}",   ",{\"uri\":\"1\"}",       "]}",                                            8u << 20,
         SL_PARSE_END,                                                                                                                                                                 1},
        { "a thousand items",       "{\"total\":0,\"item\":[{\"uri\":\"0\"}", ",{\"uri\":\"1\"}",       "]}",                                            12000,     SL_PARSE_END,
         1000                                                                                                                                                                           },
        { "a long page's head",     "{\"meta\":[0",                           ",0",                     "],\"item\":[{\"uri\":\"1\"},{\"uri\":\"2\"}]}", 4u << 20,
         SL_PARSE_END,                                                                                                                                                                 2},
        { "arrays without an end",  "{\"guid\":\"a\",\"x\":",                 "[",                      "",                                              1u << 20,  SL_PARSE_TOO_DEEP, 0},
        { "pages within pages",     "",                                       "{\"data\":",             "",                                              1u << 20,  SL_PARSE_TOO_DEEP, 0},
        { "white space",            "{\"guid\":\"a\"",                        " \n",                    "}",                                             8u << 20,  SL_PARSE_END,      1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t len;
        unsigned cnt;
        char *text = repeat(rows[i].head, rows[i].piece, rows[i].tail, rows[i].len, &len);
        enum sl_parse_code code = parse_long(text, len, &cnt);
        cr_expect(code == rows[i].code, "%s: %s", rows[i].name, sl_parse_code_name(code));
        cr_expect(rows[i].cnt < 1000 ? cnt == rows[i].cnt : cnt >= 800, "%s: %u", rows[i].name, cnt);
        free(text);
    }
}

/* ---- lanes ---- */

Test(ninjs, urgency_is_seen_in_the_first_bytes)
{
    static const struct {
        const char *wire;
        enum sl_lane lane;
    } rows[] = {
        {"{\"uri\":\"a\",\"urgency\":1}",          SL_LANE_FLASH },
        { "{\"uri\":\"a\",\"urgency\" : \"2\"}",   SL_LANE_URGENT},
        { "{\"uri\":\"a\",\"urgency\":7,\"x\":1}", SL_LANE_BULK  },
        { "{\"uri\":\"a\",\"urgency\":10}",        SL_LANE_NORMAL},
        { "{\"uri\":\"a\",\"urgency\":",           SL_LANE_NORMAL},
        { "{\"uri\":\"a\"}",                       SL_LANE_NORMAL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_eq(sl_peek_lane(sl_format_by_id(SL_FORMAT_NINJS), (const uint8_t *)rows[i].wire,
                                  (uint32_t)strlen(rows[i].wire)),
                     rows[i].lane, "%s", rows[i].wire);
}
