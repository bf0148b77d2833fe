#include "pipeline/outlet_files.h"

#include "pipeline/clock.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_LEN    64u
#define ETHERNET    14u
#define IP4_LEN     20u
#define IP6_LEN     40u
#define UDP_LEN     8u
#define HEADS_MAX   (16u + ETHERNET + IP6_LEN + UDP_LEN)
#define PORT_FROM   4000u
#define PORT_TO     5001u
#define LINK_ETHER  1u
#define SNAPSHOT    262144u
#define MAGIC_NANOS 0xa1b23c4du

static int write_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len) {
        ssize_t done = write(fd, at, len);
        if (done < 0 && errno != EINTR)
            return -errno;
        at += done > 0 ? done : 0;
        len -= done > 0 ? (size_t)done : 0;
    }
    return 0;
}

/* ---- a folder ---- */

/* A careful writer's way: under a name that nobody takes, then by its own.  That begins with the time, so that no run
 * meets the files of another. */
static int put_aside(struct sl_outlet *outlet, const char *name, const uint8_t *data, uint32_t len)
{
    char aside[NAME_LEN + 1];
    snprintf(aside, sizeof(aside), ".%s", name);
    int fd = openat(outlet->fd, aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    int rc = write_all(fd, data, len);
    close(fd);
    if (!rc && renameat(outlet->fd, aside, outlet->fd, name))
        rc = -errno;
    if (rc)
        unlinkat(outlet->fd, aside, 0);
    return rc;
}

int sl_outlet_end_file(struct sl_outlet *outlet)
{
    if (outlet->file_fd < 0)
        return 0;
    int rc = write_all(outlet->file_fd, outlet->rest, outlet->rest_len);
    if (close(outlet->file_fd) && !rc)
        rc = -errno;
    outlet->file_fd = -1;
    outlet->rest_len = 0;
    return rc;
}

/* In its place, and only the first half of it: the second comes when the next message is due. */
static int begin_in_place(struct sl_outlet *outlet, const char *name, const uint8_t *data, uint32_t len)
{
    int rc = sl_outlet_end_file(outlet);
    if (rc)
        return rc;
    outlet->file_fd = openat(outlet->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (outlet->file_fd < 0)
        return -errno;
    outlet->rest_len = len - len / 2;
    assert(outlet->rest_len <= outlet->rest_cap);
    memcpy(outlet->rest, data + len / 2, outlet->rest_len);
    return write_all(outlet->file_fd, data, len / 2);
}

static int put_file(struct sl_outlet *outlet, const uint8_t *data, uint32_t len)
{
    char name[NAME_LEN];
    snprintf(name, sizeof(name), "%016llx-%llu", (unsigned long long)outlet->start_ns,
             (unsigned long long)outlet->sent + 1);
    return outlet->slow ? begin_in_place(outlet, name, data, len) : put_aside(outlet, name, data, len);
}

/* ---- a capture ---- */

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint8_t *put_ip4(uint8_t *at, const uint8_t *to, uint32_t len)
{
    const uint8_t head[IP4_LEN] = {
        0x45, [8] = 64, [9] = IPPROTO_UDP, [12] = 192, 0, 2, 1, to[0], to[1], to[2], to[3]
    };
    uint32_t sum = 0;
    memcpy(at, head, sizeof(head));
    put16(at + 2, IP4_LEN + UDP_LEN + len);
    for (uint32_t i = 0; i < IP4_LEN; i += 2)
        sum += (uint32_t)at[i] << 8 | at[i + 1];
    put16(at + 10, ~(sum % 0xffff) & 0xffff);
    return at + IP4_LEN;
}

static uint8_t *put_ip6(uint8_t *at, const uint8_t *to, uint32_t len)
{
    const uint8_t head[IP6_LEN] = { 0x60, [6] = IPPROTO_UDP, 64, 0x20, 0x01, 0x0d, 0xb8, [23] = 1 };
    memcpy(at, head, sizeof(head));
    put16(at + 4, UDP_LEN + len);
    memcpy(at + 24, to, 16);
    return at + IP6_LEN;
}

static int put_datagram(struct sl_outlet *outlet, const uint8_t *data, uint32_t len)
{
    static const struct in6_addr any, mapped = { .s6_addr[10] = 0xff, .s6_addr[11] = 0xff };
    static const uint8_t group[4] = { 239, 1, 1, 1 };
    const struct sl_line_end *to = &outlet->line.capture.to;
    int64_t now_ns = sl_clock_real(NULL);
    uint8_t heads[HEADS_MAX] = { 0 }, *at = heads + 16 + ETHERNET;
    bool is_any = !memcmp(&to->addr, &any, sizeof(any)), is_ip4 = is_any || !memcmp(&to->addr, &mapped, 12);
    put16(at - 2, is_ip4 ? 0x0800 : 0x86dd);
    at = is_ip4 ? put_ip4(at, is_any ? group : to->addr.s6_addr + 12, len) : put_ip6(at, to->addr.s6_addr, len);
    put16(at, PORT_FROM);
    put16(at + 2, to->port ? to->port : PORT_TO);
    put16(at + 4, UDP_LEN + len);
    uint32_t heads_len = (uint32_t)(at - heads) + UDP_LEN, frame_len = heads_len - 16 + len;
    uint32_t record[4] = { (uint32_t)(now_ns / 1000000000), (uint32_t)(now_ns % 1000000000), frame_len, frame_len };
    memcpy(heads, record, sizeof(record));
    int rc = write_all(outlet->fd, heads, heads_len);
    return rc ? rc : write_all(outlet->fd, data, len);
}

static int begin_capture(struct sl_outlet *outlet)
{
    const uint32_t head[6] = { MAGIC_NANOS, 2 | 4 << 16, 0, 0, SNAPSHOT, LINK_ETHER };
    return write_all(outlet->fd, head, sizeof(head));
}

/* ---- either ---- */

int sl_outlet_open_files(struct sl_outlet *outlet)
{
    bool folder = outlet->line.kind == SL_LINE_SPOOL;
    outlet->start_ns = sl_clock_real(NULL);
    outlet->fd = folder ? open(outlet->line.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                        : open(outlet->line.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (outlet->fd < 0)
        return -errno;
    outlet->rest = folder ? malloc(outlet->rest_cap) : NULL;
    if (folder)
        return outlet->rest ? 0 : -ENOMEM;
    return begin_capture(outlet);
}

int sl_outlet_send_file(struct sl_outlet *outlet, const uint8_t *data, uint32_t len)
{
    return outlet->line.kind == SL_LINE_SPOOL ? put_file(outlet, data, len) : put_datagram(outlet, data, len);
}
