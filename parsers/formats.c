/* The table of formats, alone, so that a program may bring another one. */
#include "parsers/parse.h"

extern const struct sl_format sl_format_iptc7901;
extern const struct sl_format sl_format_anpa1312;
extern const struct sl_format sl_format_zczc;
extern const struct sl_format sl_format_results;
extern const struct sl_format sl_format_wmo;
extern const struct sl_format sl_format_fixnews;
extern const struct sl_format sl_format_rfc822;
extern const struct sl_format sl_format_nitf;
extern const struct sl_format sl_format_newsmlg2;
extern const struct sl_format sl_format_newsml1;
extern const struct sl_format sl_format_cap;
extern const struct sl_format sl_format_rss;
extern const struct sl_format sl_format_atom;
extern const struct sl_format sl_format_ritzau;
extern const struct sl_format sl_format_prs;
extern const struct sl_format sl_format_ninjs;
extern const struct sl_format sl_format_apmedia;
extern const struct sl_format sl_format_mrn;
extern const struct sl_format sl_format_text;

/* In the order they are asked; text takes what is left. */
const struct sl_format *const sl_formats[] = {
    &sl_format_iptc7901,
    &sl_format_anpa1312,
    &sl_format_zczc,
    &sl_format_results,
    &sl_format_wmo,
    &sl_format_fixnews,
    &sl_format_rfc822,
    &sl_format_nitf,
    &sl_format_newsmlg2,
    &sl_format_newsml1,
    &sl_format_cap,
    &sl_format_rss,
    &sl_format_atom,
    &sl_format_ritzau,
    &sl_format_prs,
    &sl_format_ninjs,
    &sl_format_apmedia,
    &sl_format_mrn,
    &sl_format_text,
    NULL,
};
