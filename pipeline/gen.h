/* pipeline/gen.h - the synthetic wire: messages of an agency that does not exist, in IPTC 7901, ANPA 1312 or NITF, made
 * from a seed.
 *
 * Life      init; message after message; no end.
 * Threads   One.
 * Owns      The caller's struct holds everything; messages go to the caller's buffer.
 * Errors    0 or -errno: -EINVAL a shape that cannot be, -ENOSPC the buffer is shorter than size_max.
 * Units     Sizes in bytes of whole messages with their frame; due in ns since 1970 UTC.
 *
 * The same seed, shape and due times give the same bytes.  A message is copied together from paragraphs that init
 * made, so it costs about as much as its bytes.  Every one says in a note to editors when it was due to be sent ("due
 * NANOSECONDS"): sl_gen_due finds it in the bulletin, so that whoever reads can measure from there, and a sender that
 * was late cannot hide it.
 */
#ifndef SL_PIPELINE_GEN_H
#define SL_PIPELINE_GEN_H

#include "parsers/parse.h"

#define SL_GEN_SIZE_MIN      512u
#define SL_GEN_NITF_SIZE_MIN 1024u /* tags take room */
#define SL_GEN_SIZE_MAX      (16u << 20)
#define SL_GEN_PARAGRAPHS    192u
#define SL_GEN_PARAGRAPH_MAX 768u

/* What is wrong with a message on purpose. */
enum sl_gen_error {
    SL_GEN_FINE,
    SL_GEN_GARBAGE, /* noise before it, as a disturbed line gives */
    SL_GEN_CUT, /* it ends somewhere in its text, and the next one begins */
    SL_GEN_HEADER, /* no urgency in its header */
    SL_GEN_CONTROL, /* control characters in its text */
    SL_GEN_TWICE, /* the message before it, once more */
    SL_GEN_ERROR_CNT,
};
const char *sl_gen_error_name(unsigned error); /* "garbage" ...; "" fine */

struct sl_gen_shape {
    unsigned format; /* SL_FORMAT_IPTC7901, which is also the default, SL_FORMAT_ANPA1312 or SL_FORMAT_NITF */
    char service[8]; /* 1 to 7 letters, which no other generator on the same wire has; "" syn */
    uint32_t size_min, size_max; /* 0, 0: the smallest to 8192.  Small ones are more frequent, as on real wires */
    uint32_t lanes[SL_LANE_CNT]; /* weights; all 0: 1, 4, 80, 15 */
    uint32_t error_ppm[SL_GEN_ERROR_CNT]; /* of a million messages; [SL_GEN_FINE] is not looked at */
};

struct sl_gen {
    struct sl_gen_shape shape;
    uint64_t seed, call_cnt;
    uint64_t number; /* of the last message, from 1: with the seed it decides everything in it but when it was due */
    int64_t due_ns; /* of the last message */
    uint32_t lane_sum;
    enum sl_gen_error error; /* of the last message */
    int64_t trailer_minute;
    char trailer[24];
    struct {
        uint32_t len;
        char text[SL_GEN_PARAGRAPH_MAX];
    } paragraphs[SL_GEN_PARAGRAPHS];
};

/* Of the shortest messages in this format; 0: it cannot be made. */
uint32_t sl_gen_size_min(unsigned format);
/* shape NULL: all defaults. */
int sl_gen_init(struct sl_gen *gen, uint64_t seed, const struct sl_gen_shape *shape);
/* The next message.  *lane is what its header asks for. */
int sl_gen_message(struct sl_gen *gen, uint8_t *buf, uint32_t cap, int64_t due_ns, uint32_t *len, enum sl_lane *lane);
/* When the message that said this bulletin was due; false: it is not one of ours. */
bool sl_gen_due(const struct sl_bulletin *bulletin, int64_t *due_ns);

#endif
