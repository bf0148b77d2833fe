#include "pipeline/sink_queue.h"

#include "pipeline/crc32c.h"
#include "pipeline/record.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define ITEM_LEN_USUAL 512u /* there is a slot for each so many bytes */
#define SLOTS_MIN      1024u
#define SLOTS_MAX      (1u << 20)
#define STORIES        (1u << 14)
#define GAVE_WAY_MAX   16u
#define PIECES         128 /* of one writev: a quarter of a megabyte of usual bulletins */
#define SYNC_NS        100000000ll
#define ITEM_LEN_MAX   (1ull << 31)

/* Before each item in a spill file. */
struct spilled {
    uint64_t len; /* of the item */
    uint32_t magic, crc;
};
#define SPILLED_MAGIC 0x6c697073u /* "spil", little-endian */

static struct sl_sink_slot *slot_of(const struct sl_sink_queue *queue, uint64_t idx)
{
    return &queue->slots[idx & (queue->slot_cnt - 1)];
}

static void forget(struct sl_sink_queue *queue, uint64_t idx)
{
    struct sl_sink_slot *slot = slot_of(queue, idx);
    if (!slot->item)
        return;
    queue->bytes -= sl_sink_item_len(slot->item);
    if (queue->spare_item)
        free(slot->item);
    else
        queue->spare_item = slot->item;
    slot->item = NULL;
}

struct sl_sink_item *sl_sink_queue_alloc(struct sl_sink_queue *queue, size_t len)
{
    struct sl_sink_item *item = queue->spare_item;
    size_t cap = item ? malloc_usable_size(item) : 0;
    if (cap < len || cap / 2 > len)
        return malloc(len);
    queue->spare_item = NULL;
    return item;
}

/* ---- the spill file ---- */

static int append(struct sl_sink_queue *queue, const struct sl_sink_item *item)
{
    struct spilled head = { .len = sl_sink_item_len(item), .magic = SPILLED_MAGIC };
    head.crc = sl_crc32c(0, item, head.len);
    struct iovec pieces[] = {
        {&head,                    sizeof(head)},
        { (void *)(uintptr_t)item, head.len    }
    };
    ssize_t put = pwritev(queue->spill_fd, pieces, 2, (off_t)queue->spill_len);
    if (put != (ssize_t)(sizeof(head) + head.len))
        return put < 0 ? -errno : -ENOSPC;
    queue->spill_len += sizeof(head) + head.len;
    queue->spill_dirty = true;
    return 0;
}

/* The item at spill_read, which is moved behind it; NULL: there is no whole one, or no memory. */
static struct sl_sink_item *read_back(struct sl_sink_queue *queue)
{
    struct spilled head;
    if (pread(queue->spill_fd, &head, sizeof(head), (off_t)queue->spill_read) != (ssize_t)sizeof(head) ||
        head.magic != SPILLED_MAGIC || head.len < sizeof(struct sl_sink_item) || head.len > ITEM_LEN_MAX)
        return NULL;
    struct sl_sink_item *item = malloc(head.len);
    if (!item)
        return NULL;
    ssize_t got = pread(queue->spill_fd, item, head.len, (off_t)(queue->spill_read + sizeof(head)));
    if (got != (ssize_t)head.len || sl_crc32c(0, item, head.len) != head.crc || sl_sink_item_len(item) != head.len) {
        free(item);
        return NULL;
    }
    queue->spill_read += sizeof(head) + head.len;
    return item;
}

/* Nothing in it is needed any more. */
static void empty_spill(struct sl_sink_queue *queue)
{
    if (ftruncate(queue->spill_fd, 0))
        queue->spill_error = -errno;
    queue->spill_len = queue->spill_read = queue->spill_cnt = 0;
}

/* What stands behind place, or all when place is not in it: it was done before anything was spilled. */
static void recover(struct sl_sink_queue *queue, struct sl_bookmark *place)
{
    struct sl_bookmark last = *place;
    uint64_t from = 0, cnt = 0;
    struct sl_sink_item *item;
    while ((item = read_back(queue))) {
        cnt++;
        if (item->epoch == place->epoch && item->seq == place->seq) {
            from = queue->spill_read;
            cnt = 0;
        }
        last = (struct sl_bookmark){ item->epoch, item->seq };
        free(item);
    }
    queue->spill_len = queue->spill_read;
    queue->spill_read = from;
    queue->spill_cnt = cnt;
    if (cnt)
        *place = last;
    else
        empty_spill(queue);
    if (ftruncate(queue->spill_fd, (off_t)queue->spill_len))
        queue->spill_error = -errno;
}

int sl_sink_queue_sync(struct sl_sink_queue *queue, int64_t now_ns)
{
    if (!queue->spill_dirty || now_ns - queue->spill_synced_ns < SYNC_NS)
        return 0;
    queue->spill_synced_ns = now_ns;
    queue->spill_dirty = false;
    return fdatasync(queue->spill_fd) ? -errno : 0;
}

/* ---- life ---- */

int sl_sink_queue_init(struct sl_sink_queue *queue, enum sl_sink_policy policy, uint64_t bytes_max, bool keeps,
                       const char *spill_path, uint64_t spill_max, struct sl_bookmark *place)
{
    *queue = (struct sl_sink_queue){ .policy = policy,
                                     .keeps = keeps,
                                     .bytes_max = bytes_max,
                                     .spill_fd = -1,
                                     .spill_max = spill_max,
                                     .done_place = *place,
                                     .slot_cnt = SLOTS_MIN };
    while (queue->slot_cnt < SLOTS_MAX && (uint64_t)queue->slot_cnt * ITEM_LEN_USUAL < bytes_max)
        queue->slot_cnt *= 2;
    queue->slots = calloc(queue->slot_cnt, sizeof(*queue->slots));
    queue->stories = policy == SL_SINK_CONFLATE ? calloc(STORIES, sizeof(*queue->stories)) : NULL;
    if (!queue->slots || (policy == SL_SINK_CONFLATE && !queue->stories))
        return -ENOMEM;
    if (!spill_path)
        return 0;
    queue->spill_fd = open(spill_path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (queue->spill_fd < 0)
        return -errno;
    recover(queue, place);
    return queue->spill_error;
}

void sl_sink_queue_fini(struct sl_sink_queue *queue)
{
    for (uint64_t idx = queue->first; idx < queue->head; idx++)
        forget(queue, idx);
    free(queue->stuck);
    free(queue->spare_item);
    free(queue->slots);
    free(queue->stories);
    if (queue->spill_fd >= 0)
        close(queue->spill_fd);
}

/* ---- room ---- */

static void forget_first(struct sl_sink_queue *queue) { forget(queue, queue->first++); }

static bool has_memory(struct sl_sink_queue *queue)
{
    while (queue->first < queue->done &&
           (queue->bytes >= queue->bytes_max || queue->head - queue->first == queue->slot_cnt))
        forget_first(queue);
    return queue->bytes < queue->bytes_max && queue->head - queue->first < queue->slot_cnt;
}

/* Slots whose items were superseded close up, so that the rest has room. */
static void close_up(struct sl_sink_queue *queue)
{
    uint64_t to = queue->next;
    for (uint64_t from = queue->next; from < queue->head; from++)
        if (slot_of(queue, from)->item) {
            *slot_of(queue, to) = *slot_of(queue, from);
            queue->stories[slot_of(queue, to)->item->story % STORIES] =
                (struct sl_sink_story){ slot_of(queue, to)->item->story, to };
            to++;
        }
    for (uint64_t idx = to; idx < queue->head; idx++)
        slot_of(queue, idx)->item = NULL;
    queue->head = to;
}

/* ---- in ---- */

static bool may_give_way(const struct sl_sink_item *item)
{
    return item->kind != SL_KIND_KILL && item->kind != SL_KIND_HOLD && item->kind != SL_KIND_RELEASE;
}

static void supersede(struct sl_sink_queue *queue, const struct sl_sink_item *item)
{
    struct sl_sink_story *last = &queue->stories[item->story % STORIES];
    if (!item->story || item->verdict == SL_VERDICT_LATE)
        return;
    uint64_t least = queue->keeps ? queue->first : queue->next;
    if (last->story == item->story && last->idx >= least && last->idx < queue->head) {
        struct sl_sink_item *older = slot_of(queue, last->idx)->item;
        bool gives_way = older && older->story == item->story && may_give_way(older);
        if (gives_way && queue->keeps) {
            older->superseded = true;
        } else if (gives_way) {
            forget(queue, last->idx);
            queue->conflated++;
        }
    }
    *last = (struct sl_sink_story){ item->story, queue->head };
}

static void put(struct sl_sink_queue *queue, struct sl_sink_item *item)
{
    if (queue->head - queue->first == queue->slot_cnt) { /* what is kept only gives way */
        assert(queue->first < queue->done);
        forget_first(queue);
    }
    if (queue->stories)
        supersede(queue, item);
    *slot_of(queue, queue->head++) = (struct sl_sink_slot){
        item, {item->epoch, item->seq}
    };
    queue->bytes += sl_sink_item_len(item);
}

/* The file gets all that is not done, so that a restart finds it there: what it has missed may have left the tape. */
static int begin_to_spill(struct sl_sink_queue *queue)
{
    int rc = 0;
    empty_spill(queue);
    for (uint64_t idx = queue->done; !rc && idx < queue->head; idx++)
        if (slot_of(queue, idx)->item)
            rc = append(queue, slot_of(queue, idx)->item);
    queue->spill_read = queue->spill_len;
    return rc;
}

/* Straight to memory, or to the disk behind what is there already. */
static int take(struct sl_sink_queue *queue, struct sl_sink_item *item)
{
    if (!queue->spill_cnt && (queue->policy != SL_SINK_SPILL || has_memory(queue))) {
        put(queue, item);
        return 0;
    }
    int rc = queue->spill_cnt ? 0 : begin_to_spill(queue);
    if (!rc)
        rc = append(queue, item);
    if (rc)
        return rc;
    queue->spill_cnt++;
    free(item);
    return 0;
}

static bool unstick(struct sl_sink_queue *queue)
{
    queue->spill_error = take(queue, queue->stuck);
    if (queue->spill_error)
        return false;
    queue->stuck = NULL;
    return true;
}

bool sl_sink_queue_room(struct sl_sink_queue *queue)
{
    if (queue->stuck && !unstick(queue))
        return false;
    if (queue->spill_cnt)
        return queue->spill_len < queue->spill_max;
    if (has_memory(queue))
        return true;
    switch (queue->policy) {
    case SL_SINK_SPILL:
        return true;
    case SL_SINK_CONFLATE:
        close_up(queue);
        return has_memory(queue);
    case SL_SINK_CUT:
        sl_sink_queue_drop(queue);
        return true;
    case SL_SINK_BLOCK:
        break;
    }
    return false;
}

int sl_sink_queue_push(struct sl_sink_queue *queue, struct sl_sink_item *item)
{
    int rc = take(queue, item);
    if (rc)
        queue->stuck = item;
    queue->spill_error = rc;
    return rc;
}

void sl_sink_queue_pass(struct sl_sink_queue *queue, struct sl_bookmark place)
{
    if (queue->spill_cnt || queue->stuck)
        return;
    if (queue->done == queue->head)
        queue->done_place = place;
    else
        slot_of(queue, queue->head - 1)->place = place;
}

/* ---- out ---- */

static void refill(struct sl_sink_queue *queue)
{
    while (queue->spill_cnt && has_memory(queue)) {
        struct sl_sink_item *item = read_back(queue);
        if (!item) { /* the disk does not give back what it took */
            queue->spill_error = -EIO;
            return;
        }
        queue->spill_cnt--;
        put(queue, item);
    }
}

static bool has_arrived(const struct sl_sink_queue *queue, uint64_t idx)
{
    const struct sl_sink_item *item = slot_of(queue, idx)->item;
    return item && item->arrived;
}

/* Passes what need not be sent again, and moves done over what has arrived. */
static void settle(struct sl_sink_queue *queue)
{
    uint64_t done = queue->done;
    while (queue->next < queue->head && has_arrived(queue, queue->next))
        queue->next++;
    for (uint64_t idx = done; idx < queue->next && (!slot_of(queue, idx)->item || has_arrived(queue, idx)); idx++)
        if (slot_of(queue, idx)->item)
            done = idx + 1;
    sl_sink_queue_done(queue, done);
}

struct sl_sink_item *sl_sink_queue_next(struct sl_sink_queue *queue)
{
    if (queue->next == queue->head && queue->spill_cnt)
        refill(queue);
    settle(queue);
    uint64_t idx = queue->next;
    while (idx < queue->head && !slot_of(queue, idx)->item)
        idx++;
    /* A long run of those that gave way would take the slots of what is still to come. */
    if (idx - queue->next >= GAVE_WAY_MAX)
        close_up(queue);
    else
        queue->next = idx;
    return queue->next < queue->head ? slot_of(queue, queue->next)->item : NULL;
}

void sl_sink_queue_sent(struct sl_sink_queue *queue)
{
    assert(queue->next < queue->head);
    slot_of(queue, queue->next++)->item->was_sent = true;
}

void sl_sink_queue_done(struct sl_sink_queue *queue, uint64_t idx)
{
    assert(idx <= queue->next);
    if (idx <= queue->done)
        return;
    queue->done_place = slot_of(queue, idx - 1)->place;
    queue->done = idx;
    while (!queue->keeps && queue->first < queue->done)
        forget_first(queue);
    if (queue->spill_len && !queue->spill_cnt && queue->done == queue->head)
        empty_spill(queue);
}

void sl_sink_queue_arrived(struct sl_sink_queue *queue, uint64_t idx)
{
    if (idx < queue->done || idx >= queue->next || !slot_of(queue, idx)->item)
        return;
    slot_of(queue, idx)->item->arrived = true;
    settle(queue);
}

struct sl_bookmark sl_sink_queue_place(const struct sl_sink_queue *queue, uint64_t idx)
{
    return idx > queue->done ? slot_of(queue, idx - 1)->place : queue->done_place;
}

bool sl_sink_queue_follows(const struct sl_sink_queue *queue, uint64_t from, struct sl_bookmark place, uint64_t *idx)
{
    const struct sl_sink_item *first = sl_sink_queue_at(queue, from);
    /* An item before its next one that the queue still has: nothing lies between. */
    if (!first || first->epoch != place.epoch || first->seq > place.seq + 1)
        return false;
    uint64_t low = from, high = queue->head;
    while (low < high) { /* within one epoch numbers grow; of a later one all are behind */
        uint64_t middle = low + (high - low) / 2;
        const struct sl_sink_item *item = sl_sink_queue_at(queue, middle);
        if (item && item->epoch == place.epoch && item->seq <= place.seq)
            low = middle + 1;
        else
            high = middle;
    }
    *idx = low;
    return true;
}

void sl_sink_queue_again(struct sl_sink_queue *queue) { queue->next = queue->done; }

void sl_sink_queue_drop(struct sl_sink_queue *queue)
{
    for (uint64_t idx = queue->done; idx < queue->head; idx++)
        if (slot_of(queue, idx)->item)
            queue->cut++;
    queue->next = queue->head;
    sl_sink_queue_done(queue, queue->head);
    while (queue->first < queue->head)
        forget_first(queue);
}

struct sl_sink_item *sl_sink_queue_at(const struct sl_sink_queue *queue, uint64_t idx)
{
    return idx < queue->first || idx >= queue->head ? NULL : slot_of(queue, idx)->item;
}

static unsigned gather(const struct sl_sink_queue *queue, struct iovec *pieces, uint64_t idx, uint32_t off,
                       uint64_t end)
{
    unsigned cnt = 0;
    for (; idx < end && cnt < PIECES; idx++, off = 0) {
        const struct sl_sink_item *item = sl_sink_queue_at(queue, idx);
        if (item)
            pieces[cnt++] = (struct iovec){ (void *)(uintptr_t)(sl_sink_item_body(item) + off), item->body_len - off };
    }
    return cnt;
}

static void advance(const struct sl_sink_queue *queue, uint64_t *idx, uint32_t *off, uint64_t end, size_t put)
{
    while (*idx < end) {
        const struct sl_sink_item *item = sl_sink_queue_at(queue, *idx);
        uint32_t rest = item ? item->body_len - *off : 0;
        if (put < rest) {
            *off += (uint32_t)put;
            return;
        }
        put -= rest;
        *off = 0;
        ++*idx;
        if (!put && *idx < end && sl_sink_queue_at(queue, *idx))
            return;
    }
}

int sl_sink_queue_write(const struct sl_sink_queue *queue, int fd, uint64_t *idx, uint32_t *off, uint64_t end)
{
    struct iovec pieces[PIECES];
    while (*idx < end) {
        unsigned cnt = gather(queue, pieces, *idx, *off, end);
        ssize_t put = cnt ? writev(fd, pieces, (int)cnt) : 0;
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == EAGAIN ? 0 : -errno;
        advance(queue, idx, off, end, (size_t)put);
    }
    return 1;
}

uint64_t sl_sink_queue_waiting(const struct sl_sink_queue *queue)
{
    return queue->head - queue->done + queue->spill_cnt + (queue->stuck != NULL);
}
