/* parsers/editor_lines.c - bylines, and datelines with the agency that they name. */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/editor.h"

#define PLACE_LEN  90u /* longest "PLACE, Region, Month day" before the bracket of a dateline */
#define BYLINE_LEN 160u

/* By first letter.  No letter has all of its places, so a row without name ends it. */
#define AGENCIES_PER_LETTER 14u
/* clang-format off: it spreads the rows. */
static const char *const agencies[26][AGENCIES_PER_LETTER] = {
    ['a' - 'a'] = {"afp",            "apa", "ap", "ats", "ansa", "anp", "aap", "aptn", "agi", "ana", "awp", "asianet",
                   "accesswire" },
    ['b' - 'a'] = { "belga",            "bloomberg", "business wire" },
    ['c' - 'a'] = { "ctk",          "canadian press" },
    ['d' - 'a'] = { "dpa",           "ddp", "dapd" },
    ['e' - 'a'] = { "epd",           "efe" },
    ['g' - 'a'] = { "globenewswire"          },
    ['i' - 'a'] = { "interfax"    },
    ['j' - 'a'] = { "jiji"        },
    ['k' - 'a'] = { "kna", "kyodo", "keystone-ats", "keystone-sda", "kipa", "kathpress" },
    ['l' - 'a'] = { "lusa"          },
    ['m' - 'a'] = { "mti"              },
    ['n' - 'a'] = { "ntb", "newsfile" },
    ['o' - 'a'] = { "ots"              },
    ['p' - 'a'] = { "pap", "pa", "prnewswire", "pr newswire", "prnewswire-asianet", "prnewswire-firstcall" },
    ['r' - 'a'] = { "reuters", "ritzau" },
    ['s' - 'a'] = { "sda",      "stt", "sid" },
    ['t' - 'a'] = { "tt",          "tass", "tca", "tns", "the canadian press" },
    ['u' - 'a'] = { "upi"          },
    ['x' - 'a'] = { "xinhua" },
    ['y' - 'a'] = { "yonhap"         },
};
/* clang-format on */

bool sl_byline_read(struct sl_span line, struct sl_span *name)
{
    static const char *const openings[] = { "By ", "BY ", "Von ", "VON ", "Par ", "PAR ", "Por ", "POR " };
    static const char *const no_names[] = { "der", "den", "dem", "heute", "morgen", "hier", "the", "a", "an" };
    uint32_t len;
    line = sl_span_trim(line);
    if (line.len > BYLINE_LEN || (line.len != 0 && line.data[line.len - 1] == '.'))
        return false;
    for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
        size_t opening_len = strlen(openings[i]);
        if (line.len <= opening_len || memcmp(line.data, openings[i], opening_len) != 0)
            continue;
        *name = sl_span_trim(sl_span_skip(line, (uint32_t)opening_len));
        for (size_t j = 0; j < sizeof(no_names) / sizeof(*no_names); j++) {
            if (sl_phrase_starts(*name, no_names[j], &len))
                return false;
        }
        return name->len != 0 && sl_is_letter(name->data[0]);
    }
    return false;
}

bool sl_agency_is(struct sl_span word)
{
    if (word.len == 0 || !sl_is_ascii_letter(word.data[0]))
        return false;
    for (const char *const *name = agencies[sl_lower(word.data[0]) - 'a']; *name; name++) {
        if (sl_span_is(word, *name))
            return true;
    }
    return false;
}

static bool names_agency(struct sl_span credit, struct sl_span provider)
{
    if (sl_agency_is(credit))
        return true;
    while (credit.len != 0) {
        uint32_t len = 0;
        while (len < credit.len && !memchr("/ ,-", credit.data[len], 4))
            len++;
        struct sl_span word = sl_span_head(credit, len);
        bool is_provider = len != 0 && len == provider.len && memcmp(word.data, provider.data, len) == 0;
        if (is_provider || sl_agency_is(word))
            return true;
        credit = sl_span_skip(credit, len < credit.len ? len + 1 : len);
    }
    return false;
}

/* "PARIS, 9 Nov", "AUSTIN, Texas, Feb. 1, 2017": the day is no part of the place. */
static struct sl_span cut_day(struct sl_span place)
{
    for (uint32_t i = 0; i + 2 < place.len; i++) {
        if (place.data[i] != ',' && !(sl_is_white(place.data[i]) && i != 0))
            continue;
        struct sl_span rest = sl_span_skip_white(sl_span_skip(place, i + 1));
        uint32_t len = 0;
        while (len < rest.len && sl_is_letter(rest.data[len]))
            len++;
        bool is_month = len > 2 && sl_month_named(rest.data, len) != 0;
        if (is_month || (rest.len != 0 && sl_is_digit(rest.data[0])))
            return sl_span_trim(sl_span_head(place, i));
    }
    while (place.len != 0 && place.data[place.len - 1] == ',')
        place.len--;
    return sl_span_trim(place);
}

/* Dashes of any make, and blanks. */
static uint32_t dash_len(struct sl_span text)
{
    uint32_t len = 0;
    while (len < text.len) {
        uint8_t byte = text.data[len];
        bool is_dash_1252 = byte == 0x96 || byte == 0x97;
        if (text.len - len >= 3 && byte == 0xe2 && text.data[len + 1] == 0x80 && (text.data[len + 2] & 0xfe) == 0x94)
            len += 3; /* U+2014, U+2015 */
        else if (text.len - len >= 3 && byte == 0xe2 && text.data[len + 1] == 0x80 && text.data[len + 2] == 0x93)
            len += 3; /* U+2013 */
        else if (sl_is_white(byte) || byte == '-' || byte == '_' || byte == ':' || is_dash_1252)
            len++;
        else
            break;
    }
    return len;
}

static bool looks_like_place(struct sl_span place)
{
    if (place.len < 2 || place.len > PLACE_LEN || !sl_is_letter(place.data[0]) ||
        (place.data[0] >= 'a' && place.data[0] <= 'z'))
        return false;
    for (uint32_t i = 0; i + 1 < place.len; i++) {
        /* A full stop inside is an abbreviation's, not a sentence's: "St. Louis", but not "went home. The". */
        if (memchr("!?;\"\n\r", place.data[i], 6))
            return false;
    }
    return true;
}

static void set_dateline(struct sl_dateline *dateline, struct sl_span text, uint32_t place_len, struct sl_span credit,
                         uint32_t whole_len)
{
    dateline->whole = sl_span_trim(sl_span_head(text, whole_len));
    dateline->place = cut_day(sl_span_trim(sl_span_head(text, place_len)));
    dateline->credit = sl_span_trim(credit);
    dateline->len = whole_len + dash_len(sl_span_skip(text, whole_len));
}

/* "TOKYO, Nov. 13 Kyodo - ": the agency without a bracket, then a dash. */
static bool read_bare_dateline(struct sl_span text, struct sl_dateline *dateline)
{
    /* The dash is no later than behind the place's last byte, and something stands behind it. */
    struct sl_span start = sl_span_head(text, text.len < PLACE_LEN + 2 ? text.len - (text.len != 0) : PLACE_LEN + 1);
    for (uint32_t i = 1; i + 1 < start.len; i++) {
        i += sl_first_of(sl_span_skip(start, i + 1), "-");
        if (i + 1 >= start.len || !sl_is_white(text.data[i]))
            continue;
        uint32_t word = i;
        while (word != 0 && !sl_is_white(text.data[word - 1]))
            word--;
        struct sl_span credit = { text.data + word, i - word };
        if (word == 0 || !sl_agency_is(credit) || !looks_like_place(sl_span_head(text, word)))
            return false;
        set_dateline(dateline, text, word, credit, i);
        return true;
    }
    return false;
}

bool sl_dateline_read(struct sl_span text, struct sl_span provider, struct sl_dateline *dateline)
{
    struct sl_span start = sl_span_head(text, PLACE_LEN);
    for (uint32_t i = 1; i < start.len; i++) {
        i += sl_first_of(sl_span_skip(start, i), "(/");
        uint8_t open = i < start.len ? start.data[i] : 0;
        if (open != '(' && !(open == '/' && sl_is_white(start.data[i - 1])))
            continue;
        struct sl_span inside = sl_span_head(sl_span_skip(text, i + 1), 60);
        /* "(tca/dpa)", but "/PRNewswire-AsiaNet/". */
        const uint8_t *close = memchr(inside.data, open == '(' ? ')' : '/', inside.len);
        if (!close || !looks_like_place(sl_span_head(text, i)))
            return false;
        struct sl_span credit = sl_span_trim(sl_span_head(inside, (uint32_t)(close - inside.data)));
        if (!names_agency(credit, provider))
            return open == '(' && read_bare_dateline(text, dateline);
        set_dateline(dateline, text, i, credit, (uint32_t)(close - text.data) + 1);
        return true;
    }
    return read_bare_dateline(text, dateline);
}
