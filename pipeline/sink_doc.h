/* pipeline/sink_doc.h - a bulletin as a document for those who take files: NITF, or plain text.
 *
 * Threads   Pure functions.
 * Owns      Borrows the event, writes buf.
 * Errors    Like snprintf, but without NUL.
 * Source    IPTC NITF 3.6: nitf, head, docdata, body; the management-status of docdata says what a kill does.
 */
#ifndef SL_PIPELINE_SINK_DOC_H
#define SL_PIPELINE_SINK_DOC_H

#include "pipeline/client.h"

size_t sl_sink_nitf(char *buf, size_t cap, const struct sl_event *event);
/* Headers as in a mail, a blank line, headline, byline, body. */
size_t sl_sink_text(char *buf, size_t cap, const struct sl_event *event);

#endif
