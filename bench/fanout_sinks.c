/* Ours, as a network sees them: the sinks tcp and multicast, each the process that it is, between a tape and its
 * clients.  Records go as they are (binary), what bulletins cost as JSON is another question. */
#include "bench/bench.h"
#include "bench/fanout_tape.h"
#include "pipeline/moldudp64.h"
#include "pipeline/sink.h"
#include "pipeline/sink_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAPE_LEN (16ull << 20)
#define WINDOW   4096u /* messages, as the rings have; half the tape */
#define BUF_LEN  (256u * 1024u)

struct way {
    struct fanout_tape tape;
    struct sockaddr_in addr;
    uint32_t window;
    pid_t sink;
    char folder[64];
};

static uint16_t free_port(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    fanout_need(!bind(fd, (struct sockaddr *)&addr, len) && !getsockname(fd, (struct sockaddr *)&addr, &len));
    close(fd);
    return ntohs(addr.sin_port);
}

/* In a process of its own, as slugline run does it. */
static void start_sink(struct way *way, const struct sl_sink_type *type, const char *wants)
{
    static struct sl_config config;
    char yaml[1024], why[512];
    int len = snprintf(yaml, sizeof(yaml),
                       "tape: {socket: %s}\nfeeds: [{name: wire, lines: [\"udp://127.0.0.1:1\"]}]\n"
                       "sinks: [{name: bench, state: %s, %s}]\n",
                       way->tape.path, way->folder, wants);
    fflush(stdout);
    way->sink = fork();
    fanout_need(way->sink >= 0);
    if (way->sink)
        return;
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    if (sl_config_parse(&config, "bench", yaml, (size_t)len, why, sizeof(why)))
        _exit(2);
    _exit(sl_sink_run(&config, &config.sinks[0], type));
}

static struct way *make_way(struct fanout_job *job)
{
    struct way *way = job->way = aligned_alloc(128, sizeof(*way) / 128 * 128 + 128);
    fanout_tape_make(&way->tape, TAPE_LEN, false);
    fanout_tape_listen(&way->tape);
    snprintf(way->folder, sizeof(way->folder), "/tmp/bench-fanout-XXXXXX");
    fanout_need(mkdtemp(way->folder) != NULL);
    return way;
}

static void publish(struct fanout_job *job)
{
    struct way *way = job->way;
    fanout_tape_serve(&way->tape);
    fanout_tape_publish(&way->tape, job, way->window);
}

static void close_way(struct fanout_job *job)
{
    static const char *const names[] = { "bench.place", "bench.numbers" };
    struct way *way = job->way;
    char path[128];
    int status;
    kill(way->sink, SIGTERM);
    fanout_need(waitpid(way->sink, &status, 0) == way->sink && !status);
    fanout_tape_drop(&way->tape);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", way->folder, names[i]);
        unlink(path);
    }
    rmdir(way->folder);
    free(way);
}

/* ---- tcp ---- */

static void open_tcp(struct fanout_job *job)
{
    struct way *way = make_way(job);
    char wants[128];
    way->addr = (struct sockaddr_in){ .sin_family = AF_INET,
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                      .sin_port = htons(free_port()) };
    way->window = WINDOW;
    snprintf(wants, sizeof(wants), "type: tcp, queue: 16MiB, listen: \":%u\"", ntohs(way->addr.sin_port));
    start_sink(way, &sl_sink_tcp, wants);
}

static void take_frame(struct fanout_sum *sum, const unsigned char *data, uint32_t len)
{
    struct sl_sink_frame frame;
    memcpy(&frame, data, sizeof(frame));
    fanout_need(frame.magic == SL_SINK_FRAME_MAGIC && frame.len == len && frame.kind == SL_KIND_NEWS);
    fanout_take_bulletin(sum, data + sizeof(frame));
}

static uint32_t frame_len(const unsigned char *data)
{
    uint32_t len;
    memcpy(&len, data, sizeof(len));
    return len;
}

static void subscribe_tcp(struct fanout_job *job, uint32_t idx)
{
    static const char hello[] = "binary from=oldest\n";
    static _Alignas(64) unsigned char buf[BUF_LEN];
    const struct way *way = job->way;
    int fd = -1;
    size_t len = 0;
    while (fd < 0) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (!connect(fd, (const struct sockaddr *)&way->addr, sizeof(way->addr)))
            break;
        close(fd);
        fd = -1;
        sched_yield();
    }
    fanout_need(send(fd, hello, sizeof(hello) - 1, 0) == (ssize_t)sizeof(hello) - 1);
    struct fanout_sum *sum = fanout_ready(job, idx);
    while (sum->cnt < job->cnt) {
        ssize_t got = recv(fd, buf + len, sizeof(buf) - len, 0);
        fanout_need(got > 0);
        len += (size_t)got;
        size_t at = 0;
        for (; len - at >= 4 && len - at >= frame_len(buf + at); at += frame_len(buf + at))
            take_frame(sum, buf + at, frame_len(buf + at));
        memmove(buf, buf + at, len -= at);
    }
    fanout_done(job, idx);
}

const struct bench_fanout bench_fanout_sink_tcp = {
    "slugline tcp", false, open_tcp, publish, subscribe_tcp, close_way
};

/* ---- multicast ---- */

static void open_multicast(struct fanout_job *job)
{
    struct way *way = make_way(job);
    char wants[256], text[INET_ADDRSTRLEN];
    fanout_group(&way->addr);
    way->window = fanout_window();
    inet_ntop(AF_INET, &way->addr.sin_addr, text, sizeof(text));
    snprintf(wants, sizeof(wants), "type: multicast, shape: binary, rate: 100GiB, group: \"%s:%u\"", text,
             ntohs(way->addr.sin_port));
    start_sink(way, &sl_sink_multicast, wants);
}

static void take_packet(struct fanout_sum *sum, const unsigned char *data, uint32_t len)
{
    struct sl_mold header = { 0 };
    uint32_t off = SL_MOLD_HEADER_LEN, message_len = 0;
    const uint8_t *message = NULL;
    fanout_need(sl_mold_read(&header, data, len));
    for (uint32_t i = 0; i < sl_mold_message_cnt(&header); i++) {
        fanout_need(sl_mold_next(data, len, &off, &message, &message_len));
        take_frame(sum, message, message_len);
    }
}

static void subscribe_multicast(struct fanout_job *job, uint32_t idx)
{
    const struct way *way = job->way;
    fanout_hear(fanout_join(&way->addr), job, idx, take_packet);
}

const struct bench_fanout bench_fanout_sink_multicast = { "slugline multicast", false,    open_multicast, publish,
                                                          subscribe_multicast,  close_way };
