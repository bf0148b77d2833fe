/* parsers/profile.h - an agency's dialect as a table: names, time zone, words of its own for kills and corrections,
 * sign-offs, and the header lines of its products.
 *
 * Life      Made at start by who reads the files (pipeline/profiles.h), then constant.
 * Threads   Shared by all; pure functions.
 * Owns      All strings and arrays are their maker's, and end with NUL or have a count.
 * Source    deploy/profiles: a file for each, and its README.md, which tells every key.
 *
 * A feed's configuration names one, else the provider that a message itself names chooses it.
 */
#ifndef SL_PARSERS_PROFILE_H
#define SL_PARSERS_PROFILE_H

#include "parsers/dates.h"
#include "parsers/editor.h"

/* What a header line, or the word behind ZCZC, says. */
enum sl_header_field {
    SL_HEADER_IGNORED,
    SL_HEADER_CATEGORY,
    SL_HEADER_SLUGLINE,
    SL_HEADER_HEADLINE,
    SL_HEADER_TAKE,
    SL_HEADER_PLACE,
    SL_HEADER_SUBJECT,
    SL_HEADER_GENRE,
    SL_HEADER_KEYWORDS, /* parted by blanks */
    SL_HEADER_BYLINE,
    SL_HEADER_CREDIT,
    SL_HEADER_PROVIDER,
    SL_HEADER_ID,
    SL_HEADER_VERSION,
    SL_HEADER_PRIORITY,
    SL_HEADER_SYMBOL,
    SL_HEADER_ORGANISATION,
    SL_HEADER_NOTE,
    SL_HEADER_DATE,
    SL_HEADER_FORMAT, /* X text, T table: of the body */
    SL_HEADER_TEXT, /* the body begins behind it */
    SL_HEADER_FIELD_CNT,
};

struct sl_header_line {
    const char *begins; /* "%", "TI#": at least one byte, in this case */
    enum sl_header_field field;
};

/* A product of an agency whose messages have header lines of one kind. */
struct sl_product {
    const char *name;
    const char *heading; /* the word behind ZCZC; "*" any; NULL: nothing stands there */
    const char *const *signs; /* openings that all occur in its header, for where headings are the same */
    uint32_t sign_cnt;
    const struct sl_header_line *lines;
    uint32_t line_cnt;
    const char *provider; /* NULL: the profile's */
};

struct sl_profile {
    const char *name; /* as the configuration calls it */
    const char *const *names; /* of the agency, as messages give them */
    uint32_t name_cnt;
    const char *provider; /* what bulletins call it where the message names nobody; NULL: nobody */
    const char *language; /* of messages that name none; NULL: not known */
    const struct sl_zone *zone; /* of times that name none; NULL: not known */
    uint8_t urgency[26]; /* of priority letters that the format does not know; 0 none */
    const struct sl_label *labels; /* sorted by their first byte; first[b - 'a'] is where byte b begins */
    uint16_t first[27];
    const char *const *requests; /* sentences that withdraw an earlier message */
    uint32_t request_cnt;
    const char *const *signoffs; /* last lines of a story that are no text */
    uint32_t signoff_cnt;
    const struct sl_product *products;
    uint32_t product_cnt;
};

struct sl_profiles {
    const struct sl_profile *profile;
    uint32_t cnt;
};

/* By the agency's name in a message, whatever its case; NULL: none. */
const struct sl_profile *sl_profile_of(const struct sl_profiles *profiles, struct sl_slice provider);
/* By its own; NULL: none. */
const struct sl_profile *sl_profile_named(const struct sl_profiles *profiles, const char *name);
/* The strongest of the profile's labels that the text has as whole words; NULL: none, or no profile. */
const struct sl_label *sl_profile_label(const struct sl_profile *profile, struct sl_span text);
/* Nothing but such labels, ordinals and what built-in labels allow. */
bool sl_profile_label_is_all(const struct sl_profile *profile, struct sl_span text);
bool sl_profile_requests(const struct sl_profile *profile, struct sl_span text);
/* How long the text is without the sign-offs at its end. */
uint32_t sl_profile_cut_signoff(const struct sl_profile *profile, struct sl_slice text);

#endif
