/* pipeline/window.h - what the desk remembers of earlier bulletins: identities, the newest version of each story, and
 * tombstones of killed ones.
 *
 * Life      init, fini; all memory is had at init.
 * Threads   The desk's.
 * Owns      Borrows bulletins for the call, keeps only their hashes.
 * Errors    -ENOMEM.
 * Units     Entries.  Each of the three tables is bounded; a new entry takes the place of the oldest, and a story
 *           counts as new again with each of its versions.
 * Hostile   Ids come from outside, so where an entry lies is decided by a key that no wire knows: the epoch.
 */
#ifndef SL_PIPELINE_WINDOW_H
#define SL_PIPELINE_WINDOW_H

#include "parsers/bulletin.h"
#include "pipeline/record.h"

/* Which of two versions is newer: by number where both have one, else by when they were created. */
struct sl_version {
    uint64_t number; /* UINT64_MAX: not a number, or none */
    int64_t created_ns; /* SL_TIME_NONE: not known */
};
struct sl_version sl_version_of(const struct sl_bulletin *bulletin);
/* Below 0: a is older.  0: the same, or not to be told. */
int sl_version_compare(struct sl_version a, struct sl_version b);

/* As sl_out_finish makes it, for a story that is only referred to. */
uint64_t sl_story_hash(struct sl_slice provider, struct sl_slice id);

/* The names a story goes by: its own hash first, then those of its other ids, which kills and releases may use as well.
 * Returns how many.  Ids beyond the last are not listened to. */
#define SL_NAMES_MAX 4u
uint32_t sl_names_of(const struct sl_bulletin *bulletin, uint64_t names[SL_NAMES_MAX]);

struct sl_window_entry {
    uint64_t key;
    uint64_t value[2];
    uint32_t chain; /* next entry in the same bucket */
    uint32_t newer, older; /* in order of age */
    uint32_t seq; /* of an identity: the low half of its place on the tape */
};

struct sl_window_table { /* in window.c only */
    struct sl_window_entry *entries;
    uint32_t *buckets;
    uint64_t secret;
    uint32_t cnt, used;
    uint32_t newest, oldest;
    unsigned shift;
};

struct sl_window {
    struct sl_window_table identities, stories, tombstones;
};

/* Entries: at least 1 each, at most 2^28. */
int sl_window_init(struct sl_window *window, uint32_t identity_cnt, uint32_t tombstone_cnt, uint64_t key);
void sl_window_fini(struct sl_window *window);

/* PASSED, SAME_VERSION, LATE, WITHDRAWN or DUPLICATE.  Changes nothing: the verdict may have to wait for room. */
enum sl_verdict sl_window_judge(const struct sl_window *window, const struct sl_bulletin *bulletin);
/* This very bulletin has come, as seq: from now on it is a duplicate. */
void sl_window_note(struct sl_window *window, const struct sl_bulletin *bulletin, uint64_t seq);
/* Of a duplicate: as which seq, at most head, it came first. */
uint64_t sl_window_seq(const struct sl_window *window, const struct sl_bulletin *bulletin, uint64_t head);
/* This version of the story is out: from now on older ones are late. */
void sl_window_note_version(struct sl_window *window, uint64_t story_hash, struct sl_version version);
/* By any of a story's names. */
void sl_window_kill(struct sl_window *window, uint64_t name);
bool sl_window_killed(const struct sl_window *window, const struct sl_bulletin *bulletin);

/* The newest of it, in memory that may have been left half-written by somebody who died: a wrong entry does no harm but
 * to whoever guesses a hash.  Loading keeps what is known as a later seq. */
#define SL_WINDOW_PAST_CNT 16384u
struct sl_window_past {
    struct sl_window_past_table {
        uint32_t cnt;
        struct {
            uint64_t key, value[2];
            uint32_t seq, spare;
        } entries[SL_WINDOW_PAST_CNT]; /* the newest first */
    } tables[3];
};
void sl_window_save(const struct sl_window *window, struct sl_window_past *past);
void sl_window_load(struct sl_window *window, const struct sl_window_past *past);

/* Bytes that init will have. */
size_t sl_window_footprint(uint32_t identity_cnt, uint32_t tombstone_cnt);

#endif
