/* pipeline/numbered.h - a synthetic wire that numbers its datagrams, over lines that lose, double, swap and delay them;
 * and the server that is asked for them again.
 *
 *                       +--> line A     now
 *     messages --> [ packets ]--> line B     skew later, each with a fate of its own
 *                       +<--> whoever asks again
 *
 * Life      init, add ..., poll whenever due_ns says; end, and poll until it is done; fini.
 * Threads   One.
 * Owns      Copies messages, and keeps the newest keep_len bytes of them for whoever asks again.  Borrows the outlets.
 * Errors    0 or -errno.
 * Units     ns, CLOCK_REALTIME; bytes; shares in parts of a million.
 * Source    MoldUDP64 1.00 (pipeline/moldudp64.h).
 *
 * What is sent, lost, doubled and swapped follows from seed, messages and due times alone, never from the clock.
 */
#ifndef SL_PIPELINE_NUMBERED_H
#define SL_PIPELINE_NUMBERED_H

#include "pipeline/moldudp64.h"
#include "pipeline/outlet.h"

#define SL_NUMBERED_LINES 8u
#define SL_NUMBERED_KEEP  (64u << 20)

struct sl_numbered_config {
    uint64_t seed;
    uint32_t lost_ppm; /* of packets, on each line by itself */
    uint32_t lost_on_all_ppm; /* on all lines at once */
    uint32_t twice_ppm, swapped_ppm; /* swapped: goes after the one that follows it */
    int64_t skew_ns; /* of each line behind the one before it */
    uint32_t pack; /* messages of one due time in a packet, at most, while they fit */
    uint32_t packet_max; /* bytes; longer only where one message is */
    int64_t linger_ns; /* how long after the end it answers who asks again */
    char session[SL_MOLD_SESSION_LEN + 1];
    const char *server; /* ADDRESS:PORT on which it is asked; NULL: nobody answers */
};

struct sl_numbered_packet {
    uint64_t first; /* number of its first message */
    uint32_t cnt;
    int64_t due_ns;
};

struct sl_numbered_line {
    struct sl_outlet *outlet;
    uint64_t random;
    struct sl_numbered_packet *queue; /* in the order in which they go */
    uint32_t head, tail;
    struct sl_numbered_packet held; /* goes behind the next one; cnt 0: none */
    uint64_t sent, lost, twice, swapped;
};

struct sl_numbered {
    struct sl_numbered_config config;
    struct sl_numbered_line lines[SL_NUMBERED_LINES];
    uint32_t line_cnt;
    uint64_t random; /* of what happens to all lines at once */
    uint8_t *kept; /* messages, each behind its length, one behind the other and round */
    uint64_t *places; /* by number: where in kept, counted from its beginning */
    uint64_t kept_end; /* bytes written so far, those skipped at the end among them */
    uint64_t next; /* number of the next message */
    uint64_t open_first; /* of the packet that is being filled */
    uint32_t open_cnt, open_len;
    int64_t open_due_ns;
    int64_t heartbeat_ns; /* when to say that we are still here */
    int64_t end_ns; /* 0: not yet */
    uint32_t farewells;
    int server_fd;
    uint64_t asked, answered; /* requests; messages */
    uint8_t *packet; /* being written */
};

int sl_numbered_init(struct sl_numbered *numbered, const struct sl_numbered_config *config, struct sl_outlet *outlets,
                     uint32_t outlet_cnt, char *err, size_t err_len);
int sl_numbered_add(struct sl_numbered *numbered, const uint8_t *data, uint32_t len, int64_t due_ns);
/* The packet that is being filled is full enough: the next message is due at another time. */
void sl_numbered_close(struct sl_numbered *numbered);
/* Sends what is due, and answers who asked. */
int sl_numbered_poll(struct sl_numbered *numbered, int64_t now_ns);
int64_t sl_numbered_due_ns(const struct sl_numbered *numbered); /* when poll has something to do, but for requests */
/* No more is added. */
void sl_numbered_end(struct sl_numbered *numbered, int64_t now_ns);
bool sl_numbered_done(const struct sl_numbered *numbered, int64_t now_ns);
void sl_numbered_fini(struct sl_numbered *numbered);

#endif
