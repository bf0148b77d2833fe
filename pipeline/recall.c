#include "pipeline/recall.h"

#include "pipeline/catalog.h"
#include "pipeline/roster.h"
#include "pipeline/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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

static int map_before(const struct sl_mem *before, struct sl_mem *tape)
{
    int fd = before->fd < 0 ? -1 : fcntl(before->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return before->fd < 0 ? -ENOENT : -errno;
    int rc = sl_mem_open(tape, fd, before->len, false);
    if (rc)
        close(fd);
    return rc;
}

static int read_before(struct sl_desk *desk, const struct sl_mem *before)
{
    struct sl_mem tape;
    int rc = map_before(before, &tape);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    rc = read_tape(desk, &tape);
    sl_mem_close(&tape);
    return rc;
}

bool sl_recall_is_whole(const struct sl_mem *before)
{
    struct sl_log_rx rx;
    struct sl_mem tape;
    if (map_before(before, &tape))
        return false;
    bool whole = !sl_log_join_rx(&rx, tape.addr, tape.len) && rx.next_seq == rx.first_seq;
    sl_mem_close(&tape);
    return whole;
}

static const struct sl_bulletin *bulletin_in(const struct sl_record *record)
{
    const struct sl_bulletin *bulletin = (const void *)(record + 1);
    bool fine = record->len >= sizeof(*record) &&
                sl_bulletin_check(bulletin, record->len - (uint32_t)sizeof(*record)) == SL_BULLETIN_FINE;
    return fine ? bulletin : NULL;
}

/* Which feed of this configuration a record of an earlier one is of. */
struct renamed {
    const char *directory;
    const struct sl_feed *feeds;
    uint32_t feed_cnt;
    struct sl_roster rosters[SL_FAMILY_CNT];
    uint64_t known_from[SL_FAMILY_CNT]; /* first_seq, plus 1, of the roster that feed_of is made of; 0 none */
    uint16_t feed_of[SL_FAMILY_CNT][SL_ROSTER_FEEDS_MAX];
};

static uint16_t feed_named(const struct renamed *renamed, const char *name)
{
    for (uint32_t i = 0; i < renamed->feed_cnt; i++)
        if (!strcmp(renamed->feeds[i].name, name))
            return (uint16_t)i;
    return 0; /* it is configured no longer; what it said is published all the same */
}

/* The record's head with the feed's number of now. */
static struct sl_record rename_feed(struct renamed *renamed, enum sl_family family, const struct sl_record *record)
{
    struct sl_record head = *record;
    struct sl_roster *roster = &renamed->rosters[family];
    const char *name = sl_roster_name(roster, renamed->directory, family, record->seq, record->feed);
    if (!name) /* from before there were rosters */
        return head;
    if (renamed->known_from[family] != roster->first_seq + 1) {
        for (uint32_t i = 0; i < roster->cnt; i++)
            renamed->feed_of[family][i] = feed_named(renamed, roster->names[i]);
        renamed->known_from[family] = roster->first_seq + 1;
    }
    head.feed = record->feed < roster->cnt ? renamed->feed_of[family][record->feed] : 0;
    return head;
}

/* What is held lies on the raw log; the notice on the tape says where. */
static void recall_held(struct sl_desk *desk, struct renamed *renamed, const struct sl_record *record)
{
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    const char *directory = renamed->directory;
    const struct sl_notice *notice = (const void *)(record + 1);
    if (record->len < sizeof(*record) + sizeof(*notice) || !notice->first ||
        sl_cursor_open(&cursor, directory, SL_FAMILY_RAW, notice->first, 0))
        return;
    int rc = sl_cursor_next(cursor, &event);
    const struct sl_record *raw = rc == SL_SEGMENT_RECORD ? event.record : NULL;
    const struct sl_bulletin *bulletin =
        raw && raw->seq == notice->first && raw->kind == SL_RECORD_RAW_HELD ? bulletin_in(raw) : NULL;
    if (bulletin) {
        struct sl_record head = rename_feed(renamed, SL_FAMILY_RAW, raw);
        sl_desk_recall_held(desk, record->seq, notice->until_ns, &head, bulletin);
    }
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

static int read_journal(struct sl_desk *desk, struct renamed *renamed, uint64_t from_seq, uint64_t *cnt)
{
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    int rc = sl_cursor_open(&cursor, renamed->directory, SL_FAMILY_TAPE, from_seq ? from_seq : 1, 0);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    for (*cnt = 0; (rc = sl_cursor_next(cursor, &event)) > SL_SEGMENT_END; ++*cnt) {
        if (rc != SL_SEGMENT_RECORD)
            continue;
        const struct sl_bulletin *bulletin = event.record->kind < SL_KIND_CNT ? bulletin_in(event.record) : NULL;
        struct sl_record head = rename_feed(renamed, SL_FAMILY_TAPE, event.record);
        if (bulletin)
            sl_desk_recall(desk, &head, bulletin);
        else if (event.record->kind == SL_RECORD_HELD)
            recall_held(desk, renamed, event.record);
    }
    sl_cursor_close(cursor);
    sl_desk_recalled(desk);
    return rc;
}

int sl_recall_journal(struct sl_desk *desk, const struct sl_recall_past *past, uint64_t *cnt)
{
    uint64_t window_from = past->window_cnt ? reach_back(past->directory, past->window_cnt) : UINT64_MAX;
    struct renamed *renamed = calloc(1, sizeof(*renamed));
    if (!renamed)
        return -ENOMEM;
    renamed->directory = past->directory;
    renamed->feeds = past->feeds;
    renamed->feed_cnt = past->feed_cnt;
    int rc = read_journal(desk, renamed, past->from_seq < window_from ? past->from_seq : window_from, cnt);
    free(renamed);
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
