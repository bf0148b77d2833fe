/* pipeline/outlet.h - where a synthetic wire goes: a datagram socket, a stream that was dialled or accepted, a folder,
 * a capture (outlet_files.h), or a port of DPDK's (outlet_port.h).
 *
 * Life      open (waits until a stream has its other side), send ..., flush, close.
 * Threads   One.
 * Owns      Its socket, and at most SL_OUTLET_BACKLOG bytes that the kernel did not take at once.
 * Errors    0 or -errno; -EPIPE: the other side hung up; -ECANCELED: *stop was set while it waited.
 * Units     Bytes; ns.
 */
#ifndef SL_PIPELINE_OUTLET_H
#define SL_PIPELINE_OUTLET_H

#include "pipeline/rx.h"

#include <signal.h>

#define SL_OUTLET_BACKLOG (256u * 1024u)

struct sl_outlet {
    struct sl_line_config line;
    int fd;
    const volatile sig_atomic_t *stop;
    uint8_t *backlog;
    uint32_t backlog_cap, backlog_off, backlog_len; /* off .. off + len is still to go */
    uint64_t sent, bytes; /* datagrams and stream messages, handed to the kernel or the backlog */
    uint64_t refused;     /* datagrams that the kernel did not take */
    /* Folders. */
    bool slow;        /* the caller's to set: files are written in their place, in two halves, one message apart */
    int64_t start_ns; /* what its files' names begin with */
    int file_fd;      /* of the file whose second half is still to come; -1: none */
    uint8_t *rest;
    uint32_t rest_len, rest_cap;
    struct sl_outlet_port *port;
};

/* url as in the configuration: udp://239.1.1.1:5001?interface=lo, tcp://host:port, tcp-listen://address:port,
 * spool:///folder, pcap:///file?to=239.1.1.1:5001 (datagrams, to there), dpdk://DEVICE/239.1.1.1:5001.
 * wait_ns: how long a stream's other side may take to be there.  message_max: longest that send will get.  err: room
 * for a sentence. */
int sl_outlet_open(struct sl_outlet *outlet, const char *url, uint32_t message_max, int64_t wait_ns,
                   const volatile sig_atomic_t *stop, char *err, size_t err_len);
/* Takes the message whole; a stream whose backlog is full waits until it is not. */
int sl_outlet_send(struct sl_outlet *outlet, const uint8_t *data, uint32_t len);
/* What the kernel takes of the backlog, waiting for it at most timeout_ns; 0 also when some is left. */
int sl_outlet_flush(struct sl_outlet *outlet, int64_t timeout_ns);
/* A stream's other side reads to the end before it sees the close. */
void sl_outlet_close(struct sl_outlet *outlet);

#endif
