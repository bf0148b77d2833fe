/* parsers/lines: the walk over bits gives the lines that text.h gives one by one. */
#include <criterion/criterion.h>
#include <string.h>
#include "parsers/lines.h"

static struct sl_look look_plainly(struct sl_span words)
{
    struct sl_look look = { false, false, false, false };
    for (uint32_t i = 0; i < words.len; i++) {
        const uint8_t *at = words.data + i;
        look.has_high |= *at >= 0x80;
        look.has_control |= *at < 0x20 || *at == 0x7f;
        look.has_gap |= i + 1 < words.len && memcmp(at, "  ", 2) == 0;
        look.has_wide_gap |= i + 2 < words.len && memcmp(at, "   ", 3) == 0;
    }
    return look;
}

/* The same by the functions that lines.h names. */
static bool next_plainly(struct sl_span *rest, struct sl_line *line)
{
    if (!sl_line_next(rest, &line->whole))
        return false;
    line->words = sl_span_trim(line->whole);
    line->look = look_plainly(line->words);
    line->is_indented = sl_para_is_indented(line->whole);
    return true;
}

static uint32_t expect_same(const uint8_t *data, uint32_t len)
{
    struct sl_span rest = { data, len };
    struct sl_lines lines;
    struct sl_line want, got;
    uint32_t cnt = 0;
    sl_lines_begin(&lines, rest);
    for (; next_plainly(&rest, &want); cnt++) {
        cr_assert(sl_lines_next(&lines, &got), "line %u is there", cnt);
        cr_assert(got.whole.data == want.whole.data && got.whole.len == want.whole.len, "line %u of %u bytes", cnt,
                  want.whole.len);
        cr_assert_eq(got.words.len, want.words.len, "words of line %u: %u bytes", cnt, want.words.len);
        cr_assert(got.words.len == 0 || got.words.data == want.words.data);
        cr_assert(got.words.len == 0 || memcmp(&got.look, &want.look, sizeof got.look) == 0, "look of line %u", cnt);
        cr_assert(got.words.len == 0 || got.is_indented == want.is_indented);
        cr_assert(lines.rest.data == rest.data && lines.rest.len == rest.len);
    }
    cr_assert(!sl_lines_next(&lines, &got));
    return cnt;
}

Test(lines, no_text_has_none) { cr_assert_eq(expect_same(NULL, 0), 0); }

static const struct row {
    const char *text;
    uint32_t cnt;
} rows[] = {
    {"one\ntwo",                           2},
    { "one\r\ntwo\r\r\nthree\rfour",       4},
    { "one\r\r\r\ntwo",                    3},
    { "\n\n",                              2},
    { "   indented \r\n\tso too\r\n",      2},
    { "a gap  here\nand   wide\nnone\n",   3},
    { "\xa0no-break\xa0\nl\xf6n \xe0\n",   2},
    { "blank before CR \r \nthen\r\n",     3},
    { "controls \x0f inside\n\x7f\n\x01 ", 3},
};

Test(lines, ends_and_blanks_are_those_of_text)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert_eq(expect_same((const uint8_t *)rows[i].text, (uint32_t)strlen(rows[i].text)), rows[i].cnt, "row %zu",
                     i);
}

/* Made of what decides, more and less of it: lines shorter than a word of bits, and longer than all of them. */
Test(lines, any_text_has_the_lines_of_text)
{
    static const char some[] = "\n\r  \t\xa0\xc3\x7f.", letters[] = "abcdefgh";
    static uint8_t text[20000];
    uint64_t random = 7901;
    for (uint32_t round = 0; round < 400; round++) {
        uint32_t len = 1 + round * 49, rarity = 1u << round % 14;
        for (uint32_t i = 0; i < len; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            uint32_t drawn = (uint32_t)(random >> 33);
            text[i] = (uint8_t)(drawn % rarity == 0 ? some[drawn / rarity % (sizeof some - 1)] : letters[drawn % 8]);
        }
        expect_same(text, len);
    }
}
