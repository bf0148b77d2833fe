#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

#define PACKET_MAX 1400u

static void add_line(struct sim *sim, uint16_t feed, bool datagram, bool files)
{
    struct line *line = &sim->network.lines[sim->network.line_cnt++];
    struct side *side = &sim->world.sides[sim->world.feeds[feed].rx];
    *line = (struct line){
        .feed = feed,
        .side = (uint16_t)sim->world.feeds[feed].rx,
        .idx = (uint16_t)side->line_cnt,
        .datagram = datagram,
        .up = datagram,
        .files = files,
        .ack_first = side->ack_cnt,
        .stream = datagram ? NULL : malloc(STREAM_LEN),
    };
    side->ack_cnt += files ? FILES_MAX : 0;
    side->lines[side->line_cnt++] = (struct sl_line_config){
        .kind = datagram ? SL_LINE_UDP
                : files  ? SL_LINE_SPOOL
                         : SL_LINE_TCP_DIAL,
        .feed = feed,
    };
}

void open_network(struct sim *sim)
{
    for (uint16_t feed = 0; feed < sim->world.feed_cnt; feed++) {
        bool numbered = sim->world.numbered[feed], datagram = chance(&sim->dice, 35) || numbered;
        uint32_t lines = chance(&sim->dice, numbered ? 80 : 50) ? 2 : 1;
        happened(sim, HAPPENED_NUMBERED_BY_TWO, numbered && lines == 2);
        sim->network.next_number[feed] = 1;
        for (; lines; lines--)
            add_line(sim, feed, datagram, !datagram && chance(&sim->dice, 30));
    }
}

void close_network(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->network.line_cnt; i++) {
        struct line *line = &sim->network.lines[i];
        free(line->stream);
        for (uint32_t d = 0; d < line->datagram_cnt; d++)
            free(line->datagrams[d].bytes);
    }
}

bool network_has_room(const struct sim *sim, uint16_t feed)
{
    for (uint32_t i = 0; i < sim->network.line_cnt; i++) {
        const struct line *line = &sim->network.lines[i];
        if (line->feed == feed && (line->written - line->taken > STREAM_LEN / 2 || line->unit_cnt + 2 > UNITS_MAX ||
                                   line->datagram_cnt == DATAGRAMS_MAX))
            return false;
    }
    return true;
}

/* ---- what the agency writes ---- */

static void write_stream(struct line *line, const uint8_t *bytes, uint32_t len, struct sent *sent, bool whole)
{
    line->units[(line->unit_first + line->unit_cnt++) % UNITS_MAX] =
        (struct unit){ line->written, line->written + len, sent, whole };
    for (uint32_t i = 0; i < len; i++)
        line->stream[(line->written + i) % STREAM_LEN] = bytes[i];
    line->written += len;
}

/* Anything but what could begin a message. */
static void write_noise(struct sim *sim, struct line *line)
{
    uint8_t noise[100];
    uint32_t len = between(&sim->dice, 1, sizeof(noise));
    for (uint32_t i = 0; i < len; i++) {
        noise[i] = (uint8_t)roll(&sim->dice);
        if (noise[i] == 1)
            noise[i] = 0;
    }
    write_stream(line, noise, len, NULL, false);
}

static void send_on_stream(struct sim *sim, struct line *line, struct sent *sent)
{
    struct dice *dice = &sim->dice;
    if (chance(dice, 8) && !line->files)
        write_noise(sim, line);
    bool whole = !chance(dice, 4);
    write_stream(line, sent->bytes, whole ? sent->len : between(dice, 1, sent->len - 1), sent, whole);
}

static void put_header(uint8_t *bytes, uint64_t first, uint16_t cnt)
{
    struct sl_mold header = { .session = "DAY       ", .seq = first, .cnt = cnt };
    sl_mold_write(bytes, &header);
}

static void begin_numbered(struct datagram *datagram)
{
    datagram->bytes = malloc(SL_MOLD_HEADER_LEN);
    datagram->len = SL_MOLD_HEADER_LEN;
}

/* The length of one more message, and the header that counts it. */
static void add_block(struct datagram *datagram, uint32_t len)
{
    datagram->bytes = realloc(datagram->bytes, datagram->len + 2);
    datagram->bytes[datagram->len++] = (uint8_t)(len >> 8);
    datagram->bytes[datagram->len++] = (uint8_t)len;
    put_header(datagram->bytes, datagram->first, (uint16_t)(datagram->sent_cnt + 1));
}

/* Messages share a datagram now and then. */
static void send_in_datagram(struct sim *sim, struct line *line, struct sent *sent)
{
    struct dice *dice = &sim->dice;
    uint32_t len = sent->len;
    if (chance(dice, 3)) {
        len = between(dice, 1, sent->len - 1);
        sent->doubtful = true;
    }
    struct datagram *last = line->datagram_cnt ? &line->datagrams[line->datagram_cnt - 1] : NULL;
    bool numbered = sim->world.numbered[line->feed];
    bool shared = last && last->sent_cnt < 3 && len == sent->len && chance(dice, 20);
    /* The one before it may have gone from the middle. */
    shared = shared && (!numbered || last->first + last->sent_cnt == sim->network.next_number[line->feed]);
    if (!shared) {
        last = &line->datagrams[line->datagram_cnt++];
        *last = (struct datagram){ .first = sim->network.next_number[line->feed] };
        if (numbered)
            begin_numbered(last);
    }
    if (numbered)
        add_block(last, len);
    last->bytes = realloc(last->bytes, last->len + len);
    memcpy(last->bytes + last->len, sent->bytes, len);
    last->len += len;
    last->sent[last->sent_cnt++] = sent;
}

void send_on_all_lines(struct sim *sim, struct sent *sent)
{
    if (sent->len > sim->world.feeds[sent->feed].message_max)
        sent->doubtful = true;
    for (uint32_t i = 0; i < sim->network.line_cnt; i++) {
        struct line *line = &sim->network.lines[i];
        if (line->feed != sent->feed)
            continue;
        if (line->datagram)
            send_in_datagram(sim, line, sent);
        else if (line->up || line->files)
            send_on_stream(sim, line, sent);
    }
    if (++sim->network.next_number[sent->feed] == NUMBERED_MAX && sim->world.numbered[sent->feed])
        violated(sim, "more messages than a day can number");
}

/* ---- what the walk gets ---- */

static struct sl_packet packet_of(struct sim *sim, const struct line *line, const uint8_t *data, uint32_t len)
{
    struct sl_packet packet = {
        .data = data, .len = len, .line = line->idx, .datagram = line->datagram, .rx_ns = sim->now_ns
    };
    if (chance(&sim->dice, 50)) {
        packet.wire_source = SL_WIRE_KERNEL;
        packet.wire_ns = sim->now_ns - between(&sim->dice, 0, 5000);
        if (chance(&sim->dice, 1)) /* the card's clock is ahead of ours */
            packet.wire_ns += 1000000;
    }
    return packet;
}

static void count_packet(struct sim *sim, const struct line *line, uint32_t len)
{
    sl_cell *books = sl_books_rx(&sim->world.books, line->feed);
    sl_cell_add(&books[SL_RX_BYTES], len);
    if (!line->datagram)
        return;
    sl_cell_add(&books[SL_RX_DATAGRAMS], 1);
    sl_cell_add(&books[SL_RX_DATAGRAMS_USED], 1);
}

/* The units that lie wholly before what was taken. */
static void settle_units(struct sim *sim, struct line *line, uint64_t before)
{
    while (line->unit_cnt) {
        struct unit *unit = &line->units[line->unit_first];
        if (unit->end > line->taken)
            return;
        if (unit->sent && unit->start < before)
            happened(sim, HAPPENED_MESSAGE_OVER_PACKETS, 1);
        if (unit->sent && unit->whole)
            unit->sent->whole_cnt++;
        else if (unit->sent)
            unit->sent->doubtful = true;
        line->unit_first = (line->unit_first + 1) % UNITS_MAX;
        line->unit_cnt--;
    }
}

/* A piece of it, which does not reach beyond the end of a unit where it may be a file's end. */
static bool deliver_piece(struct sim *sim, struct line *line, uint64_t left, uint16_t ack)
{
    struct dice *dice = &sim->dice;
    uint32_t len = chance(dice, 30) ? between(dice, 1, 30) : between(dice, 1, PACKET_MAX);
    uint8_t data[PACKET_MAX];
    if (len > left)
        len = (uint32_t)left;
    for (uint32_t i = 0; i < len; i++)
        data[i] = line->stream[(line->taken + i) % STREAM_LEN];
    struct sl_packet packet = packet_of(sim, line, data, len);
    packet.ack = ack;
    uint32_t took = sl_frame_take(sim->world.sides[line->side].frame, &packet);
    if (took > len)
        violated(sim, "frame took %u of %u bytes", took, len);
    count_packet(sim, line, took);
    uint64_t before = line->taken;
    line->taken += took;
    settle_units(sim, line, before);
    return took != 0;
}

static bool deliver_stream(struct sim *sim, struct line *line)
{
    if (!line->up) {
        line->up = true;
        sl_frame_line(sim->world.sides[line->side].frame, line->idx, 0, SL_LINE_UP);
        return true;
    }
    uint64_t left = line->written - line->taken;
    return left && deliver_piece(sim, line, left, 0);
}

/* ---- files ---- */

static struct sl_ack *ack_of(struct sim *sim, const struct line *line, uint32_t file)
{
    return &sim->world.sides[line->side].acks[line->ack_first + file];
}

/* The files that have ended and whose messages are all answered: what came whole has a verdict. */
static void look_at_answers(struct sim *sim, struct line *line)
{
    uint32_t open_cnt = 0;
    for (uint32_t i = 0; i < FILES_MAX; i++) {
        struct file *file = &line->file_of[i];
        const struct sl_ack *ack = ack_of(sim, line, i);
        uint32_t said = ack->bulletins + ack->duplicates + ack->held + ack->rejected;
        open_cnt += file->begun;
        if (!file->ended || !sl_ack_is_settled(ack))
            continue;
        if (ack->framed < file->whole_cnt || said < ack->framed)
            violated(sim, "a file of %u whole messages: %u framed, %u answered", file->whole_cnt, (unsigned)ack->framed,
                     said);
        *file = (struct file){ 0 };
        happened(sim, HAPPENED_FILE_ANSWERED, 1);
    }
    happened(sim, HAPPENED_FILES_AT_ONCE, open_cnt > 1);
}

static bool begin_file(struct sim *sim, struct line *line)
{
    uint32_t file = 0;
    while (file < FILES_MAX && line->file_of[file].begun)
        file++;
    happened(sim, HAPPENED_FILE_WAITED, file == FILES_MAX);
    if (file == FILES_MAX || line->written == line->taken)
        return false;
    sl_ack_reset(ack_of(sim, line, file));
    line->file_of[file] = (struct file){ .begun = true };
    line->file = file;
    line->up = true;
    sl_frame_line(sim->world.sides[line->side].frame, line->idx, 0, SL_LINE_UP);
    return true;
}

static bool end_file(struct sim *sim, struct line *line)
{
    struct sl_packet packet = packet_of(sim, line, NULL, 0);
    packet.ack = (uint16_t)(line->ack_first + line->file + 1);
    packet.end = true;
    if (sl_frame_take(sim->world.sides[line->side].frame, &packet) != 1)
        return false;
    line->file_of[line->file].ended = true;
    line->up = line->file_ends = false;
    return true;
}

static bool deliver_file(struct sim *sim, struct line *line)
{
    look_at_answers(sim, line);
    if (!line->up)
        return begin_file(sim, line);
    if (line->file_ends || line->written == line->taken)
        return end_file(sim, line);
    const struct unit unit = line->units[line->unit_first];
    bool moved = deliver_piece(sim, line, unit.end - line->taken, (uint16_t)(line->ack_first + line->file + 1));
    if (line->taken == unit.end) {
        line->file_of[line->file].whole_cnt += unit.sent && unit.whole && !unit.sent->doubtful;
        line->file_ends = chance(&sim->dice, 40);
    }
    return moved;
}

void check_files(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->network.line_cnt; i++) {
        struct line *line = &sim->network.lines[i];
        if (!line->files)
            continue;
        look_at_answers(sim, line);
        for (uint32_t file = 0; file < FILES_MAX; file++)
            if (line->file_of[file].begun)
                violated(sim, "a file of line %u was never answered", i);
    }
}

/* As rx does it.  What came when it had been given up is a repeat. */
static void take_numbered(struct sim *sim, const struct line *line, const struct sl_packet *packet)
{
    sl_cell *books = sl_books_rx(&sim->world.books, line->feed);
    uint32_t took = sl_order_take(sim->world.sides[line->side].order, packet);
    sl_cell_add(&books[SL_RX_BYTES], packet->len);
    sl_cell_add(&books[SL_RX_DATAGRAMS], 1);
    sl_cell_add(&books[took ? SL_RX_DATAGRAMS_USED : SL_RX_DATAGRAMS_REPEATED], 1);
    happened(sim, HAPPENED_NUMBER_REPEATED, !took);
    if (took && took != packet->len)
        violated(sim, "order took %u of a datagram of %u bytes", took, packet->len);
}

static bool send_heartbeat(struct sim *sim, const struct line *line)
{
    uint8_t heartbeat[SL_MOLD_HEADER_LEN];
    const sl_cell *expected = &sl_books_rx(&sim->world.books, line->feed)[SL_RX_ORDER_EXPECTED];
    uint64_t before = sl_cell_get(expected);
    put_header(heartbeat, sim->network.next_number[line->feed], SL_MOLD_HEARTBEAT);
    struct sl_packet packet = packet_of(sim, line, heartbeat, sizeof(heartbeat));
    take_numbered(sim, line, &packet);
    return sl_cell_get(expected) != before;
}

bool tell_ends(struct sim *sim)
{
    bool news = false;
    for (uint32_t i = 0; i < sim->network.line_cnt; i++)
        if (sim->world.numbered[sim->network.lines[i].feed])
            news |= send_heartbeat(sim, &sim->network.lines[i]);
    return news;
}

static void give_datagram(struct sim *sim, const struct line *line, const struct datagram *datagram)
{
    struct sl_packet packet = packet_of(sim, line, datagram->bytes, datagram->len);
    if (sim->world.numbered[line->feed]) {
        take_numbered(sim, line, &packet);
        for (uint32_t i = 0; i < datagram->sent_cnt; i++)
            sim->network.came[line->feed][(datagram->first + i) % NUMBERED_MAX] = true;
    } else {
        count_packet(sim, line, datagram->len);
        sl_frame_take(sim->world.sides[line->side].frame, &packet);
    }
    for (uint32_t i = 0; i < datagram->sent_cnt; i++)
        datagram->sent[i]->datagram_cnt++;
}

static void take_out(struct line *line, uint32_t d)
{
    free(line->datagrams[d].bytes);
    line->datagram_cnt--;
    memmove(&line->datagrams[d], &line->datagrams[d + 1], (line->datagram_cnt - d) * sizeof(line->datagrams[0]));
}

static bool deliver_datagram(struct sim *sim, struct line *line)
{
    struct dice *dice = &sim->dice;
    if (!line->datagram_cnt)
        return false;
    uint32_t d = chance(dice, 10) ? below(dice, line->datagram_cnt) : 0;
    struct datagram *datagram = &line->datagrams[d];
    happened(sim, HAPPENED_PACKET_LATE, d != 0);
    if (chance(dice, 4)) {
        happened(sim, HAPPENED_PACKET_LOST, 1);
    } else {
        give_datagram(sim, line, datagram);
    }
    if (chance(dice, 4))
        happened(sim, HAPPENED_PACKET_DOUBLED, 1);
    else
        take_out(line, d);
    return true;
}

bool deliver(struct sim *sim, struct line *line)
{
    return line->datagram ? deliver_datagram(sim, line)
           : line->files  ? deliver_file(sim, line)
                          : deliver_stream(sim, line);
}

/* ---- what goes wrong between messages ---- */

/* In the middle of a message as often as not.  What the agency wrote and we had not taken is gone. */
static void break_line(struct sim *sim, struct line *line)
{
    if (line->datagram || line->files || !line->up)
        return;
    sl_frame_line(sim->world.sides[line->side].frame, line->idx, 0, SL_LINE_DOWN);
    for (; line->unit_cnt; line->unit_cnt--) {
        struct unit *unit = &line->units[line->unit_first];
        if (unit->sent && unit->start < line->taken)
            unit->sent->doubtful = true;
        line->unit_first = (line->unit_first + 1) % UNITS_MAX;
    }
    line->taken = line->written;
    line->up = false;
    happened(sim, HAPPENED_LINE_BROKE, 1);
}

void disturb_somebody(struct sim *sim)
{
    struct dice *dice = &sim->dice;
    struct line *line = &sim->network.lines[below(dice, sim->network.line_cnt)];
    uint32_t die = below(dice, 10);
    if (die < 2) {
        break_line(sim, line);
    } else if (die < 3) {
        sim->now_ns += between(dice, 1, 90) * SL_TIME_NS;
        doubt_open_units(sim);
    } else if (sim->agency.sent_cnt) {
        /* The agency sends an old message again. */
        struct sent *sent = sim->agency.sent[below(dice, sim->agency.sent_cnt)];
        if (network_has_room(sim, sent->feed))
            send_on_all_lines(sim, sent);
    }
}

void doubt_open_units(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->network.line_cnt; i++) {
        struct line *line = &sim->network.lines[i];
        struct unit *unit = &line->units[line->unit_first];
        if (!line->unit_cnt || unit->start >= line->taken)
            continue;
        unit->whole = false;
        if (unit->sent)
            unit->sent->doubtful = true;
    }
}
