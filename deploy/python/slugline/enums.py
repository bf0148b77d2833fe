"""The numbers of the installed headers: each enum here is the C one of the same name, without its prefix."""

from enum import IntEnum, IntFlag


class Kind(IntEnum):
    """What a bulletin is."""

    NEWS = 1
    UPDATE = 2
    CORRECTION = 3
    KILL = 4
    HOLD = 5
    RELEASE = 6
    ADVISORY = 7
    TEST = 8
    HEARTBEAT = 9


class Signal(IntEnum):
    """What a bulletin does to earlier ones, or asks of its readers."""

    NONE = 0
    UPDATE = 1
    CORRECTION = 2
    KILL = 3
    CANCEL = 4
    HOLD = 5
    RELEASE = 6
    ADVISORY = 7
    ALERT = 8
    EMBARGO = 9
    TEST = 10
    EXERCISE = 11


class PubStatus(IntEnum):
    UNKNOWN = 0
    USABLE = 1
    WITHHELD = 2
    CANCELED = 3


class BulletinFlag(IntFlag):
    ZONE_ASSUMED_CREATED = 1 << 0
    ZONE_ASSUMED_FIRST = 1 << 1
    ZONE_ASSUMED_EMBARGO = 1 << 2
    ZONE_ASSUMED_EXPIRES = 1 << 3
    DATE_COMPLETED = 1 << 4
    ID_MADE = 1 << 5
    EMBARGOED = 1 << 6
    TEXT_REPAIRED = 1 << 7


class Text(IntEnum):
    """A bulletin's texts; Bulletin has a field of each name in lower case."""

    ID = 0
    PROVIDER = 1
    SERVICE = 2
    VERSION = 3
    PRIORITY_RAW = 4
    LANGUAGE = 5
    SLUGLINE = 6
    HEADLINE = 7
    BYLINE = 8
    DATELINE = 9
    DATELINE_PLACE = 10
    LOCATED = 11
    CREDIT = 12
    COPYRIGHT = 13
    USAGE_TERMS = 14
    EDNOTE = 15
    TAKE = 16
    EVOLVED_FROM = 17
    BODY = 18
    BODY_HTML = 19
    SOURCE_CHARSET = 20
    SOURCE_NUMBER = 21


class List(IntEnum):
    """A bulletin's lists; Bulletin has a field of each name in lower case."""

    CATEGORIES = 0
    KEYWORDS = 1
    GENRES = 2
    SUBJECTS = 3
    SYMBOLS = 4
    PEOPLE = 5
    ORGANISATIONS = 6
    PLACES = 7
    ASSOCIATIONS = 8
    ALT_IDS = 9
    HEADLINES = 10
    BODIES = 11
    REFERENCES = 12
    NOTES = 13


class RecordKind(IntEnum):
    """What a notice is about."""

    GAP = 32
    REJECT = 33
    HELD = 34
    EPOCH = 35
    HOLE = 40
    RAW = 48
    RAW_HELD = 49


class Verdict(IntEnum):
    PASSED = 1
    SAME_VERSION = 2
    LATE = 3
    WITHDRAWN = 4
    RELEASED = 5
    MADE = 6
    DUPLICATE = 7
    HELD = 8
    CANCELLED = 9
    NO_ROOM = 10


class RecordFlag(IntFlag):
    AFTER_GAP = 1 << 0
    CLOCK_STEPPED = 1 << 1


class WireSource(IntEnum):
    """Whose stamp Stamps.wire_ns is."""

    NONE = 0
    NIC = 1
    KERNEL = 2
    CAPTURE = 3
    POLL = 4


class Lane(IntEnum):
    FLASH = 0
    URGENT = 1
    NORMAL = 2
    BULK = 3


class ReaderFrom(IntEnum):
    NOW = 0
    OLDEST = 1
    SEQ = 2
    TIME = 3
    PLACE = 4


class EventType(IntEnum):
    NONE = 0
    BULLETIN = 1
    NOTICE = 2
    MISSED = 3
    EPOCH = 4
    EVICTED = 5
