/* pipeline/roster.h - whom a feed's number in the journal's records means: the names in their order, from a seq on.
 *
 *     DIRECTORY/tape/00000000000000000001.feeds      a name a line; written when a start's feeds are not those before
 *
 * Life      write; read, name ..., nothing to end.  A roster of zeros is one that has been read for no record yet.
 * Threads   One each.
 * Owns      Its names; one that name gave is good until the next call on that roster.
 * Errors    0 or -errno.
 * Hostile   A file is outside input: names are bounded, and hold nothing that could upset a terminal.
 */
#ifndef SL_PIPELINE_ROSTER_H
#define SL_PIPELINE_ROSTER_H

#include "pipeline/segment.h"

#define SL_ROSTER_FEEDS_MAX 1024u
#define SL_ROSTER_NAME_LEN  32u

struct sl_roster {
    uint64_t first_seq, end_seq; /* of the records that it is of */
    uint32_t cnt;
    char names[SL_ROSTER_FEEDS_MAX][SL_ROSTER_NAME_LEN];
};

/* From seq on; does nothing where the journal knows the same already. */
int sl_roster_write(const char *directory, enum sl_family family, uint64_t seq, const struct sl_roster *roster);
/* Reads what is of seq.  cnt 0: the journal does not say. */
int sl_roster_read(struct sl_roster *roster, const char *directory, enum sl_family family, uint64_t seq);
/* Of a record; reads again where seq is another roster's.  NULL: the journal does not say.  "": no such feed. */
const char *sl_roster_name(struct sl_roster *roster, const char *directory, enum sl_family family, uint64_t seq,
                           uint16_t feed);

#endif
