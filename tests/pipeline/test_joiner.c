#include "parsers/mrn.h"
#include "parsers/parse.h"
#include "pipeline/joiner.h"
#include "tests/pipeline/updates.h"

#include <criterion/criterion.h>
#include <string.h>

#define MAX     2000u
#define PING    "{\"Type\":\"Ping\"}"
#define REFRESH "{\"Type\":\"Refresh\",\"Fields\":{\"MRN_SRC\":null,\"GUID\":null,\"FRAG_NUM\":null,\"FRAGMENT\":null}}"

struct bench {
    struct sl_joiner *joiner;
    uint32_t parts, repeated; /* of all units so far */
    char text[MAX + 1]; /* of the message last given */
    uint32_t text_parts;
    struct sl_message head;
};

static struct bench *start(uint64_t len)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    cr_assert(bench && !sl_joiner_init(&bench->joiner, len, MAX));
    return bench;
}

static void fini(struct bench *bench)
{
    sl_joiner_fini(bench->joiner);
    free(bench);
}

static enum sl_joined take_at(struct bench *bench, uint32_t conn, const char *text, int64_t first_ns)
{
    struct sl_message head = {
        .len = (uint32_t)strlen(text),
        .lane = SL_LANE_NORMAL,
        .stream_off = (uint64_t)first_ns,
        .stamps = {.first_ns = first_ns, .rx_ns = first_ns + 1}
    };
    uint32_t parts, repeated;
    enum sl_joined joined = sl_joiner_take(bench->joiner, conn, &head, (const uint8_t *)text, true, &parts, &repeated);
    bench->parts += parts;
    bench->repeated += repeated;
    return joined;
}

static enum sl_joined take(struct bench *bench, const char *text) { return take_at(bench, 0, text, 0); }

/* An update by itself: GUID, FRAG_NUM, TOT_SIZE, and how many times three bytes. */
static const char *update(const char *guid, unsigned number, unsigned total, unsigned letters)
{
    static char text[4][UPDATE_MAX];
    static unsigned next;
    char *to = text[next++ % 4];
    put_update(to, guid, number, total, (char)('A' + number % 26), letters);
    return to;
}

static const char *list(const char *a, const char *b, const char *c)
{
    static char text[3 * UPDATE_MAX];
    snprintf(text, sizeof(text), "[%s%s%s%s%s]", a, *b ? "," : "", b, *c ? "," : "", c);
    return text;
}

/* The next message as text; NULL: none is ready. */
static const char *next(struct bench *bench)
{
    const struct sl_joint *joint = sl_joiner_ready(bench->joiner);
    if (!joint)
        return NULL;
    cr_assert_leq(joint->head.len, MAX);
    bench->head = joint->head;
    bench->text_parts = joint->parts;
    sl_joiner_copy(bench->joiner, (uint8_t *)bench->text);
    bench->text[joint->head.len] = '\0';
    cr_assert_eq(strlen(bench->text), joint->head.len);
    sl_joiner_drop(bench->joiner);
    return bench->text;
}

static void expect(struct bench *bench, const char *text, enum sl_cut cut)
{
    const char *got = next(bench);
    cr_assert(got, "nothing is ready, of %s", text);
    cr_expect_str_eq(got, text);
    cr_expect_eq(bench->head.cut, cut);
}

Test(joiner, what_waits_for_nothing_passes)
{
    static const char *const rows[] = {
        PING, "[" PING "," REFRESH "]", REFRESH, "[]", "", "no JSON", "[{\"Fields\":{\"GUID\":\"a\",\"FRAG_NUM\":2",
    };
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_expect_eq(take(bench, rows[i]), SL_JOINED_PASS, "%s", rows[i]);
    cr_expect_eq(take(bench, update("whole", 1, 6, 2)), SL_JOINED_PASS);
    cr_expect_eq(take(bench, list(PING, update("whole", 1, 6, 2), update("whole too", 1, 3, 1))), SL_JOINED_PASS);
    cr_expect_null(next(bench));
    cr_expect_eq(bench->parts, 0);
    fini(bench);
}

Test(joiner, fragments_in_any_order_with_others_between_become_one_array)
{
    static const uint8_t orders[][3] = {
        {1,  2, 3},
        { 1, 3, 2},
        { 2, 1, 3},
        { 2, 3, 1},
        { 3, 1, 2},
        { 3, 2, 1}
    };
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++) {
        char want[MAX];
        const char *updates[3];
        cr_expect_eq(take(bench, update("neighbour", 1, 6, 1)), SL_JOINED_KEPT);
        for (unsigned p = 0; p < 3; p++) {
            cr_expect_null(next(bench));
            updates[p] = update("story", orders[i][p], orders[i][p] == 1 ? 18 : 0, 2);
            cr_expect_eq(take_at(bench, 0, updates[p], 10 + p), SL_JOINED_KEPT);
            cr_expect_eq(take(bench, PING), SL_JOINED_PASS);
        }
        snprintf(want, sizeof(want), "[%s,%s,%s]", updates[0], updates[1], updates[2]);
        expect(bench, want, SL_CUT_NOT);
        cr_expect(bench->text_parts == 3 && bench->head.stamps.first_ns == 10 && bench->head.stamps.rx_ns == 13 &&
                  bench->head.stream_off == 10);
        cr_expect_eq(take(bench, update("neighbour", 2, 0, 1)), SL_JOINED_KEPT);
        cr_expect(next(bench) && bench->head.cut == SL_CUT_NOT && bench->text_parts == 2);
    }
    cr_expect(bench->parts == 30 && bench->repeated == 0);
    fini(bench);
}

Test(joiner, what_comes_with_a_fragment_goes_on_at_once_and_keeps_its_lane)
{
    /* {"urgency":1} in gzip. */
    static const char flash[] =
        "{\"Fields\":{\"MRN_SRC\":\"S\",\"GUID\":\"f\",\"FRAG_NUM\":1,\"TOT_SIZE\":33,\"FRAGMENT\":"
        "\"H4sIAAAAAAAC/6tWKi1KT81LrlSyMqwFAFbshhENAAAA\"}}";
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    cr_expect_eq(sl_peek_lane(sl_format_by_id(SL_FORMAT_MRN), (const uint8_t *)flash, sizeof(flash) - 1),
                 SL_LANE_FLASH);
    cr_expect_eq(take(bench, list(PING, update("story", 1, 6, 1), flash)), SL_JOINED_KEPT);
    expect(bench, list(PING, flash, ""), SL_CUT_NOT);
    cr_expect(bench->text_parts == 0 && bench->head.lane == SL_LANE_FLASH);
    cr_expect_null(next(bench));
    cr_expect_eq(take(bench, update("story", 2, 0, 1)), SL_JOINED_KEPT);
    cr_expect(next(bench) && bench->text_parts == 2 && bench->head.lane == SL_LANE_NORMAL);
    fini(bench);
}

Test(joiner, one_unit_may_end_several_stories)
{
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    take(bench, list(update("a", 1, 6, 1), update("b", 2, 0, 1), ""));
    char want[2][UPDATE_MAX];
    snprintf(want[0], UPDATE_MAX, "[%s,%s]", update("b", 2, 0, 1), update("b", 1, 6, 1));
    snprintf(want[1], UPDATE_MAX, "[%s,%s]", update("a", 1, 6, 1), update("a", 2, 0, 1));
    take(bench, list(update("b", 1, 6, 1), update("a", 2, 0, 1), ""));
    expect(bench, want[0], SL_CUT_NOT);
    expect(bench, want[1], SL_CUT_NOT);
    cr_expect_null(next(bench));
    fini(bench);
}

Test(joiner, a_fragment_that_has_come_is_left_out_and_another_of_its_number_is_a_new_start)
{
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    take(bench, update("story", 1, 9, 1));
    take(bench, update("story", 1, 9, 1));
    cr_expect(bench->parts == 2 && bench->repeated == 1 && !next(bench));
    take(bench, update("story", 1, 6, 1));
    expect(bench, list(update("story", 1, 9, 1), "", ""), SL_CUT_NEW_START);
    take(bench, update("story", 2, 0, 1));
    expect(bench, list(update("story", 1, 6, 1), update("story", 2, 0, 1), ""), SL_CUT_NOT);
    fini(bench);
}

Test(joiner, connections_do_not_mix_and_what_one_leaves_is_given_up_with_it)
{
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    take_at(bench, 1, update("story", 1, 6, 1), 1);
    take_at(bench, 2, update("story", 2, 0, 1), 1);
    take_at(bench, 1, update("other", 2, 0, 1), 1);
    cr_expect_null(next(bench));
    sl_joiner_end(bench->joiner, 1, SL_CUT_LINE_DOWN);
    expect(bench, list(update("story", 1, 6, 1), "", ""), SL_CUT_LINE_DOWN);
    expect(bench, list(update("other", 2, 0, 1), "", ""), SL_CUT_LINE_DOWN);
    cr_expect_null(next(bench));
    take_at(bench, 2, update("story", 1, 6, 1), 1);
    cr_expect(next(bench) && bench->text_parts == 2, "line B's is whole");
    fini(bench);
}

Test(joiner, a_story_waits_so_long_from_when_it_was_first_seen)
{
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    take(bench, update("old", 1, 6, 1));
    sl_joiner_expire(bench->joiner, 1000, 50);
    take(bench, update("young", 1, 6, 1));
    sl_joiner_expire(bench->joiner, 1049, 50);
    cr_expect_null(next(bench));
    sl_joiner_expire(bench->joiner, 1050, 50);
    expect(bench, list(update("old", 1, 6, 1), "", ""), SL_CUT_TIMEOUT);
    cr_expect_null(next(bench));
    take(bench, update("young", 2, 0, 1));
    cr_expect(next(bench) && bench->head.cut == SL_CUT_NOT);
    fini(bench);
}

Test(joiner, when_all_room_is_used_the_oldest_story_is_given_up_and_no_other)
{
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    char guid[16];
    uint32_t cnt = 0;
    enum sl_joined joined;
    for (;; cnt++) {
        snprintf(guid, sizeof(guid), "g%u", cnt);
        if ((joined = take(bench, update(guid, 1, 6, 1))) != SL_JOINED_KEPT)
            break;
    }
    cr_assert_eq(joined, SL_JOINED_FULL);
    cr_expect_eq(cnt, 16, "a story for eight blocks of 2 KiB");
    expect(bench, list(update("g0", 1, 6, 1), "", ""), SL_CUT_NO_ROOM);
    cr_expect_null(next(bench));
    cr_expect_eq(take(bench, update(guid, 1, 6, 1)), SL_JOINED_KEPT);
    for (uint32_t i = 1; i <= cnt; i++) {
        snprintf(guid, sizeof(guid), "g%u", i);
        cr_assert_eq(take(bench, update(guid, 2, 0, 1)), SL_JOINED_KEPT, "%s was given up", guid);
        cr_expect(next(bench) && bench->head.cut == SL_CUT_NOT && bench->text_parts == 2, "%s", guid);
    }
    fini(bench);
}

Test(joiner, a_story_longer_than_a_message_is_given_up)
{
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    take(bench, update("long", 1, 9000, 200));
    take(bench, update("long", 2, 0, 200));
    cr_expect_null(next(bench));
    take(bench, update("long", 3, 0, 200));
    cr_expect(next(bench) && bench->head.cut == SL_CUT_TOO_LONG && bench->text_parts == 2);
    sl_joiner_end(bench->joiner, 0, SL_CUT_FILE_END);
    cr_expect(next(bench) && bench->head.cut == SL_CUT_FILE_END && bench->text_parts == 1);
    cr_expect_eq(take(bench, update("longer", 1, 9000, 480)), SL_JOINED_PASS, "no array has room for it");
    fini(bench);
}

Test(joiner, escaped_slashes_count_as_one_character)
{
    struct bench *bench = start(SL_JOIN_LEN_MIN);
    cr_expect_eq(take(bench, "{\"Fields\":{\"MRN_SRC\":\"S\",\"GUID\":\"g\",\"FRAG_NUM\":1,\"TOT_SIZE\":5,\"FRAGMENT\":"
                             "\"\\/A\\/A\\u002fA=\"}}"),
                 SL_JOINED_KEPT);
    sl_joiner_end(bench->joiner, 0, SL_CUT_LINE_DOWN);
    next(bench);
    cr_expect_eq(take(bench, "{\"Fields\":{\"MRN_SRC\":\"S\",\"GUID\":\"g\",\"FRAG_NUM\":1,\"TOT_SIZE\":5,\"FRAGMENT\":"
                             "\"\\/A\\/A\\u002fAA=\"}}"),
                 SL_JOINED_PASS);
    fini(bench);
}

Test(joiner, nothing_is_lost_of_many_stories_in_a_random_order)
{
    enum { STORIES = 60, PARTS = 9 };
    struct bench *bench = start(4 * SL_JOIN_LEN_MIN);
    uint16_t order[STORIES * PARTS];
    uint32_t seed = 7, whole = 0;
    for (uint32_t i = 0; i < STORIES * PARTS; i++)
        order[i] = (uint16_t)i;
    for (uint32_t i = STORIES * PARTS - 1; i; i--) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t j = (seed >> 8) % (i + 1);
        uint16_t swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
    for (uint32_t i = 0; i < STORIES * PARTS; i++) {
        char guid[16];
        unsigned number = order[i] % PARTS + 1;
        snprintf(guid, sizeof(guid), "story %u", order[i] / PARTS);
        cr_assert_eq(take(bench, update(guid, number, number == 1 ? PARTS * 3 : 0, 1)), SL_JOINED_KEPT);
        for (; next(bench); whole++) {
            struct sl_mrn_part parts[PARTS + 1];
            cr_expect_eq(sl_mrn_parts((const uint8_t *)bench->text, bench->head.len, parts, PARTS + 1), PARTS);
            cr_expect_eq(bench->head.cut, SL_CUT_NOT);
        }
    }
    cr_expect_eq(whole, STORIES);
    sl_joiner_end(bench->joiner, 0, SL_CUT_LINE_DOWN);
    cr_expect_null(next(bench));
    fini(bench);
}
