#include "pipeline/filter.h"

#include "parsers/ascii.h"
#include "parsers/dates.h"
#include "parsers/parse.h"
#include "parsers/text.h"
#include "pipeline/client.h"
#include "pipeline/nearest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX  512u
#define VALUES_MAX 512u
#define CODE_MAX   512u /* scheme:code longer than this fits by its parts only */

/* ---- fields ---- */

enum type { TYPE_NUMBER, TYPE_TIME, TYPE_CHOICE, TYPE_TEXT, TYPE_LANGUAGE, TYPE_LIST };

static int64_t urgency_of(const struct sl_event *event) { return event->bulletin->urgency; }
static int64_t take_of(const struct sl_event *event) { return event->bulletin->take_no; }
static int64_t words_of(const struct sl_event *event) { return event->bulletin->word_cnt; }
static int64_t seq_of(const struct sl_event *event) { return (int64_t)event->seq; }
static int64_t created_of(const struct sl_event *event) { return event->bulletin->version_created; }
static int64_t first_created_of(const struct sl_event *event) { return event->bulletin->first_created; }
static int64_t embargo_of(const struct sl_event *event) { return event->bulletin->embargoed_until; }
static int64_t expires_of(const struct sl_event *event) { return event->bulletin->expires; }
static int64_t published_of(const struct sl_event *event) { return event->stamps.published_ns; }
static int64_t kind_of(const struct sl_event *event) { return event->bulletin->kind; }
static int64_t signal_of(const struct sl_event *event) { return event->bulletin->signal; }
static int64_t status_of(const struct sl_event *event) { return event->bulletin->pubstatus; }
static int64_t lane_of(const struct sl_event *event) { return event->lane; }
static int64_t verdict_of(const struct sl_event *event) { return event->verdict; }

#define FEED_TEXT SL_TEXT_CNT /* beside the bulletin's own texts */

/* choices: the words of a TYPE_CHOICE by number, from 0; what is said there as "" or "?" is none of them. */
static const struct field {
    const char *name;
    enum type type;
    unsigned which; /* enum sl_text or sl_list */
    int64_t (*number)(const struct sl_event *event);
    const char *(*choice)(unsigned value);
    unsigned choice_cnt;
} fields[] = {
    {"alt_id",        TYPE_LIST,     SL_LIST_ALT_IDS,       NULL,             NULL,              0             },
    { "body",         TYPE_TEXT,     SL_TEXT_BODY,          NULL,             NULL,              0             },
    { "byline",       TYPE_TEXT,     SL_TEXT_BYLINE,        NULL,             NULL,              0             },
    { "category",     TYPE_LIST,     SL_LIST_CATEGORIES,    NULL,             NULL,              0             },
    { "created",      TYPE_TIME,     0,                     created_of,       NULL,              0             },
    { "credit",       TYPE_TEXT,     SL_TEXT_CREDIT,        NULL,             NULL,              0             },
    { "dateline",     TYPE_TEXT,     SL_TEXT_DATELINE,      NULL,             NULL,              0             },
    { "ednote",       TYPE_TEXT,     SL_TEXT_EDNOTE,        NULL,             NULL,              0             },
    { "embargoed",    TYPE_TIME,     0,                     embargo_of,       NULL,              0             },
    { "expires",      TYPE_TIME,     0,                     expires_of,       NULL,              0             },
    { "feed",         TYPE_TEXT,     FEED_TEXT,             NULL,             NULL,              0             },
    { "first",        TYPE_TIME,     0,                     first_created_of, NULL,              0             },
    { "genre",        TYPE_LIST,     SL_LIST_GENRES,        NULL,             NULL,              0             },
    { "headline",     TYPE_TEXT,     SL_TEXT_HEADLINE,      NULL,             NULL,              0             },
    { "id",           TYPE_TEXT,     SL_TEXT_ID,            NULL,             NULL,              0             },
    { "keyword",      TYPE_LIST,     SL_LIST_KEYWORDS,      NULL,             NULL,              0             },
    { "kind",         TYPE_CHOICE,   0,                     kind_of,          sl_kind_name,      SL_KIND_CNT   },
    { "lane",         TYPE_CHOICE,   0,                     lane_of,          sl_lane_name,      SL_LANE_CNT   },
    { "lang",         TYPE_LANGUAGE, SL_TEXT_LANGUAGE,      NULL,             NULL,              0             },
    { "language",     TYPE_LANGUAGE, SL_TEXT_LANGUAGE,      NULL,             NULL,              0             },
    { "located",      TYPE_TEXT,     SL_TEXT_LOCATED,       NULL,             NULL,              0             },
    { "note",         TYPE_LIST,     SL_LIST_NOTES,         NULL,             NULL,              0             },
    { "organisation", TYPE_LIST,     SL_LIST_ORGANISATIONS, NULL,             NULL,              0             },
    { "person",       TYPE_LIST,     SL_LIST_PEOPLE,        NULL,             NULL,              0             },
    { "place",        TYPE_LIST,     SL_LIST_PLACES,        NULL,             NULL,              0             },
    { "priority",     TYPE_TEXT,     SL_TEXT_PRIORITY_RAW,  NULL,             NULL,              0             },
    { "provider",     TYPE_TEXT,     SL_TEXT_PROVIDER,      NULL,             NULL,              0             },
    { "published",    TYPE_TIME,     0,                     published_of,     NULL,              0             },
    { "reference",    TYPE_LIST,     SL_LIST_REFERENCES,    NULL,             NULL,              0             },
    { "seq",          TYPE_NUMBER,   0,                     seq_of,           NULL,              0             },
    { "service",      TYPE_TEXT,     SL_TEXT_SERVICE,       NULL,             NULL,              0             },
    { "signal",       TYPE_CHOICE,   0,                     signal_of,        sl_signal_name,    SL_SIGNAL_CNT },
    { "slugline",     TYPE_TEXT,     SL_TEXT_SLUGLINE,      NULL,             NULL,              0             },
    { "status",       TYPE_CHOICE,   0,                     status_of,        sl_pubstatus_name, SL_PUB_CNT    },
    { "subject",      TYPE_LIST,     SL_LIST_SUBJECTS,      NULL,             NULL,              0             },
    { "symbol",       TYPE_LIST,     SL_LIST_SYMBOLS,       NULL,             NULL,              0             },
    { "take",         TYPE_NUMBER,   0,                     take_of,          NULL,              0             },
    { "urgency",      TYPE_NUMBER,   0,                     urgency_of,       NULL,              0             },
    { "verdict",      TYPE_CHOICE,   0,                     verdict_of,       sl_verdict_name,   SL_VERDICT_CNT},
    { "version",      TYPE_TEXT,     SL_TEXT_VERSION,       NULL,             NULL,              0             },
    { "words",        TYPE_NUMBER,   0,                     words_of,         NULL,              0             },
};
#define FIELD_CNT (sizeof(fields) / sizeof(fields[0]))

const char *sl_filter_field(unsigned idx) { return idx < FIELD_CNT ? fields[idx].name : NULL; }

/* ---- a compiled filter ---- */

enum compare {
    COMPARE_GIVEN,
    COMPARE_IN,
    COMPARE_LESS,
    COMPARE_LESS_EQUAL,
    COMPARE_MORE,
    COMPARE_MORE_EQUAL,
    COMPARE_LIKE
};

/* Steps run in order over one truth, so that a match needs no stack: TEST sets it, NOT turns it, and an "and" or "or"
 * whose left half has decided it jumps over the right one. */
enum step_kind { STEP_TEST, STEP_NOT, STEP_SKIP_IF_FALSE, STEP_SKIP_IF_TRUE };

struct step {
    uint8_t kind, compare, field;
    uint16_t first, cnt; /* TEST: values */
    uint16_t target; /* SKIP: the step to go on with */
};

struct value {
    int64_t number; /* of numbers, times and choices */
    uint32_t off, len; /* of strings, in the filter's texts */
};

struct sl_filter {
    uint32_t step_cnt, value_cnt, text_len;
    struct step steps[STEPS_MAX];
    struct value values[VALUES_MAX];
    char texts[SL_FILTER_LEN_MAX];
};

/* ---- words ---- */

enum token { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_STRING, TOKEN_SIGN, TOKEN_BAD };

struct reading {
    struct sl_filter *filter;
    struct sl_filter_err *err;
    const char *text, *at;
    /* The token under the eye: text from off, its len bytes; of a STRING what stands between the quotes. */
    enum token token;
    const char *word;
    uint32_t word_len;
    unsigned depth;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct reading *reading, const char *at, const char *format,
                                                         ...)
{
    va_list args;
    va_start(args, format);
    reading->err->off = (uint32_t)(at - reading->text);
    vsnprintf(reading->err->text, sizeof(reading->err->text), format, args);
    va_end(args);
    reading->token = TOKEN_BAD;
    return false;
}

static bool is_name_char(char c) { return sl_is_ascii_letter((uint8_t)c) || c == '_' || sl_is_digit((uint8_t)c); }

static bool read_string(struct reading *reading)
{
    const char *end = reading->at + 1;
    while (*end && *end != *reading->at)
        end += end[0] == '\\' && end[1] ? 2 : 1;
    if (!*end)
        return refuse(reading, reading->at, "this string has no end; a closing %c was expected", *reading->at);
    reading->token = TOKEN_STRING;
    reading->word = reading->at + 1;
    reading->word_len = (uint32_t)(end - reading->word);
    reading->at = end + 1;
    return true;
}

static bool take_token(struct reading *reading, enum token token, size_t len)
{
    reading->token = token;
    reading->word = reading->at;
    reading->word_len = (uint32_t)len;
    reading->at += len;
    return true;
}

/* Moves the eye on.  False: nothing sensible follows, and err tells. */
static bool next(struct reading *reading)
{
    static const char *const signs[] = { "==", "!=", "!~", "<=", ">=", "<", ">", "~", "(", ")", "[", "]", ",", NULL };
    reading->at += strspn(reading->at, " \t\r\n");
    size_t digits = strspn(reading->at, "0123456789"), len = digits;
    if (!*reading->at)
        return take_token(reading, TOKEN_END, 0);
    if (*reading->at == '"' || *reading->at == '\'')
        return read_string(reading);
    while (is_name_char(reading->at[len]))
        len++;
    if (len)
        return take_token(reading, len == digits ? TOKEN_NUMBER : TOKEN_NAME, len);
    for (const char *const *sign = signs; *sign; sign++)
        if (!strncmp(reading->at, *sign, strlen(*sign)))
            return take_token(reading, TOKEN_SIGN, strlen(*sign));
    if (*reading->at == '=' || *reading->at == '&' || *reading->at == '|' || *reading->at == '!')
        return refuse(reading, reading->at, "'%c' is no operator; ==, !=, and, or, not are written out", *reading->at);
    return refuse(reading, reading->at, "a field, a value or an operator was expected");
}

static bool is_word(const struct reading *reading, enum token token, const char *word)
{
    return reading->token == token && reading->word_len == strlen(word) &&
           !memcmp(reading->word, word, reading->word_len);
}

static const char *where(const struct reading *reading)
{
    return reading->token == TOKEN_STRING ? reading->word - 1 : reading->word;
}

/* ---- values ---- */

static struct value *new_value(struct reading *reading)
{
    struct sl_filter *filter = reading->filter;
    if (filter->value_cnt == VALUES_MAX) {
        refuse(reading, where(reading), "at most %u values fit into one filter", VALUES_MAX);
        return NULL;
    }
    return &filter->values[filter->value_cnt++];
}

/* A pattern keeps its backslashes, which mean something there.  The texts are as long as the expression, of which
 * these are parts. */
static void keep_text(struct reading *reading, struct value *value, bool is_pattern)
{
    struct sl_filter *filter = reading->filter;
    value->off = filter->text_len;
    for (uint32_t i = 0; i < reading->word_len; i++) {
        if (reading->word[i] == '\\' && !is_pattern && i + 1 < reading->word_len)
            i++;
        filter->texts[filter->text_len++] = reading->word[i];
    }
    value->len = filter->text_len - value->off;
}

static bool read_number(struct reading *reading, const struct field *field, struct value *value)
{
    if (reading->token != TOKEN_NUMBER || reading->word_len > 18)
        return refuse(reading, where(reading), "'%s' is a number; a whole number was expected", field->name);
    value->number = 0;
    for (uint32_t i = 0; i < reading->word_len; i++)
        value->number = 10 * value->number + (reading->word[i] - '0');
    return true;
}

static bool read_time(struct reading *reading, const struct field *field, struct value *value)
{
    enum sl_date_zone given;
    if (reading->token != TOKEN_STRING ||
        !sl_date_iso((const uint8_t *)reading->word, reading->word_len, NULL, &value->number, &given))
        return refuse(reading, where(reading), "'%s' is a time; a string such as \"2026-01-05T10:00:00Z\" was expected",
                      field->name);
    return true;
}

static bool is_choice(const char *name) { return *name && *name != '?'; }

static bool read_choice(struct reading *reading, const struct field *field, struct value *value)
{
    struct sl_nearest nearest;
    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)reading->word_len, reading->word);
    sl_nearest_begin(&nearest, word);
    for (unsigned i = 0; reading->token == TOKEN_STRING && i < field->choice_cnt; i++) {
        const char *name = field->choice(i);
        value->number = i;
        if (is_choice(name) && !strcmp(name, word))
            return true;
        if (is_choice(name))
            sl_nearest_offer(&nearest, name);
    }
    if (reading->token == TOKEN_STRING && *nearest.found)
        return refuse(reading, where(reading), "'%s' is never \"%s\"; did you mean \"%s\"?", field->name, word,
                      nearest.found);
    size_t len = (size_t)snprintf(reading->err->text, sizeof(reading->err->text), "'%s' is one of", field->name);
    for (unsigned i = 0; i < field->choice_cnt && len < sizeof(reading->err->text); i++)
        if (is_choice(field->choice(i)))
            len += (size_t)snprintf(reading->err->text + len, sizeof(reading->err->text) - len, " \"%s\"",
                                    field->choice(i));
    reading->err->off = (uint32_t)(where(reading) - reading->text);
    reading->token = TOKEN_BAD;
    return false;
}

static bool read_value(struct reading *reading, const struct field *field, bool is_pattern)
{
    struct value *value = new_value(reading);
    if (!value)
        return false;
    bool fine = true;
    switch (field->type) {
    case TYPE_NUMBER:
        fine = read_number(reading, field, value);
        break;
    case TYPE_TIME:
        fine = read_time(reading, field, value);
        break;
    case TYPE_CHOICE:
        fine = read_choice(reading, field, value);
        break;
    default:
        if (reading->token != TOKEN_STRING)
            return refuse(reading, where(reading), "'%s' holds text; a string in quotes was expected", field->name);
        keep_text(reading, value, is_pattern);
    }
    return fine && next(reading);
}

/* ---- tests ---- */

static struct step *new_step(struct reading *reading, enum step_kind kind)
{
    struct sl_filter *filter = reading->filter;
    if (filter->step_cnt == STEPS_MAX) {
        refuse(reading, where(reading), "this filter is too long; at most %u steps fit", STEPS_MAX);
        return NULL;
    }
    struct step *step = &filter->steps[filter->step_cnt++];
    *step = (struct step){ .kind = (uint8_t)kind };
    return step;
}

static const struct field *find_field(struct reading *reading)
{
    struct sl_nearest nearest;
    char word[64];
    snprintf(word, sizeof(word), "%.*s", (int)reading->word_len, reading->word);
    sl_nearest_begin(&nearest, word);
    for (size_t i = 0; i < FIELD_CNT; i++) {
        if (is_word(reading, TOKEN_NAME, fields[i].name))
            return &fields[i];
        sl_nearest_offer(&nearest, fields[i].name);
    }
    if (reading->token != TOKEN_NAME)
        refuse(reading, where(reading), "a field was expected, such as urgency, feed, headline or subject");
    else if (*nearest.found)
        refuse(reading, where(reading), "'%s' is no field; did you mean %s?", word, nearest.found);
    else
        refuse(reading, where(reading), "'%s' is no field; such are urgency, feed, lang, headline, subject", word);
    return NULL;
}

static const struct comparison {
    const char *text;
    enum compare compare;
    bool negated;
} comparisons[] = {
    {"==",  COMPARE_IN,         false},
    { "!=", COMPARE_IN,         true },
    { "<",  COMPARE_LESS,       false},
    { "<=", COMPARE_LESS_EQUAL, false},
    { ">",  COMPARE_MORE,       false},
    { ">=", COMPARE_MORE_EQUAL, false},
    { "~",  COMPARE_LIKE,       false},
    { "!~", COMPARE_LIKE,       true },
};

static const struct comparison *find_comparison(const struct reading *reading)
{
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(comparisons[0]); i++)
        if (is_word(reading, TOKEN_SIGN, comparisons[i].text))
            return &comparisons[i];
    return NULL;
}

static bool fits_type(struct reading *reading, const struct field *field, enum compare compare)
{
    bool is_text = field->type == TYPE_TEXT || field->type == TYPE_LANGUAGE || field->type == TYPE_LIST;
    bool is_ordered = field->type == TYPE_NUMBER || field->type == TYPE_TIME;
    if (compare == COMPARE_LIKE && !is_text)
        return refuse(reading, where(reading), "'%s' holds no text; ~ does not go with it", field->name);
    if (compare >= COMPARE_LESS && compare <= COMPARE_MORE_EQUAL && !is_ordered)
        return refuse(reading, where(reading), "'%s' has no order; ==, != or in was expected", field->name);
    return true;
}

static bool read_list(struct reading *reading, const struct field *field)
{
    if (!is_word(reading, TOKEN_SIGN, "["))
        return refuse(reading, where(reading), "a list was expected, such as [\"dpa\", \"afp\"]");
    do {
        if (!next(reading) || !read_value(reading, field, false))
            return false;
    } while (is_word(reading, TOKEN_SIGN, ","));
    if (!is_word(reading, TOKEN_SIGN, "]"))
        return refuse(reading, where(reading), "a comma or the list's closing ] was expected");
    return next(reading);
}

/* What follows a field. */
static bool read_comparison(struct reading *reading, const struct field *field, struct step *step, bool *negated)
{
    const struct comparison *comparison = find_comparison(reading);
    *negated = is_word(reading, TOKEN_NAME, "not");
    if (*negated && !next(reading))
        return false;
    if (is_word(reading, TOKEN_NAME, "in")) {
        step->compare = COMPARE_IN;
        return next(reading) && read_list(reading, field);
    }
    if (*negated)
        return refuse(reading, where(reading), "'in' was expected behind a field's 'not'");
    if (!comparison)
        return true;
    *negated = comparison->negated;
    step->compare = (uint8_t)comparison->compare;
    return fits_type(reading, field, comparison->compare) && next(reading) &&
           read_value(reading, field, comparison->compare == COMPARE_LIKE);
}

static bool read_test(struct reading *reading)
{
    const struct field *field = find_field(reading);
    struct step *step = field ? new_step(reading, STEP_TEST) : NULL;
    bool negated;
    if (!step || !next(reading))
        return false;
    step->field = (uint8_t)(field - fields);
    step->compare = COMPARE_GIVEN;
    step->first = (uint16_t)reading->filter->value_cnt;
    if (!read_comparison(reading, field, step, &negated))
        return false;
    step->cnt = (uint16_t)(reading->filter->value_cnt - step->first);
    return !negated || new_step(reading, STEP_NOT);
}

/* ---- expressions ---- */

static bool read_any(struct reading *reading);
static bool read_one(struct reading *reading);

static bool read_inner(struct reading *reading)
{
    if (is_word(reading, TOKEN_NAME, "not")) {
        const char *at = where(reading);
        if (!next(reading))
            return false;
        if (reading->token == TOKEN_END)
            return refuse(reading, at, "something to negate was expected behind 'not'");
        return read_one(reading) && new_step(reading, STEP_NOT);
    }
    if (!is_word(reading, TOKEN_SIGN, "("))
        return read_test(reading);
    const char *open = where(reading);
    if (!next(reading) || !read_any(reading))
        return false;
    if (!is_word(reading, TOKEN_SIGN, ")"))
        return refuse(reading, where(reading), "'and', 'or' or the ) for the ( at %u was expected",
                      (unsigned)(open - reading->text));
    return next(reading);
}

static bool read_one(struct reading *reading)
{
    if (++reading->depth > SL_FILTER_DEPTH_MAX)
        return refuse(reading, where(reading), "at most %u parentheses within each other were expected",
                      SL_FILTER_DEPTH_MAX);
    bool fine = read_inner(reading);
    reading->depth--;
    return fine;
}

/* Halves joined by word; a half that decides skips those behind it. */
static bool read_joined(struct reading *reading, const char *word, enum step_kind skip, bool (*half)(struct reading *))
{
    if (!half(reading))
        return false;
    while (is_word(reading, TOKEN_NAME, word)) {
        struct step *step = new_step(reading, skip);
        if (!step || !next(reading))
            return false;
        uint16_t idx = (uint16_t)(step - reading->filter->steps);
        if (!half(reading))
            return false;
        reading->filter->steps[idx].target = (uint16_t)reading->filter->step_cnt;
    }
    return true;
}

static bool read_all(struct reading *reading) { return read_joined(reading, "and", STEP_SKIP_IF_FALSE, read_one); }

static bool read_any(struct reading *reading) { return read_joined(reading, "or", STEP_SKIP_IF_TRUE, read_all); }

static bool read_whole(struct reading *reading)
{
    if (!next(reading) || !read_any(reading))
        return false;
    return reading->token == TOKEN_END || refuse(reading, where(reading), "'and', 'or' or the end was expected");
}

int sl_filter_compile(struct sl_filter **out, const char *expression, struct sl_filter_err *err)
{
    struct sl_filter_err own;
    struct reading reading = { .err = err ? err : &own, .text = expression, .at = expression, .word = expression };
    size_t len = strnlen(expression, SL_FILTER_LEN_MAX + 1);
    *reading.err = (struct sl_filter_err){ 0 };
    if (len > SL_FILTER_LEN_MAX) {
        refuse(&reading, expression + SL_FILTER_LEN_MAX, "at most %u bytes were expected", SL_FILTER_LEN_MAX);
        return -EINVAL;
    }
    uint32_t fine = sl_text_prefix((const uint8_t *)expression, (uint32_t)len);
    if (fine != len) {
        refuse(&reading, expression + fine, "UTF-8 text without control characters was expected");
        return -EINVAL;
    }
    reading.filter = calloc(1, sizeof(*reading.filter));
    if (!reading.filter)
        return -ENOMEM;
    if (!read_whole(&reading)) {
        free(reading.filter);
        return -EINVAL;
    }
    *out = reading.filter;
    return 0;
}

void sl_filter_free(struct sl_filter *filter) { free(filter); }

/* ---- matching ---- */

static bool is_continuation(char c) { return ((uint8_t)c & 0xc0) == 0x80; }

/* One pattern character against the text's; how many bytes of the text it takes, 0: it does not fit. */
static uint32_t fit_one(struct sl_slice pattern, uint32_t *at, struct sl_slice text, uint32_t text_at)
{
    uint32_t here = *at;
    uint32_t len = 1;
    if (pattern.data[here] == '?') {
        while (text_at + len < text.len && is_continuation(text.data[text_at + len]))
            len++;
        *at = here + 1;
        return len;
    }
    if (pattern.data[here] == '\\' && here + 1 < pattern.len)
        here++;
    *at = here + 1;
    return sl_lower((uint8_t)pattern.data[here]) == sl_lower((uint8_t)text.data[text_at]) ? 1 : 0;
}

/* When something does not fit, the last star takes one byte more: earlier stars need never be looked at again. */
static bool is_like(struct sl_slice text, struct sl_slice pattern)
{
    uint32_t at = 0, text_at = 0, star_at = UINT32_MAX, star_text = 0;
    while (text_at < text.len) {
        if (at < pattern.len && pattern.data[at] == '*') {
            star_at = ++at;
            star_text = text_at;
            continue;
        }
        uint32_t taken = at < pattern.len ? fit_one(pattern, &at, text, text_at) : 0;
        if (!taken && star_at == UINT32_MAX)
            return false;
        if (!taken) {
            at = star_at;
            text_at = star_text++;
        }
        text_at += taken ? taken : 1;
    }
    while (at < pattern.len && pattern.data[at] == '*')
        at++;
    return at == pattern.len;
}

static bool is_same(struct sl_slice text, struct sl_slice value)
{
    return text.len == value.len && !memcmp(text.data, value.data, text.len);
}

/* RFC 4647, 3.3.1: the range, or the range and a hyphen, begins the tag. */
static bool is_language(struct sl_slice tag, struct sl_slice range)
{
    if (tag.len < range.len || (tag.len > range.len && tag.data[range.len] != '-'))
        return false;
    for (uint32_t i = 0; i < range.len; i++)
        if (sl_lower((uint8_t)tag.data[i]) != sl_lower((uint8_t)range.data[i]))
            return false;
    return true;
}

static bool fits_text(const struct sl_filter *filter, const struct step *step, struct sl_slice text)
{
    bool is_range = fields[step->field].type == TYPE_LANGUAGE;
    for (uint32_t i = 0; i < step->cnt; i++) {
        const struct value *value = &filter->values[step->first + i];
        struct sl_slice want = { filter->texts + value->off, value->len };
        if (step->compare == COMPARE_LIKE ? is_like(text, want)
            : is_range                    ? is_language(text, want)
                                          : is_same(text, want))
            return true;
    }
    return false;
}

/* Which parts of an item say what it is: scheme and code may be joined, the others stand alone.  -1: none. */
static const struct {
    int8_t scheme, code, name;
} parts_of[SL_LIST_CNT] = {
    [SL_LIST_CATEGORIES] = {-1,  0, -1},
      [SL_LIST_KEYWORDS] = { -1, 0, -1},
      [SL_LIST_GENRES] = { 0,  1, 2 },
    [SL_LIST_SUBJECTS] = { 0,  1, 2 },
      [SL_LIST_SYMBOLS] = { 0,  2, -1},
      [SL_LIST_PEOPLE] = { 0,  1, 2 },
    [SL_LIST_ORGANISATIONS] = { 0,  1, 2 },
      [SL_LIST_PLACES] = { 0,  1, 2 },
      [SL_LIST_ALT_IDS] = { 0,  1, -1},
    [SL_LIST_REFERENCES] = { 0,  1, -1},
      [SL_LIST_NOTES] = { -1, 0, -1},
};

static bool fits_item(const struct sl_filter *filter, const struct step *step, const struct sl_bulletin *bulletin,
                      const struct sl_item *item)
{
    const int8_t scheme_part = parts_of[fields[step->field].which].scheme;
    const int8_t name_part = parts_of[fields[step->field].which].name;
    struct sl_slice code = sl_bulletin_ref(bulletin, item->part[parts_of[fields[step->field].which].code]);
    if (code.len && fits_text(filter, step, code))
        return true;
    if (name_part >= 0 && item->part[name_part].len &&
        fits_text(filter, step, sl_bulletin_ref(bulletin, item->part[name_part])))
        return true;
    struct sl_slice scheme = scheme_part < 0 ? SL_SLICE("") : sl_bulletin_ref(bulletin, item->part[scheme_part]);
    if (!scheme.len || !code.len || scheme.len > CODE_MAX || code.len > CODE_MAX - scheme.len)
        return false;
    char joined[CODE_MAX + 1];
    memcpy(joined, scheme.data, scheme.len);
    joined[scheme.len] = ':';
    memcpy(joined + scheme.len + 1, code.data, code.len);
    return fits_text(filter, step, (struct sl_slice){ joined, scheme.len + 1 + code.len });
}

static bool test_list(const struct sl_filter *filter, const struct step *step, const struct sl_bulletin *bulletin)
{
    enum sl_list list = fields[step->field].which;
    if (step->compare == COMPARE_GIVEN)
        return bulletin->list[list].cnt != 0;
    const struct sl_item *items = sl_bulletin_items(bulletin, list);
    for (uint32_t i = 0; i < bulletin->list[list].cnt; i++)
        if (fits_item(filter, step, bulletin, &items[i]))
            return true;
    return false;
}

static bool test_text(const struct sl_filter *filter, const struct step *step, const struct sl_event *event)
{
    unsigned which = fields[step->field].which;
    struct sl_slice text = which == FEED_TEXT ? (struct sl_slice){ event->feed, (uint32_t)strlen(event->feed) }
                                              : sl_bulletin_text(event->bulletin, which);
    return text.len && (step->compare == COMPARE_GIVEN || fits_text(filter, step, text));
}

static bool is_given(const struct field *field, int64_t number)
{
    switch (field->type) {
    case TYPE_TIME:
        return number != SL_TIME_NONE;
    case TYPE_CHOICE:
        return is_choice(field->choice((unsigned)number));
    default:
        return number != 0;
    }
}

static bool test_number(const struct sl_filter *filter, const struct step *step, const struct sl_event *event)
{
    const struct field *field = &fields[step->field];
    const struct value *values = &filter->values[step->first];
    int64_t number = field->number(event);
    if (!is_given(field, number))
        return false;
    switch (step->compare) {
    case COMPARE_LESS:
        return number < values->number;
    case COMPARE_LESS_EQUAL:
        return number <= values->number;
    case COMPARE_MORE:
        return number > values->number;
    case COMPARE_MORE_EQUAL:
        return number >= values->number;
    case COMPARE_GIVEN:
        return true;
    default:
        for (uint32_t i = 0; i < step->cnt; i++)
            if (values[i].number == number)
                return true;
        return false;
    }
}

static bool test(const struct sl_filter *filter, const struct step *step, const struct sl_event *event)
{
    switch (fields[step->field].type) {
    case TYPE_TEXT:
    case TYPE_LANGUAGE:
        return test_text(filter, step, event);
    case TYPE_LIST:
        return test_list(filter, step, event->bulletin);
    default:
        return test_number(filter, step, event);
    }
}

bool sl_filter_match(const struct sl_filter *filter, const struct sl_event *event)
{
    if (event->type != SL_EVENT_BULLETIN)
        return true;
    bool truth = true;
    for (uint32_t at = 0; at < filter->step_cnt;) {
        const struct step *step = &filter->steps[at++];
        switch (step->kind) {
        case STEP_TEST:
            truth = test(filter, step, event);
            break;
        case STEP_NOT:
            truth = !truth;
            break;
        default:
            if (truth == (step->kind == STEP_SKIP_IF_TRUE))
                at = step->target;
        }
    }
    return truth;
}
