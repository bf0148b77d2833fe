#include "pipeline/backlog.h"

#include "pipeline/roster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct sl_backlog {
    struct sl_cursor *cursor;
    char *directory;
    enum sl_family family;
    struct sl_roster *roster;
    uint64_t roster_epoch; /* feeds change with starts only */
    uint64_t next_seq; /* 0: nothing was given yet */
    bool stopped; /* at the end, or before a broken place where the journal writes */
    bool passes; /* broken places hold it up no more, until the next whole record */
};

int sl_backlog_open(struct sl_backlog **out, const char *directory, enum sl_family family, uint64_t seq, int64_t ns)
{
    struct sl_backlog *backlog = calloc(1, sizeof(*backlog));
    if (!backlog)
        return -ENOMEM;
    backlog->family = family;
    backlog->directory = strdup(directory);
    backlog->roster = calloc(1, sizeof(*backlog->roster));
    int rc = -ENOMEM;
    if (backlog->directory && backlog->roster)
        rc = sl_cursor_open(&backlog->cursor, directory, family, seq, ns);
    if (rc) {
        sl_backlog_close(backlog);
        return rc;
    }
    *out = backlog;
    return 0;
}

int sl_backlog_next(struct sl_backlog *backlog, const struct sl_record **record)
{
    struct sl_catalog_event event;
    int rc = backlog->stopped ? sl_cursor_again(backlog->cursor, backlog->next_seq) : 0;
    if (rc)
        return rc;
    backlog->stopped = false;
    for (;;) {
        int got = sl_cursor_next(backlog->cursor, &event);
        if (got < 0)
            return got;
        if (got == SL_SEGMENT_RECORD) {
            *record = event.record;
            backlog->next_seq = event.record->seq + 1;
            backlog->passes = false;
            return SL_BACKLOG_RECORD;
        }
        bool live = got != SL_SEGMENT_END && sl_cursor_is_live(backlog->cursor);
        if (got == SL_SEGMENT_END || (live && !backlog->passes)) {
            backlog->stopped = true;
            return SL_BACKLOG_NONE;
        }
    }
}

const char *sl_backlog_feed(struct sl_backlog *backlog, const struct sl_record *record)
{
    if (record->epoch != backlog->roster_epoch)
        backlog->roster->end_seq = 0;
    backlog->roster_epoch = record->epoch;
    return sl_roster_name(backlog->roster, backlog->directory, backlog->family, record->seq, record->feed);
}

void sl_backlog_pass(struct sl_backlog *backlog) { backlog->passes = true; }

void sl_backlog_close(struct sl_backlog *backlog)
{
    if (!backlog)
        return;
    sl_cursor_close(backlog->cursor);
    free(backlog->directory);
    free(backlog->roster);
    free(backlog);
}
