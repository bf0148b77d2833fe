#!/usr/bin/env python3
"""slugline top on a pseudo-terminal: what stands on its screen, its keys, its ways out.

    test_top.py SLUGLINE [CASE ...]

A terminal of our own (class Screen) reads what it writes; TERM=ansi, whose few sequences it knows.  Nothing waits for time, only
for what the screen shows.
"""
import contextlib
import json
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios

import test_daemon as daemons
from test_daemon import BOUND_S, Daemon, dial, free_port, listening, message, until, wire

LEFT, RIGHT = b"\x1b[D", b"\x1b[C"
SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z@`])|\x1b[()].|\x1b[=>78c]")


class Screen:
    """Cells of a terminal, from the bytes written to it."""

    def __init__(self, lines, columns):
        self.lines, self.columns, self.rest, self.unknown = lines, columns, "", set()
        self.clear()

    def clear(self):
        self.cells = [[" "] * self.columns for _ in range(self.lines)]
        self.line = self.column = 0

    def resize(self, lines, columns):
        self.lines, self.columns = lines, columns
        self.clear()

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def put(self, char):
        if self.column >= self.columns:
            self.line, self.column = min(self.line + 1, self.lines - 1), 0
        self.cells[self.line][self.column] = self.last = char
        self.column += 1

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        while text:
            if text[0] != "\x1b":
                self.char(text[0])
                text = text[1:]
                continue
            found = SEQUENCE.match(text)
            if not found:
                if len(text) > 32:
                    raise AssertionError("no sequence: %r" % text[:32])
                self.rest = text
                return
            if found.group(2):
                self.obey(found.group(1), found.group(2))
            text = text[found.end() :]

    def char(self, char):
        if char == "\r":
            self.column = 0
        elif char == "\n":
            self.line = min(self.line + 1, self.lines - 1)
        elif char == "\b":
            self.column = max(self.column - 1, 0)
        elif char == "\t":
            self.column = min((self.column // 8 + 1) * 8, self.columns - 1)
        elif char >= " ":
            self.put(char)

    def obey(self, args, verb):
        numbers = [int(n) if n else 0 for n in args.lstrip("?").split(";")]
        first = numbers[0] or 1
        if verb == "H":
            self.line = min(first, self.lines) - 1
            self.column = min((numbers[1] if len(numbers) > 1 else 1) or 1, self.columns) - 1
        elif verb in "AB":
            self.line = max(0, min(self.lines - 1, self.line + (first if verb == "B" else -first)))
        elif verb in "CD":
            self.column = max(0, min(self.columns - 1, self.column + (first if verb == "C" else -first)))
        elif verb in "G`":
            self.column = min(first, self.columns) - 1
        elif verb == "d":
            self.line = min(first, self.lines) - 1
        elif verb == "J":
            self.wipe_below()
        elif verb == "K":
            begin, end = (0, self.column + 1) if numbers[0] == 1 else (self.column, self.columns)
            self.cells[self.line][begin:end] = [" "] * (end - begin)
        elif verb == "X":
            for column in range(self.column, min(self.column + first, self.columns)):
                self.cells[self.line][column] = " "
        elif verb == "b":
            for _ in range(first):
                self.put(self.last)
        elif verb == "P":
            row = self.cells[self.line]
            del row[self.column : self.column + first]
            row.extend([" "] * (self.columns - len(row)))
        elif verb == "@":
            row = self.cells[self.line]
            row[self.column : self.column] = [" "] * first
            del row[self.columns :]
        elif verb == "L":
            for _ in range(first):
                self.cells.insert(self.line, [" "] * self.columns)
            del self.cells[self.lines :]
        elif verb == "M":
            for _ in range(min(first, self.lines - self.line)):
                del self.cells[self.line]
                self.cells.append([" "] * self.columns)
        elif verb in "ST":
            for _ in range(first):
                del self.cells[0 if verb == "S" else -1]
                self.cells.insert(len(self.cells) if verb == "S" else 0, [" "] * self.columns)
        elif verb not in "mhlr":
            self.unknown.add(verb)

    def wipe_below(self):
        self.cells[self.line][self.column :] = [" "] * (self.columns - self.column)
        for line in range(self.line + 1, self.lines):
            self.cells[line] = [" "] * self.columns


class Top:
    def __init__(self, path, lines=24, columns=80):
        self.screen = Screen(lines, columns)
        self.master, self.slave = pty.openpty()
        self.size(lines, columns)
        self.modes = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [daemons.SLUGLINE, "top", "-s", path], stdin=self.slave, stdout=self.slave, stderr=self.slave,
            env={**os.environ, "TERM": "ansi"}, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def size(self, lines, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def resize(self, lines, columns):
        self.screen.resize(lines, columns)
        self.size(lines, columns)

    def key(self, keys):
        os.write(self.master, keys)

    def read(self, wait_s=0.05):
        while select.select([self.master], [], [], wait_s)[0]:
            self.screen.feed(os.read(self.master, 65536).decode("utf-8", "replace"))
            wait_s = 0
        return self.screen.text()

    def shows(self, what, check):
        """Waits for a screen of which check is true."""
        try:
            until(what, lambda: check(self.read()) or self.process.poll() is not None)
        except AssertionError as late:
            raise AssertionError("%s; the screen:\n%s" % (late, self.screen.text())) from None
        assert check(self.screen.text()), "top ended (%s) before: %s\n%s" % (self.process.poll(), what, self.screen.text())
        assert not self.screen.unknown, self.screen.unknown
        return self.screen.text()

    def ends(self):
        until("top ends", lambda: self.read() is None or self.process.poll() is not None)
        assert termios.tcgetattr(self.slave)[3] == self.modes[3], "the terminal is not as it was"
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(BOUND_S)
        os.close(self.master)
        os.close(self.slave)


def row(text, name):
    """The cells of the row that begins so; [] when there is none."""
    for line in text.split("\n"):
        if line.startswith(name + " "):
            return line[len(name) :].split()
    return []


def place(text, name):
    return [n for n, line in enumerate(text.split("\n")) if line.startswith(name + " ")]


def feeds_readers_rates_and_q():
    with wire() as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest")
        with Top(daemon.socket) as top:
            text = top.shows("the feed and the reader", lambda text: row(text, "wire") and row(text, "slugline tail"))
            assert "test/t" in text and "FLASH" in text.upper() and "q quit" in text, text
            assert row(text, "wire") == ["1", "0", "0", "0", "0", "0", "0", "never"], text
            assert row(text, "slugline tail") == ["reads", "0", "0", "0.0", "0", "0", "none"], text
            for number in range(1, 401):
                agency.sendall(message(number))
            text = top.shows("a rate in, out and read", lambda text: all(float(n) > 0 for n in row(text, "wire")[1:4])
                             and float(row(text, "slugline tail")[4]) > 0)
            text = top.shows("the reader at the end", lambda text: row(text, "slugline tail")[:3] == ["reads", "400", "0"])
            text = top.shows("rest", lambda text: row(text, "wire")[1:4] == ["0", "0", "0"])
            top.key(b"q")
            assert top.ends() == 0
        assert reader.poll() is None
        assert daemon.stop() == 0


def keys_sort_reverse_filter_help_and_pause():
    ports = [free_port() for _ in range(3)]
    names = ["alpha", "beta", "gamma"]
    with Daemon([listening(port, name) for port, name in zip(ports, names)]) as daemon, contextlib.ExitStack() as open_lines:
        agencies = [open_lines.enter_context(dial(port)) for port in ports]
        agencies[1].sendall(b"\x01no header at all\x02x\x03\x04" * 2)
        order = lambda text: sorted(names, key=lambda name: place(text, name))
        with Top(daemon.socket) as top:
            top.shows("three feeds by name", lambda text: all(place(text, n) for n in names) and order(text) == names)
            top.key(b"r")
            top.shows("the other way round", lambda text: order(text) == names[::-1])
            top.key(b"r" + RIGHT * 5)
            top.shows("most rejects first", lambda text: row(text, "beta")[4] == "2" and order(text)[0] == "beta")
            top.key(LEFT * 5)
            top.shows("by name again", lambda text: order(text) == names)
            top.key(b"/GAM\n")
            top.shows("one feed", lambda text: place(text, "gamma") and not place(text, "alpha") and not place(text, "beta"))
            top.key(b"/\x1b")
            top.shows("all again", lambda text: all(place(text, n) for n in names))
            top.key(b"?")
            top.shows("help", lambda text: "reverse the order" in text)
            top.key(b"h")
            top.shows("no help", lambda text: "reverse the order" not in text)
            top.key(b"p")
            top.shows("a pause", lambda text: "paused" in text.split("\n")[0])
            before = row(top.read(), "alpha")
            agencies[0].sendall(b"\x01no header at all\x02x\x03\x04" * 3)
            until("the daemon has refused them", lambda: feed(daemon, "alpha")["rejected"] == 3)
            top.key(b"?")
            top.shows("help", lambda text: "reverse the order" in text)
            top.key(b"?")
            text = top.shows("what it was at the pause", lambda text: place(text, "alpha"))
            assert row(text, "alpha") == before, (before, text)
            top.key(b"p")
            top.shows("it goes on", lambda text: row(text, "alpha")[4:5] == ["3"])
            top.process.send_signal(signal.SIGTERM)
            assert top.ends() == 0
        assert daemon.stop() == 0


def feed(daemon, name):
    asked = subprocess.run([daemons.SLUGLINE, "status", "--json", "-s", daemon.socket], capture_output=True, timeout=BOUND_S)
    return next(row for row in json.loads(asked.stdout)["feeds"] if row["name"] == name)


def any_size_will_do():
    with wire() as (daemon, _, _):
        with Top(daemon.socket) as top:
            top.shows("the feed", lambda text: row(text, "wire"))
            for lines, columns in ((50, 200), (10, 30), (2, 12), (3, 200), (60, 9), (24, 80)):
                top.resize(lines, columns)
                top.shows("%d x %d" % (lines, columns), lambda text: text.split("\n")[-1].startswith("q quit"))
            top.shows("the feed", lambda text: row(text, "wire"))
            top.key(b"q")
            assert top.ends() == 0
        assert daemon.stop() == 0


def it_joins_the_next_daemon():
    with wire() as (daemon, agency, port):
        with Top(daemon.socket) as top:
            top.shows("the feed", lambda text: row(text, "wire")[:1] == ["1"])
            os.kill(daemon.walk_pids()[0], signal.SIGKILL)
            top.shows("the next walk", lambda text: "walk 2" in text and row(text, "wire"))
            assert daemon.stop() == 0
            top.shows("nobody", lambda text: "no daemon; waiting" in text)
            daemon.process = subprocess.Popen([daemon.program, "run", "-c", daemon.config], stderr=subprocess.PIPE)
            daemon.said = daemons.Lines(daemon.process.stderr)
            top.shows("the next daemon", lambda text: "walk 1" in text and row(text, "wire"))
            top.key(b"q")
            assert top.ends() == 0
        assert daemon.stop() == 0


def nobody_there_is_3_and_no_terminal_is_1():
    with Top("/nonexistent/tape.sock") as top:
        assert top.ends() == 3
        assert "No such file" in top.read(), top.read()
    asked = subprocess.run([daemons.SLUGLINE, "top"], stdin=subprocess.DEVNULL, capture_output=True, timeout=BOUND_S)
    assert asked.returncode == 1 and b"no terminal" in asked.stderr and not asked.stdout, asked


CASES = [
    feeds_readers_rates_and_q,
    keys_sort_reverse_filter_help_and_pause,
    any_size_will_do,
    it_joins_the_next_daemon,
    nobody_there_is_3_and_no_terminal_is_1,
]

if __name__ == "__main__":
    daemons.SLUGLINE = sys.argv[1]
    sys.exit(daemons.run_cases(CASES, sys.argv[2:]))
