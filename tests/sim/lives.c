/* tests/sim/lives.c - lives [--seed N] [--seeds FROM..TO] [-v]: the true walk and the true journal on a disk that
 * fails, tears and fills, killed at any poll: walk, journal, both, all with the supervisor, or the power goes.  Each
 * from its seed.
 *
 *     agency --files--> [ walk ] --> tape, raw log --> [ journal ] --> files on a disk of chance
 *        ^                 |            |                                       |
 *        +---- acks -------+         a reader                        read again in the end
 *
 * What a reader saw is in the journal, or named by an EPOCH or a HOLE; what was acknowledged is there once; no number
 * is there twice; no number is missing without a name; and the ledger has counted them.
 */
#include "pipeline/catalog.h"
#include "pipeline/control.h"
#include "pipeline/journal.h"
#include "pipeline/ledger.h"
#include "pipeline/recall.h"
#include "pipeline/say.h"
#include "tests/sim/lives.h"
#include "tests/sim/seeds.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MESSAGES_MAX 90u
#define MESSAGE_LEN  12000u
#define SEEN_MAX     4096u
#define SLOTS        SL_ACKS_PER_LINE
#define ENOUGH_LIVES 500u /* of which everything must have happened at least once */
#define START_NS     1720180800000000000ll
#define TURNS_MAX    400000u

enum happening {
    HAPPENED_LIFE,
    HAPPENED_ACKED,
    HAPPENED_SEEN,
    HAPPENED_WALK_KILLED,
    HAPPENED_JOURNAL_KILLED,
    HAPPENED_BOTH_KILLED,
    HAPPENED_ALL_KILLED,
    HAPPENED_POWER_LOST,
    HAPPENED_WRITE_FAILED,
    HAPPENED_WRITE_TORN,
    HAPPENED_HOLE,
    HAPPENED_EPOCH_NAMED,
    HAPPENED_SEEN_AND_LOST,
    HAPPENED_LOST_ANSWER,
    HAPPENED_SENT_AGAIN,
    HAPPENED_CNT,
};
static const char *const happenings[HAPPENED_CNT] = {
    [HAPPENED_LIFE] = "lives",
    [HAPPENED_ACKED] = "messages acknowledged",
    [HAPPENED_SEEN] = "records seen",
    [HAPPENED_WALK_KILLED] = "walks killed",
    [HAPPENED_JOURNAL_KILLED] = "journals killed",
    [HAPPENED_BOTH_KILLED] = "times both were killed",
    [HAPPENED_ALL_KILLED] = "times all were killed",
    [HAPPENED_POWER_LOST] = "times the power went",
    [HAPPENED_WRITE_FAILED] = "writes that failed",
    [HAPPENED_WRITE_TORN] = "writes that were torn",
    [HAPPENED_HOLE] = "holes in the journal",
    [HAPPENED_EPOCH_NAMED] = "EPOCH records that name what is lost",
    [HAPPENED_SEEN_AND_LOST] = "records seen and lost, and named",
    [HAPPENED_LOST_ANSWER] = "answers that were not given, since a hole took what they were of",
    [HAPPENED_SENT_AGAIN] = "messages sent again though acknowledged",
};
static uint64_t happened[HAPPENED_CNT];

struct seen {
    uint64_t epoch, seq, hash;
};

static struct life {
    uint64_t seed;
    struct dice dice;
    int64_t now_ns;
    struct sl_clock clock;
    char folder[64];
    char fault[300];
    struct sl_config config;
    struct sl_topo topo;
    /* the supervisor's */
    struct sl_walk_memory memory;
    struct sl_durable lost;
    struct sl_journal_places places;
    int control_fd, alive_fd; /* alive_fd: the walk's end */
    bool undrained, handed, placed, was_ready;
    struct sl_journal *journal; /* NULL: it is dead */
    struct sl_walk *walk;
    /* the agency's */
    uint32_t message_cnt;
    bool acked[MESSAGES_MAX];
    struct slot {
        bool used, whole; /* all of it is given */
        uint32_t message;
    } slots[SLOTS];
    struct slot *writing; /* NULL: none */
    uint32_t writing_off, writing_len;
    char text[MESSAGE_LEN];
    uint32_t journal_rests; /* how much else happens between its polls */
    bool last; /* no more faults and kills: all is to be acknowledged */
    /* the reader's */
    struct sl_log_rx rx;
    bool reads;
    struct seen seen[SEEN_MAX];
    uint32_t seen_cnt;
} life;

/* The first thing that must not be. */
static void violated(const char *format, ...)
{
    va_list args;
    if (life.fault[0])
        return;
    va_start(args, format);
    vsnprintf(life.fault, sizeof(life.fault), format, args);
    va_end(args);
}

/* ---- the agency: each message is a file ---- */

static uint32_t write_message(uint32_t number)
{
    struct dice dice = { life.seed * 1000 + number };
    uint32_t len =
        (uint32_t)snprintf(life.text, sizeof(life.text),
                           "\001wir%04u 4 i 12  tst %03u\r\n\r\nHarbour/\r\n\002Talks on the harbour =\r\n\r\n"
                           "   Testville (tst) - ",
                           number + 1, number % 1000);
    for (uint32_t end =
             len + between(&dice, life.seed % 3 ? 10 : 6500, life.seed % 3 && chance(&dice, 60) ? 1000 : 7500);
         len < end; len++)
        life.text[len] = len % 60 ? (char)('a' + below(&dice, 26)) : '\n';
    return len +
           (uint32_t)snprintf(life.text + len, sizeof(life.text) - len, "\r\n\003051200 GMT Jul 24\r\n\177\n\177\004");
}

static struct slot *free_slot(void)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        if (!life.slots[i].used)
            return &life.slots[i];
    return NULL;
}

static bool is_under_way(uint32_t message)
{
    for (uint32_t i = 0; i < SLOTS; i++)
        if (life.slots[i].used && life.slots[i].message == message)
            return true;
    return false;
}

static bool next_message(uint32_t *message)
{
    for (uint32_t i = 0; i < life.message_cnt; i++) {
        if (is_under_way(i))
            continue;
        if (!life.acked[i] || (!life.last && chance(&life.dice, 1))) {
            happened[HAPPENED_SENT_AGAIN] += life.acked[i];
            *message = i;
            return true;
        }
    }
    return false;
}

static bool begin_message(void)
{
    struct slot *slot = free_slot();
    uint32_t message;
    if (!slot || !next_message(&message))
        return false;
    *slot = (struct slot){ .used = true, .message = message };
    sl_ack_reset(&sl_walk_acks(life.walk, 0)[slot - life.slots]);
    life.writing = slot;
    life.writing_off = 0;
    life.writing_len = write_message(message);
    struct sl_rx_sink sink = sl_walk_sink(life.walk, 0);
    sink.line(sink.ctx, 0, 0, SL_LINE_UP);
    return true;
}

/* A piece of it, or its end.  False: nothing moved. */
static bool send_piece(void)
{
    if (!life.writing && !begin_message())
        return false;
    struct sl_rx_sink sink = sl_walk_sink(life.walk, 0);
    uint32_t left = life.writing_len - life.writing_off;
    struct sl_packet packet = { .data = (const uint8_t *)life.text + life.writing_off,
                                .len = left ? between(&life.dice, 1, left) : 0,
                                .end = !left,
                                .rx_ns = life.now_ns,
                                .ack = (uint16_t)(life.writing - life.slots + 1) };
    uint32_t took = sink.take(sink.ctx, &packet);
    if (took == SL_TAKE_BROKEN)
        violated("a file is taken for broken");
    if (packet.end && took) {
        life.writing->whole = true;
        life.writing = NULL;
    } else {
        life.writing_off += took;
    }
    return took;
}

static bool hear_answers(void)
{
    const struct sl_durable *const journal[2] = { life.memory.journal_seats[0].addr,
                                                  life.memory.journal_seats[1].addr };
    bool moved = false;
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &life.slots[i];
        const struct sl_ack *ack = &sl_walk_acks(life.walk, 0)[i];
        if (!slot->used || !slot->whole)
            continue;
        enum sl_fate fate = sl_ack_fate(ack, journal);
        if (fate == SL_FATE_OPEN)
            continue;
        if (ack->rejected || ack->bulletins != 1)
            violated("message %u: %u bulletins, %u rejects", slot->message, ack->bulletins, ack->rejected);
        happened[HAPPENED_LOST_ANSWER] += fate == SL_FATE_LOST;
        happened[HAPPENED_ACKED] += fate == SL_FATE_DURABLE;
        life.acked[slot->message] |= fate == SL_FATE_DURABLE;
        slot->used = false;
        moved = true;
    }
    return moved;
}

/* ---- the reader ---- */

static void read_tape(uint32_t most)
{
    static _Alignas(64) unsigned char buf[32768];
    const struct sl_record *record = (const void *)buf;
    int got = SL_LOG_RECORD;
    while (most-- && life.reads && (got = sl_log_next(&life.rx, buf, sizeof(buf))) > SL_LOG_NONE) {
        if (got != SL_LOG_RECORD)
            continue;
        if (life.seen_cnt == SEEN_MAX) {
            violated("more records than a life can have");
            return;
        }
        uint64_t hash = XXH3_64bits(record + 1, record->len - sizeof(*record));
        life.seen[life.seen_cnt++] = (struct seen){ record->epoch, record->seq, hash };
        happened[HAPPENED_SEEN]++;
    }
    if (got < 0)
        violated("the reader got %d", got);
}

/* ---- the supervisor, as supervise.c does it ---- */

static void tell_journal(enum sl_journal_what what, const int *fds, unsigned fd_cnt)
{
    struct sl_journal_word word = { .what = what, .thread_cnt = life.topo.thread_cnt };
    if (sl_mem_send(life.control_fd, &word, sizeof(word), fds, fd_cnt))
        violated("the journal cannot be told");
}

static void hand_logs(void)
{
    const struct sl_walk_memory *memory = &life.memory;
    int fds[6] = { memory->tape.fd,  memory->journal_seats[0].fd,
                   memory->raw.fd,   memory->journal_seats[1].fd,
                   memory->books.fd, memory->alive_fd };
    if (life.handed)
        return;
    life.handed = true;
    tell_journal(SL_JOURNAL_LOGS, fds, 6);
}

static void drain_journal(void)
{
    life.placed = false;
    tell_journal(SL_JOURNAL_DRAIN, NULL, 0);
}

static void hear_journal(void)
{
    struct sl_journal_word word;
    int fds[SL_MEM_FDS_MAX];
    unsigned fd_cnt = 0;
    if (sl_mem_recv(life.control_fd, &word, sizeof(word), fds, &fd_cnt, MSG_DONTWAIT) != (ssize_t)sizeof(word))
        return;
    if (word.what != SL_JOURNAL_PLACES) {
        violated("the journal says: %.200s", word.text);
    } else if (life.undrained && life.walk) {
        hand_logs();
    } else if (life.undrained && !word.drained) {
        hand_logs();
        drain_journal();
    } else {
        life.places = word.places;
        life.undrained = life.handed = false;
        life.placed = true;
    }
}

static void nap(void *self)
{
    (void)self;
    life.now_ns += 1000000;
}

static void start_journal(void)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        abort();
    life.control_fd = pair[0];
    life.placed = life.handed = false;
    struct sl_journal_begin begin = {
        .config = &life.config,
        .ledger = life.memory.ledger.addr,
        .tape_lives = life.undrained,
        .control_fd = pair[1],
        .time = {&life.clock, nap, NULL}
    };
    int rc = sl_journal_open(&life.journal, &begin);
    if (rc)
        violated("the journal does not begin: %s", strerror(-rc));
    hear_journal();
}

static void forget(struct sl_mem *mem)
{
    if (mem->addr)
        sl_mem_close(mem);
    *mem = (struct sl_mem){ .fd = -1 };
}

static void drop_memory(void)
{
    struct sl_walk_memory *memory = &life.memory;
    if (memory->alive_fd >= 0)
        close(memory->alive_fd);
    memory->alive_fd = -1;
    forget(&memory->tape);
    forget(&memory->raw);
    forget(&memory->books);
    forget(&memory->journal_seats[0]);
    forget(&memory->journal_seats[1]);
}

static void make_page(unsigned i, uint64_t first)
{
    struct sl_mem *mem = &life.memory.journal_seats[i];
    const struct sl_old_tape *old = &life.memory.old_tape;
    int rc = sl_mem_create(mem, "page", sizeof(struct sl_durable), 0);
    assert(!rc);
    struct sl_durable *page = mem->addr;
    sl_durable_pass(page, first - 1);
    sl_durable_reserve(page, life.places.reserved[i]);
    if (!i)
        sl_durable_inherit(page, &life.lost, old->durable_to + 1, old->epoch ? old->reserved_to : 0);
    atomic_store_explicit(&page->held_from, life.memory.held_from, memory_order_relaxed); /* relaxed: it is new */
    rc = sl_mem_seal(mem, true);
    assert(!rc);
}

static void make_memory(void)
{
    struct sl_walk_memory *memory = &life.memory;
    if (memory->journal_seats[0].addr) {
        memset(&life.lost, 0, sizeof(life.lost));
        sl_durable_inherit(&life.lost, memory->journal_seats[0].addr, 1, 0);
    }
    if (life.was_ready) {
        forget(&memory->before);
        memory->before = memory->tape;
        memory->tape = (struct sl_mem){ .fd = -1 };
    }
    life.was_ready = false;
    drop_memory();
    int rc = sl_mem_create(&memory->tape, "tape", sl_topo_tape_footprint(&life.config), 0);
    rc = rc ? rc : sl_mem_create(&memory->raw, "raw", sl_topo_raw_footprint(&life.config), 0);
    rc = rc ? rc : sl_mem_create(&memory->books, "books", sl_topo_books_footprint(&life.config, &life.topo), 0);
    assert(!rc);
    memory->tape_first = life.places.tape_next;
    memory->raw_first = life.places.raw_next;
    memory->old_tape = life.places.old_tape;
    memory->held_from = life.places.held_from;
    memory->epoch = life.places.epoch;
    make_page(0, memory->tape_first);
    make_page(1, memory->raw_first);
}

static void start_walk(void)
{
    int pair[2];
    char err[256] = "";
    make_memory();
    if (pipe2(pair, O_CLOEXEC))
        abort();
    life.memory.alive_fd = pair[0];
    life.alive_fd = pair[1];
    if (sl_walk_build(&life.walk, &life.config, &life.topo, &life.memory, &life.clock, NULL, 0, err, sizeof(err)))
        violated("the walk does not begin: %s", err);
    struct sl_mem *all[] = { &life.memory.tape, &life.memory.raw, &life.memory.books };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        sl_mem_seal(all[i], false);
    forget(&life.memory.before);
    life.reads = !sl_log_join_rx(&life.rx, life.memory.tape.addr, life.memory.tape.len);
    life.was_ready = life.undrained = true;
    if (life.journal)
        hand_logs();
}

/* ---- ends ---- */

/* drained: readers read to the end of the tape, which they still map. */
static void end_walk(bool drained)
{
    if (drained)
        read_tape(UINT32_MAX);
    life.reads = false;
    sl_walk_fini(life.walk);
    life.walk = NULL;
    close(life.alive_fd);
    memset(life.slots, 0, sizeof(life.slots));
    life.writing = NULL;
    struct sl_books books;
    struct sl_log_rx rx;
    const struct sl_walk_memory *memory = &life.memory;
    if (!sl_books_join(&books, memory->books.addr, memory->books.len, life.config.feed_cnt, life.topo.thread_cnt) &&
        !sl_log_join_rx(&rx, memory->tape.addr, memory->tape.len))
        sl_ledger_fold(memory->ledger.addr, &books, &rx, memory->epoch);
}

static void kill_walk(void)
{
    end_walk(true);
    if (life.journal && life.handed)
        drain_journal();
}

static void kill_journal(bool power)
{
    if (power)
        bad_disk_power_goes();
    else
        bad_disk_kill();
    sl_journal_drop(life.journal);
    life.journal = NULL;
    close(life.control_fd);
    life.placed = false;
}

/* The supervisor and its memory as well. */
static void kill_all(bool power)
{
    if (life.walk)
        end_walk(!power);
    if (life.journal)
        kill_journal(power);
    drop_memory();
    forget(&life.memory.before);
    memset(&life.lost, 0, sizeof(life.lost));
    memset(life.memory.past.addr, 0, sizeof(struct sl_past));
    memset(life.memory.ledger.addr, 0, sizeof(struct sl_ledger));
    sl_ledger_begin(life.memory.ledger.addr, &life.config);
    life.undrained = life.handed = life.placed = life.was_ready = false;
}

static void kill_somebody(void)
{
    uint32_t die = below(&life.dice, 5);
    if (die == 0 && life.walk) {
        kill_walk();
        happened[HAPPENED_WALK_KILLED]++;
    } else if (die == 1 && life.journal) {
        kill_journal(false);
        happened[HAPPENED_JOURNAL_KILLED]++;
    } else if (die == 2 && life.walk && life.journal) {
        kill_journal(false);
        kill_walk();
        happened[HAPPENED_BOTH_KILLED]++;
    } else if (die == 3) {
        kill_all(false);
        happened[HAPPENED_ALL_KILLED]++;
    } else if (die == 4) {
        kill_all(true);
        happened[HAPPENED_POWER_LOST]++;
    }
}

/* ---- a life ---- */

static void poll_walk(void)
{
    uint32_t cnt;
    struct sl_thread *threads = sl_walk_threads(life.walk, &cnt);
    const struct sl_thread *thread = &threads[below(&life.dice, cnt)];
    const struct sl_stage *stage = &thread->stages[below(&life.dice, thread->stage_cnt)];
    if (!strcmp(stage->name, "rx")) /* we are it */
        return;
    int rc = stage->poll(stage->self, life.now_ns);
    if (rc < 0 && rc != -EAGAIN)
        violated("%s failed: %s", stage->name, strerror(-rc));
}

static void poll_journal(void)
{
    int rc = sl_journal_poll(life.journal);
    if (rc < 0)
        violated("the journal ends: %s", strerror(-rc));
    hear_journal();
}

static void turn(void)
{
    life.now_ns += between(&life.dice, 1, 100000);
    if (!life.journal)
        start_journal();
    else if (!life.walk && life.placed)
        start_walk();
    switch (below(&life.dice, 8)) {
    case 0:
    case 1:
        if (life.walk)
            send_piece();
        break;
    case 2:
    case 3:
    case 4:
        if (life.walk)
            poll_walk();
        break;
    case 5:
        if (life.walk)
            hear_answers();
        break;
    case 6:
        read_tape(between(&life.dice, 1, 8));
        break;
    default:
        if (life.journal && (life.last || !below(&life.dice, life.journal_rests)))
            poll_journal();
    }
}

static bool all_acked(void)
{
    for (uint32_t i = 0; i < life.message_cnt; i++)
        if (!life.acked[i])
            return false;
    return true;
}

static void open_life(uint64_t seed)
{
    char yaml[1024], err[256] = "";
    memset(&life, 0, sizeof(life));
    life.seed = life.dice.state = seed;
    life.now_ns = START_NS;
    life.clock.virtual_ns = &life.now_ns;
    life.control_fd = life.memory.alive_fd = life.memory.before.fd = -1;
    life.journal_rests = chance(&life.dice, 50) ? 1 : between(&life.dice, 2, 400);
    life.message_cnt = between(&life.dice, 20, MESSAGES_MAX);
    bad_disk = (struct bad_disk){ .dice = &life.dice, .now_ns = &life.now_ns };
    bad_disk.fails_in_1000 = chance(&life.dice, 60) ? between(&life.dice, 1, 600) : 0;
    snprintf(life.folder, sizeof(life.folder), "%s/slugline-lives-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(life.folder))
        abort();
    int len = snprintf(
        yaml, sizeof(yaml),
        "node: sim\nreceive: epoll\nrings: {message: 64KiB, answer: 64KiB}\n"
        "tape: {name: t, size: 256KiB, raw: 256KiB, hold: 64KiB, window: 1024, tombstones: 64, gate: %ums,"
        " socket: %s/s}\n"
        "journal: {directory: %s/j, segment: 1MiB, sync: %s}\n"
        "feeds:\n  - {name: wire, format: iptc7901, message: 8KiB, lines: [\"spool://%s/in\"]}\n",
        1 + below(&life.dice, 20), life.folder, life.folder, chance(&life.dice, 50) ? "always" : "5ms", life.folder);
    char in[96];
    snprintf(in, sizeof(in), "%s/in", life.folder);
    mkdir(in, 0700);
    if (sl_config_parse(&life.config, "sim", yaml, (size_t)len, err, sizeof(err)) ||
        sl_topo_plan(&life.topo, &life.config, 1, err, sizeof(err))) {
        fprintf(stderr, "lives: %s\n", err);
        abort();
    }
    life.config.journal_segment = 128u << 10; /* less than the file may say: they begin and end all the time */
    int rc = sl_mem_create(&life.memory.notes, "notes", sl_topo_notes_footprint(&life.topo), SL_MEM_LOCAL);
    rc = rc ? rc : sl_mem_create(&life.memory.past, "past", sizeof(struct sl_past), SL_MEM_LOCAL);
    rc = rc ? rc : sl_mem_create(&life.memory.ledger, "ledger", sizeof(struct sl_ledger), SL_MEM_LOCAL);
    assert(!rc);
    sl_ledger_begin(life.memory.ledger.addr, &life.config);
}

static int remove_one(const char *path, const struct stat *stat, int what, struct FTW *ftw)
{
    (void)stat;
    (void)what;
    (void)ftw;
    return remove(path);
}

static void close_life(void)
{
    kill_all(false);
    forget(&life.memory.notes);
    forget(&life.memory.past);
    forget(&life.memory.ledger);
    sl_config_free(&life.config);
    if (nftw(life.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        abort();
}

/* ---- what is in the journal in the end ---- */

struct found {
    struct seen *records;
    uint32_t cnt;
    struct sl_range {
        uint64_t first, last;
    } named[512];
    uint32_t named_cnt;
    uint32_t times[MESSAGES_MAX];
};

static void name(struct found *found, uint64_t first, uint64_t last)
{
    if (first <= last && found->named_cnt < 512)
        found->named[found->named_cnt++] = (struct sl_range){ first, last };
}

static void count_message(struct found *found, const struct sl_record *record)
{
    const struct sl_bulletin *bulletin = (const void *)(record + 1);
    if (record->kind >= SL_KIND_CNT)
        return;
    if (sl_bulletin_check(bulletin, record->len - (uint32_t)sizeof(*record)) != SL_BULLETIN_FINE) {
        violated("seq %" PRIu64 " is no bulletin", record->seq);
        return;
    }
    struct sl_slice number = sl_bulletin_text(bulletin, SL_TEXT_SOURCE_NUMBER);
    char text[8] = "";
    memcpy(text, number.data, number.len < sizeof(text) ? number.len : sizeof(text) - 1);
    uint32_t message = (uint32_t)strtoul(text, NULL, 10) - 1;
    if (message >= life.message_cnt)
        violated("seq %" PRIu64 ": message %s was never sent", record->seq, text);
    else
        found->times[message]++;
}

/* found NULL: only its numbers count. */
static void take_record(struct found *found, const struct sl_record *record, uint64_t *next)
{
    uint64_t begins = sl_segment_begins(record);
    if (record->seq < *next)
        violated("seq %" PRIu64 " comes behind %" PRIu64, record->seq, *next - 1);
    if (begins > *next)
        violated("%" PRIu64 " to %" PRIu64 " are missing and named nowhere", *next, begins - 1);
    *next = record->seq + 1;
    if (!found)
        return;
    happened[HAPPENED_HOLE] += record->kind == SL_RECORD_HOLE;
    happened[HAPPENED_EPOCH_NAMED] += record->kind == SL_RECORD_EPOCH && begins < record->seq;
    name(found, begins, record->kind == SL_RECORD_HOLE ? record->seq : record->seq - 1);
    if (record->kind == SL_RECORD_HOLE || found->cnt == SEEN_MAX)
        return;
    uint64_t hash = XXH3_64bits(record + 1, record->len - sizeof(*record));
    found->records[found->cnt++] = (struct seen){ record->epoch, record->seq, hash };
    count_message(found, record);
}

static void read_journal(enum sl_family family, struct found *found)
{
    struct sl_cursor *cursor;
    struct sl_catalog_event event;
    uint64_t next = 1;
    if (sl_cursor_open(&cursor, life.config.journal_directory, family, 1, 0)) {
        violated("the journal cannot be read");
        return;
    }
    for (int rc; (rc = sl_cursor_next(cursor, &event)) > SL_SEGMENT_END && !life.fault[0];) {
        if (rc == SL_SEGMENT_RECORD) {
            take_record(found, event.record, &next);
        } else if (event.damage.first_seq) { /* writes that were under way together and came in part */
            if (event.damage.first_seq > next)
                violated("damage names %" PRIu64 ", and %" PRIu64 " is missing", event.damage.first_seq, next);
            if (found)
                name(found, event.damage.first_seq, event.damage.last_seq);
            next = event.damage.last_seq + 1;
        }
    }
    sl_cursor_close(cursor);
}

static bool is_named(const struct found *found, uint64_t seq)
{
    for (uint32_t i = 0; i < found->named_cnt; i++)
        if (seq >= found->named[i].first && seq <= found->named[i].last)
            return true;
    return false;
}

static void check_seen(const struct found *found, const struct seen *seen)
{
    for (uint32_t i = 0; i < found->cnt; i++)
        if (found->records[i].seq == seen->seq) {
            if (found->records[i].epoch != seen->epoch || found->records[i].hash != seen->hash)
                violated("seq %" PRIu64 " is another than the one that was seen", seen->seq);
            return;
        }
    if (!is_named(found, seen->seq))
        violated("seq %" PRIu64 " was seen, and is missing without a name", seen->seq);
    happened[HAPPENED_SEEN_AND_LOST]++;
}

static void check_life(void)
{
    static struct seen records[SEEN_MAX];
    static struct found found;
    found = (struct found){ .records = records };
    read_journal(SL_FAMILY_TAPE, &found);
    read_journal(SL_FAMILY_RAW, NULL);
    for (uint32_t i = 0; i < life.seen_cnt && !life.fault[0]; i++)
        check_seen(&found, &life.seen[i]);
    for (uint32_t i = 0; i < life.message_cnt && !life.fault[0]; i++)
        if (found.times[i] != 1)
            violated("message %u was acknowledged, and is in the journal %u times", i + 1, found.times[i]);
    const struct sl_ledger *ledger = life.memory.ledger.addr;
    if (sl_ledger_durable(ledger)->cnt[0] != life.message_cnt && !life.fault[0])
        violated("the ledger says that %" PRIu64 " of %u are durable", sl_ledger_durable(ledger)->cnt[0],
                 life.message_cnt);
}

/* In the end the disk is fine and nobody is killed: all is acknowledged, and put away in order. */
static void end_life(void)
{
    life.last = true;
    bad_disk.fails_in_1000 = 0;
    for (uint32_t turns = 0; !(all_acked() && life.walk && life.journal && life.handed) && !life.fault[0]; turns++) {
        turn();
        if (turns == TURNS_MAX)
            violated("not all is acknowledged");
    }
    if (life.fault[0])
        return;
    kill_walk();
    while (!life.placed && !life.fault[0])
        poll_journal();
    close(life.control_fd);
    if (sl_journal_close(life.journal))
        violated("the journal does not end in order");
    life.journal = NULL;
    life.placed = false;
    if (!life.fault[0])
        check_life();
}

static bool live(uint64_t seed)
{
    open_life(seed);
    uint32_t kills = between(&life.dice, 1, 4);
    for (uint32_t i = 0; i < kills && !life.fault[0]; i++) {
        for (uint32_t turns = between(&life.dice, 1, 2000); turns-- && !life.fault[0];)
            turn();
        kill_somebody();
    }
    end_life();
    if (life.fault[0])
        fprintf(stderr, "lives: seed %" PRIu64 ": %s\n", seed, life.fault);
    happened[HAPPENED_LIFE]++;
    happened[HAPPENED_WRITE_FAILED] += bad_disk.failed_cnt;
    happened[HAPPENED_WRITE_TORN] += bad_disk.torn_cnt;
    bool good = !life.fault[0];
    close_life();
    return good;
}

int main(int argc, char **argv)
{
    uint64_t from = 1, to = 1;
    bool verbose = false, good = true;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-v")) {
            verbose = true;
        } else if (i + 1 == argc || strncmp(argv[i], "--seed", 6) || !read_seeds(argv[++i], &from, &to)) {
            fprintf(stderr, "usage: lives [--seed N] [--seeds FROM..TO] [-v]\n");
            return 2;
        }
    }
    sl_say_init(verbose && from == to ? SL_SAY_DEBUG : 0);
    printf("lives: seeds %" PRIu64 " to %" PRIu64 "\n", from, to);
    fflush(stdout);
    for (uint64_t seed = from; good && seed <= to; seed++)
        good = live(seed);
    for (unsigned i = 0; i < HAPPENED_CNT && good; i++) {
        if (verbose)
            printf("%12" PRIu64 " %s\n", happened[i], happenings[i]);
        if (happened[HAPPENED_LIFE] < ENOUGH_LIVES || happened[i])
            continue;
        fprintf(stderr, "lives: in %" PRIu64 " lives no %s: they prove nothing about it\n", happened[HAPPENED_LIFE],
                happenings[i]);
        good = false;
    }
    return good ? 0 : 1;
}
