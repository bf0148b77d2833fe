#include "pipeline/commands.h"

#include "parsers/dates.h"
#include "pipeline/client.h"
#include "pipeline/filter.h"
#include "pipeline/record.h"
#include "pipeline/receipts.h"
#include "pipeline/show.h"

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
    bool told_gone;
    const char *where;
    struct sl_filter *filter;
    struct sl_reader *reader;
    struct sl_receipts *receipts;
    struct sl_show show;
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

/* ---- raw ---- */

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
        return sl_show_json(&tail->show, event);
    if (record && tail->raw)
        print_raw(tail, event);
    else if (record)
        sl_show_people(&tail->show, event);
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
    sl_show_init(&tail.show);
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
    sl_show_fini(&tail.show);
    return rc ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
