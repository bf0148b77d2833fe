/* pipeline/books.h - what is counted, by whom, and the sums that must hold.
 *
 * Rows of one table (ring/counters.h), a writer each: for every feed one row of its receive thread and one of the desk;
 * one row of the desk for the whole tape; one row for every thread; of the control thread one row for every reader, one
 * for every feed with what walks before this one counted (ledger.h), and one for the journal.
 *
 * Life      footprint, new or join; the memory is the caller's, and there is nothing to end.
 * Threads   As the rows say; anybody reads.
 * Units     Things, unless the name ends in another unit.
 */
#ifndef SL_PIPELINE_BOOKS_H
#define SL_PIPELINE_BOOKS_H

#include "parsers/parse.h"
#include "pipeline/record.h"
#include "ring/counters.h"
#include "ring/log.h"

#define SL_BOOK_LINES 8u /* of one feed, in the order of its configuration */
#define SL_BOOK_LEADS 40u

enum sl_book_layer {
    SL_BOOK_LAYER_LINK,
    SL_BOOK_LAYER_IP,
    SL_BOOK_LAYER_UDP,
    SL_BOOK_LAYER_SUM, /* a checksum is wrong */
    SL_BOOK_LAYER_FRAGMENT,
    SL_BOOK_LAYER_CNT,
};

/* A receive thread's, by feed. */
enum sl_book_rx {
    SL_RX_DATAGRAMS,
    SL_RX_DATAGRAMS_USED,
    SL_RX_DATAGRAMS_REPEATED,
    SL_RX_DATAGRAMS_MALFORMED, /* cut off by the kernel, or empty */
    SL_RX_KERNEL_DROPS, /* SO_MEMINFO: datagrams the socket had no room for */
    SL_RX_BYTES,
    SL_RX_CONNECTS,
    SL_RX_DISCONNECTS,
    SL_RX_REFUSED_PEERS, /* not in from= */
    SL_RX_PAUSES, /* TCP: stopped reading since a ring was full */
    SL_RX_FILL_BYTES, /* SYN, NUL, DEL and line ends between messages */
    SL_RX_LAST_NS, /* when the last packet came */
    SL_RX_LINES_UP,
    SL_RX_FILES_TAKEN, /* = DONE + REJECTED + LEFT + LOST + NOW */
    SL_RX_FILES_DONE,
    SL_RX_FILES_DUPLICATE, /* of those done: said nothing that had not been said */
    SL_RX_FILES_REJECTED,
    SL_RX_FILES_LEFT, /* in the work folder at the stop, for the next start */
    SL_RX_FILES_LOST, /* somebody took them out of the work folder */
    SL_RX_FILES_NOW, /* in our hands just now */
    SL_RX_FILES_REMOVED, /* finished ones, when there were too many */
    SL_RX_ACKED, /* messages acknowledged on their line */
    SL_RX_ACKS_NOW, /* that wait for it */
    SL_RX_ACKS_LOST, /* that were not, since their connection had gone */
    SL_RX_PACKETS, /* of captures and ports = USED + OTHER + BAD; a fragment is used when it is kept */
    SL_RX_PACKETS_USED,
    SL_RX_PACKETS_OTHER, /* not from, to or of what the line is for */
    SL_RX_PACKETS_BAD, /* cut short by the capture, or no packet at all */
    SL_RX_BAD_LAYER, /* SL_BOOK_LAYER_CNT columns: BAD ones of ports, by what was wrong first */
    SL_RX_PORT_MISSED = SL_RX_BAD_LAYER + SL_BOOK_LAYER_CNT, /* frames that came when no descriptor was free */
    SL_RX_PORT_NO_BUFFER, /* rises while a port's pool is empty; drivers count attempts, not frames */
    SL_RX_PORT_ERRORS, /* frames that were broken on the cable */
    SL_RX_FRAGMENTS_LOST, /* datagrams that could not be put together */
    SL_RX_GAPS, /* places where a capture's stream has a hole */
    SL_RX_GAP_BYTES,
    SL_RX_PARTS, /* fragments set aside for their story = JOINED + REPEATED + LOST + NOW */
    SL_RX_PARTS_JOINED,
    SL_RX_PARTS_REPEATED, /* had come before */
    SL_RX_PARTS_LOST, /* of stories that were given up */
    SL_RX_PARTS_NOW,
    SL_RX_FRAMED_LANE, /* 4 columns */
    SL_RX_DROPPED_LANE = SL_RX_FRAMED_LANE + SL_LANE_CNT, /* 4: no room in the lane's ring */
    SL_RX_CUT = SL_RX_DROPPED_LANE + SL_LANE_CNT, /* by enum sl_cut */
    /* numbered datagrams, in messages: EXPECTED = ONCE + LOST, and what is waited on */
    SL_RX_ORDER_EXPECTED = SL_RX_CUT + SL_CUT_CNT,
    SL_RX_ORDER_ONCE,
    SL_RX_ORDER_LOST,
    SL_RX_ORDER_GAPS, /* runs of lost messages */
    SL_RX_ORDER_ASKED, /* requests sent */
    SL_RX_ORDER_WINS, /* SL_BOOK_LINES columns: messages that this line brought first */
    SL_RX_ORDER_LINE = SL_RX_ORDER_WINS + SL_BOOK_LINES, /* SL_BOOK_LINES: messages that this line brought at all */
    SL_RX_ORDER_LEAD = SL_RX_ORDER_LINE + SL_BOOK_LINES, /* SL_BOOK_LEADS: leads of the first copy before the second,
                                                             column n for 2^n to 2^(n+1) ns */
    SL_RX_COLS = SL_RX_ORDER_LEAD + SL_BOOK_LEADS,
};

/* The desk's, by feed. */
enum sl_book_desk {
    SL_DESK_ANSWERED,
    SL_DESK_WITH_BULLETINS,
    SL_DESK_EMPTY,
    SL_DESK_REJECTED,
    SL_DESK_SAID,
    SL_DESK_HELD_NOW,
    SL_DESK_RESTORED, /* held by a walk before, and held again from the journal: HELD + RESTORED are held */
    SL_DESK_RAW_LOGGED,
    SL_DESK_LAST_NS,
    SL_DESK_GAPS, /* told on the tape: as many as order named */
    SL_DESK_VERDICT, /* by enum sl_verdict: SAID = passed kinds + DUPLICATE + HELD + NO_ROOM */
    SL_DESK_LANE = SL_DESK_VERDICT + SL_VERDICT_CNT, /* 4: put on the tape, by lane */
    SL_DESK_REJECT_CODE = SL_DESK_LANE + SL_LANE_CNT, /* by enum sl_parse_code */
    SL_DESK_COLS = SL_DESK_REJECT_CODE + SL_PARSE_CODE_CNT,
};

/* The desk's, for the whole tape. */
enum sl_book_tape {
    SL_TAPE_FIRST_SEQ,
    SL_TAPE_LAST_SEQ,
    SL_TAPE_BYTES,
    SL_TAPE_RAW_LAST_SEQ,
    SL_TAPE_RAW_BYTES,
    SL_TAPE_PASSED, /* sum of passed verdicts but RELEASED */
    SL_TAPE_RELEASED,
    SL_TAPE_MADE, /* notices */
    SL_TAPE_GATE_WAITS,
    SL_TAPE_EVICTIONS,
    SL_TAPE_SEAT_LIES, /* seats whose done fell, or ran ahead of the head */
    SL_TAPE_CLOCK_STEPS,
    SL_TAPE_WAKES,
    SL_TAPE_DURABLE_SEQ, /* what the journal said last, where there is one */
    SL_TAPE_RAW_DURABLE_SEQ,
    SL_TAPE_NUMBER_WAITS, /* times a record waited until its number was reserved on the disk */
    SL_TAPE_COLS,
};

enum sl_book_thread {
    SL_THREAD_POLLS,
    SL_THREAD_BUSY_POLLS,
    SL_THREAD_SLEEPS,
    SL_THREAD_CORE,
    SL_THREAD_COLS,
};

#define SL_SEAT_NAME_CELLS 4u

/* The control thread's, by seat on the tape, as of its last look (readers.h). */
enum sl_book_seat {
    SL_SEAT_STATE, /* enum sl_reader_state; 0: nobody sits there */
    SL_SEAT_SEQ,
    SL_SEAT_HEAD, /* of the tape, at that look */
    SL_SEAT_LAG_NS,
    SL_SEAT_MISSED,
    SL_SEAT_EVICTIONS,
    SL_SEAT_ERROR, /* enum sl_reader_error */
    SL_SEAT_ERROR_NS,
    SL_SEAT_NAME, /* bytes */
    SL_SEAT_TOLD_FIRST = SL_SEAT_NAME + SL_SEAT_NAME_CELLS, /* SL_SEAT_TOLD: its own account of itself (readers.h) */
    SL_SEAT_COLS = SL_SEAT_TOLD_FIRST + SL_SEAT_TOLD,
};

/* The control thread's, by feed: what walks that have ended counted, and what the journal has. */
enum sl_book_past {
    SL_PAST_FRAMED, /* = DROPPED + WITH_BULLETINS + EMPTY + REJECTED + UNANSWERED */
    SL_PAST_DROPPED,
    SL_PAST_WITH_BULLETINS,
    SL_PAST_EMPTY,
    SL_PAST_REJECTED,
    SL_PAST_UNANSWERED, /* on its way through a walk when that was killed */
    SL_PAST_PASSED,
    SL_PAST_RELEASED,
    SL_PAST_DUPLICATE,
    SL_PAST_HELD,
    SL_PAST_CANCELLED,
    SL_PAST_NO_ROOM,
    SL_PAST_DURABLE, /* bulletins of this feed in the journal, of this walk too */
    SL_PAST_COLS,
};

/* The control thread's, one row: of the ledger and the journal. */
enum sl_book_keep {
    SL_KEEP_SINCE_NS, /* when the first of the walks that are counted began */
    SL_KEEP_ALARM, /* 2 columns, tape and raw log: errno; 0: all is well */
    SL_KEEP_ALARM_NS = SL_KEEP_ALARM + 2, /* 2: since when */
    SL_KEEP_COLS = SL_KEEP_ALARM_NS + 2,
};

struct sl_books {
    struct sl_counters table;
    uint32_t feed_cnt, thread_cnt;
};

size_t sl_books_footprint(uint32_t feed_cnt, uint32_t thread_cnt);
int sl_books_new(struct sl_books *books, void *mem, uint32_t feed_cnt, uint32_t thread_cnt);
/* For readers: feed and thread counts come with the welcome (handout.h) and are checked against the table. */
int sl_books_join(struct sl_books *books, const void *mem, size_t mem_len, uint32_t feed_cnt, uint32_t thread_cnt);

sl_cell *sl_books_rx(const struct sl_books *books, uint32_t feed);
sl_cell *sl_books_desk(const struct sl_books *books, uint32_t feed);
sl_cell *sl_books_tape(const struct sl_books *books);
sl_cell *sl_books_thread(const struct sl_books *books, uint32_t thread);
sl_cell *sl_books_seat(const struct sl_books *books, uint32_t seat_idx);
sl_cell *sl_books_past(const struct sl_books *books, uint32_t feed);
sl_cell *sl_books_keep(const struct sl_books *books);

/* What people ask of a feed, added up over lanes and reasons. */
struct sl_feed_sums {
    uint64_t lines_up, bytes, datagrams, kernel_drops, framed, dropped, cut;
    uint64_t answered, rejected, published, duplicates, held;
    int64_t last_ns; /* when something came last; 0: never */
};
struct sl_feed_sums sl_books_sums(const struct sl_books *books, uint32_t feed);

/* The same over restarts: this walk and those before it. */
struct sl_feed_totals {
    uint64_t col[SL_PAST_COLS];
    uint64_t published, held_now;
    uint64_t forgotten; /* held by a walk that was killed, and by none after it: it comes when it is sent again */
};
struct sl_feed_totals sl_books_totals(const struct sl_books *books, uint32_t feed);
/* What this walk alone adds to them. */
void sl_books_add_walk(const struct sl_books *books, uint32_t feed, uint64_t past[SL_PAST_COLS]);

/* The sums of DESIGN.md, each in its own unit.  True when they all hold; else line names the first that does not,
 * with its figures.  Only at rest: the walk must be stopped, or nothing in flight. */
bool sl_books_balance(const struct sl_books *books, char *line, size_t line_len);

#endif
