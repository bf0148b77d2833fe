#include "tests/sim/sim.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define START_NS 1720180800000000000ll /* 5 July 2024, 12:00 UTC */

static void *zeroed(size_t len)
{
    len = (len + 127) & ~(size_t)127;
    void *mem = aligned_alloc(128, len);
    assert(mem);
    return memset(mem, 0, len);
}

static void *new_ring(uint32_t len)
{
    void *mem = zeroed(sl_spsc_footprint(len));
    int rc = sl_spsc_new(mem, len);
    assert(!rc);
    return mem;
}

static void *new_log(uint64_t bytes_len, uint64_t epoch, size_t *len)
{
    /* More index than the records need: laps are by bytes, and a reader that looks after each poll is never lapped. */
    struct sl_log_config config = {
        .bytes_len = bytes_len, .index_cnt = (uint32_t)bytes_len / 128, .epoch = epoch, .first_seq = 1
    };
    *len = sl_log_footprint(&config);
    void *mem = zeroed(*len);
    int rc = sl_log_new(mem, &config);
    assert(!rc);
    return mem;
}

static uint64_t power_above(uint64_t len)
{
    uint64_t power = 65536;
    while (power < len)
        power *= 2;
    return power;
}

/* ---- the plan of a day ---- */

static void plan_feeds(struct sim *sim)
{
    static const struct sl_zones no_zones;
    struct world *world = &sim->world;
    world->feed_cnt = between(&sim->dice, 1, FEEDS_MAX);
    world->side_cnt = world->feed_cnt > 1 && chance(&sim->dice, 40) ? 2 : 1;
    for (uint32_t i = 0; i < world->feed_cnt; i++)
        world->feeds[i] = (struct sl_feed){
            .name = { (char)('a' + i) },
            .format = sl_format_named("iptc7901", 8),
            .facts = { .zones = &no_zones },
            .framing = SL_FRAMING_CONTROL,
            .message_max = 2500,
            .message_ns = SL_TIME_NS / 2,
            .rx = i % world->side_cnt,
        };
    for (uint32_t i = 0; i < world->feed_cnt; i++) {
        struct sl_feed *feed = &world->feeds[i];
        world->numbered[i] = chance(&sim->dice, 20);
        if (!world->numbered[i])
            continue;
        feed->framing = SL_FRAMING_MOLDUDP64;
        feed->reorder_ns = between(&sim->dice, 10, 20000) * 1000;
        feed->park_len = 65536; /* less than lies in the line that is behind, now and then */
    }
}

static void make_rings(struct sim *sim, uint64_t *message_bytes, uint64_t *answer_bytes)
{
    struct dice *dice = &sim->dice;
    for (uint32_t s = 0; s < sim->world.side_cnt; s++) {
        struct side *side = &sim->world.sides[s];
        side->has_heavy = chance(dice, 25);
        side->decoder_cnt = between(dice, 1, 3) + side->has_heavy;
        happened(sim, HAPPENED_HEAVY_DECODER, side->has_heavy);
        happened(sim, HAPPENED_THREE_DECODERS, side->decoder_cnt >= 3);
        uint32_t message_len = 8192u << below(dice, 2), answer_len = 4096u << below(dice, 2);
        for (uint32_t d = 0; d < side->decoder_cnt; d++)
            for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
                side->rings[d].lane[lane] = (struct sl_lane_rings){ new_ring(message_len), new_ring(answer_len) };
                *message_bytes += message_len;
                *answer_bytes += answer_len;
            }
    }
    happened(sim, HAPPENED_TWO_RECEIVERS, sim->world.side_cnt == 2);
}

static void make_books(struct world *world)
{
    world->books_mem = zeroed(sl_books_footprint(world->feed_cnt, 1));
    int rc = sl_books_new(&world->books, world->books_mem, world->feed_cnt, 1);
    assert(!rc);
}

static void make_order(struct sim *sim, struct side *side)
{
    struct world *world = &sim->world;
    bool numbered = false;
    for (uint32_t i = 0; i < side->line_cnt; i++)
        numbered |= world->numbered[side->lines[i].feed];
    if (!numbered)
        return;
    struct sl_order_config order = {
        .feeds = world->feeds,
        .feed_cnt = world->feed_cnt,
        .lines = side->lines,
        .line_cnt = side->line_cnt,
        .books = &world->books,
        .sink = {side->frame, sl_frame_take, sl_frame_line},
        .gap = sl_frame_gap,
    };
    int rc = sl_order_init(&side->order, &order);
    assert(!rc);
}

static void make_sides(struct sim *sim)
{
    struct world *world = &sim->world;
    for (uint32_t s = 0; s < world->side_cnt; s++) {
        struct side *side = &world->sides[s];
        struct sl_frame_config frame = {
            .feeds = world->feeds,
            .feed_cnt = world->feed_cnt,
            .lines = side->lines,
            .line_cnt = side->line_cnt,
            .decoders = side->rings,
            .decoder_cnt = side->decoder_cnt,
            .has_heavy = side->has_heavy,
            .heavy = side->has_heavy ? 900 : UINT32_MAX,
            .clock = &sim->clock,
            .books = &world->books,
            .acks = side->acks,
        };
        int rc = sl_frame_init(&side->frame, &frame);
        assert(!rc);
        make_order(sim, side);
        for (uint32_t d = 0; d < side->decoder_cnt; d++) {
            struct sl_decode_config decode = {
                .feeds = world->feeds,
                .feed_cnt = world->feed_cnt,
                .rings = side->rings[d],
                .message_max = 2500,
                .clock = &sim->clock,
            };
            rc = sl_decode_init(&side->decode[d], &decode);
            assert(!rc);
        }
    }
}

static void make_desk(struct sim *sim, uint64_t epoch)
{
    struct world *world = &sim->world;
    struct dice *dice = &sim->dice;
    world->small_window = chance(dice, 12);
    world->window_cnt = world->small_window ? 16 : 4096;
    world->gate_ns = between(dice, 100, 3000) * 1000;
    struct sl_desk_config desk = {
        .feeds = world->feeds,
        .feed_cnt = world->feed_cnt,
        .source_cnt = world->side_cnt,
        .tape = world->tape_mem,
        .raw = world->raw_mem,
        .epoch = epoch,
        .window_cnt = world->window_cnt,
        .tombstone_cnt = 1024,
        .hold_len = (uint64_t)between(dice, 1, 64) * 1024,
        .hold_cnt = between(dice, 1, 60),
        .gate_ns = world->gate_ns,
        .clock = &sim->clock,
        .books = &world->books,
    };
    for (uint32_t s = 0; s < world->side_cnt; s++)
        desk.sources[s] = (struct sl_desk_source){ .decoders = world->sides[s].rings,
                                                   .decoder_cnt = world->sides[s].decoder_cnt,
                                                   .acks = world->sides[s].acks };
    int rc = sl_desk_init(&world->desk, &desk);
    assert(!rc);
}

void open_world(struct sim *sim)
{
    struct world *world = &sim->world;
    uint64_t epoch = roll(&sim->dice), message_bytes = 0, answer_bytes = 0;
    sim->now_ns = START_NS + between(&sim->dice, 0, 1000000000);
    sim->clock.virtual_ns = &sim->now_ns;
    plan_feeds(sim);
    open_network(sim);
    make_rings(sim, &message_bytes, &answer_bytes);
    make_books(world);
    /* What one poll of the desk can bring must not lap who reads after each. */
    world->tape_bytes = power_above(2 * answer_bytes + 32768);
    world->tape_mem = new_log(world->tape_bytes, epoch, &world->tape_len);
    world->raw_mem = new_log(power_above(2 * (message_bytes + answer_bytes) + 32768), epoch, &world->raw_len);
    make_sides(sim);
    make_desk(sim, epoch);
}

void close_world(struct sim *sim)
{
    struct world *world = &sim->world;
    sl_desk_fini(world->desk);
    for (uint32_t s = 0; s < world->side_cnt; s++) {
        struct side *side = &world->sides[s];
        sl_order_fini(side->order);
        sl_frame_fini(side->frame);
        for (uint32_t d = 0; d < side->decoder_cnt; d++) {
            sl_decode_fini(side->decode[d]);
            for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
                free(side->rings[d].lane[lane].message);
                free(side->rings[d].lane[lane].answer);
            }
        }
    }
    free(world->books_mem);
    free(world->tape_mem);
    free(world->raw_mem);
}

/* ---- polling ---- */

static int must_not_fail(struct sim *sim, const char *stage, int rc)
{
    if (rc < 0 && rc != -EAGAIN)
        violated(sim, "%s failed: %s", stage, strerror(-rc));
    return rc;
}

/* Waiting for what is missing is not rest. */
static bool poll_order(struct sim *sim, struct side *side)
{
    return side->order && must_not_fail(sim, "order", sl_order_poll(side->order, sim->now_ns)) != 0;
}

static int poll_decode(struct sim *sim, struct side *side, uint32_t d)
{
    int rc = must_not_fail(sim, "decode", sl_decode_poll(side->decode[d], sim->now_ns));
    happened(sim, HAPPENED_ANSWERS_FULL, rc == -EAGAIN);
    return rc;
}

static uint64_t put_on_tape(const struct sim *sim, enum sl_lane lane)
{
    uint64_t cnt = 0;
    for (uint32_t f = 0; f < sim->world.feed_cnt; f++)
        cnt += sl_cell_get(&sl_books_desk(&sim->world.books, f)[SL_DESK_LANE + lane]);
    return cnt;
}

/* One gate for the raw log's readers and one for the tape's: then the desk goes on. */
static void check_wait(struct sim *sim, int rc)
{
    struct world *world = &sim->world;
    if (rc != -EAGAIN || !world->waits_since) {
        world->waits_since = rc == -EAGAIN ? sim->now_ns : 0;
        world->gates_waited = 0;
    } else if (sim->now_ns - world->waits_since >= world->gate_ns) {
        world->waits_since = sim->now_ns;
        if (++world->gates_waited > 1)
            violated(sim, "the desk waits longer for readers than it may");
    }
}

static int poll_the_desk(struct sim *sim)
{
    const sl_cell *waits = &sl_books_tape(&sim->world.books)[SL_TAPE_GATE_WAITS];
    uint64_t seq = sim->audience.seq[LOG_TAPE], flash = put_on_tape(sim, SL_LANE_FLASH),
             waits_before = sl_cell_get(waits);
    int rc = must_not_fail(sim, "desk", sl_desk_poll(sim->world.desk, sim->now_ns));
    check_wait(sim, rc);
    read_everything(sim);
    flash = put_on_tape(sim, SL_LANE_FLASH) - flash;
    /* Something had to wait in this very poll, and FLASH went out in it. */
    happened(sim, HAPPENED_FLASH_WHILE_OTHERS_WAIT,
             flash && sl_cell_get(waits) > waits_before && sim->audience.seq[LOG_TAPE] > seq);
    return rc;
}

void poll_somebody(struct sim *sim)
{
    struct world *world = &sim->world;
    struct side *side = &world->sides[below(&sim->dice, world->side_cnt)];
    switch (below(&sim->dice, 3)) {
    case 0:
        poll_order(sim, side);
        must_not_fail(sim, "frame", sl_frame_poll(side->frame, sim->now_ns));
        break;
    case 1:
        poll_decode(sim, side, below(&sim->dice, side->decoder_cnt));
        break;
    default:
        poll_the_desk(sim);
        break;
    }
}

bool poll_everybody(struct sim *sim)
{
    bool busy = false;
    for (uint32_t s = 0; s < sim->world.side_cnt; s++) {
        struct side *side = &sim->world.sides[s];
        busy |= poll_order(sim, side);
        busy |= must_not_fail(sim, "frame", sl_frame_poll(side->frame, sim->now_ns)) != 0;
        for (uint32_t d = 0; d < side->decoder_cnt; d++)
            busy |= poll_decode(sim, side, d) != 0;
    }
    return (poll_the_desk(sim) != 0) | busy;
}
