/* slugline/client.h - libslugline: how any program reads the tape.
 *
 *     sl_reader_open --> sl_reader_next --> BULLETIN, NOTICE, MISSED, EPOCH ... --> sl_reader_close
 *
 * Life      open, next ..., close.
 * Threads   A reader is one thread's at a time.  Readers don't know each other.
 * Owns      What an event points to is a private, checked copy, valid until the next call on this reader.
 * Errors    0 or -errno.  -EPIPE: the daemon is gone, and everything it had published has been given; the next calls
 *           try to join the new one by themselves, -EPIPE again while nobody is there, and say so with EPOCH.  -EINTR:
 *           a signal came while next slept.  -ENOMEM.  Of open: -ECONNREFUSED, -ENOENT no daemon there; -EACCES not in
 *           the group; -EUSERS all seats taken; -EAGAIN it is starting just now; -ETIMEDOUT it does not answer;
 *           -EPROTO, -EPROTONOSUPPORT, -EPERM what answered is no slugline, or another version's.
 * Units     Times in ns since 1970 UTC; timeouts in ns, < 0 for ever, 0 not at all.
 * Cost      next copies the record once (its only copy) and makes a system call only when it has to sleep, and ten
 *           times a second to see whether the daemon lives.  Buffers grow to the longest record met, at most a quarter
 *           of the tape.
 *
 * Late      Whoever comes too late for the tape reads the journal, where the daemon has one and this user may read it,
 *           by the same next, until he has caught up; through restarts too.  Nothing comes twice or is left out unsaid.
 *           The journal's buffer is a record or 1 MiB long.
 *
 * A reader cannot write the tape, slow it, or be slowed by another, unless it was allowed to gate.
 *
 * A record that is not what a slugline of this version writes is never given: it is MISSED, alone.
 */
#ifndef SLUGLINE_CLIENT_H
#define SLUGLINE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#ifndef _Static_assert
#define _Static_assert static_assert
#endif
extern "C" {
#endif

#include "parsers/bulletin.h"
#include "pipeline/record.h" /* kinds, verdicts and flags of records */

#define SL_READER_DEFAULT_SOCKET "/run/slugline/newswire.sock" /* or what SLUGLINE_SOCKET says */

struct sl_reader;
struct sl_filter;

enum sl_reader_from { SL_FROM_NOW, SL_FROM_OLDEST, SL_FROM_SEQ, SL_FROM_TIME, SL_FROM_PLACE };

/* What a reader keeps to go on with later: all up to and with this record is done with.  Zeros: nothing is. */
struct sl_place {
    uint64_t epoch, seq;
};

/* All zeros and NULL is a good start: follow from now. */
struct sl_reader_options {
    size_t size; /* of this struct: tells a later library what this program knows; 0: the first version */
    const char *socket; /* NULL: $SLUGLINE_SOCKET, else the default */
    const char *name; /* for status; NULL: the program's */
    enum sl_reader_from from;
    uint64_t epoch, seq; /* SL_FROM_SEQ: begins with it; SL_FROM_PLACE: with what follows it.  epoch 0: any, or the
                            running one where there is no journal.  One not known here: EPOCH, then the oldest */
    int64_t time_ns; /* SL_FROM_TIME: first record published at or after it, if the clock did not step */
    int gating; /* overwrites wait for sl_reader_done, within the daemon's bound */
    int notices; /* GAP, REJECT, HELD, EPOCH records are events too */
    int raw; /* sl_reader_raw works; needs the right to the raw log */
    int spin; /* never sleep: a core for a microsecond */
    const struct sl_filter *filter; /* of filter.h, the caller's until close: only bulletins that fit; NULL all */
    const char *journal; /* the folder of the journal; NULL: where the daemon says it is, "": not to be used */
};

enum sl_event_type {
    SL_EVENT_NONE, /* the timeout passed */
    SL_EVENT_BULLETIN,
    SL_EVENT_NOTICE,
    SL_EVENT_MISSED, /* missed_first .. missed_last are neither on the tape nor in a journal that we may read */
    SL_EVENT_EPOCH, /* another start of the daemon; seq is what comes next, missed_first .. missed_last what is lost of
                         the one before.  Without a journal seq counts anew, from the new tape's first */
    SL_EVENT_EVICTED, /* gating: was too slow, holds nothing back until it has caught up */
};

struct sl_event_stamps {
    int64_t wire_ns, rx_ns, first_ns, framed_ns, decoded_ns, published_ns, read_ns;
};

struct sl_event {
    enum sl_event_type type;
    uint64_t epoch, seq;
    uint64_t missed_first, missed_last; /* 0: none */
    /* of the record */
    const struct sl_bulletin *bulletin; /* BULLETIN */
    const char *feed; /* name; "" unknown */
    uint32_t flags; /* enum sl_record_flag */
    uint8_t kind; /* enum sl_kind; of a NOTICE enum sl_record_kind */
    uint8_t lane; /* 0 flash, 1 urgent, 2 normal, 3 bulk */
    uint8_t verdict; /* enum sl_verdict */
    uint8_t wire_source; /* whose stamp wire_ns is: 1 the card's, 2 the kernel's, 3 a capture's, 4 ours */
    uint16_t line;
    uint32_t part;
    uint64_t arrival, raw_seq;
    struct sl_event_stamps stamps;
    /* NOTICE */
    uint64_t notice_first, notice_cnt;
    int64_t notice_until_ns;
    uint32_t notice_code, notice_off;
    struct sl_slice notice_text;
    struct sl_place place; /* of every type, NONE too: to be kept once this event and those before it are done with */
    uint32_t bulletin_len; /* bytes at bulletin */
    uint32_t spare_len;
    uint64_t spare[5]; /* zero: room for what later versions say, in programs built today */
};

int sl_reader_open(struct sl_reader **reader, const struct sl_reader_options *options);
int sl_reader_next(struct sl_reader *reader, struct sl_event *event, int64_t timeout_ns);
void sl_reader_close(struct sl_reader *reader);

/* For experts: as next, but a bulletin of the tape is not copied and not checked.  event->bulletin lies where the desk
 * will write again, so that all of it may change while one looks: what was read counts only if still_whole says so
 * after the last look, and an offset in it must be bounded by bulletin_len before it is followed, as sl_peek_text does.
 * still_whole: 1, or 0 it was overrun; the next call then gives it from the journal, or tells that it is missed.  With
 * a filter, and from the journal, what peek gives is a copy, and whole. */
int sl_reader_peek(struct sl_reader *reader, struct sl_event *event, int64_t timeout_ns);
int sl_reader_still_whole(struct sl_reader *reader);
static inline struct sl_slice sl_peek_text(const struct sl_event *event, enum sl_text text)
{
    const volatile struct sl_ref *ref = &event->bulletin->text[text];
    uint32_t off = ref->off, len = ref->len;
    struct sl_slice none = { "", 0 }, slice = { (const char *)event->bulletin + off, len };
    return off <= event->bulletin_len && len <= event->bulletin_len - off ? slice : none;
}

/* For an epoll loop, whose turns are: next with timeout 0 until it gives NONE or an error; arm; if arm returned 0,
 * sleep. fd is readable when the daemon is gone or, after arm, when there may be something to read; also when it is
 * time to look whether the daemon is back.  It stays the same as long as the reader.  arm returns 1 when next has
 * something at once. Cost: the tape's futex cannot be polled, so the first arm starts a thread, which sleeps on it
 * instead and writes an eventfd: two system calls and a change of threads more on each wake-up (some 10 us), ten short
 * looks a second, and up to 100 ms in close.  A program that has a thread to spare for the tape should call next and
 * sleep there. */
int sl_reader_fd(struct sl_reader *reader);
int sl_reader_arm(struct sl_reader *reader);

/* Gating: everything up to seq is done with, seq being that of an event, or its missed_last.  -EINVAL: not gating, or
 * not given yet.  The records between, that this reader did not ask for, need no done. */
int sl_reader_done(struct sl_reader *reader, uint64_t seq);

/* The message that a bulletin came from, as the agency sent it.  Without a journal raw_seq is of an event since the
 * last EPOCH.  -ENOENT: neither on the raw log nor in the journal, or nothing of that number.  -EINVAL: opened without
 * raw.  What it gives is valid until the next call on this reader. */
int sl_reader_raw(struct sl_reader *reader, uint64_t raw_seq, const void **data, size_t *len);

/* The event as one line of JSON; like snprintf, but without NUL at the end.  Events without a bulletin give
 * {"wire":{...}} with what they say.  0 for NONE. */
size_t sl_event_json(char *buf, size_t cap, const struct sl_event *event);

/* Words for what an event holds as a number; "?" where there is none.  sl_verdict_name and sl_record_kind_name stand in
 * pipeline/record.h. */
const char *sl_lane_name(unsigned lane);
const char *sl_parse_code_name(unsigned code); /* notice_code */

const char *sl_reader_version(void);

/* For bindings that cannot include this header: the structs as this library has them, one by one.  The name is of a
 * struct ("sl_event"), and bytes its size, or of a member ("sl_event.seq"), and bytes its offset.  NULL behind the
 * last. */
const char *sl_layout(unsigned idx, size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
