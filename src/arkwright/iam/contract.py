"""What this package needs from whoever keeps the records. The store satisfies it by its shape alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from arkwright.core.identity import IdentityRecord, IdentitySnapshot, Token


class IdentityStore(Protocol):
    """Keeps everything but tokens: small tables that are read whole."""

    async def installation_id(self) -> str:
        """A random id made with the schema; the same for every server on one database."""
        ...

    async def read_identity(self) -> IdentitySnapshot: ...

    async def write_identity(self, rows: Sequence[IdentityRecord]) -> None:
        """Insert or replace by key, all or nothing; durable on return."""
        ...

    def on_identity_changed(self, changed: Callable[[], None]) -> None:
        """Call `changed` on the event loop's thread when another process wrote identity records."""
        ...


class TokenStore(Protocol):
    """Keeps tokens by the hash of their text."""

    async def put_token(self, token: Token) -> None: ...

    async def get_token(self, token_hash: bytes) -> Token | None: ...

    async def list_tokens(self, user_id: str, *, now_ms: int) -> Sequence[Token]:
        """A user's tokens that have not expired, those that last longest first."""
        ...

    async def delete_token(self, token_hash: bytes) -> None: ...
