/* pipeline/config_file.h - the configuration file as it is written: YAML to words, and where each of them stands.
 *
 *     text --> shape checked against the schema --> a slot for each key --> config.c
 *                                                            fault(path) <-- what it does not like
 *
 * Life      sl_config_file_load, sl_config_file_free.
 * Threads   One.
 * Owns      The words are the struct's; yaml and err are the caller's.
 * Errors    0, -EINVAL or -ENOMEM; err has "file:line:column: path: what is wrong".
 * Units     None: all is words.  libcyaml would read 5ms, 64MiB and 010 as the numbers 5, 64 and 8.
 * Source    YAML 1.1 as libyaml reads it, without anchors, aliases, tags, and more than one document.
 *
 * For config.c, for profiles.c, which has a schema of its own, and for whoever prints or tests a schema.
 */
#ifndef SL_PIPELINE_CONFIG_FILE_H
#define SL_PIPELINE_CONFIG_FILE_H

#include "pipeline/config.h"

#define SL_CONFIG_LEN_MAX  (1u << 20) /* 256 feeds with eight long lines each are a third of it */
#define SL_CONFIG_WORD_MAX 255u
#define SL_CONFIG_DEEP_MAX 256u /* rows of all tables, with their ends */
#define SL_CONFIG_SHOWN    60 /* letters of a wrong word that a message repeats */

/* What a key takes, and what its value becomes in the struct of the file, of the feed, of the thread ... */
enum sl_key_kind {
    SL_KEY_SIZE = SL_CONFIG_SIZE, /* a number of 8 or 4 bytes, in the unit */
    SL_KEY_DURATION = SL_CONFIG_DURATION,
    SL_KEY_COUNT = SL_CONFIG_COUNT,
    SL_KEY_WORD, /* a char *; read says what else the word must be */
    SL_KEY_CHOICE, /* the place of one word among choices: an enum, or a bool */
    SL_KEY_CHOICES, /* a list of such words: an unsigned with a bit for each */
    SL_KEY_LINES, /* a list of URLs: an array and its count, which reading makes */
    SL_KEY_LIST, /* a list of entries with keys of their own: the same */
    SL_KEY_GROUP, /* keys whose values lie in the same struct */
};

struct sl_place;

/* A row of the schema, which is all that there is to say about a key.  A new key is one row in config.c, the member it
 * fills, and its paragraph in deploy/slugline.yaml; shape, default, bounds, messages, what a HUP may change, and the
 * list of check --keys follow from the row.  A key that needs more gets a read or a check of its own.  A table ends
 * with a row without name. */
struct sl_key {
    const char *name;
    enum sl_key_kind kind;
    uint32_t at, len; /* the member: offset and size */
    const char *fallback; /* the default, as the file would say it; NULL: the member stays 0, or is for check to set */
    uint64_t min, max; /* of a number; of a list, how many entries */
    const char *word; /* may stand instead: spin is for ever, none is nothing, auto is no list */
    const char *word_too; /* and another one */
    bool power; /* a power of two */
    bool live; /* may change without a restart: supervise.c hands it to the walk */
    const char *what; /* a choice is one, as in "is no format" */
    const char *const *choices; /* NULL-ended */
    const struct sl_key *keys; /* of a group, or of each entry of a list */
    uint32_t cnt_at, entry_len; /* of a list: its count, a uint32_t, and the size of one entry */
    int (*read)(const struct sl_place *place); /* takes the word, or its absence, instead of the usual way */
    int (*check)(const struct sl_place *place); /* looks at a group or list once all of it is read */
};

/* What the file says for one row: a word, or cnt words, or cnt times the slots of key->keys.  NULL: nothing. */
struct sl_slot {
    void *said;
    uint32_t cnt;
};

static inline uint32_t sl_key_cnt(const struct sl_key *keys)
{
    uint32_t cnt = 0;
    while (keys[cnt].name)
        cnt++;
    return cnt;
}

static inline bool sl_key_is_number(const struct sl_key *key) { return key->kind <= SL_KEY_COUNT; }

/* Of a key that is a number. */
static inline enum sl_config_unit sl_key_unit(const struct sl_key *key) { return (enum sl_config_unit)key->kind; }

extern const struct sl_key sl_config_root; /* in config.c: the file, a group without a name */

struct sl_config_file {
    const struct sl_key *root; /* the schema: a group without a name, whose what is the key that must be there */
    const char *name; /* in messages */
    const char *yaml;
    size_t len;
    char *err;
    size_t err_len;
    struct sl_slot *slots; /* of root->keys */
    uint64_t worded; /* of those, a bit for each list instead of which its word stands */
};

int sl_config_file_load(struct sl_config_file *file);
void sl_config_file_free(struct sl_config_file *file);

/* -EINVAL, and a sentence about the value at path ("feeds[0].name") with its place in the file.  A value that is not
 * there has the place of what it is missing from. */
int sl_config_fault(struct sl_config_file *file, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
