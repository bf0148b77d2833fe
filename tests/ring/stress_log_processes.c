/* Can a reader in another process, with nothing but what it was handed, disturb the writer of a log or another reader?
 * One process writes a sealed log; readers in processes of their own: one is stopped and continued, one gates and is
 * killed, one gates and is evicted and comes back, one tries to write what it may only read and fills its seat with
 * nonsense.
 *
 *     stress_log_processes [records] [seed]      exit 0 fine, 1 not, 77 this kernel has no sealed memory
 */
#include "ring/mem.h"
#include "tests/ring/follow.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BYTES_LEN (512u << 10)
#define LOOKS_MAX 2000 /* a gating reader holds the writer up for so many looks; then it is evicted */

enum reader { STOPPED, KILLED, EVICTED, HOSTILE, READER_CNT };
static const char *const names[READER_CNT] = { "stopped", "killed", "evicted", "hostile" };

static uint64_t record_cnt, seed;

/* ---- readers ---- */

/* Two descriptors come from the socket: the log, and a seat of one's own. */
static bool receive(int sock, struct follow *follow, struct sl_mem *log)
{
    struct sl_mem seat;
    char hello[8];
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt;

    if (sl_mem_recv(sock, hello, sizeof(hello), fds, &fd_cnt, 0) <= 0 || fd_cnt != 2)
        return follow_fails(follow, "no descriptors came");
    if (sl_mem_open(log, fds[0], 4096, false) || sl_mem_open(&seat, fds[1], sizeof(struct sl_seat), true))
        return follow_fails(follow, "what came can't be mapped");
    follow->seat = seat.addr;
    if (sl_log_join_rx(&follow->rx, log->addr, log->len))
        return follow_fails(follow, "what came is no log");
    sl_log_seek(&follow->rx, 1);
    return sl_mem_send(sock, "ready", 5, NULL, 0) == 0;
}

static bool read_asleep(struct follow *follow)
{
    int got;

    while (!follow_ended(follow)) {
        if (!follow_one(follow, &got))
            return false;
        if (got == SL_LOG_NONE)
            sl_log_wait(&follow->rx, follow->seat, -1);
    }
    if (!follow->missed_cnt)
        return follow_fails(follow, "it was stopped for more than a log and missed nothing");
    return follow_balances(follow);
}

/* Who gates and is lapped has been told of its eviction by then: it can't gate again until it says what is done. */
static bool lapped_rightly(const struct follow *follow, enum reader reader, int got)
{
    if (got != SL_LOG_LAPPED || sl_log_gate_state(&follow->rx, reader) == SL_GATE_EVICTED)
        return true;
    return follow_fails(follow, "it gates, was not evicted, and was lapped");
}

/* Gates like the journal, until somebody kills it. */
static bool read_until_killed(struct follow *follow)
{
    int got;

    while (follow_one(follow, &got)) {
        if (!lapped_rightly(follow, KILLED, got))
            return false;
        sl_seat_done(follow->seat, follow->rx.next_seq - 1);
        if (got == SL_LOG_NONE)
            sched_yield();
    }
    return false;
}

static void wait_for_gate(const struct follow *follow, enum sl_gate_state state)
{
    while (sl_log_gate_state(&follow->rx, EVICTED) != state)
        sched_yield();
}

/* Gates, falls asleep over its work until it is evicted, catches up, and gates again. */
static bool read_evicted(struct follow *follow)
{
    bool was_evicted = false;
    int got;

    while (!follow_ended(follow)) {
        if (!follow_one(follow, &got))
            return false;
        if (!lapped_rightly(follow, EVICTED, got))
            return false;
        if (!was_evicted && follow->rx.next_seq > record_cnt / 4) {
            wait_for_gate(follow, SL_GATE_EVICTED);
            was_evicted = true;
        }
        sl_seat_done(follow->seat, follow->rx.next_seq - 1);
        if (got == SL_LOG_NONE)
            sched_yield();
    }
    wait_for_gate(follow, SL_GATE_HOLDS);
    return follow_balances(follow);
}

/* Every way we know to write memory that was handed over read-only.  The name of one that worked, or NULL. */
static const char *find_a_way_in(const struct sl_mem *log)
{
    char path[64];

    if (!mprotect(log->addr, log->len, PROT_READ | PROT_WRITE))
        return "mprotect";
    if (mmap(NULL, log->len, PROT_READ | PROT_WRITE, MAP_SHARED, log->fd, 0) != MAP_FAILED)
        return "a second map";
    if (mremap(log->addr, log->len, 2 * log->len, 0) != MAP_FAILED)
        return "a longer map";
    if (!madvise(log->addr, log->len, MADV_REMOVE))
        return "madvise";
    if (!ftruncate(log->fd, 0) || !ftruncate(log->fd, 2 * (off_t)log->len))
        return "ftruncate";
    if (!fallocate(log->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)log->len))
        return "punching a hole";
    if (!fallocate(log->fd, FALLOC_FL_ZERO_RANGE, 0, (off_t)log->len))
        return "zeroing";
    if (pwrite(log->fd, "x", 1, 0) >= 0)
        return "write";
    if (!fcntl(log->fd, F_ADD_SEALS, F_SEAL_WRITE) || !fcntl(log->fd, F_ADD_SEALS, 0))
        return "seals";
    snprintf(path, sizeof(path), "/proc/self/fd/%d", log->fd);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0 && mmap(NULL, log->len, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0) != MAP_FAILED)
        return "opening it again";
    if (again >= 0 && pwrite(again, "x", 1, 0) >= 0)
        return "opening it again and writing";
    if (again >= 0)
        close(again);
    if (open(path, O_RDWR | O_TRUNC | O_CLOEXEC) >= 0)
        return "opening it empty";
    return NULL;
}

/* All of the seat becomes nonsense between any two records; its own reading is as right as anybody's. */
static bool read_hostile(struct follow *follow, const struct sl_mem *log)
{
    uint64_t state = seed ^ 0xbadull;
    const char *way = find_a_way_in(log);
    int got;

    if (way) {
        fprintf(stderr, "hostile: %s gave a way to write the log\n", way);
        return false;
    }
    while (!follow_ended(follow)) {
        uint64_t random = next_random(&state);
        if (!follow_one(follow, &got))
            return false;
        sl_seat_done(follow->seat, random % 2 ? random % (2 * record_cnt) : random);
        atomic_store_explicit(&follow->seat->asleep, (uint32_t)(random >> 32) % 8, memory_order_relaxed);
        memcpy(follow->seat->name, &random, sizeof(random));
        if (got == SL_LOG_NONE || random % 16 == 0)
            sched_yield();
    }
    return follow_balances(follow);
}

static int read_log(enum reader reader, int sock)
{
    static struct follow follow;
    struct sl_mem log;
    bool right = false;

    follow = (struct follow){ .name = names[reader], .seed = seed, .last_seq = record_cnt };
    if (!receive(sock, &follow, &log))
        return 1;
    switch (reader) {
    case STOPPED:
        right = read_asleep(&follow);
        break;
    case KILLED:
        right = read_until_killed(&follow);
        break;
    case EVICTED:
        right = read_evicted(&follow);
        break;
    default:
        right = read_hostile(&follow, &log);
    }
    printf("  %-8s read=%" PRIu64 " missed=%" PRIu64 "\n", follow.name, follow.read_cnt, follow.missed_cnt);
    fflush(stdout);
    return right ? 0 : 1;
}

/* ---- the writer ---- */

struct child {
    pid_t pid;
    int sock;
    struct sl_mem seat;
    bool ended;
    int status;
    uint64_t evict_cnt;
};

static struct child children[READER_CNT];
static struct sl_log_tx tx;

/* A child that has said what is wrong takes the others with it. */
static void end_all(int code)
{
    for (int i = 0; i < READER_CNT; i++)
        if (children[i].pid > 0 && !children[i].ended)
            kill(children[i].pid, SIGKILL);
    printf("stress_log_processes %s\n", code == 77 ? "SKIPPED: no sealed memory here" : "FAILED");
    exit(code);
}

/* Before there is any log memory: a child must not inherit a map that the writer may write. */
static void start(enum reader reader)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        end_all(77);
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0)
        end_all(77);
    if (!pid) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody spins on behind a writer that was killed */
        close(pair[0]);
        _exit(read_log(reader, pair[1]));
    }
    close(pair[1]);
    children[reader] = (struct child){ .pid = pid, .sock = pair[0] };
}

static void create_log(struct sl_mem *log)
{
    struct sl_log_config config = { .bytes_len = BYTES_LEN, .epoch = seed, .first_seq = 1 };
    int rc = sl_mem_create(log, "stress-log", sl_log_footprint(&config), SL_MEM_HUGE);

    if (!rc)
        rc = sl_log_new(log->addr, &config);
    if (!rc)
        rc = sl_log_join_tx(&tx, log->addr);
    if (!rc)
        rc = sl_mem_seal(log, false);
    if (rc)
        end_all(77);
}

static void hand_over(enum reader reader, const struct sl_mem *log)
{
    struct child *child = &children[reader];
    char ready[8];
    unsigned fd_cnt;

    if (sl_mem_create(&child->seat, "stress-seat", sizeof(struct sl_seat), 0) || sl_mem_seal(&child->seat, true))
        end_all(77);
    if (sl_mem_send(child->sock, "log", 3, (int[]){ log->fd, child->seat.fd }, 2) ||
        sl_mem_recv(child->sock, ready, sizeof(ready), NULL, &fd_cnt, 0) <= 0)
        end_all(1);
    sl_log_attach(&tx, reader, child->seat.addr, reader != STOPPED);
}

static void reap(bool wait)
{
    for (int i = 0; i < READER_CNT; i++) {
        struct child *child = &children[i];
        pid_t pid = child->ended ? 0 : waitpid(child->pid, &child->status, wait ? 0 : WNOHANG);
        if (pid < 0)
            end_all(1);
        child->ended |= pid > 0;
        if (child->ended && (WIFSIGNALED(child->status) ? i != KILLED : WEXITSTATUS(child->status) != 0))
            end_all(1);
    }
}

static void publish_one(void)
{
    for (int looks = 0; !publish_pattern(&tx, seed, 0); looks++) {
        int slowest = sl_log_poll_gates(&tx);
        if (slowest >= 0 && looks > LOOKS_MAX) {
            sl_log_evict(&tx, (uint32_t)slowest);
            children[slowest].evict_cnt++;
            looks = 0;
        }
        reap(false);
        sched_yield();
    }
    if (sl_log_sleepers(&tx))
        sl_log_wake(&tx);
}

static void signal_child(enum reader reader, int signal)
{
    struct child *child = &children[reader];
    int status;

    kill(child->pid, signal);
    /* What was signalled has stopped, or died, before the next record is written. */
    if (signal == SIGSTOP && (waitpid(child->pid, &status, WUNTRACED) != child->pid || !WIFSTOPPED(status)))
        end_all(1);
    if (signal == SIGKILL) {
        waitpid(child->pid, &child->status, 0);
        child->ended = true;
    }
}

static bool check_evictions(void)
{
    const struct sl_log_gate *hostile = &tx.gates[HOSTILE];
    bool right = children[KILLED].evict_cnt && children[EVICTED].evict_cnt && hostile->disbelieved_cnt;

    printf("stress_log_processes %s: evicted killed=%" PRIu64 " evicted=%" PRIu64 " hostile=%" PRIu64
           ", hostile disbelieved=%" PRIu64 "\n",
           right ? "ok" : "FAILED", children[KILLED].evict_cnt, children[EVICTED].evict_cnt,
           children[HOSTILE].evict_cnt, hostile->disbelieved_cnt);
    return right;
}

int main(int argc, char **argv)
{
    struct sl_mem log;

    record_cnt = number_arg(argc, argv, 1, 100000);
    seed = number_arg(argc, argv, 2, 1);
    printf("stress_log_processes records=%" PRIu64 " seed=%" PRIu64 "\n", record_cnt, seed);
    if (record_cnt < 20000) {
        fprintf(stderr, "stress_log_processes: 20000 records at least, so that a stopped reader is surely lapped\n");
        return 2;
    }
    for (int i = 0; i < READER_CNT; i++)
        start((enum reader)i);
    create_log(&log);
    for (int i = 0; i < READER_CNT; i++)
        hand_over((enum reader)i, &log);
    sl_log_poll_gates(&tx);
    while (sl_log_head(&tx) < record_cnt) {
        publish_one();
        if (sl_log_head(&tx) == record_cnt * 3 / 8)
            signal_child(KILLED, SIGKILL);
        if (sl_log_head(&tx) == record_cnt / 2)
            signal_child(STOPPED, SIGSTOP);
        if (sl_log_head(&tx) == record_cnt * 3 / 4)
            signal_child(STOPPED, SIGCONT);
    }
    /* The evicted one gates again once it has caught up, which only a look at the seats can grant. */
    while (!children[EVICTED].ended) {
        sl_log_poll_gates(&tx);
        reap(false);
        sched_yield();
    }
    reap(true);
    return check_evictions() ? 0 : 1;
}
