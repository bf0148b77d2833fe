#include "parsers/editor.h"
#include <string.h>
#include "parsers/ascii.h"

/* By first letter, since each word of a label is looked up here.  No letter has all of its places, so a row without
 * phrase ends it. */
#define LABELS_PER_LETTER 28u
/* clang-format off: it spreads the rows. */
static const struct sl_label labels[26][LABELS_PER_LETTER] = {
    ['a' - 'a'] = {
        { "annulation", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "annulierung", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "annullierung", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "annulation de d?p?che", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "annuler", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "annul?", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "annul?e", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "anulaci?n", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "anular", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "annullamento", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "add", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "aktualisierung", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "aktualisiert", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "actualisation", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "actualizaci?n", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "ampliaci?n", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "aggiornamento", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "alert", SL_KIND_NEWS, SL_SIGNAL_ALERT },
        { "alerte", SL_KIND_NEWS, SL_SIGNAL_ALERT },
        { "advisory", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
        { "attention", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
        { "achtung", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
        { "avis", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
        { "atenci?n", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
        { "aviso", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
        { "avviso", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
        { "attenzione", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
    },
    ['b' - 'a'] = {
        { "bitte streichen", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "berichtigung", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "blitz", SL_KIND_NEWS, SL_SIGNAL_ALERT },
        { "blitzmeldung", SL_KIND_NEWS, SL_SIGNAL_ALERT },
        { "bulletin", SL_KIND_NEWS, SL_SIGNAL_ALERT },
    },
    ['c' - 'a'] = {
        { "correction", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "corrections", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "corrected", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "corrects", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "corrective", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "correctif", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "corrig?", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "correcci?n", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "correzione", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "compl?ment", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
    },
    ['d' - 'a'] = {
        { "do not use", SL_KIND_HOLD, SL_SIGNAL_HOLD },
        { "dringend", SL_KIND_NEWS, SL_SIGNAL_ALERT },
        { "d'urgence", SL_KIND_NEWS, SL_SIGNAL_ALERT },
        { "disregard", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
    },
    ['e' - 'a'] = {
        { "elimination", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "eliminate", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "eliminar", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "embargo lifted", SL_KIND_RELEASE, SL_SIGNAL_RELEASE },
        { "embargo lev?", SL_KIND_RELEASE, SL_SIGNAL_RELEASE },
        { "extra", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "erg?nzung", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "eil", SL_KIND_NEWS, SL_SIGNAL_ALERT },
        { "eilmeldung", SL_KIND_NEWS, SL_SIGNAL_ALERT },
    },
    ['f' - 'a'] = {
        { "freigabe", SL_KIND_RELEASE, SL_SIGNAL_RELEASE },
        { "fortsetzung", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "flash", SL_KIND_NEWS, SL_SIGNAL_ALERT },
    },
    ['g' - 'a'] = {
        { "gesamtzusammenfassung", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
    },
    ['h' - 'a'] = {
        { "hold", SL_KIND_HOLD, SL_SIGNAL_HOLD },
        { "hinweis", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
    },
    ['k' - 'a'] = {
        { "kill", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "kills", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "killed", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "korrektur", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "korrigiert", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
    },
    ['l' - 'a'] = {
        { "lead", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "ld", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
    },
    ['m' - 'a'] = {
        { "mise ? jour", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
    },
    ['n' - 'a'] = {
        { "nicht verwenden", SL_KIND_HOLD, SL_SIGNAL_HOLD },
        { "ne pas utiliser", SL_KIND_HOLD, SL_SIGNAL_HOLD },
        { "net", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "neufassung", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "newsalert", SL_KIND_NEWS, SL_SIGNAL_ALERT },
    },
    ['p' - 'a'] = {
        { "planungshinweis", SL_KIND_ADVISORY, SL_SIGNAL_ADVISORY },
    },
    ['r' - 'a'] = {
        { "r?ckzug der meldung", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "retraction", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "rectification", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "rectificatif", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "rectificaci?n", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "rettifica", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
        { "refile", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "repeat", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "rpt", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "roundup", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "r?p?tition", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
    },
    ['s' - 'a'] = {
        { "streichung", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "sperrfrist aufgehoben", SL_KIND_RELEASE, SL_SIGNAL_RELEASE },
        { "sub", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
    },
    ['t' - 'a'] = {
        { "testmeldung", SL_KIND_TEST, SL_SIGNAL_TEST },
        { "test", SL_KIND_TEST, SL_SIGNAL_TEST },
    },
    ['u' - 'a'] = {
        { "update", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "updates", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "urgent", SL_KIND_NEWS, SL_SIGNAL_ALERT },
        { "urgente", SL_KIND_NEWS, SL_SIGNAL_ALERT },
    },
    ['v' - 'a'] = {
        { "versi?n corregida", SL_KIND_CORRECTION, SL_SIGNAL_CORRECTION },
    },
    ['w' - 'a'] = {
        { "withdrawal", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "withdrawn", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "withhold", SL_KIND_HOLD, SL_SIGNAL_HOLD },
        { "writethru", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
        { "wiederholung", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
    },
    ['z' - 'a'] = {
        { "zur?ckziehung", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "zur?ckgezogen", SL_KIND_KILL, SL_SIGNAL_KILL },
        { "zusammenfassung", SL_KIND_UPDATE, SL_SIGNAL_UPDATE },
    },
};
/* clang-format on */

/* Words that stand beside those of labels without changing what they say. */
static const char *const fillers[] = { "editors",    "editor", "redaktionen", "redaktion", "redacciones", "redaction",
                                       "redactions", "all",    "mandatory",   "first",     "second",      "third",
                                       "fourth",     "fifth",  "final",       "new",       "neu",         "aux",
                                       "a",          "to",     "and",         "und",       "et",          "y" };

/* By first letter, since each word of a story's start is looked up here. */
#define REQUESTS_PER_LETTER 7u
/* clang-format off: it spreads the rows. */
static const char *const kill_requests[26][REQUESTS_PER_LETTER] = {
    ['a' - 'a'] = { "annule et remplace", "annule sa d?p?che", "anula la noticia" },
    ['b' - 'a'] = { "bitte streichen sie", "bitte streichen", "bitte nicht verwenden",
                    "bitte verwenden sie die meldung nicht" },
    ['e' - 'a'] = { "elimination of", "eliminates", "est annul?e", "est annul?" },
    ['h' - 'a'] = { "has been withdrawn", "has been killed", "has been eliminated" },
    ['i' - 'a'] = { "ist zu streichen", "ist hinf?llig", "ist zur?ckgezogen", "ist annulliert", "is withdrawn" },
    ['k' - 'a'] = { "kill item", "kill story", "kill the story" },
    ['m' - 'a'] = { "mandatory kill", "merci d'annuler", "merci de ne pas utiliser" },
    ['p' - 'a'] = { "please kill", "please withdraw", "please disregard", "please delete", "pri?re d'annuler",
                    "por favor eliminen" },
    ['r' - 'a'] = { "rogamos anulen" },
    ['s' - 'a'] = { "sind zu streichen", "se ruega anular", "si prega di annullare" },
    ['v' - 'a'] = { "veuillez annuler" },
    ['w' - 'a'] = { "wird zur?ckgezogen", "wird annulliert", "withdraws" },
    ['z' - 'a'] = { "zieht die meldung", "zieht ihre meldung" },
};
/* clang-format on */

static const char *const part_words[] = { "satz",       "absatz", "zeile",    "wort",  "w?rter",    "passage",
                                          "klammer",    "angabe", "sentence", "graf",  "grafs",     "para",
                                          "paragraph",  "line",   "word",     "words", "reference", "phrase",
                                          "paragraphe", "mot",    "p?rrafo",  "frase", "halbsatz" };

static const char *const test_lines[] = {
    "test message",
    "testmeldung",
    "testmessage",
    "test only",
    "this is a test",
    "dies ist ein test",
    "leitungstest",
    "line test",
    "technical test",
    "technischer test",
    "systemtest",
    "test - please ignore",
    "message de test",
    "essai technique",
    "mensaje de prueba",
    "test please ignore",
    "please ignore this test",
};

static const char *const private_lines[] = {
    "the following information is not",
    "the following is not for publication",
    "not for publication",
    "not intended for publication",
    "die folgenden informationen sind nicht",
    "nicht zur ver?ffentlichung",
    "les informations suivantes ne sont pas",
    "ne pas publier",
    "la siguiente informaci?n no",
};

/* ---- phrases ---- */

/* One letter beyond ASCII: a byte of an 8-bit set, the bytes of one UTF-8 character, or one or two ASCII letters for
 * it. The shortest ways are tried first; rest is the phrase behind. */
static bool match_here(struct sl_span text, const char *phrase, uint32_t *len)
{
    uint32_t at = 0;
    for (; *phrase; phrase++) {
        if (*phrase == '?') {
            for (uint32_t width = 1; width <= 3 && at + width <= text.len; width++) {
                uint32_t rest;
                if (!sl_is_letter(text.data[at + width - 1]))
                    return false;
                if (match_here(sl_span_skip(text, at + width), phrase + 1, &rest)) {
                    *len = at + width + rest;
                    return true;
                }
            }
            return false;
        }
        if (at == text.len)
            return false;
        if (*phrase == ' ') {
            if (!sl_is_white(text.data[at]))
                return false;
            while (at < text.len && sl_is_white(text.data[at]))
                at++;
        } else if (sl_lower(text.data[at++]) != (uint8_t)*phrase) {
            return false;
        }
    }
    *len = at;
    return true;
}

static bool ends_word(struct sl_span text, uint32_t len) { return len == text.len || !sl_is_word_byte(text.data[len]); }

/* The first two bytes of a text, in lower case: what they tell of nearly all phrases is that this is not the one. */
static inline uint16_t key_of(struct sl_span text)
{
    return (uint16_t)(sl_lower(text.data[0]) | (text.len > 1 ? sl_lower(text.data[1]) : 0) << 8);
}

/* No phrase begins with a blank or '?', but its second letter may be one, or none. */
static inline bool may_start(uint16_t key, const char *phrase)
{
    return (uint8_t)phrase[0] == (key & 0xff) && ((uint8_t)phrase[1] == key >> 8 || phrase[1] < 'a');
}

bool sl_phrase_starts(struct sl_span text, const char *phrase, uint32_t *len)
{
    uint32_t matched;
    if (text.len == 0 || !may_start(key_of(text), phrase) || !match_here(text, phrase, &matched) ||
        !ends_word(text, matched))
        return false;
    *len = matched;
    return true;
}

bool sl_phrase_find(struct sl_span text, const char *phrase, uint32_t *off, uint32_t *len)
{
    const char pair[] = { phrase[0], phrase[1], '\0' };
    bool has_pair = phrase[1] >= 'a';
    for (uint32_t i = 0; i < text.len; i++) {
        if (has_pair)
            i += sl_pair_run(sl_span_skip(text, i), pair);
        if (i == text.len || (i != 0 && sl_is_word_byte(text.data[i - 1])))
            continue;
        if (sl_phrase_starts(sl_span_skip(text, i), phrase, len)) {
            *off = i;
            return true;
        }
    }
    return false;
}

static bool starts_with_any(struct sl_span text, const char *const *phrases, size_t cnt)
{
    uint32_t len;
    if (text.len == 0)
        return false;
    uint16_t key = key_of(text);
    for (size_t i = 0; i < cnt; i++) {
        if (may_start(key, phrases[i]) && sl_phrase_starts(text, phrases[i], &len))
            return true;
    }
    return false;
}

/* ---- labels ---- */

/* The label that starts at a word: the strongest, or the longest when length is asked for. */
static const struct sl_label *match_label(struct sl_span text, uint32_t *longest)
{
    const struct sl_label *found = NULL;
    uint16_t key = key_of(text);
    uint8_t letter = (uint8_t)key;
    uint32_t len;
    *longest = 0;
    if (letter < 'a' || letter > 'z')
        return NULL;
    for (const struct sl_label *label = labels[letter - 'a']; label->phrase; label++) {
        if (!may_start(key, label->phrase) || !sl_phrase_starts(text, label->phrase, &len))
            continue;
        found = sl_label_stronger(found, label);
        *longest = len > *longest ? len : *longest;
    }
    return found;
}

const struct sl_label *sl_label_find(struct sl_span text)
{
    const struct sl_label *found = NULL;
    struct sl_word_walk walk = sl_word_walk(text);
    uint32_t off, len;
    while (sl_word_next(&walk, &off))
        found = sl_label_stronger(found, match_label(sl_span_skip(text, off), &len));
    return found;
}

/* "2ND", "1st", "3.", "12". */
static uint32_t match_ordinal(struct sl_span text)
{
    uint32_t len = 0;
    while (len < text.len && sl_is_digit(text.data[len]))
        len++;
    if (len == 0)
        return 0;
    while (len < text.len && sl_is_letter(text.data[len]))
        len++;
    return len <= 5 ? len : 0;
}

static uint32_t match_filler(struct sl_span text)
{
    uint32_t len;
    uint16_t key = key_of(text);
    for (size_t i = 0; i < sizeof(fillers) / sizeof(*fillers); i++) {
        if (may_start(key, fillers[i]) && sl_phrase_starts(text, fillers[i], &len))
            return len;
    }
    return 0;
}

bool sl_label_is_all(struct sl_span text)
{
    bool has_label = false;
    while (text.len != 0) {
        uint32_t len = 1;
        if (sl_is_word_byte(text.data[0])) {
            has_label |= match_label(text, &len) != NULL;
            len = len != 0 ? len : match_ordinal(text);
            len = len != 0 ? len : match_filler(text);
        }
        if (len == 0)
            return false;
        text = sl_span_skip(text, len);
    }
    return has_label;
}

const struct sl_label *sl_label_stronger(const struct sl_label *a, const struct sl_label *b)
{
    /* What takes a story away is never to be missed for what only adds to it. */
    static const uint8_t strength[SL_KIND_CNT] = {
        [SL_KIND_KILL] = 8, [SL_KIND_HOLD] = 7,   [SL_KIND_RELEASE] = 6, [SL_KIND_CORRECTION] = 5,
        [SL_KIND_TEST] = 4, [SL_KIND_UPDATE] = 3, [SL_KIND_NEWS] = 2,    [SL_KIND_ADVISORY] = 1,
    };
    if (!a || !b)
        return a ? a : b;
    return strength[b->kind] > strength[a->kind] ? b : a;
}

/* What stands behind the request up to the sentence's end tells how much of the message goes. */
static bool means_a_part(struct sl_span rest)
{
    uint32_t off, len, end = 0;
    while (end < rest.len && end < 60 && !memchr(":.!", rest.data[end], 3))
        end++;
    for (size_t i = 0; i < sizeof(part_words) / sizeof(*part_words); i++) {
        if (sl_phrase_find(sl_span_head(rest, end), part_words[i], &off, &len))
            return true;
    }
    return false;
}

/* The request that starts at a word, and what it asks for. */
static enum sl_request match_request(struct sl_span text)
{
    uint16_t key = key_of(text);
    uint8_t letter = (uint8_t)key;
    uint32_t len;
    if (letter < 'a' || letter > 'z')
        return SL_REQUEST_NONE;
    const char *const *phrase = kill_requests[letter - 'a'];
    for (; *phrase; phrase++) {
        if (may_start(key, *phrase) && sl_phrase_starts(text, *phrase, &len))
            return means_a_part(sl_span_skip(text, len)) ? SL_REQUEST_CORRECT : SL_REQUEST_KILL;
    }
    return SL_REQUEST_NONE;
}

enum sl_request sl_request_find(struct sl_span text)
{
    enum sl_request found = SL_REQUEST_NONE;
    struct sl_word_walk walk = sl_word_walk(text);
    uint32_t off;
    while (found != SL_REQUEST_KILL && sl_word_next(&walk, &off)) {
        enum sl_request request = match_request(sl_span_skip(text, off));
        found = request > found ? request : found;
    }
    return found;
}

bool sl_says_test(struct sl_span line)
{
    line = sl_span_trim(line);
    return sl_span_is(line, "test") || starts_with_any(line, test_lines, sizeof(test_lines) / sizeof(*test_lines));
}

/* Asked of every line: the first letters of the rows, of which only "the" begins many others. */
static bool may_be_private(struct sl_span line)
{
    if (line.len < 5)
        return false;
    switch (sl_lower(line.data[0]) << 16 | sl_lower(line.data[1]) << 8 | sl_lower(line.data[2])) {
    case 't' << 16 | 'h' << 8 | 'e':
        return sl_lower(line.data[4]) == 'f' || sl_is_white(line.data[4]);
    case 'n' << 16 | 'o' << 8 | 't':
    case 'd' << 16 | 'i' << 8 | 'e':
    case 'n' << 16 | 'i' << 8 | 'c':
    case 'l' << 16 | 'e' << 8 | 's':
        return true;
    default:
        return sl_is_white(line.data[2]) && (sl_span_starts(line, "ne") || sl_span_starts(line, "la"));
    }
}

bool sl_says_private(struct sl_span line)
{
    line = sl_span_trim(line);
    while (line.len != 0 && !sl_is_word_byte(line.data[0]))
        line = sl_span_skip(line, 1);
    if (!may_be_private(line))
        return false;
    return starts_with_any(line, private_lines, sizeof(private_lines) / sizeof(*private_lines));
}
