/* Hears, or sends to, multicast groups: the two ends of multicast_lines.sh, which says what must come out.
 *   multicast_lines hear uring|epoll                      on interfaces va and vc; ends with the datagram "stop"
 *   multicast_lines send INTERFACE SOURCE GROUP COUNT TEXT */
#include "pipeline/rx.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT    5001
#define LINES   3u
#define WAIT_NS 20000000000ll

struct heard {
    unsigned cnt[LINES];
    bool stop;
};

static socklen_t address(struct sockaddr_storage *addr, const char *host, uint16_t port)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)addr;
    memset(addr, 0, sizeof(*addr));
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof(*v4);
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
        return 0;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof(*v6);
}

static int fail(const char *what)
{
    fprintf(stderr, "multicast_lines: %s: %s\n", what, strerror(errno));
    return 1;
}

static uint32_t take(void *ctx, const struct sl_packet *packet)
{
    struct heard *heard = ctx;
    if (packet->len == 4 && !memcmp(packet->data, "stop", 4))
        heard->stop = true;
    else
        heard->cnt[packet->line]++;
    return packet->len;
}

static void ignore_line(void *ctx, uint16_t line, uint16_t conn, enum sl_line_event event)
{
    (void)ctx, (void)line, (void)conn, (void)event;
}

static struct sl_line_config line_of(const char *group, const char *source)
{
    struct sl_line_config line = { .kind = SL_LINE_UDP, .multicast = true, .interface = "va", .fd = -1 };
    line.addr_len = address(&line.addr, group, PORT);
    if (source)
        address(&line.source, source, 0);
    snprintf(line.url, sizeof(line.url), "udp://%s:%d", group, PORT);
    return line;
}

/* Somebody else on this host, whose memberships let the kernel take what our lines did not join. */
static int join_as_stranger(const char *group, const char *interface)
{
    struct group_req request = { .gr_interface = if_nametoindex(interface) };
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    address(&request.gr_group, group, 0);
    if (fd < 0 || setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &request, sizeof(request)))
        return -1;
    return fd;
}

static int hear(const char *backend)
{
    struct sl_line_config lines[LINES] = {
        line_of("239.255.77.1", NULL),
        line_of("239.255.77.1", "10.77.0.3"),
        line_of("ff15::77", NULL),
    };
    struct heard heard = { .stop = false };
    struct sl_books books;
    struct sl_rx *rx;
    struct sl_bell bell;
    char err[256];
    void *mem = aligned_alloc(128, (sl_books_footprint(1, 1) + 127) & ~(size_t)127);
    if (!mem || sl_books_new(&books, mem, 1, 1) || sl_bell_init(&bell))
        return fail("memory");
    struct sl_rx_config config = {
        .backend = strcmp(backend, "epoll") ? SL_RX_URING : SL_RX_EPOLL,
        .lines = lines,
        .line_cnt = LINES,
        .sink = { &heard, take, ignore_line },
        .books = &books,
    };
    if (sl_rx_init(&rx, &config, err, sizeof(err))) {
        fprintf(stderr, "multicast_lines: %s\n", err);
        return 77;
    }
    int strangers[] = { join_as_stranger("239.255.77.1", "vc"), join_as_stranger("239.255.77.9", "va") };
    if (strangers[0] < 0 || strangers[1] < 0)
        return fail("cannot join as somebody else");
    int64_t end_ns = sl_clock_mono(NULL) + WAIT_NS;
    sl_rx_poll(rx, sl_clock_mono(NULL));
    puts("ready");
    fflush(stdout);
    while (!heard.stop && sl_clock_mono(NULL) < end_ns) {
        sl_bell_arm(&bell);
        if (sl_rx_poll(rx, sl_clock_mono(NULL)) <= 0)
            sl_rx_wait(rx, &bell, 100000000);
    }
    sl_rx_drain(rx);
    for (unsigned i = 0; i < 100; i++)
        sl_rx_poll(rx, sl_clock_mono(NULL));
    printf("any %u, from 10.77.0.3 %u, IPv6 %u, dropped %lu, %s\n", heard.cnt[0], heard.cnt[1], heard.cnt[2],
           sl_cell_get(&sl_books_rx(&books, 0)[SL_RX_KERNEL_DROPS]), heard.stop ? "stopped" : "never stopped");
    sl_rx_fini(rx);
    sl_bell_fini(&bell);
    free(mem);
    return 0;
}

static int send_datagrams(char **argv)
{
    struct sockaddr_storage group, source;
    socklen_t group_len = address(&group, argv[4], PORT), source_len = address(&source, argv[3], 0);
    unsigned interface = if_nametoindex(argv[2]);
    struct ip_mreqn out = { .imr_ifindex = (int)interface };
    int fd = socket(group.ss_family, SOCK_DGRAM, 0);
    bool v6 = group.ss_family == AF_INET6;
    if (fd < 0 || bind(fd, (struct sockaddr *)&source, source_len))
        return fail("no socket");
    if (v6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &interface, sizeof(interface))
           : setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof(out)))
        return fail("no interface");
    for (int i = atoi(argv[5]); i > 0; i--)
        if (sendto(fd, argv[6], strlen(argv[6]), 0, (struct sockaddr *)&group, group_len) < 0)
            return fail("send");
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "hear"))
        return hear(argv[2]);
    if (argc == 7 && !strcmp(argv[1], "send"))
        return send_datagrams(argv);
    fputs("usage: multicast_lines hear uring|epoll | send INTERFACE SOURCE GROUP COUNT TEXT\n", stderr);
    return 2;
}
