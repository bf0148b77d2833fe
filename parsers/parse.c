#include "parsers/parse.h"
#include <assert.h>
#include <string.h>
#include <strings.h>
#include "parsers/ascii.h"

/* Everything a message says is said once, at most at thrice its length (a byte of Windows-1252 can become three of
 * UTF-8); what is said twice, such as labels and keywords, is bounded by the formats and fits into this. */
#define SAID_TWICE 16384u
#define LEN_GROWTH 3u
/* A message in UTF-8 beside a copy in which strings are unescaped, or unpacked to some times its length.  Short
 * messages pack best. */
#define SCRATCH_GROWTH 4u
#define SCRATCH_LEAST  262144u

extern const struct sl_format sl_format_text;

const char *const sl_format_zones[] = {
    "Europe/Berlin", "Europe/Zurich", "Europe/Vienna", "Europe/Paris", "Europe/London", "Asia/Tokyo",
    "Australia/Sydney", "Europe/Helsinki", "Europe/Rome", "Europe/Copenhagen", "Europe/Oslo", "Europe/Stockholm",
    "Europe/Brussels", "Europe/Amsterdam", "Pacific/Auckland", "America/New_York", "America/Toronto", NULL,
};

const char *sl_parse_code_name(unsigned code)
{
    static const char *const names[SL_PARSE_CODE_CNT] = {
        [SL_PARSE_OK] = "ok",
        [SL_PARSE_END] = "end",
        [SL_PARSE_CUT] = "cut",
        [SL_PARSE_BAD_FRAME] = "bad_frame",
        [SL_PARSE_BAD_HEADER] = "bad_header",
        [SL_PARSE_BAD_TEXT] = "bad_text",
        [SL_PARSE_TOO_LARGE] = "too_large",
        [SL_PARSE_TOO_DEEP] = "too_deep",
        [SL_PARSE_REFUSED] = "refused",
    };
    return code < SL_PARSE_CODE_CNT ? names[code] : "?";
}

const char *sl_lane_name(unsigned lane)
{
    static const char *const names[SL_LANE_CNT] = { "flash", "urgent", "normal", "bulk" };
    return lane < SL_LANE_CNT ? names[lane] : "?";
}

enum sl_lane sl_lane_of_urgency(unsigned urgency)
{
    switch (urgency) {
    case 1:
        return SL_LANE_FLASH;
    case 2:
        return SL_LANE_URGENT;
    case 0:
    case 3:
    case 4:
    case 5:
        return SL_LANE_NORMAL;
    default:
        return SL_LANE_BULK;
    }
}

const struct sl_format *sl_format_named(const char *name, size_t len)
{
    for (const struct sl_format *const *format = sl_formats; *format; format++) {
        if (strlen((*format)->name) == len && strncasecmp((*format)->name, name, len) == 0)
            return *format;
    }
    return NULL;
}

const struct sl_format *sl_format_by_id(unsigned id)
{
    for (const struct sl_format *const *format = sl_formats; *format; format++) {
        if ((*format)->id == id)
            return *format;
    }
    return NULL;
}

const struct sl_format *sl_format_recognize(const uint8_t *data, uint32_t len)
{
    const struct sl_format *best = &sl_format_text;
    int best_score = 0;
    for (const struct sl_format *const *format = sl_formats; *format; format++) {
        int score = (*format)->recognize(data, len);
        if (score > best_score) {
            best = *format;
            best_score = score;
        }
    }
    return best;
}

enum sl_lane sl_peek_lane_by(const struct sl_format *format, const struct sl_profile *profile, const uint8_t *data,
                             uint32_t len)
{
    if (!format)
        format = sl_format_recognize(data, len);
    unsigned urgency = format->peek_urgency ? format->peek_urgency(data, len) : 0;
    if (urgency == 0 && profile && format->peek_letter)
        urgency = format->peek_letter(profile, data, len);
    if (urgency >= 'a' && urgency <= 'z')
        urgency = profile ? profile->urgency[urgency - 'a'] : 0;
    return sl_lane_of_urgency(urgency);
}

enum sl_lane sl_peek_lane(const struct sl_format *format, const uint8_t *data, uint32_t len)
{
    return sl_peek_lane_by(format, NULL, data, len);
}

void sl_parse_init(struct sl_parse *parse, void *mem, uint32_t cap)
{
    assert((uintptr_t)mem % 8 == 0);
    memset(parse, 0, sizeof(*parse));
    parse->scratch.mem = mem;
    parse->scratch.cap = cap;
}

void sl_parse_begin(struct sl_parse *parse, const struct sl_format *format, const struct sl_feed_facts *feed,
                    const uint8_t *data, uint32_t len, int64_t arrival_ns)
{
    assert(feed);
    parse->format = format ? format : sl_format_recognize(data, len);
    parse->feed = feed;
    parse->profile = feed->profile;
    parse->profile_why = " as configured";
    parse->zone_unknown = false;
    parse->data = data;
    parse->len = len;
    parse->arrival_ns = arrival_ns;
    parse->cursor = 0;
    parse->bulletin_idx = 0;
    parse->scratch.used = 0;
    parse->err = (struct sl_parse_err){ SL_PARSE_OK, 0, NULL };
}

static void say_fact(struct sl_out *out, enum sl_text text, const char *fact)
{
    if (fact && sl_out_get(out, text).len == 0)
        sl_out_text(out, text, fact, (uint32_t)strlen(fact));
}

static void note_profile(struct sl_parse *parse)
{
    const char *name = parse->profile->name;
    const char *why = parse->profile_why;
    sl_out_open(&parse->out);
    sl_out_put(&parse->out, "profile ", 8);
    sl_out_put(&parse->out, name, (uint32_t)strlen(name));
    sl_out_put(&parse->out, why, (uint32_t)strlen(why));
    struct sl_ref note = sl_out_close(&parse->out), none = { 0, 0 };
    sl_out_item(&parse->out, SL_LIST_NOTES, note, none, none, none);
}

/* Times that were taken for UTC because nobody knew their zone are the profile's wall-clock times. */
static void settle_zone(struct sl_parse *parse)
{
    struct sl_bulletin *root = sl_out_root(&parse->out);
    const struct sl_zone *zone = parse->profile->zone;
    const struct {
        uint32_t flag;
        int64_t *time;
    } times[] = {
        {SL_BULLETIN_ZONE_ASSUMED_CREATED,  &root->version_created},
        { SL_BULLETIN_ZONE_ASSUMED_FIRST,   &root->first_created  },
        { SL_BULLETIN_ZONE_ASSUMED_EMBARGO, &root->embargoed_until},
        { SL_BULLETIN_ZONE_ASSUMED_EXPIRES, &root->expires        },
    };
    if (!zone || !parse->zone_unknown)
        return;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        if ((root->flags & times[i].flag) && *times[i].time != SL_TIME_NONE)
            *times[i].time = sl_ns_of_s(sl_zone_to_utc(zone, *times[i].time / SL_TIME_NS));
    }
}

/* A label of the agency's own in what the format took for a label, or at the start of the headline. */
static void settle_kind(struct sl_parse *parse)
{
    struct sl_bulletin *root = sl_out_root(&parse->out);
    const struct sl_label said = { "", root->kind, root->signal };
    const struct sl_label *label = sl_profile_label(parse->profile, sl_span_of(sl_out_get(&parse->out, SL_TEXT_TAKE)));
    struct sl_slice headline = sl_out_get(&parse->out, SL_TEXT_HEADLINE);
    const char *colon = memchr(headline.data, ':', headline.len);
    if (colon)
        headline.len = (uint32_t)(colon - headline.data);
    if (sl_profile_label_is_all(parse->profile, sl_span_of(headline)))
        label = sl_label_stronger(label, sl_profile_label(parse->profile, sl_span_of(headline)));
    if (!label || (said.signal != SL_SIGNAL_NONE && sl_label_stronger(&said, label) == &said))
        return;
    root->kind = (uint8_t)label->kind;
    root->signal = (uint8_t)label->signal;
    root->pubstatus = label->kind == SL_KIND_KILL   ? SL_PUB_CANCELED
                      : label->kind == SL_KIND_HOLD ? SL_PUB_WITHHELD
                                                    : root->pubstatus;
}

static void apply_profile(struct sl_parse *parse)
{
    struct sl_out *out = &parse->out;
    struct sl_slice provider = sl_out_get(out, SL_TEXT_PROVIDER);
    const struct sl_profile *profile = sl_parse_choose_profile(parse, provider);
    if (!profile && provider.len == 0 && parse->feed->provider) {
        provider = (struct sl_slice){ parse->feed->provider, (uint32_t)strlen(parse->feed->provider) };
        profile = sl_parse_choose_profile(parse, provider);
        parse->profile_why = " by the feed's provider";
    }
    if (!profile)
        return;
    struct sl_bulletin *root = sl_out_root(out);
    struct sl_slice priority = sl_out_get(out, SL_TEXT_PRIORITY_RAW);
    uint8_t letter = priority.len == 1 ? (uint8_t)(priority.data[0] | 0x20) : 0;
    say_fact(out, SL_TEXT_PROVIDER, parse->feed->provider);
    say_fact(out, SL_TEXT_PROVIDER, profile->provider);
    say_fact(out, SL_TEXT_LANGUAGE, parse->feed->language);
    say_fact(out, SL_TEXT_LANGUAGE, profile->language);
    if (root->urgency == 0 && letter >= 'a' && letter <= 'z')
        root->urgency = profile->urgency[letter - 'a'];
    settle_zone(parse);
    settle_kind(parse);
    uint32_t body_len = sl_profile_cut_signoff(profile, sl_out_get(out, SL_TEXT_BODY));
    if (body_len != 0)
        root->text[SL_TEXT_BODY].len = body_len;
    note_profile(parse);
}

/* What the configuration knows better than silence, and what was done to the text. */
static void complete_bulletin(struct sl_parse *parse)
{
    struct sl_out *out = &parse->out;
    apply_profile(parse);
    say_fact(out, SL_TEXT_PROVIDER, parse->feed->provider);
    say_fact(out, SL_TEXT_LANGUAGE, parse->feed->language);
    if (parse->text.repaired_cnt != 0) {
        sl_out_root(out)->flags |= SL_BULLETIN_TEXT_REPAIRED;
        sl_out_note(out, "characters were lost: U+FFFD stands for them");
    }
}

enum sl_parse_code sl_parse_next(struct sl_parse *parse, void *mem, uint32_t cap, uint32_t *bulletin_len)
{
    if (parse->err.code != SL_PARSE_OK)
        return parse->err.code;
    sl_out_begin(&parse->out, mem, cap, parse->format->id);
    parse->text = (struct sl_text_stats){ 0, 0 };
    enum sl_parse_code code = parse->format->next(parse);
    if (code != SL_PARSE_OK)
        return code;
    complete_bulletin(parse);
    *bulletin_len = sl_out_finish(&parse->out);
    if (*bulletin_len == 0)
        return sl_reject(parse, SL_PARSE_TOO_LARGE, 0, "a bulletin that fits into the feed's bounds");
    parse->bulletin_idx++;
    return SL_PARSE_OK;
}

uint32_t sl_parse_bound(uint32_t message_len)
{
    uint64_t bound = sizeof(struct sl_bulletin) + SL_OUT_ITEMS_MAX * sizeof(struct sl_item) + SAID_TWICE +
                     (uint64_t)LEN_GROWTH * message_len;
    bound = (bound + 7) & ~7ull;
    return bound < UINT32_MAX - 7 ? (uint32_t)bound : UINT32_MAX - 7;
}

uint32_t sl_parse_scratch_bound(uint32_t message_len)
{
    uint64_t bound = SCRATCH_LEAST + (uint64_t)SCRATCH_GROWTH * message_len;
    return bound < (UINT32_MAX & ~7u) ? (uint32_t)bound & ~7u : UINT32_MAX & ~7u;
}

uint8_t *sl_scratch_take(struct sl_parse *parse, uint32_t len)
{
    struct sl_scratch *scratch = &parse->scratch;
    if (len > scratch->cap - scratch->used)
        return NULL;
    uint8_t *taken = scratch->mem + scratch->used;
    uint32_t end = scratch->used + len;
    scratch->used = end > scratch->cap - 7 ? scratch->cap : (end + 7) & ~7u;
    return taken;
}

void sl_parse_locate(const uint8_t *data, uint32_t len, uint32_t off, uint32_t *line, uint32_t *column)
{
    struct sl_span rest = { data, len }, here;
    uint32_t start = 0;
    *line = 1;
    if (off > len)
        off = len;
    while (sl_line_next(&rest, &here)) {
        uint32_t next = len - rest.len;
        if (next > off || rest.len == 0)
            break;
        start = next;
        ++*line;
    }
    *column = off - start + 1;
}

enum sl_parse_code sl_reject(struct sl_parse *parse, enum sl_parse_code code, uint32_t off, const char *want)
{
    parse->err = (struct sl_parse_err){ code, off, want };
    return code;
}

enum sl_charset sl_parse_charset(struct sl_parse *parse, struct sl_span *data)
{
    uint32_t bom_len = 0;
    enum sl_charset charset = sl_charset_guess(data->data, data->len, parse->feed->charset, &bom_len);
    bool is_wrong = parse->feed->charset != SL_CHARSET_UNKNOWN && charset != parse->feed->charset;
    if (is_wrong && sl_ascii_prefix(data->data, data->len) != data->len)
        sl_out_note(&parse->out, "the feed's character set is not the message's");
    data->data += bom_len;
    data->len -= bom_len;
    const char *name = sl_charset_name(charset);
    sl_out_text(&parse->out, SL_TEXT_SOURCE_CHARSET, name, (uint32_t)strlen(name));
    return charset;
}

const struct sl_profile *sl_parse_choose_profile(struct sl_parse *parse, struct sl_slice provider)
{
    if (parse->profile)
        return parse->profile;
    parse->profile = sl_profile_of(parse->feed->profiles, provider);
    parse->profile_why = " by the provider that the message names";
    return parse->profile;
}

const struct sl_zone *sl_parse_zone(struct sl_parse *parse, const char *agency)
{
    const struct sl_zone *zone = parse->feed->zone;
    if (!zone && parse->profile)
        zone = parse->profile->zone;
    if (!zone && agency && parse->feed->zones)
        zone = sl_zones_find(parse->feed->zones, agency, strlen(agency));
    parse->zone_unknown |= !zone;
    return zone;
}
