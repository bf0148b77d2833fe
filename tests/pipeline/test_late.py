#!/usr/bin/env python3
"""Readers that come too late for the tape, and the journal that they go on from; and the journal played again.

    test_late.py SLUGLINE [SECONDS] [CASE ...]

SECONDS: how long a reader is stopped under load, 3 where none are told.
Every case has a daemon with a journal of its own, on loopback.  Python 3.11, standard library only.
"""
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import test_daemon
from test_daemon import BOUND_S, dial, expect_headlines, free_port, headlines, listening, message, missed, until
from test_journal import Journaled, at_rest, feed_of as feed_status, status_of, tape_of

LONG = "So long that a small tape goes round. " * 20  # some 1.3 KiB a record
# The journal may be late on a busy machine: the desk waits for it, so that it is not the journal that loses something.
SMALL = {"tape": "1MiB, gate: 10s"}
SECONDS = 3


def feed_of(port):
    return listening(port, more=", message: 16KiB")


def send(agency, numbers, text=LONG):
    for number in numbers:
        agency.sendall(message(number, text))


def numbers_of(reader):
    return [int(line.rpartition(" ")[2]) for line in headlines(reader)]


def seqs(reader):
    return [json.loads(line)["wire"]["seq"] for line in reader.out.all()]


def await_number(reader, number):
    """Looks at the last line only: who parses all of them again and again slows down the reader itself.  What must happen
    in time is that more comes, however much that is."""
    last, seen = '"Headline number %d"' % number, 0
    while not (seen and last in reader.out.all()[seen - 1]):
        until("more comes behind %d lines, before %d" % (seen, number), lambda: len(reader.out.all()) > seen)
        seen = len(reader.out.all())


def expect_numbers(reader, numbers):
    await_number(reader, numbers[-1])
    got, numbers = numbers_of(reader), list(numbers)
    assert got == numbers, (len(got), [pair for pair in zip(got, numbers) if pair[0] != pair[1]][:3])


def a_stopped_reader_goes_on_from_the_journal_and_no_other_sees_it():
    port = free_port()
    with Journaled([feed_of(port)], **SMALL) as daemon, dial(port) as agency:
        stopped, steady = daemon.tail("--from", "oldest"), daemon.tail("--from", "oldest")
        send(agency, [1])
        expect_headlines(stopped, [1])
        stopped.send_signal(signal.SIGSTOP)
        send(agency, range(2, 5001))
        expect_numbers(steady, range(1, 5001))
        assert len(stopped.out.all()) == 1
        stopped.send_signal(signal.SIGCONT)
        expect_numbers(stopped, range(1, 5001))
        assert not missed(stopped) and not missed(steady)
        send(agency, [5001])  # caught up: by the tape again
        expect_numbers(stopped, range(1, 5002))
        expect_numbers(steady, range(1, 5002))
        assert seqs(stopped) == seqs(steady)
        assert daemon.stop() == 0


def readers_of(daemon):
    return {reader["seat"]: reader for reader in status_of(daemon)["readers"] if reader["name"] != "journal"}


def a_reader_stopped_under_load_costs_no_other_anything():
    """SIGSTOP for SECONDS, while the tape goes round: the others' order and the books are those of a day without it."""
    port, rate = free_port(), 2000
    cnt = rate * SECONDS
    with Journaled([feed_of(port)], **SMALL) as daemon:
        steady = [daemon.tail("--from", "oldest", "--notices") for _ in range(2)]
        stopped = daemon.tail("--from", "oldest", "--notices")
        with dial(port) as agency:
            send(agency, [1])
            for reader in [*steady, stopped]:
                expect_headlines(reader, [1])
        stopped.send_signal(signal.SIGSTOP)
        load = subprocess.run(
            [test_daemon.SLUGLINE, "gen", "--to", "tcp://127.0.0.1:%d" % port, "-r", str(rate), "-n", str(cnt), "-z", "1KiB", "--json"],
            capture_output=True, timeout=SECONDS + BOUND_S, check=True)
        assert json.loads(load.stdout)["lines"][0]["sent"] == cnt
        for reader in steady:
            until("all are seen", lambda: len(reader.out.all()) == cnt + 1)
        status = at_rest(daemon)
        while_stopped = status["feeds"][0]
        assert while_stopped["published"] == while_stopped["framed"] == cnt + 1 and not while_stopped["dropped"], while_stopped
        assert not status["tape"]["evictions"] and len(stopped.out.all()) == 1
        rows = sorted(readers_of(daemon).values(), key=lambda row: row["seq"])
        assert [row["seq"] for row in rows] == [1, cnt + 1, cnt + 1] and not any(row["missed"] for row in rows), rows
        stopped.send_signal(signal.SIGCONT)
        until("it has seen all", lambda: len(stopped.out.all()) == cnt + 1)
        assert seqs(stopped) == seqs(steady[0]) == seqs(steady[1]) == list(range(1, cnt + 2))
        assert headlines(stopped) == headlines(steady[0]) == headlines(steady[1])
        assert feed_status(daemon)["framed"] == cnt + 1 and feed_status(daemon)["published"] == cnt + 1
        assert not missed(stopped), "it went on from the journal"
        assert daemon.stop() == 0
        print("        stopped for %d s, behind by %d records, on a tape of 1 MiB" % (SECONDS, cnt), flush=True)


def a_reader_that_is_slower_than_the_tape_loses_nothing():
    """It is stopped and let go again and again, while segments begin and end."""
    port = free_port()
    with Journaled([feed_of(port)], **SMALL) as daemon, dial(port) as agency:
        reader = daemon.tail("--from", "oldest")
        for turn in range(6):
            reader.send_signal(signal.SIGSTOP)
            send(agency, range(1200 * turn + 1, 1200 * turn + 1001))
            reader.send_signal(signal.SIGCONT)
            send(agency, range(1200 * turn + 1001, 1200 * turn + 1201))
        expect_numbers(reader, range(1, 7201))
        assert not missed(reader)
        assert len(glob.glob(daemon.directory + "/tape/*.seg")) > 5
        assert daemon.stop() == 0


def what_retention_took_is_named_and_the_rest_comes():
    port = free_port()
    with Journaled([feed_of(port)], **SMALL, more=", size: 4MiB") as daemon, dial(port) as agency:
        reader = daemon.tail("--from", "oldest")
        send(agency, [1])
        expect_headlines(reader, [1])
        reader.send_signal(signal.SIGSTOP)
        send(agency, range(2, 8001))
        until("the oldest are gone", lambda: not os.path.exists(daemon.directory + "/tape/0000000004.seg"))
        reader.send_signal(signal.SIGCONT)
        send(agency, [8001])
        await_number(reader, 8001)
        lines = [json.loads(line)["wire"] for line in reader.out.all()]
        gaps = [line for line in lines if line["kind"] == "missed"]
        # How much of the oldest segment it still had open is chance; below, each number is there or named, once.
        assert gaps and gaps[-1]["last"] > 1000, gaps
        expected = 1
        for line in lines:
            assert line.get("first", line["seq"]) == expected, (line, expected)
            expected = line["seq"] + 1
        assert daemon.stop() == 0


def time_text(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + ".%09dZ" % (ns % 10**9)


def a_late_reader_begins_wherever_it_is_told_through_restarts():
    port = free_port()
    with Journaled([feed_of(port)], **SMALL) as first:
        with dial(port) as agency:
            reader = first.tail("--from", "oldest")
            send(agency, range(1, 2001))
            expect_numbers(reader, range(1, 2001))
        wires = [json.loads(line)["wire"] for line in reader.out.all()]
        assert first.stop() == 0
        with Journaled([feed_of(port)], first.directory, **SMALL) as second, dial(port) as agency:
            send(agency, range(2001, 4001))
            published = wires[1499]["receipt"]["published"]
            starts = {
                "oldest": 1,
                "100": 100,
                "%s:1234" % wires[0]["epoch"]: 1234,
                time_text(published): next(n + 1 for n, wire in enumerate(wires) if wire["receipt"]["published"] >= published),
            }
            for where, number in starts.items():
                reader = second.tail("--from", where)
                expect_numbers(reader, range(number, 4001))
                kinds = [json.loads(line)["wire"]["kind"] for line in reader.out.all()]
                assert kinds.count("new-epoch") == 1 and "missed" not in kinds, (where, set(kinds))
                assert kinds.index("new-epoch") == 2001 - number, where
            assert second.stop() == 0


def readers_open_the_journal_to_read_it_only():
    port = free_port()
    with Journaled([feed_of(port)], **SMALL) as daemon, dial(port) as agency:
        reader = daemon.tail("--from", "oldest")
        send(agency, [1])
        expect_headlines(reader, [1])
        reader.send_signal(signal.SIGSTOP)
        send(agency, range(2, 6001))
        until("it has gone round", lambda: len(glob.glob(daemon.directory + "/tape/*.seg")) > 3)
        reader.send_signal(signal.SIGCONT)
        found = []

        def holds_a_segment():
            for fd in os.listdir("/proc/%d/fd" % reader.pid):
                try:
                    path = os.readlink("/proc/%d/fd/%s" % (reader.pid, fd))
                    if path.startswith(daemon.directory):
                        with open("/proc/%d/fdinfo/%s" % (reader.pid, fd), encoding="ascii") as f:
                            found.append((path, int(re.search(r"flags:\s*(\d+)", f.read())[1], 8)))
                except OSError:
                    pass
            return found or len(numbers_of(reader)) == 6000

        until("it reads a segment", holds_a_segment)
        expect_numbers(reader, range(1, 6001))
        assert found, "it was too fast to be seen"
        assert all(flags & os.O_ACCMODE == os.O_RDONLY for _, flags in found), found
        assert daemon.stop() == 0


def bulletins_in_order(lines):
    """All that a bulletin says, but for what is of this time: receipts, numbers and epoch."""
    found = []
    for line in lines:
        item = json.loads(line)
        if "headlines" in item:
            for name in ("receipt", "seq", "epoch", "verdict"):
                item["wire"].pop(name, None)
            found.append(json.dumps(item, sort_keys=True))
    return found


def replay(*arguments):
    done = subprocess.run([test_daemon.SLUGLINE, "replay", *arguments], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


def the_journal_played_again_says_the_same_in_the_same_order():
    ports, formats = [free_port() for _ in range(3)], ("iptc7901", "anpa1312", "nitf")
    feeds = [
        'name: %s, format: %s, provider: agency-%s, timezone: %s, lines: ["udp://127.0.0.1:%d"]' % (name, format_, name, zone, port)
        for name, format_, zone, port in zip(("alpha", "beta", "gamma"), formats, ("UTC", "Asia/Tokyo", "UTC"), ports)
    ]
    with Journaled(feeds, tape="16MiB", segment="1MiB") as daemon:
        reader = daemon.tail("--from", "oldest")
        until("it reads", lambda: daemon.walk_pids())
        senders = [
            subprocess.Popen(
                [test_daemon.SLUGLINE, "gen", "--to", "udp://127.0.0.1:%d" % port, "-f", format_, "-n", "600", "-r", "600",
                 "-w", service, "-l", "flash:5,urgent:10,normal:70,bulk:15"],
                stdout=subprocess.DEVNULL)
            for port, format_, service in zip(ports, formats, ("aaa", "bbb", "ccc"))
        ]
        daemon.readers += senders
        assert all(sender.wait(BOUND_S) == 0 for sender in senders)
        until("all was read", lambda: json.loads(reader.out.all()[-1])["wire"]["seq"] == tape_of(daemon)["lastSeq"])
        assert daemon.stop() == 0
        lines = reader.out.all()
        said = bulletins_in_order(lines)
        assert len(said) > 900, len(said)  # datagrams: who is slow loses some
        config = ("-c", daemon.config, "--speed", "max", "--json")
        status, again, err = replay(*config)
        assert status == 0 and "of other feeds 0" in err and err.endswith("books: balance\n"), (status, err)
        assert bulletins_in_order(again) == said
        # A part of it, by numbers and by time; the ends are in it.
        wires = [json.loads(line)["wire"] for line in lines]
        first, last = (str(wires[n]["seq"]) for n in (700, 900))
        assert bulletins_in_order(replay(*config, "--from", first, "--to", last)[1]) == said[700:901]
        begin, end = (wires[n]["receipt"]["published"] for n in (300, 310))
        timed = bulletins_in_order(replay(*config, "--from", time_text(begin), "--to", time_text(end))[1])
        # A message is published a little before its first bulletin.
        assert set(said[301:310]) <= set(timed) <= set(said[300:313]), len(timed)
        # Without the configuration nobody knows the feeds: all is of one, and each message is recognized.
        status, again, _ = replay("-d", daemon.directory, "--speed", "max", "--json")
        assert len(again) == len(said), (status, len(again))
        # A configuration that has not all of them says so.
        daemon.write(feeds[:2])
        status, again, err = replay(*config)
        assert status == 1 and re.search(r"of other feeds [1-9]", err) and 0 < len(again) < len(said), (status, err)
        # Feeds in another order are found by their names.
        daemon.write(feeds[::-1])
        assert bulletins_in_order(replay(*config)[1]) == said


def what_cannot_be_played_is_refused():
    with tempfile.TemporaryDirectory() as folder:
        for arguments, status, why in (
            (("-d", folder + "/none"), 1, "No such file"),
            (("-d", folder, "--from", "yesterday"), 2, "SEQ or a time"),
            (("-d", folder, "--speed", "0"), 2, "no speed"),
            (("-d", folder, "x.pcap"), 2, "do not go with a FILE"),
            (("--proto", "udp"), 2, "of captures"),
        ):
            got, _, err = replay(*arguments)
            assert got == status and why in err, (arguments, got, err)
        os.mkdir(folder + "/raw")
        assert replay("-d", folder)[0] == 0  # nothing is in it


CASES = [
    a_stopped_reader_goes_on_from_the_journal_and_no_other_sees_it,
    a_reader_stopped_under_load_costs_no_other_anything,
    a_reader_that_is_slower_than_the_tape_loses_nothing,
    what_retention_took_is_named_and_the_rest_comes,
    a_late_reader_begins_wherever_it_is_told_through_restarts,
    readers_open_the_journal_to_read_it_only,
    the_journal_played_again_says_the_same_in_the_same_order,
    what_cannot_be_played_is_refused,
]

if __name__ == "__main__":
    test_daemon.SLUGLINE = sys.argv[1]
    chosen = sys.argv[2:]
    if chosen and chosen[0].isdigit():
        SECONDS = int(chosen.pop(0))
    sys.exit(test_daemon.run_cases(CASES, chosen))
