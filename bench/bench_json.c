/* bench/bench_json - what does it cost to make a bulletin of a ninjs item, beside what JSON libraries take to find the
 * same in it?
 *
 *   bench_json [--quick | --alone] [FOLDER...]
 *
 * Without folders: the samples of tests/wire/ninjs, and ../shared/wire-corpus/ninjs where it is.
 *
 * Documents in memory, one pinned core, parser objects reused.  A peer finds id, headline, four dates, urgency, subject
 * codes and the body; its strings then go through our reading of dates and our making of text and of safe HTML, so that
 * its result can be compared with the bulletin, byte for byte.  A document of which any two make something else is left
 * out, aloud.
 * All take turns within each of seven rounds, ratios are taken within a round, and time is the thread's own.  A
 * bulletin is more than is compared: all other fields and lists, and hashes.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "bench/bench.h"
#include "bench/json_peers.h"
#include "parsers/html.h"
#include "parsers/json_item.h"

#define ROUNDS      7u
#define DOCS_MAX    256u
#define DOC_LEN_MAX (1u << 20)
#define PADDING     64u /* simdjson reads so far */
#define ROWS_MAX    5u

struct document {
    char *path, *data;
    uint32_t len;
};

static struct document documents[DOCS_MAX];
static uint32_t document_cnt;
static uint64_t documents_len;
static int64_t sample_ns = 200000000ll;
static bool is_alone;
static struct sl_parse parse;
static void *bulletin_mem;
static uint32_t bulletin_cap, bulletin_len;

/* ---- what is compared ---- */

struct result {
    char data[4 * DOC_LEN_MAX];
    uint32_t len;
};

static void put(struct result *result, const void *data, uint32_t len)
{
    memcpy(result->data + result->len, data, len);
    result->len += len;
    result->data[result->len++] = '\n';
}

static void put_bulletin(struct result *result, const struct sl_bulletin *bulletin)
{
    static const enum sl_text texts[] = { SL_TEXT_ID, SL_TEXT_HEADLINE, SL_TEXT_BODY, SL_TEXT_BODY_HTML };
    result->len = 0;
    put(result, &bulletin->version_created, 8);
    put(result, &bulletin->first_created, 8);
    put(result, &bulletin->embargoed_until, 8);
    put(result, &bulletin->expires, 8);
    put(result, &bulletin->urgency, 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct sl_slice text = sl_bulletin_text(bulletin, texts[i]);
        put(result, text.data, text.len);
    }
    const struct sl_item *item = sl_bulletin_items(bulletin, SL_LIST_SUBJECTS);
    for (uint32_t i = 0; i < bulletin->list[SL_LIST_SUBJECTS].cnt; i++) {
        struct sl_slice code = sl_bulletin_ref(bulletin, item[i].part[1]);
        put(result, code.data, code.len);
    }
}

/* ---- rows ---- */

static bool make_bulletin(const struct document *document)
{
    static const struct sl_feed_facts feed;
    sl_parse_begin(&parse, sl_format_by_id(SL_FORMAT_NINJS), &feed, (const uint8_t *)document->data, document->len, 0);
    return sl_parse_next(&parse, bulletin_mem, bulletin_cap, &bulletin_len) == SL_PARSE_OK;
}

static struct sl_json_string string_of(struct json_text text)
{
    return (struct sl_json_string){
        {(const uint8_t *)text.data, text.len},
        SL_JSON_HIGH | SL_JSON_ODD
    };
}

static void say_safe_html(struct sl_span html)
{
    if (!sl_html_is_markup(html))
        return;
    sl_out_open(&parse.out);
    if (!sl_html_put_safe(&parse.out, SL_CHARSET_UTF8, html, NULL))
        sl_out_cut(&parse.out, 0);
    sl_out_set(&parse.out, SL_TEXT_BODY_HTML, sl_out_close(&parse.out));
}

/* From what a peer found: the fields that are compared, in a record of the same shape. */
static void finish_story(const struct json_story *story)
{
    static const struct sl_ref none;
    struct sl_out *out = &parse.out;
    struct sl_bulletin *root = sl_out_root(out);
    sl_json_say_time(&parse, string_of(story->created), &root->version_created, 0);
    sl_json_say_time(&parse, string_of(story->first), &root->first_created, 0);
    sl_json_say_time(&parse, string_of(story->embargoed), &root->embargoed_until, 0);
    sl_json_say_time(&parse, string_of(story->expires), &root->expires, 0);
    root->urgency = (uint8_t)story->urgency;
    sl_json_say_line(&parse, SL_TEXT_ID, string_of(story->id));
    sl_json_say_line(&parse, SL_TEXT_HEADLINE, string_of(story->headline));
    if (story->markup.len != 0) {
        sl_out_open(out);
        sl_html_put_body(out, SL_CHARSET_UTF8, string_of(story->markup).text, &parse.text);
        sl_out_set(out, SL_TEXT_BODY, sl_out_close(out));
        say_safe_html(string_of(story->markup).text);
    } else {
        sl_json_say_plain_body(&parse, string_of(story->plain).text);
    }
    for (uint32_t i = 0; i < story->subject_cnt; i++)
        sl_out_item(out, SL_LIST_SUBJECTS, none, sl_json_put_line(&parse, string_of(story->subject[i])), none, none);
}

static bool read_peer(const struct json_peer *peer, const struct document *document)
{
    static const struct sl_feed_facts feed;
    struct json_story story;
    memset(&story, 0, sizeof story);
    sl_parse_begin(&parse, sl_format_by_id(SL_FORMAT_NINJS), &feed, (const uint8_t *)document->data, document->len, 0);
    sl_out_begin(&parse.out, bulletin_mem, bulletin_cap, SL_FORMAT_NINJS);
    if (!peer->read(document->data, document->len, &story))
        return false;
    finish_story(&story);
    return true;
}

/* Lists end up in their place with finish; a peer's record is as far as that, and no hash is made of it. */
static bool result_of(const struct json_peer *peer, const struct document *document, struct result *result)
{
    if (!(peer ? read_peer(peer, document) : make_bulletin(document)))
        return false;
    if (peer && sl_out_finish(&parse.out) == 0)
        return false;
    put_bulletin(result, bulletin_mem);
    return true;
}

static const struct json_peer *const peers[] = {
    &json_slugline,
#ifdef SL_HAVE_SIMDJSON
    &json_simdjson,
#endif
#ifdef SL_HAVE_JANSSON
    &json_jansson,
#endif
    NULL,
};

/* ---- documents ---- */

static void take_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *data = calloc(1, DOC_LEN_MAX + PADDING);
    size_t len = file && data ? fread(data, 1, DOC_LEN_MAX, file) : 0;
    if (file)
        fclose(file);
    if (len != 0 && document_cnt < DOCS_MAX) {
        documents[document_cnt++] = (struct document){ strdup(path), realloc(data, len + PADDING), (uint32_t)len };
        documents_len += len;
    } else {
        free(data);
    }
}

static void take_folder(const char *folder)
{
    char path[1024];
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        const char *dot = strrchr(entry->d_name, '.');
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (dot && (strcmp(dot, ".wire") == 0 || strcmp(dot, ".json") == 0))
            take_file(path);
    }
    closedir(dir);
}

static void leave_out(uint32_t idx, const char *who, const char *why)
{
    fprintf(stderr, "bench_json: left out: %s: %s %s\n", documents[idx].path, who, why);
    documents_len -= documents[idx].len;
    documents[idx] = documents[--document_cnt];
}

static void agree(void)
{
    static struct result ours, theirs;
    for (uint32_t i = document_cnt; i-- != 0;) {
        if (!result_of(NULL, &documents[i], &ours)) {
            leave_out(i, "slugline", "refuses it");
            continue;
        }
        for (const struct json_peer *const *peer = peers; *peer; peer++) {
            if (!result_of(*peer, &documents[i], &theirs)) {
                leave_out(i, (*peer)->name, "refuses it");
                break;
            }
            if (theirs.len != ours.len || memcmp(theirs.data, ours.data, ours.len) != 0) {
                leave_out(i, (*peer)->name, "says something else");
                break;
            }
        }
    }
}

/* ---- rounds ---- */

/* Of this thread: what else runs on the machine takes turns with it, but is not counted. */
static int64_t spent_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static bool work_on(const struct json_peer *peer, const struct document *document, bool finished)
{
    static struct json_story story;
    bool fine;
    if (finished) {
        fine = peer ? read_peer(peer, document) : make_bulletin(document);
        bench_use(bulletin_mem);
    } else {
        memset(&story, 0, sizeof story);
        fine = peer->read(document->data, document->len, &story);
        bench_use(&story);
    }
    return fine;
}

/* finished: up to what is compared; else only what a peer finds. */
static double rate_of(const struct json_peer *peer, bool finished)
{
    int64_t begin_ns = spent_ns(), ns;
    uint64_t done = 0;
    do {
        for (uint32_t i = 0; i < document_cnt; i++) {
            if (!work_on(peer, &documents[i], finished))
                abort();
        }
        done += documents_len;
        ns = spent_ns() - begin_ns;
    } while (ns < sample_ns);
    return (double)done * 1e9 / (double)ns;
}

static void print_row(const char *name, const char *parser, const double *rate, const double *ratio)
{
    struct bench_stat mb_s = bench_stat_of(rate, ROUNDS), is = bench_stat_of(ratio, ROUNDS);
    printf("{\"case\":\"%s\",\"parser\":\"%s\",\"documents\":%u,\"bytes\":%llu,\"mb_s\":%.1f,\"mb_s_min\":%.1f,"
           "\"mb_s_max\":%.1f,\"first_is\":%.3f,\"min\":%.3f,\"max\":%.3f}\n",
           name, parser, document_cnt, (unsigned long long)documents_len, mb_s.median / 1e6, mb_s.min / 1e6,
           mb_s.max / 1e6, is.median, is.min, is.max);
}

/* rows: NULL is the bulletin; the first is what the others are compared with. */
static void run(const char *name, const struct json_peer *const *rows, uint32_t cnt, bool finished)
{
    static double rate[ROWS_MAX][ROUNDS], ratio[ROWS_MAX][ROUNDS];
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t row = 0; row < cnt; row++)
            rate[row][round] = rate_of(rows[row], finished);
        for (uint32_t row = 0; row < cnt; row++)
            ratio[row][round] = rate[0][round] / rate[row][round];
    }
    for (uint32_t row = 0; row < cnt; row++)
        print_row(name, rows[row] ? rows[row]->name : "slugline bulletin", rate[row], ratio[row]);
}

static void run_all(void)
{
    const struct json_peer *rows[ROWS_MAX] = { NULL };
    uint32_t cnt = 0;
    while (peers[cnt]) {
        rows[cnt + 1] = peers[cnt];
        cnt++;
    }
    run("bulletin", rows, is_alone ? 1 : cnt + 1, true);
    if (!is_alone)
        run("json only", peers, cnt, false);
}

int main(int argc, char **argv)
{
    bool is_quick = argc > 1 && strcmp(argv[1], "--quick") == 0;
    if (is_quick)
        sample_ns = 20000000ll;
    is_alone = argc > 1 && strcmp(argv[1], "--alone") == 0; /* for a profiler */
    if (argc > 1 + is_quick + is_alone) {
        for (int i = 1 + is_quick + is_alone; i < argc; i++)
            take_folder(argv[i]);
    } else {
        take_folder(SL_SOURCE_ROOT "/tests/wire/ninjs");
        take_folder(SL_SOURCE_ROOT "/../shared/wire-corpus/ninjs");
    }
    bulletin_cap = sl_parse_bound(DOC_LEN_MAX);
    bulletin_mem = malloc(bulletin_cap);
    sl_parse_init(&parse, malloc(sl_parse_scratch_bound(DOC_LEN_MAX)), sl_parse_scratch_bound(DOC_LEN_MAX));
    bench_pin(0);
    bench_print_machine("json",
                        "what does a bulletin of a ninjs item cost, beside libraries that find the same in it?");
    if (!peers[1])
        fprintf(stderr, "bench_json: skipped: no peers: libsimdjson-dev, g++ and libjansson-dev were not there\n");
    agree();
    if (document_cnt == 0) {
        fprintf(stderr, "bench_json: skipped: no documents\n");
        return 77;
    }
    run_all();
    return 0;
}
