/* bench/stories.h - what every XML parser of bench_parse has to bring out of a story, and where it puts it.
 *
 * Threads   One.
 * Owns      A story's memory is the bench's, and large enough: three times the document.
 * Units     Bytes.
 *
 * The identifier, headlines, dates, subject codes and urgency, each on a line, and all text of the body with a line
 * end behind each paragraph.  A parser says start, value, text and end as it meets them; what is wanted is decided
 * here, by the same code for all, so that only the reading differs.  Compiles as C++, too.
 */
#ifndef SL_BENCH_STORIES_H
#define SL_BENCH_STORIES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STORY_NAMES(NAME)                                                                                              \
    NAME(STORY_DOC_ID, "doc-id")                                                                                       \
    NAME(STORY_HL1, "hl1")                                                                                             \
    NAME(STORY_HEADLINE, "headline")                                                                                   \
    NAME(STORY_HEADLINE1, "HeadLine")                                                                                  \
    NAME(STORY_ISSUE, "date.issue")                                                                                    \
    NAME(STORY_RELEASE, "date.release")                                                                                \
    NAME(STORY_EXPIRE, "date.expire")                                                                                  \
    NAME(STORY_VERSION_CREATED, "versionCreated")                                                                      \
    NAME(STORY_FIRST_CREATED, "firstCreated")                                                                          \
    NAME(STORY_EMBARGOED, "embargoed")                                                                                 \
    NAME(STORY_FIRST_CREATED1, "FirstCreated")                                                                         \
    NAME(STORY_REVISED1, "ThisRevisionCreated")                                                                        \
    NAME(STORY_TOBJECT, "tobject.subject")                                                                             \
    NAME(STORY_SUBJECT, "subject")                                                                                     \
    NAME(STORY_SUBJECT1, "Subject")                                                                                    \
    NAME(STORY_MATTER1, "SubjectMatter")                                                                               \
    NAME(STORY_DETAIL1, "SubjectDetail")                                                                               \
    NAME(STORY_URGENCY, "urgency")                                                                                     \
    NAME(STORY_URGENCY1, "Urgency")                                                                                    \
    NAME(STORY_ITEM, "newsItem")                                                                                       \
    NAME(STORY_PACKAGE, "packageItem")                                                                                 \
    NAME(STORY_PUBLIC_ID1, "PublicIdentifier")                                                                         \
    NAME(STORY_BODY, "body.content")                                                                                   \
    NAME(STORY_INLINE, "inlineXML")                                                                                    \
    NAME(STORY_DATA, "inlineData")                                                                                     \
    NAME(STORY_CONTENT1, "DataContent")                                                                                \
    NAME(STORY_P, "p")
#define STORY_ENUM(name, text) name,
enum story_name { STORY_OTHER, STORY_NAMES(STORY_ENUM) STORY_NAME_CNT };

/* For parsers that give strings: the number of a name without its prefix. */
unsigned story_name_of(const char *local, size_t len);

struct story {
    char *data;
    uint32_t len;
    uint32_t body_cnt; /* elements of a body around this place */
    uint32_t field; /* the element whose text is wanted */
};

/* The attribute that is wanted of an element; NULL: none. */
static inline const char *story_attr(unsigned name)
{
    switch (name) {
    case STORY_DOC_ID:
        return "id-string";
    case STORY_ISSUE:
    case STORY_RELEASE:
    case STORY_EXPIRE:
        return "norm";
    case STORY_TOBJECT:
        return "tobject.subject.refnum";
    case STORY_SUBJECT:
        return "qcode";
    case STORY_SUBJECT1:
    case STORY_MATTER1:
    case STORY_DETAIL1:
    case STORY_URGENCY1:
        return "FormalName";
    case STORY_URGENCY:
        return "ed-urg";
    case STORY_ITEM:
    case STORY_PACKAGE:
        return "guid";
    default:
        return NULL;
    }
}

static inline void story_put(struct story *story, const char *data, uint32_t len)
{
    memcpy(story->data + story->len, data, len);
    story->len += len;
}

static inline void story_start(struct story *story, unsigned name)
{
    switch (name) {
    case STORY_HL1:
    case STORY_HEADLINE:
    case STORY_HEADLINE1:
    case STORY_VERSION_CREATED:
    case STORY_FIRST_CREATED:
    case STORY_EMBARGOED:
    case STORY_FIRST_CREATED1:
    case STORY_REVISED1:
    case STORY_URGENCY:
    case STORY_PUBLIC_ID1:
        story->field = story->field ? story->field : name;
        break;
    case STORY_BODY:
    case STORY_INLINE:
    case STORY_DATA:
    case STORY_CONTENT1:
        story->body_cnt++;
        break;
    default:
        break;
    }
}

/* Of the wanted attribute. */
static inline void story_value(struct story *story, const char *value, uint32_t len)
{
    story_put(story, value, len);
    story_put(story, "\n", 1);
}

static inline bool story_wants_text(const struct story *story) { return story->body_cnt != 0 || story->field != 0; }

static inline void story_text(struct story *story, const char *text, uint32_t len)
{
    if (story_wants_text(story))
        story_put(story, text, len);
}

static inline void story_end(struct story *story, unsigned name)
{
    switch (name) {
    case STORY_OTHER:
        return;
    case STORY_BODY:
    case STORY_INLINE:
    case STORY_DATA:
    case STORY_CONTENT1:
        story->body_cnt--;
        break;
    case STORY_P:
        if (story->body_cnt != 0)
            story_put(story, "\n", 1);
        break;
    default:
        if (name == story->field) {
            story->field = 0;
            story_put(story, "\n", 1);
        }
    }
}

struct bench_doc {
    const char *path;
    const char *data;
    uint32_t len;
};

/* One way to read.  A story is read into story; a bulletin is only made.  False: refused. */
struct bench_parser {
    const char *name;
    bool (*read)(const struct bench_doc *doc, struct story *story);
};
extern const struct bench_parser bench_slugline, bench_expat, bench_libxml2, bench_pugixml;

#ifdef __cplusplus
}
#endif

#endif
