#include "parsers/bulletin_json.h"
#include "parsers/dates.h"
#include "parsers/parse.h"
#include "parsers/text.h"
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SCHEMA_URI "urn:x-slugline-schema:ninjs-slugline:1"

/* Where one text would be repeated for every item of a list, it is repeated only up to this length: real codes are
 * shorter, and so the line stays linear in the bulletin (sl_bulletin_json_bound). */
#define REPEATED_LEN_MAX 32u
/* A provider longer than this is not taken for a code; the same reason. */
#define PROVIDER_CODE_LEN_MAX 64u

/* The line being written.  Pieces that do not fit are only counted. */
struct line {
    char *buf;
    size_t cap, len;
    bool comma; /* a member or element stands before in the object or list that is open */
};

/* Where a list or object was opened, for taking it back when nothing came into it. */
struct mark {
    size_t before, inside;
    bool comma;
};

static inline void put(struct line *line, const char *data, size_t len)
{
    if (line->len <= line->cap && len <= line->cap - line->len)
        memcpy(line->buf + line->len, data, len);
    line->len += len;
}

static inline void put_slice(struct line *line, struct sl_slice slice) { put(line, slice.data, slice.len); }

static inline void put_char(struct line *line, char c) { put(line, &c, 1); }

/* ---- strings ---- */

/* Some readers take U+2028 and U+2029 for line ends; in UTF-8 they are E2 80 A8 and E2 80 A9. */
static bool is_line_separator(const char *data, size_t len)
{
    return len >= 3 && data[0] == '\xe2' && data[1] == '\x80' && (data[2] == '\xa8' || data[2] == '\xa9');
}

static bool needs_escape(const char *data, size_t len)
{
    return (unsigned char)*data < 0x20 || *data == '"' || *data == '\\' || is_line_separator(data, len);
}

/* How many bytes from data stand in a JSON string as they are. */
static size_t find_clean(const char *data, size_t len)
{
    size_t off = 0;
#ifdef __SSE2__
    /* 18: each step also looks at the two bytes behind its sixteen, for the line separators. */
    for (; len - off >= 18; off += 16) {
        __m128i here = _mm_loadu_si128((const __m128i *)(data + off));
        __m128i next = _mm_loadu_si128((const __m128i *)(data + off + 1));
        __m128i third = _mm_loadu_si128((const __m128i *)(data + off + 2));
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(here, _mm_set1_epi8(0x1f)), here);
        __m128i quote = _mm_cmpeq_epi8(here, _mm_set1_epi8('"'));
        __m128i backslash = _mm_cmpeq_epi8(here, _mm_set1_epi8('\\'));
        __m128i separator =
            _mm_and_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8('\xe2')), _mm_cmpeq_epi8(next, _mm_set1_epi8('\x80')));
        __m128i a8_or_a9 = _mm_cmpeq_epi8(_mm_or_si128(third, _mm_set1_epi8(1)), _mm_set1_epi8('\xa9'));
        separator = _mm_and_si128(separator, a8_or_a9);
        __m128i dirty = _mm_or_si128(_mm_or_si128(control, quote), _mm_or_si128(backslash, separator));
        int mask = _mm_movemask_epi8(dirty);
        if (mask)
            return off + (size_t)__builtin_ctz((unsigned)mask);
    }
#endif
    while (off < len && !needs_escape(data + off, len - off))
        off++;
    return off;
}

/* Puts the escape for the character at data; returns how many bytes it stands for. */
static size_t put_escape(struct line *line, const char *data)
{
    static const char short_form[0x20] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r' };
    static const char hex[] = "0123456789abcdef";
    unsigned char c = (unsigned char)*data;

    if (c == 0xe2) {
        put(line, data[2] == '\xa8' ? "\\u2028" : "\\u2029", 6);
        return 3;
    }
    if (c >= 0x20 || short_form[c]) {
        put(line, (char[2]){ '\\', c >= 0x20 ? (char)c : short_form[c] }, 2);
        return 1;
    }
    put(line, (char[6]){ '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] }, 6);
    return 1;
}

/* The inside of a JSON string. */
static void put_escaped(struct line *line, struct sl_slice text)
{
    for (size_t off = 0; off < text.len;) {
        size_t clean_len = find_clean(text.data + off, text.len - off);
        put(line, text.data + off, clean_len);
        off += clean_len;
        if (off < text.len)
            off += put_escape(line, text.data + off);
    }
}

static void put_string(struct line *line, struct sl_slice text)
{
    put_char(line, '"');
    put_escaped(line, text);
    put_char(line, '"');
}

/* ---- members ---- */

/* A key carries the comma before it, so that it is put in one piece. */
#define KEY(name) SL_SLICE(",\"" name "\":")

static void put_key(struct line *line, struct sl_slice key)
{
    size_t skip = line->comma ? 0 : 1;
    put(line, key.data + skip, key.len - skip);
    line->comma = true;
}

static void put_comma(struct line *line)
{
    if (line->comma)
        put_char(line, ',');
    line->comma = true;
}

static struct mark open_with(struct line *line, struct mark mark, char bracket)
{
    put_char(line, bracket);
    line->comma = false;
    mark.inside = line->len;
    return mark;
}

static struct mark open_member(struct line *line, struct sl_slice key, char bracket)
{
    struct mark mark = { .before = line->len, .comma = line->comma };
    put_key(line, key);
    return open_with(line, mark, bracket);
}

static struct mark open_element(struct line *line)
{
    struct mark mark = { .before = line->len, .comma = line->comma };
    put_comma(line);
    return open_with(line, mark, '{');
}

/* Closes what was opened at mark, or takes it back when it stayed empty. */
static void close_mark(struct line *line, struct mark mark, char bracket)
{
    if (line->len == mark.inside) {
        line->len = mark.before;
        line->comma = mark.comma;
        return;
    }
    put_char(line, bracket);
    line->comma = true;
}

static void put_text(struct line *line, struct sl_slice key, struct sl_slice text)
{
    if (!text.len)
        return;
    put_key(line, key);
    put_string(line, text);
}

static void put_name(struct line *line, struct sl_slice key, const char *name)
{
    if (name)
        put_text(line, key, (struct sl_slice){ name, (uint32_t)strlen(name) });
}

static void put_number(struct line *line, struct sl_slice key, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    if (!number)
        return;
    for (; number; number /= 10)
        digits[--at] = (char)('0' + number % 10);
    put_key(line, key);
    put(line, digits + at, sizeof(digits) - at);
}

static void put_hex(struct line *line, struct sl_slice key, uint64_t number)
{
    char digits[18] = "\"0123456789abcdef\"";
    if (!number)
        return;
    for (int i = 0; i < 16; i++)
        digits[16 - i] = "0123456789abcdef"[number >> 4 * i & 15];
    put_key(line, key);
    put(line, digits, sizeof(digits));
}

static void write_digits(char *to, unsigned cnt, uint32_t number)
{
    for (; cnt; number /= 10)
        to[--cnt] = (char)('0' + number % 10);
}

static void put_time(struct line *line, struct sl_slice key, int64_t ns)
{
    char text[] = "\"0000-00-00T00:00:00.000000000Z";
    struct sl_civil civil;
    if (ns == SL_TIME_NONE)
        return;

    int64_t utc_s = ns / SL_TIME_NS, rest_ns = ns % SL_TIME_NS;
    if (rest_ns < 0) {
        utc_s--;
        rest_ns += SL_TIME_NS;
    }
    sl_civil_from_s(&civil, utc_s);
    write_digits(text + 1, 4, (uint32_t)civil.year); /* int64_t ns reach from 1677 to 2262 */
    write_digits(text + 6, 2, civil.month);
    write_digits(text + 9, 2, civil.day);
    write_digits(text + 12, 2, civil.hour);
    write_digits(text + 15, 2, civil.minute);
    write_digits(text + 18, 2, civil.second);
    write_digits(text + 21, 9, (uint32_t)rest_ns);
    size_t len = rest_ns ? 30 : 20; /* no fraction, no point */
    while (rest_ns && text[len - 1] == '0')
        len--;
    put_key(line, key);
    put(line, text, len);
    put(line, "Z\"", 2);
}

/* ---- URIs ---- */

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static bool is_one_of(char c, const char *set) { return c && strchr(set, c); }

/* pchar of RFC 3986 3.3 without the percent sign.  A switch, which becomes a bit test: every character of an id comes
 * here. */
static bool is_path_char(char c)
{
    switch (c) {
        /* clang-format off */
    case '-': case '.': case '_': case '~': case '!': case '$': case '&': case '\'': case '(': case ')': case '*':
    case '+': case ',': case ';': case '=': case ':': case '@':
        /* clang-format on */
        return true;
    default:
        return is_letter(c) || is_digit(c);
    }
}

static bool has_uri_chars(struct sl_slice text)
{
    unsigned fragment_cnt = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '%') {
            if (text.len - i < 3 || !is_hex(text.data[i + 1]) || !is_hex(text.data[i + 2]))
                return false;
        } else if (c == '#') {
            fragment_cnt++;
        } else if (!is_path_char(c) && c != '/' && c != '?') {
            return false;
        }
    }
    return fragment_cnt <= 1;
}

static bool starts_with(struct sl_slice text, const char *word)
{
    size_t len = strlen(word);
    return text.len >= len && strncasecmp(text.data, word, len) == 0;
}

/* Namespace and name of RFC 8141 2: "urn:" NID ":" NSS. */
static bool is_urn(struct sl_slice text)
{
    uint32_t off = 4;
    while (off < text.len && (is_letter(text.data[off]) || is_digit(text.data[off]) || text.data[off] == '-'))
        off++;
    uint32_t nid_len = off - 4;
    return nid_len >= 2 && nid_len <= 32 && text.data[4] != '-' && text.data[off - 1] != '-' && text.len - off >= 2 &&
           text.data[off] == ':' && !is_one_of(text.data[off + 1], "/?#");
}

/* Only schemes that are in use for names: "AFP:TX123" reads like a URI too, but is none. */
static bool is_uri(struct sl_slice text)
{
    static const char *const hierarchical[] = { "http://", "https://", "ftp://" };
    static const char *const opaque[] = { "tag:", "info:", "mid:", "cid:" };
    if (text.len < 5 || !has_uri_chars(text))
        return false;
    if (starts_with(text, "urn:"))
        return is_urn(text);
    for (size_t i = 0; i < sizeof(hierarchical) / sizeof(*hierarchical); i++) {
        size_t len = strlen(hierarchical[i]);
        if (starts_with(text, hierarchical[i]))
            return text.len > len && !is_one_of(text.data[len], "/?#:@");
    }
    for (size_t i = 0; i < sizeof(opaque) / sizeof(*opaque); i++) {
        if (starts_with(text, opaque[i]))
            return text.len > strlen(opaque[i]);
    }
    return false;
}

static void put_encoded(struct line *line, struct sl_slice text, const char *more_to_encode)
{
    static const char hex[] = "0123456789ABCDEF";
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((is_path_char((char)c) || c == '/') && !is_one_of((char)c, more_to_encode))
            put_char(line, (char)c);
        else
            put(line, (char[3]){ '%', hex[c >> 4], hex[c & 15] }, 3);
    }
}

/* The uri of a thing that its provider calls id. */
static void put_uri(struct line *line, struct sl_slice provider, struct sl_slice id)
{
    put_key(line, KEY("uri"));
    if (is_uri(id)) {
        put_string(line, id);
        return;
    }
    put_slice(line, SL_SLICE("\"urn:x-slugline:"));
    put_encoded(line, provider, ":/");
    put_char(line, ':');
    put_encoded(line, id, "");
    put_char(line, '"');
}

/* ---- codes ---- */

/* The aliases of IPTC's own catalogue, which agencies use without explanation. */
static const struct scheme {
    struct sl_slice alias, uri;
} schemes[] = {
  /* clang-format off */
    { SL_SLICE("medtop"),      SL_SLICE("http://cv.iptc.org/newscodes/mediatopic/")   },
    { SL_SLICE("subj"),        SL_SLICE("http://cv.iptc.org/newscodes/subjectcode/")  },
    { SL_SLICE("genre"),       SL_SLICE("http://cv.iptc.org/newscodes/genre/")        },
    { SL_SLICE("nprov"),       SL_SLICE("http://cv.iptc.org/newscodes/newsprovider/") },
    { SL_SLICE("ninat"),       SL_SLICE("http://cv.iptc.org/newscodes/ninature/")     },
    { SL_SLICE("stat"),        SL_SLICE("http://cv.iptc.org/newscodes/pubstatusg2/")  },
    { SL_SLICE("sig"),         SL_SLICE("http://cv.iptc.org/newscodes/signal/")       },
    { SL_SLICE("cpnat"),       SL_SLICE("http://cv.iptc.org/newscodes/cpnature/")     },
    { SL_SLICE("iso3166-1a2"), SL_SLICE("http://cvx.iptc.org/iso3166-1a2/")           },
    { SL_SLICE("iso3166-1a3"), SL_SLICE("http://cvx.iptc.org/iso3166-1a3/")           },
  /* clang-format on */
};

static bool equal(struct sl_slice a, struct sl_slice b) { return a.len == b.len && !memcmp(a.data, b.data, a.len); }

/* What stands before a code of this scheme to make a URI of it; empty when unknown. */
static struct sl_slice find_scheme_uri(struct sl_slice scheme)
{
    /* A scheme that is given by its URI is one to which codes are appended only when it ends like one. */
    if (scheme.len && is_one_of(scheme.data[scheme.len - 1], "/#=") && is_uri(scheme))
        return scheme;
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        if (equal(scheme, schemes[i].alias))
            return schemes[i].uri;
    }
    return SL_SLICE("");
}

/* uri and literal of a coded thing. */
static void put_code(struct line *line, struct sl_slice scheme, struct sl_slice code)
{
    if (!code.len)
        return;
    struct sl_slice scheme_uri = find_scheme_uri(scheme);
    if (is_uri(code)) {
        put_text(line, KEY("uri"), code);
    } else if (scheme_uri.len) {
        put_key(line, KEY("uri"));
        put_char(line, '"');
        put_slice(line, scheme_uri);
        put_encoded(line, code, "");
        put_char(line, '"');
    }
    put_key(line, KEY("literal"));
    put_char(line, '"');
    if (scheme.len && scheme_uri.data != scheme.data) {
        put_escaped(line, scheme);
        put_char(line, ':');
    }
    put_escaped(line, code);
    put_char(line, '"');
}

/* Splits a qcode at its first colon.  False: this is a name, or a URI. */
static bool split_code(struct sl_slice text, struct sl_slice *scheme, struct sl_slice *code)
{
    const char *colon = memchr(text.data, ':', text.len);
    if (!colon || colon == text.data || is_uri(text) || memchr(text.data, ' ', text.len))
        return false;
    *scheme = (struct sl_slice){ text.data, (uint32_t)(colon - text.data) };
    *code = (struct sl_slice){ colon + 1, text.len - scheme->len - 1 };
    return code->len > 0;
}

/* ---- what ninjs has a member for ---- */

struct source {
    const struct sl_bulletin *bulletin;
    struct sl_slice provider;
};

static struct sl_slice text_of(const struct source *source, enum sl_text text)
{
    return sl_bulletin_text(source->bulletin, text);
}

static struct sl_slice part_of(const struct source *source, const struct sl_item *item, unsigned part)
{
    return sl_bulletin_ref(source->bulletin, item->part[part]);
}

static uint32_t count_items(const struct source *source, enum sl_list list) { return source->bulletin->list[list].cnt; }

typedef void put_item(struct line *line, const struct source *source, const struct sl_item *item);

/* An object for each item that put makes something of, in the list that is open. */
static void put_items(struct line *line, const struct source *source, enum sl_list which, put_item *put_one)
{
    const struct sl_item *item = sl_bulletin_items(source->bulletin, which);
    for (uint32_t i = 0; i < count_items(source, which); i++, item++) {
        struct mark element = open_element(line);
        put_one(line, source, item);
        close_mark(line, element, '}');
    }
}

/* The same as a list of its own. */
static void put_list(struct line *line, const struct source *source, struct sl_slice key, enum sl_list which,
                     put_item *put_one)
{
    struct mark list = open_member(line, key, '[');
    put_items(line, source, which, put_one);
    close_mark(line, list, ']');
}

static void put_head(struct line *line, const struct source *source)
{
    const struct sl_bulletin *bulletin = source->bulletin;
    put_uri(line, source->provider, text_of(source, SL_TEXT_ID));
    put_text(line, KEY("type"), SL_SLICE("text"));
    put_text(line, KEY("version"), text_of(source, SL_TEXT_VERSION));
    put_time(line, KEY("versionCreated"), bulletin->version_created);
    put_time(line, KEY("firstCreated"), bulletin->first_created);
    put_time(line, KEY("embargoedUntil"), bulletin->embargoed_until);
    put_time(line, KEY("expires"), bulletin->expires);
    put_name(line, KEY("pubStatus"), sl_pubstatus_name(bulletin->pubstatus));
    put_number(line, KEY("urgency"), bulletin->urgency);
    put_text(line, KEY("language"), text_of(source, SL_TEXT_LANGUAGE));
}

/* ninjs gives headlines and bodies a role but no language: a further language is told as "role@language". */
static void put_role(struct line *line, struct sl_slice language, struct sl_slice role)
{
    if (!language.len) {
        put_text(line, KEY("role"), role);
        return;
    }
    put_key(line, KEY("role"));
    put_char(line, '"');
    put_escaped(line, role.len ? role : SL_SLICE("main"));
    put_char(line, '@');
    put_escaped(line, language);
    put_char(line, '"');
}

/* A headline or body in a further language, or of another role. */
static void put_version(struct line *line, const struct source *source, const struct sl_item *item,
                        struct sl_slice content_type)
{
    struct sl_slice text = part_of(source, item, 2);
    if (!text.len)
        return;
    put_role(line, part_of(source, item, 0), part_of(source, item, 1));
    put_text(line, KEY("contentType"), content_type);
    put_text(line, KEY("value"), text);
}

static void put_further_headline(struct line *line, const struct source *source, const struct sl_item *item)
{
    put_version(line, source, item, SL_SLICE(""));
}

static void put_further_body(struct line *line, const struct source *source, const struct sl_item *item)
{
    put_version(line, source, item, SL_SLICE("text/plain"));
}

static void put_headlines(struct line *line, const struct source *source)
{
    struct sl_slice headline = text_of(source, SL_TEXT_HEADLINE);
    struct mark list = open_member(line, KEY("headlines"), '[');
    if (headline.len) {
        struct mark element = open_element(line);
        put_text(line, KEY("role"), SL_SLICE("main"));
        put_text(line, KEY("value"), headline);
        close_mark(line, element, '}');
    }
    put_items(line, source, SL_LIST_HEADLINES, put_further_headline);
    close_mark(line, list, ']');
}

static void put_body(struct line *line, struct sl_slice content_type, struct sl_slice body, uint32_t word_cnt)
{
    if (!body.len)
        return;
    struct mark element = open_element(line);
    put_text(line, KEY("contentType"), content_type);
    put_number(line, KEY("wordCount"), word_cnt);
    put_text(line, KEY("value"), body);
    close_mark(line, element, '}');
}

static void put_bodies(struct line *line, const struct source *source)
{
    struct sl_slice body = text_of(source, SL_TEXT_BODY);
    struct mark list = open_member(line, KEY("bodies"), '[');
    put_body(line, SL_SLICE("text/plain"), body, sl_text_words(body));
    put_body(line, SL_SLICE("text/html"), text_of(source, SL_TEXT_BODY_HTML), 0);
    put_items(line, source, SL_LIST_BODIES, put_further_body);
    close_mark(line, list, ']');
}

/* An item of scheme, code, name. */
static void put_coded(struct line *line, const struct source *source, const struct sl_item *item)
{
    put_text(line, KEY("name"), part_of(source, item, 2));
    put_code(line, part_of(source, item, 0), part_of(source, item, 1));
}

/* ninjs wants a URI for the type; a type that is a word ("RIC") becomes one of ours. */
static void put_symbol_type(struct line *line, struct sl_slice type)
{
    if (is_uri(type)) {
        put_text(line, KEY("symbolType"), type);
    } else if (type.len) {
        put_key(line, KEY("symbolType"));
        put_slice(line, SL_SLICE("\"urn:x-slugline-symboltype:"));
        put_encoded(line, type, "/");
        put_char(line, '"');
    }
}

static void put_symbols(struct line *line, struct sl_slice exchange, struct sl_slice type, struct sl_slice symbol)
{
    struct mark list = open_member(line, KEY("symbols"), '[');
    struct mark element = open_element(line);
    put_text(line, KEY("exchange"), exchange);
    put_symbol_type(line, type);
    put_text(line, KEY("symbol"), symbol);
    close_mark(line, element, '}');
    close_mark(line, list, ']');
}

static const struct sl_item *find_symbol(const struct source *source, struct sl_slice symbol)
{
    const struct sl_item *item = sl_bulletin_items(source->bulletin, SL_LIST_SYMBOLS);
    for (uint32_t i = 0; i < count_items(source, SL_LIST_SYMBOLS); i++, item++) {
        if (equal(part_of(source, item, 2), symbol))
            return item;
    }
    return NULL;
}

static bool has_organisation(const struct source *source, struct sl_slice symbol)
{
    const struct sl_item *item = sl_bulletin_items(source->bulletin, SL_LIST_ORGANISATIONS);
    for (uint32_t i = 0; i < count_items(source, SL_LIST_ORGANISATIONS); i++, item++) {
        if (equal(part_of(source, item, 3), symbol))
            return true;
    }
    return false;
}

static struct sl_slice only_short(struct sl_slice text) { return text.len <= REPEATED_LEN_MAX ? text : SL_SLICE(""); }

static void put_organisation(struct line *line, const struct source *source, const struct sl_item *item)
{
    struct sl_slice symbol = part_of(source, item, 3), none = SL_SLICE("");
    const struct sl_item *known = symbol.len ? find_symbol(source, symbol) : NULL;
    put_coded(line, source, item);
    if (symbol.len)
        put_symbols(line, known ? only_short(part_of(source, known, 0)) : none,
                    known ? only_short(part_of(source, known, 1)) : none, symbol);
}

/* A symbol that no organisation claims belongs to one without a name. */
static void put_unclaimed_symbol(struct line *line, const struct source *source, const struct sl_item *item)
{
    struct sl_slice symbol = part_of(source, item, 2);
    if (symbol.len && !has_organisation(source, symbol))
        put_symbols(line, part_of(source, item, 0), part_of(source, item, 1), symbol);
}

static void put_organisations(struct line *line, const struct source *source)
{
    struct mark list = open_member(line, KEY("organisations"), '[');
    put_items(line, source, SL_LIST_ORGANISATIONS, put_organisation);
    put_items(line, source, SL_LIST_SYMBOLS, put_unclaimed_symbol);
    close_mark(line, list, ']');
}

/* ---- geoJSON, the one member that a parser brings as JSON already ---- */

#define GEO_DEPTH_MAX 16u /* a MultiPolygon in a FeatureCollection nests nine deep */

struct geo {
    const char *at, *end;
};

static void skip_blanks(struct geo *geo)
{
    while (geo->at < geo->end && is_one_of(*geo->at, " \t\n"))
        geo->at++;
}

static bool take_char(struct geo *geo, char c)
{
    if (geo->at == geo->end || *geo->at != c)
        return false;
    geo->at++;
    return true;
}

static bool take_escape(struct geo *geo)
{
    if (geo->at == geo->end)
        return false;
    char c = *geo->at++;
    for (unsigned i = 0; c == 'u' && i < 4; i++) {
        if (geo->at == geo->end || !is_hex(*geo->at++))
            return false;
    }
    return is_one_of(c, "\"\\/bfnrtu");
}

static bool take_string(struct geo *geo)
{
    if (!take_char(geo, '"'))
        return false;
    while (geo->at < geo->end && (unsigned char)*geo->at >= 0x20) {
        char c = *geo->at++;
        if (c == '"')
            return true;
        if (c == '\\' && !take_escape(geo))
            return false;
    }
    return false;
}

static bool take_digits(struct geo *geo)
{
    const char *from = geo->at;
    while (geo->at < geo->end && is_digit(*geo->at))
        geo->at++;
    return geo->at > from;
}

static bool take_number(struct geo *geo)
{
    take_char(geo, '-');
    if (!take_char(geo, '0') && !take_digits(geo))
        return false;
    if (take_char(geo, '.') && !take_digits(geo))
        return false;
    if (!take_char(geo, 'e') && !take_char(geo, 'E'))
        return true;
    if (!take_char(geo, '+'))
        take_char(geo, '-');
    return take_digits(geo);
}

static bool take_scalar(struct geo *geo)
{
    static const struct sl_slice words[] = { SL_SLICE("true"), SL_SLICE("false"), SL_SLICE("null") };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if ((size_t)(geo->end - geo->at) >= words[i].len && !memcmp(geo->at, words[i].data, words[i].len)) {
            geo->at += words[i].len;
            return true;
        }
    }
    return geo->at < geo->end && *geo->at == '"' ? take_string(geo) : take_number(geo);
}

static bool take_name(struct geo *geo)
{
    skip_blanks(geo);
    if (!take_string(geo))
        return false;
    skip_blanks(geo);
    return take_char(geo, ':');
}

static bool take_value(struct geo *geo, unsigned depth);

/* The rest of an object or array whose bracket has been taken. */
static bool take_elements(struct geo *geo, unsigned depth, bool object)
{
    char end = object ? '}' : ']';
    skip_blanks(geo);
    if (take_char(geo, end))
        return true;
    do {
        if (object && !take_name(geo))
            return false;
        if (!take_value(geo, depth))
            return false;
        skip_blanks(geo);
    } while (take_char(geo, ','));
    return take_char(geo, end);
}

static bool take_value(struct geo *geo, unsigned depth)
{
    skip_blanks(geo);
    bool object = take_char(geo, '{');
    if (!object && !take_char(geo, '['))
        return take_scalar(geo);
    return depth < GEO_DEPTH_MAX && take_elements(geo, depth + 1, object);
}

/* Is this one JSON object, well formed, and nothing else?  One that is not would spoil the line. */
static bool is_json_object(struct sl_slice text)
{
    struct geo geo = { text.data, text.data + text.len };
    skip_blanks(&geo);
    if (geo.at == geo.end || *geo.at != '{' || !take_value(&geo, 0))
        return false;
    skip_blanks(&geo);
    return geo.at == geo.end;
}

/* A line feed or tab can only stand between its tokens, where JSON does not need it and a line must not have it; a line
 * separator only in a string, where it can be escaped. */
static void put_geo(struct line *line, struct sl_slice geo)
{
    if (!geo.len || !is_json_object(geo))
        return;
    put_key(line, KEY("geoJSON"));
    for (uint32_t off = 0; off < geo.len;) {
        uint32_t from = off;
        while (off < geo.len && !is_one_of(geo.data[off], "\t\n") && !is_line_separator(geo.data + off, geo.len - off))
            off++;
        put(line, geo.data + from, off - from);
        if (off < geo.len)
            off += is_one_of(geo.data[off], "\t\n") ? 1 : (uint32_t)put_escape(line, geo.data + off);
    }
}

static void put_place(struct line *line, const struct source *source, const struct sl_item *item)
{
    put_coded(line, source, item);
    put_geo(line, part_of(source, item, 3));
}

/* ---- who, rights, and what belongs to it ---- */

static void put_provider(struct line *line, const struct source *source)
{
    struct sl_slice scheme, code;
    if (!source->provider.len)
        return;
    struct mark list = open_member(line, KEY("infoSources"), '[');
    struct mark element = open_element(line);
    if (source->provider.len <= PROVIDER_CODE_LEN_MAX && split_code(source->provider, &scheme, &code)) {
        put_text(line, KEY("name"), code);
        put_code(line, scheme, code);
    } else {
        put_text(line, KEY("name"), source->provider);
        if (is_uri(source->provider))
            put_text(line, KEY("uri"), source->provider);
    }
    put_text(line, KEY("role"), SL_SLICE("provider"));
    close_mark(line, element, '}');
    close_mark(line, list, ']');
}

/* The ninjs type by the first half of an IANA media type. */
static struct sl_slice find_object_type(struct sl_slice media_type)
{
    if (starts_with(media_type, "image/"))
        return SL_SLICE("picture");
    if (starts_with(media_type, "video/"))
        return SL_SLICE("video");
    if (starts_with(media_type, "audio/"))
        return SL_SLICE("audio");
    return starts_with(media_type, "text/") ? SL_SLICE("text") : SL_SLICE("");
}

/* A rendition needs a name: "main", or the file's where that is all there is and no URI. */
static void put_rendition(struct line *line, struct sl_slice href, struct sl_slice media_type)
{
    if (!href.len && !media_type.len)
        return;
    struct mark list = open_member(line, KEY("renditions"), '[');
    struct mark element = open_element(line);
    bool linked = is_uri(href);
    put_text(line, KEY("name"), href.len && !linked ? href : SL_SLICE("main"));
    if (linked)
        put_text(line, KEY("href"), href);
    put_text(line, KEY("contentType"), media_type);
    close_mark(line, element, '}');
    close_mark(line, list, ']');
}

/* ninjs demands a name and a uri of each: both are the id, or where it is linked to. */
static void put_association(struct line *line, const struct source *source, const struct sl_item *item)
{
    struct sl_slice id = part_of(source, item, 1), href = part_of(source, item, 2), type = part_of(source, item, 3);
    struct sl_slice name = id.len ? id : href;
    if (!name.len)
        return;
    put_text(line, KEY("name"), name);
    put_text(line, KEY("rel"), part_of(source, item, 0));
    put_uri(line, only_short(source->provider), name);
    put_text(line, KEY("type"), find_object_type(type));
    put_rendition(line, href, type);
}

static void put_alt_id(struct line *line, const struct source *source, const struct sl_item *item)
{
    put_text(line, KEY("role"), part_of(source, item, 0));
    put_text(line, KEY("value"), part_of(source, item, 1));
}

static void put_standard(struct line *line)
{
    put_key(line, KEY("standard"));
    put_slice(line, SL_SLICE("{\"name\":\"ninjs\",\"version\":\"3.1\",\"schema\":\"" SCHEMA_URI "\"}"));
}

/* ---- wire: what ninjs has no member for ---- */

/* One part of each item, as a list of strings. */
static void put_parts(struct line *line, const struct source *source, struct sl_slice key, enum sl_list which,
                      unsigned part)
{
    struct mark list = open_member(line, key, '[');
    const struct sl_item *item = sl_bulletin_items(source->bulletin, which);
    for (uint32_t i = 0; i < count_items(source, which); i++, item++) {
        struct sl_slice text = part_of(source, item, part);
        if (!text.len)
            continue;
        put_comma(line);
        put_string(line, text);
    }
    close_mark(line, list, ']');
}

static void put_word_if(struct line *line, bool holds, struct sl_slice word)
{
    if (!holds)
        return;
    put_comma(line);
    put_string(line, word);
}

static void put_flags(struct line *line, uint32_t flags, const struct sl_json_wire *wire)
{
    struct mark list = open_member(line, KEY("zoneAssumed"), '[');
    put_word_if(line, flags & SL_BULLETIN_ZONE_ASSUMED_CREATED, SL_SLICE("versionCreated"));
    put_word_if(line, flags & SL_BULLETIN_ZONE_ASSUMED_FIRST, SL_SLICE("firstCreated"));
    put_word_if(line, flags & SL_BULLETIN_ZONE_ASSUMED_EMBARGO, SL_SLICE("embargoedUntil"));
    put_word_if(line, flags & SL_BULLETIN_ZONE_ASSUMED_EXPIRES, SL_SLICE("expires"));
    close_mark(line, list, ']');

    list = open_member(line, KEY("flags"), '[');
    put_word_if(line, flags & SL_BULLETIN_DATE_COMPLETED, SL_SLICE("dateCompleted"));
    put_word_if(line, flags & SL_BULLETIN_ID_MADE, SL_SLICE("idMade"));
    put_word_if(line, flags & SL_BULLETIN_EMBARGOED, SL_SLICE("embargoed"));
    put_word_if(line, flags & SL_BULLETIN_TEXT_REPAIRED, SL_SLICE("textRepaired"));
    put_word_if(line, wire->after_gap, SL_SLICE("afterGap"));
    put_word_if(line, wire->clock_stepped, SL_SLICE("clockStepped"));
    close_mark(line, list, ']');
}

static void put_receipt(struct line *line, const struct sl_json_wire *wire)
{
    struct mark receipt = open_member(line, KEY("receipt"), '{');
    put_number(line, KEY("wire"), wire->wire_ns);
    if (wire->wire_ns)
        put_name(line, KEY("source"), sl_wire_source_name(wire->wire_source));
    put_number(line, KEY("rx"), wire->rx_ns);
    put_number(line, KEY("first"), wire->first_ns);
    put_number(line, KEY("framed"), wire->framed_ns);
    put_number(line, KEY("decoded"), wire->decoded_ns);
    put_number(line, KEY("published"), wire->published_ns);
    put_number(line, KEY("read"), wire->read_ns);
    close_mark(line, receipt, '}');
}

/* Where it stands, and what it is. */
static void put_wire_head(struct line *line, const struct source *source, const struct sl_json_wire *wire)
{
    const struct sl_bulletin *bulletin = source->bulletin;
    const struct sl_format *format = sl_format_by_id(bulletin->format);
    put_hex(line, KEY("epoch"), wire->epoch);
    put_number(line, KEY("seq"), wire->seq);
    put_name(line, KEY("feed"), wire->feed);
    put_name(line, KEY("format"), format ? format->name : NULL);
    put_text(line, KEY("id"), text_of(source, SL_TEXT_ID));
    put_text(line, KEY("provider"), source->provider);
    put_name(line, KEY("kind"), sl_kind_name(bulletin->kind));
    put_name(line, KEY("lane"), wire->lane);
    put_name(line, KEY("verdict"), wire->verdict);
    put_name(line, KEY("signal"), sl_signal_name(bulletin->signal));
}

/* What the message says in the terms of its wire. */
static void put_wire_terms(struct line *line, const struct source *source, const struct sl_json_wire *wire)
{
    const struct sl_bulletin *bulletin = source->bulletin;
    put_text(line, KEY("service"), text_of(source, SL_TEXT_SERVICE));
    put_text(line, KEY("priority"), text_of(source, SL_TEXT_PRIORITY_RAW));
    put_text(line, KEY("number"), text_of(source, SL_TEXT_SOURCE_NUMBER));
    put_parts(line, source, KEY("categories"), SL_LIST_CATEGORIES, 0);
    put_parts(line, source, KEY("keywords"), SL_LIST_KEYWORDS, 0);
    put_text(line, KEY("dateline"), text_of(source, SL_TEXT_DATELINE));
    put_text(line, KEY("datelinePlace"), text_of(source, SL_TEXT_DATELINE_PLACE));
    put_text(line, KEY("credit"), text_of(source, SL_TEXT_CREDIT));
    put_text(line, KEY("take"), text_of(source, SL_TEXT_TAKE));
    put_number(line, KEY("takeNumber"), bulletin->take_no);
    put_text(line, KEY("evolvedFrom"), text_of(source, SL_TEXT_EVOLVED_FROM));
    put_number(line, KEY("wordCount"), bulletin->word_cnt);
    put_parts(line, source, KEY("symbols"), SL_LIST_SYMBOLS, 2);
    put_parts(line, source, KEY("references"), SL_LIST_REFERENCES, 1);
    put_text(line, KEY("charset"), text_of(source, SL_TEXT_SOURCE_CHARSET));
    put_flags(line, bulletin->flags, wire);
    put_parts(line, source, KEY("notes"), SL_LIST_NOTES, 0);
}

static void put_wire(struct line *line, const struct source *source, const struct sl_json_wire *wire)
{
    struct mark member = open_member(line, KEY("wire"), '{');
    put_wire_head(line, source, wire);
    put_wire_terms(line, source, wire);
    put_receipt(line, wire);
    close_mark(line, member, '}');
}

/* ---- what the header promises ---- */

const char *sl_wire_source_name(unsigned source)
{
    static const char *const names[SL_WIRE_CNT] = { "", "nic", "kernel", "capture", "poll" };
    return source < SL_WIRE_CNT ? names[source] : "";
}

size_t sl_bulletin_json(char *buf, size_t cap, const struct sl_bulletin *bulletin, const struct sl_json_wire *wire)
{
    static const struct sl_json_wire no_wire;
    struct line line = { .buf = buf, .cap = cap };
    struct source source = { .bulletin = bulletin, .provider = sl_bulletin_text(bulletin, SL_TEXT_PROVIDER) };

    put_char(&line, '{');
    put_head(&line, &source);
    put_headlines(&line, &source);
    put_text(&line, KEY("by"), text_of(&source, SL_TEXT_BYLINE));
    put_text(&line, KEY("slugline"), text_of(&source, SL_TEXT_SLUGLINE));
    put_text(&line, KEY("located"), text_of(&source, SL_TEXT_LOCATED));
    put_bodies(&line, &source);
    put_list(&line, &source, KEY("subjects"), SL_LIST_SUBJECTS, put_coded);
    put_list(&line, &source, KEY("genres"), SL_LIST_GENRES, put_coded);
    put_list(&line, &source, KEY("people"), SL_LIST_PEOPLE, put_coded);
    put_organisations(&line, &source);
    put_list(&line, &source, KEY("places"), SL_LIST_PLACES, put_place);
    put_provider(&line, &source);
    put_text(&line, KEY("edNote"), text_of(&source, SL_TEXT_EDNOTE));
    put_text(&line, KEY("copyrightNotice"), text_of(&source, SL_TEXT_COPYRIGHT));
    put_text(&line, KEY("usageTerms"), text_of(&source, SL_TEXT_USAGE_TERMS));
    put_list(&line, &source, KEY("associations"), SL_LIST_ASSOCIATIONS, put_association);
    put_list(&line, &source, KEY("altIds"), SL_LIST_ALT_IDS, put_alt_id);
    put_standard(&line);
    put_wire(&line, &source, wire ? wire : &no_wire);
    put_char(&line, '}');
    return line.len;
}

/* The worst a byte of the record can become is ten: 32 bytes of an organisation's item give about 190 bytes of keys,
 * and exchange and type of its symbol once more, each REPEATED_LEN_MAX, encoded; a byte of text at most seven (an
 * association's file name: name, encoded in uri, rendition).  The rest is fixed: all keys, numbers and stamps once. */
size_t sl_bulletin_json_bound(uint32_t bulletin_len) { return 6144 + 10 * (size_t)bulletin_len; }

size_t sl_json_string(char *buf, size_t cap, const char *data, size_t len)
{
    struct line line = { .buf = buf, .cap = cap };
    put_char(&line, '"');
    while (len) {
        uint32_t piece_len = len < UINT32_MAX ? (uint32_t)len : UINT32_MAX;
        uint32_t valid_len = sl_utf8_prefix((const uint8_t *)data, piece_len);
        if (valid_len) {
            put_escaped(&line, (struct sl_slice){ data, valid_len });
        } else {
            put_slice(&line, SL_SLICE("\xef\xbf\xbd"));
            valid_len = 1;
        }
        data += valid_len;
        len -= valid_len;
    }
    put_char(&line, '"');
    return line.len;
}
