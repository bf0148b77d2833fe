#include "pipeline/event.h"

#include "parsers/bulletin_json.h" /* enum sl_wire_source */
#include "parsers/parse.h"

static bool is_bulletin_kind(unsigned kind) { return kind >= SL_KIND_NEWS && kind < SL_KIND_CNT; }

bool sl_event_is_notice(const struct sl_record *record)
{
    return (record->kind >= SL_RECORD_GAP && record->kind <= SL_RECORD_EPOCH) || record->kind == SL_RECORD_HOLE;
}

bool sl_event_fine(const struct sl_record *record)
{
    if (record->len < sizeof(*record) || record->lane >= SL_LANE_CNT || record->wire_source >= SL_WIRE_CNT)
        return false;
    if (sl_event_is_notice(record))
        return record->verdict == SL_VERDICT_MADE;
    return is_bulletin_kind(record->kind) && record->verdict >= SL_VERDICT_PASSED && record->verdict < SL_VERDICT_MADE;
}

static bool read_notice(struct sl_event *event, const struct sl_record *record)
{
    const struct sl_notice *notice = (const struct sl_notice *)(record + 1);
    uint32_t len = record->len - (uint32_t)sizeof(*record);

    if (len < offsetof(struct sl_notice, text) || notice->text_len > len - offsetof(struct sl_notice, text))
        return false;
    /* It may quote the message: what could upset a terminal stays out. */
    uint32_t text_len = sl_text_prefix((const uint8_t *)notice->text, notice->text_len);
    event->notice_first = notice->first;
    event->notice_cnt = notice->cnt;
    event->notice_until_ns = notice->until_ns;
    event->notice_code = notice->code;
    event->notice_off = notice->off;
    event->notice_text = (struct sl_slice){ notice->text, text_len };
    return true;
}

void sl_event_read_head(struct sl_event *event, const struct sl_record *record)
{
    event->seq = record->seq;
    event->flags = record->flags;
    event->kind = record->kind;
    event->lane = record->lane;
    event->verdict = record->verdict;
    event->wire_source = record->wire_source;
    event->line = record->line;
    event->part = record->part;
    event->arrival = record->arrival;
    event->raw_seq = record->raw_seq;
    event->stamps = (struct sl_event_stamps){
        .wire_ns = record->stamps.wire_ns,
        .rx_ns = record->stamps.rx_ns,
        .first_ns = record->stamps.first_ns,
        .framed_ns = record->stamps.framed_ns,
        .decoded_ns = record->stamps.decoded_ns,
        .published_ns = record->stamps.published_ns,
    };
}

static bool read_body(struct sl_event *event, const struct sl_record *record)
{
    if (sl_event_is_notice(record)) {
        event->type = SL_EVENT_NOTICE;
        return read_notice(event, record);
    }
    if (sl_bulletin_check(record + 1, record->len - sizeof(*record)) != SL_BULLETIN_FINE)
        return false;
    event->type = SL_EVENT_BULLETIN;
    event->bulletin = (const struct sl_bulletin *)(record + 1);
    event->bulletin_len = record->len - (uint32_t)sizeof(*record);
    return true;
}

bool sl_event_read(struct sl_event *event, const struct sl_record *record)
{
    if (!read_body(event, record))
        return false;
    sl_event_read_head(event, record);
    return true;
}

int64_t sl_event_published_ns(struct sl_log_rx *rx, uint64_t seq)
{
    sl_log_seek(rx, seq);
    const struct sl_log_rec *rec = sl_log_peek(rx);
    if (!rec || (size_t)((const unsigned char *)rec - rx->bytes) + sizeof(struct sl_record) > rx->bytes_len)
        return INT64_MIN;
    const struct sl_record *record = (const struct sl_record *)(const void *)rec;
    /* Relaxed and atomic: the writer may be overwriting it, which still_whole finds out. */
    int64_t ns = __atomic_load_n(&record->stamps.published_ns, __ATOMIC_RELAXED);
    return sl_log_still_whole(rx) ? ns : INT64_MIN;
}
