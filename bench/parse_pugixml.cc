/* pugixml: the document copied, parsed in its place, and the tree walked, at the work of bench/stories.h.  Blanks
 * between elements are kept, as text needs them. */
#include <pugixml.hpp>
#include <stdlib.h>
#include "bench/stories.h"

static unsigned number_of(pugi::xml_node node)
{
    const char *name = node.name(), *colon = strchr(name, ':');
    const char *local = colon ? colon + 1 : name;
    return story_name_of(local, strlen(local));
}

static void enter(pugi::xml_node node, struct story *story)
{
    if (node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata) {
        if (story_wants_text(story))
            story_text(story, node.value(), (uint32_t)strlen(node.value()));
        return;
    }
    if (node.type() != pugi::node_element)
        return;
    unsigned number = number_of(node);
    const char *wanted = story_attr(number);
    story_start(story, number);
    pugi::xml_attribute attr = wanted ? node.attribute(wanted) : pugi::xml_attribute();
    if (attr)
        story_value(story, attr.value(), (uint32_t)strlen(attr.value()));
}

static void leave(pugi::xml_node node, struct story *story)
{
    if (node.type() == pugi::node_element)
        story_end(story, number_of(node));
}

static void walk(pugi::xml_node root, struct story *story)
{
    pugi::xml_node node = root.first_child();
    while (node) {
        enter(node, story);
        if (node.first_child()) {
            node = node.first_child();
            continue;
        }
        leave(node, story);
        while (!node.next_sibling() && node.parent() != root) {
            node = node.parent();
            leave(node, story);
        }
        node = node.next_sibling();
    }
}

static bool read_story(const struct bench_doc *doc, struct story *story)
{
    static pugi::xml_document document;
    static char *copy;
    static uint32_t cap;
    if (doc->len > cap) {
        free(copy);
        copy = (char *)malloc(cap = doc->len);
    }
    memcpy(copy, doc->data, doc->len);
    if (!document.load_buffer_inplace(copy, doc->len, pugi::parse_default | pugi::parse_ws_pcdata))
        return false;
    walk(document, story);
    return true;
}

extern "C" {
extern const struct bench_parser bench_pugixml = { "pugixml in situ", read_story };
}
