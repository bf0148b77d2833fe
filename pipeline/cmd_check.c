#include "pipeline/commands.h"

#include "pipeline/config_file.h"
#include "pipeline/facts.h"
#include "pipeline/hold.h"
#include "pipeline/joiner.h"
#include "pipeline/round.h"
#include "pipeline/topo.h"
#include "pipeline/window.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REMARKS_MAX 64u

/* Which memory there is, by whom it is called what. */
enum {
    MEMORY_RINGS,
    MEMORY_SCRATCH,
    MEMORY_JOIN,
    MEMORY_TAPE,
    MEMORY_RAW,
    MEMORY_HOLD,
    MEMORY_WINDOW,
    MEMORY_BOOKS,
    MEMORY_TOTAL,
    MEMORY_CNT
};
static const struct {
    const char *people, *programs;
} memory_names[MEMORY_CNT] = {
    {"rings",    "rings"  },
    { "scratch", "scratch"},
    { "join",    "join"   },
    { "tape",    "tape"   },
    { "raw log", "raw"    },
    { "hold",    "hold"   },
    { "window",  "window" },
    { "books",   "books"  },
    { "total",   "total"  },
};

struct plan {
    struct sl_config config;
    struct sl_topo topo;
    cpu_set_t cores; /* that this process may run on */
    uint32_t core_cnt;
    uint64_t host_memory;
    uint64_t memory[MEMORY_CNT];
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
    uint64_t *memory = plan->memory;
    memory[MEMORY_RINGS] = plan->topo.memory_rings;
    memory[MEMORY_SCRATCH] = plan->topo.memory_scratch;
    for (uint32_t f = 0; f < config->feed_cnt; f++)
        memory[MEMORY_JOIN] += config->feeds[f].join_len ? sl_joiner_footprint(config->feeds[f].join_len) : 0;
    memory[MEMORY_TAPE] = sl_topo_tape_footprint(config);
    memory[MEMORY_RAW] = sl_topo_raw_footprint(config);
    memory[MEMORY_HOLD] = config->hold_len + config->hold_cnt * sizeof(struct sl_held);
    memory[MEMORY_WINDOW] = sl_window_footprint(config->window_cnt, config->tombstone_cnt);
    memory[MEMORY_BOOKS] = sl_topo_books_footprint(config, &plan->topo) + sl_topo_notes_footprint(&plan->topo);
    for (unsigned i = 0; i < MEMORY_TOTAL; i++)
        memory[MEMORY_TOTAL] += memory[i];
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
    if (plan->host_memory && plan->memory[MEMORY_TOTAL] > plan->host_memory)
        remark(plan, true, "memory: %" PRIu64 " MiB wanted, this host has %" PRIu64 " MiB",
               plan->memory[MEMORY_TOTAL] >> 20, plan->host_memory >> 20);
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
           sl_receive_names[plan->config.receive]);
    for (uint32_t t = 0; t < topo->thread_cnt; t++) {
        const struct sl_config_thread *thread = &topo->threads[t];
        char core[16] = "any";
        if (thread->core >= 0)
            snprintf(core, sizeof(core), "%d", thread->core);
        printf("  %2u  core %-4s", t, core);
        for (unsigned i = 0; sl_stage_names[i]; i++)
            if (thread->stages & 1u << i)
                printf(" %s", sl_stage_names[i]);
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
    for (unsigned i = 0; i < MEMORY_CNT; i++)
        printf("  %-8s%9.1f MiB\n", memory_names[i].people, (double)plan->memory[i] / (1 << 20));
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
               feed->format, sl_framing_names[feed->framing], size_text(feed->message_max).text,
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

static void tell_threads(const struct plan *plan, struct sl_facts *facts)
{
    sl_facts_open(facts, "threads", '[');
    for (uint32_t t = 0; t < plan->topo.thread_cnt; t++) {
        const struct sl_config_thread *thread = &plan->topo.threads[t];
        sl_facts_open(facts, NULL, '{');
        if (thread->core < 0)
            sl_facts_text(facts, "core", NULL);
        else
            sl_facts_number(facts, "core", thread->core);
        sl_facts_open(facts, "stages", '[');
        for (unsigned i = 0; sl_stage_names[i]; i++)
            if (thread->stages & 1u << i)
                sl_facts_text(facts, NULL, sl_stage_names[i]);
        sl_facts_close(facts, ']');
        if (thread->stages & SL_STAGE_DECODE) {
            sl_facts_number(facts, "for", thread->rx);
            sl_facts_truth(facts, "heavy", thread->heavy);
        }
        sl_facts_close(facts, '}');
    }
    sl_facts_close(facts, ']');
}

static void tell_memory(const struct plan *plan, struct sl_facts *facts)
{
    const struct sl_topo *topo = &plan->topo;
    sl_facts_object(facts, "rings", { "message", topo->ring_message[0] }, { "answer", topo->ring_answer[0] },
                    { "heavy_message", topo->ring_message[1] }, { "heavy_answer", topo->ring_answer[1] });
    sl_facts_open(facts, "memory", '{');
    for (unsigned i = 0; i < MEMORY_CNT; i++)
        sl_facts_number(facts, memory_names[i].programs, plan->memory[i]);
    sl_facts_close(facts, '}');
}

static void tell_desk(const struct plan *plan, struct sl_facts *facts)
{
    const struct sl_config *config = &plan->config;
    sl_facts_open(facts, "lanes", '{');
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        sl_facts_object(facts, sl_lane_name(lane), { "turns", sl_round_turns[lane] },
                        { "verdicts_max", wait_bound((enum sl_lane)lane) });
    }
    sl_facts_close(facts, '}');
    sl_facts_object(facts, "desk", { "window", config->window_cnt }, { "tombstones", config->tombstone_cnt },
                    { "hold", config->hold_len }, { "hold_bulletins", config->hold_cnt },
                    { "gate_ns", config->gate_ns });
}

static void tell_feeds(const struct plan *plan, struct sl_facts *facts)
{
    sl_facts_open(facts, "feeds", '[');
    for (uint32_t f = 0; f < plan->config.feed_cnt; f++) {
        const struct sl_config_feed *feed = &plan->config.feeds[f];
        sl_facts_open(facts, NULL, '{');
        sl_facts_text(facts, "name", feed->name);
        sl_facts_text(facts, "format", feed->format);
        sl_facts_text(facts, "framing", sl_framing_names[feed->framing]);
        sl_facts_numbers(facts, { "rx", plan->topo.feed_rx[f] }, { "message", feed->message_max },
                         { "message_ns", feed->message_ns }, { "silence_ns", feed->silence_ns });
        sl_facts_text(facts, "timezone", feed->timezone);
        sl_facts_open(facts, "lines", '[');
        for (uint32_t l = 0; l < feed->line_cnt; l++)
            sl_facts_text(facts, NULL, feed->lines[l].url);
        sl_facts_close(facts, ']');
        sl_facts_close(facts, '}');
    }
    sl_facts_close(facts, ']');
}

static void tell_remarks(const struct plan *plan, struct sl_facts *facts, const char *key, bool findings)
{
    sl_facts_open(facts, key, '[');
    for (uint32_t i = 0; i < plan->remark_cnt; i++)
        if (plan->remarks[i].finding == findings)
            sl_facts_text(facts, NULL, plan->remarks[i].text);
    sl_facts_close(facts, ']');
}

static void tell_programs(const struct plan *plan, bool planned)
{
    struct sl_facts facts = { 0 };
    sl_facts_open(&facts, NULL, '{');
    tell_remarks(plan, &facts, "findings", true);
    tell_remarks(plan, &facts, "notes", false);
    if (planned) {
        sl_facts_text(&facts, "path", plan->config.path);
        sl_facts_text(&facts, "node", plan->config.node);
        sl_facts_text(&facts, "tape", plan->config.tape_name);
        sl_facts_text(&facts, "socket", plan->config.socket);
        sl_facts_text(&facts, "receive", sl_receive_names[plan->config.receive]);
        sl_facts_number(&facts, "cores", plan->core_cnt);
        tell_threads(plan, &facts);
        tell_memory(plan, &facts);
        tell_desk(plan, &facts);
        tell_feeds(plan, &facts);
    }
    sl_facts_close(&facts, '}');
    putchar('\n');
}

/* ---- every key ---- */

static void print_key(const struct sl_key *key, const char *path)
{
    printf("%-24s %-10s", path, key->fallback ? key->fallback : "-");
    if (sl_key_is_number(key))
        printf(" %s to %s", sl_config_written(sl_key_unit(key), key->min).text,
               sl_config_written(sl_key_unit(key), key->max).text);
    if (key->kind == SL_KEY_WORD || key->kind == SL_KEY_LINES)
        printf(" %s", key->kind == SL_KEY_WORD ? "text" : "URLs");
    for (unsigned i = 0; key->choices && key->choices[i]; i++)
        printf("%s%s", i ? ", " : " ", key->choices[i]);
    printf("%s%s%s%s\n", key->power ? ", a power of two" : "", key->word ? ", or " : "", key->word ? key->word : "",
           key->live ? "; may change without a restart" : "");
}

static void print_keys(const struct sl_key *keys, const char *in)
{
    for (const struct sl_key *key = keys; key->name; key++) {
        char path[SL_CONFIG_PATH_LEN];
        snprintf(path, sizeof(path), "%s%s%s", in, *in ? "." : "", key->name);
        if (key->kind == SL_KEY_LIST)
            strcat(path, "[]");
        if (key->keys)
            print_keys(key->keys, path);
        else
            print_key(key, path);
    }
}

int sl_cmd_check(const struct sl_command *command, int argc, char **argv)
{
    static struct plan plan;
    static const char *path = SL_CONFIG_DEFAULT;
    static bool json, keys;
    /* clang-format off */
    static const struct sl_option options[] = {
        SL_OPTION_CONFIG(&path),
        { 0, "json", NULL, "one JSON object instead of tables", sl_take_flag, &json, NULL },
        { 0, "keys", NULL, "read nothing; list every key with its default and its bounds", sl_take_flag, &keys, NULL },
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);
    if (status >= 0)
        return status;
    if (keys) {
        print_keys(sl_config_root.keys, "");
        return SL_EXIT_FINE;
    }
    bool planned = make_plan(&plan, path);
    (json ? tell_programs : print_for_people)(&plan, planned);
    sl_config_free(&plan.config);
    return plan.finding_cnt ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
