/* pipeline/journal.h - the journal as a process: a reader of tape and raw log that gates, and whose done is what is on
 * the disk.
 *
 *     supervisor -- fork --> journal:  PLACES | FAILED ->     <- LOGS (tape, its seat[, raw log, its seat]), DRAIN
 *
 * Life      sl_journal_main is the whole life of the child; its return value is its exit status.  It says PLACES when
 *           it has mended what was there, so that the walk may begin, and again when it has drained the logs of a walk
 *           that is gone.  The end of the socket ends it, after a last drain.
 * Threads   The process's first; each family's scribe has one that sets segments aside.
 * Errors    FAILED carries the sentence for people.  What happens to the disk later is said aloud; the tape goes on,
 *           and what it ran over meanwhile stands in a HOLE record as soon as the disk is back.  done never passes
 *           what is neither on the disk nor named there.
 * Numbers   DIRECTORY/reserved holds what no later start may use again, in steps of SL_JOURNAL_STEP, half a step ahead
 *           of the walk at least.  The desk does not wait for it: with a journal that is down for longer than half a
 *           step, numbers of the old epoch could come again in the next after a power loss.  After an orderly end it
 *           says what was used, and nothing is lost.
 */
#ifndef SL_PIPELINE_JOURNAL_H
#define SL_PIPELINE_JOURNAL_H

#include "pipeline/config.h"

#define SL_JOURNAL_STEP 65536u

/* Where a new walk begins. */
struct sl_journal_places {
    uint64_t tape_next, raw_next; /* the first seq of its logs */
    struct sl_old_tape old_tape;
};

enum sl_journal_what { SL_JOURNAL_PLACES, SL_JOURNAL_FAILED, SL_JOURNAL_LOGS, SL_JOURNAL_DRAIN };

struct sl_journal_word {
    uint32_t what;
    uint32_t drained; /* of PLACES: the answer to DRAIN */
    struct sl_journal_places places;
    char text[512];
};

/* tape_lives: the records that were under way to the disk can still be had. */
int sl_journal_main(const struct sl_config *config, bool tape_lives, int control_fd);

#endif
