#!/usr/bin/env python3
"""Traffic that none of us wrote: a capture made by scapy, sent by tcpreplay into a veth, received by DPDK and by the kernel at once, and
played from the file: the same bulletins by all three.

    test_third_party.py SLUGLINE

Runs in a network namespace of its own; exit 77 where there is none, or no tcpreplay or scapy.  Python 3.11; scapy (python3-scapy).
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_daemon  # noqa: E402
import test_dpdk  # noqa: E402
from test_daemon import message, until  # noqa: E402
from test_numbered import Roomy  # noqa: E402
from test_spool import status  # noqa: E402

GROUP, PORT, COUNT = "239.77.0.1", 5001, 300
# Run by the system's own Python, for which Debian packs scapy.
WRITE = r"""
import json, sys
from scapy.all import Ether, ARP, IP, UDP, TCP, Raw, fragment, wrpcap
packets, group, port = [], sys.argv[2], int(sys.argv[3])
for i, text in enumerate(json.load(sys.stdin)):
    head = Ether(src="02:00:00:00:00:09", dst="01:00:5e:4d:00:01")
    whole = IP(src="10.77.0.9", dst=group, id=i + 1, ttl=3) / UDP(sport=4000, dport=port) / Raw(text.encode("latin-1"))
    packets += [head / piece for piece in (fragment(whole, fragsize=600) if len(text) > 1200 else [whole])]
    packets.append(Ether() / ARP(pdst="10.77.0.1"))
    packets.append(Ether(dst="01:00:5e:4d:00:01") / IP(src="10.77.0.9", dst=group) / UDP(sport=4000, dport=port + 1) / Raw(b"no"))
    packets.append(Ether() / IP(src="10.77.0.9", dst="10.77.0.1") / TCP(sport=5, dport=port) / Raw(b"nor this"))
wrpcap(sys.argv[1], packets)
"""


def messages():
    for i in range(COUNT):
        yield message(i + 1, "A line of it, and another. " * (i % 12 * 20 + 1)).decode("latin-1")


def bulletins(reader):
    found = []
    for line in reader.out.all():
        item = json.loads(line)
        if "headlines" in item:
            for place in ("receipt", "seq", "epoch", "arrival", "rawSeq"):
                item["wire"].pop(place, None)
            found.append(json.dumps(item, sort_keys=True))
    return sorted(found)


def books(daemon):
    return status(daemon)["feeds"][0]


def skip(why):
    print("SKIPPED: " + why)
    sys.exit(77)


def main():
    test_daemon.SLUGLINE = os.path.abspath(sys.argv[1])
    if not shutil.which("tcpreplay"):
        skip("tcpreplay is not installed")
    if subprocess.run(["/usr/bin/python3", "-c", "import scapy"], capture_output=True).returncode:
        skip("scapy is not installed")
    test_dpdk.into_namespace()
    made = subprocess.run("ip link set lo up; ip link add desk type veth peer name wire && ip addr add 10.77.0.1/24 dev desk &&"
                          "ip link set desk up && ip link set wire up &&"
                          "for i in all desk; do echo 0 >/proc/sys/net/ipv4/conf/$i/rp_filter; done", shell=True, capture_output=True)
    if made.returncode:
        skip("no veth here: " + made.stderr.decode())
    with tempfile.TemporaryDirectory(prefix="slugline-third-") as folder:
        pcap = folder + "/their.pcap"
        subprocess.run(["/usr/bin/python3", "-c", WRITE, pcap, GROUP, str(PORT)], input=json.dumps(list(messages())).encode(), check=True,
                       capture_output=True, timeout=60)
        # af_packet hears beside the kernel; AF_XDP would leave it nothing.
        lines = ["dpdk://net_af_packet0,iface=desk,blocksz=36864,framesz=9216,framecnt=512/%s:%d?mtu=9600" % (GROUP, PORT),
                 "udp://%s:%d?interface=desk" % (GROUP, PORT), "pcap://%s?to=%s:%d&speed=max" % (pcap, GROUP, PORT)]
        with contextlib.ExitStack() as stack:
            # A daemon each, since one would take what comes thrice for duplicates.
            daemons = [stack.enter_context(Roomy(["name: theirs, format: iptc7901, framing: datagram, lines: " + json.dumps([line])]))
                       for line in lines]
            test_dpdk.cannot(daemons[0], "DPDK cannot be loaded", "cannot be opened", "no port of DPDK's")
            readers = [daemon.tail("--from", "oldest") for daemon in daemons]
            sent = subprocess.run(["tcpreplay", "-i", "wire", "--pps=2000", pcap], capture_output=True, text=True, timeout=60)
            assert sent.returncode == 0, sent.stderr
            try:
                until("all is published", lambda: [books(daemon)["published"] for daemon in daemons] == [COUNT] * 3)
            except AssertionError as error:
                raise AssertionError("%s: %s" % (error, [books(daemon) for daemon in daemons])) from None
            until("and read", lambda: [len(bulletins(reader)) for reader in readers] == [COUNT] * 3)
            found = [bulletins(reader) for reader in readers]
            assert found[0] == found[1] == found[2], [f[:1] for f in found]
            now = books(daemons[0])
            assert now["capture"]["bad"] == 0 and now["capture"]["other"] >= 2 * COUNT and now["rejected"] == 0, now
            for daemon in daemons:
                assert daemon.stop() == 0, daemon.said.all()
    print("%d bulletins, the same by a port of DPDK's, by the kernel, and from the file" % COUNT)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except test_dpdk.Skip as why:
        skip(str(why))
