#include "pipeline/sink.h"

#include "parsers/json.h"
#include "pipeline/say.h"
#include "pipeline/sink_name.h"

#include <errno.h>
#include <inttypes.h>
#include <nats/nats.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* A message for each bulletin into one stream of a NATS server; what the stream has stored is done.
 *
 *     DOWN -> DIALS -> ASKS for the stream -> [ MAKES it ] -> UP: publish ... answers
 *      ^                ^      | not as it must be              |
 *      |                |      v                                | refused, or no answer for long
 *      |                +--- WAITS <----------------------------+
 *      +---- the connection broke
 *
 * libnats serves the connection on our thread, through its interface for event loops, so that nothing a server does, or
 * does not, holds us up; only dialling blocks, and has a thread of its own.  A publish is what JetStream defines: a
 * message with a subject for the answer.  That subject tells which item is meant, and of which try: after a failure all
 * that is not known to be stored goes again, under the same Nats-Msg-Id, by which the stream knows what it has. */
#define RETRY_NS     (SL_TIME_NS / 5)
#define DIAL_MS      2000
#define ANSWER_NS    (5 * SL_TIME_NS) /* to a question about the stream */
#define SILENT_NS    (2 * SL_TIME_NS) /* nothing was stored for this long: status says so */
#define LOST_NS      (30 * SL_TIME_NS) /* and for this long: an answer was lost, by a change of leaders for one */
#define PING_MS      5000
#define PINGS_OUT    2
#define SERVERS_MAX  16u
#define SUBJECT_MAX  512u
#define ID_HEADER    "Nats-Msg-Id"
#define NO_STREAM    10059 /* err_code of the server's API */
#define TOO_LONG     10054 /* longer than the stream's max_msg_size */
#define AUTHORITIES  "/etc/ssl/certs/ca-certificates.crt" /* Debian's, for tls:// without an authority */
#define PLAIN_MAX    131072
#define ANSWERS_TURN 4096u

enum state { DOWN, DIALS, WAITS, ASKS, MAKES, UP };

/* An attempt, for as long as it lasts; whoever is last frees it. */
struct dial {
    natsOptions *options;
    natsConnection *connection;
    char error[128];
    int wake_fd;
    _Atomic bool ended;
};

struct jetstream {
    struct sl_sink *sink;
    enum state state;
    natsOptions *options;
    natsConnection *connection; /* NULL: none */
    natsSubscription *answers;
    natsInbox *inbox;
    struct dial *dial;
    pthread_t dialler;
    int fd, wake_fd;
    _Atomic uint32_t events; /* of fd; libnats' timers change them too */
    uint32_t watched;
    struct sl_backoff backoff;
    int64_t until_ns; /* ASKS, MAKES */
    int64_t moved_ns; /* when something was stored last, or sent while nothing was under way */
    bool told_silent;
    uint32_t try, in_flight;
    uint32_t out, stale; /* published and not answered: of this try; of those before it on this connection */
    bool secure;
    int buffered_max; /* bytes that libnats may have before more is published; by TLS, what the socket surely takes */
    int64_t payload_max;
    char reply[96]; /* the inbox, a dot; then what differs */
    size_t reply_len;
    char pattern[SUBJECT_MAX]; /* of all subjects that the template can make */
    char file_error[128];
};

/* ---- what it is made of ---- */

static size_t write_message(struct sl_sink *sink, char *buf, size_t cap, const struct sl_event *event, size_t *head_len)
{
    char hash[SL_SINK_HASH_LEN + 1];
    size_t subject_len = sl_sink_name(buf, cap, sink->wants->subject, event) + 1;
    sl_sink_hash(event->bulletin, hash);
    *head_len = subject_len + sizeof(hash);
    if (*head_len >= cap)
        return *head_len + sl_event_json(buf, 0, event);
    memcpy(buf + subject_len, hash, sizeof(hash));
    return *head_len + sl_event_json(buf + *head_len, cap - *head_len, event);
}

/* A token of which any part is a field may be any. */
static void make_pattern(struct jetstream *js, const char *subject)
{
    size_t len = 0;
    while (*subject) {
        size_t token = strcspn(subject, ".");
        bool varies = memchr(subject, '{', token);
        len += (size_t)snprintf(js->pattern + len, sizeof(js->pattern) - len, "%.*s%s", varies ? 1 : (int)token,
                                varies ? "*" : subject, subject[token] ? "." : "");
        subject += token + (subject[token] == '.');
    }
}

/* Does the stream's subject take all that the pattern stands for? */
static bool covers(const char *subject, const char *pattern)
{
    for (;;) {
        size_t token = strcspn(pattern, "."), has = strcspn(subject, ".");
        if (has == 1 && *subject == '>')
            return true;
        bool any = has == 1 && *subject == '*';
        if (!any && (has != token || memcmp(subject, pattern, token)))
            return false;
        subject += has;
        pattern += token;
        if (!*subject || !*pattern)
            return !*subject && !*pattern;
        subject++;
        pattern++;
    }
}

/* ---- life ---- */

static natsStatus attach(void **user, void *loop, natsConnection *connection, natsSock socket)
{
    struct jetstream *js = loop;
    (void)connection;
    *user = js;
    socklen_t len = sizeof(js->buffered_max);
    js->fd = socket;
    js->events = js->watched = EPOLLIN;
    if (getsockopt(js->fd, SOL_SOCKET, SO_SNDBUF, &js->buffered_max, &len))
        js->buffered_max = 0;
    /* A socket is writable when a third of its buffer is free.  Without TLS, what it leaves is moved in memory. */
    js->buffered_max = js->secure ? js->buffered_max / 8 : PLAIN_MAX;
    return sl_sink_watch(js->sink, js->fd, EPOLLIN) ? NATS_ERR : NATS_OK;
}

static natsStatus change_events(struct jetstream *js, uint32_t event, bool add)
{
    js->events = add ? js->events | event : js->events & ~event;
    return NATS_OK; /* what is wanted for longer than a turn is watched for at its end */
}

static natsStatus want_read(void *user, bool add) { return change_events(user, EPOLLIN, add); }
static natsStatus want_write(void *user, bool add) { return change_events(user, EPOLLOUT, add); }

static natsStatus detach(void *user)
{
    (void)user;
    return NATS_OK;
}

static natsStatus set_servers(natsOptions *options, const char *urls, bool *secure)
{
    const char *servers[SERVERS_MAX];
    int cnt = 0;
    char *copy = strdup(urls), *rest = copy;
    for (char *url; copy && cnt < (int)SERVERS_MAX && (url = strsep(&rest, ","));) {
        *secure |= !strncmp(url, "tls:", 4);
        servers[cnt++] = url;
    }
    natsStatus s = copy ? natsOptions_SetServers(options, servers, cnt) : NATS_NO_MEMORY;
    free(copy);
    return s;
}

static natsStatus set_tls(struct jetstream *js, const struct sl_config_sink *wants, bool secure)
{
    js->secure = secure || wants->authority || wants->certificate;
    if (!js->secure)
        return NATS_OK;
    const char *authority = wants->authority ? wants->authority : AUTHORITIES;
    natsStatus s = natsOptions_SetSecure(js->options, true);
    if (s == NATS_OK) {
        s = natsOptions_LoadCATrustedCertificates(js->options, authority);
        if (s != NATS_OK)
            snprintf(js->file_error, sizeof(js->file_error), "authority %s", authority);
    }
    if (s == NATS_OK && wants->certificate) {
        s = natsOptions_LoadCertificatesChain(js->options, wants->certificate, wants->key);
        if (s != NATS_OK)
            snprintf(js->file_error, sizeof(js->file_error), "certificate %s, key %s", wants->certificate, wants->key);
    }
    return s;
}

static natsStatus set_options(struct jetstream *js, const struct sl_config_sink *wants)
{
    bool secure = false;
    natsStatus s = natsOptions_Create(&js->options);
    if (s == NATS_OK)
        s = set_servers(js->options, wants->url, &secure);
    if (s == NATS_OK)
        s = set_tls(js, wants, secure);
    if (s == NATS_OK && wants->credentials)
        s = natsOptions_SetUserCredentialsFromFiles(js->options, wants->credentials, NULL);
    if (s == NATS_OK)
        s = natsOptions_SetName(js->options, wants->name);
    if (s == NATS_OK)
        s = natsOptions_SetTimeout(js->options, DIAL_MS);
    /* Nobody is dialled who is not in the configuration, and when is our decision. */
    if (s == NATS_OK)
        s = natsOptions_SetIgnoreDiscoveredServers(js->options, true);
    if (s == NATS_OK)
        s = natsOptions_SetAllowReconnect(js->options, false);
    if (s == NATS_OK)
        s = natsOptions_SetPingInterval(js->options, PING_MS);
    if (s == NATS_OK)
        s = natsOptions_SetMaxPingsOut(js->options, PINGS_OUT);
    if (s == NATS_OK)
        s = natsOptions_SetSendAsap(js->options, true); /* the loop decides when, not a thread of the library's */
    if (s == NATS_OK)
        s = natsOptions_SetEventLoop(js->options, js, attach, want_read, want_write, detach);
    return s;
}

/* The library's threads, and ours, leave signals to the one that sleeps in the loop. */
static void block_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

static int init(struct sl_sink *sink)
{
    const struct sl_config_sink *wants = sink->wants;
    struct jetstream *js = calloc(1, sizeof(*js));
    if (!js)
        return -ENOMEM;
    sink->own = js;
    js->sink = sink;
    js->fd = -1;
    js->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (js->wake_fd < 0)
        return -errno;
    sl_backoff_init(&js->backoff, RETRY_NS, wants->reconnect_ns);
    make_pattern(js, wants->subject);
    /* What is under way gives way to nothing newer: most of the queue is to be outside of it. */
    uint64_t most = 1 + wants->queue_len / 8192;
    js->in_flight = wants->in_flight < most ? wants->in_flight : (uint32_t)most;
    sigset_t before;
    block_signals(&before);
    natsStatus s = nats_Open(-1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (s == NATS_OK)
        s = set_options(js, wants);
    if (s != NATS_OK) {
        const char *why = nats_GetLastError(NULL);
        sl_sink_fault(sink, "%s%s%s", js->file_error, *js->file_error ? ": " : "", why ? why : natsStatus_GetText(s));
        return -EINVAL;
    }
    return sl_sink_watch(sink, js->wake_fd, EPOLLIN);
}

/* ---- the connection ---- */

static void *dial(void *arg)
{
    struct dial *dial = arg;
    natsStatus s = natsConnection_Connect(&dial->connection, dial->options);
    if (s != NATS_OK) {
        const char *why = nats_GetLastError(NULL);
        snprintf(dial->error, sizeof(dial->error), "%s", why && *why ? why : natsStatus_GetText(s));
    }
    nats_ReleaseThreadMemory();
    uint64_t one = 1;
    dial->ended = true;
    if (write(dial->wake_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        return NULL; /* it is looked at anyway, now and then */
    return NULL;
}

static void begin_dial(struct jetstream *js)
{
    sigset_t before;
    js->dial = calloc(1, sizeof(*js->dial));
    if (!js->dial)
        return;
    js->dial->options = js->options;
    js->dial->wake_fd = js->wake_fd;
    block_signals(&before);
    int rc = pthread_create(&js->dialler, NULL, dial, js->dial);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!rc) {
        js->state = DIALS;
        return;
    }
    free(js->dial);
    js->dial = NULL;
}

static void put_off(struct jetstream *js, enum state state, int64_t now_ns)
{
    sl_backoff_failed(&js->backoff, now_ns);
    js->state = state;
    js->told_silent = false;
    sl_sink_queue_again(&js->sink->queue);
    js->try++;
    js->stale += js->out;
    js->out = 0;
}

static void hang_up(struct jetstream *js, int64_t now_ns)
{
    if (js->connection)
        sl_sink_watch(js->sink, js->fd, 0);
    natsSubscription_Destroy(js->answers);
    natsConnection_Destroy(js->connection);
    natsInbox_Destroy(js->inbox);
    js->answers = NULL;
    js->connection = NULL;
    js->inbox = NULL;
    js->sink->account.peers = 0;
    put_off(js, DOWN, now_ns);
    js->stale = 0;
}

static bool ask(struct jetstream *js, const char *verb, const char *data, size_t len, int64_t now_ns)
{
    char subject[SUBJECT_MAX];
    snprintf(subject, sizeof(subject), "$JS.API.STREAM.%s.%s", verb, js->sink->wants->stream);
    snprintf(js->reply + js->reply_len, sizeof(js->reply) - js->reply_len, "api-%x", js->try);
    js->until_ns = now_ns + ANSWER_NS;
    return natsConnection_PublishRequest(js->connection, subject, js->reply, data, (int)len) == NATS_OK;
}

static void ask_for_stream(struct jetstream *js, int64_t now_ns)
{
    js->state = ASKS;
    if (!ask(js, "INFO", "", 0, now_ns))
        hang_up(js, now_ns);
}

static void make_stream(struct jetstream *js, int64_t now_ns)
{
    char data[2 * SUBJECT_MAX];
    /* Only what must be so; the server fills in the rest, and an operator may change it. */
    int len = snprintf(data, sizeof(data),
                       "{\"name\":\"%s\",\"subjects\":[\"%s\"],\"retention\":\"limits\",\"storage\":\"file\","
                       "\"discard\":\"old\",\"num_replicas\":1,\"max_consumers\":-1,\"max_msgs\":-1,\"max_bytes\":-1,"
                       "\"duplicate_window\":%" PRId64 "}",
                       js->sink->wants->stream, js->pattern, js->sink->wants->outage_ns);
    js->state = MAKES;
    if (!ask(js, "CREATE", data, (size_t)len, now_ns))
        hang_up(js, now_ns);
}

static void end_dial(struct jetstream *js, int64_t now_ns)
{
    struct dial *dial = js->dial;
    natsStatus s = NATS_ERR;
    if (!dial->ended)
        return;
    pthread_join(js->dialler, NULL);
    js->connection = dial->connection;
    if (js->connection) {
        char all[128];
        s = natsInbox_Create(&js->inbox);
        js->reply_len = (size_t)snprintf(js->reply, sizeof(js->reply), "%s.", s == NATS_OK ? js->inbox : "");
        snprintf(all, sizeof(all), "%s*", js->reply);
        if (s == NATS_OK)
            s = natsConnection_SubscribeSync(&js->answers, js->connection, all);
        if (s == NATS_OK)
            s = natsSubscription_SetPendingLimits(js->answers, -1, -1); /* at most one for each message under way */
        snprintf(dial->error, sizeof(dial->error), "%s", natsStatus_GetText(s));
    }
    if (s != NATS_OK) {
        sl_sink_fault(js->sink, "%s", dial->error);
        hang_up(js, now_ns);
    } else {
        js->sink->account.peers = 1;
        js->payload_max = natsConnection_GetMaxPayload(js->connection);
        ask_for_stream(js, now_ns);
    }
    free(dial);
    js->dial = NULL;
}

/* ---- answers ---- */

struct answer {
    bool fine, has_error;
    uint64_t code; /* the API's err_code */
    char description[96];
    bool takes_ours;
    char subject[SUBJECT_MAX]; /* the first of the stream's */
    uint64_t window_ns;
};

/* What is too long is cut.  The server writes > as \u003e; what else it may escape is in no subject and stays. */
static void copy_text(char *to, size_t cap, struct sl_span text)
{
    static const char escaped[] = "\\u003e";
    size_t len = 0;
    for (uint32_t i = 0; i < text.len && len + 1 < cap; i++) {
        bool is_escaped = text.len - i >= sizeof(escaped) - 1 && !memcmp(text.data + i, escaped, sizeof(escaped) - 1);
        to[len++] = is_escaped ? '>' : (char)text.data[i];
        i += is_escaped ? (uint32_t)sizeof(escaped) - 2 : 0;
    }
    to[len] = '\0';
}

static uint64_t read_number(struct sl_json *json)
{
    struct sl_json_string number = { 0 };
    char text[32];
    if (!sl_json_read_scalar(json, &number))
        return 0;
    copy_text(text, sizeof(text), number.text);
    return strtoull(text, NULL, 10);
}

static void read_error(struct sl_json *json, struct answer *answer)
{
    struct sl_json_string name, text;
    answer->has_error = true;
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        if (sl_json_is(name, "err_code"))
            answer->code = read_number(json);
        else if (sl_json_is(name, "description") && sl_json_read_string(json, &text))
            copy_text(answer->description, sizeof(answer->description), text.text);
        else if (!sl_json_is(name, "description"))
            sl_json_skip(json);
    }
}

static void read_config(const struct jetstream *js, struct sl_json *json, struct answer *answer)
{
    struct sl_json_string name, text;
    if (!sl_json_enter(json, SL_JSON_OBJECT))
        return;
    while (sl_json_member(json, &name)) {
        if (sl_json_is(name, "duplicate_window")) {
            answer->window_ns = read_number(json);
        } else if (sl_json_is(name, "subjects") && sl_json_enter(json, SL_JSON_ARRAY)) {
            while (sl_json_element(json))
                if (sl_json_read_string(json, &text)) {
                    char subject[SUBJECT_MAX];
                    copy_text(subject, sizeof(subject), text.text);
                    answer->takes_ours |= covers(subject, js->pattern);
                    if (!*answer->subject)
                        memcpy(answer->subject, subject, sizeof(subject));
                }
        } else if (!sl_json_is(name, "subjects")) {
            sl_json_skip(json);
        }
    }
}

static struct answer read_answer(const struct jetstream *js, struct sl_span text)
{
    struct answer answer = { 0 };
    struct sl_json json;
    struct sl_json_string name;
    sl_json_begin(&json, text);
    if (sl_json_enter(&json, SL_JSON_OBJECT))
        while (sl_json_member(&json, &name)) {
            if (sl_json_is(name, "error"))
                read_error(&json, &answer);
            else if (sl_json_is(name, "config"))
                read_config(js, &json, &answer);
            else
                sl_json_skip(&json);
        }
    answer.fine = sl_json_end(&json) && !answer.has_error;
    return answer;
}

static void check_stream(struct jetstream *js, const struct answer *answer, int64_t now_ns)
{
    const struct sl_config_sink *wants = js->sink->wants;
    if (answer->has_error && answer->code == NO_STREAM && wants->creates && js->state == ASKS) {
        make_stream(js, now_ns);
        return;
    }
    if (answer->has_error && answer->code == NO_STREAM)
        sl_sink_fault(js->sink, "there is no stream %s at the server, and create is false", wants->stream);
    else if (!answer->fine)
        sl_sink_fault(js->sink, "stream %s: %s", wants->stream,
                      *answer->description ? answer->description : "an answer that is none of JetStream");
    else if (!answer->takes_ours)
        sl_sink_fault(js->sink, "stream %s takes '%.48s', not '%.48s': what subject makes would not be in it",
                      wants->stream, answer->subject, js->pattern);
    else if (answer->window_ns < (uint64_t)wants->outage_ns)
        sl_sink_fault(js->sink,
                      "stream %s knows an id for %.0f s only, and outage is %.0f s: raise its duplicate window, or "
                      "bulletins would be there twice",
                      wants->stream, (double)answer->window_ns / 1e9, (double)wants->outage_ns / 1e9);
    else if (js->state == MAKES || js->state == ASKS) {
        if (js->state == MAKES)
            sl_say(SL_SAY_INFO, "sink %s: made stream %s for %s", wants->name, wants->stream, js->pattern);
        js->state = UP;
        js->moved_ns = now_ns;
        return;
    }
    put_off(js, WAITS, now_ns);
}

static void refuse(struct jetstream *js, uint64_t idx, const char *why)
{
    const struct sl_sink_item *item = sl_sink_queue_at(&js->sink->queue, idx);
    if (!item)
        return;
    js->sink->account.refused++;
    sl_sink_fault(js->sink, "bulletin %" PRIu64 " of %u bytes is not taken: %s", item->seq, item->body_len, why);
    sl_sink_queue_arrived(&js->sink->queue, idx);
}

static void hear_stored(struct jetstream *js, uint64_t idx, natsMsg *message, int64_t now_ns)
{
    struct sl_span text = { (const uint8_t *)natsMsg_GetData(message), (uint32_t)natsMsg_GetDataLength(message) };
    struct answer answer = read_answer(js, text);
    js->out -= js->out > 0;
    js->moved_ns = now_ns;
    js->told_silent = false;
    if (answer.fine) {
        sl_backoff_fine(&js->backoff);
        sl_sink_queue_arrived(&js->sink->queue, idx);
    } else if (answer.code == TOO_LONG) {
        refuse(js, idx, answer.description);
    } else {
        sl_sink_fault(js->sink, "stream %s: %s", js->sink->wants->stream,
                      *answer.description ? answer.description : "an answer that is none of JetStream");
        put_off(js, WAITS, now_ns);
    }
}

/* api-TRY, or TRY-INDEX. */
static void hear(struct jetstream *js, natsMsg *message, int64_t now_ns)
{
    const char *about = natsMsg_GetSubject(message) + js->reply_len;
    bool is_api = !strncmp(about, "api-", 4);
    char *end;
    unsigned long try = strtoul(is_api ? about + 4 : about, &end, 16);
    if (try != js->try || (!is_api && *end != '-')) { /* of a try that was given up */
        js->stale -= !is_api && js->stale > 0;
        return;
    }
    if (is_api) {
        struct sl_span text = { (const uint8_t *)natsMsg_GetData(message), (uint32_t)natsMsg_GetDataLength(message) };
        struct answer answer = read_answer(js, text);
        if (js->state == ASKS || js->state == MAKES)
            check_stream(js, &answer, now_ns);
    } else {
        hear_stored(js, strtoull(end + 1, NULL, 16), message, now_ns);
    }
}

/* Nobody listens where we asked or published.  libnats does not say to which of them the server answered so. */
static void hear_nobody(struct jetstream *js, int64_t now_ns)
{
    if (js->state == UP)
        sl_sink_fault(js->sink, "no stream takes '%.64s' any more", js->pattern);
    else if (js->state == WAITS || js->stale) { /* of those that were published before */
        js->stale -= js->stale > 0;
        return;
    } else
        sl_sink_fault(js->sink, "the server has no JetStream for this user; nats-server -js has one");
    put_off(js, WAITS, now_ns);
    js->stale -= js->stale > 0;
}

/* By TLS libnats waits, with its locks held, until a record is whole or has gone: it is not called before. */
static bool is_ready(const struct jetstream *js, short events)
{
    struct pollfd poll_fd = { .fd = js->fd, .events = events };
    return !js->secure || poll(&poll_fd, 1, 0) > 0;
}

static int serve(struct jetstream *js, int64_t now_ns)
{
    natsMsg *message;
    int heard = 0;
    if (is_ready(js, POLLIN))
        natsConnection_ProcessReadEvent(js->connection);
    for (unsigned i = 0; i < ANSWERS_TURN; i++) {
        natsStatus s = natsSubscription_NextMsg(&message, js->answers, 0);
        if (s == NATS_OK) {
            hear(js, message, now_ns);
            natsMsg_Destroy(message);
        } else if (s == NATS_NO_RESPONDERS) {
            hear_nobody(js, now_ns);
        } else {
            break;
        }
        heard = 1;
    }
    if (!natsConnection_IsClosed(js->connection))
        return heard;
    const char *why = NULL;
    natsConnection_GetLastError(js->connection, &why);
    sl_sink_fault(js->sink, "the connection ended: %s", why && *why ? why : "closed by the server");
    hang_up(js, now_ns);
    return 1;
}

/* ---- publishing ---- */

static natsStatus publish_one(struct jetstream *js, const struct sl_sink_item *item)
{
    natsMsg *message = NULL;
    const char *id = item->bytes + strlen(item->bytes) + 1;
    snprintf(js->reply + js->reply_len, sizeof(js->reply) - js->reply_len, "%x-%" PRIx64, js->try,
             js->sink->queue.next);
    natsStatus s = natsMsg_Create(&message, item->bytes, js->reply, sl_sink_item_body(item), (int)item->body_len);
    if (s == NATS_OK)
        s = natsMsgHeader_Set(message, ID_HEADER, id);
    if (s == NATS_OK)
        s = natsConnection_PublishMsg(js->connection, message);
    natsMsg_Destroy(message);
    return s;
}

static int publish(struct jetstream *js, int64_t now_ns)
{
    struct sl_sink *sink = js->sink;
    const struct sl_sink_item *item;
    int went = 0;
    /* One for each answer would cost a write each. */
    if (js->out > js->in_flight - js->in_flight / 4)
        return 0;
    while (js->out < js->in_flight && (item = sl_sink_queue_next(&sink->queue)) &&
           natsConnection_Buffered(js->connection) <= js->buffered_max) {
        natsStatus s = publish_one(js, item);
        if (s == NATS_MAX_PAYLOAD || item->body_len >= js->payload_max) {
            sl_sink_queue_sent(&sink->queue);
            refuse(js, sink->queue.next - 1, "the server's max_payload is less");
            continue;
        }
        if (s != NATS_OK) {
            sl_sink_fault(sink, "publish: %s", natsStatus_GetText(s));
            hang_up(js, now_ns);
            return 1;
        }
        if (!js->out++)
            js->moved_ns = now_ns;
        sl_sink_sent(sink);
        went = 1;
    }
    return went;
}

static void watch_for_silence(struct jetstream *js, int64_t now_ns)
{
    if (!js->out)
        return;
    int64_t silent_ns = now_ns - js->moved_ns;
    if (silent_ns > LOST_NS) {
        put_off(js, WAITS, now_ns);
        return;
    }
    if (silent_ns > SILENT_NS && !js->told_silent) {
        js->told_silent = true;
        sl_sink_fault(js->sink, "stream %s: nothing stored for %.0f s", js->sink->wants->stream, SILENT_NS / 1e9);
    }
    sl_sink_wake_at(js->sink, js->moved_ns + (js->told_silent ? LOST_NS : SILENT_NS) + 1);
}

static int go_on(struct jetstream *js, int64_t now_ns)
{
    switch (js->state) {
    case DOWN:
    case WAITS:
        sl_sink_wake_at(js->sink, js->backoff.due_ns);
        if (now_ns < js->backoff.due_ns)
            return 0;
        if (js->state == DOWN)
            begin_dial(js);
        else
            ask_for_stream(js, now_ns);
        return 0;
    case DIALS:
        end_dial(js, now_ns);
        return 0;
    case ASKS:
    case MAKES:
        sl_sink_wake_at(js->sink, js->until_ns + 1);
        if (now_ns > js->until_ns) {
            sl_sink_fault(js->sink, "no answer about stream %s: it hangs, or the user may not ask $JS.API.STREAM",
                          js->sink->wants->stream);
            put_off(js, WAITS, now_ns);
        }
        return 0;
    case UP:
        watch_for_silence(js, now_ns);
        return js->state == UP ? publish(js, now_ns) : 0;
    }
    return 0;
}

static int poll_bus(struct sl_sink *sink, int64_t now_ns)
{
    struct jetstream *js = sink->own;
    uint64_t woken;
    if (js->state == DIALS && read(js->wake_fd, &woken, sizeof(woken)) < 0 && !js->dial->ended)
        return 0;
    int heard = js->connection ? serve(js, now_ns) : 0;
    int went = go_on(js, now_ns);
    if (js->connection && js->events & EPOLLOUT && is_ready(js, POLLOUT))
        natsConnection_ProcessWriteEvent(js->connection);
    if (js->connection && js->watched != js->events) {
        js->watched = js->events;
        sl_sink_watch(sink, js->fd, js->watched);
    }
    return heard || went;
}

static void fini(struct sl_sink *sink)
{
    struct jetstream *js = sink->own;
    if (!js)
        return;
    if (js->dial) {
        pthread_detach(js->dialler); /* the process ends sooner than it */
        return;
    }
    if (js->connection)
        hang_up(js, 0);
    natsOptions_Destroy(js->options);
    close(js->wake_fd);
    free(js);
}

const struct sl_sink_type sl_sink_jetstream = {
    .name = "jetstream", .init = init, .write = write_message, .poll = poll_bus, .fini = fini
};
