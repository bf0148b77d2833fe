#include "parsers/standing.h"
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "parsers/ascii.h"

#define LABEL_MAX           60u /* of a headline, for its label */
#define DATELINE_LOOK       200u /* of a paragraph */
#define DATELINE_PARAGRAPHS 4u /* behind what is changed, and the byline */
#define REFER_LOOK          600u /* of a note, for the messages that it names */
#define SIGNOFF_MAX         40u
#define SLUG_MAX            60u
#define ZONES_APART_NS      (14ll * 3600 * SL_TIME_NS)

static const struct agency {
    const char *name; /* its own, or how names that hold it begin */
    const char *zone;
} agencies[] = {
    {"stt",                    "Europe/Helsinki"  },
    { "lehtikuva",             "Europe/Helsinki"  },
    { "ansa",                  "Europe/Rome"      },
    { "agi",                   "Europe/Rome"      },
    { "ritzau",                "Europe/Copenhagen"},
    { "ntb",                   "Europe/Oslo"      },
    { "tt",                    "Europe/Stockholm" },
    { "dpa",                   "Europe/Berlin"    },
    { "apa",                   "Europe/Vienna"    },
    { "ats",                   "Europe/Zurich"    },
    { "keystone",              "Europe/Zurich"    },
    { "afp",                   "Europe/Paris"     },
    { "belga",                 "Europe/Brussels"  },
    { "anp",                   "Europe/Amsterdam" },
    { "pa",                    "Europe/London"    },
    { "press association",     "Europe/London"    },
    { "aap",                   "Australia/Sydney" },
    { "australian associated", "Australia/Sydney" },
    { "businessdesk",          "Pacific/Auckland" },
    { "kyodo",                 "Asia/Tokyo"       },
};

const char *sl_standing_zone(struct sl_span agency)
{
    uint32_t len;
    while (agency.len != 0 && !sl_is_letter(agency.data[0]))
        agency = sl_span_skip(agency, 1);
    for (size_t i = 0; i < sizeof(agencies) / sizeof(*agencies); i++) {
        if (sl_phrase_starts(agency, agencies[i].name, &len))
            return agencies[i].zone;
    }
    return NULL;
}

/* ---- codes and words ---- */

void sl_standing_code(struct sl_story *story, const char *word)
{
    sl_story_note_label(story, (struct sl_span){ (const uint8_t *)word, (uint32_t)strlen(word) });
}

static bool is_capitals(struct sl_span span)
{
    for (uint32_t i = 0; i < span.len; i++) {
        if (span.data[i] >= 'a' && span.data[i] <= 'z')
            return false;
    }
    return true;
}

/* Whether words that stand where labels stand are one.  What stops a story must be written as only labels are. */
static bool is_label(struct sl_span words)
{
    const struct sl_label *label = sl_label_find(words);
    bool is_strong =
        label && (label->kind == SL_KIND_KILL || label->kind == SL_KIND_HOLD || label->kind == SL_KIND_TEST);
    return label && sl_label_is_all(words) && (!is_strong || is_capitals(words));
}

/* "CORRECTION FROM SOURCE", "CORRECTING and REPLACING": begins with a label's word, in capitals. */
static bool begins_with_label(struct sl_span words)
{
    struct sl_span first = sl_span_word(words);
    while (first.len != 0 && !sl_is_word_byte(first.data[first.len - 1]))
        first.len--;
    return first.len > 3 && is_capitals(first) && is_label(first);
}

static uint32_t label_end(struct sl_span headline, bool *is_wide)
{
    uint32_t most = headline.len < LABEL_MAX ? headline.len : LABEL_MAX;
    for (uint32_t i = 1; i < most; i++) {
        i += sl_first_of(sl_span_skip(sl_span_head(headline, most), i), ":>/-\xe2");
        uint8_t byte = i < most ? headline.data[i] : 0;
        *is_wide = byte == ':' || byte == '>' || byte == '/';
        if (*is_wide || byte == '-' || (byte == 0xe2 && i + 1 < most && headline.data[i + 1] == 0x80))
            return i;
    }
    return 0;
}

void sl_standing_headline(struct sl_story *story, struct sl_span headline)
{
    bool is_wide;
    uint32_t end;
    headline = sl_span_trim(headline);
    if (headline.len != 0 && headline.data[headline.len - 1] == ')') {
        const uint8_t *open = memrchr(headline.data, '(', headline.len);
        uint32_t off = open ? (uint32_t)(open - headline.data) + 1 : headline.len;
        struct sl_span inside = sl_span_head(sl_span_skip(headline, off), headline.len - off - (open ? 1 : 0));
        if (inside.len <= LABEL_MAX && is_label(inside))
            sl_story_note_label(story, inside);
    }
    if (headline.len != 0 && (headline.data[0] == '(' || headline.data[0] == '[')) {
        const uint8_t *close = memchr(headline.data, headline.data[0] == '(' ? ')' : ']', headline.len);
        struct sl_span inside = sl_span_skip(sl_span_head(headline, close ? (uint32_t)(close - headline.data) : 1), 1);
        if (inside.len <= LABEL_MAX && is_label(inside))
            sl_story_note_label(story, inside);
    }
    while ((end = label_end(headline, &is_wide)) != 0) {
        struct sl_span words = sl_span_head(headline, end);
        /* "Sub-zero" is one word; "UPDATE 1-Ferry" is not. */
        bool is_tight = headline.data[end] == '-' && !sl_is_white(headline.data[end - 1]) && end + 1 < headline.len &&
                        !sl_is_white(headline.data[end + 1]);
        bool is_one = is_label(words) && (!is_tight || is_capitals(words));
        if (!is_one && !(is_wide && begins_with_label(words)))
            return;
        sl_story_note_label(story, words);
        headline = sl_span_trim(sl_span_skip(headline, end + 1));
    }
}

/* "Eds:", "(", "Note to editors -": what stands before the note's own words. */
static struct sl_span skip_address(struct sl_span note)
{
    static const char *const addresses[] = { "eds", "editors", "editor's note", "note to editors",
                                             "an die redaktionen" };
    uint32_t len;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        while (note.len != 0 && !sl_is_word_byte(note.data[0]))
            note = sl_span_skip(note, 1);
        if (sl_phrase_starts(note, addresses[i], &len) && len < note.len && memchr(":-,", note.data[len], 3))
            note = sl_span_skip(note, len);
    }
    return note;
}

/* "UPDATES with quotes", "corrects spelling in para 3"; but attention and tests are not the story's standing. */
static void weigh_first_word(struct sl_story *story, struct sl_span note)
{
    struct sl_span word = sl_span_word(note);
    while (word.len != 0 && !sl_is_word_byte(word.data[word.len - 1]))
        word.len--;
    const struct sl_label *label = sl_label_find(word);
    if (!label || !sl_label_is_all(word))
        return;
    bool is_strong = label->kind == SL_KIND_KILL || label->kind == SL_KIND_HOLD;
    bool is_change = label->kind == SL_KIND_UPDATE || label->kind == SL_KIND_CORRECTION;
    if (is_change || (is_strong && is_capitals(word)))
        story->label = sl_label_stronger(story->label, label);
}

/* Where a date said until when, words that could not be read for certain do not make it longer: neither those without
 * a time, nor those whose zone is a guess, by less than zones are apart. */
static void weigh_embargo(struct sl_story *story, struct sl_span note)
{
    struct sl_story before = *story;
    sl_story_weigh_embargo(story, note, true);
    bool was_certain = before.embargo == SL_EMBARGO_UNTIL && before.embargo_zone == SL_DATE_ZONE_GIVEN;
    bool is_certain = story->embargo == SL_EMBARGO_UNTIL && (story->embargo_zone == SL_DATE_ZONE_GIVEN ||
                                                             story->embargo_ns > before.embargo_ns + ZONES_APART_NS);
    if (was_certain && !is_certain)
        *story = before;
}

void sl_standing_note(struct sl_story *story, struct sl_span note)
{
    if (note.len == 0)
        return;
    weigh_embargo(story, note);
    note = skip_address(note);
    weigh_first_word(story, note);
    enum sl_request request = sl_story_find_request(story, &note);
    if (request != SL_REQUEST_NONE)
        sl_standing_code(story, request == SL_REQUEST_KILL ? "kill" : "correction");
}

/* "HARB.2026.000417", "urn:newsml:...": letters and digits with marks between, as only ids have them. */
static bool is_id(struct sl_span word)
{
    bool has_digit = false, has_letter = false, has_mark = false;
    for (uint32_t i = 0; i < word.len; i++) {
        has_digit |= sl_is_digit(word.data[i]);
        has_letter |= sl_is_ascii_letter(word.data[i]);
        has_mark |= memchr(".-_:", word.data[i], 4) != NULL;
    }
    return word.len >= 6 && has_digit && has_letter && has_mark;
}

void sl_standing_refer(struct sl_story *story, struct sl_span note)
{
    if (!sl_story_undoes(story) || story->reference_cnt != 0)
        return;
    const char *what = sl_signal_name(story->label->signal);
    note = sl_span_head(note, REFER_LOOK);
    while (note.len != 0 && story->reference_cnt < SL_STORY_REFERENCES_MAX) {
        struct sl_span word = sl_span_word(note);
        note = sl_span_skip(note, word.len < note.len ? word.len + 1 : word.len);
        while (word.len != 0 && !sl_is_word_byte(word.data[word.len - 1]))
            word.len--;
        while (word.len != 0 && !sl_is_word_byte(word.data[0]))
            word = sl_span_skip(word, 1);
        if (is_id(word))
            sl_story_say_reference(story, what, sl_out_ref(story->out, word.data, word.len));
    }
}

/* ---- times ---- */

void sl_standing_hold(struct sl_story *story, int64_t until_ns, enum sl_date_zone given)
{
    if (story->embargo == SL_EMBARGO_OPEN || (story->embargo == SL_EMBARGO_UNTIL && until_ns <= story->embargo_ns))
        return;
    story->embargo = SL_EMBARGO_UNTIL;
    story->embargo_ns = until_ns;
    story->embargo_zone = given;
}

void sl_standing_hold_open(struct sl_story *story) { story->embargo = SL_EMBARGO_OPEN; }

bool sl_standing_date(const struct sl_story *story, struct sl_span date, int64_t *ns, enum sl_date_zone *given)
{
    date = sl_span_trim(date);
    return date.len >= 8 && sl_is_digit(date.data[0]) && sl_date_iso(date.data, date.len, story->zone, ns, given);
}

void sl_standing_embargo(struct sl_out *out, enum sl_embargo embargo, int64_t until_ns, enum sl_date_zone given)
{
    struct sl_bulletin *root = sl_out_root(out);
    if (embargo != SL_EMBARGO_OPEN && embargo != SL_EMBARGO_UNTIL)
        return;
    root->flags |= SL_BULLETIN_EMBARGOED;
    if (root->signal == SL_SIGNAL_NONE)
        root->signal = SL_SIGNAL_EMBARGO;
    if (embargo == SL_EMBARGO_OPEN) {
        sl_out_note(out, "an embargo without a certain time: held until released");
        return;
    }
    root->embargoed_until = until_ns;
    if (given == SL_DATE_ZONE_ASSUMED)
        root->flags |= SL_BULLETIN_ZONE_ASSUMED_EMBARGO;
}

void sl_standing_created(struct sl_story *story, struct sl_span date)
{
    enum sl_date_zone given;
    struct sl_civil civil;
    int64_t ns;
    if (!sl_standing_date(story, date, &ns, &given))
        return;
    if (given == SL_DATE_ZONE_GIVEN) {
        sl_out_root(story->out)->version_created = story->time_ns = ns;
        sl_civil_from_s(&story->day, ns / SL_TIME_NS - (ns % SL_TIME_NS < 0));
        return;
    }
    int64_t utc_s = ns / SL_TIME_NS, local_s = utc_s + (story->zone ? sl_zone_offset_at(story->zone, utc_s) : 0);
    sl_civil_from_s(&civil, local_s);
    sl_story_say_time(story, &civil, false, 0); /* says which zone */
}

void sl_standing_time(struct sl_story *story, struct sl_span date, int64_t *ns, uint32_t flag)
{
    enum sl_date_zone given;
    if (sl_standing_date(story, date, ns, &given) && given == SL_DATE_ZONE_ASSUMED)
        sl_out_root(story->out)->flags |= flag;
}

/* ---- fields ---- */

void sl_standing_say(struct sl_out *out, enum sl_text text, struct sl_ref ref)
{
    if (ref.len != 0 && sl_out_get(out, text).len == 0)
        sl_out_set(out, text, ref);
}

void sl_standing_make_id(struct sl_story *story, struct sl_slice words)
{
    struct sl_out *out = story->out;
    static const char hex[] = "0123456789abcdef";
    uint8_t slug[SLUG_MAX], digits[8];
    uint32_t len = 0;
    uint64_t hash = XXH3_64bits(words.data, words.len);
    sl_out_root(out)->flags |= SL_BULLETIN_ID_MADE;
    if (story->day.month == 0) {
        sl_civil_from_s(&story->day, story->parse->arrival_ns / SL_TIME_NS);
        sl_out_root(out)->flags |= SL_BULLETIN_DATE_COMPLETED;
        sl_out_note(out, "no time in the message: the id's day is the arrival's");
    }
    for (uint32_t i = 0; i < words.len && len < SLUG_MAX; i++) {
        uint8_t byte = (uint8_t)words.data[i];
        if (sl_is_ascii_letter(byte) || sl_is_digit(byte))
            slug[len++] = sl_lower(byte);
        else if (len != 0 && slug[len - 1] != '-')
            slug[len++] = '-';
    }
    len -= len != 0 && slug[len - 1] == '-';
    for (unsigned i = 0; i < sizeof(digits); i++)
        digits[i] = (uint8_t)hex[hash >> (60 - 4 * i) & 15];
    sl_out_set(out, SL_TEXT_ID,
               sl_story_put_id(story, (struct sl_span){ slug, len }, (struct sl_span){ digits, sizeof(digits) }, 0));
}

/* ---- the body's ends ---- */

/* An agency's name, then desks and initials: a few short words. */
static bool is_signoff(struct sl_span line, struct sl_span provider)
{
    uint32_t word_cnt = 0;
    while (line.len != 0) {
        uint32_t len = 0;
        while (len < line.len && sl_is_word_byte(line.data[len]))
            len++;
        struct sl_span word = sl_span_head(line, len);
        if (len != 0 && word_cnt == 0 && !sl_agency_is(word) &&
            !(word.len == provider.len && memcmp(word.data, provider.data, word.len) == 0))
            return false;
        if (word_cnt != 0 && len > 4)
            return false;
        word_cnt += len != 0;
        if (len < line.len && !memchr(" /-()_", line.data[len], 6))
            return false;
        line = sl_span_skip(line, len < line.len ? len + 1 : len);
    }
    return word_cnt != 0 && word_cnt <= 5;
}

void sl_standing_cut_signoff(struct sl_out *out, struct sl_slice provider)
{
    struct sl_slice body = sl_out_opened(out);
    uint32_t start = body.len;
    while (start != 0 && body.data[start - 1] != '\n' && body.len - start <= SIGNOFF_MAX)
        start--;
    struct sl_span line = sl_span_skip(sl_span_of(body), start);
    if (start == 0 || line.len > SIGNOFF_MAX || !is_signoff(line, sl_span_of(provider)))
        return;
    while (start != 0 && body.data[start - 1] == '\n')
        start--;
    sl_out_cut(out, start);
}

/* A dateline at the start of a paragraph of the body, whose offset in the record is origin. */
static bool say_dateline(struct sl_story *story, struct sl_span paragraph, uint32_t origin)
{
    struct sl_out *out = story->out;
    struct sl_dateline dateline;
    if (!sl_dateline_read(paragraph, sl_span_of(sl_out_get(out, SL_TEXT_PROVIDER)), &dateline))
        return false;
    struct sl_span parts[] = { dateline.whole, dateline.place, dateline.credit };
    static const enum sl_text texts[] = { SL_TEXT_DATELINE, SL_TEXT_DATELINE_PLACE, SL_TEXT_CREDIT };
    for (unsigned i = 0; i < 3; i++) {
        uint32_t off = origin + (uint32_t)(parts[i].data - paragraph.data);
        sl_standing_say(out, texts[i], (struct sl_ref){ off, parts[i].len });
    }
    return true;
}

void sl_standing_dateline(struct sl_story *story)
{
    struct sl_ref body = sl_out_root(story->out)->text[SL_TEXT_BODY];
    struct sl_span rest = sl_span_of(sl_bulletin_ref(sl_out_root(story->out), body));
    for (unsigned i = 0; i < DATELINE_PARAGRAPHS && rest.len != 0; i++) {
        uint32_t origin = body.off + body.len - rest.len;
        const uint8_t *gap = memchr(rest.data, '\n', rest.len), *end = rest.data + rest.len;
        while (gap && (gap + 1 == end || gap[1] != '\n')) /* nearly all line ends of a body are paragraphs' */
            gap = memchr(gap + 1, '\n', (size_t)(end - gap - 1));
        uint32_t len = gap ? (uint32_t)(gap - rest.data) : rest.len;
        if (say_dateline(story, sl_span_head(rest, len < DATELINE_LOOK ? len : DATELINE_LOOK), origin))
            return;
        rest = sl_span_skip(rest, gap ? len + 2 : len);
    }
}
