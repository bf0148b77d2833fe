"""A daemon with sinks, for the tests of each type: its configuration, its status, its processes."""
import argparse
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import threading

import test_daemon as daemons
from test_daemon import BOUND_S, Daemon, dial, free_port, listening, until


ROUNDS, SEED = 3, 1


def read_arguments(description):
    """PROGRAM [--rounds N] [--seed N] [CASE ...], as all tests of sinks take them; main fills ROUNDS and SEED."""
    global ROUNDS, SEED
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("slugline")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("cases", nargs="*")
    asked = parser.parse_intermixed_args()  # cases stand behind options
    daemons.SLUGLINE, ROUNDS, SEED = asked.slugline, asked.rounds, asked.seed
    return asked


def throw_dice():
    print("seed %d, %d rounds" % (SEED, ROUNDS), flush=True)
    return random.Random(SEED)


class SinkDaemon(Daemon):
    """sinks: a list of flow mappings without their braces; FOLDER in them is the daemon's own folder."""

    def __init__(self, sinks, more="", tape="16MiB", feed_more="", feeds=None):
        self.port = free_port()
        text = "sinks:\n" + "".join("  - {state: FOLDER/state, %s}\n" % sink for sink in sinks)
        super().__init__(feeds or [listening(self.port, more=feed_more)], None, tape, text + more)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def status(self):
        ask = [daemons.SLUGLINE, "status", "--json", "-s", self.socket]
        asked = subprocess.run(ask, capture_output=True, timeout=BOUND_S, check=False)
        assert asked.returncode in (0, 1), asked
        return json.loads(asked.stdout)

    def sink(self, name):
        return next((row for row in self.status()["sinks"] if row["name"] == name), None)

    def expect(self, name, what, check):
        def look():
            self.row = self.sink(name)
            return self.row and check(self.row)

        try:
            until(what, look)
        except AssertionError as late:
            raise AssertionError("%s: %s; %s; said %s" % (name, late, self.row, self.said.all()[-5:])) from None
        return self.row

    def sink_pids(self, name):
        """Of all that were ever started, in order."""
        return [int(line.split("pid=")[1].split()[0]) for line in self.said.all() if "sink %s: up" % name in line]

    def wait_for_sink(self, name, starts=1):
        until("sink %s is up" % name, lambda: len(self.sink_pids(name)) >= starts)
        return self.sink_pids(name)[-1]

    def kill_sink(self, name):
        before = self.sink_pids(name)
        os.kill(before[-1], signal.SIGKILL)
        self.wait_for_sink(name, len(before) + 1)

    def __exit__(self, *problem):
        with contextlib.suppress(ProcessLookupError):
            if self.process.poll() is None and problem[0] is None:
                assert self.stop() == 0, self.said.all()
        super().__exit__(*problem)


class Load(threading.Thread):
    """Sends numbered messages in the background; the wire holds it back where it must."""

    def __init__(self, port, first, last, message=daemons.message):
        super().__init__(daemon=True)
        self.port, self.numbers, self.message, self.failed = port, range(first, last + 1), message, None
        self.start()

    def run(self):
        try:
            with dial(self.port) as agency:
                for number in self.numbers:
                    agency.sendall(self.message(number))
        except OSError as problem:
            self.failed = problem

    def end(self):
        self.join(BOUND_S)
        assert not self.is_alive() and not self.failed, self.failed


def number_of(headline):
    return int(headline.rsplit(" ", 1)[1])


def numbers_in_lines(lines):
    """Of lines of JSON; the last may be half a line, which a crash of the writer leaves."""
    found = []
    for line in lines:
        if not line.endswith(b"\n"):
            continue
        with contextlib.suppress(ValueError):
            item = json.loads(line)
            if "headlines" in item:
                found.append(number_of(item["headlines"][0]["value"]))
    return found


def lines_of(path):
    with contextlib.suppress(FileNotFoundError):
        with open(path, "rb") as f:
            return f.readlines()
    return []


def write_script(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path, 0o755)
    return path


def connect(port):
    client = socket.create_connection(("127.0.0.1", port), BOUND_S)
    client.settimeout(BOUND_S)
    return client
