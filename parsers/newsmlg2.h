/* parsers/newsmlg2.h - what the parts of the NewsML-G2 parser share.  No one else includes this.
 *
 *     newsmlg2.c          the message: its header, one item after the other, what each amounts to
 *     newsmlg2_meta.c     itemMeta, contentMeta, rights: one function for each element that says something
 *     newsmlg2_content.c  contentSet and groupSet: bodies in NITF, XHTML, agencies' own markup; what is elsewhere
 *
 * Threads   Pure functions on the caller's memory.
 * Owns      Borrows parse and scanner.
 * Source    IPTC NewsML-G2 2.36 and its NewsCodes; what agencies send beside it.
 */
#ifndef SL_PARSERS_NEWSMLG2_H
#define SL_PARSERS_NEWSMLG2_H

#include "parsers/html.h"
#include "parsers/nitf.h"

/* NITF's names first: it may stand inside, and so its ids are the same. */
#define SL_G2_OWN_NAMES(NAME)                                                                                          \
    NAME(SL_G2_NEWS_MESSAGE, "newsMessage")                                                                            \
    NAME(SL_G2_HEADER, "header")                                                                                       \
    NAME(SL_G2_SENT, "sent")                                                                                           \
    NAME(SL_G2_SENDER, "sender")                                                                                       \
    NAME(SL_G2_TRANSMIT_ID, "transmitId")                                                                              \
    NAME(SL_G2_PRIORITY, "priority")                                                                                   \
    NAME(SL_G2_ITEM_SET, "itemSet")                                                                                    \
    NAME(SL_G2_NEWS_ITEM, "newsItem")                                                                                  \
    NAME(SL_G2_PACKAGE_ITEM, "packageItem")                                                                            \
    NAME(SL_G2_CONCEPT_ITEM, "conceptItem")                                                                            \
    NAME(SL_G2_KNOWLEDGE_ITEM, "knowledgeItem")                                                                        \
    NAME(SL_G2_PLANNING_ITEM, "planningItem")                                                                          \
    NAME(SL_G2_CATALOG_ITEM, "catalogItem")                                                                            \
    NAME(SL_G2_COPYRIGHT_HOLDER, "copyrightHolder")                                                                    \
    NAME(SL_G2_COPYRIGHT_NOTICE, "copyrightNotice")                                                                    \
    NAME(SL_G2_USAGE_TERMS, "usageTerms")                                                                              \
    NAME(SL_G2_ITEM_CLASS, "itemClass")                                                                                \
    NAME(SL_G2_PROVIDER, "provider")                                                                                   \
    NAME(SL_G2_VERSION_CREATED, "versionCreated")                                                                      \
    NAME(SL_G2_FIRST_CREATED, "firstCreated")                                                                          \
    NAME(SL_G2_EMBARGOED, "embargoed")                                                                                 \
    NAME(SL_G2_PUB_STATUS, "pubStatus")                                                                                \
    NAME(SL_G2_SERVICE, "service")                                                                                     \
    NAME(SL_G2_ED_NOTE, "edNote")                                                                                      \
    NAME(SL_G2_SIGNAL, "signal")                                                                                       \
    NAME(SL_G2_LINK, "link")                                                                                           \
    NAME(SL_G2_CONTENT_CREATED, "contentCreated")                                                                      \
    NAME(SL_G2_ALT_ID, "altId")                                                                                        \
    NAME(SL_G2_LOCATED, "located")                                                                                     \
    NAME(SL_G2_NAME, "name")                                                                                           \
    NAME(SL_G2_BROADER, "broader")                                                                                     \
    NAME(SL_G2_POSITION, "position")                                                                                   \
    NAME(SL_G2_HAS_INSTRUMENT, "hasInstrument")                                                                        \
    NAME(SL_G2_BY, "by")                                                                                               \
    NAME(SL_G2_CREDITLINE, "creditline")                                                                               \
    NAME(SL_G2_HEADLINE, "headline")                                                                                   \
    NAME(SL_G2_SLUGLINE, "slugline")                                                                                   \
    NAME(SL_G2_LANGUAGE, "language")                                                                                   \
    NAME(SL_G2_GENRE, "genre")                                                                                         \
    NAME(SL_G2_INFO_SOURCE, "infoSource")                                                                              \
    NAME(SL_G2_SUBJECT, "subject")                                                                                     \
    NAME(SL_G2_DESCRIPTION, "description")                                                                             \
    NAME(SL_G2_INLINE_XML, "inlineXML")                                                                                \
    NAME(SL_G2_INLINE_DATA, "inlineData")                                                                              \
    NAME(SL_G2_REMOTE_CONTENT, "remoteContent")                                                                        \
    NAME(SL_G2_ITEM_REF, "itemRef")                                                                                    \
    NAME(SL_G2_PLANNING, "planning")                                                                                   \
    NAME(SL_G2_CONCEPT_ID, "conceptId")                                                                                \
    NAME(SL_G2_DEFINITION, "definition")                                                                               \
    NAME(SL_G2_ASSERT, "assert")                                                                                       \
    NAME(SL_G2_PART_META, "partMeta")                                                                                  \
    NAME(SL_G2_MEMBER_OF, "memberOf")                                                                                  \
    NAME(SL_G2_CREATOR, "creator")                                                                                     \
    NAME(SL_G2_CONTRIBUTOR, "contributor")                                                                             \
    NAME(SL_G2_BILD, "BILD")                                                                                           \
    NAME(SL_G2_BILDFIL, "BILDFIL")                                                                                     \
    NAME(SL_G2_AGENCY_BYLINE, "BYLINE")                                                                                \
    NAME(SL_G2_DAT, "DAT")                                                                                             \
    NAME(SL_G2_ORT, "ORT")

#define SL_G2_NAMES(NAME) SL_NITF_NAMES(NAME) SL_G2_OWN_NAMES(NAME)
enum sl_g2_name { SL_G2_BEFORE = SL_NITF_NAME_CNT - 1, SL_G2_OWN_NAMES(SL_XML_ENUM) SL_G2_NAME_CNT };

#define SL_G2_NOTES_MAX    16u
#define SL_G2_PICTURES_MAX 16u

/* What the message says of all its items.  Lies in scratch memory behind the scanner, from one bulletin to the next. */
struct sl_g2_header {
    struct sl_span sent, sender, priority; /* as written */
    bool in_set;
};

struct sl_g2 {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_xml *xml;
    struct sl_story story;
    struct sl_nitf nitf;
    bool has_nitf, is_withheld, is_planning;
    /* dates and codes, read when the provider is known */
    struct sl_span version_created, first_created, embargoed, content_created, language;
    bool has_embargo;
    struct sl_ref title, first_headline, description, copyright_holder, info_source;
    struct sl_ref place, genre;
    struct sl_xml_pieces byline, dateline; /* in agencies' own markup; said behind the body */
    struct sl_xml_pieces picture[SL_G2_PICTURES_MAX];
    uint32_t picture_cnt;
    struct sl_ref note[SL_G2_NOTES_MAX];
    uint32_t note_cnt, signal_cnt;
    uint32_t own_language; /* bits of enum sl_text: said in the item's language */
};

/* ---- newsmlg2_meta.c ---- */

/* At START of an element of an item: to its END, or inside. */
enum sl_xml_event sl_g2_take(struct sl_g2 *g2);
/* The code's part behind the scheme, and the scheme. */
struct sl_span sl_g2_code(struct sl_span qcode, struct sl_span *scheme);

/* At START: the element's first text, as written, for dates and digits; goes to its END. */
enum sl_xml_event sl_g2_span(struct sl_xml *xml, struct sl_span *span);

/* ---- newsmlg2_content.c ---- */

enum sl_xml_event sl_g2_take_inline_xml(struct sl_g2 *g2);
enum sl_xml_event sl_g2_take_inline_data(struct sl_g2 *g2);
enum sl_xml_event sl_g2_take_remote(struct sl_g2 *g2);
enum sl_xml_event sl_g2_take_item_ref(struct sl_g2 *g2);
/* What the body says: headline and byline where nothing else did, and a headline that it repeats. */
void sl_g2_finish_body(struct sl_g2 *g2);

#endif
