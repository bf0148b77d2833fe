#include <criterion/criterion.h>
#include "parsers/bulletin_json.h"
#include "tests/parsers/random_bulletin.h"
#include <stdio.h>
#include <string.h>

#define RECORD_CAP (64u * 1024u)
#define LINE_CAP   (6144u + 10u * RECORD_CAP)

static _Alignas(8) uint8_t record[RECORD_CAP];
static char line[LINE_CAP + 1];
static struct sl_out out;

static struct sl_ref ref(const char *text)
{
    return text ? sl_out_ref(&out, text, (uint32_t)strlen(text)) : (struct sl_ref){ 0, 0 };
}

static void item(enum sl_list list, const char *a, const char *b, const char *c, const char *d)
{
    struct sl_ref first = ref(a), second = ref(b), third = ref(c);
    sl_out_item(&out, list, first, second, third, ref(d));
}

static void text(enum sl_text which, const char *value) { sl_out_set(&out, which, ref(value)); }

/* The smallest bulletin there is: format 0, an id, a provider. */
static void begin(void)
{
    sl_out_begin(&out, record, sizeof(record), 0);
    sl_out_root(&out)->kind = SL_KIND_NEWS;
    text(SL_TEXT_ID, "1");
    text(SL_TEXT_PROVIDER, "ag");
}

static const struct sl_bulletin *finish(void)
{
    uint32_t len = sl_out_finish(&out);
    cr_assert_neq(len, 0u, "the bulletin did not fit");
    cr_assert_eq(sl_bulletin_check(record, len), SL_BULLETIN_FINE);
    return (const struct sl_bulletin *)record;
}

static const char *print(const struct sl_json_wire *wire)
{
    const struct sl_bulletin *bulletin = finish();
    size_t len = sl_bulletin_json(line, LINE_CAP, bulletin, wire);
    cr_assert_leq(len, sl_bulletin_json_bound(bulletin->len));
    line[len] = '\0';
    return line;
}

/* In what print printed last. */
static void expect_has(const char *name, const char *want)
{
    cr_expect(strstr(line, want), "%s: want %s\nin %s", name, want, line);
}

static void expect_lacks(const char *name, const char *unwanted)
{
    cr_expect_null(strstr(line, unwanted), "%s: do not want %s\nin %s", name, unwanted, line);
}

#define STANDARD                                                                                                       \
    "\"standard\":{\"name\":\"ninjs\",\"version\":\"3.1\",\"schema\":\"urn:x-slugline-schema:ninjs-slugline:1\"}"

Test(bulletin_json, the_smallest_bulletin_says_only_what_it_is)
{
    begin();
    cr_expect_str_eq(print(NULL),
                     "{\"uri\":\"urn:x-slugline:ag:1\",\"type\":\"text\",\"infoSources\":[{\"name\":\"ag\","
                     "\"role\":\"provider\"}]," STANDARD
                     ",\"wire\":{\"id\":\"1\",\"provider\":\"ag\",\"kind\":\"news\"}}");
}

Test(bulletin_json, a_whole_bulletin_is_printed_member_by_member_in_one_order)
{
    begin();
    struct sl_bulletin *root = sl_out_root(&out);
    root->kind = SL_KIND_UPDATE;
    root->signal = SL_SIGNAL_UPDATE;
    root->pubstatus = SL_PUB_USABLE;
    root->urgency = 2;
    root->version_created = 1767607262ll * SL_TIME_NS;
    root->word_cnt = 211;
    root->take_no = 2;
    root->flags = SL_BULLETIN_ZONE_ASSUMED_CREATED;
    text(SL_TEXT_VERSION, "3");
    text(SL_TEXT_LANGUAGE, "en");
    text(SL_TEXT_HEADLINE, "Bridge closed");
    text(SL_TEXT_BYLINE, "By our desk");
    text(SL_TEXT_SLUGLINE, "bridge-2ndlead");
    text(SL_TEXT_LOCATED, "Northport");
    text(SL_TEXT_BODY, "One two.\n\nThree.");
    text(SL_TEXT_BODY_HTML, "<p>One</p>");
    text(SL_TEXT_SERVICE, "eca");
    text(SL_TEXT_PRIORITY_RAW, "4");
    text(SL_TEXT_SOURCE_NUMBER, "0017");
    text(SL_TEXT_DATELINE, "Northport (ag)");
    text(SL_TEXT_DATELINE_PLACE, "Northport");
    text(SL_TEXT_CREDIT, "ag");
    text(SL_TEXT_TAKE, "2ND LEAD");
    text(SL_TEXT_EVOLVED_FROM, "0");
    text(SL_TEXT_EDNOTE, "adds quotes");
    text(SL_TEXT_COPYRIGHT, "(c) ag");
    text(SL_TEXT_USAGE_TERMS, "no archive");
    text(SL_TEXT_SOURCE_CHARSET, "iso-8859-1");
    item(SL_LIST_CATEGORIES, "i", NULL, NULL, NULL);
    item(SL_LIST_KEYWORDS, "bridges", NULL, NULL, NULL);
    item(SL_LIST_KEYWORDS, "roads", NULL, NULL, NULL);
    item(SL_LIST_SUBJECTS, "medtop", "04000000", "economy", NULL);
    item(SL_LIST_GENRES, NULL, NULL, "Summary", NULL);
    item(SL_LIST_PEOPLE, NULL, NULL, "The mayor", NULL);
    item(SL_LIST_SYMBOLS, "NPX", NULL, "NBR.NP", NULL);
    item(SL_LIST_ORGANISATIONS, "co", "77", "Northport Bridges", "NBR.NP");
    item(SL_LIST_PLACES, NULL, NULL, "Northport", "{\"type\":\"Point\",\"coordinates\":[1,2]}");
    item(SL_LIST_ASSOCIATIONS, "picture", "p1", "https://example.com/p1.jpg", "image/jpeg");
    item(SL_LIST_ALT_IDS, "slug", "bridge", NULL, NULL);
    item(SL_LIST_REFERENCES, "replaces", "0", NULL, NULL);
    sl_out_note(&out, "no zone given");
    struct sl_json_wire wire = { .epoch = 0xabc,
                                 .seq = 17,
                                 .feed = "north",
                                 .lane = "urgent",
                                 .verdict = "passed",
                                 .after_gap = true,
                                 .wire_source = SL_WIRE_KERNEL,
                                 .wire_ns = 1767607262000000001u,
                                 .rx_ns = 1767607262000000002u,
                                 .published_ns = 1767607262000000003u };
    cr_expect_str_eq(
        print(&wire),
        "{\"uri\":\"urn:x-slugline:ag:1\",\"type\":\"text\",\"version\":\"3\",\"versionCreated\":\"2026-01-05T10:01:"
        "02Z\","
        "\"pubStatus\":\"usable\",\"urgency\":2,\"language\":\"en\",\"headlines\":[{\"role\":\"main\",\"value\":"
        "\"Bridge "
        "closed\"}],\"by\":\"By our desk\",\"slugline\":\"bridge-2ndlead\",\"located\":\"Northport\",\"bodies\":[{"
        "\"contentType\":\"text/plain\",\"wordCount\":3,\"value\":\"One "
        "two.\\n\\nThree.\"},{\"contentType\":\"text/html\","
        "\"value\":\"<p>One</p>\"}],\"subjects\":[{\"name\":\"economy\",\"uri\":"
        "\"http://cv.iptc.org/newscodes/mediatopic/04000000\",\"literal\":\"medtop:04000000\"}],\"genres\":[{\"name\":"
        "\"Summary\"}],\"people\":[{\"name\":\"The mayor\"}],\"organisations\":[{\"name\":\"Northport "
        "Bridges\",\"literal\":\"co:77\",\"symbols\":[{\"exchange\":\"NPX\",\"symbol\":\"NBR.NP\"}]}],\"places\":[{"
        "\"name\":"
        "\"Northport\",\"geoJSON\":{\"type\":\"Point\",\"coordinates\":[1,2]}}],\"infoSources\":[{\"name\":\"ag\","
        "\"role\":"
        "\"provider\"}],\"edNote\":\"adds quotes\",\"copyrightNotice\":\"(c) ag\",\"usageTerms\":\"no archive\","
        "\"associations\":[{\"name\":\"p1\",\"rel\":\"picture\",\"uri\":\"urn:x-slugline:ag:p1\",\"type\":\"picture\","
        "\"renditions\":[{\"name\":\"main\",\"href\":\"https://example.com/p1.jpg\",\"contentType\":\"image/jpeg\"}]}],"
        "\"altIds\":[{\"role\":\"slug\",\"value\":\"bridge\"}]," STANDARD ",\"wire\":{\"epoch\":\"0000000000000abc\","
        "\"seq\":17,\"feed\":\"north\",\"id\":\"1\",\"provider\":\"ag\",\"kind\":\"update\",\"lane\":\"urgent\","
        "\"verdict\":\"passed\",\"signal\":\"update\",\"service\":\"eca\",\"priority\":\"4\",\"number\":\"0017\","
        "\"categories\":[\"i\"],\"keywords\":[\"bridges\",\"roads\"],\"dateline\":\"Northport (ag)\",\"datelinePlace\":"
        "\"Northport\",\"credit\":\"ag\",\"take\":\"2ND "
        "LEAD\",\"takeNumber\":2,\"evolvedFrom\":\"0\",\"wordCount\":211,"
        "\"symbols\":[\"NBR.NP\"],\"references\":[\"0\"],\"charset\":\"iso-8859-1\",\"zoneAssumed\":["
        "\"versionCreated\"],"
        "\"flags\":[\"afterGap\"],\"notes\":[\"no zone given\"],\"receipt\":{\"wire\":1767607262000000001,\"source\":"
        "\"kernel\",\"rx\":1767607262000000002,\"published\":1767607262000000003}}}");
}

/* ---- strings ---- */

static const struct string_case {
    const char *name, *data;
    uint32_t len;
    const char *want;
} strings[] = {
    {"empty",                   "",                         0, "\"\""                                    },
    { "plain",                  "abc",                      3, "\"abc\""                                 },
    { "quote",                  "a\"b",                     3, "\"a\\\"b\""                              },
    { "backslash",              "a\\",                      2, "\"a\\\\\""                               },
    { "line feed and tab",      "\n\t",                     2, "\"\\n\\t\""                              },
    { "return, page, bell",     "\r\f\a",                   3, "\"\\r\\f\\u0007\""                       },
    { "zero byte",              "a\0b",                     3, "\"a\\u0000b\""                           },
    { "last control character", "\x1f ",                    2, "\"\\u001f \""                            },
    { "solidus stays",          "</p>",                     4, "\"</p>\""                                },
    { "two bytes",              "\xc3\xa9",                 2, "\"\xc3\xa9\""                            },
    { "beyond the first plane", "\xf0\x9f\x93\xb0",         4, "\"\xf0\x9f\x93\xb0\""                    },
    { "line separator",
     "a\xe2\x80\xa8"
      "b",                                                  5, "\"a\\u2028b\""                           },
    { "paragraph separator",    "\xe2\x80\xa9",             3, "\"\\u2029\""                             },
    { "its neighbours stay",    "\xe2\x80\xa7\xe2\x80\xaa", 6, "\"\xe2\x80\xa7\xe2\x80\xaa\""            },
    { "quotation mark stays",   "\xe2\x80\x9c",             3, "\"\xe2\x80\x9c\""                        },
    { "no UTF-8 at all",        "\xff\xfe",                 2, "\"\xef\xbf\xbd\xef\xbf\xbd\""            },
    { "cut inside a character", "ab\xe2\x80",               4, "\"ab\xef\xbf\xbd\xef\xbf\xbd\""          },
    { "surrogate in UTF-8",     "\xed\xa0\x80",             3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

Test(bulletin_json, a_string_is_escaped_where_json_or_a_reader_of_lines_needs_it)
{
    char buf[64];
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
        const struct string_case *c = &strings[i];
        size_t len = sl_json_string(buf, sizeof(buf), c->data, c->len);
        cr_expect(len == strlen(c->want) && !memcmp(buf, c->want, len), "%s: got %.*s", c->name, (int)len, buf);
    }
}

/* The scan looks at sixteen bytes at once: what it looks for must be found at every place of a long text. */
Test(bulletin_json, an_escape_is_found_wherever_in_a_long_text_it_stands)
{
    static const struct {
        const char *dirty, *want;
    } cases[] = {
        {"\"",            "\\\""   },
        { "\n",           "\\n"    },
        { "\x1f",         "\\u001f"},
        { "\xe2\x80\xa9", "\\u2029"}
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        for (size_t at = 0; at < 70; at++) {
            char data[80], want[90], got[90];
            int data_len =
                snprintf(data, sizeof(data), "%.*s%s%.*s", (int)at,
                         "........................................................................", cases[i].dirty,
                         (int)(70 - at), "........................................................................");
            int want_len =
                snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", (int)at,
                         "........................................................................", cases[i].want,
                         (int)(70 - at), "........................................................................");
            size_t got_len = sl_json_string(got, sizeof(got), data, (size_t)data_len);
            cr_expect(got_len == (size_t)want_len && !memcmp(got, want, got_len), "case %zu at %zu: %.*s", i, at,
                      (int)got_len, got);
        }
    }
}

/* ---- uri ---- */

static const struct uri_case {
    const char *name, *provider, *id, *uri;
} uris[] = {
    {"urn",                                 "ag",                   "urn:newsml:example.com:20260105:7:1", "urn:newsml:example.com:20260105:7:1"          },
    { "tag",                                "ag",                   "tag:example.com,2026:7",              "tag:example.com,2026:7"                       },
    { "http with query and fragment",       "ag",                   "http://example.com/?p=7#x",           "http://example.com/?p=7#x"                    },
    { "urn in capitals",                    "ag",                   "URN:ISBN:012",                        "URN:ISBN:012"                                 },
    { "encoded already",                    "ag",                   "https://example.com/a%20b",           "https://example.com/a%20b"                    },
    { "number",                             "dpa",                  "26945219",                            "urn:x-slugline:dpa:26945219"                  },
    { "reads like a scheme",                "AFP",                  "AFP:TX-1",                            "urn:x-slugline:AFP:AFP:TX-1"                  },
    { "urn without a name",                 "ag",                   "urn:newsml:",                         "urn:x-slugline:ag:urn:newsml:"                },
    { "urn with a namespace of one letter", "ag",                   "urn:x:1",                             "urn:x-slugline:ag:urn:x:1"                    },
    { "http without a host",                "ag",                   "http:///a",                           "urn:x-slugline:ag:http:///a"                  },
    { "blank",                              "ag",                   "http://example.com/a b",              "urn:x-slugline:ag:http://example.com/a%20b"   },
    { "half an encoding",                   "ag",                   "http://example.com/%2",               "urn:x-slugline:ag:http://example.com/%252"    },
    { "two fragments",                      "ag",                   "http://example.com/#a#b",             "urn:x-slugline:ag:http://example.com/%23a%23b"},
    { "brackets",                           "ag",                   "http://example.com/[1]",              "urn:x-slugline:ag:http://example.com/%5B1%5D" },
    { "message id",                         "ag",                   "<a+b@example.com>",                   "urn:x-slugline:ag:%3Ca+b@example.com%3E"      },
    { "query, fragment, quote",             "ag",                   "a?b#c\"",                             "urn:x-slugline:ag:a%3Fb%23c%22"               },
    { "letters beyond ASCII",               "ag",                   "\xc3\xa9",                            "urn:x-slugline:ag:%C3%A9"                     },
    { "line feed",                          "ag",                   "a\nb",                                "urn:x-slugline:ag:a%0Ab"                      },
    { "provider with colon and solidus",    "a:b/c",                "d/e",                                 "urn:x-slugline:a%3Ab%2Fc:d/e"                 },
    { "provider that is an address",        "http://example.com/x", "1",                                   "urn:x-slugline:http%3A%2F%2Fexample.com%2Fx:1"},
    { "no provider",                        NULL,                   "1",                                   "urn:x-slugline::1"                            },
};

Test(bulletin_json, the_uri_is_the_id_where_that_is_one_and_else_a_urn_of_provider_and_id)
{
    for (size_t i = 0; i < sizeof(uris) / sizeof(*uris); i++) {
        char want[128];
        begin();
        text(SL_TEXT_PROVIDER, uris[i].provider);
        text(SL_TEXT_ID, uris[i].id);
        snprintf(want, sizeof(want), "{\"uri\":\"%s\",", uris[i].uri);
        print(NULL);
        expect_has(uris[i].name, want);
    }
}

/* ---- codes and providers ---- */

static const struct code_case {
    const char *name, *scheme, *code, *label, *want;
} codes[] = {
    {"media topic",                                     "medtop",                 "04000000",                "economy",
     "[{\"name\":\"economy\",\"uri\":\"http://cv.iptc.org/newscodes/mediatopic/"
      "04000000\",\"literal\":\"medtop:04000000\"}]"                                                                                                   },
    { "subject code",                                   "subj",                   "15000000",                NULL,
     "[{\"uri\":\"http://cv.iptc.org/newscodes/subjectcode/15000000\",\"literal\":\"subj:15000000\"}]"                                                 },
    { "alias of nobody we know",                        "dpacat",                 "sp",                      NULL,      "[{\"literal\":\"dpacat:sp\"}]"},
    { "known in other letters is not known",            "MEDTOP",                 "1",                       NULL,      "[{\"literal\":\"MEDTOP:1\"}]" },
    { "code alone",                                     NULL,                     "F01",                     NULL,      "[{\"literal\":\"F01\"}]"      },
    { "name alone",                                     NULL,                     NULL,                      "sport",   "[{\"name\":\"sport\"}]"       },
    { "scheme without a code says nothing",             "medtop",                 NULL,                      "sport",   "[{\"name\":\"sport\"}]"       },
    { "code with a blank",                              "subj",                   "a b",                     NULL,
     "[{\"uri\":\"http://cv.iptc.org/newscodes/subjectcode/a%20b\",\"literal\":\"subj:a b\"}]"                                                         },
    { "code that is a URI",                             NULL,                     "https://example.com/s/1", NULL,
     "[{\"uri\":\"https://example.com/s/1\",\"literal\":\"https://example.com/s/1\"}]"                                                                 },
    { "scheme that is a URI",                           "https://example.com/s/", "1",                       NULL,
     "[{\"uri\":\"https://example.com/s/1\",\"literal\":\"1\"}]"                                                                                       },
    { "scheme that is a URI without a place for codes", "https://example.com/s",  "1",                       NULL,
     "[{\"literal\":\"https://example.com/s:1\"}]"                                                                                                     },
};

Test(bulletin_json, a_code_keeps_its_scheme_and_has_a_uri_where_the_scheme_is_known)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        char want[256];
        begin();
        item(SL_LIST_SUBJECTS, codes[i].scheme, codes[i].code, codes[i].label, NULL);
        item(SL_LIST_SUBJECTS, NULL, NULL, NULL, NULL); /* says nothing, leaves nothing */
        snprintf(want, sizeof(want), "\"subjects\":%s,\"infoSources\"", codes[i].want);
        print(NULL);
        expect_has(codes[i].name, want);
    }
}

static const struct provider_case {
    const char *name, *provider, *want;
} providers[] = {
    {"word",                "dpa",                      "[{\"name\":\"dpa\",\"role\":\"provider\"}]"                         },
    { "IPTC's code",        "nprov:REUTERS",
     "[{\"name\":\"REUTERS\",\"uri\":\"http://cv.iptc.org/newscodes/newsprovider/"
      "REUTERS\",\"literal\":\"nprov:REUTERS\","
      "\"role\":\"provider\"}]"                                                                                              },
    { "code of a house",    "NS:RTRS",                  "[{\"name\":\"RTRS\",\"literal\":\"NS:RTRS\",\"role\":\"provider\"}]"},
    { "address",            "http://example.com/neic/",
     "[{\"name\":\"http://example.com/neic/\",\"uri\":\"http://example.com/neic/\",\"role\":\"provider\"}]"                  },
    { "words with a colon", "News: North",              "[{\"name\":\"News: North\",\"role\":\"provider\"}]"                 },
    { "colon last",         "News:",                    "[{\"name\":\"News:\",\"role\":\"provider\"}]"                       },
};

Test(bulletin_json, the_provider_is_the_one_info_source)
{
    for (size_t i = 0; i < sizeof(providers) / sizeof(*providers); i++) {
        char want[256];
        begin();
        text(SL_TEXT_PROVIDER, providers[i].provider);
        snprintf(want, sizeof(want), "\"infoSources\":%s", providers[i].want);
        print(NULL);
        expect_has(providers[i].name, want);
    }
}

/* ---- times ---- */

static const struct time_case {
    int64_t ns;
    const char *want;
} times[] = {
    {0,                                      "1970-01-01T00:00:00Z"          },
    { 1767607262ll * SL_TIME_NS,             "2026-01-05T10:01:02Z"          },
    { 1767607262ll * SL_TIME_NS + 500000000, "2026-01-05T10:01:02.5Z"        },
    { 1767607262ll * SL_TIME_NS + 120000,    "2026-01-05T10:01:02.00012Z"    },
    { 1767607262ll * SL_TIME_NS + 1,         "2026-01-05T10:01:02.000000001Z"},
    { 951782400ll * SL_TIME_NS,              "2000-02-29T00:00:00Z"          },
    { -1,                                    "1969-12-31T23:59:59.999999999Z"},
    { INT64_MAX,                             "2262-04-11T23:47:16.854775807Z"},
    { INT64_MIN + 1,                         "1677-09-21T00:12:43.145224193Z"},
};

Test(bulletin_json, a_time_is_in_utc_and_has_a_fraction_only_where_it_is_not_zero)
{
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        char want[256];
        begin();
        struct sl_bulletin *root = sl_out_root(&out);
        root->version_created = root->first_created = root->embargoed_until = root->expires = times[i].ns;
        snprintf(want, sizeof(want),
                 "\"versionCreated\":\"%s\",\"firstCreated\":\"%s\",\"embargoedUntil\":\"%s\",\"expires\":\"%s\"",
                 times[i].want, times[i].want, times[i].want, times[i].want);
        print(NULL);
        expect_has(times[i].want, want);
    }
}

/* ---- lists ---- */

Test(bulletin_json, a_further_language_stands_behind_the_role)
{
    begin();
    text(SL_TEXT_HEADLINE, "Main");
    item(SL_LIST_HEADLINES, "fr", "sub", "Deux", NULL);
    item(SL_LIST_HEADLINES, "es", NULL, "Tres", NULL);
    item(SL_LIST_HEADLINES, NULL, "short", "Four", NULL);
    item(SL_LIST_HEADLINES, NULL, NULL, "Five", NULL);
    item(SL_LIST_HEADLINES, "de", "sub", NULL, NULL);
    item(SL_LIST_BODIES, "fr", NULL, "Corps", NULL);
    print(NULL);
    expect_has(
        "headlines",
        "\"headlines\":[{\"role\":\"main\",\"value\":\"Main\"},{\"role\":\"sub@fr\",\"value\":\"Deux\"},"
        "{\"role\":\"main@es\",\"value\":\"Tres\"},{\"role\":\"short\",\"value\":\"Four\"},{\"value\":\"Five\"}],");
    expect_has("bodies", "\"bodies\":[{\"role\":\"main@fr\",\"contentType\":\"text/plain\",\"value\":\"Corps\"}],");
}

Test(bulletin_json, a_symbol_stands_in_wire_and_with_its_organisation)
{
    begin();
    item(SL_LIST_SYMBOLS, "ASX", "RIC", "UGL.AX", NULL);
    item(SL_LIST_SYMBOLS, NULL, "https://example.com/t/isin", "XX0004026250", NULL);
    item(SL_LIST_ORGANISATIONS, NULL, NULL, "UGL", "UGL.AX");
    item(SL_LIST_ORGANISATIONS, NULL, NULL, "Other", "OTH");
    print(NULL);
    expect_has("organisations",
               "\"organisations\":[{\"name\":\"UGL\",\"symbols\":[{\"exchange\":\"ASX\",\"symbolType\":\"urn:x-"
               "slugline-symboltype:"
               "RIC\",\"symbol\":\"UGL.AX\"}]},{\"name\":\"Other\",\"symbols\":[{\"symbol\":\"OTH\"}]},{\"symbols\":[{"
               "\"symbolType\":\"https://example.com/t/isin\",\"symbol\":\"XX0004026250\"}]}],");
    expect_has("wire", "\"symbols\":[\"UGL.AX\",\"XX0004026250\"]");
}

static const struct association_case {
    const char *name, *rel, *id, *href, *type, *want;
} associations[] = {
    {"all",                     "photo", "urn:newsml:example.com:p1", "https://example.com/1.jpg", "image/jpeg",
     "[{\"name\":\"urn:newsml:example.com:p1\",\"rel\":\"photo\",\"uri\":\"urn:newsml:example.com:p1\",\"type\":"
      "\"picture\","
      "\"renditions\":[{\"name\":\"main\",\"href\":\"https://example.com/1.jpg\",\"contentType\":\"image/jpeg\"}]}]"                                                        },
    { "id alone",               NULL,    "p1",                        NULL,                        NULL,              "[{\"name\":\"p1\",\"uri\":\"urn:x-slugline:ag:p1\"}]"},
    { "link alone",             NULL,    NULL,                        "https://example.com/1",     NULL,
     "[{\"name\":\"https://example.com/1\",\"uri\":\"https://example.com/"
      "1\",\"renditions\":[{\"name\":\"main\",\"href\":"
      "\"https://example.com/1\"}]}]"                                                                                                                                       },
    { "file in the same place", NULL,    NULL,                        "1 a.mp4",                   "video/mp4",
     "[{\"name\":\"1 a.mp4\",\"uri\":\"urn:x-slugline:ag:1%20a.mp4\",\"type\":\"video\",\"renditions\":[{\"name\":\"1 "
      "a.mp4\",\"contentType\":\"video/mp4\"}]}]"                                                                                                                           },
    { "type of no news object", NULL,    "p1",                        NULL,                        "application/pdf",
     "[{\"name\":\"p1\",\"uri\":\"urn:x-slugline:ag:p1\",\"renditions\":[{\"name\":\"main\",\"contentType\":"
      "\"application/pdf\"}]}]"                                                                                                                                             },
};

Test(bulletin_json, an_association_has_a_name_and_a_uri)
{
    for (size_t i = 0; i < sizeof(associations) / sizeof(*associations); i++) {
        const struct association_case *c = &associations[i];
        char want[400];
        begin();
        item(SL_LIST_ASSOCIATIONS, c->rel, c->id, c->href, c->type);
        item(SL_LIST_ASSOCIATIONS, "photo", NULL, NULL, "image/jpeg"); /* nothing to name it by: left out */
        snprintf(want, sizeof(want), "\"associations\":%s,\"standard\"", c->want);
        print(NULL);
        expect_has(c->name, want);
    }
}

static const struct geo_case {
    const char *name, *geo, *want; /* want NULL: left out */
} geos[] = {
    {"point",                       "{\"type\":\"Point\",\"coordinates\":[-79.99,40.44]}",
     "{\"type\":\"Point\",\"coordinates\":[-79.99,40.44]}"                                                                },
    { "blanks inside",              "{ \"a\" : [ 1 , 2e+3 ] }",                            "{ \"a\" : [ 1 , 2e+3 ] }"     },
    { "several lines become one",   "{\n\t\"a\":\n[]\n}",                                  "{\"a\":[]}"                   },
    { "line separator in a string", "{\"a\":\"x\xe2\x80\xa8y\"}",                          "{\"a\":\"x\\u2028y\"}"        },
    { "words and escapes",          "{\"a\":[true,false,null,\"\\u00e9\\\"\"],\"b\":{}}",
     "{\"a\":[true,false,null,\"\\u00e9\\\"\"],\"b\":{}}"                                                                 },
    { "numbers",                    "{\"a\":[0,-0,0.5,1E9,1e-9]}",                         "{\"a\":[0,-0,0.5,1E9,1e-9]}"  },
    { "eleven deep",                "{\"a\":[[[[[[[[[[1]]]]]]]]]]}",                       "{\"a\":[[[[[[[[[[1]]]]]]]]]]}"},
    { "no JSON",                    "52.5 13.4",                                           NULL                           },
    { "list",                       "[13.4,52.5]",                                         NULL                           },
    { "cut short",                  "{\"type\":\"Point\"",                                 NULL                           },
    { "two values",                 "{} {}",                                               NULL                           },
    { "comma at the end",           "{\"a\":1,}",                                          NULL                           },
    { "comma at the end of a list", "{\"a\":[1,]}",                                        NULL                           },
    { "wrong bracket",              "{\"a\":[1}}",                                         NULL                           },
    { "name without quotes",        "{a:1}",                                               NULL                           },
    { "member without a value",     "{\"a\":}",                                            NULL                           },
    { "leading zero",               "{\"a\":01}",                                          NULL                           },
    { "point without digits",       "{\"a\":1.}",                                          NULL                           },
    { "exponent without digits",    "{\"a\":1e}",                                          NULL                           },
    { "plus",                       "{\"a\":+1}",                                          NULL                           },
    { "no number",                  "{\"a\":NaN}",                                         NULL                           },
    { "line feed in a string",      "{\"a\":\"\n\"}",                                      NULL                           },
    { "escape of none",             "{\"a\":\"\\x\"}",                                     NULL                           },
    { "escape cut short",           "{\"a\":\"\\u12\"}",                                   NULL                           },
    { "string without an end",      "{\"a\":\"",                                           NULL                           },
    { "too deep",                   "{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",           NULL                           },
};

Test(bulletin_json, a_geometry_is_taken_over_only_when_it_is_one_json_object)
{
    for (size_t i = 0; i < sizeof(geos) / sizeof(*geos); i++) {
        char want[256];
        begin();
        item(SL_LIST_PLACES, NULL, NULL, "here", geos[i].geo);
        snprintf(want, sizeof(want), "\"places\":[{\"name\":\"here\"%s%s}],", geos[i].want ? ",\"geoJSON\":" : "",
                 geos[i].want ? geos[i].want : "");
        print(NULL);
        expect_has(geos[i].name, want);
    }
}

Test(bulletin_json, what_the_message_does_not_determine_is_absent)
{
    static const char *const members[] = {
        "version",     "versionCreated", "firstCreated", "embargoedUntil", "expires",
        "pubStatus",   "urgency",        "language",     "headlines",      "by",
        "slugline",    "located",        "bodies",       "subjects",       "genres",
        "people",      "organisations",  "places",       "edNote",         "copyrightNotice",
        "usageTerms",  "associations",   "altIds",       "epoch",          "seq",
        "feed",        "format",         "lane",         "verdict",        "signal",
        "service",     "priority",       "number",       "categories",     "keywords",
        "dateline",    "datelinePlace",  "credit",       "take",           "takeNumber",
        "evolvedFrom", "wordCount",      "symbols",      "references",     "charset",
        "zoneAssumed", "flags",          "notes",        "receipt",
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
        char unwanted[64];
        begin();
        snprintf(unwanted, sizeof(unwanted), "%s\"%s\":", strcmp(members[i], "version") ? "" : "\"text\",", members[i]);
        print(NULL);
        expect_lacks(members[i], unwanted);
    }
}

Test(bulletin_json, every_flag_is_told_once)
{
    begin();
    sl_out_root(&out)->flags = SL_BULLETIN_FLAGS_ALL;
    struct sl_json_wire wire = { .after_gap = true, .clock_stepped = true };
    cr_expect(strstr(print(&wire),
                     "\"zoneAssumed\":[\"versionCreated\",\"firstCreated\",\"embargoedUntil\",\"expires\"],"
                     "\"flags\":[\"dateCompleted\",\"idMade\",\"embargoed\",\"textRepaired\",\"afterGap\","
                     "\"clockStepped\"]"));
}

Test(bulletin_json, a_receipt_names_whose_stamp_the_wires_is)
{
    static const char *const names[] = { "", "nic", "kernel", "capture", "poll", "" };
    for (unsigned source = 0; source < sizeof(names) / sizeof(*names); source++) {
        char want[128];
        struct sl_json_wire wire = { .wire_source = (uint8_t)source,
                                     .wire_ns = 1,
                                     .first_ns = 2,
                                     .framed_ns = 3,
                                     .decoded_ns = 4,
                                     .read_ns = UINT64_MAX };
        begin();
        snprintf(want, sizeof(want),
                 "\"receipt\":{\"wire\":1,%s%s%s\"first\":2,\"framed\":3,\"decoded\":4,\"read\":"
                 "18446744073709551615}}}",
                 *names[source] ? "\"source\":\"" : "", names[source], *names[source] ? "\"," : "");
        const char *got = print(&wire);
        cr_expect(strstr(got, want), "want %s\nin %s", want, got);
        cr_expect_str_eq(sl_wire_source_name(source), names[source]);
    }
    begin();
    struct sl_json_wire unstamped = { .wire_source = SL_WIRE_NIC, .rx_ns = 5 };
    cr_expect(strstr(print(&unstamped), "\"receipt\":{\"rx\":5}}}"), "a source without its stamp is not told");
}

/* ---- the buffer ---- */

Test(bulletin_json, a_buffer_too_small_gives_the_same_length_and_is_never_left)
{
    enum { guard = 0x5a };
    static char small[LINE_CAP];
    struct random_source random = { 20260105 };
    for (unsigned round = 0; round < 4; round++) {
        cr_assert_neq(random_bulletin(&random, &out, record, sizeof(record)), 0u);
        size_t len = sl_bulletin_json(line, LINE_CAP, (const struct sl_bulletin *)record, NULL);
        cr_assert_leq(len, (size_t)LINE_CAP);
        for (size_t cap = 0; cap <= len; cap++) {
            memset(small + cap, guard, 64);
            size_t small_len = sl_bulletin_json(small, cap, (const struct sl_bulletin *)record, NULL);
            cr_assert_eq(small_len, len, "cap %zu", cap);
            for (size_t i = 0; i < 64; i++)
                cr_assert_eq(small[cap + i], guard, "wrote behind cap %zu", cap);
        }
        cr_expect(!memcmp(small, line, len), "a buffer of exactly the length holds the line");
    }
}

Test(bulletin_json, a_string_needs_no_buffer_to_tell_its_length)
{
    cr_expect_eq(sl_json_string(NULL, 0, "a\nb", 3), (size_t)6);
    char buf[8] = "........";
    cr_expect_eq(sl_json_string(buf, 5, "a\nb", 3), (size_t)6);
    cr_expect(!memcmp(buf + 5, "...", 3));
}

Test(bulletin_json, the_bound_holds_for_random_bulletins)
{
    struct random_source random = { 7 };
    for (unsigned round = 0; round < 2000; round++) {
        uint32_t len = random_bulletin(&random, &out, record, sizeof(record));
        cr_assert_neq(len, 0u);
        size_t line_len = sl_bulletin_json(line, LINE_CAP, (const struct sl_bulletin *)record, NULL);
        cr_assert_leq(line_len, sl_bulletin_json_bound(len), "round %u", round);
    }
}

/* Bulletins made to grow as much as they can: many small items, or one long text, of characters that are escaped. */
Test(bulletin_json, the_bound_holds_for_bulletins_made_to_break_it)
{
    static char quotes[40001];
    memset(quotes, '"', sizeof(quotes) - 1);
    static const char *const code = "\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""; /* 32 */

    for (unsigned list = 0; list < SL_LIST_CNT; list++) {
        begin();
        text(SL_TEXT_PROVIDER, code);
        item(SL_LIST_SYMBOLS, code, code, "\"", NULL);
        for (unsigned i = 0; i < SL_OUT_ITEMS_MAX - 1; i++)
            item((enum sl_list)list, "medtop", "\"", list == SL_LIST_ORGANISATIONS ? NULL : "\"", "\"");
        print(NULL);
        begin();
        item((enum sl_list)list, NULL, list == SL_LIST_ASSOCIATIONS ? NULL : quotes,
             list == SL_LIST_ASSOCIATIONS ? quotes : NULL, NULL);
        print(NULL);
    }
    for (unsigned which = 0; which < SL_TEXT_CNT; which++) {
        begin();
        text((enum sl_text)which, quotes);
        print(NULL);
    }
}
