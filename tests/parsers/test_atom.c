#include "tests/parsers/wire_samples.h"

#define FEED(entries) "<feed xmlns='http://www.w3.org/2005/Atom'><id>tag:f.example,2026:f</id>" entries "</feed>"

Test(atom, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("atom"), 10u); }

static const struct fact_case {
    const char *name, *wire;
    enum sl_text text;
    const char *want;
    enum sl_kind kind;
} facts[] = {
    {"id",               FEED("<entry><id>e</id></entry>"),                                                        SL_TEXT_ID,       "e",         SL_KIND_NEWS},
    { "authority",       FEED("<entry><id>e</id></entry>"),                                                        SL_TEXT_PROVIDER, "f.example", SL_KIND_NEWS},
    { "text stays",      FEED("<entry><id>e</id><title>&lt;b&gt;</title></entry>"),                                SL_TEXT_HEADLINE, "<b>",       SL_KIND_NEWS},
    { "html is read",    FEED("<entry><id>e</id><title type='html'>&lt;b&gt;A&lt;/b&gt;</title></entry>"),
     SL_TEXT_HEADLINE,                                                                                                               "A",         SL_KIND_NEWS},
    { "author",          FEED("<entry><id>e</id><author><email>a@b</email><name>N</name></author></entry>"),       SL_TEXT_BYLINE,   "N",
     SL_KIND_NEWS                                                                                                                                             },
    { "contributor",     FEED("<entry><id>e</id><contributor><name>N</name></contributor></entry>"),               SL_TEXT_BYLINE,   "",
     SL_KIND_NEWS                                                                                                                                             },
    { "source's own id", FEED("<entry><source><id>s</id></source><id>e</id></entry>"),                             SL_TEXT_ID,       "e",         SL_KIND_NEWS},
    { "summary alone",   FEED("<entry><id>e</id><summary>S</summary></entry>"),                                    SL_TEXT_BODY,     "S",         SL_KIND_NEWS},
    { "content first",   FEED("<entry><id>e</id><summary>S</summary><content>C</content></entry>"),                SL_TEXT_BODY,     "C",
     SL_KIND_NEWS                                                                                                                                             },
    { "deleted",         FEED("<d:deleted-entry xmlns:d='http://purl.org/atompub/tombstones/1.0' ref='e'/>"),      SL_TEXT_ID,       "e",
     SL_KIND_KILL                                                                                                                                             },
    { "exercise",
     FEED("<entry><id>e</id><content type='text/xml'><alert><status>Exercise</status></alert></content></entry>"),
     SL_TEXT_ID,                                                                                                                     "e",         SL_KIND_TEST},
    { "withdrawn word",  FEED("<entry><id>e</id><title>KILL: Ferry</title></entry>"),                              SL_TEXT_TAKE,     "KILL",
     SL_KIND_KILL                                                                                                                                             },
    { "no id",           FEED("<entry><link href='http://l'/></entry>"),                                           SL_TEXT_ID,       "http://l",  SL_KIND_NEWS},
};

Test(atom, an_entry_says_what_it_means)
{
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        const struct fact_case *row = &facts[i];
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_ATOM, row->wire, strlen(row->wire), &bulletin), SL_PARSE_OK, "%s", row->name);
        expect_text(row->name, bulletin, row->text, row->want);
        cr_expect_eq(bulletin->kind, row->kind, "%s: %s", row->name, sl_kind_name(bulletin->kind));
    }
}

Test(atom, what_is_no_feed_is_refused)
{
    const struct sl_bulletin *bulletin;
    cr_expect_eq(parse_one(SL_FORMAT_ATOM, "<rss/>", 6, &bulletin), SL_PARSE_BAD_FRAME);
    cr_expect_eq(parse_one(SL_FORMAT_ATOM, "<feed/>", 7, &bulletin), SL_PARSE_END);
    cr_expect_eq(parse_one(SL_FORMAT_ATOM, "<feed><entry>", 13, &bulletin), SL_PARSE_CUT);
}
