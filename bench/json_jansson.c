/* jansson: the whole document as values, at the work of bench/json_peers.h. */
#include <jansson.h>
#include "bench/json_peers.h"

static struct json_text text_of(const json_t *value)
{
    if (!json_is_string(value))
        return (struct json_text){ NULL, 0 };
    return (struct json_text){ json_string_value(value), (uint32_t)json_string_length(value) };
}

static void read_subjects(json_t *list, struct json_story *story)
{
    size_t idx;
    json_t *subject, *value;
    const char *name;
    json_array_foreach(list, idx, subject)
    {
        json_object_foreach(subject, name, value)
        {
            if (json_field_of(name, strlen(name)) == JSON_CODE && story->subject_cnt < JSON_SUBJECTS_MAX)
                story->subject[story->subject_cnt++] = text_of(value);
        }
    }
}

static void read_texts(json_t *list, struct json_story *story, bool are_bodies)
{
    size_t idx;
    json_t *element;
    json_array_foreach(list, idx, element)
    {
        struct json_text value = text_of(json_object_get(element, "value"));
        struct json_text type = text_of(json_object_get(element, "contenttype"));
        if (type.len == 0)
            type = text_of(json_object_get(element, "contentType"));
        if (are_bodies)
            json_take_body(story, value, type);
        else if (story->headline.len == 0)
            story->headline = value;
    }
}

static void take_member(enum json_field which, json_t *value, struct json_story *story)
{
    struct json_text *texts[] = {
        [JSON_ID] = &story->id,         [JSON_HEADLINE] = &story->headline,   [JSON_CREATED] = &story->created,
        [JSON_FIRST] = &story->first,   [JSON_EMBARGOED] = &story->embargoed, [JSON_EXPIRES] = &story->expires,
        [JSON_MARKUP] = &story->markup, [JSON_PLAIN] = &story->plain,
    };
    if (which == JSON_URGENCY && json_is_integer(value))
        story->urgency = (uint32_t)json_integer_value(value);
    else if (which == JSON_SUBJECTS)
        read_subjects(value, story);
    else if (which == JSON_HEADLINES || which == JSON_BODIES)
        read_texts(value, story, which == JSON_BODIES);
    else if (which < sizeof texts / sizeof *texts && texts[which])
        *texts[which] = text_of(value);
}

static bool read_story(const char *data, uint32_t len, struct json_story *story)
{
    static json_t *root; /* the strings are its, until the next document */
    json_error_t error;
    const char *name;
    json_t *value;
    json_decref(root);
    root = json_loadb(data, len, 0, &error);
    if (!json_is_object(root))
        return false;
    json_object_foreach(root, name, value) take_member(json_field_of(name, strlen(name)), value, story);
    return true;
}

const struct json_peer json_jansson = { "jansson", read_story };
