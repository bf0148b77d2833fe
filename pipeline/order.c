#include "pipeline/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MASK         (SL_ORDER_WINDOW - 1)
#define FAR          65536u /* numbers ahead that one datagram alone is not believed */
#define ASK_FIRST_NS 500000ll /* a skew between lines is no loss: nobody is asked before */
#define ASK_CNT_MAX  1000u /* messages in one request: answers come in datagrams of some 1,400 bytes */

/* ---- parked messages: a ring of records, freed in any order, reclaimed from the oldest ---- */

struct parked {
    uint32_t len; /* of the message; record_len with its head and padding */
    uint32_t record_len;
    bool free;
};

struct park {
    uint8_t *mem;
    uint32_t cap, head, tail, used;
};

static uint32_t record_len(uint32_t len) { return ((uint32_t)sizeof(struct parked) + len + 7) & ~7u; }

static struct parked *park_at(const struct park *park, uint32_t off)
{
    return (struct parked *)(void *)(park->mem + off);
}

/* Room at off for one record, or false.  A record never wraps: what is left before the end is skipped. */
static bool park_claim(struct park *park, uint32_t len, uint32_t *off)
{
    uint32_t need = record_len(len), to_end = park->cap - park->head;
    uint32_t skipped = need > to_end ? to_end : 0;
    if (need > park->cap || skipped + need > park->cap - park->used)
        return false;
    if (skipped >= sizeof(struct parked))
        *park_at(park, park->head) = (struct parked){ .record_len = skipped, .free = true };
    *off = skipped ? 0 : park->head;
    *park_at(park, *off) = (struct parked){ .len = len, .record_len = need };
    park->used += skipped + need;
    park->head = *off + need == park->cap ? 0 : *off + need;
    return true;
}

static void park_free(struct park *park, uint32_t off)
{
    park_at(park, off)->free = true;
    while (park->used) {
        uint32_t to_end = park->cap - park->tail;
        const struct parked *oldest = park_at(park, park->tail);
        /* Too short for a head: it can only have been skipped. */
        uint32_t len = to_end < sizeof(*oldest) ? to_end : oldest->free ? oldest->record_len : 0;
        if (!len)
            return;
        park->used -= len;
        park->tail = park->tail + len == park->cap ? 0 : park->tail + len;
    }
    park->head = park->tail = 0; /* warm again */
}

/* ---- one feed's window ---- */

enum slot_state { SLOT_EMPTY, SLOT_PARKED, SLOT_GIVEN };

/* Stays after its message was given, so that the other line's copy can be compared with it. */
struct slot {
    uint64_t seq;
    uint8_t state;
    uint8_t lines; /* that brought it, a bit each */
    uint16_t line; /* the first that did */
    uint8_t wire_source;
    uint32_t off; /* PARKED */
    int64_t wire_ns, rx_ns;
    int64_t seen_ns; /* by the clock of poll */
};

struct window {
    const struct sl_feed *feed;
    sl_cell *books;
    struct slot *slots;
    struct park park;
    uint8_t session[SL_MOLD_SESSION_LEN], before[SL_MOLD_SESSION_LEN];
    bool started, has_before;
    bool has_server;
    uint64_t next; /* number that is to be given next */
    uint64_t end; /* one behind the last that is known to exist */
    uint64_t far; /* a number too far ahead to be believed alone; 0 none */
    bool behind_gap; /* the next message is the first behind a gap */
    uint64_t gap_first, gap_cnt; /* to be named, and there was no room yet; cnt 0 none */
    uint64_t hole_at; /* next, when that one is missing; 0 none is */
    int64_t hole_since_ns;
    int64_t ask_ns, ask_wait_ns; /* when, and how long after that again */
    uint16_t line; /* that brought the last datagram: whom a gap is put down to */
};

struct sl_order {
    struct sl_order_config config;
    struct window **of_line; /* NULL: its feed numbers nothing */
    uint8_t *line_bit; /* of a line among its feed's */
    struct window *windows;
    uint32_t window_cnt;
    int64_t now_ns; /* of the last poll */
    int handed;
};

static bool is_numbered(const struct sl_feed *feed) { return feed->framing == SL_FRAMING_MOLDUDP64; }

static int make_window(struct sl_order *order, uint32_t feed)
{
    struct window *window = &order->windows[order->window_cnt++];
    const struct sl_feed *of = &order->config.feeds[feed];
    uint64_t park_len = (of->park_len + 7) & ~7ull;
    /* The longest message must fit wherever the ring's end is. */
    if (park_len < 2ull * record_len(of->message_max) || park_len > UINT32_MAX / 2)
        return -EINVAL;
    window->feed = of;
    window->books = sl_books_rx(order->config.books, feed);
    window->slots = calloc(SL_ORDER_WINDOW, sizeof(*window->slots));
    window->park = (struct park){ .mem = malloc(park_len), .cap = (uint32_t)park_len };
    return window->slots && window->park.mem ? 0 : -ENOMEM;
}

static struct window *window_of(struct sl_order *order, uint32_t feed)
{
    for (uint32_t i = 0; i < order->window_cnt; i++)
        if (order->windows[i].feed == &order->config.feeds[feed])
            return &order->windows[i];
    return NULL;
}

static int make_windows(struct sl_order *order)
{
    uint8_t lines_of[SL_FEEDS_MAX] = { 0 };
    for (uint32_t i = 0; i < order->config.line_cnt; i++) {
        uint32_t feed = order->config.lines[i].feed;
        if (feed >= order->config.feed_cnt || feed >= SL_FEEDS_MAX)
            return -EINVAL;
        if (!is_numbered(&order->config.feeds[feed]))
            continue;
        if (!sl_line_is_datagram(&order->config.lines[i]) && order->config.lines[i].kind != SL_LINE_CAPTURE)
            return -EINVAL;
        int rc = window_of(order, feed) ? 0 : make_window(order, feed);
        if (rc || lines_of[feed] == SL_BOOK_LINES)
            return rc ? rc : -EINVAL;
        order->of_line[i] = window_of(order, feed);
        order->of_line[i]->has_server |= order->config.lines[i].kind == SL_LINE_UDP_REQUEST;
        order->line_bit[i] = lines_of[feed]++;
    }
    return 0;
}

int sl_order_init(struct sl_order **out, const struct sl_order_config *config)
{
    struct sl_order *order = calloc(1, sizeof(*order));
    if (!order)
        return -ENOMEM;
    order->config = *config;
    order->of_line = calloc(config->line_cnt + 1, sizeof(struct window *));
    order->line_bit = calloc(config->line_cnt + 1, sizeof(*order->line_bit));
    order->windows = calloc(config->feed_cnt + 1, sizeof(*order->windows));
    int rc = order->of_line && order->line_bit && order->windows ? make_windows(order) : -ENOMEM;
    if (rc) {
        sl_order_fini(order);
        return rc;
    }
    *out = order;
    return 0;
}

void sl_order_fini(struct sl_order *order)
{
    if (!order)
        return;
    for (uint32_t i = 0; i < order->window_cnt; i++) {
        free(order->windows[i].slots);
        free(order->windows[i].park.mem);
    }
    free(order->windows);
    free(order->line_bit);
    free(order->of_line);
    free(order);
}

/* ---- handing on ---- */

static void hand_on(struct sl_order *order, struct window *window, const struct slot *slot, const uint8_t *data,
                    uint32_t len, bool after_gap)
{
    struct sl_packet packet = {
        .data = data,
        .len = len,
        .line = slot->line,
        .datagram = true,
        .flags = after_gap ? SL_RECORD_AFTER_GAP : 0,
        .wire_source = slot->wire_source,
        .wire_ns = slot->wire_ns,
        .rx_ns = slot->rx_ns,
    };
    sl_cell_add(&window->books[SL_RX_ORDER_ONCE], 1);
    if (len) /* an empty message says nothing, but it has a number */
        order->config.sink.take(order->config.sink.ctx, &packet);
    order->handed++;
}

/* Everything from next on that is there. */
static void drain(struct sl_order *order, struct window *window)
{
    while (window->next < window->end && !window->gap_cnt) {
        struct slot *slot = &window->slots[window->next & MASK];
        if (slot->seq != window->next || slot->state == SLOT_EMPTY)
            break;
        if (slot->state == SLOT_PARKED) {
            const struct parked *parked = park_at(&window->park, slot->off);
            hand_on(order, window, slot, (const uint8_t *)(parked + 1), parked->len, window->behind_gap);
            park_free(&window->park, slot->off);
            slot->state = SLOT_GIVEN;
        }
        window->behind_gap = false;
        window->next++;
    }
}

/* ---- holes ---- */

/* The first number from next on that has come, or end. */
static uint64_t find_come(const struct window *window)
{
    uint64_t seq = window->next;
    uint64_t last = window->end - seq > SL_ORDER_WINDOW ? seq + SL_ORDER_WINDOW : window->end;
    for (; seq < last; seq++) {
        const struct slot *slot = &window->slots[seq & MASK];
        if (slot->seq == seq && slot->state != SLOT_EMPTY)
            return seq;
    }
    return window->end;
}

/* Looks whether something is missing at next, and since when. */
static void look_for_hole(struct sl_order *order, struct window *window)
{
    bool missing = window->next < window->end;
    if (missing && window->hole_at == window->next)
        return;
    window->hole_at = missing ? window->next : 0;
    if (!missing)
        return;
    uint64_t come = find_come(window);
    window->hole_since_ns = come < window->end ? window->slots[come & MASK].seen_ns : order->now_ns;
    window->ask_wait_ns = ASK_FIRST_NS;
    window->ask_ns = window->hole_since_ns + ASK_FIRST_NS;
}

static bool name_gap(struct sl_order *order, struct window *window)
{
    if (!window->gap_cnt)
        return true;
    if (!order->config.gap(order->config.sink.ctx, window->line, window->gap_first, window->gap_cnt))
        return false;
    window->gap_cnt = 0;
    order->handed++;
    return true;
}

/* Names what is to be named, hands on what may then go, and gives up the hole at next, up to but without limit.
 * False: no room. */
static bool give_up(struct sl_order *order, struct window *window, uint64_t limit)
{
    if (!name_gap(order, window))
        return false;
    drain(order, window);
    uint64_t come = find_come(window);
    come = come < limit ? come : limit;
    if (come > window->next) {
        sl_cell_add(&window->books[SL_RX_ORDER_LOST], come - window->next);
        sl_cell_add(&window->books[SL_RX_ORDER_GAPS], 1);
        window->gap_first = window->next;
        window->gap_cnt = come - window->next;
        window->behind_gap = true;
        window->next = come;
        if (name_gap(order, window))
            drain(order, window);
    }
    look_for_hole(order, window);
    return true;
}

static void ask(struct sl_order *order, struct window *window)
{
    uint8_t data[SL_MOLD_HEADER_LEN];
    uint64_t cnt = find_come(window) - window->next;
    struct sl_mold header = { .seq = window->next, .cnt = (uint16_t)(cnt < ASK_CNT_MAX ? cnt : ASK_CNT_MAX) };
    memcpy(header.session, window->session, sizeof(header.session));
    sl_mold_write(data, &header);
    uint32_t feed = (uint32_t)(window->feed - order->config.feeds);
    order->config.request(order->config.request_ctx, (uint16_t)feed, data, sizeof(data));
    sl_cell_add(&window->books[SL_RX_ORDER_ASKED], 1);
    window->ask_ns = order->now_ns + window->ask_wait_ns;
    window->ask_wait_ns *= 2;
}

/* ---- datagrams ---- */

/* Whose copy came first, and by how much. */
static void count_race(struct sl_order *order, struct window *window, struct slot *slot, const struct sl_packet *packet)
{
    uint8_t bit = order->line_bit[packet->line];
    if (slot->lines & 1u << bit)
        return;
    bool second = slot->lines && !(slot->lines & (slot->lines - 1));
    slot->lines |= (uint8_t)(1u << bit);
    sl_cell_add(&window->books[SL_RX_ORDER_LINE + bit], 1);
    if (!second)
        return;
    int64_t lead_ns = packet->rx_ns - slot->rx_ns;
    unsigned bucket = lead_ns <= 1 ? 0 : 63u - (unsigned)__builtin_clzll((uint64_t)lead_ns);
    sl_cell_add(&window->books[SL_RX_ORDER_LEAD + (bucket < SL_BOOK_LEADS ? bucket : SL_BOOK_LEADS - 1)], 1);
}

static void fill_slot(struct sl_order *order, struct window *window, struct slot *slot, uint64_t seq,
                      const struct sl_packet *packet)
{
    *slot = (struct slot){
        .seq = seq,
        .state = SLOT_GIVEN,
        .line = packet->line,
        .wire_source = packet->wire_source,
        .wire_ns = packet->wire_ns,
        .rx_ns = packet->rx_ns,
        .seen_ns = order->now_ns,
    };
    sl_cell_add(&window->books[SL_RX_ORDER_WINS + order->line_bit[packet->line]], 1);
    count_race(order, window, slot, packet);
}

/* Behind a hole: FLASH goes on at once, the others wait for what is missing. */
static bool park_or_flash(struct sl_order *order, struct window *window, uint64_t seq, const struct sl_packet *packet,
                          const uint8_t *data, uint32_t len)
{
    struct slot *slot = &window->slots[seq & MASK];
    uint32_t off;
    if (len && sl_peek_lane_by(window->feed->format, window->feed->facts.profile, data, len) == SL_LANE_FLASH) {
        fill_slot(order, window, slot, seq, packet);
        hand_on(order, window, slot, data, len, true);
        return true;
    }
    if (!park_claim(&window->park, len, &off))
        return false;
    fill_slot(order, window, slot, seq, packet);
    slot->state = SLOT_PARKED;
    slot->off = off;
    if (len)
        memcpy(park_at(&window->park, off) + 1, data, len);
    return true;
}

static void give_now(struct sl_order *order, struct window *window, const struct sl_packet *packet, const uint8_t *data,
                     uint32_t len)
{
    struct slot *slot = &window->slots[window->next & MASK];
    fill_slot(order, window, slot, window->next, packet);
    hand_on(order, window, slot, data, len, window->behind_gap);
    window->behind_gap = false;
    window->next++;
}

/* True when this message was new.  One for which there is no room in the window or the park makes the oldest hole be
 * given up early; one that nobody has room for is not taken: it will be missing, and named when there is room. */
static bool take_message(struct sl_order *order, struct window *window, uint64_t seq, const struct sl_packet *packet,
                         const uint8_t *data, uint32_t len)
{
    struct slot *slot = &window->slots[seq & MASK];
    bool come = slot->seq == seq && slot->state != SLOT_EMPTY;
    if (come)
        count_race(order, window, slot, packet);
    if (come || seq < window->next)
        return false;
    for (;;) {
        uint64_t ahead = seq - window->next;
        if (!ahead && !window->gap_cnt) {
            give_now(order, window, packet, data, len);
            return true;
        }
        if (ahead < SL_ORDER_WINDOW && park_or_flash(order, window, seq, packet, data, len))
            return true;
        if (!give_up(order, window, ahead < SL_ORDER_WINDOW ? seq : seq - SL_ORDER_WINDOW + 1))
            return false;
    }
}

static void start_session(struct window *window, const struct sl_mold *header)
{
    memcpy(window->before, window->session, sizeof(window->before));
    window->has_before = window->started;
    /* Who joins late has lost nothing; who sees a session begin knows that it begins at 1. */
    window->next = window->end = window->started ? 1 : header->seq;
    memcpy(window->session, header->session, sizeof(window->session));
    window->started = true;
    window->far = 0;
    window->hole_at = 0;
    for (uint32_t i = 0; i < SL_ORDER_WINDOW; i++)
        window->slots[i].state = SLOT_EMPTY;
}

/* All that is still missing of a session is lost.  False: no room for its gaps. */
static bool end_session(struct sl_order *order, struct window *window)
{
    while (window->next < window->end || window->gap_cnt)
        if (!give_up(order, window, window->end))
            return false;
    return true;
}

/* A number far ahead, alone, may be a damaged one. */
static bool is_believed(struct window *window, const struct sl_mold *header)
{
    if (header->seq < window->next || header->seq - window->next < FAR)
        return true;
    bool confirmed = window->far && header->seq >= window->far && header->seq - window->far < FAR;
    window->far = confirmed ? 0 : header->seq;
    return confirmed;
}

static bool is_whole(const struct sl_mold *header, const uint8_t *data, uint32_t len)
{
    uint32_t off = SL_MOLD_HEADER_LEN, message_len;
    const uint8_t *message;
    for (uint32_t i = sl_mold_message_cnt(header); i; i--)
        if (!sl_mold_next(data, len, &off, &message, &message_len))
            return false;
    return header->seq != 0 && header->seq <= UINT64_MAX / 2;
}

/* What sl_rx_sink.take says of a datagram. */
#define TAKEN_REPEATED  0u
#define TAKEN_MALFORMED SL_TAKE_BROKEN

/* False: a repeat. */
static bool take_session(struct sl_order *order, struct window *window, const struct sl_mold *header)
{
    if (window->started && !memcmp(window->session, header->session, sizeof(header->session)))
        return true;
    if (window->has_before && !memcmp(window->before, header->session, sizeof(header->session)))
        return false;
    if (!end_session(order, window))
        return false; /* it comes again, or is missing in the new session */
    start_session(window, header);
    return true;
}

static uint32_t take_datagram(struct sl_order *order, struct window *window, const struct sl_packet *packet)
{
    struct sl_mold header;
    if (!sl_mold_read(&header, packet->data, packet->len) || !is_whole(&header, packet->data, packet->len))
        return TAKEN_MALFORMED;
    if (!take_session(order, window, &header))
        return TAKEN_REPEATED;
    if (!is_believed(window, &header))
        return TAKEN_MALFORMED;
    window->line = packet->line;
    uint32_t cnt = sl_mold_message_cnt(&header), off = SL_MOLD_HEADER_LEN, len = 0, new_cnt = 0;
    if (header.seq + cnt > window->end) {
        sl_cell_add(&window->books[SL_RX_ORDER_EXPECTED], header.seq + cnt - window->end);
        window->end = header.seq + cnt;
    }
    for (uint32_t i = 0; i < cnt; i++) {
        const uint8_t *data = NULL;
        sl_mold_next(packet->data, packet->len, &off, &data, &len);
        new_cnt += take_message(order, window, header.seq + i, packet, data, len);
    }
    drain(order, window);
    look_for_hole(order, window);
    return new_cnt || !cnt ? packet->len : TAKEN_REPEATED;
}

uint32_t sl_order_take(void *self, const struct sl_packet *packet)
{
    struct sl_order *order = self;
    struct window *window = order->of_line[packet->line];
    if (!window)
        return order->config.sink.take(order->config.sink.ctx, packet);
    uint32_t took = take_datagram(order, window, packet);
    return took || !packet->waits ? took : packet->len; /* what had come before is not wanted again */
}

void sl_order_line(void *self, uint16_t line, uint16_t conn, enum sl_line_event event)
{
    struct sl_order *order = self;
    order->config.sink.line(order->config.sink.ctx, line, conn, event);
}

static void tend(struct sl_order *order, struct window *window)
{
    if (!name_gap(order, window))
        return;
    drain(order, window);
    look_for_hole(order, window);
    while (window->hole_at && order->now_ns - window->hole_since_ns >= window->feed->reorder_ns)
        if (!give_up(order, window, window->end))
            return;
    if (window->hole_at && window->has_server && order->now_ns >= window->ask_ns)
        ask(order, window);
}

int sl_order_poll(void *self, int64_t now_ns)
{
    struct sl_order *order = self;
    order->now_ns = now_ns;
    for (uint32_t i = 0; i < order->window_cnt; i++)
        tend(order, &order->windows[i]);
    int handed = order->handed;
    bool waits = false;
    order->handed = 0;
    for (uint32_t i = 0; i < order->window_cnt; i++)
        waits |= order->windows[i].hole_at || order->windows[i].gap_cnt;
    return handed || !waits ? handed : -EAGAIN;
}

bool sl_order_end(struct sl_order *order)
{
    bool done = true;
    for (uint32_t i = 0; i < order->window_cnt; i++)
        done &= end_session(order, &order->windows[i]);
    return done;
}
