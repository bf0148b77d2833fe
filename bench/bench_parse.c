/* bench/bench_parse - what does it cost to read a wire document, beside what the usual libraries take for the same?
 *
 *   bench_parse [--quick] [FOLDER...]       default: stories of wire length (bench/wires.h), and ../shared/wire-corpus
 *                                       where it is; beside them, as cases of their own, the samples of tests/wire
 *
 * Documents in memory, one pinned core, parser objects reused.  Every parser brings out the same (bench/stories.h), and
 * a document whose story is not the same from all of them is left out, aloud.  Parsers take turns within each of seven
 * rounds; ratios are taken within a round.  The limits of the machine, a copy and a search for one byte, take turns
 * with them.  Time is the thread's own, since a shared machine gives none of it evenly.  A bulletin is more work than a
 * story: all fields, dates, hashes; its row says what a decoder pays.  No library reads the formats of the wires, so
 * that there the limits stand alone beside it.
 */
#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include "bench/bench.h"
#include "bench/stories.h"
#include "bench/wires.h"
#include "parsers/parse.h"

#define ROUNDS      7u
#define DOCS_MAX    1024u
#define DOC_LEN_MAX (1u << 20)
#define PARSERS_MAX 16u
#define ABSENT      0xff /* a byte that no document holds */

/* The distribution's, which has the distribution's lxml. */
#define PYTHON "PATH=/usr/bin:$PATH python3"

static struct story story;
static int64_t sample_ns = 100000000ll;

/* ---- parsers that are no story's ---- */

static bool read_copy(const struct bench_doc *doc, struct story *into)
{
    memcpy(into->data, doc->data, doc->len);
    bench_use(into->data);
    return true;
}

static bool read_search(const struct bench_doc *doc, struct story *into)
{
    const void *place = memchr(doc->data, ABSENT, doc->len);
    bench_use(place);
    (void)into;
    return true;
}

static const struct sl_format *bulletin_format;

static bool read_bulletin(const struct bench_doc *doc, struct story *into)
{
    static struct sl_parse parse;
    static struct sl_feed_facts feed;
    static void *bulletin, *scratch;
    uint32_t cap = sl_parse_bound(DOC_LEN_MAX), scratch_cap = sl_parse_scratch_bound(DOC_LEN_MAX), len;
    (void)into;
    if (!bulletin) {
        bulletin = malloc(cap);
        scratch = malloc(scratch_cap);
        sl_parse_init(&parse, scratch, scratch_cap);
    }
    sl_parse_begin(&parse, bulletin_format, &feed, (const uint8_t *)doc->data, doc->len, 0);
    enum sl_parse_code code;
    while ((code = sl_parse_next(&parse, bulletin, cap, &len)) == SL_PARSE_OK)
        bench_use(bulletin);
    return code == SL_PARSE_END;
}

static const struct bench_parser copy_limit = { "limit: memcpy", read_copy },
                                 search_limit = { "limit: memchr", read_search },
                                 bulletin_row = { "slugline bulletin", read_bulletin };

/* ---- documents ---- */

struct set {
    struct bench_doc docs[DOCS_MAX];
    uint32_t cnt;
    uint64_t len;
};

static struct set found;
static const char *wanted_part; /* of the path: the format's folder */
static bool wants_xml;

/* Any document that begins with a tag or a declaration; behind a byte-order mark, too. */
static bool looks_like_xml(const char *data, size_t len)
{
    size_t i = len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < len && strchr(" \r\n\t", data[i]))
        i++;
    return i + 1 < len && data[i] == '<';
}

static int take_file(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F || stat->st_size == 0 || stat->st_size > (off_t)DOC_LEN_MAX || found.cnt == DOCS_MAX ||
        (wanted_part && !strstr(path, wanted_part)))
        return 0;
    FILE *file = fopen(path, "rb");
    char *data = malloc((size_t)stat->st_size);
    size_t len = file && data ? fread(data, 1, (size_t)stat->st_size, file) : 0;
    if (file)
        fclose(file);
    bool is_wire = !strstr(path, ".want") && !strstr(path, ".facts") && !memchr(data, ABSENT, len);
    if (wants_xml ? !looks_like_xml(data, len) : !is_wire) {
        free(data);
        return 0;
    }
    found.docs[found.cnt++] = (struct bench_doc){ strdup(path), data, (uint32_t)len };
    found.len += len;
    return 0;
}

static void find_documents(const char *const *folders, const char *part, bool xml)
{
    found.cnt = 0;
    found.len = 0;
    wanted_part = part;
    wants_xml = xml;
    for (; *folders; folders++)
        nftw(*folders, take_file, 16, FTW_PHYS);
}

/* CRC-32 as zlib has it, so that a script can say it too; not timed. */
static uint32_t crc_of(const char *data, uint32_t len)
{
    uint32_t crc = ~0u;
    for (uint32_t i = 0; i < len; i++) {
        crc ^= (uint8_t)data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static bool read_story_of(const struct bench_parser *parser, const struct bench_doc *doc)
{
    story.len = story.body_cnt = story.field = 0;
    return parser->read(doc, &story);
}

static void leave_out(uint32_t idx, const char *why, const char *who)
{
    fprintf(stderr, "bench_parse: left out: %s: %s %s\n", found.docs[idx].path, who, why);
    found.len -= found.docs[idx].len;
    found.docs[idx] = found.docs[--found.cnt];
}

/* ---- lxml, in a process of its own ---- */

static double lxml_rate; /* of the last run; 0: there is none */
static uint32_t lxml_crc[DOCS_MAX];

static void run_lxml(int64_t ms)
{
    static char command[262144];
    size_t len = (size_t)snprintf(command, sizeof command, PYTHON " %s %lld", SL_SOURCE_ROOT "/bench/parse_lxml.py",
                                  (long long)ms);
    for (uint32_t i = 0; i < found.cnt && len < sizeof command; i++)
        len += (size_t)snprintf(command + len, sizeof command - len, " '%s'", found.docs[i].path);
    len += (size_t)snprintf(command + len, sizeof command - len, " 2>/dev/null");
    lxml_rate = 0;
    FILE *pipe = len < sizeof command ? popen(command, "r") : NULL;
    if (!pipe)
        return;
    if (fscanf(pipe, "%lf", &lxml_rate) != 1)
        lxml_rate = 0;
    for (uint32_t i = 0; lxml_rate != 0 && i < found.cnt; i++) {
        if (fscanf(pipe, "%u", &lxml_crc[i]) != 1)
            lxml_rate = 0;
    }
    pclose(pipe);
}

/* ---- a case ---- */

struct bench_case {
    const char *name;
    const char *part; /* of the paths it takes; NULL: all */
    const char *format; /* of the bulletin row; NULL: none */
    const struct bench_parser *const *parsers; /* the first is ours; ends with NULL; NULL: none reads it */
};

static const struct bench_parser *const xml_parsers[] = {
    &bench_slugline,
#ifdef SL_HAVE_PUGIXML
    &bench_pugixml,
#endif
#ifdef SL_HAVE_EXPAT
    &bench_expat,
#endif
#ifdef SL_HAVE_LIBXML2
    &bench_libxml2,
#endif
    NULL,
};

static const struct bench_case cases[] = {
    {"xml stories", NULL,         NULL,       xml_parsers},
    { "nitf",       "/nitf/",     "nitf",     xml_parsers},
    { "newsmlg2",   "/newsmlg2/", "newsmlg2", xml_parsers},
    { "newsml1",    "/newsml1/",  "newsml1",  xml_parsers},
    { "iptc7901",   "/iptc7901/", "iptc7901", NULL       },
    { "anpa1312",   "/anpa1312/", "anpa1312", NULL       },
    { "zczc",       "/zczc/",     "zczc",     NULL       },
    { "wmo",        "/wmo/",      "wmo",      NULL       },
};

/* Leaves in the set what all parsers read alike. */
static void agree(const struct bench_case *one)
{
    for (uint32_t i = found.cnt; i-- != 0;) {
        const struct bench_parser *const *parser = one->parsers;
        if (!read_story_of(*parser, &found.docs[i])) {
            leave_out(i, "refuses it", (*parser)->name);
            continue;
        }
        uint32_t crc = crc_of(story.data, story.len), len = story.len;
        for (parser++; *parser; parser++) {
            bool is_read = read_story_of(*parser, &found.docs[i]);
            if (is_read && story.len == len && crc_of(story.data, story.len) == crc)
                continue;
            leave_out(i, is_read ? "reads something else" : "refuses it", (*parser)->name);
            break;
        }
    }
}

static void agree_with_lxml(const struct bench_case *one)
{
    run_lxml(1);
    for (uint32_t i = found.cnt; lxml_rate != 0 && i-- != 0;) {
        read_story_of(one->parsers[0], &found.docs[i]);
        if (crc_of(story.data, story.len) != lxml_crc[i])
            leave_out(i, "reads something else", "lxml");
    }
}

/* Of this thread: what else runs on the machine takes turns with it, but is not counted. */
static int64_t spent_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

/* Bytes a second over the whole set, again and again until the sample is long enough. */
static double rate_of(const struct bench_parser *parser)
{
    int64_t begin_ns = spent_ns(), ns;
    uint64_t done = 0;
    do {
        for (uint32_t i = 0; i < found.cnt; i++) {
            if (!read_story_of(parser, &found.docs[i]))
                abort();
            bench_use(story.data);
        }
        done += found.len;
        ns = spent_ns() - begin_ns;
    } while (ns < sample_ns);
    return (double)done * 1e9 / (double)ns;
}

struct row {
    const char *name;
    double rate[ROUNDS], ratio[ROUNDS]; /* ratio: the case's subject to it */
};

static void print_row(const struct bench_case *one, const char *subject, const struct row *row)
{
    struct bench_stat rate = bench_stat_of(row->rate, ROUNDS), ratio = bench_stat_of(row->ratio, ROUNDS);
    printf("{\"case\":\"%s\",\"parser\":\"%s\",\"documents\":%u,\"bytes\":%llu,\"mb_s\":%.1f,\"mb_s_min\":%.1f,"
           "\"mb_s_max\":%.1f,\"%s_is\":%.3f,\"min\":%.3f,\"max\":%.3f}\n",
           one->name, row->name, found.cnt, (unsigned long long)found.len, rate.median / 1e6, rate.min / 1e6,
           rate.max / 1e6, subject, ratio.median, ratio.min, ratio.max);
}

static void run_rounds(const struct bench_case *one, const struct bench_parser *const *rows, uint32_t cnt,
                       bool with_lxml)
{
    static struct row result[PARSERS_MAX + 1];
    for (uint32_t r = 0; r < cnt; r++)
        rate_of(rows[r]); /* warm */
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t r = 0; r < cnt; r++) {
            result[r].name = rows[r]->name;
            result[r].rate[round] = rate_of(rows[r]);
        }
        if (with_lxml)
            run_lxml(sample_ns / 1000000);
        result[cnt].name = "lxml";
        result[cnt].rate[round] = with_lxml ? lxml_rate : 1;
        for (uint32_t r = 0; r <= cnt; r++)
            result[r].ratio[round] = result[0].rate[round] / result[r].rate[round];
    }
    for (uint32_t r = 0; r < cnt + with_lxml; r++)
        print_row(one, rows[0] == &bulletin_row ? "bulletin" : "slugline", &result[r]);
}

static void run_case(const struct bench_case *one, const char *const *folders)
{
    const struct bench_parser *rows[PARSERS_MAX];
    uint32_t cnt = 0;
    find_documents(folders, one->part, one->parsers != NULL);
    lxml_rate = 0;
    if (one->parsers) {
        agree(one);
        agree_with_lxml(one);
    }
    bulletin_format = one->format ? sl_format_named(one->format, strlen(one->format)) : NULL;
    if (one->format && !bulletin_format)
        fprintf(stderr, "bench_parse: skipped: bulletins of %s: there is no such format yet\n", one->name);
    for (uint32_t i = found.cnt; bulletin_format && i-- != 0;) {
        if (!read_bulletin(&found.docs[i], &story))
            leave_out(i, "refuses it", bulletin_format->name);
    }
    if (found.cnt == 0) {
        fprintf(stderr, "bench_parse: skipped: %s: no documents\n", one->name);
        return;
    }
    if (bulletin_format)
        rows[cnt++] = &bulletin_row;
    for (const struct bench_parser *const *parser = one->parsers; parser && *parser; parser++)
        rows[cnt++] = *parser;
    rows[cnt++] = &copy_limit;
    rows[cnt++] = &search_limit;
    run_rounds(one, rows, cnt, lxml_rate != 0);
}

static void say_what_is_missing(void)
{
#ifndef SL_HAVE_PUGIXML
    fprintf(stderr, "bench_parse: skipped: pugixml: libpugixml-dev or g++ was not there\n");
#endif
#ifndef SL_HAVE_EXPAT
    fprintf(stderr, "bench_parse: skipped: expat: libexpat1-dev was not there\n");
#endif
#ifndef SL_HAVE_LIBXML2
    fprintf(stderr, "bench_parse: skipped: libxml2: libxml2-dev was not there\n");
#endif
    if (system(PYTHON " -c 'import lxml' 2>/dev/null") != 0)
        fprintf(stderr, "bench_parse: skipped: lxml: python3-lxml is not there\n");
}

/* Every case once more, over the samples of tests/wire alone. */
static void run_short(const struct bench_case *one)
{
    static const char *const samples[] = { SL_SOURCE_ROOT "/tests/wire", NULL };
    char name[64];
    struct bench_case with = *one;
    snprintf(name, sizeof name, "%s, short samples", one->name);
    with.name = name;
    run_case(&with, samples);
}

int main(int argc, char **argv)
{
    static char made[] = "/tmp/slugline-bench-XXXXXX";
    static const char *const own[] = { made, SL_SOURCE_ROOT "/../shared/wire-corpus", NULL };
    bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0, is_own = argc <= 1 + is_quick;
    const char *const *folders = is_own ? own : (const char *const *)argv + 1 + is_quick;
    if (is_quick)
        sample_ns = 10000000ll;
    story.data = malloc(3 * DOC_LEN_MAX);
    bench_pin(0);
    bench_print_machine("parse", "what does reading a document cost, beside libraries that do the same work?");
    say_what_is_missing();
    int rc = is_own ? bench_wires_write(made) : 0;
    if (rc < 0)
        fprintf(stderr, "bench_parse: %s: %s\n", made, strerror(-rc));
    for (size_t i = 0; rc == 0 && i < sizeof cases / sizeof *cases; i++)
        run_case(&cases[i], folders);
    for (size_t i = 0; rc == 0 && is_own && i < sizeof cases / sizeof *cases; i++)
        run_short(&cases[i]);
    if (is_own)
        bench_wires_remove(made);
    return rc < 0;
}
