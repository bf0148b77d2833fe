/* pipeline/doctor.h - what this host lacks for the wires, in words, with the command that mends it.
 *
 *     /proc, /sys, a configuration --> [ doctor ] --> findings
 *
 * Life      examine; nothing to end.
 * Threads   One.
 * Owns      The caller's struct holds everything; borrows the configuration.
 * Errors    None: what cannot be read is a finding, or is left out where hosts differ.
 * Units     Bytes.
 *
 * Looks, and changes nothing.  root stands before every path, so that a test can bring a host of its own.
 */
#ifndef SL_PIPELINE_DOCTOR_H
#define SL_PIPELINE_DOCTOR_H

#include "pipeline/topo.h"

#define SL_DOCTOR_FINDINGS 128u

enum sl_doctor_state {
    SL_DOCTOR_FINE,
    SL_DOCTOR_BETTER, /* it works, and would be faster or safer otherwise */
    SL_DOCTOR_LACKS, /* what the configuration asks for cannot be had */
};

struct sl_finding {
    enum sl_doctor_state state;
    char about[24]; /* a word or two, the same on every host */
    char says[256];
    char remedy[256]; /* a command, or a kernel's option; "" where none is needed */
};

struct sl_doctor {
    const char *root; /* "" this host */
    const struct sl_config *config; /* NULL: what any wire would want */
    const struct sl_topo *topo; /* of it */
    struct sl_finding findings[SL_DOCTOR_FINDINGS];
    uint32_t cnt;
};

/* root, config and topo are set.  The gravest state that was found. */
enum sl_doctor_state sl_doctor_examine(struct sl_doctor *doctor);

const char *sl_doctor_state_name(enum sl_doctor_state state); /* "fine", "better", "lacks" */

#endif
