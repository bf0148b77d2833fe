#include "pipeline/doctor.h"

#include "pipeline/port.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_LEN       512u
#define TEXT_LEN       4096u
#define RCVBUF         (8u << 20) /* what a udp line asks for where it says nothing */
#define PORT_HUGE      (96ull << 20) /* of huge pages for each port: EAL, its pool and rings */
#define MEMLOCK_WANTED (64ull << 20)
#define GROUPS_USUAL   20u
#define URING_KERNEL   60000u /* 6.0 brought what rx_uring asks for, as major * 10000 + minor */

/* ---- reading ---- */

static void path_of(char path[PATH_LEN], const struct sl_doctor *doctor, const char *format, va_list args)
{
    int len = snprintf(path, PATH_LEN, "%s", doctor->root);
    vsnprintf(path + len, PATH_LEN - (size_t)len, format, args);
}

/* The file's text without its last line end.  False: it cannot be read. */
__attribute__((format(printf, 3, 4))) static bool read_text(const struct sl_doctor *doctor, char text[TEXT_LEN],
                                                            const char *format, ...)
{
    char path[PATH_LEN];
    va_list args;
    va_start(args, format);
    path_of(path, doctor, format, args);
    va_end(args);
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(text, 1, TEXT_LEN - 1, file) : 0;
    if (file)
        fclose(file);
    while (len && (text[len - 1] == '\n' || text[len - 1] == ' '))
        len--;
    text[len] = '\0';
    return file != NULL;
}

__attribute__((format(printf, 3, 4))) static bool read_number(const struct sl_doctor *doctor, uint64_t *number,
                                                              const char *format, ...)
{
    char path[PATH_LEN];
    va_list args;
    va_start(args, format);
    path_of(path, doctor, format, args);
    va_end(args);
    FILE *file = fopen(path, "re");
    bool is = file && fscanf(file, "%" SCNu64, number) == 1;
    if (file)
        fclose(file);
    return is;
}

/* The last part of where a link leads, or "". */
__attribute__((format(printf, 3, 4))) static void read_link(const struct sl_doctor *doctor, char name[64],
                                                            const char *format, ...)
{
    char path[PATH_LEN], to[PATH_LEN];
    va_list args;
    va_start(args, format);
    path_of(path, doctor, format, args);
    va_end(args);
    ssize_t len = readlink(path, to, sizeof(to) - 1);
    to[len > 0 ? len : 0] = '\0';
    const char *slash = strrchr(to, '/');
    snprintf(name, 64, "%.63s", slash ? slash + 1 : to);
}

__attribute__((format(printf, 2, 3))) static bool is_there(const struct sl_doctor *doctor, const char *format, ...)
{
    char path[PATH_LEN];
    va_list args;
    va_start(args, format);
    path_of(path, doctor, format, args);
    va_end(args);
    return !faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* Whether a number is in a list such as "0-3,8". */
static bool is_in_list(const char *list, uint64_t number)
{
    while (*list) {
        char *end;
        uint64_t first = strtoull(list, &end, 10), last = first;
        if (end == list)
            return false;
        if (*end == '-')
            last = strtoull(end + 1, &end, 10);
        if (number >= first && number <= last)
            return true;
        list = *end == ',' ? end + 1 : "";
    }
    return false;
}

/* ---- telling ---- */

__attribute__((format(printf, 4, 5))) static struct sl_finding *
tell(struct sl_doctor *doctor, enum sl_doctor_state state, const char *about, const char *format, ...)
{
    struct sl_finding *finding = &doctor->findings[doctor->cnt < SL_DOCTOR_FINDINGS ? doctor->cnt++ : doctor->cnt - 1];
    va_list args;
    *finding = (struct sl_finding){ .state = state };
    snprintf(finding->about, sizeof(finding->about), "%s", about);
    va_start(args, format);
    vsnprintf(finding->says, sizeof(finding->says), format, args);
    va_end(args);
    return finding;
}

__attribute__((format(printf, 2, 3))) static void mend(struct sl_finding *finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(finding->remedy, sizeof(finding->remedy), format, args);
    va_end(args);
}

/* ---- what the configuration wants ---- */

typedef void (*line_visit)(struct sl_doctor *doctor, const struct sl_line_config *line);

static void visit_lines(struct sl_doctor *doctor, enum sl_line_kind kind, line_visit visit)
{
    for (uint32_t f = 0; doctor->config && f < doctor->config->feed_cnt; f++)
        for (uint32_t l = 0; l < doctor->config->feeds[f].line_cnt; l++)
            if (doctor->config->feeds[f].lines[l].kind == kind)
                visit(doctor, &doctor->config->feeds[f].lines[l]);
}

/* Each device once, by the first line that names it. */
static bool is_first_of_device(const struct sl_doctor *doctor, const struct sl_line_config *line)
{
    char name[SL_PORT_DEVICE_LEN], other[SL_PORT_DEVICE_LEN];
    sl_port_name(name, sizeof(name), line->path);
    for (uint32_t f = 0; f < doctor->config->feed_cnt; f++)
        for (uint32_t l = 0; l < doctor->config->feeds[f].line_cnt; l++) {
            const struct sl_line_config *before = &doctor->config->feeds[f].lines[l];
            if (before == line)
                return true;
            sl_port_name(other, sizeof(other), before->path);
            if (before->kind == SL_LINE_DPDK && !strcmp(name, other))
                return false;
        }
    return true;
}

static uint32_t count_ports(const struct sl_doctor *doctor, bool pci_only)
{
    uint32_t cnt = 0;
    for (uint32_t f = 0; doctor->config && f < doctor->config->feed_cnt; f++)
        for (uint32_t l = 0; l < doctor->config->feeds[f].line_cnt; l++) {
            const struct sl_line_config *line = &doctor->config->feeds[f].lines[l];
            cnt += line->kind == SL_LINE_DPDK && is_first_of_device(doctor, line) &&
                   (!pci_only || sl_port_is_pci(line->path));
        }
    return cnt;
}

/* ---- the kernel ---- */

static void look_at_kernel(struct sl_doctor *doctor)
{
    char text[TEXT_LEN];
    unsigned major = 0, minor = 0;
    read_text(doctor, text, "/proc/sys/kernel/osrelease");
    if (sscanf(text, "%u.%u", &major, &minor) != 2)
        tell(doctor, SL_DOCTOR_LACKS, "kernel", "its version cannot be read: is /proc mounted?");
    else if (major * 10000 + minor < URING_KERNEL)
        mend(
            tell(doctor, SL_DOCTOR_BETTER, "kernel", "%s; io_uring as we use it came with 6.0, and epoll serves", text),
            "apt-get install linux-image-amd64");
    else
        tell(doctor, SL_DOCTOR_FINE, "kernel", "%s", text);
}

static void look_at_uring(struct sl_doctor *doctor)
{
    uint64_t disabled = 0;
    bool insists = doctor->config && doctor->config->receive == SL_RX_URING;
    bool wants = !doctor->config || doctor->config->receive != SL_RX_EPOLL;
    read_number(doctor, &disabled, "/proc/sys/kernel/io_uring_disabled");
    if (!disabled || !wants)
        tell(doctor, SL_DOCTOR_FINE, "io_uring", disabled ? "not allowed, and not wanted" : "allowed");
    else
        mend(tell(doctor, insists ? SL_DOCTOR_LACKS : SL_DOCTOR_BETTER, "io_uring", "%s; %s",
                  disabled == 1 ? "allowed to one group only" : "not allowed",
                  insists ? "the configuration insists on it" : "epoll serves instead"),
             "sysctl -w kernel.io_uring_disabled=0");
}

static void look_at_clock(struct sl_doctor *doctor)
{
    char now[TEXT_LEN], all[TEXT_LEN];
    static const char *const slow[] = { "hpet", "acpi_pm", "refined-jiffies", "jiffies", "xen" };
    static const char folder[] = "/sys/devices/system/clocksource/clocksource0";
    if (!read_text(doctor, now, "%s/current_clocksource", folder))
        return;
    read_text(doctor, all, "%s/available_clocksource", folder);
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++)
        if (!strcmp(now, slow[i])) {
            mend(tell(doctor, SL_DOCTOR_BETTER, "clock", "%s: every stamp is a system call", now),
                 strstr(all, "tsc") ? "echo tsc >%s/current_clocksource" : "kernel command line: tsc=reliable", folder);
            return;
        }
    tell(doctor, SL_DOCTOR_FINE, "clock", "%s, read without a system call", now);
}

/* ---- sockets ---- */

static uint64_t rcvbuf_wanted(const struct sl_doctor *doctor)
{
    uint64_t most = doctor->config ? 0 : RCVBUF;
    for (uint32_t f = 0; doctor->config && f < doctor->config->feed_cnt; f++)
        for (uint32_t l = 0; l < doctor->config->feeds[f].line_cnt; l++)
            if (doctor->config->feeds[f].lines[l].rcvbuf > most)
                most = doctor->config->feeds[f].lines[l].rcvbuf;
    return most;
}

static void look_at_buffers(struct sl_doctor *doctor)
{
    uint64_t max = 0, wanted = rcvbuf_wanted(doctor);
    if (!wanted || !read_number(doctor, &max, "/proc/sys/net/core/rmem_max"))
        return;
    if (max >= wanted)
        tell(doctor, SL_DOCTOR_FINE, "socket buffers", "up to %" PRIu64 " bytes", max);
    else
        mend(tell(doctor, SL_DOCTOR_BETTER, "socket buffers",
                  "%" PRIu64 " bytes where lines ask for %" PRIu64 ": without privilege bursts are dropped", max,
                  wanted),
             "sysctl -w net.core.rmem_max=%" PRIu64, wanted);
}

static void look_at_memlock(struct sl_doctor *doctor)
{
    char text[TEXT_LEN];
    if (!read_text(doctor, text, "/proc/self/limits"))
        return;
    const char *at = strstr(text, "Max locked memory");
    uint64_t limit = 0;
    bool bound = at && sscanf(at, "Max locked memory %" SCNu64, &limit) == 1;
    bool xdp = false;
    for (uint32_t f = 0; doctor->config && f < doctor->config->feed_cnt; f++)
        for (uint32_t l = 0; l < doctor->config->feeds[f].line_cnt; l++)
            xdp |= !strncmp(doctor->config->feeds[f].lines[l].path, "net_af_xdp", 10);
    if (!bound || limit >= MEMLOCK_WANTED)
        tell(doctor, SL_DOCTOR_FINE, "locked memory", "%s", bound ? "enough" : "without a bound");
    else
        mend(tell(doctor, xdp && limit < (8u << 20) ? SL_DOCTOR_LACKS : SL_DOCTOR_BETTER, "locked memory",
                  "%" PRIu64 " bytes; AF_XDP and huge rings want more", limit),
             "systemd: LimitMEMLOCK=infinity; else ulimit -l unlimited");
}

static void look_at_interface(struct sl_doctor *doctor, const char *name, bool multicast)
{
    char state[TEXT_LEN];
    uint64_t filter = 0, all = 0;
    if (!is_there(doctor, "/sys/class/net/%s", name)) {
        mend(tell(doctor, SL_DOCTOR_LACKS, "link", "there is no interface %s", name), "ip link");
        return;
    }
    read_text(doctor, state, "/sys/class/net/%s/operstate", name);
    if (!strcmp(state, "down") || !strcmp(state, "lowerlayerdown"))
        mend(tell(doctor, SL_DOCTOR_LACKS, "link", "%s is down", name), "ip link set %s up", name);
    else
        tell(doctor, SL_DOCTOR_FINE, "link", "%s is %s", name, *state ? state : "there");
    read_number(doctor, &filter, "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
    read_number(doctor, &all, "/proc/sys/net/ipv4/conf/all/rp_filter");
    if (multicast && (filter > all ? filter : all) == 1)
        mend(tell(doctor, SL_DOCTOR_BETTER, "rp_filter",
                  "%s drops what comes from an address that is not routed back there, as agencies' often is not", name),
             "sysctl -w net.ipv4.conf.%s.rp_filter=2", name);
}

static void look_at_udp_line(struct sl_doctor *doctor, const struct sl_line_config *line)
{
    if (line->interface[0])
        look_at_interface(doctor, line->interface, line->multicast);
}

static void look_at_groups(struct sl_doctor *doctor)
{
    uint64_t max = GROUPS_USUAL, cnt = 0;
    for (uint32_t f = 0; doctor->config && f < doctor->config->feed_cnt; f++)
        for (uint32_t l = 0; l < doctor->config->feeds[f].line_cnt; l++)
            cnt += doctor->config->feeds[f].lines[l].kind == SL_LINE_UDP && doctor->config->feeds[f].lines[l].multicast;
    read_number(doctor, &max, "/proc/sys/net/ipv4/igmp_max_memberships");
    if (cnt > max)
        mend(tell(doctor, SL_DOCTOR_BETTER, "groups",
                  "%" PRIu64 " are joined; the kernel's bound is %" PRIu64 " a socket", cnt, max),
             "sysctl -w net.ipv4.igmp_max_memberships=%" PRIu64, cnt);
}

/* ---- cores ---- */

static void look_at_governor(struct sl_doctor *doctor)
{
    char text[TEXT_LEN];
    uint32_t cnt = 0, slow = 0;
    for (uint32_t core = 0; is_there(doctor, "/sys/devices/system/cpu/cpu%u", core); core++) {
        if (!read_text(doctor, text, "/sys/devices/system/cpu/cpu%u/cpufreq/scaling_governor", core))
            continue;
        cnt++;
        slow += strcmp(text, "performance") != 0;
    }
    if (!cnt)
        tell(doctor, SL_DOCTOR_FINE, "governor", "none: the clock rate is not this kernel's to change");
    else if (!slow)
        tell(doctor, SL_DOCTOR_FINE, "governor", "performance");
    else
        mend(tell(doctor, SL_DOCTOR_BETTER, "governor",
                  "%u of %u cores save power: the first message after a silence is late", slow, cnt),
             "echo performance | tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor");
}

static void look_at_core(struct sl_doctor *doctor, int core, const char *online, const char *isolated)
{
    if (!is_in_list(online, (uint64_t)core))
        mend(tell(doctor, SL_DOCTOR_LACKS, "cores", "core %d is named, and is not online (%s are)", core, online),
             "echo 1 >/sys/devices/system/cpu/cpu%d/online", core);
    else if (!is_in_list(isolated, (uint64_t)core))
        mend(tell(doctor, SL_DOCTOR_BETTER, "cores", "core %d is named, and others run there too", core),
             "kernel command line: isolcpus=%d nohz_full=%d", core, core);
    else
        tell(doctor, SL_DOCTOR_FINE, "cores", "core %d is kept for us", core);
}

static void look_at_cores(struct sl_doctor *doctor)
{
    char online[TEXT_LEN], isolated[TEXT_LEN];
    uint32_t polling = 0;
    if (!read_text(doctor, online, "/sys/devices/system/cpu/online"))
        return;
    read_text(doctor, isolated, "/sys/devices/system/cpu/isolated");
    for (uint32_t t = 0; doctor->topo && t < doctor->topo->thread_cnt; t++) {
        polling += (doctor->topo->threads[t].stages & SL_STAGE_RX) != 0;
        if (doctor->topo->threads[t].core >= 0)
            look_at_core(doctor, doctor->topo->threads[t].core, online, isolated);
    }
    if (strcmp(online, "0"))
        return;
    tell(doctor, polling ? SL_DOCTOR_BETTER : SL_DOCTOR_FINE, "cores", "one only: receiving and deciding take turns");
}

/* ---- what DPDK needs ---- */

static uint64_t huge_bytes(const struct sl_doctor *doctor, const char *which)
{
    static const unsigned sizes_kib[] = { 2048, 1048576 };
    uint64_t bytes = 0, cnt;
    for (size_t i = 0; i < 2; i++)
        if (read_number(doctor, &cnt, "/sys/kernel/mm/hugepages/hugepages-%ukB/%s", sizes_kib[i], which))
            bytes += cnt * sizes_kib[i] * 1024;
    return bytes;
}

static void look_at_huge_pages(struct sl_doctor *doctor)
{
    uint64_t ports = count_ports(doctor, false) * PORT_HUGE, wanted = doctor->config ? ports : PORT_HUGE;
    uint64_t free_bytes = huge_bytes(doctor, "free_hugepages"), all = huge_bytes(doctor, "nr_hugepages");
    if (doctor->topo)
        wanted += doctor->topo->memory_logs + doctor->topo->memory_rings;
    if (free_bytes && free_bytes >= wanted) {
        tell(doctor, SL_DOCTOR_FINE, "huge pages", "%" PRIu64 " MiB free, %" PRIu64 " MiB wanted", free_bytes >> 20,
             wanted >> 20);
        return;
    }
    /* A virtual port and the tape do with small pages; a card reads what it is told physically. */
    bool lacks = count_ports(doctor, true) && free_bytes < ports;
    mend(tell(doctor, lacks ? SL_DOCTOR_LACKS : SL_DOCTOR_BETTER, "huge pages",
              "%" PRIu64 " MiB free of %" PRIu64 " MiB; %" PRIu64 " MiB wanted%s", free_bytes >> 20, all >> 20,
              wanted >> 20, lacks ? ", and a card's port does not open without" : ": small pages serve, slower"),
         "sysctl -w vm.nr_hugepages=%" PRIu64,
         (all >> 21) + ((wanted > free_bytes ? wanted - free_bytes : 0) >> 21) + 1);
}

static bool is_for_us(const char *driver)
{
    /* mlx5 and mlx4 share their card with the kernel, and mana does. */
    static const char *const drivers[] = { "vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core", "mlx4_core", "mana" };
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
        if (!strcmp(driver, drivers[i]))
            return true;
    return false;
}

static void look_at_iommu(struct sl_doctor *doctor, const char *address, const char *driver)
{
    char unsafe[TEXT_LEN];
    if (is_there(doctor, "/sys/bus/pci/devices/%s/iommu_group", address)) {
        tell(doctor, SL_DOCTOR_FINE, "IOMMU", "%s has its group", address);
        return;
    }
    if (read_text(doctor, unsafe, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") && *unsafe == 'Y') {
        tell(doctor, SL_DOCTOR_FINE, "IOMMU", "none, and vfio is told to do without");
        return;
    }
    if (!strncmp(driver, "uio", 3) || !strcmp(driver, "igb_uio") || !strncmp(driver, "mlx", 3))
        return;
    mend(tell(doctor, SL_DOCTOR_LACKS, "IOMMU", "%s has no IOMMU group: vfio-pci cannot take it", address),
         "kernel command line: intel_iommu=on iommu=pt (AMD: iommu=pt), and on in the firmware");
}

static void look_at_card(struct sl_doctor *doctor, const char *device)
{
    char address[32], driver[64];
    snprintf(address, sizeof(address), "%s%.*s", strchr(device, ':') == strrchr(device, ':') ? "0000:" : "",
             (int)strcspn(device, ","), device);
    if (!is_there(doctor, "/sys/bus/pci/devices/%s", address)) {
        mend(tell(doctor, SL_DOCTOR_LACKS, "card", "there is none at %s", address), "lspci -D -d ::0200");
        return;
    }
    read_link(doctor, driver, "/sys/bus/pci/devices/%s/driver", address);
    if (is_for_us(driver))
        tell(doctor, SL_DOCTOR_FINE, "driver", "%s is held by %s", address, driver);
    else
        mend(tell(doctor, SL_DOCTOR_LACKS, "driver",
                  is_there(doctor, "/sys/bus/pci/devices/%s/net", address)
                      ? "%s is held by %s, as an interface of the kernel's; is it the one this host lives on?"
                      : "%s is held by %s",
                  address, *driver ? driver : "nobody"),
             "modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci %s", address);
    look_at_iommu(doctor, address, driver);
}

static void look_at_port(struct sl_doctor *doctor, const struct sl_line_config *line)
{
    if (!is_first_of_device(doctor, line))
        return;
    if (sl_port_is_pci(line->path)) {
        look_at_card(doctor, line->path);
        return;
    }
    const char *at = strstr(line->path, "iface=");
    if (!at || at[6] == '/') /* net_vhost's is a socket */
        return;
    char name[32];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 6, ","), at + 6);
    look_at_interface(doctor, name, false);
}

/* ---- all of it ---- */

enum sl_doctor_state sl_doctor_examine(struct sl_doctor *doctor)
{
    enum sl_doctor_state worst = SL_DOCTOR_FINE;
    doctor->cnt = 0;
    look_at_kernel(doctor);
    look_at_uring(doctor);
    look_at_clock(doctor);
    look_at_governor(doctor);
    look_at_cores(doctor);
    look_at_huge_pages(doctor);
    look_at_buffers(doctor);
    look_at_memlock(doctor);
    look_at_groups(doctor);
    visit_lines(doctor, SL_LINE_UDP, look_at_udp_line);
    visit_lines(doctor, SL_LINE_DPDK, look_at_port);
    for (uint32_t i = 0; i < doctor->cnt; i++)
        worst = doctor->findings[i].state > worst ? doctor->findings[i].state : worst;
    return worst;
}

const char *sl_doctor_state_name(enum sl_doctor_state state)
{
    static const char *const names[] = { "fine", "better", "lacks" };
    return names[state];
}
