/* pipeline/sink_hello.h - the first line of a client of a tcp sink: what it wants, from where on, in which shape.
 *
 *     json from=0123456789abcdef:17 where=urgency <= 2 and lang == "en"
 *
 *     line  = [ "json" | "binary" ] [ "from=" ( "now" | "oldest" | EPOCH ":" SEQ ) ] [ "where=" expression ] LF
 *
 * Life      read, then the filter is the caller's to free.
 * Threads   Pure but for the filter's memory.
 * Errors    -EINVAL with a sentence; -ENOMEM.
 * Hostile   The line is outside input, at most SL_SINK_HELLO_MAX bytes.
 */
#ifndef SL_PIPELINE_SINK_HELLO_H
#define SL_PIPELINE_SINK_HELLO_H

#include "pipeline/client.h"
#include "pipeline/filter.h"

#define SL_SINK_HELLO_MAX 4096u

struct sl_sink_hello {
    bool binary;
    enum sl_reader_from from; /* SL_FROM_SEQ: the bulletin behind this place */
    uint64_t epoch, seq;
    struct sl_filter *filter; /* NULL: all */
};

/* Without its LF; a CR before it is no part of it either. */
int sl_sink_hello_read(struct sl_sink_hello *hello, const char *line, size_t len, char *err, size_t err_len);

#endif
