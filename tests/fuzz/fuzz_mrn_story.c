/* What does MRN make of any story, once it is unpacked?
 *
 * The input is the story's JSON: it is packed and cut into fragments as the websocket brings them, since no mutation of
 * a packed one would get past its checksum.  The last byte chooses how many fragments. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "parsers/bulletin_json.h"
#include "parsers/parse.h"

#define STORY_MAX   8192u
#define PACKED_MAX  (STORY_MAX + 128)
#define MESSAGE_MAX (4 * PACKED_MAX)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static size_t pack(uint8_t *to, const uint8_t *data, size_t len)
{
    z_stream stream = { 0 };
    assert(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = (Bytef *)(uintptr_t)data;
    stream.avail_in = (uInt)len;
    stream.next_out = to;
    stream.avail_out = PACKED_MAX;
    assert(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    size_t packed = stream.total_out;
    deflateEnd(&stream);
    return packed;
}

static size_t put_base64(char *to, const uint8_t *data, size_t len)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t at = 0;
    for (size_t i = 0; i < len; i += 3) {
        uint32_t bits =
            (uint32_t)data[i] << 16 | (i + 1 < len ? data[i + 1] << 8 : 0) | (i + 2 < len ? data[i + 2] : 0);
        to[at++] = alphabet[bits >> 18];
        to[at++] = alphabet[bits >> 12 & 63];
        to[at++] = i + 1 < len ? alphabet[bits >> 6 & 63] : '=';
        to[at++] = i + 2 < len ? alphabet[bits & 63] : '=';
    }
    return at;
}

static size_t put_message(char *to, const uint8_t *packed, size_t len, size_t fragment_cnt)
{
    size_t at = 0, step = (len + fragment_cnt - 1) / fragment_cnt, number = 0;
    to[at++] = '[';
    for (size_t off = 0; off < len; off += step) {
        at += (size_t)sprintf(
            to + at,
            "%s{\"Type\":\"Update\",\"Fields\":{\"GUID\":\"G1\",\"MRN_SRC\":\"S\",\"MRN_TYPE\":\"STORY\","
            "\"TOT_SIZE\":%zu,\"FRAG_NUM\":%zu,\"FRAGMENT\":\"",
            number ? "," : "", len, number + 1);
        at += put_base64(to + at, packed + off, len - off < step ? len - off : step);
        at += (size_t)sprintf(to + at, "\"}}");
        number++;
    }
    to[at++] = ']';
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_parse parse;
    static uint8_t packed[PACKED_MAX];
    static char message[MESSAGE_MAX], line[1u << 22];
    static const struct sl_feed_facts feed = { .provider = "feed" };
    if (size == 0 || size > STORY_MAX)
        return 0;
    size_t packed_len = pack(packed, data, size);
    uint32_t len = (uint32_t)put_message(message, packed, packed_len, 1 + data[size - 1] % 7);
    uint32_t cap = sl_parse_bound(len) + 4 * STORY_MAX, bulletin_len; /* it may unpack to more than the bound allows */
    void *mem = malloc(cap), *scratch = malloc(sl_parse_scratch_bound(len));
    sl_parse_init(&parse, scratch, sl_parse_scratch_bound(len));
    sl_parse_begin(&parse, sl_format_by_id(SL_FORMAT_MRN), &feed, (const uint8_t *)message, len, 0);
    enum sl_parse_code code = sl_parse_next(&parse, mem, cap, &bulletin_len);
    if (code == SL_PARSE_OK) {
        const struct sl_bulletin *bulletin = mem;
        assert(sl_bulletin_check(bulletin, bulletin_len) == SL_BULLETIN_FINE);
        size_t line_len = sl_bulletin_json(line, sizeof(line), bulletin, NULL);
        assert(line_len <= sl_bulletin_json_bound(bulletin_len));
        assert(sl_parse_next(&parse, mem, cap, &bulletin_len) == SL_PARSE_END);
    } else {
        assert(code == SL_PARSE_BAD_TEXT && parse.err.want);
    }
    assert(sl_peek_lane(sl_format_by_id(SL_FORMAT_MRN), (const uint8_t *)message, len) < SL_LANE_CNT);
    free(mem);
    free(scratch);
    return 0;
}
