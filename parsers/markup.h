/* parsers/markup.h - the plain body from marked-up text: a sink for the events of whoever reads the markup.
 *
 *     XML scanner (XHTML, NITF, agencies' own) --+
 *                                                +--> open, close, text --> the open text of an sl_out
 *     html.h (tag soup in a string) -------------+
 *
 * Life      begin on an open text, then events in the order of the document, then end.  What the text held before
 *           stays; a blank line parts it from what comes.
 * Threads   Pure functions on the caller's memory.
 * Owns      Borrows out and stats until end.
 * Units     Lengths in bytes.
 * Hostile   Elements may be closed that were never opened, and the other way round: there is no stack, only counts.
 *           Each byte is looked at once, and what is put is never more than thrice what came.
 * Source    HTML (WHATWG) 15.3 for what is a block and how white space folds; IPTC NITF 3.6 for its elements.
 *
 * Paragraphs are parted by a blank line; items of lists begin with "- " or their number; a table's row is a line, its
 * cells parted by TABs, and a table within a table gives rows of its own.  In preformatted text lines stay lines and
 * wide gaps become TABs.  A line break ends a line; but where it stands at the print column of a sentence that goes on,
 * as wires write it, it joins.
 */
#ifndef SL_PARSERS_MARKUP_H
#define SL_PARSERS_MARKUP_H

#include "parsers/text.h"

enum sl_markup_role {
    SL_MARKUP_INLINE, /* transparent */
    SL_MARKUP_UNKNOWN, /* the sink takes it for inline; a reader of foreign markup may know better */
    SL_MARKUP_BLOCK,
    SL_MARKUP_LINE, /* a line of its own, without blank lines: dt, dd, caption */
    SL_MARKUP_BREAK, /* br */
    SL_MARKUP_LIST,
    SL_MARKUP_ORDERED,
    SL_MARKUP_ITEM,
    SL_MARKUP_TABLE,
    SL_MARKUP_ROW,
    SL_MARKUP_CELL,
    SL_MARKUP_PRE,
    SL_MARKUP_HIDDEN, /* no text of the story: head, script, figcaption, NITF's media */
    SL_MARKUP_RAW, /* hidden, and in HTML no markup either: script, style */
};

/* Of an element's name without prefix, in any case. */
enum sl_markup_role sl_markup_role(const uint8_t *name, uint32_t len);

#define SL_MARKUP_LISTS_MAX 8u /* lists within lists that count their items; deeper ones get dashes */

struct sl_markup {
    struct sl_out *out;
    struct sl_text_stats *stats;
    enum sl_charset charset;
    bool is_proven; /* the text is known to be well-formed UTF-8 */
    bool is_one_line; /* blocks are parted by a blank: for headlines */
    bool is_typed; /* lines were broken and indented by hand inside a block: sl_markup_is_typed */
    /* the rest is private */
    uint8_t gap;
    bool has_marker; /* an item was opened and has no text yet */
    bool is_wrapped; /* this paragraph's lines were broken at the print column */
    bool is_row; /* typed: this line has columns */
    uint32_t blank_cnt; /* in preformatted and typed text, before the next word */
    uint32_t newline_cnt; /* in typed text, before the next word */
    uint32_t start, line, row; /* offsets in out: of the first byte, of this line, of this row (0: empty as yet) */
    uint32_t cell_cnt, tab_cnt; /* cells of this row so far; TABs before its next word */
    uint32_t pre_cnt, list_cnt;
    uint32_t ordinal[SL_MARKUP_LISTS_MAX];
};

/* charset: not UTF-16.  stats: NULL when nobody asks. */
void sl_markup_begin(struct sl_markup *markup, struct sl_out *out, enum sl_charset charset, bool is_proven,
                     struct sl_text_stats *stats);
/* HIDDEN and RAW are for the caller to leave out. */
void sl_markup_open(struct sl_markup *markup, enum sl_markup_role role);
void sl_markup_close(struct sl_markup *markup, enum sl_markup_role role);
/* Characters, their references decoded; in as many pieces as there are, but whole characters in each. */
void sl_markup_text(struct sl_markup *markup, const uint8_t *data, uint32_t len);
/* The same for a text behind which more may be read: readable bytes from its start on. */
void sl_markup_text_within(struct sl_markup *markup, struct sl_span text, uint32_t readable);
/* A character that was written as a reference: UTF-8, whatever set the text is in. */
void sl_markup_reference(struct sl_markup *markup, const uint8_t *utf8, uint32_t len);
/* Was this text, of one block, typed with line ends and indents of its own, as teleprinters had it?  Then indented
 * lines begin paragraphs, and wide gaps make rows; otherwise white space folds. */
bool sl_markup_is_typed(struct sl_span text);
void sl_markup_end(struct sl_markup *markup);

#endif
