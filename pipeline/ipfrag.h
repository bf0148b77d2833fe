/* pipeline/ipfrag.h - fragments of IP to whole datagrams, copied into memory of our own.
 *
 *     fragment, fragment .. --> [ take ] --> a view of the whole, in the reassembler's memory
 *
 * Life      init gets all memory; take; fini.
 * Threads   One.
 * Owns      Copies what it is given, so that no buffer of a card or a capture is held.  The view that take gives lasts
 *           until the next take.
 * Errors    init: 0 or -ENOMEM.  What is lost is counted.
 * Units     ns, of any clock that the caller keeps to; bytes.
 * Memory    SL_IPFRAG_CNT datagrams of 64 KiB; only those in use at once are touched.
 * Hostile   At most SL_IPFRAG_CNT datagrams are open, the oldest gives way.  Fragments that overlap with other bytes
 *           take their whole datagram with them (RFC 5722), and what comes of it later is recognized; the same bytes
 *           again are only counted, since a capture at two places has everything twice.
 * Source    RFC 791 3.2, RFC 8200 4.5, RFC 5722.
 */
#ifndef SL_PIPELINE_IPFRAG_H
#define SL_PIPELINE_IPFRAG_H

#include "pipeline/packet.h"

#define SL_IPFRAG_CNT 32u
#define SL_IPFRAG_NS  2000000000ll /* from a datagram's first fragment to its last */

enum sl_ipfrag_got {
    SL_IPFRAG_WHOLE,
    SL_IPFRAG_MORE, /* kept: the rest has not come */
    SL_IPFRAG_DROPPED,
};

enum sl_ipfrag_count {
    SL_IPFRAG_TAKEN, /* fragments */
    SL_IPFRAG_REPEATED, /* fragments that said nothing new */
    SL_IPFRAG_JOINED, /* datagrams */
    SL_IPFRAG_LATE, /* datagrams whose rest did not come in time */
    SL_IPFRAG_CROWDED, /* datagrams that gave way to newer ones */
    SL_IPFRAG_OVERLAP, /* datagrams whose fragments contradict each other */
    SL_IPFRAG_BAD, /* fragments that cannot be any */
    SL_IPFRAG_COUNTS,
};

struct sl_ipfrag {
    struct sl_ipfrag_entry *entries; /* in ipfrag.c */
    uint8_t *bytes;
    uint64_t cnt[SL_IPFRAG_COUNTS];
};

int sl_ipfrag_init(struct sl_ipfrag *ipfrag);
void sl_ipfrag_fini(struct sl_ipfrag *ipfrag);
/* fragment.fragment is true.  whole: at WHOLE the datagram, else untouched. */
enum sl_ipfrag_got sl_ipfrag_take(struct sl_ipfrag *ipfrag, const struct sl_packet_ip *fragment, int64_t now_ns,
                                  struct sl_packet_ip *whole);

#endif
