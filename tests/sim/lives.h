/* tests/sim/lives.h - the disk of tests/sim/lives.c, in place of disk.c: made of chance, it fails, tears and forgets.
 *
 * Threads   One.
 */
#ifndef SL_TESTS_SIM_LIVES_H
#define SL_TESTS_SIM_LIVES_H

#include "tests/dice.h"

struct bad_disk {
    struct dice *dice;
    int64_t *now_ns; /* moves on while somebody waits */
    uint32_t fails_in_1000; /* writes that end in an error */
    uint64_t failed_cnt, torn_cnt;
};
extern struct bad_disk bad_disk;

/* Of what is under way, each write comes whole or not at all: its process was killed. */
void bad_disk_kill(void);
/* Any sectors of it come. */
void bad_disk_power_goes(void);

#endif
