/* parsers/xml.h - a pull scanner for XML: walks a document once, front to back, without a tree and without copies.
 *
 *     sl_xml_begin --> sl_xml_next --> START  name, attributes --> ... --> END --> ... --> DONE
 *                                  --> TEXT   a slice as it was sent, sl_xml_put decodes it
 *                                  --> ERROR  anything that is not well-formed; for ever
 *
 * Life      A struct sl_xml is the caller's, or the message's (sl_xml_take); begin starts it on a span.
 * Threads   One thread at a time; names are constant and shared.
 * Owns      Borrows span and names until the last call.  Spans it gives lie in the document and live as long; after
 *           UTF-16 in the parse's scratch memory, where the document is kept as UTF-8.
 * Errors    SL_XML_ERROR with err: enum sl_parse_code, offset and wish.  sl_xml_reject hands it on.
 * Units     Offsets in bytes from the start of the document's span; those in err from the start of the message where
 *           the span is a part of it.  After UTF-16 err's are offsets in what was sent, all others in what it became.
 * Source    XML 1.0 fifth edition, Namespaces in XML 1.0 third edition.
 *
 * All of well-formedness is checked, also of what is skipped: names match, attributes are unique (as expanded names,
 * too), references are to the five entities and to characters that XML has, one root, only Char, valid UTF-8.
 *
 * Read although the standard refuses it, since agencies send it:
 *   - blanks and a byte-order mark before the declaration;
 *   - a prefix that was never declared: SL_XML_NS_UNDECLARED;
 *   - a declaration that lies about its encoding.  A byte-order mark, then valid UTF-8 with a byte >= 0x80, then the
 *     label, then the feed's, then Windows-1252; a label nobody knows is none.  But who says UTF-8 and isn't is
 *     refused.  A byte that its 8-bit set leaves undefined is U+FFFD, as in all text.
 * Refused although the standard allows it:
 *   - declarations of entities, but of external parameter entities, which are skipped and never loaded; and
 *     references to any but the five;
 *   - what is deeper, or has more attributes or namespaces, than the bounds below.
 * Not looked into: the rest of the DTD, internal and external, is skipped and never loaded; so there are no default
 * attributes, and every attribute is CDATA.
 */
#ifndef SL_PARSERS_XML_H
#define SL_PARSERS_XML_H

#include "parsers/parse.h"
#include "parsers/xml_scan.h"

#define SL_XML_DEPTH_MAX    256u
#define SL_XML_ATTRS_MAX    128u
#define SL_XML_BINDINGS_MAX 64u /* namespace declarations in force at one place */
#define SL_XML_NAME_MAX     1024u /* bytes */

/* ---- names that a format knows ----
 *
 * A format lists the local names it knows, once:
 *
 *     #define NITF_NAMES(NAME) \
 *         NAME(NITF_P, "p")    \
 *         NAME(NITF_HL1, "hl1")
 *     enum { NITF_OTHER, NITF_NAMES(SL_XML_ENUM) };
 *     SL_XML_NAMES(nitf_names, NITF_NAMES);
 *
 * and switches on xml->id: NITF_P, or 0 for a name that is not in the list.  Each name has a place in a table of 1024,
 * which the compiler computes from four of its properties; the lists of the large formats have each name alone in its
 * place, so that a look-up is one comparison.  Where two share one, and for who has no table, names have a tag of one
 * byte, 64 of which are compared at once.  Up to 255 names, of up to 31 bytes. */
#define SL_XML_TAGS      64u
#define SL_XML_PLACES    1024u
#define SL_XML_KNOWN_MAX 31u
struct sl_xml_names {
    const uint8_t *tags; /* cnt, and zeros up to a multiple of SL_XML_TAGS */
    const uint16_t *places;
    const struct sl_xml_known {
        char text[SL_XML_KNOWN_MAX];
        uint8_t len;
    } * known;
    uint32_t cnt;
};

#define SL_XML_PLACE_OF(first, middle, last, len)                                                                      \
    (((uint8_t)(first)*33u + (uint8_t)(middle)*58u + (uint8_t)(last)*79u + (len)*50u) & (SL_XML_PLACES - 1))
#define SL_XML_TAG_OF(first, middle, last, len)                                                                        \
    ((uint8_t)(((uint8_t)(first)*5u + (uint8_t)(middle)*37u + (uint8_t)(last)*11u) ^ ((len)*73u)))
#define SL_XML_ENUM(name, text)  name,
#define SL_XML_COUNT(name, text) +1
#define SL_XML_LEN(text)         (sizeof(text) - 1)
#define SL_XML_OF(t, OF)         OF((t)[0], (t)[SL_XML_LEN(t) / 2], (t)[SL_XML_LEN(t) - 1], SL_XML_LEN(t))
#define SL_XML_TAG(name, text)   SL_XML_OF(text, SL_XML_TAG_OF),
#define SL_XML_PLACE(name, text) SL_XML_OF(text, SL_XML_PLACE_OF),
#define SL_XML_KNOWN(name, text) { (text), sizeof(text) - 1 },
#define SL_XML_FITS(name, text)  &&sizeof(text) - 1 <= SL_XML_KNOWN_MAX
#define SL_XML_NAMES(names, LIST)                                                                                      \
    enum { names##_cnt = 0 LIST(SL_XML_COUNT) };                                                                       \
    _Static_assert(names##_cnt < 256 LIST(SL_XML_FITS), "an id is a byte, and names are short");                       \
    static const uint8_t names##_tags[(names##_cnt + SL_XML_TAGS - 1) / SL_XML_TAGS * SL_XML_TAGS] = { LIST(           \
        SL_XML_TAG) };                                                                                                 \
    static const uint16_t names##_places[names##_cnt] = { LIST(SL_XML_PLACE) };                                        \
    static const struct sl_xml_known names##_known[names##_cnt] = { LIST(SL_XML_KNOWN) };                              \
    static const struct sl_xml_names names = { names##_tags, names##_places, names##_known, names##_cnt }

/* From 1, in the order of the list; 0: not in it. */
unsigned sl_xml_id(const struct sl_xml_names *names, struct sl_span name);

/* ---- namespaces ---- */

enum sl_xml_ns {
    SL_XML_NS_NONE,
    SL_XML_NS_UNDECLARED, /* has a prefix that no element around it declares */
    SL_XML_NS_OTHER, /* sl_xml_ns_uri tells */
    SL_XML_NS_XML,
    SL_XML_NS_XMLNS,
    SL_XML_NS_XHTML,
    SL_XML_NS_NITF,
    SL_XML_NS_NAR, /* NewsML-G2 */
    SL_XML_NS_NEWSML1,
    SL_XML_NS_ATOM,
    SL_XML_NS_RDF,
    SL_XML_NS_RSS1,
    SL_XML_NS_RSS_CONTENT,
    SL_XML_NS_RSS_MEDIA,
    SL_XML_NS_DC,
    SL_XML_NS_DC_TERMS,
    SL_XML_NS_GEORSS,
    SL_XML_NS_WORDPRESS,
    SL_XML_NS_CAP,
    SL_XML_NS_EDXL_DE,
    SL_XML_NS_CNT,
};

/* ---- events ---- */

enum sl_xml_event {
    SL_XML_ERROR,
    SL_XML_START, /* an empty element is a START and an END, too */
    SL_XML_END,
    SL_XML_TEXT, /* between two pieces of markup; comments and instructions part it, too */
    SL_XML_DONE, /* the document is whole */
};

/* What a text or value holds beside characters that stand for themselves. */
enum sl_xml_mark {
    SL_XML_HAS_REF = 1u << 0,
    SL_XML_HAS_CR = 1u << 1, /* CR and CR LF are one LF */
    SL_XML_HAS_WHITE = 1u << 2, /* values: TAB, LF, CR, which are blanks there */
    SL_XML_IS_CDATA = 1u << 3,
};

struct sl_xml_attr {
    struct sl_span name; /* as written, with its prefix */
    struct sl_span value; /* as written, without quotes */
    uint32_t prefix_len; /* without the colon; 0: none */
    uint32_t marks;
};

struct sl_xml_open { /* an element around this place */
    struct sl_span name; /* as written, with its prefix */
    uint16_t prefix_len;
    uint8_t id;
    uint8_t ns; /* enum sl_xml_ns */
    uint8_t role; /* the reader's own, from START to END */
    struct sl_xml_scope { /* private: the declarations in force inside */
        _Alignas(4) uint8_t binding_cnt;
        uint8_t default_place; /* in bindings, from 1; 0: none */
        uint8_t default_ns;
    } scope;
};

struct sl_xml {
    enum sl_xml_event event;
    uint32_t off, end; /* of the event in the document: its first byte, and the one behind it */
    /* START and END: the element; TEXT: the one around it. */
    uint32_t depth; /* 1: the root.  END has its START's */
    uint8_t id; /* of its local name in names, else 0 */
    /* START */
    bool is_empty; /* written as one tag: the next event is its END */
    uint32_t attr_cnt;
    /* TEXT */
    struct sl_span text; /* as written; sl_xml_put decodes it */
    uint32_t marks; /* enum sl_xml_mark */
    /* ERROR */
    struct sl_parse_err err;

    enum sl_charset charset; /* of the spans: never UTF-16 */
    enum sl_charset label; /* what the declaration says; UNKNOWN: nothing that we know */
    bool was_utf16; /* and is UTF-8 now, in the scratch memory */
    bool is_first_only; /* set by begin; a caller that takes document after document clears it */

    /* private */
    struct sl_parse *parse;
    const struct sl_xml_names *names;
    const uint8_t *data;
    uint32_t len; /* of the document and all behind it */
    uint32_t clean; /* of its start that holds nothing but Char */
    uint32_t at;
    uint32_t state;
    uint32_t document_cnt; /* begun */
    bool has_doctype;
    uint32_t origin; /* of data in the message */
    enum sl_charset sent_charset; /* before UTF-16 became UTF-8 */
    /* What is indexed: window_len bytes from window_from on, which is where window points.  Short of the end of what is
     * clean, so that a few bytes behind any stop can be read without asking. */
    const uint8_t *window;
    uint32_t window_from, window_len;
    uint8_t first[SL_XML_PLACES]; /* of the names with this place; 0: none has it */
    struct sl_xml_binding {
        struct sl_span prefix, uri; /* the default: no prefix */
        uint8_t ns;
    } bindings[SL_XML_BINDINGS_MAX];
    struct sl_xml_index index;
    struct sl_xml_open open[SL_XML_DEPTH_MAX + 1]; /* by depth; 0: around the root, without name */
    struct sl_xml_attr attrs[SL_XML_ATTRS_MAX];
};

/* The element of START, END and TEXT: its name as written, with its prefix, the same without, and its namespace. */
static inline struct sl_span sl_xml_name(const struct sl_xml *xml) { return xml->open[xml->depth].name; }
static inline struct sl_span sl_xml_local(const struct sl_xml *xml)
{
    const struct sl_xml_open *open = &xml->open[xml->depth];
    uint32_t before = open->prefix_len + (open->prefix_len != 0);
    return (struct sl_span){ open->name.data + before, open->name.len - before };
}
static inline enum sl_xml_ns sl_xml_ns(const struct sl_xml *xml) { return (enum sl_xml_ns)xml->open[xml->depth].ns; }

/* A scanner in the scratch memory of the parse, for as long as the message lasts: so it is still there in the next
 * sl_parse_next, and sl_xml_taken finds it, if nothing else was taken before.  NULL: no room. */
struct sl_xml *sl_xml_take(struct sl_parse *parse);
static inline struct sl_xml *sl_xml_taken(const struct sl_parse *parse)
{
    return (struct sl_xml *)(void *)parse->scratch.mem;
}

/* names NULL: all ids are 0.  label: of the feed, believed where the document says nothing; UNKNOWN: none.  What the
 * span holds is UTF-8 after all if all of it is. */
void sl_xml_begin(struct sl_xml *xml, struct sl_parse *parse, struct sl_span span, const struct sl_xml_names *names,
                  enum sl_charset label);

enum sl_xml_event sl_xml_next(struct sl_xml *xml);
/* The same, past any text. */
enum sl_xml_event sl_xml_next_tag(struct sl_xml *xml);

/* After DONE: what is left behind this document.  Empty unless is_first_only was cleared, since otherwise anything but
 * blanks, comments and instructions is an error.  Where it is not empty, next goes on with the document there. */
static inline struct sl_span sl_xml_rest(const struct sl_xml *xml)
{
    return (struct sl_span){ xml->data + xml->at, xml->len - xml->at };
}

/* Hands an ERROR on: sets the parse's err and returns its code. */
enum sl_parse_code sl_xml_reject(const struct sl_xml *xml);
/* What a format itself refuses at the present event. */
enum sl_parse_code sl_xml_refuse(const struct sl_xml *xml, enum sl_parse_code code, const char *want);
/* Says the character set in the bulletin, and that the label lied where it did. */
void sl_xml_say_charset(const struct sl_xml *xml, struct sl_out *out);

/* ---- the element ---- */

/* After START or anything inside an element: goes to the END of the element at this depth.  At that END or behind it
 * nothing happens.  END or ERROR. */
enum sl_xml_event sl_xml_skip_to(struct sl_xml *xml, uint32_t depth);
/* At START: to the END of this element.  END or ERROR. */
static inline enum sl_xml_event sl_xml_skip(struct sl_xml *xml) { return sl_xml_skip_to(xml, xml->depth); }
/* At START: the bytes between its tags, as written; goes to its END.  END or ERROR. */
enum sl_xml_event sl_xml_inner(struct sl_xml *xml, struct sl_span *inner);

/* The element `up` levels above the present one; 0: itself.  NULL above the root. */
static inline const struct sl_xml_open *sl_xml_above(const struct sl_xml *xml, uint32_t up)
{
    return up < xml->depth ? &xml->open[xml->depth - up] : NULL;
}
/* Its id, 0 where there is none. */
static inline unsigned sl_xml_above_id(const struct sl_xml *xml, uint32_t up)
{
    return up < xml->depth ? xml->open[xml->depth - up].id : 0;
}
/* The namespace of the present element as written; empty: none. */
struct sl_span sl_xml_ns_uri(const struct sl_xml *xml);

/* ---- attributes, at START ---- */

/* Exactly, case and all. */
static inline bool sl_xml_is(struct sl_span span, const char *text)
{
    size_t len = __builtin_strlen(text);
    return span.len == len && (len == 0 || memcmp(span.data, text, len) == 0);
}

/* How many bytes may be read from the start of a span of the document on. */
static inline uint32_t sl_xml_readable(const struct sl_xml *xml, struct sl_span span)
{
    return xml->len - (uint32_t)(span.data - xml->data);
}

/* By its name as written ("norm", "xml:lang"); NULL: not there. */
const struct sl_xml_attr *sl_xml_attr_named(const struct sl_xml *xml, const char *name, size_t len);
static inline const struct sl_xml_attr *sl_xml_attr(const struct sl_xml *xml, const char *name)
{
    return xml->attr_cnt != 0 ? sl_xml_attr_named(xml, name, __builtin_strlen(name)) : NULL;
}
/* By its local name, whatever its prefix; the one without prefix first. */
const struct sl_xml_attr *sl_xml_attr_local(const struct sl_xml *xml, const char *local);
/* The value as written, empty where there is no such attribute: for codes, numbers and dates, which hold no
 * references.  Text for people goes through sl_xml_put_value. */
static inline struct sl_span sl_xml_value(const struct sl_xml *xml, const char *name)
{
    const struct sl_xml_attr *attr = sl_xml_attr(xml, name);
    return attr ? attr->value : (struct sl_span){ NULL, 0 };
}
enum sl_xml_ns sl_xml_attr_ns(const struct sl_xml *xml, const struct sl_xml_attr *attr);

/* ---- decoding ---- */

/* A text or value in pieces: runs as written, in the document's character set, and characters by reference, in UTF-8,
 * which live until the next call.  Line ends are LF; TAB and LF of values are blanks. */
struct sl_xml_pieces {
    struct sl_span rest;
    uint32_t marks;
    bool is_value;
    bool is_ref; /* the last piece is a character by reference */
    uint8_t utf8[4];
};
struct sl_xml_pieces sl_xml_pieces_of_text(const struct sl_xml *xml); /* at TEXT */
struct sl_xml_pieces sl_xml_pieces_of_value(const struct sl_xml_attr *attr);
bool sl_xml_piece(struct sl_xml_pieces *pieces, struct sl_span *piece); /* false: no more */

/* Into the open text of out, through sl_text_put: clean UTF-8.  Counts in the parse's text stats. */
void sl_xml_put(const struct sl_xml *xml, struct sl_out *out); /* at TEXT */
void sl_xml_put_value(const struct sl_xml *xml, struct sl_out *out, const struct sl_xml_attr *attr);

/* At START: all text inside the element, nested ones' too, into the open text; goes to its END.  END or ERROR. */
enum sl_xml_event sl_xml_put_inner(struct sl_xml *xml, struct sl_out *out);
/* The same, white space folded, as a text of its own: a headline, a name, a code. */
enum sl_xml_event sl_xml_line(struct sl_xml *xml, struct sl_out *out, struct sl_ref *ref);
/* A value, white space folded, as a text of its own; absent (attr NULL) and empty ones are { 0, 0 }. */
struct sl_ref sl_xml_value_line(const struct sl_xml *xml, struct sl_out *out, const struct sl_xml_attr *attr);

#endif
