/* pipeline/hold.h - the hold area: bulletins under embargo or withheld, until their time comes, they are released, or
 * cancelled.
 *
 *     put ----> [ by name | by release time ] ----> due ..... drop
 *                    named -> release | drop
 *
 * Life      init, fini; all memory is had at init.
 * Threads   The desk's.
 * Owns      A held bulletin's bytes are copied in, and lie in blocks that need not be neighbours: so the area is
 *           full only when it is full, whatever order bulletins leave it in.  A struct sl_held is the area's until
 *           drop.
 * Errors    -ENOMEM, -EINVAL.
 * Units     until_ns: ns since 1970 UTC; SL_HOLD_RELEASED_ONLY: no time, only a release.
 */
#ifndef SL_PIPELINE_HOLD_H
#define SL_PIPELINE_HOLD_H

#include "pipeline/record.h"
#include "pipeline/window.h"

#define SL_HOLD_BLOCK_LEN     1024u
#define SL_HOLD_RELEASED_ONLY INT64_MAX

struct sl_held {
    struct sl_record record; /* as it would have been published: receipt, feed, lane, where its raw is */
    uint64_t names[SL_NAMES_MAX]; /* of the story */
    uint64_t version_hash;
    struct sl_version version;
    uint32_t take_no;
    uint32_t len; /* of the bulletin */
    int64_t until_ns;
    uint64_t order; /* of arrival: decides between equal times */
    uint64_t notice_seq; /* of its HELD on the tape */
    /* private */
    uint32_t name_cnt, chain[SL_NAMES_MAX];
    uint32_t first_block, heap_at;
    uint32_t older, newer; /* in order of arrival */
};

struct sl_hold {
    uint8_t *blocks;
    uint32_t *block_next;
    struct sl_held *entries;
    uint32_t *heap; /* entries, the next to be released on top */
    uint32_t *buckets; /* entries by the names of their stories */
    uint64_t secret, put_cnt;
    uint32_t block_cnt, blocks_free, free_block;
    uint32_t cnt, cnt_max, free_entry;
    uint32_t oldest, newest;
    unsigned shift;
};

/* bytes of bulletins, rounded down to whole blocks, and cnt of them; either 0: nothing can be held. */
int sl_hold_init(struct sl_hold *hold, uint64_t bytes, uint32_t cnt, uint64_t key);
void sl_hold_fini(struct sl_hold *hold);

bool sl_hold_fits(const struct sl_hold *hold, uint32_t len);
/* Only what fits.  notice_seq: of its HELD on the tape. */
void sl_hold_put(struct sl_hold *hold, const struct sl_record *record, const struct sl_bulletin *bulletin,
                 int64_t until_ns, uint64_t notice_seq);
/* The one that has been here longest, or NULL; then the next one, or NULL. */
struct sl_held *sl_hold_oldest(struct sl_hold *hold);
struct sl_held *sl_hold_next(struct sl_hold *hold, const struct sl_held *held);
/* The next whose time has come, or NULL. */
struct sl_held *sl_hold_due(struct sl_hold *hold, int64_t now_ns);
/* Its bytes piece by piece, for whoever puts them onto the tape; NULL behind the last. */
struct sl_hold_cursor {
    uint32_t block, left;
};
static inline struct sl_hold_cursor sl_hold_begin(const struct sl_held *held)
{
    return (struct sl_hold_cursor){ held->first_block, held->len };
}
const void *sl_hold_piece(const struct sl_hold *hold, struct sl_hold_cursor *cursor, uint32_t *len);
void sl_hold_drop(struct sl_hold *hold, struct sl_held *held);
/* The next one after this one (NULL: the first) whose story goes by this name, or NULL.  To be asked for before this
 * one is dropped. */
struct sl_held *sl_hold_named(struct sl_hold *hold, uint64_t name, struct sl_held *after);
/* Due from now on. */
void sl_hold_release(struct sl_hold *hold, struct sl_held *held);
/* Whatever its time was: only a release frees it. */
void sl_hold_keep(struct sl_hold *hold, struct sl_held *held);

#endif
