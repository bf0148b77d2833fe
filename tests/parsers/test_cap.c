#include "tests/parsers/wire_samples.h"

Test(cap, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("cap"), 12u); }

#define ALERT(head, info)                                                                                              \
    "<alert xmlns='urn:oasis:names:tc:emergency:cap:1.2'><identifier>A</identifier><sender>s</sender>" head info       \
    "</alert>"
#define INFO(urgency, severity, certainty)                                                                             \
    "<info><event>E</event><urgency>" urgency "</urgency><severity>" severity "</severity><certainty>" certainty       \
    "</certainty></info>"
#define ACTUAL "<status>Actual</status><msgType>Alert</msgType>"

static const struct kind_case {
    const char *wire;
    enum sl_kind kind;
    enum sl_signal signal;
    unsigned urgency;
} kinds[] = {
    {ALERT(ACTUAL,                                              INFO("Immediate", "Extreme",        "Observed")),       SL_KIND_NEWS,                                              SL_SIGNAL_ALERT,                                              1                                                                                                                                 },
    { ALERT(ACTUAL,                                             INFO("Expected",  "Extreme",        "Likely")),         SL_KIND_NEWS,                                              SL_SIGNAL_ALERT,                                              2                                                                                                                                 },
    { ALERT(ACTUAL,                                             INFO("Immediate", "Severe",         "Likely")),         SL_KIND_NEWS,                                              SL_SIGNAL_ALERT,                                              2                                                                                                                                 },
    { ALERT(ACTUAL,                                             INFO("Future",    "Severe",         "Likely")),         SL_KIND_NEWS,                                              SL_SIGNAL_ALERT,                                              4                                                                                                                                 },
    { ALERT(ACTUAL,                                             INFO("Immediate", "Extreme",        "Unlikely")),       SL_KIND_NEWS,                                              SL_SIGNAL_ALERT,                                              2                                                                                                                                 },
    { ALERT(ACTUAL,                                             INFO("Past",      "Extreme",        "Observed")),       SL_KIND_NEWS,                                              SL_SIGNAL_ALERT,                                              5                                                                                                                                 },
    { ALERT(ACTUAL,                                             INFO("Unknown",   "Unknown",        "Unknown")),        SL_KIND_NEWS,                                              SL_SIGNAL_ALERT,                                              4                                                                                                                                 },
    { ALERT(ACTUAL,                                             INFO("Expected",  "Minor",          "Possible")),       SL_KIND_NEWS,                                              SL_SIGNAL_ALERT,                                              5                                                                                                                                 },
    { ALERT("<status>Actual</status><msgType>Update</msgType>", INFO("Immediate", "Extreme",        "Observed")),
     SL_KIND_UPDATE,                                                                                                                                                               SL_SIGNAL_UPDATE,                                             1                                                                                                                                 },
    { ALERT("<status>Actual</status><msgType>Cancel</msgType>", INFO("Immediate", "Extreme",        "Observed")),
     SL_KIND_UPDATE,                                                                                                                                                               SL_SIGNAL_CANCEL,                                             4                                                                                                                                 },
    { ALERT("<status>Actual</status><msgType>Ack</msgType>",    ""),              SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY, 0                                                        },
    { ALERT("<status>Actual</status><msgType>Error</msgType>",                                         ""),                                       SL_KIND_ADVISORY,                SL_SIGNAL_ADVISORY,                  0},
    { ALERT("<status>Exercise</status><msgType>Alert</msgType>",                                              INFO("Immediate",                                            "Extreme",                                                           "Observed")),
     SL_KIND_TEST,                                                                               SL_SIGNAL_EXERCISE,                                                             6                                                                                                                                       },
    { ALERT("<status>Test</status><msgType>Cancel</msgType>",                                             INFO("Immediate",                                                              "Extreme",                                                                             "Observed")),                                                                                              SL_KIND_TEST,
     SL_SIGNAL_TEST, 6                                                                              },
    { ALERT("<status>Draft</status><msgType>Alert</msgType>",                                             INFO("Immediate",                                                              "Extreme",                                                                             "Observed")),                                                                                              SL_KIND_TEST,
     SL_SIGNAL_TEST,6},
    { ALERT("<status>System</status><msgType>Alert</msgType>",                                          INFO("Immediate",                                        "Extreme",                                                       "Observed")),
     SL_KIND_ADVISORY,                                                                                                 SL_SIGNAL_ADVISORY,                                                                                                 6                                                                               },
    { ALERT("<msgType>Alert</msgType>",                                             INFO("Immediate",                                               "Extreme",                                                              "Observed")),                                                                               SL_KIND_TEST,                           SL_SIGNAL_TEST,                                                                                                                                                               6                                                                                                                                                                                                                                                                                                                                                                                       },
};

Test(cap, status_message_and_severity_decide)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        const struct kind_case *row = &kinds[i];
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_CAP, row->wire, strlen(row->wire), &bulletin), SL_PARSE_OK, "%s", row->wire);
        cr_expect_eq(bulletin->kind, row->kind, "%s: %s", row->wire, sl_kind_name(bulletin->kind));
        cr_expect_eq(bulletin->signal, row->signal, "%s: %s", row->wire, sl_signal_name(bulletin->signal));
        cr_expect_eq(bulletin->urgency, row->urgency, "%s: %u", row->wire, bulletin->urgency);
        cr_expect_eq(
            sl_format_by_id(SL_FORMAT_CAP)->peek_urgency((const uint8_t *)row->wire, (uint32_t)strlen(row->wire)),
            row->urgency, "%s: the lane is that of the bulletin", row->wire);
    }
}

static const struct area_case {
    const char *area, *geo; /* NULL: no geometry */
} areas[] = {
    {"<polygon>1,2 3,4 5,6 1,2</polygon>",                       "{\"type\":\"Polygon\",\"coordinates\":[[[2,1],[4,3],[6,5],[2,1]]]}"},
    { "<polygon>\n 01.50,-002 +3,4\n5.25,6 01.50,-2 </polygon>",
     "{\"type\":\"Polygon\",\"coordinates\":[[[-2,1.50],[4,3],[6,5.25],[-2,1.50]]]}"                                                 },
    { "<circle>1.5,-2.5 10</circle>",                            "{\"type\":\"Point\",\"coordinates\":[-2.5,1.5]}"                   },
    { "<polygon>1,2 3,4 1,2</polygon>",                          NULL                                                                },
    { "<polygon>1,2 3,4 5,6 1,x</polygon>",                      NULL                                                                },
    { "<polygon>1 2 3 4 5 6 1 2</polygon>",                      NULL                                                                },
    { "<polygon>91,2 3,4 5,6 91,2</polygon>",                    NULL                                                                },
    { "<polygon>1,181 3,4 5,6 1,181</polygon>",                  NULL                                                                },
    { "<polygon>1,2, 3,4 5,6 1,2</polygon>",                     NULL                                                                },
    { "<polygon></polygon>",                                     NULL                                                                },
    { "<circle>north</circle>",                                  NULL                                                                },
    { "<circle>1.,2. 5</circle>",                                NULL                                                                },
};

Test(cap, polygons_and_circles_turn_round_or_are_left_out)
{
    for (size_t i = 0; i < sizeof(areas) / sizeof(*areas); i++) {
        const struct sl_bulletin *bulletin;
        char wire[512];
        int len = snprintf(wire, sizeof(wire),
                           "<alert><identifier>A</identifier><sender>s</sender><info><area><areaDesc>X</areaDesc>%s"
                           "</area></info></alert>",
                           areas[i].area);
        cr_assert_eq(parse_one(SL_FORMAT_CAP, wire, (size_t)len, &bulletin), SL_PARSE_OK);
        cr_assert_eq(bulletin->list[SL_LIST_PLACES].cnt, 1u, "%s", areas[i].area);
        const struct sl_item *item = sl_bulletin_items(bulletin, SL_LIST_PLACES);
        struct sl_slice geo = sl_bulletin_ref(bulletin, item->part[3]);
        const char *want = areas[i].geo ? areas[i].geo : "";
        cr_expect(geo.len == strlen(want) && memcmp(geo.data, want, geo.len) == 0, "%s: got %.*s", areas[i].area,
                  (int)geo.len, geo.data);
    }
}

static const struct refusal {
    const char *wire;
    enum sl_parse_code code;
} refusals[] = {
    {"<alert><sender>s</sender></alert>",                                              SL_PARSE_BAD_HEADER},
    { "<feed><entry/></feed>",                                                         SL_PARSE_BAD_FRAME },
    { "<alert xmlns='urn:other'><identifier>A</identifier></alert>",                   SL_PARSE_BAD_FRAME },
    { "<!DOCTYPE alert [<!ENTITY a 'b'>]><alert><identifier>&a;</identifier></alert>", SL_PARSE_REFUSED   },
    { "<alert><identifier>A</identifier>",                                             SL_PARSE_CUT       },
    { "",                                                                              SL_PARSE_CUT       },
};

Test(cap, what_is_no_alert_is_refused)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        const struct sl_bulletin *bulletin;
        enum sl_parse_code code = parse_one(SL_FORMAT_CAP, refusals[i].wire, strlen(refusals[i].wire), &bulletin);
        cr_expect_eq(code, refusals[i].code, "%s: %s", refusals[i].wire, sl_parse_code_name(code));
    }
}
