/* bench/walk.h - the parts of the bench of the whole walk, each a word on bench_walk's command line; walk.py puts them
 * together with the daemon, its peers and its limits.
 *
 * Threads   One a process, but `stages` and `limits`, which pin themselves.
 * Errors    A word returns the program's exit status, and has said on standard error what was wrong.
 * Units     ns inside and in what is printed, unless a key says otherwise.
 */
#ifndef SL_BENCH_WALK_H
#define SL_BENCH_WALK_H

#include "pipeline/facts.h"
#include "pipeline/hist.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALK_PATIENCE_NS 20000000000ll /* how long a word waits for something that should happen */

int walk_fail(const char *what, const char *why);
double walk_cpu_s(void); /* of this process, until now */

/* "name":{"count":..,"p50":..,...,"curve":[[percent,value],...]}: five points for each halving of what is left. */
void walk_tell_hist(struct sl_facts *facts, const char *name, const struct sl_hist *hist);
/* The same as HdrHistogram's plotter reads it; values in microseconds. */
int walk_write_hgrm(const struct sl_hist *hist, const char *path);

/* When the message was due, from its bytes (pipeline/gen.h); 0: it does not say. */
int64_t walk_due_ns(const char *data, size_t len);

/* A port on 127.0.0.1: dialled until somebody listens, or waited for. */
int walk_dial(const char *port);
int walk_accept(const char *port);

/* The words.  Ports are decimal. */
int walk_flood(const char *port, bool lines, uint32_t size, uint64_t cnt); /* IPTC 7901, or the same as lines */
int walk_drain(const char *port, bool listens, bool frames, uint64_t cnt); /* reads every byte, until all have come */
enum walk_reading { WALK_SLEEPS, WALK_SPINS, WALK_COUNTS };
int walk_read(const char *socket_path, enum walk_reading how, uint64_t cnt, const char *hgrm_stem); /* by libslugline */
int walk_bare(const char *port, uint64_t cnt); /* a blocking recvmmsg, and nothing else */
int walk_ping(const char *url, const char *socket_path, uint64_t cnt, int64_t gap_ns,
              uint32_t size); /* send, then look */
int walk_clock(int64_t for_ns); /* a loop that only reads the clock */
int walk_limits(void);
int walk_stages(const char *format, uint32_t size, uint32_t rounds); /* what each stage costs, on one thread */

#endif
