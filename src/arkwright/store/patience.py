"""Asking a store that may be away until it can tell: for what nobody else asks again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from arkwright.errors import StoreUnavailable

T = TypeVar("T")

log = logging.getLogger("arkwright.store")

AGAIN_SECONDS = 1.0


class Closing(Exception):
    """Whoever asks is being closed while the store is away: nothing may go on without the answer."""


async def insist(ask: Callable[[], Awaitable[T]], closing: Callable[[], bool] = lambda: False) -> T:
    """The store's answer, however long it takes. `ask` may be called again. Raises `Closing`."""
    while True:
        try:
            return await ask()
        except StoreUnavailable as error:
            if closing():
                raise Closing from error
            log.error("the store is not available (%s); trying again", error)
            await asyncio.sleep(AGAIN_SECONDS)
