/* pipeline/journal.h - the journal as a process: a reader of tape and raw log that gates, and whose done is what is on
 * the disk.
 *
 *     supervisor -- fork --> journal:  PLACES | FAILED ->   <- LOGS, DRAIN
 *
 * Life      sl_journal_main is the whole life of the child.  It says PLACES when
 *           it has mended what was there, so that the walk may begin, and again when it has drained the logs of a walk
 *           that is gone.  The end of the socket ends it: when the walk, which ends then too, has gone, after a last
 *           drain.
 * Threads   The process's first; each family's scribe has one that sets segments aside.
 * Errors    FAILED carries the sentence for people.  What happens to the disk later is said aloud; the tape goes on,
 *           and what it ran over meanwhile stands in a HOLE record as soon as the disk is back.  done never passes
 *           what is neither on the disk nor named there.
 * Numbers   DIRECTORY/reserved holds what no later start may use again, and the epoch whose numbers they are.  It is
 *           on the disk before PLACES is said, and grows by steps of SL_JOURNAL_STEP while the walk is SL_JOURNAL_AHEAD
 *           behind: so the desk, which does not go beyond (publish.h), waits only for a journal that has been away, or
 *           a disk that has failed, for a million records.  Once the walk is known to be gone it says what was used,
 *           and nothing is lost; after anything else the next EPOCH names all that may have been seen.
 * Books     DIRECTORY/books holds the ledger (ledger.h), written ten times a second while something is counted, and
 *           when a walk has gone.
 * Alone     Whoever writes to DIRECTORY has locked that file.  A supervisor that comes while the journal of a killed
 *           one still drains waits for it, within SL_JOURNAL_LOCK_NS.
 */
#ifndef SL_PIPELINE_JOURNAL_H
#define SL_PIPELINE_JOURNAL_H

#include "pipeline/clock.h"
#include "pipeline/config.h"

#define SL_JOURNAL_STEP    65536u
#define SL_JOURNAL_AHEAD   (16u * SL_JOURNAL_STEP)
#define SL_JOURNAL_BOOKS_NS (SL_TIME_NS / 10)
#define SL_JOURNAL_LOCK_NS (15 * SL_TIME_NS)

/* Where a new walk begins. */
struct sl_journal_places {
    uint64_t tape_next, raw_next; /* the first seq of its logs */
    uint64_t reserved[2]; /* how far its numbers go, on either */
    uint64_t epoch; /* that it is to have */
    uint64_t held_from; /* what it is to hold again begins here, if there is any */
    struct sl_old_tape old_tape;
};

/* LOGS brings descriptors: the tape, its page, the raw log and its page where there is one, the walk's books, and what
 * ends with the walk. */
enum sl_journal_what { SL_JOURNAL_PLACES, SL_JOURNAL_FAILED, SL_JOURNAL_LOGS, SL_JOURNAL_DRAIN };

struct sl_journal_word {
    uint32_t what;
    uint32_t drained; /* of PLACES: the answer to DRAIN */
    uint32_t thread_cnt; /* of LOGS: in the books */
    struct sl_journal_places places;
    char text[512];
};

struct sl_ledger;

struct sl_journal_time { /* zeros: the real one */
    const struct sl_clock *clock;
    void (*nap)(void *self); /* when there is nothing to do for a moment and something is waited for */
    void *self;
};

struct sl_journal_begin {
    const struct sl_config *config;
    struct sl_ledger *ledger;
    bool tape_lives; /* the records that were under way to the disk can still be had */
    int control_fd;
    struct sl_journal_time time;
};

/* The whole life of a process.  Its exit status. */
int sl_journal_main(const struct sl_journal_begin *begin);

/* The same in pieces, for who brings the disk and the time: one at a time in a process. */
struct sl_journal;
int sl_journal_open(struct sl_journal **journal, const struct sl_journal_begin *begin);
/* One bounded batch.  0: nothing was there to do; -EPIPE: the supervisor is gone, close. */
int sl_journal_poll(struct sl_journal *journal);
int sl_journal_close(struct sl_journal *journal); /* in order */
void sl_journal_drop(struct sl_journal *journal); /* as if it were killed: what is under way is for the disk */

#endif
