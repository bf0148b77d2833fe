/* parsers/rss.c - RSS 0.90 to 2.0, RSS 1.0 (RDF), and WordPress exports: a bulletin for each item.
 *
 *     rss / channel / title, link, language, item ...         2.0 and 0.9x
 *     rdf:RDF / channel, item, item                            1.0 and 0.90: items stand beside the channel
 *
 * Source    RSS 2.0 Specification (RSS Advisory Board), RSS 0.90 to 0.94, RSS 1.0 with the modules Dublin Core and
 *           content, Media RSS, GeoRSS, WordPress eXtended RSS 1.0 to 1.2.
 *
 *   - guid is the id, permalink or not; else the item's rdf:about, else its link; else one is made of its words.
 *   - content:encoded is the body, and then description is another one, in the role "summary"; else description is.
 *   - The provider is the host of the channel's link, the credit its title or the item's source.
 *   - Of a WordPress export, attachments, pages and menus are no stories; shortcodes are not text; drafts are held.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/feed.h"
#include "parsers/markup_xml.h"

#define CAPTION_MAX 4096u

#define RSS_NAMES(NAME)                                                                                                \
    NAME(RSS_ROOT, "rss")                                                                                              \
    NAME(RSS_RDF, "RDF")                                                                                               \
    NAME(RSS_CHANNEL, "channel")                                                                                       \
    NAME(RSS_ITEM, "item")                                                                                             \
    NAME(RSS_TITLE, "title")                                                                                           \
    NAME(RSS_LINK, "link")                                                                                             \
    NAME(RSS_DESCRIPTION, "description")                                                                               \
    NAME(RSS_ENCODED, "encoded")                                                                                       \
    NAME(RSS_GUID, "guid")                                                                                             \
    NAME(RSS_IDENTIFIER, "identifier")                                                                                 \
    NAME(RSS_PUB_DATE, "pubDate")                                                                                      \
    NAME(RSS_DATE, "date")                                                                                             \
    NAME(RSS_MODIFIED, "modified")                                                                                     \
    NAME(RSS_UPDATED, "updated")                                                                                       \
    NAME(RSS_CREATED, "created")                                                                                       \
    NAME(RSS_ISSUED, "issued")                                                                                         \
    NAME(RSS_EXPIRES, "expirationDate")                                                                                \
    NAME(RSS_AUTHOR, "author")                                                                                         \
    NAME(RSS_CREATOR, "creator")                                                                                       \
    NAME(RSS_CATEGORY, "category")                                                                                     \
    NAME(RSS_SUBJECT, "subject")                                                                                       \
    NAME(RSS_KEYWORDS, "keywords")                                                                                     \
    NAME(RSS_LANGUAGE, "language")                                                                                     \
    NAME(RSS_COPYRIGHT, "copyright")                                                                                   \
    NAME(RSS_RIGHTS, "rights")                                                                                         \
    NAME(RSS_SOURCE, "source")                                                                                         \
    NAME(RSS_ENCLOSURE, "enclosure")                                                                                   \
    NAME(RSS_CONTENT, "content")                                                                                       \
    NAME(RSS_GROUP, "group")                                                                                           \
    NAME(RSS_POINT, "point")                                                                                           \
    NAME(RSS_WHERE, "where")                                                                                           \
    NAME(RSS_GML_POINT, "Point")                                                                                       \
    NAME(RSS_POS, "pos")                                                                                               \
    NAME(RSS_LAT, "lat")                                                                                               \
    NAME(RSS_LONG, "long")                                                                                             \
    NAME(RSS_POST_TYPE, "post_type")                                                                                   \
    NAME(RSS_STATUS, "status")
enum { RSS_OTHER, RSS_NAMES(SL_XML_ENUM) };
SL_XML_NAMES(rss_names, RSS_NAMES);

struct reader {
    struct sl_parse *parse;
    struct sl_feed *feed;
    struct sl_xml *xml;
    struct sl_feed_item item;
    bool is_story;
};

/* ---- which element is it? ---- */

/* The vocabulary an element belongs to; a prefix that nobody declared is taken by its name. */
static enum sl_xml_ns vocabulary(const struct sl_xml *xml)
{
    static const struct {
        const char *prefix;
        enum sl_xml_ns ns;
    } prefixes[] = {
        {"dc",       SL_XML_NS_DC         },
        { "dcterms", SL_XML_NS_DC_TERMS   },
        { "content", SL_XML_NS_RSS_CONTENT},
        { "media",   SL_XML_NS_RSS_MEDIA  },
        { "georss",  SL_XML_NS_GEORSS     },
        { "wp",      SL_XML_NS_WORDPRESS  },
        { "atom",    SL_XML_NS_ATOM       },
    };
    uint32_t prefix_len = sl_xml_name(xml).len - sl_xml_local(xml).len;
    /* Those without a prefix are RSS's own, whatever namespace its version had. */
    if (prefix_len == 0)
        return SL_XML_NS_NONE;
    struct sl_span prefix = sl_span_head(sl_xml_name(xml), prefix_len - 1);
    for (size_t i = 0; sl_xml_ns(xml) == SL_XML_NS_UNDECLARED && i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        if (sl_span_is(prefix, prefixes[i].prefix))
            return prefixes[i].ns;
    }
    return sl_xml_ns(xml) == SL_XML_NS_RSS1 ? SL_XML_NS_NONE : (enum sl_xml_ns)sl_xml_ns(xml);
}

/* ---- parts of an item ---- */

static enum sl_xml_event take(struct reader *reader, struct sl_span *text)
{
    return sl_feed_take(reader->parse, reader->xml, text, &reader->item.is_mended);
}

/* The first one counts; of others the text is passed over. */
static enum sl_xml_event take_first(struct reader *reader, struct sl_span *text)
{
    return text->len != 0 ? sl_xml_skip(reader->xml) : take(reader, text);
}

static enum sl_xml_event take_category(struct reader *reader, bool is_list)
{
    static const struct sl_ref none;
    struct sl_out *out = &reader->parse->out;
    struct sl_span scheme = sl_feed_value(reader->parse, reader->xml, "domain"), words;
    bool is_known = scheme.len != 0 && !sl_span_is(scheme, "post_tag") && !sl_span_is(scheme, "category");
    enum sl_xml_event event = take(reader, &words);
    while (words.len != 0) {
        const uint8_t *comma = is_list ? memchr(words.data, ',', words.len) : NULL;
        struct sl_ref word =
            sl_feed_put_line(reader->parse, sl_span_head(words, comma ? (uint32_t)(comma - words.data) : words.len));
        if (word.len != 0)
            sl_out_item(out, SL_LIST_KEYWORDS, word, none, none, none);
        if (word.len != 0 && is_known)
            sl_out_item(out, SL_LIST_SUBJECTS, sl_feed_put(reader->parse, scheme), word, word, none);
        words = comma ? sl_span_skip(words, (uint32_t)(comma - words.data) + 1) : sl_span_skip(words, words.len);
    }
    return event;
}

static void say_media(struct reader *reader, const char *rel)
{
    static const struct sl_span nothing;
    struct sl_span url = sl_feed_value(reader->parse, reader->xml, "url");
    sl_feed_association(reader->parse, rel, nothing, url, sl_feed_value(reader->parse, reader->xml, "type"));
}

/* "45.256 -71.92" */
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

/* What WordPress says of a post's state.  Those that inherit it from another, and those that are out, are usable. */
static void read_status(struct sl_feed_item *item, struct sl_span status)
{
    static const struct {
        const char *status;
        enum sl_kind kind;
        enum sl_signal signal;
    } states[] = {
        {"draft",       SL_KIND_HOLD, SL_SIGNAL_HOLD},
        { "auto-draft", SL_KIND_HOLD, SL_SIGNAL_HOLD},
        { "pending",    SL_KIND_HOLD, SL_SIGNAL_HOLD},
        { "private",    SL_KIND_HOLD, SL_SIGNAL_HOLD},
        { "trash",      SL_KIND_KILL, SL_SIGNAL_KILL},
    };
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
        if (sl_span_is(status, states[i].status)) {
            item->kind = states[i].kind;
            item->signal = states[i].signal;
        }
    }
    item->is_future = sl_span_is(status, "future");
}

static enum sl_xml_event take_wordpress(struct reader *reader)
{
    struct sl_span text;
    unsigned id = reader->xml->id;
    if (id != RSS_POST_TYPE && id != RSS_STATUS)
        return sl_xml_skip(reader->xml);
    enum sl_xml_event event = take(reader, &text);
    if (id == RSS_STATUS)
        read_status(&reader->item, text);
    else if (sl_span_is(text, "attachment") || sl_span_is(text, "page") || sl_span_is(text, "nav_menu_item") ||
             sl_span_is(text, "revision"))
        reader->is_story = false;
    return event;
}

/* Elements of RSS itself, and what Dublin Core says the same with. */
static enum sl_xml_event take_core(struct reader *reader)
{
    struct sl_feed_item *item = &reader->item;
    switch (reader->xml->id) {
    case RSS_TITLE:
        return take_first(reader, &item->title);
    case RSS_LINK:
        return take_first(reader, &item->link);
    case RSS_DESCRIPTION:
        return take_first(reader, &item->summary);
    case RSS_GUID:
        item->id = (struct sl_span){ NULL, 0 }; /* stronger than rdf:about */
        return take(reader, &item->id);
    case RSS_IDENTIFIER:
        return take_first(reader, &item->id);
    case RSS_PUB_DATE:
    case RSS_DATE:
    case RSS_CREATED:
    case RSS_ISSUED:
        return take_first(reader, &item->published);
    case RSS_MODIFIED:
    case RSS_UPDATED:
        return take_first(reader, &item->updated);
    case RSS_EXPIRES:
        return take_first(reader, &item->expires);
    case RSS_CREATOR:
        item->author = (struct sl_span){ NULL, 0 }; /* a name, where author is an address */
        return take(reader, &item->author);
    case RSS_AUTHOR:
        return take_first(reader, &item->author);
    case RSS_CATEGORY:
    case RSS_SUBJECT:
        return take_category(reader, false);
    case RSS_LANGUAGE:
        return take_first(reader, &item->language);
    case RSS_COPYRIGHT:
    case RSS_RIGHTS:
        return take_first(reader, &item->rights);
    case RSS_SOURCE:
        return take_first(reader, &item->source);
    case RSS_ENCLOSURE:
        say_media(reader, "enclosure");
        return sl_xml_skip(reader->xml);
    default:
        return sl_xml_skip(reader->xml);
    }
}

static enum sl_xml_event take_part(struct reader *reader)
{
    struct sl_xml *xml = reader->xml;
    switch (vocabulary(xml)) {
    case SL_XML_NS_NONE:
    case SL_XML_NS_DC:
    case SL_XML_NS_DC_TERMS:
        return take_core(reader);
    case SL_XML_NS_RSS_CONTENT:
        return xml->id == RSS_ENCODED ? take_first(reader, &reader->item.content) : sl_xml_skip(xml);
    case SL_XML_NS_RSS_MEDIA:
        if (xml->id == RSS_KEYWORDS)
            return take_category(reader, true);
        if (xml->id == RSS_CONTENT)
            say_media(reader, "media");
        /* Its parts come in turn; a group is nothing by itself. */
        return xml->id == RSS_GROUP || xml->id == RSS_CONTENT ? SL_XML_START : sl_xml_skip(xml);
    case SL_XML_NS_ATOM:
        return xml->id == RSS_UPDATED ? take_first(reader, &reader->item.updated) : sl_xml_skip(xml);
    case SL_XML_NS_WORDPRESS:
        return take_wordpress(reader);
    default:
        break;
    }
    if (xml->id == RSS_POINT || xml->id == RSS_POS)
        return take_point(reader);
    if (xml->id == RSS_LAT || xml->id == RSS_LONG) {
        reader->item.has_place = true;
        return take(reader, xml->id == RSS_LAT ? &reader->item.latitude : &reader->item.longitude);
    }
    return xml->id == RSS_WHERE || xml->id == RSS_GML_POINT ? SL_XML_START : sl_xml_skip(xml);
}

/* ---- shortcodes ---- */

static bool is_shortcode_name(struct sl_span name)
{
    static const char *const names[] = { "caption", "wp_caption", "gallery", "audio", "video", "embed", "playlist" };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (sl_span_is(name, names[i]))
            return true;
    }
    return false;
}

/* "[gallery ids=\"1,2\"]", "[/anything]", "[name key=...]": its length, 0 for none.  Bare words in brackets are text
 * unless WordPress itself knows them. */
static uint32_t shortcode_len(struct sl_span at)
{
    const uint8_t *end = memchr(at.data, ']', at.len < 512 ? at.len : 512);
    bool is_close = at.len > 2 && at.data[1] == '/';
    uint32_t start = is_close ? 2 : 1, len = start;
    if (!end)
        return 0;
    uint32_t whole = (uint32_t)(end - at.data) + 1;
    while (len + 1 < whole &&
           ((at.data[len] >= 'a' && at.data[len] <= 'z') || at.data[len] == '_' || at.data[len] == '-'))
        len++;
    struct sl_span name = { at.data + start, len - start }, rest = sl_span_head(sl_span_skip(at, len), whole - len);
    if (name.len == 0)
        return 0;
    bool has_keys = rest.data[0] == ' ' && memchr(rest.data, '=', rest.len);
    return has_keys || ((is_close || is_shortcode_name(name)) && memchr(" ]/", rest.data[0], 3)) ? whole : 0;
}

/* Behind the opening shortcode of a picture: its words, and the closing one. */
static uint32_t caption_len(struct sl_span at, uint32_t open_len)
{
    static const char close[] = "[/caption]";
    struct sl_span inside = sl_span_head(sl_span_skip(at, open_len), CAPTION_MAX);
    if (!sl_span_starts(at, "[caption "))
        return 0;
    const uint8_t *end = memmem(inside.data, inside.len, close, sizeof(close) - 1);
    return end ? (uint32_t)(end - inside.data) + (uint32_t)sizeof(close) - 1 : 0;
}

static struct sl_span drop_shortcodes(struct sl_span taken)
{
    uint8_t *text = (uint8_t *)(uintptr_t)taken.data; /* in scratch */
    uint32_t from = 0, to = 0;
    while (from < taken.len) {
        const uint8_t *bracket = memchr(text + from, '[', taken.len - from);
        uint32_t run = bracket ? (uint32_t)(bracket - text) - from : taken.len - from;
        memmove(text + to, text + from, run);
        to += run;
        from += run;
        if (from == taken.len)
            break;
        uint32_t len = shortcode_len(sl_span_skip(taken, from));
        if (len == 0) {
            text[to++] = text[from++];
            continue;
        }
        from += len + caption_len(sl_span_skip(taken, from), len);
        text[to++] = '\n'; /* none is shorter than this, and what stands around it are paragraphs */
        text[to++] = '\n';
    }
    return (struct sl_span){ text, to };
}

/* ---- items and the channel ---- */

/* At an item's START: to its END. */
static enum sl_xml_event take_item(struct reader *reader)
{
    struct sl_xml *xml = reader->xml;
    struct sl_feed_item *item = &reader->item;
    uint32_t depth = xml->depth;
    const struct sl_xml_attr *about = sl_xml_attr_local(xml, "about");
    *item = (struct sl_feed_item){ .kind = 0 };
    reader->is_story = true;
    reader->parse->scratch.used = reader->feed->mark;
    if (about)
        item->id = sl_feed_value(reader->parse, xml, about->prefix_len != 0 ? "rdf:about" : "about");
    while (sl_xml_next(xml) != SL_XML_ERROR && !(xml->event == SL_XML_END && xml->depth == depth)) {
        if (xml->event == SL_XML_START && take_part(reader) == SL_XML_ERROR)
            break;
    }
    return xml->event;
}

static enum sl_xml_event take_channel_part(struct reader *reader)
{
    struct sl_feed *feed = reader->feed;
    struct sl_span *place = NULL;
    enum sl_xml_ns ns = vocabulary(reader->xml);
    if (ns == SL_XML_NS_NONE || ns == SL_XML_NS_DC)
        switch (reader->xml->id) {
        case RSS_TITLE:
            place = &feed->title;
            break;
        case RSS_LINK:
            place = &feed->link;
            break;
        case RSS_LANGUAGE:
            place = &feed->language;
            break;
        case RSS_COPYRIGHT:
        case RSS_RIGHTS:
            place = &feed->rights;
            break;
        }
    if (!place || place->len != 0)
        return sl_xml_skip(reader->xml);
    reader->parse->scratch.used = feed->mark;
    enum sl_xml_event event = take(reader, place);
    feed->mark = reader->parse->scratch.used;
    return event;
}

/* WordPress counts on a closing ]]> that it lost in a shortcode, never on markup, so this comes before HTML. */
static void say_item(struct reader *reader)
{
    reader->item.content = drop_shortcodes(reader->item.content);
    sl_feed_say(reader->parse, reader->feed, &reader->item);
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_feed *feed = sl_feed_begin(parse, &rss_names);
    if (!feed)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "a document that fits into scratch");
    struct reader reader = { .parse = parse, .feed = feed, .xml = feed->xml };
    struct sl_xml *xml = feed->xml;
    struct sl_out *out = &parse->out;
    uint32_t start = out->len;
    while (sl_xml_next(xml) != SL_XML_ERROR && xml->event != SL_XML_DONE) {
        if (xml->event != SL_XML_START)
            continue;
        if (xml->depth == 1 && xml->id != RSS_ROOT && xml->id != RSS_RDF)
            return sl_xml_refuse(xml, SL_PARSE_BAD_FRAME, "rss or rdf:RDF");
        if (xml->depth == 1 || xml->id == RSS_CHANNEL)
            continue;
        if (xml->id != RSS_ITEM) {
            if (sl_xml_above_id(xml, 1) == RSS_CHANNEL || sl_xml_above_id(xml, 1) == RSS_ROOT)
                take_channel_part(&reader);
            else
                sl_xml_skip(xml);
        } else if (take_item(&reader) == SL_XML_END && reader.is_story) {
            say_item(&reader);
            return SL_PARSE_OK;
        }
        if (xml->event == SL_XML_ERROR)
            break;
        out->len = start; /* what an item that is no story has said */
        out->item_cnt = 0;
    }
    return xml->event == SL_XML_ERROR ? sl_xml_reject(xml) : SL_PARSE_END;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    static const struct sl_xml_root_score roots[] = {
        {"rss",  95},
        { "RDF", 70},
        { NULL,  0 },
    };
    return sl_xml_recognize(data, len, roots);
}

const struct sl_format sl_format_rss = {
    .id = SL_FORMAT_RSS,
    .name = "rss",
    .source = "RSS 2.0, 1.0, 0.90 to 0.94; WordPress eXtended RSS",
    .recognize = recognize,
    .next = next,
};
