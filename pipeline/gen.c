#include "pipeline/gen.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SERVICE_DEFAULT     "syn"
#define NUMBERS_PER_SERVICE 1000000u /* the header's number has six digits; then the service's last letter moves on */
#define FURNITURE_MAX                                                                                                  \
    460u /* header, keywords, head, notebook and trailer together, which the body's room is reckoned from */
#define NOISE_MAX          48u
#define NITF_FURNITURE_MAX 900u
_Static_assert(NITF_FURNITURE_MAX + NOISE_MAX <= SL_GEN_NITF_SIZE_MIN, "and so has the shortest in NITF");
_Static_assert(FURNITURE_MAX + NOISE_MAX <= SL_GEN_SIZE_MIN, "the shortest message has room for a frame and noise");
#define LINE_COLUMNS 69u
#define PPM          1000000u
#define LOOK_BACK    64u /* how many messages an update, a correction or a kill may look back */

const char *sl_gen_error_name(unsigned error)
{
    static const char *const names[SL_GEN_ERROR_CNT] = { "", "garbage", "cut", "header", "control", "twice" };
    return error < SL_GEN_ERROR_CNT ? names[error] : "?";
}

/* ---- chance: splitmix64, which is small and good enough for text ---- */

static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static uint32_t below(uint64_t *state, uint32_t cnt) { return (uint32_t)((draw(state) >> 32) * cnt >> 32); }

static uint64_t chance_of(uint64_t seed, uint64_t number, uint64_t what)
{
    uint64_t state = seed ^ number * 0xd1342543de82ef95ull ^ what << 56;
    draw(&state);
    return state;
}

/* ---- words: 8-bit characters are Latin-1, as these lines have always sent them ---- */

#define COUNT(array)       ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define PICK(state, array) ((array)[below((state), COUNT(array))])

static const struct topic {
    const char *slug, *category, *subject;
} topics[] = {
    {"rates",      "ec", "interest rates"           },
    { "harbour",   "ec", "the new container harbour"},
    { "grain",     "fi", "the grain harvest"        },
    { "railways",  "i",  "night trains"             },
    { "power",     "ec", "the power grid"           },
    { "floods",    "i",  "flood barriers"           },
    { "budget",    "pl", "next year's budget"       },
    { "fisheries", "i",  "cod quotas"               },
    { "cycling",   "s",  "the mountain stage"       },
    { "football",  "s",  "the cup final"            },
    { "health",    "i",  "hospital waiting times"   },
    { "shipping",  "fi", "freight rates"            },
    { "oil",       "fi", "crude supplies"           },
    { "steel",     "ec", "steel tariffs"            },
    { "schools",   "pl", "smaller classes"          },
    { "weather",   "i",  "the first autumn storm"   },
    { "museum",    "ku", "the reopened museum"      },
    { "space",     "i",  "the weather satellite"    },
    { "telecoms",  "ec", "rural mobile coverage"    },
    { "wine",      "fi", "the late vintage"         },
};

static const char *const places[] = { "Berlin",   "Z\xfcrich", "K\xf6ln",  "Lisbon",      "Malm\xf6",
                                      "Trieste",  "Rotterdam", "Oslo",     "M\xfcnchen",  "Vienna",
                                      "\xc5rhus", "Genoa",     "Tallinn",  "Porto",       "San Jos\xe9",
                                      "Halifax",  "Durban",    "Auckland", "Montr\351al", "Cork" };
static const char *const actors[] = { "The ministry",
                                      "A majority of members",
                                      "The regional council",
                                      "The central bank",
                                      "Port workers",
                                      "The operator",
                                      "A group of small shareholders",
                                      "The trade association",
                                      "The court of auditors",
                                      "Researchers at the institute",
                                      "The city's transport office",
                                      "Two of the largest exporters",
                                      "The opposition",
                                      "Analysts in the district",
                                      "The harbour master's office",
                                      "The supervisory board" };
static const char *const verbs[] = { "said",           "announced",       "confirmed",           "told a hearing",
                                     "repeated",       "made clear",      "said in a statement", "conceded",
                                     "told reporters", "wrote to members" };
static const char *const claims[] = { "that the plan for %s would be put to a vote before the end of the month",
                                      "that figures for %s were better than had been feared in spring",
                                      "that the talks over %s had been adjourned without a result",
                                      "that spending on %s would rise by 3.5 per cent from January",
                                      "that nobody had expected so lively a debate about %s",
                                      "that a second report on %s would be published within days",
                                      "that costs for %s had doubled since the tender was opened",
                                      "that there was no reason to change course on %s",
                                      "that experts from five countries would look at %s again",
                                      "that work on %s would begin as soon as the ground had dried" };
static const char *const tails[] = { "on Monday",
                                     "late on Tuesday",
                                     "on Wednesday morning",
                                     "on Thursday",
                                     "after the close of trading",
                                     "at a meeting that lasted until midnight",
                                     "in its weekly report",
                                     "ahead of the summit",
                                     "for the second time this year",
                                     "one day after the deadline had passed" };
static const char *const sayings[] = {
    "\"We have counted everything twice, and the sum stays the same,\" a spokeswoman said.",
    "\"It is not done until it is done,\" a member of the committee said.",
    "Prices had moved little in early trade, dealers said, with volumes below the average of the past weeks.",
    "The paper runs to 214 pages and names 17 sites, among them two that had not been discussed before.",
    "A date for the next round has not been set, but both sides want to meet before the holidays.",
    "Neighbouring towns have asked for a say; letters from all of them arrived within a week.",
    "Heavy rain had closed two of the four roads, and the ferry ran every other hour only.",
    "The caf\xe9 opposite the town hall, the \"Gr\xfcne B\xe4r\", served breakfast until the vote was over.",
    "Compared with the year before, the index gained 0.4 points to 101.7, the statistics office said.",
    "Critics call the model a stopgap; its authors point to the pilot, which ended with a surplus."
};
static const char *const outcomes[] = { "vote before month's end",   "talks adjourned without result",
                                        "figures beat forecast",     "second report due within days",
                                        "costs have doubled",        "council stays on course",
                                        "five countries look again", "work to begin" };

/* ---- paragraphs ---- */

struct text {
    char *data;
    uint32_t len, cap;
};

static void put(struct text *text, const char *data, uint32_t len)
{
    if (len > text->cap - text->len)
        len = text->cap - text->len;
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

static void put_word(struct text *text, const char *word) { put(text, word, (uint32_t)strlen(word)); }

static void put_digits(struct text *text, uint64_t number, uint32_t digits)
{
    char buf[20];
    for (uint32_t i = digits; i-- > 0; number /= 10)
        buf[i] = (char)('0' + number % 10);
    put(text, buf, digits);
}

static void put_sentence(struct text *text, uint64_t *random)
{
    char claim[160];

    if (below(random, 3) == 0) {
        put_word(text, PICK(random, sayings));
        return;
    }
    put_word(text, PICK(random, actors));
    put_word(text, " in ");
    put_word(text, PICK(random, places));
    put_word(text, " ");
    put_word(text, PICK(random, verbs));
    put_word(text, " ");
    put_word(text, PICK(random, tails));
    put_word(text, " ");
    const char *form = PICK(random, claims), *gap = strstr(form, "%s");
    snprintf(claim, sizeof(claim), "%.*s%s%s", (int)(gap - form), form, PICK(random, topics).subject, gap + 2);
    put_word(text, claim);
    put_word(text, ".");
}

/* Breaks prose at blanks, as typists and their machines did. */
static void put_wrapped(struct text *text, const char *prose, uint32_t len)
{
    uint32_t column = 3;

    put_word(text, "   ");
    for (uint32_t at = 0; at < len;) {
        const char *blank = memchr(prose + at, ' ', len - at);
        uint32_t word_len = blank ? (uint32_t)(blank - prose) - at : len - at;
        if (column + word_len + 1 > LINE_COLUMNS) {
            put_word(text, "\r\n");
            column = 0;
        } else if (at) {
            put_word(text, " ");
            column++;
        }
        put(text, prose + at, word_len);
        column += word_len;
        at += word_len + 1;
    }
    put_word(text, "\r\n\r\n");
}

static void put_table(struct text *text, uint64_t *random)
{
    char row[80];

    put_word(text, "Market         Last     Change   Volume\r\n");
    for (uint32_t i = 0; i < 6; i++) {
        snprintf(row, sizeof(row), "%-12s   %5u.%u   %+3d.%u   %6u\r\n", PICK(random, places), 80 + below(random, 900),
                 below(random, 10), (int)below(random, 19) - 9, below(random, 10), 1000 + below(random, 90000));
        put_word(text, row);
    }
    put_word(text, "\r\n");
}

static void put_nitf_table(struct text *text, uint64_t *random)
{
    char row[128];

    put_word(text, "<table>");
    for (uint32_t i = 0; i < 6; i++) {
        snprintf(row, sizeof(row), "<tr><td>%s</td><td>%u.%u</td><td>%u</td></tr>", PICK(random, places),
                 80 + below(random, 900), below(random, 10), 1000 + below(random, 90000));
        put_word(text, row);
    }
    put_word(text, "</table>\n");
}

/* A line of its own, so that a body that ends at a line's end ends behind a whole element. */
static void put_element(struct text *text, const char *prose, uint32_t len)
{
    put_word(text, "<p>");
    put(text, prose, len);
    put_word(text, "</p>\n");
}

static void make_paragraph(struct text *text, unsigned format, uint64_t *random)
{
    char prose[SL_GEN_PARAGRAPH_MAX - 64];
    struct text sentences = { .data = prose, .cap = sizeof(prose) };
    bool is_nitf = format == SL_FORMAT_NITF;

    if (below(random, 32) == 0) {
        if (is_nitf)
            put_nitf_table(text, random);
        else
            put_table(text, random);
        return;
    }
    uint32_t cnt = 1 + below(random, 3);
    for (uint32_t i = 0; i < cnt; i++) {
        if (i)
            put_word(&sentences, " ");
        put_sentence(&sentences, random);
    }
    if (is_nitf)
        put_element(text, prose, sentences.len);
    else
        put_wrapped(text, prose, sentences.len);
}

/* ---- a message ---- */

enum form { FORM_NEWS, FORM_LEAD, FORM_CORRECTION, FORM_KILL };

struct plan { /* what a number decides */
    uint64_t random;
    enum sl_lane lane;
    enum form form;
    uint64_t story; /* the number that it began with */
    uint32_t topic, place, outcome, size;
};

static enum sl_lane draw_lane(const struct sl_gen *gen, uint64_t *random)
{
    uint32_t at = below(random, gen->lane_sum);
    unsigned lane = 0;
    while (lane + 1 < SL_LANE_CNT && at >= gen->shape.lanes[lane])
        at -= gen->shape.lanes[lane++];
    return (enum sl_lane)lane;
}

/* Log-uniform in steps of a doubling: as many between 1 and 2 KiB as between 4 and 8. */
static uint32_t draw_size(const struct sl_gen *gen, uint64_t *random)
{
    uint32_t min = gen->shape.size_min, max = gen->shape.size_max, doublings = 0;
    while (min << (doublings + 1) <= max)
        doublings++;
    uint32_t low = min << below(random, doublings + 1);
    uint32_t high = 2 * low < max ? 2 * low : max;
    return low + below(random, high - low + 1);
}

static enum form draw_form(uint64_t number, enum sl_lane lane, uint64_t *random)
{
    uint32_t at = below(random, 1000);
    if (number <= LOOK_BACK || lane == SL_LANE_FLASH)
        return FORM_NEWS;
    if (at < 80)
        return FORM_LEAD;
    if (at < 90)
        return FORM_CORRECTION;
    return at < 92 ? FORM_KILL : FORM_NEWS;
}

static struct plan plan_message(const struct sl_gen *gen, uint64_t number)
{
    struct plan plan = { .random = chance_of(gen->seed, number, 1), .story = number };
    plan.lane = draw_lane(gen, &plan.random);
    plan.size = plan.lane == SL_LANE_FLASH ? gen->shape.size_min : draw_size(gen, &plan.random);
    plan.form = draw_form(number, plan.lane, &plan.random);
    if (plan.form != FORM_NEWS)
        plan.story = number - 1 - below(&plan.random, LOOK_BACK);
    /* All that belong to a story are about the same. */
    uint64_t story = chance_of(gen->seed, plan.story, 2);
    plan.topic = below(&story, COUNT(topics));
    plan.place = below(&story, COUNT(places));
    plan.outcome = below(&story, COUNT(outcomes));
    return plan;
}

static void put_name(struct text *text, const struct sl_gen *gen, uint64_t number)
{
    size_t len = strlen(gen->shape.service);
    char name[sizeof(gen->shape.service)];
    memcpy(name, gen->shape.service, len + 1);
    name[len - 1] = (char)('a' + (name[len - 1] - 'a' + number / NUMBERS_PER_SERVICE) % 26);
    put_word(text, name);
    put_digits(text, number % NUMBERS_PER_SERVICE, 6);
}

static char urgency_of(enum sl_lane lane, uint64_t *random)
{
    switch (lane) {
    case SL_LANE_FLASH:
        return '1';
    case SL_LANE_URGENT:
        return '2';
    case SL_LANE_NORMAL:
        return (char)('3' + below(random, 3));
    default:
        return (char)('6' + below(random, 3));
    }
}

static void put_header(struct text *text, const struct sl_gen *gen, struct plan *plan)
{
    char rest[64];
    char urgency = urgency_of(plan->lane, &plan->random);

    put_word(text, "\x01");
    put_name(text, gen, gen->number);
    int len = snprintf(rest, sizeof(rest), " %c %s %u   slg ", gen->error == SL_GEN_HEADER ? 'x' : urgency,
                       topics[plan->topic].category, plan->size / 6);
    put(text, rest, (uint32_t)len);
    put_digits(text, gen->number % NUMBERS_PER_SERVICE, 6);
    put_word(text, "\r\n\r\n");
    put_word(text, topics[plan->topic].slug);
    put_word(text, "/");
    put_word(text, places[plan->place]);
    put_word(text, "/\r\n\x02");
}

static void put_lead(struct text *text, struct plan *plan)
{
    put_word(text, "   ");
    put_word(text, places[plan->place]);
    put_word(text, " (slg) - The debate about ");
    put_word(text, topics[plan->topic].subject);
    put_word(text, " took a turn\r\n");
    put_word(text, PICK(&plan->random, tails));
    put_word(text, ".\r\n\r\n");
}

static void put_head(struct text *text, const struct sl_gen *gen, struct plan *plan)
{
    static const char *const labels[] = { "", "2ND LEAD\r\n", "CORRECTION\r\n", "KILL\r\n" };

    put_word(text, labels[plan->form]);
    put_word(text, places[plan->place]);
    put_word(text, " and ");
    put_word(text, topics[plan->topic].subject);
    put_word(text, ": ");
    put_word(text, outcomes[plan->outcome]);
    put_word(text, " =\r\n\r\n");
    if (plan->form == FORM_KILL) {
        put_word(text, "   Please kill item ");
        put_name(text, gen, plan->story);
        put_word(text, ". A substitute will not be sent.\r\n\r\n");
        return;
    }
    put_lead(text, plan);
}

/* Whole paragraphs, and of the last one whole lines, up to len. */
static void put_body(struct text *text, const struct sl_gen *gen, uint64_t *random, uint32_t len)
{
    uint32_t end = text->len + len < text->cap ? text->len + len : text->cap;

    while (text->len < end) {
        uint32_t idx = below(random, SL_GEN_PARAGRAPHS), room = end - text->len;
        const char *paragraph = gen->paragraphs[idx].text;
        uint32_t paragraph_len = gen->paragraphs[idx].len;
        if (paragraph_len <= room) {
            put(text, paragraph, paragraph_len);
            continue;
        }
        while (room && paragraph[room - 1] != '\n')
            room--;
        put(text, paragraph, room);
        return;
    }
}

static void set_trailer(struct sl_gen *gen)
{
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    int64_t minute = gen->due_ns / (60 * SL_TIME_NS);
    struct sl_civil civil;

    if (gen->trailer[0] && minute == gen->trailer_minute)
        return;
    sl_civil_from_s(&civil, minute * 60);
    snprintf(gen->trailer, sizeof(gen->trailer), "%02u%02u%02u GMT %s %02u", civil.day % 100u, civil.hour % 100u,
             civil.minute % 100u, months[(civil.month - 1u) % 12], (unsigned)civil.year % 100u);
    gen->trailer_minute = minute;
}

static void put_end(struct text *text, struct sl_gen *gen)
{
    put_word(text, "\r\n# slg NOTEBOOK\r\n\r\n## Note to editors\r\n- due ");
    put_digits(text, (uint64_t)gen->due_ns, 19);
    put_word(text, "\r\n\r\n\x03");
    set_trailer(gen);
    put_word(text, gen->trailer);
    put_word(text, "\r\n\x7f\r\n\x7f\x04");
}

/* ---- the same message in ANPA 1312 ---- */

/* All versions of a story have its keyword, which names the service and the number that it began with. */
static void put_keyword(struct text *text, const struct sl_gen *gen, const struct plan *plan)
{
    put_word(text, "BC-");
    put_name(text, gen, plan->story);
    put_word(text, "--");
    put_word(text, topics[plan->topic].slug);
}

static void put_anpa_head(struct text *text, const struct sl_gen *gen, struct plan *plan)
{
    static const char *const versions[] = { "", "Ld-Writethru", "Ld-Correction", "Ld-Kill" };
    static const char letters[SL_LANE_CNT] = { 'f', 'b', 'r', 'd' };
    struct sl_civil day;
    char line[96];

    sl_civil_from_s(&day, gen->due_ns / SL_TIME_NS);
    int len = snprintf(line, sizeof(line), "\x16\x16\x01S%05u\x1fslgen\r\n%c i\x13\x11 ",
                       (unsigned)(gen->number % 100000), gen->error == SL_GEN_HEADER ? '0' : letters[plan->lane]);
    put(text, line, (uint32_t)len);
    put_keyword(text, gen, plan);
    len = snprintf(line, sizeof(line), "   %02u-%02u %04u\r\n\x02^", day.month % 100u, day.day % 100u,
                   plan->size / 6 % 10000);
    put(text, line, (uint32_t)len);
    put_keyword(text, gen, plan);
    if (plan->form != FORM_NEWS) {
        len = snprintf(line, sizeof(line), ", %uth %s", (unsigned)(gen->number - plan->story), versions[plan->form]);
        put(text, line, (uint32_t)len);
    }
    len = snprintf(line, sizeof(line), ",%u<\r\n^", plan->lane == SL_LANE_FLASH ? 20 : plan->size / 6);
    put(text, line, (uint32_t)len);
    put_word(text, places[plan->place]);
    put_word(text, " and ");
    put_word(text, topics[plan->topic].subject);
    put_word(text, ": ");
    put_word(text, outcomes[plan->outcome]);
    put_word(text, "<\r\n^Eds: due ");
    put_digits(text, (uint64_t)gen->due_ns, 19);
    put_word(text, "<\r\n");
    if (plan->form == FORM_KILL) {
        put_word(text, "\t   Kill the story slugged ");
        put_keyword(text, gen, plan);
        put_word(text, ". A substitute will not be sent.\r\n");
        return;
    }
    put_lead(text, plan);
}

static void put_anpa_end(struct text *text, const struct sl_gen *gen)
{
    struct sl_civil now;
    char line[64];

    sl_civil_from_s(&now, gen->due_ns / SL_TIME_NS);
    int len = snprintf(line, sizeof(line), "\t   \x03slg-WF-%02u-%02u-%02u %02u%02uGMT<\r\n\x0c\r\n\x04",
                       now.month % 100u, now.day % 100u, (unsigned)now.year % 100u, now.hour % 100u, now.minute % 100u);
    put(text, line, (uint32_t)len);
}

/* ---- and in NITF ---- */

/* What it says of other items: a kill and a lead name the one that it began with, and so does a correction. */
static void put_nitf_docdata(struct text *text, const struct sl_gen *gen, struct plan *plan)
{
    char urgency = urgency_of(plan->lane, &plan->random);

    put_word(text, "<docdata management-status=\"");
    put_word(text, plan->form == FORM_KILL ? "canceled" : "usable");
    if (plan->form == FORM_KILL || plan->form == FORM_LEAD) {
        put_word(text, "\" management-doc-idref=\"");
        put_name(text, gen, plan->story);
    }
    put_word(text, "\">\n");
    if (plan->form == FORM_CORRECTION) {
        put_word(text, "<correction id-string=\"");
        put_name(text, gen, plan->story);
        put_word(text, "\"/>\n");
    }
    put_word(text, "<doc-id regsrc=\"slg\" id-string=\"");
    put_name(text, gen, gen->number);
    put_word(text, "\"/>\n<urgency ed-urg=\"");
    put(text, gen->error == SL_GEN_HEADER ? "x" : &urgency, 1);
    put_word(text, "\"/>\n<ed-msg info=\"due ");
    put_digits(text, (uint64_t)gen->due_ns, 19);
    put_word(text, "\"/>\n<du-key key=\"");
    put_word(text, topics[plan->topic].slug);
    put_word(text, "/");
    put_word(text, places[plan->place]);
    put_word(text, "\"/>\n");
}

static void put_nitf_head(struct text *text, const struct sl_gen *gen, struct plan *plan)
{
    struct sl_civil now;
    char date[80];

    sl_civil_from_s(&now, gen->due_ns / SL_TIME_NS);
    put_word(text, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<nitf>\n<head>\n");
    put_nitf_docdata(text, gen, plan);
    int len =
        snprintf(date, sizeof(date), "<date.issue norm=\"%04u%02u%02uT%02u%02u%02uZ\"/>\n", (unsigned)now.year % 10000u,
                 now.month % 100u, now.day % 100u, now.hour % 100u, now.minute % 100u, now.second % 100u);
    put(text, date, (uint32_t)len);
    put_word(text, "</docdata>\n</head>\n<body>\n<body.head><hedline><hl1>");
    put_word(text, places[plan->place]);
    put_word(text, " and ");
    put_word(text, topics[plan->topic].subject);
    put_word(text, ": ");
    put_word(text, outcomes[plan->outcome]);
    put_word(text, "</hl1></hedline></body.head>\n<body.content>\n");
    if (plan->form == FORM_KILL) {
        put_word(text, "<p>Please kill item ");
        put_name(text, gen, plan->story);
        put_word(text, ". A substitute will not be sent.</p>\n");
        return;
    }
    put_word(text, "<p>");
    put_lead(text, plan);
    put_word(text, "</p>\n");
}

/* ---- what is wrong with one ---- */

static void put_noise(struct text *text, uint64_t *random)
{
    uint32_t len = 1 + below(random, NOISE_MAX);
    for (uint32_t i = 0; i < len; i++) {
        char c = (char)(0x21 + below(random, 0x5e));
        put(text, &c, 1);
    }
}

static void sprinkle_controls(char *data, uint32_t len, uint64_t *random)
{
    static const char controls[] = { 0x07, 0x0b, 0x0e, 0x1b, 0x1c };
    for (uint32_t i = 0; len && i < 4; i++) {
        char *at = data + below(random, len);
        if ((unsigned char)*at > ' ')
            *at = controls[below(random, sizeof(controls))];
    }
}

static enum sl_gen_error draw_error(struct sl_gen *gen)
{
    uint64_t random = chance_of(gen->seed, gen->call_cnt, 3);
    uint32_t at = below(&random, PPM);

    for (unsigned error = SL_GEN_FINE + 1; error < SL_GEN_ERROR_CNT; error++) {
        if (at < gen->shape.error_ppm[error])
            return error == SL_GEN_TWICE && !gen->number ? SL_GEN_FINE : (enum sl_gen_error)error;
        at -= gen->shape.error_ppm[error];
    }
    return SL_GEN_FINE;
}

static void put_beginning(struct text *text, const struct sl_gen *gen, struct plan *plan)
{
    if (gen->shape.format == SL_FORMAT_NITF) {
        put_nitf_head(text, gen, plan);
    } else if (gen->shape.format == SL_FORMAT_ANPA1312) {
        put_anpa_head(text, gen, plan);
    } else {
        put_header(text, gen, plan);
        put_head(text, gen, plan);
    }
}

static void put_ending(struct text *text, struct sl_gen *gen)
{
    if (gen->shape.format == SL_FORMAT_NITF)
        put_word(text, "</body.content>\n</body>\n</nitf>\n");
    else if (gen->shape.format == SL_FORMAT_ANPA1312)
        put_anpa_end(text, gen);
    else
        put_end(text, gen);
}

static uint32_t write_message(struct sl_gen *gen, struct plan *plan, uint8_t *buf)
{
    struct text text = { .data = (char *)buf, .cap = gen->shape.size_max };
    uint64_t random = plan->random;

    if (gen->error == SL_GEN_GARBAGE)
        put_noise(&text, &random);
    uint32_t furniture = gen->shape.format == SL_FORMAT_NITF ? NITF_FURNITURE_MAX : FURNITURE_MAX;
    uint32_t body_len = plan->form == FORM_KILL ? 0 : plan->size - furniture - text.len;
    put_beginning(&text, gen, plan);
    uint32_t body_at = text.len;
    put_body(&text, gen, &plan->random, body_len);
    if (gen->error == SL_GEN_CUT)
        return body_at + below(&random, text.len - body_at + 1);
    if (gen->error == SL_GEN_CONTROL)
        sprinkle_controls(text.data + body_at, text.len - body_at, &random);
    put_ending(&text, gen);
    return text.len;
}

int sl_gen_message(struct sl_gen *gen, uint8_t *buf, uint32_t cap, int64_t due_ns, uint32_t *len, enum sl_lane *lane)
{
    if (cap < gen->shape.size_max)
        return -ENOSPC;
    gen->error = draw_error(gen);
    gen->call_cnt++;
    if (gen->error != SL_GEN_TWICE) {
        gen->number++;
        gen->due_ns = due_ns;
    }
    struct plan plan = plan_message(gen, gen->number);
    *lane = plan.lane;
    *len = write_message(gen, &plan, buf);
    return 0;
}

/* ---- life ---- */

uint32_t sl_gen_size_min(unsigned format)
{
    switch (format) {
    case SL_FORMAT_IPTC7901:
    case SL_FORMAT_ANPA1312:
        return SL_GEN_SIZE_MIN;
    case SL_FORMAT_NITF:
        return SL_GEN_NITF_SIZE_MIN;
    default:
        return 0;
    }
}

static int check_shape(struct sl_gen *gen)
{
    struct sl_gen_shape *shape = &gen->shape;
    uint64_t ppm = 0, sum = 0;

    if (!sl_gen_size_min(shape->format))
        return -EINVAL;
    if (shape->size_min < sl_gen_size_min(shape->format) || shape->size_min > shape->size_max ||
        shape->size_max > SL_GEN_SIZE_MAX)
        return -EINVAL;
    for (unsigned i = 0; i < SL_LANE_CNT; i++)
        sum += shape->lanes[i];
    for (unsigned i = SL_GEN_FINE + 1; i < SL_GEN_ERROR_CNT; i++)
        ppm += shape->error_ppm[i];
    if (!sum || sum > UINT32_MAX || ppm > PPM)
        return -EINVAL;
    gen->lane_sum = (uint32_t)sum;
    size_t len = strnlen(shape->service, sizeof(shape->service));
    if (len == sizeof(shape->service))
        return -EINVAL;
    for (size_t i = 0; i < len; i++)
        if (!islower((unsigned char)shape->service[i]))
            return -EINVAL;
    return 0;
}

static void fill_defaults(struct sl_gen_shape *shape)
{
    static const uint32_t lanes[SL_LANE_CNT] = { 1, 4, 80, 15 };

    if (!shape->service[0])
        memcpy(shape->service, SERVICE_DEFAULT, sizeof(SERVICE_DEFAULT));
    if (!shape->format)
        shape->format = SL_FORMAT_IPTC7901;
    if (!shape->size_min && !shape->size_max) {
        shape->size_min = sl_gen_size_min(shape->format);
        shape->size_max = 8192;
    }
    if (!(shape->lanes[0] | shape->lanes[1] | shape->lanes[2] | shape->lanes[3]))
        memcpy(shape->lanes, lanes, sizeof(lanes));
}

int sl_gen_init(struct sl_gen *gen, uint64_t seed, const struct sl_gen_shape *shape)
{
    memset(gen, 0, sizeof(*gen));
    gen->seed = seed;
    if (shape)
        gen->shape = *shape;
    fill_defaults(&gen->shape);
    int rc = check_shape(gen);
    if (rc)
        return rc;
    uint64_t random = chance_of(seed, 0, 4);
    for (uint32_t i = 0; i < SL_GEN_PARAGRAPHS; i++) {
        struct text text = { .data = gen->paragraphs[i].text, .cap = SL_GEN_PARAGRAPH_MAX };
        make_paragraph(&text, gen->shape.format, &random);
        gen->paragraphs[i].len = text.len;
    }
    return 0;
}

static bool find_due(struct sl_slice text, int64_t *due_ns)
{
    static const char word[] = "due ";
    const char *at = memmem(text.data, text.len, word, sizeof(word) - 1), *end = text.data + text.len;

    if (!at || end - at < (ptrdiff_t)sizeof(word) - 1 + 19)
        return false;
    at += sizeof(word) - 1;
    int64_t ns = 0;
    for (int i = 0; i < 19; i++) {
        if (at[i] < '0' || at[i] > '9' || ns > (INT64_MAX - 9) / 10)
            return false;
        ns = 10 * ns + (at[i] - '0');
    }
    *due_ns = ns;
    return true;
}

bool sl_gen_due(const struct sl_bulletin *bulletin, int64_t *due_ns)
{
    return find_due(sl_bulletin_text(bulletin, SL_TEXT_EDNOTE), due_ns) ||
           find_due(sl_bulletin_text(bulletin, SL_TEXT_BODY), due_ns);
}
