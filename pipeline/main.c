#include "pipeline/commands.h"

#include <stdio.h>
#include <string.h>

static const struct sl_command commands[] = {
  /* clang-format off */
    { "run", sl_cmd_run, "take the wires in and put them on the tape: the daemon", "[-c FILE] [-v]", NULL,
      "TERM or INT: stop the lines, drain, end.  HUP: read the configuration again, change what can change.\n"
      "Exit status: 0 an orderly end, 1 otherwise, 2 usage.\n" },
    { "check", sl_cmd_check, "read the configuration, print threads, memory and bounds, stop",
      "[-c FILE] [--json] [--keys]", NULL,
      "A finding is what keeps the daemon from starting or from doing what the file says; a note is what somebody "
      "should know.\n"
      "Exit status: 0 no findings, 1 findings, 2 usage.\n" },
    { "parse", sl_cmd_parse, "say what the messages in files mean: one bulletin a line, as IPTC ninjs 3.1 in JSON",
      "[OPTIONS] FILE|- ...", "a FILE, or - for standard input,",
      "Exit status: 0 all is well, 1 a message was rejected, and standard error says where, 2 usage.\n" },
    { "tail", sl_cmd_tail, "follow the tape", "[OPTIONS]", NULL,
      "A line for people: local time, lane, feed, what it does, slugline, headline, and microseconds from the wire "
      "to here.\n"
      "Colours on a terminal only, and not where NO_COLOR is set.  When the daemon restarts, tail joins it again "
      "by itself.\n"
      "Exit status: 0 fine, 1 the tape cannot be read, 2 usage, 3 no daemon.\n" },
    { "replay", sl_cmd_replay, "play recorded traffic, or the journal, through a walk of its own, without a daemon",
      "[OPTIONS] [FILE ...]", "",
      "Prints bulletins as tail does, and at the end the books on standard error.  Several files (pcap, pcapng) are "
      "one capture,\n"
      "cut into pieces.  Without a file it plays the messages of the journal, one after the other as they were "
      "published; give the\n"
      "configuration that its feeds had, so that they mean the same again.\n"
      "Exit status: 0 fine, 1 something was rejected, cut or lost, and the books say what, 2 usage.\n" },
    { "status", sl_cmd_status, "what the daemon has received, published, refused and lost", "[OPTIONS]", NULL,
      "Exit status: 0 fine, 1 the books do not balance though nothing moves, 2 usage, 3 no daemon.\n" },
    { "top", sl_cmd_top, "the same as it changes: rates, lanes, readers, threads, on the whole terminal", "[OPTIONS]",
      NULL,
      "Four times a second, from mapped counters only: it asks the daemon nothing and slows nobody down.\n"
      "Keys: Tab goes to the next table, left and right or a column's first letter sort it, r reverses, up and down "
      "scroll,\n/ filters by name, p pauses, h helps, q quits.  When the daemon restarts, top joins it again by "
      "itself.\n"
      "Exit status: 0 fine, 1 no terminal, 2 usage, 3 no daemon.\n" },
    { "journal", sl_cmd_journal, "what is on the disk: list, print, prove whole", "ls|cat|verify [OPTIONS]",
      "ls, cat or verify",
      "ls lists the segments, cat prints records, verify reads all and names what is damaged or missing by file,\n"
      "offset and numbers.  All of them may be used while the daemon runs.  A tail that is torn is how a crash\n"
      "looks, or a write that is under way; it is no finding.\n"
      "Exit status: 0 fine, 1 damage, or the journal cannot be read, 2 usage.\n" },
    { "sink", sl_cmd_sink, "hand bulletins on: one sink of the configuration, by itself", "NAME [-c FILE] [-v]",
      "NAME, of a sink in the configuration,",
      "slugline run starts all sinks itself; this is for one that is a service of its own, or to try one.  It goes\n"
      "on where its place on disk says, and waits for the daemon where there is none.  TERM or INT: give what waits,\n"
      "end.\n"
      "Exit status: 0 an orderly end, 1 otherwise, 2 usage.\n" },
    { "gen", sl_cmd_gen, "send synthetic wires", "--to URL [--to URL ...] [OPTIONS]", NULL,
      "Every message has a moment when it is due, kept by the schedule alone and written into it (a note to editors: "
      "due, and\n"
      "nanoseconds since 1970).  Who is late sends late, never less, so that a reader sees every stall.\n"
      "Exit status: 0 all sent, 1 not all, 2 usage, 3 the other side is not there.\n" },
    { "demo", sl_cmd_demo, "a wire, a daemon and a reader on this machine, for ten seconds", "[OPTIONS]", NULL,
      "Everything is real but the news: two senders, the daemon with two feeds, and this process as a reader of its "
      "tape.  It needs\n"
      "no rights, uses loopback only, keeps its files in a folder of its own, and leaves nothing behind.\n"
      "Exit status: 0 the books balance, 1 they do not or something failed, 2 usage.\n" },
    { "doctor", sl_cmd_doctor, "what this host lacks, in words, and the command that mends it", "[-c FILE] [--json]",
      NULL,
      "fine, better (it works, and would be faster or safer otherwise), lacks (what the configuration asks for cannot "
      "be had).\nIt looks, and changes nothing.  Without -c it judges what any wire would want.\n"
      "Exit status: 0 nothing lacks, 1 something does, 2 usage.\n" },
    { "bench", sl_cmd_bench, "how fast it is on this host, where the time goes, and beside what", "[OPTIONS]", NULL,
      "Runs every bench of the folder where slugline was built, beside peers and limits in the same run, and makes "
      "report.html.\n"
      "A goal that is missed is told, and is no failure: hosts differ.\n"
      "Exit status: 0 all ran, 1 one failed, or there are none here, 2 usage.\n" },
  /* clang-format on */
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
            return commands[i].run(&commands[i], argc - 1, argv + 1);
    fprintf(stderr, "slugline: '%s' is no command; slugline --help lists them\n", argv[1]);
    return SL_EXIT_USAGE;
}
