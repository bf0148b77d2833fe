#include "pipeline/crc32c.h"
#include "tests/pipeline/segments.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define SEED      0x736c75676c696e65ull
#define FIRST_SEQ 1000u

static struct segment whole; /* as it was written */
static unsigned char damaged[SEGMENT_LEN_MAX];
static uint64_t damaged_len;
static _Alignas(8) unsigned char want[SEGMENT_LEN_MAX];

struct seen {
    bool record[PLACES_MAX], named[PLACES_MAX];
    uint32_t record_cnt, damage_cnt, torn_cnt;
    struct sl_segment_damage first;
    bool ended, opened;
};

static void make(uint32_t cnt, uint32_t body_max, bool ended)
{
    segment_begin(&whole, SEED, FIRST_SEQ);
    segment_fill(&whole, SEED, cnt, body_max);
    if (ended)
        segment_end(&whole);
    memcpy(damaged, whole.bytes, whole.len);
    damaged_len = whole.len;
}

/* Every record that comes is one that was written, byte for byte, in order and once. */
static void take_record(struct seen *seen, const struct sl_record *record, uint64_t *last)
{
    cr_assert(record->seq >= FIRST_SEQ && record->seq < FIRST_SEQ + whole.place_cnt, "seq %" PRIu64, record->seq);
    cr_assert_gt(record->seq, *last);
    *last = record->seq;
    uint32_t i = (uint32_t)(record->seq - FIRST_SEQ);
    record_fill((struct sl_record *)want, SEED, record->seq, whole.places[i].len - (uint32_t)sizeof(*record));
    cr_assert_eq(record->len, whole.places[i].len);
    cr_assert_eq(memcmp(record, want, record->len), 0, "seq %" PRIu64 " is not what was written", record->seq);
    seen->record[i] = true;
    seen->record_cnt++;
}

static void take_damage(struct seen *seen, const struct sl_segment_damage *damage)
{
    if (!seen->damage_cnt && !seen->torn_cnt)
        seen->first = *damage;
    for (uint64_t seq = damage->first_seq; seq && seq <= damage->last_seq; seq++)
        if (seq >= FIRST_SEQ && seq < FIRST_SEQ + whole.place_cnt)
            seen->named[seq - FIRST_SEQ] = true;
}

static struct seen scan_from(uint64_t seq, int64_t ns)
{
    struct seen seen = { 0 };
    struct memory_file file = { damaged, damaged_len };
    struct sl_segment_source source = { memory_read, &file, damaged_len };
    struct sl_segment_scan scan;
    uint64_t last = 0;
    int rc = sl_segment_scan_open(&scan, &source, 0);
    seen.opened = !rc;
    cr_assert(!rc || rc == -EPROTO);
    if (rc)
        return seen;
    seen.ended = scan.ended;
    if (seq || ns)
        sl_segment_scan_seek(&scan, seq, ns);
    while ((rc = sl_segment_scan_next(&scan)) != SL_SEGMENT_END) {
        cr_assert_gt(rc, 0);
        if (rc == SL_SEGMENT_RECORD)
            take_record(&seen, scan.record, &last);
        else
            take_damage(&seen, &scan.damage);
        seen.damage_cnt += rc == SL_SEGMENT_DAMAGE;
        seen.torn_cnt += rc == SL_SEGMENT_TORN;
    }
    sl_segment_scan_close(&scan);
    return seen;
}

static struct seen scan_all(void) { return scan_from(0, 0); }

static bool is_same(uint64_t off, uint64_t len)
{
    return off + len <= damaged_len && !memcmp(damaged + off, whole.bytes + off, len);
}

/* What is whole is read; what is not, is named if anything behind it, or the file's end, tells of it. */
static void check(const struct seen *seen, const char *what, uint64_t seed)
{
    bool head = is_same(0, sizeof(whole.head)) || is_same(SL_SEGMENT_BLOCK, sizeof(whole.head));
    cr_assert(!head || seen->opened, "%s seed %" PRIu64, what, seed);
    uint32_t behind = 0; /* records before this one are whole, or have a whole one behind them */
    for (uint32_t i = 0; i < whole.place_cnt; i++)
        behind = seen->record[i] ? i + 1 : behind;
    for (uint32_t i = 0; head && i < whole.place_cnt; i++) {
        bool same = is_same(whole.places[i].off, whole.places[i].len);
        cr_assert_eq(same, seen->record[i], "%s seed %" PRIu64 ": seq %" PRIu64 " whole %d read %d", what, seed,
                     whole.places[i].seq, same, seen->record[i]);
        cr_assert(same || seen->named[i] || (i >= behind && !seen->ended),
                  "%s seed %" PRIu64 ": seq %" PRIu64 " unnamed", what, seed, whole.places[i].seq);
    }
}

Test(crc32c, is_the_one_of_the_standard)
{
    unsigned char bytes[300];
    cr_assert_eq(sl_crc32c(0, "123456789", 9), 0xe3069283u);
    cr_assert_eq(sl_crc32c_plain(0, "123456789", 9), 0xe3069283u);
    memset(bytes, 0, 32); /* RFC 3720 B.4 */
    cr_assert_eq(sl_crc32c(0, bytes, 32), 0x8a9136aau);
    memset(bytes, 0xff, 32);
    cr_assert_eq(sl_crc32c(0, bytes, 32), 0x62a8ab43u);
}

Test(crc32c, is_the_same_with_and_without_the_instruction_and_in_pieces)
{
    unsigned char bytes[300];
    uint64_t state = SEED;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)random_of(&state);
    for (size_t off = 0; off < 9; off++)
        for (size_t len = 0; len + off <= sizeof(bytes); len++) {
            uint32_t sum = sl_crc32c(0, bytes + off, len);
            cr_assert_eq(sum, sl_crc32c_plain(0, bytes + off, len));
            cr_assert_eq(sum, sl_crc32c(sl_crc32c(0, bytes + off, len / 3), bytes + off + len / 3, len - len / 3));
        }
}

Test(segment, gives_back_what_was_written)
{
    for (int ended = 0; ended < 2; ended++) {
        make(200, 5000, ended);
        struct seen seen = scan_all();
        cr_assert_eq(seen.ended, ended);
        cr_assert_eq(seen.record_cnt, 200);
        cr_assert_eq(seen.damage_cnt + seen.torn_cnt, 0);
    }
}

Test(segment, is_found_in_by_seq_and_by_time)
{
    make(400, 5000, true);
    for (uint32_t i = 0; i < 400; i += 7) {
        uint64_t seq = FIRST_SEQ + i;
        struct seen by_seq = scan_from(seq, INT64_MAX),
                    by_time = scan_from(UINT64_MAX, (int64_t)(1000000 + seq * 1000));
        cr_assert(by_seq.record[i] && by_seq.record[399] && by_time.record[i] && by_time.record[399]);
        cr_assert_eq(by_seq.damage_cnt + by_time.damage_cnt, 0);
        cr_assert(i < 300 || (by_seq.record_cnt < 250 && by_time.record_cnt < 250), "the index shortens the way");
    }
}

/* Every byte, but every SL_STRIDE-th where that is told. */
static uint64_t stride(void)
{
    const char *told = getenv("SL_STRIDE");
    return told ? strtoull(told, NULL, 10) : 1;
}

Test(segment, cut_at_every_byte_keeps_every_whole_record)
{
    for (int ended = 0; ended < 2; ended++) {
        make(20, 900, ended);
        for (damaged_len = 0; damaged_len <= whole.len; damaged_len += stride()) {
            struct seen seen = scan_all();
            check(&seen, "cut", damaged_len);
            cr_assert_eq(seen.damage_cnt, 0);
            cr_assert(!seen.ended || damaged_len == whole.len);
        }
    }
}

Test(segment, a_flipped_bit_anywhere_is_found_and_named_and_the_rest_is_read)
{
    make(20, 900, true);
    for (uint64_t off = 0; off < whole.len; off += stride()) {
        damaged[off] ^= (unsigned char)(1u << off % 8);
        struct seen seen = scan_all();
        check(&seen, "flip", off);
        for (uint32_t i = 0; i < whole.place_cnt; i++) {
            const struct place *place = &whole.places[i];
            if (off < place->off || off >= place->off + place->len)
                continue;
            cr_assert_eq(seen.record_cnt, whole.place_cnt - 1);
            /* The last one of a file whose end is whole is known to be missing, too. */
            cr_assert(seen.damage_cnt == 1 && seen.first.off == place->off && seen.first.first_seq == place->seq &&
                          seen.first.last_seq == place->seq,
                      "byte %" PRIu64, off);
        }
        damaged[off] = whole.bytes[off];
    }
}

/* ---- random damage ---- */

static void copy_block(uint64_t *state)
{
    uint64_t blocks = damaged_len / SL_SEGMENT_BLOCK, to = random_of(state) % blocks, from = random_of(state) % blocks;
    memmove(damaged + to * SL_SEGMENT_BLOCK, damaged + from * SL_SEGMENT_BLOCK, SL_SEGMENT_BLOCK);
}

static void damage(uint64_t *state)
{
    uint64_t off = random_of(state) % damaged_len, len = 1 + random_of(state) % (1u << random_of(state) % 14);
    len = len < damaged_len - off ? len : damaged_len - off;
    switch (random_of(state) % 6) {
    case 0:
        damaged[off] ^= (unsigned char)(1u << random_of(state) % 8);
        break;
    case 1:
        for (uint64_t i = 0; i < len; i++)
            damaged[off + i] = (unsigned char)random_of(state);
        break;
    case 2:
        memset(damaged + off, 0, len);
        break;
    case 3:
        copy_block(state);
        break;
    case 4: /* a record, moved */
        off &= ~(uint64_t)(SL_SEGMENT_ALIGN - 1);
        len = whole.places[random_of(state) % whole.place_cnt].len;
        if (off + len <= damaged_len)
            memmove(damaged + off, whole.bytes + whole.places[random_of(state) % whole.place_cnt].off, len);
        break;
    default: /* a length that lies */
        off = whole.places[random_of(state) % whole.place_cnt].off;
        if (off + 4 <= damaged_len)
            damaged[off + random_of(state) % 4] ^= (unsigned char)(1 + random_of(state) % 255);
        if (random_of(state) % 8 == 0)
            damaged_len -= random_of(state) % damaged_len / 2;
    }
}

Test(segment, random_damage_never_gives_a_wrong_record_nor_loses_a_whole_one)
{
    const char *told = getenv("SL_CORRUPTIONS"), *told_seed = getenv("SL_SEED");
    uint64_t cnt = told ? strtoull(told, NULL, 10) : 4000, first = told_seed ? strtoull(told_seed, NULL, 10) : 1;
    for (int ended = 0; ended < 2; ended++) {
        make(120, 3000, ended);
        for (uint64_t seed = first; seed < first + cnt / 2; seed++) {
            uint64_t state = seed * 2 + (uint64_t)ended;
            memcpy(damaged, whole.bytes, whole.len);
            damaged_len = whole.len;
            for (uint64_t i = 1 + random_of(&state) % 4; i; i--)
                damage(&state);
            struct seen seen = scan_all();
            check(&seen, ended ? "ended" : "open", seed);
        }
    }
    fprintf(stderr, "segment: %" PRIu64 " damaged files from seed %" PRIu64 "\n", cnt, first);
}

/* ---- what is made to deceive ---- */

Test(segment, a_message_cannot_look_like_a_record)
{
    static struct segment other;
    static _Alignas(8) unsigned char buf[64 * 1024];
    make(0, 1, false);
    segment_begin(&other, SEED + 1, FIRST_SEQ);
    segment_fill(&other, SEED, 20, 900);
    /* The body is a segment of its own, whose records lie where they would have to. */
    struct sl_record *record = (struct sl_record *)buf;
    uint32_t body_len = (uint32_t)(other.len - SL_SEGMENT_DATA - sizeof(*record));
    cr_assert_lt(body_len + sizeof(*record), sizeof(buf));
    record_fill(record, SEED, FIRST_SEQ, body_len);
    memcpy(record + 1, other.bytes + SL_SEGMENT_DATA + sizeof(*record), body_len);
    segment_add(&whole, record);
    segment_sync(&whole);
    memcpy(damaged, whole.bytes, whole.len);
    damaged_len = whole.len;
    damaged[SL_SEGMENT_DATA] ^= 1;
    struct seen seen = scan_all();
    cr_assert_eq(seen.record_cnt, 0);
    cr_assert_eq(seen.torn_cnt, 1);
}

Test(segment, a_hole_stands_for_its_numbers_and_a_silent_gap_is_named)
{
    static _Alignas(8) unsigned char buf[4096];
    struct sl_record *record = (struct sl_record *)buf;
    segment_begin(&whole, SEED, FIRST_SEQ);
    segment_fill(&whole, SEED, 2, 100);
    sl_segment_hole(buf, 7, FIRST_SEQ + 2, FIRST_SEQ + 9, 5, "disk full");
    cr_assert_eq(sl_segment_begins(record), FIRST_SEQ + 2);
    segment_add(&whole, record);
    record_fill(record, SEED, FIRST_SEQ + 10, 10);
    segment_add(&whole, record);
    record_fill(record, SEED, FIRST_SEQ + 15, 10);
    segment_add(&whole, record);
    struct memory_file file = { whole.bytes, whole.len };
    struct sl_segment_source source = { memory_read, &file, whole.len };
    struct sl_segment_scan scan;
    cr_assert_eq(sl_segment_scan_open(&scan, &source, 0), 0);
    static const int got[] = { SL_SEGMENT_RECORD, SL_SEGMENT_RECORD, SL_SEGMENT_RECORD, SL_SEGMENT_RECORD,
                               SL_SEGMENT_DAMAGE, SL_SEGMENT_RECORD, SL_SEGMENT_END };
    for (size_t i = 0; i < sizeof(got) / sizeof(got[0]); i++) {
        cr_assert_eq(sl_segment_scan_next(&scan), got[i], "step %zu", i);
        if (got[i] == SL_SEGMENT_DAMAGE)
            cr_assert(!scan.damage.len && scan.damage.first_seq == FIRST_SEQ + 11 &&
                      scan.damage.last_seq == FIRST_SEQ + 14);
    }
    sl_segment_scan_close(&scan);
}

static int64_t refuse_block(void *self, void *buf, uint64_t off, size_t len)
{
    const uint64_t bad = SL_SEGMENT_DATA + SL_SEGMENT_BLOCK;
    if (off < bad + SL_SEGMENT_BLOCK && off + len > bad)
        return off < bad ? memory_read(self, buf, off, bad - off) : -EIO;
    return memory_read(self, buf, off, len);
}

Test(segment, a_block_that_cannot_be_read_costs_only_its_records)
{
    make(60, 900, true);
    struct memory_file file = { damaged, damaged_len };
    struct sl_segment_source source = { refuse_block, &file, damaged_len };
    struct sl_segment_scan scan;
    uint32_t record_cnt = 0, lost = 0;
    int rc;
    cr_assert_eq(sl_segment_scan_open(&scan, &source, 0), 0);
    while ((rc = sl_segment_scan_next(&scan)) != SL_SEGMENT_END) {
        record_cnt += rc == SL_SEGMENT_RECORD;
        if (rc == SL_SEGMENT_DAMAGE && scan.damage.first_seq)
            lost += (uint32_t)(scan.damage.last_seq - scan.damage.first_seq + 1);
    }
    cr_assert(lost && lost < 20 && record_cnt + lost == 60, "%u read, %u lost", record_cnt, lost);
    sl_segment_scan_close(&scan);
}
