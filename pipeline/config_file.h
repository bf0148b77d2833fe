/* pipeline/config_file.h - the configuration file as it is written: YAML to words, and where each of them stands.
 *
 *     text --> shape checked against the schema --> struct sl_written --> config.c
 *                                                        fault(path) <-- what it does not like
 *
 * Life      sl_config_file_load, sl_config_file_free.
 * Threads   One.
 * Owns      The words are the struct's; yaml and err are the caller's.
 * Errors    0, -EINVAL or -ENOMEM; err has "file:line:column: path: what is wrong".
 * Units     None: all is words.  libcyaml would read 5ms, 64MiB and 010 as the numbers 5, 64 and 8.
 * Source    YAML 1.1 as libyaml reads it, without anchors, aliases, tags, and more than one document.
 *
 * For config.c alone.
 */
#ifndef SL_PIPELINE_CONFIG_FILE_H
#define SL_PIPELINE_CONFIG_FILE_H

#include "pipeline/config.h"

#define SL_CONFIG_LEN_MAX  (1u << 20) /* 256 feeds with eight long lines each are a third of it */
#define SL_CONFIG_WORD_MAX 255u
#define SL_CONFIG_PATH_LEN 64u /* "feeds[255].message_time" */
#define SL_CONFIG_SHOWN    60 /* letters of a wrong word that a message repeats */

/* NULL: not in the file. */
struct sl_written_thread {
    char *core, *heavy, *serves; /* the last is the key for, which C has taken */
    char **stages;
    uint32_t stages_count;
};

struct sl_written_feed {
    char *name, *format, *framing, *timezone, *charset, *provider, *language;
    char *message, *message_time, *silence;
    char **lines;
    uint32_t lines_count;
};

struct sl_written_rings {
    char *message, *answer;
};

struct sl_written_tape {
    char *name, *size, *raw, *hold, *window, *tombstones, *gate, *socket, *group, *raw_group;
};

struct sl_written {
    char *node, *idle, *receive, *heavy;
    struct sl_written_thread *threads; /* none when the file says auto, or nothing */
    uint32_t threads_count;
    struct sl_written_rings rings;
    struct sl_written_tape tape;
    struct sl_written_feed *feeds;
    uint32_t feeds_count;
};

struct sl_config_file {
    const char *name; /* in messages */
    const char *yaml;
    size_t len;
    char *err;
    size_t err_len;
    struct sl_written *written;
    bool threads_given; /* as a list */
    bool threads_auto; /* as the word */
};

int sl_config_file_load(struct sl_config_file *file);
void sl_config_file_free(struct sl_config_file *file);

/* -EINVAL, and a sentence about the value at path ("feeds[0].name") with its place in the file.  A value that is not
 * there has the place of what it is missing from. */
int sl_config_fault(struct sl_config_file *file, const char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
