#include "pipeline/joiner.h"

#include "parsers/mrn.h"
#include "parsers/parse.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BLOCK_LEN        2048u
#define BLOCKS_PER_STORY 8u
#define STORIES_MAX      1024u /* each new fragment looks through them */
#define UNIT_PARTS_MAX   256u /* of one unit; real ones have a handful */
#define KEY_MAX          120u /* MRN_SRC and GUID; real ones have some 60 bytes */
#define NONE             UINT32_MAX

struct block { /* of a part's bytes: a chain */
    uint32_t next;
    uint8_t bytes[BLOCK_LEN - sizeof(uint32_t)];
};

struct part { /* in front of its bytes, in its first block */
    uint64_t hash; /* of them */
    uint32_t len, next, number;
};

enum state { STATE_FREE, STATE_OPEN, STATE_READY };

struct story {
    struct sl_joint joint;
    enum state state;
    bool timed;
    uint8_t key_len;
    uint8_t key[KEY_MAX];
    int64_t since_ns; /* by the clock of expire; 0: it was not there at the last one */
    uint64_t hash; /* of connection and key */
    uint32_t total, packed_len;
    uint32_t first, last; /* parts, by their first blocks */
    uint32_t before, behind; /* in the list of its state, oldest first */
};

struct list {
    uint32_t first, last;
};

struct sl_joiner {
    uint32_t message_max;
    struct block *blocks;
    struct story *stories;
    uint32_t block_cnt, story_cnt;
    uint32_t free_block, free_block_cnt;
    uint32_t free_story, free_story_cnt;
    struct list open, ready;
    struct sl_mrn_part parts[UNIT_PARTS_MAX]; /* of the unit at hand */
};

static uint32_t blocks_of(uint64_t len) { return (uint32_t)(len / sizeof(struct block)); }

static uint32_t stories_of(uint64_t len)
{
    uint32_t cnt = blocks_of(len) / BLOCKS_PER_STORY;
    return cnt < STORIES_MAX ? cnt : STORIES_MAX;
}

uint64_t sl_joiner_footprint(uint64_t len)
{
    return sizeof(struct sl_joiner) + blocks_of(len) * sizeof(struct block) + stories_of(len) * sizeof(struct story);
}

int sl_joiner_init(struct sl_joiner **out, uint64_t len, uint32_t message_max)
{
    assert(len >= SL_JOIN_LEN_MIN && blocks_of(len) < NONE);
    struct sl_joiner *joiner = calloc(1, sizeof(*joiner));
    if (!joiner)
        return -ENOMEM;
    joiner->message_max = message_max;
    joiner->block_cnt = joiner->free_block_cnt = blocks_of(len);
    joiner->story_cnt = joiner->free_story_cnt = stories_of(len);
    joiner->blocks = calloc(joiner->block_cnt, sizeof(*joiner->blocks));
    joiner->stories = calloc(joiner->story_cnt, sizeof(*joiner->stories));
    if (!joiner->blocks || !joiner->stories) {
        sl_joiner_fini(joiner);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < joiner->block_cnt; i++)
        joiner->blocks[i].next = i + 1 < joiner->block_cnt ? i + 1 : NONE;
    for (uint32_t i = 0; i < joiner->story_cnt; i++)
        joiner->stories[i].behind = i + 1 < joiner->story_cnt ? i + 1 : NONE;
    joiner->open = joiner->ready = (struct list){ NONE, NONE };
    *out = joiner;
    return 0;
}

void sl_joiner_fini(struct sl_joiner *joiner)
{
    if (!joiner)
        return;
    free(joiner->stories);
    free(joiner->blocks);
    free(joiner);
}

/* ---- lists of stories ---- */

static void link_last(struct sl_joiner *joiner, struct list *list, uint32_t idx)
{
    struct story *story = &joiner->stories[idx];
    story->before = list->last;
    story->behind = NONE;
    if (list->last == NONE)
        list->first = idx;
    else
        joiner->stories[list->last].behind = idx;
    list->last = idx;
}

static void unlink_story(struct sl_joiner *joiner, struct list *list, uint32_t idx)
{
    struct story *story = &joiner->stories[idx];
    if (story->before == NONE)
        list->first = story->behind;
    else
        joiner->stories[story->before].behind = story->behind;
    if (story->behind == NONE)
        list->last = story->before;
    else
        joiner->stories[story->behind].before = story->before;
}

static uint32_t new_story(struct sl_joiner *joiner, uint32_t conn, const struct sl_message *head, bool timed)
{
    uint32_t idx = joiner->free_story;
    struct story *story = &joiner->stories[idx];
    assert(joiner->free_story_cnt);
    joiner->free_story = story->behind;
    joiner->free_story_cnt--;
    *story = (struct story){
        .joint = {.head = *head, .conn = conn},
          .state = STATE_OPEN, .timed = timed, .first = NONE, .last = NONE
    };
    story->joint.head.len = 1; /* the opening bracket; each update brings a comma or the closing one */
    story->joint.head.lane = SL_LANE_BULK;
    link_last(joiner, &joiner->open, idx);
    return idx;
}

static void make_ready(struct sl_joiner *joiner, uint32_t idx, enum sl_cut cut)
{
    struct story *story = &joiner->stories[idx];
    unlink_story(joiner, &joiner->open, idx);
    story->state = STATE_READY;
    story->joint.head.cut = (uint8_t)cut;
    link_last(joiner, &joiner->ready, idx);
}

/* ---- bytes in blocks ---- */

static uint32_t block_cnt_of(uint32_t len)
{
    uint32_t room = (uint32_t)sizeof(((struct block *)0)->bytes);
    return ((uint32_t)sizeof(struct part) + len + room - 1) / room;
}

static struct block *take_block(struct sl_joiner *joiner, uint32_t *idx)
{
    assert(joiner->free_block_cnt);
    *idx = joiner->free_block;
    struct block *block = &joiner->blocks[*idx];
    joiner->free_block = block->next;
    joiner->free_block_cnt--;
    block->next = NONE;
    return block;
}

/* Copies len bytes of an update behind the story's others. */
static void append(struct sl_joiner *joiner, struct story *story, const uint8_t *bytes, const struct part *part)
{
    uint32_t idx, next, at = sizeof(*part), left = part->len;
    struct block *block = take_block(joiner, &idx);
    memcpy(block->bytes, part, sizeof(*part));
    if (story->first == NONE)
        story->first = idx;
    else
        memcpy(joiner->blocks[story->last].bytes + offsetof(struct part, next), &idx, sizeof(idx));
    story->last = idx;
    for (;;) {
        uint32_t room = (uint32_t)sizeof(block->bytes) - at, len = left < room ? left : room;
        memcpy(block->bytes + at, bytes, len);
        bytes += len;
        left -= len;
        if (!left)
            break;
        struct block *more = take_block(joiner, &next);
        block->next = next;
        block = more;
        at = 0;
    }
    story->joint.head.len += part->len + 1;
}

static struct part part_at(const struct sl_joiner *joiner, uint32_t idx)
{
    struct part part;
    memcpy(&part, joiner->blocks[idx].bytes, sizeof(part));
    return part;
}

const struct sl_joint *sl_joiner_ready(const struct sl_joiner *joiner)
{
    return joiner->ready.first == NONE ? NULL : &joiner->stories[joiner->ready.first].joint;
}

void sl_joiner_copy(const struct sl_joiner *joiner, uint8_t *to)
{
    const struct story *story = &joiner->stories[joiner->ready.first];
    uint8_t next = '[';
    for (uint32_t p = story->first; p != NONE;) {
        struct part part = part_at(joiner, p);
        uint32_t at = sizeof(part), left = part.len;
        *to++ = next;
        for (uint32_t b = p; left; b = joiner->blocks[b].next, at = 0) {
            uint32_t room = (uint32_t)sizeof(joiner->blocks[b].bytes) - at, len = left < room ? left : room;
            memcpy(to, joiner->blocks[b].bytes + at, len);
            to += len;
            left -= len;
        }
        next = ',';
        p = part.next;
    }
    *to = ']';
}

void sl_joiner_drop(struct sl_joiner *joiner)
{
    uint32_t idx = joiner->ready.first;
    struct story *story = &joiner->stories[idx];
    for (uint32_t p = story->first, part_next; p != NONE; p = part_next) {
        part_next = part_at(joiner, p).next;
        for (uint32_t b = p, next; b != NONE; b = next) {
            next = joiner->blocks[b].next;
            joiner->blocks[b].next = joiner->free_block;
            joiner->free_block = b;
            joiner->free_block_cnt++;
        }
    }
    unlink_story(joiner, &joiner->ready, idx);
    story->state = STATE_FREE;
    story->behind = joiner->free_story;
    joiner->free_story = idx;
    joiner->free_story_cnt++;
}

/* ---- a unit's updates ---- */

struct unit {
    uint32_t conn;
    const struct sl_message *head;
    const uint8_t *bytes;
    bool timed;
    uint32_t rest; /* the story of its updates that are no fragments; NONE yet */
    uint32_t *parts, *repeated;
};

/* An update between brackets must be no longer than a message may be. */
static bool is_joinable(const struct sl_joiner *joiner, const struct sl_mrn_part *part)
{
    return sl_mrn_is_unfinished(part) && part->number <= SL_JOIN_PARTS_MAX && part->source.len < KEY_MAX &&
           part->guid.len < KEY_MAX - part->source.len && part->len + 2 <= joiner->message_max;
}

static uint8_t make_key(uint8_t key[KEY_MAX], const struct sl_mrn_part *part)
{
    if (part->source.len)
        memcpy(key, part->source.data, part->source.len);
    key[part->source.len] = '\0'; /* which no JSON string holds */
    memcpy(key + part->source.len + 1, part->guid.data, part->guid.len);
    return (uint8_t)(part->source.len + 1 + part->guid.len);
}

static uint64_t hash_key(const uint8_t *key, uint8_t key_len, uint32_t conn)
{
    return XXH3_64bits_withSeed(key, key_len, conn);
}

static uint32_t find_story(const struct sl_joiner *joiner, uint32_t conn, uint64_t hash, const uint8_t *key,
                           uint8_t key_len)
{
    for (uint32_t i = joiner->open.first; i != NONE; i = joiner->stories[i].behind) {
        const struct story *story = &joiner->stories[i];
        if (story->hash == hash && story->joint.conn == conn && story->key_len == key_len &&
            !memcmp(story->key, key, key_len))
            return i;
    }
    return NONE;
}

/* Its part of this number; false: it has none. */
static bool find_part(const struct sl_joiner *joiner, const struct story *story, uint32_t number, struct part *part)
{
    for (uint32_t p = story->first; p != NONE; p = part->next) {
        *part = part_at(joiner, p);
        if (part->number == number)
            return true;
    }
    return false;
}

static bool has_length(const struct sl_joiner *joiner, const struct story *story, const struct sl_mrn_part *part)
{
    return joiner->message_max - story->joint.head.len > part->len;
}

static void note_last(struct story *story, const struct unit *unit, const uint8_t *bytes, uint32_t len)
{
    enum sl_lane lane = sl_peek_lane(sl_format_by_id(SL_FORMAT_MRN), bytes, len);
    struct sl_message *head = &story->joint.head;
    head->stamps.wire_ns = unit->head->stamps.wire_ns;
    head->stamps.rx_ns = unit->head->stamps.rx_ns;
    head->wire_source = unit->head->wire_source;
    head->flags |= unit->head->flags;
    head->ack = unit->head->ack;
    head->lane = lane < head->lane ? (uint8_t)lane : head->lane;
}

static void keep_rest(struct sl_joiner *joiner, struct unit *unit, const struct sl_mrn_part *part)
{
    if (unit->rest == NONE)
        unit->rest = new_story(joiner, unit->conn, unit->head, unit->timed);
    struct story *story = &joiner->stories[unit->rest];
    append(joiner, story, unit->bytes + part->off, &(struct part){ .len = part->len, .next = NONE });
    note_last(story, unit, unit->bytes + part->off, part->len);
}

static void keep_fragment(struct sl_joiner *joiner, struct unit *unit, const struct sl_mrn_part *of)
{
    uint8_t key[KEY_MAX], key_len = make_key(key, of);
    const uint8_t *bytes = unit->bytes + of->off;
    uint64_t hash = hash_key(key, key_len, unit->conn);
    struct part part = { .hash = XXH3_64bits(bytes, of->len), .len = of->len, .next = NONE, .number = of->number }, had;
    uint32_t idx = find_story(joiner, unit->conn, hash, key, key_len);
    ++*unit->parts;
    if (idx != NONE && find_part(joiner, &joiner->stories[idx], of->number, &had)) {
        if (had.hash == part.hash && had.len == part.len) {
            ++*unit->repeated;
            return;
        }
        make_ready(joiner, idx, SL_CUT_NEW_START);
        idx = NONE;
    }
    if (idx != NONE && !has_length(joiner, &joiner->stories[idx], of)) {
        make_ready(joiner, idx, SL_CUT_TOO_LONG);
        idx = NONE;
    }
    if (idx == NONE) {
        idx = new_story(joiner, unit->conn, unit->head, unit->timed);
        joiner->stories[idx].hash = hash;
        joiner->stories[idx].key_len = key_len;
        memcpy(joiner->stories[idx].key, key, key_len);
    }
    struct story *story = &joiner->stories[idx];
    append(joiner, story, bytes, &part);
    note_last(story, unit, bytes, of->len);
    story->joint.parts++;
    story->packed_len += of->packed_len;
    story->total = of->total ? of->total : story->total;
    if (story->total && story->packed_len >= story->total)
        make_ready(joiner, idx, SL_CUT_NOT);
}

/* A unit of one fragment that goes on with a story which is there needs no room for another. */
static bool goes_on(const struct sl_joiner *joiner, const struct unit *unit, uint32_t cnt)
{
    const struct sl_mrn_part *of = &joiner->parts[0];
    uint8_t key[KEY_MAX], key_len = cnt == 1 ? make_key(key, of) : 0;
    struct part had;
    if (cnt != 1)
        return false;
    uint32_t idx = find_story(joiner, unit->conn, hash_key(key, key_len, unit->conn), key, key_len);
    return idx != NONE && !find_part(joiner, &joiner->stories[idx], of->number, &had) &&
           has_length(joiner, &joiner->stories[idx], of);
}

/* Reads the unit.  PASS and FULL: it is not for us, or there is no room for it. */
static enum sl_joined look_at(struct sl_joiner *joiner, const struct unit *unit, uint32_t *cnt)
{
    uint32_t blocks = 0;
    bool joins = false;
    *cnt = sl_mrn_parts(unit->bytes, unit->head->len, joiner->parts, UNIT_PARTS_MAX);
    for (uint32_t i = 0; *cnt != SL_MRN_UNREAD && i < *cnt; i++) {
        joins |= is_joinable(joiner, &joiner->parts[i]);
        blocks += block_cnt_of(joiner->parts[i].len);
    }
    if (!joins || blocks > joiner->block_cnt || *cnt > joiner->story_cnt)
        return SL_JOINED_PASS; /* with more than there can be room for, to be rejected for what is missing */
    bool has_stories = *cnt <= joiner->free_story_cnt || goes_on(joiner, unit, *cnt);
    return blocks <= joiner->free_block_cnt && has_stories ? SL_JOINED_KEPT : SL_JOINED_FULL;
}

enum sl_joined sl_joiner_take(struct sl_joiner *joiner, uint32_t conn, const struct sl_message *head,
                              const uint8_t *bytes, bool timed, uint32_t *parts, uint32_t *repeated)
{
    struct unit unit = { conn, head, bytes, timed, NONE, parts, repeated };
    uint32_t cnt;
    enum sl_joined joined = look_at(joiner, &unit, &cnt);
    *parts = *repeated = 0;
    if (joined == SL_JOINED_FULL && joiner->open.first != NONE)
        make_ready(joiner, joiner->open.first, SL_CUT_NO_ROOM);
    if (joined != SL_JOINED_KEPT)
        return joined;
    for (uint32_t i = 0; i < cnt; i++)
        if (!is_joinable(joiner, &joiner->parts[i]))
            keep_rest(joiner, &unit, &joiner->parts[i]);
    if (unit.rest != NONE)
        make_ready(joiner, unit.rest, SL_CUT_NOT);
    for (uint32_t i = 0; i < cnt; i++)
        if (is_joinable(joiner, &joiner->parts[i]))
            keep_fragment(joiner, &unit, &joiner->parts[i]);
    return SL_JOINED_KEPT;
}

/* ---- stories that are given up ---- */

void sl_joiner_end(struct sl_joiner *joiner, uint32_t conn, enum sl_cut why)
{
    for (uint32_t i = joiner->open.first, next; i != NONE; i = next) {
        next = joiner->stories[i].behind;
        if (joiner->stories[i].joint.conn == conn)
            make_ready(joiner, i, why);
    }
}

void sl_joiner_expire(struct sl_joiner *joiner, int64_t now_ns, int64_t time_ns)
{
    for (uint32_t i = joiner->open.last, before; i != NONE; i = before) {
        struct story *story = &joiner->stories[i];
        before = story->before;
        if (story->since_ns)
            break; /* and those before it have been seen, too */
        story->since_ns = now_ns;
    }
    for (uint32_t i = joiner->open.first, next; i != NONE; i = next) {
        struct story *story = &joiner->stories[i];
        next = story->behind;
        if (!story->timed)
            continue;
        if (now_ns - story->since_ns < time_ns)
            break;
        make_ready(joiner, i, SL_CUT_TIMEOUT);
    }
}
