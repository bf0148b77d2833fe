#include <criterion/criterion.h>
#include "tests/parsers/wire_samples.h"

Test(nitf, samples_mean_what_their_wants_say) { cr_assert_geq(run_samples("nitf"), 18); }

static enum sl_parse_code parse_parts(const char *docdata, const char *body_head, const char *content,
                                      const struct sl_bulletin **bulletin)
{
    static char wire[8192];
    int len = snprintf(wire, sizeof(wire),
                       "<nitf><head><docdata><doc-id regsrc='W' id-string='1'/>%s</docdata></head><body><body.head>"
                       "%s</body.head><body.content>%s</body.content></body></nitf>",
                       docdata, body_head, content);
    return parse_one(SL_FORMAT_NITF, wire, (size_t)len, bulletin);
}

Test(nitf, dates_of_every_spelling_are_read_and_templates_are_none)
{
    static const struct {
        const char *norm;
        int64_t want_s;
    } rows[] = {
        {"20131020T192751+1100",       1382257671},
        { "20170102T222800+0000",      1483396080},
        { "20151210T191044Z",          1449774644},
        { "2016-05-12T00:05:13+02:00", 1463004313},
        { "2016-04-13 04:52:21+00:00", 1460523141},
        { "2022-07-11 18:33",          1657564380},
        { "20141126T152703",           1417015623},
        { "YYYYMMDD000000-HHMM",       0         },
        { "",                          0         },
        { "00000000T000000",           0         },
    };
    const struct sl_bulletin *bulletin;
    char docdata[128];
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(docdata, sizeof(docdata), "<date.issue norm='%s'/>", rows[i].norm);
        cr_assert_eq(parse_parts(docdata, "", "", &bulletin), SL_PARSE_OK, "%s", rows[i].norm);
        cr_expect_eq(bulletin->version_created, rows[i].want_s ? rows[i].want_s * SL_TIME_NS : SL_TIME_NONE, "%s",
                     rows[i].norm);
    }
}

Test(nitf, what_a_message_does_is_said_by_status_and_words)
{
    static const struct {
        const char *docdata, *headline;
        enum sl_kind kind;
        bool is_embargoed;
    } rows[] = {
        {"",                                               "Ferry back",                                 SL_KIND_NEWS,                              false                        },
        { "",                                              "UPDATE 2-Ferry back",                        SL_KIND_UPDATE,                            false                        },
        { "",                                              "CORRECTED-UPDATE 2-Ferry back",              SL_KIND_CORRECTION,                        false                        },
        { "",                                              "Correction: Ferry back",                     SL_KIND_CORRECTION,                        false                        },
        { "",                                              "CORRECTION FROM SOURCE: Albe Lines reports", SL_KIND_CORRECTION,                        false                        },
        { "",                                              "Ferry back (Korrektur)",                     SL_KIND_CORRECTION,                        false                        },
        { "",                                              "KILL - Ferry back",                          SL_KIND_KILL,                              false                        },
        { "",                                              "Kill: a film about fishermen",               SL_KIND_NEWS,                              false                        },
        { "",                                              "Test: visitors lead by 40 runs",             SL_KIND_NEWS,                              false                        },
        { "",                                              "Add two ferries, mayor says",                SL_KIND_NEWS,                              false                        },
        { "",                                              "Sub-zero night - update expected",           SL_KIND_NEWS,                              false                        },
        { "<ed-msg info='CORRECTS time in paragraph 2'/>", "Ferry back",                                 SL_KIND_CORRECTION,                        false                        },
        { "<ed-msg info='Attention editors: pictures'/>",  "Ferry back",                                 SL_KIND_NEWS,                              false                        },
        { "<date.issue norm='20260105T100000Z'/><date.release norm='20260105T110000Z'/><ed-msg info='Embargoed, see "
         "note'/>",                                                 "Ferry",                                                                                      SL_KIND_NEWS,                                                                        true   },
        { "<ed-msg info='Strictly embargoed until 1800 GMT'/>",                                               "Ferry back",                                       SL_KIND_NEWS,                      true},
        { "<ed-msg info='No embargo'/>",                                               "Ferry back",                                                              SL_KIND_NEWS,                                             false   },
        { "<date.issue norm='20260105T100000Z'/><date.release norm='20260105T090000Z'/>",                                               "Ferry",             SL_KIND_NEWS,
         false   },
        { "<date.issue norm='20260105T100000Z'/><date.release norm='20260105T100001Z'/>",                                               "Ferry",             SL_KIND_NEWS, true   },
        { "<date.issue norm='20260105T100000Z'/><date.release norm='20261305T100001Z'/>",                                               "Ferry",             SL_KIND_NEWS, true   },
    };
    const struct sl_bulletin *bulletin;
    char head[256];
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(head, sizeof(head), "<hedline><hl1>%s</hl1></hedline>", rows[i].headline);
        cr_assert_eq(parse_parts(rows[i].docdata, head, "<p>x</p>", &bulletin), SL_PARSE_OK);
        cr_expect_eq(bulletin->kind, rows[i].kind, "%s %s: %s", rows[i].docdata, rows[i].headline,
                     sl_kind_name(bulletin->kind));
        cr_expect_eq((bulletin->flags & SL_BULLETIN_EMBARGOED) != 0, rows[i].is_embargoed, "%s %s", rows[i].docdata,
                     rows[i].headline);
    }
}

Test(nitf, bylines_that_are_none_are_not_said)
{
    static const struct {
        const char *byline, *want;
    } rows[] = {
        {"By <person>A. Carder</person>",                          "By A. Carder"                   },
        { "By A. CARDER<byttl>West Press Writer</byttl>",          "By A. CARDER, West Press Writer"},
        { "gr/bp",                                                 ""                               },
        { "ar",                                                    ""                               },
        { "",                                                      ""                               },
        { "One, two, three and four of our people at the harbour", ""                               },
    };
    const struct sl_bulletin *bulletin;
    char head[256];
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        snprintf(head, sizeof(head), "<byline>%s</byline>", rows[i].byline);
        cr_assert_eq(parse_parts("", head, "", &bulletin), SL_PARSE_OK);
        expect_text(rows[i].byline, bulletin, SL_TEXT_BYLINE, rows[i].want);
    }
}

Test(nitf, urgency_is_seen_in_the_first_bytes)
{
    static const struct {
        const char *wire;
        unsigned urgency;
    } rows[] = {
        {"<nitf><head><docdata><urgency ed-urg=\"1\"/>", 1},
        { "<nitf><head><docdata><urgency ed-urg='8'/>",  8},
        { "<nitf><urgency ed-urg=\"",                    0},
        { "<nitf><urgency ed-urg=\"x\"/>",               0},
        { "<nitf>",                                      0},
    };
    const struct sl_format *format = sl_format_by_id(SL_FORMAT_NITF);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_eq(format->peek_urgency((const uint8_t *)rows[i].wire, (uint32_t)strlen(rows[i].wire)),
                     rows[i].urgency, "%s", rows[i].wire);
}

Test(nitf, is_recognized_by_its_root_alone)
{
    static const struct {
        const char *wire;
        bool is_nitf;
    } rows[] = {
        {"<nitf>",            true },
        { "\xef\xbb\xbf \n<?xml version='1.0'?><!-- <newsItem> --><!DOCTYPE nitf SYSTEM 'x' [<!-- > -->]><n:nitf "
          "x='y'>",  true },
        { "<newsItem><nitf>", false},
        { "<nitfx>",          false},
        { "<nit",             false},
        { "nitf",             false},
        { "<!-- <nitf>",      false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct sl_format *format =
            sl_format_recognize((const uint8_t *)rows[i].wire, (uint32_t)strlen(rows[i].wire));
        cr_expect_eq(format->id == SL_FORMAT_NITF, rows[i].is_nitf, "%s", rows[i].wire);
    }
}
