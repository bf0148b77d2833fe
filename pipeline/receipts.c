#include "pipeline/receipts.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *const stage_names[SL_RECEIPT_CNT] = { "wire-rx",           "rx-framed",      "framed-decoded",
                                                         "decoded-published", "published-read", "wire-read" };

struct sl_receipts *sl_receipts_new(void) { return calloc(1, sizeof(struct sl_receipts)); }

void sl_receipts_delete(struct sl_receipts *receipts) { free(receipts); }

static void record(struct sl_receipts *receipts, const struct sl_event *event, enum sl_receipt_stage stage,
                   int64_t from_ns, int64_t to_ns)
{
    if (from_ns && to_ns && event->lane < SL_LANE_CNT)
        sl_hist_record(&receipts->hist[event->lane][stage], to_ns - from_ns);
}

int64_t sl_receipts_whole_ns(const struct sl_event *event)
{
    const struct sl_event_stamps *stamps = &event->stamps;
    return stamps->read_ns - (stamps->wire_ns ? stamps->wire_ns : stamps->rx_ns);
}

void sl_receipts_add(struct sl_receipts *receipts, const struct sl_event *event)
{
    const struct sl_event_stamps *stamps = &event->stamps;

    record(receipts, event, SL_RECEIPT_WIRE_RX, stamps->wire_ns, stamps->rx_ns);
    record(receipts, event, SL_RECEIPT_RX_FRAMED, stamps->rx_ns, stamps->framed_ns);
    record(receipts, event, SL_RECEIPT_FRAMED_DECODED, stamps->framed_ns, stamps->decoded_ns);
    record(receipts, event, SL_RECEIPT_DECODED_PUBLISHED, stamps->decoded_ns, stamps->published_ns);
    record(receipts, event, SL_RECEIPT_PUBLISHED_READ, stamps->published_ns, stamps->read_ns);
    record(receipts, event, SL_RECEIPT_WIRE_READ, stamps->wire_ns ? stamps->wire_ns : stamps->rx_ns, stamps->read_ns);
}

static double us(int64_t ns) { return (double)ns / 1000.0; }

void sl_receipts_print(const struct sl_receipts *receipts, FILE *to)
{
    fprintf(to, "%-8s%-18s%10s%11s%11s%11s%11s%11s\n", "lane", "latency, us", "count", "p50", "p90", "p99", "p99.9",
            "max");
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        for (unsigned stage = 0; stage < SL_RECEIPT_CNT; stage++) {
            const struct sl_hist *hist = &receipts->hist[lane][stage];
            if (!hist->cnt)
                continue;
            fprintf(to, "%-8s%-18s%10" PRIu64 "%11.1f%11.1f%11.1f%11.1f%11.1f", sl_lane_name(lane), stage_names[stage],
                    hist->cnt, us(sl_hist_percentile(hist, 50)), us(sl_hist_percentile(hist, 90)),
                    us(sl_hist_percentile(hist, 99)), us(sl_hist_percentile(hist, 99.9)), us(hist->max));
            if (hist->negative_cnt)
                fprintf(to, "  (%" PRIu64 " negative: the clock stepped)", hist->negative_cnt);
            fputc('\n', to);
        }
}

static void tell_hist(const struct sl_hist *hist, struct sl_facts *facts, const char *key)
{
    sl_facts_object(facts, key, { "count", hist->cnt }, { "negative", hist->negative_cnt }, { "min", hist->min },
                    { "p50", sl_hist_percentile(hist, 50) }, { "p90", sl_hist_percentile(hist, 90) },
                    { "p99", sl_hist_percentile(hist, 99) }, { "p99.9", sl_hist_percentile(hist, 99.9) },
                    { "max", hist->max });
}

void sl_receipts_tell(const struct sl_receipts *receipts, struct sl_facts *facts, const char *key)
{
    sl_facts_open(facts, key, '{');
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        sl_facts_open(facts, sl_lane_name(lane), '{');
        for (unsigned stage = 0; stage < SL_RECEIPT_CNT; stage++)
            tell_hist(&receipts->hist[lane][stage], facts, stage_names[stage]);
        sl_facts_close(facts, '}');
    }
    sl_facts_close(facts, '}');
}
