#!/usr/bin/env python3
"""The daemon as its users meet it: agencies that misbehave, readers that stop or die, a walk that is killed.

    test_daemon.py SLUGLINE SLUGLINE_WITH_CRASHING_FORMAT [CASE ...]

Every case has a daemon, a folder and ports of its own, on loopback; it ends what it started, by pid.  Python 3.11, standard library only.
"""
import base64
import contextlib
import gzip
import json
import os
import queue
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

SLUGLINE = CRASHING = ""
BOUND_S = 20  # for anything that must happen; nothing here waits for time itself


def until(what, check):
    end = time.monotonic() + BOUND_S
    while time.monotonic() < end:
        if check():
            return
        time.sleep(0.01)
    raise AssertionError("did not happen within %d s: %s" % (BOUND_S, what))


def message(number, text="One line of it.", service="tst", priority=4):
    return (
        "\x01%s%04d %d i 12  tst %03d\r\n\r\nCase/\r\n\x02Headline number %d =\r\n\r\n   Testville (tst) - %s\r\n\r\n"
        "\x03%02d1200 GMT Nov 26\r\n\x7f\n\x7f\x04" % (service, number, priority, number % 1000, number, text, number % 27 + 1)
    ).encode("latin-1")


class Lines:
    """What a child prints, line by line, without blocking."""

    def __init__(self, stream):
        self.lines, self.queue = [], queue.Queue()
        self.thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self.thread.start()

    def _read(self, stream):
        for line in stream:
            self.queue.put(line.decode("utf-8", "replace").rstrip("\n"))
        stream.close()

    def all(self):
        with contextlib.suppress(queue.Empty):
            while True:
                self.lines.append(self.queue.get_nowait())
        return self.lines


class Daemon:
    def __init__(self, feeds, program=None, tape="16MiB", more=""):
        self.folder = tempfile.TemporaryDirectory(prefix="slugline-test-")
        self.socket = os.path.join(self.folder.name, "tape.sock")
        self.config = os.path.join(self.folder.name, "slugline.yaml")
        self.program = program or SLUGLINE
        self.readers = []
        self.write(feeds, tape, more.replace("FOLDER", self.folder.name))
        self.begin()

    def begin(self):
        """Again, too, when it has ended or was killed."""
        self.process = subprocess.Popen([self.program, "run", "-c", self.config], stderr=subprocess.PIPE)
        self.said = Lines(self.process.stderr)
        until("the walk is up", lambda: self.walk_pids() or self.process.poll() is not None)

    def write(self, feeds, tape="16MiB", more=""):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("node: test\ntape: {name: t, size: %s, raw: 16MiB, hold: 1MiB, socket: %s}\n%sfeeds:\n" % (tape, self.socket, more))
            for feed in feeds:
                f.write("  - {%s}\n" % feed)

    def walk_pids(self):
        return [int(line.split("pid=")[1].split()[0]) for line in self.said.all() if "walk up pid=" in line]

    def tail(self, *options):
        reader = subprocess.Popen(
            [self.program, "tail", "--json", "-s", self.socket, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        reader.out, reader.said = Lines(reader.stdout), Lines(reader.stderr)
        self.readers.append(reader)
        return reader

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(BOUND_S)
        return status

    def __enter__(self):
        return self

    def __exit__(self, problem=None, *_):
        if problem:
            print("the daemon said last:", *self.said.all()[-8:], sep="\n        ")
        for process in [*self.readers, self.process]:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(BOUND_S)
        self.folder.cleanup()


def headlines(reader):
    found = []
    for line in reader.out.all():
        item = json.loads(line)
        if "headlines" in item:
            found.append(item["headlines"][0]["value"])
    return found


def notices(reader, kind):
    return [w for w in (json.loads(line).get("wire", {}) for line in reader.out.all()) if w.get("kind") == kind]


def free_port():
    """One below those that the kernel gives to whoever dials: dialling such a port before somebody listens there may,
    once in many times, connect the dialler to itself, and then nobody else can listen."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        first_given = int(f.read().split()[0])
    for _ in range(1000):
        port = random.SystemRandom().randrange(first_given - 16384, first_given)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free below %d" % first_given)


def dial(port):
    end = time.monotonic() + BOUND_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), BOUND_S)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def listening(port, name="wire", more=""):
    return 'name: %s, format: iptc7901, lines: ["tcp-listen://127.0.0.1:%d"]%s' % (name, port, more)


@contextlib.contextmanager
def wire(program=None, more="", tape="16MiB"):
    port = free_port()
    with Daemon([listening(port, more=more)], program, tape) as daemon:
        with dial(port) as agency:
            yield daemon, agency, port


def expect_headlines(reader, numbers):
    wanted = ["Headline number %d" % n for n in numbers]
    until("headlines %s, got %s" % (wanted[:5], headlines(reader)[:5]), lambda: headlines(reader) == wanted)


# ---- agencies ----


def a_message_in_single_bytes_is_whole():
    with wire() as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest")
        agency.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in message(1):
            agency.sendall(bytes([byte]))
        expect_headlines(reader, [1])
        assert daemon.stop() == 0


def a_line_cut_in_mid_message_loses_only_that_message():
    with wire() as (daemon, agency, port):
        reader = daemon.tail("--from", "oldest", "--notices")
        agency.sendall(message(1) + message(2)[:60])
        agency.close()
        until("the cut message is a reject", lambda: notices(reader, "reject"))
        with dial(port) as again:
            again.sendall(message(3))
            expect_headlines(reader, [1, 3])
        assert daemon.stop() == 0


def garbage_between_messages_is_a_reject_and_the_next_is_whole():
    with wire() as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest", "--notices")
        agency.sendall(message(1) + b"\xff\xfe line noise that is no filling \x9b" + message(2) + b"\x16\x16\x00\x7f\r\n" + message(3))
        expect_headlines(reader, [1, 2, 3])
        assert len(notices(reader, "reject")) == 1, notices(reader, "reject")
        assert daemon.stop() == 0


def a_message_that_never_ends_is_bounded():
    with wire(more=", message: 16KiB") as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest", "--notices")
        agency.sendall(message(1) + message(2)[:60] + b"and on and on " * 4000)
        until("it is refused", lambda: notices(reader, "reject"))
        agency.sendall(b"\r\n" + message(3))
        expect_headlines(reader, [1, 3])
        assert daemon.stop() == 0


def a_dialled_agency_that_hangs_up_is_dialled_again():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(BOUND_S)
        port = server.getsockname()[1]
        feed = 'name: wire, format: iptc7901, lines: ["tcp://127.0.0.1:%d?reconnect=10ms..100ms"]' % port
        with Daemon([feed]) as daemon:
            reader = daemon.tail("--from", "oldest")
            for number in (1, 2, 3):
                agency, _ = server.accept()
                agency.sendall(message(number))
                agency.close()
            expect_headlines(reader, [1, 2, 3])
            assert daemon.stop() == 0


def the_same_bulletin_by_two_lines_passes_once():
    ports = free_port(), free_port()
    feed = 'name: wire, format: iptc7901, lines: ["tcp-listen://127.0.0.1:%d", "tcp-listen://127.0.0.1:%d"]' % ports
    with Daemon([feed]) as daemon, dial(ports[0]) as a, dial(ports[1]) as b:
        reader = daemon.tail("--from", "oldest")
        for number in range(1, 101):
            (a if number % 2 else b).sendall(message(number))
            (b if number % 2 else a).sendall(message(number))
        until("a hundred", lambda: len(headlines(reader)) == 100)
        a.sendall(message(101))
        until("and one", lambda: len(headlines(reader)) == 101)
        assert sorted(set(headlines(reader))) == sorted("Headline number %d" % n for n in range(1, 102))
        assert daemon.stop() == 0


# ---- readers ----


def a_reader_that_filters_gets_what_fits_and_is_told_the_place_of_a_mistake():
    with wire() as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest", "--where", 'urgency <= 2 and feed == "wire" and headline ~ "*number ?"')
        everything = daemon.tail("--from", "oldest")
        for number, priority in ((1, 4), (2, 1), (3, 6), (4, 2), (50, 1)):
            agency.sendall(message(number, priority=priority))
        until("all five", lambda: len(headlines(everything)) == 5)
        until("those that fit", lambda: sorted(headlines(reader)) == ["Headline number 2", "Headline number 4"])
        wrong = subprocess.run([SLUGLINE, "tail", "-s", daemon.socket, "--where", "urgencie <= 2"], capture_output=True, text=True)
        assert wrong.returncode == 2 and "did you mean urgency?" in wrong.stderr, wrong.stderr


class Mold:
    """A sender of MoldUDP64 by the specification alone: numbers, packs, sends, and answers requests."""

    def __init__(self, ports, answers=True):
        self.ports, self.sent, self.asked = ports, [], 0
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", 0))
        self.answers = answers
        threading.Thread(target=self._serve, daemon=True).start()

    @staticmethod
    def packet(seq, messages, count=None):
        head = struct.pack(">10sQH", b"day1".ljust(10), seq, len(messages) if count is None else count)
        return head + b"".join(struct.pack(">H", len(m)) + m for m in messages)

    def _serve(self):
        while True:
            try:
                data, peer = self.server.recvfrom(2048)
            except OSError:
                return
            session, seq, count = struct.unpack(">10sQH", data)
            self.asked += 1
            if self.answers and session == b"day1".ljust(10):
                for number in range(seq, seq + count):
                    self.server.sendto(self.packet(number, [self.sent[number - 1]]), peer)

    def send(self, messages, lines):
        packet = self.packet(len(self.sent) + 1, messages)
        self.sent.extend(messages)
        for line in lines:
            self.out.sendto(packet, ("127.0.0.1", self.ports[line]))

    def heartbeat(self):
        for port in self.ports:
            self.out.sendto(self.packet(len(self.sent) + 1, [], 0), ("127.0.0.1", port))

    def feed(self):
        lines = ["udp://127.0.0.1:%d" % port for port in self.ports]
        lines.append("udp-request://127.0.0.1:%d" % self.server.getsockname()[1])
        return "name: wire, format: iptc7901, framing: moldudp64, reorder: 500ms, lines: %s" % json.dumps(lines)

    def close(self):
        self.out.close()
        self.server.close()


def free_datagram_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def order_of(daemon):
    said = subprocess.run([SLUGLINE, "status", "--json", "-s", daemon.socket], capture_output=True, check=True)
    return json.loads(said.stdout)["feeds"][0].get("order", {})


def numbered_datagrams_by_two_lossy_lines_come_once_and_in_order():
    dice = random.Random(7)
    with contextlib.closing(Mold([free_datagram_port(), free_datagram_port()])) as agency, Daemon([agency.feed()]) as daemon:
        reader = daemon.tail("--from", "oldest", "--notices")
        number = 1
        while number <= 600:
            batch = [message(n) for n in range(number, min(number + dice.randint(1, 4), 601))]
            number += len(batch)
            agency.send(batch, [line for line in (0, 1) if number < 8 or dice.random() > 0.2])
            if dice.random() < 0.1:
                agency.heartbeat()
        agency.heartbeat()
        expect_headlines(reader, range(1, 601))
        assert not notices(reader, "gap") and agency.asked
        order = order_of(daemon)
        assert order["once"] == order["expected"] == 600 and order["lost"] == 0 and order["asked"], order
        assert sum(line["first"] for line in order["lines"]) == 600 and len(order["lines"]) == 3, order
        assert daemon.stop() == 0


def what_no_line_and_no_server_brings_is_a_gap_and_flash_does_not_wait_for_it():
    agency = Mold([free_datagram_port(), free_datagram_port()], answers=False)
    with contextlib.closing(agency), Daemon([agency.feed()]) as daemon:
        reader = daemon.tail("--from", "oldest", "--notices")
        agency.send([message(1), message(2)], [0, 1])
        expect_headlines(reader, [1, 2])
        agency.send([message(3), message(4), message(5)], [])
        agency.send([message(6), message(7, priority=1), message(8)], [1])
        until("all that came", lambda: len(headlines(reader)) == 5)
        assert [h.split()[-1] for h in headlines(reader)] == ["1", "2", "7", "6", "8"], headlines(reader)
        (gap,) = notices(reader, "gap")
        assert (gap["first"], gap["count"]) == (3, 3) and agency.asked, gap
        after = [item["wire"].get("flags", []) for item in map(json.loads, reader.out.all()) if "headlines" in item]
        assert ["afterGap" in flags for flags in after] == [False, False, True, True, False], after
        order = order_of(daemon)
        assert (order["expected"], order["once"], order["lost"], order["gaps"]) == (8, 5, 3, 1), order
        assert daemon.stop() == 0


def a_stopped_reader_and_a_killed_one_hurt_nobody():
    with wire() as (daemon, agency, _):
        steady, stopped, killed = (daemon.tail("--from", "oldest") for _ in range(3))
        agency.sendall(message(1))
        for reader in (steady, stopped, killed):
            until("each reader has begun", lambda reader=reader: headlines(reader))
        stopped.send_signal(signal.SIGSTOP)
        killed.kill()
        text = "Many words so that the tape goes round more than once. " * 20
        for number in range(2, 20001):
            agency.sendall(message(number, text))
        until("the steady reader has the last", lambda: headlines(steady)[-1] == "Headline number 20000")
        assert len(headlines(steady)) + missed(steady) == 20000
        stopped.send_signal(signal.SIGCONT)
        until("the stopped one goes on to the last", lambda: headlines(stopped)[-1] == "Headline number 20000")
        assert missed(stopped) > 0, "it was lapped, and was not told"
        assert len(headlines(stopped)) + missed(stopped) == 20000
        assert daemon.stop() == 0


def missed(reader):
    total = 0
    for line in reader.out.all():
        item = json.loads(line).get("wire", {})
        if item.get("kind") == "missed":
            total += item["last"] - item["first"] + 1
    return total


# ---- the walk and the supervisor ----


def a_killed_walk_is_started_again_and_readers_rejoin():
    with wire() as (daemon, agency, port):
        reader = daemon.tail("--from", "oldest")
        agency.sendall(message(1))
        expect_headlines(reader, [1])
        for round_number in (2, 3):
            os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
            until("the next walk is up", lambda n=round_number: len(daemon.walk_pids()) == n)
            with dial(port) as again:
                again.sendall(message(round_number))
                expect_headlines(reader, range(1, round_number + 1))
        epochs = {json.loads(line)["wire"]["epoch"] for line in reader.out.all() if "headlines" in json.loads(line)}
        assert len(epochs) == 3, epochs
        assert any("epoch" in line for line in reader.said.all()), reader.said.all()
        assert daemon.stop() == 0


def a_stopped_walk_is_not_taken_for_dead():
    with wire() as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest")
        os.kill(daemon.walk_pids()[0], signal.SIGSTOP)
        agency.sendall(message(1))
        os.kill(daemon.walk_pids()[0], signal.SIGCONT)
        expect_headlines(reader, [1])
        assert len(daemon.walk_pids()) == 1
        assert daemon.stop() == 0


def a_message_that_kills_its_parser_is_refused_and_the_wire_goes_on():
    port = free_port()
    feed = 'name: wire, format: crash, framing: control, lines: ["tcp-listen://127.0.0.1:%d"]' % port
    with Daemon([feed], CRASHING) as daemon, dial(port) as agency:
        reader = daemon.tail("--from", "oldest", "--notices")
        agency.sendall(b"\x01fine one\x03\x04")
        until("the first", lambda: headlines(reader) == ["fine one"])
        agency.sendall(b"\x01CRASH please\x03\x04")
        until("the next walk is up", lambda: len(daemon.walk_pids()) == 2)
        until("it is a reject", lambda: len(notices(reader, "reject")) == 1)
        with dial(port) as again:  # the agency sends it again: refused without being parsed
            again.sendall(b"\x01CRASH please\x03\x04\x01fine two\x03\x04")
            until("the wire goes on", lambda: headlines(reader) == ["fine one", "fine two"])
        until("refused once more", lambda: len(notices(reader, "reject")) == 2)
        assert len(daemon.walk_pids()) == 2
        assert daemon.stop() == 0


def a_walk_whose_supervisor_is_killed_ends_by_itself():
    with wire() as (daemon, _, _port):
        walk = daemon.walk_pids()[0]
        daemon.process.kill()
        daemon.process.wait(BOUND_S)
        until("the walk ends", lambda: not os.path.exists("/proc/%d" % walk) or "Z" in open("/proc/%d/stat" % walk).read().split()[2])


def a_second_daemon_on_the_same_socket_is_refused():
    with wire() as (daemon, agency, _):
        second = subprocess.run([SLUGLINE, "run", "-c", daemon.config.replace(".yaml", "2.yaml")], capture_output=True, timeout=BOUND_S)
        assert second.returncode == 1
        other = daemon.config.replace(".yaml", "2.yaml")
        with open(daemon.config) as f, open(other, "w") as g:
            g.write(f.read().replace("tcp-listen://127.0.0.1:", "tcp-listen://127.0.0.2:"))
        second = subprocess.run([SLUGLINE, "run", "-c", other], capture_output=True, timeout=BOUND_S)
        assert second.returncode == 1 and b"already serves" in second.stderr, second.stderr
        reader = daemon.tail("--from", "oldest")
        agency.sendall(message(1))
        expect_headlines(reader, [1])
        assert daemon.stop() == 0


def hangup_takes_what_can_change_and_refuses_the_rest():
    port = free_port()
    with Daemon([listening(port)]) as daemon:
        daemon.write([listening(port, more=", silence: 1s")])
        daemon.process.send_signal(signal.SIGHUP)
        until("read again", lambda: any("read again" in line for line in daemon.said.all()))
        until("the silent feed is named", lambda: any("name=wire silent" in line for line in daemon.said.all()))
        daemon.write([listening(port)], tape="32MiB")
        daemon.process.send_signal(signal.SIGHUP)
        until("the key is named", lambda: any("tape.size" in line and "restart" in line for line in daemon.said.all()))
        with open(daemon.config, "w") as f:
            f.write("feeds: nonsense\n")
        daemon.process.send_signal(signal.SIGHUP)
        until("a broken file changes nothing", lambda: any("the running one stays" in line for line in daemon.said.all()))
        assert daemon.stop() == 0


def status_tells_the_books_and_whether_anybody_is_there():
    with wire() as (daemon, agency, _):
        reader = daemon.tail("--from", "oldest")
        agency.sendall(message(1) + message(1) + b"\x01no header at all\x02x\x03\x04" + message(2))
        expect_headlines(reader, [1, 2])
        ask = [SLUGLINE, "status", "--json", "-s", daemon.socket]
        status = lambda: json.loads(subprocess.run(ask, capture_output=True, timeout=BOUND_S, check=True).stdout)
        until("the books say so", lambda: status()["feeds"][0]["rejected"] == 1)
        assert daemon.stop() == 0
        gone = subprocess.run([SLUGLINE, "status", "-s", daemon.socket], capture_output=True, timeout=BOUND_S)
        assert gone.returncode == 3, gone


def story_updates(guid, headline, parts):
    """A story as MRN sends it: its gzip in so many fragments, each in an update of its own."""
    story = json.dumps({"id": guid, "headline": headline, "body": "Text of %s. " % guid * 9, "urgency": 3, "provider": "NS:TST"})
    packed = gzip.compress(story.encode(), mtime=0)
    step = -(-len(packed) // parts)
    for i in range(parts):
        fields = {"MRN_SRC": "TST_A", "GUID": guid, "MRN_TYPE": "STORY", "FRAG_NUM": i + 1}
        if i == 0:
            fields["TOT_SIZE"] = len(packed)
        fields["FRAGMENT"] = base64.b64encode(packed[i * step:(i + 1) * step]).decode()
        yield {"Type": "Update", "ID": 2, "Fields": fields}


def websocket_frame(payload, mask=b"", final=True, opcode=1):
    """RFC 6455 5.2."""
    length = len(payload)
    head = bytes([(128 if final else 0) | opcode])
    head += struct.pack("!B", length | (128 if mask else 0)) if length < 126 else struct.pack("!BH", 126 | (128 if mask else 0), length)
    return head + mask + (bytes(b ^ mask[i % 4] for i, b in enumerate(payload)) if mask else payload)


def fragments_of_several_stories_come_whole_over_a_websocket_and_what_is_lost_is_named():
    port = free_port()
    feed = 'name: wire, format: mrn, framing: websocket, lines: ["tcp-listen://127.0.0.1:%d"]' % port
    with Daemon([feed]) as daemon, dial(port) as agency:
        reader = daemon.tail("--from", "oldest", "--notices")
        one, two, lost = (list(story_updates(guid, headline, 3)) for guid, headline in
                          (("g1", "Headline number 1"), ("g2", "Headline number 2"), ("g3", "Headline number 3")))
        whole = list(story_updates("g4", "Headline number 4", 1))
        send = lambda updates, **how: agency.sendall(websocket_frame(json.dumps(updates).encode(), **how))
        agency.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        send([one[2]])
        send([lost[0], two[0], {"Type": "Ping"}], mask=b"\x01\xfe\x33\x80")
        send(one[0])
        agency.sendall(websocket_frame(b"are you there", opcode=9))
        send([two[1], whole[0], one[1]])
        expect_headlines(reader, [4, 1])
        send([lost[2], two[0]])
        send([two[2]])
        expect_headlines(reader, [4, 1, 2])
        ask = [SLUGLINE, "status", "--json", "-s", daemon.socket]
        status = lambda: json.loads(subprocess.run(ask, capture_output=True, timeout=BOUND_S, check=True).stdout)["feeds"][0]
        agency.close()
        until("the lost story is given up with its line", lambda: status()["rejected"] == 1)
        assert status()["fragments"] == {"taken": 9, "joined": 6, "repeated": 1, "lost": 2, "now": 0}, status()["fragments"]
        until("its reject is on the tape", lambda: len(notices(reader, "reject")) == 1)
        assert daemon.stop() == 0


CASES = [
    a_message_in_single_bytes_is_whole,
    a_line_cut_in_mid_message_loses_only_that_message,
    garbage_between_messages_is_a_reject_and_the_next_is_whole,
    a_message_that_never_ends_is_bounded,
    a_dialled_agency_that_hangs_up_is_dialled_again,
    the_same_bulletin_by_two_lines_passes_once,
    numbered_datagrams_by_two_lossy_lines_come_once_and_in_order,
    what_no_line_and_no_server_brings_is_a_gap_and_flash_does_not_wait_for_it,
    a_reader_that_filters_gets_what_fits_and_is_told_the_place_of_a_mistake,
    a_stopped_reader_and_a_killed_one_hurt_nobody,
    a_killed_walk_is_started_again_and_readers_rejoin,
    a_stopped_walk_is_not_taken_for_dead,
    a_message_that_kills_its_parser_is_refused_and_the_wire_goes_on,
    a_walk_whose_supervisor_is_killed_ends_by_itself,
    a_second_daemon_on_the_same_socket_is_refused,
    hangup_takes_what_can_change_and_refuses_the_rest,
    status_tells_the_books_and_whether_anybody_is_there,
    fragments_of_several_stories_come_whole_over_a_websocket_and_what_is_lost_is_named,
]


def rounds_and_seed(arguments, rounds):
    """What they begin with, [ROUNDS [SEED]], taken off; a seed by chance where none is told."""
    if arguments and arguments[0].isdigit():
        rounds = int(arguments.pop(0))
    told = arguments and arguments[0].isdigit()
    return rounds, int(arguments.pop(0)) if told else random.SystemRandom().randrange(1 << 32)


class Skipped(Exception):
    """This host lacks what the case needs."""


def run_cases(cases, chosen):
    """1: one failed.  77: none did, and one was skipped; else 0."""
    failed = skipped = 0
    for case in cases:
        if chosen and case.__name__ not in chosen:
            continue
        begun = time.monotonic()
        try:
            case()
            print("ok      %s (%.1f s)" % (case.__name__, time.monotonic() - begun), flush=True)
        except Skipped as why:
            skipped += 1
            print("SKIPPED %s: %s" % (case.__name__, why), flush=True)
        except Exception as problem:  # the next case has a daemon of its own
            failed += 1
            print("FAILED  %s: %s: %s" % (case.__name__, type(problem).__name__, problem), flush=True)
    return 1 if failed else 77 if skipped else 0


def main():
    global SLUGLINE, CRASHING
    SLUGLINE, CRASHING = sys.argv[1:3]
    return run_cases(CASES, sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
