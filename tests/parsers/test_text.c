/* parsers/text: all character sets become clean UTF-8, lines end where they should, paragraphs come together. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/text.h"
#include "parsers/words.h"

#define BYTES(literal) (const uint8_t *)(literal), (uint32_t)(sizeof(literal) - 1)
#define CNT(array)     (sizeof(array) / sizeof *(array))

static struct sl_out out;

static void open_text(void)
{
    static _Alignas(8) uint8_t mem[65536];
    sl_out_begin(&out, mem, sizeof mem, 1);
    sl_out_open(&out);
}

static const char *opened(void)
{
    static char text[65536];
    struct sl_slice slice = sl_out_opened(&out);
    memcpy(text, slice.data, slice.len);
    text[slice.len] = '\0';
    return text;
}

static struct sl_span span(const char *text)
{
    return (struct sl_span){ (const uint8_t *)text, (uint32_t)strlen(text) };
}

static bool same(struct sl_span a, const char *want)
{
    return a.len == strlen(want) && memcmp(a.data, want, a.len) == 0;
}

/* ---- names of character sets ---- */

Test(charset, labels_are_known_by_any_of_their_spellings)
{
    static const struct {
        const char *label;
        enum sl_charset want;
    } rows[] = {
        { "utf-8", SL_CHARSET_UTF8 },
        { "UTF8", SL_CHARSET_UTF8 },
        { "'utf8'", SL_CHARSET_UTF8 },
        { "utf_8 ", SL_CHARSET_UTF8 },
        { "latin1", SL_CHARSET_ISO_8859_1 },
        { "iso8859-1", SL_CHARSET_ISO_8859_1 },
        { "ISO-8859-1", SL_CHARSET_ISO_8859_1 },
        { "ISO_8859-1:1987", SL_CHARSET_ISO_8859_1 },
        { "iso-8859-15", SL_CHARSET_ISO_8859_15 },
        { "latin-9", SL_CHARSET_ISO_8859_15 },
        { "iso-8859-2", SL_CHARSET_ISO_8859_2 },
        { "cyrillic", SL_CHARSET_ISO_8859_5 },
        { "greek", SL_CHARSET_ISO_8859_7 },
        { "latin5", SL_CHARSET_ISO_8859_9 },
        { "cp1252", SL_CHARSET_WINDOWS_1252 },
        { "Windows-1252", SL_CHARSET_WINDOWS_1252 },
        { "us-ascii", SL_CHARSET_WINDOWS_1252 },
        { "ascii", SL_CHARSET_WINDOWS_1252 },
        { "windows-1250", SL_CHARSET_WINDOWS_1250 },
        { "x-cp1251", SL_CHARSET_WINDOWS_1251 },
        { "CP1253", SL_CHARSET_WINDOWS_1253 },
        { "windows-1254", SL_CHARSET_WINDOWS_1254 },
        { "KOI8-R", SL_CHARSET_KOI8_R },
        { "utf-16", SL_CHARSET_UTF16LE },
        { "UTF-16BE", SL_CHARSET_UTF16BE },
        { "", SL_CHARSET_UNKNOWN },
        { "-", SL_CHARSET_UNKNOWN },
        { "iso-8859-10", SL_CHARSET_UNKNOWN },
        { "iso-8859", SL_CHARSET_UNKNOWN },
        { "utf", SL_CHARSET_UNKNOWN },
        { "Shift-JIS", SL_CHARSET_SHIFT_JIS },
        { "windows-31j", SL_CHARSET_SHIFT_JIS },
        { "EUC_JP", SL_CHARSET_EUC_JP },
        { "csISO2022JP", SL_CHARSET_ISO_2022_JP },
        { "ks_c_5601-1987", SL_CHARSET_EUC_KR },
        { "cp949", SL_CHARSET_EUC_KR },
        { "GB2312", SL_CHARSET_GB18030 },
        { "gbk", SL_CHARSET_GB18030 },
        { "big5", SL_CHARSET_BIG5 },
        { "utf-32", SL_CHARSET_UTF32LE },
        { "hz-gb-2312", SL_CHARSET_UNKNOWN },
        { "utf8 and a long tail that no label in the world has", SL_CHARSET_UNKNOWN },
    };
    for (size_t i = 0; i < CNT(rows); i++)
        cr_expect_eq(sl_charset_named(rows[i].label, strlen(rows[i].label)), rows[i].want, "%s", rows[i].label);
}

Test(charset, every_set_is_known_by_its_own_name)
{
    for (unsigned charset = SL_CHARSET_UTF8; charset < SL_CHARSET_CNT; charset++) {
        const char *name = sl_charset_name(charset);
        cr_expect_eq(sl_charset_named(name, strlen(name)), charset, "%s", name);
    }
    cr_expect_str_eq(sl_charset_name(SL_CHARSET_UNKNOWN), "");
    cr_expect_str_eq(sl_charset_name(SL_CHARSET_CNT), "");
}

Test(charset, guess_believes_in_the_right_order)
{
    static const struct {
        const char *name;
        const uint8_t *data;
        uint32_t len;
        enum sl_charset label, want;
        uint32_t bom_len;
    } rows[] = {
        { "nothing", BYTES(""), SL_CHARSET_UNKNOWN, SL_CHARSET_UTF8, 0 },
        { "ASCII", BYTES("Gruss"), SL_CHARSET_UNKNOWN, SL_CHARSET_UTF8, 0 },
        { "ASCII with a label", BYTES("Gruss"), SL_CHARSET_ISO_8859_15, SL_CHARSET_ISO_8859_15, 0 },
        { "UTF-8", BYTES("Gr\xc3\xbc\xc3\x9f"), SL_CHARSET_UNKNOWN, SL_CHARSET_UTF8, 0 },
        { "UTF-8 under a wrong label", BYTES("Gr\xc3\xbc\xc3\x9f"), SL_CHARSET_ISO_8859_1, SL_CHARSET_UTF8, 0 },
        { "Latin-1 by label", BYTES("Gr\xfc\xdf"), SL_CHARSET_ISO_8859_1, SL_CHARSET_ISO_8859_1, 0 },
        { "Latin-1 that is not", BYTES("\x93Gr\xfc\xdf\x94"), SL_CHARSET_ISO_8859_1, SL_CHARSET_WINDOWS_1252, 0 },
        { "eight bits without a label", BYTES("Gr\xfc\xdf"), SL_CHARSET_UNKNOWN, SL_CHARSET_WINDOWS_1252, 0 },
        { "Latin-9 by label", BYTES("10 \xa4"), SL_CHARSET_ISO_8859_15, SL_CHARSET_ISO_8859_15, 0 },
        { "damaged UTF-8 by label", BYTES("Gr\xc3\xbc\xc3"), SL_CHARSET_UTF8, SL_CHARSET_UTF8, 0 },
        { "mark of UTF-8", BYTES("\xef\xbb\xbfx\xfc"), SL_CHARSET_ISO_8859_1, SL_CHARSET_UTF8, 3 },
        { "mark of UTF-16, little", BYTES("\xff\xfex\0"), SL_CHARSET_ISO_8859_1, SL_CHARSET_UTF16LE, 2 },
        { "mark of UTF-16, big", BYTES("\xfe\xff\0x"), SL_CHARSET_UTF8, SL_CHARSET_UTF16BE, 2 },
        { "UTF-16 in another order", BYTES("\0x\0y"), SL_CHARSET_UTF16LE, SL_CHARSET_UTF16BE, 0 },
        { "UTF-16 in its order", BYTES("x\0y\0"), SL_CHARSET_UTF16BE, SL_CHARSET_UTF16LE, 0 },
        { "UTF-16 only by label", BYTES("<?xml"), SL_CHARSET_UTF16LE, SL_CHARSET_UTF8, 0 },
        { "mark of UTF-32, little", BYTES("\xff\xfe\0\0x\0\0\0"), SL_CHARSET_UTF16LE, SL_CHARSET_UTF32LE, 4 },
        { "mark of UTF-32, big", BYTES("\0\0\xfe\xff\0\0\0x"), SL_CHARSET_UNKNOWN, SL_CHARSET_UTF32BE, 4 },
        { "UTF-32 in another order", BYTES("\0\0\0x\0\0\0y"), SL_CHARSET_UTF32LE, SL_CHARSET_UTF32BE, 0 },
        { "UTF-32 only by label", BYTES("Gruss"), SL_CHARSET_UTF32LE, SL_CHARSET_UTF8, 0 },
        { "Korean by label", BYTES("\xb4\xba\xbd\xba"), SL_CHARSET_EUC_KR, SL_CHARSET_EUC_KR, 0 },
        { "UTF-8 under a Korean label", BYTES("\xeb\x89\xb4"), SL_CHARSET_EUC_KR, SL_CHARSET_UTF8, 0 },
        { "escapes by label", BYTES("\x1b$B%K\x1b(B"), SL_CHARSET_ISO_2022_JP, SL_CHARSET_ISO_2022_JP, 0 },
        { "half a mark", BYTES("\xef\xbb"), SL_CHARSET_UNKNOWN, SL_CHARSET_WINDOWS_1252, 0 },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        uint32_t bom_len = 99;
        enum sl_charset got = sl_charset_guess(rows[i].data, rows[i].len, rows[i].label, &bom_len);
        cr_expect_eq(got, rows[i].want, "%s: %s", rows[i].name, sl_charset_name(got));
        cr_expect_eq(bom_len, rows[i].bom_len, "%s", rows[i].name);
    }
}

/* ---- UTF-8 ---- */

static const struct utf8_case {
    const char *name;
    const uint8_t *data;
    uint32_t len, valid, clean; /* lengths of the prefixes */
} utf8_cases[] = {
    { "nothing", BYTES(""), 0, 0 },
    { "ASCII", BYTES("ab\tc\n"), 5, 5 },
    { "a control", BYTES("ab\x01"), 3, 2 },
    { "CR", BYTES("ab\r\n"), 4, 2 },
    { "NUL", BYTES("a\0b"), 3, 1 },
    { "DEL", BYTES("a\x7f"), 2, 1 },
    { "a C1 control", BYTES("a\xc2\x9f"), 3, 1 },
    { "the first after C1", BYTES("a\xc2\xa0"), 3, 3 },
    { "two, three, four bytes", BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), 9, 9 },
    { "the last of all", BYTES("\xf4\x8f\xbf\xbf"), 4, 4 },
    { "beyond it", BYTES("\xf4\x90\x80\x80"), 0, 0 },
    { "far beyond", BYTES("\xf5\x80\x80\x80"), 0, 0 },
    { "overlong in two", BYTES("\xc0\xaf"), 0, 0 },
    { "overlong DEL", BYTES("\xc1\xbf"), 0, 0 },
    { "overlong in three", BYTES("\xe0\x9f\xbf"), 0, 0 },
    { "least in three", BYTES("\xe0\xa0\x80"), 3, 3 },
    { "overlong in four", BYTES("\xf0\x8f\xbf\xbf"), 0, 0 },
    { "least in four", BYTES("\xf0\x90\x80\x80"), 4, 4 },
    { "last before the surrogates", BYTES("\xed\x9f\xbf"), 3, 3 },
    { "first surrogate", BYTES("\xed\xa0\x80"), 0, 0 },
    { "last surrogate", BYTES("\xed\xbf\xbf"), 0, 0 },
    { "first after them", BYTES("\xee\x80\x80"), 3, 3 },
    { "a tail alone", BYTES("x\x80"), 1, 1 },
    { "a lead alone", BYTES("x\xc3"), 1, 1 },
    { "cut short", BYTES("x\xe2\x82"), 1, 1 },
    { "broken off", BYTES("x\xe2\x82y"), 1, 1 },
    { "no lead", BYTES("\xff"), 0, 0 },
};

/* Each case behind every number of plain bytes, so that it meets every place in every block; and with plain ones behind
 * it, which makes the case a wide block's affair. */
Test(text, prefix_finds_the_first_bad_byte_wherever_it_stands)
{
    for (size_t i = 0; i < CNT(utf8_cases); i++) {
        const struct utf8_case *row = &utf8_cases[i];
        for (uint32_t before = 0; before < 100; before++) {
            uint8_t data[300];
            memset(data, 'x', sizeof data);
            memcpy(data + before, row->data, row->len);
            bool valid = row->valid == row->len, clean = row->clean == row->len;
            uint32_t len = before + row->len;
            cr_assert_eq(sl_utf8_prefix(data, len), before + row->valid, "%s behind %u", row->name, before);
            cr_assert_eq(sl_text_prefix(data, len), before + row->clean, "%s behind %u", row->name, before);
            if (valid && row->len != 0 && row->data[row->len - 1] >= 0x80)
                cr_assert_lt(sl_utf8_prefix(data, len - 1), len - 1, "%s cut short behind %u", row->name, before);
            if (valid)
                cr_assert_eq(sl_utf8_prefix(data, sizeof data), sizeof data, "%s behind %u", row->name, before);
            if (clean)
                cr_assert_eq(sl_text_prefix(data, sizeof data), sizeof data, "%s behind %u", row->name, before);
        }
    }
}

/* All code points, each encoded by hand; none of the surrogates. */
Test(text, prefix_takes_every_character_there_is_and_no_other)
{
    for (uint32_t character = 0; character < 0x120000; character++) {
        uint8_t data[4];
        uint32_t len;
        if (character < 0x80) {
            data[0] = (uint8_t)character;
            len = 1;
        } else if (character < 0x800) {
            data[0] = (uint8_t)(0xc0 + character / 64);
            data[1] = (uint8_t)(0x80 + character % 64);
            len = 2;
        } else if (character < 0x10000) {
            data[0] = (uint8_t)(0xe0 + character / 4096);
            data[1] = (uint8_t)(0x80 + character / 64 % 64);
            data[2] = (uint8_t)(0x80 + character % 64);
            len = 3;
        } else {
            data[0] = (uint8_t)(0xf0 + character / 262144);
            data[1] = (uint8_t)(0x80 + character / 4096 % 64);
            data[2] = (uint8_t)(0x80 + character / 64 % 64);
            data[3] = (uint8_t)(0x80 + character % 64);
            len = 4;
        }
        bool exists = character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
        cr_assert_eq(sl_utf8_prefix(data, len), exists ? len : 0, "U+%04X", character);
    }
}

/* ---- to UTF-8 ---- */

static const struct put_case {
    const char *name;
    enum sl_charset charset;
    const uint8_t *data;
    uint32_t len;
    const char *want;
    uint32_t repaired_cnt, control_cnt;
} put_cases[] = {
    { "ASCII", SL_CHARSET_UTF8, BYTES("a\tb\nc"), "a\tb\nc", 0, 0 },
    { "CR LF", SL_CHARSET_UTF8, BYTES("a\r\nb\r"), "a\nb", 0, 0 },
    { "controls", SL_CHARSET_UTF8, BYTES("\x01\x61\0b\x7f\x1b"), "ab", 0, 4 },
    { "C1 in UTF-8", SL_CHARSET_UTF8, BYTES("a\xc2\x85z"), "az", 0, 1 },
    { "no-break and soft", SL_CHARSET_UTF8, BYTES("a\xc2\xa0z\xc2\xadz"), "a\u00a0z\u00adz", 0, 0 },
    { "mark", SL_CHARSET_UTF8, BYTES("\xef\xbb\xbfz\xef\xbb\xbf"), "z\ufeff", 0, 0 },
    { "a byte that was lost before", SL_CHARSET_UTF8, BYTES("M\xef\xbf\xbdr, M\xef\xbf\xbdr"), "M\ufffdr, M\ufffdr", 2,
      0 },
    /* The Encoding standard's maximal subparts: Unicode, chapter 3, tables 3-8 to 3-11. */
    { "overlong", SL_CHARSET_UTF8, BYTES("\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41"),
      "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA", 8, 0 },
    { "surrogates", SL_CHARSET_UTF8, BYTES("\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41"),
      "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA", 8, 0 },
    { "beyond", SL_CHARSET_UTF8, BYTES("\xf4\x91\x92\x93\xff\x41\x80\xbf\x42"),
      "\ufffd\ufffd\ufffd\ufffd\ufffdA\ufffd\ufffdB", 7, 0 },
    { "cut short", SL_CHARSET_UTF8, BYTES("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), "\ufffd\ufffd\ufffd\ufffdA", 4, 0 },
    { "cut at the end", SL_CHARSET_UTF8, BYTES("x\xf0\x9f\x98"), "x\ufffd", 1, 0 },
    { "no set at all", SL_CHARSET_UNKNOWN, BYTES("Gr\xc3\xbcn"), "Gr\u00fcn", 0, 0 },
    { "Latin-1", SL_CHARSET_ISO_8859_1, BYTES("\xabGr\xfc\xdf Gott\xbb"), "\u00abGr\u00fc\u00df Gott\u00bb", 0, 0 },
    { "Latin-1 with C1", SL_CHARSET_ISO_8859_1, BYTES("a\x85\x9fz"), "az", 0, 2 },
    { "Windows-1252", SL_CHARSET_WINDOWS_1252, BYTES("\x93\x80 5\x94 \x96 \x81."), "\u201c\u20ac 5\u201d \u2013 .", 0,
      1 },
    { "Latin-2", SL_CHARSET_ISO_8859_2, BYTES("\xa3\xf3\xd1\xbc"), "\u0141\u00f3\u0143\u017a", 0, 0 },
    { "Cyrillic", SL_CHARSET_ISO_8859_5, BYTES("\xbc\xd8\xe0\xf0"), "\u041c\u0438\u0440\u2116", 0, 0 },
    { "Greek", SL_CHARSET_ISO_8859_7, BYTES("\xc1\xe8\xde\xed\xe1 \xa4\xd2"),
      "\u0391\u03b8\u03ae\u03bd\u03b1 \u20ac\ufffd", 1, 0 },
    { "Turkish", SL_CHARSET_ISO_8859_9, BYTES("\xdd\xfe\xf0"), "\u0130\u015f\u011f", 0, 0 },
    { "Latin-9", SL_CHARSET_ISO_8859_15, BYTES("5 \xa4, \xbd\xbe"), "5 \u20ac, \u0153\u0178", 0, 0 },
    { "Windows-1250", SL_CHARSET_WINDOWS_1250, BYTES("\x8a\x9d\xb9"), "\u0160\u0165\u0105", 0, 0 },
    { "Windows-1251", SL_CHARSET_WINDOWS_1251, BYTES("\xcc\xe8\xf0 \xb9"), "\u041c\u0438\u0440 \u2116", 0, 0 },
    { "Windows-1253", SL_CHARSET_WINDOWS_1253, BYTES("\xa2\xaa\xe1"), "\u0386\ufffd\u03b1", 1, 0 },
    { "Windows-1254", SL_CHARSET_WINDOWS_1254, BYTES("\x80\xd0\xfd"), "\u20ac\u011e\u0131", 0, 0 },
    { "KOI8-R", SL_CHARSET_KOI8_R, BYTES("\xed\xc9\xd2\x9a\xa3"), "\u041c\u0438\u0440\u00a0\u0451", 0, 0 },
    { "UTF-16, little", SL_CHARSET_UTF16LE, BYTES("\xff\xfe\x47\0\xfc\0\xac\x20\x3d\xd8\0\xde\r\0\n\0"),
      "G\u00fc\u20ac\U0001f600\n", 0, 0 },
    { "UTF-16, big", SL_CHARSET_UTF16BE, BYTES("\0G\0\xfc\x20\xac\xd8\x3d\xde\0\0\x01"), "G\u00fc\u20ac\U0001f600", 0,
      1 },
    { "halves of pairs", SL_CHARSET_UTF16BE, BYTES("\xd8\x3d\0a\xde\0\xd8\x3d\xd8\x3d\xde\0\xd8\x3d"),
      "\ufffda\ufffd\ufffd\U0001f600\ufffd", 4, 0 },
    { "half a character", SL_CHARSET_UTF16LE, BYTES("a\0b"), "a\ufffd", 1, 0 },
    { "Shift_JIS", SL_CHARSET_SHIFT_JIS, BYTES("a \x83\x6a\x83\x85\x81\x5b\x83\x58 \xc6\xad z"),
      "a \u30cb\u30e5\u30fc\u30b9 \uff86\uff6d z", 0, 0 },
    { "a lead and what is no trail", SL_CHARSET_SHIFT_JIS, BYTES("\x83 x\xfdy\x80"), "\ufffd x\ufffdy", 2, 1 },
    { "EUC-JP", SL_CHARSET_EUC_JP, BYTES("\xa5\xcb\xa5\xe5\x8e\xc6\x8f\xb0\xa1\xad\xa1"),
      "\u30cb\u30e5\uff86\u4e02\u2460", 0, 0 },
    { "half a character of EUC-JP", SL_CHARSET_EUC_JP, BYTES("\xa5zz\x8f\xa1z"), "\ufffdzz\ufffdz", 2, 0 },
    { "ISO-2022-JP", SL_CHARSET_ISO_2022_JP, BYTES("a\x1b$B%K%e\x1b(B<b\x1b(J\\\x1b(I&\x1b$(D0!\ny"),
      "a\u30cb\u30e5<b\u00a5\uff66\u4e02\ny", 0, 0 },
    { "no such set", SL_CHARSET_ISO_2022_JP, BYTES("\x1b$Ca\x80"), "\ufffd$Ca\ufffd", 2, 0 },
    { "EUC-KR", SL_CHARSET_EUC_KR, BYTES("\xb4\xba\xbd\xba, \x81\x41"), "\ub274\uc2a4, \uac02", 0, 0 },
    { "half a character of EUC-KR", SL_CHARSET_EUC_KR, BYTES("\xb4\xba\xbd"), "\ub274\ufffd", 1, 0 },
    { "GB 18030", SL_CHARSET_GB18030, BYTES("\xd0\xc2\xce\xc5\xa8\xa6\x94\x39\xfc\x36\x80"),
      "\u65b0\u95fb\u00e9\U0001f600\u20ac", 0, 0 },
    { "no four bytes", SL_CHARSET_GB18030, BYTES("\x94\x39\xff z\xfe\x39\xfe\x39"),
      "\ufffd9\ufffd z\ufffd9\ufffd9", 4, 0 },
    { "Big5", SL_CHARSET_BIG5, BYTES("\xb7s\xbb\x44 "), "\u65b0\u805e ", 0, 0 },
    { "UTF-32, little", SL_CHARSET_UTF32LE, BYTES("\xff\xfe\0\0G\0\0\0\0\xf6\x01\0"), "G\U0001f600", 0, 0 },
    { "UTF-32, big, and what is none", SL_CHARSET_UTF32BE, BYTES("\0\0\0G\0\0\xd8\0\0\x11\0\0\0\0"),
      "G\ufffd\ufffd\ufffd", 3, 0 },
    { "half a pair and half a character", SL_CHARSET_UTF16LE, BYTES("\x3d\xd8z"), "\ufffd", 1, 0 },
};

Test(text, put_makes_clean_utf8_of_every_set)
{
    for (size_t i = 0; i < CNT(put_cases); i++) {
        const struct put_case *row = &put_cases[i];
        struct sl_text_stats stats = { 0, 0 };
        open_text();
        sl_text_put(&out, row->charset, row->data, row->len, &stats);
        cr_expect_str_eq(opened(), row->want, "%s", row->name);
        cr_expect_eq(stats.repaired_cnt, row->repaired_cnt, "%s: %u repaired", row->name, stats.repaired_cnt);
        cr_expect_eq(stats.control_cnt, row->control_cnt, "%s: %u controls", row->name, stats.control_cnt);
    }
}

/* The same cases far into a long text and with one behind it, where blocks and the buffer of characters take turns. */
Test(text, put_does_the_same_in_the_middle_of_a_long_text)
{
    for (size_t i = 0; i < CNT(put_cases); i++) {
        const struct put_case *row = &put_cases[i];
        bool is_cut = strcmp(row->name, "cut at the end") == 0 || row->charset == SL_CHARSET_EUC_KR;
        if (sl_charset_is_wide(row->charset) || is_cut || strcmp(row->name, "mark") == 0)
            continue; /* what stands beside them would change what they are */
        for (uint32_t before = 0; before < 80; before++) {
            uint8_t data[400];
            char want[500];
            memset(data, 'x', sizeof data);
            memcpy(data + before, row->data, row->len);
            memset(want, 'x', sizeof want);
            memcpy(want + before, row->want, strlen(row->want));
            want[before + strlen(row->want) + sizeof data - before - row->len] = '\0';
            open_text();
            sl_text_put(&out, row->charset, data, sizeof data, NULL);
            cr_assert_str_eq(opened(), want, "%s behind %u", row->name, before);
        }
    }
}

Test(text, every_byte_of_every_set_becomes_what_its_table_says)
{
    for (unsigned charset = 0; charset < SL_CHARSET_CNT; charset++) {
        const char16_t *high = sl_charset_high(charset);
        for (unsigned byte = 0x80; high && byte < 0x100; byte++) {
            uint8_t data = (uint8_t)byte;
            uint32_t character = high[byte - 0x80];
            struct sl_text_stats stats = { 0, 0 };
            open_text();
            sl_text_put(&out, charset, &data, 1, &stats);
            cr_expect_eq(stats.control_cnt, character < 0xa0, "%s %02x", sl_charset_name(charset), byte);
            cr_expect_eq(stats.repaired_cnt, character == 0xfffd, "%s %02x", sl_charset_name(charset), byte);
            char want[4] = { 0 };
            if (character >= 0x800) {
                want[0] = (char)(0xe0 + character / 4096);
                want[1] = (char)(0x80 + character / 64 % 64);
                want[2] = (char)(0x80 + character % 64);
            } else if (character >= 0xa0) {
                want[0] = (char)(0xc0 + character / 64);
                want[1] = (char)(0x80 + character % 64);
            }
            cr_expect_str_eq(opened(), want, "%s %02x", sl_charset_name(charset), byte);
        }
    }
    cr_expect_null(sl_charset_high(SL_CHARSET_UTF8));
    cr_expect_null(sl_charset_high(SL_CHARSET_UTF16BE));
    cr_expect_null(sl_charset_high(SL_CHARSET_CNT));
}

Test(text, put_into_a_full_bulletin_stays_inside)
{
    static _Alignas(8) uint8_t mem[SL_BULLETIN_LEN_MIN + 64];
    uint8_t data[4096];
    memset(data, 0xfc, sizeof data);
    memset(mem, 0xee, sizeof mem);
    sl_out_begin(&out, mem, SL_BULLETIN_LEN_MIN, 1);
    sl_out_open(&out);
    sl_text_put(&out, SL_CHARSET_ISO_8859_1, data, sizeof data, NULL);
    cr_expect(out.full);
    cr_expect_eq(mem[SL_BULLETIN_LEN_MIN], 0xee);
}

Test(text, put_line_folds_white_space_and_trims_the_ends)
{
    static const struct {
        const char *name;
        enum sl_charset charset;
        const uint8_t *data;
        uint32_t len;
        const char *want;
    } rows[] = {
        { "nothing", SL_CHARSET_UTF8, BYTES(""), "" },
        { "blanks", SL_CHARSET_UTF8, BYTES("   "), "" },
        { "plain", SL_CHARSET_UTF8, BYTES("Ferry back"), "Ferry back" },
        { "blanks around", SL_CHARSET_UTF8, BYTES("  Ferry back "), "Ferry back" },
        { "blanks inside", SL_CHARSET_UTF8, BYTES("Ferry   back"), "Ferry back" },
        { "every white space", SL_CHARSET_UTF8, BYTES("\n\tFerry \r\n\v\f back\r"), "Ferry back" },
        { "a CR alone", SL_CHARSET_UTF8, BYTES("Ferry\rback"), "Ferry back" },
        { "a control between blanks", SL_CHARSET_UTF8, BYTES("Ferry \x01 back"), "Ferry back" },
        { "only controls", SL_CHARSET_UTF8, BYTES(" \x01 \x02"), "" },
        { "no-break at the ends", SL_CHARSET_UTF8, BYTES("\xc2\xa0 Old\xc2\xa0port \xc2\xa0"), "Old\u00a0port" },
        { "no-break in Latin-1", SL_CHARSET_ISO_8859_1, BYTES("\xa0Z\xfcge\xa0ruhen\xa0"), "Z\u00fcge\u00a0ruhen" },
        { "UTF-16", SL_CHARSET_UTF16BE, BYTES("\0 \0a\0 \0 \0b\0\n"), "a b" },
        { "UTF-16 that looks like ASCII", SL_CHARSET_UTF16BE, BYTES("ab"), "\u6162" },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        open_text();
        sl_out_put(&out, "> ", 2);
        sl_text_put_line(&out, rows[i].charset, rows[i].data, rows[i].len, NULL);
        cr_expect_str_eq(opened() + 2, rows[i].want, "%s", rows[i].name);
    }
}

/* Two blanks at every place of lines of every length around the blocks. */
Test(text, put_line_sees_two_blanks_wherever_they_stand)
{
    for (uint32_t len = 4; len < 60; len++) {
        for (uint32_t at = 1; at + 2 < len; at++) {
            uint8_t data[64];
            char want[64];
            memset(data, 'x', sizeof data);
            memset(want, 'x', sizeof want);
            data[at] = data[at + 1] = ' ';
            want[at] = ' ';
            want[len - 1] = '\0';
            open_text();
            sl_text_put_line(&out, SL_CHARSET_UTF8, data, len, NULL);
            cr_assert_str_eq(opened(), want, "at %u of %u", at, len);
        }
    }
}

/* ---- lines and spans ---- */

Test(line, each_kind_of_end_ends_one_line)
{
    static const struct {
        const char *name, *text, *want; /* the lines, each in brackets */
    } rows[] = {
        { "nothing", "", "" },
        { "LF", "a\nb", "[a][b]" },
        { "CR LF", "a\r\nb\r\n", "[a][b]" },
        { "CR", "a\rb\r", "[a][b]" },
        { "CR CR LF", "a\r\r\nb\r\r\n", "[a][b]" },
        { "mixed", "a\r\rb\n\nc\r\n\rd", "[a][][b][][c][][d]" },
        { "CR CR at the end", "a\r\r", "[a][]" },
        { "CR CR CR LF", "a\r\r\r\nb", "[a][][b]" },
        { "LF CR", "a\n\rb", "[a][][b]" },
        { "empty lines", "\n\n", "[][]" },
        { "a long line", "0123456789abcdefghijklmnopqrstuvwxyz0123456789\nb",
          "[0123456789abcdefghijklmnopqrstuvwxyz0123456789][b]" },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        struct sl_span rest = span(rows[i].text), line;
        char got[128] = "";
        while (sl_line_next(&rest, &line)) {
            size_t len = strlen(got);
            snprintf(got + len, sizeof got - len, "[%.*s]", (int)line.len, (const char *)line.data);
        }
        cr_expect_str_eq(got, rows[i].want, "%s", rows[i].name);
    }
}

Test(line, an_end_is_found_at_every_place)
{
    for (uint32_t at = 0; at < 70; at++) {
        char text[72];
        memset(text, 'x', sizeof text);
        text[at] = at % 2 ? '\n' : '\r';
        struct sl_span rest = { (const uint8_t *)text, sizeof text }, line;
        cr_assert(sl_line_next(&rest, &line));
        cr_assert_eq(line.len, at);
        cr_assert_eq(rest.len, sizeof text - at - 1);
    }
}

Test(span, trim_takes_blanks_and_lone_no_break_spaces)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "nothing", "", "" },
        { "all", " \t\r\n", "" },
        { "both ends", "\t a b \r\n", "a b" },
        { "Latin-1 no-break", "\xa0 a\xa0 \xa0", "a" },
        { "a letter's tail", "voil\xc3\xa0", "voil\xc3\xa0" },
        { "a letter's tail and a blank", "voil\xc3\xa0 ", "voil\xc3\xa0" },
        { "only no-break", "\xa0\xa0", "" },
    };
    for (size_t i = 0; i < CNT(rows); i++)
        cr_expect(same(sl_span_trim(span(rows[i].text)), rows[i].want), "%s", rows[i].name);
    struct sl_span nul = sl_span_trim((struct sl_span){ (const uint8_t *)"\0a\0", 3 });
    cr_expect(same(nul, "a"));
}

Test(span, words_are_compared_without_case_in_ascii_only)
{
    cr_expect(sl_span_is(span("ZCZC"), "zczc"));
    cr_expect_not(sl_span_is(span("ZCZC "), "zczc"));
    cr_expect_not(sl_span_is(span("ZCZ"), "zczc"));
    cr_expect(sl_span_is(span(""), ""));
    cr_expect_not(sl_span_is(span("\xc4"), "\xe4"));
    cr_expect_not(sl_span_is(span("["), "{"));
    cr_expect(sl_span_starts(span("Source: nw"), "SOURCE:"));
    cr_expect_not(sl_span_starts(span("Sour"), "source"));
    uint32_t off = 99;
    cr_expect(sl_span_find(span("1st LEAD, corrects"), "Lead", &off));
    cr_expect_eq(off, 4);
    cr_expect(sl_span_find(span("aaab"), "aab", &off));
    cr_expect_eq(off, 1);
    cr_expect_not(sl_span_find(span("1st Lea"), "lead", &off));
    cr_expect_not(sl_span_find(span(""), "lead", &off));
    cr_expect_eq(off, 1);
}

/* ---- paragraphs ---- */

static void put_paragraphs(enum sl_charset charset, bool keep_lines, const char *text)
{
    struct sl_para para;
    struct sl_span rest = span(text), line;
    sl_para_begin(&para, &out, charset, NULL);
    para.keep_lines = keep_lines;
    while (sl_line_next(&rest, &line))
        sl_para_line(&para, line);
    sl_para_end(&para);
}

Test(para, lines_come_together_as_the_header_says)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "nothing", "", "" },
        { "one line", "One line.\n", "One line." },
        { "wrapped", "The ferry is\nback in port.\n", "The ferry is back in port." },
        { "two paragraphs", "One.\nTwo.\n\nThree.\n", "One. Two.\n\nThree." },
        { "many empty lines", "\n\nOne.\n\n \n\t\n\nTwo.\n\n\n", "One.\n\nTwo." },
        { "CR CR LF", "One\r\r\nline.\r\r\n\r\r\nTwo.\r\r\n", "One line.\n\nTwo." },
        { "blanks at the line ends", "One  \nline. \n", "One line." },
        { "indented after a sentence", "   One\nline.\n   Two\nlines.\n", "One line.\n\nTwo lines." },
        { "TAB after a sentence", "\tOne.\n\tTwo.\n", "One.\n\nTwo." },
        { "after a quotation", "  He said: \"No.\"\n  She said: yes.\n", "He said: \"No.\"\n\nShe said: yes." },
        { "after a French quotation", "  Il dit \xc2\xabnon.\xc2\xbb\n  Elle\n", "Il dit \u00abnon.\u00bb\n\nElle" },
        { "indented in a sentence", "  The ferry\n  is back.\n", "The ferry is back." },
        { "one blank is no indent", " One.\n Two.\n", "One. Two." },
        { "a list", "Points:\n- one\n- two that\ngoes on\n* three\n-- four\n",
          "Points:\n\n- one\n\n- two that goes on\n\n* three\n\n-- four" },
        { "no list", "five\n-5 degrees\n*starred*\n", "five -5 degrees *starred*" },
        { "a typist's two blanks", "It is.  It was.\nIt will.  So.\n", "It is. It was. It will. So." },
        { "a gap alone", "It is a    gap in\nthe text.\n", "It is a gap in the text." },
        { "a gap alone at the end", "Text with\none    gap\n", "Text with one gap" },
        { "a gap alone in its paragraph", "one    gap\n\nText.\n", "one gap\n\nText." },
        { "a gap alone after a sentence, indented", "Text.\n  one    gap\nand more.\n", "Text.\n\none gap and more." },
        { "a table of gaps", "Results:\nAalborg     2   1\nBergen      0   3\nMore text\nfollows.\n",
          "Results:\nAalborg\t2\t1\nBergen\t0\t3\nMore text follows." },
        { "two blanks in rows", "Oslo  12\nRiga  9\n", "Oslo\t12\nRiga\t9" },
        { "a table of TABs", "Aalborg\t2\t1\n", "Aalborg\t2\t1" },
        { "an empty cell", "Aalborg\t\t1\nBergen\t0\t3\n", "Aalborg\t\t1\nBergen\t0\t3" },
        { "TABs and blanks", "Aalborg \t 2  \t1\n", "Aalborg\t2\t1" },
        { "a gap beside a TAB", "Bergen   3\nAalborg\t2\n", "Bergen\t3\nAalborg\t2" },
        { "a TAB beside a gap", "Aalborg\t2\nBergen   3\nprose\n", "Aalborg\t2\nBergen\t3\nprose" },
        { "tables apart", "a   b\nc   d\n\ne   f\ng   h\n", "a\tb\nc\td\n\ne\tf\ng\th" },
        { "a line of controls", "One.\n\x01\x02\nTwo.\n", "One.\n\nTwo." },
        { "a row of controls", "a   b\n\x01   \x02\nTwo.\n", "a b\n\nTwo." },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        open_text();
        put_paragraphs(SL_CHARSET_UTF8, false, rows[i].text);
        cr_expect_str_eq(opened(), rows[i].want, "%s", rows[i].name);
    }
}

Test(para, kept_lines_are_paragraphs_or_rows)
{
    static const struct {
        const char *name, *text, *want;
    } rows[] = {
        { "lines", "One.\nTwo\nthree.\n\nFour.\n", "One.\n\nTwo\n\nthree.\n\nFour." },
        { "rows", "Table\nOslo  12\nRiga  9\nText.\n", "Table\n\nOslo\t12\nRiga\t9\n\nText." },
        { "a gap alone", "One    gap.\nText.\n", "One gap.\n\nText." },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        open_text();
        put_paragraphs(SL_CHARSET_UTF8, true, rows[i].text);
        cr_expect_str_eq(opened(), rows[i].want, "%s", rows[i].name);
    }
}

Test(para, lines_are_converted_and_nothing_else_is)
{
    open_text();
    put_paragraphs(SL_CHARSET_ISO_8859_1, false, "Die Z\xfcge\xa0ruhen\nf\xfcr heute.\n\n\xa0\nGru\xdf.\xa0\n");
    cr_expect_str_eq(opened(), "Die Z\u00fcge\u00a0ruhen f\u00fcr heute.\n\nGru\u00df.");
}

Test(para, two_bodies_in_one_text_are_parted)
{
    open_text();
    put_paragraphs(SL_CHARSET_UTF8, false, "One.\n");
    put_paragraphs(SL_CHARSET_UTF8, false, "Two.\n");
    cr_expect_str_eq(opened(), "One.\n\nTwo.");
}

/* However a paragraph was wrapped, it comes back the same. */
Test(para, wrapping_at_any_width_is_undone)
{
    static const char prose[] =
        "The harbour office said on Monday that the ferry had come back to port after a night at "
        "sea, with all hands well and the cargo dry; the line will sail again in the morning, "
        "weather permitting, and passengers may use their old tickets until the end of March.";
    for (size_t width = 24; width < 120; width++) {
        char wrapped[sizeof prose];
        memcpy(wrapped, prose, sizeof prose);
        size_t start = 0, last = 0;
        for (size_t i = 0; i < sizeof prose - 1; i++) {
            if (wrapped[i] == ' ')
                last = i;
            if (i - start >= width && last > start) {
                wrapped[last] = '\n';
                start = last + 1;
            }
        }
        open_text();
        put_paragraphs(SL_CHARSET_UTF8, false, wrapped);
        cr_assert_str_eq(opened(), prose, "width %zu", width);
    }
}

Test(text, words_are_runs_between_white_space)
{
    static const struct {
        const char *text;
        uint32_t want;
    } rows[] = {
        { "", 0 },
        { " \n\t", 0 },
        { "one", 1 },
        { " one  two\nthree\tfour ", 4 },
        { "well-known U.N. 5.3", 3 },
        { "un\u00a0deux", 1 },
    };
    for (size_t i = 0; i < CNT(rows); i++) {
        struct sl_slice slice = { rows[i].text, (uint32_t)strlen(rows[i].text) };
        cr_expect_eq(sl_text_words(slice), rows[i].want, "%s", rows[i].text);
    }
}

/* ---- words ---- */

/* In memory that ends where they end, and in memory that goes on: the same, and what a byte's own look says. */
static void expect_words(const uint8_t *data, uint32_t len, uint32_t behind, enum sl_words kind)
{
    uint8_t *text = malloc(len + behind), to[160 + SL_WORDS_ROOM];
    memcpy(text, data, len);
    memset(text + len, 'y', behind);
    uint32_t got = sl_words_copy(to, (struct sl_span){ text, len }, len + behind, kind), want = 0, white = 0;
    while (want < len && !sl_words_stop((struct sl_span){ text + want, len - want }, kind))
        want++;
    cr_assert_eq(got, want, "kind %u, %u bytes and %u: %u, not %u", kind, len, behind, got, want);
    cr_assert(memcmp(to, data, got) == 0);
    while (white < len && memchr(" \t\n\f\r", data[white], 5))
        white++;
    cr_assert_eq(sl_white_run((struct sl_span){ text, len }, len + behind), white);
    free(text);
}

Test(words, are_copied_up_to_what_stops_them_wherever_it_stands)
{
    static const char *const pieces[] = { "x",        "  ",       "\n",           "\t",          "\x7f",
                                          "\xc3\xa9", "\xc2\xa0", "\xef\xbf\xbd", "\xe2\x80\x94" };
    uint8_t data[128];
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        for (uint32_t at = 0; at + 3 < sizeof data; at += 1 + at / 16) {
            memset(data, 'x', sizeof data);
            memcpy(data + at, pieces[i], strlen(pieces[i]));
            for (unsigned kind = SL_WORDS_ASCII; kind <= SL_WORDS_UTF8; kind++) {
                expect_words(data, at + 3, 0, kind);
                expect_words(data, sizeof data, 0, kind);
                expect_words(data, sizeof data, 40, kind);
            }
        }
    }
}

Test(words, the_first_of_some_bytes_is_found_at_every_place)
{
    uint8_t data[48];
    for (uint32_t len = 0; len <= sizeof data; len++) {
        for (uint32_t at = 0; at <= len; at++) {
            memset(data, 'x', sizeof data);
            if (at < len)
                data[at] = at % 2 ? '(' : 0xe2;
            cr_assert_eq(sl_first_of((struct sl_span){ data, len }, "(/\xe2"), at);
        }
    }
}
