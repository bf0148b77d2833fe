#include "pipeline/bookmark.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TEXT_LEN_MAX 128

static int write_text(const struct sl_bookmark *mark, char text[TEXT_LEN_MAX])
{
    return snprintf(text, TEXT_LEN_MAX, "slugline place 1\n%016" PRIx64 " %" PRIu64 "\n", mark->epoch, mark->seq);
}

int sl_bookmark_load(struct sl_bookmark *mark, const char *path)
{
    char text[TEXT_LEN_MAX] = "", again[TEXT_LEN_MAX];
    struct sl_bookmark read_mark;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t len = read(fd, text, sizeof(text) - 1);
    int rc = len < 0 ? -errno : 0;
    close(fd);
    if (rc)
        return rc;
    text[len] = '\0';
    if (sscanf(text, "slugline place 1\n%" SCNx64 " %" SCNu64, &read_mark.epoch, &read_mark.seq) != 2)
        return -EBADMSG;
    write_text(&read_mark, again);
    if (strcmp(text, again))
        return -EBADMSG;
    *mark = read_mark;
    return 0;
}

int sl_bookmark_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof(folder), "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = fsync(fd) ? -errno : 0;
    close(fd);
    return rc;
}

int sl_bookmark_save(const struct sl_bookmark *mark, const char *path)
{
    char aside[PATH_MAX], text[TEXT_LEN_MAX];
    int len = write_text(mark, text);
    if ((size_t)snprintf(aside, sizeof(aside), "%s.new", path) >= sizeof(aside))
        return -ENAMETOOLONG;
    int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    ssize_t put = write(fd, text, (size_t)len);
    int rc = put < 0 ? -errno : put != len ? -ENOSPC : fsync(fd) ? -errno : 0;
    close(fd);
    if (!rc && rename(aside, path))
        rc = -errno;
    return rc ? rc : sl_bookmark_sync_folder(path);
}
