#include "pipeline/capture.h"
#include "tests/pipeline/frames.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static struct frame file;
static bool swapped;

static void put_u32(uint32_t value)
{
    if (swapped)
        value = __builtin_bswap32(value);
    frame_put(&file, &value, 4);
}

static void put_u16(uint16_t value)
{
    if (swapped)
        value = __builtin_bswap16(value);
    frame_put(&file, &value, 2);
}

static void begin_pcap(uint32_t magic, uint32_t link)
{
    file.len = 0;
    put_u32(magic);
    put_u16(2);
    put_u16(4);
    put_u32(0);
    put_u32(0);
    put_u32(65535);
    put_u32(link);
}

static void put_pcap(uint32_t s, uint32_t part, const char *text)
{
    put_u32(s);
    put_u32(part);
    put_u32((uint32_t)strlen(text));
    put_u32((uint32_t)strlen(text));
    frame_put(&file, text, (uint32_t)strlen(text));
}

static void put_block(uint32_t type, const void *body, uint32_t len)
{
    uint32_t padded = (len + 3) & ~3u;
    put_u32(type);
    put_u32(padded + 12);
    frame_put(&file, body, len);
    frame_put(&file, "\0\0", padded - len);
    put_u32(padded + 12);
}

static uint32_t order32(uint32_t value) { return swapped ? __builtin_bswap32(value) : value; }

static void put_section(void)
{
    uint32_t body[] = { order32(0x1a2b3c4d), order32(swapped ? 0x00010000 : 1), ~0u, ~0u };
    put_block(0x0a0d0d0a, body, sizeof(body));
}

/* resolution: of if_tsresol, or 0 for none; off: seconds of if_tsoffset. */
static void put_interface(uint16_t link, uint8_t resolution, uint32_t off)
{
    uint32_t at = file.len;
    put_u32(1);
    put_u32(0);
    put_u16(link);
    put_u16(0);
    put_u32(0);
    if (resolution) {
        put_u16(9);
        put_u16(1);
        frame_put(&file, (uint8_t[4]){ resolution }, 4);
    }
    if (off) {
        put_u16(14);
        put_u16(8);
        put_u32(swapped ? 0 : off);
        put_u32(swapped ? off : 0);
    }
    put_u32(0);
    put_u32(file.len - at + 4);
    uint32_t len = order32(file.len - at);
    memcpy(file.bytes + at + 4, &len, 4);
}

static void put_packet(uint32_t interface, uint64_t units, const char *text)
{
    uint8_t body[256];
    uint32_t len = (uint32_t)strlen(text);
    uint32_t head[] = { order32(interface), order32((uint32_t)(units >> 32)), order32((uint32_t)units), order32(len),
                        order32(len) };
    memcpy(body, head, sizeof(head));
    memcpy(body + sizeof(head), text, len);
    put_block(6, body, (uint32_t)sizeof(head) + len);
}

/* Everything in the file, with each call given no more than it asked for. */
static char *read_all(void)
{
    static char out[2048];
    struct sl_capture capture;
    struct sl_capture_frame frame;
    uint32_t at = 0, len = 0;
    out[0] = '\0';
    sl_capture_init(&capture);
    for (;;) {
        uint8_t *bytes = malloc(len ? len : 1); /* so that the sanitizer sees a step beyond it */
        memcpy(bytes, file.bytes + at, len);
        enum sl_capture_got got = sl_capture_next(&capture, bytes, len, &frame);
        size_t used = strlen(out);
        if (got == SL_CAPTURE_FRAME)
            snprintf(out + used, sizeof(out) - used, "%d %lld %.*s;", (int)frame.link, (long long)frame.stamp_ns,
                     (int)frame.len, (const char *)frame.data);
        else if (got == SL_CAPTURE_BAD)
            snprintf(out + used, sizeof(out) - used, "bad: %s", frame.want);
        free(bytes);
        if (got == SL_CAPTURE_BAD)
            return out;
        if (got == SL_CAPTURE_MORE && frame.need > file.len - at)
            return strcat(out, file.len - at ? "cut" : "");
        if (got == SL_CAPTURE_MORE) {
            cr_assert_gt(frame.need, len);
            len = frame.need;
        } else {
            cr_assert(frame.taken && frame.taken <= len);
            at += frame.taken;
            len = 0;
        }
    }
}

Test(capture, pcap_of_either_order_and_resolution)
{
    for (unsigned i = 0; i < 4; i++) {
        bool nano = i & 1;
        swapped = i & 2;
        begin_pcap(nano ? 0xa1b23c4d : 0xa1b2c3d4, 1);
        put_pcap(1767607262, 5, "one");
        put_pcap(1767607263, 0, "");
        put_pcap(4294967295u, 6, "three");
        cr_expect_str_eq(read_all(), nano ? "0 1767607262000000005 one;0 1767607263000000000 ;0 4294967295000000006 three;"
                                          : "0 1767607262000005000 one;0 1767607263000000000 ;0 4294967295000006000 three;");
    }
}

Test(capture, pcapng_with_sections_interfaces_and_their_clocks)
{
    for (unsigned i = 0; i < 2; i++) {
        swapped = i;
        file.len = 0;
        put_section();
        put_interface(1, 0, 0);
        put_interface(101, 9, 10);
        put_interface(113, 0x80 | 1, 0);
        put_interface(147, 0, 0); /* nobody's */
        put_block(5, "statistics", 10);
        put_packet(0, 2000001, "us");
        put_packet(1, 5, "ns");
        put_packet(2, 3, "half seconds");
        put_packet(3, 1, "unknown link");
        put_packet(4, 1, "unknown interface");
        put_block(3, (uint8_t[8]){ swapped ? 0 : 4, 0, 0, swapped ? 4 : 0, 'n', 'o', 'n', 'e' }, 8);
        put_section();
        put_packet(0, 1, "interfaces of the section before do not count");
        put_interface(276, 6, 0);
        put_packet(0, 7, "cooked");
        cr_expect_str_eq(read_all(), "0 2000001000 us;1 10000000005 ns;2 1500000000 half seconds;0 0 none;3 7000 cooked;",
                         "%s", read_all());
    }
    swapped = false;
}

Test(capture, what_is_no_capture_is_refused)
{
    swapped = false;
    frame_of(&file, "GIF89a and whatever else there may be", 37);
    cr_expect_str_eq(read_all(), "bad: the first bytes of a pcap or pcapng file");
    begin_pcap(0xa1b2c3d4, 147);
    cr_expect_str_eq(read_all(), "bad: a link of Ethernet, IP, Linux cooked or loopback");
    begin_pcap(0xa1b2c3d4, 1);
    put_u32(0);
    put_u32(0);
    put_u32(0x7fffffff);
    put_u32(0);
    cr_expect_str_eq(read_all(), "bad: a frame of at most 512 KiB");
    begin_pcap(0xa1b2c3d4, 1);
    put_pcap(1, 0, "one");
    put_pcap(1, 0, "two");
    file.len--;
    cr_expect_str_eq(read_all(), "0 1000000000 one;cut");
    file.len = 0;
    put_section();
    put_u32(6);
    put_u32(13);
    put_u32(0);
    cr_expect_str_eq(read_all(), "bad: a block's length, of at most 512 KiB");
    file.len = 0;
    put_section();
    put_block(5, "statistics", 10);
    file.bytes[file.len - 1] = 1;
    cr_expect_str_eq(read_all(), "bad: the block's length once more at its end");
}
