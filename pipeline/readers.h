/* pipeline/readers.h - where every reader of the tape stands, written down for all who may not map its page.
 *
 *     reader --> its seat     control thread: look --> a row of the books     status, top: sl_reader_stand
 *
 * Life      init, sit and leave as readers come and go, look now and then; nothing to end.
 * Threads   The walk's control thread, which alone writes these rows; sl_reader_stand: any, in any process.
 * Owns      Borrows books, tape and seats; a seat from sit until leave returned.
 * Errors    Those of sl_log_join_rx.
 * Units     seq; ns of CLOCK_REALTIME.
 * Hostile   A seat is the reader's to write: a position that the tape does not have is not believed but counts as its
 *           last error, a name goes through sl_seat_name.
 */
#ifndef SL_PIPELINE_READERS_H
#define SL_PIPELINE_READERS_H

#include "pipeline/books.h"
#include "ring/log.h"

enum sl_reader_state { SL_READER_AWAY, SL_READER_READS, SL_READER_GATES, SL_READER_EVICTED, SL_READER_STATE_CNT };
enum sl_reader_error {
    SL_READER_NO_ERROR,
    SL_READER_LAPPED, /* it missed something */
    SL_READER_WAS_EVICTED, /* the desk stopped waiting for it */
    SL_READER_NONSENSE, /* its page says what cannot be, at two looks */
    SL_READER_ERROR_CNT
};

/* What a sink tells of itself; it lies in its seat, and a copy in the books. */
struct sl_reader_account {
    uint64_t type; /* 0: no sink; else enum sl_sink_kind, plus 1 */
    uint64_t sent, repeated; /* bulletins handed on; of those, again */
    uint64_t waiting; /* read and not handed on yet */
    int64_t waiting_ns; /* since the first of them was published */
    uint64_t under_way; /* handed on and not known to have arrived */
    uint64_t missed, conflated, cut, refused; /* never handed on: overwritten before they were read; a newer one of the
                                                 story came; its peer was too slow; it could not be or was not taken */
    uint64_t peers, refused_peers; /* connections just now; those that were not let in, or asked for nonsense */
    uint64_t error_cnt;
    int64_t error_ns; /* CLOCK_REALTIME */
    char error[144]; /* the last one, for people; ends with NUL */
};
_Static_assert(sizeof(struct sl_reader_account) == 8 * SL_SEAT_TOLD, "cells of a seat");

struct sl_readers {
    const struct sl_books *books;
    const struct sl_log_tx *tx;
    struct sl_log_rx rx;
    struct {
        const struct sl_seat *seat; /* NULL: nobody */
        bool gates, doubted; /* doubted: at the last look its page said what cannot be */
        uint64_t missed, evicted;
    } readers[SL_LOG_SEATS];
};

int sl_readers_init(struct sl_readers *readers, const struct sl_books *books, const struct sl_log_tx *tx,
                    const void *tape, size_t tape_len);
void sl_readers_sit(struct sl_readers *readers, uint32_t seat_idx, const struct sl_seat *seat, bool gates);
void sl_readers_leave(struct sl_readers *readers, uint32_t seat_idx);
void sl_readers_look(struct sl_readers *readers, int64_t now_ns);

/* A row as of its last look. */
struct sl_reader_stand {
    char name[33];
    enum sl_reader_state state;
    enum sl_reader_error error; /* its last */
    int64_t error_ns;
    uint64_t seq; /* the last it was given; gating by done alone: the last it is done with */
    uint64_t lag; /* records behind the head */
    int64_t lag_ns; /* how long the first of them has been there; of a lapped reader, the oldest that is left */
    uint64_t missed; /* at most what the tape has had */
    uint64_t evictions;
    struct sl_reader_account account; /* type 0: it tells nothing */
};
/* False: nobody sits there. */
bool sl_reader_stand(const struct sl_books *books, uint32_t seat_idx, struct sl_reader_stand *stand);
const char *sl_reader_state_name(enum sl_reader_state state);
const char *sl_reader_error_name(enum sl_reader_error error); /* NULL: none */

/* A reader of this program puts its account into its seat (client.c). */
struct sl_reader;
void sl_reader_tell(struct sl_reader *reader, const struct sl_reader_account *account);

#endif
