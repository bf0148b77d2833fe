/* Does the JSON scanner give the same verdict however a text is pulled, and the same strings by bytes and wide?
 *
 * The text is skipped whole, walked value by value, and every string in it is scanned both ways, put and decoded. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/json_names.h"

#define TEXT_MAX 16384u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sl_parse parse;
static struct sl_out out;

static void look_at_string(struct sl_json_string string)
{
    static _Alignas(8) uint8_t mem[2 * TEXT_MAX + 4096];
    struct sl_text_stats stats = { 0, 0 };
    struct sl_span decoded;
    uint32_t used = parse.scratch.used;
    sl_json_name(string);
    assert(sl_json_decode(&parse, string, &decoded));
    assert(decoded.len <= string.text.len && sl_utf8_prefix(decoded.data, decoded.len) == decoded.len);
    sl_out_begin(&out, mem, sizeof(mem), 0);
    sl_out_open(&out);
    sl_json_put(&out, string, &stats);
    struct sl_slice put = sl_out_opened(&out);
    assert(!out.full && put.len <= decoded.len);
    assert(sl_text_prefix((const uint8_t *)put.data, put.len) == put.len);
    parse.scratch.used = used;
}

/* Into everything, up to the end or the first fault. */
static void walk(struct sl_json *json)
{
    struct sl_json_string string;
    uint64_t is_object = 0;
    do {
        enum sl_json_type type = sl_json_peek(json);
        if (type == SL_JSON_OBJECT || type == SL_JSON_ARRAY) {
            if (sl_json_enter(json, type))
                is_object = is_object << 1 | (type == SL_JSON_OBJECT);
        } else if (sl_json_read_string(json, &string)) {
            look_at_string(string);
        }
        while (json->depth != 0 && json->err.code == SL_PARSE_OK) {
            bool more = is_object & 1 ? sl_json_member(json, &string) : sl_json_element(json);
            if (more && is_object & 1)
                look_at_string(string);
            if (more)
                break;
            if (json->err.code == SL_PARSE_OK)
                is_object >>= 1;
        }
    } while (json->depth != 0 && json->err.code == SL_PARSE_OK);
    sl_json_end(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(8) uint8_t scratch[TEXT_MAX];
    if (size == 0 || size > TEXT_MAX)
        return 0;
    uint32_t len = (uint32_t)size;
    /* A copy with nothing behind it, so that a read beyond its end is seen. */
    uint8_t *text = malloc(len);
    memcpy(text, data, len);
    for (uint32_t at = 0; at < len; at++) {
        if (text[at] != '"' || at % 8 != text[0] % 8)
            continue;
        struct sl_json_scan bytes = sl_json_scan_bytes(text, len, at + 1), wide = sl_json_scan_wide(text, len, at + 1);
        assert(bytes.end == wide.end && bytes.fault == wide.fault && bytes.end <= len);
        assert(bytes.fault != SL_JSON_FINE || bytes.flags == wide.flags);
    }
    struct sl_json skipped, walked;
    sl_parse_init(&parse, scratch, sizeof(scratch));
    sl_json_begin(&skipped, (struct sl_span){ text, len });
    sl_json_begin(&walked, (struct sl_span){ text, len });
    sl_json_skip(&skipped);
    sl_json_end(&skipped);
    walk(&walked);
    assert(skipped.err.code == walked.err.code && skipped.err.off == walked.err.off && walked.err.off <= len);
    assert((skipped.err.code == SL_PARSE_OK) == (skipped.err.want == NULL));
    free(text);
    return 0;
}
