/* ring/log.h - a log: contiguous records of any length, one writer, any number of readers, none of whom it waits for
 * unless they gate.  Tape and raw log are two of these.
 *
 *      claim copy .. publish                     next / peek          done (gating readers only)
 *  tx ------------------------> [ index | bytes ] -----------> rx ... ----> seat
 *
 * Life      footprint, new, join_tx / join_rx.  Memory is the caller's (sl_mem); readers map the log read-only, and
 *           write one page of their own, their seat: a page of zeros is a new one.
 * Threads   One tx.  One rx a thread, as many as there are.  A seat: its reader writes it, tx looks at it.  attach and
 *           detach may be called by one other thread, wake by any; everything else of tx is the writing thread's.
 * Owns      A claimed record is the writer's until publish.  A reader owns only the copy that next made for it.
 * Errors    0 or -errno, or enum sl_log_got.  -EPROTO: no log of this layout here.  A lapped reader is told what it
 *           missed.
 * Units     Positions are bytes from 0, 64 bits, and only grow; a byte of position p lies at p % bytes_len.  seq counts
 *           records from first_seq by one.  len counts the whole record with its 16-byte head; records start 64-aligned
 *           and never wrap: what does not fit before the end starts at the next multiple of bytes_len.
 * Hostile   A seat is outside input to tx; log memory is outside input to nobody (its one writer maps it alone), but
 *           len and position are still bounded before use, so a reader built against another writer fails softly.
 * Order     BORN    magic: new -> join.                The shape is written before it is read.
 *           INTENT  intent -> release fence -> bytes;  bytes read -> acquire fence -> intent.  Who read bytes of an
 *                   overwrite sees the intent to overwrite them.  A release store of intent alone would not do.
 *           SLOT    index slot marked as filling -> release fence -> its new position -> its new seq.  Who read the
 *                   position of one seq under another's number sees, behind an acquire fence, the number changed.
 *           PUB     record bytes -> index seq (release); index seq (acquire) -> record bytes.
 *           DONE    seat.done (release) -> tx (acquire).  A gating reader has read what it frees.
 *           WAKE    publish -> full fence -> look at seats;  seat.asleep -> full fence -> look at index.
 *           POLLED  poll_gates -> poll_cnt.             What tx looked at before, it has finished looking at.
 *           EVICT   notice written -> release fence -> intent moves past the evicted; it re-reads its notice, behind an
 *                   acquire fence, after it found a record overwritten.
 *           SEAT    attach (release) -> poll_gates (acquire).  A seat is mapped before tx looks at it.
 */
#ifndef SL_RING_LOG_H
#define SL_RING_LOG_H

#include "ring/fence.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SL_LOG_RECORD_ALIGN 64u
#define SL_LOG_SEATS        64u
#define SL_SEAT_TOLD        32u /* cells */

/* Intent moves in steps, so that the line all readers watch moves once in many records; in a log too small for that,
 * by a sixteenth of its bytes. */
#define SL_LOG_INTENT_STEP (64u * 1024u)

/* What every record starts with; the rest of it is the writer's affair. */
struct sl_log_rec {
    uint32_t len;
    uint32_t spare; /* the writer's */
    uint64_t seq;
};

/* A reader's own page.  The reader writes all of it; tx believes none of it unchecked. */
struct sl_seat {
    _Alignas(128) _Atomic uint64_t done; /* gating: every seq <= done may be overwritten */
    _Alignas(128) _Atomic uint32_t asleep; /* the wake word it sleeps on, plus 1; 0: awake */
    _Alignas(128) _Atomic uint64_t read_seq; /* for status: last seq given to its user, and when (CLOCK_REALTIME ns) */
    _Atomic uint64_t read_ns;
    _Atomic uint64_t missed_cnt;
    _Atomic uint64_t resume_cnt;
    char name[32]; /* for status: bytes, not trusted to end */
    _Alignas(128) _Atomic uint64_t told[SL_SEAT_TOLD]; /* for status: what the reader's room has to say of it */
};
_Static_assert(sizeof(struct sl_seat) <= 4096, "a seat is one page");

/* tx's word to one gating reader, in log memory: read-only to the reader. */
enum sl_gate_state {
    SL_GATE_NONE, /* not gating */
    SL_GATE_HOLDS, /* overwrites wait for it */
    SL_GATE_EVICTED, /* was too slow; gates again by itself when less than a quarter of the log lies before it */
};

struct sl_log_shm; /* in log.c */
struct sl_log_slot; /* in log.c */

struct sl_log_config {
    uint64_t bytes_len; /* a power of two, 64 KiB to 1 TiB */
    uint32_t index_cnt; /* a power of two, at least 16; 0: bytes_len / 512.  Records shorter than bytes_len / index_cnt
                           are lapped when the index comes round, before their bytes are */
    uint64_t epoch;
    uint64_t first_seq; /* at least 1, below 2^62 */
};

/* One seat as tx sees it. */
struct sl_log_gate {
    const struct sl_seat *_Atomic wanted; /* attach and detach write these two, any thread; poll_gates adopts them */
    _Atomic bool wants_gate;
    const struct sl_seat *seat; /* adopted; NULL: none */
    enum sl_gate_state state;
    uint64_t done; /* the last value believed */
    uint64_t disbelieved; /* the last value that was not */
    uint64_t disbelieved_cnt; /* how often a new one was not */
    _Atomic uint64_t evicted_cnt; /* of this seat, whoever sat there; any thread may look */
};

struct sl_log_tx {
    struct sl_log_shm *shm;
    struct sl_log_slot *index;
    unsigned char *bytes;
    uint64_t bytes_len, index_cnt, intent_step;
    uint64_t head; /* last seq published */
    uint64_t tail; /* position behind its record */
    uint64_t intent; /* bytes of positions below intent - bytes_len may be gone */
    uint64_t claimed; /* position of the claimed record */
    uint32_t claim_len; /* 0: none */
    uint64_t limit_pos; /* what gating readers allow: no byte at or beyond this position, */
    uint64_t limit_seq; /* and no seq beyond this one */
    _Atomic uint64_t poll_cnt;
    struct sl_log_gate gates[SL_LOG_SEATS];
};

struct sl_log_rx {
    const struct sl_log_shm *shm;
    const struct sl_log_slot *index;
    const unsigned char *bytes;
    uint64_t bytes_len, index_cnt;
    uint64_t first_seq;
    uint64_t next_seq;
    uint64_t missed_first, missed_last; /* of the last SL_LOG_LAPPED */
    uint64_t peeked_pos; /* of the record peek gave */
};

/* 0, or -EINVAL when a log of this shape cannot be. */
int sl_log_config_check(const struct sl_log_config *config);
/* Bytes of memory for a log of this shape; 0 when it cannot be. */
size_t sl_log_footprint(const struct sl_log_config *config);
/* mem: fresh, 128-aligned.  -EINVAL. */
int sl_log_new(void *mem, const struct sl_log_config *config);

/* Copies record bytes into or out of a log.  memcpy, whose torn results a reader recognizes and throws away;
 * ThreadSanitizer would call that a race, so there it copies relaxed atomic words. */
static inline void sl_log_copy(void *dst, const void *src, size_t len)
{
#if SL_TSAN
    unsigned char *to = dst;
    const unsigned char *from = src;
    bool words = !((uintptr_t)to % 8) && !((uintptr_t)from % 8);
    for (; words && len >= 8; len -= 8, to += 8, from += 8)
        __atomic_store_n((uint64_t *)to, __atomic_load_n((const uint64_t *)from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    for (; len; len--, to++, from++)
        __atomic_store_n(to, __atomic_load_n(from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
#else
    memcpy(dst, src, len);
#endif
}

/* ---- writing: the desk ---- */
int sl_log_join_tx(struct sl_log_tx *tx, void *mem);
uint32_t sl_log_len_max(const struct sl_log_tx *tx); /* a quarter of the bytes, at most 1 GiB */

/* len contiguous 64-aligned bytes for the next record, to be filled by sl_log_copy alone behind their 16-byte head;
 * NULL while a gating reader still needs them.  len: 16 to sl_log_len_max.  keep_free: bytes of that reader's room this
 * record must leave (the last eighth is FLASH's), at most a quarter of the log; as large a part of the index is left
 * with them.  Announces the intent to overwrite.  May be called again before publish, for the same record. */
void *sl_log_claim(struct sl_log_tx *tx, uint32_t len, uint64_t keep_free);
/* The claimed record is whole (len <= what was claimed).  Sets its head {len, seq}; returns seq.  Readers see it. */
uint64_t sl_log_publish(struct sl_log_tx *tx, uint32_t len);
uint64_t sl_log_head(const struct sl_log_tx *tx); /* last seq published; first_seq - 1: none */

/* Seats.  attach: from the next poll_gates on tx looks at this seat (at least a page, which stays mapped until detach
 * returned and sl_log_poll_cnt has grown).  gates: overwrites wait for it, from seat->done + 1 on, if that is less
 * than a quarter of the log away; if not it starts as evicted, and is told.  seat_idx was never used, or tx has polled
 * since its detach.  A reader that slept before that poll may have missed a wake: ask for sleepers after it. */
void sl_log_attach(struct sl_log_tx *tx, uint32_t seat_idx, const struct sl_seat *seat, bool gates);
void sl_log_detach(struct sl_log_tx *tx, uint32_t seat_idx);
uint64_t sl_log_poll_cnt(const struct sl_log_tx *tx); /* finished calls of poll_gates; any thread */
/* Looks at all seats: believes done where it neither falls nor exceeds the head; lets the caught-up gate again.
 * Returns the index of the gating seat that holds most back, or -1. */
int sl_log_poll_gates(struct sl_log_tx *tx);
void sl_log_evict(struct sl_log_tx *tx, uint32_t seat_idx); /* it holds nothing back from now on, and is told */
/* True when a reader sleeps and the last publish may have been for it; after it, sl_log_wake does the system call. */
bool sl_log_sleepers(const struct sl_log_tx *tx);
void sl_log_wake(const struct sl_log_tx *tx); /* any thread */

/* ---- reading ---- */
enum sl_log_got {
    SL_LOG_NONE, /* nothing after next_seq yet */
    SL_LOG_RECORD, /* a whole private copy */
    SL_LOG_LAPPED, /* missed_first .. missed_last are gone; next_seq is behind them */
};

/* mem_len bounds what the log's header may claim.  Starts at the oldest. */
int sl_log_join_rx(struct sl_log_rx *rx, const void *mem, size_t mem_len);
uint64_t sl_log_epoch(const struct sl_log_rx *rx);
uint64_t sl_log_rx_head(const struct sl_log_rx *rx);
/* A seq that will be there for a while: an eighth of the log is overwritten before it. */
uint64_t sl_log_oldest(const struct sl_log_rx *rx);
/* next gives this one next; one before first_seq means first_seq. */
void sl_log_seek(struct sl_log_rx *rx, uint64_t seq);

/* Copies the next record into buf, 8-aligned.  -EMSGSIZE: longer than buf_len, and it stays next (len_max bytes are
 * always enough).  -EPROTO: whole, but not a record of this seq; the writer is not ours. */
int sl_log_next(struct sl_log_rx *rx, void *buf, uint32_t buf_len);

/* For experts: the next record in place, valid only if still_whole says so after the last look at it; skip then goes
 * past it.  Its len lies inside the log, whatever else it says.  NULL: next would not give a record. */
const struct sl_log_rec *sl_log_peek(struct sl_log_rx *rx);
bool sl_log_still_whole(const struct sl_log_rx *rx);
void sl_log_skip(struct sl_log_rx *rx);

/* Sleeps until something is published after next_seq, or for timeout_ns (< 0: for ever).  0, -ETIMEDOUT, -EINTR.  0 may
 * come early: next says what there is. */
int sl_log_wait(struct sl_log_rx *rx, struct sl_seat *seat, int64_t timeout_ns);

/* Gating: everything up to seq may be overwritten. */
void sl_seat_done(struct sl_seat *seat, uint64_t seq);
enum sl_gate_state sl_log_gate_state(const struct sl_log_rx *rx, uint32_t seat_idx);

/* The name in a seat, ended, and with '?' for what is not printable ASCII. */
void sl_seat_name(const struct sl_seat *seat, char name[33]);

#endif
