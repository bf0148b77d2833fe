/* tests/parsers/random_bulletin.h - bulletins with anything in every field, from a seed.
 *
 * Every text is valid, as sl_bulletin_check demands, and as unpleasant as that allows: quotes, backslashes, line feeds,
 * separators, characters of two to four bytes.  Ids are URIs, near misses of URIs, and neither.
 */
#ifndef SL_TESTS_RANDOM_BULLETIN_H
#define SL_TESTS_RANDOM_BULLETIN_H

#include "parsers/bulletin.h"
#include <string.h>

struct random_source {
    uint64_t state;
};

/* splitmix64: one seed, one sequence, everywhere. */
static inline uint64_t random_next(struct random_source *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint32_t random_below(struct random_source *random, uint32_t end) { return random_next(random) % end; }

static inline const char *random_word(struct random_source *random)
{
    static const char *const words[] = {
        "a",
        "Zeche",
        "\"",
        "\\",
        "\n",
        "\t",
        "\xe2\x80\xa8",
        "\xe2\x80\xa9",
        "\xc3\xa9",
        "\xe2\x80\x9c",
        "\xf0\x9f\x93\xb0",
        "\xe2\x82\xac",
        " ",
        "/",
        "%",
        "</script>",
        "0123456789abcdefghijklmnopqrstuvwxyz",
        ":",
        "#",
        "?",
        "[",
        "\xef\xbf\xbd",
        "\xed\x9f\xbf",
        "\xf4\x8f\xbf\xbf",
    };
    return words[random_below(random, sizeof(words) / sizeof(*words))];
}

/* An open text of a few words; every sixteenth time of many. */
static inline struct sl_ref random_text(struct random_source *random, struct sl_out *out)
{
    uint32_t word_cnt = random_below(random, 16) ? random_below(random, 6) : random_below(random, 200);
    sl_out_open(out);
    for (uint32_t i = 0; i < word_cnt; i++) {
        const char *word = random_word(random);
        sl_out_put(out, word, (uint32_t)strlen(word));
    }
    return sl_out_close(out);
}

static inline struct sl_ref random_choice(struct random_source *random, struct sl_out *out, const char *const *choices,
                                          uint32_t cnt)
{
    if (!random_below(random, 4))
        return random_text(random, out);
    const char *choice = choices[random_below(random, cnt)];
    return sl_out_ref(out, choice, (uint32_t)strlen(choice));
}

static inline struct sl_ref random_id(struct random_source *random, struct sl_out *out)
{
    static const char *const ids[] = {
        "urn:newsml:example.com:20260105:1234:1",
        "tag:example.com,2026:story-7",
        "https://example.com/a?b=c#d",
        "http://example.com/a b",
        "urn:x",
        "AGENCY:123",
        "IDN38100",
        "<a.b@example.com>",
        "http://",
        "ftp://example.com/%zz",
        "https://example.com/[1]",
        "URN:UUID:0d6dc5e0-0000-4000-8000-000000000000",
        "http://example.com/#a#b",
    };
    return random_choice(random, out, ids, sizeof(ids) / sizeof(*ids));
}

static inline struct sl_ref random_scheme(struct random_source *random, struct sl_out *out)
{
    static const char *const schemes[] = { "medtop", "subj", "genre", "nprov", "agency", "http://example.com/cv/", "" };
    return random_choice(random, out, schemes, sizeof(schemes) / sizeof(*schemes));
}

static inline struct sl_ref random_geo(struct random_source *random, struct sl_out *out)
{
    static const char *const geos[] = {
        "{\"type\":\"Point\",\"coordinates\":[13.4,52.52]}",
        "{ \"type\": \"Polygon\",\n\"coordinates\": [[[0,0],[1e0,0],[1,-1.5],[0,0]]] }",
        "",
        "{",
        "not geography",
        "[1,2]",
        "{\"type\":\"Point\",\"coordinates\":[01,2]}",
    };
    return random_choice(random, out, geos, sizeof(geos) / sizeof(*geos));
}

static inline struct sl_ref random_media_type(struct random_source *random, struct sl_out *out)
{
    static const char *const types[] = { "image/jpeg", "video/mp4", "audio/mpeg", "text/html", "application/pdf", "" };
    return random_choice(random, out, types, sizeof(types) / sizeof(*types));
}

static inline void random_item(struct random_source *random, struct sl_out *out)
{
    enum sl_list list = (enum sl_list)random_below(random, SL_LIST_CNT);
    struct sl_ref part[SL_ITEM_PARTS];
    for (unsigned i = 0; i < SL_ITEM_PARTS; i++)
        part[i] = random_text(random, out);
    if (list >= SL_LIST_GENRES && list <= SL_LIST_PLACES && list != SL_LIST_SYMBOLS)
        part[0] = random_scheme(random, out);
    if (list == SL_LIST_PLACES)
        part[3] = random_geo(random, out);
    if (list == SL_LIST_ASSOCIATIONS) {
        part[1] = random_id(random, out);
        part[2] = random_id(random, out);
        part[3] = random_media_type(random, out);
    }
    if ((list == SL_LIST_SYMBOLS || list == SL_LIST_ORGANISATIONS) && random_below(random, 2))
        part[list == SL_LIST_SYMBOLS ? 2 : 3] = sl_out_ref(out, "ABC.DE", 6); /* so that one belongs to the other */
    sl_out_item(out, list, part[0], part[1], part[2], part[3]);
}

static inline int64_t random_time(struct random_source *random)
{
    switch (random_below(random, 4)) {
    case 0:
        return SL_TIME_NONE;
    case 1:
        return (int64_t)random_below(random, UINT32_MAX) * SL_TIME_NS;
    case 2:
        return 1767607262000000000ll + (int64_t)random_below(random, 1000) * 1000000;
    default:
        return (int64_t)(random_next(random) | 1); /* anything but SL_TIME_NONE */
    }
}

static inline void random_root(struct random_source *random, struct sl_bulletin *root)
{
    root->kind = (uint8_t)(SL_KIND_NEWS + random_below(random, SL_KIND_CNT - SL_KIND_NEWS));
    root->urgency = (uint8_t)random_below(random, 10);
    root->pubstatus = (uint8_t)random_below(random, SL_PUB_CNT);
    root->signal = (uint8_t)random_below(random, SL_SIGNAL_CNT);
    root->flags = (uint32_t)random_next(random) & SL_BULLETIN_FLAGS_ALL;
    root->version_created = random_time(random);
    root->first_created = random_time(random);
    root->embargoed_until = random_time(random);
    root->expires = random_time(random);
    root->word_cnt = random_below(random, 3) * random_below(random, 1000);
    root->take_no = random_below(random, 3);
}

/* Writes one to mem; returns its length, or 0 when it did not fit. */
static inline uint32_t random_bulletin(struct random_source *random, struct sl_out *out, void *mem, uint32_t cap)
{
    sl_out_begin(out, mem, cap, (uint16_t)random_below(random, 4));
    random_root(random, sl_out_root(out));
    for (unsigned text = 0; text < SL_TEXT_CNT; text++) {
        if (random_below(random, 3))
            sl_out_set(out, (enum sl_text)text, random_text(random, out));
    }
    sl_out_set(out, SL_TEXT_ID, random_id(random, out));
    if (!sl_out_get(out, SL_TEXT_ID).len)
        sl_out_text(out, SL_TEXT_ID, "1", 1);
    if (random_below(random, 2))
        sl_out_text(out, SL_TEXT_PROVIDER, "nprov:AGENCY", 12);
    for (uint32_t cnt = random_below(random, 40); cnt; cnt--)
        random_item(random, out);
    return sl_out_finish(out);
}

#endif
