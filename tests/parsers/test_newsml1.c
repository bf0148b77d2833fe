#include "tests/parsers/wire_samples.h"

Test(newsml1, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("newsml1"), 15u); }
