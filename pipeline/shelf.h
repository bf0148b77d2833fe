/* pipeline/shelf.h - a folder where finished files are kept, and how many of them.
 *
 *     put: rename into it, under a name that is free          tend: the oldest go when there are too many
 *
 * Life      open (makes the folder where it is missing), put ..., tend now and then, fini.
 * Threads   One.
 * Owns      Two descriptors of the folder.
 * Errors    0 or -errno.
 * Units     ns of CLOCK_REALTIME; bytes as the files' lengths say.
 * Cost      put is a rename, and one more where the name was taken.  tend looks at SL_SHELF_LOOKS files a call: two
 *           walks over the folder, one to find how old the oldest that stays may be, one to remove what is older.
 *
 * How long a file has been here is told by its ctime, which a rename sets and nobody else can.
 */
#ifndef SL_PIPELINE_SHELF_H
#define SL_PIPELINE_SHELF_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SL_SHELF_LOOKS 64u
#define SL_SHELF_AGES  512u /* steps by which ages are told apart; the last is over age */
#define SL_SHELF_NAME  256u /* a name with its NUL */

struct sl_shelf_limits {
    uint64_t file_cnt, bytes;
    int64_t age_ns;
};

struct sl_shelf {
    int fd;
    DIR *dir;
    struct sl_shelf_limits limits;
    enum { SL_SHELF_REST, SL_SHELF_COUNT, SL_SHELF_REMOVE } walk;
    int64_t now_ns; /* of both walks */
    int64_t again_ns; /* when the next may begin */
    bool changed;
    uint64_t cnt[SL_SHELF_AGES], bytes[SL_SHELF_AGES];
    uint32_t age_max; /* that stays; of this very age so much goes all the same: */
    uint64_t surplus_cnt, surplus_bytes;
    uint64_t removed;
};

int sl_shelf_open(struct sl_shelf *shelf, const char *path, const struct sl_shelf_limits *limits);
void sl_shelf_fini(struct sl_shelf *shelf);
/* Renames from_fd/from to name, or where that is taken to name.stamp, which nobody else has.  to: as it is called
 * now. */
int sl_shelf_put(struct sl_shelf *shelf, int from_fd, const char *from, const char *name, uint64_t stamp,
                 char to[SL_SHELF_NAME]);
/* Files looked at. */
uint32_t sl_shelf_tend(struct sl_shelf *shelf, int64_t now_ns);

#endif
