#include "parsers/markup.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/words.h"

/* Wires that break lines inside sentences do it between these columns; verse and addresses are narrower. */
#define PRINT_COLUMN_LEAST 40u
#define PRINT_COLUMN_USUAL 50u
#define PRINT_COLUMN_MOST  80u

#define PIECE_LEN 64u /* of words, where little room is left */

/* What parts the next word from the last one.  The widest that is asked for counts. */
enum gap { GAP_NONE, GAP_BLANK, GAP_BREAK, GAP_LINE, GAP_PARA };

/* ---- names ---- */

#define NAME_PACKED      8u
#define NAMES_PER_LETTER 12u

struct role_row {
    char name[NAME_PACKED]; /* its first bytes */
    uint8_t len;
    uint8_t role;
};
#define ROW(text, role)                                                                                                \
    {                                                                                                                  \
        text, sizeof(text) - 1, SL_MARKUP_##role                                                                       \
    }
#define LONG(first, len, role)                                                                                         \
    {                                                                                                                  \
        first, len, SL_MARKUP_##role                                                                                   \
    }

/* HTML's elements and NITF's, by first letter.  Left as it is typed, since rows would be spread. */
/* clang-format off */
static const struct role_row roles[26][NAMES_PER_LETTER] = {
    ['a' - 'a'] = { ROW("a", INLINE), ROW("abbr", INLINE), ROW("address", BLOCK), ROW("article", BLOCK),
                    ROW("aside", BLOCK), ROW("audio", HIDDEN), ROW("alt-code", INLINE), ROW("acronym", INLINE) },
    ['b' - 'a'] = { ROW("b", INLINE), ROW("br", BREAK), ROW("big", INLINE), ROW("body", BLOCK),
                    ROW("block", BLOCK), ROW("bq", BLOCK), ROW("button", HIDDEN), LONG("blockquo", 10, BLOCK),
                    LONG("body.con", 12, BLOCK), ROW("byline", BLOCK), ROW("brodtext", BLOCK), ROW("byttl", LINE) },
    ['c' - 'a'] = { ROW("caption", LINE), ROW("center", BLOCK), ROW("code", INLINE), ROW("cite", INLINE),
                    ROW("col", INLINE), ROW("colgroup", INLINE), ROW("citat", BLOCK), ROW("city", INLINE),
                    ROW("country", INLINE), ROW("chron", INLINE), ROW("copyrite", INLINE), ROW("credit", BLOCK) },
    ['d' - 'a'] = { ROW("div", BLOCK), ROW("dd", LINE), ROW("dt", LINE), ROW("dl", BLOCK),
                    ROW("del", INLINE), ROW("datalist", HIDDEN), ROW("details", BLOCK), ROW("dir", LIST),
                    LONG("datasour", 10, LINE) },
    ['e' - 'a'] = { ROW("em", INLINE), ROW("event", INLINE), ROW("embed", INLINE) },
    ['f' - 'a'] = { ROW("font", INLINE), ROW("figure", BLOCK), LONG("figcapti", 10, HIDDEN),
                    ROW("footer", BLOCK), ROW("form", BLOCK), ROW("fieldset", BLOCK), ROW("fn", BLOCK),
                    ROW("function", INLINE), ROW("frac", INLINE), ROW("footnote", BLOCK) },
    ['h' - 'a'] = { ROW("h1", BLOCK), ROW("h2", BLOCK), ROW("h3", BLOCK), ROW("h4", BLOCK), ROW("h5", BLOCK),
                    ROW("h6", BLOCK), ROW("hr", BLOCK), ROW("hl1", BLOCK), ROW("hl2", BLOCK), ROW("head", HIDDEN),
                    ROW("header", BLOCK), ROW("hedline", BLOCK) },
    ['i' - 'a'] = { ROW("i", INLINE), ROW("img", INLINE), ROW("ins", INLINE), ROW("iframe", RAW),
                    ROW("ingress", BLOCK), ROW("input", INLINE) },
    ['k' - 'a'] = { ROW("kbd", INLINE) },
    ['l' - 'a'] = { ROW("li", ITEM), ROW("lang", INLINE), ROW("location", INLINE), ROW("label", INLINE),
                    ROW("link", INLINE), ROW("legend", LINE) },
    ['m' - 'a'] = { ROW("main", BLOCK), ROW("mark", INLINE), ROW("menu", LIST), ROW("media", HIDDEN),
                    ROW("money", INLINE), ROW("meta", INLINE), LONG("mellanru", 12, BLOCK) },
    ['n' - 'a'] = { ROW("nav", BLOCK), ROW("noscript", INLINE), ROW("num", INLINE), ROW("note", BLOCK),
                    LONG("nitf-tab", 10, TABLE), ROW("noembed", RAW), ROW("noframes", RAW) },
    ['o' - 'a'] = { ROW("ol", ORDERED), ROW("org", INLINE), ROW("object", HIDDEN), ROW("option", HIDDEN) },
    ['p' - 'a'] = { ROW("p", BLOCK), ROW("pre", PRE), ROW("person", INLINE), ROW("param", INLINE),
                    ROW("postaddr", BLOCK), LONG("pronounc", 9, INLINE) },
    ['q' - 'a'] = { ROW("q", INLINE) },
    ['r' - 'a'] = { ROW("region", INLINE), ROW("rubrik", BLOCK), ROW("ruby", INLINE), ROW("rt", INLINE) },
    ['s' - 'a'] = { ROW("span", INLINE), ROW("strong", INLINE), ROW("script", RAW), ROW("style", RAW),
                    ROW("sub", INLINE), ROW("sup", INLINE), ROW("section", BLOCK), ROW("small", INLINE),
                    ROW("select", HIDDEN), ROW("svg", HIDDEN), ROW("state", INLINE), ROW("strike", INLINE) },
    ['t' - 'a'] = { ROW("td", CELL), ROW("tr", ROW), ROW("th", CELL), ROW("table", TABLE),
                    ROW("tbody", INLINE), ROW("thead", INLINE), ROW("tfoot", INLINE), ROW("title", RAW),
                    ROW("textarea", RAW), ROW("template", HIDDEN), ROW("text", BLOCK), ROW("tagline", BLOCK) },
    ['u' - 'a'] = { ROW("ul", LIST), ROW("u", INLINE) },
    ['v' - 'a'] = { ROW("var", INLINE), ROW("video", HIDDEN), ROW("virtloc", INLINE) },
    ['w' - 'a'] = { ROW("wbr", INLINE) },
    ['x' - 'a'] = { ROW("xmp", PRE) },
};
/* clang-format on */

enum sl_markup_role sl_markup_role(const uint8_t *name, uint32_t len)
{
    if (len == 0 || len > 12)
        return SL_MARKUP_UNKNOWN;
    uint8_t letter = name[0] | 0x20;
    if (len == 1 && letter == 'p')
        return SL_MARKUP_BLOCK;
    if (letter < 'a' || letter > 'z')
        return SL_MARKUP_UNKNOWN;
    uint64_t packed = 0, packed_row;
    memcpy(&packed, name, len < NAME_PACKED ? len : NAME_PACKED);
    /* Lower case; what else a name may hold has that bit already, but for what no element's name here holds. */
    packed |= 0x2020202020202020u >> 8 * (len < NAME_PACKED ? NAME_PACKED - len : 0);
    for (const struct role_row *row = roles[letter - 'a']; row < roles[letter - 'a'] + NAMES_PER_LETTER; row++) {
        memcpy(&packed_row, row->name, NAME_PACKED);
        if (row->len == len && packed_row == packed)
            return row->role;
    }
    return SL_MARKUP_UNKNOWN;
}

/* ---- gaps ---- */

void sl_markup_begin(struct sl_markup *markup, struct sl_out *out, enum sl_charset charset, bool is_proven,
                     struct sl_text_stats *stats)
{
    assert(!sl_charset_is_wide(charset));
    memset(markup, 0, sizeof(*markup));
    markup->out = out;
    markup->stats = stats;
    markup->charset = charset;
    markup->is_proven = is_proven;
    markup->start = out->len;
    if (sl_out_opened(out).len != 0) {
        markup->start = out->open_off;
        markup->gap = GAP_PARA;
    }
    markup->line = out->len;
}

static bool in_later_cell(const struct sl_markup *markup) { return markup->cell_cnt >= 2; }

/* A block's edge.  Inside a row it parts words only, and before a row's first word it adds nothing. */
static void ask_gap(struct sl_markup *markup, enum gap gap)
{
    bool is_row_empty = markup->cell_cnt != 0 && markup->row == 0;
    if (markup->is_one_line || in_later_cell(markup))
        gap = GAP_BLANK;
    if (gap > markup->gap && !is_row_empty)
        markup->gap = (uint8_t)gap;
}

/* Two breaks are what people write for a paragraph. */
static void ask_break(struct sl_markup *markup) { ask_gap(markup, markup->gap == GAP_BREAK ? GAP_PARA : GAP_BREAK); }

static bool ends_with_any(const struct sl_markup *markup, const char *bytes)
{
    const struct sl_out *out = markup->out;
    return out->len > markup->start && strchr(bytes, out->base[out->len - 1]) && out->base[out->len - 1] != '\0';
}

/* Was the line broken in a sentence that goes on, because the print column was reached? */
static bool joins(struct sl_markup *markup, uint8_t next)
{
    uint32_t len = markup->out->len - markup->line;
    if (next == '-' || next == '*' || len < PRINT_COLUMN_LEAST || markup->pre_cnt != 0)
        return false;
    if (!ends_with_any(markup, ".!?:;"))
        return markup->is_wrapped = true;
    return markup->is_wrapped && len >= PRINT_COLUMN_USUAL && len <= PRINT_COLUMN_MOST;
}

static void put_marker(struct sl_markup *markup, const uint8_t *next, uint32_t len)
{
    uint32_t level = markup->list_cnt < SL_MARKUP_LISTS_MAX ? markup->list_cnt : SL_MARKUP_LISTS_MAX;
    uint32_t ordinal = level != 0 ? markup->ordinal[level - 1] : 0;
    bool has_own = *next == '-' || *next == '*' || (len >= 3 && memcmp(next, "\u2022", 3) == 0);
    char digits[12];
    uint32_t at = sizeof(digits);
    markup->has_marker = false;
    if (has_own)
        return;
    if (ordinal == 0) {
        sl_out_put(markup->out, "- ", 2);
        return;
    }
    digits[--at] = ' ';
    digits[--at] = '.';
    for (; ordinal != 0; ordinal /= 10)
        digits[--at] = (char)('0' + ordinal % 10);
    sl_out_put(markup->out, digits + at, sizeof(digits) - at);
}

static void trim_end(struct sl_markup *markup)
{
    struct sl_out *out = markup->out;
    while (out->len > markup->start) {
        const uint8_t *end = out->base + out->len;
        bool is_nbsp = end[-1] == 0xa0 && out->len - markup->start >= 2 && end[-2] == 0xc2;
        if (!is_nbsp && !sl_is_white(end[-1]))
            break;
        out->len -= is_nbsp ? 2 : 1;
    }
}

static void put_tabs(struct sl_markup *markup)
{
    for (; markup->tab_cnt != 0; markup->tab_cnt--)
        sl_out_putc(markup->out, '\t');
}

/* In preformatted text: columns are parted by what no typist puts after a sentence. */
static void put_blanks(struct sl_markup *markup)
{
    bool is_column = markup->blank_cnt >= (ends_with_any(markup, ".!?:;,\"')") ? 3u : 2u);
    if (markup->blank_cnt != 0 && markup->out->len != markup->line)
        sl_out_putc(markup->out, is_column ? '\t' : ' ');
}

static void put_gap(struct sl_markup *markup, uint8_t next)
{
    struct sl_out *out = markup->out;
    enum gap gap = markup->gap;
    bool is_first = out->len == markup->start;
    if (gap == GAP_BREAK && !is_first && joins(markup, next)) {
        sl_out_putc(out, ' ');
        markup->line = out->len;
        return;
    }
    if (gap >= GAP_BREAK) {
        trim_end(markup);
        is_first = out->len == markup->start;
        if (!is_first)
            sl_out_put(out, "\n\n", gap == GAP_PARA ? 2 : 1);
        markup->is_wrapped &= gap == GAP_BREAK;
        markup->line = out->len;
    } else if (gap == GAP_BLANK && !is_first && markup->tab_cnt == 0) {
        sl_out_putc(out, ' ');
    }
}

/* ---- typed text ---- */

#define TYPED_COLUMNS 90u /* no line of a typewriter's is longer */
#define TYPED_SHORT   50u /* a shorter line was not broken by the margin */

bool sl_markup_is_typed(struct sl_span text)
{
    bool has_margin = false, has_indent = false;
    const uint8_t *line = text.data, *end = text.data + text.len;
    for (const uint8_t *feed; line != end && (feed = memchr(line, '\n', (size_t)(end - line))) != NULL;
         line = feed + 1) {
        if (feed - line > TYPED_COLUMNS)
            return false;
        if (feed + 1 == end)
            break;
        has_margin |= !sl_is_white(feed[1]);
        has_indent |= feed[1] == ' ' || feed[1] == '\n';
    }
    return has_margin && has_indent;
}

/* Does the line that begins here have columns: gaps of three blanks? */
static bool has_columns(const uint8_t *data, uint32_t len)
{
    uint32_t blank_cnt = 0;
    for (uint32_t i = 0; i < len && data[i] != '\n'; i++) {
        if (blank_cnt >= 3 && !sl_is_white(data[i]))
            return true;
        blank_cnt = data[i] == ' ' ? blank_cnt + 1 : 0;
    }
    return false;
}

/* What the line ends and the indent before a typed line mean. */
static void weigh_typed(struct sl_markup *markup, const uint8_t *next, uint32_t len)
{
    bool is_row = has_columns(next, len), is_item = len > 1 && (*next == '*' || *next == '-') && next[1] == ' ';
    bool is_short = markup->out->len - markup->line < TYPED_SHORT;
    bool is_indented = markup->blank_cnt >= 2 && (is_short || ends_with_any(markup, ".!?:\"'"));
    enum gap gap = GAP_BLANK;
    if (markup->newline_cnt >= 2 || (is_indented && !is_row && !is_item))
        gap = GAP_PARA;
    else if (is_row || markup->is_row || is_item)
        gap = GAP_LINE;
    ask_gap(markup, gap);
    markup->is_row = is_row;
    markup->newline_cnt = 0;
    markup->blank_cnt = 0;
}

/* What stands between the last word and the one that begins at next. */
static void settle(struct sl_markup *markup, const uint8_t *next, uint32_t len)
{
    bool is_new_line = markup->newline_cnt != 0;
    if (is_new_line)
        weigh_typed(markup, next, len);
    else if (markup->is_typed && markup->blank_cnt != 0 && !markup->is_row)
        markup->blank_cnt = 1;
    if (markup->gap != GAP_NONE)
        put_gap(markup, *next);
    if (markup->blank_cnt != 0 && markup->gap < GAP_BREAK)
        put_blanks(markup);
    if (markup->cell_cnt != 0 && markup->row == 0)
        markup->row = markup->out->len;
    if (markup->tab_cnt != 0)
        put_tabs(markup);
    if (markup->has_marker)
        put_marker(markup, next, len);
    if (is_new_line)
        markup->line = markup->out->len;
    markup->gap = GAP_NONE;
    markup->blank_cnt = 0;
}

/* ---- elements ---- */

/* A row's first cell may hold paragraphs, since many tables are only there for the layout.  A second cell makes it a
 * row of data: one line. */
static void fold_first_cell(struct sl_markup *markup)
{
    struct sl_out *out = markup->out;
    if (markup->row == 0 || markup->row >= out->len)
        return;
    uint32_t len = markup->row;
    for (uint32_t i = markup->row; i < out->len; i++) {
        bool is_line = out->base[i] == '\n';
        if (!is_line || out->base[len - 1] != ' ')
            out->base[len++] = is_line ? ' ' : out->base[i];
    }
    out->len = len;
}

static void end_row(struct sl_markup *markup)
{
    markup->cell_cnt = 0;
    markup->tab_cnt = 0;
    markup->row = 0;
}

static void open_cell(struct sl_markup *markup)
{
    if (markup->cell_cnt == 1)
        fold_first_cell(markup);
    if (markup->is_one_line) {
        ask_gap(markup, GAP_BLANK);
        return;
    }
    if (markup->cell_cnt != 0) {
        markup->tab_cnt++;
        /* What the cell before ended with is no matter any more; what parts the row from the one before is. */
        if (markup->row != 0)
            markup->gap = GAP_NONE;
    }
    markup->cell_cnt++;
}

static void open_list(struct sl_markup *markup, bool is_ordered)
{
    ask_gap(markup, markup->list_cnt != 0 ? GAP_LINE : GAP_PARA);
    if (markup->list_cnt++ < SL_MARKUP_LISTS_MAX)
        markup->ordinal[markup->list_cnt - 1] = is_ordered ? UINT32_MAX : 0;
}

static void open_item(struct sl_markup *markup)
{
    ask_gap(markup, GAP_LINE);
    markup->has_marker = !markup->is_one_line;
    if (markup->list_cnt == 0 || markup->list_cnt > SL_MARKUP_LISTS_MAX)
        return;
    uint32_t *ordinal = &markup->ordinal[markup->list_cnt - 1];
    if (*ordinal != 0) /* before the first it is the largest there is, and begins at one */
        *ordinal = *ordinal == UINT32_MAX ? 1 : *ordinal + 1;
}

void sl_markup_open(struct sl_markup *markup, enum sl_markup_role role)
{
    switch (role) {
    case SL_MARKUP_BLOCK:
        ask_gap(markup, GAP_PARA);
        break;
    case SL_MARKUP_LINE:
        ask_gap(markup, GAP_LINE);
        break;
    case SL_MARKUP_BREAK:
        ask_break(markup);
        break;
    case SL_MARKUP_LIST:
    case SL_MARKUP_ORDERED:
        open_list(markup, role == SL_MARKUP_ORDERED);
        break;
    case SL_MARKUP_ITEM:
        open_item(markup);
        break;
    case SL_MARKUP_TABLE:
        end_row(markup);
        ask_gap(markup, GAP_PARA);
        break;
    case SL_MARKUP_ROW:
        end_row(markup);
        ask_gap(markup, GAP_LINE);
        break;
    case SL_MARKUP_CELL:
        open_cell(markup);
        break;
    case SL_MARKUP_PRE:
        ask_gap(markup, GAP_PARA);
        markup->pre_cnt++;
        break;
    case SL_MARKUP_INLINE:
    case SL_MARKUP_UNKNOWN:
    case SL_MARKUP_HIDDEN:
    case SL_MARKUP_RAW:
        break;
    }
}

void sl_markup_close(struct sl_markup *markup, enum sl_markup_role role)
{
    switch (role) {
    case SL_MARKUP_BLOCK:
        ask_gap(markup, GAP_PARA);
        break;
    case SL_MARKUP_LINE:
    case SL_MARKUP_ITEM:
        ask_gap(markup, GAP_LINE);
        break;
    case SL_MARKUP_LIST:
    case SL_MARKUP_ORDERED:
        markup->list_cnt -= markup->list_cnt != 0;
        markup->has_marker = false;
        ask_gap(markup, markup->list_cnt != 0 ? GAP_LINE : GAP_PARA);
        break;
    case SL_MARKUP_TABLE:
        end_row(markup);
        ask_gap(markup, GAP_PARA);
        break;
    case SL_MARKUP_ROW:
        end_row(markup);
        ask_gap(markup, GAP_LINE);
        break;
    case SL_MARKUP_PRE:
        markup->pre_cnt -= markup->pre_cnt != 0;
        ask_gap(markup, GAP_PARA);
        break;
    case SL_MARKUP_INLINE:
    case SL_MARKUP_UNKNOWN:
    case SL_MARKUP_BREAK:
    case SL_MARKUP_CELL:
    case SL_MARKUP_HIDDEN:
    case SL_MARKUP_RAW:
        break;
    }
}

/* ---- text ---- */

static void count_control(struct sl_markup *markup)
{
    if (markup->stats)
        markup->stats->control_cnt++;
}

/* One character of well-formed UTF-8 that is not put as it is, or is counted.  Its length. */
static uint32_t put_odd_character(struct sl_markup *markup, const uint8_t *data, uint32_t len)
{
    if (data[0] < 0x80) {
        count_control(markup);
        return 1;
    }
    if (data[0] == 0xc2 && len >= 2 && data[1] < 0xa0) {
        count_control(markup);
        return 2;
    }
    if (data[0] == 0xc2 && (markup->gap != GAP_NONE || markup->out->len == markup->start)) {
        markup->gap = markup->gap > GAP_BLANK ? markup->gap : GAP_BLANK; /* a no-break space parts here, nothing more */
        return len < 2 ? len : 2;
    }
    uint32_t cnt = data[0] == 0xc2 ? 2 : 3;
    cnt = cnt < len ? cnt : len;
    settle(markup, data, len);
    sl_text_put(markup->out, SL_CHARSET_UTF8, data, cnt, markup->stats);
    return cnt;
}

/* Bytes beyond ASCII that nobody has looked at. */
static uint32_t put_unproven(struct sl_markup *markup, const uint8_t *data, uint32_t len)
{
    struct sl_out *out = markup->out;
    uint32_t cnt = 0;
    if (markup->gap >= GAP_BREAK)
        trim_end(markup); /* as the gap will, so that it can be taken back */
    struct sl_markup before = *markup;
    uint32_t len_before = out->len;
    while (cnt < len && data[cnt] >= 0x80)
        cnt++;
    if (cnt == 0) {
        count_control(markup);
        return 1;
    }
    settle(markup, data, cnt);
    uint32_t len_settled = out->len;
    sl_text_put(out, markup->charset, data, cnt, markup->stats);
    if (out->len == len_settled && !out->full) { /* nothing but controls */
        *markup = before;
        out->len = len_before;
    }
    return cnt;
}

static uint32_t put_odd(struct sl_markup *markup, const uint8_t *data, uint32_t len)
{
    return markup->is_proven ? put_odd_character(markup, data, len) : put_unproven(markup, data, len);
}

/* White space: words stand apart, whatever it is.  In preformatted text it tells lines and columns. */
static bool folds_white(const struct sl_markup *markup) { return markup->pre_cnt == 0 && !markup->is_typed; }

static void take_white(struct sl_markup *markup, uint8_t byte)
{
    if (folds_white(markup) || markup->is_one_line || in_later_cell(markup)) {
        if (markup->gap < GAP_BLANK)
            markup->gap = GAP_BLANK;
    } else if (byte == '\n' && markup->is_typed) {
        markup->newline_cnt++;
        markup->blank_cnt = 0;
    } else if (byte == '\n') {
        ask_gap(markup, markup->gap >= GAP_LINE ? GAP_PARA : GAP_LINE);
        markup->blank_cnt = 0;
    } else if (byte != '\r') {
        markup->blank_cnt += byte == '\t' ? 8 : 1;
    }
}

/* Blank, TAB, LF, FF and CR are bits of one word. */
static inline bool is_any_white(uint8_t byte) { return byte <= ' ' && (0x100003600ull >> byte & 1) != 0; }

/* Words as they stand, to where something else begins.  Their length; 0: something else stands here. */
static uint32_t put_words(struct sl_markup *markup, struct sl_span text, uint32_t readable)
{
    struct sl_out *out = markup->out;
    enum sl_words kind = markup->is_proven ? SL_WORDS_UTF8 : SL_WORDS_ASCII;
    if (sl_words_stop(text, kind))
        return 0;
    settle(markup, text.data, text.len);
    uint8_t little[PIECE_LEN + SL_WORDS_ROOM];
    uint32_t room = out->cap - out->len, run;
    if (room >= SL_WORDS_ROOM && room - SL_WORDS_ROOM >= text.len) {
        run = sl_words_copy(out->base + out->len, text, readable, kind);
        out->len += run;
    } else {
        run = sl_words_copy(little, sl_span_head(text, PIECE_LEN), readable, kind);
        sl_out_put(out, little, run);
    }
    if (text.data[run - 1] == ' ') {
        out->len -= !out->full;
        take_white(markup, ' ');
    }
    return run;
}

void sl_markup_text_within(struct sl_markup *markup, struct sl_span text, uint32_t readable)
{
    const bool parts_only = folds_white(markup) || markup->is_one_line || in_later_cell(markup);
    for (uint32_t run; text.len != 0; text = sl_span_skip(text, run), readable -= run) {
        if (!is_any_white(text.data[0])) {
            run = put_words(markup, text, readable);
            if (run == 0)
                run = put_odd(markup, text.data, text.len);
            continue;
        }
        take_white(markup, text.data[0]);
        run = parts_only ? sl_white_run(text, readable) : 1; /* more of it says no more */
    }
}

void sl_markup_text(struct sl_markup *markup, const uint8_t *data, uint32_t len)
{
    sl_markup_text_within(markup, (struct sl_span){ data, len }, len);
}

void sl_markup_reference(struct sl_markup *markup, const uint8_t *utf8, uint32_t len)
{
    bool was_proven = markup->is_proven;
    markup->is_proven = true;
    sl_markup_text(markup, utf8, len);
    markup->is_proven = was_proven;
}

void sl_markup_end(struct sl_markup *markup) { trim_end(markup); }
