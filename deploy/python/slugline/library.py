"""libslugline through ctypes: the structs as C has them, checked against the library when this is imported."""

import ctypes
import ctypes.util
import itertools
import os
from ctypes import POINTER, c_char, c_char_p, c_int, c_int64, c_size_t, c_uint, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from typing import Any

from .enums import List, Text

SONAME = "libslugline.so.0"
ITEM_PARTS = 4
TIME_NONE = -(2**63)
NUMBER_NONE = 2**64 - 1


class Options(ctypes.Structure):
    _fields_ = [
        ("size", c_size_t),
        ("socket", c_char_p),
        ("name", c_char_p),
        ("from", c_int),
        ("epoch", c_uint64),
        ("seq", c_uint64),
        ("time_ns", c_int64),
        ("gating", c_int),
        ("notices", c_int),
        ("raw", c_int),
        ("spin", c_int),
        ("filter", c_void_p),
        ("journal", c_char_p),
    ]


class Place(ctypes.Structure):
    _fields_ = [("epoch", c_uint64), ("seq", c_uint64)]


class EventStamps(ctypes.Structure):
    _fields_ = [(name, c_int64) for name in ("wire_ns", "rx_ns", "first_ns", "framed_ns", "decoded_ns", "published_ns", "read_ns")]


class Slice(ctypes.Structure):
    _fields_ = [("data", c_void_p), ("len", c_uint32)]


class Event(ctypes.Structure):
    # feed is an address and no c_char_p: that would make a copy where it is read, and could not be set to one.
    _fields_ = [
        ("type", c_int),
        ("epoch", c_uint64),
        ("seq", c_uint64),
        ("missed_first", c_uint64),
        ("missed_last", c_uint64),
        ("bulletin", c_void_p),
        ("feed", c_void_p),
        ("flags", c_uint32),
        ("kind", c_uint8),
        ("lane", c_uint8),
        ("verdict", c_uint8),
        ("wire_source", c_uint8),
        ("line", c_uint16),
        ("part", c_uint32),
        ("arrival", c_uint64),
        ("raw_seq", c_uint64),
        ("stamps", EventStamps),
        ("notice_first", c_uint64),
        ("notice_cnt", c_uint64),
        ("notice_until_ns", c_int64),
        ("notice_code", c_uint32),
        ("notice_off", c_uint32),
        ("notice_text", Slice),
        ("place", Place),
        ("bulletin_len", c_uint32),
        ("spare_len", c_uint32),
        ("spare", c_uint64 * 5),
    ]


class Ref(ctypes.Structure):
    _fields_ = [("off", c_uint32), ("len", c_uint32)]


class Item(ctypes.Structure):
    _fields_ = [("part", Ref * ITEM_PARTS)]


class ListRef(ctypes.Structure):
    _fields_ = [("off", c_uint32), ("cnt", c_uint32)]


class Bulletin(ctypes.Structure):
    _fields_ = [
        ("len", c_uint32),
        ("layout", c_uint16),
        ("format", c_uint16),
        ("kind", c_uint8),
        ("urgency", c_uint8),
        ("pubstatus", c_uint8),
        ("signal", c_uint8),
        ("flags", c_uint32),
        ("story_hash", c_uint64),
        ("version_hash", c_uint64),
        ("content_hash", c_uint64 * 2),
        ("version_created", c_int64),
        ("word_cnt", c_uint32),
        ("take_no", c_uint32),
        ("first_created", c_int64),
        ("embargoed_until", c_int64),
        ("expires", c_int64),
        ("number", c_uint64),
        ("spare", c_uint64 * 4),
        ("text", Ref * len(Text)),
        ("list", ListRef * len(List)),
    ]


class FilterErr(ctypes.Structure):
    _fields_ = [("off", c_uint32), ("text", c_char * 200)]


STRUCTS: dict[str, type[ctypes.Structure]] = {
    "sl_reader_options": Options,
    "sl_place": Place,
    "sl_event_stamps": EventStamps,
    "sl_slice": Slice,
    "sl_event": Event,
    "sl_ref": Ref,
    "sl_item": Item,
    "sl_list_ref": ListRef,
    "sl_bulletin": Bulletin,
    "sl_filter_err": FilterErr,
}

FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "sl_reader_open": (c_int, [POINTER(c_void_p), POINTER(Options)]),
    "sl_reader_next": (c_int, [c_void_p, POINTER(Event), c_int64]),
    "sl_reader_peek": (c_int, [c_void_p, POINTER(Event), c_int64]),
    "sl_reader_still_whole": (c_int, [c_void_p]),
    "sl_reader_close": (None, [c_void_p]),
    "sl_reader_fd": (c_int, [c_void_p]),
    "sl_reader_arm": (c_int, [c_void_p]),
    "sl_reader_done": (c_int, [c_void_p, c_uint64]),
    "sl_reader_raw": (c_int, [c_void_p, c_uint64, POINTER(c_void_p), POINTER(c_size_t)]),
    "sl_event_json": (c_size_t, [c_void_p, c_size_t, POINTER(Event)]),
    "sl_parse_code_name": (c_char_p, [c_uint]),
    "sl_lane_name": (c_char_p, [c_uint]),
    "sl_reader_version": (c_char_p, []),
    "sl_layout": (c_char_p, [c_uint, POINTER(c_size_t)]),
    "sl_filter_compile": (c_int, [POINTER(c_void_p), c_char_p, POINTER(FilterErr)]),
    "sl_filter_free": (None, [c_void_p]),
}


def load() -> ctypes.CDLL:
    path = os.environ.get("SLUGLINE_LIBRARY") or ctypes.util.find_library("slugline") or SONAME
    try:
        library = ctypes.CDLL(path)
    except OSError as err:
        raise ImportError("libslugline: %s (SLUGLINE_LIBRARY can name the file)" % err) from err
    for name, (returned, taken) in FUNCTIONS.items():
        try:
            function = getattr(library, name)
        except AttributeError as err:
            raise ImportError("%s is no libslugline that this binding knows: it has no %s" % (path, name)) from err
        function.restype, function.argtypes = returned, taken
    return library


def layout_of(library: ctypes.CDLL) -> dict[str, int]:
    """Sizes and offsets as the library says them."""
    layout: dict[str, int] = {}
    size = c_size_t()
    for idx in itertools.count():
        name = library.sl_layout(idx, ctypes.byref(size))
        if not name:
            break
        layout[name.decode()] = size.value
    return layout


def layout_here() -> dict[str, int]:
    layout: dict[str, int] = {}
    for name, struct in STRUCTS.items():
        layout[name] = ctypes.sizeof(struct)
        for field in struct._fields_:
            layout["%s.%s" % (name, field[0])] = getattr(struct, field[0]).offset
    return layout


def check_layout(said: dict[str, int], here: dict[str, int]) -> None:
    """A struct that differs would be misread in silence."""
    wrong = sorted(name for name in said.keys() | here.keys() if said.get(name) != here.get(name))
    if wrong:
        raise ImportError(
            "this libslugline's structs are others than this binding's: "
            + ", ".join("%s is %s, not %s" % (name, said.get(name, "absent"), here.get(name, "absent")) for name in wrong)
        )


LIBRARY = load()
check_layout(layout_of(LIBRARY), layout_here())
