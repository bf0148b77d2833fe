#include "tests/parsers/wire_samples.h"
#include "parsers/editor.h"

static const struct sl_format *recognize(const char *text)
{
    return sl_format_recognize((const uint8_t *)text, (uint32_t)strlen(text));
}

Test(parse, a_format_is_recognized_by_its_shape_and_not_by_its_first_byte)
{
    static const struct {
        const char *wire, *format;
    } rows[] = {
        {"\001eca062 4 i 211 ccccb   dpa 061\r\n",                                       "iptc7901"},
        { "eca062 4 i 211 ccccb   dpa 061\n",                                            "iptc7901"},
        { "\177\177\r\n\177bsf025 3 ec 121   etf 967\r\n",                               "iptc7901"},
        { "\026\026\001W2871\037brook\r\nr i\023\021 BC-OS--Ferry  01-05 0931\r\n\002^", "anpa1312"},
        { "W2871 brook\nr i BC-OS--Ferry  01-05 0931\n",                                 "anpa1312"},
        { "W2871 brook\nr i BC-OS--Ferry sailed 931 times\n",                            "text"    },
        { "\001eca0003 r i 380  dpa 0045\r\n",                                           "iptc7901"},
        { "\001track US race US flag\r\n",                                               "text"    },
        { "\026\026\001W2870 US asian\n",                                                "text"    },
        { "Cup 2024 was a good year\n",                                                  "text"    },
        { "ZCZC FMG000\n",                                                               "zczc"    },
        { "eca062 is a number\n",                                                        "text"    },
        { "",                                                                            "text"    },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_str_eq(recognize(rows[i].wire)->name, rows[i].format, "%s", rows[i].wire);
}

Test(parse, formats_are_found_by_name_and_by_id)
{
    cr_expect_eq(sl_format_named("IPTC7901", 8)->id, SL_FORMAT_IPTC7901);
    cr_expect_eq(sl_format_by_id(SL_FORMAT_TEXT), sl_format_named("text", 4));
    cr_expect_null(sl_format_named("auto", 4));
    cr_expect_null(sl_format_named("iptc790", 7));
    cr_expect_null(sl_format_named("", 0));
    cr_expect_null(sl_format_by_id(SL_FORMAT_NONE));
    cr_expect_null(sl_format_by_id(SL_FORMAT_CNT));
}

Test(parse, urgency_chooses_the_lane)
{
    static const enum sl_lane lanes[] = { SL_LANE_NORMAL, SL_LANE_FLASH, SL_LANE_URGENT, SL_LANE_NORMAL, SL_LANE_NORMAL,
                                          SL_LANE_NORMAL, SL_LANE_BULK,  SL_LANE_BULK,   SL_LANE_BULK,   SL_LANE_BULK };
    for (unsigned urgency = 0; urgency < 10; urgency++)
        cr_expect_eq(sl_lane_of_urgency(urgency), lanes[urgency], "%u", urgency);
}

Test(parse, every_code_and_lane_has_a_name)
{
    for (unsigned code = 0; code < SL_PARSE_CODE_CNT; code++)
        cr_expect_str_neq(sl_parse_code_name(code), "?");
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        cr_expect_str_neq(sl_lane_name(lane), "?");
    cr_expect_str_eq(sl_parse_code_name(SL_PARSE_CODE_CNT), "?");
    cr_expect_str_eq(sl_lane_name(SL_LANE_CNT), "?");
}

Test(parse, a_place_is_told_in_lines_and_columns)
{
    static const struct {
        const char *data;
        uint32_t off, line, column;
    } rows[] = {
        {"abc",       0,  1, 1},
        { "abc",      2,  1, 3},
        { "abc",      3,  1, 4},
        { "abc",      99, 1, 4},
        { "a\nb",     2,  2, 1},
        { "a\r\nb",   3,  2, 1},
        { "a\r\r\nb", 4,  2, 1},
        { "a\rb",     2,  2, 1},
        { "a\n\nbc",  4,  3, 2},
        { "",         0,  1, 1},
        { "a\nb",     1,  1, 2},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint32_t line, column;
        sl_parse_locate((const uint8_t *)rows[i].data, (uint32_t)strlen(rows[i].data), rows[i].off, &line, &column);
        cr_expect(line == rows[i].line && column == rows[i].column, "%zu: %u:%u", i, line, column);
    }
}

Test(parse, a_bulletin_that_does_not_fit_is_refused_and_stays_refused)
{
    static struct sl_parse parse;
    static _Alignas(8) uint8_t mem[SL_BULLETIN_LEN_MIN];
    static uint8_t text[4096];
    struct sl_feed_facts feed = { 0 };
    uint32_t len;
    memset(text, 'a', sizeof(text));
    sl_parse_begin(&parse, NULL, &feed, text, sizeof(text), 0);
    cr_expect_eq(sl_parse_next(&parse, mem, sizeof(mem), &len), SL_PARSE_TOO_LARGE);
    cr_expect_eq(sl_parse_next(&parse, mem, sizeof(mem), &len), SL_PARSE_TOO_LARGE);
}

Test(parse, the_feed_says_what_the_message_does_not)
{
    static struct sl_parse parse;
    static _Alignas(8) uint8_t mem[65536];
    static const char silent[] = "Harbour closed",
                      telling[] = "xna0003 3 i 4  xna 0045\n\nHead =\n\n212322 GMT Nov 18\n";
    struct sl_feed_facts feed = { .provider = "feed", .language = "en" };
    const struct sl_bulletin *bulletin = (const struct sl_bulletin *)mem;
    uint32_t len;
    sl_parse_begin(&parse, NULL, &feed, (const uint8_t *)silent, sizeof(silent) - 1, 0);
    cr_assert_eq(sl_parse_next(&parse, mem, sizeof(mem), &len), SL_PARSE_OK);
    cr_expect_eq(memcmp(sl_bulletin_text(bulletin, SL_TEXT_PROVIDER).data, "feed", 4), 0);
    cr_expect_eq(memcmp(sl_bulletin_text(bulletin, SL_TEXT_LANGUAGE).data, "en", 2), 0);
    cr_expect_eq(sl_parse_next(&parse, mem, sizeof(mem), &len), SL_PARSE_END);
    sl_parse_begin(&parse, NULL, &feed, (const uint8_t *)telling, sizeof(telling) - 1, 0);
    cr_assert_eq(sl_parse_next(&parse, mem, sizeof(mem), &len), SL_PARSE_OK);
    cr_expect_eq(memcmp(sl_bulletin_text(bulletin, SL_TEXT_PROVIDER).data, "xna", 3), 0);
}

Test(parse, the_bound_holds_for_the_worst_characters)
{
    static struct sl_parse parse;
    static uint8_t text[20000];
    struct sl_feed_facts feed = { 0 };
    uint32_t cap = sl_parse_bound(sizeof(text)), len;
    void *mem = malloc(cap);
    memset(text, 0x80, sizeof(text)); /* three bytes each, in UTF-8 */
    sl_parse_begin(&parse, NULL, &feed, text, sizeof(text), 0);
    cr_expect_eq(sl_parse_next(&parse, mem, cap, &len), SL_PARSE_OK);
    cr_expect_geq(sl_parse_bound(UINT32_MAX), UINT32_MAX - 7);
    cr_expect_geq(sl_parse_bound(0), SL_BULLETIN_LEN_MIN);
    free(mem);
}

/* ---- editor ---- */

static struct sl_span span(const char *text)
{
    return (struct sl_span){ (const uint8_t *)text, (uint32_t)strlen(text) };
}

Test(editor, a_letter_beyond_ascii_is_matched_in_any_spelling)
{
    static const char *const spellings[] = { "Zur\374ckziehung", "Zur\u00fcckziehung", "ZURUECKZIEHUNG",
                                             "zuruckziehung", "Zur\ufffdckziehung" };
    uint32_t len;
    for (size_t i = 0; i < sizeof(spellings) / sizeof(*spellings); i++)
        cr_expect(sl_phrase_starts(span(spellings[i]), "zur?ckziehung", &len), "%s", spellings[i]);
    cr_expect_not(sl_phrase_starts(span("zur-ckziehung"), "zur?ckziehung", &len));
    cr_expect_not(sl_phrase_starts(span("zur\374ckziehungen"), "zur?ckziehung", &len));
    cr_expect_not(sl_phrase_starts(span("zur\374"), "zur?ckziehung", &len));
}

Test(editor, an_embargo_is_read_or_held)
{
    /* Seen from 2024-07-05 15:00 UTC. */
    static const struct {
        const char *text;
        bool is_label;
        enum sl_embargo embargo;
        int64_t until_s;
    } rows[] = {
        {"Sperrfrist 6. Juli 14.20 Uhr - Rede",                           true,  SL_EMBARGO_UNTIL,  1720275600},
        { "Sperrfrist: 1800 Uhr",                                         true,  SL_EMBARGO_UNTIL,  1720202400},
        { "Sperrfrist 06.07.2024, 14.20 Uhr",                             true,  SL_EMBARGO_UNTIL,  1720275600},
        { "Sperrfrist bis 6.7., 14:20",                                   true,  SL_EMBARGO_UNTIL,  1720275600},
        { "EMBARGOED for publication until 1800 GMT (1400 local) 6 July", true,  SL_EMBARGO_OPEN,   0         },
        { "EMBARGOED UNTIL 18:00 GMT, 6 July 2024",                       false, SL_EMBARGO_UNTIL,  1720288800},
        { "Embargoed until 6pm GMT Saturday",                             false, SL_EMBARGO_UNTIL,  1720288800},
        { "embargoed until 2024-07-06T18:00:00Z",                         false, SL_EMBARGO_UNTIL,  1720288800},
        { "EMBARGO: 1200 GMT",                                            false, SL_EMBARGO_UNTIL,  1720267200},
        { "Embargo jusqu'au 6 juillet \340 18h00 GMT",                    true,  SL_EMBARGO_UNTIL,  1720288800},
        { "EMBARGOED UNTIL 2 January 09:00 GMT",                          false, SL_EMBARGO_UNTIL,  1735808400},
        { "EMBARGOED UNTIL 00:01 BST Saturday",                           false, SL_EMBARGO_OPEN,   0         },
        { "EMBARGOED UNTIL midnight",                                     false, SL_EMBARGO_OPEN,   0         },
        { "EMBARGOED UNTIL 3/4/2024 18:00 GMT",                           false, SL_EMBARGO_OPEN,   0         },
        { "EMBARGOED UNTIL 30 February 18:00 GMT",                        false, SL_EMBARGO_OPEN,   0         },
        { "EMBARGOED UNTIL 25:00 GMT",                                    false, SL_EMBARGO_OPEN,   0         },
        { "EMBARGOED UNTIL delivery",                                     false, SL_EMBARGO_OPEN,   0         },
        { "Sperrfrist",                                                   true,  SL_EMBARGO_OPEN,   0         },
        { "Sperrfrist aufgehoben",                                        true,  SL_EMBARGO_LIFTED, 0         },
        { "keine Sperrfrist",                                             true,  SL_EMBARGO_NONE,   0         },
        { "Oil embargo until 2030 discussed",                             false, SL_EMBARGO_NONE,   0         },
        { "EMBARGO ON OIL TAKES EFFECT",                                  false, SL_EMBARGO_NONE,   0         },
        { "Embargo: what it means",                                       false, SL_EMBARGO_NONE,   0         },
        { "",                                                             true,  SL_EMBARGO_NONE,   0         },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        int64_t until_ns = 0;
        enum sl_date_zone given;
        enum sl_embargo embargo =
            sl_embargo_read(span(rows[i].text), rows[i].is_label, 1720191600ll * SL_TIME_NS, NULL, &until_ns, &given);
        cr_expect_eq(embargo, rows[i].embargo, "%s: %d", rows[i].text, embargo);
        if (rows[i].embargo == SL_EMBARGO_UNTIL)
            cr_expect_eq(until_ns, rows[i].until_s * SL_TIME_NS, "%s: %lld", rows[i].text,
                         (long long)(until_ns / SL_TIME_NS));
    }
}

Test(editor, a_dateline_names_an_agency)
{
    static const struct {
        const char *text, *place, *rest;
    } rows[] = {
        {"Berlin (dpa) - Text",                                       "Berlin",              "Text"},
        { "Paris (ats afp) Text",                                     "Paris",               "Text"},
        { "PARIS, 9 Nov (AFP) - Text",                                "PARIS",               "Text"},
        { "San Diego (tca/dpa) \226 Text",                            "San Diego",           "Text"},
        { "St. Louis, Missouri (AP) \u2014 Text",                     "St. Louis, Missouri", "Text"},
        { "TOKYO, Nov. 13 Kyodo - Text",                              "TOKYO",               "Text"},
        { "AUSTIN, Texas, Feb. 1, 2017 /PRNewswire-AsiaNet/ -- Text", "AUSTIN, Texas",       "Text"},
        { "Port Example (xna) - Text",                                "Port Example",        "Text"},
        { "Angela (CDU) - Text",                                      NULL,                  NULL  },
        { "He went home. \"No,\" said she (AP)",                      NULL,                  NULL  },
        { "berlin (dpa) - Text",                                      NULL,                  NULL  },
        { "Berlin (dpa",                                              NULL,                  NULL  },
        { "(dpa) - Text",                                             NULL,                  NULL  },
        { "Berlin - Text",                                            NULL,                  NULL  },
        { "",                                                         NULL,                  NULL  },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sl_dateline dateline;
        bool found = sl_dateline_read(span(rows[i].text), span("xna"), &dateline);
        cr_expect_eq(found, rows[i].place != NULL, "%s", rows[i].text);
        if (!found || !rows[i].place)
            continue;
        cr_expect(dateline.place.len == strlen(rows[i].place) &&
                      memcmp(dateline.place.data, rows[i].place, dateline.place.len) == 0,
                  "%s: %.*s", rows[i].text, (int)dateline.place.len, (const char *)dateline.place.data);
        cr_expect_str_eq(rows[i].text + dateline.len, rows[i].rest, "%s", rows[i].text);
    }
}

Test(parse, scratch_is_given_out_aligned_until_it_is_used_up_and_is_whole_again_for_the_next_message)
{
    static _Alignas(8) uint8_t mem[64];
    static struct sl_parse parse;
    static const struct sl_feed_facts feed;
    sl_parse_init(&parse, mem, sizeof(mem));
    for (unsigned round = 0; round < 2; round++) {
        sl_parse_begin(&parse, NULL, &feed, (const uint8_t *)"x", 1, 0);
        cr_expect_eq(sl_scratch_take(&parse, 3), mem);
        cr_expect_eq(sl_scratch_take(&parse, 57), NULL);
        cr_expect_eq(sl_scratch_take(&parse, 56), mem + 8);
        cr_expect_eq(sl_scratch_take(&parse, 1), NULL);
        cr_expect_neq(sl_scratch_take(&parse, 0), NULL);
    }
    cr_expect_geq(sl_parse_scratch_bound(UINT32_MAX), UINT32_MAX - 15);
}
