#include "pipeline/catalog.h"
#include "tests/pipeline/segments.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEED 42u

static char root[] = "/tmp/slugline-catalog-XXXXXX";
static char path[4096];
static struct segment made;

static const char *path_of(uint64_t number)
{
    char name[SL_CATALOG_NAME_LEN];
    sl_catalog_name(name, number);
    snprintf(path, sizeof(path), "%s/tape/%s", root, name);
    return path;
}

static void start(void)
{
    cr_assert(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/tape", root);
    cr_assert_eq(mkdir(path, 0700), 0);
}

static void stop(void)
{
    for (uint64_t number = 1; number < 20; number++)
        unlink(path_of(number));
    snprintf(path, sizeof(path), "%s/tape", root);
    rmdir(path);
    rmdir(root);
}

/* spare: zeros behind what was written, as in a file that was set aside. */
static void store(uint64_t number, uint64_t spare)
{
    int fd = open(path_of(number), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, made.bytes, made.len), (ssize_t)made.len);
    cr_assert_eq(ftruncate(fd, (off_t)(made.len + spare)), 0);
    close(fd);
}

/* cnt records from first_seq in a file of this number. */
static void put_file(uint64_t number, uint64_t first_seq, uint32_t cnt, bool ended)
{
    segment_begin(&made, SEED + number, first_seq);
    made.head.number = number;
    sl_segment_head_make(&made.head);
    memcpy(made.bytes, &made.head, sizeof(made.head));
    memcpy(made.bytes + SL_SEGMENT_BLOCK, &made.head, sizeof(made.head));
    segment_fill(&made, SEED, cnt, 3000);
    if (ended)
        segment_end(&made);
    store(number, ended ? 0 : 100000);
}

static void flip(uint64_t number, uint64_t off)
{
    char byte;
    int fd = open(path_of(number), O_RDWR);
    cr_assert_eq(pread(fd, &byte, 1, (off_t)off), 1);
    byte ^= 4;
    cr_assert_eq(pwrite(fd, &byte, 1, (off_t)off), 1);
    close(fd);
}

struct sum {
    uint64_t first, last, cnt, damage_cnt, torn_cnt, lost_first, lost_last;
    char file[64];
    uint64_t off;
};

static struct sum read_from(uint64_t seq, int64_t ns)
{
    struct sum sum = { 0 };
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    int rc;
    cr_assert_eq(sl_cursor_open(&cursor, root, SL_FAMILY_TAPE, seq, ns), 0);
    while ((rc = sl_cursor_next(cursor, &event)) != SL_SEGMENT_END) {
        cr_assert_gt(rc, 0);
        if (rc == SL_SEGMENT_RECORD) {
            cr_assert_gt(event.record->seq, sum.last);
            sum.first = sum.first ? sum.first : event.record->seq;
            sum.last = event.record->seq;
            sum.cnt++;
            continue;
        }
        sum.damage_cnt += rc == SL_SEGMENT_DAMAGE;
        sum.torn_cnt += rc == SL_SEGMENT_TORN;
        sum.lost_first = event.damage.first_seq;
        sum.lost_last = event.damage.last_seq;
        sum.off = event.damage.off;
        snprintf(sum.file, sizeof(sum.file), "%s", event.file);
    }
    sl_cursor_close(cursor);
    return sum;
}

TestSuite(catalog, .init = start, .fini = stop);

/* Against a walk over all of them, whichever of them cannot be read. */
Test(catalog, a_number_is_found_by_halves_whatever_cannot_be_read)
{
    const uint64_t cnt = 13, each = 5;
    uint64_t dice = SEED;
    for (uint64_t turn = 0; turn < 40; turn++) {
        uint64_t broken = turn ? random_of(&dice) & ((1u << cnt) - 1) & random_of(&dice) : 0;
        for (uint64_t number = 1; number <= cnt; number++) {
            put_file(number, 10 * number, (uint32_t)each, number < cnt); /* numbers are left out between them, too */
            if (broken >> (number - 1) & 1)
                cr_assert_eq(truncate(path_of(number), 100), 0);
        }
        for (uint64_t seq = 1; seq <= 10 * cnt + each; seq++) {
            struct sl_cursor *cursor;
            struct sl_catalog_event event;
            uint64_t wanted = seq > 10 ? seq : 10;
            while (wanted < 10 * cnt + each && (wanted % 10 >= each || broken >> (wanted / 10 - 1) & 1))
                wanted++;
            bool there = wanted < 10 * cnt + each;
            cr_assert_eq(sl_cursor_open(&cursor, root, SL_FAMILY_TAPE, seq, 0), 0);
            int rc;
            while ((rc = sl_cursor_next(cursor, &event)) > SL_SEGMENT_END && rc != SL_SEGMENT_RECORD)
                ;
            cr_expect(there ? rc == SL_SEGMENT_RECORD && event.record->seq == wanted : rc == SL_SEGMENT_END,
                      "turn %" PRIu64 ", seq %" PRIu64 ": got %d, wanted %" PRIu64, turn, seq, rc, wanted);
            sl_cursor_close(cursor);
        }
    }
}

Test(catalog, no_folder_is_said)
{
    struct sl_cursor *cursor;
    struct sl_catalog_state state;
    cr_assert_eq(sl_cursor_open(&cursor, root, SL_FAMILY_RAW, 0, 0), -ENOENT);
    cr_assert_eq(sl_catalog_mend(root, SL_FAMILY_RAW, 0, &state), -ENOENT);
}

Test(catalog, files_are_read_as_one_and_others_are_let_alone)
{
    put_file(3, 201, 100, false);
    put_file(1, 1, 100, true);
    put_file(2, 101, 100, true);
    snprintf(path, sizeof(path), "%s/tape/notes.txt", root);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    struct sum sum = read_from(0, INT64_MIN);
    unlink(path);
    snprintf(path, sizeof(path), "%s/tape/notes.txt", root);
    unlink(path);
    cr_assert(sum.first == 1 && sum.last == 300 && sum.cnt == 300 && !sum.damage_cnt && !sum.torn_cnt);
}

Test(catalog, is_entered_at_a_seq_or_a_time)
{
    put_file(1, 1, 100, true);
    put_file(2, 101, 100, true);
    put_file(3, 201, 100, false);
    static const uint64_t seqs[] = { 1, 2, 100, 101, 150, 200, 201, 300 };
    for (size_t i = 0; i < sizeof(seqs) / sizeof(seqs[0]); i++) {
        struct sum by_seq = read_from(seqs[i], 0), by_time = read_from(0, (int64_t)(1000000 + seqs[i] * 1000));
        cr_assert(by_seq.first == seqs[i] && by_seq.last == 300 && by_seq.cnt == 301 - seqs[i]);
        cr_assert(by_time.first == seqs[i] && by_time.last == 300 && by_time.cnt == 301 - seqs[i]);
    }
    cr_assert_eq(read_from(301, 0).cnt, 0);
    cr_assert_eq(read_from(0, INT64_MAX).cnt, 0);
}

Test(catalog, damage_is_named_by_file_offset_and_seq)
{
    put_file(1, 1, 100, true);
    put_file(2, 101, 100, true);
    struct place place = made.places[30];
    put_file(3, 201, 100, false);
    flip(2, place.off + 200 % place.len);
    struct sum sum = read_from(0, INT64_MIN);
    cr_assert(sum.cnt == 299 && sum.damage_cnt == 1 && sum.lost_first == 131 && sum.lost_last == 131);
    cr_assert_str_eq(sum.file, "tape/0000000002.seg");
    cr_assert_eq(sum.off, place.off);
}

Test(catalog, a_file_that_is_gone_or_has_no_head_is_named_by_its_numbers)
{
    put_file(1, 1, 100, true);
    put_file(2, 101, 100, true);
    put_file(3, 201, 100, true);
    flip(2, 8);
    struct sum sum = read_from(0, INT64_MIN);
    cr_assert(sum.cnt == 300 && sum.damage_cnt == 1, "one copy of the head is enough");
    flip(2, SL_SEGMENT_BLOCK + 8);
    sum = read_from(0, INT64_MIN);
    cr_assert(sum.cnt == 200 && sum.damage_cnt == 2 && sum.lost_first == 101 && sum.lost_last == 200);
    unlink(path_of(2));
    sum = read_from(0, INT64_MIN);
    cr_assert(sum.cnt == 200 && sum.damage_cnt == 1 && sum.lost_first == 101 && sum.lost_last == 200);
}

Test(catalog, a_torn_tail_is_cut_at_the_last_whole_record)
{
    struct sl_catalog_state state;
    put_file(1, 1, 100, true);
    put_file(2, 101, 100, false);
    flip(2, made.places[99].off + made.places[99].len - 1);
    struct sum sum = read_from(0, INT64_MIN);
    cr_assert(sum.cnt == 199 && sum.torn_cnt == 1);
    cr_assert_eq(sl_catalog_mend(root, SL_FAMILY_TAPE, 0, &state), 0);
    cr_assert(state.last_seq == 199 && state.last_epoch == 7 && state.next_number == 3);
    sum = read_from(0, INT64_MIN);
    cr_assert(sum.cnt == 199 && !sum.torn_cnt && !sum.damage_cnt);
    cr_assert_eq(sl_catalog_mend(root, SL_FAMILY_TAPE, 0, &state), 0, "again, with all ended");
    cr_assert(state.last_seq == 199 && state.last_epoch == 7 && state.next_number == 3);
}

Test(catalog, what_is_whole_behind_damage_is_kept_unless_it_can_be_had_again)
{
    struct sl_catalog_state state;
    put_file(1, 1, 100, false);
    flip(1, made.places[50].off + 4);
    cr_assert_eq(sl_catalog_mend(root, SL_FAMILY_TAPE, 0, &state), 0);
    cr_assert_eq(state.last_seq, 100);
    struct sum sum = read_from(0, INT64_MIN);
    cr_assert(sum.cnt == 99 && sum.lost_first == 51 && sum.lost_last == 51);
    put_file(1, 1, 100, false);
    flip(1, made.places[50].off + 4);
    cr_assert_eq(sl_catalog_mend(root, SL_FAMILY_TAPE, 1 << 20, &state), 0);
    cr_assert_eq(state.last_seq, 50);
    sum = read_from(0, INT64_MIN);
    cr_assert(sum.cnt == 50 && !sum.damage_cnt);
}

Test(catalog, a_file_without_a_record_is_removed)
{
    struct sl_catalog_state state;
    put_file(1, 1, 10, true);
    put_file(2, 11, 0, false);
    cr_assert_eq(sl_catalog_mend(root, SL_FAMILY_TAPE, 0, &state), 0);
    cr_assert(state.last_seq == 10 && state.next_number == 3);
    cr_assert_eq(access(path_of(2), F_OK), -1);
}
