#include "pipeline/config_file.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REFERENCE SL_SOURCE_ROOT "/deploy/slugline.yaml"
#define FEED      "feeds: [{name: a, lines: [\"udp://127.0.0.1:5001\"]}]\n"

/* This host's names are not the test's business: these take the C library's place. */

int getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict found)
{
    static struct sockaddr_in addr = { .sin_family = AF_INET };
    static struct addrinfo answer = { .ai_family = AF_INET,
                                      .ai_addrlen = sizeof(addr),
                                      .ai_addr = (struct sockaddr *)&addr };
    (void)service;
    (void)hints;
    if (strcmp(host, "wire.example"))
        return EAI_NONAME;
    addr.sin_addr.s_addr = htonl(0xc000020au);
    *found = &answer;
    return 0;
}

void freeaddrinfo(struct addrinfo *found) { (void)found; }

static struct group groups[] = { { .gr_name = "slugline" }, { .gr_name = "slugline-raw" } };
static size_t group_idx;

struct group *getgrnam(const char *name)
{
    for (size_t i = 0; i < 2; i++)
        if (!strcmp(groups[i].gr_name, name))
            return &groups[i];
    return NULL;
}

void setgrent(void) { group_idx = 0; }
struct group *getgrent(void) { return group_idx < 2 ? &groups[group_idx++] : NULL; }
void endgrent(void) {}

static char err[512];

static int parse(struct sl_config *config, const char *yaml)
{
    err[0] = '\0';
    return sl_config_parse(config, "f", yaml, strlen(yaml), err, sizeof(err));
}

static void expect_refused(const char *yaml, const char *want)
{
    struct sl_config config;
    int rc = parse(&config, yaml);
    cr_expect_eq(rc, -EINVAL, "accepted:\n%s", yaml);
    cr_expect_str_eq(err, want, "of:\n%s\nsaid %s\nwant %s", yaml, err, want);
    if (!rc)
        sl_config_free(&config);
}

/* clang-format off */

/* ---- units ---- */

static const struct size_case {
    const char *text;
    bool right;
    uint64_t bytes;
} sizes[] = {
    { "0B", true, 0 },
    { "1B", true, 1 },
    { "64KiB", true, 64 << 10 },
    { "64MiB", true, 64 << 20 },
    { "10GiB", true, 10ull << 30 },
    { "8388607TiB", true, 8388607ull << 40 },
    { "8388608TiB", false, 0 }, /* 2^63 */
    { "99999999999999999999B", false, 0 },
    { "18446744073709551616B", false, 0 }, /* 2^64 */
    { "64", false, 0 },
    { "010", false, 0 },
    { "010MiB", false, 0 },
    { "64MB", false, 0 },
    { "64M", false, 0 },
    { "64mib", false, 0 },
    { "64 MiB", false, 0 },
    { " 64MiB", false, 0 },
    { "64MiB ", false, 0 },
    { "1.5MiB", false, 0 },
    { "+1MiB", false, 0 },
    { "-1MiB", false, 0 },
    { "0x10B", false, 0 },
    { "1e3B", false, 0 },
    { "5ms", false, 0 },
    { "MiB", false, 0 },
    { "", false, 0 },
};

Test(config, sizes_are_whole_numbers_with_binary_units)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint64_t bytes = 0;
        bool right = sl_config_size(sizes[i].text, &bytes);
        cr_expect_eq(right, sizes[i].right, "'%s'", sizes[i].text);
        if (right)
            cr_expect_eq(bytes, sizes[i].bytes, "'%s' read as %llu", sizes[i].text, (unsigned long long)bytes);
    }
}

static const struct duration_case {
    const char *text;
    bool right;
    int64_t ns;
} durations[] = {
    { "0ns", true, 0 },
    { "5ns", true, 5 },
    { "50us", true, 50000 },
    { "5ms", true, 5000000 },
    { "2s", true, 2000000000 },
    { "5m", true, 300000000000 },
    { "1h", true, 3600000000000 },
    { "7d", true, 604800000000000 },
    { "106751d", true, 106751 * 86400000000000ll },
    { "106752d", false, 0 }, /* over 2^63 ns */
    { "0", false, 0 },
    { "5", false, 0 },
    { "010", false, 0 },
    { "05ms", false, 0 },
    { "5 ms", false, 0 },
    { "5MS", false, 0 },
    { "5min", false, 0 },
    { "5sec", false, 0 },
    { "1w", false, 0 },
    { "-5ms", false, 0 },
    { "0.5s", false, 0 },
    { "1,5s", false, 0 },
    { "1m30s", false, 0 },
    { "64MiB", false, 0 },
    { "ms", false, 0 },
    { "", false, 0 },
};

Test(config, durations_are_whole_numbers_with_units)
{
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        int64_t ns = 0;
        bool right = sl_config_duration(durations[i].text, &ns);
        cr_expect_eq(right, durations[i].right, "'%s'", durations[i].text);
        if (right)
            cr_expect_eq(ns, durations[i].ns, "'%s' read as %lld", durations[i].text, (long long)ns);
    }
}

static const struct explain_case {
    enum sl_config_unit unit;
    const char *text, *want;
} explanations[] = {
    { SL_CONFIG_SIZE, "64", "'64' has no unit; add one of B, KiB, MiB, GiB, TiB" },
    { SL_CONFIG_SIZE, "64MB", "'64MB' is no size; did you mean 64MiB?" },
    { SL_CONFIG_SIZE, "64mib", "'64mib' is no size; did you mean 64MiB?" },
    { SL_CONFIG_SIZE, "64 bytes", "'64 bytes' is no size; its unit must be one of B, KiB, MiB, GiB, TiB" },
    { SL_CONFIG_SIZE, "010MiB", "'010MiB' starts with 0, which some read as octal; a size is written like 64MiB" },
    { SL_CONFIG_SIZE, "big", "'big' is no size; a whole number with its unit is expected, such as 64MiB" },
    { SL_CONFIG_SIZE, "9999999999999999TiB", "'9999999999999999TiB' is more than a size can be" },
    { SL_CONFIG_DURATION, "1.5s", "'1.5s' is no whole number; take a smaller unit" },
    { SL_CONFIG_DURATION, "5", "'5' has no unit; add one of ns, us, ms, s, m, h, d" },
    { SL_CONFIG_DURATION, "5MS", "'5MS' is no duration; did you mean 5ms?" },
    { SL_CONFIG_COUNT, "12k", "'12k' is no count; a whole number without a unit is expected, such as 4096" },
    { SL_CONFIG_COUNT, "010", "'010' starts with 0, which some read as octal; a count is written like 4096" },
};

Test(config, a_wrong_unit_is_explained)
{
    for (size_t i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++) {
        char why[192];
        sl_config_explain(why, sizeof(why), explanations[i].unit, explanations[i].text);
        cr_expect_str_eq(why, explanations[i].want);
    }
}

Test(config, a_value_is_written_as_it_is_read)
{
    static const char *const texts[] = { "0B", "1B", "1023B", "64KiB", "64MiB", "3TiB" };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        uint64_t bytes = 0;
        cr_assert(sl_config_size(texts[i], &bytes));
        cr_expect_str_eq(sl_config_written(SL_CONFIG_SIZE, bytes).text, texts[i]);
    }
    cr_expect_str_eq(sl_config_written(SL_CONFIG_DURATION, 90000000000).text, "90s");
    cr_expect_str_eq(sl_config_written(SL_CONFIG_DURATION, 300000000000).text, "5m");
    cr_expect_str_eq(sl_config_written(SL_CONFIG_COUNT, 4096).text, "4096");
}

Test(config, the_nearest_word_is_a_slip_away_and_no_more)
{
    static const char *const words[] = { "iptc7901", "text", "auto", NULL };
    cr_expect_str_eq(sl_nearest_of("iptc7091", words), "iptc7901");
    cr_expect_str_eq(sl_nearest_of("IPTC7901", words), "iptc7901");
    cr_expect_str_eq(sl_nearest_of("iptc7901x", words), "iptc7901");
    cr_expect_str_eq(sl_nearest_of("tetx", words), "text");
    cr_expect_null(sl_nearest_of("newsml", words));
    cr_expect_null(sl_nearest_of("x", words));
    cr_expect_null(sl_nearest_of("", words));
    char endless[4096];
    memset(endless, 'a', sizeof(endless) - 1);
    endless[sizeof(endless) - 1] = '\0';
    cr_expect_null(sl_nearest_of(endless, words));
}

/* ---- lines ---- */

static struct sl_line_config read_line(const char *url)
{
    struct sl_line_config line;
    cr_assert_eq(sl_config_line(&line, url, err, sizeof(err)), 0, "%s: %s", url, err);
    cr_expect_str_eq(line.url, url);
    cr_expect_eq(line.fd, -1);
    return line;
}

static void expect_addr(const struct sockaddr_storage *addr, const char *want, unsigned port)
{
    char text[INET6_ADDRSTRLEN];
    const struct sockaddr_in *in4 = (const void *)addr;
    const struct sockaddr_in6 *in6 = (const void *)addr;
    bool is4 = addr->ss_family == AF_INET;
    cr_expect_str_eq(
        inet_ntop(addr->ss_family, is4 ? (const void *)&in4->sin_addr : &in6->sin6_addr, text, sizeof(text)), want);
    cr_expect_eq(ntohs(is4 ? in4->sin_port : in6->sin6_port), port);
}

Test(config, udp_lines_are_read)
{
    struct sl_line_config line = read_line("udp://127.0.0.1:5001");
    cr_expect_eq(line.kind, SL_LINE_UDP);
    cr_expect_not(line.multicast);
    cr_expect_eq(line.rcvbuf, 8u << 20);
    cr_expect_eq(line.source.ss_family, 0);
    expect_addr(&line.addr, "127.0.0.1", 5001);

    line = read_line("udp://239.9.9.9:9999?interface=lo&source=192.0.2.7&rcvbuf=4MiB");
    cr_expect(line.multicast);
    cr_expect_str_eq(line.interface, "lo");
    cr_expect_eq(line.rcvbuf, 4u << 20);
    expect_addr(&line.addr, "239.9.9.9", 9999);
    expect_addr(&line.source, "192.0.2.7", 0);

    line = read_line("udp://[ff02::1:3]:5355");
    cr_expect(line.multicast);
    cr_expect_eq(line.addr_len, sizeof(struct sockaddr_in6));
    expect_addr(&line.addr, "ff02::1:3", 5355);

    line = read_line("udp://:1");
    expect_addr(&line.addr, "0.0.0.0", 1);
}

Test(config, tcp_lines_are_read)
{
    struct sl_line_config line = read_line("tcp://wire.example:7901");
    cr_expect_eq(line.kind, SL_LINE_TCP_DIAL);
    cr_expect_eq(line.rcvbuf, 0);
    cr_expect_eq(line.reconnect_min_ns, 100000000);
    cr_expect_eq(line.reconnect_max_ns, 10000000000);
    expect_addr(&line.addr, "192.0.2.10", 7901);

    line = read_line("tcp://[2001:db8::1]:65535?reconnect=1s");
    cr_expect_eq(line.reconnect_min_ns, 1000000000);
    cr_expect_eq(line.reconnect_max_ns, 1000000000);
    expect_addr(&line.addr, "2001:db8::1", 65535);

    line = read_line("tcp://127.0.0.1:1?reconnect=5ms..2s&rcvbuf=64KiB");
    cr_expect_eq(line.reconnect_min_ns, 5000000);
    cr_expect_eq(line.reconnect_max_ns, 2000000000);
    cr_expect_eq(line.rcvbuf, 64u << 10);
}

Test(config, listening_lines_say_who_may_connect)
{
    struct sl_line_config line = read_line("tcp-listen://:20000");
    cr_expect_eq(line.kind, SL_LINE_TCP_LISTEN);
    cr_expect_eq(line.from_cnt, 0);
    expect_addr(&line.addr, "0.0.0.0", 20000);

    line = read_line("tcp-listen://[::]:20000?from=192.0.2.16/28,198.51.100.7&from=2001:db8::/32&from=0.0.0.0/0");
    static const struct {
        const char *net;
        unsigned prefix_len;
    } from[] = {
        { "::ffff:192.0.2.16", 124 },
        { "::ffff:198.51.100.7", 128 },
        { "2001:db8::", 32 },
        { "::ffff:0.0.0.0", 96 },
    };
    cr_assert_eq(line.from_cnt, 4);
    for (size_t i = 0; i < 4; i++) {
        char text[INET6_ADDRSTRLEN];
        cr_expect_str_eq(inet_ntop(AF_INET6, &line.from[i].net, text, sizeof(text)), from[i].net);
        cr_expect_eq(line.from[i].prefix_len, from[i].prefix_len);
    }
}

static const struct line_case {
    const char *url, *want;
} bad_lines[] = {
    { "", "'' is no line; a URL such as udp://239.1.1.1:5001 is expected" },
    { "127.0.0.1:5001", "'127.0.0.1:5001' is no line; a URL such as udp://239.1.1.1:5001 is expected" },
    { "udq://127.0.0.1:5001", "'udq' is no kind of line; did you mean udp://?" },
    { "tcp_listen://:1", "'tcp_listen' is no kind of line; did you mean tcp-listen://?" },
    { "serial:///dev/ttyS0", "'serial' is no kind of line; one of udp, tcp, tcp-listen, spool, pcap, dpdk is expected" },
    { "spool://var/spool", "'var/spool' is no path from the root; /folder is expected after spool://" },
    { "pcap://capture", "'capture' is no path from the root; /file is expected after pcap://" },
    { "pcap:///c?speed=0", "speed: '0' is no speed; 1 to 1000000 times as fast as recorded, or max, is expected" },
    { "pcap:///c?proto=sctp", "proto: 'sctp' is no protocol; udp or tcp is expected" },
    { "pcap:///c?to=example:5001", "to: 'example' is no address; one such as 192.0.2.10:7901 is expected" },
    { "pcap:///c?from=192.0.2.1:0", "from: '0' is no port; 1 to 65535 is expected" },
    { "pcap:///c?from=[::1", "from=[::1: [address] or [address]:port is expected" },
    { "spool:///", "'/' is no path from the root; /folder is expected after spool://" },
    { "spool:///in?quite=1s", "'quite' is no key of a spool line; did you mean quiet?" },
    { "spool:///in?done=away", "done=away is no path from the root" },
    { "spool:///in?rescan=1ms", "rescan: 1ms is out of bounds; 10ms to 3650d is expected" },
    { "spool:///in?keep_files=0", "keep_files: 0 is out of bounds; 1 to 100000000 is expected" },
    { "spool:///in?largest=1", "largest: '1' has no unit; add one of B, KiB, MiB, GiB, TiB" },
    { "udp://127.0.0.1", "'127.0.0.1' has no port; address:port is expected after udp://" },
    { "udp://127.0.0.1:", "'' is no port; 1 to 65535 is expected" },
    { "udp://127.0.0.1:0", "'0' is no port; 1 to 65535 is expected" },
    { "udp://127.0.0.1:65536", "'65536' is no port; 1 to 65535 is expected" },
    { "udp://127.0.0.1:010", "'010' is no port; 1 to 65535 is expected" },
    { "udp://127.0.0.1:5001/x", "'127.0.0.1:5001/x' has a '/'; only address:port is expected after udp://" },
    { "tcp://me@wire.example:1", "'me@wire.example:1' has a '@'; only host:port is expected after tcp://" },
    { "udp://wire.example:5001", "'wire.example' is no address; address:port is expected after udp://" },
    { "tcp://127.1:1", "'127.1' is no address; host:port is expected after tcp://" },
    { "tcp://010.0.0.1:1", "'010.0.0.1' is no address; host:port is expected after tcp://" },
    { "tcp://1.2.3.400:1", "'1.2.3.400' is no address; host:port is expected after tcp://" },
    { "tcp://:7901", "no host; host:port is expected after tcp://" },
    { "tcp://nowhere.example:1", "host 'nowhere.example' is not known: Name or service not known" },
    { "tcp://239.1.1.1:1", "239.1.1.1 is a multicast group; those come over udp:// or dpdk://" },
    { "dpdk://239.1.1.1:5001", "'239.1.1.1:5001' has no device; DEVICE/group:port is expected after dpdk://" },
    { "dpdk://net_null0/239.1.1.1", "'239.1.1.1' has no port; DEVICE/group:port is expected after dpdk://" },
    { "dpdk://net_null0/239.1.1.1:1?mtu=100000", "mtu: 100000 is out of bounds; 576 to 9600 is expected" },
    { "dpdk://net_null0/239.1.1.1:1?join=maybe", "join: 'maybe' is neither yes nor no" },
    { "dpdk://net_null0/239.1.1.1:1?vlan=4095", "vlan: 4095 is out of bounds; 1 to 4094 is expected" },
    { "dpdk://net_null0/239.1.1.1:1?rcvbuf=1MiB", "'rcvbuf' is no key of a dpdk line; it has source, join, address, vlan, mtu, descriptors, queues, promiscuous" },
    { "tcp://2001:db8::1:7901",
      "'2001:db8::1:7901': an address of IPv6 stands in brackets, such as [2001:db8::1]:7901" },
    { "tcp://[2001:db8::1]", "'[2001:db8::1]' has no port; [address]:port is expected" },
    { "tcp://[192.0.2.1]:1", "'192.0.2.1' is no address of IPv6; only those stand in brackets" },
    { "udp://239.1.1.1:1?sorce=192.0.2.1", "'sorce' is no key of a udp line; did you mean source?" },
    { "udp://239.1.1.1:1?from=192.0.2.1", "'from' is no key of a udp line; it has interface, source, rcvbuf" },
    { "tcp-listen://:1?ack=echo:220", "ack: echo: 1 to 64 bytes are expected" },
    { "tcp://127.0.0.1:1?ack={ids}",
      "ack: no such field; {id}, {number}, {service} or {echo:N} is expected" },
    { "tcp-listen://:1?reconnect=1s", "'reconnect' is no key of a tcp-listen line; it has from, ack, rcvbuf" },
    { "udp://239.1.1.1:1?", "'' is no key of a udp line; it has interface, source, rcvbuf" },
    { "udp://239.1.1.1:1?source", "source has no value" },
    { "udp://239.1.1.1:1?source=", "source has no value" },
    { "udp://239.1.1.1:1?rcvbuf=1MiB&rcvbuf=1MiB", "rcvbuf is given twice" },
    { "udp://239.1.1.1:1?rcvbuf=64MB", "rcvbuf: '64MB' is no size; did you mean 64MiB?" },
    { "udp://239.1.1.1:1?rcvbuf=1B", "rcvbuf: 1B is out of bounds; 4KiB to 1GiB is expected" },
    { "udp://239.1.1.1:1?interface=no-such", "this host has no interface 'no-such'; ip link lists them" },
    { "udp://239.1.1.1:1?interface=l0", "this host has no interface 'l0'; did you mean lo?" },
    { "udp://127.0.0.1:1?interface=lo",
      "interface= is for multicast groups; a line with an address of its own binds that" },
    { "udp://127.0.0.1:1?source=192.0.2.1", "source= is for multicast groups" },
    { "udp://239.1.1.1:1?source=239.1.1.2", "source=239.1.1.2: the sender's address is expected" },
    { "udp://239.1.1.1:1?source=::1", "source=::1 is not of the group's family" },
    { "tcp://127.0.0.1:1?reconnect=1", "reconnect: '1' has no unit; add one of ns, us, ms, s, m, h, d" },
    { "tcp://127.0.0.1:1?reconnect=1us", "reconnect: 1us is out of bounds; 1ms to 1h is expected" },
    { "tcp://127.0.0.1:1?reconnect=2s..1s", "reconnect: 2s is longer than 1s; the shorter pause comes first" },
    { "tcp-listen://:1?from=example", "from: 'example' is no network; an address such as 192.0.2.0/28 is expected" },
    { "tcp-listen://:1?from=192.0.2.0/33", "from: '/33' is no prefix length; 0 to 32 is expected" },
    { "tcp-listen://:1?from=192.0.2.0/", "from: '/' is no prefix length; 0 to 32 is expected" },
    { "tcp-listen://:1?from=192.0.2.1/28",
      "from: 192.0.2.1/28 is not the start of a network; bits are set behind its prefix" },
    { "tcp-listen://:1?from=1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9",
      "from: more than 8 networks" },
    { "udp://127.0.0.1:1 ", "a URL has no blanks, and only ASCII" },
    { "udp://127.0.0.1:1\xc3\xa9", "a URL has no blanks, and only ASCII" },
};

Test(config, a_wrong_line_is_refused_with_what_was_expected)
{
    for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
        struct sl_line_config line;
        cr_expect_eq(sl_config_line(&line, bad_lines[i].url, err, sizeof(err)), -EINVAL, "accepted %s",
                     bad_lines[i].url);
        cr_expect_str_eq(err, bad_lines[i].want, "%s\nsaid %s\nwant %s", bad_lines[i].url, err, bad_lines[i].want);
    }
    char url[300] = "udp://";
    memset(url + 6, '1', sizeof(url) - 7);
    struct sl_line_config line;
    cr_expect_eq(sl_config_line(&line, url, err, sizeof(err)), -EINVAL);
    cr_expect_str_eq(err, "longer than 255 bytes");
}

/* ---- whole files ---- */

static const struct file_case {
    const char *yaml, *want;
} bad_files[] = {
    /* YAML itself */
    { "", "f:1:1: nothing is written here; feeds is expected at least" },
    { "# only words\n", "f:2:1: nothing is written here; feeds is expected at least" },
    { "feeds: [\n", "f:2:1: not YAML: did not find expected node content" },
    { "node: 'a\n", "f:2:1: not YAML: found unexpected end of stream" },
    { "node: a\n\tidle: 5ms\n", "f:2:1: not YAML: found a tab character that violates indentation" },
    { "node: \xff\n", "f:1:1: not YAML: invalid leading UTF-8 octet" },
    { "text\n", "f:1:1: keys with values are expected here, not 'text'" },
    { "- node\n", "f:1:1: keys with values are expected here, not a list" },
    { "--- {node: a}\n--- {node: b}\n", "f:2:1: a second document starts here; only one is read" },
    { "node: &x a\n", "f:1:7: node: anchors (&x) are not read here" },
    { "node: *x\n", "f:1:7: node: aliases (*x) are not read here" },
    { "node: !!str a\n", "f:1:7: node: tags (tag:yaml.org,2002:str) are not read here" },
    { "&x node: a\n", "f:1:1: anchors (&x) are not read here" },
    { "? [a]\n: b\n", "f:1:3: a key is one word" },
    { "<<: {node: a}\n",
      "f:1:1: '<<' is no key here; one of node, threads, idle, receive, heavy, profiles, rings, tape, journal, feeds, "
      "sinks is expected" },
    { "node: \"a\\0b\"\n", "f:1:7: node: has a control character" },
    { "\"no\\0de\": a\n", "f:1:1: a key has a control character" },
    { "feeds: [[[[[[[[[[[[[[[[", "f:1:9: feeds[0]: keys with values are expected here, not a list" },
    { "tape: {size: {size: {size: 1}}}", "f:1:14: tape.size: one value is expected here, not keys with values" },
    /* keys */
    { "nod: a\n", "f:1:1: 'nod' is no key here; did you mean node?" },
    { "node: a\nnode: b\n", "f:2:1: key 'node' comes here for the second time" },
    { "journal: {keep: 1d}\n",
      "f:1:10: journal: no directory; where the journal is to lie is expected, such as /var/lib/slugline" },
    { "journal: {directory: var}\n",
      "f:1:22: journal.directory: 'var' is no path from the root, such as /var/lib/slugline" },
    { "journal: {directory: /j, sync: nevr}\n",
      "f:1:32: journal.sync: 'nevr' is not understood; did you mean never?" },
    { "journal: {directory: /j, segment: 3MiB}\n",
      "f:1:35: journal.segment: 3MiB is no power of two; the next one is 4MiB" },
    { "outlets: []\n",
      "f:1:1: 'outlets' is no key here; one of node, threads, idle, receive, heavy, profiles, rings, tape, journal, feeds, "
      "sinks is expected" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: exce, command: x}]\n",
      "f:2:25: sinks[0].type: 'exce' is no type of sink; did you mean exec?" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: exec}]\n",
      "f:2:9: sinks[0].command: is missing; type exec needs one, such as /usr/local/bin/alert" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: exec, command: x, file: y}]\n",
      "f:2:49: sinks[0].file: means nothing to type exec" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: files, directory: /a, file: ../b}]\n",
      "f:2:53: sinks[0].file: '../b' leads out of the directory, or hides its files" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: exec, command: x, where: urgncy}]\n",
      "f:2:50: sinks[0].where: at byte 1 of it: 'urgncy' is no field; did you mean urgency?" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: exec, command: x}, {name: a, type: exec, command: y}]\n",
      "f:2:51: sinks[1].name: 'a' is the name of sinks[0] already" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: multicast}]\n",
      "f:2:9: sinks[0].group: is missing; type multicast needs one, such as 239.255.7.1:7010?interface=eth1" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: multicast, group: \"127.0.0.1:5\"}]\n",
      "f:2:43: sinks[0].group: '127.0.0.1:5' is no multicast group" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: multicast, group: \"239.1.1.1\"}]\n",
      "f:2:43: sinks[0].group: '239.1.1.1' has no port; address:port is expected after udp://" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: multicast, group: \"239.1.1.1:5\", session: lower}]\n",
      "f:2:67: sinks[0].session: 'lower' is no beginning of a session's name; 1 to 3 of A-Z and 0-9 are expected" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: multicast, group: \"239.1.1.1:5\", session: LONG}]\n",
      "f:2:67: sinks[0].session: 'LONG' is no beginning of a session's name; 1 to 3 of A-Z and 0-9 are expected" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: multicast, group: \"239.1.1.1:5\", policy: spill}]\n",
      "f:2:66: sinks[0].policy: means nothing to type multicast" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: multicast, group: \"239.1.1.1:5\", ttl: 256}]\n",
      "f:2:63: sinks[0].ttl: 256 is out of bounds; 0 to 255 is expected" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: multicast, group: \"239.1.1.1:5\", requests: \"239.1.1.1:5\"}]\n",
      "f:2:68: sinks[0].requests: 239.1.1.1 is a multicast group; those come over udp:// or dpdk://" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}]\nsinks: [{name: a, type: files, directory: /a, shape: binary}]\n",
      "f:2:54: sinks[0].shape: binary means nothing to type files" },
    { "tape:\n  siez: 1MiB\n", "f:2:3: tape: 'siez' is no key here; did you mean size?" },
    { "feeds:\n  - name: a\n    zone: UTC\n",
      "f:3:5: feeds[0]: 'zone' is no key here; one of name, format, framing, lines, timezone, charset, provider, profile, language, message, reorder, park, join, message_time, silence is expected" },
    { "node:\n", "f:1:6: node: has no value; leave the key out for its default" },
    { "node: ~\n", "f:1:7: node: has no value; leave the key out for its default" },
    { "node: \"\"\n", "f:1:7: node: has no value; leave the key out for its default" },
    { "node: [a]\n", "f:1:7: node: one value is expected here, not a list" },
    { "tape: 256MiB\n", "f:1:7: tape: keys with values are expected here, not '256MiB'" },
    { "feeds: dpa\n", "f:1:8: feeds: a list is expected here, such as [dpa]" },
    { "feeds: {name: dpa}\n", "f:1:8: feeds: a list is expected here, not keys with values" },
    { "feeds: [dpa]\n", "f:1:9: feeds[0]: keys with values are expected here, not 'dpa'" },
    { "node: a\n", "f:1:1: feeds: at least one is expected" },
    { "feeds: []\n", "f:1:8: feeds: at least one is expected" },
    /* values */
    { "node: \"a\\\"b\"\n" FEED,
      "f:1:7: node: 'a\"b' is no name of a node; up to 63 printable letters of ASCII are expected" },
    { "idle: 5\n" FEED, "f:1:7: idle: '5' has no unit; add one of ns, us, ms, s, m, h, d; or spin" },
    { "idle: 2s\n" FEED, "f:1:7: idle: 2s is out of bounds; 0ns to 1s is expected" },
    { "idle: spni\n" FEED, "f:1:7: idle: 'spni' is not understood; did you mean spin?" },
    { "receive: iouring\n" FEED, "f:1:10: receive: 'iouring' is no way to receive; did you mean uring?" },
    { "receive: dpdk\n" FEED, "f:1:10: receive: 'dpdk' is no way to receive; one of auto, uring, epoll is expected" },
    { "heavy: 64\n" FEED, "f:1:8: heavy: '64' has no unit; add one of B, KiB, MiB, GiB, TiB" },
    { "heavy: 010\n" FEED,
      "f:1:8: heavy: '010' starts with 0, which some read as octal; a size is written like 64MiB" },
    { "heavy: 5ms\n" FEED, "f:1:8: heavy: '5ms' is no size; its unit must be one of B, KiB, MiB, GiB, TiB" },
    { "heavy: 1KiB\n" FEED, "f:1:8: heavy: 1KiB is out of bounds; 4KiB to 64MiB is expected" },
    { "rings: {message: 3MiB}\n" FEED, "f:1:18: rings.message: 3MiB is no power of two; the next one is 4MiB" },
    { "tape: {size: 200MiB}\n" FEED, "f:1:14: tape.size: 200MiB is no power of two; the next one is 256MiB" },
    { "tape: {size: 64MB}\n" FEED, "f:1:14: tape.size: '64MB' is no size; did you mean 64MiB?" },
    { "tape: {size: 4MiB}\n" FEED,
      "f:1:14: tape.size: 4MiB is too small for what a message of 1MiB may say; at least 16MiB is expected" },
    { "tape: {raw: 4MiB}\n" FEED,
      "f:1:13: tape.raw: 4MiB is too small for what a message of 1MiB may say; at least 16MiB is expected, or none" },
    { "tape: {raw: nnoe}\n" FEED, "f:1:13: tape.raw: 'nnoe' is not understood; did you mean none?" },
    { "tape: {name: News Wire}\n" FEED,
      "f:1:14: tape.name: 'News Wire' is no name; 1 to 31 of a-z, 0-9, - and _ are expected" },
    { "tape: {window: 1MiB}\n" FEED,
      "f:1:16: tape.window: '1MiB' is no count; a whole number without a unit is expected, such as 4096" },
    { "tape: {window: 10}\n" FEED, "f:1:16: tape.window: 10 is out of bounds; 1024 to 268435456 is expected" },
    { "tape: {gate: 5}\n" FEED, "f:1:14: tape.gate: '5' has no unit; add one of ns, us, ms, s, m, h, d" },
    { "tape: {socket: a.sock}\n" FEED,
      "f:1:16: tape.socket: 'a.sock' is no path from the root, such as /run/slugline/newswire.sock" },
    { "tape: {group: sluglien}\n" FEED,
      "f:1:15: tape.group: this host has no group 'sluglien'; did you mean slugline?" },
    { "tape: {raw_group: root}\n" FEED, "f:1:19: tape.raw_group: this host has no group 'root'; groupadd makes one" },
    /* threads */
    { "threads: atuo\n" FEED, "f:1:10: threads: 'atuo' is neither auto nor a list of threads" },
    { "threads: []\n" FEED, "f:1:10: threads: at least one is expected" },
    { "threads: [{core: 2}]\n" FEED,
      "f:1:11: threads[0]: no stages; at least one of rx, decode, desk, waker is expected" },
    { "threads: [{stages: [rx, decod]}]\n" FEED,
      "f:1:25: threads[0].stages[1]: 'decod' is no stage; did you mean decode?" },
    { "threads: [{stages: [rx, rx]}]\n" FEED, "f:1:25: threads[0].stages[1]: rx is a stage of this one already" },
    { "threads: [{stages: [rx, decode]}]\n" FEED, "f:1:10: threads: 0 threads with desk; exactly one makes the order" },
    { "threads: [{stages: [rx, decode, desk]}, {stages: [desk]}]\n" FEED,
      "f:1:10: threads: 2 threads with desk; exactly one makes the order" },
    { "threads: [{stages: [rx, desk]}]\n" FEED, "f:1:10: threads: no decode serves receive thread 0" },
    { "threads: [{core: 1024, stages: [rx, decode, desk]}]\n" FEED,
      "f:1:18: threads[0].core: 1024 is out of bounds; 0 to 1023 is expected" },
    { "threads: [{core: -1, stages: [rx, decode, desk]}]\n" FEED,
      "f:1:18: threads[0].core: '-1' is no count; a whole number is expected, such as 4096" },
    { "threads: [{core: 010, stages: [rx, decode, desk]}]\n" FEED,
      "f:1:18: threads[0].core: '010' starts with 0, which some read as octal; a count is written like 4096" },
    { "threads: [{stages: [rx, decode, desk], for: 1}]\n" FEED,
      "f:1:45: threads[0].for: 1 is out of bounds; 0 to 0 is expected" },
    { "threads: [{stages: [rx, decode]}, {stages: [desk], for: 0}]\n" FEED,
      "f:1:35: threads[1]: 'for' and 'heavy' are about decode, which is no stage of this thread" },
    { "threads: [{stages: [rx, decode]}, {stages: [rx, decode]}, {stages: [desk]}, {stages: [decode]}]\n" FEED,
      "f:1:77: threads[3]: no for; there are 2 receive threads, and it says from 0 which one this decode serves" },
    { "threads: [{stages: [rx, decode, desk]}, {stages: [decode], heavy: yes}]\n" FEED,
      "f:1:67: threads[1].heavy: 'yes' is no answer; one of false, true is expected" },
    { "heavy: 1MiB\nthreads: [{stages: [rx, decode, desk]}, {stages: [decode], heavy: true}]\n" FEED,
      "f:2:67: threads[1].heavy: no feed has messages over 1MiB, so this thread would never work; leave it out, or lower the file's heavy" },
    { "threads: [{stages: [rx, decode, desk]}, {stages: [decode], heavy: true}, {stages: [decode], heavy: true}]\n" FEED,
      "f:1:10: threads: 2 heavy decodes serve receive thread 0; one at most" },
    /* feeds */
    { "feeds: [{lines: [\"udp://127.0.0.1:1\"]}]\n", "f:1:9: feeds[0].name: is missing" },
    { "feeds: [{name: a}]\n", "f:1:9: feeds[0].lines: at least one is expected, such as udp://239.1.1.1:5001" },
    { "feeds: [{name: a, lines: []}]\n",
      "f:1:26: feeds[0].lines: at least one is expected, such as udp://239.1.1.1:5001" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:0\"]}]\n",
      "f:1:27: feeds[0].lines[0]: '0' is no port; 1 to 65535 is expected" },
    { "feeds: [{name: DPA, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:16: feeds[0].name: 'DPA' is no name; 1 to 31 of a-z, 0-9, - and _ are expected" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}, {name: a, lines: [\"udp://127.0.0.1:2\"]}]\n",
      "f:1:57: feeds[1].name: 'a' is the name of feeds[0] already" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\"]}, {name: b, lines: [\"udp://127.0.0.1:1?rcvbuf=1MiB\"]}]\n",
      "f:1:68: feeds[1].lines[0]: what comes in there is feeds[0].lines[0] already" },
    { "feeds:\n  - {name: a, format: auto, lines: [\"udp://127.0.0.1:1\"]}\n  - name: dpa\n    lines: [\"udp://127.0.0.1:2\"]\n    format: iptc7091\n",
      "f:5:13: feeds[1].format: 'iptc7091' is no format; did you mean iptc7901?" },
    { "feeds: [{name: a, format: text, lines: [\"tcp://127.0.0.1:1\"]}]\n",
      "f:1:9: feeds[0].framing: is missing; one of control, length16, length32, line, fix, xml, mime, zczc, wmo, websocket is expected for format text over tcp" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\", \"tcp-listen://:1\"]}]\n",
      "f:1:9: feeds[0].framing: is missing; one of control, length16, length32, line, fix, xml, mime, zczc, wmo, websocket is expected for format auto over tcp" },
    { "feeds: [{name: a, format: iptc7901, framing: datagram, lines: [\"tcp://127.0.0.1:1\"]}]\n",
      "f:1:46: feeds[0].framing: a stream has no datagrams; one of control, length16, length32, line, fix, xml, mime, zczc, wmo, websocket is expected for format iptc7901 over tcp" },
    { "feeds: [{name: a, framing: mouldudp64, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:28: feeds[0].framing: 'mouldudp64' is no framing; did you mean moldudp64?" },
    { "feeds: [{name: a, format: ninjs, join: 1MiB, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:40: feeds[0].join: only stories of format mrn come in fragments, and this is ninjs" },
    { "feeds: [{name: a, format: mrn, join: 1KiB, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:38: feeds[0].join: 1KiB is out of bounds; 256KiB to 1GiB is expected" },
    { "feeds: [{name: a, framing: websocket, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:28: feeds[0].framing: a websocket is a stream, and udp brings datagrams" },
    { "feeds: [{name: a, framing: moldudp64, park: 64KiB, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:45: feeds[0].park: has no room for the longest message; at least 4MiB is expected" },
    { "feeds: [{name: a, framing: moldudp64, reorder: 1us, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:48: feeds[0].reorder: 1us is out of bounds; 10us to 10s is expected" },
    { "feeds: [{name: a, framing: moldudp64, lines: [\"tcp://127.0.0.1:1\"]}]\n",
      "f:1:28: feeds[0].framing: moldudp64 numbers datagrams; only lines of udp, dpdk, udp-request and pcap bring them" },
    { "feeds: [{name: a, lines: [\"udp://127.0.0.1:1\", \"udp-request://127.0.0.1:2\"]}]\n",
      "f:1:48: feeds[0].lines[1]: only numbered datagrams can be asked for again; framing moldudp64 is expected with udp-request" },
    { "feeds: [{name: a, timezone: Europe/Berlni, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:29: feeds[0].timezone: 'Europe/Berlni' is no time zone of this host; did you mean Europe/Berlin?" },
    { "feeds: [{name: a, timezone: ../../etc/passwd, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:29: feeds[0].timezone: '../../etc/passwd' is no time zone of this host; one such as Europe/Berlin is expected" },
    { "feeds: [{name: a, charset: utf-9, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:28: feeds[0].charset: 'utf-9' is no character set; did you mean utf-8?" },
    { "feeds: [{name: a, language: de DE, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:29: feeds[0].language: 'de DE' is no language; a tag of BCP 47 such as de or en-GB is expected" },
    { "feeds: [{name: a, message: 100MiB, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:28: feeds[0].message: 100MiB is out of bounds; 1KiB to 64MiB is expected" },
    { "feeds: [{name: a, silence: 5, lines: [\"udp://127.0.0.1:1\"]}]\n",
      "f:1:28: feeds[0].silence: '5' has no unit; add one of ns, us, ms, s, m, h, d; or none" },
};

Test(config, a_wrong_file_is_refused_with_place_and_wish)
{
    for (size_t i = 0; i < sizeof(bad_files) / sizeof(bad_files[0]); i++)
        expect_refused(bad_files[i].yaml, bad_files[i].want);
}

static const char *const good_files[] = {
    FEED,
    "{" /* JSON is YAML */ "\"feeds\":[{\"name\":\"a\",\"lines\":[\"udp://127.0.0.1:5001\"]}]}",
    "---\n" FEED "...\n",
    "%YAML 1.1\n---\n" FEED,
    "\xef\xbb\xbf" FEED,
    "threads: auto\n" FEED,
    "threads: [{stages: [rx, decode, desk]}]\n" FEED,
    "threads: [{stages: [rx]}, {stages: [decode]}, {stages: [decode]}, {stages: [desk]}, {stages: [waker]}]\n" FEED,
    "threads: [{core: 0, stages: [rx, decode, desk, waker]}, {stages: [decode], for: 0, heavy: true}]\n" FEED,
    "idle: 0ns\n" FEED,
    "idle: spin\nreceive: epoll\nheavy: 4KiB\n" FEED,
    "tape: {raw: none, hold: none, gate: 10s}\n" FEED,
    "tape: {size: 1MiB, raw: 1MiB}\nfeeds: [{name: a, message: 16KiB, lines: [\"udp://127.0.0.1:5001\"]}]\n",
    "tape: {group: slugline, raw_group: slugline-raw, socket: /tmp/a}\n" FEED,
    "feeds: [{name: a-b_9, format: iptc7901, lines: [\"tcp://wire.example:1\", \"tcp://wire.example:1\", "
    "\"udp://:1\"]}]\n",
    "feeds: [{name: a, format: text, framing: line, lines: [\"tcp-listen://:1\"]}]\n",
    "feeds: [{name: a, timezone: UTC, charset: latin1, provider: dpa, language: de-AT, lines: [\"udp://:1\"]}]\n",
    "feeds: [{name: a, message_time: 1h, silence: 30d, lines: [\"udp://:1\"]}]\n",
    "feeds: [{name: a, framing: moldudp64, reorder: 10us, park: 4MiB, lines: [\"udp://:1\", \"udp://:2\", \"udp-request://[::1]:3\"]}]\n",
};

Test(config, good_files_are_read)
{
    for (size_t i = 0; i < sizeof(good_files) / sizeof(good_files[0]); i++) {
        struct sl_config config;
        int rc = parse(&config, good_files[i]);
        cr_expect_eq(rc, 0, "%s\n%s", good_files[i], err);
        if (!rc)
            sl_config_free(&config);
    }
}

static const char large_file[] =
    "node: ldn-a\n"
    "threads:\n"
    "- {core: 2, stages: [rx, decode]}\n"
    "- {core: 3, stages: [rx, decode]}\n"
    "- {stages: [decode], for: 1}\n"
    "- {stages: [decode], for: 0, heavy: true}\n"
    "- {core: 4, stages: [desk, waker]}\n"
    "idle: spin\n"
    "tape: {name: quiet, size: 64MiB, raw: none, hold: 8MiB, window: 5000, tombstones: 70, gate: 5ms}\n"
    "journal: {directory: /j, sync: never, keep: none, size: 1GiB, segment: 16MiB}\n"
    "feeds:\n"
    "- name: dpa\n"
    "  format: iptc7901\n"
    "  lines: [\"tcp://192.0.2.10:7901\", \"tcp://192.0.2.11:7901\"]\n"
    "  timezone: Europe/Berlin\n"
    "  charset: latin1\n"
    "  language: de\n"
    "  silence: 5m\n"
    "- {name: wx, lines: [\"udp://:9999\"], provider: met, message: 2MiB, message_time: 50ms}\n";

Test(config, what_is_written_is_what_is_read)
{
    struct sl_config config;
    cr_assert_eq(parse(&config, large_file), 0, "%s", err);
    cr_expect_str_eq(config.path, "f");
    cr_expect_str_eq(config.node, "ldn-a");
    cr_expect_not(config.threads_auto);
    static const struct sl_config_thread threads[] = {
        {2,   SL_STAGE_RX | SL_STAGE_DECODE,  0, false},
        { 3,  SL_STAGE_RX | SL_STAGE_DECODE,  1, false},
        { -1, SL_STAGE_DECODE,                1, false},
        { -1, SL_STAGE_DECODE,                0, true },
        { 4,  SL_STAGE_DESK | SL_STAGE_WAKER, 0, false},
    };
    cr_assert_eq(config.thread_cnt, 5);
    for (size_t t = 0; t < 5; t++) {
        cr_expect_eq(config.threads[t].core, threads[t].core);
        cr_expect_eq(config.threads[t].stages, threads[t].stages);
        cr_expect_eq(config.threads[t].rx, threads[t].rx);
        cr_expect_eq(config.threads[t].heavy, threads[t].heavy);
    }
    cr_expect_eq(config.idle_spin_ns, INT64_MAX);
    cr_expect_str_eq(config.tape_name, "quiet");
    cr_expect_str_eq(config.socket, "/run/slugline/quiet.sock");
    cr_expect_eq(config.tape_len, 64u << 20);
    cr_expect_eq(config.raw_len, 0);
    cr_expect_eq(config.hold_len, 8u << 20);
    cr_expect_eq(config.hold_cnt, 2048);
    cr_expect_eq(config.window_cnt, 5000);
    cr_expect_eq(config.tombstone_cnt, 70);
    cr_expect_eq(config.gate_ns, 5000000);
    cr_expect_str_eq(config.journal_directory, "/j");
    cr_expect_eq(config.journal_sync_ns, INT64_MAX);
    cr_expect_eq(config.journal_keep_ns, 0);
    cr_expect_eq(config.journal_keep_len, 1u << 30);
    cr_expect_eq(config.journal_segment, 16u << 20);
    cr_assert_eq(config.feed_cnt, 2);
    const struct sl_config_feed *dpa = &config.feeds[0], *wx = &config.feeds[1];
    cr_expect_str_eq(dpa->name, "dpa");
    cr_expect_str_eq(dpa->format, "iptc7901");
    cr_expect_eq(dpa->framing, SL_FRAMING_CONTROL);
    cr_expect_eq(dpa->line_cnt, 2);
    cr_expect_eq(dpa->lines[1].feed, 0);
    cr_expect_str_eq(dpa->facts.zone->name, "Europe/Berlin");
    cr_expect_neq(dpa->facts.charset, SL_CHARSET_UNKNOWN);
    cr_expect_str_eq(dpa->facts.language, "de");
    cr_expect_null(dpa->facts.provider);
    cr_expect_eq(dpa->silence_ns, 300000000000);
    cr_expect_eq(dpa->message_max, 1u << 20);
    cr_expect_eq(dpa->message_ns, 30000000000);
    cr_expect_str_eq(wx->format, "auto");
    cr_expect_eq(wx->framing, SL_FRAMING_DATAGRAM);
    cr_expect_eq(wx->lines[0].feed, 1);
    cr_expect_null(wx->facts.zone);
    cr_expect_eq(wx->facts.charset, SL_CHARSET_UNKNOWN);
    cr_expect_str_eq(wx->facts.provider, "met");
    cr_expect_eq(wx->message_max, 2u << 20);
    cr_expect_eq(wx->message_ns, 50000000);
    cr_expect_eq(wx->silence_ns, 0);
    cr_expect_not_null(wx->facts.zones);
    cr_expect_not_null(sl_zones_find(wx->facts.zones, "Europe/Berlin", 13));
    sl_config_free(&config);
}

Test(config, formats_that_mark_their_messages_need_no_framing_over_tcp)
{
    static const struct { const char *format; enum sl_framing framing; } rows[] = {
        { "iptc7901", SL_FRAMING_CONTROL }, { "zczc", SL_FRAMING_ZCZC }, { "wmo", SL_FRAMING_WMO },
        { "results", SL_FRAMING_WMO },      { "cap", SL_FRAMING_XML },   { "rfc822", SL_FRAMING_MIME },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sl_config config;
        char yaml[256];
        snprintf(yaml, sizeof(yaml), "feeds: [{name: a, format: %s, lines: [\"tcp-listen://:1\"]}]\n", rows[i].format);
        cr_assert_eq(parse(&config, yaml), 0, "%s", err);
        cr_expect_eq(config.feeds[0].framing, rows[i].framing, "%s", rows[i].format);
        sl_config_free(&config);
    }
}

Test(config, a_host_name_is_the_default_node)
{
    struct sl_config config;
    char host[256] = "";
    gethostname(host, sizeof(host) - 1);
    cr_assert_eq(parse(&config, FEED), 0, "%s", err);
    cr_expect_str_eq(config.node, host);
    sl_config_free(&config);
}

/* ---- hostile files ---- */

Test(config, too_long_a_file_is_refused_unread)
{
    size_t len = (1u << 20) + 1;
    char *yaml = malloc(len);
    struct sl_config config;
    memset(yaml, '[', len);
    cr_expect_eq(sl_config_parse(&config, "f", yaml, len, err, sizeof(err)), -EINVAL);
    cr_expect_str_eq(err, "f: longer than 1048576 bytes");
    free(yaml);
}

Test(config, too_many_entries_are_refused_at_the_first_too_many)
{
    char yaml[1 << 16] = "feeds:\n";
    size_t len = strlen(yaml);
    for (int i = 0; i < 257; i++)
        len += (size_t)snprintf(yaml + len, sizeof(yaml) - len, "- {name: f%d, lines: [\"udp://127.0.0.1:%d\"]}\n", i,
                                1000 + i);
    expect_refused(yaml, "f:258:3: feeds: more than 256 entries");
    expect_refused("feeds: [{name: a, lines: [a, a, a, a, a, a, a, a, a]}]",
                   "f:1:51: feeds[0].lines: more than 8 entries");
}

Test(config, endless_words_are_refused_and_not_repeated_whole)
{
    char yaml[4096] = "node: ";
    memset(yaml + 6, 'a', 300);
    expect_refused(yaml, "f:1:7: node: is longer than 255 bytes");
    memset(yaml, 'k', 3000);
    strcpy(yaml + 3000, ": 1\n");
    struct sl_config config;
    cr_expect_eq(parse(&config, yaml), -EINVAL);
    cr_expect_lt(strlen(err), 300);
}

Test(config, a_short_buffer_for_the_message_is_respected)
{
    struct sl_config config;
    char small[8];
    memset(small, '#', sizeof(small));
    cr_expect_eq(sl_config_parse(&config, "a-long-name", "nod: 1", 6, small, 4), -EINVAL);
    cr_expect_str_eq(small, "a-l");
    cr_expect_eq(small[4], '#');
}

Test(config, a_file_that_is_not_there_is_said_to_be_so)
{
    struct sl_config config;
    cr_expect_eq(sl_config_read(&config, "/no/such/file", err, sizeof(err)), -ENOENT);
    cr_expect_str_eq(err, "/no/such/file: No such file or directory");
    cr_expect_eq(sl_config_read(&config, "/", err, sizeof(err)), -EISDIR);
    cr_expect_str_eq(err, "/: Is a directory");
}

/* ---- the reference ---- */

static char *read_reference(void)
{
    static char text[65536];
    FILE *file = fopen(REFERENCE, "re");
    cr_assert_not_null(file, "%s", REFERENCE);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    return text;
}

/* Takes the # off each line that is an example. */
static void take_examples_in(const char *reference, char *out)
{
    while (*reference) {
        size_t len = strcspn(reference, "\n") + 1, blanks = strspn(reference, " ");
        bool is_example = reference[blanks] == '#' && reference[blanks + 1] != ' ' && reference[blanks + 1] != '\n';
        /* Its example is a list, and a key may stand there only once. */
        bool is_word = !strncmp(reference, "threads: auto\n", len);
        if (!is_word) {
            memcpy(out, reference, blanks);
            memcpy(out + blanks, reference + blanks + is_example, len - blanks - is_example);
            out += len - is_example;
        }
        reference += len;
    }
    *out = '\0';
}

/* The installed ones may not be there: ours in their place. */
static void take_folder_of_profiles(char *yaml)
{
    static const char installed[] = "/usr/share/slugline/profiles", ours[] = SL_SOURCE_ROOT "/deploy/profiles";
    char *at = strstr(yaml, installed);
    cr_assert(at, "the reference has an example of profiles");
    memmove(at + sizeof(ours) - 1, at + sizeof(installed) - 1, strlen(at + sizeof(installed) - 1) + 1);
    memcpy(at, ours, sizeof(ours) - 1);
}

Test(config, a_feeds_profile_is_one_of_the_folder)
{
    static const char *const rows[][2] = {
        { SL_SOURCE_ROOT "/deploy/profiles", "feeds[0].profile: 'sst' is no profile; did you mean stt?" },
        { "/nowhere/at/all", "profiles: /nowhere/at/all: No such file or directory" },
    };
    struct sl_config config;
    char yaml[1024];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(yaml, sizeof(yaml), "profiles: %s\nfeeds: [{name: a, lines: [\"udp://127.0.0.1:1\"], profile: sst}]\n",
                 rows[i][0]);
        cr_expect_eq(parse(&config, yaml), -EINVAL);
        cr_expect(strstr(err, rows[i][1]), "%s", err);
    }
}

Test(config, the_reference_is_read)
{
    struct sl_config config;
    cr_assert_eq(sl_config_read(&config, REFERENCE, err, sizeof(err)), 0, "%s", err);
    cr_expect_eq(config.feed_cnt, 1);
    sl_config_free(&config);
}

Test(config, the_reference_is_read_with_its_examples)
{
    static char yaml[65536];
    struct sl_config config;
    take_examples_in(read_reference(), yaml);
    take_folder_of_profiles(yaml);
    cr_assert_eq(parse(&config, yaml), 0, "%s", err);
    cr_expect_str_eq(config.feeds[0].facts.profile->name, "stt");
    cr_expect_eq(config.feed_cnt, 6);
    cr_expect_eq(config.thread_cnt, 5);
    cr_expect_str_eq(config.node, "ldn-a");
    cr_expect_str_eq(config.group, "slugline");
    cr_expect_str_eq(config.feeds[0].timezone, "Europe/Berlin");
    sl_config_free(&config);
}

/* Every key counts here: sl_config_can_change looks at all of them but silence. */
Test(config, defaults_are_what_the_reference_says)
{
    struct sl_config written, left_out;
    char key[SL_CONFIG_PATH_LEN];
    cr_assert_eq(sl_config_read(&written, REFERENCE, err, sizeof(err)), 0, "%s", err);
    cr_assert_eq(parse(&left_out, "feeds: [{name: example, lines: [\"udp://127.0.0.1:5001\"]}]"), 0, "%s", err);
    cr_expect(sl_config_can_change(&written, &left_out, key), "the default of %s is another", key);
    cr_expect_eq(written.feeds[0].silence_ns, left_out.feeds[0].silence_ns);
    sl_config_free(&written);
    sl_config_free(&left_out);
}

static void expect_in_reference(const char *reference, const struct sl_key *key)
{
    char words[96];
    snprintf(words, sizeof(words), " %s:", key->name);
    cr_expect(strstr(reference, words), "the reference does not say '%s'", words);
    if (!sl_key_is_number(key) || !key->fallback)
        return;
    snprintf(words, sizeof(words), "%s: %s ", key->name, key->fallback);
    cr_expect(strstr(reference, words), "the reference does not say '%s'", words);
    snprintf(words, sizeof(words), "%s to %s", sl_config_written(sl_key_unit(key), key->min).text,
             sl_config_written(sl_key_unit(key), key->max).text);
    cr_expect(strstr(reference, words), "the reference says of %s no '%s'", key->name, words);
}

static void expect_all_in_reference(const char *reference, const struct sl_key *keys)
{
    for (const struct sl_key *key = keys; key->name; key++) {
        expect_in_reference(reference, key);
        if (key->keys)
            expect_all_in_reference(reference, key->keys);
    }
}

Test(config, the_reference_has_every_key_with_its_default_and_its_bounds)
{
    static char words[65536];
    const char *reference = read_reference();
    size_t len = 0;
    for (; *reference && len < sizeof(words) - 1; reference++)
        if (*reference > ' ' && !strchr("#{}[],;", *reference))
            words[len++] = *reference;
        else if (len && words[len - 1] != ' ')
            words[len++] = ' ';
    expect_all_in_reference(words, sl_config_root.keys);
}

/* ---- changes under a running walk ---- */

static const struct change_case {
    const char *from, *to, *key; /* NULL: can change */
} changes[] = {
    { FEED, FEED, NULL },
    { FEED, "feeds: [{name: a, silence: 5m, lines: [\"udp://127.0.0.1:5001\"]}]", NULL },
    { FEED, "heavy: 256KiB\n" FEED, NULL }, /* the default */
    { FEED, "node: other\n" FEED, "node" },
    { FEED, "idle: 1ms\n" FEED, "idle" },
    { FEED, "heavy: 4KiB\n" FEED, "heavy" },
    { FEED, "receive: epoll\n" FEED, "receive" },
    { FEED, "rings: {answer: 4MiB}\n" FEED, "rings.answer" },
    { FEED, "tape: {size: 512MiB}\n" FEED, "tape.size" },
    { FEED, "tape: {window: 2048}\n" FEED, "tape.window" },
    { FEED, "tape: {gate: 1s}\n" FEED, "tape.gate" },
    { FEED, "tape: {group: slugline}\n" FEED, "tape.group" },
    { "tape: {group: slugline}\n" FEED, FEED, "tape.group" },
    { FEED, "threads: [{stages: [rx, decode, desk]}]\n" FEED, "threads" },
    { "threads: [{stages: [rx, decode, desk]}]\n" FEED,
      "threads: [{core: 1, stages: [rx, decode, desk]}]\n" FEED, "threads[0].core" },
    { FEED, "feeds: [{name: b, lines: [\"udp://127.0.0.1:5001\"]}]", "feeds[0].name" },
    { FEED, "feeds: [{name: a, lines: [\"udp://127.0.0.1:5002\"]}]", "feeds[0].lines[0]" },
    { FEED, "feeds: [{name: a, format: text, lines: [\"udp://127.0.0.1:5001\"]}]", "feeds[0].format" },
    { FEED, "feeds: [{name: a, framing: line, lines: [\"udp://127.0.0.1:5001\"]}]", "feeds[0].framing" },
    { FEED, "feeds: [{name: a, timezone: UTC, lines: [\"udp://127.0.0.1:5001\"]}]", "feeds[0].timezone" },
    { FEED, "feeds: [{name: a, message: 2MiB, lines: [\"udp://127.0.0.1:5001\"]}]", "feeds[0].message" },
    { FEED, "feeds: [{name: a, message_time: 2s, lines: [\"udp://127.0.0.1:5001\"]}]", "feeds[0].message_time" },
    { FEED, "feeds: [{name: a, lines: [\"udp://127.0.0.1:5001\", \"udp://:1\"]}]", "feeds[0].lines" },
    { FEED, "feeds: [{name: a, lines: [\"udp://127.0.0.1:5001\"]}, {name: b, lines: [\"udp://:1\"]}]", "feeds" },
};

Test(config, only_silence_changes_under_a_running_walk)
{
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct sl_config from, to;
        char key[SL_CONFIG_PATH_LEN];
        cr_assert_eq(parse(&from, changes[i].from), 0, "%s", err);
        cr_assert_eq(parse(&to, changes[i].to), 0, "%s: %s", changes[i].to, err);
        cr_expect_eq(sl_config_can_change(&from, &to, key), !changes[i].key, "%s", changes[i].to);
        cr_expect_str_eq(key, changes[i].key ? changes[i].key : "", "%s", changes[i].to);
        sl_config_free(&from);
        sl_config_free(&to);
    }
}
