/* parsers/charset_wide.h - the character sets of East Asia, in which a character has one to four bytes, and UTF-32.
 *
 * Threads   Pure functions; tables are constant, made at build time by make_wide_sets.py.
 * Owns      Borrows the bytes.
 * Units     Bytes.
 * Source    WHATWG Encoding (which bytes are what, and how many of them an error takes); RFC 1468 (ISO-2022-JP);
 *           GB 18030-2005.
 */
#ifndef SL_PARSERS_CHARSET_WIDE_H
#define SL_PARSERS_CHARSET_WIDE_H

#include <stdbool.h>
#include "parsers/text.h"

#define SL_WIDE_LEADS  126u /* 0x81 to 0xFE */
#define SL_WIDE_TRAILS 191u /* 0x40 to 0xFE */

extern const uint16_t sl_wide_windows_31j[], sl_wide_jis0212[], sl_wide_windows_949[], sl_wide_gb18030[],
    sl_wide_big5[];

struct sl_wide_range {
    uint32_t number; /* of the first, among all that have four bytes */
    uint32_t character;
};
extern const struct sl_wide_range sl_wide_gb18030_ranges[];
extern const uint32_t sl_wide_gb18030_range_cnt;

#define SL_WIDE_NONE  UINT32_MAX /* these bytes are no character */
#define SL_WIDE_SHIFT (UINT32_MAX - 1) /* they choose a set for what follows, and say nothing */

/* Reads one character; shift is what ISO-2022-JP has chosen, 0 at the start of a text.  *used: at least one byte. */
uint32_t sl_wide_next(enum sl_charset charset, uint8_t *shift, const uint8_t *data, uint32_t len, uint32_t *used);

#endif
