#include "pipeline/segment.h"

#include "pipeline/crc32c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAGIC 0x314745534c530a0dull /* CR LF "SLSEG1": a copy that changed line ends shows at once */
#define END_MAGIC  0x31444e454c530a0dull
#define LAYOUT     1u
#define WINDOW_LEN (1u << 20)
#define HEAD_LEN   sizeof(struct sl_record)
#define NOTICE_LEN offsetof(struct sl_notice, text) /* its end is padded, so sizeof is more */

const char *sl_family_name(unsigned family)
{
    return family == SL_FAMILY_TAPE ? "tape" : family == SL_FAMILY_RAW ? "raw" : "?";
}

/* ---- writing ---- */

void sl_segment_head_make(struct sl_segment_head *head)
{
    head->magic = HEAD_MAGIC;
    head->layout = LAYOUT;
    head->spare = 0;
    head->crc = sl_crc32c(0, head, offsetof(struct sl_segment_head, crc));
}

bool sl_segment_head_check(const struct sl_segment_head *head)
{
    return head->magic == HEAD_MAGIC && head->layout == LAYOUT && head->family < SL_FAMILY_CNT && head->number &&
           !head->node[sizeof(head->node) - 1] && !head->tape_name[sizeof(head->tape_name) - 1] &&
           head->crc == sl_crc32c(0, head, offsetof(struct sl_segment_head, crc));
}

/* Not zero, so that zeros are never a record's beginning.  The finalizer of MurmurHash3. */
static uint64_t mark_of(uint64_t salt, uint64_t off)
{
    uint64_t mark = salt ^ off * 0x9e3779b97f4a7c15ull;
    mark = (mark ^ mark >> 33) * 0xff51afd7ed558ccdull;
    mark = (mark ^ mark >> 33) * 0xc4ceb9fe1a85ec53ull;
    mark ^= mark >> 33;
    return mark | !mark;
}

static uint32_t head_crc(const struct sl_record *record)
{
    struct sl_record head = *record;
    head.crc = 0;
    head.spare[1] = 0;
    return sl_crc32c(0, &head, sizeof(head));
}

static uint32_t whole_crc(const struct sl_record *record)
{
    struct sl_record head = *record;
    head.crc = 0;
    return sl_crc32c(sl_crc32c(0, &head, sizeof(head)), record + 1, record->len - sizeof(head));
}

void sl_segment_seal(struct sl_record *record, uint64_t salt, uint64_t off)
{
    record->spare[0] = mark_of(salt, off);
    record->spare[1] = record->spare[2] = 0;
    record->spare[1] = head_crc(record);
    record->crc = whole_crc(record);
}

/* Grows by doubling; without memory the marks it has must do. */
static bool has_place(struct sl_segment_index *index)
{
    if (index->end.index_cnt < index->cap)
        return true;
    uint64_t cap = index->cap ? 2 * index->cap : 256;
    struct sl_segment_mark *marks = realloc(index->marks, cap * sizeof(*marks));
    if (!marks)
        return false;
    index->marks = marks;
    index->cap = cap;
    return true;
}

void sl_segment_index_add(struct sl_segment_index *index, const struct sl_record *record, uint64_t off)
{
    struct sl_segment_end *end = &index->end;
    int64_t ns = record->stamps.published_ns;
    if (!end->record_cnt) {
        end->first_seq = sl_segment_begins(record);
        end->first_ns = end->last_ns = ns;
    }
    uint64_t last = end->index_cnt ? index->marks[end->index_cnt - 1].off : 0;
    if (off - last >= SL_SEGMENT_INDEX_STEP && has_place(index))
        index->marks[end->index_cnt++] = (struct sl_segment_mark){ off, sl_segment_begins(record), end->last_ns };
    end->first_ns = ns < end->first_ns ? ns : end->first_ns;
    end->last_ns = ns > end->last_ns ? ns : end->last_ns;
    end->last_seq = record->seq;
    end->record_cnt++;
}

size_t sl_segment_index_write(struct sl_segment_index *index, uint64_t data_end, void *out, size_t out_len)
{
    struct sl_segment_end *end = &index->end;
    size_t marks_len = end->index_cnt * sizeof(index->marks[0]);
    size_t len = (marks_len + sizeof(*end) + SL_SEGMENT_BLOCK - 1) / SL_SEGMENT_BLOCK * SL_SEGMENT_BLOCK;
    if (out_len < len)
        return len;
    char *at = (char *)out + len - sizeof(*end) - marks_len;
    memset(out, 0, len);
    end->magic = END_MAGIC;
    end->data_end = data_end;
    if (marks_len)
        memcpy(at, index->marks, marks_len);
    end->crc = sl_crc32c(sl_crc32c(0, at, marks_len), end, offsetof(struct sl_segment_end, crc));
    memcpy(at + marks_len, end, sizeof(*end));
    return len;
}

void sl_segment_index_clear(struct sl_segment_index *index)
{
    free(index->marks);
    *index = (struct sl_segment_index){ 0 };
}

uint32_t sl_segment_hole(void *buf, uint64_t epoch, uint64_t first, uint64_t last, int64_t now_ns, const char *why)
{
    struct sl_record *record = buf;
    struct sl_notice *notice = (struct sl_notice *)(record + 1);
    size_t why_max = SL_SEGMENT_HOLE_MAX - sizeof(*record) - NOTICE_LEN;
    memset(buf, 0, SL_SEGMENT_HOLE_MAX);
    record->kind = SL_RECORD_HOLE;
    record->verdict = SL_VERDICT_MADE;
    record->seq = last;
    record->epoch = epoch;
    record->stamps.published_ns = now_ns;
    notice->first = first;
    notice->cnt = last - first + 1;
    notice->text_len = (uint32_t)strnlen(why, why_max);
    memcpy(notice->text, why, notice->text_len);
    record->len = (uint32_t)(sizeof(*record) + NOTICE_LEN) + notice->text_len;
    return record->len;
}

/* ---- reading ---- */

uint64_t sl_segment_begins(const struct sl_record *record)
{
    const struct sl_notice *notice = (const struct sl_notice *)(record + 1);
    bool hole = record->kind == SL_RECORD_HOLE;
    if ((!hole && record->kind != SL_RECORD_EPOCH) || record->len < sizeof(*record) + NOTICE_LEN)
        return record->seq;
    uint64_t cnt = notice->cnt - hole; /* those before its own seq */
    return cnt < record->seq && notice->first == record->seq - cnt ? notice->first : record->seq;
}

static uint64_t block_up(uint64_t off) { return (off + SL_SEGMENT_BLOCK - 1) & ~(uint64_t)(SL_SEGMENT_BLOCK - 1); }

/* Reads into buf as far as it goes; what the disk refuses, block by block, reads as zeros. */
static size_t fill(struct sl_segment_scan *scan, unsigned char *buf, uint64_t off, size_t len)
{
    const struct sl_segment_source *source = &scan->source;
    size_t got = 0;
    while (got < len) {
        int64_t rc = source->read(source->self, buf + got, off + got, len - got);
        if (rc == 0)
            break;
        if (rc > 0) {
            got += (size_t)rc < len - got ? (size_t)rc : len - got;
            continue;
        }
        if (rc == -EINTR)
            continue;
        /* Up to the next block, in one go: a dead disk is not asked for each record. */
        uint64_t next = block_up(off + got + 1);
        size_t bad = next - off < len ? (size_t)(next - off) - got : len - got;
        int64_t once = source->read(source->self, buf + got, off + got, bad);
        if (once < 0)
            memset(buf + got, 0, bad);
        got += once < 0 ? bad : (size_t)once;
        if (!once)
            break;
    }
    return got;
}

/* len bytes of the file at off, which lie inside it; NULL: no memory. */
static const void *view(struct sl_segment_scan *scan, uint64_t off, size_t len)
{
    if (off >= scan->buf_off && off - scan->buf_off + len <= scan->buf_len)
        return scan->buf + (off - scan->buf_off);
    size_t cap = len > WINDOW_LEN ? len : WINDOW_LEN;
    if (cap > scan->buf_cap) {
        free(scan->buf);
        scan->buf_cap = 0;
        scan->buf_len = 0;
        scan->buf = aligned_alloc(SL_SEGMENT_ALIGN, (cap + SL_SEGMENT_BLOCK) & ~(size_t)(SL_SEGMENT_BLOCK - 1));
        if (!scan->buf)
            return NULL;
        scan->buf_cap = cap;
    }
    uint64_t rest = scan->source.len - off;
    size_t want = rest < scan->buf_cap ? (size_t)rest : scan->buf_cap;
    scan->buf_off = off;
    scan->buf_len = fill(scan, scan->buf, off, want);
    if (scan->buf_len < want) /* the file is shorter than it was */
        memset(scan->buf + scan->buf_len, 0, want - scan->buf_len);
    scan->buf_len = want;
    return scan->buf;
}

static int read_head(struct sl_segment_scan *scan)
{
    struct sl_segment_head copies[2];
    bool fine[2] = { false, false };
    for (unsigned i = 0; i < 2; i++) {
        uint64_t off = (uint64_t)i * SL_SEGMENT_BLOCK;
        if (scan->source.len < off + sizeof(copies[i]))
            continue;
        fine[i] = fill(scan, (unsigned char *)&copies[i], off, sizeof(copies[i])) == sizeof(copies[i]) &&
                  sl_segment_head_check(&copies[i]);
    }
    if (!fine[0] && !fine[1])
        return -EPROTO;
    scan->head = copies[fine[0] ? 0 : 1];
    scan->head_damage = !fine[0] || !fine[1];
    return 0;
}

/* The marks that stand before the end, or NULL. */
static struct sl_segment_mark *read_marks(struct sl_segment_scan *scan, const struct sl_segment_end *end)
{
    uint64_t end_off = scan->source.len - sizeof(*end);
    if (end->index_cnt > (end_off - SL_SEGMENT_DATA) / sizeof(struct sl_segment_mark))
        return NULL;
    size_t len = end->index_cnt * sizeof(struct sl_segment_mark);
    if (end->last_seq == UINT64_MAX || end->data_end < SL_SEGMENT_DATA || end->data_end % SL_SEGMENT_BLOCK ||
        end->data_end > end_off - len)
        return NULL;
    struct sl_segment_mark *marks = malloc(len ? len : 1);
    if (!marks)
        return NULL;
    bool fine = fill(scan, (unsigned char *)marks, end_off - len, len) == len &&
                end->crc == sl_crc32c(sl_crc32c(0, marks, len), end, offsetof(struct sl_segment_end, crc));
    if (!fine) {
        free(marks);
        return NULL;
    }
    return marks;
}

static struct sl_segment_mark *read_end(struct sl_segment_scan *scan, struct sl_segment_end *end)
{
    if (scan->source.len < SL_SEGMENT_DATA + sizeof(*end))
        return NULL;
    if (fill(scan, (unsigned char *)end, scan->source.len - sizeof(*end), sizeof(*end)) != sizeof(*end) ||
        end->magic != END_MAGIC)
        return NULL;
    return read_marks(scan, end);
}

int sl_segment_scan_open(struct sl_segment_scan *scan, const struct sl_segment_source *source, uint64_t expect)
{
    struct sl_segment_end end;
    *scan = (struct sl_segment_scan){ .source = *source, .off = SL_SEGMENT_DATA, .data_end = SL_SEGMENT_DATA };
    int rc = read_head(scan);
    if (rc)
        return rc;
    scan->expect = expect ? expect : scan->head.first_seq;
    struct sl_segment_mark *marks = read_end(scan, &end);
    scan->ended = marks;
    if (marks)
        scan->end = end;
    free(marks);
    return 0;
}

void sl_segment_scan_seek(struct sl_segment_scan *scan, uint64_t seq, int64_t ns)
{
    struct sl_segment_end end;
    struct sl_segment_mark *marks = scan->ended ? read_end(scan, &end) : NULL;
    const struct sl_segment_mark *best = NULL;
    for (uint64_t i = 0; marks && i < end.index_cnt; i++)
        if (marks[i].seq <= seq && marks[i].ns < ns && marks[i].off >= SL_SEGMENT_DATA &&
            marks[i].off % SL_SEGMENT_ALIGN == 0 && marks[i].off < end.data_end)
            best = &marks[i];
    if (best) {
        scan->off = scan->data_end = best->off;
        scan->expect = best->seq;
    }
    free(marks);
}

/* Where records can lie: up to the index in a file that was ended, else to its last byte. */
static uint64_t limit_of(const struct sl_segment_scan *scan)
{
    return scan->ended ? scan->end.data_end : scan->source.len;
}

enum found { FOUND_RECORD, FOUND_BROKEN, FOUND_NOTHING, FOUND_ZEROS, FOUND_NO_MEMORY };

static bool is_zero(const unsigned char *bytes, size_t len)
{
    return !len || (!bytes[0] && !memcmp(bytes, bytes + 1, len - 1));
}

/* What lies at scan->off, and how far it goes. */
static enum found look(struct sl_segment_scan *scan, uint64_t *len)
{
    uint64_t off = scan->off, rest = limit_of(scan) - off;
    uint64_t to_block = block_up(off + 1) - off;
    *len = rest < SL_SEGMENT_ALIGN ? rest : SL_SEGMENT_ALIGN;
    size_t head_len = rest < HEAD_LEN ? (size_t)rest : HEAD_LEN;
    const struct sl_record *record = view(scan, off, head_len);
    if (!record)
        return FOUND_NO_MEMORY;
    if (is_zero((const unsigned char *)record, *len)) {
        *len = to_block < rest ? to_block : rest;
        const unsigned char *bytes = view(scan, off, (size_t)*len);
        if (bytes && is_zero(bytes, (size_t)*len))
            return FOUND_ZEROS;
        *len = rest < SL_SEGMENT_ALIGN ? rest : SL_SEGMENT_ALIGN;
        return bytes ? FOUND_NOTHING : FOUND_NO_MEMORY;
    }
    if (head_len < HEAD_LEN || record->spare[0] != mark_of(scan->head.salt, off) || record->len < HEAD_LEN ||
        record->spare[1] != head_crc(record))
        return FOUND_NOTHING;
    if (record->seq < UINT64_MAX)
        scan->damage.last_seq = record->seq; /* of the head at least we know that it is right */
    uint64_t whole_len = record->len, room = sl_segment_room(record->len);
    *len = room < rest ? room : rest;
    if (whole_len > rest)
        return FOUND_BROKEN;
    record = view(scan, off, (size_t)whole_len);
    if (!record)
        return FOUND_NO_MEMORY;
    bool fine = record->crc == whole_crc(record) && record->seq >= sl_segment_begins(record) &&
                sl_segment_begins(record) >= scan->expect && record->seq && record->seq < UINT64_MAX;
    return fine ? FOUND_RECORD : FOUND_BROKEN;
}

/* The record at scan->off, whose bytes are in the window; its head is ours to change there. */
static int give_record(struct sl_segment_scan *scan, uint64_t len)
{
    struct sl_record *record = (struct sl_record *)(scan->buf + (scan->off - scan->buf_off));
    record->crc = 0;
    memset(record->spare, 0, sizeof(record->spare));
    scan->record = record;
    scan->record_off = scan->off;
    scan->off += len;
    scan->data_end = block_up(scan->off);
    scan->expect = record->seq + 1;
    return SL_SEGMENT_RECORD;
}

/* What was passed since the last record was bad, or numbers are missing; the record at scan->off comes next. */
static int give_damage(struct sl_segment_scan *scan, uint64_t bad_off, uint64_t bad_len, uint64_t next_seq)
{
    bool lost = scan->expect && next_seq > scan->expect;
    scan->damage = (struct sl_segment_damage){ bad_off, bad_len, lost ? scan->expect : 0, lost ? next_seq - 1 : 0 };
    if (lost)
        scan->expect = next_seq;
    return SL_SEGMENT_DAMAGE;
}

static int give_end(struct sl_segment_scan *scan, uint64_t bad_off, uint64_t bad_len, uint64_t known_seq)
{
    uint64_t last = scan->ended && scan->end.last_seq > known_seq ? scan->end.last_seq : known_seq;
    scan->off = limit_of(scan);
    if (scan->ended && last >= scan->expect)
        return give_damage(scan, bad_off, bad_len, last + 1);
    if (!bad_len)
        return SL_SEGMENT_END;
    give_damage(scan, bad_off, bad_len, known_seq + 1);
    return scan->ended ? SL_SEGMENT_DAMAGE : SL_SEGMENT_TORN;
}

int sl_segment_scan_next(struct sl_segment_scan *scan)
{
    uint64_t limit = limit_of(scan), bad_off = scan->off, bad_end = 0, known_seq = 0, len;
    while (scan->off < limit) {
        scan->damage.last_seq = 0;
        enum found found = look(scan, &len);
        if (found == FOUND_NO_MEMORY)
            return -ENOMEM;
        if (found == FOUND_RECORD) {
            const struct sl_record *record = view(scan, scan->off, HEAD_LEN);
            uint64_t begins = sl_segment_begins(view(scan, scan->off, record->len));
            if (bad_end || (scan->expect && begins > scan->expect))
                return give_damage(scan, bad_off, bad_end ? scan->off - bad_off : 0, begins);
            return give_record(scan, len);
        }
        known_seq = scan->damage.last_seq > known_seq ? scan->damage.last_seq : known_seq;
        if (!bad_end && found != FOUND_ZEROS)
            bad_off = scan->off;
        scan->off += len;
        if (found != FOUND_ZEROS)
            bad_end = scan->off;
    }
    return give_end(scan, bad_off, bad_end ? bad_end - bad_off : 0, known_seq);
}

void sl_segment_scan_close(struct sl_segment_scan *scan)
{
    free(scan->buf);
    *scan = (struct sl_segment_scan){ 0 };
}
