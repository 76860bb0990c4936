"""The one task that Dask ever runs for us: "this attempt is there". Imported by name on both sides, so it is small.

A task carries the attempt's name and nothing else: no address, no script, no secret. What the worker does about it is
the worker's own business (`worker.runner`), which it registers here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

_take: Callable[[str], Awaitable[str]] | None = None


def taken_by(take: Callable[[str], Awaitable[str]] | None) -> None:
    """Who takes attempts in this process."""
    global _take
    _take = take


async def take_attempt(name: str) -> str:
    """Returns, when the attempt is over here, a word for the scheduler's own log. Runs on the worker's event loop."""
    if _take is None:
        return "no runner here"
    return await _take(name)
