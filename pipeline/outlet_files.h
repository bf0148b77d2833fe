/* pipeline/outlet_files.h - a synthetic wire into a folder, a file for each message; or into a capture.
 *
 * Life      As outlet.h, which calls these; nobody else does.
 * Threads   One.
 * Owns      The outlet's descriptor, and in a folder that of the file that is being written.
 * Errors    0 or -errno.
 * Source    draft-ietf-opsawg-pcap; RFC 791 3.1, RFC 8200 3, RFC 768.
 */
#ifndef SL_PIPELINE_OUTLET_FILES_H
#define SL_PIPELINE_OUTLET_FILES_H

#include "pipeline/outlet.h"

/* line.kind is SPOOL or CAPTURE. */
int sl_outlet_open_files(struct sl_outlet *outlet);
int sl_outlet_send_file(struct sl_outlet *outlet, const uint8_t *data, uint32_t len);
/* What a slow writer has not written yet. */
int sl_outlet_end_file(struct sl_outlet *outlet);

#endif
