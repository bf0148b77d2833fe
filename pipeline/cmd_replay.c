#include "pipeline/commands.h"

#include "pipeline/clock.h"
#include "pipeline/event.h"
#include "pipeline/retell.h"
#include "pipeline/say.h"
#include "pipeline/show.h"
#include "pipeline/topo.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define URL_NOBODY "pcap:///capture" /* the path comes from the command line, where it may hold anything */
#define NAP_NS     10000000ll

/* A walk of our own on this one thread: what it puts on its tape is read behind every stage's poll, long before it is
 * overwritten, and there is nobody to wake. */
struct replay {
    const char *speed, *from, *to, *proto, *format, *framing;
    const char *config_path, *directory;
    struct sl_retell *retell; /* the journal; NULL: captures are played */
    bool json, notices;
    struct sl_config config;
    struct sl_topo topo;
    struct sl_walk_memory memory;
    struct sl_walk *walk;
    struct sl_log_rx tape;
    void *record; /* grows */
    uint32_t record_len;
    uint64_t missed_cnt;
    struct sl_show show;
};

#define JOURNAL_DIRECTORY "/var/lib/slugline"

/* ---- what to play ---- */

static bool take_format(void *to, char *value)
{
    *(const char **)to = value;
    return !strcmp(value, "auto") || sl_format_named(value, strlen(value));
}

static bool take_framing(void *to, char *value)
{
    *(const char **)to = value;
    for (const char *const *name = sl_framing_names; *name; name++)
        if (!strcmp(value, *name))
            return strcmp(value, "file") != 0;
    return false;
}

/* No value can bring a key of its own. */
static bool take_word(void *to, char *value)
{
    *(const char **)to = value;
    return *value && !strpbrk(value, "&?");
}

static int compose_line(const struct replay *replay, struct sl_line_config *line, char *err, size_t err_len)
{
    const struct {
        const char *key, *value;
    } keys[] = {
        {"speed",  replay->speed},
        { "from",  replay->from },
        { "to",    replay->to   },
        { "proto", replay->proto},
    };
    char url[256] = URL_NOBODY, mark = '?';
    size_t len = strlen(url);

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (!keys[i].value)
            continue;
        len += (size_t)snprintf(url + len, sizeof(url) - len, "%c%s=%s", mark, keys[i].key, keys[i].value);
        if (len >= sizeof(url)) {
            snprintf(err, err_len, "--%s: too long", keys[i].key);
            return -EINVAL;
        }
        mark = '&';
    }
    return sl_config_line(line, url, err, err_len);
}

/* The configuration of one feed, with what the options say of its line put in. */
static int configure(struct replay *replay, char **files, char *err, size_t err_len)
{
    struct sl_line_config line;
    char yaml[512];
    int rc = compose_line(replay, &line, err, err_len);
    if (rc)
        return rc;
    snprintf(yaml, sizeof(yaml),
             "node: replay\n"
             "tape: {name: replay, size: 64MiB, raw: 16MiB, socket: /replay}\n"
             "feeds:\n"
             "  - {name: replay, format: %s, %s%s%slines: [\"" URL_NOBODY "%s%s\"]}\n",
             replay->format, replay->framing ? "framing: " : "", replay->framing ? replay->framing : "",
             replay->framing ? ", " : "", replay->proto ? "?proto=" : "", replay->proto ? replay->proto : "");
    rc = sl_config_parse(&replay->config, "replay", yaml, strlen(yaml), err, err_len);
    if (rc)
        return rc;
    struct sl_line_config *own = &replay->config.feeds[0].lines[0];
    /* Which of the protocols is left, the framing has decided. */
    line.capture.udp = own->capture.udp;
    line.capture.tcp = own->capture.tcp;
    line.capture.more = files + 1;
    if (snprintf(line.path, sizeof(line.path), "%s", files[0]) >= (int)sizeof(line.path)) {
        snprintf(err, err_len, "%s: the path is too long", files[0]);
        rc = -ENAMETOOLONG;
    }
    *own = line;
    return rc;
}

/* The feeds as they were configured; without that one feed for all. */
static int configure_journal(struct replay *replay, char *err, size_t err_len)
{
    char yaml[512];
    snprintf(yaml, sizeof(yaml),
             "node: replay\n"
             "tape: {name: replay, size: 64MiB, raw: 64MiB, socket: /replay}\n"
             "feeds:\n"
             "  - {name: replay, format: %s, lines: [\"udp://127.0.0.1:1\"]}\n",
             replay->format);
    int rc = replay->config_path ? sl_config_read(&replay->config, replay->config_path, err, err_len)
                                 : sl_config_parse(&replay->config, "replay", yaml, strlen(yaml), err, err_len);
    if (rc)
        return rc;
    if (!replay->directory)
        replay->directory = replay->config.journal_directory ? replay->config.journal_directory : JOURNAL_DIRECTORY;
    sl_retell_prepare(&replay->config);
    return 0;
}

static bool read_end(const char *text, struct sl_retell_end *end)
{
    struct sl_moment moment = { .ns = end->ns };
    char word[64];
    if (!text)
        return true;
    if (snprintf(word, sizeof(word), "%s", text) >= (int)sizeof(word) || !sl_take_moment(&moment, word))
        return false;
    *end = (struct sl_retell_end){ moment.seq, moment.ns };
    return true;
}

static int open_journal(struct replay *replay, char *err, size_t err_len)
{
    struct sl_retell_config retell = {
        .config = &replay->config,
        .directory = replay->directory,
        .from = { .ns = INT64_MIN },
        .to = { .ns = INT64_MAX },
        .speed = 1,
        .by_name = replay->config_path,
    };
    uint64_t speed = 1;
    if (replay->speed && strcmp(replay->speed, "max") &&
        (!sl_config_count(replay->speed, &speed) || speed < 1 || speed > 1000000)) {
        snprintf(err, err_len, "--speed: '%s' is no speed; 1 to 1000000, or max, is expected", replay->speed);
        return -EINVAL;
    }
    retell.speed = replay->speed && !strcmp(replay->speed, "max") ? 0 : (uint32_t)speed;
    if (!read_end(replay->from, &retell.from) || !read_end(replay->to, &retell.to)) {
        snprintf(err, err_len, "--from and --to: SEQ or a time is expected, where the journal is played");
        return -EINVAL;
    }
    return sl_retell_open(&replay->retell, &retell, err, err_len);
}

/* ---- the walk ---- */

static int make_memory(struct replay *replay)
{
    struct sl_walk_memory *memory = &replay->memory;
    const struct sl_config *config = &replay->config;
    int rc = sl_mem_create(&memory->tape, "replay-tape", sl_topo_tape_footprint(config), SL_MEM_LOCAL);
    if (!rc)
        rc = sl_mem_create(&memory->raw, "replay-raw", sl_topo_raw_footprint(config), SL_MEM_LOCAL);
    if (!rc)
        rc =
            sl_mem_create(&memory->books, "replay-books", sl_topo_books_footprint(config, &replay->topo), SL_MEM_LOCAL);
    if (!rc && getrandom(&memory->epoch, sizeof(memory->epoch), 0) != (ssize_t)sizeof(memory->epoch))
        rc = -errno;
    memory->epoch |= !memory->epoch; /* 0 means none */
    return rc;
}

static int build(struct replay *replay, char *err, size_t err_len)
{
    int rc = sl_topo_plan(&replay->topo, &replay->config, 1, err, err_len);
    if (rc)
        return rc;
    rc = make_memory(replay);
    if (rc) {
        snprintf(err, err_len, "memory: %s", strerror(-rc));
        return rc;
    }
    rc = sl_walk_build(&replay->walk, &replay->config, &replay->topo, &replay->memory, NULL, NULL, 0, err, err_len);
    if (!rc)
        rc = sl_log_join_rx(&replay->tape, replay->memory.tape.addr, replay->memory.tape.len);
    return rc;
}

/* ---- reading ---- */

static int show_record(struct replay *replay)
{
    const struct sl_record *record = replay->record;
    struct sl_event event = { .epoch = replay->memory.epoch, .feed = "" };

    if (record->feed < replay->config.feed_cnt)
        event.feed = replay->config.feeds[record->feed].name;
    if (!sl_event_fine(record) || (sl_event_is_notice(record) && !replay->notices))
        return 0;
    if (!sl_event_read(&event, record))
        return -EPROTO;
    event.stamps.read_ns = sl_clock_real(NULL);
    if (!replay->json)
        sl_show_people(&replay->show, &event);
    else if (!sl_show_json(&replay->show, &event))
        return -ENOMEM;
    return 0;
}

static int read_tape(struct replay *replay)
{
    for (;;) {
        int got = sl_log_next(&replay->tape, replay->record, replay->record_len);
        if (got == -EMSGSIZE) {
            void *more = realloc(replay->record, 2 * (size_t)replay->record_len);
            if (!more)
                return -ENOMEM;
            replay->record = more;
            replay->record_len *= 2;
            continue;
        }
        if (got == SL_LOG_LAPPED)
            replay->missed_cnt += replay->tape.missed_last - replay->tape.missed_first + 1;
        else if (got != SL_LOG_RECORD)
            return got;
        int rc = got == SL_LOG_RECORD ? show_record(replay) : 0;
        if (rc)
            return rc;
    }
}

/* Every stage once.  How much was done, or -errno. */
static int poll_walk(struct replay *replay)
{
    uint32_t thread_cnt;
    struct sl_thread *threads = sl_walk_threads(replay->walk, &thread_cnt);
    int64_t now_ns = sl_clock_mono(NULL);
    int done = 0;

    for (uint32_t t = 0; t < thread_cnt; t++)
        for (uint32_t s = 0; s < threads[t].stage_cnt; s++) {
            int rc = threads[t].stages[s].poll(threads[t].stages[s].self, now_ns);
            if (rc < 0 && rc != -EAGAIN)
                return rc;
            done += rc != 0;
            rc = read_tape(replay);
            if (rc)
                return rc;
        }
    return done;
}

static bool is_over(const struct replay *replay)
{
    return !sl_books_sums(sl_walk_books(replay->walk), 0).lines_up && sl_walk_idle(replay->walk);
}

static void nap(void) { nanosleep(&(struct timespec){ .tv_nsec = NAP_NS / 10 }, NULL); }

/* Until the captures have ended, or somebody stops us.  What is inside goes on to the tape in any case. */
static int play(struct replay *replay)
{
    bool draining = false;
    int64_t end_ns = INT64_MAX;

    while (!ferror(stdout)) {
        int did = poll_walk(replay);
        if (did < 0)
            return did;
        if (did)
            continue;
        fflush(stdout);
        if (is_over(replay) || sl_clock_mono(NULL) > end_ns)
            return 0;
        if (sl_stopped && !draining) {
            sl_walk_drain(replay->walk);
            draining = true;
            end_ns = sl_clock_mono(NULL) + 5 * SL_TIME_NS;
        }
        nap();
    }
    return -EPIPE;
}

/* A message, and all that it says onto the tape, before the next: so that the order is that of then. */
static int play_journal(struct replay *replay)
{
    struct sl_rx_sink sink = sl_walk_sink(replay->walk, 0);

    while (!ferror(stdout)) {
        int did = poll_walk(replay);
        if (did < 0)
            return did;
        if (did || !sl_walk_idle(replay->walk))
            continue;
        int got = sl_stopped ? SL_RETELL_END : sl_retell_give(replay->retell, &sink, sl_clock_mono(NULL));
        if (got < 0 || got == SL_RETELL_END)
            return got < 0 ? got : 0;
        if (got == SL_RETELL_NOT_YET) {
            fflush(stdout);
            nap();
        }
    }
    return -EPIPE;
}

/* ---- the end ---- */

static bool tell_journal_books(const struct replay *replay)
{
    const struct sl_books *books = sl_walk_books(replay->walk);
    struct sl_retell_sums retold = sl_retell_sums(replay->retell);
    struct sl_feed_sums all = { 0 };
    char line[256];
    bool balance = sl_books_balance(books, line, sizeof(line));

    for (uint32_t f = 0; f < replay->config.feed_cnt; f++) {
        struct sl_feed_sums sums = sl_books_sums(books, f);
        all.framed += sums.framed;
        all.published += sums.published;
        all.duplicates += sums.duplicates;
        all.held += sums.held;
        all.rejected += sums.rejected;
    }
    fprintf(stderr,
            "slugline: replay: messages %" PRIu64 "  of other feeds %" PRIu64 "  damages %" PRIu64 "\n"
            "slugline: replay: framed %" PRIu64 "  published %" PRIu64 "  duplicates %" PRIu64 "  held %" PRIu64
            "  rejected %" PRIu64 "\n"
            "slugline: replay: books: %s%s\n",
            retold.given, retold.strangers, retold.damages, all.framed, all.published, all.duplicates, all.held,
            all.rejected, balance ? "balance" : "do not balance: ", balance ? "" : line);
    return balance && all.framed == retold.given && !all.rejected && !retold.damages && !retold.strangers;
}

/* On standard error, so that what is on the other can be piped on. */
static bool tell_books(const struct replay *replay)
{
    const struct sl_books *books = sl_walk_books(replay->walk);
    const sl_cell *rx = sl_books_rx(books, 0);
    struct sl_feed_sums sums = sl_books_sums(books, 0);
    char line[256];
    bool balance = sl_books_balance(books, line, sizeof(line));

    fprintf(stderr,
            "slugline: replay: packets %" PRIu64 "  used %" PRIu64 "  other %" PRIu64 "  bad %" PRIu64
            "  fragments lost %" PRIu64 "  gaps %" PRIu64 " (%" PRIu64 " bytes)\n"
            "slugline: replay: framed %" PRIu64 "  cut %" PRIu64 "  published %" PRIu64 "  duplicates %" PRIu64
            "  held %" PRIu64 "  rejected %" PRIu64 "  dropped %" PRIu64 "\n",
            sl_cell_get(&rx[SL_RX_PACKETS]), sl_cell_get(&rx[SL_RX_PACKETS_USED]),
            sl_cell_get(&rx[SL_RX_PACKETS_OTHER]), sl_cell_get(&rx[SL_RX_PACKETS_BAD]),
            sl_cell_get(&rx[SL_RX_FRAGMENTS_LOST]), sl_cell_get(&rx[SL_RX_GAPS]), sl_cell_get(&rx[SL_RX_GAP_BYTES]),
            sums.framed, sums.cut, sums.published, sums.duplicates, sums.held, sums.rejected, sums.dropped);
    fprintf(stderr, "slugline: replay: books: %s%s\n", balance ? "balance" : "do not balance: ", balance ? "" : line);
    if (replay->missed_cnt)
        fprintf(stderr, "slugline: replay: %" PRIu64 " records were overwritten before they were read\n",
                replay->missed_cnt);
    return balance && !replay->missed_cnt && !sums.rejected && !sums.cut && !sums.dropped &&
           !sl_cell_get(&rx[SL_RX_PACKETS_BAD]) && !sl_cell_get(&rx[SL_RX_GAPS]) &&
           !sl_cell_get(&rx[SL_RX_FRAGMENTS_LOST]);
}

static void clean_up(struct replay *replay)
{
    struct sl_mem *all[] = { &replay->memory.tape, &replay->memory.raw, &replay->memory.books };

    sl_walk_fini(replay->walk);
    sl_retell_close(replay->retell);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i]->addr)
            sl_mem_close(all[i]);
    sl_config_free(&replay->config);
    sl_show_fini(&replay->show);
    free(replay->record);
}

static int run(struct replay *replay)
{
    char err[512] = "";
    int rc = build(replay, err, sizeof(err));
    bool fine = false;

    if (rc) {
        fprintf(stderr, "slugline: replay: %s\n", err);
        return SL_EXIT_FINDING;
    }
    sl_hear_stop();
    signal(SIGPIPE, SIG_IGN);
    rc = replay->retell ? play_journal(replay) : play(replay);
    if (fflush(stdout))
        rc = -EPIPE;
    if (!rc)
        fine = replay->retell ? tell_journal_books(replay) : tell_books(replay);
    else if (rc != -EPIPE)
        fprintf(stderr, "slugline: replay: %s\n", strerror(-rc));
    return fine || rc == -EPIPE ? SL_EXIT_FINE : SL_EXIT_FINDING; /* head is a fine companion of replay */
}

int sl_cmd_replay(const struct sl_command *command, int argc, char **argv)
{
    static struct replay replay = { .format = "auto", .record_len = 64 * 1024 };
    char err[512] = "";
    /* clang-format off */
    static const struct sl_option options[] = {
        { 's', "speed", "N", "so many times as fast as it was recorded (1), or max: as fast as may be",
          take_word, &replay.speed, "1 to 1000000, or max," },
        { 'f', "from", "WHERE", "of a capture only what came from there: 192.0.2.1, :7901, 192.0.2.1:7901 or\n"
          "[2001:db8::1]:7901; of the journal what was published from there on: SEQ, or a time as\n"
          "2026-01-05T10:01:02Z (UTC where it names no zone)", take_word, &replay.from, "an address, SEQ or a time" },
        { 't', "to", "WHERE", "only what went there; what was published up to there", take_word, &replay.to,
          "an address, SEQ or a time" },
        { 'c', "config", "FILE", "of the journal: the configuration that its feeds had", sl_take_text,
          &replay.config_path, NULL },
        { 'd', "directory", "DIR", "the journal's; default: what the configuration says, else " JOURNAL_DIRECTORY,
          sl_take_text, &replay.directory, NULL },
        { 'p', "proto", "NAME", "udp or tcp; default: both, where the framing has a meaning in both",
          take_word, &replay.proto, "udp or tcp" },
        { 'F', "format", "NAME", "the format of all messages; auto (the default) recognizes each",
          take_format, &replay.format, "a format, or auto," },
        { 'm', "framing", "NAME", "what parts messages: datagram, control, length16, length32, line, fix, xml, mime,\n"
          "websocket, moldudp64; default: as slugline.yaml(5) says for the format", take_framing, &replay.framing,
          "a framing" },
        { 'j', "json", NULL, "a ninjs object a line", sl_take_flag, &replay.json, NULL },
        { 0, "notices", NULL, "also gaps, rejects and held bulletins", sl_take_flag, &replay.notices, NULL },
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);

    if (status >= 0)
        return status;
    bool journal = optind == argc;
    if (!journal && (replay.config_path || replay.directory))
        return sl_usage_refuse(command, "--config and --directory are of the journal, and do not go with a FILE");
    if (journal && (replay.proto || replay.framing))
        return sl_usage_refuse(command, "--proto and --framing are of captures, and there is no FILE");
    if (journal ? configure_journal(&replay, err, sizeof(err)) : configure(&replay, argv + optind, err, sizeof(err)))
        return sl_usage_refuse(command, "%s", err);
    status = journal ? open_journal(&replay, err, sizeof(err)) : 0;
    if (status == -EINVAL)
        return sl_usage_refuse(command, "%s", err);
    if (status) {
        fprintf(stderr, "slugline: replay: %s\n", err);
        return SL_EXIT_FINDING;
    }
    sl_say_init(SL_SAY_WARN);
    sl_show_init(&replay.show);
    replay.record = malloc(replay.record_len);
    status = replay.record ? run(&replay) : SL_EXIT_FINDING;
    clean_up(&replay);
    return status;
}
