#!/usr/bin/env python3
"""What slugline doctor finds on hosts that this test makes up: a folder with their /proc and /sys, and one thing wrong with each.

    test_doctor.py SLUGLINE

Python 3.11, standard library only.
"""
import json
import os
import subprocess
import sys
import tempfile

SLUGLINE = ""
CLOCK = "sys/devices/system/clocksource/clocksource0/"
CPU = "sys/devices/system/cpu/"
PAGES = "sys/kernel/mm/hugepages/hugepages-2048kB/"
CARD = "sys/bus/pci/devices/0000:3b:00.0/"
LIMITS = ("Limit                     Soft Limit           Hard Limit           Units\n"
          "Max locked memory         %s            %s            bytes\n")

SOUND = {
    "proc/sys/kernel/osrelease": "6.1.0-28-amd64",
    "proc/sys/kernel/io_uring_disabled": "0",
    "proc/sys/net/core/rmem_max": "16777216",
    "proc/sys/net/ipv4/igmp_max_memberships": "20",
    "proc/sys/net/ipv4/conf/all/rp_filter": "0",
    "proc/sys/net/ipv4/conf/lo/rp_filter": "0",
    "proc/self/limits": LIMITS % ("unlimited", "unlimited"),
    CLOCK + "current_clocksource": "tsc",
    CLOCK + "available_clocksource": "tsc hpet acpi_pm",
    CPU + "online": "0-7",
    CPU + "isolated": "2-5",
    CPU + "cpu0/cpufreq/scaling_governor": "performance",
    CPU + "cpu1/cpufreq/scaling_governor": "performance",
    PAGES + "nr_hugepages": "1024",
    PAGES + "free_hugepages": "1024",
    "sys/class/net/lo/operstate": "unknown",
    "sys/class/net/eth1/operstate": "up",
    CARD + "vendor": "0x8086",
    CARD + "driver": "-> ../../drivers/vfio-pci",
    CARD + "iommu_group": "-> ../../kernel/iommu_groups/7",
}
UDP = "udp://239.1.1.1:5001?interface=lo"
PCI = "dpdk://0000:3b:00.0/239.1.1.1:5001"
XDP = "dpdk://net_af_xdp0,iface=eth1/239.1.1.1:5001"
THREADS = "threads: [{core: 2, stages: [rx, decode]}, {core: 3, stages: [desk]}]\n"

# name; what is otherwise on this host (None: not there); lines of the feed; more of the configuration; what is found:
# about, state, a part of the sentence, a part of the remedy; the exit status.
ROWS = [
    ("an old kernel", {"proc/sys/kernel/osrelease": "5.10.0-9"}, [UDP], "", ("kernel", "better", "5.10.0-9", "apt-get install"), 0),
    ("no /proc", {"proc/sys/kernel/osrelease": None}, [UDP], "", ("kernel", "lacks", "mounted", ""), 1),
    ("io_uring off", {"proc/sys/kernel/io_uring_disabled": "2"}, [UDP], "",
     ("io_uring", "better", "epoll serves", "io_uring_disabled=0"), 0),
    ("io_uring off and insisted on", {"proc/sys/kernel/io_uring_disabled": "2"}, [UDP], "receive: uring\n",
     ("io_uring", "lacks", "insists", "io_uring_disabled=0"), 1),
    ("io_uring for a group", {"proc/sys/kernel/io_uring_disabled": "1"}, [UDP], "",
     ("io_uring", "better", "one group", "io_uring_disabled=0"), 0),
    ("io_uring off and not wanted", {"proc/sys/kernel/io_uring_disabled": "2"}, [UDP], "receive: epoll\n",
     ("io_uring", "fine", "not wanted", ""), 0),
    ("a slow clock", {CLOCK + "current_clocksource": "hpet"}, [UDP], "", ("clock", "better", "hpet", "echo tsc >"), 0),
    ("a slow clock and no other", {CLOCK + "current_clocksource": "hpet", CLOCK + "available_clocksource": "hpet acpi_pm"}, [UDP], "",
     ("clock", "better", "system call", "tsc=reliable"), 0),
    ("cores that save power", {CPU + "cpu1/cpufreq/scaling_governor": "powersave"}, [UDP], "",
     ("governor", "better", "1 of 2 cores", "scaling_governor"), 0),
    ("a core that is off", {CPU + "online": "0-2"}, [UDP], THREADS, ("cores", "lacks", "core 3", "cpu3/online"), 1),
    ("a core that others use", {CPU + "isolated": ""}, [UDP], THREADS, ("cores", "better", "core 2", "isolcpus=2"), 0),
    ("cores that are kept", {}, [UDP], THREADS, ("cores", "fine", "core 2", ""), 0),
    ("one core", {CPU + "online": "0"}, [UDP], "", ("cores", "better", "take turns", ""), 0),
    ("no huge pages, and a card", {PAGES + "free_hugepages": "0", PAGES + "nr_hugepages": "0"}, [PCI], "",
     ("huge pages", "lacks", "does not open", "vm.nr_hugepages="), 1),
    ("no huge pages, and a virtual port", {PAGES + "free_hugepages": "0", PAGES + "nr_hugepages": "0"}, [XDP], "",
     ("huge pages", "better", "small pages serve", "vm.nr_hugepages="), 0),
    ("small socket buffers", {"proc/sys/net/core/rmem_max": "212992"}, ["udp://127.0.0.1:5001?rcvbuf=4MiB"], "",
     ("socket buffers", "better", "4194304", "rmem_max=4194304"), 0),
    ("little locked memory", {"proc/self/limits": LIMITS % (8388608, 8388608)}, [UDP], "",
     ("locked memory", "better", "8388608", "LimitMEMLOCK"), 0),
    ("hardly any, and AF_XDP", {"proc/self/limits": LIMITS % (65536, 65536)}, [XDP], "",
     ("locked memory", "lacks", "65536", "LimitMEMLOCK"), 1),
    ("more groups than a kernel takes", {"proc/sys/net/ipv4/igmp_max_memberships": "1"}, [UDP, "udp://239.1.1.2:5001"], "",
     ("groups", "better", "2 are joined", "igmp_max_memberships=2"), 0),
    ("a link that is down", {"sys/class/net/lo/operstate": "down"}, [UDP], "", ("link", "lacks", "lo is down", "ip link set lo up"), 1),
    ("an interface that is not there", {"sys/class/net/eth1/operstate": None}, [XDP], "",
     ("link", "lacks", "no interface eth1", "ip link"), 1),
    ("a filter of sources", {"proc/sys/net/ipv4/conf/lo/rp_filter": "1"}, [UDP], "",
     ("rp_filter", "better", "lo drops", "rp_filter=2"), 0),
    ("a card that is not there", {CARD + "vendor": None, CARD + "driver": None, CARD + "iommu_group": None}, [PCI], "",
     ("card", "lacks", "none at 0000:3b:00.0", "lspci"), 1),
    ("a card that the kernel holds", {CARD + "driver": "-> ../../drivers/ixgbe", CARD + "net/eth2/operstate": "up"}, [PCI], "",
     ("driver", "lacks", "ixgbe, as an interface", "--bind=vfio-pci 0000:3b:00.0"), 1),
    ("a card that nobody holds", {CARD + "driver": None}, [PCI], "", ("driver", "lacks", "nobody", "vfio-pci"), 1),
    ("a card without an IOMMU", {CARD + "iommu_group": None}, [PCI], "", ("IOMMU", "lacks", "no IOMMU group", "intel_iommu=on"), 1),
    ("and vfio may do without", {CARD + "iommu_group": None, "sys/module/vfio/parameters/enable_unsafe_noiommu_mode": "Y"}, [PCI], "",
     ("IOMMU", "fine", "do without", ""), 0),
    ("a card that shares itself", {CARD + "driver": "-> ../../drivers/mlx5_core", CARD + "iommu_group": None}, [PCI], "",
     ("driver", "fine", "mlx5_core", ""), 0),
]


def make_host(folder, other):
    for path, text in {**SOUND, **other}.items():
        whole = os.path.join(folder, path)
        if text is None:
            continue
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        if text.startswith("-> "):
            os.symlink(text[3:], whole)
        else:
            with open(whole, "w", encoding="ascii") as f:
                f.write(text + "\n")


def ask(folder, lines=None, more=""):
    options = []
    if lines:
        config = os.path.join(folder, "slugline.yaml")
        with open(config, "w", encoding="ascii") as f:
            f.write("%stape: {size: 16MiB, raw: 16MiB}\nfeeds: [{name: a, lines: %s}]\n" % (more, json.dumps(lines)))
        options = ["-c", config]
    done = subprocess.run([SLUGLINE, "doctor", "--json", "-r", folder, *options], capture_output=True, text=True, timeout=20)
    assert done.returncode in (0, 1) and done.stdout, done
    return done.returncode, json.loads(done.stdout)


def main():
    global SLUGLINE
    SLUGLINE = sys.argv[1]
    for lines in (None, [UDP], [PCI], [XDP]):
        with tempfile.TemporaryDirectory() as folder:
            make_host(folder, {})
            status, found = ask(folder, lines)
            assert status == 0 and found["state"] == "fine", (lines, found)
            assert not any("remedy" in finding for finding in found["findings"]), found
    for name, other, lines, more, (about, state, says, remedy), want in ROWS:
        with tempfile.TemporaryDirectory() as folder:
            make_host(folder, other)
            status, found = ask(folder, lines, more)
            of = [f for f in found["findings"] if f["about"] == about and f["state"] == state and says in f["says"]]
            assert len(of) == 1 and remedy in of[0].get("remedy", ""), (name, found)
            assert bool(of[0].get("remedy")) == bool(remedy), (name, of)
            assert status == want, (name, status, found)
            wrong = {f["about"] for f in found["findings"] if f["state"] != "fine"}
            assert wrong == ({about} if state != "fine" else set()), (name, wrong)
    print("%d hosts" % (len(ROWS) + 4))


if __name__ == "__main__":
    main()
