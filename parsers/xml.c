#include "parsers/xml.h"
#include <assert.h>
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/xml_chars.h"
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

/* Out of the way of what is fine. */
#define SELDOM __attribute__((noinline, cold))
#define OFTEN  inline __attribute__((always_inline))

/* ---- errors ---- */

/* For the byte of UTF-8 that we made: the place in the UTF-16 that was sent. */
static uint32_t message_off(const struct sl_xml *xml, uint32_t off)
{
    if (!xml->was_utf16)
        return xml->origin + off;
    uint32_t sent = xml->origin;
    for (uint32_t i = 0; i < off && i < xml->len; i++) {
        if ((xml->data[i] & 0xc0) != 0x80)
            sent += xml->data[i] >= 0xf0 ? 4 : 2;
    }
    return sent;
}

void sl_xml_stop(struct sl_xml *xml, enum sl_parse_code code, uint32_t off, const char *want)
{
    xml->event = SL_XML_ERROR;
    xml->state = AT_ERROR;
    xml->off = off;
    xml->err = (struct sl_parse_err){ code, message_off(xml, off), want };
}

static SELDOM bool fail(struct sl_xml *xml, enum sl_parse_code code, uint32_t off, const char *want)
{
    sl_xml_stop(xml, code, off, want);
    return false;
}

/* The document is over before it should be, or goes on with something that is no character. */
static SELDOM bool fail_at_clean(struct sl_xml *xml)
{
    if (xml->clean == xml->len)
        return fail(xml, SL_PARSE_CUT, xml->len, "the rest of the document");
    bool is_utf8 =
        xml->charset != SL_CHARSET_UTF8 || sl_utf8_prefix(xml->data + xml->clean, xml->len - xml->clean) != 0;
    if (xml->was_utf16)
        return fail(xml, SL_PARSE_BAD_TEXT, xml->clean, "a character that XML allows, in UTF-16");
    return fail(xml, SL_PARSE_BAD_TEXT, xml->clean, is_utf8 ? "a character that XML allows" : "valid UTF-8");
}

static SELDOM bool fail_here(struct sl_xml *xml, const char *want)
{
    if (xml->at >= xml->clean)
        return fail_at_clean(xml);
    return fail(xml, SL_PARSE_BAD_FRAME, xml->at, want);
}

/* ---- looking and taking ---- */

static struct sl_span span_from(const struct sl_xml *xml, uint32_t from)
{
    return (struct sl_span){ xml->data + from, xml->at - from };
}

/* The byte at the place, 0 behind the last: no document holds one. */
static uint8_t here(const struct sl_xml *xml) { return xml->at < xml->clean ? xml->data[xml->at] : 0; }

static uint8_t here_at(const struct sl_xml *xml, uint32_t at) { return at < xml->clean ? xml->data[at] : 0; }

static OFTEN bool is_here(const struct sl_xml *xml, const char *text)
{
    size_t len = strlen(text);
    return xml->clean - xml->at >= len && memcmp(xml->data + xml->at, text, len) == 0;
}

static inline bool take(struct sl_xml *xml, const char *text)
{
    if (!is_here(xml, text))
        return false;
    xml->at += (uint32_t)strlen(text);
    return true;
}

/* Blank, TAB, LF and CR are bits of one word. */
static inline bool is_white(uint8_t byte) { return byte <= ' ' && (0x100002600ull >> byte & 1) != 0; }

static inline bool take_white(struct sl_xml *xml)
{
    uint32_t from = xml->at;
    while (is_white(here(xml)))
        xml->at++;
    return xml->at != from;
}

/* Behind the next place where text stands. */
static inline bool take_behind(struct sl_xml *xml, const char *text)
{
    const uint8_t *found = sl_xml_find(xml->data + xml->at, xml->clean - xml->at, text);
    if (!found)
        return fail_at_clean(xml);
    xml->at = (uint32_t)(found - xml->data) + (uint32_t)strlen(text);
    return true;
}

/* ---- jumping ---- */

/* The window now begins at a place, which is no nearer to the end than LOOK_AHEAD. */
static SELDOM void move_window(struct sl_xml *xml, uint32_t at)
{
    uint32_t left = xml->clean - SL_XML_LOOK_AHEAD - at;
    xml->window = xml->data + at;
    xml->window_from = at;
    xml->window_len = left < SL_XML_WINDOW ? left : SL_XML_WINDOW;
    sl_xml_index(&xml->index, xml->window, xml->window_len);
    sl_xml_index_end(&xml->index, xml->window_len);
}

/* Is there an index from this place on? */
static inline bool is_indexed(struct sl_xml *xml, uint32_t at)
{
    if (at - xml->window_from < xml->window_len)
        return true;
    if (xml->clean < SL_XML_LOOK_AHEAD || at >= xml->clean - SL_XML_LOOK_AHEAD)
        return false;
    move_window(xml, at);
    return true;
}

/* The next place from at on where a mask of the index has a bit, or one before it where it is worth to look; behind
 * what is indexed that is every place. */
static uint32_t next_stop(struct sl_xml *xml, const uint64_t *mask, uint32_t at)
{
    return is_indexed(xml, at) ? xml->window_from + sl_xml_next_bit(mask, at - xml->window_from) : at;
}

/* ---- names ---- */

/* Bytes of the character of a name here; 0: it is none. */
static uint32_t name_char_len(const struct sl_xml *xml, bool is_first)
{
    const uint8_t *data = xml->data + xml->at;
    uint32_t character = data[0], len = 1;
    const char16_t *high = sl_charset_high(xml->charset);
    if (character >= 0x80 && xml->charset == SL_CHARSET_UTF8)
        len = sl_xml_decode(data, &character);
    else if (character >= 0x80 && !high) /* in several bytes, which stand for letters nearly always */
        return 1;
    else if (character >= 0x80)
        character = high[character - 0x80];
    return sl_xml_is_name_char(character, is_first) ? len : 0;
}

/* A qualified name: one colon at most, and a whole name on either side of it. */
static SELDOM bool take_name(struct sl_xml *xml, struct sl_span *name, uint32_t *prefix_len)
{
    uint32_t from = xml->at;
    bool is_first = true;
    *prefix_len = 0;
    while (xml->at < xml->clean) {
        if (xml->data[xml->at] == ':' && !is_first && *prefix_len == 0) {
            *prefix_len = xml->at - from;
            xml->at++;
            is_first = true;
            continue;
        }
        uint32_t len = name_char_len(xml, is_first);
        if (len == 0)
            break;
        xml->at += len;
        is_first = false;
    }
    if (is_first || xml->at >= xml->clean || xml->data[xml->at] == ':')
        return fail_here(xml, "a name");
    *name = span_from(xml, from);
    if (name->len > SL_XML_NAME_MAX)
        return fail(xml, SL_PARSE_TOO_LARGE, from, "a name of at most 1024 bytes");
    return true;
}

static struct sl_span local_of(struct sl_span name, uint32_t prefix_len)
{
    return prefix_len == 0 ? name : sl_span_skip(name, prefix_len + 1);
}

static bool same(struct sl_span a, struct sl_span b) { return a.len == b.len && sl_xml_same(a.data, b.data, a.len); }

/* ---- references ---- */

static __attribute__((noinline)) bool take_reference(struct sl_xml *xml)
{
    uint32_t from = xml->at, character;
    struct sl_span rest = { xml->data + from, xml->clean - from };
    uint32_t len = sl_xml_reference(rest, &character);
    if (len != 0) {
        xml->at += len;
        return true;
    }
    while (rest.len > 1 && !memchr(";<&\"' \t\r\n", rest.data[1], 9))
        rest = sl_span_skip(rest, 1);
    if (rest.len <= 1)
        return fail_at_clean(xml);
    if (rest.data[1] != ';')
        return fail(xml, SL_PARSE_BAD_FRAME, from, "a reference, or &amp;");
    if (xml->data[from + 1] == '#')
        return fail(xml, SL_PARSE_BAD_TEXT, from, "the number of a character that XML allows");
    return fail(xml, SL_PARSE_REFUSED, from, "one of the five entities");
}

/* ---- comments, instructions, the declaration ---- */

/* At <!-- . */
static __attribute__((noinline)) bool skip_comment(struct sl_xml *xml)
{
    xml->at += 4;
    if (!take_behind(xml, "--"))
        return false;
    if (here(xml) != '>')
        return fail_here(xml, "--> where a comment has --");
    xml->at++;
    return true;
}

/* At <? . */
static __attribute__((noinline)) bool skip_instruction(struct sl_xml *xml)
{
    struct sl_span target;
    uint32_t prefix_len, from = xml->at;
    xml->at += 2;
    if (!take_name(xml, &target, &prefix_len))
        return false;
    if (prefix_len != 0)
        return fail(xml, SL_PARSE_BAD_FRAME, from + 2, "a target without a colon");
    if (sl_span_is(target, "xml"))
        return fail(xml, SL_PARSE_BAD_FRAME, from, "the declaration at the start only");
    if (!is_here(xml, "?>") && !take_white(xml))
        return fail_here(xml, "a blank or ?> behind the target");
    return take_behind(xml, "?>");
}

/* name="value" of the declaration. */
static bool take_pseudo(struct sl_xml *xml, const char *name, struct sl_span *value)
{
    if (!take(xml, name))
        return fail_here(xml, name);
    take_white(xml);
    if (!take(xml, "="))
        return fail_here(xml, "=");
    take_white(xml);
    uint8_t quote = here(xml);
    if (quote != '"' && quote != '\'')
        return fail_here(xml, "a quoted value");
    uint32_t from = ++xml->at;
    while (sl_is_ascii_letter(here(xml)) || sl_is_digit(here(xml)) || (here(xml) != 0 && strchr("._-", here(xml))))
        xml->at++;
    *value = span_from(xml, from);
    if (here(xml) != quote)
        return fail_here(xml, "the closing quote");
    xml->at++;
    return true;
}

static bool check_version(struct sl_xml *xml, struct sl_span version)
{
    bool is_one = version.len > 2 && version.data[0] == '1' && version.data[1] == '.';
    struct sl_span minor = is_one ? sl_span_skip(version, 2) : version;
    if (is_one && sl_span_digits(minor) == minor.len)
        return true;
    return fail(xml, SL_PARSE_BAD_HEADER, (uint32_t)(version.data - xml->data), "version 1.0");
}

/* The encoding's label does not decide alone; begin has looked at the bytes. */
static bool take_encoding(struct sl_xml *xml)
{
    struct sl_span value;
    if (!take_pseudo(xml, "encoding", &value))
        return false;
    if (value.len == 0 || !sl_is_ascii_letter(value.data[0]))
        return fail(xml, SL_PARSE_BAD_HEADER, (uint32_t)(value.data - xml->data), "the name of an encoding");
    xml->label = sl_charset_named((const char *)value.data, value.len);
    /* Begin looked for the first document's label.  Of Windows-1252, ISO 8859-1 is a part. */
    if (xml->document_cnt > 1 && xml->charset != SL_CHARSET_UTF8 && sl_charset_high(xml->label))
        xml->charset = xml->label == SL_CHARSET_ISO_8859_1 ? SL_CHARSET_WINDOWS_1252 : xml->label;
    return true;
}

static bool is_declaration(const struct sl_xml *xml)
{
    return is_here(xml, "<?xml") && xml->clean - xml->at > 5 && sl_is_white(xml->data[xml->at + 5]);
}

/* At <?xml and a blank. */
static bool take_declaration(struct sl_xml *xml)
{
    struct sl_span value;
    xml->at += 5;
    take_white(xml);
    if (!take_pseudo(xml, "version", &value) || !check_version(xml, value))
        return false;
    bool has_blank = take_white(xml);
    if (has_blank && is_here(xml, "encoding")) {
        if (!take_encoding(xml))
            return false;
        has_blank = take_white(xml);
    }
    if (has_blank && is_here(xml, "standalone")) {
        if (!take_pseudo(xml, "standalone", &value))
            return false;
        if (!sl_xml_is(value, "yes") && !sl_xml_is(value, "no"))
            return fail(xml, SL_PARSE_BAD_HEADER, (uint32_t)(value.data - xml->data), "yes or no");
        take_white(xml);
    }
    return take(xml, "?>") || fail_here(xml, "?> at the end of the declaration");
}

/* ---- the document type ---- */

static bool skip_literal(struct sl_xml *xml, bool is_public)
{
    uint8_t quote = here(xml);
    if (quote != '"' && quote != '\'')
        return fail_here(xml, "a quoted identifier");
    for (xml->at++; here(xml) != quote; xml->at++) {
        if (xml->at >= xml->clean)
            return fail_at_clean(xml);
        if (is_public && !sl_xml_is_public(here(xml)))
            return fail_here(xml, "a character of a public identifier");
    }
    xml->at++;
    return true;
}

static bool skip_external(struct sl_xml *xml)
{
    bool is_public = is_here(xml, "PUBLIC");
    if (!is_public && !is_here(xml, "SYSTEM"))
        return true;
    xml->at += 6;
    if (!take_white(xml))
        return fail_here(xml, "a blank");
    if (!skip_literal(xml, is_public))
        return false;
    if (!is_public)
        return true;
    if (!take_white(xml))
        return fail_here(xml, "a blank and the system identifier");
    return skip_literal(xml, false);
}

/* "<!ENTITY % nitf SYSTEM 'nitf.dtd'>" is how agencies' DTDs load others, which nobody here does.  Any other entity
 * could be meant in the text. */
static bool skip_entity(struct sl_xml *xml)
{
    struct sl_span name;
    uint32_t prefix_len, start = xml->at;
    xml->at += 8;
    bool is_parameter = take_white(xml) && take(xml, "%") && take_white(xml);
    bool is_external = is_parameter && take_name(xml, &name, &prefix_len) && take_white(xml) &&
                       (is_here(xml, "SYSTEM") || is_here(xml, "PUBLIC"));
    if (!is_external)
        return fail(xml, SL_PARSE_REFUSED, start, "a document that declares no entities");
    if (!skip_external(xml))
        return false;
    take_white(xml);
    return take(xml, ">") || fail_here(xml, "> at the end of the declaration");
}

/* "%nitf;" between declarations. */
static bool skip_parameter(struct sl_xml *xml)
{
    struct sl_span name;
    uint32_t prefix_len;
    xml->at++;
    return take_name(xml, &name, &prefix_len) && (take(xml, ";") || fail_here(xml, "; at the end of the reference"));
}

/* At <! of an element, attribute list or notation: not looked into. */
static bool skip_markup_declaration(struct sl_xml *xml)
{
    if (is_here(xml, "<!ENTITY"))
        return skip_entity(xml);
    if (!take(xml, "<!ELEMENT") && !take(xml, "<!ATTLIST") && !take(xml, "<!NOTATION"))
        return fail_here(xml, "a declaration of an element, attributes or a notation");
    while (here(xml) != '>') {
        uint8_t byte = here(xml);
        if (byte == 0 || byte == '<' || byte == '[' || byte == ']')
            return fail_here(xml, "> at the end of the declaration");
        if (byte == '%')
            return fail(xml, SL_PARSE_REFUSED, xml->at, "a document without parameter entities");
        if (byte != '"' && byte != '\'')
            xml->at++;
        else if (!skip_literal(xml, false))
            return false;
    }
    xml->at++;
    return true;
}

/* Behind [ . */
static bool skip_internal_subset(struct sl_xml *xml)
{
    for (;;) {
        take_white(xml);
        bool fine;
        if (take(xml, "]"))
            return true;
        if (is_here(xml, "<!--"))
            fine = skip_comment(xml);
        else if (is_here(xml, "<?"))
            fine = skip_instruction(xml);
        else if (is_here(xml, "<!"))
            fine = skip_markup_declaration(xml);
        else if (here(xml) == '%')
            fine = skip_parameter(xml);
        else
            fine = fail_here(xml, "a declaration, or ] at their end");
        if (!fine)
            return false;
    }
}

/* At <!DOCTYPE . */
static bool skip_doctype(struct sl_xml *xml)
{
    struct sl_span name;
    uint32_t prefix_len;
    xml->at += 9;
    if (!take_white(xml))
        return fail_here(xml, "a blank");
    if (!take_name(xml, &name, &prefix_len))
        return false;
    if (take_white(xml) && !skip_external(xml))
        return false;
    take_white(xml);
    if (take(xml, "[") && !skip_internal_subset(xml))
        return false;
    take_white(xml);
    return take(xml, ">") || fail_here(xml, "> at the end of the document type");
}

/* ---- namespaces ---- */

#define XML_URI   "http://www.w3.org/XML/1998/namespace"
#define XMLNS_URI "http://www.w3.org/2000/xmlns/"

static const struct known_ns {
    const char *uri;
    uint8_t ns;
} known_ns[] = {
    {XML_URI,                                        SL_XML_NS_XML        },
    { XMLNS_URI,                                     SL_XML_NS_XMLNS      },
    { "http://www.w3.org/1999/xhtml",                SL_XML_NS_XHTML      },
    { "http://iptc.org/std/NITF/2006-10-18/",        SL_XML_NS_NITF       },
    { "http://iptc.org/std/nar/2006-10-01/",         SL_XML_NS_NAR        },
    { "http://iptc.org/std/NewsML/2003-10-10/",      SL_XML_NS_NEWSML1    },
    { "http://www.w3.org/2005/Atom",                 SL_XML_NS_ATOM       },
    { "http://purl.org/atom/ns#",                    SL_XML_NS_ATOM       },
    { "http://www.w3.org/1999/02/22-rdf-syntax-ns#", SL_XML_NS_RDF        },
    { "http://purl.org/rss/1.0/",                    SL_XML_NS_RSS1       },
    { "http://purl.org/rss/1.0/modules/content/",    SL_XML_NS_RSS_CONTENT},
    { "http://search.yahoo.com/mrss/",               SL_XML_NS_RSS_MEDIA  },
    { "http://search.yahoo.com/mrss",                SL_XML_NS_RSS_MEDIA  },
    { "http://purl.org/dc/elements/1.1/",            SL_XML_NS_DC         },
    { "http://purl.org/dc/terms/",                   SL_XML_NS_DC_TERMS   },
    { "http://www.georss.org/georss",                SL_XML_NS_GEORSS     },
    { "http://wordpress.org/export/1.0/",            SL_XML_NS_WORDPRESS  },
    { "http://wordpress.org/export/1.1/",            SL_XML_NS_WORDPRESS  },
    { "http://wordpress.org/export/1.2/",            SL_XML_NS_WORDPRESS  },
    { "http://www.incident.com/cap/1.0",             SL_XML_NS_CAP        },
    { "urn:oasis:names:tc:emergency:cap:1.1",        SL_XML_NS_CAP        },
    { "urn:oasis:names:tc:emergency:cap:1.2",        SL_XML_NS_CAP        },
    { "urn:oasis:names:tc:emergency:EDXL:DE:1.0",    SL_XML_NS_EDXL_DE    },
    { "urn:oasis:names:tc:emergency:EDXL:DE:2.0",    SL_XML_NS_EDXL_DE    },
};

static uint8_t ns_of_uri(struct sl_span uri)
{
    if (uri.len == 0)
        return SL_XML_NS_NONE;
    for (size_t i = 0; i < sizeof(known_ns) / sizeof(*known_ns); i++) {
        if (sl_xml_is(uri, known_ns[i].uri))
            return known_ns[i].ns;
    }
    return SL_XML_NS_OTHER;
}

static bool is_ns_declaration(const struct sl_xml_attr *attr)
{
    return attr->name.len >= 5 && memcmp(attr->name.data, "xmlns", 5) == 0 &&
           (attr->name.len == 5 || attr->prefix_len == 5);
}

/* Namespaces in XML 1.0, 3 and 5: what may not be declared. */
static bool check_binding(struct sl_xml *xml, const struct sl_xml_binding *binding, const struct sl_xml_attr *attr)
{
    bool is_xml = sl_xml_is(binding->prefix, "xml");
    uint32_t off = (uint32_t)(attr->name.data - xml->data);
    if (sl_xml_is(binding->prefix, "xmlns") || binding->ns == SL_XML_NS_XMLNS)
        return fail(xml, SL_PARSE_BAD_FRAME, off, "xmlns to be left alone");
    if (is_xml != (binding->ns == SL_XML_NS_XML))
        return fail(xml, SL_PARSE_BAD_FRAME, off, "xml to be the prefix of its own namespace, and of no other");
    if (binding->prefix.len != 0 && binding->uri.len == 0)
        return fail(xml, SL_PARSE_BAD_FRAME, off, "a namespace for the prefix");
    return true;
}

static bool bind_namespace(struct sl_xml *xml, struct sl_xml_open *open, const struct sl_xml_attr *attr)
{
    if (open->scope.binding_cnt == SL_XML_BINDINGS_MAX)
        return fail(xml, SL_PARSE_TOO_LARGE, (uint32_t)(attr->name.data - xml->data),
                    "at most 64 namespace declarations");
    struct sl_xml_binding *binding = &xml->bindings[open->scope.binding_cnt++];
    binding->prefix = attr->name.len == 5 ? (struct sl_span){ NULL, 0 } : sl_span_skip(attr->name, 6);
    binding->uri = attr->value;
    binding->ns = ns_of_uri(attr->value);
    if (binding->prefix.len == 0) {
        open->scope.default_place = open->scope.binding_cnt;
        open->scope.default_ns = binding->ns;
    }
    return check_binding(xml, binding, attr);
}

static const struct sl_xml_binding xml_binding = {
    {(const uint8_t *)"xml",    3                  },
    { (const uint8_t *)XML_URI, sizeof(XML_URI) - 1},
    SL_XML_NS_XML,
};

/* The innermost declaration of the prefix, NULL without one. */
const struct sl_xml_binding *sl_xml_find_binding(const struct sl_xml *xml, struct sl_span prefix)
{
    uint32_t cnt = xml->open[xml->depth].scope.binding_cnt;
    while (cnt-- != 0) {
        if (xml->bindings[cnt].prefix.len != 0 && same(xml->bindings[cnt].prefix, prefix))
            return &xml->bindings[cnt];
    }
    return sl_xml_is(prefix, "xml") ? &xml_binding : NULL;
}

const struct sl_xml_binding *sl_xml_binding_of(const struct sl_xml *xml, const struct sl_xml_open *open)
{
    if (open->prefix_len != 0)
        return sl_xml_find_binding(xml, sl_span_head(open->name, open->prefix_len));
    return open->scope.default_place != 0 ? &xml->bindings[open->scope.default_place - 1] : NULL;
}

static SELDOM bool resolve_prefix(struct sl_xml *xml, struct sl_xml_open *open)
{
    const struct sl_xml_binding *binding = sl_xml_binding_of(xml, open);
    open->ns = binding ? binding->ns : SL_XML_NS_UNDECLARED;
    if (open->prefix_len == 5 && memcmp(open->name.data, "xmlns", 5) == 0)
        return fail(xml, SL_PARSE_BAD_FRAME, (uint32_t)(open->name.data - xml->data), "xmlns to be left alone");
    return true;
}

static OFTEN bool resolve_element(struct sl_xml *xml, struct sl_xml_open *open)
{
    open->ns = open->scope.default_ns;
    return open->prefix_len == 0 || resolve_prefix(xml, open);
}

/* ---- attributes ---- */

static bool is_same_attr(const struct sl_xml *xml, const struct sl_xml_attr *a, const struct sl_xml_attr *b)
{
    if (same(a->name, b->name))
        return true;
    if (a->prefix_len == 0 || b->prefix_len == 0 ||
        !same(local_of(a->name, a->prefix_len), local_of(b->name, b->prefix_len)))
        return false;
    const struct sl_xml_binding *bound_a = sl_xml_find_binding(xml, sl_span_head(a->name, a->prefix_len));
    const struct sl_xml_binding *bound_b = sl_xml_find_binding(xml, sl_span_head(b->name, b->prefix_len));
    return bound_a && bound_b && same(bound_a->uri, bound_b->uri);
}

/* Most names differ in what their local parts begin and end with, and in length: of those, none is compared. */
static inline uint64_t attr_bit(const struct sl_xml_attr *attr)
{
    struct sl_span local = local_of(attr->name, attr->prefix_len);
    return 1ull << ((local.data[0] * 5u + local.data[local.len - 1] * 11u + local.len * 3u) & 63);
}

static bool check_attrs_unique(struct sl_xml *xml)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < xml->attr_cnt; i++) {
        uint64_t bit = attr_bit(&xml->attrs[i]);
        for (uint32_t k = 0; (seen & bit) && k < i; k++) {
            if (is_same_attr(xml, &xml->attrs[i], &xml->attrs[k]))
                return fail(xml, SL_PARSE_BAD_FRAME, (uint32_t)(xml->attrs[i].name.data - xml->data),
                            "each attribute once");
        }
        seen |= bit;
    }
    return true;
}

/* Behind the opening quote. */
static bool take_value(struct sl_xml *xml, uint8_t quote, struct sl_xml_attr *attr)
{
    uint32_t from = xml->at;
    attr->marks = 0;
    for (;;) {
        xml->at = next_stop(xml, xml->index.value, xml->at);
        uint8_t byte = here(xml);
        if (byte == quote)
            break;
        switch (byte) {
        case '&':
            attr->marks |= SL_XML_HAS_REF;
            if (!take_reference(xml))
                return false;
            break;
        case '<':
            return fail_here(xml, "&lt; in a value");
        case '\r':
            attr->marks |= SL_XML_HAS_CR | SL_XML_HAS_WHITE;
            xml->at++;
            break;
        case '\n':
        case '\t':
            attr->marks |= SL_XML_HAS_WHITE;
            xml->at++;
            break;
        case 0:
            return fail_at_clean(xml);
        default: /* the other quote */
            xml->at++;
        }
    }
    attr->value = span_from(xml, from);
    xml->at++;
    return true;
}

static SELDOM bool take_attr(struct sl_xml *xml)
{
    if (xml->attr_cnt == SL_XML_ATTRS_MAX)
        return fail(xml, SL_PARSE_TOO_LARGE, xml->at, "at most 128 attributes");
    struct sl_xml_attr *attr = &xml->attrs[xml->attr_cnt];
    if (!take_name(xml, &attr->name, &attr->prefix_len))
        return false;
    take_white(xml);
    if (here(xml) != '=')
        return fail_here(xml, "= and a value");
    xml->at++;
    take_white(xml);
    uint8_t quote = here(xml);
    if (quote != '"' && quote != '\'')
        return fail_here(xml, "a quoted value");
    xml->at++;
    if (!take_value(xml, quote, attr))
        return false;
    xml->attr_cnt++;
    return true;
}

/* ---- elements ---- */

/* The rest of a start tag, from behind its name or one of its attributes. */
static SELDOM bool take_attrs(struct sl_xml *xml, struct sl_xml_open *open)
{
    for (;;) {
        bool has_white = take_white(xml);
        uint8_t byte = here(xml);
        if (byte == '>') {
            xml->is_empty = false;
            xml->at++;
            break;
        }
        xml->is_empty = byte == '/';
        if (xml->is_empty) {
            if (here_at(xml, xml->at + 1) != '>')
                return xml->at + 1 >= xml->clean ? fail_at_clean(xml) : fail(xml, SL_PARSE_BAD_FRAME, xml->at, "/>");
            xml->at += 2;
            break;
        }
        if (!has_white)
            return fail_here(xml, "a blank, > or />");
        if (!take_attr(xml))
            return false;
        const struct sl_xml_attr *attr = &xml->attrs[xml->attr_cnt - 1];
        if (is_ns_declaration(attr) && !bind_namespace(xml, open, attr))
            return false;
    }
    return xml->attr_cnt < 2 || check_attrs_unique(xml);
}

/* What all is known of an element when its tag was read. */
static OFTEN bool enter(struct sl_xml *xml, struct sl_xml_open *open, uint8_t id)
{
    if (!resolve_element(xml, open))
        return false;
    open->id = id;
    xml->id = id;
    xml->event = SL_XML_START;
    xml->state = xml->is_empty ? AT_EMPTY_END : IN_CONTENT;
    return true;
}

/* At < and a name. */
static SELDOM bool take_start(struct sl_xml *xml)
{
    uint32_t prefix_len;
    if (xml->depth == SL_XML_DEPTH_MAX)
        return fail(xml, SL_PARSE_TOO_DEEP, xml->at, "at most 256 elements in each other");
    struct sl_xml_open *open = &xml->open[xml->depth + 1];
    open->scope = open[-1].scope;
    xml->at++;
    if (!take_name(xml, &open->name, &prefix_len))
        return false;
    open->prefix_len = (uint16_t)prefix_len;
    xml->attr_cnt = 0;
    xml->depth++;
    if (!take_attrs(xml, open))
        return false;
    return enter(xml, open, (uint8_t)sl_xml_id(xml->names, sl_xml_local(xml)));
}

/* At </ , and what follows is not the element's name and > . */
static SELDOM bool check_end(struct sl_xml *xml, uint32_t from)
{
    uint32_t prefix_len;
    struct sl_span name;
    xml->at = from;
    if (!take_name(xml, &name, &prefix_len))
        return false;
    if (!same(name, sl_xml_name(xml)))
        return fail(xml, SL_PARSE_BAD_FRAME, from, "the end tag of the element that is open");
    take_white(xml);
    return take(xml, ">") || fail_here(xml, "> at the end of the tag");
}

/* At </ . */
static bool take_end(struct sl_xml *xml)
{
    const struct sl_xml_open *open = &xml->open[xml->depth];
    uint32_t from = xml->at + 2, end = from + open->name.len;
    if (end < xml->clean && xml->data[end] == '>' && sl_xml_same(xml->data + from, open->name.data, open->name.len))
        xml->at = end + 1;
    else if (!check_end(xml, from))
        return false;
    xml->id = open->id;
    xml->event = SL_XML_END;
    xml->state = AT_POP;
    return true;
}

/* What next has before an event was found. */
#define NO_EVENT ((enum sl_xml_event)(SL_XML_DONE + 1))

/* ---- the usual way ----
 *
 * Most of a document is tags of ASCII names, attributes whose values hold nothing to look at, and text without
 * references.  For these the functions below need the index and nothing else: they compare what stands at its stops
 * with what usually stands there, count no bytes and check no ends, since the window's end is a stop like others and
 * bytes behind it may be looked at.  What they find otherwise they leave to the functions above, from the start of the
 * event on or, in a tag, from an attribute on: those know everything, errors too. */

/* Of text of at most 16 bytes, where all 16 may be read. */
static OFTEN bool same_short(const uint8_t *a, const uint8_t *b, uint32_t len)
{
#if defined(__x86_64__)
    __m128i bytes = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)a), _mm_loadu_si128((const __m128i *)b));
    return (~(uint32_t)_mm_movemask_epi8(bytes) & ((1u << len) - 1)) == 0;
#else
    return sl_xml_same(a, b, len);
#endif
}

static OFTEN bool same_name(const uint8_t *a, const uint8_t *b, uint32_t len)
{
    return len <= 16 ? same_short(a, b, len) : memcmp(a, b, len) == 0;
}

/* The same as sl_xml_id, but at one look for names that are alone in their place, and for those that nobody knows. */
static OFTEN uint8_t id_of(const struct sl_xml *xml, const uint8_t *local, uint32_t len)
{
    uint8_t id = xml->first[SL_XML_PLACE_OF(local[0], local[len / 2], local[len - 1], len)];
    if (id == 0)
        return 0;
    const struct sl_xml_known *known = &xml->names->known[id - 1];
    if (known->len == len && same_name((const uint8_t *)known->text, local, len))
        return id;
    return (uint8_t)sl_xml_id(xml->names, (struct sl_span){ local, len });
}

/* Where a name of ASCII without a colon ends that begins at off in the window; 0: it is not so simple.  What is no part
 * of a name, but begins like one, is told by what stands behind it, which is itself. */
static OFTEN uint32_t usual_name(const struct sl_xml *xml, const uint8_t *window, uint32_t off)
{
    uint64_t bits = sl_xml_bits(xml->index.no_name, off);
    /* Digits, hyphen and full stop come before the letters; none of them starts a name. */
    return window[off] < 'A' || bits == 0 ? 0 : off + (uint32_t)__builtin_ctzll(bits);
}

/* One bit for each kind of name: names of different kinds are not the same.  All with a prefix are of one. */
static OFTEN uint64_t kind_of(uint8_t first, uint32_t len) { return 1ull << ((first + len * 8) & 63); }
#define PREFIX_KIND (1ull << 63)

/* The attributes from off in the window, behind the name.  Where they end; 0: not read, or an error. */
static OFTEN uint32_t usual_attrs(struct sl_xml *xml, const uint8_t *window, uint32_t off)
{
    struct sl_xml_attr *attr = xml->attrs, *const most = attr + SL_XML_ATTRS_MAX;
    uint64_t seen = 0, twice = 0;
    for (;;) {
        uint32_t before = off, name;
        if (is_white(window[off]))
            off++;
        while (is_white(window[off]) && off < xml->window_len)
            off++;
        name = off;
        uint8_t first = window[name];
        if (first == '>' || first == '/')
            break;
        uint32_t end = usual_name(xml, window, name), prefix_len = 0;
        uint64_t kind = kind_of(first, end - name);
        if (end != 0 && window[end] == ':') {
            prefix_len = end - name;
            kind = PREFIX_KIND;
            end = usual_name(xml, window, end + 1);
        }
        uint32_t value = end + 2;
        uint8_t quote = window[end + 1];
        if (window[end] != '=' || (quote != '"' && quote != '\'') || end == 0 || name == before || attr == most)
            off = 0;
        else
            off = sl_xml_next_bit(xml->index.value, value);
        if (off == 0 || window[off] != quote) {
            xml->attr_cnt = (uint32_t)(attr - xml->attrs);
            xml->at = xml->window_from + before;
            return 0;
        }
        *attr = (struct sl_xml_attr){
            {window + name,   end - name },
            { window + value, off - value},
            prefix_len, 0
        };
        off++;
        twice |= seen & kind;
        seen |= kind;
        attr++;
        if (first == 'x' && is_ns_declaration(attr - 1) && !bind_namespace(xml, &xml->open[xml->depth], attr - 1))
            return 0;
    }
    xml->attr_cnt = (uint32_t)(attr - xml->attrs);
    return twice == 0 || check_attrs_unique(xml) ? off : 0;
}

/* The end of a tag that is not so simple: its attributes were read to end in the window, or not all (0), or it has a
 * prefix. */
static SELDOM enum sl_xml_event finish_start(struct sl_xml *xml, struct sl_xml_open *open, uint32_t end)
{
    if (end != 0)
        xml->at = xml->window_from + end;
    if (xml->event != SL_XML_ERROR && take_attrs(xml, open))
        enter(xml, open, open->id);
    xml->end = xml->at;
    return xml->event;
}

/* At < .  NO_EVENT: take_start is to read it. */
static OFTEN enum sl_xml_event usual_start(struct sl_xml *xml, uint32_t off, bool has_prefix)
{
    const uint8_t *window = xml->window;
    uint32_t from = off + 1, local = from, depth = xml->depth, end = usual_name(xml, window, from);
    if (has_prefix && end != 0 && window[end] == ':') {
        local = end + 1;
        end = usual_name(xml, window, local);
    }
    uint8_t behind = window[end];
    if (end == 0 || depth == SL_XML_DEPTH_MAX || (behind != '>' && behind != '/' && !is_white(behind)))
        return NO_EVENT;
    struct sl_xml_open *open = &xml->open[depth + 1];
    uint8_t id = id_of(xml, window + local, end - local);
    xml->depth = depth + 1;
    xml->id = id;
    open->scope = open[-1].scope;
    open->name = (struct sl_span){ window + from, end - from };
    open->prefix_len = (uint16_t)(local == from ? 0 : local - 1 - from);
    open->id = id;
    xml->event = SL_XML_START;
    xml->attr_cnt = 0;
    if (behind != '>')
        end = usual_attrs(xml, window, end);
    bool is_empty = window[end] == '/';
    if (end == 0 || (is_empty && window[end + 1] != '>') || (has_prefix && local != from))
        return finish_start(xml, open, end);
    xml->is_empty = is_empty;
    xml->state = is_empty ? AT_EMPTY_END : IN_CONTENT;
    open->ns = open->scope.default_ns;
    xml->at = xml->end = xml->window_from + end + 1 + is_empty;
    return SL_XML_START;
}

/* At </ .  False: take_end is to read it. */
static OFTEN bool usual_end(struct sl_xml *xml, uint32_t off)
{
    const struct sl_xml_open *open = &xml->open[xml->depth];
    uint32_t from = off + 2, end = from + open->name.len;
    if (end >= xml->window_len || xml->window[end] != '>' ||
        !same_name(xml->window + from, open->name.data, open->name.len))
        return false;
    xml->at = xml->end = xml->window_from + end + 1;
    xml->id = open->id;
    xml->state = AT_POP;
    xml->event = SL_XML_END;
    return true;
}

/* ---- text ---- */

/* At anything but < . */
static SELDOM bool take_text(struct sl_xml *xml)
{
    uint32_t from = xml->at;
    xml->marks = 0;
    for (;;) {
        xml->at = next_stop(xml, xml->index.content, xml->at);
        uint8_t byte = here(xml);
        if (byte == '<')
            break;
        if (byte == 0)
            return fail_at_clean(xml);
        if (byte == '&') {
            xml->marks |= SL_XML_HAS_REF;
            if (!take_reference(xml))
                return false;
            continue;
        }
        if (byte == '\r')
            xml->marks |= SL_XML_HAS_CR;
        else if (is_here(xml, "]]>"))
            return fail_here(xml, "]]&gt; in text");
        xml->at++;
    }
    xml->text = span_from(xml, from);
    xml->id = xml->open[xml->depth].id;
    xml->event = SL_XML_TEXT;
    return true;
}

/* At <![CDATA[ .  An empty one is no event. */
static __attribute__((noinline)) bool take_cdata(struct sl_xml *xml)
{
    xml->at += 9;
    uint32_t from = xml->at;
    if (!take_behind(xml, "]]>"))
        return false;
    xml->text = (struct sl_span){ xml->data + from, xml->at - 3 - from };
    xml->marks = SL_XML_IS_CDATA;
    if (memchr(xml->text.data, '\r', xml->text.len))
        xml->marks |= SL_XML_HAS_CR;
    xml->id = xml->open[xml->depth].id;
    if (xml->text.len != 0)
        xml->event = SL_XML_TEXT;
    return true;
}

/* ---- the parts of a document ---- */

static void step_content(struct sl_xml *xml)
{
    uint8_t byte = here(xml);
    if (byte != '<') {
        take_text(xml);
        return;
    }
    switch (here_at(xml, xml->at + 1)) {
    case '/':
        take_end(xml);
        return;
    case '?':
        skip_instruction(xml);
        return;
    case '!':
        if (is_here(xml, "<!--"))
            skip_comment(xml);
        else if (is_here(xml, "<![CDATA["))
            take_cdata(xml);
        else
            fail(xml, SL_PARSE_BAD_FRAME, xml->at, "a comment or CDATA");
        return;
    default:
        take_start(xml);
    }
}

static void step_document(struct sl_xml *xml)
{
    /* Between documents of a stream stand line ends, and some begin each with a byte-order mark. */
    take_white(xml);
    if (xml->charset == SL_CHARSET_UTF8)
        take(xml, "\xef\xbb\xbf");
    take_white(xml);
    xml->off = xml->at;
    xml->label = SL_CHARSET_UNKNOWN;
    xml->state = IN_PROLOG;
    xml->document_cnt++;
    if (is_declaration(xml))
        take_declaration(xml);
}

/* Blanks, comments and instructions.  True: something else is here. */
static bool is_behind_misc(struct sl_xml *xml)
{
    if (take_white(xml))
        return false;
    if (is_here(xml, "<!--")) {
        skip_comment(xml);
        return false;
    }
    if (is_here(xml, "<?") && !is_declaration(xml)) {
        skip_instruction(xml);
        return false;
    }
    return true;
}

/* At < . */
static __attribute__((noinline)) void take_root(struct sl_xml *xml)
{
    if (!is_indexed(xml, xml->at) || usual_start(xml, xml->at - xml->window_from, true) == NO_EVENT)
        take_start(xml);
}

static void step_prolog(struct sl_xml *xml)
{
    if (!is_behind_misc(xml))
        return;
    if (is_here(xml, "<!DOCTYPE")) {
        if (xml->has_doctype)
            fail_here(xml, "one document type");
        else
            skip_doctype(xml);
        xml->has_doctype = true;
        return;
    }
    if (!is_here(xml, "<") || is_here(xml, "<!") || is_here(xml, "<?"))
        fail_here(xml, "the root element");
    else
        take_root(xml);
}

static void step_epilog(struct sl_xml *xml)
{
    if (!is_behind_misc(xml))
        return;
    bool may_follow = here(xml) == '<' || is_here(xml, "\xef\xbb\xbf");
    if (xml->at != xml->len && (xml->is_first_only || xml->at == xml->clean || !may_follow)) {
        fail_here(xml, xml->is_first_only ? "nothing behind the root element" : "another document");
        return;
    }
    xml->state = xml->at == xml->len ? AT_END : AT_DOCUMENT;
    xml->has_doctype = false;
    xml->event = SL_XML_DONE;
}

/* Whatever is not inside the root. */
static void step_outside(struct sl_xml *xml)
{
    switch ((enum sl_xml_state)xml->state) {
    case AT_DOCUMENT:
        step_document(xml);
        break;
    case IN_PROLOG:
        step_prolog(xml);
        break;
    case IN_EPILOG:
        step_epilog(xml);
        break;
    case IN_CONTENT:
    case AT_EMPTY_END:
    case AT_POP:
    case AT_END:
    case AT_ERROR:
        assert(false);
    }
}

/* Until something is an event: comments, instructions and what stands around the root are none. */
static SELDOM enum sl_xml_event step_on(struct sl_xml *xml)
{
    if (xml->state >= AT_END)
        return xml->event;
    for (xml->event = NO_EVENT; xml->event == NO_EVENT;) {
        xml->off = xml->at;
        if (xml->state == IN_CONTENT)
            step_content(xml);
        else
            step_outside(xml);
    }
    xml->end = xml->at;
    return xml->event;
}

/* Past any text, if none is wanted. */
static SELDOM enum sl_xml_event step_far(struct sl_xml *xml, bool wants_text)
{
    bool was_indexed = xml->at - xml->window_from < xml->window_len;
    if (xml->state <= AT_POP && !was_indexed && is_indexed(xml, xml->at))
        return wants_text ? sl_xml_next(xml) : sl_xml_next_tag(xml);
    if (xml->state == AT_POP)
        xml->state = --xml->depth == 0 ? IN_EPILOG : IN_CONTENT;
    enum sl_xml_event event = step_on(xml);
    while (!wants_text && event == SL_XML_TEXT)
        event = step_on(xml);
    return event;
}

static __attribute__((noinline)) enum sl_xml_event next_prefixed(struct sl_xml *xml, uint32_t off, bool wants_text)
{
    enum sl_xml_event event = usual_start(xml, off, true);
    return event != NO_EVENT ? event : step_far(xml, wants_text);
}

static __attribute__((noinline)) enum sl_xml_event next_start(struct sl_xml *xml, uint32_t off, bool wants_text)
{
    enum sl_xml_event event = usual_start(xml, off, false);
    return event != NO_EVENT ? event : next_prefixed(xml, off, wants_text);
}

static OFTEN enum sl_xml_event next(struct sl_xml *xml, bool wants_text)
{
    uint32_t state = xml->state, at = xml->at, off = at - xml->window_from;
    if (state == AT_EMPTY_END) {
        xml->off = at;
        xml->state = AT_POP;
        return xml->event = SL_XML_END;
    }
    const uint8_t *window = xml->window;
    if (state > AT_POP || xml->depth == state || off >= xml->window_len)
        return step_far(xml, wants_text);
    if (window[off] != '<') {
        uint32_t stop = sl_xml_next_bit(xml->index.content, off);
        while (!wants_text && stop < xml->window_len && window[stop] == '\r')
            stop = sl_xml_next_bit(xml->index.content, stop + 1);
        if (window[stop] != '<')
            return step_far(xml, wants_text);
        if (wants_text) {
            uint32_t depth = xml->depth - state;
            xml->depth = depth;
            xml->state = IN_CONTENT;
            xml->off = at;
            xml->text = (struct sl_span){ window + off, stop - off };
            xml->marks = 0;
            xml->at = xml->end = xml->window_from + stop;
            xml->id = xml->open[depth].id;
            return xml->event = SL_XML_TEXT;
        }
        xml->at = at = xml->window_from + stop;
        off = stop;
    }
    xml->depth -= state;
    xml->state = IN_CONTENT;
    xml->off = at;
    if (window[off + 1] != '/')
        return next_start(xml, off, wants_text);
    return usual_end(xml, off) ? SL_XML_END : step_far(xml, wants_text);
}

enum sl_xml_event sl_xml_next(struct sl_xml *xml) { return next(xml, true); }
enum sl_xml_event sl_xml_next_tag(struct sl_xml *xml) { return next(xml, false); }

enum sl_parse_code sl_xml_reject(const struct sl_xml *xml)
{
    return sl_reject(xml->parse, xml->err.code, xml->err.off, xml->err.want);
}

enum sl_parse_code sl_xml_refuse(const struct sl_xml *xml, enum sl_parse_code code, const char *want)
{
    return sl_reject(xml->parse, code, message_off(xml, xml->off), want);
}
