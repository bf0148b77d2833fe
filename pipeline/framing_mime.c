#include "pipeline/framing_steps.h"

#include <string.h>

static const char postmark[] = "From ";
#define POSTMARK_LEN (sizeof(postmark) - 1)

/* The line so far: how long it is, as far as it matters, and whether it may still be what ends a message. */
static void begin_line(struct sl_framer *framer, bool after_empty)
{
    framer->mime.line_len = 0;
    framer->mime.may_be_dot = true;
    framer->mime.may_be_postmark = after_empty;
}

enum event { EVENT_NONE, EVENT_DOT, EVENT_POSTMARK };

static enum event see_line_end(struct sl_framer *framer)
{
    uint32_t len = framer->mime.line_len - framer->mime.cr;
    bool dot = framer->mime.may_be_dot && len == 1 && !framer->mime.mbox;
    begin_line(framer, !len);
    return dot ? EVENT_DOT : EVENT_NONE;
}

static enum event see(struct sl_framer *framer, uint8_t byte)
{
    uint32_t at = framer->mime.line_len;
    if (byte == '\n') {
        enum event event = see_line_end(framer);
        framer->mime.cr = false;
        return event;
    }
    framer->mime.cr = byte == '\r';
    framer->mime.line_len = (uint8_t)(at < UINT8_MAX ? at + 1 : at);
    framer->mime.may_be_dot &= at ? at == 1 && byte == '\r' : byte == '.';
    framer->mime.may_be_postmark &= at < POSTMARK_LEN && byte == (uint8_t)postmark[at];
    /* A message that happens to say From is not an mbox; a stream is one if it begins like that. */
    bool first = !framer->mime.begun;
    return framer->mime.may_be_postmark && at + 1 == POSTMARK_LEN && (framer->mime.mbox || first) ? EVENT_POSTMARK
                                                                                                  : EVENT_NONE;
}

/* To the next event, whose last byte is at - 1; or to end. */
static uint32_t scan(struct sl_framer *framer, const uint8_t *data, uint32_t at, uint32_t end, enum event *event)
{
    for (*event = EVENT_NONE; at < end && *event == EVENT_NONE; at++) {
        if (framer->mime.line_len > POSTMARK_LEN) { /* the rest of a line is just that */
            const uint8_t *lf = memchr(data + at, '\n', end - at);
            uint32_t line_end = lf ? (uint32_t)(lf - data) : end;
            if (line_end > at)
                framer->mime.cr = data[line_end - 1] == '\r';
            if (!lf)
                return end;
            at = line_end;
        }
        *event = see(framer, data[at]);
        framer->mime.begun |= framer->mime.line_len >= POSTMARK_LEN || framer->mime.line_len == 0;
    }
    return at;
}

/* Past empty lines, and past the rest of a postmark. */
static uint32_t skip_between(struct sl_framer *framer, const uint8_t *data, uint32_t len)
{
    uint32_t at = 0;
    if (framer->mime.in_postmark) {
        const uint8_t *lf = memchr(data, '\n', len);
        if (!lf)
            return len;
        framer->mime.in_postmark = false;
        at = (uint32_t)(lf - data) + 1;
    }
    while (at < len && (data[at] == '\r' || data[at] == '\n'))
        at++;
    if (at < len) {
        framer->state = SL_FRAMER_TEXT;
        framer->mime.cr = false;
        begin_line(framer, true);
    }
    return at;
}

static void see_event(struct sl_framer *framer, enum event event)
{
    framer->state = SL_FRAMER_BETWEEN;
    framer->mime.in_postmark = event == EVENT_POSTMARK;
    framer->mime.mbox |= event == EVENT_POSTMARK;
}

static void step_skip(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    enum event event;
    framed->taken = framed->fill = framed->off = scan(framer, data, 0, len, &event);
    if (event != EVENT_NONE)
        see_event(framer, event);
}

/* What ended the unit is not its own: the dot with its line end, or the start of the next postmark. */
static void end_by(struct sl_framer *framer, struct sl_framed *framed, enum event event, bool crlf)
{
    uint32_t whole = framer->len + framed->len;
    framed->trim = event == EVENT_POSTMARK ? POSTMARK_LEN : 2u + crlf;
    framed->fill += framed->trim;
    sl_framing_end_unit(framer, framed, whole > framed->trim ? SL_FRAMED_WHOLE : SL_FRAMED_NOTHING, SL_FRAMER_BETWEEN);
    see_event(framer, event);
}

void sl_framing_step_mime(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = 0;
    if (framer->state == SL_FRAMER_SKIP) {
        step_skip(framer, data, len, framed);
        return;
    }
    if (framer->state == SL_FRAMER_BETWEEN)
        at = skip_between(framer, data, len);
    framed->fill = framed->off = framed->taken = at;
    if (at == len)
        return;
    uint32_t room = framer->message_max - framer->len, end = len - at > room ? at + room : len;
    bool cr_before = framer->mime.cr;
    enum event event;
    framed->taken = scan(framer, data, at, end, &event);
    framed->len = framed->taken - at;
    if (event != EVENT_NONE)
        end_by(framer, framed, event, framed->len > 1 ? data[framed->taken - 2] == '\r' : cr_before);
    else if (end < len)
        sl_framing_cut_unit(framer, framed, SL_CUT_TOO_LONG, SL_FRAMER_SKIP);
}
