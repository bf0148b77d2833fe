/* tests/ring/follow.h - a reader that checks every byte and accounts for every seq: what stress_log_threads and
 * stress_log_processes do to the same log. */
#ifndef SL_TESTS_RING_FOLLOW_H
#define SL_TESTS_RING_FOLLOW_H

#include "ring/log.h"
#include "tests/ring/pattern.h"
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

#define FOLLOW_LEN_MAX (32u << 10)

struct follow {
    const char *name;
    uint64_t seed, last_seq;
    struct sl_log_rx rx;
    struct sl_seat *seat;
    uint64_t read_cnt, missed_cnt;
    _Alignas(8) unsigned char buf[FOLLOW_LEN_MAX];
};

/* What the writer publishes as seq: its head, then bytes that follow from seed and seq. */
static inline bool publish_pattern(struct sl_log_tx *tx, uint64_t seed, uint64_t keep_free)
{
    static _Thread_local unsigned char bytes[FOLLOW_LEN_MAX];
    uint64_t seq = sl_log_head(tx) + 1;
    uint32_t len = pattern_len(seed, seq, FOLLOW_LEN_MAX - 16);
    unsigned char *rec = sl_log_claim(tx, len + 16, keep_free);

    if (!rec)
        return false;
    pattern_fill(seed, seq, bytes, len);
    sl_log_copy(rec + 16, bytes, len);
    sl_log_publish(tx, len + 16);
    return true;
}

static inline bool follow_fails(const struct follow *follow, const char *what)
{
    fprintf(stderr, "%s: at seq %" PRIu64 ": %s\n", follow->name, follow->rx.next_seq, what);
    return false;
}

/* Takes one record or one gap; *got says which.  False: something was wrong, and was said. */
static inline bool follow_one(struct follow *follow, int *got)
{
    struct sl_log_rx *rx = &follow->rx;
    const struct sl_log_rec *rec = (const void *)follow->buf;
    uint64_t seq = rx->next_seq;

    *got = sl_log_next(rx, follow->buf, sizeof(follow->buf));
    if (*got == SL_LOG_NONE)
        return true;
    if (*got == SL_LOG_LAPPED) {
        if (rx->missed_first != seq || rx->next_seq != rx->missed_last + 1 || rx->missed_last < seq)
            return follow_fails(follow, "the missed range is not what is missing");
        follow->missed_cnt += rx->missed_last - rx->missed_first + 1;
        return true;
    }
    if (*got != SL_LOG_RECORD)
        return follow_fails(follow, "next refused a record of our own writer");
    if (rec->seq != seq || rx->next_seq != seq + 1)
        return follow_fails(follow, "another seq than the next one");
    if (rec->len != pattern_len(follow->seed, seq, FOLLOW_LEN_MAX - 16) + 16 ||
        !pattern_holds(follow->seed, seq, follow->buf + 16, rec->len - 16))
        return follow_fails(follow, "torn or foreign bytes");
    follow->read_cnt++;
    return true;
}

static inline bool follow_ended(const struct follow *follow) { return follow->rx.next_seq > follow->last_seq; }

/* After the end: every seq was read or told as missed. */
static inline bool follow_balances(const struct follow *follow)
{
    if (follow->read_cnt + follow->missed_cnt != follow->last_seq)
        return follow_fails(follow, "read and missed do not add up");
    return true;
}

#endif
