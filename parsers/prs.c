/* parsers/prs.c - press services of the Nordic agencies: a release with its publisher, pictures and contacts.
 *
 *     release id lang / longurl, body, leadtext, embargo, publicationDate, title, images, publisher ...
 *
 * Source    None is public: NTB's service, and those of STT, Ritzau and TT that run on the same.
 *
 *   - Times are "dd.MM.yyyy HH:mm" of the agency's own zone, which the release's address names.
 *   - leadtext and body are HTML in strings; the body is escaped twice.
 *   - contactsAsText and the publisher's description are not for publication as text, and are not in the body.
 *   - An embargo that cannot be read holds the release.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/feed.h"
#include "parsers/markup_xml.h"
#include "parsers/standing.h"
#include "parsers/wording.h"

#define PRS_NAMES(NAME)                                                                                                \
    NAME(PRS_RELEASE, "release")                                                                                       \
    NAME(PRS_URL, "longurl")                                                                                           \
    NAME(PRS_BODY, "body")                                                                                             \
    NAME(PRS_LEAD, "leadtext")                                                                                         \
    NAME(PRS_EMBARGO, "embargo")                                                                                       \
    NAME(PRS_KEYWORDS, "keywords")                                                                                     \
    NAME(PRS_DATE, "publicationDate")                                                                                  \
    NAME(PRS_TITLE, "title")                                                                                           \
    NAME(PRS_TYPE, "type")                                                                                             \
    NAME(PRS_LABEL, "label")                                                                                           \
    NAME(PRS_IMAGES, "images")                                                                                         \
    NAME(PRS_IMAGE, "image")                                                                                           \
    NAME(PRS_DOCUMENTS, "documents")                                                                                   \
    NAME(PRS_DOCUMENT, "document")                                                                                     \
    NAME(PRS_FILE_URL, "url")                                                                                          \
    NAME(PRS_CATEGORIES, "categories")                                                                                 \
    NAME(PRS_CATEGORY, "category")                                                                                     \
    NAME(PRS_PUBLISHER, "publisher")                                                                                   \
    NAME(PRS_NAME, "name")
enum { PRS_OTHER, PRS_NAMES(SL_XML_ENUM) };
SL_XML_NAMES(prs_names, PRS_NAMES);

struct release {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_xml *xml;
    struct sl_span url, body, lead, embargo, keywords, date, title;
    bool is_mended;
};

/* Whose zone, by where its releases are published. */
static const char *zone_name(struct sl_span host)
{
    static const struct {
        const char *ending, *zone;
    } zones[] = {
        {".fi",  "Europe/Helsinki"  },
        { ".se", "Europe/Stockholm" },
        { ".dk", "Europe/Copenhagen"},
    };
    for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
        uint32_t len = (uint32_t)strlen(zones[i].ending);
        if (host.len > len && sl_span_is(sl_span_skip(host, host.len - len), zones[i].ending))
            return zones[i].zone;
    }
    return "Europe/Oslo";
}

static void take(struct release *release, struct sl_span *text)
{
    sl_feed_take(release->parse, release->xml, text, &release->is_mended);
}

static void say_item(struct release *release, enum sl_list list, unsigned part)
{
    struct sl_ref parts[SL_ITEM_PARTS] = {
        {0, 0}
    };
    struct sl_span words;
    take(release, &words);
    parts[part] = sl_feed_put_line(release->parse, words);
    if (parts[part].len != 0)
        sl_out_item(release->out, list, parts[0], parts[1], parts[2], parts[3]);
}

static void say_file(struct release *release, const char *rel, const char *type)
{
    struct sl_span url, nothing = { NULL, 0 }, media = { (const uint8_t *)type, (uint32_t)strlen(type) };
    take(release, &url);
    sl_feed_association(release->parse, rel, nothing, url, media);
}

static void take_own_part(struct release *release)
{
    switch (release->xml->id) {
    case PRS_URL:
        take(release, &release->url);
        break;
    case PRS_BODY:
        take(release, &release->body);
        break;
    case PRS_LEAD:
        take(release, &release->lead);
        break;
    case PRS_EMBARGO:
        take(release, &release->embargo);
        break;
    case PRS_KEYWORDS:
        take(release, &release->keywords);
        break;
    case PRS_DATE:
        take(release, &release->date);
        break;
    case PRS_TITLE:
        take(release, &release->title);
        break;
    case PRS_TYPE:
    case PRS_IMAGES:
    case PRS_DOCUMENTS:
    case PRS_CATEGORIES:
    case PRS_PUBLISHER:
        break; /* their parts come in turn */
    default:
        sl_xml_skip(release->xml);
    }
}

static void take_part(struct release *release)
{
    struct sl_xml *xml = release->xml;
    unsigned parent = sl_xml_above_id(xml, 1);
    if (parent == PRS_RELEASE)
        take_own_part(release);
    else if (parent == PRS_PUBLISHER && xml->id == PRS_NAME)
        say_item(release, SL_LIST_ORGANISATIONS, 2);
    else if (parent == PRS_TYPE && xml->id == PRS_LABEL)
        say_item(release, SL_LIST_GENRES, 2);
    else if (xml->id == PRS_FILE_URL && (parent == PRS_IMAGE || parent == PRS_DOCUMENT))
        say_file(release, parent == PRS_IMAGE ? "picture" : "attachment", parent == PRS_IMAGE ? "image/*" : "");
    else if (parent == PRS_CATEGORIES || (parent == PRS_CATEGORY && xml->id == PRS_LABEL))
        say_item(release, SL_LIST_KEYWORDS, 0);
    else if (xml->id != PRS_IMAGE && xml->id != PRS_DOCUMENT)
        sl_xml_skip(xml);
}

/* Words parted by commas. */
static void say_keywords(struct release *release)
{
    static const struct sl_ref none;
    struct sl_span rest = release->keywords;
    while (rest.len != 0) {
        const uint8_t *comma = memchr(rest.data, ',', rest.len);
        uint32_t len = comma ? (uint32_t)(comma - rest.data) : rest.len;
        struct sl_ref word = sl_feed_put(release->parse, sl_span_head(rest, len));
        if (word.len != 0)
            sl_out_item(release->out, SL_LIST_KEYWORDS, word, none, none, none);
        rest = sl_span_skip(rest, comma ? len + 1 : len);
    }
}

static void say_embargo(struct release *release, const char *zone)
{
    int64_t until_ns = SL_TIME_NONE;
    if (release->embargo.len == 0)
        return;
    bool is_read = sl_feed_local_time(release->parse, release->embargo, zone, &until_ns);
    sl_standing_embargo(release->out, is_read ? SL_EMBARGO_UNTIL : SL_EMBARGO_OPEN, until_ns, SL_DATE_ZONE_ASSUMED);
}

/* The lead is the first paragraph. */
static void say_body(struct release *release)
{
    struct sl_parse *parse = release->parse;
    struct sl_out *out = release->out;
    sl_feed_undouble(parse, &release->lead);
    sl_feed_undouble(parse, &release->body);
    struct sl_ref lead = sl_feed_put_body(parse, &release->lead, false);
    struct sl_ref gap = sl_out_ref(out, "\n\n", 2), body = sl_feed_put_body(parse, &release->body, false);
    if (lead.len != 0 && body.len != 0)
        body = (struct sl_ref){ lead.off, lead.len + gap.len + body.len };
    sl_out_set(out, SL_TEXT_BODY, body.len != 0 ? body : lead);
}

static enum sl_parse_code say_release(struct release *release)
{
    struct sl_parse *parse = release->parse;
    struct sl_out *out = release->out;
    if (sl_out_get(out, SL_TEXT_ID).len == 0)
        return sl_xml_refuse(release->xml, SL_PARSE_BAD_HEADER, "the release's id");
    struct sl_span host = sl_feed_authority(release->url);
    const char *zone = zone_name(host);
    sl_feed_say_charset(parse, release->xml);
    sl_feed_say_local_time(parse, release->date, zone);
    sl_out_set(out, SL_TEXT_PROVIDER, sl_feed_put(parse, host));
    sl_out_set(out, SL_TEXT_HEADLINE, sl_feed_put_line(parse, release->title));
    say_body(release);
    say_keywords(release);
    sl_feed_association(parse, "alternate", (struct sl_span){ NULL, 0 }, release->url, (struct sl_span){ NULL, 0 });
    sl_wording_first_words(out);
    sl_wording_dateline(out);
    struct sl_story story = { .parse = parse, .out = out, .time_ns = parse->arrival_ns };
    sl_wording_say_kind(&story);
    say_embargo(release, zone);
    if (release->is_mended)
        sl_out_note(out, "characters that were encoded twice are mended");
    return SL_PARSE_OK;
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_feed *feed = sl_feed_begin(parse, &prs_names);
    if (!feed)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "a document that fits into scratch");
    struct sl_xml *xml = feed->xml;
    struct release release = { .parse = parse, .out = &parse->out, .xml = xml };
    while (sl_xml_next(xml) != SL_XML_ERROR && xml->event != SL_XML_DONE) {
        if (xml->event == SL_XML_START && xml->id == PRS_RELEASE) {
            parse->scratch.used = feed->mark;
            sl_out_set(release.out, SL_TEXT_ID, sl_feed_put(parse, sl_feed_value(parse, xml, "id")));
            sl_out_set(release.out, SL_TEXT_LANGUAGE, sl_feed_put(parse, sl_feed_value(parse, xml, "lang")));
        } else if (xml->event == SL_XML_END && xml->id == PRS_RELEASE) {
            return say_release(&release);
        } else if (xml->event == SL_XML_START && xml->depth > 1) {
            take_part(&release);
        }
        if (xml->event == SL_XML_ERROR)
            break;
    }
    return xml->event == SL_XML_ERROR ? sl_xml_reject(xml) : SL_PARSE_END;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    static const struct sl_xml_root_score roots[] = {
        {"release",   80},
        { "releases", 60},
        { NULL,       0 },
    };
    return sl_xml_recognize(data, len, roots);
}

const struct sl_format sl_format_prs = {
    .id = SL_FORMAT_PRS,
    .name = "prs",
    .source = "none is public: the Nordic agencies' press services",
    .recognize = recognize,
    .next = next,
};
