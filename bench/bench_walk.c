/* bench/bench_walk - the whole walk, from the wire to a reader: rates, and latencies from when a message was due.
 *
 *   bench_walk flood PORT control|lines SIZE COUNT   to 127.0.0.1, as fast as it is taken
 *   bench_walk drain PORT listen|dial lines|frames COUNT
 *   bench_walk read SOCKET sleep|spin COUNT [STEM]   receipts, and STEM-LANE.hgrm
 *   bench_walk read SOCKET count COUNT               sleeps, and only counts
 *   bench_walk bare PORT COUNT                       datagrams by a blocking recvmmsg
 *   bench_walk ping URL SOCKET COUNT GAP_NS SIZE     one thread sends and looks
 *   bench_walk clock NS                              a loop that only reads the clock
 *   bench_walk limits                                what this machine can do at all
 *   bench_walk stages FORMAT SIZE ROUNDS             frame, decode, desk and reader on one thread
 *   bench_walk machine
 */
#include "bench/walk.h"
#include "bench/bench.h"
#include "pipeline/clock.h"
#include "pipeline/gen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int walk_fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_walk: %s: %s\n", what, why);
    return 1;
}

double walk_cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* ---- histograms ---- */

#define TICKS_PER_HALVING 5u
#define HALVINGS          20u /* to 99.9999 % */

/* The percentiles of HdrHistogram's iterator: the same number of steps in each half of what is left to 100. */
static double tick(uint32_t idx)
{
    double begin = 100, left = 100;
    for (uint32_t i = 0; i < idx / TICKS_PER_HALVING; i++)
        left /= 2;
    begin -= left;
    return begin + left / 2 / TICKS_PER_HALVING * (idx % TICKS_PER_HALVING);
}

static uint32_t tick_cnt(const struct sl_hist *hist)
{
    uint32_t cnt = 1;
    while (cnt < TICKS_PER_HALVING * HALVINGS && (100 - tick(cnt)) * (double)hist->cnt >= 100)
        cnt++;
    return cnt;
}

void walk_tell_hist(struct sl_facts *facts, const char *name, const struct sl_hist *hist)
{
    sl_facts_open(facts, name, '{');
    sl_facts_numbers(facts, { "count", (int64_t)hist->cnt }, { "negative", (int64_t)hist->negative_cnt },
                     { "min", hist->min }, { "p50", sl_hist_percentile(hist, 50) },
                     { "p90", sl_hist_percentile(hist, 90) }, { "p99", sl_hist_percentile(hist, 99) },
                     { "p99.9", sl_hist_percentile(hist, 99.9) }, { "max", hist->max });
    sl_facts_open(facts, "curve", '[');
    for (uint32_t i = 0; hist->cnt && i < tick_cnt(hist); i++) {
        sl_facts_open(facts, NULL, '[');
        sl_facts_real(facts, NULL, tick(i));
        sl_facts_real(facts, NULL, (double)sl_hist_percentile(hist, tick(i)));
        sl_facts_close(facts, ']');
    }
    sl_facts_close(facts, ']');
    sl_facts_close(facts, '}');
}

int walk_write_hgrm(const struct sl_hist *hist, const char *path)
{
    FILE *file = fopen(path, "we");
    if (!file)
        return -errno;
    fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for (uint32_t i = 0; hist->cnt && i < tick_cnt(hist); i++) {
        double share = tick(i) / 100;
        fprintf(file, "%12.3f %14.12f %10.0f %14.2f\n", (double)sl_hist_percentile(hist, tick(i)) / 1e3, share,
                share * (double)hist->cnt, 1 / (1 - share));
    }
    fprintf(file, "%12.3f %14.12f %10" PRIu64 "\n", (double)hist->max / 1e3, 1.0, hist->cnt);
    fprintf(file, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n", (double)hist->max / 1e3, hist->cnt);
    return fclose(file) ? -errno : 0;
}

int64_t walk_due_ns(const char *data, size_t len)
{
    static const char word[] = "due ";
    for (const char *at = data; (at = memmem(at, len - (size_t)(at - data), word, sizeof(word) - 1)); at++) {
        char *end;
        char digits[24] = "";
        size_t left = len - (size_t)(at - data) - (sizeof(word) - 1);
        memcpy(digits, at + sizeof(word) - 1, left < sizeof(digits) - 1 ? left : sizeof(digits) - 1);
        long long due_ns = strtoll(digits, &end, 10);
        if (end - digits == 19) /* ns since 1970 have 19 digits for the next two hundred years */
            return due_ns;
    }
    return 0;
}

/* ---- sockets ---- */

static struct sockaddr_in loopback(const char *port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int walk_dial(const char *port)
{
    struct sockaddr_in addr = loopback(port);
    int64_t end_ns = bench_now_ns() + WALK_PATIENCE_NS;
    do {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && !connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
            return fd;
        close(fd);
        usleep(10000);
    } while (bench_now_ns() < end_ns);
    return -walk_fail(port, "nobody listens there");
}

int walk_accept(const char *port)
{
    struct sockaddr_in addr = loopback(port);
    int one = 1, listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listen_fd < 0 || setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        bind(listen_fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(listen_fd, 1))
        return -walk_fail(port, strerror(errno));
    fprintf(stderr, "ready\n");
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    close(listen_fd);
    fprintf(stderr, "joined\n");
    return fd >= 0 ? fd : -walk_fail(port, strerror(errno));
}

/* ---- a wire that is never silent ---- */

#define WRITE_LEN (64u << 10)

static bool write_all(int fd, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t took = send(fd, data, len, MSG_NOSIGNAL);
        if (took < 0 && errno != EINTR)
            return false;
        if (took > 0) {
            data += took;
            len -= (size_t)took;
        }
    }
    return true;
}

/* The bytes of a message without what parts messages, so that a relay of lines has as many to carry. */
static void make_line(uint8_t *data, uint32_t len)
{
    for (uint32_t i = 0; i < len; i++)
        data[i] = i + 1 == len ? '\n' : data[i] < ' ' ? ' ' : data[i];
}

int walk_flood(const char *port, bool lines, uint32_t size, uint64_t cnt)
{
    static struct sl_gen gen;
    struct sl_gen_shape shape = { .service = "wlk", .size_min = size, .size_max = size };
    int fd = walk_dial(port);
    uint8_t *buf = malloc(WRITE_LEN + size);
    uint64_t bytes = 0;
    uint32_t filled = 0;
    if (fd < 0 || !buf || sl_gen_init(&gen, 1, &shape))
        return walk_fail("flood", "a size of 512 bytes or more, and somebody who listens, is expected");
    int64_t begin_ns = bench_now_ns(), real_ns = sl_clock_real(NULL) - begin_ns;
    for (uint64_t i = 0; i < cnt; i++) {
        enum sl_lane lane;
        uint32_t len;
        sl_gen_message(&gen, buf + filled, size, real_ns + bench_now_ns(), &len, &lane);
        if (lines)
            make_line(buf + filled, len);
        filled += len;
        if (filled < WRITE_LEN && i + 1 < cnt)
            continue;
        if (!write_all(fd, buf, filled))
            return walk_fail("flood", strerror(errno));
        bytes += filled;
        filled = 0;
    }
    printf("{\"sent\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"begin_ns\":%" PRId64 ",\"seconds\":%.6f,\"cpu_s\":%.6f}\n",
           cnt, bytes, begin_ns, (double)(bench_now_ns() - begin_ns) / 1e9, walk_cpu_s());
    shutdown(fd, SHUT_WR);
    char rest[256];
    while (recv(fd, rest, sizeof(rest), 0) > 0) /* whoever hangs up first may lose what is under way */
        ;
    close(fd);
    return 0;
}

/* ---- a peer that wants it all ---- */

struct counter {
    uint64_t cnt, bytes, sum;
    uint32_t left, head_len; /* of a frame; its head comes in pieces, too */
    uint8_t head[8];
};

static void count_lines(struct counter *counter, const uint8_t *data, size_t len)
{
    const uint8_t *end = data + len;
    while ((data = memchr(data, '\n', (size_t)(end - data)))) {
        counter->cnt++;
        data++;
    }
}

/* struct sl_sink_frame begins with the length of frame and bulletin, then its magic. */
static void count_frames(struct counter *counter, const uint8_t *data, size_t len)
{
    while (len) {
        if (counter->left) {
            size_t step = counter->left < len ? counter->left : len;
            counter->left -= (uint32_t)step;
            counter->cnt += !counter->left;
            data += step;
            len -= step;
            continue;
        }
        counter->head[counter->head_len++] = *data++;
        len--;
        if (counter->head_len < sizeof(counter->head))
            continue;
        uint32_t frame_len;
        memcpy(&frame_len, counter->head, sizeof(frame_len));
        counter->left = frame_len - (uint32_t)sizeof(counter->head);
        counter->head_len = 0;
    }
}

int walk_drain(const char *port, bool listens, bool frames, uint64_t cnt)
{
    static uint8_t buf[256u << 10];
    static const char want[] = "binary from=oldest\n";
    struct counter counter = { 0 };
    int fd = listens ? walk_accept(port) : walk_dial(port);
    if (fd < 0)
        return 1;
    if (!listens && !write_all(fd, (const uint8_t *)want + (frames ? 0 : 7), sizeof(want) - 1 - (frames ? 0 : 7)))
        return walk_fail("drain", strerror(errno));
    if (!listens)
        fprintf(stderr, "ready\n");
    int64_t first_ns = 0;
    while (counter.cnt < cnt) {
        ssize_t got = recv(fd, buf, sizeof(buf), 0);
        if (got <= 0)
            return walk_fail("drain", got ? strerror(errno) : "the other side hung up before all had come");
        first_ns = first_ns ? first_ns : bench_now_ns();
        counter.bytes += (uint64_t)got;
        for (ssize_t i = 0; i + 8 <= got; i += 8) {
            uint64_t word;
            memcpy(&word, buf + i, sizeof(word));
            counter.sum += word;
        }
        if (frames)
            count_frames(&counter, buf, (size_t)got);
        else
            count_lines(&counter, buf, (size_t)got);
    }
    bench_use(&counter.sum);
    printf("{\"received\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"begin_ns\":%" PRId64 ",\"end_ns\":%" PRId64
           ",\"cpu_s\":%.6f}\n",
           counter.cnt, counter.bytes, first_ns, bench_now_ns(), walk_cpu_s());
    return 0;
}

/* ---- the command line ---- */

static uint64_t number(const char *text) { return strtoull(text, NULL, 10); }

static enum walk_reading reading_of(const char *word)
{
    return !strcmp(word, "spin") ? WALK_SPINS : !strcmp(word, "count") ? WALK_COUNTS : WALK_SLEEPS;
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    char **arg = argv + 2;
    int cnt = argc - 2;
    if (!strcmp(word, "flood") && cnt == 4)
        return walk_flood(arg[0], !strcmp(arg[1], "lines"), (uint32_t)number(arg[2]), number(arg[3]));
    if (!strcmp(word, "drain") && cnt == 4)
        return walk_drain(arg[0], !strcmp(arg[1], "listen"), !strcmp(arg[2], "frames"), number(arg[3]));
    if (!strcmp(word, "read") && (cnt == 3 || cnt == 4))
        return walk_read(arg[0], reading_of(arg[1]), number(arg[2]), cnt == 4 ? arg[3] : NULL);
    if (!strcmp(word, "bare") && cnt == 2)
        return walk_bare(arg[0], number(arg[1]));
    if (!strcmp(word, "ping") && cnt == 5)
        return walk_ping(arg[0], arg[1], number(arg[2]), (int64_t)number(arg[3]), (uint32_t)number(arg[4]));
    if (!strcmp(word, "clock") && cnt == 1)
        return walk_clock((int64_t)number(arg[0]));
    if (!strcmp(word, "limits") && !cnt)
        return walk_limits();
    if (!strcmp(word, "stages") && cnt == 3)
        return walk_stages(arg[0], (uint32_t)number(arg[1]), (uint32_t)number(arg[2]));
    if (!strcmp(word, "machine") && !cnt) {
        bench_print_machine("walk", "from the wire to a reader: rates, and latencies from when a message was due");
        return 0;
    }
    return walk_fail("usage", "bench_walk WORD ...: see the head of bench/bench_walk.c"), 2;
}
