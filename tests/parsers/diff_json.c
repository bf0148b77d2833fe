/* Does our JSON scanner take and refuse what jansson does, and read the same values?
 *
 *   diff_json SECONDS SEED
 *
 * Documents are grown from the seed and then damaged, half of them; both read each.  Where jansson is narrower than the
 * standard the document is left alone: it refuses a NUL in a string unless allowed, and numbers beyond its range. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "parsers/json.h"

#define TEXT_MAX  4096u
#define DEPTH_MAX 12u

static uint64_t state;

static uint32_t random_below(uint32_t bound)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % bound;
}

struct text {
    char data[TEXT_MAX + 512];
    uint32_t len;
};

static void add(struct text *text, const char *piece)
{
    size_t len = strlen(piece);
    if (text->len + len > TEXT_MAX)
        return;
    memcpy(text->data + text->len, piece, len);
    text->len += (uint32_t)len;
}

static void add_string(struct text *text)
{
    static const char *const pieces[] = { "a",
                                          "word ",
                                          "many plain words in a row, longer than a block; ",
                                          "\xc3\xa4",
                                          "\xe2\x82\xac",
                                          "\xf0\x9d\x84\x9e",
                                          "\\n",
                                          "\\\"",
                                          "\\\\",
                                          "\\/",
                                          "\\u00fc",
                                          "\\ud83d\\ude80",
                                          "\\b",
                                          "\x7f",
                                          "\xef\xbf\xbd",
                                          "\\uFFFD",
                                          " " };
    add(text, "\"");
    for (uint32_t cnt = random_below(8); cnt-- != 0;)
        add(text, pieces[random_below(sizeof pieces / sizeof *pieces)]);
    add(text, "\"");
}

static void add_blanks(struct text *text)
{
    static const char *const blanks[] = { "", "", "", " ", "\n", "\n    ", "\r\n\t", "                    " };
    add(text, blanks[random_below(sizeof blanks / sizeof *blanks)]);
}

static void add_value(struct text *text, unsigned depth)
{
    static const char *const scalars[] = { "0", "-0", "17", "-2.50", "1e3", "2E-2", "0.125", "true", "false", "null" };
    uint32_t kind = random_below(depth < DEPTH_MAX ? 6 : 2);
    add_blanks(text);
    if (kind == 0) {
        add(text, scalars[random_below(sizeof scalars / sizeof *scalars)]);
    } else if (kind < 3) {
        add_string(text);
    } else {
        bool is_object = kind == 5;
        add(text, is_object ? "{" : "[");
        for (uint32_t cnt = random_below(5), i = 0; i < cnt; i++) {
            char name[16];
            if (i != 0)
                add(text, ",");
            snprintf(name, sizeof name, "\"k%u\"", i); /* jansson keeps one of two alike */
            add_blanks(text);
            if (is_object)
                add(text, name);
            add_blanks(text);
            if (is_object)
                add(text, ":");
            add_value(text, depth + 1);
        }
        add_blanks(text);
        add(text, is_object ? "}" : "]");
    }
    add_blanks(text);
}

static void damage(struct text *text)
{
    static const char marks[] = "{}[]:,\"\\0-e.\x80\xc3\xed\xf4\x1f tn";
    for (uint32_t cnt = 1 + random_below(3); cnt-- != 0 && text->len != 0;) {
        uint32_t at = random_below(text->len);
        switch (random_below(4)) {
        case 0:
            text->data[at] = marks[random_below(sizeof marks - 1)];
            break;
        case 1:
            memmove(text->data + at, text->data + at + 1, text->len - at - 1);
            text->len--;
            break;
        case 2:
            memmove(text->data + at + 1, text->data + at, text->len - at);
            text->data[at] = marks[random_below(sizeof marks - 1)];
            text->len++;
            break;
        default:
            text->len = at;
        }
    }
}

/* ---- the same values? ---- */

static struct sl_parse parse;

static bool same_string(struct sl_json_string string, const char *want, size_t len)
{
    struct sl_span got;
    uint32_t used = parse.scratch.used;
    bool same = sl_json_decode(&parse, string, &got) && got.len == len && memcmp(got.data, want, len) == 0;
    parse.scratch.used = used;
    return same;
}

static bool same_number(struct sl_json_string string, const json_t *value)
{
    char copy[64];
    snprintf(copy, sizeof copy, "%.*s", (int)string.text.len, (const char *)string.text.data);
    return json_is_integer(value) ? json_integer_value(value) == strtoll(copy, NULL, 10)
                                  : fabs(json_real_value(value) - strtod(copy, NULL)) < 1e-12;
}

static bool same_value(struct sl_json *json, json_t *value);

static json_t *find_member(json_t *object, struct sl_span key)
{
    char name[TEXT_MAX + 1];
    memcpy(name, key.data, key.len);
    name[key.len] = '\0';
    return json_object_get(object, name);
}

/* Of two members of one name jansson keeps the last; then only their number tells, and is told by looking ahead. */
static bool same_object(struct sl_json *json, json_t *value)
{
    struct sl_json ahead = *json;
    struct sl_json_string name;
    size_t cnt = 0;
    if (!sl_json_enter(&ahead, SL_JSON_OBJECT))
        return false;
    for (; sl_json_member(&ahead, &name); cnt++)
        sl_json_skip(&ahead);
    if (cnt != json_object_size(value)) {
        sl_json_skip(json);
        return cnt > json_object_size(value);
    }
    sl_json_enter(json, SL_JSON_OBJECT);
    while (sl_json_member(json, &name)) {
        struct sl_span key;
        uint32_t used = parse.scratch.used;
        json_t *member = sl_json_decode(&parse, name, &key) ? find_member(value, key) : NULL;
        parse.scratch.used = used;
        if (!member || !same_value(json, member))
            return false;
    }
    return true;
}

static bool same_value(struct sl_json *json, json_t *value)
{
    struct sl_json_string string;
    size_t cnt = 0;
    switch (json_typeof(value)) {
    case JSON_STRING:
        return sl_json_read_string(json, &string) &&
               same_string(string, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL:
        return sl_json_read_scalar(json, &string) && same_number(string, value);
    case JSON_TRUE:
        return sl_json_is_true(json);
    case JSON_FALSE:
    case JSON_NULL:
        if (sl_json_peek(json) != (json_is_null(value) ? SL_JSON_NULL : SL_JSON_FALSE))
            return false;
        sl_json_skip(json);
        return true;
    case JSON_ARRAY:
        if (!sl_json_enter(json, SL_JSON_ARRAY))
            return false;
        for (; sl_json_element(json); cnt++) {
            if (cnt >= json_array_size(value) || !same_value(json, json_array_get(value, cnt)))
                return false;
        }
        return cnt == json_array_size(value);
    default:
        return same_object(json, value);
    }
}

/* jansson refuses a NUL in a name, whatever it is told of strings. */
static bool has_odd_names(const struct text *text) { return memmem(text->data, text->len, "\\u0000", 6) != NULL; }

static bool one_round(struct text *text, unsigned *taken)
{
    static _Alignas(8) uint8_t scratch[2 * TEXT_MAX];
    json_error_t error;
    struct sl_json json;
    char *copy = malloc(text->len + 1); /* nothing stands behind it that may be read */
    memcpy(copy, text->data, text->len);
    json_t *root = json_loadb(copy, text->len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    bool out_of_range = !root && json_error_code(&error) == json_error_numeric_overflow;
    sl_json_begin(&json, (struct sl_span){ (const uint8_t *)copy, text->len });
    sl_json_skip(&json);
    bool is_taken = sl_json_end(&json), same = out_of_range || is_taken == (root != NULL);
    if (!same)
        fprintf(stderr, "diff_json: jansson says %s, we %s at %u (%s)\n", root ? "fine" : error.text,
                is_taken ? "fine" : "no", json.err.off, json.err.want ? json.err.want : "");
    if (same && root && !has_odd_names(text)) {
        ++*taken;
        sl_parse_init(&parse, scratch, sizeof scratch);
        sl_json_begin(&json, (struct sl_span){ (const uint8_t *)copy, text->len });
        same = same_value(&json, root) && sl_json_end(&json);
        if (!same)
            fprintf(stderr, "diff_json: other values\n");
    }
    json_decref(root);
    free(copy);
    return same;
}

int main(int argc, char **argv)
{
    static struct text text;
    double seconds = argc > 1 ? atof(argv[1]) : 3;
    state = argc > 2 ? strtoull(argv[2], NULL, 10) : 20260105;
    printf("diff_json: seed %llu\n", (unsigned long long)state);
    clock_t end = clock() + (clock_t)(seconds * CLOCKS_PER_SEC);
    unsigned rounds = 0, taken = 0;
    for (; clock() < end; rounds++) {
        text.len = 0;
        add_value(&text, 0);
        if (random_below(2))
            damage(&text);
        if (one_round(&text, &taken))
            continue;
        printf("diff_json: round %u: %.*s\n", rounds, (int)text.len, text.data);
        return 1;
    }
    printf("diff_json: %u documents, %u taken by both with the same values\n", rounds, taken);
    return taken > rounds / 4 ? 0 : 1;
}
