/* parsers/feed.h - what XML formats that carry HTML in strings share: RSS, Atom, Ritzau, press services.
 *
 *     element --> take --> characters in scratch, mended --> line, body: as plain text, or HTML escaped once or twice
 *
 * Life      A struct sl_feed lies in the parse's scratch behind its scanner, as long as the message: what a channel
 *           says of all its items is read once.
 * Threads   One parse a thread.
 * Owns      Spans taken live in scratch until used is put back.
 * Source    RSS 2.0 Specification (0.9x too), RDF Site Summary 1.0 and its modules, RFC 4287 (Atom).
 */
#ifndef SL_PARSERS_FEED_H
#define SL_PARSERS_FEED_H

#include "parsers/parse.h"
#include "parsers/xml.h"

struct sl_feed {
    struct sl_xml *xml;
    uint32_t mark; /* of scratch: what is taken behind it belongs to one item */
    struct sl_span title, link, language, rights, id, base;
};

/* What an item says, in whatever order: nothing is said of it before it is known to be a story. */
struct sl_feed_item {
    struct sl_span id, link, title, author, published, updated, language, rights, source, expires;
    struct sl_span summary, content;
    struct sl_ref body; /* said already: XHTML */
    bool is_title_text, is_text; /* what looks like markup in them is none */
    bool is_mended; /* characters that were encoded twice */
    bool has_place;
    struct sl_span latitude, longitude;
    enum sl_kind kind; /* as a status says; 0: none does */
    enum sl_signal signal;
    bool is_future; /* not before it is published */
};

/* The scanner and the feed of this message, begun at the first call.  NULL: no room. */
struct sl_feed *sl_feed_begin(struct sl_parse *parse, const struct sl_xml_names *names);

/* At START: the characters inside, as UTF-8 in scratch; goes to its END.  END or ERROR; no room is an empty text.
 * *is_mended: set where characters were encoded twice. */
enum sl_xml_event sl_feed_take(struct sl_parse *parse, struct sl_xml *xml, struct sl_span *text, bool *is_mended);
/* The same of an attribute; empty where there is none. */
struct sl_span sl_feed_value(struct sl_parse *parse, const struct sl_xml *xml, const char *name);
/* At START of an element with XHTML or any XML in it: its paragraphs, said.  END or ERROR. */
enum sl_xml_event sl_feed_put_inline(struct sl_parse *parse, struct sl_xml *xml, struct sl_ref *body);

/* A line, with or without markup.  taken: in scratch, and changed there. */
struct sl_ref sl_feed_put_line(struct sl_parse *parse, struct sl_span taken);
/* Paragraphs from HTML, from HTML that was escaped once more (a note tells), or from lines. */
struct sl_ref sl_feed_put_body(struct sl_parse *parse, struct sl_span *taken, bool is_text);
/* The HTML of a body that was said, made safe, if there is room for it. */
void sl_feed_say_html(struct sl_parse *parse, struct sl_span taken);

/* A reference made absolute: into scratch, or as it is. */
struct sl_span sl_feed_resolve(struct sl_parse *parse, struct sl_span base, struct sl_span href);
/* "example.org" of "http://example.org/a" and of "tag:example.org,2005:a". */
struct sl_span sl_feed_authority(struct sl_span uri);
/* RFC 822 as RSS has it, or ISO 8601; either may stand anywhere. */
bool sl_feed_date(struct sl_parse *parse, struct sl_span date, int64_t *ns, enum sl_date_zone *given);
void sl_feed_association(struct sl_parse *parse, const char *rel, struct sl_span id, struct sl_span href,
                         struct sl_span type);
struct sl_ref sl_feed_put(struct sl_parse *parse, struct sl_span text); /* one line of plain words */

/* "dd.MM.yyyy HH:mm" or ISO 8601 without a zone, which is the agency's: assumed. */
bool sl_feed_local_time(struct sl_parse *parse, struct sl_span date, const char *agency, int64_t *ns);
/* The same as version_created. */
void sl_feed_say_local_time(struct sl_parse *parse, struct sl_span date, const char *agency);
/* Where HTML has references that were escaped once more ("&amp;ndash;"), in place; a note tells. */
void sl_feed_undouble(struct sl_parse *parse, struct sl_span *taken);

/* The document's character set; that its label lies is said once. */
void sl_feed_say_charset(struct sl_parse *parse, const struct sl_xml *xml);
/* All that an item says. */
void sl_feed_say(struct sl_parse *parse, const struct sl_feed *feed, struct sl_feed_item *item);

/* Undoes, in place, what was encoded as UTF-8 twice, where that is certain: the new length. */
uint32_t sl_feed_mend(uint8_t *text, uint32_t len);

#endif
