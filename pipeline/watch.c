#include "pipeline/watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SLICE_NS 100000000ll /* nobody can call the thread off the futex: it looks up this often */

struct sl_watch {
    int epoll_fd, event_fd, timer_fd;
    bool started;
    pthread_t id;
    pthread_mutex_t lock; /* over all below */
    pthread_cond_t changed;
    bool quit;
    bool armed;
    bool asleep; /* the thread is using rx's memory */
    struct sl_log_rx rx;
    struct sl_seat *seat;
};

static int add(struct sl_watch *watch, int fd, uint32_t events)
{
    struct epoll_event event = { .events = events, .data.fd = fd };
    return epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int make_fds(struct sl_watch *watch)
{
    watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    watch->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    watch->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (watch->epoll_fd < 0 || watch->event_fd < 0 || watch->timer_fd < 0)
        return -errno;
    int rc = add(watch, watch->event_fd, EPOLLIN);
    return rc ? rc : add(watch, watch->timer_fd, EPOLLIN);
}

int sl_watch_new(struct sl_watch **out)
{
    struct sl_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return -ENOMEM;
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->changed, NULL);
    int rc = make_fds(watch);
    if (rc) {
        sl_watch_delete(watch);
        return rc;
    }
    *out = watch;
    return 0;
}

int sl_watch_fd(const struct sl_watch *watch) { return watch->epoll_fd; }

int sl_watch_socket(struct sl_watch *watch, int sock) { return add(watch, sock, EPOLLIN | EPOLLRDHUP); }

int sl_watch_timer(struct sl_watch *watch, int64_t ns)
{
    struct itimerspec at = {
        .it_value = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}
    };
    return timerfd_settime(watch->timer_fd, 0, &at, NULL) ? -errno : 0;
}

static bool has_more(const struct sl_log_rx *rx) { return sl_log_rx_head(rx) >= rx->next_seq; }

static void ring(const struct sl_watch *watch)
{
    uint64_t one = 1;
    /* It fails only when the count is full, and then it is readable. */
    ssize_t ignored = write(watch->event_fd, &one, sizeof(one));
    (void)ignored;
}

static void sleep_on_log(struct sl_watch *watch)
{
    struct sl_log_rx rx = watch->rx;
    struct sl_seat *seat = watch->seat;

    watch->asleep = true;
    pthread_mutex_unlock(&watch->lock);
    sl_log_wait(&rx, seat, SLICE_NS);
    pthread_mutex_lock(&watch->lock);
    watch->asleep = false;
    pthread_cond_broadcast(&watch->changed);
    if (watch->armed && has_more(&watch->rx)) {
        watch->armed = false;
        ring(watch);
    }
}

static void *watch_log(void *arg)
{
    struct sl_watch *watch = arg;

    pthread_mutex_lock(&watch->lock);
    while (!watch->quit) {
        if (watch->armed)
            sleep_on_log(watch);
        else
            pthread_cond_wait(&watch->changed, &watch->lock);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

/* Signals are the program's: none may land here. */
static int start(struct sl_watch *watch)
{
    sigset_t all, old;

    if (watch->started)
        return 0;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = -pthread_create(&watch->id, NULL, watch_log, watch);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    watch->started = !rc;
    return rc;
}

static void clear(int fd)
{
    uint64_t count;
    ssize_t ignored = read(fd, &count, sizeof(count));
    (void)ignored;
}

int sl_watch_arm(struct sl_watch *watch, const struct sl_log_rx *rx, struct sl_seat *seat)
{
    if (has_more(rx))
        return 1;
    int rc = start(watch);
    if (rc)
        return rc;
    pthread_mutex_lock(&watch->lock);
    clear(watch->event_fd);
    clear(watch->timer_fd);
    watch->rx = *rx;
    watch->seat = seat;
    watch->armed = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    return 0;
}

void sl_watch_disarm(struct sl_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->armed = false;
    while (watch->asleep)
        pthread_cond_wait(&watch->changed, &watch->lock);
    clear(watch->event_fd);
    pthread_mutex_unlock(&watch->lock);
}

bool sl_watch_started(const struct sl_watch *watch) { return watch->started; }

int sl_watch_wait(struct sl_watch *watch, int64_t timeout_ns)
{
    struct pollfd poll_fd = { .fd = watch->epoll_fd, .events = POLLIN };
    struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };

    return ppoll(&poll_fd, 1, timeout_ns < 0 ? NULL : &timeout, NULL) < 0 ? -errno : 0;
}

void sl_watch_delete(struct sl_watch *watch)
{
    if (!watch)
        return;
    if (watch->started) {
        pthread_mutex_lock(&watch->lock);
        watch->quit = true;
        watch->armed = false;
        pthread_cond_broadcast(&watch->changed);
        pthread_mutex_unlock(&watch->lock);
        pthread_join(watch->id, NULL);
    }
    int fds[] = { watch->epoll_fd, watch->event_fd, watch->timer_fd };
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}
