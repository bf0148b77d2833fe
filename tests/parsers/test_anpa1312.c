#include "tests/parsers/wire_samples.h"

#define FIRST   "\026\026\001W2871\037brook\r\n"
#define SECOND  "r i\023\021 BC-OS--Ferry     01-05 0931\r\n"
#define SLUG    "\002^BC-OS--Ferry,12<\r\n"
#define TRAILER "\t   \003AP-WF-01-05-26 0812GMT<\r\n\f\r\n\004"

Test(anpa1312, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("anpa1312"), 14u); }

static const struct header_case {
    const char *wire;
    enum sl_parse_code code;
    uint32_t off;
} headers[] = {
    {FIRST SECOND SLUG "\tText.\r\n" TRAILER,                                    SL_PARSE_OK,         0 },
    { "W2871 brook\nr i BC-OS--Ferry 01-05 0931\n^BC-OS--Ferry,12<\n\tText.\n",  SL_PARSE_OK,         0 },
    { FIRST "u a\024\022BC-OS--Ferry 1stLd-Writethru TB06 1-5\r\n" SLUG TRAILER, SL_PARSE_OK,         0 },
    { FIRST SLUG "\tText.\r\n" TRAILER,                                          SL_PARSE_OK,         0 },
    { FIRST SECOND "\002\r\n" TRAILER,                                           SL_PARSE_OK,         0 },
    { "\026\026\0012871\037brook\r\n" SECOND SLUG TRAILER,                       SL_PARSE_BAD_FRAME,  3 },
    { "\026\026\001W28\037brook\r\n" SECOND SLUG TRAILER,                        SL_PARSE_BAD_FRAME,  4 },
    { "\026\026\001W2871/brook\r\n" SECOND SLUG TRAILER,                         SL_PARSE_BAD_FRAME,  8 },
    { "\026\026\001W2871\037\r\n" SECOND SLUG TRAILER,                           SL_PARSE_BAD_FRAME,  9 },
    { "\026\026\001W2871\037brookbrookbrook\r\n" SECOND SLUG TRAILER,            SL_PARSE_BAD_HEADER, 9 },
    { "\001TRACK\0376\037N\037N\r\n",                                            SL_PARSE_BAD_FRAME,  2 },
    { FIRST "4 i\023\021 BC-OS--Ferry     01-05 0931\r\n" SLUG TRAILER,          SL_PARSE_BAD_HEADER, 16},
    { FIRST "ri\023\021 BC-OS--Ferry     01-05 0931\r\n" SLUG TRAILER,           SL_PARSE_BAD_HEADER, 17},
    { FIRST "r 1\023\021 BC-OS--Ferry     01-05 0931\r\n" SLUG TRAILER,          SL_PARSE_BAD_HEADER, 18},
    { FIRST "r iBC-OS--Ferry     01-05 0931\r\n" SLUG TRAILER,                   SL_PARSE_BAD_HEADER, 19},
    { FIRST "r i\023\021 BC-OS--Ferry     0931\r\n" SLUG TRAILER,                SL_PARSE_BAD_HEADER, 22},
    { FIRST "r i",                                                               SL_PARSE_CUT,        19},
    { "\026\026\001W2871",                                                       SL_PARSE_CUT,        8 },
    { FIRST SECOND SLUG "\tText that ends he",                                   SL_PARSE_CUT,        89},
    { FIRST SECOND,                                                              SL_PARSE_CUT,        51},
    { FIRST "\002\r\n" TRAILER,                                                  SL_PARSE_BAD_TEXT,   16},
    { "\026\026\026\000\177\r\n",                                                SL_PARSE_END,        0 },
    { "",                                                                        SL_PARSE_END,        0 },
};

Test(anpa1312, a_header_is_taken_or_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        const struct header_case *row = &headers[i];
        const struct sl_bulletin *bulletin;
        enum sl_parse_code code = parse_one(SL_FORMAT_ANPA1312, row->wire, strlen(row->wire), &bulletin);
        cr_expect_eq(code, row->code, "%zu: %s, wants %s", i, sl_parse_code_name(code), one_parse.err.want);
        if (row->code == SL_PARSE_OK || row->code == SL_PARSE_END)
            continue;
        cr_expect_eq(one_parse.err.off, row->off, "%zu: offset %u, wants %s", i, one_parse.err.off, one_parse.err.want);
        cr_expect(one_parse.err.want, "%zu: a wish is said", i);
    }
}

static const struct time_case {
    const char *date, *trailer, *id;
    int64_t s; /* 0: none */
    unsigned flags;
} times[] = {
    {"01-05",  "AP-WF-01-05-26 0812GMT", "OS--Ferry:2026-01-05", 1767600720, 0                               },
    { "01-04", "AP-WF-01-05-26 0312GMT", "OS--Ferry:2026-01-04", 1767582720, 0                               },
    { "12-31", "AP-WF-01-01-26 0312GMT", "OS--Ferry:2025-12-31", 1767237120, 0                               },
    { "05-17", "AP-WF-05-17-16 0620GMT", "OS--Ferry:2016-05-17", 1463466000, 0                               },
    { "17-05", "AP-WF-05-17-16 0620GMT", "OS--Ferry:2016-05-17", 1463466000, 0                               },
    { "05-01", "KWS-17:15-05-01-26",     "OS--Ferry:2026-01-05", 1767633300, SL_BULLETIN_ZONE_ASSUMED_CREATED},
    { "05-01", "16:35ET 05-01-26",       "OS--Ferry:2026-01-05", 1767630900, SL_BULLETIN_ZONE_ASSUMED_CREATED},
    { "01-05", "Reuters 10:15 01-05-26", "OS--Ferry:2026-01-05", 1767608100, SL_BULLETIN_ZONE_ASSUMED_CREATED},
    { "01-05", "AP-WF-13-32-26 0812GMT", "OS--Ferry:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
    { "01-05", "AP-WF-01-05-26 2460GMT", "OS--Ferry:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
    { "12-30", "noise",                  "OS--Ferry:2025-12-30", 0,          SL_BULLETIN_DATE_COMPLETED      },
    { "13-32", "",                       "OS--Ferry:2026-01-05", 0,          SL_BULLETIN_DATE_COMPLETED      },
};

Test(anpa1312, the_trailer_gives_the_time_and_the_header_the_ids_day)
{
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        const struct time_case *row = &times[i];
        const struct sl_bulletin *bulletin;
        char wire[256];
        int len = snprintf(wire, sizeof(wire),
                           FIRST "r i\023\021 BC-OS--Ferry  %s 0931\r\n" SLUG "\tText.\r\n\003%s<\r\n\004", row->date,
                           row->trailer);
        cr_assert_eq(parse_one(SL_FORMAT_ANPA1312, wire, (size_t)len, &bulletin), SL_PARSE_OK, "%s", row->trailer);
        expect_text(row->trailer, bulletin, SL_TEXT_ID, row->id);
        int64_t want = row->s ? row->s * SL_TIME_NS : SL_TIME_NONE;
        cr_expect_eq(bulletin->version_created, want, "%s: %lld", row->trailer,
                     (long long)(bulletin->version_created / SL_TIME_NS));
        unsigned mask = SL_BULLETIN_ZONE_ASSUMED_CREATED | SL_BULLETIN_DATE_COMPLETED;
        cr_expect_eq(bulletin->flags & mask, row->flags, "%s: flags %x", row->trailer, bulletin->flags);
    }
}

/* Priority, keyword line, what it is. */
static const struct kind_case {
    const char *priority, *slug, *line;
    unsigned kind, signal, urgency, take;
} kinds[] = {
    {"r",  "BC-OS--Ferry,12<",                    "",                                  SL_KIND_NEWS,       SL_SIGNAL_NONE,       4, 0},
    { "u", "BC-OS--Ferry, 1st Ld,12<",            "",                                  SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     3, 0},
    { "r", "BC-OS--Ferry, 3rd Ld-Writethru,812<", "",                                  SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     4, 0},
    { "r", "BC-OS--Ferry, 2nd Add,12<",           "",                                  SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     4, 3},
    { "r", "BC-OS--Ferry, Sub,12<",               "",                                  SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     4, 0},
    { "r", "BC-OS--Ferry, Take 2,12<",            "",                                  SL_KIND_NEWS,       SL_SIGNAL_NONE,       4, 2},
    { "r", "BC-OS--Ferry, Correction,12<",        "",                                  SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION, 4, 0},
    { "r", "BC-OS--Ferry, 1st Ld,12<",            "^Eds: CORRECTS the name.<\r\n",     SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION, 4,
     0                                                                                                                               },
    { "r", "BC-OS--Ferry, 1st Ld,12<",            "^Eds: Adds quotes on a kill.<\r\n", SL_KIND_UPDATE,     SL_SIGNAL_UPDATE,     4, 0},
    { "u", "BC-OS--Ferry, Kill,12<",              "",                                  SL_KIND_KILL,       SL_SIGNAL_KILL,       3, 0},
    { "r", "BC-OS--Ferry,12<",                    "^BULLETIN KILL<\r\n",               SL_KIND_KILL,       SL_SIGNAL_KILL,       4, 0},
    { "r", "BC-OS--Police-Kill,12<",              "",                                  SL_KIND_NEWS,       SL_SIGNAL_NONE,       4, 0},
    { "u", "BC-OS--Ferry, Withhold,12<",          "",                                  SL_KIND_HOLD,       SL_SIGNAL_HOLD,       3, 0},
    { "r", "BC-OS--News Advisory,12<",            "",                                  SL_KIND_ADVISORY,   SL_SIGNAL_ADVISORY,   4, 0},
    { "r", "BC-OS--News Digest,12<",              "",                                  SL_KIND_ADVISORY,   SL_SIGNAL_ADVISORY,   4, 0},
    { "r", "BC-OS--APNewsAlert,12<",              "",                                  SL_KIND_NEWS,       SL_SIGNAL_ALERT,      2, 0},
    { "f", "BC-OS--Ferry,9<",                     "",                                  SL_KIND_NEWS,       SL_SIGNAL_ALERT,      1, 0},
    { "f", "BC-OS--Ferry,466<",                   "",                                  SL_KIND_NEWS,       SL_SIGNAL_NONE,       4, 0},
    { "b", "BC-OS--Ferry,60<",                    "",                                  SL_KIND_NEWS,       SL_SIGNAL_ALERT,      2, 0},
    { "d", "BC-OS--Ferry,60<",                    "",                                  SL_KIND_NEWS,       SL_SIGNAL_NONE,       6, 0},
    { "z", "BC-OS--Ferry,60<",                    "",                                  SL_KIND_NEWS,       SL_SIGNAL_NONE,       0, 0},
};

Test(anpa1312, version_and_notes_say_what_it_is_and_the_lane_agrees)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        const struct kind_case *row = &kinds[i];
        const struct sl_bulletin *bulletin;
        char wire[512];
        int len = snprintf(wire, sizeof(wire),
                           FIRST "%s i\023\021 BC-OS--Ferry 01-05 0931\r\n\002^%s\r\n%s\tText.\r\n" TRAILER,
                           row->priority, row->slug, row->line);
        cr_assert_eq(parse_one(SL_FORMAT_ANPA1312, wire, (size_t)len, &bulletin), SL_PARSE_OK, "%s", row->slug);
        cr_expect_eq(bulletin->kind, row->kind, "%s %s: %s", row->slug, row->line, sl_kind_name(bulletin->kind));
        cr_expect_eq(bulletin->signal, row->signal, "%s %s: %s", row->slug, row->line,
                     sl_signal_name(bulletin->signal));
        cr_expect_eq(bulletin->urgency, row->urgency, "%s %s: %u", row->priority, row->slug, bulletin->urgency);
        cr_expect_eq(bulletin->take_no, row->take, "%s: take %u", row->slug, bulletin->take_no);
        unsigned peeked = sl_format_by_id(SL_FORMAT_ANPA1312)->peek_urgency((const uint8_t *)wire, (uint32_t)len);
        peeked = peeked > 9 ? 0 : peeked; /* a letter that some profile may know */
        cr_expect_eq(peeked, row->urgency, "%s: the lane sees %u", row->slug, peeked);
    }
}

/* Typesetting, and what readers get. */
static const struct set_case {
    const char *set, *plain;
} sets[] = {
    {"``Yes,'' she said, `no.'",      "\xe2\x80\x9cYes,\xe2\x80\x9d she said, \xe2\x80\x98no.'"},
    { "It's _ he said _ 3_4 and ___", "It's \xe2\x80\x94 he said \xe2\x80\x94 3_4 and ___"     },
    { "cafe\b' and '\be and n\b~",    "caf\xc3\xa9 and \xc3\xa9 and \xc3\xb1"                  },
    { "x\bz and \b",                  "xz and"                                                 },
    { "a\020b \020c {2}",             "a b c {2}"                                              },
    { "\001\002a\033b\177",           "ab"                                                     },
};

Test(anpa1312, typesetting_becomes_text)
{
    for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        const struct sl_bulletin *bulletin;
        char wire[512];
        int len = snprintf(wire, sizeof(wire), FIRST SECOND SLUG "^Head<\r\n\t   %s\r\n" TRAILER, sets[i].set);
        cr_assert_eq(parse_one(SL_FORMAT_ANPA1312, wire, (size_t)len, &bulletin), SL_PARSE_OK);
        expect_text(sets[i].set, bulletin, SL_TEXT_BODY, sets[i].plain);
    }
}

Test(anpa1312, versions_of_a_story_share_it_over_services_and_cycles)
{
    static const char *const wires[] = {
        FIRST SECOND SLUG "\tText.\r\n" TRAILER,
        "\001V0001\037-----\r\nu i\023\021 AP-OS--Ferry 2ndLd 01-05 0100\r\n\002^AP-OS--Ferry, 2nd "
        "Ld,12<\r\n\tText.\r\n" TRAILER,
        "W9999 brook\nr i BC-OS--Ferry 01-05 0931\n^BC-OS--Ferry, Kill<\n\tText.\n\tAP-WF-01-05-26 0812GMT<\n",
    };
    uint64_t story = 0, versions[3];
    for (size_t i = 0; i < sizeof(wires) / sizeof(*wires); i++) {
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_ANPA1312, wires[i], strlen(wires[i]), &bulletin), SL_PARSE_OK);
        cr_expect(i == 0 || bulletin->story_hash == story, "%zu", i);
        story = bulletin->story_hash;
        versions[i] = bulletin->version_hash;
    }
    cr_expect(versions[0] != versions[1] && versions[1] != versions[2]);
}
