/* pipeline/metrics.h - the books as Prometheus reads them.
 *
 * Threads   Any; the books are read as they are written.
 * Owns      Borrows all it is given.
 * Errors    Like snprintf, but without NUL.
 * Units     Base units in the names: seconds, bytes; totals count.
 * Source    Prometheus text exposition format 0.0.4.
 *
 * Labels are names of feeds, lanes, sinks and reasons: their number is bounded by the configuration.
 */
#ifndef SL_PIPELINE_METRICS_H
#define SL_PIPELINE_METRICS_H

#include "pipeline/books.h"
#include "pipeline/visit.h"

/* visit NULL: no daemon is there, and slugline_up is 0. */
size_t sl_metrics_write(char *buf, size_t cap, const struct sl_visit *visit, const struct sl_books *books);

#endif
