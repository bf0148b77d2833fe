#include "pipeline/verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NOTICE_TEXT_MAX 512u
#define NOTICE_TEXT_OFF ((uint32_t)offsetof(struct sl_notice, text)) /* its end is padded, so sizeof is more */

static const uint8_t *raw_of(const struct sl_message *message) { return (const uint8_t *)(message + 1); }

static const struct sl_bulletin *bulletin_of(const struct sl_answer *answer)
{
    return (const struct sl_bulletin *)(const void *)(answer + 1);
}

static void count(const struct sl_judge *judge, uint16_t feed, unsigned col)
{
    if (!judge->recalling)
        sl_cell_add(&sl_books_desk(judge->books, feed)[col], 1);
}

static void count_tape(const struct sl_judge *judge, enum sl_book_tape col)
{
    sl_cell_add(&judge->publish.books[col], 1);
}

static void count_held_now(const struct sl_judge *judge, uint16_t feed, int change)
{
    sl_cell *cell = &sl_books_desk(judge->books, feed)[SL_DESK_HELD_NOW];
    if (!judge->recalling)
        sl_cell_set(cell, sl_cell_get(cell) + (uint64_t)(int64_t)change);
}

/* From where on the journal is to be read to know what is held. */
static void tell_held_from(struct sl_judge *judge)
{
    struct sl_durable *page = judge->publish.tape.journal;
    const struct sl_held *oldest = sl_hold_oldest(&judge->hold);
    /* Relaxed: it is there before the notice is published, and the journal looks at it behind the tape's head. */
    if (page && !judge->recalling)
        atomic_store_explicit(&page->held_from, oldest ? oldest->notice_seq : 0, memory_order_relaxed);
}

static void drop_held(struct sl_judge *judge, struct sl_held *held)
{
    count_held_now(judge, held->record.feed, -1);
    sl_hold_drop(&judge->hold, held);
    tell_held_from(judge);
}

int sl_judge_init(struct sl_judge *judge, const struct sl_desk_config *config)
{
    memset(judge, 0, sizeof(*judge));
    judge->books = config->books;
    int rc = sl_publish_init(&judge->publish, config);
    if (!rc)
        rc = sl_window_init(&judge->window, config->window_cnt, config->tombstone_cnt, config->epoch);
    if (!rc)
        rc = sl_hold_init(&judge->hold, config->hold_len, config->hold_cnt, config->epoch);
    if (rc)
        sl_judge_fini(judge);
    return rc;
}

void sl_judge_fini(struct sl_judge *judge)
{
    sl_window_fini(&judge->window);
    sl_hold_fini(&judge->hold);
}

/* ---- records ---- */

static struct sl_record record_of(const struct sl_case *at_hand, unsigned kind, enum sl_verdict verdict)
{
    const struct sl_message *message = at_hand->message;
    struct sl_record record = {
        .kind = (uint8_t)kind,
        .lane = message->lane,
        .verdict = (uint8_t)verdict,
        .wire_source = message->wire_source,
        .arrival = message->arrival,
        .raw_seq = *at_hand->raw_seq,
        .feed = message->feed,
        .line = message->line,
        .flags = message->flags,
        .stamps = message->stamps,
        .part = at_hand->answer->part,
    };
    record.stamps.decoded_ns = at_hand->answer->decoded_ns;
    return record;
}

/* A record on the raw log; 0: no room now. */
static uint64_t log_raw_record(struct sl_judge *judge, struct sl_record *record, const void *body, uint32_t len)
{
    struct sl_publish *publish = &judge->publish;
    void *claimed = sl_publish_claim(publish, &publish->raw, record->lane, len);
    if (!claimed)
        return 0;
    sl_publish_put(claimed, 0, body, len);
    return sl_publish_commit(publish, &publish->raw, claimed, record, len);
}

/* The message as it came, once, before the first record on the tape that names it. */
static bool log_raw(struct sl_judge *judge, const struct sl_case *at_hand)
{
    if (!judge->publish.has_raw || *at_hand->raw_seq)
        return true;
    struct sl_record record = record_of(at_hand, SL_RECORD_RAW, 0);
    *at_hand->raw_seq = log_raw_record(judge, &record, raw_of(at_hand->message), at_hand->message->len);
    if (!*at_hand->raw_seq)
        return false;
    count(judge, record.feed, SL_DESK_RAW_LOGGED);
    return true;
}

/* The longest start of text that a notice has room for and that does not end inside a character. */
static uint32_t notice_text_len(struct sl_slice text)
{
    uint32_t len = text.len;
    if (len > NOTICE_TEXT_MAX) {
        len = NOTICE_TEXT_MAX;
        while (len && ((uint8_t)text.data[len] & 0xc0) == 0x80)
            len--;
    }
    return len;
}

static void *claim_notice(struct sl_judge *judge, enum sl_lane lane, struct sl_slice text)
{
    uint32_t len = NOTICE_TEXT_OFF + notice_text_len(text);
    return sl_publish_claim(&judge->publish, &judge->publish.tape, lane, len);
}

static void publish_notice(struct sl_judge *judge, void *claimed, struct sl_record *record, struct sl_notice *notice,
                           struct sl_slice text)
{
    notice->text_len = notice_text_len(text);
    sl_publish_put(claimed, 0, notice, NOTICE_TEXT_OFF);
    sl_publish_put(claimed, NOTICE_TEXT_OFF, text.data, notice->text_len);
    sl_publish_commit(&judge->publish, &judge->publish.tape, claimed, record, NOTICE_TEXT_OFF + notice->text_len);
    count_tape(judge, SL_TAPE_MADE);
}

/* A REJECT and the raw bytes that it is about. */
static bool publish_reject(struct sl_judge *judge, const struct sl_case *at_hand, enum sl_parse_code code, uint32_t off,
                           const char *want)
{
    struct sl_slice text = { want, want ? (uint32_t)strlen(want) : 0 };
    void *claimed = claim_notice(judge, at_hand->message->lane, text);
    if (!claimed || !log_raw(judge, at_hand))
        return false;
    struct sl_record record = record_of(at_hand, SL_RECORD_REJECT, SL_VERDICT_MADE);
    struct sl_notice notice = {
        .first = at_hand->message->stream_off, .cnt = at_hand->message->len, .code = code, .off = off
    };
    publish_notice(judge, claimed, &record, &notice, text);
    if (at_hand->ack && !at_hand->ack->rejected++) {
        at_hand->ack->want = want ? want : "";
        at_hand->ack->off = off;
        at_hand->ack->code = (uint8_t)code;
    }
    return true;
}

/* Numbers that never came. */
static bool publish_gap(struct sl_judge *judge, const struct sl_case *at_hand)
{
    const struct sl_gap *gap = (const struct sl_gap *)(const void *)(at_hand->message + 1);
    void *claimed = claim_notice(judge, at_hand->message->lane, SL_SLICE(""));
    if (!claimed)
        return false;
    struct sl_record record = record_of(at_hand, SL_RECORD_GAP, SL_VERDICT_MADE);
    struct sl_notice notice = { .first = gap->first, .cnt = gap->cnt };
    publish_notice(judge, claimed, &record, &notice, SL_SLICE(""));
    count(judge, record.feed, SL_DESK_GAPS);
    return true;
}

/* ---- what a bulletin does to those that are held ---- */

static void cancel(struct sl_judge *judge, struct sl_held *held)
{
    count(judge, held->record.feed, SL_DESK_VERDICT + SL_VERDICT_CANCELLED);
    drop_held(judge, held);
}

static void kill_story(struct sl_judge *judge, uint64_t name)
{
    struct sl_held *held = sl_hold_named(&judge->hold, name, NULL);
    sl_window_kill(&judge->window, name);
    while (held) {
        struct sl_held *next = sl_hold_named(&judge->hold, name, held);
        cancel(judge, held);
        held = next;
    }
}

static void release_story(struct sl_judge *judge, uint64_t name)
{
    for (struct sl_held *held = sl_hold_named(&judge->hold, name, NULL); held;
         held = sl_hold_named(&judge->hold, name, held))
        sl_hold_release(&judge->hold, held);
}

static void keep_story(struct sl_judge *judge, uint64_t name)
{
    for (struct sl_held *held = sl_hold_named(&judge->hold, name, NULL); held;
         held = sl_hold_named(&judge->hold, name, held))
        sl_hold_keep(&judge->hold, held);
}

/* For each story that the bulletin is about: its own, by all names, and those it refers to. */
static void for_each_story(struct sl_judge *judge, const struct sl_bulletin *bulletin,
                           void (*act)(struct sl_judge *judge, uint64_t name))
{
    uint64_t names[SL_NAMES_MAX];
    uint32_t name_cnt = sl_names_of(bulletin, names);
    for (uint32_t i = 0; i < name_cnt; i++)
        act(judge, names[i]);
    struct sl_slice provider = sl_bulletin_text(bulletin, SL_TEXT_PROVIDER);
    const struct sl_item *references = sl_bulletin_items(bulletin, SL_LIST_REFERENCES);
    for (uint32_t i = 0; i < bulletin->list[SL_LIST_REFERENCES].cnt; i++)
        act(judge, sl_story_hash(provider, sl_bulletin_ref(bulletin, references[i].part[1])));
}

/* A later version, or the same with the word that it may be used.  Another text under the same version without that
 * word may be a better one or a garbled one, so it takes nothing away.  Of takes each stands for itself. */
static bool replaces(const struct sl_bulletin *bulletin, const struct sl_held *held)
{
    if (bulletin->take_no != held->take_no)
        return false;
    if (bulletin->version_hash == held->version_hash)
        return bulletin->pubstatus == SL_PUB_USABLE;
    return sl_version_compare(sl_version_of(bulletin), held->version) > 0;
}

/* What is held of the story and is older than this bulletin.  Text that has come anew need not come twice: it is
 * cancelled.  A bulletin that only says "usable" sets it free. */
static void settle_replaced(struct sl_judge *judge, const struct sl_bulletin *bulletin)
{
    bool frees = bulletin->pubstatus == SL_PUB_USABLE && !bulletin->text[SL_TEXT_BODY].len;
    struct sl_held *held = sl_hold_named(&judge->hold, bulletin->story_hash, NULL);
    while (held) {
        struct sl_held *next = sl_hold_named(&judge->hold, bulletin->story_hash, held);
        if (replaces(bulletin, held) && frees)
            sl_hold_release(&judge->hold, held);
        else if (replaces(bulletin, held) && bulletin->text[SL_TEXT_BODY].len)
            cancel(judge, held);
        held = next;
    }
}

static bool is_text(const struct sl_bulletin *bulletin)
{
    return bulletin->kind == SL_KIND_NEWS || bulletin->kind == SL_KIND_UPDATE || bulletin->kind == SL_KIND_CORRECTION;
}

static void act_on_held(struct sl_judge *judge, const struct sl_bulletin *bulletin)
{
    if (bulletin->kind == SL_KIND_KILL)
        for_each_story(judge, bulletin, kill_story);
    else if (bulletin->kind == SL_KIND_RELEASE)
        for_each_story(judge, bulletin, release_story);
    else if (is_text(bulletin) && bulletin->pubstatus != SL_PUB_CANCELED)
        settle_replaced(judge, bulletin);
}

/* ---- verdicts ---- */

static uint8_t cut_to(char *to, size_t room, struct sl_slice text)
{
    size_t len = text.len < room ? text.len : room;
    memcpy(to, text.len ? text.data : "", len);
    return (uint8_t)len;
}

static void note_said(struct sl_ack_said *said, const struct sl_answer *answer)
{
    if (!said || answer->part || answer->what != SL_ANSWER_BULLETIN)
        return;
    const struct sl_bulletin *bulletin = bulletin_of(answer);
    said->id_len = cut_to(said->id, sizeof(said->id), sl_bulletin_text(bulletin, SL_TEXT_ID));
    said->number_len = cut_to(said->number, sizeof(said->number), sl_bulletin_text(bulletin, SL_TEXT_SOURCE_NUMBER));
    said->service_len = cut_to(said->service, sizeof(said->service), sl_bulletin_text(bulletin, SL_TEXT_SERVICE));
}

static void count_verdict(struct sl_judge *judge, const struct sl_case *at_hand, enum sl_verdict verdict)
{
    count(judge, at_hand->message->feed, SL_DESK_SAID);
    count(judge, at_hand->message->feed, SL_DESK_VERDICT + verdict);
    if (at_hand->ack) {
        note_said(at_hand->ack->said, at_hand->answer);
        at_hand->ack->bulletins++;
        at_hand->ack->duplicates += verdict == SL_VERDICT_DUPLICATE;
        at_hand->ack->held += verdict == SL_VERDICT_HELD;
    }
}

static bool is_withheld(const struct sl_bulletin *bulletin)
{
    return bulletin->kind == SL_KIND_HOLD ||
           (bulletin->pubstatus == SL_PUB_WITHHELD && bulletin->kind != SL_KIND_RELEASE);
}

/* Until when it must not be published; SL_TIME_NONE: it may be. */
static int64_t held_until(const struct sl_judge *judge, const struct sl_bulletin *bulletin)
{
    if (bulletin->kind == SL_KIND_KILL)
        return SL_TIME_NONE;
    if (is_withheld(bulletin))
        return SL_HOLD_RELEASED_ONLY;
    if (!(bulletin->flags & SL_BULLETIN_EMBARGOED))
        return SL_TIME_NONE;
    if (bulletin->embargoed_until == SL_TIME_NONE)
        return SL_HOLD_RELEASED_ONLY;
    return bulletin->embargoed_until > sl_clock_real(judge->publish.clock) ? bulletin->embargoed_until : SL_TIME_NONE;
}

static bool refuse_for_room(struct sl_judge *judge, const struct sl_case *at_hand, enum sl_parse_code code,
                            const char *want)
{
    if (!publish_reject(judge, at_hand, code, 0, want))
        return false;
    count_verdict(judge, at_hand, SL_VERDICT_NO_ROOM);
    return true;
}

static bool pass(struct sl_judge *judge, const struct sl_case *at_hand, const struct sl_bulletin *bulletin,
                 enum sl_verdict verdict)
{
    struct sl_publish *publish = &judge->publish;
    enum sl_lane lane = at_hand->message->lane;
    void *claimed = sl_publish_claim(publish, &publish->tape, lane, bulletin->len);
    if (!claimed || !log_raw(judge, at_hand))
        return false;
    struct sl_record record = record_of(at_hand, bulletin->kind, verdict);
    sl_publish_put(claimed, 0, bulletin, bulletin->len);
    uint64_t seq = sl_publish_commit(publish, &publish->tape, claimed, &record, bulletin->len);
    if (lane == SL_LANE_FLASH)
        sl_publish_wake(publish);
    count_verdict(judge, at_hand, verdict);
    count(judge, record.feed, SL_DESK_LANE + lane);
    count_tape(judge, SL_TAPE_PASSED);
    sl_window_note(&judge->window, bulletin, seq);
    sl_window_note_version(&judge->window, bulletin->story_hash, sl_version_of(bulletin));
    act_on_held(judge, bulletin);
    return true;
}

/* A HELD notice names it, the raw log keeps it: after a crash it comes back from there. */
static bool hold(struct sl_judge *judge, const struct sl_case *at_hand, const struct sl_bulletin *bulletin,
                 enum sl_verdict verdict, int64_t until_ns)
{
    if (bulletin->text[SL_TEXT_BODY].len)
        settle_replaced(judge, bulletin);
    if (!sl_hold_fits(&judge->hold, bulletin->len))
        return refuse_for_room(judge, at_hand, SL_PARSE_REFUSED, "room in the hold area");
    struct sl_slice id = sl_bulletin_text(bulletin, SL_TEXT_ID);
    void *claimed = claim_notice(judge, at_hand->message->lane, id);
    if (!claimed || !log_raw(judge, at_hand))
        return false;
    struct sl_notice notice = { .until_ns = until_ns == SL_HOLD_RELEASED_ONLY ? SL_TIME_NONE : until_ns };
    if (judge->publish.has_raw) {
        struct sl_record copy = record_of(at_hand, SL_RECORD_RAW_HELD, SL_VERDICT_HELD);
        notice.first = log_raw_record(judge, &copy, bulletin, bulletin->len);
        if (!notice.first)
            return false;
    }
    bool withdrawn = verdict == SL_VERDICT_WITHDRAWN;
    struct sl_record record =
        record_of(at_hand, bulletin->kind, withdrawn ? SL_VERDICT_WITHDRAWN : SL_VERDICT_RELEASED);
    /* What is withheld is withheld: a time that an earlier bulletin of the story named counts no longer. */
    if (is_withheld(bulletin))
        for_each_story(judge, bulletin, keep_story);
    uint64_t seq = sl_log_head(&judge->publish.tape.tx) + 1;
    sl_hold_put(&judge->hold, &record, bulletin, until_ns, seq);
    tell_held_from(judge);
    record = record_of(at_hand, SL_RECORD_HELD, SL_VERDICT_MADE);
    publish_notice(judge, claimed, &record, &notice, id);
    count_verdict(judge, at_hand, SL_VERDICT_HELD);
    count_held_now(judge, record.feed, 1);
    sl_window_note(&judge->window, bulletin, seq);
    return true;
}

static bool is_too_long(const struct sl_judge *judge, const struct sl_bulletin *bulletin)
{
    return bulletin->len > sl_publish_body_max(&judge->publish.tape) ||
           (judge->publish.has_raw && bulletin->len > sl_publish_body_max(&judge->publish.raw));
}

/* Whether what this repeats is in no journal though there is one: then it is published once more, because an agency
 * that waits for an acknowledgement goes on sending it until it is there.  While that is not known, the answer waits
 * for it. */
static bool was_lost(const struct sl_judge *judge, const struct sl_case *at_hand, const struct sl_bulletin *bulletin)
{
    const struct sl_durable *page = judge->publish.tape.journal;
    if (!at_hand->ack || !page)
        return false;
    uint64_t seq = sl_window_seq(&judge->window, bulletin, sl_log_head(&judge->publish.tape.tx));
    if (seq > sl_durable_done(page) && seq < at_hand->ack->tape.first)
        at_hand->ack->tape.first = seq;
    return seq <= sl_durable_done(page) && sl_durable_is_lost(page, seq, seq);
}

static bool settle_bulletin(struct sl_judge *judge, const struct sl_case *at_hand)
{
    const struct sl_bulletin *bulletin = bulletin_of(at_hand->answer);
    enum sl_verdict verdict = sl_window_judge(&judge->window, bulletin);
    if (verdict == SL_VERDICT_DUPLICATE && !was_lost(judge, at_hand, bulletin)) {
        count_verdict(judge, at_hand, verdict);
        return true;
    }
    if (verdict == SL_VERDICT_DUPLICATE)
        verdict = SL_VERDICT_PASSED;
    if (is_too_long(judge, bulletin))
        return refuse_for_room(judge, at_hand, SL_PARSE_TOO_LARGE, "a bulletin no longer than a quarter of the tape");
    int64_t until_ns = held_until(judge, bulletin);
    if (until_ns != SL_TIME_NONE)
        return hold(judge, at_hand, bulletin, verdict, until_ns);
    return pass(judge, at_hand, bulletin, verdict);
}

/* Each message is one of three: what ended in a reject is rejected, whatever it said before. */
static void count_message(const struct sl_judge *judge, const struct sl_case *at_hand)
{
    const struct sl_answer *answer = at_hand->answer;
    uint16_t feed = at_hand->message->feed;
    if (!answer->last)
        return;
    count(judge, feed, SL_DESK_ANSWERED);
    if (answer->what == SL_ANSWER_REJECT) {
        count(judge, feed, SL_DESK_REJECTED);
        count(judge, feed, SL_DESK_REJECT_CODE + answer->code);
    } else {
        count(judge, feed, answer->what == SL_ANSWER_BULLETIN || answer->part ? SL_DESK_WITH_BULLETINS : SL_DESK_EMPTY);
    }
    sl_cell_set(&sl_books_desk(judge->books, feed)[SL_DESK_LAST_NS], (uint64_t)answer->decoded_ns);
}

static uint64_t raw_head(const struct sl_judge *judge)
{
    return judge->publish.has_raw ? sl_log_head(&judge->publish.raw.tx) : 0;
}

/* Nothing of it lies before these. */
static void begin_ack(const struct sl_judge *judge, struct sl_ack *ack)
{
    if (ack->tape.first)
        return;
    ack->tape.first = sl_log_head(&judge->publish.tape.tx) + 1;
    ack->raw.first = raw_head(judge) + 1;
}

bool sl_judge_settle(struct sl_judge *judge, const struct sl_case *at_hand)
{
    const struct sl_answer *answer = at_hand->answer;
    if (answer->what == SL_ANSWER_GAP)
        return publish_gap(judge, at_hand);
    if (at_hand->ack)
        begin_ack(judge, at_hand->ack);
    if (answer->what == SL_ANSWER_BULLETIN && !settle_bulletin(judge, at_hand))
        return false;
    if (answer->what == SL_ANSWER_REJECT &&
        !publish_reject(judge, at_hand, answer->code, answer->err_off, answer->want))
        return false;
    count_message(judge, at_hand);
    if (at_hand->ack && answer->last)
        sl_ack_answer(at_hand->ack, sl_log_head(&judge->publish.tape.tx), raw_head(judge));
    return true;
}

/* The held bulletin that this record on the tape was. */
static struct sl_held *find_released(struct sl_judge *judge, const struct sl_record *record,
                                     const struct sl_bulletin *bulletin)
{
    struct sl_held *held = NULL;
    if (record->verdict != SL_VERDICT_RELEASED && record->verdict != SL_VERDICT_WITHDRAWN)
        return NULL;
    while ((held = sl_hold_named(&judge->hold, bulletin->story_hash, held)))
        if (held->record.feed == record->feed && held->record.arrival == record->arrival &&
            held->record.part == record->part && held->version_hash == bulletin->version_hash)
            return held;
    return NULL;
}

void sl_judge_recall(struct sl_judge *judge, const struct sl_record *record, const struct sl_bulletin *bulletin)
{
    judge->recalling = true;
    struct sl_held *held = find_released(judge, record, bulletin);
    sl_judge_remember(judge, bulletin, record->seq);
    if (held)
        drop_held(judge, held);
    else
        act_on_held(judge, bulletin);
}

/* As hold did it then. */
void sl_judge_recall_held(struct sl_judge *judge, uint64_t notice_seq, int64_t until_ns, const struct sl_record *raw,
                          const struct sl_bulletin *bulletin)
{
    judge->recalling = true;
    if (bulletin->text[SL_TEXT_BODY].len)
        settle_replaced(judge, bulletin);
    if (is_withheld(bulletin))
        for_each_story(judge, bulletin, keep_story);
    bool withdrawn = sl_window_killed(&judge->window, bulletin);
    struct sl_record record = *raw;
    record.kind = bulletin->kind;
    record.verdict = withdrawn ? SL_VERDICT_WITHDRAWN : SL_VERDICT_RELEASED;
    if (record.feed >= judge->books->feed_cnt) /* it is configured no longer; what it said is published all the same */
        record.feed = 0;
    if (sl_hold_fits(&judge->hold, bulletin->len))
        sl_hold_put(&judge->hold, &record, bulletin, until_ns == SL_TIME_NONE ? SL_HOLD_RELEASED_ONLY : until_ns,
                    notice_seq);
    sl_window_note(&judge->window, bulletin, notice_seq);
}

void sl_judge_recalled(struct sl_judge *judge)
{
    judge->recalling = false;
    for (struct sl_held *held = sl_hold_oldest(&judge->hold); held; held = sl_hold_next(&judge->hold, held)) {
        count(judge, held->record.feed, SL_DESK_RESTORED);
        count_held_now(judge, held->record.feed, 1);
    }
    tell_held_from(judge);
}

void sl_judge_remember(struct sl_judge *judge, const struct sl_bulletin *bulletin, uint64_t seq)
{
    bool known = sl_window_judge(&judge->window, bulletin) == SL_VERDICT_DUPLICATE;
    sl_window_note(&judge->window, bulletin, seq); /* the later one: what was lost and came again is there */
    if (known)
        return;
    sl_window_note_version(&judge->window, bulletin->story_hash, sl_version_of(bulletin));
    if (bulletin->kind == SL_KIND_KILL)
        for_each_story(judge, bulletin, kill_story);
}

bool sl_judge_release(struct sl_judge *judge, int64_t now_ns)
{
    struct sl_publish *publish = &judge->publish;
    struct sl_held *held = sl_hold_due(&judge->hold, now_ns);
    if (!held)
        return false;
    void *claimed = sl_publish_claim(publish, &publish->tape, held->record.lane, held->len);
    if (!claimed)
        return false;
    struct sl_hold_cursor cursor = sl_hold_begin(held);
    uint32_t off = 0, len;
    for (const void *piece; (piece = sl_hold_piece(&judge->hold, &cursor, &len)); off += len)
        sl_publish_put(claimed, off, piece, len);
    sl_publish_commit(publish, &publish->tape, claimed, &held->record, held->len);
    count(judge, held->record.feed, SL_DESK_VERDICT + SL_VERDICT_RELEASED);
    count(judge, held->record.feed, SL_DESK_LANE + held->record.lane);
    count_tape(judge, SL_TAPE_RELEASED);
    sl_window_note_version(&judge->window, held->names[0], held->version);
    drop_held(judge, held);
    return true;
}

void sl_judge_crashed(struct sl_judge *judge, const struct sl_crash_note *note)
{
    /* Relaxed: its writer is dead. */
    if (!atomic_load_explicit(&note->hash, memory_order_relaxed) || note->lane >= SL_LANE_CNT)
        return;
    struct sl_record record = {
        .kind = SL_RECORD_RAW,
        .lane = note->lane,
        .wire_source = note->wire_source,
        .feed = note->feed,
        .line = note->line,
        .stamps = note->stamps,
    };
    uint32_t len = note->len < sizeof(note->head) ? note->len : (uint32_t)sizeof(note->head);
    uint64_t raw_seq = judge->publish.has_raw ? log_raw_record(judge, &record, note->head, len) : 0;
    const char *want = sl_cut_want(SL_CUT_REFUSED);
    struct sl_slice text = { want, (uint32_t)strlen(want) };
    struct sl_notice notice = { .cnt = note->len, .code = SL_PARSE_REFUSED };
    void *claimed = claim_notice(judge, note->lane, text);
    if (!claimed)
        return;
    record.kind = SL_RECORD_REJECT;
    record.verdict = SL_VERDICT_MADE;
    record.raw_seq = raw_seq;
    publish_notice(judge, claimed, &record, &notice, text);
}

void sl_judge_old_tape(struct sl_judge *judge, const struct sl_old_tape *old)
{
    char said[40];
    int len = snprintf(said, sizeof(said), "old epoch %016" PRIx64, old->epoch);
    struct sl_slice text = { said, (uint32_t)len };
    struct sl_record record = { .kind = SL_RECORD_EPOCH, .verdict = SL_VERDICT_MADE, .feed = UINT16_MAX };
    struct sl_notice notice = { .first = old->durable_to + 1, .cnt = old->reserved_to - old->durable_to };
    void *claimed = claim_notice(judge, SL_LANE_FLASH, text);
    if (claimed)
        publish_notice(judge, claimed, &record, &notice, text);
}
