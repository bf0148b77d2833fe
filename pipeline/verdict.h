/* pipeline/verdict.h - one answer before the desk: what becomes of it, and of what is held because of it.
 *
 *     answer --> reject ---------------------------> notice
 *            --> bulletin: seen before? ------------> counted
 *                          to be held? -------------> hold area, notice
 *                          else --------------------> tape;  a kill, release or newer version then settles what is held
 *
 * Life      init, fini.
 * Threads   The desk's.
 * Owns      Borrows an answer and its message until settled.
 * Errors    init: 0 or -errno.  Settling may have to wait for room: false, nothing has been decided, ask again.
 * Units     Lengths in bytes; times in ns since 1970 UTC.
 *
 * In doubt about an embargo, hold: what is embargoed and of a killed story is held all the same, and published
 * WITHDRAWN at its time; what finds no room in the hold area is rejected, never published early.
 */
#ifndef SL_PIPELINE_VERDICT_H
#define SL_PIPELINE_VERDICT_H

#include "pipeline/hold.h"
#include "pipeline/publish.h"
#include "pipeline/window.h"

struct sl_judge {
    struct sl_publish publish;
    struct sl_window window;
    struct sl_hold hold;
    const struct sl_books *books;
    bool recalling; /* what was: nothing of it is counted again */
};

/* An answer, its message, and where the message's raw bytes are. */
struct sl_case {
    const struct sl_answer *answer;
    const struct sl_message *message;
    uint64_t *raw_seq; /* of the message on the raw log; 0: not there yet.  Kept from one of its answers to the next */
    struct sl_ack *ack; /* of its file; NULL: nobody waits for the answer */
};

int sl_judge_init(struct sl_judge *judge, const struct sl_desk_config *config);
void sl_judge_fini(struct sl_judge *judge);

/* False: not now. */
bool sl_judge_settle(struct sl_judge *judge, const struct sl_case *at_hand);
/* Publishes the next held bulletin whose time has come, if there is one and there is room. */
bool sl_judge_release(struct sl_judge *judge, int64_t now_ns);
/* What walks before published and held: see sl_desk_remember and those behind it. */
void sl_judge_remember(struct sl_judge *judge, const struct sl_bulletin *bulletin, uint64_t seq);
void sl_judge_recall(struct sl_judge *judge, const struct sl_record *record, const struct sl_bulletin *bulletin);
void sl_judge_recall_held(struct sl_judge *judge, uint64_t notice_seq, int64_t until_ns, const struct sl_record *raw,
                          const struct sl_bulletin *bulletin);
void sl_judge_recalled(struct sl_judge *judge);
/* What killed the walk before: its first bytes onto the raw log, its REJECT onto the tape. */
void sl_judge_crashed(struct sl_judge *judge, const struct sl_crash_note *note);

/* What the tape before this one was, as the first record of this one. */
void sl_judge_old_tape(struct sl_judge *judge, const struct sl_old_tape *old);

#endif
