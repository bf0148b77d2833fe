/* pipeline/sink_queue.h - what a sink has read off the tape and not got rid of yet, within bounds.
 *
 *     push -> [ done ... | sent, not done ... | waiting ... ] head          [ spill: what came later, on disk ]
 *                        ^ done               ^ next
 *
 * Life      init, push / next / sent / done ..., fini.
 * Threads   One.
 * Owns      Items, from push until they are done, superseded or cut.
 * Errors    0 or -errno of the disk.
 * Units     Indexes count items since init; bytes are those of items with their heads.
 * Hostile   A spill file is outside input when it is read back: each item carries its CRC32C, and the first that is
 *           not whole ends it.
 *
 * What is sent and not done goes again after again(): a connection broke.  When memory is full the policy says what
 * gives way: block, nobody, room() is false and the tape is not read on; spill, the disk takes what comes until it is
 * full too; conflate, an older bulletin that waits makes room for a newer one of its story; cut, all that waits is
 * dropped.  Kills, holds and releases are never conflated away, and a late bulletin takes nobody's place.
 */
#ifndef SL_PIPELINE_SINK_QUEUE_H
#define SL_PIPELINE_SINK_QUEUE_H

#include "pipeline/bookmark.h"
#include "pipeline/client.h"

enum sl_sink_policy { SL_SINK_BLOCK, SL_SINK_SPILL, SL_SINK_CONFLATE, SL_SINK_CUT };

struct sl_sink_item {
    uint64_t epoch, seq, story;
    int64_t published_ns;
    uint32_t head_len, body_len;
    uint8_t lane, kind, verdict;
    bool was_sent; /* goes again, or may: for the count of repeated ones */
    bool superseded; /* of a queue that keeps: a newer one of its story came */
    bool arrived; /* and is done as soon as all before it are */
    uint8_t spare[2];
    char bytes[]; /* head_len bytes of a name or subject, its NUL counted; then the body */
};

static inline const char *sl_sink_item_body(const struct sl_sink_item *item) { return item->bytes + item->head_len; }
static inline uint64_t sl_sink_item_len(const struct sl_sink_item *item)
{
    return sizeof(*item) + item->head_len + item->body_len;
}

struct sl_sink_slot {
    struct sl_sink_item *item; /* NULL: superseded, or a place to pass and nothing to send */
    struct sl_bookmark place;
};

struct sl_sink_story {
    uint64_t story, idx;
};

struct sl_sink_queue {
    enum sl_sink_policy policy;
    bool keeps; /* what is done stays until its room is needed, for whoever follows by index (at) */
    struct sl_sink_slot *slots;
    uint32_t slot_cnt; /* a power of two */
    uint64_t first, done, next, head; /* first <= done <= next <= head */
    uint64_t bytes, bytes_max;
    struct sl_sink_story *stories; /* conflate: the last item of a story, by its hash; a collision conflates less */
    uint64_t conflated, cut; /* items that gave way */
    struct sl_bookmark done_place;
    struct sl_sink_item *spare_item; /* the last that was given back: the next is often as long */
    struct sl_sink_item *stuck; /* the disk did not take it: there is no room until it does */
    /* spill */
    int spill_fd; /* -1: none */
    uint64_t spill_max, spill_len, spill_read, spill_cnt; /* bytes written and read back; items not read back */
    int64_t spill_synced_ns;
    bool spill_dirty;
    int spill_error;
};

/* spill_path: NULL but for policy spill.  What is in it behind *place is put back and *place moved to its last: the
 * tape is to be read from there. */
int sl_sink_queue_init(struct sl_sink_queue *queue, enum sl_sink_policy policy, uint64_t bytes_max, bool keeps,
                       const char *spill_path, uint64_t spill_max, struct sl_bookmark *place);
void sl_sink_queue_fini(struct sl_sink_queue *queue);

/* Whether push would take one more. */
bool sl_sink_queue_room(struct sl_sink_queue *queue);
/* Memory for an item of len bytes, all together; NULL: there is none. */
struct sl_sink_item *sl_sink_queue_alloc(struct sl_sink_queue *queue, size_t len);
/* Takes the item, which is malloc'ed, or of alloc; only when there is room.  -ENOSPC and the like: the disk does not
 * take it just now, and nothing is read on until it does. */
int sl_sink_queue_push(struct sl_sink_queue *queue, struct sl_sink_item *item);
/* Nothing to send here, but the place moves on once all before it is done. */
void sl_sink_queue_pass(struct sl_sink_queue *queue, struct sl_bookmark place);

struct sl_sink_item *sl_sink_queue_next(struct sl_sink_queue *queue); /* the first that waits; NULL none */
void sl_sink_queue_sent(struct sl_sink_queue *queue); /* it is under way: next is the one behind it */
/* All below idx have arrived.  idx <= next. */
void sl_sink_queue_done(struct sl_sink_queue *queue, uint64_t idx);
/* The one at idx has arrived, by itself: done moves over all that have, and again() does not send it again. */
void sl_sink_queue_arrived(struct sl_sink_queue *queue, uint64_t idx);
/* Of the last item below idx, which is one that is not gone. */
struct sl_bookmark sl_sink_queue_place(const struct sl_sink_queue *queue, uint64_t idx);
void sl_sink_queue_again(struct sl_sink_queue *queue);
/* Whether the queue goes on behind this place, from item from on: then *idx is the first that lies behind. */
bool sl_sink_queue_follows(const struct sl_sink_queue *queue, uint64_t from, struct sl_bookmark place, uint64_t *idx);
/* Drops all that is not done. */
void sl_sink_queue_drop(struct sl_sink_queue *queue);
/* An item by its index; NULL: superseded, gone or not there yet. */
struct sl_sink_item *sl_sink_queue_at(const struct sl_sink_queue *queue, uint64_t idx);
/* Writes bodies of items *idx .. end - 1 to fd, as many as it takes at once; *off bytes of the first are written
 * already.  1: all of them; 0: it takes no more just now; -errno. */
int sl_sink_queue_write(const struct sl_sink_queue *queue, int fd, uint64_t *idx, uint32_t *off, uint64_t end);
/* What waits for longer than a moment goes to the disk for good. */
int sl_sink_queue_sync(struct sl_sink_queue *queue, int64_t now_ns);
uint64_t sl_sink_queue_waiting(const struct sl_sink_queue *queue); /* items not done, on disk as well */

#endif
