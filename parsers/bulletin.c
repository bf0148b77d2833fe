#include "parsers/bulletin.h"
#include <strings.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "parsers/text.h"

#define ITEM_ALIGN 8u

static const char surplus_note[] = "more than 512 list items: the rest left out";
_Static_assert(SL_OUT_ITEMS_MAX == 512, "the note says the number");

/* What finish may need beyond what the parser put: the note, its item, and the gap before the items. */
#define FINISH_LEN (sizeof surplus_note + sizeof(struct sl_item) + ITEM_ALIGN)

static uint32_t align_up(uint32_t len) { return (len + ITEM_ALIGN - 1) & ~(ITEM_ALIGN - 1); }

/* ---- reading ---- */

static bool enums_fine(const struct sl_bulletin *bulletin)
{
    return bulletin->kind >= SL_KIND_NEWS && bulletin->kind < SL_KIND_CNT && bulletin->signal < SL_SIGNAL_CNT &&
           bulletin->pubstatus < SL_PUB_CNT && bulletin->urgency <= 9 && !(bulletin->flags & ~SL_BULLETIN_FLAGS_ALL);
}

/* Where the items start, if the lists lie one behind the other up to the end of the record; 0 if they do not. */
static uint32_t find_items(const struct sl_bulletin *bulletin)
{
    uint64_t end = bulletin->len;
    for (unsigned list = SL_LIST_CNT; list-- > 0;) {
        const struct sl_list_ref *ref = &bulletin->list[list];
        if (ref->cnt == 0 && ref->off != 0)
            return 0;
        if (ref->cnt == 0)
            continue;
        uint64_t len = (uint64_t)ref->cnt * sizeof(struct sl_item);
        if (ref->off < sizeof *bulletin || ref->off + len != end)
            return 0;
        end = ref->off;
    }
    return (uint32_t)end;
}

static bool is_inside_character(uint8_t byte) { return (byte & 0xc0) == 0x80; }

/* The text as a whole is proved apart from this, once; a ref only has to cut it between characters. */
static bool ref_fine(const uint8_t *base, uint32_t text_end, struct sl_ref ref)
{
    if (ref.off == 0 && ref.len == 0)
        return true;
    uint64_t end = (uint64_t)ref.off + ref.len;
    if (ref.off < sizeof(struct sl_bulletin) || end > text_end)
        return false;
    return (ref.off == text_end || !is_inside_character(base[ref.off])) &&
           (end == text_end || !is_inside_character(base[end]));
}

static bool refs_fine(const struct sl_bulletin *bulletin, uint32_t text_end)
{
    const uint8_t *base = (const uint8_t *)bulletin;
    for (unsigned text = 0; text < SL_TEXT_CNT; text++) {
        if (!ref_fine(base, text_end, bulletin->text[text]))
            return false;
    }
    const struct sl_item *item = (const struct sl_item *)(base + text_end);
    const struct sl_item *end = (const struct sl_item *)(base + bulletin->len);
    for (; item < end; item++) {
        for (unsigned part = 0; part < SL_ITEM_PARTS; part++) {
            if (!ref_fine(base, text_end, item->part[part]))
                return false;
        }
    }
    return true;
}

enum sl_bulletin_fault sl_bulletin_check(const void *mem, size_t mem_len)
{
    assert((uintptr_t)mem % ITEM_ALIGN == 0);
    const struct sl_bulletin *bulletin = mem;
    if (mem_len < sizeof *bulletin || bulletin->len < sizeof *bulletin || bulletin->len > mem_len)
        return SL_BULLETIN_SHORT;
    if (bulletin->layout != SL_BULLETIN_LAYOUT)
        return SL_BULLETIN_BAD_LAYOUT;
    if (!enums_fine(bulletin))
        return SL_BULLETIN_BAD_ENUM;
    if (bulletin->len % ITEM_ALIGN != 0)
        return SL_BULLETIN_BAD_REF;
    /* The record's length and the items' are multiples of 8, so the items are aligned. */
    uint32_t text_end = find_items(bulletin);
    if (text_end == 0 || !refs_fine(bulletin, text_end))
        return SL_BULLETIN_BAD_REF;
    uint32_t text_len = text_end - (uint32_t)sizeof *bulletin;
    if (sl_text_prefix((const uint8_t *)mem + sizeof *bulletin, text_len) != text_len)
        return SL_BULLETIN_BAD_TEXT;
    return SL_BULLETIN_FINE;
}

const char *sl_kind_name(unsigned kind)
{
    static const char *const names[SL_KIND_CNT] = {
        [SL_KIND_NEWS] = "news",         [SL_KIND_UPDATE] = "update", [SL_KIND_CORRECTION] = "correction",
        [SL_KIND_KILL] = "kill",         [SL_KIND_HOLD] = "hold",     [SL_KIND_RELEASE] = "release",
        [SL_KIND_ADVISORY] = "advisory", [SL_KIND_TEST] = "test",     [SL_KIND_HEARTBEAT] = "heartbeat",
    };
    return kind < SL_KIND_CNT && names[kind] ? names[kind] : "?";
}

const char *sl_signal_name(unsigned signal)
{
    static const char *const names[SL_SIGNAL_CNT] = {
        [SL_SIGNAL_NONE] = "",           [SL_SIGNAL_UPDATE] = "update",     [SL_SIGNAL_CORRECTION] = "correction",
        [SL_SIGNAL_KILL] = "kill",       [SL_SIGNAL_CANCEL] = "cancel",     [SL_SIGNAL_HOLD] = "hold",
        [SL_SIGNAL_RELEASE] = "release", [SL_SIGNAL_ADVISORY] = "advisory", [SL_SIGNAL_ALERT] = "alert",
        [SL_SIGNAL_EMBARGO] = "embargo", [SL_SIGNAL_TEST] = "test",         [SL_SIGNAL_EXERCISE] = "exercise",
    };
    return signal < SL_SIGNAL_CNT ? names[signal] : "?";
}

const char *sl_pubstatus_name(unsigned pubstatus)
{
    static const char *const names[SL_PUB_CNT] = { "", "usable", "withheld", "canceled" };
    return pubstatus < SL_PUB_CNT ? names[pubstatus] : "?";
}

/* ---- writing ---- */

void sl_out_begin(struct sl_out *out, void *mem, uint32_t cap, uint16_t format)
{
    assert((uintptr_t)mem % ITEM_ALIGN == 0 && cap >= SL_BULLETIN_LEN_MIN);
    out->base = mem;
    out->cap = cap - (uint32_t)FINISH_LEN;
    out->len = sizeof(struct sl_bulletin);
    out->open_off = 0;
    out->full = false;
    out->surplus = false;
    out->item_cnt = 0;

    struct sl_bulletin *bulletin = mem;
    memset(bulletin, 0, sizeof *bulletin);
    bulletin->layout = SL_BULLETIN_LAYOUT;
    bulletin->format = format;
    bulletin->kind = SL_KIND_NEWS;
    bulletin->version_created = SL_TIME_NONE;
    bulletin->first_created = SL_TIME_NONE;
    bulletin->embargoed_until = SL_TIME_NONE;
    bulletin->expires = SL_TIME_NONE;
    bulletin->number = UINT64_MAX;
}

void sl_out_open(struct sl_out *out)
{
    assert(out->open_off == 0);
    out->open_off = out->len;
}

struct sl_ref sl_out_close(struct sl_out *out)
{
    struct sl_ref ref = { out->open_off, out->len - out->open_off };
    assert(ref.off != 0);
    out->open_off = 0;
    /* Of a full bulletin nothing is used, and what was cut off may end inside a character. */
    return ref.len == 0 || out->full ? (struct sl_ref){ 0, 0 } : ref;
}

void sl_out_cut(struct sl_out *out, uint32_t len)
{
    assert(out->open_off != 0);
    if (len < out->len - out->open_off)
        out->len = out->open_off + len;
}

struct sl_ref sl_out_ref(struct sl_out *out, const void *data, uint32_t len)
{
    sl_out_open(out);
    sl_out_put(out, data, len);
    return sl_out_close(out);
}

void sl_out_set(struct sl_out *out, enum sl_text text, struct sl_ref ref) { sl_out_root(out)->text[text] = ref; }

void sl_out_text(struct sl_out *out, enum sl_text text, const void *data, uint32_t len)
{
    sl_out_set(out, text, sl_out_ref(out, data, len));
}

struct sl_slice sl_out_get(const struct sl_out *out, enum sl_text text)
{
    return sl_bulletin_text((const struct sl_bulletin *)out->base, text);
}

static void add_item(struct sl_out *out, enum sl_list list, struct sl_item item)
{
    out->items[out->item_cnt].item = item;
    out->items[out->item_cnt].list = (uint8_t)list;
    out->item_cnt++;
}

void sl_out_item(struct sl_out *out, enum sl_list list, struct sl_ref a, struct sl_ref b, struct sl_ref c,
                 struct sl_ref d)
{
    if (out->item_cnt >= SL_OUT_ITEMS_MAX) {
        out->surplus = true;
        return;
    }
    struct sl_item item = {
        {a, b, c, d}
    };
    add_item(out, list, item);
}

void sl_out_item_once(struct sl_out *out, enum sl_list list, struct sl_ref a, struct sl_ref b, struct sl_ref c,
                      struct sl_ref d)
{
    const struct sl_bulletin *root = sl_out_root(out);
    for (uint32_t i = 0; i < out->item_cnt && out->item_cnt < SL_OUT_ITEMS_MAX; i++) {
        const struct sl_ref *part = out->items[i].item.part;
        if (out->items[i].list == list && sl_bulletin_same(root, part[0], a) && sl_bulletin_same(root, part[1], b) &&
            sl_bulletin_same(root, part[2], c) && sl_bulletin_same(root, part[3], d))
            return;
    }
    sl_out_item(out, list, a, b, c, d);
}

void sl_out_word(struct sl_out *out, enum sl_list list, const void *data, uint32_t len)
{
    static const struct sl_ref none;
    /* The bytes of a word that has no place are not taken either. */
    struct sl_ref word = out->item_cnt < SL_OUT_ITEMS_MAX ? sl_out_ref(out, data, len) : none;
    sl_out_item(out, list, word, none, none, none);
}

void sl_out_note(struct sl_out *out, const char *note)
{
    sl_out_word(out, SL_LIST_NOTES, note, (uint32_t)strlen(note));
}

/* ---- finishing: identity and content ---- */

struct sl_slice sl_bulletin_owner(struct sl_slice provider, struct sl_slice id)
{
    static const char urn[] = "urn:newsml:"; /* RFC 3085 */
    uint32_t len = sizeof urn - 1;
    bool is_urn = id.len > len && strncasecmp(id.data, urn, len) == 0;
    const char *end = is_urn ? memchr(id.data + len, ':', id.len - len) : NULL;
    return end ? (struct sl_slice){ id.data + len, (uint32_t)(end - id.data) - len } : provider;
}

static bool is_white(char c) { return c == ' ' || c == '\n' || c == '\t'; }

/* Length of the prefix whose white space is folded already: no LF, no TAB, no two blanks together. */
static uint32_t folded_run(const char *data, uint32_t len)
{
    uint32_t i = 0;
#if defined(__SSE2__)
    const __m128i blank = _mm_set1_epi8(' '), line = _mm_set1_epi8('\n'), tab = _mm_set1_epi8('\t');
    for (; len - i > 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(data + i));
        __m128i after = _mm_loadu_si128((const __m128i *)(data + i + 1));
        __m128i twice = _mm_and_si128(_mm_cmpeq_epi8(block, blank), _mm_cmpeq_epi8(after, blank));
        __m128i white = _mm_or_si128(_mm_cmpeq_epi8(block, line), _mm_cmpeq_epi8(block, tab));
        int mask = _mm_movemask_epi8(_mm_or_si128(twice, white));
        if (mask != 0)
            return i + (uint32_t)__builtin_ctz((unsigned)mask);
    }
#endif
    for (; i < len; i++) {
        if (data[i] == '\n' || data[i] == '\t' || (data[i] == ' ' && i + 1 < len && data[i + 1] == ' '))
            return i;
    }
    return len;
}

#define HASH_BLOCK_LEAST 1024u
#define HASH_BLOCK_MOST  65536u

/* What is hashed, gathered into blocks: the hash's own state costs much, and most bulletins are one block. */
struct digest {
    XXH3_state_t state;
    uint8_t *block;
    uint32_t cap, len;
    bool has_state; /* a block did not hold it all */
    uint8_t least[HASH_BLOCK_LEAST];
};

/* The block is what the bulletin leaves free of its memory.  Nothing is cleared: what it holds is counted. */
static void digest_begin(struct digest *digest, const struct sl_out *out)
{
    uint32_t room = out->cap - out->len;
    digest->block = room > HASH_BLOCK_LEAST ? out->base + out->len : digest->least;
    digest->cap = room > HASH_BLOCK_MOST ? HASH_BLOCK_MOST : room > HASH_BLOCK_LEAST ? room : HASH_BLOCK_LEAST;
    digest->len = 0;
    digest->has_state = false;
}

static void digest_put(struct digest *digest, const void *data, uint32_t len)
{
    if (len <= digest->cap - digest->len) {
        memcpy(digest->block + digest->len, data, len);
        digest->len += len;
        return;
    }
    if (!digest->has_state)
        XXH3_128bits_reset(&digest->state);
    digest->has_state = true;
    XXH3_128bits_update(&digest->state, digest->block, digest->len);
    digest->len = 0;
    if (len <= digest->cap / 2) {
        memcpy(digest->block, data, len);
        digest->len = len;
        return;
    }
    XXH3_128bits_update(&digest->state, data, len);
}

static XXH128_hash_t digest_end(struct digest *digest)
{
    if (!digest->has_state)
        return XXH3_128bits(digest->block, digest->len);
    XXH3_128bits_update(&digest->state, digest->block, digest->len);
    return XXH3_128bits_digest(&digest->state);
}

static void hash_identity(struct sl_bulletin *bulletin, struct digest *digest)
{
    struct sl_slice id = sl_bulletin_text(bulletin, SL_TEXT_ID);
    struct sl_slice provider = sl_bulletin_owner(sl_bulletin_text(bulletin, SL_TEXT_PROVIDER), id);
    struct sl_slice version = sl_bulletin_text(bulletin, SL_TEXT_VERSION);
    if ((uint64_t)provider.len + id.len + version.len + 2 <= digest->cap) {
        digest_put(digest, provider.data, provider.len);
        digest_put(digest, "", 1);
        digest_put(digest, id.data, id.len);
        bulletin->story_hash = XXH3_64bits(digest->block, digest->len);
        digest_put(digest, "", 1);
        digest_put(digest, version.data, version.len);
        bulletin->version_hash = XXH3_64bits(digest->block, digest->len);
        digest->len = 0;
        return;
    }
    XXH3_64bits_reset(&digest->state);
    XXH3_64bits_update(&digest->state, provider.data, provider.len);
    XXH3_64bits_update(&digest->state, "", 1);
    XXH3_64bits_update(&digest->state, id.data, id.len);
    bulletin->story_hash = XXH3_64bits_digest(&digest->state);
    XXH3_64bits_update(&digest->state, "", 1);
    XXH3_64bits_update(&digest->state, version.data, version.len);
    bulletin->version_hash = XXH3_64bits_digest(&digest->state);
}

#if defined(__x86_64__)

/* Folds and copies at once; `to` has room for len bytes and a block.  Gives the length. */
__attribute__((target("avx2"))) static uint32_t fold_words_avx2(uint8_t *to, const char *data, uint32_t len)
{
    const __m256i blank = _mm256_set1_epi8(' '), line = _mm256_set1_epi8('\n'), tab = _mm256_set1_epi8('\t');
    uint8_t *begin = to;
    uint32_t i = 0;
    while (len - i > 32) {
        __m256i block = _mm256_loadu_si256((const __m256i *)(data + i));
        __m256i after = _mm256_loadu_si256((const __m256i *)(data + i + 1));
        __m256i twice = _mm256_and_si256(_mm256_cmpeq_epi8(block, blank), _mm256_cmpeq_epi8(after, blank));
        __m256i white = _mm256_or_si256(_mm256_cmpeq_epi8(block, line), _mm256_cmpeq_epi8(block, tab));
        uint32_t mask = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(twice, white));
        uint32_t run = mask != 0 ? (uint32_t)__builtin_ctz(mask) : 32;
        _mm256_storeu_si256((__m256i *)to, block);
        to += run;
        i += run;
        if (mask == 0)
            continue;
        /* What has been put may end with a blank, of which this is the next. */
        while (i < len && is_white(data[i]))
            i++;
        to -= to != begin && to[-1] == ' ';
        *to = ' ';
        to += to != begin;
    }
    for (; i < len; i++) {
        if (!is_white(data[i]))
            *to++ = (uint8_t)data[i];
        else if (to != begin && to[-1] != ' ')
            *to++ = ' ';
    }
    return (uint32_t)(to - begin) - (to != begin && to[-1] == ' ');
}

#endif

/* Words with one blank between, whatever stood there, and a NUL, which no text holds.  Texts of our own parsers are
 * nearly folded, so these are long runs. */
static void hash_words(struct digest *digest, struct sl_slice text)
{
#if defined(__x86_64__)
    if (text.len + 33 <= digest->cap - digest->len && __builtin_cpu_supports("avx2")) {
        while (text.len != 0 && is_white(text.data[0])) {
            text.data++;
            text.len--;
        }
        digest->len += fold_words_avx2(digest->block + digest->len, text.data, text.len);
        digest->block[digest->len++] = '\0';
        return;
    }
#endif
    bool first = true;
    for (;;) {
        while (text.len != 0 && is_white(text.data[0])) {
            text.data++;
            text.len--;
        }
        if (text.len == 0)
            break;
        if (!first)
            digest_put(digest, " ", 1);
        first = false;
        uint32_t run = folded_run(text.data, text.len);
        uint32_t words = run;
        while (words != 0 && is_white(text.data[words - 1]))
            words--;
        digest_put(digest, text.data, words);
        text.data += run;
        text.len -= run;
    }
    digest_put(digest, "", 1);
}

static void hash_content(struct sl_bulletin *bulletin, struct digest *digest)
{
    uint8_t head[13] = { bulletin->kind, bulletin->signal, bulletin->pubstatus, bulletin->urgency,
                         (bulletin->flags & SL_BULLETIN_EMBARGOED) != 0 };
    memcpy(head + 5, &bulletin->embargoed_until, sizeof bulletin->embargoed_until);
    digest_put(digest, head, sizeof head);
    hash_words(digest, sl_bulletin_text(bulletin, SL_TEXT_HEADLINE));
    hash_words(digest, sl_bulletin_text(bulletin, SL_TEXT_BYLINE));
    hash_words(digest, sl_bulletin_text(bulletin, SL_TEXT_EDNOTE));
    hash_words(digest, sl_bulletin_text(bulletin, SL_TEXT_BODY));
    XXH128_hash_t hash = digest_end(digest);
    bulletin->content_hash[0] = hash.low64;
    bulletin->content_hash[1] = hash.high64;
}

/* ---- finishing: lists ---- */

/* Groups the items by list behind the text; in a list they keep the order in which they came. */
static void place_items(struct sl_out *out)
{
    struct sl_bulletin *bulletin = sl_out_root(out);
    for (uint32_t i = 0; i < out->item_cnt; i++)
        bulletin->list[out->items[i].list].cnt++;

    struct sl_item *next[SL_LIST_CNT];
    for (unsigned list = 0; list < SL_LIST_CNT; list++) {
        struct sl_list_ref *ref = &bulletin->list[list];
        ref->off = ref->cnt != 0 ? out->len : 0;
        next[list] = (struct sl_item *)(out->base + out->len);
        out->len += ref->cnt * (uint32_t)sizeof(struct sl_item);
    }
    for (uint32_t i = 0; i < out->item_cnt; i++)
        *next[out->items[i].list]++ = out->items[i].item;
}

uint32_t sl_out_finish(struct sl_out *out)
{
    struct sl_bulletin *bulletin = sl_out_root(out);
    assert(out->open_off == 0 && enums_fine(bulletin));
    out->cap += (uint32_t)FINISH_LEN;
    if (out->surplus) {
        struct sl_item item = { { sl_out_ref(out, surplus_note, sizeof surplus_note - 1) } };
        add_item(out, SL_LIST_NOTES, item);
    }
    uint32_t items_len = out->item_cnt * (uint32_t)sizeof(struct sl_item);
    uint32_t gap = align_up(out->len) - out->len;
    if (out->full || gap + items_len > out->cap - out->len || bulletin->text[SL_TEXT_ID].len == 0)
        return 0;
    /* Blanks, so that the whole stretch of text up to the items is clean. */
    memset(out->base + out->len, ' ', gap);
    out->len += gap;
    place_items(out);
    bulletin->len = out->len;
    struct digest digest;
    digest_begin(&digest, out);
    hash_identity(bulletin, &digest);
    hash_content(bulletin, &digest);
    return bulletin->len;
}
