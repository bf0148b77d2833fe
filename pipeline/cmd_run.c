#include "pipeline/commands.h"

#include "pipeline/say.h"
#include "pipeline/supervise.h"

#include <string.h>

int sl_cmd_run(const struct sl_command *command, int argc, char **argv)
{
    static const char *path = SL_CONFIG_DEFAULT;
    static bool verbose;
    /* clang-format off */
    static const struct sl_option options[] = {
        SL_OPTION_CONFIG(&path),
        { 'v', "verbose", NULL, "say more", sl_take_flag, &verbose, NULL },
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);
    if (status >= 0)
        return status;
    sl_say_init(verbose ? SL_SAY_DEBUG : SL_SAY_INFO);
    struct sl_config config;
    if (!sl_command_config(&config, path))
        return SL_EXIT_FINDING;
    status = sl_supervise(&config, strcmp(path, "-") ? path : NULL);
    sl_config_free(&config);
    return status ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
