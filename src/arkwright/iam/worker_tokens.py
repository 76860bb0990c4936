"""Tokens of workers: random texts that allow the runner's routes, for some groups, and nothing else.

Rules:
* The text is 256 random bits behind a fixed prefix; the store knows only its SHA-256.
* A token is no user's: it opens no other route, and no user's token opens a worker's.
* Verified tokens are remembered for `recheck_ms`, so that a heartbeat costs no read; a revoked one ends that soon.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from arkwright.core.workers import WorkerToken
from arkwright.errors import NotFound, Unauthenticated

PREFIX = "awk_"
_SHAPE = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")
_CAPACITY = 4096
HOW_TO_GET_ONE = "An administrator makes one: arkwright worker token create --group NAME."


class WorkerTokenStore(Protocol):
    def next_id(self) -> int: ...

    async def put_worker_token(self, token: WorkerToken) -> None: ...

    async def find_worker_token(self, token_hash: bytes) -> WorkerToken | None: ...

    async def list_worker_tokens(self) -> Sequence[WorkerToken]: ...


class WorkerTokens:
    """Issues, verifies and revokes them. Times are epoch milliseconds of `now_ms`."""

    def __init__(self, store: WorkerTokenStore, now_ms: Callable[[], int], *, recheck_ms: int = 5_000) -> None:
        self._store = store
        self._now_ms = now_ms
        self._recheck_ms = recheck_ms
        self._remembered: dict[bytes, tuple[WorkerToken, int]] = {}

    async def issue(self, groups: Sequence[str], *, lifetime_ms: int, by: str) -> tuple[str, WorkerToken]:
        """The text, which is known only now, and the record."""
        text = PREFIX + secrets.token_urlsafe(32)
        now = self._now_ms()
        token = WorkerToken(
            id=self._store.next_id(),
            token_hash=_hash(text),
            groups=tuple(dict.fromkeys(groups)),
            created_ms=now,
            created_by=by,
            expires_ms=now + lifetime_ms,
        )
        await self._store.put_worker_token(token)
        return text, token

    async def verify(self, text: str) -> WorkerToken:
        """Raises `Unauthenticated`."""
        if not _SHAPE.fullmatch(text):
            raise Unauthenticated("This call needs the token of a worker.", hint=HOW_TO_GET_ONE)
        token_hash, now = _hash(text), self._now_ms()
        known = self._remembered.get(token_hash)
        if known is None or now >= known[1]:
            found = await self._store.find_worker_token(token_hash)
            if found is None:
                raise Unauthenticated("The worker's token is not known here.", hint=HOW_TO_GET_ONE)
            if len(self._remembered) >= _CAPACITY:
                self._remembered.clear()
            known = self._remembered[token_hash] = (found, now + self._recheck_ms)
        token = known[0]
        if token.revoked_ms is not None:
            raise Unauthenticated(f"The worker's token {token.id} was revoked.", hint=HOW_TO_GET_ONE)
        if now >= token.expires_ms:
            raise Unauthenticated(f"The worker's token {token.id} has expired.", hint=HOW_TO_GET_ONE)
        return token

    async def all(self) -> Sequence[WorkerToken]:
        return await self._store.list_worker_tokens()

    async def revoke(self, token_id: int) -> WorkerToken:
        """Revoking twice changes nothing. Other servers notice within `recheck_ms`. Raises `NotFound`."""
        for token in await self._store.list_worker_tokens():
            if token.id == token_id:
                break
        else:
            raise NotFound(f"There is no worker token {token_id}.", field="token_id")
        if token.revoked_ms is None:
            token = msgspec.structs.replace(token, revoked_ms=self._now_ms())
            await self._store.put_worker_token(token)
        self._remembered.pop(token.token_hash, None)
        return token


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
