"""The contract between the SQL nodes and the engines behind them: one connection to a database server per attempt.

An engine says what it can promise. On one with transactions all statements of a node are one: nothing has happened
until `commit`. What happened to a commit that nobody heard of is asked by its mark (`fate`), where the engine can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class SqlFailed(Exception):
    """The server refused or broke off; the message is the server's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where to connect. `address` was judged by the network fence and is what is connected to."""

    host: str
    address: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    tls: bool = False
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The connection's other settings, as they were saved."""
    name: str = "arkwright"
    """What the server shows as the client, where it shows any."""

    @property
    def place(self) -> str:
        """For texts."""
        return f"{self.host}:{self.port}" if self.port else self.host


class Sink(Protocol):
    """Takes rows while they arrive."""

    def begin(self, columns: Sequence[str]) -> None: ...

    def row(self, values: Sequence[str | None]) -> None:
        """The engine's own text of each value; None for NULL."""
        ...


class Fate(StrEnum):
    COMMITTED = "committed"
    NOT_COMMITTED = "not committed"
    UNKNOWN = "unknown"


class Session(Protocol):
    """A cancelled call stops the statement on the server."""

    async def execute(self, statement: str, sink: Sink) -> int | None:
        """How many rows it changed, if the server says. Raises `SqlFailed`."""
        ...

    async def mark(self) -> str | None:
        """What `fate` can be asked by after the commit; None: nothing was changed so far."""
        ...

    async def commit(self) -> None: ...


class Engine(Protocol):
    title: str
    dialect: str
    """sqlglot's name of its SQL."""
    default_port: int
    transactions: bool
    """Whether what was not committed is undone by itself when the connection breaks."""

    def session(self, target: Target, *, transaction: bool) -> AbstractAsyncContextManager[Session]:
        """Connect. Without `transaction` each statement commits by itself. Leaving it undoes what was not committed.
        Raises `SqlFailed`."""
        ...

    def undoable(self, statement: str) -> bool:
        """Whether it changes nothing, or is undone with its transaction."""
        ...

    async def fate(self, target: Target, mark: str) -> Fate:
        """What became of a commit. Raises `SqlFailed` when the server can't be asked."""
        ...


def first_words(statement: str, count: int = 3) -> tuple[str, ...]:
    """In lower case, comments and brackets before them left out."""
    rest = statement
    while True:
        rest = rest.lstrip(" \t\r\n(")
        if rest.startswith(("--", "#")):
            rest = rest.partition("\n")[2]
        elif rest.startswith("/*"):
            rest = rest.partition("*/")[2]
        else:
            return tuple(word.lower() for word in rest.split(None, count)[:count])
