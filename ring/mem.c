#include "ring/mem.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE_LEN  ((size_t)2 << 20)
#define SMALL_LEN ((size_t)4096)

#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21u << 26)
#endif
#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* 0 when it would overflow. */
static size_t round_up(size_t len, size_t page_len)
{
    return len > SIZE_MAX - page_len ? 0 : (len + page_len - 1) & ~(page_len - 1);
}

static int create_local(struct sl_mem *mem, size_t len, bool huge)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | (huge ? MAP_HUGETLB | MAP_HUGE_2MB : 0);
    void *addr = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (addr == MAP_FAILED)
        return -errno;
    *mem = (struct sl_mem){ .addr = addr, .len = len, .fd = -1, .huge = huge };
    return 0;
}

static int create_memfd(struct sl_mem *mem, const char *name, size_t len, bool huge)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | (huge ? MFD_HUGETLB | MFD_HUGE_2MB : 0));
    if (fd < 0)
        return -errno;
    void *addr = MAP_FAILED;
    if (ftruncate(fd, (off_t)len) || fallocate(fd, 0, 0, (off_t)len))
        goto undo_fd;
    addr = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (addr == MAP_FAILED)
        goto undo_fd;
    *mem = (struct sl_mem){ .addr = addr, .len = len, .fd = fd, .huge = huge };
    return 0;

undo_fd:;
    int err = errno;
    close(fd);
    return -err;
}

static int create_with(struct sl_mem *mem, const char *name, size_t len, unsigned flags, bool huge)
{
    len = round_up(len, huge ? HUGE_LEN : SMALL_LEN);
    if (!len)
        return -EINVAL;
    /* All of it is backed at once: asked for more than there is, the kernel would go and kill somebody. */
    if (len / SMALL_LEN > (size_t)sysconf(_SC_PHYS_PAGES))
        return -ENOMEM;
    return flags & SL_MEM_LOCAL ? create_local(mem, len, huge) : create_memfd(mem, name, len, huge);
}

int sl_mem_create(struct sl_mem *mem, const char *name, size_t len, unsigned flags)
{
    if (flags & SL_MEM_HUGE && !create_with(mem, name, len, flags, true))
        return 0;
    return create_with(mem, name, len, flags, false);
}

int sl_mem_seal(const struct sl_mem *mem, bool readers_write)
{
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | (readers_write ? 0 : F_SEAL_FUTURE_WRITE);

    return fcntl(mem->fd, F_ADD_SEALS, seals) ? -errno : 0;
}

/* A stretch that can shrink under us is a SIGBUS.  Who may write it is between its maker and its readers: a seat is
 * mapped read-only by the desk, and writable by its reader. */
static int check_seals(int fd)
{
    int wanted = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & wanted) == wanted ? 0 : -EPERM;
}

int sl_mem_open(struct sl_mem *mem, int fd, size_t len_min, bool writable)
{
    struct stat st;
    int rc = check_seals(fd);

    if (rc)
        return rc;
    if (fstat(fd, &st))
        return -errno;
    if (st.st_size <= 0 || (uint64_t)st.st_size > SIZE_MAX || (size_t)st.st_size < len_min)
        return -EPROTO;
    size_t len = (size_t)st.st_size;
    void *addr = mmap(NULL, len, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    if (addr == MAP_FAILED)
        return -errno;
    *mem = (struct sl_mem){ .addr = addr, .len = len, .fd = fd, .huge = (size_t)st.st_blksize >= HUGE_LEN };
    return 0;
}

void sl_mem_populate(const struct sl_mem *mem, bool writable)
{
    /* A failure costs time later, and nothing else. */
    (void)madvise(mem->addr, mem->len, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
}

void sl_mem_close(struct sl_mem *mem)
{
    if (mem->addr)
        munmap(mem->addr, mem->len);
    if (mem->addr && mem->fd >= 0)
        close(mem->fd);
    *mem = (struct sl_mem){ .fd = -1 };
}

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(SL_MEM_FDS_MAX * sizeof(int))];
};

int sl_mem_send(int sock, const void *msg, size_t len, const int *fds, unsigned fd_cnt)
{
    union control control = { .bytes = { 0 } };
    struct iovec iov = { .iov_base = (void *)(uintptr_t)msg, .iov_len = len };
    struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1 };

    assert(fd_cnt <= SL_MEM_FDS_MAX);
    if (!len)
        return -EINVAL; /* the other side would take it for the end */
    if (fd_cnt) {
        hdr.msg_control = control.bytes;
        hdr.msg_controllen = CMSG_SPACE(fd_cnt * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(fd_cnt * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, fd_cnt * sizeof(int));
    }
    return sendmsg(sock, &hdr, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void close_all(const int *fds, unsigned fd_cnt)
{
    for (unsigned i = 0; i < fd_cnt; i++)
        close(fds[i]);
}

/* Collects the descriptors of all control messages; those beyond SL_MEM_FDS_MAX are closed. */
static unsigned take_fds(struct msghdr *hdr, int *fds)
{
    unsigned taken = 0;

    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(hdr); cmsg; cmsg = CMSG_NXTHDR(hdr, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
            continue;
        size_t cnt = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < cnt; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
            if (taken < SL_MEM_FDS_MAX)
                fds[taken++] = fd;
            else
                close(fd);
        }
    }
    return taken;
}

ssize_t sl_mem_recv(int sock, void *msg, size_t len, int *fds, unsigned *fd_cnt, int recv_flags)
{
    union control control;
    struct iovec iov = { .iov_base = msg, .iov_len = len };
    struct msghdr hdr = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)
    };
    int taken[SL_MEM_FDS_MAX];

    if (fd_cnt)
        *fd_cnt = 0;
    ssize_t got = recvmsg(sock, &hdr, recv_flags | MSG_CMSG_CLOEXEC);
    if (got < 0)
        return -errno;
    unsigned taken_cnt = take_fds(&hdr, taken);
    if (hdr.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        close_all(taken, taken_cnt);
        return -EMSGSIZE;
    }
    if (!fds || !fd_cnt || !got) {
        close_all(taken, taken_cnt);
        return got;
    }
    memcpy(fds, taken, taken_cnt * sizeof(int));
    *fd_cnt = taken_cnt;
    return got;
}
