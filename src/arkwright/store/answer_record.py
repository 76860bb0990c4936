"""Promises of clients (an Idempotency-Key) and what they were answered, as the store keeps them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from arkwright.store.instance_record import Accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """A client's promise that requests under one key are the same request."""

    scope: str
    """User, project, workspace and route in one text."""
    key: str
    request_digest: str
    expires_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a request with an Idempotency-Key was answered."""

    request_digest: str
    status: int
    """Of HTTP; 0: what was asked was done, and then the server was killed before it could keep the answer."""
    sealed_body: bytes = b""
    """Whoever keeps it seals it: it may hold secrets."""


class AnswerStore(Protocol):
    """Part of `arkwright.store.base.Store`."""

    # -- answers to requests that carry an Idempotency-Key
    def promising(self, promise: IdempotencyKey, *, now_ms: int) -> AbstractContextManager[None]:
        """The first definition or identity record that this task writes inside carries the promise in its
        transaction: both are there, or neither. That write raises `IdempotencyConflict` if somebody else's promise of
        that scope and key is there already. A write that fails leaves the promise to the next one."""
        ...

    async def find_answer(self, scope: str, key: str, *, now_ms: int) -> KeptAnswer | None:
        """None: no promise, or an expired one."""
        ...

    async def find_promised(self, promise: IdempotencyKey, *, now_ms: int) -> Accepted | None:
        """The instance that `create_instance` made under this key; None: none, or the key has expired. Raises
        `IdempotencyConflict` if that was another request."""
        ...

    async def keep_answer(self, promise: IdempotencyKey, answer: KeptAnswer) -> None:
        """Durable when it returns."""
        ...
