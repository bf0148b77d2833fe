#include "pipeline/journal.h"

#include "pipeline/control.h"
#include "pipeline/crc32c.h"
#include "pipeline/ledger.h"
#include "pipeline/roster.h"
#include "pipeline/say.h"
#include "pipeline/scribe.h"
#include "ring/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS_PER_TURN 256u
#define LOOK_NS          20000000ll /* how often a journal that has nothing to do looks whether it is asked something */
#define RETRY_NS         SL_TIME_NS /* after an error of the disk */
#define DRAIN_NS         (3 * RETRY_NS)
#define NEVER_FLUSH_NS   5000000ll /* sync: never says nothing about when to write */
#define RESERVED_MAGIC   0x3144565345522d4aull

/* Two copies, written in turn: one of them is whole whenever the power goes. */
struct reserved {
    uint64_t magic, turn;
    uint64_t tape_to, raw_to;
    uint64_t epoch;
    uint64_t held_from; /* nothing is held of what the tape says before this one */
    uint32_t spare, crc;
};

struct log { /* and where it goes */
    struct sl_log_rx rx;
    struct sl_mem mem, page_mem;
    struct sl_durable *page;
    bool joined;
    uint64_t next; /* the seq that is to be written next */
    struct sl_scribe scribe;
    int64_t dirty_ns; /* since when something waits to be flushed; 0 nothing does */
    int64_t retry_ns; /* 0: all is well */
    int alarm; /* errno; until something is durable again */
};

struct sl_journal {
    const struct sl_config *config;
    struct sl_journal_time time;
    int64_t looked_ns; /* when the supervisor was listened to last */
    int control_fd, reserved_fd;
    int walk_fd; /* at its end when the walk is gone; -1: there is none */
    struct reserved reserved;
    int64_t reserve_retry_ns; /* 0: all is well */
    int reserve_alarm;
    struct sl_disk *disk;
    struct log logs[SL_FAMILY_CNT];
    uint32_t log_cnt;
    uint64_t given[SL_FAMILY_CNT]; /* numbers up to here cannot be used by whoever begins next */
    struct sl_record *scratch; /* of a record that does not fit into the buffer at hand */
    uint32_t scratch_len;
    uint64_t epoch; /* of the logs that are read, or were last */
    int64_t flush_ns; /* the longest that a record waits for others to go to the disk with it */
    bool draining;
    /* the ledger */
    struct sl_ledger *ledger;
    struct sl_ledger_durable counted; /* before this process counted */
    int books_fd;
    uint64_t books_turn, books_sum;
    int64_t books_ns; /* when it was written last */
    bool books_failed;
    struct sl_mem books_mem;
    struct sl_books books; /* of the walk whose logs these are */
    bool has_books;
};

/* ---- numbers ahead ---- */

static uint32_t crc_of(const struct reserved *reserved)
{
    return sl_crc32c(0, reserved, offsetof(struct reserved, crc));
}

/* Before there is a walk that knows better: as the last one left it. */
static uint64_t held_from(const struct sl_journal *journal)
{
    const struct log *tape = &journal->logs[SL_FAMILY_TAPE];
    if (!tape->joined)
        return journal->reserved.held_from;
    uint64_t head = sl_log_rx_head(&tape->rx);
    /* Relaxed: what is held and named up to head was told here before it was named there. */
    uint64_t from = atomic_load_explicit(&tape->page->held_from, memory_order_relaxed);
    return from ? from : head + 1;
}

static int write_reserved(struct sl_journal *journal, uint64_t epoch, uint64_t tape_to, uint64_t raw_to)
{
    struct reserved next = { .magic = RESERVED_MAGIC,
                             .turn = journal->reserved.turn + 1,
                             .tape_to = tape_to,
                             .raw_to = raw_to,
                             .epoch = epoch,
                             .held_from = held_from(journal) };
    next.crc = crc_of(&next);
    off_t off = (off_t)(next.turn % 2 * SL_SEGMENT_BLOCK);
    if (pwrite(journal->reserved_fd, &next, sizeof(next), off) != (ssize_t)sizeof(next) ||
        fdatasync(journal->reserved_fd))
        return errno ? -errno : -EIO;
    journal->reserved = next;
    return 0;
}

static bool is_at_end(int fd)
{
    struct pollfd poll_fd = { .fd = fd };
    return poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & (POLLHUP | POLLERR);
}

/* The journal of a supervisor that was killed goes when it has drained.  -EBUSY: it does not. */
static int await_lock(struct sl_journal *journal)
{
    int64_t end_ns = sl_clock_mono(journal->time.clock) + SL_JOURNAL_LOCK_NS;
    while (flock(journal->reserved_fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -errno;
        if (sl_clock_mono(journal->time.clock) >= end_ns || is_at_end(journal->control_fd))
            return -EBUSY;
        poll(NULL, 0, 10);
    }
    return 0;
}

static int read_reserved(struct sl_journal *journal)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/reserved", journal->config->journal_directory);
    journal->reserved_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (journal->reserved_fd < 0)
        return -errno;
    int rc = await_lock(journal);
    if (rc)
        return rc;
    for (unsigned i = 0; i < 2; i++) {
        struct reserved found;
        if (pread(journal->reserved_fd, &found, sizeof(found), (off_t)i * SL_SEGMENT_BLOCK) == (ssize_t)sizeof(found) &&
            found.magic == RESERVED_MAGIC && found.crc == crc_of(&found) && found.turn > journal->reserved.turn)
            journal->reserved = found;
    }
    return 0;
}

static void show_alarm(struct sl_journal *journal, const struct log *log)
{
    unsigned family = log->scribe.config.family;
    sl_ledger_alarm(journal->ledger, family,
                    !log->alarm && family == SL_FAMILY_TAPE ? journal->reserve_alarm : log->alarm);
}

/* The desk may use them from now on. */
static void show_reserved(struct sl_journal *journal)
{
    const uint64_t to[SL_FAMILY_CNT] = { journal->reserved.tape_to, journal->reserved.raw_to };
    for (uint32_t i = 0; i < journal->log_cnt; i++)
        if (journal->logs[i].joined)
            sl_durable_reserve(journal->logs[i].page, to[i]);
}

static int reserve(struct sl_journal *journal, const uint64_t to[SL_FAMILY_CNT])
{
    int rc = write_reserved(journal, journal->epoch, to[SL_FAMILY_TAPE], to[SL_FAMILY_RAW]);
    if (!rc)
        show_reserved(journal);
    else if (!journal->reserve_retry_ns)
        sl_say(SL_SAY_ERROR, "journal: numbers cannot be reserved: %s; the tape goes on to %" PRIu64, strerror(-rc),
               journal->reserved.tape_to);
    journal->reserve_retry_ns = rc ? sl_clock_mono(journal->time.clock) + RETRY_NS : 0;
    journal->reserve_alarm = -rc;
    show_alarm(journal, &journal->logs[SL_FAMILY_TAPE]);
    return rc;
}

/* As far ahead as the walk may come until we look again. */
static void reserve_ahead(struct sl_journal *journal, int64_t now_ns)
{
    uint64_t to[SL_FAMILY_CNT] = { journal->reserved.tape_to, journal->reserved.raw_to };
    bool due = false;
    for (uint32_t i = 0; i < journal->log_cnt; i++) {
        const struct log *log = &journal->logs[i];
        uint64_t wanted = log->joined ? sl_log_rx_head(&log->rx) + SL_JOURNAL_AHEAD : 0;
        if (wanted < to[i] + SL_JOURNAL_STEP)
            continue;
        to[i] = wanted;
        due = true;
    }
    if (due && now_ns >= journal->reserve_retry_ns)
        reserve(journal, to);
}

/* ---- errors of the disk ---- */

static void meet_error(struct sl_journal *journal, struct log *log, int rc, int64_t now_ns)
{
    const char *family = sl_family_name(log->scribe.config.family);
    if (!log->alarm)
        sl_say(SL_SAY_ERROR, "journal family=%s durable=%" PRIu64 ": %s; the tape goes on without it", family,
               log->scribe.durable_seq, strerror(-rc));
    log->alarm = -rc;
    show_alarm(journal, log);
    log->retry_ns = now_ns + RETRY_NS;
}

static void try_again(struct log *log, int64_t now_ns)
{
    log->retry_ns = now_ns + RETRY_NS;
    if (log->scribe.error && sl_scribe_abandon(&log->scribe))
        return;
    log->retry_ns = 0;
    log->dirty_ns = 0;
    log->next = log->scribe.durable_seq + 1;
    if (log->joined)
        sl_log_seek(&log->rx, log->next);
}

/* ---- records ---- */

/* Numbers that cannot be had any more; from here on they are named. */
static int write_hole(struct sl_journal *journal, struct log *log, uint64_t last, const char *why)
{
    _Alignas(64) unsigned char buf[SL_SEGMENT_HOLE_MAX];
    int64_t now_ns = sl_clock_real(journal->time.clock);
    sl_segment_hole(buf, journal->epoch, log->next, last, now_ns, why);
    if (log->joined) /* before it can be on the disk: who comes after us passes what is there */
        sl_durable_hole(log->page, log->next, last);
    int rc = sl_scribe_put(&log->scribe, (struct sl_record *)buf, now_ns);
    if (rc)
        return rc;
    sl_say(SL_SAY_WARN, "journal family=%s first=%" PRIu64 " last=%" PRIu64 ": not in the journal: %s",
           sl_family_name(log->scribe.config.family), log->next, last, why);
    log->next = last + 1;
    return 0;
}

static int write_long(struct sl_journal *journal, struct log *log)
{
    int got = sl_log_next(&log->rx, journal->scratch, journal->scratch_len);
    if (got != SL_LOG_RECORD)
        return got;
    int rc = sl_scribe_put(&log->scribe, journal->scratch, sl_clock_real(journal->time.clock));
    return rc ? rc : SL_LOG_RECORD;
}

/* The next record goes from the log straight into the buffer, where there is room for it.  enum sl_log_got, -errno. */
static int write_next(struct sl_journal *journal, struct log *log)
{
    uint32_t room;
    struct sl_record *record = sl_scribe_claim(&log->scribe, &room);
    int got = record && room >= sizeof(*record) ? sl_log_next(&log->rx, record, room) : -EMSGSIZE;
    if (got == SL_LOG_RECORD && record->len < sizeof(*record))
        return -EPROTO;
    if (got == SL_LOG_RECORD)
        sl_scribe_commit(&log->scribe, record);
    return got == -EMSGSIZE ? write_long(journal, log) : got;
}

/* The tape's own first record says so of its numbers; a raw log has no notices. */
static int name_unused(struct sl_journal *journal, struct log *log)
{
    if (log->scribe.config.family != SL_FAMILY_RAW || log->next >= log->rx.first_seq)
        return 0;
    return write_hole(journal, log, log->rx.first_seq - 1,
                      "reserved by a start that ended before it used or kept them");
}

/* Up to a turn's worth.  True when there was something. */
static bool follow(struct sl_journal *journal, struct log *log, int64_t now_ns)
{
    int unused_rc = name_unused(journal, log);
    if (unused_rc) {
        meet_error(journal, log, unused_rc, now_ns);
        return true;
    }
    for (uint32_t i = 0; i < RECORDS_PER_TURN; i++) {
        int got = write_next(journal, log);
        if (got == SL_LOG_NONE)
            return i;
        int rc = got < 0 ? got : 0;
        if (got == SL_LOG_LAPPED)
            rc = write_hole(journal, log, log->rx.missed_last, "the tape ran over them before they were written");
        else if (got == SL_LOG_RECORD)
            log->next = log->rx.next_seq;
        if (rc) {
            meet_error(journal, log, rc, now_ns);
            return true;
        }
        if (!log->dirty_ns)
            log->dirty_ns = now_ns;
    }
    return true;
}

/* One look at one log: what is new, what is due, what has come back. */
static bool tend(struct sl_journal *journal, struct log *log, int64_t now_ns)
{
    bool busy = false;
    if (log->retry_ns && now_ns >= log->retry_ns)
        try_again(log, now_ns);
    if (log->joined && !log->retry_ns)
        busy = follow(journal, log, now_ns);
    bool due = log->dirty_ns && (journal->draining || now_ns - log->dirty_ns >= journal->flush_ns);
    if (due && !log->retry_ns) {
        sl_scribe_flush(&log->scribe);
        log->dirty_ns = sl_scribe_is_dirty(&log->scribe) ? log->dirty_ns : 0;
    }
    uint64_t durable = log->scribe.durable_seq;
    int rc = sl_scribe_reap(&log->scribe);
    if (rc && !log->retry_ns)
        meet_error(journal, log, rc, now_ns);
    if (log->scribe.durable_seq == durable)
        return busy;
    if (log->alarm)
        sl_say(SL_SAY_INFO, "journal family=%s: writes again", sl_family_name(log->scribe.config.family));
    log->alarm = 0;
    show_alarm(journal, log);
    if (log == &journal->logs[SL_FAMILY_TAPE])
        sl_ledger_tell(journal->ledger, &journal->counted, log->scribe.durable_cnt, log->scribe.durable_seq);
    if (log->joined)
        sl_durable_pass(log->page, log->scribe.durable_seq);
    return true;
}

/* ---- the ledger ---- */

static const struct sl_books *books_of(const struct sl_journal *journal)
{
    return journal->has_books ? &journal->books : NULL;
}

/* Of all that is counted: whether it is worth writing. */
static uint64_t sum_books(const struct sl_journal *journal)
{
    uint64_t sum = sl_ledger_durable(journal->ledger)->seq + sl_ledger_look(journal->ledger)->epoch;
    for (uint32_t feed = 0; journal->has_books && feed < journal->books.feed_cnt; feed++) {
        uint64_t past[SL_PAST_COLS] = { 0 };
        sl_books_add_walk(&journal->books, feed, past);
        for (unsigned i = 0; i < SL_PAST_COLS; i++)
            sum += past[i];
    }
    return sum;
}

static void write_books(struct sl_journal *journal)
{
    uint64_t sum = sum_books(journal);
    if (sum == journal->books_sum)
        return;
    int rc =
        sl_ledger_write(journal->ledger, books_of(journal), journal->epoch, journal->books_fd, &journal->books_turn);
    if (rc && !journal->books_failed)
        sl_say(SL_SAY_ERROR, "journal: the books cannot be written: %s; they are kept in memory", strerror(-rc));
    journal->books_failed = rc;
    journal->books_sum = rc ? UINT64_MAX : sum;
}

static void write_books_in_time(struct sl_journal *journal, int64_t now_ns)
{
    if (now_ns - journal->books_ns < SL_JOURNAL_BOOKS_NS)
        return;
    journal->books_ns = now_ns;
    write_books(journal);
}

/* What the journal has behind the last number that the ledger knows: who counted it was killed. */
static int count_again(struct sl_journal *journal)
{
    static struct sl_roster roster;
    static struct sl_ledger_durable found;
    static const uint64_t none[SL_LEDGER_ROWS];
    const char *directory = journal->config->journal_directory;
    struct sl_ledger *ledger = journal->ledger;
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    found = *sl_ledger_durable(ledger);
    int rc = sl_cursor_open(&cursor, directory, SL_FAMILY_TAPE, found.seq + 1, 0);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    struct sl_ledger_half names = *sl_ledger_look(ledger); /* a feed that is configured no longer has its row already */
    while ((rc = sl_cursor_next(cursor, &event)) > SL_SEGMENT_END) {
        const struct sl_record *record = event.record;
        if (rc != SL_SEGMENT_RECORD || record->seq <= found.seq)
            continue;
        found.seq = record->seq;
        const char *name = sl_roster_name(&roster, directory, SL_FAMILY_TAPE, record->seq, record->feed);
        if (record->kind < SL_KIND_CNT && name && *name)
            found.cnt[sl_ledger_row_of(ledger, &names, name)]++;
    }
    sl_cursor_close(cursor);
    sl_ledger_tell(ledger, &found, none, found.seq);
    return rc;
}

/* A ledger that begins counts from here on. */
static int open_books(struct sl_journal *journal)
{
    char path[4096];
    static const uint64_t none[SL_LEDGER_ROWS];
    struct sl_ledger *ledger = journal->ledger;
    bool fresh = !ledger->since_ns;
    snprintf(path, sizeof(path), "%s/books", journal->config->journal_directory);
    journal->books_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (journal->books_fd < 0)
        return -errno;
    if (fresh && sl_ledger_read(ledger, journal->books_fd, &journal->books_turn)) {
        ledger->since_ns = sl_clock_real(NULL);
        sl_ledger_tell(ledger, sl_ledger_durable(ledger), none, journal->logs[SL_FAMILY_TAPE].scribe.durable_seq);
    } else if (!fresh) {
        journal->books_turn = sl_ledger_turn(journal->books_fd);
    }
    int rc = count_again(journal);
    if (!rc && fresh)
        sl_ledger_caught_up(ledger);
    journal->counted = *sl_ledger_durable(ledger);
    if (!rc)
        write_books(journal); /* who is killed before the first look has begun all the same */
    return rc;
}

static void leave_books(struct sl_journal *journal)
{
    if (journal->has_books)
        sl_mem_close(&journal->books_mem);
    journal->has_books = false;
}

static int join_books(struct sl_journal *journal, int fd, uint32_t thread_cnt)
{
    leave_books(journal);
    int rc = sl_mem_open(&journal->books_mem, fd, 1, false);
    if (rc)
        return rc;
    rc = sl_books_join(&journal->books, journal->books_mem.addr, journal->books_mem.len, journal->config->feed_cnt,
                       thread_cnt);
    journal->has_books = !rc;
    if (rc)
        sl_mem_close(&journal->books_mem);
    return rc;
}

/* ---- logs come and go ---- */

static void leave_log(struct log *log)
{
    if (log->mem.addr)
        sl_mem_close(&log->mem);
    if (log->page_mem.addr)
        sl_mem_close(&log->page_mem);
    log->mem = log->page_mem = (struct sl_mem){ .fd = -1 };
    log->joined = false;
}

/* Records name their feed by its number only, which is another's when the configuration has changed. */
static void note_feeds(const struct sl_journal *journal, const struct log *log)
{
    static struct sl_roster roster;
    roster.cnt = journal->config->feed_cnt;
    for (uint32_t i = 0; i < roster.cnt; i++)
        snprintf(roster.names[i], sizeof(roster.names[i]), "%s", journal->config->feeds[i].name);
    int rc = sl_roster_write(journal->config->journal_directory, log->scribe.config.family, log->rx.first_seq, &roster);
    if (rc)
        sl_say(SL_SAY_ERROR, "journal family=%s: the names of the feeds cannot be written: %s",
               sl_family_name(log->scribe.config.family), strerror(-rc));
}

static int join_log(struct sl_journal *journal, struct log *log, int fd, int page_fd)
{
    leave_log(log);
    int rc = sl_mem_open(&log->mem, fd, 1, false);
    if (!rc)
        rc = sl_mem_open(&log->page_mem, page_fd, sizeof(struct sl_durable), true);
    if (!rc)
        rc = sl_log_join_rx(&log->rx, log->mem.addr, log->mem.len);
    if (rc)
        return rc;
    sl_mem_populate(&log->mem, false);
    log->page = log->page_mem.addr;
    log->joined = true;
    journal->epoch = sl_log_epoch(&log->rx);
    /* next stays before first until that record, which names what is between, is written: it may be run over, too. */
    sl_log_seek(&log->rx, log->next);
    /* A journal that was killed had written it and not said so, and nothing more may come for a long time. */
    if (log->scribe.durable_seq > sl_durable_done(log->page))
        sl_durable_pass(log->page, log->scribe.durable_seq);
    note_feeds(journal, log);
    return 0;
}

static void forget_walk(struct sl_journal *journal)
{
    if (journal->walk_fd >= 0)
        close(journal->walk_fd);
    journal->walk_fd = -1;
}

static int join_logs(struct sl_journal *journal, const int *fds, unsigned fd_cnt, uint32_t thread_cnt)
{
    if (fd_cnt != 2 * journal->log_cnt + 2)
        return -EPROTO;
    forget_walk(journal);
    journal->walk_fd = fds[fd_cnt - 1];
    int books_rc = join_books(journal, fds[fd_cnt - 2], thread_cnt);
    if (books_rc)
        return books_rc;
    for (uint32_t i = 0; i < journal->log_cnt; i++) {
        int rc = join_log(journal, &journal->logs[i], fds[2 * i], fds[2 * i + 1]);
        if (rc)
            return rc;
    }
    /* One that began while we were away has an epoch that we did not choose. */
    if (journal->reserved.epoch != journal->epoch)
        return reserve(journal, (const uint64_t[]){ journal->reserved.tape_to, journal->reserved.raw_to });
    show_reserved(journal);
    return 0;
}

static bool is_drained(const struct log *log)
{
    return !log->joined || log->scribe.durable_seq >= sl_log_rx_head(&log->rx) ||
           sl_log_rx_head(&log->rx) < log->rx.first_seq;
}

static uint64_t used_to(const struct log *log, uint64_t reserved)
{
    uint64_t head = log->joined ? sl_log_rx_head(&log->rx) : 0;
    head = head > log->scribe.durable_seq ? head : log->scribe.durable_seq;
    return head > reserved ? head : reserved;
}

static void fail(const struct sl_journal *journal, int rc)
{
    struct sl_journal_word word = { .what = SL_JOURNAL_FAILED };
    snprintf(word.text, sizeof(word.text), "journal: %s: %s", journal->config->journal_directory,
             rc == -EBUSY ? "another daemon writes there" : strerror(-rc));
    sl_mem_send(journal->control_fd, &word, sizeof(word), NULL, 0);
}

static uint64_t new_epoch(void)
{
    uint64_t epoch;
    if (getrandom(&epoch, sizeof(epoch), 0) != (ssize_t)sizeof(epoch))
        epoch = (uint64_t)sl_clock_real(NULL) * 0x9e3779b97f4a7c15ull;
    return epoch ? epoch : 1; /* 0 means none */
}

/* Before the walk begins there are numbers for it on the disk, and its epoch: whatever becomes of it, the next knows
 * which numbers may have been seen. */
static int tell_places(struct sl_journal *journal, bool drained)
{
    const struct reserved *reserved = &journal->reserved;
    const struct log *tape = &journal->logs[SL_FAMILY_TAPE], *raw = &journal->logs[SL_FAMILY_RAW];
    struct sl_journal_places places = {
        .epoch = new_epoch(), .old_tape = {.epoch = journal->epoch, .durable_to = tape->scribe.durable_seq}
    };
    places.old_tape.reserved_to = used_to(tape, reserved->tape_to);
    places.held_from = held_from(journal);
    places.tape_next = places.old_tape.reserved_to + 1;
    places.raw_next = journal->log_cnt > 1 ? used_to(raw, reserved->raw_to) + 1 : 1;
    journal->given[SL_FAMILY_TAPE] = places.tape_next - 1;
    journal->given[SL_FAMILY_RAW] = places.raw_next - 1;
    for (unsigned i = 0; i < SL_FAMILY_CNT; i++)
        places.reserved[i] = journal->given[i] + SL_JOURNAL_AHEAD;
    int rc = write_reserved(journal, places.epoch, places.reserved[SL_FAMILY_TAPE], places.reserved[SL_FAMILY_RAW]);
    if (rc) {
        fail(journal, rc);
        return rc;
    }
    struct sl_journal_word word = { .what = SL_JOURNAL_PLACES, .drained = drained, .places = places };
    sl_mem_send(journal->control_fd, &word, sizeof(word), NULL, 0);
    return 0;
}

static bool anything_under_way(const struct sl_journal *journal)
{
    for (uint32_t i = 0; i < journal->log_cnt; i++)
        if (journal->logs[i].scribe.oldest != journal->logs[i].scribe.fill)
            return true;
    return false;
}

static void nap(struct sl_journal *journal)
{
    if (journal->time.nap)
        journal->time.nap(journal->time.self);
    else
        poll(NULL, 0, 1);
}

static void rest_a_little(struct sl_journal *journal, bool busy)
{
    sl_disk_reap(journal->disk, busy ? 0 : SL_TIME_NS / 1000);
    if (!busy && !anything_under_way(journal)) /* until it is tried again */
        nap(journal);
}

static uint64_t durable_sum(const struct sl_journal *journal)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < journal->log_cnt; i++)
        sum += journal->logs[i].scribe.durable_seq;
    return sum;
}

static bool is_gone(const struct sl_journal *journal) { return journal->walk_fd < 0 || is_at_end(journal->walk_fd); }

/* The supervisor is gone.  The walk learns that as we do, and drains: what it still publishes is seen by readers, and
 * wants to be on the disk. */
static void see_out(struct sl_journal *journal)
{
    int64_t now_ns = sl_clock_mono(journal->time.clock), end_ns = now_ns + SL_DRAIN_NS + SL_TIME_NS;
    for (; !is_gone(journal) && now_ns < end_ns; now_ns = sl_clock_mono(journal->time.clock)) {
        bool busy = false;
        for (uint32_t i = 0; i < journal->log_cnt; i++)
            busy |= tend(journal, &journal->logs[i], now_ns);
        reserve_ahead(journal, now_ns);
        rest_a_little(journal, busy);
    }
    if (!is_gone(journal))
        sl_say(SL_SAY_ERROR, "journal: the walk does not end; its last records may be missing, and will be named");
}

/* What is said to be lost now must not come after all: an agency sends it again, and then it is there twice. */
static void give_up(struct sl_journal *journal)
{
    int64_t now_ns = sl_clock_mono(journal->time.clock);
    for (uint32_t i = 0; i < journal->log_cnt; i++) {
        struct log *log = &journal->logs[i];
        if (log->scribe.put_seq > log->scribe.durable_seq && !sl_scribe_abandon(&log->scribe))
            try_again(log, now_ns);
    }
}

/* The walk is gone: all that it published is to be on the disk before the next one begins.  A disk on which nothing
 * comes forward is given up. */
static void drain(struct sl_journal *journal)
{
    int64_t end_ns = sl_clock_mono(journal->time.clock) + DRAIN_NS;
    uint64_t durable = durable_sum(journal);
    bool drained = false;
    journal->draining = true;
    while (!drained && sl_clock_mono(journal->time.clock) < end_ns) {
        bool busy = false;
        drained = true;
        for (uint32_t i = 0; i < journal->log_cnt; i++) {
            busy |= tend(journal, &journal->logs[i], sl_clock_mono(journal->time.clock));
            drained &= is_drained(&journal->logs[i]);
        }
        if (durable_sum(journal) != durable)
            end_ns = sl_clock_mono(journal->time.clock) + DRAIN_NS;
        durable = durable_sum(journal);
        rest_a_little(journal, busy || drained);
    }
    journal->draining = false;
    if (!drained) {
        sl_say(SL_SAY_ERROR, "journal: not all that was published could be written; a hole will say so");
        give_up(journal);
    }
    if (!is_gone(journal))
        return;
    uint64_t to[SL_FAMILY_CNT] = { journal->given[SL_FAMILY_TAPE], journal->given[SL_FAMILY_RAW] };
    for (uint32_t i = 0; i < journal->log_cnt; i++)
        if (journal->logs[i].joined) /* nobody can use more of them now */
            to[i] = used_to(&journal->logs[i], 0);
    reserve(journal, to);
}

/* One word of the supervisor's.  False: it is gone, or wants us to go. */
static bool obey(struct sl_journal *journal)
{
    struct sl_journal_word word;
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt = 0;
    ssize_t len = sl_mem_recv(journal->control_fd, &word, sizeof(word), fds, &fd_cnt, MSG_DONTWAIT);
    if (len == -EAGAIN || len == -EINTR)
        return true;
    if (len != (ssize_t)sizeof(word))
        return false;
    if (word.what == SL_JOURNAL_LOGS) {
        int rc = join_logs(journal, fds, fd_cnt, word.thread_cnt);
        if (rc)
            sl_say(SL_SAY_ERROR, "journal: the logs cannot be read: %s", strerror(-rc));
        return !rc;
    }
    for (unsigned i = 0; i < fd_cnt; i++)
        close(fds[i]);
    if (word.what == SL_JOURNAL_DRAIN) {
        drain(journal);
        write_books(journal);
        tell_places(journal, true);
        forget_walk(journal);
        leave_books(journal);
        for (uint32_t i = 0; i < journal->log_cnt; i++)
            leave_log(&journal->logs[i]);
    }
    return true;
}

/* ---- the process ---- */

static int64_t due_in(const struct sl_journal *journal, int64_t now_ns)
{
    int64_t wait_ns = LOOK_NS;
    for (uint32_t i = 0; i < journal->log_cnt; i++) {
        const struct log *log = &journal->logs[i];
        int64_t due_ns = log->dirty_ns ? log->dirty_ns + journal->flush_ns - now_ns : LOOK_NS;
        wait_ns = due_ns < wait_ns ? due_ns : wait_ns;
    }
    return wait_ns > 1000 ? wait_ns : 1000;
}

/* Nothing was there to do: until something is published, has been written, is due, or LOOK_NS have passed. */
static void rest(struct sl_journal *journal, int64_t now_ns)
{
    struct log *tape = &journal->logs[SL_FAMILY_TAPE];
    int64_t wait_ns = due_in(journal, now_ns);
    if (anything_under_way(journal)) {
        sl_disk_reap(journal->disk, wait_ns < SL_TIME_NS / 5000 ? wait_ns : SL_TIME_NS / 5000);
    } else if (tape->joined && !tape->retry_ns) {
        sl_log_wait(&tape->rx, &tape->page->seat, wait_ns);
    } else {
        struct pollfd poll_fd = { .fd = journal->control_fd, .events = POLLIN };
        poll(&poll_fd, 1, (int)(LOOK_NS / 1000000));
    }
}

int sl_journal_poll(struct sl_journal *journal)
{
    int64_t now_ns = sl_clock_mono(journal->time.clock);
    bool busy = false;
    sl_disk_reap(journal->disk, 0);
    for (uint32_t i = 0; i < journal->log_cnt; i++)
        busy |= tend(journal, &journal->logs[i], now_ns);
    reserve_ahead(journal, now_ns);
    if (busy && now_ns - journal->looked_ns < LOOK_NS)
        return true;
    journal->looked_ns = now_ns;
    write_books_in_time(journal, now_ns);
    return obey(journal) ? busy : -EPIPE;
}

static void run(struct sl_journal *journal)
{
    for (int rc; (rc = sl_journal_poll(journal)) >= 0;)
        if (!rc)
            rest(journal, sl_clock_mono(journal->time.clock));
}

static int make_folders(const char *directory)
{
    char path[4096];
    /* Whoever may read a family's folder must be able to come to it. */
    if (mkdir(directory, 0751) && errno != EEXIST)
        return -errno;
    for (unsigned family = 0; family < SL_FAMILY_CNT; family++) {
        snprintf(path, sizeof(path), "%s/%s", directory, sl_family_name(family));
        if (mkdir(path, 0750) && errno != EEXIST)
            return -errno;
    }
    return 0;
}

/* Who may read a log may read it on disk: what is made in a folder is its group's. */
static void give_folders(const struct sl_config *config)
{
    const char *names[SL_FAMILY_CNT] = { config->group, config->raw_group };
    char path[4096];
    for (unsigned family = 0; family < SL_FAMILY_CNT; family++) {
        const struct group *group = names[family] ? getgrnam(names[family]) : NULL;
        snprintf(path, sizeof(path), "%s/%s", config->journal_directory, sl_family_name(family));
        if (group && (chown(path, (uid_t)-1, group->gr_gid) || chmod(path, 02750)))
            sl_say(SL_SAY_WARN, "journal: %s cannot be given to group %s", path, names[family]);
    }
}

static int open_family(struct sl_journal *journal, enum sl_family family, bool tape_lives)
{
    const struct sl_config *config = journal->config;
    struct sl_catalog_state state;
    struct log *log = &journal->logs[family];
    int rc = sl_catalog_mend(config->journal_directory, family, tape_lives ? SL_SCRIBE_REDO : 0, &state);
    if (rc)
        return rc;
    if (family == SL_FAMILY_TAPE && !journal->epoch)
        journal->epoch = state.last_epoch;
    struct sl_scribe_config scribe = {
        .directory = config->journal_directory,
        .family = family,
        .segment_len = config->journal_segment,
        .sync = config->journal_sync_ns != INT64_MAX,
        .node = config->node,
        .tape_name = config->tape_name,
        .next_number = state.next_number,
        .durable_seq = state.last_seq,
        .keep_ns = config->journal_keep_ns,
        .keep_len = config->journal_keep_len,
        .feed_cnt = family == SL_FAMILY_TAPE ? config->feed_cnt : 0,
        .disk = journal->disk,
    };
    log->mem = log->page_mem = (struct sl_mem){ .fd = -1 };
    log->next = state.last_seq + 1;
    return sl_scribe_init(&log->scribe, &scribe);
}

static int open_journal(struct sl_journal *journal, bool tape_lives)
{
    const struct sl_config *config = journal->config;
    uint64_t longest = config->tape_len > config->raw_len ? config->tape_len : config->raw_len;
    journal->log_cnt = config->raw_len ? 2 : 1;
    journal->flush_ns = config->journal_sync_ns == INT64_MAX ? NEVER_FLUSH_NS : config->journal_sync_ns;
    journal->scratch_len = (uint32_t)(longest / 4 < 1u << 30 ? longest / 4 : 1u << 30);
    /* Only what long records touch becomes memory. */
    journal->scratch =
        mmap(NULL, journal->scratch_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (journal->scratch == MAP_FAILED)
        return -errno;
    int rc = make_folders(config->journal_directory);
    if (!rc)
        give_folders(config);
    if (!rc)
        rc = sl_disk_new(&journal->disk, 2 * SL_SCRIBE_BUFS + 2);
    if (!rc)
        rc = read_reserved(journal);
    journal->epoch = journal->reserved.epoch;
    for (uint32_t i = 0; !rc && i < journal->log_cnt; i++)
        rc = open_family(journal, (enum sl_family)i, tape_lives);
    if (!rc)
        rc = open_books(journal);
    for (uint32_t i = 0; !rc && i < journal->log_cnt; i++)
        sl_ledger_alarm(journal->ledger, i, 0);
    return rc;
}

/* The supervisor is gone, or has done it. */
static void close_books(struct sl_journal *journal)
{
    struct log *tape = &journal->logs[SL_FAMILY_TAPE];
    if (journal->has_books && tape->joined && is_gone(journal))
        sl_ledger_fold(journal->ledger, &journal->books, &tape->rx, journal->epoch);
    write_books(journal);
    leave_books(journal);
}

int sl_journal_open(struct sl_journal **out, const struct sl_journal_begin *begin)
{
    static struct sl_journal one;
    struct sl_journal *journal = *out = &one;
    one = (struct sl_journal){ .config = begin->config,
                               .time = begin->time,
                               .ledger = begin->ledger,
                               .control_fd = begin->control_fd,
                               .reserved_fd = -1,
                               .books_fd = -1,
                               .books_sum = UINT64_MAX,
                               .walk_fd = -1 };
    int rc = open_journal(journal, begin->tape_lives);
    if (rc) {
        fail(journal, rc);
        return rc;
    }
    sl_say(SL_SAY_INFO, "journal up pid=%d directory=%s durable=%" PRIu64 " writes by %s", getpid(),
           begin->config->journal_directory, journal->logs[SL_FAMILY_TAPE].scribe.durable_seq,
           sl_disk_way(journal->disk));
    return tell_places(journal, false);
}

void sl_journal_drop(struct sl_journal *journal)
{
    for (uint32_t i = 0; i < journal->log_cnt; i++) {
        sl_scribe_fini(&journal->logs[i].scribe);
        leave_log(&journal->logs[i]);
    }
    leave_books(journal);
    forget_walk(journal);
    sl_disk_delete(journal->disk);
    munmap(journal->scratch, journal->scratch_len);
    close(journal->books_fd);
    close(journal->reserved_fd);
}

int sl_journal_close(struct sl_journal *journal)
{
    int rc = 0;
    see_out(journal);
    drain(journal);
    close_books(journal);
    for (uint32_t i = 0; i < journal->log_cnt; i++) {
        struct sl_scribe *scribe = &journal->logs[i].scribe;
        int end_rc = scribe->error ? sl_scribe_abandon(scribe) : sl_scribe_end(scribe);
        rc = rc ? rc : end_rc;
    }
    sl_journal_drop(journal);
    return rc;
}

int sl_journal_main(const struct sl_journal_begin *begin)
{
    struct sl_journal *journal;
    if (sl_journal_open(&journal, begin))
        return 1;
    run(journal);
    return sl_journal_close(journal) ? 1 : 0;
}
