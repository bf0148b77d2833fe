/* pipeline/ack.h - what became of the messages of one file, told back to the source that has to know.
 *
 *     source: reset --> frame: framed ==> decode ==> desk: answered, verdicts --> source: are all answered?
 *
 * Life      One for each file that a source may have given on at once; memory of the walk's.
 * Threads   The source's thread (frame is on it) writes framed, and resets all of it while nothing is in flight; else
 *           the desk's writes the rest.
 * Order     ACK  verdicts, tape_seq -> answered: desk -> source.  What is known of a file is known of all its messages.
 *
 * Lines that need no answer carry none: a message without ack costs the desk one comparison.
 *
 * A file is settled when all its messages are answered and its readers' side holds them: today that is the tape in
 * memory.  tape_seq is for what will be durable one day: a file may go when the tape is, up to there.
 */
#ifndef SL_PIPELINE_ACK_H
#define SL_PIPELINE_ACK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_ACKS_PER_LINE 64u

struct sl_ack {
    uint64_t framed;
    /* the desk's */
    _Alignas(128) _Atomic uint64_t answered;
    uint64_t tape_seq; /* nothing that these messages said lies on the tape behind it */
    uint32_t bulletins, duplicates, held, rejected;
    /* of the first reject */
    const char *want;
    uint32_t off;
    uint8_t code;
};

/* By the source, when nothing of it is in flight. */
static inline void sl_ack_reset(struct sl_ack *ack)
{
    ack->framed = ack->tape_seq = 0;
    ack->bulletins = ack->duplicates = ack->held = ack->rejected = 0;
    ack->want = "";
    ack->off = ack->code = 0;
    /* Relaxed: the desk sees it behind the message that it comes with. */
    atomic_store_explicit(&ack->answered, 0, memory_order_relaxed);
}

/* By the desk: one more message is done with, all of it. */
static inline void sl_ack_answer(struct sl_ack *ack, uint64_t tape_seq)
{
    /* Relaxed: nobody else writes it now. */
    uint64_t answered = atomic_load_explicit(&ack->answered, memory_order_relaxed) + 1;
    ack->tape_seq = tape_seq;
    /* ACK, release side: pairs with sl_ack_is_settled. */
    atomic_store_explicit(&ack->answered, answered, memory_order_release);
}

static inline bool sl_ack_is_settled(const struct sl_ack *ack)
{
    /* ACK, acquire side: pairs with sl_ack_answer. */
    return atomic_load_explicit(&ack->answered, memory_order_acquire) == ack->framed;
}

#endif
