"""Password hashes: argon2id, away from the event loop.

Rules:
* An unknown user costs the same work as a known one, so that time tells nothing.
* Few hashes at once: each takes a core and 19 MiB for some 20 ms, and a flood of log-ins must not take the machine.
* A hash made with other parameters is replaced when its password is next seen.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from arkwright.errors import InvalidInput

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 8
LONGEST = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """OWASP's first choice of equal ones for argon2id on a server (2 passes, 19 MiB, 1 lane)."""

    passes: int = 2
    memory_kib: int = 19 * 1024
    lanes: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of checking a password."""

    correct: bool
    new_hash: str | None = None
    """Store this instead of the hash that was checked."""


class Passwords:
    """Makes and checks password hashes."""

    def __init__(self, parameters: Parameters | None = None, *, at_once: int = 2) -> None:
        self._parameters = parameters or Parameters()
        self._turn = asyncio.Semaphore(at_once)

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hash, password)

    async def verify(self, password_hash: str | None, password: str) -> Verdict:
        """None as hash: there is no such user; takes as long and says no."""
        async with self._turn:
            return await asyncio.to_thread(self._verify, password_hash, password)

    def _hash(self, password: str) -> str:
        return self._hasher.hash(password.encode("utf-8", "surrogatepass"))

    def _verify(self, password_hash: str | None, password: str) -> Verdict:
        from argon2.exceptions import InvalidHashError, VerificationError

        if password_hash is None:
            self._hash(password)
            return Verdict(correct=False)
        try:
            self._hasher.verify(password_hash, password.encode("utf-8", "surrogatepass"))
        except (VerificationError, InvalidHashError):
            return Verdict(correct=False)
        if self._hasher.check_needs_rehash(password_hash):
            return Verdict(correct=True, new_hash=self._hash(password))
        return Verdict(correct=True)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        # Imported here: most starts of the server hash nothing.
        from argon2 import PasswordHasher

        chosen = self._parameters
        return PasswordHasher(
            time_cost=chosen.passes, memory_cost=chosen.memory_kib, parallelism=chosen.lanes, hash_len=32, salt_len=16
        )


def check_acceptable(password: str, *, field: str = "password") -> None:
    """Raises `InvalidInput` for a password that nobody should be given."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(f"{field} must have {SHORTEST} to {LONGEST} characters.", field=field)
