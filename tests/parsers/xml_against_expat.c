/* Does our scanner say the same of a document as expat, or do both refuse it?
 *
 *   xml_against_expat [SEED [COUNT]]        documents made from the seed, and each of them broken in several ways
 *   xml_against_expat --files FOLDER [COUNT] every XML file in it, and COUNT broken ones of each; exit 77 without it
 */
#include <ftw.h>
#include "tests/parsers/random_bulletin.h"
#include "tests/parsers/xml_expat.h"

#define DOCUMENT_MAX  65536u
#define BROKEN_CNT    6u
#define FILE_MAX      (4u << 20)
#define DEFAULT_SEED  20260105u
#define DEFAULT_COUNT 20000u

static struct xml_pair pair;
static unsigned long case_cnt[XML_CASE_CNT];

static void compare_one(const uint8_t *data, uint32_t len)
{
    /* In memory of exactly this length, so that a read behind it is seen. */
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    struct sl_span span = { copy, len };
    enum xml_case found = compare_xml(&pair, span);
    case_cnt[found]++;
    if (found == XML_DIFFERENT && case_cnt[XML_DIFFERENT] < 20)
        show_difference(&pair, span);
    free(copy);
}

/* ---- documents from a seed ---- */

struct draft {
    struct random_source random;
    uint8_t data[DOCUMENT_MAX];
    uint32_t len;
    enum sl_charset charset;
    uint32_t depth;
};

static void write_bytes(struct draft *draft, const void *data, size_t len)
{
    if (draft->len + len > sizeof(draft->data))
        return;
    memcpy(draft->data + draft->len, data, len);
    draft->len += (uint32_t)len;
}

static void write_text(struct draft *draft, const char *text) { write_bytes(draft, text, strlen(text)); }

#define PICK(draft, ...)                                                                                               \
    ((const char *const[]){ __VA_ARGS__ }[random_below(                                                                \
        &(draft)->random, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))])

static bool one_in(struct draft *draft, uint32_t cnt) { return random_below(&draft->random, cnt) == 0; }

static void write_white(struct draft *draft)
{
    do {
        write_text(draft, PICK(draft, " ", "  ", "\n", "\r\n", "\t", "\r", "\n        "));
    } while (one_in(draft, 6));
}

/* In an 8-bit set every high byte is a letter of some kind. */
static void write_high(struct draft *draft)
{
    if (draft->charset == SL_CHARSET_UTF8) {
        write_text(draft, PICK(draft, "\u00e9", "\u20ac", "\u4e16\u754c", "\U0001f4f0", "\xc2\x85", "\u2028", "\ufeff",
                               "\ufffd", "\U0010ffff", "\ud7ff", "\ue000", "\u0300"));
        return;
    }
    uint8_t byte = (uint8_t)(0xa0 + random_below(&draft->random, 0x60));
    write_bytes(draft, &byte, 1);
}

static void write_run(struct draft *draft, uint32_t cnt)
{
    while (cnt-- != 0) {
        if (one_in(draft, 12))
            write_high(draft);
        else
            write_text(draft, PICK(draft, "news", " ", "x", "]", ">", "]]", " the ", "-", "--", "=", "'", "\"", "/",
                                   "?", "!", "[CDATA[", "xml", "\x7f", ";", "#", "&amp;", "&lt;", "&#38;", "&#xe9;",
                                   "&#10;", "&#x1F4F0;", "&quot;", "&apos;", "&gt;", "\r\n", "\n", "\t", "\r",
                                   "a paragraph of some length, such as bodies have, with a comma or two"));
    }
}

static void write_reference_free(struct draft *draft, uint32_t cnt)
{
    while (cnt-- != 0) {
        if (one_in(draft, 10))
            write_high(draft);
        else
            write_text(draft, PICK(draft, "x", " ", "&", "<", ">", "<a>", "- ", "&nbsp;", "]", "\r\n", "'", "news"));
    }
}

static const char *name_of(struct draft *draft)
{
    return PICK(draft, "p", "p", "p", "em", "body.content", "hl1", "x:p", "y:em", "hedline", "block", "a-b_c.1",
                "xml:a", "table", "td", "z:q", "\u00e9t\u00e9");
}

static void write_attrs(struct draft *draft)
{
    static const char *const names[] = { "id",   "class", "x:id",  "xml:lang", "href",
                                         "y:id", "norm",  "xmlns", "xmlns:x",  "xmlns:y" };
    for (uint32_t i = random_below(&draft->random, 8); i < 10 && one_in(draft, 2); i++) {
        const char *quote = PICK(draft, "'", "\"");
        write_white(draft);
        write_text(draft, names[i]);
        write_text(draft, PICK(draft, "=", "=", "=", " =", "= ", "\n=\t"));
        write_text(draft, quote);
        if (i >= 7)
            write_text(draft, PICK(draft, "u", "http://www.w3.org/1999/xhtml", "v", "http://example.org/?a=1&amp;b=2"));
        for (uint32_t cnt = i < 7 ? random_below(&draft->random, 5) : 0; cnt != 0; cnt--)
            write_text(draft, PICK(draft, "x", " ", "20260105T100102Z", "&amp;", "&#65;", ">", "/", "\n", "\t", "\r\n",
                                   "a longer value that goes on for quite a while, up to here", "&#9;", "/>", "="));
        write_text(draft, quote);
    }
}

static void write_misc(struct draft *draft)
{
    if (one_in(draft, 2)) {
        write_text(draft, "<!--");
        write_text(draft, PICK(draft, "", " x ", "<a>&b;", " - ", "->", "]]>", " a comment \r\n of two lines "));
        write_text(draft, " -->");
    } else {
        write_text(draft, "<?");
        write_text(draft, PICK(draft, "x", "xml-stylesheet", "xmlx", "php"));
        write_text(draft, PICK(draft, "", " ", " a='b'", " ? > ", "\n<a>", " ??"));
        write_text(draft, "?>");
    }
}

static void write_element(struct draft *draft);

static void write_content(struct draft *draft)
{
    for (uint32_t cnt = random_below(&draft->random, draft->depth < 3 ? 8 : 4); cnt != 0; cnt--) {
        switch (random_below(&draft->random, 8)) {
        case 0:
            write_misc(draft);
            break;
        case 1:
            write_text(draft, "<![CDATA[");
            write_reference_free(draft, random_below(&draft->random, 6));
            write_text(draft, "]]>");
            break;
        case 2:
        case 3:
        case 4:
            write_run(draft, random_below(&draft->random, 12));
            break;
        default:
            write_element(draft);
        }
    }
}

static void write_element(struct draft *draft)
{
    const char *name = draft->charset == SL_CHARSET_UTF8 ? name_of(draft) : "p";
    if (draft->depth == 12 || draft->len > DOCUMENT_MAX / 2)
        return;
    draft->depth++;
    write_text(draft, "<");
    write_text(draft, name);
    /* Most prefixes are declared by the root. */
    if (draft->depth == 1 && !one_in(draft, 8))
        write_text(draft, " xmlns:x='u' xmlns:y=\"http://example.org/y\" xmlns:z='z'");
    else
        write_attrs(draft);
    if (one_in(draft, 4))
        write_white(draft);
    if (one_in(draft, 6)) {
        write_text(draft, "/>");
    } else {
        write_text(draft, ">");
        write_content(draft);
        write_text(draft, "</");
        write_text(draft, name);
        write_text(draft, PICK(draft, ">", ">", ">", " >", "\n>"));
    }
    draft->depth--;
}

static void write_prolog(struct draft *draft)
{
    if (draft->charset == SL_CHARSET_UTF8 && one_in(draft, 8))
        write_text(draft, "\ufeff");
    if (one_in(draft, 20))
        write_white(draft);
    if (draft->charset != SL_CHARSET_UTF8) {
        write_text(draft, "<?xml version='1.0' encoding='");
        write_text(draft, sl_charset_name(draft->charset));
        write_text(draft, "'?>");
    } else if (one_in(draft, 2)) {
        write_text(draft, PICK(draft, "<?xml version='1.0'?>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n",
                               "<?xml version='1.0' standalone='no' ?>", "<?xml version='1.1'?>\n",
                               "<?xml version='1.0' encoding='iso-8859-1' standalone=\"yes\"?>",
                               "<?xml version='1.0' encoding='utf-16'?>"));
    }
    if (one_in(draft, 4))
        write_misc(draft);
    if (one_in(draft, 3))
        write_text(draft, PICK(draft, "<!DOCTYPE p>", "<!DOCTYPE nitf SYSTEM 'nitf-3-4.dtd'>\n",
                               "<!DOCTYPE x PUBLIC '-//X//DTD x//EN' \"http://example.org/x.dtd\" >",
                               "<!DOCTYPE p [<!ELEMENT p (#PCDATA)><!-- ]> --><?x ]>?>\n]>",
                               "<!DOCTYPE p [<!ATTLIST p id CDATA #IMPLIED class NMTOKENS 'a b'>]>",
                               "<!DOCTYPE p [<!NOTATION n SYSTEM 'n'>]>", "<!DOCTYPE p [<!ENTITY e 'x'>]>",
                               "<!DOCTYPE p []>"));
    if (one_in(draft, 4))
        write_white(draft);
}

static void write_document(struct draft *draft)
{
    draft->len = draft->depth = 0;
    draft->charset = one_in(draft, 8) ? SL_CHARSET_WINDOWS_1252 + random_below(&draft->random, 12) : SL_CHARSET_UTF8;
    write_prolog(draft);
    write_element(draft);
    if (one_in(draft, 4))
        write_misc(draft);
    if (one_in(draft, 2))
        write_white(draft);
}

/* ---- and broken ---- */

static uint32_t break_once(struct random_source *random, uint8_t *data, uint32_t len, uint32_t cap)
{
    static const char *const words[] = {
        "<",
        ">",
        "&",
        "'",
        "\"",
        "]]>",
        "<!--",
        "-->",
        "--",
        "<?",
        "?>",
        "/>",
        "</p>",
        "<p>",
        "=",
        " ",
        "&#0;",
        "&x;",
        "\x01",
        "\xc3",
        "\x80",
        "\xef\xbf\xbf",
        "\xed\xa0\x80",
        "<![CDATA[",
        ":",
        "xmlns=''",
        " xmlns:x=''",
        "\xef\xbb\xbf",
        "&#xD800;",
        "&#x10FFFF;",
        "<!DOCTYPE p",
        "%x;",
        "<?xml version='1.0'?>",
        "\r",
        "-",
        "]",
        "\xf0\x8f\xbf\xbf",
    };
    uint32_t at = len == 0 ? 0 : random_below(random, len), from = len == 0 ? 0 : random_below(random, len);
    const char *word = words[random_below(random, sizeof(words) / sizeof(*words))];
    uint32_t word_len = (uint32_t)strlen(word), some = 1 + random_below(random, 8);
    switch (random_below(random, 6)) {
    case 0: /* another byte */
        if (len != 0)
            data[at] = (uint8_t)random_next(random);
        return len;
    case 1: /* cut */
        return at;
    case 2: /* some bytes left out */
        some = some < len - at ? some : len - at;
        memmove(data + at, data + at + some, len - at - some);
        return len - some;
    case 3: /* a piece from elsewhere over it */
        some = some < len - at ? some : len - at;
        some = some < len - from ? some : len - from;
        memmove(data + at, data + from, some);
        return len;
    default: /* something put in */
        if (len + word_len > cap)
            return len;
        memmove(data + at + word_len, data + at, len - at);
        memcpy(data + at, word, word_len);
        return len + word_len;
    }
}

static void compare_broken(struct random_source *random, const uint8_t *data, uint32_t len, uint32_t cnt)
{
    uint32_t cap = len + 64;
    uint8_t *broken = malloc(cap);
    for (; cnt != 0; cnt--) {
        uint32_t broken_len = len;
        memcpy(broken, data, len);
        for (uint32_t i = 1 + random_below(random, 3); i != 0; i--)
            broken_len = break_once(random, broken, broken_len, cap);
        compare_one(broken, broken_len);
    }
    free(broken);
}

/* Every fourth document in UTF-8 as UTF-16, too. */
static void compare_widened(struct draft *draft)
{
    static uint8_t wide[2 * DOCUMENT_MAX];
    uint32_t len = 0;
    bool is_big = one_in(draft, 2);
    for (uint32_t i = 0; i < draft->len; i++) {
        if (draft->data[i] >= 0x80) /* only which byte it is matters here, and that all of ASCII is around it */
            draft->data[i] = draft->data[i] & 0x1f ? 0xe9 : 0xe8;
        wide[len + is_big] = draft->data[i];
        wide[len + !is_big] = 0;
        len += 2;
    }
    compare_one(wide, len);
    compare_broken(&draft->random, wide, len, 1);
}

static void compare_made(uint64_t seed, uint64_t cnt)
{
    static struct draft draft;
    for (; cnt != 0; cnt--, seed++) {
        draft.random.state = seed;
        write_document(&draft);
        compare_one(draft.data, draft.len);
        compare_broken(&draft.random, draft.data, draft.len, BROKEN_CNT);
        if (draft.charset == SL_CHARSET_UTF8 && one_in(&draft, 4))
            compare_widened(&draft);
    }
}

/* ---- files ---- */

static uint32_t broken_of_each;
static unsigned file_cnt;

static int compare_file(const char *path, const struct stat *stat, int type, struct FTW *where)
{
    static uint8_t data[FILE_MAX];
    (void)where;
    if (type != FTW_F || stat->st_size > (off_t)sizeof(data))
        return 0;
    FILE *file = fopen(path, "rb");
    uint32_t len = file ? (uint32_t)fread(data, 1, sizeof(data), file) : 0;
    if (file)
        fclose(file);
    struct sl_span start = without_early_blanks((struct sl_span){ data, len });
    if (start.len < 2 || start.data[0] != '<' || !(sl_is_ascii_letter(start.data[1]) || strchr("?!", start.data[1])))
        return 0;
    unsigned long different = case_cnt[XML_DIFFERENT];
    struct random_source random = { len };
    compare_one(data, len);
    compare_broken(&random, data, len, broken_of_each);
    if (case_cnt[XML_DIFFERENT] != different)
        fprintf(stderr, "  in %s\n", path);
    file_cnt++;
    return 0;
}

static int tell(void)
{
    unsigned long sum = 0;
    for (unsigned i = 0; i < XML_CASE_CNT; i++)
        sum += case_cnt[i];
    printf("%lu documents:", sum);
    for (unsigned i = 0; i < XML_CASE_CNT; i++)
        printf(" %s %lu%s", xml_case_names[i], case_cnt[i], i + 1 < XML_CASE_CNT ? "," : "\n");
    return case_cnt[XML_DIFFERENT] == 0 && case_cnt[XML_SAME] != 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    static struct sl_feed_facts feed;
    uint32_t cap = sl_parse_scratch_bound(FILE_MAX);
    sl_parse_init(&pair.ours.parse, malloc(cap), cap);
    pair.ours.parse.feed = &feed;
    if (argc > 2 && strcmp(argv[1], "--files") == 0) {
        broken_of_each = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 50;
        if (nftw(argv[2], compare_file, 16, FTW_PHYS) != 0 || file_cnt == 0) {
            printf("skipped: no XML files at %s\n", argv[2]);
            return 77;
        }
        printf("%u files\n", file_cnt);
    } else {
        uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : DEFAULT_SEED;
        uint64_t cnt = argc > 2 ? strtoull(argv[2], NULL, 10) : DEFAULT_COUNT;
        printf("seed %llu\n", (unsigned long long)seed);
        compare_made(seed, cnt);
    }
    return tell();
}
