#include "tests/parsers/wire_samples.h"

#define HEAD "Message-ID: <1@a.example>\nDate: Mon, 5 Jan 2026 10:00:01 +0100\nFrom: A <a@a.example>\n"

Test(rfc822, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("rfc822"), 20u); }

static const struct fact_case {
    const char *name, *wire;
    enum sl_text text;
    const char *want;
} facts[] = {
    {"id",                     HEAD "Subject: S\n\nT\n",                                                                         SL_TEXT_ID,       "<1@a.example>"      },
    { "folded subject",        HEAD "Subject: One\n two\n\tthree\n\nT\n",                                                        SL_TEXT_HEADLINE, "One two three"      },
    { "reply marks",           HEAD "Subject: AW: Re: fwd: S\n\nT\n",                                                            SL_TEXT_HEADLINE, "S"                  },
    { "the first subject",     HEAD "Subject: One\nSubject: Two\n\nT\n",                                                         SL_TEXT_HEADLINE, "One"                },
    { "Q word",                HEAD "Subject: =?utf-8?Q?a_=3D_b?=\n\nT\n",                                                       SL_TEXT_HEADLINE, "a = b"              },
    { "B word",                HEAD "Subject: =?us-ascii?B?YWJj?= d\n\nT\n",                                                     SL_TEXT_HEADLINE, "abc d"              },
    { "language in a word",    HEAD "Subject: =?utf-8*en?Q?abc?=\n\nT\n",                                                        SL_TEXT_HEADLINE, "abc"                },
    { "no word after all",     HEAD "Subject: =?utf-8?X?abc?= =?\n\nT\n",                                                        SL_TEXT_HEADLINE, "=?utf-8?X?abc?= =?" },
    { "Latin-1 in a word",     HEAD "Subject: =?iso-8859-1?Q?caf=E9?=\n\nT\n",                                                   SL_TEXT_HEADLINE, "caf\303\251"        },
    { "raw UTF-8 in a head",   HEAD "Subject: caf\303\251\n\nT\n",                                                               SL_TEXT_HEADLINE, "caf\303\251"        },
    { "no subject",            HEAD "\nThe ferry came back on Monday. More.\n",                                                  SL_TEXT_HEADLINE,
     "The ferry came back on Monday"                                                                                                                                    },
    { "domain",                HEAD "Subject: S\n\nT\n",                                                                         SL_TEXT_PROVIDER, "a.example"          },
    { "name in a comment",     "Message-ID: <1@a>\nFrom: x@y.example (Name Here)\n\nT\n",                                        SL_TEXT_BYLINE,   "Name Here"          },
    { "comma in quotes",       "Message-ID: <1@a>\nFrom: \"Here, Name\" <x@y.example>\n\nT\n",                                   SL_TEXT_BYLINE,   "Here, Name"         },
    { "address as a name",     "Message-ID: <1@a>\nFrom: \"x@y.example\" <x@y.example>\n\nT\n",                                  SL_TEXT_BYLINE,   ""                   },
    { "blank before colon",    HEAD "Subject : S\n\nT\n",                                                                        SL_TEXT_HEADLINE, "S"                  },
    { "From line",             "From x Mon Jan  5 10:00:00 2026\n" HEAD "Subject: S\n\nT\n",                                     SL_TEXT_HEADLINE, "S"                  },
    { "soft line end",         HEAD "Content-Transfer-Encoding: quoted-printable\n\nThe fer=\nry= \t\n is =zack.\n",
     SL_TEXT_BODY,                                                                                                                                 "The ferry is =zack."},
    { "padding inside",        HEAD "Content-Transfer-Encoding: base64\n\nYQ==\nYg==\n",                                         SL_TEXT_BODY,     "ab"                 },
    { "signature",             HEAD "\nText.\n-- \nName\n",                                                                      SL_TEXT_BODY,     "Text."              },
    { "private",               HEAD "\nText.\nNot for publication: call us.\nMore\n",                                            SL_TEXT_BODY,     "Text."              },
    { "embargo is no privacy", HEAD "\nNot for publication before 18:00 GMT\n\nText.\n",                                         SL_TEXT_BODY,
     "Not for publication before 18:00 GMT\n\nText."                                                                                                                    },
    { "missing empty line",    HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\nText.\n--b--\n",
     SL_TEXT_BODY,                                                                                                                                 "Text."              },
    { "outer ends inner",
     HEAD
      "Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\nOne.\n"
      "--o\n\nTwo.\n--o--\n",                                                                                                    SL_TEXT_BODY,     "One.\n\nTwo."       },
    { "boundary is a prefix",  HEAD "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nOne.\n--bb\nTwo.\n--b--\n",
     SL_TEXT_BODY,                                                                                                                                 "One. --bb Two."     },
    { "UTF-16 part",           HEAD "Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: base64\n\n//5BAOQA\n",
     SL_TEXT_BODY,                                                                                                                                 "A\303\244"          },
    { "HTML's privacy",        HEAD "Content-Type: text/html\n\n<p>Text.</p><p>Not for publication</p><p>Secret</p>\n",
     SL_TEXT_BODY_HTML,                                                                                                                            ""                   },
};

Test(rfc822, a_mail_says_what_it_means)
{
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        const struct fact_case *row = &facts[i];
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_RFC822, row->wire, strlen(row->wire), &bulletin), SL_PARSE_OK, "%s",
                     row->name);
        expect_text(row->name, bulletin, row->text, row->want);
    }
}

static const struct kind_case {
    const char *name, *wire;
    enum sl_kind kind;
    unsigned urgency;
    bool is_embargoed;
} kinds[] = {
    {"news",              HEAD "Subject: Ferry kills time\n\nT\n",                      SL_KIND_NEWS,       0, false},
    { "kill",             HEAD "Subject: KILL: Ferry\n\nT\n",                           SL_KIND_KILL,       0, false},
    { "correction",       HEAD "Subject: Re: [Correction] Ferry\n\nT\n",                SL_KIND_CORRECTION, 0, false},
    { "update",           HEAD "Subject: UPDATE 2-Ferry\n\nT\n",                        SL_KIND_UPDATE,     0, false},
    { "supersedes",       HEAD "Subject: Ferry\nSupersedes: <0@a>\n\nT\n",              SL_KIND_UPDATE,     0, false},
    { "priority",         HEAD "Subject: Ferry\nX-Priority: 2\n\nT\n",                  SL_KIND_NEWS,       3, false},
    { "importance",       HEAD "Subject: Ferry\nImportance: Low\n\nT\n",                SL_KIND_NEWS,       7, false},
    { "embargo subject",  HEAD "Subject: EMBARGOED UNTIL 18:00 GMT: Ferry\n\nT\n",      SL_KIND_NEWS,       0, true },
    { "embargo text",     HEAD "Subject: Ferry\n\nSPERRFRIST: 6.1.2026, 18 Uhr\n\nT\n", SL_KIND_NEWS,       0, true },
    { "about an embargo", HEAD "Subject: Union lifts its embargo on ferries\n\nT\n",    SL_KIND_NEWS,       0, false},
};

Test(rfc822, the_subject_and_the_first_lines_tell_its_kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        const struct kind_case *row = &kinds[i];
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_RFC822, row->wire, strlen(row->wire), &bulletin), SL_PARSE_OK, "%s",
                     row->name);
        cr_expect_eq(bulletin->kind, row->kind, "%s: kind %s", row->name, sl_kind_name(bulletin->kind));
        cr_expect_eq(bulletin->urgency, row->urgency, "%s: urgency %u", row->name, bulletin->urgency);
        cr_expect_eq((bulletin->flags & SL_BULLETIN_EMBARGOED) != 0, row->is_embargoed, "%s", row->name);
        cr_expect_eq(sl_peek_lane(NULL, (const uint8_t *)row->wire, (uint32_t)strlen(row->wire)),
                     sl_lane_of_urgency(row->urgency), "%s: lane", row->name);
    }
}

Test(rfc822, text_with_colons_is_no_mail)
{
    static const char *const rows[] = {
        "Weather: rain\nTime: 10\n\nText.\n",
        "Subject: only this\n\nText.\n",
        "A headline\nFrom: here\nTo: there\nDate: today\nSubject: that\n",
        "From: here To: there\n",
        "",
    };
    const struct sl_format *format = sl_format_by_id(SL_FORMAT_RFC822);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_eq(format->recognize((const uint8_t *)rows[i], (uint32_t)strlen(rows[i])), 0, "%s", rows[i]);
}

Test(rfc822, what_is_no_mail_is_refused)
{
    const struct sl_bulletin *bulletin;
    cr_expect_eq(parse_one(SL_FORMAT_RFC822, "no field\n", 9, &bulletin), SL_PARSE_BAD_FRAME);
    cr_expect(one_parse.err.want);
    cr_expect_eq(parse_one(SL_FORMAT_RFC822, "X-Other: a\n\nb\n", 14, &bulletin), SL_PARSE_BAD_FRAME);
    cr_expect_eq(parse_one(SL_FORMAT_RFC822, " \r\n", 3, &bulletin), SL_PARSE_END);
}
