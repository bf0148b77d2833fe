/* pipeline/publish.h - records onto the two logs, tape and raw log, within what gating readers allow.
 *
 *     claim (NULL: wait) --> put, put ... --> commit      on either log; a claim on the tape stays while the raw log
 *                                                         record that it will name is claimed and committed
 *
 * Life      init, fini (nothing to give back: the logs are the caller's).
 * Threads   The desk's.
 * Owns      Borrows the logs until the desk's fini.
 * Errors    From joining the logs; -EINVAL: a feed's longest message does not fit onto the raw log.
 * Units     Lengths in bytes.  now_ns: CLOCK_MONOTONIC, as of this poll.
 *
 * Waiting   What is not FLASH leaves the last eighth free, waits for a late reader at most gate_ns, and then evicts
 *           it.  The time runs from the first refusal until all readers have caught up: a reader that is always a
 *           little too slow would else slow down the tape for ever.  FLASH uses the last eighth, and beyond it
 *           evicts at once.
 * Numbers   With a journal, a record waits until its number is reserved on the disk, FLASH too: else the number could
 *           mean something else after the power went.  They are reserved far ahead (journal.h).
 */
#ifndef SL_PIPELINE_PUBLISH_H
#define SL_PIPELINE_PUBLISH_H

#include "pipeline/stages.h"

struct sl_publish_log {
    struct sl_log_tx tx;
    bool late; /* a record had to wait for a reader, and the readers have not caught up since */
    int64_t late_since_ns;
    uint64_t shown_seq; /* the last after which sleepers were looked for */
    struct sl_durable *journal; /* its page; NULL: there is none */
    uint64_t reserved_to; /* as last looked at: numbers up to here may be used */
    bool short_of_numbers;
    struct {
        const struct sl_seat *seat;
        uint64_t lies; /* its disbelieved_cnt when last looked at */
    } seats[SL_LOG_SEATS];
    enum sl_book_tape last_seq_col, bytes_col, durable_col;
};

struct sl_publish {
    struct sl_publish_log tape, raw;
    bool has_raw;
    bool waits; /* a record was refused since the desk last cleared this */
    int64_t now_ns; /* the desk sets it at each poll */
    int64_t tended_ns;
    uint64_t epoch;
    int64_t gate_ns;
    const struct sl_clock *clock;
    sl_cell *books; /* the tape's row */
    struct sl_waker *waker;
    struct sl_bell *waker_bell;
};

int sl_publish_init(struct sl_publish *publish, const struct sl_desk_config *config);

uint32_t sl_publish_body_max(const struct sl_publish_log *log);
/* Room for a record with body_len bytes behind its header, or NULL: not now. */
void *sl_publish_claim(struct sl_publish *publish, struct sl_publish_log *log, enum sl_lane lane, uint32_t body_len);
/* Into the body of what was claimed; off from behind the header. */
static inline void sl_publish_put(void *claimed, uint32_t off, const void *data, uint32_t len)
{
    sl_log_copy((char *)claimed + sizeof(struct sl_record) + off, data, len);
}
/* Stamps the record and shows it to readers.  Returns its seq. */
uint64_t sl_publish_commit(struct sl_publish *publish, struct sl_publish_log *log, void *claimed,
                           struct sl_record *record, uint32_t body_len);

/* Has sleeping readers woken, if there are any since the last time. */
void sl_publish_wake(struct sl_publish *publish);
/* Looks at all seats: who has come (and may already sleep), who has caught up, who lies.  Once in a poll that did
 * something, now and then else. */
void sl_publish_tend(struct sl_publish *publish, bool busy);

#endif
