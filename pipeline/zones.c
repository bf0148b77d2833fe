#include "pipeline/zones.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "parsers/parse.h"

#define ZONE_FOLDER   "/usr/share/zoneinfo/"
#define ZONE_FILE_MAX 65536u /* the largest in tzdata has under 4 KiB */

/* Words of letters, digits, '_', '+' and '-', parted by single slashes: so no name leads out of the folder. */
static bool is_zone_name(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-";
    if (strlen(name) >= sizeof(((struct sl_zone *)0)->name))
        return false;
    for (;;) {
        size_t len = strspn(name, letters);
        if (len == 0)
            return false;
        if (name[len] == '\0')
            return true;
        if (name[len] != '/')
            return false;
        name += len + 1;
    }
}

static ssize_t read_whole(int fd, uint8_t *data, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t got = read(fd, data + len, cap - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return (ssize_t)len;
        len += (size_t)got;
    }
    return -E2BIG;
}

static int read_zone(const char *name, struct sl_zone *zone)
{
    char path[sizeof(ZONE_FOLDER) + sizeof(zone->name)];
    strcpy(path, ZONE_FOLDER);
    strcat(path, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    uint8_t *data = malloc(ZONE_FILE_MAX);
    ssize_t len = data ? read_whole(fd, data, ZONE_FILE_MAX) : -ENOMEM;
    close(fd);
    /* A folder of zones is no zone. */
    int code = len == -EISDIR ? -ENOENT : len < 0 ? (int)len : sl_zone_init(zone, name, data, (size_t)len);
    free(data);
    return code;
}

int sl_zones_load(struct sl_zones_store *store, const char *name)
{
    if (!is_zone_name(name))
        return -EINVAL;
    struct sl_zones view = sl_zones_view(store);
    if (sl_zones_find(&view, name, strlen(name)))
        return 0;
    if (store->cnt == SL_ZONES_MAX)
        return -ENOSPC;
    struct sl_zone *zone = malloc(sizeof(*zone));
    if (!zone)
        return -ENOMEM;
    int code = read_zone(name, zone);
    if (code != 0) {
        free(zone);
        return code;
    }
    store->zone[store->cnt++] = zone;
    return 0;
}

void sl_zones_load_agencies(struct sl_zones_store *store)
{
    for (const char *const *name = sl_format_zones; *name; name++)
        sl_zones_load(store, *name);
}

struct sl_zones sl_zones_view(const struct sl_zones_store *store)
{
    return (struct sl_zones){ store->zone, store->cnt };
}

void sl_zones_fini(struct sl_zones_store *store)
{
    for (uint32_t i = 0; i < store->cnt; i++)
        free((struct sl_zone *)store->zone[i]);
    store->cnt = 0;
}
