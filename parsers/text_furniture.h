/* parsers/text_furniture.h - lines of a header-less story that are not its text: links, pictures, credits, sources.
 *
 * Threads   Pure functions.
 * Owns      value borrows the line.
 */
#ifndef SL_PARSERS_TEXT_FURNITURE_H
#define SL_PARSERS_TEXT_FURNITURE_H

#include "parsers/text.h"

enum sl_furniture {
    SL_FURNITURE_NOT,
    SL_FURNITURE_SOURCE,
    SL_FURNITURE_RELATED,
    SL_FURNITURE_RELATED_LIST,
    SL_FURNITURE_PICTURE,
    SL_FURNITURE_CREDIT,
};

/* What a trimmed line of the body is; value is what it says.  is_last: nothing but blank lines follows. */
enum sl_furniture sl_furniture_read(struct sl_span line, bool is_last, struct sl_span *value);

/* Behind "WORDS:" or "WORDS - ": what follows; false: the line does not begin so. */
bool sl_furniture_opening(struct sl_span line, const char *phrase, struct sl_span *value);

/* "IDN38100": what a weather office numbers its products by. */
bool sl_furniture_is_product(struct sl_span line);

#endif
