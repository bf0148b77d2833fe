#include "parsers/wording.h"
#include <string.h>
#include "parsers/ascii.h"

#define FIRST_WORDS_MAX 100u /* bytes of a body that stand for its headline */
#define DATELINE_MAX    200u
#define OPENING_MAX     48u /* bytes before the colon, dash or bracket of a headline that begins with a label */

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

struct sl_span sl_state_headline(struct sl_state *state, struct sl_span headline)
{
    headline = sl_span_trim(headline);
    struct sl_span opening = sl_span_head(headline, find_opening(headline));
    if (sl_label_is_all(headline))
        opening = headline;
    else if (opening.len == 0 || !sl_label_is_all(opening))
        opening.len = 0;
    if (opening.len != 0)
        sl_state_label(state, opening);
    if (sl_says_test(headline))
        state->is_test = true;
    if (opening.len != 0 && opening.len != headline.len && (opening.data[0] == '[' || opening.data[0] == '('))
        return sl_span_skip(opening, 1);
    return opening;
}

void sl_state_label(struct sl_state *state, struct sl_span words)
{
    state->label = sl_label_stronger(state->label, sl_label_find(words));
}

void sl_state_embargo(struct sl_state *state, struct sl_span words, bool is_label, int64_t base_ns,
                      const struct sl_zone *zone)
{
    int64_t until_ns;
    enum sl_date_zone given;
    enum sl_embargo embargo = sl_embargo_read(words, is_label, base_ns, zone, &until_ns, &given);
    if (embargo == SL_EMBARGO_NONE || state->embargo == SL_EMBARGO_OPEN ||
        (embargo == SL_EMBARGO_LIFTED && state->embargo != SL_EMBARGO_NONE))
        return;
    if (embargo == SL_EMBARGO_UNTIL && state->embargo == SL_EMBARGO_UNTIL && until_ns <= state->embargo_ns)
        return;
    state->embargo = embargo;
    state->embargo_ns = until_ns;
    state->embargo_zone = given;
}

static void say_embargo(const struct sl_state *state, struct sl_out *out)
{
    struct sl_bulletin *root = sl_out_root(out);
    if (state->embargo == SL_EMBARGO_LIFTED && root->kind == SL_KIND_NEWS) {
        root->kind = SL_KIND_RELEASE;
        root->signal = SL_SIGNAL_RELEASE;
    }
    if (state->embargo != SL_EMBARGO_OPEN && state->embargo != SL_EMBARGO_UNTIL)
        return;
    root->flags |= SL_BULLETIN_EMBARGOED;
    if (root->signal == SL_SIGNAL_NONE)
        root->signal = SL_SIGNAL_EMBARGO;
    if (state->embargo == SL_EMBARGO_OPEN) {
        sl_out_note(out, "an embargo without a certain time: held until released");
        return;
    }
    root->embargoed_until = state->embargo_ns;
    if (state->embargo_zone == SL_DATE_ZONE_ASSUMED)
        root->flags |= SL_BULLETIN_ZONE_ASSUMED_EMBARGO;
}

void sl_state_say(const struct sl_state *state, struct sl_out *out)
{
    struct sl_bulletin *root = sl_out_root(out);
    if (state->label) {
        root->kind = (uint8_t)state->label->kind;
        root->signal = (uint8_t)state->label->signal;
    } else if (state->is_test) {
        root->kind = SL_KIND_TEST;
        root->signal = SL_SIGNAL_TEST;
    }
    if (root->kind == SL_KIND_KILL)
        root->pubstatus = SL_PUB_CANCELED;
    if (root->kind == SL_KIND_HOLD)
        root->pubstatus = SL_PUB_WITHHELD;
    say_embargo(state, out);
}

void sl_wording_state(struct sl_state *state, struct sl_out *out)
{
    struct sl_ref headline = sl_out_root(out)->text[SL_TEXT_HEADLINE];
    struct sl_span words = sl_span_of(sl_out_get(out, SL_TEXT_HEADLINE));
    struct sl_span opening = sl_state_headline(state, words);
    if (opening.len != 0 && opening.len != words.len && sl_out_get(out, SL_TEXT_TAKE).len == 0)
        sl_out_set(out, SL_TEXT_TAKE,
                   (struct sl_ref){ headline.off + (uint32_t)(opening.data - words.data), opening.len });
    sl_state_say(state, out);
}

/* ---- from the body ---- */

static struct sl_ref ref_inside(const struct sl_out *out, struct sl_span span)
{
    return (struct sl_ref){ span.len != 0 ? (uint32_t)(span.data - out->base) : 0, span.len };
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
