/* pipeline/handout.h - how a reader gets the tape: what goes over the Unix socket.
 *
 *     reader: connect, hello ------> supervisor
 *             <--- welcome + descriptors: tape, seat, books [, raw] ---
 *             (the connection stays: its end tells each side that the other is gone)
 *
 * Life      One exchange a connection.  SOCK_SEQPACKET.
 * Threads   The supervisor's only one; any in a reader.
 * Errors    welcome.status is 0 or -errno: -EPROTONOSUPPORT another version, -EACCES raw without the group, -EUSERS all
 *           seats taken, -EAGAIN no walk is up just now.
 * Hostile   A hello is outside input; a reader that sends nothing is cut off after a second.
 */
#ifndef SL_PIPELINE_HANDOUT_H
#define SL_PIPELINE_HANDOUT_H

#include <stdint.h>

#define SL_HANDOUT_MAGIC 0x676e696c67756c73ull /* "slugling", little-endian */
#define SL_HANDOUT_VERSION 1u

enum sl_hello_flag { SL_HELLO_GATING = 1, SL_HELLO_RAW = 2, SL_HELLO_STATUS_ONLY = 4 /* books and facts, no seat */ };

struct sl_hello {
    uint64_t magic;
    uint32_t version, flags;
    char name[32]; /* who reads, for status; need not end with NUL */
};

struct sl_welcome {
    uint64_t magic;
    uint32_t version;
    int32_t status;
    uint64_t epoch;
    uint64_t walk_cnt; /* how many walks this supervisor has started */
    int64_t start_ns;  /* of this walk */
    int32_t walk_pid, supervisor_pid;
    uint32_t seat_idx;
    uint32_t feed_cnt, thread_cnt;
    uint32_t spare; /* no padding: the names follow at once */
    char node[64], tape_name[64];
    char feeds[]; /* names, each ended by NUL, feed_cnt of them; then threads' lists of stages the same way; then the
                     journal's folder, "" where there is none, which readers open with the rights they have */
};

/* Descriptors that come with it, in this order. */
enum sl_handout_fd { SL_HANDOUT_BOOKS, SL_HANDOUT_TAPE, SL_HANDOUT_SEAT, SL_HANDOUT_RAW };

#endif
