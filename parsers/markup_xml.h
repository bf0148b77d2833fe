/* parsers/markup_xml.h - markup.h's sink, fed by the XML scanner; and what document this is, before it is scanned.
 *
 * Threads   Pure functions.
 * Owns      Borrows scanner and sink.
 * Errors    SL_XML_ERROR, as the scanner left it.
 */
#ifndef SL_PARSERS_MARKUP_XML_H
#define SL_PARSERS_MARKUP_XML_H

#include "parsers/markup.h"
#include "parsers/xml.h"

/* Of the element, looked up at its START and remembered for its END, for who asks at both. */
enum sl_markup_role sl_markup_role_xml(struct sl_xml *xml);
/* Begins a sink for the scanner's characters. */
void sl_markup_begin_xml(struct sl_markup *markup, struct sl_out *out, const struct sl_xml *xml);
/* At TEXT. */
void sl_markup_text_xml(struct sl_markup *markup, const struct sl_xml *xml);
/* At START: all text inside the element, to its END.  The element itself is the caller's to open and close.  END or
 * ERROR. */
enum sl_xml_event sl_markup_inner_xml(struct sl_markup *markup, struct sl_xml *xml);

/* The local name of the root, looked for in the first bytes only, into name; its length, 0: this is no XML, or the
 * root is not among them.  *off: where its tag begins; after UTF-16 0. */
#define SL_XML_ROOT_MAX 32u
uint32_t sl_xml_root(const uint8_t *data, uint32_t len, char name[SL_XML_ROOT_MAX], uint32_t *off);

/* How surely a root of this name begins a message of the format; a table ends with a row without name. */
struct sl_xml_root_score {
    const char *name;
    int score;
};
/* The score of the root that is there, for struct sl_format.recognize; 0: it is in no row. */
int sl_xml_recognize(const uint8_t *data, uint32_t len, const struct sl_xml_root_score *roots);

#endif
