#include "pipeline/sink_doc.h"

#include "parsers/dates.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct out {
    char *buf;
    size_t cap, len;
};

static void put(struct out *out, const char *data, size_t len)
{
    if (out->len <= out->cap && len <= out->cap - out->len)
        memcpy(out->buf + out->len, data, len);
    out->len += len;
}

static void say(struct out *out, const char *text) { put(out, text, strlen(text)); }

__attribute__((format(printf, 2, 3))) static void sayf(struct out *out, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    put(out, text, len < (int)sizeof(text) ? (size_t)len : sizeof(text) - 1);
}

/* XML 1.0 2.4: what must not stand for itself in text and in attributes.  The rest is clean already (bulletin.h). */
static void put_xml(struct out *out, struct sl_slice text)
{
    uint32_t from = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        const char *as = text.data[i] == '&'   ? "&amp;"
                         : text.data[i] == '<' ? "&lt;"
                         : text.data[i] == '>' ? "&gt;"
                         : text.data[i] == '"' ? "&quot;"
                                               : NULL;
        if (!as)
            continue;
        put(out, text.data + from, i - from);
        say(out, as);
        from = i + 1;
    }
    if (text.len)
        put(out, text.data + from, text.len - from);
}

static struct sl_slice text_of(const struct sl_event *event, enum sl_text text)
{
    return sl_bulletin_text(event->bulletin, text);
}

static void put_element(struct out *out, const char *open, struct sl_slice text, const char *close)
{
    if (!text.len)
        return;
    say(out, open);
    put_xml(out, text);
    say(out, close);
}

static void put_time(struct out *out, const char *before, int64_t ns, const char *format, const char *after)
{
    time_t s = ns / SL_TIME_NS - (ns % SL_TIME_NS < 0);
    struct tm tm;
    char text[32];
    if (ns == SL_TIME_NONE || !gmtime_r(&s, &tm))
        return;
    strftime(text, sizeof(text), format, &tm);
    say(out, before);
    say(out, text);
    say(out, after);
}

static const char *management_status(const struct sl_bulletin *bulletin)
{
    if (bulletin->kind == SL_KIND_KILL || bulletin->pubstatus == SL_PUB_CANCELED)
        return "canceled";
    return bulletin->kind == SL_KIND_HOLD || bulletin->pubstatus == SL_PUB_WITHHELD ? "withheld" : "usable";
}

static void put_docdata(struct out *out, const struct sl_event *event)
{
    const struct sl_bulletin *bulletin = event->bulletin;
    sayf(out, "<docdata management-status=\"%s\">", management_status(bulletin));
    put_element(out, "<doc-id regsrc=\"", text_of(event, SL_TEXT_PROVIDER), "\"");
    if (!text_of(event, SL_TEXT_PROVIDER).len)
        say(out, "<doc-id");
    say(out, " id-string=\"");
    put_xml(out, text_of(event, SL_TEXT_ID));
    say(out, "\"/>");
    if (bulletin->urgency)
        sayf(out, "<urgency ed-urg=\"%u\"/>", bulletin->urgency);
    put_time(out, "<date.issue norm=\"", bulletin->version_created, "%Y%m%dT%H%M%SZ", "\"/>");
    put_time(out, "<date.release norm=\"", bulletin->embargoed_until, "%Y%m%dT%H%M%SZ", "\"/>");
    put_time(out, "<date.expire norm=\"", bulletin->expires, "%Y%m%dT%H%M%SZ", "\"/>");
    put_element(out, "<ed-msg info=\"", text_of(event, SL_TEXT_EDNOTE), "\"/>");
    put_element(out, "<doc.copyright holder=\"", text_of(event, SL_TEXT_COPYRIGHT), "\"/>");
    put_element(out, "<du-key key=\"", text_of(event, SL_TEXT_SLUGLINE), "\"/>");
    say(out, "</docdata>");
}

/* One blank line parts paragraphs. */
static void put_paragraphs(struct out *out, struct sl_slice body)
{
    while (body.len) {
        const char *end = memmem(body.data, body.len, "\n\n", 2);
        uint32_t len = end ? (uint32_t)(end - body.data) : body.len;
        put_element(out, "<p>", (struct sl_slice){ body.data, len }, "</p>\n");
        len += end ? 2 : 0;
        body.data += len;
        body.len -= len;
    }
}

size_t sl_sink_nitf(char *buf, size_t cap, const struct sl_event *event)
{
    struct out out = { buf, cap, 0 };
    struct sl_slice language = text_of(event, SL_TEXT_LANGUAGE);
    say(&out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<nitf");
    put_element(&out, " xml:lang=\"", language, "\"");
    say(&out, ">\n<head>");
    put_element(&out, "<title>", text_of(event, SL_TEXT_HEADLINE), "</title>");
    say(&out, "<meta name=\"slugline-kind\" content=\"");
    say(&out, sl_kind_name(event->bulletin->kind));
    say(&out, "\"/>");
    put_docdata(&out, event);
    say(&out, "</head>\n<body>\n<body.head>");
    put_element(&out, "<hedline><hl1>", text_of(event, SL_TEXT_HEADLINE), "</hl1></hedline>");
    put_element(&out, "<byline>", text_of(event, SL_TEXT_BYLINE), "</byline>");
    put_element(&out, "<dateline>", text_of(event, SL_TEXT_DATELINE), "</dateline>");
    say(&out, "</body.head>\n<body.content>\n");
    put_paragraphs(&out, text_of(event, SL_TEXT_BODY));
    say(&out, "</body.content>\n</body>\n</nitf>\n");
    return out.len;
}

/* A header is one line. */
static void put_header(struct out *out, const char *name, struct sl_slice text)
{
    if (!text.len)
        return;
    say(out, name);
    for (uint32_t i = 0; i < text.len; i++)
        put(out, text.data[i] == '\n' ? " " : &text.data[i], 1);
    say(out, "\n");
}

static void put_text(struct out *out, struct sl_slice text)
{
    if (!text.len)
        return;
    put(out, text.data, text.len);
    say(out, "\n\n");
}

size_t sl_sink_text(char *buf, size_t cap, const struct sl_event *event)
{
    struct out out = { buf, cap, 0 };
    sayf(&out, "Kind: %s\nLane: %s\n", sl_kind_name(event->bulletin->kind), sl_lane_name(event->lane));
    put_header(&out, "Provider: ", text_of(event, SL_TEXT_PROVIDER));
    put_header(&out, "Id: ", text_of(event, SL_TEXT_ID));
    put_header(&out, "Version: ", text_of(event, SL_TEXT_VERSION));
    put_header(&out, "Slugline: ", text_of(event, SL_TEXT_SLUGLINE));
    put_header(&out, "Language: ", text_of(event, SL_TEXT_LANGUAGE));
    put_header(&out, "Note: ", text_of(event, SL_TEXT_EDNOTE));
    if (event->bulletin->urgency)
        sayf(&out, "Urgency: %u\n", event->bulletin->urgency);
    put_time(&out, "Date: ", event->bulletin->version_created, "%Y-%m-%dT%H:%M:%SZ", "\n");
    say(&out, "\n");
    put_text(&out, text_of(event, SL_TEXT_HEADLINE));
    put_text(&out, text_of(event, SL_TEXT_BYLINE));
    put_text(&out, text_of(event, SL_TEXT_DATELINE));
    put_text(&out, text_of(event, SL_TEXT_BODY));
    return out.len;
}
