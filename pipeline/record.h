/* pipeline/record.h - what lies in the rings and on the logs: the headers before messages, answers and bulletins.
 *
 *     frame ==[ sl_message | raw bytes ]==> decode ==[ sl_answer | bulletin ]==> desk
 *
 *     desk --[ sl_record | bulletin or notice ]--> tape
 *          --[ sl_record | raw bytes ]-----------> raw log
 *
 * Threads   Each header is written by the stage left of its arrow and never touched afterwards.
 * Units     Stamps: ns since 1970 UTC, 0 not known.  seq and ticket count from 1 and 0.
 * Layout    sl_record is what readers in other processes and the journal see: pinned, little-endian.
 */
#ifndef SL_PIPELINE_RECORD_H
#define SL_PIPELINE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kinds of record beside enum sl_kind, which are bulletins. */
enum sl_record_kind {
    SL_RECORD_GAP = 32, /* notice: numbers first .. first + cnt - 1 of this feed never came */
    SL_RECORD_REJECT,   /* notice: a message was refused; code, place, what was expected */
    SL_RECORD_HELD,     /* notice: a bulletin is kept back until until_ns, or until it is released */
    SL_RECORD_EPOCH,    /* notice: first seq after a restart */
    SL_RECORD_HOLE = 40, /* on disk only: numbers first .. first + cnt - 1 were never written; the last is its seq */
    SL_RECORD_RAW = 48, /* on the raw log: a message as it came */
    SL_RECORD_RAW_HELD, /* on the raw log: a bulletin that is held */
};

enum sl_verdict {
    SL_VERDICT_PASSED = 1,
    SL_VERDICT_SAME_VERSION, /* passed: same identity, other content than before */
    SL_VERDICT_LATE,         /* passed: an older version after a newer one */
    SL_VERDICT_WITHDRAWN,    /* passed: its story was killed before */
    SL_VERDICT_RELEASED,     /* passed: was held */
    SL_VERDICT_MADE,         /* by the desk: a notice */
    /* not on the tape: */
    SL_VERDICT_DUPLICATE,
    SL_VERDICT_HELD,
    SL_VERDICT_CANCELLED,    /* was held; killed or replaced before its time */
    SL_VERDICT_NO_ROOM,      /* would have to be held, and the hold area is full */
    SL_VERDICT_CNT,
};
const char *sl_verdict_name(unsigned verdict);
const char *sl_record_kind_name(unsigned kind); /* of both enums */

enum sl_record_flag {
    SL_RECORD_AFTER_GAP = 1u << 0,
    SL_RECORD_CLOCK_STEPPED = 1u << 1, /* a stamp lies before the one of the stage before it */
};

struct sl_stamps {
    int64_t wire_ns; /* the card's or the kernel's; sl_record.wire_source says whose */
    int64_t rx_ns;
    int64_t first_ns, framed_ns; /* first and last byte of the message */
    int64_t decoded_ns, published_ns;
};

/* On tape and raw log.  The first 16 bytes are the log's: len, spare, seq (ring/log.h). */
struct sl_record {
    uint32_t len;
    uint8_t kind, lane, verdict, wire_source;
    uint64_t seq;
    uint64_t epoch;
    uint64_t arrival; /* number of its message within the feed, from 1 */
    uint64_t raw_seq; /* of its message on the raw log; 0 none */
    uint16_t feed, line;
    uint32_t flags;
    struct sl_stamps stamps;
    uint32_t part;    /* which bulletin of its message, from 0 */
    uint32_t crc;     /* the journal's: CRC32C of the record with this field 0 */
    uint64_t spare[3]; /* the journal's too (pipeline/segment.h); 0 in memory */
};
_Static_assert(sizeof(struct sl_record) == 128, "two cache lines, then the bulletin");
_Static_assert(offsetof(struct sl_record, seq) == 8, "the log's own head");

/* What follows the header of a notice. */
struct sl_notice {
    uint64_t first, cnt;
    int64_t until_ns;
    uint32_t code; /* enum sl_parse_code of a REJECT */
    uint32_t off;  /* in the message, of a REJECT */
    uint32_t text_len;
    char text[]; /* what was expected; the id of a held bulletin */
};

/* In a message ring, before the raw bytes.  In our own memory only. */
struct sl_message {
    uint64_t ticket; /* counted per receive thread and lane, from 0 */
    uint64_t arrival;
    uint64_t stream_off; /* of its first byte in the line's stream; 0 for datagrams */
    struct sl_stamps stamps;
    uint32_t len;
    uint16_t feed, line;
    uint8_t lane, wire_source;
    uint16_t flags; /* enum sl_record_flag */
    uint8_t cut;    /* enum sl_cut: framed, but not whole; decode rejects it unread */
    bool is_gap;    /* no message, but what is missing of them: struct sl_gap follows */
    uint16_t ack;   /* number of the struct sl_ack that waits for its answer, plus 1; 0 none */
};
_Static_assert(sizeof(struct sl_message) % 8 == 0, "raw bytes start aligned");

enum sl_cut { /* why a framed unit is no message; frame's reasons, each a counter and a reject */
    SL_CUT_NOT,
    SL_CUT_TOO_LONG,
    SL_CUT_TIMEOUT,   /* its end did not come in time */
    SL_CUT_LINE_DOWN, /* the line broke in the middle */
    SL_CUT_NEW_START, /* another message began inside it */
    SL_CUT_NOISE,     /* bytes between messages that are no filling */
    SL_CUT_REFUSED,   /* crashed a parser before */
    SL_CUT_FILE_END,  /* its file ended in the middle, or changed while it was read */
    SL_CUT_NO_ROOM,   /* a story given up among those whose fragments were not all there */
    SL_CUT_CNT,
};
const char *sl_cut_name(unsigned cut);
const char *sl_cut_want(unsigned cut); /* what was expected instead */

/* Behind sl_message where it stands for a gap. */
struct sl_gap {
    uint64_t first, cnt;
};

enum sl_answer_what { SL_ANSWER_BULLETIN, SL_ANSWER_NOTHING, SL_ANSWER_REJECT, SL_ANSWER_GAP };

/* In an answer ring, before the bulletin. */
struct sl_answer {
    uint64_t message; /* the ring's token of its message: the desk reads raw bytes there, then releases it */
    int64_t decoded_ns;
    const char *want; /* of a REJECT: a literal */
    uint32_t err_off;
    uint32_t part;
    uint32_t bulletin_len;
    uint8_t what, code, last;
    uint8_t spare;
};
_Static_assert(sizeof(struct sl_answer) % 8 == 0, "the bulletin starts aligned");

#endif
