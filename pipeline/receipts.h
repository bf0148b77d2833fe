/* pipeline/receipts.h - how long bulletins took from stage to stage, by lane, from the receipts they carry.
 *
 * Life      new, add ..., print or tell, delete.
 * Threads   One.
 * Errors    new: NULL when there is no memory.
 * Units     ns inside; what people read is in microseconds.
 */
#ifndef SL_PIPELINE_RECEIPTS_H
#define SL_PIPELINE_RECEIPTS_H

#include "parsers/parse.h"
#include "pipeline/client.h"
#include "pipeline/facts.h"
#include "pipeline/hist.h"

#include <stdio.h>

enum sl_receipt_stage {
    SL_RECEIPT_WIRE_RX, /* in the card and the kernel, or waiting for us to look; absent without a wire stamp */
    SL_RECEIPT_RX_FRAMED, /* a message in pieces: from the packet that ended it */
    SL_RECEIPT_FRAMED_DECODED, /* waiting and parsing */
    SL_RECEIPT_DECODED_PUBLISHED,
    SL_RECEIPT_PUBLISHED_READ,
    SL_RECEIPT_WIRE_READ, /* all of it; from rx where there is no wire stamp */
    SL_RECEIPT_CNT,
};

struct sl_receipts {
    struct sl_hist hist[SL_LANE_CNT][SL_RECEIPT_CNT];
};

struct sl_receipts *sl_receipts_new(void);
void sl_receipts_delete(struct sl_receipts *receipts);
void sl_receipts_add(struct sl_receipts *receipts, const struct sl_event *event); /* a BULLETIN */
/* From the wire to the reader, all lanes together. */
int64_t sl_receipts_whole_ns(const struct sl_event *event);
void sl_receipts_print(const struct sl_receipts *receipts, FILE *to);
/* {"flash":{"wire-rx":{"count":..,"p50":..},...},...}: ns. */
void sl_receipts_tell(const struct sl_receipts *receipts, struct sl_facts *facts, const char *key);

#endif
