/* Does any book of numbers on disk open, and give numbers and places within its bounds; is any request packet answered
 * with what it has, or refused? */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "pipeline/sink_numbers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FILE_LEN 512u /* of its head and first rows; then places and requests, as they come */
#define CNT_MAX  100u

static void ask(const struct sl_numbers *numbers, const uint8_t *data, uint32_t len)
{
    uint64_t first;
    uint32_t cnt;
    struct sl_bookmark place;
    uint8_t packet[SL_MOLD_HEADER_LEN];
    for (int ours = 0; ours < 2; ours++) {
        uint32_t packet_len = len < sizeof(packet) ? len : (uint32_t)sizeof(packet);
        memcpy(packet, data, packet_len);
        if (ours && packet_len >= SL_MOLD_SESSION_LEN)
            memcpy(packet, sl_numbers_session(numbers), SL_MOLD_SESSION_LEN);
        if (sl_numbers_read_wish(numbers, packet, packet_len, CNT_MAX, &first, &cnt) != SL_WISH_FINE)
            continue;
        assert(packet_len == sizeof(packet) && first && cnt && cnt <= CNT_MAX);
        assert(sl_numbers_place(numbers, first, &place) && sl_numbers_place(numbers, first + cnt - 1, &place));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static int fd = -1;
    static char path[64];
    static const uint8_t nothing[FILE_LEN];
    struct sl_numbers numbers;
    struct sl_mold ended;
    struct sl_bookmark place = { 0, 0 };
    if (fd < 0) {
        fd = memfd_create("numbers", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    size_t file_len = len < FILE_LEN ? len : FILE_LEN;
    assert(pwrite(fd, nothing, FILE_LEN, 0) == (ssize_t)FILE_LEN && pwrite(fd, data, file_len, 0) == (ssize_t)file_len);
    if (len > 1 && data[len - 1] & 1) /* as one that was closed in order: mostly that is asked for */
        assert(pwrite(fd, "sluglin\1", 8, 0) == 8 && pwrite(fd, "\1", 1, 88) == 1);
    if (sl_numbers_open(&numbers, path, "", 0, &place, 1767607262000000000ll, &ended))
        return 0;
    uint64_t last = sl_numbers_last(&numbers), before = 0;
    for (size_t at = file_len; at + 2 <= len; at += 2) {
        bool is_old;
        place = (struct sl_bookmark){ data[at] & 3u, place.seq + data[at + 1] };
        uint64_t number = sl_numbers_give(&numbers, place, &is_old);
        assert(!number || (is_old ? number <= last : number > before));
        before = number > before ? number : before;
        ask(&numbers, data + at, (uint32_t)(len - at));
    }
    assert(sl_numbers_last(&numbers) >= last);
    sl_numbers_close(&numbers);
    return 0;
}
