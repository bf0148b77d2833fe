#include "parsers/mail.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/wording.h"

#define SIGNATURE_LINES_MAX 24u /* below "-- ": more is no signature */
#define SIGNATURE_LEN_MAX   2000u

static uint32_t quote_depth(struct sl_span line)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < line.len && (line.data[i] == '>' || (line.data[i] == ' ' && depth != 0)); i++)
        depth += line.data[i] == '>';
    return depth;
}

/* ---- format=flowed (RFC 3676) ---- */

/* A line without its quote marks, and without the blank that was put before what needs one. */
static struct sl_span unstuff(struct sl_span line, uint32_t *depth)
{
    *depth = 0;
    while (*depth < line.len && line.data[*depth] == '>')
        ++*depth;
    line = sl_span_skip(line, *depth);
    return line.len != 0 && line.data[0] == ' ' ? sl_span_skip(line, 1) : line;
}

/* Joins lines that flow; what is fixed ends with LF.  Quotes keep one mark.  to has room for as many bytes as from
 * and its lines. */
static uint32_t unflow(const struct sl_mail_text *text, struct sl_span from, uint8_t *to)
{
    struct sl_span line;
    uint32_t len = 0, depth, flowing = UINT32_MAX; /* the depth of the paragraph that goes on */
    while (sl_line_next(&from, &line)) {
        struct sl_span words = unstuff(line, &depth);
        bool is_signature = words.len == 3 && memcmp(words.data, "-- ", 3) == 0;
        if (flowing != UINT32_MAX && (depth != flowing || is_signature))
            to[len++] = '\n';
        if (depth != 0 && flowing != depth)
            to[len++] = '>';
        bool flows = words.len != 0 && words.data[words.len - 1] == ' ' && !is_signature;
        uint32_t taken = words.len - (flows && text->is_delsp);
        memcpy(to + len, words.data, taken);
        len += taken;
        if (!flows)
            to[len++] = '\n';
        flowing = flows ? depth : UINT32_MAX;
    }
    return len;
}

/* ---- what is no text of the story ---- */

/* The text before its signature: below the last "-- ", if not too much is. */
static struct sl_span cut_signature(struct sl_mail_text *text, struct sl_span bytes)
{
    uint32_t line_cnt = 0;
    uint32_t end = bytes.len;
    while (end != 0 && bytes.len - end < SIGNATURE_LEN_MAX && line_cnt <= SIGNATURE_LINES_MAX) {
        uint32_t start = end;
        while (start != 0 && bytes.data[start - 1] != '\n' && bytes.data[start - 1] != '\r')
            start--;
        struct sl_span line = sl_span_trim((struct sl_span){ bytes.data + start, end - start });
        if (line.len == 2 && memcmp(line.data, "--", 2) == 0) {
            text->left_signature |= sl_span_trim(sl_span_skip(bytes, end)).len != 0;
            return sl_span_head(bytes, start);
        }
        line_cnt += line.len != 0;
        end = start != 0 ? start - 1 : 0;
    }
    return bytes;
}

/* "On Monday NAME wrote:", "Am 5. Januar schrieb NAME:" above what is quoted. */
static bool is_attribution(struct sl_span line, struct sl_span rest)
{
    static const char *const openings[] = { "on ", "am ", "le ", "el ", "il " };
    struct sl_span next = { NULL, 0 };
    if (line.len == 0 || line.data[line.len - 1] != ':')
        return false;
    while (sl_line_next(&rest, &next)) {
        if (sl_span_trim(next).len != 0)
            break;
    }
    if (quote_depth(next) == 0)
        return false;
    for (size_t i = 0; i < sizeof(openings) / sizeof(*openings); i++) {
        if (sl_span_starts(line, openings[i]))
            return true;
    }
    return false;
}

/* The line below which a reply repeats, without marks, what it answers. */
static bool starts_original(struct sl_span line)
{
    static const char *const words[] = { "-----original message-----", "-----urspr", "----- original message -----",
                                         "-----message d'origine-----", "-----mensaje original-----" };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (sl_span_starts(line, words[i]))
            return true;
    }
    return false;
}

/* Has it a line that is its own? */
static bool has_own_text(struct sl_span bytes)
{
    struct sl_span line;
    while (sl_line_next(&bytes, &line)) {
        line = sl_span_trim(line);
        if (line.len != 0 && quote_depth(line) == 0 && !is_attribution(line, bytes))
            return true;
    }
    return false;
}

bool sl_mail_is_private(const struct sl_parse *parse, struct sl_span line)
{
    int64_t until_ns;
    enum sl_date_zone given;
    return sl_says_private(line) &&
           sl_embargo_read(line, false, parse->arrival_ns, NULL, &until_ns, &given) == SL_EMBARGO_NONE;
}

static void put_lines(struct sl_mail_text *text, struct sl_para *para, struct sl_span bytes)
{
    struct sl_span line;
    bool keeps_quotes = !has_own_text(bytes);
    while (sl_line_next(&bytes, &line)) {
        struct sl_span words = sl_span_trim(line);
        uint32_t depth = quote_depth(words);
        if (sl_mail_is_private(text->parse, words)) {
            text->left_private = true;
            return;
        }
        if (text->is_reply && !keeps_quotes && starts_original(words)) {
            text->left_quotes = true;
            return;
        }
        if (!keeps_quotes && (depth != 0 || is_attribution(words, bytes))) {
            text->left_quotes = true;
            sl_para_break(para);
            continue;
        }
        while (depth != 0) {
            depth -= words.data[0] == '>';
            words = sl_span_skip(words, 1);
            line = words;
        }
        sl_para_line(para, words.len == 0 ? words : line);
    }
}

void sl_mail_put_text(struct sl_mail_text *text, struct sl_span bytes)
{
    struct sl_parse *parse = text->parse;
    struct sl_para para;
    uint32_t used = parse->scratch.used;
    /* Every line may get a mark and a line end. */
    uint8_t *joined = text->is_flowed ? sl_scratch_take(parse, bytes.len + bytes.len / 2 + 16) : NULL;
    bool is_joined = joined != NULL;
    if (is_joined)
        bytes = (struct sl_span){ joined, unflow(text, bytes, joined) };
    bytes = cut_signature(text, bytes);
    sl_para_begin(&para, &parse->out, text->charset, &parse->text);
    para.keep_lines = is_joined || sl_wording_keeps_lines(bytes);
    put_lines(text, &para, bytes);
    sl_para_end(&para);
    parse->scratch.used = used;
}
