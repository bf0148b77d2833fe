/* parsers/nitf_head.c - NITF's head and body.head: one function for each element that says something. */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/nitf.h"

#define BYLINE_JOINED  240u /* of bylines that were joined, before another one is */
#define SUBTITLE_WORDS 9u /* a byline with more words is none */

static const struct sl_ref none;

/* ---- small helpers ---- */

/* Inline, so that the length of the name is known. */
static inline __attribute__((always_inline)) struct sl_ref value_of(struct sl_nitf *nitf, const char *name)
{
    return sl_xml_value_line(nitf->xml, nitf->out, sl_xml_attr(nitf->xml, name));
}

static struct sl_slice slice_of(const struct sl_nitf *nitf, struct sl_ref ref)
{
    return sl_bulletin_ref(sl_out_root(nitf->out), ref);
}

static enum sl_xml_event take_line(struct sl_nitf *nitf, struct sl_ref *ref)
{
    return sl_xml_line(nitf->xml, nitf->out, ref);
}

static enum sl_xml_event say_line(struct sl_nitf *nitf, enum sl_text text)
{
    struct sl_ref ref;
    enum sl_xml_event event = take_line(nitf, &ref);
    sl_standing_say(nitf->out, text, ref);
    return event;
}

static void say_word(struct sl_nitf *nitf, enum sl_list list, struct sl_ref word)
{
    if (word.len != 0)
        sl_out_item(nitf->out, list, word, none, none, none);
}

static uint32_t number_of(struct sl_span digits)
{
    digits = sl_span_trim(digits);
    digits.len = sl_span_digits(digits);
    return digits.len != 0 && digits.len < 9 ? (uint32_t)sl_story_number(digits) : 0;
}

/* An attribute is kept with its marks, to be decoded later. */
static void keep(struct sl_nitf *nitf, struct sl_xml_attr *kept, const char *name)
{
    const struct sl_xml_attr *attr = sl_xml_attr(nitf->xml, name);
    if (attr && attr->value.len != 0 && kept->value.len == 0)
        *kept = *attr;
}

static void keep_span(struct sl_nitf *nitf, struct sl_span *kept, const char *name)
{
    struct sl_span value = sl_span_trim(sl_xml_value(nitf->xml, name));
    if (value.len != 0 && kept->len == 0)
        *kept = value;
}

static void add_note(struct sl_nitf *nitf, struct sl_ref note)
{
    if (note.len != 0 && nitf->note_cnt < SL_NITF_NOTES_MAX)
        nitf->note[nitf->note_cnt++] = note;
}

/* ---- head: title, meta, tobject ---- */

static enum sl_xml_event take_title(struct sl_nitf *nitf)
{
    struct sl_ref title;
    enum sl_xml_event event = take_line(nitf, &title);
    if (nitf->title.len == 0)
        nitf->title = title;
    return event;
}

/* What agencies keep in <meta>, by its name. */
enum meta_kind { META_TEXT, META_CATEGORY, META_WORDS, META_NUMBER, META_ALT_ID };
static const struct meta {
    const char *name;
    enum meta_kind kind;
    enum sl_text text;
} metas[] = {
    {"anpa-category",    META_CATEGORY, 0                   },
    { "category",        META_CATEGORY, 0                   },
    { "categoria",       META_CATEGORY, 0                   },
    { "anpa-keyword",    META_TEXT,     SL_TEXT_SLUGLINE    },
    { "slug",            META_TEXT,     SL_TEXT_SLUGLINE    },
    { "slugline",        META_TEXT,     SL_TEXT_SLUGLINE    },
    { "anpa-takekey",    META_TEXT,     SL_TEXT_TAKE        },
    { "anpa-priority",   META_TEXT,     SL_TEXT_PRIORITY_RAW},
    { "priority",        META_TEXT,     SL_TEXT_PRIORITY_RAW},
    { "prioridad",       META_TEXT,     SL_TEXT_PRIORITY_RAW},
    { "NTBPrioritet",    META_TEXT,     SL_TEXT_PRIORITY_RAW},
    { "anpa-service",    META_TEXT,     SL_TEXT_SERVICE     },
    { "service",         META_TEXT,     SL_TEXT_SERVICE     },
    { "NTBTjeneste",     META_TEXT,     SL_TEXT_SERVICE     },
    { "anpa-wordcount",  META_WORDS,    0                   },
    { "wordcount",       META_WORDS,    0                   },
    { "anpa-sequence",   META_NUMBER,   0                   },
    { "sequence-number", META_NUMBER,   0                   },
    { "NTBID",           META_ALT_ID,   0                   },
};

static void say_meta(struct sl_nitf *nitf, const struct meta *meta)
{
    struct sl_bulletin *root = sl_out_root(nitf->out);
    struct sl_ref content = value_of(nitf, "content");
    struct sl_span digits = sl_span_of(slice_of(nitf, content));
    if (content.len == 0)
        return;
    switch (meta->kind) {
    case META_TEXT:
        sl_standing_say(nitf->out, meta->text, content);
        break;
    case META_CATEGORY:
        say_word(nitf, SL_LIST_CATEGORIES, content);
        break;
    case META_WORDS:
        root->word_cnt = root->word_cnt != 0 ? root->word_cnt : number_of(digits);
        break;
    case META_NUMBER:
        sl_standing_say(nitf->out, SL_TEXT_SOURCE_NUMBER, content);
        if (sl_span_digits(digits) == digits.len)
            root->number = sl_story_number(digits);
        break;
    case META_ALT_ID:
        sl_out_item(nitf->out, SL_LIST_ALT_IDS, value_of(nitf, "name"), content, none, none);
        break;
    }
}

static enum sl_xml_event take_meta(struct sl_nitf *nitf)
{
    struct sl_span name = sl_xml_value(nitf->xml, "name");
    for (size_t i = 0; i < sizeof(metas) / sizeof(*metas); i++) {
        if (sl_span_is(name, metas[i].name)) {
            say_meta(nitf, &metas[i]);
            break;
        }
    }
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_tobject(struct sl_nitf *nitf)
{
    struct sl_ref type = value_of(nitf, "tobject.type");
    if (type.len != 0)
        sl_out_item(nitf->out, SL_LIST_GENRES, none, none, type, none);
    return SL_XML_START;
}

static enum sl_xml_event take_property(struct sl_nitf *nitf)
{
    struct sl_ref type = value_of(nitf, "tobject.property.type");
    if (type.len != 0)
        sl_out_item(nitf->out, SL_LIST_GENRES, none, none, type, none);
    return sl_xml_skip(nitf->xml);
}

/* The number says it all; its name is the most special of the three. */
static enum sl_xml_event take_subject(struct sl_nitf *nitf)
{
    static const char *const names[] = { "tobject.subject.detail", "tobject.subject.matter", "tobject.subject.type" };
    struct sl_span ipr = sl_xml_value(nitf->xml, "tobject.subject.ipr");
    if (nitf->has_subjects)
        return sl_xml_skip(nitf->xml);
    struct sl_ref code = value_of(nitf, "tobject.subject.refnum"), name = none;
    bool is_iptc = ipr.len == 0 || sl_span_is(ipr, "IPTC");
    struct sl_ref scheme = is_iptc ? sl_out_ref(nitf->out, "subj", 4) : value_of(nitf, "tobject.subject.ipr");
    for (size_t i = 0; i < 3 && name.len == 0; i++)
        name = value_of(nitf, names[i]);
    if (code.len == 0)
        code = value_of(nitf, "tobject.subject.code");
    if (code.len != 0 || name.len != 0)
        sl_out_item(nitf->out, SL_LIST_SUBJECTS, code.len != 0 ? scheme : none, code, name, none);
    return sl_xml_skip(nitf->xml);
}

/* ---- docdata ---- */

static enum sl_xml_event take_docdata(struct sl_nitf *nitf)
{
    keep_span(nitf, &nitf->status, "management-status");
    keep(nitf, &nitf->refers, "management-doc-idref");
    return SL_XML_START;
}

static enum sl_xml_event take_correction(struct sl_nitf *nitf)
{
    keep(nitf, &nitf->corrects, "id-string");
    add_note(nitf, value_of(nitf, "info"));
    sl_standing_code(nitf->story, "correction");
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_doc_id(struct sl_nitf *nitf)
{
    struct sl_ref regsrc = value_of(nitf, "regsrc"), id = value_of(nitf, "id-string");
    if (nitf->provider.len == 0)
        nitf->provider = regsrc;
    if (!nitf->is_embedded)
        sl_standing_say(nitf->out, SL_TEXT_ID, id);
    else if (id.len != 0)
        sl_out_item(nitf->out, SL_LIST_ALT_IDS, sl_out_ref(nitf->out, "nitf", 4), id, none, none);
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_from_src(struct sl_nitf *nitf)
{
    if (nitf->source.len == 0)
        nitf->source = value_of(nitf, "src-name");
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_urgency(struct sl_nitf *nitf)
{
    struct sl_bulletin *root = sl_out_root(nitf->out);
    uint32_t urgency = number_of(sl_xml_value(nitf->xml, "ed-urg"));
    if (root->urgency == 0 && urgency <= 9)
        root->urgency = (uint8_t)urgency;
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_fixture(struct sl_nitf *nitf)
{
    struct sl_ref fixture = value_of(nitf, "fix-id");
    if (fixture.len != 0)
        sl_out_item(nitf->out, SL_LIST_GENRES, sl_out_ref(nitf->out, "fixture", 7), fixture, none, none);
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_date(struct sl_nitf *nitf)
{
    struct sl_span *const date = nitf->xml->id == SL_NITF_DATE_ISSUE     ? &nitf->date_issue
                                 : nitf->xml->id == SL_NITF_DATE_RELEASE ? &nitf->date_release
                                                                         : &nitf->date_expire;
    keep_span(nitf, date, "norm");
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_doc_scope(struct sl_nitf *nitf)
{
    struct sl_ref scope = value_of(nitf, "scope");
    if (scope.len != 0)
        sl_out_item(nitf->out, SL_LIST_SUBJECTS, sl_out_ref(nitf->out, "doc-scope", 9), none, scope, none);
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_series(struct sl_nitf *nitf)
{
    keep_span(nitf, &nitf->series_part, "series.part");
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_ed_msg(struct sl_nitf *nitf)
{
    add_note(nitf, value_of(nitf, "info"));
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_du_key(struct sl_nitf *nitf)
{
    struct sl_bulletin *root = sl_out_root(nitf->out);
    if (nitf->du_key.len == 0)
        nitf->du_key = value_of(nitf, "key");
    keep_span(nitf, &nitf->generation, "generation");
    keep_span(nitf, &nitf->version, "version");
    if (root->take_no == 0)
        root->take_no = number_of(sl_xml_value(nitf->xml, "part"));
    return sl_xml_skip(nitf->xml);
}

/* "(c) 2026 Harbour News": as the holder writes it where he writes more than his name. */
static enum sl_xml_event take_copyright(struct sl_nitf *nitf)
{
    struct sl_out *out = nitf->out;
    const struct sl_xml_attr *year = sl_xml_attr(nitf->xml, "year"), *holder = sl_xml_attr(nitf->xml, "holder");
    struct sl_span name = holder ? holder->value : (struct sl_span){ NULL, 0 };
    bool is_whole = sl_span_starts(name, "(c)") || sl_span_starts(name, "copyright") || sl_span_starts(name, "\u00a9");
    if (sl_span_trim(name).len == 0)
        return sl_xml_skip(nitf->xml);
    sl_out_open(out);
    if (!is_whole) {
        sl_out_put(out, "\u00a9 ", 3);
        if (year && year->value.len != 0) {
            sl_xml_put_value(nitf->xml, out, year);
            sl_out_putc(out, ' ');
        }
    }
    uint32_t before = sl_out_opened(out).len;
    sl_xml_put_value(nitf->xml, out, holder);
    sl_text_fold(out, before);
    struct sl_ref text = sl_out_close(out);
    if (text.len != 0 && nitf->holder.len == 0)
        nitf->holder = (struct sl_ref){ text.off + before, text.len - before };
    sl_standing_say(out, SL_TEXT_COPYRIGHT, text);
    return sl_xml_skip(nitf->xml);
}

/* The values that are there, with a mark between; first: the first of them. */
static struct sl_ref join_values(struct sl_nitf *nitf, const char *const names[], size_t cnt, const char *mark,
                                 struct sl_ref *first)
{
    struct sl_out *out = nitf->out;
    *first = none;
    sl_out_open(out);
    for (size_t i = 0; i < cnt; i++) {
        const struct sl_xml_attr *attr = sl_xml_attr(nitf->xml, names[i]);
        if (!attr || attr->value.len == 0)
            continue;
        if (sl_out_opened(out).len != 0)
            sl_out_put(out, mark, 2);
        uint32_t before = sl_out_opened(out).len;
        sl_xml_put_value(nitf->xml, out, attr);
        sl_text_fold(out, before);
        if (first->len == 0)
            *first = (struct sl_ref){ out->open_off + before, sl_out_opened(out).len - before };
    }
    return sl_out_close(out);
}

static enum sl_xml_event take_doc_rights(struct sl_nitf *nitf)
{
    static const char *const names[] = { "limitations", "type", "geography" };
    struct sl_ref first;
    sl_standing_say(nitf->out, SL_TEXT_USAGE_TERMS, join_values(nitf, names, 3, "; ", &first));
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_keyword(struct sl_nitf *nitf)
{
    struct sl_ref key = value_of(nitf, "key");
    enum sl_xml_event event = key.len != 0 ? sl_xml_skip(nitf->xml) : take_line(nitf, &key);
    say_word(nitf, SL_LIST_KEYWORDS, key);
    if (key.len != 0 && nitf->keyword_cnt++ == 0)
        nitf->keyword = key;
    return event;
}

static enum sl_xml_event take_pubdata(struct sl_nitf *nitf)
{
    struct sl_bulletin *root = sl_out_root(nitf->out);
    keep_span(nitf, &nitf->story_date, "date.publication");
    if (root->word_cnt == 0 && sl_span_starts(sl_xml_value(nitf->xml, "unit-of-measure"), "word"))
        root->word_cnt = number_of(sl_xml_value(nitf->xml, "item-length"));
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_evloc(struct sl_nitf *nitf)
{
    static const char *const names[] = { "city", "county-dist", "state-prov", "iso-cc" };
    struct sl_ref first, place = join_values(nitf, names, 4, ", ", &first);
    if (place.len != 0) {
        sl_standing_say(nitf->out, SL_TEXT_LOCATED, first);
        sl_out_item(nitf->out, SL_LIST_PLACES, none, none, place, none);
    }
    return sl_xml_skip(nitf->xml);
}

/* ---- body.head ---- */

static enum sl_xml_event take_hl1(struct sl_nitf *nitf) { return say_line(nitf, SL_TEXT_HEADLINE); }

static enum sl_xml_event take_hl2(struct sl_nitf *nitf)
{
    struct sl_ref line;
    enum sl_xml_event event = take_line(nitf, &line);
    struct sl_slice headline = sl_out_get(nitf->out, SL_TEXT_HEADLINE), text = slice_of(nitf, line);
    bool is_same = headline.len == text.len && memcmp(headline.data, text.data, text.len) == 0;
    if (line.len != 0 && !is_same)
        sl_out_item(nitf->out, SL_LIST_HEADLINES, none, sl_out_ref(nitf->out, "hl2", 3), line, none);
    return event;
}

/* Words with a comma before each part that stands alone in its own element. */
static enum sl_xml_event put_parts(struct sl_nitf *nitf, struct sl_ref *city)
{
    struct sl_xml *xml = nitf->xml;
    uint32_t depth = xml->depth, start = sl_out_opened(nitf->out).len;
    struct sl_markup markup;
    sl_markup_begin_xml(&markup, nitf->out, xml);
    markup.is_one_line = true;
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_TEXT) {
            uint32_t before = nitf->out->len;
            sl_markup_text_xml(&markup, xml);
            if (city && xml->id == SL_NITF_CITY && city->len == 0)
                *city = (struct sl_ref){ before, nitf->out->len - before };
            continue;
        }
        if (event != SL_XML_START && (event != SL_XML_END || xml->depth == depth))
            break;
        bool is_part = xml->id == SL_NITF_BYTTL || xml->id == SL_NITF_STATE || xml->id == SL_NITF_COUNTRY ||
                       xml->id == SL_NITF_REGION || xml->id == SL_NITF_CITY;
        struct sl_slice text = sl_out_opened(nitf->out);
        if (event == SL_XML_START && xml->id == SL_NITF_STORY_DATE) {
            keep_span(nitf, &nitf->story_date, "norm");
            if (sl_xml_skip(xml) == SL_XML_ERROR)
                break;
        } else if (event == SL_XML_START && is_part && text.len > start) {
            if (!memchr(",(-/", text.data[text.len - 1], 4))
                sl_out_putc(nitf->out, ',');
            sl_markup_open(&markup, SL_MARKUP_LINE);
        }
    }
    sl_markup_end(&markup);
    return xml->event;
}

/* "gr/bp" is a desk's sign-off. */
static bool is_signoff(struct sl_span line)
{
    if (line.len == 0 || line.len > 12)
        return false;
    for (uint32_t i = 0; i < line.len; i++) {
        if (sl_is_white(line.data[i]) || sl_is_upper(line.data[i]) || line.data[i] >= 0x80)
            return false;
    }
    return memchr(line.data, '/', line.len) || line.len <= 4;
}

static void say_byline(struct sl_nitf *nitf, struct sl_ref byline)
{
    struct sl_out *out = nitf->out;
    struct sl_span line = sl_span_of(slice_of(nitf, byline)), name;
    struct sl_slice before = sl_out_get(out, SL_TEXT_BYLINE);
    if (byline.len == 0 || nitf->byline_cnt++ >= SL_NITF_BYLINES_MAX)
        return;
    if (is_signoff(line)) {
        sl_out_note(out, "the byline is a desk's sign-off");
    } else if (sl_text_words(slice_of(nitf, byline)) > SUBTITLE_WORDS && !sl_byline_read(line, &name)) {
        sl_out_note(out, "the byline is a subtitle");
        sl_out_item(out, SL_LIST_HEADLINES, none, sl_out_ref(out, "subtitle", 8), byline, none);
    } else if (before.len == 0) {
        sl_out_set(out, SL_TEXT_BYLINE, byline);
    } else if (before.len + line.len <= BYLINE_JOINED) {
        sl_out_open(out);
        sl_out_put(out, before.data, before.len);
        sl_out_put(out, ", ", 2);
        sl_out_put(out, line.data, line.len);
        sl_out_set(out, SL_TEXT_BYLINE, sl_out_close(out));
    }
}

static enum sl_xml_event take_byline(struct sl_nitf *nitf)
{
    sl_out_open(nitf->out);
    enum sl_xml_event event = put_parts(nitf, NULL);
    struct sl_ref byline = sl_out_close(nitf->out);
    /* What the format around it said is the whole. */
    if (nitf->byline_cnt != 0 || sl_out_get(nitf->out, SL_TEXT_BYLINE).len == 0)
        say_byline(nitf, byline);
    return event;
}

/* The place is what stands before the first comma or bracket, or the city. */
static enum sl_xml_event take_dateline(struct sl_nitf *nitf)
{
    struct sl_out *out = nitf->out;
    struct sl_ref city = none;
    sl_out_open(out);
    enum sl_xml_event event = put_parts(nitf, &city);
    struct sl_ref line = sl_out_close(out);
    struct sl_slice text = slice_of(nitf, line);
    if (line.len == 0)
        return event;
    uint32_t len = 0;
    while (len < text.len && !memchr(",(/", text.data[len], 3))
        len++;
    while (len != 0 && memchr(" -:", text.data[len - 1], 3))
        len--;
    struct sl_ref place = { line.off, len };
    if (city.len != 0) { /* with what parted it from the words before */
        struct sl_span name = sl_span_trim(sl_span_of(slice_of(nitf, city)));
        place = (struct sl_ref){ city.off + city.len - name.len, name.len };
    }
    sl_standing_say(out, SL_TEXT_DATELINE, line);
    sl_standing_say(out, SL_TEXT_DATELINE_PLACE, place);
    return event;
}

static enum sl_xml_event take_note(struct sl_nitf *nitf)
{
    struct sl_ref note;
    sl_out_open(nitf->out);
    struct sl_markup markup;
    sl_markup_begin_xml(&markup, nitf->out, nitf->xml);
    markup.is_one_line = true;
    enum sl_xml_event event = sl_markup_inner_xml(&markup, nitf->xml);
    sl_markup_end(&markup);
    note = sl_out_close(nitf->out);
    add_note(nitf, note);
    return event;
}

static enum sl_xml_event take_rights(struct sl_nitf *nitf)
{
    struct sl_ref rights;
    enum sl_xml_event event = take_line(nitf, &rights);
    if (nitf->distributor.len == 0)
        nitf->distributor = rights;
    return event;
}

static enum sl_xml_event take_distributor(struct sl_nitf *nitf)
{
    struct sl_ref distributor;
    enum sl_xml_event event = take_line(nitf, &distributor);
    if (distributor.len != 0) {
        nitf->distributor = distributor;
        sl_standing_say(nitf->out, SL_TEXT_CREDIT, distributor);
    }
    return event;
}

static enum sl_xml_event take_story_date(struct sl_nitf *nitf)
{
    keep_span(nitf, &nitf->story_date, "norm");
    return sl_xml_skip(nitf->xml);
}

static enum sl_xml_event take_copyrite(struct sl_nitf *nitf) { return say_line(nitf, SL_TEXT_COPYRIGHT); }

static enum sl_xml_event take_paragraphs(struct sl_nitf *nitf, const char *role)
{
    struct sl_out *out = nitf->out;
    struct sl_markup markup;
    sl_out_open(out);
    sl_markup_begin_xml(&markup, out, nitf->xml);
    enum sl_xml_event event = sl_markup_inner_xml(&markup, nitf->xml);
    sl_markup_end(&markup);
    struct sl_ref text = sl_out_close(out);
    if (text.len != 0)
        sl_out_item(out, SL_LIST_BODIES, none, sl_out_ref(out, role, (uint32_t)strlen(role)), text, none);
    return event;
}

static enum sl_xml_event take_abstract(struct sl_nitf *nitf) { return take_paragraphs(nitf, "abstract"); }
static enum sl_xml_event take_tagline(struct sl_nitf *nitf) { return take_paragraphs(nitf, "tagline"); }
static enum sl_xml_event skip(struct sl_nitf *nitf) { return sl_xml_skip(nitf->xml); }

static enum sl_xml_event (*const takes[SL_NITF_NAME_CNT])(struct sl_nitf *nitf) = {
    [SL_NITF_TITLE] = take_title,
    [SL_NITF_META] = take_meta,
    [SL_NITF_TOBJECT] = take_tobject,
    [SL_NITF_PROPERTY] = take_property,
    [SL_NITF_SUBJECT] = take_subject,
    [SL_NITF_DOCDATA] = take_docdata,
    [SL_NITF_CORRECTION] = take_correction,
    [SL_NITF_EVLOC] = take_evloc,
    [SL_NITF_DOC_ID] = take_doc_id,
    [SL_NITF_FROM_SRC] = take_from_src,
    [SL_NITF_URGENCY] = take_urgency,
    [SL_NITF_FIXTURE] = take_fixture,
    [SL_NITF_DATE_ISSUE] = take_date,
    [SL_NITF_DATE_RELEASE] = take_date,
    [SL_NITF_DATE_EXPIRE] = take_date,
    [SL_NITF_DOC_SCOPE] = take_doc_scope,
    [SL_NITF_SERIES] = take_series,
    [SL_NITF_ED_MSG] = take_ed_msg,
    [SL_NITF_DU_KEY] = take_du_key,
    [SL_NITF_DOC_COPYRIGHT] = take_copyright,
    [SL_NITF_DOC_RIGHTS] = take_doc_rights,
    [SL_NITF_KEYWORD] = take_keyword,
    [SL_NITF_PUBDATA] = take_pubdata,
    [SL_NITF_REVISION_HISTORY] = skip,
    [SL_NITF_HL1] = take_hl1,
    [SL_NITF_HL2] = take_hl2,
    [SL_NITF_NOTE] = take_note,
    [SL_NITF_RIGHTS] = take_rights,
    [SL_NITF_BYLINE] = take_byline,
    [SL_NITF_DISTRIBUTOR] = take_distributor,
    [SL_NITF_DATELINE] = take_dateline,
    [SL_NITF_STORY_DATE] = take_story_date,
    [SL_NITF_COPYRITE] = take_copyrite,
    [SL_NITF_ABSTRACT] = take_abstract,
    [SL_NITF_BODY_CONTENT] = sl_nitf_take_body,
    [SL_NITF_TAGLINE] = take_tagline,
    [SL_NITF_MEDIA] = sl_nitf_take_media,
    [SL_NITF_PERSON] = sl_nitf_take_named,
    [SL_NITF_ORG] = sl_nitf_take_named,
    [SL_NITF_LOCATION] = sl_nitf_take_named,
};

enum sl_xml_event sl_nitf_take(struct sl_nitf *nitf)
{
    unsigned id = nitf->xml->id;
    return id < SL_NITF_NAME_CNT && takes[id] ? takes[id](nitf) : SL_XML_START;
}
