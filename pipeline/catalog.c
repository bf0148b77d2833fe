#include "pipeline/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_LEN   4096u
#define DIGITS     10
#define NUMBER_MAX 9999999999ull

void sl_catalog_name(char name[SL_CATALOG_NAME_LEN], uint64_t number)
{
    snprintf(name, SL_CATALOG_NAME_LEN, "%0*" PRIu64 ".seg", DIGITS, number);
}

/* 0: not one of ours. */
static uint64_t number_of(const char *name)
{
    if (strspn(name, "0123456789") != DIGITS || strcmp(name + DIGITS, ".seg"))
        return 0;
    return strtoull(name, NULL, 10);
}

static int by_number(const void *a, const void *b)
{
    uint64_t left = ((const struct sl_catalog_file *)a)->number, right = ((const struct sl_catalog_file *)b)->number;
    return (left > right) - (left < right);
}

static int add_file(struct sl_catalog *catalog, const char *name)
{
    struct stat stat;
    uint64_t number = number_of(name);
    if (!number || fstatat(catalog->folder, name, &stat, AT_SYMLINK_NOFOLLOW) || !S_ISREG(stat.st_mode))
        return 0;
    struct sl_catalog_file *files = reallocarray(catalog->files, catalog->cnt + 1, sizeof(*files));
    if (!files)
        return -ENOMEM;
    catalog->files = files;
    struct sl_catalog_file *file = &files[catalog->cnt++];
    file->number = number;
    file->len = (uint64_t)stat.st_size;
    sl_catalog_name(file->name, number);
    return 0;
}

int sl_catalog_list(struct sl_catalog *catalog, const char *directory, enum sl_family family)
{
    char path[PATH_LEN];
    *catalog = (struct sl_catalog){ .folder = -1 };
    if (snprintf(path, sizeof(path), "%s/%s", directory, sl_family_name(family)) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    DIR *dir = opendir(path);
    if (!dir)
        return -errno;
    catalog->folder = fcntl(dirfd(dir), F_DUPFD_CLOEXEC, 0);
    int rc = catalog->folder < 0 ? -errno : 0;
    for (const struct dirent *entry; !rc && (entry = readdir(dir));)
        rc = add_file(catalog, entry->d_name);
    closedir(dir);
    if (rc)
        sl_catalog_clear(catalog);
    else if (catalog->cnt)
        qsort(catalog->files, catalog->cnt, sizeof(catalog->files[0]), by_number);
    return rc;
}

void sl_catalog_clear(struct sl_catalog *catalog)
{
    if (catalog->folder >= 0)
        close(catalog->folder);
    free(catalog->files);
    *catalog = (struct sl_catalog){ .folder = -1 };
}

static int64_t read_file(void *self, void *buf, uint64_t off, size_t len)
{
    ssize_t got = pread(*(const int *)self, buf, len, (off_t)off);
    return got < 0 ? -errno : got;
}

struct sl_segment_source sl_catalog_source(const int *fd, uint64_t len)
{
    return (struct sl_segment_source){ read_file, (void *)(uintptr_t)fd, len };
}

/* ---- after a crash ---- */

static int write_all(int fd, const void *data, size_t len, uint64_t off)
{
    const char *at = data;
    while (len) {
        ssize_t put = pwrite(fd, at, len, (off_t)off);
        if (put < 0 && errno != EINTR)
            return -errno;
        put = put < 0 ? 0 : put;
        at += put;
        off += (uint64_t)put;
        len -= (size_t)put;
    }
    return 0;
}

/* The file ends at end_off, which is filled up to a block, and says so. */
static int end_file(int fd, uint64_t end_off, struct sl_segment_index *index)
{
    uint64_t data_end = (end_off + SL_SEGMENT_BLOCK - 1) / SL_SEGMENT_BLOCK * SL_SEGMENT_BLOCK;
    size_t len = sl_segment_index_write(index, data_end, NULL, 0);
    void *end = malloc(len);
    if (!end)
        return -ENOMEM;
    sl_segment_index_write(index, data_end, end, len);
    int rc = ftruncate(fd, (off_t)end_off) || ftruncate(fd, (off_t)data_end) ? -errno : 0;
    if (!rc)
        rc = write_all(fd, end, len, data_end);
    if (!rc && fdatasync(fd))
        rc = -errno;
    free(end);
    return rc;
}

/* Where the file is to be cut, and the index of what stays. */
struct mended {
    struct sl_segment_index index;
    uint64_t end_off, last_epoch;
};

/* stop_off: damage at or behind it ends what is kept. */
static int scan_again(struct sl_segment_scan *scan, uint64_t stop_off, struct mended *mended)
{
    int rc;
    while ((rc = sl_segment_scan_next(scan)) > SL_SEGMENT_END) {
        if (rc != SL_SEGMENT_RECORD && scan->damage.off >= stop_off)
            return 0;
        if (rc != SL_SEGMENT_RECORD)
            continue;
        sl_segment_index_add(&mended->index, scan->record, scan->record_off);
        mended->end_off = scan->record_off + sl_segment_room(scan->record->len);
        mended->last_epoch = scan->record->epoch;
    }
    return rc;
}

static int mend_file(int fd, uint64_t len, uint64_t redo, uint64_t expect, struct mended *mended)
{
    struct sl_segment_source source = sl_catalog_source(&fd, len);
    struct sl_segment_scan scan;
    uint64_t stop_off = UINT64_MAX;
    *mended = (struct mended){ .end_off = SL_SEGMENT_DATA };
    int rc = sl_segment_scan_open(&scan, &source, expect);
    if (rc)
        return rc;
    rc = scan_again(&scan, stop_off, mended);
    if (!rc && redo) { /* once more, now that it is known how far was written */
        stop_off = mended->end_off > redo ? mended->end_off - redo : 0;
        sl_segment_scan_close(&scan);
        sl_segment_index_clear(&mended->index);
        *mended = (struct mended){ .end_off = SL_SEGMENT_DATA };
        rc = sl_segment_scan_open(&scan, &source, expect);
        if (!rc)
            rc = scan_again(&scan, stop_off, mended);
    }
    sl_segment_scan_close(&scan);
    return rc;
}

static void note_end(struct sl_catalog_state *state, uint64_t last_seq, uint64_t last_epoch)
{
    if (last_seq < state->last_seq || !last_seq)
        return;
    state->last_seq = last_seq;
    state->last_epoch = last_epoch;
}

static int mend_one(struct sl_catalog *catalog, const struct sl_catalog_file *file, uint64_t redo,
                    struct sl_catalog_state *state)
{
    struct mended mended;
    int fd = openat(catalog->folder, file->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    int rc = mend_file(fd, file->len, redo, state->last_seq ? state->last_seq + 1 : 0, &mended);
    if (!rc && mended.index.end.record_cnt) {
        note_end(state, mended.index.end.last_seq, mended.last_epoch);
        rc = end_file(fd, mended.end_off, &mended.index);
    } else if (!rc && unlinkat(catalog->folder, file->name, 0)) {
        rc = -errno;
    }
    sl_segment_index_clear(&mended.index);
    close(fd);
    return rc == -EPROTO ? 0 : rc; /* its head is lost: left for people to look at */
}

/* True when it was ended; then only its last record is of interest. */
static bool was_ended(const struct sl_catalog *catalog, const struct sl_catalog_file *file,
                      struct sl_catalog_state *state)
{
    int fd = openat(catalog->folder, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct sl_segment_source source = sl_catalog_source(&fd, file->len);
    struct sl_segment_scan scan;
    if (fd < 0 || sl_segment_scan_open(&scan, &source, 0)) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool ended = scan.ended;
    if (ended)
        note_end(state, scan.end.last_seq, state->last_epoch);
    if (ended && file == &catalog->files[catalog->cnt - 1]) { /* the epoch stands in the record */
        sl_segment_scan_seek(&scan, scan.end.last_seq, INT64_MAX);
        for (int rc; (rc = sl_segment_scan_next(&scan)) > SL_SEGMENT_END;)
            if (rc == SL_SEGMENT_RECORD)
                note_end(state, scan.record->seq, scan.record->epoch);
    }
    sl_segment_scan_close(&scan);
    close(fd);
    return ended;
}

int sl_catalog_mend(const char *directory, enum sl_family family, uint64_t redo, struct sl_catalog_state *state)
{
    struct sl_catalog catalog;
    *state = (struct sl_catalog_state){ .next_number = 1 };
    int rc = sl_catalog_list(&catalog, directory, family);
    if (rc)
        return rc;
    for (uint32_t i = 0; !rc && i < catalog.cnt; i++) {
        const struct sl_catalog_file *file = &catalog.files[i];
        bool last = i + 1 == catalog.cnt;
        state->next_number = file->number + 1;
        if (!was_ended(&catalog, file, state))
            rc = mend_one(&catalog, file, last ? redo : 0, state);
    }
    if (!rc && state->next_number > NUMBER_MAX)
        rc = -EOVERFLOW;
    sl_catalog_clear(&catalog);
    return rc;
}

/* ---- reading all of them as one ---- */

struct sl_cursor {
    struct sl_catalog catalog;
    char *directory;
    enum sl_family family;
    uint32_t next_file; /* in the catalog */
    int fd; /* -1: none is open */
    struct sl_segment_scan scan;
    char name[SL_CATALOG_NAME_LEN + 8];
    uint64_t expect; /* the number that the next file should begin with; 0 any */
    uint64_t from_seq;
    int64_t from_ns;
    bool started; /* the record that was asked for has come */
    uint64_t last_number, last_off; /* behind the last record given: the file's number, and where in it; 0 none yet */
};

static int open_file(struct sl_cursor *cursor, uint32_t i)
{
    const struct sl_catalog_file *file = &cursor->catalog.files[i];
    snprintf(cursor->name, sizeof(cursor->name), "%s/%s", sl_family_name(cursor->family), file->name);
    cursor->fd = openat(cursor->catalog.folder, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (cursor->fd < 0)
        return -errno;
    struct sl_segment_source source = sl_catalog_source(&cursor->fd, file->len);
    int rc = sl_segment_scan_open(&cursor->scan, &source, cursor->expect);
    if (!rc && cursor->scan.head.family != cursor->family) {
        sl_segment_scan_close(&cursor->scan);
        rc = -EPROTO;
    }
    if (rc) {
        close(cursor->fd);
        cursor->fd = -1;
    }
    return rc;
}

static void close_file(struct sl_cursor *cursor)
{
    if (cursor->fd < 0)
        return;
    sl_segment_scan_close(&cursor->scan);
    close(cursor->fd);
    cursor->fd = -1;
}

/* Whether what was asked for can only lie behind this file; a file that cannot be opened is not passed. */
static bool lies_behind(struct sl_cursor *cursor, uint32_t i, bool *opens)
{
    *opens = !open_file(cursor, i);
    if (!*opens)
        return false;
    const struct sl_segment_scan *scan = &cursor->scan;
    bool behind =
        scan->ended && (cursor->from_seq ? scan->end.last_seq < cursor->from_seq : scan->end.last_ns < cursor->from_ns);
    close_file(cursor);
    return behind;
}

/* By halves, since numbers only grow: from the last file that is known to lie before.  One that cannot be opened may
 * hold what is asked for, unless one behind it still lies before. */
static void find_seq(struct sl_cursor *cursor)
{
    uint32_t low = cursor->next_file, high = cursor->catalog.cnt;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, at = middle;
        bool opens = false, behind = false;
        while (at < high && !(behind = lies_behind(cursor, at, &opens)) && !opens)
            at++;
        if (behind)
            low = at + 1;
        else
            high = middle;
    }
    cursor->next_file = low;
}

/* Goes to the first file in which it can be.  Times are looked for one file after the other: a clock that was set back
 * puts later files before earlier ones, and the first that fits is what counts. */
static void find_first_file(struct sl_cursor *cursor)
{
    bool opens;
    if (cursor->from_seq)
        find_seq(cursor);
    else
        while (cursor->next_file < cursor->catalog.cnt && lies_behind(cursor, cursor->next_file, &opens))
            cursor->next_file++;
}

int sl_cursor_open(struct sl_cursor **out, const char *directory, enum sl_family family, uint64_t seq, int64_t ns)
{
    struct sl_cursor *cursor = calloc(1, sizeof(*cursor));
    if (!cursor)
        return -ENOMEM;
    cursor->fd = cursor->catalog.folder = -1;
    cursor->family = family;
    cursor->from_seq = seq;
    cursor->from_ns = ns;
    cursor->directory = strdup(directory);
    int rc = cursor->directory ? sl_catalog_list(&cursor->catalog, directory, family) : -ENOMEM;
    if (rc) {
        sl_cursor_close(cursor);
        return rc;
    }
    find_first_file(cursor);
    *out = cursor;
    return 0;
}

/* The file of the last record, when it is still the one that is written: goes on right behind that record. */
static bool goes_on(struct sl_cursor *cursor, uint32_t i, uint64_t seq)
{
    if (!seq || i + 1 != cursor->catalog.cnt || cursor->catalog.files[i].number != cursor->last_number)
        return false;
    if (open_file(cursor, i))
        return false;
    if (cursor->scan.ended) {
        close_file(cursor);
        return false;
    }
    cursor->scan.off = cursor->scan.data_end = cursor->last_off;
    cursor->scan.expect = seq;
    return true;
}

int sl_cursor_again(struct sl_cursor *cursor, uint64_t seq)
{
    struct sl_catalog catalog;
    int rc = sl_catalog_list(&catalog, cursor->directory, cursor->family);
    if (rc)
        return rc;
    close_file(cursor);
    sl_catalog_clear(&cursor->catalog);
    cursor->catalog = catalog;
    cursor->expect = 0;
    cursor->next_file = 0;
    if (seq)
        cursor->from_seq = seq;
    cursor->started = false;
    while (cursor->next_file < catalog.cnt && catalog.files[cursor->next_file].number < cursor->last_number)
        cursor->next_file++;
    if (cursor->next_file < catalog.cnt && goes_on(cursor, cursor->next_file, seq)) {
        cursor->next_file++;
        return 0;
    }
    find_first_file(cursor);
    return 0;
}

bool sl_cursor_is_live(const struct sl_cursor *cursor)
{
    return cursor->next_file == cursor->catalog.cnt && (cursor->fd < 0 || !cursor->scan.ended);
}

/* The next file that can be read; what cannot is an event.  SL_SEGMENT_RECORD: it is open. */
static int next_file(struct sl_cursor *cursor, struct sl_catalog_event *event)
{
    uint32_t i = cursor->next_file++;
    int rc = open_file(cursor, i);
    if (rc == -ENOMEM)
        return rc;
    if (rc == -ENOENT) /* too old, and removed since */
        return SL_SEGMENT_RECORD;
    if (rc || cursor->scan.head_damage) {
        event->got = SL_SEGMENT_DAMAGE;
        event->damage.len = rc ? cursor->catalog.files[i].len : SL_SEGMENT_BLOCK;
        return SL_SEGMENT_DAMAGE;
    }
    return SL_SEGMENT_RECORD;
}

/* Whether this is asked for: from the first one that fits on, all are. */
static bool is_wanted(struct sl_cursor *cursor)
{
    const struct sl_record *record = cursor->scan.record;
    if (!cursor->started)
        cursor->started =
            cursor->from_seq ? record->seq >= cursor->from_seq : record->stamps.published_ns >= cursor->from_ns;
    return cursor->started;
}

int sl_cursor_next(struct sl_cursor *cursor, struct sl_catalog_event *event)
{
    *event = (struct sl_catalog_event){ .file = cursor->name };
    for (;;) {
        if (cursor->fd < 0) {
            if (cursor->next_file >= cursor->catalog.cnt)
                return SL_SEGMENT_END;
            int rc = next_file(cursor, event);
            if (rc != SL_SEGMENT_RECORD && (rc < 0 || cursor->fd < 0))
                return rc;
            if (cursor->fd >= 0 && !cursor->started)
                sl_segment_scan_seek(&cursor->scan, cursor->from_seq ? cursor->from_seq : UINT64_MAX,
                                     cursor->from_seq ? INT64_MAX : cursor->from_ns);
            if (rc != SL_SEGMENT_RECORD)
                return rc;
            continue;
        }
        int got = sl_segment_scan_next(&cursor->scan);
        if (got < 0)
            return got;
        if (got == SL_SEGMENT_END) {
            cursor->expect = cursor->scan.expect;
            close_file(cursor);
            continue;
        }
        if (got == SL_SEGMENT_RECORD && !is_wanted(cursor))
            continue;
        if (got == SL_SEGMENT_RECORD) {
            cursor->last_number = cursor->catalog.files[cursor->next_file - 1].number;
            cursor->last_off = cursor->scan.off;
        }
        event->got = got;
        event->record = got == SL_SEGMENT_RECORD ? cursor->scan.record : NULL;
        event->off = cursor->scan.record_off;
        event->damage = cursor->scan.damage;
        if (got != SL_SEGMENT_RECORD && !cursor->started && cursor->from_seq &&
            event->damage.last_seq < cursor->from_seq)
            continue; /* long before what was asked for */
        return got;
    }
}

void sl_cursor_close(struct sl_cursor *cursor)
{
    if (!cursor)
        return;
    close_file(cursor);
    sl_catalog_clear(&cursor->catalog);
    free(cursor->directory);
    free(cursor);
}
