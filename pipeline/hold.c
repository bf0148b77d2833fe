#include "pipeline/hold.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOWHERE UINT32_MAX
#define CNT_MAX (1u << 24)

int sl_hold_init(struct sl_hold *hold, uint64_t bytes, uint32_t cnt, uint64_t key)
{
    uint64_t block_cnt = bytes / SL_HOLD_BLOCK_LEN;
    if (block_cnt >= NOWHERE || cnt > CNT_MAX)
        return -EINVAL;
    unsigned bits = 4;
    while ((1u << bits) < cnt)
        bits++;
    *hold = (struct sl_hold){
        .blocks = malloc(block_cnt * SL_HOLD_BLOCK_LEN + 1), /* one more, since malloc(0) may be NULL */
        .block_next = malloc((block_cnt + 1) * sizeof(*hold->block_next)),
        .entries = calloc((size_t)cnt + 1, sizeof(*hold->entries)),
        .heap = malloc(((size_t)cnt + 1) * sizeof(*hold->heap)),
        .buckets = malloc(((size_t)1 << bits) * sizeof(*hold->buckets)),
        .secret = key | 1,
        .block_cnt = (uint32_t)block_cnt,
        .blocks_free = (uint32_t)block_cnt,
        .cnt_max = cnt,
        .oldest = NOWHERE,
        .newest = NOWHERE,
        .shift = 64 - bits,
    };
    if (!hold->blocks || !hold->block_next || !hold->entries || !hold->heap || !hold->buckets) {
        sl_hold_fini(hold);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < hold->block_cnt; i++)
        hold->block_next[i] = i + 1;
    for (uint32_t i = 0; i < cnt; i++)
        hold->entries[i].chain[0] = i + 1; /* of the free ones */
    memset(hold->buckets, 0xff, ((size_t)1 << bits) * sizeof(*hold->buckets));
    return 0;
}

void sl_hold_fini(struct sl_hold *hold)
{
    free(hold->blocks);
    free(hold->block_next);
    free(hold->entries);
    free(hold->heap);
    free(hold->buckets);
    memset(hold, 0, sizeof(*hold));
}

/* ---- by name: a chain links places, entry * SL_NAMES_MAX + which of its names ---- */

static uint32_t *bucket_of(const struct sl_hold *hold, uint64_t name)
{
    uint64_t mixed = (name ^ hold->secret) * 0x9e3779b97f4a7c15ull;
    return &hold->buckets[((mixed ^ (mixed >> 32)) * hold->secret) >> hold->shift];
}

static uint32_t *link_at(struct sl_hold *hold, uint32_t spot)
{
    return &hold->entries[spot / SL_NAMES_MAX].chain[spot % SL_NAMES_MAX];
}

static void join_names(struct sl_hold *hold, uint32_t at)
{
    for (uint32_t i = 0; i < hold->entries[at].name_cnt; i++) {
        uint32_t *bucket = bucket_of(hold, hold->entries[at].names[i]);
        hold->entries[at].chain[i] = *bucket;
        *bucket = at * SL_NAMES_MAX + i;
    }
}

static void leave_names(struct sl_hold *hold, uint32_t at)
{
    for (uint32_t i = 0; i < hold->entries[at].name_cnt; i++) {
        uint32_t *link = bucket_of(hold, hold->entries[at].names[i]);
        while (*link != at * SL_NAMES_MAX + i)
            link = link_at(hold, *link);
        *link = hold->entries[at].chain[i];
    }
}

/* Where the chain of this name goes on behind this entry. */
static uint32_t spot_after(const struct sl_held *held, uint64_t name)
{
    for (uint32_t i = 0; i < held->name_cnt; i++)
        if (held->names[i] == name)
            return held->chain[i];
    return NOWHERE;
}

struct sl_held *sl_hold_named(struct sl_hold *hold, uint64_t name, struct sl_held *after)
{
    if (!hold->cnt)
        return NULL;
    uint32_t spot = after ? spot_after(after, name) : *bucket_of(hold, name);
    while (spot != NOWHERE && hold->entries[spot / SL_NAMES_MAX].names[spot % SL_NAMES_MAX] != name)
        spot = *link_at(hold, spot);
    return spot == NOWHERE ? NULL : &hold->entries[spot / SL_NAMES_MAX];
}

/* ---- by release time: a binary heap ---- */

static bool is_before(const struct sl_hold *hold, uint32_t a, uint32_t b)
{
    const struct sl_held *one = &hold->entries[hold->heap[a]], *other = &hold->entries[hold->heap[b]];
    return one->until_ns < other->until_ns || (one->until_ns == other->until_ns && one->order < other->order);
}

static void place(struct sl_hold *hold, uint32_t heap_at, uint32_t at)
{
    hold->heap[heap_at] = at;
    hold->entries[at].heap_at = heap_at;
}

static void exchange(struct sl_hold *hold, uint32_t a, uint32_t b)
{
    uint32_t at = hold->heap[a];
    place(hold, a, hold->heap[b]);
    place(hold, b, at);
}

static void sift_up(struct sl_hold *hold, uint32_t at)
{
    for (; at && is_before(hold, at, (at - 1) / 2); at = (at - 1) / 2)
        exchange(hold, at, (at - 1) / 2);
}

static void sift_down(struct sl_hold *hold, uint32_t at)
{
    for (;;) {
        uint32_t first = at, child = 2 * at + 1;
        if (child < hold->cnt && is_before(hold, child, first))
            first = child;
        if (child + 1 < hold->cnt && is_before(hold, child + 1, first))
            first = child + 1;
        if (first == at)
            return;
        exchange(hold, at, first);
        at = first;
    }
}

static void leave_heap(struct sl_hold *hold, uint32_t heap_at)
{
    hold->cnt--;
    if (heap_at == hold->cnt)
        return;
    place(hold, heap_at, hold->heap[hold->cnt]);
    sift_up(hold, heap_at);
    sift_down(hold, heap_at);
}

/* ---- bytes ---- */

static uint32_t blocks_of(uint32_t len) { return (len + SL_HOLD_BLOCK_LEN - 1) / SL_HOLD_BLOCK_LEN; }

static uint32_t copy_in(struct sl_hold *hold, const uint8_t *data, uint32_t len)
{
    uint32_t first = hold->free_block;
    for (uint32_t off = 0; off < len; off += SL_HOLD_BLOCK_LEN) {
        uint32_t piece = len - off < SL_HOLD_BLOCK_LEN ? len - off : SL_HOLD_BLOCK_LEN;
        memcpy(hold->blocks + (size_t)hold->free_block * SL_HOLD_BLOCK_LEN, data + off, piece);
        hold->free_block = hold->block_next[hold->free_block];
    }
    hold->blocks_free -= blocks_of(len);
    return first;
}

static void give_blocks_back(struct sl_hold *hold, const struct sl_held *held)
{
    uint32_t last = held->first_block, cnt = blocks_of(held->len);
    for (uint32_t i = 1; i < cnt; i++)
        last = hold->block_next[last];
    hold->block_next[last] = hold->free_block;
    hold->free_block = held->first_block;
    hold->blocks_free += cnt;
}

const void *sl_hold_piece(const struct sl_hold *hold, struct sl_hold_cursor *cursor, uint32_t *len)
{
    if (!cursor->left)
        return NULL;
    *len = cursor->left < SL_HOLD_BLOCK_LEN ? cursor->left : SL_HOLD_BLOCK_LEN;
    const void *piece = hold->blocks + (size_t)cursor->block * SL_HOLD_BLOCK_LEN;
    cursor->left -= *len;
    cursor->block = hold->block_next[cursor->block];
    return piece;
}

/* ---- the area ---- */

bool sl_hold_fits(const struct sl_hold *hold, uint32_t len)
{
    return hold->cnt < hold->cnt_max &&
           (len + (uint64_t)SL_HOLD_BLOCK_LEN - 1) / SL_HOLD_BLOCK_LEN <= hold->blocks_free;
}

void sl_hold_put(struct sl_hold *hold, const struct sl_record *record, const struct sl_bulletin *bulletin,
                 int64_t until_ns, uint64_t notice_seq)
{
    assert(sl_hold_fits(hold, bulletin->len));
    uint32_t at = hold->free_entry;
    struct sl_held *held = &hold->entries[at];
    hold->free_entry = held->chain[0];
    *held = (struct sl_held){
        .record = *record,
        .version_hash = bulletin->version_hash,
        .version = sl_version_of(bulletin),
        .take_no = bulletin->take_no,
        .len = bulletin->len,
        .until_ns = until_ns,
        .order = hold->put_cnt++,
        .notice_seq = notice_seq,
        .older = hold->newest,
        .newer = NOWHERE,
        .first_block = copy_in(hold, (const uint8_t *)bulletin, bulletin->len),
    };
    held->name_cnt = sl_names_of(bulletin, held->names);
    *(hold->newest == NOWHERE ? &hold->oldest : &hold->entries[hold->newest].newer) = at;
    hold->newest = at;
    join_names(hold, at);
    place(hold, hold->cnt++, at);
    sift_up(hold, held->heap_at);
}

static struct sl_held *entry_at(struct sl_hold *hold, uint32_t at) { return at == NOWHERE ? NULL : &hold->entries[at]; }

struct sl_held *sl_hold_oldest(struct sl_hold *hold) { return entry_at(hold, hold->oldest); }

struct sl_held *sl_hold_next(struct sl_hold *hold, const struct sl_held *held) { return entry_at(hold, held->newer); }

struct sl_held *sl_hold_due(struct sl_hold *hold, int64_t now_ns)
{
    struct sl_held *held = hold->cnt ? &hold->entries[hold->heap[0]] : NULL;
    return held && held->until_ns != SL_HOLD_RELEASED_ONLY && held->until_ns <= now_ns ? held : NULL;
}

void sl_hold_drop(struct sl_hold *hold, struct sl_held *held)
{
    uint32_t at = (uint32_t)(held - hold->entries);
    *(held->older == NOWHERE ? &hold->oldest : &hold->entries[held->older].newer) = held->newer;
    *(held->newer == NOWHERE ? &hold->newest : &hold->entries[held->newer].older) = held->older;
    leave_names(hold, at);
    leave_heap(hold, held->heap_at);
    give_blocks_back(hold, held);
    held->chain[0] = hold->free_entry;
    hold->free_entry = at;
}

void sl_hold_release(struct sl_hold *hold, struct sl_held *held)
{
    held->until_ns = INT64_MIN;
    sift_up(hold, held->heap_at);
}

void sl_hold_keep(struct sl_hold *hold, struct sl_held *held)
{
    held->until_ns = SL_HOLD_RELEASED_ONLY;
    sift_down(hold, held->heap_at);
}
