/* tests/parsers/xml_expat.h - reads one document with our scanner and with expat: same events, or both refuse.
 *
 * What differs on purpose is a named case (enum xml_case); each says how expat is asked again, so that the rest of the
 * document is compared even then, or exactly what expat may have said instead.
 */
#ifndef SL_TESTS_PARSERS_XML_EXPAT_H
#define SL_TESTS_PARSERS_XML_EXPAT_H

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/xml.h"

enum xml_case {
    XML_SAME, /* same events */
    XML_BOTH_REFUSE, /* and the same events until one of the two stopped */
    XML_LIE, /* the declaration lies, or says nothing of an 8-bit set: expat is told what we found */
    XML_EARLY, /* blanks before the declaration: expat is given the rest */
    XML_UNDECLARED, /* a prefix without declaration: expat is asked again without namespaces */
    XML_NEW_NAME, /* names of the fifth edition: expat keeps to the fourth */
    XML_ENTITY, /* we refuse entities that are declared, or that an unread DTD might declare */
    XML_DTD_UNREAD, /* expat finds fault inside the DTD, which we skip */
    XML_DTD_ATTRIBUTES, /* the DTD has types and defaults of attributes: they are not compared */
    XML_BOUND, /* ours: depth, attributes, namespaces, length of a name */
    XML_VERSION, /* expat reads any version */
    XML_TARGET_COLON, /* Namespaces in XML forbid it, expat does not mind */
    XML_URI_RAW, /* a namespace written with references is another one to us */
    XML_HALF_UNIT, /* half a unit of UTF-16 behind the root: expat does not mind */
    XML_OLD_LETTER, /* U+AA, U+B5, U+BA: letters of names to expat, outside UTF-8, and in no edition */
    XML_DIFFERENT, /* a bug */
    XML_CASE_CNT,
};

static const char *const xml_case_names[XML_CASE_CNT] = {
    "same",    "both refuse", "lying label",           "early blanks", "undeclared prefix", "fifth edition name",
    "entity",  "unread DTD",  "DTD attributes",        "our bounds",   "version",           "colon in a target",
    "raw URI", "half a unit", "letters of no edition", "DIFFERENT",
};

/* ---- events as bytes ----
 *
 * ( uri 1 local 1 prefix, then for each attribute 2 name 3 value; ) name; text is itself behind one ' */

struct xml_events {
    char *data;
    size_t len, cap;
    bool is_text; /* the last event is: what follows joins it */
    bool qualified; /* names as written, instead of uri, local and prefix */
    bool no_attrs;
};

static inline void add_bytes(struct xml_events *events, const void *data, size_t len)
{
    if (events->len + len > events->cap) {
        events->cap = 2 * (events->len + len) + 4096;
        events->data = realloc(events->data, events->cap);
        if (!events->data)
            abort();
    }
    if (len != 0)
        memcpy(events->data + events->len, data, len);
    events->len += len;
}

static inline void add_mark(struct xml_events *events, const char *mark)
{
    events->is_text = *mark == '\'';
    add_bytes(events, mark, 1);
}

/* ---- expat ---- */

struct expat_result {
    struct xml_events events;
    enum XML_Error error;
    long error_off;
    bool has_attlist;
    bool in_dtd;
    XML_Parser parser;
};

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attrs)
{
    struct expat_result *result = arg;
    add_mark(&result->events, "(");
    add_bytes(&result->events, name, strlen(name));
    int cnt = result->events.no_attrs ? 0 : XML_GetSpecifiedAttributeCount(result->parser);
    for (int i = 0; i < cnt; i += 2) {
        add_bytes(&result->events, "\2", 1);
        add_bytes(&result->events, attrs[i], strlen(attrs[i]));
        add_bytes(&result->events, "\3", 1);
        add_bytes(&result->events, attrs[i + 1], strlen(attrs[i + 1]));
    }
}

static void XMLCALL on_end(void *arg, const XML_Char *name)
{
    struct expat_result *result = arg;
    add_mark(&result->events, ")");
    add_bytes(&result->events, name, strlen(name));
}

static void XMLCALL on_text(void *arg, const XML_Char *text, int len)
{
    struct expat_result *result = arg;
    if (!result->events.is_text)
        add_mark(&result->events, "'");
    add_bytes(&result->events, text, (size_t)len);
}

static void XMLCALL on_doctype(void *arg, const XML_Char *name, const XML_Char *system, const XML_Char *public, int has)
{
    (void)name, (void)system, (void)public, (void)has;
    ((struct expat_result *)arg)->in_dtd = true;
}

static void XMLCALL on_doctype_end(void *arg) { ((struct expat_result *)arg)->in_dtd = false; }

static void XMLCALL on_attlist(void *arg, const XML_Char *element, const XML_Char *name, const XML_Char *type,
                               const XML_Char *value, int is_required)
{
    (void)element, (void)name, (void)type, (void)value, (void)is_required;
    ((struct expat_result *)arg)->has_attlist = true;
}

/* The sets that expat does not know, from our table, which test_text compares with others'. */
static int XMLCALL on_encoding(void *arg, const XML_Char *name, XML_Encoding *encoding)
{
    (void)arg;
    const char16_t *high = sl_charset_high(sl_charset_named(name, strlen(name)));
    if (!high)
        return XML_STATUS_ERROR;
    memset(encoding, 0, sizeof(*encoding));
    for (int i = 0; i < 256; i++)
        encoding->map[i] = i < 0x80 ? i : high[i - 0x80];
    return XML_STATUS_OK;
}

static const char *expat_name(enum sl_charset charset)
{
    switch (charset) {
    case SL_CHARSET_UTF16LE:
        return "UTF-16LE";
    case SL_CHARSET_UTF16BE:
        return "UTF-16BE";
    default:
        return sl_charset_name(charset);
    }
}

/* told: what it shall take the bytes for; UNKNOWN: whatever it finds. */
static inline void ask_expat(struct expat_result *result, struct sl_span span, enum sl_charset told)
{
    struct xml_events *events = &result->events;
    const char *encoding = told == SL_CHARSET_UNKNOWN ? NULL : expat_name(told);
    events->len = 0;
    events->is_text = false;
    result->in_dtd = result->has_attlist = false;
    result->parser = events->qualified ? XML_ParserCreate(encoding) : XML_ParserCreateNS(encoding, '\1');
    XML_SetUserData(result->parser, result);
    XML_SetReturnNSTriplet(result->parser, 1);
    XML_SetElementHandler(result->parser, on_start, on_end);
    XML_SetCharacterDataHandler(result->parser, on_text);
    XML_SetDoctypeDeclHandler(result->parser, on_doctype, on_doctype_end);
    XML_SetAttlistDeclHandler(result->parser, on_attlist);
    XML_SetUnknownEncodingHandler(result->parser, on_encoding, NULL);
    result->error = XML_ERROR_NONE;
    if (XML_Parse(result->parser, (const char *)span.data, (int)span.len, 1) != XML_STATUS_OK) {
        result->error = XML_GetErrorCode(result->parser);
        result->error_off = XML_GetCurrentByteIndex(result->parser);
    }
    XML_ParserFree(result->parser);
}

/* ---- ours ---- */

struct our_result {
    struct xml_events events;
    struct sl_xml xml;
    struct sl_parse parse;
    bool has_undeclared, has_raw_uri;
};

static inline void add_converted(struct our_result *ours, struct sl_span span, bool is_utf8)
{
    const char16_t *high = is_utf8 ? NULL : sl_charset_high(ours->xml.charset);
    for (uint32_t i = 0; high && i < span.len; i++) {
        uint32_t character = span.data[i] < 0x80 ? span.data[i] : high[span.data[i] - 0x80];
        char utf8[3] = { (char)(0xe0 | character >> 12), (char)(0x80 | (character >> 6 & 63)),
                         (char)(0x80 | (character & 63)) };
        if (character < 0x80)
            utf8[2] = (char)character;
        else if (character < 0x800)
            utf8[1] = (char)(0xc0 | character >> 6);
        uint32_t len = character < 0x80 ? 1 : character < 0x800 ? 2 : 3;
        add_bytes(&ours->events, utf8 + 3 - len, len);
    }
    if (!high)
        add_bytes(&ours->events, span.data, span.len);
}

static inline void add_pieces(struct our_result *ours, struct sl_xml_pieces pieces)
{
    struct sl_span piece;
    while (sl_xml_piece(&pieces, &piece))
        add_converted(ours, piece, pieces.is_ref);
}

/* expat's triplet: uri 1 local, and 1 prefix if it has one. */
static inline void add_name(struct our_result *ours, struct sl_span name, uint32_t prefix_len, struct sl_span uri)
{
    if (ours->events.qualified || uri.len == 0) {
        add_converted(ours, name, false);
        return;
    }
    add_converted(ours, uri, false);
    add_bytes(&ours->events, "\1", 1);
    add_converted(ours, prefix_len == 0 ? name : sl_span_skip(name, prefix_len + 1), false);
    if (prefix_len != 0) {
        add_bytes(&ours->events, "\1", 1);
        add_converted(ours, sl_span_head(name, prefix_len), false);
    }
}

/* The namespace of an attribute, by the elements that are open: what sl_xml_attr_ns classifies. */
static inline struct sl_span attr_uri(const struct sl_xml *xml, const struct sl_xml_attr *attr)
{
    static const char xml_uri[] = "http://www.w3.org/XML/1998/namespace";
    struct sl_span prefix = sl_span_head(attr->name, attr->prefix_len);
    for (uint32_t i = xml->open[xml->depth].scope.binding_cnt; i-- != 0;) {
        struct sl_span bound = xml->bindings[i].prefix;
        if (bound.len != 0 && bound.len == prefix.len && memcmp(bound.data, prefix.data, prefix.len) == 0)
            return xml->bindings[i].uri;
    }
    return sl_xml_is(prefix, "xml") ? sl_span_of(SL_SLICE(xml_uri)) : (struct sl_span){ NULL, 0 };
}

static inline void add_our_attrs(struct our_result *ours)
{
    const struct sl_xml *xml = &ours->xml;
    for (uint32_t i = 0; i < xml->attr_cnt; i++) {
        const struct sl_xml_attr *attr = &xml->attrs[i];
        enum sl_xml_ns ns = sl_xml_attr_ns(xml, attr);
        bool is_declaration = ns == SL_XML_NS_XMLNS || sl_xml_is(attr->name, "xmlns");
        ours->has_undeclared |= ns == SL_XML_NS_UNDECLARED;
        ours->has_raw_uri |= is_declaration && attr->marks != 0;
        if (is_declaration && !ours->events.qualified)
            continue;
        add_bytes(&ours->events, "\2", 1);
        struct sl_span uri = attr->prefix_len != 0 ? attr_uri(xml, attr) : (struct sl_span){ NULL, 0 };
        add_name(ours, attr->name, attr->prefix_len, uri);
        add_bytes(&ours->events, "\3", 1);
        add_pieces(ours, sl_xml_pieces_of_value(attr));
    }
}

static inline void ask_ours(struct our_result *ours, struct sl_span span)
{
    struct sl_xml *xml = &ours->xml;
    ours->events.len = 0;
    ours->events.is_text = false;
    ours->has_undeclared = ours->has_raw_uri = false;
    ours->parse.scratch.used = 0;
    sl_xml_begin(xml, &ours->parse, span, NULL, SL_CHARSET_UNKNOWN);
    while (sl_xml_next(xml) != SL_XML_DONE && xml->event != SL_XML_ERROR) {
        if (xml->event == SL_XML_TEXT) {
            if (!ours->events.is_text)
                add_mark(&ours->events, "'");
            add_pieces(ours, sl_xml_pieces_of_text(xml));
            continue;
        }
        add_mark(&ours->events, xml->event == SL_XML_START ? "(" : ")");
        ours->has_undeclared |= sl_xml_ns(xml) == SL_XML_NS_UNDECLARED;
        add_name(ours, sl_xml_name(xml), sl_xml_above(xml, 0)->prefix_len, sl_xml_ns_uri(xml));
        if (xml->event == SL_XML_START && !ours->events.no_attrs)
            add_our_attrs(ours);
    }
}

/* ---- the two ---- */

static inline bool is_prefix(const struct xml_events *a, const struct xml_events *b)
{
    size_t len = a->len < b->len ? a->len : b->len;
    return len == 0 || memcmp(a->data, b->data, len) == 0;
}

static inline enum xml_case compare_events(const struct our_result *ours, const struct expat_result *expat)
{
    bool we_refuse = ours->xml.event == SL_XML_ERROR, expat_refuses = expat->error != XML_ERROR_NONE;
    if (we_refuse != expat_refuses || !is_prefix(&ours->events, &expat->events))
        return XML_DIFFERENT;
    if (we_refuse)
        return XML_BOTH_REFUSE;
    return ours->events.len == expat->events.len ? XML_SAME : XML_DIFFERENT;
}

/* Blanks before the declaration, in UTF-16, and its mark: expat is told what it is. */
static inline struct sl_span without_early_units(struct sl_span span, bool is_big)
{
    uint32_t from = span.len >= 2 && (span.data[0] == 0xff || span.data[0] == 0xfe) ? 2 : 0;
    while (span.len - from >= 2 && span.data[from + !is_big] == 0 && sl_is_white(span.data[from + is_big]))
        from += 2;
    return sl_span_skip(span, from);
}

/* The same in bytes: blanks stand before the mark or behind it. */
static inline struct sl_span without_early_blanks(struct sl_span span)
{
    struct sl_span rest = span;
    if (rest.len >= 3 && memcmp(rest.data, "\xef\xbb\xbf", 3) == 0)
        rest = sl_span_skip(rest, 3);
    rest = sl_span_skip_white(rest);
    if (rest.len >= 3 && memcmp(rest.data, "\xef\xbb\xbf", 3) == 0)
        rest = sl_span_skip(rest, 3);
    return sl_span_skip_white(rest);
}

struct xml_pair {
    struct our_result ours;
    struct expat_result expat;
};

static inline enum sl_charset found_charset(const struct sl_xml *xml)
{
    return xml->was_utf16 ? xml->sent_charset : xml->charset;
}

/* The character of UTF-8 or Latin-1 at which our scanner stopped. */
static inline bool is_old_letter(const struct sl_xml *xml)
{
    const uint8_t *at = xml->data + xml->off;
    uint32_t left = xml->len - xml->off;
    if (xml->was_utf16)
        return left >= 2 && at[0] == 0xc2 && memchr("\xaa\xb5\xba", at[1], 3);
    return left >= 1 && xml->charset != SL_CHARSET_UTF8 && memchr("\xaa\xb5\xba", at[0], 3);
}

/* What we refuse and expat need not. */
static inline enum xml_case excuse_of_refusal(const struct xml_pair *pair, struct sl_span span)
{
    const struct sl_parse_err *err = &pair->ours.xml.err;
    if (pair->ours.xml.was_utf16 && pair->ours.xml.depth == 0 && span.len % 2 == 1 && err->off == span.len - 1)
        return XML_HALF_UNIT;
    if (err->code == SL_PARSE_BAD_FRAME && is_old_letter(&pair->ours.xml))
        return XML_OLD_LETTER;
    if (err->code == SL_PARSE_REFUSED)
        return XML_ENTITY;
    if (err->code == SL_PARSE_TOO_DEEP || err->code == SL_PARSE_TOO_LARGE)
        return XML_BOUND;
    if (err->code == SL_PARSE_BAD_HEADER && strcmp(err->want, "version 1.0") == 0)
        return XML_VERSION;
    if (strcmp(err->want, "a target without a colon") == 0)
        return XML_TARGET_COLON;
    return XML_DIFFERENT;
}

/* What expat refuses and we need not. */
static inline enum xml_case excuse_of_reading(const struct xml_pair *pair, struct sl_span span)
{
    const struct expat_result *expat = &pair->expat;
    if (expat->in_dtd)
        return XML_DTD_UNREAD;
    /* Of all that we read, only a name can hold a character that expat does not know. */
    long off = expat->error_off;
    bool is_high = off >= 0 && off < (long)span.len && (span.data[off] >= 0x80 || pair->ours.xml.was_utf16);
    if (expat->error == XML_ERROR_INVALID_TOKEN && is_high)
        return XML_NEW_NAME;
    if (expat->error == XML_ERROR_DUPLICATE_ATTRIBUTE && pair->ours.has_raw_uri)
        return XML_URI_RAW;
    return XML_DIFFERENT;
}

static inline enum xml_case compare_again(struct xml_pair *pair, struct sl_span span, struct sl_span rest,
                                          enum sl_charset told)
{
    ask_ours(&pair->ours, span);
    ask_expat(&pair->expat, rest, told);
    return compare_events(&pair->ours, &pair->expat);
}

static inline bool indexes_agree(struct sl_xml_index *a, struct sl_xml_index *b, uint32_t len)
{
    len = len < SL_XML_WINDOW ? len : SL_XML_WINDOW;
    sl_xml_index_end(a, len);
    sl_xml_index_end(b, len);
    size_t bytes = 8 * (len / SL_XML_BLOCK + 2);
    return !memcmp(a->content, b->content, bytes) && !memcmp(a->value, b->value, bytes) &&
           !memcmp(a->no_name, b->no_name, bytes);
}

/* The fast ways over these bytes and the plain ones: the same, bit for bit. */
static inline bool scans_agree(struct sl_span span)
{
    static struct sl_xml_index a, b;
    struct sl_xml_survey fast = sl_xml_survey(&a, span.data, span.len),
                         plain = sl_xml_survey_plain(span.data, span.len);
    if (fast.clean != plain.clean || fast.is_ascii != plain.is_ascii ||
        sl_xml_control_free(span.data, span.len) != sl_xml_control_free_plain(span.data, span.len))
        return false;
    sl_xml_index_plain(&b, span.data, span.len);
    bool agree = indexes_agree(&a, &b, span.len);
    for (uint32_t from = 0; agree && from < span.len; from += SL_XML_WINDOW) {
        sl_xml_index(&a, span.data + from, span.len - from);
        sl_xml_index_plain(&b, span.data + from, span.len - from);
        agree = indexes_agree(&a, &b, span.len - from);
    }
    return agree;
}

static inline enum xml_case compare_xml(struct xml_pair *pair, struct sl_span span)
{
    if (!scans_agree(span))
        return XML_DIFFERENT;
    struct our_result *ours = &pair->ours;
    struct expat_result *expat = &pair->expat;
    ours->events.qualified = expat->events.qualified = false;
    ours->events.no_attrs = expat->events.no_attrs = false;
    enum xml_case same = compare_again(pair, span, span, SL_CHARSET_UNKNOWN);
    if (same != XML_DIFFERENT)
        return same;
    if (ours->xml.event == SL_XML_ERROR && expat->error == XML_ERROR_NONE &&
        excuse_of_refusal(pair, span) != XML_DIFFERENT && is_prefix(&ours->events, &expat->events))
        return excuse_of_refusal(pair, span);

    /* From here on expat is told what it could not know; each thing that had to be told has a name. */
    enum sl_charset told = found_charset(&ours->xml);
    if (compare_again(pair, span, span, told) != XML_DIFFERENT)
        return XML_LIE;
    struct sl_span rest = without_early_blanks(span);
    if (ours->xml.was_utf16)
        rest = without_early_units(span, told == SL_CHARSET_UTF16BE);
    if (rest.len != span.len && compare_again(pair, span, rest, told) != XML_DIFFERENT)
        return XML_EARLY;
    /* Without namespaces expat does not see what is wrong with them, so its refusal with them counts. */
    bool both_refuse = ours->xml.event == SL_XML_ERROR && expat->error != XML_ERROR_NONE;
    if (ours->has_undeclared || ours->has_raw_uri) {
        ours->events.qualified = expat->events.qualified = true;
        if (compare_again(pair, span, rest, told) != XML_DIFFERENT ||
            (both_refuse && is_prefix(&ours->events, &expat->events)))
            return ours->has_undeclared ? XML_UNDECLARED : XML_URI_RAW;
    }
    if (expat->has_attlist) {
        ours->events.qualified = expat->events.qualified = true;
        ours->events.no_attrs = expat->events.no_attrs = true;
        if (compare_again(pair, span, rest, told) != XML_DIFFERENT ||
            (both_refuse && is_prefix(&ours->events, &expat->events)))
            return XML_DTD_ATTRIBUTES;
    }
    if (!is_prefix(&ours->events, &expat->events))
        return XML_DIFFERENT;
    return ours->xml.event == SL_XML_ERROR ? excuse_of_refusal(pair, span) : excuse_of_reading(pair, rest);
}

static inline void show_difference(const struct xml_pair *pair, struct sl_span span)
{
    const struct sl_xml *xml = &pair->ours.xml;
    fprintf(stderr, "DIFFERENT: %.*s\n", (int)(span.len < 4000 ? span.len : 4000), span.data);
    if (xml->event == SL_XML_ERROR)
        fprintf(stderr, "  ours: %s at %u, wanted %s\n", sl_parse_code_name(xml->err.code), xml->err.off,
                xml->err.want);
    else
        fprintf(stderr, "  ours: %zu bytes of events\n", pair->ours.events.len);
    size_t at = 0;
    const struct xml_events *a = &pair->ours.events, *b = &pair->expat.events;
    while (at < a->len && at < b->len && a->data[at] == b->data[at])
        at++;
    fprintf(stderr, "  events differ at %zu: \"%.*s\" \"%.*s\"\n", at, (int)(a->len - at < 40 ? a->len - at : 40),
            a->data + at, (int)(b->len - at < 40 ? b->len - at : 40), b->data + at);
    fprintf(stderr, "  expat: %s at %ld, %zu bytes of events\n",
            pair->expat.error ? XML_ErrorString(pair->expat.error) : "read", pair->expat.error_off,
            pair->expat.events.len);
}

#endif
