/* pipeline/joiner.h - stories of which every fragment comes in a message of its own (MRN) to one message each.
 *
 *     unit --> [ take ] --> PASS: nothing in it waits for more; it goes on as it is
 *                 |
 *                 +--> KEPT: its updates lie by connection, MRN_SRC and GUID --> [ ready ]: a story's fragments are all
 *                      there, or never will be; updates that were no fragments --> "[u1,u2,...]" for a message ring
 *
 * Life      init, take and ready as units come, end with a connection, expire as time goes by; fini.
 * Threads   One.
 * Owns      Its memory, all had at init.  Units are borrowed; what is kept of them is copied.
 * Errors    init: -ENOMEM.
 * Units     Bytes, ns.
 * Bounds    len bytes of fragments, in blocks; a story for each eight blocks, 1024 at most; a story's array is no
 *           longer than message_max and has no more than SL_JOIN_PARTS_MAX updates.  When a unit finds no room, the
 *           story that has waited longest is given up: FULL, and after ready has been emptied it may be taken.
 *
 * Fragments come in any order, with those of other stories between them.  One that has come already is left out.  A
 * fragment of the same number that says something else begins its story anew, and what was there is given up.  A
 * connection's stories are its own: what line A has lost may come whole by line B.
 */
#ifndef SL_PIPELINE_JOINER_H
#define SL_PIPELINE_JOINER_H

#include "pipeline/record.h"

#define SL_JOIN_PARTS_MAX 1024u /* fragments of one story, as parsers/mrn.c takes them */
#define SL_JOIN_LEN_MIN   (1u << 18)

enum sl_joined { SL_JOINED_PASS, SL_JOINED_KEPT, SL_JOINED_FULL };

struct sl_joint { /* a message that is ready */
    struct sl_message head; /* lane, len and cut; stamps and place of the first fragment and of the last */
    uint32_t conn;
    uint32_t parts; /* how many fragments; 0: of updates that are none */
};

struct sl_joiner;
/* Bytes that one of len has. */
uint64_t sl_joiner_footprint(uint64_t len);
int sl_joiner_init(struct sl_joiner **joiner, uint64_t len, uint32_t message_max);
void sl_joiner_fini(struct sl_joiner *joiner);

/* head: the unit's, whole but for ticket and number.  timed: expire is for it too.  *parts: fragments in it that are
 * kept or were left out for having come before, the latter also in *repeated. */
enum sl_joined sl_joiner_take(struct sl_joiner *joiner, uint32_t conn, const struct sl_message *head,
                              const uint8_t *bytes, bool timed, uint32_t *parts, uint32_t *repeated);
/* The next message that is ready; NULL: none is.  copy writes its head.len bytes, drop forgets it. */
const struct sl_joint *sl_joiner_ready(const struct sl_joiner *joiner);
void sl_joiner_copy(const struct sl_joiner *joiner, uint8_t *to);
void sl_joiner_drop(struct sl_joiner *joiner);
/* Gives up what the connection has left unfinished. */
void sl_joiner_end(struct sl_joiner *joiner, uint32_t conn, enum sl_cut why);
/* Gives up what has waited for time_ns, by the clock of these calls. */
void sl_joiner_expire(struct sl_joiner *joiner, int64_t now_ns, int64_t time_ns);

#endif
