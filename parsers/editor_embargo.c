/* parsers/editor_embargo.c - until when, in words: "Sperrfrist 9. Oktober 14.20 Uhr", "EMBARGOED UNTIL 00:01 GMT,
 * Thursday".
 *
 * Wrongly holding costs minutes and wrongly releasing a newsroom its name, so whatever leaves a doubt is OPEN: a zone
 * that several countries call so, midnight, a date that reads in two ways, a number that is neither hour, day nor year.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/editor.h"

#define LOOK_LEN 160u /* how far an embargo's time stands from its word */

static bool starts_with_any(struct sl_span text, const char *const *phrases, size_t cnt)
{
    uint32_t len;
    for (size_t i = 0; i < cnt; i++) {
        if (sl_phrase_starts(text, phrases[i], &len))
            return true;
    }
    return false;
}

/* What has been read of "until ...". */
struct until {
    int32_t year, month, day;
    int32_t hour, minute;
    int weekday; /* 0 Sunday; -1 none */
    int32_t offset_s;
    bool has_time, has_offset, has_doubt;
    bool has_instant;
    int64_t instant_ns;
};

static bool next_token(struct sl_span *rest, struct sl_span *token)
{
    static const char between[] = " \t\r\n,;()[]";
    while (rest->len != 0 && memchr(between, rest->data[0], sizeof(between) - 1))
        *rest = sl_span_skip(*rest, 1);
    uint32_t len = 0;
    while (len < rest->len && !memchr(between, rest->data[len], sizeof(between) - 1))
        len++;
    *token = sl_span_head(*rest, len);
    *rest = sl_span_skip(*rest, len);
    return len != 0;
}

static uint32_t read_number(struct sl_span text, uint32_t *digit_cnt)
{
    uint32_t number = 0, len = 0;
    for (; len < text.len && sl_is_digit(text.data[len]) && len < 6; len++)
        number = number * 10 + (uint32_t)(text.data[len] - '0');
    *digit_cnt = len;
    return number;
}

static int find_weekday(struct sl_span token)
{
    static const char *const names[][4] = {
        {"sunday",     "sonntag",    "dimanche", "domingo"  },
        { "monday",    "montag",     "lundi",    "lunes"    },
        { "tuesday",   "dienstag",   "mardi",    "martes"   },
        { "wednesday", "mittwoch",   "mercredi", "mi?rcoles"},
        { "thursday",  "donnerstag", "jeudi",    "jueves"   },
        { "friday",    "freitag",    "vendredi", "viernes"  },
        { "saturday",  "samstag",    "samedi",   "s?bado"   },
    };
    uint32_t len;
    for (int day = 0; day < 7; day++) {
        if (starts_with_any(token, names[day], 4))
            return day;
    }
    return sl_phrase_starts(token, "sonnabend", &len) ? 6 : -1;
}

static void set_time(struct until *until, uint32_t hour, uint32_t minute)
{
    until->hour = (int32_t)hour;
    until->minute = (int32_t)minute;
    until->has_doubt |= until->has_time || hour > 23 || minute > 59;
    until->has_time = true;
}

static void set_day(struct until *until, uint32_t day)
{
    until->has_doubt |= until->day != 0 && until->day != (int32_t)day;
    until->day = (int32_t)day;
}

static void set_month(struct until *until, uint32_t month)
{
    until->has_doubt |= until->month != 0 && until->month != (int32_t)month;
    until->month = (int32_t)month;
}

static void set_year(struct until *until, uint32_t year) { until->year = (int32_t)(year < 100 ? 2000 + year : year); }

/* "23.11.", "23.11.2013", "23/11/13": 0 when the token is no such date. */
static bool read_numeric_date(struct sl_span token, struct until *until)
{
    uint32_t len, month_len, year_len = 0;
    uint32_t day = read_number(token, &len);
    if (len == 0 || len > 2 || len >= token.len)
        return false;
    uint8_t mark = token.data[len];
    if (mark != '.' && mark != '/')
        return false;
    struct sl_span rest = sl_span_skip(token, len + 1);
    uint32_t month = read_number(rest, &month_len);
    if (month_len == 0 || month_len > 2 || month_len >= rest.len || rest.data[month_len] != mark)
        return false;
    rest = sl_span_skip(rest, month_len + 1);
    uint32_t year = read_number(rest, &year_len);
    if (year_len != 0)
        set_year(until, year);
    set_day(until, day);
    set_month(until, month);
    /* 3/4/2024 is April in London and March in New York. */
    until->has_doubt |= mark == '/' && day <= 12 && month <= 12 && day != month;
    return true;
}

/* "18:00", "18.00", "18h00", "6pm", "18h", "1800": digits, and what tells them from a day or a year. */
static bool read_clock(struct sl_span token, struct sl_span next, struct until *until)
{
    uint32_t len, minute_len = 0, minute = 0;
    uint32_t hour = read_number(token, &len);
    if (len == 0)
        return false;
    struct sl_span rest = sl_span_skip(token, len);
    bool is_clock = sl_span_starts(next, "uhr") || sl_span_starts(next, "am") || sl_span_starts(next, "pm") ||
                    sl_span_starts(next, "a.m") || sl_span_starts(next, "p.m") || sl_span_starts(next, "heures");
    if (rest.len != 0 && memchr(":.hH", rest.data[0], 4)) {
        minute = read_number(sl_span_skip(rest, 1), &minute_len);
        if (minute_len != 0 && minute_len != 2)
            return false;
        is_clock |= minute_len == 2 || sl_lower(rest.data[0]) == 'h';
        rest = sl_span_skip(rest, 1 + minute_len);
    } else if (len == 4) {
        bool is_year = hour >= 1990 && hour < 2100 && until->month != 0 && until->year == 0;
        is_clock |= !is_year;
        minute = hour % 100;
        hour /= 100;
    }
    bool is_pm = sl_span_starts(rest, "pm") || sl_span_starts(next, "pm") || sl_span_starts(next, "p.m");
    bool is_am = sl_span_starts(rest, "am") || sl_span_starts(next, "am") || sl_span_starts(next, "a.m");
    if (!is_clock && !is_pm && !is_am)
        return false;
    if (is_pm || is_am) {
        until->has_doubt |= hour == 0 || hour > 12;
        hour = hour % 12 + (is_pm ? 12 : 0);
    }
    set_time(until, hour, minute);
    return true;
}

/* A day ("9.", "24", "3rd") or a year. */
static void read_plain_number(struct sl_span token, struct until *until)
{
    uint32_t len;
    uint32_t number = read_number(token, &len);
    if (len == 4 && number >= 1990 && number < 2100)
        set_year(until, number);
    else if (len != 0 && len <= 2 && number != 0 && number <= 31)
        set_day(until, number);
    else
        until->has_doubt = true;
}

/* Words of time that we cannot place: a zone that means several, or midnight, which may be either end of a day. */
static bool is_doubtful(struct sl_span token, const struct until *until)
{
    uint32_t len = 0;
    if (sl_span_starts(token, "midnight") || sl_span_starts(token, "mitternacht") || sl_span_starts(token, "minuit"))
        return true;
    while (len < token.len && sl_is_upper(token.data[len]))
        len++;
    bool is_zone_like = len == token.len && len >= 2 && len <= 5 && token.data[len - 1] == 'T';
    return until->has_time && !until->has_offset && is_zone_like;
}

static void read_token(struct sl_span token, struct sl_span next, const struct sl_zone *zone, struct until *until)
{
    enum sl_date_zone given;
    int64_t ns;
    if (token.len > 13 && sl_is_digit(token.data[0]) && sl_date_iso(token.data, token.len, zone, &ns, &given)) {
        until->has_instant = true;
        until->instant_ns = ns;
        until->has_offset = given == SL_DATE_ZONE_GIVEN;
        return;
    }
    if (sl_is_digit(token.data[0])) {
        struct until date = *until;
        if (token.len == 10 && sl_date_iso(token.data, token.len, NULL, &ns, &given)) {
            struct sl_civil civil;
            sl_civil_from_s(&civil, ns / SL_TIME_NS);
            until->year = civil.year;
            until->month = civil.month;
            until->day = civil.day;
        } else if (read_numeric_date(token, &date)) {
            *until = date;
        } else if (!read_clock(token, next, until)) {
            read_plain_number(token, until);
        }
        return;
    }
    struct sl_span word = token;
    while (word.len != 0 && (word.data[word.len - 1] == '.' || word.data[word.len - 1] == ':'))
        word.len--;
    int weekday = find_weekday(word);
    unsigned month = sl_month_named(word.data, word.len);
    if (weekday >= 0)
        until->weekday = weekday;
    else if (month != 0)
        set_month(until, month);
    else if (until->has_time && sl_offset_named(word.data, word.len, &until->offset_s))
        until->has_offset = true;
    else if (is_doubtful(word, until))
        until->has_doubt = true;
}

/* The day that was meant, seen from the message's own: the one named, else the next such weekday, else today, or
 * tomorrow when that hour has passed. */
static int64_t complete_day(const struct until *until, int64_t base_local_s)
{
    struct sl_civil base, day;
    sl_civil_from_s(&base, base_local_s);
    day = (struct sl_civil){ .year = until->year ? until->year : base.year,
                             .month = (uint8_t)until->month,
                             .day = (uint8_t)until->day,
                             .hour = (uint8_t)until->hour,
                             .minute = (uint8_t)until->minute };
    if (until->month == 0 || until->day == 0) {
        int64_t today = base_local_s / 86400 - (base_local_s % 86400 < 0);
        if (until->weekday >= 0)
            today += (until->weekday + 7 - (int)sl_weekday(today)) % 7;
        int64_t at = today * 86400 + until->hour * 3600 + until->minute * 60;
        return at >= base_local_s || until->weekday >= 0 ? at : at + 86400;
    }
    if (!sl_civil_valid(&day))
        return INT64_MIN;
    int64_t at = sl_civil_to_s(&day);
    /* Over New Year "2 January" is the next one. */
    if (until->year == 0 && at < base_local_s - 180 * 86400) {
        day.year++;
        at = sl_civil_valid(&day) ? sl_civil_to_s(&day) : INT64_MIN;
    }
    return at;
}

static enum sl_embargo finish_until(const struct until *until, int64_t base_ns, const struct sl_zone *zone,
                                    int64_t *until_ns, enum sl_date_zone *given)
{
    *given = until->has_offset ? SL_DATE_ZONE_GIVEN : SL_DATE_ZONE_ASSUMED;
    if (until->has_instant) {
        *until_ns = until->instant_ns;
        return SL_EMBARGO_UNTIL;
    }
    bool has_half_a_date = (until->month == 0) != (until->day == 0);
    if (!until->has_time || until->has_doubt || has_half_a_date)
        return SL_EMBARGO_OPEN;
    int64_t base_s = base_ns / SL_TIME_NS;
    int64_t base_offset = until->has_offset ? until->offset_s : zone ? sl_zone_offset_at(zone, base_s) : 0;
    int64_t local_s = complete_day(until, base_s + base_offset);
    if (local_s == INT64_MIN)
        return SL_EMBARGO_OPEN;
    int64_t utc_s = until->has_offset ? local_s - until->offset_s : zone ? sl_zone_to_utc(zone, local_s) : local_s;
    *until_ns = sl_ns_of_s(utc_s);
    return SL_EMBARGO_UNTIL;
}

/* Behind the bare word: in capitals a colon, dash or number is enough; else a colon and some number are wanted. */
static bool starts_time(struct sl_span rest, bool is_capital)
{
    rest = sl_span_head(sl_span_skip_white(rest), 60);
    if (rest.len == 0)
        return false;
    if (is_capital && (memchr(":-", rest.data[0], 2) || sl_is_digit(rest.data[0])))
        return true;
    for (uint32_t i = 1; rest.data[0] == ':' && i < rest.len; i++) {
        if (sl_is_digit(rest.data[i]))
            return true;
    }
    return false;
}

/* Does a word stand here without which nothing below is found?  Most notes hold none. */
static bool may_speak_of_one(struct sl_span text)
{
    static const char *const beginnings[] = { "embargo", "sperr", "not", NULL };
    return sl_word_begins(text, beginnings);
}

/* Where the embargo's own words end and its time may begin. */
static bool find_embargo(struct sl_span text, bool is_label, uint32_t *off, uint32_t *end)
{
    static const char *const sure[] = { "embargoed until",        "embargoed for",       "embargo until",
                                        "embargoed to",           "under embargo until", "sperrfrist:",
                                        "sperrfrist bis",         "embargo jusqu",       "sous embargo jusqu",
                                        "embargo hasta",          "embargo fino",        "not for publication before",
                                        "not for release before", "strictly embargoed" };
    static const char *const bare[] = { "sperrfrist", "embargoed", "embargo", "sperrvermerk" };
    uint32_t len;
    for (size_t i = 0; i < sizeof(sure) / sizeof(*sure); i++) {
        uint32_t at = 0;
        if (is_label ? sl_phrase_find(text, sure[i], &at, &len) : sl_phrase_starts(text, sure[i], &len)) {
            *off = at;
            *end = at + len;
            return true;
        }
    }
    for (size_t i = 0; is_label && i < sizeof(bare) / sizeof(*bare); i++) {
        if (sl_phrase_find(text, bare[i], off, &len)) {
            *end = *off + len;
            return true;
        }
    }
    /* "EMBARGO: 1800 GMT", "SPERRFRIST 18.00 UHR": the word, and then a time and no news about it. */
    for (size_t i = 0; i < 3; i++) {
        if (!sl_phrase_starts(text, bare[i], &len) || !starts_time(sl_span_skip(text, len), sl_is_upper(text.data[1])))
            continue;
        *off = 0;
        *end = len;
        return true;
    }
    return false;
}

static bool is_denied(struct sl_span text, uint32_t off)
{
    static const char *const denials[] = { "no", "without", "not", "ohne", "keine", "sans", "sin", "senza" };
    struct sl_span before = sl_span_trim(sl_span_head(text, off));
    uint32_t at = before.len;
    while (at != 0 && sl_is_word_byte(before.data[at - 1]))
        at--;
    struct sl_span word = sl_span_skip(before, at);
    for (size_t i = 0; i < sizeof(denials) / sizeof(*denials); i++) {
        if (sl_span_is(word, denials[i]))
            return true;
    }
    return false;
}

static bool is_lifted(struct sl_span text)
{
    static const char *const words[] = { "aufgehoben", "lifted", "lev?", "levantado", "entf?llt", "removed" };
    uint32_t off, len;
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (sl_phrase_find(text, words[i], &off, &len))
            return true;
    }
    return false;
}

enum sl_embargo sl_embargo_read(struct sl_span text, bool is_label, int64_t base_ns, const struct sl_zone *zone,
                                int64_t *until_ns, enum sl_date_zone *given)
{
    uint32_t off, end;
    text = sl_span_trim(text);
    *given = SL_DATE_ZONE_ASSUMED;
    if (text.len == 0 || !may_speak_of_one(text) || !find_embargo(text, is_label, &off, &end) || is_denied(text, off))
        return SL_EMBARGO_NONE;
    struct sl_span rest = sl_span_head(sl_span_skip(text, end), LOOK_LEN), token, next;
    if (is_lifted(sl_span_head(rest, 40)))
        return SL_EMBARGO_LIFTED;
    struct until until = { .weekday = -1 };
    bool more = next_token(&rest, &token);
    while (more) {
        more = next_token(&rest, &next);
        if (!more)
            next.len = 0;
        /* Behind " - " stand notes of the editor's. */
        if (until.has_time && (sl_span_is(token, "-") || sl_span_is(token, "--")))
            break;
        read_token(token, next, zone, &until);
        token = next;
    }
    return finish_until(&until, base_ns, zone, until_ns, given);
}
