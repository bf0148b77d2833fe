#include "pipeline/commands.h"

#include <stdio.h>
#include <string.h>

static const struct sl_command *const commands[] = {
    &sl_command_run,    &sl_command_check, &sl_command_parse, &sl_command_tail,
    &sl_command_status, &sl_command_gen,   &sl_command_demo,
};
#define COMMAND_CNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *to)
{
    fputs("slugline " SL_VERSION " - news wires at line rate\n\n  slugline COMMAND [OPTIONS]\n\n", to);
    for (size_t i = 0; i < COMMAND_CNT; i++)
        fprintf(to, "  %-8s%s\n", commands[i]->name, commands[i]->does);
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
        if (!strcmp(argv[1], commands[i]->name))
            return commands[i]->run(argc - 1, argv + 1);
    fprintf(stderr, "slugline: '%s' is no command; slugline --help lists them\n", argv[1]);
    return SL_EXIT_USAGE;
}
