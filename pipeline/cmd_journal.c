#include "pipeline/commands.h"

#include "pipeline/event.h"
#include "pipeline/facts.h"
#include "pipeline/catalog.h"
#include "pipeline/roster.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct command {
    const char *directory;
    struct sl_moment from;
    uint64_t count;
    bool raw, json;
    char *line; /* of JSON; grows */
    size_t line_cap;
    struct sl_roster roster; /* of the records at hand */
    uint64_t damage_cnt, torn_cnt, record_cnt, lost_cnt, hole_cnt;
};

static int refuse(const struct command *command, int rc)
{
    fprintf(stderr, "slugline: journal: %s: %s\n", command->directory, strerror(-rc));
    return SL_EXIT_FINDING;
}

/* ---- ls ---- */

struct row {
    char file[64];
    uint64_t first_seq, last_seq, record_cnt, len;
    int64_t first_ns, last_ns;
    const char *state;
};

/* A segment that was not ended has to be read for what the others say at once. */
static void count_records(struct sl_segment_scan *scan, struct sl_segment_end *end)
{
    struct sl_segment_index index = { 0 };
    for (int rc; (rc = sl_segment_scan_next(scan)) > SL_SEGMENT_END;)
        if (rc == SL_SEGMENT_RECORD)
            sl_segment_index_add(&index, scan->record, scan->record_off);
    *end = index.end;
    sl_segment_index_clear(&index);
}

static void look_at(const struct sl_catalog *catalog, const struct sl_catalog_file *file, enum sl_family family,
                    struct row *row)
{
    struct sl_segment_scan scan;
    int fd = openat(catalog->folder, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct sl_segment_source source = sl_catalog_source(&fd, file->len);
    *row = (struct row){ .len = file->len, .state = "no head" };
    snprintf(row->file, sizeof(row->file), "%s/%s", sl_family_name(family), file->name);
    if (fd < 0)
        return;
    if (!sl_segment_scan_open(&scan, &source, 0)) {
        struct sl_segment_end end = scan.end;
        row->state = scan.ended ? "ended" : "open";
        if (!scan.ended)
            count_records(&scan, &end);
        row->first_seq = end.first_seq;
        row->last_seq = end.last_seq;
        row->record_cnt = end.record_cnt;
        row->first_ns = end.first_ns;
        row->last_ns = end.last_ns;
        sl_segment_scan_close(&scan);
    }
    close(fd);
}

static void print_row(const struct command *command, const struct row *row)
{
    struct sl_facts facts = { 0 };
    if (!command->json) {
        printf("%-24s%14" PRIu64 "%14" PRIu64 "%11" PRIu64 "%13" PRIu64 "  %s\n", row->file, row->first_seq,
               row->last_seq, row->record_cnt, row->len, row->state);
        return;
    }
    sl_facts_open(&facts, NULL, '{');
    sl_facts_text(&facts, "file", row->file);
    sl_facts_text(&facts, "state", row->state);
    sl_facts_numbers(&facts, { "firstSeq", row->first_seq }, { "lastSeq", row->last_seq },
                     { "records", row->record_cnt }, { "bytes", row->len }, { "firstNs", row->first_ns },
                     { "lastNs", row->last_ns });
    sl_facts_close(&facts, '}');
    putchar('\n');
}

static int list(struct command *command)
{
    if (!command->json)
        printf("%-24s%14s%14s%11s%13s  %s\n", "segment", "first", "last", "records", "bytes", "state");
    for (unsigned family = 0; family < SL_FAMILY_CNT; family++) {
        struct sl_catalog catalog;
        int rc = sl_catalog_list(&catalog, command->directory, (enum sl_family)family);
        if (rc == -ENOENT && family != SL_FAMILY_TAPE)
            continue;
        if (rc)
            return refuse(command, rc);
        for (uint32_t i = 0; i < catalog.cnt; i++) {
            struct row row;
            look_at(&catalog, &catalog.files[i], (enum sl_family)family, &row);
            print_row(command, &row);
        }
        sl_catalog_clear(&catalog);
    }
    return SL_EXIT_FINE;
}

/* ---- damage, for cat and verify ---- */

static void note_damage(struct command *command, const struct sl_catalog_event *event)
{
    const struct sl_segment_damage *damage = &event->damage;
    bool torn = event->got == SL_SEGMENT_TORN;
    if (torn)
        command->torn_cnt++;
    else
        command->damage_cnt++;
    uint64_t lost = damage->first_seq ? damage->last_seq - damage->first_seq + 1 : 0;
    command->lost_cnt += lost;
    fflush(stdout);
    fprintf(stderr, "slugline: journal: %s: ", event->file);
    if (damage->len)
        fprintf(stderr, "%s at offset %" PRIu64 ", %" PRIu64 " bytes", torn ? "torn tail" : "damage", damage->off,
                damage->len);
    else
        fprintf(stderr, "records are missing before offset %" PRIu64, damage->off);
    if (lost)
        fprintf(stderr, ", seq %" PRIu64 " to %" PRIu64, damage->first_seq, damage->last_seq);
    fputc('\n', stderr);
}

/* ---- cat ---- */

static bool print_json(struct command *command, const struct sl_event *event)
{
    size_t len = sl_event_json(command->line, command->line_cap, event);
    if (len > command->line_cap) {
        free(command->line);
        command->line_cap = 2 * len;
        command->line = malloc(command->line_cap);
        if (!command->line)
            return false;
        len = sl_event_json(command->line, command->line_cap, event);
    }
    fwrite(command->line, 1, len, stdout);
    putchar('\n');
    return true;
}

static struct sl_slice title_of(const struct sl_event *event)
{
    struct sl_slice title = event->notice_text;
    if (event->type == SL_EVENT_BULLETIN)
        title = sl_bulletin_text(event->bulletin, SL_TEXT_HEADLINE);
    return title;
}

/* As it was configured when the record was written.  "": it is of none, or the journal does not say. */
static const char *feed_of(struct command *command, enum sl_family family, const struct sl_record *record)
{
    const char *name = record->kind == SL_RECORD_HOLE
                           ? NULL
                           : sl_roster_name(&command->roster, command->directory, family, record->seq, record->feed);
    return name ? name : "";
}

static const char *or_dash(const char *name) { return *name ? name : "-"; }

static void print_line(const struct sl_record *record, const struct sl_event *event)
{
    struct sl_slice title = title_of(event);
    printf("%" PRIu64 " %016" PRIx64 " %-6s %-8s %s ", record->seq, record->epoch, sl_lane_name(record->lane),
           sl_record_kind_name(record->kind), or_dash(event->feed));
    if (event->notice_cnt)
        printf("%" PRIu64 " to %" PRIu64 " ", event->notice_first, event->notice_first + event->notice_cnt - 1);
    fwrite(title.data, 1, title.len, stdout);
    putchar('\n');
}

static bool print_record(struct command *command, const struct sl_record *record)
{
    enum sl_family family = command->raw ? SL_FAMILY_RAW : SL_FAMILY_TAPE;
    struct sl_event event = { .epoch = record->epoch, .feed = feed_of(command, family, record) };
    if (command->raw && record->kind != SL_RECORD_HOLE) {
        printf("--- %" PRIu64 " %s %s: %zu bytes\n", record->seq, sl_record_kind_name(record->kind),
               or_dash(event.feed), record->len - sizeof(*record));
        sl_print_bytes((const uint8_t *)(record + 1), record->len - sizeof(*record));
        return true;
    }
    if (!sl_event_fine(record) || !sl_event_read(&event, record)) {
        fprintf(stderr, "slugline: journal: seq %" PRIu64 ": whole, but no record of this version\n", record->seq);
        command->damage_cnt++;
        return true;
    }
    if (command->json)
        return print_json(command, &event);
    print_line(record, &event);
    return true;
}

static int read_through(struct command *command, enum sl_family family,
                        bool (*take)(struct command *, const struct sl_record *))
{
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    int rc = sl_cursor_open(&cursor, command->directory, family, command->from.seq, command->from.ns);
    if (rc)
        return rc;
    uint64_t taken = 0;
    while ((!command->count || taken < command->count) && !ferror(stdout) &&
           (rc = sl_cursor_next(cursor, &event)) > SL_SEGMENT_END) {
        if (rc != SL_SEGMENT_RECORD)
            note_damage(command, &event);
        else if (take(command, event.record))
            taken++;
        else
            rc = -ENOMEM;
    }
    sl_cursor_close(cursor);
    return rc < 0 ? rc : 0;
}

static int cat(struct command *command)
{
    int rc = read_through(command, command->raw ? SL_FAMILY_RAW : SL_FAMILY_TAPE, print_record);
    free(command->line);
    if (rc)
        return refuse(command, rc);
    return command->damage_cnt ? SL_EXIT_FINDING : SL_EXIT_FINE;
}

/* ---- verify ---- */

static bool count_record(struct command *command, const struct sl_record *record)
{
    command->record_cnt++;
    command->hole_cnt += record->kind == SL_RECORD_HOLE;
    return true;
}

static int verify(struct command *command)
{
    for (unsigned family = 0; family < SL_FAMILY_CNT; family++) {
        int rc = read_through(command, (enum sl_family)family, count_record);
        if (rc && (rc != -ENOENT || family == SL_FAMILY_TAPE))
            return refuse(command, rc);
    }
    if (command->json) {
        struct sl_facts facts = { 0 };
        sl_facts_object(&facts, NULL, { "records", command->record_cnt }, { "holes", command->hole_cnt },
                        { "damages", command->damage_cnt }, { "tornTails", command->torn_cnt },
                        { "lost", command->lost_cnt });
        putchar('\n');
    } else {
        printf("%" PRIu64 " records, %" PRIu64 " holes, %" PRIu64 " damages, %" PRIu64 " torn tails, %" PRIu64
               " records lost\n",
               command->record_cnt, command->hole_cnt, command->damage_cnt, command->torn_cnt, command->lost_cnt);
    }
    return command->damage_cnt ? SL_EXIT_FINDING : SL_EXIT_FINE;
}

int sl_cmd_journal(const struct sl_command *self, int argc, char **argv)
{
    static struct command command = { .directory = "/var/lib/slugline", .from.ns = INT64_MIN };
    /* clang-format off */
    static const struct sl_option options[] = {
        { 'd', "directory", "DIR", "the journal's; default /var/lib/slugline", sl_take_text, &command.directory, NULL },
        { 'f', "from", "WHERE", "SEQ, or a time: 2026-01-05T10:01:02Z (UTC where it names no zone); default the oldest",
          sl_take_moment, &command.from, "SEQ or a time" },
        { 'n', "count", "N", "cat: stop after N records", sl_take_count, &command.count, "a number from 1" },
        { 'r', "raw", NULL, "cat: messages as they came, with \\xNN for what is not printable", sl_take_flag,
          &command.raw, NULL },
        { 'j', "json", NULL, "an object a line", sl_take_flag, &command.json, NULL },
        { 0 },
    };
    static const struct { const char *name; int (*run)(struct command *); } ways[] = {
        { "ls", list }, { "cat", cat }, { "verify", verify },
    };
    /* clang-format on */
    int status = sl_options_read(self, options, argc, argv);
    if (status >= 0)
        return status;
    if (argc - optind != 1)
        return sl_usage_refuse(self, "one of ls, cat and verify is expected");
    if (command.raw && command.json)
        return sl_usage_refuse(self, "--raw does not go with --json");
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (!strcmp(argv[optind], ways[i].name))
            return ways[i].run(&command);
    return sl_usage_refuse(self, "'%s' is none of ls, cat and verify", argv[optind]);
}
