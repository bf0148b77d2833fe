#include "pipeline/commands.h"

#include "pipeline/clock.h"
#include "pipeline/config.h"
#include "pipeline/facts.h"
#include "pipeline/gen.h"
#include "pipeline/hist.h"
#include "pipeline/numbered.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define OUTLETS_MAX 8u
#define OPEN_NS     (10 * SL_TIME_NS) /* how long the other side of a stream may take to be there */
#define FLUSH_NS    (10 * SL_TIME_NS) /* and to read the rest at the end */
#define SLICE_NS    100000000ll /* how long a signal may go unheard */
#define ASKED_NS    50000ll
#define NAP_MIN_NS  20000ll /* a shorter sleep costs more than it gives back */

struct sender {
    const char *urls[OUTLETS_MAX];
    struct sl_outlet outlets[OUTLETS_MAX];
    uint32_t outlet_cnt;
    uint64_t rate, burst, count, seed;
    int64_t for_ns;
    struct sl_gen_shape shape;
    bool json, slow_writers;
    struct sl_gen gen;
    uint8_t *message;
    int64_t start_ns; /* CLOCK_REALTIME */
    uint64_t made, lanes[SL_LANE_CNT], errors[SL_GEN_ERROR_CNT];
    struct sl_hist late;
    bool is_numbered;
    struct sl_numbered_config numbering;
    struct sl_numbered numbered;
};

/* ---- options ---- */

static bool take_to(void *to, char *url)
{
    struct sender *sender = to;

    if (sender->outlet_cnt == OUTLETS_MAX)
        return false;
    sender->urls[sender->outlet_cnt++] = url;
    return true;
}

static bool take_size(void *to, char *text)
{
    struct sl_gen_shape *shape = to;
    char low[32];
    const char *dots = strstr(text, "..");
    uint64_t min, max;
    size_t len = dots ? (size_t)(dots - text) : strlen(text);

    if (len >= sizeof(low))
        return false;
    memcpy(low, text, len);
    low[len] = '\0';
    if (!sl_config_size(low, &min) || !sl_config_size(dots ? dots + 2 : low, &max))
        return false;
    if (min < SL_GEN_SIZE_MIN || max < min || max > SL_GEN_SIZE_MAX)
        return false;
    shape->size_min = (uint32_t)min;
    shape->size_max = (uint32_t)max;
    return true;
}

/* "NAME:VALUE,NAME:VALUE": the next pair; value ends with NUL.  False at the end and where there is none. */
static bool next_pair(char **rest, char **name, char **value)
{
    char *pair = strsep(rest, ",");

    if (!pair)
        return false;
    *name = strsep(&pair, ":");
    *value = pair;
    return pair != NULL;
}

static bool take_lanes(void *to, char *text)
{
    struct sl_gen_shape *shape = to;
    char *name, *value;
    uint64_t weight;

    while (text) {
        unsigned lane = 0;
        if (!next_pair(&text, &name, &value) || !sl_config_count(value, &weight) || weight > 1000000)
            return false;
        while (lane < SL_LANE_CNT && strcmp(sl_lane_name(lane), name))
            lane++;
        if (lane == SL_LANE_CNT)
            return false;
        shape->lanes[lane] = (uint32_t)weight;
    }
    return shape->lanes[0] + shape->lanes[1] + shape->lanes[2] + shape->lanes[3] > 0;
}

static bool take_errors(void *to, char *text)
{
    struct sl_gen_shape *shape = to;
    char *name, *value, *end;

    while (text) {
        unsigned error = SL_GEN_FINE + 1;
        if (!next_pair(&text, &name, &value))
            return false;
        double percent = strtod(value, &end);
        while (error < SL_GEN_ERROR_CNT && strcmp(sl_gen_error_name(error), name))
            error++;
        if (error == SL_GEN_ERROR_CNT || end == value || strcmp(end, "%") || !(percent >= 0 && percent <= 100))
            return false;
        shape->error_ppm[error] = (uint32_t)(percent * 10000 + 0.5);
    }
    return true;
}

/* "1%" or "0.01%", in parts of a million. */
static bool take_share(void *to, char *text)
{
    char *end;
    double percent = strtod(text, &end);
    *(uint32_t *)to = (uint32_t)(percent * 10000 + 0.5);
    return end != text && !strcmp(end, "%") && percent >= 0 && percent <= 100;
}

static bool take_skew(void *to, char *text) { return sl_take_duration(to, text) && *(int64_t *)to <= SL_TIME_NS; }

static bool take_pack(void *to, char *text)
{
    uint64_t cnt;
    *(uint32_t *)to = sl_take_count(&cnt, text) && cnt <= 1000 ? (uint32_t)cnt : 0;
    return *(uint32_t *)to > 0;
}

static bool take_session(void *to, char *text)
{
    snprintf(to, SL_MOLD_SESSION_LEN + 1, "%s", text);
    return strlen(text) <= SL_MOLD_SESSION_LEN && *text;
}

/* "5000", or "5000/s". */
static bool take_rate(void *to, char *text)
{
    size_t len = strlen(text);

    if (len > 2 && !strcmp(text + len - 2, "/s"))
        text[len - 2] = '\0';
    return sl_take_count(to, text) && *(uint64_t *)to <= SL_TIME_NS;
}

static bool take_format(void *to, char *text)
{
    struct sl_gen_shape *shape = to;
    const struct sl_format *format = sl_format_named(text, strlen(text));

    shape->format = format ? format->id : SL_FORMAT_CNT;
    return sl_gen_size_min(shape->format);
}

static bool take_service(void *to, char *text)
{
    struct sl_gen_shape *shape = to;

    if (strlen(text) >= sizeof(shape->service))
        return false;
    strcpy(shape->service, text);
    return true;
}

/* ---- sending ---- */

static int64_t due_of(const struct sender *sender, uint64_t idx)
{
    uint64_t first = idx / sender->burst * sender->burst;
    /* Whole seconds apart from the rest: nothing is lost by rounding, and nothing overflows. */
    uint64_t seconds = first / sender->rate, rest = first % sender->rate;
    return sender->start_ns + (int64_t)(seconds * (uint64_t)SL_TIME_NS + rest * (uint64_t)SL_TIME_NS / sender->rate);
}

static int flush_all(struct sender *sender, int64_t timeout_ns)
{
    for (uint32_t i = 0; i < sender->outlet_cnt; i++) {
        int rc = sl_outlet_flush(&sender->outlets[i], timeout_ns);
        if (rc)
            return rc;
    }
    return 0;
}

static bool has_backlog(const struct sender *sender)
{
    for (uint32_t i = 0; i < sender->outlet_cnt; i++)
        if (sender->outlets[i].backlog_len)
            return true;
    return false;
}

/* Who asks again does not ring, so that he is looked for often. */
static int64_t nap_of_numbered(const struct sender *sender, int64_t left_ns, int64_t now_ns)
{
    int64_t due_ns = sl_numbered_due_ns(&sender->numbered) - now_ns;
    left_ns = due_ns < left_ns ? due_ns : left_ns;
    return sender->numbering.server && left_ns > ASKED_NS ? ASKED_NS : left_ns > 0 ? left_ns : 0;
}

static int wait_until(struct sender *sender, int64_t due_ns)
{
    while (!sl_stopped) {
        int64_t now_ns = sl_clock_real(NULL), left_ns = due_ns - now_ns;
        int rc = sender->is_numbered ? sl_numbered_poll(&sender->numbered, now_ns)
                 : left_ns > 0       ? flush_all(sender, 0)
                                     : 0;
        if (rc || left_ns <= 0)
            return rc;
        if (sender->is_numbered)
            left_ns = nap_of_numbered(sender, left_ns, now_ns);
        if (left_ns < NAP_MIN_NS)
            continue;
        if (has_backlog(sender) && left_ns > SL_TIME_NS / 1000)
            left_ns = SL_TIME_NS / 1000;
        nanosleep(&(struct timespec){ .tv_nsec = left_ns < SLICE_NS ? left_ns : SLICE_NS }, NULL);
    }
    return -ECANCELED;
}

static int send_one(struct sender *sender, int64_t due_ns, int64_t next_due_ns)
{
    enum sl_lane lane;
    uint32_t len;
    int rc = sl_gen_message(&sender->gen, sender->message, sender->shape.size_max, due_ns, &len, &lane);

    if (!rc && sender->is_numbered)
        rc = sl_numbered_add(&sender->numbered, sender->message, len, due_ns);
    if (!rc && sender->is_numbered && next_due_ns != due_ns)
        sl_numbered_close(&sender->numbered);
    for (uint32_t i = 0; !rc && !sender->is_numbered && i < sender->outlet_cnt; i++)
        rc = sl_outlet_send(&sender->outlets[i], sender->message, len);
    if (rc)
        return rc;
    sender->made++;
    sender->lanes[lane]++;
    sender->errors[sender->gen.error]++;
    sl_hist_record(&sender->late, sl_clock_real(NULL) - due_ns);
    return 0;
}

/* The session ends, and who still misses something may ask for it a while. */
static int end_numbered(struct sender *sender)
{
    int rc = 0;
    sl_numbered_end(&sender->numbered, sl_clock_real(NULL));
    while (!rc && !sl_numbered_done(&sender->numbered, sl_clock_real(NULL)) && !sl_stopped)
        rc = wait_until(sender, sl_clock_real(NULL) + ASKED_NS);
    return rc == -ECANCELED ? 0 : rc;
}

static int send_all(struct sender *sender)
{
    int rc = 0;

    sender->start_ns = sl_clock_real(NULL);
    for (uint64_t idx = 0; !rc && (!sender->count || idx < sender->count); idx++) {
        int64_t due_ns = due_of(sender, idx);
        if (sender->for_ns && due_ns - sender->start_ns >= sender->for_ns)
            break;
        rc = wait_until(sender, due_ns);
        if (!rc)
            rc = send_one(sender, due_ns, due_of(sender, idx + 1));
    }
    /* Interrupted is not broken: what was begun goes out whole. */
    bool interrupted = rc == -ECANCELED;
    sl_stopped = 0;
    if ((!rc || interrupted) && sender->is_numbered)
        rc = end_numbered(sender);
    if (!rc || interrupted)
        rc = flush_all(sender, FLUSH_NS);
    return rc;
}

/* ---- the summary ---- */

static uint64_t count_unsent(const struct sender *sender)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < sender->outlet_cnt; i++)
        bytes += sender->outlets[i].backlog_len;
    return bytes;
}

static void print_numbered(const struct sender *sender)
{
    const struct sl_numbered *numbered = &sender->numbered;
    for (uint32_t i = 0; sender->is_numbered && i < numbered->line_cnt; i++)
        printf("line %c  packets %" PRIu64 "  lost %" PRIu64 "  twice %" PRIu64 "  swapped %" PRIu64 "\n",
               'A' + (char)i, numbered->lines[i].sent, numbered->lines[i].lost, numbered->lines[i].twice,
               numbered->lines[i].swapped);
    if (sender->numbering.server)
        printf("asked %" PRIu64 " times, answered with %" PRIu64 " messages\n", numbered->asked, numbered->answered);
}

static void print_people(const struct sender *sender, double seconds)
{
    printf("made %" PRIu64 " in %.2f s, %.0f/s  late p50 %.1f us  p99 %.1f us  max %.1f us\n", sender->made, seconds,
           seconds > 0 ? (double)sender->made / seconds : 0.0, (double)sl_hist_percentile(&sender->late, 50) / 1e3,
           (double)sl_hist_percentile(&sender->late, 99) / 1e3, (double)sender->late.max / 1e3);
    for (uint32_t i = 0; i < sender->outlet_cnt; i++)
        printf("%s  sent %" PRIu64 "  %" PRIu64 " bytes  refused %" PRIu64 "  unsent %u bytes\n", sender->urls[i],
               sender->outlets[i].sent, sender->outlets[i].bytes, sender->outlets[i].refused,
               sender->outlets[i].backlog_len);
    print_numbered(sender);
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        printf("%s %" PRIu64 "  ", sl_lane_name(lane), sender->lanes[lane]);
    for (unsigned error = SL_GEN_FINE + 1; error < SL_GEN_ERROR_CNT; error++)
        if (sender->errors[error])
            printf("%s %" PRIu64 "  ", sl_gen_error_name(error), sender->errors[error]);
    putchar('\n');
}

static void tell_numbered(const struct sender *sender, struct sl_facts *facts)
{
    const struct sl_numbered *numbered = &sender->numbered;
    if (!sender->is_numbered)
        return;
    sl_facts_open(facts, "numbered", '{');
    sl_facts_numbers(facts, { "messages", numbered->next - 1 }, { "asked", numbered->asked },
                     { "answered", numbered->answered });
    sl_facts_open(facts, "lines", '[');
    for (uint32_t i = 0; i < numbered->line_cnt; i++) {
        const struct sl_numbered_line *line = &numbered->lines[i];
        sl_facts_object(facts, NULL, { "packets", line->sent }, { "lost", line->lost }, { "twice", line->twice },
                        { "swapped", line->swapped });
    }
    sl_facts_close(facts, ']');
    sl_facts_close(facts, '}');
}

static void tell_programs(const struct sender *sender, double seconds)
{
    struct sl_facts facts = { 0 };

    sl_facts_open(&facts, NULL, '{');
    sl_facts_number(&facts, "made", sender->made);
    sl_facts_real(&facts, "seconds", seconds);
    sl_facts_object(&facts, "late", { "p50", sl_hist_percentile(&sender->late, 50) },
                    { "p99", sl_hist_percentile(&sender->late, 99) }, { "max", sender->late.max });
    sl_facts_open(&facts, "lines", '[');
    for (uint32_t i = 0; i < sender->outlet_cnt; i++) {
        sl_facts_object(&facts, NULL, { "sent", sender->outlets[i].sent }, { "bytes", sender->outlets[i].bytes },
                        { "refused", sender->outlets[i].refused }, { "unsent", sender->outlets[i].backlog_len });
    }
    sl_facts_close(&facts, ']');
    tell_numbered(sender, &facts);
    sl_facts_open(&facts, "lanes", '{');
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++)
        sl_facts_number(&facts, sl_lane_name(lane), sender->lanes[lane]);
    sl_facts_close(&facts, '}');
    sl_facts_open(&facts, "errors", '{');
    for (unsigned error = SL_GEN_FINE + 1; error < SL_GEN_ERROR_CNT; error++)
        sl_facts_number(&facts, sl_gen_error_name(error), sender->errors[error]);
    sl_facts_close(&facts, '}');
    sl_facts_close(&facts, '}');
    putchar('\n');
}

/* ---- the command ---- */

static int open_numbered(struct sender *sender)
{
    char err[256];
    for (uint32_t i = 0; i < sender->outlet_cnt; i++)
        if (!sl_line_is_datagram(&sender->outlets[i].line) && sender->outlets[i].line.kind != SL_LINE_CAPTURE) {
            fprintf(stderr, "slugline: gen: %s: no datagrams go there to be numbered\n", sender->urls[i]);
            return SL_EXIT_USAGE;
        }
    sender->numbering.seed = sender->seed;
    int rc =
        sl_numbered_init(&sender->numbered, &sender->numbering, sender->outlets, sender->outlet_cnt, err, sizeof(err));
    if (!rc)
        return -1;
    sender->is_numbered = false;
    fprintf(stderr, "slugline: gen: %s\n", err);
    return rc == -EINVAL ? SL_EXIT_USAGE : SL_EXIT_NO_DAEMON;
}

static int open_outlets(struct sender *sender)
{
    for (uint32_t i = 0; i < sender->outlet_cnt; i++) {
        char err[256];
        int rc = sl_outlet_open(&sender->outlets[i], sender->urls[i], sender->shape.size_max, OPEN_NS, &sl_stopped, err,
                                sizeof(err));
        if (rc) {
            fprintf(stderr, "slugline: gen: %s: %s\n", sender->urls[i], err);
            sender->outlet_cnt = i;
            return rc == -EINVAL ? SL_EXIT_USAGE : SL_EXIT_NO_DAEMON;
        }
        sender->outlets[i].slow = sender->slow_writers;
    }
    return sender->is_numbered ? open_numbered(sender) : -1;
}

static int send_and_tell(struct sender *sender)
{
    int rc = send_all(sender);
    double seconds = (double)(sl_clock_real(NULL) - sender->start_ns) / 1e9;

    if (rc)
        fprintf(stderr, "slugline: gen: %s\n", rc == -EPIPE ? "the other side hung up" : strerror(-rc));
    if (sender->json)
        tell_programs(sender, seconds);
    else
        print_people(sender, seconds);
    return rc || count_unsent(sender) ? SL_EXIT_FINDING : SL_EXIT_FINE;
}

int sl_cmd_gen(const struct sl_command *command, int argc, char **argv)
{
    static struct sender sender = {
        .rate = 1000,
        .burst = 1,
        .seed = 1,
        .numbered.server_fd = -1,
        .numbering = {.pack = 1, .packet_max = 1400, .linger_ns = SL_TIME_NS, .session = "SYN"}
    };
    struct sl_numbered_config *numbering = &sender.numbering;
    /* clang-format off */
    const struct sl_option options[] = {
        { 't', "to", "URL", "udp://239.1.1.1:5001?interface=lo, tcp://127.0.0.1:7901 or tcp-listen://127.0.0.1:7901;\n"
          "spool:///folder, a file for each message; pcap:///file?to=239.1.1.1:5001, as datagrams that were recorded;\n"
          "every message goes to all of them, as the lines of one wire", take_to, &sender, "at most 8 lines" },
        { 'r', "rate", "N", "messages a second (1000)", take_rate, &sender.rate, "messages a second" },
        { 'b', "burst", "N", "as many at once, at the same average rate (1)",
          sl_take_count, &sender.burst, "a number from 1" },
        { 'n', "count", "N", "stop after N messages", sl_take_count, &sender.count, "a number from 1" },
        { 'd', "for", "TIME", "stop after this time (10s where --count is not given)",
          sl_take_duration, &sender.for_ns, "a time such as 10s" },
        { 'z', "size", "SIZE", "of a message: 4KiB, or 512B..8KiB (the default; nitf from 1KiB), small ones more often",
          take_size, &sender.shape, "512B to 16MiB, or a range such as 512B..8KiB" },
        { 'l', "lanes", "LIST", "weights: flash:1,urgent:4,normal:80,bulk:15",
          take_lanes, &sender.shape, "weights such as flash:1,bulk:9" },
        { 'e', "errors", "LIST", "on purpose: garbage:1%,cut:0.1%,header:1%,control:1%,twice:5%",
          take_errors, &sender.shape, "shares such as garbage:1%,cut:0.1%" },
        { 'f', "format", "NAME", "iptc7901 (the default), anpa1312 or nitf", take_format, &sender.shape,
          "iptc7901, anpa1312 or nitf" },
        { 'w', "service", "NAME", "1 to 7 small letters that no other wire here has (syn)",
          take_service, &sender.shape, "1 to 7 small letters" },
        { 'S', "seed", "N", "another seed, other messages (1)", sl_take_number, &sender.seed, "a number" },
        { 'W', "slow", NULL, "files are written in their place, the second half when the next one is due",
          sl_take_flag, &sender.slow_writers, NULL },
        { 'N', "numbered", NULL, "datagrams of MoldUDP64, the lines A, B ... by what --to says; with it:",
          sl_take_flag, &sender.is_numbered, NULL },
        { 0, "lost", "SHARE", "of the packets on each line, by itself: 1%", take_share, &numbering->lost_ppm,
          "a share such as 1%" },
        { 0, "gone", "SHARE", "of the packets on all lines at once: 0.1%", take_share, &numbering->lost_on_all_ppm,
          "a share such as 0.1%" },
        { 0, "doubled", "SHARE", "that come twice", take_share, &numbering->twice_ppm, "a share such as 1%" },
        { 0, "swapped", "SHARE", "that come after the one that follows", take_share, &numbering->swapped_ppm,
          "a share such as 5%" },
        { 0, "skew", "TIME", "each line behind the one before it: 100us", take_skew, &numbering->skew_ns,
          "a time of at most 1s" },
        { 0, "pack", "N", "messages of one burst in a packet, while they fit into 1400 bytes (1)", take_pack,
          &numbering->pack, "1 to 1000" },
        { 0, "session", "NAME", "1 to 10 letters (SYN)", take_session, numbering->session, "1 to 10 letters" },
        { 0, "server", "ADDRESS", "where packets may be asked for again: 127.0.0.1:6001, until a second after the end",
          sl_take_text, &numbering->server, NULL },
        { 'j', "json", NULL, "the summary as one object", sl_take_flag, &sender.json, NULL },
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);

    if (status >= 0)
        return status;
    if (!sender.outlet_cnt)
        return sl_usage_refuse(command, "--to URL expected");
    if (!sender.count && !sender.for_ns)
        sender.for_ns = 10 * SL_TIME_NS;
    if (sender.shape.size_max && sender.shape.format && sender.shape.size_min < sl_gen_size_min(sender.shape.format))
        return sl_usage_refuse(command, "--size of at least %uB expected with --format nitf", SL_GEN_NITF_SIZE_MIN);
    if (sl_gen_init(&sender.gen, sender.seed, &sender.shape))
        return sl_usage_refuse(command,
                               "--service of 1 to 7 small letters, and --errors of at most 100%% together expected");
    sender.shape = sender.gen.shape;
    sender.message = malloc(sender.shape.size_max);
    if (!sender.message)
        return SL_EXIT_FINDING;
    sl_hear_stop();
    /* The kernel may round sleeps up by 50 us to spare wake-ups; a schedule should not be. */
    prctl(PR_SET_TIMERSLACK, 1);
    status = open_outlets(&sender);
    if (status < 0)
        status = send_and_tell(&sender);
    if (sender.is_numbered)
        sl_numbered_fini(&sender.numbered);
    for (uint32_t i = 0; i < sender.outlet_cnt; i++)
        sl_outlet_close(&sender.outlets[i]);
    free(sender.message);
    return status;
}
