/* Is any first line of a client read within its bounds, the same twice, or refused with a sentence? */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "pipeline/sink_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sl_sink_hello hello, again;
    char why[64] = "", more[64];
    char *line = malloc(len + 1); /* its own block: what is read beyond it is seen */
    memcpy(line, data, len);
    int rc = sl_sink_hello_read(&hello, line, len, why, sizeof(why));
    assert(rc == sl_sink_hello_read(&again, line, len, more, sizeof(more)));
    assert(rc == 0 || rc == -EINVAL);
    assert(rc ? *why && memchr(why, '\0', sizeof(why)) : hello.from != SL_FROM_TIME);
    if (!rc)
        assert(hello.seq == again.seq && hello.epoch == again.epoch && hello.from == again.from);
    assert(!rc || !hello.filter);
    if (!rc) {
        sl_filter_free(hello.filter);
        sl_filter_free(again.filter);
    }
    free(line);
    return 0;
}
