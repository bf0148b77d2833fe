/* pipeline/order.h - the same numbered messages by several lines to one sequence, once each; what is missing, by name.
 *
 *     line A --datagram--+                                +--> message, message, ...      in their order
 *     line B --datagram--+--> [ window of W numbers ] ----+--> gap: first, how many       after `reorder` at the latest
 *     answers -----------+            |                   +--> FLASH behind a hole        at once, marked AFTER_GAP
 *                                     +--> request for what is missing, to the feed's request server
 *
 * Life      init, take whatever comes and poll, end when the lines stop, fini.
 * Threads   One: all lines of a feed are polled by the thread that calls.
 * Owns      Datagrams are borrowed.  Messages behind a hole are copied and parked, bounded by the window's numbers and
 *           by park_len bytes of each feed; when either is full, the oldest hole is given up before its time.
 * Errors    init: -EINVAL, -ENOMEM.  A datagram that is not what its header says is counted as malformed, whole.
 * Units     Messages are counted by the agency's sequence numbers; times by the clock of poll, in ns.
 * Source    MoldUDP64 1.00 (pipeline/moldudp64.h).
 *
 * Datagrams of feeds that number nothing pass straight through.  So does what a feed's first datagram begins with:
 * who joins late has lost nothing.  A new session begins at 1; the one before it is remembered, so that the slower
 * line's last datagrams are repeats and no third session.  A number more than 65,536 ahead is believed when another
 * datagram confirms it; until then it is malformed.
 *
 * Books: messages expected = received once + lost + what is still waited on.  rx counts datagrams by what take says of
 * them.
 */
#ifndef SL_PIPELINE_ORDER_H
#define SL_PIPELINE_ORDER_H

#include "pipeline/moldudp64.h"
#include "pipeline/stages.h"

#define SL_ORDER_WINDOW 4096u /* messages ahead of the one that is missing; a power of two */

struct sl_order_config {
    const struct sl_feed *feeds; /* all of them, by index */
    uint32_t feed_cnt;
    const struct sl_line_config *lines; /* this receive thread's, as rx numbers them */
    uint32_t line_cnt;
    const struct sl_books *books;
    struct sl_rx_sink sink; /* frame */
    /* Says that messages are missing; false: no room now, and it is asked again. */
    bool (*gap)(void *ctx, uint16_t line, uint64_t first, uint64_t cnt);
    /* Sends a request packet to the feed's server, of a feed that has a UDP_REQUEST line. */
    void (*request)(void *ctx, uint16_t feed, const uint8_t *data, uint32_t len);
    void *request_ctx;
};

struct sl_order;

int sl_order_init(struct sl_order **order, const struct sl_order_config *config);
/* struct sl_rx_sink's two. */
uint32_t sl_order_take(void *order, const struct sl_packet *packet);
void sl_order_line(void *order, uint16_t line, uint16_t conn, enum sl_line_event event);
/* Gives up the holes whose time is up, and asks for what is missing.  Messages and gaps handed on since the last poll;
 * 0 idle; -EAGAIN: something is waited for, look again soon. */
int sl_order_poll(void *order, int64_t now_ns);
/* No more will come: what is missing is given up, what is parked is handed on.  False: no room for all of it yet. */
bool sl_order_end(struct sl_order *order);
void sl_order_fini(struct sl_order *order);

#endif
