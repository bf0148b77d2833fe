/* parsers/text.h - bytes of any character set to clean UTF-8, and what wire text needs: unwrapping, trimming, words.
 *
 * Threads   Pure functions; tables are constant.
 * Owns      Nothing: slices borrow, output goes to the caller's sl_out.
 * Units     Lengths in bytes.
 * Source    UTF-8: RFC 3629.  Labels and the 8-bit tables: WHATWG Encoding (labels, windows-1252 as what
 *           "iso-8859-1" really is), ISO/IEC 8859-1, -2, -5, -7, -9, -15, KOI8-R, Windows-1250 to -1254.
 *           East Asian sets and UTF-32: charset_wide.h.
 *           The order of belief (DESIGN.md, Text): byte-order mark; else valid UTF-8 with a byte >= 0x80 beats an 8-bit
 *           label; else the label; else Windows-1252.
 */
#ifndef SL_PARSERS_TEXT_H
#define SL_PARSERS_TEXT_H

#include <uchar.h>
#include "parsers/bulletin.h"

enum sl_charset {
    SL_CHARSET_UNKNOWN,
    SL_CHARSET_UTF8, /* ASCII is this too */
    SL_CHARSET_WINDOWS_1252,
    SL_CHARSET_ISO_8859_1, /* strictly: C1 bytes stay undefined; a message that has them is Windows-1252 */
    SL_CHARSET_ISO_8859_2,
    SL_CHARSET_ISO_8859_5,
    SL_CHARSET_ISO_8859_7,
    SL_CHARSET_ISO_8859_9,
    SL_CHARSET_ISO_8859_15,
    SL_CHARSET_WINDOWS_1250,
    SL_CHARSET_WINDOWS_1251,
    SL_CHARSET_WINDOWS_1253,
    SL_CHARSET_WINDOWS_1254,
    SL_CHARSET_KOI8_R,
    SL_CHARSET_UTF16LE,
    SL_CHARSET_UTF16BE,
    SL_CHARSET_UTF32LE,
    SL_CHARSET_UTF32BE,
    SL_CHARSET_SHIFT_JIS, /* Windows-31J */
    SL_CHARSET_EUC_JP,
    SL_CHARSET_ISO_2022_JP,
    SL_CHARSET_EUC_KR, /* Windows-949 */
    SL_CHARSET_GB18030, /* GBK and GB 2312 are this too */
    SL_CHARSET_BIG5, /* Windows-950 */
    SL_CHARSET_CNT,
};

const char *sl_charset_name(enum sl_charset charset); /* IANA preferred name, lower case; "" unknown */
/* Any label in use, whatever its case and its hyphens; UNKNOWN.  US-ASCII is Windows-1252, as in browsers: the two
 * agree wherever the label is true. */
enum sl_charset sl_charset_named(const char *label, size_t len);
/* The 128 characters of the bytes 0x80 to 0xFF of an 8-bit set, U+FFFD where there is none; NULL for other sets. */
const char16_t *sl_charset_high(enum sl_charset charset);

/* Its bytes below 0x80 need not be ASCII: UTF-16, UTF-32 and ISO-2022-JP. */
bool sl_charset_is_wide(enum sl_charset charset);

/* What these bytes are, by the order of belief.  label: UNKNOWN when none.  bom_len: bytes of byte-order mark to skip.
 * A UTF-16 label is not believed of UTF-8 without a NUL; the first character tells its byte order. */
enum sl_charset sl_charset_guess(const uint8_t *data, uint32_t len, enum sl_charset label, uint32_t *bom_len);

/* Length of the ASCII prefix, control characters included.  SIMD where the machine has it, as in the next two. */
uint32_t sl_ascii_prefix(const uint8_t *data, uint32_t len);
/* Length of the valid UTF-8 prefix; len when all of it is. */
uint32_t sl_utf8_prefix(const uint8_t *data, uint32_t len);
/* The same for text as a bulletin holds it: valid, and without control characters (C0, DEL, C1) but LF and TAB. */
uint32_t sl_text_prefix(const uint8_t *data, uint32_t len);

/* A character, no surrogate, as UTF-8: one to four bytes. */
uint32_t sl_utf8_encode(uint8_t utf8[4], uint32_t character);

struct sl_text_stats {
    uint32_t repaired_cnt; /* byte sequences that became U+FFFD, and those that had become it before us */
    uint32_t control_cnt;  /* control characters left out, except CR, which is half a line end */
};

/* Puts data as UTF-8 into the open text of out.  Control characters are left out (CR and C1 too; LF and TAB stay), and
 * a byte-order mark at the start.  A malformed UTF-8 sequence becomes one U+FFFD for each maximal subpart.  stats
 * counts on from what it holds; NULL when nobody asks. */
void sl_text_put(struct sl_out *out, enum sl_charset charset, const uint8_t *data, uint32_t len,
                 struct sl_text_stats *stats);

/* One line of words: ASCII white space folded to single blanks, ends trimmed, there of no-break spaces too. */
void sl_text_put_line(struct sl_out *out, enum sl_charset charset, const uint8_t *data, uint32_t len,
                      struct sl_text_stats *stats);

/* Folds the open text of out, from its byte `from` on, as sl_text_put_line does. */
void sl_text_fold(struct sl_out *out, uint32_t from);

/* ---- lines of raw bytes ---- */

struct sl_span {
    const uint8_t *data;
    uint32_t len;
};

/* The next line of *rest without its end.  CR LF, LF, CR and CR CR LF each end one line.  False at the end. */
bool sl_line_next(struct sl_span *rest, struct sl_span *line);
struct sl_span sl_span_trim_ends(struct sl_span span);
/* Without blanks, TABs, CR, LF, NUL at the ends, and Latin-1 NBSP that is not the tail of a UTF-8 character. */
static inline struct sl_span sl_span_trim(struct sl_span span)
{
    /* Most spans that are trimmed were it before. */
    if (span.len != 0 && span.data[0] > ' ' && span.data[span.len - 1] > ' ' && span.data[0] != 0xa0 &&
        span.data[span.len - 1] != 0xa0)
        return span;
    return sl_span_trim_ends(span);
}

extern const uint8_t sl_byte_lower[256]; /* ASCII letters in lower case, other bytes as they are */

/* The next three fold ASCII case.  Of a table of words most differ in the first letter, so that is looked at here. */
bool sl_span_is_word(struct sl_span span, const char *word);
static inline bool sl_span_is(struct sl_span span, const char *word)
{
    if (span.len == 0)
        return *word == '\0';
    return sl_byte_lower[span.data[0]] == sl_byte_lower[(uint8_t)*word] && sl_span_is_word(span, word);
}
bool sl_span_starts_word(struct sl_span span, const char *word);
static inline bool sl_span_starts(struct sl_span span, const char *word)
{
    if (span.len == 0)
        return *word == '\0';
    return (sl_byte_lower[span.data[0]] == sl_byte_lower[(uint8_t)*word] || *word == '\0') &&
           sl_span_starts_word(span, word);
}
bool sl_span_find(struct sl_span span, const char *word, uint32_t *off);

/* The first place where two letters stand of which `pairs` (at most four) is made, as "em" and "no" of "emno"; len
 * where none do.  ASCII letters of any case; other bytes of the text may pass for them, so that it is only a place to
 * look at. */
uint32_t sl_pair_run(struct sl_span span, const char *pairs);

/* The first place where one of these bytes (at most six) stands; len where none does. */
uint32_t sl_first_of(struct sl_span span, const char *bytes);

/* Does a word of the text begin with one of these, in lower case and of two letters or more?  At most four,
 * and NULL behind them. */
bool sl_word_begins(struct sl_span text, const char *const *beginnings);
/* Where words begin in the first 64 bytes, one bit each, and whether the next 64 go on with one.  Words are what
 * sl_is_word_byte (ascii.h) says. */
uint64_t sl_word_starts(struct sl_span text, bool *in_word);

/* sl_text_put_line for a line behind which more may be read: readable bytes from its start on. */
void sl_text_put_line_within(struct sl_out *out, enum sl_charset charset, struct sl_span line, uint32_t readable,
                             struct sl_text_stats *stats);

/* What a line holds beside printable ASCII with single blanks, all at once. */
struct sl_look {
    bool has_high; /* a byte from 0x80 on */
    bool has_control; /* C0 and DEL, TAB among them */
    bool has_gap, has_wide_gap; /* two blanks together, three */
};
struct sl_look sl_look_at(const uint8_t *data, uint32_t len);

/* ---- paragraphs ---- */

/* Body text from hard-wrapped lines into the open text of out.
 *
 *   - The lines of a paragraph are joined with one blank; between paragraphs stands one blank line.
 *   - A paragraph ends at an empty line; before a line that is indented by a TAB or two blanks, if the line before it
 *     ended a sentence; and before a line of a list ("- ", "* ", "-- ").
 *   - A row of a table stays a line of its own, its columns parted by TABs.  A row is a line with a TAB inside; or one
 *     with a gap of blanks inside, if the line before or after it is a row or has one too.  A gap is three blanks, or
 *     two that do not follow punctuation, since typists put two after a full stop.
 */
struct sl_para {
    struct sl_out *out;
    enum sl_charset charset; /* not UTF-16, whose lines cannot be told by bytes */
    struct sl_text_stats *stats;
    uint32_t state;   /* private */
    uint32_t row_len; /* private: of the open text before the line that may be a row */
    bool row_joins;   /* private: it is prose of the paragraph before it, if no row */
    bool is_wide;     /* private: no line of the charset goes as it is */
    bool keep_lines;  /* every input line is a paragraph or row of its own: text that is not hard-wrapped */
};
void sl_para_begin(struct sl_para *para, struct sl_out *out, enum sl_charset charset, struct sl_text_stats *stats);
void sl_para_line(struct sl_para *para, struct sl_span line); /* an empty one ends the paragraph */
/* The same for who has looked at the line: trimmed, and whether what was trimmed indented it. */
void sl_para_looked_at(struct sl_para *para, struct sl_span line, struct sl_look look, bool is_indented);
static inline bool sl_para_is_indented(struct sl_span line)
{
    return line.len >= 2 && (line.data[0] == '\t' || (line.data[0] == ' ' && line.data[1] == ' '));
}
void sl_para_break(struct sl_para *para);
void sl_para_end(struct sl_para *para);

uint32_t sl_text_words(struct sl_slice text); /* counts words as a newsroom does: runs between white space */

#endif
