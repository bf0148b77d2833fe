#include "pipeline/shelf.h"
#include "pipeline/source.h"

#include "pipeline/say.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORK          ".work"
#define BUF_LEN       65536u
#define STEPS         24u /* renames, opens and the like in one poll: some ten microseconds each */
#define READS         4u /* of BUF_LEN in one poll */
#define LOOKS         256u /* entries of a folder in one poll that need no step */
#define EVENTS_LEN    4096u
#define STAMP_LEN     16u /* hex digits before a name in the work folder */
#define WRITER_NS     100000000ll /* how often we look whether somebody still writes to a file */
#define WRITER_MAX_NS 600000000000ll /* and how long */
#define RETRY_NS      1000000000ll
#define DURABLE_NS    1000000ll /* how often we look whether the journal has it */
#define FUTURE_NS     3600000000000ll /* a clock that is further ahead than this is a clock that stepped */
#define WHY_LEN       1024u

enum file_state {
    FILE_FREE,
    FILE_TAKEN, /* in the work folder, waits for its turn */
    FILE_WRITTEN, /* somebody has it open for writing */
    FILE_READING,
    FILE_GIVEN, /* waits for the desk */
    FILE_REFUSED, /* without having been read; why says it */
};

struct file {
    enum file_state state;
    char name[SL_SHELF_NAME]; /* as it was called when we took it */
    char work[SL_SHELF_NAME]; /* as it is called in the work folder */
    uint64_t stamp;
    int fd;
    struct stat begun; /* as it was when we began to read */
    uint64_t read;
    const char *why; /* it is no good; NULL: it is */
    int error;
    int64_t due_ns, first_ns; /* WRITTEN: when to look again; when we first looked.  Else: when to try again to move */
    uint32_t next; /* in the queue of those that wait for their turn */
};

struct spool {
    struct sl_source_config config;
    const struct sl_line_spool *line;
    int fd, work_fd, watch_fd;
    DIR *dir, *work_dir;
    struct sl_shelf done, rejects;
    struct file files[SL_ACKS_PER_LINE];
    uint32_t used, first, last; /* first, last: the queue; SL_ACKS_PER_LINE: nobody */
    struct file *reading;
    uint8_t *buf;
    uint32_t off, len; /* of buf: read, not yet taken */
    bool at_end, broken;
    int64_t rx_ns;
    char events[EVENTS_LEN] __attribute__((aligned(8)));
    uint32_t events_off, events_len;
    bool readable, draining, blocked;
    bool recovering; /* the work folder is looked through first */
    bool scanning; /* the folder is */
    int64_t scan_ns; /* when to scan next */
    int64_t said_ns;
    uint64_t unsaid, stamp;
    uint32_t steps, looks; /* that are left in this poll */
    int64_t now_ns;
};

#define NOBODY SL_ACKS_PER_LINE

static void count(const struct spool *spool, enum sl_book_rx col, uint64_t cnt)
{
    sl_cell_add(&spool->config.books[col], cnt);
}

static struct sl_ack *ack_of(const struct spool *spool, const struct file *file)
{
    return &spool->config.acks[file - spool->files];
}

/* Names come from outside. */
static const char *printable(const char *name, char out[SL_SHELF_NAME])
{
    uint32_t at = 0;
    for (; name[at] && at + 1 < SL_SHELF_NAME; at++)
        out[at] = name[at] > ' ' && name[at] < 0x7f ? name[at] : '?';
    out[at] = '\0';
    return out;
}

/* One line a second: who drops ten thousand broken files would fill the log with them. */
static void tell(struct spool *spool, const struct file *file, const char *what)
{
    char name[SL_SHELF_NAME];
    if (spool->said_ns && spool->now_ns - spool->said_ns < RETRY_NS) {
        spool->unsaid++;
        return;
    }
    spool->said_ns = spool->now_ns;
    sl_say(SL_SAY_WARN, "spool folder=%s file=%s: %s%s%s unsaid=%" PRIu64, spool->config.line->path,
           printable(file->name, name), what, file->error ? ": " : "", file->error ? strerror(file->error) : "",
           spool->unsaid);
    spool->unsaid = 0;
}

/* ---- taking ---- */

static bool ends_in(const char *name, const char *end, size_t end_len)
{
    size_t len = strlen(name);
    return end_len && len > end_len && !memcmp(name + len - end_len, end, end_len);
}

static bool is_unfinished(const struct spool *spool, const char *name)
{
    if (name[0] == '.')
        return true;
    for (const char *end = spool->line->unfinished; *end;) {
        size_t len = strcspn(end, ",");
        if (ends_in(name, end, len))
            return true;
        end += len + (end[len] == ',');
    }
    return false;
}

static void queue(struct spool *spool, struct file *file)
{
    uint32_t idx = (uint32_t)(file - spool->files);
    file->state = FILE_TAKEN;
    file->next = NOBODY;
    *(spool->first == NOBODY ? &spool->first : &spool->files[spool->last].next) = idx;
    spool->last = idx;
}

static struct file *find_free(struct spool *spool)
{
    for (uint32_t i = 0; i < SL_ACKS_PER_LINE; i++)
        if (spool->files[i].state == FILE_FREE)
            return &spool->files[i];
    return NULL;
}

static void begin_file(struct spool *spool, struct file *file)
{
    spool->used++;
    sl_ack_reset(ack_of(spool, file));
    count(spool, SL_RX_FILES_TAKEN, 1);
    count(spool, SL_RX_FILES_NOW, 1);
}

static void refuse(struct file *file, const char *why, int error)
{
    file->state = FILE_REFUSED;
    file->why = why;
    file->error = error;
    file->due_ns = 0;
}

/* A name of ours is never used again, not even by the next walk: it begins with the time. */
static uint64_t next_stamp(struct spool *spool)
{
    uint64_t now = (uint64_t)sl_clock_real(spool->config.clock);
    spool->stamp = now > spool->stamp ? now : spool->stamp + 1;
    return spool->stamp;
}

/* Has nobody changed it for a while?  The ctime is the kernel's, which no writer sets. */
static bool is_quiet(const struct spool *spool, const struct stat *stat)
{
    int64_t age_ns = sl_clock_real(spool->config.clock) - (stat->st_ctim.tv_sec * 1000000000ll + stat->st_ctim.tv_nsec);
    return age_ns >= spool->line->quiet_ns || age_ns < -FUTURE_NS;
}

/* Whoever told us, the file of this name moves into the work folder, where no name of it is known to anybody else. */
static void take(struct spool *spool, const char *name, bool told)
{
    struct stat stat;
    if (is_unfinished(spool, name) || fstatat(spool->fd, name, &stat, AT_SYMLINK_NOFOLLOW) || S_ISDIR(stat.st_mode))
        return;
    bool regular = S_ISREG(stat.st_mode);
    if (!told && !is_quiet(spool, &stat)) {
        int64_t at_ns = spool->now_ns + spool->line->quiet_ns;
        if (at_ns < spool->scan_ns)
            spool->scan_ns = at_ns;
        return;
    }
    spool->steps -= spool->steps > 0;
    struct file *file = find_free(spool);
    assert(file);
    *file = (struct file){ .fd = -1, .stamp = next_stamp(spool) };
    snprintf(file->name, sizeof(file->name), "%s", name);
    snprintf(file->work, sizeof(file->work), "%016" PRIx64 "-%.*s", file->stamp,
             (int)(sizeof(file->work) - STAMP_LEN - 2), name);
    if (renameat(spool->fd, name, spool->work_fd, file->work))
        return; /* somebody else was quicker; what stays is found by the next scan */
    begin_file(spool, file);
    if (!regular)
        refuse(file, "no regular file", 0);
    else if ((uint64_t)stat.st_size > spool->line->largest)
        refuse(file, "longer than largest= allows", 0);
    else
        queue(spool, file);
}

/* What a walk before us had taken and not finished. */
static void take_again(struct spool *spool, const char *work)
{
    struct stat stat;
    if (!strcmp(work, ".") || !strcmp(work, "..") || fstatat(spool->work_fd, work, &stat, AT_SYMLINK_NOFOLLOW) ||
        S_ISDIR(stat.st_mode))
        return;
    for (uint32_t i = 0; i < SL_ACKS_PER_LINE; i++)
        if (spool->files[i].state != FILE_FREE && !strcmp(spool->files[i].work, work))
            return;
    spool->steps -= spool->steps > 0;
    struct file *file = find_free(spool);
    assert(file);
    bool stamped = strlen(work) > STAMP_LEN + 1 && work[STAMP_LEN] == '-';
    *file = (struct file){ .fd = -1, .stamp = next_stamp(spool) };
    snprintf(file->name, sizeof(file->name), "%s", stamped ? work + STAMP_LEN + 1 : work);
    snprintf(file->work, sizeof(file->work), "%s", work);
    begin_file(spool, file);
    if (S_ISREG(stat.st_mode))
        queue(spool, file);
    else
        refuse(file, "no regular file", 0);
}

static bool has_room(const struct spool *spool)
{
    return spool->steps && spool->looks && spool->used < SL_ACKS_PER_LINE;
}

static void recover(struct spool *spool)
{
    while (has_room(spool)) {
        const struct dirent *entry = readdir(spool->work_dir);
        if (!entry) {
            spool->recovering = false;
            return;
        }
        spool->looks--;
        take_again(spool, entry->d_name);
    }
}

static void scan(struct spool *spool)
{
    while (has_room(spool)) {
        const struct dirent *entry = readdir(spool->dir);
        if (!entry) {
            spool->scanning = false;
            return;
        }
        spool->looks--;
        take(spool, entry->d_name, false);
    }
}

static void begin_scan(struct spool *spool)
{
    rewinddir(spool->dir);
    spool->scanning = true;
    spool->scan_ns = spool->now_ns + spool->line->rescan_ns;
}

static bool read_events(struct spool *spool)
{
    ssize_t len = read(spool->watch_fd, spool->events, sizeof(spool->events));
    spool->steps--;
    spool->events_off = 0;
    spool->events_len = len > 0 ? (uint32_t)len : 0;
    spool->readable = len > 0;
    return len > 0;
}

/* What we are told of has been moved in, or closed by who wrote it. */
static void take_events(struct spool *spool)
{
    while (has_room(spool) && (spool->events_off < spool->events_len || (spool->readable && read_events(spool)))) {
        const struct inotify_event *event = (const void *)(spool->events + spool->events_off);
        spool->events_off += (uint32_t)(sizeof(*event) + event->len);
        spool->looks--;
        if (event->mask & IN_Q_OVERFLOW)
            spool->scan_ns = spool->now_ns;
        else if (event->len)
            take(spool, event->name, true);
    }
}

static void take_some(struct spool *spool)
{
    if (spool->draining)
        return;
    if (spool->recovering)
        recover(spool);
    if (spool->recovering)
        return;
    take_events(spool);
    if (!spool->scanning && spool->scan_ns <= spool->now_ns)
        begin_scan(spool);
    if (spool->scanning)
        scan(spool);
}

/* ---- reading ---- */

/* Somebody may have it open for writing though it was closed once: a lease tells (where the file system has them, and
 * the file is ours or we are root). */
static bool is_written(int fd)
{
    if (!fcntl(fd, F_SETLEASE, F_RDLCK)) {
        fcntl(fd, F_SETLEASE, F_UNLCK);
        return false;
    }
    return errno == EAGAIN;
}

static void wait_for_writer(struct spool *spool, struct file *file)
{
    if (!file->first_ns)
        file->first_ns = spool->now_ns;
    close(file->fd);
    file->fd = -1;
    file->state = FILE_WRITTEN;
    file->due_ns = spool->now_ns + WRITER_NS;
    if (spool->now_ns - file->first_ns > WRITER_MAX_NS)
        refuse(file, "somebody keeps it open for writing", 0);
}

static void lose(struct spool *spool, struct file *file)
{
    tell(spool, file, "is no longer in the work folder");
    count(spool, SL_RX_FILES_LOST, 1);
    count(spool, SL_RX_FILES_NOW, -1ull);
    file->state = FILE_FREE;
    spool->used--;
}

static void open_file(struct spool *spool, struct file *file)
{
    /* A FIFO would keep an open waiting; a link would lead anywhere. */
    file->fd = openat(spool->work_fd, file->work, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    spool->steps -= spool->steps > 0;
    if (file->fd < 0 && errno == ENOENT) {
        lose(spool, file);
        return;
    }
    if (file->fd < 0) {
        refuse(file, errno == ELOOP ? "no regular file" : "cannot be opened", errno == ELOOP ? 0 : errno);
        return;
    }
    if (fstat(file->fd, &file->begun) || !S_ISREG(file->begun.st_mode)) {
        refuse(file, "no regular file", 0);
        return;
    }
    if (is_written(file->fd)) {
        wait_for_writer(spool, file);
        return;
    }
    file->state = FILE_READING;
    spool->reading = file;
    spool->at_end = spool->broken = false;
    spool->off = spool->len = 0;
    spool->config.sink.line(spool->config.sink.ctx, spool->config.line_idx, 0, SL_LINE_UP);
}

static bool has_changed(const struct file *file)
{
    struct stat now;
    return fstat(file->fd, &now) || now.st_size != file->begun.st_size || (uint64_t)now.st_size != file->read ||
           now.st_mtim.tv_sec != file->begun.st_mtim.tv_sec || now.st_mtim.tv_nsec != file->begun.st_mtim.tv_nsec;
}

static void read_piece(struct spool *spool)
{
    struct file *file = spool->reading;
    ssize_t len = read(file->fd, spool->buf, BUF_LEN);
    if (len < 0 && errno == EINTR)
        return;
    if (len > 0) {
        spool->off = 0;
        spool->len = (uint32_t)len;
        file->read += (uint32_t)len;
        spool->rx_ns = sl_clock_real(spool->config.clock);
        count(spool, SL_RX_BYTES, (uint32_t)len);
        sl_cell_set(&spool->config.books[SL_RX_LAST_NS], (uint64_t)spool->rx_ns);
        /* It grows as fast as we read. */
        if (file->read <= spool->line->largest)
            return;
        spool->len = 0;
        file->why = "longer than largest= allows";
    } else if (len < 0) {
        file->why = "cannot be read";
        file->error = errno;
    } else if (has_changed(file)) {
        file->why = "somebody wrote to it while it was read";
    }
    spool->at_end = true;
    spool->broken = file->why;
}

/* False: not now. */
static bool offer(struct spool *spool)
{
    struct sl_packet packet = {
        .data = spool->buf + spool->off,
        .len = spool->len - spool->off,
        .line = spool->config.line_idx,
        .end = spool->off == spool->len,
        .broken = spool->broken,
        .ack = (uint16_t)(spool->config.ack_first + (uint32_t)(spool->reading - spool->files) + 1),
        .rx_ns = spool->rx_ns ? spool->rx_ns : sl_clock_real(spool->config.clock),
    };
    uint32_t took = spool->config.sink.take(spool->config.sink.ctx, &packet);
    if (took == SL_TAKE_BROKEN) {
        /* Nothing behind this can be understood; what was framed before it stands. */
        spool->off = spool->len = 0;
        spool->at_end = true;
        spool->reading->why = "a length that cannot be";
        return true;
    }
    if (packet.end)
        return took;
    assert(took <= packet.len);
    spool->off += took;
    return spool->off == spool->len;
}

static void end_reading(struct spool *spool)
{
    struct file *file = spool->reading;
    close(file->fd);
    file->fd = -1;
    file->state = FILE_GIVEN;
    file->due_ns = 0;
    spool->reading = NULL;
}

static void read_some(struct spool *spool)
{
    for (uint32_t reads = 0; spool->reading && reads < READS;) {
        if (spool->off < spool->len || spool->at_end) {
            bool ends = spool->off == spool->len;
            if (!offer(spool)) {
                spool->blocked = true;
                return;
            }
            if (ends && spool->at_end)
                end_reading(spool);
            continue;
        }
        read_piece(spool);
        reads++;
        spool->steps -= spool->steps > 0;
    }
}

static void read_next(struct spool *spool)
{
    while (!spool->reading && spool->first != NOBODY && spool->steps && !spool->draining) {
        struct file *file = &spool->files[spool->first];
        spool->first = file->next;
        open_file(spool, file);
    }
}

/* ---- what became of them ---- */

static uint32_t write_why(const struct spool *spool, const struct file *file, char *text)
{
    const struct sl_ack *ack = ack_of(spool, file);
    char name[SL_SHELF_NAME];
    int len = snprintf(text, WHY_LEN, "%s: %" PRIu64 " messages, %u bulletins, %u rejected\n",
                       printable(file->name, name), ack->framed, ack->bulletins, ack->rejected);
    if (file->why)
        len += snprintf(text + len, WHY_LEN - (size_t)len, "%s%s%s\n", file->why, file->error ? ": " : "",
                        file->error ? strerror(file->error) : "");
    else if (!ack->framed)
        len += snprintf(text + len, WHY_LEN - (size_t)len, "no message in it\n");
    if (ack->rejected)
        len += snprintf(text + len, WHY_LEN - (size_t)len, "%s at byte %u of a message: expected %s\n",
                        sl_parse_code_name(ack->code), ack->off, ack->want);
    return len < (int)WHY_LEN ? (uint32_t)len : WHY_LEN - 1;
}

/* The reason beside it: NAME.why. */
static void put_why(struct spool *spool, const struct file *file, const char *as)
{
    char name[SL_SHELF_NAME + 8], text[WHY_LEN];
    uint32_t len = write_why(spool, file, text);
    snprintf(name, sizeof(name), "%.*s.why", (int)SL_SHELF_NAME - 5, as);
    int fd = openat(spool->rejects.fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len)
        tell(spool, file, "was refused, and the reason cannot be written beside it");
    if (fd >= 0)
        close(fd);
    spool->steps -= spool->steps > 0;
}

static void finish(struct spool *spool, struct file *file)
{
    const struct sl_ack *ack = ack_of(spool, file);
    bool fine = !file->why && !ack->rejected && ack->framed;
    char as[SL_SHELF_NAME];
    int rc =
        sl_shelf_put(fine ? &spool->done : &spool->rejects, spool->work_fd, file->work, file->name, file->stamp, as);
    spool->steps -= spool->steps > 0;
    if (rc == -ENOENT) {
        lose(spool, file);
        return;
    }
    if (rc) {
        file->due_ns = spool->now_ns + RETRY_NS;
        file->error = -rc;
        tell(spool, file, "cannot be moved out of the work folder");
        file->error = 0;
        return;
    }
    if (!fine) {
        put_why(spool, file, as);
        tell(spool, file, file->why ? file->why : "is among the rejects; the file beside it says why");
    }
    count(spool, fine ? SL_RX_FILES_DONE : SL_RX_FILES_REJECTED, 1);
    count(spool, SL_RX_FILES_DUPLICATE, fine && ack->bulletins && ack->bulletins == ack->duplicates);
    count(spool, SL_RX_FILES_NOW, -1ull);
    file->state = FILE_FREE;
    spool->used--;
}

static void leave(struct spool *spool, struct file *file)
{
    count(spool, SL_RX_FILES_LEFT, 1);
    count(spool, SL_RX_FILES_NOW, -1ull);
    file->state = FILE_FREE;
    spool->used--;
}

/* A file of which the journal has lost something is read again: what it has of it is a duplicate, the rest is not. */
static void settle_given(struct spool *spool, struct file *file)
{
    enum sl_fate fate = sl_ack_fate(ack_of(spool, file), spool->config.journal);
    if (fate == SL_FATE_DURABLE) {
        finish(spool, file);
    } else if (fate == SL_FATE_LOST && spool->draining) {
        leave(spool, file);
    } else if (fate == SL_FATE_LOST) {
        tell(spool, file, "is read again, since the journal has lost what it said");
        sl_ack_reset(ack_of(spool, file));
        file->read = 0;
        file->why = NULL;
        queue(spool, file);
    } else if (spool->config.journal[0]) {
        file->due_ns = spool->now_ns + DURABLE_NS;
    }
}

static void settle(struct spool *spool, struct file *file)
{
    bool due = file->due_ns <= spool->now_ns;
    switch (file->state) {
    case FILE_GIVEN:
        if (due)
            settle_given(spool, file);
        break;
    case FILE_REFUSED:
        if (file->fd >= 0) {
            close(file->fd);
            file->fd = -1;
        }
        if (due)
            finish(spool, file);
        break;
    case FILE_WRITTEN:
        if (spool->draining)
            leave(spool, file);
        else if (due)
            queue(spool, file);
        break;
    case FILE_TAKEN:
        if (spool->draining)
            leave(spool, file);
        break;
    case FILE_READING:
    case FILE_FREE:
        break;
    }
}

static void settle_some(struct spool *spool)
{
    for (uint32_t i = 0; spool->used && i < SL_ACKS_PER_LINE && spool->steps; i++)
        settle(spool, &spool->files[i]);
    if (spool->draining)
        spool->first = NOBODY;
}

static void tend_shelves(struct spool *spool)
{
    int64_t now_ns = sl_clock_real(spool->config.clock);
    uint64_t before = spool->done.removed + spool->rejects.removed;
    sl_shelf_tend(&spool->done, now_ns);
    sl_shelf_tend(&spool->rejects, now_ns);
    count(spool, SL_RX_FILES_REMOVED, spool->done.removed + spool->rejects.removed - before);
}

/* ---- the poll ---- */

static int64_t find_due(const struct spool *spool)
{
    int64_t due_ns = spool->draining ? INT64_MAX : spool->scan_ns;
    for (uint32_t i = 0; spool->used && i < SL_ACKS_PER_LINE; i++) {
        const struct file *file = &spool->files[i];
        bool waits =
            file->state == FILE_WRITTEN || file->state == FILE_REFUSED || (file->state == FILE_GIVEN && file->due_ns);
        if (waits && file->due_ns < due_ns)
            due_ns = file->due_ns;
    }
    return due_ns;
}

static int spool_poll(void *self, int64_t now_ns, bool readable, int64_t *due_ns)
{
    struct spool *spool = self;
    spool->now_ns = now_ns;
    spool->readable |= readable;
    spool->blocked = false;
    spool->steps = STEPS;
    spool->looks = LOOKS;
    settle_some(spool);
    read_next(spool);
    read_some(spool);
    read_next(spool);
    take_some(spool);
    if (spool->scan_ns <= now_ns || spool->done.walk != SL_SHELF_REST || spool->rejects.walk != SL_SHELF_REST ||
        spool->steps != STEPS)
        tend_shelves(spool);
    *due_ns = find_due(spool);
    int did = (int)(STEPS - spool->steps + (LOOKS - spool->looks));
    return did || !spool->blocked ? did : -EAGAIN;
}

static void spool_drain(void *self) { ((struct spool *)self)->draining = true; }

static int spool_fd(const void *self) { return ((const struct spool *)self)->watch_fd; }

/* ---- life ---- */

__attribute__((format(printf, 4, 5))) static int fail(char *err, size_t err_len, int rc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err, err_len, format, args);
    va_end(args);
    return rc;
}

static DIR *open_dir(int fd)
{
    int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own < 0 ? NULL : fdopendir(own);
    if (!dir && own >= 0)
        close(own);
    return dir;
}

static bool same_file_system(int a, int b)
{
    struct stat of_a, of_b;
    return !fstat(a, &of_a) && !fstat(b, &of_b) && of_a.st_dev == of_b.st_dev;
}

static int open_folders(struct spool *spool, char *err, size_t err_len)
{
    const char *path = spool->config.line->path;
    const struct sl_shelf_limits limits = { spool->line->keep_cnt, spool->line->keep_bytes, spool->line->keep_ns };
    spool->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (spool->fd < 0)
        return fail(err, err_len, -errno, "%s: %s", path, strerror(errno));
    if (mkdirat(spool->fd, WORK, 0700) && errno != EEXIST)
        return fail(err, err_len, -errno, "%s/" WORK " cannot be made: %s", path, strerror(errno));
    spool->work_fd = openat(spool->fd, WORK, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (spool->work_fd < 0)
        return fail(err, err_len, -errno, "%s/" WORK ": %s", path, strerror(errno));
    if (flock(spool->work_fd, LOCK_EX | LOCK_NB))
        return fail(err, err_len, -errno, "%s: another daemon or line takes files there", path);
    int rc = sl_shelf_open(&spool->done, spool->line->done, &limits);
    if (rc)
        return fail(err, err_len, rc, "%s: %s", spool->line->done, strerror(-rc));
    rc = sl_shelf_open(&spool->rejects, spool->line->rejects, &limits);
    if (rc)
        return fail(err, err_len, rc, "%s: %s", spool->line->rejects, strerror(-rc));
    if (!same_file_system(spool->fd, spool->done.fd) || !same_file_system(spool->fd, spool->rejects.fd) ||
        !same_file_system(spool->fd, spool->work_fd))
        return fail(err, err_len, -EXDEV, "%s: its folders done and rejects must be on the same file system", path);
    spool->dir = open_dir(spool->fd);
    spool->work_dir = open_dir(spool->work_fd);
    return spool->dir && spool->work_dir ? 0 : fail(err, err_len, -ENOMEM, "%s: %s", path, strerror(errno));
}

/* Without it the scans find everything, only later. */
static void watch_folder(struct spool *spool)
{
    spool->watch_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (spool->watch_fd >= 0 && inotify_add_watch(spool->watch_fd, spool->config.line->path,
                                                  IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR | IN_EXCL_UNLINK) >= 0)
        return;
    sl_say(SL_SAY_WARN, "spool folder=%s: nobody tells of new files (%s); looking every %lld ms",
           spool->config.line->path, strerror(errno), (long long)(spool->line->rescan_ns / 1000000));
    if (spool->watch_fd >= 0)
        close(spool->watch_fd);
    spool->watch_fd = -1;
}

static void spool_fini(void *self)
{
    struct spool *spool = self;
    int fds[] = { spool->fd, spool->work_fd, spool->watch_fd };
    for (uint32_t i = 0; i < SL_ACKS_PER_LINE; i++)
        if (spool->files[i].state != FILE_FREE && spool->files[i].fd >= 0)
            close(spool->files[i].fd);
    sl_shelf_fini(&spool->done);
    sl_shelf_fini(&spool->rejects);
    if (spool->dir)
        closedir(spool->dir);
    if (spool->work_dir)
        closedir(spool->work_dir);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(spool->buf);
    free(spool);
}

static int spool_open(void **out, const struct sl_source_config *config, char *err, size_t err_len)
{
    struct spool *spool = calloc(1, sizeof(*spool));
    if (!spool)
        return -ENOMEM;
    spool->config = *config;
    spool->line = &config->line->spool;
    spool->fd = spool->work_fd = spool->watch_fd = spool->done.fd = spool->rejects.fd = -1;
    spool->first = NOBODY;
    spool->recovering = spool->readable = true;
    spool->buf = malloc(BUF_LEN);
    int rc = spool->buf ? open_folders(spool, err, err_len) : -ENOMEM;
    if (rc) {
        spool_fini(spool);
        return rc;
    }
    /* A lease that is broken sends this signal, whose usual course is the end of the process. */
    signal(SIGIO, SIG_IGN);
    watch_folder(spool);
    spool->readable = spool->watch_fd >= 0;
    *out = spool;
    return 0;
}

const struct sl_source_kind sl_source_spool = {
    .name = "spool",
    .open = spool_open,
    .fini = spool_fini,
    .fd = spool_fd,
    .poll = spool_poll,
    .drain = spool_drain,
};
