/* parsers/atom.c - Atom 1.0 and 0.3: a bulletin for each entry, and for each that was deleted.
 *
 *     feed / title, link, id, rights, entry / id, title, updated, summary, content ...
 *     entry alone
 *
 * Source    RFC 4287; RFC 5023 13.1.1 (app:draft), RFC 4685 (thr:in-reply-to), RFC 6721 (at:deleted-entry); Atom 0.3;
 *           GeoRSS; CAP 1.1 and 1.2 elements as weather services put them into entries; WENN's own.
 *
 *   - id is the id; updated and published are the times.  A deleted entry is a kill of the id it names.
 *   - Of text constructs, text stays as it is, html is read as HTML, xhtml as markup; whatever their prefixes.
 *   - References are resolved against xml:base, of the element, the entry or the feed.
 *   - An entry that holds a CAP alert, or fields of one, stays an entry: but an exercise or test is one, a cancelled
 *     alert is cancelled, and the alert's description is the text where there is no other.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/feed.h"
#include "parsers/markup_xml.h"

#define ATOM_NAMES(NAME)                                                                                               \
    NAME(ATOM_FEED, "feed")                                                                                            \
    NAME(ATOM_ENTRY, "entry")                                                                                          \
    NAME(ATOM_DELETED, "deleted-entry")                                                                                \
    NAME(ATOM_ID, "id")                                                                                                \
    NAME(ATOM_TITLE, "title")                                                                                          \
    NAME(ATOM_LINK, "link")                                                                                            \
    NAME(ATOM_UPDATED, "updated")                                                                                      \
    NAME(ATOM_MODIFIED, "modified")                                                                                    \
    NAME(ATOM_PUBLISHED, "published")                                                                                  \
    NAME(ATOM_ISSUED, "issued")                                                                                        \
    NAME(ATOM_CREATED, "created")                                                                                      \
    NAME(ATOM_AUTHOR, "author")                                                                                        \
    NAME(ATOM_NAME, "name")                                                                                            \
    NAME(ATOM_CATEGORY, "category")                                                                                    \
    NAME(ATOM_RIGHTS, "rights")                                                                                        \
    NAME(ATOM_COPYRIGHT, "copyright")                                                                                  \
    NAME(ATOM_SUMMARY, "summary")                                                                                      \
    NAME(ATOM_CONTENT, "content")                                                                                      \
    NAME(ATOM_SOURCE, "source")                                                                                        \
    NAME(ATOM_CONTROL, "control")                                                                                      \
    NAME(ATOM_DRAFT, "draft")                                                                                          \
    NAME(ATOM_REPLY, "in-reply-to")                                                                                    \
    NAME(ATOM_POINT, "point")                                                                                          \
    NAME(ATOM_WHERE, "where")                                                                                          \
    NAME(ATOM_GML_POINT, "Point")                                                                                      \
    NAME(ATOM_POS, "pos")                                                                                              \
    NAME(ATOM_GROUP, "group")                                                                                          \
    NAME(ATOM_ALERT, "alert")                                                                                          \
    NAME(ATOM_INFO, "info")                                                                                            \
    NAME(ATOM_CAP_STATUS, "status")                                                                                    \
    NAME(ATOM_CAP_TYPE, "msgType")                                                                                     \
    NAME(ATOM_CAP_EXPIRES, "expires")                                                                                  \
    NAME(ATOM_CAP_DESCRIPTION, "description")                                                                          \
    NAME(ATOM_WENN_NEWS, "NewsManagement")                                                                             \
    NAME(ATOM_WENN_CONTENT, "ContentMetadata")                                                                         \
    NAME(ATOM_WENN_ID, "original_article_id")                                                                          \
    NAME(ATOM_WENN_LINE, "first_line")                                                                                 \
    NAME(ATOM_WENN_TAGS, "tags")                                                                                       \
    NAME(ATOM_WENN_TAG, "tag")
enum { ATOM_OTHER, ATOM_NAMES(SL_XML_ENUM) };
SL_XML_NAMES(atom_names, ATOM_NAMES);

struct reader {
    struct sl_parse *parse;
    struct sl_feed *feed;
    struct sl_xml *xml;
    struct sl_feed_item item;
    struct sl_span base;
    bool is_exercise, is_test, is_cancel, is_update, is_deleted;
};

static const struct sl_span nothing;

/* ---- text constructs ---- */

enum form { FORM_TEXT, FORM_HTML, FORM_XML, FORM_NOT };

/* type is text, html, xhtml or a media type; Atom 0.3 says with mode how it is written. */
static enum form form_of(const struct sl_xml *xml, bool is_content)
{
    struct sl_span type = sl_xml_value(xml, "type"), mode = sl_xml_value(xml, "mode");
    if (sl_span_is(mode, "base64"))
        return FORM_NOT;
    if (sl_span_is(type, "xhtml") || sl_span_is(mode, "xml"))
        return FORM_XML;
    if (sl_span_is(type, "html") || sl_span_is(type, "text/html") || sl_span_is(mode, "escaped"))
        return FORM_HTML;
    if (!is_content || type.len == 0 || sl_span_is(type, "text") || sl_span_is(type, "text/plain"))
        return FORM_TEXT;
    bool is_xml = sl_span_is(type, "text/xml") || sl_span_is(type, "application/xml") ||
                  (type.len > 4 && sl_span_is(sl_span_skip(type, type.len - 4), "+xml"));
    return is_xml ? FORM_XML : FORM_NOT;
}

static enum sl_xml_event take(struct reader *reader, struct sl_span *text)
{
    return sl_feed_take(reader->parse, reader->xml, text, &reader->item.is_mended);
}

static enum sl_xml_event take_first(struct reader *reader, struct sl_span *text)
{
    return text->len != 0 ? sl_xml_skip(reader->xml) : take(reader, text);
}

static struct sl_span base_here(struct reader *reader)
{
    struct sl_span base = sl_feed_value(reader->parse, reader->xml, "xml:base");
    return base.len != 0 ? sl_feed_resolve(reader->parse, reader->base, base) : reader->base;
}

/* Where "lives" a content with src: elsewhere. */
static enum sl_xml_event take_content(struct reader *reader)
{
    struct sl_xml *xml = reader->xml;
    struct sl_feed_item *item = &reader->item;
    struct sl_span src = sl_feed_value(reader->parse, xml, "src");
    struct sl_span language = sl_feed_value(reader->parse, xml, "xml:lang");
    enum form form = form_of(xml, true);
    if (language.len != 0)
        item->language = language;
    if (src.len != 0)
        sl_feed_association(reader->parse, "content", nothing, sl_feed_resolve(reader->parse, base_here(reader), src),
                            sl_feed_value(reader->parse, xml, "type"));
    if (src.len != 0 || form == FORM_NOT || item->content.len != 0 || item->body.len != 0)
        return sl_xml_skip(xml);
    if (form != FORM_XML) {
        item->is_text = form == FORM_TEXT;
        return take(reader, &item->content);
    }
    if (!sl_span_is(sl_xml_value(xml, "type"), "xhtml") && sl_xml_value(xml, "mode").len == 0)
        return SL_XML_START; /* some XML: what we know of it comes in turn */
    return sl_feed_put_inline(reader->parse, xml, &item->body);
}

static enum sl_xml_event take_summary(struct reader *reader)
{
    struct sl_feed_item *item = &reader->item;
    if (form_of(reader->xml, false) == FORM_TEXT && item->content.len == 0)
        item->is_text = true;
    return take_first(reader, &item->summary);
}

/* ---- parts of an entry ---- */

static enum sl_xml_event take_link(struct reader *reader)
{
    struct sl_xml *xml = reader->xml;
    struct sl_span rel = sl_feed_value(reader->parse, xml, "rel"), href = sl_feed_value(reader->parse, xml, "href");
    href = sl_feed_resolve(reader->parse, base_here(reader), href);
    char name[16] = "alternate";
    if (rel.len != 0 && rel.len < sizeof(name)) {
        memcpy(name, rel.data, rel.len);
        name[rel.len] = '\0';
    }
    bool is_plain = sl_text_prefix((const uint8_t *)name, (uint32_t)strlen(name)) == strlen(name);
    if (rel.len == 0 || sl_span_is(rel, "alternate")) {
        if (reader->item.link.len == 0)
            reader->item.link = href;
    } else if (is_plain && !sl_span_is(rel, "self") && !sl_span_is(rel, "edit")) {
        sl_feed_association(reader->parse, name, nothing, href, sl_feed_value(reader->parse, xml, "type"));
    }
    return sl_xml_skip(xml);
}

static enum sl_xml_event take_category(struct reader *reader)
{
    static const struct sl_ref none;
    struct sl_parse *parse = reader->parse;
    struct sl_ref term = sl_feed_put(parse, sl_feed_value(parse, reader->xml, "term"));
    struct sl_ref label = sl_feed_put(parse, sl_feed_value(parse, reader->xml, "label"));
    struct sl_ref scheme = sl_feed_put(parse, sl_feed_value(parse, reader->xml, "scheme"));
    struct sl_ref word = label.len != 0 ? label : term;
    if (word.len != 0)
        sl_out_item(&parse->out, SL_LIST_KEYWORDS, word, none, none, none);
    if (term.len != 0 && scheme.len != 0)
        sl_out_item(&parse->out, SL_LIST_SUBJECTS, scheme, term, word, none);
    return sl_xml_skip(reader->xml);
}

static enum sl_xml_event take_tag(struct reader *reader)
{
    static const struct sl_ref none;
    struct sl_ref word = sl_feed_put(reader->parse, sl_feed_value(reader->parse, reader->xml, "value"));
    if (word.len != 0)
        sl_out_item(&reader->parse->out, SL_LIST_KEYWORDS, word, none, none, none);
    return sl_xml_skip(reader->xml);
}

static void say_reference(struct reader *reader, const char *what, struct sl_span id)
{
    static const struct sl_ref none;
    struct sl_out *out = &reader->parse->out;
    struct sl_ref ref = sl_feed_put(reader->parse, id);
    if (ref.len != 0)
        sl_out_item(out, SL_LIST_REFERENCES, sl_out_ref(out, what, (uint32_t)strlen(what)), ref, none, none);
}

static enum sl_xml_event take_point(struct reader *reader)
{
    struct sl_span text, rest;
    enum sl_xml_event event = take(reader, &text);
    reader->item.latitude = sl_span_word(text);
    rest = sl_span_skip_white(sl_span_skip(text, reader->item.latitude.len));
    reader->item.longitude = sl_span_word(rest);
    reader->item.has_place = true;
    return event;
}

/* Of an alert, whether its elements stand in the entry or in an alert of their own. */
static enum sl_xml_event take_alert_part(struct reader *reader)
{
    struct sl_span text;
    unsigned id = reader->xml->id;
    if (id == ATOM_CAP_EXPIRES)
        return take_first(reader, &reader->item.expires);
    if (id == ATOM_CAP_DESCRIPTION)
        return reader->item.content.len == 0 && reader->item.summary.len == 0 ? take(reader, &reader->item.content)
                                                                              : sl_xml_skip(reader->xml);
    enum sl_xml_event event = take(reader, &text);
    if (id == ATOM_CAP_STATUS) {
        reader->is_exercise |= sl_span_is(text, "exercise");
        reader->is_test |= sl_span_is(text, "test") || sl_span_is(text, "draft");
        bool is_out = sl_span_is(text, "canceled") || sl_span_is(text, "cancelled") || sl_span_is(text, "withdrawn") ||
                      sl_span_is(text, "killed");
        reader->item.kind = is_out ? SL_KIND_KILL : reader->item.kind;
        reader->item.signal = is_out ? SL_SIGNAL_KILL : reader->item.signal;
    }
    reader->is_cancel |= id == ATOM_CAP_TYPE && sl_span_is(text, "cancel");
    reader->is_update |= id == ATOM_CAP_TYPE && sl_span_is(text, "update");
    return event;
}

/* What the agency itself says goes before what its feed's software made. */
static enum sl_xml_event take_wenn(struct reader *reader, struct sl_span *place)
{
    *place = nothing;
    return take(reader, place);
}

static enum sl_xml_event take_other(struct reader *reader)
{
    struct sl_xml *xml = reader->xml;
    switch (xml->id) {
    case ATOM_REPLY:
        say_reference(reader, "reply", sl_feed_value(reader->parse, xml, "ref"));
        return sl_xml_skip(xml);
    case ATOM_POINT:
    case ATOM_POS:
        return take_point(reader);
    case ATOM_CAP_STATUS:
    case ATOM_CAP_TYPE:
    case ATOM_CAP_EXPIRES:
    case ATOM_CAP_DESCRIPTION:
        return take_alert_part(reader);
    case ATOM_WENN_ID:
        return take_wenn(reader, &reader->item.id);
    case ATOM_WENN_LINE:
        return take_first(reader, &reader->item.summary);
    case ATOM_WENN_TAG:
        return take_tag(reader);
    case ATOM_WHERE:
    case ATOM_GML_POINT:
    case ATOM_CONTROL:
    case ATOM_GROUP:
    case ATOM_ALERT:
    case ATOM_INFO:
    case ATOM_WENN_NEWS:
    case ATOM_WENN_CONTENT:
    case ATOM_WENN_TAGS:
        return SL_XML_START;
    case ATOM_CONTENT: /* Media RSS */
        sl_feed_association(reader->parse, "media", nothing, sl_feed_value(reader->parse, xml, "url"),
                            sl_feed_value(reader->parse, xml, "type"));
        return sl_xml_skip(xml);
    default:
        return sl_xml_skip(xml);
    }
}

static enum sl_xml_event take_draft(struct reader *reader)
{
    struct sl_span text;
    enum sl_xml_event event = take(reader, &text);
    if (sl_span_is(text, "yes")) {
        reader->item.kind = SL_KIND_HOLD;
        reader->item.signal = SL_SIGNAL_HOLD;
    }
    return event;
}

static enum sl_xml_event take_part(struct reader *reader)
{
    struct sl_xml *xml = reader->xml;
    struct sl_feed_item *item = &reader->item;
    unsigned parent = sl_xml_above_id(xml, 1);
    bool is_wenn = parent == ATOM_WENN_NEWS || parent == ATOM_WENN_CONTENT;
    if (xml->id == ATOM_DRAFT)
        return take_draft(reader);
    if (is_wenn && (xml->id == ATOM_UPDATED || xml->id == ATOM_PUBLISHED || xml->id == ATOM_TITLE))
        return take_wenn(reader, xml->id == ATOM_UPDATED     ? &item->updated
                                 : xml->id == ATOM_PUBLISHED ? &item->published
                                                             : &item->title);
    /* Atom's own are children of the entry, in its namespace or, where that was forgotten, in the entry's. */
    if (parent != ATOM_ENTRY || sl_xml_ns(xml) != sl_xml_above(xml, 1)->ns)
        return take_other(reader);
    switch (xml->id) {
    case ATOM_ID:
        return take_first(reader, &item->id);
    case ATOM_TITLE:
        item->is_title_text = form_of(xml, false) == FORM_TEXT;
        return take_first(reader, &item->title);
    case ATOM_UPDATED:
    case ATOM_MODIFIED:
        return take_first(reader, &item->updated);
    case ATOM_PUBLISHED:
    case ATOM_ISSUED:
    case ATOM_CREATED:
        return take_first(reader, &item->published);
    case ATOM_SUMMARY:
        return take_summary(reader);
    case ATOM_CONTENT:
        return take_content(reader);
    case ATOM_LINK:
        return take_link(reader);
    case ATOM_CATEGORY:
        return take_category(reader);
    case ATOM_RIGHTS:
    case ATOM_COPYRIGHT:
        return take_first(reader, &item->rights);
    case ATOM_AUTHOR:
    case ATOM_SOURCE:
        return SL_XML_START;
    default:
        return take_other(reader);
    }
}

/* ---- entries and the feed ---- */

static enum sl_xml_event take_entry(struct reader *reader)
{
    struct sl_xml *xml = reader->xml;
    struct sl_feed_item *item = &reader->item;
    uint32_t depth = xml->depth;
    reader->base = base_here(reader);
    item->language = sl_feed_value(reader->parse, xml, "xml:lang");
    while (sl_xml_next(xml) != SL_XML_ERROR && !(xml->event == SL_XML_END && xml->depth == depth)) {
        if (xml->event != SL_XML_START)
            continue;
        unsigned parent = sl_xml_above_id(xml, 1);
        if (xml->id == ATOM_NAME && parent == ATOM_AUTHOR)
            take_first(reader, &item->author);
        else if (xml->id == ATOM_TITLE && parent == ATOM_SOURCE)
            take_first(reader, &item->source);
        else if (parent == ATOM_AUTHOR || parent == ATOM_SOURCE)
            sl_xml_skip(xml);
        else
            take_part(reader);
        if (xml->event == SL_XML_ERROR)
            break;
    }
    return xml->event;
}

/* A tombstone: ref was deleted at when. */
static enum sl_xml_event take_deleted(struct reader *reader)
{
    struct sl_feed_item *item = &reader->item;
    item->id = sl_feed_value(reader->parse, reader->xml, "ref");
    item->updated = sl_feed_value(reader->parse, reader->xml, "when");
    item->kind = SL_KIND_KILL;
    item->signal = SL_SIGNAL_KILL;
    reader->is_deleted = true;
    return sl_xml_skip(reader->xml);
}

static void take_feed_link(struct reader *reader)
{
    struct sl_span rel = sl_feed_value(reader->parse, reader->xml, "rel");
    struct sl_span href = sl_feed_value(reader->parse, reader->xml, "href");
    bool is_alternate = rel.len == 0 || sl_span_is(rel, "alternate");
    /* The site itself, else where the feed was got. */
    if (is_alternate || (sl_span_is(rel, "self") && reader->feed->link.len == 0))
        reader->feed->link = sl_feed_resolve(reader->parse, reader->feed->base, href);
    sl_xml_skip(reader->xml);
}

static void take_feed_part(struct reader *reader)
{
    struct sl_feed *feed = reader->feed;
    struct sl_span *place = NULL;
    reader->parse->scratch.used = feed->mark;
    if (reader->xml->id == ATOM_LINK)
        take_feed_link(reader);
    else if (reader->xml->id == ATOM_TITLE)
        place = &feed->title;
    else if (reader->xml->id == ATOM_ID)
        place = &feed->id;
    else if (reader->xml->id == ATOM_RIGHTS || reader->xml->id == ATOM_COPYRIGHT)
        place = &feed->rights;
    if (place && place->len == 0)
        take(reader, place);
    else if (reader->xml->id != ATOM_LINK)
        sl_xml_skip(reader->xml);
    feed->mark = reader->parse->scratch.used;
}

static void begin_feed(struct reader *reader)
{
    struct sl_feed *feed = reader->feed;
    feed->base = sl_feed_value(reader->parse, reader->xml, "xml:base");
    feed->language = sl_feed_value(reader->parse, reader->xml, "xml:lang");
    feed->mark = reader->parse->scratch.used;
}

static void say_entry(struct reader *reader)
{
    struct sl_parse *parse = reader->parse;
    struct sl_bulletin *root = sl_out_root(&parse->out);
    if (reader->is_deleted)
        say_reference(reader, "kill", reader->item.id);
    sl_feed_say(parse, reader->feed, &reader->item);
    if (reader->is_deleted)
        sl_out_set(&parse->out, SL_TEXT_EVOLVED_FROM, root->text[SL_TEXT_ID]);
    if (reader->is_exercise || reader->is_test) {
        root->kind = SL_KIND_TEST;
        root->signal = reader->is_exercise ? SL_SIGNAL_EXERCISE : SL_SIGNAL_TEST;
    } else if (reader->is_cancel || reader->is_update) {
        root->kind = SL_KIND_UPDATE;
        root->signal = reader->is_cancel ? SL_SIGNAL_CANCEL : SL_SIGNAL_UPDATE;
    }
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_feed *feed = sl_feed_begin(parse, &atom_names);
    if (!feed)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "a document that fits into scratch");
    struct reader reader = { .parse = parse, .feed = feed, .xml = feed->xml, .base = feed->base };
    struct sl_xml *xml = feed->xml;
    while (sl_xml_next(xml) != SL_XML_ERROR && xml->event != SL_XML_DONE) {
        if (xml->event != SL_XML_START)
            continue;
        bool is_item = xml->id == ATOM_ENTRY || xml->id == ATOM_DELETED;
        if (xml->depth == 1 && xml->id != ATOM_FEED && xml->id != ATOM_ENTRY)
            return sl_xml_refuse(xml, SL_PARSE_BAD_FRAME, "feed or entry");
        if (xml->depth == 1 && !is_item) {
            begin_feed(&reader);
            reader.base = feed->base;
        } else if (is_item) {
            parse->scratch.used = feed->mark;
            if (xml->id == ATOM_ENTRY ? take_entry(&reader) == SL_XML_ERROR : take_deleted(&reader) == SL_XML_ERROR)
                break;
            say_entry(&reader);
            return SL_PARSE_OK;
        } else {
            take_feed_part(&reader);
        }
        if (xml->event == SL_XML_ERROR)
            break;
    }
    return xml->event == SL_XML_ERROR ? sl_xml_reject(xml) : SL_PARSE_END;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    static const struct sl_xml_root_score roots[] = {
        {"feed",   90},
        { "entry", 70},
        { NULL,    0 },
    };
    return sl_xml_recognize(data, len, roots);
}

const struct sl_format sl_format_atom = {
    .id = SL_FORMAT_ATOM,
    .name = "atom",
    .source = "RFC 4287, 4685, 5023, 6721; Atom 0.3",
    .recognize = recognize,
    .next = next,
};
