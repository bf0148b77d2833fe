#include "pipeline/outlet_port.h"

#include "pipeline/clock.h"
#include "pipeline/datagram.h"
#include "pipeline/igmp.h"
#include "pipeline/port.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_FROM  4000u
#define RETRY_NS   20000000ll
#define PATIENT_NS 200000000ll
#define LINGER_NS  300000000ll
#define LOOK_NS    1000000ll
#define FRAMES_MAX 128u /* of one datagram at the smallest MTU */

struct sl_outlet_port {
    const struct sl_port_way *way;
    struct sl_port *port;
    struct sl_datagram_path path;
    uint32_t id;
    uint8_t *frames; /* FRAMES_MAX of frame_len */
    uint32_t frame_len;
};

/* Who sends where is of no account says so by the addresses of documentation: RFC 5737, RFC 3849. */
static void lay_path(struct sl_outlet_port *port, const struct sl_line_config *line)
{
    static const struct in6_addr none, from4 = {
        .s6_addr = {[10] = 0xff, 0xff, 192, 0, 2, 1}
    };
    static const struct in6_addr from6 = {
        .s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}
    };
    struct sl_datagram_path *path = &port->path;
    bool v6 = line->addr.ss_family == AF_INET6, given = memcmp(&line->port.from, &none, sizeof(none));
    struct sl_port_facts facts = port->way->facts(port->port);
    *path = (struct sl_datagram_path){
        .src = given ? line->port.from
               : v6  ? from6
                     : from4,
        .dst = sl_addr_mapped(&line->addr),
        .src_port = PORT_FROM,
        .dst_port = sl_addr_port(&line->addr),
        .vlan = line->port.vlan,
        .mtu = line->port.mtu,
    };
    memcpy(path->src_mac, facts.mac, 6);
    if (line->multicast)
        sl_group_mac(path->dst_mac, &path->dst);
    else
        memset(path->dst_mac, 0xff, 6); /* who has this address is not asked for */
}

static int wait_a_little(const struct sl_outlet *outlet, int64_t end_ns)
{
    if (*outlet->stop)
        return -ECANCELED;
    if (sl_clock_mono(NULL) >= end_ns)
        return -ETIMEDOUT;
    nanosleep(&(struct timespec){ .tv_nsec = RETRY_NS }, NULL);
    return 0;
}

/* A socket of another process may not be there yet, and nobody may have plugged in at its other end. */
static int plug_in(struct sl_outlet *outlet, int64_t end_ns, char *err, size_t err_len)
{
    struct sl_outlet_port *port = outlet->port;
    struct sl_port_config config = {
        .device = outlet->line.path, .queue_cnt = 1, .mtu = outlet->line.port.mtu, .descriptors = 256
    };
    int rc;
    while ((rc = port->way->open(&port->port, &config, err, err_len)))
        if (wait_a_little(outlet, end_ns))
            return rc;
    while (!port->way->link_up(port->port)) {
        rc = wait_a_little(outlet, end_ns);
        if (rc) {
            snprintf(err, err_len, "%s: nobody at the other end", outlet->line.path);
            return rc;
        }
    }
    port->way->begin(port->port);
    return 0;
}

int sl_outlet_open_port(struct sl_outlet *outlet, int64_t wait_ns, char *err, size_t err_len)
{
    struct sl_outlet_port *port = outlet->port = calloc(1, sizeof(*port));
    if (!port)
        return -ENOMEM;
    /* Not from 1: pieces that a sender left when it died must not be taken for those of the next one. */
    port->id = (uint32_t)(sl_clock_real(NULL) / 1000);
    port->frame_len = outlet->line.port.mtu + SL_DATAGRAM_LINK_MAX;
    port->frames = malloc((size_t)FRAMES_MAX * port->frame_len);
    if (!port->frames)
        return -ENOMEM;
    if (!sl_port_expect(outlet->line.path) || !(port->way = sl_port_way(err, err_len)))
        return -ENOENT;
    int rc = plug_in(outlet, sl_clock_mono(NULL) + wait_ns, err, err_len);
    if (!rc)
        lay_path(port, &outlet->line);
    return rc;
}

int sl_outlet_send_port(struct sl_outlet *outlet, const uint8_t *data, uint32_t len)
{
    struct sl_outlet_port *port = outlet->port;
    struct sl_port_out out[FRAMES_MAX];
    uint32_t cnt = sl_datagram_frames(&port->path, len), sent = 0;
    int64_t end_ns = 0;
    port->id++;
    for (uint32_t i = 0; i < cnt; i++) {
        uint8_t *frame = port->frames + (size_t)i * port->frame_len;
        out[i] = (struct sl_port_out){ frame, sl_datagram_write(&port->path, data, len, port->id, i, frame) };
    }
    while (sent < cnt) {
        uint32_t took = port->way->send(port->port, out + sent, cnt - sent);
        sent += took;
        if (took)
            continue;
        end_ns = end_ns ? end_ns : sl_clock_mono(NULL) + PATIENT_NS;
        if (*outlet->stop || sl_clock_mono(NULL) > end_ns)
            return -EAGAIN;
        sched_yield();
    }
    return 0;
}

/* Whoever closes a virtual cable takes back what the other side has not looked at. */
static void linger(const struct sl_outlet_port *port)
{
    int64_t end_ns = sl_clock_mono(NULL) + LINGER_NS;
    while (!port->way->sent_all(port->port) && port->way->link_up(port->port) && sl_clock_mono(NULL) < end_ns)
        nanosleep(&(struct timespec){ .tv_nsec = LOOK_NS }, NULL);
}

void sl_outlet_close_port(struct sl_outlet *outlet)
{
    struct sl_outlet_port *port = outlet->port;
    if (!port)
        return;
    if (port->port) {
        linger(port);
        port->way->close(port->port);
    }
    free(port->frames);
    free(port);
    outlet->port = NULL;
}
