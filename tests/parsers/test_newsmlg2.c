#include <criterion/criterion.h>
#include "tests/parsers/wire_samples.h"

Test(newsmlg2, samples_mean_what_their_wants_say) { cr_assert_geq(run_samples("newsmlg2"), 19); }

static void parse_parts(const char *item_meta, const char *content_meta, const char *content,
                        const struct sl_bulletin **bulletin)
{
    static char wire[8192];
    int len = snprintf(wire, sizeof(wire),
                       "<newsItem guid='g' version='1' xml:lang='en'><itemMeta><provider literal='p'/>"
                       "<versionCreated>2026-01-05T10:00:00Z</versionCreated>%s</itemMeta><contentMeta>%s</contentMeta>"
                       "<contentSet>%s</contentSet></newsItem>",
                       item_meta, content_meta, content);
    cr_assert_eq(parse_one(SL_FORMAT_NEWSMLG2, wire, (size_t)len, bulletin), SL_PARSE_OK, "%s%s", item_meta,
                 content_meta);
}

Test(newsmlg2, signals_of_every_scheme_say_what_an_item_does)
{
    static const struct {
        const char *meta;
        enum sl_kind kind;
        enum sl_signal signal;
    } rows[] = {
        {"",                                                      SL_KIND_NEWS,       SL_SIGNAL_NONE      },
        { "<signal qcode='sig:update'/>",                         SL_KIND_UPDATE,     SL_SIGNAL_UPDATE    },
        { "<signal qcode='sig:correction'/>",                     SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION},
        { "<signal qcode='edStat:N'/>",                           SL_KIND_NEWS,       SL_SIGNAL_NONE      },
        { "<signal qcode='edStat:U'/>",                           SL_KIND_UPDATE,     SL_SIGNAL_UPDATE    },
        { "<signal qcode='edStat:C'/><signal qcode='edStat:U'/>", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION},
        { "<signal qcode='edStat:D'/>",                           SL_KIND_KILL,       SL_SIGNAL_KILL      },
        { "<signal qcode='tt_sig:replace'/>",                     SL_KIND_UPDATE,     SL_SIGNAL_UPDATE    },
        { "<signal qcode='update:append-major-content'/>",        SL_KIND_UPDATE,     SL_SIGNAL_UPDATE    },
        { "<signal qcode='apsig:newsalert'/>",                    SL_KIND_NEWS,       SL_SIGNAL_ALERT     },
        { "<signal qcode='apsig:consumerready'/>",                SL_KIND_NEWS,       SL_SIGNAL_NONE      },
        { "<signal qcode='red-address:TEST'/>",                   SL_KIND_NEWS,       SL_SIGNAL_NONE      },
        { "<signal qcode='apsig:test'/>",                         SL_KIND_TEST,       SL_SIGNAL_TEST      },
        { "<pubStatus qcode='stat:canceled'/>",                   SL_KIND_KILL,       SL_SIGNAL_KILL      },
        { "<pubStatus qcode='stat:withheld'/>",                   SL_KIND_HOLD,       SL_SIGNAL_HOLD      },
        { "<edNote>KILLS nothing; attention editors</edNote>",    SL_KIND_KILL,       SL_SIGNAL_KILL      },
        { "<edNote role='x:dpacontacts'>KILL</edNote>",           SL_KIND_NEWS,       SL_SIGNAL_NONE      },
    };
    const struct sl_bulletin *bulletin;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        parse_parts(rows[i].meta, "", "", &bulletin);
        cr_expect_eq(bulletin->kind, rows[i].kind, "%s: %s", rows[i].meta, sl_kind_name(bulletin->kind));
        cr_expect_eq(bulletin->signal, rows[i].signal, "%s: %s", rows[i].meta, sl_signal_name(bulletin->signal));
    }
}

Test(newsmlg2, closed_notes_are_nowhere)
{
    static const char *const metas[] = {
        "<edNote role='dpaednoterole:closingline'>dpa xx yy</edNote>",
        "<edNote pubconstraint='dpapconstraint:nonpublic'>Desk: 0000</edNote>",
        "<edNote role='dpaednoterole:notepad'><section><p>Desk: 0000</p></section></edNote>",
        "<edNote>Not for publication: call the desk</edNote>",
    };
    const struct sl_bulletin *bulletin;
    for (size_t i = 0; i < sizeof(metas) / sizeof(*metas); i++) {
        parse_parts(metas[i], "", "<inlineData>Text.</inlineData>", &bulletin);
        expect_text(metas[i], bulletin, SL_TEXT_EDNOTE, "");
        expect_text(metas[i], bulletin, SL_TEXT_BODY, "Text.");
    }
}

Test(newsmlg2, a_headline_that_is_missing_is_found_elsewhere)
{
    static const struct {
        const char *meta, *content_meta, *content, *want;
    } rows[] = {
        {"<title>t</title>",  "<headline>h</headline>",                                                   "",                                        "h"             },
        { "<title>t</title>", "<headline role='hld:sub'>s</headline>",                                    "",                                        "s"             },
        { "<title>t</title>", "<headline/>",                                                              "<inlineData>One.</inlineData>",           "t"             },
        { "",                 "",                                                                         "<inlineData>Ferry is back.</inlineData>", "Ferry is back."},
        { "",                 "<headline xml:lang='de'>d</headline><headline xml:lang='en'>e</headline>", "",                                        "e"             },
        { "",                 "",                                                                         "",                                        ""              },
    };
    const struct sl_bulletin *bulletin;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        parse_parts(rows[i].meta, rows[i].content_meta, rows[i].content, &bulletin);
        expect_text(rows[i].content_meta, bulletin, SL_TEXT_HEADLINE, rows[i].want);
    }
}

Test(newsmlg2, bodies_of_every_make_become_the_plain_one)
{
    static const struct {
        const char *content, *want;
    } rows[] = {
        {"<inlineXML><html><body><p>One.</p><p>Two.</p></body></html></inlineXML>",                          "One.\n\nTwo."        },
        { "<inlineXML><nitf><body><body.content><p>One.</p></body.content></body></nitf></inlineXML>",       "One."                },
        { "<inlineXML><p>One.</p><p>Two.</p></inlineXML>",                                                   "One.\n\nTwo."        },
        { "<inlineData>One\nline.\n\nTwo.</inlineData>",                                                     "One line.\n\nTwo."   },
        { "<inlineData>&lt;p>One.&lt;/p>&lt;p>Two &amp;amp; three.&lt;/p></inlineData>",                     "One.\n\nTwo & three."},
        { "<inlineData><![CDATA[<p>One.</p>]]></inlineData><inlineData>again</inlineData>",                  "One."                },
        { "<inlineXML><html><body><div><h2>H</h2><pre>a    b\nc    d</pre></div></body></html></inlineXML>",
         "H\n\na\tb\nc\td"                                                                                                         },
        { "<remoteContent href='x'/>",                                                                       ""                    },
    };
    const struct sl_bulletin *bulletin;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        parse_parts("", "<headline>x</headline>", rows[i].content, &bulletin);
        expect_text(rows[i].content, bulletin, SL_TEXT_BODY, rows[i].want);
    }
}

Test(newsmlg2, urgency_is_seen_in_the_first_bytes)
{
    static const struct {
        const char *wire;
        unsigned urgency;
    } rows[] = {
        {"<newsMessage><header><priority>3</priority></header><urgency>1</urgency>", 1},
        { "<n:newsMessage><n:header><n:priority> 2\n</n:priority>",                  2},
        { "<newsMessage><header><priority>12</priority>",                            0},
        { "<newsMessage><urgency></urgency><priority>4</priority>",                  4},
        { "<newsMessage><urgency>",                                                  0},
        { "",                                                                        0},
    };
    const struct sl_format *format = sl_format_by_id(SL_FORMAT_NEWSMLG2);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_eq(format->peek_urgency((const uint8_t *)rows[i].wire, (uint32_t)strlen(rows[i].wire)),
                     rows[i].urgency, "%s", rows[i].wire);
}
