#include "pipeline/metrics.h"

#include "pipeline/client.h"
#include "pipeline/config.h"
#include "pipeline/readers.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *buf;
    size_t cap, len;
};

__attribute__((format(printf, 2, 3))) static void put(struct out *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = out->len < out->cap ? out->cap - out->len : 0;
    int len = vsnprintf(room ? out->buf + out->len : NULL, room, format, args);
    va_end(args);
    out->len += len > 0 ? (size_t)len : 0;
}

static void begin(struct out *out, const char *name, const char *type, const char *help)
{
    put(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: '"', backslash and line end are escaped. */
struct label {
    char text[80];
};
static struct label label_of(const char *text)
{
    struct label label = { "" };
    for (size_t len = 0; *text && len < sizeof(label.text) - 3; text++) {
        if (*text == '"' || *text == '\\')
            label.text[len++] = '\\';
        label.text[len++] = *text;
    }
    return label;
}

/* ---- feeds ---- */

static const struct feed_metric {
    const char *name, *help;
    size_t at; /* in struct sl_feed_sums */
} feed_metrics[] = {
    {"slugline_feed_received_bytes_total",
      "Bytes that came in.", offsetof(struct sl_feed_sums, bytes) },
    { "slugline_feed_messages_total",
      "Messages framed.", offsetof(struct sl_feed_sums, framed) },
    { "slugline_feed_published_total",
      "Bulletins put on the tape.", offsetof(struct sl_feed_sums, published) },
    { "slugline_feed_duplicates_total",    "Bulletins that had been published.",
      offsetof(struct sl_feed_sums, duplicates) },
    { "slugline_feed_rejects_total",
      "Messages refused.", offsetof(struct sl_feed_sums, rejected) },
    { "slugline_feed_dropped_total",
      "Messages for which a ring had no room.", offsetof(struct sl_feed_sums, dropped) },
    { "slugline_feed_kernel_drops_total",  "Datagrams for which the kernel had no room.",
      offsetof(struct sl_feed_sums, kernel_drops)},
};

static void put_feeds(struct out *out, const struct sl_visit *visit, const struct sl_books *books)
{
    for (size_t m = 0; m < sizeof(feed_metrics) / sizeof(feed_metrics[0]); m++) {
        begin(out, feed_metrics[m].name, "counter", feed_metrics[m].help);
        for (uint32_t f = 0; f < books->feed_cnt; f++) {
            struct sl_feed_sums sums = sl_books_sums(books, f);
            uint64_t count;
            memcpy(&count, (const char *)&sums + feed_metrics[m].at, sizeof(count));
            put(out, "%s{feed=\"%s\"} %" PRIu64 "\n", feed_metrics[m].name, label_of(visit->feed[f]).text, count);
        }
    }
    begin(out, "slugline_feed_lines_up", "gauge", "Lines that are open.");
    for (uint32_t f = 0; f < books->feed_cnt; f++)
        put(out, "slugline_feed_lines_up{feed=\"%s\"} %" PRIu64 "\n", label_of(visit->feed[f]).text,
            sl_books_sums(books, f).lines_up);
    begin(out, "slugline_feed_held", "gauge", "Bulletins kept back just now.");
    for (uint32_t f = 0; f < books->feed_cnt; f++)
        put(out, "slugline_feed_held{feed=\"%s\"} %" PRIu64 "\n", label_of(visit->feed[f]).text,
            sl_books_sums(books, f).held);
    begin(out, "slugline_feed_last_received_timestamp_seconds", "gauge", "When something came last; 0 never.");
    for (uint32_t f = 0; f < books->feed_cnt; f++)
        put(out, "slugline_feed_last_received_timestamp_seconds{feed=\"%s\"} %.3f\n", label_of(visit->feed[f]).text,
            (double)sl_books_sums(books, f).last_ns / 1e9);
}

static void put_lanes(struct out *out, const struct sl_books *books)
{
    begin(out, "slugline_lane_published_total", "counter", "Bulletins put on the tape, by lane.");
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        uint64_t count = 0;
        for (uint32_t f = 0; f < books->feed_cnt; f++)
            count += sl_cell_get(&sl_books_desk(books, f)[SL_DESK_LANE + lane]);
        put(out, "slugline_lane_published_total{lane=\"%s\"} %" PRIu64 "\n", sl_lane_name(lane), count);
    }
}

/* ---- the tape ---- */

static void put_tape(struct out *out, const struct sl_books *books)
{
    const sl_cell *tape = sl_books_tape(books);
    begin(out, "slugline_tape_seq", "gauge", "Number of the last record.");
    put(out, "slugline_tape_seq %" PRIu64 "\n", sl_cell_get(&tape[SL_TAPE_LAST_SEQ]));
    begin(out, "slugline_journal_durable_seq", "gauge", "Number up to which all is on the disk; 0 without a journal.");
    put(out, "slugline_journal_durable_seq %" PRIu64 "\n", sl_cell_get(&tape[SL_TAPE_DURABLE_SEQ]));
    begin(out, "slugline_tape_evictions_total", "counter", "Gating readers that were too slow.");
    put(out, "slugline_tape_evictions_total %" PRIu64 "\n", sl_cell_get(&tape[SL_TAPE_EVICTIONS]));
    begin(out, "slugline_clock_steps_total", "counter", "Stamps that lay before the stamp of the stage before.");
    put(out, "slugline_clock_steps_total %" PRIu64 "\n", sl_cell_get(&tape[SL_TAPE_CLOCK_STEPS]));
}

/* ---- sinks ---- */

enum { SENT, REPEATED, ERRORS, REFUSED_PEERS, WAITING, UNDER_WAY, PEERS, LAG, SINK_METRIC_CNT };
static const struct sink_metric {
    const char *name, *type, *help;
} sink_metrics[SINK_METRIC_CNT] = {
    [SENT] = {"slugline_sink_sent_total", "counter",
      "Bulletins handed on." },
    [REPEATED] = { "slugline_sink_repeated_total", "counter",
      "Bulletins handed on again." },
    [ERRORS] = { "slugline_sink_errors_total", "counter",
      "Faults of the sink or its peer." },
    [REFUSED_PEERS] = { "slugline_sink_refused_peers_total", "counter",
      "Clients that were not let in." },
    [WAITING] = { "slugline_sink_waiting", "gauge",
      "Bulletins read and not handed on." },
    [UNDER_WAY] = { "slugline_sink_under_way", "gauge",
      "Bulletins handed on and not known to have arrived." },
    [PEERS] = { "slugline_sink_peers", "gauge",
      "Connections." },
    [LAG] = { "slugline_sink_lag_seconds", "gauge",
      "How long the oldest record that it has not read has been there."},
};

static double sink_value(const struct sl_reader_stand *stand, unsigned metric)
{
    const struct sl_reader_account *account = &stand->account;
    const uint64_t values[] = { [SENT] = account->sent,        [REPEATED] = account->repeated,
                                [ERRORS] = account->error_cnt, [REFUSED_PEERS] = account->refused_peers,
                                [WAITING] = account->waiting,  [UNDER_WAY] = account->under_way,
                                [PEERS] = account->peers };
    return metric == LAG ? (double)stand->lag_ns / 1e9 : (double)values[metric];
}

static bool next_sink(const struct sl_books *books, uint32_t *seat, struct sl_reader_stand *stand)
{
    while (*seat < SL_LOG_SEATS)
        if (sl_reader_stand(books, (*seat)++, stand) && stand->account.type && stand->account.type <= SL_SINK_KIND_CNT)
            return true;
    return false;
}

static void put_sinks(struct out *out, const struct sl_books *books)
{
    struct sl_reader_stand stand;
    for (unsigned m = 0; m < SINK_METRIC_CNT; m++) {
        begin(out, sink_metrics[m].name, sink_metrics[m].type, sink_metrics[m].help);
        for (uint32_t seat = 0; next_sink(books, &seat, &stand);)
            put(out, "%s{sink=\"%s\",type=\"%s\"} %.15g\n", sink_metrics[m].name, label_of(stand.name).text,
                sl_sink_names[stand.account.type - 1], sink_value(&stand, m));
    }
    begin(out, "slugline_sink_dropped_total", "counter", "Bulletins never handed on, by reason.");
    for (uint32_t seat = 0; next_sink(books, &seat, &stand);) {
        const struct sl_reader_account *account = &stand.account;
        const struct {
            const char *reason;
            uint64_t count;
        } reasons[] = {
            {"missed",     account->missed   },
            { "conflated", account->conflated},
            { "cut",       account->cut      },
            { "refused",   account->refused  }
        };
        for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
            put(out, "slugline_sink_dropped_total{sink=\"%s\",reason=\"%s\"} %" PRIu64 "\n", label_of(stand.name).text,
                reasons[i].reason, reasons[i].count);
    }
}

size_t sl_metrics_write(char *buf, size_t cap, const struct sl_visit *visit, const struct sl_books *books)
{
    struct out out = { buf, cap, 0 };
    begin(&out, "slugline_up", "gauge", "Whether the daemon is there.");
    put(&out, "slugline_up %d\n", visit != NULL);
    if (!visit)
        return out.len;
    begin(&out, "slugline_walk_starts_total", "counter", "Starts of the hot process by this supervisor.");
    put(&out, "slugline_walk_starts_total %" PRIu64 "\n", visit->welcome->walk_cnt);
    put_tape(&out, books);
    put_feeds(&out, visit, books);
    put_lanes(&out, books);
    put_sinks(&out, books);
    return out.len;
}
