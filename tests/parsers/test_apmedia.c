#include "tests/parsers/wire_samples.h"

Test(apmedia, samples_mean_what_stands_beside_them) { cr_expect_geq(run_samples("apmedia"), 6); }
