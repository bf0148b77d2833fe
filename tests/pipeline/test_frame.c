#include "pipeline/joiner.h"
#include "tests/pipeline/rings.h"
#include "tests/pipeline/updates.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#define RING    4096u /* takes records of up to 2032 bytes */
#define MAX     1500u
#define TIME_NS 1000000ll

/* Messages of invented agencies by urgency: the digit after the number is the lane's. */
#define MESSAGE(number, urgency, text) \
    "\001tst" number " " urgency " i 4   tst 001\r\n\r\nTest/\r\n\002" text " =\r\n\003051200 GMT Jan 26\r\n\004"
#define FLASH  MESSAGE("0001", "1", "Flash")
#define NORMAL MESSAGE("0002", "4", "Normal")
#define OTHER  MESSAGE("0003", "4", "Another")
#define NUMBERED "\001tst%04u 4 i 4 tst\r\n\002Number %u =\r\n\003051200 GMT Jan 26\r\n\004"

enum { STREAM, DATAGRAMS, LISTENER, LINE_CNT };

struct bench {
    struct sl_feed feeds[1];
    struct sl_line_config lines[LINE_CNT];
    struct rings rings[3];
    struct sl_decoder_rings decoders[3];
    struct sl_spsc_rx readers[3][SL_LANE_CNT];
    uint32_t decoder_cnt;
    struct sl_books books;
    void *books_mem;
    int64_t now_ns;
    struct sl_clock clock;
    struct sl_frame_config config;
    struct sl_frame *frame;
    const sl_cell *row;
};

static struct bench *new_bench(enum sl_framing framing, uint32_t decoder_cnt, bool has_heavy)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    cr_assert(bench);
    bench->feeds[0] = (struct sl_feed){ .name = "test", .format = sl_format_named("iptc7901", 8), .framing = framing,
                                        .message_max = MAX, .message_ns = TIME_NS };
    bench->lines[STREAM].kind = SL_LINE_TCP_DIAL;
    bench->lines[DATAGRAMS].kind = SL_LINE_UDP;
    bench->lines[LISTENER].kind = SL_LINE_TCP_LISTEN;
    bench->decoder_cnt = decoder_cnt;
    for (uint32_t d = 0; d < decoder_cnt; d++) {
        bench->rings[d] = new_rings(RING, RING);
        bench->decoders[d] = bench->rings[d].of;
        for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
            cr_assert_eq(sl_spsc_join_rx(&bench->readers[d][lane], bench->decoders[d].lane[lane].message), 0);
    }
    size_t len = (sl_books_footprint(1, 1) + 127) & ~(size_t)127;
    bench->books_mem = aligned_alloc(128, len);
    cr_assert_eq(sl_books_new(&bench->books, bench->books_mem, 1, 1), 0);
    bench->row = sl_books_rx(&bench->books, 0);
    bench->now_ns = 1000;
    bench->clock.virtual_ns = &bench->now_ns;
    bench->config = (struct sl_frame_config){
        .feeds = bench->feeds,
        .feed_cnt = 1,
        .lines = bench->lines,
        .line_cnt = framing == SL_FRAMING_DATAGRAM ? 0 : LINE_CNT,
        .decoders = bench->decoders,
        .decoder_cnt = decoder_cnt,
        .has_heavy = has_heavy,
        .heavy = 400,
        .clock = &bench->clock,
        .books = &bench->books,
    };
    return bench;
}

static struct bench *start(struct bench *bench)
{
    cr_assert_eq(sl_frame_init(&bench->frame, &bench->config), 0);
    return bench;
}

static void fini(struct bench *bench)
{
    sl_frame_fini(bench->frame);
    for (uint32_t d = 0; d < bench->decoder_cnt; d++)
        free_rings(&bench->rings[d]);
    free(bench->books_mem);
    free(bench);
}

static uint32_t take(struct bench *bench, uint16_t line, uint16_t conn, const char *bytes, uint32_t len)
{
    struct sl_packet packet = {
        .data = (const uint8_t *)bytes,
        .len = len,
        .line = line,
        .conn = conn,
        .datagram = line == DATAGRAMS,
        .wire_source = SL_WIRE_KERNEL,
        .wire_ns = bench->now_ns - 2,
        .rx_ns = bench->now_ns - 1,
    };
    return sl_frame_take(bench->frame, &packet);
}

static uint32_t take_text(struct bench *bench, uint16_t line, const char *text)
{
    return take(bench, line, 0, text, (uint32_t)strlen(text));
}

/* The next message of a lane in a decoder's ring, given back at once; NULL none. */
static const struct sl_message *next_of(struct bench *bench, uint32_t decoder, enum sl_lane lane)
{
    static char copy[RING];
    uint32_t len;
    struct sl_spsc_rx *rx = &bench->readers[decoder][lane];
    const void *record = sl_spsc_peek(rx, &len);
    if (!record)
        return NULL;
    memcpy(copy, record, len);
    const struct sl_message *message = (const struct sl_message *)copy;
    cr_assert_eq(len, sizeof(*message) + message->len);
    sl_spsc_release(rx->shm, sl_spsc_next(rx));
    return message;
}

static const struct sl_message *next(struct bench *bench, enum sl_lane lane)
{
    sl_frame_poll(bench->frame, bench->now_ns);
    return next_of(bench, 0, lane);
}

static bool is(const struct sl_message *message, const char *text)
{
    return message && message->len == strlen(text) && !memcmp(message + 1, text, message->len);
}

static uint64_t book(const struct bench *bench, uint32_t column) { return sl_cell_get(&bench->row[column]); }

Test(frame, a_message_in_one_packet_lies_in_its_lanes_ring_with_its_stamps)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    cr_expect_eq(take_text(bench, STREAM, "\026\026" FLASH NORMAL), strlen("\026\026" FLASH NORMAL));
    cr_expect_null(next_of(bench, 0, SL_LANE_FLASH), "nothing is seen before the flush");
    const struct sl_message *message = next(bench, SL_LANE_FLASH);
    cr_assert(is(message, FLASH));
    cr_expect_eq(message->stream_off, 2);
    cr_expect_eq(message->stamps.wire_ns, 998);
    cr_expect_eq(message->stamps.rx_ns, 999);
    cr_expect_eq(message->stamps.first_ns, 999);
    cr_expect_eq(message->stamps.framed_ns, 1000);
    cr_expect_eq(message->wire_source, SL_WIRE_KERNEL);
    cr_expect_eq(message->ticket, 0);
    cr_expect_eq(message->arrival, 1);
    message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, NORMAL));
    cr_expect_eq(message->ticket, 0, "tickets count by lane");
    cr_expect_eq(message->arrival, 2);
    cr_expect_eq(message->stream_off, 2 + strlen(FLASH));
    cr_expect_eq(book(bench, SL_RX_FRAMED_LANE + SL_LANE_FLASH), 1);
    cr_expect_eq(book(bench, SL_RX_FRAMED_LANE + SL_LANE_NORMAL), 1);
    cr_expect_eq(book(bench, SL_RX_FILL_BYTES), 2);
    fini(bench);
}

Test(frame, a_message_that_comes_byte_by_byte_is_gathered_and_keeps_the_stamp_of_its_first_byte)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    for (const char *at = "  " NORMAL; *at; at++) {
        cr_assert_eq(take(bench, STREAM, 0, at, 1), 1);
        bench->now_ns++;
    }
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, NORMAL));
    cr_expect_eq(message->stream_off, 2);
    cr_expect_eq(message->stamps.first_ns, 1001);
    cr_expect_eq(message->stamps.rx_ns, 1000 + (int64_t)strlen(NORMAL));
    fini(bench);
}

Test(frame, connections_of_one_listening_line_do_not_mix)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    const char *texts[] = { NORMAL, OTHER };
    for (uint32_t at = 0; at < strlen(NORMAL) || at < strlen(OTHER); at++)
        for (uint16_t conn = 0; conn < 2; conn++)
            if (at < strlen(texts[conn]))
                take(bench, LISTENER, (uint16_t)(conn * (SL_LINE_CONNS_MAX - 1)), texts[conn] + at, 1);
    cr_expect(is(next(bench, SL_LANE_NORMAL), NORMAL));
    cr_expect(is(next(bench, SL_LANE_NORMAL), OTHER));
    cr_expect_null(next(bench, SL_LANE_NORMAL));
    fini(bench);
}

Test(frame, connections_end_their_messages_in_any_order)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    static const uint16_t begin[] = { 0, 1, 2, 3 }, end[] = { 1, 3, 0 };
    for (uint32_t i = 0; i < 4; i++)
        take(bench, LISTENER, begin[i], NORMAL, 10 + i);
    for (uint32_t i = 0; i < 3; i++) {
        take(bench, LISTENER, end[i], &NORMAL[10 + end[i]], (uint32_t)strlen(NORMAL) - 10 - end[i]);
        cr_expect(is(next(bench, SL_LANE_NORMAL), NORMAL), "connection %u", end[i]);
    }
    bench->now_ns += TIME_NS;
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(message, "the one that is left runs out of time");
    cr_expect_eq(message->cut, SL_CUT_TIMEOUT);
    cr_expect_eq(message->len, 12);
    for (uint16_t conn = 0; conn < SL_LINE_CONNS_MAX; conn++)
        take(bench, LISTENER, conn, OTHER, 10 + conn);
    for (uint16_t conn = 0; conn < SL_LINE_CONNS_MAX; conn++) {
        take(bench, LISTENER, conn, &OTHER[10 + conn], (uint32_t)strlen(OTHER) - 10 - conn);
        cr_expect(is(next(bench, SL_LANE_NORMAL), OTHER), "connection %u", conn);
    }
    fini(bench);
}

Test(frame, what_is_framed_and_not_whole_goes_on_as_a_cut_message_and_the_next_one_is_fine)
{
    static const struct cut_case {
        const char *name, *bytes, *cut_bytes;
        enum sl_cut cut;
        enum sl_lane lane;
    } rows[] = {
        { "new start", "\001tst0009 1 i 4 tst\r\n\002Half a fl",  "\001tst0009 1 i 4 tst\r\n\002Half a fl", SL_CUT_NEW_START, SL_LANE_FLASH },
        { "noise",     "\001\001\004+++ATH0\r\n",                  "+++ATH0\r\n",                            SL_CUT_NOISE,     SL_LANE_BULK  },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
        take_text(bench, STREAM, rows[i].bytes);
        take_text(bench, STREAM, OTHER);
        sl_frame_poll(bench->frame, bench->now_ns);
        if (i == 1)
            cr_expect(is(next(bench, SL_LANE_NORMAL), "\001\004"), "SOH and EOT alone are framed; decode refuses them");
        const struct sl_message *message = next(bench, rows[i].lane);
        cr_assert(is(message, rows[i].cut_bytes), "%s", rows[i].name);
        cr_expect_eq(message->cut, rows[i].cut, "%s", rows[i].name);
        cr_expect_eq(book(bench, SL_RX_CUT + rows[i].cut), 1, "%s", rows[i].name);
        cr_expect(is(next(bench, SL_LANE_NORMAL), OTHER), "%s", rows[i].name);
        fini(bench);
    }
}

Test(frame, an_endless_message_is_cut_by_length_and_by_time)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    static char text[MAX];
    memset(text, 'x', sizeof(text));
    take_text(bench, STREAM, "\001tst0009 4 i 4 tst\r\n\002");
    cr_expect_eq(take(bench, STREAM, 0, text, sizeof(text)), sizeof(text));
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(message);
    cr_expect_eq(message->cut, SL_CUT_TOO_LONG);
    cr_expect_eq(message->len, MAX);
    take_text(bench, STREAM, OTHER);
    cr_expect(is(next(bench, SL_LANE_NORMAL), OTHER));

    take_text(bench, STREAM, "\001tst0010 4 i 4 tst\r\n\002And then");
    cr_expect_null(next(bench, SL_LANE_NORMAL));
    bench->now_ns += TIME_NS - 1;
    cr_expect_null(next(bench, SL_LANE_NORMAL), "its time is not over");
    bench->now_ns += 1;
    message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, "\001tst0010 4 i 4 tst\r\n\002And then"));
    cr_expect_eq(message->cut, SL_CUT_TIMEOUT);
    take_text(bench, STREAM, "nothing for a long while.\003 tail\004" NORMAL);
    cr_expect(is(next(bench, SL_LANE_NORMAL), NORMAL), "the rest of it is no noise");
    cr_expect_eq(book(bench, SL_RX_CUT + SL_CUT_NOISE), 0);
    fini(bench);
}

Test(frame, a_line_that_goes_down_leaves_what_was_there_and_starts_anew)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    take_text(bench, STREAM, "\001tst0009 4 i 4 tst\r\n\002Half");
    sl_frame_line(bench->frame, STREAM, 0, SL_LINE_DOWN);
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, "\001tst0009 4 i 4 tst\r\n\002Half"));
    cr_expect_eq(message->cut, SL_CUT_LINE_DOWN);
    sl_frame_line(bench->frame, STREAM, 0, SL_LINE_UP);
    take_text(bench, STREAM, OTHER);
    message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, OTHER));
    cr_expect_eq(message->stream_off, 0, "a connection counts its own bytes");
    fini(bench);
}

Test(frame, a_stream_whose_lane_is_full_waits_and_loses_nothing)
{
    enum { MESSAGES = 200 };
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    static char wire[MESSAGES * 128];
    uint32_t len = 0, at = 0, seen = 0, stalls = 0;
    for (uint32_t i = 0; i < MESSAGES; i++)
        len += (uint32_t)sprintf(wire + len, NUMBERED "\r\n", i, i);
    while (seen < MESSAGES) {
        /* In packets of all sizes up to two messages', so that some are gathered when the ring is full, and some are not. */
        uint32_t n = 1 + (at * 2654435761u >> 16) % 120, taken = 0;
        n = len - at < n ? len - at : n;
        if (n)
            taken = take(bench, STREAM, 0, wire + at, n);
        at += taken;
        if (taken < n && !(++stalls % 2))
            continue; /* offered again while there is still no room */
        const struct sl_message *message;
        for (uint32_t i = 0; (taken < n || !n) && i < 3 && (message = next(bench, SL_LANE_NORMAL)); i++) {
            char want[128];
            snprintf(want, sizeof(want), NUMBERED, seen, seen);
            cr_assert(is(message, want), "message %u", seen);
            cr_assert_eq(message->ticket, seen);
            cr_assert_eq(message->arrival, seen + 1);
            seen++;
        }
        cr_assert_lt(stalls, 10 * MESSAGES);
    }
    cr_expect_eq(at, len);
    cr_expect_gt(book(bench, SL_RX_PAUSES), 0);
    cr_expect_lt(book(bench, SL_RX_PAUSES), stalls, "a pause is counted once, however often it is tried");
    cr_expect_eq(book(bench, SL_RX_FRAMED_LANE + SL_LANE_NORMAL), MESSAGES);
    cr_expect_eq(book(bench, SL_RX_DROPPED_LANE + SL_LANE_NORMAL), 0);
    cr_expect_eq(book(bench, SL_RX_FILL_BYTES), 2 * MESSAGES);
    fini(bench);
}

static uint32_t fill_lane(struct bench *bench, uint16_t line, const char *text)
{
    uint32_t cnt = 0;
    while (take_text(bench, line, text) == strlen(text) && cnt < 1000 &&
           !book(bench, SL_RX_DROPPED_LANE + SL_LANE_NORMAL))
        cnt++;
    return cnt;
}

Test(frame, a_full_lane_stops_only_itself)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    uint32_t cnt = fill_lane(bench, STREAM, NORMAL);
    cr_assert(cnt > 0 && cnt < 1000);
    cr_expect_eq(take_text(bench, LISTENER, FLASH), strlen(FLASH));
    cr_expect(is(next(bench, SL_LANE_FLASH), FLASH));
    fini(bench);
}

Test(frame, a_datagram_without_room_is_dropped_and_counted_and_takes_no_ticket)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    uint32_t cnt = fill_lane(bench, DATAGRAMS, NORMAL);
    cr_expect_eq(take_text(bench, DATAGRAMS, NORMAL FLASH), strlen(NORMAL FLASH), "a datagram is taken whole");
    cr_expect_eq(book(bench, SL_RX_DROPPED_LANE + SL_LANE_NORMAL), 2);
    cr_expect_eq(book(bench, SL_RX_FRAMED_LANE + SL_LANE_NORMAL), cnt + 2);
    cr_expect(is(next(bench, SL_LANE_FLASH), FLASH), "the next message in it had room");
    for (uint32_t i = 0; i < cnt; i++)
        cr_assert_eq(next(bench, SL_LANE_NORMAL)->ticket, i);
    take_text(bench, DATAGRAMS, OTHER);
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, OTHER));
    cr_expect_eq(message->ticket, cnt);
    cr_expect_eq(message->arrival, cnt + 4);
    cr_expect_eq(book(bench, SL_RX_PAUSES), 0);
    fini(bench);
}

Test(frame, a_line_down_without_room_is_remembered_until_there_is_some)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 1, false));
    take_text(bench, STREAM, "\001tst0009 4 i 4 tst\r\n\002Half");
    uint32_t cnt = fill_lane(bench, LISTENER, NORMAL);
    sl_frame_line(bench->frame, STREAM, 0, SL_LINE_DOWN);
    sl_frame_line(bench->frame, STREAM, 0, SL_LINE_UP);
    cr_expect_eq(take_text(bench, STREAM, "more"), 0, "the new connection waits for what the old one left");
    for (uint32_t i = 0; i < cnt; i++)
        cr_assert(is(next(bench, SL_LANE_NORMAL), NORMAL), "message %u", i);
    const struct sl_message *message = NULL;
    for (uint32_t i = 0; i < 3 && !message; i++)
        message = next(bench, SL_LANE_NORMAL);
    cr_assert(message);
    /* The listener's blocked message was not taken; so the cut one follows at once. */
    cr_expect_eq(message->cut, SL_CUT_LINE_DOWN);
    cr_expect_eq(take_text(bench, STREAM, FLASH), strlen(FLASH));
    cr_expect(is(next(bench, SL_LANE_FLASH), FLASH));
    fini(bench);
}

Test(frame, datagrams_hold_whole_messages_and_do_not_join)
{
    static const struct datagram_case {
        const char *name;
        enum sl_framing framing;
        const char *bytes;
        uint32_t len; /* 0: strlen */
        struct { const char *bytes; enum sl_cut cut; } want[3];
    } rows[] = {
        { "one",              SL_FRAMING_CONTROL,  NORMAL,                     0, { { NORMAL, 0 } } },
        { "two",              SL_FRAMING_CONTROL,  "\026" NORMAL "\r\n" OTHER, 0, { { NORMAL, 0 }, { OTHER, 0 } } },
        { "a half",           SL_FRAMING_CONTROL,  NORMAL "\001tst",           0, { { NORMAL, 0 }, { "\001tst", SL_CUT_LINE_DOWN } } },
        { "without EOT",      SL_FRAMING_CONTROL,  "\001tst0009 4 i\r\n\002x\003 12", 0, { { "\001tst0009 4 i\r\n\002x\003 12", 0 } } },
        { "stripped",         SL_FRAMING_CONTROL,  "tst0009 4 i 3  tst 001\n\nTest/\nText", 0, { { "tst0009 4 i 3  tst 001\n\nTest/\nText", 0 } } },
        { "filling",          SL_FRAMING_CONTROL,  "\026\026\r\n",             0, { { NULL, 0 } } },
        { "lines",            SL_FRAMING_LINE,     "one\r\ntwo",               0, { { "one", 0 }, { "two", 0 } } },
        { "length 16",        SL_FRAMING_LENGTH16, "\0\003one\0\003two",       10, { { "one", 0 }, { "two", 0 } } },
        { "length 16, short", SL_FRAMING_LENGTH16, "\0\003one\0\003tw",        9, { { "one", 0 }, { "tw", SL_CUT_LINE_DOWN } } },
        { "length 16, wrong", SL_FRAMING_LENGTH16, "\0\003one\177\003two",     10, { { "one", 0 }, { "\177\003two", SL_CUT_TOO_LONG } } },
        { "datagram",         SL_FRAMING_DATAGRAM, "anything",                 0, { { "anything", 0 } } },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench *bench = new_bench(rows[i].framing, 1, false);
        bench->lines[0].kind = bench->lines[1].kind = bench->lines[2].kind = SL_LINE_UDP;
        bench->config.line_cnt = LINE_CNT;
        start(bench);
        uint32_t len = rows[i].len ? rows[i].len : (uint32_t)strlen(rows[i].bytes);
        cr_expect_eq(take(bench, DATAGRAMS, 0, rows[i].bytes, len), len, "%s", rows[i].name);
        sl_frame_poll(bench->frame, bench->now_ns);
        for (uint32_t m = 0; m < 3 && rows[i].want[m].bytes; m++) {
            const struct sl_message *message = next_of(bench, 0, SL_LANE_NORMAL);
            cr_assert(is(message, rows[i].want[m].bytes), "%s: message %u", rows[i].name, m);
            cr_expect_eq(message->cut, rows[i].want[m].cut, "%s: message %u", rows[i].name, m);
            cr_expect_eq(message->stream_off, 0, "%s", rows[i].name);
        }
        for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
            cr_expect_null(next_of(bench, 0, lane), "%s: and no more", rows[i].name);
        fini(bench);
    }
}

Test(frame, a_datagram_longer_than_a_message_may_be_is_cut)
{
    struct bench *bench = new_bench(SL_FRAMING_DATAGRAM, 1, false);
    bench->lines[0].kind = SL_LINE_UDP;
    bench->config.line_cnt = 2;
    start(bench);
    static char text[MAX + 1];
    memset(text, 'x', sizeof(text));
    take(bench, DATAGRAMS, 0, text, MAX);
    take(bench, DATAGRAMS, 0, text, MAX + 1);
    cr_expect_eq(next(bench, SL_LANE_NORMAL)->cut, SL_CUT_NOT);
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(message);
    cr_expect_eq(message->cut, SL_CUT_TOO_LONG);
    cr_expect_eq(message->len, MAX);
    fini(bench);
}

Test(frame, a_length_that_cannot_be_breaks_the_stream_and_is_kept)
{
    struct bench *bench = start(new_bench(SL_FRAMING_LENGTH32, 1, false));
    cr_expect_eq(take(bench, STREAM, 0, "\0\0\0\003one\377\377", 9), 9);
    cr_expect_eq(take(bench, STREAM, 0, "\377\376two", 5), SL_TAKE_BROKEN);
    sl_frame_line(bench->frame, STREAM, 0, SL_LINE_DOWN);
    cr_expect(is(next(bench, SL_LANE_NORMAL), "one"));
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, "\377\377\377\376"));
    cr_expect_eq(message->cut, SL_CUT_TOO_LONG);
    cr_expect_eq(take(bench, STREAM, 0, "\0\0\0\003two", 7), 7, "the next connection starts anew");
    cr_expect(is(next(bench, SL_LANE_NORMAL), "two"));
    fini(bench);
}

Test(frame, a_message_that_crashed_a_parser_is_refused_once)
{
    static struct sl_crash_note notes[2];
    struct bench *bench = new_bench(SL_FRAMING_CONTROL, 1, false);
    atomic_store(&notes[1].hash, XXH3_64bits(OTHER, strlen(OTHER)));
    notes[1].len = (uint32_t)strlen(OTHER);
    bench->config.refused = notes;
    bench->config.refused_cnt = 2;
    start(bench);
    take_text(bench, STREAM, NORMAL OTHER OTHER);
    cr_expect_eq(next(bench, SL_LANE_NORMAL)->cut, SL_CUT_NOT);
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, OTHER));
    cr_expect_eq(message->cut, SL_CUT_REFUSED);
    cr_expect_eq(next(bench, SL_LANE_NORMAL)->cut, SL_CUT_NOT, "the agency insists");
    cr_expect_eq(book(bench, SL_RX_CUT + SL_CUT_REFUSED), 1);
    fini(bench);
}

Test(frame, decoders_take_turns_and_one_that_is_full_is_passed)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 2, false));
    for (uint32_t i = 0; i < 4; i++)
        take_text(bench, STREAM, NORMAL);
    sl_frame_poll(bench->frame, bench->now_ns);
    for (uint32_t d = 0; d < 2; d++)
        for (uint32_t i = 0; i < 2; i++) {
            const struct sl_message *message = next_of(bench, d, SL_LANE_NORMAL);
            cr_assert(message);
            cr_expect_eq(message->ticket, 2 * i + d);
        }
    /* Nobody reads decoder 1 from here on. */
    uint64_t ticket = 4;
    for (uint32_t i = 0; i < 200; i++) {
        cr_assert_eq(take_text(bench, STREAM, NORMAL), strlen(NORMAL), "message %u", i);
        sl_frame_poll(bench->frame, bench->now_ns);
        for (const struct sl_message *message; (message = next_of(bench, 0, SL_LANE_NORMAL));) {
            cr_assert_geq(message->ticket, ticket);
            ticket = message->ticket;
        }
    }
    cr_expect_eq(ticket, 203);
    cr_expect_eq(book(bench, SL_RX_PAUSES), 0);
    fini(bench);
}

Test(frame, heavy_messages_go_to_the_decoder_for_them_and_no_others_do)
{
    struct bench *bench = start(new_bench(SL_FRAMING_CONTROL, 3, true));
    static char heavy[600];
    snprintf(heavy, sizeof(heavy), "\001tst0009 4 i 4 tst\r\n\002%0500d\003\004", 0);
    for (uint32_t i = 0; i < 4; i++)
        take_text(bench, STREAM, NORMAL);
    take_text(bench, STREAM, heavy);
    sl_frame_poll(bench->frame, bench->now_ns);
    const struct sl_message *message = next_of(bench, 2, SL_LANE_NORMAL);
    cr_assert(is(message, heavy));
    cr_expect_eq(message->ticket, 4);
    cr_expect_null(next_of(bench, 2, SL_LANE_NORMAL));
    fini(bench);
}

Test(frame, a_bell_rings_once_for_all_that_a_poll_flushed)
{
    struct sl_bell bell;
    cr_assert_eq(sl_bell_init(&bell), 0);
    struct sl_bell *bells[] = { &bell };
    struct bench *bench = new_bench(SL_FRAMING_CONTROL, 1, false);
    bench->config.bells = bells;
    start(bench);
    sl_bell_arm(&bell);
    take_text(bench, STREAM, NORMAL FLASH);
    uint64_t rings = 0;
    cr_expect_eq(read(bell.fd, &rings, sizeof(rings)), -1, "not before the flush");
    cr_expect_eq(sl_frame_poll(bench->frame, bench->now_ns), 2);
    cr_expect_eq(read(bell.fd, &rings, sizeof(rings)), 8);
    cr_expect_eq(rings, 1);
    cr_expect_eq(sl_frame_poll(bench->frame, bench->now_ns), 0);
    sl_bell_fini(&bell);
    fini(bench);
}

Test(frame, what_cannot_work_is_refused_at_the_start)
{
    static const struct init_case {
        const char *name;
        uint32_t message_max, line_cnt, decoder_cnt;
        uint16_t feed;
        enum sl_framing framing;
        int rc;
    } rows[] = {
        { "fine",                       MAX,  LINE_CNT, 1, 0, SL_FRAMING_CONTROL,  0       },
        { "no decoder",                 MAX,  LINE_CNT, 0, 0, SL_FRAMING_CONTROL,  -EINVAL },
        { "too many decoders",          MAX,  LINE_CNT, SL_DECODERS_MAX + 1, 0, SL_FRAMING_CONTROL, -EINVAL },
        { "a message beyond the ring",  3000, LINE_CNT, 1, 0, SL_FRAMING_CONTROL,  -EINVAL },
        { "hardly any message",         10,   LINE_CNT, 1, 0, SL_FRAMING_CONTROL,  -EINVAL },
        { "a feed that is not there",   MAX,  LINE_CNT, 1, 7, SL_FRAMING_CONTROL,  -EINVAL },
        { "a stream framed by datagrams", MAX, LINE_CNT, 1, 0, SL_FRAMING_DATAGRAM, -EINVAL },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench *bench = new_bench(rows[i].framing, 1, false);
        bench->feeds[0].message_max = rows[i].message_max;
        bench->config.line_cnt = rows[i].line_cnt;
        bench->config.decoder_cnt = rows[i].decoder_cnt;
        bench->lines[0].feed = rows[i].feed;
        cr_expect_eq(sl_frame_init(&bench->frame, &bench->config), rows[i].rc, "%s", rows[i].name);
        fini(bench);
    }
}

/* ---- files ---- */

static struct sl_ack acks[1];

static struct bench *start_files(enum sl_framing framing)
{
    struct bench *bench = new_bench(framing, 1, false);
    bench->lines[STREAM].kind = SL_LINE_SPOOL;
    bench->config.line_cnt = 1;
    bench->config.acks = acks;
    sl_ack_reset(acks);
    return start(bench);
}

/* Its bytes, and its end where it says so; how many were taken. */
static uint32_t take_file(struct bench *bench, const char *text, bool end, bool broken)
{
    struct sl_packet packet = { .data = (const uint8_t *)text, .len = (uint32_t)strlen(text), .ack = 1, .rx_ns = 5 };
    uint32_t took = text[0] ? sl_frame_take(bench->frame, &packet) : 0;
    packet.len = 0;
    packet.end = true;
    packet.broken = broken;
    return took + (end ? sl_frame_take(bench->frame, &packet) : 0);
}

static void begin_file(struct bench *bench) { sl_frame_line(bench->frame, STREAM, 0, SL_LINE_UP); }

Test(frame, a_file_is_a_message_and_its_ack_counts_it)
{
    struct bench *bench = start_files(SL_FRAMING_FILE);
    begin_file(bench);
    cr_expect_eq(take_file(bench, "half of ", false, false), 8);
    cr_expect_null(next(bench, SL_LANE_NORMAL), "it has not ended");
    cr_expect_eq(take_file(bench, "it", true, false), 3);
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, "half of it"));
    cr_expect(message->ack == 1 && message->cut == SL_CUT_NOT && acks[0].framed == 1);
    begin_file(bench);
    cr_expect_eq(take_file(bench, "", true, false), 1, "an empty file ends too");
    cr_expect_eq(acks[0].framed, 1);
    begin_file(bench);
    take_file(bench, "changed meanwhile", true, true);
    message = next(bench, SL_LANE_NORMAL);
    cr_assert(message && message->cut == SL_CUT_FILE_END);
    fini(bench);
}

Test(frame, a_file_without_any_soh_is_a_message_that_a_relay_stripped)
{
    struct bench *bench = start_files(SL_FRAMING_CONTROL);
    begin_file(bench);
    take_file(bench, FLASH NORMAL, true, false);
    cr_expect(is(next(bench, SL_LANE_FLASH), FLASH));
    cr_expect(is(next(bench, SL_LANE_NORMAL), NORMAL));
    begin_file(bench);
    take_file(bench, "tst0001 4 i 4 tst\n", false, false);
    take_file(bench, "Stripped.\n", true, false);
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_expect(is(message, "tst0001 4 i 4 tst\nStripped.\n") && message->cut == SL_CUT_NOT);
    begin_file(bench);
    take_file(bench, NORMAL, true, false);
    cr_expect(is(next(bench, SL_LANE_NORMAL), NORMAL), "the next file is framed as ever");
    cr_expect_eq(acks[0].framed, 4);
    fini(bench);
}

Test(frame, the_end_of_a_file_waits_for_room)
{
    struct bench *bench = start_files(SL_FRAMING_FILE);
    char big[MAX + 1];
    uint32_t files = 0;
    memset(big, 'x', MAX);
    big[MAX] = '\0';
    for (begin_file(bench); take_file(bench, big, true, false) == MAX + 1; begin_file(bench))
        cr_assert_lt(++files, 1000);
    cr_expect_eq(take_file(bench, "", true, false), 0, "still no room");
    cr_expect_gt(book(bench, SL_RX_PAUSES), 0);
    for (uint32_t i = 0; i < files; i++)
        cr_assert(is(next(bench, SL_LANE_NORMAL), big));
    cr_expect_eq(take_file(bench, "", true, false), 1);
    cr_expect(is(next(bench, SL_LANE_NORMAL), big));
    cr_expect_eq(acks[0].framed, files + 1);
    fini(bench);
}

/* ---- stories in fragments ---- */

static struct bench *new_joins(enum sl_framing framing)
{
    struct bench *bench = new_bench(framing, 1, false);
    bench->feeds[0].format = sl_format_by_id(SL_FORMAT_MRN);
    bench->feeds[0].join_len = SL_JOIN_LEN_MIN;
    return bench;
}

/* A line with one fragment of a story of so many; taken: how much of it. */
static bool take_fragment(struct bench *bench, uint16_t line, const char *guid, unsigned number, unsigned of)
{
    char text[UPDATE_MAX];
    int len = put_update(text, guid, number, number == 1 ? 3 * of : 0, 'A', 1);
    text[len] = '\n';
    return take(bench, line, 0, text, (uint32_t)len + 1) == (uint32_t)len + 1;
}

static void expect_parts(const struct bench *bench, uint64_t taken, uint64_t joined, uint64_t repeated, uint64_t lost)
{
    cr_expect_eq(book(bench, SL_RX_PARTS), taken);
    cr_expect_eq(book(bench, SL_RX_PARTS_JOINED), joined);
    cr_expect_eq(book(bench, SL_RX_PARTS_REPEATED), repeated);
    cr_expect_eq(book(bench, SL_RX_PARTS_LOST), lost);
    cr_expect_eq(book(bench, SL_RX_PARTS_NOW), taken - joined - repeated - lost);
}

Test(frame, fragments_of_a_story_are_one_message_with_the_stamps_of_its_ends)
{
    struct bench *bench = start(new_joins(SL_FRAMING_LINE));
    char want[2 * UPDATE_MAX] = "[";
    int len = 1 + put_update(want + 1, "s", 2, 0, 'A', 1);
    want[len++] = ',';
    len += put_update(want + len, "s", 1, 6, 'A', 1);
    snprintf(want + len, 2, "]");
    cr_expect(take_fragment(bench, STREAM, "s", 2, 2));
    bench->now_ns += 100;
    cr_expect(take_fragment(bench, STREAM, "other", 1, 2) && take_fragment(bench, STREAM, "s", 2, 2));
    cr_expect_null(next(bench, SL_LANE_NORMAL));
    expect_parts(bench, 3, 0, 1, 0);
    bench->now_ns += 100;
    cr_expect(take_fragment(bench, STREAM, "s", 1, 2));
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_assert(is(message, want));
    cr_expect(message->cut == SL_CUT_NOT && message->stamps.first_ns == 999 && message->stamps.rx_ns == 1199 &&
              message->arrival == 1 && message->ticket == 0 && message->stream_off == 0);
    cr_expect_null(next(bench, SL_LANE_NORMAL));
    expect_parts(bench, 4, 2, 1, 0);
    cr_expect_eq(book(bench, SL_RX_FRAMED_LANE + SL_LANE_NORMAL), 1, "a fragment is part of a message");
    fini(bench);
}

Test(frame, what_is_lost_of_a_story_costs_no_other)
{
    struct bench *bench = start(new_joins(SL_FRAMING_LINE));
    const struct sl_message *message;
    take_fragment(bench, STREAM, "lost", 1, 3);
    take_fragment(bench, LISTENER, "lost", 2, 3);
    cr_expect_null(next(bench, SL_LANE_NORMAL));
    bench->now_ns += TIME_NS / 2;
    take_fragment(bench, LISTENER, "found", 1, 2);
    cr_expect_null(next(bench, SL_LANE_NORMAL));
    sl_frame_line(bench->frame, STREAM, 0, SL_LINE_DOWN);
    message = next(bench, SL_LANE_NORMAL);
    cr_expect(message && message->cut == SL_CUT_LINE_DOWN && message->line == STREAM);
    bench->now_ns += TIME_NS / 2;
    message = next(bench, SL_LANE_NORMAL);
    cr_expect(message && message->cut == SL_CUT_TIMEOUT && message->line == LISTENER);
    cr_expect_null(next(bench, SL_LANE_NORMAL));
    take_fragment(bench, LISTENER, "found", 2, 2);
    message = next(bench, SL_LANE_NORMAL);
    cr_expect(message && message->cut == SL_CUT_NOT);
    expect_parts(bench, 4, 2, 0, 2);
    cr_expect(book(bench, SL_RX_CUT + SL_CUT_TIMEOUT) == 1 && book(bench, SL_RX_CUT + SL_CUT_LINE_DOWN) == 1);
    fini(bench);
}

Test(frame, a_stream_waits_while_a_joined_story_has_no_room)
{
    struct bench *bench = start(new_joins(SL_FRAMING_LINE));
    char ping[1200] = "{\"Type\":\"Ping\",\"Pad\":\"", guid[16];
    uint32_t pings = 0, stories = 0;
    memset(ping + strlen(ping), 'x', 1000);
    strcat(ping, "\"}\n");
    take_fragment(bench, STREAM, "s", 1, 2);
    while (take_text(bench, STREAM, ping) == strlen(ping))
        pings++;
    while (take_text(bench, STREAM, "{\"Type\":\"Ping\"}\n"))
        pings++;
    cr_assert_gt(pings, 0);
    cr_expect(take_fragment(bench, STREAM, "s", 2, 2) && !take_fragment(bench, STREAM, "t", 1, 2),
              "what a story lacks is taken; then it waits for its ring");
    for (uint32_t i = 0; i < 10; i++) {
        snprintf(guid, sizeof(guid), "d%u", i);
        take_fragment(bench, DATAGRAMS, guid, 1, 2);
    }
    cr_expect_eq(book(bench, SL_RX_DROPPED_LANE + SL_LANE_NORMAL), 10, "datagrams cannot wait");
    while (next(bench, SL_LANE_NORMAL))
        stories++;
    cr_expect_eq(stories, pings + 1);
    expect_parts(bench, 2, 2, 0, 0);
    cr_expect(take_fragment(bench, STREAM, "t", 1, 2));
    fini(bench);
}

Test(frame, a_story_ends_with_its_file_and_counts_in_its_ack)
{
    struct bench *bench = new_joins(SL_FRAMING_LINE);
    bench->lines[STREAM].kind = SL_LINE_SPOOL;
    bench->config.line_cnt = 1;
    bench->config.acks = acks;
    sl_ack_reset(acks);
    start(bench);
    char text[3 * UPDATE_MAX];
    int len = put_update(text, "whole", 1, 6, 'A', 1);
    text[len++] = '\n';
    len += put_update(text + len, "half", 1, 6, 'A', 1);
    text[len++] = '\n';
    put_update(text + len, "whole", 2, 0, 'A', 1);
    begin_file(bench);
    take_file(bench, text, false, false);
    bench->now_ns += 10 * TIME_NS;
    cr_expect_null(next(bench, SL_LANE_NORMAL), "a file has time");
    take_file(bench, "", true, false);
    const struct sl_message *message = next(bench, SL_LANE_NORMAL);
    cr_expect(message && message->cut == SL_CUT_NOT && message->ack == 1);
    message = next(bench, SL_LANE_NORMAL);
    cr_expect(message && message->cut == SL_CUT_FILE_END && message->ack == 1);
    cr_expect_eq(acks[0].framed, 2);
    expect_parts(bench, 3, 2, 0, 1);
    fini(bench);
}

Test(frame, a_masked_websocket_brings_its_messages_unmasked)
{
    struct bench *bench = new_bench(SL_FRAMING_WEBSOCKET, 1, false);
    bench->config.line_cnt = 1; /* the stream's: datagrams bring no websocket */
    start(bench);
    static const char wire[] = "GET / HTTP/1.1\r\n\r\n\001\205\001\002\003\004```ad\200\201\001\001\001\001g\201\001h";
    for (uint32_t step = 1; step <= sizeof(wire) - 1; step += sizeof(wire) - 2) {
        for (uint32_t at = 0; at < sizeof(wire) - 1; at += step)
            cr_assert_eq(take(bench, STREAM, 0, wire + at, step), step);
        cr_expect(is(next(bench, SL_LANE_NORMAL), "abceef"));
        cr_expect(is(next(bench, SL_LANE_NORMAL), "h"));
        sl_frame_line(bench->frame, STREAM, 0, SL_LINE_DOWN);
    }
    cr_expect_eq(book(bench, SL_RX_FILL_BYTES), 2 * (sizeof(wire) - 1 - 7));
    fini(bench);
}
