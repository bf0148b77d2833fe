#!/usr/bin/env python3
"""slugline replay: recorded traffic without a daemon says what a daemon says of it, and ends with the books.

    test_replay.py SLUGLINE [CASE ...]

Python 3.11, standard library only.
"""
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_daemon  # noqa: E402
from test_daemon import BOUND_S, Daemon, message, until  # noqa: E402
from test_sources import bulletins, datagram_frames, segment_frames, write_pcap, write_pcapng  # noqa: E402
from test_spool import gen  # noqa: E402

START_NS = 1767607262 * 10**9


@contextlib.contextmanager
def folder():
    with tempfile.TemporaryDirectory(prefix="slugline-replay-") as path:
        yield lambda name: os.path.join(path, name)


def replay(*arguments):
    done = subprocess.run([test_daemon.SLUGLINE, "replay", *arguments], capture_output=True, text=True, timeout=BOUND_S)
    return done.returncode, done.stdout.splitlines(), done.stderr


class Printed:
    """What bulletins() wants of a reader: its lines."""

    def __init__(self, lines):
        self.out, self.lines = self, lines

    def all(self):
        return self.lines


def it_says_what_a_daemon_says_of_the_same_capture():
    with folder() as at:
        for format_ in ("iptc7901", "anpa1312", "nitf"):
            pcap = at(format_)
            assert gen("--to", "pcap://%s?to=239.1.1.1:5001" % pcap, "-f", format_, "-n", "300", "-r", "30000") == 300
            status, lines, err = replay("--speed", "max", "--json", "--format", format_, pcap)
            assert status == 0 and err.endswith("books: balance\n"), (status, err)
            assert "packets 300  used 300" in err and "framed 300" in err, err
            with Daemon(['name: replay, format: %s, lines: ["pcap://%s?speed=max"]' % (format_, pcap)]) as daemon:
                reader = daemon.tail("--from", "oldest")
                until("all of it", lambda: len(bulletins(reader)) == len(lines))
                assert bulletins(reader) == bulletins(Printed(lines)), format_
                assert daemon.stop() == 0


def datagrams_as_fast_as_may_be_find_room():
    with folder() as at:
        pcap = at("w.pcap")
        assert gen("--to", "pcap://%s?to=239.1.1.1:5001" % pcap, "-n", "2000", "-r", "100000") == 2000
        status, lines, err = replay("-s", "max", pcap, pcap, pcap)
        assert status == 0 and len(lines) >= 2000 and "framed 6000" in err and "dropped 0" in err, (status, len(lines), err)


def pieces_of_a_capture_are_one_stream():
    frames = segment_frames(b"".join(message(n) for n in range(1, 101)))
    third = len(frames) // 3
    with folder() as at:
        write_pcap(at("1"), frames[:third], START_NS)
        write_pcapng(at("2"), frames[third : 2 * third], START_NS + 10**9)
        write_pcap(at("3"), frames[2 * third :], START_NS + 2 * 10**9)
        control = ("-s", "max", "--proto", "tcp", "--format", "iptc7901")
        status, lines, err = replay(*control, at("1"), at("2"), at("3"))
        assert status == 0 and len(lines) == 100 and "gaps 0" in err, (status, len(lines), err)
        assert "Headline number 1 " in lines[0] and "Headline number 100 " in lines[-1], (lines[0], lines[-1])
        status, lines, err = replay(*control, at("1"), at("3"))
        assert status == 1 and 30 < len(lines) < 100 and "gaps 0" not in err and err.endswith("books: balance\n"), (status, len(lines), err)
        status, lines, err = replay(*control, at("1"), at("nothing"), at("2"), at("3"))
        assert status == 1 and len(lines) == 100 and "nothing: ends early: No such file" in err, (status, len(lines), err)
        with open(at("3"), "ab") as f:
            f.write(b"cut")
        status, lines, err = replay(*control, at("1"), at("2"), at("3"))
        assert status == 1 and len(lines) == 100 and "ends early" in err and "bad 1" in err, (status, len(lines), err)


def filters_leave_out_what_is_not_meant():
    frames = [frame for n in range(1, 11) for frame in datagram_frames(message(n), n)]
    frames += segment_frames(message(11) + message(12))
    with folder() as at:
        write_pcap(at("w"), frames, START_NS)
        udp = {"Headline number %d " % n for n in range(1, 11)}
        both = udp | {"Headline number 11 ", "Headline number 12 "}
        tcp = both - udp
        for filters, wanted in ((["-m", "control"], both), (["--proto", "udp"], udp), (["-p", "tcp"], tcp), (["--to", ":5001"], udp),
                                (["--from", "192.0.2.10:7901"], tcp), (["--from", "192.0.2.11"], set())):
            status, lines, err = replay("-s", "max", "-F", "iptc7901", *filters, at("w"))
            told = {headline for headline in both if any(headline in line for line in lines)}
            assert status == 0 and told == wanted and len(lines) == len(wanted), (filters, status, lines, err)
        for wrong in (["--to", "nowhere"], ["--speed", "0"], ["--proto", "icmp"], ["--to", "x&speed=max"], ["--framing", "file"],
                      ["--format", "morse"], ["--framing", "datagram", "--proto", "tcp"], ["--speed", "1" * 300]):
            status, lines, err = replay(*wrong, at("w"))
            assert status == 2 and not lines and err.startswith("slugline: replay: "), (wrong, status, err)
        status, lines, err = replay(at("nothing"))
        assert status == 1 and not lines and "nothing: No such file" in err, (status, err)


def rejects_are_notices_and_a_finding():
    with folder() as at:
        write_pcap(at("w"), datagram_frames(message(1), 1) + datagram_frames(b"\x01no header\x02x\x03\x04", 2), START_NS)
        status, lines, err = replay("-s", "max", "-F", "iptc7901", at("w"))
        assert status == 1 and len(lines) == 1 and "rejected 1" in err, (status, lines, err)
        status, lines, err = replay("-s", "max", "-F", "iptc7901", "--notices", at("w"))
        assert status == 1 and len(lines) == 2 and "expected" in lines[1], (status, lines, err)


def it_keeps_the_pace_and_can_be_stopped():
    with folder() as at:
        with open(at("w"), "wb") as out:
            for i, n in enumerate((1, 2, 3)):
                write_pcap(at("one"), datagram_frames(message(n), n), START_NS + (0, 4 * 10**8, 3600 * 10**9)[i])
                with open(at("one"), "rb") as one:
                    out.write(one.read()[24 if i else 0 :])
        began = time.monotonic()
        process = subprocess.Popen([test_daemon.SLUGLINE, "replay", "-F", "iptc7901", at("w")], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        assert "Headline number 1 " in process.stdout.readline()
        assert "Headline number 2 " in process.stdout.readline() and time.monotonic() - began >= 0.4
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=BOUND_S)
        assert process.returncode == 0 and not rest and "packets 2" in err and err.endswith("books: balance\n"), (rest, err)
        status, lines, _ = replay("-F", "iptc7901", "--speed", "100000", at("w"))
        assert status == 0 and len(lines) == 3, (status, lines)


CASES = [
    it_says_what_a_daemon_says_of_the_same_capture,
    datagrams_as_fast_as_may_be_find_room,
    pieces_of_a_capture_are_one_stream,
    filters_leave_out_what_is_not_meant,
    rejects_are_notices_and_a_finding,
    it_keeps_the_pace_and_can_be_stopped,
]


def main():
    test_daemon.SLUGLINE = sys.argv[1]
    return test_daemon.run_cases(CASES, sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
