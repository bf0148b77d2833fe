/* parsers/wmo_segment.c - what machines read in NWS products: areas, events, polygons, tracks.
 *
 *     KSC015-173-CTZ005>012-150400-                                 UGC: places, and when the text is void
 *     /O.NEW.KICT.TO.W.0035.120415T0327Z-120415T0400Z/              P-VTEC: what becomes of which event
 *     /NWYI3.1.ER.120415T0300Z.120415T1200Z.120416T0000Z.NO/        H-VTEC: the river gauge
 *     Butler-Sedgwick-                                              the areas' names, in their order
 *     ...
 *     LAT...LON 3791 9728 3773 9701 3753 9729                       hundredths of degrees, north and west
 *     TIME...MOT...LOC 0326Z 230DEG 45KT 3763 9725
 *
 * Source    NWSI 10-1702 (UGC), NWSI 10-1703 (VTEC), NWSI 10-1701 (figures below the text).
 */
#include <string.h>
#include "parsers/ascii.h"
#include "parsers/wmo.h"

#define PLACES_MAX     400u /* of a bulletin; the rest of the items is for others */
#define FIGURES_MAX    40u
#define LOCATIONS_MAX  8u
#define POINTS_MAX     400u
#define NAMES_MAX      4096u /* bytes of a segment's names of areas */
#define NAME_LINES_MAX 60u
#define KEY_LEN        19u /* "KICT.TO.W.0035.2012" */

/* ---- telling lines apart ---- */

static bool is_alnum(uint8_t byte) { return sl_is_upper(byte) || sl_is_digit(byte); }

/* What areas are written with; the line ends in a hyphen. */
static bool is_areas_line(struct sl_span line)
{
    if (line.len < 4 || line.data[line.len - 1] != '-')
        return false;
    for (uint32_t i = 0; i < line.len; i++) {
        if (!is_alnum(line.data[i]) && line.data[i] != '-' && line.data[i] != '>')
            return false;
    }
    return true;
}

/* "KSC015", "CTZALL" */
static bool is_area_code(struct sl_span span)
{
    if (span.len < 6 || !sl_is_upper(span.data[0]) || !sl_is_upper(span.data[1]) ||
        (span.data[2] != 'C' && span.data[2] != 'Z'))
        return false;
    return sl_span_digits(sl_span_skip(sl_span_head(span, 6), 3)) == 3 || memcmp(span.data + 3, "ALL", 3) == 0;
}

/* The time at which the text is void: "150400-" at the end. */
static bool ends_in_purge_time(struct sl_span line)
{
    return line.len >= 7 && sl_span_digits(sl_span_skip(sl_span_head(line, line.len - 1), line.len - 7)) == 6;
}

static bool starts_areas(struct sl_span line)
{
    return line.len > 6 && is_area_code(line) && (line.data[6] == '-' || line.data[6] == '>') && is_areas_line(line);
}

static bool is_figure_rest(struct sl_span line)
{
    for (uint32_t i = 0; i < line.len; i++) {
        if (!sl_is_digit(line.data[i]) && line.data[i] != ' ')
            return false;
    }
    return line.len >= 4;
}

static bool is_river_event(struct sl_span line)
{
    return line.len > 40 && line.data[line.len - 1] == '/' && line.data[6] == '.' && line.data[8] == '.' &&
           line.data[11] == '.';
}

static bool is_all_dashes(struct sl_span line)
{
    uint32_t len = 0;
    while (len < line.len && line.data[len] == '-')
        len++;
    return len == line.len;
}

enum sl_wmo_line sl_wmo_line_of(struct sl_wmo_lines *lines, struct sl_span line)
{
    bool in_areas = lines->in_areas, in_figure = lines->in_figure;
    lines->in_areas = lines->in_figure = false;
    if (line.len == 0)
        return SL_WMO_EMPTY;
    uint8_t first = line.data[0];
    if (sl_is_upper(first) || sl_is_digit(first)) {
        if (starts_areas(line) || (in_areas && is_areas_line(line))) {
            lines->in_areas = !ends_in_purge_time(line);
            return SL_WMO_AREAS;
        }
        if (sl_span_starts(line, "LAT...LON ") || sl_span_starts(line, "TIME...MOT...LOC ") ||
            (in_figure && is_figure_rest(line))) {
            lines->in_figure = true;
            return SL_WMO_FIGURE;
        }
        return sl_span_is(line, "NNNN") || sl_span_starts(line, "ZCZC ") ? SL_WMO_MARK : SL_WMO_WORDS;
    }
    if (first == '-' && line.len > 3 && is_all_dashes(line))
        return SL_WMO_MARK;
    if (first == '$' && line.len >= 2 && line.data[1] == '$')
        return SL_WMO_END;
    struct sl_wmo_event event;
    if (first == '/' && sl_wmo_event_read(line, &event))
        return SL_WMO_EVENT;
    if (first == '/' && is_river_event(line))
        return SL_WMO_RIVER;
    return sl_span_is(line, "&&") || sl_span_is(line, "=") ? SL_WMO_MARK : SL_WMO_WORDS;
}

/* ---- places ---- */

static struct sl_ref put_word(struct sl_wmo *story, const char *word)
{
    return sl_out_ref(story->out, word, (uint32_t)strlen(word));
}

static bool may_say_place(struct sl_wmo *story)
{
    if (story->place_cnt >= PLACES_MAX) {
        story->is_surplus = true;
        return false;
    }
    story->place_cnt++;
    return true;
}

/* Walks over the areas that a UGC block names: its prefix holds until the next one. */
struct areas {
    struct sl_span rest;
    char prefix[3]; /* "KSC" */
    uint32_t next, last; /* of the range at hand; next > last: none */
};

static uint32_t read_number(struct sl_span digits)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < digits.len; i++)
        number = number * 10 + digits.data[i] - '0';
    return number;
}

static void put_digits(char *text, uint32_t number, unsigned cnt)
{
    while (cnt-- != 0) {
        text[cnt] = (char)('0' + number % 10);
        number /= 10;
    }
}

/* "015", "005>012": begins a range.  False: no number is here. */
static bool take_range(struct areas *areas)
{
    if (sl_span_digits(areas->rest) != 3)
        return false;
    areas->next = areas->last = read_number(sl_span_head(areas->rest, 3));
    areas->rest = sl_span_skip(areas->rest, 3);
    if (areas->rest.len > 3 && areas->rest.data[0] == '>' && sl_span_digits(sl_span_skip(areas->rest, 1)) == 3) {
        areas->last = read_number(sl_span_head(sl_span_skip(areas->rest, 1), 3));
        areas->rest = sl_span_skip(areas->rest, 4);
    }
    return true;
}

static void skip_to_next_area(struct areas *areas)
{
    while (areas->rest.len != 0 && !is_alnum(areas->rest.data[0]))
        areas->rest = sl_span_skip(areas->rest, 1);
}

static bool next_area(struct areas *areas, char code[6])
{
    while (areas->next > areas->last) {
        skip_to_next_area(areas);
        if (areas->rest.len == 0)
            return false;
        if (is_area_code(areas->rest)) {
            memcpy(areas->prefix, areas->rest.data, 3);
            areas->rest = sl_span_skip(areas->rest, 3);
            if (sl_is_upper(areas->rest.data[0])) {
                memcpy(code, areas->prefix, 3);
                memcpy(code + 3, "ALL", 3);
                areas->rest = sl_span_skip(areas->rest, 3);
                return true;
            }
        }
        if (areas->prefix[0] == '\0' || !take_range(areas)) {
            while (areas->rest.len != 0 && is_alnum(areas->rest.data[0]))
                areas->rest = sl_span_skip(areas->rest, 1); /* the time, or noise */
        }
    }
    memcpy(code, areas->prefix, 3);
    put_digits(code + 3, areas->next++, 3);
    return true;
}

static struct areas start_areas(struct sl_span block) { return (struct areas){ block, { 0 }, 1, 0 }; }

/* The next of "Orange-Putnam-Kings (Brooklyn)-", over line ends. */
static bool next_name(struct sl_span *rest, struct sl_span *name)
{
    uint32_t len = 0;
    while (len < rest->len && rest->data[len] != '-')
        len++;
    *name = sl_span_trim(sl_span_head(*rest, len));
    *rest = sl_span_skip(*rest, len < rest->len ? len + 1 : len);
    return name->len != 0;
}

/* Has each area its name?  A hyphen inside a name would give the wrong ones to all behind it. */
static bool names_fit(struct sl_span block, struct sl_span names)
{
    struct areas areas = start_areas(block);
    struct sl_span name;
    char code[6];
    uint32_t cnt = 0, name_cnt = 0;
    while (cnt <= PLACES_MAX && next_area(&areas, code))
        cnt++;
    while (name_cnt <= cnt && next_name(&names, &name))
        name_cnt++;
    return cnt == name_cnt && names.len == 0;
}

/* The lines behind areas and events, up to an empty one, a time or a headline. */
static struct sl_span take_names(struct sl_span rest)
{
    struct sl_span names = { rest.data, 0 }, line;
    int64_t time_s;
    for (unsigned i = 0; i < NAME_LINES_MAX && sl_line_next(&rest, &line); i++) {
        line = sl_span_trim(line);
        if (line.len == 0 || line.data[0] == '/' || line.data[0] == '.' || names.len > NAMES_MAX ||
            is_areas_line(line) || sl_wmo_local_time(line, &time_s) || sl_span_starts(line, "including the cit"))
            break;
        names.len = (uint32_t)(rest.data - names.data);
    }
    names = sl_span_trim(names);
    return names.len <= NAMES_MAX ? names : (struct sl_span){ NULL, 0 };
}

static void say_areas(struct sl_wmo *story, struct sl_span block, struct sl_span names)
{
    struct areas areas = start_areas(block);
    struct sl_ref none = { 0, 0 }, scheme = put_word(story, "ugc");
    bool has_names = names.len != 0 && names_fit(block, names);
    char code[6];
    while (!story->is_surplus && next_area(&areas, code)) {
        struct sl_span name;
        if (!may_say_place(story))
            return;
        struct sl_ref code_ref = sl_out_ref(story->out, code, 6), name_ref = none;
        if (has_names && next_name(&names, &name))
            name_ref = sl_wmo_put_again(story, name);
        sl_out_item(story->out, SL_LIST_PLACES, scheme, code_ref, name_ref, none);
    }
}

static void note_purge_time(struct sl_wmo *story, struct sl_span block)
{
    int64_t purge_s;
    if (!ends_in_purge_time(block))
        return;
    struct sl_span time = sl_span_skip(block, block.len - 7);
    /* Half a day behind a product that lives some days at most: nearest means next. */
    if (sl_wmo_nearest(
            (uint8_t)read_number(sl_span_head(time, 2)), (uint8_t)read_number(sl_span_head(sl_span_skip(time, 2), 2)),
            (uint8_t)read_number(sl_span_head(sl_span_skip(time, 4), 2)), story->created_s + 12 * 86400, &purge_s) &&
        purge_s > story->expires_s)
        story->expires_s = purge_s;
}

/* ---- events ---- */

/* "120415T0327Z"; all zeros: not said. */
static bool read_event_time(const uint8_t *text, int64_t *s)
{
    struct sl_span date = { text, 6 }, time = { text + 7, 4 };
    *s = INT64_MIN;
    if (sl_span_digits(date) != 6 || text[6] != 'T' || sl_span_digits(time) != 4 || text[11] != 'Z')
        return false;
    struct sl_civil civil = {
        .year = 2000 + (int32_t)read_number(sl_span_head(date, 2)),
        .month = (uint8_t)read_number(sl_span_head(sl_span_skip(date, 2), 2)),
        .day = (uint8_t)read_number(sl_span_skip(date, 4)),
        .hour = (uint8_t)read_number(sl_span_head(time, 2)),
        .minute = (uint8_t)read_number(sl_span_skip(time, 2)),
    };
    if (sl_civil_valid(&civil))
        *s = sl_civil_to_s(&civil);
    return true;
}

bool sl_wmo_event_read(struct sl_span line, struct sl_wmo_event *event)
{
    static const char shape[] = "/A.AAA.XXXX.AA.A.0000."; /* A a letter, X one or a digit, 0 a digit */
    if (line.len < 48 || line.data[47] != '/' || line.data[34] != '-')
        return false;
    for (uint32_t i = 0; i < sizeof(shape) - 1; i++) {
        uint8_t byte = line.data[i];
        bool fits = shape[i] == 'A'   ? sl_is_upper(byte)
                    : shape[i] == 'X' ? is_alnum(byte)
                    : shape[i] == '0' ? sl_is_digit(byte)
                                      : byte == (uint8_t)shape[i];
        if (!fits)
            return false;
    }
    event->class = (char)line.data[1];
    memcpy(event->action, line.data + 3, 3);
    memcpy(event->office, line.data + 7, 4);
    memcpy(event->phenomenon, line.data + 12, 2);
    event->significance = (char)line.data[15];
    memcpy(event->number, line.data + 17, 4);
    return read_event_time(line.data + 22, &event->begin_s) && read_event_time(line.data + 35, &event->end_s);
}

uint8_t sl_wmo_urgency_of_events(struct sl_span text)
{
    uint8_t urgency = 0;
    const uint8_t *slash;
    while (text.len != 0 && (slash = memchr(text.data, '/', text.len)) != NULL) {
        struct sl_wmo_event event;
        text = sl_span_skip(text, (uint32_t)(slash - text.data));
        if (sl_wmo_event_read(text, &event)) {
            uint8_t its = sl_wmo_event_urgency(&event);
            urgency = urgency == 0 || its < urgency ? its : urgency;
        }
        text = sl_span_skip(text, 1);
    }
    return urgency;
}

static bool action_is(const struct sl_wmo_event *event, const char *action)
{
    return memcmp(event->action, action, 3) == 0;
}

/* OFFICE.PHENOMENON.SIGNIFICANCE.NUMBER.YEAR; the numbers start again each year. */
static void write_key(const struct sl_wmo *story, const struct sl_wmo_event *event, char key[24])
{
    struct sl_civil civil;
    sl_civil_from_s(&civil, event->begin_s != INT64_MIN ? event->begin_s : story->created_s);
    memset(key, '.', KEY_LEN);
    memcpy(key, event->office, 4);
    memcpy(key + 5, event->phenomenon, 2);
    key[8] = event->significance;
    memcpy(key + 10, event->number, 4);
    put_digits(key + 15, (uint32_t)civil.year, 4);
}

/* "Tornado Warning" */
static struct sl_ref put_event_name(struct sl_wmo *story, const struct sl_wmo_event *event)
{
    const char *what = sl_wmo_phenomenon(event->phenomenon), *how = sl_wmo_significance(event->significance);
    sl_out_open(story->out);
    if (what)
        sl_out_put(story->out, what, (uint32_t)strlen(what));
    if (what && how) {
        sl_out_putc(story->out, ' ');
        sl_out_put(story->out, how, (uint32_t)strlen(how));
    }
    return sl_out_close(story->out);
}

/* What has become of it: the verb of the reference. */
static const char *deed_of(const struct sl_wmo_event *event)
{
    if (action_is(event, "CAN"))
        return "cancel";
    if (action_is(event, "EXP"))
        return "expire";
    if (action_is(event, "UPG"))
        return "replace";
    if (action_is(event, "COR"))
        return "correct";
    return "update";
}

static void weigh_event(struct sl_wmo *story, const struct sl_wmo_event *event)
{
    uint8_t urgency = sl_wmo_event_urgency(event);
    if (event->class == 'T')
        story->has_test_event = true;
    if (action_is(event, "NEW")) {
        story->has_new = true;
        story->has_alert |= event->significance == 'W' || event->significance == 'A';
    } else if (sl_wmo_event_has_ended(event)) {
        story->has_ended = true;
    } else if (action_is(event, "COR")) {
        story->has_correction = true;
    } else if (!action_is(event, "ROU")) {
        story->has_going_on = true;
    }
    if (story->event_urgency == 0 || urgency < story->event_urgency)
        story->event_urgency = urgency;
}

/* The event is another name of the story, and what a message does to it stands in the references. */
static void say_event(struct sl_wmo *story, const struct sl_wmo_event *event)
{
    static const struct sl_ref none;
    char code[4] = { event->phenomenon[0], event->phenomenon[1], '.', event->significance };
    char key[24];
    weigh_event(story, event);
    if (story->event_cnt == SL_WMO_EVENTS_MAX)
        return;
    write_key(story, event, key);
    bool is_known = false;
    for (uint32_t i = 0; i < story->event_cnt; i++) {
        if (memcmp(story->event_key[i], key, KEY_LEN) != 0)
            continue;
        is_known = true;
        if (memcmp(story->event_key[i] + KEY_LEN, event->action, 3) == 0)
            return;
    }
    memcpy(key + KEY_LEN, event->action, 3);
    memcpy(story->event_key[story->event_cnt++], key, sizeof(key));
    struct sl_ref key_ref = sl_out_ref(story->out, key, KEY_LEN);
    if (!is_known) {
        sl_out_item(story->out, SL_LIST_ALT_IDS, put_word(story, "vtec"), key_ref, none, none);
        sl_out_item(story->out, SL_LIST_SUBJECTS, put_word(story, "vtec"), sl_out_ref(story->out, code, sizeof(code)),
                    put_event_name(story, event), none);
    }
    if (action_is(event, "NEW") || action_is(event, "ROU"))
        return;
    sl_out_item(story->out, SL_LIST_REFERENCES, put_word(story, deed_of(event)), key_ref, none, none);
    if (sl_out_get(story->out, SL_TEXT_EVOLVED_FROM).len == 0)
        sl_out_set(story->out, SL_TEXT_EVOLVED_FROM, key_ref);
}

static void say_gauge(struct sl_wmo *story, struct sl_span line)
{
    static const struct sl_ref none;
    struct sl_span gauge = sl_span_head(sl_span_skip(line, 1), 5);
    if (memcmp(gauge.data, "00000", 5) == 0 || !may_say_place(story))
        return;
    sl_out_item(story->out, SL_LIST_PLACES, put_word(story, "nwsli"), sl_wmo_put(story, gauge), none, none);
}

/* ---- figures ---- */

struct points {
    struct sl_span rest;
    bool is_east; /* Guam writes eastern longitudes */
};

static void put_degrees(struct sl_out *out, int32_t hundredths)
{
    char text[12];
    unsigned len = sizeof(text);
    uint32_t size = (uint32_t)(hundredths < 0 ? -hundredths : hundredths);
    text[--len] = (char)('0' + size % 10);
    text[--len] = (char)('0' + size / 10 % 10);
    text[--len] = '.';
    size /= 100;
    do {
        text[--len] = (char)('0' + size % 10);
        size /= 10;
    } while (size != 0);
    if (hundredths < 0)
        text[--len] = '-';
    sl_out_put(out, text + len, (uint32_t)sizeof(text) - len);
}

/* "3791 9728", "3791 10412", or both in one, "35468967", as the storm centre writes them. */
static bool next_point(struct points *points, int32_t *lat, int32_t *lon)
{
    points->rest = sl_span_skip_white(points->rest);
    uint32_t len = sl_span_digits(points->rest), lat_len = len == 8 ? 4 : len;
    if (lat_len < 3 || lat_len > 4)
        return false;
    *lat = (int32_t)read_number(sl_span_head(points->rest, lat_len));
    points->rest = sl_span_skip_white(sl_span_skip(points->rest, lat_len));
    len = sl_span_digits(points->rest);
    if (len < 4 || len > 5)
        return false;
    *lon = (int32_t)read_number(sl_span_head(points->rest, len));
    points->rest = sl_span_skip(points->rest, len);
    if (len == 4 && *lon < 4000 && !points->is_east)
        *lon += 10000; /* the hundred is left out */
    if (*lon > 18000)
        *lon = 36000 - *lon; /* across the date line */
    else if (!points->is_east)
        *lon = -*lon;
    return *lat <= 9000 && *lon >= -18000;
}

static void put_point(struct sl_out *out, int32_t lat, int32_t lon)
{
    sl_out_putc(out, '[');
    put_degrees(out, lon);
    sl_out_putc(out, ',');
    put_degrees(out, lat);
    sl_out_putc(out, ']');
}

/* The points as they follow; gives how many. */
static uint32_t put_points(struct sl_out *out, struct points points, bool is_ring)
{
    int32_t lat, lon, first_lat = 0, first_lon = 0;
    uint32_t cnt = 0;
    for (; cnt < POINTS_MAX && next_point(&points, &lat, &lon); cnt++) {
        if (cnt == 0) {
            first_lat = lat;
            first_lon = lon;
        } else {
            sl_out_putc(out, ',');
        }
        put_point(out, lat, lon);
        /* Some offices close the ring themselves. */
        if (is_ring && cnt > 2 && lat == first_lat && lon == first_lon)
            return cnt + 1;
    }
    if (is_ring && cnt != 0) {
        sl_out_putc(out, ',');
        put_point(out, first_lat, first_lon);
    }
    return cnt;
}

static void put_literal(struct sl_out *out, const char *text) { sl_out_put(out, text, (uint32_t)strlen(text)); }

static void say_figure(struct sl_wmo *story, struct sl_span code, struct points points, bool is_polygon)
{
    struct sl_out *out = story->out;
    static const struct sl_ref none;
    struct points probe = points;
    int32_t lat, lon;
    uint32_t cnt = 0;
    while (cnt < 3 && next_point(&probe, &lat, &lon))
        cnt++;
    if (cnt < (is_polygon ? 3 : 1) || !may_say_place(story))
        return;
    struct sl_ref scheme = put_word(story, is_polygon ? "lat-lon" : "time-mot-loc"), code_ref = none;
    if (code.len != 0)
        code_ref = sl_wmo_put(story, code);
    sl_out_open(out);
    put_literal(out, is_polygon ? "{\"type\":\"Polygon\",\"coordinates\":[["
                     : cnt == 1 ? "{\"type\":\"Point\",\"coordinates\":"
                                : "{\"type\":\"LineString\",\"coordinates\":[");
    put_points(out, points, is_polygon);
    put_literal(out, is_polygon ? "]]}" : cnt == 1 ? "}" : "]}");
    sl_out_item(out, SL_LIST_PLACES, scheme, code_ref, none, sl_out_close(out));
}

/* block: "LAT...LON ..." or "TIME...MOT...LOC ..." with the lines that go on with it. */
static void say_block_of_figures(struct sl_wmo *story, struct sl_span block)
{
    bool is_polygon = sl_span_starts(block, "LAT");
    struct points points = { sl_span_skip(block, is_polygon ? 9 : 16),
                             story->heading.office.data[0] == 'P' && story->heading.office.data[1] == 'G' };
    struct sl_span code = { NULL, 0 };
    if (!is_polygon) {
        /* "0326Z 230DEG 45KT" */
        points.rest = sl_span_skip_white(points.rest);
        code.data = points.rest.data;
        for (unsigned i = 0; i < 3; i++) {
            struct sl_span word = sl_span_word(sl_span_skip_white(points.rest));
            points.rest = sl_span_skip(points.rest, (uint32_t)(word.data + word.len - points.rest.data));
        }
        code.len = (uint32_t)(points.rest.data - code.data);
        code = sl_span_head(code, 40);
    }
    say_figure(story, code, points, is_polygon);
}

/* "38.8N", "74.4W": in hundredths; false: something else. */
static bool take_degrees(struct sl_span *rest, const char *sides, int32_t *hundredths)
{
    struct sl_span word = sl_span_word(*rest);
    uint32_t whole = sl_span_digits(word);
    if (whole == 0 || whole > 3 || word.len != whole + 3 || word.data[whole] != '.' ||
        !sl_is_digit(word.data[whole + 1]))
        return false;
    uint8_t side = word.data[whole + 2];
    *hundredths = (int32_t)(read_number(sl_span_head(word, whole)) * 100 + (word.data[whole + 1] - '0') * 10u);
    if (side == (uint8_t)sides[1])
        *hundredths = -*hundredths;
    *rest = sl_span_skip_white(sl_span_skip(*rest, word.len));
    return side == (uint8_t)sides[0] || side == (uint8_t)sides[1];
}

/* "LOCATION...38.8N 74.4W": where a storm is. */
static void say_location(struct sl_wmo *story, struct sl_span line)
{
    static const struct sl_ref none;
    struct sl_span rest = sl_span_skip(line, 11);
    int32_t lat, lon;
    if (!take_degrees(&rest, "NS", &lat) || !take_degrees(&rest, "EW", &lon) || lat > 9000 || lat < -9000 ||
        lon > 18000 || lon < -18000 || !may_say_place(story))
        return;
    struct sl_ref scheme = put_word(story, "location");
    sl_out_open(story->out);
    put_literal(story->out, "{\"type\":\"Point\",\"coordinates\":");
    put_point(story->out, lat, lon);
    sl_out_putc(story->out, '}');
    sl_out_item(story->out, SL_LIST_PLACES, scheme, none, none, sl_out_close(story->out));
}

/* ---- all of them ---- */

static void say_block_of_areas(struct sl_wmo *story, struct sl_span block, struct sl_span behind)
{
    struct sl_span line, after = behind;
    struct sl_wmo_lines lines = { false, false };
    note_purge_time(story, block);
    if (story->is_surplus)
        return;
    while (sl_line_next(&after, &line)) {
        enum sl_wmo_line is = sl_wmo_line_of(&lines, sl_span_trim(line));
        if (is != SL_WMO_EVENT && is != SL_WMO_RIVER)
            break;
        behind = after;
    }
    say_areas(story, block, take_names(behind));
}

void sl_wmo_say_segments(struct sl_wmo *story)
{
    struct sl_span rest = story->text, line, block = { NULL, 0 };
    struct sl_wmo_lines lines = { false, false };
    uint32_t figure_cnt = 0, location_cnt = 0;
    enum sl_wmo_line before = SL_WMO_EMPTY;
    bool is_there = true;
    while (is_there) {
        struct sl_span behind = rest;
        is_there = sl_line_next(&rest, &line);
        line = is_there ? sl_span_trim(line) : (struct sl_span){ rest.data, 0 };
        enum sl_wmo_line is = sl_wmo_line_of(&lines, line);
        struct sl_wmo_event event;
        bool goes_on = is == before && (is == SL_WMO_AREAS || (is == SL_WMO_FIGURE && sl_is_digit(line.data[0])));
        if (goes_on) {
            block.len = (uint32_t)(line.data + line.len - block.data);
            continue;
        }
        if (before == SL_WMO_AREAS)
            say_block_of_areas(story, block, behind);
        else if (before == SL_WMO_FIGURE && figure_cnt++ < FIGURES_MAX)
            say_block_of_figures(story, block);
        if (is == SL_WMO_EVENT && sl_wmo_event_read(line, &event))
            say_event(story, &event);
        else if (is == SL_WMO_RIVER)
            say_gauge(story, line);
        else if (is == SL_WMO_WORDS && line.data[0] == 'L' && location_cnt < LOCATIONS_MAX &&
                 sl_span_starts(line, "LOCATION...")) {
            say_location(story, line);
            location_cnt++;
        }
        block = line;
        before = is;
    }
    if (story->is_surplus)
        sl_out_note(story->out, "more places than fit: the last were left out");
}
