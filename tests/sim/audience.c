#include "tests/sim/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

/* ---- one that misses nothing: it reads after every poll of the desk, and knows what was sent ---- */

void open_audience(struct sim *sim)
{
    struct audience *audience = &sim->audience;
    struct world *world = &sim->world;
    audience->seq_max = 65536;
    for (unsigned log = 0; log < LOG_CNT; log++)
        audience->hashes[log] = calloc(audience->seq_max, sizeof(**audience->hashes));
    audience->raw_sent = calloc(audience->seq_max, sizeof(*audience->raw_sent));
    audience->buf_len = 1u << 20;
    audience->buf = aligned_alloc(64, audience->buf_len);
    int rc = sl_log_join_rx(&audience->rx[LOG_TAPE], world->tape_mem, world->tape_len);
    if (!rc)
        rc = sl_log_join_rx(&audience->rx[LOG_RAW], world->raw_mem, world->raw_len);
    assert(!rc);
    for (uint32_t i = 0; i < READERS_MAX; i++)
        audience->readers[i].seat = aligned_alloc(4096, 4096);
}

void close_audience(struct sim *sim)
{
    free(sim->audience.hashes[LOG_TAPE]);
    free(sim->audience.hashes[LOG_RAW]);
    free(sim->audience.raw_sent);
    free(sim->audience.buf);
    for (uint32_t i = 0; i < READERS_MAX; i++)
        free(sim->audience.readers[i].seat);
}

static const char *const log_names[LOG_CNT] = { "tape", "raw log" };

/* The next record of a log, from one who is never lapped. */
static const struct sl_record *next_record(struct sim *sim, enum which_log log)
{
    struct audience *audience = &sim->audience;
    uint64_t *seq = &audience->seq[log];
    int got = sl_log_next(&audience->rx[log], audience->buf, audience->buf_len);
    const struct sl_record *record = (const void *)audience->buf;
    if (got == SL_LOG_NONE || sim->fault[0])
        return NULL;
    if (got != SL_LOG_RECORD || record->seq != *seq + 1 || record->len < sizeof(*record)) {
        violated(sim, "%s: got %d behind seq %" PRIu64, log_names[log], got, *seq);
        return NULL;
    }
    if (record->epoch != sl_log_epoch(&audience->rx[log]) || record->feed >= sim->world.feed_cnt ||
        record->lane >= SL_LANE_CNT)
        violated(sim, "%s %" PRIu64 ": feed %u, lane %u", log_names[log], record->seq, record->feed, record->lane);
    if (++*seq >= audience->seq_max)
        violated(sim, "%s is longer than a day can be", log_names[log]);
    else
        audience->hashes[log][*seq] = XXH3_64bits(record, record->len);
    return sim->fault[0] ? NULL : record;
}

static void read_raw(struct sim *sim)
{
    for (const struct sl_record *record; (record = next_record(sim, LOG_RAW));) {
        if (record->kind != SL_RECORD_RAW && record->kind != SL_RECORD_RAW_HELD)
            violated(sim, "raw log %" PRIu64 ": kind %u", record->seq, record->kind);
        sim->audience.raw_sent[record->seq] = find_sent(sim, record + 1, record->len - sizeof(*record));
    }
}

static struct sent *raw_of(struct sim *sim, uint64_t raw_seq)
{
    if (raw_seq && raw_seq <= sim->audience.seq[LOG_RAW])
        return sim->audience.raw_sent[raw_seq];
    violated(sim, "raw seq %" PRIu64 " is named before it is there", raw_seq);
    return NULL;
}

static bool is(struct sl_slice got, const char *want, size_t len)
{
    return got.len == len && !memcmp(got.data, want, len);
}

static void check_content(struct sim *sim, const struct sl_record *record, const struct sl_bulletin *bulletin,
                          const struct sent *sent)
{
    static const uint8_t kinds[] = { SL_KIND_NEWS, SL_KIND_KILL, SL_KIND_NEWS, SL_KIND_HOLD, SL_KIND_RELEASE };
    struct sl_slice body = sl_bulletin_text(bulletin, SL_TEXT_BODY);
    char id[32];
    int len = snprintf(id, sizeof(id), "%s:%04u:2024-07-05", service_of_feed[sent->feed], sent->number);
    if (!is(body, sent->body, sent->body_len))
        violated(sim, "tape %" PRIu64 ": body \"%.*s\", not \"%.*s\"", record->seq, (int)body.len, body.data,
                 (int)sent->body_len, sent->body);
    if (!is(sl_bulletin_text(bulletin, SL_TEXT_ID), id, (size_t)len))
        violated(sim, "tape %" PRIu64 ": id is not %s", record->seq, id);
    if (!is(sl_bulletin_text(bulletin, SL_TEXT_HEADLINE), "Harbour talks go on", 19))
        violated(sim, "tape %" PRIu64 ": another headline", record->seq);
    if (bulletin->urgency != sent->urgency || record->lane != sl_lane_of_urgency(sent->urgency))
        violated(sim, "tape %" PRIu64 ": urgency %u in lane %u", record->seq, bulletin->urgency, record->lane);
    if (bulletin->kind != kinds[sent->said] || record->kind != bulletin->kind)
        violated(sim, "tape %" PRIu64 ": kind %u, record %u", record->seq, bulletin->kind, record->kind);
    if (record->feed != sent->feed || raw_of(sim, record->raw_seq) != sent)
        violated(sim, "tape %" PRIu64 ": feed %u, raw %" PRIu64 " are another's", record->seq, record->feed,
                 record->raw_seq);
}

/* What a killed story still says is marked; what waits for its time or its release waits. */
static void check_story(struct sim *sim, const struct sl_record *record, const struct sent *sent)
{
    struct story *story = &sim->agency.stories[sent->feed][sent->number];
    if (story->killed != (record->verdict == SL_VERDICT_WITHDRAWN) && sent->said != SAID_KILL)
        violated(sim, "tape %" PRIu64 ": %s, of a story that was %skilled", record->seq,
                 sl_verdict_name(record->verdict), story->killed ? "" : "not ");
    if (!story->released &&
        ((sent->said == SAID_EMBARGO && record->stamps.published_ns < sent->until_ns) || sent->said == SAID_HOLD))
        violated(sim, "tape %" PRIu64 ": published before its time", record->seq);
}

/* The story of this feed that an id names, service:number:day or agency:number:day; NULL: none. */
static struct story *story_named(struct sim *sim, uint32_t feed, struct sl_slice id)
{
    unsigned number = 0;
    char text[32] = "", counter;
    memcpy(text, id.data, id.len < sizeof(text) ? id.len : sizeof(text) - 1);
    if (sscanf(text, "%ca%*c:%u:", &counter, &number) != 2)
        return NULL;
    number -= counter == 'q' ? 3000 : 0;
    return number < NUMBERS_MAX ? &sim->agency.stories[feed][number] : NULL;
}

/* By what the bulletin says, for stumps of kills kill too. */
static void note_kill_and_release(struct sim *sim, const struct sl_record *record, const struct sl_bulletin *bulletin)
{
    struct story *story = story_named(sim, record->feed, sl_bulletin_text(bulletin, SL_TEXT_ID));
    if (bulletin->kind == SL_KIND_RELEASE && story)
        story->released = true;
    if (bulletin->kind != SL_KIND_KILL)
        return;
    if (story)
        story->killed = true;
    for (uint32_t i = 0; i < bulletin->list[SL_LIST_REFERENCES].cnt; i++) {
        struct sl_ref id = sl_bulletin_items(bulletin, SL_LIST_REFERENCES)[i].part[1];
        story = story_named(sim, record->feed, sl_bulletin_ref(bulletin, id));
        if (story)
            story->killed = true;
    }
}

static void take_whole(struct sim *sim, const struct sl_record *record, const struct sl_bulletin *bulletin,
                       struct sent *sent)
{
    check_content(sim, record, bulletin, sent);
    check_story(sim, record, sent);
    note_kill_and_release(sim, record, bulletin);
    if (sent->said == SAID_KILL && !sim->agency.stories[sent->feed][sent->kills].killed)
        violated(sim, "tape %" PRIu64 ": a kill of %u that does not name it", record->seq, sent->kills);
    if (record->verdict < SL_VERDICT_PASSED || record->verdict > SL_VERDICT_RELEASED)
        violated(sim, "tape %" PRIu64 ": verdict %s", record->seq, sl_verdict_name(record->verdict));
    if (sent->published_cnt++ && !sim->world.small_window)
        violated(sim, "tape %" PRIu64 ": message %u is published twice", record->seq, sent->idx);
    happened(sim, HAPPENED_PUBLISHED, 1);
    happened(sim, HAPPENED_WINDOW_FORGOT, sent->published_cnt > 1);
}

/* Within feed and lane the tape has the order of arrival; what was held comes when it may. */
static void check_order(struct sim *sim, const struct sl_record *record)
{
    uint64_t *arrival = &sim->audience.arrival[record->feed][record->lane];
    bool *held = &sim->audience.held[record->feed][record->arrival % ARRIVALS_MAX];
    if (*held)
        return;
    *held = record->kind == SL_RECORD_HELD;
    if (record->arrival <= *arrival)
        violated(sim, "tape %" PRIu64 ": arrival %" PRIu64 " after %" PRIu64 " in feed %u, lane %u", record->seq,
                 record->arrival, *arrival, record->feed, record->lane);
    *arrival = record->arrival;
}

static void take_bulletin(struct sim *sim, const struct sl_record *record)
{
    const struct sl_bulletin *bulletin = (const void *)(record + 1);
    enum sl_bulletin_fault fault = sl_bulletin_check(bulletin, record->len - sizeof(*record));
    if (fault != SL_BULLETIN_FINE) {
        violated(sim, "tape %" PRIu64 ": bulletin fault %d", record->seq, fault);
        return;
    }
    struct sl_slice body = sl_bulletin_text(bulletin, SL_TEXT_BODY);
    struct sent *sent = find_sent(sim, body.data, body.len);
    /* What was cut behind its ETX, or has noise with one behind its stump, is whole for all that can be known. */
    if (!sent || (sent->doubtful && !is(body, sent->body, sent->body_len)))
        note_kill_and_release(sim, record, bulletin);
    else
        take_whole(sim, record, bulletin, sent);
}

/* What is missing is named once, and nothing beyond what the agency has numbered. */
static void take_gap(struct sim *sim, const struct sl_record *record)
{
    struct audience *audience = &sim->audience;
    const struct sl_notice *notice = (const void *)(record + 1);
    uint64_t end = notice->first + notice->cnt;
    if (!sim->world.numbered[record->feed] || !notice->cnt || end > sim->network.next_number[record->feed]) {
        violated(sim, "tape %" PRIu64 ": a gap of %" PRIu64 " from %" PRIu64 " in feed %u", record->seq, notice->cnt,
                 notice->first, record->feed);
        return;
    }
    for (uint64_t number = notice->first; number < end; number++) {
        if (audience->missing[record->feed][number % NUMBERED_MAX])
            violated(sim, "tape %" PRIu64 ": %" PRIu64 " is missing twice", record->seq, number);
        audience->missing[record->feed][number % NUMBERED_MAX] = true;
    }
    audience->gap_cnt[record->feed]++;
    audience->missing_cnt[record->feed] += notice->cnt;
}

static void take_notice(struct sim *sim, const struct sl_record *record)
{
    const struct sl_notice *notice = (const void *)(record + 1);
    struct sent *sent = raw_of(sim, record->kind == SL_RECORD_HELD ? notice->first : record->raw_seq);
    if (record->verdict != SL_VERDICT_MADE)
        violated(sim, "tape %" PRIu64 ": a notice with verdict %s", record->seq, sl_verdict_name(record->verdict));
    if (!sent) {
        sim->audience.stumps_held += record->kind == SL_RECORD_HELD;
        return;
    }
    if (record->kind == SL_RECORD_HELD) {
        sent->held_cnt++;
        return;
    }
    sent->rejected_cnt++;
    happened(sim, HAPPENED_REJECT_TOO_LARGE, !sent->doubtful && notice->code == SL_PARSE_TOO_LARGE);
    if (!sent->doubtful && notice->code != SL_PARSE_TOO_LARGE && notice->code != SL_PARSE_REFUSED)
        violated(sim, "tape %" PRIu64 ": message %u was whole, and is a reject: %s at %u, %.*s", record->seq, sent->idx,
                 sl_parse_code_name(notice->code), notice->off, (int)notice->text_len, notice->text);
}

void read_everything(struct sim *sim)
{
    read_raw(sim);
    for (const struct sl_record *record; (record = next_record(sim, LOG_TAPE));) {
        sim->audience.digest = XXH3_64bits_withSeed(record, record->len, sim->audience.digest);
        if (record->kind != SL_RECORD_GAP) /* which has no arrival */
            check_order(sim, record);
        happened(sim, HAPPENED_AHEAD_OF_A_GAP, (record->flags & SL_RECORD_AFTER_GAP) != 0);
        if (record->kind < SL_KIND_CNT)
            take_bulletin(sim, record);
        else if (record->kind == SL_RECORD_GAP)
            take_gap(sim, record);
        else
            take_notice(sim, record);
    }
}

/* ---- readers like any other ---- */

static bool gates(const struct reader *reader) { return reader->kind >= READER_GATING; }

static uint32_t idx_of(const struct sim *sim, const struct reader *reader)
{
    return (uint32_t)(reader - sim->audience.readers);
}

/* The desk takes seats on the tape; the raw log's are asked for at the log. */
static void sit(struct sim *sim, struct reader *reader, const struct sl_seat *seat)
{
    struct sl_log_tx *raw = sl_desk_raw(sim->world.desk);
    if (reader->log == LOG_TAPE)
        sl_desk_seat(sim->world.desk, idx_of(sim, reader), seat, gates(reader));
    else if (seat)
        sl_log_attach(raw, idx_of(sim, reader), seat, gates(reader));
    else
        sl_log_detach(raw, idx_of(sim, reader));
    reader->left_at = sl_log_poll_cnt(raw);
}

static bool has_left(const struct sim *sim, const struct reader *reader)
{
    if (reader->log == LOG_TAPE)
        return sl_desk_seats_settled(sim->world.desk);
    return sl_log_poll_cnt(sl_desk_raw(sim->world.desk)) >= reader->left_at + 2;
}

static void join(struct sim *sim, struct reader *reader)
{
    const struct world *world = &sim->world;
    memset(reader->seat, 0, 4096);
    reader->kind = below(&sim->dice, 5);
    reader->log = chance(&sim->dice, 25) ? LOG_RAW : LOG_TAPE;
    reader->alive = true;
    reader->was_evicted = false;
    reader->gate = SL_GATE_NONE;
    reader->stalls_until = 0;
    int rc = reader->log == LOG_TAPE ? sl_log_join_rx(&reader->rx, world->tape_mem, world->tape_len)
                                     : sl_log_join_rx(&reader->rx, world->raw_mem, world->raw_len);
    assert(!rc);
    if (chance(&sim->dice, 50))
        sl_log_seek(&reader->rx, sl_log_rx_head(&reader->rx) + 1);
    reader->next_seq = reader->rx.next_seq;
    sl_seat_done(reader->seat, reader->next_seq - 1);
    happened(sim, HAPPENED_READER_JOINED_LATE, reader->next_seq > 1);
    sit(sim, reader, reader->seat);
}

/* kill -9: no word, only the socket that closes. */
static void die(struct sim *sim, struct reader *reader)
{
    sit(sim, reader, NULL);
    reader->alive = false;
    reader->leaving = true;
    happened(sim, HAPPENED_READER_KILLED, 1);
}

static void take_lap(struct sim *sim, struct reader *reader)
{
    struct sl_log_rx *rx = &reader->rx;
    uint32_t idx = idx_of(sim, reader);
    if (rx->missed_first != reader->next_seq || rx->missed_last < rx->missed_first ||
        rx->missed_last > sim->audience.seq[reader->log] || rx->next_seq != rx->missed_last + 1)
        violated(sim, "reader %u wants %" PRIu64 " and is told that it missed %" PRIu64 " to %" PRIu64, idx,
                 reader->next_seq, rx->missed_first, rx->missed_last);
    /* A liar frees what it has not read. */
    if (gates(reader) && reader->kind != READER_LIAR && sl_log_gate_state(rx, idx) == SL_GATE_HOLDS)
        violated(sim, "reader %u gates and was lapped at %" PRIu64, idx, reader->next_seq);
    reader->next_seq = rx->next_seq;
    happened(sim, reader->log == LOG_RAW ? HAPPENED_RAW_READER_LAPPED : HAPPENED_READER_LAPPED, 1);
}

static void take_record(struct sim *sim, struct reader *reader, const struct sl_record *record)
{
    uint32_t idx = idx_of(sim, reader);
    if (record->seq != reader->next_seq)
        violated(sim, "reader %u wants %" PRIu64 " and gets %" PRIu64, idx, reader->next_seq, record->seq);
    else if (XXH3_64bits(record, record->len) != sim->audience.hashes[reader->log][record->seq])
        violated(sim, "reader %u gets another %" PRIu64 " than was published", idx, record->seq);
    reader->next_seq = record->seq + 1;
}

static void read_some(struct sim *sim, struct reader *reader, uint32_t cnt)
{
    struct audience *audience = &sim->audience;
    for (; cnt && !sim->fault[0]; cnt--) {
        int got = sl_log_next(&reader->rx, audience->buf, audience->buf_len);
        if (got == SL_LOG_NONE)
            break;
        if (got == SL_LOG_LAPPED)
            take_lap(sim, reader);
        else if (got == SL_LOG_RECORD)
            take_record(sim, reader, (const void *)audience->buf);
        else
            violated(sim, "reader gets %d", got);
    }
    if (gates(reader))
        sl_seat_done(reader->seat, reader->next_seq - 1);
}

static void note_gate(struct sim *sim, struct reader *reader)
{
    enum sl_gate_state gate = sl_log_gate_state(&reader->rx, idx_of(sim, reader));
    if (!gates(reader))
        return;
    happened(sim, HAPPENED_GATES_AGAIN, reader->was_evicted && gate == SL_GATE_HOLDS);
    /* Who joins far behind starts as evicted, which is another matter. */
    reader->was_evicted |= reader->gate == SL_GATE_HOLDS && gate == SL_GATE_EVICTED;
    reader->was_evicted &= gate == SL_GATE_EVICTED;
    reader->gate = gate;
}

void let_somebody_read(struct sim *sim)
{
    struct dice *dice = &sim->dice;
    struct reader *reader = &sim->audience.readers[below(dice, READERS_MAX)];
    if (reader->leaving) {
        reader->leaving = !has_left(sim, reader);
        return;
    }
    if (!reader->alive) {
        if (chance(dice, 10))
            join(sim, reader);
        return;
    }
    if (chance(dice, 1)) {
        die(sim, reader);
        return;
    }
    if (sim->now_ns < reader->stalls_until)
        return;
    note_gate(sim, reader);
    bool lazy = reader->kind == READER_LAZY || reader->kind == READER_GATING_LAZY;
    if (lazy && chance(dice, 20))
        reader->stalls_until = sim->now_ns + between(dice, 1000, 30000000);
    if (reader->kind == READER_LIAR && chance(dice, 30))
        sl_seat_done(reader->seat, roll(dice) >> below(dice, 64));
    else
        read_some(sim, reader, lazy ? between(dice, 1, 4) : between(dice, 1, 200));
}

/* At the end of the day everybody has everything, or knows what he missed. */
void let_all_catch_up(struct sim *sim)
{
    for (uint32_t i = 0; i < READERS_MAX && !sim->fault[0]; i++) {
        struct reader *reader = &sim->audience.readers[i];
        if (!reader->alive)
            continue;
        read_some(sim, reader, UINT32_MAX);
        if (!sim->fault[0] && reader->next_seq != sim->audience.seq[reader->log] + 1)
            violated(sim, "reader %u ends before %" PRIu64 ", the %s with %" PRIu64, i, reader->next_seq,
                     log_names[reader->log], sim->audience.seq[reader->log]);
    }
}
