#include "bench/journal_ways.h"

#include "bench/bench.h"
#include "pipeline/scribe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef SL_HAVE_URING
#include <liburing.h>
#endif

#define FILE_LEN  (64u << 20)
#define WRITE_LEN (256u << 10)
#define BLOCK_LEN 4096u
#define LONE_MAX  65536u

/* ---- files ---- */

static void *block_of(size_t len)
{
    void *block = aligned_alloc(BLOCK_LEN, len);
    if (!block)
        abort();
    return memset(block, 'x', len);
}

/* Written once, so that no write pays for the file's growth. */
static int preallocated(const char *folder)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/file", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    void *block = block_of(WRITE_LEN);
    for (off_t off = 0; fd >= 0 && off < FILE_LEN; off += WRITE_LEN)
        if (pwrite(fd, block, WRITE_LEN, off) != WRITE_LEN) {
            close(fd);
            fd = -1;
        }
    free(block);
    if (fd < 0 || fdatasync(fd)) {
        if (fd >= 0)
            close(fd);
        return -1;
    }
    close(fd);
    fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    return fd >= 0 ? fd : open(path, O_RDWR | O_CLOEXEC); /* a file system that has no such thing */
}

static double per_second(uint64_t bytes, int64_t begin_ns)
{
    return (double)bytes * 1e9 / (double)(bench_now_ns() - begin_ns);
}

/* ---- the floor ---- */

#ifdef SL_HAVE_URING
static bool send_write(struct io_uring *ring, int fd, const void *block, uint64_t *next)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    if (!sqe)
        return false;
    io_uring_prep_write(sqe, fd, block, WRITE_LEN, *next % FILE_LEN);
    sqe->rw_flags = RWF_DSYNC;
    *next += WRITE_LEN;
    return io_uring_submit(ring) == 1;
}

static bool await_write(struct io_uring *ring)
{
    struct io_uring_cqe *cqe;
    if (io_uring_wait_cqe(ring, &cqe))
        return false;
    bool whole = cqe->res == (int)WRITE_LEN;
    io_uring_cqe_seen(ring, cqe);
    return whole;
}

double journal_in_flight(const char *folder, int64_t for_ns)
{
    struct io_uring ring;
    int fd = preallocated(folder);
    if (fd < 0 || io_uring_queue_init(8, &ring, 0))
        return -1;
    void *block = block_of(WRITE_LEN);
    uint64_t next = 0, done = 0;
    bool fine = true;
    int64_t begin_ns = bench_now_ns();
    for (unsigned i = 0; i < 4; i++)
        fine &= send_write(&ring, fd, block, &next);
    while (fine && bench_now_ns() - begin_ns < for_ns) {
        fine = await_write(&ring) && send_write(&ring, fd, block, &next);
        done += WRITE_LEN;
    }
    for (unsigned i = 0; fine && i < 4; i++, done += WRITE_LEN)
        fine = await_write(&ring);
    double rate = per_second(done, begin_ns);
    io_uring_queue_exit(&ring);
    close(fd);
    free(block);
    return fine ? rate : -1;
}
#else
double journal_in_flight(const char *folder, int64_t for_ns)
{
    (void)folder;
    (void)for_ns;
    return -1;
}
#endif

double journal_append(const char *folder, int64_t for_ns)
{
    char path[4096];
    struct iovec pieces[64];
    snprintf(path, sizeof(path), "%s/append", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    void *block = block_of(BLOCK_LEN);
    for (unsigned i = 0; i < 64; i++)
        pieces[i] = (struct iovec){ block, BLOCK_LEN };
    uint64_t done = 0;
    int64_t begin_ns = bench_now_ns();
    bool fine = true;
    while (fine && bench_now_ns() - begin_ns < for_ns) {
        fine = pwritev(fd, pieces, 64, (off_t)done) == (ssize_t)WRITE_LEN && !fdatasync(fd);
        done += WRITE_LEN;
    }
    double rate = per_second(done, begin_ns);
    close(fd);
    free(block);
    return fine ? rate : -1;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double half_of(double *ns, uint32_t cnt)
{
    qsort(ns, cnt, sizeof(*ns), by_value);
    return cnt ? ns[cnt / 2] : -1;
}

double journal_lone(const char *folder, int64_t for_ns)
{
    static double ns[LONE_MAX];
    int fd = preallocated(folder);
    if (fd < 0)
        return -1;
    void *block = block_of(BLOCK_LEN);
    uint32_t cnt = 0;
    for (int64_t begin_ns = bench_now_ns(), at_ns = begin_ns; at_ns - begin_ns < for_ns && cnt < LONE_MAX; cnt++) {
        struct iovec piece = { block, BLOCK_LEN };
        if (pwritev2(fd, &piece, 1, (off_t)cnt * BLOCK_LEN % FILE_LEN, RWF_DSYNC) != (ssize_t)BLOCK_LEN)
            abort();
        int64_t end_ns = bench_now_ns();
        ns[cnt] = (double)(end_ns - at_ns);
        at_ns = end_ns;
    }
    close(fd);
    free(block);
    return half_of(ns, cnt);
}

/* ---- ours ---- */

struct ours {
    struct sl_disk *disk;
    struct sl_scribe scribe;
    uint64_t seq;
    _Alignas(64) unsigned char record[JOURNAL_RECORD_LEN];
};

static bool open_ours(struct ours *ours, const char *folder)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/tape", folder);
    if (mkdir(path, 0700) || sl_disk_new(&ours->disk, 2 * SL_SCRIBE_BUFS + 2))
        return false;
    struct sl_scribe_config config = { .directory = folder,
                                       .segment_len = FILE_LEN,
                                       .sync = true,
                                       .node = "bench",
                                       .tape_name = "bench",
                                       .next_number = 1,
                                       .keep_len = 4ull * FILE_LEN,
                                       .disk = ours->disk };
    memset(ours->record, 'x', sizeof(ours->record));
    return !sl_scribe_init(&ours->scribe, &config);
}

static bool close_ours(struct ours *ours)
{
    bool fine = !ours->scribe.error;
    sl_scribe_fini(&ours->scribe);
    sl_disk_delete(ours->disk);
    return fine;
}

/* From where the tape would have it, as the journal does: into the buffer where there is room. */
static void put_ours(struct ours *ours)
{
    struct sl_record *head = (struct sl_record *)ours->record;
    uint32_t room;
    *head = (struct sl_record){ .len = JOURNAL_RECORD_LEN, .seq = ++ours->seq, .epoch = 1 };
    void *place = sl_scribe_claim(&ours->scribe, &room);
    if (place && room >= JOURNAL_RECORD_LEN) {
        memcpy(place, ours->record, JOURNAL_RECORD_LEN);
        sl_scribe_commit(&ours->scribe, place);
    } else {
        sl_scribe_put(&ours->scribe, head, 1);
    }
}

static void await_ours(struct ours *ours)
{
    sl_scribe_flush(&ours->scribe);
    while (!ours->scribe.error && ours->scribe.durable_seq < ours->seq) {
        sl_disk_reap(ours->disk, 1000000000);
        sl_scribe_reap(&ours->scribe);
        sl_scribe_flush(&ours->scribe); /* what had no free buffer before */
    }
}

static void put_some(struct ours *ours)
{
    for (unsigned i = 0; i < 256; i++)
        put_ours(ours);
    sl_disk_reap(ours->disk, 0);
    sl_scribe_reap(&ours->scribe);
}

double journal_ours(const char *folder, int64_t for_ns)
{
    static struct ours ours;
    ours = (struct ours){ 0 };
    if (!open_ours(&ours, folder))
        return -1;
    /* The first segment is a hasty one, not written before; all others are set aside while the one before is filled. */
    while (!ours.scribe.error && ours.scribe.config.next_number < 3)
        put_some(&ours);
    await_ours(&ours);
    uint64_t before = ours.seq;
    int64_t begin_ns = bench_now_ns();
    while (!ours.scribe.error && bench_now_ns() - begin_ns < for_ns)
        put_some(&ours);
    await_ours(&ours);
    double rate = per_second((ours.seq - before) * JOURNAL_RECORD_LEN, begin_ns);
    return close_ours(&ours) ? rate : -1;
}

double journal_ours_acked(const char *folder, int64_t for_ns)
{
    static struct ours ours;
    static double ns[LONE_MAX];
    ours = (struct ours){ 0 };
    if (!open_ours(&ours, folder))
        return -1;
    put_ours(&ours);
    await_ours(&ours);
    uint32_t cnt = 0;
    for (int64_t begin_ns = bench_now_ns(), at_ns = begin_ns; at_ns - begin_ns < for_ns && cnt < LONE_MAX; cnt++) {
        put_ours(&ours);
        await_ours(&ours);
        int64_t end_ns = bench_now_ns();
        ns[cnt] = (double)(end_ns - at_ns);
        at_ns = end_ns;
    }
    return close_ours(&ours) ? half_of(ns, cnt) : -1;
}
