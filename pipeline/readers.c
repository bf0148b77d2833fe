#include "pipeline/readers.h"

#include "pipeline/event.h"

#include <string.h>

int sl_readers_init(struct sl_readers *readers, const struct sl_books *books, const struct sl_log_tx *tx,
                    const void *tape, size_t tape_len)
{
    *readers = (struct sl_readers){ .books = books, .tx = tx };
    return sl_log_join_rx(&readers->rx, tape, tape_len);
}

/* Relaxed: a count for people. */
static uint64_t count_evictions(const struct sl_readers *readers, uint32_t idx)
{
    return atomic_load_explicit(&readers->tx->gates[idx].evicted_cnt, memory_order_relaxed);
}

void sl_readers_sit(struct sl_readers *readers, uint32_t seat_idx, const struct sl_seat *seat, bool gates)
{
    sl_cell *row = sl_books_seat(readers->books, seat_idx);

    for (unsigned col = 0; col < SL_SEAT_COLS; col++)
        sl_cell_set(&row[col], 0);
    readers->readers[seat_idx].seat = seat;
    readers->readers[seat_idx].gates = gates;
    readers->readers[seat_idx].doubted = false;
    readers->readers[seat_idx].missed = 0;
    readers->readers[seat_idx].evicted = count_evictions(readers, seat_idx);
}

void sl_readers_leave(struct sl_readers *readers, uint32_t seat_idx)
{
    readers->readers[seat_idx].seat = NULL;
    sl_cell_set(&sl_books_seat(readers->books, seat_idx)[SL_SEAT_STATE], SL_READER_AWAY);
}

static void note_name(const struct sl_seat *seat, sl_cell *row)
{
    char name[33] = "";

    sl_seat_name(seat, name);
    for (unsigned i = 0; i < SL_SEAT_NAME_CELLS; i++) {
        uint64_t part;
        memcpy(&part, name + 8 * i, 8);
        sl_cell_set(&row[SL_SEAT_NAME + i], part);
    }
}

static void note_error(sl_cell *row, enum sl_reader_error error, int64_t now_ns)
{
    sl_cell_set(&row[SL_SEAT_ERROR], error);
    sl_cell_set(&row[SL_SEAT_ERROR_NS], (uint64_t)now_ns);
}

/* When the first record behind seq came onto the tape, or the oldest that is left; now, when there is none. */
static int64_t waits_since(struct sl_log_rx *rx, uint64_t seq, int64_t now_ns)
{
    uint64_t oldest = sl_log_oldest(rx);
    int64_t ns = sl_event_published_ns(rx, seq + 1);

    if (ns == INT64_MIN && oldest > seq)
        ns = sl_event_published_ns(rx, oldest);
    return ns > 0 && ns < now_ns ? ns : now_ns;
}

/* Relaxed: for people, who see the next one soon. */
static void note_account(const struct sl_seat *seat, sl_cell *row)
{
    for (unsigned i = 0; i < SL_SEAT_TOLD; i++)
        sl_cell_set(&row[SL_SEAT_TOLD_FIRST + i], atomic_load_explicit(&seat->told[i], memory_order_relaxed));
}

static enum sl_reader_state state_of(const struct sl_readers *readers, uint32_t idx)
{
    if (!readers->readers[idx].gates)
        return SL_READER_READS;
    return sl_log_gate_state(&readers->rx, idx) == SL_GATE_EVICTED ? SL_READER_EVICTED : SL_READER_GATES;
}

static void look_at(struct sl_readers *readers, uint32_t idx, int64_t now_ns)
{
    const struct sl_seat *seat = readers->readers[idx].seat;
    sl_cell *row = sl_books_seat(readers->books, idx);
    /* Relaxed: recent values for people. */
    uint64_t read = atomic_load_explicit(&seat->read_seq, memory_order_relaxed);
    uint64_t done = atomic_load_explicit(&seat->done, memory_order_relaxed);
    uint64_t missed = atomic_load_explicit(&seat->missed_cnt, memory_order_relaxed);
    uint64_t head = sl_log_rx_head(&readers->rx), seq = 0;
    uint64_t evicted = count_evictions(readers, idx) - readers->readers[idx].evicted;

    /* Nothing orders these loads, so that a fast reader may seem ahead of the tape; but not at two looks. */
    bool doubted = readers->readers[idx].doubted, doubts = read > head || done > head || missed > head;
    readers->readers[idx].doubted = doubts;
    if (doubts && doubted)
        note_error(row, SL_READER_NONSENSE, now_ns);
    else if (evicted > sl_cell_get(&row[SL_SEAT_EVICTIONS]))
        note_error(row, SL_READER_WAS_EVICTED, now_ns);
    else if (!doubts && missed > readers->readers[idx].missed)
        note_error(row, SL_READER_LAPPED, now_ns);
    if (read <= head)
        seq = read;
    if (done <= head && done > seq)
        seq = done;
    if (missed > head)
        missed = head;
    readers->readers[idx].missed = missed;
    sl_cell_set(&row[SL_SEAT_SEQ], seq);
    sl_cell_set(&row[SL_SEAT_HEAD], head);
    sl_cell_set(&row[SL_SEAT_LAG_NS], head > seq ? (uint64_t)(now_ns - waits_since(&readers->rx, seq, now_ns)) : 0);
    sl_cell_set(&row[SL_SEAT_MISSED], missed);
    sl_cell_set(&row[SL_SEAT_EVICTIONS], evicted);
    note_name(seat, row);
    note_account(seat, row);
    sl_cell_set(&row[SL_SEAT_STATE], state_of(readers, idx));
}

void sl_readers_look(struct sl_readers *readers, int64_t now_ns)
{
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++)
        if (readers->readers[i].seat)
            look_at(readers, i, now_ns);
}

/* ---- for status and top ---- */

/* The walk wrote it through sl_seat_name; whoever prints it need not rely on that. */
static void read_name(const sl_cell *row, char name[33])
{
    for (unsigned i = 0; i < SL_SEAT_NAME_CELLS; i++) {
        uint64_t part = sl_cell_get(&row[SL_SEAT_NAME + i]);
        memcpy(name + 8 * i, &part, 8);
    }
    name[32] = '\0';
    for (char *c = name; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

/* The walk copied it from a reader's page: nothing in it is believed to be printable, or to end. */
static void read_account(const sl_cell *row, struct sl_reader_account *account)
{
    uint64_t cells[SL_SEAT_TOLD];

    for (unsigned i = 0; i < SL_SEAT_TOLD; i++)
        cells[i] = sl_cell_get(&row[SL_SEAT_TOLD_FIRST + i]);
    memcpy(account, cells, sizeof(*account));
    account->error[sizeof(account->error) - 1] = '\0';
    for (char *c = account->error; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

bool sl_reader_stand(const struct sl_books *books, uint32_t seat_idx, struct sl_reader_stand *stand)
{
    const sl_cell *row = sl_books_seat(books, seat_idx);
    uint64_t state = sl_cell_get(&row[SL_SEAT_STATE]), error = sl_cell_get(&row[SL_SEAT_ERROR]);
    uint64_t seq = sl_cell_get(&row[SL_SEAT_SEQ]), head = sl_cell_get(&row[SL_SEAT_HEAD]);

    if (state == SL_READER_AWAY || state >= SL_READER_STATE_CNT)
        return false;
    *stand = (struct sl_reader_stand){
        .state = (enum sl_reader_state)state,
        .error = error < SL_READER_ERROR_CNT ? (enum sl_reader_error)error : SL_READER_NO_ERROR,
        .error_ns = (int64_t)sl_cell_get(&row[SL_SEAT_ERROR_NS]),
        .seq = seq,
        .lag = head > seq ? head - seq : 0,
        .lag_ns = (int64_t)sl_cell_get(&row[SL_SEAT_LAG_NS]),
        .missed = sl_cell_get(&row[SL_SEAT_MISSED]),
        .evictions = sl_cell_get(&row[SL_SEAT_EVICTIONS]),
    };
    read_name(row, stand->name);
    read_account(row, &stand->account);
    return true;
}

const char *sl_reader_state_name(enum sl_reader_state state)
{
    static const char *const names[SL_READER_STATE_CNT] = { "away", "reads", "gates", "evicted" };
    return names[state];
}

const char *sl_reader_error_name(enum sl_reader_error error)
{
    static const char *const names[SL_READER_ERROR_CNT] = { NULL, "lapped", "evicted", "nonsense" };
    return names[error];
}
