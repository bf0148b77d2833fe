/* NATS core: a nats-server of this run's own, whose limits are raised so that it drops nobody, and its C client. */
#include "bench/bench.h"
#include "bench/fanout_tape.h"

#include <nats/nats.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SUBJECT "bench.fanout"
#define PORT    (20000 + getpid() % 20000)

struct way {
    char url[64], config[64];
    pid_t server;
};

static void need(natsStatus status)
{
    if (status != NATS_OK) {
        fprintf(stderr, "bench_fanout: nats: %s\n", natsStatus_GetText(status));
        abort();
    }
}

static void open_way(struct fanout_job *job)
{
    struct way *way = job->way = calloc(1, sizeof(*way));
    snprintf(way->url, sizeof(way->url), "nats://127.0.0.1:%d", PORT);
    snprintf(way->config, sizeof(way->config), "/tmp/bench-fanout-%d.nats", getpid());
    FILE *config = fopen(way->config, "w");
    fanout_need(config != NULL);
    fprintf(config, "host: 127.0.0.1\nport: %d\nmax_pending: 4GB\nwrite_deadline: \"60s\"\n", PORT);
    fanout_need(!fclose(config));
    fflush(stdout);
    way->server = fork();
    fanout_need(way->server >= 0);
    if (!way->server) {
        execlp(BENCH_NATS_SERVER, "nats-server", "-c", way->config, "-l", "/dev/null", (char *)NULL);
        _exit(127);
    }
}

static natsConnection *dial(const struct way *way)
{
    natsConnection *connection = NULL;
    natsOptions *options = NULL;
    need(natsOptions_Create(&options));
    need(natsOptions_SetURL(options, way->url));
    for (int64_t end_ns = bench_now_ns() + 10000000000ll;;) {
        natsStatus status = natsConnection_Connect(&connection, options);
        if (status == NATS_OK)
            break;
        if (bench_now_ns() > end_ns)
            need(status);
        sched_yield();
    }
    natsOptions_Destroy(options);
    return connection;
}

static void publish(struct fanout_job *job)
{
    static char message[FANOUT_SIZE];
    natsConnection *connection = dial(job->way);
    fanout_await(job);
    for (uint64_t number = 1; number <= job->cnt; number++) {
        fanout_make(message, number);
        need(natsConnection_Publish(connection, SUBJECT, message, sizeof(message)));
    }
    need(natsConnection_Flush(connection));
    natsConnection_Destroy(connection);
}

static void subscribe(struct fanout_job *job, uint32_t idx)
{
    static _Alignas(64) unsigned char message[FANOUT_SIZE];
    natsConnection *connection = dial(job->way);
    natsSubscription *subscription = NULL;
    natsMsg *got = NULL;
    need(natsConnection_SubscribeSync(&subscription, connection, SUBJECT));
    need(natsSubscription_SetPendingLimits(subscription, -1, -1));
    need(natsConnection_Flush(connection)); /* the server knows it */
    struct fanout_sum *sum = fanout_ready(job, idx);
    while (sum->cnt < job->cnt) {
        need(natsSubscription_NextMsg(&got, subscription, 30000));
        fanout_need(natsMsg_GetDataLength(got) == (int)FANOUT_SIZE);
        memcpy(message, natsMsg_GetData(got), sizeof(message)); /* which is not aligned */
        natsMsg_Destroy(got);
        fanout_take(sum, message);
    }
    fanout_done(job, idx);
    natsConnection_Destroy(connection);
}

static void close_way(struct fanout_job *job)
{
    struct way *way = job->way;
    int status;
    kill(way->server, SIGTERM);
    fanout_need(waitpid(way->server, &status, 0) == way->server);
    unlink(way->config);
    free(way);
}

const struct bench_fanout bench_fanout_nats = { "nats core", true, open_way, publish, subscribe, close_way };
