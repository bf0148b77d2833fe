#!/usr/bin/env python3
"""Sinks as their users meet them: the frame that all share, exec and files.

    test_sinks.py SLUGLINE [--rounds N] [--seed N] [CASE ...]
"""
import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time

import sink_daemon as sinks
import test_daemon as daemons
from sink_daemon import Load, SinkDaemon, lines_of, number_of, numbers_in_lines, write_script
from test_daemon import BOUND_S, dial, message, until

ACKNOWLEDGES = """#!/usr/bin/env python3
import json, os, sys
out = open(sys.argv[1], "ab", buffering=0)
for line in sys.stdin.buffer:
    out.write(line)
    print(json.loads(line)["wire"]["seq"], flush=True)
"""
ALL = 'name: all, type: exec, command: "cat >> FOLDER/all"'
ACK = "name: ack, type: exec, acknowledges: true, command: 'exec FOLDER/ack.py FOLDER/got', reconnect: 200ms"
KILL_SIGNAL = (
    "\x01tst0777 4 i 5  tst 777\r\n\r\nCase/\r\n\x02KILL KILL KILL =\r\n\r\nKILL tst0001 Headline number 1\r\n\r\n"
    "\x03011200 GMT Nov 26\r\n\x7f\x04"
)


def until_all(what, last, numbers):
    until("%s has all %d, got %d" % (what, last, len(set(numbers()))), lambda: set(numbers()) == set(range(1, last + 1)))


# ---- exec ----


def lines_of_json_go_to_a_command_in_order_and_filtered():
    some = "name: some, type: exec, where: 'urgency <= 2', command: 'cat >> FOLDER/some'"
    with SinkDaemon([ALL, some]) as daemon, dial(daemon.port) as agency:
        for number in range(1, 101):
            agency.sendall(message(number, priority=2 if number % 10 == 0 else 4))
        until_all("all", 100, lambda: numbers_in_lines(lines_of(daemon.path("all"))))
        until("some has its tenth", lambda: len(numbers_in_lines(lines_of(daemon.path("some")))) == 10)
        found = [json.loads(line) for line in lines_of(daemon.path("all"))]
        assert [w["wire"]["seq"] for w in found if w["wire"]["lane"] == "normal"] == sorted(
            w["wire"]["seq"] for w in found if w["wire"]["lane"] == "normal")
        assert sorted(numbers_in_lines(lines_of(daemon.path("some")))) == list(range(10, 101, 10))
        row = daemon.expect("all", "says what it sent", lambda row: row["sent"] == 100 and row["waiting"] == 0)
        assert (row["type"], row["peers"], row["repeated"], row["lastError"], row["lag"]) == ("exec", 1, 0, None, 0), row
        ask = [daemons.SLUGLINE, "status", "-s", daemon.socket]
        text = subprocess.run(ask, capture_output=True, timeout=BOUND_S, check=True).stdout
        assert b"sink                 type" in text and b"some                 exec" in text, text.decode()


def a_sink_that_was_stopped_in_order_goes_on_where_it_was():
    with SinkDaemon([ALL]) as daemon, dial(daemon.port) as agency:
        agency.sendall(b"".join(message(n) for n in range(1, 51)))
        until_all("all", 50, lambda: numbers_in_lines(lines_of(daemon.path("all"))))
        daemon.expect("all", "sent", lambda row: row["sent"] == 50)
        os.kill(daemon.wait_for_sink("all"), signal.SIGTERM)
        daemon.wait_for_sink("all", 2)
        agency.sendall(b"".join(message(n) for n in range(51, 101)))
        until_all("all", 100, lambda: numbers_in_lines(lines_of(daemon.path("all"))))
        assert len(numbers_in_lines(lines_of(daemon.path("all")))) == 100, "after an orderly end nothing comes twice"


def a_command_and_its_sink_killed_at_any_moment_lose_nothing():
    dice, last = sinks.throw_dice(), 400 * sinks.ROUNDS
    with SinkDaemon([ACK], tape="64MiB") as daemon:
        write_script(daemon.path("ack.py"), ACKNOWLEDGES)
        numbers = lambda: numbers_in_lines(lines_of(daemon.path("got")))
        for number in range(sinks.ROUNDS):
            load = Load(daemon.port, 400 * number + 1, 400 * (number + 1))
            mark = dice.randrange(400 * number + 1, 400 * (number + 1))
            until("%d have come" % mark, lambda mark=mark: len(set(numbers())) >= mark)
            if dice.random() < 0.5:
                daemon.kill_sink("ack")
            else:
                for pid in children_of(daemon.sink_pids("ack")[-1]):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            load.end()
        until_all("the command", last, numbers)


def children_of(pid):
    with contextlib.suppress(FileNotFoundError), open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
        return [int(word) for word in f.read().split()]
    return []


def a_command_that_does_not_stay_is_started_again_ever_later():
    with SinkDaemon(['name: bad, type: exec, command: "exit 3"']) as daemon:
        row = daemon.expect("bad", "has failed twice", lambda row: row["errors"] >= 2)
        assert row["lastError"] == "command ended with status 3", row


# ---- policies ----


def slow_sink(policy):
    return ("name: slow, type: exec, policy: %s, queue: 64KiB, acknowledges: true, command: 'exec FOLDER/slow.py FOLDER/got'" % policy)


def stopped_command(policy):
    return SinkDaemon([slow_sink(policy), 'name: other, type: exec, command: "cat >> FOLDER/other"'], tape="64MiB")


SLOW = ACKNOWLEDGES.replace("out = open", """import fcntl
fcntl.flock(open(sys.argv[1] + ".go", "rb"), fcntl.LOCK_SH)
out = open""")
LONG = "A paragraph that fills what a pipe and a queue can hold. " * 40


def long_message(number):
    return message(number, LONG)


def write_slow(daemon):
    """The command waits for a lock, which is the test's until it says go."""
    daemon.gate = open(daemon.path("got.go"), "wb")
    fcntl.flock(daemon.gate, fcntl.LOCK_EX)
    write_script(daemon.path("slow.py"), SLOW)


def go(daemon):
    daemon.gate.close()


def run_against_a_stopped_command(policy, check_row, last=1200):
    """The other sink has all, in order, while the slow one takes nothing; then what came to the slow one."""
    with stopped_command(policy) as daemon:
        write_slow(daemon)
        Load(daemon.port, 1, last, long_message).end()
        until_all("the other", last, lambda: numbers_in_lines(lines_of(daemon.path("other"))))
        assert numbers_in_lines(lines_of(daemon.path("other"))) == list(range(1, last + 1))
        row = daemon.expect("slow", "tells of its policy", check_row)
        assert daemon.status()["balanced"]
        assert not lines_of(daemon.path("got"))
        go(daemon)
        daemon.expect("slow", "has caught up", lambda row: row["lag"] == 0 and row["waiting"] + row["underWay"] == 0)
        return row, numbers_in_lines(lines_of(daemon.path("got")))


def block_leaves_a_slow_commands_share_on_the_tape():
    row, got = run_against_a_stopped_command("block", lambda row: row["lag"] > 0)
    assert row["cut"] == row["conflated"] == 0, row
    assert got == list(range(1, 1201))


def spill_takes_it_off_the_tape_to_the_disk():
    row, got = run_against_a_stopped_command("spill", lambda row: row["lag"] == 0 and row["waiting"] > 0)
    assert got == list(range(1, 1201)), row


def what_was_spilled_survives_kill_9():
    with stopped_command("spill") as daemon:
        write_slow(daemon)
        Load(daemon.port, 1, 1200, long_message).end()
        daemon.expect("slow", "has read all", lambda row: row["waiting"] + row["underWay"] == 1200)
        size = os.path.getsize(daemon.path("state/slow.spill"))
        assert size > 1000000, size
        with open(daemon.path("state/slow.spill"), "ab") as f:
            f.write(b"half an item, as a crash leaves it")
        daemon.kill_sink("slow")
        Load(daemon.port, 1201, 1300, long_message).end()
        go(daemon)
        daemon.expect("slow", "has caught up", lambda row: row["lag"] == 0 and row["waiting"] + row["underWay"] == 0)
        got = numbers_in_lines(lines_of(daemon.path("got")))
        # The first command lives on until it has read its pipe to the end: what was under way comes twice.
        assert set(got) == set(range(1, 1301)) and len(got) < 1400, (len(got), got[:3], got[-3:])
        until("the disk is empty again", lambda: os.path.getsize(daemon.path("state/slow.spill")) == 0)


def conflate_keeps_the_newest_of_a_story():
    version = lambda number: message(number % 20).replace(b"number %d =" % (number % 20), b"number %d =" % number)
    with SinkDaemon([slow_sink("conflate")], tape="64MiB") as daemon:
        write_slow(daemon)
        Load(daemon.port, 1, 3000, version).end()
        row = daemon.expect("slow", "has conflated", lambda row: row["seq"] == 3000 and row["lag"] == 0)
        assert row["conflated"] > 0 and row["waiting"] > 0, row
        go(daemon)
        row = daemon.expect("slow", "has caught up", lambda row: row["waiting"] + row["underWay"] == 0)
        got = numbers_in_lines(lines_of(daemon.path("got")))
        assert set(range(2981, 3001)) <= set(got), "the last of each story"
        assert len(got) + row["conflated"] == 3000, (len(got), row)


def cut_lets_a_slow_command_go_and_says_what_it_cost():
    row, got = run_against_a_stopped_command("cut", lambda row: row["cut"] > 0 and row["lag"] == 0)
    assert len(got) < 1200 and got == sorted(got), row


# ---- files ----


class Taker:
    """A CMS: takes files away as they appear, and remembers each."""

    def __init__(self, folder):
        self.folder, self.seen, self.numbers = folder, [], []

    def take(self):
        for root, folders, names in os.walk(self.folder):
            folders[:] = [f for f in folders if not f.startswith(".")]
            for name in names:
                path = os.path.join(root, name)
                with open(path, encoding="utf-8") as f:
                    item = json.load(f)
                os.unlink(path)
                self.seen.append(os.path.relpath(path, self.folder))
                self.numbers.append(number_of(item["headlines"][0]["value"]))
        return self.numbers


def files_sink(more="", folder=True):
    daemon = SinkDaemon(["name: cms, type: files, directory: FOLDER/out, reconnect: 200ms" + more], tape="64MiB")
    if folder:
        os.mkdir(daemon.path("out"))
    return daemon


def a_file_for_each_bulletin_under_a_safe_name():
    with files_sink(", file: '{lane}/{provider}-{kind}'") as daemon, dial(daemon.port) as agency:
        taker = Taker(daemon.path("out"))
        agency.sendall(message(1) + message(2, priority=1) + message(3, priority=2))
        until("three files", lambda: sorted(taker.take()) == [1, 2, 3])
        for name in taker.seen:
            folder, file = name.split("/")
            assert folder in ("normal", "flash", "urgent") and file.startswith("tst-news-") and file.endswith(".json"), name
            assert len(file) == len("tst-news-.json") + 33, name


def kills_are_files_too_and_nitf_says_so():
    with files_sink(", shape: nitf") as daemon, dial(daemon.port) as agency:
        agency.sendall(message(1, "Fish &amp; chips < 3 > 2.") + KILL_SIGNAL.encode("latin-1"))
        names = lambda: sorted(f for f in os.listdir(daemon.path("out")) if f.endswith(".xml"))
        until("two files", lambda: len(names()) == 2)
        paths = [os.path.join(daemon.path("out"), name) for name in names()]
        again = subprocess.run([daemons.SLUGLINE, "parse", "--format", "nitf", *paths], capture_output=True, timeout=BOUND_S, check=True)
        items = {item["wire"]["kind"]: item for item in map(json.loads, again.stdout.splitlines())}
        assert sorted(items) == ["kill", "news"], sorted(items)
        assert items["news"]["headlines"][0]["value"] == "Headline number 1", items
        assert "chips < 3 > 2." in items["news"]["bodies"][0]["value"], items


def plain_text_files_have_headers_and_text():
    with files_sink(", shape: text, where: 'kind == \"news\"'") as daemon, dial(daemon.port) as agency:
        agency.sendall(message(1))
        until("a file", lambda: [f for f in os.listdir(daemon.path("out")) if f.endswith(".txt")])
        name = next(f for f in os.listdir(daemon.path("out")) if f.endswith(".txt"))
        with open(os.path.join(daemon.path("out"), name), encoding="utf-8") as f:
            text = f.read()
        head, _, body = text.partition("\n\n")
        assert "Kind: news" in head.splitlines() and body.startswith("Headline number 1\n\n"), text


def a_folder_that_is_not_there_yet_is_waited_for():
    with files_sink(folder=False) as daemon, dial(daemon.port) as agency:
        agency.sendall(message(1))
        daemon.expect("cms", "says what is missing", lambda row: row["lastError"] and "No such file" in row["lastError"])
        os.mkdir(daemon.path("out"))
        taker = Taker(daemon.path("out"))
        until("its file", lambda: taker.take() == [1])


def files_are_there_exactly_once_whatever_is_killed():
    dice, last = sinks.throw_dice(), 600 * sinks.ROUNDS
    with files_sink() as daemon:
        taker = Taker(daemon.path("out"))
        for number in range(sinks.ROUNDS):
            load = Load(daemon.port, 600 * number + 1, 600 * (number + 1))
            mark = dice.randrange(600 * number + 1, 600 * (number + 1))
            until("%d files" % mark, lambda mark=mark: len(taker.take()) >= mark)
            time.sleep(dice.random() * 0.01)  # where in a batch it dies is the dice's choice
            daemon.kill_sink("cms")
            load.end()
        until("all files, got %d" % len(taker.numbers), lambda: len(taker.take()) >= last)
        daemon.expect("cms", "is done", lambda row: row["waiting"] + row["underWay"] + row["lag"] == 0)
        taker.take()
        assert sorted(taker.numbers) == list(range(1, last + 1)), "each exactly once"
        assert os.listdir(daemon.path("out/.cms")) == []


# ---- processes ----


def sinks_end_with_their_supervisor():
    with SinkDaemon([ALL]) as daemon:
        pid = daemon.wait_for_sink("all")
        daemon.process.kill()
        daemon.process.wait(BOUND_S)
        until("the sink has ended", lambda: not os.path.exists("/proc/%d" % pid))


def a_walk_that_dies_takes_nothing_from_a_sink():
    with SinkDaemon([ALL]) as daemon:
        with dial(daemon.port) as agency:
            agency.sendall(b"".join(message(n) for n in range(1, 101)))
            until_all("all", 100, lambda: numbers_in_lines(lines_of(daemon.path("all"))))
        os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
        until("the next walk", lambda: len(daemon.walk_pids()) == 2)
        with dial(daemon.port) as agency:
            agency.sendall(b"".join(message(n) for n in range(101, 201)))
            until_all("all", 200, lambda: numbers_in_lines(lines_of(daemon.path("all"))))
        daemon.kill_sink("all")
        until("it stands in the new epoch", lambda: (daemon.sink("all") or {}).get("lag") == 0)


def a_sink_alone_waits_for_its_daemon():
    with SinkDaemon([ALL]) as daemon:
        pid = daemon.wait_for_sink("all")
        assert daemon.stop() == 0
        until("its sink ended too", lambda: not os.path.exists("/proc/%d" % pid))
        alone = subprocess.Popen([daemons.SLUGLINE, "sink", "all", "-c", daemon.config], stderr=subprocess.PIPE)
        waits = alone.stderr.readline()
        assert b"waits for the daemon" in waits, waits
        alone.send_signal(signal.SIGTERM)
        assert alone.wait(BOUND_S) == 0, alone.stderr.read()
        alone.stderr.close()
        ask = [daemons.SLUGLINE, "sink", "al", "-c", daemon.config]
        unknown = subprocess.run(ask, capture_output=True, timeout=BOUND_S, check=False)
        assert unknown.returncode == 1 and b"did you mean all?" in unknown.stderr, unknown


def what_is_no_place_is_refused():
    with SinkDaemon([ALL]) as daemon, dial(daemon.port) as agency:
        agency.sendall(b"".join(message(n, LONG) for n in range(1, 200)))
        until("its place", lambda: os.path.exists(daemon.path("state/all.place")))
        with open(daemon.path("state/all.place"), "w", encoding="ascii") as f:
            f.write("slugline place 1\n0000000000000001 017\n")
        os.kill(daemon.wait_for_sink("all"), signal.SIGKILL)
        until("it is refused aloud", lambda: any("is no place" in line for line in daemon.said.all()))


CASES = [
    lines_of_json_go_to_a_command_in_order_and_filtered,
    a_sink_that_was_stopped_in_order_goes_on_where_it_was,
    a_command_and_its_sink_killed_at_any_moment_lose_nothing,
    a_command_that_does_not_stay_is_started_again_ever_later,
    block_leaves_a_slow_commands_share_on_the_tape,
    spill_takes_it_off_the_tape_to_the_disk,
    what_was_spilled_survives_kill_9,
    conflate_keeps_the_newest_of_a_story,
    cut_lets_a_slow_command_go_and_says_what_it_cost,
    a_file_for_each_bulletin_under_a_safe_name,
    kills_are_files_too_and_nitf_says_so,
    plain_text_files_have_headers_and_text,
    a_folder_that_is_not_there_yet_is_waited_for,
    files_are_there_exactly_once_whatever_is_killed,
    sinks_end_with_their_supervisor,
    a_walk_that_dies_takes_nothing_from_a_sink,
    a_sink_alone_waits_for_its_daemon,
    what_is_no_place_is_refused,
]


if __name__ == "__main__":
    sys.exit(daemons.run_cases(CASES, sinks.read_arguments(__doc__).cases))
