#include "pipeline/window.h"
#include "tests/pipeline/said.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>

static struct sl_window window;

static void open_window(uint32_t identity_cnt, uint32_t tombstone_cnt)
{
    cr_assert_eq(sl_window_init(&window, identity_cnt, tombstone_cnt, 0x5eed), 0);
}

static void close_window(void) { sl_window_fini(&window); }

/* The desk's way with a bulletin that passes. */
static enum sl_verdict see(struct said said)
{
    struct sl_bulletin *bulletin = said_new(said);
    enum sl_verdict verdict = sl_window_judge(&window, bulletin);
    if (verdict != SL_VERDICT_DUPLICATE) {
        sl_window_note(&window, bulletin, 1);
        sl_window_note_version(&window, bulletin->story_hash, sl_version_of(bulletin));
    }
    free(bulletin);
    return verdict;
}

static void kill_story(const char *id)
{
    sl_window_kill(&window, sl_story_hash(SL_SLICE("agency"), (struct sl_slice){ id, (uint32_t)strlen(id) }));
}

/* Each row is two bulletins; what the second one is to be. */
/* clang-format off */
static const struct pair {
    const char *name;
    struct said first, second;
    enum sl_verdict want;
} pairs[] = {
    { "the same by another line", { "a", "1", "text" }, { "a", "1", "text" }, SL_VERDICT_DUPLICATE },
    { "the same, wrapped differently", { "a", "1", "some text" }, { "a", "1", "some  text" }, SL_VERDICT_DUPLICATE },
    { "another id", { "a", "1", "text" }, { "b", "1", "text" }, SL_VERDICT_PASSED },
    { "another provider's id", { "a", "1", "text" }, { "a", "1", "text", .provider = "other" }, SL_VERDICT_PASSED },
    { "the next version", { "a", "1", "text" }, { "a", "2", "text" }, SL_VERDICT_PASSED },
    { "same version, new text", { "a", "1", "text" }, { "a", "1", "other" }, SL_VERDICT_SAME_VERSION },
    { "same version, now usable",
      { "a", "1", "text", .pubstatus = SL_PUB_WITHHELD }, { "a", "1", "text", .pubstatus = SL_PUB_USABLE },
      SL_VERDICT_SAME_VERSION },
    { "an older number", { "a", "10", "text" }, { "a", "9", "text" }, SL_VERDICT_LATE },
    { "a number is no word", { "a", "9", "text" }, { "a", "10", "text" }, SL_VERDICT_PASSED },
    { "numbers beat times",
      { "a", "2", "text", .created = 100 }, { "a", "3", "text", .created = 50 }, SL_VERDICT_PASSED },
    { "an older time", { "a", "x", "text", .created = 100 }, { "a", "y", "text", .created = 99 }, SL_VERDICT_LATE },
    { "a later time", { "a", "x", "text", .created = 99 }, { "a", "y", "text", .created = 100 }, SL_VERDICT_PASSED },
    { "one number, one word", { "a", "2", "text" }, { "a", "x", "text" }, SL_VERDICT_PASSED },
    { "a time and none", { "a", "x", "text", .created = 99 }, { "a", "y", "text" }, SL_VERDICT_PASSED },
    { "a number too long for one",
      { "a", "20260105100102123456", "text", .created = 100 }, { "a", "20260105100102123457", "text", .created = 99 },
      SL_VERDICT_LATE },
    { "no version twice", { "a", NULL, "text" }, { "a", NULL, "other" }, SL_VERDICT_SAME_VERSION },
};
/* clang-format on */

Test(window, tells_what_a_second_bulletin_is_to_the_first)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        open_window(8, 8);
        cr_expect_eq(see(pairs[i].first), SL_VERDICT_PASSED, "%s: the first", pairs[i].name);
        enum sl_verdict got = see(pairs[i].second);
        cr_expect_eq(got, pairs[i].want, "%s: %s, not %s", pairs[i].name, sl_verdict_name(got),
                     sl_verdict_name(pairs[i].want));
        close_window();
    }
}

Test(window, hashes_a_story_as_a_bulletin_does)
{
    struct sl_bulletin *bulletin = said_new((struct said){ "urn:x:1", "3", "text" });
    cr_assert_eq(bulletin->story_hash, sl_story_hash(SL_SLICE("agency"), SL_SLICE("urn:x:1")));
    cr_assert_neq(bulletin->story_hash, sl_story_hash(SL_SLICE("agenc"), SL_SLICE("yurn:x:1")));
    free(bulletin);
}

/* A kill may call the provider otherwise than its story did (NewsML's Party, or its ProviderId): the name says
 * whose. */
Test(window, a_urn_names_its_provider_itself)
{
    static const struct {
        const char *provider, *id, *other_provider, *other_id;
        bool same;
    } rows[] = {
        { "Nordwire", "urn:newsml:nordwire.example:20260105:a", "nordwire.example",
          "urn:newsml:nordwire.example:20260105:a", true },
        { "Nordwire", "URN:NewsML:nordwire.example:20260105:a", "", "URN:NewsML:nordwire.example:20260105:a", true },
        { "Nordwire", "urn:newsml:nordwire.example:20260105:a", "Nordwire",
          "urn:newsml:sudwire.example:20260105:a", false },
        { "Nordwire", "a", "nordwire.example", "a", false },
        { "Nordwire", "urn:newsml:a", "nordwire.example", "urn:newsml:a", false },
        { "Nordwire", "tag:nordwire.example:a", "nordwire.example", "tag:nordwire.example:a", false },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct said said = { rows[i].id, .provider = rows[i].provider };
        struct sl_bulletin *bulletin = said_new(said);
        struct sl_slice provider = { rows[i].other_provider, (uint32_t)strlen(rows[i].other_provider) };
        struct sl_slice id = { rows[i].other_id, (uint32_t)strlen(rows[i].other_id) };
        cr_expect_eq(bulletin->story_hash == sl_story_hash(provider, id), rows[i].same, "row %zu", i);
        free(bulletin);
    }
}

Test(window, judging_changes_nothing)
{
    open_window(8, 8);
    struct sl_bulletin *bulletin = said_new((struct said){ "a", "1", "text" });
    for (int i = 0; i < 3; i++)
        cr_assert_eq(sl_window_judge(&window, bulletin), SL_VERDICT_PASSED);
    free(bulletin);
    close_window();
}

Test(window, two_lines_out_of_step_pass_each_text_of_a_version_once)
{
    static const char *const texts[] = { "one", "two", "three", "four" };
    open_window(64, 8);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(see((struct said){ "a", "1", texts[i] }), i ? SL_VERDICT_SAME_VERSION : SL_VERDICT_PASSED);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(see((struct said){ "a", "1", texts[i] }), SL_VERDICT_DUPLICATE, "%s again", texts[i]);
    close_window();
}

Test(window, a_late_version_does_not_become_the_newest)
{
    open_window(8, 8);
    see((struct said){ "a", "5", "text" });
    cr_expect_eq(see((struct said){ "a", "3", "text" }), SL_VERDICT_LATE);
    cr_expect_eq(see((struct said){ "a", "4", "text" }), SL_VERDICT_LATE);
    cr_expect_eq(see((struct said){ "a", "6", "text" }), SL_VERDICT_PASSED);
    close_window();
}

Test(window, whatever_comes_of_a_killed_story_is_withdrawn_but_another_kill)
{
    open_window(8, 8);
    kill_story("a");
    cr_expect_eq(see((struct said){ "a", "2", "text" }), SL_VERDICT_WITHDRAWN);
    cr_expect_eq(see((struct said){ "a", "2", "text" }), SL_VERDICT_DUPLICATE, "withdrawn twice is once");
    cr_expect_eq(see((struct said){ "a", "2", "other" }), SL_VERDICT_WITHDRAWN, "before same version");
    cr_expect_eq(see((struct said){ "a", "1", "text" }), SL_VERDICT_WITHDRAWN, "before late");
    cr_expect_eq(see((struct said){ "a", "3", NULL, SL_KIND_KILL }), SL_VERDICT_PASSED);
    cr_expect_eq(see((struct said){ "b", "1", "text" }), SL_VERDICT_PASSED);
    close_window();
}

Test(window, a_kill_by_another_of_its_ids_withdraws_a_story)
{
    open_window(8, 8);
    kill_story("agency:17");
    cr_expect_eq(see((struct said){ "a", "1", "text", .alt_id = "agency:17" }), SL_VERDICT_WITHDRAWN);
    cr_expect_eq(see((struct said){ "b", "1", "text", .alt_id = "agency:18" }), SL_VERDICT_PASSED);
    close_window();
}

static struct said numbered(char id[16], int i)
{
    snprintf(id, 16, "story-%d", i);
    return (struct said){ id, "1", "text" };
}

Test(window, the_oldest_identity_is_forgotten_first_and_only_for_a_new_one)
{
    char id[16];
    open_window(16, 8);
    for (int i = 0; i < 16; i++)
        cr_assert_eq(see(numbered(id, i)), SL_VERDICT_PASSED);
    for (int i = 0; i < 16; i++)
        cr_assert_eq(see(numbered(id, i)), SL_VERDICT_DUPLICATE, "%d of 16 is remembered", i);
    cr_assert_eq(see(numbered(id, 16)), SL_VERDICT_PASSED);
    cr_assert_eq(see(numbered(id, 1)), SL_VERDICT_DUPLICATE, "the second oldest stays");
    cr_assert_eq(see(numbered(id, 0)), SL_VERDICT_PASSED, "the oldest went");
    cr_assert_eq(see(numbered(id, 1)), SL_VERDICT_PASSED, "and took the next one's place");
    close_window();
}

Test(window, a_story_that_goes_on_is_not_forgotten)
{
    char id[16], version[16];
    open_window(16, 8);
    see((struct said){ "long", "100", "text" });
    for (int i = 0; i < 200; i++) {
        see(numbered(id, i));
        if (i % 8)
            continue;
        snprintf(version, sizeof(version), "%d", 101 + i);
        cr_assert_eq(see((struct said){ "long", version, "text" }), SL_VERDICT_PASSED);
    }
    cr_assert_eq(see((struct said){ "long", "99", "text" }), SL_VERDICT_LATE);
    close_window();
}

Test(window, the_oldest_tombstone_is_forgotten_first)
{
    char id[16];
    open_window(8, 4);
    for (int i = 0; i < 5; i++) {
        numbered(id, i);
        kill_story(id);
    }
    cr_expect_eq(see(numbered(id, 1)), SL_VERDICT_WITHDRAWN);
    cr_expect_eq(see(numbered(id, 4)), SL_VERDICT_WITHDRAWN);
    cr_expect_eq(see(numbered(id, 0)), SL_VERDICT_PASSED);
    close_window();
}

/* Every identity against a list that does it the slow way. */
Test(window, agrees_with_a_plain_list_over_many_turns)
{
    enum { CNT = 32, IDS = 48 };
    int order[CNT] = { 0 }, used = 0;
    unsigned seed = 1, duplicates = 0, passed = 0;
    open_window(CNT, 8);
    for (int turn = 0; turn < 5000; turn++) {
        seed = seed * 1103515245u + 12345u;
        int id_no = (int)(seed >> 16) % IDS, known = 0;
        char id[16];
        for (int i = 0; i < used; i++)
            known |= order[i] == id_no;
        cr_assert_eq(see(numbered(id, id_no)), known ? SL_VERDICT_DUPLICATE : SL_VERDICT_PASSED, "turn %d", turn);
        duplicates += (unsigned)known;
        passed += !known;
        if (known)
            continue;
        if (used == CNT)
            memmove(order, order + 1, sizeof(order) - sizeof(order[0]));
        else
            used++;
        order[used - 1] = id_no;
    }
    cr_assert(duplicates > 500 && passed > 500, "%u and %u: both must happen", duplicates, passed);
    close_window();
}

Test(window, the_next_walk_knows_what_was_saved)
{
    static struct sl_window_past past;
    open_window(64, 8);
    for (int i = 0; i < 100; i++) {
        char id[16];
        see(numbered(id, i));
    }
    see((struct said){ "story", "7", "text" });
    kill_story("killed");
    sl_window_save(&window, &past);
    close_window();
    cr_assert_eq(sl_window_init(&window, 64, 8, 0xbeef), 0); /* another walk has another key */
    sl_window_load(&window, &past);
    cr_expect_eq(see((struct said){ "story", "7", "text" }), SL_VERDICT_DUPLICATE);
    cr_expect_eq(see((struct said){ "story", "6", "older" }), SL_VERDICT_LATE);
    cr_expect_eq(see((struct said){ "killed", "1", "text" }), SL_VERDICT_WITHDRAWN);
    char id[16];
    cr_expect_eq(see(numbered(id, 99)), SL_VERDICT_DUPLICATE);
    cr_expect_eq(see(numbered(id, 0)), SL_VERDICT_PASSED, "what was forgotten stays so");
    close_window();
}

Test(window, a_past_keeps_the_places_and_the_later_one_counts)
{
    static struct sl_window_past past;
    struct sl_bulletin *lost = said_new((struct said){ "lost", "1", "text" });
    struct sl_bulletin *again = said_new((struct said){ "again", "1", "text" });
    open_window(64, 8);
    sl_window_note(&window, lost, 7);
    sl_window_note(&window, again, 8);
    sl_window_save(&window, &past);
    close_window();
    cr_assert_eq(sl_window_init(&window, 64, 8, 0xbeef), 0);
    sl_window_note(&window, again, 90); /* it came once more, and the journal has that */
    sl_window_load(&window, &past);
    cr_expect_eq(sl_window_seq(&window, lost, 1000), 7);
    cr_expect_eq(sl_window_seq(&window, again, 1000), 90);
    free(lost);
    free(again);
    close_window();
}

Test(window, a_past_that_was_left_half_written_is_bounded)
{
    static struct sl_window_past past;
    memset(&past, 0xa5, sizeof(past));
    open_window(64, 8);
    sl_window_load(&window, &past);
    cr_expect_eq(see((struct said){ "a", "1", "text" }), SL_VERDICT_PASSED);
    close_window();
}

Test(window, refuses_what_cannot_be)
{
    cr_expect_eq(sl_window_init(&window, 0, 8, 1), -EINVAL);
    cr_expect_eq(sl_window_init(&window, 8, 0, 1), -EINVAL);
    cr_expect_eq(sl_window_init(&window, UINT32_MAX, 8, 1), -EINVAL);
    cr_expect(sl_window_footprint(1024, 16) > 2 * 1024 * sizeof(struct sl_window_entry));
}
