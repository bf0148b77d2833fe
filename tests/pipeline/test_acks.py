#!/usr/bin/env python3
"""Nothing is acknowledged that is not on the disk: on TCP lines with ack=, and files in a folder.

    test_acks.py SLUGLINE [ROUNDS [SEED]] [CASE ...]

ROUNDS of kill -9 while a sender counts what was acknowledged, 4 where none are told.  Loopback only.
"""
import collections
import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time

import test_daemon
from test_daemon import BOUND_S, dial, free_port, headlines, message, until
from test_journal import Journaled, expect_all_there, journal, seen_by, tape_of

ROUNDS, SEED = 4, 1


def acked(port, form):
    return 'name: wire, format: iptc7901, lines: ["tcp-listen://127.0.0.1:%d?ack=%s"]' % (port, form)


def receive(agency, length):
    agency.settimeout(BOUND_S)
    got = b""
    while len(got) < length:
        piece = agency.recv(length - len(got))
        if not piece:
            break
        got += piece
    return got


def nothing_comes(agency):
    agency.setblocking(False)
    try:
        return agency.recv(1) is None
    except BlockingIOError:
        return True
    finally:
        agency.settimeout(BOUND_S)


def ids_in(directory):
    """How often each number of ours is in the journal."""
    done = journal(directory, "cat", "--json")
    assert done.returncode == 0, done.stderr
    wires = [json.loads(line)["wire"] for line in done.stdout.splitlines()]
    return collections.Counter("%s%s" % (wire["service"], wire["number"]) for wire in wires if "number" in wire)


def an_acknowledgement_is_as_the_line_says():
    forms = {
        "echo:22": lambda number: message(number)[:22],
        "ok:{number}:{service}\\\\r\\\\n": lambda number: b"ok:%04d:tst\r\n" % number,
        "{echo:5}\\\\x06": lambda number: message(number)[:5] + b"\x06",
    }
    for form, wanted in forms.items():
        port = free_port()
        with Journaled([acked(port, form)]) as daemon, dial(port) as agency:
            agency.sendall(b"".join(message(number) for number in range(1, 301)))
            want = b"".join(wanted(number) for number in range(1, 301))
            assert receive(agency, len(want)) == want
            agency.sendall(message(7))
            assert receive(agency, len(wanted(7))) == wanted(7), "a duplicate is one that we have"
            agency.sendall(message(301))
            agency.shutdown(socket.SHUT_WR)  # has said all, and still wants to know
            assert receive(agency, len(wanted(301))) == wanted(301) and agency.recv(1) == b""
            assert daemon.stop() == 0, daemon.said.all()[-5:]


def nothing_is_acknowledged_before_it_is_on_the_disk():
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="slugline-spool-") as folder:
        feed = 'name: files, format: iptc7901, lines: ["spool://%s?quiet=10ms&rescan=20ms"]' % folder
        with Journaled([acked(port, "echo:22"), feed]) as daemon, dial(port) as agency:
            reader = daemon.tail("--from", "oldest")
            agency.sendall(message(1))
            assert receive(agency, 22) == message(1)[:22]
            os.kill(daemon.journal_pids()[-1], signal.SIGSTOP)
            agency.sendall(message(2))
            part = pathlib.Path(folder, "story.part")
            part.write_bytes(message(3))
            part.rename(pathlib.Path(folder, "story"))
            until("readers have both", lambda: sorted(headlines(reader))[1:] == ["Headline number 2", "Headline number 3"])
            assert nothing_comes(agency) and not pathlib.Path(folder, "done", "story").exists()
            os.kill(daemon.journal_pids()[-1], signal.SIGCONT)
            assert receive(agency, 22) == message(2)[:22]
            until("the file is done", lambda: pathlib.Path(folder, "done", "story").exists())
            assert daemon.stop() == 0, daemon.said.all()[-5:]
            assert ids_in(daemon.directory) == {"tst0001": 1, "tst0002": 1, "tst0003": 1}


def what_was_lost_is_no_duplicate_to_the_next_walks():
    """A reader saw it, the journal never had it, and walks have come and gone since: it is acknowledged when it is there."""
    port = free_port()
    with Journaled([acked(port, "echo:22")]) as daemon:
        reader = daemon.tail("--from", "oldest", "--notices")
        with dial(port) as agency:
            agency.sendall(message(1))
            assert receive(agency, 22) == message(1)[:22]
            journal_pid = daemon.journal_pids()[-1]
            os.kill(journal_pid, signal.SIGSTOP)
            agency.sendall(message(2) + message(3))
            until("readers have them", lambda: len(headlines(reader)) == 3)
        kept = pathlib.Path(daemon.directory, "reserved")
        kept.rename(kept.with_suffix(".kept"))
        kept.mkdir()  # the next journal cannot begin
        os.kill(journal_pid, signal.SIGKILL)
        os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
        until("a walk is up without it", lambda: len(daemon.walk_pids()) == 2)
        os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
        until("and one more", lambda: len(daemon.walk_pids()) == 3)
        kept.rmdir()
        kept.with_suffix(".kept").rename(kept)
        until("the journal is back", lambda: len(daemon.journal_pids()) == 2)
        os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
        until("and one more", lambda: len(daemon.walk_pids()) == 4)
        with dial(port) as agency:
            for number in (2, 1, 3, 2):
                agency.sendall(message(number))
                assert receive(agency, 22) == message(number)[:22]
        assert daemon.stop() == 0, daemon.said.all()[-5:]
        assert ids_in(daemon.directory) == {"tst0001": 1, "tst0002": 1, "tst0003": 1}, ids_in(daemon.directory)
        lost = expect_all_there(daemon.directory, seen_by(reader))[1]
        assert lost and lost[0].start == 2, lost


class Sender:
    """Sends in order, takes acknowledgements in order, and what was not acknowledged again when the line is back."""

    def __init__(self, port, service):
        self.port, self.service, self.next, self.acked, self.sock, self.got = port, service, 1, 0, None, b""

    def step(self, ahead, last=9999):
        """False: the line is down."""
        try:
            if not self.sock:
                until("the line can be dialled", self.dials)
                self.next, self.got = self.acked + 1, b""
                self.sock.settimeout(0.05)
            while self.next <= min(self.acked + ahead, last):
                self.sock.sendall(message(self.next, service=self.service))
                self.next += 1
            piece = self.sock.recv(65536)
            if not piece:
                raise OSError("hung up")
            self.got += piece
            while len(self.got) >= 22:
                assert self.got[:22] == message(self.acked + 1, service=self.service)[:22], (self.got[:22], self.acked)
                self.acked, self.got = self.acked + 1, self.got[22:]
        except TimeoutError:
            return True
        except OSError:
            self.close()
            return False
        return True

    def dials(self):
        with contextlib.suppress(ConnectionError):
            self.sock = socket.create_connection(("127.0.0.1", self.port), BOUND_S)
        return self.sock

    def close(self):
        if self.sock:
            self.sock.close()
        self.sock = None


def what_was_acknowledged_is_there_once_after_any_kill():
    """kill -9 of walk, journal, both, or all with the supervisor, while a sender waits for its acknowledgements."""
    chance = random.Random(SEED)
    print("kill -9: %d rounds, seed %d" % (ROUNDS, SEED), flush=True)
    port = free_port()
    sender = Sender(port, "ack")
    with tempfile.TemporaryDirectory(prefix="slugline-journal-") as directory:
        daemon = Journaled([acked(port, "echo:22")], directory)
        try:
            for _ in range(ROUNDS):
                enough, end = sender.acked + chance.randrange(1, 300), time.monotonic() + BOUND_S
                while sender.acked < enough:
                    sender.step(chance.randrange(1, 200))
                    assert time.monotonic() < end, "acknowledged %d of %d" % (sender.acked, enough)
                victims = chance.choice(["journal", "walk", "both", "all"])
                if victims == "all":
                    daemon.kill_all()
                    sender.close()
                    daemon.__exit__()
                    daemon = Journaled([acked(port, "echo:22")], directory)
                    continue
                walks, journals = len(daemon.walk_pids()), len(daemon.journal_pids())
                for who, pids in (("walk", daemon.walk_pids()), ("journal", daemon.journal_pids())):
                    if victims in (who, "both"):
                        os.kill(pids[-1], signal.SIGKILL)
                until("the next walk is up", lambda: len(daemon.walk_pids()) > walks - (victims == "journal"))
                until("the next journal is up", lambda: len(daemon.journal_pids()) > journals - (victims == "walk"))
            sender.close()
            assert daemon.stop() == 0, daemon.said.all()[-5:]
        finally:
            daemon.__exit__()
        found = ids_in(directory)
        for number in range(1, sender.acked + 1):
            assert found["ack%04d" % number] == 1, (number, found["ack%04d" % number])
        assert set(found.values()) == {1}, found.most_common(3)
        print("        %d acknowledged, %d in the journal" % (sender.acked, len(found)), flush=True)


def a_full_disk_acknowledges_nothing_and_then_all():
    """The tape goes round meanwhile, and what fell into the hole is there in the end, since it was sent again."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="slugline-disk-") as disk:
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "slugline-test", disk]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            print("skipped a_full_disk_acknowledges_nothing_and_then_all: needs the right to mount a tmpfs", flush=True)
            return
        try:
            other = free_port()
            load = 'name: load, format: iptc7901, lines: ["tcp-listen://127.0.0.1:%d"], message: 16KiB' % other
            with Journaled([acked(port, "echo:22") + ", message: 16KiB", load], disk, tape="1MiB") as daemon, dial(other) as noise:
                sender, sent = Sender(port, "ack"), 0
                while sender.acked < 10:
                    sender.step(10, 10)
                filler = pathlib.Path(disk, "filler")
                with filler.open("wb", buffering=0) as f:
                    try:
                        while f.write(bytes(4096)):
                            pass
                    except OSError:
                        pass
                while not any("No space left" in line for line in daemon.said.all()):
                    sent += 50
                    assert sent < 9000
                    noise.sendall(b"".join(message(number, "x" * 2000, "nse") for number in range(sent - 49, sent + 1)))
                at_full = sender.acked
                sender.step(10, 20)  # these go out, and are not acknowledged
                for sent in range(sent + 1, sent + 700):  # the tape goes round
                    noise.sendall(message(sent % 9999, "y" * 2000, "nse"))
                until("the tape goes on", lambda: tape_of(daemon)["lastSeq"] >= sent)
                sender.step(10, 20)
                assert sender.acked == at_full, "acknowledged with a full disk"
                filler.unlink()
                end = time.monotonic() + BOUND_S
                while sender.acked < 20:
                    sender.step(10, 20)
                    assert time.monotonic() < end, sender.acked
                sender.close()
                assert daemon.stop() == 0, daemon.said.all()[-5:]
            found = ids_in(disk)
            assert all(found["ack%04d" % number] == 1 for number in range(1, 21)), found
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


CASES = [
    an_acknowledgement_is_as_the_line_says,
    nothing_is_acknowledged_before_it_is_on_the_disk,
    what_was_lost_is_no_duplicate_to_the_next_walks,
    what_was_acknowledged_is_there_once_after_any_kill,
    a_full_disk_acknowledges_nothing_and_then_all,
]


def main():
    global ROUNDS, SEED
    test_daemon.SLUGLINE = sys.argv[1]
    rest = sys.argv[2:]
    ROUNDS, SEED = test_daemon.rounds_and_seed(rest, ROUNDS)
    return test_daemon.run_cases(CASES, rest)


if __name__ == "__main__":
    sys.exit(main())
