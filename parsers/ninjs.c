/* parsers/ninjs.c - IPTC ninjs, news in JSON: its three generations, and pages of services that carry it.
 *
 *     { "uri": ..., "headline": ..., "body_text": ... }                                       1.0 to 1.5
 *     { "uri": ..., "headlines": [ ... ], "bodies": [ { "role", "contenttype", "value" } ] }  2.0, 2.1
 *     { "uri": ..., "versionCreated": ..., "bodies": [ ... ] }                                3.0, 3.1
 *     { "total": 2, "item": [ {}, {} ] }   [ {}, {} ]   { "data": { "item": {} } }            pages, GraphQL answers
 *
 * Source    IPTC ninjs 1.0 to 3.1; Superdesk's and TT's members beside it; Reuters Connect.
 */
#include "parsers/json_item.h"

static bool has_any(const struct sl_json_look *look, const enum sl_json_name *names, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++) {
        if (sl_json_has(look, names[i]))
            return true;
    }
    return false;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    /* Names that nobody else has, and those that make sense of an id. */
    static const enum sl_json_name own[] = { SL_NAME_VERSION_CREATED, SL_NAME_PUB_STATUS, SL_NAME_HEADLINES,
                                             SL_NAME_BODIES,          SL_NAME_BODY_TEXT,  SL_NAME_BODY_XHTML,
                                             SL_NAME_BODY_HTML,       SL_NAME_BODY_HTML5 };
    static const enum sl_json_name story[] = { SL_NAME_HEADLINE, SL_NAME_SLUGLINE, SL_NAME_BYLINE, SL_NAME_TYPE };
    /* An empty page has nothing else. */
    static const enum sl_json_name pages[] = { SL_NAME_ITEM, SL_NAME_ITEMS };
    struct sl_json_look look;
    sl_json_look_at(&look, data, len);
    if (!look.is_json)
        return 0;
    bool has_id = sl_json_has(&look, SL_NAME_URI) || sl_json_has(&look, SL_NAME_GUID);
    if (has_any(&look, own, sizeof(own) / sizeof(*own)))
        return has_id ? 90 : 80;
    if (has_id && has_any(&look, story, sizeof(story) / sizeof(*story)))
        return 70;
    return has_any(&look, pages, sizeof(pages) / sizeof(*pages)) ? 40 : 0;
}

static enum sl_parse_code next(struct sl_parse *parse) { return sl_json_next_item(parse, SL_JSON_NINJS); }

const struct sl_format sl_format_ninjs = {
    .id = SL_FORMAT_NINJS,
    .name = "ninjs",
    .source = "IPTC ninjs 1.0 to 3.1",
    .recognize = recognize,
    .peek_urgency = sl_json_peek_urgency,
    .next = next,
};
