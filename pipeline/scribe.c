#include "pipeline/scribe.h"

#include "parsers/bulletin.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPARE_NAME "next.spare" /* the maker's, until it is ready */
#define HASTY_NAME "this.spare"
#define WAIT_NS    1000000000ll

static struct sl_scribe_buf *filled(struct sl_scribe *scribe) { return &scribe->bufs[scribe->fill % SL_SCRIBE_BUFS]; }

static int fail(struct sl_scribe *scribe, int rc)
{
    if (!scribe->error)
        scribe->error = rc;
    return scribe->error;
}

/* ---- the next segment, set aside ---- */

static int write_zeros(int fd, uint64_t len)
{
    static const size_t piece = 1 << 20;
    void *zeros = aligned_alloc(SL_SEGMENT_BLOCK, piece);
    int rc = zeros ? 0 : -ENOMEM;
    if (zeros)
        memset(zeros, 0, piece);
    for (uint64_t off = 0; !rc && off < len; off += piece) {
        ssize_t want = (ssize_t)(len - off < piece ? len - off : piece);
        ssize_t put = pwrite(fd, zeros, (size_t)want, (off_t)off);
        rc = put < 0 ? -errno : put < want ? -ENOSPC : 0;
    }
    if (!rc && fdatasync(fd))
        rc = -errno;
    free(zeros);
    return rc;
}

static void make_spare(struct sl_scribe *scribe)
{
    int fd = openat(scribe->folder, SPARE_NAME, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0640);
    int rc = fd < 0 ? -errno : write_zeros(fd, scribe->config.segment_len);
    if (fd >= 0)
        close(fd);
    if (rc)
        unlinkat(scribe->folder, SPARE_NAME, 0);
    pthread_mutex_lock(&scribe->lock);
    if (scribe->spare == SL_SCRIBE_WANTED)
        scribe->spare = rc ? SL_SCRIBE_NONE : SL_SCRIBE_READY; /* the scribe meets the error itself */
    pthread_mutex_unlock(&scribe->lock);
}

static void *make_spares(void *self)
{
    struct sl_scribe *scribe = self;
    pthread_mutex_lock(&scribe->lock);
    while (scribe->spare != SL_SCRIBE_STOP) {
        if (scribe->spare != SL_SCRIBE_WANTED) {
            pthread_cond_wait(&scribe->wanted, &scribe->lock);
            continue;
        }
        pthread_mutex_unlock(&scribe->lock);
        make_spare(scribe);
        pthread_mutex_lock(&scribe->lock);
    }
    pthread_mutex_unlock(&scribe->lock);
    return NULL;
}

static void want_spare(struct sl_scribe *scribe)
{
    pthread_mutex_lock(&scribe->lock);
    if (scribe->spare == SL_SCRIBE_NONE)
        scribe->spare = SL_SCRIBE_WANTED;
    pthread_cond_signal(&scribe->wanted);
    pthread_mutex_unlock(&scribe->lock);
}

static bool take_spare(struct sl_scribe *scribe)
{
    pthread_mutex_lock(&scribe->lock);
    bool ready = scribe->spare == SL_SCRIBE_READY;
    if (ready)
        scribe->spare = SL_SCRIBE_NONE;
    pthread_mutex_unlock(&scribe->lock);
    return ready;
}

/* ---- what is counted ---- */

static size_t cnt_len(const struct sl_scribe *scribe) { return scribe->config.feed_cnt * sizeof(uint64_t); }

static int make_counts(struct sl_scribe *scribe)
{
    uint64_t *cells = calloc(SL_SCRIBE_BUFS + 2, cnt_len(scribe) + 1); /* the first is the block */
    if (!cells)
        return -ENOMEM;
    scribe->put_cnt = cells;
    scribe->durable_cnt = cells + scribe->config.feed_cnt;
    for (unsigned i = 0; i < SL_SCRIBE_BUFS; i++)
        scribe->bufs[i].put_cnt = cells + (i + 2) * scribe->config.feed_cnt;
    return 0;
}

/* All of it is in the buffers. */
static void note_put(struct sl_scribe *scribe, const struct sl_record *record)
{
    scribe->put_seq = record->seq;
    if (record->feed < scribe->config.feed_cnt && record->kind < SL_KIND_CNT)
        scribe->put_cnt[record->feed]++;
}

/* ---- buffers ---- */

static void send_filled(struct sl_scribe *scribe)
{
    struct sl_scribe_buf *buf = filled(scribe);
    uint32_t len = (scribe->fill_len + SL_SEGMENT_BLOCK - 1) & ~(SL_SEGMENT_BLOCK - 1);
    memset(buf->data + scribe->fill_len, 0, len - scribe->fill_len);
    buf->write = (struct sl_disk_write){
        .fd = scribe->fd, .sync = scribe->config.sync, .data = buf->data, .len = len, .off = scribe->fill_off
    };
    buf->last_seq = scribe->put_seq;
    memcpy(buf->put_cnt, scribe->put_cnt, cnt_len(scribe));
    buf->under_way = true;
    scribe->fill++;
    scribe->fill_off += len;
    scribe->fill_len = 0;
    sl_disk_submit(scribe->config.disk, &buf->write);
}

int sl_scribe_reap(struct sl_scribe *scribe)
{
    while (scribe->oldest != scribe->fill) {
        struct sl_scribe_buf *buf = &scribe->bufs[scribe->oldest % SL_SCRIBE_BUFS];
        if (!buf->write.done)
            break;
        buf->under_way = false;
        scribe->oldest++;
        if (buf->write.result)
            fail(scribe, buf->write.result);
        if (scribe->error) /* what comes behind a write that failed is not durable */
            continue;
        scribe->durable_seq = buf->last_seq;
        memcpy(scribe->durable_cnt, buf->put_cnt, cnt_len(scribe));
        scribe->durable_off = buf->write.off + buf->write.len;
    }
    return scribe->error;
}

static bool all_under_way(const struct sl_scribe *scribe) { return scribe->fill - scribe->oldest >= SL_SCRIBE_BUFS; }

/* Until a buffer is free to be filled. */
static int await_buf(struct sl_scribe *scribe)
{
    while (all_under_way(scribe)) {
        sl_disk_reap(scribe->config.disk, WAIT_NS);
        sl_scribe_reap(scribe);
    }
    return scribe->error;
}

static int await_all(struct sl_scribe *scribe)
{
    while (scribe->oldest != scribe->fill) {
        sl_disk_reap(scribe->config.disk, WAIT_NS);
        sl_scribe_reap(scribe);
    }
    return scribe->error;
}

bool sl_scribe_is_dirty(const struct sl_scribe *scribe) { return scribe->fill_len; }

int sl_scribe_flush(struct sl_scribe *scribe)
{
    /* All but one under way: this one may go when there is another to fill. */
    if (scribe->error || !scribe->fill_len || scribe->fill - scribe->oldest >= SL_SCRIBE_BUFS - 1)
        return scribe->error;
    send_filled(scribe);
    return 0;
}

/* ---- segments ---- */

static int open_in(struct sl_scribe *scribe, const char *name, int flags)
{
    flags |= O_RDWR | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(scribe->folder, name, flags | O_DIRECT, 0640);
    if (fd < 0 && errno == EINVAL) /* a file system that has no such thing */
        fd = openat(scribe->folder, name, flags, 0640);
    return fd < 0 ? -errno : fd;
}

static void make_head(struct sl_scribe *scribe, const struct sl_record *record, int64_t now_ns)
{
    struct sl_segment_head *head = &scribe->head;
    *head = (struct sl_segment_head){ .family = scribe->config.family,
                                      .number = scribe->config.next_number,
                                      .epoch = record->epoch,
                                      .first_seq = sl_segment_begins(record),
                                      .created_ns = now_ns,
                                      .len = scribe->config.segment_len };
    if (getrandom(&head->salt, sizeof(head->salt), 0) != (ssize_t)sizeof(head->salt))
        head->salt = (uint64_t)now_ns * 0x9e3779b97f4a7c15ull;
    snprintf(head->node, sizeof(head->node), "%s", scribe->config.node);
    snprintf(head->tape_name, sizeof(head->tape_name), "%s", scribe->config.tape_name);
    sl_segment_head_make(head);
}

/* Too old, or too much.  What cannot be removed is tried again with the next segment. */
static void prune(struct sl_scribe *scribe, int64_t now_ns)
{
    struct sl_catalog catalog;
    struct stat stat;
    uint64_t total = 0;
    if (sl_catalog_list(&catalog, scribe->config.directory, scribe->config.family))
        return;
    for (uint32_t i = 0; i < catalog.cnt; i++)
        total += catalog.files[i].len;
    for (uint32_t i = 0; i < catalog.cnt && catalog.files[i].number < scribe->head.number; i++) {
        const struct sl_catalog_file *file = &catalog.files[i];
        bool old = scribe->config.keep_ns && !fstatat(catalog.folder, file->name, &stat, AT_SYMLINK_NOFOLLOW) &&
                   now_ns - (stat.st_mtim.tv_sec * 1000000000ll + stat.st_mtim.tv_nsec) > scribe->config.keep_ns;
        if (!old && !(scribe->config.keep_len && total > scribe->config.keep_len))
            break;
        total -= file->len;
        unlinkat(catalog.folder, file->name, 0);
    }
    sl_catalog_clear(&catalog);
}

/* The head is on the disk under the segment's name before any record is. */
static int open_segment(struct sl_scribe *scribe, const struct sl_record *record, int64_t now_ns)
{
    struct sl_scribe_buf *buf = filled(scribe);
    int rc = await_buf(scribe);
    if (rc)
        return rc;
    make_head(scribe, record, now_ns);
    sl_catalog_name(scribe->name, scribe->head.number);
    bool spare = take_spare(scribe);
    const char *from = spare ? SPARE_NAME : HASTY_NAME;
    scribe->durable_off = 0;
    scribe->fd = open_in(scribe, from, spare ? 0 : O_CREAT | O_TRUNC);
    if (scribe->fd < 0)
        return fail(scribe, scribe->fd);
    if (!spare && fallocate(scribe->fd, 0, 0, (off_t)scribe->config.segment_len) && errno != EOPNOTSUPP)
        return fail(scribe, -errno);
    memset(buf->data, 0, SL_SEGMENT_DATA);
    memcpy(buf->data, &scribe->head, sizeof(scribe->head));
    memcpy(buf->data + SL_SEGMENT_BLOCK, &scribe->head, sizeof(scribe->head));
    scribe->fill_off = 0;
    scribe->fill_len = SL_SEGMENT_DATA;
    send_filled(scribe);
    rc = await_all(scribe);
    if (!rc && (renameat(scribe->folder, from, scribe->folder, scribe->name) || fsync(scribe->folder)))
        rc = fail(scribe, -errno);
    if (rc)
        return rc;
    scribe->config.next_number++;
    prune(scribe, now_ns);
    want_spare(scribe);
    return 0;
}

static int cut_and_end(struct sl_scribe *scribe, uint64_t data_end)
{
    size_t len = sl_segment_index_write(&scribe->index, data_end, NULL, 0);
    unsigned char *end = aligned_alloc(SL_SEGMENT_BLOCK, len);
    if (!end)
        return -ENOMEM;
    sl_segment_index_write(&scribe->index, data_end, end, len);
    struct sl_disk_write write = { .fd = scribe->fd, .sync = true, .data = end, .len = (uint32_t)len, .off = data_end };
    int rc = ftruncate(scribe->fd, (off_t)data_end) ? -errno : 0;
    if (!rc) {
        sl_disk_submit(scribe->config.disk, &write);
        while (!write.done)
            sl_disk_reap(scribe->config.disk, WAIT_NS);
        rc = write.result;
    }
    if (!rc && fdatasync(scribe->fd))
        rc = -errno;
    free(end);
    return rc;
}

static void forget_segment(struct sl_scribe *scribe)
{
    if (scribe->fd >= 0)
        close(scribe->fd);
    scribe->fd = -1;
    scribe->fill_len = 0;
    sl_segment_index_clear(&scribe->index);
}

int sl_scribe_end(struct sl_scribe *scribe)
{
    if (scribe->fd < 0)
        return scribe->error;
    int rc = await_buf(scribe);
    if (!rc && scribe->fill_len)
        send_filled(scribe);
    await_all(scribe);
    if (scribe->error)
        return scribe->error;
    rc = cut_and_end(scribe, scribe->fill_off);
    if (rc)
        return fail(scribe, rc);
    forget_segment(scribe);
    return 0;
}

int sl_scribe_abandon(struct sl_scribe *scribe)
{
    struct sl_catalog_state state;
    await_all(scribe);
    if (scribe->fd >= 0 && ftruncate(scribe->fd, (off_t)scribe->durable_off) && errno != EROFS)
        return -errno;
    forget_segment(scribe);
    unlinkat(scribe->folder, HASTY_NAME, 0);
    int rc = sl_catalog_mend(scribe->config.directory, scribe->config.family, 0, &state);
    if (rc)
        return rc;
    scribe->config.next_number = state.next_number;
    scribe->error = 0;
    scribe->put_seq = scribe->durable_seq;
    memcpy(scribe->put_cnt, scribe->durable_cnt, cnt_len(scribe));
    return 0;
}

/* ---- records ---- */

void *sl_scribe_claim(struct sl_scribe *scribe, uint32_t *room)
{
    *room = 0;
    if (scribe->fd < 0 || scribe->error || all_under_way(scribe))
        return NULL;
    uint64_t end = scribe->fill_off + scribe->fill_len;
    uint64_t left = end < scribe->config.segment_len ? scribe->config.segment_len - end : 0;
    uint32_t here = SL_SCRIBE_BUF_LEN - scribe->fill_len;
    *room = left < here ? (uint32_t)left & ~(SL_SEGMENT_ALIGN - 1) : here;
    return filled(scribe)->data + scribe->fill_len;
}

void sl_scribe_commit(struct sl_scribe *scribe, struct sl_record *record)
{
    uint64_t off = scribe->fill_off + scribe->fill_len;
    uint32_t len = record->len, room = sl_segment_room(len);
    assert((unsigned char *)record == filled(scribe)->data + scribe->fill_len);
    memset((unsigned char *)record + len, 0, room - len);
    sl_segment_seal(record, scribe->head.salt, off);
    sl_segment_index_add(&scribe->index, record, off);
    note_put(scribe, record);
    scribe->fill_len += room;
    if (scribe->fill_len == SL_SCRIBE_BUF_LEN)
        send_filled(scribe);
}

/* Into the buffers, one after the other; one that is full goes on its way.  Only the one with the last byte makes the
 * record durable. */
static int put_bytes(struct sl_scribe *scribe, const struct sl_record *record, uint32_t room)
{
    for (uint32_t at = 0; at < room;) {
        int rc = await_buf(scribe);
        if (rc)
            return rc;
        uint32_t here = SL_SCRIBE_BUF_LEN - scribe->fill_len;
        here = room - at < here ? room - at : here;
        unsigned char *to = filled(scribe)->data + scribe->fill_len;
        uint32_t bytes = at >= record->len ? 0 : record->len - at < here ? record->len - at : here;
        memcpy(to, (const unsigned char *)record + at, bytes);
        memset(to + bytes, 0, here - bytes);
        at += here;
        scribe->fill_len += here;
        if (at == room)
            note_put(scribe, record);
        if (scribe->fill_len == SL_SCRIBE_BUF_LEN)
            send_filled(scribe);
    }
    return 0;
}

int sl_scribe_put(struct sl_scribe *scribe, struct sl_record *record, int64_t now_ns)
{
    uint32_t room = sl_segment_room(record->len);
    uint64_t end = scribe->fill_off + scribe->fill_len;
    int rc = scribe->error;
    if (!rc && scribe->fd >= 0 && scribe->index.end.record_cnt && end + room > scribe->config.segment_len)
        rc = sl_scribe_end(scribe);
    if (!rc && scribe->fd < 0)
        rc = open_segment(scribe, record, now_ns);
    if (rc)
        return rc;
    uint64_t off = scribe->fill_off + scribe->fill_len;
    sl_segment_seal(record, scribe->head.salt, off);
    sl_segment_index_add(&scribe->index, record, off);
    return put_bytes(scribe, record, room);
}

/* ---- life ---- */

int sl_scribe_init(struct sl_scribe *scribe, const struct sl_scribe_config *config)
{
    struct sl_catalog catalog;
    *scribe = (struct sl_scribe){ .config = *config, .fd = -1, .folder = -1 };
    scribe->durable_seq = scribe->put_seq = config->durable_seq;
    int rc = sl_catalog_list(&catalog, config->directory, config->family);
    if (rc)
        return rc;
    scribe->folder = catalog.folder;
    catalog.folder = -1;
    sl_catalog_clear(&catalog);
    rc = make_counts(scribe);
    if (rc)
        return rc;
    for (unsigned i = 0; i < SL_SCRIBE_BUFS; i++) {
        scribe->bufs[i].data = aligned_alloc(SL_SEGMENT_BLOCK, SL_SCRIBE_BUF_LEN);
        if (!scribe->bufs[i].data)
            return -ENOMEM;
    }
    pthread_mutex_init(&scribe->lock, NULL);
    pthread_cond_init(&scribe->wanted, NULL);
    rc = pthread_create(&scribe->maker, NULL, make_spares, scribe);
    scribe->has_maker = !rc;
    if (!rc)
        want_spare(scribe);
    return -rc;
}

void sl_scribe_fini(struct sl_scribe *scribe)
{
    if (scribe->has_maker) {
        pthread_mutex_lock(&scribe->lock);
        scribe->spare = SL_SCRIBE_STOP;
        pthread_cond_signal(&scribe->wanted);
        pthread_mutex_unlock(&scribe->lock);
        pthread_join(scribe->maker, NULL);
        unlinkat(scribe->folder, SPARE_NAME, 0);
    }
    await_all(scribe);
    forget_segment(scribe);
    for (unsigned i = 0; i < SL_SCRIBE_BUFS; i++)
        free(scribe->bufs[i].data);
    free(scribe->put_cnt);
    if (scribe->folder >= 0)
        close(scribe->folder);
}
