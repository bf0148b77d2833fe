/* parsers/json_item.h - a news item as a JSON object, in the dialects that grew out of IPTC ninjs, to a bulletin.
 *
 *     page, once a message --> item by item --> members noted, lists said --> end: the rest said
 *
 * Life      A struct sl_json_page lies in the parse's scratch from a message's first item to its last.
 * Threads   Pure functions; tables are constant.
 * Owns      Borrows the message.
 * Errors    enum sl_parse_code, as of a format's next.
 * Source    IPTC ninjs 1.0 to 1.5, 2.0, 2.1, 3.0, 3.1; what newsroom systems add to it; AP Media API 1.1 to 2.2;
 *           Reuters Connect (GraphQL).  A new name goes into json_names.c, and here into read_member.
 *
 * Single strings are noted while the object is read, since what follows decides what they mean; of two members of one
 * name the last counts.  Lists are said as they come.
 */
#ifndef SL_PARSERS_JSON_ITEM_H
#define SL_PARSERS_JSON_ITEM_H

#include "parsers/editor.h"
#include "parsers/json_names.h"

enum sl_json_dialect { SL_JSON_NINJS, SL_JSON_AP };

/* The next item of the message, wherever it lies: alone, in a list, or wrapped as pages and answers of services are. */
enum sl_parse_code sl_json_next_item(struct sl_parse *parse, enum sl_json_dialect dialect);

/* Which names a text has, in its first bytes and outermost levels: for recognizing. */
struct sl_json_look {
    uint64_t names[(SL_NAME_CNT + 63) / 64];
    bool is_json; /* an object or array: nothing is wrong up to where it is cut, or it has names of ours before that */
};
void sl_json_look_at(struct sl_json_look *look, const uint8_t *data, uint32_t len);
static inline bool sl_json_has(const struct sl_json_look *look, enum sl_json_name name)
{
    return look->names[name / 64] >> name % 64 & 1;
}
/* The digit 1 to 9 that is the member "urgency" in the first bytes; 0 when there is none. */
unsigned sl_json_peek_urgency(const uint8_t *data, uint32_t len);

/* ---- what other JSON formats share ---- */

/* One line of words, as the string says them. */
struct sl_ref sl_json_put_line(struct sl_parse *parse, struct sl_json_string string);
void sl_json_say_line(struct sl_parse *parse, enum sl_text text, struct sl_json_string string);
/* Plain paragraphs, hard-wrapped or not, as SL_TEXT_BODY. */
void sl_json_say_plain_body(struct sl_parse *parse, struct sl_span text);
void sl_json_say_time(struct sl_parse *parse, struct sl_json_string string, int64_t *ns, uint32_t assumed_flag);
void sl_json_say_pubstatus(struct sl_bulletin *root, struct sl_json_string string);
/* 0 when it is no whole number, or one with more than nine digits. */
uint32_t sl_json_number(struct sl_json_string string);

#endif
