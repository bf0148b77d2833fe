#include "pipeline/stages.h"
#include "tests/pipeline/rings.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* A format for this test: each byte of a message says what the parser does next.  b: a bulletin; B: one of 2,500
 * bytes and more; x: a reject there; c: the parser crashes, that is, the handler of the signal is called; the end:
 * no more. */
static struct sl_decode *decode;

static enum sl_parse_code next_of_script(struct sl_parse *parse)
{
    if (parse->cursor == parse->len)
        return SL_PARSE_END;
    char what = (char)parse->data[parse->cursor];
    if (what == 'x')
        return sl_reject(parse, SL_PARSE_BAD_HEADER, parse->cursor, "anything but this");
    if (what == 'c')
        sl_decode_crashed(decode);
    char id[16];
    int len = snprintf(id, sizeof(id), "%u", parse->cursor++);
    sl_out_root(&parse->out)->kind = SL_KIND_NEWS;
    sl_out_text(&parse->out, SL_TEXT_PROVIDER, "agency", 6);
    sl_out_text(&parse->out, SL_TEXT_ID, id, (uint32_t)len);
    sl_out_open(&parse->out);
    for (int i = 0; what == 'B' && i < 2500; i++)
        sl_out_putc(&parse->out, 'a');
    sl_out_set(&parse->out, SL_TEXT_BODY, sl_out_close(&parse->out));
    return SL_PARSE_OK;
}

static int recognize_none(const uint8_t *data, uint32_t len) { return (void)data, (void)len, 0; }
static unsigned peek_none(const uint8_t *data, uint32_t len) { return (void)data, (void)len, 0; }

static const struct sl_format script = { 99, "script", "this test", recognize_none, peek_none,
                                        next_of_script, NULL };
static const struct sl_feed feeds[] = {
    {.name = "feed", .format = &script, .message_max = 65536}
};
static const int64_t now_ns = 1000;
static const struct sl_clock clock_at = { &now_ns };
static struct rings rings;
static struct sl_crash_note note;
static uint64_t ticket;

static void open_decode(uint32_t message_len, uint32_t answer_len)
{
    rings = new_rings(message_len, answer_len);
    struct sl_decode_config config = {
        .feeds = feeds, .feed_cnt = 1, .rings = rings.of, .message_max = 65536, .clock = &clock_at, .note = &note
    };
    cr_assert_eq(sl_decode_init(&decode, &config), 0);
    memset(&note, 0, sizeof(note));
    ticket = 0;
}

static void close_decode(void)
{
    sl_decode_fini(decode);
    free_rings(&rings);
}

static void send_message(enum sl_lane lane, const char *bytes, enum sl_cut cut)
{
    struct sl_message message = {
        .ticket = ticket++, .len = (uint32_t)strlen(bytes), .lane = (uint8_t)lane, .cut = (uint8_t)cut, .line = 7
    };
    cr_assert(put_message(&rings, message, bytes));
}

/* Takes one answer as the desk would; false when there is none. */
static bool take(struct sl_spsc_rx *rx, struct sl_answer *answer)
{
    uint32_t len;
    const struct sl_answer *seen = sl_spsc_peek(rx, &len);
    if (!seen)
        return false;
    *answer = *seen;
    cr_assert_eq(len, sizeof(*answer) + answer->bulletin_len);
    if (answer->what == SL_ANSWER_BULLETIN)
        cr_assert_eq(((const struct sl_bulletin *)(const void *)(seen + 1))->len, answer->bulletin_len);
    sl_spsc_release(rx->shm, sl_spsc_next(rx));
    return true;
}

static struct sl_spsc_rx answers_of(enum sl_lane lane)
{
    struct sl_spsc_rx rx;
    cr_assert_eq(sl_spsc_join_rx(&rx, rings.of.lane[lane].answer), 0);
    return rx;
}

/* What the desk sees: b a bulletin, n nothing, x a reject; capital where it is marked as the last. */
static const struct said_case {
    const char *name, *message, *answers;
    enum sl_cut cut;
    enum sl_parse_code code;
    uint32_t err_off;
} said_cases[] = {
    {"none",                            "",           "N",          SL_CUT_NOT,       SL_PARSE_OK,         0},
    { "one",                            "b",          "B",          SL_CUT_NOT,       SL_PARSE_OK,         0},
    { "three",                          "bbb",        "bbB",        SL_CUT_NOT,       SL_PARSE_OK,         0},
    { "eight, the last as a turn ends", "bbbbbbbb",   "bbbbbbbbN",  SL_CUT_NOT,       SL_PARSE_OK,         0},
    { "more than a turn",               "bbbbbbbbbb", "bbbbbbbbbB", SL_CUT_NOT,       SL_PARSE_OK,         0},
    { "a reject",                       "x",          "X",          SL_CUT_NOT,       SL_PARSE_BAD_HEADER, 0},
    { "a reject after two",             "bbx",        "bbX",        SL_CUT_NOT,       SL_PARSE_BAD_HEADER, 2},
    { "nothing after a reject",         "xb",         "X",          SL_CUT_NOT,       SL_PARSE_BAD_HEADER, 0},
    { "too long",                       "bb",         "X",          SL_CUT_TOO_LONG,  SL_PARSE_TOO_LARGE,  2},
    { "timeout",                        "bb",         "X",          SL_CUT_TIMEOUT,   SL_PARSE_CUT,        2},
    { "line down",                      "b",          "X",          SL_CUT_LINE_DOWN, SL_PARSE_CUT,        1},
    { "new start",                      "b",          "X",          SL_CUT_NEW_START, SL_PARSE_CUT,        1},
    { "noise",                          "b",          "X",          SL_CUT_NOISE,     SL_PARSE_BAD_FRAME,  0},
    { "refused",                        "b",          "X",          SL_CUT_REFUSED,   SL_PARSE_REFUSED,    0},
};

static char letter_of(const struct sl_answer *answer)
{
    char letter = "bnx"[answer->what];
    return answer->last ? (char)(letter - 'a' + 'A') : letter;
}

Test(decode, answers_each_message_once_and_marks_the_last_part)
{
    for (size_t i = 0; i < sizeof(said_cases) / sizeof(said_cases[0]); i++) {
        const struct said_case *row = &said_cases[i];
        char got[32] = "";
        struct sl_answer answer = { 0 };
        open_decode(65536, 1u << 20);
        struct sl_spsc_rx rx = answers_of(SL_LANE_NORMAL);
        send_message(SL_LANE_NORMAL, row->message, row->cut);
        while (sl_decode_poll(decode, 0) > 0)
            ;
        for (uint32_t part = 0; part < 31 && take(&rx, &answer); part++) {
            got[part] = letter_of(&answer);
            cr_expect_eq(answer.part, part, "%s", row->name);
            cr_expect_eq(answer.decoded_ns, now_ns);
        }
        cr_expect_str_eq(got, row->answers, "%s: %s, not %s", row->name, got, row->answers);
        if (answer.what == SL_ANSWER_REJECT) {
            cr_expect_eq(answer.code, row->code, "%s: code %u", row->name, answer.code);
            cr_expect_eq(answer.err_off, row->err_off, "%s: off %u", row->name, answer.err_off);
            cr_expect(answer.want && answer.want[0], "%s: says what was expected", row->name);
        }
        close_decode();
    }
}

Test(decode, a_full_answer_ring_pauses_a_message_where_it_is)
{
    enum { CNT = 200 };
    char bytes[CNT + 1];
    memset(bytes, 'b', CNT);
    bytes[CNT] = '\0';
    open_decode(65536, 4096);
    struct sl_spsc_rx rx = answers_of(SL_LANE_BULK);
    struct sl_answer answer = { 0 };
    uint32_t part = 0, paused = 0;
    send_message(SL_LANE_BULK, bytes, SL_CUT_NOT);
    send_message(SL_LANE_BULK, "b", SL_CUT_NOT);
    for (uint32_t turn = 0; turn < 10 * CNT && part <= CNT; turn++) {
        paused += sl_decode_poll(decode, 0) == -EAGAIN;
        if (!take(&rx, &answer))
            continue;
        if (answer.what == SL_ANSWER_NOTHING) /* the end came after its last bulletin had gone out */
            cr_assert(answer.last && answer.part == CNT);
        else
            cr_assert_eq(answer.part, part == CNT ? 0 : part);
        part += answer.what == SL_ANSWER_BULLETIN;
    }
    cr_expect_eq(part, CNT + 1, "%u bulletins", part);
    cr_expect(paused > 10, "it paused %u times", paused);
    close_decode();
}

Test(decode, a_bulletin_longer_than_the_ring_takes_is_a_reject)
{
    open_decode(65536, 4096);
    struct sl_spsc_rx rx = answers_of(SL_LANE_NORMAL);
    struct sl_answer answer;
    send_message(SL_LANE_NORMAL, "B", SL_CUT_NOT);
    send_message(SL_LANE_NORMAL, "b", SL_CUT_NOT);
    sl_decode_poll(decode, 0);
    cr_assert(take(&rx, &answer));
    cr_expect_eq(letter_of(&answer), 'X');
    cr_expect_eq(answer.code, SL_PARSE_TOO_LARGE);
    sl_decode_poll(decode, 0);
    cr_assert(take(&rx, &answer));
    cr_expect_eq(letter_of(&answer), 'B', "the next message is fine");
    close_decode();
}

Test(decode, flash_goes_on_while_bulk_waits_for_room)
{
    open_decode(65536, 4096);
    struct sl_spsc_rx rx = answers_of(SL_LANE_FLASH);
    struct sl_answer answer;
    send_message(SL_LANE_BULK, "bbbbbbbbbbbbbbbb", SL_CUT_NOT);
    while (sl_decode_poll(decode, 0) > 0)
        ;
    cr_assert_eq(sl_decode_poll(decode, 0), -EAGAIN, "bulk has no room");
    send_message(SL_LANE_FLASH, "b", SL_CUT_NOT);
    cr_expect(sl_decode_poll(decode, 0) > 0);
    cr_expect(take(&rx, &answer) && letter_of(&answer) == 'B');
    close_decode();
}

Test(decode, one_poll_is_bounded_and_begins_with_flash)
{
    open_decode(1u << 20, 1u << 21);
    for (int i = 0; i < 500; i++)
        send_message(SL_LANE_BULK, "b", SL_CUT_NOT);
    send_message(SL_LANE_FLASH, "b", SL_CUT_NOT);
    int served = sl_decode_poll(decode, 0);
    struct sl_spsc_rx flash = answers_of(SL_LANE_FLASH);
    struct sl_answer answer;
    cr_expect(served > 1 && served <= 96, "%d", served);
    cr_expect(take(&flash, &answer));
    close_decode();
}

Test(decode, the_crash_note_names_the_message_that_was_being_parsed)
{
    open_decode(65536, 1u << 20);
    sl_decode_crashed(decode);
    cr_expect_eq(note.hash, 0, "between messages nobody is to blame");
    send_message(SL_LANE_URGENT, "bc", SL_CUT_NOT);
    sl_decode_poll(decode, 0);
    cr_expect_eq(note.hash, XXH3_64bits("bc", 2));
    cr_expect_eq(note.len, 2);
    cr_expect_eq(note.line, 7);
    cr_expect_eq(note.lane, SL_LANE_URGENT);
    cr_expect_arr_eq(note.head, "bc", 2);
    close_decode();
}

Test(decode, an_answer_wakes_the_desk)
{
    struct sl_bell bell;
    cr_assert_eq(sl_bell_init(&bell), 0);
    rings = new_rings(65536, 1u << 20);
    struct sl_decode_config config = {
        .feeds = feeds, .feed_cnt = 1, .rings = rings.of, .clock = &clock_at, .desk_bell = &bell
    };
    cr_assert_eq(sl_decode_init(&decode, &config), 0);
    sl_bell_arm(&bell);
    sl_decode_poll(decode, 0);
    cr_expect(atomic_load(&bell.armed), "nothing came, nothing rang");
    send_message(SL_LANE_NORMAL, "b", SL_CUT_NOT);
    sl_decode_poll(decode, 0);
    cr_expect_not(atomic_load(&bell.armed));
    close_decode();
    sl_bell_fini(&bell);
}

Test(decode, a_ring_too_short_for_a_bulletin_is_refused)
{
    struct sl_decoder_rings none = { 0 };
    struct sl_decode_config config = { .feeds = feeds, .feed_cnt = 1, .rings = none };
    cr_expect_eq(sl_decode_init(&decode, &config), -EINVAL);
}
