/* pipeline/slow.h - a hook of the benches' own: one stage takes two microseconds longer for each message, so that it
 * can be seen whether they show it, and where.
 *
 * Life      Nothing: compiled away, but in programs built with SL_SLOW_STAGE (bench/slow.c), which nobody installs.
 * Threads   Any.
 */
#ifndef SL_PIPELINE_SLOW_H
#define SL_PIPELINE_SLOW_H

enum sl_slow_stage { SL_SLOW_FRAME, SL_SLOW_DECODE, SL_SLOW_DESK };

#ifdef SL_SLOW_STAGE
void sl_slow(enum sl_slow_stage stage);
#else
static inline void sl_slow(enum sl_slow_stage stage) { (void)stage; }
#endif

#endif
