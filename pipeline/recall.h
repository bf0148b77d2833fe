/* pipeline/recall.h - what a walk knows of the walks before it, so that nothing is twice on the tapes they leave.
 *
 *     walk k, killed:  [ tape k ]   [ past: what k knew of k - 1 and before ]
 *                           \            |
 *                            +-----------+--> window of walk k + 1 --> [ past, the other half ]
 *
 * Life      The memory is the supervisor's and outlives walks; sl_recall is called once, before the first poll.
 * Threads   The builder's.
 * Owns      Borrows all; maps the tape of before for the call.
 * Errors    0 or -errno: then the walk starts without knowing.
 *
 * Readers drain the tape of a walk that died, so what is whole on it counts as published, up to the last record.  From
 * there the next walk learns which bulletins are duplicates from now on: those that an agency sends again after it has
 * dialled again, and those of a file that was published and not yet moved away.  What was held was not published: it
 * comes back from the journal, and without one is held again when it is sent again.  The new half of the past is whole
 * before the walk says that it is ready, and only then does the supervisor let the old tape go: however often walks die
 * one after the other, nothing is forgotten between them.
 */
#ifndef SL_PIPELINE_RECALL_H
#define SL_PIPELINE_RECALL_H

#include "pipeline/window.h"
#include "ring/mem.h"

struct sl_desk;
struct sl_feed;

struct sl_past {
    uint32_t current; /* which half counts */
    struct sl_window_past halves[2];
};

/* The journal's records from from_seq on, and at least the last window_cnt: what is held is held again, and, as with
 * the tape, what was published is known.  The first walk of a supervisor wants all that the window can know, and so
 * does one whose forerunner's tape has gone round; for another one, which can read all of that tape itself, from_seq,
 * the first that is still held, is enough.  Before sl_recall.  Feeds go by their names, whatever their numbers were
 * when a record was written.  *cnt: records. */
struct sl_recall_past {
    const char *directory;
    const struct sl_feed *feeds; /* of now */
    uint32_t feed_cnt;
    uint64_t from_seq, window_cnt;
};
int sl_recall_journal(struct sl_desk *desk, const struct sl_recall_past *past, uint64_t *cnt);
/* The tape of the walk before still has its first record. */
bool sl_recall_is_whole(const struct sl_mem *before);
/* before: the tape of the walk before, by its descriptor; fd -1: there was none. */
int sl_recall(struct sl_desk *desk, const struct sl_mem *before, struct sl_past *past);

#endif
