/* parsers/newsmlg2_meta.c - NewsML-G2's itemMeta, contentMeta and rights. */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/newsmlg2.h"

static const struct sl_ref none;

/* ---- codes ---- */

struct sl_span sl_g2_code(struct sl_span qcode, struct sl_span *scheme)
{
    const uint8_t *colon = qcode.len != 0 ? memchr(qcode.data, ':', qcode.len) : NULL;
    uint32_t len = colon ? (uint32_t)(colon - qcode.data) : 0;
    *scheme = sl_span_head(qcode, len);
    return sl_span_skip(qcode, colon ? len + 1 : 0);
}

enum sl_xml_event sl_g2_span(struct sl_xml *xml, struct sl_span *span)
{
    uint32_t depth = xml->depth;
    for (;;) {
        enum sl_xml_event event = sl_xml_next(xml);
        if (event == SL_XML_TEXT && span->len == 0)
            *span = sl_span_trim(xml->text);
        if (event == SL_XML_ERROR || event == SL_XML_DONE || (event == SL_XML_END && xml->depth == depth))
            return event;
    }
}

/* A concept: "scheme:code", a literal, or a URI; and its name. */
struct concept {
    struct sl_ref scheme, code, name;
};

/* Inline, so that the length of the name is known. */
static inline __attribute__((always_inline)) struct sl_ref value_of(struct sl_g2 *g2, const char *name)
{
    return sl_xml_value_line(g2->xml, g2->out, sl_xml_attr(g2->xml, name));
}

static struct sl_span text_of(const struct sl_g2 *g2, struct sl_ref ref)
{
    return sl_span_of(sl_bulletin_ref(sl_out_root(g2->out), ref));
}

static struct concept concept_of(struct sl_g2 *g2)
{
    struct concept concept = { none, none, none };
    struct sl_ref whole = value_of(g2, "qcode");
    struct sl_span scheme;
    if (whole.len != 0) {
        sl_g2_code(text_of(g2, whole), &scheme);
        uint32_t skip = scheme.len != 0 ? scheme.len + 1 : 0;
        concept.scheme = scheme.len != 0 ? (struct sl_ref){ whole.off, scheme.len } : none;
        concept.code = (struct sl_ref){ whole.off + skip, whole.len - skip };
        concept.code = concept.code.len != 0 ? concept.code : none;
        return concept;
    }
    concept.code = value_of(g2, "literal");
    if (concept.code.len == 0)
    concept.code = value_of(g2, "uri");
    return concept;
}

/* The element's own text, from where it stands to its END; whatever elements are inside, too. */
static enum sl_xml_event take_line(struct sl_g2 *g2, struct sl_ref *ref) { return sl_xml_line(g2->xml, g2->out, ref); }

/* The first name that is the concept's own, on the way to its END.  What stands inside beside it goes to inner. */
static enum sl_xml_event take_name(struct sl_g2 *g2, struct concept *concept, void (*inner)(struct sl_g2 *g2))
{
    struct sl_xml *xml = g2->xml;
    uint32_t depth = xml->depth;
    for (;;) {
        enum sl_xml_event event = sl_xml_next_tag(xml);
        if (event == SL_XML_ERROR || event == SL_XML_DONE || (event == SL_XML_END && xml->depth == depth))
            return event;
        if (event != SL_XML_START)
            continue;
        if (xml->id == SL_G2_NAME && xml->depth == depth + 1 && concept->name.len == 0)
            event = take_line(g2, &concept->name);
        else if (xml->id == SL_G2_BROADER)
            event = sl_xml_skip(xml);
        else if (inner)
            inner(g2);
        if (event == SL_XML_ERROR)
            return event;
    }
}

static struct sl_ref first_of(struct sl_ref a, struct sl_ref b) { return a.len != 0 ? a : b; }

/* ---- itemMeta ---- */

/* What the item's own class says where it is no text. */
static enum sl_xml_event take_item_class(struct sl_g2 *g2)
{
    struct concept concept = concept_of(g2);
    struct sl_span class = text_of(g2, concept.code);
    if (class.len != 0 && !sl_span_is(class, "text"))
        sl_out_item(g2->out, SL_LIST_GENRES, concept.scheme, concept.code, none, none);
    return sl_xml_skip(g2->xml);
}

static enum sl_xml_event take_provider(struct sl_g2 *g2)
{
    struct concept concept = concept_of(g2);
    enum sl_xml_event event = take_name(g2, &concept, NULL);
    sl_standing_say(g2->out, SL_TEXT_PROVIDER, first_of(concept.code, concept.name));
    return event;
}

static enum sl_xml_event take_version_created(struct sl_g2 *g2) { return sl_g2_span(g2->xml, &g2->version_created); }
static enum sl_xml_event take_first_created(struct sl_g2 *g2) { return sl_g2_span(g2->xml, &g2->first_created); }
static enum sl_xml_event take_content_created(struct sl_g2 *g2) { return sl_g2_span(g2->xml, &g2->content_created); }

static enum sl_xml_event take_embargoed(struct sl_g2 *g2)
{
    const struct sl_xml_attr *nil = sl_xml_attr_local(g2->xml, "nil");
    g2->has_embargo |= !nil || !sl_xml_is(nil->value, "true") || g2->embargoed.len != 0;
    return sl_g2_span(g2->xml, &g2->embargoed);
}

static enum sl_xml_event take_pub_status(struct sl_g2 *g2)
{
    struct sl_span scheme, status = sl_g2_code(sl_xml_value(g2->xml, "qcode"), &scheme);
    struct sl_bulletin *root = sl_out_root(g2->out);
    if (status.len == 0)
        status = sl_xml_value(g2->xml, "literal");
    if (sl_span_is(status, "canceled") || sl_span_is(status, "cancelled"))
        sl_standing_code(&g2->story, "kill");
    else if (sl_span_is(status, "withheld"))
        sl_standing_code(&g2->story, "withhold");
    else if (sl_span_is(status, "usable") && root->pubstatus == SL_PUB_UNKNOWN)
        root->pubstatus = SL_PUB_USABLE;
    return sl_xml_skip(g2->xml);
}

static enum sl_xml_event take_service(struct sl_g2 *g2)
{
    struct concept concept = concept_of(g2);
    struct sl_ref whole = first_of(value_of(g2, "qcode"), concept.code);
    enum sl_xml_event event = take_name(g2, &concept, NULL);
    sl_standing_say(g2->out, SL_TEXT_SERVICE, first_of(whole, concept.name));
    return event;
}

/* Contacts, sign-offs, and the notepad that holds them beside what other notes say again. */
static bool is_closed_note(const struct sl_g2 *g2)
{
    struct sl_span constraint = sl_xml_value(g2->xml, "pubconstraint"), role = sl_xml_value(g2->xml, "role");
    static const char *const roles[] = { "contact", "closingline", "notepad", "signoff" };
    uint32_t off;
    if (sl_span_find(constraint, "nonpublic", &off) || sl_span_find(constraint, "private", &off))
        return true;
    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        if (sl_span_find(role, roles[i], &off))
            return true;
    }
    return false;
}

static enum sl_xml_event take_ed_note(struct sl_g2 *g2)
{
    struct sl_ref note;
    if (is_closed_note(g2))
        return sl_xml_skip(g2->xml);
    enum sl_xml_event event = take_line(g2, &note);
    if (note.len != 0 && !sl_says_private(text_of(g2, note)) && g2->note_cnt < SL_G2_NOTES_MAX)
        g2->note[g2->note_cnt++] = note;
    return event;
}

/* Signals of IPTC's scheme and of agencies', by their code; a scheme alone counts where its codes are many. */
static const struct signal {
    const char *scheme, *code; /* NULL: any */
    const char *word; /* NULL: of no matter */
} signals[] = {
    {"edStat",      "U",            "update"    },
    { "edStat",     "C",            "correction"},
    { "edStat",     "D",            "kill"      },
    { "edStat",     "K",            "kill"      },
    { "edStat",     NULL,           NULL        },
    { "update",     NULL,           "update"    },
    { "correction", NULL,           "correction"},
    { NULL,         "update",       "update"    },
    { NULL,         "updated",      "update"    },
    { NULL,         "replace",      "update"    },
    { NULL,         "replacement",  "update"    },
    { NULL,         "writethru",    "update"    },
    { NULL,         "append",       "update"    },
    { NULL,         "correction",   "correction"},
    { NULL,         "corrected",    "correction"},
    { NULL,         "corrective",   "correction"},
    { NULL,         "kill",         "kill"      },
    { NULL,         "killed",       "kill"      },
    { NULL,         "delete",       "kill"      },
    { NULL,         "elimination",  "kill"      },
    { NULL,         "withdrawal",   "kill"      },
    { NULL,         "withdraw",     "kill"      },
    { NULL,         "cancel",       "kill"      },
    { NULL,         "canceled",     "kill"      },
    { NULL,         "withhold",     "withhold"  },
    { NULL,         "hold",         "withhold"  },
    { NULL,         "release",      "freigabe"  },
    { NULL,         "flash",        "flash"     },
    { NULL,         "newsalert",    "newsalert" },
    { NULL,         "alert",        "alert"     },
    { NULL,         "bulletin",     "bulletin"  },
    { NULL,         "breaking",     "alert"     },
    { NULL,         "breakingnews", "alert"     },
    { NULL,         "advisory",     "advisory"  },
    { NULL,         "test",         "test"      },
};

/* "sig", "apsig", "tt_sig", "edStat"; but a desk's address that happens to be called TEST is none. */
static bool is_signal_scheme(struct sl_span scheme)
{
    uint32_t off;
    return scheme.len == 0 || sl_span_find(scheme, "sig", &off) || sl_span_find(scheme, "stat", &off);
}

static enum sl_xml_event take_signal(struct sl_g2 *g2)
{
    struct sl_span scheme, code = sl_g2_code(sl_xml_value(g2->xml, "qcode"), &scheme);
    if (code.len == 0)
        code = sl_xml_value(g2->xml, "literal");
    bool is_usual = is_signal_scheme(scheme);
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        const struct signal *row = &signals[i];
        bool is_scheme = row->scheme ? sl_span_is(scheme, row->scheme) : is_usual;
        if (!is_scheme || (row->code && !sl_span_is(code, row->code)))
            continue;
        if (row->word)
            sl_standing_code(&g2->story, row->word);
        break;
    }
    return sl_xml_skip(g2->xml);
}

/* Which earlier item this one comes from; every other link is an association. */
static bool is_earlier(struct sl_span rel, bool is_own_item)
{
    static const char *const rels[] = { "derivedFrom", "previousVersion", "evolvedFrom", "evolvesFrom", "replaces",
                                        "replaceOf",   "corrects",        "updates",     "updateOf" };
    struct sl_span scheme, code = sl_g2_code(rel, &scheme);
    if (rel.len == 0)
        return is_own_item;
    for (size_t i = 0; i < sizeof(rels) / sizeof(*rels); i++) {
        if (sl_span_is(code, rels[i]))
            return true;
    }
    return false;
}

static enum sl_xml_event take_link(struct sl_g2 *g2)
{
    struct sl_span rel = sl_xml_value(g2->xml, "rel");
    struct sl_ref id = first_of(value_of(g2, "guidref"), value_of(g2, "residref")), href = value_of(g2, "href");
    if (is_earlier(rel, id.len != 0))
        sl_story_say_reference(&g2->story, "evolved_from", first_of(id, href));
    else if (id.len != 0 || href.len != 0)
        sl_out_item(g2->out, SL_LIST_ASSOCIATIONS, value_of(g2, "rel"), id, href, value_of(g2, "contenttype"));
    return sl_xml_skip(g2->xml);
}

static enum sl_xml_event take_title(struct sl_g2 *g2)
{
    struct sl_ref title;
    enum sl_xml_event event = take_line(g2, &title);
    g2->title = first_of(g2->title, title);
    return event;
}

/* ---- rights, in several languages ---- */

/* The item's own language wins over the first that comes. */
static void say_in_language(struct sl_g2 *g2, enum sl_text text, struct sl_ref ref, bool is_own)
{
    if (ref.len == 0)
        return;
    if (is_own && (g2->own_language & 1u << text) == 0) {
        g2->own_language |= 1u << text;
        sl_out_set(g2->out, text, ref);
    }
    sl_standing_say(g2->out, text, ref);
}

static bool is_own_language(const struct sl_g2 *g2)
{
    struct sl_span language = sl_xml_value(g2->xml, "xml:lang");
    return language.len == 0 ||
           (language.len == g2->language.len && memcmp(language.data, g2->language.data, language.len) == 0);
}

static enum sl_xml_event say_rights(struct sl_g2 *g2, enum sl_text text)
{
    struct sl_ref ref;
    bool is_own = is_own_language(g2);
    enum sl_xml_event event = take_line(g2, &ref);
    say_in_language(g2, text, ref, is_own);
    return event;
}

static enum sl_xml_event take_copyright_notice(struct sl_g2 *g2) { return say_rights(g2, SL_TEXT_COPYRIGHT); }
static enum sl_xml_event take_usage_terms(struct sl_g2 *g2) { return say_rights(g2, SL_TEXT_USAGE_TERMS); }

static enum sl_xml_event take_copyright_holder(struct sl_g2 *g2)
{
    struct concept concept = concept_of(g2);
    enum sl_xml_event event = take_name(g2, &concept, NULL);
    g2->copyright_holder = first_of(g2->copyright_holder, first_of(concept.name, concept.code));
    return event;
}

/* ---- contentMeta ---- */

static enum sl_xml_event take_urgency(struct sl_g2 *g2)
{
    struct sl_span inner = { NULL, 0 };
    struct sl_bulletin *root = sl_out_root(g2->out);
    enum sl_xml_event event = sl_g2_span(g2->xml, &inner);
    if (inner.len == 1 && inner.data[0] >= '1' && inner.data[0] <= '9')
        root->urgency = (uint8_t)(inner.data[0] - '0');
    return event;
}

static void put_coordinate(struct sl_out *out, struct sl_span number)
{
    number = sl_span_trim(number);
    for (uint32_t i = 0; i < number.len && i < 24; i++) {
        if (sl_is_digit(number.data[i]) || memchr("+-.", number.data[i], 3))
            sl_out_putc(out, (char)number.data[i]);
    }
}

static bool is_coordinate(struct sl_span number)
{
    uint32_t digit_cnt = 0;
    number = sl_span_trim(number);
    for (uint32_t i = 0; i < number.len; i++) {
        bool is_sign = number.data[i] == '-' && i == 0,
             is_point = number.data[i] == '.' && i != 0 && i + 1 < number.len;
        if (!sl_is_digit(number.data[i]) && !is_sign && !is_point)
            return false;
        digit_cnt += sl_is_digit(number.data[i]);
    }
    return digit_cnt != 0 && number.len <= 24;
}

/* GeoJSON has the longitude first. */
static void note_position(struct sl_g2 *g2)
{
    struct sl_out *out = g2->out;
    if (g2->xml->id != SL_G2_POSITION || g2->place.len != 0)
        return;
    struct sl_span latitude = sl_xml_value(g2->xml, "latitude"), longitude = sl_xml_value(g2->xml, "longitude");
    if (!is_coordinate(latitude) || !is_coordinate(longitude))
        return;
    static const char begins[] = "{\"type\":\"Point\",\"coordinates\":[";
    sl_out_open(out);
    sl_out_put(out, begins, sizeof(begins) - 1);
    put_coordinate(out, longitude);
    sl_out_putc(out, ',');
    put_coordinate(out, latitude);
    sl_out_put(out, "]}", 2);
    g2->place = sl_out_close(out);
}

static enum sl_xml_event take_located(struct sl_g2 *g2)
{
    struct concept concept = concept_of(g2);
    g2->place = none;
    enum sl_xml_event event = take_name(g2, &concept, note_position);
    struct sl_ref name = first_of(concept.name, concept.scheme.len == 0 ? concept.code : none);
    sl_standing_say(g2->out, SL_TEXT_LOCATED, name);
    if (name.len != 0 || concept.code.len != 0)
        sl_out_item(g2->out, SL_LIST_PLACES, concept.scheme, concept.scheme.len != 0 ? concept.code : none, name,
                    g2->place);
    return event;
}

static enum sl_xml_event say_line(struct sl_g2 *g2, enum sl_text text)
{
    struct sl_ref ref;
    enum sl_xml_event event = take_line(g2, &ref);
    sl_standing_say(g2->out, text, ref);
    return event;
}

static enum sl_xml_event take_by(struct sl_g2 *g2) { return say_line(g2, SL_TEXT_BYLINE); }
static enum sl_xml_event take_creditline(struct sl_g2 *g2) { return say_line(g2, SL_TEXT_CREDIT); }
static enum sl_xml_event take_slugline(struct sl_g2 *g2) { return say_line(g2, SL_TEXT_SLUGLINE); }

/* The place in "PORT ALBE, Westmark, Jan 5 (HN) -": neither the agency nor the day. */
static uint32_t place_len(struct sl_span text)
{
    uint32_t len = 0;
    while (len < text.len && !memchr("(/", text.data[len], 2)) {
        struct sl_span word = sl_span_skip(text, len + 1);
        bool is_after_comma = text.data[len] == ',' && word.len > 1 && word.data[0] == ' ';
        word = is_after_comma ? sl_span_word(sl_span_skip(word, 1)) : (struct sl_span){ NULL, 0 };
        while (word.len != 0 && !sl_is_letter(word.data[word.len - 1]))
            word.len--;
        if (word.len > 2 && sl_month_named(word.data, word.len) != 0)
            break;
        len++;
    }
    while (len != 0 && memchr(" -:,", text.data[len - 1], 4))
        len--;
    return len;
}

/* Some write a time here. */
static enum sl_xml_event take_dateline(struct sl_g2 *g2)
{
    struct sl_ref line;
    enum sl_xml_event event = take_line(g2, &line);
    struct sl_span text = text_of(g2, line);
    if (line.len == 0 || sl_is_digit(text.data[0]))
        return event;
    sl_standing_say(g2->out, SL_TEXT_DATELINE, line);
    sl_standing_say(g2->out, SL_TEXT_DATELINE_PLACE, (struct sl_ref){ line.off, place_len(text) });
    return event;
}

/* The main one has no role, or says that it is; the others stand beside it. */
static enum sl_xml_event take_headline(struct sl_g2 *g2)
{
    struct sl_span scheme, role = sl_g2_code(sl_xml_value(g2->xml, "role"), &scheme);
    bool is_main =
        role.len == 0 || sl_span_is(role, "main") || sl_span_is(role, "headline") || sl_span_is(role, "head");
    bool is_own = is_own_language(g2);
    struct sl_ref named = value_of(g2, "role"), language = value_of(g2, "xml:lang"), line;
    enum sl_xml_event event = take_line(g2, &line);
    if (line.len == 0)
        return event;
    g2->first_headline = first_of(g2->first_headline, line);
    if (is_main && is_own && sl_out_get(g2->out, SL_TEXT_HEADLINE).len == 0)
        sl_out_set(g2->out, SL_TEXT_HEADLINE, line);
    else
        sl_out_item(g2->out, SL_LIST_HEADLINES, is_own ? none : language, named, line, none);
    return event;
}

static enum sl_xml_event take_language(struct sl_g2 *g2)
{
    sl_standing_say(g2->out, SL_TEXT_LANGUAGE, value_of(g2, "tag"));
    return sl_xml_skip(g2->xml);
}

static enum sl_xml_event take_genre(struct sl_g2 *g2)
{
    struct concept concept = concept_of(g2);
    enum sl_xml_event event = take_name(g2, &concept, NULL);
    if (concept.code.len != 0 || concept.name.len != 0)
        sl_out_item(g2->out, SL_LIST_GENRES, concept.scheme, concept.code, concept.name, none);
    g2->genre = first_of(g2->genre, concept.name);
    return event;
}

static enum sl_xml_event take_keyword(struct sl_g2 *g2)
{
    struct sl_ref word;
    enum sl_xml_event event = take_line(g2, &word);
    if (word.len == 0)
        return event;
    sl_out_item(g2->out, SL_LIST_KEYWORDS, word, none, none, none);
    /* "TSX VENTURE:AXL": an exchange in capitals and what is listed there. */
    struct sl_span exchange, symbol = sl_g2_code(text_of(g2, word), &exchange);
    bool is_symbol = exchange.len >= 2 && exchange.len <= 20 && symbol.len != 0 && symbol.len <= 16;
    for (uint32_t i = 0; is_symbol && i < exchange.len; i++)
        is_symbol = sl_is_upper(exchange.data[i]) || exchange.data[i] == ' ' || sl_is_digit(exchange.data[i]);
    for (uint32_t i = 0; is_symbol && i < symbol.len; i++)
        is_symbol = sl_is_upper(symbol.data[i]) || sl_is_digit(symbol.data[i]) || memchr(".-", symbol.data[i], 2);
    if (is_symbol)
        sl_out_item(g2->out, SL_LIST_SYMBOLS, (struct sl_ref){ word.off, exchange.len }, none,
                    (struct sl_ref){ word.off + exchange.len + 1, symbol.len }, none);
    return event;
}

/* A company's listing inside its subject. */
static void note_instrument(struct sl_g2 *g2)
{
    if (g2->xml->id != SL_G2_HAS_INSTRUMENT)
        return;
    struct sl_ref symbol = value_of(g2, "symbol"),
                  market = first_of(value_of(g2, "marketlabel"), value_of(g2, "market"));
    if (symbol.len != 0)
        sl_out_item(g2->out, SL_LIST_SYMBOLS, market, value_of(g2, "type"), symbol, none);
}

/* "R:ALBL.N": Reuters' instrument code, whose end names the exchange. */
static void say_instrument(struct sl_g2 *g2, struct sl_ref code)
{
    struct sl_span ric = text_of(g2, code);
    const uint8_t *point = memrchr(ric.data, '.', ric.len);
    uint32_t len = point ? (uint32_t)(ric.data + ric.len - point) - 1 : 0;
    struct sl_ref exchange = len != 0 ? (struct sl_ref){ code.off + code.len - len, len } : none;
    sl_out_item(g2->out, SL_LIST_SYMBOLS, exchange, sl_out_ref(g2->out, "RIC", 3), code, none);
}

static enum sl_xml_event take_subject(struct sl_g2 *g2)
{
    struct concept concept = concept_of(g2);
    struct sl_span scheme, type = sl_g2_code(sl_xml_value(g2->xml, "type"), &scheme);
    enum sl_xml_event event = take_name(g2, &concept, note_instrument);
    if (concept.code.len == 0 && concept.name.len == 0)
        return event;
    sl_out_item(g2->out, SL_LIST_SUBJECTS, concept.scheme, concept.code, concept.name, none);
    if (concept.scheme.len == 1 && sl_span_is(text_of(g2, concept.scheme), "R") && concept.code.len != 0)
        say_instrument(g2, concept.code);
    struct sl_ref name = first_of(concept.name, concept.scheme.len == 0 ? concept.code : none);
    bool is_person = sl_span_is(type, "person");
    if (is_person || sl_span_is(type, "organisation") || sl_span_is(type, "organization"))
        sl_out_item(g2->out, is_person ? SL_LIST_PEOPLE : SL_LIST_ORGANISATIONS, concept.scheme,
                    concept.scheme.len != 0 ? concept.code : none, name, none);
    return event;
}

static enum sl_xml_event take_info_source(struct sl_g2 *g2)
{
    struct concept concept = concept_of(g2);
    enum sl_xml_event event = take_name(g2, &concept, NULL);
    g2->info_source = first_of(g2->info_source, first_of(concept.name, concept.code));
    return event;
}

/* The code of a replaced object, as TT gives it, is more than another name. */
static enum sl_xml_event take_alt_id(struct sl_g2 *g2)
{
    struct sl_ref type = first_of(value_of(g2, "type"), value_of(g2, "role")), id;
    struct sl_span scheme;
    enum sl_xml_event event = take_line(g2, &id);
    if (id.len == 0)
        return event;
    if (sl_span_is(sl_g2_code(text_of(g2, type), &scheme), "refuno"))
        sl_story_say_reference(&g2->story, "replace", id);
    else
        sl_out_item(g2->out, SL_LIST_ALT_IDS, type, id, none, none);
    return event;
}

static enum sl_xml_event take_description(struct sl_g2 *g2)
{
    struct sl_ref role = value_of(g2, "role"), text;
    enum sl_xml_event event = take_line(g2, &text);
    if (text.len == 0)
        return event;
    struct sl_span scheme, code = sl_g2_code(text_of(g2, role), &scheme);
    role = (struct sl_ref){ role.off + role.len - code.len, code.len };
    sl_out_item(g2->out, SL_LIST_BODIES, none, role.len != 0 ? role : sl_out_ref(g2->out, "description", 11), text,
                none);
    g2->description = first_of(g2->description, text);
    return event;
}

/* ---- concepts and plans ---- */

static enum sl_xml_event take_concept_name(struct sl_g2 *g2)
{
    struct sl_ref name;
    enum sl_xml_event event = take_line(g2, &name);
    g2->first_headline = first_of(g2->first_headline, name);
    return event;
}

static enum sl_xml_event take_definition(struct sl_g2 *g2)
{
    struct sl_ref text;
    enum sl_xml_event event = take_line(g2, &text);
    g2->description = first_of(g2->description, text);
    return event;
}

static enum sl_xml_event take_planning(struct sl_g2 *g2)
{
    g2->is_planning = true; /* what stands inside is of what will come */
    return sl_xml_skip(g2->xml);
}

static enum sl_xml_event skip(struct sl_g2 *g2) { return sl_xml_skip(g2->xml); }

static enum sl_xml_event (*const takes[SL_G2_NAME_CNT])(struct sl_g2 *g2) = {
    [SL_NITF_TITLE] = take_title,
    [SL_NITF_URGENCY] = take_urgency,
    [SL_NITF_KEYWORD] = take_keyword,
    [SL_NITF_DATELINE] = take_dateline,
    [SL_G2_COPYRIGHT_HOLDER] = take_copyright_holder,
    [SL_G2_COPYRIGHT_NOTICE] = take_copyright_notice,
    [SL_G2_USAGE_TERMS] = take_usage_terms,
    [SL_G2_ITEM_CLASS] = take_item_class,
    [SL_G2_PROVIDER] = take_provider,
    [SL_G2_VERSION_CREATED] = take_version_created,
    [SL_G2_FIRST_CREATED] = take_first_created,
    [SL_G2_EMBARGOED] = take_embargoed,
    [SL_G2_PUB_STATUS] = take_pub_status,
    [SL_G2_SERVICE] = take_service,
    [SL_G2_ED_NOTE] = take_ed_note,
    [SL_G2_SIGNAL] = take_signal,
    [SL_G2_LINK] = take_link,
    [SL_G2_CONTENT_CREATED] = take_content_created,
    [SL_G2_ALT_ID] = take_alt_id,
    [SL_G2_LOCATED] = take_located,
    [SL_G2_NAME] = take_concept_name,
    [SL_G2_BY] = take_by,
    [SL_G2_CREDITLINE] = take_creditline,
    [SL_G2_HEADLINE] = take_headline,
    [SL_G2_SLUGLINE] = take_slugline,
    [SL_G2_LANGUAGE] = take_language,
    [SL_G2_GENRE] = take_genre,
    [SL_G2_INFO_SOURCE] = take_info_source,
    [SL_G2_SUBJECT] = take_subject,
    [SL_G2_DESCRIPTION] = take_description,
    [SL_G2_INLINE_XML] = sl_g2_take_inline_xml,
    [SL_G2_INLINE_DATA] = sl_g2_take_inline_data,
    [SL_G2_REMOTE_CONTENT] = sl_g2_take_remote,
    [SL_G2_ITEM_REF] = sl_g2_take_item_ref,
    [SL_G2_PLANNING] = take_planning,
    [SL_G2_DEFINITION] = take_definition,
    [SL_G2_ASSERT] = skip,
    [SL_G2_PART_META] = skip,
    [SL_G2_MEMBER_OF] = skip,
    [SL_G2_CREATOR] = skip,
    [SL_G2_CONTRIBUTOR] = skip,
};

enum sl_xml_event sl_g2_take(struct sl_g2 *g2)
{
    unsigned id = g2->xml->id;
    return id < SL_G2_NAME_CNT && takes[id] ? takes[id](g2) : SL_XML_START;
}
