#include "pipeline/outlet_files.h"
#include "pipeline/outlet_port.h"

#include "pipeline/clock.h"
#include "pipeline/config.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_NS      100000000ll /* how long a signal may go unheard */
#define RETRY_NS     20000000ll
#define DATAGRAM_MAX 65507u
#define SNDBUF       (4 << 20)

static void set(int fd, int level, int option, int value)
{
    /* Each of these makes things better, none is needed. */
    int ignored = setsockopt(fd, level, option, &value, sizeof(value));
    (void)ignored;
}

/* Waits for events in slices, so that stop is heard.  1 ready, 0 the time is up, -errno. */
static int wait_for(const struct sl_outlet *outlet, int fd, short events, int64_t end_ns)
{
    for (;;) {
        int64_t left_ns = end_ns - sl_clock_mono(NULL);
        int64_t slice_ns = left_ns < LOOK_NS ? left_ns : LOOK_NS;
        struct pollfd poll_fd = { .fd = fd, .events = events };
        struct timespec slice = { .tv_nsec = slice_ns > 0 ? slice_ns : 0 };
        int rc = ppoll(&poll_fd, 1, &slice, NULL);
        if (rc > 0)
            return 1;
        if (rc < 0 && errno != EINTR)
            return -errno;
        if (*outlet->stop)
            return -ECANCELED;
        if (left_ns <= 0)
            return 0;
    }
}

static int open_socket(const struct sl_outlet *outlet, int type)
{
    int fd = socket(outlet->line.addr.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

static int set_multicast(const struct sl_outlet *outlet)
{
    const struct sl_line_config *line = &outlet->line;
    unsigned idx = line->interface[0] ? if_nametoindex(line->interface) : 0;
    struct ip_mreqn from = { .imr_ifindex = (int)idx };

    if (line->interface[0] && !idx)
        return -ENODEV;
    if (line->addr.ss_family == AF_INET6) {
        if (idx && setsockopt(outlet->fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &idx, sizeof(idx)))
            return -errno;
        set(outlet->fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1);
        return 0;
    }
    if (idx && setsockopt(outlet->fd, IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof(from)))
        return -errno;
    set(outlet->fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
    return 0;
}

static int open_datagrams(struct sl_outlet *outlet)
{
    int rc = outlet->fd = open_socket(outlet, SOCK_DGRAM);

    if (rc >= 0)
        rc = outlet->line.multicast ? set_multicast(outlet) : 0;
    if (!rc && connect(outlet->fd, (const struct sockaddr *)&outlet->line.addr, outlet->line.addr_len))
        rc = -errno;
    if (!rc)
        set(outlet->fd, SOL_SOCKET, SO_SNDBUF, SNDBUF);
    return rc;
}

static int dial_once(struct sl_outlet *outlet, int64_t end_ns)
{
    int error = 0, rc = outlet->fd = open_socket(outlet, SOCK_STREAM);
    socklen_t len = sizeof(error);

    if (rc < 0)
        return rc;
    if (!connect(outlet->fd, (const struct sockaddr *)&outlet->line.addr, outlet->line.addr_len))
        return 0;
    if (errno != EINPROGRESS)
        return -errno;
    rc = wait_for(outlet, outlet->fd, POLLOUT, end_ns);
    if (rc <= 0)
        return rc ? rc : -ETIMEDOUT;
    if (getsockopt(outlet->fd, SOL_SOCKET, SO_ERROR, &error, &len))
        return -errno;
    return -error;
}

/* The other side may be started after us. */
static int dial(struct sl_outlet *outlet, int64_t end_ns)
{
    for (;;) {
        int rc = dial_once(outlet, end_ns);
        if (!rc || rc == -ECANCELED)
            return rc;
        if (outlet->fd >= 0)
            close(outlet->fd);
        outlet->fd = -1;
        if ((rc != -ECONNREFUSED && rc != -ECONNRESET) || sl_clock_mono(NULL) >= end_ns)
            return rc;
        nanosleep(&(struct timespec){ .tv_nsec = RETRY_NS }, NULL);
        if (*outlet->stop)
            return -ECANCELED;
    }
}

static int accept_one(struct sl_outlet *outlet, int64_t end_ns)
{
    int listener = open_socket(outlet, SOCK_STREAM), rc = 0;

    if (listener < 0)
        return listener;
    set(listener, SOL_SOCKET, SO_REUSEADDR, 1);
    if (bind(listener, (const struct sockaddr *)&outlet->line.addr, outlet->line.addr_len) || listen(listener, 1))
        rc = -errno;
    if (!rc)
        rc = wait_for(outlet, listener, POLLIN, end_ns);
    if (rc > 0) {
        outlet->fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        rc = outlet->fd < 0 ? -errno : 0;
    } else if (!rc) {
        rc = -ETIMEDOUT;
    }
    close(listener);
    return rc;
}

static int open_stream(struct sl_outlet *outlet, uint32_t message_max, int64_t wait_ns)
{
    int64_t end_ns = sl_clock_mono(NULL) + wait_ns;
    int rc = outlet->line.kind == SL_LINE_TCP_DIAL ? dial(outlet, end_ns) : accept_one(outlet, end_ns);

    if (rc)
        return rc;
    /* A message waits for no company. */
    set(outlet->fd, IPPROTO_TCP, TCP_NODELAY, 1);
    outlet->backlog_cap = SL_OUTLET_BACKLOG + message_max;
    outlet->backlog = malloc(outlet->backlog_cap);
    return outlet->backlog ? 0 : -ENOMEM;
}

static bool writes_files(const struct sl_outlet *outlet)
{
    return outlet->line.kind == SL_LINE_SPOOL || outlet->line.kind == SL_LINE_CAPTURE;
}

int sl_outlet_open(struct sl_outlet *outlet, const char *url, uint32_t message_max, int64_t wait_ns,
                   const volatile sig_atomic_t *stop, char *err, size_t err_len)
{
    *outlet = (struct sl_outlet){ .fd = -1, .stop = stop, .file_fd = -1, .rest_cap = message_max };
    int rc = sl_config_line(&outlet->line, url, err, err_len);
    if (rc)
        return rc;
    bool files = writes_files(outlet);
    bool datagrams = outlet->line.kind == SL_LINE_UDP, port = outlet->line.kind == SL_LINE_DPDK;
    if ((datagrams || port || outlet->line.kind == SL_LINE_CAPTURE) && message_max > DATAGRAM_MAX) {
        snprintf(err, err_len, "a datagram holds at most %u bytes", DATAGRAM_MAX);
        return -EINVAL;
    }
    err[0] = '\0';
    rc = files       ? sl_outlet_open_files(outlet)
         : port      ? sl_outlet_open_port(outlet, wait_ns, err, err_len)
         : datagrams ? open_datagrams(outlet)
                     : open_stream(outlet, message_max, wait_ns);
    if (rc) {
        if (!err[0])
            snprintf(err, err_len, "%s", strerror(-rc));
        sl_outlet_close(outlet);
    }
    return rc;
}

static void count_sent(struct sl_outlet *outlet, uint32_t len)
{
    outlet->sent++;
    outlet->bytes += len;
}

static int send_datagram(struct sl_outlet *outlet, const uint8_t *data, uint32_t len)
{
    ssize_t done;

    /* Refused: what an earlier datagram met is told to this one, which has not gone then. */
    while ((done = send(outlet->fd, data, len, 0)) < 0 &&
           (errno == EAGAIN || errno == ECONNREFUSED || errno == EINTR)) {
        int rc = errno == EAGAIN ? wait_for(outlet, outlet->fd, POLLOUT, INT64_MAX) : 0;
        if (rc < 0)
            return rc;
    }
    if (done < 0)
        outlet->refused++;
    else
        count_sent(outlet, len);
    return 0;
}

/* Everything that the kernel takes now. */
static int push(struct sl_outlet *outlet)
{
    while (outlet->backlog_len) {
        ssize_t done = send(outlet->fd, outlet->backlog + outlet->backlog_off, outlet->backlog_len, MSG_NOSIGNAL);
        if (done < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
        outlet->backlog_off += (uint32_t)done;
        outlet->backlog_len -= (uint32_t)done;
    }
    outlet->backlog_off = 0;
    return 0;
}

static int send_stream(struct sl_outlet *outlet, const uint8_t *data, uint32_t len)
{
    while (outlet->backlog_len > SL_OUTLET_BACKLOG) {
        int rc = wait_for(outlet, outlet->fd, POLLOUT, INT64_MAX);
        if (rc > 0)
            rc = push(outlet);
        if (rc < 0)
            return rc;
    }
    if (len > outlet->backlog_cap - outlet->backlog_off - outlet->backlog_len) {
        memmove(outlet->backlog, outlet->backlog + outlet->backlog_off, outlet->backlog_len);
        outlet->backlog_off = 0;
    }
    memcpy(outlet->backlog + outlet->backlog_off + outlet->backlog_len, data, len);
    outlet->backlog_len += len;
    count_sent(outlet, len);
    return push(outlet);
}

int sl_outlet_send(struct sl_outlet *outlet, const uint8_t *data, uint32_t len)
{
    if (writes_files(outlet)) {
        int rc = sl_outlet_send_file(outlet, data, len);
        if (!rc)
            count_sent(outlet, len);
        return rc;
    }
    if (outlet->port) {
        int rc = sl_outlet_send_port(outlet, data, len);
        if (rc)
            outlet->refused++;
        else
            count_sent(outlet, len);
        return 0;
    }
    return outlet->backlog ? send_stream(outlet, data, len) : send_datagram(outlet, data, len);
}

int sl_outlet_flush(struct sl_outlet *outlet, int64_t timeout_ns)
{
    int64_t end_ns = timeout_ns > 0 ? sl_clock_mono(NULL) + timeout_ns : 0;
    int rc = outlet->backlog_len ? push(outlet) : 0;

    if (timeout_ns > 0 && writes_files(outlet))
        return sl_outlet_end_file(outlet);
    while (!rc && outlet->backlog_len && timeout_ns > 0) {
        rc = wait_for(outlet, outlet->fd, POLLOUT, end_ns);
        if (rc <= 0)
            return rc;
        rc = push(outlet);
    }
    return rc;
}

void sl_outlet_close(struct sl_outlet *outlet)
{
    sl_outlet_end_file(outlet);
    sl_outlet_close_port(outlet);
    if (outlet->fd >= 0)
        close(outlet->fd);
    free(outlet->rest);
    outlet->rest = NULL;
    free(outlet->backlog);
    outlet->fd = -1;
    outlet->backlog = NULL;
}
