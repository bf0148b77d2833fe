/* ring/mem.h - a stretch of memory that several processes map: a sealed memfd, and its way through a socket.
 *
 *     walk: create ---- fill, seal ---- send ==socket==> recv ---- open :reader
 *
 * Life      create, seal, close by the process that writes; recv, open, close by one that reads.
 *           Memory is fresh at every start and never formatted twice.
 * Threads   Any; a struct sl_mem itself is one thread's.
 * Owns      create and open give a mapping and a descriptor; close takes both back.
 * Errors    0 or -errno.  From open: -EPERM its size is not sealed, or it is asked for writable and sealed against
 *           that; -EPROTO shorter than len_min.  From recv: -EMSGSIZE a longer datagram or more descriptors than there
 *           is room for, and nothing is given.
 * Units     len in bytes, rounded up to whole pages (huge ones where huge is set).
 * Source    memfd_create(2), fcntl(2) F_ADD_SEALS: with SL_MEM_SEALS nobody can shrink, grow, or map it
 *           writable again, whatever his user id; mappings that exist stay writable.
 */
#ifndef SL_RING_MEM_H
#define SL_RING_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SL_MEM_FDS_MAX 8u

struct sl_mem {
    void *addr;
    size_t len;
    int fd;
    bool huge;
};

enum sl_mem_flag {
    SL_MEM_HUGE = 1, /* try 2 MiB pages first; without free ones fall back to small pages, and say so in .huge */
    SL_MEM_LOCAL = 2, /* never leaves this process: an anonymous mapping, fd is -1 */
};

/* Makes and maps len bytes of zeros, all of them backed now (fallocate), so that no later write can meet SIGBUS.
 * -EINVAL: no length.  -ENOMEM: more than the machine has. */
int sl_mem_create(struct sl_mem *mem, const char *name, size_t len, unsigned flags);

/* From here on nobody maps it writable or changes its size.  readers_write: seats, which their reader writes,
 * keep the right to be mapped writable and lose only the right to change size. */
int sl_mem_seal(const struct sl_mem *mem, bool readers_write);

/* Maps a descriptor that came from outside, after checking its seals and that it holds at least len_min bytes.
 * Takes fd when it succeeds; when it fails the caller still has to close it. */
int sl_mem_open(struct sl_mem *mem, int fd, size_t len_min, bool writable);

/* Maps all pages into this process now, so that its hot path meets no page fault, at each new page of the first lap.
 * Backed memory of another process is mapped page by page at its first touch, also across fork.  A wish: older kernels
 * (before Linux 5.14) leave it at that.  writable: as it was mapped. */
void sl_mem_populate(const struct sl_mem *mem, bool writable);

void sl_mem_close(struct sl_mem *mem);

/* One datagram, not empty, with up to SL_MEM_FDS_MAX descriptors over a SOCK_SEQPACKET Unix socket.
 * recv gives the descriptors (close-on-exec; room for SL_MEM_FDS_MAX, or NULL: closes what comes) and their count;
 * returns the datagram's length, 0 at the end. */
int sl_mem_send(int sock, const void *msg, size_t len, const int *fds, unsigned fd_cnt);
ssize_t sl_mem_recv(int sock, void *msg, size_t len, int *fds, unsigned *fd_cnt, int recv_flags);

#endif
