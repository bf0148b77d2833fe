#include "pipeline/crc32c.h"

#include <string.h>

/* Half a byte a step: sixteen words, where a table of whole bytes would push a kilobyte of news out of the cache. */
uint32_t sl_crc32c_plain(uint32_t crc, const void *data, size_t len)
{
    static const uint32_t of_half[16] = {
        0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
        0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
    };
    const uint8_t *bytes = data;
    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ of_half[crc & 15];
        crc = crc >> 4 ^ of_half[crc & 15];
    }
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *bytes, size_t len)
{
    uint64_t sum = ~crc;
    for (; len >= 8; len -= 8, bytes += 8) {
        uint64_t word;
        memcpy(&word, bytes, sizeof(word));
        sum = __builtin_ia32_crc32di(sum, word);
    }
    for (; len; len--)
        sum = __builtin_ia32_crc32qi((uint32_t)sum, *bytes++);
    return ~(uint32_t)sum;
}

uint32_t sl_crc32c(uint32_t crc, const void *data, size_t len)
{
    return __builtin_cpu_supports("sse4.2") ? by_instruction(crc, data, len) : sl_crc32c_plain(crc, data, len);
}
#else
uint32_t sl_crc32c(uint32_t crc, const void *data, size_t len) { return sl_crc32c_plain(crc, data, len); }
#endif
