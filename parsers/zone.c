#include "parsers/dates.h"
#include <errno.h>
#include <string.h>

#define DAY_S  86400
#define HOUR_S 3600
/* RFC 8536 keeps offsets within -25 and +26 hours; both bounds here are the wider one. */
#define OFFSET_S_MAX (26 * HOUR_S)
/* Some thirty thousand years each way: what lies beyond is answered as if it lay there. */
#define UTC_S_MAX 1000000000000ll

/* ---- the file ---- */

#define HEADER_LEN 44u

struct tzif_header {
    uint8_t version; /* 1 for the NUL of the first */
    uint32_t isut_cnt, isstd_cnt, leap_cnt, transition_cnt, type_cnt, char_cnt;
};

static uint32_t read_u32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static int64_t read_time(const uint8_t *data, uint32_t time_len)
{
    if (time_len == 4)
        return (int32_t)read_u32(data);
    return (int64_t)((uint64_t)read_u32(data) << 32 | read_u32(data + 4));
}

static bool read_header(struct tzif_header *header, const uint8_t *data, size_t len)
{
    if (len < HEADER_LEN || memcmp(data, "TZif", 4) != 0)
        return false;
    if (data[4] != 0 && (data[4] < '2' || data[4] > '4'))
        return false;
    *header = (struct tzif_header){
        .version = data[4] == 0 ? 1 : (uint8_t)(data[4] - '0'),
        .isut_cnt = read_u32(data + 20),
        .isstd_cnt = read_u32(data + 24),
        .leap_cnt = read_u32(data + 28),
        .transition_cnt = read_u32(data + 32),
        .type_cnt = read_u32(data + 36),
        .char_cnt = read_u32(data + 40),
    };
    return header->type_cnt != 0 && header->char_cnt != 0 &&
           (header->isut_cnt == 0 || header->isut_cnt == header->type_cnt) &&
           (header->isstd_cnt == 0 || header->isstd_cnt == header->type_cnt);
}

/* Of what follows the header; six counts of 32 bits can't overflow it. */
static uint64_t block_len(const struct tzif_header *header, uint32_t time_len)
{
    return (uint64_t)header->transition_cnt * (time_len + 1) + (uint64_t)header->type_cnt * 6 + header->char_cnt +
           (uint64_t)header->leap_cnt * (time_len + 4) + header->isstd_cnt + header->isut_cnt;
}

/* block: as long as block_len says. */
static int read_block(struct sl_zone *zone, const struct tzif_header *header, const uint8_t *block, uint32_t time_len)
{
    if (header->leap_cnt != 0)
        return -EINVAL;
    if (header->transition_cnt > SL_ZONE_TRANSITIONS_MAX || header->type_cnt > SL_ZONE_TYPES_MAX)
        return -E2BIG;
    const uint8_t *types = block + (size_t)header->transition_cnt * time_len;
    const uint8_t *infos = types + header->transition_cnt;
    zone->transition_cnt = header->transition_cnt;
    zone->type_cnt = header->type_cnt;
    for (uint32_t i = 0; i < zone->transition_cnt; i++) {
        zone->at[i] = read_time(block + (size_t)i * time_len, time_len);
        zone->type[i] = types[i];
        if (types[i] >= header->type_cnt || (i != 0 && zone->at[i] <= zone->at[i - 1]))
            return -EINVAL;
    }
    for (uint32_t i = 0; i < zone->type_cnt; i++) {
        zone->offset_s[i] = (int32_t)read_u32(infos + (size_t)i * 6);
        if (zone->offset_s[i] < -OFFSET_S_MAX || zone->offset_s[i] > OFFSET_S_MAX)
            return -EINVAL;
    }
    /* RFC 8536, 3.2: the first type is what held before the first transition. */
    zone->first_type = 0;
    return 0;
}

/* ---- the footer: a POSIX TZ string such as CET-1CEST,M3.5.0,M10.5.0/3 ---- */

struct footer {
    const char *next, *end;
};

static bool take_char(struct footer *footer, char c)
{
    if (footer->next == footer->end || *footer->next != c)
        return false;
    footer->next++;
    return true;
}

static bool at_digit(const struct footer *footer)
{
    return footer->next != footer->end && *footer->next >= '0' && *footer->next <= '9';
}

static bool take_number(struct footer *footer, uint32_t min, uint32_t max, uint32_t *number)
{
    if (!at_digit(footer))
        return false;
    *number = 0;
    for (; at_digit(footer) && *number <= max; footer->next++)
        *number = *number * 10 + (uint32_t)(*footer->next - '0');
    return *number >= min && *number <= max;
}

/* Letters, or anything in angle brackets; at least three.  Nobody here needs to keep it. */
static bool take_name(struct footer *footer)
{
    bool quoted = take_char(footer, '<');
    const char *start = footer->next;
    for (; footer->next != footer->end; footer->next++) {
        char c = *footer->next;
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!letter && !(quoted && ((c >= '0' && c <= '9') || c == '+' || c == '-')))
            break;
    }
    return footer->next - start >= 3 && (!quoted || take_char(footer, '>'));
}

static bool take_time(struct footer *footer, uint32_t hours_max, int32_t *time_s)
{
    bool negative = take_char(footer, '-');
    if (!negative)
        take_char(footer, '+');
    uint32_t hours, minutes = 0, seconds = 0;
    if (!take_number(footer, 0, hours_max, &hours))
        return false;
    if (take_char(footer, ':')) {
        if (!take_number(footer, 0, 59, &minutes))
            return false;
        if (take_char(footer, ':') && !take_number(footer, 0, 59, &seconds))
            return false;
    }
    int32_t sum = (int32_t)(hours * HOUR_S + minutes * 60 + seconds);
    *time_s = negative ? -sum : sum;
    return true;
}

static bool take_rule(struct footer *footer, struct sl_zone_rule *rule)
{
    uint32_t month, week, day, yday;
    *rule = (struct sl_zone_rule){ .time_s = 2 * HOUR_S };
    if (take_char(footer, 'M')) {
        if (!take_number(footer, 1, 12, &month) || !take_char(footer, '.') || !take_number(footer, 1, 5, &week) ||
            !take_char(footer, '.') || !take_number(footer, 0, 6, &day))
            return false;
        rule->form = 'M';
        rule->month = (uint8_t)month;
        rule->week = (uint8_t)week;
        rule->day = (uint8_t)day;
    } else {
        rule->form = take_char(footer, 'J') ? 'J' : 'N';
        if (!take_number(footer, rule->form == 'J' ? 1 : 0, 365, &yday))
            return false;
        rule->yday = (uint16_t)yday;
    }
    return !take_char(footer, '/') || take_time(footer, 167, &rule->time_s);
}

static bool read_footer(struct sl_zone *zone, struct footer footer)
{
    if (footer.next == footer.end)
        return true; /* nothing is known after the last transition: the last offset stays */
    int32_t west_s;
    if (!take_name(&footer) || !take_time(&footer, 24, &west_s))
        return false;
    zone->has_footer = true;
    zone->footer_std_s = -west_s; /* POSIX counts westward */
    if (footer.next == footer.end)
        return true;
    zone->footer_has_dst = true;
    zone->footer_dst_s = zone->footer_std_s + HOUR_S;
    if (!take_name(&footer))
        return false;
    if (footer.next != footer.end && *footer.next != ',') {
        if (!take_time(&footer, 24, &west_s))
            return false;
        zone->footer_dst_s = -west_s;
    }
    return take_char(&footer, ',') && take_rule(&footer, &zone->footer_start) && take_char(&footer, ',') &&
           take_rule(&footer, &zone->footer_end) && footer.next == footer.end;
}

static int init_from(struct sl_zone *zone, const uint8_t *data, size_t len)
{
    struct tzif_header header;
    if (!read_header(&header, data, len))
        return -EINVAL;
    uint64_t first_len = HEADER_LEN + block_len(&header, 4);
    if (first_len > len)
        return -EINVAL;
    if (header.version == 1)
        return read_block(zone, &header, data + HEADER_LEN, 4);

    /* From version 2 on the first block is for old readers; the true one, with 64-bit times, follows it. */
    data += first_len;
    len -= first_len;
    if (!read_header(&header, data, len) || header.version == 1)
        return -EINVAL;
    uint64_t second_len = HEADER_LEN + block_len(&header, 8);
    if (second_len > len)
        return -EINVAL;
    int err = read_block(zone, &header, data + HEADER_LEN, 8);
    if (err)
        return err;

    data += second_len;
    len -= second_len;
    const uint8_t *end = len > 1 && data[0] == '\n' ? memchr(data + 1, '\n', len - 1) : NULL;
    if (!end)
        return -EINVAL;
    struct footer footer = { (const char *)data + 1, (const char *)end };
    return read_footer(zone, footer) ? 0 : -EINVAL;
}

int sl_zone_init(struct sl_zone *zone, const char *name, const uint8_t *data, size_t len)
{
    memset(zone, 0, sizeof *zone);
    size_t name_len = strlen(name);
    if (name_len >= sizeof zone->name)
        return -E2BIG;
    memcpy(zone->name, name, name_len + 1);
    return init_from(zone, data, len);
}

/* ---- what time it is there ---- */

/* Days since 1970 of the day on which the rule falls in this year. */
static int64_t rule_day(const struct sl_zone_rule *rule, int32_t year)
{
    struct sl_civil first = { year, 1, 1, 0, 0, 0 };
    if (rule->form != 'M') {
        bool is_leap = sl_civil_valid(&(struct sl_civil){ year, 2, 29, 0, 0, 0 });
        /* J counts from 1 and never counts 29 February; the other form counts from 0 and does. */
        int64_t day = rule->form == 'J' ? rule->yday - 1 + (is_leap && rule->yday >= 60) : rule->yday;
        return sl_civil_to_s(&first) / DAY_S + day;
    }
    first.month = rule->month;
    int64_t day = sl_civil_to_s(&first) / DAY_S;
    day += (rule->day + 7 - sl_weekday(day)) % 7;
    day += (rule->week - 1) * 7;
    /* The fifth is the last, which may be the fourth. */
    struct sl_civil civil;
    sl_civil_from_s(&civil, day * DAY_S);
    return civil.month == rule->month ? day : day - 7;
}

/* The latest change at or before utc_s decides.  Rules may reach over New Year, hence three years; daylight saving all
 * the year is written as an end that the next start meets, hence a start that comes at once with an end wins. */
static int32_t footer_offset_at(const struct sl_zone *zone, int64_t utc_s)
{
    if (!zone->footer_has_dst)
        return zone->footer_std_s;
    struct sl_civil civil;
    sl_civil_from_s(&civil, utc_s + zone->footer_std_s);
    int64_t latest = INT64_MIN;
    bool is_dst = false;
    for (int32_t year = civil.year - 1; year <= civil.year + 1; year++) {
        const struct sl_zone_rule *start_rule = &zone->footer_start, *end_rule = &zone->footer_end;
        int64_t start = rule_day(start_rule, year) * DAY_S + start_rule->time_s - zone->footer_std_s;
        int64_t end = rule_day(end_rule, year) * DAY_S + end_rule->time_s - zone->footer_dst_s;
        if (end <= utc_s && end > latest) {
            latest = end;
            is_dst = false;
        }
        if (start <= utc_s && start >= latest) {
            latest = start;
            is_dst = true;
        }
    }
    return is_dst ? zone->footer_dst_s : zone->footer_std_s;
}

static int64_t clamp_utc(int64_t utc_s)
{
    return utc_s > UTC_S_MAX ? UTC_S_MAX : utc_s < -UTC_S_MAX ? -UTC_S_MAX : utc_s;
}

int32_t sl_zone_offset_at(const struct sl_zone *zone, int64_t utc_s)
{
    utc_s = clamp_utc(utc_s);
    uint32_t low = 0, high = zone->transition_cnt; /* the first transition after utc_s lies in between */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->at[middle] <= utc_s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == zone->transition_cnt && zone->has_footer)
        return footer_offset_at(zone, utc_s);
    return zone->offset_s[low != 0 ? zone->type[low - 1] : zone->first_type];
}

int64_t sl_zone_to_utc(const struct sl_zone *zone, int64_t local_s)
{
    local_s = clamp_utc(local_s);
    /* The offset of the day before is the one before any change near by. */
    int32_t before_s = sl_zone_offset_at(zone, local_s - DAY_S);
    int64_t by_before = local_s - before_s;
    int32_t after_s = sl_zone_offset_at(zone, by_before);
    int64_t by_after = local_s - after_s;
    /* In an hour that comes twice by_before lies before the change, so both are the same.  In a skipped one neither
     * offset holds, and the old one moves the time on by the skip. */
    bool after_holds = sl_zone_offset_at(zone, by_after) == after_s;
    return after_holds ? by_after : by_before;
}

const struct sl_zone *sl_zones_find(const struct sl_zones *zones, const char *name, size_t len)
{
    for (uint32_t i = 0; zones && i < zones->cnt; i++) {
        const struct sl_zone *zone = zones->zone[i];
        if (strlen(zone->name) == len && memcmp(zone->name, name, len) == 0)
            return zone;
    }
    return NULL;
}
