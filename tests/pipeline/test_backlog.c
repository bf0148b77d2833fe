#include "pipeline/backlog.h"
#include "pipeline/filter.h"
#include "pipeline/roster.h"
#include "pipeline/scribe.h"
#include "tests/pipeline/fake_daemon.h"

#include <dirent.h>
#include <sys/stat.h>

#define SEGMENT_LEN (512u * 1024u) /* a block for each record: some 125 of them */
#define TAPE_LEN    65536u

/* ---- a journal beside the fake daemon: what is published is kept when the test says so ---- */

static struct journal {
    struct sl_disk *disk;
    struct sl_scribe tape, raw;
    struct sl_log_rx tape_rx, raw_rx;
} journal;

static void begin_family(const struct fake *fake, struct sl_scribe *scribe, enum sl_family family)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", fake->journal, sl_family_name(family));
    cr_assert(!mkdir(path, 0700) || errno == EEXIST);
    struct sl_scribe_config config = { .directory = fake->journal,
                                       .family = family,
                                       .segment_len = SEGMENT_LEN,
                                       .node = "n",
                                       .tape_name = "t",
                                       .next_number = 1,
                                       .disk = journal.disk };
    cr_assert_eq(sl_scribe_init(scribe, &config), 0);
}

static void follow_logs(struct fake *fake)
{
    cr_assert_eq(sl_log_join_rx(&journal.tape_rx, fake->tape_mem.addr, fake->tape_mem.len), 0);
    cr_assert_eq(sl_log_join_rx(&journal.raw_rx, fake->raw_mem.addr, fake->raw_mem.len), 0);
}

static struct fake *start_with_journal(uint64_t tape_len)
{
    struct fake *fake = start(tape_len, HONEST);
    snprintf(fake->journal, sizeof(fake->journal), "%s/journal", fake->folder);
    cr_assert_eq(mkdir(fake->journal, 0700), 0);
    cr_assert_eq(sl_disk_new(&journal.disk, 2 * SL_SCRIBE_BUFS + 2), 0);
    begin_family(fake, &journal.tape, SL_FAMILY_TAPE);
    begin_family(fake, &journal.raw, SL_FAMILY_RAW);
    follow_logs(fake);
    return fake;
}

static void flush_scribe(struct sl_scribe *scribe)
{
    cr_assert_eq(sl_scribe_flush(scribe), 0);
    while (scribe->durable_seq < scribe->put_seq) {
        sl_disk_reap(journal.disk, 1000000);
        cr_assert_eq(sl_scribe_reap(scribe), 0);
    }
}

static void keep_log(struct sl_scribe *scribe, struct sl_log_rx *rx)
{
    static _Alignas(64) uint8_t copy[512 * 1024];
    int got;
    while ((got = sl_log_next(rx, copy, sizeof(copy))) == SL_LOG_RECORD)
        cr_assert_eq(sl_scribe_put(scribe, (struct sl_record *)copy, 1), 0);
    cr_assert_eq(got, SL_LOG_NONE, "the test kept too late");
    flush_scribe(scribe);
}

static void keep(void)
{
    keep_log(&journal.tape, &journal.tape_rx);
    keep_log(&journal.raw, &journal.raw_rx);
}

static uint64_t publish_kept(struct fake *fake, uint32_t body_len)
{
    char name[24];
    uint64_t seq = sl_log_head(&fake->tape) + 1;
    snprintf(name, sizeof(name), "%" PRIu64, seq);
    publish_at(fake, name, body_len, (int64_t)seq * 100);
    keep();
    return seq;
}

static void publish_to(struct fake *fake, uint64_t last)
{
    while (publish_kept(fake, 700) < last)
        ;
}

static void remove_all(const char *folder)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    cr_assert_eq(system(command), 0);
}

static void stop_with_journal(struct fake *fake)
{
    sl_scribe_fini(&journal.tape);
    sl_scribe_fini(&journal.raw);
    sl_disk_delete(journal.disk);
    remove_all(fake->journal);
    stop(fake);
}

/* ---- what is expected ---- */

static void expect_seq(struct sl_reader *reader, uint64_t seq)
{
    char name[24];
    snprintf(name, sizeof(name), "%" PRIu64, seq);
    expect_headline(reader, name);
    cr_assert_eq(event.seq, seq);
    cr_assert(event.place.epoch == event.epoch && event.place.seq == seq);
}

static void expect_seqs(struct sl_reader *reader, uint64_t first, uint64_t last)
{
    for (uint64_t seq = first; seq <= last; seq++)
        expect_seq(reader, seq);
}

static void expect_missed(struct sl_reader *reader, uint64_t first, uint64_t last)
{
    expect_event(reader, SL_EVENT_MISSED);
    cr_assert(event.missed_first == first && event.missed_last == last,
              "%" PRIu64 " to %" PRIu64 " for %" PRIu64 " to %" PRIu64, event.missed_first, event.missed_last, first,
              last);
    cr_assert_eq(event.place.seq, last);
}

static void expect_epoch(struct sl_reader *reader, uint64_t epoch, uint64_t seq, uint64_t missed_first,
                         uint64_t missed_last)
{
    expect_event(reader, SL_EVENT_EPOCH);
    cr_assert(event.epoch == epoch && event.seq == seq && event.place.epoch == epoch && event.place.seq == seq - 1,
              "%" PRIx64 ":%" PRIu64, event.epoch, event.seq);
    cr_assert(event.missed_first == missed_first && event.missed_last == missed_last,
              "%" PRIu64 " to %" PRIu64 " for %" PRIu64 " to %" PRIu64, event.missed_first, event.missed_last,
              missed_first, missed_last);
}

static const struct sl_seat *seat_of(const struct fake *fake) { return fake->seat_mem.addr; }

/* ---- lapped ---- */

Test(backlog, a_lapped_reader_goes_on_from_the_journal_and_then_from_the_tape)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    publish_to(fake, 5);
    expect_seqs(reader, 1, 5);
    publish_to(fake, 600);
    expect_seqs(reader, 6, 600);
    expect_none(reader);
    cr_expect_eq(atomic_load(&seat_of(fake)->missed_cnt), 0);
    cr_expect_eq(atomic_load(&seat_of(fake)->resume_cnt), 1);
    publish(fake, "601"); /* not kept: this one only the tape has */
    expect_seq(reader, 601);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, whoever_is_lapped_again_and_again_gets_each_record_once)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .notices = 1 });
    unsigned seed = 20261125;
    uint64_t next = 1;
    for (int round = 0; round < 60; round++) {
        unsigned cnt = (unsigned)rand_r(&seed) % 80;
        for (unsigned i = 0; i < cnt; i++)
            publish_kept(fake, 200 + (unsigned)rand_r(&seed) % 3000);
        for (unsigned i = (unsigned)rand_r(&seed) % 150; i && next <= sl_log_head(&fake->tape); i--)
            expect_seq(reader, next++);
    }
    expect_seqs(reader, next, sl_log_head(&fake->tape));
    expect_none(reader);
    cr_expect_eq(atomic_load(&seat_of(fake)->missed_cnt), 0);
    cr_expect_gt(atomic_load(&seat_of(fake)->resume_cnt), 10);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, what_retention_took_is_missed_exactly)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    char path[160];
    publish_to(fake, 600);
    snprintf(path, sizeof(path), "%s/tape/0000000001.seg", fake->journal);
    cr_assert_eq(unlink(path), 0);
    struct sl_cursor *cursor;
    struct sl_catalog_event first;
    cr_assert_eq(sl_cursor_open(&cursor, fake->journal, SL_FAMILY_TAPE, 1, 0), 0);
    cr_assert_eq(sl_cursor_next(cursor, &first), SL_SEGMENT_RECORD);
    uint64_t oldest = first.record->seq;
    sl_cursor_close(cursor);
    cr_assert(oldest > 50 && oldest < 400);
    expect_missed(reader, 1, oldest - 1);
    expect_seqs(reader, oldest, oldest + 3);
    /* And while it reads: the rest of what it has open it still gets. */
    snprintf(path, sizeof(path), "%s/tape/0000000003.seg", fake->journal);
    cr_assert_eq(unlink(path), 0);
    uint64_t next = oldest + 4, missed_cnt = 0;
    while (next <= 600) {
        cr_assert_eq(sl_reader_next(reader, &event, FOREVER_NS), 0);
        if (event.type == SL_EVENT_MISSED) {
            cr_assert_eq(event.missed_first, next);
            missed_cnt += event.missed_last - next + 1;
            next = event.missed_last + 1;
        } else {
            cr_assert_eq(event.seq, next);
            next++;
        }
    }
    cr_expect(missed_cnt > 50 && missed_cnt < 400);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, without_a_journal_for_us_the_loss_is_told_as_ever)
{
    static const char *const journals[] = { "", "/nowhere/at/all" };
    for (size_t i = 0; i < 2; i++) {
        struct fake *fake = start_with_journal(TAPE_LEN);
        struct sl_reader *reader = join(fake, (struct sl_reader_options){ .journal = journals[i] });
        publish_to(fake, 300);
        expect_event(reader, SL_EVENT_MISSED);
        cr_expect(event.missed_first == 1 && event.missed_last > 200);
        expect_seqs(reader, event.missed_last + 1, 300);
        sl_reader_close(reader);
        stop_with_journal(fake);
    }
}

Test(backlog, an_evicted_reader_is_told_so_and_loses_nothing)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .gating = 1 });
    publish_to(fake, 2);
    expect_seqs(reader, 1, 2);
    cr_assert_eq(sl_reader_done(reader, 2), 0);
    sl_log_poll_gates(&fake->tape);
    publish_kept(fake, 700);
    expect_seq(reader, 3);
    while (sl_log_poll_gates(&fake->tape), sl_log_claim(&fake->tape, 2000, 0))
        publish_kept(fake, 700);
    sl_log_evict(&fake->tape, fake->seat_idx);
    publish_to(fake, 300);
    expect_event(reader, SL_EVENT_EVICTED);
    for (uint64_t seq = 4; seq <= 300; seq++) {
        expect_seq(reader, seq);
        cr_assert_eq(sl_reader_done(reader, seq), 0);
    }
    sl_log_poll_gates(&fake->tape);
    cr_expect_eq(fake->tape.gates[fake->seat_idx].state, SL_GATE_HOLDS);
    cr_expect_eq(fake->tape.gates[fake->seat_idx].disbelieved_cnt, 0);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, a_filter_is_asked_of_the_journal_too_and_the_place_goes_on)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_filter *filter;
    cr_assert_eq(sl_filter_compile(&filter, "seq in [7, 299]", NULL), 0);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_OLDEST, .filter = filter });
    publish_to(fake, 310);
    expect_seq(reader, 7);
    expect_seq(reader, 299);
    expect_none(reader);
    cr_expect_eq(event.place.seq, 310, "what was passed over is done with");
    sl_reader_close(reader);
    sl_filter_free(filter);
    stop_with_journal(fake);
}

/* ---- late ---- */

Test(backlog, a_late_reader_starts_where_it_was_told)
{
    static const struct row {
        const char *name;
        struct sl_reader_options options;
        uint64_t first; /* of 1 to 300, of which the tape has the last 40 or so; 0: what comes next */
    } rows[] = {
        {"oldest",            { .from = SL_FROM_OLDEST },                           1  },
        { "seq 0",            { .from = SL_FROM_SEQ },                              1  },
        { "first",            { .from = SL_FROM_SEQ, .seq = 1 },                    1  },
        { "seq",              { .from = SL_FROM_SEQ, .seq = 100 },                  100},
        { "seq of epoch",     { .from = SL_FROM_SEQ, .epoch = 0xe1, .seq = 100 },   100},
        { "on the tape",      { .from = SL_FROM_SEQ, .seq = 299 },                  299},
        { "long ago",         { .from = SL_FROM_TIME, .time_ns = 1 },               1  },
        { "time",             { .from = SL_FROM_TIME, .time_ns = 9950 },            100},
        { "time on the tape", { .from = SL_FROM_TIME, .time_ns = 29850 },           299},
        { "place",            { .from = SL_FROM_PLACE, .epoch = 0xe1, .seq = 100 }, 101},
        { "newest place",     { .from = SL_FROM_PLACE, .epoch = 0xe1, .seq = 300 }, 0  },
        { "no place yet",     { .from = SL_FROM_PLACE },                            1  },
        { "now",              { .from = SL_FROM_NOW },                              0  },
    };
    struct fake *fake = start_with_journal(TAPE_LEN);
    publish_to(fake, 300);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct sl_reader *reader = join(fake, rows[r].options);
        if (rows[r].first)
            expect_seqs(reader, rows[r].first, 300);
        expect_none(reader);
        cr_expect(event.place.epoch == 0xe1 && event.place.seq == 300, "%s", rows[r].name);
        sl_reader_close(reader);
        hang_up(fake);
    }
    stop_with_journal(fake);
}

Test(backlog, the_oldest_is_the_tapes_where_the_journal_begins_later)
{
    struct fake *fake = start_with_journal(1 << 20);
    publish(fake, "1");
    publish(fake, "2");
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_OLDEST });
    expect_seqs(reader, 1, 2);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

/* ---- starts of the daemon ---- */

/* 1 to last of 0xe1, then a start whose first number is first; its own first record is EPOCH, as the desk writes it. */
static void begin_anew(struct fake *fake, uint64_t epoch, uint64_t first)
{
    die(fake);
    uint64_t last = sl_log_head(&fake->tape);
    fake->first_seq = first;
    drop_memory(fake);
    make_memory(fake, epoch, TAPE_LEN);
    listen_at(fake);
    follow_logs(fake);
    struct sl_record *record = begin_record(fake, SL_RECORD_EPOCH, SL_VERDICT_MADE);
    struct sl_notice *notice = (struct sl_notice *)(record + 1);
    *notice = (struct sl_notice){ .first = last + 1, .cnt = first - last - 1 };
    put_record(&fake->tape, (uint32_t)(sizeof(*record) + offsetof(struct sl_notice, text)));
    keep();
}

Test(backlog, a_place_of_an_older_epoch_is_found_and_what_is_lost_between_is_named)
{
    static const struct row {
        const char *name;
        struct sl_reader_options options;
        uint64_t first, missed_first; /* first 0: nothing of the old one */
    } rows[] = {
        {"in the middle",   { .from = SL_FROM_PLACE, .epoch = 0xe1, .seq = 30 },   31, 51},
        { "seq",            { .from = SL_FROM_SEQ, .epoch = 0xe1, .seq = 31 },     31, 51},
        { "the last",       { .from = SL_FROM_PLACE, .epoch = 0xe1, .seq = 50 },   0,  51},
        { "behind it",      { .from = SL_FROM_SEQ, .epoch = 0xe1, .seq = 51 },     0,  51},
        { "among the lost", { .from = SL_FROM_PLACE, .epoch = 0xe1, .seq = 55 },   0,  56},
        { "the last lost",  { .from = SL_FROM_PLACE, .epoch = 0xe1, .seq = 60 },   0,  0 },
        { "never heard of", { .from = SL_FROM_PLACE, .epoch = 0xbad, .seq = 30 },  1,  51},
        { "beyond all",     { .from = SL_FROM_PLACE, .epoch = 0xbad, .seq = 999 }, 1,  51},
    };
    struct fake *fake = start_with_journal(TAPE_LEN);
    publish_to(fake, 50);
    begin_anew(fake, 0xe2, 61);
    publish_to(fake, 65);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        const struct row *row = &rows[r];
        struct sl_reader *reader = join(fake, row->options);
        if (row->options.epoch == 0xbad)
            expect_epoch(reader, 0xe1, 1, 0, 0);
        if (row->first)
            expect_seqs(reader, row->first, 50);
        expect_epoch(reader, 0xe2, 61, row->missed_first, row->missed_first ? 60 : 0);
        expect_seqs(reader, 62, 65);
        expect_none(reader);
        sl_reader_close(reader);
        hang_up(fake);
    }
    stop_with_journal(fake);
}

Test(backlog, the_place_that_an_epoch_event_gives_is_one_too)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    publish_to(fake, 50);
    begin_anew(fake, 0xe2, 61);
    begin_anew(fake, 0xe3, 71);
    struct sl_reader *reader =
        join(fake, (struct sl_reader_options){ .from = SL_FROM_PLACE, .epoch = 0xe1, .seq = 50 });
    expect_epoch(reader, 0xe2, 61, 51, 60);
    struct sl_place place = event.place;
    sl_reader_close(reader);
    hang_up(fake);
    reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_PLACE, .epoch = place.epoch, .seq = place.seq });
    expect_epoch(reader, 0xe3, 71, 62, 70);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, starts_that_came_and_went_while_a_reader_was_stopped_are_not_lost)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    publish_to(fake, 10);
    expect_seqs(reader, 1, 4);
    begin_anew(fake, 0xe2, 11);
    publish_to(fake, 20);
    begin_anew(fake, 0xe3, 31);
    publish_to(fake, 40);
    expect_seqs(reader, 5, 10);
    expect_gone(reader);
    rejoin(reader);
    cr_assert(event.type == SL_EVENT_EPOCH && event.epoch == 0xe2 && event.seq == 11 && !event.missed_first);
    expect_seqs(reader, 12, 20);
    expect_epoch(reader, 0xe3, 31, 21, 30);
    expect_seqs(reader, 32, 40);
    expect_none(reader);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, without_a_journal_for_us_a_restart_names_all_between)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .journal = "" });
    publish_to(fake, 10);
    expect_seqs(reader, 1, 10);
    begin_anew(fake, 0xe2, 31);
    publish_to(fake, 33);
    expect_gone(reader);
    rejoin(reader);
    cr_assert(event.type == SL_EVENT_EPOCH && event.seq == 31 && event.missed_first == 11 && event.missed_last == 30);
    expect_seqs(reader, 32, 33);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

/* ---- names of feeds ---- */

static void write_roster(const struct fake *fake, uint64_t seq, const char *first, const char *second)
{
    static struct sl_roster roster;
    memset(&roster, 0, sizeof(roster));
    roster.cnt = 2;
    strcpy(roster.names[0], first);
    strcpy(roster.names[1], second);
    cr_assert_eq(sl_roster_write(fake->journal, SL_FAMILY_TAPE, seq, &roster), 0);
}

Test(backlog, a_feed_has_the_name_that_it_had_then)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    write_roster(fake, 1, "old", "gone");
    publish_to(fake, 20);
    begin_anew(fake, 0xe2, 21);
    write_roster(fake, 21, "dpa", "hot");
    publish_to(fake, 200);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_OLDEST });
    for (uint64_t seq = 1; seq <= 20; seq++) {
        expect_seq(reader, seq);
        cr_assert_str_eq(event.feed, "gone");
    }
    expect_event(reader, SL_EVENT_EPOCH);
    for (uint64_t seq = 22; seq <= 200; seq++) {
        expect_seq(reader, seq);
        cr_assert_str_eq(event.feed, "hot");
    }
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, a_roster_says_what_was_written_and_is_written_once)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    static struct sl_roster roster;
    char path[160];
    write_roster(fake, 5, "a", "b");
    write_roster(fake, 9, "a", "b");
    write_roster(fake, 12, "a", "c");
    static const struct {
        uint64_t seq;
        uint16_t feed;
        const char *name;
    } rows[] = {
        {4,           0,     NULL},
        { 5,          0,     "a" },
        { 11,         1,     "b" },
        { 12,         1,     "c" },
        { 1ull << 60, 1,     "c" },
        { 12,         2,     ""  },
        { 12,         65535, ""  },
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        const char *name = sl_roster_name(&roster, fake->journal, SL_FAMILY_TAPE, rows[r].seq, rows[r].feed);
        cr_expect(rows[r].name ? name && !strcmp(name, rows[r].name) : !name, "row %zu: %s", r, name ? name : "none");
        roster = (struct sl_roster){ 0 };
    }
    snprintf(path, sizeof(path), "%s/tape/00000000000000000009.feeds", fake->journal);
    cr_expect_eq(access(path, F_OK), -1);
    /* A file that nobody of us wrote. */
    snprintf(path, sizeof(path), "%s/tape/00000000000000000012.feeds", fake->journal);
    FILE *file = fopen(path, "w");
    fprintf(file, "\x1b[2J\n%0100d\nfine\n", 7);
    for (int i = 0; i < 5000; i++)
        fprintf(file, "%d\n", i);
    fclose(file);
    cr_expect_str_eq(sl_roster_name(&roster, fake->journal, SL_FAMILY_TAPE, 12, 0), "");
    cr_expect_str_eq(sl_roster_name(&roster, fake->journal, SL_FAMILY_TAPE, 12, 1), "");
    cr_expect_str_eq(sl_roster_name(&roster, fake->journal, SL_FAMILY_TAPE, 12, 2), "fine");
    cr_expect_leq(roster.cnt, SL_ROSTER_FEEDS_MAX);
    stop_with_journal(fake);
}

/* ---- what is not whole ---- */

Test(backlog, a_hole_is_missed_by_its_exact_range)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    _Alignas(64) unsigned char hole[SL_SEGMENT_HOLE_MAX];
    publish_to(fake, 9);
    for (int i = 0; i < 3; i++) {
        publish(fake, "lost");
        sl_log_seek(&journal.tape_rx, journal.tape_rx.next_seq + 1);
    }
    sl_segment_hole(hole, fake->epoch, 10, 12, 5, "the tape ran over them");
    cr_assert_eq(sl_scribe_put(&journal.tape, (struct sl_record *)hole, 5), 0);
    publish_to(fake, 200);
    static const struct {
        uint64_t from, missed_first;
    } rows[] = {
        {1,   10},
        { 10, 10},
        { 11, 11},
        { 12, 12}
    };
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_SEQ, .seq = rows[r].from });
        expect_seqs(reader, rows[r].from, 9);
        expect_missed(reader, rows[r].missed_first, 12);
        expect_seqs(reader, 13, 200);
        sl_reader_close(reader);
        hang_up(fake);
    }
    stop_with_journal(fake);
}

/* Where a record's own bytes lie in the segment that is written. */
static int open_last(const struct fake *fake, char path[160])
{
    struct sl_catalog catalog;
    cr_assert_eq(sl_catalog_list(&catalog, fake->journal, SL_FAMILY_TAPE), 0);
    snprintf(path, 160, "%s/tape/%s", fake->journal, catalog.files[catalog.cnt - 1].name);
    sl_catalog_clear(&catalog);
    int fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0);
    return fd;
}

static off_t find_record(const struct fake *fake, uint64_t seq)
{
    struct sl_cursor *cursor;
    struct sl_catalog_event found;
    cr_assert_eq(sl_cursor_open(&cursor, fake->journal, SL_FAMILY_TAPE, seq, 0), 0);
    cr_assert_eq(sl_cursor_next(cursor, &found), SL_SEGMENT_RECORD);
    cr_assert_eq(found.record->seq, seq);
    off_t off = (off_t)found.off;
    sl_cursor_close(cursor);
    return off;
}

static void toggle(int fd, off_t off)
{
    unsigned char byte;
    cr_assert_eq(pread(fd, &byte, 1, off + 200), 1);
    byte ^= 0x55;
    cr_assert_eq(pwrite(fd, &byte, 1, off + 200), 1);
}

Test(backlog, a_write_under_way_is_waited_for)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    char path[160];
    publish_to(fake, 60);
    off_t off = find_record(fake, 20);
    int fd = open_last(fake, path);
    toggle(fd, off);
    for (int i = 61; i <= 200; i++)
        publish(fake, "more than the tape holds");
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_SEQ, .seq = 1 });
    expect_seqs(reader, 1, 19);
    expect_none(reader);
    cr_assert_eq(event.place.seq, 19);
    /* Somebody's loop is not kept busy meanwhile, and is woken to look again. */
    int armed = sl_reader_arm(reader);
    cr_assert_eq(armed, 0);
    struct pollfd poll_fd = { .fd = sl_reader_fd(reader), .events = POLLIN };
    cr_assert_eq(poll(&poll_fd, 1, 20000), 1);
    expect_none(reader);
    toggle(fd, off);
    expect_seqs(reader, 20, 60);
    close(fd);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, what_stays_broken_is_missed_alone_after_a_while)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    char path[160];
    publish_to(fake, 60);
    off_t off = find_record(fake, 20);
    int fd = open_last(fake, path);
    toggle(fd, off);
    close(fd);
    for (int i = 61; i <= 200; i++)
        publish(fake, "more than the tape holds");
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_SEQ, .seq = 1 });
    expect_seqs(reader, 1, 19);
    expect_missed(reader, 20, 20);
    expect_seqs(reader, 21, 60);
    /* Nobody writes the rest: up to what the tape has, it is missing. */
    expect_event(reader, SL_EVENT_MISSED);
    cr_assert_eq(event.missed_first, 61);
    uint64_t next = event.missed_last + 1;
    expect_event(reader, SL_EVENT_BULLETIN);
    cr_expect_eq(event.seq, next);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, damage_in_a_finished_segment_costs_what_it_hit_at_once)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    char path[160];
    publish_to(fake, 600);
    off_t off = find_record(fake, 20);
    snprintf(path, sizeof(path), "%s/tape/0000000001.seg", fake->journal);
    int fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0);
    toggle(fd, off);
    close(fd);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .from = SL_FROM_OLDEST });
    expect_seqs(reader, 1, 19);
    cr_assert_eq(sl_reader_next(reader, &event, 0), 0);
    cr_assert(event.type == SL_EVENT_MISSED && event.missed_first == 20 && event.missed_last == 20);
    expect_seqs(reader, 21, 600);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

/* ---- in place ---- */

static void expect_peeked(struct sl_reader *reader, const char *headline)
{
    cr_assert_eq(sl_reader_peek(reader, &event, FOREVER_NS), 0);
    cr_assert_eq(event.type, SL_EVENT_BULLETIN);
    struct sl_slice got = sl_peek_text(&event, SL_TEXT_HEADLINE);
    cr_assert(got.len == strlen(headline) && !memcmp(got.data, headline, got.len), "%.*s", (int)got.len, got.data);
    cr_assert_eq(sl_reader_still_whole(reader), 1);
}

Test(backlog, a_record_in_place_is_whole_until_it_is_overrun_and_is_then_had_from_the_journal)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ 0 });
    publish_to(fake, 3);
    expect_peeked(reader, "1");
    expect_peeked(reader, "2");
    publish_to(fake, 300);
    cr_assert_eq(sl_reader_still_whole(reader), 0);
    expect_peeked(reader, "2");
    for (uint64_t seq = 3; seq < 250; seq++)
        expect_seq(reader, seq);
    for (uint64_t seq = 250; seq <= 300; seq++) {
        char name[24];
        snprintf(name, sizeof(name), "%" PRIu64, seq);
        expect_peeked(reader, name);
        cr_assert_eq(event.place.seq, seq);
    }
    expect_none(reader);
    sl_reader_close(reader);
    stop_with_journal(fake);
}

Test(backlog, an_offset_that_changed_under_ones_eyes_leads_nowhere)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .journal = "" });
    publish_to(fake, 1);
    expect_peeked(reader, "1");
    static const struct sl_ref wild[] = {
        {UINT32_MAX, 1         },
        { 0,         UINT32_MAX},
        { 100,       UINT32_MAX}
    };
    for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        /* The fake has the writable map that the desk has. */
        memcpy(fake->tape.bytes + sizeof(struct sl_record) + offsetof(struct sl_bulletin, text[SL_TEXT_BODY]), &wild[i],
               sizeof(wild[i]));
        cr_expect_eq(sl_peek_text(&event, SL_TEXT_BODY).len, 0);
    }
    sl_reader_close(reader);
    stop_with_journal(fake);
}

/* ---- raw ---- */

static void put_raw(struct fake *fake, const char *text)
{
    begin_record(fake, SL_RECORD_RAW, 0);
    memcpy(record_mem + sizeof(struct sl_record), text, strlen(text));
    put_record(&fake->raw, (uint32_t)(sizeof(struct sl_record) + strlen(text)));
}

Test(backlog, a_message_that_left_the_raw_log_is_in_the_journal)
{
    struct fake *fake = start_with_journal(TAPE_LEN);
    struct sl_reader *reader = join(fake, (struct sl_reader_options){ .raw = 1 });
    char text[2000];
    const void *data;
    size_t len;
    for (int i = 1; i <= 300; i++) {
        int text_len = snprintf(text, sizeof(text), "message %d %*d", i, 1000, i);
        put_raw(fake, text);
        cr_assert_geq(text_len, 1000);
        keep();
    }
    static const uint64_t asked[] = { 1, 2, 3, 300, 7, 6, 150, 151, 299 };
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        cr_assert_eq(sl_reader_raw(reader, asked[i], &data, &len), 0, "%" PRIu64, asked[i]);
        size_t want = (size_t)snprintf(text, sizeof(text), "message %d %*d", (int)asked[i], 1000, (int)asked[i]);
        cr_expect(len == want && !memcmp(data, text, len));
    }
    cr_expect_eq(sl_reader_raw(reader, 301, &data, &len), -ENOENT);
    cr_expect_eq(sl_reader_raw(reader, 0, &data, &len), -ENOENT);
    sl_reader_close(reader);
    stop_with_journal(fake);
}
