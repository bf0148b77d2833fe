/* The log of ring/log.h: one writer, a free reader, a gating reader.  Records of one or two units wrap around a ring
 * of bytes and a ring of index slots of other sizes, so either can be lapped first.  A unit holds the number of its
 * record and that record's length; a copy that is accepted must hold the right ones throughout.
 *
 * Rules, each of which can be broken with -D to see that the checker notices:
 *   INTENT  announced before bytes are overwritten             LATE_INTENT    (a release store of intent alone allows
 *           this) and looked at after they were copied               NO_INTENT_CHECK
 *   SLOT    emptied before it is filled again                  NO_SLOT_EMPTY
 *           and looked at again after the copy                 NO_SLOT_CHECK
 *   GATE    overwrites wait for a gating reader                NO_GATE
 *   EVICT   it is told before its bytes go                     UNTOLD
 *           and it believes no copy that may be overrun        TRUST_GATE
 *   LEN     a length from an unchecked copy is bounded         (bytes outside the ring cannot be expressed here: see
 *           tests/fuzz)
 */
#define RECORDS 5
#define UNITS 3 /* of the ring of bytes */
#define SLOTS 2

byte unit[UNITS]; /* 2 * seq + (size - 1) */
byte intent;      /* units before intent - UNITS may be overwritten */
byte slot_seq[SLOTS], slot_pos[SLOTS];
byte head;  /* last seq published */
byte done;  /* the gating reader's seat */
bool evicted, told;
byte start_of[RECORDS + 2]; /* the writer's own: where each record starts */
bool finished;

inline wait_for_gate(n, pos, size) {
#ifndef NO_GATE
  do
  :: evicted || (pos + size <= start_of[done + 1] + UNITS && n <= done + SLOTS) -> break
  :: else ->
     if
     :: evicted || (pos + size <= start_of[done + 1] + UNITS && n <= done + SLOTS) /* it moves on */
     :: atomic { /* or its time is up, at any moment */
#ifndef UNTOLD
          told = true;
#endif
          evicted = true }
     fi
  od
#endif
}

proctype writer() {
  byte n = 1, pos = 0, size, i;
  do
  :: n > RECORDS -> break
  :: else ->
     if :: size = 1 :: size = 2 fi;
     start_of[n] = pos;
     if :: evicted && done == head -> evicted = false; told = false :: else fi;
     wait_for_gate(n, pos, size);
#ifndef LATE_INTENT
     intent = pos + size;
#endif
     i = 0;
     do :: i < size -> unit[(pos + i) % UNITS] = 2 * n + (size - 1); i++ :: else -> break od;
#ifdef LATE_INTENT
     intent = pos + size;
#endif
#ifndef NO_SLOT_EMPTY
     slot_seq[n % SLOTS] = 0;
#endif
     slot_pos[n % SLOTS] = pos;
     slot_seq[n % SLOTS] = n;
     start_of[n + 1] = pos + size;
     head = n;
     pos = pos + size;
     n++
  od;
  finished = true
}

inline fetch(n) { /* ok: a whole copy of record n, in x and, of two units, in y */
  ok = false;
  if
  :: slot_seq[n % SLOTS] == n ->
     pos = slot_pos[n % SLOTS];
     x = unit[pos % UNITS];
     y = x;
     if :: x % 2 == 1 -> y = unit[(pos + 1) % UNITS] :: else fi;
     ok = true;
#ifndef NO_INTENT_CHECK
     if :: intent > pos + UNITS -> ok = false :: else fi;
#endif
#ifndef NO_SLOT_CHECK
     if :: slot_seq[n % SLOTS] != n -> ok = false :: else fi
#endif
  :: else
  fi
}

proctype free_reader() {
  byte n = 1, pos, x, y; bool ok;
  do
  :: head >= n ->
     fetch(n);
     if :: ok -> assert(x / 2 == n && y == x) :: else fi; /* else: lapped, and told so */
     n++; x = 0; y = 0; pos = 0
  :: finished && head < n -> break
  od
}

proctype gating_reader() {
  byte n = 1, pos, x, y; bool ok;
  do
  :: head >= n ->
     fetch(n);
#ifdef TRUST_GATE
     ok = true;
#endif
     if
     :: ok -> assert(x / 2 == n && y == x)
     :: else -> assert(told) /* nothing is lost to it unless it was evicted, and then it knows */
     fi;
     done = n; n++; x = 0; y = 0; pos = 0
  :: finished && head < n -> break
  :: told -> break /* stopped for good */
  od
}

init { atomic { run writer(); run free_reader(); run gating_reader() } }
