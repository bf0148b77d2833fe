/* parsers/nitf.h - NITF, wherever it stands: a document of its own, inside NewsML, or in a string.
 *
 *     nitf.c        the frame: which message this is, what its facts amount to
 *     nitf_head.c   head and body.head: docdata, tobject, headlines, bylines
 *     nitf_body.c   body.content to the plain body; what it names and shows on the way
 *
 * Life      begin, then read at the START of nitf or of any element inside it, as often as there are such, then
 *           finish; all within one sl_parse_next.
 * Threads   Pure functions on the caller's memory.
 * Owns      Borrows parse, scanner and story; values of attributes lie in the document.
 * Errors    SL_XML_ERROR, as the scanner left it.
 * Source    IPTC NITF 3.6 (DTD and documentation); 3.0 to 3.5 have nothing that is not there.
 *
 * What the bulletin has already, from the format around NITF, stays.  So a format that embeds NITF says its own first.
 */
#ifndef SL_PARSERS_NITF_H
#define SL_PARSERS_NITF_H

#include "parsers/markup_xml.h"
#include "parsers/standing.h"

/* A format that embeds NITF lists these names first, so that the scanner's ids are the same. */
#define SL_NITF_NAMES(NAME)                                                                                            \
    NAME(SL_NITF_NITF, "nitf")                                                                                         \
    NAME(SL_NITF_TITLE, "title")                                                                                       \
    NAME(SL_NITF_META, "meta")                                                                                         \
    NAME(SL_NITF_TOBJECT, "tobject")                                                                                   \
    NAME(SL_NITF_PROPERTY, "tobject.property")                                                                         \
    NAME(SL_NITF_SUBJECT, "tobject.subject")                                                                           \
    NAME(SL_NITF_DOCDATA, "docdata")                                                                                   \
    NAME(SL_NITF_CORRECTION, "correction")                                                                             \
    NAME(SL_NITF_EVLOC, "evloc")                                                                                       \
    NAME(SL_NITF_DOC_ID, "doc-id")                                                                                     \
    NAME(SL_NITF_FROM_SRC, "from-src")                                                                                 \
    NAME(SL_NITF_URGENCY, "urgency")                                                                                   \
    NAME(SL_NITF_FIXTURE, "fixture")                                                                                   \
    NAME(SL_NITF_DATE_ISSUE, "date.issue")                                                                             \
    NAME(SL_NITF_DATE_RELEASE, "date.release")                                                                         \
    NAME(SL_NITF_DATE_EXPIRE, "date.expire")                                                                           \
    NAME(SL_NITF_DOC_SCOPE, "doc-scope")                                                                               \
    NAME(SL_NITF_SERIES, "series")                                                                                     \
    NAME(SL_NITF_ED_MSG, "ed-msg")                                                                                     \
    NAME(SL_NITF_DU_KEY, "du-key")                                                                                     \
    NAME(SL_NITF_DOC_COPYRIGHT, "doc.copyright")                                                                       \
    NAME(SL_NITF_DOC_RIGHTS, "doc.rights")                                                                             \
    NAME(SL_NITF_KEYWORD, "keyword")                                                                                   \
    NAME(SL_NITF_IDENTIFIED_CONTENT, "identified-content")                                                             \
    NAME(SL_NITF_PUBDATA, "pubdata")                                                                                   \
    NAME(SL_NITF_REVISION_HISTORY, "revision-history")                                                                 \
    NAME(SL_NITF_HL1, "hl1")                                                                                           \
    NAME(SL_NITF_HL2, "hl2")                                                                                           \
    NAME(SL_NITF_NOTE, "note")                                                                                         \
    NAME(SL_NITF_RIGHTS, "rights")                                                                                     \
    NAME(SL_NITF_BYLINE, "byline")                                                                                     \
    NAME(SL_NITF_BYTTL, "byttl")                                                                                       \
    NAME(SL_NITF_DISTRIBUTOR, "distributor")                                                                           \
    NAME(SL_NITF_DATELINE, "dateline")                                                                                 \
    NAME(SL_NITF_STORY_DATE, "story.date")                                                                             \
    NAME(SL_NITF_COPYRITE, "copyrite")                                                                                 \
    NAME(SL_NITF_ABSTRACT, "abstract")                                                                                 \
    NAME(SL_NITF_BODY_CONTENT, "body.content")                                                                         \
    NAME(SL_NITF_BODY_END, "body.end")                                                                                 \
    NAME(SL_NITF_TAGLINE, "tagline")                                                                                   \
    NAME(SL_NITF_MEDIA, "media")                                                                                       \
    NAME(SL_NITF_MEDIA_REFERENCE, "media-reference")                                                                   \
    NAME(SL_NITF_PERSON, "person")                                                                                     \
    NAME(SL_NITF_ORG, "org")                                                                                           \
    NAME(SL_NITF_LOCATION, "location")                                                                                 \
    NAME(SL_NITF_CITY, "city")                                                                                         \
    NAME(SL_NITF_STATE, "state")                                                                                       \
    NAME(SL_NITF_COUNTRY, "country")                                                                                   \
    NAME(SL_NITF_REGION, "region")                                                                                     \
    NAME(SL_NITF_ALT_CODE, "alt-code")

enum sl_nitf_name { SL_NITF_OTHER, SL_NITF_NAMES(SL_XML_ENUM) SL_NITF_NAME_CNT };

#define SL_NITF_FOUND_MAX   48u /* persons, organisations, places, and pictures that one text names */
#define SL_NITF_NOTES_MAX   8u
#define SL_NITF_BYLINES_MAX 4u

/* What the body names or shows: said behind it, since a bulletin's texts are written one after the other. */
struct sl_nitf_found {
    uint8_t id; /* PERSON, ORG, LOCATION, MEDIA */
    bool has_text;
    struct sl_xml_pieces text;
    struct sl_xml_attr scheme, code; /* of media: type and href; none: no name */
    struct sl_xml_attr media_type;
};

struct sl_nitf {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_xml *xml;
    struct sl_story *story;
    bool has_subjects; /* the format around it said them */
    bool is_embedded; /* identity, versions and times are the format's around it */
    /* spans of the document: dates and codes, which are read when all is known */
    struct sl_span date_issue, date_release, date_expire, story_date;
    struct sl_span status, series_part, generation, version;
    struct sl_xml_attr refers, corrects;
    struct sl_ref title, du_key, keyword, provider, source, distributor, holder;
    struct sl_ref note[SL_NITF_NOTES_MAX];
    uint32_t note_cnt, keyword_cnt, byline_cnt;
    uint32_t found_cnt;
    struct sl_nitf_found found[SL_NITF_FOUND_MAX];
};

void sl_nitf_begin(struct sl_nitf *nitf, struct sl_xml *xml, struct sl_story *story, bool is_embedded);
/* At START: goes to its END. */
enum sl_xml_event sl_nitf_read(struct sl_nitf *nitf);
/* What the facts amount to.  Of an embedded one: the embargo, and what is not said yet. */
void sl_nitf_finish(struct sl_nitf *nitf);
/* A whole document in a string, embedded: read and finished.  False: it is not well-formed, or there is no room; what
 * was read of it is said. */
bool sl_nitf_read_string(struct sl_parse *parse, struct sl_story *story, struct sl_span string);

/* ---- between the files ---- */

enum sl_xml_event sl_nitf_take(struct sl_nitf *nitf); /* at START of an element of the head: to its END, or inside */
enum sl_xml_event sl_nitf_take_body(struct sl_nitf *nitf);
enum sl_xml_event sl_nitf_take_media(struct sl_nitf *nitf);
enum sl_xml_event sl_nitf_take_named(struct sl_nitf *nitf); /* a person, organisation or place outside the body */
void sl_nitf_say_found(struct sl_nitf *nitf);

#endif
