/* Does every format make of any bytes either sound bulletins or a reject with its place, and always the same?
 *
 * The last byte chooses the format (one more than there are: recognized), so a sample as it stands is a seed.  Build
 * with -DSL_FUZZ_FORMAT=1 and so on for one format alone.  Profiles and zones are those that the program loads; the
 * message's length chooses which profile the feed names (one more than there are: none). */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/bulletin_json.h"
#include "parsers/parse.h"
#include "pipeline/profiles.h"

#define MESSAGE_MAX   16384u
#define BULLETINS_MAX 1000u

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct sl_profiles profiles;
static struct sl_zones zones;

/* A fuzzer's own memory, which lasts as long as it does. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static struct sl_profile_store store;
    static struct sl_zones_store zone_store;
    char err[512];
    (void)argc;
    (void)argv;
    sl_zones_load_agencies(&zone_store);
    if (sl_profiles_load(&store, &zone_store, SL_PROFILES, err, sizeof(err))) {
        fprintf(stderr, "%s\n", err);
        exit(1);
    }
    profiles = sl_profiles_view(&store);
    zones = sl_zones_view(&zone_store);
    return 0;
}

static const struct sl_format *choose_format(uint8_t choice)
{
#ifdef SL_FUZZ_FORMAT
    (void)choice;
    return sl_format_by_id(SL_FUZZ_FORMAT);
#else
    uint32_t cnt = 0;
    while (sl_formats[cnt])
        cnt++;
    return sl_formats[choice % (cnt + 1)];
#endif
}

static void look_at_bulletin(const struct sl_bulletin *bulletin, uint32_t bulletin_len)
{
    static char line[1u << 22];
    assert(sl_bulletin_check(bulletin, bulletin_len) == SL_BULLETIN_FINE);
    assert(sl_bulletin_text(bulletin, SL_TEXT_ID).len != 0);
    size_t len = sl_bulletin_json(line, sizeof(line), bulletin, NULL);
    assert(len <= sl_bulletin_json_bound(bulletin_len) && len <= sizeof(line));
    assert(!memchr(line, '\n', len));
}

/* Parses all and gives the hash of what was said, or of the reject. */
static uint64_t parse_all(struct sl_parse *parse, const struct sl_format *format, const uint8_t *data, uint32_t len,
                          void *mem, uint32_t cap)
{
    uint32_t choice = len % (profiles.cnt + 1);
    const struct sl_feed_facts feed = {
        .provider = "feed",
        .profile = choice < profiles.cnt ? &profiles.profile[choice] : NULL,
        .profiles = &profiles,
        .zones = &zones,
    };
    uint64_t hash = 0;
    enum sl_parse_code code;
    uint32_t bulletin_len, cnt = 0;
    sl_parse_begin(parse, format, &feed, data, len, 1767607200ll * SL_TIME_NS);
    while ((code = sl_parse_next(parse, mem, cap, &bulletin_len)) == SL_PARSE_OK) {
        const struct sl_bulletin *bulletin = mem;
        assert(++cnt <= BULLETINS_MAX && bulletin_len <= cap && bulletin_len == bulletin->len);
        look_at_bulletin(bulletin, bulletin_len);
        hash = hash * 31 + bulletin->version_hash + bulletin->content_hash[0];
    }
    if (code == SL_PARSE_END)
        return hash;
    assert(code < SL_PARSE_CODE_CNT && parse->err.code == code && parse->err.off <= len && parse->err.want);
    uint32_t line, column;
    sl_parse_locate(data, len, parse->err.off, &line, &column);
    assert(line >= 1 && column >= 1 && line <= len + 1 && column <= len + 1);
    return hash * 31 + code + parse->err.off;
}

#if defined(SL_FUZZ_FORMAT) && SL_FUZZ_FORMAT == 15
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* No mutation of a FIX message keeps its checksum, so nothing behind it would ever be reached: three of four get the
 * length and the sum that their bytes have. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static uint8_t body[1 << 20];
    char head[32];
    size = LLVMFuzzerMutate(data, size, max_size);
    const uint8_t *type = memmem(data, size, "\00135=", 4);
    if (seed % 4 == 0 || !type)
        return size;
    size_t body_len = size - (size_t)(type + 1 - data);
    const uint8_t *end = memrchr(data, '=', size); /* of 10= */
    if (end && end - data >= 3 && memcmp(end - 3, "\00110", 3) == 0 && end > type + 3)
        body_len = (size_t)(end - 2 - (type + 1));
    int head_len = snprintf(head, sizeof(head), "8=FIX.4.4\0019=%zu\001", body_len);
    if (body_len > sizeof(body) || (size_t)head_len + body_len + 7 > max_size)
        return size;
    memcpy(body, type + 1, body_len);
    memcpy(data, head, (size_t)head_len);
    memcpy(data + head_len, body, body_len);
    size = (size_t)head_len + body_len;
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += data[i];
    char trailer[16];
    snprintf(trailer, sizeof(trailer), "10=%03u\001", sum % 256);
    memcpy(data + size, trailer, 7);
    return size + 7;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sl_parse parse;
    if (size == 0 || size > MESSAGE_MAX)
        return 0;
    uint32_t len = (uint32_t)size, cap = sl_parse_bound(len);
    /* A copy with nothing behind it, so that a read beyond its end is seen. */
    uint8_t *message = malloc(len);
    void *mem = malloc(cap), *scratch = malloc(sl_parse_scratch_bound(len));
    sl_parse_init(&parse, scratch, sl_parse_scratch_bound(len));
    memcpy(message, data, len);
    const struct sl_format *format = choose_format(data[size - 1]);

    assert(sl_format_recognize(message, len));
    assert(sl_peek_lane(format, message, len) < SL_LANE_CNT);
    uint64_t first = parse_all(&parse, format, message, len, mem, cap);
    /* What comes packed may be more than it looks. */
    assert(parse.err.code != SL_PARSE_TOO_LARGE || parse.format->id == SL_FORMAT_MRN);
    memset(mem, 0xa5, cap);
    assert(parse_all(&parse, format, message, len, mem, cap) == first);
    parse_all(&parse, format, message, len, mem, SL_BULLETIN_LEN_MIN);
    free(mem);
    free(scratch);
    free(message);
    return 0;
}
