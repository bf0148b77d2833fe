#include "pipeline/commands.h"

#include "pipeline/say.h"
#include "pipeline/supervise.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
    "slugline run - take the wires in and put them on the tape\n"
    "\n"
    "  slugline run [-c FILE] [-v]\n"
    "\n"
    "  -c, --config FILE   configuration; default /etc/slugline/slugline.yaml, - for standard input\n"
    "  -v, --verbose       say more\n"
    "  -h, --help          this\n"
    "\n"
    "TERM or INT: stop the lines, drain, end.  HUP: read the configuration again, change what can change.\n"
    "Exit status: 0 an orderly end, 1 otherwise, 2 usage.\n";

int sl_cmd_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"config",     required_argument, NULL, 'c' },
        { "verbose",        no_argument, NULL, 'v' },
        { "help",           no_argument, NULL, 'h' },
        { 0}
    };
    const char *path = SL_CONFIG_DEFAULT;
    enum sl_say most = SL_SAY_INFO;
    int option;
    while ((option = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'v':
            most = SL_SAY_DEBUG;
            break;
        case 'h':
            fputs(help, stdout);
            return SL_EXIT_FINE;
        default:
            fputs("slugline run --help tells the options\n", stderr);
            return SL_EXIT_USAGE;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "slugline: run: '%s' is one argument too many\n", argv[optind]);
        return SL_EXIT_USAGE;
    }
    sl_say_init(most);
    struct sl_config config;
    char err[512];
    if (sl_config_read(&config, path, err, sizeof(err))) {
        sl_say(SL_SAY_ERROR, "config: %s", err);
        return SL_EXIT_FINDING;
    }
    int status = sl_supervise(&config, strcmp(path, "-") ? path : NULL);
    sl_config_free(&config);
    return status ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
