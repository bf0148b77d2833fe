#include "pipeline/profiles.h"
#include "tests/parsers/wire_samples.h"

#include <errno.h>
#include <unistd.h>

static struct sl_profile_store store;
static struct sl_zones_store zones;

static void unload(void)
{
    sl_profiles_fini(&store);
    sl_zones_fini(&zones);
}

TestSuite(profiles, .fini = unload);

static int read_one(const char *yaml, char *err, size_t err_len)
{
    return sl_profiles_parse(&store, &zones, "p", "p.yaml", yaml, strlen(yaml), err, err_len);
}

static const struct refusal {
    const char *yaml, *err;
} refusals[] = {
    {"",                                                                                       "p.yaml:1:1: nothing is written here; names is expected at least"              },
    { "names: [a]\nname: b\n",                                                                 "p.yaml:2:1: 'name' is no key here; did you mean names?"                       },
    { "provider: a\n",                                                                         "p.yaml:1:1: names: is missing; what the agency's messages call it is expected"},
    { "names: a\n",                                                                            "p.yaml:1:8: names: a list is expected here, such as [a]"                      },
    { "names: []\n",                                                                           "p.yaml:1:8: names: at least one is expected, such as dpa"                     },
    { "names: [a]\nlabels:\n  - {phrase: spike, means: kil}\n",
     "p.yaml:3:28: labels[0].means: 'kil' is not known here; did you mean kill?"                                                                                              },
    { "names: [a]\nlabels: [{means: kill}]\n",                                                 "p.yaml:2:10: labels[0].phrase: is missing"                                    },
    { "names: [a]\nlabels: [{phrase: x}]\n",                                                   "p.yaml:2:10: labels[0].means: is missing"                                     },
    { "names: [a]\nrequests: [Please spike]\n",
     "p.yaml:2:12: requests[0]: 'Please spike' is no phrase; small letters from the first on, single blanks, and ? "
     "for a letter beyond ASCII are expected"                                                                                                                                 },
    { "names: [a]\npriorities: [{letter: f, urgency: 0}]\n",
     "p.yaml:2:35: priorities[0].urgency: a number from 1 to 9 is expected"                                                                                                   },
    { "names: [a]\npriorities: [{letter: F, urgency: 1}]\n",
     "p.yaml:2:23: priorities[0].letter: one small letter is expected"                                                                                                        },
    { "names: [a]\ntimezone: ../etc\n",
     "p.yaml:2:11: timezone: '../etc' is no time zone; one such as Europe/Berlin is expected"                                                                                 },
    { "names: [a]\nproducts: [{lines: [{begins: '#', is: slugline}]}]\n",                      "p.yaml:2:12: products[0].name: is missing"                                    },
    { "names: [a]\nproducts:\n  - name: n\n    lines:\n      - {begins: '#', is: sluglien}\n",
     "p.yaml:5:27: products[0].lines[0].is: 'sluglien' is not known here; did you mean slugline?"                                                                             },
    { "names: [a]\nsignoffs: [~]\n",                                                           "p.yaml:2:12: signoffs[0]: has no value; leave the key out for its default"    },
    { "names: &a [a]\n",                                                                       "p.yaml:1:8: names: anchors (&a) are not read here"                            },
};

Test(profiles, what_is_wrong_is_said_with_its_place_and_the_wish)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
        char err[512] = "";
        cr_expect_eq(read_one(refusals[i].yaml, err, sizeof(err)), -EINVAL, "%zu", i);
        cr_expect_str_eq(err, refusals[i].err, "%zu:\n got  %s\n want %s", i, err, refusals[i].err);
    }
    cr_expect_eq(store.cnt, 0);
}

Test(profiles, those_that_are_installed_are_right)
{
    char err[512] = "";
    cr_assert_eq(sl_profiles_load(&store, &zones, SL_SOURCE_ROOT "/deploy/profiles", err, sizeof(err)), 0, "%s", err);
    struct sl_profiles view = sl_profiles_view(&store);
    cr_expect_geq(view.cnt, 5u);
    cr_expect_eq(sl_profile_of(&view, SL_SLICE("stt")), sl_profile_named(&view, "stt"));
    cr_expect_null(sl_profile_of(&view, SL_SLICE("nobody")));
    cr_expect_eq(sl_profiles_load(&store, &zones, "/nowhere/at/all", err, sizeof(err)), -ENOENT);
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* All that this agency has of its own is in its file. */
Test(profiles, a_new_word_for_kill_and_a_new_dialect_need_no_code)
{
    char folder[] = "/tmp/slugline-profiles-XXXXXX", path[512], err[512] = "";
    cr_assert(mkdtemp(folder));
    write_file(
        folder, "ostmark.yaml",
        "names: [ona]\nlanguage: ost\n"
        "labels: [{phrase: vernichtet, means: kill}, {phrase: nachtrag, means: update}]\n"
        "requests: [bitte einstampfen]\nsignoffs: [ona ende]\n"
        "priorities: [{letter: q, urgency: 2}]\n"
        "products:\n  - name: main\n    heading: ONA\n    signs: ['!1']\n    provider: ona\n"
        "    lines: [{begins: '!1', is: slugline}, {begins: '!2', is: headline}, {begins: '!3', is: priority}]\n");
    write_file(folder, "not-a-profile.txt", "nothing");
    cr_assert_eq(sl_profiles_load(&store, &zones, folder, err, sizeof(err)), 0, "%s", err);
    sample_profiles = sl_profiles_view(&store);
    cr_expect_eq(sample_profiles.cnt, 1);

    static const char killed[] =
        "\001ost0001 3 i 12  ona 0043\r\n\r\nHafen/\r\n\002VERNICHTET\r\nDer Hafen =\r\n\r\n"
        "   Eastham (ona) - Die Meldung ost0002 entf\344llt.\r\n\r\nona ende\r\n\003051000 GMT Jan 26\r\n\004";
    static const char asked[] = "\001ost0003 3 i 12  ona 0045\r\n\r\nHafen/\r\n\002Der Hafen =\r\n\r\n"
                                "   Bitte einstampfen: ost0002.\r\n\003051000 GMT Jan 26\r\n\004";
    static const char other[] =
        "ZCZC ONA\r\n!1Hafen\r\n!2Nachtrag: Der Hafen ist zu\r\n!3Q\r\nText.\r\nona ende\r\nNNNN\r\n";
    const struct sl_bulletin *bulletin;
    cr_assert_eq(parse_one(SL_FORMAT_IPTC7901, killed, sizeof(killed) - 1, &bulletin), SL_PARSE_OK);
    cr_expect_eq(bulletin->kind, SL_KIND_KILL, "%s", sl_kind_name(bulletin->kind));
    cr_expect_eq(bulletin->pubstatus, SL_PUB_CANCELED);
    expect_text("kill", bulletin, SL_TEXT_TAKE, "VERNICHTET");
    expect_text("kill", bulletin, SL_TEXT_EVOLVED_FROM, "ost:0002:2026-01-05");
    expect_text("kill", bulletin, SL_TEXT_LANGUAGE, "ost");
    expect_text("kill", bulletin, SL_TEXT_BODY, "Die Meldung ost0002 entf\xc3\xa4llt.");
    cr_assert_eq(parse_one(SL_FORMAT_IPTC7901, asked, sizeof(asked) - 1, &bulletin), SL_PARSE_OK);
    cr_expect_eq(bulletin->kind, SL_KIND_KILL, "%s", sl_kind_name(bulletin->kind));
    cr_assert_eq(parse_one(SL_FORMAT_ZCZC, other, sizeof(other) - 1, &bulletin), SL_PARSE_OK);
    expect_text("dialect", bulletin, SL_TEXT_SLUGLINE, "Hafen");
    expect_text("dialect", bulletin, SL_TEXT_HEADLINE, "Nachtrag: Der Hafen ist zu");
    expect_text("dialect", bulletin, SL_TEXT_PROVIDER, "ona");
    expect_text("dialect", bulletin, SL_TEXT_BODY, "Text.");
    cr_expect_eq(bulletin->kind, SL_KIND_UPDATE);
    cr_expect_eq(bulletin->urgency, 2);
    const struct sl_format *zczc = sl_format_by_id(SL_FORMAT_ZCZC), *anpa = sl_format_by_id(SL_FORMAT_ANPA1312);
    const uint8_t *line = (const uint8_t *)other;
    cr_expect_eq(sl_peek_lane_by(zczc, sample_profiles.profile, line, sizeof(other) - 1), SL_LANE_URGENT);
    cr_expect_eq(sl_peek_lane_by(zczc, sample_profiles.profile, line, 20), SL_LANE_NORMAL, "not that far");
    cr_expect_eq(sl_peek_lane(zczc, line, sizeof(other) - 1), SL_LANE_NORMAL);
    static const char lettered[] = "\001a0105 ON news\nq i\023\021 BC-Hafen   01-05 0012\n\002BC-Hafen,0012<\n\tZu.\n\004";
    line = (const uint8_t *)lettered;
    cr_expect_eq(sl_peek_lane_by(anpa, sample_profiles.profile, line, sizeof(lettered) - 1), SL_LANE_URGENT);
    cr_expect_eq(sl_peek_lane(anpa, line, sizeof(lettered) - 1), SL_LANE_NORMAL);
    cr_assert_eq(parse_one(SL_FORMAT_ANPA1312, lettered, sizeof(lettered) - 1, &bulletin), SL_PARSE_OK);
    cr_expect_neq(bulletin->urgency, 2, "nobody says that it is this agency's, and no feed names its profile");
    /* Without the file, none of this is known. */
    sample_profiles.cnt = 0;
    cr_assert_eq(parse_one(SL_FORMAT_IPTC7901, killed, sizeof(killed) - 1, &bulletin), SL_PARSE_OK);
    cr_expect_eq(bulletin->kind, SL_KIND_NEWS);
    snprintf(path, sizeof(path), "%s/ostmark.yaml", folder);
    unlink(path);
    snprintf(path, sizeof(path), "%s/not-a-profile.txt", folder);
    unlink(path);
    rmdir(folder);
}

Test(profiles, the_provider_that_the_message_names_brings_its_zone_and_a_note_says_so)
{
    static const char wire[] =
        "\001fin0001 3 i 12  stt 0043\r\n\r\nSatama/\r\n\002Satama =\r\n\r\n   Teksti.\r\n\003051000 Jan 26\r\n\004";
    static const char note[] = "profile stt by the provider that the message names";
    char err[512] = "";
    const struct sl_bulletin *bulletin;
    bool found = false;
    cr_assert_eq(sl_profiles_load(&store, &zones, SL_SOURCE_ROOT "/deploy/profiles", err, sizeof(err)), 0, "%s", err);
    sample_profiles = sl_profiles_view(&store);
    if (!sl_profile_named(&sample_profiles, "stt")->zone)
        cr_skip_test("no time zone Europe/Helsinki on this host");
    cr_assert_eq(parse_one(SL_FORMAT_IPTC7901, wire, sizeof(wire) - 1, &bulletin), SL_PARSE_OK);
    cr_expect_eq(bulletin->version_created, 1767600000 * SL_TIME_NS);
    cr_expect(bulletin->flags & SL_BULLETIN_ZONE_ASSUMED_CREATED);
    for (uint32_t i = 0; i < bulletin->list[SL_LIST_NOTES].cnt; i++) {
        struct sl_slice said = sl_bulletin_ref(bulletin, sl_bulletin_items(bulletin, SL_LIST_NOTES)[i].part[0]);
        found |= said.len == sizeof(note) - 1 && memcmp(said.data, note, said.len) == 0;
    }
    cr_expect(found);
}
