#include "pipeline/config_file.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

/* ---- the schema: which keys there are, and where their words go ---- */

#define WORD(key, type, member)                                                                                        \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_OPTIONAL, struct type, member, 0, SL_CONFIG_WORD_MAX)
#define LIST(key, type, member, entry, max)                                                                            \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER, struct type, member, &(entry), 0, max)
#define GROUP(key, type, member, fields) CYAML_FIELD_MAPPING(key, CYAML_FLAG_OPTIONAL, struct type, member, fields)

static const cyaml_schema_value_t word_entry = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0,
                                                                    SL_CONFIG_WORD_MAX) };

static const cyaml_schema_field_t thread_fields[] = {
    WORD("core", sl_written_thread, core),
    LIST("stages", sl_written_thread, stages, word_entry, 4),
    WORD("heavy", sl_written_thread, heavy),
    WORD("for", sl_written_thread, serves),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t thread_entry = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sl_written_thread,
                                                                       thread_fields) };

static const cyaml_schema_field_t ring_fields[] = {
    WORD("message", sl_written_rings, message),
    WORD("answer", sl_written_rings, answer),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t tape_fields[] = {
    WORD("name", sl_written_tape, name),
    WORD("size", sl_written_tape, size),
    WORD("raw", sl_written_tape, raw),
    WORD("hold", sl_written_tape, hold),
    WORD("window", sl_written_tape, window),
    WORD("tombstones", sl_written_tape, tombstones),
    WORD("gate", sl_written_tape, gate),
    WORD("socket", sl_written_tape, socket),
    WORD("group", sl_written_tape, group),
    WORD("raw_group", sl_written_tape, raw_group),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t feed_fields[] = {
    WORD("name", sl_written_feed, name),
    WORD("format", sl_written_feed, format),
    WORD("framing", sl_written_feed, framing),
    LIST("lines", sl_written_feed, lines, word_entry, SL_LINES_PER_FEED_MAX),
    WORD("timezone", sl_written_feed, timezone),
    WORD("charset", sl_written_feed, charset),
    WORD("provider", sl_written_feed, provider),
    WORD("language", sl_written_feed, language),
    WORD("message", sl_written_feed, message),
    WORD("message_time", sl_written_feed, message_time),
    WORD("silence", sl_written_feed, silence),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t feed_entry = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct sl_written_feed,
                                                                     feed_fields) };

static const cyaml_schema_field_t file_fields[] = {
    WORD("node", sl_written, node),
    LIST("threads", sl_written, threads, thread_entry, SL_THREADS_MAX),
    WORD("idle", sl_written, idle),
    WORD("receive", sl_written, receive),
    WORD("heavy", sl_written, heavy),
    GROUP("rings", sl_written, rings, ring_fields),
    GROUP("tape", sl_written, tape, tape_fields),
    LIST("feeds", sl_written, feeds, feed_entry, SL_FEEDS_MAX),
    CYAML_FIELD_END,
};
#define FILE_FIELD_CNT (sizeof(file_fields) / sizeof(file_fields[0]))
static const cyaml_schema_value_t file_entry = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sl_written,
                                                                     file_fields) };

/* ---- one walk over the file's YAML with the schema beside it.  libcyaml names neither the place of a wrong key nor
 * the nearest right one, lets a key come twice, and knows no places at all once a value is read.  So this walk comes
 * before it and checks the shape; and it comes again for the place of a value that config.c does not like. ---- */

enum { WALK_FOUND = 1 };

struct walk {
    struct sl_config_file *file;
    const char *wanted; /* the path whose place is asked for; NULL: the shape is checked */
    yaml_mark_t place; /* of wanted, once found */
    yaml_parser_t parser;
    yaml_event_t event;
    char path[SL_CONFIG_PATH_LEN];
};

__attribute__((format(printf, 4, 0))) static int say_at(struct sl_config_file *file, const yaml_mark_t *place,
                                                        const char *path, const char *format, va_list args)
{
    int len = snprintf(file->err, file->err_len, "%s:%zu:%zu: %s%s", file->name, place->line + 1, place->column + 1,
                       path, *path ? ": " : "");
    if (len >= 0 && (size_t)len < file->err_len)
        vsnprintf(file->err + len, file->err_len - (size_t)len, format, args);
    return -EINVAL;
}

__attribute__((format(printf, 2, 3))) static int refuse(struct walk *walk, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say_at(walk->file, &walk->event.start_mark, walk->path, format, args);
    va_end(args);
    return -EINVAL;
}

static int refuse_yaml(struct walk *walk)
{
    const yaml_parser_t *parser = &walk->parser;
    /* A byte that is no character stops the reader, which sets no mark of the problem. */
    walk->event.start_mark = parser->error == YAML_READER_ERROR ? parser->mark : parser->problem_mark;
    walk->path[0] = '\0';
    return refuse(walk, "not YAML: %s", parser->problem ? parser->problem : "out of memory");
}

static int step(struct walk *walk)
{
    yaml_event_delete(&walk->event);
    return yaml_parser_parse(&walk->parser, &walk->event) ? 0 : refuse_yaml(walk);
}

static bool is_nothing(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    if (!*text)
        return true;
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") || !strcmp(text, "NULL"));
}

static bool has_controls(const yaml_event_t *event)
{
    for (size_t i = 0; i < event->data.scalar.length; i++)
        if (event->data.scalar.value[i] < ' ' || event->data.scalar.value[i] == 0x7f)
            return true;
    return false;
}

static int check_scalar(struct walk *walk, const cyaml_schema_value_t *schema)
{
    const char *text = (const char *)walk->event.data.scalar.value;
    if (has_controls(&walk->event))
        return refuse(walk, "has a control character");
    if (is_nothing(&walk->event))
        return refuse(walk, "has no value; leave the key out for its default");
    if (walk->event.data.scalar.length > SL_CONFIG_WORD_MAX)
        return refuse(walk, "is longer than %u bytes", SL_CONFIG_WORD_MAX);
    if (schema->type == CYAML_MAPPING)
        return refuse(walk, "keys with values are expected here, not '%.*s'", SL_CONFIG_SHOWN, text);
    if (schema->type == CYAML_STRING)
        return 0;
    if (strcmp(walk->path, "threads"))
        return refuse(walk, "a list is expected here, such as [%.*s]", SL_CONFIG_SHOWN, text);
    if (strcmp(text, "auto"))
        return refuse(walk, "'%.*s' is neither auto nor a list of threads", SL_CONFIG_SHOWN, text);
    walk->file->threads_auto = true;
    return 0;
}

static int walk_value(struct walk *walk, const cyaml_schema_value_t *schema);

static int walk_list(struct walk *walk, const cyaml_schema_value_t *schema)
{
    size_t path_len = strlen(walk->path);
    if (schema->type != CYAML_SEQUENCE)
        return refuse(walk, "%s expected here, not a list",
                      schema->type == CYAML_MAPPING ? "keys with values are" : "one value is");
    if (!strcmp(walk->path, "threads"))
        walk->file->threads_given = true;
    for (uint32_t i = 0;; i++) {
        int rc = step(walk);
        if (rc || walk->event.type == YAML_SEQUENCE_END_EVENT)
            return rc;
        if (i == schema->sequence.max)
            return refuse(walk, "more than %u entries", schema->sequence.max);
        snprintf(walk->path + path_len, sizeof(walk->path) - path_len, "[%u]", i);
        rc = walk_value(walk, schema->sequence.entry);
        if (rc)
            return rc;
        walk->path[path_len] = '\0';
    }
}

static int refuse_key(struct walk *walk, const cyaml_schema_field_t *fields, const char *key)
{
    struct sl_nearest nearest;
    char list[192] = "";
    sl_nearest_begin(&nearest, key);
    for (const cyaml_schema_field_t *field = fields; field->key; field++) {
        sl_nearest_offer(&nearest, field->key);
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", field == fields ? "" : ", ", field->key);
    }
    if (*nearest.found)
        return refuse(walk, "'%.*s' is no key here; did you mean %s?", SL_CONFIG_SHOWN, key, nearest.found);
    return refuse(walk, "'%.*s' is no key here; one of %s is expected", SL_CONFIG_SHOWN, key, list);
}

/* The field whose key is the current event.  seen has a bit for each that came already. */
static int find_field(struct walk *walk, const cyaml_schema_field_t *fields, unsigned *seen,
                      const cyaml_schema_field_t **found)
{
    if (walk->event.type != YAML_SCALAR_EVENT)
        return refuse(walk, "a key is one word");
    if (has_controls(&walk->event))
        return refuse(walk, "a key has a control character");
    const char *key = (const char *)walk->event.data.scalar.value;
    for (const cyaml_schema_field_t *field = fields; field->key; field++) {
        if (strcmp(field->key, key))
            continue;
        unsigned bit = 1u << (field - fields);
        if (*seen & bit)
            return refuse(walk, "key '%s' comes here for the second time", key);
        *seen |= bit;
        *found = field;
        return 0;
    }
    return refuse_key(walk, fields, key);
}

/* Anchors and tags say things that nobody would look for in this file. */
static int check_properties(struct walk *walk, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        return refuse(walk, "anchors (&%.*s) are not read here", SL_CONFIG_SHOWN, (const char *)anchor);
    if (tag)
        return refuse(walk, "tags (%.*s) are not read here", SL_CONFIG_SHOWN, (const char *)tag);
    return 0;
}

static int walk_keys(struct walk *walk, const cyaml_schema_value_t *schema)
{
    size_t path_len = strlen(walk->path);
    unsigned seen = 0;
    if (schema->type != CYAML_MAPPING)
        return refuse(walk, "%s expected here, not keys with values",
                      schema->type == CYAML_SEQUENCE ? "a list is" : "one value is");
    for (;;) {
        const cyaml_schema_field_t *field = NULL;
        int rc = step(walk);
        if (rc || walk->event.type == YAML_MAPPING_END_EVENT)
            return rc;
        rc = find_field(walk, schema->mapping.fields, &seen, &field);
        if (!rc)
            rc = check_properties(walk, walk->event.data.scalar.anchor, walk->event.data.scalar.tag);
        if (!rc)
            rc = step(walk);
        if (rc)
            return rc;
        snprintf(walk->path + path_len, sizeof(walk->path) - path_len, "%s%s", path_len ? "." : "", field->key);
        rc = walk_value(walk, &field->value);
        if (rc)
            return rc;
        walk->path[path_len] = '\0';
    }
}

/* The value that starts with the current event; afterwards that is the value's last.  As deep as the schema goes. */
static int walk_value(struct walk *walk, const cyaml_schema_value_t *schema)
{
    const yaml_event_t *event = &walk->event;
    int rc;
    if (walk->wanted && !strcmp(walk->path, walk->wanted)) {
        walk->place = event->start_mark;
        return WALK_FOUND;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        rc = check_properties(walk, event->data.scalar.anchor, event->data.scalar.tag);
        return rc ? rc : check_scalar(walk, schema);
    case YAML_SEQUENCE_START_EVENT:
        rc = check_properties(walk, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return rc ? rc : walk_list(walk, schema);
    case YAML_MAPPING_START_EVENT:
        rc = check_properties(walk, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return rc ? rc : walk_keys(walk, schema);
    case YAML_ALIAS_EVENT:
        return refuse(walk, "aliases (*%.*s) are not read here", SL_CONFIG_SHOWN,
                      (const char *)event->data.alias.anchor);
    default:
        return refuse(walk, "a value is expected here");
    }
}

static int walk_document(struct walk *walk)
{
    int rc = step(walk); /* the stream starts */
    if (!rc)
        rc = step(walk);
    if (!rc && walk->event.type == YAML_STREAM_END_EVENT)
        return refuse(walk, "nothing is written here; feeds is expected at least");
    if (!rc)
        rc = step(walk);
    if (!rc)
        rc = walk_value(walk, &file_entry);
    if (!rc)
        rc = step(walk); /* the document ends */
    if (!rc)
        rc = step(walk);
    if (!rc && walk->event.type != YAML_STREAM_END_EVENT)
        return refuse(walk, "a second document starts here; only one is read");
    return rc;
}

static int walk_file(struct walk *walk)
{
    if (!yaml_parser_initialize(&walk->parser))
        return -ENOMEM;
    yaml_parser_set_input_string(&walk->parser, (const unsigned char *)walk->file->yaml, walk->file->len);
    int rc = walk_document(walk);
    yaml_event_delete(&walk->event);
    yaml_parser_delete(&walk->parser);
    return rc;
}

int sl_config_fault(struct sl_config_file *file, const char *path, const char *format, ...)
{
    char part[SL_CONFIG_PATH_LEN];
    snprintf(part, sizeof(part), "%s", path);
    for (;;) {
        struct walk walk = { .file = file, .wanted = part };
        if (walk_file(&walk) == WALK_FOUND || !*part) {
            va_list args;
            va_start(args, format);
            say_at(file, &walk.place, path, format, args);
            va_end(args);
            return -EINVAL;
        }
        size_t end = strlen(part);
        while (end && part[end] != '.' && part[end] != '[')
            end--;
        part[end] = '\0';
    }
}

/* ---- libcyaml: words of the file to struct sl_written ---- */

/* It only minds something when the walk before it has missed it. */
static void keep_what_cyaml_says(cyaml_log_t level, void *ctx, const char *format, va_list args)
{
    struct sl_config_file *file = ctx;
    (void)level;
    if (!*file->err)
        vsnprintf(file->err, file->err_len, format, args);
}

static cyaml_config_t cyaml_config_for(struct sl_config_file *file)
{
    return (cyaml_config_t){
        .log_fn = keep_what_cyaml_says,
        .log_ctx = file,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        .flags = CYAML_CFG_NO_ALIAS,
    };
}

/* Where the file says auto and the schema has a list, there is nothing to read. */
static cyaml_schema_value_t schema_for(const struct sl_config_file *file, cyaml_schema_field_t fields[FILE_FIELD_CNT])
{
    memcpy(fields, file_fields, sizeof(file_fields));
    for (cyaml_schema_field_t *field = fields; field->key; field++)
        if (file->threads_auto && !strcmp(field->key, "threads"))
            *field = (cyaml_schema_field_t)CYAML_FIELD_IGNORE("threads", CYAML_FLAG_OPTIONAL);
    return (cyaml_schema_value_t){ CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct sl_written, fields) };
}

int sl_config_file_load(struct sl_config_file *file)
{
    cyaml_schema_field_t fields[FILE_FIELD_CNT];
    cyaml_config_t config = cyaml_config_for(file);
    char said[256];
    if (file->len > SL_CONFIG_LEN_MAX) {
        snprintf(file->err, file->err_len, "%s: longer than %u bytes", file->name, SL_CONFIG_LEN_MAX);
        return -EINVAL;
    }
    file->threads_auto = file->threads_given = false;
    struct walk walk = { .file = file };
    int rc = walk_file(&walk);
    if (rc)
        return rc;
    file->err[0] = '\0';
    cyaml_schema_value_t schema = schema_for(file, fields);
    cyaml_err_t code = cyaml_load_data((const uint8_t *)file->yaml, file->len, &config, &schema,
                                       (cyaml_data_t **)&file->written, NULL);
    if (code == CYAML_OK)
        return 0;
    snprintf(said, sizeof(said), "%s", file->err);
    snprintf(file->err, file->err_len, "%s: %s: %s", file->name, cyaml_strerror(code), said);
    return code == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
}

void sl_config_file_free(struct sl_config_file *file)
{
    cyaml_schema_field_t fields[FILE_FIELD_CNT];
    cyaml_config_t config = cyaml_config_for(file);
    cyaml_schema_value_t schema = schema_for(file, fields);
    cyaml_free(&config, &schema, file->written, 0);
    file->written = NULL;
}
