#include "pipeline/sink.h"

#include "parsers/bulletin_json.h"
#include "pipeline/metrics.h"
#include "pipeline/sink_frame.h"
#include "pipeline/sink_hello.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <web_page.h> /* made of web/page.html */

/* HTTP for people and programs, on this thread: the library's own epoll is one descriptor of ours.
 *
 *     GET /               the page              GET /api/bulletins?from=&where=&limit=    an array of ninjs
 *     GET /events?where=  Server-Sent Events    GET /api/status    GET /metrics
 *
 * What is shown lies in the queue, which keeps what was read last. A stream follows it by index.  One whose place is
 * older, or that is slower than the queue goes round, has a reader of its own, from the tape or the journal, until it
 * meets the queue again; what those have lost it is told.  Requests have no body, heads of HEAD_LEN at most, and
 * SLOW_NS to be whole: a client that sends a byte now and then is let go all the same. */
#define HEAD_LEN    (16u * 1024u)
#define IDLE_S      15u
#define SLOW_NS     (5 * SL_TIME_NS)
#define BEAT_NS     (15 * SL_TIME_NS)
#define BLOCK_LEN   65536u
#define LIMIT       200u
#define LIMIT_MAX   10000u
#define ANSWER_MAX  (64u << 20)
#define PENDING_MAX 1024u
#define BEHIND_MAX  8u /* readers at the same time; a tape has 64 seats */
#define STEPS       256u /* records in one turn */
#define TURN_NS     (SL_TIME_NS / 50) /* until a reader may be free */

struct stream {
    struct stream *before, *after;
    struct MHD_Connection *connection;
    struct sl_filter *filter;
    uint64_t idx; /* in the queue, when it is not behind */
    struct sl_bookmark place; /* of the last it was given, or was passed over */
    bool behind;
    struct sl_reader *reader; /* while it is behind, and has its turn */
    int64_t beat_ns;
    char *text; /* an event on its way */
    size_t cap, off, len;
    bool sleeps;
};

struct pending { /* a connection that has not asked anything yet */
    int fd;
    int64_t until_ns;
};

struct web {
    struct MHD_Daemon *daemon;
    struct stream *streams;
    uint32_t reader_cnt;
    struct pending pending[PENDING_MAX];
    struct sl_visit visit;
    struct sl_mem books_mem;
    struct sl_books books;
    bool visits;
    struct sl_backoff visit_backoff;
};

/* ---- answers ---- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, void *data,
                              size_t len, enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(len, data, mode);
    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
                            "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct sl_sink *sink, struct MHD_Connection *connection, unsigned status, const char *why)
{
    char quoted[512], text[600];
    size_t len = sl_json_string(quoted, sizeof(quoted), why, strlen(why));
    sink->account.refused_peers++;
    int text_len = snprintf(text, sizeof(text), "{\"error\": %.*s}\n", (int)len, quoted);
    return answer(connection, status, "application/json", text, (size_t)text_len, MHD_RESPMEM_MUST_COPY);
}

/* ---- where and from ---- */

static const char *argument(struct MHD_Connection *connection, const char *name)
{
    return MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Both as the first line of a tcp client says them. */
static int read_wishes(struct MHD_Connection *connection, const char *from, struct sl_sink_hello *hello, char *why,
                       size_t why_len)
{
    const char *where = argument(connection, "where");
    char line[SL_SINK_HELLO_MAX + 1];
    int len = snprintf(line, sizeof(line), "%s%s%s%s", from ? "from=" : "", from ? from : "", where ? " where=" : "",
                       where ? where : "");
    *hello = (struct sl_sink_hello){ 0 };
    if (len >= (int)sizeof(line) || (from && strchr(from, ' '))) {
        snprintf(why, why_len, "from or where is no such thing, or too long");
        return -EINVAL;
    }
    return sl_sink_hello_read(hello, line, (size_t)len, why, why_len);
}

static const struct sl_sink_frame *frame_of(const struct sl_sink_item *item)
{
    return (const struct sl_sink_frame *)(const void *)item->bytes;
}

static bool is_wanted(const struct sl_sink_item *item, const struct sl_filter *filter)
{
    if (!filter || !frame_of(item)->kind)
        return true;
    struct sl_event event = sl_sink_frame_read(frame_of(item));
    return sl_filter_match(filter, &event);
}

/* The first item behind the place; of a place that the queue does not know, its first. */
static uint64_t find_from(const struct sl_sink_queue *queue, const struct sl_sink_hello *hello)
{
    if (hello->from == SL_FROM_NOW)
        return queue->head;
    for (uint64_t idx = queue->head; hello->from == SL_FROM_SEQ && idx > queue->first; idx--) {
        const struct sl_sink_item *item = sl_sink_queue_at(queue, idx - 1);
        if (item && item->epoch == hello->epoch && item->seq <= hello->seq)
            return idx;
    }
    return queue->first;
}

/* ---- GET /api/bulletins ---- */

/* Without from: the newest that fit, in order. */
static uint64_t find_newest(const struct sl_sink_queue *queue, const struct sl_filter *filter, uint64_t limit)
{
    uint64_t idx = queue->head;
    while (idx > queue->first && limit) {
        const struct sl_sink_item *item = sl_sink_queue_at(queue, --idx);
        limit -= item && is_wanted(item, filter);
    }
    return idx;
}

static uint64_t read_limit(struct MHD_Connection *connection)
{
    const char *text = argument(connection, "limit");
    uint64_t limit;
    if (!text || !sl_config_count(text, &limit) || !limit)
        return LIMIT;
    return limit < LIMIT_MAX ? limit : LIMIT_MAX;
}

static enum MHD_Result give_bulletins(struct sl_sink *sink, struct MHD_Connection *connection)
{
    struct sl_sink_hello hello;
    char why[256], *text = NULL;
    size_t len = 0;
    const char *from = argument(connection, "from");
    if (read_wishes(connection, from, &hello, why, sizeof(why)))
        return refuse(sink, connection, MHD_HTTP_BAD_REQUEST, why);
    uint64_t limit = read_limit(connection);
    uint64_t idx = from ? find_from(&sink->queue, &hello) : find_newest(&sink->queue, hello.filter, limit);
    FILE *out = open_memstream(&text, &len);
    if (!out) {
        sl_filter_free(hello.filter);
        return MHD_NO;
    }
    uint64_t given = 0, put = 0;
    fputc('[', out);
    for (; idx < sink->queue.head && given < limit && put < ANSWER_MAX; idx++) {
        const struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, idx);
        if (!item || !is_wanted(item, hello.filter))
            continue;
        fputs(given++ ? ",\n" : "\n", out);
        put += fwrite(sl_sink_item_body(item), 1, item->body_len - 1, out);
    }
    fputs("]\n", out);
    sl_filter_free(hello.filter);
    if (fclose(out)) {
        free(text);
        return MHD_NO;
    }
    sink->account.sent += given;
    return answer(connection, MHD_HTTP_OK, "application/json", text, len, MHD_RESPMEM_MUST_FREE);
}

/* ---- GET /api/status and /metrics ---- */

static void leave_daemon(struct web *web)
{
    if (!web->visits)
        return;
    sl_mem_close(&web->books_mem);
    sl_visit_close(&web->visit);
    web->visits = false;
}

static bool visit_daemon(struct sl_sink *sink)
{
    struct web *web = sink->own;
    int64_t now_ns = sl_clock_mono(NULL);
    if (web->visits && sl_visit_ended(&web->visit))
        leave_daemon(web);
    if (web->visits || now_ns < web->visit_backoff.due_ns)
        return web->visits;
    int rc = sl_visit_open(&web->visit, sink->config->socket, SL_HELLO_STATUS_ONLY, sink->wants->name);
    if (!rc) {
        rc = sl_visit_books(&web->visit, &web->books_mem, &web->books);
        if (rc)
            sl_visit_close(&web->visit);
    }
    web->visits = !rc;
    if (rc)
        sl_backoff_failed(&web->visit_backoff, now_ns);
    else
        sl_backoff_fine(&web->visit_backoff);
    return web->visits;
}

static enum MHD_Result give_metrics(struct sl_sink *sink, struct MHD_Connection *connection)
{
    struct web *web = sink->own;
    const struct sl_visit *visit = visit_daemon(sink) ? &web->visit : NULL;
    size_t cap = sl_metrics_write(NULL, 0, visit, &web->books) + 4096;
    char *text = malloc(cap);
    if (!text)
        return MHD_NO;
    size_t len = sl_metrics_write(text, cap, visit, &web->books);
    return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4", text, len < cap ? len : cap - 1,
                  MHD_RESPMEM_MUST_FREE);
}

static enum MHD_Result give_status(struct sl_sink *sink, struct MHD_Connection *connection)
{
    struct web *web = sink->own;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return MHD_NO;
    bool up = visit_daemon(sink);
    fprintf(out, "{\"up\":%s,\"nowNs\":%" PRId64 ",\"feeds\":[", up ? "true" : "false", sl_clock_real(NULL));
    for (uint32_t f = 0; up && f < web->books.feed_cnt; f++) {
        struct sl_feed_sums sums = sl_books_sums(&web->books, f);
        char name[200];
        size_t name_len = sl_json_string(name, sizeof(name), web->visit.feed[f], strlen(web->visit.feed[f]));
        fprintf(out,
                "%s{\"name\":%.*s,\"linesUp\":%" PRIu64 ",\"published\":%" PRIu64 ",\"rejected\":%" PRIu64
                ",\"lastNs\":%" PRId64 "}",
                f ? "," : "", (int)name_len, name, sums.lines_up, sums.published, sums.rejected, sums.last_ns);
    }
    fputs("]}\n", out);
    if (fclose(out)) {
        free(text);
        return MHD_NO;
    }
    return answer(connection, MHD_HTTP_OK, "application/json", text, len, MHD_RESPMEM_MUST_FREE);
}

/* ---- GET /events ---- */

static bool stage(struct stream *stream, const char *head, size_t head_len, const char *body, size_t body_len)
{
    size_t len = head_len + body_len + 1;
    if (len > stream->cap) {
        char *more = realloc(stream->text, len);
        if (!more)
            return false;
        stream->text = more;
        stream->cap = len;
    }
    memcpy(stream->text, head, head_len);
    memcpy(stream->text + head_len, body, body_len);
    stream->text[len - 1] = '\n';
    stream->off = 0;
    stream->len = len;
    return true;
}

static void close_reader(struct sl_sink *sink, struct stream *stream)
{
    struct web *web = sink->own;
    web->reader_cnt -= stream->reader != NULL;
    sl_reader_close(stream->reader);
    stream->reader = NULL;
}

/* False: it is not its turn, or nobody is there. */
static bool open_reader(struct sl_sink *sink, struct stream *stream)
{
    struct web *web = sink->own;
    const struct sl_reader_options options = { .size = sizeof(options),
                                               .socket = sink->config->socket,
                                               .name = sink->wants->name,
                                               .from = SL_FROM_PLACE,
                                               .epoch = stream->place.epoch,
                                               .seq = stream->place.seq };
    if (!stream->reader && web->reader_cnt < BEHIND_MAX && !sl_reader_open(&stream->reader, &options))
        web->reader_cnt++;
    return stream->reader != NULL;
}

static bool stage_missed(struct sl_sink *sink, struct stream *stream, const struct sl_event *event)
{
    char head[128];
    uint64_t cnt = event->missed_last - event->missed_first + 1;
    int len = snprintf(head, sizeof(head), "event: missed\ndata: {\"missed\": %" PRIu64 "}\n", cnt);
    sink->account.missed += cnt;
    return stage(stream, head, (size_t)len, "", 0);
}

static bool stage_event(struct sl_sink *sink, struct stream *stream, const struct sl_event *event)
{
    char head[128];
    int head_len =
        snprintf(head, sizeof(head), "id: %016" PRIx64 ":%" PRIu64 "\ndata: ", event->place.epoch, event->place.seq);
    size_t len = sl_sink_line(NULL, 0, event);
    char *line = malloc(len);
    if (!line)
        return false;
    sl_sink_line(line, len, event);
    bool staged = stage(stream, head, (size_t)head_len, line, len);
    free(line);
    sink->account.sent += staged;
    return staged;
}

static void go_live(struct sl_sink *sink, struct stream *stream, uint64_t idx)
{
    close_reader(sink, stream);
    stream->behind = false;
    stream->idx = idx;
}

/* The next from the tape or the journal; false: none in this turn. */
static bool stage_behind(struct sl_sink *sink, struct stream *stream)
{
    struct sl_event event;
    uint64_t idx;
    if (!open_reader(sink, stream))
        return false;
    for (unsigned i = 0; i < STEPS; i++) {
        if (sl_sink_queue_follows(&sink->queue, sink->queue.first, stream->place, &idx)) {
            go_live(sink, stream, idx);
            return false;
        }
        if (sl_reader_next(stream->reader, &event, 0))
            return false;
        if (event.type == SL_EVENT_NONE) { /* at the end, where the queue goes on */
            go_live(sink, stream, sink->queue.head);
            return false;
        }
        stream->place = (struct sl_bookmark){ event.place.epoch, event.place.seq };
        if (event.type == SL_EVENT_MISSED || (event.type == SL_EVENT_EPOCH && event.missed_first))
            return stage_missed(sink, stream, &event);
        if (event.type == SL_EVENT_BULLETIN && (!sink->filter || sl_filter_match(sink->filter, &event)) &&
            (!stream->filter || sl_filter_match(stream->filter, &event)))
            return stage_event(sink, stream, &event);
    }
    return false;
}

/* The next event that fits; false: there is none now. */
static bool stage_next(struct sl_sink *sink, struct stream *stream)
{
    char head[128];
    stream->behind |= stream->idx < sink->queue.first;
    if (stream->behind && (stage_behind(sink, stream) || stream->behind))
        return stream->off < stream->len;
    while (stream->idx < sink->queue.head) {
        const struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, stream->idx++);
        /* After a restart the queue begins anew with the oldest, and may be behind a stream that has caught up. */
        if (!item || (item->epoch == stream->place.epoch && item->seq <= stream->place.seq))
            continue;
        stream->place = (struct sl_bookmark){ item->epoch, item->seq };
        if (!is_wanted(item, stream->filter))
            continue;
        int len = snprintf(head, sizeof(head), "id: %016" PRIx64 ":%" PRIu64 "\ndata: ", item->epoch, item->seq);
        sink->account.sent++;
        return stage(stream, head, (size_t)len, sl_sink_item_body(item), item->body_len);
    }
    return false;
}

struct stream_of {
    struct sl_sink *sink;
    struct stream stream;
};

static ssize_t read_stream(void *of, uint64_t at, char *buf, size_t max)
{
    struct stream_of *all = of;
    struct stream *stream = &all->stream;
    size_t len = 0;
    (void)at;
    while (len < max) {
        if (stream->off == stream->len && !stage_next(all->sink, stream))
            break;
        size_t piece = stream->len - stream->off < max - len ? stream->len - stream->off : max - len;
        memcpy(buf + len, stream->text + stream->off, piece);
        stream->off += piece;
        len += piece;
    }
    if (len)
        return (ssize_t)len;
    if (all->sink->stopping)
        return MHD_CONTENT_READER_END_OF_STREAM;
    stream->sleeps = true;
    MHD_suspend_connection(stream->connection);
    return 0;
}

static void end_stream(void *of)
{
    struct stream_of *all = of;
    struct web *web = all->sink->own;
    struct stream *stream = &all->stream;
    *(stream->before ? &stream->before->after : &web->streams) = stream->after;
    if (stream->after)
        stream->after->before = stream->before;
    all->sink->account.peers--;
    close_reader(all->sink, stream);
    sl_filter_free(stream->filter);
    free(stream->text);
    free(all);
}

/* From a place that is older than the queue by a reader, and so from one of another life, which gives all there is. */
static void begin_stream(const struct sl_sink *sink, struct stream *stream, const struct sl_sink_hello *hello)
{
    stream->place = sink->read;
    if (hello->from == SL_FROM_OLDEST)
        stream->place = (struct sl_bookmark){ 0, 0 };
    if (hello->from != SL_FROM_SEQ)
        return;
    stream->place = (struct sl_bookmark){ hello->epoch, hello->seq };
    stream->behind = !sl_sink_queue_follows(&sink->queue, sink->queue.first, stream->place, &stream->idx);
}

static enum MHD_Result give_events(struct sl_sink *sink, struct MHD_Connection *connection)
{
    struct web *web = sink->own;
    struct sl_sink_hello hello;
    char why[256];
    const char *from = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Last-Event-ID");
    if (read_wishes(connection, from && *from ? from : argument(connection, "from"), &hello, why, sizeof(why)))
        return refuse(sink, connection, MHD_HTTP_BAD_REQUEST, why);
    struct stream_of *all = calloc(1, sizeof(*all));
    struct MHD_Response *response =
        all ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_LEN, read_stream, all, end_stream) : NULL;
    if (!response) {
        sl_filter_free(hello.filter);
        free(all);
        return MHD_NO;
    }
    all->sink = sink;
    all->stream = (struct stream){
        .connection = connection, .filter = hello.filter, .after = web->streams, .idx = find_from(&sink->queue, &hello)
    };
    begin_stream(sink, &all->stream, &hello);
    stage(&all->stream, "retry: 1000\n", 12, "", 0);
    all->stream.beat_ns = sl_clock_mono(NULL) + BEAT_NS;
    if (web->streams)
        web->streams->before = &all->stream;
    web->streams = &all->stream;
    sink->account.peers++;
    MHD_add_response_header(response, "Content-Type", "text/event-stream");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Accel-Buffering", "no");
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

static void wake_streams(struct sl_sink *sink, int64_t now_ns)
{
    struct web *web = sink->own;
    for (struct stream *stream = web->streams; stream; stream = stream->after) {
        bool beats = now_ns >= stream->beat_ns;
        if (beats && stream->off == stream->len)
            stage(stream, ":\n", 2, "", 0); /* so that both sides learn when the other is gone */
        if (beats)
            stream->beat_ns = now_ns + BEAT_NS;
        bool waits =
            stream->behind ? !stream->reader && web->reader_cnt >= BEHIND_MAX : stream->idx >= sink->queue.head;
        if (stream->behind)
            sl_sink_wake_at(sink, stream->reader ? now_ns : now_ns + TURN_NS);
        if (!stream->sleeps || (!beats && !sink->stopping && waits))
            continue;
        stream->sleeps = false;
        MHD_resume_connection(stream->connection);
    }
}

/* ---- requests ---- */

static void no_longer_pending(struct web *web, int fd)
{
    for (unsigned i = 0; i < PENDING_MAX; i++)
        if (web->pending[i].until_ns && web->pending[i].fd == fd)
            web->pending[i].until_ns = 0;
}

static int fd_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static enum MHD_Result handle(void *of, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *data, size_t *data_len, void **state)
{
    static const struct {
        const char *path;
        enum MHD_Result (*give)(struct sl_sink *sink, struct MHD_Connection *connection);
    } paths[] = {
        {"/events",         give_events   },
        { "/api/bulletins", give_bulletins},
        { "/api/status",    give_status   },
        { "/metrics",       give_metrics  }
    };
    struct sl_sink *sink = of;
    (void)version, (void)data, (void)data_len;
    if (!*state) { /* the head is there; a body is not read but refused */
        *state = sink;
        no_longer_pending(sink->own, fd_of(connection));
        if (!strcmp(method, "GET"))
            return MHD_YES;
    }
    if (strcmp(method, "GET"))
        return refuse(sink, connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET is understood");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (!strcmp(url, paths[i].path))
            return paths[i].give(sink, connection);
    if (!strcmp(url, "/"))
        return answer(connection, MHD_HTTP_OK, "text/html; charset=utf-8", (void *)(uintptr_t)web_page,
                      sizeof(web_page), MHD_RESPMEM_PERSISTENT);
    return refuse(sink, connection, MHD_HTTP_NOT_FOUND, "nothing is here; / is the page");
}

static void note_connection(void *of, struct MHD_Connection *connection, void **state,
                            enum MHD_ConnectionNotificationCode code)
{
    struct sl_sink *sink = of;
    struct web *web = sink->own;
    (void)state;
    no_longer_pending(web, fd_of(connection));
    for (unsigned i = 0; code == MHD_CONNECTION_NOTIFY_STARTED && i < PENDING_MAX; i++)
        if (!web->pending[i].until_ns) {
            web->pending[i] = (struct pending){ fd_of(connection), sl_clock_mono(NULL) + SLOW_NS };
            return;
        }
}

/* The library's own bound is of silence; who sends a byte now and then would stay. */
static void end_slow(struct sl_sink *sink, int64_t now_ns)
{
    struct web *web = sink->own;
    for (unsigned i = 0; i < PENDING_MAX; i++) {
        struct pending *pending = &web->pending[i];
        if (!pending->until_ns)
            continue;
        if (now_ns < pending->until_ns) {
            sl_sink_wake_at(sink, pending->until_ns);
            continue;
        }
        sink->account.refused_peers++;
        shutdown(pending->fd, SHUT_RDWR);
        pending->until_ns = 0;
    }
}

static enum MHD_Result may_come(void *of, const struct sockaddr *addr, socklen_t addr_len)
{
    const struct sl_sink *sink = of;
    return sl_line_allows_addr(&sink->wants->line, addr, addr_len) ? MHD_YES : MHD_NO;
}

/* ---- life ---- */

static int init(struct sl_sink *sink)
{
    struct web *web = calloc(1, sizeof(*web));
    if (!web)
        return -ENOMEM;
    sink->own = web;
    sl_backoff_init(&web->visit_backoff, SL_TIME_NS / 10, SL_TIME_NS);
    int fd = sl_sink_listen(&sink->wants->line);
    if (fd < 0) {
        sl_sink_fault(sink, "listen %s: %s", sink->wants->listen, strerror(-fd));
        return fd;
    }
    web->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, may_come, sink, handle, sink, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)sink->wants->client_max, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEAD_LEN + BLOCK_LEN, MHD_OPTION_CONNECTION_MEMORY_INCREMENT,
        (size_t)4096, MHD_OPTION_NOTIFY_CONNECTION, note_connection, sink, MHD_OPTION_END);
    if (!web->daemon) {
        close(fd);
        sl_sink_fault(sink, "the HTTP server cannot be started");
        return -ENOMEM;
    }
    int epoll_fd = MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return sl_sink_watch(sink, epoll_fd, EPOLLIN);
}

static int poll_web(struct sl_sink *sink, int64_t now_ns)
{
    struct web *web = sink->own;
    MHD_UNSIGNED_LONG_LONG wait_ms;
    sink->queue.next = sink->queue.head;
    sl_sink_queue_done(&sink->queue, sink->queue.head);
    wake_streams(sink, now_ns);
    MHD_run(web->daemon);
    end_slow(sink, now_ns);
    if (MHD_get_timeout(web->daemon, &wait_ms) == MHD_YES) {
        if (!wait_ms)
            return 1;
        sl_sink_wake_at(sink, now_ns + (int64_t)(wait_ms < 10000 ? wait_ms : 10000) * 1000000);
    }
    return 0;
}

/* The frame is what filters look at. */
static size_t write_item(struct sl_sink *sink, char *buf, size_t cap, const struct sl_event *event, size_t *head_len)
{
    (void)sink;
    *head_len = sl_sink_frame_write(buf, cap, event);
    size_t room = *head_len < cap ? cap - *head_len : 0;
    return *head_len + sl_sink_line(room ? buf + *head_len : NULL, room, event);
}

static bool is_idle(struct sl_sink *sink)
{
    const struct web *web = sink->own;
    return !web->streams;
}

static void fini(struct sl_sink *sink)
{
    struct web *web = sink->own;
    if (!web)
        return;
    for (struct stream *stream = web->streams; stream; stream = stream->after)
        if (stream->sleeps)
            MHD_resume_connection(stream->connection);
    if (web->daemon)
        MHD_stop_daemon(web->daemon);
    leave_daemon(web);
    free(web);
}

const struct sl_sink_type sl_sink_web = { .name = "web",
                                          .live = true,
                                          .from_oldest = true,
                                          .missed = true,
                                          .init = init,
                                          .write = write_item,
                                          .poll = poll_web,
                                          .is_idle = is_idle,
                                          .fini = fini };
