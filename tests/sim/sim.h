/* tests/sim/sim.h - one simulated day of the whole walk: the true stages, one thread, one seed.
 *
 *     agency --messages--> network --packets--> [ frame ] ==> [ decode ] x N ==> [ desk ] --> [ tape, raw log ]
 *        |                 (cuts, loses,            each polled when the dice say so               |
 *        |                  doubles, stalls)                                                   audience
 *        +------- what was sent, and what must become of it ---------------- is compared with ----+
 *
 * Nothing here reads a clock or asks the system for chance: the same seed gives the same day, byte for byte.  Rings and
 * logs are as small as they may be, so that they are full and go round all the time.
 */
#ifndef SL_TESTS_SIM_H
#define SL_TESTS_SIM_H

#include "pipeline/order.h"
#include "pipeline/stages.h"
#include "tests/dice.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- what is to happen at least once in many days, or the simulation proves nothing ---- */

enum happening {
    HAPPENED_DAY,
    HAPPENED_MESSAGE,
    HAPPENED_PUBLISHED,
    HAPPENED_TAPE_WENT_ROUND,
    HAPPENED_TWO_RECEIVERS,
    HAPPENED_THREE_DECODERS,
    HAPPENED_HEAVY_DECODER,
    HAPPENED_ANSWERS_FULL,
    HAPPENED_STREAM_PAUSED,
    HAPPENED_DATAGRAM_DROPPED,
    HAPPENED_MESSAGE_OVER_PACKETS,
    HAPPENED_PACKET_LOST,
    HAPPENED_PACKET_DOUBLED,
    HAPPENED_PACKET_LATE,
    HAPPENED_LINE_BROKE,
    HAPPENED_CUT_TOO_LONG,
    HAPPENED_CUT_TIMEOUT,
    HAPPENED_CUT_LINE_DOWN,
    HAPPENED_CUT_NEW_START,
    HAPPENED_CUT_NOISE,
    HAPPENED_REJECT_TOO_LARGE,
    HAPPENED_DUPLICATE,
    HAPPENED_SAME_VERSION,
    HAPPENED_WITHDRAWN,
    HAPPENED_HELD,
    HAPPENED_RELEASED,
    HAPPENED_CANCELLED,
    HAPPENED_NO_ROOM,
    HAPPENED_FLASH,
    HAPPENED_FLASH_WHILE_OTHERS_WAIT,
    HAPPENED_GATE_WAIT,
    HAPPENED_EVICTION,
    HAPPENED_GATES_AGAIN,
    HAPPENED_SEAT_LIE,
    HAPPENED_READER_LAPPED,
    HAPPENED_RAW_READER_LAPPED,
    HAPPENED_READER_KILLED,
    HAPPENED_READER_JOINED_LATE,
    HAPPENED_CLOCK_STEP,
    HAPPENED_WINDOW_FORGOT,
    HAPPENED_NUMBERED_BY_TWO,
    HAPPENED_NUMBER_REPEATED,
    HAPPENED_NUMBER_LOST,
    HAPPENED_NUMBER_LATE,
    HAPPENED_NUMBERS_GIVEN_UP,
    HAPPENED_AHEAD_OF_A_GAP,
    HAPPENED_FILE_ANSWERED,
    HAPPENED_FILES_AT_ONCE,
    HAPPENED_FILE_WAITED,
    HAPPENED_CNT,
};

/* ---- agency: messages, and what they must become ---- */

#define FEEDS_MAX   4u
#define NUMBERS_MAX 2000u /* message numbers of one feed */

enum said { SAID_NEWS, SAID_KILL, SAID_EMBARGO, SAID_HOLD, SAID_RELEASE };

struct sent {
    uint32_t idx;
    uint16_t feed;
    uint16_t number; /* of the header: what the id is made of */
    enum said said;
    uint8_t urgency;
    uint16_t kills; /* number of the story a kill names */
    int64_t until_ns; /* of an embargo */
    char *body; /* as it must come out */
    uint8_t *bytes; /* as it goes out */
    uint32_t body_len, len;
    /* what the network did */
    uint32_t whole_cnt; /* given to frame whole and undisturbed, on a line that loses nothing */
    uint32_t datagram_cnt;
    bool doubtful; /* some copy of it was cut, stalled or too long: it may be rejected */
    /* what became of it */
    uint32_t published_cnt, rejected_cnt, held_cnt;
};

struct story { /* a feed's number */
    bool killed, released;
};

struct agency {
    struct sent **sent;
    uint32_t sent_cnt, sent_max;
    uint32_t next_number[FEEDS_MAX];
    struct story stories[FEEDS_MAX][NUMBERS_MAX];
};

/* ---- world: the stages ---- */

#define FILES_MAX 4u /* of one line, whose answers are waited for */

#define SIDES_MAX    2u
#define DECODERS_MAX 4u
#define LINES_MAX    8u

struct side { /* a receive thread */
    struct sl_order *order; /* NULL: no feed here is numbered */
    struct sl_frame *frame;
    struct sl_line_config lines[LINES_MAX];
    uint32_t line_cnt;
    struct sl_ack acks[LINES_MAX * FILES_MAX]; /* FILES_MAX for each line of files */
    uint32_t ack_cnt;
    struct sl_decoder_rings rings[DECODERS_MAX];
    struct sl_decode *decode[DECODERS_MAX];
    uint32_t decoder_cnt;
    bool has_heavy;
};

struct world {
    struct sl_feed feeds[FEEDS_MAX];
    uint32_t feed_cnt;
    bool numbered[FEEDS_MAX]; /* datagrams that number their messages */
    struct side sides[SIDES_MAX];
    uint32_t side_cnt;
    struct sl_desk *desk;
    struct sl_books books;
    void *books_mem, *tape_mem, *raw_mem;
    size_t tape_len, raw_len;
    uint64_t tape_bytes;
    uint32_t window_cnt;
    bool small_window; /* duplicates may pass */
    int64_t gate_ns;
    int64_t waits_since; /* the desk, for readers; 0: it does not */
    uint32_t gates_waited;
};

/* ---- network: lines ---- */

struct unit { /* what lies on a stream between two positions */
    uint64_t start, end;
    struct sent *sent; /* NULL: noise */
    bool whole;
};

struct datagram {
    uint8_t *bytes;
    uint32_t len;
    struct sent *sent[3];
    uint32_t sent_cnt;
    uint64_t first; /* number of the first, where they are numbered */
};

#define NUMBERED_MAX  4096u /* messages of a numbered feed in a day, repetitions included */
#define UNITS_MAX     128u
#define DATAGRAMS_MAX 32u
#define STREAM_LEN    (256u * 1024u)

struct file { /* with the ack of the same number */
    bool begun, ended;
    uint32_t whole_cnt; /* messages in it that came whole */
};

struct line {
    uint16_t feed, side, idx; /* idx: as its receive thread numbers it */
    bool datagram, up;
    bool files; /* the stream comes in files: up is that one is open */
    bool file_ends;
    uint32_t file, ack_first; /* the open one; which of the side's acks is the line's first */
    struct file file_of[FILES_MAX];
    uint8_t *stream; /* what the agency wrote and the walk has not taken; a ring of STREAM_LEN */
    uint64_t written, taken;
    struct unit units[UNITS_MAX];
    uint32_t unit_first, unit_cnt;
    struct datagram datagrams[DATAGRAMS_MAX];
    uint32_t datagram_cnt;
};

struct network {
    struct line lines[LINES_MAX];
    uint32_t line_cnt;
    uint64_t next_number[FEEDS_MAX];
    bool came[FEEDS_MAX][NUMBERED_MAX]; /* by any line */
};

/* ---- audience: readers, and one that misses nothing ---- */

#define ARRIVALS_MAX 16384u /* of one feed in a day */
#define READERS_MAX  8u

enum reader_kind { READER_FREE, READER_LAZY, READER_GATING, READER_GATING_LAZY, READER_LIAR };

enum which_log { LOG_TAPE, LOG_RAW, LOG_CNT };

struct reader {
    enum reader_kind kind;
    enum which_log log;
    bool alive, leaving;
    uint64_t left_at; /* raw log: its writer's polls when it left */
    struct sl_seat *seat;
    struct sl_log_rx rx;
    uint64_t next_seq; /* what it must get next, or be told that it missed */
    enum sl_gate_state gate; /* when last looked at */
    bool was_evicted;
    int64_t stalls_until;
};

struct audience {
    struct sl_log_rx rx[LOG_CNT]; /* of the one that misses nothing */
    uint64_t seq[LOG_CNT]; /* the last it read */
    uint64_t *hashes[LOG_CNT]; /* of each record, by seq */
    struct sent **raw_sent; /* of each raw record, by seq */
    uint64_t seq_max;
    uint64_t arrival[FEEDS_MAX][SL_LANE_CNT]; /* the last published */
    bool held[FEEDS_MAX][ARRIVALS_MAX]; /* whose turn comes later */
    uint64_t digest; /* of the whole tape */
    uint64_t gap_cnt[FEEDS_MAX], missing_cnt[FEEDS_MAX]; /* gaps that were told, and what is missing in them */
    bool missing[FEEDS_MAX][NUMBERED_MAX]; /* told so */
    uint32_t stumps_held; /* of messages that were cut before their mark */
    struct reader readers[READERS_MAX];
    uint8_t *buf;
    uint32_t buf_len;
};

struct sim {
    uint64_t seed;
    struct dice dice;
    int64_t now_ns;
    struct sl_clock clock;
    uint64_t *happened; /* of all days together */
    char fault[400]; /* the first thing that must not be; empty: none */
    struct agency agency;
    struct world world;
    struct network network;
    struct audience audience;
};

/* Says what must not be.  The day ends there. */
void violated(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
static inline void happened(struct sim *sim, enum happening what, uint64_t cnt) { sim->happened[what] += cnt; }

/* agency.c */
void open_agency(struct sim *sim, uint32_t sent_max);
void close_agency(struct sim *sim);
struct sent *write_message(struct sim *sim); /* NULL: the day's messages are all written */
struct sent *find_sent(struct sim *sim, const void *text, size_t len); /* by the mark in it; NULL: none */
extern const char *const service_of_feed[FEEDS_MAX];

/* world.c */
void open_world(struct sim *sim);
void close_world(struct sim *sim);
void poll_somebody(struct sim *sim);
bool poll_everybody(struct sim *sim); /* false: there was nothing to do */

/* network.c */
void open_network(struct sim *sim);
void close_network(struct sim *sim);
bool network_has_room(const struct sim *sim, uint16_t feed);
void send_on_all_lines(struct sim *sim, struct sent *sent);
void disturb_somebody(struct sim *sim);
bool deliver(struct sim *sim, struct line *line); /* false: nothing moved */
void check_files(struct sim *sim); /* at the end: all were answered */
bool tell_ends(struct sim *sim); /* of numbered feeds: heartbeats, which nobody loses */
void doubt_open_units(struct sim *sim); /* time has jumped: what is half delivered may be cut */

/* audience.c */
void open_audience(struct sim *sim);
void close_audience(struct sim *sim);
void read_everything(struct sim *sim);
void let_somebody_read(struct sim *sim);
void let_all_catch_up(struct sim *sim);

/* checks.c */
void check_the_day(struct sim *sim);

/* overtake.c */
bool overtake(uint64_t seed);

#endif
