/* parsers/bulletin_json.h - a bulletin as one line of JSON: IPTC ninjs 3.1 with our one extension member, wire.
 *
 * Life      None: functions.
 * Threads   Pure.
 * Owns      Writes buf, borrows the bulletin, which must have passed sl_bulletin_check.
 * Errors    Like snprintf: returns the length the whole line has; more than cap means buf holds nothing useful.  No
 *           byte at or behind buf + cap is ever written, and no NUL is appended.
 * Units     Bytes, without the line end.  The line is UTF-8 and holds no LF; U+2028 and U+2029 are escaped, since some
 *           readers of lines end one there.
 * Source    IPTC ninjs 3.1 (deploy/ninjs-slugline.json extends its schema and describes every member of wire);
 *           uri: RFC 3986, and RFC 8141 for the ones made here; times: RFC 3339; geoJSON: RFC 7946.
 *
 * A member that the message does not determine is absent.  The uri is the bulletin's id where that is a URI of a scheme
 * that names things (urn, tag, http ...), else urn:x-slugline:PROVIDER:ID, where everything that a URN does not allow,
 * and ':' and '/' in PROVIDER, is percent-encoded: so the same provider and id always give the same uri.
 */
#ifndef SL_PARSERS_BULLETIN_JSON_H
#define SL_PARSERS_BULLETIN_JSON_H

#include "parsers/bulletin.h"

enum sl_wire_source { SL_WIRE_NONE, SL_WIRE_NIC, SL_WIRE_KERNEL, SL_WIRE_CAPTURE, SL_WIRE_POLL, SL_WIRE_CNT };
const char *sl_wire_source_name(unsigned source); /* "nic", "kernel", "capture", "poll"; "" none */

/* What the tape knows beside the bulletin.  Zero or NULL members are left out. */
struct sl_json_wire {
    uint64_t epoch, seq;
    const char *feed, *lane, *verdict;
    bool after_gap, clock_stepped;
    uint8_t wire_source;
    uint64_t wire_ns, rx_ns, first_ns, framed_ns, decoded_ns, published_ns, read_ns;
};

/* wire: NULL where there is no tape, as in slugline parse. */
size_t sl_bulletin_json(char *buf, size_t cap, const struct sl_bulletin *bulletin, const struct sl_json_wire *wire);

/* An upper bound of the line for a bulletin of this length, where no two texts of the bulletin share bytes and feed,
 * lane and verdict are at most 256 bytes together.  One that shares bytes may need more: the return value says. */
size_t sl_bulletin_json_bound(uint32_t bulletin_len);

/* A JSON string with its quotes; for whoever prints facts with --json.  data may be any bytes: what is not UTF-8
 * becomes U+FFFD. */
size_t sl_json_string(char *buf, size_t cap, const char *data, size_t len);

#endif
