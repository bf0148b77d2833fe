#include "pipeline/window.h"

#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define NOWHERE UINT32_MAX
#define CNT_MAX (1u << 28)

/* ---- versions and stories ---- */

/* Digits only, and few enough for 64 bits; a version that says more is compared by its time. */
static uint64_t number_of(struct sl_slice text)
{
    uint64_t number = 0;
    if (!text.len || text.len > 19)
        return UINT64_MAX;
    for (uint32_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return UINT64_MAX;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return number;
}

struct sl_version sl_version_of(const struct sl_bulletin *bulletin)
{
    return (struct sl_version){ number_of(sl_bulletin_text(bulletin, SL_TEXT_VERSION)), bulletin->version_created };
}

int sl_version_compare(struct sl_version a, struct sl_version b)
{
    if (a.number != UINT64_MAX && b.number != UINT64_MAX)
        return (a.number > b.number) - (a.number < b.number);
    if (a.created_ns != SL_TIME_NONE && b.created_ns != SL_TIME_NONE)
        return (a.created_ns > b.created_ns) - (a.created_ns < b.created_ns);
    return 0;
}

uint64_t sl_story_hash(struct sl_slice provider, struct sl_slice id)
{
    XXH3_state_t state;
    provider = sl_bulletin_owner(provider, id);
    XXH3_64bits_reset(&state);
    XXH3_64bits_update(&state, provider.data, provider.len);
    XXH3_64bits_update(&state, "", 1);
    XXH3_64bits_update(&state, id.data, id.len);
    return XXH3_64bits_digest(&state);
}

static bool is_among(const uint64_t *names, uint32_t cnt, uint64_t name)
{
    for (uint32_t i = 0; i < cnt; i++)
        if (names[i] == name)
            return true;
    return false;
}

uint32_t sl_names_of(const struct sl_bulletin *bulletin, uint64_t names[SL_NAMES_MAX])
{
    const struct sl_item *ids = sl_bulletin_items(bulletin, SL_LIST_ALT_IDS);
    uint32_t cnt = 1;
    names[0] = bulletin->story_hash;
    for (uint32_t i = 0; i < bulletin->list[SL_LIST_ALT_IDS].cnt && cnt < SL_NAMES_MAX; i++) {
        struct sl_slice id = sl_bulletin_ref(bulletin, ids[i].part[1]);
        uint64_t name = sl_story_hash(sl_bulletin_text(bulletin, SL_TEXT_PROVIDER), id);
        if (id.len && !is_among(names, cnt, name))
            names[cnt++] = name;
    }
    return cnt;
}

/* ---- one bounded table: chains in an array, and a list in order of age ---- */

static unsigned bucket_bits(uint32_t cnt)
{
    unsigned bits = 4;
    while ((1u << bits) < cnt)
        bits++;
    return bits;
}

static size_t table_footprint(uint32_t cnt)
{
    return cnt * sizeof(struct sl_window_entry) + ((size_t)1 << bucket_bits(cnt)) * sizeof(uint32_t);
}

static int make_table(struct sl_window_table *table, uint32_t cnt, uint64_t secret)
{
    if (!cnt || cnt > CNT_MAX)
        return -EINVAL;
    unsigned bits = bucket_bits(cnt);
    *table = (struct sl_window_table){
        .entries = malloc(cnt * sizeof(*table->entries)),
        .buckets = malloc(((size_t)1 << bits) * sizeof(*table->buckets)),
        .secret = secret | 1, /* odd, so that multiplying by it loses nothing */
        .cnt = cnt,
        .newest = NOWHERE,
        .oldest = NOWHERE,
        .shift = 64 - bits,
    };
    if (!table->entries || !table->buckets)
        return -ENOMEM;
    memset(table->entries, 0, cnt * sizeof(*table->entries));
    memset(table->buckets, 0xff, ((size_t)1 << bits) * sizeof(*table->buckets));
    return 0;
}

static uint32_t *bucket_of(const struct sl_window_table *table, uint64_t key)
{
    /* Both halves of the key are stirred into the top bits before these choose; a plain multiplication would let keys
     * that differ only in their top bits meet. */
    uint64_t mixed = (key ^ table->secret) * 0x9e3779b97f4a7c15ull;
    mixed = (mixed ^ (mixed >> 32)) * table->secret;
    return &table->buckets[mixed >> table->shift];
}

static uint32_t find(const struct sl_window_table *table, uint64_t key)
{
    uint32_t at = *bucket_of(table, key);
    while (at != NOWHERE && table->entries[at].key != key)
        at = table->entries[at].chain;
    return at;
}

static void leave_bucket(struct sl_window_table *table, uint32_t at)
{
    uint32_t *link = bucket_of(table, table->entries[at].key);
    while (*link != at)
        link = &table->entries[*link].chain;
    *link = table->entries[at].chain;
}

static void leave_order(struct sl_window_table *table, uint32_t at)
{
    struct sl_window_entry *entry = &table->entries[at];
    *(entry->newer == NOWHERE ? &table->newest : &table->entries[entry->newer].older) = entry->older;
    *(entry->older == NOWHERE ? &table->oldest : &table->entries[entry->older].newer) = entry->newer;
}

static void become_newest(struct sl_window_table *table, uint32_t at)
{
    struct sl_window_entry *entry = &table->entries[at];
    entry->newer = NOWHERE;
    entry->older = table->newest;
    *(table->newest == NOWHERE ? &table->oldest : &table->entries[table->newest].newer) = at;
    table->newest = at;
}

/* An entry for a key that has none: a fresh one, or the oldest's. */
static uint32_t take_entry(struct sl_window_table *table)
{
    if (table->used < table->cnt)
        return table->used++;
    uint32_t at = table->oldest;
    leave_bucket(table, at);
    leave_order(table, at);
    return at;
}

/* Puts or replaces; either way the entry is the newest afterwards. */
static void put(struct sl_window_table *table, uint64_t key, uint64_t value0, uint64_t value1)
{
    uint32_t at = find(table, key);
    if (at != NOWHERE) {
        leave_order(table, at);
    } else {
        at = take_entry(table);
        uint32_t *bucket = bucket_of(table, key);
        table->entries[at].key = key;
        table->entries[at].chain = *bucket;
        *bucket = at;
    }
    table->entries[at].value[0] = value0;
    table->entries[at].value[1] = value1;
    become_newest(table, at);
}

/* ---- the window ---- */

int sl_window_init(struct sl_window *window, uint32_t identity_cnt, uint32_t tombstone_cnt, uint64_t key)
{
    memset(window, 0, sizeof(*window));
    int rc = make_table(&window->identities, identity_cnt, key);
    if (!rc)
        rc = make_table(&window->stories, identity_cnt, key);
    if (!rc)
        rc = make_table(&window->tombstones, tombstone_cnt, key);
    if (rc)
        sl_window_fini(window);
    return rc;
}

void sl_window_fini(struct sl_window *window)
{
    struct sl_window_table *tables[] = { &window->identities, &window->stories, &window->tombstones };
    for (unsigned i = 0; i < 3; i++) {
        free(tables[i]->entries);
        free(tables[i]->buckets);
    }
    memset(window, 0, sizeof(*window));
}

size_t sl_window_footprint(uint32_t identity_cnt, uint32_t tombstone_cnt)
{
    return 2 * table_footprint(identity_cnt) + table_footprint(tombstone_cnt);
}

static bool has_content(const struct sl_window_table *table, uint32_t at, const struct sl_bulletin *bulletin)
{
    const struct sl_window_entry *entry = &table->entries[at];
    return entry->value[0] == bulletin->content_hash[0] && entry->value[1] == bulletin->content_hash[1];
}

/* Where the second and any further content of one identity is remembered.  Chaining all of them under the identity
 * would be shorter, and would let one id with a million texts make every look-up walk over all of them. */
static uint64_t further_key(const struct sl_bulletin *bulletin)
{
    return bulletin->version_hash ^ (bulletin->content_hash[0] * 0x9e3779b97f4a7c15ull) ^ bulletin->content_hash[1];
}

static bool seen_content(const struct sl_window_table *table, uint32_t at, const struct sl_bulletin *bulletin)
{
    if (has_content(table, at, bulletin))
        return true;
    uint32_t further = find(table, further_key(bulletin));
    return further != NOWHERE && has_content(table, further, bulletin);
}

static bool is_late(const struct sl_window *window, const struct sl_bulletin *bulletin)
{
    uint32_t at = find(&window->stories, bulletin->story_hash);
    if (at == NOWHERE)
        return false;
    const struct sl_window_entry *story = &window->stories.entries[at];
    struct sl_version newest = { story->value[0], (int64_t)story->value[1] };
    return sl_version_compare(sl_version_of(bulletin), newest) < 0;
}

enum sl_verdict sl_window_judge(const struct sl_window *window, const struct sl_bulletin *bulletin)
{
    uint32_t at = find(&window->identities, bulletin->version_hash);
    if (at != NOWHERE && seen_content(&window->identities, at, bulletin))
        return SL_VERDICT_DUPLICATE;
    /* A second kill of the same story withdraws it again; it is not itself withdrawn. */
    if (bulletin->kind != SL_KIND_KILL && sl_window_killed(window, bulletin))
        return SL_VERDICT_WITHDRAWN;
    if (at != NOWHERE)
        return SL_VERDICT_SAME_VERSION;
    return is_late(window, bulletin) ? SL_VERDICT_LATE : SL_VERDICT_PASSED;
}

void sl_window_note(struct sl_window *window, const struct sl_bulletin *bulletin, uint64_t seq)
{
    struct sl_window_table *table = &window->identities;
    uint32_t at = find(table, bulletin->version_hash);
    bool further = at != NOWHERE && !has_content(table, at, bulletin);
    put(table, further ? further_key(bulletin) : bulletin->version_hash, bulletin->content_hash[0],
        bulletin->content_hash[1]);
    table->entries[table->newest].seq = (uint32_t)seq;
}

uint64_t sl_window_seq(const struct sl_window *window, const struct sl_bulletin *bulletin, uint64_t head)
{
    const struct sl_window_table *table = &window->identities;
    uint32_t at = find(table, bulletin->version_hash);
    if (at != NOWHERE && !has_content(table, at, bulletin))
        at = find(table, further_key(bulletin));
    uint32_t back = at == NOWHERE ? 0 : (uint32_t)head - table->entries[at].seq;
    return back < head ? head - back : 0;
}

void sl_window_note_version(struct sl_window *window, uint64_t story_hash, struct sl_version version)
{
    uint32_t at = find(&window->stories, story_hash);
    if (at != NOWHERE) {
        const struct sl_window_entry *story = &window->stories.entries[at];
        struct sl_version newest = { story->value[0], (int64_t)story->value[1] };
        if (sl_version_compare(version, newest) < 0)
            version = newest;
    }
    put(&window->stories, story_hash, version.number, (uint64_t)version.created_ns);
}

void sl_window_kill(struct sl_window *window, uint64_t name) { put(&window->tombstones, name, 0, 0); }

bool sl_window_killed(const struct sl_window *window, const struct sl_bulletin *bulletin)
{
    uint64_t names[SL_NAMES_MAX];
    /* Kills are rare: most days this is all there is to it. */
    if (!window->tombstones.used)
        return false;
    uint32_t cnt = sl_names_of(bulletin, names);
    for (uint32_t i = 0; i < cnt; i++)
        if (find(&window->tombstones, names[i]) != NOWHERE)
            return true;
    return false;
}

static void save_table(const struct sl_window_table *table, struct sl_window_past_table *past)
{
    uint32_t cnt = 0;
    for (uint32_t at = table->newest; at != NOWHERE && cnt < SL_WINDOW_PAST_CNT; at = table->entries[at].older, cnt++) {
        past->entries[cnt].key = table->entries[at].key;
        memcpy(past->entries[cnt].value, table->entries[at].value, sizeof(past->entries[cnt].value));
        past->entries[cnt].seq = table->entries[at].seq;
    }
    past->cnt = cnt;
}

void sl_window_save(const struct sl_window *window, struct sl_window_past *past)
{
    save_table(&window->identities, &past->tables[0]);
    save_table(&window->stories, &past->tables[1]);
    save_table(&window->tombstones, &past->tables[2]);
}

static void load_table(struct sl_window_table *table, const struct sl_window_past_table *past)
{
    for (uint32_t i = past->cnt < SL_WINDOW_PAST_CNT ? past->cnt : SL_WINDOW_PAST_CNT; i--;) {
        uint32_t at = find(table, past->entries[i].key), seq = past->entries[i].seq;
        if (at != NOWHERE && (int32_t)(table->entries[at].seq - seq) > 0)
            continue;
        put(table, past->entries[i].key, past->entries[i].value[0], past->entries[i].value[1]);
        table->entries[table->newest].seq = seq;
    }
}

void sl_window_load(struct sl_window *window, const struct sl_window_past *past)
{
    load_table(&window->identities, &past->tables[0]);
    load_table(&window->stories, &past->tables[1]);
    load_table(&window->tombstones, &past->tables[2]);
}
