/* gen_bulletins SEED COUNT - random bulletins as JSON lines, for check_json_schema.py.  Exit 1 when one breaks the bound
 * that sl_bulletin_json_bound promises. */
#include "parsers/bulletin_json.h"
#include "parsers/parse.h"
#include "tests/parsers/random_bulletin.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define BULLETIN_CAP (256u * 1024u)

static _Alignas(8) uint8_t record[BULLETIN_CAP];
static char line[6144 + 10 * BULLETIN_CAP];
static struct sl_out out;

/* What a tape would add; every second line comes from none. */
static struct sl_json_wire random_wire(struct random_source *random)
{
    struct sl_json_wire wire = { 0 };
    if (random_below(random, 2))
        return wire;
    wire.epoch = random_next(random);
    wire.seq = 1 + random_below(random, UINT32_MAX);
    wire.feed = "agency \"north\"";
    wire.lane = sl_lane_name(random_below(random, SL_LANE_CNT));
    wire.verdict = "passed";
    wire.after_gap = random_below(random, 2);
    wire.clock_stepped = random_below(random, 2);
    wire.wire_source = (uint8_t)random_below(random, SL_WIRE_CNT);
    uint64_t *stamps[] = { &wire.wire_ns,    &wire.rx_ns,        &wire.first_ns, &wire.framed_ns,
                           &wire.decoded_ns, &wire.published_ns, &wire.read_ns };
    for (size_t i = 0; i < sizeof(stamps) / sizeof(*stamps); i++)
        *stamps[i] = random_below(random, 4) ? 1767607262000000000u + random_below(random, 1000000) : 0;
    return wire;
}

static int print_one(struct random_source *random, uint32_t idx)
{
    uint32_t len = random_bulletin(random, &out, record, sizeof(record));
    if (!len || sl_bulletin_check(record, len) != SL_BULLETIN_FINE) {
        fprintf(stderr, "gen_bulletins: bulletin %" PRIu32 " was not built well\n", idx);
        return 1;
    }
    struct sl_json_wire wire = random_wire(random);
    size_t line_len = sl_bulletin_json(line, sizeof(line), (const struct sl_bulletin *)record, &wire);
    if (line_len > sl_bulletin_json_bound(len)) {
        fprintf(stderr, "gen_bulletins: bulletin %" PRIu32 " of %" PRIu32 " bytes makes %zu, the bound is %zu\n", idx,
                len, line_len, sl_bulletin_json_bound(len));
        return 1;
    }
    fwrite(line, 1, line_len, stdout);
    putchar('\n');
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: gen_bulletins SEED COUNT\n");
        return 2;
    }
    struct random_source random = { strtoull(argv[1], NULL, 0) };
    uint32_t cnt = (uint32_t)strtoul(argv[2], NULL, 0);
    for (uint32_t i = 0; i < cnt; i++) {
        if (print_one(&random, i))
            return 1;
    }
    return fflush(stdout) ? 1 : 0;
}
