/* What is made to exhaust a parser is refused with the right code, or read, within the memory that a message of its
 * length may have.  That it takes no more time than its bytes is bench_linear's to show. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "parsers/parse.h"

#define CNT(rows) (sizeof(rows) / sizeof(*(rows)))
#if defined(__SANITIZE_ADDRESS__) /* each byte costs ten times as much */
#define MILLION 100000u
#else
#define MILLION 1000000u
#endif
#define LONG_LINE (50u << 20)

static struct sl_parse parse;

/* A message as it grows; its memory is as much as a test asks for. */
struct wire {
    char *data;
    uint32_t len, cap;
};

static struct wire begin_wire(uint32_t cap)
{
    struct wire wire = { malloc(cap), 0, cap };
    cr_assert(wire.data);
    return wire;
}

static void put(struct wire *wire, const char *text, size_t len)
{
    cr_assert_leq(len, wire->cap - wire->len);
    memcpy(wire->data + wire->len, text, len);
    wire->len += (uint32_t)len;
}

static void put_times(struct wire *wire, const char *text, uint32_t cnt)
{
    for (size_t len = strlen(text); cnt != 0; cnt--)
        put(wire, text, len);
}

/* Reads all of it within its bounds, each bulletin checked: END, or why it was refused.  The message is freed. */
static enum sl_parse_code read_wire(enum sl_format_id format, struct wire *wire, uint32_t *bulletin_cnt)
{
    static const struct sl_feed_facts feed;
    uint32_t cap = sl_parse_bound(wire->len), scratch_cap = sl_parse_scratch_bound(wire->len), len;
    void *mem = malloc(cap), *scratch = malloc(scratch_cap);
    enum sl_parse_code code;
    cr_assert(mem && scratch);
    sl_parse_init(&parse, scratch, scratch_cap);
    sl_parse_begin(&parse, sl_format_by_id(format), &feed, (uint8_t *)wire->data, wire->len, 1767607200ll * SL_TIME_NS);
    *bulletin_cnt = 0;
    while ((code = sl_parse_next(&parse, mem, cap, &len)) == SL_PARSE_OK) {
        cr_assert_eq(sl_bulletin_check(mem, len), SL_BULLETIN_FINE);
        ++*bulletin_cnt;
    }
    cr_expect_leq(parse.err.off, wire->len);
    free(mem);
    free(scratch);
    free(wire->data);
    return code;
}

struct bomb {
    enum sl_format_id format;
    const char *before, *piece, *after;
    enum sl_parse_code code;
    uint32_t bulletin_cnt;
};

static void check_bombs(const struct bomb *bomb, size_t cnt, uint32_t times, uint32_t cap)
{
    for (size_t i = 0; i < cnt; i++) {
        struct wire wire = begin_wire(cap);
        uint32_t bulletin_cnt;
        put_times(&wire, bomb[i].before, 1);
        put_times(&wire, bomb[i].piece, times);
        put_times(&wire, bomb[i].after, 1);
        enum sl_parse_code code = read_wire(bomb[i].format, &wire, &bulletin_cnt);
        const char *name = sl_format_by_id(bomb[i].format)->name;
        cr_expect_eq(code, bomb[i].code, "%s %.40s: %s, want %s (offset %u, %s)", name, bomb[i].piece,
                     sl_parse_code_name(code), sl_parse_code_name(bomb[i].code), parse.err.off,
                     parse.err.want ? parse.err.want : "");
        cr_expect_eq(bulletin_cnt, bomb[i].bulletin_cnt, "%s %.40s: %u bulletins", name, bomb[i].piece, bulletin_cnt);
    }
}

#define RSS(item) "<rss version=\"2.0\"><channel><item><title>a</title><description>" item
#define ATOM(entry)                                                                                                    \
    "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><id>a</id><title>b</title><content type=\"xhtml\">" entry
#define G2(body) "<newsItem xmlns=\"http://iptc.org/std/nar/2006-10-01/\" guid=\"a\"><contentSet><inlineXML>" body

Test(linear, deep_nesting_is_refused)
{
    /* Left as they are typed, since rows would be spread. */
    /* clang-format off */
    static const struct bomb bombs[] = {
        { SL_FORMAT_NITF, "<nitf><body><body.content>", "<div>", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_NEWSMLG2, G2(""), "<div>", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_NEWSML1, "<NewsML><NewsItem><NewsComponent>", "<NewsComponent>", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_CAP, "<alert xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\">", "<info>", "", SL_PARSE_TOO_DEEP,
          0 },
        { SL_FORMAT_RSS, RSS(""), "<div>", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_ATOM, ATOM(""), "<div>", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_RITZAU, "<RBNews><content>", "<p>", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_PRS, "<release><body>", "<p>", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_NINJS, "{\"uri\":\"a\",\"x\":", "[", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_NINJS, "", "{\"item\":", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_NINJS, "", "[", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_APMEDIA, "{\"data\":{\"item\":{\"subject\":", "[", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_MRN, "", "[", "", SL_PARSE_TOO_DEEP, 0 },
        { SL_FORMAT_MRN, "[{\"Fields\":", "{\"a\":", "", SL_PARSE_TOO_DEEP, 0 },
    };
    /* clang-format on */
    check_bombs(bombs, CNT(bombs), MILLION, 16u << 20);
}

/* Markup in a string has no depth of its own: it is read, whatever is open at its end. */
Test(linear, deep_nesting_in_a_string_is_text)
{
    /* Left as they are typed, since rows would be spread. */
    /* clang-format off */
    static const struct bomb bombs[] = {
        { SL_FORMAT_NINJS, "{\"uri\":\"a\",\"body_html\":\"a", "<div>b", "\"}", SL_PARSE_END, 1 },
        { SL_FORMAT_NINJS, "{\"uri\":\"a\",\"body_html\":\"a", "<ul><li>b", "\"}", SL_PARSE_END, 1 },
        { SL_FORMAT_NINJS, "{\"uri\":\"a\",\"body_html\":\"a", "<table><tr><td>b", "\"}", SL_PARSE_END, 1 },
        { SL_FORMAT_RSS, RSS("<![CDATA["), "<div>b", "]]></description></item></channel></rss>", SL_PARSE_END, 1 },
        { SL_FORMAT_RFC822, "Subject: a\r\nContent-Type: text/html\r\n\r\n", "<div>b", "", SL_PARSE_END, 1 },
    };
    /* clang-format on */
    check_bombs(bombs, CNT(bombs), MILLION / 4, 8u << 20);
}

static enum sl_parse_code read_attributes(enum sl_format_id format, const char *before, const char *after,
                                          uint32_t *bulletin_cnt)
{
    struct wire wire = begin_wire(32u << 20);
    char attribute[32];
    put_times(&wire, before, 1);
    for (uint32_t i = 0; i < MILLION; i++)
        put(&wire, attribute, (size_t)snprintf(attribute, sizeof(attribute), " a%u=\"b\"", i));
    put_times(&wire, after, 1);
    return read_wire(format, &wire, bulletin_cnt);
}

Test(linear, a_million_attributes_are_refused)
{
    /* Left as they are typed, since rows would be spread. */
    /* clang-format off */
    static const struct bomb bombs[] = {
        { SL_FORMAT_NITF, "<nitf", "", "><body/></nitf>", SL_PARSE_TOO_LARGE, 0 },
        { SL_FORMAT_NEWSMLG2, "<newsItem", "", "/>", SL_PARSE_TOO_LARGE, 0 },
        { SL_FORMAT_NEWSML1, "<NewsML", "", "/>", SL_PARSE_TOO_LARGE, 0 },
        { SL_FORMAT_CAP, "<alert", "", "/>", SL_PARSE_TOO_LARGE, 0 },
        { SL_FORMAT_RSS, "<rss", "", "/>", SL_PARSE_TOO_LARGE, 0 },
        { SL_FORMAT_ATOM, "<feed", "", "/>", SL_PARSE_TOO_LARGE, 0 },
        { SL_FORMAT_RITZAU, "<RBNews", "", "/>", SL_PARSE_TOO_LARGE, 0 },
        { SL_FORMAT_PRS, "<release", "", "/>", SL_PARSE_TOO_LARGE, 0 },
    };
    /* clang-format on */
    for (size_t i = 0; i < CNT(bombs); i++) {
        uint32_t bulletin_cnt;
        enum sl_parse_code code = read_attributes(bombs[i].format, bombs[i].before, bombs[i].after, &bulletin_cnt);
        cr_expect_eq(code, bombs[i].code, "%s: %s at %u, %s", sl_format_by_id(bombs[i].format)->name,
                     sl_parse_code_name(code), parse.err.off, parse.err.want);
        cr_expect_eq(bulletin_cnt, 0);
    }
}

/* Tag soup and members have no such bound; they are passed over. */
Test(linear, a_million_attributes_of_a_tag_in_a_string_are_passed_over)
{
    uint32_t bulletin_cnt;
    cr_expect_eq(read_attributes(SL_FORMAT_NINJS, "{\"uri\":\"a\",\"x\":\"<p", ">b\"}", &bulletin_cnt),
                 SL_PARSE_BAD_TEXT, "a quote inside a string of JSON ends it");
    /* Left as they are typed, since rows would be spread. */
    /* clang-format off */
    static const struct bomb bombs[] = {
        { SL_FORMAT_NINJS, "{\"uri\":\"a\",\"body_html\":\"<p", " a='b'", ">b\"}", SL_PARSE_END, 1 },
        { SL_FORMAT_NINJS, "{\"uri\":\"a\"", ",\"m\":\"b\"", "}", SL_PARSE_END, 1 },
        { SL_FORMAT_NINJS, "{\"uri\":\"a\",\"keywords\":[\"b\"", ",\"b\"", "]}", SL_PARSE_END, 1 },
        { SL_FORMAT_NITF, "<nitf><body><body.content>", "<p/>", "</body.content></body></nitf>", SL_PARSE_END, 1 },
        { SL_FORMAT_RFC822, "Subject: a\r\n", "X-A: b\r\n", "\r\nText.\r\n", SL_PARSE_END, 1 },
    };
    /* clang-format on */
    check_bombs(bombs, CNT(bombs), MILLION, 16u << 20);
}

Test(linear, fifty_megabytes_in_one_line_are_read_or_refused)
{
    /* Left as they are typed, since rows would be spread. */
    /* clang-format off */
    static const struct bomb bombs[] = {
        { SL_FORMAT_IPTC7901, "\001xna0043 3 i 90  xna 0056\r\n\r\nWeather/\r\n\002Rain =\r\n   ", "word of it ",
          "\r\n\003231137 GMT Nov 13\r\n\004", SL_PARSE_END, 1 },
        { SL_FORMAT_TEXT, "Harbour closed\r\n\r\n", "word of it ", "\r\n", SL_PARSE_END, 1 },
        { SL_FORMAT_ZCZC, "ZCZC AAP\r\n$Ferry\r\n*11000000\r\n", "word of it ", "\r\nNNNN\r\n", SL_PARSE_END, 1 },
        { SL_FORMAT_WMO, "\001\r\r\n417 \r\r\nWOXN31 XNAA 051200\r\r\n", "WORD OF IT ", "\r\r\n\003", SL_PARSE_END,
          1 },
        { SL_FORMAT_RFC822, "Subject: a\r\n\r\n", "word of it ", "\r\n", SL_PARSE_END, 1 },
        { SL_FORMAT_ANPA1312,
          "\026\026\001W2871\037_brook\023\r\nr i\023\021 BC-Ferry   01-05 0931\r\n\002\002BC-Ferry,2<\r\n\t",
          "word of it ", "\r\n\tAP-WF-01-05-26 0812GMT<\r\n\004", SL_PARSE_END, 1 },
        { SL_FORMAT_RESULTS, "\001EASTHAM\0376\037\016\017S\037Tuesday\r\n\r\n   ", "word of it ",
          "\r\n   AAP RESULTS", SL_PARSE_END, 1 },
        { SL_FORMAT_FIXNEWS, "8=FIX.4.4\0019=52428842\00135=B\00152=20260105-09:58:01.250\001148=Rain\00133=1\00158=",
          "word of it ", "\00110=222\001", SL_PARSE_END, 1 },
        { SL_FORMAT_APMEDIA, "{\"data\":{\"item\":{\"altids\":{\"itemid\":\"a\"},\"headline\":\"b\",\"ednote\":\"",
          "word of it ", "\"}}}", SL_PARSE_END, 1 },
        { SL_FORMAT_RSS, RSS(""), "word of it ", "</description></item></channel></rss>", SL_PARSE_END, 1 },
        { SL_FORMAT_CAP,
          "<alert " "xmlns=\"urn:oasis:names:tc:emergency:cap:1.2\"><identifier>a</identifier><info><event>b</" "event"
          "><description>", "word of it ", "</description></info></alert>", SL_PARSE_END, 1 },
        { SL_FORMAT_NEWSMLG2, G2("<p>"), "word of it ", "</p></inlineXML></contentSet></newsItem>", SL_PARSE_END, 1 },
        { SL_FORMAT_NEWSML1,
          "<NewsML><NewsItem><Identification><NameLabel>a</NameLabel></" "Identification><NewsComponent><ContentItem><"
          "DataContent>", "word of it ", "</DataContent></ContentItem></NewsComponent></NewsItem></NewsML>",
          SL_PARSE_END, 1 },
        { SL_FORMAT_RITZAU, "<RBNews><NewsID>a</NewsID><headline>b</headline><content>", "word of it ",
          "</content></RBNews>", SL_PARSE_END, 1 },
        { SL_FORMAT_PRS, "<release id=\"a\"><title>b</title><body>", "word of it ", "</body></release>", SL_PARSE_END,
          1 },
        { SL_FORMAT_NINJS, "{\"uri\":\"a\",\"body_text\":\"", "word of it ", "\"}", SL_PARSE_END, 1 },
        { SL_FORMAT_NITF, "<nitf><head><title>a</title></head><body><body.content><p>", "word of it ",
          "</p></body.content></body></nitf>", SL_PARSE_END, 1 },
    };
    /* clang-format on */
    check_bombs(bombs, CNT(bombs), LONG_LINE / 11, LONG_LINE + 4096);
}

Test(linear, entities_are_never_declared)
{
    static const char *const roots[][2] = {
        {"nitf",      ""},
        { "newsItem", ""},
        { "NewsML",   ""},
        { "alert",    ""},
        { "rss",      ""},
        { "feed",     ""},
        { "RBNews",   ""},
        { "release",  ""},
    };
    static const enum sl_format_id formats[] = { SL_FORMAT_NITF, SL_FORMAT_NEWSMLG2, SL_FORMAT_NEWSML1, SL_FORMAT_CAP,
                                                 SL_FORMAT_RSS,  SL_FORMAT_ATOM,     SL_FORMAT_RITZAU,  SL_FORMAT_PRS };
    for (size_t i = 0; i < CNT(formats); i++) {
        struct wire wire = begin_wire(4096);
        uint32_t bulletin_cnt;
        char text[2048];
        put(&wire, text,
            (size_t)snprintf(text, sizeof(text),
                             "<?xml version=\"1.0\"?><!DOCTYPE %s [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b "
                             "\"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]><%s>&c;</%s>",
                             roots[i][0], roots[i][0], roots[i][0]));
        cr_expect_eq(read_wire(formats[i], &wire, &bulletin_cnt), SL_PARSE_REFUSED, "%s", roots[i][0]);
        cr_expect_eq(bulletin_cnt, 0);
    }
}

/* ---- what is packed ---- */

static uint32_t put_base64(char *to, const uint8_t *from, uint32_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t put_len = 0;
    for (uint32_t i = 0; i + 2 < len; i += 3) { /* the last bytes of a bomb do not matter */
        uint32_t bits = (uint32_t)from[i] << 16 | (uint32_t)from[i + 1] << 8 | from[i + 2];
        for (uint32_t part = 0; part < 4; part++)
            to[put_len++] = letters[bits >> (18 - 6 * part) & 63];
    }
    return put_len;
}

/* window_bits: of gzip or of zlib. */
static struct wire pack_story(const char *before, const char *piece, uint32_t cnt, const char *after, int window_bits)
{
    struct wire story = begin_wire((uint32_t)(strlen(before) + cnt * strlen(piece) + strlen(after)));
    put_times(&story, before, 1);
    put_times(&story, piece, cnt);
    put_times(&story, after, 1);
    uint32_t room = story.len / 2 + 4096;
    uint8_t *packed = malloc(room);
    struct wire wire = begin_wire(2 * room + 4096);
    z_stream stream = {
        .next_in = (uint8_t *)story.data, .avail_in = story.len, .next_out = packed, .avail_out = room
    };
    cr_assert_eq(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
    cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    uint32_t len = (uint32_t)stream.total_out;
    deflateEnd(&stream);
    memset(packed + len, 0, 3);
    len = (len + 2) / 3 * 3;
    wire.len = (uint32_t)sprintf(wire.data,
                                 "[{\"Fields\":{\"GUID\":\"a\",\"MRN_SRC\":\"b\",\"MRN_TYPE\":\"STORY\",\"FRAG_NUM\":1,"
                                 "\"TOT_SIZE\":%u,\"FRAGMENT\":\"",
                                 len);
    wire.len += put_base64(wire.data + wire.len, packed, len);
    put_times(&wire, "\"}}]", 1);
    free(packed);
    free(story.data);
    return wire;
}

Test(linear, gzip_bombs_are_refused)
{
    static const struct {
        const char *name, *before, *piece, *after;
    } rows[] = {
        {"a long body",      "{\"id\":\"a\",\"headline\":\"b\",\"body\":\"", "aaaaaaaaaa",                               "\"}"                              },
        { "blanks in front", "",                                             "          ",                               "{\"id\":\"a\",\"headline\":\"b\"}"},
        { "controls",        "",                                             "\001\001\001\001\001\001\001\001\001\001", ""                                 },
        { "brackets",        "{\"id\":\"a\",\"subjects\":",                  "[[[[[[[[[[",                               ""                                 },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        for (int window_bits = 15; window_bits <= 31; window_bits += 16) {
            struct wire wire = pack_story(rows[i].before, rows[i].piece, 6 * MILLION, rows[i].after, window_bits);
            uint32_t bulletin_cnt;
            enum sl_parse_code code = read_wire(SL_FORMAT_MRN, &wire, &bulletin_cnt);
            enum sl_parse_code want = window_bits == 31 ? SL_PARSE_TOO_LARGE : SL_PARSE_BAD_TEXT;
            cr_expect_eq(code, want, "%s, %d: %s, %s", rows[i].name, window_bits, sl_parse_code_name(code),
                         parse.err.want);
            cr_expect_eq(bulletin_cnt, 0);
        }
    }
}
