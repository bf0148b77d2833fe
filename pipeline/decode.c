#include "pipeline/stages.h"

#include "pipeline/round.h"
#include "pipeline/slow.h"

#define XXH_INLINE_ALL
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Bulletins of one message before the other lanes are looked at again: a document of a thousand is no reason to
 * wait. */
#define PARTS_PER_TURN 8u

/* A lane's two rings, and the message it is in the middle of.  Each lane parses for itself, so that FLASH goes on
 * while a long document in BULK waits for room. */
struct lane {
    struct sl_spsc_rx messages;
    struct sl_spsc_tx answers;
    struct sl_parse parse;
    const struct sl_message *message; /* NULL: between messages */
    uint64_t place; /* of the message: the desk finds and releases it by this */
    uint32_t part;
    struct sl_answer *open; /* the last bulletin, not yet seen by the desk: it may still be marked as the last */
};

struct sl_decode {
    struct sl_decode_config config;
    struct lane lanes[SL_LANE_CNT];
    uint8_t *scratch; /* of all lanes: touched only by messages that must be unpacked */
    /* What is being parsed just now.  For sl_decode_crashed alone, which runs in a signal handler of this same
     * thread. */
    const struct sl_message *volatile parsing;
};

static const uint8_t code_of_cut[SL_CUT_CNT] = {
    [SL_CUT_TOO_LONG] = SL_PARSE_TOO_LARGE, [SL_CUT_TIMEOUT] = SL_PARSE_CUT,     [SL_CUT_LINE_DOWN] = SL_PARSE_CUT,
    [SL_CUT_NEW_START] = SL_PARSE_CUT,      [SL_CUT_NOISE] = SL_PARSE_BAD_FRAME, [SL_CUT_REFUSED] = SL_PARSE_REFUSED,
    [SL_CUT_FILE_END] = SL_PARSE_CUT,       [SL_CUT_NO_ROOM] = SL_PARSE_CUT,
};

static const uint8_t *bytes_of(const struct sl_message *message) { return (const uint8_t *)(message + 1); }

size_t sl_decode_footprint(uint32_t message_max) { return (size_t)SL_LANE_CNT * sl_parse_scratch_bound(message_max); }

int sl_decode_init(struct sl_decode **out, const struct sl_decode_config *config)
{
    struct sl_decode *decode = calloc(1, sizeof(*decode));
    uint32_t scratch_len = sl_parse_scratch_bound(config->message_max);
    if (decode)
        decode->scratch = malloc(sl_decode_footprint(config->message_max));
    int rc = decode && decode->scratch ? 0 : -ENOMEM;
    for (unsigned i = 0; !rc && i < SL_LANE_CNT; i++) {
        struct lane *lane = &decode->lanes[i];
        sl_parse_init(&lane->parse, decode->scratch + (size_t)i * scratch_len, scratch_len);
        rc = sl_spsc_join_rx(&lane->messages, config->rings.lane[i].message);
        if (!rc)
            rc = sl_spsc_join_tx(&lane->answers, config->rings.lane[i].answer);
        if (!rc && sl_spsc_len_max(&lane->answers) < sizeof(struct sl_answer) + SL_BULLETIN_LEN_MIN)
            rc = -EINVAL;
    }
    if (rc) {
        sl_decode_fini(decode);
        return rc;
    }
    decode->config = *config;
    *out = decode;
    return 0;
}

void sl_decode_fini(struct sl_decode *decode)
{
    if (decode)
        free(decode->scratch);
    free(decode);
}

/* From here on a crash is this message's doing; NULL: nobody's.  The fences keep the parser's work from being moved
 * out of the span that the handler would blame it for. */
static void blame(struct sl_decode *decode, const struct sl_message *message)
{
    atomic_signal_fence(memory_order_seq_cst);
    decode->parsing = message;
    atomic_signal_fence(memory_order_seq_cst);
}

static void show_answers(struct sl_decode *decode, struct lane *lane)
{
    lane->open = NULL;
    sl_spsc_flush(&lane->answers);
    sl_bell_ring(decode->config.desk_bell);
}

/* The next message of the lane, or false. */
static bool begin(struct sl_decode *decode, struct lane *lane)
{
    uint32_t len;
    const struct sl_message *message = sl_spsc_peek(&lane->messages, &len);
    if (!message)
        return false;
    const struct sl_feed *feed = &decode->config.feeds[message->feed];
    lane->message = message;
    lane->place = sl_spsc_next(&lane->messages);
    lane->part = 0;
    lane->open = NULL;
    sl_slow(SL_SLOW_DECODE);
    if (!message->cut && !message->is_gap)
        sl_parse_begin(&lane->parse, feed->format, &feed->facts, bytes_of(message), message->len,
                       message->stamps.first_ns);
    return true;
}

static struct sl_answer *claim(struct lane *lane, uint32_t bulletin_len)
{
    uint32_t max = sl_spsc_len_max(&lane->answers) - (uint32_t)sizeof(struct sl_answer);
    uint32_t len = bulletin_len < max ? bulletin_len : max;
    struct sl_answer *answer = sl_spsc_claim(&lane->answers, (uint32_t)sizeof(*answer) + len);
    if (answer)
        *answer = (struct sl_answer){ .message = lane->place, .part = lane->part, .bulletin_len = len };
    return answer;
}

static struct sl_parse_err parse_part(struct sl_decode *decode, struct lane *lane, struct sl_answer *answer)
{
    blame(decode, lane->message);
    enum sl_parse_code code =
        sl_parse_next(&lane->parse, answer + 1, answer->bulletin_len & ~7u, &answer->bulletin_len);
    blame(decode, NULL);
    return (struct sl_parse_err){ code, lane->parse.err.off, lane->parse.err.want };
}

/* A unit that was framed without being whole is rejected unread. */
static struct sl_parse_err refuse_cut(const struct sl_message *message)
{
    bool at_start = message->cut == SL_CUT_NOISE || message->cut == SL_CUT_REFUSED;
    return (struct sl_parse_err){ code_of_cut[message->cut], at_start ? 0 : message->len, sl_cut_want(message->cut) };
}

/* The end of a message that says nothing more: the bulletin before is marked the last if the desk has not seen it
 * yet. */
static void end_message(struct lane *lane, struct sl_answer *answer)
{
    if (lane->open) {
        lane->open->last = 1;
        return;
    }
    answer->what = SL_ANSWER_NOTHING;
    answer->last = 1;
    answer->bulletin_len = 0;
    sl_spsc_commit(&lane->answers, sizeof(*answer));
}

static void reject(struct lane *lane, struct sl_answer *answer, struct sl_parse_err err)
{
    answer->what = SL_ANSWER_REJECT;
    answer->last = 1;
    answer->code = (uint8_t)err.code;
    answer->err_off = err.off;
    answer->want = err.want;
    answer->bulletin_len = 0;
    sl_spsc_commit(&lane->answers, sizeof(*answer));
}

static void give_bulletin(struct lane *lane, struct sl_answer *answer)
{
    answer->what = SL_ANSWER_BULLETIN;
    sl_spsc_commit(&lane->answers, (uint32_t)sizeof(*answer) + answer->bulletin_len);
    lane->open = answer;
    lane->part++;
}

/* What is missing is the desk's to say. */
static void pass_gap(struct lane *lane, struct sl_answer *answer)
{
    answer->what = SL_ANSWER_GAP;
    answer->last = 1;
    sl_spsc_commit(&lane->answers, sizeof(*answer));
}

enum step { STEP_PART, STEP_ENDED, STEP_FULL };

/* One part of the lane's message into one answer. */
static enum step step(struct sl_decode *decode, struct lane *lane)
{
    const struct sl_message *message = lane->message;
    bool is_read = !message->cut && !message->is_gap;
    struct sl_answer *answer = claim(lane, is_read ? sl_parse_bound(message->len) : 0);
    if (!answer)
        return STEP_FULL;
    if (message->is_gap) {
        pass_gap(lane, answer);
        lane->message = NULL;
        return STEP_ENDED;
    }
    struct sl_parse_err got = message->cut ? refuse_cut(message) : parse_part(decode, lane, answer);
    answer->decoded_ns = sl_clock_real(decode->config.clock);
    if (got.code == SL_PARSE_OK) {
        give_bulletin(lane, answer);
        return STEP_PART;
    }
    if (got.code == SL_PARSE_END)
        end_message(lane, answer);
    else
        reject(lane, answer, got);
    lane->message = NULL;
    return STEP_ENDED;
}

struct turn {
    struct sl_decode *decode;
    bool full;
};

static bool serve(void *self, enum sl_lane lane_idx)
{
    struct turn *turn = self;
    struct lane *lane = &turn->decode->lanes[lane_idx];
    if (!lane->message && !begin(turn->decode, lane))
        return false;
    enum step got = STEP_PART;
    uint32_t parts = 0;
    for (; got == STEP_PART && parts < PARTS_PER_TURN; parts++)
        got = step(turn->decode, lane);
    bool did = got != STEP_FULL || parts > 1;
    if (did)
        show_answers(turn->decode, lane);
    turn->full |= got == STEP_FULL;
    return did;
}

int sl_decode_poll(void *self, int64_t now_ns)
{
    (void)now_ns;
    struct turn turn = { .decode = self };
    int served = (int)sl_round_serve(&turn, serve);
    return served || !turn.full ? served : -EAGAIN;
}

void sl_decode_crashed(struct sl_decode *decode)
{
    const struct sl_message *message = decode->parsing;
    struct sl_crash_note *note = decode->config.note;
    if (!message || !note)
        return;
    note->len = message->len;
    note->feed = message->feed;
    note->line = message->line;
    note->lane = message->lane;
    note->wire_source = message->wire_source;
    note->stamps = message->stamps;
    memcpy(note->head, bytes_of(message), message->len < sizeof(note->head) ? message->len : sizeof(note->head));
    uint64_t hash = XXH3_64bits(bytes_of(message), message->len);
    /* Relaxed: the supervisor reads it when this process has died.  0 means that there is nothing. */
    atomic_store_explicit(&note->hash, hash ? hash : 1, memory_order_relaxed);
}
