/* bench/json_peers.h - what every JSON parser of bench_json has to find in a ninjs item.
 *
 * Threads   One.
 * Owns      Strings are the parser's until its next document.
 *
 * Found are the decoded strings; what follows (dates read, white space folded, markup made text) is done by the same
 * code for all, so that only the reading differs.  Compiles as C++, too.
 */
#ifndef SL_BENCH_JSON_PEERS_H
#define SL_BENCH_JSON_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define JSON_SUBJECTS_MAX 128u

struct json_text {
    const char *data;
    uint32_t len;
};

struct json_story {
    struct json_text id, headline, created, first, embargoed, expires, markup, plain;
    struct json_text subject[JSON_SUBJECTS_MAX]; /* codes */
    uint32_t subject_cnt, urgency;
};

enum json_field {
    JSON_OTHER,
    JSON_ID,
    JSON_HEADLINE,
    JSON_CREATED,
    JSON_FIRST,
    JSON_EMBARGOED,
    JSON_EXPIRES,
    JSON_URGENCY,
    JSON_SUBJECTS,
    JSON_HEADLINES,
    JSON_BODIES,
    JSON_MARKUP,
    JSON_PLAIN,
    JSON_CODE,
    JSON_VALUE,
    JSON_TYPE,
    JSON_ROLE
};

/* Which field a member is: by length first, so that most are told by one comparison. */
static inline enum json_field json_field_of(const char *name, size_t len)
{
    static const struct {
        const char *name;
        uint8_t len, field;
    } fields[] = {
        {"uri",             3,  JSON_ID       },
        { "guid",           4,  JSON_ID       },
        { "code",           4,  JSON_CODE     },
        { "role",           4,  JSON_ROLE     },
        { "value",          5,  JSON_VALUE    },
        { "bodies",         6,  JSON_BODIES   },
        { "urgency",        7,  JSON_URGENCY  },
        { "subject",        7,  JSON_SUBJECTS },
        { "expires",        7,  JSON_EXPIRES  },
        { "literal",        7,  JSON_CODE     },
        { "headline",       8,  JSON_HEADLINE },
        { "subjects",       8,  JSON_SUBJECTS },
        { "headlines",      9,  JSON_HEADLINES},
        { "embargoed",      9,  JSON_EMBARGOED},
        { "body_html",      9,  JSON_MARKUP   },
        { "body_text",      9,  JSON_PLAIN    },
        { "body_xhtml",     10, JSON_MARKUP   },
        { "body_html5",     10, JSON_MARKUP   },
        { "contenttype",    11, JSON_TYPE     },
        { "contentType",    11, JSON_TYPE     },
        { "firstcreated",   12, JSON_FIRST    },
        { "firstCreated",   12, JSON_FIRST    },
        { "versioncreated", 14, JSON_CREATED  },
        { "versionCreated", 14, JSON_CREATED  },
    };
    static const uint8_t first[16] = { 0, 0, 0, 0, 1, 4, 5, 6, 10, 12, 16, 18, 20, 22, 22, 24 };
    if (len < 3 || len > 14)
        return JSON_OTHER;
    for (unsigned i = first[len]; i < sizeof fields / sizeof *fields && fields[i].len == len; i++) {
        if (memcmp(fields[i].name, name, len) == 0)
            return (enum json_field)fields[i].field;
    }
    return JSON_OTHER;
}

/* An element of "bodies". */
static inline void json_take_body(struct json_story *story, struct json_text value, struct json_text type)
{
    bool is_markup = type.len >= 9 && memcmp(type.data, "text/html", 9) == 0;
    struct json_text *body = is_markup ? &story->markup : &story->plain;
    if (body->len == 0)
        *body = value;
}

struct json_peer {
    const char *name;
    bool (*read)(const char *data, uint32_t len, struct json_story *story);
};
extern const struct json_peer json_slugline, json_simdjson, json_jansson;

#ifdef __cplusplus
}
#endif

#endif
