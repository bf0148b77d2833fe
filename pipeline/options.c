#include "pipeline/options.h"

#include "parsers/dates.h"
#include "pipeline/commands.h"
#include "pipeline/config.h"
#include "pipeline/nearest.h"

#include <assert.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 24
#define NO_LETTER   256 /* and the option's index: what getopt_long says for one that has none */

int sl_usage_refuse(const struct sl_command *command, const char *format, ...)
{
    va_list args;
    fprintf(stderr, "slugline: %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nslugline %s --help tells the options\n", command->name);
    return SL_EXIT_USAGE;
}

/* "  -n, --count N": the first column of --help. */
static int write_names(char *names, size_t cap, const struct sl_option *option)
{
    char letter[] = { '-', (char)option->letter, ',', '\0' };
    return snprintf(names, cap, "  %-3s --%s%s%s", option->letter ? letter : "", option->name, option->value ? " " : "",
                    option->value ? option->value : "");
}

static void print_help(const struct sl_command *command, const struct sl_option *options)
{
    char names[64];
    int width = 0;
    printf("slugline %s - %s\n\n  slugline %s %s\n\n", command->name, command->does, command->name, command->synopsis);
    for (const struct sl_option *option = options; option->name; option++) {
        int len = write_names(names, sizeof(names), option);
        width = len > width ? len : width;
    }
    for (const struct sl_option *option = options; option->name; option++) {
        write_names(names, sizeof(names), option);
        for (const char *line = option->help; *line;) {
            int len = (int)strcspn(line, "\n");
            printf("%-*s   %.*s\n", width, line == option->help ? names : "", len, line);
            line += len + (line[len] == '\n');
        }
    }
    printf("%-*s   %s\n\n%s", width, "  -h, --help", "this", command->more);
}

/* said: a letter, or NO_LETTER and the index.  The table's end where it is neither. */
static const struct sl_option *option_of(const struct sl_option *options, int said)
{
    if (said >= NO_LETTER)
        return &options[said - NO_LETTER];
    while (options->name && options->letter != said)
        options++;
    return options;
}

/* What getopt_long has put into optopt: 0 for a name that it does not know. */
static int refuse_option(const struct sl_command *command, const struct sl_option *options, const char *word)
{
    struct sl_nearest nearest;
    const char *name = optopt ? option_of(options, optopt)->name : NULL;
    if (name)
        return sl_usage_refuse(command, "--%s takes no value", name);
    if (optopt)
        return sl_usage_refuse(command, "'-%c' is no option", optopt);
    sl_nearest_begin(&nearest, word + strspn(word, "-"));
    for (const struct sl_option *option = options; option->name; option++)
        sl_nearest_offer(&nearest, option->name);
    if (*nearest.found)
        return sl_usage_refuse(command, "'%s' is no option; did you mean --%s?", word, nearest.found);
    return sl_usage_refuse(command, "'%s' is no option", word);
}

/* For getopt_long: letters, and names.  Its first colon says that we speak ourselves. */
static void list_options(const struct sl_option *options, char *letters, struct option *names)
{
    *letters++ = ':';
    for (int i = 0; options[i].name; i++) {
        assert(i < OPTIONS_MAX);
        names[i] = (struct option){ .name = options[i].name,
                                    .has_arg = options[i].value ? required_argument : no_argument,
                                    .val = options[i].letter ? options[i].letter : NO_LETTER + i };
        names[i + 1] = (struct option){ .name = "help", .val = 'h' };
        if (options[i].letter)
            *letters++ = (char)options[i].letter;
        if (options[i].letter && options[i].value)
            *letters++ = ':';
    }
    strcpy(letters, "h");
}

int sl_options_read(const struct sl_command *command, const struct sl_option *options, int argc, char **argv)
{
    char letters[2 * OPTIONS_MAX + 3];
    struct option names[OPTIONS_MAX + 2] = { 0 };
    list_options(options, letters, names);
    for (int said; (said = getopt_long(argc, argv, letters, names, NULL)) != -1;) {
        if (said == 'h') {
            print_help(command, options);
            return SL_EXIT_FINE;
        }
        if (said == '?')
            return refuse_option(command, options, argv[optind - 1]);
        const struct sl_option *option = option_of(options, said == ':' ? optopt : said);
        if (said == ':')
            return sl_usage_refuse(command, "--%s wants a value, %s", option->name, option->value);
        if (!option->take(option->to, optarg))
            return sl_usage_refuse(command, "--%s: %s expected, not '%s'", option->name, option->wish, optarg);
    }
    if (!command->operands && optind != argc)
        return sl_usage_refuse(command, "'%s' is one argument too many", argv[optind]);
    if (command->operands && *command->operands && optind == argc)
        return sl_usage_refuse(command, "%s expected, and there is none", command->operands);
    return -1;
}

bool sl_take_flag(void *to, char *value)
{
    (void)value;
    *(bool *)to = true;
    return true;
}

bool sl_take_text(void *to, char *value)
{
    *(const char **)to = value;
    return true;
}

bool sl_take_number(void *to, char *value) { return sl_config_count(value, to); }

bool sl_take_count(void *to, char *value) { return sl_config_count(value, to) && *(uint64_t *)to; }

bool sl_take_moment(void *to, char *value)
{
    struct sl_moment *moment = to;
    enum sl_date_zone given;
    if (sl_take_count(&moment->seq, value))
        return true;
    moment->seq = 0;
    return sl_date_iso((const uint8_t *)value, (uint32_t)strlen(value), NULL, &moment->ns, &given);
}

bool sl_take_duration(void *to, char *value) { return sl_config_duration(value, to) && *(int64_t *)to; }
