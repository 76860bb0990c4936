"""Tokens: random texts that stand for a user and a project or domain for 24 hours.

Rules:
* The text is 256 random bits and a check value; it is nowhere stored. The store knows only its SHA-256.
* The check value binds the token to the user's password as it was: a reset password ends the user's tokens.
* Verified tokens are remembered, so that the hot path is one hash and one dict look-up (`cached`). What is remembered
  is dropped when the directory changes (disabled users, roles), ends with the token, and is checked against the
  store again every `recheck_ms`, since another server may have revoked the token.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from arkwright.core.identity import Token, User
from arkwright.errors import Unauthenticated
from arkwright.iam.contract import TokenStore
from arkwright.iam.directory import Directory
from arkwright.iam.model import Actor, Method

LIFETIME_MS = 24 * 60 * 60 * 1000
_PREFIX = "gAAAAA"
_SHAPE = re.compile(_PREFIX + r"[A-Za-z0-9_-]{43}[A-Za-z0-9_-]{11}")
_RANDOM_END = len(_PREFIX) + 43

HOW_TO_GET_ONE = "Get a token from POST /v3/auth/tokens, or sign the request with an access key."


def id_of(hashed: bytes) -> str:
    """What a token may be called by: it helps nobody to use it."""
    return hashed.hex()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new token; the only time that its text is known here."""

    text: str
    record: Token
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedToken:
    record: Token
    actor: Actor


@dataclass(frozen=True, slots=True)
class _Remembered:
    verified: VerifiedToken
    good_until_ms: int


class Tokens:
    """Issues, verifies and revokes tokens. Times are epoch milliseconds of `now_ms`."""

    def __init__(
        self,
        store: TokenStore,
        directory: Directory,
        now_ms: Callable[[], int],
        *,
        lifetime_ms: int = LIFETIME_MS,
        capacity: int = 4096,
        recheck_ms: int = 30_000,
    ) -> None:
        self._store = store
        self._directory = directory
        self._now_ms = now_ms
        self._lifetime_ms = lifetime_ms
        self._capacity = capacity
        self._recheck_ms = recheck_ms
        self._remembered: dict[bytes, _Remembered] = {}
        self._generation = 0
        directory.on_change(self._forget_all)

    def cached(self, text: str) -> Actor | None:
        """The hot path. None says nothing about the token: ask `verify`."""
        return self.cached_hash(token_hash(text))

    def cached_hash(self, hashed: bytes) -> Actor | None:
        """As `cached`. The actor is the same object only as long as nothing in the directory changes."""
        known = self._remembered.get(hashed)
        if known is None or self._now_ms() >= known.good_until_ms:
            return None
        return known.verified.actor

    async def verify(self, text: str) -> Actor:
        """Raises `Unauthenticated`."""
        verified = await self.look_up(text)
        if verified is None:
            raise Unauthenticated("The token in X-Auth-Token is not valid, or no longer.", hint=HOW_TO_GET_ONE)
        return verified.actor

    async def look_up(self, text: str) -> VerifiedToken | None:
        """What the token stands for now. None: unknown, expired, revoked, or its user can't use it any more."""
        if not _SHAPE.fullmatch(text):
            return None
        await self._directory.refresh()
        hashed = token_hash(text)
        known = self._remembered.get(hashed)
        if known is not None and self._now_ms() < known.good_until_ms:
            return known.verified
        generation = self._generation
        record = await self._store.get_token(hashed)
        verified = self._judge(text, record)
        if verified is None:
            self._remembered.pop(hashed, None)
        elif generation == self._generation:
            # Otherwise rights changed while we were reading: this answer stands, the next request asks anew.
            self._remember(hashed, verified)
        return verified

    async def issue(self, user: User, project_id: str | None) -> IssuedToken:
        """A token for the user in one of their domain's projects, or (None) in their domain.
        Raises `Unauthenticated` if the user can't act there."""
        actor = self._directory.actor(user, project_id, Method.PASSWORD_TOKEN)
        if actor is None:
            raise Unauthenticated("The user can't act in that project.")
        random = secrets.token_urlsafe(32)
        text = f"{_PREFIX}{random}{_check_value(random, user)}"
        now = self._now_ms()
        record = Token(
            token_hash=token_hash(text),
            user_id=user.id,
            project_id=project_id,
            domain_id=user.domain_id,
            issued_ms=now,
            expires_ms=now + self._lifetime_ms,
        )
        await self._store.put_token(record)
        # Not remembered here: the first use reads it back, by which time the directory may have changed.
        return IssuedToken(text=text, record=record, actor=actor)

    async def revoke(self, text: str) -> None:
        """Unknown tokens are revoked already. Other servers notice within `recheck_ms`."""
        await self._revoke(token_hash(text))

    async def _revoke(self, hashed: bytes) -> None:
        self._remembered.pop(hashed, None)
        self._generation += 1  # a look-up under way must not remember it again
        await self._store.delete_token(hashed)
        self._remembered.pop(hashed, None)

    async def of_user(self, user_id: str) -> Sequence[Token]:
        """The user's tokens that have not expired, newest first."""
        return await self._store.list_tokens(user_id, now_ms=self._now_ms())

    async def revoke_of_user(self, user_id: str, token_id: str) -> bool:
        """Revoke one that `of_user` lists, by its `id_of`. False: there is none."""
        for record in await self.of_user(user_id):
            if hmac.compare_digest(id_of(record.token_hash), token_id):
                await self._revoke(record.token_hash)
                return True
        return False

    def _judge(self, text: str, record: Token | None) -> VerifiedToken | None:
        if record is None or self._now_ms() >= record.expires_ms:
            return None
        user = self._directory.user(record.user_id)
        if user is None or user.domain_id != record.domain_id:
            return None
        if not hmac.compare_digest(text[_RANDOM_END:], _check_value(text[len(_PREFIX) : _RANDOM_END], user)):
            return None
        actor = self._directory.actor(user, record.project_id, Method.PASSWORD_TOKEN)
        return None if actor is None else VerifiedToken(record=record, actor=actor)

    def _remember(self, token_hash: bytes, verified: VerifiedToken) -> None:
        self._remembered.pop(token_hash, None)
        if len(self._remembered) >= self._capacity:
            del self._remembered[next(iter(self._remembered))]  # the one remembered longest
        good_until = min(verified.record.expires_ms, self._now_ms() + self._recheck_ms)
        self._remembered[token_hash] = _Remembered(verified, good_until)

    def _forget_all(self) -> None:
        self._generation += 1
        self._remembered.clear()


def token_hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _check_value(random: str, user: User) -> str:
    """Keyed with the random part and over a salted hash: it tells its holder nothing about the password."""
    digest = hashlib.blake2b(user.password_hash.encode(), key=random.encode(), digest_size=8).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")
