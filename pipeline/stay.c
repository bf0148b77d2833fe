#include "pipeline/stay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POPULATED_MAX (1ull << 30) /* a longer tape is mapped as it is read: joining must not take a second */

void sl_stay_close(struct sl_stay *stay)
{
    if (!stay)
        return;
    sl_mem_close(&stay->raw_mem);
    sl_mem_close(&stay->seat_mem);
    sl_mem_close(&stay->tape_mem);
    sl_visit_close(&stay->visit);
    free(stay);
}

static int map_log(struct sl_stay *stay, enum sl_handout_fd which, struct sl_mem *mem, struct sl_log_rx *rx)
{
    int rc = sl_visit_map(&stay->visit, which, 1, false, mem);
    if (!rc)
        rc = sl_log_join_rx(rx, mem->addr, mem->len);
    if (!rc && sl_log_epoch(rx) != stay->epoch)
        rc = -EPROTO;
    if (!rc && mem->len <= POPULATED_MAX)
        sl_mem_populate(mem, false);
    return rc;
}

static int map_memory(struct sl_stay *stay, bool raw)
{
    stay->epoch = stay->visit.welcome->epoch;
    if (stay->visit.welcome->seat_idx >= SL_LOG_SEATS || !stay->epoch)
        return -EPROTO;
    int rc = map_log(stay, SL_HANDOUT_TAPE, &stay->tape_mem, &stay->tape);
    if (!rc)
        rc = sl_visit_map(&stay->visit, SL_HANDOUT_SEAT, sizeof(struct sl_seat), true, &stay->seat_mem);
    if (!rc && raw)
        rc = map_log(stay, SL_HANDOUT_RAW, &stay->raw_mem, &stay->raw);
    return rc;
}

int sl_stay_open(struct sl_stay **out, const char *socket, unsigned flags, const char *name, bool *answered)
{
    struct sl_stay *stay = calloc(1, sizeof(*stay));

    *answered = true;
    if (!stay)
        return -ENOMEM;
    stay->tape_mem.fd = stay->seat_mem.fd = stay->raw_mem.fd = -1;
    int rc = sl_visit_open(&stay->visit, socket, flags, name);
    *answered = !rc || stay->visit.answered;
    if (!rc)
        rc = map_memory(stay, flags & SL_HELLO_RAW);
    if (rc) {
        sl_stay_close(stay);
        return rc;
    }
    stay->seat = stay->seat_mem.addr;
    memcpy(stay->seat->name, name, sizeof(stay->seat->name));
    *out = stay;
    return 0;
}
