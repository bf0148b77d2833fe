#!/usr/bin/env python3
"""The web sink: its page in a browser, its streams and lists, its metrics, and what it does with clients that mean harm.

    test_sink_web.py SLUGLINE [--rounds N] [--seed N] [CASE ...]
"""
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.parse

import sink_daemon as sinks
import test_daemon as daemons
from sink_daemon import Load, SinkDaemon, connect, number_of
from test_daemon import BOUND_S, dial, free_port, message, until

ROOT = ""
KILL = (
    "\x01tst0777 4 i 5  tst 777\r\n\r\nCase/\r\n\x02KILL KILL KILL =\r\n\r\nKILL tst0001 Headline number 1\r\n\r\n"
    "\x03021200 GMT Nov 26\r\n\x7f\x04"
).encode("latin-1")


@contextlib.contextmanager
def web_sink(more="", feed_more="", tape="64MiB", daemon_more=""):
    port = free_port()
    sink = 'name: page, type: web, listen: "127.0.0.1:%d"%s' % (port, more)
    with SinkDaemon([sink], tape=tape, feed_more=feed_more, more=daemon_more) as daemon:
        daemon.web = port
        daemon.wait_for_sink("page")
        yield daemon


def get(daemon, path, method="GET", headers=None, body=None):
    link = http.client.HTTPConnection("127.0.0.1", daemon.web, timeout=BOUND_S)
    link.request(method, path, body=body, headers=headers or {})
    answer = link.getresponse()
    data = answer.read()
    link.close()
    return answer.status, answer.headers, data


def bulletins(daemon, **wishes):
    status, _, data = get(daemon, "/api/bulletins?" + urllib.parse.urlencode(wishes))
    assert status == 200, (status, data)
    return json.loads(data)


def numbers(items):
    return [number_of(item["headlines"][0]["value"]) for item in items if "headlines" in item]


def send(daemon, first, last, make=message):
    """Until the sink has them."""
    seq = (daemon.sink("page") or {"seq": 0})["seq"]
    Load(daemon.port, first, last, make).end()
    until("the sink has %d more" % (last - first + 1), lambda: daemon.sink("page")["seq"] >= seq + last - first + 1)


class Stream:
    def __init__(self, daemon, path="/events", last=None):
        self.link = http.client.HTTPConnection("127.0.0.1", daemon.web, timeout=BOUND_S)
        self.link.request("GET", path, headers={"Last-Event-ID": last} if last else {})
        self.answer = self.link.getresponse()
        assert self.answer.status == 200 and self.answer.headers["Content-Type"] == "text/event-stream", self.answer.status
        self.ids, self.items, self.kinds = [], [], []

    def read(self, cnt):
        while len(self.items) < cnt:
            line = self.answer.readline().decode()
            assert line, "the stream ended"
            if line.startswith("id: "):
                self.ids.append(line[4:-1])
            if line.startswith("event: "):
                self.kinds.append(line[7:-1])
            if line.startswith("data: "):
                self.items.append(json.loads(line[6:]))
        return self.items

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.sock and self.link.sock.close()
        self.answer.close()


def lists_filter_and_go_on_from_a_place():
    with web_sink() as daemon:
        send(daemon, 1, 100, lambda n: message(n, priority=2 if n % 10 == 0 else 4))
        assert sorted(numbers(bulletins(daemon, limit=1000))) == list(range(1, 101))
        assert len(bulletins(daemon, limit=7)) == 7
        assert sorted(numbers(bulletins(daemon, where="urgency <= 2"))) == list(range(10, 101, 10))
        wire = bulletins(daemon, limit=1000)[49]["wire"]
        after = bulletins(daemon, **{"from": "%s:%d" % (wire["epoch"], wire["seq"]), "limit": 1000})
        assert [item["wire"]["seq"] for item in after] == list(range(wire["seq"] + 1, 101))
        for path in ("from=yesterday", "where=urgncy", "where=" + "(" * 200, "from=oldest%20where=x"):
            status, _, data = get(daemon, "/api/bulletins?" + path)
            assert status == 400 and json.loads(data)["error"], (path, status, data)


def streams_go_on_where_the_browser_was():
    with web_sink() as daemon:
        with Stream(daemon) as stream, Stream(daemon, "/events?where=urgency%20%3C%3D%202") as some:
            daemon.expect("page", "has two", lambda row: row["peers"] == 2)
            send(daemon, 1, 30, lambda n: message(n, priority=2 if n == 30 else 4))
            assert sorted(numbers(stream.read(30))) == list(range(1, 31))
            assert numbers(some.read(1)) == [30]
            last = stream.ids[14]
        send(daemon, 31, 40)
        with Stream(daemon, last=last) as again:
            seqs = [item["wire"]["seq"] for item in again.read(25)]
            assert seqs == list(range(16, 41)), seqs
        with Stream(daemon, last="00000000000000ff:1") as unknown:
            assert len(unknown.read(40)) == 40, "a place of another life: all that there is"
        urgent = lambda n: message(n, priority=2)
        send(daemon, 41, 41, urgent)  # what is written to those who went is answered by a reset,
        send(daemon, 42, 42, urgent)  # which this one meets
        daemon.expect("page", "sees them go", lambda row: row["peers"] == 0)


def a_restarted_sink_shows_what_the_tape_has():
    with web_sink() as daemon:
        send(daemon, 1, 50)
        daemon.kill_sink("page")
        until("all is there again", lambda: len(bulletins(daemon, limit=1000)) == 50)


LONG = "A paragraph that fills what sockets and queues can hold. " * 40


def run_past_a_stopped_stream(daemon, last):
    """Its queue of 1 MiB goes round several times."""
    stopped = Stream(daemon)
    daemon.expect("page", "has it", lambda row: row["peers"] == 1)
    for first in range(1, last + 1, 1000):
        send(daemon, first, first + 999, lambda n: message(n, LONG))
    assert daemon.status()["balanced"] and daemon.sink("page")["lag"] == 0
    return stopped


def a_stream_that_is_not_read_goes_on_from_the_tape():
    with web_sink(", queue: 1MiB") as daemon, run_past_a_stopped_stream(daemon, 6000) as stopped:
        assert numbers(stopped.read(6000)) == list(range(1, 6001)) and not stopped.kinds, "each once, and in order"


def what_the_tape_has_lost_too_a_stream_is_told():
    with web_sink(", queue: 1MiB", ", message: 16KiB", "1MiB") as daemon, run_past_a_stopped_stream(daemon, 6000) as stopped:
        while "missed" not in stopped.kinds:
            stopped.read(len(stopped.items) + 1)
        got = numbers(stopped.read(len(stopped.items) + 10))
        assert got == sorted(got), "in order, with a hole that was named"


def a_browser_that_comes_back_late_goes_on_from_the_journal():
    with tempfile.TemporaryDirectory(prefix="slugline-web-") as folder:
        journal = "journal: {directory: %s, sync: 5ms}\n" % folder
        with web_sink(", queue: 64KiB", ", message: 16KiB", "1MiB", journal) as daemon:
            with Stream(daemon) as stream:
                daemon.expect("page", "has it", lambda row: row["peers"] == 1)
                send(daemon, 1, 10)
                last = stream.read(10) and stream.ids[4]
            for first in range(11, 3011, 500):
                send(daemon, first, first + 499, lambda n: message(n, LONG, priority=2 if n % 100 == 0 else 4))
            with Stream(daemon, last=last) as again:
                assert sorted(numbers(again.read(3005))) == list(range(6, 3011)) and not again.kinds
                send(daemon, 3011, 3020)
                assert sorted(numbers(again.read(3015))) == list(range(6, 3021)), "and goes on live"
            with contextlib.ExitStack() as stack:  # more than there are readers for: each has its turn
                late = [stack.enter_context(Stream(daemon, "/events?where=urgency%20%3D%3D%202", last)) for _ in range(20)]
                for stream in late:
                    assert numbers(stream.read(30)) == list(range(100, 3001, 100))


def killed_at_any_moment_it_leaves_streams_their_places():
    dice, last = sinks.throw_dice(), 300 * sinks.ROUNDS
    with web_sink() as daemon:
        items, place = [], None
        for number in range(sinks.ROUNDS):
            load = Load(daemon.port, 300 * number + 1, 300 * (number + 1))
            mark = dice.randrange(300 * number + 1, 300 * (number + 1))
            with Stream(daemon, "/events?from=oldest", place) as stream:
                stream.read(mark - len(items)) if mark > len(items) else None
                daemon.kill_sink("page")
                items += stream.items
                place = stream.ids[len(stream.items) - 1] if stream.items else place
            load.end()
        with Stream(daemon, "/events?from=oldest", place) as stream:
            items += stream.read(last - len(items))
        assert numbers(items) == list(range(1, last + 1)), "each once: places are exact"


def metrics_are_what_prometheus_reads_and_rules_use():
    with web_sink() as daemon:
        send(daemon, 1, 10)
        status, headers, data = get(daemon, "/metrics")
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers
        text = data.decode()
        assert "slugline_up 1\n" in text and 'slugline_feed_published_total{feed="wire"} 10\n' in text, text
        assert re.search(r'slugline_sink_peers\{sink="page",type="web"\} 0\n', text), text
        printed = set(re.findall(r"^(slugline_\w+)", text, re.M))
        with open(os.path.join(ROOT, "deploy/prometheus/slugline.rules.yaml"), encoding="utf-8") as f:
            used = set(re.findall(r"\bslugline_\w+", re.sub(r"#.*", "", f.read())))
        assert used and used <= printed, used - printed
        if not shutil.which("promtool"):
            raise daemons.Skipped("there is no promtool to check the metrics with")
        checked = subprocess.run(["promtool", "check", "metrics"], input=data, capture_output=True, timeout=BOUND_S, check=False)
        assert checked.returncode == 0 and not checked.stderr, checked
        rules = ["promtool", "check", "rules", os.path.join(ROOT, "deploy/prometheus/slugline.rules.yaml")]
        checked = subprocess.run(rules, capture_output=True, timeout=BOUND_S, check=False)
        assert checked.returncode == 0, checked


def tricks_are_refused():
    with web_sink() as daemon:
        for path in ("/../etc/passwd", "/%2e%2e/etc/passwd", "/api/../../x", "//", "/page.html", "/api/bulletins/"):
            status, _, _ = get(daemon, path)
            assert status in (400, 404), (path, status)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
            status, _, _ = get(daemon, "/", method, body=b"x" * 100 if method == "POST" else None)
            assert status == 405, (method, status)
        status, headers, data = get(daemon, "/")
        assert status == 200 and b"<title>slugline</title>" in data and "default-src 'none'" in headers["Content-Security-Policy"]
        assert not re.search(rb'(?:src|href)=|@import|https?:', data), "no outside assets"


def header_floods_end_soon():
    with web_sink() as daemon:
        with connect(daemon.web) as flood:
            with contextlib.suppress(ConnectionError):
                flood.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
                for number in range(20000):
                    flood.sendall(b"X-%d: %s\r\n" % (number, b"y" * 100))
            answer = b""
            with contextlib.suppress(ConnectionError):
                answer = flood.recv(4096)
            assert b" 200 " not in answer, answer
        assert get(daemon, "/api/status")[0] == 200


def a_head_that_comes_by_the_byte_is_let_go():
    with web_sink() as daemon, connect(daemon.web) as slow:
        slow.settimeout(0.2)
        head = iter(b"GET / HTTP/1.1\r\n" + b"X-Slow: and so on\r\n" * 1000)

        def ended():
            with contextlib.suppress(TimeoutError):
                try:
                    slow.sendall(bytes([next(head)]))
                    return not slow.recv(100)
                except ConnectionError:
                    return True
            return False

        until("it is let go though it was never silent", ended)
        assert get(daemon, "/api/status")[0] == 200


def more_connections_than_allowed_wait_outside():
    with web_sink(", clients: 8") as daemon, contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(Stream(daemon))
        daemon.expect("page", "has eight", lambda row: row["peers"] == 8)
        with socket.create_connection(("127.0.0.1", daemon.web), BOUND_S) as ninth:
            ninth.settimeout(0.5)
            with contextlib.suppress(TimeoutError, ConnectionError):
                ninth.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert not ninth.recv(100)
        send(daemon, 1, 5)
        assert daemon.sink("page")["peers"] == 8


def the_page_draws_the_wire_in_a_browser():
    browser = shutil.which("chromium")
    if not browser:
        raise daemons.Skipped("there is no chromium to look at the page with")
    with web_sink() as daemon, dial(daemon.port) as agency:
        agency.sendall(b"".join(message(n, priority=n % 8 + 1) for n in range(1, 61)))
        until("sixty are there", lambda: len(bulletins(daemon, limit=1000)) == 60)
        agency.sendall(message(1, "Said better.") + KILL)
        until("all is there", lambda: len(bulletins(daemon, limit=1000)) == 62)
        look = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,800",
                "--user-data-dir=" + daemon.path("browser"), "--virtual-time-budget=2000", "--dump-dom",
                "http://127.0.0.1:%d/?still" % daemon.web]
        for _ in range(5):  # the browser's clock runs on while the sink has no processor: then nothing is drawn yet
            looked = subprocess.run(look, capture_output=True, timeout=60, check=False)
            dom = looked.stdout.decode()
            assert dom, looked.stderr[-500:]
            rows = re.findall(r'<div class="row [^>]*>', dom)
            if rows:
                break
        assert 5 < len(rows) < 40, "what is in sight is drawn, and no more: %d" % len(rows)
        assert 'class="tag">KILLED<' in dom and "row normal lane-normal killed" in dom, rows[:3]
        assert ">2 versions<" in dom or ">3 versions<" in dom, rows[:3]
        assert re.search(r'id="feeds"><span[^>]*><i></i><b>wire</b>', dom), dom[-3000:]


CASES = [
    lists_filter_and_go_on_from_a_place,
    streams_go_on_where_the_browser_was,
    a_restarted_sink_shows_what_the_tape_has,
    a_stream_that_is_not_read_goes_on_from_the_tape,
    what_the_tape_has_lost_too_a_stream_is_told,
    a_browser_that_comes_back_late_goes_on_from_the_journal,
    killed_at_any_moment_it_leaves_streams_their_places,
    metrics_are_what_prometheus_reads_and_rules_use,
    tricks_are_refused,
    header_floods_end_soon,
    a_head_that_comes_by_the_byte_is_let_go,
    more_connections_than_allowed_wait_outside,
    the_page_draws_the_wire_in_a_browser,
]

if __name__ == "__main__":
    ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.exit(daemons.run_cases(CASES, sinks.read_arguments(__doc__).cases))
