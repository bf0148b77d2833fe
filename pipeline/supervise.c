#include "pipeline/supervise.h"

#include "pipeline/control.h"
#include "pipeline/handout.h"
#include "pipeline/journal.h"
#include "pipeline/ledger.h"
#include "pipeline/recall.h"
#include "pipeline/say.h"
#include "pipeline/segment.h"
#include "pipeline/sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELLO_NS           SL_TIME_NS /* a reader that has connected and says nothing is cut off */
#define KILL_NS            (SL_DRAIN_NS + SL_TIME_NS) /* a walk that was told to drain is killed after this */
#define RESTART_MIN_NS     (SL_TIME_NS / 20)
#define RESTART_MAX_NS     (10 * SL_TIME_NS)
#define STEADY_TIMES       20 /* a walk that lived so many times as long as it was waited for was not a bad start */
#define CRASHED_MAX        16u
#define JOURNAL_RESTART_NS SL_TIME_NS
#define LISTEN_NS          (3 * SL_TIME_NS) /* how long a port that is in use is asked for again */
#define LISTEN_TRY_MS      20
#define PLACE_NS           (30 * SL_TIME_NS) /* a journal that has not said where to begin by then is not waited for */
#define WELCOME_LEN_MAX    32768u

struct reader { /* a connection; its index is its seat */
    int fd;
    bool seated;
    int64_t since_ns;
};

struct supervisor {
    struct sl_config *config;
    const char *config_path;
    struct sl_topo topo;
    int signal_fd, listen_fd, control_fd;
    struct reader readers[SL_LOG_SEATS];
    struct sl_walk_memory memory;
    struct sl_mem notes; /* mapped here too: what a walk was parsing when it died */
    struct sl_crash_note crashed[CRASHED_MAX];
    uint32_t crashed_cnt;
    gid_t raw_gid;
    pid_t walk_pid;
    bool walk_ready, stopping;
    bool was_ready; /* of the walk whose memory this is: there may be something on its tape */
    int exit_status;
    uint64_t walk_cnt;
    int64_t walk_start_ns, restart_ns, restart_wait_ns, kill_ns; /* monotonic but the first; 0: not set */
    /* the journal, where there is one */
    pid_t journal_pid;
    int journal_fd;
    bool handed; /* it has the logs of the walk that lives, or lived last */
    bool undrained; /* a walk has published what the journal has not said it has */
    bool placed; /* the journal has said where the next walk begins */
    bool unread; /* a walk began without the journal: what the one before published last cannot be had again */
    struct sl_journal_places places;
    struct sl_durable lost; /* the tape's holes so far: only they count */
    int64_t journal_restart_ns, journal_kill_ns, place_by_ns;
    struct sl_sinks sinks;
};

static void notify_systemd(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    if (!path || strlen(path) >= sizeof(addr.sun_path))
        return;
    memcpy(addr.sun_path, path, strlen(path));
    if (addr.sun_path[0] == '@')
        addr.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&addr, len) < 0)
        sl_say(SL_SAY_WARN, "supervisor: service manager cannot be told: %s", strerror(errno));
    close(fd);
}

/* ---- the socket where readers ask ---- */

static bool somebody_serves(const struct sockaddr_un *addr)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    bool served = fd >= 0 && connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0;
    if (fd >= 0)
        close(fd);
    return served;
}

static void make_folder_of(const char *path)
{
    char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash || slash == folder)
        return;
    *slash = '\0';
    if (mkdir(folder, 0755) && errno != EEXIST)
        sl_say(SL_SAY_WARN, "supervisor: %s cannot be made: %s", folder, strerror(errno));
}

static bool group_id(const char *name, gid_t *gid)
{
    const struct group *group = getgrnam(name);
    if (group)
        *gid = group->gr_gid;
    return group != NULL;
}

static int open_socket(struct supervisor *supervisor)
{
    const char *path = supervisor->config->socket;
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(addr.sun_path)) {
        sl_say(SL_SAY_ERROR, "supervisor: tape.socket %s is longer than %zu bytes", path, sizeof(addr.sun_path) - 1);
        return -ENAMETOOLONG;
    }
    memcpy(addr.sun_path, path, strlen(path));
    if (somebody_serves(&addr)) {
        sl_say(SL_SAY_ERROR, "supervisor: a daemon already serves %s; stop it, or give this one another tape.socket",
               path);
        return -EADDRINUSE;
    }
    make_folder_of(path);
    unlink(path);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 64)) {
        int rc = -errno;
        sl_say(SL_SAY_ERROR, "supervisor: tape.socket %s: %s", path, strerror(-rc));
        if (fd >= 0)
            close(fd);
        return rc;
    }
    gid_t gid;
    if (supervisor->config->group && group_id(supervisor->config->group, &gid) && chown(path, (uid_t)-1, gid))
        sl_say(SL_SAY_WARN, "supervisor: %s cannot be given to group %s", path, supervisor->config->group);
    if (chmod(path, 0660))
        sl_say(SL_SAY_WARN, "supervisor: %s: %s", path, strerror(errno));
    supervisor->listen_fd = fd;
    return 0;
}

/* ---- listeners of feeds: open while a walk is started again, so that an agency that dials meanwhile waits ---- */

static int try_listener(struct sl_line_config *line)
{
    int fd = socket(line->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&line->addr, line->addr_len) || listen(fd, 16)) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    line->fd = fd;
    return 0;
}

/* What was killed just now may have the port for a moment more: io_uring gives its sockets back when its ring is taken
 * apart, which is after the process has gone. */
static int open_listener(struct sl_line_config *line)
{
    int rc = try_listener(line);
    for (int64_t until_ns = sl_clock_mono(NULL) + LISTEN_NS; rc == -EADDRINUSE && sl_clock_mono(NULL) < until_ns;) {
        poll(NULL, 0, LISTEN_TRY_MS);
        rc = try_listener(line);
    }
    return rc;
}

static int open_listeners(struct sl_config *config)
{
    for (uint32_t f = 0; f < config->feed_cnt; f++)
        for (uint32_t l = 0; l < config->feeds[f].line_cnt; l++) {
            struct sl_line_config *line = &config->feeds[f].lines[l];
            if (line->kind != SL_LINE_TCP_LISTEN)
                continue;
            int rc = open_listener(line);
            if (rc) {
                sl_say(SL_SAY_ERROR, "supervisor: feed %s: %s: %s", config->feeds[f].name, line->url, strerror(-rc));
                return rc;
            }
        }
    return 0;
}

/* ---- readers ---- */

static void forget_reader(struct supervisor *supervisor, uint32_t idx)
{
    struct reader *reader = &supervisor->readers[idx];
    close(reader->fd);
    if (reader->seated && supervisor->control_fd >= 0) {
        struct sl_control message = { .what = SL_CONTROL_LEAVE, .idx = idx };
        sl_mem_send(supervisor->control_fd, &message, sizeof(message), NULL, 0);
    }
    *reader = (struct reader){ .fd = -1 };
}

static void accept_readers(struct supervisor *supervisor, int64_t now_ns)
{
    uint32_t seat_cnt = supervisor->config->journal_directory ? SL_JOURNAL_SEAT : SL_LOG_SEATS;
    int fd;
    while ((fd = accept4(supervisor->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        uint32_t idx = 0;
        while (idx < seat_cnt && supervisor->readers[idx].fd >= 0)
            idx++;
        if (idx == seat_cnt) {
            struct sl_welcome welcome = { .magic = SL_HANDOUT_MAGIC, .version = SL_HANDOUT_VERSION, .status = -EUSERS };
            sl_mem_send(fd, &welcome, sizeof(welcome), NULL, 0);
            close(fd);
            continue;
        }
        supervisor->readers[idx] = (struct reader){ .fd = fd, .since_ns = now_ns };
    }
}

static bool may_read_raw(const struct supervisor *supervisor, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
        return false;
    if (peer.uid == 0 || peer.uid == geteuid())
        return true;
    if (supervisor->raw_gid == (gid_t)-1)
        return false;
    gid_t groups[64];
    socklen_t groups_len = sizeof(groups);
    if (peer.gid == supervisor->raw_gid)
        return true;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_len))
        return false;
    for (size_t i = 0; i < groups_len / sizeof(groups[0]); i++)
        if (groups[i] == supervisor->raw_gid)
            return true;
    return false;
}

static size_t list_names(const struct supervisor *supervisor, char *out, size_t cap)
{
    size_t len = 0;
    for (uint32_t f = 0; f < supervisor->config->feed_cnt; f++)
        len += (size_t)snprintf(out + len, cap - len, "%s", supervisor->config->feeds[f].name) + 1;
    for (uint32_t t = 0; t < supervisor->topo.thread_cnt; t++) {
        const struct sl_config_thread *thread = &supervisor->topo.threads[t];
        len += (size_t)snprintf(out + len, cap - len, "%s%s%s%s", thread->stages & SL_STAGE_RX ? "rx frame " : "",
                                !(thread->stages & SL_STAGE_DECODE) ? ""
                                : thread->heavy                     ? "decode-heavy "
                                                                    : "decode ",
                                thread->stages & SL_STAGE_DESK ? "desk " : "",
                                thread->stages & SL_STAGE_WAKER ? "waker " : "") +
               1;
    }
    /* Readers have folders of their own to be in. */
    const char *directory = supervisor->config->journal_directory;
    char *journal = directory ? realpath(directory, NULL) : NULL;
    if (len + (journal ? strlen(journal) : 0) < cap)
        len += (size_t)snprintf(out + len, cap - len, "%s", journal ? journal : "") + 1;
    free(journal);
    return len;
}

/* A fresh page for each reader: whoever had a seat before may still map his own. */
static int make_seat(int *fd)
{
    struct sl_mem seat;
    int rc = sl_mem_create(&seat, "slugline-seat", sizeof(struct sl_seat), 0);
    if (rc)
        return rc;
    rc = sl_mem_seal(&seat, true);
    *fd = fcntl(seat.fd, F_DUPFD_CLOEXEC, 0);
    if (*fd < 0)
        rc = -errno;
    sl_mem_close(&seat);
    return rc;
}

/* Descriptors that this hello has a right to, in handout order.  *seat_fd is ours to close. */
static int gather(struct supervisor *supervisor, const struct reader *reader, const struct sl_hello *hello, int *fds,
                  unsigned *cnt, int *seat_fd)
{
    if (hello->version != SL_HANDOUT_VERSION)
        return -EPROTONOSUPPORT;
    if (!supervisor->walk_ready)
        return -EAGAIN;
    fds[(*cnt)++] = supervisor->memory.books.fd;
    if (hello->flags & SL_HELLO_STATUS_ONLY)
        return 0;
    bool raw = hello->flags & SL_HELLO_RAW;
    if (raw && !supervisor->memory.raw.len)
        return -EOPNOTSUPP;
    if (raw && !may_read_raw(supervisor, reader->fd))
        return -EACCES;
    int rc = make_seat(seat_fd);
    if (rc)
        return rc;
    fds[(*cnt)++] = supervisor->memory.tape.fd;
    fds[(*cnt)++] = *seat_fd;
    if (raw)
        fds[(*cnt)++] = supervisor->memory.raw.fd;
    return 0;
}

static void welcome_reader(struct supervisor *supervisor, uint32_t idx)
{
    struct reader *reader = &supervisor->readers[idx];
    struct sl_hello hello;
    ssize_t got = recv(reader->fd, &hello, sizeof(hello), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got != (ssize_t)sizeof(hello) || hello.magic != SL_HANDOUT_MAGIC || reader->seated) {
        forget_reader(supervisor, idx);
        return;
    }
    static char buf[WELCOME_LEN_MAX];
    struct sl_welcome *welcome = (struct sl_welcome *)buf;
    *welcome = (struct sl_welcome){ .magic = SL_HANDOUT_MAGIC, .version = SL_HANDOUT_VERSION };
    int fds[SL_MEM_FDS_MAX], seat_fd = -1;
    unsigned fd_cnt = 0;
    size_t len = sizeof(*welcome);
    welcome->status = gather(supervisor, reader, &hello, fds, &fd_cnt, &seat_fd);
    if (!welcome->status) {
        welcome->epoch = supervisor->memory.epoch;
        welcome->walk_cnt = supervisor->walk_cnt;
        welcome->start_ns = supervisor->walk_start_ns;
        welcome->walk_pid = supervisor->walk_pid;
        welcome->supervisor_pid = getpid();
        welcome->seat_idx = idx;
        welcome->feed_cnt = supervisor->config->feed_cnt;
        welcome->thread_cnt = supervisor->topo.thread_cnt;
        snprintf(welcome->node, sizeof(welcome->node), "%s", supervisor->config->node);
        snprintf(welcome->tape_name, sizeof(welcome->tape_name), "%s", supervisor->config->tape_name);
        len += list_names(supervisor, welcome->feeds, sizeof(buf) - len);
    } else {
        fd_cnt = 0;
    }
    if (sl_mem_send(reader->fd, buf, len, fds, fd_cnt) || welcome->status) {
        forget_reader(supervisor, idx);
    } else if (seat_fd >= 0) {
        struct sl_control message = { .what = SL_CONTROL_SEAT, .idx = idx, .gates = !!(hello.flags & SL_HELLO_GATING) };
        reader->seated = true;
        sl_mem_send(supervisor->control_fd, &message, sizeof(message), &seat_fd, 1);
    } else {
        reader->seated = true; /* of a status reader: heard, no longer on the clock */
    }
    if (seat_fd >= 0)
        close(seat_fd);
}

static void forget_silent_readers(struct supervisor *supervisor, int64_t now_ns)
{
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++)
        if (supervisor->readers[i].fd >= 0 && !supervisor->readers[i].seated &&
            now_ns - supervisor->readers[i].since_ns > HELLO_NS)
            forget_reader(supervisor, i);
}

/* ---- memory ---- */

static void unmap_here(struct sl_mem *mem)
{
    struct sl_mem mapped = *mem;
    mapped.fd = -1;
    sl_mem_close(&mapped);
    mem->addr = NULL;
}

/* The next walk learns from the tape what has been published. A walk that was never ready published nothing, and had
 * not learned all: the tape before its own still counts. */
static void keep_tape(struct supervisor *supervisor)
{
    struct sl_walk_memory *memory = &supervisor->memory;
    if (!supervisor->was_ready)
        return;
    if (memory->before.fd >= 0)
        close(memory->before.fd);
    memory->before = memory->tape;
    memory->tape = (struct sl_mem){ .fd = -1 };
    supervisor->was_ready = false;
}

static void forget_before(struct supervisor *supervisor)
{
    struct sl_mem *before = &supervisor->memory.before;
    if (before->fd >= 0)
        close(before->fd);
    *before = (struct sl_mem){ .fd = -1 };
}

static void drop_memory(struct sl_walk_memory *memory)
{
    if (memory->alive_fd >= 0)
        close(memory->alive_fd);
    memory->alive_fd = -1;
    struct sl_mem *all[] = { &memory->tape, &memory->raw, &memory->books, &memory->journal_seats[0],
                             &memory->journal_seats[1] };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (all[i]->addr)
            unmap_here(all[i]);
        if (all[i]->len && all[i]->fd >= 0)
            close(all[i]->fd);
        *all[i] = (struct sl_mem){ .fd = -1 };
    }
}

static struct sl_durable *map_page(const struct sl_mem *seat)
{
    struct sl_durable *page = seat->len ? mmap(NULL, sizeof(*page), PROT_READ, MAP_SHARED, seat->fd, 0) : MAP_FAILED;
    return page == MAP_FAILED ? NULL : page;
}

/* What the journal has not got of the tapes so far, for the walk that begins: a repeat of it is none. */
static void keep_holes(struct supervisor *supervisor)
{
    struct sl_durable *page = map_page(&supervisor->memory.journal_seats[0]);
    if (!page)
        return;
    memset(&supervisor->lost, 0, sizeof(supervisor->lost));
    sl_durable_inherit(&supervisor->lost, page, 1, 0);
    munmap(page, sizeof(*page));
}

/* Nothing is overwritten before the journal has come and read it. */
static int make_journal_pages(struct supervisor *supervisor, const uint64_t reserved[2], bool has_raw)
{
    struct sl_walk_memory *memory = &supervisor->memory;
    const struct sl_old_tape *old = &memory->old_tape;
    const uint64_t firsts[] = { memory->tape_first, memory->raw_first };
    int rc = 0;
    for (unsigned i = 0; !rc && i < 1u + has_raw; i++) {
        rc = sl_mem_create(&memory->journal_seats[i], "slugline-journal-page", sizeof(struct sl_durable), 0);
        if (rc)
            break;
        struct sl_durable *page = memory->journal_seats[i].addr;
        snprintf(page->seat.name, sizeof(page->seat.name), "journal");
        sl_durable_pass(page, firsts[i] - 1);
        sl_durable_reserve(page, reserved[i]);
        if (!i)
            sl_durable_inherit(page, &supervisor->lost, old->durable_to + 1, old->epoch ? old->reserved_to : 0);
        /* Relaxed: nobody else has it yet. */
        atomic_store_explicit(&page->held_from, memory->held_from, memory_order_relaxed);
        rc = sl_mem_seal(&memory->journal_seats[i], true);
    }
    return rc;
}

static int make_memory(struct supervisor *supervisor)
{
    const struct sl_config *config = supervisor->config;
    struct sl_walk_memory *memory = &supervisor->memory;
    keep_holes(supervisor);
    keep_tape(supervisor);
    drop_memory(memory);
    int rc = sl_mem_create(&memory->tape, "slugline-tape", sl_topo_tape_footprint(config), SL_MEM_HUGE);
    if (!rc && config->raw_len)
        rc = sl_mem_create(&memory->raw, "slugline-raw", sl_topo_raw_footprint(config), SL_MEM_HUGE);
    if (!rc)
        rc = sl_mem_create(&memory->books, "slugline-books", sl_topo_books_footprint(config, &supervisor->topo), 0);
    if (!rc && getrandom(&memory->epoch, sizeof(memory->epoch), 0) != (ssize_t)sizeof(memory->epoch))
        rc = -errno;
    memory->epoch |= !memory->epoch; /* 0 means none */
    memory->notes = supervisor->notes;
    if (!rc && config->journal_directory) {
        memory->tape_first = supervisor->places.tape_next;
        memory->raw_first = supervisor->places.raw_next;
        memory->old_tape = supervisor->places.old_tape;
        memory->held_from = supervisor->places.held_from;
        memory->epoch = supervisor->places.epoch;
        rc = make_journal_pages(supervisor, supervisor->places.reserved, config->raw_len);
    }
    if (rc)
        sl_say(SL_SAY_ERROR, "supervisor: %" PRIu64 " MiB for the logs: %s",
               (uint64_t)(supervisor->topo.memory_logs >> 20), strerror(-rc));
    return rc;
}

/* In the child: everything that is the supervisor's alone.  A connection of a reader kept open here would hide from
 * him that the daemon is gone. */
static void leave_to_parent(struct supervisor *supervisor)
{
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++)
        if (supervisor->readers[i].fd >= 0)
            close(supervisor->readers[i].fd);
    close(supervisor->listen_fd);
    close(supervisor->signal_fd);
    if (supervisor->journal_fd >= 0)
        close(supervisor->journal_fd);
    if (supervisor->control_fd >= 0)
        close(supervisor->control_fd);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* A terminal's Ctrl-C reaches the whole group; it is the supervisor who stops the walk. */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- the journal ---- */

static void start_journal(struct supervisor *supervisor, int64_t now_ns)
{
    int pair[2];
    supervisor->journal_restart_ns = 0;
    supervisor->placed = supervisor->handed = false;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        supervisor->journal_restart_ns = now_ns + JOURNAL_RESTART_NS;
        return;
    }
    supervisor->journal_pid = fork();
    if (supervisor->journal_pid == 0) {
        leave_to_parent(supervisor);
        close(pair[0]);
        struct sl_journal_begin begin = { .config = supervisor->config,
                                          .ledger = supervisor->memory.ledger.addr,
                                          .tape_lives = supervisor->undrained && !supervisor->unread,
                                          .control_fd = pair[1] };
        _exit(sl_journal_main(&begin));
    }
    close(pair[1]);
    if (supervisor->journal_pid < 0) { /* -1 would be everybody to kill */
        sl_say(SL_SAY_ERROR, "supervisor: no process for the journal: %s", strerror(errno));
        close(pair[0]);
        supervisor->journal_pid = 0;
        supervisor->journal_restart_ns = now_ns + JOURNAL_RESTART_NS;
        return;
    }
    supervisor->journal_fd = pair[0];
}

static void hand_logs(struct supervisor *supervisor)
{
    struct sl_journal_word word = { .what = SL_JOURNAL_LOGS };
    if (supervisor->handed)
        return;
    supervisor->handed = true;
    const struct sl_walk_memory *memory = &supervisor->memory;
    int fds[6] = { memory->tape.fd, memory->journal_seats[0].fd };
    unsigned cnt = 2;
    if (memory->raw.len) {
        fds[cnt++] = memory->raw.fd;
        fds[cnt++] = memory->journal_seats[1].fd;
    }
    fds[cnt++] = memory->books.fd;
    fds[cnt++] = memory->alive_fd;
    word.thread_cnt = supervisor->topo.thread_cnt;
    sl_mem_send(supervisor->journal_fd, &word, sizeof(word), fds, cnt);
    supervisor->unread = false;
}

static void drain_journal(struct supervisor *supervisor)
{
    struct sl_journal_word word = { .what = SL_JOURNAL_DRAIN };
    supervisor->placed = false;
    sl_mem_send(supervisor->journal_fd, &word, sizeof(word), NULL, 0);
}

static void let_journal_go(struct supervisor *supervisor, int64_t now_ns)
{
    if (supervisor->journal_fd >= 0)
        close(supervisor->journal_fd); /* that is how it is told */
    supervisor->journal_fd = -1;
    supervisor->journal_kill_ns = now_ns + KILL_NS;
}

/* It has said where it stands: after its start, or, drained, after a walk that has gone. */
static void place_journal(struct supervisor *supervisor, const struct sl_journal_word *word, int64_t now_ns)
{
    if (supervisor->undrained && supervisor->walk_pid) {
        hand_logs(supervisor);
        return;
    }
    if (supervisor->undrained && !word->drained) {
        hand_logs(supervisor);
        drain_journal(supervisor);
        return;
    }
    supervisor->places = word->places;
    supervisor->undrained = supervisor->handed = false;
    supervisor->placed = true;
    if (supervisor->stopping)
        let_journal_go(supervisor, now_ns);
}

static void hear_journal(struct supervisor *supervisor, int64_t now_ns)
{
    struct sl_journal_word word;
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt = 0;
    ssize_t len = sl_mem_recv(supervisor->journal_fd, &word, sizeof(word), fds, &fd_cnt, MSG_DONTWAIT);
    for (unsigned i = 0; i < fd_cnt; i++)
        close(fds[i]);
    if (len != (ssize_t)sizeof(word)) {
        if (len != -EAGAIN && len != -EINTR) {
            close(supervisor->journal_fd); /* SIGCHLD tells the rest */
            supervisor->journal_fd = -1;
        }
        return;
    }
    word.text[sizeof(word.text) - 1] = '\0';
    if (word.what == SL_JOURNAL_PLACES) {
        place_journal(supervisor, &word, now_ns);
    } else if (word.what == SL_JOURNAL_FAILED) {
        sl_say(SL_SAY_ERROR, "%s", word.text);
        if (!supervisor->walk_pid) /* it need not be waited for */
            supervisor->place_by_ns = now_ns;
        if (!supervisor->walk_cnt) { /* what the configuration asks for cannot be */
            supervisor->stopping = true;
            supervisor->exit_status = 1;
        }
    }
}

static void bury_journal(struct supervisor *supervisor, int status, int64_t now_ns)
{
    bool was_fine = supervisor->placed || supervisor->walk_ready;
    supervisor->journal_pid = 0;
    supervisor->journal_kill_ns = 0;
    if (supervisor->journal_fd >= 0)
        hear_journal(supervisor, now_ns);
    if (supervisor->journal_fd >= 0)
        close(supervisor->journal_fd);
    supervisor->journal_fd = -1;
    supervisor->placed = false;
    for (unsigned family = 0; family < SL_FAMILY_CNT; family++)
        sl_ledger_alarm(supervisor->memory.ledger.addr, family, ESRCH);
    if (supervisor->stopping && !supervisor->undrained) {
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            supervisor->exit_status = 1;
        return;
    }
    if (WIFSIGNALED(status))
        sl_say(SL_SAY_ERROR, "supervisor: journal died of signal %d (%s); starting the next", WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    else
        sl_say(SL_SAY_ERROR, "supervisor: journal ended with status %d; starting the next", WEXITSTATUS(status));
    supervisor->journal_restart_ns = now_ns + (WIFSIGNALED(status) && was_fine ? RESTART_MIN_NS : JOURNAL_RESTART_NS);
}

/* Whether a walk may begin: the journal, where there is one, has said where. */
static bool is_placed(const struct supervisor *supervisor)
{
    return !supervisor->config->journal_directory || (supervisor->journal_fd >= 0 && supervisor->placed);
}

/* To read what a walk has left, which is not mapped here. */
static int map_again(const struct sl_mem *mem, struct sl_mem *mapped)
{
    int fd = mem->len ? fcntl(mem->fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (fd < 0)
        return -EBADF;
    int rc = sl_mem_open(mapped, fd, mem->len, false);
    if (rc)
        close(fd);
    return rc;
}

/* The last seq of a log whose writer is dead; before, where there was none. */
static uint64_t head_of(const struct sl_mem *mem, uint64_t before)
{
    struct sl_log_rx rx;
    struct sl_mem mapped;
    if (map_again(mem, &mapped))
        return before;
    if (!sl_log_join_rx(&rx, mapped.addr, mapped.len))
        before = sl_log_rx_head(&rx);
    sl_mem_close(&mapped);
    return before;
}

/* As the journal would have said it: what was reserved is still good. */
static int place_by_memory(struct supervisor *supervisor)
{
    const struct sl_walk_memory *memory = &supervisor->memory;
    struct sl_journal_places places = supervisor->places;
    uint64_t done[2] = { memory->tape_first - 1, memory->raw_first - 1 };
    for (unsigned i = 0; i < 2; i++) {
        struct sl_durable *page = map_page(&memory->journal_seats[i]);
        if (!page)
            continue;
        places.reserved[i] = sl_durable_reserved(page);
        done[i] = sl_durable_done(page);
        /* Relaxed: its writer is dead. */
        uint64_t held_from = i ? 0 : atomic_load_explicit(&page->held_from, memory_order_relaxed);
        places.held_from = i ? places.held_from : held_from ? held_from : memory->tape_first;
        munmap(page, sizeof(*page));
    }
    /* What this tape's own first record was to name is still to be named, if that is not on the disk. */
    if (done[0] < memory->tape_first && memory->old_tape.epoch)
        done[0] = memory->old_tape.durable_to;
    places.old_tape = (struct sl_old_tape){ memory->epoch, done[0], head_of(&memory->tape, memory->tape_first - 1) };
    places.tape_next = places.old_tape.reserved_to + 1;
    places.raw_next = head_of(&memory->raw, memory->raw_first - 1) + 1;
    if (getrandom(&places.epoch, sizeof(places.epoch), 0) != (ssize_t)sizeof(places.epoch))
        return -errno;
    places.epoch |= !places.epoch; /* 0 means none */
    supervisor->places = places;
    return 0;
}

/* ---- the walk ---- */

static void start_walk(struct supervisor *supervisor, int64_t now_ns)
{
    int pair[2], alive[2];
    supervisor->restart_ns = supervisor->place_by_ns = 0;
    if (make_memory(supervisor) || pipe2(alive, O_CLOEXEC)) {
        supervisor->restart_ns = now_ns + RESTART_MAX_NS;
        return;
    }
    supervisor->memory.alive_fd = alive[0];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        close(alive[1]);
        supervisor->restart_ns = now_ns + RESTART_MAX_NS;
        return;
    }
    supervisor->walk_pid = fork();
    if (supervisor->walk_pid == 0) { /* and keeps alive[1] as long as it lives */
        leave_to_parent(supervisor);
        close(pair[0]);
        _exit(sl_walk_main(supervisor->config, &supervisor->topo, &supervisor->memory, supervisor->crashed,
                           supervisor->crashed_cnt, pair[1]));
    }
    close(pair[1]);
    close(alive[1]);
    if (supervisor->walk_pid < 0) {
        sl_say(SL_SAY_ERROR, "supervisor: no process for the walk: %s", strerror(errno));
        close(pair[0]);
        supervisor->walk_pid = 0; /* -1 would be everybody to kill */
        supervisor->restart_ns = now_ns + RESTART_MAX_NS;
        return;
    }
    supervisor->control_fd = pair[0];
    supervisor->walk_cnt++;
    supervisor->walk_start_ns = sl_clock_real(NULL);
    /* The child has its mappings; from here on nobody makes another writable one, this process included. */
    struct sl_mem *all[] = { &supervisor->memory.tape, &supervisor->memory.books, &supervisor->memory.raw };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i]->len) {
            sl_mem_seal(all[i], false);
            unmap_here(all[i]);
        }
    for (unsigned i = 0; i < 2; i++)
        if (supervisor->memory.journal_seats[i].addr)
            unmap_here(&supervisor->memory.journal_seats[i]);
}

/* The tape goes on without its journal, which has failed or does not answer; what it had not written yet is named by
 * the first record of the next tape. */
static void go_on_unplaced(struct supervisor *supervisor, int64_t now_ns)
{
    supervisor->place_by_ns = 0;
    if (!supervisor->walk_cnt) {
        sl_say(SL_SAY_ERROR,
               "supervisor: the journal in %s has not said within %lld s where to begin; look at its disk",
               supervisor->config->journal_directory, PLACE_NS / SL_TIME_NS);
        supervisor->stopping = true;
        supervisor->exit_status = 1;
        let_journal_go(supervisor, now_ns);
        return;
    }
    if (supervisor->was_ready && place_by_memory(supervisor)) /* else no number has been used */
        return;
    sl_say(SL_SAY_ERROR,
           "supervisor: the journal does not say where to begin; the next walk begins at %" PRIu64 " without it",
           supervisor->places.tape_next);
    if (supervisor->journal_pid)
        kill(supervisor->journal_pid, SIGKILL);
    supervisor->undrained = supervisor->handed = false;
    supervisor->unread = true;
    start_walk(supervisor, now_ns);
}

static void hear_walk(struct supervisor *supervisor)
{
    struct sl_control message;
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt = 0;
    ssize_t len = sl_mem_recv(supervisor->control_fd, &message, sizeof(message), fds, &fd_cnt, MSG_DONTWAIT);
    for (unsigned i = 0; i < fd_cnt; i++)
        close(fds[i]);
    if (len != (ssize_t)sizeof(message)) {
        if (len != -EAGAIN && len != -EINTR) {
            close(supervisor->control_fd); /* SIGCHLD tells the rest */
            supervisor->control_fd = -1;
        }
        return;
    }
    message.text[sizeof(message.text) - 1] = '\0';
    if (message.what == SL_CONTROL_READY) {
        supervisor->walk_ready = supervisor->was_ready = true;
        forget_before(supervisor);
        supervisor->undrained = supervisor->config->journal_directory;
        if (supervisor->journal_fd >= 0 && supervisor->undrained)
            hand_logs(supervisor);
        sl_say(SL_SAY_INFO, "supervisor: walk up pid=%d walk=%" PRIu64 " epoch=%016" PRIx64 "%s%s",
               supervisor->walk_pid, supervisor->walk_cnt, supervisor->memory.epoch, message.text[0] ? ": " : "",
               message.text);
        notify_systemd("READY=1");
    } else if (message.what == SL_CONTROL_FAILED) {
        sl_say(SL_SAY_ERROR, "%s", message.text);
        /* The first start failed on what the configuration asks for: trying again would not help. */
        if (supervisor->walk_cnt == 1) {
            supervisor->stopping = true;
            supervisor->exit_status = 1;
        }
    }
}

/* What the walk was parsing when it died comes first to the next one, which rejects it. */
static void read_crash_notes(struct supervisor *supervisor)
{
    struct sl_crash_note *notes = supervisor->notes.addr;
    supervisor->crashed_cnt = 0;
    for (uint32_t t = 0; t < supervisor->topo.thread_cnt && supervisor->crashed_cnt < CRASHED_MAX; t++) {
        /* Relaxed: its writer is dead, and waitpid came between. */
        if (!atomic_load_explicit(&notes[t].hash, memory_order_relaxed))
            continue;
        memcpy(&supervisor->crashed[supervisor->crashed_cnt++], &notes[t], sizeof(notes[t]));
        sl_say(SL_SAY_ERROR, "supervisor: feed=%s len=%u: this message killed the walk; it is kept as a reject",
               notes[t].feed < supervisor->config->feed_cnt ? supervisor->config->feeds[notes[t].feed].name : "?",
               notes[t].len);
    }
    memset(notes, 0, supervisor->topo.thread_cnt * sizeof(*notes));
}

/* What it counted is for all walks. */
static void fold_books(struct supervisor *supervisor)
{
    const struct sl_walk_memory *memory = &supervisor->memory;
    struct sl_mem mapped, tape = { 0 };
    struct sl_books books;
    struct sl_log_rx rx;
    if (map_again(&memory->books, &mapped))
        return;
    bool has_tape = !map_again(&memory->tape, &tape) && !sl_log_join_rx(&rx, tape.addr, tape.len);
    if (!sl_books_join(&books, mapped.addr, mapped.len, supervisor->config->feed_cnt, supervisor->topo.thread_cnt))
        sl_ledger_fold(memory->ledger.addr, &books, has_tape ? &rx : NULL, memory->epoch);
    sl_mem_close(&mapped);
    if (tape.addr)
        sl_mem_close(&tape);
}

static void bury_walk(struct supervisor *supervisor, int status, int64_t now_ns)
{
    bool was_ready = supervisor->walk_ready;
    supervisor->walk_pid = 0;
    supervisor->walk_ready = false;
    supervisor->kill_ns = supervisor->place_by_ns = 0;
    if (supervisor->control_fd >= 0)
        hear_walk(supervisor);
    supervisor->walk_ready = false; /* its last word may have been that it was */
    if (supervisor->control_fd >= 0)
        close(supervisor->control_fd);
    supervisor->control_fd = -1;
    fold_books(supervisor);
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++)
        if (supervisor->readers[i].fd >= 0 && supervisor->readers[i].seated)
            forget_reader(supervisor, i);
    if (supervisor->journal_fd >= 0 && supervisor->undrained && supervisor->handed)
        drain_journal(supervisor); /* one that has just begun is asked when it has said where it stands */
    else if (supervisor->journal_fd >= 0 && supervisor->stopping && !supervisor->undrained)
        let_journal_go(supervisor, now_ns);
    if (supervisor->stopping) {
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            supervisor->exit_status = 1;
        return;
    }
    if (WIFSIGNALED(status))
        sl_say(SL_SAY_ERROR, "supervisor: walk died of signal %d (%s); starting the next", WTERMSIG(status),
               strsignal(WTERMSIG(status)));
    else
        sl_say(SL_SAY_ERROR, "supervisor: walk ended with status %d; starting the next", WEXITSTATUS(status));
    read_crash_notes(supervisor);
    int64_t lived_ns = sl_clock_real(NULL) - supervisor->walk_start_ns;
    bool steady = was_ready && lived_ns >= STEADY_TIMES * supervisor->restart_wait_ns;
    supervisor->restart_wait_ns =
        steady || !supervisor->restart_wait_ns ? RESTART_MIN_NS : 2 * supervisor->restart_wait_ns;
    if (supervisor->restart_wait_ns > RESTART_MAX_NS)
        supervisor->restart_wait_ns = RESTART_MAX_NS;
    supervisor->restart_ns = now_ns + supervisor->restart_wait_ns;
}

/* ---- signals ---- */

static void begin_to_stop(struct supervisor *supervisor, int64_t now_ns)
{
    if (supervisor->stopping && supervisor->walk_pid) {
        kill(supervisor->walk_pid, SIGKILL); /* asked twice */
        return;
    }
    supervisor->stopping = true;
    notify_systemd("STOPPING=1");
    if (!supervisor->walk_pid && !supervisor->undrained)
        let_journal_go(supervisor, now_ns);
    if (!supervisor->walk_pid)
        return;
    struct sl_control message = { .what = SL_CONTROL_DRAIN };
    sl_mem_send(supervisor->control_fd, &message, sizeof(message), NULL, 0);
    supervisor->kill_ns = now_ns + KILL_NS;
}

static void read_config_again(struct supervisor *supervisor)
{
    if (!supervisor->config_path)
        return;
    struct sl_config next;
    char err[512];
    if (sl_config_read(&next, supervisor->config_path, err, sizeof(err))) {
        sl_say(SL_SAY_ERROR, "config: %s; the running one stays", err);
        return;
    }
    char key[SL_CONFIG_PATH_LEN];
    if (!sl_config_can_change(supervisor->config, &next, key)) {
        sl_say(SL_SAY_WARN, "config: %s cannot change without a restart; the running one stays", key);
    } else {
        for (uint32_t f = 0; f < next.feed_cnt; f++) {
            struct sl_control message = { .what = SL_CONTROL_SILENCE, .idx = f, .ns = next.feeds[f].silence_ns };
            supervisor->config->feeds[f].silence_ns = next.feeds[f].silence_ns;
            if (supervisor->control_fd >= 0)
                sl_mem_send(supervisor->control_fd, &message, sizeof(message), NULL, 0);
        }
        sl_say(SL_SAY_INFO, "config: read again");
    }
    sl_config_free(&next);
}

static void hear_signals(struct supervisor *supervisor, int64_t now_ns)
{
    struct signalfd_siginfo info;
    while (read(supervisor->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            begin_to_stop(supervisor, now_ns);
        else if (info.ssi_signo == SIGHUP)
            read_config_again(supervisor);
    }
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        if (pid == supervisor->walk_pid)
            bury_walk(supervisor, status, now_ns);
        else if (pid == supervisor->journal_pid)
            bury_journal(supervisor, status, now_ns);
        else
            sl_sinks_bury(&supervisor->sinks, pid, status, now_ns);
}

static int open_signals(struct supervisor *supervisor)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    supervisor->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return supervisor->signal_fd < 0 ? -errno : 0;
}

/* ---- the loop ---- */

static void leave_to_parent_of_sink(void *supervisor) { leave_to_parent(supervisor); }

/* They begin when there is a tape, and stop when all is on it. */
static void mind_sinks(struct supervisor *supervisor, int64_t now_ns)
{
    if (supervisor->stopping && !supervisor->walk_pid)
        sl_sinks_stop(&supervisor->sinks, now_ns);
    if (supervisor->walk_ready || supervisor->stopping)
        sl_sinks_start_due(&supervisor->sinks, now_ns, leave_to_parent_of_sink, supervisor);
}

static void wait_and_hear(struct supervisor *supervisor)
{
    struct pollfd fds[SL_LOG_SEATS + 4];
    uint32_t seat_of[SL_LOG_SEATS + 4];
    nfds_t cnt = 0;
    fds[cnt++] = (struct pollfd){ .fd = supervisor->signal_fd, .events = POLLIN };
    fds[cnt++] = (struct pollfd){ .fd = supervisor->listen_fd, .events = POLLIN };
    fds[cnt++] = (struct pollfd){ .fd = supervisor->control_fd, .events = POLLIN };
    fds[cnt++] = (struct pollfd){ .fd = supervisor->journal_fd, .events = POLLIN };
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++)
        if (supervisor->readers[i].fd >= 0) {
            seat_of[cnt] = i;
            fds[cnt++] = (struct pollfd){ .fd = supervisor->readers[i].fd, .events = POLLIN };
        }
    bool soon = supervisor->restart_ns || supervisor->journal_restart_ns || sl_sinks_due(&supervisor->sinks);
    if (poll(fds, cnt, soon ? 20 : 250) < 0 && errno != EINTR)
        sl_say(SL_SAY_WARN, "supervisor: poll: %s", strerror(errno));
    int64_t now_ns = sl_clock_mono(NULL);
    for (nfds_t i = 4; i < cnt; i++)
        if (fds[i].revents)
            welcome_reader(supervisor, seat_of[i]);
    if (fds[2].revents && supervisor->control_fd >= 0)
        hear_walk(supervisor);
    if (fds[3].revents && supervisor->journal_fd >= 0)
        hear_journal(supervisor, now_ns);
    if (fds[1].revents)
        accept_readers(supervisor, now_ns);
    forget_silent_readers(supervisor, now_ns);
    hear_signals(supervisor, now_ns);
    if (supervisor->kill_ns && now_ns > supervisor->kill_ns && supervisor->walk_pid) {
        sl_say(SL_SAY_ERROR, "supervisor: the walk does not end; killing it");
        kill(supervisor->walk_pid, SIGKILL);
        supervisor->kill_ns = 0;
    }
    if (supervisor->journal_kill_ns && now_ns > supervisor->journal_kill_ns && supervisor->journal_pid) {
        sl_say(SL_SAY_ERROR, "supervisor: the journal does not end; killing it");
        kill(supervisor->journal_pid, SIGKILL);
        supervisor->journal_kill_ns = 0;
    }
    bool wanted = !supervisor->stopping || supervisor->undrained;
    if (supervisor->journal_restart_ns && now_ns >= supervisor->journal_restart_ns && wanted)
        start_journal(supervisor, now_ns);
    bool walk_due = supervisor->restart_ns && now_ns >= supervisor->restart_ns && !supervisor->stopping;
    if (walk_due && is_placed(supervisor))
        start_walk(supervisor, now_ns);
    else if (walk_due && !supervisor->place_by_ns)
        supervisor->place_by_ns = now_ns + PLACE_NS;
    else if (walk_due && now_ns >= supervisor->place_by_ns)
        go_on_unplaced(supervisor, now_ns);
    mind_sinks(supervisor, now_ns);
}

static void begin_without_journal(struct supervisor *supervisor)
{
    struct sl_ledger *ledger = supervisor->memory.ledger.addr;
    ledger->since_ns = sl_clock_real(NULL);
    start_walk(supervisor, supervisor->restart_ns);
}

static uint32_t cores_of_this_process(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) ? 1 : (uint32_t)CPU_COUNT(&set);
}

int sl_supervise(struct sl_config *config, const char *config_path)
{
    static struct supervisor supervisor;
    supervisor = (struct supervisor){ .config = config,
                                      .config_path = config_path,
                                      .raw_gid = (gid_t)-1,
                                      .signal_fd = -1,
                                      .listen_fd = -1,
                                      .control_fd = -1,
                                      .journal_fd = -1 };
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++)
        supervisor.readers[i].fd = -1;
    char err[512];
    if (sl_topo_plan(&supervisor.topo, config, cores_of_this_process(), err, sizeof(err))) {
        sl_say(SL_SAY_ERROR, "topology: %s", err);
        return 1;
    }
    if (config->raw_group)
        group_id(config->raw_group, &supervisor.raw_gid);
    int rc = sl_mem_create(&supervisor.notes, "slugline-notes", sl_topo_notes_footprint(&supervisor.topo), 0);
    supervisor.memory.before.fd = supervisor.memory.alive_fd = -1;
    if (!rc)
        rc = sl_mem_create(&supervisor.memory.past, "slugline-past", sizeof(struct sl_past), 0);
    if (!rc)
        rc = sl_mem_create(&supervisor.memory.ledger, "slugline-ledger", sizeof(struct sl_ledger), 0);
    if (rc) {
        sl_say(SL_SAY_ERROR, "supervisor: crash notes: %s", strerror(-rc));
        return 1;
    }
    if (open_signals(&supervisor) || open_listeners(config) || open_socket(&supervisor))
        return 1;
    sl_ledger_begin(supervisor.memory.ledger.addr, config);
    supervisor.restart_ns = sl_clock_mono(NULL);
    if (config->journal_directory)
        start_journal(&supervisor, supervisor.restart_ns);
    else
        begin_without_journal(&supervisor);
    sl_sinks_init(&supervisor.sinks, config, config_path);
    while (!supervisor.stopping || supervisor.walk_pid || supervisor.journal_pid || sl_sinks_any(&supervisor.sinks) ||
           (supervisor.undrained && supervisor.journal_restart_ns))
        wait_and_hear(&supervisor);
    unlink(config->socket);
    drop_memory(&supervisor.memory);
    forget_before(&supervisor);
    sl_mem_close(&supervisor.memory.past);
    sl_mem_close(&supervisor.memory.ledger);
    sl_mem_close(&supervisor.notes);
    return supervisor.exit_status;
}
