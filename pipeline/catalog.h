/* pipeline/catalog.h - the journal's folder: the segments of a family in their order, read as one, and mended after a
 * crash.
 *
 *     DIRECTORY/tape/0000000001.seg 0000000002.seg ...     DIRECTORY/raw/0000000001.seg ...
 *
 * Life      list, clear.  A cursor: open, next until the end, close.  It reads what was there when it was opened, or
 *           when again was called.
 * Threads   One each.
 * Owns      What an event points to is borrowed until the following next.
 * Errors    -errno of the folder, -ENOMEM.  What is wrong with a file is an event.
 * Hostile   Every byte of every file is outside input.
 */
#ifndef SL_PIPELINE_CATALOG_H
#define SL_PIPELINE_CATALOG_H

#include "pipeline/segment.h"

#define SL_CATALOG_NAME_LEN 32u

struct sl_catalog_file {
    uint64_t number; /* as the name says */
    uint64_t len;
    char name[SL_CATALOG_NAME_LEN]; /* within its folder */
};

struct sl_catalog {
    int folder; /* descriptor */
    struct sl_catalog_file *files; /* by number */
    uint32_t cnt;
};

/* -ENOENT: there is no such folder. */
int sl_catalog_list(struct sl_catalog *catalog, const char *directory, enum sl_family family);
void sl_catalog_clear(struct sl_catalog *catalog);
/* As a segment of this number is called. */
void sl_catalog_name(char name[SL_CATALOG_NAME_LEN], uint64_t number);

/* An open file as a source; fd is the caller's. */
struct sl_segment_source sl_catalog_source(const int *fd, uint64_t len);

/* What a journal that starts finds. */
struct sl_catalog_state {
    uint64_t last_seq; /* of the last whole record; 0 none */
    uint64_t last_epoch; /* of it */
    uint64_t next_number;
    uint64_t cut_len; /* bytes of torn tails that were cut off */
};
/* Cuts the torn tail off each segment that was not ended, and ends it; removes those without a record.  redo: bytes
 * before the last written one where damage means that writes were under way together and some did not come: it is cut
 * off from there too, because who calls has the records still; 0: keep all that is whole. */
int sl_catalog_mend(const char *directory, enum sl_family family, uint64_t redo, struct sl_catalog_state *state);

struct sl_catalog_event {
    int got; /* enum sl_segment_got, but for END at the end of the last file only */
    const char *file; /* its name, "tape/0000000001.seg" */
    const struct sl_record *record;
    uint64_t off; /* of the record */
    struct sl_segment_damage damage;
};

struct sl_cursor;
/* From the first record with seq >= this, or, if seq is 0, from the first published at or after ns. */
int sl_cursor_open(struct sl_cursor **cursor, const char *directory, enum sl_family family, uint64_t seq, int64_t ns);
/* SL_SEGMENT_END, or what came; -errno. */
int sl_cursor_next(struct sl_cursor *cursor, struct sl_catalog_event *event);
/* Looks again at what there is, from the first record with seq >= this on: after the end, when the journal has gone on,
 * or in front of a place that was not whole.  seq 0: as open.  What event pointed to is gone. */
int sl_cursor_again(struct sl_cursor *cursor, uint64_t seq);
/* The damage just given lies in the file that the journal writes, or wrote last: it may be a write under way. */
bool sl_cursor_is_live(const struct sl_cursor *cursor);
void sl_cursor_close(struct sl_cursor *cursor);

#endif
