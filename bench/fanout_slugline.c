/* Ours: the log alone, read in private copies that are proved whole; and the tape as a program reads it, by
 * libslugline, which has joined by the socket, checks every bulletin, and gates. */
#include "bench/bench.h"
#include "bench/fanout.h"
#include "pipeline/client.h"
#include "pipeline/handout.h"
#include "ring/log.h"
#include "ring/mem.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TAPE_LEN (8ull << 20) /* 4096 messages */
#define EPOCH    1u
#define BATCH    32u /* as the desk's rounds: looks at its readers once in so many */

struct way {
    struct sl_mem tape, seats[FANOUT_READERS_MAX];
    struct sl_log_tx tx;
    /* the supervisor's side of libslugline */
    char path[64];
    int listen_fd, stop_fd, conns[FANOUT_READERS_MAX];
    pthread_t server;
    uint32_t seated;
};

static void need(bool fine)
{
    if (!fine) {
        perror("bench_fanout");
        abort();
    }
}

static struct way *make_tape(struct fanout_job *job)
{
    struct sl_log_config config = { .bytes_len = TAPE_LEN, .epoch = EPOCH, .first_seq = 1 };
    struct way *way = aligned_alloc(128, (sizeof(*way) + 127) / 128 * 128);
    memset(way, 0, sizeof(*way));
    need(!sl_mem_create(&way->tape, "bench-tape", sl_log_footprint(&config), 0));
    need(!sl_log_new(way->tape.addr, &config) && !sl_log_join_tx(&way->tx, way->tape.addr));
    for (uint32_t i = 0; i < job->reader_cnt; i++)
        need(!sl_mem_create(&way->seats[i], "bench-seat", sizeof(struct sl_seat), 0));
    job->way = way;
    return way;
}

static void drop_tape(struct fanout_job *job)
{
    struct way *way = job->way;
    for (uint32_t i = 0; i < job->reader_cnt; i++)
        sl_mem_close(&way->seats[i]);
    sl_mem_close(&way->tape);
    free(way);
}

static void publish(struct fanout_job *job)
{
    struct way *way = job->way;
    fanout_await(job);
    for (uint32_t i = 0; i < job->reader_cnt; i++)
        sl_log_attach(&way->tx, i, way->seats[i].addr, true);
    sl_log_poll_gates(&way->tx);
    for (uint64_t number = 1; number <= job->cnt; number++) {
        void *claimed;
        while (!(claimed = sl_log_claim(&way->tx, FANOUT_SIZE, 0)))
            sched_yield();
        fanout_make(claimed, number);
        sl_log_publish(&way->tx, FANOUT_SIZE);
        if (number % BATCH == 0)
            need(!sl_log_sleepers(&way->tx));
    }
}

/* ---- the log alone ---- */

static void open_log(struct fanout_job *job) { make_tape(job); }

static void subscribe_log(struct fanout_job *job, uint32_t idx)
{
    struct way *way = job->way;
    struct sl_seat *seat = way->seats[idx].addr;
    struct sl_log_rx rx;
    _Alignas(64) unsigned char copy[FANOUT_SIZE];
    need(!sl_log_join_rx(&rx, way->tape.addr, way->tape.len));
    struct fanout_sum *sum = fanout_ready(job, idx);
    uint64_t done = 0;
    while (sum->cnt < job->cnt) {
        int got = sl_log_next(&rx, copy, sizeof(copy));
        need(got == SL_LOG_RECORD || got == SL_LOG_NONE);
        if (got == SL_LOG_RECORD)
            fanout_take(sum, copy);
        if (sum->cnt - done >= BATCH || (got == SL_LOG_NONE && done != sum->cnt)) {
            done = sum->cnt;
            sl_seat_done(seat, done);
        }
        if (got == SL_LOG_NONE)
            sched_yield();
    }
    sl_seat_done(seat, sum->cnt);
    fanout_done(job, idx);
}

const struct bench_fanout bench_fanout_log = { "slugline log", open_log, publish, subscribe_log, drop_tape };

/* ---- libslugline ---- */

static void welcome(struct way *way, uint32_t idx)
{
    char buf[256] = "";
    struct sl_welcome *welcome = (struct sl_welcome *)buf;
    struct sl_hello hello;
    need(recv(way->conns[idx], &hello, sizeof(hello), 0) == (ssize_t)sizeof(hello));
    *welcome = (struct sl_welcome){
        .magic = SL_HANDOUT_MAGIC, .version = SL_HANDOUT_VERSION, .epoch = EPOCH, .seat_idx = idx, .feed_cnt = 1
    };
    memcpy(welcome->feeds, "wire", 5);
    need(!sl_mem_seal(&way->seats[idx], true));
    int fds[] = { way->tape.fd, way->tape.fd, way->seats[idx].fd }; /* nobody looks at books here */
    need(!sl_mem_send(way->conns[idx], buf, sizeof(*welcome) + 5, fds, 3));
}

static void *serve(void *arg)
{
    struct fanout_job *job = arg;
    struct way *way = job->way;
    for (uint32_t i = 0; i < job->reader_cnt; i++) {
        way->conns[i] = accept4(way->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        need(way->conns[i] >= 0);
        welcome(way, i);
        way->seated++;
    }
    return NULL;
}

static void open_client(struct fanout_job *job)
{
    struct way *way = make_tape(job);
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    need(!sl_mem_seal(&way->tape, false));
    snprintf(way->path, sizeof(way->path), "/tmp/bench-fanout-%d.sock", getpid());
    memcpy(addr.sun_path, way->path, strlen(way->path));
    way->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    unlink(way->path);
    need(way->listen_fd >= 0 && !bind(way->listen_fd, (struct sockaddr *)&addr, sizeof(addr)) &&
         !listen(way->listen_fd, 8));
}

static void publish_client(struct fanout_job *job)
{
    struct way *way = job->way;
    need(!pthread_create(&way->server, NULL, serve, job));
    publish(job);
    pthread_join(way->server, NULL);
}

static void close_client(struct fanout_job *job)
{
    struct way *way = job->way;
    for (uint32_t i = 0; i < way->seated; i++)
        close(way->conns[i]);
    close(way->listen_fd);
    unlink(way->path);
    drop_tape(job);
}

static void subscribe(struct fanout_job *job, uint32_t idx, bool peeks)
{
    const struct way *way = job->way;
    struct sl_reader_options options = {
        .size = sizeof(options), .socket = way->path, .gating = 1, .from = SL_FROM_OLDEST
    };
    struct sl_reader *reader;
    struct sl_event event;
    need(!sl_reader_open(&reader, &options));
    struct fanout_sum *sum = fanout_ready(job, idx);
    while (sum->cnt < job->cnt) {
        int rc = peeks ? sl_reader_peek(reader, &event, 0) : sl_reader_next(reader, &event, 0);
        need(!rc && (event.type == SL_EVENT_BULLETIN || event.type == SL_EVENT_NONE));
        if (event.type == SL_EVENT_BULLETIN) { /* header and bulletin: a copy, or as they lie on the tape */
            fanout_take(sum, (const struct sl_record *)(const void *)event.bulletin - 1);
            need(!peeks || sl_reader_still_whole(reader) == 1);
        }
        if (sum->cnt && (sum->cnt % BATCH == 0 || event.type == SL_EVENT_NONE))
            need(!sl_reader_done(reader, sum->cnt));
        if (event.type == SL_EVENT_NONE)
            sched_yield();
    }
    need(!sl_reader_done(reader, sum->cnt));
    fanout_done(job, idx);
    sl_reader_close(reader);
}

static void subscribe_client(struct fanout_job *job, uint32_t idx) { subscribe(job, idx, false); }
static void subscribe_peek(struct fanout_job *job, uint32_t idx) { subscribe(job, idx, true); }

const struct bench_fanout bench_fanout_client = { "libslugline", open_client, publish_client, subscribe_client,
                                                  close_client };
const struct bench_fanout bench_fanout_peek = { "libslugline, in place", open_client, publish_client, subscribe_peek,
                                                close_client };
