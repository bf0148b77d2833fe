#include "ring/bell.h"
#include "ring/fence.h"
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

int sl_bell_init(struct sl_bell *bell)
{
    *bell = (struct sl_bell){ .fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
    return bell->fd < 0 ? -errno : 0;
}

void sl_bell_fini(struct sl_bell *bell)
{
    if (bell->fd >= 0)
        close(bell->fd);
    bell->fd = -1;
}

void sl_bell_arm(struct sl_bell *bell)
{
    /* Relaxed: the fence orders it before the look that follows. */
    atomic_store_explicit(&bell->armed, 1, memory_order_relaxed);
    /* WAKE, sleeper's side: pairs with sl_bell_ring. */
    sl_fence_full();
}

/* Relaxed: a ringer that still sees the arm rings once for nothing, and the next wait returns at once. */
void sl_bell_disarm(struct sl_bell *bell) { atomic_store_explicit(&bell->armed, 0, memory_order_relaxed); }

void sl_bell_wait(struct sl_bell *bell, int64_t timeout_ns)
{
    struct pollfd pfd = { .fd = bell->fd, .events = POLLIN };
    struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };

    /* A signal ends the wait early, as a ring would; the sleeper looks for work in either case. */
    ppoll(&pfd, 1, timeout_ns < 0 ? NULL : &timeout, NULL);
    sl_bell_heard(bell);
}

void sl_bell_heard(struct sl_bell *bell)
{
    eventfd_t rings;

    sl_bell_disarm(bell);
    /* Fails with EAGAIN when nobody rang: the descriptor does not block. */
    (void)!eventfd_read(bell->fd, &rings);
}

void sl_bell_ring(struct sl_bell *bell)
{
    if (!bell)
        return;
    /* WAKE, ringer's side: pairs with sl_bell_arm. */
    sl_fence_full();
    /* Relaxed: the fence orders it.  The exchange lets one of many ringers do the system call. */
    if (atomic_load_explicit(&bell->armed, memory_order_relaxed) &&
        atomic_exchange_explicit(&bell->armed, 0, memory_order_relaxed))
        (void)!eventfd_write(bell->fd, 1);
}
