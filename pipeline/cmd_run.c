#include "pipeline/commands.h"

#include "pipeline/say.h"
#include "pipeline/supervise.h"

#include <string.h>

static int run(int argc, char **argv);

const struct sl_command sl_command_run = {
    .name = "run",
    .does = "take the wires in and put them on the tape: the daemon",
    .run = run,
    .synopsis = "[-c FILE] [-v]",
    .more = "TERM or INT: stop the lines, drain, end.  HUP: read the configuration again, change what can change.\n"
            "Exit status: 0 an orderly end, 1 otherwise, 2 usage.\n",
};

static int run(int argc, char **argv)
{
    static const char *path = SL_CONFIG_DEFAULT;
    static bool verbose;
    static const struct sl_option options[] = {
        SL_OPTION_CONFIG(&path),
        {'v',   "verbose", NULL, "say more", sl_take_flag, &verbose, NULL },
        { 0},
    };
    int status = sl_options_read(&sl_command_run, options, argc, argv);
    if (status >= 0)
        return status;
    sl_say_init(verbose ? SL_SAY_DEBUG : SL_SAY_INFO);
    struct sl_config config;
    char err[512];
    if (sl_config_read(&config, path, err, sizeof(err))) {
        sl_say(SL_SAY_ERROR, "config: %s", err);
        return SL_EXIT_FINDING;
    }
    status = sl_supervise(&config, strcmp(path, "-") ? path : NULL);
    sl_config_free(&config);
    return status ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
