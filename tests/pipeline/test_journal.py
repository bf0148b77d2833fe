#!/usr/bin/env python3
"""The journal as its users meet it: kill -9 at random points, power loss, a full disk; nothing that a reader saw is missing.

    test_journal.py SLUGLINE [ROUNDS [SEED]] [CASE ...]

ROUNDS of kill -9 under load, 10 where none are told.  Every case has a daemon, a folder and ports of its own, on loopback; it ends
what it started, by pid.  Python 3.11, standard library only.
"""
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile

import test_daemon
from test_daemon import BOUND_S, Daemon, dial, expect_headlines, free_port, headlines, listening, message, until

ROUNDS, SEED = 10, 1
NOTICES = {"epoch", "gap", "reject", "held", "hole"}


def lives(pid):
    try:
        return pathlib.Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Journaled(Daemon):
    """more: keys of the journal; directory: of an earlier daemon's journal, to go on with."""

    def __init__(self, feeds, directory=None, more="", tape="16MiB", segment="1MiB", program=None):
        self.own = None if directory else tempfile.TemporaryDirectory(prefix="slugline-journal-")
        self.directory = directory or self.own.name
        self.keys = "journal: {directory: %s, segment: %s%s}\n" % (self.directory, segment, more)
        super().__init__(feeds, program or test_daemon.SLUGLINE, tape)

    def write(self, feeds, tape="16MiB", more=""):
        super().write(feeds, tape, self.keys + more)

    def journal_pids(self):
        return [int(line.split("pid=")[1].split()[0]) for line in self.said.all() if "journal up pid=" in line]

    def kill_all(self):
        pids = [self.process.pid, self.walk_pids()[-1], self.journal_pids()[-1]]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # it was on its way already
                os.kill(pid, signal.SIGKILL)
        self.process.wait(BOUND_S)
        until("their sockets are closed", lambda: not any(map(lives, pids)))

    def __exit__(self, *what):
        super().__exit__(*what)
        if self.own:
            self.own.cleanup()


def journal(directory, what, *options):
    return subprocess.run([test_daemon.SLUGLINE, "journal", what, "-d", directory, *options], capture_output=True, text=True, timeout=600)


def records(directory):
    """seq: (epoch, id or kind, first, count), in the journal's order; no seq twice."""
    done = journal(directory, "cat", "--json")
    assert done.returncode == 0, done.stderr
    found, last = {}, 0
    for line in done.stdout.splitlines():
        wire = json.loads(line)["wire"]
        assert wire["seq"] > last, wire
        last = wire["seq"]
        found[wire["seq"]] = (wire["epoch"], wire.get("id", wire["kind"]), wire.get("first", 0), wire.get("count", 0))
    return found


def verified(directory):
    done = journal(directory, "verify", "--json")
    assert done.returncode == 0, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def seen_by(reader):
    """(epoch, seq, id or kind) of every record that it was given."""
    seen = []
    for line in reader.out.all():
        wire = json.loads(line).get("wire", {})
        if "seq" in wire and wire.get("kind") not in ("missed", "new-epoch", "evicted"):
            seen.append((wire["epoch"], wire["seq"], wire.get("id", wire["kind"])))
    return seen


def named_lost(found):
    """Ranges of numbers that an EPOCH or a HOLE in the journal names."""
    named = {seq: what for seq, what in found.items() if what[1] in ("epoch", "hole") and what[3]}
    return [range(first, min(first + count, seq + 1)) for seq, (_, _, first, count) in named.items()]


def expect_all_there(directory, seen):
    found, seqs = records(directory), [seq for _, seq, _ in seen]
    assert len(set(seqs)) == len(seqs), "a seq was seen twice"
    lost = named_lost(found)
    for epoch, seq, what in seen:
        if found.get(seq, (0, "hole"))[1] != "hole" or not any(seq in numbers for numbers in lost):
            assert seq in found and found[seq][:2] == (epoch, what), (epoch, seq, what, found.get(seq))
    said_to = 0
    for numbers in sorted([*lost, *(range(seq, seq + 1) for seq in found)], key=lambda numbers: numbers.start):
        assert numbers.start <= said_to + 1, "a hole without a name: %d to %d" % (said_to + 1, numbers.start - 1)
        said_to = max(said_to, numbers.stop - 1)
    return found, lost


def a_restart_goes_on_with_the_next_number():
    port = free_port()
    with Journaled([listening(port)]) as first:
        reader = first.tail("--from", "oldest", "--notices")
        with dial(port) as agency:
            for number in range(1, 101):
                agency.sendall(message(number))
            expect_headlines(reader, range(1, 101))
        assert first.stop() == 0
        seen = seen_by(reader)
        with Journaled([listening(port)], first.directory) as second:
            reader = second.tail("--from", "oldest", "--notices")
            with dial(port) as agency:
                for number in range(101, 111):
                    agency.sendall(message(number))
                expect_headlines(reader, range(1, 111))  # the older ones from the journal
            assert second.stop() == 0
            seen = sorted(set(seen + seen_by(reader)))
        found, lost = expect_all_there(first.directory, seen)
        assert sorted(found) == list(range(1, 112)) and not lost and found[101][1] == "epoch", sorted(found)[-12:]
        assert verified(first.directory)["lost"] == 0


def status_of(daemon):
    """Its exit status says whether what it tells adds up, over restarts too."""
    ask = [test_daemon.SLUGLINE, "status", "--json", "-s", daemon.socket]
    return json.loads(subprocess.run(ask, capture_output=True, timeout=BOUND_S, check=True).stdout)


def tape_of(daemon):
    return status_of(daemon)["tape"]


def feed_of(daemon):
    return status_of(daemon)["feeds"][0]


def at_rest(daemon, lost=0):
    """All that came is answered and durable, but for what is lost; the whole status, whose sums hold."""
    until("it is at rest", lambda: status_of(daemon).get("balanced"))
    until("all is durable", lambda: tape_of(daemon)["durableSeq"] == tape_of(daemon)["lastSeq"])
    until("and counted so", lambda: feed_of(daemon)["total"]["durable"] + lost == feed_of(daemon)["total"]["published"])
    return status_of(daemon)


def status_tells_what_is_durable():
    port = free_port()
    with Journaled([listening(port)]) as daemon:
        status = lambda: tape_of(daemon)
        with dial(port) as agency:
            for number in range(1, 51):
                agency.sendall(message(number))
            until("all is durable", lambda: status()["durableSeq"] == status()["lastSeq"] == 50)
            until("the raw log too", lambda: status()["rawDurableSeq"] == status()["rawLastSeq"] > 0)
        assert daemon.stop() == 0


def the_books_survive_whatever_is_killed():
    """What one walk after the other counted is what was sent, since the first of them began."""
    port = free_port()
    withheld = message(5000).replace(b"\x02", b"\x02(HOLD)\r\n")
    sent = collections.Counter(durable=0)
    with Journaled([listening(port)]) as daemon:
        began = status_of(daemon)["sinceNs"]
        for turn, killed in enumerate(["nobody", "walk", "journal", "both", "supervisor", "stop", "walk", "stop"]):
            numbers = range(100 * turn + 1, 100 * turn + 51)
            with dial(port) as agency:
                agency.sendall(b"".join(map(message, numbers)) + message(numbers[0]) + b"\xff noise \x9b" + withheld)
                agency.shutdown(socket.SHUT_WR)
                sent += {"framed": 53, "published": 50, "rejected": 1, "duplicates": 2 if turn else 1, "durable": 50}
                sent["held"] = 1
                until("all have come", lambda: feed_of(daemon)["answered"] == feed_of(daemon)["framed"] and
                      feed_of(daemon)["total"]["framed"] >= sent["framed"])
            status = at_rest(daemon)
            total = status["feeds"][0]["total"]
            got = {key: total[key] for key in sent}
            assert got == sent and status["sinceNs"] == began, (turn, killed, got, sent)
            assert total["heldNow"] == 1 and not total["forgotten"] + total["unanswered"] + total["dropped"], total
            if killed == "stop":
                assert daemon.stop() == 0
                daemon.begin()
            elif killed != "nobody":
                kill_one_round(daemon, killed, random.Random(SEED))
        daemon.kill_all()
        daemon.begin()
        status = at_rest(daemon)
        assert status["feeds"][0]["total"]["published"] == sent["published"] and status["sinceNs"] == began, status
        assert daemon.stop() == 0


def the_books_survive_a_walk_without_a_journal():
    port = free_port()
    with Daemon([listening(port)], test_daemon.SLUGLINE) as daemon:
        for walk in (1, 2, 3):
            with dial(port) as agency:
                agency.sendall(b"".join(message(number) for number in range(100 * walk, 100 * walk + 50)))
                until("all have come", lambda: feed_of(daemon)["total"]["published"] == 50 * walk)
            total = feed_of(daemon)["total"]
            assert total["framed"] == total["withBulletins"] == 50 * walk and feed_of(daemon)["published"] == 50, total
            os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
            until("the next walk is up", lambda: len(daemon.walk_pids()) == walk + 1)
        assert daemon.stop() == 0


def the_books_follow_a_feed_by_its_name():
    """The configuration changes between two runs: another order, one feed gone and back again."""
    ports = free_port(), free_port()
    one, two = listening(ports[0], "one"), listening(ports[1], "two")
    with Journaled([one, two]) as daemon:
        for cnt, feeds in ((3, [two, one]), (4, [two]), (0, [one, two])):
            for port, name in zip(ports, ("one", "two")):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as agency:
                    agency.sendall(b"".join(message(100 * cnt + number, service=name) for number in range(cnt)))
            names = [feed["name"] for feed in status_of(daemon)["feeds"]]
            until("all have come", lambda: all(feed["answered"] == cnt for feed in status_of(daemon)["feeds"]))
            at_rest(daemon)
            assert daemon.stop() == 0
            daemon.write(feeds)
            daemon.begin()
        found = {feed["name"]: feed["total"]["published"] for feed in status_of(daemon)["feeds"]}
        assert found == {"one": 7, "two": 7} and names == ["two"], (found, names)
        assert daemon.stop() == 0


def what_is_held_and_what_is_read_go_by_the_names_of_feeds():
    """Numbers of feeds change with the configuration: what was held is its own feed's again, and cat says whose a record was."""
    ports = free_port(), free_port()
    one, two = listening(ports[0], "one"), listening(ports[1], "two")
    withheld = message(3).replace(b"\x02", b"\x02(HOLD)\r\n")
    lifted = message(3, "It may be used.").replace(b"\x02", b"\x02(Embargo lifted)\r\n")
    feeds = lambda daemon: {feed["name"]: feed for feed in status_of(daemon)["feeds"]}
    with Journaled([one, two]) as daemon:
        with dial(ports[0]) as first, dial(ports[1]) as second:
            first.sendall(message(1))
            until("the first has come", lambda: feeds(daemon)["one"]["published"] == 1)
            second.sendall(message(2) + withheld)
            until("one is held", lambda: feeds(daemon)["two"]["held"] == 1)
        at_rest(daemon)
        assert daemon.stop() == 0
        daemon.write([two, one])
        daemon.begin()
        assert feeds(daemon)["two"]["held"] == 1 and feeds(daemon)["one"]["held"] == 0, feeds(daemon)
        reader = daemon.tail("--from", "oldest")
        with dial(ports[1]) as second:
            second.sendall(lifted)
            until("it is released", lambda: feeds(daemon)["two"]["held"] == 0 and feeds(daemon)["two"]["published"] == 2)
        until("all are seen", lambda: len(headlines(reader)) == 4)
        wires = [json.loads(line)["wire"] for line in reader.out.all() if "headlines" in line]
        came = [(wire["feed"], wire["number"]) for wire in wires]
        assert came == [("one", "0001"), ("two", "0002"), ("two", "0003"), ("two", "0003")], wires
        at_rest(daemon)
        assert daemon.stop() == 0
        told = [line.split()[3:5] for line in journal(daemon.directory, "cat").stdout.splitlines()]
        assert told[:3] == [["news", "one"], ["news", "two"], ["held", "two"]] and told[3] == ["epoch", "-"], told
        assert {line[1] for line in told[4:]} == {"two"}, told
        lines = journal(daemon.directory, "cat", "--raw").stdout.splitlines()
        raw = [line.split()[3].rstrip(":") for line in lines if line.startswith("--- ")]
        assert raw[:2] == ["one", "two"] and set(raw[2:]) == {"two"}, raw
        lines = journal(daemon.directory, "cat", "--json").stdout.splitlines()
        assert [json.loads(line)["wire"].get("feed") for line in lines][:2] == ["one", "two"]


def kill_one_round(daemon, victims, chance):
    """The next of whom was killed are up when it returns."""
    walks, journals = len(daemon.walk_pids()), len(daemon.journal_pids())
    if victims == "supervisor":
        daemon.process.kill()
        daemon.process.wait(BOUND_S)
        daemon.begin()  # at once: its walk and its journal still live
        return
    pids = {"journal": [daemon.journal_pids()[-1]], "walk": [daemon.walk_pids()[-1]]}
    for pid in pids.get(victims) or chance.sample(pids["journal"] + pids["walk"], 2):
        os.kill(pid, signal.SIGKILL)
    if victims != "journal":
        until("the next walk is up", lambda: len(daemon.walk_pids()) > walks)
    if victims != "walk":
        until("the next journal is up", lambda: len(daemon.journal_pids()) > journals)


def kill_9_under_load_loses_nothing():
    """ROUNDS times: the journal, the walk, both, or the supervisor, after a random number of records that a reader saw."""
    chance = random.Random(SEED)
    print("kill -9: %d rounds, seed %d" % (ROUNDS, SEED), flush=True)
    port, killed = free_port(), collections.Counter()
    feed = 'name: wire, format: iptc7901, lines: ["udp://127.0.0.1:%d"]' % port
    # A start reads as much of the journal as the window takes: after two hundred rounds that is not to be all of it.
    with Journaled([feed], tape="16MiB, window: 32768") as daemon:
        reader = daemon.tail("--from", "oldest", "--notices")
        for turn in range(ROUNDS):
            service = "r" + "".join(chr(ord("a") + turn // 26**i % 26) for i in range(3))
            load = subprocess.Popen(
                [test_daemon.SLUGLINE, "gen", "--to", "udp://127.0.0.1:%d" % port, "-r", "2000", "-d", "1h", "-w", service],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            daemon.readers.append(load)
            before, more = len(reader.out.all()), chance.randrange(1, 800)
            until("%d records more" % more, lambda: len(reader.out.all()) >= before + more)
            victims = chance.choice(["journal", "walk", "both", "supervisor"])
            killed[victims] += 1
            kill_one_round(daemon, victims, chance)
            load.kill()
            load.wait(BOUND_S)
        total = at_rest(daemon)["feeds"][0]["total"]
        last = '"seq":%d,' % tape_of(daemon)["lastSeq"]
        until("the reader has seen the end", lambda: any(last in line for line in reader.out.all()[-5:]))
        assert daemon.stop() == 0, daemon.said.all()[-10:]
        seen = seen_by(reader)
        found, lost = expect_all_there(daemon.directory, seen)
        assert not lost, "readers lost nothing, and nothing was to be named: %s" % lost[:5]
        assert verified(daemon.directory)["lost"] == 0
        there = sum(what[1] not in NOTICES for what in found.values())
        assert total["published"] == total["durable"] == there, (total, there)
        print("        %d records in the journal, %d seen; killed: %s" % (
            len(found), len(seen), ", ".join("%s %d" % who for who in sorted(killed.items()))), flush=True)


def what_was_seen_and_never_durable_is_named_by_the_next_epoch():
    """kill -9 of all while the journal is stopped, twice: the second time the record that is to say so may be lost too."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="slugline-journal-") as directory:
        seen = []
        for numbers in (range(1, 51), range(51, 101)):
            with Journaled([listening(port)], directory, more=", sync: 1s") as daemon:
                os.kill(daemon.journal_pids()[-1], signal.SIGSTOP)
                reader = daemon.tail("--from", "oldest", "--notices")
                with dial(port) as agency:
                    for number in numbers:
                        agency.sendall(message(number))
                    expect_headlines(reader, numbers)
                daemon.kill_all()
                seen += seen_by(reader)
                assert {what[1] for what in records(directory).values()} <= {"epoch"}, "this was to be about what is not durable"
        with Journaled([listening(port)], directory) as daemon:
            reader = daemon.tail("--from", "oldest", "--notices")
            with dial(port) as agency:
                agency.sendall(message(101))
                expect_headlines(reader, [101])
            assert daemon.stop() == 0
            seen += seen_by(reader)
        found, lost = expect_all_there(directory, seen)
        kinds = [what[1] for what in found.values()]
        assert kinds[-1] != "epoch" and set(kinds[:-1]) == {"epoch"}, found
        assert lost[0].start == 1 and lost[-1].stop == max(found) - 1, (lost, found)


def power_loss_is_named_by_the_next_epoch():
    """kill -9 of all, and the open segment cut where a write might have ended, at some byte before."""
    chance = random.Random(SEED)
    port = free_port()
    with Journaled([listening(port)], more=", sync: always") as first:
        reader = first.tail("--from", "oldest", "--notices")
        with dial(port) as agency:
            for number in range(1, 301):
                agency.sendall(message(number))
            expect_headlines(reader, range(1, 301))
        until("something is durable, of which something can be cut", lambda: tape_of(first)["durableSeq"] > 50)
        first.kill_all()
        seen = seen_by(reader)
        segment = sorted(pathlib.Path(first.directory, "tape").glob("*.seg"))[-1]
        data_len = len(segment.read_bytes().rstrip(b"\0"))
        os.truncate(segment, chance.randrange(8192, data_len))
        with Journaled([listening(port)], first.directory) as second:
            reader = second.tail("--from", "oldest", "--notices")
            with dial(port) as agency:
                agency.sendall(message(301))
                until("the last is there", lambda: test_daemon.headlines(reader)[-1:] == ["Headline number 301"])
            assert second.stop() == 0
            seen = sorted(set(seen + seen_by(reader)))
        found, lost = expect_all_there(first.directory, seen)
        epoch = next(seq for seq, what in found.items() if what[1] == "epoch")
        assert epoch > 300 and len(lost) == 1 and lost[0].start <= 300 and lost[0].stop == epoch, (epoch, lost)
        assert lost[0].start == max((seq for seq in found if seq < epoch), default=0) + 1, (lost, found)


def a_start_knows_what_the_journal_knows():
    """Duplicates, kills, and what is held: after an orderly stop, after a kill of all, and of the walk alone."""
    port = free_port()
    withheld = message(3).replace(b"\x02", b"\x02(HOLD)\r\n")
    lifted = message(3, "It may be used.").replace(b"\x02", b"\x02(Embargo lifted)\r\n")
    kill = message(2, "Item tst 0004 is wrong.").replace(b"\x02", b"\x02KILL KILL KILL\r\n").replace(b"\x0303", b"\x0305")
    with tempfile.TemporaryDirectory(prefix="slugline-journal-") as directory:
        seen = []
        for first, end in ((True, "stop"), (False, "kill all"), (False, "kill walk"), (False, "stop")):
            with Journaled([listening(port)], directory) as daemon:
                reader = daemon.tail("--from", "oldest", "--notices")
                with dial(port) as agency:
                    agency.sendall(message(1) + kill + withheld)
                    until("all have come", lambda: feed_of(daemon)["published" if first else "duplicates"] == 3 - first)
                    until("one is held", lambda: feed_of(daemon)["held"] == 1)
                    until("all is durable", lambda: tape_of(daemon)["durableSeq"] == tape_of(daemon)["lastSeq"])
                    if end == "kill walk":
                        os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
                        until("the next walk is up", lambda: len(daemon.walk_pids()) == 2)
                        assert feed_of(daemon)["held"] == 1, feed_of(daemon)
                if end == "kill all":
                    daemon.kill_all()
                else:
                    assert daemon.stop() == 0, daemon.said.all()[-5:]
                seen += seen_by(reader)
        with Journaled([listening(port)], directory) as daemon:
            reader = daemon.tail("--from", "oldest", "--notices")
            with dial(port) as agency:
                agency.sendall(message(4) + lifted)
                until("it is released", lambda: feed_of(daemon)["published"] == 3 and feed_of(daemon)["held"] == 0)
                until("they are seen", lambda: len(headlines(reader)) == 5)  # two of them from the journal
            assert daemon.stop() == 0
            verdicts = [json.loads(line)["wire"].get("verdict") for line in reader.out.all() if "headlines" in line]
            assert verdicts[2:] == ["withdrawn", "same_version", "released"], verdicts
            seen += seen_by(reader)
        with Journaled([listening(port)], directory) as daemon:
            assert feed_of(daemon)["held"] == 0, "what was released is held no longer"
            assert daemon.stop() == 0
        expect_all_there(directory, list(dict.fromkeys(seen)))


def a_supervisor_killed_alone_loses_nothing():
    """Its walk drains, and what readers still see of it is for the journal too; who comes next waits for both."""
    port = free_port()
    feed = 'name: wire, format: iptc7901, lines: ["udp://127.0.0.1:%d"]' % port
    with Journaled([feed]) as first:
        reader = first.tail("--from", "oldest", "--notices")
        load = subprocess.Popen(
            [test_daemon.SLUGLINE, "gen", "--to", "udp://127.0.0.1:%d" % port, "-r", "2000", "-n", "2000", "-w", "sup"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        first.readers.append(load)
        until("it is under load", lambda: len(reader.out.all()) > 300)
        os.kill(first.process.pid, signal.SIGKILL)
        first.process.wait(BOUND_S)
        with Journaled([feed], first.directory) as second:  # at once: the old walk and its journal still live
            until("the reader of the first has seen its end", lambda: "gone" in "\n".join(reader.said.all()[-1:]))
            other = second.tail("--from", "oldest", "--notices")
            load.wait(BOUND_S)
            assert second.stop() == 0, second.said.all()[-5:]
            seen = seen_by(reader) + seen_by(other)
        found, lost = expect_all_there(first.directory, list(dict.fromkeys(seen)))
        assert not lost, lost


def a_journal_that_does_not_answer_is_not_waited_for():
    """The walk dies while the journal is stopped and then cannot begin again: the tape goes on, with new numbers."""
    port = free_port()
    with Journaled([listening(port)]) as daemon:
        reader = daemon.tail("--from", "oldest", "--notices")
        with dial(port) as agency:
            agency.sendall(message(1))
            expect_headlines(reader, [1])
            until("it is durable", lambda: tape_of(daemon)["durableSeq"] == 1)
        journal_pid, walk_pid = daemon.journal_pids()[-1], daemon.walk_pids()[-1]
        os.kill(journal_pid, signal.SIGSTOP)
        with dial(port) as agency:
            agency.sendall(message(2))
            expect_headlines(reader, [1, 2])
        kept = pathlib.Path(daemon.directory, "reserved")
        kept.rename(kept.with_suffix(".kept"))
        kept.mkdir()  # the next journal cannot begin
        os.kill(journal_pid, signal.SIGKILL)
        os.kill(walk_pid, signal.SIGKILL)
        until("the next walk is up", lambda: len(daemon.walk_pids()) == 2)
        assert any("without it" in line for line in daemon.said.all()), daemon.said.all()
        with dial(port) as agency:
            agency.sendall(message(3))
            expect_headlines(reader, [1, 2, 3])
            kept.rmdir()
            kept.with_suffix(".kept").rename(kept)
            until("the journal is back and has it all", lambda: tape_of(daemon)["durableSeq"] == tape_of(daemon)["lastSeq"])
        assert daemon.stop() == 0, daemon.said.all()[-5:]
        found, lost = expect_all_there(daemon.directory, seen_by(reader))
        assert lost == [range(2, 3)] and sorted(found) == [1, 3, 4], (lost, found)


def a_flipped_bit_is_named_and_the_rest_is_read():
    port = free_port()
    with Journaled([listening(port)]) as daemon:
        reader = daemon.tail("--from", "oldest")
        with dial(port) as agency:
            for number in range(1, 101):
                agency.sendall(message(number))
            expect_headlines(reader, range(1, 101))
        assert daemon.stop() == 0
        segment = sorted(pathlib.Path(daemon.directory, "tape").glob("*.seg"))[0]
        data = bytearray(segment.read_bytes())
        place = data.index(b"Headline number 50")
        data[place] ^= 0x10
        segment.write_bytes(data)
        done = journal(daemon.directory, "verify")
        named = re.search(r"tape/%s: damage at offset (\d+), (\d+) bytes, seq 50 to 50" % segment.name, done.stderr)
        assert done.returncode == 1 and named, (done.stdout, done.stderr)
        assert int(named[1]) < place < int(named[1]) + int(named[2])
        assert len(journal(daemon.directory, "cat").stdout.splitlines()) == 99


def a_full_disk_stops_the_journal_and_not_the_tape():
    """Needs the right to mount; without it this says so."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="slugline-disk-") as disk:
        mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "slugline-test", disk]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            print("skipped a_full_disk_stops_the_journal_and_not_the_tape: needs the right to mount a tmpfs", flush=True)
            return
        try:
            with Journaled([listening(port, more=", message: 16KiB")], disk, tape="1MiB") as daemon:
                reader = daemon.tail("--from", "oldest", "--notices")
                filler = pathlib.Path(disk, "filler")
                with dial(port) as agency:
                    agency.sendall(message(1))
                    expect_headlines(reader, [1])
                    with filler.open("wb", buffering=0) as f:
                        with contextlib.suppress(OSError):
                            while f.write(bytes(4096)):
                                pass
                    sent = 1
                    while not any("No space left" in line for line in daemon.said.all()):
                        assert sent < 20000
                        for _ in range(50):
                            sent += 1
                            agency.sendall(message(sent, "x" * 2000))
                    for _ in range(1000):  # the tape goes round before there is room again
                        sent += 1
                        agency.sendall(message(sent, "x" * 2000))
                    until("the tape goes on", lambda: "Headline number %d" % sent in reader.out.all()[-1])
                    filler.unlink()
                    until("it writes again", lambda: any("writes again" in line for line in daemon.said.all()))
                    agency.sendall(message(sent + 1))
                    until("the last is there", lambda: "Headline number %d" % (sent + 1) in reader.out.all()[-1])
                assert daemon.stop() == 0, daemon.said.all()[-5:]
                found, lost = expect_all_there(disk, seen_by(reader))
                assert lost and any(what[1] == "hole" for what in found.values()), "the hole has its name"
                assert verified(disk)["lost"] == 0
        finally:
            subprocess.run(["umount", "-l", disk], check=True)  # a process that was killed may still be going


CASES = [
    a_restart_goes_on_with_the_next_number,
    status_tells_what_is_durable,
    the_books_survive_whatever_is_killed,
    the_books_survive_a_walk_without_a_journal,
    the_books_follow_a_feed_by_its_name,
    what_is_held_and_what_is_read_go_by_the_names_of_feeds,
    kill_9_under_load_loses_nothing,
    what_was_seen_and_never_durable_is_named_by_the_next_epoch,
    power_loss_is_named_by_the_next_epoch,
    a_start_knows_what_the_journal_knows,
    a_supervisor_killed_alone_loses_nothing,
    a_journal_that_does_not_answer_is_not_waited_for,
    a_flipped_bit_is_named_and_the_rest_is_read,
    a_full_disk_stops_the_journal_and_not_the_tape,
]


def main():
    global ROUNDS, SEED
    test_daemon.SLUGLINE = sys.argv[1]
    rest = sys.argv[2:]
    ROUNDS, SEED = test_daemon.rounds_and_seed(rest, ROUNDS)
    return test_daemon.run_cases(CASES, rest)


if __name__ == "__main__":
    sys.exit(main())
