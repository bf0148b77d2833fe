/* pipeline/capture.h - the bytes of a pcap or pcapng file to frames with their stamps.
 *
 *     bytes --> [ next ] --> a frame, or that more bytes are needed, or what is wrong
 *
 * Life      init; next over the file's bytes in order; nothing to end.
 * Threads   One.
 * Owns      Borrows bytes for the call; a frame lies in them.
 * Errors    enum sl_capture_got; at BAD, want says what was expected.
 * Units     Stamps in ns since 1970 UTC, 0 where the file has none.
 * Hostile   A record longer than SL_CAPTURE_RECORD_MAX is BAD, before it is waited for.  At most SL_CAPTURE_LINKS
 *           interfaces of a section are known; frames of others are passed over.
 * Source    draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; https://www.tcpdump.org/linktypes.html
 */
#ifndef SL_PIPELINE_CAPTURE_H
#define SL_PIPELINE_CAPTURE_H

#include "pipeline/packet.h"

#define SL_CAPTURE_RECORD_MAX (512u * 1024u) /* of captures with the longest snapshots there are: 256 KiB */
#define SL_CAPTURE_LINKS      64u

enum sl_capture_got {
    SL_CAPTURE_FRAME,
    SL_CAPTURE_SKIP, /* taken bytes that are no frame, or none that we can read */
    SL_CAPTURE_MORE, /* at least need bytes, before it can go on */
    SL_CAPTURE_BAD,
};

struct sl_capture_link {
    bool known;
    enum sl_packet_link link;
    uint32_t snap_len;
    bool binary;    /* units of 2^-exponent s, else of 10^-exponent s */
    uint8_t exponent;
    int64_t off_s;
};

struct sl_capture {
    bool begun, is_ng, swapped;
    uint32_t link_cnt; /* may be more than are kept */
    struct sl_capture_link links[SL_CAPTURE_LINKS];
};

struct sl_capture_frame {
    uint32_t taken; /* bytes that are done with, after FRAME and SKIP */
    uint32_t need;  /* MORE */
    const char *want; /* BAD */
    enum sl_packet_link link;
    int64_t stamp_ns;
    const uint8_t *data;
    uint32_t len;
};

void sl_capture_init(struct sl_capture *capture);
enum sl_capture_got sl_capture_next(struct sl_capture *capture, const uint8_t *data, uint32_t len,
                                    struct sl_capture_frame *frame);

#endif
