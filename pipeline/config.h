/* pipeline/config.h - the configuration file, checked, with every value in its own unit.
 *
 *     file --> keys and places (one walk over YAML) --> words as written (libcyaml) --> values, names resolved
 *
 * Which keys there are, with default, unit and bounds, is a table in config.c; config_file.h says how one is added.
 *
 * Life      sl_config_read or sl_config_parse, sl_config_free.  Constant in between.
 * Threads   Read by any.  Reading itself is for one thread: it asks for users' groups and for hosts.
 * Owns      All strings and arrays are the struct's.
 * Errors    0 or -EINVAL (-errno where the file cannot be read), with file, line, column, what was expected and the
 *           nearest valid word in err.  After an error there is nothing to free.
 * Units     Written out in the file (64MiB, 5ms); bytes and ns here.
 * Source    deploy/slugline.yaml is the reference: every key, its default, its unit, and why one would change it.
 *
 * A host in tcp:// that is a name and not a number is asked for here and never again: who moves a host restarts.
 */
#ifndef SL_PIPELINE_CONFIG_H
#define SL_PIPELINE_CONFIG_H

#include "pipeline/nearest.h"
#include "pipeline/rx.h"
#include "pipeline/stages.h"

#define SL_LINES_PER_FEED_MAX 8u
#define SL_THREADS_MAX        32u
#define SL_SINKS_MAX          32u /* of a tape's seats */

/* rx brings frame along. */
enum sl_stage_kind { SL_STAGE_RX = 1, SL_STAGE_DECODE = 2, SL_STAGE_DESK = 4, SL_STAGE_WAKER = 8 };

struct sl_config_feed {
    char *name, *format; /* these are always there; NULL: not given */
    char *timezone, *charset, *provider, *profile, *language;
    struct sl_feed_facts facts; /* from the words above; its zones are all that the feeds name, and the agencies' own */
    enum sl_framing framing;
    struct sl_line_config *lines;
    uint32_t line_cnt;
    uint64_t message_max;
    int64_t message_ns;
    int64_t reorder_ns; /* framing moldudp64: how long a missing message is waited for */
    uint64_t park_len;  /* bytes that may wait behind it */
    uint64_t join_len;  /* format mrn: bytes of fragments that may wait for their story; 0: they do not */
    int64_t silence_ns; /* 0: no alarm when the feed is silent */
};

enum sl_sink_kind {
    SL_SINK_EXEC,
    SL_SINK_FILES,
    SL_SINK_TCP,
    SL_SINK_WEB,
    SL_SINK_MULTICAST,
    SL_SINK_JETSTREAM,
    SL_SINK_KIND_CNT
};
enum sl_sink_shape { SL_SINK_NINJS, SL_SINK_NITF, SL_SINK_TEXT, SL_SINK_BINARY };

struct sl_config_sink {
    char *name;
    enum sl_sink_kind type;
    char *where; /* NULL: all */
    char *state; /* the folder of its place */
    bool start_now; /* without a place: from now, not from the oldest */
    unsigned policy; /* enum sl_sink_policy (sink_queue.h) */
    uint64_t queue_len, spill_len;
    int64_t reconnect_ns; /* the longest pause between attempts */
    char *command; /* exec */
    bool acknowledges;
    char *directory, *file; /* files: the folder, and the template of names in it */
    enum sl_sink_shape shape;
    char *listen; /* tcp: where clients dial; line is the same, read */
    struct sl_line_config line;
    uint32_t client_max;
    char *group, *requests, *session; /* multicast: the group and the server that is asked, read; a session's prefix */
    struct sl_line_config group_line, request_line;
    uint64_t ttl, packet_len, rate; /* rate: bytes a second */
    int64_t heartbeat_ns;
    bool ends_at_stop; /* an orderly stop is the end of the session */
    char *certificate, *key, *authority; /* files of PEM; NULL: no TLS, or anybody's certificate */
    char *url, *stream, *subject; /* jetstream: servers, with commas between; the stream; the template of subjects */
    char *credentials; /* a file as nsc makes it; NULL: none */
    bool creates; /* the stream, when it is missing */
    int64_t outage_ns; /* for so long at least the stream must know a message again */
    uint32_t in_flight; /* messages under way at the same time */
};

struct sl_config_thread {
    int core; /* -1: not pinned */
    unsigned stages; /* of enum sl_stage_kind */
    uint32_t rx; /* which receive thread its decode serves: counted from 0 in file order */
    bool heavy; /* its decode takes only messages over heavy */
};

struct sl_config_zones; /* in config.c: what the feeds' facts point to */

struct sl_config {
    char *path;
    char *node;
    char *profiles; /* the folder; NULL: the program's own */
    /* threads */
    bool threads_auto;
    struct sl_config_thread *threads;
    uint32_t thread_cnt;
    int64_t idle_spin_ns; /* how long an idle thread spins before it sleeps; INT64_MAX: for ever */
    enum sl_rx_backend receive;
    uint64_t heavy;
    uint64_t ring_message, ring_answer; /* bytes of each byte ring, by pair of threads and lane */
    /* tape */
    char *tape_name;
    uint64_t tape_len, raw_len, hold_len;
    uint32_t window_cnt, tombstone_cnt, hold_cnt;
    int64_t gate_ns;
    char *socket; /* where readers ask for the tape */
    char *raw_group; /* who may map the raw log; NULL: only this user and root */
    char *group; /* who may read the tape; NULL: only this user and root */
    /* journal */
    char *journal_directory; /* NULL: there is none */
    int64_t journal_sync_ns; /* how long a record may wait for others; INT64_MAX: the kernel may keep it */
    int64_t journal_keep_ns; /* 0: for ever */
    uint64_t journal_keep_len; /* of each family; 0: without bound */
    uint64_t journal_segment;
    /* feeds */
    struct sl_config_feed *feeds;
    uint32_t feed_cnt;
    struct sl_config_sink *sinks;
    uint32_t sink_cnt;
    struct sl_config_zones *zones;
};

/* The words of the file for its enums, NULL at the end; of stages, by their bits from the lowest. */
extern const char *const sl_stage_names[], *const sl_receive_names[], *const sl_framing_names[];
extern const char *const sl_sink_names[], *const sl_sink_policy_names[], *const sl_sink_shape_names[];

/* path "-": standard input.  Also resolves interfaces, groups, hosts and zones, so that what is accepted can start. */
int sl_config_read(struct sl_config *config, const char *path, char *err, size_t err_len);
/* The same from memory, for tests and the demo; name stands in messages. */
int sl_config_parse(struct sl_config *config, const char *name, const char *yaml, size_t len, char *err,
                    size_t err_len);
void sl_config_free(struct sl_config *config);

/* The longest message of any feed. */
uint64_t sl_config_message_max(const struct sl_config *config);

#define SL_CONFIG_PATH_LEN 64u /* "feeds[255].message_time" */

/* What a running walk can take over without a restart: the keys whose rows are live.  Else key is the path of the first
 * that it cannot. */
bool sl_config_can_change(const struct sl_config *from, const struct sl_config *to, char key[SL_CONFIG_PATH_LEN]);

/* ---- values as the file writes them (units.c).  The whole string, or false.  No sign, no fraction, no leading zero,
 * which some read as octal, and no size or duration without its unit. ---- */

enum sl_config_unit { SL_CONFIG_SIZE, SL_CONFIG_DURATION, SL_CONFIG_COUNT };

bool sl_config_number(enum sl_config_unit unit, const char *text, uint64_t *value);
bool sl_config_size(const char *text, uint64_t *bytes); /* "64MiB": B, KiB, MiB, GiB, TiB */
bool sl_config_duration(const char *text, int64_t *ns); /* "5ms": ns, us, ms, s, m, h, d */
bool sl_config_count(const char *text, uint64_t *cnt); /* "4096" */
/* Why one of them said false, and what would have been right; like snprintf. */
int sl_config_explain(char *why, size_t why_len, enum sl_config_unit unit, const char *text);
/* Reads one that must lie between two; else why says what it is, or by which bounds it is wrong. */
bool sl_config_within(enum sl_config_unit unit, const char *text, uint64_t min, uint64_t max, uint64_t *value,
                      char *why, size_t why_len);
/* The way back, in the largest unit that divides it: "64MiB". */
struct sl_config_text {
    char text[32];
};
struct sl_config_text sl_config_written(enum sl_config_unit unit, uint64_t value);

/* ---- lines (line_url.c) ---- */

/* "udp://239.1.1.1:5001?interface=lo", "tcp://host:port", "tcp-listen://:port?from=CIDR", "spool:///folder",
 * "pcap:///file?to=:5001".  feed is left 0. */
int sl_config_line(struct sl_line_config *line, const char *url, char *err, size_t err_len);

#endif
