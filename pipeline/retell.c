#include "pipeline/retell.h"

#include "pipeline/catalog.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sl_retell {
    struct sl_retell_config config;
    struct sl_cursor *cursor;
    struct sl_roster roster;
    uint64_t last_raw; /* the last message; UINT64_MAX: time alone tells */
    const struct sl_record *waiting; /* of the cursor: not due yet, or no room */
    uint16_t feed; /* of waiting */
    int64_t first_ns, start_ns; /* when the first was published, and when it was given; 0: not yet */
    struct sl_retell_sums sums;
    bool ended;
};

void sl_retell_prepare(struct sl_config *config)
{
    for (uint32_t i = 0; i < config->feed_cnt; i++) {
        struct sl_config_feed *feed = &config->feeds[i];
        feed->framing = SL_FRAMING_DATAGRAM;
        feed->line_cnt = 1;
        feed->lines[0] = (struct sl_line_config){ .kind = SL_LINE_FED, .feed = (uint16_t)i, .fd = -1 };
    }
    config->threads_auto = true;
}

/* ---- where to begin and to end ---- */

/* The message of the first record of the tape at seq or behind it that came from one; 0: there is none.  *exact: it is
 * the record of that seq itself. */
static int message_at(const char *directory, uint64_t seq, uint64_t *raw_seq, bool *exact)
{
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    int got, rc = sl_cursor_open(&cursor, directory, SL_FAMILY_TAPE, seq, INT64_MIN);
    *raw_seq = 0;
    if (rc)
        return rc;
    while (!*raw_seq && (got = sl_cursor_next(cursor, &event)) > SL_SEGMENT_END)
        if (got == SL_SEGMENT_RECORD && event.record->kind != SL_RECORD_HOLE) {
            *raw_seq = event.record->raw_seq;
            *exact = event.record->seq == seq;
        }
    sl_cursor_close(cursor);
    return 0;
}

static int find_ends(struct sl_retell *retell)
{
    const struct sl_retell_config *config = &retell->config;
    uint64_t first = 0, last = 0;
    bool exact = false;
    int rc = 0;
    retell->last_raw = UINT64_MAX;
    if (config->to.seq)
        rc = message_at(config->directory, config->to.seq, &last, &exact);
    if (!rc && last)
        retell->last_raw = exact ? last : last - 1;
    if (!rc && config->from.seq) {
        rc = message_at(config->directory, config->from.seq, &first, &exact);
        retell->ended = !rc && !first;
    }
    return rc ? rc : sl_cursor_open(&retell->cursor, config->directory, SL_FAMILY_RAW, first, config->from.ns);
}

int sl_retell_open(struct sl_retell **out, const struct sl_retell_config *config, char *err, size_t err_len)
{
    struct sl_retell *retell = calloc(1, sizeof(*retell));
    if (!retell)
        return -ENOMEM;
    retell->config = *config;
    int rc = find_ends(retell);
    if (rc) {
        snprintf(err, err_len, "%s: %s", config->directory, strerror(-rc));
        sl_retell_close(retell);
        return rc;
    }
    *out = retell;
    return 0;
}

/* ---- messages ---- */

/* Which of the walk's feeds a record is of; by its name as it was then.  False: of none. */
static bool find_feed(struct sl_retell *retell, const struct sl_record *record)
{
    const struct sl_config *config = retell->config.config;
    const char *name =
        sl_roster_name(&retell->roster, retell->config.directory, SL_FAMILY_RAW, record->seq, record->feed);
    retell->feed = record->feed;
    if (!retell->config.by_name)
        retell->feed = 0;
    else if (name)
        for (retell->feed = 0; retell->feed < config->feed_cnt; retell->feed++)
            if (!strcmp(config->feeds[retell->feed].name, name))
                break;
    return retell->feed < config->feed_cnt;
}

static bool is_beyond(const struct sl_retell *retell, const struct sl_record *record)
{
    const struct sl_retell_end *to = &retell->config.to;
    return record->seq > retell->last_raw || (!to->seq && record->stamps.published_ns > to->ns);
}

/* The next message into waiting; false: there is no more. */
static int find_next(struct sl_retell *retell)
{
    struct sl_catalog_event event;
    while (!retell->ended && !retell->waiting) {
        int got = sl_cursor_next(retell->cursor, &event);
        if (got < 0)
            return got;
        const struct sl_record *record = event.record;
        bool raw = got == SL_SEGMENT_RECORD && record->kind == SL_RECORD_RAW && record->len > sizeof(*record);
        retell->sums.damages += got == SL_SEGMENT_DAMAGE;
        if (got == SL_SEGMENT_END || (got == SL_SEGMENT_RECORD && is_beyond(retell, record)))
            retell->ended = true;
        else if (raw && find_feed(retell, record))
            retell->waiting = record;
        else
            retell->sums.strangers += raw;
    }
    return 0;
}

/* Nothing waits for a clock that stepped back. */
static bool is_due(struct sl_retell *retell, int64_t now_ns)
{
    int64_t ns = retell->waiting->stamps.published_ns;
    if (!retell->config.speed)
        return true;
    if (!retell->start_ns) {
        retell->start_ns = now_ns;
        retell->first_ns = ns;
    }
    return (ns - retell->first_ns) / retell->config.speed <= now_ns - retell->start_ns;
}

int sl_retell_give(struct sl_retell *retell, const struct sl_rx_sink *sink, int64_t now_ns)
{
    int rc = find_next(retell);
    if (rc)
        return rc;
    const struct sl_record *record = retell->waiting;
    if (!record)
        return SL_RETELL_END;
    struct sl_packet packet = {
        .data = (const uint8_t *)(record + 1),
        .len = record->len - (uint32_t)sizeof(*record),
        .line = retell->feed, /* each has one */
        .datagram = true,
        .waits = true,
        .wire_source = record->wire_source,
        .wire_ns = record->stamps.wire_ns,
        .rx_ns = record->stamps.first_ns, /* by which the day is told */
    };
    if (!is_due(retell, now_ns) || sink->take(sink->ctx, &packet) != packet.len)
        return SL_RETELL_NOT_YET;
    retell->waiting = NULL;
    retell->sums.given++;
    return SL_RETELL_GIVEN;
}

struct sl_retell_sums sl_retell_sums(const struct sl_retell *retell) { return retell->sums; }

void sl_retell_close(struct sl_retell *retell)
{
    if (!retell)
        return;
    sl_cursor_close(retell->cursor);
    free(retell);
}
