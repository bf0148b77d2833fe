/* pipeline/ledger.h - the books of all walks: what those that have ended counted, and what is durable, by feed.
 *
 *     walk k, ended: books --fold--> [ ledger ] --build--> books of walk k + 1 --> status
 *     journal: durable, alarm ------^    |  ^
 *                              write     v  | read
 *                                DIRECTORY/books
 *
 * Life      The memory is the supervisor's: made before the first fork, so that its children share it, and outlives
 *           walks and journals.  begin; then fold once for each walk that has ended, by whoever sees it end.
 * Threads   The supervisor folds, and the journal when there is no supervisor any more; the journal alone writes
 *           durable and alarm, and the file; walks look.  Who writes is killed at any moment: each change is made in
 *           the half that does not count, and then that one counts.
 * Owns      Borrows books and tape for the call.
 * Errors    -errno of the file.
 * Units     Things; ns since 1970.
 * Order     FOLD  half -> which counts: fold, tell -> look, durable.  A half is whole before it counts.
 * File      Two copies, written in turn, each with its checksum; feeds by name.  What walk and journal counted last
 *           before both and the supervisor were killed at once, or the power went, is not in it; what the journal has
 *           of that is counted again from there (sl_ledger_caught_up).
 */
#ifndef SL_PIPELINE_LEDGER_H
#define SL_PIPELINE_LEDGER_H

#include "pipeline/books.h"
#include "pipeline/config.h"
#include "ring/log.h"

#define SL_LEDGER_ROWS 512u /* feeds, and those that were once configured; the last row is of all that are too many */
_Static_assert(SL_LEDGER_ROWS > SL_FEEDS_MAX, "there is a row for each feed");

struct sl_ledger_row {
    char name[32];
    uint64_t past[SL_PAST_COLS]; /* DURABLE is 0 here */
};

struct sl_ledger {
    int64_t since_ns; /* of the first walk; 0: nobody has said yet */
    uint32_t feed_cnt; /* the first rows, in the order of the configuration */
    _Atomic uint32_t current, durable_current; /* which half counts */
    struct sl_ledger_half {
        uint64_t epoch; /* of the walk that was folded in last */
        struct sl_ledger_row rows[SL_LEDGER_ROWS];
    } halves[2];
    struct sl_ledger_durable { /* the journal's */
        uint64_t seq; /* bulletins up to here are counted */
        uint64_t cnt[SL_LEDGER_ROWS];
    } durable[2];
    _Atomic uint64_t alarm[2]; /* of tape and raw log: errno; 0: all is well */
    _Atomic int64_t alarm_ns[2]; /* since when */
};

/* In memory of zeros. */
void sl_ledger_begin(struct sl_ledger *ledger, const struct sl_config *config);

/* A walk that has ended, once: does nothing for the epoch that was folded in last.  tape: its own, to count a record
 * that it put there and had not counted when it was killed; NULL: that is not known. */
void sl_ledger_fold(struct sl_ledger *ledger, const struct sl_books *books, struct sl_log_rx *tape, uint64_t epoch);

/* The half that counts.  A walk that begins finds its past there. */
const struct sl_ledger_half *sl_ledger_look(const struct sl_ledger *ledger);
const struct sl_ledger_durable *sl_ledger_durable(const struct sl_ledger *ledger);
/* Into the books of a walk, by its control thread: all of it, and then what the journal says. */
void sl_ledger_show(const struct sl_ledger *ledger, const struct sl_books *books);
void sl_ledger_show_journal(const struct sl_ledger *ledger, const struct sl_books *books);

/* The journal's.  Up to seq there are cnt bulletins of each feed more than base says; base may be what durable gave. */
void sl_ledger_tell(struct sl_ledger *ledger, const struct sl_ledger_durable *base, const uint64_t *cnt, uint64_t seq);
void sl_ledger_alarm(struct sl_ledger *ledger, unsigned family, int error);
/* The row of a name, made if there is none. */
uint32_t sl_ledger_row_of(struct sl_ledger *ledger, struct sl_ledger_half *half, const char *name);

/* live: books of the walk that lives; NULL: there is none.  fd: the file. */
int sl_ledger_write(const struct sl_ledger *ledger, const struct sl_books *live, uint64_t live_epoch, int fd,
                    uint64_t *turn);
/* Takes over what the file has.  -ENOENT: nothing.  Once, before the first walk. */
int sl_ledger_read(struct sl_ledger *ledger, int fd, uint64_t *turn);
/* Which turn its newer copy is of; 0: there is none. */
uint64_t sl_ledger_turn(int fd);
/* durable is what the journal truly has: then that has been published, and was framed. */
void sl_ledger_caught_up(struct sl_ledger *ledger);

#endif
