#include "parsers/wording.h"
#include <string.h>
#include "parsers/ascii.h"

enum { ESC = 0x1b };

#define FIRST_WORDS_MAX  100u /* bytes of a body that stand for its headline */
#define DATELINE_MAX     200u
#define LINES_LOOK_MAX   32768u
#define LINE_WRAPPED_MAX 100u /* bytes: longer lines were not wrapped by hand */
#define OPENING_MAX      48u /* bytes before the colon, dash or bracket of a headline that begins with a label */

/* The bytes before what ends an opening; 0: nothing does. */
static uint32_t find_opening(struct sl_span headline)
{
    struct sl_span look = sl_span_head(headline, OPENING_MAX);
    bool in_bracket = look.len != 0 && (look.data[0] == '[' || look.data[0] == '(');
    for (uint32_t i = 1; i < look.len; i++) {
        uint8_t byte = look.data[i];
        if (in_bracket ? byte == ']' || byte == ')' : byte == ':' || byte == '-' || byte == '|')
            return i;
    }
    return 0;
}

/* The label that opens a headline, without its bracket; empty where none does. */
static struct sl_span read_opening(struct sl_span headline)
{
    struct sl_span opening = sl_span_head(headline, find_opening(headline));
    if (sl_label_is_all(headline))
        return headline;
    if (opening.len == 0 || !sl_label_is_all(opening))
        return sl_span_head(headline, 0);
    return opening.data[0] == '[' || opening.data[0] == '(' ? sl_span_skip(opening, 1) : opening;
}

static struct sl_ref ref_inside(const struct sl_out *out, struct sl_span span)
{
    return (struct sl_ref){ span.len != 0 ? (uint32_t)(span.data - out->base) : 0, span.len };
}

void sl_wording_say_kind(struct sl_story *story)
{
    struct sl_out *out = story->out;
    struct sl_span headline = sl_span_of(sl_out_get(out, SL_TEXT_HEADLINE)), opening = read_opening(headline);
    sl_story_note_label(story, opening);
    if (opening.len != headline.len && sl_out_get(out, SL_TEXT_TAKE).len == 0)
        sl_out_set(out, SL_TEXT_TAKE, ref_inside(out, opening));
    sl_story_weigh_test(story);
    sl_story_say_kind(story);
}

/* ---- text nobody can read ---- */

void sl_wording_put_ascii(struct sl_out *out, struct sl_span text, struct sl_text_stats *stats)
{
    bool is_wide = false, is_lost = false;
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (byte == ESC && i + 2 < text.len) {
            is_wide = text.data[i + 1] != '(' || (text.data[i + 2] != 'B' && text.data[i + 2] != 'J');
            i += text.data[i + 1] == '$' && text.data[i + 2] == '(' ? 3 : 2;
            continue;
        }
        bool is_ascii = byte < 0x80 && !is_wide;
        if (!is_ascii && !is_lost)
            sl_text_put(out, SL_CHARSET_UTF8, (const uint8_t *)"\xef\xbf\xbd", 3, stats);
        is_lost = !is_ascii;
        uint32_t run = 1;
        while (is_ascii && i + run < text.len && text.data[i + run] < 0x80 && text.data[i + run] != ESC)
            run++;
        if (is_ascii)
            sl_text_put(out, SL_CHARSET_UTF8, text.data + i, run, stats);
        i += run - 1;
    }
}

/* ---- from the body ---- */

bool sl_wording_keeps_lines(struct sl_span text)
{
    struct sl_span line;
    uint32_t long_cnt = 0, cnt = 0;
    text = sl_span_head(text, LINES_LOOK_MAX);
    while (sl_line_next(&text, &line)) {
        line = sl_span_trim(line);
        cnt += line.len != 0;
        long_cnt += line.len > LINE_WRAPPED_MAX;
    }
    return long_cnt * 4 > cnt;
}

void sl_wording_dateline(struct sl_out *out)
{
    struct sl_dateline dateline;
    struct sl_span body = sl_span_head(sl_span_of(sl_out_get(out, SL_TEXT_BODY)), DATELINE_MAX);
    if (body.len == 0 || !sl_dateline_read(body, sl_span_of(sl_out_get(out, SL_TEXT_PROVIDER)), &dateline))
        return;
    sl_out_set(out, SL_TEXT_DATELINE, ref_inside(out, dateline.whole));
    sl_out_set(out, SL_TEXT_DATELINE_PLACE, ref_inside(out, dateline.place));
    if (sl_out_get(out, SL_TEXT_LOCATED).len == 0)
        sl_out_set(out, SL_TEXT_LOCATED, ref_inside(out, dateline.place));
    if (sl_out_get(out, SL_TEXT_CREDIT).len == 0)
        sl_out_set(out, SL_TEXT_CREDIT, ref_inside(out, dateline.credit));
}

/* To the end of the first sentence or line, else of the last word that fits. */
static uint32_t first_words_len(struct sl_span text)
{
    uint32_t word_end = 0;
    for (uint32_t i = 0; i < text.len && i < FIRST_WORDS_MAX; i++) {
        bool is_sentence = text.data[i] == '.' && i > 20 && (i + 1 == text.len || sl_is_white(text.data[i + 1]));
        if (text.data[i] == '\n' || is_sentence)
            return i;
        if (text.data[i] == ' ' || text.data[i] == '\t')
            word_end = i;
    }
    if (text.len <= FIRST_WORDS_MAX)
        return text.len;
    if (word_end != 0)
        return word_end;
    /* One word of a script without blanks: whole characters. */
    uint32_t len = FIRST_WORDS_MAX;
    while (len != 0 && (text.data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

void sl_wording_first_words(struct sl_out *out)
{
    struct sl_span body = sl_span_of(sl_out_get(out, SL_TEXT_BODY));
    if (body.len == 0 || sl_out_get(out, SL_TEXT_HEADLINE).len != 0)
        return;
    sl_out_set(out, SL_TEXT_HEADLINE, ref_inside(out, sl_span_head(body, first_words_len(body))));
    sl_out_note(out, "no headline: it is the text's first words");
}
