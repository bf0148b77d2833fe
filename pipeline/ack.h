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
 * What is answered is settled when its records are on the tape; where there is a journal, when they are on the disk,
 * and lost when they are named in a hole instead: then nobody is told that we have it, and it is taken anew.
 */
#ifndef SL_PIPELINE_ACK_H
#define SL_PIPELINE_ACK_H

#include "pipeline/durable.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SL_ACKS_PER_LINE 64u

struct sl_ack_said { /* each cut to its room */
    uint8_t id_len, number_len, service_len;
    char id[128], number[32], service[32];
};

struct sl_ack {
    uint64_t framed;
    /* the desk's */
    _Alignas(128) _Atomic uint64_t answered;
    struct sl_ack_span {
        uint64_t first, last; /* between these lies all that these messages said; first 0: nothing yet */
    } tape, raw;
    struct sl_ack_said *said; /* of the first bulletin, for whoever asks; NULL: nobody does */
    uint32_t bulletins, duplicates, held, rejected;
    /* of the first reject */
    const char *want;
    uint32_t off;
    uint8_t code;
};

/* By the source, when nothing of it is in flight. */
static inline void sl_ack_reset(struct sl_ack *ack)
{
    ack->framed = 0;
    ack->tape = ack->raw = (struct sl_ack_span){ 0 };
    if (ack->said)
        ack->said->id_len = ack->said->number_len = ack->said->service_len = 0;
    ack->bulletins = ack->duplicates = ack->held = ack->rejected = 0;
    ack->want = "";
    ack->off = ack->code = 0;
    /* Relaxed: the desk sees it behind the message that it comes with. */
    atomic_store_explicit(&ack->answered, 0, memory_order_relaxed);
}

/* By the desk: one more message is done with, all of it. */
static inline void sl_ack_answer(struct sl_ack *ack, uint64_t tape_head, uint64_t raw_head)
{
    /* Relaxed: nobody else writes it now. */
    uint64_t answered = atomic_load_explicit(&ack->answered, memory_order_relaxed) + 1;
    ack->tape.last = tape_head;
    ack->raw.last = raw_head;
    /* ACK, release side: pairs with sl_ack_is_settled. */
    atomic_store_explicit(&ack->answered, answered, memory_order_release);
}

static inline bool sl_ack_is_settled(const struct sl_ack *ack)
{
    /* ACK, acquire side: pairs with sl_ack_answer. */
    return atomic_load_explicit(&ack->answered, memory_order_acquire) == ack->framed;
}

/* journal: its pages on tape and raw log; NULL: none, and what is settled is as good as it will be. */
static inline enum sl_fate sl_ack_fate(const struct sl_ack *ack, const struct sl_durable *const journal[2])
{
    if (!sl_ack_is_settled(ack))
        return SL_FATE_OPEN;
    enum sl_fate tape = journal[0] ? sl_durable_fate(journal[0], ack->tape.first, ack->tape.last) : SL_FATE_DURABLE;
    enum sl_fate raw = journal[1] ? sl_durable_fate(journal[1], ack->raw.first, ack->raw.last) : SL_FATE_DURABLE;
    return tape == SL_FATE_OPEN || raw == SL_FATE_OPEN ? SL_FATE_OPEN : tape > raw ? tape : raw;
}

#endif
