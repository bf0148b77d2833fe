/* bench/bench_linear - does a message that is twice as long take twice the time, whatever it is made of?
 *
 *   bench_linear [--quick] [FORMAT...]
 *
 * Without formats: all of them.  The last line says how many cases grow faster than their bytes do.
 *
 * A sample of tests/wire/FORMAT is made longer at a certain place, by repeating one piece there; each place and piece
 * is a case.  Measured is what a walk does with the message: which format it is, its lane, and all its bulletins; a
 * message that is refused is measured up to there.  The length doubles from 16 KiB to 2 MiB, and the exponent is that
 * of the thread's time over the length, from 64 KiB on: 1 is linear, 2 quadratic.  The least of three times counts,
 * since what else runs on the machine only adds.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>
#include "bench/bench.h"
#include "parsers/parse.h"

#define LEN_LEAST  16384u
#define LEN_MOST   (2u << 20)
#define LEN_QUICK  (512u << 10)
#define DOUBLED    8u /* at most so many times */
#define REPEATS    3u
#define ROUNDS     4u /* a case that seems to grow faster is measured again */
#define SAMPLE_MAX 65536u
/* Where it grows faster, it is measured no further: it would take hours. */
#define SLOW_NS 400000000ll
/* Noise, caches that end and pages that are touched for the first time stay below this. */
#define EXPONENT_FINE 1.35
/* What stands instead of it in a piece is a number, another one each time. */
#define COUNTER '\a'

struct place {
    enum sl_format_id format;
    const char *name, *sample, *behind; /* behind the first of these bytes in the sample */
};

/* Left as they are typed, since rows would be spread. */
/* clang-format off */
static const struct place places[] = {
    { SL_FORMAT_IPTC7901, "header", "iptc7901/lead-with-everything", "xna 0044\r\n" },
    { SL_FORMAT_IPTC7901, "keywords", "iptc7901/lead-with-everything", "Harbour/bridge/\r\n" },
    { SL_FORMAT_IPTC7901, "headline", "iptc7901/lead-with-everything", "2ND LEAD\r\n" },
    { SL_FORMAT_IPTC7901, "body", "iptc7901/lead-with-everything", "traffic again on" },
    { SL_FORMAT_IPTC7901, "notes", "iptc7901/lead-with-everything", "## Note to editors\r\n" },
    { SL_FORMAT_TEXT, "head", "text/press-release", "MEDIA RELEASE PR00042\r\n" },
    { SL_FORMAT_TEXT, "body", "text/press-release", "half of the year." },
    { SL_FORMAT_NITF, "attributes", "nitf/plain", "<doc-id" },
    { SL_FORMAT_NITF, "head", "nitf/plain", "<docdata management-status=\"usable\">" },
    { SL_FORMAT_NITF, "headline", "nitf/plain", "<hl1>" },
    { SL_FORMAT_NITF, "body", "nitf/plain", "<body.content>" },
    { SL_FORMAT_ANPA1312, "header", "anpa1312/story", "Strike,214<\r\n" },
    { SL_FORMAT_ANPA1312, "body", "anpa1312/story", "boats on Monday," },
    { SL_FORMAT_NEWSMLG2, "attributes", "newsmlg2/text-xhtml", "<newsItem" },
    { SL_FORMAT_NEWSMLG2, "meta", "newsmlg2/text-xhtml", "<itemMeta>" },
    { SL_FORMAT_NEWSMLG2, "content meta", "newsmlg2/text-xhtml", "<contentMeta>" },
    { SL_FORMAT_NEWSMLG2, "body", "newsmlg2/text-xhtml", "<body>" },
    { SL_FORMAT_NEWSML1, "lines", "newsml1/nitf-with-everything", "<NewsLines>" },
    { SL_FORMAT_NEWSML1, "body", "newsml1/nitf-with-everything", "<body.content>" },
    { SL_FORMAT_NINJS, "members", "ninjs/v1-everything", "{" },
    { SL_FORMAT_NINJS, "list", "ninjs/v1-everything", "\"person\": [" },
    { SL_FORMAT_NINJS, "headline", "ninjs/v1-everything", "\"headline\": \"" },
    { SL_FORMAT_NINJS, "note", "ninjs/v1-everything", "\"ednote\": \"" },
    { SL_FORMAT_NINJS, "plain body", "ninjs/embargoed-and-usable",
      "\"body_text\":\"" },
    { SL_FORMAT_NINJS, "body", "ninjs/v1-everything", "\"body_html\": \"" },
    { SL_FORMAT_APMEDIA, "members", "apmedia/lead-with-places", "\"item\": {" },
    { SL_FORMAT_APMEDIA, "list", "apmedia/lead-with-places", "\"subject\": [" },
    { SL_FORMAT_APMEDIA, "headline", "apmedia/lead-with-places", "\"headline\": \"" },
    { SL_FORMAT_RSS, "channel", "rss/content-and-summary", "<channel>" },
    { SL_FORMAT_RSS, "item", "rss/content-and-summary", "<item>" },
    { SL_FORMAT_RSS, "body", "rss/content-and-summary", "<content:encoded><![CDATA[" },
    { SL_FORMAT_ATOM, "feed", "atom/text-and-html-and-xhtml", "</updated>" },
    { SL_FORMAT_ATOM, "escaped body", "atom/text-and-html-and-xhtml", "<content type=\"html\">" },
    { SL_FORMAT_ATOM, "body", "atom/text-and-html-and-xhtml", "\"http://www.w3.org/1999/xhtml\"><p>" },
    { SL_FORMAT_RFC822, "header", "rfc822/plain", "Received: " },
    { SL_FORMAT_RFC822, "subject", "rfc822/plain", "Subject: " },
    { SL_FORMAT_RFC822, "body", "rfc822/plain", "sails hourly.\r\n" },
    { SL_FORMAT_ZCZC, "header", "zczc/broadcast", "ZCZC AAP\r\n" },
    { SL_FORMAT_ZCZC, "body", "zczc/broadcast", "gone back" },
    { SL_FORMAT_WMO, "heading", "wmo/tornado-warning", "TORXNB\r\r\n" },
    { SL_FORMAT_WMO, "codes", "wmo/tornado-warning", "XNC015-" },
    { SL_FORMAT_WMO, "body", "wmo/tornado-warning", "HAS ISSUED A\r\r\n" },
    { SL_FORMAT_WMO, "polygon", "wmo/tornado-warning", "LAT...LON " },
    { SL_FORMAT_CAP, "alert", "cap/flood-warning", "<scope>Public</scope>" },
    { SL_FORMAT_CAP, "info", "cap/flood-warning", "<info>" },
    { SL_FORMAT_CAP, "area", "cap/flood-warning", "</areaDesc>" },
    { SL_FORMAT_CAP, "body", "cap/flood-warning", "<description>" },
    { SL_FORMAT_FIXNEWS, "fields", "fixnews/flash-with-symbols", "\00161=1" },
    { SL_FORMAT_FIXNEWS, "headline", "fixnews/flash-with-symbols", "\001148=" },
    { SL_FORMAT_FIXNEWS, "body", "fixnews/flash-with-symbols", "\00158=" },
    { SL_FORMAT_MRN, "updates", "mrn/flash-without-a-body", "[" },
    { SL_FORMAT_MRN, "fields", "mrn/flash-without-a-body", "\"Fields\":{" },
    { SL_FORMAT_MRN, "fragment", "mrn/flash-without-a-body", "\"FRAGMENT\":\"" },
    { SL_FORMAT_MRN, "packed body", NULL, "\"body\":\"" },
    { SL_FORMAT_MRN, "packed members", NULL, "{" },
    { SL_FORMAT_RITZAU, "members", "ritzau/alone", "</NewsID>" },
    { SL_FORMAT_RITZAU, "body", "ritzau/alone", "<content>" },
    { SL_FORMAT_PRS, "members", "prs/release", "</longurl>" },
    { SL_FORMAT_PRS, "body", "prs/release", "<body>" },
    { SL_FORMAT_RESULTS, "head", "results/cup", "Tuesday\r\n" },
    { SL_FORMAT_RESULTS, "body", "results/cup", "NIGHT FERRY" },
};
/* clang-format on */

struct piece {
    const char *name, *text;
    const char *close; /* as often behind them, for what nests; NULL nothing */
};

/* Left as they are typed, since rows would be spread. */
/* clang-format off */
static const struct piece pieces[] = {
    { "paragraphs", "One line of the story that goes on and on.\r\n\r\n   ", NULL },
    { "hard-wrapped lines", "One line of the story, which is as long as printers have it,\r\n", NULL },
    { "words", "word ", NULL },
    { "capitals", "WORD ", NULL },
    { "letters", "a", NULL },
    { "digits", "1", NULL },
    { "blanks", " ", NULL },
    { "tabs", "a\tb\t", NULL },
    { "gaps", "a   b\r\n", NULL },
    { "line ends", "\r\n", NULL },
    { "carriage returns", "\r", NULL },
    { "quotes", "\"", NULL },
    { "apostrophes", "'", NULL },
    { "parentheses", "(", NULL },
    { "closed parentheses", "(a) ", NULL },
    { "brackets", "[", NULL },
    { "braces", "{", NULL },
    { "colons", "a: ", NULL },
    { "commas", "a, ", NULL },
    { "dots", ".", NULL },
    { "short sentences", "A. ", NULL },
    { "dashes", "-", NULL },
    { "dashed words", "a - ", NULL },
    { "slashes", "a/", NULL },
    { "stars", "*", NULL },
    { "underscores", "_", NULL },
    { "hashes", "#\r\n", NULL },
    { "equal signs", "=", NULL },
    { "less-than signs", "<", NULL },
    { "greater-than signs", ">", NULL },
    { "ampersands", "&", NULL },
    { "percents", "%a\r\n", NULL },
    { "dollars", "$a\r\n", NULL },
    { "carets", "^a\r\n", NULL },
    { "at signs", "a@b.example ", NULL },
    { "addresses", "http://a.example/b ", NULL },
    { "two-byte characters", "\u00e9", NULL },
    { "three-byte characters", "\u201c", NULL },
    { "no-break spaces", "\xc2\xa0", NULL },
    { "replacement characters", "\ufffd", NULL },
    { "C1 controls", "\xc2\x85", NULL },
    { "Latin-1", "\xe9", NULL },
    { "controls", "\x0e", NULL },
    { "starts of text", "\x02", NULL },
    { "ends of text", "\x03", NULL },
    { "unit separators", "a\x1f", NULL },
    { "escapes of JSON", "\\u00e9\\\"", NULL },
    { "line ends of JSON", "a\\n", NULL },
    { "numbers of JSON", "1,", NULL },
    { "strings of JSON", "\"a\",", NULL },
    { "objects of JSON", "{\"name\":\"a\",\"code\":\"b:c\"},", NULL },
    { "other members", "\"m\a\":\"v\",", NULL },
    { "known members", "\"keywords\":[\"a\a\"],", NULL },
    { "updates of MRN", "{\"Fields\":{\"FRAG_NUM\":1,\"FRAGMENT\":\"H4sI\",\"GUID\":\"\a\",\"MRN_SRC\":\"a\"}},",
      NULL },
    { "nested arrays", "[", "]" },
    { "nested objects", "\"a\":{", "}" },
    { "attributes", " a\a=\"v\"", NULL },
    { "namespaces", " xmlns:a\a=\"v\"", NULL },
    { "paragraphs of XML", "<p>One line of the story that goes on.</p>", NULL },
    { "open paragraphs", "<p>a", NULL },
    { "empty elements", "<a/>", NULL },
    { "links", "<a href=\"http://a.example/\">b</a>", NULL },
    { "breaks", "a<br/>", NULL },
    { "list items", "<li>a", NULL },
    { "cells", "<td>a", NULL },
    { "rows", "<tr><td>a</td><td>b</td></tr>", NULL },
    { "scripts", "<script>a", NULL },
    { "comments", "<!-- a -->", NULL },
    { "open comments", "<!--", NULL },
    { "character data", "<![CDATA[a]]>", NULL },
    { "processing instructions", "<?a b?>", NULL },
    { "ends without a start", "</b>", NULL },
    { "open attributes", "<a b=\"", NULL },
    { "nested elements", "<div>", "</div>" },
    { "nested tables", "<table><tr><td>a", "</td></tr></table>" },
    { "references", "&amp;", NULL },
    { "numbered references", "&#8217;", NULL },
    { "references escaped twice", "&amp;lt;p&amp;gt;", NULL },
    { "escaped tags", "&lt;p&gt;a", NULL },
    { "unknown references", "&a", NULL },
    { "NITF keywords", "<keyword key=\"a\a\"/>", NULL },
    { "G2 subjects", "<subject qcode=\"a:\a\"><name>a</name></subject>", NULL },
    { "CAP parameters", "<parameter><valueName>a\a</valueName><value>b</value></parameter>", NULL },
    { "CAP infos", "<info><event>a</event><headline>b</headline></info>", NULL },
    { "RSS items", "<item><title>a</title><guid>\a</guid></item>", NULL },
    { "RSS categories", "<category>a\a</category>", NULL },
    { "Atom entries", "<entry><id>\a</id><title>a</title></entry>", NULL },
    { "header lines", "x\a: a\r\n", NULL },
    { "folded header lines", "a\r\n ", NULL },
    { "encoded words", "=?utf-8?q?a?= ", NULL },
    { "soft line ends", "=\r\n", NULL },
    { "quoted lines", "> a\r\n", NULL },
    { "boundaries", "--b\r\n", NULL },
    { "fields of FIX", "\00155=A\001", NULL },
    { "texts of FIX", "\00158=A line.\001", NULL },
    { "areas of WMO", "001-", NULL },
    { "VTEC", "/O.NEW.KXNB.TO.W.0035.120415T0327Z-120415T0400Z/\r\r\n", NULL },
    { "segments of WMO", "$$\r\r\n\r\r\nXNC015-150400-\r\r\n", NULL },
    { "points of WMO", "3791 9728 ", NULL },
    { "labels", "CORRECTION ", NULL },
    { "kills", "please kill item a\r\n", NULL },
    { "embargoes", "embargo until 1200 ", NULL },
    { "dates", "5 Jan 2026 12:00 ", NULL },
    { "datelines", "HAVEN (dpa) - ", NULL },
    { "bylines", "By A. Person\r\n", NULL },
    { "ends of ZCZC", "NNNN\r\n", NULL },
};
/* clang-format on */

static struct sl_parse parse;
static uint8_t *message, *packed, *bulletin;
static uint32_t bulletin_cap, len_most = LEN_MOST;
static uint32_t case_cnt, linear_cnt;

/* ---- messages ---- */

static uint32_t load_sample(const struct place *place, char *text)
{
    /* What stands packed in a fragment. */
    static const char story[] = "{\"id\":\"a\",\"altId\":\"nXNA1\",\"headline\":\"Harbour\",\"language\":\"en\","
                                "\"provider\":\"NS:XNA\",\"body\":\"TESTHAVEN, Jan 5 (XNA) - One.\"}";
    char path[1024];
    if (!place->sample)
        return (uint32_t)snprintf(text, SAMPLE_MAX, "%s", story);
    snprintf(path, sizeof path, "%s/tests/wire/%s.wire", SL_SOURCE_ROOT, place->sample);
    FILE *file = fopen(path, "rb");
    size_t len = file ? fread(text, 1, SAMPLE_MAX, file) : 0;
    if (file)
        fclose(file);
    return (uint32_t)len;
}

static uint32_t put_piece(uint8_t *to, const char *text, uint32_t number)
{
    uint32_t len = 0;
    for (; *text; text++) {
        if (*text == COUNTER)
            len += (uint32_t)sprintf((char *)to + len, "%07u", number);
        else
            to[len++] = (uint8_t)*text;
    }
    return len;
}

/* The sample, made as long as len; message has room for it and one piece more.  0: it has no such place. */
static uint32_t make_message(const struct place *place, const struct piece *piece, uint32_t len)
{
    static char sample[SAMPLE_MAX];
    uint32_t sample_len = load_sample(place, sample), number = 0;
    const char *found = memmem(sample, sample_len, place->behind, strlen(place->behind));
    if (!found)
        return 0;
    uint32_t head_len = (uint32_t)(found - sample) + (uint32_t)strlen(place->behind), at = head_len;
    memcpy(message, sample, head_len);
    uint32_t close_len = piece->close ? (uint32_t)strlen(piece->close) : 0;
    while (at + number * close_len + sample_len - head_len < len)
        at += put_piece(message + at, piece->text, number++);
    for (; close_len != 0 && number != 0; number--)
        at += put_piece(message + at, piece->close, 0);
    memcpy(message + at, sample + head_len, sample_len - head_len);
    return at + sample_len - head_len;
}

static uint32_t put_base64(uint8_t *to, const uint8_t *from, uint32_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t put = 0;
    for (uint32_t i = 0; i < len; i += 3) {
        uint32_t left = len - i < 3 ? len - i : 3;
        uint32_t bits =
            (uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
        for (uint32_t part = 0; part < 4; part++)
            to[put++] = part <= left ? (uint8_t)letters[bits >> (18 - 6 * part) & 63] : '=';
    }
    return put;
}

/* A story packed into the one fragment of a message.  Stored, so that a message has the length that is measured. */
static uint32_t pack_message(uint32_t len)
{
    static const char begin[] =
        "[{\"Type\":\"Update\",\"Fields\":{\"GUID\":\"a\",\"MRN_SRC\":\"b\",\"MRN_TYPE\":\"STORY\",\"FRAG_NUM\":1,";
    z_stream stream = { .next_in = message, .avail_in = len, .next_out = packed, .avail_out = 2 * LEN_MOST };
    if (deflateInit2(&stream, Z_NO_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
        abort();
    uint32_t packed_len = (uint32_t)stream.total_out;
    deflateEnd(&stream);
    uint32_t at = (uint32_t)sprintf((char *)message, "%s\"TOT_SIZE\":%u,\"FRAGMENT\":\"", begin, packed_len);
    at += put_base64(message + at, packed, packed_len);
    return at + (uint32_t)sprintf((char *)message + at, "\"}}]");
}

/* ---- time ---- */

static int64_t spent_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* As a walk does it.  Why it ended; END is a message that was read to its end. */
static enum sl_parse_code work_on(enum sl_format_id format, uint32_t len)
{
    static const struct sl_feed_facts feed;
    uint32_t bulletin_len;
    enum sl_parse_code code;
    bench_use(sl_format_recognize(message, len));
    bench_use((void *)(uintptr_t)sl_peek_lane(sl_format_by_id(format), message, len));
    sl_parse_begin(&parse, sl_format_by_id(format), &feed, message, len, 1767607200ll * SL_TIME_NS);
    do {
        code = sl_parse_next(&parse, bulletin, bulletin_cap, &bulletin_len);
        bench_use(bulletin);
    } while (code == SL_PARSE_OK);
    return code;
}

static int64_t least_ns(enum sl_format_id format, uint32_t len, enum sl_parse_code *code)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < REPEATS && (i == 0 || least < SLOW_NS); i++) {
        int64_t begin_ns = spent_ns();
        *code = work_on(format, len);
        int64_t ns = spent_ns() - begin_ns;
        least = ns < least ? ns : least;
    }
    return least > 0 ? least : 1;
}

struct growth {
    uint32_t len[DOUBLED], cnt;
    int64_t ns[DOUBLED];
    enum sl_parse_code code;
};

/* False: the sample has no such place.  What was measured before only becomes less. */
static bool measure(const struct place *place, const struct piece *piece, struct growth *growth)
{
    uint32_t idx = 0;
    for (uint32_t wish = LEN_LEAST; wish <= len_most && (idx == 0 || growth->ns[idx - 1] < SLOW_NS); wish *= 2, idx++) {
        growth->len[idx] = make_message(place, piece, wish);
        if (growth->len[idx] == 0)
            return false;
        if (!place->sample)
            growth->len[idx] = pack_message(growth->len[idx]);
        int64_t ns = least_ns(place->format, growth->len[idx], &growth->code);
        growth->ns[idx] = idx < growth->cnt && growth->ns[idx] < ns ? growth->ns[idx] : ns;
    }
    growth->cnt = idx;
    return true;
}

/* The slope of the straight line through the logarithms, without the shortest lengths. */
static double exponent_of(const struct growth *growth)
{
    uint32_t first = growth->cnt > 4 ? 2 : 0, cnt = growth->cnt - first;
    double x_sum = 0, y_sum = 0, xx_sum = 0, xy_sum = 0;
    for (uint32_t i = first; i < growth->cnt; i++) {
        double x = log((double)growth->len[i]), y = log((double)growth->ns[i]);
        x_sum += x;
        y_sum += y;
        xx_sum += x * x;
        xy_sum += x * y;
    }
    return cnt < 2 ? 2 : (cnt * xy_sum - x_sum * y_sum) / (cnt * xx_sum - x_sum * x_sum);
}

/* False: the sample has no such place. */
static bool run_case(const struct place *place, const struct piece *piece)
{
    struct growth growth = { .cnt = 0 };
    double exponent = 2;
    for (uint32_t round = 0; round < ROUNDS && exponent > EXPONENT_FINE; round++) {
        if (!measure(place, piece, &growth)) {
            fprintf(stderr, "bench_linear: left out: %s has no \"%s\"\n", place->sample, place->name);
            return false;
        }
        exponent = exponent_of(&growth);
    }
    bool is_linear = exponent <= EXPONENT_FINE;
    uint32_t last = growth.cnt - 1;
    case_cnt++;
    linear_cnt += is_linear;
    printf("{\"case\":\"linear\",\"format\":\"%s\",\"place\":\"%s\",\"piece\":\"%s\",\"outcome\":\"%s\",\"len_min\":%u,"
           "\"len_max\":%u,\"ns_byte_min_len\":%.3f,\"ns_byte_max_len\":%.3f,\"exponent\":%.2f,\"is_linear\":%s}\n",
           sl_format_by_id(place->format)->name, place->name, piece->name, sl_parse_code_name(growth.code),
           growth.len[0], growth.len[last], (double)growth.ns[0] / growth.len[0],
           (double)growth.ns[last] / growth.len[last], exponent, is_linear ? "true" : "false");
    return true;
}

static bool is_wanted(enum sl_format_id format, char **names)
{
    for (char **name = names; *name; name++) {
        if (strcmp(*name, sl_format_by_id(format)->name) == 0)
            return true;
    }
    return *names == NULL;
}

int main(int argc, char **argv)
{
    bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    if (is_quick)
        len_most = LEN_QUICK;
    uint32_t room = 4 * LEN_MOST; /* a packed one is longer, and pieces reach over the end */
    message = malloc(room);
    packed = malloc(room);
    bulletin_cap = sl_parse_bound(room);
    bulletin = malloc(bulletin_cap);
    void *scratch = malloc(sl_parse_scratch_bound(room));
    if (!message || !packed || !bulletin || !scratch)
        abort();
    sl_parse_init(&parse, scratch, sl_parse_scratch_bound(room));
    bench_pin(0);
    bench_print_machine("linear", "does a message that is twice as long take twice the time, whatever it is made of?");
    for (size_t place = 0; place < sizeof places / sizeof *places; place++) {
        bool is_there = is_wanted(places[place].format, argv + 1 + is_quick);
        for (size_t piece = 0; piece < sizeof pieces / sizeof *pieces && is_there; piece++)
            is_there = run_case(&places[place], &pieces[piece]);
    }
    fprintf(stderr, "bench_linear: %u of %u cases grow as their bytes do\n", linear_cnt, case_cnt);
    return 0;
}
