/* pipeline/sink_numbers.h - which number a bulletin was sent under: a session and its places on the tape, in a file.
 *
 *     number  1      2      3            cnt
 *           [ place  place  place ...    place ]   the newest SL_NUMBERS_ROWS of them, round
 *
 * Life      open, number ..., close; begin when a new session is wanted.
 * Threads   One, and one process: the file is locked.
 * Owns      The file, mapped.
 * Errors    0 or -errno; -EBUSY: another process has it.
 * Units     Numbers count from 1 within a session; 0: none.
 * Hostile   A file that is not one of ours, or of another use, is not believed: a new session begins.
 *
 * A number never means two things.  It stands in the file before it is sent, so a killed process finds it there; what
 * it reads again gets its old number, found by its place.  After a power loss the file may lack what was sent: unless
 * it was closed in order, an open after another start of the machine begins a new session.  A session's name is the
 * prefix and the moment at which it began, so it does not come again either when the file is lost.
 */
#ifndef SL_PIPELINE_SINK_NUMBERS_H
#define SL_PIPELINE_SINK_NUMBERS_H

#include "pipeline/bookmark.h"
#include "pipeline/moldudp64.h"

#define SL_NUMBERS_ROWS       (1u << 20)
#define SL_NUMBERS_PREFIX_MAX 3u
#define SL_NUMBERS_TICK_NS    50000000ll /* a session's time is counted in: 7 digits of base 36 last beyond 2090 */

struct sl_numbers_file;

struct sl_numbers {
    struct sl_numbers_file *file;
    int fd;
    uint64_t again; /* while places are read again: the last number whose place was passed; else cnt */
};

/* use: what else the bytes under a number depend on; another one than before begins a new session.  ended: its session
 * and last number, session[0] 0 when there was none.  from: what is read again lies behind it. */
int sl_numbers_open(struct sl_numbers *numbers, const char *path, const char *prefix, uint64_t use,
                    const struct sl_bookmark *from, int64_t now_ns, struct sl_mold *ended);
void sl_numbers_close(struct sl_numbers *numbers);
/* The next session; its first number is 1. */
void sl_numbers_begin(struct sl_numbers *numbers, const char *prefix, int64_t now_ns);

/* The number of what lies at this place: *is_old, one that it had before, else a new one.  0: places behind it are
 * numbered and it is not; it was not wanted then.  Places come as the tape has them.  What was numbered may get a
 * second number, when the walk that wrote it has died since; a number never gets a second place. */
uint64_t sl_numbers_give(struct sl_numbers *numbers, struct sl_bookmark place, bool *is_old);
const uint8_t *sl_numbers_session(const struct sl_numbers *numbers); /* SL_MOLD_SESSION_LEN bytes */
uint64_t sl_numbers_last(const struct sl_numbers *numbers);
/* False: it was never given, or so long ago that its row is another's now. */
bool sl_numbers_place(const struct sl_numbers *numbers, uint64_t number, struct sl_bookmark *place);

/* What is asked for in a request packet, or why it is none. */
enum sl_numbers_wish { SL_WISH_FINE, SL_WISH_NONSENSE, SL_WISH_SESSION, SL_WISH_AHEAD, SL_WISH_OLD };
enum sl_numbers_wish sl_numbers_read_wish(const struct sl_numbers *numbers, const uint8_t *data, uint32_t len,
                                          uint32_t cnt_max, uint64_t *first, uint32_t *cnt);

#endif
