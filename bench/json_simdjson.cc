/* simdjson's on-demand interface, at the work of bench/json_peers.h.  What it is not asked for it only skips. */
#include <simdjson.h>
#include "bench/json_peers.h"

using namespace simdjson;

static json_text text_of(ondemand::value value)
{
    std::string_view view;
    if (value.get_string().get(view))
        return { nullptr, 0 };
    return { view.data(), (uint32_t)view.size() };
}

static bool read_subjects(ondemand::value list, json_story *story)
{
    for (auto element : list.get_array()) {
        ondemand::object subject;
        if (element.get_object().get(subject))
            return false;
        for (auto field : subject) {
            std::string_view key = field.unescaped_key();
            if (json_field_of(key.data(), key.size()) == JSON_CODE && story->subject_cnt < JSON_SUBJECTS_MAX)
                story->subject[story->subject_cnt++] = text_of(field.value());
        }
    }
    return true;
}

static bool read_texts(ondemand::value list, json_story *story, bool are_bodies)
{
    for (auto element : list.get_array()) {
        ondemand::object object;
        if (element.get_object().get(object))
            return false;
        json_text value = { nullptr, 0 }, type = { nullptr, 0 };
        for (auto field : object) {
            std::string_view key = field.unescaped_key();
            json_field which = json_field_of(key.data(), key.size());
            if (which == JSON_VALUE)
                value = text_of(field.value());
            else if (which == JSON_TYPE)
                type = text_of(field.value());
        }
        if (are_bodies)
            json_take_body(story, value, type);
        else if (story->headline.len == 0)
            story->headline = value;
    }
    return true;
}

static bool take_member(json_field which, ondemand::value value, json_story *story)
{
    uint64_t number;
    switch (which) {
    case JSON_ID: story->id = text_of(value); break;
    case JSON_HEADLINE: story->headline = text_of(value); break;
    case JSON_CREATED: story->created = text_of(value); break;
    case JSON_FIRST: story->first = text_of(value); break;
    case JSON_EMBARGOED: story->embargoed = text_of(value); break;
    case JSON_EXPIRES: story->expires = text_of(value); break;
    case JSON_MARKUP: story->markup = text_of(value); break;
    case JSON_PLAIN: story->plain = text_of(value); break;
    case JSON_URGENCY:
        if (!value.get_uint64().get(number))
            story->urgency = (uint32_t)number;
        break;
    case JSON_SUBJECTS: return read_subjects(value, story);
    case JSON_HEADLINES: return read_texts(value, story, false);
    case JSON_BODIES: return read_texts(value, story, true);
    default: break;
    }
    return true;
}

static bool read_story(const char *data, uint32_t len, json_story *story)
{
    static ondemand::parser parser;
    static padded_string_view view;
    /* The bench leaves the padding behind each document. */
    view = padded_string_view(data, len, len + SIMDJSON_PADDING);
    ondemand::document document;
    ondemand::object root;
    if (parser.iterate(view).get(document) || document.get_object().get(root))
        return false;
    for (auto field : root) {
        std::string_view key;
        ondemand::value value;
        if (field.unescaped_key().get(key) || field.value().get(value))
            return false;
        if (!take_member(json_field_of(key.data(), key.size()), value, story))
            return false;
    }
    return true;
}

extern "C" const json_peer json_simdjson = { "simdjson on-demand", [](const char *data, uint32_t len, json_story *story) {
    try {
        return read_story(data, len, story);
    } catch (const simdjson_error &) {
        return false;
    }
} };
