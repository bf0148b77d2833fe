/* pipeline/crc32c.h - the checksum of what lies on disk.
 *
 * Threads   Any.
 * Source    RFC 3720 appendix B.4: polynomial 0x1EDC6F41 reflected, all ones in, inverted out.
 */
#ifndef SL_PIPELINE_CRC32C_H
#define SL_PIPELINE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* crc: 0, or what an earlier call gave for the bytes right before these. */
uint32_t sl_crc32c(uint32_t crc, const void *data, size_t len);
/* The same without the processor's instruction; for processors that have none, and for the test. */
uint32_t sl_crc32c_plain(uint32_t crc, const void *data, size_t len);

#endif
