/* parsers/newsml1_parts.c - NewsComponents inside each other: lines, metadata, content, by role and language.
 *
 * Whose language a line is stands behind it, so lines wait in their component until something else begins there.  The
 * first language that says anything is the bulletin's; what other languages say stands in the lists.
 *
 * Source    IPTC NewsML 1.2 DTD and guidelines.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/xml_chars.h"
#include "parsers/html.h"
#include "parsers/newsml1.h"

static const struct sl_ref none;

static struct sl_newsml1_component *top(struct sl_newsml1 *item)
{
    return &item->component[item->component_cnt != 0 ? item->component_cnt - 1 : 0];
}

static struct sl_ref put_word(struct sl_newsml1 *item, const char *word)
{
    return sl_out_ref(item->out, word, (uint32_t)strlen(word));
}

/* ---- language ---- */

static struct sl_ref language_of(const struct sl_newsml1 *item)
{
    for (uint32_t i = item->component_cnt; i-- != 0;) {
        if (item->component[i].language.len != 0)
            return item->component[i].language;
    }
    return item->item_language;
}

/* Is this the bulletin's language?  What comes first decides. */
static bool is_main(struct sl_newsml1 *item, struct sl_ref language)
{
    if (!item->has_main) {
        item->has_main = true;
        item->main_language = language;
    }
    if (item->main_language.len == 0)
        item->main_language = language;
    struct sl_span a = sl_newsml1_span(item, item->main_language), b = sl_newsml1_span(item, language);
    uint32_t len = a.len < b.len ? a.len : b.len;
    /* "nl" and "nl-nl" are the same. */
    return len == 0 || (len >= 2 && sl_span_starts(a, "x-")) ||
           (len >= 2 && sl_lower(a.data[0]) == sl_lower(b.data[0]) && sl_lower(a.data[1]) == sl_lower(b.data[1]));
}

/* ---- lines ---- */

static void say_lines(struct sl_newsml1 *item, struct sl_newsml1_component *component)
{
    struct sl_out *out = item->out;
    bool has_any = component->headline.len != 0 || component->slugline.len != 0 || component->dateline.len != 0 ||
                   component->byline.len != 0 || component->keyword.len != 0;
    if (!has_any)
        return;
    struct sl_ref language = language_of(item);
    /* ANP has the reporter in the slug line, and the slug among the keywords. */
    bool is_swapped = sl_newsml1_ref_is(item, item->provider_id, "ANP") && component->keyword.len != 0;
    if (is_main(item, language)) {
        sl_standing_say(out, SL_TEXT_HEADLINE, component->headline);
        sl_standing_say(out, SL_TEXT_BYLINE, component->byline);
        sl_standing_say(out, SL_TEXT_DATELINE, component->dateline);
        sl_standing_say(out, SL_TEXT_SLUGLINE, is_swapped ? component->keyword : component->slugline);
        if (is_swapped)
            sl_standing_say(out, SL_TEXT_BYLINE, component->slugline);
    } else if (component->headline.len != 0) {
        sl_out_item_once(out, SL_LIST_HEADLINES, language, none, component->headline, none);
    }
    component->headline = component->byline = component->dateline = component->slugline = component->keyword = none;
}

static void keep(struct sl_ref *kept, struct sl_ref ref)
{
    if (kept->len == 0)
        *kept = ref;
}

static void take_dateline(struct sl_newsml1 *item)
{
    struct sl_ref line = sl_newsml1_line(item);
    struct sl_span span = sl_newsml1_span(item, line);
    if (span.len != 0 && !sl_is_digit(span.data[0])) /* a bare date says nothing that the times do not */
        keep(&top(item)->dateline, line);
}

/* "NewsLine" of a type: what the agency calls it decides. */
static void take_line_text(struct sl_newsml1 *item)
{
    struct sl_ref text = sl_newsml1_line(item);
    if (text.len == 0)
        return;
    struct sl_span type = sl_newsml1_span(item, item->line_type);
    if (sl_span_is(type, "AdvisoryLine") || sl_span_is(type, "EditorialNote") || sl_span_is(type, "EdNote") ||
        sl_span_is(type, "Advisory")) {
        sl_standing_note(&item->story, sl_newsml1_span(item, text));
        sl_standing_say(item->out, SL_TEXT_EDNOTE, text);
    } else if (sl_span_is(type, "CatchWord") || sl_span_is(type, "CatchLine") || sl_span_is(type, "SlugLine")) {
        keep(&top(item)->slugline, text);
    } else if (sl_span_is(type, "KeywordLine") || sl_span_is(type, "Keyword")) {
        sl_out_item_once(item->out, SL_LIST_KEYWORDS, text, none, none, none);
    } else if (sl_span_is(type, "ByLine")) {
        keep(&top(item)->byline, text);
    } else if (sl_span_is(type, "ClickThru URL")) {
        sl_out_item_once(item->out, SL_LIST_ASSOCIATIONS, put_word(item, "link"), none, text, none);
    }
}

static void take_keyword_line(struct sl_newsml1 *item)
{
    struct sl_ref line = sl_newsml1_line(item);
    if (line.len == 0)
        return;
    keep(&top(item)->keyword, line);
    sl_out_item_once(item->out, SL_LIST_KEYWORDS, line, none, none, none);
}

/* ---- metadata ---- */

static void take_subject(struct sl_newsml1 *item)
{
    struct sl_xml *xml = item->xml;
    struct sl_ref code = sl_newsml1_name(item);
    if (code.len == 0)
        return;
    const struct sl_xml_attr *scheme = sl_xml_attr(xml, "Vocabulary"), *category = sl_xml_attr(xml, "cat");
    if (!scheme)
        scheme = sl_xml_attr(xml, "Scheme");
    sl_out_item_once(item->out, SL_LIST_SUBJECTS, sl_xml_value_line(xml, item->out, scheme), code, none, none);
    struct sl_ref cat = sl_xml_value_line(xml, item->out, category);
    if (cat.len != 0)
        sl_out_item_once(item->out, SL_LIST_CATEGORIES, cat, none, none, none);
}

static void say_symbols(struct sl_newsml1 *item)
{
    if (item->isin.len != 0)
        sl_out_item_once(item->out, SL_LIST_SYMBOLS, item->exchange, put_word(item, "ISIN"), item->isin, none);
    if (item->ticker.len != 0)
        sl_out_item_once(item->out, SL_LIST_SYMBOLS, item->exchange, put_word(item, "ticker"), item->ticker, none);
    item->isin = item->ticker = none;
}

static void say_location(struct sl_newsml1 *item)
{
    struct sl_out *out = item->out;
    if (item->city.len != 0)
        sl_out_item_once(out, SL_LIST_PLACES, none, none, item->city, none);
    if (item->country.len != 0)
        sl_out_item_once(out, SL_LIST_PLACES, put_word(item, "country"), item->country, none, none);
    sl_standing_say(out, SL_TEXT_LOCATED, item->city.len != 0 ? item->city : item->country);
    item->city = item->country = none;
}

static void take_property(struct sl_newsml1 *item)
{
    struct sl_span name = sl_xml_value(item->xml, "FormalName");
    struct sl_ref value = sl_xml_value_line(item->xml, item->out, sl_xml_attr(item->xml, "Value"));
    unsigned parent = sl_xml_above_id(item->xml, 1);
    struct sl_bulletin *root = sl_out_root(item->out);
    if (value.len == 0)
        return;
    if (parent == NML_CHARACTERISTICS) {
        struct sl_span digits = sl_newsml1_span(item, value);
        if ((sl_span_is(name, "Words") || sl_span_is(name, "WordCount")) && root->word_cnt == 0 && digits.len < 9)
            root->word_cnt = (uint32_t)sl_story_number(sl_span_head(digits, sl_span_digits(digits)));
    } else if (sl_span_is(name, "City")) {
        item->city = value;
    } else if (sl_span_is(name, "Country")) {
        item->country = value;
    } else if (sl_span_is(name, "Keyword")) {
        sl_out_item_once(item->out, SL_LIST_KEYWORDS, value, none, none, none);
    } else if (sl_span_is(name, "Exchange")) {
        say_symbols(item);
        item->exchange = value;
    } else if (sl_span_is(name, "ISIN")) {
        if (item->isin.len != 0)
            say_symbols(item);
        item->isin = value;
    } else if (sl_span_is(name, "Ticker") || sl_span_is(name, "Symbol")) {
        if (item->ticker.len != 0)
            say_symbols(item);
        item->ticker = value;
    } else if (sl_span_is(name, "Company")) {
        sl_out_item_once(item->out, SL_LIST_ORGANISATIONS, none, none, value, none);
    } else if (sl_span_is(name, "Priority")) {
        sl_standing_say(item->out, SL_TEXT_PRIORITY_RAW, value);
    } else if (name.len > 8 && sl_span_is(sl_span_skip(name, name.len - 8), "Keywords")) {
        sl_out_item_once(item->out, SL_LIST_KEYWORDS, value, none, none, none);
    }
}

static void take_party(struct sl_newsml1 *item)
{
    struct sl_ref name = sl_newsml1_name(item);
    switch (sl_xml_above_id(item->xml, 1)) {
    case NML_PROVIDER:
        keep(&item->provider, name);
        break;
    case NML_CREATOR:
        keep(&item->creator, name);
        break;
    case NML_SOURCE:
        keep(&item->source, name);
        break;
    default:
        break;
    }
}

/* ---- content ---- */

enum use { USE_BODY, USE_TITLE, USE_LEAD, USE_NOTHING };

static enum use use_of(struct sl_newsml1 *item)
{
    static const char *const titles[] = { "Title", "HeadLine" }, *const leads[] = { "Lead", "Abstract", "Summary" };
    static const char *const others[] = { "Contact",     "Contacts", "StyleSheet", "Logo",      "Caption",
                                          "SubHeadLine", "Photo",    "Picture",    "Thumbnail", "Image" };
    struct sl_ref role = top(item)->role;
    for (size_t i = 0; i < sizeof(titles) / sizeof(*titles); i++) {
        if (sl_newsml1_ref_is(item, role, titles[i]))
            return USE_TITLE;
    }
    for (size_t i = 0; i < sizeof(leads) / sizeof(*leads); i++) {
        if (sl_newsml1_ref_is(item, role, leads[i]))
            return USE_LEAD;
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        if (sl_newsml1_ref_is(item, role, others[i]))
            return USE_NOTHING;
    }
    return USE_BODY;
}

static bool is_text_type(const struct sl_newsml1 *item)
{
    struct sl_span type = sl_newsml1_span(item, item->content_type);
    return !item->is_encoded && !sl_span_starts(type, "image/") && !sl_span_starts(type, "video/") &&
           !sl_span_starts(type, "audio/") && !sl_span_is(type, "text/css") && !sl_span_is(type, "application/pdf");
}

enum shape { SHAPE_STRING, SHAPE_NITF, SHAPE_ELEMENTS };

/* What is between the tags, as the first of them tells: the scanner is not asked, and will read it once. */
static enum shape look_ahead(const struct sl_newsml1 *item)
{
    const struct sl_xml *xml = item->xml;
    struct sl_span rest = { xml->data + xml->end, xml->is_empty ? 0 : xml->len - xml->end };
    const uint8_t *tag;
    while (rest.len > 1 && (tag = memchr(rest.data, '<', rest.len)) != NULL) {
        rest = sl_span_skip(rest, (uint32_t)(tag - rest.data) + 1);
        const char *end = sl_span_starts(rest, "![CDATA[") ? "]]>" : sl_span_starts(rest, "!--") ? "-->" : "?>";
        if (rest.len != 0 && sl_is_letter(rest.data[0]))
            return sl_span_starts(rest, "nitf") || sl_span_starts(rest, "body.") || sl_span_starts(rest, "nitf:nitf")
                       ? SHAPE_NITF
                       : SHAPE_ELEMENTS;
        if (rest.len == 0 || rest.data[0] == '/') /* of DataContent itself: nothing was opened in it */
            break;
        const uint8_t *behind = sl_xml_find(rest.data, rest.len, end);
        rest = sl_span_skip(rest, behind ? (uint32_t)(behind - rest.data) : rest.len);
    }
    return SHAPE_STRING;
}

/* At DataContent: NITF in the bulletin's language says more than its body. */
static void take_nitf(struct sl_newsml1 *item)
{
    struct sl_nitf nitf;
    enum sl_xml_event event;
    uint32_t depth = item->xml->depth;
    sl_nitf_begin(&nitf, item->xml, &item->story, true);
    do {
        event = sl_xml_next_tag(item->xml);
        if (event == SL_XML_START)
            event = sl_nitf_read(&nitf);
    } while (event != SL_XML_ERROR && event != SL_XML_DONE && !(event == SL_XML_END && item->xml->depth <= depth));
    sl_nitf_finish(&nitf);
}

/* The decoded characters, out of the open text into scratch memory. */
static struct sl_span move_to_scratch(struct sl_newsml1 *item)
{
    struct sl_slice text = sl_out_opened(item->out);
    uint8_t *copy = text.len != 0 ? sl_scratch_take(item->parse, text.len) : NULL;
    if (copy)
        memcpy(copy, text.data, text.len);
    else if (text.len != 0)
        item->out->full = true;
    uint32_t len = copy ? text.len : 0;
    sl_out_cut(item->out, 0);
    return (struct sl_span){ copy, len };
}

static void put_string(struct sl_newsml1 *item, struct sl_span text)
{
    struct sl_para para;
    struct sl_span line;
    if (sl_html_is_escaped(text)) {
        uint8_t *copy = sl_scratch_take(item->parse, text.len);
        if (copy)
            text = (struct sl_span){ copy, sl_html_unescape(copy, text) };
    }
    if (sl_html_is_markup(text)) {
        sl_html_put_body(item->out, SL_CHARSET_UTF8, text, &item->parse->text);
        return;
    }
    sl_para_begin(&para, item->out, SL_CHARSET_UTF8, NULL);
    while (sl_line_next(&text, &line))
        sl_para_line(&para, line);
    sl_para_end(&para);
}

/* A body, or a part of one, in whatever form. */
static struct sl_ref take_text(struct sl_newsml1 *item, enum shape shape)
{
    struct sl_markup markup;
    uint32_t used = item->parse->scratch.used;
    sl_out_open(item->out);
    if (shape == SHAPE_STRING) {
        sl_xml_put_inner(item->xml, item->out);
        put_string(item, move_to_scratch(item));
    } else {
        sl_markup_begin_xml(&markup, item->out, item->xml);
        sl_markup_inner_xml(&markup, item->xml);
        sl_markup_end(&markup);
    }
    item->parse->scratch.used = used;
    return sl_out_close(item->out);
}

static void take_data(struct sl_newsml1 *item)
{
    struct sl_out *out = item->out;
    enum use use = use_of(item);
    if (use == USE_NOTHING || !is_text_type(item)) {
        sl_xml_skip(item->xml);
        return;
    }
    struct sl_ref language = language_of(item);
    enum shape shape = look_ahead(item);
    if (use == USE_TITLE) {
        struct sl_ref title = sl_newsml1_line(item);
        if (title.len != 0)
            keep(&top(item)->headline, title);
        return;
    }
    bool is_ours = is_main(item, language), has_body = sl_out_get(out, SL_TEXT_BODY).len != 0;
    if (shape == SHAPE_NITF && is_ours && use == USE_BODY && !has_body) {
        take_nitf(item);
        return;
    }
    struct sl_ref text = take_text(item, shape);
    if (text.len == 0)
        return;
    if (is_ours && use == USE_BODY && !has_body)
        sl_out_set(out, SL_TEXT_BODY, text);
    else if (use == USE_LEAD)
        sl_out_item_once(out, SL_LIST_BODIES, language, put_word(item, "lead"), text, none);
    else if (!is_ours) /* the same text in another form is one body */
        sl_out_item_once(out, SL_LIST_BODIES, language, none, text, none);
}

static void say_content(struct sl_newsml1 *item)
{
    if (item->content_href.len != 0)
        sl_out_item_once(item->out, SL_LIST_ASSOCIATIONS, top(item)->role, none, item->content_href,
                         item->content_type);
    item->content_href = item->content_type = none;
    item->is_encoded = false;
}

/* ---- components ---- */

static void begin_component(struct sl_newsml1 *item)
{
    if (item->component_cnt != 0)
        say_lines(item, top(item));
    if (item->component_cnt == SL_NEWSML1_COMPONENTS_MAX)
        return;
    struct sl_newsml1_component *component = &item->component[item->component_cnt++];
    *component = (struct sl_newsml1_component){ .depth = item->xml->depth };
    component->language = sl_xml_value_line(item->xml, item->out, sl_xml_attr(item->xml, "xml:lang"));
}

static void begin_content(struct sl_newsml1 *item)
{
    say_lines(item, top(item));
    item->content_type = none;
    item->is_encoded = false;
    item->content_href = sl_xml_value_line(item->xml, item->out, sl_xml_attr(item->xml, "Href"));
}

static bool take_line_part(struct sl_newsml1 *item)
{
    struct sl_out *out = item->out;
    switch (item->xml->id) {
    case NML_HEADLINE:
        keep(&top(item)->headline, sl_newsml1_line(item));
        return true;
    case NML_BY_LINE:
        keep(&top(item)->byline, sl_newsml1_line(item));
        return true;
    case NML_DATE_LINE:
        take_dateline(item);
        return true;
    case NML_SLUG_LINE:
        keep(&top(item)->slugline, sl_newsml1_line(item));
        return true;
    case NML_KEYWORD_LINE:
        take_keyword_line(item);
        return true;
    case NML_CREDIT_LINE:
        sl_standing_say(out, SL_TEXT_CREDIT, sl_newsml1_line(item));
        return true;
    case NML_COPYRIGHT_LINE:
        sl_standing_say(out, SL_TEXT_COPYRIGHT, sl_newsml1_line(item));
        return true;
    case NML_RIGHTS_LINE:
    case NML_USAGE_TYPE:
        sl_standing_say(out, SL_TEXT_USAGE_TERMS, sl_newsml1_line(item));
        return true;
    case NML_LINE_TYPE:
        item->line_type = sl_newsml1_name(item);
        return true;
    case NML_LINE_TEXT:
        take_line_text(item);
        return true;
    default:
        return false;
    }
}

static bool take_metadata_part(struct sl_newsml1 *item)
{
    struct sl_ref name;
    switch (item->xml->id) {
    case NML_PARTY:
        take_party(item);
        return true;
    case NML_PROPERTY:
        take_property(item);
        return true;
    case NML_LANGUAGE:
        keep(&top(item)->language, sl_newsml1_name(item));
        return true;
    case NML_GENRE:
        if ((name = sl_newsml1_name(item)).len != 0)
            sl_out_item_once(item->out, SL_LIST_GENRES, none, name, none, none);
        return true;
    case NML_SUBJECT:
    case NML_SUBJECT_MATTER:
    case NML_SUBJECT_DETAIL:
    case NML_SUBJECT_QUALIFIER:
        take_subject(item);
        return true;
    case NML_INTEREST:
        if ((name = sl_newsml1_name(item)).len != 0)
            sl_out_item_once(item->out, SL_LIST_SUBJECTS, put_word(item, "ofInterestTo"), name, none, none);
        return true;
    case NML_GUID:
        keep(&item->guid, sl_newsml1_line(item));
        return true;
    default:
        return false;
    }
}

bool sl_newsml1_take_part(struct sl_newsml1 *item)
{
    switch (item->xml->id) {
    case NML_COMPONENT:
        begin_component(item);
        return true;
    case NML_ROLE:
        if (item->component_cnt != 0)
            top(item)->role = sl_newsml1_name(item);
        return true;
    case NML_CONTENT:
        begin_content(item);
        return true;
    case NML_FORMAT:
    case NML_MEDIA_TYPE:
        return true;
    case NML_MIME_TYPE:
        item->content_type = sl_newsml1_name(item);
        return true;
    case NML_ENCODING:
        item->is_encoded = true;
        return true;
    case NML_DATA:
        take_data(item);
        return true;
    case NML_ITEM_REF:
        sl_out_item_once(item->out, SL_LIST_ASSOCIATIONS, put_word(item, "newsItem"),
                         sl_xml_value_line(item->xml, item->out, sl_xml_attr(item->xml, "NewsItem")), none, none);
        return true;
    default:
        return take_line_part(item) || take_metadata_part(item);
    }
}

void sl_newsml1_end_part(struct sl_newsml1 *item)
{
    switch (item->xml->id) {
    case NML_LOCATION:
        say_location(item);
        break;
    case NML_METADATA:
        say_symbols(item);
        break;
    case NML_CONTENT:
        say_content(item);
        break;
    case NML_COMPONENT:
        if (item->component_cnt != 0 && top(item)->depth == item->xml->depth) {
            say_symbols(item);
            say_lines(item, top(item));
            item->component_cnt--;
        }
        break;
    default:
        break;
    }
}
