#include "pipeline/framing_steps.h"

#include <string.h>

enum { SOH = 0x01, ETX = 0x03, EOT = 0x04, TAB = 0x09, LF = 0x0a, CR = 0x0d, BLANK = 0x20, DEL = 0x7f };

/* Where the scan is: at the start of a line, in what may be a mark there, or in a line that has none. */
enum mode { LINE_START, MARK, NUMBER, NUMBER_END, REST };

enum event { EVENT_NONE, EVENT_START, EVENT_SOH, EVENT_END };

#define NUMBER_MIN  3u
#define NUMBER_MAX  5u
#define HEADING_OFF 16u /* a number with its blanks and line ends is no longer */

static const char heading_shape[] = "AAAA00 AXXX 000000"; /* TTAAii CCCC DDhhmm: a capital, a digit, either */

_Static_assert(HEADING_OFF + sizeof(heading_shape) - 1 <= SL_CARRY_MAX, "a number and a heading can be carried");

static bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

static bool is_capital(uint8_t byte) { return byte >= 'A' && byte <= 'Z'; }

/* CR and LF, and the control characters that typesetting ends lines with. */
static bool ends_line(uint8_t byte) { return byte < BLANK && byte != TAB; }

static bool is_filling(uint8_t byte) { return byte <= BLANK || byte == DEL; }

/* ---- one byte ---- */

static void enter(struct sl_framer *framer, enum mode mode)
{
    framer->mark.mode = (uint8_t)mode;
    framer->mark.len = framer->mark.off = 0;
}

static void reset(struct sl_framer *framer)
{
    enter(framer, LINE_START);
    framer->mark.soh = false;
}

static void keep(struct sl_framer *framer, uint8_t byte, enum mode mode)
{
    framer->mark.begin[framer->mark.len++] = byte;
    framer->mark.mode = (uint8_t)mode;
}

/* No mark, or none any more. */
static enum event see_other(struct sl_framer *framer, uint8_t byte)
{
    bool stays = framer->mark.mode == LINE_START && (byte == BLANK || byte == TAB || byte == DEL);
    enter(framer, stays || ends_line(byte) ? LINE_START : REST);
    return EVENT_NONE;
}

static enum event see_zczc(struct sl_framer *framer, uint8_t byte)
{
    uint8_t letter = byte & 0xdf;
    uint32_t at = framer->mark.len;
    bool ends = at ? (framer->mark.begin[0] & 0xdf) == 'N' : letter == 'N';
    if (framer->mark.mode == REST || letter != (ends ? 'N' : (uint8_t) "ZCZC"[at]))
        return see_other(framer, byte);
    keep(framer, byte, MARK);
    if (at < 3)
        return EVENT_NONE;
    framer->mark.mode = REST;
    return ends ? EVENT_END : EVENT_START;
}

static bool fits_heading(uint8_t byte, uint32_t at)
{
    switch (heading_shape[at]) {
    case 'A':
        return is_capital(byte);
    case '0':
        return is_digit(byte);
    case 'X':
        return is_capital(byte) || is_digit(byte);
    default:
        return byte == BLANK;
    }
}

static enum event see_heading(struct sl_framer *framer, uint8_t byte)
{
    uint32_t at = framer->mark.len - framer->mark.off;
    if (!fits_heading(byte, at))
        return see_other(framer, byte);
    keep(framer, byte, MARK);
    if (at + 2 < sizeof(heading_shape))
        return EVENT_NONE;
    framer->mark.mode = REST;
    return EVENT_START;
}

/* The channel's number stands on a line before the heading, and belongs to it. */
static enum event see_number(struct sl_framer *framer, uint8_t byte)
{
    uint32_t len = framer->mark.len;
    bool in_digits = is_digit(framer->mark.begin[len - 1]), ends = byte == CR || byte == LF;
    if (is_digit(byte) && in_digits && len < NUMBER_MAX)
        keep(framer, byte, NUMBER);
    else if ((ends || byte == BLANK) && len >= NUMBER_MIN && len < HEADING_OFF)
        keep(framer, byte, ends ? NUMBER_END : NUMBER);
    else
        see_other(framer, byte);
    return EVENT_NONE;
}

static enum event see_wmo(struct sl_framer *framer, uint8_t byte)
{
    if (byte == SOH || byte == ETX || byte == EOT) {
        enter(framer, LINE_START);
        return byte == SOH ? EVENT_SOH : EVENT_END;
    }
    if (framer->mark.soh) /* inside SOH .. ETX a heading is text */
        return EVENT_NONE;
    switch ((enum mode)framer->mark.mode) {
    case NUMBER_END:
        if ((byte == CR || byte == LF) && framer->mark.len < HEADING_OFF) {
            keep(framer, byte, NUMBER_END);
            return EVENT_NONE;
        }
        framer->mark.off = framer->mark.len;
        if (is_capital(byte))
            return see_heading(framer, byte);
        enter(framer, LINE_START);
        break;
    case MARK:
        return see_heading(framer, byte);
    case NUMBER:
        return see_number(framer, byte);
    case LINE_START:
    case REST:
        break;
    }
    if (framer->mark.mode == LINE_START && is_capital(byte))
        return see_heading(framer, byte);
    if (framer->mark.mode == LINE_START && is_digit(byte)) {
        keep(framer, byte, NUMBER);
        return EVENT_NONE;
    }
    return see_other(framer, byte);
}

/* To the next event, whose last byte is at - 1; or to end. */
static uint32_t scan(struct sl_framer *framer, const uint8_t *data, uint32_t at, uint32_t end, enum event *event)
{
    for (*event = EVENT_NONE; at < end && *event == EVENT_NONE; at++) {
        if (framer->mark.mode == REST || framer->mark.soh) /* only what is below a blank changes anything */
            while (end - at >= 8 && !sl_framing_has_below(data + at, BLANK))
                at += 8;
        if (at == end)
            return end;
        *event = framer->framing == SL_FRAMING_ZCZC ? see_zczc(framer, data[at]) : see_wmo(framer, data[at]);
    }
    return at;
}

/* ---- units ---- */

/* A mark, or what may be one, is not this unit's: the bytes of it that came with this call are not taken yet, and those
 * that came earlier are carried. */
static void give_back_mark(struct sl_framer *framer, struct sl_framed *framed, uint32_t at, enum sl_framer_state state)
{
    uint32_t len = framer->mark.len, carry = at < len ? len - at : 0;
    framed->taken = at - (len - carry);
    framed->len = framed->taken > framed->off ? framed->taken - framed->off : 0;
    bool soh = framer->mark.soh;
    reset(framer);
    framer->mark.soh = soh && state == SL_FRAMER_SKIP;
    framer->state = state;
    for (uint32_t i = 0; i < carry; i++) /* what was seen once is seen again, as far as it came */
        framer->framing == SL_FRAMING_ZCZC ? see_zczc(framer, framer->mark.begin[i])
                                           : see_wmo(framer, framer->mark.begin[i]);
    framed->trim = carry;
    if (state == SL_FRAMER_SKIP) {
        framer->mark.pending = (uint8_t)carry;
    } else if (carry) {
        framed->carry = carry;
        framer->len = carry;
        framer->state = SL_FRAMER_NOISE; /* until it is whole */
    }
}

static void step_skip(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    enum event event;
    uint32_t pending = framer->mark.pending, at = scan(framer, data, 0, len, &event);
    framer->mark.pending = 0;
    framed->taken = framed->off = at - (event == EVENT_SOH);
    if (event == EVENT_START) {
        give_back_mark(framer, framed, at, SL_FRAMER_BETWEEN);
        framed->off = framed->taken;
        framed->len = framed->trim = 0;
        framed->end = SL_FRAMED_NOTHING;
        framed->fill = pending + framed->taken - framed->carry;
        return;
    }
    if (event != EVENT_NONE) {
        framer->state = SL_FRAMER_BETWEEN;
        framed->end = SL_FRAMED_NOTHING; /* of an SOH at the start of data nothing is taken */
    } else {
        framer->mark.pending = framer->mark.len;
    }
    framed->fill = pending + framed->taken - framer->mark.pending;
}

static void end_unit(struct sl_framer *framer, struct sl_framed *framed)
{
    if (framer->state == SL_FRAMER_NOISE)
        sl_framing_cut_unit(framer, framed, SL_CUT_NOISE, SL_FRAMER_BETWEEN);
    else
        sl_framing_end_unit(framer, framed, SL_FRAMED_WHOLE, SL_FRAMER_BETWEEN);
}

/* What the event says of the open unit; false: it goes on.  unit_len: with the event's bytes. */
static bool see_event(struct sl_framer *framer, struct sl_framed *framed, enum event event, uint32_t at)
{
    uint32_t unit_len = framer->len + at - framed->off;
    if (event == EVENT_START && unit_len > framer->mark.len) {
        end_unit(framer, framed);
        give_back_mark(framer, framed, at, SL_FRAMER_BETWEEN);
        return true;
    }
    if (event == EVENT_SOH && unit_len > 1 && !(framer->mark.soh && unit_len == 2)) {
        framed->taken = at - 1;
        framed->len = framed->taken - framed->off;
        end_unit(framer, framed);
        return true;
    }
    if (event == EVENT_END && framer->state == SL_FRAMER_TEXT) {
        end_unit(framer, framed);
        return true;
    }
    if (event == EVENT_SOH) {
        framer->mark.soh = true;
        framed->off += unit_len - 1; /* of two SOH one is filling */
        framed->fill += unit_len - 1;
    }
    if (event != EVENT_END)
        framer->state = SL_FRAMER_TEXT;
    framer->mark.len = framer->mark.off = 0;
    return false;
}

static void step_unit(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = framed->off;
    for (;;) {
        uint32_t most =
            framer->state == SL_FRAMER_NOISE ? sl_framing_min(SL_NOISE_MAX, framer->message_max) : framer->message_max;
        uint32_t room = most - framer->len, end = len - framed->off > room ? framed->off + room : len;
        enum event event;
        at = scan(framer, data, at, end, &event);
        framed->len = at - framed->off;
        framed->taken = at;
        if (event == EVENT_NONE && end == len)
            return;
        if (event == EVENT_NONE) {
            bool noise = framer->state == SL_FRAMER_NOISE;
            sl_framing_cut_unit(framer, framed, noise ? SL_CUT_NOISE : SL_CUT_TOO_LONG, SL_FRAMER_SKIP);
            give_back_mark(framer, framed, at, noise ? SL_FRAMER_BETWEEN : SL_FRAMER_SKIP);
            return;
        }
        if (see_event(framer, framed, event, at))
            return;
    }
}

void sl_framing_step_marks(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    if (framer->state == SL_FRAMER_SKIP) {
        step_skip(framer, data, len, framed);
        return;
    }
    uint32_t at = 0;
    if (framer->state == SL_FRAMER_BETWEEN) {
        while (at < len && is_filling(data[at]) && !(data[at] == SOH && framer->framing == SL_FRAMING_WMO))
            at++;
        if (at < len) {
            reset(framer);
            framer->state = SL_FRAMER_NOISE; /* until its mark is whole */
        }
    }
    framed->fill = framed->off = framed->taken = at;
    if (at < len)
        step_unit(framer, data, len, framed);
}

void sl_framing_marks_forget(struct sl_framer *framer) { enter(framer, REST); }
