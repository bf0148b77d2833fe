/* tests/pipeline/fake_daemon.h - a supervisor of a test's own, honest or not, with a tape that the test writes, and
 * what it expects a reader of that to be given.  For one test program with Criterion. */
#ifndef SL_TESTS_PIPELINE_FAKE_DAEMON_H
#define SL_TESTS_PIPELINE_FAKE_DAEMON_H

#include "pipeline/client.h"

#include "parsers/parse.h"
#include "pipeline/handout.h"
#include "pipeline/record.h"
#include "ring/counters.h"
#include "ring/log.h"
#include "ring/mem.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FOREVER_NS 20000000000ll /* long enough for any machine; a test that comes here has failed */
#define FEEDS      "dpa\0hot\0"

/* ---- a supervisor of our own, honest or not ---- */

enum lie {
    HONEST,
    WRONG_MAGIC,
    SHORT,
    VERY_SHORT,
    OTHER_VERSION,
    DENIED,
    POSITIVE_STATUS,
    ABSURD_STATUS,
    NO_DESCRIPTORS,
    NO_SEAT,
    NO_RAW,
    UNSEALED_TAPE,
    WRITABLE_TAPE,
    SMALL_TAPE,
    EMPTY_TAPE,
    OTHER_EPOCH,
    EPOCH_0,
    UNSEALED_SEAT,
    SMALL_SEAT_IDX,
    MANY_FEEDS,
    NAMES_CUT,
    NAME_WITH_ESCAPE,
    NODE_UNENDED,
    HANGS_UP,
    PIPE_FOR_TAPE,
};

struct fake {
    char folder[64], path[96];
    char journal[96]; /* as the welcome says it; "": says nothing of one */
    uint64_t first_seq; /* of the tape */
    int listen_fd, stop_fd, conn_fd;
    pthread_t thread;
    enum lie lie;
    struct sl_mem tape_mem, raw_mem, seat_mem;
    struct sl_log_tx tape, raw;
    uint64_t epoch;
    uint32_t seat_idx;
    _Atomic unsigned hello_cnt;
    struct sl_hello hello;
};

static void make_log(struct sl_mem *mem, struct sl_log_tx *tx, uint64_t epoch, uint64_t len, uint64_t first_seq,
                     enum lie lie)
{
    struct sl_log_config config = { .bytes_len = len,
                                    .epoch = lie == OTHER_EPOCH ? epoch + 1 : epoch,
                                    .first_seq = first_seq };
    cr_assert_eq(sl_mem_create(mem, "tape", sl_log_footprint(&config), 0), 0);
    cr_assert_eq(sl_log_new(mem->addr, &config), 0);
    cr_assert_eq(sl_log_join_tx(tx, mem->addr), 0);
}

/* What stands in for a log in the rows of lies. */
static int bad_tape(const struct fake *fake)
{
    struct sl_mem mem = { .fd = -1 };
    int pipes[2], fd;
    uint32_t len = fake->lie == SMALL_TAPE ? 4096 : (uint32_t)fake->tape_mem.len;

    if (fake->lie == PIPE_FOR_TAPE) {
        cr_assert_eq(pipe(pipes), 0);
        close(pipes[1]);
        return pipes[0];
    }
    cr_assert_eq(sl_mem_create(&mem, "bad", len, 0), 0);
    if (fake->lie != EMPTY_TAPE)
        memcpy(mem.addr, fake->tape_mem.addr, len);
    if (fake->lie != UNSEALED_TAPE)
        sl_mem_seal(&mem, fake->lie == WRITABLE_TAPE);
    fd = dup(mem.fd);
    sl_mem_close(&mem);
    return fd;
}

static bool lies_with_tape(enum lie lie)
{
    return lie == UNSEALED_TAPE || lie == WRITABLE_TAPE || lie == SMALL_TAPE || lie == EMPTY_TAPE ||
           lie == PIPE_FOR_TAPE;
}

static size_t write_welcome(const struct fake *fake, struct sl_welcome *welcome)
{
    size_t len = sizeof(*welcome) + sizeof(FEEDS) - 1;
    size_t journal_len = strlen(fake->journal);

    welcome->magic = fake->lie == WRONG_MAGIC ? 1 : SL_HANDOUT_MAGIC;
    welcome->version = SL_HANDOUT_VERSION + (fake->lie == OTHER_VERSION);
    welcome->status = fake->lie == DENIED            ? -EACCES
                      : fake->lie == POSITIVE_STATUS ? 5
                      : fake->lie == ABSURD_STATUS   ? INT32_MIN
                                                     : 0;
    welcome->epoch = fake->lie == EPOCH_0 ? 0 : fake->epoch;
    welcome->seat_idx = fake->lie == SMALL_SEAT_IDX ? SL_LOG_SEATS : fake->seat_idx;
    welcome->feed_cnt = fake->lie == MANY_FEEDS ? UINT32_MAX : fake->lie == NAMES_CUT ? 3 : 2;
    memcpy(welcome->feeds, FEEDS, sizeof(FEEDS) - 1);
    if (fake->lie == NAME_WITH_ESCAPE)
        welcome->feeds[1] = 0x1b;
    memset(welcome->node, fake->lie == NODE_UNENDED ? 'n' : 0, sizeof(welcome->node));
    if (journal_len) {
        memcpy((char *)welcome + len, fake->journal, journal_len + 1);
        len += journal_len + 1;
    }
    return fake->lie == SHORT ? sizeof(*welcome) - 1 : fake->lie == VERY_SHORT ? 9 : len;
}

static void welcome_one(struct fake *fake, int fd)
{
    char buf[4096] = "";
    struct sl_mem seat = { .fd = -1 };
    int fds[4], tape_fd = fake->tape_mem.fd;

    cr_assert_eq(recv(fd, &fake->hello, sizeof(fake->hello), 0), (ssize_t)sizeof(fake->hello));
    if (fake->lie == HANGS_UP) {
        close(fd);
        return;
    }
    size_t len = write_welcome(fake, (struct sl_welcome *)buf);
    cr_assert_eq(sl_mem_create(&seat, "seat", sizeof(struct sl_seat), 0), 0);
    if (fake->lie != UNSEALED_SEAT)
        sl_mem_seal(&seat, true);
    if (lies_with_tape(fake->lie))
        tape_fd = bad_tape(fake);
    fds[SL_HANDOUT_BOOKS] = fake->tape_mem.fd; /* a reader does not look at it */
    fds[SL_HANDOUT_TAPE] = tape_fd;
    fds[SL_HANDOUT_SEAT] = seat.fd;
    fds[SL_HANDOUT_RAW] = fake->raw_mem.fd;
    unsigned cnt = fake->lie == NO_DESCRIPTORS || fake->lie == DENIED ? 0
                   : fake->lie == NO_SEAT                             ? 2
                   : fake->lie == NO_RAW                              ? 3
                                                                      : 4;
    /* Before the welcome: whoever has it goes on at once. */
    if (fake->seat_mem.addr)
        sl_mem_close(&fake->seat_mem);
    fake->seat_mem = seat;
    sl_log_attach(&fake->tape, fake->seat_idx, seat.addr, fake->hello.flags & SL_HELLO_GATING);
    fake->conn_fd = fd;
    sl_mem_send(fd, buf, len, fds, cnt);
    if (tape_fd != fake->tape_mem.fd)
        close(tape_fd);
}

static void *serve(void *arg)
{
    struct fake *fake = arg;

    for (;;) {
        struct pollfd fds[] = {
            {.fd = fake->listen_fd, .events = POLLIN},
            { .fd = fake->stop_fd,  .events = POLLIN}
        };
        poll(fds, 2, -1);
        if (fds[1].revents)
            return NULL;
        int fd = accept4(fake->listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        welcome_one(fake, fd);
        atomic_fetch_add(&fake->hello_cnt, 1);
    }
}

static void listen_at(struct fake *fake)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", fake->path);
    unlink(fake->path);
    fake->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fake->listen_fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    cr_assert_eq(listen(fake->listen_fd, 8), 0);
    fake->stop_fd = eventfd(0, EFD_CLOEXEC);
    fake->conn_fd = -1;
    cr_assert_eq(pthread_create(&fake->thread, NULL, serve, fake), 0);
}

static void make_memory(struct fake *fake, uint64_t epoch, uint64_t tape_len)
{
    fake->epoch = epoch;
    make_log(&fake->tape_mem, &fake->tape, epoch, tape_len, fake->first_seq, fake->lie);
    make_log(&fake->raw_mem, &fake->raw, epoch, 65536, 1, HONEST);
    /* Sealed later than a real one, but before anybody looks; this process keeps the mapping it has. */
    cr_assert_eq(sl_mem_seal(&fake->tape_mem, false), 0);
    cr_assert_eq(sl_mem_seal(&fake->raw_mem, false), 0);
}

static struct fake *start(uint64_t tape_len, enum lie lie)
{
    static struct fake fake;
    memset(&fake, 0, sizeof(fake));
    fake.lie = lie;
    fake.seat_idx = 5;
    fake.first_seq = 1;
    fake.seat_mem.fd = -1;
    strcpy(fake.folder, "/tmp/slugline-client-XXXXXX");
    cr_assert(mkdtemp(fake.folder));
    snprintf(fake.path, sizeof(fake.path), "%s/tape.sock", fake.folder);
    make_memory(&fake, 0xe1, tape_len);
    listen_at(&fake);
    return &fake;
}

static void hang_up(struct fake *fake)
{
    if (fake->conn_fd >= 0)
        close(fake->conn_fd);
    fake->conn_fd = -1;
}

/* As a daemon that ends: nobody answers any more, and every reader is told. */
static void die(struct fake *fake)
{
    uint64_t one = 1;
    cr_assert_eq(write(fake->stop_fd, &one, sizeof(one)), (ssize_t)sizeof(one));
    pthread_join(fake->thread, NULL);
    close(fake->stop_fd);
    close(fake->listen_fd);
    unlink(fake->path);
    hang_up(fake);
}

static void drop_memory(struct fake *fake)
{
    sl_log_detach(&fake->tape, fake->seat_idx);
    sl_log_poll_gates(&fake->tape);
    sl_mem_close(&fake->seat_mem);
    sl_mem_close(&fake->tape_mem);
    sl_mem_close(&fake->raw_mem);
}

static void stop(struct fake *fake)
{
    die(fake);
    drop_memory(fake);
    rmdir(fake->folder);
}

static inline void start_again(struct fake *fake, uint64_t epoch)
{
    drop_memory(fake);
    make_memory(fake, epoch, 65536);
    listen_at(fake);
}

/* ---- records ---- */

static _Alignas(64) uint8_t record_mem[512 * 1024];

static struct sl_record *begin_record(const struct fake *fake, uint8_t kind, uint8_t verdict)
{
    struct sl_record *record = (struct sl_record *)record_mem;
    *record = (struct sl_record){
        .kind = kind,
        .verdict = verdict,
        .lane = SL_LANE_URGENT,
        .epoch = fake->epoch,
        .feed = 1,
        .arrival = 77,
        .raw_seq = 3,
        .line = 2,
        .flags = SL_RECORD_AFTER_GAP,
        .wire_source = 2,
        .part = 4,
        .stamps = {1000, 2000, 3000, 4000, 5000, 6000},
    };
    return record;
}

static uint32_t write_bulletin(const char *headline, uint32_t body_len)
{
    static struct sl_out out;
    char c = 'x';
    sl_out_begin(&out, record_mem + sizeof(struct sl_record), sizeof(record_mem) - sizeof(struct sl_record),
                 SL_FORMAT_TEXT);
    sl_out_text(&out, SL_TEXT_ID, headline, (uint32_t)strlen(headline));
    sl_out_text(&out, SL_TEXT_PROVIDER, "slg", 3);
    sl_out_text(&out, SL_TEXT_HEADLINE, headline, (uint32_t)strlen(headline));
    sl_out_open(&out);
    for (uint32_t i = 0; i < body_len; i++)
        sl_out_put(&out, &c, 1);
    sl_out_set(&out, SL_TEXT_BODY, sl_out_close(&out));
    uint32_t len = sl_out_finish(&out);
    cr_assert_gt(len, 0);
    return len;
}

static uint64_t put_record(struct sl_log_tx *tx, uint32_t len)
{
    sl_log_poll_gates(tx);
    void *to = sl_log_claim(tx, len, 0);
    cr_assert(to);
    sl_log_copy(to, record_mem, len);
    uint64_t seq = sl_log_publish(tx, len);
    if (sl_log_sleepers(tx))
        sl_log_wake(tx);
    return seq;
}

static uint64_t publish_at(struct fake *fake, const char *headline, uint32_t body_len, int64_t published_ns)
{
    struct sl_record *record = begin_record(fake, SL_KIND_NEWS, SL_VERDICT_PASSED);
    record->stamps.published_ns = published_ns;
    return put_record(&fake->tape, (uint32_t)sizeof(*record) + write_bulletin(headline, body_len));
}

static uint64_t publish(struct fake *fake, const char *headline) { return publish_at(fake, headline, 10, 6000); }

static inline uint64_t publish_notice(struct fake *fake, uint8_t kind, const char *text)
{
    struct sl_record *record = begin_record(fake, kind, SL_VERDICT_MADE);
    struct sl_notice *notice = (struct sl_notice *)(record + 1);
    *notice = (struct sl_notice){ .first = 11,
                                  .cnt = 2,
                                  .until_ns = 99,
                                  .code = SL_PARSE_BAD_HEADER,
                                  .off = 42,
                                  .text_len = (uint32_t)strlen(text) };
    memcpy(notice->text, text, strlen(text));
    return put_record(&fake->tape, (uint32_t)(sizeof(*record) + offsetof(struct sl_notice, text) + strlen(text)));
}

static struct sl_reader *join(const struct fake *fake, struct sl_reader_options options)
{
    struct sl_reader *reader = NULL;
    options.size = sizeof(options);
    options.socket = fake->path;
    options.name = "a test";
    cr_assert_eq(sl_reader_open(&reader, &options), 0);
    return reader;
}

static struct sl_event event;

static void expect_headline(struct sl_reader *reader, const char *headline)
{
    cr_assert_eq(sl_reader_next(reader, &event, FOREVER_NS), 0, "%s", headline);
    cr_assert_eq(event.type, SL_EVENT_BULLETIN, "%s: event %d", headline, event.type);
    struct sl_slice got = sl_bulletin_text(event.bulletin, SL_TEXT_HEADLINE);
    cr_assert(got.len == strlen(headline) && !memcmp(got.data, headline, got.len), "%.*s for %s", (int)got.len,
              got.data, headline);
}

static void expect_event(struct sl_reader *reader, enum sl_event_type type)
{
    cr_assert_eq(sl_reader_next(reader, &event, FOREVER_NS), 0);
    cr_assert_eq(event.type, type, "event %d for %d", event.type, type);
}

static void expect_none(struct sl_reader *reader)
{
    cr_assert_eq(sl_reader_next(reader, &event, 0), 0);
    cr_assert_eq(event.type, SL_EVENT_NONE);
}

static void expect_gone(struct sl_reader *reader) { cr_assert_eq(sl_reader_next(reader, &event, FOREVER_NS), -EPIPE); }

static inline void rejoin(struct sl_reader *reader)
{
    int rc;
    while ((rc = sl_reader_next(reader, &event, FOREVER_NS)) == -EPIPE)
        ;
    cr_assert_eq(rc, 0);
}

#endif
