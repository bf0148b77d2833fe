/* Our scanner, at the work of bench/stories.h. */
#include "bench/stories.h"
#include "parsers/ascii.h"
#include "parsers/xml.h"

#define SCRATCH_LEN (1u << 20)

SL_XML_NAMES(story_names, STORY_NAMES);

unsigned story_name_of(const char *local, size_t len)
{
    return sl_xml_id(&story_names, (struct sl_span){ (const uint8_t *)local, (uint32_t)len });
}

static void put_8bit(struct story *story, const char16_t *high, struct sl_span span)
{
    for (uint32_t i = 0; i < span.len; i++) {
        uint32_t character = span.data[i] < 0x80 ? span.data[i] : high[span.data[i] - 0x80];
        char utf8[3] = { (char)(0xe0 | character >> 12), (char)(0x80 | (character >> 6 & 63)),
                         (char)(0x80 | (character & 63)) };
        if (character >= 0x800)
            story_put(story, utf8, 3);
        else if (character >= 0x80)
            story_put(story, (char[]){ (char)(0xc0 | character >> 6), utf8[2] }, 2);
        else
            story_put(story, (char[]){ (char)character }, 1);
    }
}

static void put_pieces(const struct sl_xml *xml, struct story *story, struct sl_xml_pieces pieces)
{
    struct sl_span piece;
    const char16_t *high = sl_charset_high(xml->charset);
    while (sl_xml_piece(&pieces, &piece)) {
        if (high && !pieces.is_ref)
            put_8bit(story, high, piece);
        else
            story_put(story, (const char *)piece.data, piece.len);
    }
}

static void put_start(const struct sl_xml *xml, struct story *story)
{
    const char *name = story_attr(xml->id);
    const struct sl_xml_attr *attr = name ? sl_xml_attr(xml, name) : NULL;
    story_start(story, xml->id);
    if (!attr)
        return;
    put_pieces(xml, story, sl_xml_pieces_of_value(attr));
    story_put(story, "\n", 1);
}

static bool read_story(const struct bench_doc *doc, struct story *story)
{
    static _Alignas(8) uint8_t scratch[SCRATCH_LEN];
    static struct sl_parse parse;
    static struct sl_xml xml;
    if (!parse.scratch.mem)
        sl_parse_init(&parse, scratch, sizeof scratch);
    parse.scratch.used = 0;
    sl_xml_begin(&xml, &parse, (struct sl_span){ (const uint8_t *)doc->data, doc->len }, &story_names,
                 SL_CHARSET_UNKNOWN);
    for (;;) {
        switch (sl_xml_next(&xml)) {
        case SL_XML_START:
            put_start(&xml, story);
            break;
        case SL_XML_END:
            story_end(story, xml.id);
            break;
        case SL_XML_TEXT:
            if (story_wants_text(story))
                put_pieces(&xml, story, sl_xml_pieces_of_text(&xml));
            break;
        case SL_XML_DONE:
            return true;
        case SL_XML_ERROR:
            return false;
        }
    }
}

const struct bench_parser bench_slugline = { "slugline", read_story };
