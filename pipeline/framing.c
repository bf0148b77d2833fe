#include "pipeline/framing_steps.h"

#include <assert.h>
#include <string.h>

enum { NUL = 0x00, SOH = 0x01, ETX = 0x03, EOT = 0x04, LF = 0x0a, CR = 0x0d, SYN = 0x16, BLANK = 0x20, DEL = 0x7f };

static bool is_filling(uint8_t byte)
{
    switch (byte) {
    case NUL:
    case EOT:
    case LF:
    case CR:
    case SYN:
    case BLANK:
    case DEL:
        return true;
    default:
        return false;
    }
}

/* Line ends and blanks occur inside noise, and would make many runs of one. */
static bool ends_noise(uint8_t byte)
{
    return byte == SOH || (is_filling(byte) && byte != LF && byte != CR && byte != BLANK);
}

/* The next SOH, ETX or EOT from at, or end. */
static uint32_t find_control(const uint8_t *data, uint32_t at, uint32_t end)
{
    for (; at < end; at++) {
        while (end - at >= 8 && !sl_framing_has_below(data + at, EOT + 1))
            at += 8;
        if (at < end && (data[at] == SOH || data[at] == ETX || data[at] == EOT))
            return at;
    }
    return end;
}

void sl_framer_init(struct sl_framer *framer, enum sl_framing framing, uint32_t message_max)
{
    assert(framing < SL_FRAMING_CNT && message_max >= SL_MESSAGE_MAX_MIN);
    *framer = (struct sl_framer){ .framing = framing, .message_max = message_max };
}

/* Where a unit begins, or len.  A unit begins with SOH, or is noise. */
static uint32_t find_start(struct sl_framer *framer, const uint8_t *data, uint32_t len)
{
    uint32_t at = 0;
    if (framer->state == SL_FRAMER_SKIP) {
        while ((at = find_control(data, at, len)) < len && data[at] == ETX)
            at++;
        if (at == len)
            return len;
        framer->state = SL_FRAMER_BETWEEN;
    }
    if (framer->state == SL_FRAMER_BETWEEN) {
        while (at < len && is_filling(data[at]))
            at++;
        if (at < len)
            framer->state = data[at] == SOH ? SL_FRAMER_TEXT : SL_FRAMER_NOISE;
    }
    return at;
}

/* The unit's bytes are data[framed->off ..]; gives where the scan came to. */
static uint32_t scan_text(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    for (uint32_t at = framed->off;; at++) {
        uint32_t before = framer->len; /* this step's bytes are not counted in yet */
        uint32_t room = framer->message_max - before;
        uint32_t end = len - framed->off > room ? framed->off + room : len;
        at = find_control(data, at, end);
        if (at == end) {
            if (end < len)
                sl_framing_cut_unit(framer, framed, SL_CUT_TOO_LONG, SL_FRAMER_SKIP);
            return end;
        }
        if (data[at] == ETX) {
            framer->state = SL_FRAMER_TRAILER;
            return at + 1;
        }
        if (data[at] == EOT) {
            sl_framing_end_unit(framer, framed, SL_FRAMED_WHOLE, SL_FRAMER_BETWEEN);
            return at + 1;
        }
        uint32_t unit_len = before + at - framed->off;
        if (unit_len > 1) {
            sl_framing_cut_unit(framer, framed, SL_CUT_NEW_START, SL_FRAMER_BETWEEN);
            return at;
        }
        /* One of two SOH is filling.  Which one makes no difference, so it is the one at hand. */
        if (unit_len == 1) {
            framed->off++;
            framed->fill++;
        }
    }
}

static uint32_t scan_trailer(struct sl_framer *framer, const uint8_t *data, uint32_t at, uint32_t len,
                             struct sl_framed *framed)
{
    uint32_t room =
        sl_framing_min(SL_TRAILER_MAX - framer->trailer, framer->message_max - (framer->len + at - framed->off));
    uint32_t end = len - at > room ? at + room : len, start = at;
    while ((at = find_control(data, at, end)) < end && data[at] == ETX)
        at++;
    if (at < end)
        sl_framing_end_unit(framer, framed, SL_FRAMED_WHOLE, SL_FRAMER_BETWEEN);
    else if (end < len)
        sl_framing_end_unit(framer, framed, SL_FRAMED_WHOLE, SL_FRAMER_SKIP);
    else
        framer->trailer += at - start;
    return at < end && data[at] == EOT ? at + 1 : at;
}

static uint32_t scan_noise(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = framed->off, room = sl_framing_min(SL_NOISE_MAX, framer->message_max) - framer->len;
    uint32_t end = len - at > room ? at + room : len;
    while (at < end && !ends_noise(data[at]))
        at++;
    if (at < len)
        sl_framing_cut_unit(framer, framed, SL_CUT_NOISE, SL_FRAMER_BETWEEN);
    return at;
}

static void step_control(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = find_start(framer, data, len);
    framed->fill = framed->off = at;
    if (at < len && framer->state == SL_FRAMER_NOISE)
        at = scan_noise(framer, data, len, framed);
    else if (at < len && framer->state == SL_FRAMER_TEXT)
        at = scan_text(framer, data, len, framed);
    if (at < len && framer->state == SL_FRAMER_TRAILER)
        at = scan_trailer(framer, data, at, len, framed);
    framed->len = at - framed->off;
    framed->taken = at;
}

static uint32_t length_of(const struct sl_framer *framer)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < framer->head_len; i++)
        len = len << 8 | framer->head[i];
    return len;
}

/* Where the message begins behind its length, or len when the length, or a message of length 0, is all there is. */
static uint32_t read_length(struct sl_framer *framer, const uint8_t *data, uint32_t at, uint32_t len,
                            struct sl_framed *framed)
{
    uint32_t size = framer->framing == SL_FRAMING_LENGTH16 ? 2 : 4;
    while (at < len && framer->state == SL_FRAMER_BETWEEN) {
        assert(framer->head_len < size);
        framer->head[framer->head_len++] = data[at++];
        if (framer->head_len < size)
            continue;
        framer->need = length_of(framer);
        if (framer->need > framer->message_max) {
            framed->end = SL_FRAMED_BROKEN;
            return at;
        }
        if (framer->need)
            framer->state = SL_FRAMER_TEXT;
        else
            framer->head_len = 0;
    }
    return at;
}

static void step_length(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = 0;
    if (framer->state == SL_FRAMER_SKIP) {
        at = sl_framing_min(framer->need, len);
        framer->need -= at;
        if (!framer->need)
            sl_framer_init(framer, framer->framing, framer->message_max);
    }
    at = read_length(framer, data, at, len, framed);
    framed->fill = framed->off = at;
    if (framer->state == SL_FRAMER_TEXT) {
        framed->len = sl_framing_min(framer->need, len - at);
        framer->need -= framed->len;
        at += framed->len;
        if (!framer->need) {
            sl_framing_end_unit(framer, framed, SL_FRAMED_WHOLE, SL_FRAMER_BETWEEN);
            framer->head_len = 0;
        }
    }
    framed->taken = at;
}

/* Past the rest of a line that is over for us, and past empty lines. */
static uint32_t find_line(struct sl_framer *framer, const uint8_t *data, uint32_t len)
{
    uint32_t at = 0;
    if (framer->state == SL_FRAMER_SKIP) {
        const uint8_t *lf = memchr(data, LF, len);
        if (!lf)
            return len;
        at = (uint32_t)(lf - data) + 1;
        framer->state = SL_FRAMER_BETWEEN;
    }
    while (framer->state == SL_FRAMER_BETWEEN && at < len && data[at] == LF)
        at++;
    return at;
}

static void step_line(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = find_line(framer, data, len);
    framed->fill = framed->off = framed->taken = at;
    if (at == len)
        return;
    framer->state = SL_FRAMER_TEXT;
    const uint8_t *lf = memchr(data + at, LF, len - at);
    uint32_t end = lf ? (uint32_t)(lf - data) : len, room = framer->message_max - framer->len;
    framed->len = sl_framing_min(end - at, room);
    framed->taken = at + framed->len;
    if (framed->len < end - at) {
        sl_framing_cut_unit(framer, framed, SL_CUT_TOO_LONG, SL_FRAMER_SKIP);
        return;
    }
    if (framed->len)
        framer->ends_in_cr = data[end - 1] == CR;
    if (!lf)
        return;
    framed->taken++;
    framed->trim = framer->ends_in_cr;
    framed->fill += 1 + framed->trim;
    bool empty = framer->len + framed->len == framed->trim;
    sl_framing_end_unit(framer, framed, empty ? SL_FRAMED_NOTHING : SL_FRAMED_WHOLE, SL_FRAMER_BETWEEN);
}

static void step_file(struct sl_framer *framer, uint32_t len, struct sl_framed *framed)
{
    framed->taken = len;
    if (framer->state == SL_FRAMER_SKIP) {
        framed->fill = framed->off = len;
        return;
    }
    framer->state = SL_FRAMER_TEXT;
    framed->len = framed->taken = sl_framing_min(len, framer->message_max - framer->len);
    if (framed->len < len)
        sl_framing_cut_unit(framer, framed, SL_CUT_TOO_LONG, SL_FRAMER_SKIP);
}

/* ---- FIX ---- */

static bool ends_field(uint8_t byte) { return byte == SOH || byte == LF || byte == CR || byte == NUL; }

/* Past filling, and past the rest of a unit that is over for us, to what may begin a unit. */
static uint32_t find_fix(struct sl_framer *framer, const uint8_t *data, uint32_t len)
{
    uint32_t at = 0;
    while (framer->state == SL_FRAMER_SKIP && at < len) {
        if (framer->fix.starts && data[at] == '8') {
            framer->state = SL_FRAMER_TEXT;
            framer->fix.resyncs = true;
            framer->fix.at = 0;
            return at;
        }
        framer->fix.starts = ends_field(data[at++]);
    }
    if (framer->state == SL_FRAMER_BETWEEN) {
        while (at < len && (is_filling(data[at]) || data[at] == SOH))
            at++;
        if (at < len) {
            framer->state = data[at] == '8' ? SL_FRAMER_TEXT : SL_FRAMER_NOISE;
            framer->fix.resyncs = framer->fix.starts = false;
            framer->fix.at = 0;
        }
    }
    return at;
}

/* How far "8=FIX" version SOH "9=" has come (fix.at): below 5 in it, 5 in the version, then "9", "=" and the length's
 * first digit, 8 behind that. */
enum { FIX_VERSION = 5, FIX_NINE, FIX_EQUAL, FIX_DIGIT, FIX_DIGITS };
#define FIX_BEGIN_MAX  16u
#define FIX_LENGTH_MAX 999999999u

/* Takes a byte of the begin; false: there is none.  The length is complete when need_known. */
static bool take_begin(struct sl_framer *framer, uint8_t byte, uint32_t unit_len, bool *need_known)
{
    uint8_t at = framer->fix.at;
    switch (at) {
    case FIX_VERSION:
        if (byte == SOH)
            framer->fix.at = FIX_NINE;
        return byte == SOH || (byte > BLANK && byte < DEL && unit_len < FIX_BEGIN_MAX);
    case FIX_NINE:
    case FIX_EQUAL:
        framer->fix.at++;
        framer->need = 0;
        return byte == (at == FIX_NINE ? '9' : '=');
    case FIX_DIGIT:
    case FIX_DIGITS:
        *need_known = at == FIX_DIGITS && byte == SOH;
        framer->fix.at = FIX_DIGITS;
        if (byte >= '0' && byte <= '9' && framer->need <= FIX_LENGTH_MAX / 10 && unit_len < 2 * FIX_BEGIN_MAX) {
            framer->need = framer->need * 10 + (uint32_t)(byte - '0');
            return true;
        }
        return *need_known;
    default:
        framer->fix.at++;
        return byte == (uint8_t) "8=FIX"[at];
    }
}

#define FIX_TRAILER_LEN 7u

static bool fits_trailer(uint8_t byte, uint32_t at)
{
    static const char shape[] = "10=nnn\001";
    return shape[at] == 'n' ? byte >= '0' && byte <= '9' : byte == (uint8_t)shape[at];
}

/* What began as a unit is none: noise, or filling where a cut unit goes on. */
static void refuse_begin(struct sl_framer *framer, struct sl_framed *framed, uint32_t unit_len)
{
    if (framer->fix.resyncs) {
        framed->fill += unit_len;
        sl_framing_end_unit(framer, framed, SL_FRAMED_NOTHING, SL_FRAMER_SKIP);
    } else {
        framer->state = SL_FRAMER_NOISE;
    }
}

static uint32_t scan_begin(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    for (uint32_t at = framed->off; at < len; at++) {
        uint32_t unit_len = framer->len + at - framed->off;
        bool need_known = false;
        /* A byte that ends a field may also end what looked like a begin, and what follows is looked at anew. */
        framer->fix.starts = ends_field(data[at]);
        if (!take_begin(framer, data[at], unit_len, &need_known)) {
            refuse_begin(framer, framed, unit_len + 1);
            return at + 1;
        }
        if (!need_known)
            continue;
        if (framer->need > framer->message_max || unit_len + 1 + FIX_TRAILER_LEN > framer->message_max - framer->need)
            sl_framing_cut_unit(framer, framed, SL_CUT_TOO_LONG, SL_FRAMER_SKIP);
        else
            framer->state = SL_FRAMER_TRAILER;
        return at + 1;
    }
    return len;
}

/* The body and what follows it; data[at] is its next byte. */
static uint32_t scan_body(struct sl_framer *framer, const uint8_t *data, uint32_t at, uint32_t len,
                          struct sl_framed *framed)
{
    uint32_t body = sl_framing_min(framer->need, len - at);
    framer->need -= body;
    at += body;
    for (; at < len; at++) {
        if (!fits_trailer(data[at], framer->trailer)) {
            framer->fix.starts = ends_field(data[at]);
            sl_framing_cut_unit(framer, framed, SL_CUT_NOISE, SL_FRAMER_SKIP);
            return at + 1;
        }
        if (++framer->trailer == FIX_TRAILER_LEN) {
            sl_framing_end_unit(framer, framed, SL_FRAMED_WHOLE, SL_FRAMER_BETWEEN);
            return at + 1;
        }
    }
    return at;
}

static uint32_t scan_fix_noise(struct sl_framer *framer, const uint8_t *data, uint32_t at, uint32_t len,
                               struct sl_framed *framed)
{
    uint32_t room = sl_framing_min(SL_NOISE_MAX, framer->message_max) - (framer->len + at - framed->off);
    uint32_t end = len - at > room ? at + room : len;
    while (at < end && !(framer->fix.starts && data[at] == '8'))
        framer->fix.starts = ends_field(data[at++]);
    if (at < len)
        sl_framing_cut_unit(framer, framed, SL_CUT_NOISE, SL_FRAMER_BETWEEN);
    return at;
}

static void step_fix(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    uint32_t at = find_fix(framer, data, len);
    framed->fill = framed->off = at;
    if (at < len && framer->state == SL_FRAMER_TEXT)
        at = scan_begin(framer, data, len, framed);
    if (at < len && framed->end == SL_FRAMED_MORE && framer->state == SL_FRAMER_TRAILER)
        at = scan_body(framer, data, at, len, framed);
    else if (at < len && framed->end == SL_FRAMED_MORE && framer->state == SL_FRAMER_NOISE)
        at = scan_fix_noise(framer, data, at, len, framed);
    framed->len = at - framed->off;
    framed->taken = at;
}

static void step_datagram(struct sl_framer *framer, uint32_t len, struct sl_framed *framed)
{
    framed->taken = len;
    framed->len = sl_framing_min(len, framer->message_max);
    framed->end = len > framer->message_max ? SL_FRAMED_CUT : SL_FRAMED_WHOLE;
    framed->cut = len > framer->message_max ? SL_CUT_TOO_LONG : SL_CUT_NOT;
}

void sl_framer_step(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed)
{
    assert(len);
    *framed = (struct sl_framed){ 0 };
    switch (framer->framing) {
    case SL_FRAMING_CONTROL:
        step_control(framer, data, len, framed);
        break;
    case SL_FRAMING_LENGTH16:
    case SL_FRAMING_LENGTH32:
        step_length(framer, data, len, framed);
        break;
    case SL_FRAMING_LINE:
        step_line(framer, data, len, framed);
        break;
    case SL_FRAMING_FIX:
        step_fix(framer, data, len, framed);
        break;
    case SL_FRAMING_FILE:
        step_file(framer, len, framed);
        break;
    case SL_FRAMING_XML:
        sl_framing_step_xml(framer, data, len, framed);
        break;
    case SL_FRAMING_MIME:
        sl_framing_step_mime(framer, data, len, framed);
        break;
    case SL_FRAMING_ZCZC:
    case SL_FRAMING_WMO:
        sl_framing_step_marks(framer, data, len, framed);
        break;
    case SL_FRAMING_WEBSOCKET:
        sl_framing_step_websocket(framer, data, len, framed);
        break;
    case SL_FRAMING_DATAGRAM:
    case SL_FRAMING_MOLDUDP64:
    case SL_FRAMING_CNT:
        step_datagram(framer, len, framed);
        break;
    }
    if (framed->end == SL_FRAMED_MORE)
        framer->len += framed->len;
}

/* The end of a datagram or file is the end of its last line, of its last mail, and of itself. */
static bool ends_well(const struct sl_framer *framer, enum sl_framing_end why)
{
    /* What is behind ETX need not be whole; behind a FIX body, and in it, everything must be. */
    if (framer->state == SL_FRAMER_TRAILER && framer->framing != SL_FRAMING_FIX)
        return true;
    if (framer->framing == SL_FRAMING_ZCZC || framer->framing == SL_FRAMING_WMO) /* their ends are often missing */
        return framer->state == SL_FRAMER_TEXT && why != SL_END_OF_LINE;
    if (why != SL_END_OF_DATAGRAM && why != SL_END_OF_FILE)
        return false;
    return framer->framing == SL_FRAMING_LINE || framer->framing == SL_FRAMING_FILE ||
           framer->framing == SL_FRAMING_MIME;
}

/* Nothing but a CR, nothing but comments, or what only looked like the begin of FIX. */
static bool is_empty(const struct sl_framer *framer, enum sl_framing_end why)
{
    if (framer->framing == SL_FRAMING_XML)
        return sl_framing_xml_is_empty(framer);
    if (framer->fix.resyncs && framer->state == SL_FRAMER_TEXT)
        return true;
    return framer->framing == SL_FRAMING_LINE && ends_well(framer, why) && framer->len == framer->ends_in_cr;
}

static void end_open(struct sl_framer *framer, enum sl_framing_end why, struct sl_framed *framed)
{
    static const uint8_t cuts[] = {
        [SL_END_OF_LINE] = SL_CUT_LINE_DOWN,
        [SL_END_OF_DATAGRAM] = SL_CUT_LINE_DOWN,
        [SL_END_OF_TIME] = SL_CUT_TIMEOUT,
        [SL_END_OF_FILE] = SL_CUT_FILE_END,
    };
    if (is_empty(framer, why)) {
        framed->end = SL_FRAMED_NOTHING;
        framed->fill = framer->len;
    } else if (ends_well(framer, why)) {
        framed->end = SL_FRAMED_WHOLE;
        framed->trim = framed->fill = framer->framing == SL_FRAMING_LINE && framer->ends_in_cr;
    } else {
        framed->end = SL_FRAMED_CUT;
        framed->cut = framer->state == SL_FRAMER_NOISE ? SL_CUT_NOISE : (enum sl_cut)cuts[why];
    }
}

/* What might have become the start of another is over, too. */
static void forget_start(struct sl_framer *framer)
{
    sl_framing_xml_forget_start(framer);
    sl_framing_marks_forget(framer);
    framer->xml.pending = framer->mark.pending = 0;
}

void sl_framer_end(struct sl_framer *framer, enum sl_framing_end why, struct sl_framed *framed)
{
    *framed = (struct sl_framed){ 0 };
    if (framer->len)
        end_open(framer, why, framed);
    framed->fill += framer->xml.pending + framer->mark.pending;
    if (why != SL_END_OF_TIME) {
        sl_framer_init(framer, framer->framing, framer->message_max);
    } else if (framer->len) {
        /* The rest may still come, and must not be taken for noise or for a length. */
        framer->state = framer->state == SL_FRAMER_NOISE ? SL_FRAMER_BETWEEN : SL_FRAMER_SKIP;
        framer->len = framer->trailer = 0;
        framer->ends_in_cr = false;
        forget_start(framer);
    } else if (framer->state == SL_FRAMER_SKIP) {
        forget_start(framer);
    }
}

const uint8_t *sl_framer_carried(const struct sl_framer *framer)
{
    return framer->framing == SL_FRAMING_XML ? sl_framing_xml_start : framer->mark.begin;
}

bool sl_framing_is_filling(const uint8_t *data, uint32_t len)
{
    uint32_t at = 0;
    while (at < len && is_filling(data[at]))
        at++;
    return at == len;
}
