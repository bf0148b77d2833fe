#include "pipeline/config_file.h"
#include "pipeline/zones.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define SHOWN            SL_CONFIG_SHOWN
#define NAME_LEN_MAX     31u
#define NODE_LEN_MAX     63u
#define PROVIDER_LEN_MAX 63u
#define LANGUAGE_LEN_MAX 35u /* RFC 5646 4.4.1 */
#define SOCKET_LEN_MAX   (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)
#define CORES_MAX        1024u /* CPU_SETSIZE */

#define KIB    (1ull << 10)
#define MIB    (1ull << 20)
#define GIB    (1ull << 30)
#define TIB    (1ull << 40)
#define MS     1000000ull
#define SECOND 1000000000ull
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* The hold area has a place for each so many of its bytes: with shorter bulletins the places are used up first. */
#define HOLD_BYTES_PER_PLACE (4 * KIB)

#define CNT(table) (sizeof(table) / sizeof((table)[0]))

struct sl_config_zones {
    struct sl_zones_store store;
    struct sl_zones view;
};

struct reading {
    struct sl_config *config;
    struct sl_config_file *file;
};

/* A place in the file, written like feeds[0].name. */
struct path {
    char text[SL_CONFIG_PATH_LEN];
};

__attribute__((format(printf, 1, 2))) static struct path path_of(const char *format, ...)
{
    struct path path;
    va_list args;
    va_start(args, format);
    vsnprintf(path.text, sizeof(path.text), format, args);
    va_end(args);
    return path;
}

#define fault(reading, path, ...) sl_config_fault((reading)->file, path, __VA_ARGS__)

static int refuse_memory(struct reading *reading)
{
    snprintf(reading->file->err, reading->file->err_len, "%s: out of memory", reading->file->name);
    return -ENOMEM;
}

/* ---- values with units ---- */

struct value {
    const char *key;
    const char *fallback; /* the default, as the file would say it */
    size_t from; /* a char * of what is written */
    size_t to; /* a uint64_t, int64_t or uint32_t of the configuration, as the unit is */
    enum sl_config_unit unit;
    uint64_t min, max;
    bool power; /* of two */
    const char *word; /* what may stand instead: see meaning_of */
};

#define TOP(member, config_member) offsetof(struct sl_written, member), offsetof(struct sl_config, config_member)
#define FEED(member, config_member)                                                                                 \
    offsetof(struct sl_written_feed, member), offsetof(struct sl_config_feed, config_member)
#define SIZE  SL_CONFIG_SIZE
#define TIME  SL_CONFIG_DURATION
#define COUNT SL_CONFIG_COUNT

/* clang-format off */
static const struct value file_values[] = {
    { "idle",            "50us",    TOP(idle, idle_spin_ns),             TIME,  0,        SECOND,      false, "spin" },
    { "heavy",           "256KiB",  TOP(heavy, heavy),                   SIZE,  4 * KIB,  64 * MIB,    false, NULL   },
    { "rings.message",   "1MiB",    TOP(rings.message, ring_message),    SIZE,  64 * KIB, GIB,         true,  NULL   },
    { "rings.answer",    "2MiB",    TOP(rings.answer, ring_answer),      SIZE,  64 * KIB, GIB,         true,  NULL   },
    { "tape.size",       "256MiB",  TOP(tape.size, tape_len),            SIZE,  64 * KIB, TIB,         true,  NULL   },
    { "tape.raw",        "256MiB",  TOP(tape.raw, raw_len),              SIZE,  64 * KIB, TIB,         true,  "none" },
    { "tape.hold",       "64MiB",   TOP(tape.hold, hold_len),            SIZE,  64 * KIB, 64 * GIB,    false, "none" },
    { "tape.window",     "1048576", TOP(tape.window, window_cnt),        COUNT, 1024,     1ull << 28,  false, NULL   },
    { "tape.tombstones", "65536",   TOP(tape.tombstones, tombstone_cnt), COUNT, 64,       1ull << 24,  false, NULL   },
    { "tape.gate",       "250ms",   TOP(tape.gate, gate_ns),             TIME,  MS,       10 * SECOND, false, NULL   },
};

static const struct value feed_values[] = {
    { "message",      "1MiB", FEED(message, message_max),     SIZE, KIB,     64 * MIB, false, NULL   },
    { "message_time", "30s",  FEED(message_time, message_ns), TIME, 10 * MS, HOUR,     false, NULL   },
    { "silence",      "none", FEED(silence, silence_ns),      TIME, SECOND,  30 * DAY, false, "none" },
};
/* clang-format on */

/* To spin is to wait for ever; none is nothing. */
static uint64_t meaning_of(const char *word) { return !strcmp(word, "spin") ? INT64_MAX : 0; }

static bool read_unit(enum sl_config_unit unit, const char *text, uint64_t *number)
{
    int64_t ns = 0;
    if (unit == SIZE)
        return sl_config_size(text, number);
    if (unit == COUNT)
        return sl_config_count(text, number);
    bool right = sl_config_duration(text, &ns);
    *number = (uint64_t)ns;
    return right;
}

static int refuse_unit(struct reading *reading, const char *path, const struct value *value, const char *text)
{
    struct sl_nearest nearest;
    char why[192];
    sl_nearest_begin(&nearest, text);
    if (value->word && sl_nearest_offer(&nearest, value->word))
        return fault(reading, path, "'%.*s' is not understood; did you mean %s?", SHOWN, text, value->word);
    sl_config_explain(why, sizeof(why), value->unit, text);
    return fault(reading, path, "%s%s%s", why, value->word ? "; or " : "", value->word ? value->word : "");
}

static int check_bounds(struct reading *reading, const char *path, const struct value *value, const char *text,
                        uint64_t number)
{
    if (number < value->min || number > value->max)
        return fault(reading, path, "%.*s is out of bounds; %s to %s is expected", SHOWN, text,
                     sl_config_written(value->unit, value->min).text, sl_config_written(value->unit, value->max).text);
    if (!value->power || !(number & (number - 1)))
        return 0;
    uint64_t next = value->min;
    while (next < number)
        next *= 2;
    return fault(reading, path, "%.*s is no power of two; the next one is %s", SHOWN, text,
                 sl_config_written(value->unit, next).text);
}

static int read_value(struct reading *reading, const char *path, const struct value *value, const char *text,
                      uint64_t *number)
{
    if (value->word && !strcmp(text, value->word)) {
        *number = meaning_of(value->word);
        return 0;
    }
    if (!read_unit(value->unit, text, number))
        return refuse_unit(reading, path, value, text);
    return check_bounds(reading, path, value, text, *number);
}

static void store_value(const struct value *value, void *base, uint64_t number)
{
    char *at = (char *)base + value->to;
    uint32_t cnt = (uint32_t)number;
    if (value->unit == COUNT)
        memcpy(at, &cnt, sizeof(cnt));
    else
        memcpy(at, &number, sizeof(number));
}

static uint64_t load_value(const struct value *value, const void *base)
{
    const char *at = (const char *)base + value->to;
    uint32_t cnt;
    uint64_t number;
    memcpy(&cnt, at, sizeof(cnt));
    if (value->unit == COUNT)
        return cnt;
    memcpy(&number, at, sizeof(number));
    return number;
}

/* in: the path of what the values are in, with its dot; "" for the file itself. */
static int read_values(struct reading *reading, const char *in, const struct value *values, size_t cnt,
                       const void *written, void *config)
{
    for (const struct value *value = values; value < values + cnt; value++) {
        const char *text;
        uint64_t number = 0;
        memcpy(&text, (const char *)written + value->from, sizeof(text));
        int rc =
            read_value(reading, path_of("%s%s", in, value->key).text, value, text ? text : value->fallback, &number);
        if (rc)
            return rc;
        store_value(value, config, number);
    }
    return 0;
}

/* ---- words and names ---- */

/* The place of text in a NULL-ended list.  what: as in "is no format". */
static int choose(struct reading *reading, const char *path, const char *what, const char *text,
                  const char *const *words, unsigned *idx)
{
    char list[256] = "";
    for (unsigned i = 0; words[i]; i++) {
        if (!strcmp(words[i], text)) {
            *idx = i;
            return 0;
        }
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", words[i]);
    }
    const char *near = sl_nearest_of(text, words);
    if (near)
        return fault(reading, path, "'%.*s' is no %s; did you mean %s?", SHOWN, text, what, near);
    return fault(reading, path, "'%.*s' is no %s; one of %s is expected", SHOWN, text, what, list);
}

static int keep(struct reading *reading, char **to, const char *text)
{
    if (!text)
        return 0;
    *to = strdup(text);
    return *to ? 0 : refuse_memory(reading);
}

static int keep_name(struct reading *reading, const char *path, char **to, const char *text)
{
    size_t len = strlen(text);
    if (len > NAME_LEN_MAX || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") != len)
        return fault(reading, path, "'%.*s' is no name; 1 to %u of a-z, 0-9, - and _ are expected", SHOWN, text,
                     NAME_LEN_MAX);
    return keep(reading, to, text);
}

/* Printable ASCII.  Stands in lines for people and in JSON as it is. */
static bool is_plain(const char *text, size_t len_max)
{
    size_t len = 0;
    for (; text[len]; len++)
        if (text[len] < ' ' || text[len] > '~' || text[len] == '"' || text[len] == '\\')
            return false;
    return len <= len_max;
}

static int read_node(struct reading *reading)
{
    char host[NODE_LEN_MAX + 1] = "";
    const char *text = reading->file->written->node;
    if (text && !is_plain(text, NODE_LEN_MAX))
        return fault(reading, "node", "'%.*s' is no name of a node; up to %u printable letters of ASCII are expected",
                     SHOWN, text, NODE_LEN_MAX);
    if (!text && (gethostname(host, sizeof(host) - 1) || !*host || !is_plain(host, NODE_LEN_MAX)))
        text = "localhost";
    return keep(reading, &reading->config->node, text ? text : host);
}

static int read_socket(struct reading *reading)
{
    const char *text = reading->file->written->tape.socket;
    struct path usual = path_of("/run/slugline/%s.sock", reading->config->tape_name);
    if (text && *text != '/')
        return fault(reading, "tape.socket", "'%.*s' is no path from the root, such as %s", SHOWN, text, usual.text);
    if (text && strlen(text) > SOCKET_LEN_MAX)
        return fault(reading, "tape.socket", "longer than the %zu bytes that a Unix socket takes", SOCKET_LEN_MAX);
    return keep(reading, &reading->config->socket, text ? text : usual.text);
}

static int read_group(struct reading *reading, const char *path, char **to, const char *text)
{
    struct sl_nearest nearest;
    if (!text || getgrnam(text))
        return keep(reading, to, text);
    sl_nearest_begin(&nearest, text);
    setgrent();
    for (const struct group *group; (group = getgrent());)
        sl_nearest_offer(&nearest, group->gr_name);
    endgrent();
    if (*nearest.found)
        return fault(reading, path, "this host has no group '%.*s'; did you mean %s?", SHOWN, text, nearest.found);
    return fault(reading, path, "this host has no group '%.*s'; groupadd makes one", SHOWN, text);
}

/* ---- threads ---- */

static int read_stages(struct reading *reading, uint32_t t)
{
    static const char *const words[] = { "rx", "decode", "desk", "waker", NULL }; /* the bits of enum sl_stage_kind */
    const struct sl_written_thread *written = &reading->file->written->threads[t];
    unsigned *stages = &reading->config->threads[t].stages;
    for (uint32_t i = 0; i < written->stages_count; i++) {
        struct path path = path_of("threads[%u].stages[%u]", t, i);
        unsigned idx = 0;
        int rc = choose(reading, path.text, "stage", written->stages[i], words, &idx);
        if (rc)
            return rc;
        if (*stages & 1u << idx)
            return fault(reading, path.text, "%s is a stage of this thread already", words[idx]);
        *stages |= 1u << idx;
    }
    return *stages ? 0
                   : fault(reading, path_of("threads[%u]", t).text,
                           "no stages; at least one of rx, decode, desk, waker is expected");
}

static uint32_t count_threads(const struct sl_config *config, unsigned stage)
{
    uint32_t cnt = 0;
    for (uint32_t t = 0; t < config->thread_cnt; t++)
        cnt += (config->threads[t].stages & stage) != 0;
    return cnt;
}

static int check_stages(struct reading *reading)
{
    uint32_t rx_cnt = count_threads(reading->config, SL_STAGE_RX),
             desk_cnt = count_threads(reading->config, SL_STAGE_DESK);
    if (!rx_cnt || rx_cnt > SL_RXS_MAX)
        return fault(reading, "threads", "%u threads with rx; 1 to %u are expected", rx_cnt, SL_RXS_MAX);
    if (desk_cnt != 1)
        return fault(reading, "threads", "%u threads with desk; exactly one makes the order", desk_cnt);
    if (count_threads(reading->config, SL_STAGE_WAKER) > 1)
        return fault(reading, "threads", "more than one thread with waker; one is enough");
    return 0;
}

static int read_count(struct reading *reading, const char *path, const char *text, uint64_t max, uint64_t *number)
{
    const struct value value = { .unit = COUNT, .max = max };
    return text ? read_value(reading, path, &value, text, number) : 0;
}

static int read_truth(struct reading *reading, const char *path, const char *text, bool *truth)
{
    static const char *const words[] = { "false", "true", NULL };
    unsigned idx = 0;
    int rc = text ? choose(reading, path, "answer", text, words, &idx) : 0;
    *truth = idx;
    return rc;
}

/* own_rx: the number of the receive thread that this one is, if it is one. */
static int read_thread(struct reading *reading, uint32_t t, uint32_t own_rx, uint32_t rx_cnt)
{
    const struct sl_written_thread *written = &reading->file->written->threads[t];
    struct sl_config_thread *thread = &reading->config->threads[t];
    struct path path = path_of("threads[%u]", t);
    bool receives = thread->stages & SL_STAGE_RX, decodes = thread->stages & SL_STAGE_DECODE;
    uint64_t core = UINT64_MAX, rx = receives ? own_rx : 0;
    if (!decodes && (written->serves || written->heavy))
        return fault(reading, path.text, "'for' and 'heavy' are about decode, which is no stage of this thread");
    if (decodes && !receives && !written->serves && rx_cnt > 1)
        return fault(reading, path.text,
                     "no for; there are %u receive threads, and it says from 0 which one this decode serves", rx_cnt);
    int rc = read_count(reading, path_of("threads[%u].core", t).text, written->core, CORES_MAX - 1, &core);
    if (!rc)
        rc = read_count(reading, path_of("threads[%u].for", t).text, written->serves, rx_cnt - 1, &rx);
    if (!rc)
        rc = read_truth(reading, path_of("threads[%u].heavy", t).text, written->heavy, &thread->heavy);
    thread->core = core == UINT64_MAX ? -1 : (int)core;
    thread->rx = (uint32_t)rx;
    return rc;
}

/* Each receive thread needs somebody who decodes the usual messages, and has at most one for the heavy. */
static int check_decoders(struct reading *reading, uint32_t rx)
{
    const struct sl_config *config = reading->config;
    uint32_t usual_cnt = 0, heavy_cnt = 0;
    for (uint32_t t = 0; t < config->thread_cnt; t++) {
        const struct sl_config_thread *thread = &config->threads[t];
        bool serves = thread->stages & SL_STAGE_DECODE && thread->rx == rx;
        usual_cnt += serves && !thread->heavy;
        heavy_cnt += serves && thread->heavy;
    }
    if (!usual_cnt)
        return fault(reading, "threads", "no decode serves receive thread %u", rx);
    if (heavy_cnt > 1)
        return fault(reading, "threads", "%u heavy decodes serve receive thread %u; one at most", heavy_cnt, rx);
    if (usual_cnt + heavy_cnt > SL_DECODERS_MAX)
        return fault(reading, "threads", "%u decodes serve receive thread %u; %u at most", usual_cnt + heavy_cnt, rx,
                     SL_DECODERS_MAX);
    return 0;
}

static int read_threads(struct reading *reading)
{
    struct sl_config *config = reading->config;
    uint32_t rx_idx = 0;
    config->threads_auto = !reading->file->threads_given;
    config->thread_cnt = reading->file->written->threads_count;
    int rc = 0;
    for (uint32_t t = 0; !rc && t < config->thread_cnt; t++)
        rc = read_stages(reading, t);
    if (rc || config->threads_auto)
        return rc;
    rc = check_stages(reading);
    uint32_t rx_cnt = count_threads(config, SL_STAGE_RX);
    for (uint32_t t = 0; !rc && t < config->thread_cnt; t++) {
        rc = read_thread(reading, t, rx_idx, rx_cnt);
        rx_idx += (config->threads[t].stages & SL_STAGE_RX) != 0;
    }
    for (uint32_t rx = 0; !rc && rx < rx_cnt; rx++)
        rc = check_decoders(reading, rx);
    return rc;
}

/* ---- feeds ---- */

/* One of a feed's keys. */
struct feed_reading {
    struct reading *reading;
    struct sl_config_feed *feed;
    uint32_t idx;
    const char *path, *text; /* NULL: not in the file */
};

static int read_feed_name(const struct feed_reading *in)
{
    if (!in->text)
        return fault(in->reading, in->path, "is missing");
    for (uint32_t f = 0; f < in->idx; f++)
        if (!strcmp(in->reading->config->feeds[f].name, in->text))
            return fault(in->reading, in->path, "'%.*s' is the name of feeds[%u] already", SHOWN, in->text, f);
    return keep_name(in->reading, in->path, &in->feed->name, in->text);
}

static int read_format(const struct feed_reading *in)
{
    const char *words[SL_FORMAT_CNT + 1] = { "auto" };
    unsigned idx = 0;
    for (unsigned i = 0; sl_formats[i] && i < SL_FORMAT_CNT - 1; i++)
        words[i + 1] = sl_formats[i]->name;
    int rc = in->text ? choose(in->reading, in->path, "format", in->text, words, &idx) : 0;
    return rc ? rc : keep(in->reading, &in->feed->format, words[idx]);
}

static bool has_streams(const struct sl_config_feed *feed)
{
    for (uint32_t i = 0; i < feed->line_cnt; i++)
        if (feed->lines[i].kind != SL_LINE_UDP)
            return true;
    return false;
}

/* IPTC 7901 brings its own, in datagrams too; of anything else a stream must say where messages end. */
static int read_framing(const struct feed_reading *in)
{
    static const char *const words[] = {
        [SL_FRAMING_CONTROL] = "control",   [SL_FRAMING_DATAGRAM] = "datagram", [SL_FRAMING_LENGTH16] = "length16",
        [SL_FRAMING_LENGTH32] = "length32", [SL_FRAMING_LINE] = "line",         [SL_FRAMING_CNT] = NULL,
    };
    unsigned idx = !strcmp(in->feed->format, "iptc7901") ? SL_FRAMING_CONTROL : SL_FRAMING_DATAGRAM;
    int rc = in->text ? choose(in->reading, in->path, "framing", in->text, words, &idx) : 0;
    if (rc)
        return rc;
    if (idx == SL_FRAMING_DATAGRAM && has_streams(in->feed))
        return fault(in->reading, in->path,
                     "%s; one of control, length16, length32, line is expected for format %s over tcp",
                     in->text ? "a stream has no datagrams" : "is missing", in->feed->format);
    in->feed->framing = (enum sl_framing)idx;
    return 0;
}

/* tzdata lists all zones, and links to them, in one file. */
static void find_near_zone(struct sl_nearest *nearest, const char *word)
{
    FILE *list = fopen("/usr/share/zoneinfo/tzdata.zi", "re");
    char line[256], name[64];
    sl_nearest_begin(nearest, word);
    sl_nearest_offer(nearest, "UTC");
    while (list && fgets(line, sizeof(line), list))
        if (sscanf(line, "Z %63s", name) == 1 || sscanf(line, "L %*s %63s", name) == 1)
            sl_nearest_offer(nearest, name);
    if (list)
        fclose(list);
}

static int refuse_timezone(const struct feed_reading *in)
{
    struct sl_nearest nearest;
    find_near_zone(&nearest, in->text);
    if (*nearest.found)
        return fault(in->reading, in->path, "'%.*s' is no time zone of this host; did you mean %s?", SHOWN, in->text,
                     nearest.found);
    return fault(in->reading, in->path, "'%.*s' is no time zone of this host; one such as Europe/Berlin is expected",
                 SHOWN, in->text);
}

static int read_timezone(const struct feed_reading *in)
{
    struct sl_zones_store *store = &in->reading->config->zones->store;
    if (!in->text)
        return 0;
    int rc = sl_zones_load(store, in->text);
    if (rc == -ENOMEM)
        return refuse_memory(in->reading);
    if (rc == -ENOSPC)
        return fault(in->reading, in->path, "more than %u different time zones", SL_ZONES_MAX);
    if (rc)
        return refuse_timezone(in);
    struct sl_zones view = sl_zones_view(store);
    in->feed->facts.zone = sl_zones_find(&view, in->text, strlen(in->text));
    return keep(in->reading, &in->feed->timezone, in->text);
}

static int read_charset(const struct feed_reading *in)
{
    const char *words[SL_CHARSET_CNT] = { NULL };
    unsigned idx;
    if (!in->text)
        return 0;
    in->feed->facts.charset = sl_charset_named(in->text, strlen(in->text));
    if (in->feed->facts.charset != SL_CHARSET_UNKNOWN)
        return keep(in->reading, &in->feed->charset, in->text);
    for (unsigned i = SL_CHARSET_UNKNOWN + 1; i < SL_CHARSET_CNT; i++)
        words[i - 1] = sl_charset_name((enum sl_charset)i);
    return choose(in->reading, in->path, "character set", in->text, words, &idx);
}

static int read_provider(const struct feed_reading *in)
{
    if (in->text && !is_plain(in->text, PROVIDER_LEN_MAX))
        return fault(in->reading, in->path,
                     "'%.*s' is no name of a provider; up to %u printable letters of ASCII are expected", SHOWN,
                     in->text, PROVIDER_LEN_MAX);
    return keep(in->reading, &in->feed->provider, in->text);
}

static int read_language(const struct feed_reading *in)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    if (in->text && (strlen(in->text) > LANGUAGE_LEN_MAX || strspn(in->text, letters) != strlen(in->text)))
        return fault(in->reading, in->path, "'%.*s' is no language; a tag of BCP 47 such as de or en-GB is expected",
                     SHOWN, in->text);
    return keep(in->reading, &in->feed->language, in->text);
}

static int read_lines(struct reading *reading, uint32_t f)
{
    const struct sl_written_feed *written = &reading->file->written->feeds[f];
    struct sl_config_feed *feed = &reading->config->feeds[f];
    char why[384];
    if (!written->lines_count)
        return fault(reading, path_of("feeds[%u].lines", f).text,
                     "at least one is expected, such as udp://239.1.1.1:5001");
    feed->lines = calloc(written->lines_count, sizeof(*feed->lines));
    if (!feed->lines)
        return refuse_memory(reading);
    for (; feed->line_cnt < written->lines_count; feed->line_cnt++) {
        if (sl_config_line(&feed->lines[feed->line_cnt], written->lines[feed->line_cnt], why, sizeof(why)))
            return fault(reading, path_of("feeds[%u].lines[%u]", f, feed->line_cnt).text, "%s", why);
        feed->lines[feed->line_cnt].feed = (uint16_t)f;
    }
    return 0;
}

static bool same_address(const struct sl_line_config *a, const struct sl_line_config *b)
{
    return a->kind == b->kind && a->addr_len == b->addr_len && !memcmp(&a->addr, &b->addr, a->addr_len) &&
           !strcmp(a->interface, b->interface) && !memcmp(&a->source, &b->source, sizeof(a->source));
}

/* What comes in at an address is one line of one feed.  An agency may be dialled twice, though. */
static int check_address(struct reading *reading, uint32_t f, uint32_t l)
{
    const struct sl_config_feed *feeds = reading->config->feeds;
    const struct sl_line_config *line = &feeds[f].lines[l];
    for (uint32_t g = 0; g <= f && line->kind != SL_LINE_TCP_DIAL; g++)
        for (uint32_t m = 0; m < (g == f ? l : feeds[g].line_cnt); m++)
            if (same_address(line, &feeds[g].lines[m]))
                return fault(reading, path_of("feeds[%u].lines[%u]", f, l).text,
                             "what comes in there is feeds[%u].lines[%u] already", g, m);
    return 0;
}

static int read_feed(struct reading *reading, uint32_t f)
{
    const struct sl_written_feed *written = &reading->file->written->feeds[f];
    struct sl_config_feed *feed = &reading->config->feeds[f];
    const struct {
        const char *key, *text;
        int (*read)(const struct feed_reading *in);
        /* clang-format off */
    } words[] = {
        { "name",     written->name,     read_feed_name },
        { "format",   written->format,   read_format    },
        { "framing",  written->framing,  read_framing   },
        { "timezone", written->timezone, read_timezone  },
        { "charset",  written->charset,  read_charset   },
        { "provider", written->provider, read_provider  },
        { "language", written->language, read_language  },
    };
    /* clang-format on */
    /* Lines first: which framing is possible hangs on them. */
    int rc = read_lines(reading, f);
    for (size_t i = 0; !rc && i < CNT(words); i++) {
        struct path path = path_of("feeds[%u].%s", f, words[i].key);
        rc = words[i].read(&(struct feed_reading){ reading, feed, f, path.text, words[i].text });
    }
    for (uint32_t l = 0; !rc && l < feed->line_cnt; l++)
        rc = check_address(reading, f, l);
    if (!rc)
        rc = read_values(reading, path_of("feeds[%u].", f).text, feed_values, CNT(feed_values), written, feed);
    return rc;
}

static int read_feeds(struct reading *reading)
{
    struct sl_config *config = reading->config;
    uint32_t cnt = reading->file->written->feeds_count;
    if (!cnt)
        return fault(reading, "feeds", "at least one is expected");
    config->zones = calloc(1, sizeof(*config->zones));
    config->feeds = calloc(cnt, sizeof(*config->feeds));
    if (!config->zones || !config->feeds)
        return refuse_memory(reading);
    for (; config->feed_cnt < cnt; config->feed_cnt++) {
        int rc = read_feed(reading, config->feed_cnt);
        if (rc) {
            config->feed_cnt++; /* so that what was read of it is freed */
            return rc;
        }
    }
    return 0;
}

/* Only now: until the last feed is read the store grows. */
static void join_facts(struct sl_config *config)
{
    sl_zones_load_agencies(&config->zones->store);
    config->zones->view = sl_zones_view(&config->zones->store);
    for (uint32_t f = 0; f < config->feed_cnt; f++) {
        struct sl_config_feed *feed = &config->feeds[f];
        feed->facts.provider = feed->provider;
        feed->facts.language = feed->language;
        feed->facts.zones = &config->zones->view;
    }
}

/* ---- the whole ---- */

static uint64_t longest_message(const struct sl_config *config)
{
    uint64_t longest = 0;
    for (uint32_t f = 0; f < config->feed_cnt; f++)
        if (config->feeds[f].message_max > longest)
            longest = config->feeds[f].message_max;
    return longest;
}

/* A log takes records of up to a quarter of its bytes; the hold area should take any bulletin. */
static int check_room(struct reading *reading)
{
    const struct sl_config *config = reading->config;
    uint64_t message = longest_message(config), bulletin = sl_parse_bound((uint32_t)message) + sizeof(struct sl_record);
    uint64_t log_len = 64 * KIB;
    struct sl_config_text longest = sl_config_written(SIZE, message);
    while (log_len / 4 < bulletin)
        log_len *= 2;
    if (config->tape_len < log_len)
        return fault(reading, "tape.size", "%s is too small for what a message of %s may say; at least %s is expected",
                     sl_config_written(SIZE, config->tape_len).text, longest.text,
                     sl_config_written(SIZE, log_len).text);
    if (config->raw_len && config->raw_len < log_len)
        return fault(
            reading, "tape.raw", "%s is too small for what a message of %s may say; at least %s is expected, or none",
            sl_config_written(SIZE, config->raw_len).text, longest.text, sl_config_written(SIZE, log_len).text);
    return 0;
}

static int check_heavy(struct reading *reading)
{
    const struct sl_config *config = reading->config;
    for (uint32_t t = 0; t < config->thread_cnt; t++)
        if (config->threads[t].heavy && longest_message(config) <= config->heavy)
            return fault(reading, path_of("threads[%u].heavy", t).text,
                         "no feed has messages over %s, so this thread would never work; leave it out, or lower the "
                         "file's heavy",
                         sl_config_written(SIZE, config->heavy).text);
    return 0;
}

static int read_receive(struct reading *reading)
{
    static const char *const words[] = {
        [SL_RX_AUTO] = "auto", [SL_RX_URING] = "uring", [SL_RX_EPOLL] = "epoll", NULL
    };
    unsigned idx = SL_RX_AUTO;
    const char *text = reading->file->written->receive;
    int rc = text ? choose(reading, "receive", "way to receive", text, words, &idx) : 0;
    reading->config->receive = (enum sl_rx_backend)idx;
    return rc;
}

static int read_tape(struct reading *reading)
{
    const struct sl_written_tape *written = &reading->file->written->tape;
    struct sl_config *config = reading->config;
    uint64_t places = config->hold_len / HOLD_BYTES_PER_PLACE;
    config->hold_cnt = places < UINT32_MAX ? (uint32_t)places : UINT32_MAX;
    int rc = keep_name(reading, "tape.name", &config->tape_name, written->name ? written->name : "newswire");
    if (!rc)
        rc = read_socket(reading);
    if (!rc)
        rc = read_group(reading, "tape.group", &config->group, written->group);
    if (!rc)
        rc = read_group(reading, "tape.raw_group", &config->raw_group, written->raw_group);
    return rc;
}

static int read_all(struct reading *reading)
{
    struct sl_config *config = reading->config;
    int rc = keep(reading, &config->path, reading->file->name);
    if (!rc)
        rc = read_node(reading);
    if (!rc)
        rc = read_receive(reading);
    if (!rc)
        rc = read_values(reading, "", file_values, CNT(file_values), reading->file->written, config);
    if (!rc)
        rc = read_tape(reading);
    if (!rc)
        rc = read_threads(reading);
    if (!rc)
        rc = read_feeds(reading);
    if (!rc)
        rc = check_room(reading);
    if (!rc)
        rc = check_heavy(reading);
    if (!rc)
        join_facts(config);
    return rc;
}

int sl_config_parse(struct sl_config *config, const char *name, const char *yaml, size_t len, char *err, size_t err_len)
{
    struct sl_config_file file = { .name = name, .yaml = yaml, .len = len, .err = err, .err_len = err_len };
    struct reading reading = { .config = config, .file = &file };
    memset(config, 0, sizeof(*config));
    int rc = sl_config_file_load(&file);
    if (!rc)
        rc = read_all(&reading);
    sl_config_file_free(&file);
    if (rc)
        sl_config_free(config);
    return rc;
}

/* At most one byte more than a file may have, so that a longer one is noticed. */
static ssize_t read_whole(int fd, char *text)
{
    size_t len = 0;
    while (len <= SL_CONFIG_LEN_MAX) {
        ssize_t got = read(fd, text + len, SL_CONFIG_LEN_MAX + 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (!got)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

int sl_config_read(struct sl_config *config, const char *path, char *err, size_t err_len)
{
    bool is_stdin = !strcmp(path, "-");
    memset(config, 0, sizeof(*config));
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(SL_CONFIG_LEN_MAX + 1);
    ssize_t len = fd < 0 ? -errno : text ? read_whole(fd, text) : -ENOMEM;
    if (fd >= 0 && !is_stdin)
        close(fd);
    int rc = (int)len;
    if (len < 0)
        snprintf(err, err_len, "%s: %s", path, strerror((int)-len));
    else
        rc = sl_config_parse(config, is_stdin ? "standard input" : path, text, (size_t)len, err, err_len);
    free(text);
    return rc;
}

void sl_config_free(struct sl_config *config)
{
    for (uint32_t f = 0; f < config->feed_cnt; f++) {
        struct sl_config_feed *feed = &config->feeds[f];
        free(feed->name);
        free(feed->format);
        free(feed->timezone);
        free(feed->charset);
        free(feed->provider);
        free(feed->language);
        free(feed->lines);
    }
    if (config->zones)
        sl_zones_fini(&config->zones->store);
    free(config->zones);
    free(config->feeds);
    free(config->path);
    free(config->node);
    free(config->tape_name);
    free(config->socket);
    free(config->group);
    free(config->raw_group);
    memset(config, 0, sizeof(*config));
}

/* ---- what may change under a running walk ---- */

struct word_member {
    const char *key;
    size_t at; /* a char * of either configuration */
};

/* clang-format off */
static const struct word_member file_words[] = {
    { "node",           offsetof(struct sl_config, node)      },
    { "tape.name",      offsetof(struct sl_config, tape_name) },
    { "tape.socket",    offsetof(struct sl_config, socket)    },
    { "tape.group",     offsetof(struct sl_config, group)     },
    { "tape.raw_group", offsetof(struct sl_config, raw_group) },
};

static const struct word_member feed_words[] = {
    { "feeds: name",     offsetof(struct sl_config_feed, name)     },
    { "feeds: format",   offsetof(struct sl_config_feed, format)   },
    { "feeds: timezone", offsetof(struct sl_config_feed, timezone) },
    { "feeds: charset",  offsetof(struct sl_config_feed, charset)  },
    { "feeds: provider", offsetof(struct sl_config_feed, provider) },
    { "feeds: language", offsetof(struct sl_config_feed, language) },
};
/* clang-format on */

static const char *differing_word(const struct word_member *words, size_t cnt, const void *from, const void *to)
{
    for (size_t i = 0; i < cnt; i++) {
        const char *a, *b;
        memcpy(&a, (const char *)from + words[i].at, sizeof(a));
        memcpy(&b, (const char *)to + words[i].at, sizeof(b));
        if (!a != !b || (a && strcmp(a, b)))
            return words[i].key;
    }
    return NULL;
}

static bool same_threads(const struct sl_config *from, const struct sl_config *to)
{
    if (from->threads_auto != to->threads_auto || from->thread_cnt != to->thread_cnt)
        return false;
    for (uint32_t t = 0; t < from->thread_cnt; t++) {
        const struct sl_config_thread *a = &from->threads[t], *b = &to->threads[t];
        if (a->core != b->core || a->stages != b->stages || a->rx != b->rx || a->heavy != b->heavy)
            return false;
    }
    return true;
}

static const char *differing_in_feed(const struct sl_config_feed *from, const struct sl_config_feed *to)
{
    const char *word = differing_word(feed_words, CNT(feed_words), from, to);
    if (word)
        return word;
    if (from->framing != to->framing)
        return "feeds: framing";
    if (from->message_max != to->message_max)
        return "feeds: message";
    if (from->message_ns != to->message_ns)
        return "feeds: message_time";
    if (from->line_cnt != to->line_cnt)
        return "feeds: lines";
    for (uint32_t l = 0; l < from->line_cnt; l++)
        if (strcmp(from->lines[l].url, to->lines[l].url))
            return "feeds: lines";
    return NULL;
}

static const char *differing_key(const struct sl_config *from, const struct sl_config *to)
{
    const char *word = differing_word(file_words, CNT(file_words), from, to);
    if (word)
        return word;
    for (size_t i = 0; i < CNT(file_values); i++)
        if (load_value(&file_values[i], from) != load_value(&file_values[i], to))
            return file_values[i].key;
    if (!same_threads(from, to))
        return "threads";
    if (from->receive != to->receive)
        return "receive";
    if (from->feed_cnt != to->feed_cnt)
        return "feeds";
    for (uint32_t f = 0; f < from->feed_cnt && !word; f++)
        word = differing_in_feed(&from->feeds[f], &to->feeds[f]);
    return word;
}

bool sl_config_can_change(const struct sl_config *from, const struct sl_config *to, const char **key)
{
    *key = differing_key(from, to);
    return !*key;
}
