/* tests/pipeline/segments.h - a small segment in memory, with what is known of it; for the test and the fuzzer. */
#ifndef SL_TESTS_PIPELINE_SEGMENTS_H
#define SL_TESTS_PIPELINE_SEGMENTS_H

#include "pipeline/segment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT_LEN_MAX (2u << 20)
#define PLACES_MAX      512u

struct place { /* where a record lies */
    uint64_t off, seq;
    uint32_t len;
};

struct segment {
    unsigned char bytes[SEGMENT_LEN_MAX];
    uint64_t len;
    struct sl_segment_head head;
    struct sl_segment_index index;
    struct place places[PLACES_MAX];
    uint32_t place_cnt;
    uint64_t random;
};

static inline uint64_t random_of(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline void segment_begin(struct segment *segment, uint64_t seed, uint64_t first_seq)
{
    sl_segment_index_clear(&segment->index);
    memset(segment, 0, sizeof(*segment));
    segment->random = seed;
    segment->head = (struct sl_segment_head){ .number = 1,
                                              .salt = random_of(&segment->random),
                                              .epoch = 7,
                                              .first_seq = first_seq,
                                              .created_ns = 1000,
                                              .node = "n",
                                              .tape_name = "t" };
    sl_segment_head_make(&segment->head);
    memcpy(segment->bytes, &segment->head, sizeof(segment->head));
    memcpy(segment->bytes + SL_SEGMENT_BLOCK, &segment->head, sizeof(segment->head));
    segment->len = SL_SEGMENT_DATA;
}

/* A record as the tape has it; its body follows from seed and seq. */
static inline uint32_t record_fill(struct sl_record *record, uint64_t seed, uint64_t seq, uint32_t body_len)
{
    uint64_t state = seed ^ seq;
    unsigned char *body = (unsigned char *)(record + 1);
    memset(record, 0, sizeof(*record));
    record->len = (uint32_t)sizeof(*record) + body_len;
    record->kind = 1;
    record->verdict = SL_VERDICT_PASSED;
    record->seq = seq;
    record->epoch = 7;
    record->stamps.published_ns = (int64_t)(1000000 + seq * 1000);
    for (uint32_t i = 0; i < body_len; i++)
        body[i] = (unsigned char)random_of(&state);
    return record->len;
}

static inline void segment_add(struct segment *segment, const struct sl_record *record)
{
    assert(segment->place_cnt < PLACES_MAX && segment->len + record->len + 2 * SL_SEGMENT_BLOCK < SEGMENT_LEN_MAX);
    struct sl_record *at = (struct sl_record *)(segment->bytes + segment->len);
    memcpy(at, record, record->len);
    sl_segment_seal(at, segment->head.salt, segment->len);
    sl_segment_index_add(&segment->index, at, segment->len);
    segment->places[segment->place_cnt++] = (struct place){ segment->len, record->seq, record->len };
    segment->len += sl_segment_room(record->len);
}

static inline void segment_sync(struct segment *segment)
{
    segment->len = (segment->len + SL_SEGMENT_BLOCK - 1) / SL_SEGMENT_BLOCK * SL_SEGMENT_BLOCK;
}

/* cnt records from first_seq, some of which share a block. */
static inline void segment_fill(struct segment *segment, uint64_t seed, uint32_t cnt, uint32_t body_max)
{
    static _Alignas(8) unsigned char buf[SEGMENT_LEN_MAX];
    uint64_t seq = segment->head.first_seq;
    for (uint32_t i = 0; i < cnt; i++) {
        record_fill((struct sl_record *)buf, seed, seq + i, (uint32_t)(random_of(&segment->random) % body_max));
        segment_add(segment, (struct sl_record *)buf);
        if (random_of(&segment->random) % 3 == 0)
            segment_sync(segment);
    }
    segment_sync(segment);
}

static inline void segment_end(struct segment *segment)
{
    segment->len += sl_segment_index_write(&segment->index, segment->len, segment->bytes + segment->len,
                                           SEGMENT_LEN_MAX - segment->len);
    assert(segment->len <= SEGMENT_LEN_MAX);
    sl_segment_index_clear(&segment->index);
}

struct memory_file {
    const unsigned char *bytes;
    uint64_t len;
};

static inline int64_t memory_read(void *self, void *buf, uint64_t off, size_t len)
{
    const struct memory_file *file = self;
    if (off >= file->len)
        return 0;
    len = len < file->len - off ? len : (size_t)(file->len - off);
    memcpy(buf, file->bytes + off, len);
    return (int64_t)len;
}

#endif
