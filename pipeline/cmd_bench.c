#include "pipeline/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Benches are no part of an installation: they stand beside the program where it was built. */
static bool find_suite(char *path, size_t len)
{
    char own[512];
    ssize_t own_len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    own[own_len > 0 ? own_len : 0] = '\0';
    char *slash = strrchr(own, '/');
    if (!slash)
        return false;
    *slash = '\0';
    return (size_t)snprintf(path, len, "%s/bench/suite", own) < len && !access(path, X_OK);
}

int sl_cmd_bench(const struct sl_command *command, int argc, char **argv)
{
    static const char *only, *to;
    static bool quick, history;
    /* clang-format off */
    static const struct sl_option options[] = {
        { 'q', "quick", NULL, "fewer and shorter rounds: a hint, and no verdict", sl_take_flag, &quick, NULL },
        { 'b', "only", "LIST", "some benches: ring,parse,json,journal,rx,fanout,walk,linear",
          sl_take_text, &only, NULL },
        { 't', "to", "FOLDER", "where results and report go; default: bench/results beside the program",
          sl_take_text, &to, NULL },
        { 'k', "history", NULL, "keep this run's medians in bench/results/history.jsonl of the sources",
          sl_take_flag, &history, NULL },
        { 0 },
    };
    /* clang-format on */
    char path[600];
    char *suite[9] = { path };
    int cnt = 1, status = sl_options_read(command, options, argc, argv);
    if (status >= 0)
        return status;
    if (!find_suite(path, sizeof(path))) {
        fputs("slugline: bench: no benches stand beside this program; run the one in the folder where slugline was "
              "built\n",
              stderr);
        return SL_EXIT_FINDING;
    }
    if (quick)
        suite[cnt++] = "--quick";
    if (history)
        suite[cnt++] = "--history";
    if (only) {
        suite[cnt++] = "--only";
        suite[cnt++] = (char *)only;
    }
    if (to) {
        suite[cnt++] = "--to";
        suite[cnt++] = (char *)to;
    }
    execv(path, suite);
    perror("slugline: bench: the suite cannot be run");
    return SL_EXIT_FINDING;
}
