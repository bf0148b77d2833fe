/* parsers/xml_scan.h - the two passes over all bytes that let the XML scanner jump: one finds out whether they are
 * characters at all, one makes an index of the places where it has to look.
 *
 *     bytes      <hl1>Rail &amp; road</hl1>
 *     content    |         |         |         what ends a run of text, or must be looked at in it
 *     value      |         |         |         the same for an attribute's value
 *     no_name    |   |    ||   ||    ||   |   what is no part of a name
 *
 * Threads   Pure functions on the caller's memory.
 * Owns      Borrows data.
 * Units     A block is 64 bytes, and one bit of a word for each of them; the lowest bit is the first byte.
 * Source    Classes of bytes by two table look-ups and validation of UTF-8 by three: the method of Lemire, Langdale
 *           and Keiser (Parsing Gigabytes of JSON per Second, 2019; Validating UTF-8 In Less Than One Instruction Per
 *           Byte, 2020), written anew for XML.
 *
 * Each has a way that every machine can go, byte by byte, which is also what it means, and one for AVX2; tests compare
 * the two on every document they have.
 */
#ifndef SL_PARSERS_XML_SCAN_H
#define SL_PARSERS_XML_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#define SL_XML_BLOCK         64u
#define SL_XML_WINDOW_BLOCKS 64u /* 4 KiB of document: the index stays in the first-level cache */

struct sl_xml_index {
    uint64_t content[SL_XML_WINDOW_BLOCKS]; /* < & ] CR */
    uint64_t value[SL_XML_WINDOW_BLOCKS]; /* < & quotes CR LF TAB */
    uint64_t no_name[SL_XML_WINDOW_BLOCKS]; /* all but ASCII letters and digits, - . _ */
};

/* The index of the bytes from data on, as many blocks as hold them and one more if they end with a block: what is
 * behind them has all bits set.  At most SL_XML_WINDOW_BLOCKS.  Returns the number of blocks. */
uint32_t sl_xml_index(struct sl_xml_index *index, const uint8_t *data, uint32_t len);
uint32_t sl_xml_index_plain(struct sl_xml_index *index, const uint8_t *data, uint32_t len);

struct sl_xml_survey {
    uint32_t clean; /* length of the start that is valid UTF-8 and nothing but Char */
    bool is_ascii; /* all of it is */
};
struct sl_xml_survey sl_xml_survey(const uint8_t *data, uint32_t len);
struct sl_xml_survey sl_xml_survey_plain(const uint8_t *data, uint32_t len);

/* Length of the start without the control characters that XML does not allow: all there is to check in 8-bit sets. */
uint32_t sl_xml_control_free(const uint8_t *data, uint32_t len);
uint32_t sl_xml_control_free_plain(const uint8_t *data, uint32_t len);

#endif
