/* Ours: the log alone, read in private copies that are proved whole; and the tape as a program reads it, by
 * libslugline, which has joined by the socket, checks every bulletin, and gates. */
#include "bench/bench.h"
#include "bench/fanout_tape.h"
#include "pipeline/client.h"

#include <sched.h>
#include <stdlib.h>

#define TAPE_LEN (8ull << 20) /* 4096 messages */
#define BATCH    32u

/* ---- the log alone ---- */

static void open_log(struct fanout_job *job)
{
    struct fanout_tape *tape = job->way = aligned_alloc(128, sizeof(*tape) / 128 * 128 + 128);
    fanout_tape_make(tape, TAPE_LEN, true);
    for (; tape->seated < job->reader_cnt; tape->seated++) {
        fanout_need(!sl_mem_create(&tape->seats[tape->seated], "bench-seat", sizeof(struct sl_seat), 0));
        sl_log_attach(&tape->tx, tape->seated, tape->seats[tape->seated].addr, true);
    }
}

static void publish_log(struct fanout_job *job) { fanout_tape_publish(job->way, job, 0); }

static void close_tape(struct fanout_job *job)
{
    fanout_tape_drop(job->way);
    free(job->way);
}

static void subscribe_log(struct fanout_job *job, uint32_t idx)
{
    const struct fanout_tape *way = job->way;
    struct sl_seat *seat = way->seats[idx].addr;
    struct sl_log_rx rx;
    _Alignas(64) unsigned char copy[FANOUT_SIZE];
    fanout_need(!sl_log_join_rx(&rx, way->tape.addr, way->tape.len));
    struct fanout_sum *sum = fanout_ready(job, idx);
    uint64_t done = 0;
    while (sum->cnt < job->cnt) {
        int got = sl_log_next(&rx, copy, sizeof(copy));
        fanout_need(got == SL_LOG_RECORD || got == SL_LOG_NONE);
        if (got == SL_LOG_RECORD)
            fanout_take(sum, copy);
        if (sum->cnt - done >= BATCH || (got == SL_LOG_NONE && done != sum->cnt)) {
            done = sum->cnt;
            sl_seat_done(seat, done);
        }
        if (got == SL_LOG_NONE)
            sched_yield();
    }
    sl_seat_done(seat, sum->cnt);
    fanout_done(job, idx);
}

const struct bench_fanout bench_fanout_log = {
    "slugline log", false, open_log, publish_log, subscribe_log, close_tape
};

/* ---- libslugline ---- */

static void open_client(struct fanout_job *job)
{
    struct fanout_tape *tape = job->way = aligned_alloc(128, sizeof(*tape) / 128 * 128 + 128);
    fanout_tape_make(tape, TAPE_LEN, true);
    fanout_tape_listen(tape);
}

static void publish_client(struct fanout_job *job)
{
    fanout_tape_serve(job->way);
    fanout_tape_publish(job->way, job, 0);
}

static void subscribe(struct fanout_job *job, uint32_t idx, bool peeks)
{
    const struct fanout_tape *way = job->way;
    struct sl_reader_options options = {
        .size = sizeof(options), .socket = way->path, .gating = 1, .from = SL_FROM_OLDEST
    };
    struct sl_reader *reader;
    struct sl_event event;
    fanout_need(!sl_reader_open(&reader, &options));
    struct fanout_sum *sum = fanout_ready(job, idx);
    while (sum->cnt < job->cnt) {
        int rc = peeks ? sl_reader_peek(reader, &event, 0) : sl_reader_next(reader, &event, 0);
        fanout_need(!rc && (event.type == SL_EVENT_BULLETIN || event.type == SL_EVENT_NONE));
        if (event.type == SL_EVENT_BULLETIN) { /* header and bulletin: a copy, or as they lie on the tape */
            fanout_take(sum, (const struct sl_record *)(const void *)event.bulletin - 1);
            fanout_need(!peeks || sl_reader_still_whole(reader) == 1);
        }
        if (sum->cnt && (sum->cnt % BATCH == 0 || event.type == SL_EVENT_NONE))
            fanout_need(!sl_reader_done(reader, sum->cnt));
        if (event.type == SL_EVENT_NONE)
            sched_yield();
    }
    fanout_need(!sl_reader_done(reader, sum->cnt));
    fanout_done(job, idx);
    sl_reader_close(reader);
}

static void subscribe_client(struct fanout_job *job, uint32_t idx) { subscribe(job, idx, false); }
static void subscribe_peek(struct fanout_job *job, uint32_t idx) { subscribe(job, idx, true); }

const struct bench_fanout bench_fanout_client = { "libslugline",    false,     open_client, publish_client,
                                                  subscribe_client, close_tape };
const struct bench_fanout bench_fanout_peek = { "libslugline, in place", false,          open_client,
                                                publish_client,          subscribe_peek, close_tape };
