#include "pipeline/run.h"

#include "pipeline/say.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCKED_NAP_NS                                                                                                 \
    50000ll /* has work but no room: the room comes within microseconds, but from a thread without our bell */
#define CRASH_STACK_LEN (64u * 1024u)

struct runner {
    struct sl_run *run;
    struct sl_thread *thread;
    pthread_t id;
    void *crash_stack;
    bool started;
};

struct sl_run {
    struct sl_walk *walk;
    const struct sl_clock *clock;
    int64_t idle_spin_ns;
    struct runner runners[SL_THREADS_MAX];
    uint32_t runner_cnt;
    _Atomic bool stop;
    _Atomic int failed;
};

static _Thread_local struct sl_decode *own_decode;

/* The parser that this thread was in has died.  What it was parsing goes into the crash note, which outlives us; then
 * the signal takes its usual course, and the supervisor starts the next walk. */
static void tell_and_die(int signal_number)
{
    if (own_decode)
        sl_decode_crashed(own_decode);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void *make_crash_stack(void)
{
    void *stack = mmap(NULL, CRASH_STACK_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return stack == MAP_FAILED ? NULL : stack;
}

static void catch_crashes(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    struct sigaction action = { .sa_handler = tell_and_die, .sa_flags = (int)(SA_ONSTACK | SA_RESETHAND | SA_NODEFER) };
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        sigaction(signals[i], &action, NULL);
}

static void pin(const struct sl_thread *thread)
{
    if (thread->core < 0)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(thread->core, &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set))
        sl_say(SL_SAY_WARN, "run thread=%u core=%d: cannot be pinned there", thread->idx, thread->core);
}

/* All stages once.  How much was done; -EAGAIN when nothing could be, for want of room; else -errno. */
static int poll_stages(struct sl_thread *thread, int64_t now_ns)
{
    int done = 0;
    bool blocked = false;
    for (uint32_t i = 0; i < thread->stage_cnt; i++) {
        int rc = thread->stages[i].poll(thread->stages[i].self, now_ns);
        if (rc < 0 && rc != -EAGAIN) {
            sl_say(SL_SAY_ERROR, "run thread=%u stage=%s: %s", thread->idx, thread->stages[i].name, strerror(-rc));
            return rc;
        }
        if (rc == -EAGAIN)
            blocked = true;
        else
            done += rc;
    }
    return done || !blocked ? done : -EAGAIN;
}

static void sleep_until_work(struct sl_thread *thread, int64_t now_ns)
{
    sl_bell_arm(&thread->bell);
    int rc = poll_stages(thread, now_ns);
    if (rc != 0 && rc != -EAGAIN) {
        sl_bell_disarm(&thread->bell);
        return;
    }
    int64_t nap_ns = rc == -EAGAIN ? BLOCKED_NAP_NS : SL_RUN_NAP_NS;
    sl_cell_add(&thread->books[SL_THREAD_SLEEPS], 1);
    if (thread->rx)
        sl_rx_wait(thread->rx, &thread->bell, nap_ns);
    else
        sl_bell_wait(&thread->bell, nap_ns);
}

static void *run_thread(void *arg)
{
    struct runner *runner = arg;
    struct sl_run *run = runner->run;
    struct sl_thread *thread = runner->thread;
    pin(thread);
    own_decode = thread->decode;
    sigaltstack(&(stack_t){ .ss_sp = runner->crash_stack, .ss_size = CRASH_STACK_LEN }, NULL);
    sl_cell_set(&thread->books[SL_THREAD_CORE], (uint64_t)(int64_t)thread->core);
    int64_t idle_since = sl_clock_mono(run->clock);
    /* Relaxed: it only has to be seen some time; join orders everything else. */
    while (!atomic_load_explicit(&run->stop, memory_order_relaxed)) {
        int64_t now_ns = sl_clock_mono(run->clock);
        int rc = poll_stages(thread, now_ns);
        sl_cell_add(&thread->books[SL_THREAD_POLLS], 1);
        if (rc < 0 && rc != -EAGAIN) {
            atomic_store_explicit(&run->failed, rc, memory_order_relaxed); /* looked at now and then, orders nothing */
            break;
        }
        if (rc > 0) {
            sl_cell_add(&thread->books[SL_THREAD_BUSY_POLLS], 1);
            idle_since = now_ns;
        } else if (now_ns - idle_since >= run->idle_spin_ns) {
            sleep_until_work(thread, now_ns);
            idle_since = sl_clock_mono(run->clock);
        }
    }
    return NULL;
}

int sl_run_start(struct sl_run **out, struct sl_walk *walk, int64_t idle_spin_ns, const struct sl_clock *clock)
{
    struct sl_run *run = calloc(1, sizeof(*run));
    if (!run)
        return -ENOMEM;
    run->walk = walk;
    run->clock = clock;
    run->idle_spin_ns = idle_spin_ns;
    struct sl_thread *threads = sl_walk_threads(walk, &run->runner_cnt);
    for (uint32_t i = 0; i < run->runner_cnt; i++) {
        run->runners[i] = (struct runner){ .run = run, .thread = &threads[i], .crash_stack = make_crash_stack() };
        if (!run->runners[i].crash_stack) {
            sl_run_stop(run, 0);
            return -ENOMEM;
        }
    }
    catch_crashes();
    for (uint32_t i = 0; i < run->runner_cnt; i++) {
        int rc = pthread_create(&run->runners[i].id, NULL, run_thread, &run->runners[i]);
        if (rc) {
            sl_run_stop(run, 0);
            return -rc;
        }
        run->runners[i].started = true;
    }
    *out = run;
    return 0;
}

int sl_run_failed(const struct sl_run *run)
{
    return atomic_load_explicit(&run->failed, memory_order_relaxed); /* a flag for people: orders nothing */
}

static bool wait_until_idle(struct sl_run *run, int64_t drain_ns)
{
    int64_t end_ns = sl_clock_mono(run->clock) + drain_ns;
    sl_walk_drain(run->walk);
    /* Idle twice in a row: between two looks a message may lie in a socket that is still being read. */
    for (unsigned idle = 0; sl_clock_mono(run->clock) < end_ns && !sl_run_failed(run);) {
        idle = sl_walk_idle(run->walk) ? idle + 1 : 0;
        if (idle == 5)
            return true;
        nanosleep(&(struct timespec){ .tv_nsec = 2 * SL_RUN_NAP_NS }, NULL);
    }
    return false;
}

bool sl_run_stop(struct sl_run *run, int64_t drain_ns)
{
    bool drained = drain_ns > 0 && wait_until_idle(run, drain_ns);
    atomic_store_explicit(&run->stop, true, memory_order_relaxed); /* join orders everything else */
    for (uint32_t i = 0; i < run->runner_cnt; i++) {
        struct runner *runner = &run->runners[i];
        if (runner->started) {
            sl_bell_ring(&runner->thread->bell);
            pthread_join(runner->id, NULL);
        }
        if (runner->crash_stack)
            munmap(runner->crash_stack, CRASH_STACK_LEN);
    }
    free(run);
    return drained;
}
