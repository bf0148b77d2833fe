#include "parsers/json.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "parsers/json_names.h"

static void begin(struct sl_json *json, const char *text, size_t len)
{
    sl_json_begin(json, (struct sl_span){ (const uint8_t *)text, (uint32_t)len });
}

static struct sl_parse_err check(const char *text, size_t len)
{
    struct sl_json json;
    /* A copy with nothing behind it, so that a read beyond its end is seen. */
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    begin(&json, copy, len);
    sl_json_skip(&json);
    cr_assert_eq(sl_json_end(&json), json.err.code == SL_PARSE_OK);
    free(copy);
    return json.err;
}

Test(json, what_rfc_8259_allows_is_taken)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        "\"\"",
        "0",
        "-0",
        "-0.0e-0",
        "1.5E+10",
        "10",
        "true",
        "false",
        "null",
        " \t\r\n[ ] \n",
        "[1,2 , 3]",
        "{\"a\":1,\"a\":2}",
        "{\"\":{\"\":[[],{}]}}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\uABcd\"",
        "\"\\ud834\\udd1e\"",
        "\"\xf0\x9d\x84\x9e \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf \xc2\x80 \xdf\xbf \xe0\xa0\x80 \xf4\x8f\xbf\xbf\"",
        "\"\x7f\"",
        "\xef\xbb\xbf{}",
        "[1e5,-1,0.25,\"a\",{\"b\":[true,false,null]}]",
        "{\"a string of more than sixteen bytes\":\"and one of more than thirty-two bytes, with \\\"escapes\\\" in "
        "it\"}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct sl_parse_err err = check(texts[i], strlen(texts[i]));
        cr_expect_eq(err.code, SL_PARSE_OK, "%s: at %u: %s", texts[i], err.off, err.want);
    }
}

static const struct refusal {
    const char *text;
    enum sl_parse_code code;
    uint32_t off;
} refusals[] = {
    {"",                                                                             SL_PARSE_CUT,      0 },
    { " ",                                                                           SL_PARSE_CUT,      1 },
    { "{",                                                                           SL_PARSE_CUT,      1 },
    { "[",                                                                           SL_PARSE_CUT,      1 },
    { "[1",                                                                          SL_PARSE_CUT,      2 },
    { "[1,",                                                                         SL_PARSE_CUT,      3 },
    { "{\"a\"",                                                                      SL_PARSE_CUT,      4 },
    { "{\"a\":",                                                                     SL_PARSE_CUT,      5 },
    { "{\"a\":1",                                                                    SL_PARSE_CUT,      6 },
    { "\"abc",                                                                       SL_PARSE_CUT,      4 },
    { "\"abc\\",                                                                     SL_PARSE_CUT,      5 },
    { "\"abc\\u12",                                                                  SL_PARSE_CUT,      8 },
    { "\"\\ud834",                                                                   SL_PARSE_CUT,      7 },
    { "\"\\ud834\\",                                                                 SL_PARSE_CUT,      8 },
    { "\"\\ud834\\udd",                                                              SL_PARSE_CUT,      11},
    { "tru",                                                                         SL_PARSE_CUT,      3 },
    { "-",                                                                           SL_PARSE_CUT,      1 },
    { "1.",                                                                          SL_PARSE_CUT,      2 },
    { "1e",                                                                          SL_PARSE_CUT,      2 },
    { "1e+",                                                                         SL_PARSE_CUT,      3 },
    { "01",                                                                          SL_PARSE_BAD_TEXT, 1 },
    { "-a",                                                                          SL_PARSE_BAD_TEXT, 1 },
    { "+1",                                                                          SL_PARSE_BAD_TEXT, 0 },
    { ".5",                                                                          SL_PARSE_BAD_TEXT, 0 },
    { "1.e5",                                                                        SL_PARSE_BAD_TEXT, 2 },
    { "NaN",                                                                         SL_PARSE_BAD_TEXT, 0 },
    { "nulL",                                                                        SL_PARSE_BAD_TEXT, 3 },
    { "[1 2]",                                                                       SL_PARSE_BAD_TEXT, 3 },
    { "[1,]",                                                                        SL_PARSE_BAD_TEXT, 3 },
    { "[,1]",                                                                        SL_PARSE_BAD_TEXT, 1 },
    { "{,}",                                                                         SL_PARSE_BAD_TEXT, 1 },
    { "{\"a\":1,}",                                                                  SL_PARSE_BAD_TEXT, 7 },
    { "{\"a\" 1}",                                                                   SL_PARSE_BAD_TEXT, 5 },
    { "{a:1}",                                                                       SL_PARSE_BAD_TEXT, 1 },
    { "{'a':1}",                                                                     SL_PARSE_BAD_TEXT, 1 },
    { "{1:1}",                                                                       SL_PARSE_BAD_TEXT, 1 },
    { "[1}",                                                                         SL_PARSE_BAD_TEXT, 2 },
    { "{\"a\":1]",                                                                   SL_PARSE_BAD_TEXT, 6 },
    { "{} {}",                                                                       SL_PARSE_BAD_TEXT, 3 },
    { "[]]",                                                                         SL_PARSE_BAD_TEXT, 2 },
    { "1 // x",                                                                      SL_PARSE_BAD_TEXT, 2 },
    { "\"a\nb\"",                                                                    SL_PARSE_BAD_TEXT, 2 },
    { "\"a\tb\"",                                                                    SL_PARSE_BAD_TEXT, 2 },
    { "\"\\x41\"",                                                                   SL_PARSE_BAD_TEXT, 2 },
    { "\"\\u12g4\"",                                                                 SL_PARSE_BAD_TEXT, 5 },
    { "\"\\ud834\"",                                                                 SL_PARSE_BAD_TEXT, 1 },
    { "\"ab\\ud834 \"",                                                              SL_PARSE_BAD_TEXT, 3 },
    { "\"\\ud834\\n\"",                                                              SL_PARSE_BAD_TEXT, 1 },
    { "\"\\ud834\\u0041\"",                                                          SL_PARSE_BAD_TEXT, 1 },
    { "\"\\udd1e\"",                                                                 SL_PARSE_BAD_TEXT, 1 },
    { "\"\x80\"",                                                                    SL_PARSE_BAD_TEXT, 1 },
    { "\"a\xc3\"",                                                                   SL_PARSE_BAD_TEXT, 2 },
    { "\"\xc0\x80\"",                                                                SL_PARSE_BAD_TEXT, 1 },
    { "\"\xc1\xbf\"",                                                                SL_PARSE_BAD_TEXT, 1 },
    { "\"\xe0\x9f\xbf\"",                                                            SL_PARSE_BAD_TEXT, 1 },
    { "\"\xed\xa0\x80\"",                                                            SL_PARSE_BAD_TEXT, 1 },
    { "\"\xf0\x8f\xbf\xbf\"",                                                        SL_PARSE_BAD_TEXT, 1 },
    { "\"\xf4\x90\x80\x80\"",                                                        SL_PARSE_BAD_TEXT, 1 },
    { "\"\xf5\x80\x80\x80\"",                                                        SL_PARSE_BAD_TEXT, 1 },
    { "\"\xc3\xa4\xa4\"",                                                            SL_PARSE_BAD_TEXT, 3 },
    { "\"a long enough string for the wide loop: \xc3\xa4\xc3 and more behind it\"", SL_PARSE_BAD_TEXT, 43},
    { "\"a long enough string for the wide loop, that never ends",                   SL_PARSE_CUT,      56},
    { "\xef\xbb",                                                                    SL_PARSE_BAD_TEXT, 0 },
    { "[\xc2\xa0]",                                                                  SL_PARSE_BAD_TEXT, 1 },
};

Test(json, what_it_forbids_is_refused_with_its_place)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        struct sl_parse_err err = check(refusals[i].text, strlen(refusals[i].text));
        cr_expect(err.code == refusals[i].code && err.off == refusals[i].off && err.want, "%s: %s at %u (%s)",
                  refusals[i].text, sl_parse_code_name(err.code), err.off, err.want ? err.want : "nothing");
    }
    cr_expect_eq(check("\"\0\"", 3).code, SL_PARSE_BAD_TEXT);
    cr_expect_eq(check("[1\0]", 4).code, SL_PARSE_BAD_TEXT);
}

Test(json, depth_is_bounded)
{
    char deep[2 * SL_JSON_DEPTH_MAX + 2];
    memset(deep, '[', SL_JSON_DEPTH_MAX);
    memset(deep + SL_JSON_DEPTH_MAX, ']', SL_JSON_DEPTH_MAX);
    cr_expect_eq(check(deep, 2 * SL_JSON_DEPTH_MAX).code, SL_PARSE_OK);
    memset(deep, '[', sizeof(deep));
    struct sl_parse_err err = check(deep, sizeof(deep));
    cr_expect(err.code == SL_PARSE_TOO_DEEP && err.off == SL_JSON_DEPTH_MAX, "%s at %u", sl_parse_code_name(err.code),
              err.off);
}

/* ---- pulling ---- */

Test(json, members_and_elements_come_one_by_one)
{
    static const char text[] = " {\"a\": 12, \"b\": [1, {\"x\": null}, \"z\"], \"c\": {\"d\": true}, \"e\": \"f\" } ";
    struct sl_json json;
    struct sl_json_string name, string;
    begin(&json, text, sizeof(text) - 1);
    cr_assert(sl_json_enter(&json, SL_JSON_OBJECT));
    cr_assert(sl_json_member(&json, &name) && sl_json_is(name, "A"));
    cr_expect(sl_json_read_scalar(&json, &string) && sl_json_is(string, "12"));
    cr_assert(sl_json_member(&json, &name) && sl_json_is(name, "b"));
    cr_assert(sl_json_enter(&json, SL_JSON_ARRAY));
    cr_assert(sl_json_element(&json));
    cr_expect_not(sl_json_read_string(&json, &string), "a number is no string, and is taken");
    cr_assert(sl_json_element(&json));
    cr_expect_not(sl_json_enter(&json, SL_JSON_ARRAY), "an object is no array, and is taken");
    cr_assert(sl_json_element(&json));
    cr_expect(sl_json_read_string(&json, &string) && sl_json_is(string, "z"));
    cr_expect_not(sl_json_element(&json));
    cr_assert(sl_json_member(&json, &name) && sl_json_is(name, "c"));
    struct sl_span whole;
    cr_expect(sl_json_text(&json, &whole) && whole.len == 11 && memcmp(whole.data, "{\"d\": true}", 11) == 0);
    cr_assert(sl_json_member(&json, &name) && sl_json_is(name, "e"));
    cr_expect_not(sl_json_is_true(&json));
    cr_expect_not(sl_json_member(&json, &name));
    cr_expect(sl_json_end(&json));
}

Test(json, after_a_fault_every_call_answers_no)
{
    struct sl_json json;
    struct sl_json_string string;
    struct sl_span span;
    begin(&json, "{\"a\":[1 2],\"b\":3}", 17);
    cr_assert(sl_json_enter(&json, SL_JSON_OBJECT));
    cr_assert(sl_json_member(&json, &string));
    sl_json_skip(&json);
    struct sl_parse_err err = json.err;
    cr_expect(err.code == SL_PARSE_BAD_TEXT && err.off == 8);
    cr_expect_not(sl_json_member(&json, &string));
    cr_expect_not(sl_json_element(&json));
    cr_expect_not(sl_json_enter(&json, SL_JSON_OBJECT));
    cr_expect_not(sl_json_read_string(&json, &string));
    cr_expect_not(sl_json_read_scalar(&json, &string));
    cr_expect_not(sl_json_is_true(&json));
    cr_expect_not(sl_json_text(&json, &span));
    cr_expect_not(sl_json_end(&json));
    cr_expect_eq(memcmp(&json.err, &err, sizeof(err)), 0);
}

/* ---- strings ---- */

static const struct string_case {
    const char *text, *put, *decoded;
    size_t decoded_len;
    uint32_t controls, repaired;
} string_cases[] = {
    {"\"\"",                               "",                          "",                          0,  0, 0},
    { "\"plain\"",                         "plain",                     "plain",                     5,  0, 0},
    { "\"a\\/b\\\\c\\\"d\"",               "a/b\\c\"d",                 "a/b\\c\"d",                 7,  0, 0},
    { "\"l\\nt\\tr\\r\\nb\\bf\\f.\"",      "l\nt\tr\nbf.",              "l\nt\tr\r\nb\bf\f.",        12, 2, 0},
    { "\"\\u00fc\\u20ac\\ud834\\udd1e\"",  "\u00fc\u20ac\U0001d11e",    "\u00fc\u20ac\U0001d11e",    9,  0, 0},
    { "\"\\u0000\\u001f\\u007f\\u0085x\"", "x",                         "\0\x1f\x7f\xc2\x85x",       6,  4, 0},
    { "\"a\x7f\xc2\x85z\"",                "az",                        "a\x7f\xc2\x85z",            5,  2, 0},
    { "\"a\xef\xbf\xbd\\ufffd\"",          "a\xef\xbf\xbd\xef\xbf\xbd", "a\xef\xbf\xbd\xef\xbf\xbd", 7,  0, 2},
    { "\"\xc2\xab \xc2\xa0 \xc3\xa4\"",    "\u00ab \u00a0 \u00e4",      "\u00ab \u00a0 \u00e4",      8,  0, 0},
};

Test(json, strings_are_put_clean_and_decoded_whole)
{
    static _Alignas(8) uint8_t mem[4096], scratch[64];
    for (size_t i = 0; i < sizeof(string_cases) / sizeof(*string_cases); i++) {
        const struct string_case *row = &string_cases[i];
        static struct sl_out out;
        static struct sl_parse parse;
        struct sl_json json;
        struct sl_json_string string;
        struct sl_text_stats stats = { 0, 0 };
        struct sl_span decoded;
        begin(&json, row->text, strlen(row->text));
        cr_assert(sl_json_read_string(&json, &string), "%s", row->text);
        sl_out_begin(&out, mem, sizeof(mem), 0);
        sl_out_open(&out);
        sl_json_put(&out, string, &stats);
        struct sl_slice put = sl_out_opened(&out);
        cr_expect(put.len == strlen(row->put) && memcmp(put.data, row->put, put.len) == 0, "%s: %.*s", row->text,
                  (int)put.len, put.data);
        cr_expect(stats.control_cnt == row->controls && stats.repaired_cnt == row->repaired, "%s: %u, %u", row->text,
                  stats.control_cnt, stats.repaired_cnt);
        sl_parse_init(&parse, scratch, sizeof(scratch));
        cr_assert(sl_json_decode(&parse, string, &decoded));
        cr_expect(decoded.len == row->decoded_len && memcmp(decoded.data, row->decoded, decoded.len) == 0, "%s",
                  row->text);
        sl_parse_init(&parse, scratch, 0);
        cr_expect_eq(sl_json_decode(&parse, string, &decoded), !(string.flags & SL_JSON_ESCAPED));
    }
}

/* Pieces of which strings with every kind of character and fault can be made. */
static const char *const pieces[] = { "a",
                                      "plain words, and more of them ",
                                      "\xc3\xa4",
                                      "\xe2\x82\xac",
                                      "\xf0\x9d\x84\x9e",
                                      "\\n",
                                      "\\u00e4",
                                      "\\ud834\\udd1e",
                                      "\x7f",
                                      "\xc2\x85",
                                      "\xef\xbf\xbd",
                                      "\xc2",
                                      "\xe2\x82",
                                      "\xa0",
                                      "\\u12",
                                      "\\ud834",
                                      "\\x",
                                      "\x1f",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xe0\x80\x80" };
#define SOUND_CNT 11u /* the first ones */

Test(json, wide_and_bytewise_scans_agree)
{
    uint64_t random = 20260105;
    char text[600];
    for (unsigned round = 0; round < 200000; round++) {
        size_t len = 0;
        unsigned cnt = round % 23;
        for (unsigned i = 0; i < cnt; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            /* One in forty of all pieces is a fault, so that most strings have none. */
            unsigned one = (unsigned)(random >> 33) % (40 * SOUND_CNT);
            const char *piece = pieces[one < sizeof(pieces) / sizeof(*pieces) ? one : one % SOUND_CNT];
            memcpy(text + len, piece, strlen(piece));
            len += strlen(piece);
        }
        bool is_open = round % 7 == 0;
        if (!is_open)
            text[len++] = '"';
        char *copy = malloc(len ? len : 1);
        memcpy(copy, text, len);
        struct sl_json_scan bytes = sl_json_scan_bytes((const uint8_t *)copy, (uint32_t)len, 0);
        struct sl_json_scan wide = sl_json_scan_wide((const uint8_t *)copy, (uint32_t)len, 0);
        free(copy);
        cr_assert(bytes.end == wide.end && bytes.fault == wide.fault, "round %u: %u %d, %u %d: %.*s", round, bytes.end,
                  (int)bytes.fault, wide.end, (int)wide.fault, (int)len, text);
        cr_assert(bytes.fault != SL_JSON_FINE || bytes.flags == wide.flags, "round %u: %u, %u", round, bytes.flags,
                  wide.flags);
    }
}

/* ---- names ---- */

static enum sl_json_name find(const char *name, uint32_t flags)
{
    return sl_json_name((struct sl_json_string){
        {(const uint8_t *)name, (uint32_t)strlen(name)},
        flags
    });
}

Test(json, every_name_is_found_in_any_case)
{
    const char *const *texts;
    uint32_t cnt = sl_json_spellings(&texts);
    bool known[SL_NAME_CNT] = { false };
    for (uint32_t i = 0; i < cnt; i++) {
        char upper[32] = { 0 };
        for (size_t c = 0; texts[i][c]; c++)
            upper[c] = (char)(texts[i][c] >= 'a' && texts[i][c] <= 'z' ? texts[i][c] - 32 : texts[i][c]);
        cr_expect_neq(find(texts[i], 0), SL_NAME_NONE, "%s", texts[i]);
        cr_expect_eq(find(texts[i], 0), find(upper, 0), "%s", texts[i]);
        known[find(texts[i], 0)] = true;
    }
    for (unsigned name = SL_NAME_NONE + 1; name < SL_NAME_CNT; name++)
        cr_expect(known[name], "%u has no spelling", name);
    cr_expect_eq(find("versionCreated", 0), SL_NAME_VERSION_CREATED);
    cr_expect_eq(find("by", 0), SL_NAME_BYLINE);
    cr_expect_eq(find("uri", SL_JSON_ESCAPED), SL_NAME_NONE);
    cr_expect_eq(find("urn", 0), SL_NAME_NONE);
    cr_expect_eq(find("", 0), SL_NAME_NONE);
    cr_expect_eq(find("x", 0), SL_NAME_NONE);
    cr_expect_eq(find("headlinf", 0), SL_NAME_NONE);
}
