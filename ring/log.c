#include "ring/log.h"
#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <limits.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SL_LOG_MAGIC  0x31474f4c2d4c53ull /* "SL-LOG1" */
#define SL_LOG_ALIGN  128u
#define BYTES_LEN_MIN (64ull << 10)
#define BYTES_LEN_MAX (1ull << 40)
#define INDEX_CNT_MIN 16u
#define SEQ_END       (1ull << 62)
#define NO_LIMIT      UINT64_MAX

/* In slot.seq beside the seq that is being written there: a reader who meets it knows whether it is early or late. */
#define FILLING (1ull << 63)

struct sl_log_slot {
    _Atomic uint64_t seq;
    _Atomic uint64_t pos;
};

/* Who writes each line, and how often.  Readers map all of it read-only. */
struct sl_log_shm {
    /* Nobody after new: every reader keeps it in its cache for good. */
    _Alignas(SL_LOG_ALIGN) _Atomic uint64_t magic;
    uint64_t bytes_len, index_cnt, epoch, first_seq;
    /* tx, once in an intent step: every reader looks at it after each copy. */
    _Alignas(SL_LOG_ALIGN) _Atomic uint64_t intent;
    /* tx, at each publish: only late, lapped and curious readers look.  Who follows looks at its index slot. */
    _Alignas(SL_LOG_ALIGN) _Atomic uint64_t head;
    /* Whoever wakes, when somebody sleeps.  Even: a seat says the value it sleeps on plus 1. */
    _Alignas(SL_LOG_ALIGN) _Atomic uint32_t wake;
    /* tx, when a reader is evicted or gates again. */
    _Alignas(SL_LOG_ALIGN) _Atomic uint32_t gates[SL_LOG_SEATS];
    /* tx, four publishes a line: readers that follow poll the slot they wait for.  The bytes come behind it. */
    _Alignas(SL_LOG_ALIGN) struct sl_log_slot index[];
};
_Static_assert(sizeof(struct sl_log_slot) == 16, "layout 1");
_Static_assert(offsetof(struct sl_log_shm, index) == 4 * SL_LOG_ALIGN + SL_LOG_SEATS * 4, "layout 1");

static bool is_power_of_two(uint64_t n) { return n && !(n & (n - 1)); }

static uint64_t index_cnt_of(const struct sl_log_config *config)
{
    return config->index_cnt ? config->index_cnt : config->bytes_len / 512;
}

static uint64_t room_of(uint32_t len)
{
    return ((uint64_t)len + SL_LOG_RECORD_ALIGN - 1) & ~(uint64_t)(SL_LOG_RECORD_ALIGN - 1);
}

static uint64_t len_max_of(uint64_t bytes_len) { return bytes_len / 4 < 1u << 30 ? bytes_len / 4 : 1u << 30; }

static size_t bytes_off(uint64_t index_cnt)
{
    return sizeof(struct sl_log_shm) + (size_t)index_cnt * sizeof(struct sl_log_slot);
}

int sl_log_config_check(const struct sl_log_config *config)
{
    uint64_t index_cnt = index_cnt_of(config);

    if (!is_power_of_two(config->bytes_len) || config->bytes_len < BYTES_LEN_MIN || config->bytes_len > BYTES_LEN_MAX)
        return -EINVAL;
    if (!is_power_of_two(index_cnt) || index_cnt < INDEX_CNT_MIN)
        return -EINVAL;
    if (config->first_seq < 1 || config->first_seq >= SEQ_END)
        return -EINVAL;
    return 0;
}

size_t sl_log_footprint(const struct sl_log_config *config)
{
    return sl_log_config_check(config) ? 0 : bytes_off(index_cnt_of(config)) + (size_t)config->bytes_len;
}

int sl_log_new(void *mem, const struct sl_log_config *config)
{
    if (!mem || (uintptr_t)mem % SL_LOG_ALIGN || sl_log_config_check(config))
        return -EINVAL;
    struct sl_log_shm *shm = mem;
    memset(shm, 0, bytes_off(index_cnt_of(config)));
    shm->bytes_len = config->bytes_len;
    shm->index_cnt = index_cnt_of(config);
    shm->epoch = config->epoch;
    shm->first_seq = config->first_seq;
    atomic_store_explicit(&shm->head, config->first_seq - 1, memory_order_relaxed); /* relaxed: BORN orders it */
    /* BORN, release side: pairs with check_join.  Last, so nobody joins a half-made log. */
    atomic_store_explicit(&shm->magic, SL_LOG_MAGIC, memory_order_release);
    return 0;
}

static int check_join(const struct sl_log_shm *shm)
{
    if (!shm || (uintptr_t)shm % SL_LOG_ALIGN)
        return -EINVAL;
    /* BORN, acquire side: pairs with sl_log_new. */
    return atomic_load_explicit(&shm->magic, memory_order_acquire) == SL_LOG_MAGIC ? 0 : -EPROTO;
}

/* ---- writing ---- */

static struct sl_log_slot *slot_of(const struct sl_log_tx *tx, uint64_t seq)
{
    return &tx->index[seq & (tx->index_cnt - 1)];
}

/* Relaxed: tx wrote it. */
static uint64_t pos_of(const struct sl_log_tx *tx, uint64_t seq)
{
    return seq > tx->head ? tx->tail : atomic_load_explicit(&slot_of(tx, seq)->pos, memory_order_relaxed);
}

static struct sl_log_rec *rec_at(const struct sl_log_tx *tx, uint64_t pos)
{
    return (struct sl_log_rec *)(void *)(tx->bytes + (pos & (tx->bytes_len - 1)));
}

int sl_log_join_tx(struct sl_log_tx *tx, void *mem)
{
    struct sl_log_shm *shm = mem;
    int rc = check_join(shm);

    if (rc)
        return rc;
    memset(tx, 0, sizeof(*tx));
    tx->shm = shm;
    tx->index = shm->index;
    tx->bytes = (unsigned char *)mem + bytes_off(shm->index_cnt);
    tx->bytes_len = shm->bytes_len;
    tx->index_cnt = shm->index_cnt;
    tx->intent_step = tx->bytes_len / 16 < SL_LOG_INTENT_STEP ? tx->bytes_len / 16 : SL_LOG_INTENT_STEP;
    tx->limit_pos = tx->limit_seq = NO_LIMIT;
    /* Relaxed, all of them: one tx at a time, so what is here is our own or was handed to us. */
    tx->intent = atomic_load_explicit(&shm->intent, memory_order_relaxed);
    tx->head = atomic_load_explicit(&shm->head, memory_order_relaxed);
    if (tx->head >= shm->first_seq) {
        uint64_t pos = pos_of(tx, tx->head);
        tx->tail = pos + room_of(rec_at(tx, pos)->len);
    }
    return 0;
}

uint32_t sl_log_len_max(const struct sl_log_tx *tx) { return (uint32_t)len_max_of(tx->bytes_len); }

/* Announces that bytes up to position end will be written, and what lay there a lap ago will be gone.  Never announces
 * more than gating readers allow: what a reader holds must not look overwritten to it. */
static void announce(struct sl_log_tx *tx, uint64_t end)
{
    uint64_t step_end = (end + tx->intent_step - 1) / tx->intent_step * tx->intent_step;

    if (end <= tx->intent)
        return;
    tx->intent = step_end < tx->limit_pos ? step_end : tx->limit_pos;
    /* Relaxed: the fence behind it orders it before the bytes. */
    atomic_store_explicit(&tx->shm->intent, tx->intent, memory_order_relaxed);
    /* INTENT, writer's side: pairs with whole_by. */
    sl_fence_release();
}

static bool allowed(const struct sl_log_tx *tx, uint64_t end, uint64_t keep_free)
{
    uint64_t keep_cnt = keep_free / (tx->bytes_len / tx->index_cnt);

    return end + keep_free <= tx->limit_pos && tx->head + 1 + keep_cnt <= tx->limit_seq;
}

void *sl_log_claim(struct sl_log_tx *tx, uint32_t len, uint64_t keep_free)
{
    uint64_t room = room_of(len), to_end = tx->bytes_len - (tx->tail & (tx->bytes_len - 1));
    uint64_t start = room <= to_end ? tx->tail : tx->tail + to_end;

    assert(len >= sizeof(struct sl_log_rec) && len <= len_max_of(tx->bytes_len) && keep_free <= tx->bytes_len / 4);
    if (!allowed(tx, start + room, keep_free)) {
        sl_log_poll_gates(tx);
        if (!allowed(tx, start + room, keep_free))
            return NULL;
    }
    announce(tx, start + room);
    tx->claimed = start;
    tx->claim_len = len;
    return rec_at(tx, start);
}

uint64_t sl_log_publish(struct sl_log_tx *tx, uint32_t len)
{
    uint64_t seq = tx->head + 1;
    struct sl_log_slot *slot = slot_of(tx, seq);
    struct sl_log_rec *rec = rec_at(tx, tx->claimed);

    assert(len >= sizeof(*rec) && len <= tx->claim_len);
    sl_log_copy(&rec->len, &len, sizeof(len));
    sl_log_copy(&rec->seq, &seq, sizeof(seq));
    /* Relaxed, both: SLOT's fence orders the first before the second, and PUB's release the second before the third. */
    atomic_store_explicit(&slot->seq, FILLING | seq, memory_order_relaxed);
    /* SLOT, writer's side: pairs with whole_by. */
    sl_fence_release();
    atomic_store_explicit(&slot->pos, tx->claimed, memory_order_relaxed);
    /* PUB, release side: pairs with find. */
    atomic_store_explicit(&slot->seq, seq, memory_order_release);
    /* Relaxed: who uses it looks at the index next, and believes that. */
    atomic_store_explicit(&tx->shm->head, seq, memory_order_relaxed);
    tx->head = seq;
    tx->tail = tx->claimed + room_of(len);
    tx->claim_len = 0;
    return seq;
}

uint64_t sl_log_head(const struct sl_log_tx *tx) { return tx->head; }

void sl_log_attach(struct sl_log_tx *tx, uint32_t seat_idx, const struct sl_seat *seat, bool gates)
{
    assert(seat_idx < SL_LOG_SEATS && seat);
    /* Relaxed: ordered by the release below. */
    atomic_store_explicit(&tx->gates[seat_idx].wants_gate, gates, memory_order_relaxed);
    /* SEAT, release side: pairs with adopt. */
    atomic_store_explicit(&tx->gates[seat_idx].wanted, seat, memory_order_release);
}

void sl_log_detach(struct sl_log_tx *tx, uint32_t seat_idx)
{
    assert(seat_idx < SL_LOG_SEATS);
    /* Relaxed: nothing was written that tx would read because of it. */
    atomic_store_explicit(&tx->gates[seat_idx].wanted, NULL, memory_order_relaxed);
}

uint64_t sl_log_poll_cnt(const struct sl_log_tx *tx)
{
    /* POLLED, acquire side: pairs with sl_log_poll_gates. */
    return atomic_load_explicit(&tx->poll_cnt, memory_order_acquire);
}

/* Relaxed: the fences of EVICT order it where order matters. */
static void tell(struct sl_log_tx *tx, uint32_t seat_idx, enum sl_gate_state state)
{
    tx->gates[seat_idx].state = state;
    atomic_store_explicit(&tx->shm->gates[seat_idx], state, memory_order_relaxed);
}

/* Less than a quarter of the log lies before the reader.  It is then whole, even behind the largest claim and a step of
 * intent: a quarter skipped at the end of the bytes, a quarter claimed and a sixteenth announced make less than the
 * rest. */
static bool caught_up(const struct sl_log_tx *tx, uint64_t done)
{
    return tx->head - done < tx->index_cnt / 4 && tx->tail - pos_of(tx, done + 1) < tx->bytes_len / 4;
}

static void adopt(struct sl_log_tx *tx, uint32_t seat_idx)
{
    struct sl_log_gate *gate = &tx->gates[seat_idx];
    /* SEAT, acquire side: pairs with sl_log_attach. */
    const struct sl_seat *seat = atomic_load_explicit(&gate->wanted, memory_order_acquire);

    if (seat == gate->seat)
        return;
    gate->seat = seat;
    gate->done = tx->shm->first_seq - 1;
    gate->disbelieved = 0;
    gate->disbelieved_cnt = 0;
    /* Relaxed: ordered by the acquire above.  A gating seat starts as evicted; the same poll lets it gate if it may. */
    bool gates = seat && atomic_load_explicit(&gate->wants_gate, memory_order_relaxed);
    tell(tx, seat_idx, gates ? SL_GATE_EVICTED : SL_GATE_NONE);
}

static void believe(const struct sl_log_tx *tx, struct sl_log_gate *gate)
{
    /* DONE, acquire side: pairs with sl_seat_done. */
    uint64_t done = atomic_load_explicit(&gate->seat->done, memory_order_acquire);

    if (done >= gate->done && done <= tx->head) {
        gate->done = done;
    } else if (done && done != gate->disbelieved) { /* 0: a new page, it has not said anything */
        gate->disbelieved = done;
        gate->disbelieved_cnt++;
    }
}

/* The gating seat that is furthest behind, or NULL. */
static const struct sl_log_gate *find_slowest(const struct sl_log_tx *tx)
{
    const struct sl_log_gate *slowest = NULL;

    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        const struct sl_log_gate *gate = &tx->gates[i];
        if (gate->state == SL_GATE_HOLDS && (!slowest || gate->done < slowest->done))
            slowest = gate;
    }
    return slowest;
}

/* Keeps what all gates together allow, so that claim need not look at them each time.  The index of the seat that holds
 * something back, or -1. */
static int set_limits(struct sl_log_tx *tx)
{
    const struct sl_log_gate *slowest = find_slowest(tx);

    tx->limit_pos = slowest ? pos_of(tx, slowest->done + 1) + tx->bytes_len : NO_LIMIT;
    tx->limit_seq = slowest ? slowest->done + tx->index_cnt : NO_LIMIT;
    return slowest && slowest->done < tx->head ? (int)(slowest - tx->gates) : -1;
}

int sl_log_poll_gates(struct sl_log_tx *tx)
{
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        struct sl_log_gate *gate = &tx->gates[i];
        adopt(tx, i);
        if (gate->state == SL_GATE_NONE)
            continue;
        believe(tx, gate);
        if (gate->state == SL_GATE_EVICTED && caught_up(tx, gate->done))
            tell(tx, i, SL_GATE_HOLDS);
    }
    int slowest = set_limits(tx);
    /* Relaxed: only tx writes it, so a plain add will do. */
    uint64_t poll_cnt = atomic_load_explicit(&tx->poll_cnt, memory_order_relaxed);
    /* POLLED, release side: pairs with sl_log_poll_cnt. */
    atomic_store_explicit(&tx->poll_cnt, poll_cnt + 1, memory_order_release);
    return slowest;
}

void sl_log_evict(struct sl_log_tx *tx, uint32_t seat_idx)
{
    assert(seat_idx < SL_LOG_SEATS);
    if (tx->gates[seat_idx].state != SL_GATE_HOLDS)
        return;
    tell(tx, seat_idx, SL_GATE_EVICTED);
    /* Relaxed: tx is its only writer, and it orders nothing. */
    uint64_t evicted_cnt = atomic_load_explicit(&tx->gates[seat_idx].evicted_cnt, memory_order_relaxed);
    atomic_store_explicit(&tx->gates[seat_idx].evicted_cnt, evicted_cnt + 1, memory_order_relaxed);
    /* EVICT, writer's side: pairs with sl_log_gate_state.  Intent moves over its records only behind this. */
    sl_fence_release();
    set_limits(tx);
}

bool sl_log_sleepers(const struct sl_log_tx *tx)
{
    /* WAKE, writer's side: pairs with sl_log_wait. */
    sl_fence_full();
    /* Relaxed: the fence orders it.  A sleeper on an older word is awake, or about to be: the word moved on. */
    uint32_t word = atomic_load_explicit(&tx->shm->wake, memory_order_relaxed);
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        const struct sl_seat *seat = tx->gates[i].seat;
        if (seat && atomic_load_explicit(&seat->asleep, memory_order_relaxed) == word + 1)
            return true;
    }
    return false;
}

/* Not the PRIVATE kind of futex: the sleepers are other processes. */
static long futex(const _Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

void sl_log_wake(const struct sl_log_tx *tx)
{
    /* Relaxed: the word carries nothing but its own change. */
    atomic_fetch_add_explicit(&tx->shm->wake, 2, memory_order_relaxed);
    futex(&tx->shm->wake, FUTEX_WAKE, INT_MAX, NULL);
}

/* ---- reading ---- */

int sl_log_join_rx(struct sl_log_rx *rx, const void *mem, size_t mem_len)
{
    const struct sl_log_shm *shm = mem;

    if (mem && mem_len < sizeof(*shm))
        return -EPROTO;
    int rc = check_join(shm);
    if (rc)
        return rc;
    struct sl_log_config config = { .bytes_len = shm->bytes_len, .epoch = shm->epoch, .first_seq = shm->first_seq };
    uint64_t index_cnt = shm->index_cnt;
    if (sl_log_config_check(&config) || !is_power_of_two(index_cnt) || index_cnt < INDEX_CNT_MIN)
        return -EPROTO;
    if (index_cnt > mem_len / sizeof(struct sl_log_slot) || bytes_off(index_cnt) > mem_len ||
        config.bytes_len > mem_len - bytes_off(index_cnt))
        return -EPROTO;
    *rx = (struct sl_log_rx){
        .shm = shm,
        .index = shm->index,
        .bytes = (const unsigned char *)mem + bytes_off(index_cnt),
        .bytes_len = config.bytes_len,
        .index_cnt = index_cnt,
        .first_seq = config.first_seq,
    };
    rx->next_seq = sl_log_oldest(rx);
    return 0;
}

uint64_t sl_log_epoch(const struct sl_log_rx *rx) { return rx->shm->epoch; }

/* Relaxed: a recent value is wanted, and the index is asked for anything it stands for. */
uint64_t sl_log_rx_head(const struct sl_log_rx *rx)
{
    return atomic_load_explicit(&rx->shm->head, memory_order_relaxed);
}

/* Where in its life the slot of a seq is; at PRESENT, pos is where the record lies. */
enum slot_is { EARLY, PRESENT, GONE };

static enum slot_is find(const struct sl_log_rx *rx, uint64_t seq, uint64_t *pos)
{
    const struct sl_log_slot *slot = &rx->index[seq & (rx->index_cnt - 1)];
    /* PUB, acquire side: pairs with sl_log_publish. */
    uint64_t seen = atomic_load_explicit(&slot->seq, memory_order_acquire);

    /* Relaxed: if it is another seq's already, whole_by finds that out. */
    *pos = atomic_load_explicit(&slot->pos, memory_order_relaxed);
    if (seen == seq)
        return PRESENT;
    return (seen & ~FILLING) > seq ? GONE : EARLY;
}

/* Whether everything read so far of the record at pos, and pos itself, was seq's, and intent is slack bytes or more
 * away from it. */
static bool whole_by(const struct sl_log_rx *rx, uint64_t seq, uint64_t pos, uint64_t slack)
{
    const struct sl_log_slot *slot = &rx->index[seq & (rx->index_cnt - 1)];

    /* INTENT and SLOT, reader's side: pairs with announce and sl_log_publish. */
    sl_fence_acquire();
    /* Relaxed, both: the fence orders them behind what was read. */
    return atomic_load_explicit(&rx->shm->intent, memory_order_relaxed) + slack <= pos + rx->bytes_len &&
           atomic_load_explicit(&slot->seq, memory_order_relaxed) == seq;
}

/* Whole, and an eighth of the log away from being overwritten. */
static bool lasts(const struct sl_log_rx *rx, uint64_t seq)
{
    uint64_t pos;

    return find(rx, seq, &pos) == PRESENT && whole_by(rx, seq, pos, rx->bytes_len / 8);
}

uint64_t sl_log_oldest(const struct sl_log_rx *rx)
{
    uint64_t head = sl_log_rx_head(rx), indexed = rx->index_cnt - rx->index_cnt / 8;
    uint64_t low = rx->first_seq, high = head;

    if (head < rx->first_seq)
        return rx->first_seq;
    if (head - low >= indexed)
        low = head - indexed + 1;
    /* Positions grow with seq, so the first that lasts is found by halving. */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (lasts(rx, middle))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void sl_log_seek(struct sl_log_rx *rx, uint64_t seq) { rx->next_seq = seq < rx->first_seq ? rx->first_seq : seq; }

static int tell_lapped(struct sl_log_rx *rx)
{
    uint64_t oldest = sl_log_oldest(rx);

    rx->missed_first = rx->next_seq;
    rx->next_seq = oldest > rx->next_seq ? oldest : rx->next_seq + 1;
    rx->missed_last = rx->next_seq - 1;
    return SL_LOG_LAPPED;
}

/* The record at pos and its length, or NULL when that is not a length that can be there. */
static const struct sl_log_rec *bounded(const struct sl_log_rx *rx, uint64_t pos, uint32_t *len)
{
    uint64_t off = pos & (rx->bytes_len - 1);
    const struct sl_log_rec *rec = (const void *)(rx->bytes + off);

    if (off % SL_LOG_RECORD_ALIGN)
        return NULL;
    /* Relaxed and atomic: one value is checked and used, though the writer may be overwriting it. */
    *len = __atomic_load_n(&rec->len, __ATOMIC_RELAXED);
    if (*len < sizeof(*rec) || *len > len_max_of(rx->bytes_len) || *len > rx->bytes_len - off)
        return NULL;
    return rec;
}

int sl_log_next(struct sl_log_rx *rx, void *buf, uint32_t buf_len)
{
    uint64_t pos, seq = rx->next_seq;
    uint32_t len = 0;
    enum slot_is slot_is = find(rx, seq, &pos);

    if (slot_is != PRESENT)
        return slot_is == GONE ? tell_lapped(rx) : SL_LOG_NONE;
    const struct sl_log_rec *rec = bounded(rx, pos, &len);
    bool fits = rec && len <= buf_len;
    if (fits)
        sl_log_copy(buf, rec, len);
    if (!whole_by(rx, seq, pos, 0))
        return tell_lapped(rx);
    if (!fits)
        return rec ? -EMSGSIZE : -EPROTO;
    const struct sl_log_rec *copy = buf;
    if (copy->len != len || copy->seq != seq)
        return -EPROTO;
    rx->next_seq++;
    return SL_LOG_RECORD;
}

const struct sl_log_rec *sl_log_peek(struct sl_log_rx *rx)
{
    uint32_t len;

    if (find(rx, rx->next_seq, &rx->peeked_pos) != PRESENT)
        return NULL;
    return bounded(rx, rx->peeked_pos, &len);
}

bool sl_log_still_whole(const struct sl_log_rx *rx) { return whole_by(rx, rx->next_seq, rx->peeked_pos, 0); }

void sl_log_skip(struct sl_log_rx *rx) { rx->next_seq++; }

/* Relaxed: only this reader's sleep hangs on it, and tx tolerates any value. */
static void set_asleep(struct sl_seat *seat, uint32_t value)
{
    atomic_store_explicit(&seat->asleep, value, memory_order_relaxed);
}

int sl_log_wait(struct sl_log_rx *rx, struct sl_seat *seat, int64_t timeout_ns)
{
    struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };
    /* Relaxed: the futex compares it again. */
    uint32_t word = atomic_load_explicit(&rx->shm->wake, memory_order_relaxed);
    uint64_t pos;
    int rc = 0;

    set_asleep(seat, word + 1);
    /* WAKE, reader's side: pairs with sl_log_sleepers. */
    sl_fence_full();
    if (find(rx, rx->next_seq, &pos) == EARLY &&
        futex(&rx->shm->wake, FUTEX_WAIT, word, timeout_ns < 0 ? NULL : &timeout))
        rc = errno == EAGAIN ? 0 : -errno;
    set_asleep(seat, 0);
    return rc;
}

void sl_seat_done(struct sl_seat *seat, uint64_t seq)
{
    /* DONE, release side: pairs with believe. */
    atomic_store_explicit(&seat->done, seq, memory_order_release);
}

enum sl_gate_state sl_log_gate_state(const struct sl_log_rx *rx, uint32_t seat_idx)
{
    assert(seat_idx < SL_LOG_SEATS);
    /* EVICT, reader's side: pairs with sl_log_evict. */
    sl_fence_acquire();
    /* Relaxed: the fence orders it behind the intent that was read. */
    return (enum sl_gate_state)atomic_load_explicit(&rx->shm->gates[seat_idx], memory_order_relaxed);
}

void sl_seat_name(const struct sl_seat *seat, char name[33])
{
    size_t len = 0;

    for (; len < sizeof(seat->name); len++) {
        char c = ((const volatile char *)seat->name)[len];
        if (!c)
            break;
        name[len] = c >= 0x20 && c < 0x7f ? c : '?';
    }
    name[len] = '\0';
}
