/* fuzz_profiles - does any file break the reader of profiles, or what it makes of one break the parsers?
 *
 * The file ends with the first NUL; what follows is a message that is parsed with the profile.
 */
#include "pipeline/profiles.h"

#include "parsers/parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void parse_with(const struct sl_profiles *profiles, const uint8_t *data, uint32_t len)
{
    static struct sl_parse parse;
    const struct sl_feed_facts facts = { .profile = profiles->profile, .profiles = profiles };
    uint32_t cap = sl_parse_bound(len), scratch_cap = sl_parse_scratch_bound(len), bulletin_len;
    void *bulletin = malloc(cap), *scratch = malloc(scratch_cap);
    sl_parse_init(&parse, scratch, scratch_cap);
    sl_parse_begin(&parse, NULL, &facts, data, len, 1767607200ll * SL_TIME_NS);
    while (sl_parse_next(&parse, bulletin, cap, &bulletin_len) == SL_PARSE_OK)
        assert(sl_bulletin_check(bulletin, bulletin_len) == SL_BULLETIN_FINE);
    free(bulletin);
    free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct sl_profile_store store;
    static struct sl_zones_store zones;
    char err[512] = "";
    if (len > TEXT_MAX)
        return 0;
    const uint8_t *end = memchr(data, 0, len);
    size_t yaml_len = end ? (size_t)(end - data) : len;
    char *yaml = malloc(yaml_len + 1);
    memcpy(yaml, data, yaml_len);
    if (sl_profiles_parse(&store, &zones, "fuzz", "fuzz.yaml", yaml, yaml_len, err, sizeof(err))) {
        assert(*err);
    } else {
        struct sl_profiles view = sl_profiles_view(&store);
        assert(view.cnt == 1 && view.profile->name_cnt && sl_profile_named(&view, "fuzz") == view.profile);
        if (end)
            parse_with(&view, end + 1, (uint32_t)(len - yaml_len - 1));
    }
    sl_profiles_fini(&store);
    if (zones.cnt == SL_ZONES_MAX)
        sl_zones_fini(&zones);
    free(yaml);
    return 0;
}
