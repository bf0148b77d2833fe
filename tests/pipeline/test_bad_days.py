#!/usr/bin/env python3
"""The journal's bad days: a folder that cannot be written, a disk that fails, is full, or is slow.

    test_bad_days.py SLUGLINE SLUGLINE_WITH_A_DISK_OF_FAULTS [CASE ...]

On each of them nothing is acknowledged that is not on the disk, status says so, and readers do not notice.  Loopback only.
"""
import contextlib
import errno
import os
import pathlib
import subprocess
import sys
import tempfile

import test_daemon
from test_acks import acked, ids_in, nothing_comes, receive
from test_daemon import BOUND_S, dial, expect_headlines, free_port, listening, message, until
from test_journal import Journaled, at_rest, expect_all_there, seen_by, status_of, verified

FAULTY = ""


class Faulty(Journaled):
    """A daemon whose disk does what it is told."""

    def __init__(self, *arguments, **more):
        with tempfile.NamedTemporaryFile("w", prefix="slugline-disk-", delete=False) as f:
            self.wish = pathlib.Path(f.name)
        self.tell("fine")
        os.environ["SL_TEST_DISK"] = f.name
        super().__init__(*arguments, program=FAULTY, **more)

    def tell(self, wish):
        part = self.wish.with_suffix(".part")
        part.write_text(wish)
        part.rename(self.wish)

    def __exit__(self, *what):
        super().__exit__(*what)
        self.wish.unlink()


@contextlib.contextmanager
def mounted(size):
    """A small file system; None where this user may not mount."""
    with tempfile.TemporaryDirectory(prefix="slugline-disk-") as disk:
        mount = ["mount", "-t", "tmpfs", "-o", "size=" + size, "slugline-test", disk]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            yield None
            return
        try:
            yield disk
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


def refuses_to_start(directory, why):
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="slugline-test-") as folder:
        config = pathlib.Path(folder, "slugline.yaml")
        config.write_text("node: t\ntape: {name: t, size: 1MiB, raw: 16MiB, socket: %s/s}\njournal: {directory: %s}\nfeeds:\n  - {%s}\n" % (
            folder, directory, listening(port, more=", message: 16KiB")))
        done = subprocess.run([test_daemon.SLUGLINE, "run", "-c", config], capture_output=True, text=True, timeout=BOUND_S)
        assert done.returncode == 1 and "journal: %s: %s" % (directory, why) in done.stderr, (done.returncode, done.stderr)
        assert "walk up" not in done.stderr, "no tape without the journal that was asked for"


def a_folder_that_cannot_be_written_stops_the_start():
    with tempfile.TemporaryDirectory(prefix="slugline-journal-") as folder:
        pathlib.Path(folder, "file").write_text("")
        refuses_to_start(folder + "/file", "Not a directory")
        if os.geteuid():
            os.chmod(folder, 0o555)
            refuses_to_start(folder, "Permission denied")
    with mounted("24m") as disk:
        if not disk:
            print("skipped the half of it that needs the right to mount a tmpfs", flush=True)
            return
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        refuses_to_start(disk, "Read-only file system")


def no_write_succeeds(number, words):
    """An error of the disk while it runs, and its end."""
    port = free_port()
    with Faulty([acked(port, "echo:22")]) as daemon, dial(port) as agency:
        reader = daemon.tail("--from", "oldest", "--notices")
        agency.sendall(message(1))
        assert receive(agency, 22) == message(1)[:22]
        daemon.tell("error %d" % number)
        agency.sendall(message(2))
        until("status says so", lambda: status_of(daemon)["journal"]["alarm"] == words)
        agency.sendall(message(3) + message(4))
        expect_headlines(reader, [1, 2, 3, 4])
        told = subprocess.run([test_daemon.SLUGLINE, "status", "-s", daemon.socket], capture_output=True, text=True, check=True)
        assert "ALARM  tape is not written: %s" % words in told.stdout, told.stdout
        assert nothing_comes(agency) and status_of(daemon)["tape"]["durableSeq"] == 1
        daemon.tell("fine")
        assert receive(agency, 66) == message(2)[:22] + message(3)[:22] + message(4)[:22]
        assert not any(at_rest(daemon)["journal"].values()), status_of(daemon)["journal"]
        assert daemon.stop() == 0, daemon.said.all()[-5:]
        assert any("writes again" in line for line in daemon.said.all()), daemon.said.all()
        found, lost = expect_all_there(daemon.directory, seen_by(reader))
        assert not lost and verified(daemon.directory)["lost"] == 0 and len(found) == 4


def an_error_of_the_disk_is_an_alarm_and_readers_go_on():
    no_write_succeeds(errno.EIO, os.strerror(errno.EIO))


def a_disk_that_becomes_read_only_is_an_alarm_and_readers_go_on():
    no_write_succeeds(errno.EROFS, os.strerror(errno.EROFS))


def a_walk_that_dies_while_the_disk_fails_leaves_what_was_seen_named():
    port = free_port()
    with Faulty([acked(port, "echo:22")]) as daemon:
        reader = daemon.tail("--from", "oldest", "--notices")
        with dial(port) as agency:
            agency.sendall(message(1))
            assert receive(agency, 22) == message(1)[:22]
            daemon.tell("error %d" % errno.EIO)
            agency.sendall(message(2) + message(3))
            expect_headlines(reader, [1, 2, 3])
        os.kill(daemon.walk_pids()[-1], 9)
        until("the next walk is up", lambda: len(daemon.walk_pids()) == 2)
        with dial(port) as agency:
            agency.sendall(message(2))
            until("it is told of", lambda: status_of(daemon)["feeds"][0]["answered"] == 1)
            assert nothing_comes(agency), "it is on no disk"
            daemon.tell("fine")
            assert receive(agency, 22) == message(2)[:22]
            agency.sendall(message(3))
            assert receive(agency, 22) == message(3)[:22]
        at_rest(daemon, lost=2)
        assert daemon.stop() == 0, daemon.said.all()[-5:]
        lost = expect_all_there(daemon.directory, seen_by(reader))[1]
        assert [2, 3] == [seq for numbers in lost for seq in numbers], lost
        assert ids_in(daemon.directory) == {"tst0001": 1, "tst0002": 1, "tst0003": 1}, ids_in(daemon.directory)


def a_slow_disk_delays_acknowledgements_and_no_reader():
    """So slow that no write ends before it is told to: what comes first does not depend on time."""
    port = free_port()
    with Faulty([acked(port, "echo:22")]) as daemon, dial(port) as agency:
        reader = daemon.tail("--from", "oldest", "--notices")
        agency.sendall(message(1))
        assert receive(agency, 22) == message(1)[:22]
        at_rest(daemon)
        daemon.tell("hold")
        for number in range(2, 102):
            agency.sendall(message(number))
        expect_headlines(reader, range(1, 102))
        assert status_of(daemon)["tape"]["durableSeq"] == 1 and nothing_comes(agency), "no write has ended"
        assert not any(status_of(daemon)["journal"].values()), "slow is no error"
        daemon.tell("fine")
        for number in range(2, 102):
            assert receive(agency, 22) == message(number)[:22]
        assert daemon.stop() == 0, daemon.said.all()[-5:]
        found, lost = expect_all_there(daemon.directory, seen_by(reader))
        assert not lost and len(found) == 101


def a_full_disk_is_an_alarm_and_its_end_is_seen():
    port = free_port()
    with mounted("24m") as disk:
        if not disk:
            print("skipped a_full_disk_is_an_alarm_and_its_end_is_seen: needs the right to mount a tmpfs", flush=True)
            return
        with Journaled([listening(port, more=", message: 16KiB")], disk, tape="16MiB") as daemon, dial(port) as agency:
            reader = daemon.tail("--from", "oldest", "--notices")
            agency.sendall(message(1))
            expect_headlines(reader, [1])
            at_rest(daemon)
            filler = pathlib.Path(disk, "filler")
            with filler.open("wb", buffering=0) as f, contextlib.suppress(OSError):
                while f.write(bytes(4096)):
                    pass
            sent, alarm = 1, os.strerror(errno.ENOSPC)
            while status_of(daemon)["journal"]["alarm"] != alarm:
                agency.sendall(b"".join(message(number, "x" * 2000) for number in range(sent + 1, sent + 51)))
                sent += 50
                assert sent < 9000
                until("the tape goes on", lambda: status_of(daemon)["tape"]["lastSeq"] == sent)
            stood = status_of(daemon)["tape"]["durableSeq"]
            assert stood < sent
            filler.unlink()
            assert not any(at_rest(daemon)["journal"].values())
            assert daemon.stop() == 0, daemon.said.all()[-5:]
            found, lost = expect_all_there(disk, seen_by(reader))
            assert not lost and len(found) == sent, (lost, len(found), sent)


CASES = [
    a_folder_that_cannot_be_written_stops_the_start,
    an_error_of_the_disk_is_an_alarm_and_readers_go_on,
    a_disk_that_becomes_read_only_is_an_alarm_and_readers_go_on,
    a_walk_that_dies_while_the_disk_fails_leaves_what_was_seen_named,
    a_slow_disk_delays_acknowledgements_and_no_reader,
    a_full_disk_is_an_alarm_and_its_end_is_seen,
]


def main():
    global FAULTY
    test_daemon.SLUGLINE, FAULTY = sys.argv[1:3]
    return test_daemon.run_cases(CASES, sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
