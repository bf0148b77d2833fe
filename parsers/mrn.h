/* parsers/mrn.h - the updates of an MRN message, for whoever joins stories that come in several messages.
 *
 * Threads   Pure functions.
 * Owns      Borrows the message; parts are slices of it, still escaped.
 * Errors    SL_MRN_UNREAD: it is no sound JSON, or has more updates than there is room for.
 * Units     Bytes.
 * Source    LSEG Machine Readable News data model 2.10: MRN_SRC and GUID name a story, FRAG_NUM counts its fragments
 *           from 1, and the first says in TOT_SIZE how many bytes all of them are together.
 */
#ifndef SL_PARSERS_MRN_H
#define SL_PARSERS_MRN_H

#include "parsers/text.h"

#define SL_MRN_UNREAD UINT32_MAX

struct sl_mrn_part {
    struct sl_span source, guid;
    uint32_t off, len; /* of the update in the message */
    uint32_t number; /* FRAG_NUM */
    uint32_t total; /* TOT_SIZE; 0: it does not say */
    uint32_t packed_len; /* of what its FRAGMENT stands for; 0: it has none, and is no part of any story */
};

/* The message's updates in their order, and how many. */
uint32_t sl_mrn_parts(const uint8_t *data, uint32_t len, struct sl_mrn_part *parts, uint32_t max);

/* The rest of its story comes in other updates. */
static inline bool sl_mrn_is_unfinished(const struct sl_mrn_part *part)
{
    return part->packed_len != 0 && part->guid.len != 0 && (part->number > 1 || part->packed_len < part->total);
}

#endif
