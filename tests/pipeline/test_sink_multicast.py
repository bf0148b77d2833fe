#!/usr/bin/env python3
"""The multicast sink, as a receiver of MoldUDP64 meets it that shares no code with it, and as our own feed does.

    test_sink_multicast.py SLUGLINE [--rounds N] [--seed N] [CASE ...]
"""
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import sink_daemon as sinks
import test_daemon as daemons
from sink_daemon import Load, SinkDaemon, number_of
from test_daemon import BOUND_S, Daemon, dial, free_port, message, until

HEADER = struct.Struct(">10sQH")
GROUP = "239.255.7.1"
END = 0xFFFF
LONG = "A paragraph that fills what a datagram and a queue can hold. " * 40


class Receiver:
    """Joins the group on the loopback, and asks for what it has not got."""

    def __init__(self, port, server=None, loses=lambda number: False):
        self.messages, self.times, self.sessions, self.beats, self.ends, self.next = {}, {}, [], [], [], 1
        self.loses, self.lengths, self.closed = loses, [], []
        self.server = ("127.0.0.1", server) if server else None
        self.group = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.group.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        force = 33 if os.getuid() == 0 else socket.SO_RCVBUF  # SO_RCVBUFFORCE
        self.group.setsockopt(socket.SOL_SOCKET, force, 32 << 20)
        self.group.bind((GROUP, port))
        self.group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton("127.0.0.1"))
        self.ask = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.ask.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.group.close()
        self.ask.close()

    def take(self, data, loses):
        session, number, cnt = HEADER.unpack_from(data)
        if cnt == END:
            assert len(data) == HEADER.size
            self.ends.append((session, number))
            return
        if not self.sessions or self.sessions[-1] != session:
            if self.sessions:
                self.closed.append(self.messages)
            self.sessions.append(session)
            self.messages, self.times, self.next = {}, {}, 1
        self.next = max(self.next, number + cnt)
        if not cnt:
            assert len(data) == HEADER.size
            self.beats.append(number)
            return
        self.lengths.append(len(data))
        at = HEADER.size
        for number in range(number, number + cnt):
            size = struct.unpack_from(">H", data, at)[0]
            body = data[at + 2 : at + 2 + size]
            at += 2 + size
            assert len(body) == size, "a message ends behind its datagram"
            if loses(number):
                continue
            assert self.messages.setdefault(number, body) == body, "number %d means two things" % number
            self.times[number] = self.times.get(number, 0) + 1
        assert at == len(data), "bytes behind the last message"

    def read(self):
        """What has come, and at least a moment's wait for it."""
        for sock, loses in ((self.group, self.loses), (self.ask, lambda number: False)):
            sock.settimeout(0.005)
            with contextlib.suppress(TimeoutError):
                for _ in range(500):
                    self.take(sock.recv(65536), loses)
                    sock.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                pass
        return True

    def missing(self):
        return [number for number in range(1, self.next) if number not in self.messages]

    def request(self, number, cnt, session=None):
        self.ask.sendto(HEADER.pack(session or self.sessions[-1], number, cnt), self.server)

    def ask_again(self):
        gaps, begin = [], None
        for number in self.missing()[:2000]:
            if begin is None or number != begin + cnt:
                if begin is not None:
                    gaps.append((begin, cnt))
                begin, cnt = number, 0
            cnt += 1
        if begin is not None:
            gaps.append((begin, cnt))
        for first, cnt in gaps[:20]:
            self.request(first, cnt)

    def until_all(self, last, asks=False):
        def look():
            with contextlib.suppress(BlockingIOError):
                self.read()
            if asks and self.missing():
                self.ask_again()
            return self.next == last + 1 and not self.missing()

        try:
            until("all %d have come" % last, look)
        except AssertionError as late:
            raise AssertionError("%s: next %d, missing %s" % (late, self.next, self.missing()[:20])) from None

    def read_until(self, what, check):
        def look():
            with contextlib.suppress(BlockingIOError):
                self.read()
            return check()

        until(what, look)

    def items(self):
        return [json.loads(self.messages[number]) for number in sorted(self.messages)]

    def numbers(self):
        return [number_of(item["headlines"][0]["value"]) for item in self.items()]


@contextlib.contextmanager
def multicast_sink(more="", tape="64MiB", journal=False, feed_more=""):
    port, server = free_port(), free_port()
    sink = 'name: cast, type: multicast, group: "%s:%d", requests: "127.0.0.1:%d", heartbeat: 50ms%s' % (GROUP, port, server, more)
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="slugline-cast-")) if journal else None
        daemon = stack.enter_context(
            SinkDaemon([sink], tape=tape, feed_more=feed_more, more="journal: {directory: %s, sync: 5ms}\n" % folder if journal else ""))
        daemon.cast, daemon.server = port, server
        daemon.wait_for_sink("cast")
        yield daemon


def sent(daemon, cnt):
    return daemon.expect("cast", "has sent %d" % cnt, lambda row: row["sent"] - row["repeated"] >= cnt or row["seq"] >= cnt)


def numbers_count_from_1_and_heartbeats_say_which_is_next():
    with multicast_sink() as daemon, Receiver(daemon.cast) as receiver, dial(daemon.port) as agency:
        receiver.read_until("a heartbeat", lambda: receiver.beats)
        assert receiver.beats[-1] == 1, receiver.beats
        agency.sendall(b"".join(message(n) for n in range(1, 501)))
        receiver.until_all(500)
        receiver.beats.clear()
        receiver.read_until("two heartbeats", lambda: len(receiver.beats) >= 2)
        assert set(receiver.beats) == {501}, receiver.beats
        assert receiver.numbers() == list(range(1, 501)) and set(receiver.times.values()) == {1}
        assert len(receiver.sessions) == 1 and receiver.sessions[0].startswith(b"SLG"), receiver.sessions
        assert max(receiver.lengths) <= 1400, "several messages in a packet, and none over its bound"
        row = daemon.expect("cast", "says what it sent", lambda row: row["sent"] == 500 and row["waiting"] == 0)
        assert (row["type"], row["repeated"], row["lag"], row["lastError"]) == ("multicast", 0, 0, None), row


def what_a_receiver_lost_it_gets_again_byte_for_byte():
    """From the queue, from the tape, and when that has gone round from the journal: as the other receiver has it."""
    dice = sinks.throw_dice()
    lost = set(number for number in range(1, 4001) if dice.random() < 0.2)
    with multicast_sink(", queue: 64KiB, rate: 32MiB", "1MiB", True, ", message: 16KiB") as daemon, \
            Receiver(daemon.cast, daemon.server) as whole, dial(daemon.port) as agency, \
            Receiver(daemon.cast, daemon.server, lambda number: number in lost) as lossy:
        for first in range(1, 4001, 100):  # the tape goes round several times
            agency.sendall(b"".join(message(n, LONG) for n in range(first, first + 100)))
            for receiver in (whole, lossy):
                receiver.read_until("a hundred more", lambda receiver=receiver: receiver.next == first + 100)
        whole.until_all(4000, asks=True)
        assert len(lossy.missing()) >= len(lost) > 500
        lossy.until_all(4000, asks=True)
        assert lossy.messages == whole.messages and whole.numbers() == list(range(1, 4001))
        daemon.expect("cast", "counts what went again", lambda row: row["repeated"] >= len(lost))


def our_own_feed_puts_the_same_on_its_tape():
    with multicast_sink() as daemon, dial(daemon.port) as agency:
        lines = ["udp://%s:%d?interface=lo" % (GROUP, daemon.cast), "udp-request://127.0.0.1:%d" % daemon.server]
        feed = "name: back, format: ninjs, framing: moldudp64, reorder: 5s, lines: %s" % json.dumps(lines)
        with Daemon([feed], None, "64MiB") as other:
            first, second = daemon.tail("--from", "oldest"), other.tail("--from", "oldest")
            agency.sendall(b"".join(message(n, LONG if n % 7 == 0 else "Short.", priority=n % 8 + 1) for n in range(1, 1001)))
            agency.sendall(message(1, "Said better.") + KILL)
            until("the first tape has all", lambda: len(first.out.all()) == 1002)
            until("the second has them, too", lambda: len(second.out.all()) == 1002)
            told = [sorted(map(meaning, map(json.loads, reader.out.all())), key=json.dumps) for reader in (first, second)]
            assert told[0] == told[1], next(pair for pair in zip(*told) if pair[0] != pair[1])
            assert any(item["kind"] == "kill" for item in told[1])
            assert other.stop() == 0, other.said.all()


KILL = ("\x01tst0777 4 i 5  tst 777\r\n\r\nCase/\r\n\x02KILL KILL KILL =\r\n\r\nKILL tst0002 Headline number 2\r\n\r\n"
        "\x03011200 GMT Nov 26\r\n\x7f\x04").encode("latin-1")


def meaning(item):
    wire = item["wire"]
    said = {key: item.get(key) for key in ("uri", "headlines", "urgency", "language", "version", "pubStatus", "slugline", "by", "edNote")}
    texts = [body["value"] for body in item.get("bodies", ()) if body["contentType"] == "text/plain"]
    return said | {"kind": wire["kind"], "lane": wire["lane"], "text": texts}


def after_an_orderly_end_it_goes_on_with_the_next_number():
    with multicast_sink() as daemon, Receiver(daemon.cast) as receiver, dial(daemon.port) as agency:
        agency.sendall(b"".join(message(n) for n in range(1, 201)))
        receiver.until_all(200)
        daemon.expect("cast", "has sent", lambda row: row["sent"] == 200)
        os.kill(daemon.sink_pids("cast")[-1], signal.SIGTERM)
        daemon.wait_for_sink("cast", 2)
        agency.sendall(b"".join(message(n) for n in range(201, 301)))
        receiver.until_all(300)
        assert receiver.numbers() == list(range(1, 301)) and set(receiver.times.values()) == {1} and not receiver.ends


def killed_at_any_moment_no_number_means_two_things_and_none_is_lost():
    dice, last = sinks.throw_dice(), 500 * sinks.ROUNDS
    with multicast_sink(tape="16MiB", journal=True) as daemon, Receiver(daemon.cast, daemon.server) as receiver:
        for number in range(sinks.ROUNDS):
            load = Load(daemon.port, 500 * number + 1, 500 * (number + 1))
            mark = dice.randrange(500 * number + 1, 500 * (number + 1))
            receiver.read_until("%d have come" % mark, lambda mark=mark: receiver.next > mark)
            daemon.kill_sink("cast")
            load.end()
        receiver.until_all(last, asks=True)
        assert receiver.numbers() == list(range(1, last + 1)), "each under one number, in the tape's order"
        assert len(receiver.sessions) == 1, receiver.sessions
        print("sent twice after a kill: %d of %d" % (sum(times > 1 for times in receiver.times.values()), last), flush=True)


def a_walk_that_dies_breaks_no_session():
    with multicast_sink(journal=True) as daemon, Receiver(daemon.cast, daemon.server) as receiver:
        Load(daemon.port, 1, 300).end()
        receiver.until_all(300, asks=True)
        os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
        until("the next walk", lambda: len(daemon.walk_pids()) == 2)
        Load(daemon.port, 301, 600).end()
        receiver.until_all(600, asks=True)
        daemon.kill_sink("cast")
        Load(daemon.port, 601, 700).end()
        receiver.until_all(700, asks=True)
        assert receiver.numbers() == list(range(1, 701)) and len(receiver.sessions) == 1
        receiver.messages.clear()  # who comes late asks for all, from the walk before, too
        receiver.until_all(700, asks=True)


def a_session_ends_when_it_is_told_to_and_never_comes_again():
    with multicast_sink(", ends: stop, session: DAY") as daemon, Receiver(daemon.cast, daemon.server) as receiver, \
            dial(daemon.port) as agency:
        agency.sendall(b"".join(message(n) for n in range(1, 101)))
        receiver.until_all(100)
        os.kill(daemon.sink_pids("cast")[-1], signal.SIGTERM)
        receiver.read_until("the end, three times", lambda: len(receiver.ends) == 3)
        assert set(receiver.ends) == {(receiver.sessions[0], 101)}, receiver.ends
        daemon.wait_for_sink("cast", 2)
        agency.sendall(b"".join(message(n) for n in range(101, 151)))
        receiver.read_until("the next session", lambda: len(receiver.sessions) == 2)
        receiver.until_all(50)
        assert receiver.numbers() == list(range(101, 151)) and receiver.sessions[0] < receiver.sessions[1]
        assert all(session.startswith(b"DAY") for session in receiver.sessions), receiver.sessions


def without_its_file_it_begins_another_session():
    with multicast_sink() as daemon, Receiver(daemon.cast) as receiver:
        Load(daemon.port, 1, 100).end()
        receiver.until_all(100)
        os.unlink(daemon.path("state/cast.numbers"))
        daemon.kill_sink("cast")
        Load(daemon.port, 101, 150).end()
        receiver.read_until("another session", lambda: len(receiver.sessions) == 2)
        receiver.read_until("the last is there", lambda: 150 in receiver.numbers())
        assert receiver.sessions[0] != receiver.sessions[1]


def a_long_story_is_one_datagram_and_one_too_long_says_that_it_was_cut():
    paragraphs = lambda cnt: "\r\n\r\n   ".join("Paragraph %d. %s" % (n, "Words that fill it. " * 50) for n in range(cnt))
    with multicast_sink() as daemon, Receiver(daemon.cast) as receiver, dial(daemon.port) as agency:
        agency.sendall(message(1, paragraphs(50)) + message(2, paragraphs(100)) + message(3))
        receiver.until_all(3)
        first, second, third = receiver.items()
        assert "Paragraph 49." in text_of(first) and "edNote" not in first, first.get("edNote")
        assert max(receiver.lengths) <= 65507 and len(receiver.messages[1]) > 50000
        assert second["edNote"].startswith("Text cut: all ") and "Paragraph 40." in text_of(second)
        assert "Paragraph 99." not in text_of(second) and text_of(second).endswith("Words that fill it."), text_of(second)[-50:]
        assert "edNote" not in third


def text_of(item):
    return next(body["value"] for body in item["bodies"] if body["contentType"] == "text/plain")


def hostile_requests_are_bounded_and_counted():
    with multicast_sink(", rate: 1MiB, queue: 64KiB") as daemon, Receiver(daemon.cast, daemon.server) as receiver:
        Load(daemon.port, 1, 500).end()
        receiver.until_all(500, asks=True)
        session = receiver.sessions[0]
        before = daemon.sink("cast")["refusedPeers"]
        good = HEADER.pack(session, 1, 1)
        rows = [b"", good[:19], good + b"x", HEADER.pack(session, 0, 1), HEADER.pack(session, 1, 0), HEADER.pack(b"OTHER     ", 1, 1),
                HEADER.pack(session, 501, 1), HEADER.pack(session, 1 << 63, 5), HEADER.pack(session, (1 << 64) - 1, END)]
        for row in rows:  # so few fit into its socket's buffer, however seldom it runs
            receiver.ask.sendto(row, receiver.server)
        daemon.expect("cast", "counts them", lambda row: row["refusedPeers"] == before + len(rows))
        repeated, begin = daemon.sink("cast")["repeated"], time.monotonic()

        def flood():  # each asks for all that there is; what finds no room in the buffer never arrived
            for _ in range(500):
                receiver.ask.sendto(HEADER.pack(session, 1, END), receiver.server)

        flood()
        Load(daemon.port, 501, 600).end()
        receiver.read_until("the stream goes on", lambda: flood() or receiver.next == 601)
        enough = before + len(rows) + 500
        row = daemon.expect("cast", "refuses what is beyond the rate", lambda row: flood() or row["refusedPeers"] >= enough)
        size = len(receiver.messages[1])
        most = 2 * (256 * 1024 * (time.monotonic() - begin) + 2 * 65485 + 65536) / size
        assert row["repeated"] - repeated <= most, "a quarter of the rate at most: %d, %d" % (row["repeated"] - repeated, most)
        receiver.until_all(600, asks=True)
        assert len(daemon.sink_pids("cast")) == 1 and daemon.status()["balanced"]


def a_filter_leaves_no_holes():
    with multicast_sink(", where: 'urgency == 2'") as daemon, Receiver(daemon.cast) as receiver, dial(daemon.port) as agency:
        agency.sendall(b"".join(message(n, priority=2 if n % 5 == 0 else 4) for n in range(1, 101)))
        receiver.until_all(20)
        assert sorted(receiver.numbers()) == list(range(5, 101, 5))


def two_processes_do_not_send_under_one_session():
    with multicast_sink() as daemon:
        alone = subprocess.run([daemons.SLUGLINE, "sink", "cast", "-c", daemon.config], capture_output=True, timeout=BOUND_S, check=False)
        assert alone.returncode == 1 and (b"another process has it" in alone.stderr or b"in use" in alone.stderr), alone


CASES = [
    numbers_count_from_1_and_heartbeats_say_which_is_next,
    what_a_receiver_lost_it_gets_again_byte_for_byte,
    our_own_feed_puts_the_same_on_its_tape,
    after_an_orderly_end_it_goes_on_with_the_next_number,
    killed_at_any_moment_no_number_means_two_things_and_none_is_lost,
    a_walk_that_dies_breaks_no_session,
    a_session_ends_when_it_is_told_to_and_never_comes_again,
    without_its_file_it_begins_another_session,
    a_long_story_is_one_datagram_and_one_too_long_says_that_it_was_cut,
    hostile_requests_are_bounded_and_counted,
    a_filter_leaves_no_holes,
    two_processes_do_not_send_under_one_session,
]

if __name__ == "__main__":
    sys.exit(daemons.run_cases(CASES, sinks.read_arguments(__doc__).cases))
