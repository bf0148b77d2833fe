/* ring/fence.h - the three fences our orders are made of, and a word on ThreadSanitizer.
 *
 * Threads   Any.
 * Order     release  stores before it are seen by whoever sees a store after it.
 *           acquire  loads before it are done before any load after it.
 *           full     both, and a store before it is seen by others before a load after it is made.
 *
 * ThreadSanitizer does not model fences, and gcc refuses them beside it.  There a locked operation on a word of our own
 * takes their place, which orders the machine just as well; races are then judged by the atomic accesses alone, which
 * is why record bytes are copied as relaxed atomic words under it (sl_log_copy).
 */
#ifndef SL_RING_FENCE_H
#define SL_RING_FENCE_H

#include <stdatomic.h>

#if defined(__SANITIZE_THREAD__)
#define SL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SL_TSAN 1
#endif
#endif
#ifndef SL_TSAN
#define SL_TSAN 0
#endif

#if SL_TSAN
static inline void sl_fence_full(void)
{
    _Atomic int word = 0;
    atomic_fetch_add_explicit(&word, 1, memory_order_seq_cst);
}
static inline void sl_fence_release(void) { sl_fence_full(); }
static inline void sl_fence_acquire(void) { sl_fence_full(); }
#else
static inline void sl_fence_release(void) { atomic_thread_fence(memory_order_release); }
static inline void sl_fence_acquire(void) { atomic_thread_fence(memory_order_acquire); }
static inline void sl_fence_full(void) { atomic_thread_fence(memory_order_seq_cst); }
#endif

#endif
