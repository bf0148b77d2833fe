#!/usr/bin/env python3
"""What status says of readers: behind, evicted, lying, and the journal.

    test_readers.py SLUGLINE [CASE ...]
"""
import array
import json
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys

import test_daemon as daemons
from test_daemon import BOUND_S, Daemon, dial, expect_headlines, free_port, headlines, listening, message, until, wire

HELLO = struct.Struct("=QII32s")
MAGIC, GATING = 0x676E696C67756C73, 1
DONE, READ_SEQ, MISSED, NAME = 0, 256, 256 + 16, 256 + 32  # offsets in a seat's page, ring/log.h


def readers(daemon):
    asked = subprocess.run([daemons.SLUGLINE, "status", "--json", "-s", daemon.socket], capture_output=True, timeout=BOUND_S, check=False)
    assert asked.returncode in (0, 1), asked
    return {row["name"]: row for row in json.loads(asked.stdout)["readers"]}


def people(daemon):
    return subprocess.run([daemons.SLUGLINE, "status", "-s", daemon.socket], capture_output=True, timeout=BOUND_S, check=True).stdout


def expect_row(daemon, name, what, check):
    until("%s %s, got %s" % (name, what, readers(daemon)), lambda: name in readers(daemon) and check(readers(daemon)[name]))
    return readers(daemon)[name]


class Seat:
    """A reader that knows only the socket: whatever it likes goes onto its page."""

    def __init__(self, daemon, name, flags=0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(BOUND_S)
        self.socket.connect(daemon.socket)
        self.socket.send(HELLO.pack(MAGIC, 1, flags, name))
        _, aside, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(4 * 8))
        fds = array.array("i", aside[0][2])
        self.page = mmap.mmap(fds[2], 4096)
        for fd in fds:
            os.close(fd)
        self.write(NAME, name)

    def write(self, off, data):
        self.page[off : off + len(data)] = data

    def number(self, off, number):
        self.write(off, struct.pack("=Q", number))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()
        self.socket.close()


def a_stopped_reader_is_seen_behind_and_catches_up():
    with wire() as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest")
        agency.sendall(message(1))
        expect_headlines(reader, [1])
        row = expect_row(daemon, "slugline tail", "is at 1", lambda row: row["seq"] == 1)
        assert (row["lag"], row["lagNs"], row["missed"], row["state"]) == (0, 0, 0, "reads"), row
        assert row["lastError"] is None, row
        reader.send_signal(signal.SIGSTOP)
        agency.sendall(message(2) + message(3))
        first = expect_row(daemon, "slugline tail", "is two behind", lambda row: row["lag"] == 2)
        assert first["seq"] == 1 and first["lagNs"] > 0, first
        later = expect_row(daemon, "slugline tail", "waits longer", lambda row: row["lagNs"] > first["lagNs"])
        assert later["lag"] == 2, later
        reader.send_signal(signal.SIGCONT)
        expect_headlines(reader, [1, 2, 3])
        expect_row(daemon, "slugline tail", "has caught up", lambda row: (row["seq"], row["lag"], row["lagNs"]) == (3, 0, 0))
        reader.kill()
        until("its row is gone", lambda: not readers(daemon))
        assert daemon.stop() == 0


def a_lapped_reader_says_what_it_missed():
    with wire(more=", message: 16KiB", tape="1MiB") as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest")
        agency.sendall(message(1))
        expect_headlines(reader, [1])
        reader.send_signal(signal.SIGSTOP)
        for number in range(2, 3001):
            agency.sendall(message(number, "So long that the tape goes round. " * 20))
        expect_row(daemon, "slugline tail", "is 2999 behind", lambda row: row["lag"] == 2999)
        reader.send_signal(signal.SIGCONT)
        until("it goes on to the last", lambda: headlines(reader)[-1] == "Headline number 3000")
        row = expect_row(daemon, "slugline tail", "tells the loss", lambda row: row["lag"] == 0 and row["lastError"] == "lapped")
        assert row["missed"] == daemons.missed(reader) > 0, row
        assert b"lapped, " in people(daemon)
        assert daemon.stop() == 0


def a_gating_reader_that_sleeps_is_evicted_and_gates_again():
    with wire(more=", message: 16KiB", tape="1MiB") as (daemon, agency, _), Seat(daemon, b"sleeper", GATING) as seat:
        agency.sendall(message(1))
        expect_row(daemon, "sleeper", "gates", lambda row: row["state"] == "gates" and row["lag"] == 1)
        for number in range(2, 3001):
            agency.sendall(message(number, "So long that the tape goes round. " * 20))
        row = expect_row(daemon, "sleeper", "is evicted", lambda row: row["state"] == "evicted" and row["lag"] == 3000)
        assert row["evictions"] == 1 and row["lastError"] == "evicted", row
        seat.number(DONE, 3000)
        row = expect_row(daemon, "sleeper", "gates again", lambda row: row["state"] == "gates" and row["lag"] == 0)
        assert row["seq"] == 3000 and row["lastError"] == "evicted", row
        assert daemon.stop() == 0


def nonsense_in_a_seat_is_shown_as_such():
    with wire() as (daemon, agency, _), Seat(daemon, b"liar") as seat:
        steady = daemon.tail("--from", "oldest")
        agency.sendall(message(1))
        expect_headlines(steady, [1])
        seat.number(READ_SEQ, 1)
        expect_row(daemon, "liar", "is at 1", lambda row: row["seq"] == 1 and row["lastError"] is None)
        seat.write(NAME, b"\x1b[2J\x07evil\n\x9b" + b"x" * 22)  # 32 bytes without an end
        for off in (DONE, READ_SEQ, MISSED):
            seat.number(off, 2**64 - 1)
        name = "?[2J?evil??" + "x" * 21
        row = expect_row(daemon, name, "is nonsense", lambda row: row["lastError"] == "nonsense")
        assert (row["seq"], row["lag"], row["missed"]) == (0, 1, 1), row
        text = people(daemon)
        assert name.encode() in text and b"\x1b" not in text and b"\x07" not in text and b"\x9b" not in text, text
        agency.sendall(message(2))
        expect_headlines(steady, [1, 2])
        expect_row(daemon, "slugline tail", "is not hurt", lambda row: row["lag"] == 0 and row["lastError"] is None)
        assert daemon.stop() == 0


def the_journal_is_a_reader_too():
    port = free_port()
    with Daemon([listening(port)]) as daemon:
        assert daemon.stop() == 0
        journal = os.path.join(daemon.folder.name, "journal")
        os.mkdir(journal)
        daemon.write([listening(port)], more="journal: {directory: %s}\n" % journal)
        daemon.process = subprocess.Popen([daemon.program, "run", "-c", daemon.config], stderr=subprocess.PIPE)
        daemon.said = daemons.Lines(daemon.process.stderr)
        with dial(port) as agency:
            agency.sendall(message(1) + message(2))
            until("the walk is up", daemon.walk_pids)
            row = expect_row(daemon, "journal", "has made both durable", lambda row: row["seq"] >= 2 and row["lag"] == 0)
            assert row["state"] == "gates" and row["missed"] == 0, row
            assert daemon.stop() == 0


CASES = [
    a_stopped_reader_is_seen_behind_and_catches_up,
    a_lapped_reader_says_what_it_missed,
    a_gating_reader_that_sleeps_is_evicted_and_gates_again,
    nonsense_in_a_seat_is_shown_as_such,
    the_journal_is_a_reader_too,
]

if __name__ == "__main__":
    daemons.SLUGLINE = sys.argv[1]
    sys.exit(daemons.run_cases(CASES, sys.argv[2:]))
