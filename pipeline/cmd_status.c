#include "pipeline/commands.h"

#include "pipeline/clock.h"
#include "pipeline/client.h"
#include "pipeline/config.h"
#include "pipeline/facts.h"
#include "pipeline/readers.h"
#include "pipeline/segment.h"
#include "pipeline/visit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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

static double age_s(const struct status *status, const struct sl_feed_sums *sums)
{
    return sums->last_ns ? (double)(status->now_ns - sums->last_ns) / 1e9 : -1;
}

/* ---- the books ---- */

static uint64_t count_moves(const struct status *status)
{
    uint64_t sum = sl_cell_get(&sl_books_tape(&status->books)[SL_TAPE_LAST_SEQ]);
    for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
        struct sl_feed_sums feed = sl_books_sums(&status->books, i);
        sum += feed.bytes + feed.framed + feed.answered + feed.dropped;
    }
    return sum;
}

/* Numbered messages that are missing, or behind one that is. */
static uint64_t count_waited_on(const sl_cell *rx)
{
    uint64_t had = sl_cell_get(&rx[SL_RX_ORDER_ONCE]) + sl_cell_get(&rx[SL_RX_ORDER_LOST]);
    uint64_t expected = sl_cell_get(&rx[SL_RX_ORDER_EXPECTED]);
    return expected > had ? expected - had : 0;
}

static uint64_t count_in_flight(const struct status *status)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
        struct sl_feed_sums feed = sl_books_sums(&status->books, i);
        uint64_t done = feed.answered + feed.dropped;
        sum += feed.framed > done ? feed.framed - done : 0;
        sum += count_waited_on(sl_books_rx(&status->books, i));
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
        struct sl_feed_sums feed = sl_books_sums(&status->books, i);
        printf("%-16s%6" PRIu64 "%12" PRIu64 "%12" PRIu64 "%11" PRIu64 "%9" PRIu64 "%7" PRIu64 "%9" PRIu64 "%9" PRIu64,
               status->visit.feed[i], feed.lines_up, feed.framed, feed.published, feed.duplicates, feed.rejected,
               feed.held, feed.dropped, feed.kernel_drops);
        if (feed.last_ns)
            printf("%9.1f s\n", age_s(status, &feed));
        else
            printf("%11s\n", "never");
    }
}

/* What does not begin anew with a walk, a journal, or the daemon. */
static void print_totals(const struct status *status)
{
    time_t since_s = (time_t)(sl_cell_get(&sl_books_keep(&status->books)[SL_KEEP_SINCE_NS]) / SL_TIME_NS);
    char since[32];
    struct tm tm;
    if (!since_s || !gmtime_r(&since_s, &tm) || !strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &tm))
        return;
    printf("\nsince %s, over restarts\n%-16s%12s%12s%12s%11s%9s%9s%9s%11s%10s\n", since, "feed", "framed", "published",
           "durable", "duplicates", "rejects", "held", "dropped", "unanswered", "forgotten");
    for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
        struct sl_feed_totals all = sl_books_totals(&status->books, i);
        printf("%-16s%12" PRIu64 "%12" PRIu64 "%12" PRIu64 "%11" PRIu64 "%9" PRIu64 "%9" PRIu64 "%9" PRIu64 "%11" PRIu64
               "%10" PRIu64 "\n",
               status->visit.feed[i], all.col[SL_PAST_FRAMED], all.published, all.col[SL_PAST_DURABLE],
               all.col[SL_PAST_DUPLICATE], all.col[SL_PAST_REJECTED], all.col[SL_PAST_HELD], all.col[SL_PAST_DROPPED],
               all.col[SL_PAST_UNANSWERED], all.forgotten);
    }
}

/* The sentence about a journal that does not write, with the time for how long; NULL: it does. */
static const char *alarm_of(const struct status *status, unsigned family, double *for_s)
{
    const sl_cell *row = sl_books_keep(&status->books);
    uint64_t alarm = sl_cell_get(&row[SL_KEEP_ALARM + family]);
    *for_s = (double)(status->now_ns - (int64_t)sl_cell_get(&row[SL_KEEP_ALARM_NS + family])) / 1e9;
    return !alarm ? NULL : alarm == ESRCH ? "its process is gone" : strerror((int)(alarm & 0xffff));
}

static void print_journal(const struct status *status)
{
    const sl_cell *tape = sl_books_tape(&status->books);
    uint64_t durable = sl_cell_get(&tape[SL_TAPE_DURABLE_SEQ]), last = sl_cell_get(&tape[SL_TAPE_LAST_SEQ]);
    double for_s;
    if (durable)
        printf("journal  durable to %" PRIu64 "  behind %" PRIu64 "\n", durable, last > durable ? last - durable : 0);
    for (unsigned family = 0; family < SL_FAMILY_CNT; family++) {
        const char *alarm = alarm_of(status, family, &for_s);
        if (alarm)
            printf("journal  ALARM  %s is not written: %s, for %.1f s; nothing behind it is acknowledged\n",
                   sl_family_name(family), alarm, for_s);
    }
}

static const char *const layer_names[SL_BOOK_LAYER_CNT] = { "link", "ip", "udp", "checksum", "fragment" };

/* Only of feeds whose port has something to say. */
static void print_port(const char *feed, const sl_cell *rx)
{
    uint64_t any = sl_cell_get(&rx[SL_RX_PORT_MISSED]) + sl_cell_get(&rx[SL_RX_PORT_NO_BUFFER]) +
                   sl_cell_get(&rx[SL_RX_PORT_ERRORS]);
    for (unsigned layer = 0; layer < SL_BOOK_LAYER_CNT; layer++)
        any += sl_cell_get(&rx[SL_RX_BAD_LAYER + layer]);
    if (!any)
        return;
    printf("port %-17s missed %" PRIu64 "  no buffer %" PRIu64 "  broken %" PRIu64 "  bad:", feed,
           sl_cell_get(&rx[SL_RX_PORT_MISSED]), sl_cell_get(&rx[SL_RX_PORT_NO_BUFFER]),
           sl_cell_get(&rx[SL_RX_PORT_ERRORS]));
    for (unsigned layer = 0; layer < SL_BOOK_LAYER_CNT; layer++)
        printf(" %s %" PRIu64, layer_names[layer], sl_cell_get(&rx[SL_RX_BAD_LAYER + layer]));
    putchar('\n');
}

/* Only of feeds that have any. */
static void print_sources(const struct status *status)
{
    for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
        const sl_cell *rx = sl_books_rx(&status->books, i);
        if (sl_cell_get(&rx[SL_RX_FILES_TAKEN]))
            printf("files %-16s done %" PRIu64 " (duplicates %" PRIu64 ")  rejected %" PRIu64 "  at hand %" PRIu64
                   "  lost %" PRIu64 "  removed %" PRIu64 "\n",
                   status->visit.feed[i], sl_cell_get(&rx[SL_RX_FILES_DONE]), sl_cell_get(&rx[SL_RX_FILES_DUPLICATE]),
                   sl_cell_get(&rx[SL_RX_FILES_REJECTED]), sl_cell_get(&rx[SL_RX_FILES_NOW]),
                   sl_cell_get(&rx[SL_RX_FILES_LOST]), sl_cell_get(&rx[SL_RX_FILES_REMOVED]));
        if (sl_cell_get(&rx[SL_RX_PACKETS]))
            printf("packets %-14s used %" PRIu64 "  other %" PRIu64 "  bad %" PRIu64 "  fragments lost %" PRIu64
                   "  gaps %" PRIu64 " (%" PRIu64 " bytes)\n",
                   status->visit.feed[i], sl_cell_get(&rx[SL_RX_PACKETS_USED]), sl_cell_get(&rx[SL_RX_PACKETS_OTHER]),
                   sl_cell_get(&rx[SL_RX_PACKETS_BAD]), sl_cell_get(&rx[SL_RX_FRAGMENTS_LOST]),
                   sl_cell_get(&rx[SL_RX_GAPS]), sl_cell_get(&rx[SL_RX_GAP_BYTES]));
        if (sl_cell_get(&rx[SL_RX_PARTS]))
            printf("fragments %-12s joined %" PRIu64 "  repeated %" PRIu64 "  lost %" PRIu64 "  at hand %" PRIu64 "\n",
                   status->visit.feed[i], sl_cell_get(&rx[SL_RX_PARTS_JOINED]),
                   sl_cell_get(&rx[SL_RX_PARTS_REPEATED]), sl_cell_get(&rx[SL_RX_PARTS_LOST]),
                   sl_cell_get(&rx[SL_RX_PARTS_NOW]));
        print_port(status->visit.feed[i], rx);
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

/* The lead that percent of all races did not exceed: the middle of its power of two. */
static double lead_us(const sl_cell *rx, double percent)
{
    uint64_t all = 0, seen = 0;
    for (unsigned i = 0; i < SL_BOOK_LEADS; i++)
        all += sl_cell_get(&rx[SL_RX_ORDER_LEAD + i]);
    for (unsigned i = 0; i < SL_BOOK_LEADS; i++) {
        seen += sl_cell_get(&rx[SL_RX_ORDER_LEAD + i]);
        if (seen && (double)seen * 100.0 >= (double)all * percent)
            return (double)(1ull << i) * 1.5 / 1e3;
    }
    return 0;
}

static uint32_t count_racers(const sl_cell *rx)
{
    uint32_t cnt = 0;
    for (unsigned i = 0; i < SL_BOOK_LINES; i++)
        if (sl_cell_get(&rx[SL_RX_ORDER_LINE + i]))
            cnt = i + 1;
    return cnt;
}

/* Feeds whose datagrams are numbered: which line brings a message first, and what each one misses. */
static void print_races(const struct status *status)
{
    for (uint32_t i = 0; i < status->books.feed_cnt; i++) {
        const sl_cell *rx = sl_books_rx(&status->books, i);
        uint64_t expected = sl_cell_get(&rx[SL_RX_ORDER_EXPECTED]);
        if (!expected)
            continue;
        printf("\norder %-15s expected %" PRIu64 "  lost %" PRIu64 " in %" PRIu64 " gaps  asked %" PRIu64
               "  lead p50 %.1f us, p99 %.1f us\n",
               status->visit.feed[i], expected, sl_cell_get(&rx[SL_RX_ORDER_LOST]), sl_cell_get(&rx[SL_RX_ORDER_GAPS]),
               sl_cell_get(&rx[SL_RX_ORDER_ASKED]), lead_us(rx, 50), lead_us(rx, 99));
        for (uint32_t line = 0; line < count_racers(rx); line++)
            printf("  line %c  first %" PRIu64 "  missing %" PRIu64 "\n", 'A' + (char)line,
                   sl_cell_get(&rx[SL_RX_ORDER_WINS + line]), expected - sl_cell_get(&rx[SL_RX_ORDER_LINE + line]));
    }
}

static void print_readers(const struct status *status)
{
    struct sl_reader_stand stand;
    bool any = false;

    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        if (!sl_reader_stand(&status->books, i, &stand))
            continue;
        if (!any)
            printf("\n%-32s %-8s%12s%10s%12s%10s%10s  %s\n", "reader", "state", "seq", "behind", "for", "missed",
                   "evicted", "last error");
        any = true;
        const char *error = sl_reader_error_name(stand.error);
        printf("%-32s %-8s%12" PRIu64 "%10" PRIu64 "%9.1f ms%10" PRIu64 "%10" PRIu64 "  ", stand.name,
               sl_reader_state_name(stand.state), stand.seq, stand.lag, (double)stand.lag_ns / 1e6, stand.missed,
               stand.evictions);
        if (error)
            printf("%s, %.1f s ago\n", error, (double)(status->now_ns - stand.error_ns) / 1e9);
        else
            puts("none");
    }
}

static const char *sink_type_name(const struct sl_reader_account *account)
{
    return account->type && account->type <= SL_SINK_KIND_CNT ? sl_sink_names[account->type - 1] : NULL;
}

static uint64_t count_dropped(const struct sl_reader_account *account)
{
    return account->missed + account->conflated + account->cut + account->refused;
}

static void print_sink(const struct status *status, const struct sl_reader_stand *stand)
{
    const struct sl_reader_account *account = &stand->account;

    printf("%-20s %-10s%7" PRIu64 "%12" PRIu64 "%10" PRIu64 "%10" PRIu64 "%9.1f ms%9" PRIu64 "  ", stand->name,
           sink_type_name(account), account->peers, account->sent, account->repeated, account->waiting,
           (double)account->waiting_ns / 1e6, count_dropped(account));
    if (*account->error)
        printf("%s, %.1f s ago\n", account->error, (double)(status->now_ns - account->error_ns) / 1e9);
    else
        puts("none");
    if (count_dropped(account))
        printf("  dropped: missed %" PRIu64 "  conflated %" PRIu64 "  cut %" PRIu64 "  refused %" PRIu64 "\n",
               account->missed, account->conflated, account->cut, account->refused);
}

static void print_sinks(const struct status *status)
{
    struct sl_reader_stand stand;
    bool any = false;

    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        if (!sl_reader_stand(&status->books, i, &stand) || !sink_type_name(&stand.account))
            continue;
        if (!any)
            printf("\n%-20s %-10s%7s%12s%10s%10s%12s%9s  %s\n", "sink", "type", "peers", "sent", "repeated", "waiting",
                   "for", "dropped", "last error");
        any = true;
        print_sink(status, &stand);
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
           "  evictions %" PRIu64 "  clock steps %" PRIu64 "\n",
           sl_cell_get(&tape[SL_TAPE_FIRST_SEQ]), sl_cell_get(&tape[SL_TAPE_LAST_SEQ]),
           sl_cell_get(&tape[SL_TAPE_PASSED]), sl_cell_get(&tape[SL_TAPE_RELEASED]), sl_cell_get(&tape[SL_TAPE_MADE]),
           sl_cell_get(&tape[SL_TAPE_EVICTIONS]), sl_cell_get(&tape[SL_TAPE_CLOCK_STEPS]));
    print_journal(status);
    putchar('\n');
    print_feeds(status);
    print_sources(status);
    print_lanes(status);
    print_totals(status);
    print_races(status);
    print_readers(status);
    print_sinks(status);
    putchar('\n');
    print_threads(status);
    if (!status->at_rest)
        printf("\nbooks: in motion, %" PRIu64 " in flight\n", status->in_flight);
    else
        printf("\nbooks: %s%s\n",
               status->balanced ? "balance" : "do not balance: ", status->balanced ? "" : status->line);
}

/* ---- for programs ---- */

static void tell_race(struct sl_facts *facts, const sl_cell *rx)
{
    uint64_t expected = sl_cell_get(&rx[SL_RX_ORDER_EXPECTED]);
    if (!expected)
        return;
    sl_facts_open(facts, "order", '{');
    sl_facts_numbers(facts, { "expected", expected }, { "once", sl_cell_get(&rx[SL_RX_ORDER_ONCE]) },
                     { "lost", sl_cell_get(&rx[SL_RX_ORDER_LOST]) }, { "gaps", sl_cell_get(&rx[SL_RX_ORDER_GAPS]) },
                     { "asked", sl_cell_get(&rx[SL_RX_ORDER_ASKED]) },
                     { "leadP50Ns", (uint64_t)(lead_us(rx, 50) * 1e3) },
                     { "leadP99Ns", (uint64_t)(lead_us(rx, 99) * 1e3) });
    sl_facts_open(facts, "lines", '[');
    for (uint32_t line = 0; line < count_racers(rx); line++) {
        sl_facts_open(facts, NULL, '{');
        sl_facts_numbers(facts, { "first", sl_cell_get(&rx[SL_RX_ORDER_WINS + line]) },
                         { "missing", expected - sl_cell_get(&rx[SL_RX_ORDER_LINE + line]) });
        sl_facts_close(facts, '}');
    }
    sl_facts_close(facts, ']');
    sl_facts_close(facts, '}');
}

static void tell_port(struct sl_facts *facts, const sl_cell *rx)
{
    sl_facts_open(facts, "port", '{');
    sl_facts_numbers(facts, { "missed", sl_cell_get(&rx[SL_RX_PORT_MISSED]) },
                     { "noBuffer", sl_cell_get(&rx[SL_RX_PORT_NO_BUFFER]) },
                     { "broken", sl_cell_get(&rx[SL_RX_PORT_ERRORS]) });
    sl_facts_open(facts, "bad", '{');
    for (unsigned layer = 0; layer < SL_BOOK_LAYER_CNT; layer++)
        sl_facts_number(facts, layer_names[layer], sl_cell_get(&rx[SL_RX_BAD_LAYER + layer]));
    sl_facts_close(facts, '}');
    sl_facts_close(facts, '}');
}

static const char *const past_names[SL_PAST_COLS] = {
    [SL_PAST_FRAMED] = "framed",   [SL_PAST_DROPPED] = "dropped",     [SL_PAST_WITH_BULLETINS] = "withBulletins",
    [SL_PAST_EMPTY] = "empty",     [SL_PAST_REJECTED] = "rejected",   [SL_PAST_UNANSWERED] = "unanswered",
    [SL_PAST_PASSED] = "passed",   [SL_PAST_RELEASED] = "released",   [SL_PAST_DUPLICATE] = "duplicates",
    [SL_PAST_HELD] = "held",       [SL_PAST_CANCELLED] = "cancelled", [SL_PAST_NO_ROOM] = "noRoom",
    [SL_PAST_DURABLE] = "durable",
};

static void tell_feed(const struct status *status, struct sl_facts *facts, uint32_t idx)
{
    struct sl_feed_sums feed = sl_books_sums(&status->books, idx);
    const sl_cell *desk = sl_books_desk(&status->books, idx), *rx = sl_books_rx(&status->books, idx);

    sl_facts_open(facts, NULL, '{');
    sl_facts_text(facts, "name", status->visit.feed[idx]);
    sl_facts_numbers(facts, { "linesUp", feed.lines_up }, { "bytes", feed.bytes }, { "datagrams", feed.datagrams },
                     { "kernelDrops", feed.kernel_drops }, { "framed", feed.framed }, { "dropped", feed.dropped },
                     { "cut", feed.cut }, { "answered", feed.answered }, { "empty", sl_cell_get(&desk[SL_DESK_EMPTY]) },
                     { "rejected", feed.rejected }, { "said", sl_cell_get(&desk[SL_DESK_SAID]) },
                     { "published", feed.published }, { "duplicates", feed.duplicates }, { "held", feed.held },
                     { "lastNs", feed.last_ns });
    sl_facts_object(facts, "files", { "taken", sl_cell_get(&rx[SL_RX_FILES_TAKEN]) },
                    { "done", sl_cell_get(&rx[SL_RX_FILES_DONE]) },
                    { "duplicate", sl_cell_get(&rx[SL_RX_FILES_DUPLICATE]) },
                    { "rejected", sl_cell_get(&rx[SL_RX_FILES_REJECTED]) },
                    { "left", sl_cell_get(&rx[SL_RX_FILES_LEFT]) }, { "lost", sl_cell_get(&rx[SL_RX_FILES_LOST]) },
                    { "now", sl_cell_get(&rx[SL_RX_FILES_NOW]) }, { "removed", sl_cell_get(&rx[SL_RX_FILES_REMOVED]) });
    sl_facts_object(facts, "capture", { "packets", sl_cell_get(&rx[SL_RX_PACKETS]) },
                    { "used", sl_cell_get(&rx[SL_RX_PACKETS_USED]) },
                    { "other", sl_cell_get(&rx[SL_RX_PACKETS_OTHER]) }, { "bad", sl_cell_get(&rx[SL_RX_PACKETS_BAD]) },
                    { "fragmentsLost", sl_cell_get(&rx[SL_RX_FRAGMENTS_LOST]) },
                    { "gaps", sl_cell_get(&rx[SL_RX_GAPS]) }, { "gapBytes", sl_cell_get(&rx[SL_RX_GAP_BYTES]) });
    sl_facts_object(facts, "fragments", { "taken", sl_cell_get(&rx[SL_RX_PARTS]) },
                    { "joined", sl_cell_get(&rx[SL_RX_PARTS_JOINED]) },
                    { "repeated", sl_cell_get(&rx[SL_RX_PARTS_REPEATED]) },
                    { "lost", sl_cell_get(&rx[SL_RX_PARTS_LOST]) }, { "now", sl_cell_get(&rx[SL_RX_PARTS_NOW]) });
    tell_port(facts, rx);
    sl_facts_open(facts, "lanes", '{');
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        sl_facts_number(facts, sl_lane_name(lane), sl_cell_get(&desk[SL_DESK_LANE + lane]));
    sl_facts_close(facts, '}');
    tell_race(facts, rx);
    struct sl_feed_totals all = sl_books_totals(&status->books, idx);
    sl_facts_open(facts, "total", '{');
    for (unsigned i = 0; i < SL_PAST_COLS; i++)
        sl_facts_number(facts, past_names[i], (int64_t)all.col[i]);
    sl_facts_numbers(facts, { "published", all.published }, { "heldNow", all.held_now },
                     { "forgotten", all.forgotten });
    sl_facts_close(facts, '}');
    sl_facts_close(facts, '}');
}

static void tell_readers(const struct status *status, struct sl_facts *facts)
{
    struct sl_reader_stand stand;

    sl_facts_open(facts, "readers", '[');
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        if (!sl_reader_stand(&status->books, i, &stand))
            continue;
        sl_facts_open(facts, NULL, '{');
        sl_facts_text(facts, "name", stand.name);
        sl_facts_text(facts, "state", sl_reader_state_name(stand.state));
        sl_facts_numbers(facts, { "seat", i }, { "seq", (int64_t)stand.seq }, { "lag", (int64_t)stand.lag },
                         { "lagNs", stand.lag_ns }, { "missed", (int64_t)stand.missed },
                         { "evictions", (int64_t)stand.evictions });
        sl_facts_text(facts, "lastError", sl_reader_error_name(stand.error));
        if (stand.error)
            sl_facts_number(facts, "lastErrorNs", stand.error_ns);
        sl_facts_close(facts, '}');
    }
    sl_facts_close(facts, ']');
}

static void tell_sinks(const struct status *status, struct sl_facts *facts)
{
    struct sl_reader_stand stand;

    sl_facts_open(facts, "sinks", '[');
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        const struct sl_reader_account *account = &stand.account;
        if (!sl_reader_stand(&status->books, i, &stand) || !sink_type_name(account))
            continue;
        sl_facts_open(facts, NULL, '{');
        sl_facts_text(facts, "name", stand.name);
        sl_facts_text(facts, "type", sink_type_name(account));
        sl_facts_numbers(facts, { "seq", (int64_t)stand.seq }, { "lag", (int64_t)stand.lag }, { "lagNs", stand.lag_ns },
                         { "peers", (int64_t)account->peers },
                         { "refusedPeers", (int64_t)account->refused_peers }, { "sent", (int64_t)account->sent },
                         { "repeated", (int64_t)account->repeated }, { "waiting", (int64_t)account->waiting },
                         { "waitingNs", account->waiting_ns }, { "underWay", (int64_t)account->under_way },
                         { "missed", (int64_t)account->missed },
                         { "conflated", (int64_t)account->conflated }, { "cut", (int64_t)account->cut },
                         { "refused", (int64_t)account->refused }, { "errors", (int64_t)account->error_cnt });
        sl_facts_text(facts, "lastError", *account->error ? account->error : NULL);
        if (*account->error)
            sl_facts_number(facts, "lastErrorNs", account->error_ns);
        sl_facts_close(facts, '}');
    }
    sl_facts_close(facts, ']');
}

static void tell_thread(const struct status *status, struct sl_facts *facts, uint32_t idx)
{
    const sl_cell *row = sl_books_thread(&status->books, idx);

    sl_facts_open(facts, NULL, '{');
    sl_facts_text(facts, "stages", status->visit.thread[idx]);
    sl_facts_numbers(
        facts, { "core", sl_cell_get(&row[SL_THREAD_CORE]) }, { "polls", sl_cell_get(&row[SL_THREAD_POLLS]) },
        { "busyPolls", sl_cell_get(&row[SL_THREAD_BUSY_POLLS]) }, { "sleeps", sl_cell_get(&row[SL_THREAD_SLEEPS]) });
    sl_facts_close(facts, '}');
}

static void tell_tape(const struct status *status, struct sl_facts *facts)
{
    /* clang-format off */
    static const struct column {
        const char *name;
        unsigned idx;
    } columns[] = {
        { "firstSeq",   SL_TAPE_FIRST_SEQ    },
        { "lastSeq",    SL_TAPE_LAST_SEQ     },
        { "bytes",      SL_TAPE_BYTES        },
        { "rawLastSeq", SL_TAPE_RAW_LAST_SEQ },
        { "passed",     SL_TAPE_PASSED       },
        { "released",   SL_TAPE_RELEASED     },
        { "made",       SL_TAPE_MADE         },
        { "gateWaits",  SL_TAPE_GATE_WAITS   },
        { "evictions",  SL_TAPE_EVICTIONS    },
        { "seatLies",   SL_TAPE_SEAT_LIES    },
        { "clockSteps", SL_TAPE_CLOCK_STEPS  },
        { "wakes",      SL_TAPE_WAKES        },
        { "durableSeq", SL_TAPE_DURABLE_SEQ  },
        { "rawDurableSeq", SL_TAPE_RAW_DURABLE_SEQ },
    };
    /* clang-format on */
    sl_facts_open(facts, "tape", '{');
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
        sl_facts_number(facts, columns[i].name, sl_cell_get(&sl_books_tape(&status->books)[columns[i].idx]));
    sl_facts_close(facts, '}');
}

static void tell_journal(const struct status *status, struct sl_facts *facts)
{
    double for_s;
    sl_facts_open(facts, "journal", '{');
    for (unsigned family = 0; family < SL_FAMILY_CNT; family++)
        sl_facts_text(facts, family == SL_FAMILY_TAPE ? "alarm" : "rawAlarm", alarm_of(status, family, &for_s));
    sl_facts_close(facts, '}');
}

static void tell_programs(const struct status *status)
{
    const struct sl_welcome *welcome = status->visit.welcome;
    struct sl_facts facts = { 0 };
    char epoch[17];

    snprintf(epoch, sizeof(epoch), "%016" PRIx64, welcome->epoch);
    sl_facts_open(&facts, NULL, '{');
    sl_facts_text(&facts, "node", welcome->node);
    sl_facts_text(&facts, "name", welcome->tape_name);
    sl_facts_text(&facts, "epoch", epoch);
    sl_facts_numbers(&facts, { "walks", welcome->walk_cnt }, { "walkPid", welcome->walk_pid },
                     { "supervisorPid", welcome->supervisor_pid }, { "startNs", welcome->start_ns });
    tell_tape(status, &facts);
    tell_journal(status, &facts);
    sl_facts_number(&facts, "sinceNs", (int64_t)sl_cell_get(&sl_books_keep(&status->books)[SL_KEEP_SINCE_NS]));
    sl_facts_open(&facts, "feeds", '[');
    for (uint32_t i = 0; i < status->books.feed_cnt; i++)
        tell_feed(status, &facts, i);
    sl_facts_close(&facts, ']');
    tell_readers(status, &facts);
    tell_sinks(status, &facts);
    sl_facts_open(&facts, "threads", '[');
    for (uint32_t i = 0; i < status->books.thread_cnt; i++)
        tell_thread(status, &facts, i);
    sl_facts_close(&facts, ']');
    sl_facts_number(&facts, "inFlight", status->in_flight);
    if (status->at_rest)
        sl_facts_truth(&facts, "balanced", status->balanced);
    if (status->at_rest && !status->balanced)
        sl_facts_text(&facts, "imbalance", status->line);
    sl_facts_close(&facts, '}');
    putchar('\n');
}

/* ---- the command ---- */

static int show(const struct sl_command *command, const char *path, bool json)
{
    static struct status status;
    int rc = sl_visit_open(&status.visit, path, SL_HELLO_STATUS_ONLY, "slugline status");

    if (rc)
        return sl_daemon_refuse(command, path, rc);
    rc = sl_visit_books(&status.visit, &status.mem, &status.books);
    if (rc) {
        sl_visit_close(&status.visit);
        return sl_daemon_refuse(command, path, rc);
    }
    look_at_books(&status);
    if (json)
        tell_programs(&status);
    else
        print_people(&status);
    bool finding = status.at_rest && !status.balanced;
    sl_mem_close(&status.mem);
    sl_visit_close(&status.visit);
    return finding ? SL_EXIT_FINDING : SL_EXIT_FINE;
}

int sl_cmd_status(const struct sl_command *command, int argc, char **argv)
{
    static const char *path;
    static bool json;
    /* clang-format off */
    static const struct sl_option options[] = {
        { 'j', "json", NULL, "the same as one object", sl_take_flag, &json, NULL },
        SL_OPTION_SOCKET(&path),
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);
    return status >= 0 ? status : show(command, path, json);
}
