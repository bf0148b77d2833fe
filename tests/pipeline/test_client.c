#include "pipeline/filter.h"
#include "tests/pipeline/fake_daemon.h"

/* ---- reading ---- */

Test(client, a_bulletin_comes_whole_with_what_the_tape_knows_of_it)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    publish(fake, "First");
    expect_headline(reader, "First");
    cr_expect_eq(event.epoch, 0xe1);
    cr_expect_eq(event.seq, 1);
    cr_expect_str_eq(event.feed, "hot");
    cr_expect_eq(event.lane, SL_LANE_URGENT);
    cr_expect_eq(event.flags, SL_RECORD_AFTER_GAP);
    cr_expect(event.arrival == 77 && event.raw_seq == 3 && event.line == 2 && event.part == 4);
    cr_expect(event.stamps.wire_ns == 1000 && event.stamps.rx_ns == 2000 && event.stamps.first_ns == 3000 &&
              event.stamps.framed_ns == 4000 && event.stamps.decoded_ns == 5000 && event.stamps.published_ns == 6000);
    cr_expect_gt(event.stamps.read_ns, 1600000000000000000ll);
    expect_none(reader);
    const struct sl_seat *seat = fake->seat_mem.addr;
    cr_expect_eq(atomic_load(&seat->read_seq), 1);
    cr_expect_str_eq(seat->name, "a test");
    cr_expect_eq(strncmp(fake->hello.name, "a test", sizeof(fake->hello.name)), 0);
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_reader_starts_where_it_was_told)
{
    static const struct row {
        const char *name;
        struct sl_reader_options options;
        const char *first; /* of "1" to "20", published at 100, 200, 300 ...; NULL: what comes next */
    } rows[] = {
        {"now",                { .from = SL_FROM_NOW },                           NULL},
        { "oldest",            { .from = SL_FROM_OLDEST },                        "1" },
        { "seq",               { .from = SL_FROM_SEQ, .seq = 7 },                 "7" },
        { "seq of this epoch", { .from = SL_FROM_SEQ, .epoch = 0xe1, .seq = 20 }, "20"},
        { "seq 0",             { .from = SL_FROM_SEQ, .seq = 0 },                 "1" },
        { "the next seq",      { .from = SL_FROM_SEQ, .seq = 21 },                NULL},
        { "long ago",          { .from = SL_FROM_TIME, .time_ns = -5 },           "1" },
        { "the first",         { .from = SL_FROM_TIME, .time_ns = 100 },          "1" },
        { "a little later",    { .from = SL_FROM_TIME, .time_ns = 101 },          "2" },
        { "in the middle",     { .from = SL_FROM_TIME, .time_ns = 1250 },         "13"},
        { "the last",          { .from = SL_FROM_TIME, .time_ns = 2000 },         "20"},
        { "the future",        { .from = SL_FROM_TIME, .time_ns = 2001 },         NULL},
    };
    struct fake *fake = start(1 << 20, HONEST);
    char name[8];

    for (int i = 1; i <= 20; i++) {
        snprintf(name, sizeof(name), "%d", i);
        publish_at(fake, name, 10, i * 100);
    }
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct sl_reader *reader = join(fake, rows[r].options);
        cr_assert_eq(sl_reader_next(reader, &event, 0), 0);
        cr_expect_eq(event.type, rows[r].first ? SL_EVENT_BULLETIN : SL_EVENT_NONE, "%s", rows[r].name);
        cr_expect_eq(event.seq, rows[r].first ? strtoull(rows[r].first, NULL, 10) : 0, "%s: %" PRIu64, rows[r].name,
                     event.seq);
        sl_reader_close(reader);
        hang_up(fake);
    }
    stop(fake);
}

Test(client, a_time_that_was_overwritten_starts_at_what_is_left)
{
    struct fake *fake = start(65536, HONEST);
    for (int i = 1; i <= 500; i++)
        publish_at(fake, "x", 2000, i * 100);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_TIME, .time_ns = 700 });
    expect_event(reader, SL_EVENT_BULLETIN);
    cr_expect(event.seq > 450 && event.seq <= 500, "%" PRIu64, event.seq);
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_place_of_another_epoch_is_told_before_the_oldest_comes)
{
    struct fake *fake = start(65536, HONEST);
    publish(fake, "one");
    publish(fake, "two");
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_SEQ, .epoch = 0xbad, .seq = 2 });
    expect_event(reader, SL_EVENT_EPOCH);
    cr_expect_eq(event.epoch, 0xe1);
    expect_headline(reader, "one");
    sl_reader_close(reader);
    stop(fake);
}

Test(client, notices_come_only_to_those_who_asked)
{
    struct fake *fake = start(65536, HONEST);
    publish_notice(fake, SL_RECORD_REJECT, "urgency 1 to 9");
    publish(fake, "news");
    struct sl_reader *plain = join(fake, (struct sl_reader_options){ .from = SL_FROM_OLDEST });
    expect_headline(plain, "news");
    sl_reader_close(plain);
    hang_up(fake);
    struct sl_reader *curious = join(fake, (struct sl_reader_options){ .from = SL_FROM_OLDEST, .notices = 1 });
    expect_event(curious, SL_EVENT_NOTICE);
    cr_expect(event.kind == SL_RECORD_REJECT && event.notice_first == 11 && event.notice_cnt == 2 &&
              event.notice_until_ns == 99 && event.notice_code == SL_PARSE_BAD_HEADER && event.notice_off == 42);
    cr_expect(event.notice_text.len == 14 && !memcmp(event.notice_text.data, "urgency 1 to 9", 14));
    expect_headline(curious, "news");
    sl_reader_close(curious);
    stop(fake);
}

Test(client, what_a_notice_quotes_is_cut_before_control_characters)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .notices = 1 });
    publish_notice(fake, SL_RECORD_HELD, "id\x1b[31m");
    expect_event(reader, SL_EVENT_NOTICE);
    cr_expect_eq(event.notice_text.len, 2);
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_lapped_reader_is_told_the_exact_range)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    uint64_t next = 1, missed_cnt = 0;

    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 300; i++)
            publish_at(fake, "x", 700, 1);
        for (sl_reader_next(reader, &event, 0); event.type != SL_EVENT_NONE; sl_reader_next(reader, &event, 0)) {
            cr_assert_eq(event.type == SL_EVENT_MISSED ? event.missed_first : event.seq, next);
            missed_cnt += event.type == SL_EVENT_MISSED ? event.missed_last + 1 - next : 0;
            next = (event.type == SL_EVENT_MISSED ? event.missed_last : event.seq) + 1;
        }
        cr_assert_eq(next, sl_log_head(&fake->tape) + 1);
    }
    cr_expect_gt(missed_cnt, 1000);
    const struct sl_seat *seat = fake->seat_mem.addr;
    cr_expect_eq(atomic_load(&seat->missed_cnt), missed_cnt);
    sl_reader_close(reader);
    stop(fake);
}

Test(client, records_longer_than_any_before_come_whole)
{
    struct fake *fake = start(1 << 20, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    static const uint32_t lens[] = { 10, 60000, 64000, 66000, 130000, 200000, 250000, 10 };

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        publish_at(fake, "long", lens[i], 1);
        expect_headline(reader, "long");
        cr_expect_eq(sl_bulletin_text(event.bulletin, SL_TEXT_BODY).len, lens[i]);
    }
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_record_that_slugline_would_not_write_is_missed_alone)
{
    static const struct row {
        const char *name;
        size_t off;
        uint8_t len;
        uint64_t value;
        bool fine;
    } rows[] = {
#define RECORD(member, value) offsetof(struct sl_record, member), sizeof(((struct sl_record *)0)->member), value
#define BULLETIN(member, value)                                                                                        \
    sizeof(struct sl_record) + offsetof(struct sl_bulletin, member), sizeof(((struct sl_bulletin *)0)->member), value
        {"as it is",            RECORD(kind,                 SL_KIND_NEWS),         true },
        { "late",               RECORD(verdict,              SL_VERDICT_LATE),      true },
        { "last lane",          RECORD(lane,                 SL_LANE_BULK),         true },
        { "first feed",         RECORD(feed,                 0),                    true },
        { "other flags",        RECORD(flags,                UINT32_MAX),           true },
        { "lane",               RECORD(lane,                 SL_LANE_CNT),          false},
        { "kind 0",             RECORD(kind,                 0),                    false},
        { "kind of nobody",     RECORD(kind,                 SL_KIND_CNT),          false},
        { "raw kind",           RECORD(kind,                 SL_RECORD_RAW),        false},
        { "notice passed",      RECORD(kind,                 SL_RECORD_GAP),        false},
        { "duplicate",          RECORD(verdict,              SL_VERDICT_DUPLICATE), false},
        { "made bulletin",      RECORD(verdict,              SL_VERDICT_MADE),      false},
        { "no verdict",         RECORD(verdict,              0),                    false},
        { "feed",               RECORD(feed,                 2),                    false},
        { "epoch",              RECORD(epoch,                0xe2),                 false},
        { "wire source",        RECORD(wire_source,          200),                  false},
        { "bulletin length",    BULLETIN(len,                1 << 30),              false},
        { "bulletin layout",    BULLETIN(layout,             9),                    false},
        { "bulletin reference", BULLETIN(text[SL_TEXT_BODY], 0xffffffff0000ull),    false},
    };
    struct fake *fake = start(1 << 20, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .notices = 1 });

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        begin_record(fake, SL_KIND_NEWS, SL_VERDICT_PASSED);
        uint32_t len = (uint32_t)sizeof(struct sl_record) + write_bulletin("odd", 10);
        memcpy(record_mem + rows[r].off, &rows[r].value, rows[r].len);
        uint64_t seq = put_record(&fake->tape, len);
        publish(fake, "next");
        expect_event(reader, rows[r].fine ? SL_EVENT_BULLETIN : SL_EVENT_MISSED);
        cr_expect_eq(event.seq, seq, "%s", rows[r].name);
        cr_expect(rows[r].fine || (event.missed_first == seq && event.missed_last == seq && !event.bulletin), "%s",
                  rows[r].name);
        expect_headline(reader, "next");
    }
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_record_shorter_than_its_header_is_missed_alone)
{
    static const uint32_t lens[] = { 16, 64, 127, 128, 129, sizeof(struct sl_record) + sizeof(struct sl_bulletin) - 1 };
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .notices = 1 });

    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
        for (unsigned notice = 0; notice < 2; notice++) {
            if (notice && lens[i] > 160)
                continue;
            begin_record(fake, notice ? SL_RECORD_REJECT : SL_KIND_NEWS, notice ? SL_VERDICT_MADE : SL_VERDICT_PASSED);
            write_bulletin("short", 10);
            uint64_t seq = put_record(&fake->tape, lens[i]);
            expect_event(reader, SL_EVENT_MISSED);
            cr_expect(event.missed_first == seq && event.missed_last == seq, "%u", lens[i]);
        }
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_notice_whose_text_is_longer_than_it_is_missed_alone)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .notices = 1 });
    struct sl_record *record = begin_record(fake, SL_RECORD_REJECT, SL_VERDICT_MADE);
    struct sl_notice *notice = (struct sl_notice *)(record + 1);
    *notice = (struct sl_notice){ .text_len = 5 };
    put_record(&fake->tape, sizeof(*record) + offsetof(struct sl_notice, text) + 4);
    expect_event(reader, SL_EVENT_MISSED);
    notice->text_len = UINT32_MAX;
    put_record(&fake->tape, sizeof(*record) + offsetof(struct sl_notice, text) + 4);
    expect_event(reader, SL_EVENT_MISSED);
    notice->text_len = 4;
    memcpy(notice->text, "fine", 4);
    put_record(&fake->tape, sizeof(*record) + offsetof(struct sl_notice, text) + 4);
    expect_event(reader, SL_EVENT_NOTICE);
    sl_reader_close(reader);
    stop(fake);
}

/* ---- waiting ---- */

static void *publish_once_somebody_sleeps(void *arg)
{
    struct fake *fake = arg;
    const struct sl_seat *seat = fake->seat_mem.addr;
    while (!atomic_load(&seat->asleep))
        sched_yield();
    publish(fake, "wake up");
    return NULL;
}

Test(client, a_sleeping_reader_is_woken_by_what_is_published)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    pthread_t thread;
    sl_log_poll_gates(&fake->tape);
    pthread_create(&thread, NULL, publish_once_somebody_sleeps, fake);
    expect_headline(reader, "wake up");
    pthread_join(thread, NULL);
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_timeout_passes_with_nothing)
{
    static const struct sl_reader_options rows[] = { { .spin = 0 }, { .spin = 1 } };
    for (size_t r = 0; r < 2; r++) {
        struct fake *fake = start(65536, HONEST);
        struct sl_reader *reader = join(fake, rows[r]);
        expect_none(reader);
        cr_assert_eq(sl_reader_next(reader, &event, 3000000), 0);
        cr_expect_eq(event.type, SL_EVENT_NONE);
        publish(fake, "then");
        expect_headline(reader, "then");
        sl_reader_close(reader);
        stop(fake);
    }
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    return poll(&poll_fd, 1, timeout_ms) == 1;
}

Test(client, an_armed_descriptor_tells_of_news_and_of_the_end)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    int fd = sl_reader_fd(reader);
    cr_assert_geq(fd, 0);
    sl_log_poll_gates(&fake->tape);
    for (int i = 0; i < 20; i++) {
        expect_none(reader);
        cr_assert_eq(sl_reader_arm(reader), 0);
        cr_assert(i || !is_readable(fd, 0));
        publish(fake, "news");
        cr_assert(is_readable(fd, 20000));
        expect_headline(reader, "news");
    }
    publish(fake, "already");
    cr_expect_eq(sl_reader_arm(reader), 1);
    expect_headline(reader, "already");
    cr_assert_eq(sl_reader_arm(reader), 0);
    /* next sleeps by the descriptor as well once it was armed. */
    cr_assert_eq(sl_reader_next(reader, &event, 2000000), 0);
    cr_expect_eq(event.type, SL_EVENT_NONE);
    cr_assert_eq(sl_reader_arm(reader), 0);
    die(fake);
    cr_assert(is_readable(fd, 20000));
    expect_gone(reader);
    /* Later it asks to be called again, so that somebody looks for the daemon. */
    int armed = sl_reader_arm(reader);
    cr_assert(armed == 1 || is_readable(fd, 20000));
    start_again(fake, 0xe2);
    publish(fake, "of the next");
    int rc;
    while ((rc = sl_reader_next(reader, &event, 0)) == -EPIPE)
        cr_assert(sl_reader_arm(reader) == 1 || is_readable(fd, 20000));
    cr_assert_eq(rc, 0);
    cr_expect_eq(event.type, SL_EVENT_EPOCH);
    expect_headline(reader, "of the next");
    cr_expect_eq(sl_reader_fd(reader), fd);
    sl_reader_close(reader);
    stop(fake);
}

/* ---- the daemon goes and comes ---- */

Test(client, the_old_tape_is_read_to_its_end_and_the_new_one_from_its_start)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    publish(fake, "one");
    expect_headline(reader, "one");
    publish(fake, "two");
    publish(fake, "three");
    die(fake);
    expect_headline(reader, "two");
    expect_headline(reader, "three");
    expect_gone(reader);
    expect_gone(reader);
    cr_expect_eq(sl_reader_next(reader, &event, 0), -EPIPE);
    start_again(fake, 0xe2);
    publish(fake, "four");
    publish(fake, "five");
    rejoin(reader);
    cr_assert_eq(event.type, SL_EVENT_EPOCH);
    cr_expect_eq(event.epoch, 0xe2);
    expect_headline(reader, "four");
    cr_expect_eq(event.seq, 1);
    expect_headline(reader, "five");
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_lost_connection_to_the_same_tape_goes_on_where_it_was)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    publish(fake, "one");
    publish(fake, "two");
    expect_headline(reader, "one");
    hang_up(fake);
    expect_headline(reader, "two");
    expect_gone(reader);
    publish(fake, "three");
    rejoin(reader);
    cr_assert_eq(event.type, SL_EVENT_BULLETIN);
    cr_expect_eq(event.seq, 3);
    sl_reader_close(reader);
    stop(fake);
}

Test(client, a_refusal_at_the_second_joining_is_told_as_what_it_is)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    die(fake);
    expect_gone(reader);
    fake->lie = DENIED;
    start_again(fake, 0xe2);
    int rc;
    while ((rc = sl_reader_next(reader, &event, FOREVER_NS)) == -EPIPE)
        ;
    cr_expect_eq(rc, -EACCES);
    fake->lie = HONEST;
    cr_assert_eq(sl_reader_next(reader, &event, FOREVER_NS), 0);
    cr_expect_eq(event.type, SL_EVENT_EPOCH);
    sl_reader_close(reader);
    stop(fake);
}

/* ---- gating ---- */

static bool has_room(struct fake *fake, uint32_t len)
{
    sl_log_poll_gates(&fake->tape);
    return sl_log_claim(&fake->tape, len, 0) != NULL;
}

Test(client, a_gating_reader_holds_back_until_done_and_is_told_when_evicted)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .gating = 1 });
    cr_expect(fake->hello.flags & SL_HELLO_GATING);
    publish(fake, "one");
    publish(fake, "two");
    expect_headline(reader, "one");
    cr_expect_eq(sl_reader_done(reader, 2), -EINVAL);
    cr_expect_eq(sl_reader_done(reader, 1), 0);
    cr_expect_eq(sl_reader_done(reader, 0), 0);
    sl_log_poll_gates(&fake->tape);
    cr_expect_eq(fake->tape.gates[fake->seat_idx].done, 1);
    cr_expect_eq(fake->tape.gates[fake->seat_idx].disbelieved_cnt, 0);
    expect_headline(reader, "two");
    while (has_room(fake, 1024))
        publish_at(fake, "many", 700, 1);
    sl_log_evict(&fake->tape, fake->seat_idx);
    for (int i = 0; i < 300; i++)
        publish_at(fake, "many", 700, 1);
    expect_event(reader, SL_EVENT_EVICTED);
    expect_event(reader, SL_EVENT_MISSED);
    cr_expect_eq(event.missed_first, 3);
    cr_expect_eq(sl_reader_done(reader, event.missed_last), 0);
    sl_reader_close(reader);
    stop(fake);
}

Test(client, records_that_were_not_asked_for_hold_nothing_back)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .gating = 1 });
    const struct sl_seat *seat = fake->seat_mem.addr;
    publish_notice(fake, SL_RECORD_REJECT, "x");
    expect_none(reader);
    cr_expect_eq(atomic_load(&seat->done), 1);
    publish(fake, "one");
    publish_notice(fake, SL_RECORD_REJECT, "x");
    expect_headline(reader, "one");
    expect_none(reader);
    cr_expect_eq(atomic_load(&seat->done), 1, "not before the bulletin before it is done");
    cr_expect_eq(sl_reader_done(reader, 2), 0);
    publish_notice(fake, SL_RECORD_REJECT, "x");
    expect_none(reader);
    cr_expect_eq(atomic_load(&seat->done), 4);
    sl_reader_close(reader);
    stop(fake);
}

Test(client, bulletins_that_do_not_fit_are_passed_over_and_hold_nothing_back)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_filter *filter;
    cr_assert_eq(sl_filter_compile(&filter, "headline ~ 't*'", NULL), 0);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .gating = 1, .filter = filter });
    const struct sl_seat *seat = fake->seat_mem.addr;
    publish(fake, "one");
    expect_none(reader);
    cr_expect_eq(atomic_load(&seat->done), 1);
    cr_expect_eq(atomic_load(&seat->read_seq), 1, "status sees how far it is");
    publish(fake, "two");
    publish(fake, "four");
    publish(fake, "three");
    expect_headline(reader, "two");
    expect_headline(reader, "three");
    cr_expect_eq(atomic_load(&seat->done), 1, "not before the bulletin before it is done");
    cr_expect_eq(sl_reader_done(reader, 4), 0);
    cr_expect_eq(atomic_load(&seat->done), 4);
    sl_reader_close(reader);
    sl_filter_free(filter);
    stop(fake);
}

Test(client, done_is_for_those_who_gate)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    publish(fake, "one");
    expect_headline(reader, "one");
    cr_expect_eq(sl_reader_done(reader, 1), -EINVAL);
    sl_reader_close(reader);
    stop(fake);
}

/* ---- raw ---- */

static void put_raw(struct fake *fake, uint8_t kind, const char *text, size_t len)
{
    begin_record(fake, kind, 0);
    memcpy(record_mem + sizeof(struct sl_record), text, len);
    put_record(&fake->raw, (uint32_t)(sizeof(struct sl_record) + len));
}

Test(client, the_message_behind_a_bulletin_is_to_be_had_while_it_lasts)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .raw = 1 });
    const void *data = NULL;
    size_t len = 0;

    cr_expect(fake->hello.flags & SL_HELLO_RAW);
    put_raw(fake, SL_RECORD_RAW, "\x01one\x04", 5);
    put_raw(fake, SL_RECORD_RAW, "\x01two\x04", 5);
    put_raw(fake, SL_RECORD_RAW_HELD, "held", 4);
    put_raw(fake, SL_RECORD_RAW, "", 0);
    cr_expect_eq(sl_reader_raw(reader, 2, &data, &len), 0);
    cr_expect(len == 5 && !memcmp(data, "\x01two\x04", 5));
    cr_expect_eq(sl_reader_raw(reader, 1, &data, &len), 0);
    cr_expect(len == 5 && !memcmp(data, "\x01one\x04", 5));
    cr_expect_eq(sl_reader_raw(reader, 4, &data, &len), 0);
    cr_expect_eq(len, 0);
    static const uint64_t nothing[] = { 0, 3, 5, UINT64_MAX };
    for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
        cr_expect_eq(sl_reader_raw(reader, nothing[i], &data, &len), -ENOENT, "%" PRIu64, nothing[i]);
    static char large[8192];
    for (int i = 0; i < 20; i++)
        put_raw(fake, SL_RECORD_RAW, large, sizeof(large));
    cr_expect_eq(sl_reader_raw(reader, 1, &data, &len), -ENOENT);
    cr_expect_eq(sl_reader_raw(reader, 24, &data, &len), 0);
    cr_expect_eq(len, sizeof(large));
    sl_reader_close(reader);
    hang_up(fake);
    reader = join(fake, (struct sl_reader_options){ 0 });
    cr_expect_eq(sl_reader_raw(reader, 24, &data, &len), -EINVAL);
    sl_reader_close(reader);
    stop(fake);
}

/* ---- a supervisor that is none ---- */

static unsigned count_fds(void)
{
    unsigned cnt = 0;
    for (int fd = 0; fd < 256; fd++)
        cnt += fcntl(fd, F_GETFD) >= 0;
    return cnt;
}

Test(client, whoever_answers_wrongly_is_not_believed)
{
    static const struct row {
        const char *name;
        enum lie lie;
        int rc;
    } rows[] = {
        {"honest",                 HONEST,           0               },
        { "wrong magic",           WRONG_MAGIC,      -EPROTO         },
        { "short welcome",         SHORT,            -EPROTO         },
        { "very short welcome",    VERY_SHORT,       -EPROTO         },
        { "another version",       OTHER_VERSION,    -EPROTONOSUPPORT},
        { "denied",                DENIED,           -EACCES         },
        { "status above 0",        POSITIVE_STATUS,  -EPROTO         },
        { "status no errno",       ABSURD_STATUS,    -EPROTO         },
        { "no descriptors",        NO_DESCRIPTORS,   -EPROTO         },
        { "no seat",               NO_SEAT,          -EPROTO         },
        { "no raw log",            NO_RAW,           -EPROTO         },
        { "tape unsealed",         UNSEALED_TAPE,    -EPERM          },
        { "tape still writable",   WRITABLE_TAPE,    -EPERM          },
        { "tape cut short",        SMALL_TAPE,       -EPROTO         },
        { "tape of zeros",         EMPTY_TAPE,       -EPROTO         },
        { "a pipe for a tape",     PIPE_FOR_TAPE,    -EPERM          },
        { "tape of another epoch", OTHER_EPOCH,      -EPROTO         },
        { "epoch 0",               EPOCH_0,          -EPROTO         },
        { "seat unsealed",         UNSEALED_SEAT,    -EPERM          },
        { "seat beyond the last",  SMALL_SEAT_IDX,   -EPROTO         },
        { "more feeds than bytes", MANY_FEEDS,       -EPROTO         },
        { "one name too few",      NAMES_CUT,        -EPROTO         },
        { "escape in a name",      NAME_WITH_ESCAPE, -EPROTO         },
        { "node without end",      NODE_UNENDED,     -EPROTO         },
        { "hangs up",              HANGS_UP,         -ECONNREFUSED   },
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct fake *fake = start(65536, rows[r].lie);
        struct sl_reader *reader = NULL;
        struct sl_reader_options options = { .socket = fake->path, .raw = 1 };
        unsigned before_cnt = count_fds();
        int rc = sl_reader_open(&reader, &options);
        cr_expect_eq(rc, rows[r].rc, "%s: %d", rows[r].name, rc);
        sl_reader_close(reader);
        while (!atomic_load(&fake->hello_cnt))
            sched_yield();
        hang_up(fake);
        /* The seat of the last reader is the fake's own. */
        unsigned seat_cnt = fake->seat_mem.fd >= 0;
        cr_expect_eq(count_fds(), before_cnt + seat_cnt, "%s leaves descriptors open", rows[r].name);
        stop(fake);
    }
}

Test(client, nobody_there_is_told_at_once)
{
    struct sl_reader *reader = NULL;
    char longer_than_a_socket_path[200];
    memset(longer_than_a_socket_path, 'x', sizeof(longer_than_a_socket_path) - 1);
    longer_than_a_socket_path[sizeof(longer_than_a_socket_path) - 1] = '\0';
    cr_expect_eq(sl_reader_open(&reader, &(struct sl_reader_options){ .socket = "/tmp/slugline-nobody" }), -ENOENT);
    cr_expect_eq(sl_reader_open(&reader, &(struct sl_reader_options){ .socket = longer_than_a_socket_path }),
                 -ENAMETOOLONG);
    struct fake *fake = start(65536, HONEST);
    setenv("SLUGLINE_SOCKET", fake->path, 1);
    cr_expect_eq(sl_reader_open(&reader, NULL), 0, "the environment's socket");
    sl_reader_close(reader);
    unsetenv("SLUGLINE_SOCKET");
    stop(fake);
}

Test(client, options_of_a_later_version_are_refused_only_where_they_ask_for_something)
{
    struct later {
        struct sl_reader_options options;
        uint64_t more;
    };
    struct fake *fake = start(65536, HONEST);
    struct later later = {
        .options = {.size = sizeof(later), .socket = fake->path}
    };
    struct sl_reader *reader = NULL;
    cr_expect_eq(sl_reader_open(&reader, &later.options), 0);
    sl_reader_close(reader);
    later.more = 1;
    cr_expect_eq(sl_reader_open(&reader, &later.options), -E2BIG);
    later.options.size = 0;
    later.options.from = (enum sl_reader_from)99;
    cr_expect_eq(sl_reader_open(&reader, &later.options), -EINVAL);
    stop(fake);
}

/* ---- JSON ---- */

Test(client, every_event_is_one_line_of_json)
{
    static const struct row {
        const char *name;
        struct sl_event event;
        const char *json;
    } rows[] = {
        {"none",     { .type = SL_EVENT_NONE, .feed = "" },                                                      ""},
        { "missed",
         { .type = SL_EVENT_MISSED, .epoch = 0xabc, .seq = 9, .missed_first = 5, .missed_last = 9, .feed = "" },
         "{\"wire\":{\"epoch\":\"0000000000000abc\",\"seq\":9,\"kind\":\"missed\",\"first\":5,\"last\":9}}"        },
        { "epoch",
         { .type = SL_EVENT_EPOCH, .epoch = 1, .seq = 1, .feed = "" },
         "{\"wire\":{\"epoch\":\"0000000000000001\",\"seq\":1,\"kind\":\"new-epoch\"}}"                            },
        { "evicted",
         { .type = SL_EVENT_EVICTED, .epoch = 1, .seq = 8, .feed = "" },
         "{\"wire\":{\"epoch\":\"0000000000000001\",\"seq\":8,\"kind\":\"evicted\"}}"                              },
        { "gap",
         { .type = SL_EVENT_NOTICE,
            .kind = SL_RECORD_GAP,
            .epoch = 1,
            .seq = 2,
            .feed = "dpa",
            .notice_first = 17,
            .notice_cnt = 3,
            .stamps = { .published_ns = 5, .read_ns = 6 } },
         "{\"wire\":{\"epoch\":\"0000000000000001\",\"seq\":2,\"feed\":\"dpa\",\"kind\":\"gap\",\"first\":17,"
          "\"count\":3,"
          "\"published\":5,\"read\":6}}"                                                                           },
        { "reject",
         { .type = SL_EVENT_NOTICE,
            .kind = SL_RECORD_REJECT,
            .epoch = 1,
            .seq = 2,
            .feed = "d\"pa",
            .lane = SL_LANE_NORMAL,
            .notice_code = SL_PARSE_BAD_HEADER,
            .notice_off = 7,
            .notice_text = { "urgency 1 to 9", 14 },
            .raw_seq = 4 },
         "{\"wire\":{\"epoch\":\"0000000000000001\",\"seq\":2,\"feed\":\"d\\\"pa\",\"kind\":\"reject\",\"lane\":"
          "\"normal\","
          "\"code\":\"bad_header\",\"offset\":7,\"text\":\"urgency 1 to 9\",\"rawSeq\":4}}"                        },
    };
    char buf[1024];
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        size_t want = strlen(rows[r].json), len = sl_event_json(buf, sizeof(buf), &rows[r].event);
        cr_expect(len == want && !memcmp(buf, rows[r].json, want), "%s: %.*s", rows[r].name, (int)len, buf);
        /* Whatever the room, nothing is written behind it, and the length is the same. */
        for (size_t cap = 0; cap <= want; cap++) {
            memset(buf, '#', sizeof(buf));
            cr_expect_eq(sl_event_json(cap ? buf : NULL, cap, &rows[r].event), want, "%s in %zu", rows[r].name, cap);
            cr_expect_eq(buf[cap], '#', "%s in %zu", rows[r].name, cap);
        }
    }
}

Test(client, a_bulletin_is_ninjs_with_its_receipt)
{
    struct fake *fake = start(65536, HONEST);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    char buf[4096];
    publish(fake, "Head");
    expect_headline(reader, "Head");
    size_t len = sl_event_json(buf, sizeof(buf) - 1, &event);
    cr_assert_lt(len, sizeof(buf));
    buf[len] = '\0';
    cr_expect(strstr(buf, "\"feed\":\"hot\"") && strstr(buf, "\"lane\":\"urgent\"") &&
                  strstr(buf, "\"verdict\":\"passed\"") && strstr(buf, "\"framed\":4000") && strstr(buf, "\"seq\":1"),
              "%s", buf);
    sl_reader_close(reader);
    stop(fake);
}
