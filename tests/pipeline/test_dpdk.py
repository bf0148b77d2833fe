#!/usr/bin/env python3
"""Ports of DPDK that no card stands behind: two processes without a kernel between them, and the two ends of a veth.

    test_dpdk.py SLUGLINE [CASE ...]

Runs in a network namespace of its own.  What this host cannot do is said, and skipped; exit 77 when that is all of it.  Python 3.11,
standard library only.
"""
import json
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_daemon  # noqa: E402
from test_daemon import BOUND_S, Daemon, until  # noqa: E402
from test_spool import status  # noqa: E402

GROUP = "239.77.0.1:5001"


class Skip(Exception):
    pass


def books(daemon, feed=0):
    return status(daemon)["feeds"][feed]


def gen(*options):
    made = subprocess.run([test_daemon.SLUGLINE, "gen", "--json", *options], capture_output=True, timeout=2 * BOUND_S)
    assert made.returncode == 0, made.stderr.decode()
    return json.loads(made.stdout)


def feed(line, more="format: iptc7901"):
    return 'name: hot, %s, lines: ["%s"]' % (more, line)


def cannot(daemon, *words):
    """Why a daemon that ended at once could not open its port, where that is the host's doing."""
    if daemon.process.poll() is None:
        return
    said = " ".join(daemon.said.all())
    if any(word in said for word in words):
        raise Skip(said.split(": ", 1)[-1][:160])
    raise AssertionError(said)


def no_dpdk(daemon):
    cannot(daemon, "DPDK cannot be loaded", "DPDK does not start")


def all_answered(daemon, cnt):
    """Everything that was sent has been framed, and is answered or counted as dropped."""

    def settled():
        now = books(daemon)
        return now["framed"] == cnt and now["answered"] + now["dropped"] == now["framed"]

    try:
        until("all %d are framed and answered" % cnt, settled)
    except AssertionError as error:
        raise AssertionError("%s: %s" % (error, books(daemon))) from None


def balanced(daemon):
    until("the books balance", lambda: status(daemon).get("balanced") is True)


def two_processes_by_vhost():
    folder = "/tmp/slugline-vhost-%d" % os.getpid()
    os.mkdir(folder)
    try:
        vhost = "net_vhost0,iface=%s/s,queues=1" % folder
        user = "net_virtio_user0,path=%s/s,queues=1,queue_size=1024,server=0" % folder
        with Daemon([feed("dpdk://%s/%s" % (vhost, GROUP))]) as daemon:
            no_dpdk(daemon)
            to = "dpdk://%s/%s" % (user, GROUP)
            for again in range(2):
                sent = gen("--to", to, "-n", "500", "-r", "2000", "-S", str(again), "-w", "abc"[again])
                assert sent["lines"][0]["refused"] == 0, sent
                all_answered(daemon, 500 * (again + 1))
            # A peer that dies in the middle leaves whole datagrams and pieces; the next one is heard as if nothing had been.
            dying = subprocess.Popen([test_daemon.SLUGLINE, "gen", "--to", to, "-d", "20s", "-r", "2000", "-S", "9"],
                                     stdout=subprocess.DEVNULL)
            until("the dying peer is heard", lambda: books(daemon)["framed"] > 1100)
            dying.send_signal(signal.SIGKILL)
            dying.wait(BOUND_S)
            heard = lambda: books(daemon)["framed"]
            before = -1
            while before != heard():
                before = heard()
            gen("--to", to, "-n", "500", "-r", "2000", "-S", "3", "-w", "late")
            all_answered(daemon, before + 500)
            balanced(daemon)
            assert daemon.stop() == 0, daemon.said.all()
    finally:
        shutil.rmtree(folder)


def two_processes_by_memif():
    folder = "/tmp/slugline-memif-%d" % os.getpid()
    os.mkdir(folder)
    try:
        mine = "net_memif0,role=server,socket=%s/s,socket-abstract=no" % folder
        its = "net_memif0,role=client,socket=%s/s,socket-abstract=no" % folder
        with Daemon([feed("dpdk://%s/%s" % (mine, "[ff05::77]:5001"))]) as daemon:
            no_dpdk(daemon)
            # Its driver may crash who survives its peer: the daemon leaves first, and the peer is killed.
            sender = subprocess.Popen(
                [test_daemon.SLUGLINE, "gen", "--to", "dpdk://%s/[ff05::77]:5001" % its, "-d", "20s", "-r", "2000"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                until("a thousand stories are published", lambda: books(daemon)["published"] > 1000)
                assert books(daemon)["capture"]["bad"] == 0, books(daemon)
                assert daemon.stop() == 0, daemon.said.all()
            finally:
                sender.kill()
                sender.wait(BOUND_S)
    finally:
        shutil.rmtree(folder)


def veth():
    made = subprocess.run("ip link add desk type veth peer name wire && ip addr add 10.77.0.2/24 dev wire &&"
                          "ip link set desk up && ip link set wire up", shell=True, capture_output=True)
    if made.returncode:
        raise Skip("no veth here: " + made.stderr.decode().strip())


def unveth():
    subprocess.run("ip link del desk", shell=True, capture_output=True)


def by_veth(device, keys=""):
    """The kernel of the agency sends, fragments among it, and so does a port of DPDK's; then datagrams that are not ours."""
    veth()
    try:
        with Daemon([feed("dpdk://%s/%s%s" % (device, GROUP, keys))]) as daemon:
            cannot(daemon, "DPDK cannot be loaded", "DPDK does not start", "cannot be opened", "cannot be configured", "cannot be started",
                   "no port of DPDK's")
            gen("--to", "udp://%s?interface=wire" % GROUP, "-n", "500", "-r", "1000", "-w", "kernel")
            all_answered(daemon, 500)
            other = books(daemon)["capture"]["other"]
            gen("--to", "udp://239.77.0.1:5002?interface=wire", "-n", "100", "-r", "1000", "-z", "512B", "-S", "4")
            until("those to another port are counted", lambda: books(daemon)["capture"]["other"] >= other + 100)
            gen("--to", "dpdk://net_af_packet1,iface=wire/%s" % GROUP, "-n", "500", "-r", "1000", "-w", "dpdk", "-S", "2")
            all_answered(daemon, 1000)
            now = books(daemon)
            assert now["capture"]["bad"] == 0 and now["capture"]["fragmentsLost"] == 0, now
            balanced(daemon)
            assert daemon.stop() == 0, daemon.said.all()
    finally:
        unveth()


def a_veth_by_af_packet():
    # Its driver has the kernel put fragments together: what it hands over is as long as a story.
    by_veth("net_af_packet0,iface=desk,blocksz=36864,framesz=9216,framecnt=512", "?mtu=9600")


def a_veth_by_af_xdp():
    if os.environ.get("SLUGLINE_TEST_ROOT") != "1":
        raise Skip("AF_XDP wants root")
    by_veth("net_af_xdp0,iface=desk")


def a_capture_by_its_driver_brings_the_stamps_of_the_capture():
    folder = "/tmp/slugline-pcap-%d" % os.getpid()
    os.mkdir(folder)
    try:
        gen("--to", "pcap://%s/a.pcap?to=%s" % (folder, GROUP), "-n", "200", "-r", "100000", "-z", "512B..1200B")
        with Daemon([feed("dpdk://net_pcap0,rx_pcap=%s/a.pcap/%s" % (folder, GROUP))]) as daemon:
            no_dpdk(daemon)
            reader = daemon.tail("--from", "oldest")
            until("all are published", lambda: books(daemon)["published"] + books(daemon)["held"] == 200)
            items = lambda: [item for item in map(json.loads, reader.out.all()) if "headlines" in item]
            until("and read", lambda: len(items()) == books(daemon)["published"])
            assert {item["wire"]["receipt"]["source"] for item in items()} == {"capture"}, items()[0]
            assert daemon.stop() == 0, daemon.said.all()
    finally:
        shutil.rmtree(folder)


def a_device_that_is_not_there_stops_the_start_and_is_named():
    with Daemon([feed("dpdk://net_af_packet0,iface=nowhere/%s" % GROUP)]) as daemon:
        until("it ends", lambda: daemon.process.poll() is not None)
        said = " ".join(daemon.said.all())
        if "DPDK cannot be loaded" in said:
            raise Skip(said)
        assert daemon.process.poll() != 0 and "net_af_packet0" in said, said


def the_demo_by_dpdk_needs_no_root_and_its_books_balance():
    ask = [test_daemon.SLUGLINE, "demo", "--dpdk", "--json", "--for", "1s", "--rate", "1000"]
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for user in (nobody, []):
        if user and subprocess.run([*user, test_daemon.SLUGLINE, "--help"], capture_output=True).returncode:
            print("SKIPPED as nobody: who runs this cannot become somebody else, or nobody may not read the build")
            continue
        done = subprocess.run([*user, *ask], capture_output=True, text=True, timeout=4 * BOUND_S)
        if "DPDK cannot be loaded" in done.stderr:
            raise Skip(done.stderr)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        by_port = said["feeds"][1]
        assert said["balanced"] and by_port["name"] == "dpdk" and by_port["sent"] == by_port["received"] == 200, said
        print("as " + ("nobody" if user else "whoever runs this"))


CASES = [
    two_processes_by_vhost,
    two_processes_by_memif,
    a_veth_by_af_packet,
    a_veth_by_af_xdp,
    a_capture_by_its_driver_brings_the_stamps_of_the_capture,
    a_device_that_is_not_there_stops_the_start_and_is_named,
    the_demo_by_dpdk_needs_no_root_and_its_books_balance,
]


def into_namespace():
    """As root a namespace of the network; else one where we are root, for all but AF_XDP."""
    if os.environ.get("SLUGLINE_TEST_INSIDE"):
        return
    for root, options in ((True, "-nm"), (False, "-Urnm")):
        if subprocess.run(["unshare", options, "true"], capture_output=True).returncode == 0:
            os.environ["SLUGLINE_TEST_INSIDE"] = "1"
            os.environ["SLUGLINE_TEST_ROOT"] = "1" if root else "0"
            os.execvp("unshare", ["unshare", options, sys.executable, *sys.argv])
    print("SKIPPED: no network namespaces for this user here")
    sys.exit(77)


def main():
    test_daemon.SLUGLINE = os.path.abspath(sys.argv[1])
    into_namespace()
    subprocess.run("ip link set lo up", shell=True, check=False)
    skipped = 0
    wanted = [case for case in CASES if not sys.argv[2:] or case.__name__ in sys.argv[2:]]
    for case in wanted:
        try:
            case()
            print("fine: " + case.__name__, flush=True)
        except Skip as why:
            skipped += 1
            print("SKIPPED: %s: %s" % (case.__name__, why), flush=True)
    return 77 if skipped == len(wanted) else 0


if __name__ == "__main__":
    sys.exit(main())
