#include "pipeline/control.h"

#include "pipeline/ledger.h"
#include "pipeline/readers.h"
#include "pipeline/run.h"
#include "pipeline/say.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_MS 250 /* how often the feeds' silence and the threads' health, and the places of readers, are looked at */

struct control {
    int fd;
    const struct sl_config *config;
    const struct sl_ledger *ledger;
    struct sl_walk *walk;
    struct sl_run *run;
    struct sl_mem seats[SL_LOG_SEATS];
    struct sl_readers readers;
    int64_t silence_ns[SL_FEEDS_MAX];
    bool silent[SL_FEEDS_MAX];
    uint64_t number_waits;
    int64_t start_ns;
};

static void tell(int fd, enum sl_control_what what, const char *text)
{
    struct sl_control message = { .what = what };
    snprintf(message.text, sizeof(message.text), "%s", text);
    sl_mem_send(fd, &message, sizeof(message), NULL, 0);
}

static void take_seat(struct control *control, const struct sl_control *message, int fd)
{
    if (message->idx >= SL_LOG_SEATS || control->seats[message->idx].addr) {
        close(fd);
        return;
    }
    struct sl_mem *seat = &control->seats[message->idx];
    int rc = sl_mem_open(seat, fd, sizeof(struct sl_seat), false);
    if (rc) {
        sl_say(SL_SAY_WARN, "control seat=%u: %s", message->idx, strerror(-rc));
        close(fd);
        seat->addr = NULL;
        return;
    }
    sl_readers_sit(&control->readers, message->idx, seat->addr, message->gates);
    sl_desk_seat(sl_walk_desk(control->walk), message->idx, seat->addr, message->gates);
}

static void leave_seat(struct control *control, uint32_t idx)
{
    if (idx >= SL_LOG_SEATS || !control->seats[idx].addr)
        return;
    struct sl_desk *desk = sl_walk_desk(control->walk);
    sl_readers_leave(&control->readers, idx);
    sl_desk_seat(desk, idx, NULL, false);
    /* The page may go only when the desk can no longer be looking at it; it polls at least every nap. */
    while (!sl_desk_seats_settled(desk) && !sl_run_failed(control->run))
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    sl_mem_close(&control->seats[idx]);
    control->seats[idx].addr = NULL;
}

static void look_for_silence(struct control *control)
{
    int64_t now_ns = sl_clock_real(NULL);
    for (uint32_t f = 0; f < control->config->feed_cnt; f++) {
        if (!control->silence_ns[f])
            continue;
        int64_t last_ns = (int64_t)sl_cell_get(&sl_books_rx(sl_walk_books(control->walk), f)[SL_RX_LAST_NS]);
        int64_t since_ns = now_ns - (last_ns ? last_ns : control->start_ns);
        bool silent = since_ns >= control->silence_ns[f];
        if (silent && !control->silent[f])
            sl_say(SL_SAY_WARN, "feed name=%s silent_s=%lld: look at its line", control->config->feeds[f].name,
                   since_ns / SL_TIME_NS);
        if (!silent && control->silent[f])
            sl_say(SL_SAY_INFO, "feed name=%s speaks again", control->config->feeds[f].name);
        control->silent[f] = silent;
    }
}

static void look_for_numbers(struct control *control)
{
    uint64_t waits = sl_cell_get(&sl_books_tape(sl_walk_books(control->walk))[SL_TAPE_NUMBER_WAITS]);
    if (waits != control->number_waits)
        sl_say(SL_SAY_ERROR, "desk times=%llu: waits until the journal has reserved numbers on the disk",
               (unsigned long long)(waits - control->number_waits));
    control->number_waits = waits;
}

/* One message from the supervisor.  False when the walk shall end. */
static bool obey(struct control *control)
{
    struct sl_control message;
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt = 0;
    ssize_t len = sl_mem_recv(control->fd, &message, sizeof(message), fds, &fd_cnt, 0);
    if (len == -EINTR || len == -EAGAIN)
        return true;
    if (len != (ssize_t)sizeof(message)) {
        sl_say(SL_SAY_WARN, "control: the supervisor is gone; draining");
        return false;
    }
    if (message.what == SL_CONTROL_SEAT && fd_cnt == 1) {
        take_seat(control, &message, fds[0]);
        return true;
    }
    for (unsigned i = 0; i < fd_cnt; i++)
        close(fds[i]);
    if (message.what == SL_CONTROL_LEAVE)
        leave_seat(control, message.idx);
    else if (message.what == SL_CONTROL_SILENCE && message.idx < control->config->feed_cnt)
        control->silence_ns[message.idx] = message.ns;
    return message.what != SL_CONTROL_DRAIN;
}

static int obey_until_the_end(struct control *control)
{
    for (;;) {
        struct pollfd poll_fd = { .fd = control->fd, .events = POLLIN };
        int rc = poll(&poll_fd, 1, LOOK_MS);
        if (rc < 0 && errno != EINTR)
            return -errno;
        if (rc > 0 && !obey(control))
            return 0;
        if (sl_run_failed(control->run))
            return sl_run_failed(control->run);
        look_for_silence(control);
        look_for_numbers(control);
        sl_readers_look(&control->readers, sl_clock_real(NULL));
        sl_ledger_show_journal(control->ledger, sl_walk_books(control->walk));
    }
}

int sl_walk_main(const struct sl_config *config, const struct sl_topo *topo, const struct sl_walk_memory *memory,
                 const struct sl_crash_note *crashed, uint32_t crashed_cnt, int control_fd)
{
    static struct control control;
    control = (struct control){
        .fd = control_fd, .config = config, .ledger = memory->ledger.addr, .start_ns = sl_clock_real(NULL)
    };
    for (uint32_t f = 0; f < config->feed_cnt; f++)
        control.silence_ns[f] = config->feeds[f].silence_ns;
    char err[512] = "";
    /* The supervisor's mappings come over by fork, but not that their pages are there. */
    const struct sl_mem *const logs[] = { &memory->tape, &memory->raw, &memory->books };
    for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++)
        if (logs[i]->addr)
            sl_mem_populate(logs[i], true);
    int rc = sl_walk_build(&control.walk, config, topo, memory, NULL, crashed, crashed_cnt, err, sizeof(err));
    if (rc) {
        tell(control_fd, SL_CONTROL_FAILED, err);
        return 1;
    }
    rc = sl_readers_init(&control.readers, sl_walk_books(control.walk), sl_desk_tape(sl_walk_desk(control.walk)),
                         memory->tape.addr, memory->tape.len);
    if (rc) {
        snprintf(err, sizeof(err), "readers: %s", strerror(-rc));
        tell(control_fd, SL_CONTROL_FAILED, err);
        return 1;
    }
    if (memory->journal_seats[0].addr)
        sl_readers_sit(&control.readers, SL_JOURNAL_SEAT, memory->journal_seats[0].addr, true);
    rc = sl_run_start(&control.run, control.walk, config->idle_spin_ns, NULL);
    if (rc) {
        snprintf(err, sizeof(err), "threads: %s", strerror(-rc));
        tell(control_fd, SL_CONTROL_FAILED, err);
        return 1;
    }
    tell(control_fd, SL_CONTROL_READY, err);
    rc = obey_until_the_end(&control);
    bool drained = sl_run_stop(control.run, SL_DRAIN_NS);
    sl_ledger_show_journal(control.ledger, sl_walk_books(control.walk));
    char line[256];
    bool balanced = sl_books_balance(sl_walk_books(control.walk), line, sizeof(line));
    if (drained && !balanced)
        sl_say(SL_SAY_ERROR, "books: %s", line);
    else if (!drained)
        sl_say(SL_SAY_WARN, "walk: stopped before all that was framed was answered; books: %s", line);
    sl_walk_fini(control.walk);
    return rc || !drained || !balanced;
}
