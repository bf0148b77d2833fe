/* pipeline/sink_name.h - names of files and subjects of queues, made of what a bulletin says.
 *
 *     "{lane}/{provider}-{hash}.json"   -->   "flash/tst-1f0c...-9ab2.json"
 *
 * Threads   Pure functions.
 * Owns      Borrows the template, which sl_sink_name_check has found right.
 * Errors    check: false, and a sentence with the nearest valid word.  make: the length it has, like snprintf.
 * Hostile   A value keeps A-Z a-z 0-9 _ and -; any other byte becomes _, a long one is cut, an empty one is "none".  So
 *           no bulletin can leave the folder, make a hidden file, or add a level to a subject.
 */
#ifndef SL_PIPELINE_SINK_NAME_H
#define SL_PIPELINE_SINK_NAME_H

#include <stdbool.h>
#include <stddef.h>

struct sl_bulletin;
struct sl_event;

#define SL_SINK_VALUE_MAX 48u
#define SL_SINK_HASH_LEN  33u /* 16 hexadecimal digits, -, 16 more */

bool sl_sink_name_check(const char *name_template, char *err, size_t err_len);
size_t sl_sink_name(char *buf, size_t cap, const char *name_template, const struct sl_event *event);

/* Who a bulletin is, whichever host received it: hash of provider, id and version, and of what it says, its kind
 * included.  Ends with NUL. */
void sl_sink_hash(const struct sl_bulletin *bulletin, char hash[SL_SINK_HASH_LEN + 1]);

#endif
