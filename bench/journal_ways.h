/* bench/journal_ways.h - ways to bring 2 KB records to a disk so that they stay there.
 *
 * Threads   One at a time; what a way starts for itself it ends itself.
 * Units     ns; bytes.
 */
#ifndef SL_BENCH_JOURNAL_WAYS_H
#define SL_BENCH_JOURNAL_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_RECORD_LEN 2048u

/* As many as it can in for_ns, in a folder that is empty, all of them durable in the end.  Bytes a second; below 0: it
 * cannot be done here. */
double journal_in_flight(const char *folder, int64_t for_ns); /* 4 x 256 KB by io_uring, O_DIRECT, RWF_DSYNC */
double journal_append(const char *folder, int64_t for_ns); /* 64 x 4 KB by pwritev, then fdatasync */
double journal_ours(const char *folder, int64_t for_ns); /* pipeline/scribe.h */
double journal_redis(const char *folder, int64_t for_ns); /* XADD by four clients, 64 in the pipe, appendfsync always */

/* One after the other, each awaited: ns by which half of them were durable; below 0: it cannot be done here. */
double journal_lone(const char *folder, int64_t for_ns); /* 4 KB, preallocated, O_DIRECT, RWF_DSYNC */
double journal_ours_acked(const char *folder, int64_t for_ns);

/* Messages a second through a daemon of its own, from a TCP line to the tape and, with_journal, to the disk. */
double journal_pipeline(const char *program, const char *folder, bool with_journal, uint32_t cnt);

#endif
