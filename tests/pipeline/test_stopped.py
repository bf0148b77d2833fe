#!/usr/bin/env python3
"""One stopped peer of each kind of sink, under load: nobody else notices, its row says so, and it gets all in the end.

    test_stopped.py SLUGLINE [--rounds SECONDS] [CASE ...]      default 3
"""
import contextlib
import os
import sys
import tempfile
import time

import sink_daemon as sinks
import test_daemon as daemons
import test_sink_multicast as cast
import test_sink_tcp as tcp
import test_sink_web as web
import test_sinks as files
from sink_daemon import Load, SinkDaemon, lines_of, numbers_in_lines
from test_daemon import free_port, until

BATCH = 500


def sinks_of(ports):
    return [files.slow_sink("block"), 'name: other, type: exec, command: "cat >> FOLDER/other"',
            "name: cms, type: files, directory: FOLDER/out, reconnect: 200ms",
            'name: fan, type: tcp, queue: 1MiB, listen: "127.0.0.1:%d"' % ports[0],
            'name: page, type: web, queue: 1MiB, listen: "127.0.0.1:%d"' % ports[1],
            'name: cast, type: multicast, queue: 1MiB, group: "%s:%d", requests: "127.0.0.1:%d"' % (cast.GROUP, *ports[2:])]


def load_for(daemon, seconds, readers):
    """Batches, each read by those who read, until the time is over; the last number."""
    last, end = 0, time.monotonic() + seconds
    while time.monotonic() < end or last < 4 * BATCH:
        Load(daemon.port, last + 1, last + BATCH, files.long_message).end()
        last += BATCH
        for reads in readers:
            reads(last)
    return last


def one_of_each_kind_stops_and_the_others_do_not_notice():
    ports = [free_port() for _ in range(4)]
    with contextlib.ExitStack() as stack:
        journal = stack.enter_context(tempfile.TemporaryDirectory(prefix="slugline-stopped-"))
        daemon = stack.enter_context(
            SinkDaemon(sinks_of(ports), tape="64MiB", more="journal: {directory: %s, sync: 5ms}\n" % journal))
        daemon.fan, daemon.web, daemon.cast, daemon.server = ports
        files.write_slow(daemon)
        for name in ("slow", "other", "fan", "page", "cast"):
            daemon.wait_for_sink(name)
        stopped_client, client = (stack.enter_context(tcp.Client(daemon, "json")) for _ in range(2))
        stopped_stream, stream = (stack.enter_context(web.Stream(daemon)) for _ in range(2))
        deaf, receiver = (stack.enter_context(cast.Receiver(daemon.cast, daemon.server)) for _ in range(2))
        daemon.expect("fan", "has both", lambda row: row["peers"] == 2)
        daemon.expect("page", "has both", lambda row: row["peers"] == 2)

        def hears(last):
            receiver.read_until("%d are heard" % last, lambda: receiver.next == last + 1)

        readers = (lambda last: client.read_until(lambda: len(client.items) == last), stream.read, hears)
        last = load_for(daemon, sinks.ROUNDS, readers)
        wanted = list(range(1, last + 1))

        other = lambda: numbers_in_lines(lines_of(daemon.path("other")))
        until("the other command has all", lambda: len(other()) == last)
        receiver.until_all(last, asks=True)
        assert other() == client.numbers() == web.numbers(stream.items) == receiver.numbers() == wanted, "order"
        assert daemon.status()["balanced"]
        slow = daemon.expect("slow", "says that it waits", lambda row: row["waiting"] + row["underWay"] > 0 and row["lag"] > 0)
        cms = daemon.expect("cms", "says what is missing", lambda row: row["waiting"] > 0 and "No such file" in row["lastError"])
        for name in ("other", "fan", "page", "cast"):
            row = daemon.expect(name, "is at the end", lambda row: row["lag"] == 0)
            assert row["missed"] == row["cut"] == 0, row
        print("stopped for %d s, %d bulletins; slow waits %d, lag %d; cms waits %d" % (
            sinks.ROUNDS, last, slow["waiting"] + slow["underWay"], slow["lag"], cms["waiting"]), flush=True)

        files.go(daemon)
        os.mkdir(daemon.path("out"))
        stopped_client.read_until(lambda: len(stopped_client.items) == last)
        assert stopped_client.numbers() == web.numbers(stopped_stream.read(last)) == wanted and not stopped_stream.kinds
        deaf.until_all(last, asks=True)
        assert deaf.messages == receiver.messages
        got = lambda: numbers_in_lines(lines_of(daemon.path("got")))
        until("the slow command has all", lambda: len(got()) >= last)
        taker = files.Taker(daemon.path("out"))
        until("all files", lambda: len(taker.take()) >= last)
        assert got() == wanted and sorted(taker.numbers) == wanted
        assert daemon.status()["balanced"]


CASES = [one_of_each_kind_stops_and_the_others_do_not_notice]

if __name__ == "__main__":
    sys.exit(daemons.run_cases(CASES, sinks.read_arguments(__doc__).cases))
