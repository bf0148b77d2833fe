#include "bench/journal_ways.h"

#include "bench/bench.h"
#include "pipeline/visit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE_LEN 2048u
#define START_NS    10000000000ll
#define STALL_NS    20000000000ll

struct pipeline {
    pid_t daemon;
    int line;
    char socket[256];
    struct sl_visit visit;
    struct sl_mem mem;
    struct sl_books books;
};

static struct {
    char *bytes;
    uint32_t cnt;
} wire;

/* IPTC 7901, each with a number of its own in its service. */
static void make_wire(uint32_t cnt)
{
    if (wire.cnt == cnt)
        return;
    free(wire.bytes);
    wire.bytes = malloc((size_t)cnt * MESSAGE_LEN + 1);
    if (!wire.bytes)
        abort();
    for (uint32_t i = 0; i < cnt; i++) {
        char *to = wire.bytes + (size_t)i * MESSAGE_LEN;
        uint32_t set = i / 9999, number = i % 9999 + 1;
        int head =
            snprintf(to, MESSAGE_LEN,
                     "\001s%c%c%04u 4 i 300  tst %03u\r\n\r\nHarbour/\r\n\002Talks on the harbour go on =\r\n\r\n"
                     "   Testville (tst) - ",
                     'a' + (char)(set / 26 % 26), 'a' + (char)(set % 26), number, number % 1000);
        static const char tail[] = "\r\n\003261200 GMT Nov 26\r\n\177\n\177\004";
        size_t end = MESSAGE_LEN - (sizeof(tail) - 1);
        for (size_t at = (size_t)head, col = 0; at < end; at++, col++)
            to[at] = col % 70 == 69 && at + 2 < end ? '\n' : col % 7 == 6 ? ' ' : (char)('a' + (at * 7 + i) % 26);
        memcpy(to + end, tail, sizeof(tail) - 1);
    }
    wire.cnt = cnt;
}

static bool write_config(const char *path, const char *folder, const struct pipeline *pipeline, uint16_t port,
                         bool with_journal)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    fprintf(file, "node: bench\ntape: {name: bench, size: 256MiB, raw: 256MiB, socket: \"%s\"}\n", pipeline->socket);
    if (with_journal)
        fprintf(file, "journal: {directory: \"%s/journal\", segment: 64MiB, size: 512MiB}\n", folder);
    fprintf(file, "feeds:\n  - {name: wire, format: iptc7901, lines: [\"tcp-listen://127.0.0.1:%u\"]}\n", port);
    return !fclose(file);
}

/* A port that nobody dials from; the daemon listens there at once. */
static uint16_t some_port(void)
{
    static uint16_t next;
    next = next ? next + 1 : (uint16_t)(20000 + getpid() % 10000);
    return next;
}

static int dial(uint16_t port, int64_t until_ns)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons(port) };
    do {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
            return fd;
        close(fd);
        poll(NULL, 0, 10);
    } while (bench_now_ns() < until_ns);
    return -1;
}

static bool begin(struct pipeline *pipeline, const char *program, const char *folder, bool with_journal)
{
    char config[4096];
    uint16_t port = some_port();
    int64_t until_ns = bench_now_ns() + START_NS;
    snprintf(pipeline->socket, sizeof(pipeline->socket), "%s/s", folder);
    snprintf(config, sizeof(config), "%s/yaml", folder);
    if (!write_config(config, folder, pipeline, port, with_journal))
        return false;
    pipeline->daemon = fork();
    if (!pipeline->daemon) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, STDERR_FILENO);
        execl(program, program, "run", "-c", config, NULL);
        _exit(127);
    }
    int rc = -1;
    while (pipeline->daemon > 0 && bench_now_ns() < until_ns &&
           (rc = sl_visit_open(&pipeline->visit, pipeline->socket, SL_HELLO_STATUS_ONLY, "bench")))
        poll(NULL, 0, 10);
    if (rc || sl_visit_books(&pipeline->visit, &pipeline->mem, &pipeline->books))
        return false;
    pipeline->line = dial(port, until_ns);
    return pipeline->line >= 0;
}

static void end(struct pipeline *pipeline)
{
    int status;
    if (pipeline->line >= 0)
        close(pipeline->line);
    if (pipeline->mem.addr)
        sl_mem_close(&pipeline->mem);
    sl_visit_close(&pipeline->visit);
    if (pipeline->daemon <= 0)
        return;
    kill(pipeline->daemon, SIGTERM);
    waitpid(pipeline->daemon, &status, 0);
}

static uint64_t done_of(const struct pipeline *pipeline, bool with_journal)
{
    const sl_cell *tape = sl_books_tape(&pipeline->books);
    uint64_t seq = sl_cell_get(&tape[with_journal ? SL_TAPE_DURABLE_SEQ : SL_TAPE_LAST_SEQ]);
    uint64_t published = sl_cell_get(&tape[SL_TAPE_PASSED]);
    return seq < published ? seq : published;
}

/* As fast as the line takes them, until the last is on the tape, and on the disk where there is a journal. */
static double run(struct pipeline *pipeline, bool with_journal, uint32_t cnt)
{
    int64_t begin_ns = bench_now_ns(), moved_ns = begin_ns;
    size_t len = (size_t)cnt * MESSAGE_LEN;
    for (size_t at = 0; at < len;) {
        ssize_t put = send(pipeline->line, wire.bytes + at, len - at < 65536 ? len - at : 65536, MSG_NOSIGNAL);
        if (put < 0 && errno != EINTR)
            return -1;
        at += put > 0 ? (size_t)put : 0;
    }
    uint64_t done = 0;
    while (done < cnt) {
        uint64_t now = done_of(pipeline, with_journal);
        if (now != done)
            moved_ns = bench_now_ns();
        else if (bench_now_ns() - moved_ns > STALL_NS)
            return -1;
        done = now;
        poll(NULL, 0, 1);
    }
    return (double)cnt * 1e9 / (double)(bench_now_ns() - begin_ns);
}

double journal_pipeline(const char *program, const char *folder, bool with_journal, uint32_t cnt)
{
    static struct pipeline pipeline;
    pipeline = (struct pipeline){ .line = -1, .visit.sock = -1 };
    make_wire(cnt);
    double rate = begin(&pipeline, program, folder, with_journal) ? run(&pipeline, with_journal, cnt) : -1;
    end(&pipeline);
    return rate;
}
