#include "pipeline/capture.h"

#include <string.h>

#define PCAP_HEAD_LEN   24u
#define PCAP_RECORD_LEN 16u
#define NG_BLOCK_MIN    12u
#define NG_SECTION      0x0a0d0d0au
#define NG_ORDER        0x1a2b3c4du

enum ng_block { NG_INTERFACE = 1, NG_OLD_PACKET = 2, NG_SIMPLE = 3, NG_PACKET = 6 };
enum ng_option { NG_END = 0, NG_RESOLUTION = 9, NG_OFFSET = 14 };

void sl_capture_init(struct sl_capture *capture) { memset(capture, 0, sizeof(*capture)); }

static uint32_t read32(const struct sl_capture *capture, const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return capture->swapped ? __builtin_bswap32(value) : value;
}

static uint16_t read16(const struct sl_capture *capture, const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return capture->swapped ? __builtin_bswap16(value) : value;
}

static enum sl_capture_got bad(struct sl_capture_frame *frame, const char *want)
{
    frame->want = want;
    return SL_CAPTURE_BAD;
}

static enum sl_capture_got more(struct sl_capture_frame *frame, uint32_t need)
{
    frame->need = need;
    return SL_CAPTURE_MORE;
}

static bool know_link(struct sl_capture_link *link, uint32_t type)
{
    static const struct {
        uint16_t type;
        enum sl_packet_link link;
    } types[] = {
        {0,    SL_PACKET_LOOP    },
        { 1,   SL_PACKET_ETHERNET},
        { 12,  SL_PACKET_IP      },
        { 14,  SL_PACKET_IP      },
        { 101, SL_PACKET_IP      },
        { 108, SL_PACKET_LOOP    },
        { 113, SL_PACKET_SLL     },
        { 228, SL_PACKET_IP      },
        { 229, SL_PACKET_IP      },
        { 276, SL_PACKET_SLL2    },
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].type == type) {
            link->link = types[i].link;
            link->known = true;
        }
    return link->known;
}

/* ---- time ---- */

static int64_t bounded(__int128 ns) { return ns < 0 ? 0 : ns > INT64_MAX ? INT64_MAX : (int64_t)ns; }

static int64_t stamp_of(const struct sl_capture_link *link, uint64_t units)
{
    unsigned __int128 ns = units;
    ns *= 1000000000u;
    if (link->binary)
        ns = link->exponent < 127 ? ns >> link->exponent : 0;
    else
        for (unsigned i = 0; i < link->exponent && ns; i++)
            ns /= 10;
    return bounded((__int128)ns + (__int128)link->off_s * 1000000000);
}

/* ---- pcap ---- */

static enum sl_capture_got begin_pcap(struct sl_capture *capture, const uint8_t *data, uint32_t len,
                                      struct sl_capture_frame *frame)
{
    static const struct {
        uint32_t magic;
        bool swapped;
        uint8_t exponent;
    } magics[] = {
        {0xa1b2c3d4,  false, 6},
        { 0xd4c3b2a1, true,  6},
        { 0xa1b23c4d, false, 9},
        { 0x4d3cb2a1, true,  9}
    };
    if (len < PCAP_HEAD_LEN)
        return more(frame, PCAP_HEAD_LEN);
    for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
        if (read32(capture, data) != magics[i].magic)
            continue;
        capture->begun = true;
        capture->swapped = magics[i].swapped;
        capture->link_cnt = 1;
        capture->links[0] = (struct sl_capture_link){ .exponent = magics[i].exponent };
        /* The upper half says whether a check sum stands behind each frame; IP does not mind it. */
        if (!know_link(&capture->links[0], read32(capture, data + 20) & 0xffff))
            return bad(frame, "a link of Ethernet, IP, Linux cooked or loopback");
        frame->taken = PCAP_HEAD_LEN;
        return SL_CAPTURE_SKIP;
    }
    return bad(frame, "the first bytes of a pcap or pcapng file");
}

static enum sl_capture_got next_pcap(struct sl_capture *capture, const uint8_t *data, uint32_t len,
                                     struct sl_capture_frame *frame)
{
    if (len < PCAP_RECORD_LEN)
        return more(frame, PCAP_RECORD_LEN);
    const struct sl_capture_link *link = &capture->links[0];
    uint64_t unit = link->exponent == 9 ? 1000000000u : 1000000u;
    uint32_t frame_len = read32(capture, data + 8);
    if (frame_len > SL_CAPTURE_RECORD_MAX - PCAP_RECORD_LEN)
        return bad(frame, "a frame of at most 512 KiB");
    if (frame_len > len - PCAP_RECORD_LEN)
        return more(frame, PCAP_RECORD_LEN + frame_len);
    frame->link = link->link;
    frame->stamp_ns = stamp_of(link, read32(capture, data) * unit + read32(capture, data + 4));
    frame->data = data + PCAP_RECORD_LEN;
    frame->len = frame_len;
    frame->taken = PCAP_RECORD_LEN + frame_len;
    return SL_CAPTURE_FRAME;
}

/* ---- pcapng: blocks, each with its length at both ends ---- */

/* A section starts anew: its own byte order, its own interfaces. */
static enum sl_capture_got begin_section(struct sl_capture *capture, const uint8_t *data, uint32_t len,
                                         struct sl_capture_frame *frame)
{
    if (len < NG_BLOCK_MIN)
        return more(frame, NG_BLOCK_MIN);
    capture->swapped = false;
    if (read32(capture, data + 8) != NG_ORDER) {
        capture->swapped = true;
        if (read32(capture, data + 8) != NG_ORDER)
            return bad(frame, "a section's byte order");
    }
    capture->begun = capture->is_ng = true;
    capture->link_cnt = 0;
    return SL_CAPTURE_SKIP;
}

static void read_options(const struct sl_capture *capture, struct sl_capture_link *link, const uint8_t *at,
                         uint32_t len)
{
    while (len >= 4) {
        uint32_t code = read16(capture, at), option_len = read16(capture, at + 2);
        uint32_t room = 4 + ((option_len + 3) & ~3u);
        if (code == NG_END || room > len)
            return;
        if (code == NG_RESOLUTION && option_len >= 1) {
            link->binary = at[4] & 0x80;
            link->exponent = at[4] & 0x7f;
        } else if (code == NG_OFFSET && option_len >= 8) {
            uint64_t halves[2] = { read32(capture, at + 4), read32(capture, at + 8) };
            link->off_s = (int64_t)(capture->swapped == (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
                                        ? halves[0] << 32 | halves[1]
                                        : halves[1] << 32 | halves[0]);
        }
        at += room;
        len -= room;
    }
}

static void take_interface(struct sl_capture *capture, const uint8_t *body, uint32_t len)
{
    if (len < 8)
        return;
    if (capture->link_cnt < SL_CAPTURE_LINKS) {
        struct sl_capture_link *link = &capture->links[capture->link_cnt];
        *link = (struct sl_capture_link){ .exponent = 6, .snap_len = read32(capture, body + 4) };
        know_link(link, read16(capture, body));
        read_options(capture, link, body + 8, len - 8);
    }
    capture->link_cnt++;
}

/* body is long enough for the fixed part of a packet of this kind, or it is none. */
static enum sl_capture_got take_packet(const struct sl_capture *capture, enum ng_block kind, const uint8_t *body,
                                       uint32_t len, struct sl_capture_frame *frame)
{
    uint32_t fixed = kind == NG_SIMPLE ? 4 : 20, idx = 0, frame_len;
    uint64_t units = 0;
    if (len < fixed)
        return SL_CAPTURE_SKIP;
    if (kind == NG_SIMPLE) {
        frame_len = read32(capture, body);
        /* It does not say what was kept: as much as fits, which may be less. */
        if (frame_len > len - fixed)
            frame_len = len - fixed;
        if (capture->link_cnt && capture->links[0].snap_len && frame_len > capture->links[0].snap_len)
            frame_len = capture->links[0].snap_len;
    } else {
        idx = kind == NG_PACKET ? read32(capture, body) : read16(capture, body);
        units = (uint64_t)read32(capture, body + 4) << 32 | read32(capture, body + 8);
        frame_len = read32(capture, body + 12);
    }
    if (idx >= capture->link_cnt || idx >= SL_CAPTURE_LINKS || !capture->links[idx].known || frame_len > len - fixed)
        return SL_CAPTURE_SKIP;
    frame->link = capture->links[idx].link;
    frame->stamp_ns = kind == NG_SIMPLE ? 0 : stamp_of(&capture->links[idx], units);
    frame->data = body + fixed;
    frame->len = frame_len;
    return SL_CAPTURE_FRAME;
}

static enum sl_capture_got next_block(struct sl_capture *capture, const uint8_t *data, uint32_t len,
                                      struct sl_capture_frame *frame)
{
    uint32_t type = read32(capture, data);
    if (type == NG_SECTION) {
        enum sl_capture_got got = begin_section(capture, data, len, frame);
        if (got != SL_CAPTURE_SKIP)
            return got;
    }
    if (len < NG_BLOCK_MIN)
        return more(frame, NG_BLOCK_MIN);
    uint32_t block_len = read32(capture, data + 4);
    if (block_len < NG_BLOCK_MIN || block_len % 4 || block_len > SL_CAPTURE_RECORD_MAX)
        return bad(frame, "a block's length, of at most 512 KiB");
    if (block_len > len)
        return more(frame, block_len);
    if (read32(capture, data + block_len - 4) != block_len)
        return bad(frame, "the block's length once more at its end");
    frame->taken = block_len;
    if (type == NG_INTERFACE)
        take_interface(capture, data + 8, block_len - NG_BLOCK_MIN);
    if (type == NG_PACKET || type == NG_OLD_PACKET || type == NG_SIMPLE)
        return take_packet(capture, (enum ng_block)type, data + 8, block_len - NG_BLOCK_MIN, frame);
    return SL_CAPTURE_SKIP;
}

enum sl_capture_got sl_capture_next(struct sl_capture *capture, const uint8_t *data, uint32_t len,
                                    struct sl_capture_frame *frame)
{
    *frame = (struct sl_capture_frame){ 0 };
    if (len < 4)
        return more(frame, 4);
    if (capture->is_ng || (!capture->begun && read32(capture, data) == NG_SECTION))
        return next_block(capture, data, len, frame);
    return capture->begun ? next_pcap(capture, data, len, frame) : begin_pcap(capture, data, len, frame);
}
