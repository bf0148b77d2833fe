/* One FLASH behind ten thousand others: whatever part of them is out when it is framed, it goes out next. */
#include "tests/sim/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BULK_CNT 10000u
#define LOG_LEN  (16u << 20)

struct overtaking {
    struct dice dice;
    int64_t now_ns;
    struct sl_clock clock;
    struct sl_feed feed;
    struct sl_line_config line;
    struct sl_decoder_rings rings[2];
    struct sl_frame *frame;
    struct sl_decode *decode[2];
    struct sl_desk *desk;
    struct sl_books books;
    void *books_mem, *tape;
    size_t tape_len;
};

static void *zeroed(size_t len)
{
    len = (len + 127) & ~(size_t)127;
    void *mem = aligned_alloc(128, len);
    assert(mem);
    return memset(mem, 0, len);
}

static void must(int rc)
{
    if (rc) {
        fprintf(stderr, "sim: overtake: %s\n", strerror(-rc));
        abort();
    }
}

static void *new_ring(uint32_t len)
{
    void *ring = zeroed(sl_spsc_footprint(len));
    must(sl_spsc_new(ring, len));
    return ring;
}

static void make_memory(struct overtaking *day)
{
    struct sl_log_config tape = { .bytes_len = LOG_LEN, .epoch = 1, .first_seq = 1 };
    day->tape_len = sl_log_footprint(&tape);
    day->tape = zeroed(day->tape_len);
    must(sl_log_new(day->tape, &tape));
    day->books_mem = zeroed(sl_books_footprint(1, 1));
    must(sl_books_new(&day->books, day->books_mem, 1, 1));
    for (unsigned d = 0; d < 2; d++)
        for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
            bool bulk = lane == SL_LANE_BULK;
            day->rings[d].lane[lane] =
                (struct sl_lane_rings){ new_ring(bulk ? 4u << 20 : 65536), new_ring(bulk ? 8u << 20 : 65536) };
        }
}

static void make_stages(struct overtaking *day)
{
    struct sl_frame_config frame = {
        .feeds = &day->feed,
        .feed_cnt = 1,
        .lines = &day->line,
        .line_cnt = 1,
        .decoders = day->rings,
        .decoder_cnt = 2,
        .heavy = UINT32_MAX,
        .clock = &day->clock,
        .books = &day->books,
    };
    must(sl_frame_init(&day->frame, &frame));
    for (unsigned d = 0; d < 2; d++) {
        struct sl_decode_config decode = {
            .feeds = &day->feed, .feed_cnt = 1, .rings = day->rings[d], .message_max = 4096, .clock = &day->clock
        };
        must(sl_decode_init(&day->decode[d], &decode));
    }
    struct sl_desk_config desk = {
        .feeds = &day->feed,
        .feed_cnt = 1,
        .sources = { { day->rings, 2 } },
        .source_cnt = 1,
        .tape = day->tape,
        .epoch = 1,
        .window_cnt = 2 * BULK_CNT,
        .tombstone_cnt = 16,
        .gate_ns = 1000,
        .clock = &day->clock,
        .books = &day->books,
    };
    must(sl_desk_init(&day->desk, &desk));
}

static void give_back(struct overtaking *day)
{
    sl_desk_fini(day->desk);
    sl_frame_fini(day->frame);
    for (unsigned d = 0; d < 2; d++) {
        sl_decode_fini(day->decode[d]);
        for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
            free(day->rings[d].lane[lane].message);
            free(day->rings[d].lane[lane].answer);
        }
    }
    free(day->books_mem);
    free(day->tape);
    free(day);
}

static void frame_one(struct overtaking *day, unsigned number, unsigned priority)
{
    char bytes[256];
    int len =
        snprintf(bytes, sizeof(bytes),
                 "\x01xaa%05u %u i 3  qaa %05u\r\n\r\nHarbour/\r\n\x02Harbour talks go on =\r\n\r\nItem %u.\r\n\r\n"
                 "\x03"
                 "051200 GMT Jul 24\r\n\x7f\r\n\x7f\x04",
                 number, priority, number, number);
    struct sl_packet packet = {
        .data = (const uint8_t *)bytes, .len = (uint32_t)len, .datagram = true, .rx_ns = day->now_ns
    };
    sl_cell_add(&sl_books_rx(&day->books, 0)[SL_RX_DATAGRAMS], 1);
    sl_cell_add(&sl_books_rx(&day->books, 0)[SL_RX_DATAGRAMS_USED], 1);
    day->now_ns += 100;
    sl_frame_take(day->frame, &packet);
    if (number % 64 == 0)
        sl_frame_poll(day->frame, day->now_ns);
}

/* Polls in any order until so many are out, or for long enough. */
static void get_going(struct overtaking *day, uint64_t out_cnt)
{
    const sl_cell *last_seq = &sl_books_tape(&day->books)[SL_TAPE_LAST_SEQ];
    for (uint32_t turn = 0; sl_cell_get(last_seq) < out_cnt && turn < 10 * BULK_CNT; turn++) {
        uint32_t who = below(&day->dice, 3);
        if (who < 2)
            sl_decode_poll(day->decode[who], day->now_ns);
        else
            sl_desk_poll(day->desk, day->now_ns);
    }
}

static bool is_next(struct overtaking *day, uint64_t seq)
{
    static _Alignas(64) unsigned char buf[65536];
    struct sl_log_rx rx;
    must(sl_log_join_rx(&rx, day->tape, day->tape_len));
    sl_log_seek(&rx, seq);
    if (sl_log_next(&rx, buf, sizeof(buf)) != SL_LOG_RECORD)
        return false;
    return ((const struct sl_record *)(const void *)buf)->lane == SL_LANE_FLASH;
}

static bool overtake_from(uint64_t seed, uint64_t out_cnt)
{
    char line[200] = "";
    struct overtaking *day = calloc(1, sizeof(*day));
    *day = (struct overtaking){ .dice = { seed }, .now_ns = 1720180800000000000ll, .line = { .kind = SL_LINE_UDP } };
    day->clock.virtual_ns = &day->now_ns;
    day->feed = (struct sl_feed){
        .name = "a", .format = sl_format_named("iptc7901", 8), .framing = SL_FRAMING_CONTROL, .message_max = 4096
    };
    make_memory(day);
    make_stages(day);
    for (unsigned i = 0; i < BULK_CNT; i++)
        frame_one(day, i, 6);
    sl_frame_poll(day->frame, day->now_ns);
    get_going(day, out_cnt);
    uint64_t head = sl_cell_get(&sl_books_tape(&day->books)[SL_TAPE_LAST_SEQ]);
    frame_one(day, BULK_CNT, 1);
    sl_frame_poll(day->frame, day->now_ns);
    sl_decode_poll(day->decode[0], day->now_ns);
    sl_decode_poll(day->decode[1], day->now_ns);
    sl_desk_poll(day->desk, day->now_ns);
    bool good = is_next(day, head + 1);
    if (!good)
        fprintf(stderr, "sim: overtake: seed %" PRIu64 ": %" PRIu64 " of %u were out, and FLASH was not next\n", seed,
                head, BULK_CNT);
    get_going(day, BULK_CNT + 1);
    if (!sl_books_balance(&day->books, line, sizeof(line))) {
        fprintf(stderr, "sim: overtake: %s\n", line);
        good = false;
    }
    give_back(day);
    return good;
}

bool overtake(uint64_t seed)
{
    return overtake_from(seed, 0) && overtake_from(seed, 1) && overtake_from(seed, BULK_CNT / 2) &&
           overtake_from(seed, BULK_CNT - 100);
}
