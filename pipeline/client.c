#include "pipeline/client.h"

#include "pipeline/clock.h"
#include "pipeline/event.h"
#include "pipeline/filter.h"
#include "pipeline/record.h"
#include "pipeline/visit.h"
#include "pipeline/watch.h"
#include "ring/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_NS        100000000ll /* how often a reader that has nothing to read looks whether the daemon lives */
#define RETRY_MIN_NS   10000000ll /* a crashed walk is back in some 50 ms */
#define RETRY_MAX_NS   1000000000ll
#define BUF_LEN_MIN    (64u * 1024u)
#define BUF_ALIGN      64u
#define SPINS_PER_LOOK 64

/* One daemon's memory as this reader has it. */
struct stay {
    struct sl_visit visit;
    struct sl_mem tape_mem, seat_mem, raw_mem;
    struct sl_log_rx tape, raw;
    struct sl_seat *seat;
    uint64_t epoch;
};

struct copy { /* where records are copied to */
    void *mem;
    uint32_t len;
};

struct sl_reader {
    struct sl_reader_options options;
    char *socket;
    struct stay *stay; /* the last one joined; kept after its end, since raw and the last event still use it */
    bool ended; /* the daemon is gone: what is left is to be drained */
    bool away; /* drained, and EPIPE has been said */
    bool owes_epoch; /* an EPOCH event is due before the next record */
    bool holds; /* gating: the desk waits for us, as far as we know */
    uint64_t given_seq; /* last that the user got or was told he missed; behind it only such as he did not ask for */
    uint64_t done_seq; /* given_seq or more: he is done with all */
    uint64_t missed_first, missed_last; /* MISSED is due, behind EVICTED; 0 none */
    int64_t looked_ns, retry_ns, retry_wait_ns; /* CLOCK_MONOTONIC */
    struct copy record, raw;
    struct sl_watch *watch; /* NULL until somebody asks for fd */
    char name[32];
};

/* ---- joining ---- */

static void close_stay(struct stay *stay)
{
    if (!stay)
        return;
    sl_mem_close(&stay->raw_mem);
    sl_mem_close(&stay->seat_mem);
    sl_mem_close(&stay->tape_mem);
    sl_visit_close(&stay->visit);
    free(stay);
}

static int map_log(struct stay *stay, enum sl_handout_fd which, struct sl_mem *mem, struct sl_log_rx *rx)
{
    int rc = sl_visit_map(&stay->visit, which, 1, false, mem);
    if (!rc)
        rc = sl_log_join_rx(rx, mem->addr, mem->len);
    if (!rc && sl_log_epoch(rx) != stay->epoch)
        rc = -EPROTO;
    return rc;
}

static int map_memory(struct sl_reader *reader, struct stay *stay)
{
    stay->epoch = stay->visit.welcome->epoch;
    if (stay->visit.welcome->seat_idx >= SL_LOG_SEATS || !stay->epoch)
        return -EPROTO;
    int rc = map_log(stay, SL_HANDOUT_TAPE, &stay->tape_mem, &stay->tape);
    if (!rc)
        rc = sl_visit_map(&stay->visit, SL_HANDOUT_SEAT, sizeof(struct sl_seat), true, &stay->seat_mem);
    if (!rc && reader->options.raw)
        rc = map_log(stay, SL_HANDOUT_RAW, &stay->raw_mem, &stay->raw);
    return rc;
}

static int open_stay(struct sl_reader *reader, struct stay **out, bool *answered)
{
    unsigned flags = (reader->options.gating ? SL_HELLO_GATING : 0) | (reader->options.raw ? SL_HELLO_RAW : 0);
    struct stay *stay = calloc(1, sizeof(*stay));

    *answered = true;
    if (!stay)
        return -ENOMEM;
    stay->tape_mem.fd = stay->seat_mem.fd = stay->raw_mem.fd = -1;
    int rc = sl_visit_open(&stay->visit, reader->socket, flags, reader->name);
    *answered = !rc || stay->visit.answered;
    if (!rc)
        rc = map_memory(reader, stay);
    if (!rc && reader->watch)
        rc = sl_watch_socket(reader->watch, stay->visit.sock);
    if (rc) {
        close_stay(stay);
        return rc;
    }
    stay->seat = stay->seat_mem.addr;
    memcpy(stay->seat->name, reader->name, sizeof(stay->seat->name));
    *out = stay;
    return 0;
}

/* Published times grow with seq, so the first that is late enough is found by halving.  Laps meanwhile only move the
 * oldest end, where the answer is MISSED anyway. */
static void seek_time(struct sl_log_rx *rx, int64_t time_ns)
{
    uint64_t low = sl_log_oldest(rx), high = sl_log_rx_head(rx) + 1;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (sl_event_published_ns(rx, middle) < time_ns)
            low = middle + 1;
        else
            high = middle;
    }
    sl_log_seek(rx, low);
}

static void find_start(struct sl_reader *reader)
{
    const struct sl_reader_options *options = &reader->options;
    struct stay *stay = reader->stay;

    switch (options->from) {
    case SL_FROM_NOW:
        sl_log_seek(&stay->tape, sl_log_rx_head(&stay->tape) + 1);
        break;
    case SL_FROM_OLDEST:
        break; /* where join starts */
    case SL_FROM_SEQ:
        if (options->epoch && options->epoch != stay->epoch)
            reader->owes_epoch = true;
        else
            sl_log_seek(&stay->tape, options->seq);
        break;
    case SL_FROM_TIME:
        seek_time(&stay->tape, options->time_ns);
        break;
    }
}

/* Relaxed: for status, which wants a recent value. */
static void note_place(struct sl_seat *seat, uint64_t seq)
{
    atomic_store_explicit(&seat->read_seq, seq, memory_order_relaxed);
}

/* From here on the reader is at stay->tape.next_seq, and the desk may know.  It would not believe in a done of the
 * future. */
static void sit_down(struct sl_reader *reader)
{
    uint64_t head = sl_log_rx_head(&reader->stay->tape), before = reader->stay->tape.next_seq - 1;

    reader->given_seq = before;
    reader->done_seq = before < head ? before : head;
    reader->holds = false;
    note_place(reader->stay->seat, reader->done_seq);
    if (reader->options.gating)
        sl_seat_done(reader->stay->seat, reader->done_seq);
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

static void sleep_ns(int64_t ns)
{
    nanosleep(&(struct timespec){ .tv_sec = ns / SL_TIME_NS, .tv_nsec = ns % SL_TIME_NS }, NULL);
}

static int rejoin(struct sl_reader *reader, int64_t timeout_ns)
{
    int64_t wait_ns = reader->retry_ns - sl_clock_mono(NULL);
    bool too_long = timeout_ns >= 0 && timeout_ns < wait_ns;

    if (wait_ns > 0)
        sleep_ns(too_long ? timeout_ns : wait_ns);
    if (too_long)
        return -EPIPE;
    struct stay *stay;
    bool answered;
    int rc = open_stay(reader, &stay, &answered);
    if (rc)
        return put_off(reader, rc, answered);
    /* The same walk still: only the connection was lost. */
    bool same = stay->epoch == reader->stay->epoch;
    if (same)
        sl_log_seek(&stay->tape, reader->stay->tape.next_seq);
    close_stay(reader->stay);
    reader->stay = stay;
    reader->ended = reader->away = false;
    reader->owes_epoch = !same;
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

/* ---- a record to an event ---- */

static bool head_fine(const struct stay *stay, const struct sl_record *record)
{
    return sl_event_fine(record) && record->epoch == stay->epoch && record->kind != SL_RECORD_HOLE &&
           (sl_event_is_notice(record) || record->feed < stay->visit.welcome->feed_cnt);
}

/* ---- events ---- */

static void note_read(struct sl_seat *seat, const struct sl_event *event)
{
    /* Relaxed: as note_place. */
    atomic_store_explicit(&seat->read_ns, (uint64_t)event->stamps.read_ns, memory_order_relaxed);
}

static bool give_missed(struct sl_reader *reader, struct sl_event *event, uint64_t first, uint64_t last)
{
    struct sl_seat *seat = reader->stay->seat;

    event->type = SL_EVENT_MISSED;
    event->seq = event->missed_last = reader->given_seq = last;
    event->missed_first = first;
    note_place(seat, last);
    /* Relaxed: for status, and this reader is its only writer. */
    uint64_t missed_cnt = atomic_load_explicit(&seat->missed_cnt, memory_order_relaxed) + (last - first + 1);
    atomic_store_explicit(&seat->missed_cnt, missed_cnt, memory_order_relaxed);
    reader->missed_first = reader->missed_last = 0;
    return true;
}

static bool give_evicted(const struct sl_reader *reader, struct sl_event *event)
{
    event->type = SL_EVENT_EVICTED;
    event->seq = reader->done_seq;
    return true;
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
    reader->done_seq = seq;
    sl_seat_done(reader->stay->seat, seq);
}

/* A record that the user did not ask for holds nothing back once he is done with all he got. */
static void pass_over(struct sl_reader *reader, uint64_t seq)
{
    if (reader->options.gating && reader->done_seq >= reader->given_seq)
        say_done(reader, seq);
}

/* The record just copied; false when it is not for this user. */
static bool give_record(struct sl_reader *reader, struct sl_event *event)
{
    const struct sl_record *record = reader->record.mem;
    uint64_t seq = reader->stay->tape.next_seq - 1;

    note_place(reader->stay->seat, seq);
    if (!head_fine(reader->stay, record))
        return give_missed(reader, event, seq, seq);
    if (sl_event_is_notice(record) && !reader->options.notices) {
        pass_over(reader, seq);
        return false;
    }
    if (!sl_event_read(event, record)) {
        *event = (struct sl_event){ .epoch = event->epoch, .feed = "" };
        return give_missed(reader, event, seq, seq);
    }
    const struct sl_visit *visit = &reader->stay->visit;
    event->feed = record->feed < visit->welcome->feed_cnt ? visit->feed[record->feed] : "";
    event->stamps.read_ns = sl_clock_real(NULL);
    note_read(reader->stay->seat, event);
    if (reader->options.filter && !sl_filter_match(reader->options.filter, event)) {
        *event = (struct sl_event){ .epoch = event->epoch, .feed = "" };
        pass_over(reader, seq);
        return false;
    }
    reader->given_seq = seq;
    return true;
}

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

static bool give_lapped(struct sl_reader *reader, struct sl_event *event)
{
    const struct sl_log_rx *tape = &reader->stay->tape;

    /* Who was evicted is told so before he is told what that cost him. */
    if (!was_evicted(reader))
        return give_missed(reader, event, tape->missed_first, tape->missed_last);
    reader->missed_first = tape->missed_first;
    reader->missed_last = tape->missed_last;
    return give_evicted(reader, event);
}

/* What is due before the next record. */
static bool give_news(struct sl_reader *reader, struct sl_event *event)
{
    if (reader->owes_epoch) {
        reader->owes_epoch = false;
        event->type = SL_EVENT_EPOCH;
        event->seq = reader->stay->tape.next_seq;
        return true;
    }
    if (reader->missed_first)
        return give_missed(reader, event, reader->missed_first, reader->missed_last);
    return was_evicted(reader) && give_evicted(reader, event);
}

/* 1: an event.  0: nothing there yet.  -ENOMEM. */
static int take(struct sl_reader *reader, struct sl_event *event)
{
    struct sl_log_rx *tape = &reader->stay->tape;

    event->epoch = reader->stay->epoch;
    if (give_news(reader, event))
        return 1;
    for (;;) {
        int got = copy_next(tape, &reader->record);
        if (got == SL_LOG_NONE || got == -ENOMEM)
            return got;
        if (got == SL_LOG_LAPPED)
            return give_lapped(reader, event);
        if (got == SL_LOG_RECORD && give_record(reader, event))
            return 1;
        if (got < 0) { /* not a record as we know them */
            uint64_t seq = tape->next_seq;
            sl_log_seek(tape, seq + 1);
            return give_missed(reader, event, seq, seq);
        }
    }
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
    return sleep_until_more(reader, end_ns - now_ns < LOOK_NS ? end_ns - now_ns : LOOK_NS);
}

static int64_t end_of(int64_t timeout_ns)
{
    if (timeout_ns <= 0)
        return timeout_ns ? INT64_MAX : 0;
    int64_t now_ns = sl_clock_mono(NULL);
    return timeout_ns > INT64_MAX - now_ns ? INT64_MAX : now_ns + timeout_ns;
}

int sl_reader_next(struct sl_reader *reader, struct sl_event *event, int64_t timeout_ns)
{
    *event = (struct sl_event){ .type = SL_EVENT_NONE, .feed = "" };
    if (reader->away) {
        int rc = rejoin(reader, timeout_ns);
        if (rc)
            return rc;
    }
    int rc = take(reader, event);
    if (rc)
        return rc < 0 ? rc : 0;
    int64_t end_ns = end_of(timeout_ns);
    for (;;) {
        /* The end was seen before the tape was found empty: nothing can have come in between. */
        if (reader->ended)
            return go_away(reader);
        rc = wait_for_more(reader, end_ns);
        if (rc)
            return rc == -ETIMEDOUT ? 0 : rc;
        rc = take(reader, event);
        if (rc)
            return rc < 0 ? rc : 0;
    }
}

/* ---- life ---- */

static int read_options(struct sl_reader *reader, const struct sl_reader_options *options)
{
    static const struct sl_reader_options none;
    size_t size;

    if (!options)
        options = &none;
    size = options->size ? options->size : sizeof(*options);
    /* What this library does not know must not be asked for. */
    for (size_t i = sizeof(*options); i < size; i++)
        if (((const unsigned char *)options)[i])
            return -E2BIG;
    memcpy(&reader->options, options, size < sizeof(*options) ? size : sizeof(*options));
    if (reader->options.from > SL_FROM_TIME)
        return -EINVAL;
    const char *name = reader->options.name ? reader->options.name : program_invocation_short_name;
    memcpy(reader->name, name, strnlen(name, sizeof(reader->name)));
    /* The caller's strings are his; a reader joins again long after open. */
    reader->socket = strdup(sl_visit_socket(reader->options.socket));
    reader->options.name = reader->options.socket = NULL;
    return reader->socket ? 0 : -ENOMEM;
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
    close_stay(reader->stay);
    free(reader->record.mem);
    free(reader->raw.mem);
    free(reader->socket);
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
    if (reader->ended || reader->owes_epoch || reader->missed_first)
        return 1;
    return sl_watch_arm(reader->watch, &reader->stay->tape, reader->stay->seat);
}

/* ---- gating ---- */

int sl_reader_done(struct sl_reader *reader, uint64_t seq)
{
    if (!reader->options.gating || seq > reader->given_seq)
        return -EINVAL;
    if (reader->ended)
        return 0; /* nobody waits any more */
    /* With the last one given, those behind it that were not asked for are done with too. */
    if (seq == reader->given_seq)
        seq = reader->stay->tape.next_seq - 1;
    if (seq > reader->done_seq)
        say_done(reader, seq);
    return 0;
}

/* ---- raw ---- */

int sl_reader_raw(struct sl_reader *reader, uint64_t raw_seq, const void **data, size_t *len)
{
    struct sl_log_rx *raw = &reader->stay->raw;

    if (!reader->options.raw)
        return -EINVAL;
    if (raw_seq < raw->first_seq)
        return -ENOENT;
    sl_log_seek(raw, raw_seq);
    int got = copy_next(raw, &reader->raw);
    if (got != SL_LOG_RECORD)
        return got == -ENOMEM ? got : -ENOENT;
    const struct sl_record *record = reader->raw.mem;
    if (record->len < sizeof(*record) || record->kind != SL_RECORD_RAW)
        return -ENOENT;
    *data = record + 1;
    *len = record->len - sizeof(*record);
    return 0;
}

const char *sl_reader_version(void) { return SL_VERSION; }
