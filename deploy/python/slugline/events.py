"""What Reader.next gives: frozen, and copies, good for as long as one likes."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from . import library
from .enums import BulletinFlag, EventType, Kind, Lane, List, PubStatus, RecordFlag, RecordKind, Signal, Text, Verdict, WireSource
from .library import LIBRARY, NUMBER_NONE, TIME_NONE

if TYPE_CHECKING:
    from .reader import View

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
JSON_SPARE = 4096  # a first guess beyond the record's own length; the library says when it needs more


def to_datetime(ns: int) -> datetime:
    """A time of an event, in UTC; datetime ends at microseconds, so the rest is cut off."""
    return UNIX_EPOCH + timedelta(microseconds=ns // 1000)


def to_ns(time: datetime) -> int:
    if time.tzinfo is None:
        raise ValueError("a time without a zone could be any of many: %s" % time)
    return (time - UNIX_EPOCH) // timedelta(microseconds=1) * 1000


def _optional_datetime(ns: int | None) -> datetime | None:
    return None if ns is None else to_datetime(ns)


class Coded(NamedTuple):
    """A genre, a subject or a person."""

    scheme: str
    code: str
    name: str


class Symbol(NamedTuple):
    exchange: str
    type: str
    symbol: str


class Organisation(NamedTuple):
    scheme: str
    code: str
    name: str
    symbol: str


class Place(NamedTuple):
    scheme: str
    code: str
    name: str
    geometry: str  # GeoJSON


class Association(NamedTuple):
    rel: str
    id: str
    href: str
    media_type: str


class AltId(NamedTuple):
    role: str
    id: str


class Translation(NamedTuple):
    """A headline or a body beside the main one."""

    language: str
    role: str
    text: str


class Reference(NamedTuple):
    action: str  # what is done to it: kill, correct, replace ...
    id: str


# What the parts of each list's items are; str: items of one part.
ITEMS: dict[List, Callable[..., Any]] = {
    List.CATEGORIES: str,
    List.KEYWORDS: str,
    List.GENRES: Coded,
    List.SUBJECTS: Coded,
    List.SYMBOLS: Symbol,
    List.PEOPLE: Coded,
    List.ORGANISATIONS: Organisation,
    List.PLACES: Place,
    List.ASSOCIATIONS: Association,
    List.ALT_IDS: AltId,
    List.HEADLINES: Translation,
    List.BODIES: Translation,
    List.REFERENCES: Reference,
    List.NOTES: str,
}


@dataclass(frozen=True, slots=True)
class Stamps:
    """When it was on the wire, received, begun, complete, decoded, published and read: ns since 1970 UTC, 0 not known."""

    wire_ns: int
    rx_ns: int
    first_ns: int
    framed_ns: int
    decoded_ns: int
    published_ns: int
    read_ns: int


@dataclass(frozen=True, slots=True)
class Copy:
    """A C event with all that it points to, so that the library can be asked about it later."""

    event: bytes
    feed: bytes
    record: bytes  # of a bulletin
    text: bytes  # of a notice
    view: Callable[[], View]

    @classmethod
    def of(cls, event: library.Event, view: Callable[[], View]) -> Copy:
        return cls(
            event=bytes(event),
            feed=ctypes.string_at(event.feed) if event.feed else b"",
            record=ctypes.string_at(event.bulletin, event.bulletin_len) if event.bulletin else b"",
            text=ctypes.string_at(event.notice_text.data, event.notice_text.len) if event.notice_text.len else b"",
            view=view,
        )

    def json(self) -> str:
        event = library.Event.from_buffer_copy(self.event)
        feed = ctypes.create_string_buffer(self.feed)
        text = ctypes.create_string_buffer(self.text)
        # Of 64-bit words, since the library wants a record aligned.
        record = (ctypes.c_uint64 * (len(self.record) // 8 + 1))()
        ctypes.memmove(record, self.record, len(self.record))
        event.feed = ctypes.addressof(feed)
        event.notice_text.data = ctypes.addressof(text)
        event.bulletin = ctypes.addressof(record) if self.record else None
        cap = len(self.record) + JSON_SPARE
        while True:
            line = ctypes.create_string_buffer(cap)
            size = LIBRARY.sl_event_json(line, cap, ctypes.byref(event))
            if size <= cap:
                return ctypes.string_at(line, size).decode()
            cap = size


class TapePlace(NamedTuple):
    """To be kept, to go on behind it later: Reader(place=...).  Zeros are before everything."""

    epoch: int
    seq: int

    @classmethod
    def of(cls, event: library.Event) -> TapePlace:
        return cls(event.place.epoch, event.place.seq)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has: its number on the tape, and the place to keep once it and those before it are done with."""

    epoch: int
    seq: int
    place: TapePlace
    copy: Copy = field(repr=False, compare=False)

    def json(self) -> str:
        """One line, as slugline tail --json prints it."""
        return self.copy.json()


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed(Event):
    """first to last are neither on the tape nor in a journal that we may read."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch(Event):
    """Another start of the daemon; of the one before, first to last are lost (0: none).  Without a journal seq counts anew."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evicted(Event):
    """Gating, and too slow: holds nothing back until it has caught up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Event):
    """What bulletins and notices have in common."""

    feed: str
    line: int
    lane: Lane
    verdict: Verdict
    wire_source: WireSource
    record_flags: RecordFlag
    arrival: int
    part: int
    raw_seq: int
    stamps: Stamps

    @property
    def published(self) -> datetime:
        return to_datetime(self.stamps.published_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Record):
    """The desk says something itself."""

    kind: RecordKind
    first: int
    count: int
    until_ns: int | None  # of a HELD: None until it is released
    code: int
    reason: str  # code as a word
    offset: int
    text: str

    @property
    def until(self) -> datetime | None:
        return _optional_datetime(self.until_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulletin(Record):
    """What an agency said.  A text that the message does not have is "", a time or number None."""

    kind: Kind
    urgency: int  # 1 highest to 9; 0 not given
    pubstatus: PubStatus
    signal: Signal
    flags: BulletinFlag
    format: int
    story_hash: int
    version_hash: int
    content_hash: int
    word_cnt: int
    take_no: int
    number: int | None
    version_created_ns: int | None
    first_created_ns: int | None
    embargoed_until_ns: int | None
    expires_ns: int | None
    # enum Text
    id: str
    provider: str
    service: str
    version: str
    priority_raw: str
    language: str
    slugline: str
    headline: str
    byline: str
    dateline: str
    dateline_place: str
    located: str
    credit: str
    copyright: str
    usage_terms: str
    ednote: str
    take: str
    evolved_from: str
    body: str
    body_html: str
    source_charset: str
    source_number: str
    # enum List
    categories: tuple[str, ...]
    keywords: tuple[str, ...]
    genres: tuple[Coded, ...]
    subjects: tuple[Coded, ...]
    symbols: tuple[Symbol, ...]
    people: tuple[Coded, ...]
    organisations: tuple[Organisation, ...]
    places: tuple[Place, ...]
    associations: tuple[Association, ...]
    alt_ids: tuple[AltId, ...]
    headlines: tuple[Translation, ...]
    bodies: tuple[Translation, ...]
    references: tuple[Reference, ...]
    notes: tuple[str, ...]

    @property
    def version_created(self) -> datetime | None:
        return _optional_datetime(self.version_created_ns)

    @property
    def first_created(self) -> datetime | None:
        return _optional_datetime(self.first_created_ns)

    @property
    def embargoed_until(self) -> datetime | None:
        return _optional_datetime(self.embargoed_until_ns)

    @property
    def expires(self) -> datetime | None:
        return _optional_datetime(self.expires_ns)

    def view(self) -> View:
        """The record where the library has it, without a copy: only inside with, until the next call on the reader."""
        return self.copy.view()


def _time(ns: int) -> int | None:
    return None if ns == TIME_NONE else ns


def _text(record: bytes, ref: library.Ref) -> str:
    return record[ref.off : ref.off + ref.len].decode()


def _items(record: bytes, root: library.Bulletin, which: List) -> tuple[Any, ...]:
    make = ITEMS[which]
    part_cnt = len(getattr(make, "_fields", ("one",)))
    size, start = ctypes.sizeof(library.Item), root.list[which].off
    items = (library.Item.from_buffer_copy(record, start + size * i) for i in range(root.list[which].cnt))
    return tuple(make(*(_text(record, item.part[i]) for i in range(part_cnt))) for item in items)


def _common(event: library.Event, copy: Copy) -> dict[str, Any]:
    return {
        "epoch": event.epoch,
        "seq": event.seq,
        "place": TapePlace.of(event),
        "copy": copy,
        "feed": copy.feed.decode(errors="replace"),
        "line": event.line,
        "lane": Lane(event.lane),
        "verdict": Verdict(event.verdict),
        "wire_source": WireSource(event.wire_source),
        "record_flags": RecordFlag(event.flags),
        "arrival": event.arrival,
        "part": event.part,
        "raw_seq": event.raw_seq,
        "stamps": Stamps(*(getattr(event.stamps, name) for name, _ in library.EventStamps._fields_)),
    }


def _bulletin(event: library.Event, copy: Copy) -> Bulletin:
    root = library.Bulletin.from_buffer_copy(copy.record)
    texts = {text.name.lower(): _text(copy.record, root.text[text]) for text in Text}
    lists = {which.name.lower(): _items(copy.record, root, which) for which in List}
    return Bulletin(
        **_common(event, copy),
        **texts,
        **lists,
        kind=Kind(root.kind),
        urgency=root.urgency,
        pubstatus=PubStatus(root.pubstatus),
        signal=Signal(root.signal),
        flags=BulletinFlag(root.flags),
        format=root.format,
        story_hash=root.story_hash,
        version_hash=root.version_hash,
        content_hash=root.content_hash[0] | root.content_hash[1] << 64,
        word_cnt=root.word_cnt,
        take_no=root.take_no,
        number=None if root.number == NUMBER_NONE else root.number,
        version_created_ns=_time(root.version_created),
        first_created_ns=_time(root.first_created),
        embargoed_until_ns=_time(root.embargoed_until),
        expires_ns=_time(root.expires),
    )


def _notice(event: library.Event, copy: Copy) -> Notice:
    return Notice(
        **_common(event, copy),
        kind=RecordKind(event.kind),
        first=event.notice_first,
        count=event.notice_cnt,
        until_ns=_time(event.notice_until_ns) or None,
        code=event.notice_code,
        reason=LIBRARY.sl_parse_code_name(event.notice_code).decode(),
        offset=event.notice_off,
        text=copy.text.decode(),
    )


def of(event: library.Event, view: Callable[[], View]) -> Event | None:
    """None: the timeout passed."""
    type_ = EventType(event.type)
    if type_ == EventType.NONE:
        return None
    copy = Copy.of(event, view)
    if type_ == EventType.BULLETIN:
        return _bulletin(event, copy)
    if type_ == EventType.NOTICE:
        return _notice(event, copy)
    common: dict[str, Any] = {"epoch": event.epoch, "seq": event.seq, "place": TapePlace.of(event), "copy": copy}
    if type_ == EventType.EVICTED:
        return Evicted(**common)
    make = Missed if type_ == EventType.MISSED else Epoch
    return make(**common, first=event.missed_first, last=event.missed_last)
