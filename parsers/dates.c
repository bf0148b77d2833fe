#include "parsers/dates.h"
#include <string.h>
#include "parsers/ascii.h"

#define DAY_S  86400
#define HOUR_S 3600

/* ---- civil time (proleptic Gregorian) ---- */

static bool is_leap(int32_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

static unsigned month_len(int32_t year, unsigned month)
{
    static const uint8_t lens[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : lens[month - 1];
}

bool sl_civil_valid(const struct sl_civil *civil)
{
    return civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= month_len(civil->year, civil->month) && civil->hour <= 23 && civil->minute <= 59 &&
           civil->second <= 59;
}

/* Years that begin in March put the leap day at the end, where it disturbs no month.  An era is 400 years, 146097 days;
 * 719468 days lie between 1 March of year 0 and 1 January 1970. */
#define ERA_DAYS   146097
#define EPOCH_DAYS 719468

int64_t sl_civil_to_s(const struct sl_civil *civil)
{
    int64_t year = (int64_t)civil->year - (civil->month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t month = (civil->month + 9) % 12; /* from March */
    int64_t day_of_year = (153 * month + 2) / 5 + civil->day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    int64_t days = era * ERA_DAYS + day_of_era - EPOCH_DAYS;
    return days * DAY_S + civil->hour * HOUR_S + civil->minute * 60 + civil->second;
}

int64_t sl_ns_of_s(int64_t s)
{
    int64_t ns;
    if (__builtin_mul_overflow(s, SL_TIME_NS, &ns))
        return s < 0 ? SL_TIME_NONE + 1 : INT64_MAX;
    return ns;
}

static int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

void sl_civil_from_s(struct sl_civil *civil, int64_t utc_s)
{
    int64_t days = floor_div(utc_s, DAY_S);
    int64_t second_of_day = utc_s - days * DAY_S;
    days += EPOCH_DAYS;
    int64_t era = floor_div(days, ERA_DAYS);
    int64_t day_of_era = days - era * ERA_DAYS;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    civil->day = (uint8_t)(day_of_year - (153 * month + 2) / 5 + 1);
    civil->month = (uint8_t)(month < 10 ? month + 3 : month - 9);
    civil->year = (int32_t)(year_of_era + era * 400 + (civil->month <= 2));
    civil->hour = (uint8_t)(second_of_day / HOUR_S);
    civil->minute = (uint8_t)(second_of_day / 60 % 60);
    civil->second = (uint8_t)(second_of_day % 60);
}

unsigned sl_weekday(int64_t days_since_1970)
{
    int64_t day = (days_since_1970 + 4) % 7; /* 1 January 1970 was a Thursday */
    return (unsigned)(day < 0 ? day + 7 : day);
}

/* ---- words ---- */

/* Each name in lower case ASCII, its accents taken off, a blank before and after. */
static const char *const month_names[12] = {
    " jan january januar jaenner janner janvier janv enero ene gennaio gen ",
    " feb february febr februar feber fevrier fevr fev febrero febbraio ",
    " mar march marz maerz mrz mars marzo ",
    " apr april avril avr abril abr aprile ",
    " may mai mayo maggio mag ",
    " jun june juni juin junio giugno giu ",
    " jul july juli juillet juil julio luglio lug ",
    " aug august aout agosto ago ",
    " sep sept september septembre septiembre setiembre set settembre sett ",
    " oct october okt oktober octobre octubre ottobre ott ",
    " nov november novembre noviembre ",
    " dec december dez dezember decembre diciembre dic dicembre ",
};

/* Months that have a name with this first letter, one bit each. */
static const uint16_t months_of_letter[26] = {
    ['a' - 'a'] = 1 << 3 | 1 << 7, ['d' - 'a'] = 1 << 11,         ['e' - 'a'] = 1 << 0,
    ['f' - 'a'] = 1 << 1,          ['g' - 'a'] = 1 << 0 | 1 << 5, ['j' - 'a'] = 1 << 0 | 1 << 5 | 1 << 6,
    ['l' - 'a'] = 1 << 6,          ['m' - 'a'] = 1 << 2 | 1 << 4, ['n' - 'a'] = 1 << 10,
    ['o' - 'a'] = 1 << 9,          ['s' - 'a'] = 1 << 8,
};

/* The letter under an accent, for the letters of month names; Latin-1, and so the second byte in UTF-8 plus 0x40. */
static char without_accent(uint8_t latin1)
{
    switch (latin1 | 0x20) {
    case 0xe0: /* a grave, acute, circumflex, diaeresis */
    case 0xe1:
    case 0xe2:
    case 0xe4:
        return 'a';
    case 0xe8: /* e grave, acute, circumflex */
    case 0xe9:
    case 0xea:
        return 'e';
    case 0xf9: /* u grave, acute, circumflex, diaeresis */
    case 0xfa:
    case 0xfb:
    case 0xfc:
        return 'u';
    default:
        return 0;
    }
}

/* Between blanks, in lower case, without accents and a full stop at the end.  False: no word, or too long a one. */
static bool fold_word(char *folded, size_t cap, const uint8_t *data, uint32_t len)
{
    size_t cnt = 0;
    if (len != 0 && data[len - 1] == '.')
        len--;
    folded[cnt++] = ' ';
    for (uint32_t i = 0; i < len; i++) {
        uint8_t byte = data[i];
        char c = 0;
        if (byte >= 'A' && byte <= 'Z')
            c = (char)(byte | 0x20);
        else if (byte >= 'a' && byte <= 'z')
            c = (char)byte;
        else if (byte == 0xc3 && i + 1 < len && data[i + 1] >= 0x80 && data[i + 1] < 0xc0)
            c = without_accent((uint8_t)(data[++i] + 0x40));
        else if (byte >= 0xc0)
            c = without_accent(byte);
        if (c == 0 || cnt + 2 >= cap)
            return false;
        folded[cnt++] = c;
    }
    folded[cnt++] = ' ';
    folded[cnt] = '\0';
    return cnt > 2;
}

unsigned sl_month_named(const uint8_t *data, uint32_t len)
{
    char folded[16];
    /* Most words are none by their first letter. */
    if (len == 0 || (sl_is_ascii_letter(data[0]) && months_of_letter[sl_lower(data[0]) - 'a'] == 0) ||
        !fold_word(folded, sizeof folded, data, len))
        return 0;
    for (unsigned months = months_of_letter[folded[1] - 'a']; months != 0; months &= months - 1) {
        unsigned month = (unsigned)__builtin_ctz(months);
        if (strstr(month_names[month], folded))
            return month + 1;
    }
    return 0;
}

struct zone_word {
    const char *word;
    int32_t offset_s;
};

/* clang-format off */
/* One meaning each, wherever they are written. */
static const struct zone_word zone_words[] = {
    { " z ", 0 }, { " ut ", 0 }, { " utc ", 0 }, { " gmt ", 0 },
    { " wet ", 0 }, { " west ", 1 * HOUR_S }, { " cet ", 1 * HOUR_S }, { " mez ", 1 * HOUR_S },
    { " cest ", 2 * HOUR_S }, { " mesz ", 2 * HOUR_S }, { " eet ", 2 * HOUR_S }, { " sast ", 2 * HOUR_S },
    { " eest ", 3 * HOUR_S }, { " msk ", 3 * HOUR_S }, { " hkt ", 8 * HOUR_S }, { " sgt ", 8 * HOUR_S },
    { " awst ", 8 * HOUR_S }, { " jst ", 9 * HOUR_S }, { " kst ", 9 * HOUR_S }, { " acst ", 19 * HOUR_S / 2 },
    { " acdt ", 21 * HOUR_S / 2 }, { " aest ", 10 * HOUR_S }, { " aedt ", 11 * HOUR_S }, { " nzst ", 12 * HOUR_S },
    { " nzdt ", 13 * HOUR_S },
};

/* RFC 5322, 4.3: in mail, and only there, these are North American. */
static const struct zone_word mail_zone_words[] = {
    { " est ", -5 * HOUR_S }, { " edt ", -4 * HOUR_S }, { " cst ", -6 * HOUR_S }, { " cdt ", -5 * HOUR_S },
    { " mst ", -7 * HOUR_S }, { " mdt ", -6 * HOUR_S }, { " pst ", -8 * HOUR_S }, { " pdt ", -7 * HOUR_S },
};
/* clang-format on */

static bool find_zone_word(const struct zone_word *words, size_t cnt, const uint8_t *data, uint32_t len,
                           int32_t *offset_s)
{
    char folded[8];
    if (!fold_word(folded, sizeof folded, data, len))
        return false;
    for (size_t i = 0; i < cnt; i++) {
        if (words[i].word[1] == folded[1] && strcmp(words[i].word, folded) == 0) {
            *offset_s = words[i].offset_s;
            return true;
        }
    }
    return false;
}

/* ---- scanning ---- */

static bool at_digit(const struct sl_span *rest)
{
    return rest->len != 0 && rest->data[0] >= '0' && rest->data[0] <= '9';
}

static void skip(struct sl_span *rest, uint32_t len)
{
    rest->data += len;
    rest->len -= len;
}

static bool take_char(struct sl_span *rest, char c)
{
    if (rest->len == 0 || rest->data[0] != (uint8_t)c)
        return false;
    skip(rest, 1);
    return true;
}

/* How many digits stand here. */
static uint32_t digit_cnt(const struct sl_span *rest)
{
    struct sl_span look = *rest;
    while (at_digit(&look))
        skip(&look, 1);
    return rest->len - look.len;
}

/* Exactly cnt digits; more may follow. */
static bool take_digits(struct sl_span *rest, uint32_t cnt, uint32_t *number)
{
    *number = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (!at_digit(rest))
            return false;
        *number = *number * 10 + (uint32_t)(rest->data[0] - '0');
        skip(rest, 1);
    }
    return true;
}

static bool take_u8(struct sl_span *rest, uint32_t cnt, uint8_t *number)
{
    uint32_t wide;
    if (!take_digits(rest, cnt, &wide))
        return false;
    *number = (uint8_t)wide; /* of at most two digits */
    return true;
}

static void skip_blanks(struct sl_span *rest)
{
    while (rest->len != 0 && (rest->data[0] == ' ' || rest->data[0] == '\t'))
        skip(rest, 1);
}

/* +hh, +hhmm, +hh:mm, and where people write it +h. */
static bool take_offset(struct sl_span *rest, bool by_hand, int32_t *offset_s)
{
    bool negative = take_char(rest, '-');
    uint32_t hours, minutes = 0;
    if (!negative && !take_char(rest, '+'))
        return false;
    uint32_t cnt = digit_cnt(rest);
    if (cnt != 4 && cnt != 2 && !(cnt == 1 && by_hand))
        return false;
    take_digits(rest, cnt == 1 ? 1 : 2, &hours);
    if (cnt == 4)
        take_digits(rest, 2, &minutes);
    else if (take_char(rest, ':') && (digit_cnt(rest) != 2 || !take_digits(rest, 2, &minutes)))
        return false;
    if (hours > 23 || minutes > 59)
        return false;
    *offset_s = (int32_t)(hours * HOUR_S + minutes * 60);
    if (negative)
        *offset_s = -*offset_s;
    return true;
}

bool sl_offset_named(const uint8_t *data, uint32_t len, int32_t *offset_s)
{
    struct sl_span rest = sl_span_trim((struct sl_span){ data, len });
    size_t word_cnt = sizeof zone_words / sizeof *zone_words;
    if (find_zone_word(zone_words, word_cnt, rest.data, rest.len, offset_s))
        return true;
    bool by_hand = sl_span_starts(rest, "UTC") || sl_span_starts(rest, "GMT");
    if (by_hand) {
        skip(&rest, 3);
        skip_blanks(&rest);
    }
    return take_offset(&rest, by_hand, offset_s) && rest.len == 0;
}

/* ---- dates ---- */

struct moment {
    struct sl_civil civil;
    uint32_t fraction_ns;
    bool has_offset;
    int32_t offset_s;
};

/* To UTC and nanoseconds; false where no such time is, or 64 bits do not reach it. */
static bool settle(struct moment *moment, const struct sl_zone *zone, int64_t *ns, enum sl_date_zone *given)
{
    /* 24:00 is midnight at the end of the day (ISO 8601), second 60 a leap second; POSIX time has neither. */
    int64_t extra_s = 0;
    struct sl_civil *civil = &moment->civil;
    if (civil->hour == 24 && civil->minute == 0 && civil->second == 0 && moment->fraction_ns == 0) {
        civil->hour = 0;
        extra_s = DAY_S;
    } else if (civil->second == 60) {
        civil->second = 59;
        extra_s = 1;
    }
    if (!sl_civil_valid(civil))
        return false;
    int64_t utc_s = sl_civil_to_s(civil) + extra_s;
    if (moment->has_offset)
        utc_s -= moment->offset_s;
    else if (zone)
        utc_s = sl_zone_to_utc(zone, utc_s);
    if (given)
        *given = moment->has_offset ? SL_DATE_ZONE_GIVEN : SL_DATE_ZONE_ASSUMED;
    return !__builtin_mul_overflow(utc_s, SL_TIME_NS, ns) && !__builtin_add_overflow(*ns, moment->fraction_ns, ns) &&
           *ns != SL_TIME_NONE;
}

/* A fraction of any length; what is finer than a nanosecond is cut off. */
static bool take_fraction(struct sl_span *rest, uint32_t *fraction_ns)
{
    uint32_t unit = 100000000;
    if (!at_digit(rest))
        return false;
    for (; at_digit(rest); skip(rest, 1)) {
        *fraction_ns += (uint32_t)(rest->data[0] - '0') * unit;
        unit /= 10;
    }
    return true;
}

/* hh:mm, hh:mm:ss, hhmm, hhmmss, and a fraction of the seconds. */
static bool take_iso_time(struct sl_span *rest, struct moment *moment)
{
    struct sl_civil *civil = &moment->civil;
    uint32_t cnt = digit_cnt(rest);
    bool has_seconds;
    if (cnt == 2) {
        if (!take_u8(rest, 2, &civil->hour) || !take_char(rest, ':') || !take_u8(rest, 2, &civil->minute))
            return false;
        has_seconds = take_char(rest, ':');
    } else {
        if ((cnt != 4 && cnt != 6) || !take_u8(rest, 2, &civil->hour) || !take_u8(rest, 2, &civil->minute))
            return false;
        has_seconds = cnt == 6;
    }
    if (!has_seconds)
        return true;
    if (!take_u8(rest, 2, &civil->second))
        return false;
    if (take_char(rest, '.') || take_char(rest, ','))
        return take_fraction(rest, &moment->fraction_ns);
    return true;
}

/* yyyy-mm-dd or yyyymmdd. */
static bool take_iso_date(struct sl_span *rest, struct sl_civil *civil)
{
    uint32_t year, cnt = digit_cnt(rest);
    if ((cnt != 4 && cnt != 8) || !take_digits(rest, 4, &year))
        return false;
    civil->year = (int32_t)year;
    bool extended = cnt == 4;
    return (!extended || take_char(rest, '-')) && take_u8(rest, 2, &civil->month) &&
           (!extended || take_char(rest, '-')) && take_u8(rest, 2, &civil->day);
}

bool sl_date_iso(const uint8_t *data, uint32_t len, const struct sl_zone *zone, int64_t *ns, enum sl_date_zone *given)
{
    struct sl_span rest = sl_span_trim((struct sl_span){ data, len });
    struct moment moment = { .fraction_ns = 0 };
    if (!take_iso_date(&rest, &moment.civil))
        return false;
    if (take_char(&rest, 'T') || take_char(&rest, 't') || take_char(&rest, ' ')) {
        skip_blanks(&rest);
        if (!take_iso_time(&rest, &moment))
            return false;
    }
    if (rest.len != 0) {
        moment.has_offset = true;
        if (!sl_offset_named(rest.data, rest.len, &moment.offset_s))
            return false;
    }
    return settle(&moment, zone, ns, given);
}

/* Blanks, folded lines and comments, which may nest.  False: a comment never ends. */
static bool skip_mail_blanks(struct sl_span *rest)
{
    uint32_t depth = 0;
    for (; rest->len != 0; skip(rest, 1)) {
        uint8_t byte = rest->data[0];
        if (depth != 0 && byte == '\\' && rest->len > 1)
            skip(rest, 1);
        else if (byte == '(')
            depth++;
        else if (byte == ')' && depth != 0)
            depth--;
        else if (depth == 0 && byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
            break;
    }
    return depth == 0;
}

static struct sl_span take_word(struct sl_span *rest)
{
    struct sl_span word = { rest->data, 0 };
    while (rest->len != 0 && sl_is_letter(rest->data[0])) {
        skip(rest, 1);
        word.len++;
    }
    return word;
}

/* RFC 5322, 4.3: two digits mean 1950 to 2049, three digits count from 1900. */
static bool take_mail_year(struct sl_span *rest, int32_t *year)
{
    uint32_t number, cnt = digit_cnt(rest);
    if (cnt < 2 || cnt > 4 || !take_digits(rest, cnt, &number))
        return false;
    *year = (int32_t)(cnt == 4 ? number : cnt == 3 || number >= 50 ? number + 1900 : number + 2000);
    return true;
}

static bool take_mail_date(struct sl_span *rest, struct sl_civil *civil)
{
    /* The day's name is not checked against the date: where they disagree, the date was meant. */
    if (take_word(rest).len != 0) {
        take_char(rest, '.');
        if (!skip_mail_blanks(rest) || !take_char(rest, ',') || !skip_mail_blanks(rest))
            return false;
    }
    uint32_t cnt = digit_cnt(rest);
    if ((cnt != 1 && cnt != 2) || !take_u8(rest, cnt, &civil->day) || !skip_mail_blanks(rest))
        return false;
    struct sl_span month = take_word(rest);
    civil->month = (uint8_t)sl_month_named(month.data, month.len);
    return civil->month != 0 && skip_mail_blanks(rest) && take_mail_year(rest, &civil->year);
}

static bool take_mail_time(struct sl_span *rest, struct sl_civil *civil)
{
    uint32_t cnt = digit_cnt(rest);
    if ((cnt != 1 && cnt != 2) || !take_u8(rest, cnt, &civil->hour) || !skip_mail_blanks(rest) ||
        !take_char(rest, ':') || !skip_mail_blanks(rest) || digit_cnt(rest) != 2 || !take_u8(rest, 2, &civil->minute) ||
        !skip_mail_blanks(rest))
        return false;
    if (!take_char(rest, ':'))
        return true;
    return skip_mail_blanks(rest) && digit_cnt(rest) == 2 && take_u8(rest, 2, &civil->second);
}

/* A word that names no zone we know (military letters among them) is what the RFC says of it: no information. */
static bool take_mail_zone(struct sl_span *rest, struct moment *moment)
{
    size_t mail_cnt = sizeof mail_zone_words / sizeof *mail_zone_words;
    struct sl_span word = take_word(rest);
    if (word.len != 0) {
        moment->has_offset = sl_offset_named(word.data, word.len, &moment->offset_s) ||
                             find_zone_word(mail_zone_words, mail_cnt, word.data, word.len, &moment->offset_s);
        return true;
    }
    moment->has_offset = take_offset(rest, false, &moment->offset_s);
    return moment->has_offset || rest->len == 0;
}

bool sl_date_rfc5322(const uint8_t *data, uint32_t len, const struct sl_zone *zone, int64_t *ns,
                     enum sl_date_zone *given)
{
    struct sl_span rest = { data, len };
    struct moment moment = { .fraction_ns = 0 };
    return skip_mail_blanks(&rest) && take_mail_date(&rest, &moment.civil) && skip_mail_blanks(&rest) &&
           take_mail_time(&rest, &moment.civil) && skip_mail_blanks(&rest) && take_mail_zone(&rest, &moment) &&
           skip_mail_blanks(&rest) && rest.len == 0 && settle(&moment, zone, ns, given);
}
