#include "pipeline/sink.h"

#include "pipeline/rx.h"
#include "pipeline/sink_frame.h"
#include "pipeline/sink_hello.h"
#include "pipeline/sink_tls.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Many clients, each at a place of its own.
 *
 *     accept -> SHAKES (TLS) -> HELLO -- from=now --------------------------> LIVE: copies out of the queue, filtered
 *                                 +---- from= a place --> BEHIND: a reader    ^  |
 *                                                         of its own, until --+  | the queue no longer has its next
 *                                                         it meets the queue <---+ (policy cut: it is disconnected)
 *
 * The queue keeps what was read last, for all of them; a client holds nothing there back.  What it is to get lies in
 * its own buffer, which goes out by one write. */
#define OUT_LEN      (256u * 1024u)
#define STRAIGHT_LEN (256u * 1024u)
#define TURN_LEN     (64u * 1024u) /* one client's share of a turn before the others have theirs */
#define HELLO_NS     (SL_TIME_NS / 4) /* who says nothing until then wants all from when it came */
#define HEAR_NS      (SL_TIME_NS / 5000)
#define SHAKE_NS     (5 * SL_TIME_NS)
#define GONE_MS      30000 /* a peer that answers nothing for this long is gone */
#define BEHIND_MAX   8u /* readers of their own at the same time; a tape has 64 seats */
#define STEPS        64u
#define PIECES       128u
#define CLIENTS_MAX  1024u

enum state { FREE, SHAKES, HELLO, BEHIND, LIVE, ENDS };

struct client {
    enum state state;
    int fd;
    struct sl_tls_conn *tls;
    int64_t until_ns; /* SHAKES, HELLO */
    bool binary, reads_json; /* reads_json: as far as is known, and counted so */
    struct sl_filter *filter;
    struct sl_reader *reader; /* BEHIND */
    struct sl_bookmark place; /* of the last it was given, or was passed over */
    uint64_t idx; /* LIVE: its next in the queue; before: what was the next when it came */
    char *out;
    uint32_t out_cap, out_off, out_len;
    uint32_t watched; /* events */
    uint32_t hello_len;
    char hello[SL_SINK_HELLO_MAX + 2];
};

struct tcp {
    int listen_fd;
    struct sl_tls *tls;
    struct client *clients;
    uint32_t client_cnt, behind_cnt, json_cnt;
    uint64_t json_idx; /* from here on all items have their JSON */
    int64_t heard_ns;
    bool hears; /* in this turn */
};

static int init(struct sl_sink *sink)
{
    const struct sl_config_sink *wants = sink->wants;
    struct tcp *tcp = calloc(1, sizeof(*tcp));
    if (!tcp)
        return -ENOMEM;
    sink->own = tcp;
    tcp->clients = calloc(wants->client_max, sizeof(*tcp->clients));
    if (!tcp->clients)
        return -ENOMEM;
    char why[256] = "no memory";
    tcp->listen_fd = -1;
    int rc = wants->certificate
                 ? sl_tls_new(&tcp->tls, wants->certificate, wants->key, wants->authority, why, sizeof(why))
                 : 0;
    if (rc) {
        sl_sink_fault(sink, "%s", why);
        return rc;
    }
    tcp->listen_fd = sl_sink_listen(&wants->line);
    if (tcp->listen_fd < 0)
        sl_sink_fault(sink, "listen %s: %s", wants->listen, strerror(-tcp->listen_fd));
    return tcp->listen_fd < 0 ? tcp->listen_fd : sl_sink_watch(sink, tcp->listen_fd, EPOLLIN);
}

/* ---- one client: its bytes ---- */

static ssize_t get(const struct client *client, void *buf, size_t len)
{
    if (client->tls)
        return sl_tls_read(client->tls, buf, len);
    ssize_t got = recv(client->fd, buf, len, 0);
    if (got > 0)
        return got;
    return got == 0 ? -EPIPE : errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static ssize_t put(const struct client *client, const void *buf, size_t len)
{
    if (client->tls)
        return sl_tls_write(client->tls, buf, len);
    ssize_t sent = send(client->fd, buf, len, MSG_NOSIGNAL);
    return sent >= 0 ? sent : errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

/* Room for len more, at its end; NULL: not before what is there has gone. */
static char *claim(struct client *client, size_t len)
{
    if (!client->out_len)
        client->out_off = 0;
    if (len <= client->out_cap - client->out_off - client->out_len)
        return client->out + client->out_off + client->out_len;
    if (client->out_len || len > UINT32_MAX)
        return NULL;
    /* One that is longer than all: the buffer grows to it, once. */
    char *longer = realloc(client->out, len);
    if (!longer)
        return NULL;
    client->out = longer;
    client->out_cap = (uint32_t)len;
    return longer;
}

static void count_json(struct tcp *tcp, struct client *client, bool reads_json)
{
    tcp->json_cnt += reads_json;
    tcp->json_cnt -= client->reads_json;
    client->reads_json = reads_json;
}

static void leave_behind(struct tcp *tcp, struct client *client)
{
    if (client->reader)
        tcp->behind_cnt--;
    sl_reader_close(client->reader);
    client->reader = NULL;
}

static void forget(struct sl_sink *sink, struct client *client)
{
    struct tcp *tcp = sink->own;
    count_json(tcp, client, false);
    leave_behind(tcp, client);
    sl_tls_conn_delete(client->tls);
    sl_sink_watch(sink, client->fd, 0);
    close(client->fd);
    sl_filter_free(client->filter);
    free(client->out);
    *client = (struct client){ .fd = -1 };
    sink->account.peers--;
}

/* Its last words are why; then it ends. */
static void refuse(struct sl_sink *sink, struct client *client, const char *why)
{
    char text[512], line[640];
    sink->account.refused_peers++;
    snprintf(text, sizeof(text), "%s", why);
    size_t len = sl_json_string(line + 10, sizeof(line) - 16, text, strlen(text));
    memcpy(line, "{\"error\": ", 10);
    memcpy(line + 10 + len, "}\n", 2);
    char *room = claim(client, len + 12);
    if (room)
        memcpy(room, line, len + 12);
    client->out_len += room ? (uint32_t)len + 12 : 0;
    client->state = ENDS;
    client->until_ns = sl_clock_mono(NULL) + SHAKE_NS;
    sl_sink_fault(sink, "a client was refused: %s", why);
}

/* ---- what it is to get ---- */

static bool give(struct client *client, const struct sl_event *event, const char *ready, size_t ready_len)
{
    size_t len = ready_len;
    if (!ready)
        len = client->binary ? sl_sink_frame_write(NULL, 0, event) : sl_sink_line(NULL, 0, event);
    char *room = claim(client, len);
    if (!room)
        return false;
    if (ready)
        memcpy(room, ready, len);
    else if (client->binary)
        sl_sink_frame_write(room, len, event);
    else
        sl_sink_line(room, len, event);
    client->out_len += (uint32_t)len;
    return true;
}

static void go_live(struct tcp *tcp, struct client *client, uint64_t idx)
{
    leave_behind(tcp, client);
    client->state = LIVE;
    client->idx = idx;
}

static bool is_given(const struct client *client, uint64_t epoch, uint64_t seq)
{
    return epoch == client->place.epoch && seq <= client->place.seq;
}

/* Whether the queue goes on where this client stands: then from there. */
static bool meets_queue(const struct sl_sink *sink, const struct client *client, uint64_t *idx)
{
    const struct tcp *tcp = sink->own;
    const struct sl_sink_queue *queue = &sink->queue;
    uint64_t from = queue->first;
    if (!client->binary && (!tcp->json_cnt || tcp->json_idx > from))
        from = tcp->json_cnt ? tcp->json_idx : queue->head;
    return sl_sink_queue_follows(queue, from, client->place, idx);
}

static int open_reader(struct sl_sink *sink, struct client *client, enum sl_reader_from from)
{
    struct tcp *tcp = sink->own;
    const struct sl_reader_options options = { .size = sizeof(options),
                                               .socket = sink->config->socket,
                                               .name = sink->wants->name,
                                               .from = from,
                                               .epoch = client->place.epoch,
                                               .seq = client->place.seq };
    int rc = sl_reader_open(&client->reader, &options);
    tcp->behind_cnt += !rc;
    return rc;
}

static bool is_wanted(const struct sl_sink *sink, const struct client *client, const struct sl_event *event)
{
    if (event->type == SL_EVENT_MISSED || (event->type == SL_EVENT_EPOCH && event->missed_first))
        return true;
    return event->type == SL_EVENT_BULLETIN && (!sink->filter || sl_filter_match(sink->filter, event)) &&
           (!client->filter || sl_filter_match(client->filter, event));
}

/* From the tape itself, a step of it.  An event that finds no room is read again: the reader is put back behind the
 * place. */
static bool fill_behind(struct sl_sink *sink, struct client *client)
{
    struct sl_event event;
    uint64_t idx;
    if (!client->reader && ((struct tcp *)sink->own)->behind_cnt >= BEHIND_MAX)
        return false; /* waits for its turn */
    if (!client->reader && open_reader(sink, client, SL_FROM_PLACE))
        return false;
    for (unsigned i = 0; i < STEPS && client->out_len < TURN_LEN; i++) {
        if (sl_reader_next(client->reader, &event, 0))
            return i > 0;
        if (event.type == SL_EVENT_NONE) { /* at the end of the tape, where the queue goes on */
            idx = sink->queue.head;
            meets_queue(sink, client, &idx);
            go_live(sink->own, client, idx);
            return true;
        }
        if (is_wanted(sink, client, &event)) {
            /* Never in vain: out has room, or grows. */
            if (!give(client, &event, NULL, 0)) {
                leave_behind(sink->own, client);
                return true;
            }
            sink->account.sent += event.type == SL_EVENT_BULLETIN;
        }
        client->place = (struct sl_bookmark){ event.place.epoch, event.place.seq };
    }
    if (meets_queue(sink, client, &idx))
        go_live(sink->own, client, idx);
    return true;
}

static bool fall_behind(struct sl_sink *sink, struct client *client)
{
    if (sink->wants->policy == SL_SINK_CUT) {
        sl_sink_fault(sink, "a client was too slow and is cut off");
        sink->account.cut++;
        forget(sink, client);
        return true;
    }
    client->state = BEHIND;
    return true;
}

/* What of an item this client gets; len 0: nothing. */
static struct iovec share_of(struct sl_sink *sink, const struct client *client, const struct sl_sink_item *item)
{
    const struct sl_sink_frame *frame = (const struct sl_sink_frame *)(const void *)item->bytes;
    bool wanted = !item->superseded || sink->wants->policy != SL_SINK_CONFLATE;
    sink->account.conflated += !wanted;
    if (wanted && client->filter && frame->kind) {
        struct sl_event event = sl_sink_frame_read(frame);
        wanted = sl_filter_match(client->filter, &event);
    }
    const char *from = client->binary ? item->bytes : sl_sink_item_body(item);
    uint32_t len = client->binary ? item->head_len : item->body_len;
    return (struct iovec){ (void *)(uintptr_t)from, wanted ? len : 0 };
}

/* What of a piece the socket did not take waits in the client's own buffer. */
static bool keep_rest(struct client *client, const struct iovec *piece, size_t sent)
{
    size_t len = piece->iov_len - sent;
    char *room = claim(client, len);
    if (!room)
        return false;
    memcpy(room, (const char *)piece->iov_base + sent, len);
    client->out_len += (uint32_t)len;
    return true;
}

/* Straight out of the queue, one write for many items, while nothing waits in the client's own buffer.  False: it takes
 * no more just now, or there is none. */
static bool give_straight(struct sl_sink *sink, struct client *client)
{
    struct iovec pieces[PIECES];
    uint64_t idxs[PIECES], idx = client->idx;
    size_t len = 0;
    unsigned cnt = 0, done = 0;
    for (; idx < sink->queue.head && cnt < PIECES && len < STRAIGHT_LEN; idx++) {
        const struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, idx);
        if (!item || is_given(client, item->epoch, item->seq))
            continue;
        struct iovec piece = share_of(sink, client, item);
        if (!piece.iov_len)
            continue;
        idxs[cnt] = idx;
        len += piece.iov_len;
        pieces[cnt++] = piece;
    }
    struct msghdr message = { .msg_iov = pieces, .msg_iovlen = cnt };
    ssize_t sent = cnt ? sendmsg(client->fd, &message, MSG_NOSIGNAL) : 0;
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        forget(sink, client);
        return false;
    }
    size_t left = sent > 0 ? (size_t)sent : 0;
    for (; done < cnt && left >= pieces[done].iov_len; done++)
        left -= pieces[done].iov_len;
    /* Half an item has gone: without its other half the stream would make no sense any more. */
    if (left && !keep_rest(client, &pieces[done], left)) {
        forget(sink, client);
        return false;
    }
    done += left > 0;
    sink->account.sent += done;
    client->idx = done < cnt ? idxs[done] : idx;
    if (client->idx > sink->queue.first) {
        const struct sl_sink_item *last = sl_sink_queue_at(&sink->queue, client->idx - 1);
        if (last && !is_given(client, last->epoch, last->seq))
            client->place = (struct sl_bookmark){ last->epoch, last->seq };
    }
    return cnt && done == cnt && !client->out_len;
}

static bool fill_live(struct sl_sink *sink, struct client *client)
{
    bool did = false;
    if (!client->tls && !client->out_len)
        return give_straight(sink, client);
    for (; client->idx < sink->queue.head; client->idx++) {
        const struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, client->idx);
        if (!item || is_given(client, item->epoch, item->seq))
            continue;
        if (client->out_len >= TURN_LEN)
            return did;
        struct iovec share = share_of(sink, client, item);
        if (share.iov_len) {
            if (!give(client, NULL, share.iov_base, share.iov_len))
                return did;
            sink->account.sent++;
            did = true;
        }
        client->place = (struct sl_bookmark){ item->epoch, item->seq };
    }
    return did;
}

/* ---- its life ---- */

static void take_hello(struct sl_sink *sink, struct client *client, size_t len)
{
    struct sl_sink_hello hello;
    char why[320];
    int rc = sl_sink_hello_read(&hello, client->hello, len, why, sizeof(why));
    if (rc) {
        refuse(sink, client, why);
        return;
    }
    client->binary = hello.binary;
    client->filter = hello.filter;
    count_json(sink->own, client, !hello.binary);
    if (hello.from == SL_FROM_NOW) {
        if (len)
            client->place = sink->read;
        go_live(sink->own, client, len ? sink->queue.head : client->idx);
        return;
    }
    client->place = (struct sl_bookmark){ hello.epoch, hello.seq };
    client->state = BEHIND;
}

/* What comes behind the first line is read, so that the end is seen, and means nothing. */
static void hear(struct sl_sink *sink, struct client *client)
{
    char waste[4096];
    for (unsigned i = 0; i < STEPS && client->state != FREE; i++) {
        bool first = client->state == HELLO;
        char *to = first ? client->hello + client->hello_len : waste;
        ssize_t got = get(client, to, first ? SL_SINK_HELLO_MAX + 1 - client->hello_len : sizeof(waste));
        if (got == 0)
            return;
        if (got < 0) {
            forget(sink, client);
            return;
        }
        if (!first)
            continue;
        client->hello_len += (uint32_t)got;
        const char *end = memchr(client->hello, '\n', client->hello_len);
        if (end)
            take_hello(sink, client, (size_t)(end - client->hello));
        else if (client->hello_len > SL_SINK_HELLO_MAX)
            refuse(sink, client, "a first line of at most 4096 bytes is expected");
    }
}

static void shake(struct sl_sink *sink, struct client *client, int64_t now_ns)
{
    int rc = sl_tls_hand_shake(client->tls);
    if (rc < 0) {
        sink->account.refused_peers++;
        sl_sink_fault(sink, "a client was refused: no TLS, or no certificate of the authority");
        forget(sink, client);
    } else if (rc) {
        client->state = HELLO;
        client->until_ns = now_ns + HELLO_NS;
    }
}

static void run_out_of_time(struct sl_sink *sink, struct client *client, int64_t now_ns)
{
    if (client->state != SHAKES && client->state != HELLO && client->state != ENDS)
        return;
    if (now_ns < client->until_ns) {
        sl_sink_wake_at(sink, client->until_ns);
    } else if (client->state == HELLO && !client->hello_len) {
        take_hello(sink, client, 0);
    } else if (client->state == HELLO && now_ns < client->until_ns + SHAKE_NS) {
        sl_sink_wake_at(sink, client->until_ns + SHAKE_NS); /* it has begun to say something */
    } else {
        sink->account.refused_peers += client->state != ENDS;
        forget(sink, client);
    }
}

static bool write_out(struct sl_sink *sink, struct client *client)
{
    while (client->out_len) {
        ssize_t sent = put(client, client->out + client->out_off, client->out_len);
        if (sent == 0)
            return false;
        if (sent < 0) {
            forget(sink, client);
            return true;
        }
        client->out_off += (uint32_t)sent;
        client->out_len -= (uint32_t)sent;
    }
    if (client->state == ENDS) {
        shutdown(client->fd, SHUT_WR);
        forget(sink, client);
    }
    return true;
}

/* True: it has more to do at once. */
static bool serve(struct sl_sink *sink, struct client *client, int64_t now_ns)
{
    bool did = false;
    if (client->state == SHAKES)
        shake(sink, client, now_ns);
    if (client->state != FREE && client->state != SHAKES && ((struct tcp *)sink->own)->hears)
        hear(sink, client);
    run_out_of_time(sink, client, now_ns);
    if (client->state == BEHIND && client->out_len < TURN_LEN)
        did = fill_behind(sink, client);
    /* Also when it has so much to write that it is given no more: then above all. */
    if (client->state == LIVE && client->idx < sink->queue.first)
        did |= fall_behind(sink, client);
    else if (client->state == LIVE && client->out_len < TURN_LEN)
        did |= fill_live(sink, client);
    bool all = client->state == FREE || client->state == SHAKES || write_out(sink, client);
    if (client->state == FREE)
        return did;
    uint32_t events = EPOLLIN | (all ? 0 : EPOLLOUT);
    if (events != client->watched)
        sl_sink_watch(sink, client->fd, events);
    client->watched = events;
    if (client->state == BEHIND && !client->reader)
        sl_sink_wake_at(sink, now_ns + SL_TIME_NS / 50);
    return did && all;
}

/* ---- all of them ---- */

static void set_options(int fd)
{
    int on = 1, gone = GONE_MS, idle = GONE_MS / 1000, times = 3, every = 5;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every, sizeof(every));
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &gone, sizeof(gone));
}

static bool seat(struct sl_sink *sink, int fd, int64_t now_ns)
{
    struct tcp *tcp = sink->own;
    struct client *client = tcp->clients, *end = client + sink->wants->client_max;
    while (client < end && client->state != FREE)
        client++;
    if (client == end || !sl_line_allows(&sink->wants->line, fd))
        return false;
    *client =
        (struct client){ .state = tcp->tls ? SHAKES : HELLO, .fd = fd, .out = malloc(OUT_LEN), .out_cap = OUT_LEN };
    if (!client->out || (tcp->tls && sl_tls_conn_new(&client->tls, tcp->tls, fd))) {
        free(client->out);
        *client = (struct client){ .fd = -1 };
        return false;
    }
    client->until_ns = now_ns + (tcp->tls ? SHAKE_NS : HELLO_NS);
    client->place = sink->read;
    client->idx = sink->queue.head;
    count_json(tcp, client, true);
    client->watched = EPOLLIN;
    set_options(fd);
    sl_sink_watch(sink, fd, EPOLLIN);
    sink->account.peers++;
    return true;
}

static void accept_clients(struct sl_sink *sink, int64_t now_ns)
{
    struct tcp *tcp = sink->own;
    int fd;
    for (unsigned i = 0; i < STEPS; i++) {
        fd = accept4(tcp->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        if (seat(sink, fd, now_ns))
            continue;
        sink->account.refused_peers++;
        sl_sink_fault(sink, "a client was refused: it may not come, or %u are there", sink->wants->client_max);
        close(fd);
    }
}

static int poll_clients(struct sl_sink *sink, int64_t now_ns)
{
    struct tcp *tcp = sink->own;
    bool more = false;
    /* Under load not in every turn: each is a system call that mostly finds nothing. */
    tcp->hears = now_ns - tcp->heard_ns >= HEAR_NS;
    if (tcp->hears) {
        tcp->heard_ns = now_ns;
        accept_clients(sink, now_ns);
    }
    sink->queue.next = sink->queue.head; /* nobody owns it; what was read is there for all */
    sl_sink_queue_done(&sink->queue, sink->queue.head);
    for (uint32_t i = 0; i < sink->wants->client_max; i++)
        if (tcp->clients[i].state != FREE)
            more |= serve(sink, &tcp->clients[i], now_ns);
    return more;
}

/* The frame is what filters look at and what binary clients get; JSON is made for those who are there to read it. */
static size_t write_item(struct sl_sink *sink, char *buf, size_t cap, const struct sl_event *event, size_t *head_len)
{
    struct tcp *tcp = sink->own;
    *head_len = sl_sink_frame_write(buf, cap, event);
    if (!tcp->json_cnt) {
        tcp->json_idx = sink->queue.head + 1;
        return *head_len;
    }
    size_t room = *head_len < cap ? cap - *head_len : 0;
    return *head_len + sl_sink_line(room ? buf + *head_len : NULL, room, event);
}

static bool is_idle(struct sl_sink *sink)
{
    const struct tcp *tcp = sink->own;
    for (uint32_t i = 0; i < sink->wants->client_max; i++)
        if (tcp->clients[i].state == BEHIND || tcp->clients[i].out_len ||
            (tcp->clients[i].state == LIVE && tcp->clients[i].idx < sink->queue.head))
            return false;
    return true;
}

static void fini(struct sl_sink *sink)
{
    struct tcp *tcp = sink->own;
    if (!tcp)
        return;
    for (uint32_t i = 0; tcp->clients && i < sink->wants->client_max; i++)
        if (tcp->clients[i].state != FREE)
            forget(sink, &tcp->clients[i]);
    if (tcp->listen_fd >= 0)
        close(tcp->listen_fd);
    sl_tls_delete(tcp->tls);
    free(tcp->clients);
    free(tcp);
}

const struct sl_sink_type sl_sink_tcp = { .name = "tcp",
                                          .live = true,
                                          .missed = true,
                                          .init = init,
                                          .write = write_item,
                                          .poll = poll_clients,
                                          .is_idle = is_idle,
                                          .fini = fini };
