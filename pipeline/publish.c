#include "pipeline/publish.h"

#include <errno.h>
#include <string.h>

#define TEND_NS 1000000ll /* an idle desk looks at the seats this often: a new reader waits no longer to be seen */

int sl_publish_init(struct sl_publish *publish, const struct sl_desk_config *config)
{
    memset(publish, 0, sizeof(*publish));
    publish->has_raw = config->raw;
    publish->epoch = config->epoch;
    publish->gate_ns = config->gate_ns;
    publish->clock = config->clock;
    publish->books = sl_books_tape(config->books);
    publish->waker = config->waker;
    publish->waker_bell = config->waker_bell;
    publish->tape.last_seq_col = SL_TAPE_LAST_SEQ;
    publish->tape.bytes_col = SL_TAPE_BYTES;
    publish->raw.last_seq_col = SL_TAPE_RAW_LAST_SEQ;
    publish->raw.bytes_col = SL_TAPE_RAW_BYTES;
    publish->tape.durable_col = SL_TAPE_DURABLE_SEQ;
    publish->raw.durable_col = SL_TAPE_RAW_DURABLE_SEQ;
    int rc = sl_log_join_tx(&publish->tape.tx, config->tape);
    if (!rc && config->raw)
        rc = sl_log_join_tx(&publish->raw.tx, config->raw);
    if (rc)
        return rc;
    publish->tape.journal = config->journal[0];
    publish->raw.journal = config->journal[1];
    for (uint32_t i = 0; config->raw && i < config->feed_cnt; i++)
        if (config->feeds[i].message_max > sl_publish_body_max(&publish->raw))
            return -EINVAL;
    publish->tape.shown_seq = sl_log_head(&publish->tape.tx);
    sl_cell_set(&publish->books[SL_TAPE_FIRST_SEQ], publish->tape.shown_seq + 1);
    sl_cell_set(&publish->books[SL_TAPE_LAST_SEQ], publish->tape.shown_seq);
    if (config->raw)
        publish->raw.shown_seq = sl_log_head(&publish->raw.tx);
    return 0;
}

uint32_t sl_publish_body_max(const struct sl_publish_log *log)
{
    return sl_log_len_max(&log->tx) - (uint32_t)sizeof(struct sl_record);
}

/* ---- gates ---- */

static bool gate_is_over(struct sl_publish *publish, struct sl_publish_log *log)
{
    if (!log->late) {
        log->late = true;
        log->late_since_ns = publish->now_ns;
        sl_cell_add(&publish->books[SL_TAPE_GATE_WAITS], 1);
    }
    return publish->now_ns - log->late_since_ns >= publish->gate_ns;
}

/* All who are in the way have used up their time.  Bounded: each turn takes one seat's gate away. */
static void *evict_and_claim(struct sl_publish *publish, struct sl_publish_log *log, uint32_t len, uint64_t keep_free)
{
    void *claimed = NULL;
    for (uint32_t i = 0; !claimed && i < SL_LOG_SEATS; i++) {
        int slowest = sl_log_poll_gates(&log->tx);
        if (slowest >= 0) {
            sl_log_evict(&log->tx, (uint32_t)slowest);
            sl_cell_add(&publish->books[SL_TAPE_EVICTIONS], 1);
        }
        claimed = sl_log_claim(&log->tx, len, keep_free);
    }
    return claimed;
}

static bool is_reserved(struct sl_publish *publish, struct sl_publish_log *log)
{
    if (!log->journal || sl_log_head(&log->tx) < log->reserved_to)
        return true;
    log->reserved_to = sl_durable_reserved(log->journal);
    bool reserved = sl_log_head(&log->tx) < log->reserved_to;
    sl_cell_add(&publish->books[SL_TAPE_NUMBER_WAITS], !reserved && !log->short_of_numbers);
    log->short_of_numbers = !reserved;
    return reserved;
}

void *sl_publish_claim(struct sl_publish *publish, struct sl_publish_log *log, enum sl_lane lane, uint32_t body_len)
{
    if (!is_reserved(publish, log)) {
        publish->waits = true;
        return NULL;
    }
    uint32_t len = (uint32_t)sizeof(struct sl_record) + body_len;
    uint64_t keep_free = lane == SL_LANE_FLASH ? 0 : log->tx.bytes_len / 8;
    void *claimed = sl_log_claim(&log->tx, len, keep_free);
    if (claimed)
        return claimed;
    if (lane == SL_LANE_FLASH || gate_is_over(publish, log))
        claimed = evict_and_claim(publish, log, len, keep_free);
    publish->waits |= !claimed;
    return claimed;
}

static bool caught_up(const struct sl_log_tx *tx)
{
    return tx->limit_pos - tx->tail >= tx->bytes_len / 4 * 3 && tx->limit_seq - tx->head >= tx->index_cnt / 4 * 3;
}

static void look_at_seats(struct sl_publish *publish, struct sl_publish_log *log)
{
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        const struct sl_log_gate *gate = &log->tx.gates[i];
        if (gate->seat != log->seats[i].seat || gate->disbelieved_cnt < log->seats[i].lies) {
            log->seats[i].seat = gate->seat;
            log->seats[i].lies = 0;
            /* It may have gone to sleep before we knew of it, and the last record was for it too. */
            log->shown_seq = UINT64_MAX;
        }
        sl_cell_add(&publish->books[SL_TAPE_SEAT_LIES], gate->disbelieved_cnt - log->seats[i].lies);
        log->seats[i].lies = gate->disbelieved_cnt;
    }
}

static void tend(struct sl_publish *publish, struct sl_publish_log *log)
{
    sl_log_poll_gates(&log->tx);
    look_at_seats(publish, log);
    if (log->tx.gates[SL_JOURNAL_SEAT].seat)
        sl_cell_set(&publish->books[log->durable_col], log->tx.gates[SL_JOURNAL_SEAT].done);
    if (log->late && caught_up(&log->tx))
        log->late = false;
}

void sl_publish_tend(struct sl_publish *publish, bool busy)
{
    if (!busy && publish->now_ns - publish->tended_ns < TEND_NS)
        return;
    publish->tended_ns = publish->now_ns;
    tend(publish, &publish->tape);
    if (publish->has_raw)
        tend(publish, &publish->raw);
    sl_publish_wake(publish);
}

/* ---- records ---- */

static bool is_before(int64_t later_ns, int64_t earlier_ns) { return later_ns && earlier_ns && later_ns < earlier_ns; }

/* Stamps are never mended; that one lies before its forerunner is said beside them. */
static bool clock_stepped(const struct sl_stamps *stamps)
{
    return is_before(stamps->rx_ns, stamps->wire_ns) || is_before(stamps->framed_ns, stamps->rx_ns) ||
           is_before(stamps->framed_ns, stamps->first_ns) || is_before(stamps->decoded_ns, stamps->framed_ns) ||
           is_before(stamps->published_ns, stamps->decoded_ns);
}

uint64_t sl_publish_commit(struct sl_publish *publish, struct sl_publish_log *log, void *claimed,
                           struct sl_record *record, uint32_t body_len)
{
    uint32_t len = (uint32_t)sizeof(*record) + body_len;
    record->epoch = publish->epoch;
    record->stamps.published_ns = sl_clock_real(publish->clock);
    if (clock_stepped(&record->stamps)) {
        record->flags |= SL_RECORD_CLOCK_STEPPED;
        if (log == &publish->tape)
            sl_cell_add(&publish->books[SL_TAPE_CLOCK_STEPS], 1);
    }
    sl_log_copy(claimed, record, sizeof(*record));
    uint64_t seq = sl_log_publish(&log->tx, len);
    sl_cell_set(&publish->books[log->last_seq_col], seq);
    sl_cell_add(&publish->books[log->bytes_col], len);
    return seq;
}

/* ---- sleepers ---- */

static bool has_sleepers(struct sl_publish_log *log)
{
    if (sl_log_head(&log->tx) == log->shown_seq)
        return false;
    log->shown_seq = sl_log_head(&log->tx);
    return sl_log_sleepers(&log->tx);
}

void sl_publish_wake(struct sl_publish *publish)
{
    if (!publish->waker)
        return;
    unsigned wanted = has_sleepers(&publish->tape) | (publish->has_raw && has_sleepers(&publish->raw)) << 1;
    if (!wanted)
        return;
    /* Relaxed: what sleepers are woken for was made visible by the full fence in sl_log_sleepers. */
    atomic_fetch_or_explicit(&publish->waker->wanted, wanted, memory_order_relaxed);
    sl_bell_ring(publish->waker_bell);
}
