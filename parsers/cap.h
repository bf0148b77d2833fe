/* parsers/cap.h - a Common Alerting Protocol alert, wherever it stands in an XML document.
 *
 * Threads   Pure functions on the caller's memory.
 * Owns      Borrows parse and scanner; scratch memory is given back.
 * Errors    SL_XML_ERROR, as the scanner left it.
 */
#ifndef SL_PARSERS_CAP_H
#define SL_PARSERS_CAP_H

#include "parsers/xml.h"

/* Is this START an alert's? */
bool sl_cap_is_alert(const struct sl_xml *xml);
/* At START of an alert: the whole bulletin into parse->out, whatever names the scanner knows; goes to its END.  END or
 * ERROR. */
enum sl_xml_event sl_cap_read(struct sl_parse *parse, struct sl_xml *xml);

#endif
