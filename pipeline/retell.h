/* pipeline/retell.h - the raw messages of a journal, handed to a walk again: in their order, at their pace.
 *
 *     raw family --message--> take()      one at a time; the caller polls the walk between them: nothing overtakes
 *
 * Life      prepare the configuration, open, give ... until END, close.
 * Threads   One.
 * Owns      Its cursor; borrows the configuration.
 * Errors    0 or -errno and a sentence.  What is broken in the journal is counted and passed over.
 * Units     seq of the tape; ns since 1970; speed: times as fast as it was published, 0 as fast as may be.
 *
 * A message has the stamps that it had, but for those of what is done anew; what hangs on its day means what it meant.
 */
#ifndef SL_PIPELINE_RETELL_H
#define SL_PIPELINE_RETELL_H

#include "pipeline/config.h"
#include "pipeline/roster.h"

struct sl_retell_end { /* seq 0: by time */
    uint64_t seq;
    int64_t ns;
};

struct sl_retell_config {
    const struct sl_config *config;
    const char *directory; /* the journal's */
    struct sl_retell_end from, to; /* both are in it */
    uint32_t speed;
    bool by_name; /* feeds are the configuration's; else all is its first one's */
};

enum sl_retell_got { SL_RETELL_NOT_YET, SL_RETELL_GIVEN, SL_RETELL_END };

struct sl_retell;
/* A walk's feeds, each with one line that only give feeds, a whole message at a time. */
void sl_retell_prepare(struct sl_config *config);
int sl_retell_open(struct sl_retell **retell, const struct sl_retell_config *config, char *err, size_t err_len);
/* NOT_YET: it is not time, or the walk has no room. */
int sl_retell_give(struct sl_retell *retell, const struct sl_rx_sink *sink, int64_t now_ns);
struct sl_retell_sums {
    uint64_t given, damages, strangers; /* strangers: messages of feeds that the configuration does not have */
};
struct sl_retell_sums sl_retell_sums(const struct sl_retell *retell);
void sl_retell_close(struct sl_retell *retell); /* NULL: nothing */

#endif
