#include "pipeline/sink.h"

#include "pipeline/commands.h"
#include "pipeline/say.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH       256
#define BUF_LEN     65536u
#define SAVE_NS     100000000ll /* how old the place on disk may be */
#define TELL_NS     100000000ll
#define STOP_NS     (5 * SL_TIME_NS)
#define JOIN_MIN_NS 20000000ll
#define JOIN_MAX_NS SL_TIME_NS
#define FAULT_NS    (10 * SL_TIME_NS) /* the same fault is said again after this */
#define IDLE_NS     (SL_TIME_NS / 4)

/* ---- back-off ---- */

void sl_backoff_init(struct sl_backoff *backoff, int64_t min_ns, int64_t max_ns)
{
    *backoff = (struct sl_backoff){ .min_ns = min_ns, .max_ns = max_ns };
    backoff->dice = ((uint64_t)sl_clock_mono(NULL) ^ (uint64_t)getpid() << 32) | 1;
}

void sl_backoff_failed(struct sl_backoff *backoff, int64_t now_ns)
{
    backoff->wait_ns = backoff->wait_ns ? 2 * backoff->wait_ns : backoff->min_ns;
    if (backoff->wait_ns > backoff->max_ns)
        backoff->wait_ns = backoff->max_ns;
    backoff->dice = backoff->dice * 6364136223846793005ull + 1442695040888963407ull; /* Knuth's, for jitter */
    backoff->due_ns =
        now_ns + backoff->wait_ns / 2 + (int64_t)((backoff->dice >> 33) % (uint64_t)(backoff->wait_ns / 2 + 1));
}

/* ---- what types call ---- */

void sl_sink_fault(struct sl_sink *sink, const char *format, ...)
{
    char text[sizeof(sink->account.error)];
    int64_t now_ns = sl_clock_real(NULL);
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    sink->account.error_cnt++;
    if (strcmp(text, sink->account.error) || now_ns - sink->account.error_ns > FAULT_NS)
        sl_say(SL_SAY_WARN, "sink %s: %s", sink->wants->name, text);
    memcpy(sink->account.error, text, sizeof(text));
    sink->account.error_ns = now_ns;
}

int sl_sink_watch(struct sl_sink *sink, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };
    if (!events)
        return epoll_ctl(sink->epoll_fd, EPOLL_CTL_DEL, fd, NULL) ? -errno : 0;
    if (epoll_ctl(sink->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
        return 0;
    return epoll_ctl(sink->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

int sl_sink_listen(const struct sl_line_config *line)
{
    int on = 1, fd = socket(line->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (!bind(fd, (const struct sockaddr *)&line->addr, line->addr_len) && !listen(fd, 128))
        return fd;
    int rc = -errno;
    close(fd);
    return rc;
}

void sl_sink_sent(struct sl_sink *sink)
{
    const struct sl_sink_item *item = sl_sink_queue_next(&sink->queue);
    sink->account.sent++;
    sink->account.repeated += item->was_sent;
    sl_sink_queue_sent(&sink->queue);
}

int sl_sink_save(struct sl_sink *sink)
{
    struct sl_bookmark place = sink->queue.done_place;
    sink->saved_ns = sl_clock_mono(NULL);
    if (!place.epoch || (place.epoch == sink->saved.epoch && place.seq == sink->saved.seq))
        return 0;
    int rc = sl_bookmark_save(&place, sink->place_path);
    if (rc)
        sl_sink_fault(sink, "%s: %s", sink->place_path, strerror(-rc));
    else
        sink->saved = place;
    return rc;
}

size_t sl_sink_line(char *buf, size_t cap, const struct sl_event *event)
{
    size_t len = sl_event_json(buf, cap, event);
    if (len < cap)
        buf[len] = '\n';
    return len + 1;
}

/* ---- the tape ---- */

static size_t write_item(struct sl_sink *sink, const struct sl_event *event, size_t *head_len)
{
    *head_len = 0;
    if (sink->type->write)
        return sink->type->write(sink, sink->buf, sink->buf_cap, event, head_len);
    return sl_sink_line(sink->buf, sink->buf_cap, event);
}

/* The event as the type keeps it; NULL: no memory. */
static struct sl_sink_item *make_item(struct sl_sink *sink, const struct sl_event *event)
{
    size_t head_len, len = write_item(sink, event, &head_len);
    if (len > sink->buf_cap) {
        char *more = realloc(sink->buf, 2 * len);
        if (!more)
            return NULL;
        sink->buf = more;
        sink->buf_cap = 2 * len;
        len = write_item(sink, event, &head_len);
    }
    struct sl_sink_item *item = sl_sink_queue_alloc(&sink->queue, sizeof(*item) + len);
    if (!item)
        return NULL;
    *item = (struct sl_sink_item){
        .epoch = event->place.epoch,
        .seq = event->place.seq,
        .published_ns = event->stamps.published_ns,
        .head_len = (uint32_t)head_len,
        .body_len = (uint32_t)(len - head_len),
        .lane = event->lane,
        .kind = event->kind,
        .verdict = event->verdict,
    };
    if (event->type == SL_EVENT_BULLETIN)
        item->story = event->bulletin->story_hash;
    memcpy(item->bytes, sink->buf, len);
    return item;
}

static void keep_item(struct sl_sink *sink, const struct sl_event *event)
{
    struct sl_sink_item *item = make_item(sink, event);
    if (!item) {
        sink->account.missed++;
        sl_sink_fault(sink, "no memory for bulletin %" PRIu64, event->seq);
        return;
    }
    int rc = sl_sink_queue_push(&sink->queue, item);
    if (rc)
        sl_sink_fault(sink, "%s: %s", sink->spill_path, strerror(-rc));
}

static void take_event(struct sl_sink *sink, const struct sl_event *event)
{
    bool wanted = sink->type->notices || (sink->type->missed && event->type == SL_EVENT_MISSED);
    if (event->type == SL_EVENT_MISSED || (event->type == SL_EVENT_EPOCH && event->missed_first)) {
        sink->account.missed += event->missed_last - event->missed_first + 1;
        sl_sink_fault(sink, "missed %" PRIu64 " to %" PRIu64, event->missed_first, event->missed_last);
    } else if (event->type == SL_EVENT_BULLETIN) {
        wanted = !sink->filter || sl_filter_match(sink->filter, event);
    }
    sink->read = (struct sl_bookmark){ event->place.epoch, event->place.seq };
    if (wanted)
        keep_item(sink, event);
    else
        sl_sink_queue_pass(&sink->queue, sink->read);
}

/* 1: something came.  0: nothing now, or no room.  -EPIPE: nobody writes the tape. */
static int read_tape(struct sl_sink *sink)
{
    struct sl_event event;
    uint64_t most = sink->queue.bytes_max / 8, came = 0;
    for (int i = 0; i < BATCH; i++) {
        /* What follows the queue by index shall see it before it goes round. */
        if (!sl_sink_queue_room(&sink->queue) || (sink->type->live && came > most))
            return i > 0;
        int rc = sl_reader_next(sink->reader, &event, 0);
        if (rc == -EPIPE || rc == -EINTR)
            return rc == -EPIPE && !i ? rc : i > 0;
        if (rc) {
            sl_sink_fault(sink, "the tape: %s", strerror(-rc));
            return i > 0;
        }
        if (event.type == SL_EVENT_NONE) {
            sink->read = (struct sl_bookmark){ event.place.epoch, event.place.seq };
            return i > 0;
        }
        came += event.bulletin ? 3ull * event.bulletin->len : 0; /* as it is, and as JSON */
        take_event(sink, &event);
    }
    return 1;
}

static void find_start(const struct sl_sink *sink, struct sl_reader_options *options)
{
    options->from =
        sink->wants->start_now || (sink->type->live && !sink->type->from_oldest) ? SL_FROM_NOW : SL_FROM_OLDEST;
    if (!sink->read.epoch)
        return;
    options->from = SL_FROM_PLACE;
    options->epoch = sink->read.epoch;
    options->seq = sink->read.seq;
}

/* Waits until somebody writes a tape. */
static int join_tape(struct sl_sink *sink)
{
    struct sl_reader_options options = { .size = sizeof(options),
                                         .socket = sink->config->socket,
                                         .name = sink->wants->name,
                                         .notices = sink->type->notices };
    struct sl_backoff backoff;
    sl_backoff_init(&backoff, JOIN_MIN_NS, JOIN_MAX_NS);
    find_start(sink, &options);
    while (!sl_stopped) {
        int rc = sl_reader_open(&sink->reader, &options);
        if (!rc)
            return 0;
        if (rc == -ENOMEM || rc == -EPROTONOSUPPORT || rc == -EACCES)
            return rc;
        if (!backoff.wait_ns)
            sl_say(SL_SAY_INFO, "sink %s: waits for the daemon at %s: %s", sink->wants->name, sink->config->socket,
                   strerror(-rc));
        int64_t now_ns = sl_clock_mono(NULL);
        sl_backoff_failed(&backoff, now_ns);
        int64_t wait_ns = backoff.due_ns - now_ns;
        nanosleep(&(struct timespec){ wait_ns / SL_TIME_NS, wait_ns % SL_TIME_NS }, NULL);
    }
    return -EINTR;
}

/* ---- the loop ---- */

static void tell(struct sl_sink *sink, int64_t now_ns)
{
    const struct sl_sink_item *oldest = sl_sink_queue_at(&sink->queue, sink->queue.next);
    int64_t real_ns = sl_clock_real(NULL);
    sink->told_ns = now_ns;
    sink->account.type = (uint64_t)sink->wants->type + 1;
    if (!sink->type->live) {
        sink->account.under_way = sink->queue.next - sink->queue.done;
        sink->account.waiting = sl_sink_queue_waiting(&sink->queue) - sink->account.under_way;
    }
    sink->account.waiting_ns = oldest && oldest->published_ns < real_ns ? real_ns - oldest->published_ns : 0;
    if (!sink->type->live) {
        sink->account.conflated = sink->queue.conflated;
        sink->account.cut = sink->queue.cut;
    }
    sl_reader_tell(sink->reader, &sink->account);
}

static void sleep_until_work(struct sl_sink *sink, int64_t now_ns, bool reads)
{
    struct pollfd fds[2] = {
        {.fd = sink->epoll_fd, .events = POLLIN},
        { .fd = -1,            .events = POLLIN}
    };
    if (reads) {
        if (sl_reader_arm(sink->reader) > 0)
            return;
        fds[1].fd = sl_reader_fd(sink->reader);
    }
    int64_t wait_ns = sink->deadline_ns - now_ns;
    if (wait_ns > IDLE_NS)
        wait_ns = IDLE_NS;
    if (wait_ns <= 0)
        return;
    ppoll(fds, 2, &(struct timespec){ wait_ns / SL_TIME_NS, wait_ns % SL_TIME_NS }, NULL);
}

static bool is_idle(struct sl_sink *sink)
{
    return sink->type->is_idle ? sink->type->is_idle(sink) : !sl_sink_queue_waiting(&sink->queue);
}

/* A type that saves its place itself leaves to us what passed while it had nothing to do. */
static bool may_save(const struct sl_sink *sink)
{
    if (sink->type->live)
        return false;
    return !sink->type->owns_place ||
           (!sl_sink_queue_waiting(&sink->queue) && sink->queue.done_place.epoch == sink->saved.epoch);
}

static void follow(struct sl_sink *sink)
{
    int64_t stop_ns = 0;
    for (;;) {
        int64_t now_ns = sl_clock_mono(NULL);
        sink->deadline_ns = INT64_MAX;
        bool full = !sl_sink_queue_room(&sink->queue);
        int came = read_tape(sink);
        int went = sink->type->poll(sink, now_ns);
        int rc = sl_sink_queue_sync(&sink->queue, now_ns);
        if (rc)
            sl_sink_fault(sink, "%s: %s", sink->spill_path, strerror(-rc));
        if (may_save(sink) && now_ns - sink->saved_ns >= SAVE_NS)
            sl_sink_save(sink);
        if (now_ns - sink->told_ns >= TELL_NS)
            tell(sink, now_ns);
        if (sl_stopped && !sink->stopping) {
            sink->stopping = true;
            stop_ns = now_ns + STOP_NS;
        }
        if (sink->stopping && ((came <= 0 && went <= 0 && is_idle(sink)) || now_ns > stop_ns || sl_stopped > 1))
            break;
        if (came > 0 || went > 0)
            continue;
        sl_sink_wake_at(sink, sink->stopping ? stop_ns + 1 : sink->told_ns + TELL_NS);
        sleep_until_work(sink, now_ns, !full);
    }
}

static int find_places(struct sl_sink *sink)
{
    const char *state = sink->wants->state, *name = sink->wants->name;
    snprintf(sink->place_path, sizeof(sink->place_path), "%s/%s.place", state, name);
    snprintf(sink->spill_path, sizeof(sink->spill_path), "%s/%s.spill", state, name);
    if (sink->type->live)
        return 0;
    if (mkdir(state, 0750) && errno != EEXIST) {
        sl_sink_fault(sink, "%s: %s", state, strerror(errno));
        return -errno;
    }
    int rc = sl_bookmark_load(&sink->saved, sink->place_path);
    if (rc && rc != -ENOENT)
        sl_sink_fault(sink, "%s: %s", sink->place_path,
                      rc == -EBADMSG ? "is no place; who wants to begin anew removes it" : strerror(-rc));
    return rc == -ENOENT ? 0 : rc;
}

static int begin(struct sl_sink *sink)
{
    const struct sl_config_sink *wants = sink->wants;
    bool spills = wants->policy == SL_SINK_SPILL && !sink->type->live;
    sink->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    sink->buf = malloc(BUF_LEN);
    sink->buf_cap = BUF_LEN;
    if (sink->epoll_fd < 0 || !sink->buf)
        return -ENOMEM;
    int rc = find_places(sink);
    if (!rc && wants->where)
        rc = sl_filter_compile(&sink->filter, wants->where, NULL);
    if (rc)
        return rc;
    rc = sink->type->init(sink);
    if (rc)
        return rc;
    /* init may have moved the place on: it had begun what a crash left half done. */
    sink->read = sink->saved;
    rc = sl_sink_queue_init(&sink->queue, wants->policy, wants->queue_len, sink->type->live || sink->type->keeps,
                            spills ? sink->spill_path : NULL, wants->spill_len, &sink->read);
    if (rc) {
        sl_sink_fault(sink, "%s: %s", sink->spill_path, strerror(-rc));
        return rc;
    }
    rc = join_tape(sink);
    if (rc && rc != -EINTR)
        sl_sink_fault(sink, "%s: %s", sink->config->socket, strerror(-rc));
    return rc;
}

int sl_sink_run(const struct sl_config *config, const struct sl_config_sink *wants, const struct sl_sink_type *type)
{
    static struct sl_sink sink;
    sink = (struct sl_sink){ .config = config, .wants = wants, .type = type, .epoll_fd = -1, .queue.spill_fd = -1 };
    sl_hear_stop();
    signal(SIGPIPE, SIG_IGN);
    int rc = begin(&sink);
    if (!rc) {
        sl_say(SL_SAY_INFO, "sink %s: up type=%s pid=%d place=%016" PRIx64 ":%" PRIu64, wants->name, type->name,
               getpid(), sink.read.epoch, sink.read.seq);
        follow(&sink);
        if (may_save(&sink))
            sl_sink_save(&sink);
        tell(&sink, sl_clock_mono(NULL));
    }
    type->fini(&sink);
    sl_reader_close(sink.reader);
    sl_sink_queue_fini(&sink.queue);
    sl_filter_free(sink.filter);
    free(sink.buf);
    if (sink.epoll_fd >= 0)
        close(sink.epoll_fd);
    return rc && rc != -EINTR ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
