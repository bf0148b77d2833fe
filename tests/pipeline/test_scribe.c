/* The scribe on a disk that fails, tears and forgets: pipeline/disk.h, made of chance, from a seed. */
#include "pipeline/scribe.h"
#include "tests/pipeline/segments.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define WRITES_MAX  16u
#define SECTOR      512u
#define RECORDS_MAX 4000u
#define BODY_MAX    6000u

/* ---- the disk, in place of disk.c ---- */

static struct { /* one for all: the one that is linked is called by name */
    uint64_t dice;
    struct sl_disk_write *under_way[WRITES_MAX];
    unsigned cnt;
    unsigned fail_in_1000; /* writes that end in an error */
    uint64_t failed_cnt, torn_cnt;
} world;

static void apply(const struct sl_disk_write *write, uint32_t len)
{
    cr_assert_eq(pwrite(write->fd, write->data, len, (off_t)write->off), (ssize_t)len);
}

int sl_disk_new(struct sl_disk **disk, unsigned writes_max)
{
    cr_assert_leq(writes_max, WRITES_MAX);
    *disk = (struct sl_disk *)&world;
    return 0;
}

const char *sl_disk_way(const struct sl_disk *disk) { return disk ? "chance" : ""; }

void sl_disk_submit(struct sl_disk *disk, struct sl_disk_write *write)
{
    (void)disk;
    write->done = false;
    world.under_way[world.cnt++] = write;
}

/* Some of what is under way, in any order; all of it in the end, since who waits asks again. */
void sl_disk_reap(struct sl_disk *disk, int64_t wait_ns)
{
    (void)disk;
    for (bool first = wait_ns > 0; world.cnt && (first || random_of(&world.dice) % 3 == 0); first = false) {
        unsigned i = (unsigned)(random_of(&world.dice) % world.cnt);
        struct sl_disk_write *write = world.under_way[i];
        world.under_way[i] = world.under_way[--world.cnt];
        bool fails = random_of(&world.dice) % 1000 < world.fail_in_1000;
        apply(write, fails ? (uint32_t)(random_of(&world.dice) % (write->len / SECTOR + 1)) * SECTOR : write->len);
        write->result = fails ? (random_of(&world.dice) % 2 ? -ENOSPC : -EIO) : 0;
        world.failed_cnt += fails;
        write->done = true;
    }
}

void sl_disk_delete(struct sl_disk *disk) { (void)disk; }

/* Of each write that is under way, any sectors have come. */
static void power_goes(void)
{
    for (unsigned i = 0; i < world.cnt; i++) {
        struct sl_disk_write write = *world.under_way[i];
        for (uint32_t off = 0; off < write.len; off += SECTOR)
            if (random_of(&world.dice) % 2)
                cr_assert_eq(pwrite(write.fd, write.data + off, SECTOR, (off_t)(write.off + off)), (ssize_t)SECTOR);
        world.torn_cnt++;
        world.under_way[i]->result = -EIO; /* whoever still waits for it may go */
        world.under_way[i]->done = true;
    }
    world.cnt = 0;
}

/* ---- a life ---- */

static char root[64];
static uint64_t seed;
static _Alignas(8) unsigned char record[BODY_MAX + 1024], want[BODY_MAX + 1024];

static uint32_t body_of(uint64_t seq)
{
    uint64_t state = seed * 77 + seq;
    return (uint32_t)(random_of(&state) % BODY_MAX);
}

static void put_next(struct sl_scribe *scribe, uint64_t seq)
{
    uint32_t room, len = record_fill((struct sl_record *)record, seed, seq, body_of(seq));
    void *place = sl_scribe_claim(scribe, &room);
    if (place && room >= len) {
        memcpy(place, record, len);
        sl_scribe_commit(scribe, place);
    } else {
        sl_scribe_put(scribe, (struct sl_record *)record, 1000000);
    }
}

/* All up to durable is there, each as it was written; nothing else is but what was written behind it. */
static void check(uint64_t durable, uint64_t put)
{
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    uint64_t next = 1;
    int rc;
    cr_assert_eq(sl_cursor_open(&cursor, root, SL_FAMILY_TAPE, 1, 0), 0);
    while ((rc = sl_cursor_next(cursor, &event)) > SL_SEGMENT_END) {
        if (rc != SL_SEGMENT_RECORD) {
            cr_assert(event.damage.first_seq > durable || !event.damage.first_seq,
                      "seed %" PRIu64 ": %" PRIu64 " is damaged and %" PRIu64 " was durable", seed,
                      event.damage.first_seq, durable);
            continue;
        }
        uint64_t seq = event.record->seq;
        cr_assert(seq == next || next > durable, "seed %" PRIu64 ": %" PRIu64 " where %" PRIu64 " was expected", seed,
                  seq, next);
        cr_assert_leq(seq, put);
        uint32_t len = record_fill((struct sl_record *)want, seed, seq, body_of(seq));
        cr_assert(event.record->len == len && !memcmp(event.record, want, len), "seed %" PRIu64 ": seq %" PRIu64, seed,
                  seq);
        next = seq + 1;
    }
    cr_assert_eq(rc, 0);
    sl_cursor_close(cursor);
    cr_assert_gt(next, durable, "seed %" PRIu64 ": durable to %" PRIu64 ", there to %" PRIu64, seed, durable, next - 1);
}

static void empty_folder(void)
{
    struct sl_catalog catalog;
    cr_assert_eq(sl_catalog_list(&catalog, root, SL_FAMILY_TAPE), 0);
    for (uint32_t i = 0; i < catalog.cnt; i++)
        unlinkat(catalog.folder, catalog.files[i].name, 0);
    sl_catalog_clear(&catalog);
}

/* Records until the power goes, or an orderly end; then what is there is mended, and it goes on from there. */
static uint64_t live(uint64_t next, uint64_t last, bool orderly)
{
    struct sl_scribe scribe;
    struct sl_catalog_state state;
    struct sl_disk *disk;
    cr_assert_eq(sl_catalog_mend(root, SL_FAMILY_TAPE, 0, &state), 0);
    sl_disk_new(&disk, 2 * SL_SCRIBE_BUFS + 2);
    struct sl_scribe_config config = { .directory = root,
                                       .segment_len = 1 << 20,
                                       .sync = true,
                                       .node = "n",
                                       .tape_name = "t",
                                       .next_number = state.next_number,
                                       .durable_seq = next - 1,
                                       .disk = disk };
    cr_assert_eq(sl_scribe_init(&scribe, &config), 0);
    uint64_t durable = next - 1, put = durable;
    while (put < last) {
        if (scribe.error) {
            cr_assert_eq(sl_scribe_abandon(&scribe), 0);
            put = scribe.durable_seq; /* who has them writes them again */
            continue;
        }
        put_next(&scribe, put + 1);
        put += !scribe.error;
        if (random_of(&world.dice) % 6 == 0)
            sl_scribe_flush(&scribe);
        sl_disk_reap(disk, 0);
        sl_scribe_reap(&scribe);
        cr_assert_geq(scribe.durable_seq, durable, "seed %" PRIu64 ": what is durable stays so", seed);
        durable = scribe.durable_seq;
    }
    unsigned fails = world.fail_in_1000;
    world.fail_in_1000 = 0;
    if (orderly && !scribe.error && !sl_scribe_end(&scribe))
        durable = scribe.durable_seq;
    else
        power_goes();
    sl_scribe_fini(&scribe);
    world.fail_in_1000 = fails;
    cr_assert_eq(sl_catalog_mend(root, SL_FAMILY_TAPE, 0, &state), 0);
    check(durable, put);
    return durable;
}

Test(scribe, what_it_calls_durable_is_there_whatever_the_disk_does)
{
    const char *told = getenv("SL_LIVES"), *told_seed = getenv("SL_SEED");
    uint64_t cnt = told ? strtoull(told, NULL, 10) : 40, first = told_seed ? strtoull(told_seed, NULL, 10) : 1;
    char path[128];
    snprintf(root, sizeof(root), "/tmp/slugline-scribe-XXXXXX");
    cr_assert(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/tape", root);
    cr_assert_eq(mkdir(path, 0700), 0);
    for (seed = first; seed < first + cnt; seed++) {
        world.dice = seed;
        world.fail_in_1000 = random_of(&world.dice) % 3 ? (unsigned)(random_of(&world.dice) % 200) : 0;
        empty_folder();
        live(1, 1 + random_of(&world.dice) % 400, random_of(&world.dice) % 3 == 0);
    }
    fprintf(stderr, "scribe: %" PRIu64 " lives from seed %" PRIu64 ", %" PRIu64 " writes failed, %" PRIu64 " torn\n",
            cnt, first, world.failed_cnt, world.torn_cnt);
    cr_assert(cnt < 40 || (world.failed_cnt && world.torn_cnt), "it is to meet both");
    empty_folder();
    rmdir(path);
    rmdir(root);
}

Test(scribe, old_segments_go_by_size_and_by_age)
{
    char path[128];
    struct sl_catalog catalog;
    snprintf(root, sizeof(root), "/tmp/slugline-scribe-XXXXXX");
    cr_assert(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/tape", root);
    cr_assert_eq(mkdir(path, 0700), 0);
    for (int by_age = 0; by_age < 2; by_age++) {
        struct sl_scribe scribe;
        struct sl_disk *disk;
        int64_t now_ns = 1700000000ll * 1000000000;
        empty_folder();
        world.fail_in_1000 = 0;
        sl_disk_new(&disk, 2 * SL_SCRIBE_BUFS + 2);
        struct sl_scribe_config config = { .directory = root,
                                           .segment_len = 1 << 20,
                                           .node = "n",
                                           .tape_name = "t",
                                           .next_number = 1,
                                           .keep_len = by_age ? 0 : 3 << 20,
                                           .keep_ns = by_age ? 3600 * 1000000000ll : 0,
                                           .disk = disk };
        cr_assert_eq(sl_scribe_init(&scribe, &config), 0);
        uint64_t seq = 0;
        for (unsigned number = 1; number <= 6; number++) {
            record_fill((struct sl_record *)record, seed, ++seq, 3000);
            cr_assert_eq(sl_scribe_put(&scribe, (struct sl_record *)record, now_ns), 0);
            for (unsigned i = 0; !by_age && i < 300; i++) {
                record_fill((struct sl_record *)record, seed, ++seq, 3000);
                cr_assert_eq(sl_scribe_put(&scribe, (struct sl_record *)record, now_ns), 0);
            }
            cr_assert_eq(sl_scribe_end(&scribe), 0);
            /* The file is as old as it says; the clock of the next segment decides. */
            struct timespec times[2] = { { .tv_sec = now_ns / 1000000000 }, { .tv_sec = now_ns / 1000000000 } };
            utimensat(scribe.folder, scribe.name, times, 0);
            now_ns += 1500 * 1000000000ll;
        }
        sl_scribe_fini(&scribe);
        cr_assert_eq(sl_catalog_list(&catalog, root, SL_FAMILY_TAPE), 0);
        cr_assert_eq(catalog.files[catalog.cnt - 1].number, 6);
        cr_assert_eq(catalog.cnt, 3, "%s: %u are left", by_age ? "age" : "size", catalog.cnt);
        sl_catalog_clear(&catalog);
    }
    empty_folder();
    rmdir(path);
    rmdir(root);
}
