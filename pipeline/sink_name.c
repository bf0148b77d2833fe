#include "pipeline/sink_name.h"

#include "pipeline/client.h"
#include "pipeline/nearest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum field { FIELD_LANE, FIELD_FEED, FIELD_PROVIDER, FIELD_LANG, FIELD_KIND, FIELD_HASH, FIELD_SEQ, FIELD_CNT };
static const char *const fields[FIELD_CNT + 1] = { "lane", "feed", "provider", "lang", "kind", "hash", "seq", NULL };

void sl_sink_hash(const struct sl_bulletin *bulletin, char hash[SL_SINK_HASH_LEN + 1])
{
    snprintf(hash, SL_SINK_HASH_LEN + 1, "%016" PRIx64 "-%016" PRIx64, bulletin->version_hash,
             bulletin->content_hash[0]);
}

static enum field field_of(const char *name, size_t len)
{
    unsigned i = 0;
    while (i < FIELD_CNT && (strlen(fields[i]) != len || memcmp(fields[i], name, len)))
        i++;
    return (enum field)i;
}

bool sl_sink_name_check(const char *name_template, char *err, size_t err_len)
{
    for (const char *at = name_template; *at; at++) {
        if (*at == '}' || (unsigned char)*at <= ' ' || (unsigned char)*at > '~') {
            snprintf(err, err_len, "'%c' stands outside of {}; printable letters and {lane} and the like are expected",
                     (unsigned char)*at < ' ' ? '?' : *at);
            return false;
        }
        if (*at != '{')
            continue;
        size_t len = strcspn(++at, "}");
        if (at[len] && field_of(at, len) < FIELD_CNT) {
            at += len;
            continue;
        }
        char word[32];
        snprintf(word, sizeof(word), "%.*s", (int)len, at);
        const char *near = sl_nearest_of(word, fields);
        snprintf(err, err_len, "{%s} is nothing that a bulletin has; %s%s%s is expected", word,
                 near ? "did you mean " : "one of lane, feed, provider, lang, kind, hash, seq", near ? near : "",
                 near ? "? One of lane, feed, provider, lang, kind, hash, seq" : "");
        return false;
    }
    return true;
}

struct out {
    char *buf;
    size_t cap, len;
};

static void put(struct out *out, char c)
{
    if (out->len + 1 < out->cap)
        out->buf[out->len] = c;
    out->len++;
}

static bool is_safe(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static void put_value(struct out *out, const char *data, size_t len)
{
    if (!len)
        put_value(out, "none", 4);
    for (size_t i = 0; i < len && i < SL_SINK_VALUE_MAX; i++)
        put(out, is_safe(data[i]) ? data[i] : '_');
}

static void put_text(struct out *out, const struct sl_bulletin *bulletin, enum sl_text text)
{
    struct sl_slice slice = sl_bulletin_text(bulletin, text);
    put_value(out, slice.data, slice.len);
}

static void put_field(struct out *out, enum field field, const struct sl_event *event)
{
    char word[SL_SINK_HASH_LEN + 1];
    const char *text = word;
    switch (field) {
    case FIELD_LANE:
        text = sl_lane_name(event->lane);
        break;
    case FIELD_FEED:
        text = event->feed;
        break;
    case FIELD_KIND:
        text = sl_kind_name(event->kind);
        break;
    case FIELD_PROVIDER:
        put_text(out, event->bulletin, SL_TEXT_PROVIDER);
        return;
    case FIELD_LANG:
        put_text(out, event->bulletin, SL_TEXT_LANGUAGE);
        return;
    case FIELD_HASH:
        sl_sink_hash(event->bulletin, word);
        break;
    case FIELD_SEQ:
        snprintf(word, sizeof(word), "%020" PRIu64, event->seq);
        break;
    case FIELD_CNT:
        return;
    }
    put_value(out, text, strlen(text));
}

size_t sl_sink_name(char *buf, size_t cap, const char *name_template, const struct sl_event *event)
{
    struct out out = { buf, cap, 0 };
    for (const char *at = name_template; *at; at++) {
        if (*at != '{') {
            put(&out, *at);
            continue;
        }
        size_t len = strcspn(++at, "}");
        put_field(&out, field_of(at, len), event);
        at += len;
    }
    if (cap)
        buf[out.len < cap ? out.len : cap - 1] = '\0';
    return out.len;
}
