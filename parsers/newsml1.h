/* parsers/newsml1.h - what the parts of the NewsML 1 parser share.  No one else includes this.
 *
 *     newsml1.c        the frame: envelope, items one after the other, identity, time, standing
 *     newsml1_parts.c  components: lines, metadata, content
 *
 * Life      A struct sl_newsml1 lives as long as one sl_parse_next; scanner and envelope as long as the message.
 * Threads   Pure functions on the caller's memory.
 * Owns      Spans lie in the document, refs in the bulletin.
 */
#ifndef SL_PARSERS_NEWSML1_H
#define SL_PARSERS_NEWSML1_H

#include "parsers/nitf.h"

#define SL_NEWSML1_COMPONENTS_MAX 24u /* inside each other; what is deeper is taken for its parent's */

/* clang-format off */
#define SL_NEWSML1_OWN_NAMES(NAME)                                                                                     \
    NAME(NML_NEWSML, "NewsML") NAME(NML_CATALOG, "Catalog") NAME(NML_TOPIC_SET, "TopicSet")                            \
    NAME(NML_ENVELOPE, "NewsEnvelope") NAME(NML_SENT_FROM, "SentFrom") NAME(NML_DATE_AND_TIME, "DateAndTime")          \
    NAME(NML_SERVICE, "NewsService") NAME(NML_PRODUCT, "NewsProduct") NAME(NML_PRIORITY, "Priority")                   \
    NAME(NML_ITEM, "NewsItem") NAME(NML_PROVIDER_ID, "ProviderId") NAME(NML_DATE_ID, "DateId")                         \
    NAME(NML_ITEM_ID, "NewsItemId") NAME(NML_REVISION_ID, "RevisionId") NAME(NML_PUBLIC_ID, "PublicIdentifier")        \
    NAME(NML_NAME_LABEL, "NameLabel") NAME(NML_FIRST_CREATED, "FirstCreated")                                          \
    NAME(NML_THIS_CREATED, "ThisRevisionCreated") NAME(NML_STATUS, "Status")                                           \
    NAME(NML_WILL_CHANGE, "StatusWillChange") NAME(NML_FUTURE_STATUS, "FutureStatus") NAME(NML_URGENCY, "Urgency")     \
    NAME(NML_ASSOCIATED, "AssociatedWith") NAME(NML_DERIVED, "DerivedFrom") NAME(NML_INSTRUCTION, "Instruction")       \
    NAME(NML_UPDATE, "Update") NAME(NML_REPLACE, "Replace") NAME(NML_DELETE, "Delete")                                 \
    NAME(NML_COMPONENT, "NewsComponent") NAME(NML_ROLE, "Role") NAME(NML_HEADLINE, "HeadLine")                         \
    NAME(NML_BY_LINE, "ByLine") NAME(NML_DATE_LINE, "DateLine") NAME(NML_CREDIT_LINE, "CreditLine")                    \
    NAME(NML_COPYRIGHT_LINE, "CopyrightLine") NAME(NML_RIGHTS_LINE, "RightsLine") NAME(NML_SLUG_LINE, "SlugLine")      \
    NAME(NML_KEYWORD_LINE, "KeywordLine") NAME(NML_NEWS_LINE, "NewsLine") NAME(NML_LINE_TYPE, "NewsLineType")          \
    NAME(NML_LINE_TEXT, "NewsLineText") NAME(NML_PROVIDER, "Provider") NAME(NML_CREATOR, "Creator")                    \
    NAME(NML_SOURCE, "Source") NAME(NML_PARTY, "Party") NAME(NML_USAGE_TYPE, "UsageType")                              \
    NAME(NML_LANGUAGE, "Language") NAME(NML_GENRE, "Genre") NAME(NML_SUBJECT, "Subject")                               \
    NAME(NML_SUBJECT_MATTER, "SubjectMatter") NAME(NML_SUBJECT_DETAIL, "SubjectDetail")                                \
    NAME(NML_SUBJECT_QUALIFIER, "SubjectQualifier") NAME(NML_INTEREST, "OfInterestTo") NAME(NML_LOCATION, "Location")  \
    NAME(NML_PROPERTY, "Property") NAME(NML_METADATA, "Metadata") NAME(NML_CONTENT, "ContentItem")                     \
    NAME(NML_MEDIA_TYPE, "MediaType") NAME(NML_FORMAT, "Format") NAME(NML_MIME_TYPE, "MimeType")                       \
    NAME(NML_ENCODING, "Encoding") NAME(NML_DATA, "DataContent") NAME(NML_CHARACTERISTICS, "Characteristics")          \
    NAME(NML_GUID, "guid") NAME(NML_ITEM_REF, "NewsItemRef")
/* clang-format on */

#define SL_NEWSML1_NAMES(NAME) SL_NITF_NAMES(NAME) SL_NEWSML1_OWN_NAMES(NAME)

enum { NML_BEFORE = SL_NITF_NAME_CNT - 1, SL_NEWSML1_OWN_NAMES(SL_XML_ENUM) };

/* The envelope speaks for all items, so it is kept from one sl_parse_next to the next. */
struct sl_newsml1_envelope {
    struct sl_xml_attr sender, service, priority; /* value empty: not there */
};

struct sl_newsml1_component {
    uint32_t depth;
    struct sl_ref role, language;
    struct sl_ref headline, byline, dateline, slugline, keyword;
};

struct sl_newsml1 {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_xml *xml;
    struct sl_story story;
    const struct sl_newsml1_envelope *envelope;
    struct sl_ref provider_id, date_id, item_id, revision, previous, public_id, name_label, guid;
    struct sl_ref provider, creator, source;
    struct sl_ref status, future_status, will_change, created, first, instruction;
    struct sl_ref item_language, main_language;
    bool has_main, has_update;
    struct sl_newsml1_component component[SL_NEWSML1_COMPONENTS_MAX];
    uint32_t component_cnt;
    struct sl_ref line_type, exchange, isin, ticker, city, country;
    /* of the content item at hand */
    struct sl_ref content_type, content_href;
    bool is_encoded;
};

bool sl_newsml1_ref_is(const struct sl_newsml1 *item, struct sl_ref ref, const char *word);
struct sl_span sl_newsml1_span(const struct sl_newsml1 *item, struct sl_ref ref);
/* At START: the text inside, as one line; the value of FormalName. */
struct sl_ref sl_newsml1_line(struct sl_newsml1 *item);
struct sl_ref sl_newsml1_name(struct sl_newsml1 *item);

/* At START of anything in a component.  False: it is not of a component. */
bool sl_newsml1_take_part(struct sl_newsml1 *item);
/* At END of anything. */
void sl_newsml1_end_part(struct sl_newsml1 *item);

#endif
