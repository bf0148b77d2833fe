#include "tests/parsers/wire_samples.h"

#define HEAD "35=B\00149=TEST\00156=DESK\00134=7\00152=20260105-09:58:01\001"

Test(fixnews, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("fixnews"), 15u); }

/* A message with the length and the sum that its body has. */
static size_t frame(char *wire, size_t cap, const char *begin, const char *body, size_t body_len)
{
    size_t len = (size_t)snprintf(wire, cap, "8=%s\0019=%zu\001", begin, body_len);
    unsigned sum = 0;
    memcpy(wire + len, body, body_len);
    len += body_len;
    for (size_t i = 0; i < len; i++)
        sum += (uint8_t)wire[i];
    return len + (size_t)snprintf(wire + len, cap - len, "10=%03u\001", sum % 256);
}

static const struct frame_case {
    const char *wire;
    enum sl_parse_code code;
    uint32_t off;
} frames[] = {
    {"8=FIX.4.4\0019=5\00135=0\00110=163\001",                      SL_PARSE_END,        0 },
    { "8=FIX.4.4\0019=5\00135=0\00110=163",                         SL_PARSE_END,        0 },
    { "8=FIX.4.4\0019=0000005\00135=0\00110=195\001",               SL_PARSE_END,        0 },
    { "\r\n8=FIX.4.4\0019=5\00135=0\00110=163\001\r\n",             SL_PARSE_END,        0 },
    { "",                                                           SL_PARSE_END,        0 },
    { "8=FIX.4.4\0019=5\00135=0\00110=164\001",                     SL_PARSE_BAD_TEXT,   22},
    { "8=FIX.4.4\0019=5\00135=0\00110=16x\001",                     SL_PARSE_BAD_TEXT,   22},
    { "8=FIX.4.4\0019=5\00135=0\00110=163x",                        SL_PARSE_BAD_TEXT,   25},
    { "8=FIX.4.4\0019=4\00135=0\00110=163\001",                     SL_PARSE_BAD_HEADER, 12},
    { "8=FIX.4.4\0019=9\00135=0\00110=163\001",                     SL_PARSE_CUT,        26},
    { "8=FIX.4.4\0019=4000000000\00135=0\00110=163\001",            SL_PARSE_CUT,        35},
    { "8=FIX.4.4\0019=99999999999\00135=0\00110=163\001",           SL_PARSE_BAD_HEADER, 12},
    { "8=FIX.4.4\0019=\00135=0\00110=163\001",                      SL_PARSE_BAD_HEADER, 12},
    { "8=FIX.4.4\00135=0\00110=163\001",                            SL_PARSE_BAD_HEADER, 10},
    { "8=FIX.4.4444444444444444444\0019=5\001",                     SL_PARSE_BAD_HEADER, 16},
    { "8=FIX.4.4\0019=5",                                           SL_PARSE_CUT,        13},
    { "8=FI",                                                       SL_PARSE_CUT,        4 },
    { "8=FAX.4.4\0019=5\001",                                       SL_PARSE_BAD_HEADER, 3 },
    { "login: ",                                                    SL_PARSE_BAD_FRAME,  0 },
    { "8=FIX.4.4\0019=5\00134=1\00110=163\001",                     SL_PARSE_BAD_HEADER, 14},
    { "8=FIX.4.4\0019=5\00135=0\00110=163\0018=FIX.4.4\0019=5\001", SL_PARSE_CUT,        40},
};

Test(fixnews, a_frame_is_taken_or_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
        const struct frame_case *row = &frames[i];
        const struct sl_bulletin *bulletin;
        enum sl_parse_code code = parse_one(SL_FORMAT_FIXNEWS, row->wire, strlen(row->wire), &bulletin);
        cr_expect_eq(code, row->code, "%zu %s: %s", i, row->wire, sl_parse_code_name(code));
        if (row->code != SL_PARSE_END)
            cr_expect_eq(one_parse.err.off, row->off, "%zu %s: offset %u, wants %s", i, row->wire, one_parse.err.off,
                         one_parse.err.want);
    }
}

static const struct fact_case {
    const char *name, *body;
    enum sl_kind kind;
    unsigned urgency;
    enum sl_text text;
    const char *want;
} facts[] = {
    {"normal",                 HEAD "61=0\001148=A\001",                                             SL_KIND_NEWS,       5, SL_TEXT_HEADLINE,     "A"                     },
    { "flash",                 HEAD "61=1\001148=A\001",                                             SL_KIND_NEWS,       1, SL_TEXT_PRIORITY_RAW, "1"                     },
    { "background",            HEAD "61=2\001148=A\001",                                             SL_KIND_NEWS,       8, SL_TEXT_HEADLINE,     "A"                     },
    { "no urgency of FIX's",   HEAD "61=9\001148=A\001",                                             SL_KIND_NEWS,       0, SL_TEXT_HEADLINE,     "A"                     },
    { "correction",            HEAD "148=CORRECTION: Ferry\001",                                     SL_KIND_CORRECTION, 0, SL_TEXT_TAKE,         "CORRECTION"            },
    { "kill",                  HEAD "148=KILL\001",                                                  SL_KIND_KILL,       0, SL_TEXT_HEADLINE,     "KILL"                  },
    { "test",                  HEAD "148=This is a test\001",                                        SL_KIND_TEST,       0, SL_TEXT_HEADLINE,     "This is a test"        },
    { "withdrawn",             HEAD "1475=1\0011476=x9\0011477=3\001148=A\001",                      SL_KIND_KILL,       0, SL_TEXT_EVOLVED_FROM, "x9"                    },
    { "replaced",              HEAD "1475=1\0011476=x9\0011477=0\001148=A\001",                      SL_KIND_UPDATE,     0, SL_TEXT_EVOLVED_FROM, "x9"                    },
    { "made id",               HEAD "148=A\001",                                                     SL_KIND_NEWS,       0, SL_TEXT_ID,           "TEST:DESK:7:2026-01-05"},
    { "given id",              HEAD "1472=n/1\001148=A\001",                                         SL_KIND_NEWS,       0, SL_TEXT_ID,           "n/1"                   },
    { "sent on",               HEAD "115=ORIGIN\001148=A\001",                                       SL_KIND_NEWS,       0, SL_TEXT_PROVIDER,     "ORIGIN"                },
    { "lines are joined",      HEAD "33=2\00158=One\00158=two.\001",                                 SL_KIND_NEWS,       0, SL_TEXT_BODY,         "One two."              },
    { "blank line",            HEAD "33=3\00158=One.\00158= \00158=Two.\001",                        SL_KIND_NEWS,       0, SL_TEXT_BODY,         "One.\n\nTwo."          },
    { "line ends inside",      HEAD "33=1\00158=One.\r\n\r\nTwo.\001",                               SL_KIND_NEWS,       0, SL_TEXT_BODY,         "One.\n\nTwo."          },
    { "SOH inside data",       HEAD "95=5\00196=a\00158=\00133=1\00158=One.\001",                    SL_KIND_NEWS,       0, SL_TEXT_BODY,         "One."                  },
    { "data length of others", HEAD "95=5\00158=One.\001",                                           SL_KIND_NEWS,       0, SL_TEXT_BODY,         "One."                  },
    { "encoded before ASCII",  HEAD "347=UTF-8\00133=1\00158=Cafe\001354=5\001355=Caf\303\251\001",  SL_KIND_NEWS,       0,
     SL_TEXT_BODY,                                                                                                                                "Caf\303\251"           },
    { "nobody's set",          HEAD "347=X-NONE\00133=1\00158=Cafe\001354=5\001355=Caf\263\244\001", SL_KIND_NEWS,       0,
     SL_TEXT_BODY,                                                                                                                                "Cafe"                  },
    { "nobody's set alone",    HEAD "347=X-NONE\00133=1\001354=5\001355=Caf\263\244\001",            SL_KIND_NEWS,       0, SL_TEXT_BODY,
     "Caf\357\277\275"                                                                                                                                                    },
    { "no headline",           HEAD "33=1\00158=Trading was halted at noon. More follows.\001",      SL_KIND_NEWS,       0, SL_TEXT_HEADLINE,
     "Trading was halted at noon"                                                                                                                                         },
};

Test(fixnews, fields_say_what_the_news_is)
{
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        const struct fact_case *row = &facts[i];
        const struct sl_bulletin *bulletin;
        char wire[512];
        size_t len = frame(wire, sizeof(wire), "FIX.4.4", row->body, strlen(row->body));
        cr_assert_eq(parse_one(SL_FORMAT_FIXNEWS, wire, len, &bulletin), SL_PARSE_OK, "%s", row->name);
        cr_expect_eq(bulletin->kind, row->kind, "%s: kind %s", row->name, sl_kind_name(bulletin->kind));
        cr_expect_eq(bulletin->urgency, row->urgency, "%s: urgency %u", row->name, bulletin->urgency);
        expect_text(row->name, bulletin, row->text, row->want);
    }
}

Test(fixnews, a_message_sent_again_is_the_same_bulletin)
{
    static const char first[] = "35=B\00149=T\00156=D\00134=7\00152=20260105-23:59:59\001148=A\001";
    static const char again[] =
        "35=B\00149=T\00156=D\00134=7\00143=Y\00152=20260106-00:00:05\001122=20260105-23:59:59\001148=A\001";
    const struct sl_bulletin *bulletin;
    char wire[512];
    cr_assert_eq(
        parse_one(SL_FORMAT_FIXNEWS, wire, frame(wire, sizeof(wire), "FIX.4.4", first, sizeof(first) - 1), &bulletin),
        SL_PARSE_OK);
    struct sl_bulletin one = *bulletin;
    cr_assert_eq(
        parse_one(SL_FORMAT_FIXNEWS, wire, frame(wire, sizeof(wire), "FIX.4.4", again, sizeof(again) - 1), &bulletin),
        SL_PARSE_OK);
    cr_expect_eq(one.version_hash, bulletin->version_hash);
    cr_expect_eq(one.content_hash[0], bulletin->content_hash[0]);
    cr_expect_eq(one.version_created, bulletin->version_created);
}

Test(fixnews, the_urgency_is_peeked_from_the_first_bytes)
{
    static const struct {
        const char *wire;
        enum sl_lane lane;
    } rows[] = {
        {"8=FIX.4.4\0019=99\00135=B\00161=1\001", SL_LANE_FLASH },
        { "8=FIX.4.4\0019=99\00135=B\00161=0",    SL_LANE_NORMAL},
        { "8=FIX.4.4\0019=99\00135=B\00161=2",    SL_LANE_BULK  },
        { "8=FIX.4.4\0019=99\00135=B\00161=",     SL_LANE_NORMAL},
        { "8=FIX.4.4\0019=99\00135=B\001161=1",   SL_LANE_NORMAL},
        { "",                                     SL_LANE_NORMAL},
    };
    const struct sl_format *format = sl_format_by_id(SL_FORMAT_FIXNEWS);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_eq(sl_peek_lane(format, (const uint8_t *)rows[i].wire, (uint32_t)strlen(rows[i].wire)), rows[i].lane,
                     "%zu", i);
}
