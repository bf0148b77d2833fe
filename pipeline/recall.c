#include "pipeline/recall.h"

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
    sl_desk_remember(desk, bulletin);
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

int sl_recall(struct sl_desk *desk, const struct sl_mem *before, struct sl_past *past)
{
    uint32_t current = past->current & 1;
    sl_window_load(sl_desk_window(desk), &past->halves[current]);
    int rc = read_before(desk, before);
    sl_window_save(sl_desk_window(desk), &past->halves[!current]);
    past->current = !current;
    return rc;
}
