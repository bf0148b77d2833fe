/* pipeline/disk.h - writes that are under way: by io_uring, or one after the other where that is denied.
 *
 * Life      new, submit and reap, delete when nothing is under way.
 * Threads   One.
 * Owns      A write and its bytes are the disk's from submit until done is set.
 * Errors    new: -errno.  A write's result: 0, or -errno; a short write is gone on with until it is whole.
 * Units     bytes; ns.
 */
#ifndef SL_PIPELINE_DISK_H
#define SL_PIPELINE_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct sl_disk_write {
    int fd;
    bool sync; /* done means that it is on the disk and not only in its cache (RWF_DSYNC) */
    bool done;
    int result;
    const unsigned char *data;
    uint32_t len;
    uint64_t off;
};

struct sl_disk;
int sl_disk_new(struct sl_disk **disk, unsigned writes_max);
const char *sl_disk_way(const struct sl_disk *disk); /* for people */
void sl_disk_submit(struct sl_disk *disk, struct sl_disk_write *write);
/* Sets done of what has ended.  Waits for one at most wait_ns, if any is under way. */
void sl_disk_reap(struct sl_disk *disk, int64_t wait_ns);
void sl_disk_delete(struct sl_disk *disk);

#endif
