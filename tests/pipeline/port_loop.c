/* A port of DPDK's that is looped onto itself, net_ring, in one process: what is lent goes back within the poll that
 * lent it, whatever was in it and whatever became of it; and a decode thread that has stopped stops nobody else.
 *   port_loop      exit 77: no DPDK here */
#include "pipeline/config.h"
#include "pipeline/datagram.h"
#include "pipeline/igmp.h"
#include "pipeline/port.h"
#include "pipeline/source.h"
#include "tests/dice.h"
#include "tests/pipeline/rings.h"

#include <stdio.h>

#define URL    "dpdk://net_ring0/239.1.1.1:5001?join=no&descriptors=256"
#define ROUNDS 2000u

#define check(truth)                                                                                                   \
    do {                                                                                                               \
        if (!(truth)) {                                                                                                \
            fprintf(stderr, "port_loop: line %d: not so: %s\n", __LINE__, #truth);                                     \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

static const struct sl_port_way *real;
static struct sl_port_way spied;
static struct sl_port *port; /* that the line opened */

static int open_and_note(struct sl_port **out, const struct sl_port_config *config, char *err, size_t err_len)
{
    int rc = real->open(out, config, err, err_len);
    port = rc ? NULL : *out;
    return rc;
}

/* ---- the line, and whoever takes from it ---- */

static struct sl_line_config line;
static struct sl_books books;
static void *source;
static int64_t now_ns = 1;

static _Alignas(128) unsigned char books_mem[256 * 1024];

static void begin(void)
{
    char err[256];
    check(sl_books_footprint(1, 1) <= sizeof(books_mem) && !sl_books_new(&books, books_mem, 1, 1));
    check(!sl_config_line(&line, URL, err, sizeof(err)));
}

static void open_line(struct sl_rx_sink sink)
{
    char err[512] = "";
    struct sl_source_config config = { .line = &line, .sink = sink, .books = sl_books_rx(&books, 0) };
    if (sl_source_dpdk.open(&source, &config, err, sizeof(err)))
        fprintf(stderr, "port_loop: %s\n", err);
    check(!err[0]);
}

static uint64_t booked(unsigned col) { return sl_cell_get(&sl_books_rx(&books, 0)[col]); }

static int poll_line(void)
{
    int64_t due_ns;
    return sl_source_dpdk.poll(source, now_ns += 1000, false, &due_ns);
}

/* ---- what is put on the cable ---- */

static struct dice dice = { 1 };

static uint32_t write_frame(uint8_t *frame, uint32_t len, uint32_t id, uint32_t idx)
{
    static uint8_t story[8192];
    struct sl_datagram_path path = { .src_port = 4000, .dst_port = 5001, .mtu = 1500 };
    path.src = path.dst = (struct in6_addr){
        .s6_addr = {[10] = 0xff, 0xff, 239, 1, 1, 1}
    };
    sl_group_mac(path.dst_mac, &path.dst);
    memset(story, 'a' + (int)(id % 26), sizeof(story));
    return sl_datagram_write(&path, story, len, id, idx, frame);
}

/* One whole, a piece of one that will never be whole, one with a bit wrong somewhere, or noise. */
static uint32_t any_frame(uint8_t *frame)
{
    uint32_t id = between(&dice, 1, 60000), len;
    if (chance(&dice, 10)) {
        len = between(&dice, 1, 1500);
        for (uint32_t i = 0; i < len; i++)
            frame[i] = (uint8_t)roll(&dice);
        return len;
    }
    bool piece = chance(&dice, 40);
    len = write_frame(frame, piece ? 8000 : between(&dice, 1, 1400), id, piece ? between(&dice, 0, 5) : 0);
    if (chance(&dice, 30))
        frame[between(&dice, 0, len - 1)] ^= (uint8_t)(1u << between(&dice, 0, 7));
    return chance(&dice, 10) ? between(&dice, 1, len) : len;
}

static uint32_t send_frames(uint32_t cnt, bool sound)
{
    static uint8_t frames[SL_PORT_BURST][2048];
    struct sl_port_out out[SL_PORT_BURST];
    for (uint32_t i = 0; i < cnt; i++)
        out[i] = (struct sl_port_out){ frames[i], sound ? write_frame(frames[i], 1000, i, 0) : any_frame(frames[i]) };
    return real->send(port, out, cnt);
}

/* ---- what must be so ---- */

static uint32_t take_some(void *ctx, const struct sl_packet *packet)
{
    (void)ctx;
    for (uint32_t i = 0; i < packet->len; i += 64) /* the sanitizer looks on */
        now_ns += packet->data[i] & 1;
    return chance(&dice, 30) ? SL_TAKE_BROKEN : chance(&dice, 30) ? 0 : packet->len;
}

static void hear_nothing(void *ctx, uint16_t idx, uint16_t conn, enum sl_line_event event)
{
    (void)ctx, (void)idx, (void)conn, (void)event;
}

static void buffers_are_back_after_each_poll(void)
{
    uint64_t sent = 0;
    begin();
    open_line((struct sl_rx_sink){ NULL, take_some, hear_nothing });
    uint32_t idle = real->buffers_out(port);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t took = send_frames(between(&dice, 1, SL_PORT_BURST), false);
        sent += took;
        check(real->buffers_out(port) >= idle + took);
        check(poll_line() == (int)took);
        check(real->buffers_out(port) == idle);
    }
    check(booked(SL_RX_PACKETS) == sent);
    check(booked(SL_RX_PACKETS) ==
          booked(SL_RX_PACKETS_USED) + booked(SL_RX_PACKETS_OTHER) + booked(SL_RX_PACKETS_BAD));
    check(booked(SL_RX_DATAGRAMS) && booked(SL_RX_PACKETS_BAD) && booked(SL_RX_FRAGMENTS_LOST));
    sl_source_dpdk.fini(source);
    printf("%llu frames, sound, damaged, in pieces and none at all: every buffer back after each poll\n",
           (unsigned long long)sent);
}

/* Its rings fill up, and nobody empties them. */
static void a_stopped_decode_stops_nobody_else(void)
{
    static struct sl_feed feed = { .name = "hot", .framing = SL_FRAMING_DATAGRAM, .message_max = 16384 };
    static struct sl_bell *bells[1];
    struct rings rings = new_rings(1u << 16, 1u << 16);
    struct sl_frame *frame;
    feed.format = sl_format_named("text", 4);
    begin();
    struct sl_frame_config config = { .feeds = &feed,
                                      .feed_cnt = 1,
                                      .lines = &line,
                                      .line_cnt = 1,
                                      .decoders = &rings.of,
                                      .decoder_cnt = 1,
                                      .heavy = 1u << 20,
                                      .bells = bells,
                                      .books = &books };
    check(!sl_frame_init(&frame, &config));
    open_line((struct sl_rx_sink){ frame, sl_frame_take, sl_frame_line });
    uint32_t idle = real->buffers_out(port);
    uint64_t sent = 0, dropped = 0, all = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        sent += send_frames(SL_PORT_BURST, true);
        while (poll_line())
            sl_frame_poll(frame, now_ns);
        check(real->buffers_out(port) == idle);
    }
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        all += booked(SL_RX_FRAMED_LANE + lane);
        dropped += booked(SL_RX_DROPPED_LANE + lane);
    }
    check(sent == ROUNDS * SL_PORT_BURST && booked(SL_RX_DATAGRAMS) == sent && all == sent);
    check(dropped > sent - 100 && dropped < sent); /* a ring of 64 KiB holds some sixty of them */
    sl_source_dpdk.fini(source);
    sl_frame_fini(frame);
    free_rings(&rings);
    printf("%llu datagrams received with nobody decoding: %llu dropped, and counted so\n", (unsigned long long)sent,
           (unsigned long long)dropped);
}

/* Frames that nobody polls for fill the port; what it took comes out when somebody does. */
static void a_flood_fills_the_port_and_no_more(void)
{
    uint32_t took = 0, more;
    begin();
    open_line((struct sl_rx_sink){ NULL, take_some, hear_nothing });
    uint32_t idle = real->buffers_out(port);
    while ((more = send_frames(SL_PORT_BURST, true)))
        took += more;
    uint32_t got = 0;
    for (int did; (did = poll_line());)
        got += (uint32_t)did;
    check(took > SL_PORT_BURST && got == took && real->buffers_out(port) == idle);
    check(send_frames(SL_PORT_BURST, true) == SL_PORT_BURST && poll_line() == (int)SL_PORT_BURST);
    sl_source_dpdk.fini(source);
    printf("%u frames until the port was full, and as many out of it\n", took);
}

int main(void)
{
    char err[512];
    check(sl_port_expect("net_ring0"));
    real = sl_port_way(err, sizeof(err));
    if (!real) {
        printf("SKIPPED: %s\n", err);
        return 77;
    }
    spied = *real;
    spied.open = open_and_note;
    sl_port_replace(&spied);
    buffers_are_back_after_each_poll();
    a_stopped_decode_stops_nobody_else();
    a_flood_fills_the_port_and_no_more();
    return 0;
}
