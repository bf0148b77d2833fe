#include "tests/parsers/wire_samples.h"

#define TRAILER "\003231137 GMT Nov 13\r\n\004"
#define HEADER  "\001xna0043 4 i 90  xna 0056\r\n\r\nWeather/\r\n\002"

Test(iptc7901, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("iptc7901"), 10u); }

static const struct header_case {
    const char *wire;
    enum sl_parse_code code;
    uint32_t off;
} headers[] = {
    {"\001eca062 4 i 211 ccccb   dpa 061\r\n\002Head =\r\n" TRAILER,                      SL_PARSE_OK,         0 },
    { "\001eca0003 1 pl 3  dpa 0045\r\n\002Head =\r\n" TRAILER,                           SL_PARSE_OK,         0 },
    { "\177\177\r\n\177bsf025 3 ec 121   etf 967\r\n\002Head =\r\n\003091223 dec 18\r\n", SL_PARSE_OK,         0 },
    { "spe0000 9 sp 331  dpa-spe 0000\n\nKey/\nHead =\n\nText.\n\n062130 Okt 24\n",       SL_PARSE_OK,         0 },
    { "xna1 5 pl/wi 7\r\n\002Head =\r\n" TRAILER,                                         SL_PARSE_OK,         0 },
    { "\001eca0003 3 i 380",                                                              SL_PARSE_CUT,        16},
    { "\001eca0003 3",                                                                    SL_PARSE_CUT,        10},
    { "\001eca",                                                                          SL_PARSE_CUT,        4 },
    { "\0014711 3 i 380  dpa 0045\r\n",                                                   SL_PARSE_BAD_FRAME,  1 },
    { "\001track US race US flag\r\n",                                                    SL_PARSE_BAD_FRAME,  6 },
    { "\001eca0003 0 i 380  dpa 0045\r\n",                                                SL_PARSE_BAD_HEADER, 9 },
    { "\001eca0003 r i 380  dpa 0045\r\n",                                                SL_PARSE_BAD_HEADER, 9 },
    { "\001eca0003 3i 380  dpa 0045\r\n",                                                 SL_PARSE_BAD_HEADER, 10},
    { "\001eca0003 3 1 380  dpa 0045\r\n",                                                SL_PARSE_BAD_HEADER, 11},
    { "\001eca0003 3 spor 380  dpa 0045\r\n",                                             SL_PARSE_BAD_HEADER, 11},
    { "\001eca0003 3 i many  dpa 0045\r\n",                                               SL_PARSE_BAD_HEADER, 13},
    { "\001eca0003 3 i 380x  dpa 0045\r\n",                                               SL_PARSE_BAD_HEADER, 16},
    { "\001eca0003333 3 i 380  dpa 0045\r\n",                                             SL_PARSE_BAD_FRAME,  4 },
    { "\001eca0003/3 i 380  dpa 0045\r\n",                                                SL_PARSE_BAD_HEADER, 8 },
    { HEADER "Head =\r\n\r\nText that ends he",                                           SL_PARSE_CUT,        67},
    { HEADER,                                                                             SL_PARSE_CUT,        40},
    { "\026\026\026\000\177\r\n",                                                         SL_PARSE_END,        0 },
    { "",                                                                                 SL_PARSE_END,        0 },
};

Test(iptc7901, a_header_is_taken_or_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        const struct header_case *row = &headers[i];
        const struct sl_bulletin *bulletin;
        enum sl_parse_code code = parse_one(SL_FORMAT_IPTC7901, row->wire, strlen(row->wire), &bulletin);
        cr_expect_eq(code, row->code, "%zu %s: %s", i, row->wire, sl_parse_code_name(code));
        if (row->code == SL_PARSE_OK || row->code == SL_PARSE_END)
            continue;
        cr_expect_eq(one_parse.err.off, row->off, "%zu %s: offset %u, wants %s", i, row->wire, one_parse.err.off,
                     one_parse.err.want);
        cr_expect(one_parse.err.want, "%zu: a wish is said", i);
    }
}

static const struct time_case {
    const char *trailer, *id;
    int64_t s; /* 0: none */
    unsigned flags;
} times[] = {
    {"131137 GMT Nov 13",    "xna:0043:2013-11-13", 1384342620, 0                               },
    { "131137 UTC nov 2013", "xna:0043:2013-11-13", 1384342620, 0                               },
    { "131137 Okt 13",       "xna:0043:2013-10-13", 1381664220, SL_BULLETIN_ZONE_ASSUMED_CREATED},
    { "131137 M\344r 13",    "xna:0043:2013-03-13", 1363174620, SL_BULLETIN_ZONE_ASSUMED_CREATED},
    { "131137 d\351c 18",    "xna:0043:2018-12-13", 1544701020, SL_BULLETIN_ZONE_ASSUMED_CREATED},
    { "311137 GMT Dec 99",   "xna:0043:1999-12-31", 946640220,  0                               },
    { "041137 GMT",          "xna:0043:2026-01-04", 1767526620, SL_BULLETIN_DATE_COMPLETED      },
    { "301137 GMT Dec",      "xna:0043:2025-12-30", 1767094620, SL_BULLETIN_DATE_COMPLETED      },
    { "131137 XYZ Nov 13",   "xna:0043:2013-11-13", 1384342620, SL_BULLETIN_ZONE_ASSUMED_CREATED},
    { "321137 GMT Nov 13",   "xna:0043:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
    { "311137 GMT Nov 13",   "xna:0043:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
    { "132437 GMT Nov 13",   "xna:0043:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
    { "13113 GMT Nov 13",    "xna:0043:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
    { "noise",               "xna:0043:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
    { "",                    "xna:0043:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
};

Test(iptc7901, a_trailer_gives_the_time_and_the_ids_day)
{
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        const struct time_case *row = &times[i];
        const struct sl_bulletin *bulletin;
        char wire[256];
        snprintf(wire, sizeof(wire), "%sHead =\r\n\r\nText.\r\n\003%s\r\n\177\r\n\004", HEADER, row->trailer);
        cr_assert_eq(parse_one(SL_FORMAT_IPTC7901, wire, strlen(wire), &bulletin), SL_PARSE_OK, "%s", row->trailer);
        cr_expect_eq(bulletin->version_created, row->s ? row->s * SL_TIME_NS : SL_TIME_NONE, "%s: %lld", row->trailer,
                     (long long)bulletin->version_created);
        cr_expect_eq(bulletin->flags & ~(unsigned)SL_BULLETIN_ID_MADE, row->flags, "%s: flags %x", row->trailer,
                     bulletin->flags);
        expect_text(row->trailer, bulletin, SL_TEXT_ID, row->id);
    }
}

static const struct text_case {
    const char *name, *text;
    enum sl_kind kind;
    enum sl_signal signal;
    const char *headline, *take, *body;
} texts[] = {
    {"headline",                      "Head =\n\nText.\n",                                                               SL_KIND_NEWS,       SL_SIGNAL_NONE,       "Head",             "",                                         "Text."                                         },
    { "no blank before the mark",     "Head=\nText.\n",                                                                  SL_KIND_NEWS,       SL_SIGNAL_NONE,       "Head",             "",                                         "Text."                                         },
    { "lead",                         "1ST LEAD\nHead =\n\nText.\n",                                                     SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     "Head",             "1ST LEAD",                                 "Text."                                         },
    { "net",                          "3RD NET\nHead =\n\nText.\n",                                                      SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     "Head",             "3RD NET",                                  "Text."                                         },
    { "extra",                        "EXTRA\nHead =\n\nText.\n",                                                        SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     "Head",             "EXTRA",                                    "Text."                                         },
    { "advisory",                     "(Achtung)\nHead =\n\nText.\n",                                                    SL_KIND_ADVISORY,   SL_SIGNAL_ADVISORY,   "Head",             "(Achtung)",                                "Text."                                         },
    { "urgent and corrected",         "(Eil - Berichtigung)\nHead =\n",                                                  SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION, "Head",
     "(Eil - Berichtigung)",                                                                                                                                                                                                       ""                                              },
    { "Latin-1 label",                "(Erg\344nzung: mehr)\nHead =\n",                                                  SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     "Head",
     "(Erg\u00e4nzung: mehr)",                                                                                                                                                                                                     ""                                              },
    { "label before the headline",    "(Eil) Head =\n",                                                                  SL_KIND_NEWS,       SL_SIGNAL_ALERT,      "Head",             "(Eil)",                                    ""                                              },
    { "Spanish kill",                 "*** ELIMINAR - ELIMINAR ***\nATENCI\323N REDACCIONES =\n",                        SL_KIND_KILL,       SL_SIGNAL_KILL,       "",
     "*** ELIMINAR - ELIMINAR *** ATENCI\u00d3N REDACCIONES",                                                                                                                                                                      ""                                              },
    { "German withdrawal",            "(Zur\374ckziehung)\nHead =\n",                                                    SL_KIND_KILL,       SL_SIGNAL_KILL,       "Head",             "(Zur\u00fcckziehung)",
     ""                                                                                                                                                                                                                                                                            },
    { "hold",                         "HOLD\nHead =\n",                                                                  SL_KIND_HOLD,       SL_SIGNAL_HOLD,       "Head",             "HOLD",                                     ""                                              },
    { "explanations do nothing",      "(Berichtigung: Kill und Test gestrichen)\nHead =\n",                              SL_KIND_CORRECTION,
     SL_SIGNAL_CORRECTION,                                                                                                                                         "Head",             "(Berichtigung: Kill und Test gestrichen)", ""                                              },
    { "a headline of label words",    "CORRECTION OFFICERS STRIKE =\n\nText.\n",                                         SL_KIND_NEWS,       SL_SIGNAL_NONE,
     "CORRECTION OFFICERS STRIKE",                                                                                                                                                     "",                                         "Text."                                         },
    { "news of a kill",               "Bear kills hiker =\n\nPlease kill the bear, they said.\n",                        SL_KIND_NEWS,       SL_SIGNAL_NONE,
     "Bear kills hiker",                                                                                                                                                               "",                                         "Please kill the bear, they said."              },
    { "a kill that names a number",   "Message =\n\nPlease kill xna 0042.\n",                                            SL_KIND_KILL,       SL_SIGNAL_KILL,       "Message",          "",
     "Please kill xna 0042."                                                                                                                                                                                                                                                       },
    { "a kill of one sentence",       "Message =\n\nPlease delete the second sentence of xna 0042.\n",                   SL_KIND_CORRECTION,
     SL_SIGNAL_CORRECTION,                                                                                                                                         "Message",          "",                                         "Please delete the second sentence of xna 0042."},
    { "Von der Leyen is no byline",   "Streit\nVon der Leyen redet =\n",                                                 SL_KIND_NEWS,       SL_SIGNAL_NONE,
     "Von der Leyen redet",                                                                                                                                                            "Streit",                                   ""                                              },
    { "a byline alone is a headline", "By the sea =\n\nText.\n",                                                         SL_KIND_NEWS,       SL_SIGNAL_NONE,       "By the sea",       "",
     "Text."                                                                                                                                                                                                                                                                       },
    { "test",                         "This is a test =\n\nText.\n",                                                     SL_KIND_TEST,       SL_SIGNAL_TEST,       "This is a test",   "",                                         "Text."                                         },
    { "news about a test",            "Test of a bridge =\n\nText.\n",                                                   SL_KIND_NEWS,       SL_SIGNAL_NONE,       "Test of a bridge", "",
     "Text."                                                                                                                                                                                                                                                                       },
    { "no mark, no headline",         "Port (xna) - A first sentence.\n\nA second.\n",                                   SL_KIND_NEWS,       SL_SIGNAL_NONE,       "",                 "",
     "A first sentence.\n\nA second."                                                                                                                                                                                                                                              },
    { "no text at all",               "",                                                                                SL_KIND_NEWS,       SL_SIGNAL_NONE,       "",                 "",                                         ""                                              },
    { "private",                      "Head =\n\nText.\n\nThe following information is not for publication\n\nSecret\n", SL_KIND_NEWS,
     SL_SIGNAL_NONE,                                                                                                                                               "Head",             "",                                         "Text."                                         },
    { "sign-off",                     "Head =\n\nText.\n\nxna ab cd z2\n",                                               SL_KIND_NEWS,       SL_SIGNAL_NONE,       "Head",             "",                                         "Text."                                         },
    { "no sign-off",                  "Head =\n\nText.\n\nxna Says more.\n",                                             SL_KIND_NEWS,       SL_SIGNAL_NONE,       "Head",             "",
     "Text.\n\nxna Says more."                                                                                                                                                                                                                                                     },
};

Test(iptc7901, what_editors_write_above_the_text_decides_what_kind_of_message_it_is)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const struct text_case *row = &texts[i];
        const struct sl_bulletin *bulletin;
        char wire[512];
        snprintf(wire, sizeof(wire), "%s%s%s", HEADER, row->text, TRAILER);
        cr_assert_eq(parse_one(SL_FORMAT_IPTC7901, wire, strlen(wire), &bulletin), SL_PARSE_OK, "%s", row->name);
        cr_expect_eq(bulletin->kind, row->kind, "%s: kind %s", row->name, sl_kind_name(bulletin->kind));
        cr_expect_eq(bulletin->signal, row->signal, "%s: signal %s", row->name, sl_signal_name(bulletin->signal));
        expect_text(row->name, bulletin, SL_TEXT_HEADLINE, row->headline);
        expect_text(row->name, bulletin, SL_TEXT_TAKE, row->take);
        expect_text(row->name, bulletin, SL_TEXT_BODY, row->body);
    }
}

Test(iptc7901, the_urgency_is_peeked_from_the_first_bytes)
{
    static const struct {
        const char *wire;
        enum sl_lane lane;
    } rows[] = {
        {"\001eca0003 1",    SL_LANE_FLASH },
        { "\001eca0003 2 i", SL_LANE_URGENT},
        { "bdt0003 6 pl 3",  SL_LANE_BULK  },
        { "\001eca0003 r",   SL_LANE_NORMAL},
        { "\001eca0003",     SL_LANE_NORMAL},
        { "",                SL_LANE_NORMAL},
    };
    const struct sl_format *format = sl_format_by_id(SL_FORMAT_IPTC7901);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_eq(sl_peek_lane(format, (const uint8_t *)rows[i].wire, (uint32_t)strlen(rows[i].wire)), rows[i].lane,
                     "%s", rows[i].wire);
}

Test(iptc7901, every_cut_of_a_message_is_refused_or_means_less_but_is_never_unsound)
{
    static const char whole[] =
        HEADER "(Eil)\r\nHead\r\nBy A, xna =\r\n\r\nPort (xna) - Text.\r\n\r\n# Notebook\r\n\r\n## Internet\r\n"
               "- [a](http://b)\r\n" TRAILER;
    const struct sl_bulletin *bulletin;
    for (size_t len = 0; len < sizeof(whole); len++) {
        enum sl_parse_code code = parse_one(SL_FORMAT_IPTC7901, whole, len, &bulletin);
        if (code == SL_PARSE_OK)
            cr_expect_eq(sl_bulletin_check(bulletin, bulletin->len), SL_BULLETIN_FINE, "cut at %zu", len);
    }
}

Test(iptc7901, the_same_message_by_a_relay_has_the_same_identity_and_content)
{
    static const char direct[] = "\001eca0003 3 i 4  dpa 0045\r\n\r\nA/B/\r\n\002Head =\r\n\r\nBerlin (dpa) - Text "
                                 "of\r\nit.\r\n\003212322 GMT Nov 18\r\n\177\004";
    static const char relayed[] =
        "eca0003 3 i 4  dpa 0045\n\nA/B/\nHead =\n\nBerlin (dpa) - Text of\nit.\n212322 GMT Nov 18\n";
    const struct sl_bulletin *bulletin;
    cr_assert_eq(parse_one(SL_FORMAT_IPTC7901, direct, sizeof(direct) - 1, &bulletin), SL_PARSE_OK);
    struct sl_bulletin first = *bulletin;
    cr_assert_eq(parse_one(SL_FORMAT_IPTC7901, relayed, sizeof(relayed) - 1, &bulletin), SL_PARSE_OK);
    cr_expect_eq(first.version_hash, bulletin->version_hash);
    cr_expect_eq(first.content_hash[0], bulletin->content_hash[0]);
    cr_expect_eq(first.content_hash[1], bulletin->content_hash[1]);
}
