/* bench/fanout.h - one way to bring messages from a process to several others, as bench_fanout drives it.
 *
 *     parent: open, fork subscribers, publish ......... wait for them, close
 *     child:          subscribe: join, fanout_ready, take every message, fanout_done
 *
 * Threads   One a process, but for what a way needs of its own.
 * Units     size in bytes of a message; cnt messages.
 *
 * A message is a bulletin behind its header, as it lies on a tape.  Its number, from 1, is bulletin.number; a
 * subscriber checks that each comes once and in order, and adds up all words, so that all bytes are read.  A way that
 * has nobody to wake yields when it has nothing to do, as there are fewer cores than processes.
 */
#ifndef SL_BENCH_FANOUT_H
#define SL_BENCH_FANOUT_H

#include <stdbool.h>
#include <stdint.h>

#define FANOUT_READERS_MAX 4u
#define FANOUT_SIZE        2048u

struct fanout_sum { /* a subscriber's, in memory that all share */
    _Alignas(128) uint64_t cnt, sum;
    int64_t end_ns;
};

struct fanout_job {
    uint32_t reader_cnt;
    uint64_t cnt;
    void *way; /* what open made */
    struct fanout_shared *shared;
};

struct bench_fanout {
    const char *name;
    bool is_peer;
    void (*open)(struct fanout_job *job); /* before the fork */
    void (*publish)(struct fanout_job *job);
    void (*subscribe)(struct fanout_job *job, uint32_t idx);
    void (*close)(struct fanout_job *job);
};

extern const struct bench_fanout bench_fanout_bare, bench_fanout_log, bench_fanout_client, bench_fanout_peek,
    bench_fanout_zmq_ipc, bench_fanout_zmq_tcp, bench_fanout_nats, bench_fanout_bare_tcp, bench_fanout_bare_multicast,
    bench_fanout_sink_tcp, bench_fanout_sink_multicast;

/* The message of this number, made of one that is always there: FANOUT_SIZE bytes. */
void fanout_make(void *message, uint64_t number);
/* Takes the number-th message, wherever it lies. */
void fanout_take(struct fanout_sum *sum, const void *message);
/* The same when the bulletin alone has come. */
void fanout_take_bulletin(struct fanout_sum *sum, const void *bulletin);
/* What the subscriber that is last has taken.  For ways without back-pressure of their own. */
uint64_t fanout_least(const struct fanout_job *job);
struct fanout_sum *fanout_ready(struct fanout_job *job, uint32_t idx); /* returns when all are */
void fanout_await(struct fanout_job *job); /* in publish: until all subscribers are ready */
void fanout_done(struct fanout_job *job, uint32_t idx);

#endif
