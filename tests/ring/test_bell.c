#include <criterion/criterion.h>
#include "ring/bell.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

static struct sl_bell bell;

static void setup(void) { cr_assert_eq(sl_bell_init(&bell), 0); }
static void teardown(void) { sl_bell_fini(&bell); }

TestSuite(bell, .init = setup, .fini = teardown);

static bool is_ringing(void)
{
    struct pollfd pfd = { .fd = bell.fd, .events = POLLIN };

    return poll(&pfd, 1, 0) == 1;
}

Test(bell, nobody_is_rung_who_is_awake)
{
    sl_bell_ring(&bell);
    cr_expect_not(is_ringing());
    sl_bell_arm(&bell);
    sl_bell_disarm(&bell);
    sl_bell_ring(&bell);
    cr_expect_not(is_ringing());
}

Test(bell, a_ring_after_the_arm_ends_the_wait)
{
    sl_bell_arm(&bell);
    sl_bell_ring(&bell);
    cr_expect(is_ringing());
    sl_bell_wait(&bell, -1);
    cr_expect_not(is_ringing());
    sl_bell_ring(&bell);
    cr_expect_not(is_ringing(), "a wait leaves the bell disarmed");
}

Test(bell, one_of_many_rings_costs_the_system_call)
{
    eventfd_t rings = 0;

    sl_bell_arm(&bell);
    for (int i = 0; i < 5; i++)
        sl_bell_ring(&bell);
    cr_assert_eq(eventfd_read(bell.fd, &rings), 0);
    cr_expect_eq(rings, 1);
}

Test(bell, a_wait_without_a_ring_ends_by_its_timeout)
{
    sl_bell_arm(&bell);
    sl_bell_wait(&bell, 1000);
    cr_expect_not(is_ringing());
}

Test(bell, heard_takes_the_count_off_for_who_waited_on_the_descriptor)
{
    sl_bell_arm(&bell);
    sl_bell_ring(&bell);
    sl_bell_heard(&bell);
    cr_expect_not(is_ringing());
    sl_bell_heard(&bell); /* without a ring it does not block */
}

Test(bell, no_bell_may_be_rung) { sl_bell_ring(NULL); }

Test(bell, the_descriptor_is_closed_on_exec)
{
    cr_expect(fcntl(bell.fd, F_GETFD) & FD_CLOEXEC);
    cr_expect(fcntl(bell.fd, F_GETFL) & O_NONBLOCK);
}

#define WORK_CNT 20000u
static _Atomic uint32_t work;

static void *ringer(void *arg)
{
    for (uint32_t i = 0; i < WORK_CNT; i++) {
        atomic_fetch_add_explicit(&work, 1, memory_order_release);
        sl_bell_ring(&bell);
    }
    return arg;
}

Test(bell, a_sleeper_with_no_timeout_never_misses_work, .timeout = 60)
{
    pthread_t thread;
    uint32_t seen = 0;

    cr_assert_eq(pthread_create(&thread, NULL, ringer, NULL), 0);
    while (seen < WORK_CNT) {
        sl_bell_arm(&bell);
        if (atomic_load_explicit(&work, memory_order_acquire) == seen)
            sl_bell_wait(&bell, -1);
        else
            sl_bell_disarm(&bell);
        seen = atomic_load_explicit(&work, memory_order_acquire);
    }
    pthread_join(thread, NULL);
}
