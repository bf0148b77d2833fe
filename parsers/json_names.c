#include "parsers/json_names.h"
#include <string.h>
#include "parsers/ascii.h"

/* X(spelling, what it names, and of the spelling the letters that tell it: first, second, middle, last).  A letter that
 * is wrong here makes a name that is never found: tests/parsers/test_json.c looks for each. */
/* clang-format off */
#define SPELLINGS(X) \
    X(uri,                    URI,                'u', 'r', 'r', 'i') \
    X(guid,                   GUID,               'g', 'u', 'i', 'd') \
    X(id,                     ID,                 'i', 'd', 'd', 'd') \
    X(usn,                    USN,                'u', 's', 's', 'n') \
    X(altids,                 ALT_IDS,            'a', 'l', 'i', 's') \
    X(altid,                  ALT_ID,             'a', 'l', 't', 'd') \
    X(itemid,                 ITEM_ID,            'i', 't', 'm', 'd') \
    X(version,                VERSION,            'v', 'e', 's', 'n') \
    X(versioncreated,         VERSION_CREATED,    'v', 'e', 'c', 'd') \
    X(firstcreated,           FIRST_CREATED,      'f', 'i', 'r', 'd') \
    X(contentcreated,         CONTENT_CREATED,    'c', 'o', 'c', 'd') \
    X(embargoed,              EMBARGOED,          'e', 'm', 'r', 'd') \
    X(expires,                EXPIRES,            'e', 'x', 'i', 's') \
    X(pubstatus,              PUB_STATUS,         'p', 'u', 't', 's') \
    X(urgency,                URGENCY,            'u', 'r', 'e', 'y') \
    X(priority,               PRIORITY,           'p', 'r', 'r', 'y') \
    X(editorialpriority,      EDITORIAL_PRIORITY, 'e', 'd', 'l', 'y') \
    X(type,                   TYPE,               't', 'y', 'p', 'e') \
    X(language,               LANGUAGE,           'l', 'a', 'u', 'e') \
    X(headline,               HEADLINE,           'h', 'e', 'l', 'e') \
    X(headlines,              HEADLINES,          'h', 'e', 'l', 's') \
    X(headline_extended,      HEADLINE_EXTENDED,  'h', 'e', '_', 'd') \
    X(title,                  TITLE,              't', 'i', 't', 'e') \
    X(slugline,               SLUGLINE,           's', 'l', 'l', 'e') \
    X(slug,                   SLUG,               's', 'l', 'u', 'g') \
    X(byline,                 BYLINE,             'b', 'y', 'i', 'e') \
    X(by,                     BYLINE,             'b', 'y', 'y', 'y') \
    X(bylines,                BYLINES,            'b', 'y', 'i', 's') \
    X(authors,                AUTHORS,            'a', 'u', 'h', 's') \
    X(located,                LOCATED,            'l', 'o', 'a', 'd') \
    X(dateline,               DATELINE,           'd', 'a', 'l', 'e') \
    X(datelinelocation,       DATELINE_LOCATION,  'd', 'a', 'l', 'n') \
    X(ednote,                 EDNOTE,             'e', 'd', 'o', 'e') \
    X(copyrightnotice,        COPYRIGHT_NOTICE,   'c', 'o', 'h', 'e') \
    X(copyrightholder,        COPYRIGHT_HOLDER,   'c', 'o', 'h', 'r') \
    X(usageterms,             USAGE_TERMS,        'u', 's', 't', 's') \
    X(creditline,             CREDIT,             'c', 'r', 't', 'e') \
    X(description_creditline, CREDIT,             'd', 'e', '_', 'e') \
    X(keywords,               KEYWORDS,           'k', 'e', 'o', 's') \
    X(keyword,                KEYWORDS,           'k', 'e', 'w', 'd') \
    X(genre,                  GENRES,             'g', 'e', 'n', 'e') \
    X(genres,                 GENRES,             'g', 'e', 'r', 's') \
    X(service,                SERVICES,           's', 'e', 'v', 'e') \
    X(services,               SERVICES,           's', 'e', 'i', 's') \
    X(subject,                SUBJECTS,           's', 'u', 'j', 't') \
    X(subjects,               SUBJECTS,           's', 'u', 'e', 's') \
    X(event,                  SUBJECTS,           'e', 'v', 'e', 't') \
    X(events,                 SUBJECTS,           'e', 'v', 'n', 's') \
    X(object,                 SUBJECTS,           'o', 'b', 'e', 't') \
    X(objects,                SUBJECTS,           'o', 'b', 'e', 's') \
    X(person,                 PEOPLE,             'p', 'e', 's', 'n') \
    X(people,                 PEOPLE,             'p', 'e', 'p', 'e') \
    X(persons,                PEOPLE,             'p', 'e', 's', 's') \
    X(organisation,           ORGANISATIONS,      'o', 'r', 's', 'n') \
    X(organisations,          ORGANISATIONS,      'o', 'r', 's', 's') \
    X(organization,           ORGANISATIONS,      'o', 'r', 'z', 'n') \
    X(organizations,          ORGANISATIONS,      'o', 'r', 'z', 's') \
    X(company,                ORGANISATIONS,      'c', 'o', 'p', 'y') \
    X(companies,              ORGANISATIONS,      'c', 'o', 'a', 's') \
    X(place,                  PLACES,             'p', 'l', 'a', 'e') \
    X(places,                 PLACES,             'p', 'l', 'c', 's') \
    X(infosource,             INFO_SOURCES,       'i', 'n', 'o', 'e') \
    X(infosources,            INFO_SOURCES,       'i', 'n', 'o', 's') \
    X(provider,               PROVIDER,           'p', 'r', 'i', 'r') \
    X(source,                 SOURCE,             's', 'o', 'r', 'e') \
    X(associations,           ASSOCIATIONS,       'a', 's', 'a', 's') \
    X(association,            ASSOCIATIONS,       'a', 's', 'i', 'n') \
    X(renditions,             RENDITIONS,         'r', 'e', 't', 's') \
    X(rendition,              RENDITIONS,         'r', 'e', 'i', 'n') \
    X(wordcount,              WORD_COUNT,         'w', 'o', 'c', 't') \
    X(words,                  WORDS,              'w', 'o', 'r', 's') \
    X(evolvedfrom,            EVOLVED_FROM,       'e', 'v', 'e', 'm') \
    X(replacing,              REPLACING,          'r', 'e', 'a', 'g') \
    X(signals,                SIGNALS,            's', 'i', 'n', 's') \
    X(signal,                 SIGNALS,            's', 'i', 'n', 'l') \
    X(editorialtypes,         EDITORIAL_TYPES,    'e', 'd', 'a', 's') \
    X(description_text,       DESCRIPTION,        'd', 'e', 'i', 't') \
    X(description_summary,    DESCRIPTION,        'd', 'e', 'o', 'y') \
    X(description,            DESCRIPTION,        'd', 'e', 'i', 'n') \
    X(descriptions,           DESCRIPTIONS,       'd', 'e', 'p', 's') \
    X(body,                   BODY,               'b', 'o', 'd', 'y') \
    X(bodies,                 BODIES,             'b', 'o', 'i', 's') \
    X(body_text,              BODY_TEXT,          'b', 'o', '_', 't') \
    X(bodyxhtml,              BODY_XHTML,         'b', 'o', 'x', 'l') \
    X(body_xhtml,             BODY_XHTML,         'b', 'o', 'x', 'l') \
    X(body_html,              BODY_HTML,          'b', 'o', '_', 'l') \
    X(body_html5,             BODY_HTML5,         'b', 'o', 'h', '5') \
    X(code,                   CODE,               'c', 'o', 'd', 'e') \
    X(qcode,                  QCODE,              'q', 'c', 'o', 'e') \
    X(scheme,                 SCHEME,             's', 'c', 'e', 'e') \
    X(literal,                LITERAL,            'l', 'i', 'e', 'l') \
    X(name,                   NAME,               'n', 'a', 'm', 'e') \
    X(rel,                    REL,                'r', 'e', 'e', 'l') \
    X(rels,                   RELS,               'r', 'e', 'l', 's') \
    X(role,                   ROLE,               'r', 'o', 'l', 'e') \
    X(value,                  VALUE,              'v', 'a', 'l', 'e') \
    X(contenttype,            CONTENT_TYPE,       'c', 'o', 'n', 'e') \
    X(mimetype,               MIME_TYPE,          'm', 'i', 't', 'e') \
    X(mime_type,              MIME_TYPE,          'm', 'i', '_', 'e') \
    X(href,                   HREF,               'h', 'r', 'e', 'f') \
    X(ticker,                 TICKER,             't', 'i', 'k', 'r') \
    X(symbol,                 SYMBOL,             's', 'y', 'b', 'l') \
    X(symbols,                SYMBOLS,            's', 'y', 'b', 's') \
    X(exchange,               EXCHANGE,           'e', 'x', 'a', 'e') \
    X(symboltype,             SYMBOL_TYPE,        's', 'y', 'l', 'e') \
    X(geometry_geojson,       GEO_JSON,           'g', 'e', '_', 'n') \
    X(geojson,                GEO_JSON,           'g', 'e', 'j', 'n') \
    X(city,                   CITY,               'c', 'i', 't', 'y') \
    X(text,                   TEXT,               't', 'e', 'x', 't') \
    X(item,                   ITEM,               'i', 't', 'e', 'm') \
    X(_source,                ITEM,               '_', 's', 'u', 'e') \
    X(items,                  ITEMS,              'i', 't', 'e', 's') \
    X(_items,                 ITEMS,              '_', 'i', 'e', 's') \
    X(data,                   DATA,               'd', 'a', 't', 'a') \
    X(hits,                   DATA,               'h', 'i', 't', 's') \
    X(search,                 DATA,               's', 'e', 'r', 'h') \
    X(api_version,            AP_VERSION,         'a', 'p', 'e', 'n') \
    X(fields,                 FIELDS,             'f', 'i', 'l', 's') \
    X(mrn_src,                MRN_SRC,            'm', 'r', '_', 'c') \
    X(mrn_type,               MRN_TYPE,           'm', 'r', 't', 'e') \
    X(frag_num,               FRAG_NUM,           'f', 'r', '_', 'm') \
    X(tot_size,               TOT_SIZE,           't', 'o', 's', 'e') \
    X(fragment,               FRAGMENT,           'f', 'r', 'm', 't') \
    X(audiences,              AUDIENCES,          'a', 'u', 'e', 's') \
    X(instancesof,            INSTANCES_OF,       'i', 'n', 'n', 'f') \
    X(messagetype,            MESSAGE_TYPE,       'm', 'e', 'g', 'e') \
    X(takesequence,           TAKE_SEQUENCE,      't', 'a', 'q', 'e') \
    X(updatetype,             UPDATE_TYPE,        'u', 'p', 'e', 'e')
/* clang-format on */

/* The compiler warns where two names have one slot (-Woverride-init): then other factors must be found. */
#define SLOT_CNT 1024u
#define SLOT(len, first, second, middle, last)                                                                         \
    ((457u * (len) + 230u * ((first) | 0x20u) + 322u * ((second) | 0x20u) + 382u * ((middle) | 0x20u) +                \
      366u * ((last) | 0x20u)) %                                                                                       \
     SLOT_CNT)

enum row {
    ROW_NONE,
#define ENUM(spelling, name, first, second, middle, last) ROW_##spelling,
    SPELLINGS(ENUM)
#undef ENUM
        ROW_CNT,
};
_Static_assert(ROW_CNT <= 256, "a row's number is a byte");

static const uint8_t rows[SLOT_CNT] = {
#define AT_SLOT(spelling, name, first, second, middle, last)                                                           \
    [SLOT(sizeof(#spelling) - 1, first, second, middle, last)] = ROW_##spelling,
    SPELLINGS(AT_SLOT)
#undef AT_SLOT
};

static const struct {
    const char *text;
    uint8_t len, name;
} spellings[ROW_CNT] = {
#define SPELLING(spelling, name, first, second, middle, last)                                                          \
    [ROW_##spelling] = { #spelling, sizeof(#spelling) - 1, SL_NAME_##name },
    SPELLINGS(SPELLING)
#undef SPELLING
};

/* len is 2 or more.  In pieces that overlap: no call, and one step for most names. */
static inline bool is_same(const uint8_t *text, const char *spelling, uint32_t len)
{
    uint64_t a, b, c, d;
    uint32_t e, f, g, h;
    if (len < 4)
        return memcmp(text, spelling, 2) == 0 && text[len - 1] == (uint8_t)spelling[len - 1];
    if (len < 8) {
        memcpy(&e, text, 4);
        memcpy(&f, spelling, 4);
        memcpy(&g, text + len - 4, 4);
        memcpy(&h, spelling + len - 4, 4);
        return ((e ^ f) | (g ^ h)) == 0;
    }
    for (uint32_t i = 0; i + 8 < len; i += 8) {
        memcpy(&a, text + i, 8);
        memcpy(&b, spelling + i, 8);
        if (a != b)
            return false;
    }
    memcpy(&c, text + len - 8, 8);
    memcpy(&d, spelling + len - 8, 8);
    return c == d;
}

enum sl_json_name sl_json_name(struct sl_json_string name)
{
    const uint8_t *text = name.text.data;
    uint32_t len = name.text.len;
    if (len < 2 || name.flags & SL_JSON_ESCAPED)
        return SL_NAME_NONE;
    unsigned row = rows[SLOT(len, text[0], text[1], text[len / 2], text[len - 1])];
    if (row == ROW_NONE || spellings[row].len != len)
        return SL_NAME_NONE;
    bool is_it = is_same(text, spellings[row].text, len) || sl_span_starts(name.text, spellings[row].text);
    return is_it ? (enum sl_json_name)spellings[row].name : SL_NAME_NONE;
}

uint32_t sl_json_spellings(const char *const **texts)
{
    static const char *const all[] = {
#define TEXT(spelling, name, first, second, middle, last) #spelling,
        SPELLINGS(TEXT)
#undef TEXT
    };
    *texts = all;
    return sizeof(all) / sizeof(*all);
}
