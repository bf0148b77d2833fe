#include "parsers/mail.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/wording.h"

#define WORD_MAX 1024u /* bytes of an encoded word; RFC 2047 allows 75, and nobody keeps to it */

/* ---- fields ---- */

/* A field's name ends at the colon and holds no blanks, but some put one before the colon. */
static uint32_t name_len(struct sl_span line)
{
    uint32_t len = 0;
    while (len < line.len && line.data[len] > ' ' && line.data[len] < 0x7f && line.data[len] != ':')
        len++;
    uint32_t colon = len;
    while (colon < line.len && (line.data[colon] == ' ' || line.data[colon] == '\t'))
        colon++;
    return len != 0 && colon < line.len && line.data[colon] == ':' ? len : 0;
}

static bool is_folded(struct sl_span rest) { return rest.len != 0 && (rest.data[0] == ' ' || rest.data[0] == '\t'); }

bool sl_mail_field(struct sl_span *rest, struct sl_mail_field *field)
{
    struct sl_span line, before = *rest;
    for (; sl_line_next(rest, &line); before = *rest) {
        if (line.len == 0)
            return false;
        if (line.len > 2 && line.data[0] == '-' && line.data[1] == '-') {
            *rest = before; /* no field, but a boundary: the empty line is missing */
            return false;
        }
        uint32_t len = name_len(line);
        const uint8_t *end = line.data + line.len;
        while (is_folded(*rest)) {
            struct sl_span more;
            sl_line_next(rest, &more);
            end = more.data + more.len;
        }
        if (len == 0)
            continue;
        field->name = sl_span_head(line, len);
        const uint8_t *colon = sl_span_first(line, ':');
        field->value = sl_span_trim((struct sl_span){ colon + 1, (uint32_t)(end - colon) - 1 });
        field->value.len = field->value.len < SL_MAIL_VALUE_MAX ? field->value.len : SL_MAIL_VALUE_MAX;
        return true;
    }
    return false;
}

enum sl_charset sl_mail_charset(struct sl_span bytes, enum sl_charset label)
{
    uint32_t bom_len;
    enum sl_charset charset = sl_charset_guess(bytes.data, bytes.len, label, &bom_len);
    if (charset != SL_CHARSET_UTF8 || label != SL_CHARSET_UTF8)
        return charset;
    uint32_t at = sl_ascii_prefix(bytes.data, bytes.len);
    while (at < bytes.len) {
        /* A character beyond ASCII is at least two bytes. */
        uint32_t len =
            bytes.data[at] < 0xc2 ? 0 : sl_utf8_prefix(bytes.data + at, bytes.len - at < 4 ? bytes.len - at : 4);
        if (len >= 2)
            return SL_CHARSET_UTF8;
        at++;
        at += sl_ascii_prefix(bytes.data + at, bytes.len - at);
    }
    return sl_ascii_prefix(bytes.data, bytes.len) == bytes.len ? SL_CHARSET_UTF8 : SL_CHARSET_WINDOWS_1252;
}

/* ---- encoded words ---- */

struct word {
    struct sl_span charset, text;
    uint8_t encoding; /* 'q' or 'b' */
    uint32_t len; /* of all of it */
};

/* "=?charset*language?Q?text?=" at the start. */
static bool read_word(struct sl_span at, struct word *word)
{
    struct sl_span look = sl_span_head(at, WORD_MAX);
    if (look.len < 8 || memcmp(look.data, "=?", 2) != 0)
        return false;
    const uint8_t *mark = memchr(look.data + 2, '?', look.len - 2);
    if (!mark || look.len - (uint32_t)(mark - look.data) < 5 || mark[2] != '?')
        return false;
    word->charset = (struct sl_span){ look.data + 2, (uint32_t)(mark - look.data) - 2 };
    const uint8_t *language = sl_span_first(word->charset, '*');
    if (language)
        word->charset.len = (uint32_t)(language - word->charset.data);
    word->encoding = sl_lower(mark[1]);
    struct sl_span text = sl_span_skip(look, (uint32_t)(mark + 3 - look.data));
    uint32_t len = 0;
    while (len + 1 < text.len && !(text.data[len] == '?' && text.data[len + 1] == '='))
        len++;
    if (len + 1 >= text.len || (word->encoding != 'q' && word->encoding != 'b'))
        return false;
    word->text = sl_span_head(text, len);
    word->len = (uint32_t)(text.data - look.data) + len + 2;
    return true;
}

/* Words in a row with the same label are one text: a character may be parted between them.  Gives what they hold. */
static struct sl_span join_words(struct sl_span *rest, const struct word *first, uint8_t *to)
{
    struct word word = *first, next;
    uint32_t len = 0;
    for (;;) {
        if (word.encoding == 'q')
            len += sl_mail_decode_quoted(to + len, word.text, true);
        else
            len += sl_mail_decode_base64(to + len, word.text);
        *rest = sl_span_skip(*rest, word.len);
        struct sl_span after = sl_span_skip_white(*rest);
        /* White space between encoded words is none (RFC 2047, 6.2). */
        if (!read_word(after, &next))
            break;
        *rest = after;
        if (next.charset.len != word.charset.len || memcmp(next.charset.data, word.charset.data, word.charset.len) != 0)
            break;
        word = next;
    }
    return (struct sl_span){ to, len };
}

static void put_bytes(struct sl_parse *parse, struct sl_span bytes, enum sl_charset label)
{
    sl_text_put(&parse->out, sl_mail_charset(bytes, label), bytes.data, bytes.len, &parse->text);
}

/* Under a label that nobody knows: it may be UTF-8 all the same. */
static bool is_unreadable(struct sl_span bytes)
{
    return sl_span_first(bytes, 0x1b) || sl_utf8_prefix(bytes.data, bytes.len) != bytes.len;
}

static void put_words(struct sl_parse *parse, struct sl_span value, uint8_t *scratch)
{
    struct sl_span rest = value;
    while (rest.len != 0) {
        struct word word;
        const uint8_t *mark = memmem(rest.data, rest.len, "=?", 2);
        uint32_t plain = mark ? (uint32_t)(mark - rest.data) : rest.len;
        if (plain == 0 && !read_word(rest, &word))
            plain = 2;
        if (plain != 0) {
            put_bytes(parse, sl_span_head(rest, plain), SL_CHARSET_UNKNOWN);
            rest = sl_span_skip(rest, plain < rest.len ? plain : rest.len);
            continue;
        }
        enum sl_charset label = sl_charset_named((const char *)word.charset.data, word.charset.len);
        struct sl_span bytes = join_words(&rest, &word, scratch);
        if (label == SL_CHARSET_UNKNOWN && is_unreadable(bytes))
            sl_wording_put_ascii(&parse->out, bytes, &parse->text);
        else
            put_bytes(parse, bytes, label);
    }
}

struct sl_ref sl_mail_words(struct sl_parse *parse, struct sl_span value)
{
    struct sl_out *out = &parse->out;
    uint32_t used = parse->scratch.used;
    value = sl_span_head(value, SL_MAIL_VALUE_MAX);
    /* Decoded words are shorter than they were; of Windows-1252 a character may become three bytes of UTF-8. */
    uint8_t *decoded = sl_scratch_take(parse, SL_MAIL_VALUE_MAX), *line = sl_scratch_take(parse, 4 * SL_MAIL_VALUE_MAX);
    struct sl_ref ref = { 0, 0 };
    sl_out_open(out);
    if (decoded && line) {
        put_words(parse, value, decoded);
        struct sl_slice words = sl_out_opened(out);
        if (words.len <= 4 * SL_MAIL_VALUE_MAX) {
            memcpy(line, words.data, words.len);
            sl_out_cut(out, 0);
            sl_text_put_line(out, SL_CHARSET_UTF8, line, words.len, NULL);
        }
    }
    ref = sl_out_close(out);
    parse->scratch.used = used;
    return ref;
}

/* ---- parameters ---- */

struct param {
    struct sl_span name, value; /* value: as written, without quotes */
    bool is_quoted;
};

static struct sl_span skip_blanks(struct sl_span span)
{
    span = sl_span_skip_white(span);
    /* A comment may stand anywhere; those that nest are nobody's. */
    while (span.len != 0 && span.data[0] == '(') {
        const uint8_t *end = sl_span_first(span, ')');
        span = end ? sl_span_skip(span, (uint32_t)(end - span.data) + 1) : sl_span_skip(span, span.len);
        span = sl_span_skip_white(span);
    }
    return span;
}

static bool next_param(struct sl_span *rest, struct param *param)
{
    uint32_t len = 0;
    const uint8_t *semicolon = sl_span_first(*rest, ';');
    if (!semicolon)
        return false;
    *rest = skip_blanks(sl_span_skip(*rest, (uint32_t)(semicolon - rest->data) + 1));
    while (len < rest->len && rest->data[len] > ' ' && rest->data[len] != '=' && rest->data[len] != ';')
        len++;
    param->name = sl_span_head(*rest, len);
    *rest = skip_blanks(sl_span_skip(*rest, len));
    param->value = (struct sl_span){ rest->data, 0 };
    param->is_quoted = false;
    if (rest->len == 0 || rest->data[0] != '=')
        return true;
    *rest = skip_blanks(sl_span_skip(*rest, 1));
    len = 0;
    param->is_quoted = rest->len != 0 && rest->data[0] == '"';
    if (param->is_quoted) {
        *rest = sl_span_skip(*rest, 1);
        while (len < rest->len && rest->data[len] != '"')
            len += rest->data[len] == '\\' && len + 1 < rest->len ? 2 : 1;
    } else {
        while (len < rest->len && rest->data[len] > ' ' && rest->data[len] != ';')
            len++;
    }
    param->value = sl_span_head(*rest, len);
    *rest = sl_span_skip(*rest, len);
    return true;
}

static int hex_of(uint8_t byte)
{
    byte = sl_lower(byte);
    return sl_is_digit(byte) ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static uint32_t copy_value(struct sl_span value, bool is_percent, uint8_t *to, uint32_t cap)
{
    uint32_t len = 0;
    for (uint32_t i = 0; i < value.len && len < cap; i++) {
        uint8_t byte = value.data[i];
        if (is_percent && byte == '%' && i + 2 < value.len && hex_of(value.data[i + 1]) >= 0 &&
            hex_of(value.data[i + 2]) >= 0) {
            byte = (uint8_t)(hex_of(value.data[i + 1]) << 4 | hex_of(value.data[i + 2]));
            i += 2;
        } else if (!is_percent && byte == '\\' && i + 1 < value.len) {
            byte = value.data[++i];
        } else if (byte == '\r' || byte == '\n') {
            continue;
        }
        to[len++] = byte;
    }
    return len;
}

/* "charset'language'" before the first piece of an extended value. */
static struct sl_span take_label(struct sl_span value, enum sl_charset *charset)
{
    const uint8_t *first = sl_span_first(value, '\'');
    if (!first)
        return value;
    struct sl_span rest = sl_span_skip(value, (uint32_t)(first - value.data) + 1);
    const uint8_t *second = sl_span_first(rest, '\'');
    if (!second)
        return value;
    *charset = sl_charset_named((const char *)value.data, (size_t)(first - value.data));
    return sl_span_skip(rest, (uint32_t)(second - rest.data) + 1);
}

/* Behind the name itself: "", "*", "*0", "*0*".  False: another parameter.  Pieces come in their order. */
static bool read_suffix(struct sl_span name, const char *wanted, bool *is_extended, bool *is_first)
{
    if (!sl_span_starts(name, wanted))
        return false;
    name = sl_span_skip(name, (uint32_t)strlen(wanted));
    *is_extended = name.len != 0 && name.data[name.len - 1] == '*';
    *is_first = name.len < 2 || name.data[1] == '0';
    return name.len == 0 || name.data[0] == '*';
}

uint32_t sl_mail_param(struct sl_span value, const char *name, uint8_t *to, uint32_t cap, enum sl_charset *charset)
{
    struct sl_span rest = value;
    struct param param;
    uint32_t len = 0;
    bool is_extended, is_first;
    *charset = SL_CHARSET_UNKNOWN;
    while (next_param(&rest, &param)) {
        if (!read_suffix(param.name, name, &is_extended, &is_first) || (is_first && len != 0))
            continue;
        if (is_extended && is_first)
            param.value = take_label(param.value, charset);
        len += copy_value(param.value, is_extended, to + len, cap - len);
    }
    return len;
}

/* ---- addresses and ids ---- */

/* To the comma that ends an address: not one in quotes, brackets or a comment. */
static uint32_t address_len(struct sl_span rest)
{
    bool in_quotes = false, in_angle = false;
    uint32_t comment = 0, i = 0;
    for (; i < rest.len; i++) {
        uint8_t byte = rest.data[i];
        if (byte == '\\' && i + 1 < rest.len)
            i++;
        else if (byte == '"' && comment == 0)
            in_quotes = !in_quotes;
        else if (in_quotes)
            continue;
        else if (byte == '(')
            comment++;
        else if (byte == ')' && comment != 0)
            comment--;
        else if (byte == '<' || byte == '>')
            in_angle = byte == '<';
        else if ((byte == ',' || byte == ';') && comment == 0 && !in_angle)
            break;
    }
    return i < rest.len ? i : rest.len;
}

static struct sl_span strip(struct sl_span span, char open, char close)
{
    span = sl_span_trim(span);
    if (span.len >= 2 && span.data[0] == (uint8_t)open && span.data[span.len - 1] == (uint8_t)close)
        span = sl_span_trim((struct sl_span){ span.data + 1, span.len - 2 });
    return span;
}

bool sl_mail_address(struct sl_span *rest, struct sl_mail_address *address)
{
    *rest = sl_span_skip_white(*rest);
    if (rest->len == 0)
        return false;
    struct sl_span one = sl_span_head(*rest, address_len(*rest));
    *rest = sl_span_skip(*rest, one.len < rest->len ? one.len + 1 : one.len);
    const uint8_t *open = sl_span_last(one, '<'), *comment = sl_span_first(one, '(');
    *address = (struct sl_mail_address){ .address = sl_span_trim(one) };
    if (open) {
        struct sl_span behind = sl_span_skip(one, (uint32_t)(open - one.data) + 1);
        const uint8_t *close = sl_span_first(behind, '>');
        address->address = sl_span_trim(sl_span_head(behind, close ? (uint32_t)(close - behind.data) : behind.len));
        address->name = strip(sl_span_head(one, (uint32_t)(open - one.data)), '"', '"');
    } else if (comment) {
        address->address = sl_span_trim(sl_span_head(one, (uint32_t)(comment - one.data)));
        address->name = strip(sl_span_skip(one, (uint32_t)(comment - one.data)), '(', ')');
    }
    address->name = strip(address->name, '\'', '\'');
    return true;
}

bool sl_mail_id(struct sl_span *rest, struct sl_span *id)
{
    const uint8_t *open = sl_span_first(*rest, '<');
    if (!open)
        return false;
    *rest = sl_span_skip(*rest, (uint32_t)(open - rest->data));
    const uint8_t *close = sl_span_first(*rest, '>');
    if (!close)
        return false;
    *id = sl_span_head(*rest, (uint32_t)(close - rest->data) + 1);
    *rest = sl_span_skip(*rest, id->len);
    return true;
}
