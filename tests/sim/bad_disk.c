#include "tests/sim/lives.h"

#include "pipeline/disk.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#define WRITES_MAX 64u
#define SECTOR     512u
#define WAIT_NS    50000 /* what a write takes at least */

struct bad_disk bad_disk;
static struct sl_disk_write *under_way[WRITES_MAX];
static uint32_t cnt;

int sl_disk_new(struct sl_disk **disk, unsigned writes_max)
{
    assert(writes_max <= WRITES_MAX);
    *disk = (struct sl_disk *)&bad_disk;
    cnt = 0;
    return 0;
}

const char *sl_disk_way(const struct sl_disk *disk) { return disk ? "chance" : ""; }

void sl_disk_submit(struct sl_disk *disk, struct sl_disk_write *write)
{
    (void)disk;
    write->done = false;
    under_way[cnt++] = write;
}

static void apply(const struct sl_disk_write *write, uint32_t off, uint32_t len)
{
    ssize_t put = pwrite(write->fd, write->data + off, len, (off_t)(write->off + off));
    assert(put == (ssize_t)len);
}

static void end(struct sl_disk_write *write, int result)
{
    write->result = result;
    write->done = true;
}

/* Some of what is under way, in any order; one at least for who waits. */
void sl_disk_reap(struct sl_disk *disk, int64_t wait_ns)
{
    struct dice *dice = bad_disk.dice;
    (void)disk;
    if (wait_ns > 0)
        *bad_disk.now_ns += cnt ? WAIT_NS : wait_ns;
    for (bool first = wait_ns > 0; cnt && (first || chance(dice, 30)); first = false) {
        uint32_t i = below(dice, cnt);
        struct sl_disk_write *write = under_way[i];
        under_way[i] = under_way[--cnt];
        bool fails = below(dice, 1000) < bad_disk.fails_in_1000;
        apply(write, 0, fails ? below(dice, write->len / SECTOR + 1) * SECTOR : write->len);
        end(write, !fails ? 0 : chance(dice, 50) ? -ENOSPC : -EIO);
        bad_disk.failed_cnt += fails;
    }
}

void sl_disk_delete(struct sl_disk *disk) { (void)disk; }

void bad_disk_kill(void)
{
    for (uint32_t i = 0; i < cnt; i++) {
        if (chance(bad_disk.dice, 50))
            apply(under_way[i], 0, under_way[i]->len);
        end(under_way[i], -EIO);
    }
    cnt = 0;
}

void bad_disk_power_goes(void)
{
    for (uint32_t i = 0; i < cnt; i++) {
        for (uint32_t off = 0; off < under_way[i]->len; off += SECTOR)
            if (chance(bad_disk.dice, 50))
                apply(under_way[i], off, SECTOR);
        bad_disk.torn_cnt++;
        end(under_way[i], -EIO);
    }
    cnt = 0;
}
