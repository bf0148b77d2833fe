/* pipeline/topo.h - which stage on which thread, joined by which rings: the one table, and the walk built from it.
 *
 * Life      plan (pure: nothing is opened), print; build makes all memory and inits all stages; fini.
 * Threads   The builder's; afterwards run.c gives each struct sl_thread to a thread of its own.
 * Owns      Rings and stages; borrows config, logs and books.
 * Errors    0 or -errno with a sentence.
 * Units     bytes.
 */
#ifndef SL_PIPELINE_TOPO_H
#define SL_PIPELINE_TOPO_H

#include "pipeline/config.h"
#include "ring/mem.h"

#define SL_STAGES_PER_THREAD 16u

struct sl_stage { /* what a thread polls */
    const char *name;
    int (*poll)(void *self, int64_t now_ns);
    void *self;
};

struct sl_thread {
    uint32_t idx;
    int core;
    struct sl_stage stages[SL_STAGES_PER_THREAD];
    uint32_t stage_cnt;
    struct sl_rx *rx; /* where it sleeps when it has one; else on its bell */
    struct sl_decode *decode; /* whose crash note a dying thread fills; NULL none */
    struct sl_bell bell;
    sl_cell *books;
};

/* The plan: counts and sizes only. */
struct sl_topo {
    struct sl_config_thread threads[SL_THREADS_MAX]; /* auto resolved to this host's cores */
    uint32_t thread_cnt;
    uint32_t rx_cnt;
    uint32_t decoder_cnt[SL_RXS_MAX];
    bool has_heavy[SL_RXS_MAX];
    uint32_t feed_rx[SL_FEEDS_MAX]; /* which receive thread polls each feed */
    uint64_t ring_message[2], ring_answer[2]; /* usual, heavy; a power of two */
    uint64_t memory_rings, memory_scratch, memory_stages, memory_logs, memory_total;
};
int sl_topo_plan(struct sl_topo *topo, const struct sl_config *config, uint32_t core_cnt, char *err, size_t err_len);

/* Memory that the supervisor made and the walk fills. */
struct sl_walk_memory {
    struct sl_mem tape, raw, books, notes; /* notes: a struct sl_crash_note for each decode thread */
    struct sl_mem past, before; /* recall.h: a struct sl_past, none where addr is NULL; the tape of before */
    struct sl_mem journal_seats[2]; /* struct sl_durable on tape and raw log, where there is a journal */
    struct sl_mem ledger; /* struct sl_ledger; none where addr is NULL */
    int alive_fd; /* its other end is open as long as the walk lives: for the journal */
    uint64_t epoch;
    uint64_t tape_first, raw_first; /* first seq of the logs; 0: 1 */
    uint64_t held_from; /* of the journal's records: recall.h */
    struct sl_old_tape old_tape;
};
size_t sl_topo_tape_footprint(const struct sl_config *config);
size_t sl_topo_raw_footprint(const struct sl_config *config);
size_t sl_topo_books_footprint(const struct sl_config *config, const struct sl_topo *topo);
size_t sl_topo_notes_footprint(const struct sl_topo *topo);

struct sl_walk;
/* crashed: notes of the walk before, NULL none. */
int sl_walk_build(struct sl_walk **walk, const struct sl_config *config, const struct sl_topo *topo,
                  const struct sl_walk_memory *memory, const struct sl_clock *clock,
                  const struct sl_crash_note *crashed, uint32_t crashed_cnt, char *err, size_t err_len);
struct sl_thread *sl_walk_threads(struct sl_walk *walk, uint32_t *cnt);
struct sl_desk *sl_walk_desk(struct sl_walk *walk);
/* Where the packets of receive thread rx go. */
struct sl_rx_sink sl_walk_sink(struct sl_walk *walk, uint32_t rx);
/* What those packets are acknowledged by, where lines are (struct sl_packet.ack). */
struct sl_ack *sl_walk_acks(struct sl_walk *walk, uint32_t rx);
const struct sl_books *sl_walk_books(const struct sl_walk *walk);
void sl_walk_drain(struct sl_walk *walk); /* lines stop; what is inside goes on to the tape */
bool sl_walk_idle(const struct sl_walk *walk); /* nothing framed is unanswered, and no file in its hands */
void sl_walk_fini(struct sl_walk *walk);

#endif
