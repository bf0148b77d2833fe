/* Nothing is allocated after the start: runs the true walk on its threads over loopback, with a malloc that tells.
 * A plain program: replaces malloc for the whole process, liburing and libc included. */
#include "pipeline/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGES 2000u

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t cnt, size_t size);
void *__libc_realloc(void *old, size_t size);

static _Atomic bool armed;
static _Atomic uint64_t alloc_cnt;
static _Thread_local bool is_main;

static void note_alloc(void)
{
    if (atomic_load(&armed) && !is_main)
        atomic_fetch_add(&alloc_cnt, 1);
}

void *malloc(size_t size)
{
    note_alloc();
    return __libc_malloc(size);
}

void *calloc(size_t cnt, size_t size)
{
    note_alloc();
    return __libc_calloc(cnt, size);
}

void *realloc(void *old, size_t size)
{
    note_alloc();
    return __libc_realloc(old, size);
}

static int make_message(char *buf, size_t cap, unsigned number)
{
    return snprintf(
        buf, cap,
        "\001xyz%04u 4 i 20  tst %03u\r\n\r\nQuiet/\r\n\002Nothing is allocated on the way of message %u =\r\n\r\n"
        "   Testville (tst) - The walk carries this to the tape with the memory it had\r\nat its start.\r\n\r\n"
        "\003%02u1200 GMT Nov 26\r\n\177\n\177\004",
        number % 10000, number % 1000, number, number % 27 + 1);
}

static int dial(uint16_t port, int type)
{
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, type, 0);
    for (unsigned i = 0; fd >= 0 && i < 500; i++) {
        if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
            return fd;
        usleep(10000);
    }
    return -1;
}

static uint16_t free_port(int type)
{
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, type, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) || getsockname(fd, (struct sockaddr *)&addr, &len))
        exit(1);
    close(fd);
    return ntohs(addr.sin_port);
}

static uint64_t answered(const struct sl_books *books)
{
    return sl_cell_get(&sl_books_desk(books, 0)[SL_DESK_ANSWERED]) +
           sl_cell_get(&sl_books_desk(books, 1)[SL_DESK_ANSWERED]);
}

static int send_all(uint16_t tcp_port, uint16_t udp_port, const struct sl_books *books)
{
    int tcp = dial(tcp_port, SOCK_STREAM), udp = dial(udp_port, SOCK_DGRAM);
    if (tcp < 0 || udp < 0)
        return -1;
    char buf[1024];
    for (unsigned i = 0; i < MESSAGES; i++) {
        int len = make_message(buf, sizeof(buf), i);
        if (send(i % 2 ? tcp : udp, buf, (size_t)len, 0) != len)
            return -1;
        /* A datagram socket holds a few hundred: do not run further ahead than that. */
        for (unsigned wait = 0; answered(books) + 100 < i && wait < 10000; wait++)
            usleep(1000);
    }
    for (unsigned wait = 0; answered(books) < MESSAGES && wait < 10000; wait++)
        usleep(1000);
    close(tcp);
    close(udp);
    return 0;
}

static int walk_once(const char *receive)
{
    uint16_t tcp_port = free_port(SOCK_STREAM), udp_port = free_port(SOCK_DGRAM);
    char yaml[1024], err[512];
    snprintf(yaml, sizeof(yaml),
             "node: test\nreceive: %s\ntape: {name: t, size: 16MiB, raw: 16MiB, hold: 1MiB}\nfeeds:\n"
             "  - {name: tcp, format: iptc7901, lines: [\"tcp-listen://127.0.0.1:%u\"]}\n"
             "  - {name: udp, format: iptc7901, lines: [\"udp://127.0.0.1:%u\"]}\n",
             receive, tcp_port, udp_port);
    struct sl_config config;
    static struct sl_topo topo;
    struct sl_walk_memory memory = { .epoch = 1 };
    struct sl_walk *walk;
    struct sl_run *run;
    if (sl_config_parse(&config, "test", yaml, strlen(yaml), err, sizeof(err)) ||
        sl_topo_plan(&topo, &config, 2, err, sizeof(err)) ||
        sl_mem_create(&memory.tape, "tape", sl_topo_tape_footprint(&config), SL_MEM_LOCAL) ||
        sl_mem_create(&memory.raw, "raw", sl_topo_raw_footprint(&config), SL_MEM_LOCAL) ||
        sl_mem_create(&memory.books, "books", sl_topo_books_footprint(&config, &topo), SL_MEM_LOCAL) ||
        sl_mem_create(&memory.notes, "notes", sl_topo_notes_footprint(&topo), SL_MEM_LOCAL) ||
        sl_walk_build(&walk, &config, &topo, &memory, NULL, NULL, 0, err, sizeof(err)) ||
        sl_run_start(&run, walk, config.idle_spin_ns, NULL)) {
        if (!strcmp(receive, "uring")) {
            printf("no_alloc: receive=uring SKIPPED: %s\n", err);
            return 0;
        }
        printf("no_alloc: %s\n", err);
        return 1;
    }
    atomic_store(&alloc_cnt, 0);
    atomic_store(&armed, true);
    int rc = send_all(tcp_port, udp_port, sl_walk_books(walk));
    atomic_store(&armed, false);
    uint64_t done = answered(sl_walk_books(walk)), counted = atomic_load(&alloc_cnt);
    bool drained = sl_run_stop(run, SL_TIME_NS * 5);
    sl_walk_fini(walk);
    sl_config_free(&config);
    printf("no_alloc: receive=%s messages=%u answered=%llu allocations=%llu\n", receive, MESSAGES,
           (unsigned long long)done, (unsigned long long)counted);
    return rc || done != MESSAGES || counted || !drained;
}

int main(void)
{
    is_main = true;
    return walk_once("epoll") | walk_once("uring");
}
