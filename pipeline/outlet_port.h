/* pipeline/outlet_port.h - a synthetic wire out of a port of DPDK's, as frames of our own.
 *
 * Life      As outlet.h, which calls these; nobody else does.
 * Threads   One.
 * Owns      The port.
 * Errors    0 or -errno.
 * Units     Bytes; ns.
 */
#ifndef SL_PIPELINE_OUTLET_PORT_H
#define SL_PIPELINE_OUTLET_PORT_H

#include "pipeline/outlet.h"

/* line.kind is DPDK.  Waits until there is a cable with somebody at its other end. */
int sl_outlet_open_port(struct sl_outlet *outlet, int64_t wait_ns, char *err, size_t err_len);
/* Waits a while for the port to have room; what it then does not take is refused. */
int sl_outlet_send_port(struct sl_outlet *outlet, const uint8_t *data, uint32_t len);
void sl_outlet_close_port(struct sl_outlet *outlet);

#endif
