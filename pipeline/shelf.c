#include "pipeline/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEND_NS 60000000000ll /* at most so often */

int sl_shelf_open(struct sl_shelf *shelf, const char *path, const struct sl_shelf_limits *limits)
{
    *shelf = (struct sl_shelf){ .fd = -1, .limits = *limits, .changed = true };
    if (mkdir(path, 0755) && errno != EEXIST)
        return -errno;
    shelf->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shelf->fd < 0)
        return -errno;
    int fd = openat(shelf->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    shelf->dir = fd < 0 ? NULL : fdopendir(fd);
    if (shelf->dir)
        return 0;
    int rc = -errno;
    if (fd >= 0)
        close(fd);
    sl_shelf_fini(shelf);
    return rc;
}

void sl_shelf_fini(struct sl_shelf *shelf)
{
    if (shelf->dir)
        closedir(shelf->dir);
    if (shelf->fd >= 0)
        close(shelf->fd);
    shelf->dir = NULL;
    shelf->fd = -1;
}

/* Never over a file that is there.  Where the file system cannot promise that (NFS), a second name can. */
static int move(int from_fd, const char *from, int to_fd, const char *to)
{
    if (!renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE))
        return 0;
    if (errno != EINVAL)
        return -errno;
    if (linkat(from_fd, from, to_fd, to, 0))
        return -errno;
    return unlinkat(from_fd, from, 0) ? -errno : 0;
}

int sl_shelf_put(struct sl_shelf *shelf, int from_fd, const char *from, const char *name, uint64_t stamp,
                 char to[SL_SHELF_NAME])
{
    snprintf(to, SL_SHELF_NAME, "%s", name);
    int rc = move(from_fd, from, shelf->fd, to);
    if (rc == -EEXIST) {
        snprintf(to, SL_SHELF_NAME, "%.*s.%016llx", (int)SL_SHELF_NAME - 18, name, (unsigned long long)stamp);
        rc = move(from_fd, from, shelf->fd, to);
    }
    shelf->changed |= !rc;
    return rc;
}

/* ---- too many ---- */

static uint32_t age_of(const struct sl_shelf *shelf, const struct stat *stat)
{
    int64_t age_ns = shelf->now_ns - (stat->st_ctim.tv_sec * 1000000000ll + stat->st_ctim.tv_nsec);
    int64_t step_ns = shelf->limits.age_ns / (SL_SHELF_AGES - 1) + 1;
    if (age_ns < 0)
        return 0;
    return age_ns > shelf->limits.age_ns ? SL_SHELF_AGES - 1 : (uint32_t)(age_ns / step_ns);
}

/* From the youngest on, as long as there is room. */
static void find_age_max(struct sl_shelf *shelf)
{
    uint64_t cnt = 0, bytes = 0;
    shelf->surplus_cnt = shelf->surplus_bytes = 0;
    for (shelf->age_max = 0; shelf->age_max + 1 < SL_SHELF_AGES; shelf->age_max++) {
        cnt += shelf->cnt[shelf->age_max];
        bytes += shelf->bytes[shelf->age_max];
        if (cnt > shelf->limits.file_cnt)
            shelf->surplus_cnt = cnt - shelf->limits.file_cnt;
        if (bytes > shelf->limits.bytes)
            shelf->surplus_bytes = bytes - shelf->limits.bytes;
        if (shelf->surplus_cnt || shelf->surplus_bytes)
            return;
    }
    shelf->age_max--; /* what is over age goes */
}

static void look_at(struct sl_shelf *shelf, const char *name)
{
    struct stat stat;
    if (fstatat(shelf->fd, name, &stat, AT_SYMLINK_NOFOLLOW) || S_ISDIR(stat.st_mode))
        return;
    uint32_t age = age_of(shelf, &stat);
    uint64_t len = (uint64_t)stat.st_size;
    if (shelf->walk == SL_SHELF_COUNT) {
        shelf->cnt[age]++;
        shelf->bytes[age] += len;
        return;
    }
    bool surplus = age == shelf->age_max && (shelf->surplus_cnt || shelf->surplus_bytes);
    if ((age <= shelf->age_max && !surplus) || unlinkat(shelf->fd, name, 0))
        return;
    shelf->removed++;
    if (surplus) {
        shelf->surplus_cnt -= shelf->surplus_cnt > 0;
        shelf->surplus_bytes -= shelf->surplus_bytes < len ? shelf->surplus_bytes : len;
    }
}

static void begin_walk(struct sl_shelf *shelf, int walk, int64_t now_ns)
{
    shelf->walk = walk;
    rewinddir(shelf->dir);
    if (walk != SL_SHELF_COUNT)
        return;
    shelf->now_ns = now_ns;
    shelf->again_ns = now_ns + TEND_NS;
    shelf->changed = false;
    memset(shelf->cnt, 0, sizeof(shelf->cnt));
    memset(shelf->bytes, 0, sizeof(shelf->bytes));
}

static bool has_to_go(const struct sl_shelf *shelf)
{
    for (uint32_t age = shelf->age_max + 1; age < SL_SHELF_AGES; age++)
        if (shelf->cnt[age])
            return true;
    return shelf->surplus_cnt || shelf->surplus_bytes;
}

static void end_walk(struct sl_shelf *shelf)
{
    if (shelf->walk == SL_SHELF_COUNT) {
        find_age_max(shelf);
        if (has_to_go(shelf)) {
            begin_walk(shelf, SL_SHELF_REMOVE, 0);
            return;
        }
    }
    shelf->walk = SL_SHELF_REST;
}

uint32_t sl_shelf_tend(struct sl_shelf *shelf, int64_t now_ns)
{
    uint32_t looks = 0;
    if (shelf->walk == SL_SHELF_REST) {
        /* Files grow too old without anything changing: an hour is soon enough for those. */
        if (now_ns < shelf->again_ns || (!shelf->changed && now_ns < shelf->again_ns + 60 * TEND_NS))
            return 0;
        begin_walk(shelf, SL_SHELF_COUNT, now_ns);
    }
    while (looks < SL_SHELF_LOOKS && shelf->walk != SL_SHELF_REST) {
        const struct dirent *entry = readdir(shelf->dir);
        looks++;
        if (!entry)
            end_walk(shelf);
        else if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
            look_at(shelf, entry->d_name);
    }
    return looks;
}
