/* pipeline/commands.h - the commands of slugline, each the main of its own, and what several need.
 *
 * main.c lists them.
 *
 * Threads   The process's first.
 * Owns      argv is borrowed; argv[0] is the command's name.
 * Errors    The exit status: see enum sl_exit.
 */
#ifndef SL_PIPELINE_COMMANDS_H
#define SL_PIPELINE_COMMANDS_H

#include "pipeline/client.h"
#include "pipeline/options.h"

#include <signal.h>

enum sl_exit { SL_EXIT_FINE, SL_EXIT_FINDING, SL_EXIT_USAGE, SL_EXIT_NO_DAEMON };

int sl_cmd_run(const struct sl_command *command, int argc, char **argv);
int sl_cmd_check(const struct sl_command *command, int argc, char **argv);
int sl_cmd_parse(const struct sl_command *command, int argc, char **argv);
int sl_cmd_tail(const struct sl_command *command, int argc, char **argv);
int sl_cmd_replay(const struct sl_command *command, int argc, char **argv);
int sl_cmd_top(const struct sl_command *command, int argc, char **argv);
int sl_cmd_status(const struct sl_command *command, int argc, char **argv);
int sl_cmd_gen(const struct sl_command *command, int argc, char **argv);
int sl_cmd_demo(const struct sl_command *command, int argc, char **argv);
int sl_cmd_doctor(const struct sl_command *command, int argc, char **argv);
int sl_cmd_bench(const struct sl_command *command, int argc, char **argv);
int sl_cmd_sink(const struct sl_command *command, int argc, char **argv);
int sl_cmd_journal(const struct sl_command *command, int argc, char **argv);

#define SL_CONFIG_DEFAULT "/etc/slugline/slugline.yaml"

/* Options that several commands have; to is a const char *. */
/* clang-format off */
#define SL_OPTION_CONFIG(to) { 'c', "config", "FILE", \
    "configuration; default " SL_CONFIG_DEFAULT ", - for standard input", sl_take_text, to, NULL }
#define SL_OPTION_SOCKET(to) { 's', "socket", "PATH", \
    "where the daemon hands out its tape; default $SLUGLINE_SOCKET,\nthen " SL_READER_DEFAULT_SOCKET, \
    sl_take_text, to, NULL }
/* clang-format on */

/* How often INT or TERM asked us to stop, once heard.  They end a sleep. */
extern volatile sig_atomic_t sl_stopped;
void sl_hear_stop(void);

/* To standard output, with a line end: printable ASCII and line ends as they are; what would change the terminal, or be
 * taken for one of these, by its number. */
void sl_print_bytes(const uint8_t *data, size_t len);

/* Reads the configuration of a command that stays; false: it has said what is wrong with it. */
struct sl_config;
bool sl_command_config(struct sl_config *config, const char *path);

/* Says why the daemon at this socket (NULL: the default) cannot be asked; the exit status. */
int sl_daemon_refuse(const struct sl_command *command, const char *socket, int rc);

#endif
