#include "tests/parsers/wire_samples.h"

Test(text_story, every_sample_means_what_its_want_says) { cr_expect_geq(run_samples("text"), 10u); }

static const struct text_case {
    const char *name, *text, *headline, *body;
} texts[] = {
    {"headline and text",                   "Head\n\nText.\n",                                                        "Head",              "Text."                      },
    { "two lines of headline",              "Head that goes\non\n\nText.\n",                                          "Head that goes on", "Text."                      },
    { "headline over a dateline",           "Head\nPORT (AP) - Text.\n",                                              "Head",              "Text."                      },
    { "a sentence is no headline",          "It rained.\n\nIt rained on.\n",                                          "",                  "It rained.\n\nIt rained on."},
    { "nothing but a headline is the text", "Head\n",                                                                 "",                  "Head"                       },
    { "four lines are no headline",         "a\nb\nc\nd\n\nText.\n",                                                  "",                  "a b c d\n\nText."           },
    { "a bracket that names no agency",     "Head\n\nANNA (CDU) - said so.\n",                                        "Head",              "ANNA (CDU) - said so."      },
    { "read more inside a sentence",        "Head\n\nChildren read more now.\n",                                      "Head",              "Children read more now."    },
    { "a link to another story",            "Head\n\nText.\nSee also: Other\nMore.\n",                                "Head",              "Text.\n\nMore."             },
    { "a picture",                          "Head\n\nText.\n\nPhoto - https://a.example/b.jpg\n",                     "Head",              "Text."                      },
    { "a photo in words",                   "Head\n\nPhoto - see our site\n",                                         "Head",              "Photo - see our site"       },
    { "source at the end",                  "Head\n\nText.\n\nSOURCE: A Company\n",                                   "Head",              "Text."                      },
    { "source in the middle",               "Head\n\nSOURCE: A Company\n\nText.\n",                                   "Head",              "SOURCE: A Company\n\nText." },
    { "control characters",                 "Head\n\nText \001with\002 some, and enough of everything else in it.\n", "Head",
     "Text with some, and enough of everything else in it."                                                                                                             },
};

Test(text_story, what_is_not_furniture_stays_in_the_body)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const struct sl_bulletin *bulletin;
        cr_assert_eq(parse_one(SL_FORMAT_TEXT, texts[i].text, strlen(texts[i].text), &bulletin), SL_PARSE_OK, "%s",
                     texts[i].name);
        expect_text(texts[i].name, bulletin, SL_TEXT_HEADLINE, texts[i].headline);
        expect_text(texts[i].name, bulletin, SL_TEXT_BODY, texts[i].body);
    }
}

Test(text_story, garbage_is_refused_and_silence_says_nothing)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        enum sl_parse_code code;
    } rows[] = {
        {"nothing",             "",                                      0,  SL_PARSE_END      },
        { "blanks",             " \r\n\t ",                              5,  SL_PARSE_END      },
        { "idle line",          "\026\026\000\177\177",                  5,  SL_PARSE_END      },
        { "zeros and a letter", "\0\0\0\0\0\0a\0\0\0",                   10, SL_PARSE_BAD_FRAME},
        { "a picture",          "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0", 20, SL_PARSE_BAD_FRAME},
        { "undefined bytes",    "a\x81\x8d\x8f\x90\x9d",                 6,  SL_PARSE_BAD_FRAME},
        { "gzip",               "\x1f\x8b\x08\0\0\0\0\0\0\3",            10, SL_PARSE_BAD_FRAME},
        { "a letter",           "a",                                     1,  SL_PARSE_OK       },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct sl_bulletin *bulletin;
        enum sl_parse_code code = parse_one(SL_FORMAT_TEXT, rows[i].bytes, rows[i].len, &bulletin);
        cr_expect_eq(code, rows[i].code, "%s: %s", rows[i].name, sl_parse_code_name(code));
    }
}

Test(text_story, the_same_story_has_the_same_id_and_another_one_another)
{
    const struct sl_bulletin *bulletin;
    cr_assert_eq(parse_one(SL_FORMAT_TEXT, "Head\n\nText.\n", 12, &bulletin), SL_PARSE_OK);
    uint64_t first = bulletin->story_hash;
    cr_assert_eq(parse_one(SL_FORMAT_TEXT, "Head\r\n\r\nText!\r\n", 15, &bulletin), SL_PARSE_OK);
    cr_expect_eq(first, bulletin->story_hash);
    cr_assert_eq(parse_one(SL_FORMAT_TEXT, "Heat\n\nText.\n", 12, &bulletin), SL_PARSE_OK);
    cr_expect_neq(first, bulletin->story_hash);
}
