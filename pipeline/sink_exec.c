#include "pipeline/sink.h"

#include "pipeline/say.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A line of JSON for each bulletin, to the standard input of a command that stays.
 *
 * What has arrived?  A pipe does not tell what its reader has made of what it read.  One that acknowledges says so, by
 * a line on its standard output with the seq up to which all is done.  For the others a line counts as arrived once the
 * command has read this much behind it: what its own library may have had in its buffer when it died. */
#define UNSURE_LEN  65536u
#define PIPE_LEN    (1 << 20)
#define BATCH_MAX   128u /* lines in one write */
#define RETRY_NS    (SL_TIME_NS / 5)
#define STEADY_NS   (5 * SL_TIME_NS)
#define ACK_LEN_MAX 64u

struct exec {
    pid_t pid; /* 0: none */
    int pid_fd, in_fd, in_far_fd, out_fd; /* -1: none */
    uint64_t write_idx; /* the first that is not wholly in the pipe */
    uint32_t write_off;
    uint64_t written, done_off; /* bytes since the command began; of them, those of items that are done */
    int64_t start_ns;
    struct sl_backoff backoff;
    char ack[ACK_LEN_MAX];
    uint32_t ack_len;
    uint32_t batch;
    bool blocked, ended; /* ended: it was told to, by the end of its input */
};

static int init(struct sl_sink *sink)
{
    struct exec *exec = calloc(1, sizeof(*exec));
    if (!exec)
        return -ENOMEM;
    exec->pid_fd = exec->in_fd = exec->in_far_fd = exec->out_fd = -1;
    /* What is in the pipe can give way to nothing newer: most of the queue is to be outside of it. */
    exec->batch = sink->wants->queue_len / 8192 < BATCH_MAX ? (uint32_t)(sink->wants->queue_len / 8192) : BATCH_MAX;
    sl_backoff_init(&exec->backoff, RETRY_NS, sink->wants->reconnect_ns);
    sink->own = exec;
    return 0;
}

static void close_fd(struct sl_sink *sink, int *fd)
{
    if (*fd < 0)
        return;
    sl_sink_watch(sink, *fd, 0);
    close(*fd);
    *fd = -1;
}

/* ---- the command ---- */

static void become_command(const char *command, int in, int out)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    setpgid(0, 0);
    dup2(in, STDIN_FILENO);
    if (out >= 0)
        dup2(out, STDOUT_FILENO);
    execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static int open_pipes(struct exec *exec, const struct sl_config_sink *wants, int *out_far)
{
    uint64_t pipe_len = wants->queue_len / 4 < PIPE_LEN ? wants->queue_len / 4 : PIPE_LEN;
    int in[2], out[2];
    *out_far = -1;
    if (pipe2(in, O_CLOEXEC))
        return -errno;
    exec->in_far_fd = in[0]; /* kept: it tells how much is unread, also after the command died */
    exec->in_fd = in[1];
    fcntl(in[1], F_SETPIPE_SZ, (int)pipe_len);
    fcntl(in[1], F_SETFL, O_NONBLOCK);
    if (!wants->acknowledges)
        return 0;
    if (pipe2(out, O_CLOEXEC))
        return -errno;
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    exec->out_fd = out[0];
    *out_far = out[1];
    return 0;
}

static void close_pipes(struct sl_sink *sink)
{
    struct exec *exec = sink->own;
    close_fd(sink, &exec->in_fd);
    close_fd(sink, &exec->in_far_fd);
    close_fd(sink, &exec->out_fd);
    close_fd(sink, &exec->pid_fd);
}

static int start(struct sl_sink *sink, int64_t now_ns)
{
    struct exec *exec = sink->own;
    int out_far;
    int rc = open_pipes(exec, sink->wants, &out_far);
    pid_t pid = rc ? -1 : fork();
    if (pid == 0)
        become_command(sink->wants->command, exec->in_far_fd, out_far);
    if (!rc && pid < 0)
        rc = -errno;
    if (out_far >= 0)
        close(out_far);
    if (!rc)
        exec->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (!rc && exec->pid_fd < 0)
        rc = -errno;
    if (rc) {
        close_pipes(sink);
        return rc;
    }
    exec->pid = pid;
    exec->start_ns = now_ns;
    exec->write_off = exec->ack_len = 0;
    exec->written = exec->done_off = 0;
    exec->blocked = false;
    sl_sink_queue_again(&sink->queue);
    exec->write_idx = sink->queue.next;
    sink->account.peers = 1;
    sl_sink_watch(sink, exec->pid_fd, EPOLLIN);
    if (exec->out_fd >= 0)
        sl_sink_watch(sink, exec->out_fd, EPOLLIN);
    return 0;
}

static uint64_t count_unread(const struct exec *exec)
{
    int unread = 0;
    return ioctl(exec->in_far_fd, FIONREAD, &unread) ? UINT64_MAX : (uint64_t)unread;
}

/* ---- what has arrived ---- */

static void note_read(struct sl_sink *sink, uint64_t unsure)
{
    struct exec *exec = sink->own;
    uint64_t unread = count_unread(exec), idx = sink->queue.done;
    if (unread > exec->written || exec->written - unread < unsure)
        return;
    uint64_t off = exec->done_off, end = exec->written - unread - unsure;
    for (; idx < exec->write_idx; idx++) {
        const struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, idx);
        if (off + (item ? item->body_len : 0) > end)
            break;
        off += item ? item->body_len : 0;
    }
    exec->done_off = off;
    sl_sink_queue_done(&sink->queue, idx);
}

static void take_ack(struct sl_sink *sink)
{
    struct exec *exec = sink->own;
    char *end;
    exec->ack[exec->ack_len] = '\0';
    uint64_t seq = strtoull(exec->ack, &end, 10), idx = sink->queue.done;
    if (end == exec->ack || *end) {
        sl_sink_fault(sink, "'%.40s' is no acknowledgement; a seq alone on its line is expected", exec->ack);
        return;
    }
    /* Seqs grow within an epoch; an acknowledgement is of what was written, whatever it says. */
    for (uint64_t i = idx; i < exec->write_idx; i++) {
        const struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, i);
        if (item && item->seq == seq)
            idx = i + 1;
    }
    sl_sink_queue_done(&sink->queue, idx);
}

static void hear_acks(struct sl_sink *sink)
{
    struct exec *exec = sink->own;
    char buf[4096];
    ssize_t got = -1;
    while (exec->out_fd >= 0 && (got = read(exec->out_fd, buf, sizeof(buf))) > 0)
        for (ssize_t i = 0; i < got; i++) {
            if (buf[i] == '\n') {
                take_ack(sink);
                exec->ack_len = 0;
            } else if (exec->ack_len < ACK_LEN_MAX - 1) {
                exec->ack[exec->ack_len++] = buf[i];
            }
        }
    if (exec->out_fd >= 0 && got == 0)
        close_fd(sink, &exec->out_fd);
}

static void bury(struct sl_sink *sink, int status, int64_t now_ns)
{
    struct exec *exec = sink->own;
    hear_acks(sink);
    /* Who was told to end and did so in order has read, and dealt with, all he was given. */
    bool fine = exec->ended && WIFEXITED(status) && !WEXITSTATUS(status);
    if (!sink->wants->acknowledges)
        note_read(sink, fine ? 0 : UNSURE_LEN);
    close_pipes(sink);
    exec->pid = 0;
    sink->account.peers = 0;
    if (exec->ended)
        return;
    if (now_ns - exec->start_ns > STEADY_NS)
        sl_backoff_fine(&exec->backoff);
    sl_backoff_failed(&exec->backoff, now_ns);
    if (WIFSIGNALED(status))
        sl_sink_fault(sink, "command died of signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        sl_sink_fault(sink, "command ended with status %d", WEXITSTATUS(status));
}

/* ---- poll ---- */

static int put_lines(struct sl_sink *sink)
{
    struct exec *exec = sink->own;
    while (sink->queue.next - exec->write_idx < exec->batch && sl_sink_queue_next(&sink->queue))
        sl_sink_sent(sink);
    if (exec->write_idx == sink->queue.next)
        return 0;
    uint64_t idx = exec->write_idx;
    uint32_t off = exec->write_off;
    int rc = sl_sink_queue_write(&sink->queue, exec->in_fd, &exec->write_idx, &exec->write_off, sink->queue.next);
    for (; idx < exec->write_idx; idx++, off = 0) {
        const struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, idx);
        exec->written += item ? item->body_len - off : 0;
    }
    exec->written += exec->write_off - off;
    if (!rc != exec->blocked) {
        exec->blocked = !rc;
        sl_sink_watch(sink, exec->in_fd, exec->blocked ? EPOLLOUT : 0);
    }
    return rc > 0;
}

static int poll_command(struct sl_sink *sink, int64_t now_ns)
{
    struct exec *exec = sink->own;
    int status, rc;
    if (exec->pid && waitpid(exec->pid, &status, WNOHANG) == exec->pid)
        bury(sink, status, now_ns);
    if (!exec->pid) {
        if (exec->ended)
            return 0;
        sl_sink_wake_at(sink, exec->backoff.due_ns);
        if (now_ns < exec->backoff.due_ns)
            return 0;
        rc = start(sink, now_ns);
        if (rc) {
            sl_sink_fault(sink, "command cannot be started: %s", strerror(-rc));
            sl_backoff_failed(&exec->backoff, now_ns);
            return 0;
        }
    }
    if (exec->write_idx < sink->queue.done) { /* policy cut: half a line may be in the pipe */
        kill(-exec->pid, SIGKILL);
        return 0;
    }
    rc = exec->ended ? 0 : put_lines(sink);
    hear_acks(sink);
    if (!sink->wants->acknowledges)
        note_read(sink, UNSURE_LEN);
    if (sink->stopping && !exec->ended && !rc && exec->write_idx == sink->queue.next) {
        exec->ended = true;
        close_fd(sink, &exec->in_fd);
    }
    return rc;
}

static bool is_idle(struct sl_sink *sink)
{
    const struct exec *exec = sink->own;
    return exec->ended && !exec->pid;
}

static void fini(struct sl_sink *sink)
{
    struct exec *exec = sink->own;
    if (!exec)
        return;
    if (exec->pid)
        kill(-exec->pid, SIGTERM); /* it had its time */
    close_pipes(sink);
    free(exec);
}

const struct sl_sink_type sl_sink_exec = {
    .name = "exec", .init = init, .poll = poll_command, .is_idle = is_idle, .fini = fini
};
