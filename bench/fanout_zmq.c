/* ZeroMQ PUB/SUB, without loss: XPUB waits for whoever is behind (XPUB_NODROP), and begins when all have subscribed. */
#include "bench/bench.h"
#include "bench/fanout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#define QUEUE 4096 /* messages, as the rings have */

struct way {
    char url[64];
    void *context, *socket;
};

static void need(bool fine)
{
    if (!fine) {
        fprintf(stderr, "bench_fanout: zeromq: %s\n", zmq_strerror(zmq_errno()));
        abort();
    }
}

static void open_ipc(struct fanout_job *job)
{
    struct way *way = calloc(1, sizeof(*way));
    snprintf(way->url, sizeof(way->url), "ipc:///tmp/bench-fanout-%d.zmq", getpid());
    job->way = way;
}

static void open_tcp(struct fanout_job *job)
{
    struct way *way = calloc(1, sizeof(*way));
    snprintf(way->url, sizeof(way->url), "tcp://127.0.0.1:%d", 20000 + getpid() % 20000);
    job->way = way;
}

static void set(void *socket, int option, int value) { need(!zmq_setsockopt(socket, option, &value, sizeof(value))); }

static void publish(struct fanout_job *job)
{
    struct way *way = job->way;
    char message[FANOUT_SIZE];
    way->context = zmq_ctx_new();
    way->socket = zmq_socket(way->context, ZMQ_XPUB);
    need(way->socket);
    set(way->socket, ZMQ_SNDHWM, QUEUE);
    set(way->socket, ZMQ_XPUB_NODROP, 1);
    set(way->socket, ZMQ_XPUB_VERBOSE, 1);
    need(!zmq_bind(way->socket, way->url));
    for (uint32_t i = 0; i < job->reader_cnt; i++)
        need(zmq_recv(way->socket, message, sizeof(message), 0) > 0); /* a subscription */
    fanout_await(job);
    for (uint64_t number = 1; number <= job->cnt; number++) {
        fanout_make(message, number);
        need(zmq_send(way->socket, message, sizeof(message), 0) == (int)sizeof(message));
    }
}

static void subscribe(struct fanout_job *job, uint32_t idx)
{
    const struct way *way = job->way;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_SUB);
    zmq_msg_t message;
    need(socket);
    set(socket, ZMQ_RCVHWM, QUEUE);
    set(socket, ZMQ_RECONNECT_IVL, 1);
    need(!zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "", 0));
    need(!zmq_connect(socket, way->url));
    struct fanout_sum *sum = fanout_ready(job, idx);
    zmq_msg_init(&message);
    while (sum->cnt < job->cnt) {
        need(zmq_msg_recv(&message, socket, 0) == (int)FANOUT_SIZE);
        fanout_take(sum, zmq_msg_data(&message));
    }
    zmq_msg_close(&message);
    fanout_done(job, idx);
    set(socket, ZMQ_LINGER, 0);
    zmq_close(socket);
    zmq_ctx_term(context);
}

static void close_way(struct fanout_job *job)
{
    struct way *way = job->way;
    set(way->socket, ZMQ_LINGER, 0);
    zmq_close(way->socket);
    zmq_ctx_term(way->context);
    free(way);
}

const struct bench_fanout bench_fanout_zmq_ipc = { "zeromq ipc", true, open_ipc, publish, subscribe, close_way };
const struct bench_fanout bench_fanout_zmq_tcp = { "zeromq tcp", true, open_tcp, publish, subscribe, close_way };
