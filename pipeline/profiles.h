/* pipeline/profiles.h - the profiles of a folder, read and checked at start: deploy/profiles, or
 * PREFIX/share/slugline/profiles where the program is installed.
 *
 *     NAME.yaml --> shape checked, words (config_file.h) --> struct sl_profile (parsers/profile.h)
 *
 * Life      zeroed, load or parse ..., view; fini when nothing uses the view any more.
 * Threads   One while it loads; what it loaded is constant.
 * Owns      The profiles are the store's, their zones the zone store's that load was given.
 * Errors    0 or -errno, with "file:line:column: path: what is wrong" in err, as of the configuration.
 * Units     At most SL_PROFILES_MAX files of SL_PROFILE_LEN_MAX bytes.
 * Source    deploy/profiles/README.md tells every key.
 */
#ifndef SL_PIPELINE_PROFILES_H
#define SL_PIPELINE_PROFILES_H

#include "parsers/profile.h"
#include "pipeline/zones.h"

#define SL_PROFILES_MAX    64u
#define SL_PROFILE_LEN_MAX 65536u

struct sl_profile_store {
    struct sl_profile profile[SL_PROFILES_MAX];
    void *mem[SL_PROFILES_MAX]; /* of each, all that it points to but its zone */
    uint32_t cnt;
};

/* Where they are for the program that runs: beside it where it is installed, in deploy/ where it was built.  false:
 * there is no such folder. */
bool sl_profiles_folder(char *path, size_t path_len);
/* All *.yaml files of the folder, in the order of their names. */
int sl_profiles_load(struct sl_profile_store *store, struct sl_zones_store *zones, const char *folder, char *err,
                     size_t err_len);
/* One, from memory; name is the profile's. */
int sl_profiles_parse(struct sl_profile_store *store, struct sl_zones_store *zones, const char *name, const char *file,
                      const char *yaml, size_t len, char *err, size_t err_len);
struct sl_profiles sl_profiles_view(const struct sl_profile_store *store);
void sl_profiles_fini(struct sl_profile_store *store);

#endif
