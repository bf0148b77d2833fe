#include "pipeline/stages.h"
#include "tests/pipeline/rings.h"
#include "tests/pipeline/said.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

#define DECODERS 3u
#define SOURCES  2u
#define EPOCH    0xe90cull

/* A desk between hand-made rings and two logs.  The test plays frame and decode on one side, readers on the other. */
static struct {
    struct rings rings[SOURCES][DECODERS];
    struct sl_spsc_rx messages[SOURCES][DECODERS][SL_LANE_CNT]; /* decode's ends */
    struct sl_spsc_tx answers[SOURCES][DECODERS][SL_LANE_CNT];
    struct sl_decoder_rings decoders[SOURCES][DECODERS];
    uint64_t arrival;
    struct sl_feed feeds[2];
    struct sl_books books;
    void *books_mem, *tape_mem, *raw_mem;
    size_t tape_len, raw_len;
    struct sl_log_rx tape, raw;
    struct sl_desk *desk;
    struct sl_waker waker;
    int64_t now_ns;
    struct sl_clock clock;
    unsigned char record[1u << 20] __attribute__((aligned(64)));
} table;

struct options {
    uint32_t message_len, answer_len, window_cnt, hold_cnt;
    uint64_t tape_len, hold_len;
    bool no_raw;
};

static void *new_log(uint64_t bytes_len, size_t *len)
{
    struct sl_log_config config = { .bytes_len = bytes_len, .epoch = EPOCH, .first_seq = 1 };
    *len = sl_log_footprint(&config);
    void *mem = aligned_alloc(128, (*len + 127) & ~(size_t)127);
    memset(mem, 0, *len);
    cr_assert_eq(sl_log_new(mem, &config), 0);
    return mem;
}

static void open_rings(uint32_t message_len, uint32_t answer_len)
{
    for (unsigned s = 0; s < SOURCES; s++)
        for (unsigned d = 0; d < DECODERS; d++) {
            table.rings[s][d] = new_rings(message_len, answer_len);
            table.decoders[s][d] = table.rings[s][d].of;
            for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
                sl_spsc_join_rx(&table.messages[s][d][lane], table.decoders[s][d].lane[lane].message);
                sl_spsc_join_tx(&table.answers[s][d][lane], table.decoders[s][d].lane[lane].answer);
            }
        }
}

static struct sl_ack acks[2]; /* of any source */

static void open_table(struct options options)
{
    memset(&table, 0, sizeof(table));
    open_rings(options.message_len ? options.message_len : 65536, options.answer_len ? options.answer_len : 1u << 20);
    uint64_t tape_len = options.tape_len ? options.tape_len : 1u << 20;
    table.tape_mem = new_log(tape_len, &table.tape_len);
    if (!options.no_raw)
        table.raw_mem = new_log(tape_len, &table.raw_len);
    size_t len = sl_books_footprint(2, 1);
    table.books_mem = aligned_alloc(128, (len + 127) & ~(size_t)127);
    memset(table.books_mem, 0, len);
    cr_assert_eq(sl_books_new(&table.books, table.books_mem, 2, 1), 0);
    table.now_ns = 1000;
    table.clock.virtual_ns = &table.now_ns;
    table.waker.wakes = &sl_books_tape(&table.books)[SL_TAPE_WAKES];
    for (unsigned i = 0; i < 2; i++)
        table.feeds[i].message_max = 4096;
    struct sl_desk_config config = {
        .feeds = table.feeds,
        .feed_cnt = 2,
        .source_cnt = SOURCES,
        .tape = table.tape_mem,
        .raw = table.raw_mem,
        .epoch = EPOCH,
        .window_cnt = options.window_cnt ? options.window_cnt : 1024,
        .tombstone_cnt = 64,
        .hold_len = options.hold_len ? options.hold_len : 1u << 16,
        .hold_cnt = options.hold_cnt ? options.hold_cnt : 64,
        .gate_ns = 100,
        .clock = &table.clock,
        .books = &table.books,
        .waker = &table.waker,
    };
    for (unsigned s = 0; s < SOURCES; s++)
        config.sources[s] =
            (struct sl_desk_source){ .decoders = table.decoders[s], .decoder_cnt = DECODERS, .acks = acks };
    cr_assert_eq(sl_desk_init(&table.desk, &config), 0);
    cr_assert_eq(sl_log_join_rx(&table.tape, table.tape_mem, table.tape_len), 0);
    if (table.raw_mem)
        cr_assert_eq(sl_log_join_rx(&table.raw, table.raw_mem, table.raw_len), 0);
}

static uint64_t tape_book(enum sl_book_tape col) { return sl_cell_get(&sl_books_tape(&table.books)[col]); }

static uint64_t desk_book(unsigned col) { return sl_cell_get(&sl_books_desk(&table.books, 0)[col]); }

/* Every test ends with books that balance. */
static void close_table(void)
{
    char line[200];
    cr_expect(sl_books_balance(&table.books, line, sizeof(line)), "%s", line);
    sl_desk_fini(table.desk);
    for (unsigned s = 0; s < SOURCES; s++)
        for (unsigned d = 0; d < DECODERS; d++)
            free_rings(&table.rings[s][d]);
    free(table.tape_mem);
    free(table.raw_mem);
    free(table.books_mem);
}

/* ---- frame and decode ---- */

static struct sl_message message_of(enum sl_lane lane, uint64_t ticket)
{
    return (struct sl_message){
        .ticket = ticket,
        .arrival = ++table.arrival,
        .stream_off = 77,
        .stamps = {.rx_ns = 10, .first_ns = 20, .framed_ns = 30},
        .len = 9,
        .lane = (uint8_t)lane,
        .line = 3,
    };
}

/* Frames a message for a decoder; returns its place. */
static uint64_t frame_message(unsigned source, unsigned decoder, struct sl_message message)
{
    uint32_t len;
    struct sl_spsc_rx *rx = &table.messages[source][decoder][message.lane];
    cr_assert(put_message(&table.rings[source][decoder], message, "raw bytes"));
    sl_cell_add(&sl_books_rx(&table.books, message.feed)[SL_RX_FRAMED_LANE + message.lane], 1);
    cr_assert_not_null(sl_spsc_peek(rx, &len));
    return sl_spsc_next(rx);
}

static void give_answer(unsigned source, unsigned decoder, enum sl_lane lane, struct sl_answer answer,
                        const void *bulletin)
{
    struct sl_spsc_tx *tx = &table.answers[source][decoder][lane];
    struct sl_answer *room = sl_spsc_claim(tx, (uint32_t)sizeof(answer) + answer.bulletin_len);
    cr_assert_not_null(room);
    answer.decoded_ns = 40;
    *room = answer;
    memcpy(room + 1, bulletin, answer.bulletin_len);
    sl_spsc_commit(tx, (uint32_t)sizeof(answer) + answer.bulletin_len);
    sl_spsc_flush(tx);
}

/* A message with one bulletin, answered. */
static void hand_in(unsigned source, unsigned decoder, enum sl_lane lane, uint64_t ticket, struct said said)
{
    struct sl_bulletin *bulletin = said_new(said);
    struct sl_answer answer = {
        .message = frame_message(source, decoder, message_of(lane, ticket)),
        .what = SL_ANSWER_BULLETIN,
        .bulletin_len = bulletin->len,
        .last = 1,
    };
    give_answer(source, decoder, lane, answer, bulletin);
    free(bulletin);
}

static int poll_desk(void) { return sl_desk_poll(table.desk, table.now_ns); }

static void poll_until_idle(void)
{
    for (int i = 0; i < 1000 && poll_desk() > 0; i++)
        ;
}

/* ---- readers ---- */

static const struct sl_record *read_record(struct sl_log_rx *rx)
{
    int got = sl_log_next(rx, table.record, sizeof(table.record));
    cr_assert(got == SL_LOG_NONE || got == SL_LOG_RECORD, "%d", got);
    return got == SL_LOG_RECORD ? (const struct sl_record *)(const void *)table.record : NULL;
}

static struct sl_slice id_on(const struct sl_record *record)
{
    if (record->kind < SL_KIND_CNT)
        return sl_bulletin_text((const struct sl_bulletin *)(const void *)(record + 1), SL_TEXT_ID);
    const struct sl_notice *notice = (const struct sl_notice *)(const void *)(record + 1);
    return (struct sl_slice){ notice->text, notice->text_len };
}

/* All that is new on the tape, a word and an id for each record. */
static const char *read_tape(void)
{
    static char line[1024];
    size_t len = 0;
    line[0] = '\0';
    for (const struct sl_record *record; (record = read_record(&table.tape));) {
        struct sl_slice id = id_on(record);
        const char *word =
            record->kind < SL_KIND_CNT ? sl_verdict_name(record->verdict) : sl_record_kind_name(record->kind);
        len +=
            (size_t)snprintf(line + len, sizeof(line) - len, "%s%s %.*s", len ? ", " : "", word, (int)id.len, id.data);
    }
    return line;
}

/* ---- what becomes of a bulletin ---- */

struct step {
    int64_t at;
    struct said said;
};

#define HELD  .flags = SL_BULLETIN_EMBARGOED
#define KILLS NULL, NULL, SL_KIND_KILL, .refers
#define FREES NULL, "use it", SL_KIND_RELEASE, .refers

/* clang-format off */
static const struct story_case {
    const char *name;
    struct step steps[4];
    int64_t end_at;
    const char *tape;
    uint64_t cancelled;
} story_cases[] = {
    { "plain", { { 100, { "a", "1", "x" } } }, 100, "passed a", 0 },
    { "duplicate", { { 100, { "a", "1", "x" } }, { 101, { "a", "1", "x" } } }, 200, "passed a", 0 },
    { "same version", { { 100, { "a", "1", "x" } }, { 101, { "a", "1", "y" } } }, 200, "passed a, same_version a", 0 },
    { "late", { { 100, { "a", "2", "x" } }, { 101, { "a", "1", "x" } } }, 200, "passed a, late a", 0 },
    { "killed, then more of it",
      { { 100, { "a", "1", "x" } }, { 101, { "k", KILLS = "a" } }, { 102, { "a", "2", "x" } } },
      200, "passed a, passed k, withdrawn a", 0 },
    { "killed before it came",
      { { 100, { "k", KILLS = "a" } }, { 102, { "a", "1", "x" } } }, 200, "passed k, withdrawn a", 0 },
    { "killed under its own id",
      { { 100, { "a", "2", NULL, SL_KIND_KILL } }, { 102, { "a", "1", "x" } } }, 200, "passed a, withdrawn a", 0 },
    { "embargo", { { 100, { "a", "1", "x", HELD, .until = 500 } } }, 499, "held a", 0 },
    { "embargo over", { { 100, { "a", "1", "x", HELD, .until = 500 } } }, 500, "held a, released a", 0 },
    { "embargo in the past", { { 100, { "a", "1", "x", HELD, .until = 99 } } }, 100, "passed a", 0 },
    { "embargo ends as it comes", { { 100, { "a", "1", "x", HELD, .until = 100 } } }, 100, "passed a", 0 },
    { "embargo without a time", { { 100, { "a", "1", "x", HELD } } }, 1000000, "held a", 0 },
    { "a time without embargo", { { 100, { "a", "1", "x", .until = 500 } } }, 100, "passed a", 0 },
    { "held by kind", { { 100, { "a", "1", "x", SL_KIND_HOLD } } }, 1000000, "held a", 0 },
    { "withheld", { { 100, { "a", "1", "x", .pubstatus = SL_PUB_WITHHELD } } }, 1000000, "held a", 0 },
    { "the later of two embargoes",
      { { 100, { "a", "1", "x", HELD, .until = 700 } }, { 101, { "b", "1", "x", HELD, .until = 600 } } },
      800, "held a, held b, released b, released a", 0 },
    { "held twice by two lines",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "a", "1", "x", HELD, .until = 500 } } },
      600, "held a, released a", 0 },
    { "released by name",
      { { 100, { "a", "1", "x", HELD } }, { 101, { "r", FREES = "a" } } }, 200, "held a, passed r, released a", 0 },
    { "released before its time",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "r", FREES = "a" } } },
      200, "held a, passed r, released a", 0 },
    { "released by another of its ids",
      { { 100, { "a", "1", "x", HELD, .alt_id = "agency:7" } }, { 101, { "r", FREES = "agency:7" } } },
      200, "held a, passed r, released a", 0 },
    { "a release of something else",
      { { 100, { "a", "1", "x", HELD } }, { 101, { "r", FREES = "b" } } }, 200, "held a, passed r", 0 },
    { "another provider's release",
      { { 100, { "a", "1", "x", HELD } }, { 101, { "r", FREES = "a", .provider = "other" } } },
      200, "held a, passed r", 0 },
    { "a release under embargo frees nothing",
      { { 100, { "a", "1", "x", HELD } }, { 101, { "r", FREES = "a", HELD, .until = 900 } } },
      800, "held a, held r", 0 },
    { "usable with its text: the held one is not needed",
      { { 100, { "a", "1", "x", .pubstatus = SL_PUB_WITHHELD } },
        { 101, { "a", "2", "y", .pubstatus = SL_PUB_USABLE } } },
      200, "held a, passed a", 1 },
    { "usable without text: the held one is meant",
      { { 100, { "a", "1", "x", .pubstatus = SL_PUB_WITHHELD } },
        { 101, { "a", "2", NULL, .pubstatus = SL_PUB_USABLE } } },
      200, "held a, passed a, released a", 0 },
    { "without text, and without the word that it is usable",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "a", "2", NULL } } }, 200, "held a, passed a", 0 },
    { "the same version, now usable",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "a", "1", "x", .pubstatus = SL_PUB_USABLE } } },
      600, "held a, same_version a", 1 },
    { "the same version without embargo may be a garbled one",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "a", "1", "x" } } },
      600, "held a, same_version a, released a", 0 },
    { "two texts of one version are both held",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "a", "1", "y", HELD, .until = 500 } } },
      600, "held a, held a, released a, released a", 0 },
    { "an older version frees nothing",
      { { 100, { "a", "2", "x", HELD, .until = 500 } }, { 101, { "a", "1", "x" } } }, 200, "held a, passed a", 0 },
    { "a longer embargo replaces a shorter",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "a", "2", "x", HELD, .until = 700 } } },
      600, "held a, held a", 1 },
    { "withheld before its time came",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "h", NULL, "y", SL_KIND_HOLD, .refers = "a" } } },
      600, "held a, held h", 0 },
    { "withheld before its time came, then released",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "h", NULL, "y", SL_KIND_HOLD, .refers = "a" } },
        { 102, { "r", FREES = "a" } } },
      600, "held a, held h, passed r, released a", 0 },
    { "takes stand for themselves",
      { { 100, { "a", "1", "x", HELD, .until = 500, .take_no = 1 } },
        { 101, { "a", "2", "x", HELD, .until = 500, .take_no = 2 } } },
      600, "held a, held a, released a, released a", 0 },
    { "killed while held",
      { { 100, { "a", "1", "x", HELD, .until = 500 } }, { 101, { "k", KILLS = "a" } } }, 600, "held a, passed k", 1 },
    { "killed by another of its ids while held",
      { { 100, { "a", "1", "x", HELD, .until = 500, .alt_id = "agency:7" } }, { 101, { "k", KILLS = "agency:7" } } },
      600, "held a, passed k", 1 },
    { "an embargoed version of a killed story is held all the same",
      { { 100, { "k", KILLS = "a" } }, { 101, { "a", "2", "x", HELD, .until = 500 } } },
      600, "passed k, held a, withdrawn a", 0 },
    { "a kill is never held", { { 100, { "k", KILLS = "a", HELD, .until = 900 } } }, 200, "passed k", 0 },
    { "versions that cannot be compared leave each other alone",
      { { 100, { "a", "x", "x", HELD, .until = 500 } }, { 101, { "a", "y", "y" } }, { 500, { "b", "1", "z" } } },
      600, "held a, passed a, released a, passed b", 0 },
};
/* clang-format on */

Test(desk, decides_what_becomes_of_a_bulletin)
{
    for (size_t i = 0; i < sizeof(story_cases) / sizeof(story_cases[0]); i++) {
        const struct story_case *row = &story_cases[i];
        open_table((struct options){ 0 });
        for (unsigned s = 0; s < 4 && row->steps[s].said.id; s++) {
            table.now_ns = row->steps[s].at;
            hand_in(0, 0, SL_LANE_NORMAL, s, row->steps[s].said);
            poll_until_idle();
        }
        table.now_ns = row->end_at;
        poll_until_idle();
        const char *tape = read_tape();
        cr_expect_str_eq(tape, row->tape, "%s: \"%s\", not \"%s\"", row->name, tape, row->tape);
        uint64_t cancelled = desk_book(SL_DESK_VERDICT + SL_VERDICT_CANCELLED);
        cr_expect_eq(cancelled, row->cancelled, "%s: %lu cancelled", row->name, cancelled);
        close_table();
    }
}

Test(desk, what_finds_no_room_in_the_hold_area_is_rejected_and_may_come_again)
{
    open_table((struct options){ .hold_cnt = 1 });
    struct said held = { "a", "1", "x", HELD, .until = 5000 }, other = { "b", "1", "x", HELD, .until = 6000 };
    hand_in(0, 0, SL_LANE_NORMAL, 0, held);
    hand_in(0, 0, SL_LANE_NORMAL, 1, other);
    poll_until_idle();
    cr_expect_str_eq(read_tape(), "held a, reject room in the hold area");
    cr_expect_eq(desk_book(SL_DESK_VERDICT + SL_VERDICT_NO_ROOM), 1);
    table.now_ns = 5000;
    poll_until_idle();
    hand_in(0, 0, SL_LANE_NORMAL, 2, other);
    poll_until_idle();
    cr_expect_str_eq(read_tape(), "released a, held b", "never published before 6000");
    close_table();
}

Test(desk, a_held_notice_tells_id_and_time_and_nothing_else)
{
    open_table((struct options){ 0 });
    hand_in(0, 0, SL_LANE_NORMAL, 0, (struct said){ "a", "1", "the secret text", HELD, .until = 5000 });
    poll_until_idle();
    const struct sl_record *record = read_record(&table.tape);
    const struct sl_notice *notice = (const void *)(record + 1);
    cr_expect(record->kind == SL_RECORD_HELD && record->verdict == SL_VERDICT_MADE);
    cr_expect_eq(notice->until_ns, 5000);
    cr_expect_eq(record->len, sizeof(*record) + offsetof(struct sl_notice, text) + 1);
    cr_expect_eq(notice->first, 2, "the second record of the raw log keeps the bulletin");
    cr_expect_null(memmem(table.tape_mem, table.tape_len, "the secret text", 15));
    cr_expect_not_null(memmem(table.raw_mem, table.raw_len, "the secret text", 15));
    cr_expect_eq(read_record(&table.raw)->kind, SL_RECORD_RAW);
    cr_expect_eq(read_record(&table.raw)->kind, SL_RECORD_RAW_HELD);
    close_table();
}

/* ---- records ---- */

Test(desk, a_record_tells_where_when_and_what_its_raw_is)
{
    open_table((struct options){ 0 });
    hand_in(1, 2, SL_LANE_URGENT, 0, (struct said){ "a", "1", "text" });
    poll_until_idle();
    const struct sl_record *record = read_record(&table.tape);
    cr_assert_not_null(record);
    cr_expect(record->seq == 1 && record->epoch == EPOCH && record->kind == SL_KIND_NEWS);
    cr_expect(record->lane == SL_LANE_URGENT && record->feed == 0 && record->line == 3 && record->arrival == 1);
    cr_expect(record->stamps.rx_ns == 10 && record->stamps.first_ns == 20 && record->stamps.framed_ns == 30);
    cr_expect(record->stamps.decoded_ns == 40 && record->stamps.published_ns == 1000 && record->flags == 0);
    cr_expect_eq(sl_bulletin_check(record + 1, record->len - sizeof(*record)), SL_BULLETIN_FINE);
    cr_expect_eq(record->raw_seq, 1);
    record = read_record(&table.raw);
    cr_expect(record->seq == 1 && record->kind == SL_RECORD_RAW && record->len == sizeof(*record) + 9);
    cr_expect_arr_eq(record + 1, "raw bytes", 9);
    close_table();
}

Test(desk, a_reject_tells_place_and_wish_and_keeps_the_raw)
{
    open_table((struct options){ 0 });
    struct sl_answer answer = {
        .message = frame_message(0, 0, message_of(SL_LANE_NORMAL, 0)),
        .what = SL_ANSWER_REJECT,
        .code = SL_PARSE_BAD_HEADER,
        .err_off = 5,
        .want = "a priority",
        .last = 1,
    };
    give_answer(0, 0, SL_LANE_NORMAL, answer, "");
    poll_until_idle();
    const struct sl_record *record = read_record(&table.tape);
    const struct sl_notice *notice = (const void *)(record + 1);
    cr_expect(record->kind == SL_RECORD_REJECT && record->verdict == SL_VERDICT_MADE && record->raw_seq == 1);
    cr_expect(notice->code == SL_PARSE_BAD_HEADER && notice->off == 5 && notice->first == 77 && notice->cnt == 9);
    cr_expect(notice->text_len == 10 && !memcmp(notice->text, "a priority", 10));
    cr_expect_eq(read_record(&table.raw)->kind, SL_RECORD_RAW);
    cr_expect_eq(desk_book(SL_DESK_REJECT_CODE + SL_PARSE_BAD_HEADER), 1);
    close_table();
}

Test(desk, a_message_of_many_bulletins_is_on_the_raw_log_once)
{
    open_table((struct options){ 0 });
    struct sl_answer answer = { .message = frame_message(0, 0, message_of(SL_LANE_NORMAL, 0)),
                                .what = SL_ANSWER_BULLETIN };
    static const char *const ids[] = { "a", "b", "a", "c" };
    for (; answer.part < 4; answer.part++) {
        struct sl_bulletin *bulletin = said_new((struct said){ ids[answer.part], "1", "text" });
        answer.bulletin_len = bulletin->len;
        give_answer(0, 0, SL_LANE_NORMAL, answer, bulletin);
        free(bulletin);
    }
    answer.what = SL_ANSWER_NOTHING;
    answer.bulletin_len = 0;
    answer.last = 1;
    give_answer(0, 0, SL_LANE_NORMAL, answer, "");
    poll_until_idle();
    cr_expect_str_eq(read_tape(), "passed a, passed b, passed c");
    cr_expect_eq(desk_book(SL_DESK_RAW_LOGGED), 1);
    cr_expect_eq(desk_book(SL_DESK_WITH_BULLETINS), 1);
    cr_expect_eq(desk_book(SL_DESK_EMPTY), 0);
    close_table();
}

Test(desk, a_duplicate_and_a_message_that_says_nothing_leave_nothing_on_either_log)
{
    open_table((struct options){ 0 });
    hand_in(0, 0, SL_LANE_NORMAL, 0, (struct said){ "a", "1", "text" });
    hand_in(1, 0, SL_LANE_NORMAL, 0, (struct said){ "a", "1", "text" });
    struct sl_answer nothing = { .message = frame_message(0, 0, message_of(SL_LANE_NORMAL, 1)),
                                 .what = SL_ANSWER_NOTHING,
                                 .last = 1 };
    give_answer(0, 0, SL_LANE_NORMAL, nothing, "");
    poll_until_idle();
    cr_expect_eq(tape_book(SL_TAPE_LAST_SEQ), 1);
    cr_expect_eq(tape_book(SL_TAPE_RAW_LAST_SEQ), 1);
    cr_expect_eq(desk_book(SL_DESK_EMPTY), 1);
    cr_expect_eq(desk_book(SL_DESK_VERDICT + SL_VERDICT_DUPLICATE), 1);
    close_table();
}

Test(desk, works_without_a_raw_log)
{
    open_table((struct options){ .no_raw = true });
    hand_in(0, 0, SL_LANE_NORMAL, 0, (struct said){ "a", "1", "text" });
    hand_in(0, 0, SL_LANE_NORMAL, 1, (struct said){ "b", "1", "text", HELD, .until = 2000 });
    poll_until_idle();
    table.now_ns = 2000;
    poll_until_idle();
    cr_expect_str_eq(read_tape(), "passed a, held b, released b");
    cr_expect_null(sl_desk_raw(table.desk));
    close_table();
}

static const struct step_case {
    const char *name;
    struct sl_stamps stamps;
    bool stepped;
} step_cases[] = {
    {"in order",                                        { 1, 2, 3, 4, 0, 0 },             false},
    { "no wire stamp",                                  { 0, 2, 3, 4, 0, 0 },             false},
    { "a message over many packets: rx is of the last", { 1, 3, 2, 4, 0, 0 },             false},
    { "the same moment",                                { 4, 4, 4, 4, 0, 0 },             false},
    { "rx before wire",                                 { 3, 2, 3, 4, 0, 0 },             true },
    { "framed before first",                            { 1, 2, 5, 4, 0, 0 },             true },
    { "framed after decoded",                           { 1, 2, 3, 41, 0, 0 },            true },
    { "all later than published",                       { 2001, 2002, 2003, 2004, 0, 0 }, true },
};

Test(desk, a_stepped_clock_is_marked_and_never_mended)
{
    for (size_t i = 0; i < sizeof(step_cases) / sizeof(step_cases[0]); i++) {
        const struct step_case *row = &step_cases[i];
        open_table((struct options){ 0 });
        struct sl_message message = message_of(SL_LANE_NORMAL, 0);
        message.stamps = row->stamps;
        struct sl_bulletin *bulletin = said_new((struct said){ "a", "1", "text" });
        struct sl_answer answer = { .message = frame_message(0, 0, message), .bulletin_len = bulletin->len, .last = 1 };
        give_answer(0, 0, SL_LANE_NORMAL, answer, bulletin);
        free(bulletin);
        poll_until_idle();
        const struct sl_record *record = read_record(&table.tape);
        cr_expect_eq(!!(record->flags & SL_RECORD_CLOCK_STEPPED), row->stepped, "%s", row->name);
        cr_expect_eq(record->stamps.framed_ns, row->stamps.framed_ns, "%s", row->name);
        cr_expect_eq(tape_book(SL_TAPE_CLOCK_STEPS), row->stepped, "%s", row->name);
        close_table();
    }
}

/* ---- order ---- */

Test(desk, answers_of_three_decoders_come_out_in_the_order_of_their_tickets)
{
    enum { CNT = 60 };
    static const uint8_t orders[][3] = {
        {0,  1, 2},
        { 2, 1, 0},
        { 1, 2, 0}
    };
    char id[16];
    for (unsigned o = 0; o < 3; o++) {
        open_table((struct options){ 0 });
        /* One decoder after the other answers all of its own, while the others are still at it. */
        for (unsigned i = 0; i < 3; i++) {
            unsigned d = orders[o][i];
            for (uint64_t ticket = d; ticket < CNT; ticket += 3) {
                snprintf(id, sizeof(id), "%lu", ticket);
                hand_in(0, d, SL_LANE_NORMAL, ticket, (struct said){ id, "1", "text" });
                if (ticket % 2)
                    poll_desk();
            }
        }
        poll_until_idle();
        for (unsigned ticket = 0; ticket < CNT; ticket++) {
            const struct sl_record *record = read_record(&table.tape);
            cr_assert_not_null(record);
            snprintf(id, sizeof(id), "%u", ticket);
            cr_assert(id_on(record).len == strlen(id) && !memcmp(id_on(record).data, id, strlen(id)), "%u", ticket);
        }
        close_table();
    }
}

Test(desk, a_missing_ticket_keeps_its_lane_waiting_and_no_other)
{
    open_table((struct options){ 0 });
    hand_in(0, 0, SL_LANE_NORMAL, 1, (struct said){ "second", "1", "text" });
    hand_in(0, 0, SL_LANE_BULK, 0, (struct said){ "bulk", "1", "text" });
    hand_in(1, 0, SL_LANE_NORMAL, 0, (struct said){ "other", "1", "text" });
    poll_until_idle();
    cr_expect_str_eq(read_tape(), "passed other, passed bulk");
    hand_in(0, 1, SL_LANE_NORMAL, 0, (struct said){ "first", "1", "text" });
    poll_until_idle();
    cr_expect_str_eq(read_tape(), "passed first, passed second");
    close_table();
}

static void hand_in_many(unsigned source, enum sl_lane lane, unsigned cnt)
{
    char id[32];
    for (unsigned i = 0; i < cnt; i++) {
        snprintf(id, sizeof(id), "%u-%u-%u", source, lane, i);
        hand_in(source, 0, lane, i, (struct said){ id, "1", "text" });
    }
}

static uint64_t lane_book(enum sl_lane lane) { return desk_book(SL_DESK_LANE + lane); }

Test(desk, a_flash_overtakes_ten_thousand_that_were_framed_before_it)
{
    open_table(
        (struct options){ .message_len = 1u << 21, .answer_len = 1u << 23, .window_cnt = 20000, .tape_len = 1u << 24 });
    hand_in_many(0, SL_LANE_BULK, 10000);
    hand_in(0, 0, SL_LANE_FLASH, 0, (struct said){ "flash", "1", "text" });
    poll_until_idle();
    const struct sl_record *record = read_record(&table.tape);
    cr_assert_eq(record->seq, 1);
    cr_expect(record->lane == SL_LANE_FLASH && record->arrival == 10001);
    cr_expect_eq(lane_book(SL_LANE_BULK), 10000);
    close_table();
}

Test(desk, one_round_gives_each_lane_its_turns)
{
    static const struct {
        unsigned waiting[SL_LANE_CNT], served[SL_LANE_CNT];
    } rows[] = {
        {{ 100, 100, 100, 100 }, { 32, 16, 12, 4 } },
        { { 0, 100, 100, 100 },  { 0, 48, 12, 4 }  },
        { { 10, 10, 10, 100 },   { 10, 10, 10, 34 }},
        { { 0, 0, 0, 100 },      { 0, 0, 0, 64 }   },
        { { 100, 0, 0, 100 },    { 32, 0, 0, 32 }  },
        { { 100, 0, 0, 0 },      { 32, 0, 0, 0 }   },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_table((struct options){ 0 });
        for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
            hand_in_many(0, lane, rows[i].waiting[lane]);
        cr_expect(poll_desk() > 0);
        for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
            cr_expect_eq(lane_book(lane), rows[i].served[lane], "row %zu: %s %lu", i, sl_lane_name(lane),
                         lane_book(lane));
        poll_until_idle();
        close_table();
    }
}

Test(desk, receive_threads_take_turns)
{
    open_table((struct options){ 0 });
    hand_in_many(0, SL_LANE_NORMAL, 10);
    hand_in_many(1, SL_LANE_NORMAL, 10);
    poll_until_idle();
    for (unsigned i = 0; i < 20; i++)
        cr_expect_eq(id_on(read_record(&table.tape)).data[0], i % 2 ? '1' : '0');
    close_table();
}

Test(desk, room_in_the_rings_comes_back_with_the_last_answer)
{
    char id[16];
    open_table((struct options){ .message_len = 4096, .answer_len = 8192 });
    for (unsigned i = 0; i < 500; i++) {
        snprintf(id, sizeof(id), "%u", i);
        hand_in(0, 0, SL_LANE_NORMAL, i, (struct said){ id, "1", "text" });
        poll_desk();
    }
    cr_expect_eq(lane_book(SL_LANE_NORMAL), 500);
    close_table();
}

/* ---- gating readers ---- */

static struct sl_seat seats[2] __attribute__((aligned(4096)));

static void sit(uint32_t seat_idx, bool gates)
{
    memset(&seats[seat_idx], 0, sizeof(seats[seat_idx]));
    sl_desk_seat(table.desk, seat_idx, &seats[seat_idx], gates);
    cr_assert(!sl_desk_seats_settled(table.desk));
    for (int i = 0; i < 3; i++) {
        table.now_ns += 1000000;
        poll_desk();
    }
    cr_assert(sl_desk_seats_settled(table.desk));
}

/* Small tape, a reader that has read nothing, and bulletins in NORMAL until the desk will not take any more. */
static uint64_t fill_until_it_waits(uint64_t ticket)
{
    char id[16];
    for (unsigned i = 0; i < 1000; i++, ticket++) {
        snprintf(id, sizeof(id), "%lu", ticket);
        hand_in(0, 0, SL_LANE_NORMAL, ticket, (struct said){ id, "1", "text" });
        if (poll_desk() == -EAGAIN)
            return ticket;
    }
    cr_assert_fail("it never waited");
    return 0;
}

Test(desk, a_late_reader_delays_others_for_the_gate_flash_never_and_is_then_evicted)
{
    open_table((struct options){ .tape_len = 65536 });
    sit(0, true);
    uint64_t ticket = fill_until_it_waits(0);
    uint64_t passed = lane_book(SL_LANE_NORMAL);
    cr_expect_eq(passed, ticket);
    cr_expect_eq(tape_book(SL_TAPE_GATE_WAITS), 1);
    hand_in(0, 0, SL_LANE_FLASH, 0, (struct said){ "flash", "1", "text" });
    cr_expect(poll_desk() > 0, "FLASH has the last eighth");
    cr_expect_eq(lane_book(SL_LANE_FLASH), 1);
    table.now_ns += 99;
    cr_expect_eq(poll_desk(), -EAGAIN, "not yet");
    cr_expect_eq(lane_book(SL_LANE_NORMAL), passed);
    table.now_ns += 1;
    cr_expect(poll_desk() > 0);
    cr_expect_eq(lane_book(SL_LANE_NORMAL), passed + 1);
    cr_expect_eq(tape_book(SL_TAPE_EVICTIONS), 1);
    cr_expect_eq(sl_log_gate_state(&table.tape, 0), SL_GATE_EVICTED);
    cr_expect_eq(tape_book(SL_TAPE_GATE_WAITS), 1);
    close_table();
}

Test(desk, flash_beyond_its_eighth_evicts_at_once)
{
    open_table((struct options){ .tape_len = 65536 });
    sit(0, true);
    fill_until_it_waits(0);
    hand_in_many(0, SL_LANE_FLASH, 60);
    for (int i = 0; i < 10; i++)
        poll_desk();
    cr_expect_eq(lane_book(SL_LANE_FLASH), 60);
    cr_expect_eq(tape_book(SL_TAPE_EVICTIONS), 1);
    poll_until_idle();
    close_table();
}

Test(desk, a_reader_that_reads_in_time_delays_nothing)
{
    char id[16];
    open_table((struct options){ .tape_len = 65536 });
    sit(0, true);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(id, sizeof(id), "%u", i);
        hand_in(0, 0, SL_LANE_NORMAL, i, (struct said){ id, "1", "text" });
        cr_assert(poll_desk() > 0, "%u", i);
        sl_seat_done(&seats[0], sl_log_rx_head(&table.tape) - i % 20);
    }
    cr_expect_eq(tape_book(SL_TAPE_GATE_WAITS), 0);
    cr_expect_eq(tape_book(SL_TAPE_EVICTIONS), 0);
    close_table();
}

Test(desk, a_reader_that_is_always_a_little_late_uses_up_its_gate_once)
{
    open_table((struct options){ .tape_len = 65536 });
    sit(0, true);
    uint64_t ticket = fill_until_it_waits(0), done = 0;
    int turns = 0;
    /* It always makes room for two more, which is never enough for all that wait. */
    for (; turns < 100 && !tape_book(SL_TAPE_EVICTIONS); turns++) {
        char id[16];
        for (int i = 0; i < 3; i++) {
            snprintf(id, sizeof(id), "%lu", ++ticket);
            hand_in(0, 0, SL_LANE_NORMAL, ticket, (struct said){ id, "1", "text" });
        }
        sl_seat_done(&seats[0], done += 2);
        table.now_ns += 5;
        poll_until_idle();
    }
    cr_expect_eq(turns, 20, "evicted in turn %d; the gate is 100 ns, a turn 5", turns);
    cr_expect_eq(tape_book(SL_TAPE_GATE_WAITS), 1);
    poll_until_idle();
    close_table();
}

Test(desk, a_reader_that_caught_up_has_its_gate_anew)
{
    open_table((struct options){ .tape_len = 65536 });
    sit(0, true);
    uint64_t ticket = fill_until_it_waits(0);
    table.now_ns += 90;
    sl_seat_done(&seats[0], sl_log_rx_head(&table.tape));
    poll_until_idle();
    ticket = fill_until_it_waits(ticket + 1);
    table.now_ns += 99;
    cr_expect_eq(poll_desk(), -EAGAIN);
    cr_expect_eq(tape_book(SL_TAPE_GATE_WAITS), 2);
    cr_expect_eq(tape_book(SL_TAPE_EVICTIONS), 0);
    table.now_ns += 1;
    poll_until_idle();
    cr_expect_eq(tape_book(SL_TAPE_EVICTIONS), 1);
    close_table();
}

Test(desk, a_held_bulletin_waits_for_room_as_others_do)
{
    open_table((struct options){ .tape_len = 65536 });
    sit(0, true);
    int64_t until_ns = table.now_ns + 50;
    hand_in(0, 0, SL_LANE_BULK, 0, (struct said){ "held", "1", "text", HELD, .until = until_ns });
    poll_until_idle();
    fill_until_it_waits(0);
    uint64_t head = sl_log_rx_head(&table.tape);
    table.now_ns = until_ns;
    cr_expect_eq(poll_desk(), -EAGAIN);
    cr_expect_eq(sl_log_rx_head(&table.tape), head);
    cr_expect_eq(desk_book(SL_DESK_HELD_NOW), 1);
    sl_seat_done(&seats[0], head);
    poll_until_idle();
    cr_expect_eq(desk_book(SL_DESK_VERDICT + SL_VERDICT_RELEASED), 1);
    cr_expect_eq(desk_book(SL_DESK_HELD_NOW), 0);
    close_table();
}

Test(desk, what_waits_for_the_tape_is_on_the_raw_log_once)
{
    open_table((struct options){ .tape_len = 65536 });
    sit(0, true);
    fill_until_it_waits(0);
    for (int i = 0; i < 10; i++)
        poll_desk();
    sl_seat_done(&seats[0], sl_log_rx_head(&table.tape));
    poll_until_idle();
    cr_expect_eq(tape_book(SL_TAPE_RAW_LAST_SEQ), tape_book(SL_TAPE_LAST_SEQ));
    close_table();
}

Test(desk, a_seat_that_lies_is_counted_and_not_believed)
{
    open_table((struct options){ .tape_len = 65536 });
    sit(0, true);
    hand_in_many(0, SL_LANE_NORMAL, 4);
    poll_until_idle();
    sl_seat_done(&seats[0], 4000);
    hand_in_many(1, SL_LANE_NORMAL, 4);
    poll_until_idle();
    cr_expect_eq(tape_book(SL_TAPE_SEAT_LIES), 1);
    close_table();
}

/* ---- readers that sleep ---- */

Test(desk, a_sleeper_is_handed_to_the_waker_and_nobody_else_is)
{
    open_table((struct options){ 0 });
    table.waker.logs[0] = sl_desk_tape(table.desk);
    table.waker.log_cnt = 1;
    sit(0, false);
    hand_in(0, 0, SL_LANE_NORMAL, 0, (struct said){ "a", "1", "text" });
    poll_until_idle();
    cr_expect_eq(sl_waker_poll(&table.waker, 0), 0, "nobody sleeps");
    seats[0].asleep = 1; /* on the wake word as it is at first, 0, plus 1 */
    hand_in(0, 0, SL_LANE_NORMAL, 1, (struct said){ "b", "1", "text" });
    poll_until_idle();
    cr_expect_eq(sl_waker_poll(&table.waker, 0), 1);
    cr_expect_eq(sl_waker_poll(&table.waker, 0), 0, "once is enough");
    cr_expect_eq(tape_book(SL_TAPE_WAKES), 1);
    close_table();
}

Test(desk, a_reader_that_slept_before_its_seat_was_known_is_woken_too)
{
    open_table((struct options){ 0 });
    table.waker.logs[0] = sl_desk_tape(table.desk);
    table.waker.log_cnt = 1;
    hand_in(0, 0, SL_LANE_NORMAL, 0, (struct said){ "a", "1", "text" });
    poll_until_idle();
    memset(&seats[0], 0, sizeof(seats[0]));
    seats[0].asleep = 1;
    sl_desk_seat(table.desk, 0, &seats[0], false);
    table.now_ns += 1000000;
    poll_desk();
    cr_expect_eq(sl_waker_poll(&table.waker, 0), 1);
    close_table();
}

/* ---- what killed the walk before ---- */

/* A message of the second file, which says this, or is a reject. */
static void hand_in_of_file(uint64_t ticket, const char *id, const char *text)
{
    struct sl_bulletin *bulletin = said_new((struct said){ id ? id : "none", "1", text });
    struct sl_message message = message_of(SL_LANE_NORMAL, ticket);
    message.ack = 2;
    struct sl_answer answer = { .message = frame_message(0, 0, message), .last = 1 };
    if (id) {
        answer.what = SL_ANSWER_BULLETIN;
        answer.bulletin_len = bulletin->len;
    } else {
        answer.what = SL_ANSWER_REJECT;
        answer.code = SL_PARSE_BAD_HEADER;
        answer.err_off = (uint32_t)ticket;
        answer.want = text;
    }
    acks[1].framed++;
    give_answer(0, 0, SL_LANE_NORMAL, answer, bulletin);
    free(bulletin);
}

Test(desk, a_file_is_told_what_became_of_its_messages)
{
    open_table((struct options){ 0 });
    sl_ack_reset(&acks[0]);
    sl_ack_reset(&acks[1]);
    hand_in(0, 0, SL_LANE_NORMAL, 0, (struct said){ "a", "1", "text" });
    hand_in_of_file(1, "a", "text");
    hand_in_of_file(2, "b", "text");
    hand_in_of_file(3, NULL, "a header");
    hand_in_of_file(4, NULL, "something else");
    cr_expect_not(sl_ack_is_settled(&acks[1]));
    poll_until_idle();
    cr_expect(sl_ack_is_settled(&acks[1]));
    cr_expect(acks[1].bulletins == 2 && acks[1].duplicates == 1 && acks[1].rejected == 2 && !acks[1].held);
    cr_expect(acks[1].code == SL_PARSE_BAD_HEADER && acks[1].off == 3, "the first reject");
    cr_expect_str_eq(acks[1].want, "a header");
    cr_expect(acks[1].tape.first == 2 && acks[1].tape.last == sl_log_rx_head(&table.tape));
    cr_expect_eq(acks[0].answered, 0, "another file, and what is of none");
    close_table();
}

Test(desk, what_the_walk_before_published_is_a_duplicate_and_its_kills_count)
{
    open_table((struct options){ 0 });
    struct sl_bulletin *seen = said_new((struct said){ "a", "1", "text" });
    struct sl_bulletin *kill = said_new((struct said){ "k", KILLS = "b" });
    sl_desk_remember(table.desk, seen, 1);
    sl_desk_remember(table.desk, seen, 1);
    sl_desk_remember(table.desk, kill, 1);
    hand_in(0, 0, SL_LANE_NORMAL, 0, (struct said){ "a", "1", "text" });
    hand_in(0, 0, SL_LANE_NORMAL, 1, (struct said){ "b", "1", "text" });
    hand_in(0, 0, SL_LANE_NORMAL, 2, (struct said){ "a", "2", "more" });
    poll_until_idle();
    cr_expect_str_eq(read_tape(), "withdrawn b, passed a");
    free(seen);
    free(kill);
    close_table();
}

Test(desk, takes_up_what_killed_the_walk_before)
{
    struct sl_crash_note note = { .hash = 7, .len = 5000, .feed = 1, .line = 2, .lane = SL_LANE_URGENT };
    struct sl_crash_note none = { .hash = 0, .len = 10 }, stray = { .hash = 7, .len = 10, .feed = 2 };
    memset(note.head, 'z', sizeof(note.head));
    open_table((struct options){ 0 });
    sl_desk_crashed(table.desk, &none);
    sl_desk_crashed(table.desk, &stray);
    sl_desk_crashed(table.desk, &note);
    const struct sl_record *record = read_record(&table.tape);
    cr_assert_not_null(record);
    const struct sl_notice *kept = (const void *)(record + 1);
    cr_expect(record->kind == SL_RECORD_REJECT && record->feed == 1 && record->line == 2 && record->raw_seq == 1);
    cr_expect(kept->code == SL_PARSE_REFUSED && kept->cnt == 5000);
    cr_expect_null(read_record(&table.tape));
    record = read_record(&table.raw);
    cr_expect_eq(record->len, sizeof(*record) + sizeof(note.head));
    close_table();
}

Test(desk, refuses_logs_that_are_none_or_too_small)
{
    struct sl_decoder_rings none = { 0 };
    struct sl_desk *desk;
    static unsigned char zeros[4096] __attribute__((aligned(128)));
    open_table((struct options){ .tape_len = 65536 });
    struct sl_desk_config config = {
        .feeds = table.feeds, .feed_cnt = 2, .tape = zeros, .window_cnt = 8, .tombstone_cnt = 8, .books = &table.books
    };
    cr_expect_eq(sl_desk_init(&desk, &config), -EPROTO);
    config.tape = table.tape_mem;
    config.raw = table.raw_mem;
    table.feeds[1].message_max = 65536;
    cr_expect_eq(sl_desk_init(&desk, &config), -EINVAL, "a message longer than a quarter of the raw log");
    table.feeds[1].message_max = 4096;
    config.sources[0] = (struct sl_desk_source){ .decoders = &none, .decoder_cnt = 1 };
    config.source_cnt = 1;
    cr_expect_eq(sl_desk_init(&desk, &config), -EINVAL);
    config.source_cnt = SL_RXS_MAX + 1;
    cr_expect_eq(sl_desk_init(&desk, &config), -EINVAL);
    close_table();
}
