/* pipeline/segment.h - one file of the journal: how records lie in it, and how they are found again when it is damaged.
 *
 *     [ head | head again | record, record ... 0 | record ... 0 | ... | index, end ]    blocks of SL_SEGMENT_BLOCK
 *                         ^ each synchronous write begins at a block, and is filled up with zeros
 *
 * Life      A writer makes a head, then seals each record into its place; at the end it appends index and end.  A
 *           reader opens a scan, asks for next until the end, closes.
 * Threads   One a scan; the rest is pure.
 * Owns      A scan owns its buffer.  A record that next gave is borrowed until the following next.
 * Errors    -EPROTO no head of this layout, -ENOMEM; what is damaged is an answer, not an error.  A block that cannot
 *           be read is damage too.
 * Units     Offsets are bytes from the start of the file; times ns since 1970.
 * Layout    Little-endian, pinned.  A record on disk is the one in memory but for crc and spare, which are the
 *           journal's and which a scan sets back to 0:
 *             spare[0]  mark: from the segment's random salt and the record's offset.  So nothing inside a message can
 *                       look like a record to a reader who searches for the next one behind damage, and no block that
 *                       the disk put in the wrong place, or left from an older file, is believed.
 *             spare[1]  CRC32C of the header alone, with this and crc 0: who knows that len is right can go past a
 *                       damaged body, and reading stays linear whatever the file says.
 *             crc       CRC32C of the whole record, with this 0.
 *           Records start 64-aligned.  Both copies of the head are the same bytes: the salt must not be lost.
 * Numbers   seq grows from record to record.  A HOLE record stands for the numbers of its notice, ends with its own
 *           seq, and says that they were never written; an EPOCH record's notice names those that were lost before it.
 */
#ifndef SL_PIPELINE_SEGMENT_H
#define SL_PIPELINE_SEGMENT_H

#include "pipeline/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_SEGMENT_BLOCK      4096u
#define SL_SEGMENT_DATA       (2 * SL_SEGMENT_BLOCK) /* where records begin */
#define SL_SEGMENT_INDEX_STEP (256u * 1024u) /* an index entry for each so many bytes */
#define SL_SEGMENT_ALIGN      64u

enum sl_family { SL_FAMILY_TAPE, SL_FAMILY_RAW, SL_FAMILY_CNT };
const char *sl_family_name(unsigned family); /* as its folder is called */

struct sl_segment_head {
    uint64_t magic;
    uint32_t layout, family;
    uint64_t number; /* of this file within its family, from 1: files are read in this order */
    uint64_t salt;
    uint64_t epoch, first_seq; /* what the first record is expected to be */
    int64_t created_ns;
    uint64_t len; /* bytes that were set aside for it */
    char node[64], tape_name[64];
    uint32_t crc; /* of all before it */
    uint32_t spare;
};
_Static_assert(sizeof(struct sl_segment_head) == 200, "layout 1");

/* The first record at or behind off, where all records before it are not younger than ns. */
struct sl_segment_mark {
    uint64_t off, seq;
    int64_t ns;
};

struct sl_segment_end { /* the file's last bytes; index_cnt marks stand right before it */
    uint64_t magic;
    uint64_t data_end; /* behind the last record's block */
    uint64_t first_seq, last_seq, record_cnt, index_cnt; /* last_seq 0: no record */
    int64_t first_ns, last_ns; /* the least and the greatest published_ns */
    uint32_t crc; /* of the marks, then of all before it */
    uint32_t spare;
};
_Static_assert(sizeof(struct sl_segment_end) == 72, "layout 1");

/* ---- writing ---- */

/* Fills magic, layout and crc; the rest is the caller's. */
void sl_segment_head_make(struct sl_segment_head *head);
bool sl_segment_head_check(const struct sl_segment_head *head);
static inline uint32_t sl_segment_room(uint32_t len) { return (len + SL_SEGMENT_ALIGN - 1) & ~(SL_SEGMENT_ALIGN - 1); }
/* record, whole, as it will lie at off. */
void sl_segment_seal(struct sl_record *record, uint64_t salt, uint64_t off);

/* Index and end of a segment while it grows.  One that cannot get memory says less, and is no error. */
struct sl_segment_index {
    struct sl_segment_mark *marks;
    uint64_t cap;
    struct sl_segment_end end;
};
void sl_segment_index_add(struct sl_segment_index *index, const struct sl_record *record, uint64_t off);
/* Bytes that stand behind data_end, a multiple of a block; fills out when it has room for them. */
size_t sl_segment_index_write(struct sl_segment_index *index, uint64_t data_end, void *out, size_t out_len);
void sl_segment_index_clear(struct sl_segment_index *index);

/* A record of this family that is only on disk: numbers first .. last are not in the journal. */
#define SL_SEGMENT_HOLE_MAX 256u
uint32_t sl_segment_hole(void *buf, uint64_t epoch, uint64_t first, uint64_t last, int64_t now_ns, const char *why);

/* ---- reading ---- */

/* The first number that this record stands for: its own, or what a HOLE or EPOCH names before it. */
uint64_t sl_segment_begins(const struct sl_record *record);

struct sl_segment_source {
    int64_t (*read)(void *self, void *buf, uint64_t off, size_t len); /* bytes, or -errno */
    void *self;
    uint64_t len;
};

enum sl_segment_got {
    SL_SEGMENT_END, /* nothing more; data_end is behind the last whole record's block */
    SL_SEGMENT_RECORD,
    SL_SEGMENT_DAMAGE, /* bytes that are no record, or numbers that are missing between two: see damage */
    SL_SEGMENT_TORN, /* the same, with no whole record behind it, in a file that was not ended: the tail to be cut */
};

struct sl_segment_damage {
    uint64_t off, len; /* len 0: nothing is broken here, there is something missing */
    uint64_t first_seq, last_seq; /* numbers that are lost with it; 0: none that is known */
};

struct sl_segment_scan {
    struct sl_segment_source source;
    struct sl_segment_head head;
    struct sl_segment_end end;
    bool ended; /* end is whole */
    bool head_damage; /* one of the two copies */
    uint64_t off; /* where next looks */
    uint64_t expect; /* the number that comes next; 0: any */
    uint64_t data_end;
    const struct sl_record *record;
    uint64_t record_off;
    struct sl_segment_damage damage;
    /* a window of the file */
    unsigned char *buf;
    uint64_t buf_off;
    size_t buf_len, buf_cap;
};

/* expect: the number that the first record is to have, as the file before told; 0: as the head says. */
int sl_segment_scan_open(struct sl_segment_scan *scan, const struct sl_segment_source *source, uint64_t expect);
/* Goes to the last marked place from which no record with seq >= this one, or published at or after ns, was left out.
 * Before the first next. */
void sl_segment_scan_seek(struct sl_segment_scan *scan, uint64_t seq, int64_t ns);
int sl_segment_scan_next(struct sl_segment_scan *scan);
void sl_segment_scan_close(struct sl_segment_scan *scan);

#endif
