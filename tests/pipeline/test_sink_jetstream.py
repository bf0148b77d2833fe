#!/usr/bin/env python3
"""Sinks of type jetstream, against nats-server itself: what is in the stream, whatever was killed, stopped or full.

    test_sink_jetstream.py SLUGLINE [--rounds N] [--seed N] [CASE ...]

A server is stopped for 3 s, with 50 rounds or more for 30 s.
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import sink_daemon as sinks
import test_daemon as daemons
from nats_server import Client, Server, count, stream_messages
from sink_daemon import Load, SinkDaemon, lines_of, number_of, numbers_in_lines
from test_daemon import BOUND_S, dial, listening, message, until

LONG = "A paragraph that fills what a socket and a queue can hold. " * 40


@contextlib.contextmanager
def bus(more=(), inside=()):
    with tempfile.TemporaryDirectory(prefix="slugline-nats-") as store, Server(store, more, inside) as server:
        server.store = store
        yield server


def sink(server, more="", scheme="nats://"):
    return 'name: bus, type: jetstream, url: "%s127.0.0.1:%d", stream: NEWS, reconnect: 300ms%s' % (scheme, server.port, more)


def is_done(row):
    return row["lag"] + row["waiting"] + row["underWay"] == 0


def numbers(server):
    return [number_of(item["headlines"][0]["value"]) for _, _, item in stream_messages(server.port, "NEWS")]


def until_stored(server, cnt):
    until("%d are stored, of them %s" % (cnt, count(server.port, "NEWS")), lambda: count(server.port, "NEWS") == cnt)


def expect_all_once(server, last):
    until("all %d are stored, got %s" % (last, count(server.port, "NEWS")), lambda: (count(server.port, "NEWS") or 0) >= last)
    found = numbers(server)
    assert sorted(found) == list(range(1, last + 1)), "each once: %d for %d" % (len(found), last)
    return found


def expect_fault(daemon, text):
    return daemon.expect("bus", "says " + text, lambda row: row["lastError"] and text in row["lastError"])


# ---- what is stored ----


def each_bulletin_is_stored_under_its_subject_and_its_id():
    with bus() as server, SinkDaemon([sink(server, ", subject: 'wire.{lane}.{provider}', where: 'urgency != 6'")]) as daemon:
        with dial(daemon.port) as agency:
            agency.sendall(b"".join(message(n, priority=p) for n, p in ((1, 4), (2, 1), (3, 6), (4, 2))))
            until_stored(server, 3)
            found = stream_messages(server.port, "NEWS")
            subjects = {number_of(item["headlines"][0]["value"]): subject for subject, _, item in found}
            assert subjects == {1: "wire.normal.tst", 2: "wire.flash.tst", 4: "wire.urgent.tst"}, subjects
            assert all(item["standard"]["version"] == "3.1" and len(key) == 33 for _, key, item in found), found
            row = daemon.expect("bus", "is done", lambda row: row["sent"] == 3 and row["underWay"] == 0)
            assert (row["type"], row["peers"], row["repeated"], row["lastError"]) == ("jetstream", 1, 0, None), row
        client = Client(server.port)
        config = client.ask("STREAM.INFO.NEWS")["config"]
        client.close()
        assert config["subjects"] == ["wire.*.*"] and config["duplicate_window"] == 3600 * 10**9, config


def two_daemons_on_the_same_wires_store_each_bulletin_once():
    last = 400
    with bus() as server:
        lines = lambda: ", lines: %s" % json.dumps(["tcp-listen://127.0.0.1:%d" % daemons.free_port() for _ in range(2)])
        feeds = ["name: wire, format: iptc7901" + lines() for _ in range(2)]
        ports = [[int(url.rsplit(":", 1)[1]) for url in json.loads(feed.split("lines: ")[1])] for feed in feeds]
        hosts = [SinkDaemon([sink(server)], feeds=[feed]) for feed in feeds]
        with hosts[0], hosts[1]:
            loads = [Load(port, 1, last) for both in ports for port in both]
            hosts[1].wait_for_sink("bus")
            hosts[1].kill_sink("bus")
            for load in loads:
                load.end()
            for host in hosts:
                host.expect("bus", "has handed on all", lambda row: is_done(row) and row["seq"] >= last)
            expect_all_once(server, last)
            assert all(host.sink("bus")["sent"] for host in hosts)


def a_correction_is_another_message_of_its_story():
    with bus() as server, SinkDaemon([sink(server)]) as daemon, dial(daemon.port) as agency:
        agency.sendall(message(1) + message(2) + message(1).replace(b"One line of it", b"Another line"))
        until_stored(server, 3)
        stored = stream_messages(server.port, "NEWS")
        ids = [key for _, key, _ in stored]
        assert len(set(ids)) == 3 and ids[0].split("-")[0] == ids[2].split("-")[0] != ids[1].split("-")[0], ids


# ---- what may happen to it ----


def killed_at_any_moment_sink_or_server_each_is_there_exactly_once():
    dice, last = sinks.throw_dice(), 400 * sinks.ROUNDS
    kills = {"sink": 0, "server": 0}
    with bus() as server, SinkDaemon([sink(server)], tape="64MiB") as daemon:
        load = Load(daemon.port, 1, last)
        for number in range(sinks.ROUNDS):
            mark = dice.randrange(400 * number + 1, 400 * (number + 1))
            until("%d are stored" % mark, lambda mark=mark: (count(server.port, "NEWS") or 0) >= mark)
            time.sleep(dice.random() * 0.01)  # where in a batch it dies is the dice's choice
            who = dice.choice(["sink", "server", "both"])
            if who != "sink":
                kills["server"] += 1
                server.kill()
            if who != "server":
                kills["sink"] += 1
                daemon.kill_sink("bus")
            if who != "sink":
                server.start()
        load.end()
        expect_all_once(server, last)
        row = daemon.expect("bus", "is done", is_done)
        told = kills, last, row["sent"], row["repeated"]
        print("        killed %s; %d messages, each once; last life sent %d, %d of them again" % told)


def stopped(policy, check_row, server_more=(), sink_more="", scheme="nats://"):
    """The server takes nothing for a while; the other sink has all, in order, and the books balance.  What came after."""
    last, stop_s = 3000, 30 if sinks.ROUNDS >= 50 else 3
    other = 'name: other, type: exec, command: "cat >> FOLDER/other"'
    own = sink_more + ", queue: 256KiB, policy: " + policy
    with bus(server_more) as server, SinkDaemon([sink(server, own, scheme), other], tape="64MiB") as daemon:
        with dial(daemon.port) as agency:
            agency.sendall(message(1))
            until_stored(server, 1)
            server.signal(signal.SIGSTOP)
            begun = time.monotonic()
            Load(daemon.port, 2, last, lambda number: message(number, LONG)).end()
            others = lambda: numbers_in_lines(lines_of(daemon.path("other")))
            until("the other has all", lambda: len(others()) >= last)
            assert others() == list(range(1, last + 1))
            row = daemon.expect("bus", "tells of its policy", lambda row: row["lastError"] and check_row(row))
            assert daemon.status()["balanced"]
            try:  # how long it hangs is what is asked: nothing may end meanwhile
                daemon.process.wait(max(0, begun + stop_s - time.monotonic()))
                raise AssertionError("the daemon ended")
            except subprocess.TimeoutExpired:
                pass
            server.signal(signal.SIGCONT)
            daemon.expect("bus", "has caught up", is_done)
            return row, daemon.sink("bus"), numbers(server), last


def block_leaves_a_stopped_servers_share_on_the_tape():
    row, _, found, last = stopped("block", lambda row: row["lag"] > 0)
    assert row["cut"] == row["conflated"] == 0 and sorted(found) == list(range(1, last + 1)), (row, len(found))


def spill_takes_a_stopped_servers_share_to_the_disk():
    row, _, found, last = stopped("spill", lambda row: row["lag"] == 0 and row["waiting"] > 0)
    assert row["cut"] == 0 and sorted(found) == list(range(1, last + 1)), (row, len(found))


def conflate_takes_all_of_different_stories():
    row, _, found, last = stopped("conflate", lambda row: row["lag"] > 0)
    assert row["conflated"] == 0 and sorted(found) == list(range(1, last + 1)), "no story has a newer one"


def cut_lets_a_stopped_server_go_and_says_what_it_cost():
    _, row, found, last = stopped("cut", lambda row: row["cut"] > 0 and row["lag"] == 0)
    assert len(set(found)) == len(found) >= last - row["cut"] > 0 and last - len(found) <= row["cut"], (row, len(found))


def a_deleted_stream_is_made_again_and_gets_all_that_was_not_stored():
    last = 1500
    with bus() as server, SinkDaemon([sink(server)], tape="64MiB") as daemon:
        load = Load(daemon.port, 1, last)
        until("some are stored", lambda: (count(server.port, "NEWS") or 0) >= 200)
        client = Client(server.port)
        assert client.ask("STREAM.DELETE.NEWS")["success"]
        client.close()
        load.end()
        # However fast the load was, something is published when the stream has gone.
        Load(daemon.port, last + 1, last + 200).end()
        last += 200
        daemon.expect("bus", "is done", lambda row: row["seq"] == last and is_done(row))
        found = sorted(numbers(server))
        assert found == list(range(found[0], last + 1)) and 200 < found[0] <= last - 199, "from there on, each once: %s" % found[:3]
        assert sum("made stream NEWS" in line for line in daemon.said.all()) == 2, daemon.said.all()


def where_it_may_not_make_one_it_waits_for_the_operator():
    with bus() as server, SinkDaemon([sink(server, ", create: false")]) as daemon, dial(daemon.port) as agency:
        agency.sendall(message(1) + message(2))
        expect_fault(daemon, "there is no stream NEWS at the server, and create is false")
        client = Client(server.port)
        wanted = {"name": "NEWS", "subjects": ["other.>"], "storage": "file"}
        client.ask("STREAM.CREATE.NEWS", wanted)
        expect_fault(daemon, "stream NEWS takes 'other.>', not 'news.*.*'")
        wanted["subjects"].append("news.>")
        client.ask("STREAM.UPDATE.NEWS", wanted)
        expect_fault(daemon, "knows an id for 120 s only, and outage is 3600 s")
        assert count(server.port, "NEWS") == 0
        wanted["duplicate_window"] = 3600 * 10**9
        client.ask("STREAM.UPDATE.NEWS", wanted)
        client.close()
        expect_all_once(server, 2)


def a_full_disk_is_waited_for_and_nothing_is_lost():
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True, check=False).returncode:
        raise daemons.Skipped("no namespaces for this user here: unshare -Urm")
    last = 2000
    with tempfile.TemporaryDirectory(prefix="slugline-nats-") as store:
        script = 'mount -t tmpfs -o size=6m none "$0" && head -c 3500000 /dev/zero >"$0/ballast" && echo up && exec cat'
        holder = subprocess.Popen(["unshare", "-Urm", "sh", "-c", script, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert holder.stdout.readline() == b"up\n"
            inside = ["nsenter", "-t", str(holder.pid), "-U", "-m", "--preserve-credentials"]
            with open(store + ".conf", "w", encoding="ascii") as f:
                f.write("jetstream: {max_file_store: 1GB}\n")  # the disk is the limit
            with Server(store, ["-c", store + ".conf"], inside) as server, \
                 SinkDaemon([sink(server, ", policy: spill")], tape="64MiB") as daemon:
                Load(daemon.port, 1, last, lambda number: message(number, LONG[:1000])).end()
                row = daemon.expect("bus", "says so", lambda row: row["lastError"] and row["lag"] == 0 and row["waiting"] > 0)
                print("        said: %s" % row["lastError"])
                left = subprocess.run([*inside, "stat", "-f", "-c", "%a", store], capture_output=True, check=True).stdout
                assert int(left) <= 1, "blocks are left: %s" % left
                subprocess.run([*inside, "rm", store + "/ballast"], check=True)
                # Its JetStream is off by now, and stays off: an operator makes room, and starts it again.
                server.kill()
                server.start()
                expect_all_once(server, last)
                daemon.expect("bus", "has caught up", lambda row: row["waiting"] + row["underWay"] == 0)
        finally:
            os.unlink(store + ".conf")
            holder.stdin.close()
            holder.wait(BOUND_S)
            holder.stdout.close()


def what_no_server_takes_is_refused_and_counted():
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
        config.write("max_payload: 4096\n")
        config.flush()
        with bus(["-c", config.name]) as server, SinkDaemon([sink(server)]) as daemon, dial(daemon.port) as agency:
            agency.sendall(message(1) + message(2, LONG * 3) + message(3))
            row = daemon.expect("bus", "refused one", lambda row: row["refused"] == 1 and row["waiting"] + row["underWay"] == 0)
            assert "bulletin 2 of" in row["lastError"] and "max_payload" in row["lastError"], row
            assert numbers(server) == [1, 3]


# ---- who may ----


def wrong_servers_are_named_and_waited_for():
    port = daemons.free_port()
    nowhere = 'name: bus, type: jetstream, url: "nats://127.0.0.1:%d", stream: NEWS, reconnect: 300ms' % port
    with SinkDaemon([nowhere]) as daemon:
        expect_fault(daemon, "o server available")
    with tempfile.TemporaryDirectory() as folder:
        plain = subprocess.Popen(["nats-server", "-a", "127.0.0.1", "-p", str(port)], cwd=folder, stderr=subprocess.DEVNULL)
        try:
            with SinkDaemon([nowhere]) as daemon:
                expect_fault(daemon, "the server has no JetStream for this user")
        finally:
            plain.kill()
            plain.wait(BOUND_S)


def the_url_may_bring_a_password_and_it_is_never_said():
    with bus(["--user", "desk", "--pass", "s3cret"]) as server:
        with SinkDaemon([sink(server)]) as daemon:
            expect_fault(daemon, "uthorization")
        with SinkDaemon([sink(server, scheme="nats://desk:s3cret@")]) as daemon, dial(daemon.port) as agency:
            agency.sendall(message(1))
            daemon.expect("bus", "handed it on", lambda row: row["sent"] == 1 and row["underWay"] == 0 and not row["lastError"])
            server.signal(signal.SIGTERM)
            daemon.expect("bus", "lost its server", lambda row: row["lastError"])
            assert not any("s3cret" in line for line in daemon.said.all()), daemon.said.all()


def make_certificates(folder):
    run = lambda *words: subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2")
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "other.key", "-out", "other.pem", "-subj", "/CN=other", "-days", "2")
    with open(os.path.join(folder, "names"), "w", encoding="ascii") as f:
        f.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for who in ("server", "client"):
        run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", who + ".key", "-out", who + ".csr", "-subj", "/CN=localhost")
        run("x509", "-req", "-in", who + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", who + ".pem",
            "-days", "2", "-extfile", "names")


def a_stopped_server_holds_up_nobody_by_tls_either():
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        tls = ["--tls", "--tlscert", folder + "/server.pem", "--tlskey", folder + "/server.key"]
        # Large ones under way at once: more than the socket takes.
        own = ", authority: %s/ca.pem" % folder
        row, _, found, last = stopped("spill", lambda row: row["lag"] == 0 and row["waiting"] > 0, tls, own, "tls://")
        assert row["cut"] == 0 and sorted(found) == list(range(1, last + 1)), (row, len(found))


def by_tls_both_sides_show_who_they_are():
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(folder)
        tls = ["--tlsverify", "--tlscert", folder + "/server.pem", "--tlskey", folder + "/server.key", "--tlscacert", folder + "/ca.pem"]
        own = ", certificate: %s/client.pem, key: %s/client.key" % (folder, folder)
        with bus(tls) as server:
            with SinkDaemon([sink(server, own + ", authority: %s/ca.pem" % folder, "tls://")]) as daemon, dial(daemon.port) as agency:
                agency.sendall(message(1))
                daemon.expect("bus", "handed it on", lambda row: row["sent"] == 1 and row["underWay"] == 0)
            for wrong in (own + ", authority: %s/other.pem" % folder, ", authority: %s/ca.pem" % folder):
                with SinkDaemon([sink(server, wrong, "tls://")]) as daemon:
                    row = daemon.expect("bus", "was refused", lambda row: row["lastError"])
                    assert row["peers"] == 0, row
            with SinkDaemon([sink(server, ", authority: %s/none.pem" % folder, "tls://")]) as daemon:
                until("a missing file is named", lambda: any("authority %s/none.pem" % folder in line for line in daemon.said.all()))


def what_it_cannot_be_is_said_before_it_starts():
    cases = (
        ("url: http://h", "server 1 of it is no URL"),
        ('url: "nats://a:1,b:2"', "server 2 of it is no URL"),
        ("url: nats://h:1, stream: a.b", "'a.b' is no name of a stream"),
        ("url: nats://h:1, stream: S, subject: 'a..b'", "has an empty token"),
        ("url: nats://h:1, stream: S, subject: '$JS.{lane}'", "'$' cannot be part of a subject"),
        ("url: nats://h:1, stream: S, subject: 'a.{lan}'", "did you mean lan"),
        ("stream: S", "type jetstream needs one, such as nats://127.0.0.1:4222"),
        ("url: nats://h:1, stream: S, certificate: /c", "certificate and key belong together"),
    )
    for text, wanted in cases:
        config = 'feeds: [{%s}]\nsinks: [{name: bus, type: jetstream, %s}]\n' % (listening(1), text)
        ask = [daemons.SLUGLINE, "check", "-c", "-"]
        said = subprocess.run(ask, input=config.encode(), capture_output=True, timeout=BOUND_S, check=False)
        assert said.returncode == 1 and wanted in said.stderr.decode(), (text, said)


CASES = [
    each_bulletin_is_stored_under_its_subject_and_its_id,
    two_daemons_on_the_same_wires_store_each_bulletin_once,
    a_correction_is_another_message_of_its_story,
    killed_at_any_moment_sink_or_server_each_is_there_exactly_once,
    block_leaves_a_stopped_servers_share_on_the_tape,
    spill_takes_a_stopped_servers_share_to_the_disk,
    conflate_takes_all_of_different_stories,
    cut_lets_a_stopped_server_go_and_says_what_it_cost,
    a_deleted_stream_is_made_again_and_gets_all_that_was_not_stored,
    where_it_may_not_make_one_it_waits_for_the_operator,
    a_full_disk_is_waited_for_and_nothing_is_lost,
    what_no_server_takes_is_refused_and_counted,
    wrong_servers_are_named_and_waited_for,
    the_url_may_bring_a_password_and_it_is_never_said,
    by_tls_both_sides_show_who_they_are,
    a_stopped_server_holds_up_nobody_by_tls_either,
    what_it_cannot_be_is_said_before_it_starts,
]


if __name__ == "__main__":
    if not shutil.which("nats-server"):
        print("SKIPPED: nats-server is not installed")
        sys.exit(77)
    sys.exit(daemons.run_cases(CASES, sinks.read_arguments(__doc__).cases))
