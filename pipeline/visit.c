#include "pipeline/visit.h"

#include "pipeline/client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WELCOME_LEN_MAX (64u * 1024u)
#define ANSWER_S        1 /* the supervisor answers in microseconds unless it is being stopped */

const char *sl_visit_socket(const char *path)
{
    const char *told = getenv("SLUGLINE_SOCKET");

    if (path)
        return path;
    return told && *told ? told : SL_READER_DEFAULT_SOCKET;
}

static int dial(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct timeval bound = { .tv_sec = ANSWER_S };

    if (strlen(path) >= sizeof(addr.sun_path))
        return -ENAMETOOLONG;
    memcpy(addr.sun_path, path, strlen(path));
    int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (sock < 0)
        return -errno;
    /* The bound on sending is connect's too, which waits when many readers come at once. */
    if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof(bound)) ||
        setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound)) ||
        connect(sock, (const struct sockaddr *)&addr, sizeof(addr))) {
        int rc = errno == EAGAIN ? -ETIMEDOUT : -errno;
        close(sock);
        return rc;
    }
    return sock;
}

static int say_hello(int sock, unsigned flags, const char *name)
{
    struct sl_hello hello = { .magic = SL_HANDOUT_MAGIC, .version = SL_HANDOUT_VERSION, .flags = flags };

    memcpy(hello.name, name, strnlen(name, sizeof(hello.name)));
    int rc = sl_mem_send(sock, &hello, sizeof(hello), NULL, 0);
    return rc == -EAGAIN ? -ETIMEDOUT : rc;
}

/* The next name of the welcome's lists; NULL when there is none, or it is not one that may go to a terminal. */
static const char *take_name(const char **at, const char *end)
{
    const char *name = *at;
    size_t len = strnlen(name, (size_t)(end - name));

    if (name + len == end)
        return NULL;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return NULL;
    *at = name + len + 1;
    return name;
}

static int read_names(struct sl_visit *visit, size_t len)
{
    const struct sl_welcome *welcome = visit->welcome;
    const char *at = welcome->feeds, *end = (const char *)welcome + len;
    const char *node = welcome->node, *tape_name = welcome->tape_name;

    if (!take_name(&node, welcome->node + sizeof(welcome->node)) ||
        !take_name(&tape_name, welcome->tape_name + sizeof(welcome->tape_name)))
        return -EPROTO;
    if (welcome->feed_cnt > SL_VISIT_FEEDS_MAX || welcome->thread_cnt > SL_VISIT_THREADS_MAX)
        return -EPROTO;
    for (uint32_t i = 0; i < welcome->feed_cnt; i++)
        if (!(visit->feed[i] = take_name(&at, end)) || !*visit->feed[i])
            return -EPROTO;
    for (uint32_t i = 0; i < welcome->thread_cnt; i++)
        if (!(visit->thread[i] = take_name(&at, end)))
            return -EPROTO;
    if (at == end)
        return 0;
    visit->journal = take_name(&at, end);
    if (!visit->journal)
        return -EPROTO;
    if (!*visit->journal)
        visit->journal = NULL;
    return 0;
}

static int check_welcome(struct sl_visit *visit, size_t len)
{
    const struct sl_welcome *welcome = visit->welcome;

    /* The first members stand in every version. */
    if (len < offsetof(struct sl_welcome, status) + sizeof(welcome->status) || welcome->magic != SL_HANDOUT_MAGIC)
        return -EPROTO;
    if (welcome->version != SL_HANDOUT_VERSION)
        return -EPROTONOSUPPORT;
    if (welcome->status > 0 || welcome->status < -4095)
        return -EPROTO;
    if (welcome->status) {
        visit->answered = true;
        return welcome->status;
    }
    return len < sizeof(*welcome) ? -EPROTO : read_names(visit, len);
}

static int hear_welcome(struct sl_visit *visit)
{
    unsigned fd_cnt = 0;
    int fds[SL_MEM_FDS_MAX];
    ssize_t len = sl_mem_recv(visit->sock, visit->welcome, WELCOME_LEN_MAX, fds, &fd_cnt, 0);

    if (len == -EAGAIN)
        return -ETIMEDOUT;
    if (len < 0)
        return len == -EMSGSIZE ? -EPROTO : (int)len;
    memcpy(visit->fds, fds, fd_cnt * sizeof(fds[0]));
    /* It hung up without a word: it is being stopped just now. */
    return len ? check_welcome(visit, (size_t)len) : -ECONNREFUSED;
}

int sl_visit_open(struct sl_visit *visit, const char *path, unsigned flags, const char *name)
{
    *visit = (struct sl_visit){ .sock = -1 };
    for (size_t i = 0; i < SL_MEM_FDS_MAX; i++)
        visit->fds[i] = -1;
    visit->welcome = calloc(1, WELCOME_LEN_MAX);
    if (!visit->welcome)
        return -ENOMEM;
    int rc = visit->sock = dial(sl_visit_socket(path));
    if (rc >= 0)
        rc = say_hello(visit->sock, flags, name);
    if (!rc)
        rc = hear_welcome(visit);
    if (rc)
        sl_visit_close(visit);
    return rc;
}

/* What we only read, nobody but its one writer may be able to change: else any reader could make news for all. */
static int check_writers(int fd, bool writable)
{
    int seals = fcntl(fd, F_GET_SEALS);

    if (seals < 0)
        return -EPERM;
    return writable || seals & F_SEAL_FUTURE_WRITE ? 0 : -EPERM;
}

int sl_visit_map(struct sl_visit *visit, enum sl_handout_fd which, size_t len_min, bool writable, struct sl_mem *mem)
{
    int *fd = &visit->fds[which];

    if (*fd < 0)
        return -EPROTO;
    int rc = check_writers(*fd, writable);
    if (!rc)
        rc = sl_mem_open(mem, *fd, len_min, writable);
    if (rc) {
        *mem = (struct sl_mem){ .fd = -1 };
        return rc;
    }
    *fd = -1;
    return 0;
}

int sl_visit_books(struct sl_visit *visit, struct sl_mem *mem, struct sl_books *books)
{
    int rc = sl_visit_map(visit, SL_HANDOUT_BOOKS, 1, false, mem);

    if (rc)
        return rc;
    rc = sl_books_join(books, mem->addr, mem->len, visit->welcome->feed_cnt, visit->welcome->thread_cnt);
    if (rc)
        sl_mem_close(mem);
    return rc;
}

bool sl_visit_ended(const struct sl_visit *visit)
{
    /* Nothing more is ever said on it, so that something to read is the end too. */
    struct pollfd poll_fd = { .fd = visit->sock, .events = POLLIN | POLLRDHUP };

    return poll(&poll_fd, 1, 0) > 0;
}

void sl_visit_close(struct sl_visit *visit)
{
    for (size_t i = 0; i < SL_MEM_FDS_MAX; i++)
        if (visit->fds[i] >= 0)
            close(visit->fds[i]);
    if (visit->sock >= 0)
        close(visit->sock);
    free(visit->welcome);
    bool answered = visit->answered;
    *visit = (struct sl_visit){ .sock = -1, .answered = answered };
    for (size_t i = 0; i < SL_MEM_FDS_MAX; i++)
        visit->fds[i] = -1;
}
