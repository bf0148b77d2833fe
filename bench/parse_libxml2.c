/* libxml2, called back for each event (SAX2), at the work of bench/stories.h. */
#include <libxml/parser.h>
#include "bench/stories.h"

static void on_start(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri, int ns_cnt,
                     const xmlChar **ns, int attr_cnt, int default_cnt, const xmlChar **attrs)
{
    (void)prefix, (void)uri, (void)ns_cnt, (void)ns, (void)default_cnt;
    struct story *story = arg;
    unsigned number = story_name_of((const char *)local, strlen((const char *)local));
    const char *wanted = story_attr(number);
    story_start(story, number);
    for (int i = 0; wanted && i < attr_cnt; i++, attrs += 5) {
        if (!attrs[1] && strcmp((const char *)attrs[0], wanted) == 0) {
            story_value(story, (const char *)attrs[3], (uint32_t)(attrs[4] - attrs[3]));
            break;
        }
    }
}

static void on_end(void *arg, const xmlChar *local, const xmlChar *prefix, const xmlChar *uri)
{
    (void)prefix, (void)uri;
    story_end(arg, story_name_of((const char *)local, strlen((const char *)local)));
}

static void on_text(void *arg, const xmlChar *text, int len) { story_text(arg, (const char *)text, (uint32_t)len); }

static bool read_story(const struct bench_doc *doc, struct story *story)
{
    static xmlSAXHandler handler = { .initialized = XML_SAX2_MAGIC,
                                     .startElementNs = on_start,
                                     .endElementNs = on_end,
                                     .characters = on_text,
                                     .ignorableWhitespace = on_text,
                                     .cdataBlock = on_text };
    return xmlSAXUserParseMemory(&handler, story, doc->data, (int)doc->len) == 0;
}

const struct bench_parser bench_libxml2 = { "libxml2 SAX2", read_story };
