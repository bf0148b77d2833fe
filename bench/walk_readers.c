/* Whoever stands at the end of the wire: a reader of the tape, a bare socket, one thread that sends and looks. */
#include "bench/bench.h"
#include "bench/walk.h"
#include "pipeline/clock.h"
#include "pipeline/gen.h"
#include "pipeline/outlet.h"
#include "pipeline/receipts.h"
#include "pipeline/visit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int64_t end_of_patience(void) { return bench_now_ns() + WALK_PATIENCE_NS; }

static struct sl_reader *open_reader(const char *socket_path, bool spin)
{
    struct sl_reader_options options = {
        .size = sizeof(options), .socket = socket_path, .from = SL_FROM_OLDEST, .spin = spin, .journal = ""
    };
    struct sl_reader *reader = NULL;
    int64_t end_ns = end_of_patience();
    int rc;
    while ((rc = sl_reader_open(&reader, &options)) && bench_now_ns() < end_ns)
        usleep(10000);
    if (rc)
        walk_fail(socket_path, strerror(-rc));
    return reader;
}

/* ---- read ---- */

struct reading {
    bool only_counts; /* as a peer does that has no receipts to look at */
    struct sl_receipts *receipts;
    struct sl_hist due[SL_LANE_CNT]; /* from when a message was due until it was read */
    uint64_t cnt, missed;
    int64_t first_ns, last_ns, durable_ns; /* 0: there is no journal */
    uint64_t last_seq;
};

static void add(struct reading *reading, const struct sl_event *event)
{
    int64_t due_ns;
    if (event->type == SL_EVENT_MISSED)
        reading->missed += event->missed_last - event->missed_first + 1;
    if (event->type != SL_EVENT_BULLETIN)
        return;
    reading->last_ns = bench_now_ns();
    reading->first_ns = reading->first_ns ? reading->first_ns : reading->last_ns;
    reading->cnt++;
    reading->last_seq = event->seq;
    if (reading->only_counts)
        return;
    sl_receipts_add(reading->receipts, event);
    if (sl_gen_due(event->bulletin, &due_ns))
        sl_hist_record(&reading->due[event->lane], event->stamps.read_ns - due_ns);
}

static int write_hgrms(const struct reading *reading, const char *stem)
{
    char path[512];
    int rc = 0;
    for (unsigned lane = 0; stem && !rc && lane < SL_LANE_CNT; lane++) {
        snprintf(path, sizeof(path), "%s-%s.hgrm", stem, sl_lane_name(lane));
        if (reading->due[lane].cnt)
            rc = walk_write_hgrm(&reading->due[lane], path);
    }
    return rc ? walk_fail(path, strerror(-rc)) : 0;
}

static void tell_reading(const struct reading *reading)
{
    static struct sl_hist all;
    struct sl_facts facts = { 0 };
    sl_facts_open(&facts, NULL, '{');
    sl_facts_numbers(&facts, { "read", (int64_t)reading->cnt }, { "missed", (int64_t)reading->missed },
                     { "begin_ns", reading->first_ns }, { "end_ns", reading->last_ns },
                     { "durable_ns", reading->durable_ns });
    sl_facts_real(&facts, "cpu_s", walk_cpu_s());
    sl_facts_open(&facts, "due", '{');
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        walk_tell_hist(&facts, sl_lane_name(lane), &reading->due[lane]);
        sl_hist_merge(&all, &reading->due[lane]);
    }
    walk_tell_hist(&facts, "all", &all);
    sl_facts_close(&facts, '}');
    sl_receipts_tell(reading->receipts, &facts, "stages");
    sl_facts_close(&facts, '}');
    putchar('\n');
}

/* Until all that was read is on the disk, where there is a journal. */
static int await_journal(const char *socket_path, struct reading *reading)
{
    struct sl_visit visit;
    struct sl_mem mem;
    struct sl_books books;
    int rc = sl_visit_open(&visit, socket_path, SL_HELLO_STATUS_ONLY, "bench");
    if (rc)
        return rc;
    rc = visit.journal ? sl_visit_books(&visit, &mem, &books) : 0;
    for (int64_t end_ns = end_of_patience(); !rc && visit.journal && !reading->durable_ns;) {
        int64_t now_ns = bench_now_ns();
        if (sl_cell_get(&sl_books_tape(&books)[SL_TAPE_DURABLE_SEQ]) >= reading->last_seq)
            reading->durable_ns = now_ns;
        else if (now_ns > end_ns)
            rc = -ETIMEDOUT;
        else
            usleep(200);
    }
    sl_visit_close(&visit);
    return rc;
}

int walk_read(const char *socket_path, enum walk_reading how, uint64_t cnt, const char *hgrm_stem)
{
    static struct reading reading;
    struct sl_reader *reader = open_reader(socket_path, how == WALK_SPINS);
    reading.only_counts = how == WALK_COUNTS;
    struct sl_event event;
    reading.receipts = sl_receipts_new();
    if (!reader || !reading.receipts)
        return 1;
    fprintf(stderr, "ready\n");
    /* Where datagrams are lost not all come: who has waited long enough says how many did. */
    for (int64_t end_ns = end_of_patience(); reading.cnt + reading.missed < cnt && bench_now_ns() < end_ns;) {
        int rc = sl_reader_next(reader, &event, SL_TIME_NS / 10);
        if (rc == -EPIPE)
            break;
        if (rc && rc != -EINTR)
            return walk_fail(socket_path, strerror(-rc));
        add(&reading, &event);
        if (event.type == SL_EVENT_BULLETIN)
            end_ns = reading.last_ns + WALK_PATIENCE_NS;
    }
    int rc = await_journal(socket_path, &reading);
    if (rc)
        return walk_fail("the journal", strerror(-rc));
    tell_reading(&reading);
    sl_reader_close(reader);
    return write_hgrms(&reading, hgrm_stem);
}

/* ---- bare ---- */

#define BARE_BATCH 32u

int walk_bare(const char *port, uint64_t cnt)
{
    static uint8_t bufs[BARE_BATCH][65536];
    static struct sl_hist due;
    struct mmsghdr msgs[BARE_BATCH] = { 0 };
    struct iovec iovs[BARE_BATCH];
    struct sockaddr_in addr = { .sin_family = AF_INET,
                                .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct timeval patience = { .tv_sec = WALK_PATIENCE_NS / 1000000000 };
    int rcvbuf = 8 << 20, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof(rcvbuf)) ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) ||
        bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
        return walk_fail(port, strerror(errno));
    for (uint32_t i = 0; i < BARE_BATCH; i++) {
        iovs[i] = (struct iovec){ bufs[i], sizeof(bufs[i]) };
        msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iovs[i], .msg_iovlen = 1 };
    }
    fprintf(stderr, "ready\n");
    for (uint64_t got = 0; got < cnt;) {
        int n = recvmmsg(fd, msgs, BARE_BATCH, MSG_WAITFORONE, NULL);
        int64_t now_ns = sl_clock_real(NULL);
        if (n <= 0)
            break; /* what was lost does not come */
        for (int i = 0; i < n; i++) {
            int64_t due_ns = walk_due_ns((const char *)bufs[i], msgs[i].msg_len);
            if (due_ns)
                sl_hist_record(&due, now_ns - due_ns);
        }
        got += (uint64_t)n;
    }
    struct sl_facts facts = { 0 };
    sl_facts_open(&facts, NULL, '{');
    walk_tell_hist(&facts, "due", &due);
    sl_facts_real(&facts, "cpu_s", walk_cpu_s());
    sl_facts_close(&facts, '}');
    putchar('\n');
    return 0;
}

/* ---- ping ---- */

struct pinger {
    struct sl_gen gen;
    struct sl_outlet outlet;
    struct sl_reader *reader;
    uint8_t *message;
    uint32_t size;
    struct sl_hist whole, decode;
};

/* One message, and its bulletin.  The gap before it is spun away: sleeping would measure how this thread wakes. */
static int ping_once(struct pinger *pinger, int64_t gap_ns)
{
    struct sl_event event = { 0 };
    enum sl_lane lane;
    uint32_t len;
    for (int64_t end_ns = bench_now_ns() + gap_ns; bench_now_ns() < end_ns;)
        bench_relax();
    int64_t due_ns = sl_clock_real(NULL), end_ns = end_of_patience();
    int rc = sl_gen_message(&pinger->gen, pinger->message, pinger->size, due_ns, &len, &lane);
    int64_t sent_ns = sl_clock_real(NULL);
    if (!rc)
        rc = sl_outlet_send(&pinger->outlet, pinger->message, len);
    while (!rc && event.type != SL_EVENT_BULLETIN) {
        rc = sl_reader_next(pinger->reader, &event, 0);
        if (bench_now_ns() > end_ns)
            return -ETIMEDOUT;
    }
    if (rc)
        return rc;
    sl_hist_record(&pinger->whole, sl_clock_real(NULL) - sent_ns);
    sl_hist_record(&pinger->decode, event.stamps.decoded_ns - event.stamps.framed_ns);
    return 0;
}

int walk_ping(const char *url, const char *socket_path, uint64_t cnt, int64_t gap_ns, uint32_t size)
{
    static struct pinger pinger;
    static volatile sig_atomic_t stopped;
    struct sl_gen_shape shape = { .service = "png", .size_min = size, .size_max = size };
    char err[256] = "no memory";
    pinger.message = malloc(size);
    pinger.size = size;
    if (!bench_pin(0) || !pinger.message || sl_gen_init(&pinger.gen, 1, &shape) ||
        sl_outlet_open(&pinger.outlet, url, size, WALK_PATIENCE_NS, &stopped, err, sizeof(err)))
        return walk_fail(url, err);
    pinger.reader = open_reader(socket_path, true);
    int rc = pinger.reader ? 0 : -ENOENT;
    for (uint64_t i = 0; !rc && i < cnt + cnt / 10; i++) {
        if (i == cnt / 10) /* caches and branches have seen it by now */
            memset(&pinger.whole, 0, sizeof(pinger.whole)), memset(&pinger.decode, 0, sizeof(pinger.decode));
        rc = ping_once(&pinger, gap_ns);
    }
    if (rc)
        return walk_fail(url, strerror(-rc));
    struct sl_facts facts = { 0 };
    sl_facts_open(&facts, NULL, '{');
    walk_tell_hist(&facts, "whole", &pinger.whole);
    walk_tell_hist(&facts, "decode", &pinger.decode);
    sl_facts_close(&facts, '}');
    putchar('\n');
    sl_reader_close(pinger.reader);
    sl_outlet_close(&pinger.outlet);
    return 0;
}

/* ---- clock ---- */

int walk_clock(int64_t for_ns)
{
    static struct sl_hist gaps;
    bench_pin(0);
    int64_t before_ns = bench_now_ns(), end_ns = before_ns + for_ns;
    while (before_ns < end_ns) {
        int64_t now_ns = bench_now_ns();
        sl_hist_record(&gaps, now_ns - before_ns);
        before_ns = now_ns;
    }
    struct sl_facts facts = { 0 };
    sl_facts_open(&facts, NULL, '{');
    walk_tell_hist(&facts, "gaps", &gaps);
    sl_facts_close(&facts, '}');
    putchar('\n');
    return 0;
}
