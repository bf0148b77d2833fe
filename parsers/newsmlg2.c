/* parsers/newsmlg2.c - NewsML-G2: a message with items, or an item alone, to a bulletin each.
 *
 *     <newsMessage> <header> sent, sender, priority </header>
 *                   <itemSet> newsItem | packageItem | conceptItem | planningItem ... </itemSet> </newsMessage>
 *
 *     item: guid, version; rightsInfo, itemMeta, contentMeta; contentSet or groupSet
 *
 * Elements are taken by their local names: agencies send wrong namespaces, prefixes on everything, and elements where
 * the schema has none.  Catalogs and schemas are never looked for.
 */
#include "parsers/newsmlg2.h"
#include <string.h>
#include "parsers/ascii.h"

#define PEEK_LEN     4096u
#define NOTES_JOINED 6000u /* bytes of notes that are said twice: alone, and joined */

SL_XML_NAMES(names, SL_G2_NAMES);

static bool is_item(unsigned id)
{
    return id == SL_G2_NEWS_ITEM || id == SL_G2_PACKAGE_ITEM || id == SL_G2_CONCEPT_ITEM || id == SL_G2_PLANNING_ITEM ||
           id == SL_G2_KNOWLEDGE_ITEM || id == SL_G2_CATALOG_ITEM;
}

/* ---- what an item amounts to ---- */

static void say_span(struct sl_g2 *g2, enum sl_text text, struct sl_span span)
{
    struct sl_out *out = g2->out;
    if (span.len == 0 || sl_out_get(out, text).len != 0)
        return;
    sl_out_open(out);
    sl_text_put_line(out, g2->xml->charset, span.data, span.len, &g2->parse->text);
    sl_out_set(out, text, sl_out_close(out));
}

static void say_header(struct sl_g2 *g2, const struct sl_g2_header *header)
{
    struct sl_bulletin *root = sl_out_root(g2->out);
    say_span(g2, SL_TEXT_PRIORITY_RAW, header->priority);
    say_span(g2, SL_TEXT_PROVIDER, header->sender);
    if (root->urgency == 0 && header->priority.len == 1 && header->priority.data[0] >= '1' &&
        header->priority.data[0] <= '9')
        root->urgency = (uint8_t)(header->priority.data[0] - '0');
}

static void say_times(struct sl_g2 *g2, const struct sl_g2_header *header)
{
    struct sl_story *story = &g2->story;
    struct sl_bulletin *root = sl_out_root(g2->out);
    struct sl_span dates[] = { g2->version_created, g2->content_created, header->sent };
    story->zone = sl_parse_zone(g2->parse, sl_standing_zone(sl_span_of(sl_out_get(g2->out, SL_TEXT_PROVIDER))));
    for (unsigned i = 0; i < 3 && root->version_created == SL_TIME_NONE; i++)
        sl_standing_created(story, dates[i]);
    sl_standing_time(story, g2->first_created, &root->first_created, SL_BULLETIN_ZONE_ASSUMED_FIRST);
}

/* An embargo without a time lasts until it is lifted: so the standard has it. */
static void weigh_embargo(struct sl_g2 *g2)
{
    enum sl_date_zone given;
    int64_t until_ns;
    if (!g2->has_embargo)
        return;
    if (sl_standing_date(&g2->story, g2->embargoed, &until_ns, &given))
        sl_standing_hold(&g2->story, until_ns, given);
    else
        sl_standing_hold_open(&g2->story);
}

static void say_notes(struct sl_g2 *g2)
{
    struct sl_out *out = g2->out;
    struct sl_bulletin *root = sl_out_root(out);
    uint32_t len = 0;
    for (uint32_t i = 0; i < g2->note_cnt; i++)
        sl_standing_note(&g2->story, sl_span_of(sl_bulletin_ref(root, g2->note[i])));
    if (g2->note_cnt == 1) {
        sl_standing_say(out, SL_TEXT_EDNOTE, g2->note[0]);
        return;
    }
    sl_out_open(out);
    for (uint32_t i = 0; i < g2->note_cnt && len + g2->note[i].len <= NOTES_JOINED; i++) {
        struct sl_slice note = sl_bulletin_ref(root, g2->note[i]);
        if (i != 0)
            sl_out_putc(out, '\n');
        sl_out_put(out, note.data, note.len);
        len += note.len + 1;
    }
    sl_standing_say(out, SL_TEXT_EDNOTE, sl_out_close(out));
}

/* Concepts and plans are no news: they are passed on as what they are, with what they say. */
static void say_other_items(struct sl_g2 *g2, unsigned id)
{
    if (id == SL_G2_NEWS_ITEM || id == SL_G2_PACKAGE_ITEM)
        return;
    sl_standing_code(&g2->story, "advisory");
    sl_standing_say(g2->out, SL_TEXT_BODY, g2->description);
}

/* A genre that is nothing but a label ("Korrektur", "EXTRA") is one. */
static void weigh_genre(struct sl_g2 *g2)
{
    struct sl_span genre = sl_span_of(sl_bulletin_ref(sl_out_root(g2->out), g2->genre));
    uint32_t off;
    if (genre.len == 0 || !sl_label_is_all(genre) || sl_span_find(genre, "test", &off))
        return;
    sl_standing_say(g2->out, SL_TEXT_TAKE, g2->genre);
    sl_story_note_label(&g2->story, genre);
}

static void say_identity(struct sl_g2 *g2)
{
    struct sl_out *out = g2->out;
    if (sl_out_get(out, SL_TEXT_ID).len != 0)
        return;
    struct sl_slice words = sl_out_get(out, SL_TEXT_HEADLINE);
    sl_standing_make_id(&g2->story, words.len != 0 ? words : sl_out_get(out, SL_TEXT_BODY));
}

static void finish_item(struct sl_g2 *g2, const struct sl_g2_header *header, unsigned id)
{
    struct sl_out *out = g2->out;
    say_header(g2, header);
    say_times(g2, header);
    say_span(g2, SL_TEXT_LANGUAGE, g2->language);
    sl_standing_say(out, SL_TEXT_COPYRIGHT, g2->copyright_holder);
    sl_standing_say(out, SL_TEXT_CREDIT, g2->info_source);
    weigh_embargo(g2);
    if (g2->has_nitf)
        sl_nitf_finish(&g2->nitf);
    sl_g2_finish_body(g2);
    sl_standing_headline(&g2->story, sl_span_of(sl_out_get(out, SL_TEXT_HEADLINE)));
    weigh_genre(g2);
    say_notes(g2);
    say_other_items(g2, id);
    sl_standing_refer(&g2->story, sl_span_of(sl_out_get(out, SL_TEXT_EDNOTE)));
    sl_story_say_evolved(&g2->story);
    say_identity(g2);
    sl_xml_say_charset(g2->xml, out);
    sl_story_weigh_test(&g2->story);
    sl_story_say_kind(&g2->story);
}

/* At START of an item: to its END. */
static enum sl_xml_event read_item(struct sl_g2 *g2, const struct sl_g2_header *header)
{
    struct sl_xml *xml = g2->xml;
    uint32_t depth = xml->depth;
    unsigned id = xml->id;
    enum sl_xml_event event = SL_XML_START;
    g2->language = sl_xml_value(xml, "xml:lang");
    sl_out_set(g2->out, SL_TEXT_ID, sl_xml_value_line(xml, g2->out, sl_xml_attr(xml, "guid")));
    sl_out_set(g2->out, SL_TEXT_VERSION, sl_xml_value_line(xml, g2->out, sl_xml_attr(xml, "version")));
    while (event != SL_XML_ERROR && event != SL_XML_DONE && !(event == SL_XML_END && xml->depth == depth)) {
        event = sl_xml_next_tag(xml);
        if (event == SL_XML_START)
            event = sl_g2_take(g2);
    }
    if (event == SL_XML_END)
        finish_item(g2, header, id);
    return event;
}

/* ---- the format ---- */

static struct sl_g2_header *header_of(const struct sl_parse *parse)
{
    return (struct sl_g2_header *)(void *)(parse->scratch.mem + ((sizeof(struct sl_xml) + 7) & ~7ul));
}

static enum sl_parse_code begin(struct sl_parse *parse)
{
    struct sl_xml *xml = sl_xml_take(parse);
    struct sl_g2_header *header = xml ? (struct sl_g2_header *)(void *)sl_scratch_take(parse, sizeof(*header)) : NULL;
    if (!header)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "scratch memory for the XML scanner");
    assert(header == header_of(parse));
    *header = (struct sl_g2_header){ .in_set = false };
    sl_xml_begin(xml, parse, (struct sl_span){ parse->data, parse->len }, &names, parse->feed->charset);
    if (sl_xml_next(xml) != SL_XML_START)
        return sl_xml_reject(xml);
    if (xml->id != SL_G2_NEWS_MESSAGE && !is_item(xml->id))
        return sl_xml_refuse(xml, SL_PARSE_BAD_FRAME, "a newsMessage or an item");
    return SL_PARSE_OK;
}

/* Something of the header, or between the items; to its END, or inside. */
static enum sl_xml_event take_header(struct sl_xml *xml, struct sl_g2_header *header)
{
    switch (xml->id) {
    case SL_G2_SENT:
        return sl_g2_span(xml, &header->sent);
    case SL_G2_SENDER:
        return sl_g2_span(xml, &header->sender);
    case SL_G2_PRIORITY:
        return sl_g2_span(xml, &header->priority);
    default:
        return SL_XML_START;
    }
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_g2 g2;
    if (parse->cursor == 0) {
        enum sl_parse_code code = begin(parse);
        if (code != SL_PARSE_OK)
            return code;
        parse->cursor = 1;
    }
    struct sl_xml *xml = sl_xml_taken(parse);
    struct sl_g2_header *header = header_of(parse);
    enum sl_xml_event event = xml->event == SL_XML_START ? SL_XML_START : sl_xml_next_tag(xml);
    for (; event != SL_XML_ERROR && event != SL_XML_DONE; event = sl_xml_next_tag(xml)) {
        if (event != SL_XML_START)
            continue;
        if (!is_item(xml->id)) {
            take_header(xml, header);
            continue;
        }
        memset(&g2, 0, offsetof(struct sl_g2, nitf));
        memset(&g2.has_nitf, 0, sizeof(g2) - offsetof(struct sl_g2, has_nitf));
        g2.parse = parse;
        g2.out = &parse->out;
        g2.xml = xml;
        g2.story = (struct sl_story){
            .parse = parse, .out = &parse->out, .charset = SL_CHARSET_UTF8, .time_ns = parse->arrival_ns
        };
        return read_item(&g2, header) == SL_XML_END ? SL_PARSE_OK : sl_xml_reject(xml);
    }
    return event == SL_XML_DONE ? SL_PARSE_END : sl_xml_reject(xml);
}

static int recognize(const uint8_t *data, uint32_t len)
{
    static const struct sl_xml_root_score roots[] = {
        {"newsMessage",    95},
        { "newsItem",      95},
        { "packageItem",   95},
        { "conceptItem",   95},
        { "knowledgeItem", 95},
        { "planningItem",  95},
        { "catalogItem",   95},
        { NULL,            0 },
    };
    return sl_xml_recognize(data, len, roots);
}

/* The digit in <urgency>, or in the header's <priority>. */
static unsigned peek_digit(struct sl_span text, const char *tag)
{
    const uint8_t *found = memmem(text.data, text.len, tag, strlen(tag));
    struct sl_span rest = found ? sl_span_skip(text, (uint32_t)(found - text.data) + (uint32_t)strlen(tag)) : text;
    rest = sl_span_skip_white(rest);
    return found && rest.len > 1 && rest.data[0] >= '1' && rest.data[0] <= '9' && !sl_is_digit(rest.data[1])
               ? (unsigned)(rest.data[0] - '0')
               : 0;
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    struct sl_span text = sl_span_head((struct sl_span){ data, len }, PEEK_LEN);
    unsigned urgency = peek_digit(text, "urgency>");
    return urgency != 0 ? urgency : peek_digit(text, "priority>");
}

const struct sl_format sl_format_newsmlg2 = {
    .id = SL_FORMAT_NEWSMLG2,
    .name = "newsmlg2",
    .source = "IPTC NewsML-G2 2.36 and before",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
