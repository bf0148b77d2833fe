/* pipeline/answer.h - acknowledgements on a stream line: for each message one, in the order they came, when it is safe.
 *
 *     frame: expect ==> [ decode, desk, journal ] ==> rx: send --> agency
 *
 * Life      One struct sl_answers a connection that the line may have; memory of the walk's.  A connection's end resets
 *           it: what is still on its way through the walk is taken back when it is settled, and told to nobody.
 * Threads   The receive thread's; the desk answers by the struct sl_ack (ack.h).
 * Owns      SL_ANSWERS of the acks, from first on; what frame gave is copied.
 * Errors    expect: 0 when all places are taken, and the line waits.  send: -errno of the socket; -ESTALE: the journal
 *           has lost what the next message said, and the connection is to be closed without a word of it.
 *
 * What is sent is the line's template: ack=echo:22 is the first 22 bytes of the message, sent back; else text with
 * escapes (\r \n \t \xNN \\ \{) and fields: {echo:N}, and {id}, {number}, {service} of the message's first bulletin,
 * each empty where there is none.  Rejected messages are acknowledged too: their bytes are kept.  Noise is not.
 */
#ifndef SL_PIPELINE_ANSWER_H
#define SL_PIPELINE_ANSWER_H

#include "pipeline/ack.h"

#include <stddef.h>

#define SL_ANSWERS         256u /* messages of one connection that may wait for their acknowledgement */
#define SL_ANSWER_ECHO_MAX 64u
#define SL_ANSWER_TEXT_MAX 128u
#define SL_ANSWER_PARTS    8u
#define SL_ANSWER_LEN_MAX  2048u /* more than all parts can be */

struct sl_answer_template {
    enum sl_answer_what_part { SL_PART_TEXT, SL_PART_ECHO, SL_PART_ID, SL_PART_NUMBER, SL_PART_SERVICE } what;
    uint8_t off, len; /* TEXT: in text; ECHO: len bytes */
};

struct sl_answer_form { /* of a line; part_cnt 0: it acknowledges nothing */
    struct sl_answer_template parts[SL_ANSWER_PARTS];
    uint8_t part_cnt, text_len, echo_len;
    char text[SL_ANSWER_TEXT_MAX];
};

/* As ack= says.  NULL, or what is wrong with it. */
const char *sl_answer_form_read(struct sl_answer_form *form, const char *text);

struct sl_answer_echo {
    uint8_t len;
    uint8_t bytes[SL_ANSWER_ECHO_MAX];
};

struct sl_answers {
    const struct sl_answer_form *form;
    struct sl_ack *acks;
    uint16_t first; /* number of the first of them */
    struct sl_ack_said said[SL_ANSWERS];
    struct sl_answer_echo echo[SL_ANSWERS];
    uint64_t taken, given,
        told_from; /* counted without end: given .. taken are on their way; before told_from silent */
    uint8_t out[4096];
    uint32_t out_len;
};

void sl_answers_init(struct sl_answers *answers, const struct sl_answer_form *form, struct sl_ack *acks,
                     uint16_t first);
/* A message was framed: the number of its ack, plus 1. */
uint16_t sl_answers_expect(struct sl_answers *answers, const uint8_t *bytes, uint32_t len);
/* Sends what is settled and the socket takes at once.  How many messages were acknowledged. */
int sl_answers_send(struct sl_answers *answers, int fd, const struct sl_durable *const journal[2]);
/* That wait for their acknowledgement, or for room in the socket. */
uint32_t sl_answers_pending(const struct sl_answers *answers);
/* The connection is no more.  How many messages will not be acknowledged. */
uint32_t sl_answers_reset(struct sl_answers *answers);

#endif
