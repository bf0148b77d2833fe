#include "pipeline/commands.h"

#include "pipeline/client.h"
#include "pipeline/clock.h"
#include "pipeline/facts.h"
#include "pipeline/receipts.h"
#include "pipeline/record.h"
#include "pipeline/visit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GROUP           "239.255.79.1"
#define UP_NS           (5 * SL_TIME_NS) /* how long the daemon may take to start */
#define UP_DPDK_NS      (20 * SL_TIME_NS) /* and DPDK, which looks for all drivers there are */
#define SETTLE_NS       (3 * SL_TIME_NS) /* and to have on the tape what was sent */
#define END_NS          (7 * SL_TIME_NS) /* and to end */
#define SENDERS_LATE_NS (3 * SL_TIME_NS)
#define LOOK_NS         20000000ll
#define TAIL_NS         400000000ll
#define WAITED_LOOK     8192u /* records behind a FLASH among which those are looked for that it overtook */
#define SATURATING_RATE 200000u /* more than two cores carry, so the line waits for us all the time */
#define OVERTAKING_RATE 200u
#define RATE_MAX        10000000u

enum { FEED_TCP, FEED_UDP, FEED_CNT };

struct trace { /* of each bulletin, in the order of the tape */
    int64_t framed_ns, published_ns;
    bool flash;
};

struct sender {
    pid_t pid; /* 0: ended */
    int pipe_fd;
    int status;
    uint64_t sent, refused;
};

struct demo {
    int64_t for_ns;
    uint64_t rate;
    bool overtake; /* BULK saturates one line, FLASH comes by the other */
    bool json, dpdk;
    char cable[96]; /* the socket of a virtual one */
    char folder[64], socket[96], config[96], log[96], exe[256];
    char url[FEED_CNT][192]; /* where the senders send */
    char line[FEED_CNT][192]; /* where the daemon receives */
    bool multicast;
    pid_t daemon_pid;
    int daemon_status;
    struct sender senders[FEED_CNT];
    struct sl_reader *reader;
    struct sl_visit visit;
    struct sl_mem books_mem;
    struct sl_books books;
    struct sl_receipts *receipts;
    struct sl_hist whole; /* from the wire to here, all lanes */
    struct trace *traces;
    size_t trace_cnt, trace_cap;
    uint64_t read_cnt, missed_cnt, second_cnt;
    int64_t start_ns, tail_ns, second_ns;
};

static const char *feed_name(const struct demo *demo, unsigned feed)
{
    return feed == FEED_TCP ? "tcp" : demo->dpdk ? "dpdk" : "udp";
}

static int complain(const char *what, int rc)
{
    fprintf(stderr, "slugline: demo: %s: %s\n", what, strerror(-rc));
    return rc;
}

/* ---- where the wires go ---- */

static int bind_loopback(int type, struct sockaddr_in *addr)
{
    socklen_t len = sizeof(*addr);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    *addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (fd >= 0 && !bind(fd, (struct sockaddr *)addr, sizeof(*addr)) && !getsockname(fd, (struct sockaddr *)addr, &len))
        return fd;
    int rc = -errno;
    if (fd >= 0)
        close(fd);
    return rc;
}

static int find_port(int type, uint16_t *port)
{
    struct sockaddr_in addr;
    int fd = bind_loopback(type, &addr);

    if (fd < 0)
        return fd;
    *port = ntohs(addr.sin_port);
    close(fd);
    return 0;
}

/* One datagram to the group and back, as the daemon and the sender will do it. */
static bool hears_multicast(int fd, uint16_t port)
{
    struct ip_mreqn group = { .imr_ifindex = (int)if_nametoindex("lo") };
    struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

    inet_pton(AF_INET, GROUP, &group.imr_multiaddr);
    addr.sin_addr = group.imr_multiaddr;
    return !bind(fd, (struct sockaddr *)&addr, sizeof(addr)) &&
           !setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) &&
           !setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &group, sizeof(group)) &&
           sendto(fd, "?", 1, 0, (struct sockaddr *)&addr, sizeof(addr)) == 1 && poll(&poll_fd, 1, 300) == 1;
}

static bool multicast_works(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool works = fd >= 0 && hears_multicast(fd, port);
    if (fd >= 0)
        close(fd);
    return works;
}

static int choose_lines(struct demo *demo)
{
    uint16_t tcp, udp;
    int rc = find_port(SOCK_STREAM, &tcp);

    if (!rc)
        rc = find_port(SOCK_DGRAM, &udp);
    if (rc)
        return complain("a port on 127.0.0.1", rc);
    demo->multicast = multicast_works(udp);
    if (!demo->multicast)
        fputs("slugline: demo: multicast does not work on lo here; datagrams go to 127.0.0.1\n", stderr);
    snprintf(demo->url[FEED_TCP], sizeof(demo->url[0]), "tcp://127.0.0.1:%u", tcp);
    snprintf(demo->line[FEED_TCP], sizeof(demo->line[0]), "tcp-listen://127.0.0.1:%u", tcp);
    snprintf(demo->url[FEED_UDP], sizeof(demo->url[0]), "udp://%s:%u%s", demo->multicast ? GROUP : "127.0.0.1", udp,
             demo->multicast ? "?interface=lo" : "");
    memcpy(demo->line[FEED_UDP], demo->url[FEED_UDP], sizeof(demo->line[0]));
    return 0;
}

static int write_config(const struct demo *demo)
{
    FILE *file = fopen(demo->config, "wxe");

    if (!file)
        return -errno;
    fprintf(file,
            "node: demo\n"
            "tape: {name: demo, size: 64MiB, raw: 64MiB, hold: 1MiB, socket: \"%s\"}\n"
            "feeds:\n"
            "  - {name: tcp, format: iptc7901, framing: control, lines: [\"%s\"]}\n"
            "  - {name: %s, format: iptc7901, framing: datagram, lines: [\"%s\"]}\n",
            demo->socket, demo->line[FEED_TCP], feed_name(demo, FEED_UDP), demo->line[FEED_UDP]);
    return fclose(file) ? -errno : 0;
}

/* The daemon's end is the one that survives whoever leaves.  Memory of both is shared by what the socket hands over: no
 * kernel between them, no card, no root, and huge pages only where there are some. */
static void lay_cable(struct demo *demo)
{
    snprintf(demo->line[FEED_UDP], sizeof(demo->line[0]), "dpdk://net_vhost0,iface=%s,queues=1/%s:5001", demo->cable,
             GROUP);
    snprintf(demo->url[FEED_UDP], sizeof(demo->url[0]),
             "dpdk://net_virtio_user0,path=%s,queues=1,queue_size=1024,server=0/%s:5001", demo->cable, GROUP);
}

static int make_folder(struct demo *demo)
{
    /* A socket's path must be short, so that TMPDIR, which may be long, is not asked. */
    strcpy(demo->folder, "/tmp/slugline-demo-XXXXXX");
    if (!mkdtemp(demo->folder)) {
        demo->folder[0] = '\0';
        return complain("a folder in /tmp", -errno);
    }
    snprintf(demo->socket, sizeof(demo->socket), "%s/tape.sock", demo->folder);
    snprintf(demo->config, sizeof(demo->config), "%s/slugline.yaml", demo->folder);
    snprintf(demo->log, sizeof(demo->log), "%s/daemon.log", demo->folder);
    snprintf(demo->cable, sizeof(demo->cable), "%s/cable", demo->folder);
    if (demo->dpdk)
        lay_cable(demo);
    int rc = write_config(demo);
    return rc ? complain(demo->config, rc) : 0;
}

/* ---- children ---- */

/* A child of our own program in a process group of its own, since a terminal's Ctrl-C is ours to pass on, and with our
 * end as its end. */
static pid_t spawn(const struct demo *demo, char *const *argv, int out_fd, int err_fd, int death_signal)
{
    pid_t parent = getpid(), pid = fork();

    if (pid)
        return pid < 0 ? -errno : pid;
    prctl(PR_SET_PDEATHSIG, death_signal);
    setpgid(0, 0);
    if (getppid() != parent || (out_fd >= 0 && dup2(out_fd, STDOUT_FILENO) < 0) ||
        (err_fd >= 0 && dup2(err_fd, STDERR_FILENO) < 0))
        _exit(127);
    execv(demo->exe, argv);
    _exit(127);
}

static int start_daemon(struct demo *demo)
{
    char *argv[] = { "slugline", "run", "-c", demo->config, NULL };
    int log_fd = open(demo->log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (log_fd < 0)
        return complain(demo->log, -errno);
    pid_t pid = spawn(demo, argv, log_fd, log_fd, SIGTERM);
    close(log_fd);
    if (pid < 0)
        return complain("the daemon", pid);
    demo->daemon_pid = pid;
    return 0;
}

static uint64_t rate_of(const struct demo *demo, unsigned feed)
{
    if (demo->overtake)
        return feed == FEED_UDP ? OVERTAKING_RATE : SATURATING_RATE;
    uint64_t udp = demo->rate / 5 ? demo->rate / 5 : 1;
    return feed == FEED_UDP ? udp : demo->rate > udp ? demo->rate - udp : 1;
}

static int start_sender(struct demo *demo, unsigned feed)
{
    static const char *const services[FEED_CNT] = { "tca", "uda" };
    static const char *const overtaking[FEED_CNT] = { "bulk:1", "flash:1" };
    char rate[24], duration[24], service[8], lanes[16];
    char *argv[] = { "slugline", "gen",    "--to",      demo->url[feed], "--rate", rate,
                     "--for",    duration, "--service", service,         "--json", demo->overtake ? "--lanes" : NULL,
                     lanes,      NULL };
    int pipes[2];

    snprintf(rate, sizeof(rate), "%" PRIu64, rate_of(demo, feed));
    snprintf(lanes, sizeof(lanes), "%s", overtaking[feed]);
    snprintf(duration, sizeof(duration), "%" PRId64 "ns", demo->for_ns);
    snprintf(service, sizeof(service), "%s", services[feed]);
    if (pipe2(pipes, O_CLOEXEC))
        return complain("a pipe", -errno);
    pid_t pid = spawn(demo, argv, pipes[1], -1, SIGKILL);
    close(pipes[1]);
    if (pid < 0) {
        close(pipes[0]);
        return complain("a sender", pid);
    }
    demo->senders[feed] = (struct sender){ .pid = pid, .pipe_fd = pipes[0] };
    return 0;
}

static uint64_t find_number(const char *json, const char *key)
{
    const char *at = strstr(json, key);
    return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

/* What an ended sender says of itself is shorter than a pipe is long. */
static void hear_sender(struct sender *sender)
{
    char json[4096];
    ssize_t len = read(sender->pipe_fd, json, sizeof(json) - 1);

    close(sender->pipe_fd);
    json[len > 0 ? len : 0] = '\0';
    sender->sent = find_number(json, "\"sent\":");
    sender->refused = find_number(json, "\"refused\":");
}

/* True when all senders have ended. */
static bool reap_senders(struct demo *demo)
{
    bool all = true;

    for (unsigned feed = 0; feed < FEED_CNT; feed++) {
        struct sender *sender = &demo->senders[feed];
        if (sender->pid && waitpid(sender->pid, &sender->status, WNOHANG) == sender->pid) {
            sender->pid = 0;
            hear_sender(sender);
        }
        all = all && !sender->pid;
    }
    return all;
}

static void signal_senders(const struct demo *demo, int signal_number)
{
    for (unsigned feed = 0; feed < FEED_CNT; feed++)
        if (demo->senders[feed].pid)
            kill(demo->senders[feed].pid, signal_number);
}

static bool daemon_ended(struct demo *demo)
{
    if (demo->daemon_pid && waitpid(demo->daemon_pid, &demo->daemon_status, WNOHANG) == demo->daemon_pid)
        demo->daemon_pid = 0;
    return !demo->daemon_pid;
}

/* What the daemon said, where something went wrong. */
static void show_log(const struct demo *demo)
{
    char buf[4096];
    int fd = open(demo->log, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? 0 : read(fd, buf, sizeof(buf));

    if (len > 0)
        fwrite(buf, 1, (size_t)len, stderr);
    if (fd >= 0)
        close(fd);
}

/* ---- reading ---- */

static bool keep_trace(struct demo *demo, const struct sl_event *event)
{
    if (demo->trace_cnt == demo->trace_cap) {
        size_t cap = demo->trace_cap ? 2 * demo->trace_cap : 1u << 18;
        struct trace *traces = realloc(demo->traces, cap * sizeof(*traces));
        if (!traces)
            return false;
        demo->traces = traces;
        demo->trace_cap = cap;
    }
    demo->traces[demo->trace_cnt++] = (struct trace){
        .framed_ns = event->stamps.framed_ns,
        .published_ns = event->stamps.published_ns,
        .flash = event->lane == SL_LANE_FLASH,
    };
    return true;
}

static void print_bulletin(const struct sl_event *event)
{
    struct sl_slice slugline = sl_bulletin_text(event->bulletin, SL_TEXT_SLUGLINE);
    struct sl_slice headline = sl_bulletin_text(event->bulletin, SL_TEXT_HEADLINE);
    bool news = event->bulletin->kind == SL_KIND_NEWS;

    printf("%-7s%-4s%s%s%.*s: %.*s  %.1f us\n", sl_lane_name(event->lane), event->feed,
           news ? "" : sl_kind_name(event->bulletin->kind), news ? "" : " ", (int)slugline.len, slugline.data,
           (int)headline.len, headline.data, (double)sl_receipts_whole_ns(event) / 1000.0);
}

static int take(struct demo *demo, const struct sl_event *event)
{
    if (event->type == SL_EVENT_MISSED)
        demo->missed_cnt += event->missed_last - event->missed_first + 1;
    if (event->type != SL_EVENT_BULLETIN)
        return 0;
    demo->read_cnt++;
    sl_receipts_add(demo->receipts, event);
    sl_hist_record(&demo->whole, sl_receipts_whole_ns(event));
    if (!demo->json && event->stamps.read_ns >= demo->tail_ns) {
        print_bulletin(event);
        demo->tail_ns = event->stamps.read_ns + TAIL_NS;
    }
    return keep_trace(demo, event) ? 0 : -ENOMEM;
}

static void print_second(struct demo *demo, int64_t now_ns)
{
    if (demo->json || now_ns - demo->second_ns < SL_TIME_NS)
        return;
    double seconds = (double)(now_ns - demo->second_ns) / 1e9;
    printf("-- %4.1f s  %.0f/s  from the wire to this reader: p50 %.1f us  p99 %.1f us\n",
           (double)(now_ns - demo->start_ns) / 1e9, (double)(demo->read_cnt - demo->second_cnt) / seconds,
           (double)sl_hist_percentile(&demo->whole, 50) / 1e3, (double)sl_hist_percentile(&demo->whole, 99) / 1e3);
    fflush(stdout);
    demo->second_ns = now_ns;
    demo->second_cnt = demo->read_cnt;
}

/* Takes what there is, for at most LOOK_NS.  -EPIPE at the end of the tape. */
static int follow(struct demo *demo)
{
    struct sl_event event;
    int64_t end_ns = sl_clock_mono(NULL) + LOOK_NS;

    do {
        int rc = sl_reader_next(demo->reader, &event, LOOK_NS / 4);
        if (rc == -EINTR)
            return 0;
        if (!rc)
            rc = take(demo, &event);
        if (rc)
            return rc;
    } while (event.type != SL_EVENT_NONE && sl_clock_mono(NULL) < end_ns);
    print_second(demo, sl_clock_mono(NULL));
    return 0;
}

/* ---- what was counted ---- */

struct account {
    uint64_t sent, received;
    struct sl_feed_sums sums;
};

static struct account account_of(const struct demo *demo, unsigned feed)
{
    struct sl_feed_sums sums = sl_books_sums(&demo->books, feed);
    return (struct account){ demo->senders[feed].sent, feed == FEED_UDP ? sums.datagrams : sums.framed, sums };
}

static bool is_settled(const struct demo *demo)
{
    for (unsigned feed = 0; feed < FEED_CNT; feed++) {
        struct account account = account_of(demo, feed);
        if (account.received + account.sums.kernel_drops < account.sent ||
            account.sums.answered + account.sums.dropped < account.sums.framed)
            return false;
    }
    return demo->read_cnt + demo->missed_cnt >= sl_cell_get(&sl_books_tape(&demo->books)[SL_TAPE_PASSED]);
}

/* What is known only here, where both ends are: what the senders sent is on the tape, or counted as lost. */
static bool is_complete(const struct demo *demo, char *line, size_t line_len)
{
    for (unsigned feed = 0; feed < FEED_CNT; feed++) {
        struct account account = account_of(demo, feed);
        if (account.received + account.sums.kernel_drops != account.sent) {
            snprintf(line, line_len,
                     "%s: sent %" PRIu64 ", but received %" PRIu64 " and %" PRIu64 " dropped by the kernel",
                     feed_name(demo, feed), account.sent, account.received, account.sums.kernel_drops);
            return false;
        }
        if (feed == FEED_TCP && account.sums.published != account.sent) {
            snprintf(line, line_len, "tcp: sent %" PRIu64 ", but published %" PRIu64, account.sent,
                     account.sums.published);
            return false;
        }
    }
    return sl_books_balance(&demo->books, line, line_len);
}

struct overtaken {
    uint64_t flash_cnt, waiting, before; /* of other lanes: waiting when a FLASH was framed; and out before it */
};

/* The tape's order is that of publishing: whoever waited and went out first stands before the FLASH, published after
 * it was framed; whoever it overtook stands behind it, framed before. */
static struct overtaken count_overtaken(const struct demo *demo)
{
    struct overtaken sum = { 0 };

    for (size_t i = 0; i < demo->trace_cnt; i++) {
        const struct trace *flash = &demo->traces[i];
        if (!flash->flash)
            continue;
        sum.flash_cnt++;
        for (size_t j = i; j-- > 0 && demo->traces[j].published_ns > flash->framed_ns;)
            if (!demo->traces[j].flash && demo->traces[j].framed_ns < flash->framed_ns) {
                sum.waiting++;
                sum.before++;
            }
        for (size_t j = i + 1; j < demo->trace_cnt && j < i + WAITED_LOOK; j++)
            sum.waiting += !demo->traces[j].flash && demo->traces[j].framed_ns < flash->framed_ns;
    }
    return sum;
}

/* ---- the summary ---- */

static void print_people(const struct demo *demo, const char *finding)
{
    struct overtaken overtaken = count_overtaken(demo);

    printf("\n");
    sl_receipts_print(demo->receipts, stdout);
    printf("\n%-6s%10s%10s%10s%10s%11s%9s%9s%9s\n", "feed", "sent", "received", "framed", "published", "duplicates",
           "rejects", "dropped", "kernel");
    for (unsigned feed = 0; feed < FEED_CNT; feed++) {
        struct account account = account_of(demo, feed);
        printf("%-6s%10" PRIu64 "%10" PRIu64 "%10" PRIu64 "%10" PRIu64 "%11" PRIu64 "%9" PRIu64 "%9" PRIu64 "%9" PRIu64
               "\n",
               feed_name(demo, feed), account.sent, account.received, account.sums.framed, account.sums.published,
               account.sums.duplicates, account.sums.rejected, account.sums.dropped, account.sums.kernel_drops);
    }
    printf("\nread %" PRIu64 " bulletins", demo->read_cnt);
    if (demo->missed_cnt)
        printf(", and %" PRIu64 " records were overwritten before this reader came to them", demo->missed_cnt);
    printf("\nflash: %" PRIu64 "; %" PRIu64 " of other lanes were waiting when they were framed, %" PRIu64
           " of those went out before them\n",
           overtaken.flash_cnt, overtaken.waiting, overtaken.before);
    printf("books: %s\n", finding ? finding : "balance");
}

static void tell_feed(const struct demo *demo, struct sl_facts *facts, unsigned feed)
{
    struct account account = account_of(demo, feed);

    sl_facts_open(facts, NULL, '{');
    sl_facts_text(facts, "name", feed_name(demo, feed));
    sl_facts_numbers(facts, { "sent", account.sent }, { "received", account.received },
                     { "framed", account.sums.framed }, { "published", account.sums.published },
                     { "duplicates", account.sums.duplicates }, { "rejected", account.sums.rejected },
                     { "dropped", account.sums.dropped }, { "kernelDrops", account.sums.kernel_drops });
    sl_facts_close(facts, '}');
}

static void tell_programs(const struct demo *demo, const char *finding)
{
    struct overtaken overtaken = count_overtaken(demo);
    struct sl_facts facts = { 0 };

    sl_facts_open(&facts, NULL, '{');
    sl_facts_truth(&facts, "balanced", !finding);
    sl_facts_truth(&facts, "multicast", demo->multicast);
    sl_facts_numbers(&facts, { "read", demo->read_cnt }, { "missed", demo->missed_cnt });
    sl_facts_open(&facts, "feeds", '[');
    for (unsigned feed = 0; feed < FEED_CNT; feed++)
        tell_feed(demo, &facts, feed);
    sl_facts_close(&facts, ']');
    sl_facts_object(&facts, "flash", { "count", overtaken.flash_cnt }, { "waiting", overtaken.waiting },
                    { "before", overtaken.before });
    sl_receipts_tell(demo->receipts, &facts, "latency");
    sl_facts_close(&facts, '}');
    putchar('\n');
}

/* ---- the course ---- */

static int join(struct demo *demo)
{
    struct sl_reader_options options = { .socket = demo->socket, .name = "slugline demo", .from = SL_FROM_OLDEST };
    int64_t end_ns = sl_clock_mono(NULL) + (demo->dpdk ? UP_DPDK_NS : UP_NS);
    int rc;

    options.size = sizeof(options);
    while ((rc = sl_reader_open(&demo->reader, &options)) && !daemon_ended(demo) && sl_clock_mono(NULL) < end_ns &&
           !sl_stopped)
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
    if (!rc)
        rc = sl_visit_open(&demo->visit, demo->socket, SL_HELLO_STATUS_ONLY, "slugline demo");
    if (!rc)
        rc = sl_visit_books(&demo->visit, &demo->books_mem, &demo->books);
    if (!rc && demo->books.feed_cnt != FEED_CNT)
        rc = -EPROTO;
    if (rc && !sl_stopped)
        complain("the daemon did not come up", rc);
    return rc;
}

/* Follows the tape while the senders send. */
static int send_and_follow(struct demo *demo)
{
    int64_t late_ns;
    bool told = false;

    demo->start_ns = demo->second_ns = sl_clock_mono(NULL);
    late_ns = demo->start_ns + demo->for_ns + SENDERS_LATE_NS + (demo->dpdk ? UP_DPDK_NS : 0);
    while (!reap_senders(demo)) {
        int rc = follow(demo);
        if (rc)
            return complain("the tape", rc);
        if ((sl_stopped || sl_clock_mono(NULL) > late_ns) && !told) {
            signal_senders(demo, SIGINT);
            told = true;
        }
        if (sl_stopped > 1)
            return -EINTR;
    }
    return 0;
}

static int settle(struct demo *demo)
{
    int64_t end_ns = sl_clock_mono(NULL) + SETTLE_NS;

    while (!is_settled(demo) && sl_clock_mono(NULL) < end_ns) {
        int rc = follow(demo);
        if (rc)
            return complain("the tape", rc);
    }
    return 0;
}

/* The daemon ends in order; what it still publishes is read to the end. */
static int end_daemon(struct demo *demo)
{
    int64_t end_ns = sl_clock_mono(NULL) + END_NS;
    int rc = 0;

    kill(demo->daemon_pid, SIGTERM);
    while (!daemon_ended(demo) && sl_clock_mono(NULL) < end_ns)
        if (rc || (rc = follow(demo)))
            nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
    while (!rc && !demo->daemon_pid)
        rc = follow(demo);
    if (rc && rc != -EPIPE)
        return complain("the tape", rc);
    if (!demo->daemon_pid && WIFEXITED(demo->daemon_status) && !WEXITSTATUS(demo->daemon_status))
        return 0;
    fputs("slugline: demo: the daemon did not end in order\n", stderr);
    return -EIO;
}

/* What the daemon said of its port: driver, pages, who sums up and who stamps. */
static void print_port(const struct demo *demo)
{
    char line[1024];
    FILE *log = fopen(demo->log, "re");
    printf("dpdk: two processes, no card and no kernel between them: net_virtio_user0 -> net_vhost0%s\n",
           geteuid() ? ", without root" : "");
    while (log && fgets(line, sizeof(line), log)) {
        const char *at = strstr(line, "queues=");
        if (strstr(line, "rx port=") && at)
            printf("dpdk: %s", at);
    }
    if (log)
        fclose(log);
}

static int take_course(struct demo *demo)
{
    int rc = choose_lines(demo);

    if (!rc)
        rc = make_folder(demo);
    if (!rc)
        rc = start_daemon(demo);
    if (!rc)
        rc = join(demo);
    if (!rc && demo->dpdk && !demo->json)
        print_port(demo);
    for (unsigned feed = 0; feed < FEED_CNT && !rc; feed++)
        rc = start_sender(demo, feed);
    if (!rc)
        rc = send_and_follow(demo);
    if (!rc)
        rc = settle(demo);
    return rc ? rc : end_daemon(demo);
}

static void kill_and_wait(pid_t *pid, int signal_number)
{
    int status;
    if (!*pid)
        return;
    kill(*pid, signal_number);
    waitpid(*pid, &status, 0);
    *pid = 0;
}

/* Whatever happened: no process and no file stays. */
static void clean_up(struct demo *demo)
{
    for (unsigned feed = 0; feed < FEED_CNT; feed++)
        kill_and_wait(&demo->senders[feed].pid, SIGKILL);
    /* The daemon kills its own child when it is asked twice. */
    if (demo->daemon_pid)
        kill(demo->daemon_pid, SIGTERM);
    for (int64_t end_ns = sl_clock_mono(NULL) + END_NS; !daemon_ended(demo) && sl_clock_mono(NULL) < end_ns;)
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
    kill_and_wait(&demo->daemon_pid, SIGKILL);
    sl_reader_close(demo->reader);
    sl_mem_close(&demo->books_mem);
    sl_visit_close(&demo->visit);
    if (demo->folder[0]) {
        unlink(demo->socket);
        unlink(demo->config);
        unlink(demo->log);
        unlink(demo->cable);
        rmdir(demo->folder);
    }
}

static int show(struct demo *demo)
{
    char line[256];
    const char *finding = is_complete(demo, line, sizeof(line)) ? NULL : line;

    if (demo->json)
        tell_programs(demo, finding);
    else
        print_people(demo, finding);
    return finding ? SL_EXIT_FINDING : SL_EXIT_FINE;
}

static bool take_rate(void *to, char *text) { return sl_take_count(to, text) && *(uint64_t *)to <= RATE_MAX; }

int sl_cmd_demo(const struct sl_command *command, int argc, char **argv)
{
    static struct demo demo = { .for_ns = 10 * SL_TIME_NS, .rate = 20000, .visit.sock = -1, .books_mem.fd = -1 };
    /* clang-format off */
    static const struct sl_option options[] = {
        { 'd', "for", "TIME", "how long the wires send (10s)", sl_take_duration, &demo.for_ns, "a time such as 10s" },
        { 'r', "rate", "N", "bulletins a second, four fifths of them over TCP, the rest as datagrams (20000)",
          take_rate, &demo.rate, "bulletins a second, 1 to 10000000," },
        { 'o', "overtake", NULL, "TCP brings nothing but BULK, more than can be carried; the datagrams are FLASH,\n"
          "200 a second", sl_take_flag, &demo.overtake, NULL },
        { 0, "dpdk", NULL, "the datagrams go by a port of DPDK's that no card stands behind, from process to process",
          sl_take_flag, &demo.dpdk, NULL },
        { 'j', "json", NULL, "the summary as one object, and nothing else on standard output",
          sl_take_flag, &demo.json, NULL },
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);

    if (status >= 0)
        return status;
    for (size_t i = 0; i < SL_MEM_FDS_MAX; i++)
        demo.visit.fds[i] = -1;
    ssize_t len = readlink("/proc/self/exe", demo.exe, sizeof(demo.exe) - 1);
    demo.receipts = sl_receipts_new();
    if (len <= 0 || !demo.receipts)
        return SL_EXIT_FINDING;
    sl_hear_stop();
    signal(SIGPIPE, SIG_IGN);
    int rc = take_course(&demo);
    status = !rc ? show(&demo) : sl_stopped ? SL_EXIT_FINE : SL_EXIT_FINDING;
    if (status)
        show_log(&demo);
    clean_up(&demo);
    sl_receipts_delete(demo.receipts);
    free(demo.traces);
    return status;
}
