#include "pipeline/topo.h"

#include "pipeline/order.h"
#include "pipeline/port.h"
#include "pipeline/ledger.h"
#include "pipeline/recall.h"
#include "pipeline/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RING_LEN_MIN (64u * 1024u)
#define RECORD_SLACK 1024u /* ring and message headers beside the bytes themselves */

struct sl_rx_side { /* one receive thread's stages and the rings behind them */
    struct sl_rx *rx;
    struct sl_order *order; /* NULL: no feed here numbers its datagrams */
    struct sl_frame *frame;
    struct sl_line_config *lines;
    uint32_t line_cnt;
    struct sl_decoder_rings rings[SL_DECODERS_MAX];
    struct sl_decode *decode[SL_DECODERS_MAX];
    struct sl_bell *bells[SL_DECODERS_MAX];
    struct sl_mem mem[SL_DECODERS_MAX][SL_LANE_CNT][2];
    uint32_t decoder_cnt;
    struct sl_ack *acks; /* of its spool lines, then of those with ack=; NULL where it has none */
    struct sl_answers *answers; /* of connections of lines with ack= */
    struct sl_bell *bell; /* of its thread */
};

struct sl_walk {
    const struct sl_topo *topo;
    struct sl_feed feeds[SL_FEEDS_MAX];
    uint32_t feed_cnt;
    struct sl_books books;
    struct sl_rx_side sides[SL_RXS_MAX];
    struct sl_desk *desk;
    struct sl_waker waker;
    struct sl_thread threads[SL_THREADS_MAX];
};

static int explain(char *err, size_t err_len, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err, err_len, format, args);
    va_end(args);
    return code;
}

static uint64_t round_to_power(uint64_t len)
{
    uint64_t power = RING_LEN_MIN;
    while (power < len)
        power *= 2;
    return power;
}

/* The longest message that comes to a decode thread: all of them, or only those that are not heavy. */
static uint64_t longest_of(const struct sl_config *config, bool takes_heavy)
{
    uint64_t max = sl_config_message_max(config);
    return takes_heavy || max < config->heavy ? max : config->heavy;
}

/* rx, frame and decode of a feed stay on one core, and feeds are spread over cores first; the desk has the next core
 * to itself, its waker the one after where there is one to spare. */
static void place_threads(struct sl_topo *topo, const struct sl_config *config, uint32_t core_cnt)
{
    if (core_cnt <= 1) {
        topo->threads[topo->thread_cnt++] =
            (struct sl_config_thread){ .core = -1,
                                       .stages = SL_STAGE_RX | SL_STAGE_DECODE | SL_STAGE_DESK | SL_STAGE_WAKER };
        return;
    }
    bool own_waker = core_cnt >= 4;
    uint32_t rx_cnt = core_cnt - (own_waker ? 2 : 1);
    if (rx_cnt > config->feed_cnt)
        rx_cnt = config->feed_cnt ? config->feed_cnt : 1;
    if (rx_cnt > SL_RXS_MAX)
        rx_cnt = SL_RXS_MAX;
    for (uint32_t i = 0; i < rx_cnt; i++)
        topo->threads[topo->thread_cnt++] =
            (struct sl_config_thread){ .core = -1, .stages = SL_STAGE_RX | SL_STAGE_DECODE, .rx = i };
    topo->threads[topo->thread_cnt++] =
        (struct sl_config_thread){ .core = -1, .stages = SL_STAGE_DESK | (own_waker ? 0u : SL_STAGE_WAKER) };
    if (own_waker)
        topo->threads[topo->thread_cnt++] = (struct sl_config_thread){ .core = -1, .stages = SL_STAGE_WAKER };
}

static int count_stages(struct sl_topo *topo, char *err, size_t err_len)
{
    uint32_t desk_cnt = 0, waker_cnt = 0;
    for (uint32_t i = 0; i < topo->thread_cnt; i++) {
        const struct sl_config_thread *thread = &topo->threads[i];
        topo->rx_cnt += !!(thread->stages & SL_STAGE_RX);
        desk_cnt += !!(thread->stages & SL_STAGE_DESK);
        waker_cnt += !!(thread->stages & SL_STAGE_WAKER);
    }
    if (!topo->rx_cnt || topo->rx_cnt > SL_RXS_MAX)
        return explain(err, err_len, -EINVAL, "threads: %u with rx; 1 to %u expected", topo->rx_cnt, SL_RXS_MAX);
    if (desk_cnt != 1)
        return explain(err, err_len, -EINVAL, "threads: %u with desk; exactly one expected, it makes the order",
                       desk_cnt);
    if (waker_cnt > 1)
        return explain(err, err_len, -EINVAL, "threads: %u with waker; one expected", waker_cnt);
    for (uint32_t i = 0; i < topo->thread_cnt; i++) {
        struct sl_config_thread *thread = &topo->threads[i];
        if (!waker_cnt && (thread->stages & SL_STAGE_DESK))
            thread->stages |= SL_STAGE_WAKER;
        if (!(thread->stages & SL_STAGE_DECODE))
            continue;
        if (thread->rx >= topo->rx_cnt)
            return explain(err, err_len, -EINVAL, "threads: a decode serves receive thread %u; there are %u",
                           thread->rx, topo->rx_cnt);
        if (thread->heavy)
            topo->has_heavy[thread->rx] = true;
        else
            topo->decoder_cnt[thread->rx]++;
    }
    for (uint32_t i = 0; i < topo->rx_cnt; i++)
        if (!topo->decoder_cnt[i])
            return explain(err, err_len, -EINVAL, "threads: no decode serves receive thread %u", i);
    return 0;
}

/* A message that takes a millisecond to parse would keep everything behind it waiting: it gets a thread of its own,
 * asleep nearly always, so no core is kept for it. */
static int add_heavy_threads(struct sl_topo *topo, const struct sl_config *config, char *err, size_t err_len)
{
    if (sl_config_message_max(config) <= config->heavy)
        return 0;
    for (uint32_t i = 0; i < topo->rx_cnt; i++) {
        if (!topo->has_heavy[i]) {
            if (topo->thread_cnt == SL_THREADS_MAX)
                return explain(err, err_len, -E2BIG, "threads: more than %u with those for heavy messages",
                               SL_THREADS_MAX);
            topo->threads[topo->thread_cnt++] =
                (struct sl_config_thread){ .core = -1, .stages = SL_STAGE_DECODE, .rx = i, .heavy = true };
            topo->has_heavy[i] = true;
        }
        topo->decoder_cnt[i]++;
        if (topo->decoder_cnt[i] > SL_DECODERS_MAX)
            return explain(err, err_len, -E2BIG, "threads: more than %u decode for one receive thread",
                           SL_DECODERS_MAX);
    }
    return 0;
}

static void size_rings(struct sl_topo *topo, const struct sl_config *config)
{
    uint64_t message_max = sl_config_message_max(config);
    uint64_t usual = longest_of(config, false);
    /* A ring takes records of up to half its length. */
    topo->ring_message[0] = round_to_power(config->ring_message);
    if (topo->ring_message[0] < 2 * (usual + RECORD_SLACK))
        topo->ring_message[0] = round_to_power(2 * (usual + RECORD_SLACK));
    topo->ring_answer[0] = round_to_power(config->ring_answer);
    if (topo->ring_answer[0] < 2 * ((uint64_t)sl_parse_bound((uint32_t)usual) + RECORD_SLACK))
        topo->ring_answer[0] = round_to_power(2 * ((uint64_t)sl_parse_bound((uint32_t)usual) + RECORD_SLACK));
    topo->ring_message[1] = round_to_power(2 * (message_max + RECORD_SLACK));
    topo->ring_answer[1] = 2 * topo->ring_message[1];
    for (uint32_t i = 0; i < topo->rx_cnt; i++)
        for (uint32_t d = 0; d < topo->decoder_cnt[i]; d++) {
            bool heavy = topo->has_heavy[i] && d + 1 == topo->decoder_cnt[i];
            topo->memory_rings += SL_LANE_CNT * (sl_spsc_footprint((uint32_t)topo->ring_message[heavy]) +
                                                 sl_spsc_footprint((uint32_t)topo->ring_answer[heavy]));
            topo->memory_scratch += sl_decode_footprint((uint32_t)longest_of(config, heavy || !topo->has_heavy[i]));
        }
}

static bool share_port(const struct sl_config_feed *a, const struct sl_config_feed *b)
{
    char device[2][SL_PORT_DEVICE_LEN];
    for (uint32_t i = 0; i < a->line_cnt; i++)
        for (uint32_t j = 0; a->lines[i].kind == SL_LINE_DPDK && j < b->line_cnt; j++) {
            sl_port_name(device[0], SL_PORT_DEVICE_LEN, a->lines[i].path);
            sl_port_name(device[1], SL_PORT_DEVICE_LEN, b->lines[j].path);
            if (b->lines[j].kind == SL_LINE_DPDK && !strcmp(device[0], device[1]))
                return true;
        }
    return false;
}

/* Feeds go to the receive threads in turn; those that share a port are polled by one. */
static void spread_feeds(struct sl_topo *topo, const struct sl_config *config)
{
    bool moved = true;
    for (uint32_t i = 0; i < config->feed_cnt; i++)
        topo->feed_rx[i] = i % topo->rx_cnt;
    while (moved) {
        moved = false;
        for (uint32_t i = 1; i < config->feed_cnt; i++)
            for (uint32_t j = 0; j < i; j++)
                if (topo->feed_rx[i] != topo->feed_rx[j] && share_port(&config->feeds[i], &config->feeds[j])) {
                    uint32_t lower = topo->feed_rx[i] < topo->feed_rx[j] ? topo->feed_rx[i] : topo->feed_rx[j];
                    topo->feed_rx[i] = topo->feed_rx[j] = lower;
                    moved = true;
                }
    }
}

int sl_topo_plan(struct sl_topo *topo, const struct sl_config *config, uint32_t core_cnt, char *err, size_t err_len)
{
    memset(topo, 0, sizeof(*topo));
    if (config->threads_auto) {
        place_threads(topo, config, core_cnt);
    } else {
        memcpy(topo->threads, config->threads, config->thread_cnt * sizeof(config->threads[0]));
        topo->thread_cnt = config->thread_cnt;
    }
    int rc = count_stages(topo, err, err_len);
    if (!rc)
        rc = add_heavy_threads(topo, config, err, err_len);
    if (rc)
        return rc;
    spread_feeds(topo, config);
    size_rings(topo, config);
    topo->memory_stages = config->hold_len;
    topo->memory_logs = sl_topo_tape_footprint(config) + sl_topo_raw_footprint(config);
    topo->memory_total = topo->memory_rings + topo->memory_scratch + topo->memory_stages + topo->memory_logs +
                         sl_topo_books_footprint(config, topo) + sl_topo_notes_footprint(topo) + sizeof(struct sl_past);
    return 0;
}

size_t sl_topo_tape_footprint(const struct sl_config *config)
{
    return sl_log_footprint(&(struct sl_log_config){ .bytes_len = config->tape_len, .first_seq = 1 });
}

size_t sl_topo_raw_footprint(const struct sl_config *config)
{
    return config->raw_len ? sl_log_footprint(&(struct sl_log_config){ .bytes_len = config->raw_len, .first_seq = 1 })
                           : 0;
}

size_t sl_topo_books_footprint(const struct sl_config *config, const struct sl_topo *topo)
{
    return sl_books_footprint(config->feed_cnt, topo->thread_cnt);
}

size_t sl_topo_notes_footprint(const struct sl_topo *topo) { return topo->thread_cnt * sizeof(struct sl_crash_note); }

static int make_ring(struct sl_mem *mem, void **ring, const char *name, uint64_t len)
{
    int rc = sl_mem_create(mem, name, sl_spsc_footprint((uint32_t)len), SL_MEM_LOCAL | SL_MEM_HUGE);
    if (rc)
        return rc;
    *ring = mem->addr;
    return sl_spsc_new(mem->addr, (uint32_t)len);
}

static int make_rings(struct sl_walk *walk, uint32_t r, char *err, size_t err_len)
{
    struct sl_rx_side *side = &walk->sides[r];
    side->decoder_cnt = walk->topo->decoder_cnt[r];
    for (uint32_t d = 0; d < side->decoder_cnt; d++) {
        bool heavy = walk->topo->has_heavy[r] && d + 1 == side->decoder_cnt;
        for (uint32_t lane = 0; lane < SL_LANE_CNT; lane++) {
            struct sl_lane_rings *rings = &side->rings[d].lane[lane];
            int rc = make_ring(&side->mem[d][lane][0], &rings->message, "message", walk->topo->ring_message[heavy]);
            if (!rc)
                rc = make_ring(&side->mem[d][lane][1], &rings->answer, "answer", walk->topo->ring_answer[heavy]);
            if (rc)
                return explain(err, err_len, rc, "rings: %s", strerror(-rc));
        }
    }
    return 0;
}

static void add_stage(struct sl_thread *thread, const char *name, int (*poll)(void *, int64_t), void *self)
{
    thread->stages[thread->stage_cnt++] = (struct sl_stage){ name, poll, self };
}

/* Places for files and messages of a receive thread's that somebody waits for.  -E2BIG: more than have numbers. */
static int make_acks(struct sl_rx_side *side)
{
    uint32_t file_cnt = 0, conn_cnt = 0;
    for (uint32_t i = 0; i < side->line_cnt; i++) {
        const struct sl_line_config *line = &side->lines[i];
        file_cnt += line->kind == SL_LINE_SPOOL ? SL_ACKS_PER_LINE : 0;
        conn_cnt += line->answer.part_cnt ? sl_line_conns(line->kind) : 0;
    }
    size_t cnt = file_cnt + (size_t)conn_cnt * SL_ANSWERS;
    if (cnt >= UINT16_MAX)
        return -E2BIG;
    side->acks = cnt ? aligned_alloc(_Alignof(struct sl_ack), cnt * sizeof(struct sl_ack)) : NULL;
    side->answers = conn_cnt ? calloc(conn_cnt, sizeof(struct sl_answers)) : NULL;
    if ((cnt && !side->acks) || (conn_cnt && !side->answers))
        return -ENOMEM;
    if (cnt)
        memset(side->acks, 0, cnt * sizeof(struct sl_ack));
    struct sl_answers *answers = side->answers;
    for (uint32_t i = 0; i < side->line_cnt; i++)
        for (uint32_t c = side->lines[i].answer.part_cnt ? sl_line_conns(side->lines[i].kind) : 0; c; c--) {
            uint32_t first = file_cnt + (uint32_t)(answers - side->answers) * SL_ANSWERS;
            sl_answers_init(answers++, &side->lines[i].answer, &side->acks[first], (uint16_t)first);
        }
    return 0;
}

static int take_lines(struct sl_walk *walk, const struct sl_config *config, uint32_t r)
{
    struct sl_rx_side *side = &walk->sides[r];
    uint32_t cnt = 0;
    for (uint32_t f = 0; f < config->feed_cnt; f++)
        cnt += walk->topo->feed_rx[f] == r ? config->feeds[f].line_cnt : 0;
    side->lines = calloc(cnt ? cnt : 1, sizeof(*side->lines));
    if (!side->lines)
        return -ENOMEM;
    for (uint32_t f = 0; f < config->feed_cnt; f++)
        for (uint32_t l = 0; walk->topo->feed_rx[f] == r && l < config->feeds[f].line_cnt; l++) {
            side->lines[side->line_cnt] = config->feeds[f].lines[l];
            side->lines[side->line_cnt++].feed = (uint16_t)f;
        }
    return make_acks(side);
}

static void take_feeds(struct sl_walk *walk, const struct sl_config *config)
{
    walk->feed_cnt = config->feed_cnt;
    for (uint32_t i = 0; i < config->feed_cnt; i++) {
        const struct sl_config_feed *from = &config->feeds[i];
        struct sl_feed *feed = &walk->feeds[i];
        snprintf(feed->name, sizeof(feed->name), "%s", from->name);
        feed->format = sl_format_named(from->format, strlen(from->format));
        feed->facts = from->facts;
        feed->framing = from->framing;
        feed->message_max = (uint32_t)from->message_max;
        feed->message_ns = from->message_ns;
        feed->reorder_ns = from->reorder_ns;
        feed->park_len = from->park_len;
        feed->join_len = from->join_len;
        feed->rx = walk->topo->feed_rx[i];
    }
}

/* The n-th decoder of a receive thread lies in the n-th thread that names it; the heavy one is last. */
static uint32_t decoder_of(const struct sl_walk *walk, uint32_t t, uint32_t *next)
{
    const struct sl_config_thread *plan = &walk->topo->threads[t];
    return plan->heavy ? walk->sides[plan->rx].decoder_cnt - 1 : next[plan->rx]++;
}

/* Whom frame wakes.  A bell that the receiving thread would ring for itself is no bell. */
static void hang_bells(struct sl_walk *walk)
{
    uint32_t next[SL_RXS_MAX] = { 0 }, r = 0;
    for (uint32_t t = 0; t < walk->topo->thread_cnt; t++) {
        const struct sl_config_thread *plan = &walk->topo->threads[t];
        uint32_t own_rx = plan->stages & SL_STAGE_RX ? r++ : UINT32_MAX;
        if (plan->stages & SL_STAGE_DECODE)
            walk->sides[plan->rx].bells[decoder_of(walk, t, next)] = own_rx == plan->rx ? NULL : &walk->threads[t].bell;
    }
}

static int make_decoders(struct sl_walk *walk, const struct sl_config *config, const struct sl_walk_memory *memory,
                         const struct sl_clock *clock, struct sl_bell *desk_bell)
{
    uint32_t next[SL_RXS_MAX] = { 0 };
    for (uint32_t t = 0; t < walk->topo->thread_cnt; t++) {
        const struct sl_config_thread *plan = &walk->topo->threads[t];
        struct sl_thread *thread = &walk->threads[t];
        if (!(plan->stages & SL_STAGE_DECODE))
            continue;
        struct sl_rx_side *side = &walk->sides[plan->rx];
        uint32_t d = decoder_of(walk, t, next);
        struct sl_decode_config decode = {
            .feeds = walk->feeds,
            .feed_cnt = walk->feed_cnt,
            .rings = side->rings[d],
            .message_max = (uint32_t)longest_of(config, plan->heavy || !walk->topo->has_heavy[plan->rx]),
            .desk_bell = desk_bell == &thread->bell ? NULL : desk_bell,
            .clock = clock,
            .note = memory->notes.addr ? (struct sl_crash_note *)memory->notes.addr + t : NULL,
        };
        int rc = sl_decode_init(&side->decode[d], &decode);
        if (rc)
            return rc;
        thread->decode = side->decode[d];
        add_stage(thread, plan->heavy ? "decode-heavy" : "decode", sl_decode_poll, side->decode[d]);
    }
    return 0;
}

static void ask_server(void *ctx, uint16_t feed, const uint8_t *data, uint32_t len)
{
    struct sl_rx_side *side = ctx;
    sl_rx_request(side->rx, feed, data, len);
}

/* Only where a feed numbers its datagrams: else packets go straight to frame. */
static int make_order(struct sl_walk *walk, struct sl_rx_side *side, struct sl_rx_sink *sink)
{
    bool numbered = false;
    for (uint32_t i = 0; i < side->line_cnt; i++)
        numbered |= walk->feeds[side->lines[i].feed].framing == SL_FRAMING_MOLDUDP64;
    if (!numbered)
        return 0;
    struct sl_order_config order = {
        .feeds = walk->feeds,
        .feed_cnt = walk->feed_cnt,
        .lines = side->lines,
        .line_cnt = side->line_cnt,
        .books = &walk->books,
        .sink = *sink,
        .gap = sl_frame_gap,
        .request = ask_server,
        .request_ctx = side,
    };
    int rc = sl_order_init(&side->order, &order);
    if (!rc)
        *sink = (struct sl_rx_sink){ side->order, sl_order_take, sl_order_line };
    return rc;
}

static int make_receivers(struct sl_walk *walk, const struct sl_config *config, const struct sl_walk_memory *memory,
                          const struct sl_clock *clock, const struct sl_crash_note *crashed, uint32_t crashed_cnt,
                          char *err, size_t err_len)
{
    uint32_t r = 0;
    for (uint32_t f = 0; f < config->feed_cnt; f++)
        for (uint32_t l = 0; l < config->feeds[f].line_cnt; l++)
            if (config->feeds[f].lines[l].kind == SL_LINE_DPDK && !sl_port_expect(config->feeds[f].lines[l].path))
                return explain(err, err_len, -E2BIG, "more than %u ports", SL_PORT_DEVICES);
    for (uint32_t t = 0; t < walk->topo->thread_cnt; t++) {
        if (!(walk->topo->threads[t].stages & SL_STAGE_RX))
            continue;
        struct sl_rx_side *side = &walk->sides[r];
        int rc = take_lines(walk, config, r);
        if (rc)
            return explain(err, err_len, rc, "lines: %s", strerror(-rc));
        struct sl_frame_config frame = {
            .feeds = walk->feeds,
            .feed_cnt = walk->feed_cnt,
            .lines = side->lines,
            .line_cnt = side->line_cnt,
            .decoders = side->rings,
            .decoder_cnt = side->decoder_cnt,
            .has_heavy = walk->topo->has_heavy[r],
            .heavy = (uint32_t)config->heavy,
            .bells = side->bells,
            .clock = clock,
            .books = &walk->books,
            .acks = side->acks,
            .answers = side->answers,
            .refused = crashed,
            .refused_cnt = crashed_cnt,
        };
        rc = sl_frame_init(&side->frame, &frame);
        if (rc)
            return explain(err, err_len, rc, "frame: %s", strerror(-rc));
        struct sl_rx_sink sink = { side->frame, sl_frame_take, sl_frame_line };
        rc = make_order(walk, side, &sink);
        if (rc)
            return explain(err, err_len, rc, "order: %s", strerror(-rc));
        struct sl_rx_config rx = {
            .backend = config->receive,
            .lines = side->lines,
            .line_cnt = side->line_cnt,
            .sink = sink,
            .acks = side->acks,
            .journal = {memory->journal_seats[0].addr, memory->journal_seats[1].addr},
            .answers = side->answers,
            .seed = memory->epoch + r,
            .clock = clock,
            .books = &walk->books,
        };
        rc = sl_rx_init(&side->rx, &rx, err, err_len);
        if (rc)
            return rc;
        walk->threads[t].rx = side->rx;
        side->bell = walk->topo->threads[t].stages & SL_STAGE_DESK ? NULL : &walk->threads[t].bell;
        add_stage(&walk->threads[t], "rx", sl_rx_poll, side->rx);
        if (side->order)
            add_stage(&walk->threads[t], "order", sl_order_poll, side->order);
        add_stage(&walk->threads[t], "frame", sl_frame_poll, side->frame);
        r++;
    }
    return 0;
}

static int make_desk(struct sl_walk *walk, const struct sl_config *config, const struct sl_walk_memory *memory,
                     const struct sl_clock *clock, struct sl_bell *waker_bell)
{
    struct sl_desk_config desk = {
        .feeds = walk->feeds,
        .feed_cnt = walk->feed_cnt,
        .source_cnt = walk->topo->rx_cnt,
        .tape = memory->tape.addr,
        .raw = memory->raw.addr,
        .journal = {memory->journal_seats[0].addr, memory->journal_seats[1].addr},
        .epoch = memory->epoch,
        .window_cnt = config->window_cnt,
        .tombstone_cnt = config->tombstone_cnt,
        .hold_len = config->hold_len,
        .hold_cnt = config->hold_cnt,
        .gate_ns = config->gate_ns,
        .clock = clock,
        .books = &walk->books,
        .waker = &walk->waker,
        .waker_bell = waker_bell,
    };
    for (uint32_t r = 0; r < walk->topo->rx_cnt; r++)
        desk.sources[r] = (struct sl_desk_source){ walk->sides[r].rings, walk->sides[r].decoder_cnt,
                                                   walk->sides[r].acks, walk->sides[r].bell };
    return sl_desk_init(&walk->desk, &desk);
}

static struct sl_thread *thread_with(struct sl_walk *walk, unsigned stage)
{
    for (uint32_t t = 0; t < walk->topo->thread_cnt; t++)
        if (walk->topo->threads[t].stages & stage)
            return &walk->threads[t];
    return NULL;
}

static int format_logs(const struct sl_config *config, const struct sl_walk_memory *memory)
{
    struct sl_log_config log = { .bytes_len = config->tape_len,
                                 .epoch = memory->epoch,
                                 .first_seq = memory->tape_first ? memory->tape_first : 1 };
    int rc = sl_log_new(memory->tape.addr, &log);
    if (rc || !memory->raw.addr)
        return rc;
    log.bytes_len = config->raw_len;
    log.first_seq = memory->raw_first ? memory->raw_first : 1;
    return sl_log_new(memory->raw.addr, &log);
}

/* The journal reads from the first record on; it comes and goes, and its seats stay. */
static void seat_journal(struct sl_walk *walk, const struct sl_walk_memory *memory)
{
    if (memory->journal_seats[0].addr)
        sl_log_attach(sl_desk_tape(walk->desk), SL_JOURNAL_SEAT, memory->journal_seats[0].addr, true);
    if (memory->journal_seats[1].addr)
        sl_log_attach(sl_desk_raw(walk->desk), SL_JOURNAL_SEAT, memory->journal_seats[1].addr, true);
}

static void recall_journal(struct sl_walk *walk, const struct sl_config *config, const struct sl_walk_memory *memory)
{
    uint64_t cnt = 0;
    struct sl_recall_past past = { .directory = config->journal_directory,
                                   .feeds = walk->feeds,
                                   .feed_cnt = walk->feed_cnt,
                                   .from_seq = memory->held_from,
                                   .window_cnt = sl_recall_is_whole(&memory->before) ? 0 : config->window_cnt };
    if (!config->journal_directory || !memory->journal_seats[0].addr)
        return;
    int rc = sl_recall_journal(walk->desk, &past, &cnt);
    if (rc)
        sl_say(SL_SAY_WARN, "walk: the journal cannot be read: %s; what comes again may be published again",
               strerror(-rc));
    else if (cnt && memory->before.fd < 0)
        sl_say(SL_SAY_INFO, "walk: remembers %llu records of the journal", (unsigned long long)cnt);
}

int sl_walk_build(struct sl_walk **out, const struct sl_config *config, const struct sl_topo *topo,
                  const struct sl_walk_memory *memory, const struct sl_clock *clock,
                  const struct sl_crash_note *crashed, uint32_t crashed_cnt, char *err, size_t err_len)
{
    struct sl_walk *walk = aligned_alloc(128, (sizeof(*walk) + 127) / 128 * 128);
    if (!walk)
        return explain(err, err_len, -ENOMEM, "no memory for the walk");
    memset(walk, 0, sizeof(*walk));
    walk->topo = topo;
    take_feeds(walk, config);
    for (uint32_t t = 0; t < topo->thread_cnt; t++) {
        walk->threads[t].idx = t;
        walk->threads[t].core = topo->threads[t].core;
        walk->threads[t].bell.fd = -1;
    }
    int rc = sl_books_new(&walk->books, memory->books.addr, config->feed_cnt, topo->thread_cnt);
    if (!rc)
        rc = format_logs(config, memory);
    for (uint32_t t = 0; !rc && t < topo->thread_cnt; t++) {
        walk->threads[t].books = sl_books_thread(&walk->books, t);
        rc = sl_bell_init(&walk->threads[t].bell);
    }
    if (rc) {
        explain(err, err_len, rc, "memory of the walk: %s", strerror(-rc));
        goto undo;
    }
    for (uint32_t r = 0; !rc && r < topo->rx_cnt; r++)
        rc = make_rings(walk, r, err, err_len);
    hang_bells(walk);
    if (!rc)
        rc = make_receivers(walk, config, memory, clock, crashed, crashed_cnt, err, err_len);
    if (rc)
        goto undo;
    struct sl_thread *desk_thread = thread_with(walk, SL_STAGE_DESK), *waker_thread = thread_with(walk, SL_STAGE_WAKER);
    rc = make_decoders(walk, config, memory, clock, &desk_thread->bell);
    if (!rc)
        rc = make_desk(walk, config, memory, clock, waker_thread == desk_thread ? NULL : &waker_thread->bell);
    if (rc) {
        explain(err, err_len, rc, "decode and desk: %s", strerror(-rc));
        goto undo;
    }
    seat_journal(walk, memory);
    if (memory->old_tape.epoch)
        sl_desk_old_tape(walk->desk, &memory->old_tape);
    recall_journal(walk, config, memory);
    if (memory->past.addr && sl_recall(walk->desk, &memory->before, memory->past.addr))
        sl_say(SL_SAY_WARN, "walk: the tape of before cannot be read; what comes again may be published again");
    if (memory->ledger.addr)
        sl_ledger_show(memory->ledger.addr, &walk->books);
    for (uint32_t i = 0; i < crashed_cnt; i++)
        sl_desk_crashed(walk->desk, &crashed[i]);
    add_stage(desk_thread, "desk", sl_desk_poll, walk->desk);
    walk->waker.logs[walk->waker.log_cnt++] = sl_desk_tape(walk->desk);
    if (memory->raw.addr)
        walk->waker.logs[walk->waker.log_cnt++] = sl_desk_raw(walk->desk);
    walk->waker.wakes = &sl_books_tape(&walk->books)[SL_TAPE_WAKES];
    add_stage(waker_thread, "waker", sl_waker_poll, &walk->waker);
    *out = walk;
    return 0;
undo:
    sl_walk_fini(walk);
    return rc;
}

struct sl_thread *sl_walk_threads(struct sl_walk *walk, uint32_t *cnt)
{
    *cnt = walk->topo->thread_cnt;
    return walk->threads;
}

struct sl_desk *sl_walk_desk(struct sl_walk *walk) { return walk->desk; }

struct sl_rx_sink sl_walk_sink(struct sl_walk *walk, uint32_t rx)
{
    return (struct sl_rx_sink){ walk->sides[rx].frame, sl_frame_take, sl_frame_line };
}

struct sl_ack *sl_walk_acks(struct sl_walk *walk, uint32_t rx) { return walk->sides[rx].acks; }

const struct sl_books *sl_walk_books(const struct sl_walk *walk) { return &walk->books; }

void sl_walk_drain(struct sl_walk *walk)
{
    for (uint32_t r = 0; r < walk->topo->rx_cnt; r++)
        sl_rx_drain(walk->sides[r].rx);
}

bool sl_walk_idle(const struct sl_walk *walk)
{
    for (uint32_t f = 0; f < walk->feed_cnt; f++) {
        const sl_cell *rx = sl_books_rx(&walk->books, f);
        uint64_t framed = 0;
        for (uint32_t lane = 0; lane < SL_LANE_CNT; lane++)
            framed += sl_cell_get(&rx[SL_RX_FRAMED_LANE + lane]) - sl_cell_get(&rx[SL_RX_DROPPED_LANE + lane]);
        const sl_cell *desk = sl_books_desk(&walk->books, f);
        uint64_t ordered = sl_cell_get(&rx[SL_RX_ORDER_ONCE]) + sl_cell_get(&rx[SL_RX_ORDER_LOST]);
        if (framed != sl_cell_get(&desk[SL_DESK_ANSWERED]) || ordered != sl_cell_get(&rx[SL_RX_ORDER_EXPECTED]) ||
            sl_cell_get(&rx[SL_RX_ORDER_GAPS]) != sl_cell_get(&desk[SL_DESK_GAPS]) ||
            sl_cell_get(&rx[SL_RX_FILES_NOW]) || sl_cell_get(&rx[SL_RX_ACKS_NOW]))
            return false;
    }
    return true;
}

void sl_walk_fini(struct sl_walk *walk)
{
    if (!walk)
        return;
    if (walk->desk)
        sl_desk_fini(walk->desk);
    for (uint32_t r = 0; r < SL_RXS_MAX; r++) {
        struct sl_rx_side *side = &walk->sides[r];
        if (side->rx)
            sl_rx_fini(side->rx);
        if (side->order)
            sl_order_fini(side->order);
        if (side->frame)
            sl_frame_fini(side->frame);
        free(side->lines);
        free(side->acks);
        free(side->answers);
        for (uint32_t d = 0; d < side->decoder_cnt; d++) {
            if (side->decode[d])
                sl_decode_fini(side->decode[d]);
            for (uint32_t lane = 0; lane < SL_LANE_CNT; lane++)
                for (uint32_t i = 0; i < 2; i++)
                    if (side->mem[d][lane][i].addr)
                        sl_mem_close(&side->mem[d][lane][i]);
        }
    }
    for (uint32_t t = 0; t < walk->topo->thread_cnt; t++)
        if (walk->threads[t].bell.fd >= 0)
            sl_bell_fini(&walk->threads[t].bell);
    free(walk);
}
