/* Do any units, sound or not, in any order, come out as messages within their bounds, with every fragment counted once,
 * and nothing kept at the end?
 *
 * The input is a list of steps of four bytes: fragments made from them, three of them in one unit, raw bytes as a unit,
 * the end of a connection, time that passes, and messages that are taken or left. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "parsers/mrn.h"
#include "pipeline/joiner.h"
#include "tests/pipeline/updates.h"

#define MESSAGE_MAX 1500u
#define STEP_LEN    4u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
    struct sl_joiner *joiner;
    uint64_t taken, given, repeated;
    int64_t now_ns;
};

static void drain(struct seen *seen)
{
    static struct sl_mrn_part parts[SL_JOIN_PARTS_MAX + 1];
    const struct sl_joint *joint;
    while ((joint = sl_joiner_ready(seen->joiner))) {
        assert(joint->head.len <= MESSAGE_MAX && joint->head.cut < SL_CUT_CNT && joint->parts <= SL_JOIN_PARTS_MAX + 1);
        uint8_t *copy = malloc(joint->head.len);
        sl_joiner_copy(seen->joiner, copy);
        uint32_t cnt = sl_mrn_parts(copy, joint->head.len, parts, SL_JOIN_PARTS_MAX + 1);
        assert(cnt != SL_MRN_UNREAD && (joint->parts == 0 || cnt == joint->parts));
        seen->given += joint->parts;
        free(copy);
        sl_joiner_drop(seen->joiner);
    }
}

static void take(struct seen *seen, uint32_t conn, const char *text, size_t len)
{
    struct sl_message head = { .len = (uint32_t)len };
    uint32_t parts, repeated;
    if (len > MESSAGE_MAX)
        return;
    /* A copy with nothing behind it, so that a read beyond its end is seen. */
    uint8_t *unit = malloc(len ? len : 1);
    memcpy(unit, text, len);
    enum sl_joined joined = SL_JOINED_FULL;
    for (uint32_t tries = 0; joined == SL_JOINED_FULL; tries++) {
        assert(tries <= 1024);
        joined = sl_joiner_take(seen->joiner, conn, &head, unit, conn & 1, &parts, &repeated);
        assert(joined == SL_JOINED_KEPT || (parts == 0 && repeated == 0));
        if (joined == SL_JOINED_FULL)
            drain(seen);
        seen->taken += parts;
        seen->repeated += repeated;
    }
    free(unit);
}

static int make_fragment(char *to, const uint8_t *step)
{
    char guid[32];
    snprintf(guid, sizeof(guid), "%u", step[1] % 32);
    return put_update(to, guid, step[2] % 8 + (step[2] == 255 ? 1024u : 0u), (step[3] & 15) * 3u,
                      (char)('A' + (step[3] >> 4)), 1u + (step[3] >> 4) * (step[2] >> 5));
}

static void take_three(struct seen *seen, const uint8_t *steps)
{
    static char text[3 * UPDATE_MAX + 8];
    int len = 0;
    for (uint32_t i = 0; i < 3; i++) {
        text[len++] = i ? ',' : '[';
        if (steps[i * STEP_LEN] & 0x40)
            len += snprintf(text + len, UPDATE_MAX, "{\"Type\":\"Ping\"}");
        else
            len += make_fragment(text + len, steps + i * STEP_LEN);
    }
    text[len++] = ']';
    take(seen, steps[0] >> 7, text, (size_t)len);
}

/* How many bytes the step has used. */
static size_t take_step(struct seen *seen, const uint8_t *step, size_t left)
{
    char text[UPDATE_MAX];
    switch (step[0] % 8) {
    case 4:
        if (left < 3 * STEP_LEN)
            return left;
        take_three(seen, step);
        return 3 * STEP_LEN;
    case 5:
        left = left - STEP_LEN < step[1] ? left - STEP_LEN : step[1];
        take(seen, 0, (const char *)step + STEP_LEN, left);
        return STEP_LEN + left;
    case 6:
        if (step[1] & 1)
            sl_joiner_end(seen->joiner, step[1] >> 7, SL_CUT_LINE_DOWN);
        seen->now_ns += step[2];
        sl_joiner_expire(seen->joiner, seen->now_ns, 100);
        break;
    case 7:
        drain(seen);
        break;
    default:
        take(seen, step[0] >> 7, text, (size_t)make_fragment(text, step));
    }
    return STEP_LEN;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct seen seen; /* its joiner serves input after input: each leaves it empty */
    if (!seen.joiner)
        assert(!sl_joiner_init(&seen.joiner, SL_JOIN_LEN_MIN, MESSAGE_MAX));
    seen.taken = seen.given = seen.repeated = 0;
    seen.now_ns = 1;
    for (size_t at = 0; at + STEP_LEN <= len;)
        at += take_step(&seen, data + at, len - at);
    sl_joiner_end(seen.joiner, 0, SL_CUT_LINE_DOWN);
    sl_joiner_end(seen.joiner, 1, SL_CUT_LINE_DOWN);
    drain(&seen);
    assert(seen.taken == seen.given + seen.repeated);
    /* All room is free again: as many stories as there may be begin, and none is given up for them. */
    for (uint32_t i = 0; i < 16; i++) {
        char text[UPDATE_MAX];
        uint32_t parts, repeated;
        struct sl_message head = { 0 };
        char guid[8];
        snprintf(guid, sizeof(guid), "e%u", i);
        head.len = (uint32_t)put_update(text, guid, 1, 30, 'A', 1);
        assert(sl_joiner_take(seen.joiner, 0, &head, (const uint8_t *)text, false, &parts, &repeated) ==
               SL_JOINED_KEPT);
    }
    assert(!sl_joiner_ready(seen.joiner));
    sl_joiner_end(seen.joiner, 0, SL_CUT_LINE_DOWN);
    drain(&seen);
    return 0;
}
