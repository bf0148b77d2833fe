/* parsers/bulletin: what a parser writes passes the check, what was damaged does not, and hashes mean what they say. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/bulletin.h"
#define XXH_INLINE_ALL
#include <xxhash.h>

#define CAP 65536u

struct writing {
    _Alignas(8) uint8_t mem[CAP];
    struct sl_out out;
};

static struct writing *begin(uint32_t cap)
{
    static struct writing writing;
    memset(writing.mem, 0xee, sizeof writing.mem);
    sl_out_begin(&writing.out, writing.mem, cap, 1);
    return &writing;
}

static void text(struct sl_out *out, enum sl_text which, const char *value)
{
    sl_out_text(out, which, value, (uint32_t)strlen(value));
}

static struct sl_ref ref(struct sl_out *out, const char *value)
{
    return sl_out_ref(out, value, (uint32_t)strlen(value));
}

/* A small story with two lists that were filled in turns. */
static struct writing *begin_story(void)
{
    static const struct sl_ref none;
    struct writing *writing = begin(CAP);
    struct sl_out *out = &writing->out;
    text(out, SL_TEXT_PROVIDER, "nordwire");
    text(out, SL_TEXT_ID, "nw-2026-17");
    text(out, SL_TEXT_VERSION, "3");
    text(out, SL_TEXT_HEADLINE, "Ferry back in port");
    text(out, SL_TEXT_BYLINE, "Harbour desk");
    text(out, SL_TEXT_EDNOTE, "Adds weather");
    text(out, SL_TEXT_BODY, "K\u00f8ge (nw) - The ferry is back.\n\nAll are well.");
    sl_out_word(out, SL_LIST_KEYWORDS, "ferry", 5);
    sl_out_item(out, SL_LIST_SUBJECTS, ref(out, "medtop"), ref(out, "03000000"), ref(out, "disaster"), none);
    sl_out_word(out, SL_LIST_KEYWORDS, "port", 4);
    sl_out_note(out, "a note");
    sl_out_root(out)->urgency = 4;
    return writing;
}

static const struct sl_bulletin *finish(struct writing *writing)
{
    uint32_t len = sl_out_finish(&writing->out);
    cr_assert_neq(len, 0);
    cr_assert_eq(sl_bulletin_check(writing->mem, len), SL_BULLETIN_FINE);
    return (const struct sl_bulletin *)writing->mem;
}

static bool says(struct sl_slice slice, const char *want)
{
    return slice.len == strlen(want) && memcmp(slice.data, want, slice.len) == 0;
}

Test(bulletin, begins_as_news_without_times_or_number)
{
    struct writing *writing = begin(SL_BULLETIN_LEN_MIN);
    text(&writing->out, SL_TEXT_ID, "x");
    const struct sl_bulletin *bulletin = finish(writing);
    cr_expect_eq(bulletin->kind, SL_KIND_NEWS);
    cr_expect_eq(bulletin->version_created, SL_TIME_NONE);
    cr_expect_eq(bulletin->first_created, SL_TIME_NONE);
    cr_expect_eq(bulletin->embargoed_until, SL_TIME_NONE);
    cr_expect_eq(bulletin->expires, SL_TIME_NONE);
    cr_expect_eq(bulletin->number, UINT64_MAX);
    cr_expect_eq(bulletin->urgency, 0);
    cr_expect_eq(bulletin->len % 8, 0);
}

Test(bulletin, gives_back_what_was_put_in)
{
    const struct sl_bulletin *bulletin = finish(begin_story());
    cr_expect(says(sl_bulletin_text(bulletin, SL_TEXT_HEADLINE), "Ferry back in port"));
    cr_expect(says(sl_bulletin_text(bulletin, SL_TEXT_BODY), "K\u00f8ge (nw) - The ferry is back.\n\nAll are well."));
    cr_expect_eq(sl_bulletin_text(bulletin, SL_TEXT_CREDIT).len, 0);
}

Test(bulletin, groups_items_by_list_and_keeps_their_order)
{
    const struct sl_bulletin *bulletin = finish(begin_story());
    cr_assert_eq(bulletin->list[SL_LIST_KEYWORDS].cnt, 2);
    const struct sl_item *words = sl_bulletin_items(bulletin, SL_LIST_KEYWORDS);
    cr_expect(says(sl_bulletin_ref(bulletin, words[0].part[0]), "ferry"));
    cr_expect(says(sl_bulletin_ref(bulletin, words[1].part[0]), "port"));
    cr_assert_eq(bulletin->list[SL_LIST_SUBJECTS].cnt, 1);
    const struct sl_item *subject = sl_bulletin_items(bulletin, SL_LIST_SUBJECTS);
    cr_expect(says(sl_bulletin_ref(bulletin, subject->part[1]), "03000000"));
    cr_expect(says(sl_bulletin_ref(bulletin, subject->part[2]), "disaster"));
    cr_expect_eq(bulletin->list[SL_LIST_NOTES].cnt, 1);
    cr_expect_eq(bulletin->list[SL_LIST_PLACES].cnt, 0);
}

Test(bulletin, may_be_copied_anywhere)
{
    static _Alignas(8) uint8_t elsewhere[CAP];
    struct writing *writing = begin_story();
    uint32_t len = finish(writing)->len;
    memcpy(elsewhere, writing->mem, len);
    memset(writing->mem, 0, sizeof writing->mem);
    cr_assert_eq(sl_bulletin_check(elsewhere, len), SL_BULLETIN_FINE);
    cr_expect(says(sl_bulletin_text((const struct sl_bulletin *)elsewhere, SL_TEXT_ID), "nw-2026-17"));
}

/* ---- writing ---- */

Test(out, joins_pieces_and_cuts_back)
{
    struct writing *writing = begin(CAP);
    struct sl_out *out = &writing->out;
    sl_out_open(out);
    sl_out_put(out, "By ", 3);
    sl_out_put(out, "Harbour desk", 12);
    sl_out_putc(out, '.');
    cr_expect(says(sl_out_opened(out), "By Harbour desk."));
    sl_out_cut(out, 15);
    sl_out_cut(out, 99);
    cr_expect(says(sl_out_opened(out), "By Harbour desk"));
    sl_out_set(out, SL_TEXT_BYLINE, sl_out_close(out));
    cr_expect(says(sl_out_get(out, SL_TEXT_BYLINE), "By Harbour desk"));
}

Test(out, the_last_text_counts_and_an_empty_one_is_absent)
{
    struct writing *writing = begin(CAP);
    text(&writing->out, SL_TEXT_ID, "first");
    text(&writing->out, SL_TEXT_ID, "second");
    text(&writing->out, SL_TEXT_CREDIT, "");
    const struct sl_bulletin *bulletin = finish(writing);
    cr_expect(says(sl_bulletin_text(bulletin, SL_TEXT_ID), "second"));
    cr_expect_eq(bulletin->text[SL_TEXT_CREDIT].off, 0);
}

Test(out, refuses_a_bulletin_without_an_id)
{
    struct writing *writing = begin(CAP);
    text(&writing->out, SL_TEXT_PROVIDER, "nordwire");
    cr_expect_eq(sl_out_finish(&writing->out), 0);
    cr_expect_not(writing->out.full);
}

Test(out, refuses_text_that_does_not_fit_and_stays_in_its_memory)
{
    char long_text[2 * SL_BULLETIN_LEN_MIN];
    memset(long_text, 'x', sizeof long_text);
    struct writing *writing = begin(SL_BULLETIN_LEN_MIN);
    text(&writing->out, SL_TEXT_ID, "x");
    sl_out_text(&writing->out, SL_TEXT_BODY, long_text, sizeof long_text);
    cr_expect(writing->out.full);
    cr_expect_eq(sl_out_finish(&writing->out), 0);
    cr_expect_eq(writing->mem[SL_BULLETIN_LEN_MIN], 0xee);
}

Test(out, refuses_items_that_do_not_fit)
{
    struct writing *writing = begin(SL_BULLETIN_LEN_MIN);
    text(&writing->out, SL_TEXT_ID, "x");
    for (int i = 0; i < 40; i++)
        sl_out_word(&writing->out, SL_LIST_KEYWORDS, "w", 1);
    cr_expect_eq(sl_out_finish(&writing->out), 0);
    cr_expect_eq(writing->mem[SL_BULLETIN_LEN_MIN], 0xee);
}

/* Each length of text up to what just fits: finish either refuses, or made a record that passes and stays inside. */
Test(out, every_length_around_the_room_is_answered_rightly)
{
    static char filler[SL_BULLETIN_LEN_MIN];
    memset(filler, 'x', sizeof filler);
    unsigned fitted_cnt = 0, refused_cnt = 0;
    for (uint32_t len = 1; len < sizeof filler; len++) {
        struct writing *writing = begin(SL_BULLETIN_LEN_MIN);
        sl_out_text(&writing->out, SL_TEXT_ID, filler, len);
        sl_out_word(&writing->out, SL_LIST_KEYWORDS, "w", 1);
        uint32_t record_len = sl_out_finish(&writing->out);
        cr_assert_leq(record_len, SL_BULLETIN_LEN_MIN);
        cr_assert_eq(writing->mem[SL_BULLETIN_LEN_MIN], 0xee);
        if (record_len == 0)
            refused_cnt++;
        else if (sl_bulletin_check(writing->mem, record_len) == SL_BULLETIN_FINE)
            fitted_cnt++;
    }
    cr_expect_eq(fitted_cnt + refused_cnt, sizeof filler - 1);
    cr_expect_gt(fitted_cnt, 400);
    cr_expect_gt(refused_cnt, 50);
}

Test(out, leaves_out_surplus_items_and_says_so)
{
    struct writing *writing = begin(CAP);
    struct sl_out *out = &writing->out;
    text(out, SL_TEXT_ID, "x");
    for (unsigned i = 0; i < SL_OUT_ITEMS_MAX + 7; i++)
        sl_out_word(out, SL_LIST_KEYWORDS, "word", 4);
    sl_out_note(out, "no place for this one");
    const struct sl_bulletin *bulletin = finish(writing);
    cr_expect_eq(bulletin->list[SL_LIST_KEYWORDS].cnt, SL_OUT_ITEMS_MAX);
    cr_assert_eq(bulletin->list[SL_LIST_NOTES].cnt, 1);
    const struct sl_item *note = sl_bulletin_items(bulletin, SL_LIST_NOTES);
    cr_expect(says(sl_bulletin_ref(bulletin, note->part[0]), "more than 512 list items: the rest left out"));
}

Test(out, exactly_as_many_items_as_allowed_need_no_note)
{
    struct writing *writing = begin(CAP);
    text(&writing->out, SL_TEXT_ID, "x");
    for (unsigned i = 0; i < SL_OUT_ITEMS_MAX; i++)
        sl_out_word(&writing->out, SL_LIST_KEYWORDS, "word", 4);
    const struct sl_bulletin *bulletin = finish(writing);
    cr_expect_eq(bulletin->list[SL_LIST_KEYWORDS].cnt, SL_OUT_ITEMS_MAX);
    cr_expect_eq(bulletin->list[SL_LIST_NOTES].cnt, 0);
}

/* ---- hashes ---- */

struct hashes {
    uint64_t story, version, content[2];
};

static struct hashes hashes_with(enum sl_text which, const char *value)
{
    struct writing *writing = begin_story();
    text(&writing->out, which, value);
    const struct sl_bulletin *bulletin = finish(writing);
    return (struct hashes){
        .story = bulletin->story_hash,
        .version = bulletin->version_hash,
        .content = { bulletin->content_hash[0], bulletin->content_hash[1] },
    };
}

static struct hashes hashes_of_story(void) { return hashes_with(SL_TEXT_VERSION, "3"); }

static bool same_content(struct hashes a, struct hashes b)
{
    return a.content[0] == b.content[0] && a.content[1] == b.content[1];
}

static const struct hash_case {
    const char *name;
    enum sl_text text;
    const char *value;
    bool story, version, content; /* stays the same */
} hash_cases[] = {
    { "provider", SL_TEXT_PROVIDER, "sudwire", false, false, true },
    { "id", SL_TEXT_ID, "nw-2026-18", false, false, true },
    { "version", SL_TEXT_VERSION, "4", true, false, true },
    { "headline", SL_TEXT_HEADLINE, "Ferry still out", true, true, false },
    { "byline", SL_TEXT_BYLINE, "Night desk", true, true, false },
    { "ednote", SL_TEXT_EDNOTE, "", true, true, false },
    { "body", SL_TEXT_BODY, "K\u00f8ge (nw) - The ferry is late.\n\nAll are well.", true, true, false },
    { "no body", SL_TEXT_BODY, "", true, true, false },
    { "body in other lines", SL_TEXT_BODY, "K\u00f8ge (nw) -\nThe ferry  is\nback. \n \n\n  All are\twell.\n", true,
      true, true },
    { "headline with blanks around", SL_TEXT_HEADLINE, "  Ferry back in  port ", true, true, true },
    { "words run together", SL_TEXT_HEADLINE, "Ferry backin port", true, true, false },
    { "slugline", SL_TEXT_SLUGLINE, "ferry/port", true, true, true },
    { "service", SL_TEXT_SERVICE, "eca", true, true, true },
    { "dateline", SL_TEXT_DATELINE, "K\u00f8ge", true, true, true },
};

Test(bulletin, hashes_follow_what_they_are_over_and_nothing_else)
{
    struct hashes story = hashes_of_story();
    for (size_t i = 0; i < sizeof hash_cases / sizeof *hash_cases; i++) {
        const struct hash_case *row = &hash_cases[i];
        struct hashes other = hashes_with(row->text, row->value);
        cr_expect_eq(other.story == story.story, row->story, "%s: story", row->name);
        cr_expect_eq(other.version == story.version, row->version, "%s: version", row->name);
        cr_expect_eq(same_content(other, story), row->content, "%s: content", row->name);
    }
}

Test(bulletin, text_that_moves_between_neighbouring_fields_changes_the_hashes)
{
    struct writing *writing = begin_story();
    text(&writing->out, SL_TEXT_PROVIDER, "nordwiren");
    text(&writing->out, SL_TEXT_ID, "w-2026-17");
    text(&writing->out, SL_TEXT_HEADLINE, "Ferry back in port Harbour desk");
    text(&writing->out, SL_TEXT_BYLINE, "");
    const struct sl_bulletin *bulletin = finish(writing);
    uint64_t story_hash = bulletin->story_hash, content_hash = bulletin->content_hash[0];
    struct hashes story = hashes_of_story();
    cr_expect_neq(story_hash, story.story);
    cr_expect_neq(content_hash, story.content[0]);
}

static void set_kind(struct sl_bulletin *bulletin) { bulletin->kind = SL_KIND_KILL; }
static void set_signal(struct sl_bulletin *bulletin) { bulletin->signal = SL_SIGNAL_UPDATE; }
static void set_pubstatus(struct sl_bulletin *bulletin) { bulletin->pubstatus = SL_PUB_CANCELED; }
static void set_urgency(struct sl_bulletin *bulletin) { bulletin->urgency = 1; }
static void set_embargo(struct sl_bulletin *bulletin) { bulletin->flags |= SL_BULLETIN_EMBARGOED; }
static void set_embargo_time(struct sl_bulletin *bulletin) { bulletin->embargoed_until = 1; }
static void set_created(struct sl_bulletin *bulletin) { bulletin->version_created = 1; }
static void set_number(struct sl_bulletin *bulletin) { bulletin->number = 17; }
static void set_format(struct sl_bulletin *bulletin) { bulletin->format = 2; }
static void set_assumed(struct sl_bulletin *bulletin) { bulletin->flags |= SL_BULLETIN_ZONE_ASSUMED_CREATED; }

Test(bulletin, content_hash_sees_the_verdict_fields_and_not_the_furniture)
{
    static const struct {
        const char *name;
        void (*change)(struct sl_bulletin *bulletin);
        bool content; /* stays the same */
    } rows[] = {
        { "kind", set_kind, false },           { "signal", set_signal, false },
        { "pubstatus", set_pubstatus, false }, { "urgency", set_urgency, false },
        { "embargo", set_embargo, false },     { "embargo time", set_embargo_time, false },
        { "created", set_created, true },      { "number", set_number, true },
        { "format", set_format, true },        { "zone assumed", set_assumed, true },
    };
    struct hashes story = hashes_of_story();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct writing *writing = begin_story();
        rows[i].change(sl_out_root(&writing->out));
        const struct sl_bulletin *bulletin = finish(writing);
        bool same = bulletin->content_hash[0] == story.content[0] && bulletin->content_hash[1] == story.content[1];
        cr_expect_eq(same, rows[i].content, "%s", rows[i].name);
        cr_expect_eq(bulletin->version_hash, story.version, "%s", rows[i].name);
    }
}

/* Wherever a blank becomes a line end, in every place and beside any block of sixteen, the content stays the same. */
Test(bulletin, content_hash_does_not_see_where_lines_were_wrapped)
{
    char words[600], wrapped[600];
    for (size_t i = 0; i < sizeof words - 1; i++)
        words[i] = i % 7 == 6 ? ' ' : (char)('a' + i % 23);
    words[sizeof words - 1] = '\0';
    struct hashes plain = hashes_with(SL_TEXT_BODY, words);
    for (size_t at = 6; at < sizeof words - 2; at += 7) {
        memcpy(wrapped, words, sizeof words);
        wrapped[at] = '\n';
        cr_assert(same_content(hashes_with(SL_TEXT_BODY, wrapped), plain), "wrapped at %zu", at);
        wrapped[at] = '-';
        cr_assert_not(same_content(hashes_with(SL_TEXT_BODY, wrapped), plain), "joined at %zu", at);
    }
}

/* The blocks in which it is hashed are not seen: any length gives what one pass over the same bytes gives. */
Test(bulletin, content_hash_is_that_of_its_bytes_at_once_whatever_their_blocks)
{
    static char body[3300], bytes[4096], fold[3300];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = i % 11 == 10 ? ' ' : (char)('a' + i % 23);
    for (size_t len = 1; len < sizeof body; len += len < 880 ? 40 : 1) {
        struct writing *writing = begin(CAP);
        memcpy(fold, body, len);
        for (size_t i = len % 7; i + 1 < len && len % 3 == 0; i += 7)
            fold[i] = fold[i] == ' ' ? '\n' : fold[i]; /* in many runs */
        text(&writing->out, SL_TEXT_ID, "x");
        text(&writing->out, SL_TEXT_HEADLINE, "Ferry back");
        sl_out_text(&writing->out, SL_TEXT_BODY, fold, (uint32_t)len);
        struct sl_bulletin *bulletin = sl_out_root(&writing->out);
        uint8_t head[5] = { bulletin->kind, bulletin->signal, bulletin->pubstatus, bulletin->urgency, 0 };
        size_t at = sizeof head + sizeof bulletin->embargoed_until;
        memcpy(bytes, head, sizeof head);
        memcpy(bytes + sizeof head, &bulletin->embargoed_until, sizeof bulletin->embargoed_until);
        /* Headline, byline, ednote, each with its NUL; then the body, without a blank at its end. */
        memcpy(bytes + at, "Ferry back\0\0\0", 13);
        at += 13;
        size_t words = body[len - 1] == ' ' ? len - 1 : len;
        memcpy(bytes + at, body, words);
        bytes[at + words] = '\0';
        XXH128_hash_t want = XXH3_128bits(bytes, at + words + 1);
        const struct sl_bulletin *done = finish(writing);
        cr_assert(done->content_hash[0] == want.low64 && done->content_hash[1] == want.high64, "%zu bytes", len);
    }
}

/* ---- the check, row by row: each damage has its fault ---- */

static struct sl_bulletin *root;

static void shorten(void) { root->len = sizeof *root - 8; }
static void lengthen(void) { root->len += 8; }
static void odd_len(void) { root->len -= 4; }
static void empty_len(void) { root->len = 0; }
static void huge_len(void) { root->len = UINT32_MAX; }
static void layout(void) { root->layout = SL_BULLETIN_LAYOUT + 1; }
static void no_kind(void) { root->kind = 0; }
static void high_kind(void) { root->kind = SL_KIND_CNT; }
static void high_signal(void) { root->signal = SL_SIGNAL_CNT; }
static void high_pubstatus(void) { root->pubstatus = SL_PUB_CNT; }
static void high_urgency(void) { root->urgency = 10; }
static void high_flag(void) { root->flags |= SL_BULLETIN_FLAGS_ALL + 1; }
static void text_in_root(void) { root->text[SL_TEXT_BODY].off = sizeof *root - 1; }
static void text_at_start(void) { root->text[SL_TEXT_BODY].off = 0; }
static void text_in_items(void) { root->text[SL_TEXT_BODY].off = root->len - 32; }
static void text_beyond(void) { root->text[SL_TEXT_BODY].off = root->len + 8; }
static uint32_t text_end(void) { return root->list[SL_LIST_KEYWORDS].off; } /* the first list that is not empty */
static void text_to_end(void) { root->text[SL_TEXT_BODY].len = text_end() - root->text[SL_TEXT_BODY].off; }
static void text_into_items(void) { root->text[SL_TEXT_BODY].len = text_end() - root->text[SL_TEXT_BODY].off + 1; }
static void text_overflow(void) { root->text[SL_TEXT_BODY].len = UINT32_MAX - root->text[SL_TEXT_BODY].off + 2; }
static void text_from_inside(void) { root->text[SL_TEXT_BODY].off += 2; } /* K, and half of the letter after it */
static void text_to_inside(void) { root->text[SL_TEXT_BODY].len = 2; }
static void list_count(void) { root->list[SL_LIST_SUBJECTS].cnt++; }
static void list_huge(void) { root->list[SL_LIST_SUBJECTS].cnt = UINT32_MAX / 32 + 2; }
static void list_moved(void) { root->list[SL_LIST_SUBJECTS].off -= 4; }
static void list_in_root(void) { root->list[SL_LIST_KEYWORDS].off = 64; }
static void list_overlap(void) { root->list[SL_LIST_KEYWORDS].off = root->list[SL_LIST_SUBJECTS].off; }
static void list_lost(void) { root->list[SL_LIST_NOTES].cnt = 0; }
static void list_of_none(void) { root->list[SL_LIST_PLACES].off = root->len; }
static struct sl_item *subject(void) { return (struct sl_item *)((uint8_t *)root + root->list[SL_LIST_SUBJECTS].off); }
static void part_in_root(void) { subject()->part[2].off = 8; }
static void part_beyond(void) { subject()->part[2].len = UINT32_MAX; }
static uint8_t *body(void) { return (uint8_t *)root + root->text[SL_TEXT_BODY].off; }
static void nul(void) { body()[0] = 0; }
static void carriage_return(void) { body()[0] = '\r'; }
static void escape(void) { body()[0] = 0x1b; }
static void del(void) { body()[0] = 0x7f; }
static void c1(void) { memcpy(body() + 1, "\xc2\x85", 2); }
static void half_letter(void) { body()[2] = 'x'; }
static void lone_tail(void) { body()[1] = 'x'; }
static void gap_byte(void) { ((uint8_t *)root)[root->list[SL_LIST_KEYWORDS].off - 1] = 0; }
static void nothing(void) {}
static void tab(void) { body()[0] = '\t'; }
static void absent(void) { root->text[SL_TEXT_BODY] = (struct sl_ref){ 0, 0 }; }
static void spare(void) { root->spare[0] = 1; }

Test(bulletin, check_names_the_fault_of_each_damage)
{
    static const struct {
        const char *name;
        void (*damage)(void);
        enum sl_bulletin_fault want;
    } rows[] = {
        { "nothing", nothing, SL_BULLETIN_FINE },
        { "a TAB", tab, SL_BULLETIN_FINE },
        { "an absent text", absent, SL_BULLETIN_FINE },
        { "text up to the items", text_to_end, SL_BULLETIN_FINE },
        { "spare", spare, SL_BULLETIN_FINE },
        { "shorter than a root", shorten, SL_BULLETIN_SHORT },
        { "longer than its memory", lengthen, SL_BULLETIN_SHORT },
        { "no length", empty_len, SL_BULLETIN_SHORT },
        { "huge length", huge_len, SL_BULLETIN_SHORT },
        { "layout", layout, SL_BULLETIN_BAD_LAYOUT },
        { "no kind", no_kind, SL_BULLETIN_BAD_ENUM },
        { "kind", high_kind, SL_BULLETIN_BAD_ENUM },
        { "signal", high_signal, SL_BULLETIN_BAD_ENUM },
        { "pubstatus", high_pubstatus, SL_BULLETIN_BAD_ENUM },
        { "urgency", high_urgency, SL_BULLETIN_BAD_ENUM },
        { "flag", high_flag, SL_BULLETIN_BAD_ENUM },
        { "odd length", odd_len, SL_BULLETIN_BAD_REF },
        { "text in the root", text_in_root, SL_BULLETIN_BAD_REF },
        { "text at the start", text_at_start, SL_BULLETIN_BAD_REF },
        { "text in the items", text_in_items, SL_BULLETIN_BAD_REF },
        { "text beyond the end", text_beyond, SL_BULLETIN_BAD_REF },
        { "text into the items", text_into_items, SL_BULLETIN_BAD_REF },
        { "text around 32 bits", text_overflow, SL_BULLETIN_BAD_REF },
        { "text from inside a letter", text_from_inside, SL_BULLETIN_BAD_REF },
        { "text to inside a letter", text_to_inside, SL_BULLETIN_BAD_REF },
        { "list too long", list_count, SL_BULLETIN_BAD_REF },
        { "list around 32 bits", list_huge, SL_BULLETIN_BAD_REF },
        { "list out of its place", list_moved, SL_BULLETIN_BAD_REF },
        { "list in the root", list_in_root, SL_BULLETIN_BAD_REF },
        { "lists on each other", list_overlap, SL_BULLETIN_BAD_REF },
        { "items of no list", list_lost, SL_BULLETIN_BAD_REF },
        { "place of an empty list", list_of_none, SL_BULLETIN_BAD_REF },
        { "part in the root", part_in_root, SL_BULLETIN_BAD_REF },
        { "part beyond the end", part_beyond, SL_BULLETIN_BAD_REF },
        { "NUL", nul, SL_BULLETIN_BAD_TEXT },
        { "CR", carriage_return, SL_BULLETIN_BAD_TEXT },
        { "ESC", escape, SL_BULLETIN_BAD_TEXT },
        { "DEL", del, SL_BULLETIN_BAD_TEXT },
        { "C1", c1, SL_BULLETIN_BAD_TEXT },
        { "half a letter", half_letter, SL_BULLETIN_BAD_TEXT },
        { "the other half", lone_tail, SL_BULLETIN_BAD_TEXT },
        { "NUL before the items", gap_byte, SL_BULLETIN_BAD_TEXT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct writing *writing = begin_story();
        uint32_t len = finish(writing)->len;
        root = (struct sl_bulletin *)writing->mem;
        rows[i].damage();
        cr_expect_eq(sl_bulletin_check(root, len), rows[i].want, "%s", rows[i].name);
    }
}

/* In memory of exactly that length, so that a sanitizer would see a byte read beyond it. */
Test(bulletin, check_refuses_every_shorter_copy)
{
    const struct sl_bulletin *record = finish(begin_story());
    uint32_t len = record->len;
    for (uint32_t cut = 0; cut < len; cut++) {
        uint8_t *copy = malloc(cut != 0 ? cut : 1);
        cr_assert_not_null(copy);
        memcpy(copy, record, cut);
        cr_assert_eq(sl_bulletin_check(copy, cut), SL_BULLETIN_SHORT, "%u bytes", cut);
        free(copy);
    }
}

Test(bulletin, names_are_words_and_never_null)
{
    cr_expect_str_eq(sl_kind_name(SL_KIND_NEWS), "news");
    cr_expect_str_eq(sl_kind_name(SL_KIND_HEARTBEAT), "heartbeat");
    cr_expect_str_eq(sl_kind_name(0), "?");
    cr_expect_str_eq(sl_kind_name(SL_KIND_CNT), "?");
    cr_expect_str_eq(sl_signal_name(SL_SIGNAL_NONE), "");
    cr_expect_str_eq(sl_signal_name(SL_SIGNAL_EXERCISE), "exercise");
    cr_expect_str_eq(sl_signal_name(SL_SIGNAL_CNT), "?");
    cr_expect_str_eq(sl_pubstatus_name(SL_PUB_UNKNOWN), "");
    cr_expect_str_eq(sl_pubstatus_name(SL_PUB_CANCELED), "canceled");
    cr_expect_str_eq(sl_pubstatus_name(SL_PUB_CNT), "?");
}
