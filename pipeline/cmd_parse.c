#include "pipeline/commands.h"

#include "parsers/bulletin_json.h"
#include "parsers/parse.h"
#include "pipeline/clock.h"
#include "pipeline/profiles.h"
#include "pipeline/zones.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LEN_MAX (256u << 20)

enum { SOH = 0x01, ETX = 0x03, EOT = 0x04 };

struct parse_command {
    const struct sl_format *format;
    struct sl_feed_facts facts;
    struct sl_zones_store store;
    struct sl_zones zones;
    const char *profile, *folder; /* as the options say */
    struct sl_profile_store store_of_profiles;
    struct sl_profiles profiles;
    int64_t arrival_ns;
    struct sl_parse parse;
    void *bulletin; /* grown to what the largest message so far may say */
    uint32_t bulletin_cap;
    void *scratch;
    char *json;
    size_t json_cap;
    bool rejected;
};

static bool take_format(void *to, char *value)
{
    struct parse_command *command = to;
    command->format = sl_format_named(value, strlen(value));
    return command->format || !strcmp(value, "auto");
}

static bool take_zone(void *to, char *value)
{
    struct parse_command *command = to;
    if (sl_zones_load(&command->store, value) != 0)
        return false;
    struct sl_zones view = sl_zones_view(&command->store);
    command->facts.zone = sl_zones_find(&view, value, strlen(value));
    return true;
}

static bool take_charset(void *to, char *value)
{
    struct parse_command *command = to;
    command->facts.charset = sl_charset_named(value, strlen(value));
    return command->facts.charset != SL_CHARSET_UNKNOWN;
}

static bool take_arrival(void *to, char *value)
{
    enum sl_date_zone given;
    return sl_date_iso((const uint8_t *)value, (uint32_t)strlen(value), NULL, to, &given);
}

#define FORMAT_HELP "the format of all messages; auto (the default) recognizes each.  There are:\n"

/* FORMAT_HELP, and then their names. */
static void list_formats(char *text, size_t cap)
{
    snprintf(text, cap, FORMAT_HELP "auto");
    for (const struct sl_format *const *format = sl_formats; *format; format++)
        snprintf(text + strlen(text), cap - strlen(text), ", %s", (*format)->name);
}

/* Takes any stream; gives the bytes to the caller, who frees them. */
static int read_file(const char *path, uint8_t **data, uint32_t *len)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (!file)
        return -errno;
    size_t cap = 65536, got = 0;
    uint8_t *bytes = malloc(cap);
    while (bytes) {
        got += fread(bytes + got, 1, cap - got, file);
        if (got < cap || cap >= FILE_LEN_MAX)
            break;
        uint8_t *more = realloc(bytes, cap *= 2);
        if (!more)
            free(bytes);
        bytes = more;
    }
    int code = !bytes ? -ENOMEM : ferror(file) ? -EIO : got == FILE_LEN_MAX ? -EFBIG : 0;
    if (file != stdin)
        fclose(file);
    if (code != 0) {
        free(bytes);
        return code;
    }
    *data = bytes;
    *len = (uint32_t)got;
    return 0;
}

static bool make_room(void **mem, size_t len)
{
    free(*mem);
    *mem = malloc(len);
    return *mem != NULL;
}

/* Has a message gone by?  The first SOH may stand behind line noise, and is its own message's. */
static bool holds_message(const uint8_t *data, uint32_t len)
{
    return memchr(data, SOH, len) || memchr(data, ETX, len) || memchr(data, EOT, len);
}

/* Where the message after the one at off starts: at the next SOH behind which a control-character format begins.  A
 * file holds one message unless it says otherwise. */
static uint32_t find_next_message(const uint8_t *data, uint32_t len, uint32_t off)
{
    const struct sl_format *text = sl_format_by_id(SL_FORMAT_TEXT);
    for (uint32_t from = off; from < len;) {
        const uint8_t *soh = memchr(data + from, SOH, len - from);
        if (!soh)
            return len;
        uint32_t here = (uint32_t)(soh - data);
        if (here > off && holds_message(data + off, here - off) && sl_format_recognize(soh, len - here) != text)
            return here;
        from = here + 1;
    }
    return len;
}

static void say_reject(const char *path, const uint8_t *data, uint32_t len, uint32_t off,
                       const struct sl_parse_err *err)
{
    uint32_t line, column;
    sl_parse_locate(data, len, off + err->off, &line, &column);
    fprintf(stderr, "slugline: parse: %s:%u:%u: %s: %s expected (offset %u)\n", path, line, column,
            sl_parse_code_name(err->code), err->want ? err->want : "something else", off + err->off);
}

static int print_bulletin(struct parse_command *command, uint32_t bulletin_len)
{
    const struct sl_bulletin *bulletin = command->bulletin;
    if (sl_bulletin_check(bulletin, bulletin_len) != SL_BULLETIN_FINE)
        return -EPROTO;
    size_t len = sl_bulletin_json(command->json, command->json_cap, bulletin, NULL);
    if (len > command->json_cap) {
        command->json_cap = 0;
        if (!make_room((void **)&command->json, len))
            return -ENOMEM;
        command->json_cap = len;
        sl_bulletin_json(command->json, len, bulletin, NULL);
    }
    if (fwrite(command->json, 1, len, stdout) != len || putchar('\n') == EOF)
        return -EIO;
    return 0;
}

static int parse_message(struct parse_command *command, const char *path, const uint8_t *data, uint32_t len,
                         uint32_t off, uint32_t end)
{
    uint32_t cap = sl_parse_bound(end - off), bulletin_len;
    if (cap > command->bulletin_cap) {
        command->bulletin_cap = 0;
        if (!make_room(&command->bulletin, cap))
            return -ENOMEM;
        command->bulletin_cap = cap;
        uint32_t scratch_cap = sl_parse_scratch_bound(end - off);
        if (!make_room(&command->scratch, scratch_cap))
            return -ENOMEM;
        sl_parse_init(&command->parse, command->scratch, scratch_cap);
    }
    sl_parse_begin(&command->parse, command->format, &command->facts, data + off, end - off, command->arrival_ns);
    enum sl_parse_code code;
    while ((code = sl_parse_next(&command->parse, command->bulletin, command->bulletin_cap, &bulletin_len)) ==
           SL_PARSE_OK) {
        int failed = print_bulletin(command, bulletin_len);
        if (failed != 0)
            return failed;
    }
    if (code != SL_PARSE_END) {
        say_reject(path, data, len, off, &command->parse.err);
        command->rejected = true;
    }
    return 0;
}

static int parse_file(struct parse_command *command, const char *path)
{
    uint8_t *data = NULL;
    uint32_t len = 0;
    int code = read_file(path, &data, &len);
    if (code != 0)
        return code;
    uint32_t off = 0;
    do {
        uint32_t end = find_next_message(data, len, off);
        code = parse_message(command, path, data, len, off, end);
        off = end;
    } while (code == 0 && off < len);
    free(data);
    return code;
}

static bool load_profiles(struct parse_command *command)
{
    char folder[4096], err[512];
    snprintf(folder, sizeof(folder), "%s", command->folder ? command->folder : "");
    if ((command->folder || sl_profiles_folder(folder, sizeof(folder))) &&
        sl_profiles_load(&command->store_of_profiles, &command->store, folder, err, sizeof(err)) != 0) {
        fprintf(stderr, "slugline: parse: %s\n", err);
        return false;
    }
    command->profiles = sl_profiles_view(&command->store_of_profiles);
    command->facts.profiles = &command->profiles;
    if (command->profile)
        command->facts.profile = sl_profile_named(&command->profiles, command->profile);
    if (command->profile && !command->facts.profile)
        fprintf(stderr, "slugline: parse: --profile: no such profile: %s\n", command->profile);
    return !command->profile || command->facts.profile;
}

int sl_cmd_parse(const struct sl_command *command, int argc, char **argv)
{
    static struct parse_command parse;
    static char formats[512];
    /* clang-format off */
    static const struct sl_option options[] = {
        { 0, "format", "NAME", formats, take_format, &parse,
          formats + sizeof(FORMAT_HELP) - 1 },
        { 0, "timezone", "ZONE", "of times that name none, such as Europe/Berlin",
          take_zone, &parse, "a time zone" },
        { 0, "charset", "LABEL", "of characters where the message has no label",
          take_charset, &parse, "a character set" },
        { 0, "provider", "NAME", "where the message names none", sl_take_text, &parse.facts.provider, NULL },
        { 0, "language", "TAG", "where the message names none, such as de-CH",
          sl_take_text, &parse.facts.language, NULL },
        { 0, "profile", "NAME", "the agency's dialect; default: chosen by the provider that the message names",
          sl_take_text, &parse.profile, NULL },
        { 0, "profiles", "FOLDER", "where the profiles are; default: the program's own",
          sl_take_text, &parse.folder, NULL },
        { 0, "arrival", "TIME", "when the messages came (ISO 8601); completes dates without year or month;\n"
          "default: now",
          take_arrival, &parse.arrival_ns, "a time in ISO 8601" },
        { 0 },
    };
    /* clang-format on */
    list_formats(formats, sizeof(formats));
    parse.arrival_ns = sl_clock_real(NULL);
    sl_zones_load_agencies(&parse.store);
    int status = sl_options_read(command, options, argc, argv);
    if (status < 0 && !load_profiles(&parse))
        status = SL_EXIT_USAGE;
    if (status < 0) {
        parse.zones = sl_zones_view(&parse.store);
        parse.facts.zones = &parse.zones;
        for (int i = optind; i < argc; i++) {
            int code = parse_file(&parse, argv[i]);
            if (code != 0) {
                fprintf(stderr, "slugline: parse: %s: %s\n", argv[i], strerror(-code));
                parse.rejected = true;
            }
        }
        status = parse.rejected || fflush(stdout) != 0 ? SL_EXIT_FINDING : SL_EXIT_FINE;
    }
    sl_profiles_fini(&parse.store_of_profiles);
    sl_zones_fini(&parse.store);
    free(parse.bulletin);
    free(parse.scratch);
    free(parse.json);
    return status;
}
