#include "parsers/story.h"
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/standing.h"

enum { SOH = 0x01, DEL = 0x7f, NBSP = 0xa0 };

#define NOISE_MAX     256u /* of a line before the message begins */
#define PROSE_MAX     300u /* of the text, for a kill that no label announces */
#define DATELINE_LOOK 200u /* of a text, for the dateline that it begins with */

/* ---- bytes around a message ---- */

static bool is_noise(uint8_t byte) { return byte <= ' ' || byte == DEL || byte == 0xff; }

struct sl_span sl_story_skip_noise(struct sl_span message, bool *has_soh)
{
    const uint8_t *soh = memchr(message.data, SOH, message.len < NOISE_MAX ? message.len : NOISE_MAX);
    *has_soh = soh != NULL;
    if (soh)
        message = sl_span_skip(message, (uint32_t)(soh - message.data) + 1);
    else if (sl_span_starts(message, "\xef\xbb\xbf"))
        message = sl_span_skip(message, 3); /* a relay's byte-order mark */
    while (message.len != 0 && is_noise(message.data[0]))
        message = sl_span_skip(message, 1);
    return message;
}

struct sl_span sl_story_trim_noise(struct sl_span span)
{
    while (span.len != 0 && (is_noise(span.data[span.len - 1]) || span.data[span.len - 1] == NBSP))
        span.len--;
    return span;
}

struct sl_span sl_story_last_line(struct sl_span span)
{
    span = sl_story_trim_noise(span);
    uint32_t start = span.len;
    while (start != 0 && span.data[start - 1] != '\n' && span.data[start - 1] != '\r')
        start--;
    return sl_span_skip(span, start);
}

/* ---- fields ---- */

struct sl_ref sl_story_put(struct sl_story *story, struct sl_span span)
{
    sl_out_open(story->out);
    sl_text_put_line(story->out, story->charset, span.data, span.len, &story->parse->text);
    return sl_out_close(story->out);
}

void sl_story_say(struct sl_story *story, enum sl_text text, struct sl_span span)
{
    sl_out_set(story->out, text, sl_story_put(story, span));
}

void sl_story_say_word(struct sl_story *story, enum sl_text text, const char *word)
{
    if (word)
        sl_out_text(story->out, text, word, (uint32_t)strlen(word));
}

void sl_story_say_item(struct sl_story *story, enum sl_list list, const char *what, struct sl_ref value)
{
    static const struct sl_ref none;
    sl_out_item(story->out, list, sl_out_ref(story->out, what, (uint32_t)strlen(what)), value, none, none);
}

/* ---- identity ---- */

uint64_t sl_story_number(struct sl_span digits)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < digits.len && i < 18; i++)
        number = number * 10 + (uint64_t)(digits.data[i] - '0');
    return number;
}

struct sl_ref sl_story_put_id(struct sl_story *story, struct sl_span counter, struct sl_span number, uint32_t width)
{
    struct sl_out *out = story->out;
    const struct sl_civil *day = &story->day;
    char date[] = ":0000-00-00";
    unsigned year = (unsigned)day->year;
    for (unsigned i = 4; i >= 1; i--, year /= 10)
        date[i] = (char)('0' + year % 10);
    date[6] = (char)('0' + day->month / 10);
    date[7] = (char)('0' + day->month % 10);
    date[9] = (char)('0' + day->day / 10);
    date[10] = (char)('0' + day->day % 10);
    sl_out_open(out);
    sl_text_put(out, story->charset, counter.data, counter.len, &story->parse->text);
    if (number.len != 0 || width != 0)
        sl_out_putc(out, ':');
    for (uint32_t len = number.len; len < width; len++)
        sl_out_putc(out, '0');
    sl_text_put(out, story->charset, number.data, number.len, &story->parse->text);
    sl_out_put(out, date, sizeof(date) - 1);
    return sl_out_close(out);
}

/* ---- time ---- */

static void assume_zone(struct sl_story *story)
{
    static const char begins[] = "the time names no zone: ", ends[] = " assumed";
    const char *name = story->zone ? story->zone->name : "UTC";
    sl_out_root(story->out)->flags |= SL_BULLETIN_ZONE_ASSUMED_CREATED;
    sl_out_open(story->out);
    sl_out_put(story->out, begins, sizeof(begins) - 1);
    sl_out_put(story->out, name, (uint32_t)strlen(name));
    sl_out_put(story->out, ends, sizeof(ends) - 1);
    struct sl_ref note = sl_out_close(story->out), none = { 0, 0 };
    sl_out_item(story->out, SL_LIST_NOTES, note, none, none, none);
}

void sl_story_say_time(struct sl_story *story, const struct sl_civil *civil, bool has_offset, int32_t offset_s)
{
    int64_t local_s = sl_civil_to_s(civil), utc_s = local_s - offset_s;
    story->day = *civil;
    if (!has_offset) {
        utc_s = story->zone ? sl_zone_to_utc(story->zone, local_s) : local_s;
        assume_zone(story);
    }
    sl_out_root(story->out)->version_created = story->time_ns = sl_ns_of_s(utc_s);
}

bool sl_story_complete_day(struct sl_civil *civil, bool has_month, int64_t arrival_ns)
{
    struct sl_civil now;
    sl_civil_from_s(&now, arrival_ns / SL_TIME_NS);
    for (int back = -1; back <= 12; back++) {
        struct sl_civil guess = *civil;
        int month = now.month - 1 - back;
        guess.year = now.year + (month < 0 ? -1 : month > 11 ? 1 : 0);
        month = (month + 12) % 12;
        if (has_month && guess.month != month + 1)
            continue;
        guess.month = (uint8_t)(month + 1);
        if (!sl_civil_valid(&guess) || sl_civil_to_s(&guess) > arrival_ns / SL_TIME_NS + 86400)
            continue;
        *civil = guess;
        return true;
    }
    return false;
}

/* ---- labels, embargoes, datelines ---- */

void sl_story_note_label(struct sl_story *story, struct sl_span words)
{
    story->label = sl_label_stronger(story->label, sl_label_find(words));
    story->label = sl_label_stronger(story->label, sl_profile_label(story->parse->profile, words));
}

void sl_story_weigh_embargo(struct sl_story *story, struct sl_span words, bool is_label)
{
    int64_t until_ns;
    enum sl_date_zone given;
    enum sl_embargo embargo = sl_embargo_read(words, is_label, story->time_ns, story->zone, &until_ns, &given);
    if (embargo == SL_EMBARGO_NONE || (embargo == SL_EMBARGO_LIFTED && story->embargo != SL_EMBARGO_NONE))
        return;
    /* Of two times the later one holds, and an open end is the latest. */
    bool is_later = embargo == SL_EMBARGO_UNTIL && story->embargo == SL_EMBARGO_UNTIL && until_ns <= story->embargo_ns;
    if (story->embargo == SL_EMBARGO_OPEN || is_later)
        return;
    story->embargo = embargo;
    story->embargo_ns = until_ns;
    story->embargo_zone = given;
}

struct sl_span sl_story_take_dateline(struct sl_story *story, struct sl_span agency, struct sl_span text)
{
    struct sl_dateline dateline;
    text = sl_span_trim(text);
    if (!sl_dateline_read(sl_span_head(text, DATELINE_LOOK), agency, &dateline))
        return text;
    sl_story_say(story, SL_TEXT_DATELINE, dateline.whole);
    sl_story_say(story, SL_TEXT_DATELINE_PLACE, dateline.place);
    sl_story_say(story, SL_TEXT_LOCATED, dateline.place);
    sl_story_say(story, SL_TEXT_CREDIT, dateline.credit);
    return sl_span_skip(text, dateline.len);
}

/* ---- kills in prose, and whom a message means ---- */

bool sl_story_is_label(const struct sl_story *story, struct sl_span words)
{
    return sl_label_is_all(words) || sl_profile_label_is_all(story->parse->profile, words);
}

bool sl_story_calls_editors(const struct sl_story *story)
{
    return story->label && story->label->kind == SL_KIND_ADVISORY;
}

enum sl_request sl_story_find_request(const struct sl_story *story, struct sl_span *start)
{
    /* A label that says what else this is makes it certain that it is no kill. */
    if (story->label && story->label->kind != SL_KIND_ADVISORY && story->label->kind != SL_KIND_NEWS)
        return SL_REQUEST_NONE;
    if (!story->label)
        *start = sl_span_head(*start, PROSE_MAX);
    return sl_profile_requests(story->parse->profile, *start) ? SL_REQUEST_KILL : sl_request_find(*start);
}

void sl_story_note_request(struct sl_story *story, enum sl_request request)
{
    static const struct sl_label kill = { "", SL_KIND_KILL, SL_SIGNAL_KILL };
    static const struct sl_label correction = { "", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION };
    story->label = request == SL_REQUEST_KILL ? &kill : &correction;
}

bool sl_story_undoes(const struct sl_story *story)
{
    return story->label && (story->label->kind == SL_KIND_KILL || story->label->kind == SL_KIND_CORRECTION ||
                            story->label->kind == SL_KIND_HOLD);
}

static const struct sl_ref *find_reference(const struct sl_out *out, struct sl_ref id)
{
    for (uint32_t i = 0; i < out->item_cnt; i++) {
        const struct sl_ref *said = &out->items[i].item.part[1];
        if (out->items[i].list == SL_LIST_REFERENCES &&
            (id.len == 0 || (said->len == id.len && memcmp(out->base + said->off, out->base + id.off, id.len) == 0)))
            return said;
    }
    return NULL;
}

void sl_story_say_reference(struct sl_story *story, const char *what, struct sl_ref id)
{
    if (id.len == 0 || find_reference(story->out, id))
        return;
    sl_story_say_item(story, SL_LIST_REFERENCES, what, id);
    story->reference_cnt++;
}

void sl_story_say_evolved(struct sl_story *story)
{
    const struct sl_ref *first = find_reference(story->out, (struct sl_ref){ 0, 0 });
    if (first)
        sl_out_text(story->out, SL_TEXT_EVOLVED_FROM, story->out->base + first->off, first->len);
}

/* ---- what kind of message ---- */

void sl_story_weigh_test(struct sl_story *story)
{
    static const struct sl_label test = { "", SL_KIND_TEST, SL_SIGNAL_TEST };
    if (sl_says_test(sl_span_of(sl_out_get(story->out, SL_TEXT_HEADLINE))) ||
        sl_says_test(sl_span_of(sl_out_get(story->out, SL_TEXT_SLUGLINE))))
        story->label = &test;
}

void sl_story_say_kind(struct sl_story *story)
{
    struct sl_bulletin *root = sl_out_root(story->out);
    if (story->label) {
        root->kind = (uint8_t)story->label->kind;
        root->signal = (uint8_t)story->label->signal;
    }
    if (root->kind == SL_KIND_KILL)
        root->pubstatus = SL_PUB_CANCELED;
    if (root->kind == SL_KIND_HOLD)
        root->pubstatus = SL_PUB_WITHHELD;
    if (story->embargo == SL_EMBARGO_LIFTED && !story->label) {
        root->kind = SL_KIND_RELEASE;
        root->signal = SL_SIGNAL_RELEASE;
    }
    sl_standing_embargo(story->out, story->embargo, story->embargo_ns, story->embargo_zone);
}
