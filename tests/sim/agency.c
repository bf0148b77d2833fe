#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX 16384u
#define LINE_MAX  60u

/* A service of its own for each feed, and the agency's own counter, which runs 3,000 ahead. */
const char *const service_of_feed[FEEDS_MAX] = { "xaa", "xab", "xac", "xad" };
static const char *const agency_of_feed[FEEDS_MAX] = { "qaa", "qab", "qac", "qad" };

static const char *const words[] = {
    "harbour", "bridge", "council", "river",  "market",  "ferry",  "morning", "station", "engineers",
    "orchard", "winter", "railway", "museum", "valley",  "copper", "timber",  "island",  "library",
    "concert", "quarry", "meadow",  "tunnel", "glacier", "canal",  "depot",   "lantern",
};

void violated(struct sim *sim, const char *format, ...)
{
    va_list args;
    if (sim->fault[0])
        return;
    va_start(args, format);
    vsnprintf(sim->fault, sizeof(sim->fault), format, args);
    va_end(args);
}

void open_agency(struct sim *sim, uint32_t sent_max)
{
    sim->agency.sent = calloc(sent_max, sizeof(*sim->agency.sent));
    sim->agency.sent_max = sent_max;
}

void close_agency(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->agency.sent_cnt; i++) {
        free(sim->agency.sent[i]->body);
        free(sim->agency.sent[i]->bytes);
        free(sim->agency.sent[i]);
    }
    free(sim->agency.sent);
}

/* ---- text: the same words once as they go out, wrapped, and once as they must come out ---- */

struct text {
    char wire[BYTES_MAX], plain[BYTES_MAX];
    uint32_t wire_len, plain_len, column;
};

static void put_word(struct text *text, const char *word)
{
    uint32_t len = (uint32_t)strlen(word);
    if (text->column && text->column + 1 + len > LINE_MAX) {
        memcpy(text->wire + text->wire_len, "\r\n", 2);
        text->wire_len += 2;
        text->column = 0;
        text->plain[text->plain_len++] = ' ';
    } else if (text->column) {
        text->wire[text->wire_len++] = ' ';
        text->plain[text->plain_len++] = ' ';
        text->column++;
    }
    memcpy(text->wire + text->wire_len, word, len);
    memcpy(text->plain + text->plain_len, word, len);
    text->wire_len += len;
    text->plain_len += len;
    text->column += len;
}

static void end_paragraph(struct text *text, bool last)
{
    memcpy(text->wire + text->wire_len, ".\r\n\r\n", 5);
    text->wire_len += 5;
    text->plain[text->plain_len++] = '.';
    if (!last) {
        memcpy(text->plain + text->plain_len, "\n\n", 2);
        text->plain_len += 2;
    }
    text->column = 0;
}

static void write_text(struct sim *sim, const struct sent *sent, struct text *text)
{
    struct dice *dice = &sim->dice;
    char word[32];
    uint32_t longest = chance(dice, 4) ? 300 : chance(dice, 20) ? 60 : 15, paragraphs = between(dice, 1, 3);
    *text = (struct text){ .wire_len = 0 };
    for (uint32_t p = 0; p < paragraphs; p++) {
        snprintf(word, sizeof(word), p ? "So" : "mark%ux", sent->idx);
        put_word(text, word);
        for (uint32_t i = between(dice, 2, longest); i; i--)
            put_word(text, words[below(dice, sizeof(words) / sizeof(words[0]))]);
        end_paragraph(text, p + 1 == paragraphs);
    }
}

/* ---- messages ---- */

static uint16_t earlier_number(struct sim *sim, uint16_t feed)
{
    uint32_t next = sim->agency.next_number[feed], back = next < 12 ? next : 12;
    return (uint16_t)(next - between(&sim->dice, 1, back));
}

static void choose_kind(struct sim *sim, struct sent *sent)
{
    struct dice *dice = &sim->dice;
    uint32_t *next = &sim->agency.next_number[sent->feed];
    uint32_t die = below(dice, 100);
    static const uint8_t urgencies[] = { 1, 2, 2, 3, 4, 4, 4, 5, 6, 6, 6, 8 };
    sent->urgency = urgencies[below(dice, sizeof(urgencies))];
    /* The same number again: another text for a story that is out, or the word that frees one that is held. */
    bool again = *next && (die < 4 || (die >= 12 && die < 15));
    sent->number = again ? earlier_number(sim, sent->feed) : (uint16_t)(*next)++;
    if (die < 12 && die >= 8 && *next > 1) {
        sent->said = SAID_KILL;
        sent->kills = earlier_number(sim, sent->feed);
    } else if (die >= 12 && die < 15) {
        sent->said = SAID_RELEASE;
    } else if (die >= 15 && die < 25) {
        sent->said = SAID_EMBARGO;
        sent->until_ns = sim->now_ns / (60 * SL_TIME_NS) * 60 * SL_TIME_NS + between(dice, 0, 3) * 60 * SL_TIME_NS;
    } else if (die >= 25 && die < 28) {
        sent->said = SAID_HOLD;
    }
}

static void write_label(const struct sent *sent, char *label, size_t len)
{
    struct sl_civil until;
    label[0] = '\0';
    switch (sent->said) {
    case SAID_NEWS:
        break;
    case SAID_KILL:
        snprintf(label, len, "KILL KILL KILL\r\n");
        break;
    case SAID_EMBARGO:
        sl_civil_from_s(&until, sent->until_ns / SL_TIME_NS);
        snprintf(label, len, "(Embargo %u July %02u.%02u GMT)\r\n", until.day, until.hour, until.minute);
        break;
    case SAID_HOLD:
        snprintf(label, len, "(HOLD)\r\n");
        break;
    case SAID_RELEASE:
        snprintf(label, len, "(Embargo lifted)\r\n");
        break;
    }
}

static void write_bytes(struct sim *sim, struct sent *sent, const struct text *text)
{
    struct sl_civil now;
    char label[64], kills[64] = "", dateline[32] = "";
    const char *service = service_of_feed[sent->feed], *agency = agency_of_feed[sent->feed];
    write_label(sent, label, sizeof(label));
    if (sent->said == SAID_KILL) {
        bool by_agency = chance(&sim->dice, 50);
        snprintf(kills, sizeof(kills), "Item %s %04u is wrong.\r\n\r\n", by_agency ? agency : service,
                 sent->kills + (by_agency ? 3000u : 0u));
    }
    if (sent->said == SAID_NEWS)
        snprintf(dateline, sizeof(dateline), "Port Example (%s) - ", agency);
    sl_civil_from_s(&now, sim->now_ns / SL_TIME_NS);
    sent->bytes = malloc(BYTES_MAX * 2);
    sent->len = (uint32_t)snprintf((char *)sent->bytes, BYTES_MAX * 2,
                                   "\x01%s%04u %u i 12  %s %04u\r\n\r\nHarbour/\r\n\x02%sHarbour talks go on =\r\n\r\n"
                                   "%s%s%.*s\x03%02u%02u%02u GMT Jul 24\r\n\x7f\r\n\x7f\x04",
                                   service, sent->number, sent->urgency, agency, sent->number + 3000u, label, kills,
                                   dateline, (int)text->wire_len, text->wire, now.day, now.hour, now.minute);
    sent->bytes = realloc(sent->bytes, sent->len);
    sent->body_len = (uint32_t)strlen(kills) + text->plain_len;
    sent->body = malloc(sent->body_len + 1);
    uint32_t at = 0;
    if (kills[0]) {
        at = (uint32_t)strlen(kills) - 4;
        memcpy(sent->body, kills, at);
        memcpy(sent->body + at, "\n\n", 2);
        at += 2;
    }
    memcpy(sent->body + at, text->plain, text->plain_len);
    sent->body_len = at + text->plain_len;
}

struct sent *write_message(struct sim *sim)
{
    struct agency *agency = &sim->agency;
    static struct text text; /* long for a stack; one thread */
    if (agency->sent_cnt == agency->sent_max)
        return NULL;
    struct sent *sent = calloc(1, sizeof(*sent));
    sent->idx = agency->sent_cnt;
    sent->feed = (uint16_t)below(&sim->dice, sim->world.feed_cnt);
    choose_kind(sim, sent);
    write_text(sim, sent, &text);
    write_bytes(sim, sent, &text);
    agency->sent[agency->sent_cnt++] = sent;
    happened(sim, HAPPENED_MESSAGE, 1);
    return sent;
}

struct sent *find_sent(struct sim *sim, const void *text, size_t len)
{
    const char *mark = memmem(text, len, "mark", 4);
    const char *end = (const char *)text + len;
    uint64_t idx = 0;
    if (!mark)
        return NULL;
    for (mark += 4; mark < end && *mark >= '0' && *mark <= '9' && idx < 1000000; mark++)
        idx = idx * 10 + (uint64_t)(*mark - '0');
    /* A cut message may end in its mark. */
    return mark < end && *mark == 'x' && idx < sim->agency.sent_cnt ? sim->agency.sent[idx] : NULL;
}
