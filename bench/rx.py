#!/usr/bin/env python3
"""Datagrams a second from the wire into the rings, beside what others count on the same path in the same run.

    rx.py BENCH_RX [--quick]      one JSON line for each path, size and who; then our share of the peer's, medians

dpdk: the generator's virtio-user, the receiver's vhost; dpdk-testpmd rxonly is the peer.  pcap: the same peer, with a driver that gives the
same frames for ever, and nothing numbered: no second process is waited for, so that frames are counted by second of processor time and
other load does not matter.  kernel: loopback; loops of recvmmsg and of epoll with recv are the peers.  Turns alternate, so that what else
the machine does meets all alike.
"""
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

BENCH, QUICK = sys.argv[1], "--quick" in sys.argv
SECONDS, TURNS = ("0.5", 1) if QUICK else ("2", 5)
READY_S = 30


def wait_for(child, word):
    end = time.monotonic() + READY_S
    for line in child.stderr if word == "ready" else child.stdout:
        if word in line:
            return True
        if time.monotonic() > end:
            break
    return False


def flood(url, size):
    done = subprocess.run([BENCH, "flood", url, str(size), SECONDS], capture_output=True, text=True, timeout=60)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def ours(words, url, to, size):
    child = subprocess.Popen([BENCH, *words, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if not wait_for(child, "ready"):
            raise RuntimeError("%s did not start" % words)
        sent = flood(to, size)
        child.send_signal(signal.SIGINT)
        return sent, json.loads(child.communicate(timeout=20)[0])["datagrams"]
    finally:
        child.kill()
        child.wait()


def start_testpmd(device, buffers):
    cores = sorted(os.sched_getaffinity(0))[:2]
    ask = ["dpdk-testpmd", "-l", ",".join(map(str, cores)), "--no-pci", "--no-huge", "-m", "256", "--iova-mode=va", "--no-shconf",
           "--vdev", device,
           "--file-prefix", "benchrx%d" % os.getpid(), "--", "--forward-mode=rxonly", "--stats-period=1", "--total-num-mbufs=" + buffers,
           "--no-flush-rx"]
    return subprocess.Popen(ask, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def testpmd(folder, to, size):
    child = start_testpmd("net_vhost0,iface=%s/s,queues=1" % folder, "8192")
    try:
        if not wait_for(child, "Port statistics"):
            raise RuntimeError("dpdk-testpmd did not start")
        sent = flood(to, size)
        child.send_signal(signal.SIGINT)
        said = child.communicate(timeout=30)[0]
        return sent, max(int(n) for n in re.findall(r"RX-packets:\s+(\d+)", said))
    finally:
        child.kill()
        child.wait()


def cpu_of(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_pcap(who, size):
    folder, child = tempfile.mkdtemp(prefix="slugline-bench-"), None
    try:
        with open(folder + "/f.pcap", "wb") as f:
            f.write(subprocess.run([BENCH, "frames", str(size)], capture_output=True, check=True).stdout)
        device = "net_pcap0,rx_pcap=%s/f.pcap,infinite_rx=1" % folder
        if who == "testpmd":
            child = start_testpmd(device, "16384")
            # It says each second what it has had: from its first word to its last.
            samples = []
            for line in child.stdout:
                found = re.search(r"RX-packets:\s+(\d+)", line)
                if found:
                    samples.append((int(found.group(1)), cpu_of(child.pid)))
                if len(samples) > 1 + float(SECONDS):
                    break
            got, used = (samples[-1][i] - samples[0][i] for i in range(2))
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=30)
        else:
            child = subprocess.Popen([BENCH, "plain", "auto", "dpdk://%s/239.1.1.1:5001?join=no&descriptors=8192" % device],
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if not wait_for(child, "ready"):
                raise RuntimeError("%s did not start" % who)
            time.sleep(float(SECONDS))
            child.send_signal(signal.SIGINT)
            said = json.loads(child.communicate(timeout=30)[0])
            got, used = said["datagrams"], said["cpu_s"]
        if not used:
            raise RuntimeError("%s had no time" % who)
        return {"datagrams": got, "seconds": used}, got
    finally:
        if child:
            child.kill()
            child.wait()
        shutil.rmtree(folder)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run_dpdk(who, size):
    folder = tempfile.mkdtemp(prefix="slugline-bench-")
    try:
        to = "dpdk://net_virtio_user0,path=%s/s,queues=1,queue_size=1024,server=0/239.1.1.1:5001" % folder
        if who == "testpmd":
            return testpmd(folder, to, size)
        return ours(["take", "auto"], "dpdk://net_vhost0,iface=%s/s,queues=1/239.1.1.1:5001?join=no" % folder, to, size)
    finally:
        shutil.rmtree(folder)


def run_kernel(who, size):
    url = "udp://127.0.0.1:%d" % free_port()
    words = {"slugline-uring": ["take", "uring"], "slugline-epoll": ["take", "epoll"], "recvmmsg": ["recvmmsg"],
             "epoll-recv": ["recv"]}[who]
    return ours(words, url, url, size)


def main():
    print(subprocess.run([BENCH, "machine"], capture_output=True, text=True).stdout, end="")
    paths = [("pcap", run_pcap, ["slugline", "testpmd"], "testpmd"),
             ("dpdk", run_dpdk, ["slugline", "testpmd"], "testpmd"),
             ("kernel", run_kernel, ["slugline-uring", "slugline-epoll", "recvmmsg", "epoll-recv"], "recvmmsg")]
    for path, run, whos, peer in paths:
        if path != "kernel" and not shutil.which("dpdk-testpmd"):
            print(json.dumps({"bench": "rx", "path": path, "skipped": "dpdk-testpmd is not installed (dpdk-dev)"}))
            continue
        for size in (200, 1400):
            rates = {who: [] for who in whos}
            for _ in range(TURNS):
                for who in whos:
                    try:
                        sent, got = run(who, size)
                    except (RuntimeError, subprocess.TimeoutExpired) as why:
                        print(json.dumps({"bench": "rx", "path": path, "who": who, "size": size, "skipped": str(why)[:200]}),
                              flush=True)
                        continue
                    rates[who].append(got / sent["seconds"])
                    print(json.dumps({"bench": "rx", "path": path, "who": who, "size": size, "sent": sent["datagrams"], "received": got,
                                      "seconds": sent["seconds"], "per_s": round(got / sent["seconds"])}), flush=True)
            for who in whos:
                if rates[who] and rates[peer]:
                    print(json.dumps({"bench": "rx", "path": path, "who": who, "size": size,
                                      "median_per_s": round(statistics.median(rates[who])),
                                      "min_per_s": round(min(rates[who])), "max_per_s": round(max(rates[who])),
                                      "of_" + peer: round(statistics.median(rates[who]) / statistics.median(rates[peer]), 3)}), flush=True)


main()
