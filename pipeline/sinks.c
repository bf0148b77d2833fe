#include "pipeline/sinks.h"

#include "pipeline/say.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESTART_MIN_NS (SL_TIME_NS / 10)
#define RESTART_MAX_NS (30 * SL_TIME_NS)
#define KILLED_MAX_NS  SL_TIME_NS
#define STEADY_NS      (10 * SL_TIME_NS) /* a sink that lived this long was not a bad start */
#define STOP_NS        (6 * SL_TIME_NS) /* its own five seconds, and one to end */

void sl_sinks_init(struct sl_sinks *sinks, const struct sl_config *config, const char *config_path)
{
    *sinks = (struct sl_sinks){ .config = config, .config_path = config_path };
    if (config->sink_cnt && !config_path) {
        sl_say(SL_SAY_ERROR, "supervisor: sinks are processes that read the configuration again: give it as a file");
        return;
    }
    for (uint32_t s = 0; s < config->sink_cnt; s++)
        sinks->each[s].restart_ns = 1; /* at once */
}

static void become_sink(const struct sl_sinks *sinks, uint32_t s, pid_t parent)
{
    const char *name = sinks->config->sinks[s].name;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_IGN); /* a terminal's Ctrl-C reaches the whole group; it is the supervisor who stops its sinks */
    signal(SIGHUP, SIG_IGN);
    /* Who kills the supervisor wants its sinks to end too, in their own orderly way. */
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) || getppid() != parent)
        _exit(1);
    execl("/proc/self/exe", "slugline", "sink", name, "-c", sinks->config_path, (char *)NULL);
    sl_say(SL_SAY_ERROR, "sink %s: cannot be started: %s", name, strerror(errno));
    _exit(1);
}

static void put_off(struct sl_sinks *sinks, uint32_t s, int64_t now_ns)
{
    int64_t wait_ns = sinks->each[s].wait_ns ? 2 * sinks->each[s].wait_ns : RESTART_MIN_NS;
    sinks->each[s].wait_ns = wait_ns < RESTART_MAX_NS ? wait_ns : RESTART_MAX_NS;
    sinks->each[s].restart_ns = now_ns + sinks->each[s].wait_ns;
}

void sl_sinks_start_due(struct sl_sinks *sinks, int64_t now_ns, void (*before_exec)(void *), void *of)
{
    if (sinks->kill_ns && now_ns > sinks->kill_ns) {
        sinks->kill_ns = 0;
        for (uint32_t s = 0; s < sinks->config->sink_cnt; s++)
            if (sinks->each[s].pid) {
                sl_say(SL_SAY_ERROR, "sink %s: does not end; killing it", sinks->config->sinks[s].name);
                kill(sinks->each[s].pid, SIGKILL);
            }
    }
    for (uint32_t s = 0; s < sinks->config->sink_cnt && !sinks->stopping; s++) {
        if (!sinks->each[s].restart_ns || now_ns < sinks->each[s].restart_ns)
            continue;
        pid_t parent = getpid(), pid = fork();
        if (pid == 0) {
            before_exec(of);
            become_sink(sinks, s, parent);
        }
        sinks->each[s].restart_ns = 0;
        sinks->each[s].start_ns = now_ns;
        sinks->each[s].pid = pid < 0 ? 0 : pid;
        if (pid < 0) {
            sl_say(SL_SAY_ERROR, "sink %s: no process: %s", sinks->config->sinks[s].name, strerror(errno));
            put_off(sinks, s, now_ns);
        }
    }
}

bool sl_sinks_bury(struct sl_sinks *sinks, pid_t pid, int status, int64_t now_ns)
{
    uint32_t s = 0;
    while (s < sinks->config->sink_cnt && sinks->each[s].pid != pid)
        s++;
    if (s == sinks->config->sink_cnt)
        return false;
    sinks->each[s].pid = 0;
    if (sinks->stopping)
        return true;
    bool was_killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    int64_t lived_ns = now_ns - sinks->each[s].start_ns;
    if (lived_ns >= STEADY_NS)
        sinks->each[s].wait_ns = 0;
    else if (lived_ns >= sinks->each[s].wait_ns)
        sinks->each[s].wait_ns /= 2; /* it lived as long as it was waited for: no longer pause than the last */
    if (was_killed && sinks->each[s].wait_ns > KILLED_MAX_NS / 2)
        sinks->each[s].wait_ns = KILLED_MAX_NS / 2; /* that says nothing of how the next start will end */
    put_off(sinks, s, now_ns);
    const char *name = sinks->config->sinks[s].name;
    double wait_s = (double)sinks->each[s].wait_ns / 1e9;
    if (WIFSIGNALED(status))
        sl_say(SL_SAY_ERROR, "sink %s: died of signal %d (%s); again in %.1f s", name, WTERMSIG(status),
               strsignal(WTERMSIG(status)), wait_s);
    else
        sl_say(SL_SAY_ERROR, "sink %s: ended with status %d; again in %.1f s", name, WEXITSTATUS(status), wait_s);
    return true;
}

void sl_sinks_stop(struct sl_sinks *sinks, int64_t now_ns)
{
    if (sinks->stopping)
        return;
    sinks->stopping = true;
    sinks->kill_ns = now_ns + STOP_NS;
    for (uint32_t s = 0; s < sinks->config->sink_cnt; s++)
        if (sinks->each[s].pid)
            kill(sinks->each[s].pid, SIGTERM);
}

bool sl_sinks_any(const struct sl_sinks *sinks)
{
    for (uint32_t s = 0; s < sinks->config->sink_cnt; s++)
        if (sinks->each[s].pid)
            return true;
    return false;
}

bool sl_sinks_due(const struct sl_sinks *sinks)
{
    for (uint32_t s = 0; s < sinks->config->sink_cnt; s++)
        if (sinks->each[s].restart_ns && !sinks->stopping)
            return true;
    return sinks->kill_ns && sl_sinks_any(sinks);
}
