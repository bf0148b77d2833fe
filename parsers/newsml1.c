/* parsers/newsml1.c - NewsML 1.0 to 1.2: one bulletin for each NewsItem.
 *
 *     <NewsML> <NewsEnvelope/>
 *              <NewsItem> <Identification/> <NewsManagement/> <NewsComponent> ... </NewsComponent> </NewsItem>*
 *     </NewsML>
 *
 * Source    IPTC NewsML 1.2 functional specification, DTD 1.0 to 1.2, guidelines.
 *
 * The id is the PublicIdentifier as it is given, with its revision; without it, it is a name of the story, so that a
 * kill of one version is one of all.  Where it is one constant for all items (Belga), the id is PROVIDER:ITEM and the
 * revision the version.
 */
#include "parsers/newsml1.h"
#include <string.h>
#include "parsers/ascii.h"

#define PEEK_MAX 4096u

SL_XML_NAMES(names, SL_NEWSML1_NAMES);

static const struct sl_ref none;

struct sl_span sl_newsml1_span(const struct sl_newsml1 *item, struct sl_ref ref)
{
    return sl_span_of(sl_bulletin_ref(sl_out_root(item->out), ref));
}

bool sl_newsml1_ref_is(const struct sl_newsml1 *item, struct sl_ref ref, const char *word)
{
    return sl_span_is(sl_newsml1_span(item, ref), word);
}

struct sl_ref sl_newsml1_line(struct sl_newsml1 *item)
{
    struct sl_ref ref = none;
    sl_xml_line(item->xml, item->out, &ref);
    return ref;
}

struct sl_ref sl_newsml1_name(struct sl_newsml1 *item)
{
    return sl_xml_value_line(item->xml, item->out, sl_xml_attr(item->xml, "FormalName"));
}

/* Where the standard has an attribute, some have text. */
static struct sl_ref take_name_or_text(struct sl_newsml1 *item)
{
    struct sl_ref name = sl_newsml1_name(item);
    return name.len != 0 ? name : sl_newsml1_line(item);
}

/* ---- identification and management ---- */

static void take_revision(struct sl_newsml1 *item)
{
    item->previous = sl_xml_value_line(item->xml, item->out, sl_xml_attr(item->xml, "PreviousRevision"));
    item->revision = sl_newsml1_line(item);
}

static void take_created(struct sl_newsml1 *item)
{
    item->story.zone = sl_parse_zone(item->parse, sl_standing_zone(sl_newsml1_span(item, item->provider_id)));
    item->created = sl_newsml1_line(item);
    sl_standing_created(&item->story, sl_newsml1_span(item, item->created));
}

static void refer(struct sl_newsml1 *item, const char *what)
{
    struct sl_ref id = sl_xml_value_line(item->xml, item->out, sl_xml_attr(item->xml, "NewsItem"));
    struct sl_ref rel = sl_out_ref(item->out, what, (uint32_t)strlen(what));
    if (id.len != 0)
        sl_out_item_once(item->out, SL_LIST_ASSOCIATIONS, rel, id, none, none);
}

static void take_urgency(struct sl_newsml1 *item)
{
    struct sl_ref word = take_name_or_text(item);
    struct sl_span digits = sl_newsml1_span(item, word);
    sl_standing_say(item->out, SL_TEXT_PRIORITY_RAW, word);
    if (digits.len != 0 && digits.data[0] >= '1' && digits.data[0] <= '9' &&
        (digits.len == 1 || !sl_is_digit(digits.data[1])))
        sl_out_root(item->out)->urgency = (uint8_t)(digits.data[0] - '0');
}

static void take_head_element(struct sl_newsml1 *item)
{
    switch (item->xml->id) {
    case NML_PROVIDER_ID:
        item->provider_id = sl_newsml1_line(item);
        break;
    case NML_DATE_ID:
        item->date_id = sl_newsml1_line(item);
        break;
    case NML_ITEM_ID:
        item->item_id = sl_newsml1_line(item);
        break;
    case NML_REVISION_ID:
        take_revision(item);
        break;
    case NML_PUBLIC_ID:
        item->public_id = sl_newsml1_line(item);
        break;
    case NML_NAME_LABEL:
        item->name_label = sl_newsml1_line(item);
        break;
    case NML_FIRST_CREATED:
        item->first = sl_newsml1_line(item);
        break;
    case NML_THIS_CREATED:
        take_created(item);
        break;
    case NML_STATUS:
        item->status = take_name_or_text(item);
        break;
    case NML_FUTURE_STATUS:
        item->future_status = take_name_or_text(item);
        break;
    case NML_DATE_AND_TIME:
        if (sl_xml_above_id(item->xml, 1) == NML_WILL_CHANGE)
            item->will_change = sl_newsml1_line(item);
        break;
    case NML_URGENCY:
        take_urgency(item);
        break;
    case NML_ASSOCIATED:
        refer(item, "associatedWith");
        break;
    case NML_DERIVED:
        refer(item, "derivedFrom");
        break;
    case NML_INSTRUCTION:
        item->instruction = sl_newsml1_name(item);
        break;
    case NML_UPDATE:
    case NML_REPLACE:
    case NML_DELETE:
        item->has_update = true;
        break;
    case NML_TOPIC_SET:
    case NML_CATALOG:
        sl_xml_skip(item->xml);
        break;
    default:
        break;
    }
}

/* ---- identity ---- */

static uint32_t count(struct sl_span span, uint8_t byte)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < span.len; i++)
        cnt += span.data[i] == byte;
    return cnt;
}

/* Names this item, and not the provider only: "urn:newsml:PROVIDER:DATE:ITEM:REVISION". */
static bool is_identifying(const struct sl_newsml1 *item)
{
    struct sl_span public_id = sl_newsml1_span(item, item->public_id), id = sl_newsml1_span(item, item->item_id);
    bool has_item = id.len != 0 && memmem(public_id.data, public_id.len, id.data, id.len);
    return public_id.len != 0 && (id.len == 0 || has_item || count(public_id, ':') >= 4);
}

/* The public identifier before its revision; its length, 0: it has none. */
static uint32_t stem_of(const struct sl_newsml1 *item, struct sl_span id)
{
    struct sl_span revision = sl_newsml1_span(item, item->revision);
    uint32_t tail = revision.len + 1;
    if (revision.len == 0 || id.len <= tail)
        return 0;
    struct sl_span end = sl_span_skip(id, id.len - tail);
    return end.data[0] == ':' && memcmp(end.data + 1, revision.data, revision.len) == 0 ? id.len - tail : 0;
}

static struct sl_ref put_two(struct sl_newsml1 *item, struct sl_span a, struct sl_span b)
{
    sl_out_open(item->out);
    sl_out_put(item->out, a.data, a.len);
    sl_out_putc(item->out, ':');
    sl_out_put(item->out, b.data, b.len);
    return sl_out_close(item->out);
}

static bool has_previous(const struct sl_newsml1 *item)
{
    return item->previous.len != 0 && !sl_newsml1_ref_is(item, item->previous, "0") &&
           !sl_bulletin_same(sl_out_root(item->out), item->previous, item->revision);
}

/* The story without its revision is a name of it, and the revision before is what it evolved from. */
static void say_story(struct sl_newsml1 *item, struct sl_ref id)
{
    uint32_t len = stem_of(item, sl_newsml1_span(item, id));
    if (len == 0)
        return;
    struct sl_ref stem = { id.off, len };
    sl_story_say_item(&item->story, SL_LIST_ALT_IDS, "story", stem);
    if (has_previous(item))
        sl_out_set(item->out, SL_TEXT_EVOLVED_FROM,
                   put_two(item, sl_newsml1_span(item, stem), sl_newsml1_span(item, item->previous)));
}

static void say_identity(struct sl_newsml1 *item)
{
    struct sl_out *out = item->out;
    struct sl_slice headline = sl_out_get(out, SL_TEXT_HEADLINE);
    sl_out_set(out, SL_TEXT_VERSION, item->revision);
    if (is_identifying(item)) {
        sl_out_set(out, SL_TEXT_ID, item->public_id);
        say_story(item, item->public_id);
    } else if (item->item_id.len != 0) {
        sl_out_set(out, SL_TEXT_ID,
                   put_two(item, sl_newsml1_span(item, item->provider_id), sl_newsml1_span(item, item->item_id)));
        if (item->public_id.len != 0)
            sl_out_note(out, "the public identifier names no item: the id is made of provider and item");
    } else if (item->guid.len != 0) {
        sl_out_set(out, SL_TEXT_ID, item->guid);
    } else {
        sl_standing_make_id(&item->story, headline.len != 0 ? headline : sl_out_get(out, SL_TEXT_BODY));
    }
}

static void say_source(struct sl_newsml1 *item)
{
    const struct sl_newsml1_envelope *envelope = item->envelope;
    struct sl_out *out = item->out;
    sl_standing_say(out, SL_TEXT_PROVIDER, item->provider);
    sl_standing_say(out, SL_TEXT_PROVIDER, item->provider_id);
    if (sl_out_get(out, SL_TEXT_PROVIDER).len == 0)
        sl_standing_say(out, SL_TEXT_PROVIDER, sl_xml_value_line(item->xml, out, &envelope->sender));
    sl_standing_say(out, SL_TEXT_SERVICE, sl_xml_value_line(item->xml, out, &envelope->service));
    sl_standing_say(out, SL_TEXT_CREDIT, item->source);
    if (envelope->priority.value.len != 0)
        sl_out_set(out, SL_TEXT_PRIORITY_RAW, sl_xml_value_line(item->xml, out, &envelope->priority));
    sl_standing_say(out, SL_TEXT_SLUGLINE, item->name_label);
    sl_standing_say(out, SL_TEXT_LANGUAGE, item->main_language.len != 0 ? item->main_language : item->item_language);
    sl_standing_time(&item->story, sl_newsml1_span(item, item->first), &sl_out_root(out)->first_created,
                     SL_BULLETIN_ZONE_ASSUMED_FIRST);
}

/* ---- standing ---- */

static void weigh_status(struct sl_newsml1 *item)
{
    struct sl_span status = sl_newsml1_span(item, item->status);
    enum sl_date_zone given;
    int64_t until_ns;
    if (sl_span_starts(status, "cancel") || sl_span_is(status, "killed"))
        sl_standing_code(&item->story, "kill");
    else if (sl_span_is(status, "usable"))
        sl_out_root(item->out)->pubstatus = SL_PUB_USABLE;
    if (!sl_span_starts(status, "embargo") && !sl_span_is(status, "withheld"))
        return;
    bool will_be_free = sl_newsml1_ref_is(item, item->future_status, "usable");
    if (will_be_free && sl_standing_date(&item->story, sl_newsml1_span(item, item->will_change), &until_ns, &given))
        sl_standing_hold(&item->story, until_ns, given);
    else if (sl_span_is(status, "withheld"))
        sl_standing_code(&item->story, "withhold");
    else
        sl_standing_hold_open(&item->story);
}

static void weigh_instruction(struct sl_newsml1 *item)
{
    struct sl_span word = sl_newsml1_span(item, item->instruction);
    if (sl_span_is(word, "delete") || sl_span_is(word, "kill") || sl_span_starts(word, "cancel"))
        sl_standing_code(&item->story, "kill");
    else if (sl_span_starts(word, "rectif") || sl_span_starts(word, "correct"))
        sl_standing_code(&item->story, "correction");
    else if (sl_span_is(word, "update") || sl_span_is(word, "replace"))
        sl_standing_code(&item->story, "update");
}

/* "N i e u w bericht, vervangt: ...": ANP says in the body which message this one replaces. */
static void weigh_start(struct sl_newsml1 *item)
{
    struct sl_span body = sl_span_head(sl_span_of(sl_out_get(item->out, SL_TEXT_BODY)), 80);
    uint32_t off;
    if ((sl_span_starts(body, "n i e u w bericht") || sl_span_starts(body, "nieuw bericht")) &&
        sl_span_find(body, "vervangt", &off))
        sl_standing_code(&item->story, "update");
}

static void finish(struct sl_newsml1 *item)
{
    say_source(item);
    weigh_status(item);
    weigh_instruction(item);
    weigh_start(item);
    if (item->has_update || has_previous(item))
        sl_standing_code(&item->story, "update");
    sl_standing_headline(&item->story, sl_span_of(sl_out_get(item->out, SL_TEXT_HEADLINE)));
    sl_standing_dateline(&item->story);
    say_identity(item);
    sl_xml_say_charset(item->xml, item->out);
    if (sl_out_get(item->out, SL_TEXT_EVOLVED_FROM).len == 0)
        sl_story_say_evolved(&item->story);
    sl_story_weigh_test(&item->story);
    sl_story_say_kind(&item->story);
}

/* ---- the frame ---- */

/* At NewsItem: to its END. */
static enum sl_xml_event read_item(struct sl_newsml1 *item)
{
    struct sl_xml *xml = item->xml;
    uint32_t depth = xml->depth;
    item->item_language = sl_xml_value_line(xml, item->out, sl_xml_attr(xml, "xml:lang"));
    for (;;) {
        enum sl_xml_event event = sl_xml_next_tag(xml);
        if (event == SL_XML_START && !sl_newsml1_take_part(item))
            take_head_element(item);
        if (xml->event == SL_XML_ERROR)
            return SL_XML_ERROR;
        if (xml->event == SL_XML_END) {
            if (xml->depth <= depth)
                return SL_XML_END;
            sl_newsml1_end_part(item);
        }
    }
}

static void keep_attr(const struct sl_xml *xml, struct sl_xml_attr *kept)
{
    const struct sl_xml_attr *attr = sl_xml_attr(xml, "FormalName");
    if (attr && kept->value.len == 0)
        *kept = *attr;
}

static void take_envelope_element(const struct sl_xml *xml, struct sl_newsml1_envelope *envelope)
{
    if (xml->id == NML_PARTY && sl_xml_above_id(xml, 1) == NML_SENT_FROM)
        keep_attr(xml, &envelope->sender);
    else if (xml->id == NML_SERVICE)
        keep_attr(xml, &envelope->service);
    else if (xml->id == NML_PRIORITY)
        keep_attr(xml, &envelope->priority);
}

/* The scanner and the envelope lie in scratch memory from the first bulletin to the last. */
static struct sl_xml *resume(struct sl_parse *parse, struct sl_newsml1_envelope **envelope)
{
    if (parse->cursor != 0) {
        *envelope = (struct sl_newsml1_envelope *)(void *)(parse->scratch.mem + parse->cursor);
        return sl_xml_taken(parse);
    }
    struct sl_xml *xml = sl_xml_take(parse);
    *envelope = (struct sl_newsml1_envelope *)(void *)sl_scratch_take(parse, sizeof(**envelope));
    if (!xml || !*envelope)
        return NULL;
    parse->cursor = (uint32_t)((uint8_t *)*envelope - parse->scratch.mem);
    memset(*envelope, 0, sizeof(**envelope));
    sl_xml_begin(xml, parse, (struct sl_span){ parse->data, parse->len }, &names, parse->feed->charset);
    return xml;
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_newsml1_envelope *envelope;
    struct sl_xml *xml = resume(parse, &envelope);
    if (!xml)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "scratch memory for the XML scanner");
    while (sl_xml_next_tag(xml) != SL_XML_DONE) {
        if (xml->event == SL_XML_ERROR)
            return sl_xml_reject(xml);
        if (xml->event != SL_XML_START)
            continue;
        if (xml->depth == 1 && xml->id != NML_NEWSML && xml->id != NML_ITEM)
            return sl_xml_refuse(xml, SL_PARSE_BAD_FRAME, "a NewsML element");
        take_envelope_element(xml, envelope);
        if (xml->id != NML_ITEM)
            continue;
        struct sl_newsml1 item = { .parse = parse, .out = &parse->out, .xml = xml, .envelope = envelope };
        item.story = (struct sl_story){
            .parse = parse, .out = &parse->out, .charset = SL_CHARSET_UTF8, .time_ns = parse->arrival_ns
        };
        if (read_item(&item) == SL_XML_ERROR)
            return sl_xml_reject(xml);
        finish(&item);
        return SL_PARSE_OK;
    }
    if (parse->bulletin_idx == 0)
        return sl_reject(parse, SL_PARSE_BAD_HEADER, 0, "a NewsItem");
    return SL_PARSE_END;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    static const struct sl_xml_root_score roots[] = {
        {"NewsML", 95},
        { NULL,    0 },
    };
    return sl_xml_recognize(data, len, roots);
}

/* The digit of the first <Urgency FormalName="4"/> or <Urgency>4</Urgency>, else of <Priority FormalName="4"/>. */
static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    static const char *const tags[] = { "<Urgency", "<Priority" };
    struct sl_span look = sl_span_head((struct sl_span){ data, len }, PEEK_MAX);
    for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
        const uint8_t *found = memmem(look.data, look.len, tags[i], strlen(tags[i]));
        struct sl_span rest = found ? sl_span_head(sl_span_skip(look, (uint32_t)(found - look.data)), 60) : look;
        for (uint32_t at = (uint32_t)strlen(tags[i]); found && at + 1 < rest.len && rest.data[at] != '/'; at++) {
            if ((rest.data[at] == '"' || rest.data[at] == '>') && rest.data[at + 1] >= '1' && rest.data[at + 1] <= '9')
                return rest.data[at + 1] - '0';
        }
    }
    return 0;
}

const struct sl_format sl_format_newsml1 = {
    .id = SL_FORMAT_NEWSML1,
    .name = "newsml1",
    .source = "IPTC NewsML 1.0 to 1.2",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
