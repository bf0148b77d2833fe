/* pipeline/sink.h - a sink: a process that reads the tape and hands bulletins on, in a shape that others already read.
 *
 *     tape --libslugline--> where --> type->write --> [ queue ] --> type->poll --> socket, file, pipe ...
 *                                                        |  done
 *                                                        +-----> its place, on disk
 *
 * Life      sl_sink_run is the whole life of the process.  Of a type: init, write and poll in turns, fini.
 * Threads   One; a library that a type uses may have its own, which wake the sink through a descriptor (watch).
 * Owns      The sink is the frame's; own is the type's.
 * Errors    Of init: 0 or -errno, with the sentence said by sl_sink_fault.  Of poll: 1 something was done, 0 nothing to
 *           do now.  What the other side does is no error: sl_sink_fault, and later again.
 * Units     ns of CLOCK_MONOTONIC for now_ns and deadline_ns.
 *
 * A type takes from the queue what waits (next, sent) and says how far all has arrived (done); only then is the place
 * moved.  So after a crash nothing is lost, and at most what was under way comes again.  A type whose name stands in
 * sl_sink_programs is a program of its own, slugline-sink-NAME, for the libraries that it needs.
 */
#ifndef SL_PIPELINE_SINK_H
#define SL_PIPELINE_SINK_H

#include "pipeline/clock.h"
#include "pipeline/config.h"
#include "pipeline/filter.h"
#include "pipeline/readers.h"
#include "pipeline/sink_queue.h"

/* Waits longer after each failure, and never as long as another that failed at the same moment. */
struct sl_backoff {
    int64_t min_ns, max_ns, wait_ns, due_ns;
    uint64_t dice;
};
void sl_backoff_init(struct sl_backoff *backoff, int64_t min_ns, int64_t max_ns);
void sl_backoff_failed(struct sl_backoff *backoff, int64_t now_ns); /* due_ns: when to try again */
static inline void sl_backoff_fine(struct sl_backoff *backoff) { backoff->wait_ns = 0; }

struct sl_sink_type;

struct sl_sink {
    const struct sl_config *config;
    const struct sl_config_sink *wants;
    const struct sl_sink_type *type;
    struct sl_reader *reader;
    struct sl_filter *filter; /* NULL: all */
    struct sl_sink_queue queue;
    struct sl_reader_account account;
    struct sl_bookmark saved, read; /* the place on disk; the last event's */
    char place_path[512], spill_path[512];
    bool stopping; /* give what waits, then end */
    int epoll_fd;
    int64_t deadline_ns; /* poll again by then; INT64_MAX: nothing to wait for but descriptors and the tape */
    int64_t saved_ns, told_ns;
    char *buf; /* what write writes into */
    size_t buf_cap;
    void *own;
};

struct sl_sink_type {
    const char *name;
    bool live; /* has no place: its clients bring theirs, and the queue keeps what it gave for those who are late */
    bool notices; /* also GAP, REJECT, HELD, MISSED, EPOCH */
    bool from_oldest; /* of a live one: begins with the oldest on the tape, to have something to show */
    bool missed; /* MISSED is an item too */
    bool keeps; /* the queue keeps what is done until its room is needed, for who asks again */
    bool owns_place; /* saves it itself, in step with what it does (sl_sink_save) */
    int (*init)(struct sl_sink *sink);
    /* What to keep of an event: *head_len bytes, NUL included, that name it, then its body.  Like snprintf; NULL: one
     * line of JSON. */
    size_t (*write)(struct sl_sink *sink, char *buf, size_t cap, const struct sl_event *event, size_t *head_len);
    int (*poll)(struct sl_sink *sink, int64_t now_ns);
    bool (*is_idle)(struct sl_sink *sink); /* at the stop: nothing is under way; NULL: when nothing waits */
    void (*fini)(struct sl_sink *sink);
};

extern const struct sl_sink_type sl_sink_exec, sl_sink_files, sl_sink_tcp, sl_sink_web, sl_sink_multicast,
    sl_sink_jetstream;

/* The exit status.  Ends on TERM or INT after what waits was given, or 5 s. */
int sl_sink_run(const struct sl_config *config, const struct sl_config_sink *wants, const struct sl_sink_type *type);

/* The last error in status; said aloud when it is another than before. */
void sl_sink_fault(struct sl_sink *sink, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Wakes the sink when fd has these events of epoll; 0 events: no more. */
int sl_sink_watch(struct sl_sink *sink, int fd, uint32_t events);
/* A listening socket, or -errno. */
int sl_sink_listen(const struct sl_line_config *line);
/* Poll again at due_ns at the latest. */
static inline void sl_sink_wake_at(struct sl_sink *sink, int64_t due_ns)
{
    if (due_ns < sink->deadline_ns)
        sink->deadline_ns = due_ns;
}
/* An item is under way: counts, and moves the queue on. */
void sl_sink_sent(struct sl_sink *sink);
/* What the queue's done place is goes to the disk, now. */
int sl_sink_save(struct sl_sink *sink);
/* An event as one line of JSON with its LF; like snprintf. */
size_t sl_sink_line(char *buf, size_t cap, const struct sl_event *event);

#endif
