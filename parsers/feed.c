#include "parsers/feed.h"
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "parsers/ascii.h"
#include "parsers/html.h"
#include "parsers/mail.h"
#include "parsers/markup_xml.h"
#include "parsers/wording.h"

#define DATE_MAX 64u

/* ---- taking ---- */

struct sl_feed *sl_feed_begin(struct sl_parse *parse, const struct sl_xml_names *names)
{
    uint32_t xml_len = (sizeof(struct sl_xml) + 7) & ~7u;
    if (parse->bulletin_idx != 0 || parse->cursor != 0)
        return (struct sl_feed *)(void *)(parse->scratch.mem + xml_len);
    struct sl_xml *xml = sl_xml_take(parse);
    struct sl_feed *feed = (struct sl_feed *)(void *)sl_scratch_take(parse, sizeof(struct sl_feed));
    if (!xml || !feed)
        return NULL;
    *feed = (struct sl_feed){ .xml = xml };
    sl_xml_begin(xml, parse, (struct sl_span){ parse->data, parse->len }, names, parse->feed->charset);
    feed->mark = parse->scratch.used;
    parse->cursor = 1;
    return feed;
}

/* A piece as it was sent, into the open text: what is no UTF-8 yet is made so; what is keeps its C1 characters, since
 * they tell that it was encoded twice. */
static void put_piece(struct sl_parse *parse, const struct sl_xml *xml, struct sl_span piece, bool is_ref)
{
    if (is_ref || xml->charset == SL_CHARSET_UTF8)
        sl_out_put(&parse->out, piece.data, piece.len);
    else
        sl_text_put(&parse->out, xml->charset, piece.data, piece.len, &parse->text);
}

/* From the open text to scratch. */
static struct sl_span move_to_scratch(struct sl_parse *parse, bool *is_mended)
{
    struct sl_slice all = sl_out_opened(&parse->out);
    uint8_t *text = sl_scratch_take(parse, all.len);
    uint32_t len = 0;
    if (text) {
        memcpy(text, all.data, all.len);
        len = sl_feed_mend(text, all.len);
        *is_mended |= len != all.len;
    }
    sl_out_cut(&parse->out, 0);
    sl_out_close(&parse->out);
    return sl_span_trim((struct sl_span){ text, len });
}

enum sl_xml_event sl_feed_take(struct sl_parse *parse, struct sl_xml *xml, struct sl_span *text, bool *is_mended)
{
    uint32_t depth = xml->depth;
    sl_out_open(&parse->out);
    while (xml->event != SL_XML_ERROR && !(xml->event == SL_XML_END && xml->depth == depth)) {
        if (sl_xml_next(xml) != SL_XML_TEXT)
            continue;
        struct sl_xml_pieces pieces = sl_xml_pieces_of_text(xml);
        struct sl_span piece;
        while (sl_xml_piece(&pieces, &piece))
            put_piece(parse, xml, piece, pieces.is_ref);
    }
    *text = move_to_scratch(parse, is_mended);
    return xml->event;
}

struct sl_span sl_feed_value(struct sl_parse *parse, const struct sl_xml *xml, const char *name)
{
    const struct sl_xml_attr *attr = sl_xml_attr(xml, name);
    bool unasked = false;
    if (!attr)
        return (struct sl_span){ NULL, 0 };
    sl_out_open(&parse->out);
    sl_xml_put_value(xml, &parse->out, attr);
    return move_to_scratch(parse, &unasked);
}

enum sl_xml_event sl_feed_put_inline(struct sl_parse *parse, struct sl_xml *xml, struct sl_ref *body)
{
    struct sl_markup markup;
    sl_out_open(&parse->out);
    sl_markup_begin_xml(&markup, &parse->out, xml);
    enum sl_xml_event event = sl_markup_inner_xml(&markup, xml);
    sl_markup_end(&markup);
    *body = sl_out_close(&parse->out);
    return event;
}

/* ---- strings that may be HTML ---- */

static struct sl_span unescape(struct sl_span taken)
{
    /* It lies in scratch, which is ours. */
    return (struct sl_span){ taken.data, sl_html_unescape((uint8_t *)(uintptr_t)taken.data, taken) };
}

struct sl_ref sl_feed_put(struct sl_parse *parse, struct sl_span text)
{
    sl_out_open(&parse->out);
    sl_text_put_line(&parse->out, SL_CHARSET_UTF8, text.data, text.len, &parse->text);
    return sl_out_close(&parse->out);
}

struct sl_ref sl_feed_put_line(struct sl_parse *parse, struct sl_span taken)
{
    if (sl_html_is_escaped(taken))
        taken = unescape(taken);
    if (!memchr(taken.data ? taken.data : (const uint8_t *)"", '&', taken.len) && !sl_html_is_markup(taken))
        return sl_feed_put(parse, taken);
    sl_out_open(&parse->out);
    sl_html_put_line(&parse->out, SL_CHARSET_UTF8, taken, &parse->text);
    return sl_out_close(&parse->out);
}

static struct sl_ref put_lines(struct sl_parse *parse, struct sl_span text)
{
    struct sl_para para;
    struct sl_span line;
    sl_out_open(&parse->out);
    sl_para_begin(&para, &parse->out, SL_CHARSET_UTF8, &parse->text);
    para.keep_lines = sl_wording_keeps_lines(text);
    while (sl_line_next(&text, &line))
        sl_para_line(&para, sl_span_trim(line).len == 0 ? sl_span_head(line, 0) : line);
    sl_para_end(&para);
    return sl_out_close(&parse->out);
}

/* Where a blank line stands in HTML that was typed as text, as weblogs store it; its length when nowhere. */
static uint32_t find_blank_line(struct sl_span html)
{
    for (uint32_t at = 0; at < html.len;) {
        const uint8_t *lf = memchr(html.data + at, '\n', html.len - at);
        if (!lf)
            break;
        at = (uint32_t)(lf - html.data) + 1;
        if (at < html.len && html.data[at] == '\r')
            at++;
        if (at < html.len && html.data[at] == '\n')
            return at;
    }
    return html.len;
}

static void put_html(struct sl_parse *parse, struct sl_span html)
{
    struct sl_markup markup;
    uint32_t off;
    bool is_typed = !sl_span_find(html, "<script", &off) && !sl_span_find(html, "<style", &off) &&
                    !sl_span_find(html, "<pre", &off) && !sl_span_find(html, "<!--", &off);
    sl_markup_begin(&markup, &parse->out, SL_CHARSET_UTF8, false, &parse->text);
    while (html.len != 0) {
        uint32_t len = is_typed ? find_blank_line(html) : html.len;
        sl_html_put(&markup, sl_span_head(html, len));
        html = sl_span_skip(html, len < html.len ? len + 1 : len);
        if (html.len != 0)
            sl_markup_open(&markup, SL_MARKUP_BLOCK);
    }
    sl_markup_end(&markup);
}

struct sl_ref sl_feed_put_body(struct sl_parse *parse, struct sl_span *taken, bool is_text)
{
    if (taken->len == 0 || is_text)
        return put_lines(parse, *taken);
    if (sl_html_is_escaped(*taken)) {
        *taken = unescape(*taken);
        sl_out_note(&parse->out, "its HTML was escaped twice");
    }
    if (!sl_html_is_markup(*taken))
        return put_lines(parse, unescape(*taken));
    sl_out_open(&parse->out);
    put_html(parse, *taken);
    return sl_out_close(&parse->out);
}

void sl_feed_say_html(struct sl_parse *parse, struct sl_span taken)
{
    struct sl_text_stats unasked = { 0, 0 };
    struct sl_out *out = &parse->out;
    if (sl_out_get(out, SL_TEXT_BODY).len > taken.len + taken.len / 2 || !sl_html_is_markup(taken))
        return;
    sl_out_open(out);
    sl_html_put_safe(out, SL_CHARSET_UTF8, taken, &unasked);
    sl_out_set(out, SL_TEXT_BODY_HTML, sl_out_close(out));
}

/* ---- references and dates ---- */

static bool has_scheme(struct sl_span href)
{
    uint32_t len = 0;
    while (len < href.len && (sl_is_ascii_letter(href.data[len]) ||
                              (len != 0 && (sl_is_digit(href.data[len]) || memchr("+-.", href.data[len], 3)))))
        len++;
    return len != 0 && len < href.len && href.data[len] == ':';
}

struct sl_span sl_feed_resolve(struct sl_parse *parse, struct sl_span base, struct sl_span href)
{
    const uint8_t *slashes = memmem(base.data ? base.data : (const uint8_t *)"", base.len, "://", 3);
    if (href.len == 0 || !slashes || has_scheme(href))
        return href;
    uint32_t authority = (uint32_t)(slashes - base.data) + 3, end = authority;
    while (end < base.len && base.data[end] != '/' && base.data[end] != '?' && base.data[end] != '#')
        end++;
    uint32_t keep = end; /* of the base */
    if (href.len >= 2 && href.data[0] == '/' && href.data[1] == '/')
        keep = authority - 2;
    else if (href.data[0] != '/')
        for (uint32_t i = end; i < base.len && base.data[i] != '?' && base.data[i] != '#'; i++)
            keep = base.data[i] == '/' ? i + 1 : keep;
    bool needs_slash = keep == end && href.data[0] != '/';
    uint8_t *to = sl_scratch_take(parse, keep + needs_slash + href.len);
    if (!to)
        return href;
    memcpy(to, base.data, keep);
    if (needs_slash)
        to[keep++] = '/';
    memcpy(to + keep, href.data, href.len);
    return (struct sl_span){ to, keep + href.len };
}

struct sl_span sl_feed_authority(struct sl_span uri)
{
    const uint8_t *slashes = memmem(uri.data ? uri.data : (const uint8_t *)"", uri.len, "://", 3);
    uint32_t len = 0;
    if (slashes)
        uri = sl_span_skip(uri, (uint32_t)(slashes - uri.data) + 3);
    else if (sl_span_starts(uri, "tag:"))
        uri = sl_span_skip(uri, 4);
    else
        return (struct sl_span){ NULL, 0 };
    while (len < uri.len && uri.data[len] > ' ' && !memchr("/,?#:", uri.data[len], 5))
        len++;
    return sl_span_head(uri, len);
}

bool sl_feed_date(struct sl_parse *parse, struct sl_span date, int64_t *ns, enum sl_date_zone *given)
{
    const struct sl_zone *zone = sl_parse_zone(parse, NULL);
    date = sl_span_trim(sl_span_head(date, DATE_MAX));
    return date.len != 0 &&
           (sl_date_rfc5322(date.data, date.len, zone, ns, given) || sl_date_iso(date.data, date.len, zone, ns, given));
}

bool sl_feed_local_time(struct sl_parse *parse, struct sl_span date, const char *agency, int64_t *ns)
{
    const struct sl_zone *zone = sl_parse_zone(parse, agency);
    uint8_t iso[DATE_MAX];
    enum sl_date_zone given;
    date = sl_span_trim(sl_span_head(date, DATE_MAX));
    if (date.len >= 10 && date.data[2] == '.' && date.data[5] == '.') {
        memcpy(iso, date.data, date.len);
        memcpy(iso, date.data + 6, 4);
        iso[4] = iso[7] = '-';
        memcpy(iso + 5, date.data + 3, 2);
        memcpy(iso + 8, date.data, 2);
        date.data = iso;
    }
    return date.len != 0 && sl_date_iso(date.data, date.len, zone, ns, &given);
}

void sl_feed_say_local_time(struct sl_parse *parse, struct sl_span date, const char *agency)
{
    struct sl_bulletin *root = sl_out_root(&parse->out);
    if (!sl_feed_local_time(parse, date, agency, &root->version_created)) {
        root->version_created = SL_TIME_NONE;
        return;
    }
    root->flags |= SL_BULLETIN_ZONE_ASSUMED_CREATED;
    sl_out_note(&parse->out, "times without a zone: the agency's is assumed");
}

void sl_feed_undouble(struct sl_parse *parse, struct sl_span *taken)
{
    uint8_t *text = (uint8_t *)(uintptr_t)taken->data; /* in scratch */
    uint8_t utf8[SL_ENTITY_UTF8_MAX];
    uint32_t from = 0, to = 0, utf8_len;
    while (from < taken->len) {
        const uint8_t *mark = memchr(text + from, '&', taken->len - from);
        uint32_t run = mark ? (uint32_t)(mark - text) - from : taken->len - from;
        memmove(text + to, text + from, run);
        to += run;
        from += run;
        struct sl_span rest = sl_span_skip(*taken, from);
        if (rest.len > 6 && memcmp(rest.data, "&amp;", 5) == 0) {
            /* "&amp;" and a name with its semicolon: the text that begins with the second mark. */
            uint8_t look[40];
            struct sl_span name = sl_span_head(sl_span_skip(rest, 5), sizeof(look) - 1);
            look[0] = '&';
            memcpy(look + 1, name.data, name.len);
            uint32_t len = sl_html_entity((struct sl_span){ look, name.len + 1 }, utf8, &utf8_len);
            if (len != 0 && look[len - 1] == ';')
                from += 4;
            if (len != 0 && look[len - 1] == ';')
                text[from] = '&';
        }
        if (from < taken->len)
            text[to++] = text[from++];
    }
    if (to != taken->len)
        sl_out_note(&parse->out, "references in its HTML were escaped twice");
    taken->len = to;
}

void sl_feed_association(struct sl_parse *parse, const char *rel, struct sl_span id, struct sl_span href,
                         struct sl_span type)
{
    if (href.len == 0 && id.len == 0)
        return;
    struct sl_ref rel_ref = sl_out_ref(&parse->out, rel, (uint32_t)strlen(rel)), id_ref = sl_feed_put(parse, id);
    struct sl_ref href_ref = sl_feed_put(parse, href);
    sl_out_item(&parse->out, SL_LIST_ASSOCIATIONS, rel_ref, id_ref, href_ref, sl_feed_put(parse, type));
}

/* ---- an item ---- */

static void say_time(struct sl_parse *parse, struct sl_feed_item *item)
{
    struct sl_bulletin *root = sl_out_root(&parse->out);
    enum sl_date_zone updated = SL_DATE_ZONE_GIVEN, published = SL_DATE_ZONE_GIVEN, expires = SL_DATE_ZONE_GIVEN;
    bool has_updated = sl_feed_date(parse, item->updated, &root->version_created, &updated);
    bool has_published = sl_feed_date(parse, item->published, &root->first_created, &published);
    if (!has_updated) {
        root->version_created = has_published ? root->first_created : SL_TIME_NONE;
        updated = published;
    }
    if (!has_published)
        root->first_created = SL_TIME_NONE;
    if (!sl_feed_date(parse, item->expires, &root->expires, &expires))
        root->expires = SL_TIME_NONE;
    root->flags |= (updated == SL_DATE_ZONE_ASSUMED ? SL_BULLETIN_ZONE_ASSUMED_CREATED : 0u) |
                   (published == SL_DATE_ZONE_ASSUMED ? SL_BULLETIN_ZONE_ASSUMED_FIRST : 0u) |
                   (expires == SL_DATE_ZONE_ASSUMED ? SL_BULLETIN_ZONE_ASSUMED_EXPIRES : 0u);
}

static void make_id(struct sl_parse *parse, const struct sl_feed_item *item)
{
    static const char hex[] = "0123456789abcdef";
    XXH3_state_t state;
    const struct sl_span parts[] = { item->title, item->published, item->summary, item->content };
    XXH3_64bits_reset(&state);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        XXH3_64bits_update(&state, parts[i].data, parts[i].len);
        XXH3_64bits_update(&state, "", 1);
    }
    uint64_t hash = XXH3_64bits_digest(&state);
    sl_out_open(&parse->out);
    sl_out_put(&parse->out, "item-", 5);
    for (int shift = 60; shift >= 0; shift -= 4)
        sl_out_putc(&parse->out, hex[hash >> shift & 15]);
    sl_out_set(&parse->out, SL_TEXT_ID, sl_out_close(&parse->out));
    sl_out_root(&parse->out)->flags |= SL_BULLETIN_ID_MADE;
}

static void say(struct sl_parse *parse, enum sl_text text, struct sl_span span)
{
    sl_out_set(&parse->out, text, sl_feed_put(parse, span));
}

/* "name@example.org (Name)", "Name <name@example.org>", or a name alone. */
static struct sl_span name_of(struct sl_span author)
{
    struct sl_mail_address address;
    struct sl_span rest = author;
    bool has_address = author.data && memchr(author.data, '@', author.len);
    return has_address && sl_mail_address(&rest, &address) && address.name.len != 0 ? address.name : author;
}

static void say_identity(struct sl_parse *parse, const struct sl_feed *feed, const struct sl_feed_item *item)
{
    struct sl_span provider = sl_feed_authority(feed->link);
    if (provider.len == 0)
        provider = sl_feed_authority(feed->id);
    if (provider.len == 0)
        provider = sl_feed_authority(item->link);
    say(parse, SL_TEXT_PROVIDER, provider.len != 0 ? provider : feed->title);
    say(parse, SL_TEXT_ID, item->id.len != 0 ? item->id : item->link);
    if (sl_out_get(&parse->out, SL_TEXT_ID).len == 0)
        make_id(parse, item);
    sl_out_set(&parse->out, SL_TEXT_CREDIT,
               sl_feed_put_line(parse, item->source.len != 0 ? item->source : feed->title));
    say(parse, SL_TEXT_LANGUAGE, item->language.len != 0 ? item->language : feed->language);
    sl_out_set(&parse->out, SL_TEXT_COPYRIGHT,
               sl_feed_put_line(parse, item->rights.len != 0 ? item->rights : feed->rights));
    sl_out_set(&parse->out, SL_TEXT_BYLINE, sl_feed_put_line(parse, name_of(item->author)));
}

static void say_body(struct sl_parse *parse, struct sl_feed_item *item)
{
    static const struct sl_ref none;
    struct sl_out *out = &parse->out;
    struct sl_ref body = item->body;
    struct sl_span html = item->content;
    if (body.len == 0 && item->content.len != 0)
        body = sl_feed_put_body(parse, &html, item->is_text);
    bool has_content = body.len != 0;
    if (!has_content) {
        html = item->summary;
        body = sl_feed_put_body(parse, &html, item->is_text);
    }
    sl_out_set(out, SL_TEXT_BODY, body);
    if (!item->is_text && item->body.len == 0)
        sl_feed_say_html(parse, html);
    if (has_content && item->summary.len != 0) {
        struct sl_ref role = sl_out_ref(out, "summary", 7);
        sl_out_item(out, SL_LIST_BODIES, none, role, sl_feed_put_body(parse, &item->summary, item->is_text), none);
    }
}

/* A number as JSON writes it. */
static bool is_number(struct sl_span text)
{
    uint32_t at = text.len != 0 && text.data[0] == '-', digits = sl_span_digits(sl_span_skip(text, at));
    if (digits == 0 || digits > 3 || (digits > 1 && text.data[at] == '0'))
        return false;
    at += digits;
    if (at == text.len)
        return true;
    digits = sl_span_digits(sl_span_skip(text, at + 1));
    return text.data[at] == '.' && digits != 0 && at + 1 + digits == text.len;
}

static void say_place(struct sl_parse *parse, const struct sl_feed_item *item)
{
    static const struct sl_ref none;
    struct sl_out *out = &parse->out;
    if (!item->has_place || !is_number(item->latitude) || !is_number(item->longitude))
        return;
    sl_out_open(out);
    sl_out_put(out, "{\"type\":\"Point\",\"coordinates\":[", 31);
    sl_out_put(out, item->longitude.data, item->longitude.len);
    sl_out_putc(out, ',');
    sl_out_put(out, item->latitude.data, item->latitude.len);
    sl_out_put(out, "]}", 2);
    sl_out_item(out, SL_LIST_PLACES, none, none, none, sl_out_close(out));
}

static void say_kind(struct sl_parse *parse, const struct sl_feed_item *item)
{
    struct sl_bulletin *root = sl_out_root(&parse->out);
    struct sl_story story = { .parse = parse,
                              .out = &parse->out,
                              .charset = SL_CHARSET_UTF8,
                              .zone = sl_parse_zone(parse, NULL),
                              .time_ns = root->version_created };
    if (root->version_created == SL_TIME_NONE)
        story.time_ns = parse->arrival_ns;
    sl_story_weigh_embargo(&story, sl_span_of(sl_out_get(&parse->out, SL_TEXT_HEADLINE)), false);
    sl_wording_say_kind(&story);
    if (item->kind == 0)
        return;
    root->kind = (uint8_t)item->kind;
    root->signal = (uint8_t)item->signal;
    root->pubstatus = item->kind == SL_KIND_KILL ? SL_PUB_CANCELED : item->kind == SL_KIND_HOLD ? SL_PUB_WITHHELD : 0;
}

void sl_feed_say_charset(struct sl_parse *parse, const struct sl_xml *xml)
{
    /* To say that a label lies takes a look at the document, so not for every item. */
    const char *charset = sl_charset_name(xml->charset);
    if (parse->bulletin_idx == 0)
        sl_xml_say_charset(xml, &parse->out);
    else
        sl_out_text(&parse->out, SL_TEXT_SOURCE_CHARSET, charset, (uint32_t)strlen(charset));
}

void sl_feed_say(struct sl_parse *parse, const struct sl_feed *feed, struct sl_feed_item *item)
{
    struct sl_out *out = &parse->out;
    struct sl_bulletin *root = sl_out_root(out);
    static const struct sl_span nothing;
    sl_feed_say_charset(parse, feed->xml);
    say_time(parse, item);
    say_identity(parse, feed, item);
    sl_out_set(out, SL_TEXT_HEADLINE,
               item->is_title_text ? sl_feed_put(parse, item->title) : sl_feed_put_line(parse, item->title));
    say_body(parse, item);
    say_place(parse, item);
    sl_feed_association(parse, "alternate", nothing, item->link, nothing);
    sl_wording_first_words(out);
    sl_wording_dateline(out);
    say_kind(parse, item);
    if (item->is_future) {
        root->flags |= SL_BULLETIN_EMBARGOED;
        root->embargoed_until = root->version_created;
    }
    if (item->is_mended)
        sl_out_note(out, "characters that were encoded twice are mended");
}
