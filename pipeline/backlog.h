/* pipeline/backlog.h - the journal as a reader follows it who comes too late for the tape: what is on the disk, then
 * what comes onto it.
 *
 *     [ segment ] [ segment ] [ the one that is written: record, record, not whole yet ]
 *          next, next, next ...................... RECORD ...... NONE, and later more
 *
 * Life      open, next ..., close.
 * Threads   One.
 * Owns      Its cursor.  A record that next gave is borrowed until the following next.
 * Errors    -ENOENT, -EACCES: no such folder, or not for us.  -ENOMEM.  Of next also -errno of the folder.
 * Damage    What is broken in a segment that is finished is passed over, and shows in the numbers of what comes next.
 *           Where the journal still writes, a broken place may be a write under way: next does not go past it, until
 *           pass says that it has been waited for long enough.
 */
#ifndef SL_PIPELINE_BACKLOG_H
#define SL_PIPELINE_BACKLOG_H

#include "pipeline/catalog.h"

enum sl_backlog_got { SL_BACKLOG_NONE, SL_BACKLOG_RECORD };

struct sl_backlog;
/* From the first record with seq >= this, or, if seq is 0, from the first published at or after ns. */
int sl_backlog_open(struct sl_backlog **backlog, const char *directory, enum sl_family family, uint64_t seq,
                    int64_t ns);
int sl_backlog_next(struct sl_backlog *backlog, const struct sl_record **record);
void sl_backlog_pass(struct sl_backlog *backlog);
/* The feed of the record that next gave last, good until the following next; NULL: the journal does not say. */
const char *sl_backlog_feed(struct sl_backlog *backlog, const struct sl_record *record);
void sl_backlog_close(struct sl_backlog *backlog); /* NULL: nothing */

#endif
