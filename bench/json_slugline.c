/* Our scanner, at the work of bench/json_peers.h. */
#include "bench/json_peers.h"
#include "parsers/json.h"

static struct sl_parse parse;

static struct json_text text_of(struct sl_json *json)
{
    struct sl_json_string string;
    struct sl_span text;
    if (!sl_json_read_string(json, &string) || !sl_json_decode(&parse, string, &text))
        return (struct json_text){ NULL, 0 };
    return (struct json_text){ (const char *)text.data, text.len };
}

static enum json_field field_of(struct sl_json_string name)
{
    return json_field_of((const char *)name.text.data, name.text.len);
}

static void read_subjects(struct sl_json *json, struct json_story *story)
{
    struct sl_json_string name;
    if (!sl_json_enter(json, SL_JSON_ARRAY))
        return;
    while (sl_json_element(json)) {
        if (!sl_json_enter(json, SL_JSON_OBJECT))
            continue;
        while (sl_json_member(json, &name)) {
            if (field_of(name) == JSON_CODE && story->subject_cnt < JSON_SUBJECTS_MAX)
                story->subject[story->subject_cnt++] = text_of(json);
            else
                sl_json_skip(json);
        }
    }
}

static void read_texts(struct sl_json *json, struct json_story *story, bool are_bodies)
{
    struct sl_json_string name;
    if (!sl_json_enter(json, SL_JSON_ARRAY))
        return;
    while (sl_json_element(json)) {
        struct json_text value = { NULL, 0 }, type = { NULL, 0 };
        if (!sl_json_enter(json, SL_JSON_OBJECT))
            continue;
        while (sl_json_member(json, &name)) {
            enum json_field which = field_of(name);
            if (which == JSON_VALUE)
                value = text_of(json);
            else if (which == JSON_TYPE)
                type = text_of(json);
            else
                sl_json_skip(json);
        }
        if (are_bodies)
            json_take_body(story, value, type);
        else if (story->headline.len == 0)
            story->headline = value;
    }
}

static void take_member(struct sl_json *json, enum json_field which, struct json_story *story)
{
    struct json_text *texts[JSON_ROLE + 1] = {
        [JSON_ID] = &story->id,         [JSON_HEADLINE] = &story->headline,   [JSON_CREATED] = &story->created,
        [JSON_FIRST] = &story->first,   [JSON_EMBARGOED] = &story->embargoed, [JSON_EXPIRES] = &story->expires,
        [JSON_MARKUP] = &story->markup, [JSON_PLAIN] = &story->plain,
    };
    struct sl_json_string number;
    if (texts[which])
        *texts[which] = text_of(json);
    else if (which == JSON_SUBJECTS)
        read_subjects(json, story);
    else if (which == JSON_HEADLINES || which == JSON_BODIES)
        read_texts(json, story, which == JSON_BODIES);
    else if (which == JSON_URGENCY && sl_json_peek(json) == SL_JSON_NUMBER && sl_json_read_scalar(json, &number))
        story->urgency = number.text.len == 1 ? (uint32_t)(number.text.data[0] - '0') : 0;
    else
        sl_json_skip(json);
}

static bool read_story(const char *data, uint32_t len, struct json_story *story)
{
    static _Alignas(8) uint8_t scratch[1u << 20];
    struct sl_json json;
    struct sl_json_string name;
    if (!parse.scratch.mem)
        sl_parse_init(&parse, scratch, sizeof scratch);
    parse.scratch.used = 0;
    sl_json_begin(&json, (struct sl_span){ (const uint8_t *)data, len });
    if (sl_json_enter(&json, SL_JSON_OBJECT)) {
        while (sl_json_member(&json, &name))
            take_member(&json, field_of(name), story);
    }
    return sl_json_end(&json);
}

const struct json_peer json_slugline = { "slugline scanner", read_story };
