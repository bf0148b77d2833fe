/* parsers/lines.h - the lines of a text, each with what a parser asks of it, from one pass over the bytes.
 *
 *     begin --> next --> a line: as it stands, trimmed, and how it looks   (again, for the next one)
 *
 * Life      A walk is the caller's, on its stack, and lasts as long as the text.
 * Threads   Pure functions.
 * Owns      Borrows the text.
 * Units     Bytes.
 *
 * Line ends, controls, bytes beyond ASCII and gaps are looked for in 64 bytes at a time, for some 4 KB ahead; a line
 * then costs a few words of bits.  What is found is what sl_line_next, sl_span_trim and sl_look_at (text.h) say, one
 * after the other; a line that is longer than the walk looks ahead is left to them.
 */
#ifndef SL_PARSERS_LINES_H
#define SL_PARSERS_LINES_H

#include "parsers/text.h"

#define SL_LINES_BLOCKS 64u

struct sl_line {
    struct sl_span whole; /* without its end */
    struct sl_span words; /* trimmed */
    struct sl_look look; /* of the words */
    bool is_indented;
};

struct sl_lines {
    struct sl_span rest; /* what stands behind the line that was given last */
    /* Private, all of it: bits for the len bytes at base, one each. */
    const uint8_t *base;
    uint32_t len, idx; /* idx: of the word that `ends` is the rest of */
    uint32_t dull; /* from base on, where no LF was found as far as the bits go */
    uint64_t ends; /* LFs from idx on that no line was given up to */
    uint64_t lf[SL_LINES_BLOCKS], odd[SL_LINES_BLOCKS]; /* odd: controls, high bytes, and blanks behind a blank */
};

static inline void sl_lines_begin(struct sl_lines *lines, struct sl_span text)
{
    lines->rest = text;
    lines->base = text.data;
    lines->len = lines->idx = lines->dull = 0;
    lines->ends = 0;
}

/* Private: for a line with controls, and where the bits end. */
bool sl_lines_next_slow(struct sl_lines *lines, struct sl_line *line);
/* Private: false where a line has controls, or is trimmed further. */
bool sl_lines_look(struct sl_span words, struct sl_look *look);
/* Private: is any bit set in this stretch, which is not empty? */
static inline bool sl_lines_any(const uint64_t *bits, uint32_t from, uint32_t to)
{
    uint32_t idx = from / 64, last = (to - 1) / 64;
    uint64_t head = ~0ull << from % 64, tail = ~0ull >> (63 - (to - 1) % 64);
    if (idx == last)
        return (bits[idx] & head & tail) != 0;
    uint64_t found = (bits[idx] & head) | (bits[last] & tail);
    while (++idx < last)
        found |= bits[idx];
    return found != 0;
}

/* False at the end. */
static inline bool sl_lines_next(struct sl_lines *lines, struct sl_line *line)
{
    while (lines->ends == 0) {
        if ((lines->idx + 1) * 64 >= lines->len)
            return sl_lines_next_slow(lines, line);
        lines->ends = lines->lf[++lines->idx];
    }
    const uint8_t *data = lines->base;
    uint32_t from = (uint32_t)(lines->rest.data - data), start = from;
    uint32_t lf = lines->idx * 64 + (uint32_t)__builtin_ctzll(lines->ends), end = lf;
    /* CR LF and CR CR LF end a line as LF does; more CRs are lines of their own. */
    end -= end != from && data[end - 1] == '\r';
    end -= end != from && end != lf && data[end - 1] == '\r';
    uint32_t to = end;
    while (start < to && data[start] == ' ')
        start++;
    while (start < to && data[to - 1] == ' ')
        to--;
    line->look = (struct sl_look){ false, false, false, false };
    line->words = (struct sl_span){ data + start, to - start };
    if (start < to && sl_lines_any(lines->odd, start, to) && !sl_lines_look(line->words, &line->look))
        return sl_lines_next_slow(lines, line);
    lines->ends &= lines->ends - 1;
    line->whole = (struct sl_span){ data + from, end - from };
    line->is_indented = start - from >= 2;
    lines->rest = (struct sl_span){ data + lf + 1, lines->rest.len - (lf + 1 - from) };
    return true;
}

#endif
