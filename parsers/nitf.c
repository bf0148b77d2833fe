/* parsers/nitf.c - a NITF document to one bulletin: what its facts amount to.
 *
 *     <nitf> <head> title, meta*, tobject, docdata, pubdata </head>
 *            <body> <body.head> headlines, bylines, dateline </body.head>
 *                   <body.content> ... </body.content> <body.end/> </body> </nitf>
 *
 * Agencies put these where they like, so elements are taken by their names alone.
 */
#include "parsers/nitf.h"
#include <string.h>
#include "parsers/ascii.h"

#define PEEK_LEN     4096u
#define NOTES_JOINED 6000u /* bytes of notes that are said twice: alone, and joined */

SL_XML_NAMES(names, SL_NITF_NAMES);

void sl_nitf_begin(struct sl_nitf *nitf, struct sl_xml *xml, struct sl_story *story, bool is_embedded)
{
    memset(nitf, 0, offsetof(struct sl_nitf, found));
    nitf->parse = story->parse;
    nitf->out = story->out;
    nitf->xml = xml;
    nitf->story = story;
    nitf->is_embedded = is_embedded;
    for (uint32_t i = 0; i < story->out->item_cnt; i++)
        nitf->has_subjects |= story->out->items[i].list == SL_LIST_SUBJECTS;
}

static void say_language(struct sl_nitf *nitf)
{
    const struct sl_xml_attr *language = sl_xml_attr(nitf->xml, "baselang");
    if (!language)
        language = sl_xml_attr(nitf->xml, "xml:lang");
    sl_standing_say(nitf->out, SL_TEXT_LANGUAGE, sl_xml_value_line(nitf->xml, nitf->out, language));
}

enum sl_xml_event sl_nitf_read(struct sl_nitf *nitf)
{
    struct sl_xml *xml = nitf->xml;
    uint32_t depth = xml->depth;
    if (xml->id == SL_NITF_NITF)
        say_language(nitf);
    enum sl_xml_event event = sl_nitf_take(nitf);
    while (event != SL_XML_ERROR && event != SL_XML_DONE && !(event == SL_XML_END && xml->depth == depth)) {
        event = sl_xml_next_tag(xml);
        if (event == SL_XML_START)
            event = sl_nitf_take(nitf);
    }
    return event;
}

/* ---- what it amounts to ---- */

static struct sl_ref first_of(struct sl_ref a, struct sl_ref b) { return a.len != 0 ? a : b; }

static void say_provider(struct sl_nitf *nitf)
{
    struct sl_ref provider = first_of(nitf->provider, first_of(nitf->source, nitf->distributor));
    sl_standing_say(nitf->out, SL_TEXT_PROVIDER, first_of(provider, nitf->holder));
}

static void say_times(struct sl_nitf *nitf)
{
    struct sl_story *story = nitf->story;
    struct sl_bulletin *root = sl_out_root(nitf->out);
    if (!nitf->is_embedded) {
        const char *zone = sl_standing_zone(sl_span_of(sl_out_get(nitf->out, SL_TEXT_PROVIDER)));
        story->zone = sl_parse_zone(nitf->parse, zone);
    }
    if (root->version_created == SL_TIME_NONE)
        sl_standing_created(story, nitf->date_issue);
    if (root->version_created == SL_TIME_NONE)
        sl_standing_created(story, nitf->story_date);
    if (root->expires == SL_TIME_NONE)
        sl_standing_time(story, nitf->date_expire, &root->expires, SL_BULLETIN_ZONE_ASSUMED_EXPIRES);
}

/* "14.1": generation and version of the document's key. */
static void say_version(struct sl_nitf *nitf)
{
    struct sl_out *out = nitf->out;
    struct sl_bulletin *root = sl_out_root(out);
    struct sl_span parts[] = { nitf->generation, nitf->version };
    uint32_t part = (uint32_t)sl_story_number(sl_span_head(nitf->series_part, sl_span_digits(nitf->series_part)));
    if (root->take_no == 0 && nitf->series_part.len < 9)
        root->take_no = part;
    if (nitf->is_embedded)
        return;
    sl_out_open(out);
    for (unsigned i = 0; i < 2; i++) {
        if (i == 1 && parts[0].len != 0 && parts[1].len != 0)
            sl_out_putc(out, '.');
        sl_text_put(out, nitf->xml->charset, parts[i].data, parts[i].len, &nitf->parse->text);
    }
    sl_text_fold(out, 0);
    sl_standing_say(out, SL_TEXT_VERSION, sl_out_close(out));
}

/* A headline that is missing may stand in the title, behind the number of the take: "1 SOCCER Teams". */
static void say_headline(struct sl_nitf *nitf)
{
    struct sl_slice title = sl_bulletin_ref(sl_out_root(nitf->out), nitf->title);
    struct sl_span part = nitf->series_part;
    struct sl_ref headline = nitf->title;
    if (part.len != 0 && title.len > part.len + 1 && memcmp(title.data, part.data, part.len) == 0 &&
        title.data[part.len] == ' ') {
        headline.off += part.len + 1;
        headline.len -= part.len + 1;
    }
    sl_standing_say(nitf->out, SL_TEXT_HEADLINE, headline);
}

/* The document's key; its one keyword; or a title that is none of a headline's words. */
static void say_slugline(struct sl_nitf *nitf)
{
    struct sl_slice title = sl_bulletin_ref(sl_out_root(nitf->out), nitf->title);
    sl_standing_say(nitf->out, SL_TEXT_SLUGLINE, nitf->du_key);
    if (nitf->keyword_cnt == 1)
        sl_standing_say(nitf->out, SL_TEXT_SLUGLINE, nitf->keyword);
    if (title.len != 0 && !memchr(title.data, ' ', title.len))
        sl_standing_say(nitf->out, SL_TEXT_SLUGLINE, nitf->title);
}

static void say_notes(struct sl_nitf *nitf)
{
    struct sl_out *out = nitf->out;
    for (uint32_t i = 0; i < nitf->note_cnt; i++)
        sl_standing_note(nitf->story, sl_span_of(sl_bulletin_ref(sl_out_root(out), nitf->note[i])));
    if (nitf->note_cnt == 1) {
        sl_standing_say(out, SL_TEXT_EDNOTE, nitf->note[0]);
        return;
    }
    sl_out_open(out);
    for (uint32_t i = 0, len = 0; i < nitf->note_cnt && len + nitf->note[i].len <= NOTES_JOINED; i++) {
        len += nitf->note[i].len + 1;
        struct sl_slice note = sl_bulletin_ref(sl_out_root(out), nitf->note[i]);
        if (i != 0)
            sl_out_putc(out, '\n');
        sl_out_put(out, note.data, note.len);
    }
    sl_standing_say(out, SL_TEXT_EDNOTE, sl_out_close(out));
}

static void refer(struct sl_nitf *nitf, const char *what, const struct sl_xml_attr *attr)
{
    if (attr->value.len == 0)
        return;
    sl_story_say_reference(nitf->story, what, sl_xml_value_line(nitf->xml, nitf->out, attr));
}

/* Canceled and naming another document is a kill of that one; usable and naming one replaces it. */
static void say_status(struct sl_nitf *nitf)
{
    struct sl_bulletin *root = sl_out_root(nitf->out);
    struct sl_story *story = nitf->story;
    bool is_canceled = sl_span_is(nitf->status, "canceled") || sl_span_is(nitf->status, "cancelled") ||
                       sl_span_is(nitf->status, "killed");
    if (is_canceled)
        sl_standing_code(story, "kill");
    else if (sl_span_is(nitf->status, "withheld"))
        sl_standing_code(story, "withhold");
    else if (sl_span_is(nitf->status, "usable") && root->pubstatus == SL_PUB_UNKNOWN)
        root->pubstatus = SL_PUB_USABLE;
    if (nitf->refers.value.len != 0 && !is_canceled)
        sl_standing_code(story, "update");
    refer(nitf, is_canceled ? "kill" : "replace", &nitf->refers);
    refer(nitf, "correction", &nitf->corrects);
}

static bool is_embargoed(const struct sl_nitf *nitf)
{
    return sl_span_is(nitf->status, "embargoed") || sl_span_is(nitf->status, "embargo");
}

/* Released later than issued is an embargo, as is a status that says so, whatever the date. */
static void weigh_release(struct sl_nitf *nitf)
{
    struct sl_story *story = nitf->story;
    struct sl_span release = nitf->date_release;
    enum sl_date_zone given;
    int64_t release_ns;
    if (!sl_standing_date(story, release, &release_ns, &given)) {
        /* What cannot be read is a date all the same, if it looks like a year. */
        if (sl_span_starts(release, "20") || sl_span_starts(release, "19"))
            sl_standing_hold_open(story);
    } else if (is_embargoed(nitf) || release_ns > story->time_ns) {
        sl_standing_hold(story, release_ns, given);
    }
}

static void say_identity(struct sl_nitf *nitf)
{
    struct sl_out *out = nitf->out;
    if (nitf->is_embedded || sl_out_get(out, SL_TEXT_ID).len != 0)
        return;
    struct sl_slice words = sl_out_get(out, SL_TEXT_HEADLINE);
    if (words.len == 0)
        words = sl_out_get(out, SL_TEXT_SLUGLINE);
    sl_standing_make_id(nitf->story, words.len != 0 ? words : sl_out_get(out, SL_TEXT_BODY));
}

void sl_nitf_finish(struct sl_nitf *nitf)
{
    struct sl_story *story = nitf->story;
    say_provider(nitf);
    say_times(nitf);
    say_version(nitf);
    say_headline(nitf);
    say_slugline(nitf);
    sl_standing_dateline(story);
    sl_nitf_say_found(nitf);
    say_status(nitf);
    sl_standing_headline(story, sl_span_of(sl_out_get(nitf->out, SL_TEXT_HEADLINE)));
    sl_standing_headline(story, sl_span_of(sl_out_get(nitf->out, SL_TEXT_TAKE)));
    weigh_release(nitf);
    say_notes(nitf);
    if (is_embargoed(nitf) && story->embargo != SL_EMBARGO_UNTIL)
        sl_standing_hold_open(story);
    sl_standing_refer(story, sl_span_of(sl_out_get(nitf->out, SL_TEXT_EDNOTE)));
    say_identity(nitf);
}

bool sl_nitf_read_string(struct sl_parse *parse, struct sl_story *story, struct sl_span string)
{
    struct sl_nitf nitf;
    uint32_t used = parse->scratch.used;
    struct sl_xml *xml = sl_xml_take(parse);
    bool is_whole = false;
    if (xml) {
        sl_xml_begin(xml, parse, string, &names, SL_CHARSET_UTF8);
        sl_nitf_begin(&nitf, xml, story, true);
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_START)
            event = sl_nitf_read(&nitf);
        is_whole = event == SL_XML_END && sl_xml_next(xml) == SL_XML_DONE;
        sl_nitf_finish(&nitf);
    }
    parse->scratch.used = used;
    return is_whole;
}

/* ---- the format ---- */

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_nitf nitf;
    struct sl_story story = { .parse = parse, .out = &parse->out, .time_ns = parse->arrival_ns };
    if (parse->cursor != 0)
        return SL_PARSE_END;
    parse->cursor = 1;
    struct sl_xml *xml = sl_xml_take(parse);
    if (!xml)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "scratch memory for the XML scanner");
    sl_xml_begin(xml, parse, (struct sl_span){ parse->data, parse->len }, &names, parse->feed->charset);
    story.charset = SL_CHARSET_UTF8; /* of what is said of it later: by then it is UTF-8 */
    if (sl_xml_next(xml) != SL_XML_START)
        return sl_xml_reject(xml);
    if (xml->id != SL_NITF_NITF)
        return sl_xml_refuse(xml, SL_PARSE_BAD_FRAME, "a nitf element");
    sl_nitf_begin(&nitf, xml, &story, false);
    if (sl_nitf_read(&nitf) != SL_XML_END || sl_xml_next(xml) != SL_XML_DONE)
        return sl_xml_reject(xml);
    sl_nitf_finish(&nitf);
    sl_xml_say_charset(xml, &parse->out);
    sl_story_say_evolved(&story);
    sl_story_weigh_test(&story);
    sl_story_say_kind(&story);
    return SL_PARSE_OK;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    static const struct sl_xml_root_score roots[] = {
        {"nitf", 95},
        { NULL,  0 },
    };
    return sl_xml_recognize(data, len, roots);
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    static const char attribute[] = "ed-urg=";
    const uint8_t *found = memmem(data, len < PEEK_LEN ? len : PEEK_LEN, attribute, sizeof(attribute) - 1);
    if (!found)
        return 0;
    struct sl_span value =
        sl_span_head((struct sl_span){ found, (uint32_t)(data + len - found) }, sizeof(attribute) + 1);
    uint8_t digit = value.len == sizeof(attribute) + 1 ? value.data[value.len - 1] : 0;
    return digit >= '1' && digit <= '9' ? (unsigned)(digit - '0') : 0;
}

const struct sl_format sl_format_nitf = {
    .id = SL_FORMAT_NITF,
    .name = "nitf",
    .source = "IPTC NITF 3.6 and before",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
