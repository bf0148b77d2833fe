#include "pipeline/commands.h"

#include "pipeline/config.h"
#include "pipeline/say.h"
#include "pipeline/visit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

volatile sig_atomic_t sl_stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    sl_stopped++;
}

void sl_hear_stop(void)
{
    /* Without SA_RESTART, so that a sleep ends. */
    struct sigaction action = { .sa_handler = stop };
    struct sigaction before;
    /* A child of the supervisor leaves a terminal's Ctrl-C to it. */
    if (sigaction(SIGINT, NULL, &before) || before.sa_handler != SIG_IGN)
        sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void sl_print_bytes(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\\')
            fputs("\\\\", stdout);
        else if (data[i] == '\n' || (data[i] >= ' ' && data[i] < 0x7f))
            putchar(data[i]);
        else
            printf("\\x%02x", data[i]);
    }
    putchar('\n');
}

bool sl_command_config(struct sl_config *config, const char *path)
{
    char err[512];
    int rc = sl_config_read(config, path, err, sizeof(err));
    if (rc)
        sl_say(SL_SAY_ERROR, "config: %s", err);
    return !rc;
}

int sl_daemon_refuse(const struct sl_command *command, const char *socket, int rc)
{
    bool nobody = rc == -ENOENT || rc == -ECONNREFUSED || rc == -EAGAIN || rc == -ETIMEDOUT;
    fprintf(stderr, "slugline: %s: %s: %s%s\n", command->name, sl_visit_socket(socket), strerror(-rc),
            rc == -EACCES ? "; see the groups in the daemon's configuration" : "");
    return nobody ? SL_EXIT_NO_DAEMON : SL_EXIT_FINDING;
}
