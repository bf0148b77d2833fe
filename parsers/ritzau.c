/* parsers/ritzau.c - Ritzau's news service: RBNews alone, or several in a queue's answer.
 *
 * Source    None is public: what the service answers with.
 *
 *   - Times have no zone and are Copenhagen's; codes of the IPTC are integers, which lost their leading zero.
 *   - content is HTML in a string; press releases escape it twice.
 *   - A story without a headline is known by its first words.
 *   - Annuleret is a kill, Korrektion a correction, NyVersion an update; replacedID names what they mean.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/feed.h"
#include "parsers/markup_xml.h"
#include "parsers/wording.h"

#define RITZAU_NAMES(NAME)                                                                                             \
    NAME(RITZAU_NEWS, "RBNews")                                                                                        \
    NAME(RITZAU_ID, "NewsID")                                                                                          \
    NAME(RITZAU_PUBLISHED, "PublishDate")                                                                              \
    NAME(RITZAU_STRAPLINE, "strapline")                                                                                \
    NAME(RITZAU_HEADLINE, "headline")                                                                                  \
    NAME(RITZAU_SUBTITLE, "subtitle")                                                                                  \
    NAME(RITZAU_TOWN, "town")                                                                                          \
    NAME(RITZAU_ORIGIN, "origin")                                                                                      \
    NAME(RITZAU_SECTION, "section")                                                                                    \
    NAME(RITZAU_SECTION_SHORT, "sectionShort")                                                                         \
    NAME(RITZAU_VERSION, "version")                                                                                    \
    NAME(RITZAU_FORMAT, "format")                                                                                      \
    NAME(RITZAU_CONTENT, "content")                                                                                    \
    NAME(RITZAU_HISTORY, "HistID")                                                                                     \
    NAME(RITZAU_PRIORITY, "Priority")                                                                                  \
    NAME(RITZAU_IPTC, "IPTCList")                                                                                      \
    NAME(RITZAU_ISIN, "ISIN")                                                                                          \
    NAME(RITZAU_KEYWORDS, "SubjectKeyword")                                                                            \
    NAME(RITZAU_INT, "int")                                                                                            \
    NAME(RITZAU_STRING, "string")                                                                                      \
    NAME(RITZAU_REPLACED, "replacedID")                                                                                \
    NAME(RITZAU_CANCELED, "Annuleret")                                                                                 \
    NAME(RITZAU_NEW_VERSION, "NyVersion")                                                                              \
    NAME(RITZAU_CORRECTION, "Korrektion")                                                                              \
    NAME(RITZAU_FLASH, "InfoFlash")                                                                                    \
    NAME(RITZAU_BYLINE, "byLine")                                                                                      \
    NAME(RITZAU_NOTE, "TilRedaktionen")
enum { RITZAU_OTHER, RITZAU_NAMES(SL_XML_ENUM) };
SL_XML_NAMES(ritzau_names, RITZAU_NAMES);

struct news {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_xml *xml;
    struct sl_span published, content, replaced, priority;
    bool is_canceled, is_correction, is_new_version, is_flash, is_mended;
};

static enum sl_xml_event take(struct news *news, struct sl_span *text)
{
    return sl_feed_take(news->parse, news->xml, text, &news->is_mended);
}

static void say_text(struct news *news, enum sl_text text)
{
    struct sl_span words;
    take(news, &words);
    sl_out_set(news->out, text, sl_feed_put_line(news->parse, words));
}

static bool take_flag(struct news *news)
{
    struct sl_span text;
    take(news, &text);
    return sl_span_is(text, "true") || sl_span_is(text, "1");
}

static void say_item(struct news *news, enum sl_list list, unsigned part)
{
    struct sl_ref parts[SL_ITEM_PARTS] = {
        {0, 0}
    };
    struct sl_span words;
    take(news, &words);
    parts[part] = sl_feed_put_line(news->parse, words);
    if (parts[part].len != 0)
        sl_out_item(news->out, list, parts[0], parts[1], parts[2], parts[3]);
}

/* Eight digits, as the IPTC writes them. */
static void say_iptc(struct news *news)
{
    static const struct sl_ref none;
    struct sl_out *out = news->out;
    struct sl_span code;
    take(news, &code);
    if (code.len == 0 || code.len > 8 || sl_span_digits(code) != code.len)
        return;
    sl_out_open(out);
    sl_out_put(out, "00000000", 8 - code.len);
    sl_out_put(out, code.data, code.len);
    struct sl_ref digits = sl_out_close(out);
    sl_out_item(out, SL_LIST_SUBJECTS, sl_out_ref(out, "subj", 4), digits, none, none);
}

static void say_isin(struct news *news)
{
    static const struct sl_ref none;
    struct sl_span words;
    take(news, &words);
    struct sl_ref symbol = sl_feed_put(news->parse, words);
    if (symbol.len != 0)
        sl_out_item(news->out, SL_LIST_SYMBOLS, none, sl_out_ref(news->out, "isin", 4), symbol, none);
}

static void take_list_part(struct news *news, unsigned parent)
{
    if (parent == RITZAU_IPTC)
        say_iptc(news);
    else if (parent == RITZAU_KEYWORDS)
        say_item(news, SL_LIST_KEYWORDS, 0);
    else if (parent == RITZAU_ISIN)
        say_isin(news);
    else
        sl_xml_skip(news->xml);
}

static void take_part(struct news *news)
{
    struct sl_span words;
    switch (news->xml->id) {
    case RITZAU_ID:
        say_text(news, SL_TEXT_ID);
        break;
    case RITZAU_PUBLISHED:
        take(news, &news->published);
        break;
    case RITZAU_STRAPLINE:
        say_text(news, SL_TEXT_SLUGLINE);
        break;
    case RITZAU_HEADLINE:
        say_text(news, SL_TEXT_HEADLINE);
        break;
    case RITZAU_SUBTITLE:
        say_item(news, SL_LIST_HEADLINES, 2);
        break;
    case RITZAU_TOWN:
        say_text(news, SL_TEXT_LOCATED);
        break;
    case RITZAU_ORIGIN:
        say_text(news, SL_TEXT_CREDIT);
        break;
    case RITZAU_SECTION:
        say_text(news, SL_TEXT_SERVICE);
        break;
    case RITZAU_SECTION_SHORT:
        say_item(news, SL_LIST_CATEGORIES, 0);
        break;
    case RITZAU_VERSION:
        say_text(news, SL_TEXT_VERSION);
        break;
    case RITZAU_CONTENT:
        take(news, &news->content);
        break;
    case RITZAU_HISTORY:
        say_item(news, SL_LIST_ALT_IDS, 1);
        break;
    case RITZAU_PRIORITY:
        take(news, &news->priority);
        break;
    case RITZAU_REPLACED:
        take(news, &news->replaced);
        break;
    case RITZAU_FORMAT:
        take(news, &words);
        news->is_flash |= sl_span_is(words, "flash");
        break;
    case RITZAU_FLASH:
        news->is_flash |= take_flag(news);
        break;
    case RITZAU_CANCELED:
        news->is_canceled = take_flag(news);
        break;
    case RITZAU_NEW_VERSION:
        news->is_new_version = take_flag(news);
        break;
    case RITZAU_CORRECTION:
        news->is_correction = take_flag(news);
        break;
    case RITZAU_BYLINE:
        say_text(news, SL_TEXT_BYLINE);
        break;
    case RITZAU_NOTE:
        say_text(news, SL_TEXT_EDNOTE);
        break;
    case RITZAU_IPTC:
    case RITZAU_ISIN:
    case RITZAU_KEYWORDS:
        break; /* their parts come in turn */
    default:
        sl_xml_skip(news->xml);
    }
}

static void say_kind(struct news *news)
{
    static const struct sl_ref none;
    struct sl_out *out = news->out;
    struct sl_bulletin *root = sl_out_root(out);
    const char *what = news->is_canceled ? "kill" : news->is_correction ? "correct" : "replace";
    if (news->is_canceled) {
        root->kind = SL_KIND_KILL;
        root->signal = SL_SIGNAL_KILL;
        root->pubstatus = SL_PUB_CANCELED;
    } else if (news->is_correction) {
        root->kind = SL_KIND_CORRECTION;
        root->signal = SL_SIGNAL_CORRECTION;
    } else if (news->is_new_version) {
        root->kind = SL_KIND_UPDATE;
        root->signal = SL_SIGNAL_UPDATE;
    } else if (news->is_flash) {
        root->signal = SL_SIGNAL_ALERT;
    }
    struct sl_ref replaced = sl_feed_put(news->parse, news->replaced);
    if (replaced.len == 0 && news->is_canceled)
        replaced = root->text[SL_TEXT_ID];
    if (replaced.len == 0)
        return;
    sl_out_item(out, SL_LIST_REFERENCES, sl_out_ref(out, what, (uint32_t)strlen(what)), replaced, none, none);
    sl_out_set(out, SL_TEXT_EVOLVED_FROM, replaced);
}

static enum sl_parse_code say_news(struct news *news)
{
    struct sl_out *out = news->out;
    struct sl_bulletin *root = sl_out_root(out);
    if (sl_out_get(out, SL_TEXT_ID).len == 0)
        return sl_xml_refuse(news->xml, SL_PARSE_BAD_HEADER, "NewsID");
    sl_feed_say_charset(news->parse, news->xml);
    sl_feed_say_local_time(news->parse, news->published, "Europe/Copenhagen");
    sl_out_text(out, SL_TEXT_PROVIDER, "ritzau", 6);
    sl_out_text(out, SL_TEXT_LANGUAGE, "da", 2);
    sl_out_set(out, SL_TEXT_DATELINE_PLACE, root->text[SL_TEXT_LOCATED]);
    sl_feed_undouble(news->parse, &news->content);
    sl_out_set(out, SL_TEXT_BODY, sl_feed_put_body(news->parse, &news->content, false));
    sl_feed_say_html(news->parse, news->content);
    sl_wording_first_words(out);
    sl_out_set(out, SL_TEXT_PRIORITY_RAW, sl_feed_put(news->parse, news->priority));
    if (news->priority.len == 1 && news->priority.data[0] >= '1' && news->priority.data[0] <= '9')
        root->urgency = (uint8_t)(news->priority.data[0] - '0');
    say_kind(news);
    if (news->is_mended)
        sl_out_note(out, "characters that were encoded twice are mended");
    return SL_PARSE_OK;
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_feed *feed = sl_feed_begin(parse, &ritzau_names);
    if (!feed)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "a document that fits into scratch");
    struct sl_xml *xml = feed->xml;
    struct news news = { .parse = parse, .out = &parse->out, .xml = xml };
    while (sl_xml_next(xml) != SL_XML_ERROR && xml->event != SL_XML_DONE) {
        if (xml->event == SL_XML_START && xml->id == RITZAU_NEWS)
            parse->scratch.used = feed->mark;
        else if (xml->event == SL_XML_END && xml->id == RITZAU_NEWS)
            return say_news(&news);
        else if (xml->event == SL_XML_START && (xml->id == RITZAU_INT || xml->id == RITZAU_STRING))
            take_list_part(&news, sl_xml_above_id(xml, 1));
        else if (xml->event == SL_XML_START && sl_xml_above_id(xml, 1) == RITZAU_NEWS)
            take_part(&news);
        if (xml->event == SL_XML_ERROR)
            break;
    }
    return xml->event == SL_XML_ERROR ? sl_xml_reject(xml) : SL_PARSE_END;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    static const struct sl_xml_root_score roots[] = {
        {"RBNews",                 97},
        { "XMLNewsQueuedResponse", 97},
        { NULL,                    0 },
    };
    return sl_xml_recognize(data, len, roots);
}

const struct sl_format sl_format_ritzau = {
    .id = SL_FORMAT_RITZAU,
    .name = "ritzau",
    .source = "none is public: Ritzau's news service, RBNews",
    .recognize = recognize,
    .next = next,
};
