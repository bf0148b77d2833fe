#include "pipeline/commands.h"
#include "pipeline/sink.h"

/* A sink that is a program of its own: slugline-sink-SL_SINK_NAME NAME -c FILE, started by slugline sink NAME. */

int main(int argc, char **argv)
{
    static const struct sl_command command = { "sink",
                                               sl_cmd_sink,
                                               "one sink of the configuration",
                                               "NAME [-c FILE] [-v]",
                                               "NAME, of a sink in the configuration,",
                                               "" };
    return sl_cmd_sink(&command, argc, argv);
}
