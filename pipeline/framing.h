/* pipeline/framing.h - where messages start and end: a byte machine for each framing, resumable at any byte.
 *
 *     bytes --> [ step ] --> filling, then bytes of a unit, then its end: whole, cut, nothing, or the stream is broken
 *
 * Life      init, step over whatever comes, end where the line, the datagram or the time ends.
 * Threads   One.
 * Owns      Borrows data for the call.  Keeps no byte of a unit: who calls gathers what spans two calls.
 * Errors    None.  What is wrong with the bytes is a cut unit, with its reason.
 * Units     Bytes.
 *
 * However a stream is divided between calls, its units are the same (tests/fuzz/fuzz_framing.c).
 *
 * CONTROL   A unit runs from SOH to EOT.  ETX ends the text; what follows up to EOT is the trailer and belongs to
 *           the message. After ETX a missing EOT does no harm: the next SOH, the end of the line or of the time, or
 *           SL_TRAILER_MAX bytes end it too, and it is whole.  Before ETX any SOH is a new start and cuts the old
 *           unit: SOH is never text, and to glue two stories together would be worse than to lose one aloud.  Only
 *           an SOH right behind an SOH is a repetition.  Between units NUL, SYN, DEL, EOT, CR, LF and blanks are
 *           filling; anything else begins a run of noise, which lasts to the next SOH, NUL, SYN, DEL or EOT, and is
 *           cut into units of at most SL_NOISE_MAX.
 * LENGTH    A big-endian length, then so many bytes.  Length 0 is filling.  A length over message_max leaves no way
 *           to find the next message: the stream is broken.
 * LINE      LF or CR LF ends a message and is filling, as empty lines are.  The end of a datagram ends its last line
 *           too.
 * FIX       A unit runs from "8=FIX" over as many bytes as 9= says and "10=nnn" SOH.  Where the length leads to no 10=
 *           the unit is cut, as noise is, and the next "8=FIX" at the start of a field or line begins a new one; what
 *           a wrong length swallowed is lost with it.  Between units, and of noise, as with CONTROL; noise also ends
 *           before a field or line that begins with an 8.
 * DATAGRAM  What one call brings is a unit.
 * FILE      All bytes of a file, or of a datagram, are a unit.
 * XML       Documents one behind the other, with nothing between them or anything: a unit runs from the first '<' to
 *           the end tag of its root.  Comments, CDATA, processing instructions, quotes in tags and the brackets of a
 *           DTD are told apart, names are not compared.  An XML declaration inside a document is a new start.  Between
 *           documents blanks, control characters and byte-order marks are filling, as comments before a declaration
 *           are; anything else is noise up to the next '<'.  Of encodings only those that have ASCII as ASCII: UTF-16
 *           comes in files and datagrams.
 * MIME      Mail.  What begins with a line "From " is an mbox (RFC 4155): such a line behind an empty one ends a
 *           message, and is filling.  Else a line that is only a dot ends one (RFC 5321 4.1.1.4), and is filling; dots
 *           that were doubled for that stay so.  The end of a file or datagram ends the last one.
 * ZCZC      A unit runs from ZCZC, in capitals or not, behind nothing but blanks on its line, to NNNN in such a place.
 *           NNNN is often missing: then the next ZCZC ends the unit, the time, or the end of a file or datagram, and
 *           it is whole.  Between units blanks and control characters are filling, anything else is noise up to the
 *           next ZCZC.
 * WMO       A unit runs from SOH to ETX, and is over there: a warning does not wait for what comes behind it.  Relays
 *           take both away: then a heading TTAAii CCCC DDhhmm at the start of a line begins a unit, with the number on
 *           the line before it.  Without ETX the next SOH or such a heading, the time, or the end of a file or datagram
 *           ends a unit, and it is whole; inside SOH .. ETX a heading is text.  Between units as with ZCZC.
 * WEBSOCKET The frames of RFC 6455, in either direction: a unit is a text or binary message, in one frame or several;
 *           masks are taken off by who copies (masked).  Pings, pongs, closes and the HTTP head with which a stream may
 *           begin are filling; nobody answers them here.  Extensions, and whatever else the RFC forbids, leave no way
 *           to find the next frame: the stream is broken.
 *
 * A unit over message_max is cut there, and the rest of it, up to EOT, SOH, LF or whatever ends a unit, is skipped as
 * filling; so is what comes of a unit after its time.
 */
#ifndef SL_PIPELINE_FRAMING_H
#define SL_PIPELINE_FRAMING_H

#include "pipeline/record.h"

#include <stdbool.h>
#include <stdint.h>

#define SL_NOISE_MAX       4096u
#define SL_TRAILER_MAX     1024u /* real ones have some 30 bytes */
#define SL_CARRY_MAX       40u
#define SL_MESSAGE_MAX_MIN 64u   /* the least that message_max may be */

enum sl_framing {
    SL_FRAMING_CONTROL,  /* SOH .. ETX .. EOT, as IPTC 7901 and ANPA 1312 send it */
    SL_FRAMING_DATAGRAM, /* a datagram is a message */
    SL_FRAMING_LENGTH16, /* big-endian length, then the message */
    SL_FRAMING_LENGTH32,
    SL_FRAMING_LINE, /* LF or CR LF ends a message */
    SL_FRAMING_FIX,  /* 8=FIX, 9= and so many bytes, 10= */
    SL_FRAMING_FILE, /* a file is a message */
    SL_FRAMING_XML,  /* documents */
    SL_FRAMING_MIME, /* mail: mbox, or dots */
    SL_FRAMING_ZCZC, /* ZCZC .. NNNN */
    SL_FRAMING_WMO,  /* SOH .. ETX, or headings */
    SL_FRAMING_WEBSOCKET, /* RFC 6455, of a stream that is open already */
    SL_FRAMING_MOLDUDP64, /* numbered datagrams; order takes them apart, and what reaches frame is a message each */
    SL_FRAMING_CNT,
};

enum sl_framer_state {
    SL_FRAMER_BETWEEN, /* units */
    SL_FRAMER_TEXT,    /* inside one */
    SL_FRAMER_TRAILER, /* CONTROL: behind ETX */
    SL_FRAMER_NOISE,
    SL_FRAMER_SKIP, /* the rest of a unit that is over for us */
};

struct sl_framer {
    enum sl_framing framing;
    enum sl_framer_state state;
    uint32_t message_max;
    uint32_t len;     /* of the open unit so far */
    uint32_t trailer; /* of it, behind ETX */
    uint32_t need;    /* LENGTH, FIX: bytes still to come */
    uint8_t head[4];  /* LENGTH: the length as it came */
    uint8_t head_len;
    bool ends_in_cr; /* LINE: the open unit */
    struct {
        uint8_t at;   /* how far into the begin the unit is */
        bool starts;  /* the last byte was one that a field or line may follow */
        bool resyncs; /* what looks like a begin and is none is filling: a cut unit goes on there */
    } fix;
    struct {         /* framing_xml.c */
        uint32_t depth;
        uint8_t mode, back, match, quote;
        uint8_t pending; /* bytes skipped, not yet counted: they may begin a document */
        bool root, slash;
    } xml;
    struct { /* framing_marks.c */
        uint8_t mode, len, off; /* of a mark as far as it has come: its bytes, and where in them the heading begins */
        uint8_t pending;        /* bytes skipped, not yet counted: they may be a mark */
        uint8_t begin[SL_CARRY_MAX];
        bool soh; /* the unit began with it */
    } mark;
    struct { /* framing_mime.c */
        uint8_t line_len;
        bool may_be_dot, may_be_postmark, cr, mbox, begun, in_postmark;
    } mime;
    struct {               /* framing_websocket.c */
        uint64_t need;     /* bytes of the frame still to come */
        uint8_t head[14];  /* of a frame, as far as it has come */
        uint8_t head_len;
        uint8_t mask[4];   /* for the next byte */
        uint8_t matched;   /* of the end of the HTTP head */
        uint16_t http_len;
        bool begun, in_http, in_frame, masked, control, fin;
        bool open;         /* a message's first frame has come, its last has not ended */
    } websocket;
};

enum sl_framed_end {
    SL_FRAMED_MORE,    /* the unit goes on, or there is none */
    SL_FRAMED_WHOLE,   /* it is a message */
    SL_FRAMED_CUT,     /* it is none; cut says why */
    SL_FRAMED_NOTHING, /* it was filling after all */
    SL_FRAMED_BROKEN,  /* nothing behind framer.head can be understood; no more steps before init */
};

struct sl_framed {
    uint32_t taken;    /* bytes of data that this step is done with */
    uint32_t fill;     /* of all bytes so far: filling, first counted here */
    uint32_t off, len; /* where in data the bytes lie that belong to the unit */
    enum sl_framed_end end;
    enum sl_cut cut;
    uint32_t trim; /* this many of the unit's last bytes are not its own: a CR before LF */
    bool masked;     /* whoever copies the unit's bytes xors mask over them, from data + off on */
    uint8_t mask[4];
    uint32_t carry; /* so many first bytes of sl_framer_carried begin the next unit, and came before data */
};

void sl_framer_init(struct sl_framer *framer, enum sl_framing framing, uint32_t message_max);

/* At most one end.  Takes at least one byte or ends a unit, so that calling again gets through; len is not 0. */
void sl_framer_step(struct sl_framer *framer, const uint8_t *data, uint32_t len, struct sl_framed *framed);

static inline void sl_framed_unmask(uint8_t *copy, const struct sl_framed *framed)
{
    for (uint32_t i = 0; framed->masked && i < framed->len; i++)
        copy[i] ^= framed->mask[i % 4];
}

enum sl_framing_end { SL_END_OF_LINE, SL_END_OF_DATAGRAM, SL_END_OF_TIME, SL_END_OF_FILE };

/* What a unit may begin with that came in a call before; the framer's until its next step. */
const uint8_t *sl_framer_carried(const struct sl_framer *framer);

/* What becomes of the unit that is open.  After the end of a line, datagram or file the next byte is the first of
 * something new. */
void sl_framer_end(struct sl_framer *framer, enum sl_framing_end why, struct sl_framed *framed);

/* No byte of it could begin or be a message between messages. */
bool sl_framing_is_filling(const uint8_t *data, uint32_t len);

#endif
