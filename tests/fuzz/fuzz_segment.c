/* A segment of the journal that somebody wrote for us: records lie inside the file, numbers grow, reading ends.
 *   input: a byte of choices, then the file; or with its lowest bit, changes to a file that was well made: offset (4),
 *   length (1), bytes */
#include "tests/pipeline/segments.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const unsigned char *bytes, uint64_t len, uint64_t seek)
{
    struct memory_file file = { bytes, len };
    struct sl_segment_source source = { memory_read, &file, len };
    struct sl_segment_scan scan;
    volatile uint32_t total = 0;
    uint64_t last = 0, steps = 0;
    int rc;
    if (sl_segment_scan_open(&scan, &source, 0))
        return;
    if (seek)
        sl_segment_scan_seek(&scan, seek, INT64_MAX);
    while ((rc = sl_segment_scan_next(&scan)) != SL_SEGMENT_END) {
        assert(rc > 0 && ++steps <= len / SL_SEGMENT_ALIGN * 2 + 4);
        if (rc != SL_SEGMENT_RECORD)
            continue;
        assert(scan.record->seq > last && scan.record_off + scan.record->len <= len);
        last = scan.record->seq;
        for (uint32_t i = 0; i < scan.record->len; i++)
            total += ((const unsigned char *)scan.record)[i];
    }
    sl_segment_scan_close(&scan);
}

static void change(unsigned char *bytes, uint64_t len, const uint8_t *data, size_t size)
{
    while (size >= 5) {
        uint32_t off, cnt = data[4];
        memcpy(&off, data, sizeof(off));
        off %= (uint32_t)len;
        cnt = cnt < size - 5 ? cnt : (uint32_t)size - 5;
        cnt = cnt < len - off ? cnt : (uint32_t)(len - off);
        memcpy(bytes + off, data + 5, cnt);
        data += 5 + cnt;
        size -= 5 + cnt;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct segment made;
    static unsigned char bytes[64 * 1024];
    if (!size)
        return 0;
    if (!made.len) {
        segment_begin(&made, 1, 1);
        segment_fill(&made, 1, 30, 900);
        segment_end(&made);
        assert(made.len <= sizeof(bytes));
    }
    uint64_t seek = data[0] >> 1;
    if (data[0] & 1) {
        memcpy(bytes, made.bytes, made.len);
        change(bytes, made.len, data + 1, size - 1);
        read_all(bytes, made.len, seek);
    } else {
        read_all(data + 1, size - 1, seek);
    }
    return 0;
}
