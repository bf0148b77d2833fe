/* bench/bench_queues - what does the jetstream sink cost, beside libnats alone that publishes the same messages?
 *
 *   bench_queues [--quick] [--rounds N]
 *
 * Both publish without waiting, with 1,024 messages under way, into a stream on disk of a nats-server of this run's
 * own.  The sink is the process that it is: it reads bulletins of 2 KB off a tape and makes their JSON; the bare
 * publisher has its JSON ready.  A rate is from the first message until the stream says that it has all.  Ways take
 * turns within a round, and the ratio is taken within it.
 */
#include "bench/bench.h"
#include "bench/fanout_tape.h"

#include "parsers/bulletin.h"
#include "parsers/parse.h"
#include "pipeline/record.h"
#include "pipeline/sink.h"
#include "pipeline/sink_name.h"

#include <fcntl.h>
#include <nats/nats.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CNT      16384u /* less than the tape holds: nothing is overwritten before it is read */
#define WARM     1024u /* of them, before it counts: connections are up by then */
#define TAPE_LEN (64ull << 20)
#define PENDING  1024
#define GOAL     0.9

static _Alignas(64) unsigned char model[FANOUT_SIZE];
static char folder[64], url[64];
static int64_t begin_ns;
static uint64_t base; /* of the numbers on the tape */
static pid_t sink_pid;

static void need(natsStatus status)
{
    if (status != NATS_OK) {
        fprintf(stderr, "bench_queues: nats: %s\n", natsStatus_GetText(status));
        abort();
    }
}

/* ---- messages: each a story of its own, so that the stream keeps it ---- */

void fanout_make(void *message, uint64_t number)
{
    memcpy(message, model, sizeof(model));
    ((struct sl_bulletin *)(void *)((unsigned char *)message + sizeof(struct sl_record)))->version_hash = base + number;
}

uint64_t fanout_least(const struct fanout_job *job) { return job->cnt; } /* no window: the tape holds them all */
void fanout_await(struct fanout_job *job)
{
    (void)job;
    begin_ns = bench_now_ns();
}
struct fanout_sum *fanout_ready(struct fanout_job *job, uint32_t idx) /* of ways that are not asked here */
{
    (void)job, (void)idx;
    abort();
}
void fanout_done(struct fanout_job *job, uint32_t idx) { (void)job, (void)idx; }

/* ---- the server ---- */

static pid_t start_server(void)
{
    char port[16], store[80];
    snprintf(folder, sizeof(folder), "/tmp/bench-queues-XXXXXX");
    fanout_need(mkdtemp(folder) != NULL);
    snprintf(port, sizeof(port), "%d", 20000 + getpid() % 10000);
    snprintf(store, sizeof(store), "%s/store", folder);
    snprintf(url, sizeof(url), "nats://127.0.0.1:%s", port);
    fflush(stdout);
    pid_t pid = fork();
    fanout_need(pid >= 0);
    if (pid)
        return pid;
    execlp(BENCH_NATS_SERVER, "nats-server", "-js", "-sd", store, "-a", "127.0.0.1", "-p", port, "-l", "/dev/null",
           (char *)NULL);
    _exit(127);
}

static natsConnection *dial(void)
{
    natsConnection *connection = NULL;
    for (int64_t end_ns = bench_now_ns() + 10000000000ll; natsConnection_ConnectTo(&connection, url) != NATS_OK;) {
        fanout_need(bench_now_ns() < end_ns);
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    }
    return connection;
}

static uint64_t stored(jsCtx *js)
{
    jsStreamInfo *info = NULL;
    if (js_GetStreamInfo(&info, js, "BENCH", NULL, NULL) != NATS_OK)
        return 0;
    uint64_t cnt = info->State.Msgs;
    jsStreamInfo_Destroy(info);
    return cnt;
}

static double await_stored(jsCtx *js, uint64_t cnt)
{
    while (stored(js) < cnt) {
        fanout_need(bench_now_ns() - begin_ns < 60000000000ll);
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    }
    fanout_need(stored(js) == cnt);
    return (CNT - WARM) * 1e9 / (double)(bench_now_ns() - begin_ns);
}

static void make_stream(jsCtx *js)
{
    static const char *subjects[] = { "bench.*" };
    jsStreamConfig config;
    need(jsStreamConfig_Init(&config));
    config.Name = "BENCH";
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Duplicates = 3600ll * 1000000000;
    js_DeleteStream(js, "BENCH", NULL, NULL);
    need(js_AddStream(NULL, js, &config, NULL, NULL));
}

/* ---- ways ---- */

static double run_bare(jsCtx *asks)
{
    static char json[4 * FANOUT_SIZE];
    natsConnection *connection = dial();
    jsCtx *js = NULL;
    jsOptions options;
    struct sl_event event = { .type = SL_EVENT_BULLETIN, .feed = "wire", .kind = SL_KIND_NEWS, .lane = 2, .epoch = 1 };
    event.bulletin = (const struct sl_bulletin *)(const void *)(model + sizeof(struct sl_record));
    size_t len = sl_event_json(json, sizeof(json), &event);
    need(jsOptions_Init(&options));
    options.PublishAsync.MaxPending = PENDING;
    options.PublishAsync.StallWait = 10000;
    need(natsConnection_JetStream(&js, connection, &options));
    begin_ns = bench_now_ns();
    for (uint64_t number = 1; number <= CNT; number++) {
        if (number == WARM + 1) {
            await_stored(asks, WARM);
            begin_ns = bench_now_ns();
        }
        char id[SL_SINK_HASH_LEN + 1];
        natsMsg *message = NULL;
        snprintf(id, sizeof(id), "%016lx-%016lx", number, number);
        need(natsMsg_Create(&message, "bench.normal", NULL, json, (int)len));
        need(natsMsgHeader_Set(message, "Nats-Msg-Id", id));
        need(js_PublishMsgAsync(js, &message, NULL));
    }
    need(js_PublishAsyncComplete(js, NULL));
    double rate = await_stored(asks, CNT);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
    return rate;
}

static void start_sink(const struct fanout_tape *tape)
{
    static struct sl_config config;
    char yaml[1024], why[512];
    int len =
        snprintf(yaml, sizeof(yaml),
                 "tape: {socket: %s}\nfeeds: [{name: wire, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: bench,"
                 " state: %s, type: jetstream, url: \"%s\", stream: BENCH, subject: 'bench.{lane}', in_flight: %d}]\n",
                 tape->path, folder, url, PENDING);
    fflush(stdout);
    sink_pid = fork();
    fanout_need(sink_pid >= 0);
    if (sink_pid)
        return;
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    if (sl_config_parse(&config, "bench", yaml, (size_t)len, why, sizeof(why)))
        _exit(2);
    _exit(sl_sink_run(&config, &config.sinks[0], &sl_sink_jetstream));
}

/* The sink is forked before libnats has threads in this process. */
static double run_sink(void)
{
    static struct fanout_tape tape;
    struct fanout_job warm = { .cnt = WARM }, job = { .cnt = CNT - WARM };
    char place[96];
    int status;
    memset(&tape, 0, sizeof(tape));
    fanout_tape_make(&tape, TAPE_LEN, false);
    fanout_tape_listen(&tape);
    start_sink(&tape);
    fanout_tape_serve(&tape);
    natsConnection *connection = dial();
    jsCtx *js = NULL;
    need(natsConnection_JetStream(&js, connection, NULL));
    while (!__atomic_load_n(&tape.seated, __ATOMIC_RELAXED))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    base = 0;
    fanout_tape_publish(&tape, &warm, 0);
    await_stored(js, WARM);
    base = WARM;
    fanout_tape_publish(&tape, &job, 0);
    double rate = await_stored(js, CNT);
    kill(sink_pid, SIGTERM);
    fanout_need(waitpid(sink_pid, &status, 0) == sink_pid && !status);
    fanout_tape_drop(&tape);
    snprintf(place, sizeof(place), "%s/bench.place", folder);
    unlink(place);
    jsCtx_Destroy(js);
    natsConnection_Destroy(connection);
    return rate;
}

/* Each run in a process of its own, so that none inherits another's threads. */
static double run(bool bare)
{
    int pipes[2], status;
    double rate = 0;
    fanout_need(!pipe(pipes));
    fflush(stdout);
    pid_t pid = fork();
    fanout_need(pid >= 0);
    if (!pid) {
        natsConnection *connection = NULL;
        jsCtx *js = NULL;
        pid_t maker = fork();
        if (!maker || bare) {
            connection = dial();
            need(natsConnection_JetStream(&js, connection, NULL));
        }
        if (!maker) {
            make_stream(js);
            _exit(0);
        }
        fanout_need(waitpid(maker, &status, 0) == maker && !status);
        rate = bare ? run_bare(js) : run_sink();
        _exit(write(pipes[1], &rate, sizeof(rate)) != (ssize_t)sizeof(rate));
    }
    fanout_need(waitpid(pid, &status, 0) == pid && !status);
    fanout_need(read(pipes[0], &rate, sizeof(rate)) == (ssize_t)sizeof(rate));
    close(pipes[0]);
    close(pipes[1]);
    return rate;
}

static void print_case(const char *who, const char *unit, const double *values, uint32_t cnt, const char *goal)
{
    struct bench_stat stat = bench_stat_of(values, cnt);
    printf("{\"case\":\"2 KB into JetStream\",\"who\":\"%s\",\"unit\":\"%s\",\"median\":%.3f,\"min\":%.3f,\"max\":%.3f,"
           "\"samples\":%u%s}\n",
           who, unit, stat.median, stat.min, stat.max, stat.cnt, goal);
}

int main(int argc, char **argv)
{
    static double bare[BENCH_SAMPLES_MAX], ours[BENCH_SAMPLES_MAX], ratio[BENCH_SAMPLES_MAX];
    uint32_t rounds = 9;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--quick")) {
            rounds = 5;
        } else if (!strcmp(argv[i], "--rounds") && i + 1 < argc) {
            rounds = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else {
            fputs("usage: bench_queues [--quick] [--rounds N]\n", stderr);
            return 2;
        }
    }
    rounds = rounds < BENCH_SAMPLES_MAX ? rounds : BENCH_SAMPLES_MAX;
    bench_print_machine("bench_queues", "2 KB bulletins into a JetStream stream; beside libnats alone");
    fanout_model(model);
    pid_t server = start_server();
    char remove[96], goal[32];
    run(true); /* the first finds everything cold */
    for (uint32_t i = 0; i < rounds; i++) {
        bool bare_first = i % 2;
        double first = run(bare_first), second = run(!bare_first);
        bare[i] = (bare_first ? first : second) / 1e3;
        ours[i] = (bare_first ? second : first) / 1e3;
        ratio[i] = ours[i] / bare[i];
    }
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    snprintf(remove, sizeof(remove), "rm -rf '%s'", folder);
    fanout_need(!system(remove));
    snprintf(goal, sizeof(goal), ",\"goal\":%g", GOAL);
    print_case("libnats alone", "k messages/s", bare, rounds, "");
    print_case("slugline jetstream", "k messages/s", ours, rounds, "");
    print_case("slugline jetstream", "times libnats alone", ratio, rounds, goal);
    return 0;
}
