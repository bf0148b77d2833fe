#!/usr/bin/env python3
"""Files dropped into a folder, as newsrooms' servers write them, and a walk that is killed while it takes them.

    test_spool.py SLUGLINE [--rounds N] [CASE ...]

Every case has a daemon and a folder of its own.  Python 3.11, standard library only.
"""
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import test_daemon  # noqa: E402
from test_daemon import BOUND_S, Daemon, headlines, message, notices, until  # noqa: E402

ROUNDS = 10  # of killing; --rounds for more


@contextlib.contextmanager
def spool(keys="", more="", name="wire", format_="iptc7901"):
    with test_daemon.tempfile.TemporaryDirectory(prefix="slugline-spool-") as folder:
        feed = 'name: %s, format: %s, lines: ["spool://%s%s"]%s' % (name, format_, folder, keys, more)
        with Daemon([feed]) as daemon:
            yield daemon, folder


def put(folder, name, data):
    """As a careful writer does it: aside, then by rename."""
    aside = os.path.join(folder, "." + name)
    with open(aside, "wb") as f:
        f.write(data)
    os.rename(aside, os.path.join(folder, name))


def names(folder, *parts):
    return sorted(os.listdir(os.path.join(folder, *parts)))


def read(folder, *parts):
    with open(os.path.join(folder, *parts), "rb") as f:
        return f.read()


def status(daemon):
    ask = [test_daemon.SLUGLINE, "status", "--json", "-s", daemon.socket]
    return json.loads(subprocess.run(ask, capture_output=True, timeout=BOUND_S, check=True).stdout)


def books(daemon):
    return status(daemon)["feeds"][0]


def a_file_moved_in_is_published_and_kept_as_it_was():
    with spool() as (daemon, folder):
        reader = daemon.tail("--from", "oldest")
        put(folder, "one.txt", message(1))
        until("it is published", lambda: headlines(reader) == ["Headline number 1"])
        until("it is done", lambda: names(folder, "done") == ["one.txt"])
        assert read(folder, "done", "one.txt") == message(1)
        assert names(folder) == [".work", "done", "rejects"] and names(folder, ".work") == []
        files = books(daemon)["files"]
        assert {name: cnt for name, cnt in files.items() if cnt} == {"taken": 1, "done": 1}, files
        assert daemon.stop() == 0


def dropped_twice_is_a_duplicate_and_keeps_both_files():
    with spool() as (daemon, folder):
        reader = daemon.tail("--from", "oldest")
        put(folder, "one", message(1))
        until("done", lambda: names(folder, "done") == ["one"])
        put(folder, "one", message(1))
        until("done again", lambda: len(names(folder, "done")) == 2)
        put(folder, "two", message(2))
        until("the next", lambda: headlines(reader) == ["Headline number 1", "Headline number 2"])
        first, second = names(folder, "done")[:2]
        assert first == "one" and second.startswith("one."), (first, second)
        until("counted", lambda: books(daemon)["files"]["duplicate"] == 1)
        assert daemon.stop() == 0


def a_file_of_many_messages_is_one_file():
    with spool(more=", framing: control") as (daemon, folder):
        reader = daemon.tail("--from", "oldest", "--notices")
        put(folder, "many", b"".join(message(n) for n in range(1, 501)))
        until("all of it", lambda: headlines(reader) == ["Headline number %d" % n for n in range(1, 501)])
        put(folder, "some", message(501) + message(502)[:60] + message(503))
        until("rejected", lambda: names(folder, "rejects") == ["some", "some.why"])
        until("both that were whole", lambda: headlines(reader)[-2:] == ["Headline number 501", "Headline number 503"])
        why = read(folder, "rejects", "some.why").decode()
        assert "3 messages, 2 bulletins, 1 rejected" in why and "expected an end before" in why, why
        assert names(folder, "done") == ["many"]
        assert daemon.stop() == 0


def what_is_no_message_is_refused_with_its_reason():
    with spool(keys="?largest=1MiB&rescan=50ms", more=", message: 64KiB") as (daemon, folder):
        outside = os.path.join(daemon.folder.name, "outside")
        with open(outside, "wb") as f:
            f.write(message(9))
        os.symlink(outside, os.path.join(folder, "link"))
        os.mkfifo(os.path.join(folder, "fifo"))
        os.mkdir(os.path.join(folder, "folder"))
        put(folder, "empty", b"")
        put(folder, "no-header", b"\x01no header at all\x02x\x03\x04")
        put(folder, "too-long", b"\x01tst" + b"x" * 100000)
        with open(os.path.join(folder, ".huge"), "wb") as f:
            f.truncate(1 << 40)
        os.rename(os.path.join(folder, ".huge"), os.path.join(folder, "huge"))
        put(folder, "strange \xff\n name", b"\x01bad\x04")
        wanted = ["empty", "fifo", "huge", "link", "no-header", "strange \xff\n name", "too-long"]
        until("all are refused", lambda: [n for n in names(folder, "rejects") if not n.endswith(".why")] == wanted)
        until("with reasons", lambda: len(names(folder, "rejects")) == 2 * len(wanted))
        why = {name: read(folder, "rejects", name + ".why").decode() for name in wanted}
        assert "no message in it" in why["empty"] and "no regular file" in why["fifo"] and "no regular file" in why["link"], why
        assert "largest=" in why["huge"] and "expected" in why["no-header"] and "longest message" in why["too-long"], why
        assert os.path.isdir(os.path.join(folder, "folder")) and read(outside) == message(9)
        reader = daemon.tail("--from", "oldest")
        put(folder, "fine", message(1))
        until("the next is fine", lambda: headlines(reader) == ["Headline number 1"])
        assert daemon.stop() == 0


def a_file_that_is_still_written_is_left_alone():
    with spool(keys="?quiet=100ms&rescan=50ms") as (daemon, folder):
        reader = daemon.tail("--from", "oldest")
        whole = message(1)
        slow = open(os.path.join(folder, "slow"), "wb", buffering=0)
        slow.write(whole[:50])
        for name in ("a.tmp", "b.part", "c.filepart", ".hidden"):
            with open(os.path.join(folder, name), "wb") as f:
                f.write(message(7))
        put(folder, "marker", message(2))
        until("others pass", lambda: headlines(reader) == ["Headline number 2"])
        # Others pass for longer than quiet=, so scans have seen that it is quiet: moved aside perhaps, not read.
        quiet, number = time.monotonic() + 0.3, 10
        while time.monotonic() < quiet:
            number += 1
            put(folder, "marker%d" % number, message(number))
            until("another passes", lambda: "Headline number %d" % number in headlines(reader))
        assert "Headline number 1" not in headlines(reader) and names(folder, "rejects") == []
        slow.write(whole[50:])
        slow.close()
        until("then it is taken whole", lambda: headlines(reader)[-1] == "Headline number 1")
        os.rename(os.path.join(folder, "a.tmp"), os.path.join(folder, "a"))
        until("so is what loses its suffix", lambda: "Headline number 7" in headlines(reader))
        assert names(folder) == [".hidden", ".work", "b.part", "c.filepart", "done", "rejects"], names(folder)
        assert daemon.stop() == 0


def ten_thousand_files_at_once():
    with spool(more=", silence: none") as (daemon, folder):
        for n in range(1, 10001):
            put(folder, "f%05d" % n, message(n, service="abc" if n < 5000 else "abd"))
        until("all are done", lambda: books(daemon)["files"]["done"] == 10000)
        assert len(names(folder, "done")) == 10000 and names(folder, ".work") == []
        assert books(daemon)["published"] == 10000
        assert daemon.stop() == 0


def what_was_there_before_the_daemon_is_taken():
    with test_daemon.tempfile.TemporaryDirectory(prefix="slugline-spool-") as folder:
        for n in range(1, 201):
            put(folder, "f%05d" % n, message(n))
        with Daemon(['name: w, format: iptc7901, lines: ["spool://%s?quiet=0ms"]' % folder]) as daemon:
            until("all are done", lambda: books(daemon)["files"]["done"] == 200)
            second = subprocess.run([test_daemon.SLUGLINE, "run", "-c", other_config(daemon)], capture_output=True, timeout=BOUND_S)
            assert second.returncode == 1 and b"another daemon or line" in second.stderr, second.stderr
            assert daemon.stop() == 0


def other_config(daemon):
    other = daemon.config.replace(".yaml", "2.yaml")
    with open(daemon.config) as f, open(other, "w") as g:
        g.write(f.read().replace("tape.sock", "other.sock"))
    return other


def finished_files_are_kept_within_bounds():
    with spool(keys="?keep_files=20") as (daemon, folder):
        for n in range(1, 101):
            put(folder, "f%05d" % n, message(n))
        until("the first hundred", lambda: books(daemon)["files"]["done"] == 100)
        assert daemon.stop() == 0
        daemon.process = subprocess.Popen([daemon.program, "run", "-c", daemon.config], stderr=subprocess.DEVNULL)
        until("the oldest go", lambda: len(names(folder, "done")) == 20)
        until("counted", lambda: books(daemon)["files"]["removed"] == 80)
        assert daemon.stop() == 0


def gen(*options):
    made = subprocess.run([test_daemon.SLUGLINE, "gen", "--json", *options], capture_output=True, timeout=BOUND_S, check=True)
    return json.loads(made.stdout)["made"]


def what_gen_writes_is_taken_whole_by_whatever_way_it_writes():
    with spool(keys="?quiet=50ms&rescan=20ms") as (daemon, folder):
        assert gen("--to", "spool://" + folder, "-n", "300", "-r", "3000", "-w", "fast") == 300
        assert gen("--to", "spool://" + folder, "-n", "100", "-r", "500", "-w", "slow", "--slow") == 100
        until("all are done", lambda: books(daemon)["files"]["done"] == 400)
        assert books(daemon)["published"] + books(daemon)["held"] == 400 and names(folder, "rejects") == [], books(daemon)
        pcap = os.path.join(daemon.folder.name, "gen.pcap")
        assert gen("--to", "pcap://%s?to=239.1.1.1:5001" % pcap, "-n", "300", "-r", "30000") == 300
        with Daemon(['name: w, format: iptc7901, lines: ["pcap://%s?speed=max&to=239.1.1.1:5001"]' % pcap]) as other:
            until("the capture says the same", lambda: books(other)["published"] + books(other)["held"] == 300)
            assert books(other)["capture"]["used"] == books(other)["capture"]["packets"] == 300
            assert other.stop() == 0
        assert daemon.stop() == 0


def published(reader):
    """(id, epoch) of everything that a reader of all walks has seen."""
    seen = []
    for line in reader.out.all():
        item = json.loads(line)
        if "headlines" in item:
            seen.append((item["headlines"][0]["value"], item["wire"]["epoch"]))
    return seen


def kill_round(round_number):
    dice = random.Random(round_number)
    kills = dice.randint(1, 3)
    with spool(keys="?quiet=0ms&rescan=50ms", more=", framing: control") as (daemon, folder):
        reader = daemon.tail("--from", "oldest")
        for n in range(1, 1001):
            two = message(n) + message(n + 1000, service="sec") if n % 10 == 0 else message(n)
            put(folder, "f%04d" % n, two if n % 50 else b"\x01no header\x02x\x03\x04")
            if n % (1001 // (kills + 1)) == 0 and len(daemon.walk_pids()) <= kills:
                walks = len(daemon.walk_pids())
                # A reader that never joined a tape has not seen what was on it, until there is a journal.
                until("the reader follows this walk", lambda: len({epoch for _, epoch in published(reader)}) == walks)
                time.sleep(dice.random() * 0.01)  # somewhere in the middle of it
                os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
                until("the next walk is up", lambda: len(daemon.walk_pids()) > walks)
        rejected = lambda: sum(not name.endswith(".why") for name in names(folder, "rejects"))
        until("every file is somewhere", lambda: len(names(folder, "done")) + rejected() == 1000 and not names(folder, ".work"))
        wanted = {"Headline number %d" % n for n in range(1, 1001) if n % 50}
        wanted |= {"Headline number %d" % (n + 1000) for n in range(1, 1001) if n % 10 == 0 and n % 50}
        until("readers have it all", lambda: {headline for headline, _ in published(reader)} == wanted)
        assert len(published(reader)) == len(wanted), "some came twice: %d of %d" % (len(published(reader)), len(wanted))
        assert len(names(folder, "done")) == 980, len(names(folder, "done"))
        assert daemon.stop() == 0, daemon.said.all()


def a_walk_killed_while_it_takes_files_loses_none_and_publishes_none_twice():
    for round_number in range(1, ROUNDS + 1):
        try:
            kill_round(round_number)
        except AssertionError as problem:
            raise AssertionError("round %d: %s" % (round_number, problem)) from problem


CASES = [
    a_file_moved_in_is_published_and_kept_as_it_was,
    dropped_twice_is_a_duplicate_and_keeps_both_files,
    a_file_of_many_messages_is_one_file,
    what_is_no_message_is_refused_with_its_reason,
    a_file_that_is_still_written_is_left_alone,
    ten_thousand_files_at_once,
    what_was_there_before_the_daemon_is_taken,
    finished_files_are_kept_within_bounds,
    what_gen_writes_is_taken_whole_by_whatever_way_it_writes,
    a_walk_killed_while_it_takes_files_loses_none_and_publishes_none_twice,
]


def main():
    global ROUNDS
    arguments = sys.argv[1:]
    test_daemon.SLUGLINE = arguments.pop(0)
    if arguments[:1] == ["--rounds"]:
        ROUNDS = int(arguments[1])
        arguments = arguments[2:]
    return test_daemon.run_cases(CASES, arguments)


if __name__ == "__main__":
    sys.exit(main())
