"""Imports of a process that stays: a server, a worker, a scheduler."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting_imports() -> Iterator[None]:
    """What is imported in here lasts to the end of the process: there is no garbage in it to be looked for.

    While it comes in, looking costs a fifth of a server's start; afterwards, each full look would go through all of it
    again, and hold up the event loop for 50 ms and more.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
