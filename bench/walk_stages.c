/* The true stages on one thread, one after the other, so that each one's cost can be told: what bench/model reckons
 * with.  Batches of messages that nobody has seen; only the stages are timed, not how the messages are made. */
#include "bench/bench.h"
#include "bench/walk.h"
#include "parsers/parse.h"
#include "pipeline/clock.h"
#include "pipeline/gen.h"
#include "pipeline/stages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH    32u
#define BATCHES  64u /* of a sample */
#define RING     (4u << 20)
#define LOG      (64u << 20)
#define COPY_LEN (1u << 20)

enum stage { STAGE_SEND, STAGE_RECEIVE, STAGE_PARSE, STAGE_FRAME, STAGE_DECODE, STAGE_DESK, STAGE_READ, STAGE_CNT };
static const char *const stage_names[STAGE_CNT] = {
    "send", "receive", "parse alone", "frame", "decode", "desk", "read"
};

struct line_up {
    struct sl_feed feed;
    struct sl_line_config line;
    struct sl_clock clock;
    struct sl_books books;
    struct sl_decoder_rings rings;
    struct sl_frame *frame;
    struct sl_decode *decode;
    struct sl_desk *desk;
    struct sl_log_rx tape;
    struct sl_gen gen;
    struct sl_parse parse;
    int wire[2]; /* both ends of a connection by TCP */
    uint8_t *messages, *copy, *answer, *scratch;
    uint32_t size, len[BATCH];
    uint64_t read_cnt;
    double ns[STAGE_CNT];
};

static void must(int rc, const char *what)
{
    if (rc) {
        walk_fail(what, strerror(-rc));
        abort();
    }
}

/* Written before it is used: the kernel gives pages when they are first touched, and not while we measure. */
static void *memory(size_t len)
{
    len = (len + 127) & ~(size_t)127;
    void *mem = aligned_alloc(128, len);
    must(mem ? 0 : -ENOMEM, "memory");
    return memset(mem, 0, len);
}

static void *new_log(uint64_t *len)
{
    struct sl_log_config config = { .bytes_len = LOG, .epoch = 1, .first_seq = 1 };
    *len = sl_log_footprint(&config);
    void *mem = memory(*len);
    must(sl_log_new(mem, &config), "log");
    return mem;
}

static void make_stages(struct line_up *up)
{
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        up->rings.lane[lane] =
            (struct sl_lane_rings){ memory(sl_spsc_footprint(RING)), memory(sl_spsc_footprint(RING)) };
        must(sl_spsc_new(up->rings.lane[lane].message, RING), "ring");
        must(sl_spsc_new(up->rings.lane[lane].answer, RING), "ring");
    }
    struct sl_frame_config frame = {
        .feeds = &up->feed,
        .feed_cnt = 1,
        .lines = &up->line,
        .line_cnt = 1,
        .decoders = &up->rings,
        .decoder_cnt = 1,
        .heavy = UINT32_MAX,
        .clock = &up->clock,
        .books = &up->books,
    };
    struct sl_decode_config decode = {
        .feeds = &up->feed, .feed_cnt = 1, .rings = up->rings, .message_max = up->feed.message_max, .clock = &up->clock
    };
    struct sl_desk_config desk = {
        .feeds = &up->feed,
        .feed_cnt = 1,
        .sources = { { .decoders = &up->rings, .decoder_cnt = 1 } },
        .source_cnt = 1,
        .epoch = 1,
        .window_cnt = 1u << 16,
        .tombstone_cnt = 1024,
        .hold_len = 65536,
        .hold_cnt = 16,
        .gate_ns = 1000000,
        .clock = &up->clock,
        .books = &up->books,
    };
    uint64_t tape_len, raw_len;
    desk.tape = new_log(&tape_len);
    desk.raw = new_log(&raw_len);
    must(sl_frame_init(&up->frame, &frame), "frame");
    must(sl_decode_init(&up->decode, &decode), "decode");
    must(sl_desk_init(&up->desk, &desk), "desk");
    must(sl_log_join_rx(&up->tape, desk.tape, tape_len), "tape");
}

static void lay_wire(struct line_up *up)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    int room = 16 << 20, listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    up->wire[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    /* All of a batch must find room, since nobody reads while it is sent. */
    setsockopt(listen_fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    setsockopt(up->wire[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    if (bind(listen_fd, (struct sockaddr *)&addr, len) || listen(listen_fd, 1) ||
        getsockname(listen_fd, (struct sockaddr *)&addr, &len) || connect(up->wire[0], (struct sockaddr *)&addr, len) ||
        (up->wire[1] = accept(listen_fd, NULL, NULL)) < 0)
        must(-errno, "a connection on 127.0.0.1");
    close(listen_fd);
}

static void begin(struct line_up *up, const struct sl_format *format, uint32_t size)
{
    static const struct sl_zones no_zones;
    struct sl_gen_shape shape = { .format = format->id, .service = "stg", .size_min = size, .size_max = size };
    must(sl_gen_init(&up->gen, 1, &shape), "gen: 512 bytes or more, in a format that it can make");
    up->size = size;
    up->feed = (struct sl_feed){ .name = "bench",
                                 .format = format,
                                 .facts = { .zones = &no_zones },
                                 .framing = SL_FRAMING_DATAGRAM,
                                 .message_max = 2 * size,
                                 .message_ns = 1000000000 };
    up->line = (struct sl_line_config){ .kind = SL_LINE_UDP };
    up->messages = memory((size_t)BATCH * size);
    up->copy = memory(COPY_LEN);
    up->answer = memory(1u << 20);
    up->scratch = memory(sl_decode_footprint(2 * size));
    sl_parse_init(&up->parse, up->scratch, (uint32_t)sl_decode_footprint(2 * size));
    must(sl_books_new(&up->books, memory(sl_books_footprint(1, 1)), 1, 1), "books");
    make_stages(up);
    lay_wire(up);
}

static void make_batch(struct line_up *up)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        enum sl_lane lane;
        must(sl_gen_message(&up->gen, up->messages + (size_t)i * up->size, up->size, sl_clock_real(NULL), &up->len[i],
                            &lane),
             "gen");
    }
}

/* As a sender's and a receiver's system calls do it, but with nobody to wake. */
static void send_all(struct line_up *up)
{
    for (uint32_t i = 0; i < BATCH; i++)
        if (send(up->wire[0], up->messages + (size_t)i * up->size, up->len[i], i + 1 < BATCH ? MSG_MORE : 0) !=
            (ssize_t)up->len[i])
            must(-errno, "send");
}

static void receive_all(struct line_up *up)
{
    size_t left = 0;
    for (uint32_t i = 0; i < BATCH; i++)
        left += up->len[i];
    while (left) {
        ssize_t got = recv(up->wire[1], up->copy, left < COPY_LEN ? left : COPY_LEN, 0);
        must(got > 0 ? 0 : -EPIPE, "receive");
        left -= (size_t)got;
    }
}

static void parse_alone(struct line_up *up)
{
    for (uint32_t i = 0; i < BATCH; i++) {
        uint32_t len;
        sl_parse_begin(&up->parse, up->feed.format, &up->feed.facts, up->messages + (size_t)i * up->size, up->len[i],
                       0);
        if (sl_parse_next(&up->parse, up->answer, 1u << 20, &len) != SL_PARSE_OK)
            abort();
        bench_use(up->answer);
    }
}

static void frame_all(struct line_up *up)
{
    int64_t now_ns = sl_clock_real(NULL);
    for (uint32_t i = 0; i < BATCH; i++) {
        struct sl_packet packet = {
            .data = up->messages + (size_t)i * up->size, .len = up->len[i], .datagram = true, .rx_ns = now_ns
        };
        if (sl_frame_take(up->frame, &packet) != up->len[i])
            abort();
    }
    sl_frame_poll(up->frame, now_ns);
}

static void poll_all(int (*poll)(void *self, int64_t now_ns), void *self)
{
    while (poll(self, sl_clock_mono(NULL)) > 0)
        ;
}

static void read_all(struct line_up *up)
{
    while (sl_log_next(&up->tape, up->copy, COPY_LEN) == SL_LOG_RECORD) {
        const struct sl_record *record = (const struct sl_record *)(const void *)up->copy;
        const struct sl_bulletin *bulletin = (const struct sl_bulletin *)(const void *)(record + 1);
        if (record->kind == SL_RECORD_EPOCH)
            continue;
        if (sl_bulletin_check(bulletin, record->len - (uint32_t)sizeof(*record)) != SL_BULLETIN_FINE)
            abort();
        up->read_cnt++;
    }
}

static void time_batch(struct line_up *up)
{
    int64_t at[STAGE_CNT + 1];
    make_batch(up);
    at[STAGE_SEND] = bench_now_ns();
    send_all(up);
    at[STAGE_RECEIVE] = bench_now_ns();
    receive_all(up);
    at[STAGE_PARSE] = bench_now_ns();
    parse_alone(up);
    at[STAGE_FRAME] = bench_now_ns();
    frame_all(up);
    at[STAGE_DECODE] = bench_now_ns();
    poll_all(sl_decode_poll, up->decode);
    at[STAGE_DESK] = bench_now_ns();
    poll_all(sl_desk_poll, up->desk);
    at[STAGE_READ] = bench_now_ns();
    read_all(up);
    at[STAGE_CNT] = bench_now_ns();
    for (unsigned stage = 0; stage < STAGE_CNT; stage++)
        up->ns[stage] += (double)(at[stage + 1] - at[stage]) / (BATCH * BATCHES);
}

int walk_stages(const char *name, uint32_t size, uint32_t rounds)
{
    static struct line_up up;
    static double samples[STAGE_CNT + 1][BENCH_SAMPLES_MAX]; /* the last: the walk without its reader, to parse alone */
    const struct sl_format *format = sl_format_named(name, strlen(name));
    if (!format || size > 32u << 10 || !rounds || rounds > BENCH_SAMPLES_MAX)
        return walk_fail("stages", "a format, a size of at most 32 KiB, and 1 to 256 rounds are expected");
    bench_pin(0);
    begin(&up, format, size);
    for (uint32_t round = 0; round <= rounds; round++) {
        memset(up.ns, 0, sizeof(up.ns));
        for (uint32_t i = 0; i < BATCHES; i++)
            time_batch(&up);
        for (unsigned stage = 0; round && stage < STAGE_CNT; stage++) /* the first one warms up */
            samples[stage][round - 1] = up.ns[stage];
        if (round)
            samples[STAGE_CNT][round - 1] =
                up.ns[STAGE_PARSE] / (up.ns[STAGE_FRAME] + up.ns[STAGE_DECODE] + up.ns[STAGE_DESK]);
    }
    if (up.read_cnt != (uint64_t)(rounds + 1) * BATCH * BATCHES)
        return walk_fail("stages", "not every message came to the reader");
    for (unsigned stage = 0; stage <= STAGE_CNT; stage++) {
        struct bench_stat stat = bench_stat_of(samples[stage], rounds);
        printf(
            "{\"stage\":\"%s\",\"format\":\"%s\",\"size\":%u,\"unit\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,"
            "\"samples\":%u}\n",
            stage < STAGE_CNT ? stage_names[stage] : "walk to tape", name, size,
            stage < STAGE_CNT ? "ns" : "times parse alone", stat.median, stat.min, stat.max, stat.cnt);
    }
    return 0;
}
