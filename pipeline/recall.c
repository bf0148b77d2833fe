#include "pipeline/recall.h"

#include "pipeline/catalog.h"
#include "pipeline/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void remember(struct sl_desk *desk, const struct sl_record *record)
{
    const struct sl_bulletin *bulletin = (const void *)(record + 1);
    if (record->len < sizeof(*record) || record->kind >= SL_KIND_CNT ||
        sl_bulletin_check(bulletin, record->len - (uint32_t)sizeof(*record)) != SL_BULLETIN_FINE)
        return;
    sl_desk_remember(desk, bulletin, record->seq);
}

static int read_tape(struct sl_desk *desk, const struct sl_mem *tape)
{
    struct sl_log_rx rx;
    int rc = sl_log_join_rx(&rx, tape->addr, tape->len);
    if (rc)
        return rc;
    uint32_t len = (uint32_t)(rx.bytes_len / 4 < (1u << 30) ? rx.bytes_len / 4 : 1u << 30);
    struct sl_record *record = malloc(len);
    if (!record)
        return -ENOMEM;
    /* Its writer is dead: what is whole now stays so, and what is not will not be. */
    do {
        rc = sl_log_next(&rx, record, len);
        if (rc == SL_LOG_RECORD)
            remember(desk, record);
    } while (rc > SL_LOG_NONE);
    free(record);
    return rc;
}

static int read_before(struct sl_desk *desk, const struct sl_mem *before)
{
    struct sl_mem tape;
    int fd = before->fd < 0 ? -1 : fcntl(before->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return before->fd < 0 ? 0 : -errno;
    int rc = sl_mem_open(&tape, fd, before->len, false);
    if (rc) {
        close(fd);
        return rc;
    }
    rc = read_tape(desk, &tape);
    sl_mem_close(&tape);
    return rc;
}

static const struct sl_bulletin *bulletin_in(const struct sl_record *record)
{
    const struct sl_bulletin *bulletin = (const void *)(record + 1);
    bool fine = record->len >= sizeof(*record) &&
                sl_bulletin_check(bulletin, record->len - (uint32_t)sizeof(*record)) == SL_BULLETIN_FINE;
    return fine ? bulletin : NULL;
}

/* What is held lies on the raw log; the notice on the tape says where. */
static void recall_held(struct sl_desk *desk, const char *directory, const struct sl_record *record)
{
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    const struct sl_notice *notice = (const void *)(record + 1);
    if (record->len < sizeof(*record) + sizeof(*notice) || !notice->first ||
        sl_cursor_open(&cursor, directory, SL_FAMILY_RAW, notice->first, 0))
        return;
    int rc = sl_cursor_next(cursor, &event);
    const struct sl_record *raw = rc == SL_SEGMENT_RECORD ? event.record : NULL;
    const struct sl_bulletin *bulletin =
        raw && raw->seq == notice->first && raw->kind == SL_RECORD_RAW_HELD ? bulletin_in(raw) : NULL;
    if (bulletin)
        sl_desk_recall_held(desk, record->seq, notice->until_ns, raw, bulletin);
    sl_cursor_close(cursor);
}

/* The first number of the newest segments that have cnt records between them: numbers alone do not say how far back
 * that is, since a start that was killed leaves a million of them unused. */
static uint64_t reach_back(const char *directory, uint64_t cnt)
{
    struct sl_catalog catalog;
    uint64_t found = 0, first_seq = 1;
    if (sl_catalog_list(&catalog, directory, SL_FAMILY_TAPE))
        return 1;
    for (uint32_t i = catalog.cnt; i && found < cnt; i--) {
        struct sl_segment_scan scan;
        int fd = openat(catalog.folder, catalog.files[i - 1].name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        struct sl_segment_source source = sl_catalog_source(&fd, catalog.files[i - 1].len);
        if (fd < 0)
            continue;
        if (!sl_segment_scan_open(&scan, &source, 0)) {
            found += scan.ended ? scan.end.record_cnt : 0;
            first_seq = scan.head.first_seq;
            sl_segment_scan_close(&scan);
        }
        close(fd);
    }
    sl_catalog_clear(&catalog);
    return first_seq;
}

int sl_recall_journal(struct sl_desk *desk, const char *directory, uint64_t from_seq, uint64_t window_cnt,
                      uint64_t *cnt)
{
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    uint64_t window_from = window_cnt ? reach_back(directory, window_cnt) : UINT64_MAX;
    from_seq = from_seq < window_from ? from_seq : window_from;
    int rc = sl_cursor_open(&cursor, directory, SL_FAMILY_TAPE, from_seq ? from_seq : 1, 0);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    for (*cnt = 0; (rc = sl_cursor_next(cursor, &event)) > SL_SEGMENT_END; ++*cnt) {
        if (rc != SL_SEGMENT_RECORD)
            continue;
        const struct sl_bulletin *bulletin = event.record->kind < SL_KIND_CNT ? bulletin_in(event.record) : NULL;
        if (bulletin)
            sl_desk_recall(desk, event.record, bulletin);
        else if (event.record->kind == SL_RECORD_HELD)
            recall_held(desk, directory, event.record);
    }
    sl_cursor_close(cursor);
    sl_desk_recalled(desk);
    return rc;
}

int sl_recall(struct sl_desk *desk, const struct sl_mem *before, struct sl_past *past)
{
    uint32_t current = past->current & 1;
    sl_window_load(sl_desk_window(desk), &past->halves[current]);
    int rc = read_before(desk, before);
    sl_window_save(sl_desk_window(desk), &past->halves[!current]);
    past->current = !current;
    return rc;
}
