#include "pipeline/joiner.h"

#include "pipeline/slow.h"
#include "pipeline/stages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct feed_state {
    const struct sl_feed *feed;
    sl_cell *books;
    uint64_t arrival; /* of the last message */
    struct sl_joiner *joiner; /* NULL: each message is whole by itself */
};

struct conn { /* a stream; or a line of datagrams, which needs no memory between two of them */
    struct sl_framer framer;
    struct feed_state *feed;
    uint8_t *gather; /* the open unit's bytes from earlier packets; NULL none */
    uint32_t gathered;
    uint32_t open_idx; /* where in frame.open, while it has a gather buffer */
    uint16_t line;
    uint8_t wire_source;
    uint16_t flags; /* of the packet at hand */
    bool down; /* the line is, and there was no room yet for what it left */
    bool paused; /* for want of room */
    bool fresh; /* nothing of this connection or file has come yet */
    uint16_t ack; /* of the packet at hand */
    struct sl_answers *answers; /* each of its messages is acknowledged; NULL: none is */
    int64_t wire_ns, rx_ns; /* of the packet at hand */
    int64_t first_ns; /* of the open unit */
    int64_t open_since_ns; /* by the clock of poll; 0: it was not open at the last poll */
    uint64_t stream_off; /* of the next byte to take */
    uint64_t unit_off; /* of the open unit */
};

struct decoder {
    struct sl_spsc_tx lane[SL_LANE_CNT];
    struct sl_bell *bell;
    bool dirty; /* holds records that are not flushed */
};

struct sl_frame {
    struct sl_frame_config config;
    struct feed_state *feeds;
    struct feed_state **joining; /* those with a joiner */
    uint32_t joining_cnt;
    struct conn *conns;
    uint32_t conn_cnt;
    uint32_t *line_first; /* a line's first connection in conns */
    struct decoder decoders[SL_DECODERS_MAX];
    uint32_t usual_cnt; /* decoders without the heavy one */
    uint32_t turn[SL_LANE_CNT];
    uint64_t ticket[SL_LANE_CNT];
    uint32_t given; /* messages since the last poll */
    bool *refused_once;
    uint8_t *gather_mem;
    uint8_t **gather_free; /* a stack, so that the warm one is used next */
    uint32_t gather_free_cnt;
    struct conn **open; /* those with a gather buffer */
    uint32_t open_cnt;
};

/* A framed unit on its way into a ring. */
struct unit {
    const uint8_t *bytes;
    uint32_t len;
    enum sl_cut cut;
    enum sl_lane lane;
};

static uint32_t conns_of(const struct sl_line_config *line) { return sl_line_conns(line->kind); }

static bool is_stream(const struct sl_line_config *line) { return !sl_line_is_datagram(line); }

/* Datagrams and files say themselves where they end; what comes as a stream must have a framing that does. */
static bool can_frame(const struct sl_line_config *line, enum sl_framing framing)
{
    switch (line->kind) {
    case SL_LINE_UDP:
        return framing != SL_FRAMING_WEBSOCKET;
    case SL_LINE_FED:
    case SL_LINE_DPDK:
        return true;
    case SL_LINE_SPOOL:
        return framing != SL_FRAMING_DATAGRAM;
    case SL_LINE_CAPTURE:
        return !line->capture.tcp || (framing != SL_FRAMING_DATAGRAM && framing != SL_FRAMING_FILE);
    default:
        return framing != SL_FRAMING_DATAGRAM && framing != SL_FRAMING_FILE;
    }
}

/* A message ring must be able to take the longest message that can come its way. */
static int join_decoders(struct sl_frame *frame, uint32_t message_max)
{
    const struct sl_frame_config *config = &frame->config;
    frame->usual_cnt = config->decoder_cnt - (config->has_heavy && config->decoder_cnt > 1);
    for (uint32_t d = 0; d < config->decoder_cnt; d++) {
        bool takes_all = frame->usual_cnt == config->decoder_cnt || d == frame->usual_cnt;
        uint32_t longest = takes_all || message_max < config->heavy ? message_max : config->heavy;
        frame->decoders[d].bell = config->bells ? config->bells[d] : NULL;
        for (uint32_t lane = 0; lane < SL_LANE_CNT; lane++) {
            struct sl_spsc_tx *tx = &frame->decoders[d].lane[lane];
            int rc = sl_spsc_join_tx(tx, config->decoders[d].lane[lane].message);
            if (rc)
                return rc;
            if (sl_spsc_len_max(tx) < sizeof(struct sl_message) ||
                sl_spsc_len_max(tx) - sizeof(struct sl_message) < longest)
                return -EINVAL;
        }
    }
    return 0;
}

static int check_lines(const struct sl_frame_config *config)
{
    for (uint32_t i = 0; i < config->line_cnt; i++) {
        const struct sl_line_config *line = &config->lines[i];
        if (line->feed >= config->feed_cnt)
            return -EINVAL;
        const struct sl_feed *feed = &config->feeds[line->feed];
        if (feed->message_max < SL_MESSAGE_MAX_MIN || feed->framing >= SL_FRAMING_CNT ||
            !can_frame(line, feed->framing))
            return -EINVAL;
    }
    return 0;
}

static void init_lines(struct sl_frame *frame)
{
    for (uint32_t i = 0; i < frame->config.feed_cnt; i++)
        frame->feeds[i] = (struct feed_state){
            .feed = &frame->config.feeds[i],
            .books = sl_books_rx(frame->config.books, i),
        };
    struct conn *conn = frame->conns;
    struct sl_answers *answers = frame->config.answers;
    for (uint32_t i = 0; i < frame->config.line_cnt; i++) {
        const struct sl_line_config *line = &frame->config.lines[i];
        frame->line_first[i] = (uint32_t)(conn - frame->conns);
        for (uint32_t c = conns_of(line); c; c--, conn++) {
            conn->line = (uint16_t)i;
            conn->answers = line->answer.part_cnt && answers ? answers++ : NULL;
            conn->feed = &frame->feeds[line->feed];
            sl_framer_init(&conn->framer, conn->feed->feed->framing, conn->feed->feed->message_max);
        }
    }
}

static int init_joiners(struct sl_frame *frame)
{
    const struct sl_frame_config *config = &frame->config;
    frame->joining = calloc(config->feed_cnt + 1, sizeof(struct feed_state *));
    if (!frame->joining)
        return -ENOMEM;
    for (uint32_t i = 0; i < config->line_cnt; i++) {
        struct feed_state *feed = &frame->feeds[config->lines[i].feed];
        if (!feed->feed->join_len || feed->joiner)
            continue;
        int rc = sl_joiner_init(&feed->joiner, feed->feed->join_len, feed->feed->message_max);
        if (rc)
            return rc;
        frame->joining[frame->joining_cnt++] = feed;
    }
    return 0;
}

static int get_memory(struct sl_frame *frame, uint32_t stream_cnt, uint32_t message_max)
{
    const struct sl_frame_config *config = &frame->config;
    frame->feeds = calloc(config->feed_cnt + 1, sizeof(*frame->feeds));
    frame->conns = calloc(frame->conn_cnt + 1, sizeof(*frame->conns));
    frame->line_first = calloc(config->line_cnt + 1, sizeof(*frame->line_first));
    frame->refused_once = calloc(config->refused_cnt + 1, sizeof(*frame->refused_once));
    frame->gather_free = calloc(stream_cnt + 1, sizeof(*frame->gather_free));
    frame->open = calloc(stream_cnt + 1, sizeof(*frame->open));
    frame->gather_mem = calloc(stream_cnt + 1, message_max);
    if (!frame->feeds || !frame->conns || !frame->line_first || !frame->refused_once || !frame->gather_free ||
        !frame->open || !frame->gather_mem)
        return -ENOMEM;
    for (uint32_t i = stream_cnt; i--;)
        frame->gather_free[frame->gather_free_cnt++] = frame->gather_mem + (size_t)i * message_max;
    return 0;
}

int sl_frame_init(struct sl_frame **out, const struct sl_frame_config *config)
{
    if (!config->decoder_cnt || config->decoder_cnt > SL_DECODERS_MAX)
        return -EINVAL;
    int rc = check_lines(config);
    if (rc)
        return rc;
    struct sl_frame *frame = calloc(1, sizeof(*frame));
    if (!frame)
        return -ENOMEM;
    frame->config = *config;
    uint32_t stream_cnt = 0, message_max = SL_MESSAGE_MAX_MIN;
    for (uint32_t i = 0; i < config->line_cnt; i++) {
        uint32_t feed_max = config->feeds[config->lines[i].feed].message_max;
        frame->conn_cnt += conns_of(&config->lines[i]);
        stream_cnt += is_stream(&config->lines[i]) ? conns_of(&config->lines[i]) : 0;
        message_max = feed_max > message_max ? feed_max : message_max;
    }
    rc = join_decoders(frame, message_max);
    if (!rc)
        rc = get_memory(frame, stream_cnt, message_max);
    if (!rc) {
        init_lines(frame);
        rc = init_joiners(frame);
    }
    if (rc) {
        sl_frame_fini(frame);
        return rc;
    }
    *out = frame;
    return 0;
}

void sl_frame_fini(struct sl_frame *frame)
{
    if (!frame)
        return;
    for (uint32_t i = 0; i < frame->joining_cnt; i++)
        sl_joiner_fini(frame->joining[i]->joiner);
    free(frame->joining);
    free(frame->gather_mem);
    free(frame->open);
    free(frame->gather_free);
    free(frame->refused_once);
    free(frame->line_first);
    free(frame->conns);
    free(frame->feeds);
    free(frame);
}

/* The unit's bytes wait in a buffer of this connection's for the packets that bring the rest.  There is one for
 * each. */
static void gather(struct sl_frame *frame, struct conn *conn, const uint8_t *bytes, uint32_t len)
{
    if (!conn->gather) {
        assert(frame->gather_free_cnt);
        conn->gather = frame->gather_free[--frame->gather_free_cnt];
        conn->open_idx = frame->open_cnt;
        conn->open_since_ns = 0;
        frame->open[frame->open_cnt++] = conn;
    }
    assert(len <= conn->feed->feed->message_max - conn->gathered);
    if (len)
        memcpy(conn->gather + conn->gathered, bytes, len);
    conn->gathered += len;
}

static void gather_step(struct sl_frame *frame, struct conn *conn, const uint8_t *bytes, const struct sl_framed *framed)
{
    gather(frame, conn, bytes, framed->len);
    sl_framed_unmask(conn->gather + conn->gathered - framed->len, framed);
}

static void drop_gathered(struct sl_frame *frame, struct conn *conn)
{
    if (!conn->gather)
        return;
    frame->gather_free[frame->gather_free_cnt++] = conn->gather;
    conn->gather = NULL;
    conn->gathered = 0;
    struct conn *last = frame->open[--frame->open_cnt];
    frame->open[conn->open_idx] = last;
    last->open_idx = conn->open_idx;
}

/* Room for a message in the lane's ring of the decoder whose turn it is, or of the next that has some; NULL: none
 * has. */
static void *claim_room(struct sl_frame *frame, enum sl_lane lane, uint32_t len, struct decoder **of)
{
    uint32_t record_len = (uint32_t)sizeof(struct sl_message) + len;
    if (len > frame->config.heavy && frame->usual_cnt < frame->config.decoder_cnt) {
        *of = &frame->decoders[frame->usual_cnt];
        return sl_spsc_claim(&(*of)->lane[lane], record_len);
    }
    for (uint32_t i = 0; i < frame->usual_cnt; i++) {
        uint32_t d = (frame->turn[lane] + i) % frame->usual_cnt;
        void *room = sl_spsc_claim(&frame->decoders[d].lane[lane], record_len);
        if (room) {
            frame->turn[lane] = (d + 1) % frame->usual_cnt;
            *of = &frame->decoders[d];
            return room;
        }
    }
    return NULL;
}

/* A message that killed the walk before us is refused once; when it comes again, the agency insists. */
static bool was_refused(struct sl_frame *frame, const struct sl_message *message)
{
    for (uint32_t i = 0; i < frame->config.refused_cnt; i++) {
        const struct sl_crash_note *note = &frame->config.refused[i];
        /* Relaxed: its writer is dead. */
        uint64_t noted = atomic_load_explicit(&note->hash, memory_order_relaxed);
        if (!noted || note->len != message->len || frame->refused_once[i])
            continue;
        uint64_t hash = XXH3_64bits(message + 1, message->len);
        if ((hash ? hash : 1) != noted) /* 0 means no note */
            continue;
        frame->refused_once[i] = true;
        return true;
    }
    return false;
}

static void count_framed(struct feed_state *feed, unsigned lane, unsigned cut)
{
    sl_cell_add(&feed->books[SL_RX_FRAMED_LANE + lane], 1);
    if (cut != SL_CUT_NOT)
        sl_cell_add(&feed->books[SL_RX_CUT + cut], 1);
    feed->arrival++;
}

/* The message's bytes stand behind its header. */
static void commit(struct sl_frame *frame, struct decoder *decoder, struct sl_message *message)
{
    enum sl_lane lane = message->lane;
    sl_slow(SL_SLOW_FRAME);
    message->ticket = frame->ticket[lane]++;
    sl_spsc_commit(&decoder->lane[lane], (uint32_t)sizeof(*message) + message->len);
    decoder->dirty = true;
    frame->given++;
}

static struct sl_message head_of(const struct sl_frame *frame, const struct conn *conn, const struct unit *unit)
{
    return (struct sl_message){
        .stream_off = conn->unit_off,
        .stamps = {.wire_ns = conn->wire_ns, .rx_ns = conn->rx_ns, .first_ns = conn->first_ns},
        .len = unit->len,
        .feed = frame->config.lines[conn->line].feed,
        .line = conn->line,
        .lane = (uint8_t)unit->lane,
        .wire_source = conn->wire_source,
        .flags = conn->flags,
        .cut = (uint8_t)unit->cut,
        .ack = conn->ack,
    };
}

/* The bytes are copied here, once; NULL: they are what the joiner has ready.  False when the lane has no room. */
static bool put_in_ring(struct sl_frame *frame, struct feed_state *feed, const struct sl_message *head,
                        const uint8_t *bytes, struct sl_answers *answers)
{
    struct decoder *decoder;
    struct sl_message *message = claim_room(frame, (enum sl_lane)head->lane, head->len, &decoder);
    if (!message)
        return false;
    uint16_t ack = head->ack;
    if (answers && head->cut == SL_CUT_NOT) {
        ack = sl_answers_expect(answers, bytes, head->len);
        if (!ack)
            return false;
    }
    *message = *head;
    message->ack = ack;
    message->stamps.framed_ns = sl_clock_real(frame->config.clock);
    if (bytes)
        memcpy(message + 1, bytes, head->len);
    else
        sl_joiner_copy(feed->joiner, (uint8_t *)(message + 1));
    if (message->cut == SL_CUT_NOT && was_refused(frame, message))
        message->cut = SL_CUT_REFUSED;
    count_framed(feed, message->lane, message->cut);
    message->arrival = feed->arrival;
    if (message->ack)
        frame->config.acks[message->ack - 1].framed++;
    commit(frame, decoder, message);
    return true;
}

/* What the joiner has ready goes into the rings.  False: there is no room for all of it. */
static bool give_joined(struct sl_frame *frame, struct feed_state *feed)
{
    const struct sl_joint *joint;
    while ((joint = sl_joiner_ready(feed->joiner))) {
        if (!put_in_ring(frame, feed, &joint->head, NULL, NULL))
            return false;
        sl_cell_add(&feed->books[joint->head.cut ? SL_RX_PARTS_LOST : SL_RX_PARTS_JOINED], joint->parts);
        sl_cell_add(&feed->books[SL_RX_PARTS_NOW], -(uint64_t)joint->parts);
        sl_joiner_drop(feed->joiner);
    }
    return true;
}

/* A file is all there, and a capture has its own time: however long we take over them says nothing. */
static bool has_time(const struct sl_frame *frame, const struct conn *conn)
{
    enum sl_line_kind kind = frame->config.lines[conn->line].kind;
    return kind != SL_LINE_SPOOL && kind != SL_LINE_CAPTURE;
}

/* True when the unit is on its way, or lies with others of its story.  False: no room, and nothing has changed. */
static bool put_or_join(struct sl_frame *frame, struct conn *conn, const struct unit *unit)
{
    struct feed_state *feed = conn->feed;
    struct sl_message head = head_of(frame, conn, unit);
    uint32_t parts, repeated;
    enum sl_joined joined = SL_JOINED_FULL;
    if (!feed->joiner || unit->cut != SL_CUT_NOT)
        return put_in_ring(frame, feed, &head, unit->bytes, conn->answers);
    while (joined == SL_JOINED_FULL) {
        if (!give_joined(frame, feed))
            return false;
        joined = sl_joiner_take(feed->joiner, (uint32_t)(conn - frame->conns), &head, unit->bytes,
                                has_time(frame, conn), &parts, &repeated);
    }
    if (joined == SL_JOINED_PASS)
        return put_in_ring(frame, feed, &head, unit->bytes, conn->answers);
    sl_cell_add(&feed->books[SL_RX_PARTS], parts);
    sl_cell_add(&feed->books[SL_RX_PARTS_REPEATED], repeated);
    sl_cell_add(&feed->books[SL_RX_PARTS_NOW], parts - repeated);
    give_joined(frame, feed);
    return true;
}

/* A gap goes the way of messages, in the lane of most of them. */
bool sl_frame_gap(void *self, uint16_t line, uint64_t first, uint64_t cnt)
{
    struct sl_frame *frame = self;
    struct decoder *decoder;
    struct sl_gap gap = { first, cnt };
    struct sl_message *message = claim_room(frame, SL_LANE_NORMAL, sizeof(gap), &decoder);
    if (!message)
        return false;
    *message = (struct sl_message){
        .len = sizeof(gap),
        .feed = frame->config.lines[line].feed,
        .line = line,
        .stamps = { .framed_ns = sl_clock_real(frame->config.clock) },
        .lane = SL_LANE_NORMAL,
        .is_gap = true,
    };
    memcpy(message + 1, &gap, sizeof(gap));
    commit(frame, decoder, message);
    return true;
}

static struct unit unit_of(struct conn *conn, const uint8_t *bytes, uint32_t len, enum sl_cut cut)
{
    struct unit unit = { .bytes = bytes, .len = len, .cut = cut, .lane = SL_LANE_BULK };
    if (cut != SL_CUT_NOISE)
        unit.lane = sl_peek_lane_by(conn->feed->feed->format, conn->feed->feed->facts.profile, bytes, len);
    return unit;
}

/* What one step over data found.  False: it ended a unit, and there is no room for it. */
static bool take_step(struct sl_frame *frame, struct conn *conn, const uint8_t *data, const struct sl_framed *framed)
{
    const uint8_t *bytes = data ? data + framed->off : NULL;
    uint32_t len = framed->len;
    if (len && !conn->gathered) {
        conn->first_ns = conn->rx_ns;
        conn->unit_off = conn->stream_off + framed->off;
    }
    if (framed->end == SL_FRAMED_MORE) {
        if (len)
            gather_step(frame, conn, bytes, framed);
        return true;
    }
    if (framed->end != SL_FRAMED_NOTHING) {
        uint32_t gathered = conn->gathered;
        if (gathered || framed->masked) {
            gather_step(frame, conn, bytes, framed);
            bytes = conn->gather;
            len = conn->gathered;
        }
        struct unit unit = unit_of(conn, bytes, len - framed->trim, framed->cut);
        if (!put_or_join(frame, conn, &unit)) {
            conn->gathered = gathered; /* the packet's bytes will be offered again */
            return false;
        }
    }
    drop_gathered(frame, conn);
    if (framed->carry) {
        conn->first_ns = conn->rx_ns;
        conn->unit_off = conn->stream_off + framed->taken - framed->carry;
        gather(frame, conn, sl_framer_carried(&conn->framer), framed->carry);
    }
    return true;
}

/* A length that cannot be: its bytes are the reject.  Restoring what was before, on want of room, is the caller's. */
static bool give_up_stream(struct sl_frame *frame, struct conn *conn)
{
    struct unit unit = unit_of(conn, conn->framer.head, conn->framer.head_len, SL_CUT_TOO_LONG);
    conn->first_ns = conn->rx_ns;
    conn->unit_off = conn->stream_off;
    return put_or_join(frame, conn, &unit);
}

static void pause_conn(struct conn *conn)
{
    if (!conn->paused)
        sl_cell_add(&conn->feed->books[SL_RX_PAUSES], 1);
    conn->paused = true;
}

static void count_fill(struct conn *conn, uint32_t fill)
{
    if (fill)
        sl_cell_add(&conn->feed->books[SL_RX_FILL_BYTES], fill);
}

/* Ends the open unit, if there is one.  False when there is no room for it; then nothing has changed. */
static bool end_open(struct sl_frame *frame, struct conn *conn, enum sl_framing_end why)
{
    struct sl_framer before = conn->framer;
    struct sl_framed framed;
    sl_framer_end(&conn->framer, why, &framed);
    if (!take_step(frame, conn, NULL, &framed)) {
        conn->framer = before;
        return false;
    }
    count_fill(conn, framed.fill);
    return true;
}

/* What the connection has begun and cannot end.  False when there was no room yet for all of it. */
static bool end_joined(struct sl_frame *frame, struct conn *conn, enum sl_cut why)
{
    if (!conn->feed->joiner)
        return true;
    sl_joiner_end(conn->feed->joiner, (uint32_t)(conn - frame->conns), why);
    return give_joined(frame, conn->feed);
}

/* A file without any SOH is a message that a relay stripped, as a datagram would be. */
static void look_at_start(struct conn *conn, const struct sl_packet *packet)
{
    bool stripped = conn->feed->feed->framing == SL_FRAMING_CONTROL &&
                    !memchr(packet->data, 1 /* SOH */, packet->len) &&
                    !sl_framing_is_filling(packet->data, packet->len);
    conn->fresh = false;
    if (packet->ack && stripped)
        sl_framer_init(&conn->framer, SL_FRAMING_FILE, conn->feed->feed->message_max);
}

/* What a file that is not whole has left open is no message, whatever its framing says. */
static bool end_file(struct sl_frame *frame, struct conn *conn, bool broken)
{
    struct sl_framer before = conn->framer;
    struct sl_framed framed;
    sl_framer_end(&conn->framer, broken ? SL_END_OF_LINE : SL_END_OF_FILE, &framed);
    if (framed.cut == SL_CUT_LINE_DOWN)
        framed.cut = SL_CUT_FILE_END;
    if (!take_step(frame, conn, NULL, &framed)) {
        conn->framer = before;
        pause_conn(conn);
        return false;
    }
    count_fill(conn, framed.fill);
    if (!end_joined(frame, conn, SL_CUT_FILE_END)) {
        pause_conn(conn);
        return false;
    }
    sl_framer_init(&conn->framer, conn->feed->feed->framing, conn->feed->feed->message_max);
    conn->paused = false;
    return true;
}

static uint32_t take_stream(struct sl_frame *frame, struct conn *conn, const struct sl_packet *packet)
{
    uint32_t at = 0;
    if (packet->end)
        return end_file(frame, conn, packet->broken);
    if (conn->fresh)
        look_at_start(conn, packet);
    while (at < packet->len) {
        struct sl_framer before = conn->framer;
        struct sl_framed framed;
        sl_framer_step(&conn->framer, packet->data + at, packet->len - at, &framed);
        bool broken = framed.end == SL_FRAMED_BROKEN;
        bool done = broken ? give_up_stream(frame, conn) : take_step(frame, conn, packet->data + at, &framed);
        if (!done) {
            conn->framer = before;
            pause_conn(conn);
            return at;
        }
        conn->paused = false;
        count_fill(conn, framed.fill);
        at += framed.taken;
        conn->stream_off += framed.taken;
        if (broken)
            return SL_TAKE_BROKEN;
    }
    return at;
}

/* False: no room, and who offers it can wait for some. */
static bool put_or_drop(struct sl_frame *frame, struct conn *conn, const uint8_t *bytes, uint32_t len, enum sl_cut cut,
                        bool waits)
{
    struct unit unit = unit_of(conn, bytes, len, cut);
    if (put_or_join(frame, conn, &unit))
        return true;
    if (waits)
        return false;
    count_framed(conn->feed, unit.lane, unit.cut);
    sl_cell_add(&conn->feed->books[SL_RX_DROPPED_LANE + unit.lane], 1);
    return true;
}

/* A datagram has all of its messages in it: nothing is gathered, and nothing is remembered.  How much was taken. */
static uint32_t take_datagram(struct sl_frame *frame, struct conn *conn, const struct sl_packet *packet)
{
    const struct sl_feed *feed = conn->feed->feed;
    bool stripped = feed->framing == SL_FRAMING_CONTROL && !packet->resumed &&
                    !memchr(packet->data, 1 /* SOH */, packet->len) &&
                    !sl_framing_is_filling(packet->data, packet->len);
    struct sl_framer framer;
    sl_framer_init(&framer, stripped ? SL_FRAMING_DATAGRAM : feed->framing, feed->message_max);
    conn->first_ns = conn->rx_ns;
    for (uint32_t at = 0, next; at < packet->len; at = next) {
        struct sl_framed framed;
        sl_framer_step(&framer, packet->data + at, packet->len - at, &framed);
        if (framed.end == SL_FRAMED_BROKEN) {
            uint32_t rest = packet->len - at;
            return put_or_drop(frame, conn, packet->data + at, rest < feed->message_max ? rest : feed->message_max,
                               SL_CUT_TOO_LONG, packet->waits)
                       ? packet->len
                       : at;
        }
        uint32_t fill = framed.fill, len = framed.len;
        const uint8_t *bytes = packet->data + at + framed.off;
        next = at + framed.taken;
        if (framed.end == SL_FRAMED_MORE) { /* the datagram ends in a unit */
            sl_framer_end(&framer, SL_END_OF_DATAGRAM, &framed);
            fill += framed.fill;
        }
        bool is_unit = framed.end == SL_FRAMED_WHOLE || framed.end == SL_FRAMED_CUT;
        if (is_unit && !put_or_drop(frame, conn, bytes, len - framed.trim, framed.cut, packet->waits))
            return at;
        count_fill(conn, fill);
    }
    return packet->len;
}

uint32_t sl_frame_take(void *self, const struct sl_packet *packet)
{
    struct sl_frame *frame = self;
    assert(packet->line < frame->config.line_cnt && packet->conn < conns_of(&frame->config.lines[packet->line]));
    struct conn *conn = &frame->conns[frame->line_first[packet->line] + packet->conn];
    /* What the connection before this one left goes first. */
    if (conn->down) {
        pause_conn(conn);
        return 0;
    }
    conn->wire_ns = packet->wire_ns;
    conn->rx_ns = packet->rx_ns;
    conn->wire_source = packet->wire_source;
    conn->ack = packet->ack;
    conn->flags = packet->flags;
    return packet->datagram ? take_datagram(frame, conn, packet) : take_stream(frame, conn, packet);
}

void sl_frame_line(void *self, uint16_t line, uint16_t conn_idx, enum sl_line_event event)
{
    struct sl_frame *frame = self;
    assert(line < frame->config.line_cnt && conn_idx < conns_of(&frame->config.lines[line]));
    struct conn *conn = &frame->conns[frame->line_first[line] + conn_idx];
    if (event == SL_LINE_DOWN) {
        conn->down = !end_open(frame, conn, SL_END_OF_LINE);
        conn->paused = false;
        end_joined(frame, conn, SL_CUT_LINE_DOWN); /* poll gives what had no room */
    }
    conn->stream_off = 0;
    conn->fresh = true;
}

static void end_old_units(struct sl_frame *frame, int64_t now_ns)
{
    /* Backwards: ending a unit moves the last one into its place. */
    for (uint32_t i = frame->open_cnt; i--;) {
        struct conn *conn = frame->open[i];
        int64_t message_ns = has_time(frame, conn) ? conn->feed->feed->message_ns : 0;
        if (conn->down)
            conn->down = !end_open(frame, conn, SL_END_OF_LINE);
        else if (!conn->open_since_ns)
            conn->open_since_ns = now_ns;
        else if (message_ns > 0 && now_ns - conn->open_since_ns >= message_ns)
            end_open(frame, conn, SL_END_OF_TIME);
    }
}

static void end_old_stories(struct sl_frame *frame, int64_t now_ns)
{
    for (uint32_t i = 0; i < frame->joining_cnt; i++) {
        struct feed_state *feed = frame->joining[i];
        if (feed->feed->message_ns > 0)
            sl_joiner_expire(feed->joiner, now_ns, feed->feed->message_ns);
        give_joined(frame, feed);
    }
}

int sl_frame_poll(void *self, int64_t now_ns)
{
    struct sl_frame *frame = self;
    end_old_units(frame, now_ns);
    end_old_stories(frame, now_ns);
    for (uint32_t d = 0; frame->given && d < frame->config.decoder_cnt; d++) {
        struct decoder *decoder = &frame->decoders[d];
        if (!decoder->dirty)
            continue;
        for (uint32_t lane = 0; lane < SL_LANE_CNT; lane++)
            sl_spsc_flush(&decoder->lane[lane]);
        sl_bell_ring(decoder->bell);
        decoder->dirty = false;
    }
    int given = (int)frame->given;
    frame->given = 0;
    return given;
}
