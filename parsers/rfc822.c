/* parsers/rfc822.c - mail: press offices, forms, lists.
 *
 *     Received: ...            what carried it
 *     From: Name <address>     byline; the address's domain is the provider
 *     Subject: ...             headline
 *     Message-ID: <...>        id
 *
 *     parts within parts       the text; what is attached becomes associations
 *
 * Source    RFC 5322 (fields, dates), 2045 to 2047 and 2231 (MIME), 2183 (dispositions), 3676 (flowed text).
 *
 * A mail is one bulletin, whatever parts it has.
 *
 *   - Of alternatives the plain text is the body, unless it only says that there is HTML; HTML beside it, or alone,
 *     is the HTML body too, made safe.  Further texts that are no attachments follow it.
 *   - The signature below "-- ", what a reply quotes, and all below "not for publication" stay out of the body, and a
 *     note tells; a mail that only quotes keeps its words.
 *   - The headline is the subject without "Re:" and "Fwd:".  Its opening tells what kind of message it is (wording.h);
 *     an embargo may stand there or in one of the first lines.
 *   - In-Reply-To and References name what is answered, killed or corrected.
 *   - X-Priority 1 and 2, Importance: high and Priority: urgent are urgency 3, no more: senders say it of anything;
 *     their opposites are 7.
 */
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "parsers/ascii.h"
#include "parsers/html.h"
#include "parsers/mail.h"
#include "parsers/wording.h"

#define LOOK_MAX          4096u /* bytes of the head that tell a mail, and its urgency */
#define LOOK_FIELDS_MAX   40u
#define EMBARGO_LINES_MAX 12u /* of the body, where an embargo may stand */
#define REFERENCES_MAX    32u
#define HTML_LOOK_MAX     1024u /* in which HTML says its own character set */
#define TEASER_MAX        300u /* a plain text this short may only say that there is HTML */
#define TEASER_TIMES      30u

struct mail {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_span headers, content;
    struct sl_span from, sender, subject, date, received, id, in_reply_to, references, supersedes, keywords, expires;
    struct sl_span language, list, organization;
    unsigned urgency;
    struct sl_span priority;
    struct sl_mail_parts parts;
    bool left_quotes, left_signature, left_private, is_charset_unknown, is_label_wrong;
};

/* ---- the head ---- */

static struct sl_span skip_start(struct sl_span message)
{
    struct sl_span line, rest;
    if (sl_span_starts(message, "\xef\xbb\xbf"))
        message = sl_span_skip(message, 3);
    /* Blank lines before the head, and the line that mailboxes put there. */
    for (rest = message; sl_line_next(&rest, &line); message = rest) {
        if (sl_span_trim(line).len != 0 && !sl_span_starts(line, "From ") && !sl_span_starts(line, ">From "))
            break;
    }
    return message;
}

/* 2: names that only mail has; 1: names that anybody may write; 0: others. */
static unsigned weigh_name(struct sl_span name)
{
    static const char *const sure[] = { "received",     "message-id",     "return-path", "delivered-to",
                                        "mime-version", "dkim-signature", "x-mailer",    "content-transfer-encoding",
                                        "reply-to",     "x-received",     "list-id",     "in-reply-to" };
    static const char *const likely[] = { "from", "to", "subject", "date", "cc", "sender", "content-type" };
    for (size_t i = 0; i < sizeof(sure) / sizeof(*sure); i++) {
        if (sl_span_is(name, sure[i]))
            return 2;
    }
    for (size_t i = 0; i < sizeof(likely) / sizeof(*likely); i++) {
        if (sl_span_is(name, likely[i]))
            return 1;
    }
    return 0;
}

static int recognize(const uint8_t *data, uint32_t len)
{
    struct sl_span rest = sl_span_head(skip_start((struct sl_span){ data, len }), LOOK_MAX);
    struct sl_mail_field field;
    unsigned sure_cnt = 0, likely_cnt = 0;
    const uint8_t *start = rest.data;
    for (unsigned i = 0; i < LOOK_FIELDS_MAX && sl_mail_field(&rest, &field); i++) {
        if (i == 0 && field.name.data != start)
            return 0; /* not the first line: text with colons in it */
        unsigned weight = weigh_name(field.name);
        sure_cnt += weight == 2;
        likely_cnt += weight == 1;
    }
    if (sure_cnt >= 2 || (sure_cnt == 1 && likely_cnt >= 2))
        return 95;
    return likely_cnt >= 3 ? 60 : 0;
}

static unsigned urgency_of(struct sl_span name, struct sl_span value)
{
    if (sl_span_is(name, "x-priority") && value.len != 0)
        return value.data[0] == '1' || value.data[0] == '2' ? 3 : value.data[0] == '3' ? 5 : 7;
    if (sl_span_is(name, "importance") || sl_span_is(name, "x-msmail-priority"))
        return sl_span_starts(value, "high") ? 3 : sl_span_starts(value, "low") ? 7 : 5;
    if (sl_span_is(name, "priority"))
        return sl_span_starts(value, "urgent") ? 3 : sl_span_starts(value, "non-urgent") ? 7 : 5;
    return 0;
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    struct sl_span rest = sl_span_head(skip_start((struct sl_span){ data, len }), LOOK_MAX);
    struct sl_mail_field field;
    unsigned urgency = 0;
    while (urgency == 0 && sl_mail_field(&rest, &field))
        urgency = urgency_of(field.name, field.value);
    return urgency;
}

static struct sl_span *place_of(struct mail *mail, struct sl_span name)
{
    const struct {
        const char *name;
        struct sl_span *place;
    } places[] = {
        {"from",              &mail->from        },
        { "sender",           &mail->sender      },
        { "subject",          &mail->subject     },
        { "date",             &mail->date        },
        { "received",         &mail->received    },
        { "message-id",       &mail->id          },
        { "in-reply-to",      &mail->in_reply_to },
        { "references",       &mail->references  },
        { "supersedes",       &mail->supersedes  },
        { "keywords",         &mail->keywords    },
        { "expires",          &mail->expires     },
        { "expiry-date",      &mail->expires     },
        { "content-language", &mail->language    },
        { "list-id",          &mail->list        },
        { "organization",     &mail->organization},
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        if (sl_lower(name.data[0]) == (uint8_t)places[i].name[0] && sl_span_is(name, places[i].name))
            return places[i].place;
    }
    return NULL;
}

/* Of a field that comes twice the first counts. */
static bool read_head(struct mail *mail, struct sl_span *rest)
{
    struct sl_mail_field field;
    bool is_mail = false;
    mail->headers = *rest;
    while (sl_mail_field(rest, &field)) {
        struct sl_span *place = place_of(mail, field.name);
        is_mail |= weigh_name(field.name) != 0;
        if (place && place->data == NULL)
            *place = field.value;
        unsigned urgency = urgency_of(field.name, field.value);
        if (urgency != 0 && mail->urgency == 0) {
            mail->urgency = urgency;
            mail->priority = field.value;
        }
    }
    mail->headers.len -= rest->len;
    mail->content = *rest;
    return is_mail;
}

static void say(struct mail *mail, enum sl_text text, struct sl_span value)
{
    sl_out_set(mail->out, text, sl_mail_words(mail->parse, value));
}

/* ---- who, when, which ---- */

static struct sl_span domain_of(struct sl_span address)
{
    const uint8_t *at = sl_span_last(address, '@');
    return at ? sl_span_skip(address, (uint32_t)(at - address.data) + 1) : address;
}

static void say_sender(struct mail *mail)
{
    struct sl_mail_address from;
    struct sl_span rest = mail->from.len != 0 ? mail->from : mail->sender;
    if (sl_mail_address(&rest, &from)) {
        say(mail, SL_TEXT_PROVIDER, domain_of(from.address));
        if (!sl_span_first(from.name, '@'))
            say(mail, SL_TEXT_BYLINE, from.name);
    }
    say(mail, SL_TEXT_CREDIT, mail->organization);
    struct sl_span id;
    rest = mail->list;
    say(mail, SL_TEXT_SERVICE,
        sl_mail_id(&rest, &id) && id.len > 2 ? (struct sl_span){ id.data + 1, id.len - 2 } : mail->list);
    const uint8_t *comma =
        sl_span_first(mail->language, ',');
    say(mail, SL_TEXT_LANGUAGE,
        comma ? sl_span_head(mail->language, (uint32_t)(comma - mail->language.data)) : mail->language);
}

/* The date, else when the last relay took it. */
static void say_times(struct mail *mail)
{
    struct sl_bulletin *root = sl_out_root(mail->out);
    const struct sl_zone *zone = sl_parse_zone(mail->parse, NULL);
    enum sl_date_zone given = SL_DATE_ZONE_GIVEN;
    const uint8_t *stamp =
        sl_span_last(mail->received, ';');
    struct sl_span received = { stamp ? stamp + 1 : NULL,
                                stamp ? (uint32_t)(mail->received.data + mail->received.len - stamp) - 1 : 0 };
    bool has_date = sl_date_rfc5322(mail->date.data, mail->date.len, zone, &root->version_created, &given) ||
                    sl_date_iso(mail->date.data, mail->date.len, zone, &root->version_created, &given);
    if (!has_date && sl_date_rfc5322(received.data, received.len, zone, &root->version_created, &given)) {
        has_date = true;
        sl_out_note(mail->out, "no date that can be read: it is when the mail was received");
    }
    if (has_date && given == SL_DATE_ZONE_ASSUMED)
        root->flags |= SL_BULLETIN_ZONE_ASSUMED_CREATED;
    if (!has_date)
        root->version_created = SL_TIME_NONE;
    if (!sl_date_rfc5322(mail->expires.data, mail->expires.len, zone, &root->expires, &given))
        root->expires = SL_TIME_NONE;
    else if (given == SL_DATE_ZONE_ASSUMED)
        root->flags |= SL_BULLETIN_ZONE_ASSUMED_EXPIRES;
}

/* Of sender, date and subject as they were sent. */
static void make_id(struct mail *mail)
{
    static const char hex[] = "0123456789abcdef";
    XXH3_state_t state;
    const struct sl_span parts[] = { mail->from, mail->date, mail->subject };
    XXH3_64bits_reset(&state);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        XXH3_64bits_update(&state, parts[i].data, parts[i].len);
        XXH3_64bits_update(&state, "", 1);
    }
    uint64_t hash = XXH3_64bits_digest(&state);
    sl_out_open(mail->out);
    sl_out_put(mail->out, "mail-", 5);
    for (int shift = 60; shift >= 0; shift -= 4)
        sl_out_putc(mail->out, hex[hash >> shift & 15]);
    sl_out_set(mail->out, SL_TEXT_ID, sl_out_close(mail->out));
    sl_out_root(mail->out)->flags |= SL_BULLETIN_ID_MADE;
}

static void say_id(struct mail *mail)
{
    struct sl_span rest = mail->id, id;
    say(mail, SL_TEXT_ID, sl_mail_id(&rest, &id) ? id : mail->id);
    if (sl_out_get(mail->out, SL_TEXT_ID).len == 0)
        make_id(mail);
}

/* Behind "Re: Fwd: AW: ". */
static struct sl_span skip_reply_marks(struct sl_span subject)
{
    static const char *const marks[] = { "re:", "fwd:", "fw:", "aw:", "wg:", "tr:", "rv:", "sv:", "vs:", "antw:" };
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks);) {
        if (!sl_span_starts(subject, marks[i])) {
            i++;
            continue;
        }
        subject = sl_span_skip_white(sl_span_skip(subject, (uint32_t)strlen(marks[i])));
        i = 0;
    }
    return subject;
}

static void say_subject(struct mail *mail)
{
    struct sl_ref subject = sl_mail_words(mail->parse, mail->subject);
    struct sl_span words = { mail->out->base + subject.off, subject.len }, rest = skip_reply_marks(words);
    subject.off += subject.len - rest.len;
    subject.len = rest.len;
    if (subject.len != 0)
        sl_out_set(mail->out, SL_TEXT_HEADLINE, subject);
}

/* Words parted by commas. */
static void say_keywords(struct mail *mail)
{
    static const struct sl_ref none;
    struct sl_ref all = sl_mail_words(mail->parse, mail->keywords);
    struct sl_span rest = { mail->out->base + all.off, all.len };
    while (rest.len != 0) {
        const uint8_t *comma = sl_span_first(rest, ',');
        struct sl_span word = sl_span_trim(sl_span_head(rest, comma ? (uint32_t)(comma - rest.data) : rest.len));
        struct sl_ref ref = { (uint32_t)(word.data - mail->out->base), word.len };
        if (word.len != 0)
            sl_out_item(mail->out, SL_LIST_KEYWORDS, ref, none, none, none);
        rest = comma ? sl_span_skip(rest, (uint32_t)(comma - rest.data) + 1) : sl_span_skip(rest, rest.len);
    }
}

/* ---- the text ---- */

/* UTF-16, and what nobody here can read, to UTF-8 in scratch, by way of the open text.  False: no room. */
static bool convert(struct mail *mail, enum sl_charset charset, bool is_unknown, struct sl_span *bytes)
{
    struct sl_out *out = mail->out;
    uint32_t before = sl_out_opened(out).len;
    if (is_unknown)
        sl_wording_put_ascii(out, *bytes, &mail->parse->text);
    else
        sl_text_put(out, charset, bytes->data, bytes->len, &mail->parse->text);
    struct sl_slice all = sl_out_opened(out);
    uint8_t *to = sl_scratch_take(mail->parse, all.len - before);
    if (to) {
        memcpy(to, all.data + before, all.len - before);
        *bytes = (struct sl_span){ to, all.len - before };
    }
    sl_out_cut(out, before);
    return to != NULL;
}

/* A character set that HTML says of itself. */
static enum sl_charset find_html_label(struct sl_span html)
{
    uint32_t off, len = 0;
    if (!sl_span_find(sl_span_head(html, HTML_LOOK_MAX), "charset=", &off))
        return SL_CHARSET_UNKNOWN;
    struct sl_span label = sl_span_head(sl_span_skip(html, off + 8), 40);
    if (label.len != 0 && (label.data[0] == '"' || label.data[0] == '\''))
        label = sl_span_skip(label, 1);
    while (len < label.len && label.data[len] > ' ' && !memchr("\"';>/", label.data[len], 5))
        len++;
    return sl_charset_named((const char *)label.data, len);
}

static bool is_html(const struct sl_mail_part *part)
{
    return sl_span_is(part->type, "text/html") || sl_span_is(part->type, "application/xhtml+xml");
}

static bool is_text(const struct sl_mail_part *part)
{
    return !part->is_attachment && (part->type.len == 0 || sl_span_is(part->type, "text/plain") ||
                                    sl_span_is(part->type, "text") || is_html(part));
}

/* The part's bytes in a set that paragraphs can be made of. */
static bool read_text(struct mail *mail, const struct sl_mail_part *part, struct sl_span *bytes,
                      enum sl_charset *charset)
{
    if (!sl_mail_decode(mail->parse, part, bytes))
        return false;
    enum sl_charset label = part->charset != SL_CHARSET_UNKNOWN ? part->charset
                            : is_html(part)                     ? find_html_label(*bytes)
                                                                : mail->parse->feed->charset;
    bool is_lost = part->is_charset_unknown &&
                   (sl_span_first(*bytes, 0x1b) || sl_utf8_prefix(bytes->data, bytes->len) != bytes->len);
    *charset = is_lost ? SL_CHARSET_UTF8 : sl_mail_charset(*bytes, label);
    bool is_plain = sl_ascii_prefix(bytes->data, bytes->len) == bytes->len;
    mail->is_label_wrong |= part->charset != SL_CHARSET_UNKNOWN && *charset != part->charset && !is_plain &&
                            !(part->charset == SL_CHARSET_ISO_8859_1 && *charset == SL_CHARSET_WINDOWS_1252);
    if (sl_out_get(mail->out, SL_TEXT_SOURCE_CHARSET).len == 0 && !mail->is_charset_unknown)
        mail->is_charset_unknown = is_lost;
    if (!sl_charset_is_wide(*charset) && !is_lost)
        return true;
    if (!convert(mail, *charset, is_lost, bytes))
        return false;
    *charset = SL_CHARSET_UTF8;
    return true;
}

static void put_text(struct mail *mail, const struct sl_mail_part *part, struct sl_span bytes, enum sl_charset charset)
{
    struct sl_mail_text text = {
        .parse = mail->parse,
        .charset = charset,
        .is_flowed = part->is_flowed,
        .is_delsp = part->is_delsp,
        .is_reply = mail->in_reply_to.len != 0 || mail->references.len != 0,
    };
    sl_mail_put_text(&text, bytes);
    mail->left_quotes |= text.left_quotes;
    mail->left_signature |= text.left_signature;
    mail->left_private |= text.left_private;
}

/* What HTML says below "not for publication" goes, too. */
static void cut_private(struct mail *mail, uint32_t before)
{
    struct sl_span all = sl_span_of(sl_out_opened(mail->out)), rest = sl_span_skip(all, before), line;
    while (sl_line_next(&rest, &line)) {
        if (!sl_mail_is_private(mail->parse, line))
            continue;
        uint32_t len = (uint32_t)(line.data - all.data);
        while (len > before && sl_is_white(all.data[len - 1]))
            len--;
        sl_out_cut(mail->out, len);
        mail->left_private = true;
        return;
    }
}

static bool is_blank(struct sl_span span) { return sl_span_skip_white(span).len == 0; }

/* Of two parts that say the same, which is better?  Plain text, if it says more than that there is HTML. */
static bool is_better(const struct sl_mail_part *part, const struct sl_mail_part *than)
{
    bool part_html = is_html(part), than_html = is_html(than);
    if (is_blank(part->content) || is_blank(than->content))
        return !is_blank(part->content);
    if (part_html == than_html)
        return false;
    const struct sl_mail_part *plain = part_html ? than : part, *html = part_html ? part : than;
    bool is_teaser = plain->content.len < TEASER_MAX && html->content.len / TEASER_TIMES > plain->content.len;
    return part_html == is_teaser;
}

static bool is_chosen(const struct sl_mail_parts *parts, const struct sl_mail_part *part)
{
    const struct sl_mail_part *best = NULL;
    if (!is_text(part))
        return false;
    if (part->alternative == 0)
        return true;
    for (uint32_t i = 0; i < parts->cnt; i++) {
        const struct sl_mail_part *other = &parts->part[i];
        if (other->alternative == part->alternative && is_text(other) && (!best || is_better(other, best)))
            best = other;
    }
    return best == part;
}

static void say_body(struct mail *mail)
{
    struct sl_out *out = mail->out;
    uint32_t used = mail->parse->scratch.used;
    enum sl_charset first = SL_CHARSET_UNKNOWN, charset;
    struct sl_span bytes;
    sl_out_open(out);
    for (uint32_t i = 0; i < mail->parts.cnt; i++) {
        const struct sl_mail_part *part = &mail->parts.part[i];
        if (!is_chosen(&mail->parts, part) || !read_text(mail, part, &bytes, &charset))
            continue;
        first = first == SL_CHARSET_UNKNOWN ? charset : first;
        uint32_t before = sl_out_opened(out).len;
        if (is_html(part)) {
            sl_html_put_body(out, charset, bytes, &mail->parse->text);
            cut_private(mail, before);
        } else {
            put_text(mail, part, bytes, charset);
        }
        mail->parse->scratch.used = used;
    }
    sl_out_set(out, SL_TEXT_BODY, sl_out_close(out));
    mail->parse->scratch.used = used;
    const char *name = sl_charset_name(first);
    sl_out_text(out, SL_TEXT_SOURCE_CHARSET, name, (uint32_t)strlen(name));
}

/* The first HTML text, if there is room: what is said once more may not be longer than the message allows. */
static void say_html(struct mail *mail)
{
    struct sl_out *out = mail->out;
    uint32_t used = mail->parse->scratch.used, body_len = sl_out_get(out, SL_TEXT_BODY).len;
    struct sl_text_stats unasked = { 0, 0 };
    enum sl_charset charset;
    struct sl_span bytes;
    for (uint32_t i = 0; i < mail->parts.cnt; i++) {
        const struct sl_mail_part *part = &mail->parts.part[i];
        if (!is_html(part) || !is_text(part))
            continue;
        /* It would still have what was left out. */
        if (mail->left_private || mail->left_quotes)
            break;
        sl_out_open(out);
        bool is_read = read_text(mail, part, &bytes, &charset);
        bool is_short = is_read && body_len <= bytes.len + bytes.len / 2;
        if (is_short && sl_html_is_markup(bytes))
            sl_html_put_safe(out, charset, bytes, &unasked);
        sl_out_set(out, SL_TEXT_BODY_HTML, sl_out_close(out));
        break;
    }
    mail->parse->scratch.used = used;
}

/* ---- attachments ---- */

static struct sl_ref put_file_name(struct mail *mail, const struct sl_mail_part *part)
{
    uint8_t name[512];
    enum sl_charset charset;
    uint32_t len = sl_mail_param(part->disposition, "filename", name, sizeof(name), &charset);
    if (len == 0)
        len = sl_mail_param(part->type_field, "name", name, sizeof(name), &charset);
    struct sl_span bytes = { name, len };
    if (sl_span_find(bytes, "=?", &len))
        return sl_mail_words(mail->parse, bytes);
    sl_out_open(mail->out);
    sl_text_put_line(mail->out, sl_mail_charset(bytes, charset), name, bytes.len, &mail->parse->text);
    return sl_out_close(mail->out);
}

static bool is_signature(const struct sl_mail_part *part)
{
    return sl_span_is(part->type, "application/pgp-signature") ||
           sl_span_is(part->type, "application/pkcs7-signature") ||
           sl_span_is(part->type, "application/x-pkcs7-signature");
}

static void say_attachment(struct mail *mail, const struct sl_mail_part *part)
{
    struct sl_out *out = mail->out;
    bool is_attached = sl_span_starts(part->disposition, "attachment") || part->id.len == 0;
    struct sl_ref rel = is_attached ? sl_out_ref(out, "attachment", 10) : sl_out_ref(out, "inline", 6);
    struct sl_ref name = put_file_name(mail, part), href = { 0, 0 };
    struct sl_span rest = part->id, id;
    if (sl_mail_id(&rest, &id) && id.len > 2) {
        sl_out_open(out);
        sl_out_put(out, "cid:", 4);
        sl_text_put_line(out, SL_CHARSET_WINDOWS_1252, id.data + 1, id.len - 2, &mail->parse->text);
        href = sl_out_close(out);
    }
    struct sl_ref type = sl_mail_words(mail->parse, part->type);
    if (name.len == 0 && href.len == 0)
        name = type.len != 0 ? type : sl_out_ref(out, "unnamed", 7);
    sl_out_item(out, SL_LIST_ASSOCIATIONS, rel, name, href, type);
}

static void say_attachments(struct mail *mail)
{
    for (uint32_t i = 0; i < mail->parts.cnt; i++) {
        const struct sl_mail_part *part = &mail->parts.part[i];
        if (!is_text(part) && !is_signature(part))
            say_attachment(mail, part);
    }
}

/* ---- what it is, and what it refers to ---- */

static void weigh_embargo(struct mail *mail, struct sl_story *story)
{
    struct sl_span rest = sl_span_of(sl_out_get(mail->out, SL_TEXT_BODY)), line;
    sl_story_weigh_embargo(story, sl_span_of(sl_out_get(mail->out, SL_TEXT_HEADLINE)), false);
    for (unsigned i = 0; i < EMBARGO_LINES_MAX && sl_line_next(&rest, &line); i++)
        sl_story_weigh_embargo(story, line, false);
}

static struct sl_ref say_references_in(struct mail *mail, const char *what, struct sl_span rest, struct sl_ref *seen)
{
    static const struct sl_ref none;
    struct sl_ref first = none;
    struct sl_span id;
    for (uint32_t i = 0; i < REFERENCES_MAX && sl_mail_id(&rest, &id); i++) {
        struct sl_ref ref = sl_mail_words(mail->parse, id);
        bool is_seen =
            seen->len == ref.len && memcmp(mail->out->base + seen->off, mail->out->base + ref.off, ref.len) == 0;
        if (ref.len == 0 || is_seen)
            continue;
        first = first.len != 0 ? first : ref;
        sl_out_item(mail->out, SL_LIST_REFERENCES, sl_out_ref(mail->out, what, (uint32_t)strlen(what)), ref, none,
                    none);
    }
    return first;
}

static void say_references(struct mail *mail)
{
    static const struct sl_ref none;
    struct sl_bulletin *root = sl_out_root(mail->out);
    const char *what = root->kind == SL_KIND_KILL         ? "kill"
                       : root->kind == SL_KIND_CORRECTION ? "correct"
                       : root->kind == SL_KIND_UPDATE     ? "replace"
                                                          : "reply";
    struct sl_ref seen = none;
    struct sl_ref replaced = say_references_in(mail, "replace", mail->supersedes, &seen);
    struct sl_ref answered = say_references_in(mail, what, mail->in_reply_to, &seen);
    say_references_in(mail, "thread", mail->references, &answered);
    if (replaced.len == 0 && strcmp(what, "reply") != 0)
        replaced = answered;
    if (replaced.len != 0)
        sl_out_set(mail->out, SL_TEXT_EVOLVED_FROM, replaced);
}

static void say_notes(struct mail *mail)
{
    struct sl_out *out = mail->out;
    if (mail->left_signature)
        sl_out_note(out, "the signature is not in the body");
    if (mail->left_quotes)
        sl_out_note(out, "what it quotes is not in the body");
    if (mail->left_private)
        sl_out_note(out, "what is not for publication is not in the body");
    if (mail->is_charset_unknown)
        sl_out_note(out, "text in a character set that is not known: its ASCII is all that was taken");
    if (mail->is_label_wrong)
        sl_out_note(out, "the label of its character set is wrong");
    if (mail->parts.is_cut)
        sl_out_note(out, "ends before the last boundary of its parts");
    if (mail->parts.has_more || mail->parts.is_too_deep)
        sl_out_note(out, "more parts, or deeper ones, than are looked at");
}

static void say_state(struct mail *mail)
{
    static const struct sl_slice update = { "update", 6 };
    struct sl_bulletin *root = sl_out_root(mail->out);
    struct sl_story story = { .parse = mail->parse,
                              .out = mail->out,
                              .charset = SL_CHARSET_UTF8,
                              .zone = sl_parse_zone(mail->parse, NULL),
                              .time_ns = root->version_created };
    if (root->version_created == SL_TIME_NONE)
        story.time_ns = mail->parse->arrival_ns;
    weigh_embargo(mail, &story);
    if (mail->supersedes.len != 0)
        sl_story_note_label(&story, sl_span_of(update));
    sl_wording_say_kind(&story);
    root->urgency = (uint8_t)mail->urgency;
    say(mail, SL_TEXT_PRIORITY_RAW, mail->priority);
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    if (parse->bulletin_idx != 0)
        return SL_PARSE_END;
    struct mail mail = { .parse = parse, .out = &parse->out };
    struct sl_span rest = skip_start((struct sl_span){ parse->data, parse->len });
    if (sl_span_trim(rest).len == 0)
        return SL_PARSE_END;
    if (!read_head(&mail, &rest))
        return sl_reject(parse, SL_PARSE_BAD_FRAME, parse->len - mail.headers.len - rest.len,
                         "header fields of a mail");
    say_sender(&mail);
    say_times(&mail);
    say_id(&mail);
    say_subject(&mail);
    say_keywords(&mail);
    sl_mail_split(&mail.parts, mail.headers, mail.content);
    say_body(&mail);
    say_html(&mail);
    say_attachments(&mail);
    sl_wording_first_words(mail.out);
    sl_wording_dateline(mail.out);
    say_state(&mail);
    say_references(&mail);
    say_notes(&mail);
    return SL_PARSE_OK;
}

const struct sl_format sl_format_rfc822 = {
    .id = SL_FORMAT_RFC822,
    .name = "rfc822",
    .source = "RFC 5322, 2045 to 2047, 2183, 2231, 3676",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
