#!/usr/bin/env python3
"""The whole walk, from the wire to readers, disk and sockets: rates beside a relay that parses nothing, and latencies from when a message
was due, stage by stage.

    walk.py BENCH_WALK SLUGLINE [--quick] [--hgrm FOLDER] [--only GROUP,...]     one JSON line a case

Groups:
  limits   what the machine can do at all
  stages   what each stage costs on one thread, and the walk to the tape beside parsing alone
  rate     IPTC 7901 over TCP, parsed, to shared memory, TCP and the journal; syslog-ng relays lines of as many bytes to a file and TCP
  latency  at 10, 50, 80, 95 % of the rate: steady, in bursts of 10,000, mixed sizes; every message counts from when it was due
  wake     a message after a silence: who sleeps and who spins, beside a bare blocking recvmmsg
  ping     wire to reader over a vhost port, one thread sends and looks; beside a loop that only reads the clock
  scale    by processors, lines and sizes: what bench/model is checked against
  slowed   a stage that is made two microseconds slower on purpose: is it the one that grew?

Whoever sends keeps its schedule and sends late rather than less, so that no stall is left out.  Turns alternate.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ITEM = 2048
READY_S, END_S = 30, 60
GROUPS = ("limits", "stages", "rate", "latency", "wake", "ping", "scale", "slowed")


def tell(**fact):
    print(json.dumps({"bench": "walk", **fact}), flush=True)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def spread(values):
    return {"median": round(statistics.median(values), 4), "min": round(min(values), 4), "max": round(max(values), 4),
            "samples": len(values)}


class Child:
    """A word of bench_walk that says "ready" on standard error, or another program."""

    def __init__(self, command, cores=None, wait=True):
        self.command = [str(word) for word in command]
        taskset = ["taskset", "-c", cores] if cores else []
        self.process = subprocess.Popen([*taskset, *self.command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True)
        if wait:
            self.wait_for("ready")

    def wait_for(self, word):
        if not any(word in line for line in self.process.stderr):
            raise RuntimeError("%s was never %s" % (self.command[:3], word))

    def result(self):
        out, err = self.process.communicate(timeout=END_S)
        if self.process.returncode:
            raise RuntimeError("%s: %s" % (self.command[:3], err[-300:]))
        return json.loads(out)

    def end(self, how=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Suite:
    def __init__(self, args):
        self.bench, self.slugline, self.quick = args.bench, args.slugline, args.quick
        self.hgrm = pathlib.Path(args.hgrm) if args.hgrm else None
        self.turns = 3 if args.quick else 7
        self.cnt = 20000 if args.quick else 100000
        self.seconds = 0.5 if args.quick else 2.0
        self.rate = None

    def word(self, *words, cores=None, wait=True):
        return Child([self.bench, *words], cores, wait)

    @contextlib.contextmanager
    def daemon(self, feeds, journal=False, sink=False, idle="50us", cores=None, threads=None, dpdk=False):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="slugline-bench-", dir="/tmp"))
        port = free_port()
        config = ["node: bench", "idle: %s" % idle,
                  'tape: {name: bench, size: 256MiB, raw: 256MiB, hold: 1MiB, window: 1048576, socket: "%s/tape.sock"}' % folder]
        if threads:
            config.append("threads:\n" + "\n".join("- " + thread for thread in threads))
        if journal:
            config.append('journal: {directory: "%s/journal"}' % folder)
        config.append("feeds:\n" + "\n".join("- " + feed for feed in feeds))
        if sink:
            config.append('sinks:\n- {name: fan, type: tcp, listen: "127.0.0.1:%d", state: "%s/state"}' % (port, folder))
        (folder / "slugline.yaml").write_text("\n".join(config) + "\n")
        log = open(folder / "log", "w", encoding="utf-8")
        taskset = ["taskset", "-c", cores] if cores else []
        process = subprocess.Popen([*taskset, self.slugline, "run", "-c", str(folder / "slugline.yaml")], stdout=log, stderr=log)
        try:
            yield folder, str(folder / "tape.sock"), port
            if process.poll() is not None:
                raise RuntimeError("the daemon ended: " + (folder / "log").read_text()[-500:])
        except Exception as why:
            raise RuntimeError("%s; the daemon said: %s" % (why, (folder / "log").read_text()[-500:])) from why
        finally:
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()
            shutil.rmtree(folder)

    # ---- rate ----

    def ours(self, cnt, size=ITEM, journal=True, sink=True, frames=True, lines=1, cores=None):
        """Messages a second, from the first byte sent until the last consumer has the last one."""
        ports = [free_port() for _ in range(lines)]
        feeds = ['{name: f%d, format: iptc7901, framing: control, lines: ["tcp-listen://127.0.0.1:%d"]}' % (i, port)
                 for i, port in enumerate(ports)]
        with self.daemon(feeds, journal, sink, cores=cores) as (_, path, fan):
            total = cnt // lines * lines
            reader = self.word("read", path, "count", total, cores=cores)
            drain = self.word("drain", fan, "dial", "frames" if frames else "lines", total, cores=cores) if sink else None
            floods = [self.word("flood", port, "control", size, cnt // lines, cores=cores, wait=False) for port in ports]
            sent = [flood.result() for flood in floods]
            read = reader.result()
            ends = [read["end_ns"], read["durable_ns"]] + ([drain.result()["end_ns"]] if drain else [])
            if read["read"] != total or (journal and not read["durable_ns"]):
                raise RuntimeError("%d of %d were read" % (read["read"], total))
            return total * 1e9 / (max(ends) - min(one["begin_ns"] for one in sent))

    def syslog_ng(self, cnt, size=ITEM):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="slugline-bench-", dir="/tmp"))
        source, target = free_port(), free_port()
        (folder / "conf").write_text("""@version: %s
options { threaded(yes); flush-lines(200); log-fifo-size(40000); stats-freq(0); };
source s { network(ip("127.0.0.1") port(%d) transport("tcp") flags(no-parse) log-msg-size(65536) log-iw-size(20000)
           log-fetch-limit(200)); };
destination f { file("%s/out" template("$MSG\\n")); };
destination t { network("127.0.0.1" port(%d) template("$MSG\\n")); };
log { source(s); destination(f); destination(t); flags(flow-control); };
""" % (self.syslog_version(), source, folder, target))
        relay = None
        drain = self.word("drain", target, "listen", "lines", cnt)
        try:
            relay = subprocess.Popen(["syslog-ng", "-F", "--no-caps", "-f", folder / "conf", "-p", folder / "pid", "-c", folder / "ctl",
                                      "-R", folder / "persist"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            drain.wait_for("joined")
            sent = self.word("flood", source, "lines", size, cnt, wait=False).result()
            return cnt * 1e9 / (drain.result()["end_ns"] - sent["begin_ns"])
        finally:
            if relay:
                relay.terminate()
                relay.wait(20)
            drain.end()
            shutil.rmtree(folder)

    @staticmethod
    def syslog_version():
        said = subprocess.run(["syslog-ng", "--version"], capture_output=True, text=True).stdout
        return re.search(r"Config version: (\S+)", said).group(1)

    def rates(self):
        ways = {"slugline": lambda: self.ours(self.cnt),
                "slugline, json to TCP": lambda: self.ours(self.cnt, frames=False),
                "slugline without journal": lambda: self.ours(self.cnt, journal=False),
                "slugline, shared memory only": lambda: self.ours(self.cnt, journal=False, sink=False)}
        if shutil.which("syslog-ng"):
            ways["syslog-ng"] = lambda: self.syslog_ng(self.cnt)
        else:
            tell(group="rate", skipped="syslog-ng is not installed (syslog-ng-core)")
        values = {who: [] for who in ways}
        for turn in range(self.turns + 1):
            for who, run in ways.items():
                rate = run()
                if turn:  # the first fills caches and the disk's files
                    values[who].append(rate)
        for who, rates in values.items():
            tell(group="rate", who=who, size=ITEM, unit="messages/s", **spread(rates))
            for peer, at_least in (("syslog-ng", 2.5), ("slugline without journal", 0.85)):
                if who == "slugline" and values.get(peer):
                    ratio = spread([one / other for one, other in zip(rates, values[peer])])
                    tell(group="rate", who=who, size=ITEM, unit="times " + peer, goal=at_least, **ratio)
        self.rate = statistics.median(values["slugline, shared memory only"])

    # ---- latency ----

    def latencies(self):
        if not self.rate:
            self.rate = statistics.median([self.ours(self.cnt, journal=False, sink=False) for _ in range(3)])
        shapes = [("steady", "2KiB", 1), ("mixed sizes", "512B..8KiB", 1), ("bursts of 10,000", "2KiB", 10000)]
        for share in (10, 50, 80, 95):
            for shape, size, burst in shapes:
                self.one_latency(share, shape, size, burst)

    def send(self, url, rate, cnt, size="2KiB", burst=1):
        """By the schedule; what it says of itself at the end."""
        return Child([self.slugline, "gen", "--to", url, "--rate", rate, "--burst", burst, "--count", cnt, "--size", size, "--json"],
                     wait=False).result()

    def one_latency(self, share, shape, size, burst):
        rate = max(int(self.rate * share / 100), 100)
        cnt = max(int(rate * self.seconds), 2 * burst if burst > 1 else 200)
        port = free_port()
        feed = '{name: wire, format: iptc7901, framing: control, lines: ["tcp-listen://127.0.0.1:%d"]}' % port
        stem = self.hgrm / ("walk-%d-%s" % (share, re.sub(r"\W+", "-", shape))) if self.hgrm else None
        with self.daemon([feed]) as (_, path, _fan):
            reader = self.word("read", path, "sleep", cnt, *([stem] if stem else []))
            sent = self.send("tcp://127.0.0.1:%d" % port, rate, cnt, size, burst)
            read = reader.result()
        tell(group="latency", load_percent=share, shape=shape, per_s=rate, sent=sent["made"], read=read["read"], sender_late=sent["late"],
             due=read["due"], stages=read["stages"])

    # ---- the first message after a silence ----

    def wakes(self):
        """A bare program has one sleeper to wake; the daemon has its own threads, and then its reader's."""
        rate, cnt = 500, 250 if self.quick else 2000
        alone = ["{stages: [rx, decode, desk, waker]}"]
        ways = {"bare recvmmsg": None,
                "slugline adaptive": ("50us", None, "sleep"),
                "slugline adaptive, one thread, reader spins": ("50us", alone, "spin"),
                "slugline spin, one thread, reader sleeps": ("spin", alone, "sleep")}
        values = {who: [] for who in ways}
        for turn in range(1 if self.quick else 3):
            for who, way in ways.items():
                due = self.one_wake(way, rate, cnt)
                values[who].append(due["p50"])
                if not turn:
                    tell(group="wake", who=who, per_s=rate, due=due)
        for who, p50s in values.items():
            tell(group="wake", who=who, unit="ns from due, p50", **spread(p50s))
            if who != "bare recvmmsg":
                goal = {"goal_at_most": 1.2} if who.startswith("slugline adaptive, one thread") else {}
                ratio = [one / bare for one, bare in zip(p50s, values["bare recvmmsg"])]
                tell(group="wake", who=who, unit="times a bare recvmmsg, p50", **goal, **spread(ratio))

    def one_wake(self, way, rate, cnt):
        url = "udp://127.0.0.1:%d" % free_port(socket.SOCK_DGRAM)
        if not way:
            bare = self.word("bare", url.rsplit(":", 1)[1], cnt)
            self.send(url, rate, cnt)
            return bare.result()["due"]
        idle, threads, reading = way
        with self.daemon(['{name: wire, format: iptc7901, lines: ["%s"]}' % url], idle=idle, threads=threads) as (_, path, _fan):
            reader = self.word("read", path, reading, cnt)
            self.send(url, rate, cnt)
            return reader.result()["due"]["all"]

    # ---- one thread sends and looks ----

    def pings(self):
        cores = sorted(os.sched_getaffinity(0))
        cnt, gap_ns = (1000, 200000) if self.quick else (10000, 200000)
        clock = self.word("clock", 500000000, wait=False).result()
        tell(group="ping", who="a loop that reads the clock", gaps=clock["gaps"])
        if len(cores) < 2:
            tell(group="ping", skipped="one processor only")
            return
        thread = ["{core: %d, stages: [rx, decode, desk, waker]}" % cores[1]]
        for path_name in ("vhost", "udp"):
            folder = tempfile.mkdtemp(prefix="slugline-bench-", dir="/tmp")
            try:
                if path_name == "vhost":
                    line = "dpdk://net_vhost0,iface=%s/s,queues=1/239.1.1.1:5001?join=no" % folder
                    url = "dpdk://net_virtio_user0,path=%s/s,queues=1,queue_size=1024,server=0/239.1.1.1:5001" % folder
                else:
                    line = url = "udp://127.0.0.1:%d" % free_port(socket.SOCK_DGRAM)
                with self.daemon(['{name: wire, format: iptc7901, lines: ["%s"]}' % line], idle="spin", threads=thread) as (_, path, _fan):
                    said = self.word("ping", url, path, cnt, gap_ns, 1024, wait=False).result()
                tell(group="ping", who="slugline over " + path_name, idle="spin", **said)
                tell(group="ping", who="slugline over " + path_name, unit="ns beyond decoding, p50", goal_at_most=2000,
                     median=said["whole"]["p50"] - said["decode"]["p50"])
            except RuntimeError as why:
                tell(group="ping", who="slugline over " + path_name, skipped=str(why)[-300:])
            finally:
                shutil.rmtree(folder)

    # ---- how it grows ----

    def scales(self):
        cores = [str(core) for core in sorted(os.sched_getaffinity(0))]
        turns = 1 if self.quick else 3
        cases = [(1, 1, ITEM), (len(cores), 1, ITEM), (len(cores), 2, ITEM), (len(cores), 4, ITEM), (len(cores), 1, 512),
                 (len(cores), 1, 8192), (len(cores), 1, 32768)]
        for core_cnt, lines, size in dict.fromkeys(cases):
            cnt = max(int(self.cnt * ITEM / max(size, ITEM)), 4000)
            rates = [self.ours(cnt, size, journal=False, sink=False, lines=lines, cores=",".join(cores[:core_cnt])) for _ in range(turns)]
            tell(group="scale", cores=core_cnt, lines=lines, size=size, unit="messages/s", **spread(rates))

    def slowed(self):
        """In turn with a run in which nothing is slowed, since other work on the machine slows all of them."""
        def costs(stage):
            said = subprocess.run([self.bench + "_slow", "stages", "iptc7901", "2048", "3"], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, "SLUGLINE_SLOW_STAGE": stage})
            rows = [json.loads(line) for line in said.stdout.splitlines()]
            return {row["stage"]: row["min"] for row in rows if row["unit"] == "ns"}
        for stage in ("frame", "decode", "desk"):
            growths = []
            for _ in range(3):
                before, after = costs("none"), costs(stage)
                growths.append({name: after[name] - before[name] for name in ("frame", "decode", "desk")})
            growth = {name: statistics.median(one[name] for one in growths) for name in growths[0]}
            grew = max(growth, key=growth.get)
            tell(group="slowed", stage=stage, grew=grew, by_ns=round(growth[grew]))
            if grew != stage:
                raise RuntimeError("%s was slowed, and %s seems to have grown" % (stage, grew))

    # ---- words of bench_walk that print lines ----

    def lines_of(self, group, *words):
        said = subprocess.run([self.bench, *words], capture_output=True, text=True, timeout=120)
        if said.returncode:
            raise RuntimeError(said.stderr)
        for line in said.stdout.splitlines():
            tell(group=group, **json.loads(line))

    def limits(self):
        self.lines_of("limits", "limits")

    def stages(self):
        rounds = "5" if self.quick else "15"
        for name, size in (("iptc7901", "512"), ("iptc7901", "2048"), ("iptc7901", "8192"), ("iptc7901", "32768"), ("nitf", "8192")):
            self.lines_of("stages", "stages", name, size, rounds)


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("bench")
    parse.add_argument("slugline")
    parse.add_argument("--quick", action="store_true")
    parse.add_argument("--hgrm")
    parse.add_argument("--only", default=",".join(GROUPS))
    args = parse.parse_args()
    suite = Suite(args)
    chosen = args.only.split(",")
    for group in chosen:
        if group not in GROUPS:
            parse.error("%s is none of %s" % (group, ", ".join(GROUPS)))
    print(subprocess.run([args.bench, "machine"], capture_output=True, text=True).stdout, end="", flush=True)
    runs = {"limits": suite.limits, "stages": suite.stages, "rate": suite.rates, "latency": suite.latencies, "wake": suite.wakes,
            "ping": suite.pings, "scale": suite.scales, "slowed": suite.slowed}
    failed = 0
    for group in GROUPS:
        if group not in chosen:
            continue
        try:
            runs[group]()
        except (RuntimeError, subprocess.TimeoutExpired) as why:
            tell(group=group, failed=str(why)[-600:])
            failed = 1
    return failed


sys.exit(main())
