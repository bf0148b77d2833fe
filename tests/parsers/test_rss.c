#include "tests/parsers/wire_samples.h"

#define RSS(items) "<rss><channel><link>http://c.example/</link><title>C</title>" items "</channel></rss>"

Test(rss, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("rss"), 15u); }

static const struct fact_case {
    const char *name, *wire;
    enum sl_text text;
    const char *want;
} facts[] = {
    {"guid",                                 RSS("<item><link>http://l</link><guid>g</guid></item>"),                           SL_TEXT_ID,       "g"        },
    { "link for a guid",                     RSS("<item><link>http://l</link></item>"),                                         SL_TEXT_ID,       "http://l" },
    { "host",                                RSS("<item><guid>g</guid></item>"),                                                SL_TEXT_PROVIDER, "c.example"},
    { "title",                               RSS("<item><guid>g</guid></item>"),                                                SL_TEXT_CREDIT,   "C"        },
    { "name in brackets",                    RSS("<item><guid>g</guid><author>a@b (N)</author></item>"),                        SL_TEXT_BYLINE,   "N"        },
    { "creator wins",                        RSS("<item><guid>g</guid><author>a@b</author><dc:creator>N</dc:creator></item>"),  SL_TEXT_BYLINE,
     "N"                                                                                                                                                     },
    { "the first title",                     RSS("<item><guid>g</guid><title>A</title><title>B</title></item>"),                SL_TEXT_HEADLINE, "A"        },
    { "HTML in a title",                     RSS("<item><guid>g</guid><title>&lt;b&gt;A&lt;/b&gt; &amp;amp; B</title></item>"),
     SL_TEXT_HEADLINE,                                                                                                                            "A & B"    },
    { "media's own title is not the item's",
     "<rss xmlns:media='http://search.yahoo.com/mrss/'><channel><item><guid>g</guid><media:title>M</media:title>"
      "<title>A</title></item></channel></rss>",                                                                                SL_TEXT_HEADLINE, "A"        },
    { "twice encoded",                       RSS("<item><guid>g</guid><title>caf\303\203\302\251</title></item>"),              SL_TEXT_HEADLINE,
     "caf\303\251"                                                                                                                                           },
    { "capitals are not",                    RSS("<item><guid>g</guid><title>ALEM\303\203\302\273</title></item>"),             SL_TEXT_HEADLINE,
     "ALEM\303\203\302\273"                                                                                                                                  },
    { "image is no item",                    RSS("<image><title>I</title></image><item><guid>g</guid></item>"),                 SL_TEXT_CREDIT,   "C"        },
};

Test(rss, an_item_says_what_it_means)
{
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        const struct fact_case *row = &facts[i];
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_RSS, row->wire, strlen(row->wire), &bulletin), SL_PARSE_OK, "%s", row->name);
        expect_text(row->name, bulletin, row->text, row->want);
    }
}

static const struct refused_case {
    const char *wire;
    enum sl_parse_code code;
} refused[] = {
    {"<rss><channel></channel></rss>",                                     SL_PARSE_END      },
    { "<rss/>",                                                            SL_PARSE_END      },
    { RSS("<item><guid>g</guid><wp:post_type>page</wp:post_type></item>"), SL_PARSE_END      },
    { "<feed/>",                                                           SL_PARSE_BAD_FRAME},
    { "<rss><channel><item>",                                              SL_PARSE_CUT      },
    { "<!DOCTYPE rss [<!ENTITY a 'b'>]><rss/>",                            SL_PARSE_REFUSED  },
};

Test(rss, what_says_nothing_or_is_no_feed_is_told_apart)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        const struct sl_bulletin *bulletin;
        enum sl_parse_code code = parse_one(SL_FORMAT_RSS, refused[i].wire, strlen(refused[i].wire), &bulletin);
        cr_expect_eq(code, refused[i].code, "%s: %s", refused[i].wire, sl_parse_code_name(code));
    }
}
