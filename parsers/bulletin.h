/* parsers/bulletin.h - what a message says: one flat, relocatable record that formats fill and readers read.
 *
 *     [ root: hot fields in two cache lines | text refs | list refs ][ bytes of text ... ][ items, list by list ]
 *
 * Life      sl_out_begin, sl_out_text / sl_out_item ..., sl_out_finish by a parser, once; never touched afterwards.
 * Threads   Pure functions on the caller's memory.
 * Owns      Everything lies in the record; refs are offsets into it, so it may be copied and mapped anywhere.  The text
 *           is one stretch of clean UTF-8 up to the first item, and lists follow each other to the end without holes:
 *           so check proves each byte once, however many refs point at it.
 * Errors    enum sl_bulletin_fault from check.  Readers check a private copy, never shared memory.
 * Units     Times: ns since 1970-01-01 UTC, SL_TIME_NONE where the message does not say.  Text: UTF-8 without control
 *           characters but LF, and TAB in table rows.  Little-endian; layout pinned by the asserts below.
 * Source    Fields after IPTC ninjs 3.1 and NewsML-G2 2.x; urgency after IPTC 7901 (1 highest to 9; 0 unknown).
 */
#ifndef SL_PARSERS_BULLETIN_H
#define SL_PARSERS_BULLETIN_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SL_BULLETIN_LAYOUT 1u
#define SL_BULLETIN_LEN_MIN 1024u /* a claim shorter than this holds no bulletin */
#define SL_TIME_NONE INT64_MIN
#define SL_TIME_NS 1000000000ll

enum sl_kind {
    SL_KIND_NEWS = 1,
    SL_KIND_UPDATE,
    SL_KIND_CORRECTION,
    SL_KIND_KILL,
    SL_KIND_HOLD,
    SL_KIND_RELEASE,
    SL_KIND_ADVISORY,
    SL_KIND_TEST,
    SL_KIND_HEARTBEAT,
    SL_KIND_CNT,
};

enum sl_signal { /* what this message does to earlier ones, or asks of its readers */
    SL_SIGNAL_NONE,
    SL_SIGNAL_UPDATE,
    SL_SIGNAL_CORRECTION,
    SL_SIGNAL_KILL,
    SL_SIGNAL_CANCEL, /* an alert that has ended, which is not a withdrawn story */
    SL_SIGNAL_HOLD,
    SL_SIGNAL_RELEASE,
    SL_SIGNAL_ADVISORY,
    SL_SIGNAL_ALERT,
    SL_SIGNAL_EMBARGO,
    SL_SIGNAL_TEST,
    SL_SIGNAL_EXERCISE,
    SL_SIGNAL_CNT,
};

enum sl_pubstatus { SL_PUB_UNKNOWN, SL_PUB_USABLE, SL_PUB_WITHHELD, SL_PUB_CANCELED, SL_PUB_CNT };

enum sl_bulletin_flag {
    SL_BULLETIN_ZONE_ASSUMED_CREATED = 1u << 0,  /* version_created: the message names no zone */
    SL_BULLETIN_ZONE_ASSUMED_FIRST = 1u << 1,    /* first_created */
    SL_BULLETIN_ZONE_ASSUMED_EMBARGO = 1u << 2,  /* embargoed_until */
    SL_BULLETIN_ZONE_ASSUMED_EXPIRES = 1u << 3,  /* expires */
    SL_BULLETIN_DATE_COMPLETED = 1u << 4,        /* year or month came from the arrival, not from the message */
    SL_BULLETIN_ID_MADE = 1u << 5,               /* the format gives no id: made of service, number and day */
    SL_BULLETIN_EMBARGOED = 1u << 6,             /* not before embargoed_until; without that time: until released */
    SL_BULLETIN_TEXT_REPAIRED = 1u << 7,         /* characters were lost or mended; a note tells */
    SL_BULLETIN_FLAGS_ALL = (1u << 8) - 1,
};

/* One string each.  The order is part of the layout: append only. */
enum sl_text {
    SL_TEXT_ID, /* as the message gives it, or made */
    SL_TEXT_PROVIDER,
    SL_TEXT_SERVICE,
    SL_TEXT_VERSION, /* as given: need not be a number, nor count by one */
    SL_TEXT_PRIORITY_RAW,
    SL_TEXT_LANGUAGE, /* BCP 47, as given */
    SL_TEXT_SLUGLINE,
    SL_TEXT_HEADLINE,
    SL_TEXT_BYLINE,
    SL_TEXT_DATELINE,
    SL_TEXT_DATELINE_PLACE,
    SL_TEXT_LOCATED,
    SL_TEXT_CREDIT,
    SL_TEXT_COPYRIGHT,
    SL_TEXT_USAGE_TERMS,
    SL_TEXT_EDNOTE,
    SL_TEXT_TAKE,
    SL_TEXT_EVOLVED_FROM,
    SL_TEXT_BODY,      /* plain: one blank line between paragraphs */
    SL_TEXT_BODY_HTML,
    SL_TEXT_SOURCE_CHARSET,
    SL_TEXT_SOURCE_NUMBER, /* the wire's running number, as given */
    SL_TEXT_CNT,
};

/* Any number of items each; what an item's parts mean stands beside.  The order is part of the layout: append only. */
enum sl_list {
    SL_LIST_CATEGORIES,    /* code */
    SL_LIST_KEYWORDS,      /* word */
    SL_LIST_GENRES,        /* scheme, code, name */
    SL_LIST_SUBJECTS,      /* scheme, code, name */
    SL_LIST_SYMBOLS,       /* exchange, type, symbol */
    SL_LIST_PEOPLE,        /* scheme, code, name */
    SL_LIST_ORGANISATIONS, /* scheme, code, name, symbol */
    SL_LIST_PLACES,        /* scheme, code, name, GeoJSON geometry */
    SL_LIST_ASSOCIATIONS,  /* rel, id, href, media type */
    SL_LIST_ALT_IDS,       /* role, id */
    SL_LIST_HEADLINES,     /* language, role, text: those beside the main one */
    SL_LIST_BODIES,        /* language, role, text: those beside the main one */
    SL_LIST_REFERENCES,    /* what is done to it (kill, correct, replace ...), id */
    SL_LIST_NOTES,         /* what was repaired or assumed, for people */
    SL_LIST_CNT,
};

struct sl_ref {
    uint32_t off; /* from the start of the record; 0 with len 0: absent */
    uint32_t len;
};

#define SL_ITEM_PARTS 4u
struct sl_item {
    struct sl_ref part[SL_ITEM_PARTS];
};

struct sl_list_ref {
    uint32_t off; /* of the first struct sl_item */
    uint32_t cnt;
};

struct sl_bulletin {
    /* line 0: what a filter and the desk look at first */
    uint32_t len; /* of the whole record */
    uint16_t layout;
    uint16_t format; /* enum sl_format_id */
    uint8_t kind;
    uint8_t urgency;
    uint8_t pubstatus;
    uint8_t signal;
    uint32_t flags;
    uint64_t story_hash;      /* of provider and id: all versions of a story share it */
    uint64_t version_hash;    /* of provider, id and version: a bulletin's identity */
    uint64_t content_hash[2]; /* of the canonical content: the same bulletin by another line has the same */
    int64_t version_created;
    uint32_t word_cnt; /* as given; 0 not given */
    uint32_t take_no;  /* 0 not given */
    /* line 1 */
    int64_t first_created;
    int64_t embargoed_until;
    int64_t expires;
    uint64_t number; /* the running number as a number, for the desk's watch; UINT64_MAX not given */
    uint64_t spare[4];
    /* refs */
    struct sl_ref text[SL_TEXT_CNT];
    struct sl_list_ref list[SL_LIST_CNT];
};

_Static_assert(offsetof(struct sl_bulletin, first_created) == 64, "a filter's fields fill the first line");
_Static_assert(offsetof(struct sl_bulletin, text) == 128, "the hot fields are two lines");
_Static_assert(sizeof(struct sl_bulletin) == 128 + 8 * SL_TEXT_CNT + 8 * SL_LIST_CNT, "no padding in the layout");

struct sl_slice {
    const char *data;
    uint32_t len;
};
#define SL_SLICE(literal) ((struct sl_slice){ (literal), sizeof(literal) - 1 })

/* ---- reading ---- */

enum sl_bulletin_fault {
    SL_BULLETIN_FINE,
    SL_BULLETIN_SHORT,      /* len says more than there is, or less than a root */
    SL_BULLETIN_BAD_LAYOUT,
    SL_BULLETIN_BAD_ENUM,   /* kind, signal, pubstatus, urgency, flags outside their ranges */
    SL_BULLETIN_BAD_REF,    /* points outside the record's text, into a character, or a list out of its place */
    SL_BULLETIN_BAD_TEXT,   /* not UTF-8, or holds a control character */
};

/* Proves a private copy from outside safe for every other function here, in one pass over its bytes.
 * mem: 8-aligned, mem_len bytes, of which the record may use fewer. */
enum sl_bulletin_fault sl_bulletin_check(const void *mem, size_t mem_len);

static inline struct sl_slice sl_bulletin_ref(const struct sl_bulletin *bulletin, struct sl_ref ref)
{
    return (struct sl_slice){ (const char *)bulletin + ref.off, ref.len };
}

/* Whose name the id is, for its identity: "urn:newsml:PROVIDER:..." says it itself, however else a message calls its
 * provider; else the provider. */
struct sl_slice sl_bulletin_owner(struct sl_slice provider, struct sl_slice id);

static inline struct sl_slice sl_bulletin_text(const struct sl_bulletin *bulletin, enum sl_text text)
{
    return sl_bulletin_ref(bulletin, bulletin->text[text]);
}

static inline const struct sl_item *sl_bulletin_items(const struct sl_bulletin *bulletin, enum sl_list list)
{
    return (const struct sl_item *)((const char *)bulletin + bulletin->list[list].off);
}

/* Do both point at the same bytes, wherever they lie? */
static inline bool sl_bulletin_same(const struct sl_bulletin *bulletin, struct sl_ref a, struct sl_ref b)
{
    const char *base = (const char *)bulletin;
    return a.len == b.len && (a.len == 0 || memcmp(base + a.off, base + b.off, a.len) == 0);
}

const char *sl_kind_name(unsigned kind);           /* "news", "update" ...; "?" for none of ours */
const char *sl_signal_name(unsigned signal);       /* "" for none */
const char *sl_pubstatus_name(unsigned pubstatus); /* "usable", "withheld", "canceled"; "" unknown */

/* ---- writing ---- */

#define SL_OUT_ITEMS_MAX 512u

/* A bulletin being written.  Text goes straight to its place in the record; items wait here until finish knows how
 * many there are.  What does not fit marks it full, and finish says so: a parser need not look in between.  Items
 * beyond SL_OUT_ITEMS_MAX are left out, and a note in the bulletin tells. */
struct sl_out {
    uint8_t *base;
    uint32_t cap, len; /* cap: less than was given, by what finish may need for that note */
    uint32_t open_off; /* of the text being put; 0 none */
    bool full;
    bool surplus; /* items were left out */
    uint32_t item_cnt;
    struct {
        struct sl_item item;
        uint8_t list;
    } items[SL_OUT_ITEMS_MAX + 1]; /* the last is for the note */
};

/* Starts a bulletin in cap bytes at mem (8-aligned, cap >= SL_BULLETIN_LEN_MIN): root zeroed, times none, no number,
 * and news until its parser says otherwise. */
void sl_out_begin(struct sl_out *out, void *mem, uint32_t cap, uint16_t format);

static inline struct sl_bulletin *sl_out_root(struct sl_out *out) { return (struct sl_bulletin *)out->base; }

/* A text of its own in cap bytes at mem, opened, without a bulletin: it begins behind the first SL_OUT_TEXT_LEN. */
#define SL_OUT_TEXT_LEN 8u
static inline void sl_out_begin_text(struct sl_out *out, uint8_t *mem, uint32_t cap)
{
    assert(cap >= SL_OUT_TEXT_LEN);
    out->base = mem;
    out->cap = cap;
    out->len = SL_OUT_TEXT_LEN;
    out->open_off = SL_OUT_TEXT_LEN;
    out->full = false;
}

/* Text piece by piece: open, put ..., close gives its ref.  One at a time: between open and close nothing else that
 * takes bytes (text, ref, word, note).  The bytes must be clean UTF-8 already. */
void sl_out_open(struct sl_out *out);
static inline void sl_out_put(struct sl_out *out, const void *data, uint32_t len)
{
    assert(out->open_off != 0);
    if (len > out->cap - out->len) {
        out->full = true;
        return;
    }
    if (len != 0)
        memcpy(out->base + out->len, data, len);
    out->len += len;
}
static inline void sl_out_putc(struct sl_out *out, char c) { sl_out_put(out, &c, 1); }
struct sl_ref sl_out_close(struct sl_out *out);
/* What has been put since open, for a parser that must look back. */
static inline struct sl_slice sl_out_opened(const struct sl_out *out)
{
    assert(out->open_off != 0);
    return (struct sl_slice){ (const char *)out->base + out->open_off, out->len - out->open_off };
}
void sl_out_cut(struct sl_out *out, uint32_t len); /* back to len bytes since open */

void sl_out_text(struct sl_out *out, enum sl_text text, const void *data, uint32_t len); /* the last one counts */
void sl_out_set(struct sl_out *out, enum sl_text text, struct sl_ref ref);
struct sl_ref sl_out_ref(struct sl_out *out, const void *data, uint32_t len);
struct sl_slice sl_out_get(const struct sl_out *out, enum sl_text text);

void sl_out_item(struct sl_out *out, enum sl_list list, struct sl_ref a, struct sl_ref b, struct sl_ref c,
                 struct sl_ref d);
/* Unless the list has it already: messages repeat themselves. */
void sl_out_item_once(struct sl_out *out, enum sl_list list, struct sl_ref a, struct sl_ref b, struct sl_ref c,
                      struct sl_ref d);
void sl_out_word(struct sl_out *out, enum sl_list list, const void *data, uint32_t len); /* an item of one part */
void sl_out_note(struct sl_out *out, const char *note);

/* Sets lists, hashes and len.  Returns the record's length, a multiple of 8, or 0 when it did not fit.
 * version_hash and story_hash need PROVIDER and ID to be set; finish refuses (0) without an id.
 * content_hash is over kind, signal, pubstatus, urgency, embargo, headline, byline, ednote and body (white space
 * folded), so the same bulletin by another line, with other furniture around it, has the same.
 * All are XXH3 with seed 0: story over provider NUL id, version over provider NUL id NUL version, content (128 bits,
 * the low half first) over the four bytes in the order above, one byte 0 or 1 for SL_BULLETIN_EMBARGOED,
 * embargoed_until in eight, then each text and a NUL. */
uint32_t sl_out_finish(struct sl_out *out);

#endif
