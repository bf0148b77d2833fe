#include "parsers/bulletin.h"
#include "pipeline/sink_doc.h"
#include "pipeline/sink_name.h"
#include "pipeline/sink_queue.h"
#include "tests/dice.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Alignas(8) uint8_t mem[8192];

static struct sl_event make_event(const char *provider, const char *language, const char *headline)
{
    struct sl_out out;
    sl_out_begin(&out, mem, sizeof(mem), 7);
    sl_out_text(&out, SL_TEXT_ID, "id-1", 4);
    sl_out_text(&out, SL_TEXT_PROVIDER, provider, (uint32_t)strlen(provider));
    if (language)
        sl_out_text(&out, SL_TEXT_LANGUAGE, language, (uint32_t)strlen(language));
    sl_out_text(&out, SL_TEXT_HEADLINE, headline, (uint32_t)strlen(headline));
    cr_assert(sl_out_finish(&out));
    return (struct sl_event){ .type = SL_EVENT_BULLETIN,
                              .epoch = 7,
                              .seq = 42,
                              .feed = "wire",
                              .kind = SL_KIND_NEWS,
                              .lane = 1,
                              .bulletin = (const struct sl_bulletin *)(const void *)mem };
}

/* ---- names ---- */

static const struct name_case {
    const char *name, *template, *provider, *language, *wanted;
} names[] = {
    {"plain",                "news.{lane}.{feed}", "tst",                                                              "en", "news.urgent.wire"         },
    { "nothing said",        "{lang}",             "tst",                                                              NULL, "none"                     },
    { "leads up",            "in/{provider}",      "../../etc/passwd",                                                 "en", "in/______etc_passwd"      },
    { "hidden",              "{provider}",         ".profile",                                                         "en", "_profile"                 },
    { "more levels",         "news.{provider}",    "a.b.>",                                                            "en", "news.a_b__"               },
    { "no letters of ASCII", "{provider}",         "\xc3\x84gypten",                                                   "en", "__gypten"                 },
    { "long",                "{provider}",         "0123456789012345678901234567890123456789012345678901234567890123", "en",
     "012345678901234567890123456789012345678901234567"                                                                                                 },
    { "number and kind",     "{seq}-{kind}",       "tst",                                                              "en", "00000000000000000042-news"},
};

Test(sink_name, values_are_safe_wherever_they_come_from)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct sl_event event = make_event(names[i].provider, names[i].language, "Headline");
        char name[256];
        size_t len = sl_sink_name(name, sizeof(name), names[i].template, &event);
        cr_expect_str_eq(name, names[i].wanted, "%s: %s", names[i].name, name);
        cr_expect_eq(len, strlen(names[i].wanted), "%s", names[i].name);
    }
}

Test(sink_name, a_short_buffer_is_never_overrun)
{
    struct sl_event event = make_event("tst", "en", "Headline");
    char name[8] = "xxxxxxx";
    cr_expect_eq(sl_sink_name(name, 5, "{lane}-{feed}", &event), 11u);
    cr_expect_str_eq(name, "urge");
    cr_expect_eq(name[5], 'x');
}

Test(sink_name, a_template_is_checked_and_the_nearest_word_named)
{
    char why[256] = "";
    cr_expect(sl_sink_name_check("{lane}/{hash}.json", why, sizeof(why)));
    cr_expect(!sl_sink_name_check("{lane", why, sizeof(why)));
    cr_expect(!sl_sink_name_check("a b", why, sizeof(why)));
    cr_expect(!sl_sink_name_check("a}", why, sizeof(why)));
    cr_expect(!sl_sink_name_check("{provder}", why, sizeof(why)));
    cr_expect(strstr(why, "did you mean provider?"), "%s", why);
}

Test(sink_name, identity_changes_with_what_is_said_and_with_nothing_else)
{
    char a[SL_SINK_HASH_LEN + 1], b[SL_SINK_HASH_LEN + 1], c[SL_SINK_HASH_LEN + 1];
    sl_sink_hash(make_event("tst", "en", "Headline").bulletin, a);
    sl_sink_hash(make_event("tst", "en", "Headline").bulletin, b);
    sl_sink_hash(make_event("tst", "en", "Headline, corrected").bulletin, c);
    cr_expect_str_eq(a, b);
    cr_expect_str_neq(a, c);
    cr_expect_eq(strlen(a), SL_SINK_HASH_LEN);
}

/* ---- documents ---- */

Test(sink_doc, markup_in_text_is_text)
{
    struct sl_event event = make_event("tst", "en", "A < B & \"C\"");
    char doc[2048];
    size_t len = sl_sink_nitf(doc, sizeof(doc), &event);
    cr_assert_lt(len, sizeof(doc));
    doc[len] = '\0';
    cr_expect(strstr(doc, "<hl1>A &lt; B &amp; &quot;C&quot;</hl1>"), "%s", doc);
    cr_expect_eq(sl_sink_nitf(doc, 10, &event), len, "like snprintf");
}

/* ---- the place on disk ---- */

static char folder[] = "/tmp/slugline-sink-XXXXXX", path[64];

static void make_folder(void)
{
    cr_assert(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/x", folder);
}

static void remove_folder(void)
{
    unlink(path);
    rmdir(folder);
}

Test(bookmark, reads_back_what_was_saved_and_nothing_else, .init = make_folder, .fini = remove_folder)
{
    struct sl_bookmark mark = { 0 }, saved = { 0xfedcba9876543210u, 17 };
    cr_expect_eq(sl_bookmark_load(&mark, path), -ENOENT);
    cr_assert_eq(sl_bookmark_save(&saved, path), 0);
    cr_assert_eq(sl_bookmark_load(&mark, path), 0);
    cr_expect_eq(mark.epoch, saved.epoch);
    cr_expect_eq(mark.seq, 17u);
    static const char *const wrong[] = { "",
                                         "slugline place 1\n",
                                         "slugline place 1\n1 2\n",
                                         "slugline place 1\nfedcba9876543210 17",
                                         "slugline place 2\nfedcba9876543210 17\n",
                                         "slugline place 1\nfedcba9876543210 -1\n" };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        FILE *file = fopen(path, "w");
        fputs(wrong[i], file);
        fclose(file);
        cr_expect_eq(sl_bookmark_load(&mark, path), -EBADMSG, "%zu", i);
    }
}

/* ---- the queue ---- */

#define EPOCH 9u

static struct sl_sink_item *make_item(uint64_t seq, uint64_t story, uint8_t kind, uint32_t len)
{
    struct sl_sink_item *item = calloc(1, sizeof(*item) + len);
    *item = (struct sl_sink_item){ .epoch = EPOCH, .seq = seq, .story = story, .kind = kind, .body_len = len };
    memset(item->bytes, (int)seq, len);
    return item;
}

static void begin(struct sl_sink_queue *queue, enum sl_sink_policy policy, bool spills)
{
    struct sl_bookmark place = { 0 };
    cr_assert_eq(sl_sink_queue_init(queue, policy, 65536, false, spills ? path : NULL, 1u << 20, &place), 0);
}

/* Up to so many, as room allows; the next seq. */
static uint64_t fill(struct sl_sink_queue *queue, uint64_t seq, uint64_t end)
{
    while (seq < end && sl_sink_queue_room(queue)) {
        cr_assert_eq(sl_sink_queue_push(queue, make_item(seq, seq, SL_KIND_NEWS, 1000)), 0);
        seq++;
    }
    return seq;
}

static uint64_t drain(struct sl_sink_queue *queue, uint64_t seq)
{
    const struct sl_sink_item *item;
    while ((item = sl_sink_queue_next(queue))) {
        cr_assert_eq(item->seq, seq, "%lu, not %lu", item->seq, seq);
        cr_assert_eq((uint8_t)item->bytes[999], (uint8_t)seq);
        seq++;
        sl_sink_queue_sent(queue);
        sl_sink_queue_done(queue, queue->next);
        cr_assert_eq(queue->done_place.seq, seq - 1);
    }
    return seq;
}

Test(sink_queue, blocks_when_full_and_sends_again_what_is_not_done)
{
    struct sl_sink_queue queue;
    begin(&queue, SL_SINK_BLOCK, false);
    uint64_t end = fill(&queue, 1, 1000);
    cr_assert_lt(end, 100u);
    for (int i = 0; i < 10; i++) {
        sl_sink_queue_next(&queue);
        sl_sink_queue_sent(&queue);
    }
    sl_sink_queue_done(&queue, 4);
    cr_expect_eq(queue.done_place.seq, 4u);
    sl_sink_queue_again(&queue);
    cr_expect_eq(sl_sink_queue_next(&queue)->seq, 5u);
    cr_expect(sl_sink_queue_next(&queue)->was_sent);
    cr_expect_eq(drain(&queue, 5), end);
    sl_sink_queue_fini(&queue);
}

Test(sink_queue, what_arrives_out_of_turn_is_done_in_turn_and_does_not_go_again)
{
    struct sl_sink_queue queue;
    begin(&queue, SL_SINK_BLOCK, false);
    fill(&queue, 1, 11);
    for (int i = 0; i < 6; i++) {
        sl_sink_queue_next(&queue);
        sl_sink_queue_sent(&queue);
    }
    sl_sink_queue_arrived(&queue, 1);
    sl_sink_queue_arrived(&queue, 2);
    sl_sink_queue_arrived(&queue, 7); /* was not sent */
    cr_expect_eq(queue.done, 0u);
    sl_sink_queue_arrived(&queue, 0);
    cr_expect_eq(queue.done, 3u);
    cr_expect_eq(queue.done_place.seq, 3u);
    sl_sink_queue_arrived(&queue, 4);
    sl_sink_queue_again(&queue);
    static const uint64_t wanted[] = { 4, 6, 7 };
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(sl_sink_queue_next(&queue)->seq, wanted[i]);
        sl_sink_queue_sent(&queue);
    }
    sl_sink_queue_arrived(&queue, 3);
    cr_expect_eq(queue.done_place.seq, 5u);
    sl_sink_queue_fini(&queue);
}

Test(sink_queue, spills_in_order_within_its_bound_and_empties_the_file, .init = make_folder, .fini = remove_folder)
{
    struct sl_sink_queue queue;
    begin(&queue, SL_SINK_SPILL, true);
    uint64_t end = fill(&queue, 1, 100000);
    cr_assert_gt(end, 900u);
    cr_assert_lt(end, 1100u, "a mebibyte of items of a kilobyte");
    cr_expect_eq(drain(&queue, 1), end);
    cr_expect_eq(queue.spill_len, 0u);
    cr_expect_eq(fill(&queue, end, end + 500), end + 500);
    cr_expect_eq(drain(&queue, end), end + 500);
    sl_sink_queue_fini(&queue);
}

Test(sink_queue, what_was_spilled_is_found_again_behind_the_place, .init = make_folder, .fini = remove_folder)
{
    struct sl_sink_queue queue;
    begin(&queue, SL_SINK_SPILL, true);
    fill(&queue, 1, 501);
    sl_sink_queue_fini(&queue);
    struct sl_bookmark place = { EPOCH, 20 };
    cr_assert_eq(sl_sink_queue_init(&queue, SL_SINK_SPILL, 65536, false, path, 1u << 20, &place), 0);
    cr_expect_eq(place.seq, 500u);
    cr_expect_eq(sl_sink_queue_waiting(&queue), 480u);
    cr_expect_eq(drain(&queue, 21), 501u);
    sl_sink_queue_fini(&queue);
}

Test(sink_queue, a_damaged_spill_file_gives_what_is_whole, .init = make_folder, .fini = remove_folder)
{
    struct dice dice = { 11 };
    for (int round = 0; round < 200; round++) {
        struct sl_sink_queue queue;
        unlink(path);
        begin(&queue, SL_SINK_SPILL, true);
        fill(&queue, 1, 101);
        sl_sink_queue_fini(&queue);
        int fd = open(path, O_RDWR);
        off_t len = lseek(fd, 0, SEEK_END), at = (off_t)below(&dice, (uint32_t)len);
        uint8_t byte = (uint8_t)below(&dice, 256);
        if (round % 2)
            cr_assert_eq(ftruncate(fd, at), 0);
        else
            cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        struct sl_bookmark place = { 0 };
        cr_assert_eq(sl_sink_queue_init(&queue, SL_SINK_SPILL, 65536, false, path, 1u << 20, &place), 0);
        cr_expect_eq(drain(&queue, 1), place.seq + 1, "what is whole, and the place behind it");
        sl_sink_queue_fini(&queue);
    }
}

Test(sink_queue, conflates_by_story_but_never_a_kill)
{
    struct sl_sink_queue queue;
    begin(&queue, SL_SINK_CONFLATE, false);
    sl_sink_queue_push(&queue, make_item(1, 5, SL_KIND_NEWS, 10));
    sl_sink_queue_push(&queue, make_item(2, 6, SL_KIND_NEWS, 10));
    sl_sink_queue_push(&queue, make_item(3, 5, SL_KIND_UPDATE, 10));
    sl_sink_queue_push(&queue, make_item(4, 5, SL_KIND_KILL, 10));
    sl_sink_queue_push(&queue, make_item(5, 5, SL_KIND_NEWS, 10));
    static const uint64_t wanted[] = { 2, 4, 5 };
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(sl_sink_queue_next(&queue)->seq, wanted[i]);
        sl_sink_queue_sent(&queue);
    }
    cr_expect_null(sl_sink_queue_next(&queue));
    cr_expect_eq(queue.conflated, 2u);
    sl_sink_queue_done(&queue, queue.next);
    cr_expect_eq(queue.done_place.seq, 5u);
    sl_sink_queue_fini(&queue);
}

Test(sink_queue, conflating_for_ever_needs_no_more_room)
{
    struct sl_sink_queue queue;
    begin(&queue, SL_SINK_CONFLATE, false);
    for (uint64_t seq = 1; seq <= 100000; seq++) {
        cr_assert(sl_sink_queue_room(&queue), "%lu", seq);
        sl_sink_queue_push(&queue, make_item(seq, 1 + seq % 20, SL_KIND_NEWS, 1000));
        if (seq % 1000 == 0) { /* one is under way all the time */
            sl_sink_queue_next(&queue);
            sl_sink_queue_sent(&queue);
            if (queue.next > 1)
                sl_sink_queue_done(&queue, queue.next - 1);
        }
    }
    uint64_t sent = 100, left = 0;
    for (; sl_sink_queue_next(&queue); left++)
        sl_sink_queue_sent(&queue);
    cr_expect_eq(left, 19u);
    cr_expect_eq(queue.conflated + sent + left, 100000u);
    sl_sink_queue_fini(&queue);
}

Test(sink_queue, cut_drops_what_waits_and_counts_it)
{
    struct sl_sink_queue queue;
    begin(&queue, SL_SINK_CUT, false);
    cr_expect_eq(fill(&queue, 1, 501), 501u);
    uint64_t waiting = sl_sink_queue_waiting(&queue);
    cr_expect_eq(queue.cut + waiting, 500u);
    cr_expect_eq(sl_sink_queue_next(&queue)->seq, 501u - waiting);
    sl_sink_queue_fini(&queue);
}

Test(sink_queue, a_place_passes_only_behind_what_waits)
{
    struct sl_sink_queue queue;
    begin(&queue, SL_SINK_BLOCK, false);
    sl_sink_queue_pass(&queue, (struct sl_bookmark){ EPOCH, 3 });
    cr_expect_eq(queue.done_place.seq, 3u);
    sl_sink_queue_push(&queue, make_item(4, 4, SL_KIND_NEWS, 10));
    sl_sink_queue_pass(&queue, (struct sl_bookmark){ EPOCH, 9 });
    cr_expect_eq(queue.done_place.seq, 3u);
    sl_sink_queue_next(&queue);
    sl_sink_queue_sent(&queue);
    sl_sink_queue_done(&queue, queue.next);
    cr_expect_eq(queue.done_place.seq, 9u);
    sl_sink_queue_fini(&queue);
}

/* ---- writing ---- */

Test(sink_queue, a_pipe_that_takes_little_gets_every_byte_once)
{
    struct sl_sink_queue queue;
    int pipe_fds[2];
    uint64_t idx = 0, got = 0;
    uint32_t off = 0;
    begin(&queue, SL_SINK_BLOCK, false);
    uint64_t end = fill(&queue, 1, 50);
    cr_assert_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
    fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096);
    while (sl_sink_queue_next(&queue))
        sl_sink_queue_sent(&queue);
    uint8_t buf[777];
    for (ssize_t len; got < (end - 1) * 1000; got += (uint64_t)len) {
        cr_assert_geq(sl_sink_queue_write(&queue, pipe_fds[1], &idx, &off, queue.next), 0);
        len = read(pipe_fds[0], buf, sizeof(buf));
        cr_assert_gt(len, 0);
        for (ssize_t i = 0; i < len; i++)
            cr_assert_eq(buf[i], (uint8_t)(1 + (got + (uint64_t)i) / 1000));
    }
    cr_expect_eq(idx, queue.next);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    sl_sink_queue_fini(&queue);
}
