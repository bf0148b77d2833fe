#!/usr/bin/env python3
"""The Python binding: its numbers against the headers, what it gives against slugline tail, and its views.

    test_python.py SLUGLINE LIBSLUGLINE SOURCE [CASE ...]

Python 3.11, standard library only.
"""
import asyncio
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from datetime import timedelta

if sys.version_info < (3, 11):
    print("SKIPPED: the Python binding needs Python 3.11, this is %d.%d" % sys.version_info[:2])
    sys.exit(77)
LIBRARY, SOURCE = sys.argv[2:4]
os.environ["SLUGLINE_LIBRARY"] = LIBRARY
sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(SOURCE, "deploy", "python")]
import slugline  # noqa: E402
import test_daemon  # noqa: E402
import test_journal  # noqa: E402
from slugline import enums, events, library  # noqa: E402
from test_daemon import BOUND_S, message, until, wire  # noqa: E402

# ---- the headers ----

HEADERS = ["parsers/bulletin.h", "parsers/bulletin_json.h", "parsers/parse.h"]
HEADERS += ["pipeline/client.h", "pipeline/filter.h", "pipeline/record.h"]
TYPES = {"size_t": ctypes.c_size_t, "int": ctypes.c_int, "char": ctypes.c_char}
TYPES |= {"%sint%d_t" % (u, bits): getattr(ctypes, "c_%sint%d" % (u, bits)) for u in ("", "u") for bits in (8, 16, 32, 64)}


def headers():
    text = ""
    for name in HEADERS:
        with open(os.path.join(SOURCE, name), encoding="utf-8") as f:
            text += re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    return text


def number(expression, known):
    assert re.fullmatch(r"[\w\s()<+\-]+", expression), expression
    return eval(re.sub(r"\b(\d+)u\b", r"\1", expression), {}, dict(known))  # the checked text of our own header


def enum_of(name, text):
    members, value = {}, -1
    for entry in re.search(r"enum %s \{(.*?)\}" % name, text, re.S)[1].split(","):
        left, _, right = entry.partition("=")
        if left.strip():
            value = number(right.strip(), members) if right else value + 1
            members[left.strip()] = value
    return members


ENUMS = {
    enums.Kind: ("sl_kind", "SL_KIND_"),
    enums.Signal: ("sl_signal", "SL_SIGNAL_"),
    enums.PubStatus: ("sl_pubstatus", "SL_PUB_"),
    enums.BulletinFlag: ("sl_bulletin_flag", "SL_BULLETIN_"),
    enums.Text: ("sl_text", "SL_TEXT_"),
    enums.List: ("sl_list", "SL_LIST_"),
    enums.RecordKind: ("sl_record_kind", "SL_RECORD_"),
    enums.Verdict: ("sl_verdict", "SL_VERDICT_"),
    enums.RecordFlag: ("sl_record_flag", "SL_RECORD_"),
    enums.WireSource: ("sl_wire_source", "SL_WIRE_"),
    enums.Lane: ("sl_lane", "SL_LANE_"),
    enums.ReaderFrom: ("sl_reader_from", "SL_FROM_"),
    enums.EventType: ("sl_event_type", "SL_EVENT_"),
}


def every_enum_is_that_of_the_headers():
    text = headers()
    for enum, (name, prefix) in ENUMS.items():
        said = {member.removeprefix(prefix): value for member, value in enum_of(name, text).items()}
        said = {member: value for member, value in said.items() if member not in ("CNT", "FLAGS_ALL")}
        assert said == {member.name: member.value for member in enum}, (name, said)
    assert {e for e in vars(enums).values() if isinstance(e, type) and e.__module__ == enums.__name__} == set(ENUMS)


def struct_of(name, text, constants, made):
    """The struct as ctypes would lay it out from the header's own words."""
    fields = []
    for declaration in re.search(r"struct %s \{(.*?)\n?\s*\}" % name, text, re.S)[1].split(";"):
        found = re.fullmatch(r"\s*(?:const )?(?:(struct|enum) )?(\w+) (.*)", declaration, re.S)
        if not found:
            assert not declaration.strip(), declaration
            continue
        tag, type_, names = found.groups()
        for one in names.split(","):
            member, _, count = one.strip().lstrip("*").partition("[")
            is_pointer = one.strip().startswith("*")
            base = ctypes.c_void_p if is_pointer else ctypes.c_int if tag == "enum" else made[type_] if tag else TYPES[type_]
            fields.append((member, base * number(count.rstrip("]"), constants) if count else base))
    return type(name, (ctypes.Structure,), {"_fields_": fields})


def every_struct_is_that_of_the_headers_and_of_the_library():
    text = headers()
    constants = enum_of("sl_text", text) | enum_of("sl_list", text) | {"SL_ITEM_PARTS": library.ITEM_PARTS}
    assert "#define SL_ITEM_PARTS %du" % library.ITEM_PARTS in text
    made, layout = {}, {}
    for name in library.STRUCTS:
        made[name] = struct_of(name, text, constants, made)
        layout[name] = ctypes.sizeof(made[name])
        layout |= {"%s.%s" % (name, field): getattr(made[name], field).offset for field, _ in made[name]._fields_}
        for (field, type_), (_, ours) in zip(made[name]._fields_, library.STRUCTS[name]._fields_, strict=True):
            if issubclass(type_, ctypes._SimpleCData) and type_ not in (ctypes.c_void_p,):
                assert type_ is ours, (name, field, type_, ours)  # signs too
    assert layout == library.layout_here()
    assert layout == library.layout_of(library.LIBRARY)


def a_bulletin_has_every_text_and_list_and_no_other():
    fields = {field for field in slugline.Bulletin.__dataclass_fields__}
    assert {member.name.lower() for enum in (enums.Text, enums.List) for member in enum} <= fields
    assert set(events.ITEMS) == set(enums.List)


def imported(**environment):
    code = "import sys; sys.path.insert(0, %r); import slugline" % os.path.join(SOURCE, "deploy", "python")
    environment = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=BOUND_S)


def another_library_is_refused_at_import():
    assert imported().returncode == 0
    for path, why in (("/nowhere/libslugline.so", "SLUGLINE_LIBRARY"), ("libc.so.6", "no sl_reader_open")):
        got = imported(SLUGLINE_LIBRARY=path)
        assert got.returncode == 1 and "ImportError" in got.stderr and why in got.stderr, got.stderr
    here = library.layout_here()
    for other in (here | {"sl_event.seq": 24}, here | {"sl_event.more": 8}, {n: v for n, v in here.items() if n != "sl_event.seq"}):
        expect(ImportError, lambda: library.check_layout(other, here))


# ---- reading ----


def expect(kind, call):
    try:
        call()
    except kind as err:
        return err
    raise AssertionError("no %s" % kind.__name__)


def join(daemon, **options):
    """The walk says that it is up a little before its socket answers."""
    reader = []

    def joined():
        try:
            reader.append(slugline.Reader(daemon.socket, **options))
        except (ConnectionRefusedError, FileNotFoundError, BlockingIOError):
            return False
        return True

    until("a reader can join", joined)
    return reader[0]


def take(reader, kind=slugline.Bulletin):
    event = reader.next(BOUND_S)
    assert isinstance(event, kind), event
    return event


def send(agency, numbers, **how):
    for n in numbers:
        agency.sendall(message(n, **how))


def bulletins_say_what_tail_says():
    with wire() as (daemon, agency, _), join(daemon, start="oldest") as reader:
        tail = daemon.tail("--from", "oldest")
        send(agency, [1, 2], text="Zürich.", priority=2)
        first, second = take(reader), take(reader)
        until("tail has both", lambda: len(tail.out.all()) == 2)
        for event, line in zip((first, second), tail.out.all(), strict=True):
            said, theirs = json.loads(event.json()), json.loads(line)
            assert said["wire"]["receipt"].pop("read") and theirs["wire"]["receipt"].pop("read")  # each its own
            assert said == theirs
            assert said["headlines"][0]["value"] == event.headline == "Headline number %d" % event.seq
            assert said["wire"]["seq"] == event.seq and said["wire"]["feed"] == event.feed == "wire"
            assert said["urgency"] == event.urgency == 2 and event.lane == slugline.Lane.URGENT
        assert first.kind == slugline.Kind.NEWS and first.verdict == slugline.Verdict.PASSED
        assert first.version_hash != second.version_hash and first.content_hash != second.content_hash
        assert first.stamps.published_ns <= second.stamps.published_ns <= second.stamps.read_ns
        assert timedelta(0) <= second.published - first.published < timedelta(seconds=BOUND_S)
        assert reader.next(0) is None and reader.next(0.001) is None
        expect(AttributeError, lambda: setattr(first, "headline", "no"))
    assert json.loads(first.json())["wire"]["seq"] == 1  # a copy, after close


def lists_are_tuples_of_their_items():
    story = {"uri": "tag:example.org,2026:1", "type": "text", "headline": "Kö", "language": "de"}
    story |= {"versioncreated": "2026-11-25T10:00:00+01:00", "body_text": "Ein Satz."}
    story |= {"subject": [{"code": "04000000", "name": "economy", "scheme": "medtop"}], "keywords": ["a", "b"]}
    port = test_daemon.free_port()
    with test_daemon.Daemon(['name: n, format: ninjs, framing: line, lines: ["tcp-listen://127.0.0.1:%d"]' % port]) as daemon:
        with test_daemon.dial(port) as agency, join(daemon, start="oldest") as reader:
            agency.sendall(json.dumps(story).encode() + b"\n")
            event = take(reader)
            assert event.headline == "Kö" and event.body == "Ein Satz." and event.language == "de"
            assert [(s.code, s.name) for s in event.subjects] == [("04000000", "economy")]
            assert all(isinstance(s, slugline.Coded) for s in event.subjects)
            assert event.version_created.isoformat() == "2026-11-25T09:00:00+00:00" and event.embargoed_until is None
            assert slugline.to_ns(event.version_created) == event.version_created_ns


def a_reader_begins_where_it_is_told():
    with wire() as (daemon, agency, _), join(daemon, start="oldest") as reader:
        send(agency, [1, 2, 3])
        got = [take(reader) for _ in range(3)]
        places = {2: {"seq": 2}, 3: {"time": got[2].stamps.published_ns}, 1: {"seq": 1, "epoch": got[0].epoch}}
        for seq, where in places.items():
            with join(daemon, **where) as other:
                assert take(other).seq == seq, where
        with join(daemon, time=slugline.to_datetime(got[0].stamps.published_ns)) as other:
            assert take(other).seq == 1
        with join(daemon, seq=1, epoch=got[0].epoch + 1) as other:
            take(other, slugline.Epoch)
            assert take(other).seq == 1
        for wrong in ({"start": "then"}, {"seq": 1, "time": 2}, {"epoch": 3}, {"time": got[0].published.replace(tzinfo=None)}):
            expect(ValueError, lambda: slugline.Reader(daemon.socket, **wrong))
        expect(FileNotFoundError, lambda: slugline.Reader(daemon.socket + ".not"))


def a_filter_gives_what_fits_and_a_mistake_has_its_place():
    with wire() as (daemon, agency, _):
        with join(daemon, start="oldest", where='headline ~ "*number 2" or urgency == 1') as reader:
            send(agency, [1, 2, 3])
            send(agency, [4], priority=1)
            assert sorted(take(reader).headline[-1] for _ in range(2)) == ["2", "4"]
            assert reader.next(0) is None
        err = expect(slugline.FilterError, lambda: slugline.Reader(daemon.socket, where='feed == "é" and urgenzy < 2'))
        assert err.expression[err.position :].startswith("urgenzy") and "urgency" in err.text, err
        assert expect(slugline.FilterError, lambda: slugline.Reader(daemon.socket, where="seq\0")).position == 3


def raw_done_and_notices():
    with wire() as (daemon, agency, _):
        with join(daemon, start="oldest", raw=True, gating=True, notices=True) as reader:
            send(agency, [1])
            event = reader.next(BOUND_S)
            while not isinstance(event, slugline.Bulletin):
                assert isinstance(event, slugline.Notice) and event.kind == slugline.RecordKind.EPOCH, event
                event = reader.next(BOUND_S)
            assert reader.raw(event.raw_seq).strip(b"\x7f\n\x04") in message(1) and b"Headline number 1" in reader.raw(event.raw_seq)
            expect(FileNotFoundError, lambda: reader.raw(event.raw_seq + 100))
            reader.done(event.seq)
            expect(OSError, lambda: reader.done(event.seq + 100))
            agency.sendall(b"\x01tst0009 4 i 12\r\n\x02no end" + message(10))
            reject = take(reader, slugline.Notice)
            assert reject.kind == slugline.RecordKind.REJECT and reject.text and reject.reason != "?", reject
            assert json.loads(reject.json())["wire"]["kind"] == "reject"
        with join(daemon) as plain:
            expect(OSError, lambda: plain.done(0))
            expect(OSError, lambda: plain.raw(1))


def what_was_overwritten_is_missed():
    with wire(tape="1MiB", more=", message: 16KiB") as (daemon, agency, _), join(daemon, start="oldest") as reader:
        with join(daemon, where='headline ~ "*number 400"') as last:
            send(agency, range(1, 401), text="x" * 8000)
            while not isinstance(event := last.next(BOUND_S), slugline.Bulletin):
                assert isinstance(event, slugline.Missed), event  # slower than the tape: gone on with
        gap = take(reader, slugline.Missed)
        assert gap.first == 1 and gap.last == gap.seq < 400 and json.loads(gap.json())["wire"]["last"] == gap.last
        assert [take(reader).seq for _ in range(gap.last, 400)] == list(range(gap.last + 1, 401))


# ---- views ----


def a_view_is_the_record_and_ends_with_its_block():
    with wire() as (daemon, agency, _), join(daemon, start="oldest") as reader:
        send(agency, [1])
        event = take(reader)
        with event.view() as view:
            headline, record = view.text(slugline.Text.HEADLINE), view.record
            assert bytes(headline).decode() == event.headline and record.readonly and headline.readonly
            assert bytes(record) == event.copy.record
            assert library.LIBRARY.sl_reader_version().decode() == slugline.__version__
        for use in (lambda: bytes(headline), lambda: record[0]):
            expect(ValueError, use)
        expect(slugline.ViewError, lambda: view.record)
        expect(slugline.ViewError, lambda: view.text(slugline.Text.BODY))


def a_view_that_was_overrun_raises():
    with wire() as (daemon, agency, _), join(daemon, start="oldest") as reader:
        send(agency, [1, 2])
        old = take(reader)

        def overrun():
            with old.view() as view:
                record = view.record
                assert take(reader).seq == 2
                expect(ValueError, lambda: record[0])
                expect(slugline.ViewError, lambda: view.record)

        expect(slugline.ViewError, overrun)
        expect(slugline.ViewError, lambda: old.view().__enter__())
        assert old.headline == "Headline number 1"  # the copy stays


def a_reader_does_not_go_on_under_a_slice_of_a_view():
    with wire() as (daemon, agency, _), join(daemon, start="oldest") as reader:
        send(agency, [1, 2])
        with take(reader).view() as view:
            piece = view.record[:4]
        for call in (reader.next, reader.close, reader.arm):
            expect(BufferError, call)
        assert int.from_bytes(piece, "little") > len(enums.Text) * 8  # the record's own length still
        del piece
        assert take(reader).seq == 2
    expect(ValueError, lambda: reader.next(0))


def a_record_in_place_is_whole_or_the_block_raises():
    with wire(tape="1MiB", more=", message: 16KiB") as (daemon, agency, _), join(daemon, start="oldest") as reader:
        send(agency, [1, 2])
        with reader.peek(BOUND_S) as view:
            assert view.seq == 1 and bytes(view.text(slugline.Text.HEADLINE)) == b"Headline number 1"
        assert reader.place == view.place and view.place.seq == 1
        with join(daemon) as last:

            def overrun():
                with reader.peek(BOUND_S) as view:
                    assert view.seq == 2
                    send(agency, range(3, 401), text="x" * 8000)
                    while not isinstance(event := last.next(BOUND_S), slugline.Bulletin) or event.seq < 400:
                        pass
                    raise KeyError("of what was read")

            err = expect(slugline.OverrunError, overrun)
            assert isinstance(err.__cause__, KeyError)
        with reader.peek(BOUND_S) as event:
            assert isinstance(event, slugline.Missed) and event.first == 2, event
        with reader.peek(BOUND_S) as view:
            assert view.seq == event.last + 1


def a_place_is_gone_on_from_through_a_restart():
    port = test_daemon.free_port()
    feeds = ['name: wire, format: iptc7901, lines: ["tcp-listen://127.0.0.1:%d"]' % port]
    place, got = (0, 0), []
    with tempfile.TemporaryDirectory(prefix="slugline-python-") as folder:
        for first, last in ((1, 5), (11, 20)):  # the first reads half of what there is
            with test_journal.Journaled(feeds, folder) as daemon, test_daemon.dial(port) as agency:
                send(agency, range(first, first + 10))
                with join(daemon, place=place) as reader:
                    while "Headline number %d" % last not in got:
                        event = reader.next(BOUND_S)
                        got.append(event.headline if isinstance(event, slugline.Bulletin) else type(event))
                    place = event.place
                    assert reader.place == place
                assert daemon.stop() == 0
    headlines = ["Headline number %d" % number for number in range(1, 21)]
    assert got == headlines[:10] + [slugline.Epoch] + headlines[10:], got


# ---- loops, threads, signals, restarts ----


def asyncio_follows_by_the_descriptor():
    async def follow(reader, agency):
        loop, ready, seqs = asyncio.get_running_loop(), asyncio.Event(), []
        loop.add_reader(reader.fileno(), ready.set)
        send(agency, [1])
        while len(seqs) < 3:
            ready.clear()
            while event := reader.next(0):
                seqs.append(event.seq)
                if len(seqs) < 3:
                    send(agency, [len(seqs) + 1])
            if len(seqs) < 3 and not reader.arm():
                await asyncio.wait_for(ready.wait(), BOUND_S)
        loop.remove_reader(reader.fileno())
        return seqs

    with wire() as (daemon, agency, _), join(daemon, start="oldest") as reader:
        assert asyncio.run(follow(reader, agency)) == [1, 2, 3]


def a_second_thread_is_refused_and_a_signal_comes_through():
    with wire() as (daemon, agency, _), join(daemon) as reader:
        thread = threading.Thread(target=reader.next)
        thread.start()
        until("the other is in next", reader._busy.locked)
        expect(RuntimeError, lambda: reader.next(0))
        send(agency, [1])
        thread.join(BOUND_S)
        assert not thread.is_alive()

        def alarm(*_):
            raise InterruptedError("the alarm")

        before = signal.signal(signal.SIGALRM, alarm)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        try:
            assert str(expect(InterruptedError, reader.next)) == "the alarm"
        finally:
            signal.signal(signal.SIGALRM, before)


def a_killed_daemon_is_a_broken_pipe_and_iteration_goes_on():
    with wire() as (daemon, agency, port), join(daemon, start="oldest") as reader:
        send(agency, [1])
        first = take(reader)
        os.kill(daemon.walk_pids()[-1], signal.SIGKILL)
        expect(BrokenPipeError, lambda: reader.next(BOUND_S))
        until("another walk", lambda: len(daemon.walk_pids()) == 2)
        with test_daemon.dial(port) as again:
            again.sendall(message(2))
            other, second = (event for _, event in zip(range(2), reader))
            assert isinstance(other, slugline.Epoch) and other.epoch == second.epoch != first.epoch
            assert second.headline == "Headline number 2"


CASES = [
    every_enum_is_that_of_the_headers,
    every_struct_is_that_of_the_headers_and_of_the_library,
    a_bulletin_has_every_text_and_list_and_no_other,
    another_library_is_refused_at_import,
    bulletins_say_what_tail_says,
    lists_are_tuples_of_their_items,
    a_reader_begins_where_it_is_told,
    a_filter_gives_what_fits_and_a_mistake_has_its_place,
    raw_done_and_notices,
    what_was_overwritten_is_missed,
    a_view_is_the_record_and_ends_with_its_block,
    a_view_that_was_overrun_raises,
    a_reader_does_not_go_on_under_a_slice_of_a_view,
    a_record_in_place_is_whole_or_the_block_raises,
    a_place_is_gone_on_from_through_a_restart,
    asyncio_follows_by_the_descriptor,
    a_second_thread_is_refused_and_a_signal_comes_through,
    a_killed_daemon_is_a_broken_pipe_and_iteration_goes_on,
]

if __name__ == "__main__":
    test_daemon.SLUGLINE = sys.argv[1]
    sys.exit(test_daemon.run_cases(CASES, sys.argv[4:]))
