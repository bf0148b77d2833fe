#include "pipeline/sink.h"

#include "pipeline/sink_doc.h"
#include "pipeline/sink_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file for each bulletin, there exactly once, whatever is killed when.
 *
 *     .NAME/EPOCH-SEQ~folder%file   written    -->  synced  -->  place saved  -->  renamed to folder/file
 *
 * The place is the decision: what lies in the work folder up to it is renamed by the next start, what lies behind it is
 * thrown away and written anew.  A rename happens once, so nobody who takes files away finds one twice.  A batch has
 * one epoch, and the next begins only when its renames are on the disk: else a power loss could leave files of an epoch
 * that the place no longer names. */
#define BATCH      256u
#define TARGET_MAX 200u
#define RETRY_NS   (SL_TIME_NS / 5)
#define DEFAULT    "{provider}-{kind}-{hash}"

struct files {
    int folder_fd, work_fd; /* -1: not open */
    char work[40], name[256]; /* of the work folder in it; the template */
    const char *end; /* .json */
    struct sl_backoff backoff;
    bool written; /* batch lies in the work folder, synced and decided */
    uint64_t renamed_idx;
};

/* ---- names ---- */

/* The identity is always part of it: two bulletins never share a file, one bulletin never has two. */
static int make_template(struct sl_sink *sink)
{
    static const char *const ends[] = { [SL_SINK_NINJS] = ".json", [SL_SINK_NITF] = ".xml", [SL_SINK_TEXT] = ".txt" };
    struct files *files = sink->own;
    const char *given = sink->wants->file ? sink->wants->file : DEFAULT;
    files->end = ends[sink->wants->shape];
    int len = snprintf(files->name, sizeof(files->name), "%s%s%s", given, strstr(given, "{hash}") ? "" : "-{hash}",
                       files->end);
    return len < (int)sizeof(files->name) ? 0 : -ENAMETOOLONG;
}

static size_t write_file(struct sl_sink *sink, char *buf, size_t cap, const struct sl_event *event, size_t *head_len)
{
    struct files *files = sink->own;
    char hash[SL_SINK_HASH_LEN + 1];
    size_t len = sl_sink_name(buf, cap, files->name, event);
    if (len > TARGET_MAX) {
        sl_sink_hash(event->bulletin, hash);
        len = (size_t)snprintf(buf, cap, "%s%s", hash, files->end);
    }
    *head_len = len + 1;
    char *body = *head_len < cap ? buf + *head_len : buf;
    size_t room = *head_len < cap ? cap - *head_len : 0;
    switch (sink->wants->shape) {
    case SL_SINK_NITF:
        return *head_len + sl_sink_nitf(body, room, event);
    case SL_SINK_TEXT:
        return *head_len + sl_sink_text(body, room, event);
    case SL_SINK_NINJS:
    case SL_SINK_BINARY: /* refused in the configuration */
        break;
    }
    return *head_len + sl_sink_line(body, room, event);
}

static void work_name(char name[NAME_MAX + 1], uint64_t epoch, uint64_t seq, const char *target)
{
    snprintf(name, NAME_MAX + 1, "%016" PRIx64 "-%020" PRIu64 "~%s", epoch, seq, target);
    for (char *c = name; *c; c++)
        if (*c == '/')
            *c = '%'; /* which no safe name holds */
}

/* ---- moving ---- */

static void make_folders(int fd, const char *target)
{
    char folder[TARGET_MAX + 1];
    snprintf(folder, sizeof(folder), "%s", target);
    for (char *slash = strchr(folder, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdirat(fd, folder, 0775);
        *slash = '/';
    }
}

static int move(struct files *files, const char *work, const char *target)
{
    if (!renameat(files->work_fd, work, files->folder_fd, target))
        return 0;
    if (errno == ENOENT && faccessat(files->work_fd, work, F_OK, 0))
        return 0; /* was moved before a failure that came behind it */
    make_folders(files->folder_fd, target);
    return renameat(files->work_fd, work, files->folder_fd, target) ? -errno : 0;
}

static int mend_one(struct sl_sink *sink, const char *work)
{
    struct files *files = sink->own;
    char target[NAME_MAX + 1];
    uint64_t epoch, seq;
    int at = 0;
    if (sscanf(work, "%16" SCNx64 "-%20" SCNu64 "~%n", &epoch, &seq, &at) != 2 || !at)
        return 0; /* not ours */
    if (epoch != sink->saved.epoch || seq > sink->saved.seq)
        return unlinkat(files->work_fd, work, 0) ? -errno : 0;
    snprintf(target, sizeof(target), "%s", work + at);
    for (char *c = target; *c; c++)
        if (*c == '%')
            *c = '/';
    return move(files, work, target);
}

/* What a crash left in the work folder. */
static int mend(struct sl_sink *sink)
{
    struct files *files = sink->own;
    int rc = 0, fd = dup(files->work_fd);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder)
        return -errno;
    for (const struct dirent *entry; !rc && (entry = readdir(folder));)
        if (*entry->d_name != '.')
            rc = mend_one(sink, entry->d_name);
    closedir(folder);
    return rc;
}

static int open_folders(struct sl_sink *sink)
{
    struct files *files = sink->own;
    files->folder_fd = open(sink->wants->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->folder_fd < 0)
        return -errno;
    if (mkdirat(files->folder_fd, files->work, 0770) && errno != EEXIST)
        return -errno;
    files->work_fd = openat(files->folder_fd, files->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return files->work_fd < 0 ? -errno : mend(sink);
}

static void close_folders(struct files *files)
{
    if (files->work_fd >= 0)
        close(files->work_fd);
    if (files->folder_fd >= 0)
        close(files->folder_fd);
    files->work_fd = files->folder_fd = -1;
}

static int init(struct sl_sink *sink)
{
    struct files *files = calloc(1, sizeof(*files));
    if (!files)
        return -ENOMEM;
    sink->own = files;
    files->folder_fd = files->work_fd = -1;
    snprintf(files->work, sizeof(files->work), ".%s", sink->wants->name);
    sl_backoff_init(&files->backoff, RETRY_NS, sink->wants->reconnect_ns);
    int rc = make_template(sink);
    if (rc)
        sl_sink_fault(sink, "file: the template is too long");
    return rc;
}

/* ---- a batch ---- */

static int write_whole(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t put = write(fd, data, len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return put < 0 ? -errno : -ENOSPC;
        data += put;
        len -= (size_t)put;
    }
    return 0;
}

static int write_item(struct files *files, const struct sl_sink_item *item)
{
    char work[NAME_MAX + 1];
    work_name(work, item->epoch, item->seq, item->bytes);
    int fd = openat(files->work_fd, work, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0664);
    if (fd < 0)
        return -errno;
    int rc = write_whole(fd, sl_sink_item_body(item), item->body_len);
    if (close(fd) && !rc)
        rc = -errno;
    if (rc)
        unlinkat(files->work_fd, work, 0);
    return rc;
}

static int write_batch(struct sl_sink *sink)
{
    struct files *files = sink->own;
    const struct sl_sink_item *item;
    uint64_t epoch = 0;
    for (unsigned i = 0; i < BATCH && (item = sl_sink_queue_next(&sink->queue)); i++) {
        if (epoch && item->epoch != epoch)
            break;
        if (!epoch && sink->saved.epoch && item->epoch != sink->saved.epoch && syncfs(files->folder_fd))
            return -errno;
        epoch = item->epoch;
        int rc = write_item(files, item);
        if (rc)
            return rc;
        sl_sink_sent(sink);
    }
    return syncfs(files->folder_fd) ? -errno : 0;
}

static int rename_batch(struct sl_sink *sink)
{
    struct files *files = sink->own;
    for (; files->renamed_idx < sink->queue.next; files->renamed_idx++) {
        const struct sl_sink_item *item = sl_sink_queue_at(&sink->queue, files->renamed_idx);
        char work[NAME_MAX + 1];
        if (!item)
            continue;
        work_name(work, item->epoch, item->seq, item->bytes);
        int rc = move(files, work, item->bytes);
        if (rc)
            return rc;
    }
    return 0;
}

static int decide(struct sl_sink *sink)
{
    struct files *files = sink->own;
    struct sl_bookmark place = sl_sink_queue_place(&sink->queue, sink->queue.next);
    int rc = sl_bookmark_save(&place, sink->place_path);
    if (rc)
        return rc;
    sink->saved = place;
    files->written = true;
    files->renamed_idx = sink->queue.done;
    return 0;
}

static int work(struct sl_sink *sink)
{
    struct files *files = sink->own;
    int rc = 0;
    if (files->work_fd < 0) {
        rc = open_folders(sink);
        if (rc)
            return rc;
    }
    if (!files->written) {
        sl_sink_queue_again(&sink->queue); /* a batch that failed half-way is written again, to the same names */
        if (!sl_sink_queue_next(&sink->queue))
            return 0;
        rc = write_batch(sink);
        if (!rc)
            rc = decide(sink);
    }
    if (!rc)
        rc = rename_batch(sink);
    if (rc)
        return rc;
    files->written = false;
    sl_sink_queue_done(&sink->queue, sink->queue.next);
    return 1;
}

static int poll_files(struct sl_sink *sink, int64_t now_ns)
{
    struct files *files = sink->own;
    if (now_ns < files->backoff.due_ns) {
        sl_sink_wake_at(sink, files->backoff.due_ns);
        return 0;
    }
    int rc = work(sink);
    if (rc < 0) {
        sl_sink_fault(sink, "%s: %s", sink->wants->directory, strerror(-rc));
        sl_backoff_failed(&files->backoff, now_ns);
        sl_sink_wake_at(sink, files->backoff.due_ns);
        close_folders(files);
        return 0;
    }
    sl_backoff_fine(&files->backoff);
    return rc;
}

static void fini(struct sl_sink *sink)
{
    struct files *files = sink->own;
    if (files)
        close_folders(files);
    free(files);
}

const struct sl_sink_type sl_sink_files = {
    .name = "files", .owns_place = true, .init = init, .write = write_file, .poll = poll_files, .fini = fini
};
