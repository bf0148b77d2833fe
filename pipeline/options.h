/* pipeline/options.h - the options of a command: one table, which is read by and which --help prints.
 *
 *     static const struct sl_option options[] = {
 *         { 'n', "count", "N", "stop after N bulletins", sl_take_count, &tail.count, "a number from 1" },
 *         { 0 },
 *     };
 *
 * Life      All tables are constant; what they fill is the command's own.
 * Threads   The process's first.
 * Owns      Values are borrowed from argv, for as long as the process runs.
 * Errors    The exit status, after one line that says what is wrong and where help is.
 * Units     As in the configuration: 10s, 4KiB.
 */
#ifndef SL_PIPELINE_OPTIONS_H
#define SL_PIPELINE_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct sl_option {
    int letter; /* 0: none */
    const char *name;
    const char *value; /* what --help calls it; NULL: the option has none */
    const char *help; /* LF where a line ends */
    bool (*take)(void *to, char *value); /* false: the value is wrong */
    void *to;
    const char *wish; /* what would have been right */
};

struct sl_command {
    const char *name;
    int (*run)(const struct sl_command *command, int argc, char **argv);
    const char *does;
    const char *synopsis; /* behind the name */
    const char *operands; /* NULL: takes none; "": any number; else what at least one is */
    const char *more; /* at the end of --help */
};

/* -1: go on, with the operands from argv[optind]; else the exit status: help was asked for, or the usage is wrong. */
int sl_options_read(const struct sl_command *command, const struct sl_option *options, int argc, char **argv);

/* One line about what is wrong with the usage, and SL_EXIT_USAGE. */
int sl_usage_refuse(const struct sl_command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool sl_take_flag(void *to, char *value); /* a bool */
bool sl_take_text(void *to, char *value); /* a const char * */
bool sl_take_number(void *to, char *value); /* a uint64_t */
bool sl_take_count(void *to, char *value); /* a uint64_t from 1 */
struct sl_moment { /* of the tape: seq, or 0 and a time */
    uint64_t seq;
    int64_t ns;
};
bool sl_take_moment(void *to, char *value); /* a struct sl_moment: SEQ, or a time in ISO 8601 */
bool sl_take_duration(void *to, char *value); /* an int64_t, longer than nothing */

#endif
