/* parsers/xml_scan.h - the one pass over all bytes that lets the XML scanner jump: it finds out whether they are
 * characters at all, and makes an index of the places where the scanner has to look.
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
#include <string.h>

#define SL_XML_BLOCK         64u
#define SL_XML_WINDOW_BLOCKS 256u
#define SL_XML_WINDOW        (SL_XML_WINDOW_BLOCKS * SL_XML_BLOCK) /* bytes: most documents are smaller */
#define SL_XML_INDEX_WORDS   (SL_XML_WINDOW_BLOCKS + 2)

struct sl_xml_index {
    uint64_t content[SL_XML_INDEX_WORDS]; /* < & ] CR */
    uint64_t value[SL_XML_INDEX_WORDS]; /* < & quotes CR LF TAB */
    uint64_t no_name[SL_XML_INDEX_WORDS]; /* all but ASCII letters and digits, - . _ */
};

/* The index of the first SL_XML_WINDOW of the bytes from data on, or of all of them. */
void sl_xml_index(struct sl_xml_index *index, const uint8_t *data, uint32_t len);
void sl_xml_index_plain(struct sl_xml_index *index, const uint8_t *data, uint32_t len);

/* Ends an index after len bytes (at most SL_XML_WINDOW): for 64 bytes and more behind them all bits are set. */
static inline void sl_xml_index_end(struct sl_xml_index *index, uint32_t len)
{
    uint32_t block = len / SL_XML_BLOCK;
    uint64_t behind = ~0ull << len % SL_XML_BLOCK;
    index->content[block] |= behind;
    index->value[block] |= behind;
    index->no_name[block] |= behind;
    index->content[block + 1] = index->value[block + 1] = index->no_name[block + 1] = ~0ull;
}

/* The bits of a mask from a place on, the lowest first: those of 57 bytes at least. */
static inline uint64_t sl_xml_bits(const uint64_t *mask, uint32_t off)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t bits;
    memcpy(&bits, (const uint8_t *)mask + off / 8, sizeof bits);
    return bits >> off % 8;
#else
    return mask[off / SL_XML_BLOCK] >> off % SL_XML_BLOCK | mask[off / SL_XML_BLOCK + 1] << 1 << (~off % SL_XML_BLOCK);
#endif
}

/* The first place from off on where a mask has a bit.  There is one: the index was ended. */
static inline uint32_t sl_xml_next_bit(const uint64_t *mask, uint32_t off)
{
    uint64_t bits = sl_xml_bits(mask, off);
    if (bits != 0)
        return off + (uint32_t)__builtin_ctzll(bits);
    /* The word's last bits were seen, or were zeros that the shift brought in. */
    for (off = (off / 8 + 8) * 8; (bits = sl_xml_bits(mask, off)) == 0;)
        off += SL_XML_BLOCK;
    return off + (uint32_t)__builtin_ctzll(bits);
}

struct sl_xml_survey {
    uint32_t clean; /* length of the start that is valid UTF-8 and nothing but Char */
    bool is_ascii; /* all of it is */
};
/* Makes the index on the way. */
struct sl_xml_survey sl_xml_survey(struct sl_xml_index *index, const uint8_t *data, uint32_t len);
struct sl_xml_survey sl_xml_survey_plain(const uint8_t *data, uint32_t len);

/* Length of the start without the control characters that XML does not allow: all there is to check in 8-bit sets. */
uint32_t sl_xml_control_free(const uint8_t *data, uint32_t len);
uint32_t sl_xml_control_free_plain(const uint8_t *data, uint32_t len);

#endif
