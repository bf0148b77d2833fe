/* bench/wires.h - documents of the length that wires have, for benches that measure parsers.
 *
 * Life      write makes the files; remove takes them away again.
 * Errors    0 or -errno.
 * Units     Bytes.
 *
 * Samples of tests/wire are made of edges, and a tenth as long as what agencies send.  These are stories of the
 * synthetic wire (pipeline/gen.h), 2 to 8 KB, from a fixed seed: as gen writes them in IPTC 7901, ANPA 1312 and NITF,
 * and in the frames of the other formats around the same text.
 */
#ifndef SL_BENCH_WIRES_H
#define SL_BENCH_WIRES_H

#include "parsers/parse.h"

#define BENCH_WIRES_EACH 16u /* documents of each format */

/* FOLDER/FORMAT/NN.wire for every format that it knows; folder: mkdtemp's template, which gets the name. */
int bench_wires_write(char *folder);
void bench_wires_remove(const char *folder);

#endif
