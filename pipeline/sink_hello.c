#include "pipeline/sink_hello.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const char **at, int base, char end, uint64_t *number)
{
    char *stop;
    if (**at == '-' || **at == '+' || **at == ' ')
        return false;
    errno = 0;
    *number = strtoull(*at, &stop, base);
    if (errno || stop == *at || *stop != end)
        return false;
    *at = stop;
    return true;
}

static int read_from(struct sl_sink_hello *hello, const char *word, char *err, size_t err_len)
{
    const char *at = word;
    if (!strcmp(word, "now") || !strcmp(word, "oldest")) {
        hello->from = *word == 'n' ? SL_FROM_NOW : SL_FROM_OLDEST;
        return 0;
    }
    hello->from = SL_FROM_SEQ;
    if (strcspn(word, ":") <= 16 && read_number(&at, 16, ':', &hello->epoch) && at++ &&
        read_number(&at, 10, '\0', &hello->seq) && hello->epoch && hello->seq < 1ull << 62)
        return 0;
    snprintf(err, err_len, "from= takes now, oldest, or the epoch and seq of the last bulletin that came");
    return -EINVAL;
}

static int read_where(struct sl_sink_hello *hello, const char *expression, char *err, size_t err_len)
{
    struct sl_filter_err why;
    int rc = sl_filter_compile(&hello->filter, expression, &why);
    if (rc == -EINVAL)
        snprintf(err, err_len, "where= at byte %u: %s", why.off + 1, why.text);
    else if (rc)
        snprintf(err, err_len, "no memory");
    return rc;
}

int sl_sink_hello_read(struct sl_sink_hello *hello, const char *line, size_t len, char *err, size_t err_len)
{
    char copy[SL_SINK_HELLO_MAX + 1];
    *hello = (struct sl_sink_hello){ .from = SL_FROM_NOW };
    if (len && line[len - 1] == '\r')
        len--;
    if (len > SL_SINK_HELLO_MAX || memchr(line, '\0', len)) {
        snprintf(err, err_len, "a line of at most %u bytes is expected", SL_SINK_HELLO_MAX);
        return -EINVAL;
    }
    memcpy(copy, line, len);
    copy[len] = '\0';
    for (char *rest = copy; rest && *rest;) {
        if (*rest == ' ') {
            rest++;
            continue;
        }
        if (!strncmp(rest, "where=", 6))
            return read_where(hello, rest + 6, err, err_len);
        const char *word = strsep(&rest, " ");
        int rc = 0;
        if (!strcmp(word, "json") || !strcmp(word, "binary"))
            hello->binary = *word == 'b';
        else if (!strncmp(word, "from=", 5))
            rc = read_from(hello, word + 5, err, err_len);
        else
            rc = -EINVAL, snprintf(err, err_len, "json, binary, from= or where= is expected");
        if (rc)
            return rc;
    }
    return 0;
}
