#include "pipeline/client.h"

#include "pipeline/backlog.h"
#include "pipeline/clock.h"
#include "pipeline/event.h"
#include "pipeline/filter.h"
#include "pipeline/readers.h"
#include "pipeline/record.h"
#include "pipeline/stay.h"
#include "pipeline/watch.h"
#include "ring/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_NS        100000000ll /* how often a reader that has nothing to read looks whether the daemon lives */
#define RETRY_MIN_NS   10000000ll /* a crashed walk is back in some 50 ms */
#define RETRY_MAX_NS   1000000000ll
#define JOURNAL_NS     5000000ll /* how often a reader looks whether the journal has come as far as it needs */
#define PATIENCE_NS    (3 * SL_TIME_NS) /* a journal that does not come forward for so long is not waited for */
#define BUF_LEN_MIN    (64u * 1024u)
#define BUF_ALIGN      64u
#define SPINS_PER_LOOK 64
#define TURN           64u /* records of the journal between two looks whether the tape has the next one */
#define RAW_NEAR       4096u /* raw records that are read rather than looked for anew */
#define AGAIN          2 /* of the steps below: neither an event nor the end of what there is */

struct copy { /* where records are copied to */
    void *mem;
    uint32_t len;
};

struct sl_reader {
    struct sl_reader_options options;
    char *socket, *journal; /* journal: NULL: the daemon's */
    struct sl_stay *stay; /* the last one joined; kept after its end, since raw and the last event still use it */
    struct sl_backlog *backlog; /* while what comes next is no longer on the tape; else NULL */
    struct sl_backlog *raw_backlog; /* the raw log's, since somebody asked for what it has lost; else NULL */
    uint64_t raw_next; /* of raw_backlog */
    const struct sl_record
        *pending; /* of the backlog: read, and given when what it shows to be missing has been told */
    uint64_t next_seq; /* what comes next; 0: the oldest there is, whichever that be */
    uint64_t epoch; /* of what came last; 0: nothing did, and any will do */
    unsigned turn;
    int64_t patience_ns; /* CLOCK_MONOTONIC; until when the journal is waited for; 0: it is not behind */
    bool has_passed; /* it was waited for in vain once */
    bool ended; /* the daemon is gone: what is left is to be drained */
    bool away; /* drained, and EPIPE has been said */
    bool owes_epoch, owes_evicted; /* events that are due before the next record */
    bool holds; /* gating: the desk waits for us, as far as we know */
    uint64_t given_seq; /* last that the user got or was told he missed; behind it only such as he did not ask for */
    uint64_t done_seq; /* given_seq or more: he is done with all */
    uint64_t missed_first, missed_last; /* to be told with EPOCH, or as MISSED; 0 none */
    int64_t looked_ns, retry_ns, retry_wait_ns; /* CLOCK_MONOTONIC */
    struct copy record, raw;
    bool in_place; /* peek: the record that was given last is still the tape's next */
    bool wants_in_place; /* in a call of peek */
    struct sl_watch *watch; /* NULL until somebody asks for fd */
    char name[32];
};

/* ---- places ---- */

static void note_missed(struct sl_reader *reader, uint64_t first, uint64_t last)
{
    reader->missed_first = first;
    reader->missed_last = last;
}

/* The tape comes next, at seq; what is between next_seq and that is neither there nor in the journal. */
static void enter_tape(struct sl_reader *reader, uint64_t seq)
{
    struct sl_stay *stay = reader->stay;
    bool turned = reader->epoch && reader->epoch != stay->epoch;

    sl_backlog_close(reader->backlog);
    reader->backlog = NULL;
    reader->pending = NULL;
    reader->patience_ns = 0;
    reader->in_place = false;
    if (turned) {
        seq = stay->tape.first_seq;
        reader->owes_epoch = true;
    }
    sl_log_seek(&stay->tape, seq);
    seq = stay->tape.next_seq;
    if (reader->next_seq && reader->next_seq < seq)
        note_missed(reader, reader->next_seq, seq - 1);
    reader->next_seq = seq;
    reader->epoch = stay->epoch;
}

static const char *journal_of(const struct sl_reader *reader)
{
    const char *journal = reader->journal ? reader->journal : reader->stay->visit.journal;
    return journal && *journal ? journal : NULL;
}

/* The journal comes next, at next_seq, or if that is 0 with what was published at ns; false: there is none for us. */
static bool enter_journal(struct sl_reader *reader, int64_t ns)
{
    const char *journal = journal_of(reader);
    struct sl_backlog *backlog;

    if (!journal || sl_backlog_open(&backlog, journal, SL_FAMILY_TAPE, reader->next_seq, ns))
        return false;
    sl_backlog_close(reader->backlog);
    reader->backlog = backlog;
    reader->pending = NULL;
    reader->turn = 0;
    reader->patience_ns = 0;
    reader->has_passed = false;
    reader->in_place = false;
    /* Relaxed: for status, and this reader is its only writer. */
    uint64_t resume_cnt = atomic_load_explicit(&reader->stay->seat->resume_cnt, memory_order_relaxed) + 1;
    atomic_store_explicit(&reader->stay->seat->resume_cnt, resume_cnt, memory_order_relaxed);
    return true;
}

static bool is_on_tape(const struct sl_reader *reader, uint64_t seq)
{
    const struct sl_log_rx *tape = &reader->stay->tape;
    return seq >= tape->first_seq && seq >= sl_log_oldest(tape);
}

/* Published times grow with seq, so the first that is late enough is found by halving.  Laps meanwhile only move the
 * oldest end, where the journal, or MISSED, is the answer anyway. */
static uint64_t find_time(const struct sl_log_rx *tape, int64_t time_ns)
{
    struct sl_log_rx rx = *tape;
    uint64_t low = sl_log_oldest(&rx), high = sl_log_rx_head(&rx) + 1;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (sl_event_published_ns(&rx, middle) < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The oldest there is, or the first published at ns: of the journal, unless the tape has that too. */
static void start_early(struct sl_reader *reader, int64_t ns)
{
    const struct sl_log_rx *tape = &reader->stay->tape;
    struct sl_log_rx rx = *tape;
    uint64_t oldest = sl_log_oldest(tape);
    /* Whether the tape's oldest is older than what is asked for. */
    bool covered = sl_log_rx_head(tape) >= oldest && sl_event_published_ns(&rx, oldest) < ns;

    if (!covered && enter_journal(reader, ns) && sl_backlog_next(reader->backlog, &reader->pending) > 0 &&
        !(reader->pending->epoch == reader->stay->epoch && is_on_tape(reader, reader->pending->seq))) {
        reader->next_seq = reader->pending->seq;
        reader->epoch = reader->pending->epoch;
        return;
    }
    enter_tape(reader, ns == INT64_MIN ? oldest : find_time(tape, ns));
}

/* Whether a place of another epoch than the running one is one of this journal's: the record in front of seq, or the
 * first one from there on, is of that epoch, or what is there no longer cannot speak against it. */
static bool is_known(struct sl_reader *reader, uint64_t epoch, uint64_t seq)
{
    const struct sl_record *record;
    struct sl_backlog *backlog;
    bool known = false, other = false;
    int got = 0;

    if (!journal_of(reader) ||
        sl_backlog_open(&backlog, journal_of(reader), SL_FAMILY_TAPE, seq > 1 ? seq - 1 : 1, INT64_MIN))
        return false;
    while (!known && (got = sl_backlog_next(backlog, &record)) > 0) {
        known = record->epoch == epoch || (record->seq >= seq && !other);
        other = true;
        if (record->seq >= seq)
            break;
    }
    sl_backlog_close(backlog);
    return known || (!got && !other && seq <= reader->stay->tape.first_seq);
}

static void start_at(struct sl_reader *reader, uint64_t epoch, uint64_t seq)
{
    struct sl_stay *stay = reader->stay;
    bool running = !epoch || epoch == stay->epoch;

    if (running && (is_on_tape(reader, seq) || (epoch && seq < stay->tape.first_seq))) {
        enter_tape(reader, seq);
        return;
    }
    reader->epoch = epoch;
    if (running || is_known(reader, epoch, seq))
        reader->next_seq = seq ? seq : 1;
    /* A place that nobody here has heard of: all that there is, is new to whoever was there. */
    if (!enter_journal(reader, INT64_MIN)) {
        if (!running)
            reader->next_seq = 0;
        enter_tape(reader, running ? seq : stay->tape.first_seq);
        reader->missed_first = reader->missed_last = 0; /* not on this tape, as far as anybody can tell */
    }
}

static void find_start(struct sl_reader *reader)
{
    const struct sl_reader_options *options = &reader->options;

    switch (options->from) {
    case SL_FROM_NOW:
        enter_tape(reader, sl_log_rx_head(&reader->stay->tape) + 1);
        break;
    case SL_FROM_OLDEST:
        start_early(reader, INT64_MIN);
        break;
    case SL_FROM_SEQ:
        start_at(reader, options->epoch, options->seq);
        break;
    case SL_FROM_TIME:
        start_early(reader, options->time_ns);
        break;
    case SL_FROM_PLACE:
        if (options->epoch)
            start_at(reader, options->epoch, options->seq + 1);
        else
            start_early(reader, INT64_MIN);
        break;
    }
}

/* ---- joining ---- */

/* Relaxed: for status, which wants a recent value. */
static void note_place(struct sl_seat *seat, uint64_t seq)
{
    atomic_store_explicit(&seat->read_seq, seq, memory_order_relaxed);
}

/* From here on the reader is at next_seq, and the desk may know.  It would not believe in a done of the future, or of
 * the tape before. */
static void sit_down(struct sl_reader *reader)
{
    const struct sl_log_rx *tape = &reader->stay->tape;
    uint64_t head = sl_log_rx_head(tape), before = reader->next_seq ? reader->next_seq - 1 : 0;

    reader->given_seq = before;
    reader->done_seq = before < tape->first_seq ? tape->first_seq - 1 : before < head ? before : head;
    reader->holds = false;
    note_place(reader->stay->seat, reader->done_seq);
    if (reader->options.gating)
        sl_seat_done(reader->stay->seat, reader->done_seq);
}

static int open_stay(struct sl_reader *reader, struct sl_stay **stay, bool *answered)
{
    unsigned flags = (reader->options.gating ? SL_HELLO_GATING : 0) | (reader->options.raw ? SL_HELLO_RAW : 0);
    int rc = sl_stay_open(stay, reader->socket, flags, reader->name, answered);

    if (!rc && reader->watch)
        rc = sl_watch_socket(reader->watch, (*stay)->visit.sock);
    return rc;
}

/* How long it takes a daemon to come back is its own affair; ours is not to hurry it. */
static int put_off(struct sl_reader *reader, int rc, bool answered)
{
    bool absent =
        !answered && (rc == -ENOENT || rc == -ECONNREFUSED || rc == -ETIMEDOUT || rc == -ECONNRESET || rc == -EPIPE);

    reader->retry_wait_ns = 2 * reader->retry_wait_ns < RETRY_MAX_NS ? 2 * reader->retry_wait_ns : RETRY_MAX_NS;
    reader->retry_ns = sl_clock_mono(NULL) + reader->retry_wait_ns;
    return absent || rc == -EAGAIN ? -EPIPE : rc;
}

static int sleep_ns(int64_t ns)
{
    struct timespec time = { .tv_sec = ns / SL_TIME_NS, .tv_nsec = ns % SL_TIME_NS };
    return nanosleep(&time, NULL) ? -errno : 0;
}

/* The new walk's tape.  Where its numbers go on from those we know, others may have come and gone in between, which
 * only the journal has. */
static void go_over(struct sl_reader *reader, struct sl_stay *stay)
{
    bool same = stay->epoch == reader->stay->epoch;
    sl_stay_close(reader->stay);
    reader->stay = stay;
    if (same && !reader->backlog)
        sl_log_seek(&stay->tape, reader->next_seq);
    if (!same && !(reader->next_seq <= stay->tape.first_seq && enter_journal(reader, INT64_MIN)))
        enter_tape(reader, stay->tape.first_seq);
}

static int rejoin(struct sl_reader *reader, int64_t timeout_ns)
{
    int64_t wait_ns = reader->retry_ns - sl_clock_mono(NULL);
    bool too_long = timeout_ns >= 0 && timeout_ns < wait_ns;

    if (wait_ns > 0)
        sleep_ns(too_long ? timeout_ns : wait_ns);
    if (too_long)
        return -EPIPE;
    struct sl_stay *stay;
    bool answered;
    int rc = open_stay(reader, &stay, &answered);
    if (rc)
        return put_off(reader, rc, answered);
    go_over(reader, stay);
    reader->ended = reader->away = false;
    reader->retry_wait_ns = RETRY_MIN_NS;
    sit_down(reader);
    return 0;
}

/* Drained to its last seq. */
static int go_away(struct sl_reader *reader)
{
    if (reader->watch)
        sl_watch_disarm(reader->watch);
    /* Its end would otherwise keep the user's loop awake. */
    close(reader->stay->visit.sock);
    reader->stay->visit.sock = -1;
    reader->away = true;
    reader->retry_ns = sl_clock_mono(NULL) + reader->retry_wait_ns;
    return -EPIPE;
}

/* ---- events ---- */

static void note_read(struct sl_seat *seat, const struct sl_event *event)
{
    /* Relaxed: as note_place. */
    atomic_store_explicit(&seat->read_ns, (uint64_t)event->stamps.read_ns, memory_order_relaxed);
}

static void count_missed(struct sl_seat *seat, uint64_t cnt)
{
    /* Relaxed: for status, and this reader is its only writer. */
    uint64_t missed_cnt = atomic_load_explicit(&seat->missed_cnt, memory_order_relaxed) + cnt;
    atomic_store_explicit(&seat->missed_cnt, missed_cnt, memory_order_relaxed);
}

static int give_missed(struct sl_reader *reader, struct sl_event *event)
{
    event->type = SL_EVENT_MISSED;
    event->missed_first = reader->missed_first;
    event->seq = event->missed_last = reader->given_seq = reader->missed_last;
    note_place(reader->stay->seat, reader->missed_last);
    count_missed(reader->stay->seat, reader->missed_last - reader->missed_first + 1);
    note_missed(reader, 0, 0);
    return 1;
}

static int give_epoch(struct sl_reader *reader, struct sl_event *event)
{
    reader->owes_epoch = false;
    event->type = SL_EVENT_EPOCH;
    event->seq = reader->next_seq;
    event->missed_first = reader->missed_first;
    event->missed_last = reader->missed_last;
    note_missed(reader, 0, 0);
    return 1;
}

static int give_evicted(struct sl_reader *reader, struct sl_event *event)
{
    reader->owes_evicted = false;
    event->type = SL_EVENT_EVICTED;
    event->seq = reader->done_seq;
    return 1;
}

/* True when the desk has stopped waiting for us since we looked last. */
static bool was_evicted(struct sl_reader *reader)
{
    if (!reader->options.gating)
        return false;
    bool held = reader->holds;
    enum sl_gate_state state = sl_log_gate_state(&reader->stay->tape, reader->stay->visit.welcome->seat_idx);
    reader->holds = state == SL_GATE_HOLDS;
    return held && state == SL_GATE_EVICTED;
}

static void say_done(struct sl_reader *reader, uint64_t seq)
{
    if (seq <= reader->done_seq)
        return;
    reader->done_seq = seq;
    sl_seat_done(reader->stay->seat, seq);
}

/* A record that the user did not ask for holds nothing back once he is done with all he got. */
static int pass_over(struct sl_reader *reader, struct sl_event *event, uint64_t seq)
{
    *event = (struct sl_event){ .epoch = reader->epoch, .feed = "" };
    if (reader->options.gating && reader->done_seq >= reader->given_seq)
        say_done(reader, seq);
    return AGAIN;
}

/* Not a record as we know them. */
static int refuse(struct sl_reader *reader, struct sl_event *event, uint64_t seq)
{
    *event = (struct sl_event){ .epoch = reader->epoch, .feed = "" };
    note_missed(reader, seq, seq);
    return give_missed(reader, event);
}

static const char *feed_of(const struct sl_reader *reader, const struct sl_record *record)
{
    const struct sl_stay *stay = reader->stay;
    const char *name = reader->backlog ? sl_backlog_feed(reader->backlog, record) : NULL;
    if (name)
        return name;
    return record->feed < stay->visit.welcome->feed_cnt ? stay->visit.feed[record->feed] : "";
}

/* The event of a record is complete, but for when it was read. */
static int give(struct sl_reader *reader, struct sl_event *event, const struct sl_record *record)
{
    event->epoch = record->epoch;
    event->feed = feed_of(reader, record);
    event->stamps.read_ns = sl_clock_real(NULL);
    note_read(reader->stay->seat, event);
    if (reader->options.filter && !sl_filter_match(reader->options.filter, event))
        return pass_over(reader, event, record->seq);
    reader->given_seq = record->seq;
    return 1;
}

/* A private copy, of which only its seq has been proved; an event, or AGAIN when it is not for this user. */
static int give_record(struct sl_reader *reader, struct sl_event *event, const struct sl_record *record, uint64_t seq)
{
    reader->next_seq = seq + 1;
    note_place(reader->stay->seat, seq);
    if (!sl_event_fine(record) || record->kind == SL_RECORD_HOLE || record->epoch != reader->epoch)
        return refuse(reader, event, seq);
    /* The journal's may be of a feed that is no more. */
    if (!reader->backlog && !sl_event_is_notice(record) && record->feed >= reader->stay->visit.welcome->feed_cnt)
        return refuse(reader, event, seq);
    if (sl_event_is_notice(record) && !reader->options.notices)
        return pass_over(reader, event, seq);
    if (!sl_event_read(event, record))
        return refuse(reader, event, seq);
    return give(reader, event, record);
}

/* ---- from the tape ---- */

static uint32_t record_len_max(const struct sl_log_rx *rx)
{
    return rx->bytes_len / 4 < 1u << 30 ? (uint32_t)(rx->bytes_len / 4) : 1u << 30;
}

static int grow(struct copy *copy, uint32_t len_max)
{
    uint32_t len = copy->len ? 2 * copy->len : BUF_LEN_MIN;
    void *mem;

    if (copy->len >= len_max)
        return -EPROTO;
    if (posix_memalign(&mem, BUF_ALIGN, len))
        return -ENOMEM;
    free(copy->mem);
    *copy = (struct copy){ .mem = mem, .len = len };
    return 0;
}

/* sl_log_next, into as much memory as the record takes. */
static int copy_next(struct sl_log_rx *rx, struct copy *copy)
{
    for (;;) {
        int got = sl_log_next(rx, copy->mem, copy->len);
        if (got != -EMSGSIZE)
            return got;
        int rc = grow(copy, record_len_max(rx));
        if (rc)
            return rc;
    }
}

/* Who was evicted is told so before he is told what that cost him. */
static int meet_lap(struct sl_reader *reader)
{
    const struct sl_log_rx *tape = &reader->stay->tape;

    reader->owes_evicted = was_evicted(reader);
    if (!enter_journal(reader, INT64_MIN)) {
        note_missed(reader, tape->missed_first, tape->missed_last);
        reader->next_seq = tape->next_seq;
    }
    return AGAIN;
}

/* The next record where it lies, if that is a bulletin and there to be seen; its header is copied and whole, all behind
 * it is not to be relied on. */
static bool peek_next(struct sl_reader *reader, struct sl_event *event)
{
    struct sl_log_rx *tape = &reader->stay->tape;
    const struct sl_log_rec *rec = sl_log_peek(tape);
    struct sl_record head;

    if (!rec || tape->bytes_len - (uint64_t)((const unsigned char *)rec - tape->bytes) < sizeof(head))
        return false;
    sl_log_copy(&head, rec, sizeof(head));
    if (!sl_log_still_whole(tape) || head.seq != tape->next_seq || head.len > record_len_max(tape) ||
        head.len < sizeof(head) + sizeof(struct sl_bulletin) || sl_event_is_notice(&head) || !sl_event_fine(&head) ||
        head.epoch != reader->epoch || head.feed >= reader->stay->visit.welcome->feed_cnt)
        return false;
    sl_event_read_head(event, &head);
    event->type = SL_EVENT_BULLETIN;
    event->bulletin = (const struct sl_bulletin *)((const unsigned char *)rec + sizeof(head));
    event->bulletin_len = head.len - (uint32_t)sizeof(head);
    reader->in_place = true;
    reader->next_seq = head.seq + 1;
    note_place(reader->stay->seat, head.seq);
    give(reader, event, &head);
    return true;
}

static int take_tape(struct sl_reader *reader, struct sl_event *event)
{
    struct sl_log_rx *tape = &reader->stay->tape;

    if (reader->in_place) {
        reader->in_place = false;
        sl_log_skip(tape);
    }
    if (reader->wants_in_place && !reader->options.filter && peek_next(reader, event))
        return 1;
    int got = copy_next(tape, &reader->record);
    if (got == SL_LOG_NONE || got == -ENOMEM)
        return got;
    if (got == SL_LOG_LAPPED)
        return meet_lap(reader);
    if (got == SL_LOG_RECORD)
        return give_record(reader, event, reader->record.mem, tape->next_seq - 1);
    sl_log_seek(tape, tape->next_seq + 1);
    reader->next_seq = tape->next_seq;
    return refuse(reader, event, tape->next_seq - 1);
}

/* ---- from the journal ---- */

/* What the record shows to have happened before it; true when that is to be told first. */
static bool foretell(struct sl_reader *reader, const struct sl_record *record)
{
    bool hole = record->kind == SL_RECORD_HOLE;
    uint64_t next = reader->next_seq, first = hole ? sl_segment_begins(record) : record->seq;
    bool turned = reader->epoch && record->epoch != reader->epoch;

    reader->epoch = record->epoch;
    if (hole) {
        note_missed(reader, next ? next : first, record->seq);
        reader->next_seq = record->seq + 1;
        reader->pending = NULL;
    } else {
        if (next && first > next)
            note_missed(reader, next, first - 1);
        reader->next_seq = record->seq;
    }
    reader->owes_epoch = turned;
    return turned || reader->missed_first;
}

/* The journal has no more just now.  What comes next is on the tape, or the journal is still to write it; and when it
 * does not, that is missing. */
static int meet_end(struct sl_reader *reader)
{
    const struct sl_log_rx *tape = &reader->stay->tape;
    uint64_t oldest = sl_log_oldest(tape), next = reader->next_seq;
    int64_t now_ns = sl_clock_mono(NULL);

    if (!next)
        next = oldest;
    else if (next < tape->first_seq)
        next = tape->first_seq; /* the walk began when all before it was in the journal, or lost */
    if (next >= oldest) {
        enter_tape(reader, next);
        return AGAIN;
    }
    if (!reader->patience_ns)
        reader->patience_ns = now_ns + PATIENCE_NS;
    if (now_ns < reader->patience_ns)
        return 0;
    reader->patience_ns = 0;
    if (reader->has_passed) {
        enter_tape(reader, oldest);
    } else {
        reader->has_passed = true;
        sl_backlog_pass(reader->backlog);
    }
    return AGAIN;
}

static int take_journal(struct sl_reader *reader, struct sl_event *event)
{
    if (!reader->pending) {
        if (!(reader->turn++ % TURN) && is_on_tape(reader, reader->next_seq)) {
            enter_tape(reader, reader->next_seq);
            return AGAIN;
        }
        int got = sl_backlog_next(reader->backlog, &reader->pending);
        if (got <= 0)
            return got == -ENOMEM ? got : meet_end(reader);
        reader->patience_ns = 0;
        reader->has_passed = false;
    }
    const struct sl_record *record = reader->pending;
    if (record->seq < reader->next_seq) {
        reader->pending = NULL;
        return AGAIN;
    }
    if (foretell(reader, record))
        return AGAIN;
    reader->pending = NULL;
    return give_record(reader, event, record, record->seq);
}

/* What is due before the next record. */
static int give_news(struct sl_reader *reader, struct sl_event *event)
{
    if (reader->owes_evicted)
        return give_evicted(reader, event);
    if (reader->owes_epoch)
        return give_epoch(reader, event);
    if (reader->missed_first)
        return give_missed(reader, event);
    return was_evicted(reader) ? give_evicted(reader, event) : 0;
}

/* 1: an event.  0: nothing there yet.  -ENOMEM. */
static int take(struct sl_reader *reader, struct sl_event *event)
{
    int got;

    do {
        event->epoch = reader->epoch;
        got = give_news(reader, event);
        if (!got)
            got = reader->backlog ? take_journal(reader, event) : take_tape(reader, event);
    } while (got == AGAIN);
    return got;
}

/* ---- waiting ---- */

static void spin(void)
{
    for (int i = 0; i < SPINS_PER_LOOK; i++) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        __asm__ volatile("" ::: "memory");
#endif
    }
}

static int sleep_until_more(struct sl_reader *reader, int64_t timeout_ns)
{
    int rc;

    if (reader->options.spin) {
        spin();
        return 0;
    }
    if (reader->watch && sl_watch_started(reader->watch)) {
        /* Its thread sleeps in our seat: two cannot. */
        rc = sl_reader_arm(reader);
        return rc ? (rc > 0 ? 0 : rc) : sl_watch_wait(reader->watch, timeout_ns);
    }
    rc = sl_log_wait(&reader->stay->tape, reader->stay->seat, timeout_ns);
    return rc == -ETIMEDOUT ? 0 : rc;
}

/* 0: look again.  -ETIMEDOUT: the time is up.  -EINTR. */
static int wait_for_more(struct sl_reader *reader, int64_t end_ns)
{
    int64_t now_ns = sl_clock_mono(NULL);

    if (now_ns - reader->looked_ns >= LOOK_NS) {
        reader->looked_ns = now_ns;
        reader->ended = sl_visit_ended(&reader->stay->visit);
        if (reader->ended)
            return 0;
    }
    if (now_ns >= end_ns)
        return -ETIMEDOUT;
    if (reader->backlog) /* nothing tells when the journal has come forward */
        return sleep_ns(end_ns - now_ns < JOURNAL_NS ? end_ns - now_ns : JOURNAL_NS);
    return sleep_until_more(reader, end_ns - now_ns < LOOK_NS ? end_ns - now_ns : LOOK_NS);
}

static int64_t end_of(int64_t timeout_ns)
{
    if (timeout_ns <= 0)
        return timeout_ns ? INT64_MAX : 0;
    int64_t now_ns = sl_clock_mono(NULL);
    return timeout_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + timeout_ns;
}

/* 1: an event.  0: the time is up.  -errno. */
static int next(struct sl_reader *reader, struct sl_event *event, int64_t timeout_ns)
{
    int rc = reader->away ? rejoin(reader, timeout_ns) : 0;
    if (rc)
        return rc;
    rc = take(reader, event);
    if (rc)
        return rc;
    int64_t end_ns = end_of(timeout_ns);
    for (;;) {
        /* The end was seen before the tape was found empty: nothing can have come in between. */
        if (reader->ended && !reader->backlog)
            return go_away(reader);
        rc = wait_for_more(reader, end_ns);
        if (rc)
            return rc == -ETIMEDOUT ? 0 : rc;
        rc = take(reader, event);
        if (rc)
            return rc;
    }
}

static int next_event(struct sl_reader *reader, struct sl_event *event, int64_t timeout_ns)
{
    *event = (struct sl_event){ .type = SL_EVENT_NONE, .feed = "" };
    int rc = next(reader, event, timeout_ns);
    if (rc < 0)
        return rc;
    /* Behind a record that is pending nothing has been given yet. */
    event->place = (struct sl_place){ reader->epoch, reader->next_seq ? reader->next_seq - 1 : 0 };
    return 0;
}

int sl_reader_next(struct sl_reader *reader, struct sl_event *event, int64_t timeout_ns)
{
    reader->wants_in_place = false;
    return next_event(reader, event, timeout_ns);
}

int sl_reader_peek(struct sl_reader *reader, struct sl_event *event, int64_t timeout_ns)
{
    reader->wants_in_place = true;
    return next_event(reader, event, timeout_ns);
}

int sl_reader_still_whole(struct sl_reader *reader)
{
    if (!reader->in_place || sl_log_still_whole(&reader->stay->tape))
        return 1;
    /* It was not given then: next gives it from the journal, or tells that it is missed. */
    reader->in_place = false;
    reader->next_seq = reader->stay->tape.next_seq;
    return 0;
}

/* ---- life ---- */

static int read_options(struct sl_reader *reader, const struct sl_reader_options *options)
{
    static const struct sl_reader_options none;
    size_t size;

    if (!options)
        options = &none;
    size = options->size ? options->size : offsetof(struct sl_reader_options, journal);
    /* What this library does not know must not be asked for. */
    for (size_t i = sizeof(*options); i < size; i++)
        if (((const unsigned char *)options)[i])
            return -E2BIG;
    memcpy(&reader->options, options, size < sizeof(*options) ? size : sizeof(*options));
    if (reader->options.from > SL_FROM_PLACE)
        return -EINVAL;
    const char *name = reader->options.name ? reader->options.name : program_invocation_short_name;
    memcpy(reader->name, name, strnlen(name, sizeof(reader->name)));
    /* The caller's strings are his; a reader joins again long after open. */
    reader->socket = strdup(sl_visit_socket(reader->options.socket));
    if (reader->options.journal)
        reader->journal = strdup(reader->options.journal);
    bool copied = reader->socket && (reader->journal || !reader->options.journal);
    reader->options.name = reader->options.socket = reader->options.journal = NULL;
    return copied ? 0 : -ENOMEM;
}

int sl_reader_open(struct sl_reader **out, const struct sl_reader_options *options)
{
    struct sl_reader *reader = calloc(1, sizeof(*reader));
    bool answered;

    if (!reader)
        return -ENOMEM;
    reader->retry_wait_ns = RETRY_MIN_NS;
    int rc = read_options(reader, options);
    if (!rc)
        rc = grow(&reader->record, BUF_LEN_MIN);
    if (!rc)
        rc = open_stay(reader, &reader->stay, &answered);
    if (rc) {
        sl_reader_close(reader);
        return rc;
    }
    find_start(reader);
    sit_down(reader);
    *out = reader;
    return 0;
}

void sl_reader_close(struct sl_reader *reader)
{
    if (!reader)
        return;
    sl_watch_delete(reader->watch);
    sl_backlog_close(reader->backlog);
    sl_backlog_close(reader->raw_backlog);
    sl_stay_close(reader->stay);
    free(reader->record.mem);
    free(reader->raw.mem);
    free(reader->socket);
    free(reader->journal);
    free(reader);
}

/* ---- somebody else's loop ---- */

int sl_reader_fd(struct sl_reader *reader)
{
    if (!reader->watch) {
        int rc = sl_watch_new(&reader->watch);
        if (rc)
            return rc;
        if (!reader->away)
            rc = sl_watch_socket(reader->watch, reader->stay->visit.sock);
        if (rc)
            return rc;
    }
    return sl_watch_fd(reader->watch);
}

int sl_reader_arm(struct sl_reader *reader)
{
    int rc = sl_reader_fd(reader);

    if (rc < 0)
        return rc;
    if (reader->away) {
        int64_t wait_ns = reader->retry_ns - sl_clock_mono(NULL);
        return wait_ns <= 0 ? 1 : sl_watch_timer(reader->watch, wait_ns);
    }
    reader->ended = reader->ended || sl_visit_ended(&reader->stay->visit);
    if (reader->backlog && reader->patience_ns)
        return sl_watch_timer(reader->watch, JOURNAL_NS);
    if (reader->ended || reader->owes_epoch || reader->missed_first || reader->backlog)
        return 1;
    struct sl_log_rx rx = reader->stay->tape;
    rx.next_seq = reader->next_seq;
    return sl_watch_arm(reader->watch, &rx, reader->stay->seat);
}

/* ---- gating ---- */

int sl_reader_done(struct sl_reader *reader, uint64_t seq)
{
    if (!reader->options.gating || seq > reader->given_seq)
        return -EINVAL;
    if (reader->ended)
        return 0; /* nobody waits any more */
    /* With the last one given, those behind it that were not asked for are done with too. */
    if (seq == reader->given_seq && reader->next_seq)
        seq = reader->next_seq - 1;
    say_done(reader, seq);
    return 0;
}

/* ---- for status ---- */

/* Relaxed: for people, who see the next one soon. */
void sl_reader_tell(struct sl_reader *reader, const struct sl_reader_account *account)
{
    uint64_t cells[SL_SEAT_TOLD];

    memcpy(cells, account, sizeof(cells));
    for (unsigned i = 0; i < SL_SEAT_TOLD; i++)
        atomic_store_explicit(&reader->stay->seat->told[i], cells[i], memory_order_relaxed);
}

/* ---- raw ---- */

/* A record of the raw log, from the log or from what the journal has of it; NULL: neither. */
static int raw_in_log(struct sl_reader *reader, uint64_t raw_seq, const struct sl_record **record)
{
    struct sl_log_rx *raw = &reader->stay->raw;

    if (raw_seq < raw->first_seq)
        return -ENOENT;
    sl_log_seek(raw, raw_seq);
    int got = copy_next(raw, &reader->raw);
    *record = reader->raw.mem;
    return got == SL_LOG_RECORD ? 0 : got == -ENOMEM ? got : -ENOENT;
}

static int raw_in_journal(struct sl_reader *reader, uint64_t raw_seq, const struct sl_record **record)
{
    const char *journal = journal_of(reader);
    /* Who reads on finds the next one a little further on; who does not, or goes back, begins anew. */
    bool near = reader->raw_backlog && raw_seq >= reader->raw_next && raw_seq - reader->raw_next < RAW_NEAR;
    int got;

    if (!journal || !raw_seq)
        return -ENOENT;
    if (!near) {
        sl_backlog_close(reader->raw_backlog);
        reader->raw_backlog = NULL;
        if (sl_backlog_open(&reader->raw_backlog, journal, SL_FAMILY_RAW, raw_seq, INT64_MIN))
            return -ENOENT;
    }
    while ((got = sl_backlog_next(reader->raw_backlog, record)) > 0) {
        reader->raw_next = (*record)->seq + 1;
        if ((*record)->seq >= raw_seq)
            break;
    }
    if (got < 0)
        return got == -ENOMEM ? got : -ENOENT;
    return got && (*record)->seq == raw_seq ? 0 : -ENOENT;
}

int sl_reader_raw(struct sl_reader *reader, uint64_t raw_seq, const void **data, size_t *len)
{
    const struct sl_record *record;

    if (!reader->options.raw)
        return -EINVAL;
    int rc = raw_in_log(reader, raw_seq, &record);
    if (rc == -ENOENT)
        rc = raw_in_journal(reader, raw_seq, &record);
    if (rc)
        return rc;
    if (record->len < sizeof(*record) || record->kind != SL_RECORD_RAW)
        return -ENOENT;
    *data = record + 1;
    *len = record->len - sizeof(*record);
    return 0;
}

const char *sl_reader_version(void) { return SL_VERSION; }
