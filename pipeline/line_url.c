#include "pipeline/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FROM_MAX     (sizeof(((struct sl_line_config *)0)->from) / sizeof(((struct sl_line_config *)0)->from[0]))
#define MAPPED_BITS  96u /* of ::ffff:0:0/96, where IPv4 addresses lie among those of IPv6 */
#define HOST_LEN_MAX 253u /* RFC 1035 2.3.4, without the last dot */

/* What is asked of the kernel for a socket of datagrams: a burst of 2000 full ones while nobody reads. */
#define UDP_RCVBUF (8u << 20)
#define RCVBUF_MIN (4u << 10)
#define RCVBUF_MAX (1u << 30)

#define RECONNECT_MIN_NS     100000000ll
#define RECONNECT_MAX_NS     10000000000ll
#define RECONNECT_LONGEST_NS 3600000000000ll

/* Folders of files. */
#define QUIET_NS        2000000000ll
#define RESCAN_NS       5000000000ll
#define LARGEST         (1ull << 30)
#define KEEP_NS         (7 * 86400000000000ll)
#define KEEP_CNT        100000u
#define KEEP_BYTES      (10ull << 30)
#define KEEP_CNT_MAX    100000000u
#define SIZE_MAX_       (1ull << 50)
#define TIME_MAX_NS     (3650 * 86400000000000ll)
#define PORT_MTU_MAX    9600u
#define PORT_QUEUES_MAX 8u
#define UNFINISHED      ".tmp,.part,.filepart"

/* A URL while it is read.  text is cut into pieces in place. */
struct url {
    struct sl_line_config *line;
    const struct scheme *scheme;
    char text[sizeof(((struct sl_line_config *)0)->url)];
    char *err;
    size_t err_len;
};

/* clang-format off */
static const struct scheme {
    const char *name;
    enum sl_line_kind kind;
    const char *wants; /* after :// */
} schemes[] = {
    { "udp",        SL_LINE_UDP,        "address:port"          },
    { "udp-request", SL_LINE_UDP_REQUEST, "host:port"           },
    { "tcp",        SL_LINE_TCP_DIAL,   "host:port"             },
    { "tcp-listen", SL_LINE_TCP_LISTEN, "address:port or :port" },
    { "spool",      SL_LINE_SPOOL,      "/folder"               },
    { "pcap",       SL_LINE_CAPTURE,    "/file"                 },
    { "dpdk",       SL_LINE_DPDK,       "DEVICE/group:port"     },
};
/* clang-format on */
#define SCHEME_CNT (sizeof(schemes) / sizeof(schemes[0]))

__attribute__((format(printf, 2, 3))) static int refuse(struct url *url, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(url->err, url->err_len, format, args);
    va_end(args);
    return -EINVAL;
}

static int refuse_scheme(struct url *url, const char *name)
{
    const char *names[SCHEME_CNT + 1] = { NULL };
    for (size_t i = 0; i < SCHEME_CNT; i++)
        names[i] = schemes[i].name;
    const char *near = sl_nearest_of(name, names);
    if (near)
        return refuse(url, "'%s' is no kind of line; did you mean %s://?", name, near);
    return refuse(url, "'%s' is no kind of line; one of udp, tcp, tcp-listen, spool, pcap, dpdk is expected", name);
}

/* Gives what stands behind the scheme. */
static int read_scheme(struct url *url, char **rest)
{
    char *end = strstr(url->text, "://");
    if (!end)
        return refuse(url, "'%s' is no line; a URL such as udp://239.1.1.1:5001 is expected", url->text);
    *end = '\0';
    *rest = end + 3;
    for (size_t i = 0; i < SCHEME_CNT; i++)
        if (!strcmp(schemes[i].name, url->text))
            url->scheme = &schemes[i];
    if (!url->scheme)
        return refuse_scheme(url, url->text);
    url->line->kind = url->scheme->kind;
    return 0;
}

/* ---- addresses ---- */

static void set_port(struct sockaddr_storage *addr, uint16_t port)
{
    if (addr->ss_family == AF_INET)
        ((struct sockaddr_in *)addr)->sin_port = htons(port);
    else
        ((struct sockaddr_in6 *)addr)->sin6_port = htons(port);
}

/* inet_pton alone reads addresses: getaddrinfo also takes 010.1 for one, in octal and with parts missing. */
static bool read_numeric(const char *host, struct sockaddr_storage *addr, socklen_t *addr_len)
{
    struct sockaddr_in *in4 = (struct sockaddr_in *)addr;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
    memset(addr, 0, sizeof(*addr));
    if (inet_pton(AF_INET, host, &in4->sin_addr) == 1) {
        addr->ss_family = AF_INET;
        *addr_len = sizeof(*in4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1) {
        addr->ss_family = AF_INET6;
        *addr_len = sizeof(*in6);
        return true;
    }
    return false;
}

static bool is_multicast(const struct sockaddr_storage *addr)
{
    if (addr->ss_family == AF_INET)
        return IN_MULTICAST(ntohl(((const struct sockaddr_in *)addr)->sin_addr.s_addr));
    return IN6_IS_ADDR_MULTICAST(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

/* Letters, digits, hyphens and dots; the last word is no number, or it is a mistyped address. */
static bool is_host_name(const char *host)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    const char *dot = strrchr(host, '.');
    const char *last = dot ? dot + 1 : host;
    size_t len = strlen(host);
    return len && len <= HOST_LEN_MAX && strspn(host, letters) == len && strspn(last, "0123456789") != strlen(last);
}

static int ask_for_host(struct url *url, const char *host)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *found = NULL;
    int rc = getaddrinfo(host, NULL, &hints, &found);
    if (rc || !found || found->ai_addrlen > sizeof(url->line->addr)) {
        if (!rc)
            freeaddrinfo(found);
        return refuse(url, "host '%s' is not known: %s", host, rc ? gai_strerror(rc) : "it has no address");
    }
    memcpy(&url->line->addr, found->ai_addr, found->ai_addrlen);
    url->line->addr_len = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

static int read_host(struct url *url, const char *host)
{
    struct sl_line_config *line = url->line;
    if (!*host && (line->kind == SL_LINE_TCP_DIAL || line->kind == SL_LINE_UDP_REQUEST))
        return refuse(url, "no host; %s is expected after tcp://", url->scheme->wants);
    if (read_numeric(*host ? host : "0.0.0.0", &line->addr, &line->addr_len))
        return 0;
    if ((line->kind != SL_LINE_TCP_DIAL && line->kind != SL_LINE_UDP_REQUEST) || !is_host_name(host))
        return refuse(url, "'%s' is no address; %s is expected after %s://", host, url->scheme->wants,
                      url->scheme->name);
    return ask_for_host(url, host);
}

static int read_port(struct url *url, const char *text)
{
    uint64_t port;
    if (!sl_config_count(text, &port) || port < 1 || port > 65535)
        return refuse(url, "'%s' is no port; 1 to 65535 is expected", text);
    set_port(&url->line->addr, (uint16_t)port);
    return 0;
}

/* "host:port", "[2001:db8::1]:port".  An address of IPv6 without brackets would hide its port. */
static int read_authority(struct url *url, char *text)
{
    char *colon = strrchr(text, ':'), *host = text;
    if (text[strcspn(text, "/@#")])
        return refuse(url, "'%s' has a '%c'; only %s is expected after %s://", text, text[strcspn(text, "/@#")],
                      url->scheme->wants, url->scheme->name);
    if (*text == '[') {
        char *bracket = strchr(text, ']');
        if (!bracket || bracket[1] != ':')
            return refuse(url, "'%s' has no port; [address]:port is expected", text);
        *bracket = '\0';
        colon = bracket + 1;
        host++;
        if (!strchr(host, ':'))
            return refuse(url, "'%s' is no address of IPv6; only those stand in brackets", host);
    } else if (colon && strchr(text, ':') != colon) {
        return refuse(url, "'%s': an address of IPv6 stands in brackets, such as [2001:db8::1]:7901", text);
    }
    if (!colon)
        return refuse(url, "'%s' has no port; %s is expected after %s://", text, url->scheme->wants, url->scheme->name);
    *colon = '\0';
    int rc = read_host(url, host);
    if (!rc)
        rc = read_port(url, colon + 1);
    if (rc)
        return rc;
    url->line->multicast = is_multicast(&url->line->addr);
    if (url->line->multicast && url->line->kind != SL_LINE_UDP && url->line->kind != SL_LINE_DPDK)
        return refuse(url, "%s is a multicast group; those come over udp:// or dpdk://", host);
    return 0;
}

/* ---- keys behind the question mark ---- */

static int refuse_interface(struct url *url, const char *name)
{
    enum { SHOWN = 64 };
    struct if_nameindex *here = if_nameindex();
    const char *names[SHOWN + 1] = { NULL };
    for (size_t i = 0; here && i < SHOWN && here[i].if_name; i++)
        names[i] = here[i].if_name;
    const char *near = sl_nearest_of(name, names);
    int rc = near ? refuse(url, "this host has no interface '%s'; did you mean %s?", name, near)
                  : refuse(url, "this host has no interface '%s'; ip link lists them", name);
    if (here)
        if_freenameindex(here);
    return rc;
}

static int take_interface(struct url *url, char *name)
{
    struct sl_line_config *line = url->line;
    if (!line->multicast)
        return refuse(url, "interface= is for multicast groups; a line with an address of its own binds that");
    if (strlen(name) >= sizeof(line->interface) || !if_nametoindex(name))
        return refuse_interface(url, name);
    snprintf(line->interface, sizeof(line->interface), "%s", name);
    return 0;
}

static int take_source(struct url *url, char *address)
{
    struct sl_line_config *line = url->line;
    socklen_t len;
    if (!line->multicast)
        return refuse(url, "source= is for multicast groups");
    if (!read_numeric(address, &line->source, &len) || is_multicast(&line->source))
        return refuse(url, "source=%s: the sender's address is expected", address);
    if (line->source.ss_family != line->addr.ss_family)
        return refuse(url, "source=%s is not of the group's family", address);
    return 0;
}

static int read_value(struct url *url, const char *key, enum sl_config_unit unit, const char *text, uint64_t min,
                      uint64_t max, uint64_t *value)
{
    char why[128];
    return sl_config_within(unit, text, min, max, value, why, sizeof(why)) ? 0 : refuse(url, "%s: %s", key, why);
}

static int take_rcvbuf(struct url *url, char *text)
{
    uint64_t bytes = 0;
    int rc = read_value(url, "rcvbuf", SL_CONFIG_SIZE, text, RCVBUF_MIN, RCVBUF_MAX, &bytes);
    url->line->rcvbuf = (uint32_t)bytes;
    return rc;
}

static int take_ns(struct url *url, const char *key, const char *text, int64_t min_ns, int64_t *ns)
{
    uint64_t value = 0;
    int rc = read_value(url, key, SL_CONFIG_DURATION, text, (uint64_t)min_ns, TIME_MAX_NS, &value);
    *ns = (int64_t)value;
    return rc;
}

static int take_quiet(struct url *url, char *text)
{
    return take_ns(url, "quiet", text, 0, &url->line->spool.quiet_ns);
}

static int take_rescan(struct url *url, char *text)
{
    return take_ns(url, "rescan", text, 10000000, &url->line->spool.rescan_ns);
}

static int take_keep(struct url *url, char *text)
{
    return take_ns(url, "keep", text, 1000000000, &url->line->spool.keep_ns);
}

static int take_largest(struct url *url, char *text)
{
    return read_value(url, "largest", SL_CONFIG_SIZE, text, 1, SIZE_MAX_, &url->line->spool.largest);
}

static int take_keep_bytes(struct url *url, char *text)
{
    return read_value(url, "keep_bytes", SL_CONFIG_SIZE, text, 1, SIZE_MAX_, &url->line->spool.keep_bytes);
}

static int take_keep_files(struct url *url, char *text)
{
    return read_value(url, "keep_files", SL_CONFIG_COUNT, text, 1, KEEP_CNT_MAX, &url->line->spool.keep_cnt);
}

static int take_folder(struct url *url, const char *key, const char *text, char to[SL_LINE_PATH_LEN])
{
    if (*text != '/')
        return refuse(url, "%s=%s is no path from the root", key, text);
    snprintf(to, SL_LINE_PATH_LEN, "%s", text);
    return 0;
}

static int take_done(struct url *url, char *text) { return take_folder(url, "done", text, url->line->spool.done); }

static int take_rejects(struct url *url, char *text)
{
    return take_folder(url, "rejects", text, url->line->spool.rejects);
}

static int take_unfinished(struct url *url, char *text)
{
    size_t room = sizeof(url->line->spool.unfinished);
    if (strlen(text) >= room)
        return refuse(url, "unfinished: longer than %zu bytes", room - 1);
    strcpy(url->line->spool.unfinished, text);
    return 0;
}

static int read_reconnect(struct url *url, const char *text, int64_t *ns)
{
    char why[128];
    if (!sl_config_within(SL_CONFIG_DURATION, text, 1000000, RECONNECT_LONGEST_NS, (uint64_t *)ns, why, sizeof(why)))
        return refuse(url, "reconnect: %s", why);
    return 0;
}

/* "1s", or "100ms..10s": the pause grows from the first to the second while nobody answers. */
static int take_reconnect(struct url *url, char *text)
{
    struct sl_line_config *line = url->line;
    char *dots = strstr(text, "..");
    if (dots)
        *dots = '\0';
    int rc = read_reconnect(url, text, &line->reconnect_min_ns);
    if (!rc)
        rc = read_reconnect(url, dots ? dots + 2 : text, &line->reconnect_max_ns);
    if (!rc && line->reconnect_min_ns > line->reconnect_max_ns)
        return refuse(url, "reconnect: %s is longer than %s; the shorter pause comes first", text, dots + 2);
    return rc;
}

static bool has_bits_behind(const struct in6_addr *net, unsigned prefix_len)
{
    for (unsigned bit = prefix_len; bit < 128; bit++)
        if (net->s6_addr[bit / 8] & (0x80u >> bit % 8))
            return true;
    return false;
}

static void map_address(const struct sockaddr_storage *addr, struct in6_addr *mapped)
{
    if (addr->ss_family == AF_INET6) {
        *mapped = ((const struct sockaddr_in6 *)addr)->sin6_addr;
        return;
    }
    *mapped = (struct in6_addr){
        .s6_addr = {[10] = 0xff, [11] = 0xff}
    };
    memcpy(&mapped->s6_addr[12], &((const struct sockaddr_in *)addr)->sin_addr, 4);
}

static int take_network(struct url *url, char *text)
{
    struct sl_line_config *line = url->line;
    struct sockaddr_storage addr;
    socklen_t len;
    char *slash = strchr(text, '/');
    if (line->from_cnt == FROM_MAX)
        return refuse(url, "from: more than %zu networks", FROM_MAX);
    if (slash)
        *slash = '\0';
    if (!read_numeric(text, &addr, &len))
        return refuse(url, "from: '%s' is no network; an address such as 192.0.2.0/28 is expected", text);
    uint64_t longest = addr.ss_family == AF_INET ? 32 : 128, prefix_len = longest;
    if (slash && (!sl_config_count(slash + 1, &prefix_len) || prefix_len > longest))
        return refuse(url, "from: '/%s' is no prefix length; 0 to %u is expected", slash + 1, (unsigned)longest);
    if (addr.ss_family == AF_INET)
        prefix_len += MAPPED_BITS;
    map_address(&addr, &line->from[line->from_cnt].net);
    if (has_bits_behind(&line->from[line->from_cnt].net, (unsigned)prefix_len))
        return refuse(url, "from: %s/%s is not the start of a network; bits are set behind its prefix", text,
                      slash + 1);
    line->from[line->from_cnt++].prefix_len = (uint8_t)prefix_len;
    return 0;
}

static int take_ack(struct url *url, char *text)
{
    const char *why = sl_answer_form_read(&url->line->answer, text);
    return why ? refuse(url, "ack: %s", why) : 0;
}

static int take_from(struct url *url, char *list)
{
    for (char *text; (text = strsep(&list, ","));) {
        int rc = take_network(url, text);
        if (rc)
            return rc;
    }
    return 0;
}

/* "192.0.2.10", "192.0.2.10:7901", ":7901", "[2001:db8::1]:7901": who sent a packet, or to whom. */
static int take_end(struct url *url, const char *key, char *text, struct sl_line_end *end)
{
    struct sockaddr_storage addr;
    socklen_t len;
    uint64_t port = 0;
    char *host = text, *colon = strrchr(text, ':');
    if (*text == '[') {
        char *bracket = strchr(text, ']');
        if (!bracket || (bracket[1] && bracket[1] != ':'))
            return refuse(url, "%s=%s: [address] or [address]:port is expected", key, text);
        colon = bracket[1] ? bracket + 1 : NULL;
        *bracket = '\0';
        host++;
    } else if (colon && strchr(text, ':') != colon) {
        colon = NULL; /* IPv6 alone */
    }
    if (colon) {
        *colon = '\0';
        if (!sl_config_count(colon + 1, &port) || port < 1 || port > 65535)
            return refuse(url, "%s: '%s' is no port; 1 to 65535 is expected", key, colon + 1);
    }
    end->port = (uint16_t)port;
    if (!*host && colon)
        return 0;
    if (!read_numeric(host, &addr, &len))
        return refuse(url, "%s: '%s' is no address; one such as 192.0.2.10:7901 is expected", key, host);
    map_address(&addr, &end->addr);
    return 0;
}

static int take_capture_from(struct url *url, char *text)
{
    return take_end(url, "from", text, &url->line->capture.from);
}

static int take_capture_to(struct url *url, char *text) { return take_end(url, "to", text, &url->line->capture.to); }

static int take_speed(struct url *url, char *text)
{
    uint64_t speed = 0;
    if (strcmp(text, "max") && (!sl_config_count(text, &speed) || speed < 1 || speed > 1000000))
        return refuse(url, "speed: '%s' is no speed; 1 to 1000000 times as fast as recorded, or max, is expected",
                      text);
    url->line->capture.speed = (uint32_t)speed;
    return 0;
}

static int take_proto(struct url *url, char *text)
{
    url->line->capture.udp = !strcmp(text, "udp");
    url->line->capture.tcp = !strcmp(text, "tcp");
    if (!url->line->capture.udp && !url->line->capture.tcp)
        return refuse(url, "proto: '%s' is no protocol; udp or tcp is expected", text);
    return 0;
}

static int take_yes(struct url *url, const char *key, const char *text, bool *yes)
{
    *yes = !strcmp(text, "yes");
    return *yes || !strcmp(text, "no") ? 0 : refuse(url, "%s: '%s' is neither yes nor no", key, text);
}

static int take_join(struct url *url, char *text) { return take_yes(url, "join", text, &url->line->port.joins); }

static int take_promiscuous(struct url *url, char *text)
{
    return take_yes(url, "promiscuous", text, &url->line->port.promiscuous);
}

static int take_address(struct url *url, char *text)
{
    struct sockaddr_storage addr;
    socklen_t len;
    if (!read_numeric(text, &addr, &len) || is_multicast(&addr))
        return refuse(url, "address=%s: an address of this host's on that cable is expected", text);
    map_address(&addr, &url->line->port.from);
    return 0;
}

static int take_small(struct url *url, const char *key, const char *text, uint64_t min, uint64_t max, uint32_t *value)
{
    uint64_t number = 0;
    int rc = read_value(url, key, SL_CONFIG_COUNT, text, min, max, &number);
    *value = (uint32_t)number;
    return rc;
}

static int take_vlan(struct url *url, char *text)
{
    uint32_t vlan;
    int rc = take_small(url, "vlan", text, 1, 4094, &vlan);
    url->line->port.vlan = (uint16_t)vlan;
    return rc;
}

static int take_mtu(struct url *url, char *text)
{
    return take_small(url, "mtu", text, 576, PORT_MTU_MAX, &url->line->port.mtu);
}

static int take_descriptors(struct url *url, char *text)
{
    return take_small(url, "descriptors", text, 64, 16384, &url->line->port.descriptors);
}

static int take_queues(struct url *url, char *text)
{
    return take_small(url, "queues", text, 1, PORT_QUEUES_MAX, &url->line->port.queues);
}

#define BIT(kind) (1u << (kind))

/* clang-format off */
static const struct key {
    const char *name;
    unsigned kinds; /* of lines that have it */
    bool repeats;
    int (*take)(struct url *url, char *value);
} keys[] = {
    { "interface", BIT(SL_LINE_UDP),                                                   false, take_interface },
    { "source",    BIT(SL_LINE_UDP) | BIT(SL_LINE_DPDK),                               false, take_source    },
    { "from",      BIT(SL_LINE_TCP_LISTEN),                                            true,  take_from      },
    { "ack",       BIT(SL_LINE_TCP_LISTEN) | BIT(SL_LINE_TCP_DIAL),                    false, take_ack       },
    { "reconnect", BIT(SL_LINE_TCP_DIAL),                                              false, take_reconnect },
    { "rcvbuf",    BIT(SL_LINE_UDP) | BIT(SL_LINE_UDP_REQUEST) | BIT(SL_LINE_TCP_DIAL) | BIT(SL_LINE_TCP_LISTEN),
      false, take_rcvbuf },
    { "speed",      BIT(SL_LINE_CAPTURE), false, take_speed },
    { "from",       BIT(SL_LINE_CAPTURE), false, take_capture_from },
    { "to",         BIT(SL_LINE_CAPTURE), false, take_capture_to },
    { "proto",      BIT(SL_LINE_CAPTURE), false, take_proto },
    { "join",        BIT(SL_LINE_DPDK), false, take_join        },
    { "address",     BIT(SL_LINE_DPDK), false, take_address     },
    { "vlan",        BIT(SL_LINE_DPDK), false, take_vlan        },
    { "mtu",         BIT(SL_LINE_DPDK), false, take_mtu         },
    { "descriptors", BIT(SL_LINE_DPDK), false, take_descriptors },
    { "queues",      BIT(SL_LINE_DPDK), false, take_queues      },
    { "promiscuous", BIT(SL_LINE_DPDK), false, take_promiscuous },
    { "done",       BIT(SL_LINE_SPOOL), false, take_done       },
    { "rejects",    BIT(SL_LINE_SPOOL), false, take_rejects    },
    { "unfinished", BIT(SL_LINE_SPOOL), false, take_unfinished },
    { "quiet",      BIT(SL_LINE_SPOOL), false, take_quiet      },
    { "rescan",     BIT(SL_LINE_SPOOL), false, take_rescan     },
    { "largest",    BIT(SL_LINE_SPOOL), false, take_largest    },
    { "keep",       BIT(SL_LINE_SPOOL), false, take_keep       },
    { "keep_files", BIT(SL_LINE_SPOOL), false, take_keep_files },
    { "keep_bytes", BIT(SL_LINE_SPOOL), false, take_keep_bytes },
};
/* clang-format on */
#define KEY_CNT (sizeof(keys) / sizeof(keys[0]))

static int refuse_key(struct url *url, const char *name)
{
    const char *names[KEY_CNT + 1] = { NULL };
    char list[128] = "";
    size_t cnt = 0;
    for (size_t i = 0; i < KEY_CNT; i++)
        if (keys[i].kinds & BIT(url->line->kind)) {
            snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", cnt ? ", " : "", keys[i].name);
            names[cnt++] = keys[i].name;
        }
    const char *near = sl_nearest_of(name, names);
    if (near)
        return refuse(url, "'%s' is no key of a %s line; did you mean %s?", name, url->scheme->name, near);
    return refuse(url, "'%s' is no key of a %s line; it has %s", name, url->scheme->name, list);
}

static int read_query(struct url *url, char *query)
{
    uint64_t seen = 0;
    for (char *pair; (pair = strsep(&query, "&"));) {
        char *equals = strchr(pair, '='), *value = equals ? equals + 1 : pair;
        if (equals)
            *equals = '\0';
        const struct key *key = NULL;
        for (size_t i = 0; i < KEY_CNT; i++)
            if (!strcmp(keys[i].name, pair) && keys[i].kinds & BIT(url->line->kind))
                key = &keys[i];
        if (!key)
            return refuse_key(url, pair);
        if (!equals || !*value)
            return refuse(url, "%s has no value", key->name);
        if (seen & 1ull << (key - keys) && !key->repeats)
            return refuse(url, "%s is given twice", key->name);
        seen |= 1ull << (key - keys);
        int rc = key->take(url, value);
        if (rc)
            return rc;
    }
    return 0;
}

static int read_path(struct url *url, const char *text)
{
    size_t len = strlen(text);
    if (*text != '/' || len < 2)
        return refuse(url, "'%s' is no path from the root; %s is expected after %s://", text, url->scheme->wants,
                      url->scheme->name);
    while (len > 1 && text[len - 1] == '/')
        len--;
    snprintf(url->line->path, sizeof(url->line->path), "%.*s", (int)len, text);
    return 0;
}

/* "0000:3b:00.0/239.1.1.1:5001", "net_vhost0,iface=/run/x/239.1.1.1:5001": a virtual device's arguments have slashes of
 * their own, so the last one counts. */
static int read_port_and_group(struct url *url, char *text)
{
    char *slash = strrchr(text, '/');
    if (!slash || slash == text)
        return refuse(url, "'%s' has no device; %s is expected after dpdk://", text, url->scheme->wants);
    *slash = '\0';
    snprintf(url->line->path, sizeof(url->line->path), "%s", text);
    url->line->port = (struct sl_line_port){ .joins = true, .mtu = 1500, .descriptors = 1024, .queues = 1 };
    return read_authority(url, slash + 1);
}

static int read_capture(struct url *url, const char *text)
{
    url->line->capture = (struct sl_line_capture){ .speed = 1, .udp = true, .tcp = true };
    return read_path(url, text);
}

/* "/var/spool/wires/afp": what comes behind spool://, and where its files go unless keys say otherwise. */
static int read_folder(struct url *url, const char *text)
{
    struct sl_line_config *line = url->line;
    int rc = read_path(url, text), len = (int)strlen(line->path);
    if (rc)
        return rc;
    if ((size_t)len + sizeof("/rejects") > SL_LINE_PATH_LEN)
        return refuse(url, "longer than a folder's path may be");
    snprintf(line->spool.done, SL_LINE_PATH_LEN, "%.*s/done", len, text);
    snprintf(line->spool.rejects, SL_LINE_PATH_LEN, "%.*s/rejects", len, text);
    strcpy(line->spool.unfinished, UNFINISHED);
    line->spool.quiet_ns = QUIET_NS;
    line->spool.rescan_ns = RESCAN_NS;
    line->spool.largest = LARGEST;
    line->spool.keep_cnt = KEEP_CNT;
    line->spool.keep_bytes = KEEP_BYTES;
    line->spool.keep_ns = KEEP_NS;
    return 0;
}

static bool is_printable(const char *text)
{
    while (*text > ' ' && *text < 0x7f)
        text++;
    return !*text;
}

int sl_config_line(struct sl_line_config *line, const char *text, char *err, size_t err_len)
{
    struct url url = { .line = line, .err = err, .err_len = err_len };
    memset(line, 0, sizeof(*line));
    line->fd = -1;
    if (strlen(text) >= sizeof(url.text))
        return refuse(&url, "longer than %zu bytes", sizeof(url.text) - 1);
    if (!is_printable(text))
        return refuse(&url, "a URL has no blanks, and only ASCII");
    strcpy(url.text, text);
    strcpy(line->url, text);
    char *rest;
    int rc = read_scheme(&url, &rest);
    if (rc)
        return rc;
    line->rcvbuf = sl_line_is_datagram(line) && line->kind != SL_LINE_DPDK ? UDP_RCVBUF : 0;
    if (line->kind == SL_LINE_TCP_DIAL) {
        line->reconnect_min_ns = RECONNECT_MIN_NS;
        line->reconnect_max_ns = RECONNECT_MAX_NS;
    }
    char *authority = strsep(&rest, "?");
    rc = line->kind == SL_LINE_SPOOL     ? read_folder(&url, authority)
         : line->kind == SL_LINE_CAPTURE ? read_capture(&url, authority)
         : line->kind == SL_LINE_DPDK    ? read_port_and_group(&url, authority)
                                         : read_authority(&url, authority);
    return rc || !rest ? rc : read_query(&url, rest);
}
