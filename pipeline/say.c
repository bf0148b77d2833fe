#include "pipeline/say.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum sl_say most_said = SL_SAY_INFO;
static bool journal_reads;

void sl_say_init(enum sl_say most)
{
    most_said = most;
    journal_reads = getenv("JOURNAL_STREAM") != NULL;
}

void sl_say(enum sl_say level, const char *format, ...)
{
    if (level > most_said)
        return;
    char line[1024];
    int len = journal_reads ? snprintf(line, sizeof(line), "<%d>slugline: ", level)
                            : snprintf(line, sizeof(line), "slugline: ");
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + len, sizeof(line) - (size_t)len - 1, format, args);
    va_end(args);
    if (more < 0)
        return;
    len += more;
    if (len > (int)sizeof(line) - 2)
        len = sizeof(line) - 2;
    line[len++] = '\n';
    /* Nobody is left to be told when standard error is gone. */
    ssize_t ignored = write(STDERR_FILENO, line, (size_t)len);
    (void)ignored;
}
