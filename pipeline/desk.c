#include "pipeline/stages.h"

#include "pipeline/round.h"
#include "pipeline/slow.h"
#include "pipeline/verdict.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RELEASES_PER_POLL 16u

/* What one decoder hands over in one lane. */
struct stream {
    struct sl_spsc_rx answers;
    struct sl_spsc_shm *messages; /* where its messages lie until the desk is done with them */
};

/* One receive thread's lane, put together again from its decoders in the order of tickets. */
struct merge {
    uint64_t ticket; /* that comes next */
    uint32_t decoder; /* that most likely has it */
    uint64_t raw_seq; /* of the message at hand on the raw log; 0: not there yet */
};

struct source {
    uint32_t decoder_cnt;
    struct sl_ack *acks;
    struct sl_bell *bell;
    struct merge lanes[SL_LANE_CNT];
    struct stream streams[SL_DECODERS_MAX][SL_LANE_CNT];
};

struct sl_desk {
    struct sl_judge judge;
    struct source sources[SL_RXS_MAX];
    uint32_t source_cnt;
    uint32_t turn[SL_LANE_CNT]; /* the source that is asked first */
    uint64_t seats_settled_at; /* the control thread's: when the tape has been polled this often */
};

static int join_source(struct source *source, const struct sl_desk_source *config)
{
    source->decoder_cnt = config->decoder_cnt;
    source->acks = config->acks;
    source->bell = config->bell;
    for (uint32_t d = 0; d < config->decoder_cnt; d++)
        for (unsigned lane = 0; lane < SL_LANE_CNT; lane++) {
            const struct sl_lane_rings *rings = &config->decoders[d].lane[lane];
            struct sl_spsc_rx messages;
            int rc = sl_spsc_join_rx(&source->streams[d][lane].answers, rings->answer);
            if (!rc)
                rc = sl_spsc_join_rx(&messages, rings->message);
            if (rc)
                return rc;
            source->streams[d][lane].messages = messages.shm;
        }
    return 0;
}

int sl_desk_init(struct sl_desk **out, const struct sl_desk_config *config)
{
    if (config->source_cnt > SL_RXS_MAX)
        return -EINVAL;
    struct sl_desk *desk = calloc(1, sizeof(*desk));
    if (!desk)
        return -ENOMEM;
    int rc = sl_judge_init(&desk->judge, config);
    desk->source_cnt = config->source_cnt;
    for (uint32_t s = 0; !rc && s < config->source_cnt; s++)
        rc = config->sources[s].decoder_cnt <= SL_DECODERS_MAX ? join_source(&desk->sources[s], &config->sources[s])
                                                               : -EINVAL;
    if (rc) {
        sl_desk_fini(desk);
        return rc;
    }
    *out = desk;
    return 0;
}

void sl_desk_fini(struct sl_desk *desk)
{
    if (!desk)
        return;
    sl_judge_fini(&desk->judge);
    free(desk);
}

/* The stream whose next answer is the one that the lane waits for. */
static struct stream *find_next(struct source *source, enum sl_lane lane, struct sl_case *at_hand)
{
    struct merge *merge = &source->lanes[lane];
    for (uint32_t i = 0; i < source->decoder_cnt; i++) {
        uint32_t len, d = (merge->decoder + i) % source->decoder_cnt;
        struct stream *stream = &source->streams[d][lane];
        const struct sl_answer *answer = sl_spsc_peek(&stream->answers, &len);
        if (!answer)
            continue;
        const struct sl_message *message = sl_spsc_record_at(stream->messages, answer->message, &len);
        if (message->ticket != merge->ticket)
            continue;
        merge->decoder = d;
        struct sl_ack *ack = message->ack ? &source->acks[message->ack - 1] : NULL;
        *at_hand = (struct sl_case){ answer, message, &merge->raw_seq, ack };
        return stream;
    }
    return NULL;
}

/* The answer is settled: its room is decode's again, and with a message's last answer the message's is frame's. */
static void give_back(struct merge *merge, struct stream *stream, const struct sl_answer *answer)
{
    uint64_t message = answer->message;
    bool last = answer->last;
    sl_spsc_release(stream->answers.shm, sl_spsc_next(&stream->answers));
    if (!last)
        return;
    sl_spsc_release(stream->messages, message);
    merge->ticket++;
    merge->raw_seq = 0;
    merge->decoder++; /* frame gives messages out in turn */
}

/* One verdict in this lane, from the next receive thread that has something for it. */
static bool serve(void *self, enum sl_lane lane)
{
    struct sl_desk *desk = self;
    /* Whoever waits for room lets all others wait but FLASH, which has room of its own. */
    if (desk->judge.publish.waits && lane != SL_LANE_FLASH)
        return false;
    for (uint32_t i = 0; i < desk->source_cnt; i++) {
        uint32_t s = (desk->turn[lane] + i) % desk->source_cnt;
        struct source *source = &desk->sources[s];
        struct sl_case at_hand;
        struct stream *stream = find_next(source, lane, &at_hand);
        if (!stream)
            continue;
        sl_slow(SL_SLOW_DESK);
        if (!sl_judge_settle(&desk->judge, &at_hand))
            return false;
        if (at_hand.ack && at_hand.answer->last)
            sl_bell_ring(source->bell);
        give_back(&source->lanes[lane], stream, at_hand.answer);
        desk->turn[lane] = s + 1;
        return true;
    }
    return false;
}

static uint32_t release_due(struct sl_desk *desk)
{
    uint32_t done = 0;
    if (!desk->judge.hold.cnt)
        return 0;
    int64_t now_ns = sl_clock_real(desk->judge.publish.clock);
    for (uint32_t i = 0; i < RELEASES_PER_POLL; i++) {
        done += serve(desk, SL_LANE_FLASH);
        if (!sl_judge_release(&desk->judge, now_ns))
            break;
        done++;
    }
    return done;
}

int sl_desk_poll(void *self, int64_t now_ns)
{
    struct sl_desk *desk = self;
    struct sl_publish *publish = &desk->judge.publish;
    publish->now_ns = now_ns;
    publish->waits = false;
    uint32_t done = release_due(desk);
    done += sl_round_serve(desk, serve);
    sl_publish_wake(publish);
    sl_publish_tend(publish, done != 0);
    return done || !publish->waits ? (int)done : -EAGAIN;
}

struct sl_log_tx *sl_desk_tape(struct sl_desk *desk) { return &desk->judge.publish.tape.tx; }

struct sl_log_tx *sl_desk_raw(struct sl_desk *desk)
{
    return desk->judge.publish.has_raw ? &desk->judge.publish.raw.tx : NULL;
}

void sl_desk_seat(struct sl_desk *desk, uint32_t seat_idx, const struct sl_seat *seat, bool gates)
{
    struct sl_log_tx *tape = sl_desk_tape(desk);
    if (seat)
        sl_log_attach(tape, seat_idx, seat, gates);
    else
        sl_log_detach(tape, seat_idx);
    /* The poll that is on just now may have looked before us, and the desk looks for sleepers once more after it. */
    desk->seats_settled_at = sl_log_poll_cnt(tape) + 2;
}

bool sl_desk_seats_settled(const struct sl_desk *desk)
{
    return sl_log_poll_cnt(&desk->judge.publish.tape.tx) >= desk->seats_settled_at;
}

void sl_desk_old_tape(struct sl_desk *desk, const struct sl_old_tape *old) { sl_judge_old_tape(&desk->judge, old); }

void sl_desk_crashed(struct sl_desk *desk, const struct sl_crash_note *note)
{
    if (note->feed < desk->judge.books->feed_cnt)
        sl_judge_crashed(&desk->judge, note);
}

void sl_desk_remember(struct sl_desk *desk, const struct sl_bulletin *bulletin, uint64_t seq)
{
    sl_judge_remember(&desk->judge, bulletin, seq);
}

void sl_desk_recall(struct sl_desk *desk, const struct sl_record *record, const struct sl_bulletin *bulletin)
{
    sl_judge_recall(&desk->judge, record, bulletin);
}

void sl_desk_recall_held(struct sl_desk *desk, uint64_t notice_seq, int64_t until_ns, const struct sl_record *raw,
                         const struct sl_bulletin *bulletin)
{
    sl_judge_recall_held(&desk->judge, notice_seq, until_ns, raw, bulletin);
}

void sl_desk_recalled(struct sl_desk *desk) { sl_judge_recalled(&desk->judge); }

struct sl_window *sl_desk_window(struct sl_desk *desk) { return &desk->judge.window; }
