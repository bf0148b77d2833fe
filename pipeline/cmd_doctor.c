#include "pipeline/commands.h"

#include "pipeline/doctor.h"
#include "pipeline/facts.h"

#include <stdio.h>
#include <unistd.h>

static void print_people(const struct sl_doctor *doctor)
{
    for (uint32_t i = 0; i < doctor->cnt; i++) {
        const struct sl_finding *finding = &doctor->findings[i];
        printf("%-7s %-15s %s\n", sl_doctor_state_name(finding->state), finding->about, finding->says);
        if (finding->remedy[0])
            printf("%-7s %-15s -> %s\n", "", "", finding->remedy);
    }
}

static void tell_programs(const struct sl_doctor *doctor, enum sl_doctor_state worst)
{
    struct sl_facts facts = { 0 };
    sl_facts_open(&facts, NULL, '{');
    sl_facts_text(&facts, "state", sl_doctor_state_name(worst));
    sl_facts_open(&facts, "findings", '[');
    for (uint32_t i = 0; i < doctor->cnt; i++) {
        const struct sl_finding *finding = &doctor->findings[i];
        sl_facts_open(&facts, NULL, '{');
        sl_facts_text(&facts, "state", sl_doctor_state_name(finding->state));
        sl_facts_text(&facts, "about", finding->about);
        sl_facts_text(&facts, "says", finding->says);
        if (finding->remedy[0])
            sl_facts_text(&facts, "remedy", finding->remedy);
        sl_facts_close(&facts, '}');
    }
    sl_facts_close(&facts, ']');
    sl_facts_close(&facts, '}');
    putchar('\n');
}

int sl_cmd_doctor(const struct sl_command *command, int argc, char **argv)
{
    static struct sl_doctor doctor = { .root = "" };
    static struct sl_config config;
    static struct sl_topo topo;
    static const char *path;
    static bool json;
    /* clang-format off */
    static const struct sl_option options[] = {
        { 'c', "config", "FILE", "judge what this configuration needs", sl_take_text, &path, NULL },
        { 'r', "root", "FOLDER", "look at FOLDER/proc and FOLDER/sys instead of this host's",
          sl_take_text, &doctor.root, NULL },
        { 'j', "json", NULL, "the findings as one object", sl_take_flag, &json, NULL },
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);
    char err[512];

    if (status >= 0)
        return status;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (path && (sl_config_read(&config, path, err, sizeof(err)) ||
                 sl_topo_plan(&topo, &config, cores > 0 ? (uint32_t)cores : 1, err, sizeof(err)))) {
        fprintf(stderr, "slugline: doctor: %s\n", err);
        return SL_EXIT_FINDING;
    }
    doctor.config = path ? &config : NULL;
    doctor.topo = path ? &topo : NULL;
    enum sl_doctor_state worst = sl_doctor_examine(&doctor);
    if (json)
        tell_programs(&doctor, worst);
    else
        print_people(&doctor);
    return worst == SL_DOCTOR_LACKS ? SL_EXIT_FINDING : SL_EXIT_FINE;
}
