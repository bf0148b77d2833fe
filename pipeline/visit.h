/* pipeline/visit.h - the reader's half of handout.h: connect, hello, and what came with the welcome.
 *
 * Life      open, take descriptors, close.  The connection is to be kept while the memory is used: its end tells that
 *           the daemon is gone.
 * Threads   One.
 * Owns      The connection and every descriptor that was not taken.
 * Errors    0 or -errno: connect's own (-ENOENT, -ECONNREFUSED, -EACCES: nobody there, or not for us), the welcome's
 *           status, -ETIMEDOUT no answer within a second, -EPROTO an answer that is none, -EPROTONOSUPPORT another
 *           version, -ENAMETOOLONG.
 * Hostile   The welcome is outside input: counts, names and descriptors are proved before anything uses them.
 */
#ifndef SL_PIPELINE_VISIT_H
#define SL_PIPELINE_VISIT_H

#include "pipeline/books.h"
#include "pipeline/handout.h"
#include "ring/mem.h"

#define SL_VISIT_FEEDS_MAX   1024u
#define SL_VISIT_THREADS_MAX 256u

struct sl_visit {
    int sock;
    bool answered; /* a failure is the welcome's own word, not that of the way there */
    int fds[SL_MEM_FDS_MAX]; /* by enum sl_handout_fd; -1: taken, or did not come */
    struct sl_welcome *welcome; /* its strings end with NUL and hold nothing unprintable */
    const char *feed[SL_VISIT_FEEDS_MAX];
    const char *thread[SL_VISIT_THREADS_MAX];
    const char *journal; /* the folder of its journal; NULL: it has none, or is too old to say so */
};

/* The socket that is meant: path, else $SLUGLINE_SOCKET, else the default. */
const char *sl_visit_socket(const char *path);

/* flags: enum sl_hello_flag.  name: who reads. */
int sl_visit_open(struct sl_visit *visit, const char *path, unsigned flags, const char *name);
/* Maps the descriptor and takes it off the visit.  -EPROTO: it did not come.  Else sl_mem_open's. */
int sl_visit_map(struct sl_visit *visit, enum sl_handout_fd which, size_t len_min, bool writable, struct sl_mem *mem);
/* Maps and joins the books. */
int sl_visit_books(struct sl_visit *visit, struct sl_mem *mem, struct sl_books *books);
/* True once the daemon, or the walk whose memory this is, has gone. */
bool sl_visit_ended(const struct sl_visit *visit);
void sl_visit_close(struct sl_visit *visit);

#endif
