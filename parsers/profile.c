#include "parsers/profile.h"
#include <string.h>
#include "parsers/ascii.h"

#define SIGNOFFS_MAX 4u /* at the end of one story */

const struct sl_profile *sl_profile_of(const struct sl_profiles *profiles, struct sl_slice provider)
{
    for (uint32_t i = 0; profiles && provider.len != 0 && i < profiles->cnt; i++) {
        const struct sl_profile *profile = &profiles->profile[i];
        for (uint32_t j = 0; j < profile->name_cnt; j++) {
            if (sl_span_is(sl_span_of(provider), profile->names[j]))
                return profile;
        }
    }
    return NULL;
}

const struct sl_profile *sl_profile_named(const struct sl_profiles *profiles, const char *name)
{
    for (uint32_t i = 0; profiles && i < profiles->cnt; i++) {
        if (strcmp(profiles->profile[i].name, name) == 0)
            return &profiles->profile[i];
    }
    return NULL;
}

/* The label at a word, and its length. */
static const struct sl_label *match_label(const struct sl_profile *profile, struct sl_span text, uint32_t *len)
{
    uint8_t letter = sl_lower(text.data[0]);
    if (letter < 'a' || letter > 'z')
        return NULL;
    for (uint32_t i = profile->first[letter - 'a']; i < profile->first[letter - 'a' + 1]; i++) {
        if (sl_phrase_starts(text, profile->labels[i].phrase, len))
            return &profile->labels[i];
    }
    return NULL;
}

const struct sl_label *sl_profile_label(const struct sl_profile *profile, struct sl_span text)
{
    const struct sl_label *found = NULL;
    uint32_t off, len;
    if (!profile || profile->first[26] == 0)
        return NULL;
    struct sl_word_walk walk = sl_word_walk(text);
    while (sl_word_next(&walk, &off))
        found = sl_label_stronger(found, match_label(profile, sl_span_skip(text, off), &len));
    return found;
}

bool sl_profile_label_is_all(const struct sl_profile *profile, struct sl_span text)
{
    bool has_label = false;
    if (!profile || profile->first[26] == 0)
        return false;
    while (text.len != 0) {
        uint32_t len = 1, word = 0;
        if (sl_is_word_byte(text.data[0])) {
            if (match_label(profile, text, &len)) {
                has_label = true;
            } else {
                while (word < text.len && sl_is_word_byte(text.data[word]))
                    word++;
                if (!sl_is_digit(text.data[0]) && !sl_label_is_all(sl_span_head(text, word)))
                    return false;
                len = word;
            }
        }
        text = sl_span_skip(text, len);
    }
    return has_label;
}

bool sl_profile_requests(const struct sl_profile *profile, struct sl_span text)
{
    uint32_t off, len;
    for (uint32_t i = 0; profile && i < profile->request_cnt; i++) {
        if (sl_phrase_find(text, profile->requests[i], &off, &len))
            return true;
    }
    return false;
}

static bool is_signoff(const struct sl_profile *profile, struct sl_span line)
{
    for (uint32_t i = 0; i < profile->signoff_cnt; i++) {
        if (sl_span_is(line, profile->signoffs[i]))
            return true;
    }
    return false;
}

uint32_t sl_profile_cut_signoff(const struct sl_profile *profile, struct sl_slice text)
{
    struct sl_span rest = sl_span_of(text);
    for (unsigned i = 0; i < SIGNOFFS_MAX && profile->signoff_cnt != 0; i++) {
        const uint8_t *end = memrchr(rest.data, '\n', rest.len);
        uint32_t start = end ? (uint32_t)(end - rest.data) + 1 : 0;
        if (!is_signoff(profile, sl_span_trim(sl_span_skip(rest, start))))
            break;
        while (start != 0 && sl_is_white(rest.data[start - 1]))
            start--;
        rest.len = start;
    }
    return rest.len;
}
