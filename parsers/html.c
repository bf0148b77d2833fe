#include "parsers/html.h"
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include "parsers/ascii.h"

#define REPLACEMENT 0xfffdu
#define NAME_MAX    32u /* of an element's name, and of an entity's: "CounterClockwiseContourIntegral" */
#define LOOK_MAX    4096u /* of a string, to tell whether it is HTML */

/* ---- character references ---- */

/* "&#8217;", "&#x2019;", without the semicolon too. */
static uint32_t read_number(struct sl_span text, uint8_t utf8[SL_ENTITY_UTF8_MAX], uint32_t *utf8_len)
{
    bool is_hex = text.len > 2 && sl_lower(text.data[2]) == 'x';
    uint32_t at = is_hex ? 3 : 2, start = at, character = 0;
    for (; at < text.len; at++) {
        uint8_t byte = sl_lower(text.data[at]);
        bool is_letter = is_hex && byte >= 'a' && byte <= 'f';
        if (!sl_is_digit(byte) && !is_letter)
            break;
        if (character <= 0x10ffff)
            character = character * (is_hex ? 16 : 10) + (is_letter ? byte - 'a' + 10u : byte - (uint32_t)'0');
    }
    if (at == start)
        return 0;
    if (character >= 0x80 && character < 0xa0)
        character = sl_charset_high(SL_CHARSET_WINDOWS_1252)[character - 0x80];
    if (character == 0 || character > 0x10ffff || (character >= 0xd800 && character < 0xe000))
        character = REPLACEMENT;
    *utf8_len = sl_utf8_encode(utf8, character); /* no longer than the reference: "&#0" has three, too */
    return at + (at < text.len && text.data[at] == ';');
}

static const struct sl_entity *find_entity(const uint8_t *name, uint32_t len)
{
    uint32_t low = 0, high = SL_ENTITY_CNT;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct sl_entity *entity = &sl_entities[middle];
        uint32_t shorter = len < entity->name_len ? len : entity->name_len;
        int order = memcmp(name, sl_entity_text + entity->off, shorter);
        order = order != 0 ? order : (int)len - (int)entity->name_len;
        if (order == 0)
            return entity;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

uint32_t sl_html_entity(struct sl_span text, uint8_t utf8[SL_ENTITY_UTF8_MAX], uint32_t *utf8_len)
{
    if (text.len < 3)
        return 0;
    if (text.data[1] == '#')
        return read_number(text, utf8, utf8_len);
    uint32_t len = 0, most = text.len - 1 < NAME_MAX ? text.len - 1 : NAME_MAX;
    while (len < most && (sl_is_ascii_letter(text.data[1 + len]) || sl_is_digit(text.data[1 + len])))
        len++;
    bool is_closed = 1 + len < text.len && text.data[1 + len] == ';';
    /* Without a semicolon "&copy=2" is more likely a part of an address. */
    bool is_address = 1 + len < text.len && text.data[1 + len] == '=';
    const struct sl_entity *entity = len < 2 || is_address ? NULL : find_entity(text.data + 1, len);
    if (!entity || !(is_closed || entity->is_bare))
        return 0;
    *utf8_len = entity->utf8_len;
    memcpy(utf8, sl_entity_text + entity->off + entity->name_len, *utf8_len);
    return 1 + len + is_closed;
}

uint32_t sl_html_unescape(uint8_t *to, struct sl_span from)
{
    uint32_t len = 0, utf8_len;
    uint8_t utf8[SL_ENTITY_UTF8_MAX];
    while (from.len != 0) {
        const uint8_t *found = memchr(from.data, '&', from.len);
        uint32_t run = found ? (uint32_t)(found - from.data) : from.len;
        memmove(to + len, from.data, run);
        len += run;
        from = sl_span_skip(from, run);
        uint32_t entity_len = from.len != 0 ? sl_html_entity(from, utf8, &utf8_len) : 0;
        if (entity_len != 0) {
            memcpy(to + len, utf8, utf8_len);
            len += utf8_len;
        } else if (from.len != 0) {
            to[len++] = '&';
            entity_len = 1;
        }
        from = sl_span_skip(from, entity_len);
    }
    return len;
}

/* ---- tokens ---- */

enum token_kind { TOKEN_END, TOKEN_TEXT, TOKEN_REFERENCE, TOKEN_OPEN, TOKEN_CLOSE };

struct token {
    enum token_kind kind;
    bool is_clean; /* TEXT: no controls, and in UTF-8 nothing that a bulletin does not hold as it is */
    struct sl_span text; /* TEXT: as it stands; REFERENCE: its characters; tags: the name */
    struct sl_span attributes;
    uint8_t utf8[SL_ENTITY_UTF8_MAX];
};

struct reader {
    struct sl_span rest;
    bool has_no_end; /* no '>' stands in what is left */
    bool quotes_lie; /* a quote in a tag never closed; they are not looked at any more */
};

/* In well-formed UTF-8: C1 controls begin with C2, replacement characters with EF. */
static bool is_unclean(uint8_t byte) { return byte < 0x20 || byte == 0x7f || byte == 0xc2 || byte == 0xef; }

/* Up to the next '<' or '&'. */
static uint32_t text_run(const uint8_t *data, uint32_t len, bool *is_clean)
{
    uint32_t i = 0;
    bool is_odd = false;
#if defined(__x86_64__)
    const __m128i tag = _mm_set1_epi8('<'), reference = _mm_set1_epi8('&');
    const __m128i low = _mm_set1_epi8(0x1f), del = _mm_set1_epi8(0x7f);
    const __m128i c2 = _mm_set1_epi8((char)0xc2), ef = _mm_set1_epi8((char)0xef);
    uint32_t odd_before = 0;
    for (; len - i >= 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(data + i));
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(block, tag), _mm_cmpeq_epi8(block, reference));
        __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(block, low), block), _mm_cmpeq_epi8(block, del));
        odd = _mm_or_si128(odd, _mm_or_si128(_mm_cmpeq_epi8(block, c2), _mm_cmpeq_epi8(block, ef)));
        uint32_t bits = (uint32_t)_mm_movemask_epi8(found), odd_bits = (uint32_t)_mm_movemask_epi8(odd);
        if (bits != 0) {
            *is_clean = (odd_before | (odd_bits & (bits - 1) & ~bits)) == 0;
            return i + (uint32_t)__builtin_ctz(bits);
        }
        odd_before |= odd_bits;
    }
    is_odd = odd_before != 0;
#endif
    for (; i < len && data[i] != '<' && data[i] != '&'; i++)
        is_odd |= is_unclean(data[i]);
    *is_clean = !is_odd;
    return i;
}

/* A quoted value may hold '>'.  The offset of the '>' that ends the tag; from: behind its name. */
static bool find_quoted_end(struct sl_span tag, uint32_t from, uint32_t *end)
{
    for (uint32_t i = from; i < tag.len; i++) {
        uint8_t byte = tag.data[i];
        if (byte == '>') {
            *end = i;
            return true;
        }
        if ((byte != '"' && byte != '\'') || tag.data[i - 1] != '=') /* i is not 0: from is not */
            continue;
        const uint8_t *close = memchr(tag.data + i + 1, byte, tag.len - i - 1);
        if (!close)
            break;
        i = (uint32_t)(close - tag.data);
    }
    return false;
}

static bool find_end(struct reader *reader, uint32_t from, uint32_t *end)
{
    if (reader->has_no_end)
        return false;
    if (!reader->quotes_lie && find_quoted_end(reader->rest, from, end))
        return true;
    reader->quotes_lie = true;
    const uint8_t *found = memchr(reader->rest.data, '>', reader->rest.len);
    reader->has_no_end = !found;
    *end = found ? (uint32_t)(found - reader->rest.data) : 0;
    return found;
}

static void skip_to(struct reader *reader, const char *end)
{
    uint32_t len = (uint32_t)strlen(end);
    const uint8_t *found = memmem(reader->rest.data, reader->rest.len, end, len);
    reader->rest = found ? sl_span_skip(reader->rest, (uint32_t)(found - reader->rest.data) + len)
                         : sl_span_skip(reader->rest, reader->rest.len);
}

/* A comment, a declaration, a CDATA section's marks, a processing instruction.  False: "<" is text. */
static bool skip_declaration(struct reader *reader)
{
    struct sl_span rest = reader->rest;
    uint32_t end;
    if (sl_span_starts(rest, "<!-->") || sl_span_starts(rest, "<!--->")) {
        skip_to(reader, ">");
    } else if (sl_span_starts(rest, "<!--")) {
        skip_to(reader, "-->");
    } else if (sl_span_starts(rest, "<![CDATA[")) {
        reader->rest = sl_span_skip(rest, 9);
    } else {
        if (!find_end(reader, 1, &end))
            return false;
        reader->rest = sl_span_skip(rest, end + 1);
    }
    return true;
}

enum name_byte { NAME_NOT, NAME_WORD, NAME_COLON, NAME_END };

static const uint8_t name_bytes[256] = {
    ['a' ... 'z'] = NAME_WORD, ['A' ... 'Z'] = NAME_WORD, ['0' ... '9'] = NAME_WORD, [0x80 ... 0xff] = NAME_WORD,
    ['-'] = NAME_WORD,         ['_'] = NAME_WORD,         ['.'] = NAME_WORD,         [':'] = NAME_COLON,
    [' '] = NAME_END,          ['\t'] = NAME_END,         ['\r'] = NAME_END,         ['\n'] = NAME_END,
    ['>'] = NAME_END,          ['/'] = NAME_END,
};

/* The length of what is a name, 0: what stands there is text.  *prefix_len: up to its last colon, and with it. */
static uint32_t name_len(struct sl_span at, uint32_t *prefix_len)
{
    uint32_t len = 0, most = at.len < NAME_MAX ? at.len : NAME_MAX;
    *prefix_len = 0;
    if (at.len == 0 || !sl_is_ascii_letter(at.data[0]))
        return 0;
    for (; len < most; len++) {
        uint8_t kind = name_bytes[at.data[len]];
        if (kind == NAME_COLON)
            *prefix_len = len + 1;
        else if (kind != NAME_WORD)
            return kind == NAME_END && *prefix_len != len ? len : 0;
    }
    return 0;
}

/* "<p class=x>", "</p>", "<br/>".  False: it is text. */
static bool read_tag(struct reader *reader, struct token *token)
{
    bool is_close = reader->rest.len > 1 && reader->rest.data[1] == '/';
    uint32_t start = is_close ? 2 : 1, end, prefix_len;
    struct sl_span at = sl_span_skip(reader->rest, start < reader->rest.len ? start : reader->rest.len);
    uint32_t len = name_len(at, &prefix_len);
    if (len == 0 || !find_end(reader, start + len, &end))
        return false;
    token->kind = is_close ? TOKEN_CLOSE : TOKEN_OPEN;
    token->text = (struct sl_span){ at.data + prefix_len, len - prefix_len };
    token->attributes = (struct sl_span){ reader->rest.data + start + len, end - start - len };
    reader->rest = sl_span_skip(reader->rest, end + 1);
    return true;
}

static void take_text(struct reader *reader, struct token *token, uint32_t len)
{
    token->kind = TOKEN_TEXT;
    token->text = sl_span_head(reader->rest, len);
    reader->rest = sl_span_skip(reader->rest, len);
}

static void next_token(struct reader *reader, struct token *token)
{
    while (reader->rest.len != 0) {
        uint32_t run = text_run(reader->rest.data, reader->rest.len, &token->is_clean), utf8_len;
        if (run != 0) {
            take_text(reader, token, run);
            return;
        }
        if (reader->rest.data[0] == '&') {
            uint32_t len = sl_html_entity(reader->rest, token->utf8, &utf8_len);
            take_text(reader, token, len != 0 ? len : 1);
            if (len != 0) {
                token->kind = TOKEN_REFERENCE;
                token->text = (struct sl_span){ token->utf8, utf8_len };
            }
            return;
        }
        uint8_t next = reader->rest.len > 1 ? reader->rest.data[1] : ' ';
        if ((next == '!' || next == '?') && skip_declaration(reader))
            continue;
        if (next != '!' && next != '?' && read_tag(reader, token))
            return;
        take_text(reader, token, 1);
        return;
    }
    token->kind = TOKEN_END;
}

/* Behind "</name", which need not be there: then only what is no markup either goes with it. */
static void skip_hidden(struct reader *reader, struct sl_span name, enum sl_markup_role role)
{
    struct sl_span rest = reader->rest;
    while (rest.len != 0) {
        const uint8_t *found = memmem(rest.data, rest.len, "</", 2);
        if (!found)
            break;
        rest = sl_span_skip(rest, (uint32_t)(found - rest.data) + 2);
        uint32_t i = 0;
        while (i < name.len && i < rest.len && sl_lower(rest.data[i]) == sl_lower(name.data[i]))
            i++;
        if (i == name.len && (i == rest.len || !sl_is_word_byte(rest.data[i]))) {
            const uint8_t *end = memchr(rest.data, '>', rest.len);
            reader->rest = end ? sl_span_skip(rest, (uint32_t)(end - rest.data) + 1) : sl_span_skip(rest, rest.len);
            return;
        }
    }
    if (role == SL_MARKUP_RAW)
        reader->rest = sl_span_skip(reader->rest, reader->rest.len);
}

/* What is hidden and may stay open is looked for once: hidden_open says that its end was missing. */
static bool is_hidden(struct reader *reader, const struct token *token, enum sl_markup_role role, bool *hidden_open)
{
    if (role != SL_MARKUP_HIDDEN && role != SL_MARKUP_RAW)
        return false;
    bool is_empty = token->attributes.len != 0 && token->attributes.data[token->attributes.len - 1] == '/';
    if (token->kind == TOKEN_CLOSE || *hidden_open || (is_empty && role == SL_MARKUP_HIDDEN))
        return true;
    const uint8_t *before = reader->rest.data;
    /* XHTML closes at once what HTML does not, and which of them this is only the rest can tell. */
    skip_hidden(reader, token->text, is_empty ? SL_MARKUP_HIDDEN : role);
    *hidden_open = reader->rest.data == before;
    return true;
}

/* ---- is it HTML? ---- */

bool sl_html_is_markup(struct sl_span text)
{
    struct reader reader = { .rest = sl_span_head(text, LOOK_MAX) };
    struct token token;
    for (next_token(&reader, &token); token.kind != TOKEN_END; next_token(&reader, &token)) {
        bool is_tag = token.kind == TOKEN_OPEN || token.kind == TOKEN_CLOSE;
        if (is_tag && sl_markup_role(token.text.data, token.text.len) != SL_MARKUP_UNKNOWN)
            return true;
    }
    return false;
}

bool sl_html_is_escaped(struct sl_span text)
{
    uint8_t plain[LOOK_MAX];
    if (sl_html_is_markup(text))
        return false;
    return sl_html_is_markup((struct sl_span){ plain, sl_html_unescape(plain, sl_span_head(text, LOOK_MAX)) });
}

/* ---- safe HTML ---- */

#define OPEN_MAX 48u

#define SAFE_PER_LETTER 8u
#define SAFE_NONE       UINT32_MAX
#define SAFE_NAME_MAX   10u

struct safe_element {
    uint8_t len; /* 0: none */
    char name[SAFE_NAME_MAX];
};
#define SAFE(name)                                                                                                     \
    {                                                                                                                  \
        sizeof(name) - 1, name                                                                                         \
    }

/* By first letter, since every tag of a body is looked up here.  No letter has all of its places, so a row without name
 * ends it.  Left as it is typed, since rows would be spread. */
/* clang-format off */
static const struct safe_element safe_elements[26 * SAFE_PER_LETTER] = {
#define AT(letter) [((letter) - 'a') * SAFE_PER_LETTER]
    AT('a') = SAFE("a"),
    AT('b') = SAFE("br"), SAFE("b"), SAFE("blockquote"),
    AT('c') = SAFE("caption"), SAFE("cite"),
    AT('d') = SAFE("div"), SAFE("dl"), SAFE("dt"), SAFE("dd"),
    AT('e') = SAFE("em"),
    AT('h') = SAFE("h1"), SAFE("h2"), SAFE("h3"), SAFE("h4"), SAFE("h5"), SAFE("h6"), SAFE("hr"),
    AT('i') = SAFE("i"),
    AT('l') = SAFE("li"),
    AT('o') = SAFE("ol"),
    AT('p') = SAFE("p"), SAFE("pre"),
    AT('q') = SAFE("q"),
    AT('s') = SAFE("strong"), SAFE("sub"), SAFE("sup"),
    AT('t') = SAFE("td"), SAFE("th"), SAFE("tr"), SAFE("table"), SAFE("thead"), SAFE("tbody"), SAFE("tfoot"),
    AT('u') = SAFE("u"), SAFE("ul"),
#undef AT
};
/* clang-format on */
_Static_assert(26 * SAFE_PER_LETTER <= UINT8_MAX, "a place in safe_elements is one byte");

struct safe {
    struct sl_out *out;
    enum sl_charset charset;
    bool is_proven; /* the text is known to be well-formed UTF-8 */
    struct sl_text_stats *stats;
    uint32_t start, most; /* how long it may become */
    uint32_t open_cnt;
    uint8_t open[OPEN_MAX]; /* places in safe_elements */
};

static uint32_t find_safe(struct sl_span name)
{
    uint8_t letter = sl_lower(name.data[0]); /* no name is empty */
    if (letter < 'a' || letter > 'z')
        return SAFE_NONE;
    for (uint32_t i = SAFE_PER_LETTER * (letter - 'a'); safe_elements[i].len != 0; i++) {
        uint32_t at = 1;
        if (safe_elements[i].len != name.len)
            continue;
        while (at < name.len && sl_lower(name.data[at]) == (uint8_t)safe_elements[i].name[at])
            at++;
        if (at == name.len)
            return i;
    }
    return SAFE_NONE;
}

static bool is_void(uint32_t element)
{
    const char *name = safe_elements[element].name;
    return name[1] == 'r' && (name[0] == 'b' || name[0] == 'h');
}

static bool is_escaped(uint8_t byte) { return byte == '<' || byte == '>' || byte == '&' || byte == '"'; }

static uint32_t unescaped_run(const uint8_t *data, uint32_t len)
{
    uint32_t i = 0;
#if defined(__x86_64__)
    /* '<' and '>' differ in one bit, and '&' and '"' in another. */
    const __m128i angle = _mm_set1_epi8('<' | '>'), angle_bit = _mm_set1_epi8('<' ^ '>');
    const __m128i quote = _mm_set1_epi8('&' | '"'), quote_bit = _mm_set1_epi8('&' ^ '"');
    for (; len - i >= 16; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(data + i));
        __m128i found = _mm_or_si128(_mm_cmpeq_epi8(_mm_or_si128(block, angle_bit), angle),
                                     _mm_cmpeq_epi8(_mm_or_si128(block, quote_bit), quote));
        uint32_t bits = (uint32_t)_mm_movemask_epi8(found);
        if (bits != 0)
            return i + (uint32_t)__builtin_ctz(bits);
    }
#endif
    while (i < len && !is_escaped(data[i]))
        i++;
    return i;
}

/* is_clean: it may be put as it is, but for what is markup. */
static void put_escaped(struct safe *safe, struct sl_span text, enum sl_charset charset, bool is_clean)
{
    while (text.len != 0) {
        uint32_t len = unescaped_run(text.data, text.len);
        if (is_clean)
            sl_out_put(safe->out, text.data, len);
        else
            sl_text_put(safe->out, charset, text.data, len, safe->stats);
        if (len < text.len) {
            uint8_t byte = text.data[len];
            const char *escaped = byte == '<' ? "&lt;" : byte == '>' ? "&gt;" : byte == '&' ? "&amp;" : "&quot;";
            sl_out_put(safe->out, escaped, (uint32_t)strlen(escaped));
            len++;
        }
        text = sl_span_skip(text, len);
    }
}

enum tag_kind { TAG_OPEN, TAG_CLOSE, TAG_VOID, TAG_LINK };

static void put_tag(struct safe *safe, enum tag_kind kind, uint32_t element)
{
    static const struct {
        uint8_t before_len, after_len;
        char before[2], after[7];
    } kinds[] = {
        [TAG_OPEN] = {1,  1, "<",  ">"       },
        [TAG_CLOSE] = { 2, 1, "</", ">"       },
        [TAG_VOID] = { 1, 2, "<",  "/>"      },
        [TAG_LINK] = { 1, 7, "<",  " href=\""},
    };
    uint8_t tag[32];
    uint32_t len = kinds[kind].before_len;
    memcpy(tag, kinds[kind].before, sizeof(kinds->before));
    memcpy(tag + len, safe_elements[element].name, SAFE_NAME_MAX);
    len += safe_elements[element].len;
    memcpy(tag + len, kinds[kind].after, sizeof(kinds->after));
    sl_out_put(safe->out, tag, len + kinds[kind].after_len);
}

/* The value of href, without quotes; empty when there is none. */
static struct sl_span find_href(struct sl_span attributes)
{
    uint32_t off;
    struct sl_span none = { NULL, 0 };
    while (sl_span_find(attributes, "href", &off)) {
        bool is_whole = off != 0 && (sl_is_white(attributes.data[off - 1]) || attributes.data[off - 1] == '/');
        attributes = sl_span_skip_white(sl_span_skip(attributes, off + 4));
        if (!is_whole || attributes.len < 2 || attributes.data[0] != '=')
            continue;
        attributes = sl_span_skip_white(sl_span_skip(attributes, 1));
        if (attributes.len == 0)
            return none;
        uint8_t quote = attributes.data[0];
        if (quote != '"' && quote != '\'')
            return sl_span_word(attributes);
        attributes = sl_span_skip(attributes, 1);
        const uint8_t *close = memchr(attributes.data, quote, attributes.len);
        return close ? sl_span_head(attributes, (uint32_t)(close - attributes.data)) : none;
    }
    return none;
}

/* The schemes that lead somewhere and do nothing.  Characters that could make another scheme of it end the matter. */
static bool is_safe_href(struct sl_span href)
{
    if (!sl_span_starts(href, "http://") && !sl_span_starts(href, "https://") && !sl_span_starts(href, "mailto:"))
        return false;
    for (uint32_t i = 0; i < href.len; i++) {
        if (href.data[i] <= ' ' || href.data[i] == '<' || href.data[i] == '>' || href.data[i] == '"')
            return false;
    }
    return true;
}

static void open_safe(struct safe *safe, uint32_t element, struct sl_span attributes)
{
    if (is_void(element)) {
        put_tag(safe, TAG_VOID, element);
        return;
    }
    if (safe->open_cnt == OPEN_MAX)
        return;
    safe->open[safe->open_cnt++] = (uint8_t)element;
    bool is_link = safe_elements[element].name[0] == 'a';
    struct sl_span href = is_link ? sl_span_trim(find_href(attributes)) : (struct sl_span){ NULL, 0 };
    if (href.len == 0 || !is_safe_href(href)) {
        put_tag(safe, TAG_OPEN, element);
        return;
    }
    put_tag(safe, TAG_LINK, element);
    /* Its references stay as they are: they are written as they were read. */
    sl_text_put(safe->out, safe->charset, href.data, href.len, safe->stats);
    sl_out_put(safe->out, "\">", 2);
}

/* Closes what is open inside it, too; what is not open is not closed. */
static void close_safe(struct safe *safe, uint32_t element)
{
    uint32_t at = safe->open_cnt;
    while (at != 0 && safe->open[at - 1] != element)
        at--;
    if (at == 0)
        return;
    while (safe->open_cnt >= at)
        put_tag(safe, TAG_CLOSE, safe->open[--safe->open_cnt]);
}

static bool is_too_long(const struct safe *safe) { return sl_out_opened(safe->out).len - safe->start > safe->most; }

/* False: no more of it is wanted. */
static bool put_safe_token(struct safe *safe, const struct token *token)
{
    if (token->kind == TOKEN_TEXT) {
        put_escaped(safe, token->text, safe->charset, safe->is_proven && token->is_clean);
    } else if (token->kind == TOKEN_REFERENCE) {
        put_escaped(safe, token->text, SL_CHARSET_UTF8, false);
    } else {
        uint32_t element = find_safe(token->text);
        if (element != SAFE_NONE && token->kind == TOKEN_OPEN)
            open_safe(safe, element, token->attributes);
        else if (element != SAFE_NONE)
            close_safe(safe, element);
    }
    return !is_too_long(safe);
}

static void begin_safe(struct safe *safe, struct sl_out *out, enum sl_charset charset, struct sl_span html,
                       struct sl_text_stats *stats)
{
    safe->out = out;
    safe->charset = charset;
    safe->is_proven = false;
    safe->stats = stats;
    safe->start = sl_out_opened(out).len;
    safe->most = html.len + html.len / 2;
    safe->open_cnt = 0;
}

/* False: it has become too long, and is taken back. */
static bool end_safe(struct safe *safe)
{
    while (safe->open_cnt != 0)
        put_tag(safe, TAG_CLOSE, safe->open[--safe->open_cnt]);
    if (safe->out->full || !is_too_long(safe))
        return true;
    sl_out_cut(safe->out, safe->start);
    return false;
}

/* ---- reading ---- */

static void put_markup_token(struct sl_markup *markup, const struct token *token, enum sl_markup_role role)
{
    if (token->kind == TOKEN_TEXT)
        sl_markup_text(markup, token->text.data, token->text.len);
    else if (token->kind == TOKEN_REFERENCE)
        sl_markup_reference(markup, token->text.data, token->text.len);
    else if (token->kind == TOKEN_OPEN || role == SL_MARKUP_BREAK)
        sl_markup_open(markup, role);
    else
        sl_markup_close(markup, role);
}

/* Its text to the one, safe HTML to the other: either may be NULL. */
static void read_html(struct sl_span html, struct sl_markup *markup, struct safe *safe)
{
    struct reader reader = { .rest = html };
    struct token token;
    bool hidden_open = false;
    for (next_token(&reader, &token); token.kind != TOKEN_END; next_token(&reader, &token)) {
        enum sl_markup_role role = SL_MARKUP_INLINE;
        if (token.kind == TOKEN_OPEN || token.kind == TOKEN_CLOSE) {
            role = sl_markup_role(token.text.data, token.text.len);
            if (is_hidden(&reader, &token, role, &hidden_open))
                continue;
        }
        if (markup)
            put_markup_token(markup, &token, role);
        if (safe && !put_safe_token(safe, &token))
            safe = NULL;
        if (!markup && !safe)
            return;
    }
}

static bool is_utf8(enum sl_charset charset, struct sl_span text)
{
    bool is_labelled = charset == SL_CHARSET_UTF8 || charset == SL_CHARSET_UNKNOWN;
    return is_labelled && sl_utf8_prefix(text.data, text.len) == text.len;
}

void sl_html_put(struct sl_markup *markup, struct sl_span html)
{
    bool was_proven = markup->is_proven;
    markup->is_proven = markup->is_proven || is_utf8(markup->charset, html);
    read_html(html, markup, NULL);
    markup->is_proven = was_proven;
}

void sl_html_put_body(struct sl_out *out, enum sl_charset charset, struct sl_span html, struct sl_text_stats *stats)
{
    struct sl_markup markup;
    sl_markup_begin(&markup, out, charset, false, stats);
    sl_html_put(&markup, html);
    sl_markup_end(&markup);
}

void sl_html_put_line(struct sl_out *out, enum sl_charset charset, struct sl_span html, struct sl_text_stats *stats)
{
    struct sl_markup markup;
    sl_markup_begin(&markup, out, charset, false, stats);
    markup.is_one_line = true;
    sl_html_put(&markup, html);
    sl_markup_end(&markup);
}

bool sl_html_put_safe(struct sl_out *out, enum sl_charset charset, struct sl_span html, struct sl_text_stats *stats)
{
    struct safe safe;
    begin_safe(&safe, out, charset, html, stats);
    read_html(html, NULL, &safe);
    return end_safe(&safe);
}

uint32_t sl_html_put_both(struct sl_markup *markup, struct sl_span html, uint8_t *to, uint32_t to_len)
{
    struct sl_out beside; /* of which only what takes text is used */
    struct safe safe;
    bool was_proven = markup->is_proven;
    sl_out_begin_text(&beside, to, to_len);
    begin_safe(&safe, &beside, markup->charset, html, NULL);
    markup->is_proven = markup->is_proven || is_utf8(markup->charset, html);
    safe.is_proven = markup->is_proven;
    read_html(html, markup, &safe);
    markup->is_proven = was_proven;
    return end_safe(&safe) && !beside.full ? sl_out_opened(&beside).len : 0;
}
