/* parsers/anpa1312_facts.c - header, keyword line and trailer of an ANPA message to what a bulletin says: who, what,
 * when, which. */
#include <string.h>
#include "parsers/anpa1312.h"
#include "parsers/ascii.h"

#define FLASH_WORDS 120u /* a flash is a sentence; longer ones have the letter by mistake, as features do */

static const struct sl_anpa_agency agencies[] = {
    {"AP",                    "AP",             "en", "America/New_York", false},
    { "Associated Press",     "AP",             "en", "America/New_York", false},
    { "The Associated Press", "AP",             "en", "America/New_York", false},
    { "KWS",                  "Kyodo",          "en", "Asia/Tokyo",       true },
    { "KYODO",                "Kyodo",          "en", "Asia/Tokyo",       true },
    { "CP",                   "Canadian Press", "en", "America/Toronto",  true },
    { "The Canadian Press",   "Canadian Press", "en", "America/Toronto",  true },
    { "ET",                   "Canadian Press", "en", "America/Toronto",  true },
    { "Reuters",              "Reuters",        "en", NULL,               false},
    { "Bloomberg News",       "Bloomberg",      "en", "America/New_York", false},
    { "New York Times",       "NYT",            "en", "America/New_York", false},
    { "The New York Times",   "NYT",            "en", "America/New_York", false},
};

const struct sl_anpa_agency *sl_anpa_find_agency(struct sl_span sign)
{
    sign = sl_span_trim(sign);
    for (size_t i = 0; i < sizeof(agencies) / sizeof(*agencies); i++) {
        if (sl_span_is(sign, agencies[i].sign))
            return &agencies[i];
    }
    return NULL;
}

/* ---- the keyword line ---- */

/* "<" and "=" end lines for the typesetter, "@" for some agencies' systems. */
static struct sl_span trim_marks(struct sl_span line)
{
    line = sl_span_trim(line);
    while (line.len != 0 && memchr("<=@", line.data[line.len - 1], 3))
        line = sl_span_trim(sl_span_head(line, line.len - 1));
    return line;
}

static struct sl_span skip_carets(struct sl_span line)
{
    while (line.len != 0 && (line.data[0] == '^' || line.data[0] == ' '))
        line = sl_span_skip(line, 1);
    return line;
}

/* "^*9006< ^AP-Top-Headlines": a selector code may stand before the keyword. */
static struct sl_span skip_selector(struct sl_span line)
{
    line = skip_carets(line);
    if (line.len != 0 && line.data[0] == '*') {
        const uint8_t *end = memchr(line.data, '<', line.len);
        if (end)
            line = sl_span_skip(line, (uint32_t)(end - line.data) + 1);
    }
    return skip_carets(line);
}

void sl_anpa_read_slug(struct sl_span line, struct sl_anpa_slug *slug)
{
    line = trim_marks(sl_span_head(skip_selector(sl_span_trim(line)), SL_ANPA_KEYWORD_MAX));
    const uint8_t *comma = memrchr(line.data, ',', line.len);
    struct sl_span last = comma ? sl_span_trim(sl_span_skip(line, (uint32_t)(comma - line.data) + 1)) : line;
    slug->count = slug->version = (struct sl_span){ NULL, 0 };
    if (comma && sl_span_digits(last) == last.len) {
        slug->count = last;
        line = sl_span_trim(sl_span_head(line, (uint32_t)(comma - line.data)));
    }
    comma = memchr(line.data, ',', line.len);
    uint32_t len = comma ? (uint32_t)(comma - line.data) : line.len;
    slug->keyword = sl_span_trim(sl_span_head(line, len));
    if (comma)
        slug->version = sl_span_trim(sl_span_skip(line, len + 1));
}

/* ---- the trailer ---- */

struct trailer {
    struct sl_span sign;
    struct sl_civil civil;
    bool has_date, has_time, has_offset;
    uint8_t part[3]; /* of the date, as it stands */
    int32_t offset_s;
};

static uint8_t two_digits(const uint8_t *at) { return (uint8_t)((at[0] - '0') * 10 + at[1] - '0'); }

/* "11-13-13" at the start. */
static bool take_date(struct sl_span *rest, struct trailer *trailer)
{
    if (trailer->has_date || rest->len < 8)
        return false;
    for (unsigned i = 0; i < 8; i++) {
        if (i % 3 == 2 ? rest->data[i] != '-' : !sl_is_digit(rest->data[i]))
            return false;
    }
    for (unsigned i = 0; i < 3; i++)
        trailer->part[i] = two_digits(rest->data + 3 * i);
    *rest = sl_span_skip(*rest, 8);
    return trailer->has_date = true;
}

/* "1509GMT", "10:15", "16:35ET": the zone may be the agency's sign, too. */
static bool take_time(struct sl_span *rest, struct trailer *trailer)
{
    uint32_t colon = rest->len > 2 && rest->data[2] == ':', len = 0;
    if (trailer->has_time || rest->len < 4 + colon || sl_span_digits(*rest) != (colon ? 2 : 4) ||
        (colon && sl_span_digits(sl_span_skip(*rest, 3)) != 2))
        return false;
    trailer->civil.hour = two_digits(rest->data);
    trailer->civil.minute = two_digits(rest->data + 2 + colon);
    *rest = sl_span_skip(*rest, 4 + colon);
    while (len < rest->len && sl_is_ascii_letter(rest->data[len]))
        len++;
    struct sl_span zone = sl_span_head(*rest, len);
    trailer->has_offset = len != 0 && sl_offset_named(zone.data, zone.len, &trailer->offset_s);
    if (!trailer->has_offset && len != 0 && trailer->sign.len == 0)
        trailer->sign = zone;
    *rest = sl_span_skip(*rest, len);
    return trailer->has_time = true;
}

/* A date and a time in either order, signs before them, typesetting behind. */
static bool read_trailer(struct sl_span line, struct trailer *trailer)
{
    *trailer = (struct trailer){
        .sign = {NULL, 0}
    };
    line = trim_marks(sl_story_trim_noise(line));
    if (line.len < 13 || line.len > 48)
        return false;
    while (line.len != 0 && !(trailer->has_date && trailer->has_time)) {
        uint32_t len = 0;
        if (take_date(&line, trailer) || take_time(&line, trailer))
            continue;
        while (len < line.len && sl_is_ascii_letter(line.data[len]))
            len++;
        if (len == 0 && line.data[0] != '-' && line.data[0] != ' ' && line.data[0] != '^')
            return false;
        if (len != 0 && trailer->sign.len == 0)
            trailer->sign = sl_span_head(line, len);
        line = sl_span_skip(line, len != 0 ? len : 1);
    }
    return trailer->has_date && trailer->has_time && line.len == 0;
}

bool sl_anpa_is_trailer(struct sl_span line)
{
    struct trailer trailer;
    return read_trailer(line, &trailer);
}

/* The agency's order of day and month, or the other where only that is a date. */
static bool settle_date(struct trailer *trailer, bool day_first)
{
    for (unsigned i = 0; i < 2; i++, day_first = !day_first) {
        struct sl_civil *civil = &trailer->civil;
        civil->month = trailer->part[day_first ? 1 : 0];
        civil->day = trailer->part[day_first ? 0 : 1];
        /* The format is of 1979. */
        civil->year = trailer->part[2] < 79 ? 2000 + trailer->part[2] : 1900 + trailer->part[2];
        if (sl_civil_valid(civil))
            return true;
    }
    return false;
}

static unsigned read_two(struct sl_span digits)
{
    return (unsigned)sl_story_number(sl_span_head(digits, sl_span_digits(digits)));
}

/* The header's day, in the year that puts it nearest to the message's own time. */
static bool read_header_day(const struct sl_anpa *wire, bool day_first, struct sl_civil *day)
{
    struct sl_span date = wire->header.date;
    if (date.len == 0)
        return false;
    unsigned first = read_two(date), second = read_two(sl_span_skip(date, sl_span_digits(date) + 1));
    int64_t now_s = wire->story.time_ns / SL_TIME_NS, best = INT64_MAX;
    struct sl_civil now;
    sl_civil_from_s(&now, now_s);
    for (unsigned i = 0; i < 6; i++) {
        bool is_day_first = (i < 3) == day_first;
        struct sl_civil guess = { .year = now.year - 1 + (int32_t)(i % 3) };
        guess.month = (uint8_t)(is_day_first ? second : first);
        guess.day = (uint8_t)(is_day_first ? first : second);
        if (!sl_civil_valid(&guess))
            continue;
        int64_t apart = sl_civil_to_s(&guess) + 43200 - now_s;
        apart = apart < 0 ? -apart : apart;
        /* The other order of day and month counts only where it is much nearer. */
        if (apart + (i < 3 ? 0 : 20 * 86400) < best) {
            best = apart;
            *day = guess;
        }
    }
    return best != INT64_MAX;
}

void sl_anpa_say_time(struct sl_anpa *wire)
{
    struct trailer trailer;
    struct sl_story *story = &wire->story;
    bool has_trailer = wire->trailer.len != 0 && read_trailer(wire->trailer, &trailer);
    wire->agency = sl_anpa_find_agency(wire->header.agency);
    wire->sign = has_trailer && wire->header.agency.len == 0 ? trailer.sign : wire->header.agency;
    if (!wire->agency && has_trailer)
        wire->agency = sl_anpa_find_agency(trailer.sign);
    bool day_first = wire->agency && wire->agency->day_first;
    struct sl_slice sign = { (const char *)wire->sign.data, wire->sign.len };
    sl_parse_choose_profile(story->parse, sign);
    story->zone = sl_parse_zone(story->parse, wire->agency ? wire->agency->zone : NULL);
    story->time_ns = story->parse->arrival_ns;
    if (has_trailer && settle_date(&trailer, day_first))
        sl_story_say_time(story, &trailer.civil, trailer.has_offset, trailer.offset_s);
    else
        sl_civil_from_s(&story->day, story->time_ns / SL_TIME_NS);
    /* The header's day is the agency's own, and does not change while it is evening there. */
    bool has_day = read_header_day(wire, day_first, &story->day);
    if (sl_out_root(story->out)->version_created != SL_TIME_NONE)
        return;
    sl_out_root(story->out)->flags |= SL_BULLETIN_DATE_COMPLETED;
    sl_out_note(story->out, has_day ? "no time behind the text: the year is the arrival's"
                                    : "no time in the message: the id's day is the arrival's");
}

/* ---- who and what ---- */

bool sl_anpa_is_alert(struct sl_span keyword)
{
    uint32_t off;
    return sl_span_find(keyword, "NewsAlert", &off);
}

bool sl_anpa_is_advisory(struct sl_span keyword)
{
    uint32_t start = keyword.len;
    while (start != 0 && sl_is_letter(keyword.data[start - 1]))
        start--;
    struct sl_span last = sl_span_skip(keyword, start);
    return sl_span_is(last, "advisory") || sl_span_is(last, "digest") || sl_span_is(last, "budget");
}

/* Letters are not always what they say: "f" has been seen on features, for which it may mean that. */
unsigned sl_anpa_urgency(const struct sl_anpa_header *header, const struct sl_anpa_slug *slug)
{
    static const struct {
        char letter;
        uint8_t urgency;
    } letters[] = {
        {'f',  1},
        { 'b', 2},
        { 'u', 3},
        { 'r', 4},
        { 'd', 6},
    };
    unsigned urgency = 0;
    uint8_t priority = header->priority.len != 0 ? sl_lower(header->priority.data[0]) : 0;
    uint8_t category = header->category.len != 0 ? sl_lower(header->category.data[0]) : 0;
    for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
        if (letters[i].letter == priority)
            urgency = letters[i].urgency;
    }
    bool is_feature = category != 0 && memchr("lez", category, 3);
    if (urgency == 1 && (is_feature || sl_story_number(slug->count) > FLASH_WORDS))
        urgency = 4;
    return sl_anpa_is_alert(slug->keyword) && (urgency == 0 || urgency > 2) ? 2 : urgency;
}

/* BC- and AP- are the same story for papers and for sites; AM- and PM- are two. */
static struct sl_span skip_cycle(struct sl_span keyword)
{
    bool is_any = sl_span_starts(keyword, "BC-") || sl_span_starts(keyword, "AP-");
    return is_any && keyword.len > 3 ? sl_span_skip(keyword, 3) : keyword;
}

struct sl_ref sl_anpa_put_id(struct sl_anpa *wire, struct sl_span keyword)
{
    return sl_story_put_id(&wire->story, skip_cycle(keyword), (struct sl_span){ NULL, 0 }, 0);
}

void sl_anpa_say_single_id(struct sl_anpa *wire)
{
    struct sl_story *story = &wire->story;
    struct sl_civil at;
    sl_civil_from_s(&at, story->time_ns / SL_TIME_NS);
    /* Its own time is the same on every line; its number is the service's. */
    const uint8_t time[] = { (uint8_t)('0' + at.hour / 10), (uint8_t)('0' + at.hour % 10),
                             (uint8_t)('0' + at.minute / 10), (uint8_t)('0' + at.minute % 10) };
    bool has_time = sl_out_root(story->out)->version_created != SL_TIME_NONE;
    struct sl_span number = has_time ? (struct sl_span){ time, sizeof(time) } : wire->header.number;
    sl_out_set(story->out, SL_TEXT_ID, sl_story_put_id(story, skip_cycle(wire->slug.keyword), number, 0));
}

static void say_id(struct sl_anpa *wire)
{
    struct sl_story *story = &wire->story;
    sl_out_root(story->out)->flags |= SL_BULLETIN_ID_MADE;
    if (sl_anpa_is_alert(wire->slug.keyword) || sl_anpa_is_advisory(wire->slug.keyword))
        sl_anpa_say_single_id(wire);
    else
        sl_out_set(story->out, SL_TEXT_ID, sl_anpa_put_id(wire, wire->slug.keyword));
    sl_story_say_item(story, SL_LIST_ALT_IDS, "agency",
                      sl_story_put_id(story, wire->header.service, wire->header.number, 0));
}

static void say_keywords(struct sl_anpa *wire)
{
    struct sl_story *story = &wire->story;
    sl_story_say(story, SL_TEXT_SLUGLINE, wire->slug.keyword);
    struct sl_slice slug = sl_out_get(story->out, SL_TEXT_SLUGLINE);
    struct sl_span rest = skip_cycle(sl_span_of(slug));
    while (rest.len != 0) {
        const uint8_t *hyphen = memchr(rest.data, '-', rest.len);
        uint32_t len = hyphen ? (uint32_t)(hyphen - rest.data) : rest.len;
        if (len != 0)
            sl_out_word(story->out, SL_LIST_KEYWORDS, rest.data, len);
        rest = sl_span_skip(rest, len + (hyphen ? 1 : 0));
    }
}

void sl_anpa_say_header(struct sl_anpa *wire)
{
    struct sl_story *story = &wire->story;
    struct sl_bulletin *root = sl_out_root(story->out);
    static const struct sl_ref none;
    root->urgency = (uint8_t)sl_anpa_urgency(&wire->header, &wire->slug);
    root->word_cnt = (uint32_t)sl_story_number(sl_span_head(wire->slug.count, 6));
    root->number = sl_story_number(wire->header.number);
    sl_story_say(story, SL_TEXT_SERVICE, wire->header.service);
    sl_story_say(story, SL_TEXT_SOURCE_NUMBER, wire->header.number);
    sl_story_say(story, SL_TEXT_PRIORITY_RAW, wire->header.priority);
    sl_story_say(story, SL_TEXT_VERSION, wire->slug.version);
    sl_story_say(story, SL_TEXT_TAKE, wire->slug.version);
    if (wire->header.category.len != 0)
        sl_out_word(story->out, SL_LIST_CATEGORIES, wire->header.category.data, 1);
    if (wire->header.selector.len != 0 && sl_is_word_byte(wire->header.selector.data[0])) {
        struct sl_ref scheme = sl_out_ref(story->out, "selector", 8);
        sl_out_item(story->out, SL_LIST_SUBJECTS, scheme, sl_story_put(story, wire->header.selector), none, none);
    }
    if (wire->agency) {
        sl_story_say_word(story, SL_TEXT_PROVIDER, wire->agency->provider);
        sl_story_say_word(story, SL_TEXT_LANGUAGE, wire->agency->language);
    } else {
        sl_story_say(story, SL_TEXT_PROVIDER, wire->sign);
    }
    say_keywords(wire);
    say_id(wire);
}
