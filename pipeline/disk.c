#include "pipeline/disk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#ifdef SL_HAVE_URING
#include <liburing.h>
#endif

struct sl_disk {
    bool by_uring;
    unsigned under_way;
#ifdef SL_HAVE_URING
    struct io_uring ring;
#endif
};

int sl_disk_new(struct sl_disk **out, unsigned writes_max)
{
    struct sl_disk *disk = calloc(1, sizeof(*disk));
    if (!disk)
        return -ENOMEM;
#ifdef SL_HAVE_URING
    disk->by_uring = !io_uring_queue_init(writes_max, &disk->ring, 0);
#endif
    (void)writes_max;
    *out = disk;
    return 0;
}

const char *sl_disk_way(const struct sl_disk *disk) { return disk->by_uring ? "io_uring" : "pwritev2"; }

/* All of it from here on, in this thread. */
static void write_here(struct sl_disk_write *write, uint32_t from)
{
    write->result = 0;
    while (from < write->len && !write->result) {
        struct iovec piece = { (void *)(uintptr_t)(write->data + from), write->len - from };
        ssize_t put = pwritev2(write->fd, &piece, 1, (off_t)(write->off + from), write->sync ? RWF_DSYNC : 0);
        if (put > 0)
            from += (uint32_t)put;
        else if (put == 0)
            write->result = -EIO;
        else if (errno != EINTR)
            write->result = -errno;
    }
    write->done = true;
}

void sl_disk_submit(struct sl_disk *disk, struct sl_disk_write *write)
{
    write->done = false;
#ifdef SL_HAVE_URING
    struct io_uring_sqe *sqe = disk->by_uring ? io_uring_get_sqe(&disk->ring) : NULL;
    if (sqe) {
        io_uring_prep_write(sqe, write->fd, write->data, write->len, write->off);
        sqe->rw_flags = write->sync ? RWF_DSYNC : 0;
        io_uring_sqe_set_data(sqe, write);
        int rc = io_uring_submit(&disk->ring);
        assert(rc == 1); /* there is a place for each write that can be under way */
        disk->under_way++;
        return;
    }
#endif
    write_here(write, 0);
}

#ifdef SL_HAVE_URING
static void take(struct sl_disk *disk, struct io_uring_cqe *cqe)
{
    struct sl_disk_write *write = io_uring_cqe_get_data(cqe);
    int got = cqe->res;
    io_uring_cqe_seen(&disk->ring, cqe);
    disk->under_way--;
    if (got < 0 && got != -EINTR && got != -EAGAIN) {
        write->result = got;
        write->done = true;
    } else {
        write_here(write, got > 0 ? (uint32_t)got : 0); /* what a short write left */
    }
}
#endif

void sl_disk_reap(struct sl_disk *disk, int64_t wait_ns)
{
#ifdef SL_HAVE_URING
    struct io_uring_cqe *cqe;
    if (disk->under_way && wait_ns > 0) {
        struct __kernel_timespec timeout = { .tv_sec = wait_ns / 1000000000, .tv_nsec = wait_ns % 1000000000 };
        if (!io_uring_wait_cqe_timeout(&disk->ring, &cqe, &timeout))
            take(disk, cqe);
    }
    while (disk->under_way && !io_uring_peek_cqe(&disk->ring, &cqe))
        take(disk, cqe);
#endif
    (void)disk;
    (void)wait_ns;
}

void sl_disk_delete(struct sl_disk *disk)
{
    if (!disk)
        return;
#ifdef SL_HAVE_URING
    if (disk->by_uring)
        io_uring_queue_exit(&disk->ring);
#endif
    free(disk);
}
