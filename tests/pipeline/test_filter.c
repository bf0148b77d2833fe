#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include "pipeline/client.h"
#include "pipeline/filter.h"

static _Alignas(8) unsigned char mem[16384];

/* One bulletin that says something in every kind of field, and leaves some unsaid. */
static struct sl_event make_event(void)
{
    static struct sl_out out;
    sl_out_begin(&out, mem, sizeof(mem), 1);
    struct sl_bulletin *root = sl_out_root(&out);
    root->kind = SL_KIND_CORRECTION;
    root->urgency = 2;
    root->pubstatus = SL_PUB_USABLE;
    root->version_created = 1767607200ll * SL_TIME_NS; /* 2026-01-05T10:00:00Z */
    sl_out_text(&out, SL_TEXT_ID, "xna:17", 6);
    sl_out_text(&out, SL_TEXT_PROVIDER, "xna", 3);
    sl_out_text(&out, SL_TEXT_LANGUAGE, "en-GB", 5);
    static const char headline[] = "Caf\xc3\xa9 reopens: \"100%* better\"";
    sl_out_text(&out, SL_TEXT_HEADLINE, headline, sizeof(headline) - 1);
    struct sl_ref none = { 0, 0 };
    sl_out_item(&out, SL_LIST_SUBJECTS, sl_out_ref(&out, "medtop", 6), sl_out_ref(&out, "04000000", 8),
                sl_out_ref(&out, "economy", 7), none);
    sl_out_item(&out, SL_LIST_SUBJECTS, none, sl_out_ref(&out, "spo", 3), none, none);
    sl_out_item(&out, SL_LIST_SYMBOLS, sl_out_ref(&out, "ASX", 3), none, sl_out_ref(&out, "UGL", 3), none);
    sl_out_word(&out, SL_LIST_CATEGORIES, "i", 1);
    cr_assert_neq(sl_out_finish(&out), 0u);
    return (struct sl_event){ .type = SL_EVENT_BULLETIN,
                              .seq = 17,
                              .feed = "dpa",
                              .lane = 1,
                              .verdict = SL_VERDICT_PASSED,
                              .bulletin = (const struct sl_bulletin *)mem };
}

static const struct match_case {
    const char *expression;
    bool fits;
} matches[] = {
    {"urgency <= 2",                                                  true },
    { "urgency < 2",                                                  false},
    { "urgency >= 3 or urgency == 2",                                 true },
    { "urgency in [1, 2, 3]",                                         true },
    { "urgency not in [1, 2, 3]",                                     false},
    { "take == 0",                                                    false},
    { "take != 3",                                                    true },
    { "take",                                                         false},
    { "seq > 16 and seq < 18",                                        true },
    { "kind == \"correction\"",                                       true },
    { "kind in ['kill', \"correction\"]",                             true },
    { "kind != 'kill'",                                               true },
    { "signal",                                                       false},
    { "signal == 'kill'",                                             false},
    { "signal != 'kill'",                                             true },
    { "status == 'usable'",                                           true },
    { "lane == 'urgent' and verdict == 'passed'",                     true },
    { "lane",                                                         true },
    { "created",                                                      true },
    { "created >= '2026-01-05T10:00:00Z'",                            true },
    { "created > '2026-01-05T11:00:00+01:00'",                        false},
    { "embargoed",                                                    false},
    { "embargoed > '2000-01-01T00:00:00Z'",                           false},
    { "not embargoed",                                                true },
    { "feed in [\"dpa\", \"afp\"]",                                   true },
    { "feed == \"DPA\"",                                              false},
    { "feed ~ \"DP?\"",                                               true },
    { "lang == \"en\"",                                               true },
    { "lang == \"EN-gb\"",                                            true },
    { "language == \"e\"",                                            false},
    { "lang == \"en-GB-x\"",                                          false},
    { "lang ~ '*gb'",                                                 true },
    { "headline ~ \"*REOPENS*\"",                                     true },
    { "headline ~ \"reopens\"",                                       false},
    { "headline ~ 'caf? re*'",                                        true },
    { "headline ~ '*\\**'",                                           true },
    { "headline ~ '*\\?*'",                                           false},
    { "headline ~ '*%* better*'",                                     true },
    { "headline ~ '***'",                                             true },
    { "headline ~ ''",                                                false},
    { "headline == 'Caf\xc3\xa9 reopens: \\\"100%* better\\\"'",      true },
    { "headline !~ '*kill*'",                                         true },
    { "slugline ~ '*'",                                               false},
    { "slugline !~ '*'",                                              true },
    { "slugline",                                                     false},
    { "subject ~ \"medtop:04*\"",                                     true },
    { "subject == \"04000000\"",                                      true },
    { "subject == 'economy'",                                         true },
    { "subject == 'medtop'",                                          false},
    { "subject == 'medtop:spo'",                                      false},
    { "subject in ['x', 'spo']",                                      true },
    { "subject != 'spo'",                                             false},
    { "symbol == 'ASX:UGL' and symbol == 'UGL'",                      true },
    { "category == 'i'",                                              true },
    { "keyword",                                                      false},
    { "keyword != 'x'",                                               true },
    { "not (urgency == 2)",                                           false},
    { "not not urgency == 2",                                         true },
    { "not urgency == 1 and feed == 'dpa'",                           true },
    { "urgency == 1 and feed == 'x' or lang == 'en'",                 true },
    { "urgency == 1 and (feed == 'x' or lang == 'en')",               false},
    { "(urgency == 2 or take) and (take or not lang == 'en')",        false},
    { "take and take or urgency == 2 and feed ~ 'd*' and not signal", true },
};

Test(filter, a_bulletin_fits_what_is_true_of_it)
{
    struct sl_event event = make_event();
    for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
        struct sl_filter *filter;
        struct sl_filter_err err;
        int rc = sl_filter_compile(&filter, matches[i].expression, &err);
        cr_assert_eq(rc, 0, "%s: at %u: %s", matches[i].expression, err.off, err.text);
        cr_expect_eq(sl_filter_match(filter, &event), matches[i].fits, "%s", matches[i].expression);
        sl_filter_free(filter);
    }
}

static const struct refusal_case {
    const char *expression;
    unsigned off;
    const char *says; /* a part of the sentence */
} refusals[] = {
    {"",                                                                                  0,   "a field was expected"  },
    { "  ",                                                                               2,   "a field was expected"  },
    { "urgencie <= 2",                                                                    0,   "did you mean urgency"  },
    { "xyzzy == 2",                                                                       0,   "no field"              },
    { "urgency <= 'two'",                                                                 11,  "whole number"          },
    { "urgency <= 1234567890123456789",                                                   11,  "whole number"          },
    { "urgency = 2",                                                                      8,   "no operator"           },
    { "urgency == 2 && take",                                                             13,  "no operator"           },
    { "urgency == 2 feed == 'x'",                                                         13,  "the end was expected"  },
    { "urgency ~ 'x'",                                                                    8,   "holds no text"         },
    { "feed < 'x'",                                                                       5,   "has no order"          },
    { "kind < 'kill'",                                                                    5,   "has no order"          },
    { "kind == 'kil'",                                                                    8,   "did you mean \"kill\"" },
    { "kind == 'zzz'",                                                                    8,   "is one of \"news\""    },
    { "kind == 3",                                                                        8,   "is one of"             },
    { "lane == 'flush'",                                                                  8,   "did you mean \"flash\""},
    { "created > 17",                                                                     10,  "is a time"             },
    { "created > 'yesterday'",                                                            10,  "is a time"             },
    { "headline == 2",                                                                    12,  "in quotes"             },
    { "headline == 'open",                                                                12,  "no end"                },
    { "headline == 'open\\'",                                                             12,  "no end"                },
    { "feed in 'dpa'",                                                                    8,   "a list was expected"   },
    { "feed in []",                                                                       9,   "in quotes"             },
    { "feed in ['a' 'b']",                                                                13,  "a comma or"            },
    { "feed in ['a'",                                                                     12,  "a comma or"            },
    { "feed not == 'a'",                                                                  9,   "'in' was expected"     },
    { "(urgency == 2",                                                                    13,  "the ) for the ( at 0"  },
    { "urgency == 2)",                                                                    12,  "the end was expected"  },
    { "not",                                                                              0,   "behind 'not'"          },
    { "urgency == 2 and",                                                                 16,  "a field was expected"  },
    { "urgency == 2 or or",                                                               16,  "no field"              },
    { "urgency ==",                                                                       10,  "whole number"          },
    { "headline == 'a\tb\x01'",                                                           16,  "UTF-8 text"            },
    { "headline == '\xff'",                                                               13,  "UTF-8 text"            },
    { "# == 2",                                                                           0,   "was expected"          },
    { "((((((((((((((((((((((((((((((((((((((((urgency",                                  32,  "at most 32 parentheses"},
    { "not not not not not not not not not not not not not not not not "
      "not not not not not not not not not not not not not not not not not urgency", 128, "at most 32"            },
};

Test(filter, what_cannot_be_understood_is_refused_with_its_place_and_the_wish)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        const struct refusal_case *row = &refusals[i];
        struct sl_filter *filter;
        struct sl_filter_err err;
        cr_assert_eq(sl_filter_compile(&filter, row->expression, &err), -EINVAL, "%s", row->expression);
        cr_expect_eq(err.off, row->off, "%s: %u %s", row->expression, err.off, err.text);
        cr_expect(strstr(err.text, row->says), "%s: %s", row->expression, err.text);
        cr_expect_eq(sl_filter_compile(&filter, row->expression, NULL), -EINVAL);
    }
}

Test(filter, what_is_too_long_is_refused_and_what_just_fits_is_taken)
{
    static char text[SL_FILTER_LEN_MAX + 2];
    struct sl_filter *filter;
    struct sl_filter_err err;
    /* Six bytes an "or" half: 585 values, more than there is room for. */
    for (size_t at = 0; at + 7 < SL_FILTER_LEN_MAX; at += 7)
        memcpy(text + at, "seq or ", 7);
    memcpy(text + SL_FILTER_LEN_MAX - 8, "seq    ", 8);
    int rc = sl_filter_compile(&filter, text, &err);
    cr_expect_eq(rc, -EINVAL);
    cr_expect(strstr(err.text, "too long"), "%s", err.text);

    memset(text, 0, sizeof(text));
    memset(text, ' ', SL_FILTER_LEN_MAX);
    memcpy(text, "seq", 3);
    cr_assert_eq(sl_filter_compile(&filter, text, &err), 0, "%s", err.text);
    sl_filter_free(filter);
    text[SL_FILTER_LEN_MAX] = ' ';
    cr_expect_eq(sl_filter_compile(&filter, text, &err), -EINVAL);
    cr_expect_eq(err.off, SL_FILTER_LEN_MAX);
}

Test(filter, events_that_are_no_bulletins_fit_always)
{
    struct sl_filter *filter;
    struct sl_event event = { .type = SL_EVENT_MISSED, .feed = "" };
    cr_assert_eq(sl_filter_compile(&filter, "urgency == 9", NULL), 0);
    cr_expect(sl_filter_match(filter, &event));
    sl_filter_free(filter);
    sl_filter_free(NULL);
}

Test(filter, every_field_can_be_asked_for)
{
    struct sl_event event = make_event();
    unsigned cnt = 0;
    for (const char *name; (name = sl_filter_field(cnt)); cnt++) {
        struct sl_filter *filter;
        struct sl_filter_err err;
        cr_assert_eq(sl_filter_compile(&filter, name, &err), 0, "%s: %s", name, err.text);
        sl_filter_match(filter, &event);
        sl_filter_free(filter);
        if (cnt)
            cr_expect_lt(strcmp(sl_filter_field(cnt - 1), name), 0, "%s: in alphabetical order", name);
    }
    cr_expect_gt(cnt, 30u);
}
