#include "tests/parsers/wire_samples.h"

#define NEWS(parts) "<RBNews><NewsID>n</NewsID>" parts "</RBNews>"

Test(ritzau, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("ritzau"), 6u); }

static const struct fact_case {
    const char *name, *wire;
    enum sl_text text;
    const char *want;
    enum sl_kind kind;
} facts[] = {
    {"id",                    NEWS(""),                                                          SL_TEXT_ID,           "n",      SL_KIND_NEWS  },
    { "cancelled",            NEWS("<Annuleret>true</Annuleret>"),                               SL_TEXT_EVOLVED_FROM, "n",      SL_KIND_KILL  },
    { "not cancelled",        NEWS("<Annuleret>false</Annuleret>"),                              SL_TEXT_EVOLVED_FROM, "",       SL_KIND_NEWS  },
    { "correction",           NEWS("<Korrektion>true</Korrektion><replacedID>o</replacedID>"),   SL_TEXT_EVOLVED_FROM, "o",
     SL_KIND_CORRECTION                                                                                                                        },
    { "version",              NEWS("<NyVersion>true</NyVersion><version>2</version>"),           SL_TEXT_VERSION,      "2",      SL_KIND_UPDATE},
    { "note to editors",      NEWS("<TilRedaktionen>Ny tid</TilRedaktionen>"),                   SL_TEXT_EDNOTE,       "Ny tid", SL_KIND_NEWS  },
    { "words for a headline", NEWS("<headline/><content>&lt;p&gt;A ferry.&lt;/p&gt;</content>"), SL_TEXT_HEADLINE,
     "A ferry.",                                                                                                                 SL_KIND_NEWS  },
    { "escaped twice",        NEWS("<content>&lt;p&gt;a&amp;amp;amp;b&lt;/p&gt;</content>"),     SL_TEXT_BODY,         "a&b",
     SL_KIND_NEWS                                                                                                                              },
};

Test(ritzau, a_story_says_what_it_means)
{
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        const struct fact_case *row = &facts[i];
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_RITZAU, row->wire, strlen(row->wire), &bulletin), SL_PARSE_OK, "%s",
                     row->name);
        expect_text(row->name, bulletin, row->text, row->want);
        cr_expect_eq(bulletin->kind, row->kind, "%s: %s", row->name, sl_kind_name(bulletin->kind));
    }
}

Test(ritzau, a_code_of_the_iptc_gets_its_zero_back)
{
    const struct sl_bulletin *bulletin;
    static const char wire[] = NEWS("<IPTCList><int>4000000</int><int>15000000</int><int>x</int></IPTCList>");
    cr_assert_eq(parse_one(SL_FORMAT_RITZAU, wire, sizeof(wire) - 1, &bulletin), SL_PARSE_OK);
    cr_assert_eq(bulletin->list[SL_LIST_SUBJECTS].cnt, 2);
    struct sl_slice code = sl_bulletin_ref(bulletin, sl_bulletin_items(bulletin, SL_LIST_SUBJECTS)[0].part[1]);
    cr_expect(code.len == 8 && memcmp(code.data, "04000000", 8) == 0);
}

Test(ritzau, what_has_no_id_is_refused_and_an_empty_queue_says_nothing)
{
    const struct sl_bulletin *bulletin;
    cr_expect_eq(parse_one(SL_FORMAT_RITZAU, "<RBNews><town>T</town></RBNews>", 31, &bulletin), SL_PARSE_BAD_HEADER);
    cr_expect_eq(parse_one(SL_FORMAT_RITZAU, "<XMLNewsQueuedResponse/>", 24, &bulletin), SL_PARSE_END);
}
