/* pipeline/source.h - a line that is no socket: rx polls it as it polls those.
 *
 *     spool folder, capture, port --> [ source ] --packet--> take()
 *
 * Life      open, poll ..., fini.  After drain it begins nothing new; what it has begun it ends.
 * Threads   open and fini as rx.h says; the rest is the polling thread's.
 * Owns      All memory is had in open.  Borrows the configuration and acks until fini.
 * Errors    open: -errno and a sentence.  poll never fails: what goes wrong is counted, and told.
 * Units     ns by CLOCK_MONOTONIC.
 */
#ifndef SL_PIPELINE_SOURCE_H
#define SL_PIPELINE_SOURCE_H

#include "pipeline/ack.h"
#include "pipeline/rx.h"

struct sl_source_config {
    const struct sl_line_config *line;
    uint16_t line_idx;
    struct sl_rx_sink sink;
    const struct sl_clock *clock;
    sl_cell *books; /* the feed's row of its receive thread */
    struct sl_ack *acks; /* SL_ACKS_PER_LINE of them, of which the first is number ack_first */
    uint32_t ack_first;
    const struct sl_durable *journal[2]; /* its pages, of tape and raw log; NULL: there is none */
};

struct sl_source_kind {
    const char *name;
    int (*open)(void **source, const struct sl_source_config *config, char *err, size_t err_len);
    void (*fini)(void *source);
    /* What becomes readable when there may be something new; -1: time alone tells. */
    int (*fd)(const void *source);
    /* A bounded batch.  readable: fd was since the last poll that had it.  *due_ns: when to be polled again though
     * nothing becomes readable.  How much it did; -EAGAIN: nothing, since take leaves what is offered. */
    int (*poll)(void *source, int64_t now_ns, bool readable, int64_t *due_ns);
    void (*drain)(void *source);
};

extern const struct sl_source_kind sl_source_spool, sl_source_capture, sl_source_dpdk;

#endif
