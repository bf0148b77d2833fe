"""Reads the tape of slugline: normalized news bulletins in one agreed order.

    from slugline import Bulletin, Reader

    with Reader(where='urgency <= 2 and lang == "en"') as reader:
        for event in reader:
            if isinstance(event, Bulletin):
                print(event.seq, event.feed, event.headline)
"""

from .enums import (
    BulletinFlag,
    Kind,
    Lane,
    PubStatus,
    RecordFlag,
    RecordKind,
    Signal,
    Text,
    Verdict,
    WireSource,
)
from .events import (
    AltId,
    Association,
    Bulletin,
    Coded,
    Epoch,
    Event,
    Evicted,
    Missed,
    Notice,
    Organisation,
    Place,
    Reference,
    Stamps,
    Symbol,
    TapePlace,
    Translation,
    to_datetime,
    to_ns,
)
from .library import LIBRARY as _library
from .reader import FilterError, OverrunError, Reader, View, ViewError

__version__: str = _library.sl_reader_version().decode()  # of the library

__all__ = [
    "AltId",
    "Association",
    "Bulletin",
    "BulletinFlag",
    "Coded",
    "Epoch",
    "Event",
    "Evicted",
    "FilterError",
    "Kind",
    "Lane",
    "Missed",
    "Notice",
    "Organisation",
    "OverrunError",
    "Place",
    "PubStatus",
    "Reader",
    "RecordFlag",
    "RecordKind",
    "Reference",
    "Signal",
    "Stamps",
    "Symbol",
    "TapePlace",
    "Text",
    "Translation",
    "Verdict",
    "View",
    "ViewError",
    "WireSource",
    "to_datetime",
    "to_ns",
]
