/* pipeline/zones.h - the time zones of this host by IANA name, read once at start.
 *
 * Life      zeroed, load ..., view; fini when nothing uses the view any more.
 * Threads   One while it loads; what it loaded is constant.
 * Owns      The zones are the store's.
 * Errors    0 or -errno: -EINVAL not the shape of a zone's name, or no TZif file; -ENOENT no such zone; -ENOSPC more
 *           than SL_ZONES_MAX; -E2BIG larger than any zone is.
 * Source    /usr/share/zoneinfo (tzfile(5)); RFC 8536.
 */
#ifndef SL_PIPELINE_ZONES_H
#define SL_PIPELINE_ZONES_H

#include "parsers/dates.h"

#define SL_ZONES_MAX 64u

struct sl_zones_store {
    const struct sl_zone *zone[SL_ZONES_MAX];
    uint32_t cnt;
};

int sl_zones_load(struct sl_zones_store *store, const char *name); /* again: 0, and nothing is read */
/* Those that formats know their agencies by.  A host without them is no error: then times say that UTC was assumed. */
void sl_zones_load_agencies(struct sl_zones_store *store);
struct sl_zones sl_zones_view(const struct sl_zones_store *store);
void sl_zones_fini(struct sl_zones_store *store);

#endif
