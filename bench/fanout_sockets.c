/* Floors again, over the loopback: TCP in writes of 64 KB to each reader in turn, and UDP multicast, 32 datagrams a
 * call.  Nothing is framed, filtered or kept. */
#include "bench/bench.h"
#include "bench/fanout_tape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH         32u /* 64 KB */
#define WINDOW_MAX    1024u
#define DATAGRAM_COST 8192u /* of the receive buffer, as the kernel counts, with room to spare */
#define RCVBUF        (64 << 20)

struct way {
    int fd, conns[FANOUT_READERS_MAX];
    struct sockaddr_in addr;
    _Alignas(64) unsigned char batch[BATCH][FANOUT_SIZE];
};

static struct way *make_way(struct fanout_job *job, int type)
{
    struct way *way = job->way = aligned_alloc(64, sizeof(*way));
    memset(way, 0, sizeof(*way));
    way->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    way->addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    return way;
}

static uint32_t make_batch(struct way *way, const struct fanout_job *job, uint64_t first)
{
    uint32_t cnt = 0;
    for (; cnt < BATCH && first + cnt <= job->cnt; cnt++)
        fanout_make(way->batch[cnt], first + cnt);
    return cnt;
}

static void close_way(struct fanout_job *job)
{
    struct way *way = job->way;
    for (uint32_t i = 0; i < FANOUT_READERS_MAX; i++)
        if (way->conns[i] > 0)
            close(way->conns[i]);
    close(way->fd);
    free(way);
}

/* ---- TCP ---- */

static void open_tcp(struct fanout_job *job)
{
    struct way *way = make_way(job, SOCK_STREAM);
    socklen_t len = sizeof(way->addr);
    fanout_need(!bind(way->fd, (struct sockaddr *)&way->addr, len) && !listen(way->fd, 8) &&
                !getsockname(way->fd, (struct sockaddr *)&way->addr, &len));
}

static void write_all(int fd, const unsigned char *data, size_t len)
{
    while (len) {
        ssize_t put = send(fd, data, len, MSG_NOSIGNAL);
        fanout_need(put > 0);
        data += put;
        len -= (size_t)put;
    }
}

static void publish_tcp(struct fanout_job *job)
{
    struct way *way = job->way;
    for (uint32_t i = 0; i < job->reader_cnt; i++)
        fanout_need((way->conns[i] = accept4(way->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0);
    fanout_await(job);
    for (uint64_t number = 1; number <= job->cnt;) {
        uint32_t cnt = make_batch(way, job, number);
        for (uint32_t i = 0; i < job->reader_cnt; i++)
            write_all(way->conns[i], way->batch[0], (size_t)cnt * FANOUT_SIZE);
        number += cnt;
    }
}

static void subscribe_tcp(struct fanout_job *job, uint32_t idx)
{
    const struct way *way = job->way;
    static _Alignas(64) unsigned char buf[4 * BATCH * FANOUT_SIZE];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t len = 0;
    fanout_need(!connect(fd, (const struct sockaddr *)&way->addr, sizeof(way->addr)));
    struct fanout_sum *sum = fanout_ready(job, idx);
    while (sum->cnt < job->cnt) {
        ssize_t got = recv(fd, buf + len, sizeof(buf) - len, 0);
        fanout_need(got > 0);
        len += (size_t)got;
        size_t at = 0;
        for (; len - at >= FANOUT_SIZE; at += FANOUT_SIZE)
            fanout_take(sum, buf + at);
        memmove(buf, buf + at, len -= at);
    }
    fanout_done(job, idx);
}

const struct bench_fanout bench_fanout_bare_tcp = {
    "bare tcp", false, open_tcp, publish_tcp, subscribe_tcp, close_way
};

/* ---- multicast ---- */

void fanout_group(struct sockaddr_in *addr)
{
    *addr = (struct sockaddr_in){ .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(0xefff0763), /* 239.255.7.99 */
                                  .sin_port = htons((uint16_t)(20000 + getpid() % 20000)) };
}

static int set_rcvbuf(int fd)
{
    int wanted = RCVBUF, got = 0;
    socklen_t len = sizeof(got);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
    fanout_need(!getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &len));
    return got;
}

uint32_t fanout_window(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint32_t cnt = (uint32_t)set_rcvbuf(fd) / DATAGRAM_COST;
    close(fd);
    return cnt < WINDOW_MAX ? cnt : WINDOW_MAX;
}

int fanout_join(const struct sockaddr_in *group)
{
    int on = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ip_mreq join = { .imr_multiaddr = group->sin_addr, .imr_interface.s_addr = htonl(INADDR_LOOPBACK) };
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    set_rcvbuf(fd);
    fanout_need(fd >= 0 && !bind(fd, (const struct sockaddr *)group, sizeof(*group)) &&
                !setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)));
    return fd;
}

void fanout_hear(int fd, struct fanout_job *job, uint32_t idx, fanout_datagram take)
{
    static _Alignas(64) unsigned char bufs[BATCH][2 * FANOUT_SIZE];
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    struct fanout_sum *sum = fanout_ready(job, idx);
    for (uint32_t i = 0; i < BATCH; i++) {
        pieces[i] = (struct iovec){ bufs[i], sizeof(bufs[i]) };
        messages[i] = (struct mmsghdr){
            .msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}
        };
    }
    while (sum->cnt < job->cnt) {
        int got = recvmmsg(fd, messages, BATCH, MSG_WAITFORONE, NULL);
        fanout_need(got > 0);
        for (int i = 0; i < got; i++)
            take(sum, bufs[i], messages[i].msg_len);
    }
    fanout_done(job, idx);
}

static void open_multicast(struct fanout_job *job)
{
    struct way *way = make_way(job, SOCK_DGRAM);
    struct in_addr from = { htonl(INADDR_LOOPBACK) };
    fanout_group(&way->addr);
    fanout_need(!setsockopt(way->fd, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof(from)) &&
                !connect(way->fd, (struct sockaddr *)&way->addr, sizeof(way->addr)));
}

static void publish_multicast(struct fanout_job *job)
{
    struct way *way = job->way;
    struct mmsghdr messages[BATCH];
    struct iovec pieces[BATCH];
    uint32_t window = fanout_window();
    fanout_await(job);
    for (uint64_t number = 1; number <= job->cnt;) {
        uint32_t cnt = make_batch(way, job, number);
        for (uint32_t i = 0; i < cnt; i++) {
            pieces[i] = (struct iovec){ way->batch[i], FANOUT_SIZE };
            messages[i] = (struct mmsghdr){
                .msg_hdr = {.msg_iov = &pieces[i], .msg_iovlen = 1}
            };
        }
        while (fanout_least(job) + window < number + cnt)
            nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
        for (uint32_t i = 0; i < cnt;) {
            int sent = sendmmsg(way->fd, messages + i, cnt - i, 0);
            fanout_need(sent > 0);
            i += (uint32_t)sent;
        }
        number += cnt;
    }
}

static void take_datagram(struct fanout_sum *sum, const unsigned char *data, uint32_t len)
{
    fanout_need(len == FANOUT_SIZE);
    fanout_take(sum, data);
}

static void subscribe_multicast(struct fanout_job *job, uint32_t idx)
{
    const struct way *way = job->way;
    fanout_hear(fanout_join(&way->addr), job, idx, take_datagram);
}

const struct bench_fanout bench_fanout_bare_multicast = { "bare multicast",    false,
                                                          open_multicast,      publish_multicast,
                                                          subscribe_multicast, close_way };
