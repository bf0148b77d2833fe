#include "parsers/mail.h"
#include <string.h>
#include "parsers/ascii.h"

/* ---- transfer encodings ---- */

static int hex_of(uint8_t byte)
{
    byte = sl_lower(byte);
    return sl_is_digit(byte) ? byte - '0' : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* Length of the white space up to a line end that it stands before; 0: it stands before something else. */
static uint32_t trailing_len(struct sl_span rest)
{
    uint32_t len = 0;
    while (len < rest.len && (rest.data[len] == ' ' || rest.data[len] == '\t'))
        len++;
    return len == rest.len || rest.data[len] == '\r' || rest.data[len] == '\n' ? len : 0;
}

/* Behind '=': the bytes of a soft line end; 0: none is here. */
static uint32_t soft_end_len(struct sl_span rest)
{
    uint32_t len = trailing_len(rest);
    if (len < rest.len && rest.data[len] == '\r')
        len++;
    if (len < rest.len && rest.data[len] == '\n')
        return len + 1;
    return len != 0 && (len == rest.len || rest.data[len - 1] == '\r') ? len : 0;
}

uint32_t sl_mail_decode_quoted(uint8_t *to, struct sl_span from, bool is_word)
{
    uint32_t len = 0, at = 0;
    while (at < from.len) {
        uint8_t byte = from.data[at];
        struct sl_span rest = sl_span_skip(from, at + 1);
        if (byte != '=') {
            const uint8_t *mark = is_word ? NULL : memchr(from.data + at, '=', from.len - at);
            uint32_t run = is_word ? 1 : mark ? (uint32_t)(mark - from.data) - at : from.len - at;
            memmove(to + len, from.data + at, run);
            if (is_word && byte == '_')
                to[len] = ' ';
            len += run;
            at += run;
        } else if (rest.len >= 2 && hex_of(rest.data[0]) >= 0 && hex_of(rest.data[1]) >= 0) {
            to[len++] = (uint8_t)(hex_of(rest.data[0]) << 4 | hex_of(rest.data[1]));
            at += 3;
        } else {
            uint32_t soft = is_word ? 0 : soft_end_len(rest);
            if (soft == 0 && rest.len != 0)
                to[len++] = '='; /* as it stands: no encoder wrote this */
            at += 1 + soft;
        }
    }
    return len;
}

/* 0-63, 64 for what is passed over, 65 for the padding, which ends it.  "-" and "_" as in URLs. */
static uint8_t value_of(uint8_t byte)
{
    if (byte >= 'A' && byte <= 'Z')
        return (uint8_t)(byte - 'A');
    if (byte >= 'a' && byte <= 'z')
        return (uint8_t)(byte - 'a' + 26);
    if (sl_is_digit(byte))
        return (uint8_t)(byte - '0' + 52);
    if (byte == '+' || byte == '-')
        return 62;
    if (byte == '/' || byte == '_')
        return 63;
    return byte == '=' ? 65 : 64;
}

uint32_t sl_mail_decode_base64(uint8_t *to, struct sl_span from)
{
    uint32_t len = 0, bits = 0, bit_cnt = 0;
    for (uint32_t i = 0; i < from.len; i++) {
        uint8_t value = value_of(from.data[i]);
        if (value > 63) {
            /* Padding ends a text; what follows may be another one that was put behind it. */
            bit_cnt = value == 65 ? 0 : bit_cnt;
            continue;
        }
        bits = bits << 6 | value;
        bit_cnt += 6;
        if (bit_cnt >= 8) {
            bit_cnt -= 8;
            to[len++] = (uint8_t)(bits >> bit_cnt);
        }
    }
    return len;
}

bool sl_mail_decode(struct sl_parse *parse, const struct sl_mail_part *part, struct sl_span *bytes)
{
    *bytes = part->content;
    if (part->encoding == SL_MAIL_PLAIN)
        return true;
    uint8_t *to = sl_scratch_take(parse, part->content.len);
    if (!to)
        return false;
    bytes->data = to;
    bytes->len = part->encoding == SL_MAIL_BASE64 ? sl_mail_decode_base64(to, part->content)
                                                  : sl_mail_decode_quoted(to, part->content, false);
    return true;
}

/* ---- one part's headers ---- */

static struct sl_span type_of(struct sl_span field)
{
    uint32_t len = 0;
    while (len < field.len && field.data[len] > ' ' && field.data[len] != ';')
        len++;
    return sl_span_head(field, len);
}

static void read_type(struct sl_mail_part *part, struct sl_span field)
{
    uint8_t value[64];
    enum sl_charset unused;
    part->type_field = field;
    part->type = type_of(field);
    uint32_t len = sl_mail_param(field, "charset", value, sizeof(value), &unused);
    part->charset = sl_charset_named((const char *)value, len);
    part->is_charset_unknown = len != 0 && part->charset == SL_CHARSET_UNKNOWN;
    len = sl_mail_param(field, "format", value, sizeof(value), &unused);
    part->is_flowed = sl_span_is((struct sl_span){ value, len }, "flowed");
    len = sl_mail_param(field, "delsp", value, sizeof(value), &unused);
    part->is_delsp = sl_span_is((struct sl_span){ value, len }, "yes");
}

static void read_part_headers(struct sl_mail_part *part, struct sl_span rest)
{
    struct sl_mail_field field;
    uint8_t name[8];
    enum sl_charset unused;
    while (sl_mail_field(&rest, &field)) {
        if (sl_span_is(field.name, "content-type") && part->type_field.len == 0)
            read_type(part, field.value);
        else if (sl_span_is(field.name, "content-transfer-encoding"))
            part->encoding = sl_span_starts(field.value, "base64")             ? SL_MAIL_BASE64
                             : sl_span_starts(field.value, "quoted-printable") ? SL_MAIL_QUOTED_PRINTABLE
                                                                               : SL_MAIL_PLAIN;
        else if (sl_span_is(field.name, "content-disposition"))
            part->disposition = field.value;
        else if (sl_span_is(field.name, "content-id"))
            part->id = field.value;
    }
    part->is_attachment = sl_span_starts(part->disposition, "attachment") ||
                          sl_mail_param(part->disposition, "filename", name, sizeof(name), &unused) != 0 ||
                          sl_mail_param(part->type_field, "name", name, sizeof(name), &unused) != 0;
}

/* ---- the tree ---- */

struct level {
    uint8_t boundary[SL_MAIL_BOUNDARY_MAX];
    uint32_t boundary_len;
    uint8_t alternative; /* its parts' number; 0: they do not say the same */
    bool is_related, had_part;
};

struct splitter {
    struct sl_mail_parts *parts;
    struct level level[SL_MAIL_DEPTH_MAX];
    uint32_t depth;
    struct sl_mail_part *open; /* its content has begun */
    uint8_t alternative_cnt;
};

/* A part of its own from here on, or a level of parts. */
static void open_part(struct splitter *splitter, struct sl_span headers, struct sl_span content)
{
    struct sl_mail_parts *parts = splitter->parts;
    struct level *around = splitter->depth != 0 ? &splitter->level[splitter->depth - 1] : NULL;
    struct sl_mail_part part = { .headers = headers, .content = content };
    enum sl_charset unused;
    read_part_headers(&part, headers);
    part.alternative = around ? around->alternative : 0;
    part.is_root = around && around->is_related && !around->had_part;
    if (around)
        around->had_part = true;
    if (sl_span_starts(part.type, "multipart/")) {
        struct level level = { .alternative = part.alternative };
        level.boundary_len =
            sl_mail_param(part.type_field, "boundary", level.boundary, sizeof(level.boundary), &unused);
        if (sl_span_is(part.type, "multipart/alternative") && level.alternative == 0)
            level.alternative = ++splitter->alternative_cnt;
        level.is_related = sl_span_is(part.type, "multipart/related");
        parts->is_too_deep |= level.boundary_len != 0 && splitter->depth == SL_MAIL_DEPTH_MAX;
        if (level.boundary_len != 0 && splitter->depth < SL_MAIL_DEPTH_MAX) {
            splitter->level[splitter->depth++] = level;
            return;
        }
        part.type = (struct sl_span){ NULL, 0 }; /* parts that nothing parts: a text */
    }
    if (parts->cnt == SL_MAIL_PARTS_MAX || splitter->alternative_cnt == UINT8_MAX) {
        parts->has_more = true;
        return;
    }
    parts->part[parts->cnt] = part;
    splitter->open = &parts->part[parts->cnt++];
}

/* Is this line a boundary, and of which level?  From the innermost: an outer one ends the inner ones, too. */
static bool match_boundary(const struct splitter *splitter, struct sl_span line, uint32_t *depth, bool *is_last)
{
    if (line.len < 3 || line.data[0] != '-' || line.data[1] != '-')
        return false;
    while (line.data[line.len - 1] == ' ' || line.data[line.len - 1] == '\t')
        line.len--;
    for (uint32_t d = splitter->depth; d != 0; d--) {
        const struct level *level = &splitter->level[d - 1];
        if (line.len < level->boundary_len + 2 || memcmp(line.data + 2, level->boundary, level->boundary_len) != 0)
            continue;
        struct sl_span rest = sl_span_skip(line, level->boundary_len + 2);
        *is_last = rest.len == 2 && memcmp(rest.data, "--", 2) == 0;
        *depth = d;
        if (rest.len == 0 || *is_last)
            return true;
    }
    return false;
}

static struct sl_span without_line_end(struct sl_span span)
{
    if (span.len != 0 && span.data[span.len - 1] == '\n')
        span.len--;
    if (span.len != 0 && span.data[span.len - 1] == '\r')
        span.len--;
    return span;
}

static void close_part(struct splitter *splitter, const uint8_t *end)
{
    if (!splitter->open)
        return;
    struct sl_span content = splitter->open->content;
    splitter->open->content = without_line_end(sl_span_head(content, (uint32_t)(end - content.data)));
    splitter->open = NULL;
}

void sl_mail_split(struct sl_mail_parts *parts, struct sl_span headers, struct sl_span content)
{
    struct splitter splitter = { .parts = parts };
    struct sl_span rest = content, line;
    uint32_t depth;
    bool is_last, has_boundary = false;
    parts->cnt = 0;
    parts->has_more = parts->is_cut = parts->is_too_deep = false;
    open_part(&splitter, headers, content);
    while (splitter.depth != 0 && sl_line_next(&rest, &line)) {
        if (!match_boundary(&splitter, line, &depth, &is_last))
            continue;
        has_boundary = true;
        close_part(&splitter, line.data);
        splitter.depth = is_last ? depth - 1 : depth;
        if (is_last)
            continue;
        struct sl_span part_headers = rest;
        struct sl_mail_field field;
        while (sl_mail_field(&rest, &field)) {
        }
        part_headers.len = (uint32_t)(rest.data - part_headers.data);
        open_part(&splitter, part_headers, rest);
    }
    parts->is_cut = splitter.depth != 0;
    if (!has_boundary && splitter.depth != 0) { /* nothing parts it */
        struct sl_mail_part *part = &parts->part[parts->cnt++];
        *part = (struct sl_mail_part){ .headers = headers, .content = content };
    }
}
