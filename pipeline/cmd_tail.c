#include "pipeline/commands.h"

#include "parsers/bulletin_json.h"
#include "parsers/dates.h"
#include "pipeline/client.h"
#include "pipeline/filter.h"
#include "pipeline/record.h"
#include "pipeline/receipts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SLICE_NS SL_TIME_NS /* how long a signal that came between two looks may go unheard */

struct tail {
    struct sl_reader_options options;
    uint64_t count, printed;
    bool json, raw, notices, latency;
    bool color;
    bool told_gone;
    const char *where;
    struct sl_filter *filter;
    struct sl_reader *reader;
    struct sl_receipts *receipts;
    char *line; /* of JSON; grows */
    size_t line_cap;
};

/* ---- options ---- */

static bool read_u64(const char *text, int base, char end, uint64_t *number, const char **rest)
{
    char *stop_at;
    errno = 0;
    *number = strtoull(text, &stop_at, base);
    *rest = stop_at;
    return !errno && stop_at != text && *text != '-' && *text != '+' && *stop_at == end;
}

static bool take_from(void *to, char *text)
{
    struct sl_reader_options *options = to;
    const char *rest;
    enum sl_date_zone given;

    if (!strcmp(text, "now") || !strcmp(text, "oldest")) {
        options->from = *text == 'n' ? SL_FROM_NOW : SL_FROM_OLDEST;
        return true;
    }
    options->from = SL_FROM_SEQ;
    if (read_u64(text, 10, '\0', &options->seq, &rest))
        return true;
    if (strcspn(text, ":") == 16 && read_u64(text, 16, ':', &options->epoch, &rest) &&
        read_u64(rest + 1, 10, '\0', &options->seq, &rest))
        return true;
    options->from = SL_FROM_TIME;
    return sl_date_iso((const uint8_t *)text, (uint32_t)strlen(text), NULL, &options->time_ns, &given);
}

/* The expression again, and under it the place that was not understood. */
static int refuse_filter(const struct tail *tail, const struct sl_filter_err *err, int rc)
{
    fprintf(stderr, "slugline: tail: --where: %s\n  %s\n  %*s^\n", rc == -EINVAL ? err->text : strerror(-rc),
            tail->where, (int)err->off, "");
    return SL_EXIT_USAGE;
}

/* ---- lines for people ---- */

static const char *color_of(const struct tail *tail, const struct sl_event *event, bool kill)
{
    static const char *const lanes[SL_LANE_CNT] = { "\033[1;31m", "\033[1;33m", "\033[32m", "\033[2m" };
    if (!tail->color)
        return "";
    return kill ? "\033[1;97;41m" : lanes[event->lane % SL_LANE_CNT];
}

static void print_time(int64_t ns)
{
    time_t seconds = (time_t)(ns / SL_TIME_NS);
    struct tm tm;
    char text[16];
    localtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%H:%M:%S", &tm);
    printf("%s.%06d", text, (int)(ns % SL_TIME_NS / 1000));
}

/* Text of the bulletin holds no control characters but these two. */
static void print_text(struct sl_slice text)
{
    for (uint32_t i = 0; i < text.len; i++)
        putchar(text.data[i] == '\n' || text.data[i] == '\t' ? ' ' : text.data[i]);
}

static void print_what(const struct sl_event *event)
{
    const struct sl_bulletin *bulletin = event->bulletin;
    const char *signal_name = sl_signal_name(bulletin->signal), *kind = sl_kind_name(bulletin->kind);

    if (bulletin->kind == SL_KIND_KILL)
        printf("*** KILL *** ");
    else if (bulletin->kind != SL_KIND_NEWS)
        printf("%s ", kind);
    if (*signal_name && strcmp(signal_name, kind) && bulletin->kind != SL_KIND_KILL)
        printf("%s ", signal_name);
    if (event->verdict != SL_VERDICT_PASSED)
        printf("[%s] ", sl_verdict_name(event->verdict));
    if (event->flags & SL_RECORD_AFTER_GAP)
        printf("[after a gap] ");
}

static struct sl_slice title_of(const struct sl_bulletin *bulletin)
{
    struct sl_slice title = sl_bulletin_text(bulletin, SL_TEXT_HEADLINE);
    if (title.len)
        return title;
    title = sl_bulletin_text(bulletin, SL_TEXT_BODY);
    const char *end = memchr(title.data, '\n', title.len);
    if (end)
        title.len = (uint32_t)(end - title.data);
    return title;
}

static void print_bulletin(const struct tail *tail, const struct sl_event *event)
{
    struct sl_slice slugline = sl_bulletin_text(event->bulletin, SL_TEXT_SLUGLINE);
    bool kill = event->bulletin->kind == SL_KIND_KILL || event->bulletin->signal == SL_SIGNAL_KILL;

    print_time(event->stamps.read_ns);
    printf(" %s%-6s %s ", color_of(tail, event, kill), sl_lane_name(event->lane), event->feed);
    print_what(event);
    print_text(slugline);
    if (slugline.len)
        printf(": ");
    print_text(title_of(event->bulletin));
    printf("%s  %.1f us\n", tail->color ? "\033[0m" : "", (double)sl_receipts_whole_ns(event) / 1000.0);
}

static void print_notice(const struct sl_event *event)
{
    print_time(event->stamps.read_ns);
    printf(" %-6s %s ", sl_record_kind_name(event->kind), event->feed);
    if (event->kind == SL_RECORD_GAP)
        printf("%" PRIu64 " missing from %" PRIu64 " ", event->notice_cnt, event->notice_first);
    if (event->kind == SL_RECORD_REJECT)
        printf("%s at byte %" PRIu32 ", expected: ", sl_parse_code_name(event->notice_code), event->notice_off);
    print_text(event->notice_text);
    putchar('\n');
}

static void print_event(struct tail *tail, const struct sl_event *event)
{
    if (event->type == SL_EVENT_BULLETIN)
        print_bulletin(tail, event);
    else
        print_notice(event);
}

/* ---- JSON and raw ---- */

static bool print_json(struct tail *tail, const struct sl_event *event)
{
    size_t len = sl_event_json(tail->line, tail->line_cap, event);
    if (len > tail->line_cap) {
        char *line = realloc(tail->line, 2 * len);
        if (!line)
            return false;
        tail->line = line;
        tail->line_cap = 2 * len;
        len = sl_event_json(tail->line, tail->line_cap, event);
    }
    fwrite(tail->line, 1, len, stdout);
    putchar('\n');
    return true;
}

static void print_raw(struct tail *tail, const struct sl_event *event)
{
    const void *data;
    size_t len;

    if (!event->raw_seq || event->part)
        return;
    int rc = sl_reader_raw(tail->reader, event->raw_seq, &data, &len);
    if (rc) {
        printf("--- %" PRIu64 " %s: %s\n", event->seq, event->feed,
               rc == -ENOENT ? "no longer on the raw log" : strerror(-rc));
        return;
    }
    printf("--- %" PRIu64 " %s: %zu bytes\n", event->seq, event->feed, len);
    sl_print_bytes(data, len);
}

/* ---- the loop ---- */

/* What concerns whoever watches, and is no news. */
static void say_on_the_side(const struct sl_event *event)
{
    fflush(stdout);
    if (event->type == SL_EVENT_MISSED)
        fprintf(stderr,
                "slugline: tail: missed %" PRIu64 " to %" PRIu64 ": they were overwritten before they were read\n",
                event->missed_first, event->missed_last);
    else if (event->type == SL_EVENT_EPOCH)
        fprintf(stderr, "slugline: tail: joined epoch %016" PRIx64 " at %" PRIu64 "\n", event->epoch, event->seq);
}

static bool show(struct tail *tail, const struct sl_event *event)
{
    bool record = event->type == SL_EVENT_BULLETIN || event->type == SL_EVENT_NOTICE;

    if (event->type == SL_EVENT_EPOCH)
        tail->told_gone = false;
    if (event->type == SL_EVENT_BULLETIN) {
        tail->printed++;
        if (tail->receipts)
            sl_receipts_add(tail->receipts, event);
    }
    if (!record)
        say_on_the_side(event);
    if (tail->json)
        return print_json(tail, event);
    if (record && tail->raw)
        print_raw(tail, event);
    else if (record)
        print_event(tail, event);
    return true;
}

static void tell_gone(struct tail *tail)
{
    if (!tail->told_gone)
        fputs("slugline: tail: the daemon is gone; waiting for the next\n", stderr);
    tail->told_gone = true;
}

/* Prints until stopped; 0, or -errno. */
static int follow(struct tail *tail)
{
    struct sl_event event;

    while (!sl_stopped && !ferror(stdout) && (!tail->count || tail->printed < tail->count)) {
        /* What is printed is shown at once when nothing more follows at once. */
        int rc = sl_reader_next(tail->reader, &event, 0);
        if (!rc && event.type == SL_EVENT_NONE) {
            fflush(stdout);
            rc = sl_reader_next(tail->reader, &event, SLICE_NS);
        }
        if (rc == -EPIPE)
            tell_gone(tail);
        else if (rc && rc != -EINTR)
            return rc;
        else if (!rc && event.type != SL_EVENT_NONE && !show(tail, &event))
            return -ENOMEM;
    }
    return 0;
}

static bool wants_color(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

int sl_cmd_tail(const struct sl_command *command, int argc, char **argv)
{
    static struct tail tail;
    /* clang-format off */
    static const struct sl_option options[] = {
        { 'f', "from", "WHERE", "now (default), oldest, SEQ, EPOCH:SEQ, or a time: 2026-01-05T10:01:02Z (UTC where it\n"
          "names no zone)", take_from, &tail.options, "now, oldest, SEQ, EPOCH:SEQ or a time" },
        { 'n', "count", "N", "stop after N bulletins", sl_take_count, &tail.count, "a number from 1" },
        { 'j', "json", NULL, "a ninjs object a line", sl_take_flag, &tail.json, NULL },
        { 'r', "raw", NULL, "the messages as the agencies sent them, with \\xNN for what is not printable;\n"
          "needs the right to the raw log", sl_take_flag, &tail.raw, NULL },
        { 'w', "where", "EXPR", "only bulletins that fit: \"urgency <= 2 and lang == 'en' and headline ~ '*rates*'\";\n"
          "see FILTERS in libslugline(3)", sl_take_text, &tail.where, NULL },
        { 0, "notices", NULL, "also gaps, rejects, held bulletins and restarts", sl_take_flag, &tail.notices, NULL },
        { 'l', "latency", NULL, "at the end, latencies by lane and stage, on standard error",
          sl_take_flag, &tail.latency, NULL },
        SL_OPTION_SOCKET(&tail.options.socket),
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);
    if (status >= 0)
        return status;
    if (tail.json && tail.raw)
        return sl_usage_refuse(command, "--raw does not go with --json");
    struct sl_filter_err err;
    int rc = tail.where ? sl_filter_compile(&tail.filter, tail.where, &err) : 0;
    if (rc)
        return refuse_filter(&tail, &err, rc);
    tail.options.filter = tail.filter;
    tail.color = wants_color();
    tail.options.size = sizeof(tail.options);
    tail.options.name = "slugline tail";
    tail.options.raw = tail.raw;
    tail.options.notices = tail.notices;
    rc = sl_reader_open(&tail.reader, &tail.options);
    if (rc)
        return sl_daemon_refuse(command, tail.options.socket, rc);
    tail.receipts = tail.latency ? sl_receipts_new() : NULL;
    sl_hear_stop();
    signal(SIGPIPE, SIG_IGN); /* head is a fine companion of tail */
    rc = follow(&tail);
    fflush(stdout);
    if (rc)
        fprintf(stderr, "slugline: tail: %s\n", strerror(-rc));
    if (tail.receipts)
        sl_receipts_print(tail.receipts, stderr);
    sl_receipts_delete(tail.receipts);
    sl_reader_close(tail.reader);
    sl_filter_free(tail.filter);
    free(tail.line);
    return rc ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
