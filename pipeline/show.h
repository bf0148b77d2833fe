/* pipeline/show.h - events on standard output: a line for people, or one of JSON.
 *
 * Life      init, show, fini.
 * Threads   One.
 * Errors    json: false where there is no memory for the line.  Whoever prints asks the stream at the end.
 */
#ifndef SL_PIPELINE_SHOW_H
#define SL_PIPELINE_SHOW_H

#include "pipeline/client.h"

struct sl_show {
    bool color; /* a terminal that may have it */
    char *line; /* of JSON; grows */
    size_t line_cap;
};

void sl_show_init(struct sl_show *show);
void sl_show_fini(struct sl_show *show);
/* BULLETIN and NOTICE. */
void sl_show_people(const struct sl_show *show, const struct sl_event *event);
bool sl_show_json(struct sl_show *show, const struct sl_event *event);

#endif
