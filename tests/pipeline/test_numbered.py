#!/usr/bin/env python3
"""Lines A and B that lose, swap and delay what they bring, by different ways of receiving at once; whoever is asked again, or does not
answer.

    test_numbered.py SLUGLINE [CASE ...]

A comes over a veth by AF_XDP (as root, else by af_packet) where DPDK is there, else by the kernel; B over another by the kernel.  Runs in a
network namespace of its own; exit 77 where there is none.  Python 3.11, standard library only.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_daemon  # noqa: E402
import test_dpdk  # noqa: E402
from test_daemon import Daemon, until  # noqa: E402
from test_dpdk import gen  # noqa: E402
from test_spool import status  # noqa: E402

A, B, SERVER = "239.77.0.1:5001", "239.77.0.2:5001", "127.0.0.1:6001"
COUNT = 3000
WRONG = ("--lost", "1%", "--gone", "0.5%", "--swapped", "5%", "--doubled", "1%", "--skew", "100us")


class Roomy(Daemon):
    """Its rings hold all of a case, however seldom a busy machine lets it run."""

    def write(self, feeds, tape="16MiB", more=""):
        super().write(feeds, "64MiB", "rings: {message: 16MiB, answer: 32MiB}\n" + more)


def books(daemon):
    return status(daemon)["feeds"][0]


def ways_of_a():
    """The first of them that this host has: said, and used by all cases."""
    if os.environ.get("SLUGLINE_TEST_ROOT") == "1":
        yield "dpdk://net_af_xdp0,iface=deska/" + A
    yield "dpdk://net_af_packet0,iface=deska,blocksz=36864,framesz=9216,framecnt=512/%s?mtu=9600" % A
    yield "udp://%s?interface=deska" % A


def start(reorder):
    for way in ways_of_a():
        lines = [way, "udp://%s?interface=deskb" % B, "udp-request://" + SERVER]
        daemon = Roomy(["name: hot, format: iptc7901, framing: moldudp64, reorder: %s, lines: %s" % (reorder, json.dumps(lines))])
        if daemon.process.poll() is None:
            print("line A: " + way)
            return daemon
        print("line A is not " + " ".join(daemon.said.all()))
        daemon.__exit__()
    raise AssertionError("no way to receive")


def send(*options):
    return gen("--numbered", "--to", "udp://%s?interface=wirea" % A, "--to", "udp://%s?interface=wireb" % B, "-n", str(COUNT),
               "-r", "1500", *options)


def numbers(reader):
    """[(lane, number)] of bulletins, and [(first, count)] of gaps, in the order of the tape."""
    found, gaps = [], []
    for line in reader.out.all():
        item = json.loads(line)
        if item.get("wire", {}).get("kind") == "gap":
            gaps.append(item["wire"])
        elif "headlines" in item:
            found.append((item["wire"]["lane"], int(item["wire"]["number"])))
    return found, gaps


def settle(daemon, reader):
    """All that was sent is given or given up, answered, and read."""

    def settled():
        now = books(daemon)
        order = now.get("order", {"expected": 0, "once": 0, "lost": 0})
        return order["expected"] == COUNT == order["once"] + order["lost"] and now["framed"] == now["answered"] == order["once"]

    try:
        until("all are given or given up", settled)
    except AssertionError as error:
        raise AssertionError("%s: %s" % (error, books(daemon))) from None
    now = books(daemon)
    until("all are read", lambda: len(numbers(reader)[0]) == now["published"])
    assert now["dropped"] == 0 and now["duplicates"] == 0, now
    return now["order"]


def each_once_and_in_order(found):
    assert len(found) == len({number for _, number in found}), "a bulletin came twice"
    for lane in {lane for lane, _ in found}:
        of_lane = [number for its, number in found if its == lane]
        assert lane == "flash" or of_lane == sorted(of_lane), "%s is out of order" % lane


def what_both_lines_lost_is_asked_for_and_filled_in():
    with start("5s") as daemon:
        reader = daemon.tail("--from", "oldest", "--notices")
        sent = send(*WRONG, "--server", SERVER)
        order, found = settle(daemon, reader), numbers(reader)[0]
        lines = sent["numbered"]["lines"]
        assert all(line["lost"] > COUNT // 200 and line["swapped"] > COUNT // 40 and line["twice"] for line in lines), sent
        assert sent["numbered"]["asked"] and sent["numbered"]["answered"], sent
        assert order["lost"] == 0 and order["asked"] > 0, order
        assert books(daemon)["published"] + books(daemon)["held"] == COUNT, books(daemon)
        each_once_and_in_order(found)
        assert daemon.stop() == 0, daemon.said.all()


def with_nobody_to_ask_each_gap_is_named_in_time_and_the_feed_goes_on():
    sets = []
    for _ in range(2):
        with start("1s") as daemon:
            reader = daemon.tail("--from", "oldest", "--notices")
            sent = send(*WRONG, "-S", "77", "-z", "512B..1200B")
            order = settle(daemon, reader)
            both = order["lost"]
            assert both > 0, (sent, order)
            until("the gaps are on the tape", lambda: len(numbers(reader)[1]) == order["gaps"])
            found, gaps = numbers(reader)
            each_once_and_in_order(found)
            lost = {first + i for first, cnt in map(span, gaps) for i in range(cnt)}
            assert len(lost) == both and not lost & {number for _, number in found}, (lost, both)
            assert max(number for _, number in found) > max(lost) or COUNT in lost, "the feed goes on behind the last gap"
            sets.append((found and sorted(number for _, number in found), lost, [line["lost"] for line in sent["numbered"]["lines"]]))
            assert daemon.stop() == 0, daemon.said.all()
    assert sets[0] == sets[1], "the same seed is the same loss"


def packets(path):
    """(first number, count) of each datagram of a capture."""
    with open(path, "rb") as f:
        data = f.read()
    at, found = 24, []
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        found.append(struct.unpack_from(">QH", data, at + 16 + 14 + 20 + 8 + 10))
        at += 16 + size
    return found


def one_seed_is_one_fate_of_each_packet_however_late_the_sender_is():
    with tempfile.TemporaryDirectory(prefix="slugline-numbered-") as folder:
        sent = []
        for run, (rate, seed) in enumerate((("200000", "5"), ("20000", "5"), ("20000", "6"))):
            names = ["%s/%d%s.pcap" % (folder, run, line) for line in "ab"]
            gen("--numbered", *sum((["--to", "pcap://" + name] for name in names), []), "-n", "2000", "-r", rate, "-b", "4", "--pack", "3",
                "-z", "512B", "-S", seed, *WRONG)
            sent.append([[packet for packet in packets(name) if packet[1] not in (0, 0xFFFF)] for name in names])
        assert sent[0] == sent[1] and sent[0] != sent[2] and sent[0][0] != sent[0][1]
        a = sent[0][0]
        assert {cnt for _, cnt in a} == {1, 3}, "three of a burst of four, and the fourth"
        assert len(set(a)) < len(a) and a != sorted(a), "some came twice, and some behind the next"


def span(notice):
    return notice["first"], notice["count"]


CASES = [one_seed_is_one_fate_of_each_packet_however_late_the_sender_is, what_both_lines_lost_is_asked_for_and_filled_in,
         with_nobody_to_ask_each_gap_is_named_in_time_and_the_feed_goes_on]


def main():
    test_daemon.SLUGLINE = os.path.abspath(sys.argv[1])
    test_dpdk.into_namespace()
    for end in "ab":
        made = subprocess.run("ip link set lo up;"
                              "ip link add desk{0} type veth peer name wire{0} && ip addr add 10.7{1}.0.1/24 dev desk{0} &&"
                              "ip addr add 10.7{1}.0.2/24 dev wire{0} && ip link set desk{0} up && ip link set wire{0} up &&"
                              "for i in all desk{0}; do cd /proc/sys/net/ipv4/conf/$i; echo 0 >rp_filter; echo 1 >accept_local; done"
                              .format(end, "12"[end == "b"]), shell=True, capture_output=True)
        if made.returncode:
            print("SKIPPED: no veth here: " + made.stderr.decode())
            return 77
    for case in CASES:
        if not sys.argv[2:] or case.__name__ in sys.argv[2:]:
            case()
            print("fine: " + case.__name__, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
