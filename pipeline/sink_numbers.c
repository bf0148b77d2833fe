#include "pipeline/sink_numbers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAGIC       "sluglin\1"
#define BOOT_ID_LEN 36u
#define BASE        36u
#define CNT_MAX     (1ull << 62)

struct sl_numbers_file {
    char magic[8];
    uint64_t use, cnt; /* cnt: the last number */
    uint8_t session[16]; /* SL_MOLD_SESSION_LEN of them */
    char boot[40]; /* of the machine's start in which it was opened last */
    uint64_t is_closed;
    int64_t begun; /* in ticks */
    struct sl_bookmark rows[SL_NUMBERS_ROWS];
};

static struct sl_bookmark *row_of(const struct sl_numbers *numbers, uint64_t number)
{
    return &numbers->file->rows[number % SL_NUMBERS_ROWS];
}

static uint64_t oldest(const struct sl_numbers *numbers)
{
    return numbers->file->cnt > SL_NUMBERS_ROWS ? numbers->file->cnt - SL_NUMBERS_ROWS + 1 : 1;
}

static void read_boot(char boot[40])
{
    memset(boot, 0, 40);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (read(fd, boot, BOOT_ID_LEN) != (ssize_t)BOOT_ID_LEN)
        boot[0] = '\0'; /* and is another next time, too: then a session ends for want of knowing */
    close(fd);
}

/* What was passed already of what is read again: numbers are in the order of the tape. */
static void find_again(struct sl_numbers *numbers, const struct sl_bookmark *from)
{
    uint64_t number = numbers->file->cnt;
    for (; number >= oldest(numbers); number--)
        if (row_of(numbers, number)->epoch == from->epoch && row_of(numbers, number)->seq <= from->seq)
            break;
    numbers->again = number;
}

void sl_numbers_begin(struct sl_numbers *numbers, const char *prefix, int64_t now_ns)
{
    static const char digits[BASE + 1] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct sl_numbers_file *file = numbers->file;
    int64_t tick = now_ns / SL_NUMBERS_TICK_NS, begun = tick > file->begun ? tick : file->begun + 1;
    size_t len = strnlen(prefix, SL_NUMBERS_PREFIX_MAX);
    memset(file->session, ' ', sizeof(file->session));
    memcpy(file->session, prefix, len);
    for (size_t i = SL_MOLD_SESSION_LEN - SL_NUMBERS_PREFIX_MAX, rest = (size_t)begun; i-- > 0; rest /= BASE)
        file->session[len + i] = (uint8_t)digits[rest % BASE];
    file->begun = begun;
    file->cnt = 0;
    numbers->again = 0;
}

static bool goes_on(const struct sl_numbers_file *file, const char *prefix, uint64_t use, const char boot[40])
{
    return file->use == use && !memcmp(file->session, prefix, strnlen(prefix, SL_NUMBERS_PREFIX_MAX)) &&
           (file->is_closed || (*boot && !memcmp(file->boot, boot, sizeof(file->boot))));
}

int sl_numbers_open(struct sl_numbers *numbers, const char *path, const char *prefix, uint64_t use,
                    const struct sl_bookmark *from, int64_t now_ns, struct sl_mold *ended)
{
    char boot[40];
    *numbers = (struct sl_numbers){ .fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640) };
    memset(ended, 0, sizeof(*ended));
    if (numbers->fd < 0)
        return -errno;
    /* All of its room at once: a full disk is an error here, and no signal when a row is written. */
    int rc = flock(numbers->fd, LOCK_EX | LOCK_NB) ? -EBUSY : -posix_fallocate(numbers->fd, 0, sizeof(*numbers->file));
    void *mem =
        rc ? MAP_FAILED : mmap(NULL, sizeof(*numbers->file), PROT_READ | PROT_WRITE, MAP_SHARED, numbers->fd, 0);
    if (mem == MAP_FAILED) {
        rc = rc ? rc : -errno;
        close(numbers->fd);
        numbers->fd = -1;
        return rc;
    }
    struct sl_numbers_file *file = numbers->file = mem;
    bool is_ours = !memcmp(file->magic, MAGIC, sizeof(file->magic)) && file->begun > 0 && file->cnt < CNT_MAX;
    read_boot(boot);
    if (is_ours && goes_on(file, prefix, use, boot)) {
        find_again(numbers, from);
    } else {
        if (is_ours) {
            memcpy(ended->session, file->session, sizeof(ended->session));
            ended->seq = file->cnt + 1;
        } else {
            file->begun = 0;
        }
        sl_numbers_begin(numbers, prefix, now_ns);
    }
    memcpy(file->magic, MAGIC, sizeof(file->magic));
    memcpy(file->boot, boot, sizeof(file->boot));
    file->use = use;
    file->is_closed = 0;
    return msync(file, 4096, MS_SYNC) ? -errno : 0; /* before the first number is sent */
}

void sl_numbers_close(struct sl_numbers *numbers)
{
    if (numbers->file && !msync(numbers->file, sizeof(*numbers->file), MS_SYNC)) {
        numbers->file->is_closed = 1; /* after all it speaks for is on the disk */
        msync(numbers->file, 4096, MS_SYNC);
    }
    if (numbers->file)
        munmap(numbers->file, sizeof(*numbers->file));
    if (numbers->file)
        close(numbers->fd);
    numbers->file = NULL;
}

/* The first number behind again whose place is of this epoch; 0 none. */
static uint64_t find_epoch(const struct sl_numbers *numbers, uint64_t epoch)
{
    for (uint64_t number = numbers->again + 1; number <= numbers->file->cnt; number++)
        if (row_of(numbers, number)->epoch == epoch)
            return number;
    return 0;
}

/* Of a place that is read again; 0: it has none.  What the tape does not give any more is passed over. */
static uint64_t number_again(struct sl_numbers *numbers, struct sl_bookmark place)
{
    uint64_t number = find_epoch(numbers, place.epoch);
    if (!number)
        numbers->again = numbers->file->cnt; /* of a later start than all that was numbered */
    for (; number && number <= numbers->file->cnt && row_of(numbers, number)->epoch == place.epoch; number++) {
        if (row_of(numbers, number)->seq > place.seq)
            return 0;
        numbers->again = number;
        if (row_of(numbers, number)->seq == place.seq)
            return number;
    }
    return 0;
}

uint64_t sl_numbers_give(struct sl_numbers *numbers, struct sl_bookmark place, bool *is_old)
{
    struct sl_numbers_file *file = numbers->file;
    if (numbers->again < file->cnt) {
        uint64_t number = number_again(numbers, place);
        *is_old = true;
        if (number || numbers->again < file->cnt)
            return number;
    }
    *is_old = false;
    *row_of(numbers, file->cnt + 1) = place;
    /* The row before its count: a kill between them leaves a row that is not looked at. */
    __atomic_store_n(&file->cnt, file->cnt + 1, __ATOMIC_RELEASE);
    numbers->again = file->cnt;
    return file->cnt;
}

const uint8_t *sl_numbers_session(const struct sl_numbers *numbers) { return numbers->file->session; }

uint64_t sl_numbers_last(const struct sl_numbers *numbers) { return numbers->file->cnt; }

bool sl_numbers_place(const struct sl_numbers *numbers, uint64_t number, struct sl_bookmark *place)
{
    if (number < oldest(numbers) || number > numbers->file->cnt)
        return false;
    *place = *row_of(numbers, number);
    return true;
}

enum sl_numbers_wish sl_numbers_read_wish(const struct sl_numbers *numbers, const uint8_t *data, uint32_t len,
                                          uint32_t cnt_max, uint64_t *first, uint32_t *cnt)
{
    struct sl_mold wish;
    if (len != SL_MOLD_HEADER_LEN || !sl_mold_read(&wish, data, len) || !wish.seq || !wish.cnt)
        return SL_WISH_NONSENSE;
    if (memcmp(wish.session, sl_numbers_session(numbers), SL_MOLD_SESSION_LEN))
        return SL_WISH_SESSION;
    if (wish.seq > numbers->file->cnt)
        return SL_WISH_AHEAD;
    if (wish.seq < oldest(numbers))
        return SL_WISH_OLD;
    uint64_t left = numbers->file->cnt - wish.seq + 1;
    uint32_t most = wish.cnt < cnt_max ? wish.cnt : cnt_max;
    *first = wish.seq;
    *cnt = left < most ? (uint32_t)left : most;
    return SL_WISH_FINE;
}
