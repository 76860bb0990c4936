"""What the parts of the SQL store share: each is a class of methods about one noun, and the store is all of them."""

from __future__ import annotations

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from arkwright.store import answers
from arkwright.store.base import Place
from arkwright.store.work import Transaction, Work, Write

T = TypeVar("T")

_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")


class SqlPart(ABC):
    """What `SqlStore` brings to its parts."""

    _alone: bool
    """Whether no other process uses the database."""

    @abstractmethod
    def next_id(self) -> int: ...

    @abstractmethod
    def _waiter(self) -> asyncio.Future[Any]: ...

    @abstractmethod
    def _submit(self, write: Write) -> None: ...

    @abstractmethod
    async def _write(
        self,
        work: Callable[[Transaction], Work[T]],
        finished: Callable[[Any, BaseException | None, bool], None] | None = None,
    ) -> T: ...

    @abstractmethod
    async def _read(self, work: Callable[[], Work[T]], *, snapshot: bool = False) -> T: ...

    @abstractmethod
    async def _place(self, place: Place) -> int: ...

    @abstractmethod
    async def _known_place(self, place: Place) -> int | None: ...


def with_promise(
    taken: answers.OpenPromise | None, work: Callable[[Transaction], Work[T]]
) -> Callable[[Transaction], Work[T]]:
    """The work, and the promise of the request that it is for, in one transaction."""
    if taken is None:
        return work
    promised = taken

    def both(transaction: Transaction) -> Work[T]:
        yield from answers.promise(transaction, promised)
        return (yield from work(transaction))

    return both


def possible(*texts: str) -> bool:
    """Whether these could be stored: PostgreSQL's texts hold no NUL, and nobody's half of a surrogate pair."""
    return not any(_IMPOSSIBLE.search(text) for text in texts)
