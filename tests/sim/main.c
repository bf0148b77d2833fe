/* tests/sim/main.c - sim [--seed N] [--seeds FROM..TO] [-v]: days of the whole walk, each from its seed. */
#include "tests/sim/seeds.h"
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENOUGH_DAYS 500u /* of which everything must have happened at least once */
#define DAY_TURNS   2000000u
#define DRAIN_TURNS 200000u

static const char *const happenings[HAPPENED_CNT] = {
    [HAPPENED_DAY] = "days",
    [HAPPENED_MESSAGE] = "messages sent",
    [HAPPENED_PUBLISHED] = "bulletins published",
    [HAPPENED_TAPE_WENT_ROUND] = "times the tape went round",
    [HAPPENED_TWO_RECEIVERS] = "days with two receive threads",
    [HAPPENED_THREE_DECODERS] = "receive threads with three decoders or more",
    [HAPPENED_HEAVY_DECODER] = "receive threads with a decoder for heavy messages",
    [HAPPENED_ANSWERS_FULL] = "times an answer ring was full",
    [HAPPENED_STREAM_PAUSED] = "times a stream was paused for want of room",
    [HAPPENED_DATAGRAM_DROPPED] = "messages of datagrams dropped for want of room",
    [HAPPENED_MESSAGE_OVER_PACKETS] = "messages that came in pieces",
    [HAPPENED_PACKET_LOST] = "datagrams lost",
    [HAPPENED_PACKET_DOUBLED] = "datagrams doubled",
    [HAPPENED_PACKET_LATE] = "datagrams overtaken",
    [HAPPENED_LINE_BROKE] = "lines broken",
    [HAPPENED_CUT_TOO_LONG] = "messages too long",
    [HAPPENED_CUT_TIMEOUT] = "messages too slow",
    [HAPPENED_CUT_LINE_DOWN] = "messages broken off",
    [HAPPENED_CUT_NEW_START] = "messages cut by the next",
    [HAPPENED_CUT_NOISE] = "runs of noise",
    [HAPPENED_REJECT_TOO_LARGE] = "bulletins too large for their ring",
    [HAPPENED_DUPLICATE] = "duplicates",
    [HAPPENED_SAME_VERSION] = "same versions with another text",
    [HAPPENED_WITHDRAWN] = "withdrawn",
    [HAPPENED_HELD] = "held",
    [HAPPENED_RELEASED] = "released",
    [HAPPENED_CANCELLED] = "cancelled",
    [HAPPENED_NO_ROOM] = "not held for want of room",
    [HAPPENED_FLASH] = "FLASH",
    [HAPPENED_FLASH_WHILE_OTHERS_WAIT] = "times FLASH went out while others waited for a reader",
    [HAPPENED_GATE_WAIT] = "times a reader was waited for",
    [HAPPENED_EVICTION] = "readers evicted",
    [HAPPENED_GATES_AGAIN] = "readers that gate again after that",
    [HAPPENED_SEAT_LIE] = "lies of readers",
    [HAPPENED_READER_LAPPED] = "laps told to readers",
    [HAPPENED_RAW_READER_LAPPED] = "laps told to readers of the raw log",
    [HAPPENED_READER_KILLED] = "readers killed",
    [HAPPENED_READER_JOINED_LATE] = "readers that joined late",
    [HAPPENED_CLOCK_STEP] = "records with a stepped clock",
    [HAPPENED_WINDOW_FORGOT] = "duplicates that a window of 16 had forgotten",
    [HAPPENED_NUMBERED_BY_TWO] = "numbered feeds by two lines",
    [HAPPENED_NUMBER_REPEATED] = "numbered datagrams that said nothing new",
    [HAPPENED_NUMBER_LOST] = "numbered messages that no line brought",
    [HAPPENED_NUMBER_LATE] = "numbered messages that came when they had been given up",
    [HAPPENED_NUMBERS_GIVEN_UP] = "gaps told on the tape",
    [HAPPENED_AHEAD_OF_A_GAP] = "FLASH handed on ahead of a hole, or the first behind one",
    [HAPPENED_FILE_ANSWERED] = "files whose messages were all answered",
    [HAPPENED_FILES_AT_ONCE] = "files open at once on a line",
    [HAPPENED_FILE_WAITED] = "files that waited for answers to those before",
};

/* How busy each part of the world is this day: one lags behind, then another. */
struct mood {
    uint32_t send, deliver, poll, read, disturb;
};

static struct mood mood_of_day(struct dice *dice)
{
    return (struct mood){
        .send = between(dice, 2, 30),
        .deliver = between(dice, 5, 60),
        .poll = between(dice, 2, 60),
        .read = between(dice, 2, 40),
        .disturb = between(dice, 0, 2),
    };
}

static bool send_next(struct sim *sim)
{
    if (!network_has_room(sim, 0) || !network_has_room(sim, 1) || !network_has_room(sim, 2) ||
        !network_has_room(sim, 3))
        return true;
    struct sent *sent = write_message(sim);
    if (sent)
        send_on_all_lines(sim, sent);
    return sent != NULL;
}

/* One thing happens somewhere.  False: the agency has sent all it had. */
static bool turn(struct sim *sim, const struct mood *mood)
{
    struct dice *dice = &sim->dice;
    uint32_t die = below(dice, mood->send + mood->deliver + mood->poll + mood->read + mood->disturb);
    sim->now_ns += chance(dice, 50) ? 0 : between(dice, 1, 20000);
    if (die < mood->send)
        return send_next(sim);
    if ((die -= mood->send) < mood->deliver)
        deliver(sim, &sim->network.lines[below(dice, sim->network.line_cnt)]);
    else if ((die -= mood->deliver) < mood->poll)
        poll_somebody(sim);
    else if ((die -= mood->poll) < mood->read)
        let_somebody_read(sim);
    else if (chance(dice, 20))
        disturb_somebody(sim);
    return true;
}

static bool deliver_all(struct sim *sim)
{
    bool moved = false;
    for (uint32_t i = 0; i < sim->network.line_cnt; i++)
        moved |= deliver(sim, &sim->network.lines[i]);
    return moved;
}

/* Until nothing moves any more, though time goes on. */
static void drain(struct sim *sim)
{
    for (uint32_t i = 0, quiet = 0; quiet < 20 && !sim->fault[0]; i++) {
        bool moved = deliver_all(sim);
        moved |= poll_everybody(sim);
        let_somebody_read(sim);
        sim->now_ns += 1000000;
        quiet = moved ? 0 : quiet + 1;
        if (i == DRAIN_TURNS)
            violated(sim, "the walk does not come to rest");
    }
}

static void end_day(struct sim *sim)
{
    drain(sim);
    tell_ends(sim); /* what was lost last is missed now */
    /* Past all embargoes, and past the time of every message that never ended. */
    sim->now_ns += 1000 * 60 * SL_TIME_NS;
    doubt_open_units(sim);
    drain(sim);
    let_all_catch_up(sim);
    if (!sim->fault[0])
        check_the_day(sim);
}

static struct sim *new_day(uint64_t seed, uint64_t *all)
{
    struct sim *sim = calloc(1, sizeof(*sim));
    sim->seed = seed;
    sim->dice.state = seed;
    sim->happened = all;
    open_world(sim);
    open_agency(sim, between(&sim->dice, 100, 600));
    open_audience(sim);
    tell_ends(sim); /* before the first message, so that all of them are missed that do not come */
    return sim;
}

static void delete_day(struct sim *sim)
{
    close_audience(sim);
    close_agency(sim);
    close_network(sim);
    close_world(sim);
    free(sim);
}

/* False, and said why: something was that must not be. */
static bool live_one_day(uint64_t seed, uint64_t *all, uint64_t *digest)
{
    struct sim *sim = new_day(seed, all);
    struct mood mood = mood_of_day(&sim->dice);
    for (uint32_t turns = 0; turn(sim, &mood) && !sim->fault[0]; turns++)
        if (turns == DAY_TURNS)
            violated(sim, "the day does not end");
    if (!sim->fault[0])
        end_day(sim);
    bool good = !sim->fault[0];
    if (!good)
        fprintf(stderr, "sim: seed %" PRIu64 ": %s\n", seed, sim->fault);
    *digest = sim->audience.digest;
    delete_day(sim);
    return good;
}

static bool live_days(uint64_t from, uint64_t to, uint64_t *all)
{
    for (uint64_t seed = from; seed <= to; seed++) {
        uint64_t digest, again, unused[HAPPENED_CNT] = { 0 };
        if (!live_one_day(seed, all, &digest))
            return false;
        if (!live_one_day(seed, unused, &again))
            return false;
        if (digest != again) {
            fprintf(stderr, "sim: seed %" PRIu64 ": the same day again gave another tape\n", seed);
            return false;
        }
    }
    return true;
}

static bool say_what_happened(const uint64_t *all, bool verbose)
{
    bool good = true;
    for (unsigned i = 0; i < HAPPENED_CNT; i++) {
        if (verbose)
            printf("%12" PRIu64 " %s\n", all[i], happenings[i]);
        if (all[HAPPENED_DAY] < ENOUGH_DAYS || all[i])
            continue;
        fprintf(stderr, "sim: in %" PRIu64 " days no %s: they prove nothing about it\n", all[HAPPENED_DAY],
                happenings[i]);
        good = false;
    }
    return good;
}

int main(int argc, char **argv)
{
    uint64_t from = 1, to = 1, all[HAPPENED_CNT] = { 0 };
    bool verbose = false;
    for (int i = 1; i < argc; i++) {
        bool seeds = !strcmp(argv[i], "--seed") || !strcmp(argv[i], "--seeds");
        if (!strcmp(argv[i], "-v")) {
            verbose = true;
        } else if (!seeds || i + 1 == argc || !read_seeds(argv[++i], &from, &to)) {
            fprintf(stderr, "usage: sim [--seed N] [--seeds FROM..TO] [-v]\n");
            return 2;
        }
    }
    printf("sim: seeds %" PRIu64 " to %" PRIu64 "\n", from, to);
    fflush(stdout);
    if (!overtake(from))
        return 1;
    bool good = live_days(from, to, all);
    good &= say_what_happened(all, verbose);
    return good ? 0 : 1;
}
