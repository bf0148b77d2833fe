#include "tests/parsers/wire_samples.h"

Test(wmo, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("wmo"), 15u); }

static const struct heading_case {
    const char *wire;
    enum sl_parse_code code;
    uint32_t off;
} headings[] = {
    {"WFUS53 KICT 150327\nTORICT\n",                               SL_PARSE_OK,         0 },
    { "\001\r\r\n081 \r\r\nWFUS53 KICT 150327\r\r\n",              SL_PARSE_OK,         0 },
    { "****0000000123****\nWFUS53 KICT 150327\nTORICT\n",          SL_PARSE_OK,         0 },
    { "0000012300\001\r\r\n123\r\r\nWFUS53 KICT 150327 AAA\r\r\n", SL_PARSE_OK,         0 },
    { "\xef\xbb\xbfWFUS53 KICT 150327Z \nTORICT\n",                SL_PARSE_OK,         0 },
    { "WFUS5 KICT 150327",                                         SL_PARSE_OK,         0 },
    { "TTAA KICT 150327 PZZ",                                      SL_PARSE_OK,         0 },
    { "",                                                          SL_PARSE_END,        0 },
    { "\001\r\r\n\003\r\r\n",                                      SL_PARSE_END,        0 },
    { "081 \n",                                                    SL_PARSE_CUT,        5 },
    { "\001\r\r\n081 \r\r\n",                                      SL_PARSE_CUT,        11},
    { "WFUS53 KICTX 150327\n",                                     SL_PARSE_BAD_HEADER, 6 },
    { "WFUS53 1ICT 150327\n",                                      SL_PARSE_BAD_HEADER, 6 },
    { "WFUS53 KICT 15032\n",                                       SL_PARSE_BAD_HEADER, 11},
    { "WFUS53 KICT 000327\n",                                      SL_PARSE_BAD_HEADER, 11},
    { "WFUS53 KICT 322427\n",                                      SL_PARSE_BAD_HEADER, 11},
    { "WFUS53 KICT 152427\n",                                      SL_PARSE_BAD_HEADER, 11},
    { "WFUS53 KICT 150360\n",                                      SL_PARSE_BAD_HEADER, 11},
    { "WFUS53 KICT 150327 COR1\n",                                 SL_PARSE_BAD_HEADER, 18},
    { "WFUS53 KICT 150327 CCA CCB\n",                              SL_PARSE_BAD_HEADER, 22},
    { "WF53 KICT 150327\n",                                        SL_PARSE_BAD_FRAME,  0 },
    { "WFUS531 KICT 150327\n",                                     SL_PARSE_BAD_FRAME,  0 },
    { "wfus53 KICT 150327\n",                                      SL_PARSE_BAD_FRAME,  0 },
    { "\001eca062 4 i 211   dpa 061\r\n",                          SL_PARSE_BAD_FRAME,  1 },
};

Test(wmo, a_heading_is_taken_or_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof(headings) / sizeof(*headings); i++) {
        const struct heading_case *row = &headings[i];
        const struct sl_bulletin *bulletin;
        enum sl_parse_code code = parse_one(SL_FORMAT_WMO, row->wire, strlen(row->wire), &bulletin);
        cr_expect_eq(code, row->code, "%zu %s: %s", i, row->wire, sl_parse_code_name(code));
        if (row->code != SL_PARSE_OK && row->code != SL_PARSE_END)
            cr_expect_eq(one_parse.err.off, row->off, "%zu %s: offset %u, wants %s", i, row->wire, one_parse.err.off,
                         one_parse.err.want);
    }
}

/* The arrival is 2026-01-05T10:00:00Z. */
static const struct time_case {
    const char *day, *text, *id;
    bool is_completed;
} times[] = {
    {"150327",  "1027 PM CDT SAT APR 14 2012\n",                              "TTAA00 KXNB 150327:2012-04", false},
    { "010600", "1100 PM CST Sat Dec 31 2011\n",                              "TTAA00 KXNB 010600:2012-01", false},
    { "311800", "400 AM EST /300 AM CST/ Sat Dec 31 2011\n",                  "TTAA00 KXNB 311800:2011-12", false},
    { "051200", "1200 UTC THU DEC 5 2024\n",                                  "TTAA00 KXNB 051200:2024-12", false},
    { "271403", "ISSUED AT 1403Z 27 FEB 2010\n",                              "TTAA00 KXNB 271403:2010-02", false},
    { "051500", "ISSUED BY THE OFFICE AT 5:04 AM EDT THURSDAY 5 JULY 2018\n", "TTAA00 KXNB 051500:2018-07", false},
    { "150327", "/O.NEW.KXNB.TO.W.0001.120415T0327Z-120415T0400Z/\n",         "TTAA00 KXNB 150327:2012-04", false},
    { "150345", "/O.CON.KXNB.TO.W.0001.000000T0000Z-120415T0400Z/\n",         "TTAA00 KXNB 150345:2012-04", false},
    { "050900", "No date.\n",                                                 "TTAA00 KXNB 050900:2026-01", true },
    { "061200", "A day ahead of us.\n",                                       "TTAA00 KXNB 061200:2026-01", true },
    { "301200", "\n",                                                         "TTAA00 KXNB 301200:2025-12", true },
    { "150327", "At 1027 PM CDT on SAT APR 14 2012 it rained.\n",             "TTAA00 KXNB 150327:2025-12", true },
    { "150327", "1361 PM CDT SAT APR 14 2012\n",                              "TTAA00 KXNB 150327:2025-12", true },
    { "150327", "1027 PM CDT SAT APR 31 2012\n",                              "TTAA00 KXNB 150327:2025-12", true },
};

Test(wmo, the_headings_day_is_completed_from_the_text_or_the_arrival)
{
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        const struct time_case *row = &times[i];
        const struct sl_bulletin *bulletin;
        char wire[256];
        int len = snprintf(wire, sizeof(wire), "TTAA00 KXNB %s\n\n%s\nText.\n", row->day, row->text);
        cr_assert_eq(parse_one(SL_FORMAT_WMO, wire, (size_t)len, &bulletin), SL_PARSE_OK, "%zu", i);
        expect_text(row->text, bulletin, SL_TEXT_ID, row->id);
        cr_expect_eq((bulletin->flags & SL_BULLETIN_DATE_COMPLETED) != 0, row->is_completed, "%zu %s", i, row->text);
    }
}

static const struct kind_case {
    const char *name, *heading, *text;
    enum sl_kind kind;
    enum sl_signal signal;
    unsigned urgency;
} kinds[] = {
#define EVENT(class, action, what) "/" class "." action ".KXNB." what ".0001.260105T0000Z-260105T1000Z/\n"
    {"new warning",         "WFUS53 KXNB 050900",                    "TORXNB\n" EVENT("O",                                           "NEW",                                                                                                                   "TO.W"),                                                                                                                                                                                                        SL_KIND_NEWS,SL_SIGNAL_ALERT, 1 },
    { "new watch",                    "WWUS43 KXNB 050900",                                                          "WSWXNB\n" EVENT("O",                                                                                                             "NEW",                                                                                                                                                                                             "WS.A"),                                                                                                                                                                                                                                                                                                                              SL_KIND_NEWS,SL_SIGNAL_ALERT, 3 },
    { "new advisory",         "WWUS43 KXNB 050900",                                 "WSWXNB\n" EVENT("O",                                                                                              "NEW",                                                                                                                                                                                                                    "WW.Y"),                                                                                       SL_KIND_NEWS,SL_SIGNAL_NONE, 4 },
    { "goes on",                "WWUS53 KXNB 050900",                                                "SVSXNB\n" EVENT("O",     "CON","SV.W"),                  SL_KIND_UPDATE,SL_SIGNAL_UPDATE, 2 },
    { "longer","WWUS53 KXNB 050900","FLSXNB\n" EVENT("O",           "EXT",                                                                                                                                                                                                                                 "FL.W"),                                                                                                                                                                                                                                                                                                                                                                                                                SL_KIND_UPDATE,                                                                                                                                                                                                                              SL_SIGNAL_UPDATE, 3 },
    { "wider",                    "WWUS53 KXNB 050900",                                                   "FLSXNB\n" EVENT("O",                                                                                                            "EXA",                                                                                                                                                                                                                                                          "FL.W"),                                                                                                                                                                                                                                                                                                                                                                                                                                                         SL_KIND_UPDATE,SL_SIGNAL_UPDATE, 3 },
    { "cancelled",     "WWUS53 KXNB 050900",                                           "SVSXNB\n" EVENT("O",                                                                                                        "CAN",                                                                                                                                                                                                                        "TO.W"),                                                                                                                                                                                                                                                                                                                                                                                               SL_KIND_UPDATE,SL_SIGNAL_CANCEL, 4 },
    { "expired",              "WWUS53 KXNB 050900",                                       "SVSXNB\n" EVENT("O",                                                                                     "EXP","TO.W"),SL_KIND_UPDATE,SL_SIGNAL_CANCEL, 4 },
    { "corrected event", "WFUS53 KXNB 050900","TORXNB\n" EVENT("O","COR","TO.W"),SL_KIND_CORRECTION,
                                                                                                              SL_SIGNAL_CORRECTION, 1 },
    { "routine",            "WGUS53 KXNB 050900",                  "FLSXNB\n" EVENT("O",                      "ROU",                                                    "FL.S"),                                                                                                                                                                                                                                                                                                          SL_KIND_NEWS,SL_SIGNAL_NONE, 4 },
    { "upgraded to warning",                    "WWUS43 KXNB 050900",                                                          "WSWXNB\n" EVENT("O",                                                                                                       "UPG",                                                                                                                                                                                                          "WS.A") EVENT("O",                                                                                                                                                                                                                                                                                                                                                                                                            "NEW","WS.W"),
                                                                                                              SL_KIND_NEWS, SL_SIGNAL_ALERT, 3 },
    { "one ends, one stays",   "WWUS53 KXNB 050900",                                           "SVSXNB\n" EVENT("O",                                                                                                        "CAN",                                                                                                                                                                                                                              "TO.W") EVENT("O",                                                                                                                                                                                                                                                                                                                                                                                                                                   "CON","SV.W"),
                                                                                                              SL_KIND_UPDATE, SL_SIGNAL_UPDATE, 2 },
    { "test event",                "WFUS53 KXNB 050900",                                                "TORXNB\n" EVENT("T",                                                                             "NEW",                                                                                                                                   "TO.W"),                                       SL_KIND_TEST,SL_SIGNAL_TEST, 4 },
    { "test product","NZUS53 KXNB 050900","RMTXNB\nMonthly.\n",SL_KIND_TEST,SL_SIGNAL_TEST,6},
    { "demonstration",      "WWUS53 KXNB 050900",                                            "DMOXNB\n" EVENT("O",                                                                                                         "NEW",                                                                                                                                                                                                           "TO.W"),                                                                                                                                                                                                                                                                                                                                                                                                   SL_KIND_TEST,SL_SIGNAL_TEST, 6 },
    { "test in words",    "WEPA40 KXNB 050900",                                      "TSUXNB\n...THIS IS A TEST...\n",                                                                                             SL_KIND_TEST,                                                                                                                                                                                                                                          SL_SIGNAL_TEST,                                                                                                                                                                                                                                                                                                                                                                                                                                        4},
    { "exercise in words",         "WEPA40 KXNB 050900",             "TSUXNB\nTHIS IS AN EXERCISE\n",        SL_KIND_TEST,                                              SL_SIGNAL_EXERCISE,                                                                                                                   4},
    { "news about a test",                    "FXUS53 KXNB 050900",                                                          "PNSXNB\nThe siren test of the county is on Monday.\n",                                                                                                          SL_KIND_NEWS,
                                                                                                              SL_SIGNAL_NONE,                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   5},
    { "tsunami, no events",                    "WEPA40 KXNB 050900",                                                          "TSUXNB\nA TSUNAMI.\n",                                                                                                         SL_KIND_NEWS,                                                                                                                                                                                                       SL_SIGNAL_ALERT,                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 1                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 },
    { "civil danger",         "WOUS40 KXNB 050900",                                  "CDWXNB\nSHELTER.\n",                                                                                               SL_KIND_NEWS,                                                                                                                                                                                                                     SL_SIGNAL_ALERT,                  1},
    { "gale elsewhere",         "WWXN40 XNAA 050900",                                  "Gale.\n",   SL_KIND_NEWS,SL_SIGNAL_NONE,3},
    { "sigmet",         "WSXN31 XNAA 050900",                              "XNFR SIGMET 1\n",                                                                                    SL_KIND_NEWS,                                                                                                                                                             SL_SIGNAL_ALERT,                                                                                                                                                                                                                                      3                                                                                                                               },
    { "corrected by BBB",         "FPXN31 XNAA 050900 CCA",                                                 "Rain.\n",                                                                                                              SL_KIND_CORRECTION,                                                                                                                                                                                                                                    SL_SIGNAL_CORRECTION,5},
    { "corrected in words",         "FPXN31 XNAA 050900",                                 "FORECAST 050900 COR\nRain.\n",SL_KIND_CORRECTION,
                                                                                                              SL_SIGNAL_CORRECTION,5},
    { "amended",         "FTXN31 XNAA 050900 AAB",                                 "TAF\n",SL_KIND_UPDATE,SL_SIGNAL_UPDATE,                                                                               5},
    { "delayed",         "SAXN31 XNAA 050900 RRA",                                  "METAR\n",                                                                                             SL_KIND_NEWS,                                                                                                                                                                                                                                                                                                                                    SL_SIGNAL_NONE,                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                       6                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      },
    { "nobody knows",         "ZZXN31 XNAA 050900",                                 "?\n",           SL_KIND_NEWS,SL_SIGNAL_NONE,8},
};

Test(wmo, kind_signal_and_urgency_follow_events_headings_and_words)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        const struct kind_case *row = &kinds[i];
        const struct sl_bulletin *bulletin;
        char wire[512];
        int len = snprintf(wire, sizeof(wire), "%s\n%s\nText.\n$$\n", row->heading, row->text);
        cr_assert_eq(parse_one(SL_FORMAT_WMO, wire, (size_t)len, &bulletin), SL_PARSE_OK, "%s", row->name);
        cr_expect_eq(bulletin->kind, row->kind, "%s: %s", row->name, sl_kind_name(bulletin->kind));
        cr_expect_eq(bulletin->signal, row->signal, "%s: %s", row->name, sl_signal_name(bulletin->signal));
        cr_expect_eq(bulletin->urgency, row->urgency, "%s: %u", row->name, bulletin->urgency);
        if (row->kind != SL_KIND_TEST)
            cr_expect_eq(sl_format_by_id(SL_FORMAT_WMO)->peek_urgency((const uint8_t *)wire, (uint32_t)len),
                         row->urgency, "%s: the lane is that of the bulletin", row->name);
    }
}

static const struct area_case {
    const char *line, *codes;
} areas[] = {
    {"KSC015-173-150400-",               "KSC015 KSC173 "              },
    { "CTZ005>007-NYZ067-150400-",       "CTZ005 CTZ006 CTZ007 NYZ067 "},
    { "KSCALL-150400-",                  "KSCALL "                     },
    { "KSC000-150400-",                  "KSC000 "                     },
    { "PZZ530-531-CAZ006-\n101-150400-", "PZZ530 PZZ531 CAZ006 CAZ101 "},
    { "KSC173>015-150400-",              ""                            },
    { "KSX015-150400-",                  ""                            },
    { "KSC01-150400-",                   ""                            },
    { "KSC015 and more-",                ""                            },
};

Test(wmo, areas_are_expanded)
{
    for (size_t i = 0; i < sizeof(areas) / sizeof(*areas); i++) {
        const struct sl_bulletin *bulletin;
        char wire[256], codes[256] = "";
        int len = snprintf(wire, sizeof(wire), "WFUS53 KXNB 050900\nTORXNB\n%s\n\nText.\n", areas[i].line);
        cr_assert_eq(parse_one(SL_FORMAT_WMO, wire, (size_t)len, &bulletin), SL_PARSE_OK);
        const struct sl_item *item = sl_bulletin_items(bulletin, SL_LIST_PLACES);
        for (uint32_t j = 0; j < bulletin->list[SL_LIST_PLACES].cnt; j++, item++) {
            struct sl_slice code = sl_bulletin_ref(bulletin, item->part[1]);
            snprintf(codes + strlen(codes), sizeof(codes) - strlen(codes), "%.*s ", (int)code.len, code.data);
        }
        cr_expect_str_eq(codes, areas[i].codes, "%s", areas[i].line);
    }
}

Test(wmo, ranges_without_end_are_cut_and_a_note_says_so)
{
    static char wire[65536];
    const struct sl_bulletin *bulletin;
    size_t len = (size_t)snprintf(wire, sizeof(wire), "WFUS53 KXNB 050900\nTORXNB\nKSC000>999-");
    while (len < sizeof(wire) - 32)
        len += (size_t)snprintf(wire + len, sizeof(wire) - len, "000>999-");
    cr_assert_eq(parse_one(SL_FORMAT_WMO, wire, len, &bulletin), SL_PARSE_OK);
    cr_expect_eq(bulletin->list[SL_LIST_PLACES].cnt, 400u);
    cr_expect_gt(bulletin->list[SL_LIST_NOTES].cnt, 0u);
}
