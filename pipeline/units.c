#include "pipeline/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_LEN 40 /* of what somebody wrote, in a message */

struct unit {
    const char *name;
    uint64_t factor;
};

/* Smallest first. */
/* clang-format off */
static const struct unit size_units[] = {
    { "B",   1          },
    { "KiB", 1ull << 10 },
    { "MiB", 1ull << 20 },
    { "GiB", 1ull << 30 },
    { "TiB", 1ull << 40 },
    { NULL,  0          },
};

static const struct unit duration_units[] = {
    { "ns", 1              },
    { "us", 1000           },
    { "ms", 1000000        },
    { "s",  1000000000     },
    { "m",  60000000000    },
    { "h",  3600000000000  },
    { "d",  86400000000000 },
    { NULL, 0              },
};

static const struct unit no_units[] = {
    { "",   1 },
    { NULL, 0 },
};
/* clang-format on */

/* What each kind of value is called, and one that is right. */
static const struct kind {
    const struct unit *units;
    uint64_t max;
    const char *what, *example, *names;
} kinds[] = {
    [SL_CONFIG_SIZE] = {size_units,      INT64_MAX, "size",     "64MiB", "B, KiB, MiB, GiB, TiB" },
    [SL_CONFIG_DURATION] = { duration_units, INT64_MAX, "duration", "5ms",   "ns, us, ms, s, m, h, d"},
    [SL_CONFIG_COUNT] = { no_units,       INT64_MAX, "count",    "4096",  ""                      },
};

enum fault { FINE, NO_NUMBER, LEADING_ZERO, FRACTION, NO_UNIT, WRONG_UNIT, TOO_LARGE };

static const struct unit *unit_named(const struct unit *units, const char *name)
{
    for (; units->name; units++)
        if (!strcmp(units->name, name))
            return units;
    return NULL;
}

/* The digits that text starts with.  Past the largest number it stays at the largest. */
static uint64_t read_digits(const char *text, size_t len)
{
    uint64_t number = 0;
    for (size_t i = 0; i < len; i++)
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(text[i] - '0'), &number))
            return UINT64_MAX;
    return number;
}

static enum fault read_value(const struct kind *kind, const char *text, uint64_t *value)
{
    size_t len = strspn(text, "0123456789");
    const char *name = text + len;
    if (!len)
        return NO_NUMBER;
    if (text[0] == '0' && len > 1)
        return LEADING_ZERO;
    if (*name == '.' || *name == ',')
        return FRACTION;
    const struct unit *unit = unit_named(kind->units, name);
    if (!unit)
        return *name ? WRONG_UNIT : NO_UNIT;
    if (__builtin_mul_overflow(read_digits(text, len), unit->factor, value) || *value > kind->max)
        return TOO_LARGE;
    return FINE;
}

bool sl_config_number(enum sl_config_unit unit, const char *text, uint64_t *value)
{
    return read_value(&kinds[unit], text, value) == FINE;
}

bool sl_config_size(const char *text, uint64_t *bytes) { return sl_config_number(SL_CONFIG_SIZE, text, bytes); }

bool sl_config_duration(const char *text, int64_t *ns)
{
    return sl_config_number(SL_CONFIG_DURATION, text, (uint64_t *)ns);
}

bool sl_config_count(const char *text, uint64_t *cnt) { return sl_config_number(SL_CONFIG_COUNT, text, cnt); }

static const char *nearest_unit(const struct unit *units, const char *name)
{
    const char *names[8];
    size_t cnt = 0;
    for (; units->name; units++)
        names[cnt++] = units->name;
    names[cnt] = NULL;
    return sl_nearest_of(name, names);
}

static int explain_unit(char *why, size_t why_len, const struct kind *kind, const char *text)
{
    const char *name = text + strspn(text, "0123456789");
    const char *near = nearest_unit(kind->units, name);
    if (kind->units == no_units)
        return snprintf(why, why_len, "'%.*s' is no count; a whole number without a unit is expected, such as %s",
                        SHOWN_LEN, text, kind->example);
    if (near)
        return snprintf(why, why_len, "'%.*s' is no %s; did you mean %.*s%s?", SHOWN_LEN, text, kind->what,
                        (int)(name - text) < SHOWN_LEN ? (int)(name - text) : SHOWN_LEN, text, near);
    return snprintf(why, why_len, "'%.*s' is no %s; its unit must be one of %s", SHOWN_LEN, text, kind->what,
                    kind->names);
}

int sl_config_explain(char *why, size_t why_len, enum sl_config_unit unit, const char *text)
{
    const struct kind *kind = &kinds[unit];
    uint64_t value;
    switch (read_value(kind, text, &value)) {
    case FINE:
        return snprintf(why, why_len, "'%.*s' is a %s", SHOWN_LEN, text, kind->what);
    case NO_NUMBER:
        break;
    case LEADING_ZERO:
        return snprintf(why, why_len, "'%.*s' starts with 0, which some read as octal; a %s is written like %s",
                        SHOWN_LEN, text, kind->what, kind->example);
    case FRACTION:
        return snprintf(why, why_len, "'%.*s' is no whole number; %s", SHOWN_LEN, text,
                        unit == SL_CONFIG_COUNT ? "4096 would be one" : "take a smaller unit");
    case NO_UNIT:
        return snprintf(why, why_len, "'%.*s' has no unit; add one of %s", SHOWN_LEN, text, kind->names);
    case WRONG_UNIT:
        return explain_unit(why, why_len, kind, text);
    case TOO_LARGE:
        return snprintf(why, why_len, "'%.*s' is more than a %s can be", SHOWN_LEN, text, kind->what);
    }
    return snprintf(why, why_len, "'%.*s' is no %s; %s is expected, such as %s", SHOWN_LEN, text, kind->what,
                    unit == SL_CONFIG_COUNT ? "a whole number" : "a whole number with its unit", kind->example);
}

struct sl_config_text sl_config_written(enum sl_config_unit unit, uint64_t value)
{
    const struct unit *largest = kinds[unit].units;
    struct sl_config_text written;
    for (const struct unit *next = largest; next->name && value; next++)
        if (value % next->factor == 0)
            largest = next;
    snprintf(written.text, sizeof(written.text), "%llu%s", (unsigned long long)(value / largest->factor),
             largest->name);
    return written;
}

bool sl_config_within(enum sl_config_unit unit, const char *text, uint64_t min, uint64_t max, uint64_t *value,
                      char *why, size_t why_len)
{
    if (!sl_config_number(unit, text, value)) {
        sl_config_explain(why, why_len, unit, text);
        return false;
    }
    if (*value >= min && *value <= max)
        return true;
    snprintf(why, why_len, "%.*s is out of bounds; %s to %s is expected", SHOWN_LEN, text,
             sl_config_written(unit, min).text, sl_config_written(unit, max).text);
    return false;
}
