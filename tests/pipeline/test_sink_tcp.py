#!/usr/bin/env python3
"""The tcp sink and its clients: those that resume, filter, stall, lie, vanish, or come without a certificate.

    test_sink_tcp.py SLUGLINE [--rounds N] [--seed N] [CASE ...]
"""
import contextlib
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys

import sink_daemon as sinks
import test_daemon as daemons
from sink_daemon import Load, SinkDaemon, connect, number_of
from test_daemon import BOUND_S, dial, free_port, message, until

FRAME = struct.Struct("=IIBBBBIQQQQQHHI7q32s")
LONG = "A paragraph that fills what sockets and queues can hold. " * 40


@contextlib.contextmanager
def tcp_sink(more="", tape="64MiB"):
    port = free_port()
    with SinkDaemon(['name: fan, type: tcp, listen: "127.0.0.1:%d"%s' % (port, more)], tape=tape) as daemon:
        daemon.wait_for_sink("fan")
        daemon.fan = port
        yield daemon


class Client:
    """One that reads whole lines, and knows where to go on."""

    def __init__(self, daemon, hello="", wrap=None):
        until("the port is open", lambda: self.dials(daemon.fan))
        if wrap:
            self.socket = wrap(self.socket)
        self.rest, self.items = b"", []
        if hello is not None:
            self.socket.sendall(hello.encode() + b"\n")

    def dials(self, port):
        with contextlib.suppress(ConnectionRefusedError):
            self.socket = connect(port)
            return True

    def read(self):
        """False at the end."""
        got = self.socket.recv(1 << 18)
        lines = (self.rest + got).split(b"\n")
        self.rest = lines.pop()
        self.items += map(json.loads, lines)
        return bool(got)

    def numbers(self):
        return [number_of(item["headlines"][0]["value"]) for item in self.items if "headlines" in item]

    def read_until(self, check):
        while not check():
            assert self.read(), "the sink hung up; %d came; %s" % (len(self.items), self.items[-1:])

    def read_to_end(self):
        with contextlib.suppress(ConnectionResetError):
            while self.read():
                pass
        return self.items

    def place(self):
        wire = next((item["wire"] for item in reversed(self.items) if "wire" in item), None)
        return "from=%s:%d" % (wire["epoch"], wire["seq"]) if wire else "from=oldest"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def expect_peers(daemon, cnt):
    return daemon.expect("fan", "has %d clients" % cnt, lambda row: row["peers"] == cnt)


def a_client_that_says_nothing_gets_all_from_now_on():
    with tcp_sink() as daemon, Client(daemon, None) as silent:
        expect_peers(daemon, 1)
        Load(daemon.port, 1, 200).end()
        silent.read_until(lambda: len(silent.numbers()) == 200)
        assert silent.numbers() == list(range(1, 201))
        row = daemon.expect("fan", "counts them", lambda row: row["sent"] == 200 and row["lag"] == 0)
        assert row["type"] == "tcp" and row["lastError"] is None, row


def a_first_line_filters_and_says_where_to_begin():
    with tcp_sink() as daemon:
        with dial(daemon.port) as agency:
            agency.sendall(b"".join(message(n, priority=2 if n % 5 == 0 else 4) for n in range(1, 101)))
            until("all are read", lambda: (daemon.sink("fan") or {}).get("seq") == 100)
            with Client(daemon, "json from=oldest where=urgency == 2") as some, Client(daemon, "from=oldest\r") as all_of_them:
                some.read_until(lambda: len(some.numbers()) == 20)
                assert sorted(some.numbers()) == list(range(5, 101, 5))
                all_of_them.read_until(lambda: len(all_of_them.numbers()) == 100)
                agency.sendall(b"".join(message(n, priority=2 if n % 5 == 0 else 4) for n in range(101, 106)))
                some.read_until(lambda: some.numbers()[-1] == 105)
                all_of_them.read_until(lambda: len(all_of_them.numbers()) == 105)
                seqs = [item["wire"]["seq"] for item in all_of_them.items]
                assert seqs == sorted(set(seqs)), "each once, in the tape's order"
                middle = all_of_them.items[49]["wire"]
                with Client(daemon, "from=%s:%d" % (middle["epoch"], middle["seq"])) as resumed:
                    resumed.read_until(lambda: len(resumed.items) == 55)
                    assert [item["wire"]["seq"] for item in resumed.items] == seqs[50:]


def binary_clients_get_the_record_itself():
    with tcp_sink() as daemon, dial(daemon.port) as agency:
        agency.sendall(message(1) + message(2))
        until("both are read", lambda: (daemon.sink("fan") or {}).get("seq") == 2)
        with Client(daemon, "binary from=oldest") as client:
            data = b""
            seqs = []
            while len(seqs) < 3:
                data += client.socket.recv(65536)
                while len(data) >= 4 and len(data) >= struct.unpack_from("=I", data)[0]:
                    frame = FRAME.unpack_from(data)
                    assert frame[1] == 0x31464C53 and frame[0] % 8 == 0 and frame[2] == 1, frame
                    assert frame[-1].rstrip(b"\0") == b"wire", frame
                    assert struct.unpack_from("=I", data, FRAME.size)[0] == frame[0] - FRAME.size, "the bulletin's own length"
                    assert b"Headline number %d" % (len(seqs) + 1) in data[: frame[0]], data[: frame[0]]
                    seqs.append(frame[8])
                    data = data[frame[0] :]
                    if len(seqs) == 2:
                        agency.sendall(message(3))
            assert seqs == [1, 2, 3], seqs


def nonsense_is_refused_with_its_reason():
    rows = [("from=tomorrow", "from= takes"), ("gibberish", "json, binary, from= or where= is expected"), ("from=1:-1", "from= takes"),
            ("where=urgncy == 1", "did you mean urgency?"), ("where=" + "(" * 100, "where= at byte"), ("x" * 5000, "at most 4096 bytes"),
            ("from=0:1", "from= takes"), ("json\0", "a line of at most"), ("from=11111111111111111:1", "from= takes")]
    with tcp_sink() as daemon:
        for hello, why in rows:
            with Client(daemon, hello) as client:
                said = client.read_to_end()
                assert len(said) == 1 and why in said[0]["error"], (hello[:40], said)
        row = daemon.expect("fan", "counts them", lambda row: row["refusedPeers"] == len(rows) and row["peers"] == 0)
        assert row["errors"] == len(rows), row


def bytes_by_chance_neither_crash_nor_stay():
    dice = sinks.throw_dice()
    words = [b"json", b"binary", b"from=", b"where=", b"oldest", b"now", b":", b" ", b"\n", b"\r", b"\0", b'"', b"urgency <= 2",
             b"\xff\xfe", b"(" * 40]
    with tcp_sink() as daemon:
        pid = daemon.wait_for_sink("fan")
        for _ in range(150):
            with Client(daemon, None) as client:
                with contextlib.suppress(ConnectionError):
                    client.socket.sendall(b"".join(dice.choice(words) for _ in range(dice.randrange(1, 30))))
        expect_peers(daemon, 0)
        assert daemon.sink_pids("fan") == [pid]


def more_clients_than_allowed_are_turned_away():
    with tcp_sink(", clients: 4") as daemon, contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(Client(daemon, "json"))
        expect_peers(daemon, 4)
        with Client(daemon, None) as fifth:
            assert not fifth.read_to_end()
        daemon.expect("fan", "says so", lambda row: row["refusedPeers"] == 1 and row["peers"] == 4)


def a_client_that_begins_a_line_and_never_ends_it_is_let_go():
    with tcp_sink() as daemon, Client(daemon, None) as client:
        client.socket.sendall(b"json from=")
        assert not client.read_to_end()
        daemon.expect("fan", "counts it", lambda row: row["refusedPeers"] == 1 and row["peers"] == 0)


def run_with_a_stopped_client(policy):
    """One reads, the other does not, until the queue has gone over what it would need next."""
    with tcp_sink(", queue: 1MiB, policy: %s" % policy, tape="64MiB") as daemon:
        with Client(daemon, "json") as quick, Client(daemon, "json") as stopped:
            expect_peers(daemon, 2)
            with dial(daemon.port) as agency:
                for first in range(1, 4001, 100):
                    agency.sendall(b"".join(message(number, LONG) for number in range(first, first + 100)))
                    quick.read_until(lambda last=first + 99: len(quick.items) == last)
            assert quick.numbers() == list(range(1, 4001)), "in order, and each once, beside a stopped one"
            row = daemon.expect("fan", "is at the end", lambda row: row["lag"] == 0)
            assert daemon.status()["balanced"]
            yield daemon, stopped, row


def a_stopped_client_goes_on_from_the_tape_and_hurts_nobody():
    for daemon, stopped, _ in run_with_a_stopped_client("block"):
        stopped.read_until(lambda: len(stopped.items) == 4000)
        assert stopped.numbers() == list(range(1, 4001))
        daemon.expect("fan", "sent all to both", lambda row: row["sent"] == 8000 and row["cut"] == 0)


def policy_cut_hangs_up_on_a_stopped_client():
    for daemon, stopped, _ in run_with_a_stopped_client("cut"):
        daemon.expect("fan", "says so", lambda row: row["cut"] == 1 and row["peers"] == 1)
        stopped.read_to_end()
        assert stopped.numbers() == list(range(1, len(stopped.items) + 1)) and len(stopped.items) < 4000


def killed_at_any_moment_it_leaves_clients_their_places():
    dice, last = sinks.throw_dice(), 500 * sinks.ROUNDS
    with tcp_sink() as daemon:
        items, place = [], "from=oldest"
        for number in range(sinks.ROUNDS + 1):
            load = Load(daemon.port, 500 * number + 1, 500 * (number + 1)) if number < sinks.ROUNDS else None
            mark = dice.randrange(500 * number + 1, 500 * (number + 1)) if number < sinks.ROUNDS else last
            with Client(daemon, place) as client:
                client.read_until(lambda: len(items) + len(client.items) >= mark)
                if number < sinks.ROUNDS:
                    daemon.kill_sink("fan")
                    client.read_to_end()
                items += client.items
                place = client.place() if client.items else place
            if load:
                load.end()
        assert [number_of(item["headlines"][0]["value"]) for item in items] == list(range(1, last + 1)), "each once: places are exact"


def make_certificates(folder):
    def run(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=BOUND_S)

    for authority in ("ours", "theirs"):
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
            "/CN=%s" % authority, "-keyout", authority + ".key", "-out", authority + ".pem")
    for name, authority in (("server", "ours"), ("client", "ours"), ("stranger", "theirs")):
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=%s" % name, "-keyout",
            name + ".key", "-out", name + ".csr")
        run("x509", "-req", "-in", name + ".csr", "-CA", authority + ".pem", "-CAkey", authority + ".key", "-CAcreateserial",
            "-days", "2", "-out", name + ".pem")


def with_certificate(folder, name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(os.path.join(folder, "ours.pem"))
    if name:
        context.load_cert_chain(os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key"))
    return context.wrap_socket


def tls_lets_in_whom_the_authority_knows():
    if not shutil.which("openssl"):
        raise daemons.Skipped("there is no openssl to make certificates")
    port = free_port()
    files = "".join(", %s: FOLDER/%s" % pair for pair in (("certificate", "server.pem"), ("key", "server.key"), ("authority", "ours.pem")))
    with SinkDaemon(['name: fan, type: tcp, listen: ":%d"%s' % (port, files)], tape="64MiB") as daemon:
        folder, daemon.fan = daemon.folder.name, port
        make_certificates(folder)
        daemon.wait_for_sink("fan")
        for stranger in ("stranger", None):
            with contextlib.suppress(OSError), Client(daemon, None, with_certificate(folder, stranger)) as client:
                assert not client.read_to_end(), "a stranger was let in"
        with Client(daemon, "json") as plain:
            with contextlib.suppress(ValueError):
                assert not plain.read_to_end()
        daemon.expect("fan", "has refused them", lambda row: row["refusedPeers"] == 3 and row["peers"] == 0)
        with Client(daemon, "json from=oldest", with_certificate(folder, "client")) as client:
            Load(daemon.port, 1, 500, lambda number: message(number, LONG)).end()
            client.read_until(lambda: len(client.items) == 500)
            assert client.numbers() == list(range(1, 501))


def a_port_that_is_taken_is_said_and_tried_again():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        with SinkDaemon(['name: fan, type: tcp, listen: "127.0.0.1:%d"' % port]) as daemon:
            until("it says so", lambda: any("Address already in use" in line for line in daemon.said.all()))
            taken.close()
            daemon.wait_for_sink("fan")


CASES = [
    a_client_that_says_nothing_gets_all_from_now_on,
    a_first_line_filters_and_says_where_to_begin,
    binary_clients_get_the_record_itself,
    nonsense_is_refused_with_its_reason,
    bytes_by_chance_neither_crash_nor_stay,
    more_clients_than_allowed_are_turned_away,
    a_client_that_begins_a_line_and_never_ends_it_is_let_go,
    a_stopped_client_goes_on_from_the_tape_and_hurts_nobody,
    policy_cut_hangs_up_on_a_stopped_client,
    killed_at_any_moment_it_leaves_clients_their_places,
    tls_lets_in_whom_the_authority_knows,
    a_port_that_is_taken_is_said_and_tried_again,
]


if __name__ == "__main__":
    sys.exit(daemons.run_cases(CASES, sinks.read_arguments(__doc__).cases))
