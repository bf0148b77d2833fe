#include "pipeline/config_file.h"

#include <assert.h>
#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

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

enum shape { SHAPE_WORD, SHAPE_LIST, SHAPE_KEYS };

static enum shape shape_of(const struct sl_key *key, bool is_entry)
{
    if (key->kind == SL_KEY_GROUP || (key->kind == SL_KEY_LIST && is_entry))
        return SHAPE_KEYS;
    return key->kind >= SL_KEY_CHOICES && !is_entry ? SHAPE_LIST : SHAPE_WORD;
}

static int check_scalar(struct walk *walk, const struct sl_key *key, bool is_entry)
{
    const char *text = (const char *)walk->event.data.scalar.value;
    if (has_controls(&walk->event))
        return refuse(walk, "has a control character");
    if (is_nothing(&walk->event))
        return refuse(walk, "has no value; leave the key out for its default");
    if (walk->event.data.scalar.length > SL_CONFIG_WORD_MAX)
        return refuse(walk, "is longer than %u bytes", SL_CONFIG_WORD_MAX);
    if (shape_of(key, is_entry) == SHAPE_KEYS)
        return refuse(walk, "keys with values are expected here, not '%.*s'", SL_CONFIG_SHOWN, text);
    if (shape_of(key, is_entry) == SHAPE_WORD)
        return 0;
    if (!key->word)
        return refuse(walk, "a list is expected here, such as [%.*s]", SL_CONFIG_SHOWN, text);
    if (strcmp(text, key->word))
        return refuse(walk, "'%.*s' is neither %s nor a list of %s", SL_CONFIG_SHOWN, text, key->word, key->name);
    walk->file->worded |= 1ull << (key - walk->file->root->keys);
    return 0;
}

static int walk_value(struct walk *walk, const struct sl_key *key, bool is_entry);

static int refuse_empty(struct walk *walk, const struct sl_key *key)
{
    return refuse(walk, "at least one is expected%s%s", key->what ? ", such as " : "", key->what ? key->what : "");
}

static int walk_list(struct walk *walk, const struct sl_key *key, bool is_entry)
{
    size_t path_len = strlen(walk->path);
    yaml_mark_t start = walk->event.start_mark;
    if (shape_of(key, is_entry) != SHAPE_LIST)
        return refuse(walk, "%s expected here, not a list",
                      shape_of(key, is_entry) == SHAPE_KEYS ? "keys with values are" : "one value is");
    for (uint32_t i = 0;; i++) {
        int rc = step(walk);
        if (!rc && walk->event.type == YAML_SEQUENCE_END_EVENT && i < key->min) {
            walk->event.start_mark = start;
            return refuse_empty(walk, key);
        }
        if (rc || walk->event.type == YAML_SEQUENCE_END_EVENT)
            return rc;
        if (i == key->max)
            return refuse(walk, "more than %u entries", i);
        snprintf(walk->path + path_len, sizeof(walk->path) - path_len, "[%u]", i);
        rc = walk_value(walk, key, true);
        if (rc)
            return rc;
        walk->path[path_len] = '\0';
    }
}

static int refuse_key(struct walk *walk, const struct sl_key *keys, const char *name)
{
    struct sl_nearest nearest;
    char list[256] = "";
    sl_nearest_begin(&nearest, name);
    for (const struct sl_key *key = keys; key->name; key++) {
        sl_nearest_offer(&nearest, key->name);
        snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", key == keys ? "" : ", ", key->name);
    }
    if (*nearest.found)
        return refuse(walk, "'%.*s' is no key here; did you mean %s?", SL_CONFIG_SHOWN, name, nearest.found);
    return refuse(walk, "'%.*s' is no key here; one of %s is expected", SL_CONFIG_SHOWN, name, list);
}

/* The key whose name is the current event.  seen has a bit for each that came already. */
static int find_key(struct walk *walk, const struct sl_key *keys, uint64_t *seen, const struct sl_key **found)
{
    if (walk->event.type != YAML_SCALAR_EVENT)
        return refuse(walk, "a key is one word");
    if (has_controls(&walk->event))
        return refuse(walk, "a key has a control character");
    const char *name = (const char *)walk->event.data.scalar.value;
    const struct sl_key *key = keys;
    while (key->name && strcmp(key->name, name))
        key++;
    if (!key->name)
        return refuse_key(walk, keys, name);
    if (*seen & 1ull << (key - keys))
        return refuse(walk, "key '%s' comes here for the second time", name);
    *seen |= 1ull << (key - keys);
    *found = key;
    return 0;
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

static int walk_keys(struct walk *walk, const struct sl_key *of, bool is_entry)
{
    size_t path_len = strlen(walk->path);
    uint64_t seen = 0;
    if (shape_of(of, is_entry) != SHAPE_KEYS)
        return refuse(walk, "%s expected here, not keys with values",
                      shape_of(of, is_entry) == SHAPE_LIST ? "a list is" : "one value is");
    for (;;) {
        const struct sl_key *key = NULL;
        int rc = step(walk);
        if (rc || walk->event.type == YAML_MAPPING_END_EVENT)
            return rc;
        rc = find_key(walk, of->keys, &seen, &key);
        if (!rc)
            rc = check_properties(walk, walk->event.data.scalar.anchor, walk->event.data.scalar.tag);
        if (!rc)
            rc = step(walk);
        if (rc)
            return rc;
        snprintf(walk->path + path_len, sizeof(walk->path) - path_len, "%s%s", path_len ? "." : "", key->name);
        rc = walk_value(walk, key, false);
        if (rc)
            return rc;
        walk->path[path_len] = '\0';
    }
}

/* The value that starts with the current event; afterwards that is the value's last.  As deep as the schema goes. */
static int walk_value(struct walk *walk, const struct sl_key *key, bool is_entry)
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
        return rc ? rc : check_scalar(walk, key, is_entry);
    case YAML_SEQUENCE_START_EVENT:
        rc = check_properties(walk, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return rc ? rc : walk_list(walk, key, is_entry);
    case YAML_MAPPING_START_EVENT:
        rc = check_properties(walk, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        return rc ? rc : walk_keys(walk, key, is_entry);
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
        return refuse(walk, "nothing is written here; %s is expected at least", walk->file->root->what);
    if (!rc)
        rc = step(walk);
    if (!rc)
        rc = walk_value(walk, walk->file->root, false);
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

/* ---- libcyaml: words of the file to slots.  Its schema is made from ours: each key has the next slot. ---- */

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

struct schema {
    cyaml_schema_value_t file;
    cyaml_schema_value_t entries[SL_CONFIG_DEEP_MAX]; /* of lists, by the field that has them */
    cyaml_schema_field_t fields[SL_CONFIG_DEEP_MAX];
    uint32_t field_cnt;
};

static const cyaml_schema_value_t one_word = { CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, SL_CONFIG_WORD_MAX) };

static cyaml_schema_value_t add_keys(struct schema *schema, enum cyaml_flag flags, const struct sl_key *keys,
                                     uint64_t worded);

static cyaml_schema_value_t value_of(struct schema *schema, cyaml_schema_value_t *entry, const struct sl_key *key)
{
    const enum cyaml_flag flags = CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER;
    if (key->kind == SL_KEY_GROUP)
        return add_keys(schema, flags, key->keys, 0);
    if (key->kind < SL_KEY_CHOICES)
        return (cyaml_schema_value_t){ CYAML_VALUE_STRING(flags, char, 0, SL_CONFIG_WORD_MAX) };
    *entry = key->kind == SL_KEY_LIST ? add_keys(schema, CYAML_FLAG_DEFAULT, key->keys, 0) : one_word;
    return (cyaml_schema_value_t){
        .type = CYAML_SEQUENCE,
        .flags = flags,
        .data_size = entry->data_size,
        .sequence = {.entry = entry, .max = (uint32_t)key->max}
    };
}

/* Where the file says auto and the schema has a list, there is nothing to read. */
static cyaml_schema_value_t add_keys(struct schema *schema, enum cyaml_flag flags, const struct sl_key *keys,
                                     uint64_t worded)
{
    uint32_t cnt = sl_key_cnt(keys), first = schema->field_cnt;
    schema->field_cnt += cnt + 1; /* the last stays empty, which ends them */
    assert(cnt < 64 && schema->field_cnt <= SL_CONFIG_DEEP_MAX);
    for (uint32_t i = 0; i < cnt; i++) {
        cyaml_schema_field_t *field = &schema->fields[first + i];
        field->key = keys[i].name;
        field->data_offset = (uint32_t)(i * sizeof(struct sl_slot) + offsetof(struct sl_slot, said));
        field->count_offset = (uint32_t)(i * sizeof(struct sl_slot) + offsetof(struct sl_slot, cnt));
        field->count_size = sizeof(uint32_t);
        field->value = value_of(schema, &schema->entries[first + i], &keys[i]);
        if (worded & 1ull << i)
            *field = (cyaml_schema_field_t)CYAML_FIELD_IGNORE(keys[i].name, CYAML_FLAG_OPTIONAL);
    }
    return (cyaml_schema_value_t){ .type = CYAML_MAPPING,
                                   .flags = flags,
                                   .data_size = (uint32_t)(cnt * sizeof(struct sl_slot)),
                                   .mapping = { .fields = &schema->fields[first] } };
}

static void make_schema(struct schema *schema, const struct sl_config_file *file)
{
    memset(schema, 0, sizeof(*schema));
    schema->file = add_keys(schema, CYAML_FLAG_POINTER, file->root->keys, file->worded);
}

int sl_config_file_load(struct sl_config_file *file)
{
    struct schema schema;
    cyaml_config_t config = cyaml_config_for(file);
    char said[256];
    if (file->len > SL_CONFIG_LEN_MAX) {
        snprintf(file->err, file->err_len, "%s: longer than %u bytes", file->name, SL_CONFIG_LEN_MAX);
        return -EINVAL;
    }
    file->worded = 0;
    struct walk walk = { .file = file };
    int rc = walk_file(&walk);
    if (rc)
        return rc;
    file->err[0] = '\0';
    make_schema(&schema, file);
    cyaml_err_t code = cyaml_load_data((const uint8_t *)file->yaml, file->len, &config, &schema.file,
                                       (cyaml_data_t **)&file->slots, NULL);
    if (code == CYAML_OK)
        return 0;
    snprintf(said, sizeof(said), "%s", file->err);
    snprintf(file->err, file->err_len, "%s: %s: %s", file->name, cyaml_strerror(code), said);
    return code == CYAML_ERR_OOM ? -ENOMEM : -EINVAL;
}

void sl_config_file_free(struct sl_config_file *file)
{
    struct schema schema;
    cyaml_config_t config = cyaml_config_for(file);
    make_schema(&schema, file);
    cyaml_free(&config, &schema.file, file->slots, 0);
    file->slots = NULL;
}
