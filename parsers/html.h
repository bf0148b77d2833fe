/* parsers/html.h - HTML in a string to plain text, to safe HTML, to characters: whatever state it is in.
 *
 * Threads   Pure functions; tables are constant.
 * Owns      Borrows everything until return.
 * Units     Lengths in bytes.
 * Hostile   Tags may be open at the end, quotes may never close: each byte is looked at a bounded number of times.
 * Source    HTML (WHATWG) 13.2.5 for tags, comments, raw text and character references, 13.2.5.80 for numbers that are
 *           meant in Windows-1252.  Where browsers would drop text that reads like a tag and is none (an address in
 *           angle brackets, "a<b"), it stays.
 *
 * The container's own escaping (XML, JSON) is the caller's to undo, once: sl_html_unescape does it where the container
 * is XML or the string was escaped twice.  Then sl_html_put undoes HTML's, once.
 */
#ifndef SL_PARSERS_HTML_H
#define SL_PARSERS_HTML_H

#include "parsers/markup.h"

/* The text of html through a sink that was begun with the string's charset. */
void sl_html_put(struct sl_markup *markup, struct sl_span html);
/* The same in one line, for headlines, into the open text of out. */
void sl_html_put_line(struct sl_out *out, enum sl_charset charset, struct sl_span html, struct sl_text_stats *stats);
/* The body's paragraphs into the open text of out. */
void sl_html_put_body(struct sl_out *out, enum sl_charset charset, struct sl_span html, struct sl_text_stats *stats);

/* Does the string hold HTML: a tag that HTML or NITF knows, near its start? */
bool sl_html_is_markup(struct sl_span text);
/* Was it escaped once more than it should be: an escaped tag, and no tag? */
bool sl_html_is_escaped(struct sl_span text);

/* HTML with nothing but text, its structure and links, into the open text of out: no scripts, no handlers, no styles,
 * only http, https and mailto.  Every element is closed.  False, and nothing is put, when it would need more than half
 * as much again as it has. */
bool sl_html_put_safe(struct sl_out *out, enum sl_charset charset, struct sl_span html, struct sl_text_stats *stats);

/* Both at once: the body's paragraphs through the sink, and safe HTML into to, which has to_len bytes: as many as half
 * as much again as html, and SL_OUT_TEXT_LEN.  The length of the safe HTML; 0 when there is none. */
uint32_t sl_html_put_both(struct sl_markup *markup, struct sl_span html, uint8_t *to, uint32_t to_len);
static inline uint8_t *sl_html_both_text(uint8_t *to) { return to + SL_OUT_TEXT_LEN; }

/* Undoes character references once: into to, which has from.len bytes, or is from itself.  The new length. */
uint32_t sl_html_unescape(uint8_t *to, struct sl_span from);

/* The character reference at the start of text, which starts with '&': how long it is, 0 for none, and its UTF-8. */
#define SL_ENTITY_UTF8_MAX 8u
uint32_t sl_html_entity(struct sl_span text, uint8_t utf8[SL_ENTITY_UTF8_MAX], uint32_t *utf8_len);

/* ---- html_entities.c, for html.c ---- */

#define SL_ENTITY_CNT 2123u
struct sl_entity {
    uint16_t off; /* in sl_entity_text: the name, then its characters */
    uint8_t name_len, utf8_len : 7, is_bare : 1; /* bare: known without a semicolon, too */
};
extern const char sl_entity_text[];
extern const struct sl_entity sl_entities[SL_ENTITY_CNT];

#endif
