#include "pipeline/show.h"

#include "parsers/parse.h"
#include "pipeline/clock.h"
#include "pipeline/receipts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *color_of(const struct sl_show *show, const struct sl_event *event, bool kill)
{
    static const char *const lanes[SL_LANE_CNT] = { "\033[1;31m", "\033[1;33m", "\033[32m", "\033[2m" };
    if (!show->color)
        return "";
    return kill ? "\033[1;97;41m" : lanes[event->lane % SL_LANE_CNT];
}

static void print_time(int64_t ns)
{
    time_t seconds = (time_t)(ns / SL_TIME_NS);
    struct tm tm;
    char text[16];
    localtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%H:%M:%S", &tm);
    printf("%s.%06d", text, (int)(ns % SL_TIME_NS / 1000));
}

/* Text of the bulletin holds no control characters but these two. */
static void print_text(struct sl_slice text)
{
    for (uint32_t i = 0; i < text.len; i++)
        putchar(text.data[i] == '\n' || text.data[i] == '\t' ? ' ' : text.data[i]);
}

static void print_what(const struct sl_event *event)
{
    const struct sl_bulletin *bulletin = event->bulletin;
    const char *signal_name = sl_signal_name(bulletin->signal), *kind = sl_kind_name(bulletin->kind);

    if (bulletin->kind == SL_KIND_KILL)
        printf("*** KILL *** ");
    else if (bulletin->kind != SL_KIND_NEWS)
        printf("%s ", kind);
    if (*signal_name && strcmp(signal_name, kind) && bulletin->kind != SL_KIND_KILL)
        printf("%s ", signal_name);
    if (event->verdict != SL_VERDICT_PASSED)
        printf("[%s] ", sl_verdict_name(event->verdict));
    if (event->flags & SL_RECORD_AFTER_GAP)
        printf("[after a gap] ");
}

static struct sl_slice title_of(const struct sl_bulletin *bulletin)
{
    struct sl_slice title = sl_bulletin_text(bulletin, SL_TEXT_HEADLINE);
    if (title.len)
        return title;
    title = sl_bulletin_text(bulletin, SL_TEXT_BODY);
    const char *end = memchr(title.data, '\n', title.len);
    if (end)
        title.len = (uint32_t)(end - title.data);
    return title;
}

static void print_bulletin(const struct sl_show *show, const struct sl_event *event)
{
    struct sl_slice slugline = sl_bulletin_text(event->bulletin, SL_TEXT_SLUGLINE);
    bool kill = event->bulletin->kind == SL_KIND_KILL || event->bulletin->signal == SL_SIGNAL_KILL;

    print_time(event->stamps.read_ns);
    printf(" %s%-6s %s ", color_of(show, event, kill), sl_lane_name(event->lane), event->feed);
    print_what(event);
    print_text(slugline);
    if (slugline.len)
        printf(": ");
    print_text(title_of(event->bulletin));
    printf("%s  %.1f us\n", show->color ? "\033[0m" : "", (double)sl_receipts_whole_ns(event) / 1000.0);
}

static void print_notice(const struct sl_event *event)
{
    print_time(event->stamps.read_ns);
    printf(" %-6s %s ", sl_record_kind_name(event->kind), event->feed);
    if (event->kind == SL_RECORD_GAP)
        printf("%" PRIu64 " missing from %" PRIu64 " ", event->notice_cnt, event->notice_first);
    if (event->kind == SL_RECORD_REJECT)
        printf("%s at byte %" PRIu32 ", expected: ", sl_parse_code_name(event->notice_code), event->notice_off);
    print_text(event->notice_text);
    putchar('\n');
}

static bool wants_color(void)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

void sl_show_init(struct sl_show *show) { *show = (struct sl_show){ .color = wants_color() }; }

void sl_show_fini(struct sl_show *show) { free(show->line); }

void sl_show_people(const struct sl_show *show, const struct sl_event *event)
{
    if (event->type == SL_EVENT_BULLETIN)
        print_bulletin(show, event);
    else
        print_notice(event);
}

bool sl_show_json(struct sl_show *show, const struct sl_event *event)
{
    size_t len = sl_event_json(show->line, show->line_cap, event);
    if (len > show->line_cap) {
        char *line = realloc(show->line, 2 * len);
        if (!line)
            return false;
        show->line = line;
        show->line_cap = 2 * len;
        len = sl_event_json(show->line, show->line_cap, event);
    }
    fwrite(show->line, 1, len, stdout);
    putchar('\n');
    return true;
}
