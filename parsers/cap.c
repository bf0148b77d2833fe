/* parsers/cap.c - Common Alerting Protocol 1.0 to 1.2: alerts alone, in EDXL-DE, in any other XML around them.
 *
 *     <alert> identifier, sender, sent, status, msgType, scope, references ...
 *         <info>, one for each language: event, urgency, severity, certainty, headline, description, instruction,
 *             <resource/>*, <area> areaDesc, polygon*, circle*, geocode* </area>*
 *         </info>*
 *     </alert>
 *
 * Source    OASIS CAP 1.2 (2010), 1.1, 1.0; EDXL-DE 1.0.
 *
 * One alert is one bulletin: its first info is the main one, the others' headlines and bodies stand in the lists.  Only
 * status Actual is news.  Who to call (contact) is not for publication.  Signatures are skipped.
 *
 * Urgency, from the first two of which the most pressing info counts:
 *     severity Extreme 2, Severe 3, Moderate and Unknown 4, Minor 5;  urgency Immediate one more pressing, Future one
 *     less, Past no more than 5;  certainty Unlikely one less;  a Cancel no more than 4;  what is not Actual 6.
 */
#include "parsers/cap.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/html.h"
#include "parsers/markup_xml.h"

#define PEEK_MAX       4096u
#define REFERENCES_MAX 64u
#define NUMBER_MAX     24u
#define WORD_MAX       64u

/* clang-format off */
#define CAP_NAMES(NAME)                                                                                                \
    NAME(CAP_ALERT, "alert") NAME(CAP_IDENTIFIER, "identifier") NAME(CAP_SENDER, "sender") NAME(CAP_SENT, "sent")      \
    NAME(CAP_STATUS, "status") NAME(CAP_MSG_TYPE, "msgType") NAME(CAP_SCOPE, "scope")                                  \
    NAME(CAP_RESTRICTION, "restriction") NAME(CAP_CODE, "code") NAME(CAP_NOTE, "note")                                 \
    NAME(CAP_REFERENCES, "references") NAME(CAP_INCIDENTS, "incidents") NAME(CAP_INFO, "info")                         \
    NAME(CAP_LANGUAGE, "language") NAME(CAP_CATEGORY, "category") NAME(CAP_EVENT, "event")                             \
    NAME(CAP_RESPONSE_TYPE, "responseType") NAME(CAP_URGENCY, "urgency") NAME(CAP_SEVERITY, "severity")                \
    NAME(CAP_CERTAINTY, "certainty") NAME(CAP_EVENT_CODE, "eventCode") NAME(CAP_EFFECTIVE, "effective")                \
    NAME(CAP_ONSET, "onset") NAME(CAP_EXPIRES, "expires") NAME(CAP_SENDER_NAME, "senderName")                          \
    NAME(CAP_HEADLINE, "headline") NAME(CAP_DESCRIPTION, "description") NAME(CAP_INSTRUCTION, "instruction")           \
    NAME(CAP_WEB, "web") NAME(CAP_RESOURCE, "resource") NAME(CAP_RESOURCE_DESC, "resourceDesc")                        \
    NAME(CAP_MIME_TYPE, "mimeType") NAME(CAP_URI, "uri") NAME(CAP_DIGEST, "digest") NAME(CAP_AREA, "area")             \
    NAME(CAP_AREA_DESC, "areaDesc") NAME(CAP_POLYGON, "polygon") NAME(CAP_CIRCLE, "circle")                            \
    NAME(CAP_GEOCODE, "geocode") NAME(CAP_VALUE_NAME, "valueName") NAME(CAP_VALUE, "value")
/* clang-format on */

enum { CAP_OTHER, CAP_NAMES(SL_XML_ENUM) };
SL_XML_NAMES(cap_names, CAP_NAMES);

enum message { MESSAGE_ALERT, MESSAGE_UPDATE, MESSAGE_CANCEL, MESSAGE_ACK, MESSAGE_ERROR, MESSAGE_UNKNOWN };
enum status { STATUS_NONE, STATUS_ACTUAL, STATUS_EXERCISE, STATUS_SYSTEM, STATUS_TEST, STATUS_DRAFT };

struct cap {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_xml *xml;
    enum message message;
    enum status status;
    struct sl_ref scope, restriction, references;
    struct sl_ref effective, onset, note;
    uint32_t info_cnt;
    uint8_t urgency; /* the most pressing info's; 0 none */
    /* of the info at hand */
    struct sl_ref language, headline, event, severity;
    struct sl_span description, instruction; /* in scratch, UTF-8 */
    struct sl_ref urgency_word, severity_word, certainty_word;
};

static const struct sl_ref none;

/* ---- words and texts ---- */

static unsigned name_of(const struct sl_xml *xml) { return sl_xml_id(&cap_names, sl_xml_local(xml)); }

/* At START: goes on to the END of the element, and says whether there is one more inside. */
static bool next_inside(struct sl_xml *xml, uint32_t depth)
{
    enum sl_xml_event event;
    do {
        event = sl_xml_next(xml);
    } while (event == SL_XML_TEXT);
    return event == SL_XML_START || (event == SL_XML_END && xml->depth > depth);
}

static struct sl_ref take_line(struct cap *cap)
{
    struct sl_ref ref = none;
    sl_xml_line(cap->xml, cap->out, &ref);
    return ref;
}

static bool ref_is(const struct cap *cap, struct sl_ref ref, const char *word)
{
    return sl_span_is(sl_span_of(sl_bulletin_ref(sl_out_root(cap->out), ref)), word);
}

static void keep_first(struct cap *cap, enum sl_text text, struct sl_ref ref)
{
    if (sl_out_get(cap->out, text).len == 0)
        sl_out_set(cap->out, text, ref);
}

/* All characters of the element, with its line ends, in scratch memory: what must be looked at before it is said. */
static struct sl_span take_text(struct cap *cap)
{
    struct sl_span text = { NULL, 0 };
    sl_out_open(cap->out);
    sl_xml_put_inner(cap->xml, cap->out);
    struct sl_slice opened = sl_out_opened(cap->out);
    uint8_t *copy = opened.len != 0 ? sl_scratch_take(cap->parse, opened.len) : NULL;
    if (copy)
        memcpy(copy, opened.data, opened.len);
    else if (opened.len != 0)
        cap->out->full = true; /* unheard of: a message that does not fit is refused */
    text = (struct sl_span){ copy, copy ? opened.len : 0 };
    sl_out_cut(cap->out, 0);
    sl_out_close(cap->out);
    return text;
}

/* Each language repeats what does not depend on it. */
static void add_item(struct cap *cap, enum sl_list list, struct sl_ref a, struct sl_ref b, struct sl_ref c,
                     struct sl_ref d)
{
    sl_out_item_once(cap->out, list, a, b, c, d);
}

static struct sl_ref put_word(struct cap *cap, const char *word)
{
    return sl_out_ref(cap->out, word, (uint32_t)strlen(word));
}

/* ---- times ---- */

static bool read_time(struct cap *cap, struct sl_ref ref, int64_t *ns, uint32_t flag)
{
    enum sl_date_zone given;
    struct sl_slice text = sl_bulletin_ref(sl_out_root(cap->out), ref);
    if (!sl_date_iso((const uint8_t *)text.data, text.len, sl_parse_zone(cap->parse, NULL), ns, &given))
        return false;
    if (given == SL_DATE_ZONE_ASSUMED)
        sl_out_root(cap->out)->flags |= flag;
    return true;
}

static void take_expires(struct cap *cap)
{
    int64_t ns;
    struct sl_bulletin *root = sl_out_root(cap->out);
    if (read_time(cap, take_line(cap), &ns, SL_BULLETIN_ZONE_ASSUMED_EXPIRES) && ns > root->expires)
        root->expires = ns;
}

/* ---- areas: CAP has latitude first, GeoJSON longitude ---- */

static bool take_number(struct sl_span *rest, int32_t limit, struct sl_span *number)
{
    uint32_t len = rest->len != 0 && (rest->data[0] == '-' || rest->data[0] == '+');
    uint32_t whole = sl_span_digits(sl_span_skip(*rest, len)), value = 0;
    for (uint32_t i = len; i < len + whole && value <= 360; i++)
        value = value * 10 + rest->data[i] - '0';
    len += whole;
    if (len + 1 < rest->len && rest->data[len] == '.' && sl_is_digit(rest->data[len + 1]))
        len += 1 + sl_span_digits(sl_span_skip(*rest, len + 1));
    *number = sl_span_head(*rest, len);
    *rest = sl_span_skip(*rest, len);
    return whole != 0 && len <= NUMBER_MAX && value <= (uint32_t)limit;
}

/* As JSON writes it: no plus, no leading zeros. */
static void put_number(struct sl_out *out, struct sl_span number)
{
    if (number.data[0] == '-')
        sl_out_putc(out, '-');
    if (!sl_is_digit(number.data[0]))
        number = sl_span_skip(number, 1);
    while (number.len > 1 && number.data[0] == '0' && sl_is_digit(number.data[1]))
        number = sl_span_skip(number, 1);
    sl_out_put(out, number.data, number.len);
}

/* "38.47,-120.14" */
static bool take_point(struct sl_span *rest, struct sl_span *lat, struct sl_span *lon)
{
    *rest = sl_span_skip_white(*rest);
    if (!take_number(rest, 90, lat))
        return false;
    *rest = sl_span_skip_white(*rest);
    if (rest->len == 0 || rest->data[0] != ',')
        return false;
    *rest = sl_span_skip_white(sl_span_skip(*rest, 1));
    return take_number(rest, 180, lon) && (rest->len == 0 || sl_is_white(rest->data[0]));
}

static void put_point(struct sl_out *out, struct sl_span lat, struct sl_span lon)
{
    sl_out_putc(out, '[');
    put_number(out, lon);
    sl_out_putc(out, ',');
    put_number(out, lat);
    sl_out_putc(out, ']');
}

static void put_literal(struct sl_out *out, const char *text) { sl_out_put(out, text, (uint32_t)strlen(text)); }

/* A ring that ends before it is closed, or in something else than points, is none. */
static struct sl_ref put_polygon(struct cap *cap, struct sl_span text)
{
    struct sl_out *out = cap->out;
    struct sl_span lat, lon;
    uint32_t cnt = 0;
    sl_out_open(out);
    put_literal(out, "{\"type\":\"Polygon\",\"coordinates\":[[");
    for (text = sl_span_trim(text); text.len != 0; cnt++) {
        if (!take_point(&text, &lat, &lon)) {
            cnt = 0;
            break;
        }
        if (cnt != 0)
            sl_out_putc(out, ',');
        put_point(out, lat, lon);
    }
    if (cnt >= 4)
        put_literal(out, "]]}");
    else
        sl_out_cut(out, 0);
    return sl_out_close(out);
}

/* "38.47,-120.14 25.0": GeoJSON knows no circles, so it is a point whose code is the radius in km. */
static struct sl_ref put_circle(struct cap *cap, struct sl_span text, struct sl_span *radius)
{
    struct sl_span lat, lon;
    *radius = (struct sl_span){ NULL, 0 };
    sl_out_open(cap->out);
    if (take_point(&text, &lat, &lon)) {
        *radius = sl_span_head(sl_span_trim(text), NUMBER_MAX);
        put_literal(cap->out, "{\"type\":\"Point\",\"coordinates\":");
        put_point(cap->out, lat, lon);
        sl_out_putc(cap->out, '}');
    }
    return sl_out_close(cap->out);
}

static void take_polygon(struct cap *cap, struct sl_ref area, bool *is_said)
{
    struct sl_ref geometry = put_polygon(cap, take_text(cap));
    if (geometry.len == 0)
        return;
    add_item(cap, SL_LIST_PLACES, none, none, area, geometry);
    *is_said = true;
}

static void take_circle(struct cap *cap, struct sl_ref area, bool *is_said)
{
    struct sl_span radius;
    struct sl_ref geometry = put_circle(cap, take_text(cap), &radius);
    if (geometry.len == 0)
        return;
    struct sl_ref code = sl_out_ref(cap->out, radius.data, radius.len);
    add_item(cap, SL_LIST_PLACES, code.len != 0 ? put_word(cap, "circle") : none, code, area, geometry);
    *is_said = true;
}

/* "<valueName>UGC</valueName><value>KSC015</value>" */
static void take_pair(struct cap *cap, enum sl_list list)
{
    struct sl_ref name = none, value = none;
    for (uint32_t depth = cap->xml->depth; next_inside(cap->xml, depth);) {
        unsigned id = cap->xml->event == SL_XML_START ? name_of(cap->xml) : 0;
        if (id == CAP_VALUE_NAME)
            name = take_line(cap);
        else if (id == CAP_VALUE)
            value = take_line(cap);
    }
    if (value.len != 0)
        add_item(cap, list, name, value, none, none);
}

static void take_area(struct cap *cap)
{
    struct sl_ref area = none;
    bool is_said = false;
    uint32_t used = cap->parse->scratch.used;
    for (uint32_t depth = cap->xml->depth; next_inside(cap->xml, depth);) {
        if (cap->xml->event != SL_XML_START)
            continue;
        switch (name_of(cap->xml)) {
        case CAP_AREA_DESC:
            area = take_line(cap);
            keep_first(cap, SL_TEXT_LOCATED, area);
            break;
        case CAP_POLYGON:
            take_polygon(cap, area, &is_said);
            break;
        case CAP_CIRCLE:
            take_circle(cap, area, &is_said);
            break;
        case CAP_GEOCODE:
            take_pair(cap, SL_LIST_PLACES);
            break;
        default:
            break;
        }
        cap->parse->scratch.used = used;
    }
    if (!is_said && area.len != 0)
        add_item(cap, SL_LIST_PLACES, none, none, area, none);
}

/* ---- info ---- */

static void take_resource(struct cap *cap)
{
    struct sl_ref what = none, type = none, uri = none, digest = none;
    for (uint32_t depth = cap->xml->depth; next_inside(cap->xml, depth);) {
        if (cap->xml->event != SL_XML_START)
            continue;
        switch (name_of(cap->xml)) {
        case CAP_RESOURCE_DESC:
            what = take_line(cap);
            break;
        case CAP_MIME_TYPE:
            type = take_line(cap);
            break;
        case CAP_URI:
            uri = take_line(cap);
            break;
        case CAP_DIGEST:
            digest = take_line(cap);
            break;
        default: /* derefUri: the file itself */
            sl_xml_skip(cap->xml);
        }
    }
    if (uri.len != 0)
        add_item(cap, SL_LIST_ASSOCIATIONS, what, digest, uri, type);
}

static uint8_t weigh(const struct cap *cap)
{
    unsigned urgency = 4;
    if (ref_is(cap, cap->severity_word, "Extreme"))
        urgency = 2;
    else if (ref_is(cap, cap->severity_word, "Severe"))
        urgency = 3;
    else if (ref_is(cap, cap->severity_word, "Minor"))
        urgency = 5;
    if (ref_is(cap, cap->urgency_word, "Immediate"))
        urgency--;
    else if (ref_is(cap, cap->urgency_word, "Future"))
        urgency++;
    else if (ref_is(cap, cap->urgency_word, "Past") && urgency < 5)
        urgency = 5;
    if (ref_is(cap, cap->certainty_word, "Unlikely"))
        urgency++;
    return (uint8_t)urgency;
}

/* Some send HTML where the standard has text; text is wrapped by hand. */
static void put_part(struct cap *cap, struct sl_span text)
{
    struct sl_para para;
    struct sl_span line;
    if (sl_html_is_markup(text)) {
        sl_html_put_body(cap->out, SL_CHARSET_UTF8, text, NULL);
        return;
    }
    sl_para_begin(&para, cap->out, SL_CHARSET_UTF8, NULL);
    while (sl_line_next(&text, &line))
        sl_para_line(&para, line);
    sl_para_end(&para);
}

static struct sl_ref put_body(struct cap *cap)
{
    sl_out_open(cap->out);
    put_part(cap, cap->description);
    put_part(cap, cap->instruction);
    return sl_out_close(cap->out);
}

static void say_info(struct cap *cap)
{
    struct sl_ref headline = cap->headline.len != 0 ? cap->headline : cap->event;
    struct sl_ref body = put_body(cap), role = none;
    uint8_t urgency = weigh(cap);
    if (cap->urgency == 0 || urgency < cap->urgency)
        cap->urgency = urgency;
    if (cap->info_cnt++ == 0) {
        sl_out_set(cap->out, SL_TEXT_LANGUAGE, cap->language);
        sl_out_set(cap->out, SL_TEXT_HEADLINE, headline);
        sl_out_set(cap->out, SL_TEXT_SLUGLINE, cap->event);
        sl_out_set(cap->out, SL_TEXT_BODY, body);
        sl_out_set(cap->out, SL_TEXT_PRIORITY_RAW, cap->severity_word);
        return;
    }
    const struct sl_bulletin *root = sl_out_root(cap->out);
    bool is_same = sl_bulletin_same(root, root->text[SL_TEXT_LANGUAGE], cap->language);
    if (headline.len != 0 && !(is_same && sl_bulletin_same(root, root->text[SL_TEXT_HEADLINE], headline)))
        add_item(cap, SL_LIST_HEADLINES, cap->language, role, headline, none);
    if (body.len != 0 && !(is_same && sl_bulletin_same(root, root->text[SL_TEXT_BODY], body)))
        add_item(cap, SL_LIST_BODIES, cap->language, role, body, none);
}

static void say_level(struct cap *cap, const char *scheme, struct sl_ref *word)
{
    *word = take_line(cap);
    if (word->len != 0)
        add_item(cap, SL_LIST_SUBJECTS, put_word(cap, scheme), *word, none, none);
}

static void take_info_element(struct cap *cap, unsigned id)
{
    switch (id) {
    case CAP_LANGUAGE:
        cap->language = take_line(cap);
        break;
    case CAP_CATEGORY:
        add_item(cap, SL_LIST_CATEGORIES, take_line(cap), none, none, none);
        break;
    case CAP_EVENT:
        cap->event = take_line(cap);
        if (cap->event.len != 0)
            add_item(cap, SL_LIST_GENRES, none, none, cap->event, none);
        break;
    case CAP_RESPONSE_TYPE:
        add_item(cap, SL_LIST_SUBJECTS, put_word(cap, "cap-responseType"), take_line(cap), none, none);
        break;
    case CAP_URGENCY:
        say_level(cap, "cap-urgency", &cap->urgency_word);
        break;
    case CAP_SEVERITY:
        say_level(cap, "cap-severity", &cap->severity_word);
        break;
    case CAP_CERTAINTY:
        say_level(cap, "cap-certainty", &cap->certainty_word);
        break;
    case CAP_EVENT_CODE:
        take_pair(cap, SL_LIST_SUBJECTS);
        break;
    case CAP_EFFECTIVE:
        cap->effective = cap->effective.len != 0 ? (sl_xml_skip(cap->xml), cap->effective) : take_line(cap);
        break;
    case CAP_ONSET:
        cap->onset = cap->onset.len != 0 ? (sl_xml_skip(cap->xml), cap->onset) : take_line(cap);
        break;
    case CAP_EXPIRES:
        take_expires(cap);
        break;
    case CAP_SENDER_NAME:
        keep_first(cap, SL_TEXT_CREDIT, take_line(cap));
        break;
    case CAP_HEADLINE:
        cap->headline = take_line(cap);
        break;
    case CAP_DESCRIPTION:
        cap->description = take_text(cap);
        break;
    case CAP_INSTRUCTION:
        cap->instruction = take_text(cap);
        break;
    case CAP_WEB:
        add_item(cap, SL_LIST_ASSOCIATIONS, put_word(cap, "web"), none, take_line(cap), none);
        break;
    case CAP_RESOURCE:
        take_resource(cap);
        break;
    case CAP_AREA:
        take_area(cap);
        break;
    default: /* contact, audience, parameters, and what nobody knows */
        sl_xml_skip(cap->xml);
    }
}

static void take_info(struct cap *cap)
{
    uint32_t used = cap->parse->scratch.used;
    cap->language = cap->headline = cap->event = none;
    cap->urgency_word = cap->severity_word = cap->certainty_word = none;
    cap->description = cap->instruction = (struct sl_span){ NULL, 0 };
    for (uint32_t depth = cap->xml->depth; next_inside(cap->xml, depth);) {
        if (cap->xml->event == SL_XML_START)
            take_info_element(cap, name_of(cap->xml));
    }
    if (cap->xml->event != SL_XML_ERROR)
        say_info(cap);
    cap->parse->scratch.used = used;
}

/* ---- the alert ---- */

static unsigned find_word(const struct cap *cap, struct sl_ref ref, const char *const *words, unsigned other)
{
    for (unsigned i = 0; words[i]; i++) {
        if (ref_is(cap, ref, words[i]))
            return i;
    }
    return other;
}

static void take_status(struct cap *cap)
{
    static const char *const words[] = { "", "Actual", "Exercise", "System", "Test", "Draft", NULL };
    cap->status = find_word(cap, take_line(cap), words, STATUS_NONE);
}

static void take_message(struct cap *cap)
{
    static const char *const words[] = { "Alert", "Update", "Cancel", "Ack", "Error", NULL };
    cap->message = find_word(cap, take_line(cap), words, MESSAGE_UNKNOWN);
}

static void take_words(struct cap *cap, enum sl_list list, const char *role)
{
    struct sl_ref line = take_line(cap);
    uint32_t end = line.off + line.len;
    for (uint32_t i = 0; i < REFERENCES_MAX && line.off < end; i++) {
        struct sl_slice rest = { (const char *)cap->out->base + line.off, end - line.off };
        const char *blank = memchr(rest.data, ' ', rest.len);
        line.len = blank ? (uint32_t)(blank - rest.data) : rest.len;
        if (line.len != 0)
            add_item(cap, list, role ? put_word(cap, role) : line, role ? line : none, none, none);
        line.off += line.len + 1;
    }
}

static void take_alert_element(struct cap *cap, unsigned id)
{
    struct sl_bulletin *root = sl_out_root(cap->out);
    switch (id) {
    case CAP_IDENTIFIER:
        keep_first(cap, SL_TEXT_ID, take_line(cap));
        break;
    case CAP_SENDER:
        keep_first(cap, SL_TEXT_PROVIDER, take_line(cap));
        break;
    case CAP_SENT:
        keep_first(cap, SL_TEXT_VERSION, take_line(cap));
        read_time(cap, root->text[SL_TEXT_VERSION], &root->version_created, SL_BULLETIN_ZONE_ASSUMED_CREATED);
        break;
    case CAP_STATUS:
        take_status(cap);
        break;
    case CAP_MSG_TYPE:
        take_message(cap);
        break;
    case CAP_SCOPE:
        cap->scope = take_line(cap);
        break;
    case CAP_RESTRICTION:
        cap->restriction = take_line(cap);
        break;
    case CAP_CODE:
        add_item(cap, SL_LIST_KEYWORDS, take_line(cap), none, none, none);
        break;
    case CAP_NOTE:
        cap->note = take_line(cap);
        break;
    case CAP_REFERENCES:
        cap->references = take_line(cap);
        break;
    case CAP_INCIDENTS:
        take_words(cap, SL_LIST_ALT_IDS, "incident");
        break;
    case CAP_INFO:
        take_info(cap);
        break;
    default:
        sl_xml_skip(cap->xml);
    }
}

/* "sender,identifier,sent sender,identifier,sent": the latest of them is what this one evolved from. */
static void say_references(struct cap *cap)
{
    static const char *const deeds[] = { "reference", "update", "cancel", "acknowledge", "error", "reference" };
    struct sl_ref rest = cap->references, latest = none;
    int64_t latest_ns = INT64_MIN, ns;
    uint32_t end = rest.off + rest.len;
    for (uint32_t i = 0; i < REFERENCES_MAX && rest.off < end; i++) {
        const char *base = (const char *)cap->out->base, *at = base + rest.off;
        const char *blank = memchr(at, ' ', end - rest.off);
        uint32_t len = blank ? (uint32_t)(blank - at) : end - rest.off;
        const char *first = memchr(at, ',', len), *last = memrchr(at, ',', len);
        struct sl_ref id = { rest.off, len }, sent = none;
        if (first && last != first) {
            id = (struct sl_ref){ (uint32_t)(first + 1 - base), (uint32_t)(last - first - 1) };
            sent = (struct sl_ref){ (uint32_t)(last + 1 - base), (uint32_t)(at + len - last - 1) };
        }
        rest.off += len + 1;
        if (id.len == 0)
            continue;
        add_item(cap, SL_LIST_REFERENCES, put_word(cap, deeds[cap->message]), id, none, none);
        if (!read_time(cap, sent, &ns, 0))
            ns = INT64_MIN;
        if (latest.len == 0 || ns >= latest_ns) {
            latest = id;
            latest_ns = ns;
        }
    }
    if (cap->message == MESSAGE_UPDATE || cap->message == MESSAGE_CANCEL)
        sl_out_set(cap->out, SL_TEXT_EVOLVED_FROM, latest);
}

static void say_kind(struct cap *cap)
{
    static const struct {
        uint8_t kind, signal;
    } by_message[] = {
        [MESSAGE_ALERT] = { SL_KIND_NEWS,       SL_SIGNAL_ALERT    },
        [MESSAGE_UPDATE] = { SL_KIND_UPDATE,     SL_SIGNAL_UPDATE   },
        [MESSAGE_CANCEL] = { SL_KIND_UPDATE,     SL_SIGNAL_CANCEL   },
        [MESSAGE_ACK] = { SL_KIND_ADVISORY,   SL_SIGNAL_ADVISORY },
        [MESSAGE_ERROR] = { SL_KIND_ADVISORY,   SL_SIGNAL_ADVISORY },
        [MESSAGE_UNKNOWN] = { SL_KIND_NEWS,       SL_SIGNAL_ALERT    },
    }, by_status[] = {
        [STATUS_NONE] = { SL_KIND_TEST,       SL_SIGNAL_TEST     },
        [STATUS_EXERCISE] = { SL_KIND_TEST,       SL_SIGNAL_EXERCISE },
        [STATUS_SYSTEM] = { SL_KIND_ADVISORY,   SL_SIGNAL_ADVISORY },
        [STATUS_TEST] = { SL_KIND_TEST,       SL_SIGNAL_TEST     },
        [STATUS_DRAFT] = { SL_KIND_TEST,       SL_SIGNAL_TEST     },
    };
    struct sl_bulletin *root = sl_out_root(cap->out);
    bool is_actual = cap->status == STATUS_ACTUAL;
    root->kind = is_actual ? by_message[cap->message].kind : by_status[cap->status].kind;
    root->signal = is_actual ? by_message[cap->message].signal : by_status[cap->status].signal;
    root->pubstatus = is_actual ? SL_PUB_USABLE : SL_PUB_UNKNOWN;
    if (cap->status == STATUS_DRAFT)
        root->pubstatus = SL_PUB_WITHHELD;
    root->urgency = is_actual ? cap->urgency : 6;
    if (is_actual && cap->message == MESSAGE_CANCEL && root->urgency < 4)
        root->urgency = 4;
    if (cap->status == STATUS_NONE)
        sl_out_note(cap->out, "no status that CAP knows: taken for a test");
}

static void put_term(struct cap *cap, const char *name, struct sl_ref ref)
{
    struct sl_slice text = sl_bulletin_ref(sl_out_root(cap->out), ref);
    if (text.len == 0)
        return;
    if (sl_out_opened(cap->out).len != 0)
        sl_out_putc(cap->out, '\n');
    put_literal(cap->out, name);
    sl_out_put(cap->out, text.data, text.len);
}

static void say_terms(struct cap *cap)
{
    sl_out_open(cap->out);
    put_term(cap, "", cap->note);
    put_term(cap, "effective: ", cap->effective);
    put_term(cap, "onset: ", cap->onset);
    sl_out_set(cap->out, SL_TEXT_EDNOTE, sl_out_close(cap->out));
    if (cap->scope.len == 0 || ref_is(cap, cap->scope, "Public"))
        return;
    sl_out_open(cap->out);
    put_term(cap, "", cap->scope);
    put_term(cap, "", cap->restriction);
    sl_out_set(cap->out, SL_TEXT_USAGE_TERMS, sl_out_close(cap->out));
}

bool sl_cap_is_alert(const struct sl_xml *xml)
{
    return sl_xml_is(sl_xml_local(xml), "alert") &&
           (sl_xml_ns(xml) == SL_XML_NS_CAP || sl_xml_ns(xml) == SL_XML_NS_NONE ||
            sl_xml_ns(xml) == SL_XML_NS_UNDECLARED);
}

enum sl_xml_event sl_cap_read(struct sl_parse *parse, struct sl_xml *xml)
{
    struct cap cap = { .parse = parse, .out = &parse->out, .xml = xml, .message = MESSAGE_UNKNOWN };
    for (uint32_t depth = xml->depth; next_inside(xml, depth);) {
        if (xml->event == SL_XML_START)
            take_alert_element(&cap, name_of(xml));
    }
    if (xml->event == SL_XML_ERROR)
        return SL_XML_ERROR;
    say_references(&cap);
    say_terms(&cap);
    say_kind(&cap);
    sl_xml_say_charset(xml, cap.out);
    return xml->event;
}

/* ---- the format ---- */

static enum sl_parse_code next(struct sl_parse *parse)
{
    struct sl_xml *xml = parse->cursor != 0 ? sl_xml_taken(parse) : sl_xml_take(parse);
    if (!xml)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "scratch memory for the XML scanner");
    if (parse->cursor == 0)
        sl_xml_begin(xml, parse, (struct sl_span){ parse->data, parse->len }, NULL, parse->feed->charset);
    parse->cursor = 1;
    while (sl_xml_next(xml) != SL_XML_DONE) {
        if (xml->event == SL_XML_ERROR)
            return sl_xml_reject(xml);
        if (xml->event != SL_XML_START || !sl_cap_is_alert(xml))
            continue;
        struct sl_parse_err err = { SL_PARSE_BAD_HEADER, xml->off, "an identifier in the alert" };
        if (sl_cap_read(parse, xml) == SL_XML_ERROR)
            return sl_xml_reject(xml);
        if (sl_out_get(&parse->out, SL_TEXT_ID).len != 0)
            return SL_PARSE_OK;
        return sl_reject(parse, err.code, xml->was_utf16 ? 0 : err.off, err.want);
    }
    if (parse->bulletin_idx == 0)
        return sl_reject(parse, SL_PARSE_BAD_FRAME, 0, "an alert element");
    return SL_PARSE_END;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    static const struct sl_xml_root_score roots[] = {
        {"alert",             95},
        { "EDXLDistribution", 90},
        { NULL,               0 },
    };
    return sl_xml_recognize(data, len, roots);
}

/* The word in the first element of this name. */
static bool peek_is(struct sl_span look, const char *end_of_tag, const char *word)
{
    size_t tag_len = strlen(end_of_tag), word_len = strlen(word);
    const uint8_t *at = memmem(look.data, look.len, end_of_tag, tag_len);
    if (!at)
        return false;
    struct sl_span value = sl_span_skip_white(sl_span_skip(look, (uint32_t)(at - look.data) + (uint32_t)tag_len));
    return value.len >= word_len && memcmp(value.data, word, word_len) == 0;
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    struct sl_span look = sl_span_head((struct sl_span){ data, len }, PEEK_MAX);
    if (!memmem(look.data, look.len, "severity>", 9))
        return 0;
    if (!peek_is(look, "status>", "Actual") && !peek_is(look, "Status>", "Actual"))
        return 6;
    unsigned urgency = peek_is(look, "severity>", "Extreme")  ? 2
                       : peek_is(look, "severity>", "Severe") ? 3
                       : peek_is(look, "severity>", "Minor")  ? 5
                                                              : 4;
    if (peek_is(look, "urgency>", "Immediate"))
        urgency--;
    else if (peek_is(look, "urgency>", "Future"))
        urgency++;
    else if (peek_is(look, "urgency>", "Past") && urgency < 5)
        urgency = 5;
    if (peek_is(look, "certainty>", "Unlikely"))
        urgency++;
    return peek_is(look, "msgType>", "Cancel") && urgency < 4 ? 4 : urgency;
}

const struct sl_format sl_format_cap = {
    .id = SL_FORMAT_CAP,
    .name = "cap",
    .source = "OASIS CAP 1.0 to 1.2, EDXL-DE 1.0",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
