#include "pipeline/commands.h"

#include <stdio.h>
#include <string.h>

static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *does;
} commands[] = {
    { "run",    sl_cmd_run,    "take the wires in and put them on the tape: the daemon" },
    { "check",  sl_cmd_check,  "read the configuration, print threads, memory and bounds, stop" },
    { "parse",  sl_cmd_parse,  "files to JSON lines" },
    { "tail",   sl_cmd_tail,   "follow the tape" },
    { "status", sl_cmd_status, "what the daemon has received, published, refused and lost" },
    { "gen",    sl_cmd_gen,    "send synthetic wires" },
    { "demo",   sl_cmd_demo,   "a wire, a daemon and a reader on this machine, for ten seconds" },
};
#define COMMAND_CNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *to)
{
    fputs("slugline " SL_VERSION " - news wires at line rate\n\n  slugline COMMAND [OPTIONS]\n\n", to);
    for (size_t i = 0; i < COMMAND_CNT; i++)
        fprintf(to, "  %-8s%s\n", commands[i].name, commands[i].does);
    fputs("\nEvery command tells its options with --help.  Exit status: 0 fine, 1 a finding, 2 usage, 3 no daemon.\n",
          to);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return SL_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_help(stdout);
        return SL_EXIT_FINE;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("slugline " SL_VERSION);
        return SL_EXIT_FINE;
    }
    for (size_t i = 0; i < COMMAND_CNT; i++)
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "slugline: '%s' is no command; slugline --help lists them\n", argv[1]);
    return SL_EXIT_USAGE;
}
