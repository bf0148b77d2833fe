/* pipeline/moldudp64.h - datagrams that number their messages: header and message blocks, read and written.
 *
 *      0          10                 18      20
 *     [ session  | sequence number  | count | length message | length message ... ]
 *
 * Threads   Pure functions.
 * Owns      Borrows the datagram; messages are slices of it.
 * Errors    false: the bytes are not what their header says.
 * Units     Sequence numbers count messages, from 1; lengths are bytes.  Big-endian on the wire.
 * Source    MoldUDP64 Protocol Specification 1.00 (Nasdaq): downstream packet, heartbeat, end of session, request
 *           packet.
 */
#ifndef SL_PIPELINE_MOLDUDP64_H
#define SL_PIPELINE_MOLDUDP64_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define SL_MOLD_HEADER_LEN  20u
#define SL_MOLD_SESSION_LEN 10u
#define SL_MOLD_HEARTBEAT   0u      /* count: the number is that of the next message */
#define SL_MOLD_END         0xffffu /* count: the session is over, and the number is one more than its last */
#define SL_MOLD_MESSAGE_MAX 65535u

/* A request has the same header: the number of the first message wanted, and how many. */
struct sl_mold {
    uint8_t session[SL_MOLD_SESSION_LEN]; /* left-justified, blanks behind */
    uint16_t cnt;
    uint64_t seq; /* of the first message */
};

static inline bool sl_mold_read(struct sl_mold *header, const uint8_t *data, uint32_t len)
{
    if (len < SL_MOLD_HEADER_LEN)
        return false;
    memcpy(header->session, data, SL_MOLD_SESSION_LEN);
    uint64_t seq;
    memcpy(&seq, data + 10, sizeof(seq));
    header->seq = __builtin_bswap64(seq);
    header->cnt = (uint16_t)(data[18] << 8 | data[19]);
    return true;
}

static inline void sl_mold_write(uint8_t *data, const struct sl_mold *header)
{
    uint64_t seq = __builtin_bswap64(header->seq);
    memcpy(data, header->session, SL_MOLD_SESSION_LEN);
    memcpy(data + 10, &seq, sizeof(seq));
    data[18] = (uint8_t)(header->cnt >> 8);
    data[19] = (uint8_t)header->cnt;
}

static inline uint32_t sl_mold_message_cnt(const struct sl_mold *header)
{
    return header->cnt == SL_MOLD_END ? 0 : header->cnt;
}

/* The message block at *off, which is moved behind it.  False: the datagram ends before it does. */
static inline bool sl_mold_next(const uint8_t *data, uint32_t len, uint32_t *off, const uint8_t **message,
                                uint32_t *message_len)
{
    if (len - *off < 2)
        return false;
    uint32_t block_len = (uint32_t)(data[*off] << 8 | data[*off + 1]);
    if (block_len > len - *off - 2)
        return false;
    *message = data + *off + 2;
    *message_len = block_len;
    *off += 2 + block_len;
    return true;
}

#endif
