#include "pipeline/commands.h"

#include "parsers/bulletin_json.h"
#include "pipeline/clock.h"
#include "pipeline/client.h"
#include "pipeline/visit.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char help[] =
    "slugline status - what the daemon has received, published, refused and lost\n"
    "\n"
    "  slugline status [OPTIONS]\n"
    "\n"
    "  -j, --json           the same as one object\n"
    "  -s, --socket PATH    default $SLUGLINE_SOCKET, then " SL_READER_DEFAULT_SOCKET "\n"
    "  -h, --help           this\n"
    "\n"
    "Exit status: 0 fine, 1 the books do not balance though nothing moves, 2 usage, 3 no daemon.\n";

#define REST_NS 20000000ll /* books that stood still this long are at rest */

struct status {
    struct sl_visit visit;
    struct sl_mem mem;
    struct sl_books books;
    int64_t now_ns;
    uint64_t in_flight;
    bool at_rest, balanced;
    char line[256]; /* the first sum that does not hold */
};

static uint64_t cells(const sl_cell *row, unsigned first, unsigned cnt)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < cnt; i++)
        sum += sl_cell_get(&row[first + i]);
    return sum;
}

/* ---- one feed's figures ---- */

struct feed {
    const char *name;
    uint64_t lines_up, bytes, framed, published, duplicates, rejected, held, dropped, kernel_drops, cut;
    uint64_t answered;
    int64_t last_ns; /* 0: nothing yet */
};

static struct feed read_feed(const struct status *status, uint32_t idx)
{
    const sl_cell *rx = sl_books_rx(&status->books, idx), *desk = sl_books_desk(&status->books, idx);
    return (struct feed){
        .name = status->visit.feed[idx],
        .lines_up = sl_cell_get(&rx[SL_RX_LINES_UP]),
        .bytes = sl_cell_get(&rx[SL_RX_BYTES]),
        .framed = cells(rx, SL_RX_FRAMED_LANE, SL_LANE_CNT),
        .published = cells(desk, SL_DESK_LANE, SL_LANE_CNT),
        .duplicates = sl_cell_get(&desk[SL_DESK_VERDICT + SL_VERDICT_DUPLICATE]),
        .rejected = sl_cell_get(&desk[SL_DESK_REJECTED]),
        .held = sl_cell_get(&desk[SL_DESK_HELD_NOW]),
        .dropped = cells(rx, SL_RX_DROPPED_LANE, SL_LANE_CNT),
        .kernel_drops = sl_cell_get(&rx[SL_RX_KERNEL_DROPS]),
        .cut = cells(rx, SL_RX_CUT, SL_CUT_CNT),
        .answered = sl_cell_get(&desk[SL_DESK_ANSWERED]),
        .last_ns = (int64_t)sl_cell_get(&rx[SL_RX_LAST_NS]),
    };
}

static double age_s(const struct status *status, const struct feed *feed)
{
    return feed->last_ns ? (double)(status->now_ns - feed->last_ns) / 1e9 : -1;
}

/* ---- the books ---- */

static uint64_t count_moves(const struct status *status)
{
    uint64_t sum = sl_cell_get(&sl_books_tape(&status->books)[SL_TAPE_LAST_SEQ]);
    for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
        struct feed feed = read_feed(status, i);
        sum += feed.bytes + feed.framed + feed.answered + feed.dropped;
    }
    return sum;
}

static uint64_t count_in_flight(const struct status *status)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
        struct feed feed = read_feed(status, i);
        uint64_t done = feed.answered + feed.dropped;
        sum += feed.framed > done ? feed.framed - done : 0;
    }
    return sum;
}

/* The sums hold only at rest: nothing in flight, and nothing moved in between. */
static void look_at_books(struct status *status)
{
    uint64_t moves = count_moves(status);
    nanosleep(&(struct timespec){ .tv_nsec = REST_NS }, NULL);
    status->balanced = sl_books_balance(&status->books, status->line, sizeof(status->line));
    status->in_flight = count_in_flight(status);
    status->at_rest = !status->in_flight && moves == count_moves(status);
    status->now_ns = sl_clock_real(NULL);
}

/* ---- for people ---- */

static void print_feeds(const struct status *status)
{
    printf("%-16s%6s%12s%12s%11s%9s%7s%9s%9s%11s\n", "feed", "lines", "framed", "published", "duplicates", "rejects",
           "held", "dropped", "kernel", "last");
    for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
        struct feed feed = read_feed(status, i);
        printf("%-16s%6" PRIu64 "%12" PRIu64 "%12" PRIu64 "%11" PRIu64 "%9" PRIu64 "%7" PRIu64 "%9" PRIu64 "%9" PRIu64,
               feed.name, feed.lines_up, feed.framed, feed.published, feed.duplicates, feed.rejected, feed.held,
               feed.dropped, feed.kernel_drops);
        if (feed.last_ns)
            printf("%9.1f s\n", age_s(status, &feed));
        else
            printf("%11s\n", "never");
    }
}

static void print_lanes(const struct status *status)
{
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        uint64_t framed = 0, published = 0, dropped = 0;
        for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
            const sl_cell *rx = sl_books_rx(&status->books, i), *desk = sl_books_desk(&status->books, i);
            framed += sl_cell_get(&rx[SL_RX_FRAMED_LANE + lane]);
            dropped += sl_cell_get(&rx[SL_RX_DROPPED_LANE + lane]);
            published += sl_cell_get(&desk[SL_DESK_LANE + lane]);
        }
        printf("lane %-17s%12" PRIu64 "%12" PRIu64 "  dropped %" PRIu64 "\n", sl_lane_name(lane), framed, published,
               dropped);
    }
}

static void print_threads(const struct status *status)
{
    for (uint32_t i = 0; i < status->books.thread_cnt; i++) {
        const sl_cell *row = sl_books_thread(&status->books, i);
        uint64_t polls = sl_cell_get(&row[SL_THREAD_POLLS]), busy = sl_cell_get(&row[SL_THREAD_BUSY_POLLS]);
        printf("thread %-3" PRIu32 "core %-3" PRId64 " busy %5.1f %%  sleeps %-10" PRIu64 " %s\n", i,
               (int64_t)sl_cell_get(&row[SL_THREAD_CORE]), polls ? 100.0 * (double)busy / (double)polls : 0.0,
               sl_cell_get(&row[SL_THREAD_SLEEPS]), status->visit.thread[i]);
    }
}

static void print_people(const struct status *status)
{
    const struct sl_welcome *welcome = status->visit.welcome;
    const sl_cell *tape = sl_books_tape(&status->books);

    printf("%s/%s  epoch %016" PRIx64 "  walk %" PRIu64 " (pid %d) up %.0f s  supervisor pid %d\n", welcome->node,
           welcome->tape_name, welcome->epoch, welcome->walk_cnt, welcome->walk_pid,
           (double)(status->now_ns - welcome->start_ns) / 1e9, welcome->supervisor_pid);
    printf("tape  %" PRIu64 " to %" PRIu64 "  passed %" PRIu64 "  released %" PRIu64 "  notices %" PRIu64
           "  evictions %" PRIu64 "  clock steps %" PRIu64 "\n\n",
           sl_cell_get(&tape[SL_TAPE_FIRST_SEQ]), sl_cell_get(&tape[SL_TAPE_LAST_SEQ]),
           sl_cell_get(&tape[SL_TAPE_PASSED]), sl_cell_get(&tape[SL_TAPE_RELEASED]), sl_cell_get(&tape[SL_TAPE_MADE]),
           sl_cell_get(&tape[SL_TAPE_EVICTIONS]), sl_cell_get(&tape[SL_TAPE_CLOCK_STEPS]));
    print_feeds(status);
    print_lanes(status);
    putchar('\n');
    print_threads(status);
    if (!status->at_rest)
        printf("\nbooks: in motion, %" PRIu64 " in flight\n", status->in_flight);
    else
        printf("\nbooks: %s%s\n",
               status->balanced ? "balance" : "do not balance: ", status->balanced ? "" : status->line);
}

/* ---- JSON ---- */

static void print_string(const char *key, const char *text)
{
    char buf[6 * 256 + 2];
    size_t len = sl_json_string(buf, sizeof(buf), text, strlen(text));
    printf("\"%s\":%.*s", key, len <= sizeof(buf) ? (int)len : 2, len <= sizeof(buf) ? buf : "\"\"");
}

static void print_number(const char *key, uint64_t number) { printf(",\"%s\":%" PRIu64, key, number); }

static void print_feed_json(const struct status *status, uint32_t idx)
{
    struct feed feed = read_feed(status, idx);
    const sl_cell *rx = sl_books_rx(&status->books, idx), *desk = sl_books_desk(&status->books, idx);

    printf("%s{", idx ? "," : "");
    print_string("name", feed.name);
    print_number("linesUp", feed.lines_up);
    print_number("bytes", feed.bytes);
    print_number("datagrams", sl_cell_get(&rx[SL_RX_DATAGRAMS]));
    print_number("kernelDrops", feed.kernel_drops);
    print_number("framed", feed.framed);
    print_number("dropped", feed.dropped);
    print_number("cut", feed.cut);
    print_number("answered", feed.answered);
    print_number("empty", sl_cell_get(&desk[SL_DESK_EMPTY]));
    print_number("rejected", feed.rejected);
    print_number("said", sl_cell_get(&desk[SL_DESK_SAID]));
    print_number("published", feed.published);
    print_number("duplicates", feed.duplicates);
    print_number("held", feed.held);
    print_number("lastNs", (uint64_t)feed.last_ns);
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        printf("%s\"%s\":%" PRIu64, lane ? "," : ",\"lanes\":{", sl_lane_name(lane),
               sl_cell_get(&desk[SL_DESK_LANE + lane]));
    printf("}}");
}

static void print_thread_json(const struct status *status, uint32_t idx)
{
    const sl_cell *row = sl_books_thread(&status->books, idx);

    printf("%s{", idx ? "," : "");
    print_string("stages", status->visit.thread[idx]);
    printf(",\"core\":%" PRId64, (int64_t)sl_cell_get(&row[SL_THREAD_CORE]));
    print_number("polls", sl_cell_get(&row[SL_THREAD_POLLS]));
    print_number("busyPolls", sl_cell_get(&row[SL_THREAD_BUSY_POLLS]));
    print_number("sleeps", sl_cell_get(&row[SL_THREAD_SLEEPS]));
    printf("}");
}

static void print_tape_json(const struct status *status)
{
    static const struct column {
        const char *name;
        unsigned idx;
    } columns[] = {
        {"firstSeq",    SL_TAPE_FIRST_SEQ   },
        { "lastSeq",    SL_TAPE_LAST_SEQ    },
        { "bytes",      SL_TAPE_BYTES       },
        { "rawLastSeq", SL_TAPE_RAW_LAST_SEQ},
        { "passed",     SL_TAPE_PASSED      },
        { "released",   SL_TAPE_RELEASED    },
        { "made",       SL_TAPE_MADE        },
        { "gateWaits",  SL_TAPE_GATE_WAITS  },
        { "evictions",  SL_TAPE_EVICTIONS   },
        { "seatLies",   SL_TAPE_SEAT_LIES   },
        { "clockSteps", SL_TAPE_CLOCK_STEPS },
        { "wakes",      SL_TAPE_WAKES       },
    };
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        printf("%s\"%s\":%" PRIu64, i ? "," : ",\"tape\":{", columns[i].name,
               sl_cell_get(&sl_books_tape(&status->books)[columns[i].idx]));
    printf("}");
}

static void print_json(const struct status *status)
{
    const struct sl_welcome *welcome = status->visit.welcome;

    printf("{");
    print_string("node", welcome->node);
    printf(",");
    print_string("name", welcome->tape_name);
    printf(",\"epoch\":\"%016" PRIx64 "\"", welcome->epoch);
    print_number("walks", welcome->walk_cnt);
    printf(",\"walkPid\":%d,\"supervisorPid\":%d,\"startNs\":%" PRId64, welcome->walk_pid, welcome->supervisor_pid,
           welcome->start_ns);
    print_tape_json(status);
    printf(",\"feeds\":[");
    for (uint32_t i = 0; i < status->books.feed_cnt; i++)
        print_feed_json(status, i);
    printf("],\"threads\":[");
    for (uint32_t i = 0; i < status->books.thread_cnt; i++)
        print_thread_json(status, i);
    printf("]");
    print_number("inFlight", status->in_flight);
    if (status->at_rest)
        printf(",\"balanced\":%s", status->balanced ? "true" : "false");
    if (status->at_rest && !status->balanced) {
        printf(",");
        print_string("imbalance", status->line);
    }
    printf("}\n");
}

/* ---- the command ---- */

static int refuse(const char *path, int rc)
{
    bool nobody = rc == -ENOENT || rc == -ECONNREFUSED || rc == -EAGAIN || rc == -ETIMEDOUT;
    fprintf(stderr, "slugline: status: %s: %s\n", sl_visit_socket(path), strerror(-rc));
    return nobody ? SL_EXIT_NO_DAEMON : SL_EXIT_FINDING;
}

static int show(const char *path, bool json)
{
    static struct status status;
    int rc = sl_visit_open(&status.visit, path, SL_HELLO_STATUS_ONLY, "slugline status");

    if (rc)
        return refuse(path, rc);
    rc = sl_visit_books(&status.visit, &status.mem, &status.books);
    if (rc) {
        sl_visit_close(&status.visit);
        return refuse(path, rc);
    }
    look_at_books(&status);
    if (json)
        print_json(&status);
    else
        print_people(&status);
    bool finding = status.at_rest && !status.balanced;
    sl_mem_close(&status.mem);
    sl_visit_close(&status.visit);
    return finding ? SL_EXIT_FINDING : SL_EXIT_FINE;
}

int sl_cmd_status(int argc, char **argv)
{
    static const struct option options[] = {
        {"json",             no_argument, NULL, 'j' },
        { "socket",              required_argument, NULL, 's' },
        { "help",                 no_argument, NULL, 'h' },
        { 0}
    };
    const char *path = NULL;
    bool json = false;
    int option;

    while ((option = getopt_long(argc, argv, "js:h", options, NULL)) != -1) {
        switch (option) {
        case 'j':
            json = true;
            break;
        case 's':
            path = optarg;
            break;
        case 'h':
            fputs(help, stdout);
            return SL_EXIT_FINE;
        default:
            fputs("slugline status --help tells the options\n", stderr);
            return SL_EXIT_USAGE;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "slugline: status: '%s' is one argument too many\n", argv[optind]);
        return SL_EXIT_USAGE;
    }
    return show(path, json);
}
