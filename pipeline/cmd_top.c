#include "pipeline/commands.h"

#ifdef SL_HAVE_NCURSES

#include "pipeline/clock.h"
#include "pipeline/sample.h"

#include <ctype.h>
#include <curses.h>
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REDRAW_NS 250000000ll
#define SAMPLES   5u /* rates are over four redraws: over one alone a slow wire would flicker */
#define CELLS     9u
#define ROWS_MAX  SL_VISIT_FEEDS_MAX
#define NAME_MORE 17 /* then a reader's name of 32 bytes is whole */

struct column {
    const char *title;
    int width; /* < 0: text, which stands left */
};

struct cell {
    double number; /* what it is sorted by, where it has no text of another's */
    const char *name;
    char text[16];
};

struct row {
    struct cell cells[CELLS];
    bool alarm;
};

struct table {
    const char *what;
    const struct column *columns;
    unsigned column_cnt;
    unsigned sort;
    bool reverse;
    uint32_t skip; /* rows scrolled past */
    uint32_t row_cnt;
    struct row rows[ROWS_MAX];
};

enum { FEEDS, READERS, THREADS, TABLE_CNT };

/* With a blank between them, 80 columns at most: where there are more, the name has them. */
/* clang-format off */
static const struct column feed_columns[] = {
    { "feed", -15 },  { "lines", 5 }, { "in/s", 7 }, { "out/s", 7 }, { "bytes/s", 8 },
    { "rejects", 8 }, { "drops", 7 }, { "held", 6 }, { "last", 8 },
};
static const struct column reader_columns[] = {
    { "reader", -15 }, { "state", -7 },  { "seq", 12 },  { "behind", 7 }, { "for ms", 9 },
    { "read/s", 7 },   { "missed", 7 }, { "error", 8 },
};
static const struct column thread_columns[] = {
    { "thread", -25 }, { "busy %", 7 }, { "polls/s", 10 }, { "sleeps/s", 10 }, { "core", 5 },
};
#define TABLE(name, table_columns) \
    { .what = name, .columns = table_columns, .column_cnt = sizeof(table_columns) / sizeof(table_columns[0]) }
/* clang-format on */

static struct top {
    const char *socket;
    struct sl_visit visit;
    struct sl_mem mem;
    struct sl_books books;
    bool joined;
    struct sl_sample samples[SAMPLES];
    unsigned sample_cnt, newest; /* of this walk */
    struct table tables[TABLE_CNT];
    unsigned focus;
    bool paused, helps, types, coloured, quit;
    char filter[32];
} top = {
    .tables = {TABLE("feeds", feed_columns), TABLE("readers", reader_columns), TABLE("threads", thread_columns)}
};

/* ---- the daemon ---- */

static int join(void)
{
    int rc = sl_visit_open(&top.visit, top.socket, SL_HELLO_STATUS_ONLY, "slugline top");

    if (rc)
        return rc;
    rc = sl_visit_books(&top.visit, &top.mem, &top.books);
    if (rc)
        sl_visit_close(&top.visit);
    top.joined = !rc;
    top.sample_cnt = 0;
    return rc;
}

static void leave(void)
{
    if (!top.joined)
        return;
    sl_mem_close(&top.mem);
    sl_visit_close(&top.visit);
    top.joined = false;
}

static const struct sl_sample *sample_now(void) { return &top.samples[top.newest]; }

static const struct sl_sample *sample_then(void)
{
    return &top.samples[(top.newest + SAMPLES + 1 - top.sample_cnt) % SAMPLES];
}

static double rate(uint64_t was, uint64_t is) { return sl_sample_rate(sample_then(), sample_now(), was, is); }

/* ---- the tables' rows ---- */

static void set_text(struct cell *cell, const char *text) { *cell = (struct cell){ .name = text ? text : "" }; }

/* In seven places at most: a rate of millions is read as such. */
static void set_number(struct cell *cell, double number)
{
    static const char units[] = " kMGT";
    unsigned unit = 0;
    double shown = number;

    for (; shown >= 1e6 && units[unit + 1]; unit++)
        shown /= 1e3;
    *cell = (struct cell){ .number = number };
    if (!unit)
        snprintf(cell->text, sizeof(cell->text), "%.0f", shown);
    else
        snprintf(cell->text, sizeof(cell->text), "%.0f%c", shown, units[unit]);
}

static void set_places(struct cell *cell, double number)
{
    *cell = (struct cell){ .number = number };
    snprintf(cell->text, sizeof(cell->text), "%.1f", number);
}

static void set_seq(struct cell *cell, uint64_t seq)
{
    *cell = (struct cell){ .number = (double)seq };
    if (seq < 1000000000000)
        snprintf(cell->text, sizeof(cell->text), "%" PRIu64, seq);
    else
        snprintf(cell->text, sizeof(cell->text), "%.4fT", (double)seq / 1e12);
}

static void set_age(struct cell *cell, int64_t since_ns, int64_t now_ns)
{
    double age_s = (double)(now_ns - since_ns) / 1e9;

    *cell = (struct cell){ .number = since_ns ? age_s : 1e18 };
    if (!since_ns)
        snprintf(cell->text, sizeof(cell->text), "never");
    else if (age_s < 6000)
        snprintf(cell->text, sizeof(cell->text), "%.1f s", age_s);
    else
        snprintf(cell->text, sizeof(cell->text), "%.0f h", age_s / 3600);
}

/* The next row of this table, when its name passes the filter. */
static struct row *add_row(struct table *table, const char *name)
{
    if (table->row_cnt == ROWS_MAX || (top.filter[0] && !strcasestr(name, top.filter)))
        return NULL;
    struct row *row = &table->rows[table->row_cnt++];
    row->alarm = false;
    set_text(&row->cells[0], name);
    return row;
}

static void fill_feeds(struct table *table)
{
    for (uint32_t i = 0; i < top.books.feed_cnt; i++) {
        const struct sl_feed_sums *was = &sample_then()->feeds[i], *is = &sample_now()->feeds[i];
        struct row *row = add_row(table, top.visit.feed[i]);
        if (!row)
            continue;
        set_number(&row->cells[1], (double)is->lines_up);
        set_number(&row->cells[2], rate(was->framed, is->framed));
        set_number(&row->cells[3], rate(was->published, is->published));
        set_number(&row->cells[4], rate(was->bytes, is->bytes));
        set_number(&row->cells[5], (double)is->rejected);
        set_number(&row->cells[6], (double)(is->dropped + is->kernel_drops));
        set_number(&row->cells[7], (double)is->held);
        set_age(&row->cells[8], is->last_ns, sample_now()->real_ns);
        row->alarm = !is->lines_up || is->dropped + is->kernel_drops > was->dropped + was->kernel_drops;
    }
}

static void fill_readers(struct table *table)
{
    for (uint32_t i = 0; i < SL_LOG_SEATS; i++) {
        const struct sl_reader_stand *was = &sample_then()->readers[i], *is = &sample_now()->readers[i];
        struct row *row = is->state == SL_READER_AWAY ? NULL : add_row(table, is->name);
        if (!row)
            continue;
        set_text(&row->cells[1], sl_reader_state_name(is->state));
        set_seq(&row->cells[2], is->seq);
        set_number(&row->cells[3], (double)is->lag);
        set_places(&row->cells[4], (double)is->lag_ns / 1e6);
        set_number(&row->cells[5], was->state == SL_READER_AWAY ? 0 : rate(was->seq, is->seq));
        set_number(&row->cells[6], (double)is->missed);
        set_text(&row->cells[7], is->error ? sl_reader_error_name(is->error) : "none");
        row->alarm = is->state == SL_READER_EVICTED || is->missed > was->missed;
    }
}

static void fill_threads(struct table *table)
{
    const struct sl_sample *then = sample_then(), *now = sample_now();

    for (uint32_t i = 0; i < top.books.thread_cnt; i++) {
        struct row *row = add_row(table, top.visit.thread[i]);
        if (!row)
            continue;
        uint64_t polls = now->threads[i].polls - then->threads[i].polls;
        uint64_t busy = now->threads[i].busy - then->threads[i].busy;
        set_places(&row->cells[1], polls ? 100.0 * (double)busy / (double)polls : 0);
        set_number(&row->cells[2], rate(then->threads[i].polls, now->threads[i].polls));
        set_number(&row->cells[3], rate(then->threads[i].sleeps, now->threads[i].sleeps));
        row->cells[4] = (struct cell){ .number = (double)now->threads[i].core };
        snprintf(row->cells[4].text, sizeof(row->cells[4].text), "%" PRId64, now->threads[i].core);
    }
}

static const struct table *sorted; /* qsort hands nothing through */

static int compare(const void *left, const void *right)
{
    const struct cell *a = &((const struct row *)left)->cells[sorted->sort];
    const struct cell *b = &((const struct row *)right)->cells[sorted->sort];
    int order = a->name ? strcasecmp(a->name, b->name) : (a->number < b->number) - (a->number > b->number);

    /* Equal ones by name, so that rows do not dance. */
    if (!order)
        return strcasecmp(((const struct row *)left)->cells[0].name, ((const struct row *)right)->cells[0].name);
    return sorted->reverse ? -order : order;
}

static void fill_tables(void)
{
    for (unsigned i = 0; i < TABLE_CNT; i++)
        top.tables[i].row_cnt = 0;
    if (!top.joined || !top.sample_cnt)
        return;
    fill_feeds(&top.tables[FEEDS]);
    fill_readers(&top.tables[READERS]);
    fill_threads(&top.tables[THREADS]);
    for (unsigned i = 0; i < TABLE_CNT; i++) {
        sorted = &top.tables[i];
        qsort(top.tables[i].rows, top.tables[i].row_cnt, sizeof(struct row), compare);
    }
}

/* ---- the screen ---- */

static int width_of(const struct table *table, unsigned column)
{
    int width = abs(table->columns[column].width), more = COLS - 80;

    if (column || more <= 0)
        return width;
    return width + (more < NAME_MORE ? more : NAME_MORE);
}

/* At most what is left of the line; curses clips nothing by itself but wraps. */
static void __attribute__((format(printf, 3, 4))) print_at(int line, int left, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (line < LINES && left < COLS)
        mvaddnstr(line, left, text, COLS - left);
}

static void bar(int line, int attribute)
{
    if (line < LINES)
        mvchgat(line, 0, -1, attribute, 0, NULL);
}

static void draw_titles(const struct table *table, int line, bool focus)
{
    int left = 0, sort_left = 0;

    move(line, 0);
    clrtoeol();
    for (unsigned i = 0; i < table->column_cnt; i++) {
        int width = width_of(table, i);
        if (i == table->sort)
            sort_left = left;
        print_at(line, left, table->columns[i].width < 0 ? "%-*s" : "%*s", width, table->columns[i].title);
        left += width + 1;
    }
    bar(line, focus ? A_REVERSE : A_UNDERLINE);
    if (focus && sort_left < COLS && line < LINES)
        mvchgat(line, sort_left, width_of(table, table->sort), A_REVERSE | A_BOLD | A_UNDERLINE, 0, NULL);
}

static void draw_row(const struct table *table, const struct row *row, int line)
{
    int left = 0;

    for (unsigned i = 0; i < table->column_cnt; i++) {
        const struct cell *cell = &row->cells[i];
        const char *text = cell->name ? cell->name : cell->text;
        int width = width_of(table, i);
        print_at(line, left, table->columns[i].width < 0 ? "%-*.*s" : "%*.*s", width, width, text);
        left += width + 1;
    }
    if (row->alarm && line < LINES)
        mvchgat(line, 0, -1, A_BOLD, top.coloured ? 1 : 0, NULL);
}

static void draw_table(struct table *table, int line, int height, bool focus)
{
    uint32_t room = height > 1 ? (uint32_t)height - 1 : 0;

    if (table->skip + room > table->row_cnt)
        table->skip = table->row_cnt > room ? table->row_cnt - room : 0;
    draw_titles(table, line, focus);
    for (uint32_t i = 0; i < room && table->skip + i < table->row_cnt; i++)
        draw_row(table, &table->rows[table->skip + i], line + 1 + (int)i);
    if (table->row_cnt > room && line < LINES) {
        char more[40];
        int len = snprintf(more, sizeof(more), " %" PRIu32 " of %" PRIu32 " ", room, table->row_cnt);
        attron(focus ? A_REVERSE : A_UNDERLINE);
        print_at(line, COLS - len > 0 ? COLS - len : 0, "%s", more);
        attroff(focus ? A_REVERSE : A_UNDERLINE);
    }
}

static void draw_lanes(int line)
{
    static const char *const titles[] = { "lane", "in/s", "out/s", "dropped" };

    for (int i = 0; i < 4; i++)
        print_at(line + i, 0, "%-9s", titles[i]);
    for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
        const struct sl_sample_lane *was = &sample_then()->lanes[lane], *is = &sample_now()->lanes[lane];
        struct cell cells[3];
        set_number(&cells[0], rate(was->framed, is->framed));
        set_number(&cells[1], rate(was->published, is->published));
        set_number(&cells[2], (double)is->dropped);
        int left = 9 + 13 * (int)lane;
        print_at(line, left, "%12s", sl_lane_name(lane));
        for (int i = 0; i < 3; i++)
            print_at(line + 1 + i, left, "%12s", cells[i].text);
    }
    bar(line, A_UNDERLINE);
}

/* As much as each table needs; where that is too much, the longest gives way first. */
static void share_lines(int lines, int heights[TABLE_CNT])
{
    int sum = 0;

    for (unsigned i = 0; i < TABLE_CNT; i++)
        sum += heights[i] = 1 + (int)top.tables[i].row_cnt;
    while (sum > lines) {
        unsigned longest = 0;
        for (unsigned i = 1; i < TABLE_CNT; i++)
            if (heights[i] > heights[longest])
                longest = i;
        if (heights[longest] <= 1)
            return;
        heights[longest]--;
        sum--;
    }
}

static void draw_head(void)
{
    const struct sl_welcome *welcome = top.visit.welcome;
    const struct sl_sample *then = sample_then(), *now = sample_now();
    char durable[64] = "";

    if (!top.joined) {
        print_at(0, 0, "slugline top  %s: no daemon; waiting for it", sl_visit_socket(top.socket));
        return;
    }
    print_at(0, 0, "%s/%s  walk %" PRIu64 "  pid %d  up %.0f s%s%s%s", welcome->node, welcome->tape_name,
             welcome->walk_cnt, welcome->walk_pid, (double)(now->real_ns - welcome->start_ns) / 1e9,
             top.paused ? "  paused" : "", top.filter[0] ? "  filter " : "", top.filter);
    if (now->durable_seq)
        snprintf(durable, sizeof(durable), "  durable to %" PRIu64, now->durable_seq);
    print_at(1, 0, "tape at %" PRIu64 "  %.0f/s%s", now->last_seq, rate(then->last_seq, now->last_seq), durable);
    if (top.paused)
        bar(0, A_BOLD);
}

static void draw_help(void)
{
    static const char *const lines[] = {
        "Tab              the next table: feeds, readers, threads",
        "left, right      sort it by another column",
        "a letter         sort it by the next column that begins with it",
        "r                reverse the order",
        "up, down         scroll it",
        "/                only names with this text in them; Enter keeps it, Esc drops it",
        "p                pause, and go on",
        "h ?              this help",
        "q                quit",
        "",
        "Rates are of the last second.  in: messages framed; out: bulletins put on",
        "the tape; drops: by a full ring or by the kernel; behind: records that a",
        "reader has yet to get; for: how long the first of them has been there.",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        print_at(3 + (int)i, 2, "%s", lines[i]);
}

static void draw(void)
{
    int heights[TABLE_CNT], line = 6;

    erase();
    draw_head();
    if (top.helps) {
        draw_help();
    } else if (top.joined) {
        draw_lanes(2);
        share_lines(LINES - line - 1, heights);
        for (unsigned i = 0; i < TABLE_CNT; line += heights[i], i++)
            draw_table(&top.tables[i], line, heights[i], i == top.focus);
    }
    move(LINES - 1, 0);
    clrtoeol();
    if (top.types)
        print_at(LINES - 1, 0, "/%s_", top.filter);
    else
        print_at(LINES - 1, 0, "q quit  h help  p pause  / filter  Tab table  left/right sort  r reverse");
    bar(LINES - 1, A_REVERSE);
    refresh();
}

/* ---- keys ---- */

static void type(int key)
{
    size_t len = strlen(top.filter);

    if (key == '\n' || key == '\r' || key == KEY_ENTER || key == 27) {
        top.types = false;
        if (key == 27)
            top.filter[0] = '\0';
    } else if ((key == KEY_BACKSPACE || key == 127 || key == 8) && len) {
        top.filter[len - 1] = '\0';
    } else if (key >= ' ' && key < 256 && key != 127 && len + 1 < sizeof(top.filter)) {
        top.filter[len] = (char)key;
        top.filter[len + 1] = '\0';
    }
}

static void sort_by_letter(struct table *table, int key)
{
    for (unsigned i = 1; i <= table->column_cnt; i++) {
        unsigned column = (table->sort + i) % table->column_cnt;
        if (table->columns[column].title[0] == key) {
            table->sort = column;
            return;
        }
    }
}

static void obey(int key)
{
    struct table *table = &top.tables[top.focus];

    switch (key) {
    case 'q':
        top.quit = true;
        break;
    case 'p':
        top.paused = !top.paused;
        break;
    case 'h':
    case '?':
        top.helps = !top.helps;
        break;
    case '/':
        top.types = true;
        break;
    case 27:
        top.helps = false;
        top.filter[0] = '\0';
        break;
    case 'r':
        table->reverse = !table->reverse;
        break;
    case '\t':
        top.focus = (top.focus + 1) % TABLE_CNT;
        break;
    case KEY_LEFT:
        table->sort = (table->sort + table->column_cnt - 1) % table->column_cnt;
        break;
    case KEY_RIGHT:
        table->sort = (table->sort + 1) % table->column_cnt;
        break;
    case KEY_UP:
        table->skip -= table->skip > 0;
        break;
    case KEY_DOWN:
        table->skip++;
        break;
    default:
        sort_by_letter(table, key);
    }
}

/* ---- the command ---- */

static void look(void)
{
    if (top.joined && sl_visit_ended(&top.visit))
        leave();
    if (top.paused && top.joined)
        return;
    if (!top.joined && join())
        return;
    top.newest = (top.newest + 1) % SAMPLES;
    sl_sample_take(&top.samples[top.newest], &top.books);
    top.sample_cnt += top.sample_cnt < SAMPLES;
}

static void watch(void)
{
    int64_t due_ns = sl_clock_mono(NULL);

    while (!top.quit && !sl_stopped) {
        int64_t now_ns = sl_clock_mono(NULL);
        if (now_ns >= due_ns) {
            look();
            due_ns = now_ns + REDRAW_NS;
        }
        fill_tables();
        draw();
        now_ns = sl_clock_mono(NULL);
        timeout(due_ns > now_ns ? (int)((due_ns - now_ns) / 1000000) + 1 : 0);
        int key = getch();
        if (key == ERR || key == KEY_RESIZE)
            continue;
        if (top.types)
            type(key);
        else
            obey(key);
    }
}

static int show(const struct sl_command *command)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        fprintf(stderr, "slugline: top: this is no terminal; slugline status --json tells the same to programs\n");
        return SL_EXIT_FINDING;
    }
    int rc = join();
    if (rc)
        return sl_daemon_refuse(command, top.socket, rc);
    setlocale(LC_CTYPE, "");
    /* Before curses, which would else end the process by itself. */
    sl_hear_stop();
    SCREEN *screen = newterm(NULL, stdout, stdin);
    if (!screen) {
        leave();
        fprintf(stderr, "slugline: top: the terminal '%s' is not known here\n", getenv("TERM") ? getenv("TERM") : "");
        return SL_EXIT_FINDING;
    }
    set_escdelay(50);
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    curs_set(0);
    top.coloured = !getenv("NO_COLOR") && has_colors() && start_color() == OK && use_default_colors() == OK &&
                   init_pair(1, COLOR_RED, -1) == OK;
    watch();
    endwin();
    delscreen(screen);
    leave();
    return SL_EXIT_FINE;
}

#else

#include <stdio.h>

static const char *top_socket;

static int show(const struct sl_command *command)
{
    (void)command;
    fprintf(stderr, "slugline: top: built without ncurses; slugline status tells the same once\n");
    return SL_EXIT_FINDING;
}

#endif

int sl_cmd_top(const struct sl_command *command, int argc, char **argv)
{
    /* clang-format off */
    static const struct sl_option options[] = {
#ifdef SL_HAVE_NCURSES
        SL_OPTION_SOCKET(&top.socket),
#else
        SL_OPTION_SOCKET(&top_socket),
#endif
        { 0 },
    };
    /* clang-format on */
    int status = sl_options_read(command, options, argc, argv);
    return status >= 0 ? status : show(command);
}
