"""The filter between a program that is given secrets and its log: a process of its own, beside the program.

It stands in the place of the program below the wrapper (`wrapper`), runs the program with a pipe as stdout and stderr,
and lets through what the scrubber lets through, so that no secret ever reaches the log's file. It lives in the
program's session and outlives the server as the program does. Its exit code is the program's.

`HIDDEN` is a file without a name that the server hands over: the secrets, and the text to run if that holds one. The
text goes on to the program in the same way, so neither is ever on a disk.

A program's background processes may go on after its end, and write on: the filter then stays behind as a process of
its own until the last of them is gone.

Started by path, without site-packages: the standard library and `core/scrubbing.py` alone.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

HIDDEN = 3
"""Number of the descriptor: a program finds its text at `nodes.base.HIDDEN_TEXT`."""
_PIECE = 64 * 1024


def file_without_name(data: bytes) -> int:
    """A descriptor to read these bytes from; on Linux they are in memory only."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("arkwright")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def envelope(secrets: tuple[str, ...], text: bytes | None) -> bytes:
    """What `HIDDEN` holds for the filter."""
    shown = None if text is None else text.decode("latin-1")
    return json.dumps({"secrets": secrets, "text": shown}).encode()


def filter_argv(argv: tuple[str, ...]) -> tuple[str, ...]:
    """To run this program below the filter."""
    return (sys.executable, "-I", "-S", str(Path(__file__).resolve()), *argv)


def _stay(number: int, frame: Any) -> None:
    """The group's signals are the program's; the filter stays to say how it ended."""


def main(argv: list[str]) -> int:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from arkwright.core.scrubbing import Scrubber

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stay)
    with os.fdopen(HIDDEN, "rb") as file:
        given = json.load(file)
    scrubber = Scrubber(given["secrets"])
    passed: tuple[int, ...] = ()
    if given["text"] is not None:
        descriptor = file_without_name(given["text"].encode("latin-1"))
        if descriptor != HIDDEN:
            os.dup2(descriptor, HIDDEN)
            os.close(descriptor)
        passed = (HIDDEN,)
    try:
        program = subprocess.Popen(  # noqa: S603 - the node's own program
            argv, stdin=0, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0, pass_fds=passed
        )
    except OSError as error:
        _say(scrubber.feed(f"{argv[0]}: {error.strerror}\n".encode()) + scrubber.end())
        return 127 if isinstance(error, FileNotFoundError) else 126
    if passed:
        os.close(HIDDEN)
    assert program.stdout is not None
    _until_the_end(program, program.stdout, scrubber)
    code = program.returncode
    return 128 - code if code < 0 else code


def _until_the_end(program: subprocess.Popen[bytes], output: IO[bytes], scrubber: Any) -> None:
    """Let through what the program says. When it ends before its output does, somebody else still holds that."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    os.set_blocking(output.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while program.poll() is None:
            for key, _ in selector.select():
                if key.fileobj is output:
                    if _pass_on(output, scrubber):
                        selector.unregister(output)
                else:
                    os.read(ended, 4096)
    closed = False
    while not closed:  # what it had said before it ended
        before = _pass_on(output, scrubber)
        if before is None:
            break
        closed = before
    if not closed and os.fork() == 0:
        os.set_blocking(output.fileno(), True)
        while not _pass_on(output, scrubber):
            pass
        _say(scrubber.end())
        os._exit(0)
    if closed:
        _say(scrubber.end())


def _pass_on(output: IO[bytes], scrubber: Any) -> bool | None:
    """Let one piece through. True: the output is closed; None: there is nothing just now."""
    try:
        piece = os.read(output.fileno(), _PIECE)
    except BlockingIOError:
        return None
    _say(scrubber.feed(piece))
    return not piece


def _say(text: bytes) -> None:
    view = memoryview(text)
    while view:
        view = view[os.write(1, view) :]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
