#include "pipeline/commands.h"

#include "pipeline/nearest.h"
#include "pipeline/say.h"
#include "pipeline/sink.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What this program can be by itself; the others are programs of their own, beside it or in libexec. */
static const struct sl_sink_type *const types[SL_SINK_KIND_CNT] = {
#ifdef SL_SINK_ALONE
    [SL_SINK_ALONE_KIND] = &SL_SINK_ALONE,
#else
    [SL_SINK_EXEC] = &sl_sink_exec,
    [SL_SINK_FILES] = &sl_sink_files,
    [SL_SINK_MULTICAST] = &sl_sink_multicast,
#endif
};

static const struct sl_config_sink *find_sink(const struct sl_config *config, const char *name)
{
    const char *names[SL_SINKS_MAX + 1] = { NULL };
    for (uint32_t s = 0; s < config->sink_cnt; s++) {
        if (!strcmp(config->sinks[s].name, name))
            return &config->sinks[s];
        names[s] = config->sinks[s].name;
    }
    const char *near = sl_nearest_of(name, names);
    sl_say(SL_SAY_ERROR, "sink: %s has no sink '%s'%s%s%s", config->path, name, near ? "; did you mean " : "",
           near ? near : "", near ? "?" : "");
    return NULL;
}

/* Returns only when there is no such program. */
static void become(const char *kind, char **argv)
{
    char own[PATH_MAX - 64], path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (len > 0) {
        own[len] = '\0';
        snprintf(path, sizeof(path), "%.*s/slugline-sink-%s", (int)(strrchr(own, '/') - own), own, kind);
        execv(path, argv);
    }
    snprintf(path, sizeof(path), "%s/slugline-sink-%s", SL_LIBEXEC, kind);
    execv(path, argv);
    sl_say(SL_SAY_ERROR, "sink: type %s is a program of its own, which is not installed: %s: %s", kind, path,
           strerror(errno));
}

int sl_cmd_sink(const struct sl_command *command, int argc, char **argv)
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
    if (optind + 1 != argc)
        return sl_usage_refuse(command, "one NAME is expected");
    sl_say_init(verbose ? SL_SAY_DEBUG : SL_SAY_INFO);
    struct sl_config config;
    if (!sl_command_config(&config, path))
        return SL_EXIT_FINDING;
    const struct sl_config_sink *wants = find_sink(&config, argv[optind]);
    status = SL_EXIT_FINDING;
    if (wants && types[wants->type])
        status = sl_sink_run(&config, wants, types[wants->type]);
    else if (wants)
        become(sl_sink_names[wants->type], argv);
    sl_config_free(&config);
    return status;
}
