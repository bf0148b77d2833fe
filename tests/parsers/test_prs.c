#include "tests/parsers/wire_samples.h"

#define RELEASE(parts) "<release id='r' lang='no'>" parts "</release>"

Test(prs, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("prs"), 6u); }

static const struct fact_case {
    const char *name, *wire;
    enum sl_text text;
    const char *want;
    bool is_embargoed;
} facts[] = {
    {"id",                    RELEASE(""),                                                            SL_TEXT_ID,       "r",              false},
    { "language",             RELEASE(""),                                                            SL_TEXT_LANGUAGE, "no",             false},
    { "lead before body",     RELEASE("<body>&lt;p&gt;B&lt;/p&gt;</body><leadtext>L</leadtext>"),     SL_TEXT_BODY,     "L\n\nB",
     false                                                                                                                                     },
    { "no embargo",           RELEASE("<embargo/>"),                                                  SL_TEXT_ID,       "r",              false},
    { "embargo",              RELEASE("<embargo>06.01.2026 14:30</embargo>"),                         SL_TEXT_ID,       "r",              true },
    { "doubtful embargo",     RELEASE("<embargo>soon</embargo>"),                                     SL_TEXT_ID,       "r",              true },
    { "contacts",             RELEASE("<contactsAsText>C</contactsAsText>"),                          SL_TEXT_BODY,     "",               false},
    { "publisher's keywords", RELEASE("<publisher><keywords>k</keywords><name>N</name></publisher>"), SL_TEXT_BODY,     "",
     false                                                                                                                                     },
    { "entities",             RELEASE("<body>&lt;p&gt;&amp;ndash; a&lt;/p&gt;</body>"),               SL_TEXT_BODY,     "\342\200\223 a", false},
};

Test(prs, a_release_says_what_it_means)
{
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        const struct fact_case *row = &facts[i];
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_PRS, row->wire, strlen(row->wire), &bulletin), SL_PARSE_OK, "%s", row->name);
        expect_text(row->name, bulletin, row->text, row->want);
        cr_expect_eq((bulletin->flags & SL_BULLETIN_EMBARGOED) != 0, row->is_embargoed, "%s", row->name);
    }
}

Test(prs, what_has_no_id_is_refused)
{
    const struct sl_bulletin *bulletin;
    cr_expect_eq(parse_one(SL_FORMAT_PRS, "<release/>", 10, &bulletin), SL_PARSE_BAD_HEADER);
    cr_expect_eq(parse_one(SL_FORMAT_PRS, "<other/>", 8, &bulletin), SL_PARSE_END);
}
