/* A disk that has bad days, in place of disk.c: a daemon that is linked with it does as the file says that SL_TEST_DISK
 * names.
 *
 *     fine            each write goes to the disk, synchronously
 *     error NUMBER    none does; this errno is what it ends with
 *     hold            none ends, or is on the disk, before the file says something else
 */
#include "pipeline/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

#define WRITES_MAX 64u
#define LOOK_NS    5000000ll /* how often a disk that holds looks whether it still should */

struct sl_disk {
    struct under_way {
        struct sl_disk_write *write;
        bool held;
        int error;
    } writes[WRITES_MAX]; /* in the order in which they came */
    unsigned cnt;
};

int sl_disk_new(struct sl_disk **disk, unsigned writes_max)
{
    if (writes_max > WRITES_MAX)
        return -EINVAL;
    *disk = calloc(1, sizeof(**disk));
    return *disk ? 0 : -ENOMEM;
}

const char *sl_disk_way(const struct sl_disk *disk)
{
    (void)disk;
    return "a test";
}

/* What is asked for just now. */
static struct under_way read_wish(void)
{
    const char *path = getenv("SL_TEST_DISK");
    FILE *file = path ? fopen(path, "r") : NULL;
    struct under_way wish = { 0 };
    char word[16] = "";
    int number = 0, cnt = file ? fscanf(file, "%15s %d", word, &number) : 0;
    if (file)
        fclose(file);
    wish.held = !strcmp(word, "hold");
    wish.error = cnt == 2 && !strcmp(word, "error") ? -number : 0;
    return wish;
}

void sl_disk_submit(struct sl_disk *disk, struct sl_disk_write *write)
{
    struct under_way *place = &disk->writes[disk->cnt++];
    *place = read_wish();
    place->write = write;
    write->done = false;
}

static int put(const struct sl_disk_write *write)
{
    for (uint32_t at = 0; at < write->len;) {
        struct iovec piece = { (void *)(uintptr_t)(write->data + at), write->len - at };
        ssize_t got = pwritev2(write->fd, &piece, 1, (off_t)(write->off + at), write->sync ? RWF_DSYNC : 0);
        if (got < 0 && errno != EINTR)
            return -errno;
        at += got > 0 ? (uint32_t)got : 0;
    }
    return 0;
}

/* Nobody overtakes one that is held. */
static bool is_held(const struct sl_disk *disk) { return disk->cnt && disk->writes[0].held && read_wish().held; }

void sl_disk_reap(struct sl_disk *disk, int64_t wait_ns)
{
    if (wait_ns > 0 && is_held(disk))
        nanosleep(&(struct timespec){ .tv_nsec = wait_ns < LOOK_NS ? wait_ns : LOOK_NS }, NULL);
    while (disk->cnt && !is_held(disk)) {
        struct under_way *place = &disk->writes[0];
        place->write->result = place->error ? place->error : put(place->write);
        place->write->done = true;
        memmove(place, place + 1, --disk->cnt * sizeof(*place));
    }
}

void sl_disk_delete(struct sl_disk *disk) { free(disk); }
