#include "pipeline/client.h"

#include "parsers/bulletin_json.h"
#include "parsers/parse.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct line {
    char *buf;
    size_t cap, len;
};

static void put(struct line *line, const char *data, size_t len)
{
    if (line->len <= line->cap && len <= line->cap - line->len)
        memcpy(line->buf + line->len, data, len);
    line->len += len;
}

/* A member of a number, left out when it is 0. */
static void put_number(struct line *line, const char *key, uint64_t number)
{
    char text[64];

    if (number)
        put(line, text, (size_t)snprintf(text, sizeof(text), ",\"%s\":%" PRIu64, key, number));
}

static void put_string(struct line *line, const char *key, const char *data, size_t len)
{
    if (!len)
        return;
    put(line, ",\"", 2);
    put(line, key, strlen(key));
    put(line, "\":", 2);
    size_t room = line->len < line->cap ? line->cap - line->len : 0;
    line->len += sl_json_string(room ? line->buf + line->len : NULL, room, data, len);
}

static void put_wire_head(struct line *line, const struct sl_event *event)
{
    static const char *const kinds[] = {
        [SL_EVENT_NONE] = "",         [SL_EVENT_BULLETIN] = "",       [SL_EVENT_NOTICE] = "",
        [SL_EVENT_MISSED] = "missed", [SL_EVENT_EPOCH] = "new-epoch", [SL_EVENT_EVICTED] = "evicted",
    };
    const char *kind = event->type == SL_EVENT_NOTICE ? sl_record_kind_name(event->kind) : kinds[event->type];
    char text[64];

    put(line, text, (size_t)snprintf(text, sizeof(text), "{\"wire\":{\"epoch\":\"%016" PRIx64 "\"", event->epoch));
    put_number(line, "seq", event->seq);
    put_string(line, "feed", event->feed, strlen(event->feed));
    put_string(line, "kind", kind, strlen(kind));
}

static void put_notice(struct line *line, const struct sl_event *event)
{
    const char *code = event->kind == SL_RECORD_REJECT ? sl_parse_code_name(event->notice_code) : "";
    bool laneless = event->kind == SL_RECORD_GAP || event->kind == SL_RECORD_EPOCH || event->kind == SL_RECORD_HOLE;
    const char *lane = laneless ? "" : sl_lane_name(event->lane);

    put_string(line, "lane", lane, strlen(lane));
    put_number(line, "first", event->notice_first);
    put_number(line, "count", event->notice_cnt);
    put_number(line, "until", event->notice_until_ns > 0 ? (uint64_t)event->notice_until_ns : 0);
    put_string(line, "code", code, strlen(code));
    if (event->kind == SL_RECORD_REJECT)
        put_number(line, "offset", event->notice_off);
    put_string(line, "text", event->notice_text.data, event->notice_text.len);
    put_number(line, "rawSeq", event->raw_seq);
    put_number(line, "published", (uint64_t)event->stamps.published_ns);
    put_number(line, "read", (uint64_t)event->stamps.read_ns);
}

static size_t bulletin_json(char *buf, size_t cap, const struct sl_event *event)
{
    const struct sl_json_wire wire = {
        .epoch = event->epoch,
        .seq = event->seq,
        .feed = event->feed,
        .lane = sl_lane_name(event->lane),
        .verdict = sl_verdict_name(event->verdict),
        .after_gap = event->flags & SL_RECORD_AFTER_GAP,
        .clock_stepped = event->flags & SL_RECORD_CLOCK_STEPPED,
        .wire_source = event->wire_source,
        .wire_ns = (uint64_t)event->stamps.wire_ns,
        .rx_ns = (uint64_t)event->stamps.rx_ns,
        .first_ns = (uint64_t)event->stamps.first_ns,
        .framed_ns = (uint64_t)event->stamps.framed_ns,
        .decoded_ns = (uint64_t)event->stamps.decoded_ns,
        .published_ns = (uint64_t)event->stamps.published_ns,
        .read_ns = (uint64_t)event->stamps.read_ns,
    };
    return sl_bulletin_json(buf, cap, event->bulletin, &wire);
}

size_t sl_event_json(char *buf, size_t cap, const struct sl_event *event)
{
    struct line line = { .buf = buf, .cap = cap };

    if (event->type == SL_EVENT_NONE)
        return 0;
    if (event->type == SL_EVENT_BULLETIN)
        return bulletin_json(buf, cap, event);
    put_wire_head(&line, event);
    if (event->type == SL_EVENT_NOTICE)
        put_notice(&line, event);
    if (event->type == SL_EVENT_MISSED) {
        put_number(&line, "first", event->missed_first);
        put_number(&line, "last", event->missed_last);
    }
    put(&line, "}}", 2);
    return line.len;
}
