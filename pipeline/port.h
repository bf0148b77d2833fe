/* pipeline/port.h - a card's port without the kernel in between: bursts of frames in, frames out.
 *
 *     rx_dpdk.c ----+
 *                   +--> struct sl_port_way --> slugline_dpdk.so: port_dpdk.c, EAL, mbufs, cards
 *     outlet_port.c +        loaded when the first line wants it
 *
 * So nothing of DPDK's is linked into the program: it runs where DPDK is not installed, and says so when a line asks
 * for it.
 *
 * Life      expect every device that will be opened, so that memory and buses are right from the start; way; open ...
 *           close.  EAL itself stays until the process ends.
 * Threads   expect, way, open and close: one, as sl_rx_init says.  The rest: the thread that polls.
 * Owns      Frames of a burst are borrowed until release, which must come before the next burst.
 * Errors    0 or -errno and a sentence.
 * Units     Bytes; ns, CLOCK_REALTIME.
 */
#ifndef SL_PIPELINE_PORT_H
#define SL_PIPELINE_PORT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SL_PORT_ABI        1u
#define SL_PORT_BURST      64u
#define SL_PORT_DEVICES    32u
#define SL_PORT_QUEUES     8u
#define SL_PORT_DEVICE_LEN 256u
#define SL_PORT_FRAME_MAX  9728u /* what cards call jumbo, with its tags */

enum sl_port_flag {
    SL_PORT_HEAD_FINE = 1, /* the card has summed up IPv4's header */
    SL_PORT_HEAD_WRONG = 2,
    SL_PORT_UDP_FINE = 4, /* and the datagram */
    SL_PORT_UDP_WRONG = 8,
    SL_PORT_TOO_LONG = 16, /* longer than SL_PORT_FRAME_MAX, and cut there */
};

struct sl_port_frame {
    const uint8_t *data;
    uint32_t len;
    uint8_t flags;
    uint8_t wire_source; /* enum sl_wire_source; NONE: the port says nothing of when it came */
    int64_t wire_ns;
};

struct sl_port_config {
    const char *device; /* a PCI address, or NAME,KEY=VALUE,... of a virtual one */
    uint32_t queue_cnt; /* wanted: 1 to SL_PORT_QUEUES */
    uint32_t mtu;
    uint32_t descriptors; /* of each queue */
    bool promiscuous;
};

enum sl_port_hearing { /* how the port chooses frames to groups */
                       SL_PORT_HEARS_LIST, /* by a filter of their addresses */
                       SL_PORT_HEARS_GROUPS, /* all groups there are */
                       SL_PORT_HEARS_AS_IT_IS, /* it cannot be told: virtual ports hear everything */
                       SL_PORT_HEARS_ALL, /* promiscuous, as it was told */
};

struct sl_port_facts {
    char driver[32];
    uint8_t mac[6];
    uint32_t queue_cnt; /* had */
    uint32_t buffer_cnt; /* of its pool */
    bool of_kernel; /* a virtual cable on this host: checksums may be left to a card that is not there */
    bool stamps, sums, steers;
    bool huge;
};

struct sl_port_counts { /* since it was opened */
    uint64_t missed; /* came when no descriptor was free */
    uint64_t no_buffer; /* more than 0 and rising says that the pool is empty; drivers count attempts, not frames */
    uint64_t errors; /* broken on the cable */
};

struct sl_port_out {
    const uint8_t *data;
    uint32_t len;
};

struct sl_port;

struct sl_port_way {
    uint32_t abi;
    /* devices: all that will be opened. */
    int (*start)(const char *const *devices, uint32_t device_cnt, char *err, size_t err_len);
    int (*open)(struct sl_port **port, const struct sl_port_config *config, char *err, size_t err_len);
    void (*close)(struct sl_port *port);
    struct sl_port_facts (*facts)(const struct sl_port *port);
    bool (*link_up)(struct sl_port *port);
    enum sl_port_hearing (*hear)(struct sl_port *port, const uint8_t (*macs)[6], uint32_t cnt);
    /* Frames to this group come in by this queue from now on.  False: the card cannot. */
    bool (*steer)(struct sl_port *port, const struct in6_addr *group, uint32_t queue);
    /* Before the first burst, by the thread that polls. */
    void (*begin)(struct sl_port *port);
    uint32_t (*burst)(struct sl_port *port, uint32_t queue, struct sl_port_frame frames[SL_PORT_BURST]);
    void (*release)(struct sl_port *port);
    uint32_t (*send)(struct sl_port *port, const struct sl_port_out *out, uint32_t cnt); /* how many it took */
    bool (*sent_all)(struct sl_port *port); /* what was sent has left this host's memory, as far as can be told */
    struct sl_port_counts (*counts)(struct sl_port *port); /* some system calls: not for every poll */
    uint32_t (*buffers_out)(const struct sl_port *port); /* of its pool, in anybody's hands */
};

/* False: more than SL_PORT_DEVICES. */
bool sl_port_expect(const char *device);
/* Loads and starts it, once.  NULL: it is not here, and err says what would help. */
const struct sl_port_way *sl_port_way(char *err, size_t err_len);

/* Of tests: stands in for what would be loaded. */
void sl_port_replace(const struct sl_port_way *way);

/* The name alone, without what stands behind its comma. */
static inline void sl_port_name(char *name, size_t name_len, const char *device)
{
    snprintf(name, name_len, "%.*s", (int)strcspn(device, ","), device);
}

/* "3b:00.0" or "0000:3b:00.0": no virtual device's name has a colon. */
static inline bool sl_port_is_pci(const char *device)
{
    size_t len = strcspn(device, ",");
    return len && strspn(device, "0123456789abcdefABCDEF:.") == len && memchr(device, ':', len);
}

#endif
