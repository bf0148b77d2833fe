/* pipeline/sink_frame.h - a bulletin as bytes on a stream: what a tcp sink sends to a client that asked for binary.
 *
 *     [ struct sl_sink_frame | struct sl_bulletin ... ] [ struct sl_sink_frame | ...
 *
 * Threads   Pure functions.
 * Units     Little-endian.  len is that of frame and bulletin together, a multiple of 8.
 * Hostile   Who receives it checks len, then the bulletin with sl_bulletin_check, on its own copy.
 * Layout    Pinned; another layout gets another magic.
 */
#ifndef SL_PIPELINE_SINK_FRAME_H
#define SL_PIPELINE_SINK_FRAME_H

#include "pipeline/client.h"

#define SL_SINK_FRAME_MAGIC 0x31464c53u /* "SLF1" */

struct sl_sink_frame {
    uint32_t len, magic;
    uint8_t kind, lane, verdict, wire_source; /* kind 0: no bulletin follows; missed_first to missed_last never came */
    uint32_t flags;
    uint64_t epoch, seq;
    uint64_t missed_first, missed_last;
    uint64_t arrival;
    uint16_t line, spare;
    uint32_t part;
    struct sl_event_stamps stamps;
    char feed[32]; /* ends with NUL */
};
_Static_assert(sizeof(struct sl_sink_frame) == 152, "no padding in the layout");

static inline size_t sl_sink_frame_write(char *buf, size_t cap, const struct sl_event *event)
{
    uint32_t bulletin_len = event->bulletin ? event->bulletin->len : 0;
    struct sl_sink_frame frame = {
        .len = (uint32_t)sizeof(frame) + bulletin_len,
        .magic = SL_SINK_FRAME_MAGIC,
        .kind = event->bulletin ? event->kind : 0,
        .lane = event->lane,
        .verdict = event->verdict,
        .wire_source = event->wire_source,
        .flags = event->flags,
        .epoch = event->epoch,
        .seq = event->seq,
        .missed_first = event->missed_first,
        .missed_last = event->missed_last,
        .arrival = event->arrival,
        .line = event->line,
        .part = event->part,
        .stamps = event->stamps,
    };
    size_t feed_len = strnlen(event->feed, sizeof(frame.feed) - 1);
    memcpy(frame.feed, event->feed, feed_len);
    if (cap >= frame.len) {
        memcpy(buf, &frame, sizeof(frame));
        if (bulletin_len)
            memcpy(buf + sizeof(frame), event->bulletin, bulletin_len);
    }
    return frame.len;
}

/* The event again; it borrows the frame, which is one of our own making. */
static inline struct sl_event sl_sink_frame_read(const struct sl_sink_frame *frame)
{
    return (struct sl_event){
        .type = frame->kind ? SL_EVENT_BULLETIN : SL_EVENT_MISSED,
        .epoch = frame->epoch,
        .seq = frame->seq,
        .missed_first = frame->missed_first,
        .missed_last = frame->missed_last,
        .bulletin = frame->kind ? (const struct sl_bulletin *)(const void *)(frame + 1) : NULL,
        .feed = frame->feed,
        .flags = frame->flags,
        .kind = frame->kind,
        .lane = frame->lane,
        .verdict = frame->verdict,
        .wire_source = frame->wire_source,
        .line = frame->line,
        .part = frame->part,
        .arrival = frame->arrival,
        .stamps = frame->stamps,
    };
}

#endif
