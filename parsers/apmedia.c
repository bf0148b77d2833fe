/* parsers/apmedia.c - AP Media API: one item of content, or a feed of them, with the body a link away.
 *
 *     { "api_version": ..., "data": { "meta": {}, "item": { "altids": { "itemid" } } } }
 *     { "api_version": ..., "data": { "items": [ { "item": {}, "meta": {} }, ... ] } }
 *
 * Source    AP Media API 1.1 to 2.2, content metadata fields.
 *
 * A story's identity is altids.itemid, since uri carries the asker's session.  Subjects whose rel is "category" are
 * AP's category letters.  Coordinates are GeoJSON's: longitude first.
 */
#include "parsers/json_item.h"

static int recognize(const uint8_t *data, uint32_t len)
{
    struct sl_json_look look;
    sl_json_look_at(&look, data, len);
    if (!look.is_json)
        return 0;
    bool has_item = sl_json_has(&look, SL_NAME_ALT_IDS) && sl_json_has(&look, SL_NAME_ITEM_ID);
    if (sl_json_has(&look, SL_NAME_AP_VERSION))
        return sl_json_has(&look, SL_NAME_DATA) ? 95 : 0;
    return has_item ? 92 : 0;
}

static enum sl_parse_code next(struct sl_parse *parse) { return sl_json_next_item(parse, SL_JSON_AP); }

const struct sl_format sl_format_apmedia = {
    .id = SL_FORMAT_APMEDIA,
    .name = "apmedia",
    .source = "AP Media API 1.1 to 2.2",
    .recognize = recognize,
    .peek_urgency = sl_json_peek_urgency,
    .next = next,
};
