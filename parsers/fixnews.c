/* parsers/fixnews.c - FIX News (MsgType B), as brokers and exchanges send it between orders.
 *
 *     8=FIX.4.4 | 9=LENGTH | 35=B | 49=SENDER | 34=NUMBER | 52=TIME | ... body ... | 10=SUM |
 *               (each | is SOH)   '------------------- LENGTH bytes --------------'
 *
 * Source    FIX 4.0 to 5.0 SP2 and the extension packs after it: News, Standard Header and Trailer, volumes 1 to 3.
 *
 * The scan is driven by lengths: 9 for the message, and 95, 354, 358 and their like for data that may hold SOH.  Of
 * a wrong checksum nothing is believed.  Messages of other types (Logon, Heartbeat, TestRequest ...) say no bulletin.
 * A span may hold several messages; each News is a bulletin.
 *
 *   - Urgency 0 normal, 1 flash, 2 background are 5, 1 and 8 of IPTC's.
 *   - NewsID is the id.  Without it one is made: APPLID:APPLSEQNUM:DAY where the sender counts its news, else
 *     SENDER:TARGET:MSGSEQNUM:DAY; the day is that of the first sending, so a message sent again has the same.
 *   - Text and Headline are ASCII for those who cannot read EncodedText and EncodedHeadline, which are the story: so
 *     these come first, and the others become a headline and a body in the role "ascii".  Of a character set that
 *     nobody here knows the ASCII text is taken, or what is ASCII in it.
 *   - NewsRefType 0 replaces the referenced news, 3 withdraws it, 1 and 2 are associations.
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/wording.h"

enum { SOH = 0x01, ESC = 0x1b };

#define BEGIN_MAX        16u /* bytes of a begin string; FIXT.1.1 has 8 */
#define PEEK_MAX         1024u /* bytes in which the urgency is looked for */
#define LINE_WRAPPED_MAX 100u /* bytes: longer lines were not wrapped by hand */

struct field {
    uint32_t tag;
    struct sl_span value;
};

/* A message's fields, one after the other. */
struct reader {
    struct sl_span rest;
    uint32_t data_tag, data_len; /* the length that was just read, and whose it is; 0 none */
    bool mended; /* a length was wrong */
};

struct instrument {
    struct sl_span symbol, suffix, id, source, exchange, issuer;
};

struct news {
    struct sl_parse *parse;
    struct sl_out *out;
    struct sl_span body; /* of the message: behind BodyLength up to CheckSum */
    enum sl_charset charset, encoded;
    bool is_encoding_known;
    struct sl_span sender, behalf, target, number, sent, first_sent, written, urgency, encoding;
    struct sl_span headline, encoded_headline, id, category, language, url, raw, appl, appl_number, ref;
    struct instrument instrument;
    bool is_fragment, keep_lines;
    uint32_t line_cnt, long_cnt, ascii_cnt, read_cnt; /* lines of text: all, long, ASCII, encoded and readable */
    uint32_t unread_cnt; /* encoded ones that nobody here can read */
    const char *ref_what;
};

/* ---- fields ---- */

/* The tag of the data whose length this tag gives; 0: it gives none. */
static uint32_t data_tag_of(uint32_t tag)
{
    switch (tag) {
    case 93:
        return 89;
    case 90:
    case 95:
    case 212:
    case 348:
    case 350:
    case 352:
    case 354:
    case 356:
    case 358:
    case 360:
    case 362:
    case 364:
    case 445:
    case 618:
    case 621:
    case 1184:
    case 1277:
    case 1280:
    case 1282:
    case 1397:
    case 1468:
    case 1578:
    case 1664:
        return tag + 1;
    case 1525:
        return 1527;
    default:
        return 0;
    }
}

static bool read_number(struct sl_span digits, uint32_t *number)
{
    uint64_t value = 0;
    if (digits.len == 0 || sl_span_digits(digits) != digits.len)
        return false;
    for (uint32_t i = 0; i < digits.len; i++) {
        value = value * 10 + (uint32_t)(digits.data[i] - '0');
        if (value > UINT32_MAX)
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

/* Data of a given length; a length that does not end before an SOH counted something else than bytes. */
static uint32_t data_len(struct reader *reader, uint32_t tag)
{
    struct sl_span rest = reader->rest;
    if (reader->data_tag == tag && reader->data_len < rest.len && rest.data[reader->data_len] == SOH)
        return reader->data_len;
    reader->mended |= reader->data_tag == tag;
    const uint8_t *soh = memchr(rest.data, SOH, rest.len);
    return soh ? (uint32_t)(soh - rest.data) : rest.len;
}

/* False: what stands there is no field; at the end rest is empty. */
static bool next_field(struct reader *reader, struct field *field)
{
    uint32_t len = sl_span_digits(reader->rest), length;
    if (len == 0 || len == reader->rest.len || reader->rest.data[len] != '=' ||
        !read_number(sl_span_head(reader->rest, len), &field->tag))
        return false;
    reader->rest = sl_span_skip(reader->rest, len + 1);
    len = data_len(reader, field->tag);
    field->value = sl_span_head(reader->rest, len);
    reader->rest = sl_span_skip(reader->rest, len < reader->rest.len ? len + 1 : len);
    reader->data_tag = data_tag_of(field->tag);
    if (reader->data_tag != 0 && !read_number(field->value, &length))
        reader->data_tag = 0;
    else if (reader->data_tag != 0)
        reader->data_len = length;
    return true;
}

/* ---- the frame ---- */

/* The sum of the bytes, modulo 256: eight at a time in four lanes, which are cut back to 8 bits each time. */
static uint8_t sum_bytes(struct sl_span span)
{
    const uint64_t lanes = 0x00ff00ff00ff00ffu;
    uint64_t word, sum = 0;
    uint32_t i = 0;
    for (; span.len - i >= sizeof(word); i += sizeof(word)) {
        memcpy(&word, span.data + i, sizeof(word));
        sum = (sum + (word & lanes) + (word >> 8 & lanes)) & lanes;
    }
    sum += (sum >> 32) + (sum >> 16) + (sum >> 48);
    for (; i < span.len; i++)
        sum += span.data[i];
    return (uint8_t)sum;
}

/* "8=FIX.4.4 SOH 9=113 SOH": its length; 0 and *want: what is not there.  *off: where. */
static uint32_t read_begin(struct sl_span rest, uint32_t *body_len, uint32_t *off, const char **want)
{
    static const char begin[] = "8=FIX";
    *off = 0;
    while (*off < sizeof(begin) - 1 && *off < rest.len && rest.data[*off] == (uint8_t)begin[*off])
        ++*off;
    *want = "8=FIX, the begin string";
    if (*off < sizeof(begin) - 1)
        return 0;
    while (*off < rest.len && *off < BEGIN_MAX && rest.data[*off] > ' ')
        ++*off;
    if (*off == rest.len || rest.data[*off] != SOH)
        return 0;
    *want = "9=, the body's length";
    for (const char *next = "\0019="; *next; next++, ++*off) {
        if (*off == rest.len || rest.data[*off] != (uint8_t)*next)
            return 0;
    }
    uint32_t digits = sl_span_digits(sl_span_skip(rest, *off));
    if (*off + digits == rest.len)
        *off = rest.len;
    else if (rest.data[*off + digits] == SOH && read_number(sl_span_head(sl_span_skip(rest, *off), digits), body_len))
        return *off + digits + 1;
    return 0;
}

static enum sl_parse_code take_trailer(struct news *news, struct sl_span message, uint32_t end, uint32_t length_off)
{
    struct sl_parse *parse = news->parse;
    struct sl_span trailer = sl_span_skip(message, end);
    uint32_t at = (uint32_t)(trailer.data - parse->data), sum = 0;
    if (message.data[end - 1] != SOH || memcmp(trailer.data, "10=", 3) != 0)
        return sl_reject(parse, SL_PARSE_BAD_HEADER, length_off, "the length of what stands before 10=");
    struct sl_span digits = sl_span_head(sl_span_skip(trailer, 3), 3);
    if (!read_number(digits, &sum) || sum != sum_bytes(sl_span_head(message, end)))
        return sl_reject(parse, SL_PARSE_BAD_TEXT, at + 3, "the checksum of the bytes before it");
    at += 6;
    if (at < parse->len && parse->data[at] != SOH)
        return sl_reject(parse, SL_PARSE_BAD_TEXT, at, "SOH behind the checksum");
    parse->cursor = at < parse->len ? at + 1 : at;
    return SL_PARSE_OK;
}

/* The message at the cursor; END: nothing but filling is left. */
static enum sl_parse_code take_message(struct news *news)
{
    struct sl_parse *parse = news->parse;
    struct sl_span rest = sl_span_skip((struct sl_span){ parse->data, parse->len }, parse->cursor);
    uint32_t body_len = 0, off;
    const char *want;
    while (rest.len != 0 && (rest.data[0] <= ' ' || rest.data[0] == 0x7f))
        rest = sl_span_skip(rest, 1);
    if (rest.len == 0)
        return SL_PARSE_END;
    uint32_t start = parse->len - rest.len, head = read_begin(rest, &body_len, &off, &want);
    if (head == 0) {
        enum sl_parse_code code = off < 2 && off < rest.len ? SL_PARSE_BAD_FRAME : SL_PARSE_BAD_HEADER;
        return sl_reject(parse, off == rest.len ? SL_PARSE_CUT : code, start + off, want);
    }
    if (body_len > rest.len - head || rest.len - head - body_len < 6)
        return sl_reject(parse, SL_PARSE_CUT, parse->len, "as many bytes as the body's length says, and 10=");
    news->body = sl_span_head(sl_span_skip(rest, head), body_len);
    return take_trailer(news, rest, head + body_len, start + off);
}

/* Behind the begin of a message; true when its urgency was found. */
static bool find_urgency(struct sl_span head, uint8_t *urgency)
{
    for (uint32_t i = 0; i + 5 <= head.len; i++) {
        if (head.data[i] == SOH && memcmp(head.data + i, "\00161=", 4) == 0) {
            *urgency = head.data[i + 4];
            return true;
        }
    }
    return false;
}

/* 0 normal, 1 flash, 2 background. */
static unsigned urgency_of(uint8_t letter)
{
    switch (letter) {
    case '0':
        return 5;
    case '1':
        return 1;
    case '2':
        return 8;
    default:
        return 0;
    }
}

static int recognize(const uint8_t *data, uint32_t len)
{
    uint32_t body_len, off;
    const char *want;
    struct sl_span rest = sl_span_skip_white((struct sl_span){ data, len });
    return read_begin(rest, &body_len, &off, &want) != 0 ? 99 : 0;
}

static unsigned peek_urgency(const uint8_t *data, uint32_t len)
{
    uint8_t urgency;
    struct sl_span head = { data, len < PEEK_MAX ? len : PEEK_MAX };
    return find_urgency(head, &urgency) ? urgency_of(urgency) : 0;
}

/* ---- words ---- */

static struct sl_ref put(struct news *news, struct sl_span span)
{
    sl_out_open(news->out);
    sl_text_put_line(news->out, news->charset, span.data, span.len, &news->parse->text);
    return sl_out_close(news->out);
}

static struct sl_ref put_word(struct news *news, const char *word)
{
    return sl_out_ref(news->out, word, (uint32_t)strlen(word));
}

static void say(struct news *news, enum sl_text text, struct sl_span span)
{
    sl_out_set(news->out, text, put(news, span));
}

/* Can we read it?  A label that nobody knows may stand on UTF-8 all the same. */
static bool can_read(const struct news *news, struct sl_span encoded)
{
    if (encoded.len == 0)
        return false;
    return news->is_encoding_known ||
           (!memchr(encoded.data, ESC, encoded.len) && sl_utf8_prefix(encoded.data, encoded.len) == encoded.len);
}

static enum sl_charset charset_of(const struct news *news, struct sl_span encoded)
{
    uint32_t bom_len;
    return sl_charset_guess(encoded.data, encoded.len, news->encoded, &bom_len);
}

/* ---- instruments ---- */

/* SecurityIDSource, tag 22. */
static const char *id_type(struct sl_span source)
{
    static const char *const digits[] = { "",    "cusip",    "sedol",   "quik",     "isin",
                                          "ric", "currency", "country", "exchange", "cta" };
    static const struct {
        char letter;
        const char *type;
    } letters[] = {
        {'A',  "bloomberg"    },
        { 'B', "wertpapier"   },
        { 'C', "dutch"        },
        { 'D', "valoren"      },
        { 'E', "sicovam"      },
        { 'F', "belgian"      },
        { 'G', "common"       },
        { 'H', "clearinghouse"},
        { 'J', "opra"         },
        { 'M', "marketplace"  },
        { 'S', "figi"         },
        { 'U', "synthetic"    },
        { 'V', "bloomberg"    },
        { 'W', "index"        },
    };
    if (source.len != 1)
        return "";
    if (sl_is_digit(source.data[0]))
        return digits[source.data[0] - '0'];
    for (size_t i = 0; i < sizeof(letters) / sizeof(*letters); i++) {
        if (letters[i].letter == (char)source.data[0])
            return letters[i].type;
    }
    return "";
}

static void say_symbol(struct news *news, const char *type, struct sl_ref symbol)
{
    static const struct sl_ref none;
    struct sl_out *out = news->out;
    struct sl_ref exchange = put(news, news->instrument.exchange);
    sl_out_item(out, SL_LIST_SYMBOLS, exchange, put_word(news, type), symbol, none);
    if (news->instrument.issuer.len != 0)
        sl_out_item(out, SL_LIST_ORGANISATIONS, none, none, put(news, news->instrument.issuer), symbol);
}

/* "BRK" and its suffix "A" are one symbol; "[N/A]" says that there is none. */
static void end_instrument(struct news *news)
{
    struct instrument *instrument = &news->instrument;
    if (instrument->symbol.len != 0 && !sl_span_is(instrument->symbol, "[N/A]") &&
        !sl_span_is(instrument->symbol, "N/A")) {
        sl_out_open(news->out);
        sl_text_put_line(news->out, news->charset, instrument->symbol.data, instrument->symbol.len, &news->parse->text);
        if (instrument->suffix.len != 0)
            sl_out_putc(news->out, '.');
        sl_text_put_line(news->out, news->charset, instrument->suffix.data, instrument->suffix.len, &news->parse->text);
        say_symbol(news, "ticker", sl_out_close(news->out));
    }
    if (instrument->id.len != 0)
        say_symbol(news, id_type(instrument->source), put(news, instrument->id));
    *instrument = (struct instrument){ .exchange = instrument->exchange };
}

/* Another name of the same instrument (455), its underlying (311, 309) or leg (600, 602): each begins with its own
 * first field, and what was before it is said. */
static bool take_instrument(struct news *news, const struct field *field)
{
    struct instrument *instrument = &news->instrument;
    switch (field->tag) {
    case 46:
    case 55:
    case 311:
    case 600:
        end_instrument(news);
        instrument->exchange = (struct sl_span){ NULL, 0 };
        instrument->symbol = field->value;
        return true;
    case 65:
    case 312:
    case 601:
        instrument->suffix = field->value;
        return true;
    case 48:
    case 309:
    case 455:
    case 602:
        if (instrument->id.len != 0)
            end_instrument(news);
        instrument->id = field->value;
        return true;
    case 22:
    case 305:
    case 456:
    case 603:
        instrument->source = field->value;
        return true;
    case 207:
    case 308:
    case 616:
        instrument->exchange = field->value;
        return true;
    case 106:
        instrument->issuer = field->value;
        return true;
    default:
        return false;
    }
}

/* ---- references ---- */

static void say_association(struct news *news, const char *rel, struct sl_span id, struct sl_span href)
{
    static const struct sl_ref none;
    struct sl_ref rel_ref = put_word(news, rel), id_ref = put(news, id);
    sl_out_item(news->out, SL_LIST_ASSOCIATIONS, rel_ref, id_ref, put(news, href), none);
}

static void take_reference(struct news *news, struct sl_span type)
{
    static const struct sl_ref none;
    static const struct sl_span nothing;
    struct sl_out *out = news->out;
    bool replaces = sl_span_is(type, "0"), withdraws = sl_span_is(type, "3");
    if (news->ref.len == 0)
        return;
    if (replaces || withdraws) {
        struct sl_ref id = put(news, news->ref), what = put_word(news, withdraws ? "kill" : "replace");
        sl_out_item(out, SL_LIST_REFERENCES, what, id, none, none);
        sl_out_set(out, SL_TEXT_EVOLVED_FROM, id);
        news->ref_what = withdraws || news->ref_what == NULL ? (withdraws ? "kill" : "update") : news->ref_what;
    } else {
        say_association(news, sl_span_is(type, "1") ? "translation" : "related", news->ref, nothing);
    }
    news->ref = nothing;
}

/* ---- the message's facts ---- */

static void take_text(struct news *news, const struct field *field)
{
    news->line_cnt++;
    news->long_cnt += field->value.len > LINE_WRAPPED_MAX && !memchr(field->value.data, '\n', field->value.len);
    if (field->tag == 58)
        news->ascii_cnt++;
    else if (can_read(news, field->value))
        news->read_cnt++;
    else
        news->unread_cnt++;
}

/* Fields that say one thing, once. */
static struct sl_span *place_of(struct news *news, uint32_t tag)
{
    switch (tag) {
    case 34:
        return &news->number;
    case 42:
        return &news->written;
    case 49:
        return &news->sender;
    case 52:
        return &news->sent;
    case 56:
        return &news->target;
    case 61:
        return &news->urgency;
    case 96:
        return &news->raw;
    case 115:
        return &news->behalf;
    case 122:
        return &news->first_sent;
    case 148:
        return &news->headline;
    case 149:
        return &news->url;
    case 347:
        return &news->encoding;
    case 359:
        return &news->encoded_headline;
    case 1180:
        return &news->appl;
    case 1181:
        return &news->appl_number;
    case 1472:
        return &news->id;
    case 1473:
        return &news->category;
    case 1474:
        return &news->language;
    default:
        return NULL;
    }
}

static void take_field(struct news *news, const struct field *field)
{
    struct sl_span *place = place_of(news, field->tag);
    if (place) {
        *place = field->value;
    } else if (field->tag == 58 || field->tag == 355) {
        take_text(news, field);
    } else if (field->tag == 1476) {
        take_reference(news, (struct sl_span){ NULL, 0 });
        news->ref = field->value;
    } else if (field->tag == 1477) {
        take_reference(news, field->value);
    } else if (field->tag == 893) {
        news->is_fragment = sl_span_is(field->value, "N");
    } else {
        take_instrument(news, field);
    }
    if (field->tag == 347) {
        news->encoded = sl_charset_named((const char *)field->value.data, field->value.len);
        news->is_encoding_known = news->encoded != SL_CHARSET_UNKNOWN && !sl_charset_is_wide(news->encoded);
    }
}

static enum sl_parse_code take_fields(struct news *news)
{
    struct reader reader = { .rest = news->body };
    struct field field;
    while (reader.rest.len != 0) {
        if (!next_field(&reader, &field))
            return sl_reject(news->parse, SL_PARSE_BAD_TEXT, (uint32_t)(reader.rest.data - news->parse->data),
                             "TAG=, the next field");
        take_field(news, &field);
    }
    end_instrument(news);
    take_reference(news, (struct sl_span){ NULL, 0 });
    if (reader.mended)
        sl_out_note(news->out, "a data field has another length than it says: taken up to the next SOH");
    return SL_PARSE_OK;
}

/* ---- time and identity ---- */

/* 20240924-21:07:35.773537: ISO 8601 but for the dash. */
static bool read_time(struct sl_span time, int64_t *ns)
{
    uint8_t iso[40];
    enum sl_date_zone given;
    if (time.len < 17 || time.len > sizeof(iso) || time.data[8] != '-')
        return false;
    memcpy(iso, time.data, time.len);
    iso[8] = 'T';
    return sl_date_iso(iso, time.len, NULL, ns, &given);
}

static void say_time(struct news *news, int64_t *first_sent_ns)
{
    struct sl_bulletin *root = sl_out_root(news->out);
    int64_t sent_ns;
    *first_sent_ns = SL_TIME_NONE;
    if (read_time(news->first_sent, &sent_ns) || read_time(news->sent, &sent_ns))
        *first_sent_ns = sent_ns;
    if (!read_time(news->written, &root->version_created))
        root->version_created = *first_sent_ns;
}

static void put_part(struct news *news, struct sl_span part)
{
    sl_text_put_line(news->out, news->charset, part.data, part.len, &news->parse->text);
    sl_out_putc(news->out, ':');
}

static void put_day(struct sl_out *out, int64_t ns)
{
    struct sl_civil day;
    sl_civil_from_s(&day, ns / SL_TIME_NS);
    char text[] = { (char)('0' + day.year / 1000 % 10),
                    (char)('0' + day.year / 100 % 10),
                    (char)('0' + day.year / 10 % 10),
                    (char)('0' + day.year % 10),
                    '-',
                    (char)('0' + day.month / 10),
                    (char)('0' + day.month % 10),
                    '-',
                    (char)('0' + day.day / 10),
                    (char)('0' + day.day % 10) };
    sl_out_put(out, text, sizeof(text));
}

static void make_id(struct news *news, int64_t first_sent_ns)
{
    struct sl_out *out = news->out;
    struct sl_bulletin *root = sl_out_root(out);
    root->flags |= SL_BULLETIN_ID_MADE;
    if (first_sent_ns == SL_TIME_NONE) {
        root->flags |= SL_BULLETIN_DATE_COMPLETED;
        sl_out_note(out, "the id's day is the arrival's");
        first_sent_ns = news->parse->arrival_ns;
    }
    sl_out_open(out);
    if (news->appl_number.len != 0) {
        put_part(news, news->appl);
        put_part(news, news->appl_number);
    } else {
        put_part(news, news->sender);
        put_part(news, news->target);
        put_part(news, news->number);
    }
    put_day(out, first_sent_ns);
    sl_out_set(out, SL_TEXT_ID, sl_out_close(out));
}

static void say_identity(struct news *news)
{
    int64_t first_sent_ns;
    say_time(news, &first_sent_ns);
    if (news->id.len != 0)
        say(news, SL_TEXT_ID, news->id);
    if (sl_out_get(news->out, SL_TEXT_ID).len == 0)
        make_id(news, first_sent_ns);
    say(news, SL_TEXT_PROVIDER, news->behalf.len != 0 ? news->behalf : news->sender);
    if (news->behalf.len != 0)
        say(news, SL_TEXT_CREDIT, news->sender);
    say(news, SL_TEXT_LANGUAGE, news->language);
    say(news, SL_TEXT_SOURCE_NUMBER, news->number);
    /* MsgSeqNum counts heartbeats too, so a hole in it is no missing news; ApplSeqNum counts news. */
    uint32_t number;
    if (read_number(news->appl_number, &number))
        sl_out_root(news->out)->number = number;
}

/* ---- headline and body ---- */

static void say_headline(struct news *news)
{
    static const struct sl_ref none;
    struct sl_out *out = news->out;
    if (!can_read(news, news->encoded_headline)) {
        say(news, SL_TEXT_HEADLINE, news->headline);
        if (news->headline.len != 0 || news->encoded_headline.len == 0)
            return;
        sl_out_open(out);
        sl_wording_put_ascii(out, news->encoded_headline, &news->parse->text);
        sl_out_set(out, SL_TEXT_HEADLINE, sl_out_close(out));
        return;
    }
    sl_out_open(out);
    sl_text_put_line(out, charset_of(news, news->encoded_headline), news->encoded_headline.data,
                     news->encoded_headline.len, &news->parse->text);
    sl_out_set(out, SL_TEXT_HEADLINE, sl_out_close(out));
    if (news->headline.len != 0)
        sl_out_item(out, SL_LIST_HEADLINES, none, put_word(news, "ascii"), put(news, news->headline), none);
}

static void put_lines(struct sl_para *para, enum sl_charset charset, struct sl_span text)
{
    struct sl_span line;
    para->charset = charset;
    while (sl_line_next(&text, &line)) {
        if (sl_span_trim(line).len == 0)
            sl_para_line(para, sl_span_head(line, 0));
        else
            sl_para_line(para, line);
    }
}

/* All lines of text, in one of their two forms: the encoded one where there is one that we can read, or the ASCII. */
static struct sl_ref put_body(struct news *news, bool want_encoded)
{
    struct reader reader = { .rest = news->body };
    struct field field, ascii = { .tag = 0 };
    struct sl_para para;
    sl_out_open(news->out);
    sl_para_begin(&para, news->out, news->charset, &news->parse->text);
    para.keep_lines = news->keep_lines;
    while (next_field(&reader, &field)) {
        bool is_read = want_encoded && field.tag == 355 && can_read(news, field.value);
        if (is_read)
            put_lines(&para, charset_of(news, field.value), field.value);
        if (field.tag == 58 && ascii.tag != 0)
            put_lines(&para, news->charset, ascii.value);
        if (field.tag == 58)
            ascii = field;
        else if (is_read)
            ascii.tag = 0; /* it said the same */
    }
    if (ascii.tag != 0)
        put_lines(&para, news->charset, ascii.value);
    sl_para_end(&para);
    return sl_out_close(news->out);
}

/* Encoded lines that nobody can read, and no ASCII beside them. */
static struct sl_ref put_ascii_body(struct news *news)
{
    struct reader reader = { .rest = news->body };
    struct field field;
    sl_out_open(news->out);
    while (next_field(&reader, &field)) {
        if (field.tag != 355)
            continue;
        if (sl_out_opened(news->out).len != 0)
            sl_out_putc(news->out, '\n');
        sl_wording_put_ascii(news->out, field.value, &news->parse->text);
    }
    return sl_out_close(news->out);
}

/* Raw data is the story where there is no text and it is one. */
static void say_raw(struct news *news)
{
    struct sl_para para;
    if (news->raw.len == 0)
        return;
    if (news->line_cnt != 0 || sl_text_prefix(news->raw.data, news->raw.len) != news->raw.len) {
        sl_out_note(news->out, "raw data stays in the message");
        return;
    }
    sl_out_open(news->out);
    sl_para_begin(&para, news->out, SL_CHARSET_UTF8, &news->parse->text);
    put_lines(&para, SL_CHARSET_UTF8, news->raw);
    sl_para_end(&para);
    sl_out_set(news->out, SL_TEXT_BODY, sl_out_close(news->out));
}

static void say_body(struct news *news)
{
    static const struct sl_ref none;
    struct sl_out *out = news->out;
    news->keep_lines = news->long_cnt * 4 > news->line_cnt;
    if (news->line_cnt != 0 && news->ascii_cnt == 0 && news->read_cnt == 0)
        sl_out_set(out, SL_TEXT_BODY, put_ascii_body(news));
    else if (news->line_cnt != 0)
        sl_out_set(out, SL_TEXT_BODY, put_body(news, news->read_cnt != 0));
    if (news->read_cnt != 0 && news->ascii_cnt != 0)
        sl_out_item(out, SL_LIST_BODIES, none, put_word(news, "ascii"), put_body(news, false), none);
    say_raw(news);
    bool is_headline_read = news->encoded_headline.len == 0 || can_read(news, news->encoded_headline);
    if (news->unread_cnt != 0 || !is_headline_read)
        sl_out_note(out, "encoded text in a character set that is not known: its ASCII is all that was taken");
}

/* ---- the rest ---- */

static void say_category(struct news *news)
{
    static const struct {
        const char *code, *name;
    } names[] = {
        {"0",   "Company news"         },
        { "1",  "Marketplace news"     },
        { "2",  "Financial market news"},
        { "3",  "Technical news"       },
        { "99", "Other news"           },
    };
    static const struct sl_ref none;
    if (news->category.len == 0)
        return;
    struct sl_ref code = put(news, news->category);
    sl_out_item(news->out, SL_LIST_CATEGORIES, code, none, none, none);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (sl_span_is(news->category, names[i].code)) {
            struct sl_ref scheme = put_word(news, "fix1473"), name = put_word(news, names[i].name);
            sl_out_item(news->out, SL_LIST_SUBJECTS, scheme, code, name, none);
        }
    }
}

static void say_state(struct news *news)
{
    struct sl_bulletin *root = sl_out_root(news->out);
    struct sl_story story = { .parse = news->parse,
                              .out = news->out,
                              .charset = news->charset,
                              .zone = sl_parse_zone(news->parse, NULL),
                              .time_ns = root->version_created };
    if (root->version_created == SL_TIME_NONE)
        story.time_ns = news->parse->arrival_ns;
    sl_story_weigh_embargo(&story, news->headline, false);
    if (news->ref_what)
        sl_story_note_label(&story, sl_span_of((struct sl_slice){ news->ref_what, (uint32_t)strlen(news->ref_what) }));
    sl_wording_say_kind(&story);
    say(news, SL_TEXT_PRIORITY_RAW, news->urgency);
    if (news->urgency.len == 1)
        root->urgency = (uint8_t)urgency_of(news->urgency.data[0]);
}

static void say_news(struct news *news)
{
    static const struct sl_span nothing;
    const char *name = sl_charset_name(news->is_encoding_known ? news->encoded : news->charset);
    sl_out_text(news->out, SL_TEXT_SOURCE_CHARSET, name, (uint32_t)strlen(name));
    say_identity(news);
    say_headline(news);
    say_body(news);
    sl_wording_first_words(news->out);
    sl_wording_dateline(news->out);
    say_category(news);
    if (news->url.len != 0)
        say_association(news, "link", nothing, news->url);
    if (news->is_fragment)
        sl_out_note(news->out, "more fragments of this message follow");
    say_state(news);
}

static enum sl_parse_code next(struct sl_parse *parse)
{
    for (;;) {
        struct news news = { .parse = parse, .out = &parse->out };
        struct field type;
        enum sl_parse_code code = take_message(&news);
        if (code != SL_PARSE_OK)
            return code;
        struct reader reader = { .rest = news.body };
        if (!next_field(&reader, &type) || type.tag != 35)
            return sl_reject(parse, SL_PARSE_BAD_HEADER, (uint32_t)(news.body.data - parse->data),
                             "35=, the message's type");
        if (!sl_span_is(type.value, "B") || type.value.data[0] != 'B')
            continue;
        uint32_t bom_len;
        news.charset = sl_charset_guess(news.body.data, news.body.len, parse->feed->charset, &bom_len);
        code = take_fields(&news);
        if (code == SL_PARSE_OK)
            say_news(&news);
        return code;
    }
}

const struct sl_format sl_format_fixnews = {
    .id = SL_FORMAT_FIXNEWS,
    .name = "fixnews",
    .source = "FIX 4.0 to 5.0 SP2, News (35=B)",
    .recognize = recognize,
    .peek_urgency = peek_urgency,
    .next = next,
};
