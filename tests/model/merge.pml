/* Tickets of two receive threads through decode threads to one desk that restores each receive thread's order
 * (pipeline/desk.c). A decode thread serves one receive thread: no state is stuck, however small the rings.  Broken on
 * purpose:
 *   -DSHARED_DECODER  a decode thread serves both, with a ring for each pair: stuck, once it waits for room behind one
 *                     receive thread's ticket while it holds the other's next;
 *   -DSHARED_RING     and with one ring for both: stuck sooner.
 */
#define TICKETS 3
#if defined(SHARED_DECODER) || defined(SHARED_RING)
#define DECODERS 2
#define DECODER(rx, which) (which)
#else
#define DECODERS 4
#define DECODER(rx, which) ((rx) * 2 + (which))
#endif
chan message[4] = [1] of { byte };      /* receive thread * 2 + which of its decoders */
chan answer[4] = [1] of { byte, byte }; /* receive thread, ticket */
#ifdef SHARED_RING
#define RING(rx, which) answer[which]
#else
#define RING(rx, which) answer[(rx) * 2 + (which)]
#endif

proctype receive(byte rx) {
  byte ticket;
  do
  :: ticket == TICKETS -> break
  :: ticket < TICKETS -> if :: message[rx * 2] ! ticket :: message[rx * 2 + 1] ! ticket fi; ticket++
  od
}

proctype decode(byte self) {
  byte ticket;
end:
  do
  :: self == DECODER(0, 0) && nempty(message[0]) -> message[0] ? ticket; RING(0, 0) ! 0, ticket
  :: self == DECODER(0, 1) && nempty(message[1]) -> message[1] ? ticket; RING(0, 1) ! 0, ticket
  :: self == DECODER(1, 0) && nempty(message[2]) -> message[2] ? ticket; RING(1, 0) ! 1, ticket
  :: self == DECODER(1, 1) && nempty(message[3]) -> message[3] ? ticket; RING(1, 1) ! 1, ticket
  od
}

proctype desk() {
  byte next[2], done;
  do
  :: done == 2 * TICKETS -> break
  :: RING(0, 0) ? [0, eval(next[0])] -> RING(0, 0) ? 0, eval(next[0]); next[0]++; done++
  :: RING(0, 1) ? [0, eval(next[0])] -> RING(0, 1) ? 0, eval(next[0]); next[0]++; done++
  :: RING(1, 0) ? [1, eval(next[1])] -> RING(1, 0) ? 1, eval(next[1]); next[1]++; done++
  :: RING(1, 1) ? [1, eval(next[1])] -> RING(1, 1) ? 1, eval(next[1]); next[1]++; done++
  od
}

init {
  byte i;
  atomic {
    run receive(0); run receive(1); run desk();
    do :: i < DECODERS -> run decode(i); i++ :: else -> break od
  }
}
