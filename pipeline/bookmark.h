/* pipeline/bookmark.h - a place on the tape that outlives a process: epoch and seq, in a file of its own.
 *
 * Life      load, save ...; nothing is kept open.
 * Threads   One a file.
 * Errors    0 or -errno.  load: -ENOENT, there is none yet; -EBADMSG, the file is none of ours.
 * Hostile   The file's bytes are looked at whole: what does not read back exactly as it was written is refused.
 * Cost      save writes aside, syncs, renames and syncs the folder: some milliseconds, and after a power loss the file
 *           is either the old or the new one.
 */
#ifndef SL_PIPELINE_BOOKMARK_H
#define SL_PIPELINE_BOOKMARK_H

#include <stdint.h>

struct sl_bookmark {
    uint64_t epoch, seq; /* of the last bulletin that is done with; epoch 0: none */
};

int sl_bookmark_load(struct sl_bookmark *mark, const char *path);
int sl_bookmark_save(const struct sl_bookmark *mark, const char *path);

/* The folder of path, synced: names made or changed in it outlive a power loss. */
int sl_bookmark_sync_folder(const char *path);

#endif
