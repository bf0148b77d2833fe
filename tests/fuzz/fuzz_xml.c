/* Does our XML scanner read the same in any bytes as expat, or do both refuse?  Are the spans it gives inside? */
#include <assert.h>
#include "tests/parsers/xml_expat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NAMES(NAME) NAME(NAME_P, "p") NAME(NAME_HL1, "hl1") NAME(NAME_BODY, "body") NAME(NAME_CONTENT, "body.content")
enum { NAME_OTHER, NAMES(SL_XML_ENUM) };
SL_XML_NAMES(names, NAMES);

static struct xml_pair pair;
static _Alignas(8) uint8_t scratch[1u << 20];

static void expect_inside(const struct sl_xml *xml, struct sl_span span)
{
    assert(span.len == 0 || (span.data >= xml->data && span.data + span.len <= xml->data + xml->len));
}

/* Everything that a format may ask for at an event. */
static void look_at_event(struct sl_xml *xml, struct sl_out *out)
{
    assert(xml->off <= xml->end && xml->end <= xml->len && xml->depth <= SL_XML_DEPTH_MAX);
    if (xml->event == SL_XML_TEXT) {
        expect_inside(xml, xml->text);
        sl_xml_put(xml, out);
        return;
    }
    expect_inside(xml, sl_xml_name(xml));
    expect_inside(xml, sl_xml_local(xml));
    assert(xml->id == sl_xml_id(&names, sl_xml_local(xml)) && sl_xml_above_id(xml, 0) == xml->id);
    for (uint32_t i = 0; xml->event == SL_XML_START && i < xml->attr_cnt; i++) {
        expect_inside(xml, xml->attrs[i].value);
        sl_xml_put_value(xml, out, &xml->attrs[i]);
        assert(sl_xml_attr_ns(xml, &xml->attrs[i]) < SL_XML_NS_CNT);
    }
}

/* The way of a format that skips some elements, and of a stream of documents. */
static void walk(struct sl_span span, uint8_t skips)
{
    static struct sl_out out;
    static _Alignas(8) uint8_t bulletin[1u << 18];
    struct sl_xml *xml = &pair.ours.xml;
    struct sl_span inner;
    pair.ours.parse.scratch.used = 0;
    sl_out_begin(&out, bulletin, sizeof bulletin, 1);
    sl_xml_begin(xml, &pair.ours.parse, span, &names, skips % SL_CHARSET_CNT);
    xml->is_first_only = skips & 1;
    for (uint32_t documents = 0; documents < 8 && xml->event != SL_XML_ERROR; documents++) {
        sl_out_open(&out);
        while (sl_xml_next(xml) != SL_XML_DONE && xml->event != SL_XML_ERROR) {
            look_at_event(xml, &out);
            if (xml->event == SL_XML_START && (xml->depth & skips) != 0 && sl_xml_inner(xml, &inner) == SL_XML_END)
                expect_inside(xml, inner);
        }
        sl_out_close(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct sl_feed_facts feed;
    if (len > 65536 || len == 0)
        return 0;
    sl_parse_init(&pair.ours.parse, scratch, sizeof scratch);
    pair.ours.parse.feed = &feed;
    struct sl_span span = { data, (uint32_t)len };
    if (compare_xml(&pair, span) == XML_DIFFERENT) {
        show_difference(&pair, span);
        abort();
    }
    walk(span, data[len / 2]);
    return 0;
}
