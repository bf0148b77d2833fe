/* Sleeping and waking (WAKE in ring/log.h and ring/bell.h) under store buffers: each side stores, then loads what the
 * other stores.  Without a full fence on both sides each may miss the other, and a sleeper sleeps on work.
 *   -DNO_RINGER_FENCE, -DNO_SLEEPER_FENCE: broken on purpose, a deadlock is found.
 */
byte work, work_buffer;
bool work_pending;
bool armed, armed_buffer, armed_pending;
bool woken;

/* Each processor's store reaches memory some time later. */
proctype drain_work() { end: do :: atomic { work_pending -> work = work_buffer; work_pending = false } od }
proctype drain_armed() { end: do :: atomic { armed_pending -> armed = armed_buffer; armed_pending = false } od }

proctype ringer() {
  atomic { work_buffer = 1; work_pending = true };
#ifndef NO_RINGER_FENCE
  !work_pending;
#endif
  if :: armed -> woken = true :: else fi
}

proctype sleeper() {
  do
  :: atomic { !armed_pending -> armed_buffer = true; armed_pending = true };
#ifndef NO_SLEEPER_FENCE
     !armed_pending;
#endif
     if
     :: work -> break
     :: !work -> woken; break /* the system call: it returns only when rung */
     fi
  od
}

init { atomic { run drain_work(); run drain_armed(); run ringer(); run sleeper() } }
