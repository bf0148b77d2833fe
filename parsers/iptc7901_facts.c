/* parsers/iptc7901_facts.c - header, keywords and trailer of a 7901 message to what a bulletin says: who, what, when,
 * which. */
#include "parsers/iptc7901.h"
#include <string.h>
#include "parsers/ascii.h"

/* What a service's or an agency's name tells that its messages do not.  The first row that fits counts. */
static const struct service {
    const char *service, *source; /* NULL: any */
    const char *provider, *language, *zone; /* NULL: as given, or not known */
} services[] = {
    {"bdt",  NULL,    NULL,  "de", "Europe/Berlin"},
    { "erd", NULL,    NULL,  "de", "Europe/Berlin"},
    { "spe", NULL,    NULL,  "de", "Europe/Berlin"},
    { "tmn", NULL,    NULL,  "de", "Europe/Berlin"},
    { "hfk", NULL,    NULL,  "de", "Europe/Berlin"},
    { "mbv", NULL,    "dpa", "de", "Europe/Berlin"},
    { "bwg", NULL,    "dpa", "de", "Europe/Berlin"},
    { "hes", NULL,    "dpa", "de", "Europe/Berlin"},
    { "bay", NULL,    "dpa", "de", "Europe/Berlin"},
    { "brb", NULL,    "dpa", "de", "Europe/Berlin"},
    { "nsb", NULL,    "dpa", "de", "Europe/Berlin"},
    { "nwf", NULL,    "dpa", "de", "Europe/Berlin"},
    { "hsh", NULL,    "dpa", "de", "Europe/Berlin"},
    { "rhs", NULL,    "dpa", "de", "Europe/Berlin"},
    { "san", NULL,    "dpa", "de", "Europe/Berlin"},
    { "aht", NULL,    "dpa", "de", "Europe/Berlin"},
    { "thg", NULL,    "dpa", "de", "Europe/Berlin"},
    { "eca", NULL,    NULL,  "en", "Europe/Berlin"},
    { "ecp", NULL,    NULL,  "en", "Europe/Berlin"},
    { "dpe", NULL,    NULL,  "es", "Europe/Berlin"},
    { "bsf", NULL,    "ATS", "fr", "Europe/Zurich"},
    { "bsd", NULL,    "SDA", "de", "Europe/Zurich"},
    { "bsi", NULL,    "ATS", "it", "Europe/Zurich"},
    { "apa", NULL,    "APA", "de", "Europe/Vienna"},
    { NULL,  "dpa",   NULL,  NULL, "Europe/Berlin"},
    { NULL,  "ats",   "ATS", "fr", "Europe/Zurich"},
    { NULL,  "sda",   "SDA", "de", "Europe/Zurich"},
    { NULL,  "apa",   "APA", "de", "Europe/Vienna"},
    { NULL,  "kna",   NULL,  "de", "Europe/Berlin"},
    { NULL,  "epd",   NULL,  "de", "Europe/Berlin"},
    { NULL,  "sid",   NULL,  "de", "Europe/Berlin"},
    { NULL,  "kyodo", NULL,  NULL, "Asia/Tokyo"   },
    { NULL,  NULL,    NULL,  NULL, NULL           },
};

struct sl_span sl_7901_skip_blanks(struct sl_span span)
{
    uint32_t len = 0;
    while (len < span.len && (span.data[len] == ' ' || span.data[len] == '\t'))
        len++;
    return sl_span_skip(span, len);
}

struct sl_span sl_7901_next_word(struct sl_span *rest)
{
    uint32_t len = 0;
    *rest = sl_7901_skip_blanks(*rest);
    while (len < rest->len && rest->data[len] > ' ')
        len++;
    struct sl_span word = sl_span_head(*rest, len);
    *rest = sl_span_skip(*rest, len);
    return word;
}

/* ---- the trailer: when ---- */

struct trailer {
    struct sl_civil civil;
    bool has_month, has_year, has_offset;
    int32_t offset_s;
};

static bool take_trailer_word(struct trailer *trailer, struct sl_span word)
{
    bool is_number = sl_span_digits(word) == word.len;
    unsigned month = sl_month_named(word.data, word.len);
    if (month != 0 && !trailer->has_month) {
        trailer->civil.month = (uint8_t)month;
        return trailer->has_month = true;
    }
    if (trailer->has_month && !trailer->has_year && is_number && (word.len == 2 || word.len == 4)) {
        int32_t year = (int32_t)sl_story_number(word);
        /* The format is of 1979. */
        trailer->civil.year = word.len == 4 ? year : year < 79 ? 2000 + year : 1900 + year;
        return trailer->has_year = true;
    }
    if (!trailer->has_month && !trailer->has_offset)
        trailer->has_offset = sl_offset_named(word.data, word.len, &trailer->offset_s);
    /* A zone that is not known is the agency's, which is assumed then. */
    return !is_number && word.len <= 6;
}

/* "131137 GMT Nov 13", "242200 Jun 17", "091223 dec 2018", "091223". */
static bool read_trailer(struct sl_span line, struct trailer *trailer)
{
    struct sl_span rest = sl_span_trim(line), word = sl_7901_next_word(&rest);
    *trailer = (struct trailer){ 0 };
    if (word.len != 6 || sl_span_digits(word) != 6)
        return false;
    uint64_t digits = sl_story_number(word);
    trailer->civil.day = (uint8_t)(digits / 10000);
    trailer->civil.hour = (uint8_t)(digits / 100 % 100);
    trailer->civil.minute = (uint8_t)(digits % 100);
    for (word = sl_7901_next_word(&rest); word.len != 0; word = sl_7901_next_word(&rest)) {
        if (!take_trailer_word(trailer, word))
            return false;
    }
    struct sl_civil probe = trailer->civil;
    probe.month = probe.month ? probe.month : 1;
    probe.year = trailer->has_year ? probe.year : 2000;
    return sl_civil_valid(&probe);
}

bool sl_7901_is_trailer(struct sl_span line, bool may_be_bare)
{
    struct trailer trailer;
    return read_trailer(line, &trailer) && (may_be_bare || trailer.has_month);
}

void sl_7901_say_time(struct sl_7901 *wire)
{
    struct trailer trailer;
    struct sl_bulletin *root = sl_out_root(wire->story.out);
    wire->story.time_ns = wire->story.parse->arrival_ns;
    bool is_there = wire->trailer.len != 0 && read_trailer(wire->trailer, &trailer);
    bool is_whole = is_there && trailer.has_month && trailer.has_year;
    if (!is_whole)
        root->flags |= SL_BULLETIN_DATE_COMPLETED;
    if (!is_there ||
        (!is_whole && !sl_story_complete_day(&trailer.civil, trailer.has_month, wire->story.parse->arrival_ns))) {
        sl_civil_from_s(&wire->story.day, wire->story.parse->arrival_ns / SL_TIME_NS);
        sl_out_note(wire->story.out, "no time in the message: the id's day is the arrival's");
        return;
    }
    if (!is_whole)
        sl_out_note(wire->story.out, "year or month taken from the arrival");
    sl_story_say_time(&wire->story, &trailer.civil, trailer.has_offset, trailer.offset_s);
}

/* ---- header and keywords: who and what ---- */

static const struct service *find_service(const struct sl_7901_header *header)
{
    const struct service *row = services;
    for (; row->service || row->source; row++) {
        if ((!row->service || sl_span_is(header->service, row->service)) &&
            (!row->source || sl_span_is(header->source, row->source)))
            break;
    }
    return row;
}

const char *sl_7901_zone_name(const struct sl_7901_header *header) { return find_service(header)->zone; }

static void say_categories(struct sl_7901 *wire)
{
    struct sl_span rest = wire->header.category;
    while (rest.len != 0) {
        uint32_t len = 0;
        while (len < rest.len && sl_is_ascii_letter(rest.data[len]))
            len++;
        if (len != 0)
            sl_out_word(wire->story.out, SL_LIST_CATEGORIES, rest.data, len);
        rest = sl_span_skip(rest, len < rest.len ? len + 1 : len);
    }
}

static void say_keywords(struct sl_7901 *wire)
{
    struct sl_out *out = wire->story.out;
    struct sl_span rest = sl_span_head(wire->keywords, SL_7901_TWICE_MAX), line;
    sl_out_open(out);
    while (sl_line_next(&rest, &line)) {
        struct sl_slice before = sl_out_opened(out);
        line = sl_span_trim(line);
        if (before.len == 0)
            while (line.len != 0 && line.data[0] == '/')
                line = sl_span_skip(line, 1);
        if (line.len != 0 && before.len != 0 && before.data[before.len - 1] != '/')
            sl_out_putc(out, ' ');
        sl_text_put_line(out, wire->story.charset, line.data, line.len, &wire->story.parse->text);
    }
    struct sl_slice slug = sl_out_opened(out);
    while (slug.len != 0 && (slug.data[slug.len - 1] == '/' || slug.data[slug.len - 1] == ' '))
        slug.len--;
    sl_out_cut(out, slug.len);
    sl_out_set(out, SL_TEXT_SLUGLINE, sl_out_close(out));

    struct sl_slice words = sl_out_get(out, SL_TEXT_SLUGLINE);
    while (words.len != 0) {
        const char *slash = memchr(words.data, '/', words.len);
        uint32_t len = slash ? (uint32_t)(slash - words.data) : words.len;
        struct sl_span word = sl_span_trim((struct sl_span){ (const uint8_t *)words.data, len });
        if (word.len != 0)
            sl_out_word(out, SL_LIST_KEYWORDS, word.data, word.len);
        len += slash ? 1 : 0;
        words.data += len;
        words.len -= len;
    }
}

void sl_7901_say_header(struct sl_7901 *wire)
{
    const struct sl_7901_header *header = &wire->header;
    struct sl_out *out = wire->story.out;
    struct sl_bulletin *root = sl_out_root(out);
    const struct service *service = find_service(header);
    static const struct sl_ref none;
    root->urgency = (uint8_t)(header->priority.data[0] - '0');
    root->word_cnt = (uint32_t)sl_story_number(header->words);
    root->number = sl_story_number(header->number);
    sl_story_say(&wire->story, SL_TEXT_SERVICE, header->service);
    sl_story_say(&wire->story, SL_TEXT_PRIORITY_RAW, header->priority);
    sl_story_say(&wire->story, SL_TEXT_SOURCE_NUMBER, header->number);
    say_categories(wire);
    sl_story_say_word(&wire->story, SL_TEXT_LANGUAGE, service->language);
    if (service->provider)
        sl_story_say_word(&wire->story, SL_TEXT_PROVIDER, service->provider);
    else
        sl_story_say(&wire->story, SL_TEXT_PROVIDER, sl_span_head(header->source, SL_7901_TWICE_MAX));
    root->flags |= SL_BULLETIN_ID_MADE;
    sl_out_set(out, SL_TEXT_ID, sl_story_put_id(&wire->story, header->service, header->number, 0));
    if (header->source.len != 0)
        sl_out_item(out, SL_LIST_ALT_IDS, sl_out_ref(out, "agency", 6),
                    sl_story_put_id(&wire->story, sl_span_head(header->source, SL_7901_TWICE_MAX),
                                    sl_span_head(header->source_number, SL_7901_TWICE_MAX), 0),
                    none, none);
    say_keywords(wire);
}
