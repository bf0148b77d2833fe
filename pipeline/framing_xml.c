#include "pipeline/framing_steps.h"

#include <string.h>

#define START_LEN 5u /* "<?xml": with a blank behind it, it begins a document and stands nowhere else (XML 1.0, 2.8) */
#define NO_START  9u /* for xml.match: this is not it */

const uint8_t sl_framing_xml_start[START_LEN] = { '<', '?', 'x', 'm', 'l' };

enum mode { CONTENT, LT, TAG, END_TAG, PI, BANG, COMMENT, CDATA, DOCTYPE, SUBSET, DECLARATION };

enum event { EVENT_NONE, EVENT_END, EVENT_START, EVENT_STRAY };

static bool is_blank(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

/* Between documents: blanks, control characters, and the three bytes of a byte-order mark. */
static bool is_filling(uint8_t byte)
{
    return byte <= ' ' || byte == 0x7f || byte == 0xef || byte == 0xbb || byte == 0xbf;
}

static bool starts_name(uint8_t byte)
{
    uint8_t letter = byte | 0x20;
    return (letter >= 'a' && letter <= 'z') || byte == '_' || byte == ':' || byte >= 0x80;
}

/* ---- one byte of markup ---- */

static void enter(struct sl_framer *framer, enum mode mode)
{
    framer->xml.mode = (uint8_t)mode;
    framer->xml.match = framer->xml.quote = 0;
    framer->xml.slash = false;
}

static enum event see_lt(struct sl_framer *framer, uint8_t byte)
{
    if (byte == '?') {
        enter(framer, PI);
    } else if (byte == '!') {
        enter(framer, BANG);
    } else if (byte == '/' && framer->xml.back == CONTENT) {
        enter(framer, END_TAG);
    } else if (starts_name(byte) && framer->xml.back == CONTENT) {
        enter(framer, TAG);
    } else if (byte != '<') {
        enter(framer, (enum mode)framer->xml.back);
        return framer->xml.root || framer->xml.back != CONTENT ? EVENT_NONE : EVENT_STRAY; /* no document begins so */
    }
    return EVENT_NONE;
}

/* "<!-" goes on to a comment, "<![" is taken for CDATA, and all else is a declaration. */
static void see_bang(struct sl_framer *framer, uint8_t byte)
{
    if (byte == '-' && framer->xml.match)
        enter(framer, COMMENT);
    else if (byte == '-')
        framer->xml.match = 1;
    else if (byte == '[')
        enter(framer, CDATA);
    else if (byte == '>')
        enter(framer, (enum mode)framer->xml.back);
    else
        enter(framer, framer->xml.back == SUBSET ? DECLARATION : DOCTYPE);
}

/* What ends with a doubled byte and '>': --> and ]]>. */
static void see_section(struct sl_framer *framer, uint8_t byte, uint8_t twice)
{
    if (byte == twice)
        framer->xml.match = framer->xml.match < 2 ? framer->xml.match + 1 : 2;
    else if (byte == '>' && framer->xml.match == 2)
        enter(framer, (enum mode)framer->xml.back);
    else
        framer->xml.match = 0;
}

static enum event see_pi(struct sl_framer *framer, uint8_t byte)
{
    if (framer->xml.match < 3 && framer->xml.back == CONTENT && byte == sl_framing_xml_start[2 + framer->xml.match]) {
        framer->xml.match++;
        return EVENT_NONE;
    }
    bool starts = framer->xml.match == 3 && is_blank(byte);
    framer->xml.match = NO_START;
    if (byte == '>' && framer->xml.slash)
        enter(framer, (enum mode)framer->xml.back);
    framer->xml.slash = byte == '?'; /* here: the question mark before the end */
    return starts ? EVENT_START : EVENT_NONE;
}

/* Inside quotes nothing counts but their end.  True: byte is in quotes, or one of them. */
static bool see_quotes(struct sl_framer *framer, uint8_t byte)
{
    if (framer->xml.quote) {
        if (byte == framer->xml.quote)
            framer->xml.quote = 0;
        return true;
    }
    if (byte != '"' && byte != '\'')
        return false;
    framer->xml.quote = byte;
    return true;
}

static enum event see_tag(struct sl_framer *framer, uint8_t byte)
{
    if (see_quotes(framer, byte)) {
        framer->xml.slash = false;
        return EVENT_NONE;
    }
    if (byte != '>') {
        framer->xml.slash = byte == '/';
        return EVENT_NONE;
    }
    bool empty = framer->xml.slash;
    framer->xml.root = true;
    framer->xml.depth += !empty;
    enter(framer, CONTENT);
    return framer->xml.depth ? EVENT_NONE : EVENT_END;
}

static enum event see_end_tag(struct sl_framer *framer, uint8_t byte)
{
    if (byte != '>')
        return EVENT_NONE;
    enter(framer, CONTENT);
    if (!framer->xml.depth)
        return EVENT_STRAY;
    return --framer->xml.depth ? EVENT_NONE : EVENT_END;
}

static void see_doctype(struct sl_framer *framer, uint8_t byte)
{
    if (see_quotes(framer, byte))
        return;
    if (byte == '[') {
        framer->xml.back = SUBSET;
        enter(framer, SUBSET);
    } else if (byte == '>') {
        enter(framer, CONTENT);
    }
}

static void see_subset(struct sl_framer *framer, uint8_t byte)
{
    if (byte == '<') {
        enter(framer, LT);
    } else if (byte == ']') {
        framer->xml.back = CONTENT;
        enter(framer, DOCTYPE);
    }
}

static enum event see(struct sl_framer *framer, uint8_t byte)
{
    switch ((enum mode)framer->xml.mode) {
    case CONTENT:
        if (byte == '<')
            enter(framer, LT);
        return EVENT_NONE;
    case LT:
        return see_lt(framer, byte);
    case TAG:
        return see_tag(framer, byte);
    case END_TAG:
        return see_end_tag(framer, byte);
    case PI:
        return see_pi(framer, byte);
    case BANG:
        see_bang(framer, byte);
        return EVENT_NONE;
    case COMMENT:
        see_section(framer, byte, '-');
        return EVENT_NONE;
    case CDATA:
        see_section(framer, byte, ']');
        return EVENT_NONE;
    case DOCTYPE:
        see_doctype(framer, byte);
        return EVENT_NONE;
    case SUBSET:
        see_subset(framer, byte);
        return EVENT_NONE;
    case DECLARATION:
        if (!see_quotes(framer, byte) && byte == '>')
            enter(framer, SUBSET);
        return EVENT_NONE;
    }
    return EVENT_NONE;
}

/* To the next event, whose last byte is at - 1; or to end. */
static uint32_t scan(struct sl_framer *framer, const uint8_t *data, uint32_t at, uint32_t end, enum event *event)
{
    for (*event = EVENT_NONE; at < end && *event == EVENT_NONE; at++) {
        if (framer->xml.mode == CONTENT) { /* most of a document is this */
            const uint8_t *lt = memchr(data + at, '<', end - at);
            if (!lt)
                return end;
            at = (uint32_t)(lt - data);
        }
        *event = see(framer, data[at]);
    }
    return at;
}

/* ---- units ---- */

/* How many bytes of the start of another document the last ones are. */
static uint32_t matched(const struct sl_framer *framer)
{
    if (framer->xml.back != CONTENT)
        return 0;
    if (framer->xml.mode == LT)
        return 1;
    return framer->xml.mode == PI && framer->xml.match <= 3 ? 2u + framer->xml.match : 0;
}

void sl_framing_xml_forget_start(struct sl_framer *framer)
{
    if (framer->xml.mode == LT && framer->xml.back == CONTENT)
        framer->xml.mode = CONTENT;
    if (framer->xml.mode == PI)
        framer->xml.match = NO_START;
}

bool sl_framing_xml_is_empty(const struct sl_framer *framer)
{
    return framer->state == SL_FRAMER_TEXT && framer->xml.mode == CONTENT && !framer->xml.root;
}

static void reset(struct sl_framer *framer) { memset(&framer->xml, 0, sizeof(framer->xml)); }

/* Another document begins where data[start_end - 6] is, or would be if its first bytes had not come with an earlier
 * call: those are known, so that they need not have been kept. */
static void begin_next(struct sl_framer *framer, struct sl_framed *framed, uint32_t start_end)
{
    uint32_t here = start_end - 1; /* bytes of this call before the blank */
    framed->carry = here < START_LEN ? START_LEN - here : 0;
    framed->taken = here - (START_LEN - framed->carry);
    reset(framer);
    framer->len = framed->carry;
    framer->state = framed->carry ? SL_FRAMER_TEXT : SL_FRAMER_BETWEEN;
    if (framed->carry)
        framer->xml.mode = framed->carry == 1 ? LT : PI;
    framer->xml.match = (uint8_t)(framed->carry > 2 ? framed->carry - 2 : 0);
}

static uint32_t step_noise(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = framed->off, room = sl_framing_min(SL_NOISE_MAX, framer->message_max) - framer->len;
    uint32_t end = len - at > room ? at + room : len;
    const uint8_t *lt = memchr(data + at, '<', end - at);
    at = lt ? (uint32_t)(lt - data) : end;
    if (at < len)
        sl_framing_cut_unit(framer, framed, SL_CUT_NOISE, SL_FRAMER_BETWEEN);
    return at;
}

static void step_skip(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    enum event event;
    uint32_t pending = framer->xml.pending, at = scan(framer, data, 0, len, &event);
    framed->taken = at;
    if (event == EVENT_START) {
        begin_next(framer, framed, at);
        framed->fill = pending + framed->taken - framed->carry;
        framed->end = SL_FRAMED_NOTHING;
    } else {
        framer->xml.pending = (uint8_t)matched(framer);
        framed->fill = pending + at - framer->xml.pending;
    }
    if (event == EVENT_END || event == EVENT_STRAY)
        framer->state = SL_FRAMER_BETWEEN;
    framed->off = framed->taken;
}

/* A document began inside this one; what has no root yet is a comment or the like, and no loss. */
static void end_by_next(struct sl_framer *framer, struct sl_framed *framed, uint32_t at)
{
    enum sl_cut cut = framer->xml.root ? SL_CUT_NEW_START : SL_CUT_NOT;
    uint32_t before = framer->len, off = framed->off;
    begin_next(framer, framed, at);
    framed->len = framed->taken > off ? framed->taken - off : 0;
    framed->trim = framed->carry;
    framed->cut = cut;
    framed->end = cut ? SL_FRAMED_CUT : SL_FRAMED_NOTHING;
    if (!cut)
        framed->fill += before + framed->len - framed->trim;
}

static uint32_t step_text(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = framed->off, room = framer->message_max - framer->len;
    uint32_t end = len - at > room ? at + room : len;
    enum event event = EVENT_START;
    while (event == EVENT_START) {
        at = scan(framer, data, at, end, &event);
        if (event == EVENT_START && framer->len + at - framed->off > START_LEN + 1) {
            end_by_next(framer, framed, at);
            return framed->taken;
        }
    }
    framed->len = at - framed->off;
    if (event == EVENT_END) {
        sl_framing_end_unit(framer, framed, SL_FRAMED_WHOLE, SL_FRAMER_BETWEEN);
    } else if (event == EVENT_STRAY) {
        sl_framing_cut_unit(framer, framed, SL_CUT_NOISE, SL_FRAMER_BETWEEN);
    } else if (end < len) {
        sl_framing_cut_unit(framer, framed, SL_CUT_TOO_LONG, SL_FRAMER_SKIP);
        sl_framing_xml_forget_start(framer);
    }
    return at;
}

void sl_framing_step_xml(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = 0;
    if (framer->state == SL_FRAMER_SKIP) {
        step_skip(framer, data, len, framed);
        return;
    }
    if (framer->state == SL_FRAMER_BETWEEN) {
        while (at < len && is_filling(data[at]))
            at++;
        if (at < len) {
            reset(framer);
            framer->state = data[at] == '<' ? SL_FRAMER_TEXT : SL_FRAMER_NOISE;
        }
    }
    framed->fill = framed->off = at;
    if (at < len && framer->state == SL_FRAMER_NOISE) {
        at = step_noise(framer, data, len, framed);
        framed->len = at - framed->off;
    } else if (at < len) {
        at = step_text(framer, data, len, framed);
    }
    framed->taken = at;
}
