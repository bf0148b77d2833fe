/* pipeline/commands.h - the commands of slugline, each the main of its own.
 *
 * Threads   The process's first.
 * Owns      argv is borrowed; argv[0] is the command's name.
 * Errors    The exit status: see enum sl_exit.
 */
#ifndef SL_PIPELINE_COMMANDS_H
#define SL_PIPELINE_COMMANDS_H

#define SL_CONFIG_DEFAULT "/etc/slugline/slugline.yaml"

enum sl_exit { SL_EXIT_FINE, SL_EXIT_FINDING, SL_EXIT_USAGE, SL_EXIT_NO_DAEMON };

int sl_cmd_run(int argc, char **argv);
int sl_cmd_check(int argc, char **argv);
int sl_cmd_parse(int argc, char **argv);
int sl_cmd_tail(int argc, char **argv);
int sl_cmd_status(int argc, char **argv);
int sl_cmd_gen(int argc, char **argv);
int sl_cmd_demo(int argc, char **argv);

#endif
