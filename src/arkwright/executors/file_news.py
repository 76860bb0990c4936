"""News of changes in folders, straight from the operating system (Linux: inotify), one piece of news per asking.

Rules: a folder is asked about once (`ask`) and tells once; whoever wants more asks again. So a program that writes a
million lines wakes us once per asking, and one that says nothing never does. Where there is no inotify, or the system
grants no more watches, asking answers False: look by yourself.

By ctypes, since the libraries for this (`watchfiles`, `watchdog`) tell of each write, of whole trees, on a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MODIFY, _MOVED_TO, _CREATE = 0x2, 0x80, 0x100
_ONESHOT, _ONLYDIR = 0x80000000, 0x01000000
_OVERFLOW, _IGNORED = 0x4000, 0x8000
_HEAD = struct.Struct("iIII")


class FileNews:
    """Folders whose files change. Everything happens on the event loop's thread."""

    def __init__(self) -> None:
        self._descriptor = -1
        self._library: Any = None
        self._told: dict[int, Callable[[], None]] = {}

    def open(self) -> None:
        try:
            library = ctypes.CDLL(None, use_errno=True)
            self._descriptor = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, AttributeError):  # another system than Linux
            return
        if self._descriptor >= 0:
            self._library = library
            asyncio.get_running_loop().add_reader(self._descriptor, self._read)

    def close(self) -> None:
        self._told.clear()
        if self._descriptor >= 0:
            asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def ask(self, folder: Path, told: Callable[[], None]) -> int | None:
        """Have `told` called once when a file directly in the folder is made or changed. The number takes the question
        back (`forget`); None: nobody will tell."""
        if self._descriptor < 0:
            return None
        wanted = _MODIFY | _MOVED_TO | _CREATE | _ONESHOT | _ONLYDIR
        watch: int = self._library.inotify_add_watch(self._descriptor, os.fsencode(folder), wanted)
        if watch < 0:
            return None
        self._told[watch] = told
        return watch

    def forget(self, watch: int) -> None:
        if self._told.pop(watch, None) is not None:
            self._library.inotify_rm_watch(self._descriptor, watch)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._descriptor, 65536):
                self._hear(data)

    def _hear(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            watch, mask, _, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size + length
            if mask & _OVERFLOW:
                everybody, self._told = list(self._told.items()), {}
                for number, told in everybody:
                    self._library.inotify_rm_watch(self._descriptor, number)
                    told()
            elif not mask & _IGNORED:
                told_of = self._told.pop(watch, None)
                if told_of is not None:
                    told_of()
