"""Promises that clients make with an Idempotency-Key, and the answers that were given for them.

Theory of operation: the promise is written in the transaction that does what was asked (`promise`), the answer behind
it (`keep`). So after a crash: no row, and nothing was done; a row without an answer, and it was done. A promise that
has expired counts as none. Requests that make an instance have a table of their own (`store/instances`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from arkwright.errors import IdempotencyConflict
from arkwright.store.base import IdempotencyKey, KeptAnswer
from arkwright.store.work import Transaction, Work, one

UNKNOWN = 0

_PROMISE = """
    INSERT INTO answer (scope, key, request_digest, status, sealed_body, expires_ms) VALUES (?, ?, ?, 0, ?, ?)
    ON CONFLICT (scope, key) DO UPDATE SET request_digest = excluded.request_digest, status = 0,
    sealed_body = excluded.sealed_body, expires_ms = excluded.expires_ms WHERE answer.expires_ms <= ?
    RETURNING key"""
_KEEP = """
    INSERT INTO answer (scope, key, request_digest, status, sealed_body, expires_ms) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (scope, key) DO UPDATE SET request_digest = excluded.request_digest, status = excluded.status,
    sealed_body = excluded.sealed_body, expires_ms = excluded.expires_ms"""
_FIND = "SELECT request_digest, status, sealed_body FROM answer WHERE scope = ? AND key = ? AND expires_ms > ?"


@dataclass(slots=True)
class OpenPromise:
    """A promise that the next write of this request takes with it."""

    promise: IdempotencyKey
    at_ms: int
    taken: bool = False


_open: ContextVar[OpenPromise | None] = ContextVar("promise", default=None)


@contextmanager
def promising(promise: IdempotencyKey, at_ms: int) -> Iterator[None]:
    token = _open.set(OpenPromise(promise, at_ms))
    try:
        yield
    finally:
        _open.reset(token)


def take() -> OpenPromise | None:
    """The promise that a write made now carries; the write that takes it gives it back if it fails."""
    found = _open.get()
    if found is None or found.taken:
        return None
    found.taken = True
    return found


@contextmanager
def given_back(taken: OpenPromise | None) -> Iterator[None]:
    """For the waiting of the write that took it: one that fails wrote nothing, so the next one takes the promise."""
    try:
        yield
    except BaseException:
        if taken is not None:
            taken.taken = False
        raise


def promise(transaction: Transaction, taken: OpenPromise) -> Work[None]:
    """Raises `IdempotencyConflict` if another request holds the key."""
    given = taken.promise
    rows = yield one(_PROMISE, given.scope, given.key, given.request_digest, b"", given.expires_ms, taken.at_ms)
    if not rows:
        raise IdempotencyConflict(
            "Another request with this Idempotency-Key is being carried out.", hint="Send it again for its answer."
        )


def keep(transaction: Transaction, given: IdempotencyKey, answer: KeptAnswer) -> Work[None]:
    yield one(_KEEP, given.scope, given.key, given.request_digest, answer.status, answer.sealed_body, given.expires_ms)


def find(scope: str, key: str, now_ms: int) -> Work[KeptAnswer | None]:
    rows = yield one(_FIND, scope, key, now_ms)
    if not rows:
        return None
    digest, status, sealed = rows[0]
    return KeptAnswer(request_digest=digest, status=status, sealed_body=bytes(sealed))
