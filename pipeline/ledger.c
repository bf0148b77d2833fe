#include "pipeline/ledger.h"

#include "pipeline/clock.h"
#include "pipeline/crc32c.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC 0x31524547444c2d53ull

struct file_head {
    uint64_t magic, turn;
    int64_t since_ns;
    uint64_t durable_seq;
    uint32_t row_cnt, row_len;
    uint32_t crc; /* of rows, then of all before it */
    uint32_t spare;
};
_Static_assert(sizeof(struct file_head) == 48, "layout 1");

#define COPY_LEN ((off_t)1 << 20)
_Static_assert(sizeof(struct file_head) + sizeof(((struct sl_ledger_half *)0)->rows) <= 1 << 20, "a copy's place");

/* ---- halves ---- */

static unsigned current_of(const _Atomic uint32_t *which)
{
    /* FOLD, acquire side: pairs with make_current. */
    return atomic_load_explicit(which, memory_order_acquire) & 1;
}

static void make_current(_Atomic uint32_t *which, unsigned half)
{
    /* FOLD, release side: pairs with current_of. */
    atomic_store_explicit(which, half, memory_order_release);
}

const struct sl_ledger_half *sl_ledger_look(const struct sl_ledger *ledger)
{
    return &ledger->halves[current_of(&ledger->current)];
}

const struct sl_ledger_durable *sl_ledger_durable(const struct sl_ledger *ledger)
{
    return &ledger->durable[current_of(&ledger->durable_current)];
}

static struct sl_ledger_half *other_half(struct sl_ledger *ledger)
{
    unsigned current = current_of(&ledger->current);
    ledger->halves[!current] = ledger->halves[current];
    return &ledger->halves[!current];
}

void sl_ledger_begin(struct sl_ledger *ledger, const struct sl_config *config)
{
    ledger->feed_cnt = config->feed_cnt;
    for (uint32_t i = 0; i < config->feed_cnt; i++)
        snprintf(ledger->halves[0].rows[i].name, sizeof(ledger->halves[0].rows[i].name), "%s", config->feeds[i].name);
}

uint32_t sl_ledger_row_of(struct sl_ledger *ledger, struct sl_ledger_half *half, const char *name)
{
    uint32_t at = 0;
    while (at < SL_LEDGER_ROWS - 1 && (at < ledger->feed_cnt || *half->rows[at].name) &&
           strcmp(half->rows[at].name, name))
        at++;
    if (!*half->rows[at].name)
        snprintf(half->rows[at].name, sizeof(half->rows[at].name), "%s", at < SL_LEDGER_ROWS - 1 ? name : "others");
    return at;
}

/* ---- a walk has ended ---- */

static void make_up_last(struct sl_ledger_half *half, uint32_t feed_cnt, const struct sl_record *record)
{
    if (record->feed >= feed_cnt)
        return;
    uint64_t *past = half->rows[record->feed].past;
    if (record->kind < SL_KIND_CNT)
        past[record->verdict == SL_VERDICT_RELEASED ? SL_PAST_RELEASED : SL_PAST_PASSED]++;
    else if (record->kind == SL_RECORD_HELD)
        past[SL_PAST_HELD]++;
}

/* A record is shown before it is counted, and the desk may be killed in between: once at most. */
static void make_up(struct sl_ledger_half *half, const struct sl_books *books, struct sl_log_rx *tape, uint32_t len_max)
{
    const sl_cell *row = sl_books_tape(books);
    uint64_t head = sl_log_rx_head(tape), counted = sl_cell_get(&row[SL_TAPE_MADE]);
    for (uint32_t feed = 0; feed < books->feed_cnt; feed++) {
        uint64_t past[SL_PAST_COLS] = { 0 };
        sl_books_add_walk(books, feed, past);
        counted += past[SL_PAST_PASSED] + past[SL_PAST_RELEASED];
    }
    if (head + 1 - tape->first_seq != counted + 1)
        return;
    struct sl_record *record = malloc(len_max);
    sl_log_seek(tape, head);
    if (record && sl_log_next(tape, record, len_max) == SL_LOG_RECORD && record->len >= sizeof(*record))
        make_up_last(half, books->feed_cnt, record);
    free(record);
}

/* What was framed and never answered died with the walk. */
static void close_row(uint64_t past[SL_PAST_COLS])
{
    uint64_t answered = past[SL_PAST_DROPPED] + past[SL_PAST_WITH_BULLETINS] + past[SL_PAST_EMPTY] +
                        past[SL_PAST_REJECTED] + past[SL_PAST_UNANSWERED];
    if (past[SL_PAST_FRAMED] < answered)
        past[SL_PAST_FRAMED] = answered;
    past[SL_PAST_UNANSWERED] += past[SL_PAST_FRAMED] - answered;
}

void sl_ledger_fold(struct sl_ledger *ledger, const struct sl_books *books, struct sl_log_rx *tape, uint64_t epoch)
{
    if (sl_ledger_look(ledger)->epoch == epoch)
        return;
    struct sl_ledger_half *half = other_half(ledger);
    for (uint32_t feed = 0; feed < books->feed_cnt && feed < ledger->feed_cnt; feed++) {
        sl_books_add_walk(books, feed, half->rows[feed].past);
        close_row(half->rows[feed].past);
    }
    if (tape)
        make_up(half, books, tape, (uint32_t)(tape->bytes_len / 4 < 1u << 30 ? tape->bytes_len / 4 : 1u << 30));
    half->epoch = epoch;
    make_current(&ledger->current, half == &ledger->halves[1]);
}

/* ---- what a walk shows ---- */

void sl_ledger_show_journal(const struct sl_ledger *ledger, const struct sl_books *books)
{
    const struct sl_ledger_durable *durable = sl_ledger_durable(ledger);
    sl_cell *row = sl_books_keep(books);
    for (uint32_t feed = 0; feed < books->feed_cnt; feed++)
        sl_cell_set(&sl_books_past(books, feed)[SL_PAST_DURABLE], durable->cnt[feed]);
    for (unsigned i = 0; i < 2; i++) {
        /* Relaxed: for people, who want it to be recent. */
        uint64_t alarm = atomic_load_explicit(&ledger->alarm[i], memory_order_relaxed);
        int64_t since_ns = atomic_load_explicit(&ledger->alarm_ns[i], memory_order_relaxed);
        sl_cell_set(&row[SL_KEEP_ALARM_NS + i], (uint64_t)since_ns);
        sl_cell_set(&row[SL_KEEP_ALARM + i], alarm);
    }
}

void sl_ledger_show(const struct sl_ledger *ledger, const struct sl_books *books)
{
    const struct sl_ledger_half *half = sl_ledger_look(ledger);
    for (uint32_t feed = 0; feed < books->feed_cnt; feed++)
        for (unsigned i = 0; i < SL_PAST_COLS; i++)
            sl_cell_set(&sl_books_past(books, feed)[i], half->rows[feed].past[i]);
    sl_cell_set(&sl_books_keep(books)[SL_KEEP_SINCE_NS], (uint64_t)ledger->since_ns);
    sl_ledger_show_journal(ledger, books);
}

/* ---- the journal ---- */

void sl_ledger_tell(struct sl_ledger *ledger, const struct sl_ledger_durable *base, const uint64_t *cnt, uint64_t seq)
{
    unsigned other = !current_of(&ledger->durable_current);
    struct sl_ledger_durable *durable = &ledger->durable[other];
    for (uint32_t i = 0; i < SL_LEDGER_ROWS; i++)
        durable->cnt[i] = base->cnt[i] + (i < ledger->feed_cnt ? cnt[i] : 0);
    durable->seq = seq;
    make_current(&ledger->durable_current, other);
}

void sl_ledger_alarm(struct sl_ledger *ledger, unsigned family, int error)
{
    /* Relaxed, as where it is shown. */
    if (error && !atomic_load_explicit(&ledger->alarm[family], memory_order_relaxed))
        atomic_store_explicit(&ledger->alarm_ns[family], sl_clock_real(NULL), memory_order_relaxed);
    atomic_store_explicit(&ledger->alarm[family], (uint64_t)error, memory_order_relaxed);
}

/* ---- the file ---- */

static uint32_t crc_of(const struct file_head *head, const void *rows)
{
    return sl_crc32c(sl_crc32c(0, rows, (size_t)head->row_cnt * head->row_len), head, offsetof(struct file_head, crc));
}

static int put(int fd, const void *data, size_t len, off_t off)
{
    ssize_t got = pwrite(fd, data, len, off);
    return got < 0 ? -errno : got < (ssize_t)len ? -ENOSPC : 0;
}

int sl_ledger_write(const struct sl_ledger *ledger, const struct sl_books *live, uint64_t live_epoch, int fd,
                    uint64_t *turn)
{
    static struct sl_ledger_half all;
    const struct sl_ledger_durable *durable = sl_ledger_durable(ledger);
    struct file_head head = { .magic = MAGIC,
                              .turn = *turn + 1,
                              .since_ns = ledger->since_ns,
                              .durable_seq = durable->seq,
                              .row_len = sizeof(struct sl_ledger_row) };
    all = *sl_ledger_look(ledger);
    while (head.row_cnt < SL_LEDGER_ROWS && (head.row_cnt < ledger->feed_cnt || *all.rows[head.row_cnt].name)) {
        struct sl_ledger_row *row = &all.rows[head.row_cnt];
        if (live && live_epoch != all.epoch && head.row_cnt < live->feed_cnt)
            sl_books_add_walk(live, head.row_cnt, row->past);
        row->past[SL_PAST_DURABLE] = durable->cnt[head.row_cnt++];
    }
    head.crc = crc_of(&head, all.rows);
    off_t off = (off_t)(head.turn % 2) * COPY_LEN;
    int rc = put(fd, all.rows, (size_t)head.row_cnt * head.row_len, off + (off_t)sizeof(head));
    if (!rc)
        rc = put(fd, &head, sizeof(head), off);
    *turn += !rc;
    return rc;
}

/* The newer copy that is whole. */
static bool read_copy(int fd, unsigned copy, struct file_head *newest, struct sl_ledger_row *rows)
{
    static struct sl_ledger_row found[SL_LEDGER_ROWS];
    struct file_head head;
    off_t off = (off_t)copy * COPY_LEN;
    if (pread(fd, &head, sizeof(head), off) != (ssize_t)sizeof(head) || head.magic != MAGIC ||
        head.row_len != sizeof(*rows) || head.row_cnt > SL_LEDGER_ROWS || head.turn <= newest->turn)
        return false;
    size_t len = (size_t)head.row_cnt * head.row_len;
    if (pread(fd, found, len, off + (off_t)sizeof(head)) != (ssize_t)len || crc_of(&head, found) != head.crc)
        return false;
    memcpy(rows, found, len);
    *newest = head;
    return true;
}

uint64_t sl_ledger_turn(int fd)
{
    static struct sl_ledger_row rows[SL_LEDGER_ROWS];
    struct file_head head = { 0 };
    for (unsigned copy = 0; copy < 2; copy++)
        read_copy(fd, copy, &head, rows);
    return head.turn;
}

int sl_ledger_read(struct sl_ledger *ledger, int fd, uint64_t *turn)
{
    static struct sl_ledger_row rows[SL_LEDGER_ROWS];
    static struct sl_ledger_durable durable;
    static const uint64_t none[SL_LEDGER_ROWS];
    struct file_head head = { 0 };
    for (unsigned copy = 0; copy < 2; copy++)
        read_copy(fd, copy, &head, rows);
    *turn = head.turn;
    if (!head.magic)
        return -ENOENT;
    memset(&durable, 0, sizeof(durable));
    struct sl_ledger_half *half = other_half(ledger);
    for (uint32_t i = 0; i < head.row_cnt; i++) {
        rows[i].name[sizeof(rows[i].name) - 1] = '\0';
        uint32_t at = sl_ledger_row_of(ledger, half, rows[i].name);
        durable.cnt[at] += rows[i].past[SL_PAST_DURABLE];
        for (unsigned col = 0; col < SL_PAST_DURABLE; col++)
            half->rows[at].past[col] += rows[i].past[col];
        close_row(half->rows[at].past);
    }
    ledger->since_ns = head.since_ns;
    sl_ledger_tell(ledger, &durable, none, head.durable_seq);
    make_current(&ledger->current, half == &ledger->halves[1]);
    return 0;
}

void sl_ledger_caught_up(struct sl_ledger *ledger)
{
    const struct sl_ledger_durable *durable = sl_ledger_durable(ledger);
    struct sl_ledger_half *half = other_half(ledger);
    for (uint32_t i = 0; i < SL_LEDGER_ROWS; i++) {
        uint64_t *past = half->rows[i].past, published = past[SL_PAST_PASSED] + past[SL_PAST_RELEASED];
        if (durable->cnt[i] <= published)
            continue;
        past[SL_PAST_PASSED] += durable->cnt[i] - published;
        past[SL_PAST_WITH_BULLETINS] += durable->cnt[i] - published;
        close_row(past);
    }
    make_current(&ledger->current, half == &ledger->halves[1]);
}
