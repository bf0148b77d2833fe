#include "pipeline/config_file.h"
#include "pipeline/filter.h"
#include "pipeline/joiner.h"
#include "pipeline/profiles.h"
#include "pipeline/sink_numbers.h"
#include "pipeline/sink_name.h"
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
#define US     1000ull
#define MS     1000000ull
#define SECOND 1000000000ull
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* The hold area has a place for each so many of its bytes: with shorter bulletins the places are used up first. */
#define HOLD_BYTES_PER_PLACE (4 * KIB)

/* Of fragments whose story has not ended: some two thousand of the usual 8 KiB. */
#define JOIN_LEN (16 * MIB)

/* Behind a missing message so many of the longest may wait. */
#define PARK_MESSAGES 4u

#define CNT(table) (sizeof(table) / sizeof((table)[0]))

struct sl_config_zones {
    struct sl_zones_store store;
    struct sl_zones view;
    struct sl_profile_store profiles;
    struct sl_profiles profiles_view;
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

/* One key while it is read. */
struct sl_place {
    struct reading *reading;
    const struct sl_key *key;
    const struct sl_slot *slot; /* what the file says for it */
    void *base; /* the struct that the key's value is a member of */
    uint32_t idx; /* of that struct in its list */
    struct path path;
};

#define fault_at(reading, path, ...) sl_config_fault((reading)->file, path, __VA_ARGS__)
#define fault(place, ...)            fault_at((place)->reading, (place)->path.text, __VA_ARGS__)

static int refuse_memory(struct reading *reading)
{
    snprintf(reading->file->err, reading->file->err_len, "%s: out of memory", reading->file->name);
    return -ENOMEM;
}

/* ---- members by their offsets ---- */

static void store_number(const struct sl_key *key, void *base, uint64_t number)
{
    char *at = (char *)base + key->at;
    uint32_t word = (uint32_t)number;
    if (key->len == sizeof(number))
        memcpy(at, &number, sizeof(number));
    else if (key->len == sizeof(word))
        memcpy(at, &word, sizeof(word));
    else
        *(bool *)at = number;
}

static uint64_t load_number(const struct sl_key *key, const void *base)
{
    const char *at = (const char *)base + key->at;
    uint32_t word;
    uint64_t number;
    if (key->len == sizeof(number)) {
        memcpy(&number, at, sizeof(number));
        return number;
    }
    if (key->len != sizeof(word))
        return *(const bool *)at;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* A string, or the entries of a list. */
static void store_pointer(const struct sl_key *key, void *base, void *pointer)
{
    memcpy((char *)base + key->at, &pointer, sizeof(pointer));
}

static void *load_pointer(const struct sl_key *key, const void *base)
{
    void *pointer;
    memcpy(&pointer, (const char *)base + key->at, sizeof(pointer));
    return pointer;
}

static uint32_t *entry_cnt(const struct sl_key *key, const void *base)
{
    return (uint32_t *)((char *)base + key->cnt_at);
}

static void *entry_of(const struct sl_key *key, const void *base, uint32_t i)
{
    return (char *)load_pointer(key, base) + (size_t)i * key->entry_len;
}

/* ---- numbers with units ---- */

/* To spin is to wait for ever, and never comes then; none is nothing, and so is the wait for what is done always. */
static uint64_t meaning_of(const char *word)
{
    return !strcmp(word, "spin") || !strcmp(word, "never") ? INT64_MAX : 0;
}

static int refuse_number(const struct sl_place *place, const char *text, const char *why)
{
    const char *word = place->key->word;
    struct sl_nearest nearest;
    uint64_t number;
    sl_nearest_begin(&nearest, text);
    if (sl_config_number(sl_key_unit(place->key), text, &number) || !word)
        return fault(place, "%s", why);
    bool near = sl_nearest_offer(&nearest, word);
    near |= place->key->word_too && sl_nearest_offer(&nearest, place->key->word_too);
    if (near)
        return fault(place, "'%.*s' is not understood; did you mean %s?", SHOWN, text, nearest.found);
    return fault(place, "%s; or %s", why, word);
}

static int check_power(const struct sl_place *place, const char *text, uint64_t number)
{
    uint64_t next = place->key->min;
    while (next < number)
        next *= 2;
    if (next == number)
        return 0;
    return fault(place, "%.*s is no power of two; the next one is %s", SHOWN, text,
                 sl_config_written(sl_key_unit(place->key), next).text);
}

static int read_number(const struct sl_place *place, const char *text)
{
    const struct sl_key *key = place->key;
    bool is_word =
        (key->word && !strcmp(text, key->word)) || (key->word_too && !strcmp(text, key->word_too));
    uint64_t number = is_word ? meaning_of(text) : 0;
    char why[192];
    int rc = 0;
    if (!is_word && !sl_config_within(sl_key_unit(key), text, key->min, key->max, &number, why, sizeof(why)))
        return refuse_number(place, text, why);
    if (!is_word && key->power)
        rc = check_power(place, text, number);
    store_number(key, place->base, number);
    return rc;
}

/* ---- words ---- */

/* NULL: neither in the file nor with a default. */
static const char *text_of(const struct sl_place *place)
{
    return place->slot->said ? place->slot->said : place->key->fallback;
}

/* The place of text in a NULL-ended list.  what: as in "is no format". */
static int choose_from(const struct sl_place *place, const char *what, const char *const *words, const char *text,
                       unsigned *idx)
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
        return fault(place, "'%.*s' is no %s; did you mean %s?", SHOWN, text, what, near);
    return fault(place, "'%.*s' is no %s; one of %s is expected", SHOWN, text, what, list);
}

static int read_choice(const struct sl_place *place, const char *text)
{
    unsigned idx = 0;
    int rc = choose_from(place, place->key->what, place->key->choices, text, &idx);
    store_number(place->key, place->base, idx);
    return rc;
}

static int keep(const struct sl_place *place, const char *text)
{
    char *kept = text ? strdup(text) : NULL;
    store_pointer(place->key, place->base, kept);
    return text && !kept ? refuse_memory(place->reading) : 0;
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

static int read_name(const struct sl_place *place)
{
    const char *text = text_of(place);
    if (!text)
        return fault(place, "is missing");
    size_t len = strlen(text);
    if (len > NAME_LEN_MAX || strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") != len)
        return fault(place, "'%.*s' is no name; 1 to %u of a-z, 0-9, - and _ are expected", SHOWN, text, NAME_LEN_MAX);
    return keep(place, text);
}

static int read_node(const struct sl_place *place)
{
    char host[NODE_LEN_MAX + 1] = "";
    const char *text = text_of(place);
    if (text && !is_plain(text, NODE_LEN_MAX))
        return fault(place, "'%.*s' is no name of a node; up to %u printable letters of ASCII are expected", SHOWN,
                     text, NODE_LEN_MAX);
    if (!text && (gethostname(host, sizeof(host) - 1) || !*host || !is_plain(host, NODE_LEN_MAX)))
        text = "localhost";
    return keep(place, text ? text : host);
}

static int read_socket(const struct sl_place *place)
{
    const char *text = text_of(place);
    struct path usual = path_of("/run/slugline/%s.sock", place->reading->config->tape_name);
    if (text && *text != '/')
        return fault(place, "'%.*s' is no path from the root, such as %s", SHOWN, text, usual.text);
    if (text && strlen(text) > SOCKET_LEN_MAX)
        return fault(place, "longer than the %zu bytes that a Unix socket takes", SOCKET_LEN_MAX);
    return keep(place, text ? text : usual.text);
}

static int read_directory(const struct sl_place *place)
{
    const char *text = text_of(place);
    if (text && *text != '/')
        return fault(place, "'%.*s' is no path from the root, such as /var/lib/slugline", SHOWN, text);
    return keep(place, text);
}

static int read_group(const struct sl_place *place)
{
    const char *text = text_of(place);
    struct sl_nearest nearest;
    if (!text || getgrnam(text))
        return keep(place, text);
    sl_nearest_begin(&nearest, text);
    setgrent();
    for (const struct group *group; (group = getgrent());)
        sl_nearest_offer(&nearest, group->gr_name);
    endgrent();
    if (*nearest.found)
        return fault(place, "this host has no group '%.*s'; did you mean %s?", SHOWN, text, nearest.found);
    return fault(place, "this host has no group '%.*s'; groupadd makes one", SHOWN, text);
}

static int read_feed_name(const struct sl_place *place)
{
    const struct sl_config_feed *feeds = place->reading->config->feeds;
    for (uint32_t f = 0; f < place->idx && place->slot->said; f++)
        if (!strcmp(feeds[f].name, place->slot->said))
            return fault(place, "'%.*s' is the name of feeds[%u] already", SHOWN, feeds[f].name, f);
    return read_name(place);
}

static int read_format(const struct sl_place *place)
{
    const char *words[SL_FORMAT_CNT + 1] = { "auto" };
    unsigned idx = 0;
    for (unsigned i = 0; sl_formats[i] && i < SL_FORMAT_CNT - 1; i++)
        words[i + 1] = sl_formats[i]->name;
    int rc = choose_from(place, "format", words, text_of(place), &idx);
    return rc ? rc : keep(place, words[idx]);
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

static int refuse_timezone(const struct sl_place *place)
{
    const char *text = text_of(place);
    struct sl_nearest nearest;
    find_near_zone(&nearest, text);
    if (*nearest.found)
        return fault(place, "'%.*s' is no time zone of this host; did you mean %s?", SHOWN, text, nearest.found);
    return fault(place, "'%.*s' is no time zone of this host; one such as Europe/Berlin is expected", SHOWN, text);
}

static int read_timezone(const struct sl_place *place)
{
    struct sl_zones_store *store = &place->reading->config->zones->store;
    struct sl_config_feed *feed = place->base;
    const char *text = text_of(place);
    if (!text)
        return 0;
    int rc = sl_zones_load(store, text);
    if (rc == -ENOMEM)
        return refuse_memory(place->reading);
    if (rc == -ENOSPC)
        return fault(place, "more than %u different time zones", SL_ZONES_MAX);
    if (rc)
        return refuse_timezone(place);
    struct sl_zones view = sl_zones_view(store);
    feed->facts.zone = sl_zones_find(&view, text, strlen(text));
    return keep(place, text);
}

static int read_charset(const struct sl_place *place)
{
    const char *words[SL_CHARSET_CNT] = { NULL }, *text = text_of(place);
    struct sl_config_feed *feed = place->base;
    unsigned idx;
    if (!text)
        return 0;
    feed->facts.charset = sl_charset_named(text, strlen(text));
    if (feed->facts.charset != SL_CHARSET_UNKNOWN)
        return keep(place, text);
    for (unsigned i = SL_CHARSET_UNKNOWN + 1; i < SL_CHARSET_CNT; i++)
        words[i - 1] = sl_charset_name((enum sl_charset)i);
    return choose_from(place, "character set", words, text, &idx);
}

static int read_provider(const struct sl_place *place)
{
    const char *text = text_of(place);
    if (text && !is_plain(text, PROVIDER_LEN_MAX))
        return fault(place, "'%.*s' is no name of a provider; up to %u printable letters of ASCII are expected", SHOWN,
                     text, PROVIDER_LEN_MAX);
    return keep(place, text);
}

static int read_language(const struct sl_place *place)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
    const char *text = text_of(place);
    if (text && (strlen(text) > LANGUAGE_LEN_MAX || strspn(text, letters) != strlen(text)))
        return fault(place, "'%.*s' is no language; a tag of BCP 47 such as de or en-GB is expected", SHOWN, text);
    return keep(place, text);
}

static int read_sink_name(const struct sl_place *place)
{
    const struct sl_config *config = place->reading->config;
    for (uint32_t s = 0; s < place->idx && place->slot->said; s++)
        if (!strcmp(config->sinks[s].name, place->slot->said))
            return fault(place, "'%.*s' is the name of sinks[%u] already", SHOWN, config->sinks[s].name, s);
    return read_name(place);
}

static int read_where(const struct sl_place *place)
{
    const char *text = text_of(place);
    struct sl_filter *filter;
    struct sl_filter_err why;
    int rc = text ? sl_filter_compile(&filter, text, &why) : 0;
    if (rc == -ENOMEM)
        return refuse_memory(place->reading);
    if (rc)
        return fault(place, "at byte %u of it: %s", why.off + 1, why.text);
    if (text)
        sl_filter_free(filter);
    return keep(place, text);
}

/* Beside the journal where there is one: both are what a restart begins with. */
static int read_state(const struct sl_place *place)
{
    const char *journal = place->reading->config->journal_directory;
    char usual[SL_CONFIG_WORD_MAX + 8];
    snprintf(usual, sizeof(usual), "%s/sinks", journal ? journal : "/var/lib/slugline");
    return text_of(place) ? read_directory(place) : keep(place, usual);
}

/* Nobody but this host, unless the address says otherwise. */
static int read_port(const struct sl_place *place, struct sl_line_config *line)
{
    const char *text = text_of(place);
    char url[SL_CONFIG_WORD_MAX + 32], why[384];
    if (!text)
        return 0;
    snprintf(url, sizeof(url), "tcp-listen://%s%s", *text == ':' ? "127.0.0.1" : "", text);
    if (sl_config_line(line, url, why, sizeof(why)))
        return fault(place, "%s", why);
    return keep(place, text);
}

static int read_listen(const struct sl_place *place)
{
    return read_port(place, &((struct sl_config_sink *)place->base)->line);
}

/* UDP, with the address and the from= of tcp-listen. */
static int read_requests(const struct sl_place *place)
{
    return read_port(place, &((struct sl_config_sink *)place->base)->request_line);
}

/* As a line of our own that receives it would be written; loopback, unless an interface is named. */
static int read_multicast(const struct sl_place *place)
{
    struct sl_config_sink *sink = place->base;
    const char *text = text_of(place);
    char url[SL_CONFIG_WORD_MAX + 32], why[384];
    if (!text)
        return 0;
    snprintf(url, sizeof(url), "udp://%s", text);
    if (sl_config_line(&sink->group_line, url, why, sizeof(why)))
        return fault(place, "%s", why);
    if (!sink->group_line.multicast || sink->group_line.source.ss_family)
        return fault(place, "'%.*s' is no multicast group", SHOWN, text);
    if (!sink->group_line.interface[0])
        snprintf(sink->group_line.interface, sizeof(sink->group_line.interface), "lo");
    return keep(place, text);
}

static int read_session(const struct sl_place *place)
{
    const char *text = text_of(place);
    size_t len = text ? strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") : 0;
    if (text && (!len || len > SL_NUMBERS_PREFIX_MAX || text[len]))
        return fault(place, "'%.*s' is no beginning of a session's name; 1 to %u of A-Z and 0-9 are expected", SHOWN,
                     text, SL_NUMBERS_PREFIX_MAX);
    return keep(place, text);
}

static int read_template(const struct sl_place *place)
{
    const char *text = text_of(place);
    char why[256];
    if (text && !sl_sink_name_check(text, why, sizeof(why)))
        return fault(place, "%s", why);
    if (text && (*text == '/' || *text == '.' || strstr(text, "/.") || strstr(text, "//")))
        return fault(place, "'%.*s' leads out of the directory, or hides its files", SHOWN, text);
    return keep(place, text);
}

/* Of names that queues take everywhere. */
#define SAFE_LETTERS   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
#define STREAM_LEN_MAX 64u

/* Servers of NATS, with commas between; what is in front of an @ is a secret, and not said. */
static int read_url(const struct sl_place *place)
{
    const char *text = text_of(place), *at = text;
    for (unsigned number = 1; at && *at; number++) {
        size_t len = strcspn(at, ",");
        bool known = !strncmp(at, "nats://", 7) || !strncmp(at, "tls://", 6);
        if (!known || len <= 7 || memchr(at, ' ', len))
            return fault(place, "server %u of it is no URL such as nats://host:4222 or tls://host:4222", number);
        at += len + (at[len] == ',');
    }
    return keep(place, text);
}

static int read_stream(const struct sl_place *place)
{
    const char *text = text_of(place);
    if (text && (strlen(text) > STREAM_LEN_MAX || text[strspn(text, SAFE_LETTERS)]))
        return fault(place, "'%.*s' is no name of a stream; up to %u of A-Z, a-z, 0-9, - and _ are expected", SHOWN,
                     text, STREAM_LEN_MAX);
    return keep(place, text);
}

/* Literal letters of a subject: dots part its tokens, of which none is empty. */
static int read_dotted(const struct sl_place *place, const char *what)
{
    const char *text = text_of(place);
    char why[256];
    if (!sl_sink_name_check(text, why, sizeof(why)))
        return fault(place, "%s", why);
    bool inside = false;
    for (const char *at = text; *at; at++) {
        inside = *at == '{' || (inside && *at != '}');
        if (!inside && *at != '}' && *at != '.' && !strchr(SAFE_LETTERS, *at))
            return fault(place, "'%c' cannot be part of a %s; A-Z, a-z, 0-9, -, _, dots and {} are expected", *at,
                         what);
        if (*at == '.' && (at == text || !at[1] || at[1] == '.'))
            return fault(place, "'%.*s' has an empty token; one dot between two words is expected", SHOWN, text);
    }
    return keep(place, text);
}

static int read_subject(const struct sl_place *place) { return read_dotted(place, "subject"); }

static int check_tape(const struct sl_place *place);
static int check_journal(const struct sl_place *place);
static int check_threads(const struct sl_place *place);
static int check_feeds(const struct sl_place *place);
static int check_sinks(const struct sl_place *place);
static int check_file(const struct sl_place *place);

/* ---- the schema: every key, each a row.  struct sl_key says what is in it.  Rows are read from top to bottom. ---- */

#define MEMBER(type, member)     .at = offsetof(struct type, member), .len = sizeof(((struct type *)0)->member)
#define FILE(member)             MEMBER(sl_config, member)
#define FEED(member)             MEMBER(sl_config_feed, member)
#define THREAD(member)           MEMBER(sl_config_thread, member)
#define SINK(member)             MEMBER(sl_config_sink, member)
#define ENTRIES(type, list, cnt) .cnt_at = offsetof(struct type, cnt), .entry_len = sizeof(((struct type *)0)->list[0])

static const char *const truths[] = { "false", "true", NULL };
const char *const sl_stage_names[] = { "rx", "decode", "desk", "waker", NULL };
const char *const sl_receive_names[] = {
    [SL_RX_AUTO] = "auto", [SL_RX_URING] = "uring", [SL_RX_EPOLL] = "epoll", NULL
};
const char *const sl_framing_names[] = {
    [SL_FRAMING_CONTROL] = "control",   [SL_FRAMING_DATAGRAM] = "datagram", [SL_FRAMING_LENGTH16] = "length16",
    [SL_FRAMING_LENGTH32] = "length32", [SL_FRAMING_LINE] = "line",         [SL_FRAMING_FIX] = "fix",
    [SL_FRAMING_FILE] = "file",         [SL_FRAMING_XML] = "xml",           [SL_FRAMING_MIME] = "mime",
    [SL_FRAMING_ZCZC] = "zczc",         [SL_FRAMING_WMO] = "wmo",           [SL_FRAMING_WEBSOCKET] = "websocket",
    [SL_FRAMING_MOLDUDP64] = "moldudp64",
    [SL_FRAMING_CNT] = NULL,
};

const char *const sl_sink_names[] = { [SL_SINK_EXEC] = "exec", [SL_SINK_FILES] = "files",
                                      [SL_SINK_TCP] = "tcp", [SL_SINK_WEB] = "web",
                                      [SL_SINK_MULTICAST] = "multicast",
                                      [SL_SINK_JETSTREAM] = "jetstream", NULL };
const char *const sl_sink_policy_names[] = { "block", "spill", "conflate", "cut", NULL };
const char *const sl_sink_shape_names[] = { "ninjs", "nitf", "text", "binary", NULL };
static const char *const starts[] = { "oldest", "now", NULL };
static const char *const ends[] = { "never", "stop", NULL };

/* clang-format off */
static const struct sl_key thread_keys[] = {
    /* name         kind             member                default     least     most */
    { "core",       SL_KEY_COUNT,    THREAD(core),         NULL,       0,        CORES_MAX - 1 },
    { "stages",     SL_KEY_CHOICES,  THREAD(stages),       NULL,       0,        CNT(sl_stage_names) - 1,
      .what = "stage", .choices = sl_stage_names },
    { "heavy",      SL_KEY_CHOICE,   THREAD(heavy),        "false",    .what = "answer", .choices = truths },
    { "for",        SL_KEY_COUNT,    THREAD(rx),           NULL,       0,        SL_RXS_MAX - 1 },
    { NULL },
};

static const struct sl_key ring_keys[] = {
    { "message",    SL_KEY_SIZE,     FILE(ring_message),   "1MiB",     64 * KIB, GIB,         .power = true },
    { "answer",     SL_KEY_SIZE,     FILE(ring_answer),    "2MiB",     64 * KIB, GIB,         .power = true },
    { NULL },
};

static const struct sl_key tape_keys[] = {
    { "name",       SL_KEY_WORD,     FILE(tape_name),      "newswire", .read = read_name },
    { "size",       SL_KEY_SIZE,     FILE(tape_len),       "256MiB",   64 * KIB, TIB,         .power = true },
    { "raw",        SL_KEY_SIZE,     FILE(raw_len),        "256MiB",   64 * KIB, TIB,         .word = "none",
      .power = true },
    { "hold",       SL_KEY_SIZE,     FILE(hold_len),       "64MiB",    64 * KIB, 64 * GIB,    .word = "none" },
    { "window",     SL_KEY_COUNT,    FILE(window_cnt),     "1048576",  1024,     1ull << 28 },
    { "tombstones", SL_KEY_COUNT,    FILE(tombstone_cnt),  "65536",    64,       1ull << 24 },
    { "gate",       SL_KEY_DURATION, FILE(gate_ns),        "250ms",    MS,       10 * SECOND },
    { "socket",     SL_KEY_WORD,     FILE(socket),         NULL,       .read = read_socket },
    { "group",      SL_KEY_WORD,     FILE(group),          NULL,       .read = read_group },
    { "raw_group",  SL_KEY_WORD,     FILE(raw_group),      NULL,       .read = read_group },
    { NULL },
};

static const struct sl_key journal_keys[] = {
    { "directory",  SL_KEY_WORD,     FILE(journal_directory), NULL,    .read = read_directory },
    { "sync",       SL_KEY_DURATION, FILE(journal_sync_ns),   "5ms",   MS / 10,  SECOND,      .word = "always",
      .word_too = "never" },
    { "keep",       SL_KEY_DURATION, FILE(journal_keep_ns),   "7d",    SECOND,   36500 * DAY, .word = "none" },
    { "size",       SL_KEY_SIZE,     FILE(journal_keep_len),  "none",  MIB,      1024 * TIB,  .word = "none" },
    { "segment",    SL_KEY_SIZE,     FILE(journal_segment),   "64MiB", MIB,      4 * GIB,     .power = true },
    { NULL },
};

static const struct sl_key feed_keys[] = {
    { "name",         SL_KEY_WORD,     FEED(name),         NULL,       .read = read_feed_name },
    { "format",       SL_KEY_WORD,     FEED(format),       "auto",     .read = read_format },
    { "framing",      SL_KEY_CHOICE,   FEED(framing),      NULL,       .what = "framing", .choices = sl_framing_names },
    { "lines",        SL_KEY_LINES,    FEED(lines),        NULL,       1, SL_LINES_PER_FEED_MAX,
      ENTRIES(sl_config_feed, lines, line_cnt), .what = "udp://239.1.1.1:5001" },
    { "timezone",     SL_KEY_WORD,     FEED(timezone),     NULL,       .read = read_timezone },
    { "charset",      SL_KEY_WORD,     FEED(charset),      NULL,       .read = read_charset },
    { "provider",     SL_KEY_WORD,     FEED(provider),     NULL,       .read = read_provider },
    { "profile",      SL_KEY_WORD,     FEED(profile),      NULL },
    { "language",     SL_KEY_WORD,     FEED(language),     NULL,       .read = read_language },
    { "message",      SL_KEY_SIZE,     FEED(message_max),  "1MiB",     KIB,      64 * MIB },
    { "reorder",      SL_KEY_DURATION, FEED(reorder_ns),   "20ms",     10 * US,  10 * SECOND },
    { "park",         SL_KEY_SIZE,     FEED(park_len),     NULL,       64 * KIB, GIB },
    { "join",         SL_KEY_SIZE,     FEED(join_len),     NULL,       SL_JOIN_LEN_MIN, GIB,   .word = "none" },
    { "message_time", SL_KEY_DURATION, FEED(message_ns),   "30s",      10 * MS,  HOUR },
    { "silence",      SL_KEY_DURATION, FEED(silence_ns),   "none",     SECOND,   30 * DAY,    .word = "none",
      .live = true },
    { NULL },
};

static const struct sl_key sink_keys[] = {
    { "name",         SL_KEY_WORD,     SINK(name),         NULL,       .read = read_sink_name },
    { "type",         SL_KEY_CHOICE,   SINK(type),         NULL,       .what = "type of sink",
      .choices = sl_sink_names },
    { "where",        SL_KEY_WORD,     SINK(where),        NULL,       .read = read_where },
    { "start",        SL_KEY_CHOICE,   SINK(start_now),    "oldest",   .what = "start", .choices = starts },
    { "policy",       SL_KEY_CHOICE,   SINK(policy),       "block",    .what = "policy",
      .choices = sl_sink_policy_names },
    { "queue",        SL_KEY_SIZE,     SINK(queue_len),    "8MiB",     64 * KIB, 16 * GIB },
    { "spill",        SL_KEY_SIZE,     SINK(spill_len),    "1GiB",     MIB,      TIB },
    { "state",        SL_KEY_WORD,     SINK(state),        NULL,       .read = read_state },
    { "reconnect",    SL_KEY_DURATION, SINK(reconnect_ns), "10s",      100 * MS, HOUR },
    { "command",      SL_KEY_WORD,     SINK(command),      NULL },
    { "acknowledges", SL_KEY_CHOICE,   SINK(acknowledges), "false",    .what = "answer", .choices = truths },
    { "directory",    SL_KEY_WORD,     SINK(directory),    NULL,       .read = read_directory },
    { "file",         SL_KEY_WORD,     SINK(file),         NULL,       .read = read_template },
    { "shape",        SL_KEY_CHOICE,   SINK(shape),        "ninjs",    .what = "shape",
      .choices = sl_sink_shape_names },
    { "listen",       SL_KEY_WORD,     SINK(listen),       NULL,       .read = read_listen },
    { "clients",      SL_KEY_COUNT,    SINK(client_max),   "64",       1,        1024 },
    { "group",        SL_KEY_WORD,     SINK(group),        NULL,       .read = read_multicast },
    { "requests",     SL_KEY_WORD,     SINK(requests),     NULL,       .read = read_requests },
    { "session",      SL_KEY_WORD,     SINK(session),      "SLG",      .read = read_session },
    { "ends",         SL_KEY_CHOICE,   SINK(ends_at_stop), "never",    .what = "end of a session", .choices = ends },
    { "ttl",          SL_KEY_COUNT,    SINK(ttl),          "1",        0,        255 },
    { "packet",       SL_KEY_SIZE,     SINK(packet_len),   "1400B",    256,      65507 },
    { "rate",         SL_KEY_SIZE,     SINK(rate),         "64MiB",    64 * KIB, 100 * GIB },
    { "heartbeat",    SL_KEY_DURATION, SINK(heartbeat_ns), "1s",       10 * MS,  60 * SECOND },
    { "certificate",  SL_KEY_WORD,     SINK(certificate),  NULL,       .read = read_directory },
    { "key",          SL_KEY_WORD,     SINK(key),          NULL,       .read = read_directory },
    { "authority",    SL_KEY_WORD,     SINK(authority),    NULL,       .read = read_directory },
    { "url",          SL_KEY_WORD,     SINK(url),          NULL,       .read = read_url },
    { "stream",       SL_KEY_WORD,     SINK(stream),       NULL,       .read = read_stream },
    { "subject",      SL_KEY_WORD,     SINK(subject),      "news.{lane}.{feed}", .read = read_subject },
    { "create",       SL_KEY_CHOICE,   SINK(creates),      "true",     .what = "answer", .choices = truths },
    { "outage",       SL_KEY_DURATION, SINK(outage_ns),    "1h",       SECOND,   30 * DAY },
    { "credentials",  SL_KEY_WORD,     SINK(credentials),  NULL,       .read = read_directory },
    { "in_flight",    SL_KEY_COUNT,    SINK(in_flight),    "1024",     1,        65536 },
    { NULL },
};

static const struct sl_key file_keys[] = {
    { "node",       SL_KEY_WORD,     FILE(node),           NULL,       .read = read_node },
    { "threads",    SL_KEY_LIST,     FILE(threads),        NULL,       1,        SL_THREADS_MAX, .word = "auto",
      .keys = thread_keys, ENTRIES(sl_config, threads, thread_cnt), .check = check_threads },
    { "idle",       SL_KEY_DURATION, FILE(idle_spin_ns),   "50us",     0,        SECOND,      .word = "spin" },
    { "receive",    SL_KEY_CHOICE,   FILE(receive),        "auto",     .what = "way to receive",
      .choices = sl_receive_names },
    { "heavy",      SL_KEY_SIZE,     FILE(heavy),          "256KiB",   4 * KIB,  64 * MIB },
    { "profiles",   SL_KEY_WORD,     FILE(profiles),       NULL },
    { "rings",      SL_KEY_GROUP,    .keys = ring_keys },
    { "tape",       SL_KEY_GROUP,    .keys = tape_keys,    .check = check_tape },
    { "journal",    SL_KEY_GROUP,    .keys = journal_keys, .check = check_journal },
    { "feeds",      SL_KEY_LIST,     FILE(feeds),          NULL,       1,        SL_FEEDS_MAX,
      .keys = feed_keys, ENTRIES(sl_config, feeds, feed_cnt), .check = check_feeds },
    { "sinks",      SL_KEY_LIST,     FILE(sinks),          NULL,       0,        SL_SINKS_MAX,
      .keys = sink_keys, ENTRIES(sl_config, sinks, sink_cnt), .check = check_sinks },
    { NULL },
};
/* clang-format on */

const struct sl_key sl_config_root = {
    .name = "", .kind = SL_KEY_GROUP, .keys = file_keys, .check = check_file, .what = "feeds"
};

/* ---- reading, row by row ---- */

static int read_keys(const struct sl_place *parent, const struct sl_slot *slots, void *base, uint32_t idx);

static int read_choices(const struct sl_place *place)
{
    char *const *words = place->slot->said;
    uint64_t bits = 0;
    for (uint32_t i = 0; i < place->slot->cnt; i++) {
        struct sl_place word = *place;
        unsigned idx = 0;
        word.path = path_of("%s[%u]", place->path.text, i);
        int rc = choose_from(&word, place->key->what, place->key->choices, words[i], &idx);
        if (rc)
            return rc;
        if (bits & 1ull << idx)
            return fault(&word, "%s is a %s of this one already", words[i], place->key->what);
        bits |= 1ull << idx;
    }
    store_number(place->key, place->base, bits);
    return 0;
}

static int read_line(const struct sl_place *place, struct sl_line_config *line, const char *url)
{
    char why[384];
    if (sl_config_line(line, url, why, sizeof(why)))
        return fault(place, "%s", why);
    line->feed = (uint16_t)place->idx;
    return 0;
}

static int read_list(const struct sl_place *place)
{
    const struct sl_key *key = place->key;
    const struct sl_slot *slots = place->slot->said;
    uint32_t cnt = place->slot->cnt;
    if (cnt < key->min && !key->word)
        return fault(place, "at least one is expected%s%s", key->what ? ", such as " : "", key->what ? key->what : "");
    void *entries = cnt ? calloc(cnt, key->entry_len) : NULL;
    if (cnt && !entries)
        return refuse_memory(place->reading);
    store_pointer(key, place->base, entries);
    *entry_cnt(key, place->base) = cnt;
    int rc = 0;
    for (uint32_t i = 0; !rc && i < cnt; i++) {
        struct sl_place entry = *place;
        entry.path = path_of("%s[%u]", place->path.text, i);
        rc = key->kind == SL_KEY_LINES
                 ? read_line(&entry, entry_of(key, place->base, i), ((char *const *)place->slot->said)[i])
                 : read_keys(&entry, slots + (size_t)i * sl_key_cnt(key->keys), entry_of(key, place->base, i), i);
    }
    return rc;
}

static int read_key(const struct sl_place *place)
{
    const char *text = text_of(place);
    switch (place->key->kind) {
    case SL_KEY_WORD:
        return place->key->read ? place->key->read(place) : keep(place, text);
    case SL_KEY_SIZE:
    case SL_KEY_DURATION:
    case SL_KEY_COUNT:
        return text ? read_number(place, text) : 0;
    case SL_KEY_CHOICE:
        return text ? read_choice(place, text) : 0;
    case SL_KEY_CHOICES:
        return read_choices(place);
    case SL_KEY_LINES:
    case SL_KEY_LIST:
        return read_list(place);
    case SL_KEY_GROUP:
        return read_keys(place, place->slot->said, place->base, place->idx);
    }
    return -EINVAL;
}

static int read_keys(const struct sl_place *parent, const struct sl_slot *slots, void *base, uint32_t idx)
{
    static const struct sl_slot nothing;
    int rc = 0;
    for (const struct sl_key *key = parent->key->keys; !rc && key->name; key++) {
        struct sl_place place = { parent->reading, key, &nothing, base, idx, parent->path };
        if (slots)
            place.slot = &slots[key - parent->key->keys];
        place.path = path_of("%s%s%s", parent->path.text, *parent->path.text ? "." : "", key->name);
        rc = read_key(&place);
        if (!rc && key->check)
            rc = key->check(&place);
    }
    return rc;
}

/* Whether the file has this key of entry i of a list. */
static bool is_given(const struct sl_place *place, uint32_t i, const char *name)
{
    const struct sl_key *key = place->key->keys;
    const struct sl_slot *slots = (const struct sl_slot *)place->slot->said + (size_t)i * sl_key_cnt(key);
    while (strcmp(key->name, name))
        key++;
    return slots[key - place->key->keys].said;
}

/* ---- what hangs together ---- */

static int check_tape(const struct sl_place *place)
{
    struct sl_config *config = place->reading->config;
    uint64_t places = config->hold_len / HOLD_BYTES_PER_PLACE;
    config->hold_cnt = places < UINT32_MAX ? (uint32_t)places : UINT32_MAX;
    return 0;
}

/* How, but not where: it would be taken for a journal. */
static int check_journal(const struct sl_place *place)
{
    if (place->slot->said && !place->reading->config->journal_directory)
        return fault(place, "no directory; where the journal is to lie is expected, such as /var/lib/slugline");
    return 0;
}

static uint32_t count_threads(const struct sl_config *config, unsigned stage)
{
    uint32_t cnt = 0;
    for (uint32_t t = 0; t < config->thread_cnt; t++)
        cnt += (config->threads[t].stages & stage) != 0;
    return cnt;
}

static int check_stages(const struct sl_place *place)
{
    const struct sl_config *config = place->reading->config;
    uint32_t rx_cnt = count_threads(config, SL_STAGE_RX), desk_cnt = count_threads(config, SL_STAGE_DESK);
    for (uint32_t t = 0; t < config->thread_cnt; t++)
        if (!config->threads[t].stages)
            return fault_at(place->reading, path_of("threads[%u]", t).text,
                            "no stages; at least one of rx, decode, desk, waker is expected");
    if (!rx_cnt || rx_cnt > SL_RXS_MAX)
        return fault(place, "%u threads with rx; 1 to %u are expected", rx_cnt, SL_RXS_MAX);
    if (desk_cnt != 1)
        return fault(place, "%u threads with desk; exactly one makes the order", desk_cnt);
    if (count_threads(config, SL_STAGE_WAKER) > 1)
        return fault(place, "more than one thread with waker; one is enough");
    return 0;
}

/* own_rx: the number of the receive thread that this one is, if it is one. */
static int check_thread(const struct sl_place *place, uint32_t t, uint32_t own_rx, uint32_t rx_cnt)
{
    struct sl_config_thread *thread = &place->reading->config->threads[t];
    struct path path = path_of("threads[%u]", t);
    bool receives = thread->stages & SL_STAGE_RX, decodes = thread->stages & SL_STAGE_DECODE;
    bool serves = is_given(place, t, "for");
    if (!decodes && (serves || is_given(place, t, "heavy")))
        return fault_at(place->reading, path.text,
                        "'for' and 'heavy' are about decode, which is no stage of this thread");
    if (decodes && !receives && !serves && rx_cnt > 1)
        return fault_at(place->reading, path.text,
                        "no for; there are %u receive threads, and it says from 0 which one this decode serves",
                        rx_cnt);
    if (serves && thread->rx >= rx_cnt)
        return fault_at(place->reading, path_of("threads[%u].for", t).text, "%u is out of bounds; 0 to %u is expected",
                        thread->rx, rx_cnt - 1);
    if (!serves)
        thread->rx = receives ? own_rx : 0;
    if (!is_given(place, t, "core"))
        thread->core = -1;
    return 0;
}

/* Each receive thread needs somebody who decodes the usual messages, and has at most one for the heavy. */
static int check_decoders(const struct sl_place *place, uint32_t rx)
{
    const struct sl_config *config = place->reading->config;
    uint32_t usual_cnt = 0, heavy_cnt = 0;
    for (uint32_t t = 0; t < config->thread_cnt; t++) {
        const struct sl_config_thread *thread = &config->threads[t];
        bool serves = thread->stages & SL_STAGE_DECODE && thread->rx == rx;
        usual_cnt += serves && !thread->heavy;
        heavy_cnt += serves && thread->heavy;
    }
    if (!usual_cnt)
        return fault(place, "no decode serves receive thread %u", rx);
    if (heavy_cnt > 1)
        return fault(place, "%u heavy decodes serve receive thread %u; one at most", heavy_cnt, rx);
    if (usual_cnt + heavy_cnt > SL_DECODERS_MAX)
        return fault(place, "%u decodes serve receive thread %u; %u at most", usual_cnt + heavy_cnt, rx,
                     SL_DECODERS_MAX);
    return 0;
}

static int check_threads(const struct sl_place *place)
{
    struct sl_config *config = place->reading->config;
    uint32_t rx_cnt = count_threads(config, SL_STAGE_RX), rx_idx = 0;
    config->threads_auto = !config->thread_cnt;
    int rc = config->threads_auto ? 0 : check_stages(place);
    for (uint32_t t = 0; !rc && t < config->thread_cnt; t++) {
        rc = check_thread(place, t, rx_idx, rx_cnt);
        rx_idx += (config->threads[t].stages & SL_STAGE_RX) != 0;
    }
    for (uint32_t rx = 0; !rc && rx < rx_cnt; rx++)
        rc = check_decoders(place, rx);
    return rc;
}

static bool has_kind(const struct sl_config_feed *feed, enum sl_line_kind kind)
{
    for (uint32_t i = 0; i < feed->line_cnt; i++)
        if (feed->lines[i].kind == kind)
            return true;
    return false;
}

static bool has_streams(const struct sl_config_feed *feed)
{
    for (uint32_t i = 0; i < feed->line_cnt; i++)
        if (feed->lines[i].kind == SL_LINE_CAPTURE && feed->lines[i].capture.tcp && !feed->lines[i].capture.udp)
            return true;
    return has_kind(feed, SL_LINE_TCP_DIAL) || has_kind(feed, SL_LINE_TCP_LISTEN);
}

/* Formats that say in their first bytes where a message ends, and what an unnamed framing is over tcp. */
static const struct {
    const char *format;
    enum sl_framing framing;
} own_framings[] = {
    { "iptc7901", SL_FRAMING_CONTROL }, { "anpa1312", SL_FRAMING_CONTROL }, { "nitf", SL_FRAMING_XML },
    { "newsmlg2", SL_FRAMING_XML },     { "newsml1", SL_FRAMING_XML },      { "cap", SL_FRAMING_XML },
    { "rss", SL_FRAMING_XML },          { "atom", SL_FRAMING_XML },         { "rfc822", SL_FRAMING_MIME },
    { "fixnews", SL_FRAMING_FIX },       { "zczc", SL_FRAMING_ZCZC },        { "wmo", SL_FRAMING_WMO },
    { "results", SL_FRAMING_WMO }, /* SOH, and of ends there is none: the next begins */
};

/* Control characters and FIX part messages in datagrams too; what else has a framing of its own needs it in streams. */
static enum sl_framing usual_framing(const struct sl_config_feed *feed)
{
    for (size_t i = 0; i < CNT(own_framings); i++)
        if (!strcmp(own_framings[i].format, feed->format) &&
            (own_framings[i].framing == SL_FRAMING_CONTROL || own_framings[i].framing == SL_FRAMING_FIX ||
             has_streams(feed)))
            return own_framings[i].framing;
    return has_kind(feed, SL_LINE_SPOOL) ? SL_FRAMING_FILE : SL_FRAMING_DATAGRAM;
}

/* Numbered datagrams come in datagrams, and need room to wait in. */
static int check_numbered(const struct sl_place *place, uint32_t f)
{
    struct sl_config_feed *feed = &place->reading->config->feeds[f];
    if (has_kind(feed, SL_LINE_TCP_DIAL) || has_kind(feed, SL_LINE_TCP_LISTEN) || has_kind(feed, SL_LINE_SPOOL))
        return fault_at(place->reading, path_of("feeds[%u].framing", f).text,
                        "moldudp64 numbers datagrams; only lines of udp, dpdk, udp-request and pcap bring them");
    for (uint32_t l = 0; l < feed->line_cnt; l++)
        feed->lines[l].capture.tcp = false;
    if (!feed->park_len)
        feed->park_len = PARK_MESSAGES * feed->message_max;
    if (feed->park_len >= PARK_MESSAGES * feed->message_max)
        return 0;
    return fault_at(place->reading, path_of("feeds[%u].park", f).text,
                    "has no room for the longest message; at least %s is expected",
                    sl_config_written(SL_CONFIG_SIZE, PARK_MESSAGES * feed->message_max).text);
}

/* Of all formats one sends fragments; a feed of any format says for itself whether it has them. */
static int check_join(const struct sl_place *place, uint32_t f)
{
    struct sl_config_feed *feed = &place->reading->config->feeds[f];
    bool has_fragments = !strcmp(feed->format, "mrn");
    if (!is_given(place, f, "join"))
        feed->join_len = has_fragments ? JOIN_LEN : 0;
    if (!feed->join_len || has_fragments || !strcmp(feed->format, "auto"))
        return 0;
    return fault_at(place->reading, path_of("feeds[%u].join", f).text,
                    "only stories of format mrn come in fragments, and this is %s", feed->format);
}

static int check_framing(const struct sl_place *place, uint32_t f)
{
    struct sl_config_feed *feed = &place->reading->config->feeds[f];
    bool given = is_given(place, f, "framing");
    if (!given)
        feed->framing = usual_framing(feed);
    struct path path = path_of("feeds[%u].framing", f);
    if (feed->framing == SL_FRAMING_DATAGRAM && has_kind(feed, SL_LINE_SPOOL) && !has_streams(feed))
        return fault_at(place->reading, path.text,
                        "a file is no datagram; file is expected, or what parts messages in files");
    if (feed->framing == SL_FRAMING_MOLDUDP64)
        return check_numbered(place, f);
    if (feed->framing == SL_FRAMING_WEBSOCKET && has_kind(feed, SL_LINE_UDP))
        return fault_at(place->reading, path.text, "a websocket is a stream, and udp brings datagrams");
    for (uint32_t l = 0; feed->framing == SL_FRAMING_WEBSOCKET && l < feed->line_cnt; l++)
        feed->lines[l].capture.udp = false;
    if (feed->framing != SL_FRAMING_DATAGRAM && feed->framing != SL_FRAMING_FILE)
        return 0;
    /* Of a capture the datagrams are left. */
    for (uint32_t l = 0; l < feed->line_cnt; l++)
        feed->lines[l].capture.tcp &= !feed->lines[l].capture.udp;
    if (!has_streams(feed))
        return 0;
    return fault_at(place->reading, path.text,
                    "%s; one of control, length16, length32, line, fix, xml, mime, zczc, wmo, websocket is expected "
                    "for format %s over tcp",
                    !given                                ? "is missing"
                    : feed->framing == SL_FRAMING_DATAGRAM ? "a stream has no datagrams"
                                                          : "a stream has no files",
                    feed->format);
}

static bool same_address(const struct sl_line_config *a, const struct sl_line_config *b)
{
    if (a->kind == SL_LINE_SPOOL && b->kind == SL_LINE_SPOOL)
        return !strcmp(a->path, b->path);
    return a->kind == b->kind && a->addr_len && a->addr_len == b->addr_len &&
           !memcmp(&a->addr, &b->addr, a->addr_len) && !strcmp(a->path, b->path) &&
           !strcmp(a->interface, b->interface) && !memcmp(&a->source, &b->source, sizeof(a->source));
}

static int check_line(const struct sl_place *place, uint32_t f, uint32_t l)
{
    const struct sl_config_feed *feed = &place->reading->config->feeds[f];
    if (feed->lines[l].kind != SL_LINE_UDP_REQUEST || feed->framing == SL_FRAMING_MOLDUDP64)
        return 0;
    return fault_at(place->reading, path_of("feeds[%u].lines[%u]", f, l).text,
                    "only numbered datagrams can be asked for again; framing moldudp64 is expected with udp-request");
}

/* What comes in at an address is one line of one feed.  An agency may be dialled twice, though. */
static int check_address(const struct sl_place *place, uint32_t f, uint32_t l)
{
    const struct sl_config_feed *feeds = place->reading->config->feeds;
    const struct sl_line_config *line = &feeds[f].lines[l];
    for (uint32_t g = 0; g <= f && line->kind != SL_LINE_TCP_DIAL; g++)
        for (uint32_t m = 0; m < (g == f ? l : feeds[g].line_cnt); m++)
            if (same_address(line, &feeds[g].lines[m]))
                return fault_at(place->reading, path_of("feeds[%u].lines[%u]", f, l).text,
                                "what comes in there is feeds[%u].lines[%u] already", g, m);
    return 0;
}

/* Of the folder that the file names, else of the program's own, where there is one. */
static int load_profiles(const struct sl_place *place)
{
    struct sl_config *config = place->reading->config;
    struct sl_config_zones *zones = config->zones;
    char folder[4096], why[384];
    snprintf(folder, sizeof(folder), "%s", config->profiles ? config->profiles : "");
    if (!config->profiles && !sl_profiles_folder(folder, sizeof(folder)))
        return 0;
    int rc = sl_profiles_load(&zones->profiles, &zones->store, folder, why, sizeof(why));
    zones->profiles_view = sl_profiles_view(&zones->profiles);
    return rc ? fault_at(place->reading, "profiles", "%s", why) : 0;
}

static int choose_profile(const struct sl_place *place, uint32_t f)
{
    struct sl_config_feed *feed = &place->reading->config->feeds[f];
    const struct sl_profiles *profiles = &place->reading->config->zones->profiles_view;
    const char *names[SL_PROFILES_MAX + 1] = { NULL };
    feed->facts.profiles = profiles;
    if (!feed->profile)
        return 0;
    for (uint32_t i = 0; i < profiles->cnt; i++)
        names[i] = profiles->profile[i].name;
    feed->facts.profile = sl_profile_named(profiles, feed->profile);
    if (feed->facts.profile)
        return 0;
    const char *nearest = sl_nearest_of(feed->profile, names);
    struct path path = path_of("feeds[%u].profile", f);
    if (nearest)
        return fault_at(place->reading, path.text, "'%.*s' is no profile; did you mean %s?", SHOWN, feed->profile,
                        nearest);
    return fault_at(place->reading, path.text,
                    "'%.*s' is no profile; the name of a file among the profiles is expected", SHOWN, feed->profile);
}

static int check_feeds(const struct sl_place *place)
{
    struct sl_config *config = place->reading->config;
    int rc = load_profiles(place);
    sl_zones_load_agencies(&config->zones->store);
    config->zones->view = sl_zones_view(&config->zones->store); /* now that all zones of feeds are in the store */
    for (uint32_t f = 0; !rc && f < config->feed_cnt; f++) {
        struct sl_config_feed *feed = &config->feeds[f];
        feed->facts.provider = feed->provider;
        feed->facts.language = feed->language;
        feed->facts.zones = &config->zones->view;
        rc = choose_profile(place, f);
        if (!rc)
            rc = check_framing(place, f);
        if (!rc)
            rc = check_join(place, f);
        for (uint32_t l = 0; !rc && l < feed->line_cnt; l++)
            rc = check_line(place, f, l) ? -EINVAL : check_address(place, f, l);
    }
    return rc;
}

/* What each type must be told, and what means nothing to it. */
static const struct sink_need {
    const char *key;
    unsigned needs, takes; /* a bit for each enum sl_sink_kind */
    const char *example;
} sink_needs[] = {
    { "command", 1u << SL_SINK_EXEC, 1u << SL_SINK_EXEC, "/usr/local/bin/alert" },
    { "acknowledges", 0, 1u << SL_SINK_EXEC, NULL },
    { "directory", 1u << SL_SINK_FILES, 1u << SL_SINK_FILES, "/srv/cms/in" },
    { "file", 0, 1u << SL_SINK_FILES, NULL },
    { "shape", 0, 1u << SL_SINK_FILES | 1u << SL_SINK_MULTICAST, NULL },
    { "policy", 0, ~(1u << SL_SINK_MULTICAST), NULL }, /* nobody there is slow */
    { "group", 1u << SL_SINK_MULTICAST, 1u << SL_SINK_MULTICAST, "239.255.7.1:7010?interface=eth1" },
    { "requests", 0, 1u << SL_SINK_MULTICAST, NULL },
    { "session", 0, 1u << SL_SINK_MULTICAST, NULL },
    { "ends", 0, 1u << SL_SINK_MULTICAST, NULL },
    { "ttl", 0, 1u << SL_SINK_MULTICAST, NULL },
    { "packet", 0, 1u << SL_SINK_MULTICAST, NULL },
    { "rate", 0, 1u << SL_SINK_MULTICAST, NULL },
    { "heartbeat", 0, 1u << SL_SINK_MULTICAST, NULL },
    { "listen", 1u << SL_SINK_TCP | 1u << SL_SINK_WEB, 1u << SL_SINK_TCP | 1u << SL_SINK_WEB, "127.0.0.1:7070" },
    { "clients", 0, 1u << SL_SINK_TCP | 1u << SL_SINK_WEB, NULL },
    { "certificate", 0, 1u << SL_SINK_TCP | 1u << SL_SINK_JETSTREAM, NULL },
    { "key", 0, 1u << SL_SINK_TCP | 1u << SL_SINK_JETSTREAM, NULL },
    { "authority", 0, 1u << SL_SINK_TCP | 1u << SL_SINK_JETSTREAM, NULL },
    { "url", 1u << SL_SINK_JETSTREAM, 1u << SL_SINK_JETSTREAM, "nats://127.0.0.1:4222" },
    { "stream", 1u << SL_SINK_JETSTREAM, 1u << SL_SINK_JETSTREAM, "NEWS" },
    { "subject", 0, 1u << SL_SINK_JETSTREAM, NULL },
    { "create", 0, 1u << SL_SINK_JETSTREAM, NULL },
    { "outage", 0, 1u << SL_SINK_JETSTREAM, NULL },
    { "credentials", 0, 1u << SL_SINK_JETSTREAM, NULL },
    { "in_flight", 0, 1u << SL_SINK_JETSTREAM, NULL },
};

/* Libraries that this slugline was built without; NULL: it has them, or needs none. */
static const char *const missing[SL_SINK_KIND_CNT] = {
#ifndef SL_HAVE_NATS
    [SL_SINK_JETSTREAM] = "libnats",
#endif
};

static int check_sink(const struct sl_place *place, uint32_t s)
{
    const struct sl_config_sink *sink = &place->reading->config->sinks[s];
    if (!is_given(place, s, "type"))
        return fault_at(place->reading, path_of("sinks[%u].type", s).text, "is missing; one such as %s is expected",
                        sl_sink_names[0]);
    if (missing[sink->type])
        return fault_at(place->reading, path_of("sinks[%u].type", s).text,
                        "%s needs %s, which this slugline was built without", sl_sink_names[sink->type],
                        missing[sink->type]);
    for (size_t i = 0; i < CNT(sink_needs); i++) {
        const struct sink_need *need = &sink_needs[i];
        bool given = is_given(place, s, need->key);
        struct path path = path_of("sinks[%u].%s", s, need->key);
        if (!given && need->needs & 1u << sink->type)
            return fault_at(place->reading, path.text, "is missing; type %s needs one, such as %s",
                            sl_sink_names[sink->type], need->example);
        if (given && !(need->takes & 1u << sink->type))
            return fault_at(place->reading, path.text, "means nothing to type %s", sl_sink_names[sink->type]);
    }
    if (sink->shape == SL_SINK_BINARY && sink->type == SL_SINK_FILES)
        return fault_at(place->reading, path_of("sinks[%u].shape", s).text, "binary means nothing to type files");
    /* A server that is to show a certificate needs one; who dials does not. */
    bool listens = sink->type == SL_SINK_TCP;
    if (!sink->certificate != !sink->key || (listens && sink->authority && !sink->certificate))
        return fault_at(place->reading, path_of("sinks[%u].certificate", s).text,
                        "certificate and key belong together, and authority to both");
    return 0;
}

static int check_sinks(const struct sl_place *place)
{
    int rc = 0;
    for (uint32_t s = 0; !rc && s < place->reading->config->sink_cnt; s++)
        rc = check_sink(place, s);
    return rc;
}

uint64_t sl_config_message_max(const struct sl_config *config)
{
    uint64_t longest = 0;
    for (uint32_t f = 0; f < config->feed_cnt; f++)
        if (config->feeds[f].message_max > longest)
            longest = config->feeds[f].message_max;
    return longest;
}

/* A log takes records of up to a quarter of its bytes; the hold area should take any bulletin. */
static int check_log(const struct sl_place *place, const char *key, uint64_t len, const char *or_none)
{
    uint64_t message = sl_config_message_max(place->reading->config), least = 64 * KIB;
    while (least / 4 < sl_parse_bound((uint32_t)message) + sizeof(struct sl_record))
        least *= 2;
    if (len >= least)
        return 0;
    return fault_at(place->reading, key, "%s is too small for what a message of %s may say; at least %s is expected%s",
                    sl_config_written(SL_CONFIG_SIZE, len).text, sl_config_written(SL_CONFIG_SIZE, message).text,
                    sl_config_written(SL_CONFIG_SIZE, least).text, or_none);
}

static int check_heavy(const struct sl_place *place)
{
    const struct sl_config *config = place->reading->config;
    for (uint32_t t = 0; t < config->thread_cnt; t++)
        if (config->threads[t].heavy && sl_config_message_max(config) <= config->heavy)
            return fault_at(place->reading, path_of("threads[%u].heavy", t).text,
                            "no feed has messages over %s, so this thread would never work; leave it out, or lower "
                            "the file's heavy",
                            sl_config_written(SL_CONFIG_SIZE, config->heavy).text);
    return 0;
}

static int check_file(const struct sl_place *place)
{
    const struct sl_config *config = place->reading->config;
    int rc = check_log(place, "tape.size", config->tape_len, "");
    if (!rc && config->raw_len)
        rc = check_log(place, "tape.raw", config->raw_len, ", or none");
    return rc ? rc : check_heavy(place);
}

/* ---- the whole ---- */

static int read_file(struct reading *reading)
{
    struct sl_config *config = reading->config;
    struct sl_place place = { .reading = reading, .key = &sl_config_root };
    config->path = strdup(reading->file->name);
    config->zones = calloc(1, sizeof(*config->zones));
    if (!config->path || !config->zones)
        return refuse_memory(reading);
    int rc = read_keys(&place, reading->file->slots, config, 0);
    return rc ? rc : sl_config_root.check(&place);
}

int sl_config_parse(struct sl_config *config, const char *name, const char *yaml, size_t len, char *err, size_t err_len)
{
    struct sl_config_file file = {
        .root = &sl_config_root, .name = name, .yaml = yaml, .len = len, .err = err, .err_len = err_len
    };
    struct reading reading = { .config = config, .file = &file };
    memset(config, 0, sizeof(*config));
    int rc = sl_config_file_load(&file);
    if (!rc)
        rc = read_file(&reading);
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

static void free_keys(const struct sl_key *keys, void *base)
{
    for (const struct sl_key *key = keys; key->name; key++) {
        if (key->kind == SL_KEY_GROUP)
            free_keys(key->keys, base);
        for (uint32_t i = 0; key->kind == SL_KEY_LIST && i < *entry_cnt(key, base); i++)
            free_keys(key->keys, entry_of(key, base, i));
        if (key->kind == SL_KEY_WORD || key->kind == SL_KEY_LINES || key->kind == SL_KEY_LIST)
            free(load_pointer(key, base));
    }
}

void sl_config_free(struct sl_config *config)
{
    free_keys(file_keys, config);
    if (config->zones) {
        sl_zones_fini(&config->zones->store);
        sl_profiles_fini(&config->zones->profiles);
    }
    free(config->zones);
    free(config->path);
    memset(config, 0, sizeof(*config));
}

/* ---- what may change under a running walk ---- */

static bool differs(const struct sl_key *keys, const void *from, const void *to, const char *in, struct path *path);

static bool differs_in_list(const struct sl_key *key, const void *from, const void *to, struct path *path)
{
    struct path list = *path;
    if (*entry_cnt(key, from) != *entry_cnt(key, to))
        return true;
    for (uint32_t i = 0; i < *entry_cnt(key, from); i++) {
        const void *a = entry_of(key, from, i), *b = entry_of(key, to, i);
        *path = path_of("%s[%u]", list.text, i);
        if (key->kind == SL_KEY_LIST
                ? differs(key->keys, a, b, path_of("%s.", path->text).text, path)
                : strcmp(((const struct sl_line_config *)a)->url, ((const struct sl_line_config *)b)->url) != 0)
            return true;
    }
    return false;
}

static bool differs_in_word(const struct sl_key *key, const void *from, const void *to)
{
    const char *a = load_pointer(key, from), *b = load_pointer(key, to);
    return !a != !b || (a && strcmp(a, b));
}

/* path: of the first key that differs and is not live. */
static bool differs(const struct sl_key *keys, const void *from, const void *to, const char *in, struct path *path)
{
    bool differ = false;
    for (const struct sl_key *key = keys; !differ && key->name; key++) {
        *path = path_of("%s%s", in, key->name);
        if (key->live)
            continue;
        if (key->kind == SL_KEY_GROUP)
            differ = differs(key->keys, from, to, path_of("%s.", path->text).text, path);
        else if (key->kind == SL_KEY_LIST || key->kind == SL_KEY_LINES)
            differ = differs_in_list(key, from, to, path);
        else
            differ = key->kind == SL_KEY_WORD ? differs_in_word(key, from, to)
                                              : load_number(key, from) != load_number(key, to);
    }
    return differ;
}

bool sl_config_can_change(const struct sl_config *from, const struct sl_config *to, char key[SL_CONFIG_PATH_LEN])
{
    struct path path;
    bool differ = differs(file_keys, from, to, "", &path);
    snprintf(key, SL_CONFIG_PATH_LEN, "%s", differ ? path.text : "");
    return !differ;
}
