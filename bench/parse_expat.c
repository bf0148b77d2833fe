/* expat, called back for each event, at the work of bench/stories.h. */
#include <expat.h>
#include "bench/stories.h"

static unsigned number_of(const XML_Char *name)
{
    const char *colon = strchr(name, ':');
    const char *local = colon ? colon + 1 : name;
    return story_name_of(local, strlen(local));
}

static void XMLCALL on_start(void *arg, const XML_Char *name, const XML_Char **attrs)
{
    struct story *story = arg;
    unsigned number = number_of(name);
    const char *wanted = story_attr(number);
    story_start(story, number);
    for (; wanted && *attrs; attrs += 2) {
        if (strcmp(attrs[0], wanted) == 0) {
            story_value(story, attrs[1], (uint32_t)strlen(attrs[1]));
            break;
        }
    }
}

static void XMLCALL on_end(void *arg, const XML_Char *name) { story_end(arg, number_of(name)); }

static void XMLCALL on_text(void *arg, const XML_Char *text, int len) { story_text(arg, text, (uint32_t)len); }

static bool read_story(const struct bench_doc *doc, struct story *story)
{
    static XML_Parser parser;
    if (!parser)
        parser = XML_ParserCreate(NULL);
    else
        XML_ParserReset(parser, NULL);
    XML_SetUserData(parser, story);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    return XML_Parse(parser, doc->data, (int)doc->len, 1) == XML_STATUS_OK;
}

const struct bench_parser bench_expat = { "expat SAX", read_story };
