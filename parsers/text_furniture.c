#include "parsers/text_furniture.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/editor.h"

#define CREDIT_MAX 140u

/* Lines that lead to other stories.  "list": the stories follow, a line each. */
static const struct {
    const char *phrase;
    bool is_list;
} related_words[] = {
    {"also on",             false},
    { "also read",          false},
    { "read also",          false},
    { "see also",           false},
    { "related",            false},
    { "related story",      false},
    { "lesen sie auch",     false},
    { "lire aussi",         false},
    { "read more",          true },
    { "related stories",    true },
    { "more on this story", true },
    { "related links",      true },
    { "mehr zum thema",     true },
};

static const char *const picture_words[] = { "photo", "photos", "logo", "video", "image", "infographic", "multimedia" };

static bool is_alnum(uint8_t byte) { return sl_is_digit(byte) || sl_is_ascii_letter(byte); }

bool sl_furniture_opening(struct sl_span line, const char *phrase, struct sl_span *value)
{
    uint32_t len;
    if (!sl_phrase_starts(line, phrase, &len))
        return false;
    struct sl_span rest = sl_span_skip(line, len);
    while (rest.len != 0 && (rest.data[0] == ' ' || rest.data[0] == '-'))
        rest = sl_span_skip(rest, 1);
    if (rest.len != 0 && rest.data[0] == ':')
        rest = sl_span_skip(rest, 1);
    else if (rest.data == line.data + len || rest.data[-1] == line.data[len - 1])
        return false;
    *value = sl_span_trim(rest);
    return true;
}

bool sl_furniture_is_product(struct sl_span line)
{
    if (line.len != 8)
        return false;
    for (uint32_t i = 0; i < 8; i++) {
        if (i < 3 ? !sl_is_upper(line.data[i]) : !sl_is_digit(line.data[i]))
            return false;
    }
    return true;
}

static bool match_related(struct sl_span line, struct sl_span *title, bool *is_list)
{
    uint32_t len;
    for (size_t i = 0; i < sizeof(related_words) / sizeof(*related_words); i++) {
        if (!sl_phrase_starts(line, related_words[i].phrase, &len))
            continue;
        /* A site's name may stand between: "Also on AF:". */
        const uint8_t *colon = memchr(line.data + len, ':', line.len - len);
        if (!colon || colon > line.data + len + 24)
            continue;
        *title = sl_span_trim(sl_span_skip(line, (uint32_t)(colon - line.data) + 1));
        *is_list = title->len == 0;
        return true;
    }
    return false;
}

static bool match_picture(struct sl_span line, struct sl_span *url)
{
    struct sl_span bare = line;
    uint32_t off;
    if (bare.len > 2 && bare.data[0] == '(' && bare.data[bare.len - 1] == ')')
        bare = sl_span_trim((struct sl_span){ bare.data + 1, bare.len - 2 });
    for (size_t i = 0; i < sizeof(picture_words) / sizeof(*picture_words); i++) {
        if (sl_furniture_opening(bare, picture_words[i], url) && sl_span_find(*url, "http", &off) && off == 0)
            return !memchr(url->data, ' ', url->len);
    }
    return false;
}

/* "- Reuters with what others did", "(Reuters)": who is to be named. */
static bool match_credit(struct sl_span line, struct sl_span *credit)
{
    if (line.len < 4 || line.len > CREDIT_MAX)
        return false;
    bool is_bracket = line.data[0] == '(' && line.data[line.len - 1] == ')';
    uint32_t dash_len = line.data[0] == '-' ? 1 : line.len > 3 && memcmp(line.data, "\xe2\x80", 2) == 0 ? 3 : 0;
    if (!is_bracket && dash_len == 0)
        return false;
    *credit = sl_span_trim(is_bracket ? (struct sl_span){ line.data + 1, line.len - 2 } : sl_span_skip(line, dash_len));
    uint32_t len = 0;
    while (len < credit->len && is_alnum(credit->data[len]))
        len++;
    return sl_agency_is(sl_span_head(*credit, len)) && (!is_bracket || len == credit->len);
}

enum sl_furniture sl_furniture_read(struct sl_span line, bool is_last, struct sl_span *value)
{
    bool is_list;
    if (line.len == 0)
        return SL_FURNITURE_NOT;
    if (match_related(line, value, &is_list))
        return is_list ? SL_FURNITURE_RELATED_LIST : SL_FURNITURE_RELATED;
    if (match_picture(line, value))
        return SL_FURNITURE_PICTURE;
    if (match_credit(line, value))
        return SL_FURNITURE_CREDIT;
    uint32_t len;
    if (is_last && line.len <= CREDIT_MAX && line.data[0] == 'S' && sl_phrase_starts(line, "source", &len) &&
        memcmp(line.data, "SOURCE", 6) == 0) {
        *value = sl_span_skip(line, len);
        while (value->len != 0 && (value->data[0] == ':' || value->data[0] == ' '))
            *value = sl_span_skip(*value, 1);
        return SL_FURNITURE_SOURCE;
    }
    return SL_FURNITURE_NOT;
}
