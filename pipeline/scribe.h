/* pipeline/scribe.h - writes a family of segments: records in, large synchronous writes out, several under way.
 *
 *     claim, commit | put --> [ buffer | buffer | ... ] --> segment      durable_seq: all up to here is on the disk
 *                             filled    under way
 *
 * Life      init; then records, flush and reap; end.  After an error: abandon, and records again when there is hope.
 *           A segment is opened with its first record and ended when it is full, or by end.
 * Threads   One, and one in here that sets the next segment aside: written with zeros, because a file that grows pays
 *           for its size with each write.
 * Owns      Buffers, file.  A claimed place is the caller's until commit.
 * Errors    0 or -errno, and then error stays set until abandon: nothing more is written, durable_seq stands.
 * Units     bytes; ns.
 */
#ifndef SL_PIPELINE_SCRIBE_H
#define SL_PIPELINE_SCRIBE_H

#include "pipeline/disk.h"
#include "pipeline/segment.h"
#include "pipeline/catalog.h"

#include <pthread.h>

#define SL_SCRIBE_BUF_LEN (256u * 1024u)
#define SL_SCRIBE_BUFS    5u /* one that is filled while the others are under way */
#define SL_SCRIBE_REDO    ((uint64_t)SL_SCRIBE_BUF_LEN * SL_SCRIBE_BUFS) /* how far writes under way can reach */

struct sl_scribe_config {
    const char *directory; /* the journal's; the family's folder is in it */
    enum sl_family family;
    uint64_t segment_len;
    bool sync; /* false: done means written, and the kernel may still have it */
    const char *node, *tape_name;
    uint64_t next_number, durable_seq; /* as the catalog was found */
    int64_t keep_ns; /* 0: for ever */
    uint64_t keep_len; /* 0: without bound */
    uint32_t feed_cnt; /* whose bulletins are counted; 0: they are not */
    struct sl_disk *disk;
};

struct sl_scribe_buf {
    struct sl_disk_write write; /* first: what the disk gives back */
    unsigned char *data;
    uint64_t last_seq; /* of the last record that ends in it or before */
    uint64_t *put_cnt; /* of each feed, up to there */
    bool under_way;
};

struct sl_scribe {
    struct sl_scribe_config config;
    int folder, fd; /* fd -1: no segment is open */
    char name[SL_CATALOG_NAME_LEN];
    struct sl_segment_head head;
    struct sl_segment_index index;
    struct sl_scribe_buf bufs[SL_SCRIBE_BUFS];
    unsigned fill, oldest; /* counted without end: bufs[fill % SL_SCRIBE_BUFS] is filled */
    uint32_t fill_len;
    uint64_t fill_off; /* of the buffer that is filled, in the file */
    uint64_t put_seq, durable_seq, durable_off;
    uint64_t *put_cnt, *durable_cnt; /* bulletins of each feed since init, up to these */
    int error;
    /* the next segment, set aside */
    pthread_t maker;
    bool has_maker;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    enum { SL_SCRIBE_NONE, SL_SCRIBE_WANTED, SL_SCRIBE_READY, SL_SCRIBE_STOP } spare;
};

int sl_scribe_init(struct sl_scribe *scribe, const struct sl_scribe_config *config);
/* A place in the buffer for a record that is no longer than *room, which may be too small for any.  Not before the
 * first record of a segment. */
void *sl_scribe_claim(struct sl_scribe *scribe, uint32_t *room);
void sl_scribe_commit(struct sl_scribe *scribe, struct sl_record *record);
/* Any record, copied; seals it.  May wait for the disk.  now_ns: CLOCK_REALTIME, for a segment that begins. */
int sl_scribe_put(struct sl_scribe *scribe, struct sl_record *record, int64_t now_ns);
bool sl_scribe_is_dirty(const struct sl_scribe *scribe); /* records that are not under way yet */
/* Sends what is in the buffer on its way, if there is a free one behind it. */
int sl_scribe_flush(struct sl_scribe *scribe);
/* After sl_disk_reap: takes back what has come. */
int sl_scribe_reap(struct sl_scribe *scribe);
/* All is on the disk, and the segment is ended. */
int sl_scribe_end(struct sl_scribe *scribe);
/* After an error: cuts the segment behind durable_seq, so that what follows can be written again. */
int sl_scribe_abandon(struct sl_scribe *scribe);
void sl_scribe_fini(struct sl_scribe *scribe);

#endif
