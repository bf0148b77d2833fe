#include "pipeline/tcp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define TEXT_LEN 26u
#define SEQ      0xfffffff0u /* wraps in the middle */

static const char text[] = "abcdefghijklmnopqrstuvwxyz";
static struct sl_tcp tcp;
static char heard[4096]; /* bytes, and what happened between them */
static uint32_t room;

static void hear(const char *what, size_t len)
{
    size_t at = strlen(heard);
    cr_assert(at + len < sizeof(heard));
    memcpy(heard + at, what, len);
    heard[at + len] = '\0';
}

static uint32_t give(void *ctx, uint32_t stream, const uint8_t *data, uint32_t len)
{
    (void)ctx;
    (void)stream;
    len = len < room ? len : room;
    room -= len;
    hear((const char *)data, len);
    return len;
}

static void open_stream(void *ctx, uint32_t stream)
{
    (void)ctx;
    (void)stream;
    hear("<", 1);
}

static void close_stream(void *ctx, uint32_t stream)
{
    (void)ctx;
    (void)stream;
    hear(">", 1);
}

static void gap(void *ctx, uint32_t stream, uint64_t len)
{
    char said[32];
    (void)ctx;
    (void)stream;
    hear(said, (size_t)snprintf(said, sizeof(said), "[%llu]", (unsigned long long)len));
}

static void start(void)
{
    struct sl_tcp_sink sink = { NULL, give, open_stream, close_stream, gap };
    heard[0] = '\0';
    room = UINT32_MAX;
    cr_assert_eq(sl_tcp_init(&tcp, &sink), 0);
}

static void stop(void) { sl_tcp_fini(&tcp); }

static bool offer(uint16_t port, uint32_t seq, uint8_t flags, const void *data, uint32_t len, int64_t now_ns)
{
    struct sl_packet_ip ip = { 0 };
    struct sl_packet_transport segment = {
        .src_port = port, .dst_port = 7901, .seq = seq, .flags = flags, .data = data, .len = len
    };
    return sl_tcp_take(&tcp, &ip, &segment, now_ns);
}

/* As its user does: once more behind each push, until it is taken. */
static void take(uint16_t port, uint32_t seq, uint8_t flags, const void *data, uint32_t len, int64_t now_ns)
{
    unsigned tries = 0;
    while (!offer(port, seq, flags, data, len, now_ns)) {
        cr_assert(sl_tcp_push(&tcp) && ++tries < 1000);
    }
    sl_tcp_push(&tcp);
}

/* Letters from .. to of the text, whose first is at SEQ + 1. */
static void letters(uint32_t from, uint32_t to, uint8_t flags)
{
    take(1, SEQ + 1 + from, flags, text + from, to - from, 0);
}

static const struct tcp_case {
    const char *name;
    struct { uint8_t from, to, flags; } segments[8];
    const char *want;
} cases[] = {
    { "in order", { { 0, 10, 0 }, { 10, 26, SL_TCP_FIN } }, "<abcdefghijklmnopqrstuvwxyz>" },
    { "one by one, backwards", { { 20, 26, SL_TCP_FIN }, { 10, 20, 0 }, { 5, 10, 0 }, { 0, 5, 0 } }, "<abcdefghijklmnopqrstuvwxyz>" },
    { "sent again", { { 0, 10, 0 }, { 0, 10, 0 }, { 5, 10, 0 }, { 10, 26, SL_TCP_FIN } }, "<abcdefghijklmnopqrstuvwxyz>" },
    { "overlapping", { { 0, 10, 0 }, { 5, 15, 0 }, { 20, 24, 0 }, { 12, 26, SL_TCP_FIN } }, "<abcdefghijklmnopqrstuvwxyz>" },
    { "a piece around two others", { { 5, 8, 0 }, { 10, 12, 0 }, { 3, 20, 0 }, { 0, 3, 0 }, { 20, 26, SL_TCP_FIN } }, "<abcdefghijklmnopqrstuvwxyz>" },
    { "FIN before the rest", { { 26, 26, SL_TCP_FIN }, { 0, 26, 0 } }, "<abcdefghijklmnopqrstuvwxyz>" },
    { "RST with a hole", { { 0, 5, 0 }, { 8, 10, 0 }, { 10, 10, SL_TCP_RST } }, "<abcde[3]ij>" },
    { "behind FIN nothing counts", { { 0, 3, SL_TCP_FIN } }, "<abc>" },
};

Test(tcp, segments_in_any_order_make_the_stream, .init = start, .fini = stop)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        heard[0] = '\0';
        take(1, SEQ, SL_TCP_SYN, NULL, 0, 0);
        for (size_t s = 0; s < 8 && (cases[i].segments[s].to || cases[i].segments[s].flags); s++)
            letters(cases[i].segments[s].from, cases[i].segments[s].to, cases[i].segments[s].flags);
        cr_expect_str_eq(heard, cases[i].want, "%s: %s", cases[i].name, heard);
        sl_tcp_end(&tcp);
        sl_tcp_push(&tcp);
    }
}

Test(tcp, what_came_first_stays, .init = start, .fini = stop)
{
    take(1, SEQ, SL_TCP_SYN, NULL, 0, 0);
    take(1, SEQ + 3, 0, "CD", 2, 0);
    take(1, SEQ + 1, 0, "abxxef", 6, 0);
    cr_expect_str_eq(heard, "<abCDef");
}

Test(tcp, a_stream_that_began_before_the_capture_is_joined, .init = start, .fini = stop)
{
    take(1, 1000, 0, NULL, 0, 0);
    cr_expect_str_eq(heard, "", "an acknowledgement is no beginning");
    take(1, 1000, 0, "abc", 3, 0);
    take(1, 1003, SL_TCP_FIN, "def", 3, 0);
    cr_expect_str_eq(heard, "<abcdef>");
}

Test(tcp, a_hole_is_given_up_after_its_time, .init = start, .fini = stop)
{
    take(1, 1000, 0, "ab", 2, 1);
    take(1, 1010, 0, "cd", 2, 2);
    take(1, 1012, 0, "ef", 2, 1 + SL_TCP_HOLE_NS);
    cr_expect_str_eq(heard, "<ab");
    take(1, 1014, 0, "gh", 2, 3 + SL_TCP_HOLE_NS);
    cr_expect_str_eq(heard, "<ab[8]cdefgh");
    take(1, 1002, 0, "ijklmnop", 8, 4 + SL_TCP_HOLE_NS);
    cr_expect_str_eq(heard, "<ab[8]cdefgh", "too late");
}

Test(tcp, a_hole_is_given_up_when_too_much_lies_behind_it, .init = start, .fini = stop)
{
    static uint8_t much[SL_TCP_WINDOW / 4];
    memset(much, 'x', sizeof(much));
    take(1, 1000, 0, "a", 1, 0);
    for (uint32_t i = 0; i < 5; i++)
        offer(1, 1002 + i * (uint32_t)sizeof(much), 0, much, sizeof(much), 0);
    cr_expect_str_eq(heard, "<a[1]");
    heard[0] = '\0';
    sl_tcp_end(&tcp);
    room = 0;
    cr_expect_not(sl_tcp_push(&tcp), "what is left is said so");
    stop();
    start();
    take(1, 1000, 0, "a", 1, 0);
    for (uint32_t i = 0; i <= SL_TCP_PIECES; i++)
        take(1, 1002 + 2 * i, 0, "b", 1, 0);
    cr_expect(!strncmp(heard, "<a[1]b", 6), "%s", heard);
}

Test(tcp, a_sink_without_room_is_offered_the_rest_again, .init = start, .fini = stop)
{
    room = 2;
    cr_expect(offer(1, 1000, SL_TCP_FIN, "abcdef", 6, 0));
    cr_expect_not(sl_tcp_push(&tcp));
    cr_expect_str_eq(heard, "<ab");
    room = 100;
    cr_expect(sl_tcp_push(&tcp));
    cr_expect_str_eq(heard, "<abcdef>");
}

Test(tcp, the_same_ends_connected_again_are_another_stream, .init = start, .fini = stop)
{
    take(1, 1000, SL_TCP_SYN, NULL, 0, 0);
    take(1, 1001, 0, "abc", 3, 0);
    take(1, 1000, SL_TCP_SYN, NULL, 0, 0);
    take(1, 500000, SL_TCP_SYN, NULL, 0, 0);
    take(1, 500001, 0, "def", 3, 0);
    cr_expect_str_eq(heard, "<abc><def");
}

Test(tcp, the_longest_silent_stream_gives_way, .init = start, .fini = stop)
{
    for (uint16_t port = 1; port <= SL_TCP_STREAMS + 1; port++)
        take(port, 1000, 0, "a", 1, port);
    cr_expect_str_eq(heard, "<a<a<a<a<a<a<a<a<a<a<a<a<a<a<a<a><a");
    take(2, 1001, SL_TCP_FIN, "b", 1, 100);
    cr_expect_str_eq(heard + strlen(heard) - 2, "b>", "the second is still there");
}
