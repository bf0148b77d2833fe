#include "pipeline/stages.h"

int sl_waker_poll(void *self, int64_t now_ns)
{
    struct sl_waker *waker = self;
    (void)now_ns;
    /* Relaxed, both: the bits carry nothing but the wish.  The look before saves the exchange, which owns the line. */
    if (!atomic_load_explicit(&waker->wanted, memory_order_relaxed))
        return 0;
    uint32_t wanted = atomic_exchange_explicit(&waker->wanted, 0, memory_order_relaxed);
    int woken = 0;
    for (uint32_t i = 0; i < waker->log_cnt; i++) {
        if (!(wanted >> i & 1))
            continue;
        sl_log_wake(waker->logs[i]);
        sl_cell_add(waker->wakes, 1);
        woken++;
    }
    return woken;
}
