#include "pipeline/answer.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sl_answers answers;
static struct sl_ack acks[SL_ANSWERS];
static struct sl_answer_form form;
static struct sl_durable tape, raw;
static const struct sl_durable *const journal[2] = { &tape, &raw }, *const none[2];
static int ends[2];

static void start(const char *template)
{
    const char *why = sl_answer_form_read(&form, template);
    cr_assert_null(why, "%s", why);
    sl_answers_init(&answers, &form, acks, 100);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
}

static struct sl_ack *expect(const char *bytes)
{
    uint16_t ack = sl_answers_expect(&answers, (const uint8_t *)bytes, (uint32_t)strlen(bytes));
    cr_assert(ack > 100 && ack <= 100 + SL_ANSWERS);
    acks[ack - 101].framed++;
    return &acks[ack - 101];
}

static void settle(struct sl_ack *ack, uint64_t first, uint64_t last)
{
    ack->tape.first = first;
    ack->raw.first = 1;
    sl_ack_answer(ack, last, 0);
}

static const char *came(void)
{
    static char buf[65536];
    ssize_t len = recv(ends[1], buf, sizeof(buf) - 1, MSG_DONTWAIT);
    buf[len > 0 ? len : 0] = '\0';
    return buf;
}

Test(answer, what_a_template_may_be)
{
    static const struct {
        const char *text;
        bool fine;
    } cases[] = {
        {"echo:22",                               true },
        { "echo:64",                              true },
        { "echo:65",                              false},
        { "echo:0",                               false},
        { "echo:2x",                              false},
        { "echo:-2",                              false},
        { "OK\\r\\n",                             true },
        { "\\x06",                                true },
        { "\\x6",                                 false},
        { "\\q",                                  false},
        { "\\",                                   false},
        { "{id}\\t{number}",                      true },
        { "{echo:4}",                             true },
        { "{ids}",                                false},
        { "{id",                                  false},
        { "\\{id}",                               true },
        { "{id}{id}{id}{id}{id}{id}{id}{id}{id}", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        cr_expect_eq(sl_answer_form_read(&form, cases[i].text) == NULL, cases[i].fine, "%s", cases[i].text);
}

Test(answer, each_message_is_answered_in_the_order_they_came)
{
    start("{echo:3}:{id}/{number}/{service}\\r\\n");
    struct sl_ack *first = expect("message 1"), *second = expect("m2");
    memcpy(second->said->id, "x-7", second->said->id_len = 3);
    settle(second, 1, 1);
    cr_expect_eq(sl_answers_send(&answers, ends[0], none), 0, "the first is not");
    cr_expect_str_eq(came(), "");
    settle(first, 2, 2);
    cr_expect_eq(sl_answers_pending(&answers), 2);
    cr_expect_eq(sl_answers_send(&answers, ends[0], none), 2);
    cr_expect_str_eq(came(), "mes://\r\nm2:x-7//\r\n");
    cr_expect_eq(sl_answers_pending(&answers), 0);
}

Test(answer, waits_for_the_journal_and_is_silent_about_what_it_lost)
{
    start("echo:1");
    settle(expect("a"), 10, 12);
    cr_expect_eq(sl_answers_send(&answers, ends[0], journal), 0);
    sl_durable_pass(&tape, 11);
    cr_expect_eq(sl_answers_send(&answers, ends[0], journal), 0);
    sl_durable_pass(&tape, 12);
    cr_expect_eq(sl_answers_send(&answers, ends[0], journal), 1);
    settle(expect("b"), 13, 15);
    settle(expect("c"), 16, 16);
    sl_durable_hole(&tape, 14, 14);
    sl_durable_pass(&tape, 20);
    cr_expect_eq(sl_answers_send(&answers, ends[0], journal), -ESTALE);
    cr_expect_eq(sl_answers_reset(&answers), 2);
    cr_expect_str_eq(came(), "a");
}

Test(answer, no_hole_is_forgotten_however_many_there_are_or_walks_begin)
{
    static struct sl_durable pages[3];
    const uint64_t cnt = 3 * SL_DURABLE_HOLES;
    for (uint64_t i = 1; i <= cnt; i++)
        sl_durable_hole(&pages[0], 10 * i, 10 * i + 1);
    sl_durable_pass(&pages[0], 10 * cnt + 5);
    sl_durable_inherit(&pages[1], &pages[0], 10 * cnt + 6, 10 * cnt + 9); /* its end was lost as well */
    sl_durable_inherit(&pages[2], &pages[1], 10 * cnt + 6, 10 * cnt + 9); /* of a walk that never began */
    for (unsigned p = 0; p < 3; p++) {
        for (uint64_t i = 1; i <= cnt; i++)
            cr_expect(sl_durable_is_lost(&pages[p], 10 * i + 1, 10 * i + 5), "page %u, hole %u", p, (unsigned)i);
        for (uint64_t i = cnt - SL_DURABLE_HOLES + 3; i <= cnt; i++)
            cr_expect_not(sl_durable_is_lost(&pages[p], 10 * i + 2, 10 * i + 5), "page %u: what is there", p);
        cr_expect_not(sl_durable_is_lost(&pages[p], 1, 9), "page %u: before the first", p);
        cr_expect_eq(sl_durable_is_lost(&pages[p], 10 * cnt + 6, 10 * cnt + 6), p > 0);
    }
    cr_expect_eq(pages[2].hole_cnt, SL_DURABLE_HOLES, "the same end is lost once");
}

Test(answer, places_come_back_when_they_are_settled_whether_anybody_is_told_or_not)
{
    start("echo:1");
    struct sl_ack *all[SL_ANSWERS];
    for (unsigned i = 0; i < SL_ANSWERS; i++)
        all[i] = expect("a");
    cr_expect_eq(sl_answers_expect(&answers, (const uint8_t *)"b", 1), 0, "all are taken");
    cr_expect_eq(sl_answers_reset(&answers), SL_ANSWERS);
    cr_expect_eq(sl_answers_expect(&answers, (const uint8_t *)"b", 1), 0, "still on their way through the walk");
    settle(all[0], 1, 1);
    settle(all[1], 1, 1);
    struct sl_ack *next = expect("c");
    cr_expect_eq(next, all[0]);
    settle(next, 2, 2);
    cr_expect_eq(sl_answers_send(&answers, ends[0], none), 0, "behind those nobody is told of");
    for (unsigned i = 2; i < SL_ANSWERS; i++)
        settle(all[i], 1, 1);
    cr_expect_eq(sl_answers_send(&answers, ends[0], none), 1);
    cr_expect_str_eq(came(), "c");
}
