"""A reader of the tape, and the view of a record without a copy."""

from __future__ import annotations

import ctypes
import errno
import os
import threading
import time as clock
import warnings
import weakref
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Callable, Iterator, Literal

from . import events, library
from .enums import ReaderFrom, Text
from .library import LIBRARY

TIMEOUT_MAX_S = 10**9  # beyond it nobody will notice


class FilterError(ValueError):
    """A filter that cannot be understood: where (in characters), and what was expected there."""

    def __init__(self, expression: str, position: int, text: str) -> None:
        super().__init__("at %d: %s\n  %s\n  %s^" % (position, text, expression, " " * position))
        self.expression, self.position, self.text = expression, position, text


class ViewError(RuntimeError):
    """A view was used after its with block, or after the next call on its reader."""


class OverrunError(ViewError):
    """The desk has written where peek's view was looking: what was seen there does not count, and next gives it again."""


def _check(rc: int, *about: str) -> int:
    if rc < 0:
        raise OSError(-rc, os.strerror(-rc), *about)
    return rc


def _compile(expression: str) -> ctypes.c_void_p:
    source = expression.encode()
    if b"\0" in source:
        raise FilterError(expression, expression.index("\0"), "a filter holds no NUL")
    compiled, err = ctypes.c_void_p(), library.FilterErr()
    rc = LIBRARY.sl_filter_compile(ctypes.byref(compiled), source, ctypes.byref(err))
    if rc == -errno.EINVAL:
        raise FilterError(expression, len(source[: err.off].decode(errors="ignore")), err.text.decode(errors="replace"))
    _check(rc)
    return compiled


class View:
    """A bulletin's record in the reader's own memory.  Everything it gives is read only, and released with it."""

    def __init__(self, reader: Reader | None, generation: int) -> None:
        self._reader, self._generation = reader, generation
        self._given: list[memoryview] = []
        self._record: memoryview | None = None
        event = reader._event if reader is not None else library.Event()
        self.seq, self.place = event.seq, events.TapePlace.of(event)

    def __enter__(self) -> View:
        if self._reader is None or self._reader._generation != self._generation:
            raise ViewError("the reader has gone on: this bulletin is no longer where it was")
        self._record = self._reader._export(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        overrun = self._record is None
        self._release()
        if overrun and kind is None:
            raise ViewError("the reader has gone on inside the block: what was seen after that was refused")

    def _release(self) -> None:
        # Whoever exports one of them keeps it; the reader then finds it alive and refuses to go on.
        for given in self._given if self._record is None else [*self._given, self._record]:
            try:
                given.release()
            except BufferError:
                pass
        self._given, self._record = [], None

    @property
    def record(self) -> memoryview:
        """The whole record, struct sl_bulletin first."""
        if self._record is None:
            raise ViewError("a view ends with its block, and with the next call on its reader")
        return self._record

    def text(self, text: Text) -> memoryview:
        """One of its texts, in UTF-8."""
        record = self.record
        ref = library.Ref.from_buffer_copy(record, library.Bulletin.text.offset + ctypes.sizeof(library.Ref) * text)
        self._given.append(record[ref.off : ref.off + ref.len])
        return self._given[-1]


class Reader:
    """Follows the tape of one daemon; one thread's at a time.

    Begins with what is published next, with start="oldest" at the oldest record still there, with seq= at that one (of
    epoch=; 0: any), with time= at the first published at or after it (ns, or a datetime with a zone), with place= behind
    that of an event.  What is no longer on the tape comes from the journal, where the daemon has one that we may read.
    where= is a filter as slugline tail --where takes it; the other options are those of struct sl_reader_options.
    """

    def __init__(
        self,
        socket: str | os.PathLike[str] | None = None,
        *,
        start: Literal["now", "oldest"] = "now",
        seq: int | None = None,
        epoch: int = 0,
        time: int | datetime | None = None,
        place: tuple[int, int] | None = None,
        journal: str | os.PathLike[str] | None = None,
        name: str | None = None,
        gating: bool = False,
        notices: bool = False,
        raw: bool = False,
        spin: bool = False,
        where: str | None = None,
    ) -> None:
        self._handle, self._filter = ctypes.c_void_p(), ctypes.c_void_p()
        self._event, self._generation, self._fd = library.Event(), 0, -1
        self._busy = threading.Lock()
        self._views: list[View] = []
        self._exports: list[weakref.ref[ctypes.Array[ctypes.c_char]]] = []
        options = library.Options(
            size=ctypes.sizeof(library.Options),
            socket=None if socket is None else os.fsencode(socket),
            name=None if name is None else name.encode(),
            gating=gating,
            notices=notices,
            raw=raw,
            spin=spin,
            journal=None if journal is None else os.fsencode(journal),
        )
        self._set_start(options, start, seq, epoch, time, place)
        if where is not None:
            self._filter = _compile(where)
            options.filter = self._filter
        try:
            rc = LIBRARY.sl_reader_open(ctypes.byref(self._handle), ctypes.byref(options))
            _check(rc, os.fspath(socket or os.environ.get("SLUGLINE_SOCKET", "the default socket")))
        except BaseException:
            self._free()
            raise

    @staticmethod
    def _set_start(
        options: library.Options,
        start: str,
        seq: int | None,
        epoch: int,
        time: int | datetime | None,
        place: tuple[int, int] | None,
    ) -> None:
        if start not in ("now", "oldest"):
            raise ValueError("start is now or oldest, not %r" % start)
        if (seq is not None) + (time is not None) + (place is not None) + (start != "now") > 1:
            raise ValueError("only one of start, seq, time and place")
        if epoch and seq is None:
            raise ValueError("an epoch without a seq is no place")
        begin = ReaderFrom[start.upper()]
        if seq is not None:
            begin, options.seq, options.epoch = ReaderFrom.SEQ, seq, epoch
        if time is not None:
            begin, options.time_ns = ReaderFrom.TIME, events.to_ns(time) if isinstance(time, datetime) else time
        if place is not None:
            begin, (options.epoch, options.seq) = ReaderFrom.PLACE, place
        setattr(options, "from", begin)

    # ---- life ----

    def close(self) -> None:
        """BufferError, and nothing closed, while a piece of a view is still in use."""
        if self._handle:
            with self._call():
                self._free()

    def _free(self) -> None:
        if self._handle:
            LIBRARY.sl_reader_close(self._handle)
        LIBRARY.sl_filter_free(self._filter)
        self._handle, self._filter = ctypes.c_void_p(), ctypes.c_void_p()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            warnings.warn("a reader was not closed", ResourceWarning, source=self)
            try:
                self.close()
            except BufferError:
                pass  # somebody still looks at its memory, which therefore stays

    # ---- calls ----

    @contextmanager
    def _call(self) -> Iterator[None]:
        """Around each call of the library: it may use the memory again that views look at."""
        if not self._busy.acquire(blocking=False):
            raise RuntimeError("a reader is one thread's at a time")
        try:
            if not self._handle:
                raise ValueError("the reader is closed")
            self._end_views()
            yield
        finally:
            self._busy.release()

    def _end_views(self) -> None:
        self._generation += 1
        for view in self._views:
            view._release()
        self._views = []
        self._exports = [export for export in self._exports if export() is not None]
        if self._exports:
            raise BufferError("a piece of a view is still in use")

    def _export(self, view: View) -> memoryview:
        # The array lives as long as any memoryview of it, slices too: its death says that nobody looks any more.
        array = (ctypes.c_char * self._event.bulletin_len).from_address(self._event.bulletin)
        self._views.append(view)
        self._exports.append(weakref.ref(array))
        return memoryview(array).cast("B").toreadonly()

    def next(self, timeout: float | None = None) -> events.Event | None:
        """What comes next, or None when timeout seconds have passed; None waits for ever, 0 not at all.

        BrokenPipeError: the daemon is gone, and all it had published has been given; the next calls try to join the new
        one by themselves, and say so with Epoch.
        """
        self._wait(LIBRARY.sl_reader_next, timeout)
        return self._take()

    def _wait(self, call: Callable[..., int], timeout: float | None) -> None:
        end = None if timeout is None else clock.monotonic() + min(timeout, TIMEOUT_MAX_S)
        while True:
            left_ns = -1 if end is None else max(0, int((end - clock.monotonic()) * 1e9))
            with self._call():
                rc = call(self._handle, ctypes.byref(self._event), left_ns)
                # After a signal Python's own handlers have their turn, and then it is waited on (PEP 475).
                if rc != -errno.EINTR:
                    _check(rc)
                    return

    @property
    def place(self) -> events.TapePlace:
        """To be kept once all that was given is done with; after a next that gave None too, as what fits no filter counts."""
        return events.TapePlace.of(self._event)

    @contextmanager
    def peek(self, timeout: float | None = None) -> Iterator[View | events.Event | None]:
        """As next, but a bulletin of the tape is not copied: its View is the tape itself, where the desk goes on writing.

        OverrunError at the end of the block: it has done so, and nothing that was seen in the block counts.
        """
        self._wait(LIBRARY.sl_reader_peek, timeout)
        if not self._event.bulletin:
            yield self._take()
            return
        view = View(self, self._generation)
        failure: BaseException | None = None
        try:
            with view:
                yield view
        except BaseException as err:  # nonsense that was read may have caused it
            failure = err
        if self._generation == view._generation and self._handle and not LIBRARY.sl_reader_still_whole(self._handle):
            raise OverrunError("the desk has written there meanwhile") from failure
        if failure is not None:
            raise failure

    def _take(self) -> events.Event | None:
        reader, generation = weakref.ref(self), self._generation
        return events.of(self._event, lambda: View(reader(), generation))

    def __iter__(self) -> Iterator[events.Event]:
        return self

    def __next__(self) -> events.Event:
        """For ever, through restarts of the daemon."""
        while True:
            try:
                event = self.next()
            except BrokenPipeError:
                continue
            if event is not None:
                return event

    def fileno(self) -> int:
        """For selectors and asyncio: readable when there may be something to read, once armed.  Stays the same."""
        if self._fd < 0:
            with self._call():
                self._fd = _check(LIBRARY.sl_reader_fd(self._handle))
        elif not self._handle:
            raise ValueError("the reader is closed")
        return self._fd

    def arm(self) -> bool:
        """Before sleeping on fileno, after next(0) gave None or an error; True: don't sleep, next has something."""
        with self._call():
            return bool(_check(LIBRARY.sl_reader_arm(self._handle)))

    def done(self, seq: int) -> None:
        """Gating: everything up to seq, of an event or its last missed one, is done with."""
        with self._call():
            _check(LIBRARY.sl_reader_done(self._handle, seq))

    def raw(self, raw_seq: int) -> bytes:
        """The message that a bulletin came from, as the agency sent it; FileNotFoundError: no longer there."""
        data, size = ctypes.c_void_p(), ctypes.c_size_t()
        with self._call():
            _check(LIBRARY.sl_reader_raw(self._handle, raw_seq, ctypes.byref(data), ctypes.byref(size)))
            return ctypes.string_at(data, size.value)
