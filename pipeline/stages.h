/* pipeline/stages.h - THE WALK: every stage in the order a bulletin meets them, what it takes, what it gives.
 *
 *     lines A, B
 *        | packets
 *      [ rx ] --> [ order ] --> [ frame ] ==> [ decode ] x N ==> [ desk ] --> [ tape ]     --> readers
 *                                                     +-------> [ raw log ]  --> the journal
 *        -->  a call, same thread        ==>  a byte ring of whole records, one for each pair of threads and lane
 *
 * Each stage has the same three verbs.  init gets all memory it will ever use; poll does one bounded batch, never
 * blocks or sleeps, and returns how much it did (0 idle; -EAGAIN has work but no room for it: look again soon; any
 * other -errno stop); fini gives everything back.  Threads exist only in run.c, and time enters only by the clock that
 * init was given: so tests/sim drives these very stages from one seed.
 */
#ifndef SL_PIPELINE_STAGES_H
#define SL_PIPELINE_STAGES_H

#include "parsers/parse.h"
#include "pipeline/ack.h"
#include "pipeline/books.h"
#include "pipeline/clock.h"
#include "pipeline/durable.h"
#include "pipeline/framing.h"
#include "pipeline/record.h"
#include "pipeline/rx.h"
#include "ring/bell.h"
#include "ring/log.h"
#include "ring/spsc.h"

#define SL_FEEDS_MAX    256u
#define SL_DECODERS_MAX 16u /* of one receive thread, the heavy one among them */
#define SL_RXS_MAX      16u
#define SL_JOURNAL_SEAT (SL_LOG_SEATS - 1) /* on both logs, where there is a journal */

/* A feed as the stages see it: constant while the walk runs. */
struct sl_feed {
    char name[32];
    const struct sl_format *format; /* NULL: recognized message by message */
    struct sl_feed_facts facts;
    enum sl_framing framing;
    uint32_t message_max;   /* bytes */
    int64_t message_ns;     /* longest time from a message's first to its last byte */
    int64_t reorder_ns;     /* MOLDUDP64: how long a missing message is waited for */
    uint64_t park_len;      /* MOLDUDP64: bytes that may wait behind it */
    uint64_t join_len;      /* MRN: bytes of fragments that may wait for the rest of their story; 0: they do not */
    uint32_t rx;            /* which receive thread polls it */
};

/* One decode thread's two rings in one lane: the message ring into it, the answer ring out of it. */
struct sl_lane_rings {
    void *message; /* struct sl_spsc_shm: frame writes, decode reads, the desk releases */
    void *answer; /* decode writes, the desk reads and releases */
};
struct sl_decoder_rings {
    struct sl_lane_rings lane[SL_LANE_CNT];
};

/* ---- rx: pipeline/rx.h.  Takes lines, gives packets by a call to sl_frame_take. ---- */

/* ---- order: pipeline/order.h.  Between rx and frame where a feed's datagrams are numbered. ---- */

/* ---- frame: packets to whole messages.
 * Takes  packets, borrowed for the call; resumable at any byte, resynchronizing after noise (pipeline/framing.h).
 *        Datagrams do not join: each holds whole messages, and one without any SOH on a CONTROL feed is a message that
 *        a relay stripped.
 * Gives  one record in a message ring: sl_message and the message's bytes, copied once.  A message that spans packets
 *        is gathered in a buffer of its connection's before: the one copy more that a stream costs.  rings are
 *        flushed, and bells rung, once a poll.
 *        Stories that come in fragments, a message each (MRN), are joined first (pipeline/joiner.h): their message is
 *        one array of all, and one copy more.
 *        A file begins with a line's UP and ends with a packet that says so; its messages are counted in its ack.
 * Stamps wire and rx are those of the packet that ended the message, first is the rx of the one that began it.
 * Lane   from the first bytes (sl_peek_lane), for ever; noise is BULK.  Its ticket counts within this receive thread
 *        and lane.
 * Spread messages go to the decoders in turn, past one whose ring is full; those over heavy bytes to the last one,
 *        where there is one for them.
 * Memory a gather buffer of the longest message_max for each connection that a stream line may have; only those are
 *        touched that are in use at once.
 * Errors init: -EINVAL when a message ring is too short for message_max, or a stream is to be framed by datagrams.
 * Loses  a message whose lane has no room: a datagram's is dropped and counted (its ticket is not taken); a stream's
 *        is not taken, and the line waits.  What is framed but not whole goes on as a cut message, which decode
 *        rejects. ---- */
struct sl_frame_config {
    const struct sl_feed *feeds; /* all of them, by index */
    uint32_t feed_cnt;
    const struct sl_line_config *lines; /* this receive thread's, as rx numbers them */
    uint32_t line_cnt;
    const struct sl_decoder_rings *decoders;
    uint32_t decoder_cnt;
    bool has_heavy; /* the last decoder is for heavy messages only */
    uint32_t heavy;
    struct sl_bell *const *bells; /* of each decoder's thread; an entry may be NULL */
    const struct sl_clock *clock;
    const struct sl_books *books;
    struct sl_ack *acks; /* of this receive thread's files and acknowledged lines; NULL none */
    struct sl_answers *answers; /* of each connection of lines with ack=, in their order; NULL none */
    const struct sl_crash_note *refused; /* messages that crashed a parser: hash and len; NULL none */
    uint32_t refused_cnt;
};
struct sl_frame;
int sl_frame_init(struct sl_frame **frame, const struct sl_frame_config *config);
uint32_t sl_frame_take(void *frame, const struct sl_packet *packet); /* struct sl_rx_sink.take */
bool sl_frame_gap(void *frame, uint16_t line, uint64_t first, uint64_t cnt); /* false: no room now */
void sl_frame_line(void *frame, uint16_t line, uint16_t conn, enum sl_line_event event);
int sl_frame_poll(void *frame, int64_t now_ns); /* ends messages that took too long; flushes rings, rings bells */
void sl_frame_fini(struct sl_frame *frame);

/* ---- decode: a message to the bulletins it says.
 * Takes  messages from its rings, FLASH first; borrowed until the desk releases them.
 * Gives  for every ticket one or more answers, the last marked so: bulletins, nothing, or a reject.
 * Pure   no clock but the decoded stamp, no allocation, no memory of the last message.  A full answer ring pauses a
 *        message of many bulletins where it is.
 * Note   says in its crash note what it is about to parse, so that the next walk knows what killed this one. ---- */
struct sl_crash_note { /* in memory of the supervisor's that outlives the walk */
    _Atomic uint64_t hash; /* XXH3 of the message's bytes; 0: not parsing */
    uint32_t len;
    uint16_t feed, line;
    uint8_t lane, wire_source;
    uint8_t spare[2];
    struct sl_stamps stamps;
    uint8_t head[4096]; /* the message's first bytes, kept as its raw when it crashed us */
};
struct sl_decode_config {
    const struct sl_feed *feeds;
    uint32_t feed_cnt;
    struct sl_decoder_rings rings;
    uint32_t message_max; /* of any feed that comes here */
    struct sl_bell *desk_bell;
    const struct sl_clock *clock;
    struct sl_crash_note *note; /* NULL none */
};
struct sl_decode;
/* Bytes of scratch that one decode has, for messages that must be unpacked before they are read. */
size_t sl_decode_footprint(uint32_t message_max);
int sl_decode_init(struct sl_decode **decode, const struct sl_decode_config *config);
int sl_decode_poll(void *decode, int64_t now_ns);
void sl_decode_fini(struct sl_decode *decode);
/* From a handler of the signal that kills this thread: completes the crash note.  Async-signal-safe. */
void sl_decode_crashed(struct sl_decode *decode);

/* ---- desk: the one who decides.
 * Takes  answers, per receive thread and lane in ticket order; lanes in rounds of 64 (FLASH up to 32, URGENT 16,
 *        NORMAL 12, BULK 4, unused turns pass down), FLASH looked at before each verdict; receive threads in turn.
 * Gives  a record on the tape for each bulletin that passes, its message on the raw log before it; notices.
 * Knows  what only a single writer can: duplicates, versions, tombstones of killed stories, what is held.
 * Waits  for a gating reader at most gate_ns, once, then evicts it; never with FLASH, whose room is the last eighth.
 * Loses  nothing silently: every verdict is counted by feed and reason. ---- */
struct sl_desk_source { /* one receive thread */
    const struct sl_decoder_rings *decoders;
    uint32_t decoder_cnt;
    struct sl_ack *acks; /* where it waits for answers about files; NULL: nowhere */
    struct sl_bell *bell; /* rung for each of them; NULL: it is the desk's own thread */
};
struct sl_desk_config {
    const struct sl_feed *feeds;
    uint32_t feed_cnt;
    struct sl_desk_source sources[SL_RXS_MAX];
    uint32_t source_cnt;
    void *tape, *raw; /* formatted logs; raw may be NULL */
    struct sl_durable *journal[2]; /* its pages on tape and raw log; NULL: none */
    uint64_t epoch;
    uint32_t window_cnt; /* identities remembered against duplicates; oldest out */
    uint32_t tombstone_cnt; /* killed stories remembered */
    uint64_t hold_len; /* bytes of held bulletins */
    uint32_t hold_cnt;
    int64_t gate_ns;
    const struct sl_clock *clock;
    const struct sl_books *books;
    struct sl_waker *waker; /* whom the desk tells that readers sleep; NULL: nobody does */
    struct sl_bell *waker_bell; /* of the waker's thread; NULL: it is the desk's own */
};
/* The tape before this one, as the journal knows it. */
struct sl_old_tape {
    uint64_t epoch; /* 0: there was none */
    uint64_t durable_to, reserved_to; /* readers may have seen numbers up to reserved_to; what is durable is not lost */
};
struct sl_desk;
int sl_desk_init(struct sl_desk **desk, const struct sl_desk_config *config);
int sl_desk_poll(void *desk, int64_t now_ns);
void sl_desk_fini(struct sl_desk *desk);
/* The tape's and the raw log's writing side, for attaching seats.  Any thread may ask; the desk does it in poll. */
struct sl_log_tx *sl_desk_tape(struct sl_desk *desk);
struct sl_log_tx *sl_desk_raw(struct sl_desk *desk);
/* A reader's seat on the tape, mapped as long as the desk may look at it.  seat NULL: he has left.  From the control
 * thread only; the desk carries it out in its next poll, and settled says that it has. */
void sl_desk_seat(struct sl_desk *desk, uint32_t seat_idx, const struct sl_seat *seat, bool gates);
bool sl_desk_seats_settled(const struct sl_desk *desk);
/* The tape's first record: what came before it, and which numbers are lost.  Before the first poll. */
void sl_desk_old_tape(struct sl_desk *desk, const struct sl_old_tape *old);
/* Takes up what killed the walk before: publishes its REJECT and its raw bytes.  Before the first poll. */
void sl_desk_crashed(struct sl_desk *desk, const struct sl_crash_note *note);
/* What a walk before published as seq and readers have seen: from now on it is a duplicate, and a kill counts.  Before
 * the first poll, as are the next three. */
void sl_desk_remember(struct sl_desk *desk, const struct sl_bulletin *bulletin, uint64_t seq);
/* The same for what the journal has of it, which also tells what is still held. */
void sl_desk_recall(struct sl_desk *desk, const struct sl_record *record, const struct sl_bulletin *bulletin);
/* A HELD notice of it, and the bulletin with its record on the raw log. */
void sl_desk_recall_held(struct sl_desk *desk, uint64_t notice_seq, int64_t until_ns, const struct sl_record *raw,
                         const struct sl_bulletin *bulletin);
void sl_desk_recalled(struct sl_desk *desk); /* that was all */
struct sl_window *sl_desk_window(struct sl_desk *desk);

/* ---- waker: does the system calls that wake sleeping readers, so that the desk need not.  On a machine with few
 * cores it shares the desk's thread: topo decides. ---- */
struct sl_waker {
    struct sl_log_tx *logs[2]; /* tape, raw log */
    uint32_t log_cnt;
    sl_cell *wakes;
    /* Logs whose readers sleep, a bit each: the desk sets them, the waker takes them. */
    _Alignas(128) _Atomic uint32_t wanted;
};
int sl_waker_poll(void *waker, int64_t now_ns);

#endif
