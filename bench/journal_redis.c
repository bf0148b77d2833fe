#include "bench/journal_ways.h"

#include "bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CLIENTS  4u
#define IN_PIPE  64u
#define START_NS 5000000000ll

struct client {
    int fd;
    uint32_t open; /* items that are not acknowledged */
    char last; /* byte that came */
};

static struct {
    char *bytes; /* of IN_PIPE items */
    size_t len;
} batch;

static void make_batch(void)
{
    static const char head[] = "*8\r\n$4\r\nXADD\r\n$4\r\nwire\r\n$6\r\nMAXLEN\r\n$1\r\n~\r\n$5\r\n10000\r\n$1\r\n*\r\n"
                               "$1\r\nd\r\n$2048\r\n";
    size_t one = sizeof(head) - 1 + JOURNAL_RECORD_LEN + 2;
    batch.len = one * IN_PIPE;
    batch.bytes = malloc(batch.len);
    if (!batch.bytes)
        abort();
    for (unsigned i = 0; i < IN_PIPE; i++) {
        char *to = batch.bytes + i * one;
        memcpy(to, head, sizeof(head) - 1);
        memset(to + sizeof(head) - 1, 'x', JOURNAL_RECORD_LEN);
        memcpy(to + one - 2, "\r\n", 2);
    }
}

/* One that is free now. */
static uint16_t free_port(void)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool fine = fd >= 0 && !bind(fd, (struct sockaddr *)&addr, len) && !getsockname(fd, (struct sockaddr *)&addr, &len);
    if (fd >= 0)
        close(fd);
    return fine ? ntohs(addr.sin_port) : 0;
}

static int dial(uint16_t port, int64_t until_ns)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                .sin_port = htons(port) };
    do {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
        if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            return fd;
        }
        close(fd);
        poll(NULL, 0, 5);
    } while (bench_now_ns() < until_ns);
    return -1;
}

static pid_t start_server(const char *folder, uint16_t port)
{
    char text[8];
    snprintf(text, sizeof(text), "%u", port);
    pid_t pid = fork();
    if (pid)
        return pid;
    freopen("/dev/null", "w", stdout);
    execlp("redis-server", "redis-server", "--port", text, "--bind", "127.0.0.1", "--dir", folder, "--save", "",
           "--appendonly", "yes", "--appendfsync", "always", NULL);
    _exit(127);
}

static bool send_batch(struct client *client)
{
    for (size_t at = 0; at < batch.len;) {
        ssize_t put = send(client->fd, batch.bytes + at, batch.len - at, MSG_NOSIGNAL);
        if (put < 0 && errno != EINTR)
            return false;
        at += put > 0 ? (size_t)put : 0;
    }
    client->open += IN_PIPE;
    return true;
}

/* Each answer is one bulk string: its dollar sign is the only one. */
static bool take_answers(struct client *client, uint64_t *done)
{
    char buf[16384];
    ssize_t len = recv(client->fd, buf, sizeof(buf), 0);
    for (ssize_t i = 0; i < len; client->last = buf[i++]) {
        if (buf[i] == '-' && client->last == '\n') /* an error */
            return false;
        if (buf[i] == '$') {
            client->open--;
            ++*done;
        }
    }
    return len > 0;
}

static double run_clients(uint16_t port, int64_t for_ns)
{
    struct client clients[CLIENTS];
    struct pollfd fds[CLIENTS];
    bool fine = true;
    uint64_t done = 0, open = 0;
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){ .fd = dial(port, bench_now_ns() + START_NS), .last = '\n' };
        fds[i] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
        fine &= clients[i].fd >= 0;
    }
    int64_t begin_ns = bench_now_ns();
    for (unsigned i = 0; fine && i < CLIENTS; i++)
        fine = send_batch(&clients[i]);
    do {
        bool more = bench_now_ns() - begin_ns < for_ns;
        fine = fine && poll(fds, CLIENTS, 5000) > 0;
        for (unsigned i = 0; fine && i < CLIENTS; i++) {
            fine = !fds[i].revents || take_answers(&clients[i], &done);
            if (fine && more && !clients[i].open)
                fine = send_batch(&clients[i]);
        }
        open = 0;
        for (unsigned i = 0; i < CLIENTS; i++)
            open += clients[i].open;
    } while (fine && open);
    double rate = (double)(done * JOURNAL_RECORD_LEN) * 1e9 / (double)(bench_now_ns() - begin_ns);
    for (unsigned i = 0; i < CLIENTS; i++)
        if (clients[i].fd >= 0)
            close(clients[i].fd);
    return fine ? rate : -1;
}

double journal_redis(const char *folder, int64_t for_ns)
{
    int status;
    uint16_t port = free_port();
    pid_t pid = port ? start_server(folder, port) : -1;
    if (pid < 0)
        return -1;
    if (!batch.bytes)
        make_batch();
    double rate = -1;
    poll(NULL, 0, 20); /* one that is not installed has gone by then */
    if (!waitpid(pid, &status, WNOHANG)) {
        rate = run_clients(port, for_ns);
        kill(pid, SIGTERM);
        waitpid(pid, &status, 0);
    }
    return rate;
}
