/* bench/fanout_tape.h - a tape and the supervisor's side of libslugline, for the ways that go by it.
 *
 * Life      make, listen, then serve beside publish; drop.
 * Threads   serve's is its own; publish is the caller's.
 * Errors    Abort: who cannot be measured has no speed.
 */
#ifndef SL_BENCH_FANOUT_TAPE_H
#define SL_BENCH_FANOUT_TAPE_H

#include "bench/fanout.h"
#include "ring/log.h"
#include "ring/mem.h"

#include <netinet/in.h>
#include <pthread.h>

#define FANOUT_SEATS 64u

struct fanout_tape {
    struct sl_mem tape, seats[FANOUT_SEATS];
    struct sl_log_tx tx;
    char path[64];
    bool gates; /* overwrites wait for who reads; else the window of publish does */
    int listen_fd, conns[FANOUT_SEATS];
    pthread_t server;
    uint32_t seated;
};

void fanout_need(bool fine);
/* The message of which all others are made, FANOUT_SIZE bytes: a record and its bulletin, without a number. */
void fanout_model(unsigned char *model);
void fanout_tape_make(struct fanout_tape *tape, uint64_t len, bool gates);
void fanout_tape_listen(struct fanout_tape *tape);
void fanout_tape_serve(struct fanout_tape *tape); /* from now on whoever connects gets a seat */
/* All messages; window: at most so many that the slowest subscriber has not got; 0: no bound but the gates. */
void fanout_tape_publish(struct fanout_tape *tape, struct fanout_job *job, uint32_t window);
void fanout_tape_drop(struct fanout_tape *tape);

/* Multicast on the loopback, for the floor and for the sink: a group for this run, how many datagrams a receive buffer
 * holds for certain, a socket that has joined, and all that comes to it. */
typedef void (*fanout_datagram)(struct fanout_sum *sum, const unsigned char *data, uint32_t len);
void fanout_group(struct sockaddr_in *addr);
uint32_t fanout_window(void);
int fanout_join(const struct sockaddr_in *group);
void fanout_hear(int fd, struct fanout_job *job, uint32_t idx, fanout_datagram take);

#endif
