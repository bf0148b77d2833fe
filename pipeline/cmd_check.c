#include "pipeline/commands.h"

#include "pipeline/hold.h"
#include "pipeline/round.h"
#include "pipeline/topo.h"
#include "pipeline/window.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REMARKS_MAX 64u

static const char help[] = "slugline check - read the configuration, say what would run and what it would take, stop\n"
                           "\n"
                           "  slugline check [-c FILE] [--json]\n"
                           "\n"
                           "  -c, --config FILE   configuration; default " SL_CONFIG_DEFAULT ", - for standard input\n"
                           "      --json          one JSON object instead of tables\n"
                           "  -h, --help          this\n"
                           "\n"
                           "A finding is what keeps the daemon from starting or from doing what the file says; a note "
                           "is what somebody should know.\n"
                           "Exit status: 0 no findings, 1 findings, 2 usage.\n";

struct plan {
    struct sl_config config;
    struct sl_topo topo;
    cpu_set_t cores; /* that this process may run on */
    uint32_t core_cnt;
    uint64_t host_memory;
    uint64_t memory_window, memory_hold, memory_tape, memory_raw, memory_books, memory_total;
    struct remark {
        bool finding;
        char text[512];
    } remarks[REMARKS_MAX];
    uint32_t remark_cnt, finding_cnt;
};

__attribute__((format(printf, 3, 4))) static void remark(struct plan *plan, bool finding, const char *format, ...)
{
    va_list args;
    plan->finding_cnt += finding;
    if (plan->remark_cnt == REMARKS_MAX)
        return;
    plan->remarks[plan->remark_cnt].finding = finding;
    va_start(args, format);
    vsnprintf(plan->remarks[plan->remark_cnt].text, sizeof(plan->remarks[0].text), format, args);
    va_end(args);
    plan->remark_cnt++;
}

/* ---- what there is to say ---- */

/* How many verdicts of other messages a message at the head of its lane may have to wait for, from the turns of the
 * one fair round in pipeline/round.h.  It is worst just behind the lane's own turns: the rest of the round may then be
 * a whole one, since unused turns pass down, and FLASH may come between with all of its own; and in the next round the
 * lanes above come first, again with FLASH between. */
static uint32_t wait_bound(enum sl_lane lane)
{
    uint32_t whole = 0, above = 0, flash = sl_round_turns[SL_LANE_FLASH];
    for (unsigned i = 0; i < SL_LANE_CNT; i++) {
        whole += sl_round_turns[i];
        above += i < lane ? sl_round_turns[i] : 0;
    }
    if (lane == SL_LANE_FLASH)
        return whole;
    uint32_t next_round = lane == SL_LANE_URGENT ? above : above + flash;
    return lane == SL_LANE_CNT - 1 ? next_round : whole + flash + next_round;
}

static void look_at_host(struct plan *plan)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_len = sysconf(_SC_PAGESIZE);
    if (sched_getaffinity(0, sizeof(plan->cores), &plan->cores))
        CPU_ZERO(&plan->cores);
    plan->core_cnt = CPU_COUNT(&plan->cores) ? (uint32_t)CPU_COUNT(&plan->cores) : 1;
    plan->host_memory = pages > 0 && page_len > 0 ? (uint64_t)pages * (uint64_t)page_len : 0;
}

static void add_up_memory(struct plan *plan)
{
    const struct sl_config *config = &plan->config;
    plan->memory_window = sl_window_footprint(config->window_cnt, config->tombstone_cnt);
    plan->memory_hold = config->hold_len + config->hold_cnt * sizeof(struct sl_held);
    plan->memory_tape = sl_topo_tape_footprint(config);
    plan->memory_raw = sl_topo_raw_footprint(config);
    plan->memory_books = sl_topo_books_footprint(config, &plan->topo) + sl_topo_notes_footprint(&plan->topo);
    plan->memory_total = plan->topo.memory_rings + plan->topo.memory_scratch + plan->memory_window + plan->memory_hold +
                         plan->memory_tape + plan->memory_raw + plan->memory_books;
}

static struct sl_config_text size_text(uint64_t bytes) { return sl_config_written(SL_CONFIG_SIZE, bytes); }

static void look_at_threads(struct plan *plan)
{
    const struct sl_topo *topo = &plan->topo;
    for (uint32_t t = 0; t < topo->thread_cnt; t++) {
        int core = topo->threads[t].core;
        if (core >= 0 && !CPU_ISSET(core, &plan->cores))
            remark(plan, true, "threads[%u]: core %d is not among those this process may run on", t, core);
        for (uint32_t u = 0; u < t && core >= 0; u++)
            if (topo->threads[u].core == core)
                remark(plan, true, "threads[%u]: core %d is threads[%u]'s already", t, core, u);
    }
    if (plan->config.idle_spin_ns == INT64_MAX && topo->thread_cnt > plan->core_cnt)
        remark(plan, true, "idle: %u threads would spin on %u cores; name fewer threads, or let them sleep",
               topo->thread_cnt, plan->core_cnt);
}

static void look_at_memory(struct plan *plan)
{
    const struct sl_config *config = &plan->config;
    const struct sl_topo *topo = &plan->topo;
    if (plan->host_memory && plan->memory_total > plan->host_memory)
        remark(plan, true, "memory: %" PRIu64 " MiB wanted, this host has %" PRIu64 " MiB", plan->memory_total >> 20,
               plan->host_memory >> 20);
    if (topo->ring_message[0] != config->ring_message)
        remark(plan, false, "rings.message: %s holds no two of the longest messages and is made %s",
               size_text(config->ring_message).text, size_text(topo->ring_message[0]).text);
    if (topo->ring_answer[0] != config->ring_answer)
        remark(plan, false, "rings.answer: %s does not hold what two of the longest messages may say and is made %s",
               size_text(config->ring_answer).text, size_text(topo->ring_answer[0]).text);
    if (!config->hold_len)
        remark(plan, false, "tape.hold: none; bulletins under embargo are refused");
    if (!config->raw_len)
        remark(plan, false, "tape.raw: none; refused messages are not kept");
}

static bool is_loopback(const struct sockaddr_storage *addr)
{
    if (addr->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

static void look_at_lines(struct plan *plan)
{
    for (uint32_t f = 0; f < plan->config.feed_cnt; f++)
        for (uint32_t l = 0; l < plan->config.feeds[f].line_cnt; l++) {
            const struct sl_line_config *line = &plan->config.feeds[f].lines[l];
            if (line->kind == SL_LINE_TCP_LISTEN && !line->from_cnt && !is_loopback(&line->addr))
                remark(plan, false, "feeds[%u].lines[%u]: without from= anybody who can reach the port can send news",
                       f, l);
        }
}

/* False: there is no plan, and the one finding says why. */
static bool make_plan(struct plan *plan, const char *path)
{
    char err[512];
    look_at_host(plan);
    if (sl_config_read(&plan->config, path, err, sizeof(err))) {
        remark(plan, true, "%s", err);
        return false;
    }
    if (sl_topo_plan(&plan->topo, &plan->config, plan->core_cnt, err, sizeof(err))) {
        remark(plan, true, "%s: %s", plan->config.path, err);
        return false;
    }
    add_up_memory(plan);
    look_at_threads(plan);
    look_at_memory(plan);
    look_at_lines(plan);
    return true;
}

/* ---- words for what the configuration holds as numbers ---- */

static const struct {
    enum sl_stage_kind kind;
    const char *name;
    /* clang-format off */
} stages[] = {
    { SL_STAGE_RX,     "rx"     },
    { SL_STAGE_DECODE, "decode" },
    { SL_STAGE_DESK,   "desk"   },
    { SL_STAGE_WAKER,  "waker"  },
};
/* clang-format on */

static const char *const framing_names[SL_FRAMING_CNT] = {
    [SL_FRAMING_CONTROL] = "control",   [SL_FRAMING_DATAGRAM] = "datagram", [SL_FRAMING_LENGTH16] = "length16",
    [SL_FRAMING_LENGTH32] = "length32", [SL_FRAMING_LINE] = "line",
};

static const char *const receive_names[] = { [SL_RX_AUTO] = "auto", [SL_RX_URING] = "uring", [SL_RX_EPOLL] = "epoll" };

static struct sl_config_text time_text(int64_t ns, const char *none)
{
    struct sl_config_text text = sl_config_written(SL_CONFIG_DURATION, (uint64_t)ns);
    if (ns == 0 || ns == INT64_MAX)
        snprintf(text.text, sizeof(text.text), "%s", none);
    return text;
}

/* ---- tables for people ---- */

static void print_threads(const struct plan *plan)
{
    const struct sl_topo *topo = &plan->topo;
    uint32_t rx = 0;
    printf("\nthreads: %s, %u cores, idle %s, receive %s\n", plan->config.threads_auto ? "auto" : "as listed",
           plan->core_cnt, plan->config.idle_spin_ns ? time_text(plan->config.idle_spin_ns, "spin").text : "0ns",
           receive_names[plan->config.receive]);
    for (uint32_t t = 0; t < topo->thread_cnt; t++) {
        const struct sl_config_thread *thread = &topo->threads[t];
        char core[16] = "any";
        if (thread->core >= 0)
            snprintf(core, sizeof(core), "%d", thread->core);
        printf("  %2u  core %-4s", t, core);
        for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
            if (thread->stages & stages[i].kind)
                printf(" %s", stages[i].name);
        if (thread->stages & SL_STAGE_DECODE)
            printf(" (of rx %u%s)", thread->rx, thread->heavy ? ", heavy" : "");
        if (thread->stages & SL_STAGE_RX) {
            printf("  rx %u:", rx);
            for (uint32_t f = 0; f < plan->config.feed_cnt; f++)
                if (topo->feed_rx[f] == rx)
                    printf(" %s", plan->config.feeds[f].name);
            rx++;
        }
        putchar('\n');
    }
}

static void print_memory_line(const char *what, uint64_t bytes)
{
    printf("  %-8s%9.1f MiB\n", what, (double)bytes / (1 << 20));
}

static void print_memory(const struct plan *plan)
{
    const struct sl_topo *topo = &plan->topo;
    bool heavy = false;
    for (uint32_t i = 0; i < topo->rx_cnt; i++)
        heavy |= topo->has_heavy[i];
    printf("\nrings of each decode and lane: message %s, answer %s\n", size_text(topo->ring_message[0]).text,
           size_text(topo->ring_answer[0]).text);
    if (heavy)
        printf("  for messages over %s: message %s, answer %s\n", size_text(plan->config.heavy).text,
               size_text(topo->ring_message[1]).text, size_text(topo->ring_answer[1]).text);
    printf("\nmemory\n");
    print_memory_line("rings", topo->memory_rings);
    print_memory_line("scratch", topo->memory_scratch);
    print_memory_line("tape", plan->memory_tape);
    print_memory_line("raw log", plan->memory_raw);
    print_memory_line("hold", plan->memory_hold);
    print_memory_line("window", plan->memory_window);
    print_memory_line("books", plan->memory_books);
    print_memory_line("total", plan->memory_total);
}

static void print_desk(const struct plan *plan)
{
    const struct sl_config *config = &plan->config;
    printf("\nlanes: the head of a lane waits for at most\n");
    printf("  %-8s1 verdict, or %u behind %u of its own\n", sl_lane_name(SL_LANE_FLASH), wait_bound(SL_LANE_FLASH),
           sl_round_turns[SL_LANE_FLASH]);
    for (unsigned lane = SL_LANE_URGENT; lane < SL_LANE_CNT; lane++)
        printf("  %-8s%u verdicts\n", sl_lane_name(lane), wait_bound((enum sl_lane)lane));
    printf("\ndesk\n  duplicates told from news: the last %u bulletins\n  killed stories remembered: %u\n",
           config->window_cnt, config->tombstone_cnt);
    printf("  held: %s and %u bulletins at most\n  a reader that gates delays the tape by %s at most, once\n",
           size_text(config->hold_len).text, config->hold_cnt, time_text(config->gate_ns, "").text);
}

static void print_feeds(const struct plan *plan)
{
    printf("\nfeeds\n");
    for (uint32_t f = 0; f < plan->config.feed_cnt; f++) {
        const struct sl_config_feed *feed = &plan->config.feeds[f];
        printf("  %s: %s, framing %s, messages up to %s within %s, silence %s, time zone %s\n", feed->name,
               feed->format, framing_names[feed->framing], size_text(feed->message_max).text,
               time_text(feed->message_ns, "").text, time_text(feed->silence_ns, "none").text,
               feed->timezone ? feed->timezone : "the agency's, or UTC");
        for (uint32_t l = 0; l < feed->line_cnt; l++)
            printf("    %s\n", feed->lines[l].url);
    }
}

static void print_for_people(const struct plan *plan, bool planned)
{
    if (planned) {
        printf("%s: node %s, tape %s at %s\n", plan->config.path, plan->config.node, plan->config.tape_name,
               plan->config.socket);
        print_threads(plan);
        print_memory(plan);
        print_desk(plan);
        print_feeds(plan);
        printf("%s", plan->remark_cnt ? "\n" : "");
    }
    fflush(stdout);
    for (uint32_t i = 0; i < plan->remark_cnt; i++)
        fprintf(plan->remarks[i].finding ? stderr : stdout, "slugline: %s%s\n",
                plan->remarks[i].finding ? "" : "note: ", plan->remarks[i].text);
}

/* ---- one JSON object for programs ---- */

static void put_string(const char *text)
{
    putchar('"');
    for (; *text; text++)
        if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else if ((unsigned char)*text < ' ')
            printf("\\u%04x", *text);
        else
            putchar(*text);
    putchar('"');
}

static void put_member(const char *key, const char *text)
{
    printf("\"%s\":", key);
    if (text)
        put_string(text);
    else
        printf("null");
}

static void put_threads(const struct plan *plan)
{
    const struct sl_topo *topo = &plan->topo;
    printf(",\"threads\":[");
    for (uint32_t t = 0; t < topo->thread_cnt; t++) {
        const struct sl_config_thread *thread = &topo->threads[t];
        const char *comma = "";
        printf("%s{\"core\":", t ? "," : "");
        if (thread->core < 0)
            printf("null,\"stages\":[");
        else
            printf("%d,\"stages\":[", thread->core);
        for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
            if (thread->stages & stages[i].kind) {
                printf("%s\"%s\"", comma, stages[i].name);
                comma = ",";
            }
        putchar(']');
        if (thread->stages & SL_STAGE_DECODE)
            printf(",\"for\":%u,\"heavy\":%s", thread->rx, thread->heavy ? "true" : "false");
        putchar('}');
    }
    putchar(']');
}

static void put_memory(const struct plan *plan)
{
    const struct sl_topo *topo = &plan->topo;
    printf(",\"rings\":{\"message\":%" PRIu64 ",\"answer\":%" PRIu64 ",\"heavy_message\":%" PRIu64
           ",\"heavy_answer\":%" PRIu64 "}",
           topo->ring_message[0], topo->ring_answer[0], topo->ring_message[1], topo->ring_answer[1]);
    printf(",\"memory\":{\"rings\":%" PRIu64 ",\"scratch\":%" PRIu64 ",\"tape\":%" PRIu64 ",\"raw\":%" PRIu64
           ",\"hold\":%" PRIu64 ",\"window\":%" PRIu64 ",\"books\":%" PRIu64 ",\"total\":%" PRIu64 "}",
           topo->memory_rings, topo->memory_scratch, plan->memory_tape, plan->memory_raw, plan->memory_hold,
           plan->memory_window, plan->memory_books, plan->memory_total);
}

static void put_desk(const struct plan *plan)
{
    const struct sl_config *config = &plan->config;
    printf(",\"lanes\":{");
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        printf("%s\"%s\":{\"turns\":%u,\"verdicts_max\":%u}", lane ? "," : "", sl_lane_name(lane), sl_round_turns[lane],
               wait_bound((enum sl_lane)lane));
    printf("},\"desk\":{\"window\":%u,\"tombstones\":%u,\"hold\":%" PRIu64 ",\"hold_bulletins\":%u,\"gate_ns\":%" PRId64
           "}",
           config->window_cnt, config->tombstone_cnt, config->hold_len, config->hold_cnt, config->gate_ns);
}

static void put_feeds(const struct plan *plan)
{
    printf(",\"feeds\":[");
    for (uint32_t f = 0; f < plan->config.feed_cnt; f++) {
        const struct sl_config_feed *feed = &plan->config.feeds[f];
        printf("%s{", f ? "," : "");
        put_member("name", feed->name);
        putchar(',');
        put_member("format", feed->format);
        printf(",\"framing\":\"%s\",\"rx\":%u,\"message\":%" PRIu64 ",\"message_ns\":%" PRId64
               ",\"silence_ns\":%" PRId64 ",",
               framing_names[feed->framing], plan->topo.feed_rx[f], feed->message_max, feed->message_ns,
               feed->silence_ns);
        put_member("timezone", feed->timezone);
        printf(",\"lines\":[");
        for (uint32_t l = 0; l < feed->line_cnt; l++) {
            printf("%s", l ? "," : "");
            put_string(feed->lines[l].url);
        }
        printf("]}");
    }
    putchar(']');
}

static void put_remarks(const struct plan *plan, const char *key, bool findings)
{
    const char *comma = "";
    printf("\"%s\":[", key);
    for (uint32_t i = 0; i < plan->remark_cnt; i++)
        if (plan->remarks[i].finding == findings) {
            printf("%s", comma);
            put_string(plan->remarks[i].text);
            comma = ",";
        }
    putchar(']');
}

static void print_json(const struct plan *plan, bool planned)
{
    putchar('{');
    put_remarks(plan, "findings", true);
    putchar(',');
    put_remarks(plan, "notes", false);
    if (planned) {
        putchar(',');
        put_member("path", plan->config.path);
        putchar(',');
        put_member("node", plan->config.node);
        putchar(',');
        put_member("tape", plan->config.tape_name);
        putchar(',');
        put_member("socket", plan->config.socket);
        printf(",\"receive\":\"%s\",\"cores\":%u", receive_names[plan->config.receive], plan->core_cnt);
        put_threads(plan);
        put_memory(plan);
        put_desk(plan);
        put_feeds(plan);
    }
    printf("}\n");
}

int sl_cmd_check(int argc, char **argv)
{
    static const struct option options[] = {
        {"config",     required_argument, NULL, 'c' },
        { "json",        no_argument, NULL, 'j' },
        { "help",           no_argument, NULL, 'h' },
        { 0}
    };
    static struct plan plan;
    const char *path = SL_CONFIG_DEFAULT;
    bool json = false;
    int option;
    while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'h':
            fputs(help, stdout);
            return SL_EXIT_FINE;
        default:
            fputs("slugline check --help tells the options\n", stderr);
            return SL_EXIT_USAGE;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "slugline: check: '%s' is one argument too many\n", argv[optind]);
        return SL_EXIT_USAGE;
    }
    bool planned = make_plan(&plan, path);
    (json ? print_json : print_for_people)(&plan, planned);
    sl_config_free(&plan.config);
    return plan.finding_cnt ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
