/* pipeline/event.h - a record of the tape, or of the journal, to the event that it is for whoever reads.
 *
 * Threads   Any.
 * Owns      The event borrows the record.
 * Hostile   The record is a private copy of outside input; its len is that of the copy.
 */
#ifndef SL_PIPELINE_EVENT_H
#define SL_PIPELINE_EVENT_H

#include "pipeline/client.h"
#include "ring/log.h"

/* The header is one that a tape, or the journal of one, can have: a bulletin's or a notice's. */
bool sl_event_fine(const struct sl_record *record);
bool sl_event_is_notice(const struct sl_record *record);
/* What the header says, and nothing of what follows it. */
void sl_event_read_head(struct sl_event *event, const struct sl_record *record);
/* A record whose header is fine.  False: what follows it is not.  feed, epoch and read_ns are left to the caller. */
bool sl_event_read(struct sl_event *event, const struct sl_record *record);
/* When the record was published; INT64_MIN when it has been overwritten, as it then lies before all that is left. */
int64_t sl_event_published_ns(struct sl_log_rx *rx, uint64_t seq);

#endif
