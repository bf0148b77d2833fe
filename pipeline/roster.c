#include "pipeline/roster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_LEN 4096u
#define DIGITS   20
#define END      ".feeds"
#define NEW_NAME "feeds.new"
#define FILE_MAX (SL_ROSTER_FEEDS_MAX * SL_ROSTER_NAME_LEN)

/* False: not one of ours. */
static bool seq_of(const char *name, uint64_t *seq)
{
    if (strspn(name, "0123456789") != DIGITS || strcmp(name + DIGITS, END))
        return false;
    errno = 0;
    *seq = strtoull(name, NULL, 10);
    return !errno;
}

static int open_folder(DIR **dir, const char *directory, enum sl_family family)
{
    char path[PATH_LEN];
    if (snprintf(path, sizeof(path), "%s/%s", directory, sl_family_name(family)) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    *dir = opendir(path);
    return *dir ? 0 : -errno;
}

/* The last one that begins at seq or before, in first_seq, and the next, in end_seq.  False: there is none. */
static bool find(DIR *dir, uint64_t seq, struct sl_roster *roster)
{
    bool found = false;
    *roster = (struct sl_roster){ .end_seq = UINT64_MAX };
    rewinddir(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        uint64_t from;
        if (!seq_of(entry->d_name, &from))
            continue;
        if (from > seq)
            roster->end_seq = from < roster->end_seq ? from : roster->end_seq;
        else if (!found || from > roster->first_seq)
            roster->first_seq = from;
        found |= from <= seq;
    }
    return found;
}

/* A line at a time; a name that is none stays "". */
static void read_names(struct sl_roster *roster, const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end && roster->cnt < SL_ROSTER_FEEDS_MAX) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        size_t name_len = (size_t)((line_end ? line_end : end) - text);
        bool fine = name_len < SL_ROSTER_NAME_LEN;
        for (size_t i = 0; fine && i < name_len; i++)
            fine = (unsigned char)text[i] >= 0x20 && text[i] != 0x7f;
        if (fine)
            memcpy(roster->names[roster->cnt], text, name_len);
        roster->cnt++;
        text = line_end ? line_end + 1 : end;
    }
}

static int read_file(DIR *dir, struct sl_roster *roster)
{
    char name[DIGITS + sizeof(END)];
    snprintf(name, sizeof(name), "%0*" PRIu64 END, DIGITS, roster->first_seq);
    int fd = openat(dirfd(dir), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    char *text = malloc(FILE_MAX);
    ssize_t len = text ? pread(fd, text, FILE_MAX, 0) : -1;
    int rc = !text ? -ENOMEM : len < 0 ? -errno : 0;
    if (!rc)
        read_names(roster, text, (size_t)len);
    free(text);
    close(fd);
    return rc;
}

int sl_roster_read(struct sl_roster *roster, const char *directory, enum sl_family family, uint64_t seq)
{
    DIR *dir;
    *roster = (struct sl_roster){ .end_seq = UINT64_MAX };
    int rc = open_folder(&dir, directory, family);
    if (rc)
        return rc;
    if (find(dir, seq, roster))
        rc = read_file(dir, roster);
    closedir(dir);
    return rc;
}

static int write_file(int folder, const char *name, const struct sl_roster *roster)
{
    int fd = openat(folder, NEW_NAME, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0)
        return -errno;
    FILE *file = fdopen(fd, "w");
    if (!file) {
        close(fd);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < roster->cnt; i++)
        fprintf(file, "%s\n", roster->names[i]);
    int rc = fflush(file) || fdatasync(fd) ? -errno : 0;
    fclose(file);
    if (!rc && (renameat(folder, NEW_NAME, folder, name) || fsync(folder)))
        rc = -errno;
    return rc;
}

int sl_roster_write(const char *directory, enum sl_family family, uint64_t seq, const struct sl_roster *roster)
{
    struct sl_roster *known = malloc(sizeof(*known));
    char name[DIGITS + sizeof(END)];
    DIR *dir;
    if (!known)
        return -ENOMEM;
    int rc = sl_roster_read(known, directory, family, seq);
    bool same = !rc && known->cnt == roster->cnt && !memcmp(known->names, roster->names, sizeof(known->names));
    free(known);
    if (same)
        return 0;
    rc = open_folder(&dir, directory, family);
    if (rc)
        return rc;
    snprintf(name, sizeof(name), "%0*" PRIu64 END, DIGITS, seq);
    rc = write_file(dirfd(dir), name, roster);
    closedir(dir);
    return rc;
}

const char *sl_roster_name(struct sl_roster *roster, const char *directory, enum sl_family family, uint64_t seq,
                           uint16_t feed)
{
    if (seq < roster->first_seq || seq >= roster->end_seq)
        sl_roster_read(roster, directory, family, seq);
    if (!roster->cnt)
        return NULL;
    return feed < roster->cnt ? roster->names[feed] : "";
}
