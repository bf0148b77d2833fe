#!/usr/bin/env python3
"""The same messages by datagrams, TCP, files and captures: the same bulletins, but for receipts.

    test_sources.py SLUGLINE SOURCE_ROOT [CASE ...]

Python 3.11, standard library only.  Real agencies' samples are used where ../shared has them.
"""
import glob
import json
import os
import random
import socket
import struct
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_daemon  # noqa: E402
from test_daemon import Daemon, dial, free_port, until  # noqa: E402
from test_spool import gen, put, status  # noqa: E402

ROOT = ""
DATAGRAM_MAX = 60000
AGENCY, US = bytes([192, 0, 2, 10]), bytes([192, 0, 2, 20])


def corpus():
    found = sorted(glob.glob(os.path.join(ROOT, "tests/wire/*/*.wire")))
    real = sorted(glob.glob(os.path.join(ROOT, "../shared/wire-corpus/*/*")))
    if not real:
        print("note: no ../shared/wire-corpus here; only samples of our own")
    messages = []
    for path in found + real:
        with open(path, "rb") as f:
            message = f.read()
        if 0 < len(message) <= DATAGRAM_MAX:
            messages.append(message)
    assert len(messages) > 30, len(messages)
    return messages


# ---- captures ----


def ip4(payload, protocol, number, off=0, more=False):
    place = off // 8 | (0x2000 if more else 0)
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), number & 0xFFFF, place, 64, protocol, 0)
    return bytes(12) + b"\x08\x00" + head + AGENCY + US + payload


def tcp(at, data, flags=0x18, first=1):
    return ip4(struct.pack(">HHIIBBHHH", 7901, 33000, (first + at) & 0xFFFFFFFF, 0, 0x50, flags, 0, 0, 0) + data, 6, at)


def datagram_frames(message, number):
    whole = struct.pack(">HHHH", 4000, 5001, 8 + len(message), 0) + message
    pieces = [whole[at : at + 1480] for at in range(0, len(whole), 1480)]
    if len(pieces) == 1:
        return [ip4(whole, 17, number)]
    frames = [ip4(piece, 17, number, i * 1480, i + 1 < len(pieces)) for i, piece in enumerate(pieces)]
    random.Random(number).shuffle(frames)
    return frames


def segment_frames(stream):
    """Out of order, doubled and overlapping, and the sequence numbers wrap."""
    dice, first = random.Random(7), 0xFFFFF000
    frames, at = [], 0
    while at < len(stream):
        size = dice.randint(1, 1460)
        frames.append(tcp(1 + at, stream[at : at + size + dice.randint(0, 100)], first=first))
        if dice.random() < 0.1:
            frames.append(frames[-1])
        at += size
    for i in range(0, len(frames) - 4, 4):
        part = frames[i : i + 4]
        dice.shuffle(part)
        frames[i : i + 4] = part
    return [tcp(0, b"", 2, first), *frames, tcp(1 + len(stream), b"", 17, first)]


def write_pcap(path, frames, start_ns):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHIIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
        for i, frame in enumerate(frames):
            s, ns = divmod(start_ns + i * 1000, 10**9)
            f.write(struct.pack("<IIII", s, ns, len(frame), len(frame)) + frame)


def write_pcapng(path, frames, start_ns):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(">II", kind, len(body) + 12) + body + struct.pack(">I", len(body) + 12)

    with open(path, "wb") as f:
        f.write(block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1)))
        f.write(block(1, struct.pack(">HHI", 1, 0, 0) + struct.pack(">HHB3x", 9, 1, 9) + bytes(4)))
        for i, frame in enumerate(frames):
            ns = start_ns + i * 1000
            f.write(block(6, struct.pack(">IIIII", 0, ns >> 32, ns & 0xFFFFFFFF, len(frame), len(frame)) + frame))


# ---- what came of them ----


def lengths(messages):
    return b"".join(struct.pack(">I", len(message)) + message for message in messages)


def bulletins(reader):
    found = []
    for line in reader.out.all():
        item = json.loads(line)
        if "headlines" not in item and "wire" not in item:
            continue
        for place in ("receipt", "seq", "epoch", "arrival", "verdict", "rawSeq"):
            item["wire"].pop(place, None)
        found.append(json.dumps(item, sort_keys=True))
    return sorted(found)


def run(lines, framing, messages, send):
    """Bulletins and sums of a daemon that was given these."""
    feed = 'name: wire, format: auto, timezone: UTC, lines: ["%s"], framing: %s' % (lines, framing)
    with Daemon([feed]) as daemon:
        reader = daemon.tail("--from", "oldest")
        send(daemon)
        books = lambda: status(daemon)["feeds"][0]
        until("%s: all are answered" % lines, lambda: books()["answered"] == len(messages))
        until("%s: all are read" % lines, lambda: len(bulletins(reader)) == books()["published"])
        sums = {name: books()[name] for name in ("framed", "rejected", "said", "published", "duplicates", "dropped")}
        found = bulletins(reader)
        assert daemon.stop() == 0, daemon.said.all()
        return found, sums


def send_datagrams(port, messages):
    def send(daemon):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for i, message in enumerate(messages):
                out.sendto(message, ("127.0.0.1", port))
                until("it is taken", lambda i=i: status(daemon)["feeds"][0]["framed"] > i) if i % 20 == 19 else None

    return send


def send_stream(port, messages):
    def send(_):
        with dial(port) as out:
            out.sendall(lengths(messages))

    return send


def send_files(folder, messages):
    def send(_):
        for i, message in enumerate(messages):
            put(folder, "m%04d" % i, message)

    return send


def the_same_messages_by_every_way_are_the_same_bulletins():
    messages = corpus()
    start_ns = time.time_ns()
    with test_daemon.tempfile.TemporaryDirectory(prefix="slugline-sources-") as folder:
        nothing = lambda _: None
        pcap, pcapng, spool = (os.path.join(folder, name) for name in ("datagrams.pcap", "stream.pcapng", "spool"))
        os.mkdir(spool)
        write_pcap(pcap, [frame for i, m in enumerate(messages) for frame in datagram_frames(m, i)], start_ns)
        write_pcapng(pcapng, segment_frames(lengths(messages)), start_ns)
        udp_port, tcp_port = free_port(), free_port()
        ways = {
            "udp": run("udp://127.0.0.1:%d" % udp_port, "datagram", messages, send_datagrams(udp_port, messages)),
            "tcp": run("tcp-listen://127.0.0.1:%d" % tcp_port, "length32", messages, send_stream(tcp_port, messages)),
            "spool": run("spool://" + spool, "file", messages, send_files(spool, messages)),
            "pcap, datagrams": run("pcap://%s?speed=max&to=192.0.2.20:5001" % pcap, "datagram", messages, nothing),
            "pcapng, stream": run("pcap://%s?speed=max&from=:7901&proto=tcp" % pcapng, "length32", messages, nothing),
        }
    first, first_sums = ways["tcp"]
    assert len(first) > 30 and first_sums["dropped"] == 0, first_sums
    for way, (found, sums) in ways.items():
        assert sums == first_sums, "%s: %s, but tcp: %s" % (way, sums, first_sums)
        assert found == first, "%s: %s" % (way, [pair for pair in zip(found, first) if pair[0] != pair[1]][:1])
    print("%d messages, %d bulletins, by %s" % (len(messages), len(first), ", ".join(ways)))


def a_capture_is_played_at_its_pace_with_its_stamps():
    message = test_daemon.message
    with test_daemon.tempfile.TemporaryDirectory(prefix="slugline-sources-") as folder:
        pcap = os.path.join(folder, "slow.pcap")
        write_pcap(pcap, datagram_frames(message(1), 1) + datagram_frames(message(2), 2), 1767607262 * 10**9)
        with open(pcap, "r+b") as f:  # the second one an hour later
            f.seek(24 + 16 + len(datagram_frames(message(1), 1)[0]))
            f.write(struct.pack("<I", 1767607262 + 3600))
        with Daemon(['name: w, format: iptc7901, lines: ["pcap://%s?speed=3600"]' % pcap]) as daemon:
            reader = daemon.tail("--from", "oldest")
            until("both", lambda: len(test_daemon.headlines(reader)) == 2)
            receipts = [json.loads(line)["wire"]["receipt"] for line in reader.out.all() if "headlines" in json.loads(line)]
            assert [r["source"] for r in receipts] == ["capture", "capture"], receipts
            assert [r["wire"] // 10**9 for r in receipts] == [1767607262, 1767607262 + 3600], receipts
            # An hour in a second; the first was framed a little after it was due.
            assert receipts[1]["framed"] - receipts[0]["framed"] > 9 * 10**8, receipts
            until("it has ended", lambda: status(daemon)["feeds"][0]["linesUp"] == 0)
            capture = status(daemon)["feeds"][0]["capture"]
            assert capture["packets"] == capture["used"] == 2, capture
            assert daemon.stop() == 0


def a_hole_in_a_capture_is_named_and_costs_one_message():
    message = test_daemon.message
    stream = b"".join(message(n) for n in range(1, 21))
    with test_daemon.tempfile.TemporaryDirectory(prefix="slugline-sources-") as folder:
        pcap = os.path.join(folder, "hole.pcap")
        frames = [tcp(at, stream[at : at + 100]) for at in range(0, len(stream), 100)]
        del frames[7]
        write_pcap(pcap, frames, time.time_ns())
        with open(pcap, "ab") as f:
            f.write(b"the rest is cut short")
        with Daemon(['name: w, format: iptc7901, lines: ["pcap://%s?speed=max"]' % pcap]) as daemon:
            reader = daemon.tail("--from", "oldest")
            until("it has ended", lambda: status(daemon)["feeds"][0]["linesUp"] == 0)
            until("most", lambda: len(test_daemon.headlines(reader)) >= 18)
            capture = status(daemon)["feeds"][0]["capture"]
            assert capture["gaps"] == 1 and capture["gapBytes"] == 100, capture
            assert any("ends early" in line for line in daemon.said.all()), daemon.said.all()
            assert daemon.stop() == 0


def a_synthetic_xml_wire_comes_whole_by_every_way():
    with test_daemon.tempfile.TemporaryDirectory(prefix="slugline-sources-") as folder:
        spool, pcap, tcp_port, udp_port = os.path.join(folder, "spool"), os.path.join(folder, "w.pcap"), free_port(), free_port()
        os.mkdir(spool)
        assert gen("--to", "pcap://%s?to=239.1.1.1:5001" % pcap, "-f", "nitf", "-n", "300", "-r", "30000") == 300
        lines = {"stream": ("xml", "tcp-listen://127.0.0.1:%d" % tcp_port), "files": ("file", "spool://" + spool),
                 "packets": ("datagram", "udp://127.0.0.1:%d" % udp_port), "taped": ("datagram", "pcap://%s?speed=max" % pcap)}
        feeds = ['name: %s, format: nitf, framing: %s, lines: ["%s"]' % (name, *line) for name, line in lines.items()]
        with Daemon(feeds) as daemon:
            for service, to in enumerate(("tcp://127.0.0.1:%d" % tcp_port, "spool://" + spool, "udp://127.0.0.1:%d" % udp_port)):
                assert gen("--to", to, "-f", "nitf", "-n", "300", "-r", "2000", "-w", "wire" + "abc"[service]) == 300
            answered = lambda feed: feed["published"] + feed["duplicates"] + feed["held"]
            until("all of all", lambda: [answered(feed) for feed in status(daemon)["feeds"]] == [300] * 4)
            assert not any(feed["rejected"] or feed["duplicates"] for feed in status(daemon)["feeds"]), status(daemon)["feeds"]
            wrong = ("garbage:2%,cut:2%,header:2%,control:2%,twice:2%",)
            made = gen("--to", "tcp://127.0.0.1:%d" % tcp_port, "-f", "nitf", "-n", "1000", "-r", "5000", "-w", "bad", "-e", *wrong)
            assert made == 1000
            until("most of it", lambda: status(daemon)["feeds"][0]["published"] >= 300 + 900)
            assert status(daemon)["feeds"][0]["duplicates"] >= 5, status(daemon)["feeds"][0]
            assert daemon.stop() == 0


CASES = [
    the_same_messages_by_every_way_are_the_same_bulletins,
    a_capture_is_played_at_its_pace_with_its_stamps,
    a_hole_in_a_capture_is_named_and_costs_one_message,
    a_synthetic_xml_wire_comes_whole_by_every_way,
]


def main():
    global ROOT
    test_daemon.SLUGLINE, ROOT = sys.argv[1:3]
    return test_daemon.run_cases(CASES, sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
