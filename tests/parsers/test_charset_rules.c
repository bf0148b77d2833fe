/* Whatever a label says, the text comes out right, and the bulletin says what it was and what was not believed. */
#include "tests/parsers/wire_samples.h"

#define DECLARED "the declaration names an encoding that the document is not in"
#define MAILED   "the label of its character set is wrong"
#define FED      "the feed's character set is not the message's"
#define LOST     "characters were lost: U+FFFD stands for them"

#define NITF(label, text)                                                                                              \
    "<?xml version=\"1.0\" encoding=\"" label "\"?><nitf><head><docdata><doc-id id-string=\"a-1\"/></docdata></head>"   \
    "<body><body.head><hedline><hl1>Ferry</hl1></hedline></body.head><body.content><p>" text                           \
    "</p></body.content></body></nitf>"
#define RSS(label, text)                                                                                               \
    "<?xml version=\"1.0\" encoding=\"" label "\"?><rss version=\"2.0\"><channel><title>T</title><item><guid>a-1"       \
    "</guid><title>Ferry</title><description>" text "</description></item></channel></rss>"
#define MAIL(label, text)                                                                                              \
    "From: a@b.example\r\nMessage-ID: <1@b.example>\r\nSubject: Ferry\r\nMIME-Version: 1.0\r\n"                         \
    "Content-Type: text/plain; charset=" label "\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" text "\r\n"
#define WIRE(text)                                                                                                     \
    "\001tst0001 4 i 4 tst\r\n\r\nFerry/\r\n\002Ferry =\r\n\r\n   " text "\r\n\003051200 GMT Jan 26\r\n\004"

#define UTF8   "Fr\xc3\xb8ya \xe2\x80\x93 \xe2\x82\xac 5"
#define CP1252 "Fr\xf8ya \x96 \x80 5"
#define WANT   "Fr\u00f8ya \u2013 \u20ac 5"

/* clang-format off */
static const struct rule_case {
    const char *name;
    unsigned format;
    enum sl_charset label; /* the feed's */
    const char *wire, *body, *charset;
    const char *note; /* NULL: nothing about characters */
} rule_cases[] = {
    /* true labels */
    { "XML in UTF-8", SL_FORMAT_NITF, SL_CHARSET_UNKNOWN, NITF("UTF-8", UTF8), WANT, "utf-8", NULL },
    { "XML in Windows-1252", SL_FORMAT_NITF, SL_CHARSET_UNKNOWN, NITF("windows-1252", CP1252), WANT,
      "windows-1252", NULL },
    { "mail in EUC-KR", SL_FORMAT_RFC822, SL_CHARSET_UNKNOWN, MAIL("EUC-KR", "\xb4\xba\xbd\xba"), "\ub274\uc2a4",
      "euc-kr",
      NULL },
    { "mail in ISO-2022-JP", SL_FORMAT_RFC822, SL_CHARSET_UNKNOWN,
      MAIL("iso-2022-jp", "\x1b$B%K%e!<%9\x1b(B"), "\u30cb\u30e5\u30fc\u30b9", "utf-8", NULL }, /* it was unpacked first */
    { "mail in Shift_JIS", SL_FORMAT_RFC822, SL_CHARSET_UNKNOWN, MAIL("Shift_JIS",
      "\x83\x6a\x83\x85\x81\x5b\x83\x58"),
      "\u30cb\u30e5\u30fc\u30b9", "shift_jis", NULL },
    { "XML in Big5", SL_FORMAT_RSS, SL_CHARSET_UNKNOWN, RSS("Big5", "\xb7\x73\xbb\x44"), "\u65b0\u805e", "big5",
      NULL },
    { "XML in GB 2312", SL_FORMAT_NITF, SL_CHARSET_UNKNOWN, NITF("gb2312", "\xd0\xc2\xce\xc5"), "\u65b0\u95fb",
      "gb18030",
      NULL },
    { "a wire in EUC-JP", SL_FORMAT_IPTC7901, SL_CHARSET_EUC_JP, WIRE("\xa5\xcb\xa5\xe5\xa1\xbc\xa5\xb9"),
      "\u30cb\u30e5\u30fc\u30b9", "euc-jp", NULL },
    /* lying ones */
    { "UTF-8 as Latin-1", SL_FORMAT_NITF, SL_CHARSET_UNKNOWN, NITF("iso-8859-1", UTF8), WANT, "utf-8", DECLARED },
    { "UTF-8 as Windows-1252", SL_FORMAT_RSS, SL_CHARSET_UNKNOWN, RSS("windows-1252", UTF8), WANT, "utf-8",
      DECLARED },
    { "UTF-8 as Shift_JIS", SL_FORMAT_NITF, SL_CHARSET_UNKNOWN, NITF("Shift_JIS", UTF8), WANT, "utf-8", DECLARED },
    { "UTF-8 as UTF-16", SL_FORMAT_NITF, SL_CHARSET_UNKNOWN, NITF("UTF-16", UTF8), WANT, "utf-8", DECLARED },
    { "Windows-1252 as Latin-1", SL_FORMAT_NITF, SL_CHARSET_UNKNOWN, NITF("iso-8859-1", CP1252), WANT, "windows-1252",
      DECLARED },
    { "UTF-8 as Latin-1 in a mail", SL_FORMAT_RFC822, SL_CHARSET_UNKNOWN, MAIL("iso-8859-1", UTF8), WANT, "utf-8",
      MAILED },
    { "UTF-8 as ASCII in a mail", SL_FORMAT_RFC822, SL_CHARSET_UNKNOWN, MAIL("us-ascii", UTF8), WANT, "utf-8",
      MAILED },
    { "Windows-1252 as UTF-8 in a mail", SL_FORMAT_RFC822, SL_CHARSET_UNKNOWN, MAIL("utf-8", CP1252), WANT,
      "windows-1252", MAILED },
    { "UTF-8 as GBK in a mail", SL_FORMAT_RFC822, SL_CHARSET_UNKNOWN, MAIL("gbk", UTF8), WANT, "utf-8", MAILED },
    { "UTF-8 of a feed in Latin-1", SL_FORMAT_IPTC7901, SL_CHARSET_ISO_8859_1, WIRE(UTF8), WANT, "utf-8", FED },
    { "UTF-8 of a feed in EUC-KR", SL_FORMAT_IPTC7901, SL_CHARSET_EUC_KR, WIRE(UTF8), WANT, "utf-8", FED },
    { "Windows-1252 of a feed in Latin-1", SL_FORMAT_IPTC7901, SL_CHARSET_ISO_8859_1, WIRE(CP1252), WANT,
      "windows-1252",
      FED },
    /* none at all */
    { "UTF-8 without a label", SL_FORMAT_IPTC7901, SL_CHARSET_UNKNOWN, WIRE(UTF8), WANT, "utf-8", NULL },
    { "Windows-1252 without a label", SL_FORMAT_IPTC7901, SL_CHARSET_UNKNOWN, WIRE(CP1252), WANT, "windows-1252",
      NULL },
    { "ASCII under any label", SL_FORMAT_IPTC7901, SL_CHARSET_EUC_KR, WIRE("Froya"), "Froya", "euc-kr", NULL },
    /* lost on the way: named, not guessed */
    { "U+FFFD in what came", SL_FORMAT_NITF, SL_CHARSET_UNKNOWN, NITF("UTF-8", "Fr\xef\xbf\xbdya"), "Fr\ufffdya",
      "utf-8",
      LOST },
};

/* clang-format on */

static bool is_about_characters(struct sl_slice note)
{
    static const char *const all[] = { DECLARED, MAILED, FED, LOST };
    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
        if (note.len == strlen(all[i]) && memcmp(note.data, all[i], note.len) == 0)
            return true;
    return false;
}

static void check_notes(const struct rule_case *row, const struct sl_bulletin *bulletin)
{
    const struct sl_item *notes = sl_bulletin_items(bulletin, SL_LIST_NOTES);
    bool is_said = false;
    for (uint32_t i = 0; i < bulletin->list[SL_LIST_NOTES].cnt; i++) {
        struct sl_slice note = sl_bulletin_ref(bulletin, notes[i].part[0]);
        if (!is_about_characters(note))
            continue;
        cr_expect(row->note && note.len == strlen(row->note) && memcmp(note.data, row->note, note.len) == 0,
                  "%s: %.*s", row->name, (int)note.len, note.data);
        is_said = true;
    }
    cr_expect_eq(is_said, row->note != NULL, "%s: a note", row->name);
}

Test(charset_rules, every_lying_label_comes_out_right_and_notes_say_so)
{
    static _Alignas(8) uint8_t mem[262144], scratch[2097152];
    static struct sl_parse parse;
    for (size_t i = 0; i < sizeof(rule_cases) / sizeof(*rule_cases); i++) {
        const struct rule_case *row = &rule_cases[i];
        const struct sl_feed_facts feed = { .provider = "tst", .charset = row->label };
        uint32_t len = (uint32_t)strlen(row->wire), bulletin_len;
        sl_parse_init(&parse, scratch, sizeof(scratch));
        sl_parse_begin(&parse, sl_format_by_id(row->format), &feed, (const uint8_t *)row->wire, len, SAMPLE_ARRIVAL_NS);
        cr_assert_eq(sl_parse_next(&parse, mem, sizeof(mem), &bulletin_len), SL_PARSE_OK, "%s: %s", row->name,
                     parse.err.want);
        const struct sl_bulletin *bulletin = (const struct sl_bulletin *)mem;
        expect_text(row->name, bulletin, SL_TEXT_BODY, row->body);
        expect_text(row->name, bulletin, SL_TEXT_SOURCE_CHARSET, row->charset);
        check_notes(row, bulletin);
    }
}
