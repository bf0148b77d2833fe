/* parsers/words.h - words with single blanks between them, which most text is made of: looked at and copied in one go.
 *
 * Threads   Pure functions on the caller's memory.
 * Owns      Borrows text and to.  Behind the text it may read as far as it is told, and at to write SL_WORDS_ROOM more
 *           bytes than the text has; neither matters for what it says.
 * Units     Bytes.
 */
#ifndef SL_PARSERS_WORDS_H
#define SL_PARSERS_WORDS_H

#include "parsers/text.h"

#define SL_WORDS_ROOM 32u

/* What stops it, besides two blanks together: */
enum sl_words {
    SL_WORDS_ASCII, /* whatever is not printable ASCII */
    SL_WORDS_UTF8, /* controls, C1's too, no-break spaces, U+FFC0 to U+FFFF; of well-formed text */
};

bool sl_words_stop_seldom(struct sl_span text, enum sl_words kind);
/* Is there something at the start of a text, which has one, that stops it? */
static inline bool sl_words_stop(struct sl_span text, enum sl_words kind)
{
    if (text.data[0] > ' ' && text.data[0] < 0x7f)
        return false;
    return sl_words_stop_seldom(text, kind);
}

/* Copies the text up to what stops it; returns how much that is.  Of two blanks the first stops; where one belongs
 * to the text, it may.  readable: the text's length or more; 33 bytes from anywhere in the text on are best. */
uint32_t sl_words_copy(uint8_t *to, struct sl_span text, uint32_t readable, enum sl_words kind);

/* Length of the white space at the start: blank, TAB, LF, FF and CR. */
uint32_t sl_white_run(struct sl_span text, uint32_t readable);

#endif
