#include <criterion/criterion.h>
#include "ring/mem.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LEN ((size_t)64 << 10)

TestSuite(mem);

static unsigned open_fd_cnt(void)
{
    unsigned cnt = 0;
    DIR *dir = opendir("/proc/self/fd");

    if (!dir)
        cr_skip_test("no /proc here");
    while (readdir(dir))
        cnt++;
    closedir(dir);
    return cnt;
}

static struct sl_mem create(size_t len, unsigned flags)
{
    struct sl_mem mem;

    cr_assert_eq(sl_mem_create(&mem, "test", len, flags), 0);
    return mem;
}

Test(mem, fresh_memory_is_zero_and_whole_pages)
{
    static const struct {
        unsigned flags;
        size_t len;
    } rows[] = {
        {0,                           1   },
        { 0,                          LEN },
        { SL_MEM_LOCAL,               4097},
        { SL_MEM_HUGE,                LEN },
        { SL_MEM_HUGE | SL_MEM_LOCAL, LEN }
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sl_mem mem = create(rows[i].len, rows[i].flags);
        cr_expect_geq(mem.len, rows[i].len);
        cr_expect_eq(mem.len % (mem.huge ? 2u << 20 : 4096u), 0);
        cr_expect_eq(mem.fd < 0, (rows[i].flags & SL_MEM_LOCAL) != 0);
        for (size_t off = 0; off < mem.len; off++)
            cr_assert_eq(((unsigned char *)mem.addr)[off], 0);
        memset(mem.addr, 1, mem.len);
        sl_mem_close(&mem);
        cr_expect_null(mem.addr);
        cr_expect_eq(mem.fd, -1);
    }
}

Test(mem, lengths_that_cannot_be_are_refused_and_leave_nothing_open)
{
    struct sl_mem mem;
    unsigned before = open_fd_cnt();

    cr_expect_eq(sl_mem_create(&mem, "test", 0, 0), -EINVAL);
    cr_expect_eq(sl_mem_create(&mem, "test", SIZE_MAX, 0), -EINVAL);
    cr_expect_eq(sl_mem_create(&mem, "test", SIZE_MAX, SL_MEM_HUGE | SL_MEM_LOCAL), -EINVAL);
    cr_expect_eq(sl_mem_create(&mem, "test", (size_t)1 << 62, SL_MEM_HUGE), -ENOMEM);
    cr_expect_eq(sl_mem_create(&mem, "test", (size_t)1 << 46, SL_MEM_LOCAL), -ENOMEM);
    cr_expect_eq(open_fd_cnt(), before);
}

/* Everything by which a process of the same user could try to write or bend a sealed stretch. */
static void expect_all_refused(int fd, const char *who)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);

    cr_expect_eq(mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED, "%s: mmap", who);
    void *addr = mmap(NULL, LEN, PROT_READ, MAP_SHARED, fd, 0);
    cr_assert_neq(addr, MAP_FAILED);
    cr_expect_neq(mprotect(addr, LEN, PROT_READ | PROT_WRITE), 0, "%s: mprotect", who);
    cr_expect_neq(madvise(addr, LEN, MADV_REMOVE), 0, "%s: madvise", who);
    int again = open(path, O_RDWR | O_CLOEXEC);
    if (again >= 0) {
        cr_expect_eq(mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0), MAP_FAILED, "%s: re-open", who);
        cr_expect_lt(pwrite(again, "x", 1, 0), 0, "%s: re-open and write", who);
        close(again);
    }
    int truncated = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);
    cr_expect_lt(truncated, 0, "%s: O_TRUNC", who);
    if (truncated >= 0)
        close(truncated);
    cr_expect_lt(pwrite(fd, "x", 1, 0), 0, "%s: write", who);
    cr_expect_neq(ftruncate(fd, 0), 0, "%s: shrink", who);
    cr_expect_neq(ftruncate(fd, 2 * LEN), 0, "%s: grow", who);
    cr_expect_neq(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, LEN), 0, "%s: punch", who);
    cr_expect_neq(fallocate(fd, 0, 0, 2 * LEN), 0, "%s: fallocate", who);
    cr_expect_neq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0, "%s: more seals", who);
    munmap(addr, LEN);
}

Test(mem, a_sealed_stretch_is_written_by_the_mapping_that_exists_and_by_no_other)
{
    struct sl_mem mem = create(LEN, 0), seen;

    cr_assert_eq(sl_mem_seal(&mem, false), 0);
    int fd = dup(mem.fd);
    cr_assert_eq(sl_mem_open(&seen, fd, LEN, false), 0);
    strcpy(mem.addr, "news");
    cr_expect_str_eq(seen.addr, "news");
    expect_all_refused(fd, "reader");
    cr_expect_str_eq(seen.addr, "news");
    strcpy(mem.addr, "more");
    cr_expect_str_eq(seen.addr, "more");
    sl_mem_close(&seen);
    sl_mem_close(&mem);
}

/* Pages of a sealed stretch that a second mapping does not have yet: the kernel maps those around a fault as well.
 * A sanitizer's own pages would be counted with them. */
__attribute__((no_sanitize("address"))) static long faults_of_touching(const struct sl_mem *mem, bool writable)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (size_t off = 0; off < mem->len; off += 4096) {
        volatile char *at = (volatile char *)mem->addr + off;
        if (writable)
            *at = 'w';
        else
            (void)*at;
    }
    getrusage(RUSAGE_SELF, &after);
    return after.ru_minflt - before.ru_minflt;
}

Test(mem, pages_that_were_populated_are_touched_without_a_fault)
{
    const long page_cnt = 4096;
    struct sl_mem mem = create((size_t)page_cnt * 4096, 0), seen;
    cr_assert_eq(sl_mem_seal(&mem, true), 0);
    for (int writable = 0; writable < 2; writable++) {
        cr_assert_eq(sl_mem_open(&seen, dup(mem.fd), mem.len, writable), 0);
        if (madvise(seen.addr, 4096, 22 /* MADV_POPULATE_READ */))
            cr_skip_test("this kernel does not populate mappings that exist");
        sl_mem_populate(&seen, writable);
        cr_expect_lt(faults_of_touching(&seen, writable), page_cnt / 64, "writable %d", writable);
        sl_mem_close(&seen);
    }
    sl_mem_close(&mem);
}

Test(mem, a_seat_may_be_written_but_keeps_its_size)
{
    struct sl_mem mem = create(4096, 0), seen;

    cr_assert_eq(sl_mem_seal(&mem, true), 0);
    cr_assert_eq(sl_mem_open(&seen, dup(mem.fd), 4096, true), 0);
    *(volatile char *)seen.addr = 'r';
    cr_expect_eq(*(volatile char *)mem.addr, 'r');
    cr_expect_neq(ftruncate(seen.fd, 0), 0);
    cr_expect_neq(ftruncate(seen.fd, 8192), 0);
    cr_expect_neq(fcntl(seen.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
    sl_mem_close(&seen);
    cr_assert_eq(sl_mem_open(&seen, dup(mem.fd), 4096, false), 0);
    cr_expect_eq(*(volatile char *)seen.addr, 'r');
    sl_mem_close(&seen);
    sl_mem_close(&mem);
}

Test(mem, descriptors_that_are_not_a_sealed_stretch_are_refused)
{
    struct sl_mem mem = create(LEN, 0), bare = create(LEN, 0), seen;
    int fds[2];

    cr_assert_eq(sl_mem_seal(&mem, false), 0);
    cr_expect_eq(sl_mem_seal(&mem, true), -EPERM, "seals are sealed");
    cr_expect_eq(sl_mem_open(&seen, bare.fd, LEN, false), -EPERM);
    cr_expect_eq(sl_mem_open(&seen, mem.fd, LEN, true), -EPERM);
    cr_expect_eq(sl_mem_open(&seen, mem.fd, LEN + 1, false), -EPROTO);
    cr_assert_eq(pipe(fds), 0);
    cr_expect_eq(sl_mem_open(&seen, fds[0], 1, false), -EPERM);
    cr_expect_eq(sl_mem_open(&seen, -1, 1, false), -EPERM);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_expect_eq(sl_mem_open(&seen, null, 1, false), -EPERM);
    /* Sealed against growth alone it could still shrink under its reader. */
    cr_assert_eq(fcntl(bare.fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_FUTURE_WRITE), 0);
    cr_expect_eq(sl_mem_open(&seen, bare.fd, LEN, false), -EPERM);
    cr_expect_eq(fcntl(mem.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC, "refusing does not close");
}

static int pair[2];

static void connect_pair(void) { cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0); }

Test(mem, what_is_sent_arrives_with_its_descriptors_closed_on_exec, .init = connect_pair)
{
    struct sl_mem mem = create(LEN, 0), seen;
    char text[16] = "";
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt = 99;

    cr_assert_eq(sl_mem_seal(&mem, false), 0);
    strcpy(mem.addr, "tape");
    cr_assert_eq(sl_mem_send(pair[0], "hello", 6, (int[]){ mem.fd, pair[1] }, 2), 0);
    cr_assert_eq(sl_mem_recv(pair[1], text, sizeof(text), fds, &fd_cnt, 0), 6);
    cr_expect_str_eq(text, "hello");
    cr_assert_eq(fd_cnt, 2);
    cr_expect(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    cr_assert_eq(sl_mem_open(&seen, fds[0], LEN, false), 0);
    cr_expect_str_eq(seen.addr, "tape");
    cr_assert_eq(sl_mem_send(pair[0], "bare", 4, NULL, 0), 0);
    cr_assert_eq(sl_mem_recv(pair[1], text, sizeof(text), fds, &fd_cnt, 0), 4);
    cr_expect_eq(fd_cnt, 0);
}

Test(mem, the_end_and_nothing_yet_are_told_apart, .init = connect_pair)
{
    char text[16];
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt;

    cr_expect_eq(sl_mem_recv(pair[1], text, sizeof(text), fds, &fd_cnt, MSG_DONTWAIT), -EAGAIN);
    cr_expect_eq(sl_mem_send(pair[0], "", 0, NULL, 0), -EINVAL, "it would look like the end");
    close(pair[0]);
    cr_expect_eq(sl_mem_recv(pair[1], text, sizeof(text), fds, &fd_cnt, 0), 0);
    cr_expect_eq(sl_mem_send(pair[1], "x", 1, NULL, 0), -EPIPE);
}

/* Sends more than sl_mem_send would, as a hostile peer may. */
static void send_many(unsigned cnt, size_t len)
{
    static char text[64];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(32 * sizeof(int))];
    } control = { .bytes = { 0 } };
    struct iovec iov = { .iov_base = text, .iov_len = len };
    struct msghdr hdr = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes };
    hdr.msg_controllen = CMSG_SPACE(cnt * sizeof(int));
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(cnt * sizeof(int));
    for (unsigned i = 0; i < cnt; i++)
        memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &pair[0], sizeof(int));
    cr_assert_eq(sendmsg(pair[0], &hdr, 0), (ssize_t)len);
}

Test(mem, descriptors_nobody_wanted_are_closed, .init = connect_pair)
{
    static const struct {
        const char *name;
        unsigned cnt;
        size_t len;
        bool wanted;
        ssize_t want;
    } rows[] = {
        {"too many",       9,  8,  true,  -EMSGSIZE},
        { "far too many",  32, 8,  true,  -EMSGSIZE},
        { "too long",      2,  17, true,  -EMSGSIZE},
        { "not asked for", 3,  8,  false, 8        },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[16];
        int fds[SL_MEM_FDS_MAX];
        unsigned fd_cnt = 99, before = open_fd_cnt();
        send_many(rows[i].cnt, rows[i].len);
        ssize_t got = sl_mem_recv(pair[1], text, sizeof(text), rows[i].wanted ? fds : NULL, &fd_cnt, 0);
        cr_expect_eq(got, rows[i].want, "%s", rows[i].name);
        cr_expect_eq(fd_cnt, 0, "%s", rows[i].name);
        cr_expect_eq(open_fd_cnt(), before, "%s", rows[i].name);
    }
}

Test(mem, eight_descriptors_just_fit, .init = connect_pair)
{
    char text[16];
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt;

    send_many(SL_MEM_FDS_MAX, 8);
    cr_assert_eq(sl_mem_recv(pair[1], text, sizeof(text), fds, &fd_cnt, 0), 8);
    cr_expect_eq(fd_cnt, SL_MEM_FDS_MAX);
}
