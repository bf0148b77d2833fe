/* parsers/nitf_body.c - NITF's body.content: the plain body, and what it names and shows. */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/nitf.h"

static const struct sl_ref none;

/* ---- what is named: persons, organisations, places ---- */

static struct sl_nitf_found *find_room(struct sl_nitf *nitf)
{
    if (nitf->found_cnt == SL_NITF_FOUND_MAX)
        return NULL;
    struct sl_nitf_found *found = &nitf->found[nitf->found_cnt++];
    *found = (struct sl_nitf_found){ .id = nitf->xml->id };
    return found;
}

static void keep(const struct sl_xml *xml, struct sl_xml_attr *kept, const char *name)
{
    const struct sl_xml_attr *attr = sl_xml_attr(xml, name);
    if (attr && attr->value.len != 0)
        *kept = *attr;
}

static struct sl_nitf_found *note_named(struct sl_nitf *nitf)
{
    struct sl_nitf_found *found = find_room(nitf);
    if (found) {
        keep(nitf->xml, &found->scheme, nitf->xml->id == SL_NITF_LOCATION ? "code-source" : "idsrc");
        keep(nitf->xml, &found->code, nitf->xml->id == SL_NITF_LOCATION ? "location-code" : "value");
    }
    return found;
}

static void note_text(const struct sl_xml *xml, struct sl_nitf_found *found)
{
    if (!found || found->has_text || sl_span_trim(xml->text).len == 0)
        return;
    found->text = sl_xml_pieces_of_text(xml);
    found->has_text = true;
}

/* An alternative code stands in the element that it is of. */
static void note_alt_code(const struct sl_xml *xml, struct sl_nitf_found *found)
{
    if (!found)
        return;
    keep(xml, &found->scheme, "idsrc");
    keep(xml, &found->code, "value");
}

enum sl_xml_event sl_nitf_take_named(struct sl_nitf *nitf)
{
    struct sl_xml *xml = nitf->xml;
    struct sl_nitf_found *found = note_named(nitf);
    uint32_t depth = xml->depth;
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_TEXT)
            note_text(xml, found);
        else if (event == SL_XML_START && xml->id == SL_NITF_ALT_CODE)
            note_alt_code(xml, found);
        else if (event != SL_XML_START && (event != SL_XML_END || xml->depth == depth))
            return event;
    }
}

/* ---- what is shown ---- */

/* One picture or film, of which the first reference is the one that counts; its caption is no text of the story. */
enum sl_xml_event sl_nitf_take_media(struct sl_nitf *nitf)
{
    struct sl_xml *xml = nitf->xml;
    struct sl_nitf_found media = { .id = SL_NITF_MEDIA };
    uint32_t depth = xml->depth;
    keep(xml, &media.scheme, "media-type");
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_START && xml->id == SL_NITF_MEDIA_REFERENCE && media.code.value.len == 0) {
            keep(xml, &media.code, "source");
            if (media.code.value.len == 0)
                keep(xml, &media.code, "data-location");
            keep(xml, &media.media_type, "mime-type");
        }
        if (event == SL_XML_ERROR || event == SL_XML_DONE || (event == SL_XML_END && xml->depth == depth))
            break;
    }
    if (media.code.value.len != 0 && nitf->found_cnt < SL_NITF_FOUND_MAX)
        nitf->found[nitf->found_cnt++] = media;
    return xml->event;
}

/* ---- the body ---- */

static bool is_named(unsigned id) { return id == SL_NITF_PERSON || id == SL_NITF_ORG || id == SL_NITF_LOCATION; }

/* All inside the element, to its END.  named: what was opened last and waits for its text. */
static enum sl_xml_event put_body(struct sl_nitf *nitf, struct sl_markup *markup)
{
    struct sl_xml *xml = nitf->xml;
    struct sl_nitf_found *named = NULL;
    uint32_t depth = xml->depth;
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_TEXT) {
            sl_markup_text_xml(markup, xml);
            if (named)
                note_text(xml, named);
            continue;
        }
        if (event != SL_XML_START && (event != SL_XML_END || xml->depth == depth))
            return event;
        enum sl_markup_role role = sl_markup_role_xml(xml);
        if (event == SL_XML_END) {
            if (is_named(xml->id))
                named = NULL;
            sl_markup_close(markup, role);
            continue;
        }
        if (is_named(xml->id))
            named = note_named(nitf);
        else if (xml->id == SL_NITF_ALT_CODE)
            note_alt_code(xml, named);
        if (xml->id == SL_NITF_MEDIA)
            event = sl_nitf_take_media(nitf);
        else if (role == SL_MARKUP_HIDDEN || role == SL_MARKUP_RAW)
            event = sl_xml_skip(xml);
        else
            sl_markup_open(markup, role);
        if (event == SL_XML_ERROR)
            return event;
    }
}

enum sl_xml_event sl_nitf_take_body(struct sl_nitf *nitf)
{
    struct sl_out *out = nitf->out;
    struct sl_markup markup;
    struct sl_slice provider = sl_bulletin_ref(sl_out_root(out), nitf->provider);
    if (sl_out_get(out, SL_TEXT_BODY).len != 0) /* the second body of one bulletin */
        return sl_xml_skip(nitf->xml);
    sl_out_open(out);
    sl_markup_begin_xml(&markup, out, nitf->xml);
    enum sl_xml_event event = put_body(nitf, &markup);
    sl_markup_end(&markup);
    sl_standing_cut_signoff(out, provider);
    sl_out_set(out, SL_TEXT_BODY, sl_out_close(out));
    return event;
}

/* ---- saying it ---- */

static struct sl_ref put_pieces(struct sl_nitf *nitf, struct sl_xml_pieces pieces)
{
    struct sl_out *out = nitf->out;
    struct sl_span piece;
    sl_out_open(out);
    while (sl_xml_piece(&pieces, &piece))
        sl_text_put(out, pieces.is_ref ? SL_CHARSET_UTF8 : nitf->xml->charset, piece.data, piece.len,
                    &nitf->parse->text);
    sl_text_fold(out, 0);
    return sl_out_close(out);
}

static struct sl_ref put_value(struct sl_nitf *nitf, const struct sl_xml_attr *attr)
{
    return attr->value.len != 0 ? sl_xml_value_line(nitf->xml, nitf->out, attr) : none;
}

static bool is_said(const struct sl_out *out, enum sl_list list, struct sl_ref name)
{
    for (uint32_t i = 0; i < out->item_cnt; i++) {
        struct sl_ref said = out->items[i].item.part[2];
        if (out->items[i].list == list && said.len == name.len &&
            memcmp(out->base + said.off, out->base + name.off, name.len) == 0)
            return true;
    }
    return false;
}

/* Codes that are a listing's name and a ticker make a symbol, too. */
static bool is_exchange(struct sl_slice scheme)
{
    static const char *const exchanges[] = { "NYSE", "NASDAQ", "AMEX",   "LSE", "TSX",   "TSXV",    "ASX",
                                             "NZX",  "OTC",    "OTC:BB", "FWB", "XETRA", "HKEX",    "JSE",
                                             "NSE",  "BSE",    "OMX",    "OSE", "SIX",   "Euronext" };
    for (size_t i = 0; i < sizeof(exchanges) / sizeof(*exchanges); i++) {
        if (sl_span_is(sl_span_of(scheme), exchanges[i]))
            return true;
    }
    return false;
}

static void say_named(struct sl_nitf *nitf, const struct sl_nitf_found *found)
{
    struct sl_out *out = nitf->out;
    enum sl_list list = found->id == SL_NITF_PERSON ? SL_LIST_PEOPLE
                        : found->id == SL_NITF_ORG  ? SL_LIST_ORGANISATIONS
                                                    : SL_LIST_PLACES;
    struct sl_ref name = found->has_text ? put_pieces(nitf, found->text) : none;
    if (is_said(out, list, name) && found->code.value.len == 0)
        return;
    struct sl_ref scheme = put_value(nitf, &found->scheme), code = put_value(nitf, &found->code);
    if (name.len == 0 && code.len == 0)
        return;
    bool is_symbol =
        found->id == SL_NITF_ORG && code.len != 0 && is_exchange(sl_bulletin_ref(sl_out_root(out), scheme));
    sl_out_item(out, list, scheme, code, name, is_symbol ? code : none);
    if (is_symbol)
        sl_out_item(out, SL_LIST_SYMBOLS, scheme, none, code, none);
}

void sl_nitf_say_found(struct sl_nitf *nitf)
{
    for (uint32_t i = 0; i < nitf->found_cnt; i++) {
        const struct sl_nitf_found *found = &nitf->found[i];
        if (found->id != SL_NITF_MEDIA) {
            say_named(nitf, found);
            continue;
        }
        struct sl_ref rel = put_value(nitf, &found->scheme), href = put_value(nitf, &found->code);
        sl_out_item(nitf->out, SL_LIST_ASSOCIATIONS, rel, none, href, put_value(nitf, &found->media_type));
    }
    nitf->found_cnt = 0;
}
